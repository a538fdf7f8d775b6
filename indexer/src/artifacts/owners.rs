//! Notes beside the blobs of who has stored them. They are in the store, because without them a lost database would be a
//! lost knowledge of what is private.
//!
//! A note is an empty object whose name says everything: `owners/<sha256>.<wallet>.<operator or wallet>`.

use super::{
    refusal::Refusal,
    service::Service,
    table::{self, Lost},
};
use futures::TryStreamExt;
use object_store::{ObjectStoreExt, PutPayload, path::Path};
use openledger_protocol::Hash32;
use openledger_sdk::{
    store::Key,
    text::{parse_hash, parse_key},
};
use solana_pubkey::Pubkey;
use std::collections::{HashMap, HashSet};

/// Folder of the notes.
const FOLDER: &str = "owners";
/// Notes that are written to the database at once.
const PAGE: usize = 1000;

fn path(hash: &Hash32, wallet: &Pubkey, operator: bool) -> Path {
    let class = if operator { "operator" } else { "wallet" };
    Path::from(format!("{FOLDER}/{}.{wallet}.{class}", hex::encode(hash)))
}

/// Reads the name of a note: blob, wallet, and whether the wallet was a registered operator's.
fn read(path: &Path) -> Option<(Hash32, Pubkey, bool)> {
    let parts: Vec<&str> = path.filename()?.split('.').collect();
    let [hash, wallet, class @ ("operator" | "wallet")] = parts.as_slice() else { return None };
    Some((parse_hash(hash).ok()?, parse_key(wallet).ok()?, *class == "operator"))
}

/// Notes that `wallet` has stored a blob.
pub async fn note(service: &Service, hash: &Hash32, wallet: &Pubkey, operator: bool) -> Result<(), Refusal> {
    service.objects().put(&path(hash, wallet, operator), PutPayload::default()).await?;
    Ok(())
}

/// Removes the notes that these wallets have stored a blob.
pub async fn remove(service: &Service, hash: &Hash32, wallets: &[String]) -> Result<(), Refusal> {
    for wallet in wallets.iter().filter_map(|wallet| parse_key(wallet).ok()) {
        // It may have stored the blob again meanwhile.
        if table::has_stored(&service.looking, hash, &wallet).await? {
            continue;
        }
        for operator in [false, true] {
            service.delete(&path(hash, &wallet, operator)).await?;
        }
        // And between the look and the removal.
        if let Some(operator) = table::stored_as_operator(&service.looking, hash, &wallet).await? {
            note(service, hash, &wallet, operator).await?;
        }
    }
    Ok(())
}

/// Brings back what the database has lost of who has stored what. Until then the service gives nobody what it does not know.
/// Returns how many uploads were lost.
pub async fn restore(service: &Service) -> Result<u64, Refusal> {
    let mut lengths = HashMap::new();
    let mut blobs = service.objects().list(Some(&Path::from("blobs")));
    while let Some(blob) = blobs.try_next().await? {
        if let Ok(Key::Blob(hash)) = blob.location.as_ref().parse() {
            lengths.insert(hash, blob.size);
        }
    }
    let (mut lost, mut restored) = (Vec::new(), 0);
    let mut notes = service.objects().list(Some(&Path::from(FOLDER)));
    while let Some(note) = notes.try_next().await? {
        let Some((hash, wallet, operator)) = read(&note.location) else { continue };
        // Of an upload that was cut off, the note alone may be there.
        let Some(bytes) = lengths.get(&hash) else { continue };
        lost.push(Lost { hash, bytes: *bytes, wallet, operator });
        if lost.len() >= PAGE {
            restored += table::restore(&service.looking, &std::mem::take(&mut lost)).await?;
        }
    }
    restored += table::restore(&service.looking, &lost).await?;
    restored += restore_statements(service).await?;
    if restored > 0 {
        tracing::warn!(restored, "the database had lost uploads, which are known again by the notes in the store");
    }
    Ok(restored)
}

/// Brings back which answers, audits and reports there are: lists are made of what the database knows.
async fn restore_statements(service: &Service) -> Result<u64, Refusal> {
    let (mut lost, mut restored) = (Vec::new(), 0);
    for folder in ["answers", "audits", "settlements"] {
        let mut found = service.objects().list(Some(&Path::from(folder)));
        while let Some(meta) = found.try_next().await? {
            let Ok(key) = meta.location.as_ref().parse::<Key>() else { continue };
            lost.push((key.to_string(), meta.size));
            if lost.len() >= PAGE {
                restored += table::restore_statements(&service.looking, &std::mem::take(&mut lost)).await?;
            }
        }
    }
    Ok(restored + table::restore_statements(&service.looking, &lost).await?)
}

/// Notes what only the database knows: uploads from before there were notes, and those whose note is lost. Returns how many.
pub async fn complete(service: &Service) -> Result<usize, Refusal> {
    let mut noted = HashSet::new();
    let mut notes = service.objects().list(Some(&Path::from(FOLDER)));
    while let Some(note) = notes.try_next().await? {
        noted.extend(read(&note.location));
    }
    let (mut completed, mut hash, mut wallet) = (0, Vec::<u8>::new(), String::new());
    loop {
        let page = table::uploads(&service.looking, &hash, &wallet, PAGE as i64).await?;
        let last = page.len() < PAGE;
        for (of, by, operator) in page {
            if let (Ok(blob), Ok(owner)) = (Hash32::try_from(of.as_slice()), parse_key(&by))
                && !noted.contains(&(blob, owner, operator))
            {
                note(service, &blob, &owner, operator).await?;
                completed += 1;
            }
            (hash, wallet) = (of, by);
        }
        if last {
            break;
        }
    }
    if completed > 0 {
        tracing::info!(completed, "uploads without a note in the store have one now");
    }
    Ok(completed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_from_its_name_and_other_files_are_none() {
        let (hash, wallet) = ([7; 32], Pubkey::new_from_array([9; 32]));
        for operator in [false, true] {
            assert_eq!(read(&path(&hash, &wallet, operator)), Some((hash, wallet, operator)));
        }
        for other in ["owners/x", "owners/.gitignore", &format!("owners/{}.{wallet}.other", hex::encode(hash))] {
            assert_eq!(read(&Path::from(other)), None, "{other}");
        }
    }
}
