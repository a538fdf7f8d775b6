//! Exact influence by going back through the training itself.
//!
//! MAGIC (Ilyas & Engstrom 2025, "MAGIC: Near-Optimal Data Attribution for Deep Learning", arXiv:2504.16430) computes
//! the derivative ∂φ/∂wᵢ of a functional φ of the *trained* parameters with respect to the weight of every training
//! example. It goes through each step of the training that was really done. Here it needs first-order gradients only:
//!
//! - The logged run ([`TrainedRun`]) is walked backwards. Let a, α and β be the derivatives of φ with respect to θ, m
//!   and v after step t. [`adjoint`] goes elementwise back through AdamW and the clipping of the gradient. It ends at u
//!   = ∂φ/∂g, where g is the batch's averaged gradient.
//! - The gradient g depends on the weights and on θ. One forward and backward pass at θ + εu and one at θ − εu give the
//!   derivatives for both. The differences of the *examples' losses* are u·∇ℓᵢ, so ∂φ/∂wᵢ += u·∇ℓᵢ/|B|. The difference
//!   of the *gradients* is the Hessian's product H·u, which is added to a.
//! - ε is δ/‖u‖, where δ is the length of the displacement. The two gradients should lie symmetrically about the
//!   gradient of the run. The asymmetry is measured after each step and makes δ longer or shorter ([`MagicSettings`]).
//!   The run's own gradient is at hand, so this costs no further pass.
//!
//! The walk is cut where the run logged its states. [`Magic::segment`] takes a [`MagicState`] from one logged step to
//! the one before. It is a pure function, so a walk resumes from any stored state after a crash. Whoever doubts a
//! published state computes it again from its predecessor and compares bytes. A segment first replays its training
//! steps, which must end in the logged state, bit for bit or within [`TrainedRun::with_band`]. If a [`GradientCache`] has their gradients, the replay costs
//! no pass through the model.
//!
//! Several queries are walked together at half the cost of each alone: [`Walks`].
//!
//! For an adapter that was trained on another ([`TrainedRun::with_start`]), the walk continues into the parent's run
//! with the derivative with respect to the first parameters: [`Magic::continue_into`].
//!
//! [`health`] says whether the scores of a run can be trusted. Training again without some of the examples says more:
//! `openledger_laboratory::evaluate::leave_outs`.

pub mod adjoint;
pub mod cache;
pub mod functional;
pub mod health;
mod one_sided;
mod outcome;
mod pass;
mod replay;
pub mod run;
mod segment;
pub mod settings;
pub mod state;
mod walk;
pub mod walks;

pub use cache::GradientCache;
pub use health::{Health, Trust};
pub use outcome::Outcome;
pub use pass::{METHOD, Magic, MagicProgress, VERSION};
pub use run::{StateSource, TrainedRun};
pub use settings::MagicSettings;
pub use state::{MagicState, StepTrace};
pub use walks::Walks;
