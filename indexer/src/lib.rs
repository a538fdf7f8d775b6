//! Program events into PostgreSQL without loss, and the HTTP API over them.
