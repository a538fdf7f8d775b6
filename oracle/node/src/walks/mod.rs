//! Exact attribution: walks back through a job's logged training (MAGIC). Walks decide no payment. They measure how far
//! the estimates that pay can be trusted: once after each training, and for some answers after each epoch.
//!
//! A walk goes back through the job's first run, which made the adapter that answers. Where a job has several runs, the
//! estimates that pay are the mean of all of them, and it is these that are compared with the walk.
//!
//! Every state of a walk is published, so that anybody can re-execute any part of it.

mod advance;
mod check;
mod together;
mod tools;
mod walk;

pub use advance::to_the_end;
pub use check::{check_steps, link};
pub use together::Together;
pub use tools::Tools;
pub use walk::{STATE_BAND, Walk};
