//! Committees of real members: each with its own runtime, HTTP port and PostgreSQL schema, killed and restarted at will.

mod fleet;
mod key_generation;
mod observing;
mod signing;
