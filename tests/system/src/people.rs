//! Participants: fresh wallets with some SOL for fees, and OPEN.

use anyhow::{Context, Result};
use openledger_sdk::{client::Client, ix, wallet::read_keypair};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::{fs::File, os::unix::fs::PermissionsExt, path::Path};

/// A participant.
pub struct Person {
    /// Their display name.
    pub name: String,
    /// Their wallet.
    pub key: Keypair,
}

impl Person {
    /// Makes a new participant.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), key: Keypair::new() }
    }

    /// The participant whose key is in a file. Makes the file, with a new key, if there is none.
    pub fn at(name: impl Into<String>, path: &Path) -> Result<Self> {
        if !path.exists() {
            let person = Self::new(name);
            write_key(&person.key, path)?;
            return Ok(person);
        }
        Ok(Self { name: name.into(), key: read_keypair(path)? })
    }

    /// Their address.
    pub fn address(&self) -> Pubkey {
        self.key.pubkey()
    }
}

/// Gives SOL from the local node's faucet, to ten accounts at a time.
pub async fn airdrop(client: &Client, to: impl IntoIterator<Item = Pubkey>, lamports: u64) -> Result<()> {
    for address in to {
        client.rpc().request_airdrop(&address, lamports).await.with_context(|| format!("airdrop to {address}"))?;
    }
    Ok(())
}

/// Gives each person OPEN from `from`, and makes their token accounts.
pub async fn fund(client: &Client, from: &Keypair, mint: &Pubkey, to: &[(Pubkey, u64)]) -> Result<()> {
    for group in to.chunks(6) {
        let mut instructions = Vec::new();
        for (wallet, amount) in group {
            instructions.push(ix::token::create_account(&from.pubkey(), wallet, mint));
            if *amount > 0 {
                instructions.push(ix::token::transfer(&from.pubkey(), wallet, mint, *amount));
            }
        }
        client.send(&instructions, &[from]).await.context("handing out OPEN")?;
    }
    Ok(())
}

/// Writes a key file that only its owner can read.
pub fn write_key(key: &Keypair, path: &Path) -> Result<()> {
    let mut file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    serde_json::to_writer(&mut file, key.to_bytes().as_slice())?;
    Ok(())
}
