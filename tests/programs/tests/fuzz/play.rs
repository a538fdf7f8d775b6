//! Plays histories, and shortens those that fail.

use crate::{
    actions::{self, Action},
    crowd::Crowd,
    dice::Dice,
};
use std::{collections::BTreeMap, fmt};

/// Steps after which a history begins anew, because the growing number of accounts slows a long one down.
const EPISODE: u64 = 1_000;
/// Most histories that are tried to shorten a failing one.
const TRIES: usize = 400;

/// For each action, how often it was accepted and how often it was tried.
#[derive(Debug, Default)]
pub struct Report(BTreeMap<&'static str, (u64, u64)>);

/// A failing history.
#[derive(Debug)]
pub struct Failure {
    pub problem: String,
    /// The actions of the shortest failing history.
    pub history: Vec<&'static str>,
}

pub struct Play {
    start: Crowd,
    pub actions: Vec<Action>,
}

impl Play {
    pub fn new() -> Self {
        Self { start: Crowd::new(), actions: actions::all() }
    }

    /// Plays `steps` steps. Panics with the shortest failing history.
    pub fn run(&self, seed: u64, steps: u64) -> Report {
        self.try_run(seed, steps).unwrap_or_else(|failure| {
            panic!("seed {seed}, {steps} steps: {}\nthe shortest such history: {:#?}", failure.problem, failure.history)
        })
    }

    pub fn try_run(&self, seed: u64, steps: u64) -> Result<Report, Failure> {
        let mut report = Report::default();
        for begin in (0..steps).step_by(EPISODE as usize) {
            let episode: Vec<u64> = (begin..steps.min(begin + EPISODE)).collect();
            if let Err((at, problem)) = self.play(seed, &episode, &mut report) {
                return Err(Failure { problem, history: self.shortest(seed, episode[..=at].to_vec()) });
            }
        }
        Ok(report)
    }

    /// Plays these steps of a seed. The error names the step after which an invariant is broken.
    fn play(&self, seed: u64, steps: &[u64], report: &mut Report) -> Result<(), (usize, String)> {
        let mut crowd = self.start.clone();
        for (at, step) in steps.iter().enumerate() {
            let mut dice = Dice::new(seed, *step);
            let action = self.choose(&mut dice);
            let tried = (action.act)(&mut crowd, &mut dice);
            let accepted = match tried {
                None => continue,
                Some(attempt) => crowd.send(attempt).map_err(|problem| (at, problem))?,
            };
            crowd.check().map_err(|problem| (at, format!("after {}: {problem}", action.name)))?;
            let (tries, successes) = report.0.entry(action.name).or_default();
            *tries += 1;
            *successes += u64::from(accepted);
        }
        Ok(())
    }

    fn choose(&self, dice: &mut Dice) -> &Action {
        let all: u64 = self.actions.iter().map(|a| a.weight).sum();
        let mut at = dice.below(all);
        for action in &self.actions {
            match at.checked_sub(action.weight) {
                Some(rest) => at = rest,
                None => return action,
            }
        }
        unreachable!("the weights sum to all")
    }

    /// Removes ever smaller parts of a history while the rest still fails. Each step has its own dice, so that removing
    /// one does not change the choices of the others.
    fn shortest(&self, seed: u64, mut steps: Vec<u64>) -> Vec<&'static str> {
        let (mut part, mut tries) = (steps.len() / 2, 0);
        while part > 0 && tries < TRIES {
            let mut at = 0;
            while at < steps.len() && tries < TRIES {
                let mut fewer = steps.clone();
                fewer.drain(at..(at + part).min(fewer.len()));
                tries += 1;
                match self.play(seed, &fewer, &mut Report::default()) {
                    Err((last, _)) => {
                        fewer.truncate(last + 1);
                        steps = fewer;
                    }
                    Ok(()) => at += part,
                }
            }
            part /= 2;
        }
        steps.iter().map(|step| self.choose(&mut Dice::new(seed, *step)).name).collect()
    }
}

impl Report {
    /// Fails if too many actions never succeeded, because then the history does not test them. From 20,000 steps on
    /// every action must succeed. Shorter histories may miss a few by chance; those of under 1,000 steps are not
    /// checked.
    pub fn actions_succeeded(&self, steps: u64) {
        let honest = self.0.iter().filter(|(name, _)| !name.starts_with('!'));
        let (done, never): (Vec<_>, Vec<_>) = honest.partition(|(_, (_, accepted))| *accepted > 0);
        let least = if steps >= 20_000 { done.len() + never.len() } else { 4 * never.len() };
        assert!(steps < 1_000 || done.len() >= least, "never accepted: {never:?}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (name, (tries, done)) in &self.0 {
            writeln!(f, "{name:24} {done:>6} of {tries:>6} accepted")?;
        }
        Ok(())
    }
}
