//! Names and messages of error codes, read from the programs' own sources so that nothing is written twice.

use crate::program::Program;
use anchor_lang::error::ERROR_CODE_OFFSET;
use solana_pubkey::Pubkey;
use std::{collections::BTreeMap, sync::LazyLock};

/// First code of the errors that all programs share.
const SHARED: u32 = 7000;

type Table = BTreeMap<u32, (String, String)>;

static TABLES: LazyLock<[Table; 5]> = LazyLock::new(|| SOURCES.map(table));

/// In the order of [`Program::ALL`]. The first also has the errors that all programs share.
const SOURCES: [&str; 5] = [
    concat!(
        include_str!("../../../programs/stake/src/error.rs"),
        include_str!("../../../programs/shared/src/error.rs")
    ),
    include_str!("../../../programs/datanet/src/error.rs"),
    include_str!("../../../programs/model/src/error.rs"),
    include_str!("../../../programs/payout/src/error.rs"),
    include_str!("../../../programs/governance/src/error.rs"),
];

/// Codes, names and messages of a source's error enums: after `#[error_code]` variants count from Anchor's offset,
/// after `#[error_code(offset = N)]` from N; each is a `#[msg("…")]`, then the name.
fn table(source: &str) -> Table {
    let mut out = Table::new();
    let mut enums = source.split("#[error_code").skip(1);
    for body in &mut enums {
        let offset = body.strip_prefix("(offset").map(|rest| {
            rest.trim_start_matches([' ', '=']).chars().filter(|c| *c != '_').take_while(char::is_ascii_digit).collect()
        });
        let mut code = offset.map_or(Some(ERROR_CODE_OFFSET), |digits: String| digits.parse().ok()).unwrap_or_default();
        let mut rest = body;
        while let Some((_, after)) = rest.split_once("#[msg(") {
            let Some((message, after)) = string_literal(after.trim_start()) else { break };
            let after = after.trim_start().trim_start_matches(',').trim_start().trim_start_matches(")]").trim_start();
            let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
            out.insert(code, (after[..end].to_owned(), message));
            code += 1;
            rest = &after[end..];
        }
    }
    out
}

/// A plain string literal at the start of `source`, with its escapes undone, and what follows it.
fn string_literal(source: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = source.strip_prefix('"')?.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, &source[at + 2..])),
            '\\' => match chars.next()?.1 {
                // A line that ends in a backslash goes on at the next word.
                '\n' => {
                    let mut ahead = chars.clone();
                    while ahead.next().is_some_and(|(_, c)| c.is_whitespace()) {
                        chars.next();
                    }
                }
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
    None
}

/// `(name, message)` of `code` as raised by `program`.
pub(crate) fn lookup(program: &Pubkey, code: u32) -> Option<(String, String)> {
    if let Some(ours) = Program::from_id(program) {
        let at = Program::ALL.iter().position(|p| *p == ours)?;
        // The shared errors stand in the first table; their codes are nobody else's.
        return TABLES[at].get(&code).or_else(|| TABLES[0].get(&code).filter(|_| code >= SHARED)).cloned();
    }
    let known = |names: &[(&str, &str)]| names.get(code as usize).map(|(n, m)| ((*n).to_owned(), (*m).to_owned()));
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

/// Order of `solana_precompile_error::PrecompileError`.
const PRECOMPILE: &[(&str, &str)] = &[
    ("InvalidPublicKey", "the public key is not a point on the curve"),
    ("InvalidRecoveryId", "the recovery id is out of range"),
    ("InvalidSignature", "the signature does not verify against the key and message"),
    ("InvalidDataOffsets", "an offset points outside the instruction's data"),
    ("InvalidInstructionDataSize", "the instruction's data has the wrong length"),
];

/// Order of `solana_system_interface::error::SystemError`.
const SYSTEM: &[(&str, &str)] = &[
    ("AccountAlreadyInUse", "an account with this address exists already: it has been made before"),
    ("ResultWithNegativeLamports", "not enough SOL in the paying account for this transfer or rent"),
    ("InvalidProgramId", "the account cannot be given to this program"),
    ("InvalidAccountDataLength", "an account of this length cannot be made"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_variants_in_order_with_comments_and_long_messages() {
        let source = r##"
            #[error_code]
            pub enum E {
                /// One.
                #[msg("say \"one\"")]
                One,
                /// Two.
                #[msg(
                    "first \
                     second"
                )]
                Two,
            }
            #[error_code(offset = 7_010)]
            pub enum F {
                #[msg("third")]
                Three,
            }"##;
        let read = table(source);
        let expected = [(6000, "One", "say \"one\""), (6001, "Two", "first second"), (7010, "Three", "third")];
        assert_eq!(read.iter().map(|(c, (n, m))| (*c, n.as_str(), m.as_str())).collect::<Vec<_>>(), expected);
    }

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
    fn no_variant_is_without_a_message() {
        for source in SOURCES {
            let variants = source.lines().map(str::trim).filter(|l| {
                l.strip_suffix(',')
                    .is_some_and(|name| name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric))
            });
            let read = table(source);
            assert!(!read.is_empty() && read.values().all(|(_, message)| !message.is_empty()));
            assert_eq!(variants.collect::<Vec<_>>(), read.values().map(|(n, _)| format!("{n},")).collect::<Vec<_>>());
        }
    }
}
