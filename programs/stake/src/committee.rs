//! Reads a committee account without building its lists. The cost does not grow with the committee's size, with one
//! exception: a search for a member needs one comparison for each member.

use crate::{
    error::SharedError,
    state::{Committee, CommitteeStatus},
};
use anchor_lang::prelude::*;
use openledger_shared::version::Version;

/// The fields of [`Committee`] that stand before its lists, in the same order.
#[derive(AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// See [`Committee::version`].
    pub version: Version,
    /// See [`Committee::bump`].
    pub bump: u8,
    /// See [`Committee::epoch`].
    pub epoch: u64,
    /// See [`Committee::status`].
    pub status: CommitteeStatus,
    /// See [`Committee::threshold`].
    pub threshold: u16,
    /// See [`Committee::group_key`].
    pub group_key: [u8; 32],
    /// See [`Committee::active_slot`].
    pub active_slot: u64,
    /// See [`Committee::size`].
    pub size: u16,
    /// See [`Committee::retired_slot`].
    pub retired_slot: u64,
}

/// A committee account's bytes, read in place.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// Everything before the lists.
    pub head: Head,
    /// The lists and what follows them.
    lists: &'a [u8],
}

impl<'a> View<'a> {
    /// Reads the account's `data`. Fails with `NotACommittee` if `owner` is not this program or the account is not a
    /// committee.
    ///
    /// This program makes committees only at their PDA, so owner and discriminator identify one.
    pub fn read(owner: &Pubkey, data: &'a [u8]) -> Result<Self> {
        require_keys_eq!(*owner, crate::ID, SharedError::NotACommittee);
        let mut rest = data.strip_prefix(Committee::DISCRIMINATOR).ok_or(SharedError::NotACommittee)?;
        let head = Head::deserialize(&mut rest).map_err(|_| SharedError::NotACommittee)?;
        Ok(Self { head, lists: rest })
    }

    /// Index of `wallet` among the members; `None` if it is not a member.
    pub fn place(&self, wallet: &Pubkey) -> Option<usize> {
        let (_, rest) = take_list(self.lists, 1)?;
        let (members, _) = take_list(rest, 32)?;
        members.chunks_exact(32).position(|m| m == wallet.as_ref())
    }
}

/// Splits a Borsh list of `item`-byte elements off the front.
fn take_list(data: &[u8], item: usize) -> Option<(&[u8], &[u8])> {
    let (count, rest) = data.split_first_chunk::<4>()?;
    rest.split_at_checked((u32::from_le_bytes(*count) as usize).checked_mul(item)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committee(members: usize) -> Committee {
        Committee {
            version: Version::CURRENT,
            bump: 254,
            epoch: 7,
            status: CommitteeStatus::Active,
            threshold: 3,
            group_key: [9; 32],
            active_slot: 11,
            size: 5,
            retired_slot: 13,
            confirmed: vec![true; members],
            members: (0..members).map(|i| Pubkey::new_from_array([i as u8 + 1; 32])).collect(),
            roster: Some([8; 32]),
            deadline_slot: 14,
            payer: Pubkey::new_from_array([7; 32]),
            sequence: 12,
        }
    }

    fn bytes(c: &Committee) -> Vec<u8> {
        let mut out = vec![];
        c.try_serialize(&mut out).unwrap();
        out
    }

    #[test]
    fn the_view_agrees_with_the_whole_account() {
        for n in [0, 1, 5, 100] {
            let whole = committee(n);
            let mut data = bytes(&whole);
            assert_eq!(data.len(), Committee::space(n), "space() is exact");
            data.resize(data.len() + 64, 0);
            let view = View::read(&crate::ID, &data).unwrap();
            assert_eq!(
                (view.head.epoch, view.head.status, view.head.group_key, view.head.retired_slot),
                (whole.epoch, whole.status, whole.group_key, whole.retired_slot)
            );
            for m in &whole.members {
                assert_eq!(view.place(m), whole.place(m));
            }
            assert_eq!(view.place(&Pubkey::new_from_array([200; 32])), None);
        }
    }

    #[test]
    fn accounts_of_others_and_other_accounts_are_refused() {
        let data = bytes(&committee(3));
        assert!(View::read(&Pubkey::new_from_array([1; 32]), &data).is_err());
        assert!(View::read(&crate::ID, &data[1..]).is_err());
        assert!(View::read(&crate::ID, &data[..40]).is_err());
        // The data end inside the lists: a search finds nobody and does not read past the end.
        let cut = View::read(&crate::ID, &data[..data.len() - 150]).unwrap();
        assert_eq!(cut.place(&Pubkey::new_from_array([1; 32])), None);
    }
}
