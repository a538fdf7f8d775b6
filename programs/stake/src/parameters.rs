//! The parameters that the authority may change, and the bounds that are fixed in the program.

use crate::{error::StakeError, state::*};
use anchor_lang::prelude::*;

/// Most that a minimum stake may be: one hundredth of the supply.
const MAX_MIN_STAKE: u64 = 10_000_000 * 1_000_000_000;
/// The most slots that any time among the parameters may have: about 58 days of 400 ms slots.
const MAX_SLOTS: u64 = 12_500_000;
/// Most that judged slashes may take within a window, in basis points.
const MAX_SLASH_CAP_BPS: u16 = 5_000;
/// Most that one proof of equivocation may take, in basis points. It is less than the whole, so that a pool's shares
/// keep some value.
const MAX_EQUIVOCATION_BPS: u16 = 9_000;

/// The parameters of the program.
///
/// `initialize` sets these defaults: a day to form a committee; half of a position for equivocation; at most 30 % of a
/// position and 25 % of the insurance vault within a week.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Least stake of an operator in base units: 1 to 10,000,000 OPEN. A member of the committee that falls below it
    /// stays a member until the next committee is active.
    pub min_operator_stake: u64,
    /// Least stake of a validator in base units: 1 to 10,000,000 OPEN.
    pub min_validator_stake: u64,
    /// Slots between a request to unbond and the withdrawal. It may grow up to 12,500,000, and never shrinks. Earlier
    /// requests keep their slot.
    pub unbond_slots: u64,
    /// Slots that a proposed committee has to become active: 1 to 12,500,000.
    pub committee_slots: u64,
    /// Part of a position that one proof of equivocation takes: 1 to 9,000 basis points.
    pub equivocation_bps: u16,
    /// Most that judged slashes take of a position within a window: 1 to 5,000 basis points.
    pub slash_cap_bps: u16,
    /// Length of that window: 1 to 12,500,000 slots.
    pub slash_window_slots: u64,
    /// Most that leaves the insurance vault within a window: 1 to 10,000 basis points.
    pub insurance_cap_bps: u16,
    /// Length of that window: 1 to 12,500,000 slots.
    pub insurance_window_slots: u64,
}

impl Parameters {
    /// The first parameters: the three that `initialize` takes, and the defaults of the others.
    pub(crate) fn first(min_operator_stake: u64, min_validator_stake: u64, unbond_slots: u64) -> Self {
        Self {
            min_operator_stake,
            min_validator_stake,
            unbond_slots,
            committee_slots: 216_000,
            equivocation_bps: 5_000,
            slash_cap_bps: 3_000,
            slash_window_slots: 1_512_000,
            insurance_cap_bps: 2_500,
            insurance_window_slots: 1_512_000,
        }
    }

    /// Refuses parameters that are out of bounds, and an unbonding time shorter than the present `unbond_slots`.
    pub(crate) fn validate(&self, unbond_slots: u64) -> Result<()> {
        let stake = 1..=MAX_MIN_STAKE;
        let slots = 1..=MAX_SLOTS;
        let sound = stake.contains(&self.min_operator_stake)
            && stake.contains(&self.min_validator_stake)
            && slots.contains(&self.unbond_slots)
            && slots.contains(&self.committee_slots)
            && slots.contains(&self.slash_window_slots)
            && slots.contains(&self.insurance_window_slots)
            && (1..=MAX_EQUIVOCATION_BPS).contains(&self.equivocation_bps)
            && (1..=MAX_SLASH_CAP_BPS).contains(&self.slash_cap_bps)
            && (1..=MAX_BPS).contains(&self.insurance_cap_bps);
        require!(sound, StakeError::ParameterOutOfBounds);
        require!(self.unbond_slots >= unbond_slots, StakeError::UnbondingShortened);
        Ok(())
    }

    /// Writes them into the config.
    pub(crate) fn write(&self, config: &mut Config) {
        config.min_operator_stake = self.min_operator_stake;
        config.min_validator_stake = self.min_validator_stake;
        config.unbond_slots = self.unbond_slots;
        config.committee_slots = self.committee_slots;
        config.equivocation_bps = self.equivocation_bps;
        config.slash_cap_bps = self.slash_cap_bps;
        config.slash_window_slots = self.slash_window_slots;
        config.insurance_cap_bps = self.insurance_cap_bps;
        config.insurance_window_slots = self.insurance_window_slots;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_bounds_on_both_sides() {
        let good = Parameters::first(1, 1, 500);
        assert!(good.validate(500).is_ok());
        assert!(good.validate(501).is_err(), "the unbonding time never shrinks");
        type Change = fn(&mut Parameters, u64);
        let changes: [(Change, u64); 9] = [
            (|p, v| p.min_operator_stake = v, MAX_MIN_STAKE),
            (|p, v| p.min_validator_stake = v, MAX_MIN_STAKE),
            (|p, v| p.unbond_slots = v, MAX_SLOTS),
            (|p, v| p.committee_slots = v, MAX_SLOTS),
            (|p, v| p.slash_window_slots = v, MAX_SLOTS),
            (|p, v| p.insurance_window_slots = v, MAX_SLOTS),
            (|p, v| p.equivocation_bps = v as u16, MAX_EQUIVOCATION_BPS.into()),
            (|p, v| p.slash_cap_bps = v as u16, MAX_SLASH_CAP_BPS.into()),
            (|p, v| p.insurance_cap_bps = v as u16, MAX_BPS.into()),
        ];
        for (number, (change, most)) in changes.into_iter().enumerate() {
            for (value, sound) in [(0, false), (1, true), (most, true), (most + 1, false)] {
                let mut p = good.clone();
                change(&mut p, value);
                assert_eq!(p.validate(0).is_ok(), sound, "parameter {number} = {value}");
            }
        }
    }
}
