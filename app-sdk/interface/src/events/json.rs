//! The JSON form of events' fields.

use serde_json::{Value, json};
use solana_pubkey::Pubkey;

/// The JSON form of a field. Every u64 and u128 is a decimal string, because amounts can exceed what a JavaScript
/// number holds.
pub(super) trait Field {
    /// Returns the field as JSON.
    fn json(&self) -> Value;

    /// Returns a list of such fields as JSON.
    fn list(items: &[Self]) -> Value
    where
        Self: Sized,
    {
        items.iter().map(Field::json).collect()
    }
}

impl Field for Pubkey {
    fn json(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Field for u64 {
    fn json(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Field for u128 {
    fn json(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Field for String {
    fn json(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Field for [u8; 32] {
    fn json(&self) -> Value {
        Value::String(hex::encode(self))
    }
}

/// Implements [`Field`] for types whose serde form is the right one.
macro_rules! plain {
    ($($t:ty),*) => { $(impl Field for $t {
        fn json(&self) -> Value {
            json!(self)
        }
    })* };
}
plain!(u16, u32, bool);

impl Field for u8 {
    fn json(&self) -> Value {
        json!(self)
    }

    /// A list of bytes is written in hex, like a hash.
    fn list(items: &[Self]) -> Value {
        Value::String(hex::encode(items))
    }
}

/// Implements [`Field`] for enums without data. Their JSON is the variant's name in lower case.
macro_rules! named {
    ($($t:ty),*) => { $(impl Field for $t {
        fn json(&self) -> Value {
            Value::String(format!("{self:?}").to_lowercase())
        }
    })* };
}
named!(stake::state::Role, stake::state::SlashReason, payout::state::Pool, payout::challenge::Outcome);
named!(governance::state::Choice, governance::state::ProposalState);
named!(datanet::state::Modality, datanet::state::Access, datanet::state::GrantStatus);

impl<T: Field> Field for Option<T> {
    fn json(&self) -> Value {
        self.as_ref().map_or(Value::Null, Field::json)
    }
}

impl<T: Field> Field for Vec<T> {
    fn json(&self) -> Value {
        T::list(self)
    }
}

impl Field for governance::state::ProposedAccount {
    fn json(&self) -> Value {
        json!({ "address": self.address.json(), "signer": self.signer, "writable": self.writable })
    }
}

impl Field for governance::state::Parameters {
    fn json(&self) -> Value {
        json!({
            "quorum_bps": self.quorum_bps, "proposal_threshold": self.proposal_threshold.json(),
            "voting_slots": self.voting_slots.json(), "timelock_slots": self.timelock_slots.json(),
            "grace_slots": self.grace_slots.json(),
        })
    }
}

impl Field for [u64; payout::state::POOLS] {
    fn json(&self) -> Value {
        self.iter().map(Field::json).collect()
    }
}

impl Field for [payout::state::PoolRoot; payout::state::POOLS] {
    fn json(&self) -> Value {
        self.iter().map(Field::json).collect()
    }
}

impl Field for payout::state::PoolRoot {
    fn json(&self) -> Value {
        json!({ "root": self.root.json(), "leaves": self.leaves, "lifetime_total": self.lifetime_total.json() })
    }
}

impl Field for stake::instructions::Parameters {
    fn json(&self) -> Value {
        json!({
            "min_operator_stake": self.min_operator_stake.json(),
            "min_validator_stake": self.min_validator_stake.json(),
            "unbond_slots": self.unbond_slots.json(),
            "committee_slots": self.committee_slots.json(),
            "equivocation_bps": self.equivocation_bps,
            "slash_cap_bps": self.slash_cap_bps,
            "slash_window_slots": self.slash_window_slots.json(),
            "insurance_cap_bps": self.insurance_cap_bps,
            "insurance_window_slots": self.insurance_window_slots.json(),
        })
    }
}

impl Field for payout::state::FeeShares {
    fn json(&self) -> Value {
        json!({
            "treasury": self.treasury, "model_owner": self.model_owner, "upstream": self.upstream,
            "compute": self.compute, "validators": self.validators, "contributors": self.contributors,
        })
    }
}

impl Field for payout::parameters::Parameters {
    fn json(&self) -> Value {
        json!({
            "epoch_slots": self.epoch_slots.json(), "challenge_slots": self.challenge_slots.json(),
            "resolve_slots": self.resolve_slots.json(), "challenge_bond": self.challenge_bond.json(),
            "withdrawal_slots": self.withdrawal_slots.json(), "breaker_cap": self.breaker_cap.json(),
            "breaker_slots": self.breaker_slots.json(),
        })
    }
}

impl Field for model::state::Snapshot {
    fn json(&self) -> Value {
        json!({ "datanet": self.datanet.json(), "root": self.root.json(), "batches": self.batches.json() })
    }
}

impl Field for model::compute::ComputeShare {
    fn json(&self) -> Value {
        json!({ "operator": self.operator.json(), "units": self.units.json(), "amount": self.amount.json() })
    }
}
