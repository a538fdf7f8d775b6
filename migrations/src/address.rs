//! The URL of a database.

use crate::{DbError, error::describe};
use std::path::PathBuf;
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};
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
    /// authorities to trust are the system's if `sslrootcert` names none. An error shows nothing of a URL that does not
    /// parse: nobody knows where its password is.
    pub fn parse(url: &str) -> Result<Self, DbError> {
        let wrong = |reason: String| DbError::Url { reason };
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
        let system = roots.as_deref() == Some("system");
        let roots = roots.filter(|_| !system).map(PathBuf::from);
        let (used, check) = match mode.as_deref() {
            // The system trusts authorities that sign for anybody, so that a signature alone says nothing about the server.
            None if system => (SslMode::Require, Check::SignatureAndHost),
            Some(mode) if system && mode != "verify-full" => {
                return Err(wrong(format!("sslmode {mode:?} is too weak for sslrootcert=system: write verify-full")));
            }
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

    /// What messages show of it: user, hosts, ports and database. A password can be in a URL in more than one way, so this
    /// is not made from the URL.
    pub fn shown(&self) -> String {
        let config = &self.config;
        let mut hosts: Vec<String> = config.get_hosts().iter().map(name).collect();
        if hosts.is_empty() {
            hosts = config.get_hostaddrs().iter().map(ToString::to_string).collect();
        }
        let ports = config.get_ports();
        for (n, host) in hosts.iter_mut().enumerate() {
            // One port is that of all hosts.
            if let Some(port) = ports.get(n).or(ports.first()) {
                *host = format!("{host}:{port}");
            }
        }
        let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
        let database = config.get_dbname().map(|database| format!("/{database}")).unwrap_or_default();
        format!("postgres://{user}{}{database}", hosts.join(","))
    }
}

fn name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_never_show_a_password() {
        for url in [
            "postgres://me:secret@h:1,i:2/d",
            "postgres://me@h:1,i:2/d?password=secret",
            "host=h,i port=1,2 user=me password=secret dbname=d",
        ] {
            assert_eq!(Address::parse(url).expect(url).shown(), "postgres://me@h:1,i:2/d", "{url}");
        }
        assert_eq!(Address::parse("host=h").expect("a place").shown(), "postgres://h");
        for (url, said) in [
            ("postgres://me:secret@h:1/d?sslmode=sometimes", "verify-full"),
            ("postgres://me@h:1/d?password=secret&port=x", "port"),
            ("host=h user=me password=secret port=x", "port"),
        ] {
            let error = Address::parse(url).expect_err(url).to_string();
            assert!(error.contains(said) && !error.contains("secret"), "{error}");
        }
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
        for query in ["?sslmode=verify-full&sslrootcert=system", "?sslrootcert=system"] {
            assert_eq!(of(query), (SslMode::Require, Check::SignatureAndHost, None), "{query}");
        }
        for mode in ["disable", "prefer", "require", "verify-ca"] {
            let url = format!("postgres://u@h:1/d?sslrootcert=system&sslmode={mode}");
            let error = Address::parse(&url).expect_err(mode).to_string();
            assert!(error.contains("too weak") && error.contains("verify-full"), "{error}");
        }
        assert_eq!(of("?sslmode=verify-ca&sslrootcert=ca.pem"), (SslMode::Require, Check::Signature, file("ca.pem")));
    }
}
