//! One file an instruction.

mod accept_authority;
mod assign_job;
mod attest_result;
mod cancel_job;
mod expire_job;
mod initialize;
mod pay_data_share;
mod post_log;
mod propose_authority;
mod register_model;
mod request_job;
mod retire_model;
mod set_price;
mod set_windows;

pub use accept_authority::*;
pub use assign_job::*;
pub use attest_result::*;
pub use cancel_job::*;
pub use expire_job::*;
pub use initialize::*;
pub use pay_data_share::*;
pub use post_log::*;
pub use propose_authority::*;
pub use register_model::*;
pub use request_job::*;
pub use retire_model::*;
pub use set_price::*;
pub use set_windows::*;
