//! Results of transactions.

use anchor_lang::{AnchorDeserialize, Discriminator, Event};
use litesvm::types::{FailedTransactionMetadata, TransactionMetadata};
use std::fmt::Debug;

/// A transaction that succeeded.
#[derive(Debug)]
pub struct Sent {
    /// Compute units of the whole transaction.
    pub units: u64,
    /// Program logs.
    pub logs: Vec<String>,
    /// The return data of the last program that set any.
    pub returned: Vec<u8>,
    /// Data of every inner instruction in order.
    inner: Vec<Vec<u8>>,
}

impl Sent {
    /// The self-CPI events of type `T` in order.
    pub fn events<T: Event + Discriminator + AnchorDeserialize>(&self) -> Vec<T> {
        self.inner
            .iter()
            .filter_map(|data| data.strip_prefix(anchor_lang::event::EVENT_IX_TAG_LE))
            .filter_map(|data| data.strip_prefix(T::DISCRIMINATOR))
            .map(|data| T::try_from_slice(data).expect("an event of this type"))
            .collect()
    }

    /// The one event of type `T`.
    #[track_caller]
    pub fn event<T: Event + Discriminator + AnchorDeserialize>(&self) -> T {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "events of this type");
        events.remove(0)
    }
}

impl From<TransactionMetadata> for Sent {
    fn from(meta: TransactionMetadata) -> Self {
        Self {
            units: meta.compute_units_consumed,
            logs: meta.logs,
            returned: meta.return_data.data,
            inner: meta.inner_instructions.into_iter().flatten().map(|i| i.instruction.data).collect(),
        }
    }
}

/// A transaction that was refused.
pub type Failed = Box<FailedTransactionMetadata>;

/// Asserts that a transaction was refused with this program error and no other.
#[track_caller]
pub fn refused<E: Into<u32> + Debug + Copy>(result: Result<Sent, Failed>, error: E) {
    let failed = result.expect_err("the transaction should have been refused");
    let text = format!("{:?}", failed.err);
    let wanted = format!("Custom({})", error.into());
    assert!(text.contains(&wanted), "wanted {error:?} = {wanted}, got {text}\n{}", failed.meta.logs.join("\n"));
}

/// Asserts that a transaction was refused with an error whose `Debug` text or logs contain `what`. It is for errors of
/// the runtime and of other programs.
#[track_caller]
pub fn refused_with(result: Result<Sent, Failed>, what: &str) {
    let failed = result.expect_err("the transaction should have been refused");
    let text = format!("{:?}\n{}", failed.err, failed.meta.logs.join("\n"));
    assert!(text.contains(what), "wanted {what:?}, got {text}");
}
