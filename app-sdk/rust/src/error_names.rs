//! Names and messages of error codes, read from the programs' own sources so that nothing is written twice.

use crate::program::Program;
use solana_pubkey::Pubkey;
use std::sync::LazyLock;

/// Anchor numbers a program's own errors from here.
const FIRST: u32 = anchor_lang::error::ERROR_CODE_OFFSET;

type Table = Vec<(String, String)>;

static TABLES: LazyLock<[Table; 4]> = LazyLock::new(|| {
    [
        table(include_str!("../../../programs/stake/src/error.rs")),
        table(include_str!("../../../programs/datanet/src/error.rs")),
        table(include_str!("../../../programs/model/src/error.rs")),
        table(include_str!("../../../programs/payout/src/error.rs")),
    ]
});

/// Variants of an `#[error_code]` enum in order: a `#[msg("…")]` line, then the variant's name.
fn table(source: &str) -> Table {
    let mut out = Table::new();
    let mut rest = source;
    while let Some((_, after)) = rest.split_once("#[msg(") {
        let Some((message, after)) = string_literal(after.trim_start()) else { break };
        let after = after.trim_start().trim_start_matches(',').trim_start().trim_start_matches(")]").trim_start();
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
        out.push((after[..end].to_owned(), message));
        rest = &after[end..];
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
        return TABLES[at].get(code.checked_sub(FIRST)? as usize).cloned();
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
            }"##;
        let expected = [("One", "say \"one\""), ("Two", "first second")];
        let read = table(source);
        assert_eq!(read.iter().map(|(n, m)| (n.as_str(), m.as_str())).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_program_has_a_variant_without_a_message_or_a_number_of_its_own() {
        for source in [
            include_str!("../../../programs/stake/src/error.rs"),
            include_str!("../../../programs/datanet/src/error.rs"),
            include_str!("../../../programs/model/src/error.rs"),
            include_str!("../../../programs/payout/src/error.rs"),
        ] {
            let body = source.split_once("pub enum ").and_then(|(_, b)| b.split_once('{')).expect("an enum").1;
            let body = body.split_once("\n}").expect("its end").0;
            let variants: Vec<_> = body
                .lines()
                .map(str::trim)
                .filter(|l| l.ends_with(',') && l.chars().next().is_some_and(char::is_uppercase))
                .collect();
            let read = table(source);
            assert!(!read.is_empty());
            assert_eq!(variants, read.iter().map(|(n, _)| format!("{n},")).collect::<Vec<_>>());
            assert!(read.iter().all(|(_, m)| !m.is_empty()));
        }
    }
}
