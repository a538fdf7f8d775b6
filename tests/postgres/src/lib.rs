//! A throw-away PostgreSQL server for the demo and the tests.
