//! One file for each instruction: its accounts, its arguments, its checks and its effect.

pub mod accept_authority;
pub mod assign_job;
pub mod attest_result;
pub mod cancel_job;
pub mod expire_job;
pub mod heartbeat;
pub mod initialize;
pub mod pause;
pub mod pay_data_share;
pub mod post_log;
pub mod propose_authority;
pub mod register_model;
pub mod release_job;
pub mod request_job;
pub mod retire_model;
pub mod set_price;
pub mod set_windows;

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
