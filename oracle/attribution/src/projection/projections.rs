//! The projection matrices of an adapter's layers, and the projection of gradients by them.

use super::{
    fit::check_widths,
    layer::{LayerShape, layer_dim, layer_shapes},
    pca::PcaBasis,
    random::matrix,
    settings::{ProjectionKind, ProjectionSettings},
};
use crate::error::{AttributionError, Result};
use candle_core::{Device, Tensor};
use openledger_lm::{Adapter, Digest};

/// The projection matrices of one layer.
struct LayerProjection {
    shape: LayerShape,
    /// Matrix for the inputs, (in, k_in).
    p_in: Tensor,
    /// Matrix for the output gradients, (out, k_out).
    p_out: Tensor,
    /// s·Aᵀ (in, r) and s·B (out, r). Present only for gradients of the adapter's matrices.
    adapter: Option<(Tensor, Tensor)>,
}

/// The projection matrices of all layers. They follow from the settings, the layers' names and shapes, and with
/// [`ProjectionKind::Pca`] from the basis.
pub struct Projections {
    settings: ProjectionSettings,
    layers: Vec<LayerProjection>,
    basis: Option<Digest>,
    rank: Option<usize>,
}

impl Projections {
    /// Draws random matrices on `device`.
    pub fn new(settings: &ProjectionSettings, layers: &[LayerShape], device: &Device) -> Result<Self> {
        if settings.kind != ProjectionKind::Random {
            return Err(AttributionError::setting(
                "projection.kind",
                format!("{:?} needs more than a seed; take the gradient source's constructor for it", settings.kind),
            ));
        }
        Self::drawn(settings, layers, device)
    }

    /// Draws the matrices for the gradients of this adapter's own parameters. A layer then has r·(k_in + k_out) values
    /// in a row.
    pub fn of_adapter(settings: &ProjectionSettings, adapter: &Adapter, device: &Device) -> Result<Self> {
        let mut projections = Self::drawn(settings, &layer_shapes(adapter), device)?;
        for (layer, (_, pair)) in projections.layers.iter_mut().zip(adapter.pairs()) {
            layer.adapter = Some(((pair.a.t()?.contiguous()? * pair.scale)?, (&pair.b * pair.scale)?));
        }
        projections.rank = Some(adapter.config().rank);
        Ok(projections)
    }

    /// Takes the matrices from a basis. Fails if the basis is for other layers or dimensions.
    pub fn from_basis(
        settings: &ProjectionSettings,
        layers: &[LayerShape],
        basis: &PcaBasis,
        device: &Device,
    ) -> Result<Self> {
        check_widths(settings, layers)?;
        basis.check(settings, layers)?;
        let layers = layers
            .iter()
            .zip(basis.matrices())
            .map(|(shape, (p_in, p_out))| {
                Ok(LayerProjection {
                    shape: shape.clone(),
                    p_in: Tensor::from_slice(p_in, (shape.input, settings.k_in), device)?,
                    p_out: Tensor::from_slice(p_out, (shape.output, settings.k_out), device)?,
                    adapter: None,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { settings: settings.clone(), layers, basis: Some(basis.hash()), rank: None })
    }

    fn drawn(settings: &ProjectionSettings, layers: &[LayerShape], device: &Device) -> Result<Self> {
        check_widths(settings, layers)?;
        let layers = layers
            .iter()
            .map(|shape| {
                Ok(LayerProjection {
                    p_in: matrix(settings.seed, &shape.name, "in", shape.input, settings.k_in, device)?,
                    p_out: matrix(settings.seed, &shape.name, "out", shape.output, settings.k_out, device)?,
                    shape: shape.clone(),
                    adapter: None,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { settings: settings.clone(), layers, basis: None, rank: None })
    }

    /// Hash of the basis that the matrices come from. `None` if they are drawn.
    pub fn basis(&self) -> Option<Digest> {
        self.basis
    }

    /// Rank of the adapter whose own gradients are projected. `None` if gradients of the full weights are projected.
    pub fn rank(&self) -> Option<usize> {
        self.rank
    }

    /// The settings that the matrices were drawn with.
    pub fn settings(&self) -> &ProjectionSettings {
        &self.settings
    }

    /// The layers in row order.
    pub fn shapes(&self) -> Vec<LayerShape> {
        self.layers.iter().map(|l| l.shape.clone()).collect()
    }

    /// Number of layers.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Number of values of a layer in a row: k_out · k_in, or r · (k_in + k_out) for the adapter's own gradients.
    pub fn layer_dim(&self) -> usize {
        layer_dim(&self.settings, self.rank)
    }

    /// Projects the gradients of the layer that is number `layer` in row order. `x` is (b, t, in). `dy` is (b, t, out),
    /// with zeros at tokens that do not count. Returns (b, layer_dim).
    pub fn project(&self, layer: usize, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
        let LayerProjection { p_in, p_out, adapter, .. } = &self.layers[layer];
        match adapter {
            None => two_sided(x, p_in, dy, p_out),
            Some((a, b)) => Ok(Tensor::cat(&[two_sided(x, p_in, dy, b)?, two_sided(x, a, dy, p_out)?], 1)?),
        }
    }
}

/// `left`ᵀ (Σ_t dy_t x_tᵀ) `right` of every example, flattened: x (b, t, in), right (in, k), dy (b, t, out), left (out,
/// l) → (b, l · k).
fn two_sided(x: &Tensor, right: &Tensor, dy: &Tensor, left: &Tensor) -> Result<Tensor> {
    let (b, t, input) = x.dims3()?;
    let output = dy.dim(2)?;
    let (k, l) = (right.dim(1)?, left.dim(1)?);
    let x = x.reshape((b * t, input))?.matmul(right)?.reshape((b, t, k))?;
    let dy = dy.reshape((b * t, output))?.matmul(left)?.reshape((b, t, l))?;
    // The transpose is copied. The same layout for every batch size keeps the order of summation the same.
    Ok(dy.transpose(1, 2)?.contiguous()?.matmul(&x)?.reshape((b, l * k))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};

    fn shape(name: &str) -> LayerShape {
        LayerShape { name: name.into(), input: 6, output: 4 }
    }

    fn projections(seed: u64, k: usize, name: &str) -> Projections {
        let settings = ProjectionSettings { k_in: k, k_out: k, seed, ..Default::default() };
        Projections::new(&settings, &[shape(name)], &Device::Cpu).unwrap()
    }

    /// Fixed, arbitrary values for 2 examples of 3 tokens.
    fn activations(width: usize, phase: f32) -> Tensor {
        let values: Vec<f32> = (0..2 * 3 * width).map(|i| (i as f32 * 0.7 + phase).sin()).collect();
        Tensor::from_vec(values, (2, 3, width), &Device::Cpu).unwrap()
    }

    fn inner(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    }

    #[test]
    fn inner_products_of_gradients_are_kept_in_expectation() -> Result<()> {
        let (x, dy) = (activations(6, 0.1), activations(4, 0.5));
        let full = dy.transpose(1, 2)?.contiguous()?.matmul(&x)?.reshape((2, 24))?.to_vec2::<f32>()?;
        let runs = 4000;
        let (mut cross, mut norm) = (0.0, 0.0);
        for seed in 0..runs {
            let p = projections(seed, 4, "layer").project(0, &x, &dy)?.to_vec2::<f32>()?;
            cross += inner(&p[0], &p[1]) / runs as f64;
            norm += inner(&p[0], &p[0]) / runs as f64;
        }
        let (true_cross, true_norm) = (inner(&full[0], &full[1]), inner(&full[0], &full[0]));
        // The standard error of these means is about ‖g‖²·√(3/k)/√runs ≈ 0.014 ‖g‖².
        assert!((norm - true_norm).abs() < 0.06 * true_norm, "{norm} against {true_norm}");
        assert!((cross - true_cross).abs() < 0.06 * true_norm, "{cross} against {true_cross}");
        Ok(())
    }

    #[test]
    fn matrices_depend_on_seed_layer_and_side_alone() -> Result<()> {
        let flat = |seed, name: &str| -> Result<Vec<f32>> {
            Ok(projections(seed, 4, name).layers[0].p_in.flatten_all()?.to_vec1::<f32>()?)
        };
        assert_eq!(flat(1, "a")?, flat(1, "a")?);
        assert_ne!(flat(1, "a")?, flat(2, "a")?);
        assert_ne!(flat(1, "a")?, flat(1, "b")?);
        let p = projections(1, 4, "a");
        assert_ne!(
            p.layers[0].p_in.flatten_all()?.to_vec1::<f32>()?[..16],
            p.layers[0].p_out.flatten_all()?.to_vec1::<f32>()?
        );
        Ok(())
    }

    #[test]
    fn the_matrices_never_change_between_releases() -> Result<()> {
        let settings = ProjectionSettings { k_in: 4, k_out: 4, seed: 7, ..Default::default() };
        let layer = LayerShape { name: "model.layers.0.self_attn.q_proj".into(), input: 64, output: 64 };
        let p = Projections::new(&settings, &[layer], &Device::Cpu)?;
        let bytes: Vec<u8> =
            p.layers[0].p_in.flatten_all()?.to_vec1::<f32>()?.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(
            hex::encode(Sha256::digest(&bytes)),
            "c6bd8064a37c1befed681525876b53e9f69ceb93abbf193e7318cce42ee7a71f"
        );
        Ok(())
    }

    #[test]
    fn tokens_without_gradient_do_not_count() -> Result<()> {
        let (x, dy) = (activations(6, 0.1), activations(4, 0.5));
        let p = projections(3, 4, "layer");
        let mask = Tensor::from_vec(vec![0f32, 1.0, 0.0], (1, 3, 1), &Device::Cpu)?;
        let masked = p.project(0, &x, &dy.broadcast_mul(&mask)?)?.to_vec2::<f32>()?;
        let only =
            p.project(0, &x.narrow(1, 1, 1)?.contiguous()?, &dy.narrow(1, 1, 1)?.contiguous()?)?.to_vec2::<f32>()?;
        for (a, b) in masked.iter().flatten().zip(only.iter().flatten()) {
            assert!((a - b).abs() < 1e-6);
        }
        Ok(())
    }

    #[test]
    fn dimensions_wider_than_a_layer_are_refused_by_name() {
        let settings = ProjectionSettings { k_in: 6, k_out: 5, ..Default::default() };
        let error = Projections::new(&settings, &[shape("v_proj")], &Device::Cpu).err().unwrap().to_string();
        assert!(error.contains("projection.k_out") && error.contains("v_proj"), "{error}");
        let zero = ProjectionSettings { k_in: 0, ..Default::default() };
        assert!(Projections::new(&zero, &[], &Device::Cpu).err().unwrap().to_string().contains("k_in"));
    }
}
