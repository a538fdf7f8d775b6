//! Instructions of the datanet program.

mod access;
mod batches;
mod config;
mod datanets;
mod reviews;

pub use access::{grant_access, record_use, request_access, revoke_access};
pub use batches::{
    LEAVES_PER_LARGE_TRANSACTION, LEAVES_PER_TRANSACTION, cancel_batch, contribute, contribute_bulk, open_batch,
    submit_batch,
};
pub use config::{accept_authority, initialize, pause, propose_authority, set_windows};
pub use datanets::{accept_owner, configure, create_datanet, propose_owner, set_paused, verify_contribution};
pub use reviews::{commit_verdict, draw_panel, expire_batch, finalise_batch, reveal_verdict};
