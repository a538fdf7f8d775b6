//! The errors of this crate, with messages that say what to do.

use crate::error_kind::ErrorKind;
use openledger_interface::{Program, errors};
use openledger_protocol::Hash32;
use solana_client::{
    client_error::{ClientError as RpcClientError, ClientErrorKind as RpcErrorKind},
    rpc_request::{RpcError, RpcResponseErrorData},
};
use solana_instruction::error::InstructionError;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;

/// Any failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum SdkError {
    /// A program refused an instruction.
    #[error("{program}: {message} ({name}, code {code})")]
    Program {
        /// Name of the program, or its address if it is not one of ours.
        program: String,
        /// The error's number.
        code: u32,
        /// Its name in the program's source.
        name: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// The runtime refused the transaction outside of any program's own checks.
    #[error("transaction refused: {0}")]
    Transaction(TransactionError),
    /// The transaction did not land while its blockhash was valid, with several blockhashes. It was not executed.
    #[error("the transaction did not land within {attempts} blockhash lifetimes; nothing was executed, try again")]
    NotLanded {
        /// How often it was signed.
        attempts: u32,
    },
    /// A transaction was sent, and no node said what became of it. It may have been executed.
    #[error(
        "transaction {signature} was sent, and within {seconds} s no node said what became of it: it may have been \
         executed, so look for it before you send another{}",
        asking_again(.request, .signature)
    )]
    Unknown {
        /// Its first signature.
        signature: Signature,
        /// The request that it pays for, if it pays for one.
        request: Option<Hash32>,
        /// For how long it was awaited.
        seconds: u64,
    },
    /// The node could not be reached.
    #[error("the node at {url} cannot be reached ({reason}): is it running, and is the address right?")]
    Unreachable {
        /// Its address.
        url: String,
        /// The cause.
        reason: String,
    },
    /// The node answered with an error.
    #[error("node: {0}")]
    Rpc(Box<RpcClientError>),
    /// The node's answer is malformed.
    #[error("node: {0}")]
    Node(String),
    /// The node does not have a transaction, or not yet.
    #[error("the node does not have transaction {signature}, or not yet")]
    NoTransaction {
        /// Its first signature.
        signature: Signature,
    },
    /// A wallet has too little SOL.
    #[error(
        "wallet {wallet} has {} SOL of the {} that this needs: send it SOL, which pays fees and rent",
        sol(*.has),
        sol(*.needs)
    )]
    NoSol {
        /// The wallet that pays fees and rent.
        wallet: Pubkey,
        /// What it has, in lamports.
        has: u64,
        /// What this needs at least, in lamports.
        needs: u64,
    },
    /// A deadline passed.
    #[error("waited {seconds} s for {what}; it did not come")]
    TimedOut {
        /// What was awaited.
        what: String,
        /// For how long.
        seconds: u64,
    },
    /// A request is paid for, and its answer did not come or does not hold.
    #[error(
        "request {} is paid for by {payment}, and its answer did not come: {source}; ask again with this request and \
         payment, which costs nothing more",
        hex::encode(.request)
    )]
    Unanswered {
        /// The request.
        request: Hash32,
        /// The transaction that paid for it.
        payment: Signature,
        /// Why there is no answer.
        source: Box<SdkError>,
    },
    /// A quote is not what the model's owner asks.
    #[error("the quote of operator {operator} was not paid: {reason}")]
    Quote {
        /// The operator's wallet.
        operator: Pubkey,
        /// What is wrong with it.
        reason: String,
    },
    /// An account that must exist does not.
    #[error("there is no {what} at {address} on this cluster: is the address right, and is this the right cluster?")]
    NoAccount {
        /// Its address.
        address: Pubkey,
        /// The type that it should have.
        what: &'static str,
    },
    /// An account is not of the expected type.
    #[error("account {address} is no {what}: {reason}")]
    WrongAccount {
        /// Its address.
        address: Pubkey,
        /// The type that it should have.
        what: &'static str,
        /// The cause.
        reason: String,
    },
    /// The caller's input is wrong.
    #[error("{0}")]
    Input(String),
    /// A text does not parse as a hash, key or signature.
    #[error(transparent)]
    Text(#[from] crate::text::TextError),
    /// A message could not be signed.
    #[error("signing: {0}")]
    Signing(#[from] solana_signer::SignerError),
    /// Events could not be decoded.
    #[error(transparent)]
    Event(#[from] crate::events::EventError),
    /// An artifact could not be stored or read.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// A manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] crate::manifest::ManifestError),
    /// A proof does not hold.
    #[error(transparent)]
    Proof(#[from] crate::proof::ProofError),
    /// A receipt does not hold.
    #[error(transparent)]
    Receipt(#[from] crate::receipt::ReceiptError),
    /// A service's HTTP API refused or failed.
    #[error(transparent)]
    Api(#[from] crate::api::ApiError),
    /// A local file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Path of the file.
        path: std::path::PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl From<RpcClientError> for SdkError {
    fn from(e: RpcClientError) -> Self {
        match e.kind() {
            RpcErrorKind::Reqwest(cause) if cause.status().is_none() => Self::Unreachable {
                url: cause.url().map_or_else(|| "its address".to_owned(), ToString::to_string),
                reason: innermost(cause),
            },
            RpcErrorKind::Io(cause) => Self::Unreachable { url: "its address".into(), reason: cause.to_string() },
            _ => Self::Rpc(Box::new(e)),
        }
    }
}

/// What to do after a payment for `request` whose outcome is unknown.
fn asking_again(request: &Option<Hash32>, payment: &Signature) -> String {
    request.map_or_else(String::new, |request| {
        format!(
            "; if it has paid for request {}, ask again with payment {payment}, which costs nothing more",
            hex::encode(request)
        )
    })
}

/// The first cause of an error, such as "Connection refused".
fn innermost(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |e| (*e).source()).last().unwrap_or(error).to_string()
}

/// Lamports as SOL, which has nine decimals like OPEN.
fn sol(lamports: u64) -> String {
    crate::amount::format_open(lamports)
}

impl SdkError {
    /// Returns the name of the program's error if a program refused.
    pub fn program_error(&self) -> Option<&str> {
        match self {
            Self::Program { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Returns its kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Program { program, name, .. } if program == "token" && name == "InsufficientFunds" => {
                ErrorKind::Funds
            }
            Self::Program { .. } | Self::Transaction(_) | Self::Rpc(_) | Self::Node(_) => ErrorKind::Refused,
            Self::NotLanded { .. } | Self::TimedOut { .. } => ErrorKind::TimedOut,
            Self::Unknown { .. } => ErrorKind::Unknown,
            Self::Unreachable { .. } => ErrorKind::Unreachable,
            Self::NoTransaction { .. } | Self::NoAccount { .. } => ErrorKind::NotFound,
            Self::NoSol { .. } => ErrorKind::Funds,
            Self::Unanswered { .. } => ErrorKind::Unanswered,
            Self::WrongAccount { .. } | Self::Input(_) | Self::Text(_) => ErrorKind::Input,
            Self::Quote { .. } | Self::Manifest(_) | Self::Proof(_) | Self::Receipt(_) => ErrorKind::Untrusted,
            Self::Store(error) => error.into(),
            Self::Api(error) => error.into(),
            Self::Signing(_) | Self::Event(_) | Self::File { .. } => ErrorKind::Failed,
        }
    }

    /// Returns what a program that handles this error needs to know besides its kind, by name.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Program { program, code, name, .. } => {
                vec![("program", program.clone()), ("program_error", name.clone()), ("program_code", code.to_string())]
            }
            Self::Unknown { signature, request, .. } => {
                let request = request.map(|request| ("request", hex::encode(request)));
                request.into_iter().chain([("signature", signature.to_string())]).collect()
            }
            Self::Unreachable { url, .. } => vec![("url", url.clone())],
            Self::NoSol { wallet, has, needs } => vec![
                ("wallet", wallet.to_string()),
                ("has_lamports", has.to_string()),
                ("needs_lamports", needs.to_string()),
            ],
            Self::Unanswered { request, payment, .. } => {
                vec![("request", hex::encode(request)), ("payment", payment.to_string())]
            }
            Self::NoAccount { address, .. } | Self::WrongAccount { address, .. } => {
                vec![("account", address.to_string())]
            }
            Self::NoTransaction { signature } => vec![("transaction", signature.to_string())],
            _ => Vec::new(),
        }
    }
}

/// Whether the same request may succeed if it is sent again, because the connection failed or the node is behind or
/// overloaded.
pub(crate) fn is_transient(e: &RpcClientError) -> bool {
    matches!(
        e.kind(),
        RpcErrorKind::Io(_)
            | RpcErrorKind::Reqwest(_)
            | RpcErrorKind::Middleware(_)
            | RpcErrorKind::RpcError(
                RpcError::RpcRequestError(_)
                    | RpcError::RpcResponseError { data: RpcResponseErrorData::NodeUnhealthy { .. }, .. }
            )
    )
}

/// Explains why a transaction was refused. `programs` are the programs of its top-level instructions. `logs` may be
/// empty. Without logs, only the code is known of errors that are not in our programs' own tables.
pub fn explain(error: &TransactionError, programs: &[Pubkey], logs: &[String]) -> SdkError {
    let TransactionError::InstructionError(index, instruction_error) = error else {
        return SdkError::Transaction(error.clone());
    };
    let top = programs.get(*index as usize).copied();
    let InstructionError::Custom(code) = instruction_error else {
        let Some(program) = innermost_failure(logs).or(top) else { return SdkError::Transaction(error.clone()) };
        return SdkError::Program {
            program: program_name(&program),
            code: 0,
            name: format!("{instruction_error:?}"),
            message: format!("{instruction_error}"),
        };
    };
    let Some(program) = innermost_failure(logs).or(top) else { return SdkError::Transaction(error.clone()) };
    let (name, message) = if let Some(known) = errors::lookup(&program, *code) {
        known
    } else if let Some(logged) = logged_anchor_error(logs, *code) {
        logged
    } else {
        ("Custom".to_owned(), format!("custom program error {code}"))
    };
    SdkError::Program { program: program_name(&program), code: *code, name, message }
}

fn program_name(id: &Pubkey) -> String {
    match Program::from_id(id) {
        Some(p) => p.name().to_owned(),
        None if *id == solana_sdk_ids::ed25519_program::ID => "ed25519 precompile".to_owned(),
        None if *id == spl_token_interface::ID => "token".to_owned(),
        None if *id == solana_sdk_ids::system_program::ID => "system".to_owned(),
        None => id.to_string(),
    }
}

/// Returns what an account has and what it needs, in lamports, if the logs say that a transfer of SOL failed for want of it.
pub(crate) fn lacking_lamports(logs: &[String]) -> Option<(u64, u64)> {
    logs.iter().find_map(|line| {
        let (_, rest) = line.split_once("insufficient lamports ")?;
        let (has, needs) = rest.split_once(", need ")?;
        Some((has.trim().parse().ok()?, needs.trim().parse().ok()?))
    })
}

/// Returns the program whose failure comes first in the logs. If one program calls another and that one fails, it is
/// the called one.
fn innermost_failure(logs: &[String]) -> Option<Pubkey> {
    logs.iter().find_map(|line| {
        let (id, rest) = line.strip_prefix("Program ")?.split_once(' ')?;
        rest.starts_with("failed").then(|| id.parse().ok())?
    })
}

/// Reads name and message of an error from Anchor's own log line:
/// `… Error Code: NAME. Error Number: CODE. Error Message: MESSAGE.` The message includes the account at fault if the
/// line names one.
fn logged_anchor_error(logs: &[String], code: u32) -> Option<(String, String)> {
    logs.iter().find_map(|line| {
        let (head, rest) = line.split_once("Error Code: ")?;
        let (name, rest) = rest.split_once(". Error Number: ")?;
        let (number, message) = rest.split_once(". Error Message: ")?;
        (number.parse() == Ok(code)).then(|| {
            let account = head.split_once("caused by account: ").and_then(|(_, a)| a.split_once('.')).map(|(a, _)| a);
            let message = message.trim_end_matches('.');
            (name.to_owned(), account.map_or(message.to_owned(), |a| format!("{message} (account {a})")))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(index: u8, code: u32) -> TransactionError {
        TransactionError::InstructionError(index, InstructionError::Custom(code))
    }

    fn parts(e: SdkError) -> (String, u32, String, String) {
        match e {
            SdkError::Program { program, code, name, message } => (program, code, name, message),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn every_program_names_its_own_errors_without_logs() {
        for program in Program::ALL {
            let (name, code, variant, message) = parts(explain(&custom(0, 6000), &[program.id()], &[]));
            assert_eq!((name.as_str(), code), (program.name(), 6000));
            assert!(variant != "Custom" && !message.is_empty(), "{program}: {variant}, {message}");
        }
    }

    #[test]
    fn anchor_constraint_errors_are_named_from_the_logs_with_their_account() {
        let logs = ["Program log: AnchorError caused by account: config. Error Code: ConstraintSeeds. \
                     Error Number: 2006. Error Message: A seeds constraint was violated."
            .to_owned()];
        let (program, code, name, message) = parts(explain(&custom(1, 2006), &[payout::ID, stake::ID], &logs));
        assert_eq!((program.as_str(), code, name.as_str()), ("stake", 2006, "ConstraintSeeds"));
        assert_eq!(message, "A seeds constraint was violated (account config)");
    }

    #[test]
    fn a_failed_token_transfer_is_blamed_on_the_token_program() {
        let logs = [
            format!("Program {} invoke [1]", payout::ID),
            format!("Program {} invoke [2]", spl_token_interface::ID),
            format!("Program {} failed: custom program error: 0x1", spl_token_interface::ID),
            format!("Program {} failed: custom program error: 0x1", payout::ID),
        ];
        let (program, _, name, message) = parts(explain(&custom(0, 1), &[payout::ID], &logs));
        assert_eq!((program.as_str(), name.as_str()), ("token", "InsufficientFunds"));
        assert!(message.contains("insufficient"), "{message}");
    }

    #[test]
    fn a_wrong_committee_signature_is_named() {
        let programs = [solana_sdk_ids::ed25519_program::ID, payout::ID];
        let (program, code, name, _) = parts(explain(&custom(0, 2), &programs, &[]));
        assert_eq!((program.as_str(), code, name.as_str()), ("ed25519 precompile", 2, "InvalidSignature"));
    }

    #[test]
    fn the_logs_say_how_much_sol_is_lacking() {
        let logs =
            ["Program 11111111111111111111111111111111 invoke [2]", "Transfer: insufficient lamports 70, need 9000"];
        assert_eq!(lacking_lamports(&logs.map(str::to_owned)), Some((70, 9_000)));
        assert_eq!(lacking_lamports(&["Program log: insufficient funds".to_owned()]), None);
    }

    #[test]
    fn whoever_handles_an_error_has_its_kind_and_its_fields() {
        let (payment, operator) = (Signature::from([3; 64]), Pubkey::new_from_array([2; 32]));
        let source = Box::new(SdkError::Unreachable { url: "http://x/".into(), reason: "refused".into() });
        let error = SdkError::Unanswered { request: [1; 32], payment, source };
        assert_eq!(error.kind(), ErrorKind::Unanswered);
        let fields = error.fields();
        assert!(fields.contains(&("request", "01".repeat(32))) && fields.contains(&("payment", payment.to_string())));
        let unknown = SdkError::Unknown { signature: payment, request: Some([1; 32]), seconds: 9 };
        assert_eq!(unknown.kind(), ErrorKind::Unknown);
        assert_eq!(unknown.fields(), [("request", "01".repeat(32)), ("signature", payment.to_string())]);
        assert!(unknown.to_string().contains(&format!("ask again with payment {payment}")), "{unknown}");
        let plain = SdkError::Unknown { signature: payment, request: None, seconds: 9 };
        assert_eq!(plain.fields(), [("signature", payment.to_string())]);
        let poor = SdkError::NoSol { wallet: operator, has: 5_000, needs: 2_000_000 };
        assert!(poor.to_string().contains("0.000005 SOL of the 0.002"), "{poor}");
        assert!(poor.to_string().contains(&operator.to_string()) && poor.kind() == ErrorKind::Funds);
    }

    #[test]
    fn errors_outside_instructions_stay_what_they_are() {
        assert!(matches!(
            explain(&TransactionError::InsufficientFundsForFee, &[], &[]),
            SdkError::Transaction(TransactionError::InsufficientFundsForFee)
        ));
    }
}
