//! The influence index: one row of projected gradients for every training example, in a memory-mapped file.
//!
//! ```text
//! signature (8) | format version, u32 | header length, u32 | header, JSON padded with spaces | ids | rows
//! ```
//! All integers are little-endian and the ids begin at a multiple of 64 bytes.
//!
//! A row holds the scale of every layer (f32, a power of two), then the values of every layer in f16 as fractions of its
//! scale. A layer has k_out · k_in values, or r · (k_in + k_out) where an adapter's own gradients are projected. Layers
//! have scales of their own because they differ by orders of magnitude, and the preconditioner makes the small ones count.
//!
//! Beside the index, a [`sketch`] may hold the rows in a fraction of the space, to be scanned first.

pub mod header;
pub mod product;
pub mod reader;
pub mod row;
pub mod sketch;
pub mod writer;
