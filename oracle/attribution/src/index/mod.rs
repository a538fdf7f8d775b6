//! The influence index: one row of projected gradients for every training example, in a memory-mapped file.
//!
//! ```text
//! signature (8) | format version, u32 | header length, u32 | header, JSON padded with spaces | ids | rows
//! ```
//! All integers are little-endian. The ids begin at a multiple of 64 bytes.
//!
//! A row holds the scale of every layer (f32, a power of two). Then come the values of every layer in f16, as fractions
//! of the layer's scale. A layer has k_out · k_in values, or r · (k_in + k_out) if an adapter's own gradients are
//! projected. Each layer has a scale of its own, because layers differ by orders of magnitude and the preconditioner
//! makes the small ones count.
//!
//! A row has one section with all layers, or a section for each state of the training at which queries are compared with
//! it. The index of an adapter that was trained on another begins with the rows of the other's index, bit for bit.
//!
//! Beside the index, a [`sketch`] may hold the rows in a fraction of the space. It is scanned first.

pub mod header;
pub mod product;
pub mod reader;
pub mod row;
pub mod sketch;
pub mod writer;
