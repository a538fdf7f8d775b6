//! Seeds of every PDA of this program.

/// `["config"]`
pub const CONFIG: &[u8] = b"config";
/// `["datanet", creator, id as u64 le]`
pub const DATANET: &[u8] = b"datanet";
/// `["batch", datanet, index as u64 le]`
pub const BATCH: &[u8] = b"batch";
/// `["bond"]`: token account that holds the bonds of pending batches, owned by the config.
pub const BOND: &[u8] = b"bond";
/// `["grant", datanet, grantee]`
pub const GRANT: &[u8] = b"grant";
