//! Low-rank adapters (LoRA, Hu et al. 2021): y = x Wᵀ + (α/r)·(x Aᵀ) Bᵀ, where W is the base model's frozen weight and
//! A and B are the adapter's small matrices.

use crate::{
    config::LlamaConfig,
    digest::Digest,
    error::{LmError, Result},
    layer::{Slot, Target},
    llama::BaseModel,
    rng,
};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::{ops::Range, sync::Arc};

/// Which layers get an adapter, and its size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraConfig {
    /// Inner dimension r.
    pub rank: usize,
    /// α. The update is scaled by α / r.
    pub alpha: f64,
    /// Adapted layers of every block.
    pub targets: Vec<Target>,
}

impl Default for LoraConfig {
    /// r = 8, α = 16 on every linear layer.
    fn default() -> Self {
        Self { rank: 8, alpha: 16.0, targets: Target::ALL.to_vec() }
    }
}

impl LoraConfig {
    /// α / r.
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank as f64
    }

    /// Fails if a value is out of range. The error names the field.
    pub fn validate(&self) -> Result<()> {
        if !(1..=1024).contains(&self.rank) {
            return Err(LmError::config("lora.rank", format!("must be between 1 and 1024, is {}", self.rank)));
        }
        if !(self.alpha > 0.0 && self.alpha.is_finite()) {
            return Err(LmError::config("lora.alpha", format!("must be positive, is {}", self.alpha)));
        }
        if self.targets.is_empty() {
            return Err(LmError::config("lora.targets", "name at least one layer: q, k, v, o, gate, up, down"));
        }
        if self.targets.windows(2).any(|w| w[0] >= w[1]) {
            return Err(LmError::config(
                "lora.targets",
                "name each layer once, in the order q, k, v, o, gate, up, down",
            ));
        }
        Ok(())
    }
}

/// Where one adapted layer's matrices lie in the flat parameter vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairSpan {
    /// The adapted layer.
    pub slot: Slot,
    /// Input width of the layer.
    pub input: usize,
    /// Output width of the layer.
    pub output: usize,
    /// A, (r, in) row-major.
    pub a: Range<usize>,
    /// B, (out, r) row-major.
    pub b: Range<usize>,
}

/// The order of an adapter's parameters in a flat vector: by slot, A before B, row-major. Parameters, gradients and
/// optimiser moments all have this order.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterLayout {
    config: LoraConfig,
    spans: Vec<PairSpan>,
    /// For each slot of the model, its position in `spans`.
    position: Vec<Option<usize>>,
    len: usize,
}

impl AdapterLayout {
    /// The layout for a model of this shape.
    pub fn new(model: &LlamaConfig, config: &LoraConfig) -> Result<Self> {
        config.validate()?;
        let (mut spans, mut len) = (Vec::new(), 0);
        let mut position = vec![None; model.layers * Target::ALL.len()];
        for layer in 0..model.layers {
            for &target in &config.targets {
                let slot = Slot { layer, target };
                let (output, input) = target.shape(model);
                let a = len..len + config.rank * input;
                let b = a.end..a.end + output * config.rank;
                len = b.end;
                position[slot.index()] = Some(spans.len());
                spans.push(PairSpan { slot, input, output, a, b });
            }
        }
        Ok(Self { config: config.clone(), spans, position, len })
    }

    /// Rank, scale and targets.
    pub fn config(&self) -> &LoraConfig {
        &self.config
    }

    /// The adapted layers in slot order.
    pub fn spans(&self) -> &[PairSpan] {
        &self.spans
    }

    /// Number of parameters.
    #[allow(clippy::len_without_is_empty)] // never empty: a valid configuration names at least one layer
    pub fn len(&self) -> usize {
        self.len
    }

    /// Position of a slot among [`Self::spans`]. `None` if the layer is not adapted.
    pub fn position(&self, slot: Slot) -> Option<usize> {
        self.position.get(slot.index()).copied().flatten()
    }
}

/// One adapted layer's matrices.
#[derive(Clone, Debug)]
pub struct LoraPair {
    /// A, (r, in).
    pub a: Tensor,
    /// B, (out, r).
    pub b: Tensor,
    /// α / r.
    pub scale: f64,
}

/// An adapter: a few small matrices beside a shared [`BaseModel`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Adapter {
    layout: Arc<AdapterLayout>,
    pairs: Vec<LoraPair>,
    base_hash: Digest,
}

impl Adapter {
    /// A fresh adapter, which leaves the model unchanged. A is uniform in ±1/√in (Kaiming with a = √5, as in PEFT), and
    /// B is zero. The same seed gives the same bytes.
    pub fn init(base: &BaseModel, config: &LoraConfig, seed: u64) -> Result<Self> {
        let layout = Arc::new(AdapterLayout::new(base.config(), config)?);
        let mut flat = vec![0f32; layout.len()];
        let mut rng = rng::chacha(seed, rng::stream::ADAPTER);
        for span in layout.spans() {
            let bound = 1.0 / (span.input as f32).sqrt();
            flat[span.a.clone()].copy_from_slice(&rng::uniform(&mut rng, span.a.len(), bound));
        }
        Self::from_flat(layout, &flat, base.hash(), base.device())
    }

    /// An adapter with the parameters `flat`, in the layout's order.
    pub fn from_flat(layout: Arc<AdapterLayout>, flat: &[f32], base_hash: Digest, device: &Device) -> Result<Self> {
        if flat.len() != layout.len() {
            return Err(LmError::Adapter(format!("{} parameters given, the layout has {}", flat.len(), layout.len())));
        }
        let rank = layout.config.rank;
        let scale = layout.config.scale();
        let pairs = layout
            .spans
            .iter()
            .map(|span| {
                Ok(LoraPair {
                    a: Tensor::from_slice(&flat[span.a.clone()], (rank, span.input), device)?,
                    b: Tensor::from_slice(&flat[span.b.clone()], (span.output, rank), device)?,
                    scale,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { layout, pairs, base_hash })
    }

    /// The same adapter with other parameters.
    pub fn with_flat(&self, flat: &[f32]) -> Result<Self> {
        Self::from_flat(self.layout.clone(), flat, self.base_hash, self.pairs[0].a.device())
    }

    /// All parameters, in the layout's order.
    pub fn to_flat(&self) -> Result<Vec<f32>> {
        let mut flat = Vec::with_capacity(self.layout.len());
        for pair in &self.pairs {
            flat.extend(pair.a.flatten_all()?.to_vec1::<f32>()?);
            flat.extend(pair.b.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(flat)
    }

    /// Order and shapes of the parameters.
    pub fn layout(&self) -> &Arc<AdapterLayout> {
        &self.layout
    }

    /// Rank, scale and targets.
    pub fn config(&self) -> &LoraConfig {
        &self.layout.config
    }

    /// Hash of the base model that the adapter was made for.
    pub fn base_hash(&self) -> Digest {
        self.base_hash
    }

    /// The matrices of a layer. `None` if the layer is not adapted.
    pub fn pair(&self, slot: Slot) -> Option<&LoraPair> {
        self.layout.position(slot).map(|i| &self.pairs[i])
    }

    /// The matrices of every adapted layer, in slot order.
    pub fn pairs(&self) -> impl Iterator<Item = (Slot, &LoraPair)> {
        self.layout.spans.iter().map(|s| s.slot).zip(&self.pairs)
    }

    /// Fails if `base` is not the base model that the adapter was made for.
    pub fn check_base(&self, base: &BaseModel) -> Result<()> {
        if self.base_hash == base.hash() {
            return Ok(());
        }
        Err(LmError::Adapter(format!(
            "it was made for base model {}, the loaded one is {}; load the right base model",
            hex::encode(self.base_hash),
            hex::encode(base.hash())
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_covers_the_flat_vector_without_gap_or_overlap() -> Result<()> {
        let layout = AdapterLayout::new(&LlamaConfig::tiny(), &LoraConfig::default())?;
        let mut at = 0;
        for span in layout.spans() {
            assert_eq!((span.a.start, span.b.start), (at, span.a.end));
            at = span.b.end;
        }
        assert_eq!(at, layout.len());
        Ok(())
    }

    #[test]
    fn flat_parameters_round_trip() -> Result<()> {
        let base = BaseModel::random(&LlamaConfig::tiny(), 1)?;
        let adapter = Adapter::init(&base, &LoraConfig::default(), 7)?;
        let flat = adapter.to_flat()?;
        assert_eq!(adapter.with_flat(&flat)?.to_flat()?, flat);
        assert_eq!(Adapter::init(&base, &LoraConfig::default(), 7)?.to_flat()?, flat);
        assert_ne!(Adapter::init(&base, &LoraConfig::default(), 8)?.to_flat()?, flat);
        Ok(())
    }

    #[test]
    fn bad_configurations_name_their_field() {
        let fields = [
            LoraConfig { rank: 0, ..Default::default() },
            LoraConfig { alpha: f64::NAN, ..Default::default() },
            LoraConfig { targets: vec![], ..Default::default() },
            LoraConfig { targets: vec![Target::V, Target::Q], ..Default::default() },
        ]
        .map(|c| match c.validate() {
            Err(LmError::Config { field, .. }) => field,
            other => panic!("{other:?}"),
        });
        assert_eq!(fields, ["lora.rank", "lora.alpha", "lora.targets", "lora.targets"]);
    }
}
