//! What an operator has: access to the chain, a base model, a data folder, and a board that says what it is doing. Every
//! other room takes from here what it uses; nothing here knows of jobs or settlements.

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
