//! The compute budget of a transaction: how many units it may use, and what it pays for its place in a block.

use serde::{Deserialize, Serialize};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::Instruction;
use solana_message::v1::TransactionConfig;
use std::str::FromStr;

/// Most compute units of a transaction.
pub(super) const MOST_UNITS: u32 = 1_400_000;
/// Compute units that the runtime grants for each instruction of a transaction that sets no limit.
const UNITS_OF_INSTRUCTION: u32 = 200_000;
/// Most bytes of accounts that a transaction may load, which is also what the runtime grants one that sets no limit.
const MOST_LOADED: u32 = 64 << 20;

/// Compute budget settings of a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// Compute unit limit. `None` leaves it to the client's [`Sending`].
    pub compute_units: Option<u32>,
    /// Priority fee in micro-lamports per compute unit. `None` leaves it to the client's [`Sending`].
    pub compute_unit_price: Option<u64>,
}

/// What a client does about the compute budget of transactions that do not set their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    /// Whether to simulate a transaction first and to limit its compute units to a little more than it used. Otherwise
    /// the runtime's default holds.
    pub simulate: bool,
    /// The priority fee.
    pub priority: PriorityFee,
}

/// Most micro-lamports for a compute unit that `auto` pays: 0.0002 SOL for a common transaction.
const MOST_PRICE: u64 = 1_000_000;

/// What a transaction pays for its place in a block. As a text it is a number of micro-lamports for a compute unit, or `auto`:
/// what others paid lately, within a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub enum PriorityFee {
    /// Nothing.
    #[default]
    None,
    /// This many micro-lamports per compute unit.
    Fixed(u64),
    /// What three quarters of the recent transactions on the same accounts paid at most, but not more than this many
    /// micro-lamports per compute unit.
    Recent {
        /// The most that is paid.
        most: u64,
    },
}

impl FromStr for PriorityFee {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::auto()),
            number => match number.parse() {
                Ok(0) => Ok(Self::None),
                Ok(price) => Ok(Self::Fixed(price)),
                Err(_) => Err(format!("{text:?}: write a number of micro-lamports for a compute unit, or auto")),
            },
        }
    }
}

/// A fee as a file has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

impl TryFrom<Written> for PriorityFee {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Number(price) => price.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
    }
}

impl From<PriorityFee> for String {
    fn from(fee: PriorityFee) -> Self {
        match fee {
            PriorityFee::None => "0".into(),
            PriorityFee::Fixed(price) => price.to_string(),
            PriorityFee::Recent { .. } => "auto".into(),
        }
    }
}

impl PriorityFee {
    /// What others paid lately, within a bound.
    pub fn auto() -> Self {
        Self::Recent { most: MOST_PRICE }
    }

    /// The price by `recent` prices of transactions on the same accounts. `None` if nothing is to be paid.
    pub(super) fn price(self, mut recent: Vec<u64>) -> Option<u64> {
        let price = match self {
            Self::None => 0,
            Self::Fixed(price) => price,
            Self::Recent { most } => {
                recent.sort_unstable();
                recent.get(recent.len() * 3 / 4).copied().unwrap_or(0).min(most)
            }
        };
        (price > 0).then_some(price)
    }
}

/// Number of limits from which a transaction gets one by chance.
const MARKS: u32 = 4_096;

/// The unit limit of a transaction that used `used` units when it was simulated. The state may change until it lands, so
/// it gets a fifth more.
///
/// Some units are up to `mark`, a random number: two processes that do the same thing in the same moment would otherwise sign
/// the same bytes, of which the ledger takes one, and both would take it for theirs.
pub(super) fn limit(used: u64, mark: u32) -> u32 {
    let used = u32::try_from(used).unwrap_or(MOST_UNITS).min(MOST_UNITS);
    let mark = mark % MARKS;
    (used + used / 5 + 1_000 + mark).min(MOST_UNITS - mark).max(used)
}

/// The compute budget of one transaction. What is `None` is left to the runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Budget {
    /// Most compute units.
    pub units: Option<u32>,
    /// Micro-lamports for each of them.
    pub price: Option<u64>,
}

impl Budget {
    /// The instructions with those that set the budget before them.
    pub(super) fn before(self, instructions: &[Instruction]) -> Vec<Instruction> {
        let mut all: Vec<Instruction> = Vec::with_capacity(instructions.len() + 2);
        all.extend(self.units.map(ComputeBudgetInstruction::set_compute_unit_limit));
        all.extend(self.price.map(ComputeBudgetInstruction::set_compute_unit_price));
        all.extend_from_slice(instructions);
        all
    }

    /// The same for a transaction of version 1 with this many instructions. What a config does not name is zero there, so it
    /// names what the runtime grants other transactions. Its fee is in lamports, for all units together.
    pub(super) fn config(self, instructions: usize) -> TransactionConfig {
        let units = self.units.unwrap_or_else(|| {
            u32::try_from(instructions).map_or(MOST_UNITS, |n| n.saturating_mul(UNITS_OF_INSTRUCTION).min(MOST_UNITS))
        });
        let fee = |price: u64| (u128::from(price) * u128::from(units)).div_ceil(1_000_000);
        TransactionConfig {
            priority_fee: self.price.map(|price| u64::try_from(fee(price)).unwrap_or(u64::MAX)),
            compute_unit_limit: Some(units),
            loaded_accounts_data_size_limit: Some(MOST_LOADED),
            heap_size: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recent_fee_is_that_of_three_quarters_and_bounded() {
        let recent = PriorityFee::Recent { most: 1_000 };
        assert_eq!(recent.price(vec![]), None);
        assert_eq!(recent.price(vec![0; 9]), None);
        assert_eq!(recent.price(vec![10, 0, 30, 20]), Some(30));
        assert_eq!(recent.price(vec![5_000; 4]), Some(1_000));
        assert_eq!(PriorityFee::Fixed(7).price(vec![5_000]), Some(7));
        assert_eq!(PriorityFee::None.price(vec![5_000]), None);
    }

    #[test]
    fn a_fee_is_a_number_or_auto() {
        for (text, fee) in [("0", PriorityFee::None), ("7", PriorityFee::Fixed(7)), ("auto", PriorityFee::auto())] {
            assert_eq!(text.parse(), Ok(fee));
            assert_eq!(String::from(fee), text);
        }
        assert!("much".parse::<PriorityFee>().unwrap_err().contains("auto"));
        let written = ["7", "\"7\"", "\"auto\""].map(|json| serde_json::from_str::<PriorityFee>(json).unwrap());
        assert_eq!(written, [PriorityFee::Fixed(7), PriorityFee::Fixed(7), PriorityFee::auto()]);
    }

    #[test]
    fn a_limit_leaves_room_and_is_never_above_the_runtimes() {
        assert_eq!(limit(100_000, 0), 121_000);
        assert_eq!(limit(100_000, MARKS + 7), 121_007);
        assert_eq!(limit(1_300_000, 77), MOST_UNITS - 77);
        assert_eq!(limit(1_399_000, 0), MOST_UNITS);
        assert_eq!(limit(u64::MAX, 77), MOST_UNITS);
    }
}
