//! Connections as `sslmode=prefer` wants them, which is the default: with TLS, and without it where that fails.
//!
//! PostgreSQL's own programs do so too. It costs nothing that this mode would give: whoever is between the two ends and can
//! break TLS could as well say that the server has none. Whoever wants to be sure writes `sslmode=verify-full`.

use crate::error::describe;
use deadpool_postgres::{ConfigConnectImpl, Connect};
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, config::SslMode, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Makes the pool's connections.
pub struct Connecting(ConfigConnectImpl<MakeRustlsConnect>);

impl Connecting {
    /// By `tls` where TLS is used.
    pub fn new(tls: MakeRustlsConnect) -> Self {
        Self(ConfigConnectImpl { tls })
    }
}

impl Connect for Connecting {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let mut config = config.clone();
        Box::pin(async move {
            let error = match self.0.connect(&config).await {
                Err(error) if config.get_ssl_mode() == SslMode::Prefer && may_be_tls(&error) => error,
                done => return done,
            };
            config.ssl_mode(SslMode::Disable);
            match self.0.connect(&config).await {
                Ok(connected) => {
                    let reason = describe(&error);
                    tracing::warn!(reason, "TLS with PostgreSQL fails, so it goes without: see sslmode");
                    Ok(connected)
                }
                // The first try was the better one, and so its failure is the one to mend.
                Err(_) => Err(error),
            }
        })
    }
}

/// Whether a connection without TLS may succeed after this failure. A server that refuses a role or a password does so
/// either way. It has the state below if it lets the role in only without TLS.
fn may_be_tls(error: &Error) -> bool {
    match error.code() {
        Some(state) => *state == SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        None => true,
    }
}
