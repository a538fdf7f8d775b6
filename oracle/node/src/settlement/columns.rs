//! Shares of an epoch's money, each bound to the document that it belongs to.
//!
//! Members exchange plain lists of integers. [`Columns`] alone connects such a list with the documents: it says which
//! document each number belongs to. Its hash is part of what members sign.

use anyhow::{Context, Result, ensure};
use openledger_protocol::{Hash32, hash::sha256};
use solana_pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};

/// A document of a job. A document that two jobs were trained on earns once for each job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobDocument {
    /// The job that was trained on it.
    pub job: Pubkey,
    /// Its leaf.
    pub leaf: Hash32,
}

/// The shares of an epoch's documents, in parts per million of its pools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentShares {
    /// Each document's share.
    pub earned: BTreeMap<JobDocument, u64>,
    /// The share that no document earned. All shares and this one sum to 1,000,000, or all are zero if nothing was
    /// paid.
    pub unallocated: u64,
}

impl DocumentShares {
    /// The share of one document. Fails if the document has no entry.
    pub fn of(&self, document: &JobDocument) -> Result<u64> {
        let share = self.earned.get(document).copied();
        share.with_context(|| {
            format!("nothing is said of document {} of job {}", hex::encode(document.leaf), document.job)
        })
    }
}

/// An epoch's documents in the order in which members write their shares down. The unallocated share comes last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<JobDocument>);

impl Columns {
    /// Columns in the given order. Fails if a document of a job appears twice.
    pub fn new(documents: impl IntoIterator<Item = JobDocument>) -> Result<Self> {
        let (mut seen, columns) = (BTreeSet::new(), Vec::from_iter(documents));
        for document in &columns {
            ensure!(
                seen.insert(*document),
                "document {} stands twice among those of job {}",
                hex::encode(document.leaf),
                document.job
            );
        }
        Ok(Self(columns))
    }

    /// SHA-256 of the jobs and leaves of the documents, in their order.
    pub fn hash(&self) -> Hash32 {
        let bytes: Vec<u8> = self.0.iter().flat_map(|d| [d.job.to_bytes(), d.leaf]).flatten().collect();
        sha256(&[b"openledger:columns:v1", &bytes])
    }

    /// The list of these shares: one number for each column, then the unallocated share. Fails if the shares are of
    /// other documents.
    pub fn write(&self, shares: &DocumentShares) -> Result<Vec<u64>> {
        ensure!(
            shares.earned.len() == self.0.len(),
            "there are shares of {} documents for {} columns",
            shares.earned.len(),
            self.0.len()
        );
        let mut row = self.0.iter().map(|document| shares.of(document)).collect::<Result<Vec<u64>>>()?;
        row.push(shares.unallocated);
        Ok(row)
    }

    /// The shares in a list. Fails if the list does not have one number for each column and one more.
    pub fn read(&self, row: &[u64]) -> Result<DocumentShares> {
        match row.split_last() {
            Some((unallocated, shares)) if shares.len() == self.0.len() => Ok(DocumentShares {
                earned: self.0.iter().copied().zip(shares.iter().copied()).collect(),
                unallocated: *unallocated,
            }),
            _ => anyhow::bail!(
                "the agreement has {} shares for {} documents and what is unallocated",
                row.len(),
                self.0.len()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(job: u8, leaf: u8) -> JobDocument {
        JobDocument { job: Pubkey::new_from_array([job; 32]), leaf: [leaf; 32] }
    }

    #[test]
    fn a_share_belongs_to_its_document_whatever_the_order() {
        let columns = Columns::new([document(1, 9), document(1, 3), document(2, 9)]).unwrap();
        let shares = columns.read(&[5, 6, 7, 8]).unwrap();
        assert_eq!(shares.of(&document(2, 9)).unwrap(), 7);
        assert_eq!((shares.of(&document(1, 9)).unwrap(), shares.unallocated), (5, 8));
        assert_eq!(columns.write(&shares).unwrap(), [5, 6, 7, 8]);
        let turned = Columns::new([document(2, 9), document(1, 9), document(1, 3)]).unwrap();
        assert_eq!(turned.write(&shares).unwrap(), [7, 5, 6, 8]);
        assert_ne!(turned.hash(), columns.hash());
    }

    #[test]
    fn a_list_of_another_length_and_shares_of_other_documents_are_refused() {
        let columns = Columns::new([document(1, 1), document(1, 2)]).unwrap();
        for row in [&[][..], &[1], &[1, 2], &[1, 2, 3, 4]] {
            assert!(columns.read(row).unwrap_err().to_string().contains("shares for 2 documents"), "{row:?}");
        }
        let others = Columns::new([document(1, 1), document(2, 2)]).unwrap().read(&[1, 2, 3]).unwrap();
        assert!(columns.write(&others).is_err());
        assert!(others.of(&document(1, 2)).is_err());
        assert!(Columns::new([document(1, 1), document(1, 1)]).is_err());
    }
}
