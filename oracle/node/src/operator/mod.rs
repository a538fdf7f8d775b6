//! What an operator has: access to the chain, a base model, a data folder, and a board that shows what the node does.
//! Every other room uses this room. Nothing here knows of jobs or settlements.

mod chain;
mod changes;
mod engine;
mod files;
mod memo;
mod status;

pub use chain::Chain;
pub use changes::Changes;
pub use engine::LazyEngine;
pub use files::Files;
pub use memo::Memo;
pub use status::{Board, Status};
