//! Projected gradients of examples: the rows of the index and the left side of every query.

use crate::{
    error::{AttributionError, Result},
    index::header::IndexHeader,
    pca::PcaBasis,
    projection::{ProjectionKind, ProjectionSettings, Projections, layer_shapes},
};
use openledger_lm::{Adapter, BaseModel, Batch, Digest, Example, forward_backward};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// A trained model and the projections of its adapted layers' gradients.
///
/// The gradient is that of the mean loss over an example's target tokens, at the adapted model, with respect to the
/// *full weight* of each adapted layer (what training would change there, whatever the adapter's rank) or to the
/// adapter's own matrices, as the settings' [`ProjectionKind`] says.
pub struct GradientSource {
    base: Arc<BaseModel>,
    adapter: Adapter,
    adapter_hash: Digest,
    projections: Projections,
}

impl GradientSource {
    /// Draws the projections for the adapter's layers; [`ProjectionKind::Pca`] needs [`Self::with_basis`].
    pub fn new(base: Arc<BaseModel>, adapter: Adapter, settings: &ProjectionSettings) -> Result<Self> {
        let projections = match settings.kind {
            ProjectionKind::Adapter => Projections::of_adapter(settings, &adapter, base.device())?,
            _ => Projections::new(settings, &layer_shapes(&adapter), base.device())?,
        };
        Self::projecting(base, adapter, projections)
    }

    /// Projects on the basis that [`PcaBasis::fit`] found for this model.
    pub fn with_basis(
        base: Arc<BaseModel>,
        adapter: Adapter,
        settings: &ProjectionSettings,
        basis: &PcaBasis,
    ) -> Result<Self> {
        let projections = Projections::from_basis(settings, &layer_shapes(&adapter), basis, base.device())?;
        Self::projecting(base, adapter, projections)
    }

    fn projecting(base: Arc<BaseModel>, adapter: Adapter, projections: Projections) -> Result<Self> {
        adapter.check_base(&base)?;
        let adapter_hash = adapter.hash()?;
        Ok(Self { base, adapter, adapter_hash, projections })
    }

    /// How gradients are projected.
    pub fn projections(&self) -> &Projections {
        &self.projections
    }

    /// Header, still without body hash, of the index of these examples.
    pub fn header(&self, examples: &[Example]) -> Result<IndexHeader> {
        if examples.is_empty() {
            return Err(AttributionError::Examples("there are no examples to index; give at least one".into()));
        }
        Ok(self.header_for(examples_hash(examples), examples.len() as u64))
    }

    /// Header, still without body hash, of the index of `count` examples with this hash.
    pub(crate) fn header_for(&self, examples: Digest, count: u64) -> IndexHeader {
        IndexHeader::unfinished(self.base.hash(), self.adapter_hash, examples, &self.projections, count)
    }

    /// The examples that share a backward pass with the one at `position`, and the position of the first of them.
    pub fn batch_of<'a>(&self, examples: &'a [Example], position: usize) -> (usize, &'a [Example]) {
        let batch = self.projections.settings().batch;
        let start = position - position % batch;
        (start, &examples[start..examples.len().min(start + batch)])
    }

    /// Projected gradients of each example's loss, in one pass: layers × layer_dim values each, all finite.
    pub fn rows(&self, examples: &[Example]) -> Result<Vec<Vec<f32>>> {
        let batch = Batch::new(&self.base, &examples.iter().collect::<Vec<_>>())?;
        let output = forward_backward(&self.base, &self.adapter, &batch)?;
        let mut rows =
            vec![Vec::with_capacity(self.projections.layers() * self.projections.layer_dim()); examples.len()];
        for (layer, capture) in output.captures.iter().enumerate() {
            let projected = self.projections.project(layer, &capture.x, &capture.dy)?.to_vec2::<f32>()?;
            for ((row, values), example) in rows.iter_mut().zip(projected).zip(examples) {
                if values.iter().any(|v| !v.is_finite()) {
                    return Err(AttributionError::NonFiniteGradient {
                        id: hex::encode(example.id),
                        layer: capture.name(),
                    });
                }
                row.extend(values);
            }
        }
        Ok(rows)
    }
}

/// SHA-256 over every example's id, loss position and tokens.
pub fn examples_hash(examples: &[Example]) -> Digest {
    let mut hasher = Sha256::new();
    for example in examples {
        hasher.update(example.id);
        hasher.update((example.loss_from as u64).to_le_bytes());
        hasher.update((example.tokens.len() as u64).to_le_bytes());
        for token in &example.tokens {
            hasher.update(token.to_le_bytes());
        }
    }
    hasher.finalize().into()
}
