//! Shares of OPEN that several wallets hold together. All arithmetic is in integers. Every rounding is against the
//! wallet that puts in or takes out.
//!
//! The formulas are those of ERC-4626 with a virtual share and a virtual base unit, so that neither an empty nor a
//! wholly slashed holding divides by zero. A share starts at one base unit. Only slashes change its worth, so it is
//! never worth more. Tokens that somebody sends to the vault do not count in `assets`. So the first holder cannot raise
//! the price of a share so far that later ones get none for their money.

use crate::{
    error::{SharedError, StakeError},
    state::Shares,
};
use anchor_lang::prelude::*;

/// Most shares for each base unit at which a holding still takes new money. A pool that has lost all but a 256th of its
/// OPEN takes no more. Within this bound no product below exceeds u128, for any amount up to the supply of OPEN.
const MAX_SHARES_PER_UNIT: u128 = 256;

impl Shares {
    /// What `shares` are worth now, in base units, rounded down. All shares together are worth all of the assets.
    pub fn worth(&self, shares: u128) -> Result<u64> {
        let product = shares.checked_mul(u128::from(self.assets) + 1).ok_or(SharedError::Overflow)?;
        let worth = product / self.shares.checked_add(1).ok_or(SharedError::Overflow)?;
        u64::try_from(worth).map_err(|_| SharedError::Overflow.into())
    }

    /// Puts `amount` base units in and returns the shares for them, rounded down.
    pub fn put(&mut self, amount: u64) -> Result<u128> {
        let virtual_shares = self.shares.checked_add(1).ok_or(SharedError::Overflow)?;
        let product = u128::from(amount).checked_mul(virtual_shares).ok_or(SharedError::Overflow)?;
        let minted = product / (u128::from(self.assets) + 1);
        self.assets = self.assets.checked_add(amount).ok_or(SharedError::Overflow)?;
        self.shares = self.shares.checked_add(minted).ok_or(SharedError::Overflow)?;
        Ok(minted)
    }

    /// Takes out what `shares` are worth and returns it in base units. Fails with `InsufficientStake` if there are not
    /// so many shares.
    pub fn pull(&mut self, shares: u128) -> Result<u64> {
        let amount = self.worth(shares)?;
        self.shares = self.shares.checked_sub(shares).ok_or(StakeError::InsufficientStake)?;
        self.assets = self.assets.checked_sub(amount).ok_or(SharedError::Overflow)?;
        Ok(amount)
    }

    /// Refuses new money with `PoolRuined` if slashes have left more than `MAX_SHARES_PER_UNIT` shares for each base
    /// unit.
    pub fn require_sound(&self) -> Result<()> {
        let most = (u128::from(self.assets) + 1) * MAX_SHARES_PER_UNIT;
        require!(self.shares <= most, StakeError::PoolRuined);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prelude::*, test_runner::RngSeed};

    #[test]
    fn shares_are_base_units_until_a_slash() {
        let mut s = Shares::default();
        assert_eq!((s.put(1_000).unwrap(), s.put(1).unwrap(), s.worth(400).unwrap()), (1_000, 1, 400));
        s.assets = 500;
        assert_eq!(s.worth(1_001).unwrap(), 500, "all shares are worth all assets");
        assert_eq!(s.put(500).unwrap(), 1_000);
        assert_eq!((s.pull(1_000).unwrap(), s), (500, Shares { assets: 500, shares: 1_001 }));
        assert!(s.pull(1_002).is_err());
        assert_eq!((s.pull(1_001).unwrap(), s), (500, Shares::default()));
    }

    #[test]
    fn a_wholly_slashed_holding_neither_blocks_nor_shares_in_what_comes_after() {
        let mut s = Shares { assets: 0, shares: 7 };
        assert_eq!(s.worth(7).unwrap(), 0);
        let minted = s.put(1_000).unwrap();
        assert_eq!((minted, s.worth(minted).unwrap(), s.worth(7).unwrap()), (8_000, 1_000, 0));
    }

    #[test]
    fn a_ruined_holding_takes_no_new_money() {
        assert!(Shares::default().require_sound().is_ok());
        assert!(Shares { assets: 999, shares: 256_000 }.require_sound().is_ok());
        assert!(Shares { assets: 999, shares: 256_001 }.require_sound().is_err());
    }

    #[test]
    fn the_whole_supply_can_be_held_at_the_worst_price() {
        let supply = 1_000_000_000 * 1_000_000_000;
        let mut s = Shares { assets: supply / 2, shares: u128::from(supply / 2 + 1) * MAX_SHARES_PER_UNIT };
        assert!(s.require_sound().is_ok());
        let minted = s.put(supply / 2).unwrap();
        s.pull(minted).unwrap();
        s.pull(s.shares).unwrap();
        assert_eq!(s, Shares::default());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Put(usize, u64),
        Pull(usize, u16),
        Slash(u16),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..3usize, 0..50u64).prop_map(|(who, amount)| Step::Put(who, amount)),
            (0..3usize, 0..1_000_000_000_000u64).prop_map(|(who, amount)| Step::Put(who, amount)),
            (0..3usize, 0..=10_000u16).prop_map(|(who, part)| Step::Pull(who, part)),
            (0..6_000u16).prop_map(Step::Slash),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, rng_seed: RngSeed::Fixed(3), ..ProptestConfig::default() })]

        #[test]
        fn nobody_gains_by_moving_and_no_share_is_ever_worth_more_than_one(steps in prop::collection::vec(step(), 1..60)) {
            let (mut all, mut held) = (Shares::default(), [0u128; 3]);
            for step in steps {
                let before: Vec<u64> = held.iter().map(|h| all.worth(*h).unwrap()).collect();
                let (mover, paid, got) = match step {
                    Step::Put(who, amount) => {
                        if all.require_sound().is_err() {
                            continue;
                        }
                        held[who] += all.put(amount).unwrap();
                        (Some(who), amount, 0)
                    }
                    Step::Pull(who, part) => {
                        let shares = held[who] * u128::from(part) / 10_000;
                        held[who] -= shares;
                        (Some(who), 0, all.pull(shares).unwrap())
                    }
                    Step::Slash(bps) => {
                        all.assets -= crate::window::part(all.assets, bps);
                        (None, 0, 0)
                    }
                };
                prop_assert_eq!(all.shares, held.iter().sum::<u128>());
                prop_assert!(u128::from(all.assets) <= all.shares);
                let after: Vec<u64> = held.iter().map(|h| all.worth(*h).unwrap()).collect();
                prop_assert!(after.iter().sum::<u64>() <= all.assets);
                if let Some(mover) = mover {
                    prop_assert!(after[mover] + got <= before[mover] + paid);
                    for other in (0..3).filter(|o| *o != mover) {
                        prop_assert!(after[other] >= before[other], "{other}: {} < {}", after[other], before[other]);
                    }
                }
            }
            for h in held {
                all.pull(h).unwrap();
            }
            prop_assert_eq!(all, Shares::default(), "the last to leave takes what is left");
        }
    }
}
