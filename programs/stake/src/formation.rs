//! Committees that are not active yet: making one, checking and seating its members, and giving it up.

use crate::{
    error::StakeError,
    events::{CommitteeAbandoned, CommitteeProposed},
    state::*,
};
use anchor_lang::prelude::*;
use openledger_shared::{checked::add, sequence};

impl Committee {
    /// A committee without members, of the epoch after the active one. `payer` has paid its rent.
    pub(crate) fn forming(
        config: &Config,
        threshold: u16,
        size: u16,
        roster: Option<[u8; 32]>,
        payer: Pubkey,
        bump: u8,
        slot: u64,
    ) -> Result<Self> {
        require!((1..=MAX_MEMBERS).contains(&(size as usize)), StakeError::BadSize);
        require!(threshold > size / 2 && threshold <= size, StakeError::BadThreshold);
        Ok(Self {
            version: Version::CURRENT,
            bump,
            epoch: add(config.committee_epoch, 1)?,
            status: CommitteeStatus::Forming,
            threshold,
            group_key: [0; 32],
            active_slot: 0,
            size,
            retired_slot: 0,
            confirmed: vec![],
            members: vec![],
            roster,
            deadline_slot: add(slot, config.committee_slots)?,
            payer,
            sequence: config.next_committee_sequence,
        })
    }

    /// Checks that each of `members` may take the next seat. `accounts` holds two accounts for each member in order:
    /// its operator account and its operator position.
    pub(crate) fn validate_seats<'info>(
        &self,
        config: &Config,
        members: &[Pubkey],
        accounts: &'info [AccountInfo<'info>],
    ) -> Result<()> {
        require!(
            (1..=MAX_MEMBERS_PER_CALL).contains(&members.len())
                && self.members.len() + members.len() <= self.size as usize,
            StakeError::BadMemberCount
        );
        require!(accounts.len() == 2 * members.len(), StakeError::WrongMemberAccounts);
        for (place, (member, pair)) in members.iter().zip(accounts.chunks_exact(2)).enumerate() {
            // This program makes operators and positions only at their PDA, so type and owner field identify them.
            let operator = Account::<Operator>::try_from(&pair[0]).map_err(|_| StakeError::WrongMemberAccounts)?;
            let position = Account::<Position>::try_from(&pair[1]).map_err(|_| StakeError::WrongMemberAccounts)?;
            require!(
                operator.owner == *member && position.owner == *member && position.role == Role::Operator,
                StakeError::WrongMemberAccounts
            );
            require!(position.amount >= config.min_operator_stake, StakeError::BelowMinimum);
            require!(self.place(member).is_none() && !members[..place].contains(member), StakeError::DuplicateMember);
        }
        Ok(())
    }

    /// Seats the members, and moves the committee on to `Confirming` once it is complete.
    pub(crate) fn seat(&mut self, members: &[Pubkey]) {
        self.members.extend_from_slice(members);
        self.confirmed.resize(self.members.len(), false);
        if self.members.len() == self.size as usize {
            self.status = CommitteeStatus::Confirming;
        }
    }
}

/// The event for a committee and the members that this call named.
pub(crate) fn proposed(committee: &mut Account<Committee>, members: Vec<Pubkey>) -> Result<CommitteeProposed> {
    Ok(CommitteeProposed {
        committee: committee.key(),
        sequence: sequence::take(&mut committee.sequence)?,
        epoch: committee.epoch,
        threshold: committee.threshold,
        size: committee.size,
        members,
    })
}

/// The event for a committee that is closed. The next committee at the same address continues its event numbers.
pub(crate) fn abandoned(config: &mut Config, committee: &mut Account<Committee>) -> Result<CommitteeAbandoned> {
    let event = CommitteeAbandoned {
        committee: committee.key(),
        sequence: sequence::take(&mut committee.sequence)?,
        epoch: committee.epoch,
    };
    config.next_committee_sequence = committee.sequence;
    Ok(event)
}
