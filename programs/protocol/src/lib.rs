//! Hashes, trees, signed messages and fee arithmetic: the one definition that programs, oracle, indexer and SDK share.
