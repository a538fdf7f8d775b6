//! What a job reads: the documents of its Datanets' snapshots, which of them repeat others, and the windows that are
//! learned of them. All of it follows from the chain and the artifact store alone, so it is the same at every operator.

mod choose;
mod header;
mod repeat;
mod snapshot;
mod window;

pub use choose::choose;
pub use header::{Headed, headers};
pub use repeat::{Compared, Repeat, clusters, repeats, seed};
#[cfg(test)]
pub use snapshot::Registered;
pub use snapshot::{Document, documents};
pub use window::{complete, learned, windows};
