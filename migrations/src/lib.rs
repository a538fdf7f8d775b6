//! Connections to PostgreSQL for everything off chain that keeps something there: over TLS, straight or through a pooler,
//! all in one schema.
//!
//! A pooler in transaction mode gives each transaction another session of the server. What is set for a session, such as a
//! search path, a prepared statement or a lock, is therefore lost or is somebody else's. So nothing here needs a session:
//! every statement runs in a transaction that says everything that it needs, and is sent without a name.

mod address;
mod error;
mod migrate;
mod parameters;
mod pool;
mod prefer;
mod settings;
mod tls;
mod transaction;

pub use error::DbError;
pub use migrate::migrate;
pub use parameters::Params;
pub use pool::Database;
pub use settings::Settings;
pub use tokio_postgres::Row;
pub use transaction::Transaction;
