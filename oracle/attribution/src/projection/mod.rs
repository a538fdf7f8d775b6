//! Two-sided projection of per-example gradients (LoGra, arXiv:2405.13954, section 3).
//!
//! The gradient of a linear layer's weight is Σ_t dy_t x_tᵀ, (out, in). It is never formed, because P_outᵀ (Σ_t dy_t
//! x_tᵀ) P_in = Σ_t (P_outᵀ dy_t)(P_inᵀ x_t)ᵀ needs only the projected activations. With entries N(0, 1/k) the inner
//! products of gradients are kept in expectation: E⟨PᵀG P', PᵀH P'⟩ = ⟨G, H⟩. With the orthonormal columns of a
//! [`PcaBasis`] they are kept as far as the gradients lie in the basis.
//!
//! The gradients of an adapter's own matrices follow from the same G: ∂A = s·Bᵀ G and ∂B = s·G Aᵀ. Only their wide side
//! needs a projection.

mod fit;
mod layer;
pub mod pca;
mod projections;
mod random;
mod settings;

pub use fit::{check_fit, most_row_bytes};
pub use layer::LayerShape;
pub(crate) use layer::{layer_dim, layer_shapes};
pub use pca::PcaBasis;
pub use projections::Projections;
pub(crate) use settings::MOST;
pub use settings::{ProjectionKind, ProjectionSettings, QueryStates};
