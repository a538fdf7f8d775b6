//! Exact attribution of an epoch's answers: one member walks back through the model's training and publishes every state
//! that it goes through; the others re-execute a part of the walk that nobody can foresee, and believe it only then.

mod check;
mod scores;
mod walk;
mod watch;

pub use scores::scores;
