//! Reads the chain's accounts as facts that can be compared with the index.

use crate::datasource::{Source, SourceError};
use anchor_lang::{AccountDeserialize, Discriminator, prelude::Pubkey};
use openledger_protocol::mmr;
use openledger_sdk::printable;
use std::collections::BTreeMap;

/// `(account, field) → value`.
pub type Facts = BTreeMap<(String, String), String>;

/// Reads the facts of every account of the programs from the node.
pub async fn facts(source: &Source) -> Result<Facts, SourceError> {
    let mut facts = Facts::new();
    use {datanet::state as d, governance::state as g, model::state as m, payout::state as p, stake::state as s};

    each(source, &stake::ID, &mut facts, |a: &s::Config, f| f("sequence", a.sequence.to_string())).await?;
    each(source, &stake::ID, &mut facts, |a: &s::Position, f| {
        f("sequence", a.sequence.to_string());
        f("amount", a.amount.to_string());
        f("unbonding", a.unbonding.to_string());
    })
    .await?;
    each(source, &stake::ID, &mut facts, |a: &s::VoteLock, f| f("sequence", a.sequence.to_string())).await?;
    each(source, &stake::ID, &mut facts, |a: &s::Operator, f| {
        f("sequence", a.sequence.to_string());
        f("endpoint", a.endpoint.clone());
        f("identity", a.identity.to_string());
    })
    .await?;
    each(source, &stake::ID, &mut facts, |a: &s::Committee, f| {
        f("sequence", a.sequence.to_string());
        f("status", format!("{:?}", a.status).to_lowercase());
    })
    .await?;
    each(source, &stake::ID, &mut facts, |a: &s::Pool, f| {
        f("sequence", a.sequence.to_string());
        f("next_commission_bps", a.next_commission_bps.to_string());
    })
    .await?;
    each(source, &stake::ID, &mut facts, |a: &s::Delegation, f| {
        f("sequence", a.sequence.to_string());
        f("shares", a.shares.to_string());
        f("unbonding_shares", a.unbonding_shares.to_string());
    })
    .await?;

    each(source, &datanet::ID, &mut facts, |a: &d::Config, f| f("sequence", a.sequence.to_string())).await?;
    each(source, &datanet::ID, &mut facts, |a: &d::Datanet, f| {
        f("sequence", a.sequence.to_string());
        f("owner", a.owner.to_string());
        f("min_bond", a.min_bond.to_string());
        f("metadata_hash", hex::encode(a.metadata_hash));
        f("batches", a.batches.to_string());
        f("accepted", a.accepted.to_string());
        f("contributions", a.contributions.to_string());
        f("root", mmr::root(a.range.count, &a.range.peaks).map_or_else(|e| format!("{e:?}"), hex::encode));
    })
    .await?;
    each(source, &datanet::ID, &mut facts, |a: &d::Batch, f| f("sequence", a.sequence.to_string())).await?;
    each(source, &datanet::ID, &mut facts, |a: &d::Grant, f| {
        f("sequence", a.sequence.to_string());
        f("status", format!("{:?}", a.status).to_lowercase());
        f("uses", a.uses.to_string());
    })
    .await?;

    each(source, &model::ID, &mut facts, |a: &m::Config, f| f("sequence", a.sequence.to_string())).await?;
    each(source, &model::ID, &mut facts, |a: &m::Model, f| {
        f("sequence", a.sequence.to_string());
        f("status", format!("{:?}", a.status).to_lowercase());
        f("price_in", a.price_in.to_string());
        f("price_out", a.price_out.to_string());
        f("jobs", a.jobs.to_string());
        f("versions", a.versions.to_string());
        f("adapter_hash", hex::encode(a.adapter_hash));
    })
    .await?;
    each(source, &model::ID, &mut facts, |a: &m::Job, f| {
        f("sequence", a.sequence.to_string());
        f("status", format!("{:?}", a.status).to_lowercase());
        f("budget", a.budget.to_string());
        f("paid", a.paid.to_string());
        f("data_share", a.data_share.to_string());
        f("data_paid", a.data_paid.to_string());
        f("refunded", a.refunded.to_string());
        f("committee_epoch", a.committee_epoch.to_string());
        f("log_root", hex::encode(a.log_root));
        f("segments", a.segments.to_string());
        f("taking_slot", a.taking_slot.to_string());
        f("former", a.former.map_or_else(String::new, |former| former.to_string()));
    })
    .await?;

    each(source, &payout::ID, &mut facts, |a: &p::Config, f| {
        f("sequence", a.sequence.to_string());
        f("active_epoch", a.active_epoch.to_string());
        f("posted_epoch", a.posted_epoch.to_string());
        for (pool, posted) in crate::POOLS.iter().zip(&a.posted) {
            f(&format!("posted_{pool}"), posted.lifetime_total.to_string());
        }
    })
    .await?;
    each(source, &payout::ID, &mut facts, |a: &p::Shard, f| {
        f("sequence", a.sequence.to_string());
        for (number, pool) in crate::POOLS.iter().enumerate() {
            f(&format!("funded_{pool}"), a.funded[number].to_string());
            f(&format!("claimed_{pool}"), a.claimed[number].to_string());
        }
    })
    .await?;
    each(source, &payout::ID, &mut facts, |a: &p::Balance, f| {
        f("sequence", a.sequence.to_string());
        f("amount", a.amount.to_string());
        f("debited", a.debited.to_string());
        f("withdrawing", a.withdrawing.to_string());
    })
    .await?;
    each(source, &payout::ID, &mut facts, |a: &p::Claim, f| {
        f("sequence", a.sequence.to_string());
        for (number, pool) in crate::POOLS.iter().enumerate() {
            f(&format!("claimed_{pool}"), a.claimed[number].to_string());
        }
    })
    .await?;

    each(source, &governance::ID, &mut facts, |a: &g::Config, f| f("sequence", a.sequence.to_string())).await?;
    each(source, &governance::ID, &mut facts, |a: &g::Proposal, f| f("sequence", a.sequence.to_string())).await?;
    Ok(facts)
}

/// Adds the facts of every account of type `T` of `program`. `say` names the fields of one account and their values. Texts
/// of strangers are made [`printable`], as those of events are where they enter the index.
async fn each<T: AccountDeserialize + Discriminator>(
    source: &Source,
    program: &Pubkey,
    facts: &mut Facts,
    say: impl Fn(&T, &mut dyn FnMut(&str, String)),
) -> Result<(), SourceError> {
    for (address, account) in source.client.all_accounts::<T>(program, &[]).await? {
        say(&account, &mut |field, value| {
            facts.insert((address.to_string(), field.to_owned()), printable(&value).into_owned());
        });
    }
    Ok(())
}
