//! What a command ends with if it fails: a message, a code for programs, and an exit status that differs by kind.

use openledger_sdk::{
    ErrorKind, SdkError, api::ApiError, manifest::ManifestError, proof::ProofError, receipt::ReceiptError,
    store::StoreError,
};
use serde_json::{Map, Value};
use std::{path::Path, process::ExitCode};

/// The exit statuses, for `--help`.
pub const EXIT_STATUSES: &str = "Exit status, and the \"code\" of the error that --json prints:
   0               done
   1  failed       anything else, such as a file that cannot be written
   2  input        the command line, a file or an address is wrong
   3  not_found    what was named does not exist
   4  unreachable  a node or a service cannot be reached
   5  refused      a program, the node or a service refused
   6  funds        a wallet has too little SOL or OPEN
   7  timed_out    a deadline passed; the message says what was awaited
   8  unanswered   a payment was made and no answer came: the error has the fields request and payment
   9  untrusted    a proof, receipt, quote or artifact does not hold
  10  unconfirmed  nobody agreed to pay: say --yes in a script
  11  unknown      a transaction was sent and may have been executed: the error has the field signature, and request
                   if it pays for an answer";

/// A failure of the command line's own.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something is wrong, of a kind that the SDK knows.
    #[error("{1}")]
    Of(ErrorKind, String),
    /// Nobody agreed to pay.
    #[error("{0}")]
    Unconfirmed(String),
    /// Whoever reads the output has gone.
    #[error("nobody reads the output any more")]
    NoReader,
}

/// Makes a failure of a kind.
pub fn of(kind: ErrorKind, message: impl Into<String>) -> anyhow::Error {
    Failure::Of(kind, message.into()).into()
}

/// Reads a file that the caller named.
pub fn named_file(path: impl AsRef<Path>) -> anyhow::Result<Vec<u8>> {
    let path = path.as_ref();
    std::fs::read(path).map_err(|e| of(ErrorKind::Input, format!("cannot read {}: {e}", path.display())))
}

/// Whether the reader of the output has gone, which is no failure.
pub fn is_no_reader(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Failure::NoReader))
}

/// The kind of an error: that of the first cause whose kind is known.
fn kind(error: &anyhow::Error) -> ErrorKind {
    let known = |cause: &(dyn std::error::Error + 'static)| {
        let of_sdk = || cause.downcast_ref::<SdkError>().map(SdkError::kind);
        let of_api = || cause.downcast_ref::<ApiError>().map(ErrorKind::from);
        let of_store = || cause.downcast_ref::<StoreError>().map(ErrorKind::from);
        let untrusted = || {
            let forged = cause.is::<ProofError>() || cause.is::<ReceiptError>() || cause.is::<ManifestError>();
            forged.then_some(ErrorKind::Untrusted)
        };
        let own = || match cause.downcast_ref::<Failure>() {
            Some(Failure::Of(kind, _)) => Some(*kind),
            _ => None,
        };
        of_sdk().or_else(of_api).or_else(of_store).or_else(untrusted).or_else(own)
    };
    error.chain().find_map(known).unwrap_or(ErrorKind::Failed)
}

fn code(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref() {
        Some(Failure::Unconfirmed(_)) => "unconfirmed",
        _ => kind(error).code(),
    }
}

/// The exit status of an error.
pub fn status(error: &anyhow::Error) -> ExitCode {
    let number = match (error.downcast_ref(), kind(error)) {
        (Some(Failure::Unconfirmed(_)), _) => 10,
        (_, ErrorKind::Failed) => 1,
        (_, ErrorKind::Input) => 2,
        (_, ErrorKind::NotFound) => 3,
        (_, ErrorKind::Unreachable) => 4,
        (_, ErrorKind::Refused) => 5,
        (_, ErrorKind::Funds) => 6,
        (_, ErrorKind::TimedOut) => 7,
        (_, ErrorKind::Unanswered) => 8,
        (_, ErrorKind::Untrusted) => 9,
        (_, ErrorKind::Unknown) => 11,
    };
    ExitCode::from(number)
}

/// The message with its causes. A cause that the message tells already is not told again.
pub fn message(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| match cause.to_string() {
        cause if text.is_empty() => cause,
        cause if text.contains(&cause) => text,
        cause => format!("{text}: {cause}"),
    })
}

/// The error for programs.
pub fn json(error: &anyhow::Error) -> Value {
    let fields = error.chain().find_map(|cause| cause.downcast_ref::<SdkError>()).map(SdkError::fields);
    let mut object = Map::from_iter([("error".into(), message(error).into()), ("code".into(), code(error).into())]);
    object.extend(fields.into_iter().flatten().map(|(name, value)| (name.to_owned(), value.into())));
    object.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    fn lost() -> SdkError {
        SdkError::Unreachable { url: "http://127.0.0.1:1/".into(), reason: "connection refused".into() }
    }

    #[test]
    fn a_kind_is_found_behind_any_context() {
        let error = Err::<(), _>(lost()).context("reading the Datanet").unwrap_err();
        assert_eq!((kind(&error), code(&error)), (ErrorKind::Unreachable, "unreachable"));
        let shown = json(&error);
        assert_eq!(shown["url"], "http://127.0.0.1:1/");
        assert!(shown["error"].as_str().unwrap().starts_with("reading the Datanet: the node at"));
        assert_eq!(code(&anyhow::anyhow!("disk full")), "failed");
        assert_eq!(code(&of(ErrorKind::NotFound, "no such model")), "not_found");
        assert_eq!(code(&Failure::Unconfirmed("no".into()).into()), "unconfirmed");
    }

    #[test]
    fn a_payment_without_an_answer_names_request_and_payment_as_fields() {
        let (payment, source) = (solana_signature::Signature::from([7; 64]), Box::new(lost()));
        let error = SdkError::Unanswered { request: [0xab; 32], payment, source };
        let shown = json(&anyhow::Error::new(error).context("asking"));
        assert_eq!(shown["code"], "unanswered");
        assert_eq!(shown["request"], "ab".repeat(32));
        assert_eq!(shown["payment"], payment.to_string());
    }

    #[test]
    fn a_cause_is_told_once() {
        let told = openledger_sdk::SdkError::Unanswered {
            request: [1; 32],
            payment: Default::default(),
            source: Box::new(lost()),
        };
        assert_eq!(message(&told.into()).matches("connection refused").count(), 1);
    }

    #[test]
    fn help_names_every_code() {
        for kind in [
            ErrorKind::Input,
            ErrorKind::NotFound,
            ErrorKind::Unreachable,
            ErrorKind::Refused,
            ErrorKind::Funds,
            ErrorKind::TimedOut,
            ErrorKind::Unanswered,
            ErrorKind::Untrusted,
            ErrorKind::Unknown,
            ErrorKind::Failed,
        ] {
            assert!(EXIT_STATUSES.contains(&format!("  {} ", kind.code())), "{kind:?}");
        }
    }
}
