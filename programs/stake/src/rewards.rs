//! Divides the rewards that arrive in a pool's vault. The operator's commission comes first. The rest is divided by an
//! index of rewards per bonded share. So what a delegator gets depends neither on the number of delegators nor on when
//! anyone claims.

use crate::{
    error::{SharedError, StakeError},
    state::{Delegation, Pool},
    window::part,
};
use anchor_lang::prelude::*;
use openledger_shared::checked::{add, sub};

/// Fractional bits of the index: one base unit is 2⁶⁴.
const ONE: u32 = 64;

impl Pool {
    /// The commission in `slot`, in basis points.
    pub fn commission_in(&self, slot: u64) -> u16 {
        if slot >= self.commission_slot { self.next_commission_bps } else { self.commission_bps }
    }

    /// Divides the rewards that have arrived in the vault, which holds `balance` base units. Returns how many base
    /// units were divided.
    ///
    /// It must run before every change of the bonded shares, so that rewards go to those who were bonded when they
    /// arrived.
    pub fn accrue(&mut self, balance: u64, slot: u64) -> Result<u64> {
        let known = add(self.owed, self.commission)?;
        let arrived = sub(balance, known)?;
        let shares = self.bonded.shares;
        let kept = if shares == 0 { arrived } else { part(arrived, self.commission_in(slot)) };
        let mut given = 0;
        if kept < arrived {
            let each = (u128::from(arrived - kept) << ONE) / shares;
            self.index = self.index.checked_add(each).ok_or(SharedError::Overflow)?;
            // Rounded up, so that the sum of the delegators' rounded parts cannot exceed it. `each` was rounded down,
            // so this is at most `arrived - kept`.
            let product = each.checked_mul(shares).ok_or(SharedError::Overflow)?;
            given = (product >> ONE) as u64 + u64::from(product as u64 != 0);
        }
        // The remainder of the division stays in the vault and is divided with the next rewards.
        let divided = add(kept, given)?;
        self.owed = add(self.owed, given)?;
        self.commission = add(self.commission, kept)?;
        Ok(divided)
    }

    /// Divides the rewards that have arrived in the vault, which holds `balance` base units, and takes the commission
    /// out. Returns how much was divided, and how much to pay to the operator, in base units. Fails with
    /// `NothingToHarvest` if both are zero.
    pub fn harvest(&mut self, balance: u64, slot: u64) -> Result<(u64, u64)> {
        let divided = self.accrue(balance, slot)?;
        let paid = core::mem::take(&mut self.commission);
        require!(divided > 0 || paid > 0, StakeError::NothingToHarvest);
        Ok((divided, paid))
    }
}

impl Delegation {
    /// Adds what the delegation has earned up to the pool's index to its rewards. It must run before every change of
    /// its shares.
    pub fn settle(&mut self, pool: &Pool) -> Result<()> {
        let since = pool.index.checked_sub(self.index).ok_or(SharedError::Overflow)?;
        let earned = self.shares.checked_mul(since).ok_or(SharedError::Overflow)? >> ONE;
        let earned = u64::try_from(earned).map_err(|_| SharedError::Overflow)?;
        self.rewards = add(self.rewards, earned)?;
        self.index = pool.index;
        Ok(())
    }

    /// Takes out everything that the delegation has earned, and returns how many base units to pay to the delegator.
    /// Fails with `NothingToClaim` if that is zero.
    pub fn claim(&mut self, pool: &mut Pool) -> Result<u64> {
        self.settle(pool)?;
        let paid = core::mem::take(&mut self.rewards);
        require!(paid > 0, StakeError::NothingToClaim);
        pool.owed = sub(pool.owed, paid)?;
        Ok(paid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Shares, Window};
    use openledger_shared::version::Version;
    use proptest::{prelude::*, test_runner::RngSeed};

    fn pool(commission_bps: u16) -> Pool {
        Pool {
            version: Version::CURRENT,
            bump: 0,
            vault_bump: 0,
            operator: Pubkey::default(),
            bonded: Shares::default(),
            unbonding: Shares::default(),
            slashed: Window::default(),
            commission_bps,
            next_commission_bps: commission_bps,
            commission_slot: 0,
            index: 0,
            owed: 0,
            commission: 0,
            sequence: 0,
        }
    }

    fn delegation() -> Delegation {
        Delegation {
            version: Version::CURRENT,
            bump: 0,
            pool: Pubkey::default(),
            owner: Pubkey::default(),
            shares: 0,
            unbonding_shares: 0,
            unbond_slot: 0,
            index: 0,
            rewards: 0,
            sequence: 0,
        }
    }

    #[test]
    fn commission_first_then_by_shares() {
        let (mut p, mut a, mut b) = (pool(1_000), delegation(), delegation());
        a.shares = p.bonded.put(300).unwrap();
        assert_eq!(p.accrue(100, 1).unwrap(), 100);
        // `b` joins after the first rewards and gets no part of them.
        b.settle(&p).unwrap();
        b.shares = p.bonded.put(100).unwrap();
        assert_eq!(p.accrue(500, 2).unwrap(), 400);
        a.settle(&p).unwrap();
        b.settle(&p).unwrap();
        // Exact to the unit, except for what rounding keeps back; that stays in `owed`.
        assert_eq!((p.commission, a.rewards, b.rewards, p.owed), (50, 90 + 270 - 1, 90 - 1, 450));
    }

    #[test]
    fn without_delegators_all_is_the_operators() {
        let mut p = pool(0);
        assert_eq!(p.accrue(77, 1).unwrap(), 77);
        assert_eq!((p.commission, p.owed, p.accrue(77, 1).unwrap()), (77, 0, 0));
        assert!(p.accrue(76, 1).is_err(), "a vault never holds less than it owes");
    }

    #[test]
    fn a_commission_changes_at_its_slot() {
        let mut p = pool(1_000);
        (p.next_commission_bps, p.commission_slot) = (2_000, 10);
        assert_eq!((p.commission_in(9), p.commission_in(10)), (1_000, 2_000));
    }

    #[test]
    fn one_unit_for_very_many_shares_is_not_lost() {
        let mut p = pool(0);
        p.bonded = Shares { assets: 1, shares: 1 << 70 };
        assert_eq!(p.accrue(1, 1).unwrap(), 0, "less than the index can show: it waits in the vault");
        assert_eq!(p.accrue(1 << 10, 1).unwrap(), 1 << 10);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, rng_seed: RngSeed::Fixed(4), ..ProptestConfig::default() })]

        #[test]
        fn what_is_claimed_and_kept_never_exceeds_what_arrived(
            steps in prop::collection::vec((0..3usize, 0..1_000_000_000u64, 0..1_000_000u64, 0..=10_000u16), 1..40)
        ) {
            let (mut p, mut held, mut vault) = (pool(777), [delegation(), delegation(), delegation()], 0u64);
            for (who, amount, reward, part) in steps {
                vault += reward;
                p.accrue(vault, 1).unwrap();
                held[who].settle(&p).unwrap();
                let leaving = held[who].shares * u128::from(part) / 10_000;
                p.bonded.pull(leaving).unwrap();
                held[who].shares -= leaving;
                held[who].shares += p.bonded.put(amount).unwrap();
                prop_assert!(p.owed + p.commission <= vault);
                for h in &mut held {
                    h.settle(&p).unwrap();
                }
                let due: u64 = held.iter().map(|h| h.rewards).sum();
                prop_assert!(due <= p.owed, "{due} > {}", p.owed);
                let claimed = core::mem::take(&mut held[who].rewards);
                p.owed -= claimed;
                vault -= claimed;
            }
        }
    }
}
