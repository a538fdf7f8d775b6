//! The goals that a page is held to, and what was measured of them.

use std::fmt::Write;

use serde::Serialize;

/// A number that a page is held to.
#[derive(Serialize)]
pub struct Goal {
    pub id: &'static str,
    pub must: Option<f64>,
    pub aim: Option<f64>,
    pub measured: Option<f64>,
    pub unit: &'static str,
    pub higher_is_better: bool,
}

impl Goal {
    /// `held_to` is what must be reached, and what is aimed at. Multiples of something honest are best small.
    pub fn new(id: &'static str, unit: &'static str, held_to: (Option<f64>, Option<f64>), found: Option<f64>) -> Self {
        let (must, aim) = held_to;
        Self { id, must, aim, measured: found, unit, higher_is_better: !unit.starts_with("multiple") }
    }

    /// A goal that is the better the smaller it is.
    pub fn at_most(self) -> Self {
        Self { higher_is_better: false, ..self }
    }
}

/// The goals as a table of a page.
pub fn table(goals: &[Goal]) -> String {
    let mut table = "| goal | must | aim | measured | unit |\n|---|---:|---:|---:|---|\n".to_owned();
    let cell = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.3}"));
    for g in goals {
        let (must, aim, measured) = (cell(g.must), cell(g.aim), cell(g.measured));
        writeln!(table, "| `{}` | {must} | {aim} | {measured} | {} |", g.id, g.unit).expect("a string takes all");
    }
    table
}
