//! The influence index: one row of projected gradients for every training example, in a memory-mapped file.
//!
//! ```text
//! signature (8) | format version, u32 | header length, u32 | header, JSON padded with spaces | ids | rows
//! ```
//! All integers are little-endian and the ids begin at a multiple of 64 bytes. Beside it, a [`sketch`] may hold the rows
//! a fraction of the space, to be scanned first. A row is, for every layer, the scale of its values (f32, a power of two),
//! then, for every layer, its values (k_out · k_in of them, or r · (k_in + k_out)) in f16 as fractions of that scale: layers
//! differ by orders of magnitude, and the preconditioner makes the small ones count.

pub mod header;
pub mod product;
pub mod reader;
pub mod row;
pub mod sketch;
pub mod writer;
