//! A real local Solana node in one process, for the demo and the tests.
