//! The numbered events of one account from some slot on, read once and kept.

use super::{error::LedgerError, newest::look_back, node::Node, numbered::Numbered};
use futures::{StreamExt, TryStreamExt};
use openledger_sdk::{
    EventRecord,
    client::{ListedTransaction, SIGNATURES_PAGE},
};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use std::collections::HashSet;

/// Most transactions that are requested concurrently.
const AT_ONCE: usize = 16;
/// Most transactions that are read before what they hold is kept.
const CHUNK: usize = 128;
/// Most events that are read behind a missing one before the reader gives up for now.
const MOST_AHEAD: usize = 1000;

/// Takes an event apart, if it is one that the account numbers: its number, and what is kept of it. `all` are the
/// events of its transaction, of which it is number `at`.
pub type Pick<T> = fn(subject: &Pubkey, all: &[EventRecord], at: usize) -> Option<(u64, T)>;

/// The events of one account. All of those in slots after [`Tail::floor`] that were read are held.
pub struct Tail<T> {
    subject: Pubkey,
    pick: Pick<T>,
    /// All events after this slot are held, or are still to come.
    floor: u64,
    /// `None` before the first look.
    events: Option<Numbered<T>>,
    /// The newest transaction up to which nothing is missing. `None` if that is the beginning.
    read_to: Option<Signature>,
    /// Transactions after `read_to` that hold no event of the account. They are not read again.
    barren: HashSet<Signature>,
}

impl<T: PartialEq> Tail<T> {
    /// Nothing is read yet.
    pub fn new(subject: Pubkey, pick: Pick<T>) -> Self {
        Self { subject, pick, floor: 0, events: None, read_to: None, barren: HashSet::new() }
    }

    /// The events that were read, in order.
    pub fn events(&self) -> Option<&Numbered<T>> {
        self.events.as_ref()
    }

    /// Like [`Tail::events`], to drop what is settled. Whoever drops events of a slot raises the floor to that slot.
    pub fn drop_until(&mut self, floor: u64, old: impl Fn(&T) -> bool, mut dropped: impl FnMut(T)) {
        self.floor = self.floor.max(floor);
        if let Some(events) = &mut self.events {
            while let Some(item) = events.drop_first_if(&old) {
                dropped(item);
            }
        }
    }

    /// Reads the events up to `final_slot`, of which those after slot `after` matter. The account says that `count`
    /// events exist, so nothing is asked if that many are held.
    ///
    /// Fails if an event is missing. What was read before the missing one is kept.
    pub async fn update(&mut self, node: &Node, after: u64, final_slot: u64, count: u64) -> Result<(), LedgerError> {
        if self.begins_anew(after) {
            self.begin(node, after, final_slot).await?;
        }
        if self.next() < count || self.waiting() > 0 {
            self.read_on(node, final_slot).await?;
        }
        Ok(())
    }

    /// Whether [`Tail::update`] begins anew for events after slot `after`. It does at first, and when events are asked
    /// for that were dropped or never read.
    pub fn begins_anew(&self, after: u64) -> bool {
        self.events.is_none() || after < self.floor
    }

    fn next(&self) -> u64 {
        self.events.as_ref().map_or(0, Numbered::next)
    }

    fn waiting(&self) -> usize {
        self.events.as_ref().map_or(0, Numbered::waiting)
    }

    /// Finds the newest event that is not after slot `after`. The events that matter have the numbers behind it. If
    /// there is none, they begin with number 0. (A node lists the transactions of a slot in the order of execution.)
    async fn begin(&mut self, node: &Node, after: u64, final_slot: u64) -> Result<(), LedgerError> {
        let (subject, pick) = (self.subject, self.pick);
        let (mut last, mut at) = (None, None);
        look_back(node, &subject, final_slot.min(after), |records| {
            last = (0..records.len()).filter_map(|i| pick(&subject, &records, i)).map(|(number, _)| number).max();
            at = records.first().map(|r| r.signature.clone()).filter(|_| last.is_some());
            last.is_some()
        })
        .await?;
        let at = at.map(|at| at.parse().map_err(|_| node.contradiction(format!("unreadable signature {at}"))));
        self.read_to = at.transpose()?;
        self.events = Some(Numbered::from(last.map_or(0, |number| number + 1)));
        self.floor = after;
        self.barren.clear();
        Ok(())
    }

    /// Reads the transactions after `read_to`, oldest first.
    async fn read_on(&mut self, node: &Node, final_slot: u64) -> Result<(), LedgerError> {
        let mut listed = self.list(node, final_slot).await?;
        listed.reverse();
        let (subject, pick) = (self.subject, self.pick);
        // Numbers of the events of each transaction that has some, oldest first.
        let mut found: Vec<(Signature, u64)> = Vec::new();
        for chunk in listed.chunks(CHUNK) {
            let reads: Vec<_> = chunk
                .iter()
                .map(|l| (node.clone(), l.signature))
                .map(|(node, signature)| async move { Ok((signature, node.events(&signature).await?)) })
                .collect();
            let read: Vec<_> = futures::stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
            for (signature, records) in read {
                let events: Vec<_> = (0..records.len()).filter_map(|i| pick(&subject, &records, i)).collect();
                match events.iter().map(|(number, _)| *number).max() {
                    Some(last) => found.push((signature, last)),
                    None => drop(self.barren.insert(signature)),
                }
                let numbered = self.events.get_or_insert_with(|| Numbered::from(0));
                for (number, event) in events {
                    if !numbered.add(number, event) {
                        let what = format!("account {subject} has two events of number {number}");
                        return Err(node.contradiction(what));
                    }
                }
            }
            if self.waiting() > MOST_AHEAD {
                break;
            }
        }
        let next = self.next();
        if let Some((signature, _)) = found.iter().take_while(|(_, last)| *last < next).last() {
            self.read_to = Some(*signature);
            self.barren.clear();
        }
        match self.waiting() {
            0 => Ok(()),
            _ => Err(node.not_yet(format!("event {next} of account {subject} is missing, and later ones are there"))),
        }
    }

    /// The successful transactions after `read_to` up to `final_slot` that may hold events, newest first.
    async fn list(&self, node: &Node, final_slot: u64) -> Result<Vec<ListedTransaction>, LedgerError> {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = node.signatures(&self.subject, before, self.read_to).await?;
            let (length, last) = (page.len(), page.last().map(|l| l.signature));
            let wanted =
                |l: &ListedTransaction| !l.failed && l.slot <= final_slot && !self.barren.contains(&l.signature);
            all.extend(page.into_iter().filter(wanted));
            if length < SIGNATURES_PAGE {
                return Ok(all);
            }
            before = last;
        }
    }
}
