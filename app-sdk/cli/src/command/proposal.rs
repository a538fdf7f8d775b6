//! `openledger proposal`.

use super::{amount, key};
use crate::{output::fields, settings::Session};
use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use governance::state::{Choice, Proposal as Account, ProposedInstruction};
use openledger_sdk::{Program, flow::govern, ix, pda};
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// Proposals to governance.
#[derive(Subcommand)]
pub enum Proposal {
    /// List all.
    List,
    /// Show one with its instructions.
    Show {
        /// Its number.
        number: u64,
    },
    /// Vote on one.
    #[command(after_help = "Example: openledger proposal vote 3 for")]
    Vote {
        /// Its number.
        number: u64,
        /// For, against, or only for the quorum.
        #[arg(value_enum)]
        choice: ChoiceArg,
        /// Whose lock; yours by default, else that of a wallet that delegated to you.
        #[arg(long, value_parser = key)]
        lock_of: Option<Pubkey>,
    },
    /// Count the votes of one whose vote is over.
    Queue {
        /// Its number.
        number: u64,
    },
    /// Execute one whose timelock is over.
    Execute {
        /// Its number.
        number: u64,
    },
}

/// What a vote says.
#[derive(Clone, Copy, ValueEnum)]
pub enum ChoiceArg {
    /// For it.
    For,
    /// Against it.
    Against,
    /// Neither.
    Abstain,
}

impl From<ChoiceArg> for Choice {
    fn from(c: ChoiceArg) -> Self {
        match c {
            ChoiceArg::For => Self::For,
            ChoiceArg::Against => Self::Against,
            ChoiceArg::Abstain => Self::Abstain,
        }
    }
}

/// Runs it.
pub async fn run(session: &Session, command: Proposal) -> Result<()> {
    let client = session.client();
    let number = match command {
        Proposal::List => {
            let mut all = client.all_accounts::<Account>(&governance::ID, &[]).await?;
            all.sort_by_key(|(_, p)| p.number);
            let shown: Vec<Value> = all.iter().map(|(at, p)| json_of(at, p)).collect();
            let headers = ["number", "state", "for", "against", "quorum", "description"];
            let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            return session.output.list(&shown, &headers, |v| headers.map(|h| text(&v[h])).to_vec());
        }
        Proposal::Show { number } => number,
        Proposal::Vote { number, choice, lock_of } => {
            let voter = session.signer()?;
            let me = voter.pubkey();
            let says = choice.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
            session
                .confirm(&format!("Wallet {me} votes {says} on proposal {number}, once, and pays the vote's rent."))?;
            let vote = ix::governance::cast_vote(&me, &lock_of.unwrap_or(me), &pda::proposal(number), choice.into());
            client.send(&[vote], &[&*voter]).await?;
            number
        }
        Proposal::Queue { number } => {
            client.send(&[ix::governance::queue(&pda::proposal(number))], &[&*session.signer()?]).await?;
            number
        }
        Proposal::Execute { number } => {
            session.confirm(&format!("Proposal {number} is executed, which cannot be taken back."))?;
            govern::execute(&client, &*session.signer()?, &pda::proposal(number)).await?;
            number
        }
    };
    let address = pda::proposal(number);
    let proposal: Account = client.account(&address).await?;
    let places: Vec<Pubkey> =
        (0..proposal.instructions).map(|index| pda::proposed_instruction(&address, index)).collect();
    // Instructions of a proposal that is over may be closed. Those are left out.
    let calls: Vec<Value> =
        client.accounts::<ProposedInstruction>(&places).await?.into_iter().flatten().map(call).collect();
    let mut shown = json_of(&address, &proposal);
    shown["instructions"] = calls.into();
    session.output.show(&shown, |shown| {
        let instructions = serde_json::to_string_pretty(&shown["instructions"]).unwrap_or_default();
        fields(&[
            ("proposal", format!("{number} ({address})")),
            ("state", format!("{:?}", proposal.state).to_lowercase()),
            ("description", proposal.description_uri.clone()),
            ("for", amount(proposal.votes_for)),
            ("against", amount(proposal.votes_against)),
            ("abstained", amount(proposal.votes_abstain)),
            ("quorum", amount(proposal.quorum)),
            ("votes until slot", proposal.voting_end_slot.to_string()),
            ("executable from slot", proposal.executable_slot.to_string()),
            ("instructions", instructions),
        ])
    })
}

fn json_of(address: &Pubkey, p: &Account) -> Value {
    json!({
        "number": p.number, "address": address.to_string(), "proposer": p.proposer.to_string(),
        "state": format!("{:?}", p.state).to_lowercase(), "description": p.description_uri,
        "description_hash": hex::encode(p.description_hash), "for": p.votes_for.to_string(),
        "against": p.votes_against.to_string(), "abstain": p.votes_abstain.to_string(),
        "quorum": p.quorum.to_string(), "voting_end_slot": p.voting_end_slot,
        "executable_slot": p.executable_slot, "expiry_slot": p.expiry_slot, "executed": p.executed,
    })
}

fn call(proposed: ProposedInstruction) -> Value {
    let program = Program::from_id(&proposed.program).map_or(proposed.program.to_string(), |p| p.name().to_owned());
    let accounts: Vec<Value> = proposed
        .accounts
        .iter()
        .map(|a| json!({ "address": a.address.to_string(), "signer": a.signer, "writable": a.writable }))
        .collect();
    json!({ "program": program, "accounts": accounts, "data": hex::encode(&proposed.data) })
}
