//! Exact attribution of an epoch's answers. One member walks back through the model's training and publishes every
//! state that it passes. The other members re-execute a part of the walk that nobody can foresee. They accept the walk
//! only if that part is equal.

mod advance;
mod check;
mod looks;
mod scores;
mod tools;
mod walk;

pub use scores::scores;
pub use tools::Tools;
