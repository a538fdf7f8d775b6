//! Asks before something is paid.

use crate::failure::Failure;
use anyhow::Result;
use std::io::{BufRead, IsTerminal, Write};

/// Asks on the terminal whether to do this. Passes at once if the answer was given by `--yes`, and fails if nobody is
/// there to ask or if the answer is no.
pub fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let (input, mut output) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !output.is_terminal() {
        return Err(Failure::Unconfirmed(format!("{question} There is no terminal to ask on: say --yes")).into());
    }
    write!(output, "{question} [y/N] ")?;
    output.flush()?;
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Unconfirmed("nothing was paid and nothing was sent".into()).into()),
    }
}
