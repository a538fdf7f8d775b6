//! The header of an index file.

use crate::{
    attributor::ExampleId,
    error::{AttributionError, Result},
    files::{format::Format, preface},
    projection::{LayerShape, ProjectionSettings, Projections, layer_dim},
};
use openledger_lm::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// Version of the file format.
pub const VERSION: u32 = 1;
const FORMAT: Format = Format { signature: *b"OLGRADIX", version: VERSION };

/// Header of an index. Hashes are hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexHeader {
    /// SHA-256 of the base model.
    pub base: String,
    /// SHA-256 of the trained adapter.
    pub adapter: String,
    /// SHA-256 of the tokens and loss positions of all examples, in order.
    pub examples: String,
    /// How the rows were made.
    pub settings: ProjectionSettings,
    /// The layers in row order.
    pub layers: Vec<LayerShape>,
    /// SHA-256 of the basis that the gradients are projected on. `None` if the matrices are drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Rank of the adapter, if the gradients of its own matrices are projected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<usize>,
    /// SHA-256 of the states that the rows are the mean of, and of their weights. `None` if there is only one state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<String>,
    /// Number of rows.
    pub count: u64,
    /// SHA-256 of the ids and rows. Zeros while the index is being built.
    pub body: String,
}

impl IndexHeader {
    /// Header of an index that is not built yet.
    pub fn unfinished(base: Digest, adapter: Digest, examples: Digest, projections: &Projections, count: u64) -> Self {
        Self {
            base: hex::encode(base),
            adapter: hex::encode(adapter),
            examples: hex::encode(examples),
            settings: projections.settings().clone(),
            layers: projections.shapes(),
            basis: projections.basis().map(hex::encode),
            rank: projections.rank(),
            states: None,
            count,
            body: hex::encode([0; 32]),
        }
    }

    /// The same header with the hash of the body.
    pub fn finished(&self, body: Digest) -> Self {
        Self { body: hex::encode(body), ..self.clone() }
    }

    /// SHA-256 of the header's JSON. The header holds the body's hash, so this hash identifies the whole index.
    pub fn identity(&self) -> Digest {
        Sha256::digest(self.json()).into()
    }

    /// Number of values of one layer in a row.
    pub fn layer_dim(&self) -> usize {
        layer_dim(&self.settings, self.rank)
    }

    /// (rows, columns) of the matrices that make up one layer of a row: the projected gradient of the weight, or those
    /// of the adapter's A and B.
    pub fn blocks(&self) -> Vec<(usize, usize)> {
        let ProjectionSettings { k_in, k_out, .. } = self.settings;
        match self.rank {
            None => vec![(k_out, k_in)],
            Some(rank) => vec![(rank, k_in), (k_out, rank)],
        }
    }

    /// Number of bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.layers.len() * (size_of::<f32>() + size_of::<half::f16>() * self.layer_dim())
    }

    /// Number of bytes of all ids.
    pub(crate) fn ids_bytes(&self) -> usize {
        self.count as usize * size_of::<ExampleId>()
    }

    fn json(&self) -> Vec<u8> {
        // The header holds strings, integers and lists of them only, so serialisation cannot fail.
        serde_json::to_vec(self).expect("plain data serialises")
    }

    /// The bytes before the body. Their number does not depend on the body's hash.
    pub fn to_bytes(&self) -> Vec<u8> {
        preface::write(&FORMAT, self)
    }

    /// Reads the header at the beginning of `bytes`, the content of the file at `path`. Returns the header and the
    /// position of the body.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<(Self, usize)> {
        let foreign = || AttributionError::NotAnIndex { path: path.to_path_buf() };
        let (header, body_at): (Self, usize) = preface::read(&FORMAT, bytes, path, foreign)?;
        let bad = |e: AttributionError| AttributionError::Header { path: path.to_path_buf(), reason: e.to_string() };
        header.settings.validate().map_err(bad)?;
        Ok((header, body_at))
    }

    /// Number of bytes of the whole file, whose body begins at `body_at`. `None` if no file can be that large.
    pub(crate) fn file_bytes(&self, body_at: usize) -> Option<u64> {
        let row = (size_of::<ExampleId>() + self.row_bytes()) as u64;
        self.count.checked_mul(row)?.checked_add(body_at as u64)
    }

    /// Fails if the file at `path` was made for another base, adapter or example list, or with other settings, than
    /// `expected`. The body's hash is not compared.
    pub fn check(&self, expected: &Self, path: &Path) -> Result<()> {
        let pairs = [
            ("base model", &self.base, &expected.base),
            ("adapter", &self.adapter, &expected.adapter),
            ("examples", &self.examples, &expected.examples),
        ];
        for (what, found, expected) in pairs {
            if found != expected {
                return Err(AttributionError::mismatch(path, what, found, expected));
            }
        }
        if self.settings != expected.settings {
            return Err(AttributionError::mismatch(
                path,
                "settings",
                format!("{:?}", self.settings),
                format!("{:?}", expected.settings),
            ));
        }
        if self.layers != expected.layers {
            return Err(AttributionError::mismatch(path, "layers", self.layers.len(), expected.layers.len()));
        }
        if self.basis != expected.basis {
            let name = |basis: &Option<String>| basis.clone().unwrap_or_else(|| "drawn from the seed".into());
            return Err(AttributionError::mismatch(path, "projection basis", name(&self.basis), name(&expected.basis)));
        }
        if self.rank != expected.rank {
            return Err(AttributionError::mismatch(
                path,
                "adapter rank",
                format!("{:?}", self.rank),
                format!("{:?}", expected.rank),
            ));
        }
        if self.states != expected.states {
            let name =
                |states: &Option<String>| states.clone().unwrap_or_else(|| "of the end of training alone".into());
            return Err(AttributionError::mismatch(path, "states", name(&self.states), name(&expected.states)));
        }
        if self.count != expected.count {
            return Err(AttributionError::mismatch(path, "a number of examples,", self.count, expected.count));
        }
        Ok(())
    }
}
