//! Finds documents that repeat others. It uses only the chain and the texts, so every operator leaves out the same
//! documents.

use super::snapshot::{Document, Registered};
use openledger_pay::{self as pay, ClusterSettings, Clusters, clusters::Duplicate};
use openledger_protocol::{Hash32, hash::sha256};
use solana_pubkey::Pubkey;

/// A document that repeats an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Its leaf.
    pub leaf: Hash32,
    /// Its Datanet.
    pub datanet: Pubkey,
    /// Its contributor.
    pub owner: Pubkey,
    /// Leaf of the document that it repeats.
    pub of: Hash32,
    /// How the repetition was found.
    pub by: Duplicate,
}

impl Repeat {
    /// `document` repeats the one with leaf `of`, as `by` found.
    pub fn new(document: &Document, of: Hash32, by: Duplicate) -> Self {
        Self { leaf: document.leaf, datanet: document.datanet, owner: document.owner, of, by }
    }
}

/// A document that is compared with others.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// The document.
    pub document: &'a Document,
    /// Number of the job that was trained on it in the chain of parents, the oldest being 0. Whatever an older job
    /// learned comes before what a later one learns, whenever it was registered: the later model has it already.
    pub layer: usize,
    /// The text that it teaches.
    pub text: &'a str,
}

/// Clusters `documents`: which of them are their contributors' own, and which repeat others. `rows` gives the projected
/// gradient of a document. `None` compares texts alone.
pub fn clusters(
    documents: &[Compared],
    rows: Option<&pay::clusters::gradient::Rows>,
    settings: &ClusterSettings,
) -> pay::Result<Clusters> {
    let ranked = documents.iter().copied().zip(ranks(documents));
    let documents: Vec<pay::Document> =
        ranked.map(|(d, order)| pay::Document { id: d.document.leaf, order, text: d.text }).collect();
    match rows {
        Some(rows) => Clusters::with_gradients(&documents, rows, settings),
        None => Clusters::by_text(&documents, settings),
    }
}

/// The documents that repeat others.
pub fn repeats<'a>(documents: &'a [Compared], clusters: &'a Clusters) -> impl Iterator<Item = Repeat> + 'a {
    documents.iter().enumerate().filter_map(|(i, d)| {
        let of = documents[clusters.owner(i)].document.leaf;
        clusters.duplicate(i).map(|by| Repeat::new(d.document, of, by))
    })
}

/// Seed of the hashes that find near duplicates. It depends on the roots of the snapshots. Nobody knows these roots
/// before the last document that the job reads is accepted, so nobody can prepare a document for the seed.
pub fn seed(job_seed: u64, roots: impl Iterator<Item = Hash32>) -> u64 {
    let mut bytes = job_seed.to_le_bytes().to_vec();
    roots.for_each(|root| bytes.extend(root));
    let digest = sha256(&[b"repeats", &bytes]);
    u64::from_le_bytes(digest[..8].try_into().expect("8 of 32 bytes"))
}

/// Each document's place in the order of layers, and of registration within a layer.
pub(super) fn ranks(documents: &[Compared]) -> Vec<u64> {
    let registered = documents.iter().map(|d| (d.layer, d.document.registered));
    let mut order: Vec<((usize, Registered), usize)> = registered.zip(0..).collect();
    order.sort_unstable();
    let mut ranks = vec![0; documents.len()];
    for (rank, (_, i)) in order.into_iter().enumerate() {
        ranks[i] = rank as u64;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(leaf: u8, datanet: u8, commit_until: u64, batch: u64, place: u64) -> Document {
        let datanet = Pubkey::new_from_array([datanet; 32]);
        Document {
            leaf: [leaf; 32],
            datanet,
            owner: Pubkey::new_from_array([leaf; 32]),
            approved_by: vec![],
            title: String::new(),
            text: String::new(),
            registered: Registered { commit_until, datanet, batch, place },
        }
    }

    const FOX: &str = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.";
    const SEA: &str = "Ships of the northern fleet lay at anchor while gulls were crying over the harbour wall.";

    fn found(documents: &[Document], texts: &[&str]) -> Vec<Repeat> {
        found_in(documents, &vec![0; documents.len()], texts)
    }

    fn found_in(documents: &[Document], layers: &[usize], texts: &[&str]) -> Vec<Repeat> {
        let all = documents.iter().zip(layers).zip(texts);
        let compared: Vec<Compared> =
            all.map(|((document, layer), text)| Compared { document, layer: *layer, text }).collect();
        let clusters = clusters(&compared, None, &ClusterSettings::default()).unwrap();
        repeats(&compared, &clusters).collect()
    }

    #[test]
    fn the_first_to_hand_a_text_in_owns_it_in_whatever_datanet_and_order_the_job_reads() {
        // Batch 7 was handed in first, although it was opened last and its Datanet is read last.
        let documents = [document(1, 1, 50, 0, 0), document(2, 1, 50, 0, 1), document(3, 9, 40, 7, 3)];
        let expected = Repeat {
            leaf: [1; 32],
            datanet: documents[0].datanet,
            owner: documents[0].owner,
            of: [3; 32],
            by: Duplicate::Exact,
        };
        assert_eq!(found(&documents, &[FOX, SEA, FOX]), [expected]);
        let turned = [documents[2].clone(), documents[0].clone(), documents[1].clone()];
        assert_eq!(found(&turned, &[FOX, FOX, SEA])[0].leaf, [1; 32]);
    }

    #[test]
    fn what_a_parent_learned_owns_its_text_even_if_the_childs_document_was_registered_before() {
        let documents = [document(1, 1, 50, 0, 0), document(2, 1, 40, 0, 0)];
        assert_eq!(found_in(&documents, &[0, 0], &[FOX, FOX])[0].leaf, [1; 32]);
        assert_eq!(found_in(&documents, &[0, 1], &[FOX, FOX])[0].leaf, [2; 32]);
    }

    #[test]
    fn within_a_slot_datanet_batch_and_place_decide() {
        let same =
            [document(1, 2, 40, 0, 0), document(2, 1, 40, 3, 0), document(3, 1, 40, 2, 1), document(4, 1, 40, 2, 0)];
        let edited = FOX.replace("lazy dog", "lazy cat");
        let repeats = found(&same, &[FOX, FOX, &edited, FOX]);
        assert!(repeats.iter().all(|r| r.of == [4; 32]) && repeats.len() == 3, "{repeats:?}");
        assert_eq!(repeats[2].by, Duplicate::Near);
    }

    #[test]
    fn the_seed_depends_on_every_batch_that_the_job_reads() {
        let of = |seed, roots: &[u8]| super::seed(seed, roots.iter().map(|r| [*r; 32]));
        assert_eq!(of(1, &[2, 3]), of(1, &[2, 3]));
        assert_ne!(of(1, &[2, 3]), of(1, &[2, 4]));
        assert_ne!(of(1, &[2, 3]), of(2, &[2, 3]));
    }
}
