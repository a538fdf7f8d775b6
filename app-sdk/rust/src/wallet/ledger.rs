//! Hardware wallets, by the names that the Solana tools give them: `usb://ledger?key=0`.

use super::resident::Resident;
use crate::error::SdkError;
use solana_derivation_path::DerivationPath;
use solana_remote_wallet::{
    locator::Locator,
    remote_keypair::{RemoteKeypair, generate_remote_keypair},
    remote_wallet::{RemoteWalletError, initialize_wallet_manager},
};
use std::fmt::Display;
use uriparse::URIReference;

/// Finds the device that `name` names, and its key. The device shows what it signs and asks its owner. It must be connected,
/// unlocked, and have its Solana app open.
pub(super) fn find(name: &str) -> Result<Resident, SdkError> {
    let name = name.to_owned();
    Resident::start(move || open(&name))
}

fn open(name: &str) -> Result<RemoteKeypair, SdkError> {
    let wrong = |e: &dyn Display| {
        SdkError::Input(format!("{name} names no hardware wallet ({e}): write usb://ledger or usb://ledger?key=0"))
    };
    let away = |e: RemoteWalletError| {
        SdkError::Input(format!("{name} cannot be reached ({e}): connect it, unlock it and open its Solana app"))
    };
    let uri = URIReference::try_from(name).map_err(|e| wrong(&e))?;
    let locator = Locator::new_from_uri(&uri).map_err(|e| wrong(&e))?;
    let path = DerivationPath::from_uri_key_query(&uri).map_err(|e| wrong(&e))?.unwrap_or_default();
    let devices = initialize_wallet_manager().map_err(away)?;
    devices.update_devices().map_err(away)?;
    generate_remote_keypair(locator, path, &devices, false, "the wallet").map_err(away)
}
