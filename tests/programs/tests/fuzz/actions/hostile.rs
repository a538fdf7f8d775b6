//! Actions of attackers.

use super::Act;
use crate::{
    crowd::{Attempt, Crowd},
    dice::Dice,
};
use program_tests::{Key, OPEN, attest};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

pub const ALL: &[(&str, u64, Act)] = &[
    ("! replay an attestation", 4, replay),
    ("! attest by a stranger", 3, forge),
    ("!exchange an account", 8, exchange),
    ("!exchange a signer", 4, exchange_signer),
    ("!change a byte", 6, change_byte),
];

/// A2: an accepted attested transaction is never accepted again.
fn replay(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let attested: Vec<_> = crowd.past.iter().filter(|(all, _)| is_attested(all)).collect();
    let (instructions, signers) = dice.pick(&attested)?;
    let signers: Vec<&Key> = signers.iter().collect();
    Attempt::several(instructions.clone(), &signers)?.forbidden()
}

fn is_attested(all: &[solana_instruction::Instruction]) -> bool {
    all.iter().any(|i| i.program_id == solana_sdk_ids::ed25519_program::ID)
}

/// A1: an attestation by another epoch's key over a payload that was signed before.
fn forge(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let attested: Vec<_> = crowd.past.iter().filter(|(all, _)| is_attested(all)).collect();
    let (instructions, signers) = dice.pick(&attested)?;
    let mut instructions = instructions.clone();
    let stranger = attest::group_key(200 + dice.below(50) as u8);
    let key = stranger.verifying_key().to_bytes();
    let message = instructions[0].data[112..].to_vec();
    let signature = ed25519_dalek::Signer::sign(&stranger, &message).to_bytes();
    instructions[0].data[16..48].copy_from_slice(&key);
    instructions[0].data[48..112].copy_from_slice(&signature);
    let signers: Vec<&Key> = signers.iter().collect();
    Attempt::several(instructions, &signers)?.forbidden()
}

/// Puts some account of the world in another's place. It may be valid by chance, but the books must balance.
fn exchange(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (instructions, signers) = dice.pick(&crowd.past)?;
    let (mut instructions, signers): (_, Vec<&Key>) = (instructions.clone(), signers.iter().collect());
    let mut all: Vec<Pubkey> = crowd.world.svm.accounts_db().inner.keys().copied().collect();
    all.sort();
    let other = *dice.pick(&all)?;
    let accounts = &mut instructions.last_mut()?.accounts;
    let count = accounts.len().max(1) as u64;
    let meta = accounts.get_mut(dice.below(count) as usize).filter(|m| !m.is_signer)?;
    meta.pubkey = other;
    Attempt::several(instructions, &signers)
}

/// Puts another actor in a signer's place.
fn exchange_signer(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (instructions, signers) = dice.pick(&crowd.past)?;
    let (mut instructions, mut signers) =
        (instructions.clone(), signers.iter().map(Key::insecure_clone).collect::<Vec<_>>());
    let (at, other) = (dice.below(signers.len().max(1) as u64) as usize, crowd.anyone(dice));
    let own = signers.get(at)?.pubkey();
    for meta in instructions.iter_mut().flat_map(|i| &mut i.accounts).filter(|m| m.pubkey == own && m.is_signer) {
        meta.pubkey = other.pubkey();
    }
    signers[at] = other;
    Attempt::several(instructions, &signers.iter().collect::<Vec<_>>())
}

/// Changes a byte of the instruction's data.
fn change_byte(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let (instructions, signers) = dice.pick(&crowd.past)?;
    let (mut instructions, signers): (_, Vec<&Key>) = (instructions.clone(), signers.iter().collect());
    let attested = is_attested(&instructions);
    let data = &mut instructions.last_mut()?.data;
    let at = dice.below(data.len() as u64) as usize;
    data[at] ^= 1 << dice.below(8);
    let attempt = Attempt::several(instructions, &signers)?;
    if attested { attempt.forbidden() } else { Some(attempt) }
}

/// Makes a token from nothing, which the checks must find. It is not in [`ALL`].
pub fn counterfeit(crowd: &mut Crowd, dice: &mut Dice) -> Option<Attempt> {
    let who = crowd.anyone(dice);
    let (token, mint) = (crowd.world.ata(&who.pubkey()), crowd.world.mint);
    let has = crowd.world.open_of(&who.pubkey());
    crowd.world.put_token(token, mint, who.pubkey(), has + OPEN);
    let nothing = solana_system_interface::instruction::transfer(&who.pubkey(), &who.pubkey(), 1);
    Attempt::new(nothing, &[&who])
}
