//! Which uploads are running.

use super::class::Class;
use solana_pubkey::Pubkey;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// The running uploads of all wallets. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Active {
    running: Arc<Mutex<HashMap<Pubkey, Running>>>,
}

/// The running uploads of one wallet.
#[derive(Clone, Copy, Debug)]
struct Running {
    /// What the wallet was when the last of them began.
    class: Class,
    uploads: usize,
    bytes: u64,
    /// How many of the bytes are of answers, audits and reports, which have a quota of their own.
    statements: u64,
}

/// A running upload. It counts until this is dropped.
#[derive(Debug)]
pub struct Place {
    active: Active,
    wallet: Pubkey,
    bytes: u64,
    statements: u64,
}

impl Active {
    /// A place for an upload of `bytes` bytes, unless `each` uploads of the wallet are running, or `all` uploads of its class:
    /// strangers cost nothing and must keep nobody out. `statement` is whether it is an answer, an audit or a report.
    pub fn enter(
        &self,
        wallet: Pubkey,
        class: Class,
        statement: bool,
        bytes: u64,
        each: usize,
        all: usize,
    ) -> Option<Place> {
        let mut running = self.running.lock().expect("no panic holds this lock");
        if running.values().filter(|r| r.class == class).map(|r| r.uploads).sum::<usize>() >= all {
            return None;
        }
        if running.get(&wallet).is_some_and(|own| own.uploads >= each) {
            return None;
        }
        let own = running.entry(wallet).or_insert(Running { class, uploads: 0, bytes: 0, statements: 0 });
        own.class = class;
        own.uploads += 1;
        own.bytes += bytes;
        let statements = if statement { bytes } else { 0 };
        own.statements += statements;
        Some(Place { active: self.clone(), wallet, bytes, statements })
    }

    /// Bytes of the running uploads: of `wallet`, and of all of a class.
    pub fn bytes(&self, wallet: &Pubkey, class: Class) -> (u64, u64) {
        let running = self.running.lock().expect("no panic holds this lock");
        (
            running.get(wallet).map_or(0, |r| r.bytes),
            running.values().filter(|r| r.class == class).map(|r| r.bytes).sum(),
        )
    }

    /// Bytes of the running uploads of answers, audits and reports of `wallet`.
    pub fn statements(&self, wallet: &Pubkey) -> u64 {
        let running = self.running.lock().expect("no panic holds this lock");
        running.get(wallet).map_or(0, |r| r.statements)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = self.active.running.lock().expect("no panic holds this lock");
        if let Some(own) = running.get_mut(&self.wallet) {
            own.uploads -= 1;
            own.bytes -= self.bytes;
            own.statements -= self.statements;
            if own.uploads == 0 {
                running.remove(&self.wallet);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_has_its_own_places_and_they_are_free_again_when_dropped() {
        let (active, wallet) = (Active::default(), |n: u8| Pubkey::new_from_array([n; 32]));
        let first = active.enter(wallet(1), Class::Stranger, false, 5, 1, 2).unwrap();
        assert!(active.enter(wallet(1), Class::Stranger, false, 5, 1, 2).is_none(), "one for each wallet");
        let other = active.enter(wallet(2), Class::Stranger, false, 7, 1, 2).unwrap();
        assert!(active.enter(wallet(3), Class::Stranger, false, 5, 1, 2).is_none(), "two in all");
        assert_eq!(active.bytes(&wallet(1), Class::Stranger), (5, 12));
        let known =
            active.enter(wallet(5), Class::Known, false, 3, 1, 2).expect("nor anybody who has something at stake");
        assert_eq!(active.bytes(&wallet(5), Class::Known), (3, 3));
        let operator =
            active.enter(wallet(4), Class::Operator, false, 9, 1, 2).expect("strangers keep no operator out");
        assert_eq!(active.bytes(&wallet(4), Class::Operator), (9, 9));
        drop((first, other, operator, known));
        assert_eq!(active.bytes(&wallet(1), Class::Stranger), (0, 0));
        active.enter(wallet(3), Class::Stranger, false, 5, 1, 2).unwrap();
    }

    #[test]
    fn answers_audits_and_reports_are_counted_by_themselves_too() {
        let (active, wallet) = (Active::default(), Pubkey::new_from_array([1; 32]));
        let blob = active.enter(wallet, Class::Operator, false, 7, 9, 9).unwrap();
        let audit = active.enter(wallet, Class::Operator, true, 5, 9, 9).unwrap();
        assert_eq!((active.bytes(&wallet, Class::Operator).0, active.statements(&wallet)), (12, 5));
        drop(audit);
        assert_eq!((active.bytes(&wallet, Class::Operator).0, active.statements(&wallet)), (7, 0));
        drop(blob);
        assert_eq!(active.statements(&wallet), 0);
    }
}
