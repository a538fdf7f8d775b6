//! Exact influence by going back through the training itself.
//!
//! MAGIC (Ilyas & Engstrom 2025, "MAGIC: Near-Optimal Data Attribution for Deep Learning", arXiv:2504.16430) takes the
//! derivative ∂φ/∂wᵢ of a functional φ of the *trained* parameters with respect to the weight of every training
//! example, through each step of the training that was really done. Here it needs first-order gradients only:
//!
//! - The logged run ([`TrainedRun`]) is walked backwards. At step t, with a, α, β the derivatives of φ with respect to
//!   θ, m and v after the step, [`adjoint`] goes elementwise back through AdamW and the clipping of the gradient
//!   to u = ∂φ/∂g, g being the batch's averaged gradient.
//! - One forward and backward pass at θ + εu and one at θ − εu then give both things that g's dependence on the
//!   weights and on θ asks for: the differences of the *examples' losses* are u·∇ℓᵢ, hence ∂φ/∂wᵢ += u·∇ℓᵢ/|B|, and
//!   the difference of the *gradients* is the Hessian's product H·u, which joins a.
//! - ε is δ/‖u‖, where δ is the length of the displacement. The two gradients should lie symmetrically about the one of
//!   the run. How far they do not is measured after each step, and δ is made longer or shorter by it ([`MagicSettings`]).
//!   The run's own gradient is at hand, so this costs no further pass.
//!
//! The walk is cut where the run logged its states: [`Magic::segment`] takes a [`MagicState`] from one logged step to
//! the one before. It is a pure function, so a crash resumes from any stored state, and whoever doubts a published one
//! computes it again from its predecessor and compares bytes. A segment first replays its training steps, which must
//! land on the logged state bit for bit; where a [`GradientCache`] has their gradients, the replay costs no pass
//! through the model.
//!
//! An adapter trained on another's ([`TrainedRun::with_start`]) hands the derivative with respect to its first
//! parameters on to the parent's run: [`Magic::continue_into`].
//!
//! [`health`] says whether the scores of a run can be trusted. Training again without some of the examples says more:
//! `openledger_laboratory::evaluate::leave_outs`.

pub mod adjoint;
pub mod cache;
pub mod functional;
pub mod health;
mod pass;
mod replay;
pub mod run;
pub mod settings;
pub mod state;
mod walk;

pub use cache::GradientCache;
pub use health::{Health, Trust};
pub use pass::{METHOD, Magic, MagicProgress, Outcome, VERSION};
pub use run::{StateSource, TrainedRun};
pub use settings::MagicSettings;
pub use state::{MagicState, StepTrace};
