//! Looks an account's history through from its newest transaction backwards.

use super::{error::LedgerError, node::Node};
use openledger_sdk::{EventRecord, client::SIGNATURES_PAGE};
use solana_pubkey::Pubkey;

/// Shows `look` the events of `address`'s successful transactions up to `final_slot`, the newest transaction first,
/// until `look` has what it wants. Returns whether it got it. Transactions after `final_slot` are not read: a node may
/// list them before they are final.
pub async fn look_back(
    node: &Node,
    address: &Pubkey,
    final_slot: u64,
    mut look: impl FnMut(Vec<EventRecord>) -> bool,
) -> Result<bool, LedgerError> {
    let mut before = None;
    loop {
        let page = node.signatures(address, before, None).await?;
        before = page.last().map(|l| l.signature);
        for listed in page.iter().filter(|l| !l.failed && l.slot <= final_slot) {
            if look(node.events(&listed.signature).await?) {
                return Ok(true);
            }
        }
        if page.len() < SIGNATURES_PAGE {
            return Ok(false);
        }
    }
}
