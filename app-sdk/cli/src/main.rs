//! The `openledger` command: contribute data, review it, train and ask models, claim what was earned.

mod command;
mod confirm;
mod documents;
mod failure;
mod output;
mod sent;
mod settings;

use clap::{CommandFactory, Parser, Subcommand};
use command::{
    chat, claim, contribute, datanet, grant, job, model, operator, proof, proposal, receipt, review, stake, votes,
    wallet,
};
use openledger_sdk::ErrorKind;
use output::Output;
use settings::{Session, SettingsArgs};
use std::process::ExitCode;

/// OpenLedger on Solana: contribute data, review it, train and ask models, claim what was earned.
#[derive(Parser)]
#[command(name = "openledger", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = format!("Examples:
  openledger wallet new
  openledger datanet create \"Linux programming\" --licence GPL-2.0-or-later
  openledger contribute ./pages --datanet DATANET --author \"Jane Doe\"
  openledger chat --model MODEL --prompt \"What does printf return?\"
  openledger claim

Settings come from flags, else from the environment, else from the file named by OPENLEDGER_CONFIG
(by default ~/.config/openledger/config.toml with the keys rpc, ws, api, store, keypair), else from the
Solana CLI's ~/.config/solana/cli/config.yml.

A command that pays OPEN, makes an account whose rent you pay, or does what cannot be taken back asks on the terminal
first. --yes answers. Where there is no terminal and no --yes, it pays nothing and ends with status 10. What costs a
transaction's fee alone is not asked about.

{}", failure::EXIT_STATUSES))]
struct Cli {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    json: bool,
    /// Do not ask before paying.
    #[arg(long, short, global = true)]
    yes: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Community datasets.
    #[command(subcommand)]
    Datanet(datanet::Datanet),
    /// Contribute a folder of documents.
    Contribute(contribute::Contribute),
    /// Review batches as a validator.
    #[command(subcommand)]
    Review(review::Review),
    /// Access to permissioned Datanets.
    #[command(subcommand)]
    Grant(grant::Grant),
    /// Models.
    #[command(subcommand)]
    Model(model::Model),
    /// Fine-tuning jobs.
    #[command(subcommand)]
    Job(job::Job),
    /// Ask a model: quote, pay, answer with attribution.
    Chat(chat::Chat),
    /// What a wallet has earned, by its roles.
    Earnings(claim::Earnings),
    /// Claim what a wallet has earned; anyone may claim for anyone.
    Claim(claim::Claim),
    /// Stake as an operator or validator.
    #[command(subcommand)]
    Stake(stake::Stake),
    /// Lock OPEN for weight in votes.
    #[command(subcommand)]
    Votes(votes::Votes),
    /// Proposals to governance.
    #[command(subcommand)]
    Proposal(proposal::Proposal),
    /// The registry of operators.
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Check answers and their receipts.
    #[command(subcommand)]
    Receipt(receipt::Receipt),
    /// Prove that a contribution is in its Datanet.
    #[command(subcommand)]
    Proof(proof::Proof),
    /// Keys and balances.
    #[command(subcommand)]
    Wallet(wallet::Wallet),
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example: openledger completions bash > ~/.local/share/bash-completion/completions/openledger"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    // Before anything else, because the reader's limits would not do for a runtime and its threads.
    if std::env::args_os().nth(1).is_some_and(|first| first == documents::READ_PDF) {
        return documents::read_pdf();
    }
    of_people()
}

/// The command as people and scripts give it.
#[tokio::main]
async fn of_people() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Whoever wants JSON wants it of a wrong command line too. Help is no error.
        Err(wrong) if wrong.use_stderr() && std::env::args_os().any(|a| a == "--json") => {
            let error = failure::of(ErrorKind::Input, wrong.to_string());
            Output::new(true).error(&error);
            return failure::status(&error);
        }
        Err(wrong) => wrong.exit(),
    };
    let output = Output::new(cli.json);
    match run(cli, output).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if failure::is_no_reader(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            failure::status(&error)
        }
    }
}

async fn run(cli: Cli, output: Output) -> anyhow::Result<()> {
    if let Command::Completions { shell } = cli.command {
        let mut bytes = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "openledger", &mut bytes);
        return output::script(bytes);
    }
    let session = Session::open(cli.settings, cli.yes, output)?;
    let done = dispatch(&session, cli.command).await;
    // What failed may have sent something too.
    session.remember();
    done
}

async fn dispatch(session: &Session, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Datanet(c) => datanet::run(session, c).await,
        Command::Contribute(c) => contribute::run(session, c).await,
        Command::Review(c) => review::run(session, c).await,
        Command::Grant(c) => grant::run(session, c).await,
        Command::Model(c) => model::run(session, c).await,
        Command::Job(c) => job::run(session, c).await,
        Command::Chat(c) => chat::run(session, c).await,
        Command::Earnings(c) => claim::earnings(session, c).await,
        Command::Claim(c) => claim::claim(session, c).await,
        Command::Stake(c) => stake::run(session, c).await,
        Command::Votes(c) => votes::run(session, c).await,
        Command::Proposal(c) => proposal::run(session, c).await,
        Command::Operator(c) => operator::run(session, c).await,
        Command::Receipt(c) => receipt::run(session, c).await,
        Command::Proof(c) => proof::run(session, c).await,
        Command::Wallet(c) => wallet::run(session, c).await,
        Command::Completions { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
