//! A verifier's part in the check of a training log, from its first segment to its decision.

use super::{
    dealing::Deal,
    duty::{Next, awaited_findings, next},
    silence::{Patience, Silence},
    word::Said,
};
use anyhow::{Result, bail};
use async_trait::async_trait;
use solana_pubkey::Pubkey;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// Patience is this many times as long as the slowest segment took here, because others may be slower.
const SLOWER: u32 = 4;

/// What a verifier needs of the world.
#[async_trait]
pub trait Bench: Sync {
    /// What this verifier has found so far.
    async fn own(&self) -> Result<Said>;

    /// What each of the other verifiers says now. `None` for one that does not answer.
    async fn others(&self) -> BTreeMap<Pubkey, Option<Said>>;

    /// Re-executes a segment and publishes the finding.
    async fn execute(&self, segment: usize) -> Result<()>;
}

/// Time between two looks at what the others say.
const LOOK: Duration = Duration::from_millis(500);

/// A dispute that did not hold: who raised it, and about which segment.
pub type FalseDispute = (Pubkey, usize);

/// Re-executes what is `me`'s to re-execute, until every segment of the log holds. Returns the disputes that turned out
/// false here.
///
/// Fails as soon as this verifier itself finds that a segment does not hold, or cannot re-execute one.
pub async fn verify(deal: &Deal, me: &Pubkey, bench: &impl Bench, patience: Patience) -> Result<Vec<FalseDispute>> {
    let clock = Instant::now();
    let (mut silence, mut awaited, mut slowest) = (Silence::default(), BTreeSet::new(), Duration::ZERO);
    loop {
        let own = bench.own().await?;
        let heard = bench.others().await;
        for member in heard.keys() {
            let findings = awaited_findings(deal, member, &heard, silence.so_far());
            silence.hear(*member, findings, clock.elapsed());
        }
        let patience = Patience { idle: patience.idle.max(slowest * SLOWER), ..patience };
        let silent = silence.silent(&awaited, patience, clock.elapsed());
        let others = heard.into_iter().filter_map(|(member, said)| Some((member, said?))).collect();
        match next(deal, me, &own, &others, silent) {
            Next::Execute(segment) => {
                let begun = Instant::now();
                bench.execute(segment).await?;
                slowest = slowest.max(begun.elapsed());
            }
            Next::Wait(members) => {
                awaited = members;
                tokio::time::sleep(LOOK.min(patience.unreachable)).await;
            }
            Next::Refuse(segment) => {
                bail!("segment {segment} of the training log does not hold: re-executed, it ends in another state")
            }
            Next::Sign => return Ok(false_disputes(&own, &others)),
        }
    }
}

fn false_disputes(own: &Said, others: &BTreeMap<Pubkey, Said>) -> Vec<FalseDispute> {
    let disputes = |(member, said): (&Pubkey, &Said)| {
        said.iter().filter(|(_, holds)| !**holds).map(|(s, _)| (*member, *s)).collect::<Vec<_>>()
    };
    others.iter().flat_map(disputes).filter(|(_, segment)| own.get(segment) == Some(&true)).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{log, segment::Run, word::Finding},
        *,
    };
    use openledger_lm::{
        Adapter, BaseModel, Example, LlamaConfig, LoraConfig, TrainConfig, TrainState, Trainer, sha256,
        train::{BatchPlan, replay_segment},
    };
    use openledger_sdk::artifact::{LogEntry, run_seed};
    use std::sync::{Arc, Mutex, OnceLock};

    const SEGMENTS: usize = 6;
    const PATIENCE: Patience = Patience { unreachable: Duration::from_millis(20), idle: Duration::from_millis(400) };

    /// A short job on a random model of two layers: two steps a segment.
    fn run() -> Run {
        let base = Arc::new(BaseModel::random(&LlamaConfig::tiny(), 7).unwrap());
        let config = TrainConfig {
            epochs: 2,
            batch_size: 1,
            max_len: 16,
            learning_rate: 5e-3,
            warmup_steps: 2,
            checkpoint_every: 2,
            lora: LoraConfig { rank: 2, ..Default::default() },
            ..Default::default()
        };
        let example =
            |n: u8| Example { id: [n; 32], tokens: (0..9).map(|i| u32::from(n * 9 + i)).collect(), loss_from: 1 };
        Run { base, config, examples: (0..6).map(example).collect(), start: None }
    }

    /// Two short runs of one job, which have as many segments together: two of two steps and one of a single step each.
    fn two_runs() -> [Run; 2] {
        let run = run();
        [0, 1].map(|number| Run {
            config: TrainConfig { epochs: 1, seed: run_seed(run.config.seed, number), ..run.config.clone() },
            examples: run.examples[..5].into(),
            ..run.clone()
        })
    }

    /// The states of the runs. `cheat` may change the state that each segment ends in, before the next one begins. It
    /// gets the segment's number, the run, and where the segment began and ended.
    fn states(runs: &[Run], mut cheat: impl FnMut(usize, &Run, &TrainState, TrainState) -> TrainState) -> Vec<Vec<u8>> {
        let (mut all, mut segment) = (Vec::new(), 0);
        for run in runs {
            let (base, config, examples) = (run.base.clone(), run.config.clone(), run.examples.clone());
            let trainer = Trainer::new(base.clone(), config.clone(), examples.clone()).unwrap();
            let (mut state, total) = (trainer.state().clone(), trainer.plan().total_steps());
            all.push(state.to_bytes().unwrap());
            while state.step < total {
                let to = (state.step + config.checkpoint_every).min(total);
                let end = replay_segment(base.clone(), &config, examples.clone(), state.clone(), to).unwrap();
                state = cheat(segment, run, &state, end);
                all.push(state.to_bytes().unwrap());
                segment += 1;
            }
        }
        assert_eq!(segment, SEGMENTS);
        all
    }

    fn honest() -> &'static [Vec<u8>] {
        static STATES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
        STATES.get_or_init(|| states(&[run()], |_, _, _, state| state))
    }

    /// The states of a trainer that let one document count twice in one segment, and went on from there.
    fn forged(runs: &[Run], at: usize) -> Vec<Vec<u8>> {
        states(runs, |segment, run, start, state| {
            if segment != at {
                return state;
            }
            let mut weights = vec![1.0; run.examples.len()];
            weights[BatchPlan::new(&run.config, run.examples.len()).batch(start.step)[0]] = 2.0;
            let trainer = Trainer::new(run.base.clone(), run.config.clone(), run.examples.clone()).unwrap();
            let mut trainer = trainer.with_example_weights(weights).unwrap().with_state(start.clone()).unwrap();
            while trainer.state().step < state.step {
                trainer.step().unwrap();
            }
            trainer.state().clone()
        })
    }

    /// What re-executing a segment of the log with these states finds.
    fn replay(runs: &[Run], states: &[Vec<u8>], segment: usize) -> Result<Finding> {
        let log = log(states);
        let part = log::segments(&log)[segment];
        let bytes = |entry: &LogEntry| states.iter().find(|s| sha256(s) == entry.state).unwrap();
        Ok(runs[part.run].replay(segment, part, bytes(part.from), bytes(part.to))?.finding)
    }

    fn log(states: &[Vec<u8>]) -> Vec<LogEntry> {
        states.iter().map(|s| LogEntry { step: TrainState::from_bytes(s).unwrap().step, state: sha256(s) }).collect()
    }

    /// The members' words in one place, as the network would carry them.
    type Words = Arc<Mutex<BTreeMap<Pubkey, Said>>>;

    struct Desk {
        runs: Vec<Run>,
        states: Vec<Vec<u8>>,
        me: Pubkey,
        members: Vec<Pubkey>,
        dead: Vec<Pubkey>,
        /// Says one more segment of `trickle` now and then, before patience with it ends.
        trickling: Option<Pubkey>,
        trickle: Vec<usize>,
        clock: Instant,
        words: Words,
        executed: Mutex<Vec<usize>>,
    }

    #[async_trait]
    impl Bench for Desk {
        async fn own(&self) -> Result<Said> {
            Ok(self.words.lock().unwrap().get(&self.me).cloned().unwrap_or_default())
        }

        async fn others(&self) -> BTreeMap<Pubkey, Option<Said>> {
            let mut words = self.words.lock().unwrap();
            if let Some(member) = self.trickling {
                let word = words.entry(member).or_default();
                let next = self.trickle.iter().find(|s| !word.contains_key(s)).copied();
                if let Some(segment) = next.filter(|_| self.clock.elapsed() > PATIENCE.idle / 2 * word.len() as u32) {
                    word.insert(segment, true);
                }
            }
            let said = |m: &Pubkey| (!self.dead.contains(m)).then(|| words.get(m).cloned().unwrap_or_default());
            self.members.iter().filter(|m| **m != self.me).map(|m| (*m, said(m))).collect()
        }

        async fn execute(&self, segment: usize) -> Result<()> {
            let finding = replay(&self.runs, &self.states, segment)?;
            self.executed.lock().unwrap().push(segment);
            self.words.lock().unwrap().entry(self.me).or_default().insert(segment, finding.within_band);
            tokio::task::yield_now().await;
            Ok(())
        }
    }

    /// A fleet of five: the first is the trainer, the `liars` have said what they will say, and the `dead` say nothing.
    struct Fleet {
        deal: Deal,
        members: Vec<Pubkey>,
        runs: Vec<Run>,
        states: Vec<Vec<u8>>,
        words: Words,
        dead: Vec<Pubkey>,
        trickling: Option<Pubkey>,
    }

    impl Fleet {
        fn new(states: &[Vec<u8>]) -> Self {
            Self::of(&[run()], states)
        }

        fn of(runs: &[Run], states: &[Vec<u8>]) -> Self {
            let members: Vec<Pubkey> = (0..5).map(|i| Pubkey::new_from_array([i + 1; 32])).collect();
            let each = SEGMENTS / runs.len();
            let deal = Deal::new(&[1; 32], &[2; 32], &members, &members[0], runs.len(), each);
            let (runs, states) = (runs.to_vec(), states.to_vec());
            Self { deal, members, runs, states, words: Words::default(), dead: Vec::new(), trickling: None }
        }

        /// Whether the member that trickles is the first in charge of a segment.
        fn owes(&self, segment: usize) -> bool {
            self.trickling.is_some() && self.deal.order(segment).first() == self.trickling.as_ref()
        }

        /// What each of `verifiers` decides, and what it re-executed, when they all work at once.
        async fn decide(&self, verifiers: &[Pubkey]) -> Vec<(Result<Vec<FalseDispute>>, Vec<usize>)> {
            let decide = |me: &Pubkey| {
                let desk = Desk {
                    runs: self.runs.clone(),
                    states: self.states.clone(),
                    me: *me,
                    members: self.members[1..].to_vec(),
                    dead: self.dead.clone(),
                    trickling: self.trickling,
                    trickle: (0..self.deal.segments()).filter(|s| !self.owes(*s)).collect(),
                    clock: Instant::now(),
                    words: self.words.clone(),
                    executed: Mutex::default(),
                };
                async move {
                    let decision = verify(&self.deal, &desk.me, &desk, PATIENCE).await;
                    (decision, desk.executed.into_inner().unwrap())
                }
            };
            futures::future::join_all(verifiers.iter().map(decide)).await
        }
    }

    #[tokio::test]
    async fn an_honest_log_is_signed_by_all_and_each_does_its_share() {
        let fleet = Fleet::new(honest());
        for (decision, executed) in fleet.decide(&fleet.members[1..]).await {
            assert_eq!(decision.unwrap(), []);
            assert_eq!(executed.len(), 3, "the two ends and one of four: {executed:?}");
        }
    }

    /// The states of a machine that rounds otherwise: in each segment every number is off by the part `by`, up or down.
    fn rounded(by: f32) -> Vec<Vec<u8>> {
        states(&[run()], |_, _, start, mut end| {
            let params = end.params.iter_mut().zip(&start.params);
            for (i, ((p, s), (m, v))) in params.zip(end.m.iter_mut().zip(&mut end.v)).enumerate() {
                let by = if i % 2 == 0 { by } else { -by };
                // Rounding is of the way that the parameters went, not of where they began.
                *p += by * (*p - s);
                *m *= 1.0 + by;
                *v *= 1.0 + by;
            }
            end
        })
    }

    #[tokio::test]
    async fn members_that_round_otherwise_sign_and_their_differences_do_not_add_up() {
        let fleet = Fleet::new(&rounded(1e-4));
        for (decision, executed) in fleet.decide(&fleet.members[1..]).await {
            assert_eq!(decision.unwrap(), []);
            for segment in executed {
                let finding = replay(&fleet.runs, &fleet.states, segment).unwrap();
                assert_ne!(finding.reached, finding.expected, "no segment is equal bit for bit");
            }
        }
        let fleet = Fleet::new(&rounded(1e-3));
        assert!(fleet.decide(&fleet.members[1..]).await.iter().all(|(decision, _)| decision.is_err()));
    }

    #[tokio::test]
    async fn a_forgery_of_any_segment_is_signed_by_nobody() {
        for segment in 0..SEGMENTS {
            let fleet = Fleet::new(&forged(&[run()], segment));
            for (decision, _) in fleet.decide(&fleet.members[1..]).await {
                let refusal = format!("{:#}", decision.unwrap_err());
                assert!(refusal.contains(&format!("segment {segment} of")), "{segment}: {refusal}");
            }
        }
    }

    #[tokio::test]
    async fn two_honest_runs_are_signed_and_a_forgery_in_either_of_them_is_signed_by_nobody() {
        let runs = two_runs();
        let fleet = Fleet::of(&runs, &states(&runs, |_, _, _, state| state));
        for (decision, executed) in fleet.decide(&fleet.members[1..]).await {
            assert_eq!(decision.unwrap(), []);
            let ends = [0, 2, 3, 5].iter().all(|end| executed.contains(end));
            assert!(
                ends && (4..=5).contains(&executed.len()),
                "both ends of each run, and a part of two: {executed:?}"
            );
        }
        for segment in 0..SEGMENTS {
            let fleet = Fleet::of(&runs, &forged(&runs, segment));
            for (decision, _) in fleet.decide(&fleet.members[1..]).await {
                let refusal = format!("{:#}", decision.unwrap_err());
                assert!(refusal.contains(&format!("segment {segment} of")), "{segment}: {refusal}");
            }
        }
    }

    #[tokio::test]
    async fn a_liar_can_vouch_for_neither_end_of_any_run() {
        let runs = two_runs();
        for segment in 0..SEGMENTS {
            let fleet = Fleet::of(&runs, &forged(&runs, segment));
            let liar = fleet.members[4];
            fleet.words.lock().unwrap().insert(liar, (0..SEGMENTS).map(|s| (s, true)).collect());
            let signed = fleet.decide(&fleet.members[1..4]).await.iter().all(|(decision, _)| decision.is_ok());
            assert_eq!(signed, fleet.deal.order(segment).first() == Some(&liar), "segment {segment}");
            assert!(!signed || [1, 4].contains(&segment));
        }
    }

    #[test]
    fn a_second_run_begins_from_the_adapter_of_its_own_seed() {
        let runs = two_runs();
        let honest = states(&runs, |_, _, _, state| state);
        assert!(replay(&runs, &honest, 3).unwrap().within_band);
        // A run that repeats the first one, and one that goes on from where the first one ended.
        let repeated = [&honest[..4], &honest[..4]].concat();
        let ended = TrainState::from_bytes(&honest[3]).unwrap();
        let mut resumed = honest.clone();
        resumed[4] = TrainState::new(ended.params).to_bytes().unwrap();
        for states in [repeated, resumed] {
            let refused = replay(&runs, &states, 3).unwrap_err();
            assert!(format!("{refused:#}").contains("run 1 of the log does not start from the seed's"), "{refused:#}");
        }
    }

    #[tokio::test]
    async fn the_segments_of_two_dead_members_are_seen_by_those_who_live() {
        let alive = |states: &[Vec<u8>]| {
            let mut fleet = Fleet::new(states);
            fleet.dead = fleet.members[3..].to_vec();
            fleet
        };
        let fleet = alive(honest());
        let done = fleet.decide(&fleet.members[1..3]).await;
        assert!(done.iter().all(|(decision, _)| decision.is_ok()));
        let seen: BTreeSet<usize> = done.iter().flat_map(|(_, executed)| executed.clone()).collect();
        assert_eq!(seen, (0..SEGMENTS).collect());
        for segment in 1..SEGMENTS - 1 {
            let fleet = alive(&forged(&[run()], segment));
            let done = fleet.decide(&fleet.members[1..3]).await;
            assert!(done.iter().all(|(decision, _)| decision.is_err()), "{segment}");
        }
    }

    #[tokio::test]
    async fn a_member_that_answers_and_finds_nothing_is_not_waited_for_for_ever() {
        let fleet = Fleet::new(honest());
        let done = fleet.decide(&fleet.members[1..4]).await;
        assert!(done.iter().all(|(decision, _)| decision.is_ok()));
    }

    #[tokio::test]
    async fn a_member_that_trickles_findings_that_nobody_waits_for_is_not_waited_for_longer() {
        let mut fleet = Fleet::new(honest());
        fleet.trickling = Some(fleet.members[4]);
        let done = tokio::time::timeout(PATIENCE.idle * 5 / 2, fleet.decide(&fleet.members[1..4])).await;
        let done = done.expect("the segments of the silent fall to the next");
        assert!(done.iter().all(|(decision, _)| decision.is_ok()));
    }

    #[tokio::test]
    async fn a_liar_can_vouch_only_for_what_it_is_in_charge_of() {
        for segment in 0..SEGMENTS {
            let fleet = Fleet::new(&forged(&[run()], segment));
            let liar = fleet.members[4];
            fleet.words.lock().unwrap().insert(liar, (0..SEGMENTS).map(|s| (s, true)).collect());
            let signed = fleet.decide(&fleet.members[1..4]).await.iter().all(|(decision, _)| decision.is_ok());
            assert_eq!(signed, fleet.deal.order(segment).first() == Some(&liar), "segment {segment}");
        }
    }

    #[tokio::test]
    async fn a_false_dispute_names_its_author_and_stops_nothing() {
        let fleet = Fleet::new(honest());
        let liar = fleet.members[2];
        fleet.words.lock().unwrap().insert(liar, Said::from([(3, false)]));
        let mine = (1..SEGMENTS - 1).find(|s| fleet.deal.order(*s)[0] == liar).unwrap();
        fleet.words.lock().unwrap().get_mut(&liar).unwrap().insert(mine, mine != 3);
        for (decision, executed) in fleet.decide(&[fleet.members[1], fleet.members[3], fleet.members[4]]).await {
            assert_eq!(decision.unwrap(), [(liar, 3)]);
            assert!(executed.contains(&3));
        }
    }

    #[tokio::test]
    async fn a_state_that_is_no_state_is_found_at_the_end_of_its_segment() {
        for at in 1..=SEGMENTS {
            let mut states = honest().to_vec();
            let mut broken = TrainState::from_bytes(&states[at]).unwrap();
            broken.params[0] = f32::NAN;
            states[at] = broken.to_bytes().unwrap();
            assert!(!replay(&[run()], &states, at - 1).unwrap().within_band);
        }
    }

    #[test]
    fn the_first_segment_begins_from_the_seeds_adapter() {
        let run = run();
        let other = Adapter::init(&run.base, &run.config.lora, run.config.seed + 1).unwrap();
        let mut states = honest().to_vec();
        states[0] = TrainState::new(other.to_flat().unwrap()).to_bytes().unwrap();
        let refused = replay(std::slice::from_ref(&run), &states, 0).unwrap_err();
        assert!(format!("{refused:#}").contains("initial adapter"));
        let finding = replay(&[run], honest(), 0).unwrap();
        assert!(finding.within_band && finding.reached == finding.expected);
    }

    #[test]
    fn the_first_segment_of_a_child_begins_from_the_parents_adapter() {
        let run = run();
        let parents = Adapter::init(&run.base, &run.config.lora, run.config.seed + 1).unwrap();
        let start = TrainState::new(parents.to_flat().unwrap());
        let to = run.config.checkpoint_every;
        let end = replay_segment(run.base.clone(), &run.config, run.examples.clone(), start.clone(), to).unwrap();
        let states = [start.to_bytes().unwrap(), end.to_bytes().unwrap()];
        let child = [Run { start: Some(parents), ..run }];
        assert!(replay(&child, &states, 0).unwrap().within_band);
        let refused = replay(&child, honest(), 0).unwrap_err();
        assert!(format!("{refused:#}").contains("the parent's adapter"));
    }
}
