//! One file an instruction: its accounts, its arguments, what it checks, what it does.

pub mod accept_authority;
pub mod activate_settlement;
pub mod claim;
pub mod create_shard;
pub mod fund;
pub mod initialize;
pub mod pay;
pub mod post_settlement;
pub mod propose_authority;
pub mod set_fees;

pub use accept_authority::*;
pub use activate_settlement::*;
pub use claim::*;
pub use create_shard::*;
pub use fund::*;
pub use initialize::*;
pub use pay::*;
pub use post_settlement::*;
pub use propose_authority::*;
pub use set_fees::*;
