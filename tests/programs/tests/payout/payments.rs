//! `pay`: fees are split exactly, go to the right accounts, and need a ready model and a serving operator.

use ::model::state::{Model, ModelStatus};
use ::payout::{error::PayoutError, events::Paid, state::Shard};
use ::stake::instructions::ProposeCommitteeArgs;
use anchor_lang::error::ErrorCode;
use openledger_interface::{ix, pda};
use openledger_protocol::fees::Shares;
use program_tests::{
    OPEN, World,
    keys::address,
    payout::{self, FEES, ready_model},
    refused, swapped,
    tx::refused_with,
};
use solana_keypair::Signer;

const REQUEST: [u8; 32] = [8; 32];

#[test]
fn a_fee_reaches_everyone_at_once_and_sums_to_the_amount() {
    let (mut world, market) = World::with_market(2, 3);
    let payer = world.wallet(100 * OPEN);
    let (owner, operator) = (market.model_owner.pubkey(), market.committee.members[0].wallet.pubkey());
    let before = world.open_of(&operator);
    let amount = 10 * OPEN + 7;
    let pay = market.pay(&world, &payer.pubkey(), 1, REQUEST, amount);
    let event = world.send(&[pay.clone()], &[&payer]).unwrap().event::<Paid>();
    let parts = Shares::from(FEES).split(amount, false).unwrap();
    assert_eq!(parts.total(), amount);
    assert_eq!((event.sequence, event.request, event.payer), (0, REQUEST, payer.pubkey()));
    assert_eq!((event.model, event.operator, event.epoch), (market.model, operator, 1));
    assert_eq!(
        (event.treasury, event.model_owner, event.upstream, event.compute, event.validators, event.contributors),
        (parts.treasury, parts.model_owner, 0, parts.compute, parts.validators, parts.contributors)
    );
    assert_eq!(world.open_of(&payer.pubkey()), 100 * OPEN - amount);
    assert_eq!(world.open_of(&owner), parts.model_owner);
    assert_eq!(world.open_of(&operator) - before, parts.compute);
    assert_eq!(world.balance(&payout::treasury()), parts.treasury);
    assert_eq!(world.balance(&pda::vault(1)), parts.contributors + parts.validators);
    assert_eq!(world.get::<Shard>(&pda::shard(1)).funded, [parts.contributors, parts.validators]);
    assert_eq!(world.get::<Shard>(&pda::shard(0)).funded, [0, 0]);
    // The same request again is another payment with another number.
    let again = world.send(&[pay], &[&payer]).unwrap().event::<Paid>();
    assert_eq!(again.sequence, 1);
    assert_eq!(world.get::<Shard>(&pda::shard(1)).funded[0], 2 * parts.contributors);
}

#[test]
fn the_smallest_and_odd_amounts_lose_nothing() {
    let (mut world, market) = World::with_market(1, 1);
    let payer = world.wallet(OPEN);
    for amount in [1, 2, 3, 9, 19, 9_999, 10_001] {
        let before = world.open_of(&payer.pubkey());
        let pay = market.pay(&world, &payer.pubkey(), 0, REQUEST, amount);
        let e = world.send(&[pay], &[&payer]).unwrap().event::<Paid>();
        assert_eq!(e.treasury + e.model_owner + e.upstream + e.compute + e.validators + e.contributors, amount);
        assert_eq!(before - world.open_of(&payer.pubkey()), amount);
    }
    let shard = world.get::<Shard>(&pda::shard(0));
    assert_eq!(world.balance(&pda::vault(0)), shard.funded[0] + shard.funded[1]);
}

#[test]
fn amounts_that_cannot_be_paid_change_nothing() {
    let (mut world, market) = World::with_market(1, 1);
    let payer = world.wallet(OPEN);
    let pay = |world: &World, amount| market.pay(world, &payer.pubkey(), 0, REQUEST, amount);
    refused(world.send(&[pay(&world, 0)], &[&payer]), PayoutError::ZeroAmount);
    for amount in [OPEN + 1, u64::MAX] {
        refused_with(world.send(&[pay(&world, amount)], &[&payer]), "insufficient funds");
    }
    assert_eq!(world.open_of(&payer.pubkey()), OPEN);
    assert_eq!(world.balance(&pda::vault(0)), 0);
    // A pool whose funding is as large as can be.
    let mut shard = world.get::<Shard>(&pda::shard(0));
    shard.funded[0] = u64::MAX;
    world.put(pda::shard(0), &shard);
    refused(world.send(&[pay(&world, OPEN)], &[&payer]), ::stake::error::SharedError::Overflow);
}

#[test]
fn the_parents_owner_has_a_share_where_there_is_a_parent() {
    let (mut world, market) = World::with_market(1, 1);
    let (payer, parent_owner) = (world.wallet(10 * OPEN), world.wallet(0));
    let layered = Model {
        parent: Some(address("parent")),
        parent_owner: Some(parent_owner.pubkey()),
        ..ready_model(market.model_owner.pubkey())
    };
    let plain = market.pay(&world, &payer.pubkey(), 0, REQUEST, OPEN);
    world.put(market.model, &layered);
    let pay = market.pay(&world, &payer.pubkey(), 0, REQUEST, OPEN);
    let (right, wrong) = (world.ata(&parent_owner.pubkey()), world.ata(&payer.pubkey()));
    // The parent owner's token account is missing, is somebody else's, or is given without a parent.
    refused(world.send(&[plain], &[&payer]), PayoutError::WrongUpstream);
    let mut stolen = pay.clone();
    stolen.accounts.iter_mut().find(|m| m.pubkey == right).unwrap().pubkey = wrong;
    refused(world.send(&[stolen], &[&payer]), PayoutError::WrongUpstream);
    world.send(&[pay.clone()], &[&payer]).unwrap();
    let parts = Shares::from(FEES).split(OPEN, true).unwrap();
    assert_eq!(world.open_of(&parent_owner.pubkey()), parts.upstream);
    world.put(market.model, &ready_model(market.model_owner.pubkey()));
    refused(world.send(&[pay], &[&payer]), PayoutError::WrongUpstream);
}

#[test]
fn one_wallet_may_be_payer_owner_parent_and_operator() {
    let (mut world, market) = World::with_market(1, 1);
    let wallet = market.committee.members[0].wallet.insecure_clone();
    let me = wallet.pubkey();
    let model = Model { parent: Some(address("parent")), parent_owner: Some(me), ..ready_model(me) };
    world.put(market.model, &model);
    let before = world.open_of(&me);
    world.send(&[market.pay(&world, &me, 0, REQUEST, OPEN)], &[&wallet]).unwrap();
    let parts = Shares::from(FEES).split(OPEN, true).unwrap();
    assert_eq!(before - world.open_of(&me), parts.treasury + parts.contributors + parts.validators);
}

#[test]
fn only_models_that_are_ready_can_be_paid_for() {
    let (mut world, market) = World::with_market(1, 1);
    let payer = world.wallet(10 * OPEN);
    let pay = market.pay(&world, &payer.pubkey(), 0, REQUEST, OPEN);
    for status in [ModelStatus::Draft, ModelStatus::Retired] {
        world.put(market.model, &Model { status, ..ready_model(market.model_owner.pubkey()) });
        refused(world.send(&[pay.clone()], &[&payer]), PayoutError::ModelNotReady);
    }
    // A copy of the model in an account of another program.
    let data = world.svm.get_account(&market.model).unwrap().data;
    world.put_raw(address("fake model"), ::payout::ID, data);
    let fake = swapped(pay, market.model, address("fake model"));
    refused(world.send(&[fake], &[&payer]), ErrorCode::AccountOwnedByWrongProgram);
}

#[test]
fn only_serving_members_of_the_active_committee_are_paid() {
    let (mut world, market) = World::with_market(1, 2);
    let payer = world.wallet(10 * OPEN);
    let pay = market.pay(&world, &payer.pubkey(), 0, REQUEST, OPEN);
    let inside = market.committee.members[0].wallet.pubkey();
    // An operator outside the committee.
    let outside = world.operator();
    let other = outside.wallet.pubkey();
    let stranger = swapped(
        swapped(pay.clone(), pda::operator(&inside), pda::operator(&other)),
        world.ata(&inside),
        world.ata(&other),
    );
    refused(world.send(&[stranger.clone()], &[&payer]), PayoutError::NotMember);
    // A committee that is only proposed, and an account that is no committee.
    let authority = world.authority.insecure_clone();
    world
        .send(
            &[ix::stake::propose_committee(
                &authority.pubkey(),
                1,
                ProposeCommitteeArgs { threshold: 1, size: 1, members: vec![other] },
            )],
            &[&authority],
        )
        .unwrap();
    let early = swapped(stranger.clone(), pda::committee(1), pda::committee(2));
    refused(world.send(&[early.clone()], &[&payer]), PayoutError::CommitteeNotActive);
    let fake = swapped(stranger, pda::committee(1), pda::operator(&other));
    refused(world.send(&[fake], &[&payer]), ::stake::error::SharedError::NotACommittee);
    // Once the new committee is active, its members may be paid and the retired one's may not.
    world.send(&[ix::stake::confirm_committee(&other, 1, [5; 32])], &[&outside.wallet]).unwrap();
    refused(world.send(&[pay], &[&payer]), PayoutError::CommitteeNotActive);
    world.send(&[early.clone()], &[&payer]).unwrap();
    // An operator that no longer serves.
    world.send(&[ix::stake::update_operator(&other, "http://a".into(), 1)], &[&outside.wallet]).unwrap();
    refused(world.send(&[early], &[&payer]), PayoutError::NotServing);
}

#[test]
fn wrong_token_accounts_are_refused() {
    let (mut world, market) = World::with_market(2, 1);
    let (payer, thief) = (world.wallet(10 * OPEN), world.wallet(10 * OPEN));
    let pay = market.pay(&world, &payer.pubkey(), 0, REQUEST, OPEN);
    let operator = market.committee.members[0].wallet.pubkey();
    let (own, stolen) = (world.ata(&payer.pubkey()), world.ata(&thief.pubkey()));
    let (owner_token, operator_token) = (world.ata(&market.model_owner.pubkey()), world.ata(&operator));
    let fake = address("token account of the shard that is not its vault");
    world.put_token(fake, world.mint, pda::shard(0), 0);
    let foreign = address("owner's token account of another mint");
    world.put_mint(address("other mint"), 9);
    world.put_token(foreign, address("other mint"), market.model_owner.pubkey(), 0);
    for (from, to, error) in [
        (own, stolen, u32::from(ErrorCode::ConstraintTokenOwner)),
        (owner_token, stolen, PayoutError::WrongTokenOwner.into()),
        (owner_token, foreign, spl_token_interface::error::TokenError::MintMismatch as u32),
        (owner_token, market.model, PayoutError::WrongTokenOwner.into()),
        (operator_token, stolen, PayoutError::WrongTokenOwner.into()),
        (payout::treasury(), stolen, PayoutError::WrongTreasury.into()),
        (pda::vault(0), stolen, PayoutError::WrongVault.into()),
        (pda::vault(0), fake, PayoutError::WrongVault.into()),
        (pda::vault(0), pda::vault(1), PayoutError::WrongVault.into()),
    ] {
        refused(world.send(&[swapped(pay.clone(), from, to)], &[&payer]), error);
    }
    // An account that has a token account's bytes but is another program's.
    let forged = address("forged");
    let data = world.svm.get_account(&owner_token).unwrap().data;
    world.put_raw(forged, ::payout::ID, data);
    refused_with(world.send(&[swapped(pay.clone(), owner_token, forged)], &[&payer]), "ExternalAccountDataModified");
    // Without the payer's signature.
    let mut unsigned = pay;
    unsigned.accounts[0].is_signer = false;
    refused(world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    assert_eq!(world.open_of(&thief.pubkey()), 10 * OPEN);
}
