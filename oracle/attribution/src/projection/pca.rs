//! Principal directions of a layer's inputs and output gradients, on which gradients are projected (LoGra's PCA
//! initialisation, arXiv:2405.13954, section 3.2).
//!
//! If activations and output gradients were independent, the covariance of the gradient would be the Kronecker product
//! of their covariances. Its eigenvectors would be the products of their eigenvectors. Projecting on the leading ones
//! would then keep more of the gradient than any other two-sided projection to k_out × k_in.

use super::{
    layer::{LayerShape, layer_shapes},
    settings::ProjectionSettings,
};
use crate::{
    eigen::eigen,
    error::{AttributionError, Result},
};
use candle_core::{DType, Tensor};
use openledger_lm::{Adapter, BaseModel, Batch, Digest, Example, forward_backward};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// First bytes of a stored basis.
const FILE_SIGNATURE: [u8; 8] = *b"OLPCABAS";

/// The settings and layers that a basis is for.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    k_in: usize,
    k_out: usize,
    layers: Vec<LayerShape>,
}

/// Orthonormal projection matrices of every adapted layer. They depend on model, adapter and examples. An index names
/// its basis by [`PcaBasis::hash`]. A query to that index needs the same basis ([`PcaBasis::to_bytes`]).
#[derive(Debug, PartialEq)]
pub struct PcaBasis {
    header: Header,
    /// (in, k_in) and (out, k_out), row-major.
    matrices: Vec<(Vec<f32>, Vec<f32>)>,
}

impl PcaBasis {
    /// The leading eigenvectors of Σ x xᵀ and Σ dy dyᵀ over all tokens of `examples`. A pass has `settings.batch`
    /// examples. It costs one pass over the examples, and an eigendecomposition for each layer and side, which is cubic
    /// in the side's width.
    pub fn fit(
        base: &BaseModel,
        adapter: &Adapter,
        settings: &ProjectionSettings,
        examples: &[Example],
    ) -> Result<Self> {
        settings.validate()?;
        if examples.is_empty() {
            return Err(AttributionError::Examples("a basis needs examples to be fitted to; give at least one".into()));
        }
        let layers = layer_shapes(adapter);
        let square = |n: usize| Tensor::zeros((n, n), DType::F64, base.device());
        let mut sums = layers.iter().map(|l| Ok((square(l.input)?, square(l.output)?))).collect::<Result<Vec<_>>>()?;
        for group in examples.chunks(settings.batch) {
            let batch = Batch::new(base, &group.iter().collect::<Vec<_>>())?;
            for ((x_sum, dy_sum), capture) in sums.iter_mut().zip(forward_backward(base, adapter, &batch)?.captures) {
                let dy = capture.dy.flatten(0, 1)?.to_dtype(DType::F64)?;
                // Padded tokens have no gradient, and their inputs must not count either.
                let counts = dy.sqr()?.sum_keepdim(1)?.gt(0.0)?.to_dtype(DType::F64)?;
                let x = capture.x.flatten(0, 1)?.to_dtype(DType::F64)?.broadcast_mul(&counts)?;
                *x_sum = (&*x_sum + x.t()?.matmul(&x)?)?;
                *dy_sum = (&*dy_sum + dy.t()?.matmul(&dy)?)?;
            }
        }
        let matrices = layers
            .iter()
            .zip(&sums)
            .map(|(layer, (x, dy))| {
                Ok((
                    leading(x, settings.k_in, "projection.k_in", layer)?,
                    leading(dy, settings.k_out, "projection.k_out", layer)?,
                ))
            })
            .collect::<Result<_>>()?;
        Ok(Self { header: Header { k_in: settings.k_in, k_out: settings.k_out, layers }, matrices })
    }

    /// (in, k_in) and (out, k_out) of each layer, row-major.
    pub fn matrices(&self) -> impl Iterator<Item = (&[f32], &[f32])> {
        self.matrices.iter().map(|(p_in, p_out)| (p_in.as_slice(), p_out.as_slice()))
    }

    /// SHA-256 of [`Self::to_bytes`].
    pub fn hash(&self) -> Digest {
        Sha256::digest(self.to_bytes()).into()
    }

    /// File signature, length of the JSON header (u32, little-endian), header, then the matrices of every layer as f32.
    pub fn to_bytes(&self) -> Vec<u8> {
        // The header holds strings and integers only, so serialisation cannot fail.
        let json = serde_json::to_vec(&self.header).expect("plain data serialises");
        let mut bytes = FILE_SIGNATURE.to_vec();
        bytes.extend((json.len() as u32).to_le_bytes());
        bytes.extend(json);
        for value in self.matrices.iter().flat_map(|(p_in, p_out)| p_in.iter().chain(p_out)) {
            bytes.extend(value.to_le_bytes());
        }
        bytes
    }

    /// Reads [`Self::to_bytes`] back.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bad = |reason: &str| AttributionError::Basis(reason.to_owned());
        let rest = bytes.strip_prefix(&FILE_SIGNATURE).ok_or_else(|| bad("wrong file signature"))?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(|| bad("it ends in its header"))?;
        let length = u32::from_le_bytes(*length) as usize;
        let (json, body) = rest.split_at_checked(length).ok_or_else(|| bad("it ends in its header"))?;
        let header: Header = serde_json::from_slice(json).map_err(|e| bad(&e.to_string()))?;
        let mut values = body.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
        let expected = header.layers.iter().try_fold(0usize, |sum, l| {
            let values = l.input.checked_mul(header.k_in)?.checked_add(l.output.checked_mul(header.k_out)?)?;
            sum.checked_add(values.checked_mul(size_of::<f32>())?)
        });
        if expected != Some(body.len()) {
            return Err(bad("its length is not what its header says"));
        }
        let matrices: Vec<(Vec<f32>, Vec<f32>)> = header
            .layers
            .iter()
            .map(|l| {
                let p_in = values.by_ref().take(l.input * header.k_in).collect();
                (p_in, values.by_ref().take(l.output * header.k_out).collect())
            })
            .collect();
        if matrices.iter().any(|(p_in, p_out)| p_in.iter().chain(p_out).any(|v| !v.is_finite())) {
            return Err(bad("it holds values that are not finite"));
        }
        Ok(Self { header, matrices })
    }

    /// Fails if the basis was fitted for other settings or layers.
    pub(super) fn check(&self, settings: &ProjectionSettings, layers: &[LayerShape]) -> Result<()> {
        let Header { k_in, k_out, layers: own } = &self.header;
        if (*k_in, *k_out) != (settings.k_in, settings.k_out) {
            return Err(AttributionError::Basis(format!(
                "it is {k_out} × {k_in}, the settings ask for {} × {}",
                settings.k_out, settings.k_in
            )));
        }
        if own != layers {
            return Err(AttributionError::Basis("it is for other layers than the adapter's".into()));
        }
        Ok(())
    }
}

/// The `k` leading eigenvectors of a symmetric matrix as the columns of (n, k), row-major.
fn leading(covariance: &Tensor, k: usize, field: &'static str, layer: &LayerShape) -> Result<Vec<f32>> {
    let n = covariance.dim(0)?;
    if k > n {
        let reason = format!("is {k}, layer {} is only {n} wide; choose {n} or less", layer.name);
        return Err(AttributionError::setting(field, reason));
    }
    let matrix = covariance.flatten_all()?.to_vec1::<f64>()?;
    if matrix.iter().any(|v| !v.is_finite()) {
        return Err(AttributionError::Basis(format!("the activations of layer {} are not finite", layer.name)));
    }
    let vectors = eigen(&matrix, n).vectors;
    Ok(vectors.chunks_exact(n).flat_map(|row| row[..k].iter().map(|v| *v as f32)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gradient::GradientSource,
        index::{reader::IndexReader, writer::build_index},
        logra::{Logra, LograSettings},
        projection::ProjectionKind,
        testing::{examples, model, settings},
    };
    use std::{ops::ControlFlow, sync::Arc};

    fn pca() -> ProjectionSettings {
        ProjectionSettings { kind: ProjectionKind::Pca, ..settings(1) }
    }

    fn fitted() -> (Arc<BaseModel>, Adapter, PcaBasis) {
        let (base, adapter) = model();
        let basis = PcaBasis::fit(&base, &adapter, &pca(), &examples(9)).unwrap();
        (base, adapter, basis)
    }

    fn energy(source: &GradientSource) -> f64 {
        let rows = examples(9).iter().flat_map(|e| source.rows(std::slice::from_ref(e)).unwrap()).collect::<Vec<_>>();
        rows.iter().flatten().map(|v| f64::from(*v).powi(2)).sum()
    }

    #[test]
    fn the_columns_are_orthonormal_and_the_bytes_never_vary() {
        let (base, adapter, basis) = fitted();
        for ((p_in, _), layer) in basis.matrices().zip(&basis.header.layers) {
            for (a, b) in [(0, 0), (0, 1), (3, 7), (7, 7)] {
                let product: f64 =
                    (0..layer.input).map(|i| f64::from(p_in[i * 8 + a]) * f64::from(p_in[i * 8 + b])).sum();
                assert!((product - f64::from(u8::from(a == b))).abs() < 1e-5, "{}: {a}·{b} = {product}", layer.name);
            }
        }
        let again = PcaBasis::fit(&base, &adapter, &pca(), &examples(9)).unwrap();
        assert_eq!(again.hash(), basis.hash());
        let other = PcaBasis::fit(&base, &adapter, &pca(), &examples(8)).unwrap();
        assert_ne!(other.hash(), basis.hash());
    }

    #[test]
    fn principal_directions_keep_more_of_the_gradient_than_orthonormal_random_ones() {
        let (base, adapter, basis) = fitted();
        let own = GradientSource::with_basis(base.clone(), adapter.clone(), &pca(), &basis).unwrap();
        // Random directions with N(0, 1/k) entries keep the energy in expectation, because they scale each direction
        // up. As orthonormal directions they keep the share k_in·k_out / (in·out).
        let random = GradientSource::new(base, adapter, &settings(1)).unwrap();
        let share = basis.header.layers.iter().map(|l| 64.0 / (l.input * l.output) as f64).fold(0.0, f64::max);
        assert!(energy(&own) > 5.0 * share * energy(&random), "{} against {}", energy(&own), share * energy(&random));
    }

    #[test]
    fn padding_does_not_move_the_basis() {
        let (base, adapter, basis) = fitted();
        let batched = PcaBasis::fit(&base, &adapter, &ProjectionSettings { batch: 9, ..pca() }, &examples(9)).unwrap();
        for ((a, _), (b, _)) in basis.matrices().zip(batched.matrices()) {
            // The first direction is far ahead of the others. Later ones may mix if their eigenvalues are close.
            let cosine: f64 =
                a.chunks(8).zip(b.chunks(8)).map(|(a, b)| f64::from(a[0]) * f64::from(b[0])).sum::<f64>().abs();
            assert!(cosine > 0.999, "{cosine}");
        }
    }

    #[test]
    fn bytes_round_trip_and_damage_is_refused() {
        let (_, _, basis) = fitted();
        let bytes = basis.to_bytes();
        assert_eq!(PcaBasis::from_bytes(&bytes).unwrap(), basis);
        let mut endless = bytes.clone();
        endless[8] = 0xff;
        let mut not_finite = bytes.clone();
        let end = bytes.len();
        not_finite[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        for bad in [&bytes[1..], &bytes[..10], &bytes[..end - 1], &endless, &not_finite] {
            assert!(matches!(PcaBasis::from_bytes(bad), Err(AttributionError::Basis(_))));
        }
    }

    #[test]
    fn an_index_pins_the_basis_it_was_made_with() {
        let dir = tempfile::tempdir().unwrap();
        let (base, adapter, basis) = fitted();
        let path = dir.path().join("index");
        let source =
            |basis: &PcaBasis| GradientSource::with_basis(base.clone(), adapter.clone(), &pca(), basis).unwrap();
        build_index(&path, &source(&basis), &examples(9), |_, _| ControlFlow::Continue(())).unwrap();
        let open = |basis: &PcaBasis| {
            let settings = LograSettings { projection: pca(), ..Default::default() };
            Logra::new(source(basis), IndexReader::open(&path).unwrap(), settings)
        };
        assert!(open(&PcaBasis::from_bytes(&basis.to_bytes()).unwrap()).is_ok());
        let other = PcaBasis::fit(&base, &adapter, &pca(), &examples(8)).unwrap();
        assert!(matches!(open(&other), Err(AttributionError::Mismatch { what: "projection basis", .. })));
        assert!(GradientSource::new(base.clone(), adapter.clone(), &pca()).is_err(), "a basis is needed");
    }
}
