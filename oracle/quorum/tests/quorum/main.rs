//! Committees of real members. Each member has its own runtime, HTTP port and PostgreSQL schema, and is killed and
//! restarted at will.

mod fleet;
mod key_generation;
mod observing;
mod puppet;
mod signing;
mod splitting;
