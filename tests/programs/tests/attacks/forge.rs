//! Accounts that should never be accepted.

use openledger_protocol::hash::sha256;
use program_tests::keys::address;
use solana_account::Account;
use solana_pubkey::Pubkey;

/// The address of the attacker's program.
pub fn foreign_program() -> Pubkey {
    address("the attacker's program")
}

/// An address of the attacker, different for every `name`.
pub fn elsewhere(name: &str) -> Pubkey {
    address(&format!("forged {name}"))
}

pub fn owned_by(mut account: Account, owner: Pubkey) -> Account {
    account.owner = owner;
    account
}

/// The account with other bytes, which are neither zero nor written by a program.
pub fn garbage(account: &Account) -> Account {
    let noise = |i: usize| sha256(&[b"garbage", &i.to_le_bytes()])[0];
    Account { data: (0..account.data.len()).map(noise).collect(), ..account.clone() }
}

pub fn zeroed(account: &Account) -> Account {
    Account { data: vec![0; account.data.len()], ..account.clone() }
}

/// The account as a later program might write it: with another version byte after the discriminator.
pub fn of_version(account: &Account, version: u8) -> Account {
    let mut account = account.clone();
    account.data[8] = version;
    account
}

/// A token account's bytes with another mint.
pub fn of_mint(mut token: Account, mint: &Pubkey) -> Account {
    token.data[..32].copy_from_slice(mint.as_ref());
    token
}

/// A token account's bytes with another holder.
pub fn held_by(mut token: Account, holder: &Pubkey) -> Account {
    token.data[32..64].copy_from_slice(holder.as_ref());
    token
}

/// An extension of Token-2022.
#[derive(Clone, Copy, Debug)]
pub enum Extension {
    Fee,
    Hook,
}

/// A mint of the classic token program as Token-2022 would hold it with this extension.
pub fn mint_2022(mint: &Account, extension: Extension) -> Account {
    let body = match extension {
        Extension::Fee => {
            let mut config = vec![0; 108];
            // Both the older and the newer fee are 1 % without a maximum.
            for at in [72, 90] {
                config[at + 8..at + 16].copy_from_slice(&u64::MAX.to_le_bytes());
                config[at + 16..at + 18].copy_from_slice(&100u16.to_le_bytes());
            }
            (1u16, config)
        }
        Extension::Hook => (14, [[0; 32], foreign_program().to_bytes()].concat()),
    };
    extended(mint, 1, body)
}

/// A token account of the classic token program as Token-2022 would hold it if its mint has this extension.
pub fn token_2022(token: &Account, extension: Extension) -> Account {
    let body = match extension {
        Extension::Fee => (2u16, vec![0; 8]),
        Extension::Hook => (15, vec![0]),
    };
    extended(token, 2, body)
}

/// The base bytes, padding, the kind of account, and one extension entry of type, length and value.
fn extended(base: &Account, kind: u8, (number, value): (u16, Vec<u8>)) -> Account {
    let mut data = base.data.clone();
    data.resize(165, 0);
    data.push(kind);
    data.extend(number.to_le_bytes());
    data.extend((value.len() as u16).to_le_bytes());
    data.extend(value);
    Account { data, owner: spl_token_2022_interface::ID, lamports: base.lamports * 2, ..base.clone() }
}
