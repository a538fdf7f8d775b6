//! The HTTP APIs of the indexer and of serving nodes: the shapes of their answers, and clients.

mod client;
mod error;
pub mod schema;
pub mod serve;
pub mod types;

pub use client::IndexerClient;
pub use error::ApiError;
pub use serve::ServeClient;
