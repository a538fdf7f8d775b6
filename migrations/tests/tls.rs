//! Tests of TLS to a server with a certificate that the test makes.

use openledger_database::{Database, Settings};
use openledger_postgres::Postgres;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::PathBuf;
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

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
        let settings =
            Settings { schema: "public", name: "test", connections: 1, read_only: false, within: None, durable: false };
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
    let settings =
        Settings { schema: "public", name: "test", connections: 1, read_only: false, within: None, durable: false };
    let url = |mode: &str| format!("{}?sslmode={mode}", plain.url());
    assert!(Database::connect(&url("prefer"), &settings).await.is_ok());
    let error = Database::connect(&url("require"), &settings).await.err().expect("it has no TLS").to_string();
    assert!(error.contains("does not support TLS"), "{error}");
}

/// First bytes of a message that asks for TLS: its length, and a number that stands for TLS.
const WANTS_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

#[tokio::test]
async fn where_tls_fails_prefer_goes_on_without_it_and_require_does_not() {
    let plain = Postgres::start(None).expect("a server starts");
    let (listener, server) = (TcpListener::bind("127.0.0.1:0").await.expect("a port"), plain.port());
    let port = listener.local_addr().expect("an address").port();
    // It says that it has TLS, and hangs up. It passes on who does not ask for TLS.
    let proxy = tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.expect("accepts");
            tokio::spawn(async move {
                let mut first = [0; 8];
                while client.peek(&mut first).await.expect("reads") < first.len() {
                    tokio::task::yield_now().await;
                }
                if first == WANTS_TLS {
                    client.write_all(b"S").await.expect("writes");
                    return;
                }
                let mut server = TcpStream::connect(("127.0.0.1", server)).await.expect("connects");
                // Either end may hang up.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let settings =
        Settings { schema: "public", name: "test", connections: 1, read_only: false, within: None, durable: false };
    for query in ["", "?sslmode=prefer"] {
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres{query}");
        let db = Database::connect(&url, &settings).await.unwrap_or_else(|e| panic!("{query}: {e}"));
        assert_eq!(db.query_one("SELECT 1", &[]).await.expect("reads").get::<_, i32>(0), 1);
    }
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=require");
    assert!(Database::connect(&url, &settings).await.is_err());
    proxy.abort();
}
