//! What a job reads: the documents of its Datanets' snapshots, which of them repeat others, and the examples made of
//! them. All of it follows from the chain and the artifact store alone, so it is the same at every operator.

mod example;
mod repeat;
mod snapshot;

pub use example::{choose, example, learned};
pub use repeat::{Compared, Repeat, clusters, repeats, seed};
#[cfg(test)]
pub use snapshot::Registered;
pub use snapshot::{Document, documents};
