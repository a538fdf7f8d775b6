//! The oracle operator's node: watches the chain, trains, verifies, attributes, agrees and signs.
