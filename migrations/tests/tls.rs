//! Tests of TLS to a server with a certificate that the test makes.

use openledger_database::{Database, Settings};
use openledger_postgres::Postgres;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::PathBuf;

/// A server, the URL of a database of it, and files with the certificates of an authority that signed the server's
/// certificate and of one that did not.
struct Secured {
    _server: Postgres,
    url: String,
    ours: PathBuf,
    other: PathBuf,
    folder: tempfile::TempDir,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(vec![]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

impl Secured {
    /// The server's certificate is for `host`.
    fn start(host: &str) -> Self {
        let (ours, other, key) = (authority(), authority(), KeyPair::generate().expect("a key"));
        let params = CertificateParams::new(vec![host.to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &ours).expect("signs");
        let server = Postgres::start_with_tls(&certificate.pem(), &key.serialize_pem()).expect("a server starts");
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: String| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).expect("writes");
            file
        };
        let url = server.create_database("secured").expect("a database is made");
        let (ours, other) = (write("ours.pem", ours.pem()), write("other.pem", other.pem()));
        Self { _server: server, url, ours, other, folder }
    }

    /// Connects by the URL with `query`, and returns whether TLS is used.
    async fn with(&self, query: &str) -> Result<bool, String> {
        let settings = Settings { schema: "public", name: "test", connections: 1, read_only: false, within: None };
        let db = Database::connect(&format!("{}?{query}", self.url), &settings).await.map_err(|e| e.to_string())?;
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        Ok(db.query_one(sql, &[]).await.map_err(|e| e.to_string())?.get(0))
    }
}

#[tokio::test]
async fn the_right_certificate_is_taken_and_a_wrong_one_is_told_with_the_remedy() {
    let server = Secured::start("127.0.0.1");
    let (ours, other) = (server.ours.display().to_string(), server.other.display().to_string());
    for query in [
        String::new(),
        "sslmode=require".into(),
        format!("sslmode=verify-ca&sslrootcert={ours}"),
        format!("sslmode=verify-full&sslrootcert={ours}"),
    ] {
        assert_eq!(server.with(&query).await, Ok(true), "{query}");
    }
    for query in [
        // The system trusts neither of them.
        "sslmode=verify-full".to_owned(),
        format!("sslmode=verify-full&sslrootcert={other}"),
        format!("sslmode=verify-ca&sslrootcert={other}"),
        format!("sslmode=require&sslrootcert={other}"),
    ] {
        let error = server.with(&query).await.expect_err(&query);
        for words in ["cannot use PostgreSQL at", "certificate is refused", "sslrootcert=FILE"] {
            assert!(error.contains(words), "{query}: {error}");
        }
    }
    let error = server.with("sslmode=disable").await.expect_err("the server wants TLS");
    assert!(error.contains("no encryption"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused_where_the_host_is_checked() {
    let server = Secured::start("database.example");
    let ours = server.ours.display().to_string();
    assert_eq!(server.with(&format!("sslmode=verify-ca&sslrootcert={ours}")).await, Ok(true));
    let error = server.with(&format!("sslmode=verify-full&sslrootcert={ours}")).await.expect_err("another host");
    assert!(error.contains("certificate is refused") && error.contains("host name"), "{error}");
}

#[tokio::test]
async fn a_file_without_certificates_and_a_server_without_tls_are_told() {
    let server = Secured::start("127.0.0.1");
    let empty = server.folder.path().join("empty.pem");
    std::fs::write(&empty, "nothing").expect("writes");
    for file in [empty, server.folder.path().join("absent.pem")] {
        let error =
            server.with(&format!("sslmode=verify-full&sslrootcert={}", file.display())).await.expect_err("none");
        assert!(error.contains("sslrootcert") && error.contains(&file.display().to_string()), "{error}");
    }
    let plain = Postgres::start(None).expect("a server starts");
    let settings = Settings { schema: "public", name: "test", connections: 1, read_only: false, within: None };
    let url = |mode: &str| format!("{}?sslmode={mode}", plain.url());
    assert!(Database::connect(&url("prefer"), &settings).await.is_ok());
    let error = Database::connect(&url("require"), &settings).await.err().expect("it has no TLS").to_string();
    assert!(error.contains("does not support TLS"), "{error}");
}
