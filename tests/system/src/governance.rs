//! Puts the programs under governance: founders lock OPEN, take the programs over by a proposal, and change a
//! parameter.

use crate::{
    network::{Network, wait},
    people::{self, Person},
    settings::OPEN,
    stage::Stage,
    summary::{GovernanceSummary, ParameterChange, ProposalSummary, Refusal},
    training::refusal,
};
use anyhow::{Result, bail, ensure};
use governance::{
    instructions::InitializeArgs,
    state::{Choice, Parameters, Proposal},
};
use openledger_sdk::{Program, flow::govern, ix, pda};
use payout::state::{Config, FeeShares};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_loader_v3_interface::instruction::set_upgrade_authority;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use stake::vote_lock::MAX_LOCK_SLOTS;
use std::time::Duration;

/// Base units that each founder locks for the longest time.
const LOCK: u64 = 1_000_000 * OPEN;
/// Founders.
const FOUNDERS: usize = 3;
/// Parameters with windows that are short enough for a demo. A founder's vote takes a fraction of a second.
const PARAMETERS: Parameters = Parameters {
    quorum_bps: 2_000,
    proposal_threshold: 1_000 * OPEN,
    voting_slots: 25,
    timelock_slots: 10,
    grace_slots: 36_000,
};

/// The founders and their guardian.
pub struct Assembly {
    founders: Vec<Person>,
    guardian: Person,
}

/// A proposal on which all votes are cast.
pub struct Voted {
    address: Pubkey,
    title: String,
}

/// Has the founders lock OPEN. By their proposal, governance becomes the authority of the other programs and the
/// upgrade authority of all programs.
pub async fn convene(
    stage: &Stage,
    network: &Network,
    genesis: &Keypair,
    mint: &Pubkey,
    summary: &mut GovernanceSummary,
) -> Result<Assembly> {
    let client = &network.client;
    let assembly = Assembly {
        founders: (1..=FOUNDERS).map(|n| Person::new(format!("founder {n}"))).collect(),
        guardian: Person::new("the guardian"),
    };
    let (me, to) = (genesis.pubkey(), pda::governance_authority());
    let args = InitializeArgs {
        guardian: assembly.guardian.address(),
        parameters: PARAMETERS,
        min_voting_slots: 10,
        min_timelock_slots: 5,
    };
    client.send(&[ix::governance::initialize(&me, args)], &[genesis]).await?;
    // The authority pays the rent of accounts that proposals make.
    let paid = assembly.founders.iter().map(Person::address).chain([to]);
    people::airdrop(client, paid, 10_000_000_000).await?;
    let purse: Vec<_> = assembly.founders.iter().map(|f| (f.address(), LOCK)).collect();
    people::fund(client, genesis, mint, &purse).await?;
    let end = client.slot().await? + MAX_LOCK_SLOTS;
    let locks = assembly.founders.iter().map(async |founder| {
        client.send(&[ix::stake::lock_votes(&founder.address(), mint, LOCK, end)], &[&founder.key]).await
    });
    futures::future::try_join_all(locks).await?;
    // The two steps of a hand-over, and the loader's instruction for the upgrade authority.
    let proposals = [
        ix::stake::propose_authority(&me, &to),
        ix::datanet::propose_authority(&me, &to),
        ix::model::propose_authority(&me, &to),
        ix::payout::propose_authority(&me, &to),
    ];
    client.send(&proposals, &[genesis]).await?;
    let upgrades: Vec<_> = Program::ALL.iter().map(|p| set_upgrade_authority(&p.id(), &me, Some(&to))).collect();
    client.send(&upgrades, &[genesis]).await?;
    let calls = [
        ix::stake::accept_authority(&to),
        ix::datanet::accept_authority(&to),
        ix::model::accept_authority(&to),
        ix::payout::accept_authority(&to),
    ];
    let title = "Governance takes over the stake, datanet, model and payout programs";
    summary.authority = to.to_string();
    summary.guardian = assembly.guardian.address().to_string();
    summary.locked = (FOUNDERS as u64 * LOCK).into();
    let decided = assembly.decide(network, title, &calls).await?;
    stage.note(format!(
        "{FOUNDERS} founders locked {} OPEN; proposal {} made governance ({to}) the authority of all programs",
        FOUNDERS as u64 * LOCK / OPEN,
        decided.number
    ));
    summary.proposals.push(decided);
    Ok(assembly)
}

/// Fails unless the voted change is in force now that its epoch has begun.
pub async fn in_force(network: &Network, changed: &ParameterChange) -> Result<()> {
    let config: Config = network.client.account(&pda::payout_config()).await?;
    let present = u64::from(config.fees.contributors);
    ensure!(
        config.epoch >= changed.from_epoch && present == changed.after,
        "the contributors have {present}, not what was voted"
    );
    Ok(())
}

impl Assembly {
    /// Proposes these instructions, and all founders vote for them.
    pub async fn vote(&self, network: &Network, title: &str, calls: &[Instruction]) -> Result<Voted> {
        let (client, proposer) = (&network.client, &self.founders[0]);
        let store = network.store_of(proposer)?;
        let address = govern::propose(client, &store, &proposer.key, &proposer.address(), title, calls).await?;
        let votes = self.founders.iter().map(async |founder| {
            let me = founder.address();
            client.send(&[ix::governance::cast_vote(&me, &me, &address, Choice::For)], &[&founder.key]).await
        });
        futures::future::try_join_all(votes).await?;
        Ok(Voted { address, title: title.into() })
    }

    /// Counts the votes, waits for the timelock and executes.
    pub async fn enact(&self, network: &Network, voted: Voted) -> Result<ProposalSummary> {
        let (client, payer) = (&network.client, &self.founders[0].key);
        let slot = async |what: &str, slot: u64| {
            wait(what, Duration::from_secs(60), async || Ok((client.slot().await? > slot).then_some(()))).await
        };
        let open: Proposal = client.account(&voted.address).await?;
        slot("the end of the vote", open.voting_end_slot).await?;
        client.send(&[ix::governance::queue(&voted.address)], &[payer]).await?;
        let queued: Proposal = client.account(&voted.address).await?;
        slot("the end of the timelock", queued.executable_slot).await?;
        govern::execute(client, payer, &voted.address).await?;
        let done: Proposal = client.account(&voted.address).await?;
        Ok(ProposalSummary {
            number: done.number,
            title: voted.title,
            votes_for: done.votes_for.into(),
            quorum: done.quorum.into(),
            instructions: done.instructions,
            state: format!("{:?}", done.state).to_lowercase(),
        })
    }

    /// Proposes, votes and executes.
    pub async fn decide(&self, network: &Network, title: &str, calls: &[Instruction]) -> Result<ProposalSummary> {
        let voted = self.vote(network, title, calls).await?;
        self.enact(network, voted).await
    }

    /// Votes on a lower share of the treasury in favour of the contributors.
    pub async fn vote_fees(&self, network: &Network) -> Result<Voted> {
        let present = network.client.account::<Config>(&pda::payout_config()).await?.fees;
        let next = FeeShares { treasury: present.treasury - 100, contributors: present.contributors + 100, ..present };
        let call = ix::payout::set_fees(&pda::governance_authority(), next);
        self.vote(network, "The treasury leaves one more percent of every fee to the contributors", &[call]).await
    }

    /// Executes the proposal of [`Assembly::vote_fees`] and writes the change into the summary.
    pub async fn enact_fees(&self, network: &Network, voted: Voted, summary: &mut GovernanceSummary) -> Result<()> {
        let config = async || network.client.account::<Config>(&pda::payout_config()).await;
        let before = config().await?;
        let decided = self.enact(network, voted).await?;
        let Some(next) = config().await?.next_fees else { bail!("the vote set no fees") };
        summary.changed = ParameterChange {
            parameter: "contributors' share of a fee in basis points".into(),
            before: before.fees.contributors.into(),
            after: next.contributors.into(),
            proposal: decided.number,
            from_epoch: before.epoch + 1,
        };
        summary.proposals.push(decided);
        Ok(())
    }

    /// The key that deployed and initialised everything tries to raise the treasury's share, and is refused.
    pub async fn deposed(&self, network: &Network, genesis: &Keypair) -> Result<Refusal> {
        let what = "change the fees with the key that deployed the programs";
        let fees = network.client.account::<Config>(&pda::payout_config()).await?.fees;
        match network.client.send(&[ix::payout::set_fees(&genesis.pubkey(), fees)], &[genesis]).await {
            Ok(signature) => bail!("attempt to {what} succeeded: {signature}"),
            Err(e) => Ok(refusal(what, &e)),
        }
    }
}
