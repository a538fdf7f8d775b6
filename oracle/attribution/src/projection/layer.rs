//! The layers whose gradients are projected.

use super::settings::ProjectionSettings;
use openledger_lm::{Adapter, AdapterLayout};
use serde::{Deserialize, Serialize};

/// A linear layer as the index describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerShape {
    /// Module path, for example `model.layers.3.self_attn.q_proj`.
    pub name: String,
    /// Input width.
    pub input: usize,
    /// Output width.
    pub output: usize,
}

/// Number of values of one layer in a row. `rank` is that of the adapter if its own gradients are projected.
pub(crate) fn layer_dim(settings: &ProjectionSettings, rank: Option<usize>) -> usize {
    match rank {
        None => settings.k_in.saturating_mul(settings.k_out),
        Some(rank) => rank.saturating_mul(settings.k_in.saturating_add(settings.k_out)),
    }
}

/// The adapted layers in slot order.
pub(crate) fn layer_shapes(adapter: &Adapter) -> Vec<LayerShape> {
    layers_of(adapter.layout())
}

/// The layers that adapters of this layout adapt, in slot order.
pub(crate) fn layers_of(adapter: &AdapterLayout) -> Vec<LayerShape> {
    let spans = adapter.spans().iter();
    spans.map(|s| LayerShape { name: s.slot.name(), input: s.input, output: s.output }).collect()
}
