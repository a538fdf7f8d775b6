//! What the node does by itself, each in a task of its own that never ends: it watches the chain, joins committees, takes
//! training jobs, and settles epochs.

mod committees;
mod epochs;
mod jobs;
mod wake;

pub use committees::Committees;
pub use epochs::DueEpochs;
pub use jobs::Jobs;
pub use wake::wake;
