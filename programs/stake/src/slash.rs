//! Decides how much a slash takes from positions and from pools.
//!
//! A slash takes a part, in basis points, of all stake that answers for the fault: the bonded and the unbonding stake
//! of the position and, at the same rate, of the delegators to its owner. It never takes more than there is, nor more
//! than the rate's cap within a window of slots.
//!
//! A committee member that falls below the operators' minimum keeps its place until the next committee is active. If
//! members were removed, too few signers might be left to reach the threshold, and the committee could attest nothing
//! (A3), not even its successor. Such a member cannot unbond. It cannot take a seat in a later committee before it has
//! deposited what is missing.

use crate::{
    state::{Config, MAX_BPS, Pool, Position, Window},
    window::part,
};
use anchor_lang::prelude::*;
use openledger_shared::checked::{add, sub};

/// The part that a slash takes, and the cap on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Part of the stake to take, in basis points.
    pub bps: u16,
    /// The cap: the part of a window's basis that may be taken within the window, in basis points.
    pub cap_bps: u16,
    /// Length of the window in slots.
    pub slots: u64,
}

impl Rate {
    /// The rate for a fault that a committee or the authority has judged. It has a cap, because judges err.
    pub fn judged(config: &Config, bps: u16) -> Self {
        Self { bps, cap_bps: config.slash_cap_bps, slots: config.slash_window_slots }
    }

    /// The rate for equivocation, which is proven by signatures. Its only cap is the whole position.
    pub fn equivocation(config: &Config) -> Self {
        Self { bps: config.equivocation_bps, cap_bps: MAX_BPS, slots: config.slash_window_slots }
    }

    /// How many base units this slash takes of `total`. The window counts them.
    fn amount(&self, window: &mut Window, total: u64, slot: u64) -> Result<u64> {
        let room = window.room(total, self.cap_bps, self.slots, slot);
        let amount = part(total, self.bps).min(room);
        window.take(amount)?;
        Ok(amount)
    }
}

/// What a slash took, in base units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Taken from the bonded stake.
    pub bonded: u64,
    /// Taken from the unbonding stake.
    pub unbonding: u64,
}

impl Cut {
    /// Both together.
    pub fn sum(&self) -> Result<u64> {
        add(self.bonded, self.unbonding)
    }
}

/// Slashes a position. It takes the unbonding stake first. Both stakes belong to one owner, and a member that keeps its
/// minimum bonded can be seated again.
pub fn position(position: &mut Position, rate: &Rate, slot: u64) -> Result<Cut> {
    let total = add(position.amount, position.unbonding)?;
    let amount = rate.amount(&mut position.slashed, total, slot)?;
    let unbonding = amount.min(position.unbonding);
    let cut = Cut { bonded: amount - unbonding, unbonding };
    position.unbonding -= cut.unbonding;
    position.amount = sub(position.amount, cut.bonded)?;
    Ok(cut)
}

/// Slashes a pool. Bonded and unbonding stake lose in proportion, because they belong to different delegators.
pub fn pool(pool: &mut Pool, rate: &Rate, slot: u64) -> Result<Cut> {
    let (staying, leaving) = (pool.bonded.assets, pool.unbonding.assets);
    let total = add(staying, leaving)?;
    let amount = rate.amount(&mut pool.slashed, total, slot)?;
    if amount == 0 {
        return Ok(Cut::default());
    }
    let bonded = (u128::from(amount) * u128::from(staying) / u128::from(total)) as u64;
    let cut = Cut { bonded, unbonding: amount - bonded };
    pool.bonded.assets = sub(staying, cut.bonded)?;
    pool.unbonding.assets = sub(leaving, cut.unbonding)?;
    Ok(cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Role, Shares};
    use openledger_shared::version::Version;

    fn a_position(amount: u64, unbonding: u64) -> Position {
        Position {
            version: Version::CURRENT,
            bump: 0,
            owner: Pubkey::default(),
            role: Role::Operator,
            amount,
            unbonding,
            unbond_slot: 0,
            since_slot: 0,
            slashed: Window::default(),
            faults: 0,
            pooled: false,
            sequence: 0,
        }
    }

    fn a_pool(bonded: u64, unbonding: u64) -> Pool {
        let shares = |assets: u64| Shares { assets, shares: assets.into() };
        Pool {
            version: Version::CURRENT,
            bump: 0,
            vault_bump: 0,
            operator: Pubkey::default(),
            bonded: shares(bonded),
            unbonding: shares(unbonding),
            slashed: Window::default(),
            commission_bps: 0,
            next_commission_bps: 0,
            commission_slot: 0,
            index: 0,
            owed: 0,
            commission: 0,
            sequence: 0,
        }
    }

    const JUDGED: Rate = Rate { bps: 2_000, cap_bps: 3_000, slots: 100 };
    const PROVEN: Rate = Rate { bps: 5_000, cap_bps: 10_000, slots: 100 };

    #[test]
    fn what_is_unbonding_goes_first_and_nothing_escapes() {
        let mut p = a_position(600, 400);
        assert_eq!(position(&mut p, &PROVEN, 5).unwrap(), Cut { bonded: 100, unbonding: 400 });
        assert_eq!((p.amount, p.unbonding), (500, 0));
        let mut p = a_position(0, 1_000);
        assert_eq!(position(&mut p, &PROVEN, 5).unwrap(), Cut { bonded: 0, unbonding: 500 });
    }

    #[test]
    fn judged_slashes_stop_at_the_cap_and_proven_ones_do_not() {
        let mut p = a_position(1_000, 0);
        let taken: Vec<u64> = (0..4).map(|_| position(&mut p, &JUDGED, 5).unwrap().sum().unwrap()).collect();
        assert_eq!(taken, [200, 100, 0, 0]);
        assert_eq!(position(&mut p, &PROVEN, 6).unwrap().sum().unwrap(), 350);
        // The next window has room again, measured by what is left.
        assert_eq!(position(&mut p, &JUDGED, 105).unwrap().sum().unwrap(), 70);
    }

    #[test]
    fn a_pool_loses_by_the_same_rate_and_in_proportion() {
        let mut p = a_pool(900, 100);
        assert_eq!(pool(&mut p, &JUDGED, 5).unwrap(), Cut { bonded: 180, unbonding: 20 });
        assert_eq!((p.bonded, p.unbonding), (Shares { assets: 720, shares: 900 }, Shares { assets: 80, shares: 100 }));
        // An amount that does not divide evenly between the two is still taken in full.
        let mut p = a_pool(2, 1);
        assert_eq!(pool(&mut p, &PROVEN, 5).unwrap(), Cut { bonded: 0, unbonding: 1 });
        assert_eq!(pool(&mut a_pool(0, 0), &PROVEN, 5).unwrap(), Cut::default());
    }

    #[test]
    fn no_slash_takes_more_than_there_is() {
        for (bonded, unbonding) in
            [(0, 0), (1, 0), (0, 1), (1, 1), (u64::MAX, 0), (0, u64::MAX), (1 << 63, (1 << 63) - 1)]
        {
            for bps in [1, 3_333, 9_999, 10_000] {
                let rate = Rate { bps, cap_bps: 10_000, slots: 1 };
                let mut p = a_position(bonded, unbonding);
                let cut = position(&mut p, &rate, 1).unwrap();
                assert_eq!((p.amount + cut.bonded, p.unbonding + cut.unbonding), (bonded, unbonding));
                let mut p = a_pool(bonded, unbonding);
                let cut = pool(&mut p, &rate, 1).unwrap();
                assert_eq!((p.bonded.assets + cut.bonded, p.unbonding.assets + cut.unbonding), (bonded, unbonding));
            }
        }
        assert!(position(&mut a_position(u64::MAX, 1), &PROVEN, 1).is_err());
        assert!(pool(&mut a_pool(u64::MAX, 1), &PROVEN, 1).is_err());
    }
}
