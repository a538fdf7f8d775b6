//! The whole loop against real parts: the demo and the whole-system test.

pub mod books;
pub mod cheats;
pub mod data;
pub mod demo;
pub mod deploy;
pub mod documents;
pub mod fleet;
pub mod genesis;
pub mod governance;
pub mod layers;
pub mod liars;
pub mod lies;
pub mod living;
pub mod network;
pub mod people;
pub mod process;
pub mod questions;
pub mod receipts;
pub mod settings;
pub mod settle;
pub mod stage;
pub mod summary;
pub mod told;
pub mod training;
pub mod world;
