//! Divides a fee and pays everyone's part, for direct and for prepaid payments alike.

use crate::{error::PayoutError, events::Paid, state::*, tokens};
use anchor_lang::prelude::*;
use model::state::{Model, ModelStatus};
use openledger_protocol::fees::{Parts, Shares};
use openledger_shared::{checked::add, sequence};
use stake::{
    committee::View,
    state::{CommitteeStatus, Operator, capability},
};

/// The answer that a fee pays for, and the token accounts of everyone who has a part in the fee. The instruction's
/// accounts check the addresses of vault and treasury. [`Fee::divide`] checks the owners of the other token accounts.
/// The transfer itself checks that they hold OPEN and belong to the token program.
pub struct Fee<'a, 'info> {
    /// The config.
    pub config: &'a Config,
    /// The model.
    pub model: &'a Account<'info, Model>,
    /// The operator that answers.
    pub operator: &'a Operator,
    /// The active committee, which the operator must be in.
    pub committee: &'a AccountInfo<'info>,
    /// The shard that takes the pools' parts.
    pub shard: &'a Account<'info, Shard>,
    /// Vault of the shard.
    pub vault: &'a AccountInfo<'info>,
    /// Token account of the treasury.
    pub treasury: &'a AccountInfo<'info>,
    /// Token account of the model's owner.
    pub model_owner_token: &'a AccountInfo<'info>,
    /// Token account of the parent model's owner, if the model has a parent.
    pub upstream_token: Option<&'a AccountInfo<'info>>,
    /// Token account of the operator's wallet.
    pub operator_token: &'a AccountInfo<'info>,
    /// The SPL Token program.
    pub token_program: Pubkey,
}

/// The source of a fee.
pub struct Source<'a, 'info> {
    /// The wallet that pays.
    pub payer: Pubkey,
    /// The whole fee in base units.
    pub amount: u64,
    /// The token account.
    pub token: AccountInfo<'info>,
    /// The account that signs for the token account.
    pub authority: AccountInfo<'info>,
    /// Seeds of the authority, if it is a PDA of this program.
    pub seeds: &'a [&'a [&'a [u8]]],
}

impl<'info> Fee<'_, 'info> {
    /// Checks the amount, the model, the operator, the committee and the token accounts' owners, and divides `amount`
    /// base units.
    pub fn divide(&self, amount: u64) -> Result<Parts> {
        require!(amount > 0, PayoutError::ZeroAmount);
        require!(self.model.status == ModelStatus::Ready, PayoutError::ModelNotReady);
        let upstream = self.upstream_token.map(owner).transpose()?;
        require!(upstream == self.model.parent_owner, PayoutError::WrongUpstream);
        require_keys_eq!(owner(self.model_owner_token)?, self.model.owner, PayoutError::WrongTokenOwner);
        require_keys_eq!(owner(self.operator_token)?, self.operator.owner, PayoutError::WrongTokenOwner);
        require!(self.operator.capabilities & capability::SERVE != 0, PayoutError::NotServing);
        let data = self.committee.try_borrow_data()?;
        let committee = View::read(self.committee.owner, &data)?;
        require!(committee.head.status == CommitteeStatus::Active, PayoutError::CommitteeNotActive);
        require!(committee.place(&self.operator.owner).is_some(), PayoutError::NotMember);
        Shares::from(self.config.fees)
            .split(amount, self.model.parent_owner.is_some())
            .ok_or_else(|| PayoutError::SharesNotWhole.into())
    }

    /// Transfers every part, and returns the event with `sequence` as the shard's event number.
    pub fn pay(&self, from: Source<'_, 'info>, parts: &Parts, request: [u8; 32], sequence: u64) -> Result<Paid> {
        let pools = add(parts.contributors, parts.validators)?;
        let mut accounts = [from.token, self.vault.clone(), from.authority];
        let mut send = |to: &AccountInfo<'info>, amount: u64| {
            if amount == 0 {
                return Ok(());
            }
            accounts[1] = to.clone();
            tokens::transfer(self.token_program, &accounts, from.seeds, amount)
        };
        send(self.vault, pools)?;
        send(self.treasury, parts.treasury)?;
        send(self.model_owner_token, parts.model_owner)?;
        send(self.operator_token, parts.compute)?;
        if let Some(upstream) = self.upstream_token {
            send(upstream, parts.upstream)?;
        }
        Ok(Paid {
            shard: self.shard.key(),
            sequence,
            request,
            payer: from.payer,
            model: self.model.key(),
            operator: self.operator.owner,
            amount: from.amount,
            treasury: parts.treasury,
            model_owner: parts.model_owner,
            upstream: parts.upstream,
            compute: parts.compute,
            validators: parts.validators,
            contributors: parts.contributors,
            epoch: self.config.epoch,
        })
    }
}

/// Adds the pools' parts of a fee to the shard's funding, and takes the shard's next event number.
pub fn fund(shard: &mut Shard, parts: &Parts) -> Result<u64> {
    for (pool, part) in [(Pool::Contributors, parts.contributors), (Pool::Validators, parts.validators)] {
        let funded = &mut shard.funded[pool as usize];
        *funded = add(*funded, part)?;
    }
    sequence::take(&mut shard.sequence)
}

/// The owner that a token account's data name.
fn owner(token: &AccountInfo) -> Result<Pubkey> {
    let data = token.try_borrow_data()?;
    data.get(32..64).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| PayoutError::WrongTokenOwner.into())
}
