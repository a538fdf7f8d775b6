//! `challenge_settlement`, `resolve_challenge`, `expire_challenge`: a wrong settlement can be stopped. A right one can
//! only be delayed, and that costs a bond.

use ::payout::{
    challenge::Outcome,
    error::PayoutError,
    events::{ChallengeResolved, SettlementActivated, SettlementChallenged, SettlementPosted},
    instructions::{ChallengeSettlementArgs, PostSettlementArgs},
    parameters::MAX_CHALLENGES,
    state::{Challenge, Config, Pool, Settlement, SettlementStatus},
};
use ::stake::error::SharedError;
use anchor_lang::{InstructionData, error::ErrorCode};
use openledger_interface::{ix, pda};
use openledger_protocol::rewards::RewardTree;
use program_tests::{
    Key, OPEN, World,
    keys::address,
    payout::{
        self, CHALLENGE_BOND, CHALLENGE_SLOTS, EPOCH_SLOTS, Market, RESOLVE_SLOTS, claim_args, settlement_args, tree,
    },
    refused, swapped,
};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Base units that a challenger has at first.
const PURSE: u64 = 1_000 * OPEN;

/// A posted first epoch with its attestation and tree, and a challenger with a purse.
struct Posted {
    world: World,
    market: Market,
    challenger: Key,
    tree: RewardTree,
    args: PostSettlementArgs,
}

impl Posted {
    fn new() -> Self {
        let (mut world, market) = World::with_market(1, 3);
        let (payer, challenger) = (world.wallet(100 * OPEN), world.wallet(PURSE));
        world.send(&[market.pay(&world, &payer.pubkey(), 0, [1; 32], 100 * OPEN)], &[&payer]).unwrap();
        world.pass(EPOCH_SLOTS);
        let tree = tree(&[(payer.pubkey(), 30 * OPEN)]);
        let args = settlement_args(&world, [&tree, &payout::tree(&[])]);
        market.post(&mut world, &args).unwrap();
        Self { world, market, challenger, tree, args }
    }

    fn config(&self) -> Config {
        self.world.get(&pda::payout_config())
    }

    fn settlement(&self) -> Settlement {
        self.world.get(&pda::settlement(1))
    }

    /// Challenges and returns the challenge's address.
    fn challenge(&mut self) -> Pubkey {
        let (me, posted) = (self.challenger.pubkey(), self.settlement());
        let challenge = ix::payout::challenge_settlement(
            &me,
            &self.world.mint,
            &self.world.get(&pda::settlement(1)),
            payout::evidence(),
        );
        self.world.send(&[challenge], &[&self.challenger]).unwrap();
        pda::challenge(posted.sequence, posted.challenges)
    }

    fn resolve(&mut self, challenge: Pubkey, uphold: bool) -> ChallengeResolved {
        let authority = self.world.authority.insecure_clone();
        let resolve = ix::payout::resolve_challenge(
            &authority.pubkey(),
            &self.world.mint,
            &payout::treasury(),
            &self.world.get(&challenge),
            uphold,
        );
        self.world.send(&[resolve], &[&authority]).unwrap().event()
    }

    fn purse(&self) -> u64 {
        self.world.open_of(&self.challenger.pubkey())
    }

    fn closed(&self, address: &Pubkey) -> bool {
        self.world.svm.get_account(address).is_none_or(|a| a.lamports == 0)
    }
}

#[test]
fn a_challenge_takes_the_bond_and_freezes_the_settlement() {
    let mut t = Posted::new();
    let (me, before) = (t.challenger.pubkey(), t.config().sequence);
    let ix =
        ix::payout::challenge_settlement(&me, &t.world.mint, &t.world.get(&pda::settlement(1)), payout::evidence());
    let event = t.world.send(&[ix], &[&t.challenger]).unwrap().event::<SettlementChallenged>();
    let at = pda::challenge(t.settlement().sequence, 0);
    assert_eq!((event.sequence, event.epoch, event.challenge, event.challenger), (before, 1, at, me));
    assert_eq!((event.bond, event.resolve_by), (CHALLENGE_BOND, t.world.slot() + RESOLVE_SLOTS));
    assert_eq!((event.evidence_hash, event.evidence_uri.as_str()), ([6; 32], "ipfs://evidence"));
    assert_eq!((t.purse(), t.world.balance(&pda::challenge_bond(&at))), (PURSE - CHALLENGE_BOND, CHALLENGE_BOND));
    let challenge = t.world.get::<Challenge>(&at);
    assert_eq!((challenge.epoch, challenge.number, challenge.challenger, challenge.bond), (1, 0, me, CHALLENGE_BOND));
    assert_eq!(t.settlement().status, SettlementStatus::Challenged);
    // While it is frozen, the settlement cannot be activated, however long that takes, and cannot be challenged again.
    // Nothing can be posted after it.
    t.world.pass(10 * CHALLENGE_SLOTS);
    refused(t.world.send(&[ix::payout::activate_settlement(1)], &[]), PayoutError::Challenged);
    let again =
        ix::payout::challenge_settlement(&me, &t.world.mint, &t.world.get(&pda::settlement(1)), payout::evidence());
    refused(t.world.send(&[again], &[&t.challenger]), PayoutError::Challenged);
    let next = settlement_args(&t.world, [&t.tree, &tree(&[])]);
    refused(t.market.post(&mut t.world, &next), PayoutError::PreviousNotActive);
}

#[test]
fn a_dismissed_challenge_costs_its_bond_and_only_delays() {
    let mut t = Posted::new();
    let (active_after, config) = (t.settlement().active_after, t.config());
    t.world.pass(10);
    let challenge = t.challenge();
    t.world.pass(77);
    let treasury = t.world.balance(&payout::treasury());
    let event = t.resolve(challenge, false);
    assert_eq!((event.outcome, event.epoch, event.challenge), (Outcome::Dismissed, 1, challenge));
    assert_eq!((event.recipient, event.released), (payout::treasury(), CHALLENGE_BOND));
    assert_eq!(t.world.balance(&payout::treasury()) - treasury, CHALLENGE_BOND);
    assert_eq!(t.purse(), PURSE - CHALLENGE_BOND);
    assert!(t.closed(&challenge) && t.closed(&pda::challenge_bond(&challenge)));
    // The frozen time does not count, so others have the rest of the window.
    assert_eq!((event.active_after, t.settlement().active_after), (active_after + 77, active_after + 77));
    assert_eq!((t.settlement().status, t.config().posted), (SettlementStatus::Posted, config.posted));
    refused(t.world.send(&[ix::payout::activate_settlement(1)], &[]), PayoutError::ChallengeOpen);
    t.world.pass(CHALLENGE_SLOTS - 10);
    let active = t.world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap().event::<SettlementActivated>();
    assert_eq!((active.epoch, t.config().active), (1, config.posted));
}

#[test]
fn an_upheld_challenge_rejects_the_settlement_and_nothing_else() {
    let mut t = Posted::new();
    // A first settlement is active; the second is wrong.
    t.world.pass(CHALLENGE_SLOTS);
    t.world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap();
    let before = t.config();
    t.world.pass(EPOCH_SLOTS);
    let wrong = tree(&[(address("liar"), 40 * OPEN)]);
    let args = settlement_args(&t.world, [&wrong, &tree(&[])]);
    let old = t.market.attestation(&t.world, &args);
    let posted = t.market.post(&mut t.world, &args).unwrap().event::<SettlementPosted>();
    let during = t.config();
    assert_eq!((during.posted_epoch, during.active_epoch, during.epoch), (2, 1, 3));
    let me = t.challenger.pubkey();
    let ix =
        ix::payout::challenge_settlement(&me, &t.world.mint, &t.world.get(&pda::settlement(2)), payout::evidence());
    t.world.send(&[ix], &[&t.challenger]).unwrap();
    let challenge = pda::challenge(posted.sequence, 0);
    let rent = t.world.svm.get_balance(&me).unwrap();
    let event = t.resolve(challenge, true);
    assert_eq!((event.outcome, event.epoch, event.active_after), (Outcome::Upheld, 2, 0));
    assert_eq!((event.recipient, event.released, t.purse()), (t.world.ata(&me), CHALLENGE_BOND, PURSE));
    assert!(t.closed(&challenge) && t.closed(&pda::challenge_bond(&challenge)) && t.closed(&pda::settlement(2)));
    assert!(t.world.svm.get_balance(&me).unwrap() > rent, "the rent of all three returns");
    let after = t.config();
    assert_eq!((after.posted, after.posted_epoch), (before.active, 1));
    assert_eq!((after.active, after.active_epoch, after.settled_slot), (before.active, 1, before.settled_slot));
    // Payments continue in the epoch that has begun. That epoch does not begin again.
    assert_eq!((after.epoch, after.epoch_start_slot), (during.epoch, during.epoch_start_slot));
    // Claims against the active roots continue. Claims against the rejected roots are refused.
    let earner = Pubkey::new_from_array(t.tree.leaves()[0].0);
    let claim = ix::payout::claim(&me, &earner, &t.world.mint, 0, claim_args(&t.tree, Pool::Contributors, &earner));
    t.world.send(&[claim], &[&t.challenger]).unwrap();
    refused(t.world.send(&[ix::payout::activate_settlement(2)], &[]), ErrorCode::AccountNotInitialized);

    // A2: the old attestation is refused, although epoch, roots and arguments are the signed ones.
    let authority = t.world.authority.insecure_clone();
    let replay = ix::payout::post_settlement(&authority.pubkey(), 1, 1, args.clone());
    refused(t.world.send(&[old, replay], &[&authority]), SharedError::AttestationMessage);
    // The epoch is over, so it can be settled again at once. It counts no payments of the next epoch.
    let right = tree(&[(earner, 35 * OPEN)]);
    t.world.pass(5);
    let next = settlement_args(&t.world, [&right, &tree(&[])]);
    assert_eq!((next.epoch, next.cutoff_slot), (2, during.epoch_start_slot));
    for cutoff_slot in [after.settled_slot, during.epoch_start_slot + 1, t.world.slot()] {
        let late = PostSettlementArgs { cutoff_slot, ..next.clone() };
        refused(t.market.post(&mut t.world, &late), PayoutError::BadCutoff);
    }
    let skipped = PostSettlementArgs { epoch: 3, ..next.clone() };
    refused(t.market.post(&mut t.world, &skipped), PayoutError::WrongEpoch);
    let from_rejected = PostSettlementArgs { previous: during.posted, ..next.clone() };
    refused(t.market.post(&mut t.world, &from_rejected), PayoutError::WrongPrevious);
    t.market.post(&mut t.world, &next).unwrap();
    let again = t.config();
    assert_eq!((again.posted_epoch, again.epoch, again.epoch_start_slot), (2, 3, during.epoch_start_slot));
    // The closed challenge concerns the previous posting and not this one.
    refused(t.world.send(&[ix::payout::activate_settlement(2)], &[]), PayoutError::ChallengeOpen);
    t.world.pass(CHALLENGE_SLOTS);
    t.world.send(&[ix::payout::activate_settlement(2)], &[]).unwrap();
    assert_eq!(t.config().active, next.pools);
    // Epoch 3 follows as usual.
    t.world.pass(EPOCH_SLOTS);
    let third = settlement_args(&t.world, [&right, &tree(&[])]);
    assert_eq!(third.epoch, 3);
    t.market.post(&mut t.world, &third).unwrap();
}

#[test]
fn a_rejected_first_settlement_leaves_nothing_behind() {
    let mut t = Posted::new();
    let challenge = t.challenge();
    t.resolve(challenge, true);
    let config = t.config();
    assert_eq!((config.posted_epoch, config.active_epoch, config.posted), (0, 0, Default::default()));
    // The same division may be posted again, but it needs a new attestation.
    let again = PostSettlementArgs { cutoff_slot: config.epoch_start_slot, ..t.args.clone() };
    t.market.post(&mut t.world, &again).unwrap();
}

#[test]
fn a_challenge_that_nobody_resolves_ends_and_the_settlement_goes_on() {
    let mut t = Posted::new();
    let active_after = t.settlement().active_after;
    let challenge = t.challenge();
    t.world.pass(RESOLVE_SLOTS);
    let expire = ix::payout::expire_challenge(&t.world.mint, &t.world.get(&challenge));
    refused(t.world.send(&[expire.clone()], &[]), PayoutError::NotExpired);
    t.world.pass(1);
    let stolen = swapped(expire.clone(), t.world.ata(&t.challenger.pubkey()), payout::treasury());
    refused(t.world.send(&[stolen], &[]), PayoutError::WrongRecipient);
    let event = t.world.send(&[expire], &[]).unwrap().event::<ChallengeResolved>();
    assert_eq!((event.outcome, event.released, t.purse()), (Outcome::Expired, CHALLENGE_BOND, PURSE));
    assert_eq!(event.active_after, active_after + RESOLVE_SLOTS + 1);
    t.world.pass(CHALLENGE_SLOTS);
    t.world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap();
}

#[test]
fn the_authority_may_still_speak_late_as_long_as_nobody_expired_the_challenge() {
    let mut t = Posted::new();
    let challenge = t.challenge();
    t.world.pass(3 * RESOLVE_SLOTS);
    assert_eq!(t.resolve(challenge, true).outcome, Outcome::Upheld);
}

#[test]
fn bonds_double_and_a_settlement_is_challenged_a_bounded_number_of_times() {
    let mut t = Posted::new();
    let mut spent = 0;
    for n in 0..MAX_CHALLENGES {
        let challenge = t.challenge();
        spent += CHALLENGE_BOND << n;
        assert_eq!(t.purse(), PURSE - spent);
        t.world.pass(RESOLVE_SLOTS - 1);
        t.resolve(challenge, false);
    }
    let more = ix::payout::challenge_settlement(
        &t.challenger.pubkey(),
        &t.world.mint,
        &t.world.get(&pda::settlement(1)),
        payout::evidence(),
    );
    refused(t.world.send(&[more], &[&t.challenger]), PayoutError::TooManyChallenges);
    // There is no further delay.
    t.world.pass(CHALLENGE_SLOTS);
    t.world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap();
}

#[test]
fn challenges_come_in_time_with_evidence_and_with_a_bond() {
    let mut t = Posted::new();
    let (me, poor) = (t.challenger.pubkey(), t.world.wallet(CHALLENGE_BOND - 1));
    let good =
        ix::payout::challenge_settlement(&me, &t.world.mint, &t.world.get(&pda::settlement(1)), payout::evidence());
    let with = |hash: u8, uri: &str| {
        let args = ChallengeSettlementArgs { evidence_hash: [hash; 32], evidence_uri: uri.into() };
        let mut out = good.clone();
        out.data = ::payout::instruction::ChallengeSettlement { args }.data();
        out
    };
    for bad in [with(0, "ipfs://a"), with(1, ""), with(1, &"a".repeat(201))] {
        refused(t.world.send(&[bad], &[&t.challenger]), PayoutError::BadEvidence);
    }
    let unpaid = ix::payout::challenge_settlement(
        &poor.pubkey(),
        &t.world.mint,
        &t.world.get(&pda::settlement(1)),
        payout::evidence(),
    );
    program_tests::tx::refused_with(t.world.send(&[unpaid], &[&poor]), "insufficient funds");
    // Refused: a bond from somebody else's tokens without its signature.
    let stolen = swapped(good.clone(), t.world.ata(&me), t.world.ata(&poor.pubkey()));
    refused(t.world.send(&[stolen], &[&t.challenger]), ErrorCode::ConstraintTokenOwner);
    // Refused: a copy of the settlement at another address, and a challenge with another number.
    let copy = t.settlement();
    t.world.put(address("copy"), &copy);
    let wrong = swapped(good.clone(), pda::settlement(1), address("copy"));
    refused(t.world.send(&[wrong], &[&t.challenger]), ErrorCode::ConstraintSeeds);
    let wrong = swapped(good.clone(), pda::challenge(copy.sequence, 0), pda::challenge(copy.sequence, 1));
    refused(t.world.send(&[wrong], &[&t.challenger]), ErrorCode::ConstraintSeeds);
    // Lamports sent to its addresses before do not block it.
    t.world.airdrop(&pda::challenge(copy.sequence, 0));
    t.world.airdrop(&pda::challenge_bond(&pda::challenge(copy.sequence, 0)));
    t.world.pass(CHALLENGE_SLOTS - 1);
    t.world.send(&[good], &[&t.challenger]).unwrap();

    // A challenge in the window's last slot is accepted. One slot later it is refused, even if nobody has activated the
    // settlement.
    let mut t = Posted::new();
    t.world.pass(CHALLENGE_SLOTS);
    let late = ix::payout::challenge_settlement(
        &t.challenger.pubkey(),
        &t.world.mint,
        &t.world.get(&pda::settlement(1)),
        payout::evidence(),
    );
    refused(t.world.send(&[late.clone()], &[&t.challenger]), PayoutError::ChallengeClosed);
    t.world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap();
    refused(t.world.send(&[late], &[&t.challenger]), PayoutError::NotPosted);
}

#[test]
fn only_the_authority_resolves_and_the_bond_goes_nowhere_else() {
    let mut t = Posted::new();
    let challenge = t.challenge();
    let (authority, me) = (t.world.authority.insecure_clone(), t.challenger.pubkey());
    let (own, treasury) = (t.world.ata(&me), payout::treasury());
    let mine = ix::payout::resolve_challenge(&me, &t.world.mint, &payout::treasury(), &t.world.get(&challenge), true);
    refused(t.world.send(&[mine], &[&t.challenger]), PayoutError::NotAuthority);
    for uphold in [true, false] {
        let good = ix::payout::resolve_challenge(
            &authority.pubkey(),
            &t.world.mint,
            &payout::treasury(),
            &t.world.get(&challenge),
            uphold,
        );
        let (right, wrong) = if uphold { (own, treasury) } else { (treasury, own) };
        let swap = swapped(good.clone(), right, wrong);
        refused(t.world.send(&[swap], &[&authority]), PayoutError::WrongRecipient);
        // The rent cannot go to anybody else either.
        let rent = swapped(good, me, authority.pubkey());
        refused(t.world.send(&[rent], &[&authority]), ErrorCode::ConstraintHasOne);
    }
    // Tokens that strangers send to the bond's account are paid out with the bond, so that the account can be closed.
    let bond = pda::challenge_bond(&challenge);
    t.world.put_token(bond, t.world.mint, challenge, CHALLENGE_BOND + 5);
    let good = ix::payout::resolve_challenge(
        &authority.pubkey(),
        &t.world.mint,
        &payout::treasury(),
        &t.world.get(&challenge),
        true,
    );
    let event = t.world.send(&[good.clone()], &[&authority]).unwrap().event::<ChallengeResolved>();
    assert_eq!((event.released, t.purse()), (CHALLENGE_BOND + 5, PURSE + 5));
    refused(t.world.send(&[good], &[&authority]), ErrorCode::AccountNotInitialized);
}

#[test]
fn a_word_on_one_challenge_is_none_on_the_next() {
    let mut t = Posted::new();
    let first = t.challenge();
    let (authority, me) = (t.world.authority.insecure_clone(), t.challenger.pubkey());
    // A proposal to uphold the first challenge is queued. Meanwhile that challenge expires, and another one is raised.
    let queued = ix::payout::resolve_challenge(
        &authority.pubkey(),
        &t.world.mint,
        &payout::treasury(),
        &t.world.get(&first),
        true,
    );
    t.world.pass(RESOLVE_SLOTS + 1);
    t.world.send(&[ix::payout::expire_challenge(&t.world.mint, &t.world.get(&first))], &[]).unwrap();
    let second = t.challenge();
    refused(t.world.send(&[queued], &[&authority]), ErrorCode::AccountNotInitialized);
    // A challenge of a rejected posting does not affect the epoch's next posting.
    let late = ix::payout::expire_challenge(&t.world.mint, &t.world.get(&second));
    t.resolve(second, true);
    let again = settlement_args(&t.world, [&t.tree, &tree(&[])]);
    t.market.post(&mut t.world, &again).unwrap();
    t.world.pass(CHALLENGE_SLOTS / 2);
    let third =
        ix::payout::challenge_settlement(&me, &t.world.mint, &t.world.get(&pda::settlement(1)), payout::evidence());
    t.world.send(&[third], &[&t.challenger]).unwrap();
    t.world.pass(RESOLVE_SLOTS + 1);
    refused(t.world.send(&[late], &[]), ErrorCode::AccountNotInitialized);
    assert_eq!(t.settlement().status, SettlementStatus::Challenged);
}

#[test]
fn a_challenge_cannot_be_passed_with_another_epochs_settlement() {
    let mut t = Posted::new();
    t.world.pass(CHALLENGE_SLOTS);
    t.world.send(&[ix::payout::activate_settlement(1)], &[]).unwrap();
    t.world.pass(EPOCH_SLOTS);
    let args = settlement_args(&t.world, [&t.tree, &tree(&[])]);
    let posted = t.market.post(&mut t.world, &args).unwrap().event::<SettlementPosted>();
    let (authority, me) = (t.world.authority.insecure_clone(), t.challenger.pubkey());
    let ix =
        ix::payout::challenge_settlement(&me, &t.world.mint, &t.world.get(&pda::settlement(2)), payout::evidence());
    t.world.send(&[ix], &[&t.challenger]).unwrap();
    let challenge = pda::challenge(posted.sequence, 0);
    // Refused with the active settlement of epoch 1, which would otherwise be closed or become inactive.
    for uphold in [true, false] {
        let good = ix::payout::resolve_challenge(
            &authority.pubkey(),
            &t.world.mint,
            &payout::treasury(),
            &t.world.get(&challenge),
            uphold,
        );
        let wrong = swapped(good, pda::settlement(2), pda::settlement(1));
        refused(t.world.send(&[wrong], &[&authority]), PayoutError::WrongSettlement);
    }
}
