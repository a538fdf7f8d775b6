//! Asks before something is paid.
//!
//! A command asks if it takes OPEN from the wallet, or SOL beyond fees (the rent of an account that it makes), or if it cannot
//! be taken back. What costs a fee alone is not asked about: claims, reviews, reveals, and what returns something.

use crate::failure::Failure;
use anyhow::Result;
use std::io::{BufRead, IsTerminal, Write};

/// Fails if [`confirm`] could get no answer. For commands that have much to do before they know what to ask.
pub fn answerable(yes: bool) -> Result<()> {
    if yes || there_is_a_terminal() { Ok(()) } else { Err(nobody("This command asks before it pays.")) }
}

/// Asks on the terminal whether to do this. Passes at once if the answer was given by `--yes`, and fails if nobody is
/// there to ask or if the answer is no.
pub fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !there_is_a_terminal() {
        return Err(nobody(question));
    }
    let (input, mut output) = (std::io::stdin(), std::io::stderr());
    write!(output, "{question} [y/N] ")?;
    output.flush()?;
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Unconfirmed("nothing was paid and nothing was sent".into()).into()),
    }
}

fn there_is_a_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn nobody(question: &str) -> anyhow::Error {
    Failure::Unconfirmed(format!("{question} There is no terminal to ask on: say --yes")).into()
}
