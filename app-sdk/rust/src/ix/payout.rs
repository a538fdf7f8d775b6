//! Instructions of the payout program.

use super::build;
use crate::pda;
use ::payout::{
    ID, accounts, instruction,
    instructions::{ChallengeSettlementArgs, ClaimArgs, DebitBalanceArgs, InitializeArgs, PayArgs, PostSettlementArgs},
    parameters::Parameters,
    state::{Challenge, FeeShares, Pool},
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar::instructions};

/// Makes the config; by the program's upgrade authority, once. `treasury` is a token account of OPEN.
pub fn initialize(authority: &Pubkey, open_mint: &Pubkey, treasury: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts::Initialize {
        authority: *authority,
        config: pda::payout_config(),
        open_mint: *open_mint,
        treasury: *treasury,
        stake_config: pda::stake_config(),
        program_data: pda::program_data(&ID),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Initialize { args })
}

/// Makes shard `index` (the config's `shards`).
pub fn create_shard(authority: &Pubkey, open_mint: &Pubkey, index: u8) -> Instruction {
    let accounts = accounts::CreateShard {
        authority: *authority,
        config: pda::payout_config(),
        shard: pda::shard(index),
        vault: pda::vault(index),
        open_mint: *open_mint,
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::CreateShard { index })
}

/// Who and what a payment concerns, as read from the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Who pays.
    pub payer: Pubkey,
    /// The model account.
    pub model: Pubkey,
    /// The model's owner.
    pub model_owner: Pubkey,
    /// The parent model's owner, if the model has a parent.
    pub parent_owner: Option<Pubkey>,
    /// Wallet of the operator that answers.
    pub operator: Pubkey,
    /// The shard that takes the pools' shares; any.
    pub shard: u8,
    /// The payout config's treasury.
    pub treasury: Pubkey,
    /// The OPEN mint.
    pub open_mint: Pubkey,
    /// Epoch of the active committee.
    pub committee_epoch: u64,
}

/// Pays `args.amount` for the request `args.request`.
pub fn pay(p: &Payment, args: PayArgs) -> Instruction {
    let accounts = accounts::Pay {
        payer: p.payer,
        payer_token: pda::token_account(&p.payer, &p.open_mint),
        config: pda::payout_config(),
        shard: pda::shard(p.shard),
        vault: pda::vault(p.shard),
        treasury: p.treasury,
        model: p.model,
        model_owner_token: pda::token_account(&p.model_owner, &p.open_mint),
        upstream_token: p.parent_owner.map(|owner| pda::token_account(&owner, &p.open_mint)),
        operator: pda::operator(&p.operator),
        operator_token: pda::token_account(&p.operator, &p.open_mint),
        committee: pda::committee(p.committee_epoch),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Pay { args })
}

/// Pays `amount` base units of `payer`'s into a pool through shard `shard`, on account of `subject`.
pub fn fund(payer: &Pubkey, open_mint: &Pubkey, shard: u8, pool: Pool, subject: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::Fund {
        payer: *payer,
        payer_token: pda::token_account(payer, open_mint),
        config: pda::payout_config(),
        shard: pda::shard(shard),
        vault: pda::vault(shard),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Fund { pool, subject: *subject, amount })
}

/// Posts an epoch's division over `shards` shards. The committee's [`crate::attestation::instruction`] must stand
/// directly before.
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

/// Challenges the settlement of `epoch` that was posted as number `posting` (its account's `sequence`), as the
/// challenge of this `number` (its `challenges`).
pub fn challenge_settlement(
    challenger: &Pubkey,
    open_mint: &Pubkey,
    epoch: u64,
    posting: u64,
    number: u8,
    args: ChallengeSettlementArgs,
) -> Instruction {
    let challenge = pda::challenge(posting, number);
    let accounts = accounts::ChallengeSettlement {
        challenger: *challenger,
        config: pda::payout_config(),
        settlement: pda::settlement(epoch),
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

/// Resolves `challenge` as read from the chain; the bond goes to the challenger or to the `treasury`.
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

/// Ends `challenge`, as read from the chain, after its `resolve_by`.
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

/// Makes a posted settlement the one that claims are proven against.
pub fn activate_settlement(epoch: u64) -> Instruction {
    let accounts = accounts::ActivateSettlement {
        config: pda::payout_config(),
        settlement: pda::settlement(epoch),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ActivateSettlement {})
}

/// Pays what `wallet` earned and has not claimed out of `shard`, to its own associated token account, which must exist
/// ([`super::token::create_account`]). `payer` pays the rent of a first claim.
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

/// Pays ahead into the wallet's own balance.
pub fn deposit_balance(owner: &Pubkey, open_mint: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::DepositBalance {
        owner: *owner,
        config: pda::payout_config(),
        balance: pda::prepaid_balance(owner),
        vault: pda::prepaid_vault(owner),
        owner_token: pda::token_account(owner, open_mint),
        open_mint: *open_mint,
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::DepositBalance { amount })
}

/// Debits the payer's balance. The committee's [`crate::attestation::instruction`] must stand directly before.
pub fn debit_balance(p: &Payment, args: DebitBalanceArgs) -> Instruction {
    let accounts = accounts::DebitBalance {
        balance: pda::prepaid_balance(&p.payer),
        balance_vault: pda::prepaid_vault(&p.payer),
        config: pda::payout_config(),
        shard: pda::shard(p.shard),
        vault: pda::vault(p.shard),
        treasury: p.treasury,
        model: p.model,
        model_owner_token: pda::token_account(&p.model_owner, &p.open_mint),
        upstream_token: p.parent_owner.map(|owner| pda::token_account(&owner, &p.open_mint)),
        operator: pda::operator(&p.operator),
        operator_token: pda::token_account(&p.operator, &p.open_mint),
        stake_config: pda::stake_config(),
        committee: pda::committee(p.committee_epoch),
        instructions: instructions::ID,
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::DebitBalance { args })
}

/// Asks for prepaid money back; 0 calls the request before off.
pub fn request_balance_withdrawal(owner: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::RequestBalanceWithdrawal {
        owner: *owner,
        config: pda::payout_config(),
        balance: pda::prepaid_balance(owner),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RequestBalanceWithdrawal { amount })
}

/// Returns prepaid money after the delay.
pub fn withdraw_balance(owner: &Pubkey, open_mint: &Pubkey) -> Instruction {
    let accounts = accounts::WithdrawBalance {
        owner: *owner,
        balance: pda::prepaid_balance(owner),
        vault: pda::prepaid_vault(owner),
        owner_token: pda::token_account(owner, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::WithdrawBalance {})
}

/// Sends what lies in `vault` beyond what its `holder` (a shard or a balance) counts to the `treasury`.
pub fn sweep_dust(holder: &Pubkey, vault: &Pubkey, treasury: &Pubkey) -> Instruction {
    let accounts = accounts::SweepDust {
        config: pda::payout_config(),
        holder: *holder,
        vault: *vault,
        treasury: *treasury,
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SweepDust {})
}

/// Stops payments, debits, claims and settlements until a slot.
pub fn pause(authority: &Pubkey, until_slot: u64) -> Instruction {
    let accounts = accounts::Pause {
        authority: *authority,
        config: pda::payout_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Pause { until_slot })
}

/// Sets the parameters other than the fees.
pub fn set_parameters(authority: &Pubkey, parameters: Parameters) -> Instruction {
    let accounts = accounts::SetParameters {
        authority: *authority,
        config: pda::payout_config(),
        stake_config: pda::stake_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetParameters { parameters })
}

/// Sets the shares in force from the next epoch on.
pub fn set_fees(authority: &Pubkey, next: FeeShares) -> Instruction {
    let accounts = accounts::SetFees {
        authority: *authority,
        config: pda::payout_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetFees { next })
}

/// Names who may take the authority over.
pub fn propose_authority(authority: &Pubkey, new: &Pubkey) -> Instruction {
    let accounts = accounts::ProposeAuthority {
        authority: *authority,
        config: pda::payout_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ProposeAuthority { new: *new })
}

/// Takes the authority over.
pub fn accept_authority(new_authority: &Pubkey) -> Instruction {
    let accounts = accounts::AcceptAuthority {
        new_authority: *new_authority,
        config: pda::payout_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AcceptAuthority {})
}
