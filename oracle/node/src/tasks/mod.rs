//! What the node does by itself. Each task never ends: one watches the chain, one joins committees, one takes training
//! jobs, one settles epochs, and one has them audited.

mod audits;
mod backoff;
mod committees;
mod due_epochs;
mod jobs;
mod slot_clock;
mod wake;

pub use audits::Audits;
pub use backoff::Backoff;
pub use committees::Committees;
pub use due_epochs::DueEpochs;
pub use jobs::Jobs;
pub use slot_clock::SlotClock;
pub use wake::wake;
