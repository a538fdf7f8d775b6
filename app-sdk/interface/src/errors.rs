//! Names and messages of error codes.

use crate::{generated::errors, program::Program};
use solana_pubkey::Pubkey;

/// Returns `(name, message)` of the error `code` that `program` raised, if it is known.
pub fn lookup(program: &Pubkey, code: u32) -> Option<(String, String)> {
    let owned = |name: &str, message: &str| (name.to_owned(), message.to_owned());
    if let Some(ours) = Program::from_id(program) {
        let mut rows = errors::of(ours).iter().chain(errors::SHARED);
        return rows.find(|row| row.0 == code).map(|(_, name, message)| owned(name, message));
    }
    let known = |names: &[(&str, &str)]| names.get(code as usize).map(|(name, message)| owned(name, message));
    if *program == solana_sdk_ids::ed25519_program::ID {
        return known(PRECOMPILE);
    }
    if *program == spl_token_interface::ID {
        let error = spl_token_interface::error::TokenError::try_from(code).ok()?;
        return Some((format!("{error:?}"), error.to_string().to_lowercase()));
    }
    if *program == solana_sdk_ids::system_program::ID {
        return known(SYSTEM);
    }
    None
}

/// Errors in the order of `solana_precompile_error::PrecompileError`.
const PRECOMPILE: &[(&str, &str)] = &[
    ("InvalidPublicKey", "the public key is not a point on the curve"),
    ("InvalidRecoveryId", "the recovery id is out of range"),
    ("InvalidSignature", "the signature does not verify against the key and message"),
    ("InvalidDataOffsets", "an offset points outside the instruction's data"),
    ("InvalidInstructionDataSize", "the instruction's data has the wrong length"),
];

/// Errors in the order of `solana_system_interface::error::SystemError`.
const SYSTEM: &[(&str, &str)] = &[
    ("AccountAlreadyInUse", "an account with this address exists already: it has been made before"),
    ("ResultWithNegativeLamports", "not enough SOL in the paying account for this transfer or rent"),
    ("InvalidProgramId", "the account cannot be given to this program"),
    ("InvalidAccountDataLength", "an account of this length cannot be made"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::error::ERROR_CODE_OFFSET;

    #[test]
    fn the_tables_are_those_of_the_enums() {
        let name = |program: Program, code: u32| lookup(&program.id(), code).map(|(name, _)| name);
        let own = [
            (Program::Stake, stake::error::StakeError::NotAuthority.into(), "NotAuthority"),
            (Program::Datanet, datanet::error::DatanetError::NotDrawn.into(), "NotDrawn"),
            (Program::Model, model::error::ModelError::OverBudget.into(), "OverBudget"),
            (Program::Payout, payout::error::PayoutError::NothingToClaim.into(), "NothingToClaim"),
            (Program::Governance, governance::error::GovernanceError::NoPauseToEnd.into(), "NoPauseToEnd"),
        ];
        for (program, code, expected) in own {
            assert_eq!(name(program, code).as_deref(), Some(expected));
            let shared = stake::error::SharedError::AttestationMessage.into();
            assert_eq!(name(program, shared).as_deref(), Some("AttestationMessage"), "{program}");
            assert_eq!(name(program, 6999), None);
        }
    }

    #[test]
    fn every_code_has_one_name_and_a_message() {
        for program in Program::ALL {
            let rows: Vec<_> = errors::of(program).iter().chain(errors::SHARED).collect();
            assert_eq!(rows.first().map(|row| row.0), Some(ERROR_CODE_OFFSET), "{program}");
            assert!(rows.is_sorted_by(|a, b| a.0 < b.0), "{program}");
            assert!(rows.iter().all(|(_, name, message)| !name.is_empty() && !message.is_empty()), "{program}");
        }
    }
}
