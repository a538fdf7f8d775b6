//! Attacks on the pay of the tiny job by owners who optimise: questions to oneself, and documents that are chosen or
//! rewritten to score.
//!
//! ```text
//! RAYON_NUM_THREADS=2 CANDLE_NUM_THREADS=1 cargo run -p openledger-laboratory --example attackers -- \
//!     [base=FILE] [seeds=7,8,9] [rounds=6] [truths=8] [rule=JSON] [wash=0] [json=FILE]
//! ```
//! The pay is that of isolated answers: the estimate of several logged states, each answer's fee divided by its own
//! positive scores × tokens. `rule` is a rule of `openledger_pay::normalise` for documents whose gradients are large, for
//! example `{"kind":"guard","limit":2.0}`. The attacker knows the trained model, the index and the answers of the epoch,
//! and not the answers that come later. It controls neither base model, nor seed, nor the training.
//!
//! - *wash*: owners of 1, 10 and 40 % of the documents ask themselves, and choose the best of many prompts, lengths (one
//!   token too), temperatures and seeds. Printed is what comes back of a unit of the contributors' part.
//! - *added documents*: an owner of 10 documents adds 10 more. `honest` ones are drawn from the same kind of text,
//!   `chosen` are the best of a pool by the scores of the honest run, `rewritten` are its own documents changed letter by
//!   letter, as long as that raises the scores, and `aimed` are the best for the answers that the best-paid owner, the
//!   victim, lives from. Printed is the part of all pay that they get, that part over the honest documents', the owner's
//!   and the victim's pay over that before, and what the documents are worth to those who ask: how much the loss on the
//!   answers rises in `truths` trainings without them, in thousandths.
//! - *merged*: the owner registers its 10 documents as 5, two joined in each.

#[path = "support/job.rs"]
mod job;
#[allow(dead_code)] // the tables of other examples have more methods
#[path = "support/methods.rs"]
mod methods;
#[allow(dead_code)] // the linear datamodeling score is measured elsewhere
#[path = "support/tiny_job.rs"]
mod tiny_job;

use anyhow::{Context, Result, bail};
use job::Job;
use methods::{densities, held_back, paying};
use openledger_attribution::{Attributor, Logra, Query};
use openledger_laboratory::{
    evaluate::{
        reliability::{Pay, by_owner},
        retrain::losses_without,
        subsets::leave_out,
        transformations,
    },
    gaming::wash::{Paid, all_together, each_by_itself, equal, returned},
};
use openledger_lm::{Example, SamplingConfig, Tokenizer, generate, sha256};
use openledger_pay::normalise::Normalisation;
use serde::Serialize;
use std::{fmt, ops::ControlFlow, path::PathBuf, sync::Arc};
use tiny_job::JobOptions;

/// Documents of an owner, and documents that it adds.
const OWN: usize = 10;
/// Documents to choose from.
const POOL: usize = 200;
/// The contributors' part of an answer's fee, in base units.
const FEE: u64 = 1_000_000_000;

/// The honest addition, to which the others are compared.
const HONEST: &str = "honest";
/// What an owner adds.
const ATTACKS: [&str; 4] = [HONEST, "chosen by score", "rewritten letter by letter", "aimed at the best-paid owner"];
/// The answers that pay: those that the attacker knew, and others of the same kind that came later.
const TIMES: [&str; 2] = ["same", "later"];
/// How answers are divided.
const ISOLATED: &str = "each by itself";

/// How much an answer's loss rises without some documents, on average.
#[derive(Clone, Copy, Serialize)]
struct Worth {
    /// Over all answers.
    net: f64,
    /// Over all answers, where those that get better without the documents count as 0. Pay is of this kind: a document
    /// does not pay for an answer that it harms.
    helped: f64,
}

struct Lab {
    tokenizer: Arc<Tokenizer>,
    base: Arc<openledger_lm::BaseModel>,
    queries: Vec<Query>,
    seed: u64,
    /// Training seeds over which the worth of documents is measured.
    truths: u64,
    rule: Normalisation,
}

impl Lab {
    fn train(&self, examples: &[Example]) -> Result<Job> {
        Job::train(self.base.clone(), self.tokenizer.clone(), tiny_job::config(self.seed), examples.to_vec().into())
    }

    /// Isolated pay of the job's documents through the answers to `asked`.
    fn pay(&self, job: &Job, asked: &[Query]) -> Result<Pay> {
        let estimate = paying(job)?;
        Ok(Pay::isolated(&scores(&estimate, asked)?, &factors(&estimate, job, self.rule, None)?))
    }

    /// What additional documents are really worth to those who ask, for each list of questions. `truths` training
    /// seeds of their own are trained with and without them.
    fn worth(&self, honest: &[Example], more: &[Example], asked: &[&[Query]]) -> Result<Vec<Worth>> {
        let all: Arc<[Example]> = [honest, more].concat().into();
        let added: Vec<usize> = (honest.len()..all.len()).collect();
        let together: Vec<Query> = asked.iter().flat_map(|some| some.iter().cloned()).collect();
        // Two halves of the seeds: what one half says of the signs does not share its noise with the other.
        let mut rises = [vec![0.0; together.len()], vec![0.0; together.len()]];
        for i in 0..self.truths {
            let config = tiny_job::config(self.seed + 1_000_000 * (i + 1));
            let after = losses_without(&self.base, &config, &all, &[Vec::new(), added.clone()], &together)?;
            let sums = rises[i as usize % 2].iter_mut();
            sums.zip(after[1].iter().zip(&after[0])).for_each(|(sum, (without, with))| *sum += without - with);
        }
        let (mut from, mut found) = (0, Vec::new());
        for some in asked {
            let own = from..from + some.len();
            let count = (self.truths as usize * some.len()) as f64;
            let [a, b] = [&rises[0][own.clone()], &rises[1][own.clone()]];
            let both = a.iter().zip(b);
            found.push(Worth {
                net: both.clone().map(|(a, b)| a + b).sum::<f64>() / count,
                helped: both.map(|(a, b)| f64::from(*a > 0.0) * b + f64::from(*b > 0.0) * a).sum::<f64>() / count,
            });
            from = own.end;
        }
        Ok(found)
    }

    /// What documents would score if they were in the job's index: answers × documents. They are not trained on.
    fn pool(&self, job: &Job, documents: &[Example]) -> Result<Vec<Vec<f64>>> {
        let pool = Job {
            base: job.base.clone(),
            tokenizer: job.tokenizer.clone(),
            config: job.config.clone(),
            examples: documents.to_vec().into(),
            states: job.states.clone(),
            adapter: job.adapter.clone(),
        };
        let (own, estimate) = (paying(job)?, paying(&pool)?);
        let usual = densities(&own, job)?;
        let sizes = factors(&estimate, &pool, self.rule, Some(&usual))?;
        let sized = |s: Vec<f64>| s.iter().zip(&sizes).map(|(s, n)| (s * n).max(0.0)).collect();
        Ok(scores(&estimate, &self.queries)?.into_iter().map(sized).collect())
    }
}

/// What the scores of a job's documents are multiplied by, as `rule` says. `usual` has the densities of the documents
/// whose median counts, if they are others.
fn factors(estimate: &Logra, job: &Job, rule: Normalisation, usual: Option<&[f64]>) -> Result<Vec<f64>> {
    let held = held_back(rule, &densities(estimate, job)?, usual);
    Ok(targets(&job.examples).into_iter().zip(held).map(|(n, held)| n * held).collect())
}

fn scores(method: &Logra, queries: &[Query]) -> Result<Vec<Vec<f64>>> {
    queries.iter().map(|q| Ok(Attributor::score(method, q)?.values.into_iter().map(f64::from).collect())).collect()
}

fn targets(examples: &[Example]) -> Vec<f64> {
    examples.iter().map(|e| e.targets() as f64).collect()
}

fn main() -> Result<()> {
    let (mut options, mut seeds, mut rounds) = (JobOptions::default(), vec![7u64], 6);
    let (mut truths, mut rule, mut washes) = (8, Normalisation::None, true);
    let mut output = None::<PathBuf>;
    for argument in std::env::args().skip(1) {
        match argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))? {
            ("seeds", value) => seeds = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            ("rounds", value) => rounds = value.parse()?,
            ("truths", value) => truths = value.parse()?,
            ("rule", value) => rule = serde_json::from_str(value)?,
            ("wash", value) => washes = value != "0",
            ("json", value) => output = Some(value.into()),
            (key, value) if options.set(key, value)? => {}
            _ => bail!("`{argument}` is not known"),
        }
    }
    let tokenizer = Arc::new(Tokenizer::bytes());
    let base = tiny_job::base(&options, &tokenizer)?;
    let mut found = Found::default();
    for seed in seeds {
        let queries = transformations::queries(&tokenizer, options.queries, 999)?;
        let lab = Lab { tokenizer: tokenizer.clone(), base: base.clone(), queries, seed, truths, rule };
        let examples = transformations::examples(&tokenizer, options.examples, 11, &transformations::ALL, false)?;
        let job = lab.train(&examples)?;
        if washes {
            wash(&lab, &job, &mut found)?;
        }
        added(&lab, &job, rounds, &mut found)?;
        eprintln!("seed {seed} is done");
    }
    found.summarise();
    print!("{found}");
    if let Some(file) = output {
        std::fs::write(file, serde_json::to_vec_pretty(&found)?)?;
    }
    Ok(())
}

/// What all seeds gave.
#[derive(Default, Serialize)]
struct Found {
    wash: Vec<Washed>,
    added: Vec<Added>,
    merged: Vec<Merged>,
    summary: Vec<Summary>,
}

#[derive(Serialize)]
struct Washed {
    seed: u64,
    /// The owner's part of the documents.
    percent: usize,
    way: &'static str,
    /// Questions to choose from.
    questions: usize,
    /// What comes back of a unit of the contributors' part.
    returned: f64,
}

#[derive(Serialize)]
struct Added {
    seed: u64,
    attack: &'static str,
    answers: &'static str,
    /// Part of all pay that the added documents get.
    part: f64,
    /// The owner's pay, and the victim's, over their pay before.
    owner: f64,
    victim: f64,
    worth: Worth,
}

#[derive(Serialize)]
struct Merged {
    seed: u64,
    over_before: f64,
}

/// Means over all seeds.
#[derive(Serialize)]
struct Summary {
    attack: &'static str,
    answers: &'static str,
    part: f64,
    /// The part over that of as many honest documents; its least and greatest over seeds.
    over_honest: f64,
    between: [f64; 2],
    owner: f64,
    victim: f64,
    worth: Worth,
    /// The worth where they help over that of as many honest documents.
    worth_over_honest: f64,
}

impl Found {
    fn summarise(&mut self) {
        let mean = |of: Vec<f64>| of.iter().sum::<f64>() / of.len() as f64;
        for answers in TIMES {
            let of = |attack: &str| -> Vec<&Added> {
                self.added.iter().filter(|a| a.attack == attack && a.answers == answers).collect()
            };
            let all = |of: &[&Added], field: fn(&Added) -> f64| mean(of.iter().map(|a| field(a)).collect());
            let honest = of(HONEST);
            for attack in ATTACKS {
                let own = of(attack);
                let ratios: Vec<f64> = own.iter().zip(&honest).map(|(a, h)| a.part / h.part).collect();
                let worth = Worth { net: all(&own, |a| a.worth.net), helped: all(&own, |a| a.worth.helped) };
                self.summary.push(Summary {
                    attack,
                    answers,
                    part: all(&own, |a| a.part),
                    over_honest: all(&own, |a| a.part) / all(&honest, |a| a.part),
                    between: [
                        ratios.iter().copied().fold(f64::MAX, f64::min),
                        ratios.iter().copied().fold(f64::MIN, f64::max),
                    ],
                    owner: all(&own, |a| a.owner),
                    victim: all(&own, |a| a.victim),
                    worth_over_honest: worth.helped / all(&honest, |a| a.worth.helped),
                    worth,
                });
            }
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "{:<30} {:<6} | part of pay, over honest [seeds] | owner  victim | worth  where it helps, over honest",
            "added documents", "answers"
        )?;
        for s in &self.summary {
            let Summary { part, over_honest, between: [least, most], owner, victim, worth, worth_over_honest, .. } = s;
            let (net, helped) = (1e3 * worth.net, 1e3 * worth.helped);
            writeln!(
                f,
                "{:<30} {:<7} | {part:.3} {over_honest:>5.2} [{least:.2}, {most:.2}]         | {owner:>5.2} {victim:>7.2} | {net:>5.1} {helped:>6.1} {worth_over_honest:>6.2}",
                s.attack, s.answers
            )?;
        }
        for m in &self.merged {
            writeln!(f, "seed {}: the own 10 documents as 5 are paid {:.2} of before", m.seed, m.over_before)?;
        }
        for w in &self.wash {
            writeln!(
                f,
                "seed {}: wash by an owner of {:>2} %, the best of {} questions, {}: returns {:.3}",
                w.seed, w.percent, w.questions, w.way, w.returned
            )?;
        }
        Ok(())
    }
}

/// Questions that a self-asker may choose from: prompts × (temperature, seed, most tokens).
fn candidates(lab: &Lab, job: &Job) -> Result<Vec<Query>> {
    let prompts = transformations::queries(&lab.tokenizer, 40, 4_321)?;
    let samplings = [(0.0, 1, 16), (0.7, 1, 16), (1.5, 2, 16), (0.0, 1, 1), (1.5, 3, 1)];
    let mut questions = Vec::new();
    for prompt in &prompts {
        let prompt = &prompt.items()[0].tokens[..prompt.items()[0].loss_from];
        for (temperature, seed, max_tokens) in samplings {
            let sampling = SamplingConfig { temperature, seed, max_tokens, ..Default::default() };
            let go_on = |_, _: &str| ControlFlow::Continue(());
            let answer = generate(&lab.base, &job.adapter, &lab.tokenizer, prompt, &sampling, go_on)?.tokens;
            if !answer.is_empty() {
                questions.push(Query::answer([prompt, &answer].concat(), prompt.len())?);
            }
        }
    }
    Ok(questions)
}

fn wash(lab: &Lab, job: &Job, found: &mut Found) -> Result<()> {
    let estimate = paying(job)?;
    let sizes = factors(&estimate, job, lab.rule, None)?;
    let paid = |scores: Vec<Vec<f64>>| -> Vec<Paid> {
        let sized = |s: Vec<f64>| s.iter().zip(&sizes).map(|(s, n)| s * n).collect();
        scores.into_iter().map(|s| Paid { contributors: FEE, scores: sized(s) }).collect()
    };
    let others = paid(scores(&estimate, &lab.queries)?);
    let own = paid(scores(&estimate, &candidates(lab, job)?)?);
    let (n, rest) = (job.examples.len(), equal(job.examples.len()));
    for percent in [1, 10, 40] {
        // Whole classes as far as they go, which is the best that an owner of so many documents can have.
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|i| (i % transformations::COUNT, *i));
        let owned: Vec<usize> = order[..n * percent / 100].to_vec();
        let owns = |i: usize| owned.contains(&i);
        let best = |divide: &dyn Fn(&[Paid]) -> Vec<u64>| {
            let of = |one: &Paid| returned(divide, &others, std::slice::from_ref(one), owns);
            own.iter().map(of).fold(f64::MIN, f64::max)
        };
        let (isolated, together) = (best(&|a| each_by_itself(a, &rest)), best(&|a| all_together(a, &rest)));
        for (way, returned) in [(ISOLATED, isolated), ("all together", together)] {
            found.wash.push(Washed { seed: lab.seed, percent, way, questions: own.len(), returned });
        }
    }
    Ok(())
}

/// Owner of each document of the honest job: ten of one class each.
fn owner(document: usize) -> usize {
    document % 10 * 4 + document / 10 % 4
}

/// Pay of an owner of the job's documents. Documents after the honest ones are the attacker's, who is owner 0.
fn earned(pay: &Pay, honest: usize, of: usize) -> f64 {
    let owners: Vec<usize> = (0..pay.total.len()).map(|i| if i < honest { owner(i) } else { 0 }).collect();
    by_owner(&pay.total, &owners)[of]
}

fn added(lab: &Lab, job: &Job, rounds: usize, found: &mut Found) -> Result<()> {
    let honest: Vec<Example> = job.examples.to_vec();
    let count = honest.len();
    let before = lab.pay(job, &lab.queries)?;
    let owners: Vec<usize> = (0..count).map(owner).collect();
    let paid_before = by_owner(&before.total, &owners);
    let victim = (1..paid_before.len()).max_by(|a, b| paid_before[*a].total_cmp(&paid_before[*b])).context("owners")?;

    let pool = transformations::examples(&lab.tokenizer, POOL, 7_777, &transformations::ALL, false)?;
    let by_answer = lab.pool(job, &pool)?;
    let best = |weights: &[f64]| -> Vec<Example> {
        let total: Vec<f64> =
            (0..pool.len()).map(|i| by_answer.iter().zip(weights).map(|(s, w)| s[i] * w).sum()).collect();
        let mut order: Vec<usize> = (0..pool.len()).collect();
        order.sort_by(|a, b| total[*b].total_cmp(&total[*a]));
        order[..OWN].iter().map(|i| pool[*i].clone()).collect()
    };
    // An answer counts by the inverse of what is positive in it, because its fee is divided by that.
    let own = paying(job)?;
    let scored = scores(&own, &lab.queries)?;
    let sizes = factors(&own, job, lab.rule, None)?;
    let even: Vec<f64> = scored
        .iter()
        .map(|s| 1.0 / s.iter().zip(&sizes).map(|(s, n)| (s * n).max(0.0)).sum::<f64>().max(f64::MIN_POSITIVE))
        .collect();
    let of_victim: Vec<f64> = before
        .answers
        .iter()
        .zip(&even)
        .map(|(shares, even)| {
            even * shares.iter().zip(&owners).filter(|(_, o)| **o == victim).map(|(s, _)| s).sum::<f64>()
        })
        .collect();

    let drawn = leave_out(POOL, (OWN as f64 + 0.5) / POOL as f64, 1, lab.seed)?.remove(0);
    let plain: Vec<Example> = drawn.iter().map(|i| pool[*i].clone()).collect();
    let mine: Vec<Example> = (0..count).filter(|i| owner(*i) == 0).map(|i| honest[i].clone()).collect();
    let tried = [plain, best(&even), rewritten(lab, job, mine, &even, rounds)?, best(&of_victim)];
    let later = transformations::queries(&lab.tokenizer, lab.queries.len(), 998)?;
    let later_before = lab.pay(job, &later)?;
    for (attack, more) in ATTACKS.into_iter().zip(tried) {
        let all = lab.train(&[&honest[..], &more[..]].concat())?;
        let worth = lab.worth(&honest, &more, &[&lab.queries, &later])?;
        let times = [(&lab.queries, &before), (&later, &later_before)];
        for ((answers, (asked, before)), worth) in TIMES.into_iter().zip(times).zip(worth) {
            let pay = lab.pay(&all, asked)?;
            let owners_before = by_owner(&before.total, &owners);
            found.added.push(Added {
                seed: lab.seed,
                attack,
                answers,
                part: pay.total[count..].iter().sum::<f64>() / pay.total.iter().sum::<f64>(),
                owner: earned(&pay, count, 0) / owners_before[0],
                victim: earned(&pay, count, victim) / owners_before[victim],
                worth,
            });
        }
    }
    found.merged.push(Merged { seed: lab.seed, over_before: merged(lab, &honest)? / paid_before[0] });
    Ok(())
}

/// The documents changed letter by letter. In each round every document has a few variants with one token of what is
/// learned replaced, and keeps the best.
fn rewritten(lab: &Lab, job: &Job, mut documents: Vec<Example>, even: &[f64], rounds: usize) -> Result<Vec<Example>> {
    const VARIANTS: usize = 8;
    for round in 0..rounds {
        let mut all = Vec::new();
        for (d, document) in documents.iter().enumerate() {
            all.push(document.clone());
            for v in 0..VARIANTS {
                let lot = sha256(format!("{} {round} {d} {v}", lab.seed).as_bytes());
                let mut variant = document.clone();
                let at = document.loss_from + usize::from(lot[0]) % document.targets();
                // Letters, digits and what stands between them.
                variant.tokens[at] = u32::from(b' ' + lot[1] % 95);
                all.push(variant);
            }
        }
        let by_answer = lab.pool(job, &all)?;
        let worth = |i: usize| by_answer.iter().zip(even).map(|(s, w)| s[i] * w).sum::<f64>();
        for (d, document) in documents.iter_mut().enumerate() {
            let group = d * (VARIANTS + 1)..(d + 1) * (VARIANTS + 1);
            let best = group.max_by(|a, b| worth(*a).total_cmp(&worth(*b))).context("variants")?;
            *document = all[best].clone();
        }
    }
    // Their ids are their own, so that they are not taken for the documents that they came from.
    for (d, document) in documents.iter_mut().enumerate() {
        document.id = sha256(format!("rewritten {} {d}", lab.seed).as_bytes());
    }
    Ok(documents)
}

/// Pay of owner 0 if it registers its documents joined in pairs. Of the second only what is learned counts, and its
/// prompt stands between.
fn merged(lab: &Lab, honest: &[Example]) -> Result<f64> {
    let (own, others): (Vec<usize>, Vec<usize>) = (0..honest.len()).partition(|i| owner(*i) == 0);
    let joined = own.chunks(2).map(|pair| {
        let mut one = honest[pair[0]].clone();
        if let Some(second) = pair.get(1) {
            one.tokens.extend(&honest[*second].tokens);
        }
        one.truncated(64)
    });
    let kept: Vec<Example> = others.iter().map(|i| honest[*i].clone()).collect();
    let count = kept.len();
    let pay = lab.pay(&lab.train(&kept.into_iter().chain(joined).collect::<Vec<_>>())?, &lab.queries)?;
    Ok(pay.total[count..].iter().sum())
}
