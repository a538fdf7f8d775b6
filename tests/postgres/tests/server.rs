//! A server as its users see it.

use std::{net::TcpStream, thread};

use openledger_postgres::{Postgres, PostgresError};
use postgres::{Client, NoTls};

#[test]
fn it_answers_and_is_gone_with_its_value() {
    let server = Postgres::start(None).unwrap();
    let (port, data) = (server.port(), server.data_dir().to_owned());
    let mut client = Client::connect(&server.url(), NoTls).unwrap();
    let one: i32 = client.query_one("SELECT 1", &[]).unwrap().get(0);
    assert_eq!(one, 1);
    drop(client);
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the server still listens");
    assert!(!data.exists(), "its data are still there");
}

#[test]
fn a_database_is_made_once_and_kept() {
    let server = Postgres::start(None).unwrap();
    let url = server.create_database("indexer").unwrap();
    Client::connect(&url, NoTls).unwrap().batch_execute("CREATE TABLE t (n INT); INSERT INTO t VALUES (7)").unwrap();
    assert_eq!(server.create_database("indexer").unwrap(), url);
    let n: i32 = Client::connect(&url, NoTls).unwrap().query_one("SELECT n FROM t", &[]).unwrap().get(0);
    assert_eq!(n, 7);
    assert!(matches!(server.create_database("a b"), Err(PostgresError::DatabaseName(_))));
}

#[test]
fn data_in_a_given_folder_outlive_the_server() {
    // In the system's temporary folder, which the account that the server runs as may enter.
    let folder = tempfile::Builder::new().prefix("openledger-kept-").tempdir().unwrap();
    let data = folder.path().join("data");
    let mut open = std::fs::metadata(folder.path()).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut open, 0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();

    let server = Postgres::start(Some(&data)).unwrap();
    let mut client = Client::connect(&server.url(), NoTls).unwrap();
    client.batch_execute("CREATE TABLE t (n INT); INSERT INTO t VALUES (7)").unwrap();
    drop((client, server));

    let server = Postgres::start(Some(&data)).unwrap();
    let n: i32 = Client::connect(&server.url(), NoTls).unwrap().query_one("SELECT n FROM t", &[]).unwrap().get(0);
    assert_eq!(n, 7);
}

#[test]
fn it_outlives_the_thread_that_started_it() {
    let server = thread::spawn(|| Postgres::start(None).unwrap()).join().unwrap();
    thread::sleep(std::time::Duration::from_millis(500));
    Client::connect(&server.url(), NoTls).unwrap();
}
