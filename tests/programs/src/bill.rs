//! The cost of every instruction, measured by its scenarios.

use crate::{
    scenario::{Entry, Scenario},
    town::Town,
};
use serde::{Deserialize, Serialize};
use solana_instruction::Instruction;
use solana_message::Message;
use solana_pubkey::Pubkey;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// The cost of one scenario.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Compute units of the whole transaction. The cluster charges the Ed25519 precompile separately.
    pub units: u64,
    /// Bytes of the accounts that the transaction makes.
    pub made: u64,
    /// Rent of those accounts in lamports. They keep it until they are closed.
    pub rent: u64,
    /// Rent in lamports that returns from accounts that the transaction closes.
    pub returned: u64,
    /// Bytes of the transaction in legacy format. The first signer pays the fees.
    pub size: u64,
    /// Signatures of the transaction, including those that the precompile verifies. Each costs 5,000 lamports.
    pub signatures: u64,
    /// Number of accounts that it writes, without the fee payer.
    pub writes: u64,
}

/// The bill by scenario.
pub type Bill = BTreeMap<String, Cost>;

/// Lamports of one signature.
pub const SIGNATURE_FEE: u64 = 5_000;

/// Path of the recorded bill.
pub fn recorded_at() -> PathBuf {
    crate::folder().join("bill.json")
}

/// Measures every scenario.
pub fn measure(town: &Town, entries: &[Entry]) -> Bill {
    entries.iter().map(|e| (e.name(), cost(&e.name(), &(e.make)(town.clone())))).collect()
}

/// Measures the cost of `scenario`.
pub fn cost(name: &str, scenario: &Scenario) -> Cost {
    let mut world = scenario.world.clone();
    let units =
        scenario.send(&mut world).unwrap_or_else(|e| panic!("{name}: {:?}\n{}", e.err, e.meta.logs.join("\n"))).units;
    let payer = scenario.fee_payer();
    let message = Message::new(&scenario.instructions(), Some(&payer));
    let (mut made, mut rent, mut returned) = (0, 0, 0);
    for address in message.account_keys.iter().filter(|k| **k != payer) {
        let (before, after) = (scenario.world.svm.get_account(address), world.svm.get_account(address));
        match (before, after) {
            (None, Some(new)) => {
                made += new.data.len() as u64;
                rent += new.lamports;
            }
            (Some(old), None) => returned += old.lamports,
            _ => {}
        }
    }
    let signatures = u64::from(message.header.num_required_signatures);
    let size = 1 + 64 * signatures + message.serialize().len() as u64;
    let precompile = scenario.before.iter().filter(|i| i.program_id == solana_sdk_ids::ed25519_program::ID);
    let verified: u64 = precompile.map(|i| u64::from(i.data[0])).sum();
    let writes = written(&scenario.instructions(), &payer).len() as u64;
    Cost { units, made, rent, returned, size, signatures: signatures + verified, writes }
}

/// The accounts that `instructions` write, without the fee payer. Two transactions that share none of them can run in
/// parallel.
pub fn written(instructions: &[Instruction], payer: &Pubkey) -> BTreeSet<Pubkey> {
    let metas = instructions.iter().flat_map(|i| &i.accounts);
    metas.filter(|m| m.is_writable && m.pubkey != *payer).map(|m| m.pubkey).collect()
}
