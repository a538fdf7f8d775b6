//! What an epoch divides, by the ledger alone. Every member comes to the same facts.

use openledger_protocol::{Hash32, hash::sha256};
use openledger_sdk::{
    amount::Amount,
    artifact::{CountedFunding, Divided, PoolName, SettlementReport},
    canonical,
};
use serde::Serialize;
use solana_pubkey::Pubkey;
use std::collections::BTreeSet;

/// The facts of an epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Payments for answers: those of the epoch, and those that the previous settlement held over. Those that put most
    /// into the pools come first.
    pub payments: Vec<Payment>,
    /// Payments into the pools that are not fees for answers, oldest first. Those that the previous settlement held over
    /// come first.
    pub funding: Vec<CountedFunding>,
    /// The previous settlement, whose lifetime amounts this one adds to. `None` for the first settlement.
    pub previous: Option<Previous>,
}

/// A payment for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// The request.
    pub request: Hash32,
    /// The model.
    pub model: Pubkey,
    /// The operator that was paid.
    pub operator: Pubkey,
    /// The payment's transaction, Base58.
    pub transaction: String,
    /// Its slot.
    pub slot: u64,
    /// The job whose adapter the model had at the cutoff. It is paid if no answer counts.
    pub last_job: Pubkey,
    /// Base units that it put into the contributors' pool.
    pub contributors: u64,
    /// Base units that it put into the validators' pool.
    pub validators: u64,
    /// In how many settlements it was held over before.
    pub held: u32,
}

/// A published settlement.
#[derive(Clone, Debug, PartialEq)]
pub struct Previous {
    /// Hash of its report.
    pub hash: Hash32,
    /// Its report. The report's roots are those on chain.
    pub report: SettlementReport,
}

impl Facts {
    /// SHA-256 of the facts. Members that observe under the same hash observe the same payments in the same order.
    pub fn hash(&self) -> Hash32 {
        #[derive(Serialize)]
        struct Hashed<'a> {
            payments: &'a [Payment],
            funding: &'a [CountedFunding],
            previous: Option<Hash32>,
        }
        let previous = self.previous.as_ref().map(|p| p.hash);
        let hashed = Hashed { payments: &self.payments, funding: &self.funding, previous };
        sha256(&[b"openledger:facts:v1", &canonical::to_vec(&hashed).expect("facts are integers and text")])
    }

    /// The jobs that may divide money by their training weights, in ascending order. Members say of each whether they
    /// have what that needs.
    pub fn jobs(&self) -> Vec<Pubkey> {
        let last = self.payments.iter().map(|p| p.last_job);
        let shares = self.funding.iter().filter_map(|f| f.job);
        last.chain(shares).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Previous {
    /// Payments into `pool` that the settlement held over.
    pub fn held(&self, pool: PoolName) -> impl Iterator<Item = Amount> {
        let answers = self.report.answers.iter().filter(|a| matches!(a.divided, Divided::Held { .. }));
        let answers = answers.map(move |a| match pool {
            PoolName::Contributors => a.contributors,
            PoolName::Validators => a.validators,
        });
        let shares = self.report.funded.iter().filter(move |f| f.held && f.pool == pool).map(|f| f.amount);
        answers.chain(shares)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payment(request: u8, last_job: u8) -> Payment {
        let key = |n| Pubkey::new_from_array([n; 32]);
        Payment {
            request: [request; 32],
            model: key(1),
            operator: key(2),
            transaction: "t".into(),
            slot: 5,
            last_job: key(last_job),
            contributors: 4,
            validators: 1,
            held: 0,
        }
    }

    #[test]
    fn the_hash_is_of_every_payment_in_its_order() {
        let facts = |payments| Facts { payments, ..Facts::default() };
        let one = facts(vec![payment(1, 3), payment(2, 3)]);
        assert_eq!(one.hash(), one.clone().hash());
        assert_ne!(one.hash(), facts(vec![payment(2, 3), payment(1, 3)]).hash());
        assert_ne!(one.hash(), facts(vec![payment(1, 3)]).hash());
        let mut other = one.clone();
        other.payments[0].validators += 1;
        assert_ne!(one.hash(), other.hash());
    }

    #[test]
    fn every_job_that_training_weights_may_pay_is_named_once() {
        let key = |n| Pubkey::new_from_array([n; 32]);
        let funding = |subject, job: Option<u8>| CountedFunding {
            pool: PoolName::Contributors,
            subject: key(subject),
            payer: key(subject),
            amount: 5.into(),
            job: job.map(key),
            held: false,
        };
        let facts = Facts {
            payments: vec![payment(1, 9), payment(2, 3)],
            funding: vec![
                funding(9, Some(9)),
                funding(7, Some(7)),
                // Whoever names its own wallet is not a job.
                funding(8, None),
            ],
            previous: None,
        };
        assert_eq!(facts.jobs(), [key(3), key(7), key(9)]);
    }
}
