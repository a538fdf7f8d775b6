//! The rooms as ARCHITECTURE.md tells them: which crate may import which, which room of the node may import
//! which, and that no file imports a file that imports it.

mod circles;
mod crates;
mod document;
mod files;
mod node;
