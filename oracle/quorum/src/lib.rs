//! FROST key generation and signing, observations and agreement among oracle operators.
