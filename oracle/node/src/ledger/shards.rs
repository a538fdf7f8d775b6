//! Payments and other payments into the pools, from the numbered events of the payout program's shards.

use super::{error::LedgerError, node::Node, tail::Tail};
use openledger_sdk::{Event, EventRecord, pda};
use payout::{
    events::{Funded, Paid},
    state::{Config, POOLS, Pool, Shard},
};
use solana_pubkey::Pubkey;

/// A payment for an answer, or a debit of a prepaid balance.
#[derive(Clone, Debug, PartialEq)]
pub struct Payment {
    /// Its slot.
    pub slot: u64,
    /// The first signature of its transaction, in Base58.
    pub signature: String,
    /// What was paid, for which request, and how it was split. The request of a debit is the hash of its statement.
    pub paid: Paid,
    /// Whether it was debited from a prepaid balance.
    pub prepaid: bool,
}

/// A payment into a pool that is not for an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Funding {
    /// Its slot.
    pub slot: u64,
    /// The first signature of its transaction, in Base58.
    pub signature: String,
    /// What was paid, by whom and into which pool.
    pub funded: Funded,
    /// The job whose data share it is. The model program says so in the same transaction.
    pub job: Option<Pubkey>,
}

/// All payments between two slots. Those of one slot are in the order of signature, shard and number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PaidIn {
    /// Payments for answers.
    pub payments: Vec<Payment>,
    /// Other payments into the pools.
    pub funding: Vec<Funding>,
}

impl PaidIn {
    /// The slot of the first payment that makes a settlement worth its cost: a payment for an answer, or a job's data
    /// share. Gifts alone do not, so that nobody can keep members at work with dust.
    pub fn first_slot(&self) -> Option<u64> {
        let data_shares = self.funding.iter().filter(|f| f.job.is_some()).map(|f| f.slot);
        self.payments.iter().map(|p| p.slot).chain(data_shares).min()
    }
}

/// An event that a shard numbers.
#[derive(Clone, Debug, PartialEq)]
enum Entry {
    Payment(Payment),
    Funding(Funding),
    /// An event that pays nothing in, in this slot.
    Other(u64),
}

impl Entry {
    fn slot(&self) -> u64 {
        match self {
            Self::Payment(p) => p.slot,
            Self::Funding(f) => f.slot,
            Self::Other(slot) => *slot,
        }
    }

    /// Base units that it put into each pool.
    fn funded(&self) -> [u64; POOLS] {
        let mut funded = [0; POOLS];
        match self {
            Self::Payment(p) => {
                funded[Pool::Contributors as usize] = p.paid.contributors;
                funded[Pool::Validators as usize] = p.paid.validators;
            }
            Self::Funding(f) => funded[f.funded.pool as usize] = f.funded.amount,
            Self::Other(_) => {}
        }
        funded
    }
}

/// Takes an event of a shard apart.
fn pick(shard: &Pubkey, all: &[EventRecord], at: usize) -> Option<(u64, Entry)> {
    let record = &all[at];
    if record.event.subject() != *shard {
        return None;
    }
    let (slot, signature) = (record.slot, record.signature.clone());
    let entry = match &record.event {
        Event::Paid(paid) => {
            // A debit's own event follows its payment at once.
            let next = all.get(at + 1).map(|r| &r.event);
            let prepaid = matches!(next, Some(Event::BalanceDebited(d)) if d.taken == paid.amount);
            Entry::Payment(Payment { slot, signature, paid: paid.clone(), prepaid })
        }
        Event::Funded(funded) => {
            let mut shares = all.iter().filter_map(|r| match &r.event {
                Event::DataSharePaid(share) => Some(share),
                _ => None,
            });
            let of_job = funded.pool == Pool::Contributors
                && funded.subject == funded.payer
                && shares.any(|s| s.job == funded.payer && s.amount == funded.amount);
            let job = of_job.then_some(funded.payer);
            Entry::Funding(Funding { slot, signature, funded: funded.clone(), job })
        }
        _ => Entry::Other(slot),
    };
    Some((record.event.sequence(), entry))
}

/// What one node shows of the shards.
#[derive(Default)]
pub struct Shards {
    shards: Vec<Books>,
}

/// One shard's events, and the sums that they must add up to.
struct Books {
    tail: Tail<Entry>,
    /// Base units that were ever paid into each pool before the first event that is held. It never changes but by the
    /// events that are dropped. `None` before the totals were compared once.
    before: Option<[u64; POOLS]>,
}

impl Shards {
    /// What was paid in after slot `after` and up to slot `until`. Not yet, if `until` is not finalized or an event is
    /// missing.
    pub async fn between(&mut self, node: &Node, after: u64, until: u64) -> Result<PaidIn, LedgerError> {
        let (slot, config) = node.account::<Config>(&pda::payout_config(), "the payout config").await?;
        reached(node, slot, until)?;
        let addresses: Vec<Pubkey> = (0..config.shards).map(pda::shard).collect();
        let (slot, accounts) = node.accounts::<Shard>(&addresses).await?;
        reached(node, slot, until)?;
        let known = self.shards.len()..addresses.len();
        self.shards.extend(addresses[known].iter().map(|at| Books { tail: Tail::new(*at, pick), before: None }));
        let mut out = PaidIn::default();
        for ((books, account), address) in self.shards.iter_mut().zip(accounts).zip(addresses) {
            let account = account.ok_or_else(|| node.not_yet(format!("shard {address} does not exist")))?;
            books.read(node, &account, after, until, slot).await?;
            books.add_between(after, until, &mut out);
        }
        out.payments.sort_by(|a, b| {
            order(a.slot, &a.signature, &a.paid.shard, a.paid.sequence).cmp(&order(
                b.slot,
                &b.signature,
                &b.paid.shard,
                b.paid.sequence,
            ))
        });
        out.funding.sort_by(|a, b| {
            order(a.slot, &a.signature, &a.funded.shard, a.funded.sequence).cmp(&order(
                b.slot,
                &b.signature,
                &b.funded.shard,
                b.funded.sequence,
            ))
        });
        Ok(out)
    }
}

/// The place of an event among all events of all shards.
fn order<'a>(slot: u64, signature: &'a str, shard: &'a Pubkey, number: u64) -> (u64, &'a str, &'a Pubkey, u64) {
    (slot, signature, shard, number)
}

/// Not yet, if the node answered as of a slot before `until`.
fn reached(node: &Node, slot: u64, until: u64) -> Result<(), LedgerError> {
    match slot >= until {
        true => Ok(()),
        false => Err(node.not_yet(format!("slot {until} is not finalized, {slot} is"))),
    }
}

impl Books {
    /// Reads the events up to `final_slot`, as of which `account` is the shard's account. Fails if an event up to slot
    /// `until` is missing, or if the events do not add up to what the account says.
    async fn read(
        &mut self,
        node: &Node,
        account: &Shard,
        after: u64,
        until: u64,
        final_slot: u64,
    ) -> Result<(), LedgerError> {
        if self.tail.begins_anew(after) {
            self.before = None;
        }
        self.tail.update(node, after, final_slot, account.sequence).await?;
        let Some(events) = self.tail.events() else { return Ok(()) };
        let (first, next) = (events.first(), events.next());
        let shard = account.index;
        if next != account.sequence {
            // The account's events are in the order of slots. If a later one is here, those up to `until` are complete.
            let later = events.iter().next_back().is_some_and(|e| e.slot() > until);
            return match later && next < account.sequence {
                true => Ok(()),
                false => {
                    Err(node.not_yet(format!("shard {shard} counts {} events, {next} are readable", account.sequence)))
                }
            };
        }
        let before = subtract(account.funded, events.iter().map(Entry::funded));
        let before = before.ok_or_else(|| {
            node.contradiction(format!("more was paid into shard {shard} by its events than its account holds"))
        })?;
        let known = if first == 0 { Some([0; POOLS]) } else { self.before };
        if known.is_some_and(|known| known != before) {
            return Err(
                node.contradiction(format!("the events of shard {shard} do not add up to its account's totals"))
            );
        }
        self.before = Some(before);
        Ok(())
    }

    /// Adds what was paid in after slot `after` and up to slot `until` to `out`. Drops what is older: a later call does
    /// not ask for it again.
    fn add_between(&mut self, after: u64, until: u64, out: &mut PaidIn) {
        let before = &mut self.before;
        self.tail.drop_until(
            after,
            |e| e.slot() <= after,
            |e| {
                *before = before.and_then(|before| add(before, e.funded()));
            },
        );
        for entry in self.tail.events().into_iter().flat_map(|events| events.iter()) {
            match entry {
                e if e.slot() > until => break,
                Entry::Payment(p) => out.payments.push(p.clone()),
                Entry::Funding(f) => out.funding.push(f.clone()),
                Entry::Other(_) => {}
            }
        }
    }
}

fn add(a: [u64; POOLS], b: [u64; POOLS]) -> Option<[u64; POOLS]> {
    let mut sum = [0; POOLS];
    for (sum, (a, b)) in sum.iter_mut().zip(a.into_iter().zip(b)) {
        *sum = a.checked_add(b)?;
    }
    Some(sum)
}

/// `whole` without `parts`. `None` if the parts are more.
fn subtract(whole: [u64; POOLS], parts: impl Iterator<Item = [u64; POOLS]>) -> Option<[u64; POOLS]> {
    let sum = parts.into_iter().try_fold([0; POOLS], add)?;
    let mut rest = [0; POOLS];
    for (rest, (whole, part)) in rest.iter_mut().zip(whole.into_iter().zip(sum)) {
        *rest = whole.checked_sub(part)?;
    }
    Some(rest)
}
