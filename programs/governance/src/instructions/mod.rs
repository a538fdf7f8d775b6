//! One file for each instruction: its accounts, its arguments, its checks and its effect.

pub mod add_instruction;
pub mod cancel;
pub mod cast_vote;
pub mod close_instruction;
pub mod close_vote;
pub mod create_proposal;
pub mod execute_instruction;
pub mod expire;
pub mod guardian_pause;
pub mod initialize;
pub mod open_voting;
pub mod queue;
pub mod set_guardian;
pub mod set_parameters;
pub mod veto;
pub mod voting_weight;

pub use add_instruction::*;
pub use cancel::*;
pub use cast_vote::*;
pub use close_instruction::*;
pub use close_vote::*;
pub use create_proposal::*;
pub use execute_instruction::*;
pub use expire::*;
pub use guardian_pause::*;
pub use initialize::*;
pub use open_voting::*;
pub use queue::*;
pub use set_guardian::*;
pub use set_parameters::*;
pub use veto::*;
pub use voting_weight::*;
