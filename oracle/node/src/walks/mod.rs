//! Exact attribution: walks back through a job's logged training (MAGIC). Walks decide no payment. They measure how far
//! the estimates that pay can be trusted: once after each training, and for some answers after each epoch.
//!
//! Every state of a walk is published, so that anybody can re-execute any part of it.

mod advance;
mod check;
mod tools;
mod walk;

pub use advance::to_the_end;
pub use check::{check_steps, link};
pub use tools::Tools;
pub use walk::Walk;
