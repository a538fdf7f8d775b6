//! Proposals with what they would do.

use super::{error::Refusal, list::one, state::State};
use openledger_sdk::api::types::{Final, Proposal, ProposalDetail};

/// Returns the proposal in account `address` with its instructions.
pub async fn proposal(state: &State, address: &str) -> Result<Final<ProposalDetail>, Refusal> {
    let Final { row: proposal, finalized } =
        one::<Final<Proposal>>(&state.db, "proposal", "address", address, "proposal").await?;
    let sql = "SELECT index, program, accounts, data, executed FROM proposal_call WHERE proposal = $1 ORDER BY index";
    let calls = state.db.rows(sql, &[&address]).await?;
    Ok(Final { row: ProposalDetail { proposal, calls }, finalized })
}
