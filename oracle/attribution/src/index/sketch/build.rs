//! Makes a sketch, in one go because it takes seconds.

use super::{code, rotation::Rotation, settings::SketchSettings};
use crate::{
    error::{AttributionError, Result},
    files::{
        format::Format,
        partial::Partial,
        preface::{self, ALIGN},
    },
    index::reader::IndexReader,
    precondition::{Curvature, Preconditioner},
};
use openledger_lm::f32_bytes;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{io::Write, path::Path};

/// The signature and version of a sketch.
pub(super) const FORMAT: Format = Format { signature: *b"OLSKETCH", version: 1 };
/// Number of rows that one thread encodes at a time.
const ENCODED: usize = 64;
/// Number of rows that are encoded before they are written.
const WRITTEN: usize = 4096;

/// Header of a sketch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// SHA-256 of the index's header, which holds the hash of its body.
    pub(super) index: String,
    /// The preconditioner in whose root space the rows are.
    pub(super) preconditioner: Preconditioner,
    pub(super) settings: SketchSettings,
    pub(super) count: u64,
    /// SHA-256 of codes and factors.
    pub(super) body: String,
}

/// The form of the sketched rows.
pub(super) struct Shape {
    pub(super) rotation: Rotation,
    pub(super) bits: usize,
}

impl Shape {
    pub(super) fn new(index: &IndexReader, settings: SketchSettings) -> Self {
        let width = index.header().row_layers() * index.header().layer_dim();
        let rotation = Rotation::new(settings.seed, width.max(64));
        let bits = settings.bits.min(rotation.width());
        Self { rotation, bits }
    }
}

/// The first `bits` values of the rotated vector, times √(width / bits). This factor keeps inner products at their
/// size.
pub(super) fn rotated(vector: &[f64], rotation: &Rotation, bits: usize) -> Vec<f32> {
    let scale = (rotation.width() as f64 / bits as f64).sqrt();
    let mut values: Vec<f32> = vector.iter().map(|v| (v * scale) as f32).collect();
    rotation.rotate(&mut values);
    values.truncate(bits);
    values
}

/// Makes the sketch of `index` at `path`, always from the beginning.
pub(super) fn build(
    path: &Path,
    header: &Header,
    index: &IndexReader,
    curvature: Option<&Curvature>,
    shape: &Shape,
) -> Result<()> {
    let mut partial = Partial::open(path)?;
    let front = preface::write(&FORMAT, header);
    debug_assert!(front.len().is_multiple_of(ALIGN));
    // The remains of an earlier attempt are made again.
    let started = partial.file.set_len(0).and_then(|()| partial.file.write_all(&front));
    partial.written(started)?;
    let mut factors = Vec::with_capacity(index.count());
    let positions: Vec<usize> = (0..index.count()).collect();
    for written in positions.chunks(WRITTEN) {
        let encoded = written
            .par_chunks(ENCODED)
            .map(|rows| encode(rows, index, curvature, shape))
            .collect::<Result<Vec<_>>>()?;
        for (codes, some) in encoded {
            let stored = partial.file.write_all(&codes);
            partial.written(stored)?;
            factors.extend(some);
        }
    }
    let stored = partial.file.write_all(&f32_bytes(&factors));
    partial.written(stored)?;
    let body = partial.hash_from(front.len() as u64)?;
    partial.publish(&preface::write(&FORMAT, &Header { body: hex::encode(body), ..header.clone() }))
}

/// Codes and factors of some rows.
fn encode(
    rows: &[usize],
    index: &IndexReader,
    curvature: Option<&Curvature>,
    shape: &Shape,
) -> Result<(Vec<u8>, Vec<f32>)> {
    let (mut codes, mut factors) = (Vec::with_capacity(rows.len() * shape.bits / 8), Vec::with_capacity(rows.len()));
    for &i in rows {
        let mut row: Vec<f64> = Vec::with_capacity(shape.rotation.width());
        (0..index.header().row_layers()).for_each(|l| row.extend(index.layer(i, l).values()));
        if !curvature.is_none_or(|c| c.whiten(&mut row)) {
            return Err(AttributionError::setting(
                "sketch",
                format!(
                    "an index of {} rows, fewer than the {} values of a layer, has no sketch under this preconditioner; \
                     score all of it",
                    index.count(),
                    index.header().layer_dim()
                ),
            ));
        }
        let values = rotated(&row, &shape.rotation, shape.bits);
        code::encode(&values, &mut codes);
        factors.push(code::factor(&values) as f32);
    }
    Ok((codes, factors))
}
