//! One file an instruction: its accounts, its arguments, what it checks, what it does.

pub mod abandon_committee;
pub mod accept_authority;
pub mod add_members;
pub mod confirm_committee;
pub mod deposit;
pub mod initialize;
pub mod propose_authority;
pub mod propose_committee;
pub mod register_operator;
pub mod request_unbond;
pub mod update_operator;
pub mod withdraw;

pub use abandon_committee::*;
pub use accept_authority::*;
pub use add_members::*;
pub use confirm_committee::*;
pub use deposit::*;
pub use initialize::*;
pub use propose_authority::*;
pub use propose_committee::*;
pub use register_operator::*;
pub use request_unbond::*;
pub use update_operator::*;
pub use withdraw::*;
