//! Exact attribution through real training runs of a tiny model.

mod brute_force;
mod damage;
mod job;
mod layers;
mod reference;
mod resume;
mod threads;
mod together;
