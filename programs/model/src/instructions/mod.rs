//! One file an instruction.

mod accept_authority;
mod assign_job;
mod attest_result;
mod cancel_job;
mod expire_job;
mod heartbeat;
mod initialize;
mod pause;
mod pay_data_share;
mod post_log;
mod propose_authority;
mod register_model;
mod release_job;
mod request_job;
mod retire_model;
mod set_price;
mod set_windows;

pub use accept_authority::*;
pub use assign_job::*;
pub use attest_result::*;
pub use cancel_job::*;
pub use expire_job::*;
pub use heartbeat::*;
pub use initialize::*;
pub use pause::*;
pub use pay_data_share::*;
pub use post_log::*;
pub use propose_authority::*;
pub use register_model::*;
pub use release_job::*;
pub use request_job::*;
pub use retire_model::*;
pub use set_price::*;
pub use set_windows::*;
