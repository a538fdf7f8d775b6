//! The form in which instructions go into a transaction.
//!
//! A transaction is legacy if it fits so. What does not fit goes in version 1 (SIMD-0385), which has room for 4,096 bytes and
//! carries its compute budget itself. Version 0 is not sent: no flow names so many accounts that look-up tables would help.

use super::budget::Budget;
use crate::error::SdkError;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_message::{Message, VersionedMessage, v1};
use solana_pubkey::Pubkey;

/// Most bytes of a legacy transaction.
const LEGACY_BYTES: usize = 1_232;
/// Most bytes of a transaction of version 1.
const V1_BYTES: usize = 4_096;

/// How large the transactions may be that a cluster takes and a wallet signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Legacy, up to 1,232 bytes.
    Legacy,
    /// Also of version 1, up to 4,096 bytes.
    V1,
}

/// Whether a legacy transaction of these instructions, which `payer` pays for, is not too long.
pub fn fits(payer: &Pubkey, instructions: &[Instruction]) -> bool {
    legacy(payer, instructions, Hash::default()).1 <= LEGACY_BYTES
}

/// A legacy message, and the bytes of its transaction.
fn legacy(payer: &Pubkey, instructions: &[Instruction], blockhash: Hash) -> (VersionedMessage, usize) {
    let message = VersionedMessage::Legacy(Message::new_with_blockhash(instructions, Some(payer), &blockhash));
    let bytes = 1 + signed_length(&message);
    (message, bytes)
}

/// Bytes of a message and its signatures.
fn signed_length(message: &VersionedMessage) -> usize {
    message.serialize().len() + 64 * usize::from(message.header().num_required_signatures)
}

/// Compiles instructions with their budget: legacy if they fit so, else in version 1 if there is room for it, else legacy
/// without the budget. Fails if they do not fit at all.
pub(super) fn compile(
    payer: &Pubkey,
    instructions: &[Instruction],
    budget: Budget,
    room: Room,
    blockhash: Hash,
) -> Result<VersionedMessage, SdkError> {
    let (message, bytes) = legacy(payer, &budget.before(instructions), blockhash);
    if bytes <= LEGACY_BYTES {
        return Ok(message);
    }
    let (bare, least) = legacy(payer, instructions, blockhash);
    let (bytes, most) = match room {
        Room::Legacy => (least, LEGACY_BYTES),
        Room::V1 => {
            let config = budget.config(instructions.len());
            let message = v1::Message::try_compile_with_config(payer, instructions, blockhash, config)
                .map_err(|e| SdkError::Input(format!("these instructions make no transaction: {e}")))?;
            // A byte names the version.
            let bytes = 1 + message.size() + 64 * usize::from(message.header.num_required_signatures);
            if bytes <= V1_BYTES {
                return Ok(VersionedMessage::V1(message));
            }
            (bytes, V1_BYTES)
        }
    };
    if least <= LEGACY_BYTES {
        return Ok(bare);
    }
    Err(SdkError::Input(format!(
        "a transaction has {bytes} bytes, and this cluster and wallet take at most {most}: do it in smaller parts"
    )))
}

/// The programs of a message's instructions, in order.
pub(super) fn programs(message: &VersionedMessage) -> Vec<Pubkey> {
    let keys = message.static_account_keys();
    let program = |index: u8| keys.get(usize::from(index)).copied().unwrap_or_default();
    message.instructions().iter().map(|i| program(i.program_id_index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payer() -> Pubkey {
        Pubkey::new_from_array([1; 32])
    }

    /// An instruction whose transaction needs this many bytes besides 166 of its own.
    fn of(bytes: usize) -> [Instruction; 1] {
        [Instruction { program_id: Pubkey::new_from_array([9; 32]), accounts: vec![], data: vec![0; bytes] }]
    }

    fn compiled(bytes: usize, budget: Budget, room: Room) -> Result<VersionedMessage, SdkError> {
        compile(&payer(), &of(bytes), budget, room, Hash::default())
    }

    const BUDGET: Budget = Budget { units: Some(300_001), price: Some(5) };

    #[test]
    fn what_fits_is_legacy_and_what_does_not_is_of_version_1_where_there_is_room_for_it() {
        let full = (900..LEGACY_BYTES).rev().find(|bytes| fits(&payer(), &of(*bytes))).unwrap();
        for (bytes, room, version) in [
            (900, Room::V1, Some(0)),
            (900, Room::Legacy, Some(0)),
            // Its budget does not fit any more: version 1 has it, and legacy goes without.
            (full, Room::V1, Some(1)),
            (full, Room::Legacy, Some(0)),
            (full + 1, Room::V1, Some(1)),
            (full + 1, Room::Legacy, None),
            (3_800, Room::V1, Some(1)),
            (4_000, Room::V1, None),
        ] {
            let found = compiled(bytes, BUDGET, room).ok().map(|m| u8::from(matches!(m, VersionedMessage::V1(_))));
            assert_eq!(found, version, "{bytes} {room:?}");
        }
        let bare = compiled(full, BUDGET, Room::Legacy).unwrap();
        assert_eq!((bare.instructions().len(), programs(&bare)), (1, vec![Pubkey::new_from_array([9; 32])]));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_size_and_the_most() {
        let error = compiled(1_300, BUDGET, Room::Legacy).unwrap_err().to_string();
        assert!(error.contains("at most 1232") && error.contains("smaller parts"), "{error}");
        assert!(compiled(5_000, BUDGET, Room::V1).unwrap_err().to_string().contains("at most 4096"));
    }

    #[test]
    fn version_1_carries_its_budget_itself_and_limits_are_never_its_zero() {
        let config = |budget| match compiled(2_000, budget, Room::V1).unwrap() {
            VersionedMessage::V1(message) => message.config,
            other => panic!("{other:?}"),
        };
        let stated = config(BUDGET);
        // 300,001 units at 5 micro-lamports are 1.500005 lamports, rounded up.
        assert_eq!((stated.compute_unit_limit, stated.priority_fee), (Some(300_001), Some(2)));
        let default = config(Budget::default());
        assert_eq!((default.compute_unit_limit, default.priority_fee), (Some(200_000), None));
        assert!(default.loaded_accounts_data_size_limit.is_some_and(|bytes| bytes == 64 << 20));
    }
}
