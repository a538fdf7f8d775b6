//! Instructions for payments.

use crate::{ix::build::build, pda};
use ::payout::{ID, accounts, instruction, instructions::PayArgs, state::Pool};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

/// The wallets and accounts that a payment concerns, as read from the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The payer's wallet.
    pub payer: Pubkey,
    /// The model account.
    pub model: Pubkey,
    /// The model's owner.
    pub model_owner: Pubkey,
    /// The parent model's owner, if the model has a parent.
    pub parent_owner: Option<Pubkey>,
    /// Wallet of the operator that answers.
    pub operator: Pubkey,
    /// The shard that takes the pools' shares. Any shard will do.
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

/// Pays `amount` base units of `payer` into a pool, through shard `shard`. `subject` says what the payment is for.
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
