//! Audits settled epochs: a few answers are walked exactly, and how far that agrees with what they paid is published.
//! Audits move no money. They show people whether the estimates that pay can still be trusted, model by model.

mod auditor;
mod draw;

pub use auditor::Auditor;
pub use draw::rank;
