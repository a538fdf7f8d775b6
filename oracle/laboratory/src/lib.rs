//! The laboratory of `openledger_attribution`. It measures the methods and is kept apart from them.
//!
//! [`evaluate`] retrains without some of the data to learn what really happens, and has the measures that compare a
//! method's scores with it. [`baselines`] are other methods to compare with. [`recall`] counts how often a method finds
//! a known source. [`gaming`] attacks the rules of `openledger_pay` and measures the gain. The programs that print
//! tables are in `examples/`. The scripts in `peers/` let other libraries score the same tasks.

pub mod baselines;
pub mod evaluate;
pub mod gaming;
pub mod recall;
pub mod testing;
pub mod words;
