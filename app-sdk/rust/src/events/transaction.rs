//! Flattens a transaction into the instructions that were executed, in order. Calls by programs are included.

use super::error::EventError;
use openledger_interface::events::Executed;
use solana_pubkey::Pubkey;
use solana_transaction_status_client_types::{
    EncodedConfirmedTransactionWithStatusMeta, UiInstruction, UiLoadedAddresses, UiParsedInstruction,
    UiTransactionStatusMeta, option_serializer::OptionSerializer,
};
use std::str::FromStr;

/// Whether a transaction failed. That it is in a block does not mean that it was executed. Nodes tell the outcome in two
/// fields, and a failure in either counts.
pub fn has_failed(meta: &UiTransactionStatusMeta) -> bool {
    meta.err.is_some() || meta.status.is_err()
}

/// Returns the transaction's first signature and all of its instructions in the order of execution: each top-level
/// instruction, then those that it called. Returns `None` if the transaction failed.
pub fn executed_instructions(
    transaction: &EncodedConfirmedTransactionWithStatusMeta,
) -> Result<Option<(String, Vec<Executed>)>, EventError> {
    let decoded = transaction.transaction.transaction.decode();
    let signature = decoded.as_ref().and_then(|t| t.signatures.first()).map(ToString::to_string).unwrap_or_default();
    let missing = |missing| EventError::Incomplete { signature: signature.clone(), missing };
    let decoded = decoded.as_ref().ok_or_else(|| missing("transaction in binary form"))?;
    let meta = transaction.transaction.meta.as_ref().ok_or_else(|| missing("metadata"))?;
    if has_failed(meta) {
        return Ok(None);
    }
    let OptionSerializer::Some(inner) = &meta.inner_instructions else {
        return Err(missing("inner instructions"));
    };

    let mut keys = decoded.message.static_account_keys().to_vec();
    if let OptionSerializer::Some(UiLoadedAddresses { writable, readonly }) = &meta.loaded_addresses {
        for key in writable.iter().chain(readonly) {
            keys.push(Pubkey::from_str(key).map_err(|_| missing("readable loaded addresses"))?);
        }
    }
    let key = |index: u8| {
        let index = index as usize;
        keys.get(index).copied().ok_or(EventError::Account { index, accounts: keys.len() })
    };
    let accounts = |indices: &[u8]| indices.iter().map(|i| key(*i)).collect::<Result<Vec<_>, _>>();

    let mut out = Vec::new();
    for (number, top) in decoded.message.instructions().iter().enumerate() {
        out.push(Executed {
            program: key(top.program_id_index)?,
            accounts: accounts(&top.accounts)?,
            data: top.data.clone(),
        });
        for called in inner.iter().filter(|i| i.index as usize == number).flat_map(|i| &i.instructions) {
            out.push(match called {
                UiInstruction::Compiled(c) => Executed {
                    program: key(c.program_id_index)?,
                    accounts: accounts(&c.accounts)?,
                    data: bs58::decode(&c.data).into_vec()?,
                },
                UiInstruction::Parsed(UiParsedInstruction::PartiallyDecoded(p)) => Executed {
                    program: Pubkey::from_str(&p.program_id).map_err(|_| missing("readable program ids"))?,
                    accounts: p
                        .accounts
                        .iter()
                        .map(|a| Pubkey::from_str(a).map_err(|_| missing("readable account keys")))
                        .collect::<Result<_, _>>()?,
                    data: bs58::decode(&p.data).into_vec()?,
                },
                // A node parses instructions of well-known programs only. Ours are not among them.
                UiInstruction::Parsed(UiParsedInstruction::Parsed(_)) => continue,
            });
        }
    }
    Ok(Some((signature, out)))
}
