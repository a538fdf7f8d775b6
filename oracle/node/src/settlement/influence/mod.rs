//! Exact attribution of an epoch's answers: one member walks back through the model's training and publishes every state
//! that it goes through; the others re-execute a part of the walk that nobody can foresee, and believe it only then.

mod advance;
mod check;
mod looks;
mod scores;
mod tools;
mod walk;

pub use scores::scores;
pub use tools::Tools;
