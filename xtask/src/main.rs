//! Automation: setup, building of programs, demo, tests. Light, so that it compiles in seconds.

mod api;
mod bench;
mod cargo;
mod checksum;
mod cuda;
mod demo;
mod disk;
mod documents;
mod fetch;
mod idl;
mod interrupt;
mod model;
mod packages;
mod paths;
mod process;
mod programs;
mod progress;
mod sbf;
mod setup;
mod sources;
mod test;
mod world;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

/// Everything that is done with this repository, from a fresh machine to the demo.
#[derive(Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    after_help = "Start here:
  cargo xtask demo --once      the whole loop on this machine, with real parts
  cargo xtask up               a local network to work with; `cargo xtask down` ends it
  cargo xtask test             every check and every test
  cargo xtask test mmr         the tests with `mmr` in their name, after the checks
  cargo xtask build-programs   the on-chain programs alone

Downloads, tools and build output are kept in $XDG_CACHE_HOME/openledger (by default ~/.cache/openledger)."
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check what this machine lacks and install it
    #[command(after_help = "Examples:
  cargo xtask setup            install system packages (as root or by sudo) and the toolchain for on-chain programs
  cargo xtask setup --check    only say what is missing; exit code 1 if anything is")]
    Setup {
        /// Only say what is missing
        #[arg(long)]
        check: bool,
    },
    /// Compile on-chain programs to SBPF
    #[command(after_help = "Examples:
  cargo xtask build-programs
  cargo xtask build-programs stake payout")]
    BuildPrograms {
        /// Programs to compile; all if left out
        #[arg(value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(programs::NAMES))]
        names: Vec<String>,
    },
    /// Write the programs' interface descriptions to app-sdk/idl, and the tables that are made of them
    #[command(after_help = "Examples:
  cargo xtask idl
  cargo xtask idl --check    compare with the committed files; exit code 1 if one differs")]
    Idl {
        /// Write nothing; fail if a committed file differs
        #[arg(long)]
        check: bool,
    },
    /// Print one program's interface description (what `idl` runs for each)
    #[command(hide = true)]
    PrintIdl { program: PathBuf },
    /// Download the language model and the demo's documents, and check their hashes
    #[command(after_help = "Example:
  cargo xtask fetch")]
    Fetch,
    /// Run every check and every test
    #[command(after_help = "Examples:
  cargo xtask test                    formatting, clippy, interface descriptions, licences, all tests
  cargo xtask test --quick            the tests alone
  cargo xtask test --quick settle     the tests with `settle` in their name

Where the processor has AVX-512 the oracle is compiled twice, so that the whole-system test runs a fleet of two classes of
arithmetic.")]
    Test {
        /// Leave out everything but the tests
        #[arg(long)]
        quick: bool,
        /// Run only tests with this in their name
        filter: Option<String>,
    },
    /// Run the whole loop on this machine: chain, database, oracles, training, serving, settlement
    #[command(after_help = "Examples:
  cargo xtask demo                          run the loop, then stay up for you to look around
  cargo xtask demo --once --json sum.json   run the loop, write its summary, stop
  cargo xtask demo --tiny --once            with a tiny random model, in two to three minutes
  cargo xtask demo --mixed --once           with operators that compute with two classes of arithmetic")]
    Demo(demo::Options),
    /// Start a local network to work with, in the background: chain, database, index, operators, validators
    #[command(after_help = "Examples:
  cargo xtask up               with a tiny random model, within a minute
  cargo xtask up --real        with SmolLM2-135M
  cargo xtask up --json        what is where, for machines

The network has the ports 8899 and 8900 (Solana), 8910 (the indexer's API), 8911 (artifacts), 8912 (PostgreSQL) and 7001
to 7005 (operators; the first one answers). It goes on where it stopped. The command line `openledger` finds it by itself.")]
    Up(world::Up),
    /// End the local network
    #[command(after_help = "Examples:
  cargo xtask down             end it; the next `up` goes on from there
  cargo xtask down --forget    end it and remove everything that it has")]
    Down(world::Down),
    /// Measure, and compare with others
    #[command(after_help = "Examples:
  cargo xtask bench attribution-quality             ours and other libraries, three seeds; a long run
  cargo xtask bench attribution-quality --quick --no-peers
  cargo xtask bench attribution-quality --record    and write the page in docs/benchmarks
  cargo xtask bench programs --record               the programs' bill, and what the tests compare it with
  cargo xtask bench indexer --quick                 the index over a small history, in a minute")]
    Bench(bench::Options),
    /// Play random histories of all programs' instructions and check the books after every step
    #[command(after_help = "Examples:
  cargo xtask fuzz                            100,000 steps
  cargo xtask fuzz --steps 1000 --seed 7      a history that failed, again")]
    Fuzz {
        /// Steps
        #[arg(long, default_value_t = 100_000)]
        steps: u64,
        /// What decides every choice; at random if left out
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Compile what runs on a GPU; none is needed
    #[command(after_help = "Example:
  cargo xtask check-cuda")]
    CheckCuda,
    /// Ask the indexer's API whatever its OpenAPI document allows, and much that it does not, with schemathesis
    #[command(after_help = "Examples:
  cargo xtask check-api
  cargo xtask check-api --examples 500    five times as many requests")]
    CheckApi {
        /// Requests that are made up for each operation
        #[arg(long, default_value_t = 100)]
        examples: u32,
    },
    /// Print a shell's completions for the command `xtask`
    #[command(after_help = "Example:
  alias xtask='cargo xtask'
  source <(cargo xtask completions bash)")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    interrupt::install();
    match run(cli.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A child that an interrupt ended looks like a failure. Only the interrupt's own message should be shown.
            interrupt::give_way();
            progress::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Setup { check: true } => setup::check(),
        Task::Setup { check: false } => setup::run().map(drop),
        Task::BuildPrograms { names } => {
            let toolchain = setup::run()?;
            programs::print(&programs::build(&toolchain, &programs::chosen(&names))?);
            Ok(())
        }
        Task::Idl { check: true } => idl::check(),
        Task::Idl { check: false } => idl::write(),
        Task::PrintIdl { program } => idl::print(program),
        Task::Fetch => fetch::run(),
        Task::Test { quick, filter } => test::run(quick, filter.as_deref()),
        Task::Demo(options) => demo::run(&options),
        Task::Up(options) => world::up(&options),
        Task::Down(options) => world::down(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Fuzz { steps, seed } => test::fuzz(steps, seed),
        Task::CheckCuda => cuda::check(),
        Task::CheckApi { examples } => api::check(examples),
        Task::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command().bin_name("xtask"), "xtask", &mut std::io::stdout());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_unknown_program_is_refused_with_the_names_there_are() {
        let error = Cli::try_parse_from(["xtask", "build-programs", "stakes"]).err().unwrap().to_string();
        assert!(error.contains("stakes") && error.contains("datanet"), "{error}");
    }
}
