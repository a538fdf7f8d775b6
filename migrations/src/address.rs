//! The URL of a database.

use crate::{DbError, error::describe};
use std::path::PathBuf;
use tokio_postgres::{Config, config::SslMode};
use url::form_urlencoded::parse;

/// What is checked of a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Nothing: the connection is hidden from those who listen, and whoever answers is believed.
    Nothing,
    /// That an authority signed it that is trusted.
    Signature,
    /// That, and that it is for the host of the URL.
    SignatureAndHost,
}

/// Where a database is, and how to speak to it.
#[derive(Debug)]
pub struct Address {
    /// Where it is. It says whether TLS is used.
    pub config: Config,
    /// What is checked of the server's certificate.
    pub check: Check,
    /// The file with the certificates of the authorities to trust. Without it they are the system's.
    pub roots: Option<PathBuf>,
}

impl Address {
    /// Reads `url`. `sslmode` and `sslrootcert` mean what they mean to PostgreSQL's own programs, except that the
    /// authorities to trust are the system's if `sslrootcert` names none.
    pub fn parse(url: &str) -> Result<Self, DbError> {
        let wrong = |reason: String| DbError::Url { url: without_password(url), reason };
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match parse(pair.as_bytes()).next() {
                Some((name, value)) if name == "sslmode" => mode = Some(value.into_owned()),
                Some((name, value)) if name == "sslrootcert" => roots = Some(value.into_owned()),
                _ => rest.push(pair),
            }
        }
        let rest = if rest.is_empty() { place.to_owned() } else { format!("{place}?{}", rest.join("&")) };
        let mut config: Config = rest.parse().map_err(|e| wrong(describe(&e)))?;
        let roots = roots.filter(|file| file != "system").map(PathBuf::from);
        let (used, check) = match mode.as_deref() {
            None => (config.get_ssl_mode(), Check::Nothing),
            Some("disable") => (SslMode::Disable, Check::Nothing),
            Some("allow" | "prefer") => (SslMode::Prefer, Check::Nothing),
            Some("require") if roots.is_none() => (SslMode::Require, Check::Nothing),
            Some("require" | "verify-ca") => (SslMode::Require, Check::Signature),
            Some("verify-full") => (SslMode::Require, Check::SignatureAndHost),
            Some(other) => {
                return Err(wrong(format!(
                    "sslmode {other:?}: write disable, prefer, require, verify-ca or verify-full"
                )));
            }
        };
        config.ssl_mode(used);
        Ok(Self { config, check, roots })
    }
}

/// Replaces the password in `url` by `***`, for use in messages.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.into() };
    let Some((user, host)) = rest.rsplit_once('@') else { return url.into() };
    match user.split_once(':') {
        Some((name, _)) => format!("{scheme}://{name}:***@{host}"),
        None => url.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_never_show_a_password() {
        assert_eq!(without_password("postgres://me:secret@h:1/d"), "postgres://me:***@h:1/d");
        assert_eq!(without_password("postgres://me@h:1/d"), "postgres://me@h:1/d");
        let error = Address::parse("postgres://me:secret@h:1/d?sslmode=sometimes").expect_err("refused").to_string();
        assert!(error.contains("verify-full") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn sslmode_and_sslrootcert_mean_what_they_mean_to_postgresql() {
        let of = |query: &str| {
            let address = Address::parse(&format!("postgres://u@h:1/d{query}")).expect(query);
            assert_eq!(address.config.get_dbname(), Some("d"));
            (address.config.get_ssl_mode(), address.check, address.roots)
        };
        let file = |path: &str| Some(PathBuf::from(path));
        assert_eq!(of(""), (SslMode::Prefer, Check::Nothing, None));
        assert_eq!(of("?sslmode=disable"), (SslMode::Disable, Check::Nothing, None));
        assert_eq!(of("?sslmode=require"), (SslMode::Require, Check::Nothing, None));
        assert_eq!(
            of("?sslrootcert=%2Fetc%2Fca.pem&sslmode=require&connect_timeout=3"),
            (SslMode::Require, Check::Signature, file("/etc/ca.pem"))
        );
        assert_eq!(of("?sslmode=verify-full&sslrootcert=system"), (SslMode::Require, Check::SignatureAndHost, None));
        assert_eq!(of("?sslmode=verify-ca&sslrootcert=ca.pem"), (SslMode::Require, Check::Signature, file("ca.pem")));
    }
}
