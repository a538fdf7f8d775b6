//! Instructions for settlements, their challenges, and claims.

use crate::{ix::build::build, pda};
use ::payout::{
    ID, accounts, instruction,
    instructions::{ChallengeSettlementArgs, ClaimArgs, PostSettlementArgs},
    state::{Challenge, Settlement},
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar::instructions};

/// Posts an epoch's settlement. `shards` is the number of shards. The committee's [`crate::attestation::instruction`]
/// must stand directly before.
pub fn post_settlement(payer: &Pubkey, committee_epoch: u64, shards: u8, args: PostSettlementArgs) -> Instruction {
    let accounts = accounts::PostSettlement {
        payer: *payer,
        config: pda::payout_config(),
        settlement: pda::settlement(args.epoch),
        stake_config: pda::stake_config(),
        committee: pda::committee(committee_epoch),
        instructions: instructions::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let mut ix = build(ID, accounts, instruction::PostSettlement { args });
    ix.accounts.extend((0..shards).map(|i| AccountMeta::new_readonly(pda::shard(i), false)));
    ix
}

/// Challenges `settlement`, which is the account as read from the chain.
pub fn challenge_settlement(
    challenger: &Pubkey,
    open_mint: &Pubkey,
    settlement: &Settlement,
    args: ChallengeSettlementArgs,
) -> Instruction {
    let challenge = pda::challenge(settlement.sequence, settlement.challenges);
    let accounts = accounts::ChallengeSettlement {
        challenger: *challenger,
        config: pda::payout_config(),
        settlement: pda::settlement(settlement.epoch),
        challenge,
        bond: pda::challenge_bond(&challenge),
        challenger_token: pda::token_account(challenger, open_mint),
        open_mint: *open_mint,
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ChallengeSettlement { args })
}

/// Resolves `challenge`, which is the account as read from the chain. The bond goes to the challenger or to the
/// `treasury`.
pub fn resolve_challenge(
    authority: &Pubkey,
    open_mint: &Pubkey,
    treasury: &Pubkey,
    challenge: &Challenge,
    uphold: bool,
) -> Instruction {
    let address = pda::challenge(challenge.posting, challenge.number);
    let own = pda::token_account(&challenge.challenger, open_mint);
    let accounts = accounts::ResolveChallenge {
        authority: *authority,
        config: pda::payout_config(),
        settlement: pda::settlement(challenge.epoch),
        challenge: address,
        bond: pda::challenge_bond(&address),
        challenger: challenge.challenger,
        recipient: if uphold { own } else { *treasury },
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ResolveChallenge { uphold })
}

/// Ends `challenge` after its `resolve_by`. `challenge` is the account as read from the chain.
pub fn expire_challenge(open_mint: &Pubkey, challenge: &Challenge) -> Instruction {
    let address = pda::challenge(challenge.posting, challenge.number);
    let accounts = accounts::ExpireChallenge {
        config: pda::payout_config(),
        settlement: pda::settlement(challenge.epoch),
        challenge: address,
        bond: pda::challenge_bond(&address),
        challenger: challenge.challenger,
        recipient: pda::token_account(&challenge.challenger, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ExpireChallenge {})
}

/// Makes a posted settlement the active one, against which claims are proven.
pub fn activate_settlement(epoch: u64) -> Instruction {
    let accounts = accounts::ActivateSettlement {
        config: pda::payout_config(),
        settlement: pda::settlement(epoch),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ActivateSettlement {})
}

/// Pays out of `shard` what `wallet` has earned and not claimed. The OPEN goes to the wallet's associated token
/// account, which must exist ([`crate::ix::token::create_account`]). `payer` pays the rent of a first claim.
pub fn claim(payer: &Pubkey, wallet: &Pubkey, open_mint: &Pubkey, shard: u8, args: ClaimArgs) -> Instruction {
    let accounts = accounts::ClaimEarnings {
        payer: *payer,
        wallet: *wallet,
        config: pda::payout_config(),
        shard: pda::shard(shard),
        vault: pda::vault(shard),
        claim: pda::claim(wallet),
        token: pda::token_account(wallet, open_mint),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Claim { args })
}
