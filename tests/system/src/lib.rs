//! The whole loop against real parts: the demo and the whole-system test.

pub mod documents;
