//! Naive models: recursion over whole lists, sums of fractions, one slot at a time. They share nothing with the
//! programs but SHA-256 and the domain bytes, which are written out here.

use openledger_protocol::hash::sha256;

type Hash = [u8; 32];

/// The top of a perfect tree. The number of leaves must be a power of two.
fn perfect(leaves: &[Hash]) -> Hash {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len() / 2);
            sha256(&[&[0x01], &perfect(left), &perfect(right)])
        }
    }
}

/// The mountains over `leaves`: the largest perfect tree that fits, then the same over the rest.
pub fn mountains(leaves: &[Hash]) -> Vec<&[Hash]> {
    if leaves.is_empty() {
        return vec![];
    }
    let mut size = 1;
    while size * 2 <= leaves.len() {
        size *= 2;
    }
    let (mountain, rest) = leaves.split_at(size);
    [vec![mountain], mountains(rest)].concat()
}

/// The mountains' tops.
pub fn peaks(leaves: &[Hash]) -> Vec<Hash> {
    mountains(leaves).into_iter().map(perfect).collect()
}

fn bag(peaks: &[Hash]) -> Hash {
    match peaks {
        [] => [0; 32],
        [last] => *last,
        [first, rest @ ..] => sha256(&[&[0x01], first, &bag(rest)]),
    }
}

/// The root of a range.
pub fn range_root(leaves: &[Hash]) -> Hash {
    sha256(&[&[0x03], &(leaves.len() as u64).to_le_bytes(), &bag(&peaks(leaves))])
}

/// The siblings on the way up from leaf `at` of a perfect tree, lowest first.
fn siblings(leaves: &[Hash], at: usize) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(leaves.len() / 2);
    let (own, other, at) = if at < left.len() { (left, right, at) } else { (right, left, at - left.len()) };
    [siblings(own, at), vec![perfect(other)]].concat()
}

/// The proof of leaf `at`: its siblings, and the other mountains' tops.
pub fn range_proof(leaves: &[Hash], at: usize) -> (Vec<Hash>, Vec<Hash>) {
    let (mut before, mut way, mut others) = (0, vec![], vec![]);
    for mountain in mountains(leaves) {
        if (before..before + mountain.len()).contains(&at) {
            way = siblings(mountain, at - before);
        } else {
            others.push(perfect(mountain));
        }
        before += mountain.len();
    }
    (way, others)
}

/// The leaf of an accepted batch.
pub fn batch_leaf(datanet: &Hash, index: u64, contributor: &Hash, root: &Hash, count: u64) -> Hash {
    sha256(&[&[0x02], datanet, &index.to_le_bytes(), contributor, root, &count.to_le_bytes()])
}

/// Every level of a reward tree, leaves first. An odd node is promoted.
pub fn reward_levels(leaves: &[(Hash, u64)]) -> Vec<Vec<Hash>> {
    let mut sorted = leaves.to_vec();
    sorted.sort();
    let mut levels = vec![
        sorted.iter().map(|(wallet, lifetime)| sha256(&[&[0x04], wallet, &lifetime.to_le_bytes()])).collect::<Vec<_>>(),
    ];
    while levels[levels.len() - 1].len() > 1 {
        let below = &levels[levels.len() - 1];
        let mut level = vec![];
        let mut at = 0;
        while at < below.len() {
            level.push(if at + 1 < below.len() { sha256(&[&[0x05], &below[at], &below[at + 1]]) } else { below[at] });
            at += 2;
        }
        levels.push(level);
    }
    levels
}

/// The root of a reward tree that is not empty.
pub fn reward_root(leaves: &[(Hash, u64)]) -> Hash {
    let levels = reward_levels(leaves);
    sha256(&[&[0x06], &(leaves.len() as u32).to_le_bytes(), &levels[levels.len() - 1][0]])
}

/// Index of a wallet in ascending order, and the sibling nodes of its proof.
pub fn reward_proof(leaves: &[(Hash, u64)], wallet: &Hash) -> (u32, Vec<Hash>) {
    let mut sorted = leaves.to_vec();
    sorted.sort();
    let index = sorted.iter().position(|(w, _)| w == wallet).expect("has a leaf");
    let (mut at, mut proof) = (index, vec![]);
    for level in reward_levels(leaves) {
        let beside = if at % 2 == 0 { at + 1 } else { at - 1 };
        proof.extend(level.get(beside));
        at /= 2;
    }
    (index as u32, proof)
}

/// A naive circuit breaker that works slot by slot. The bucket leaks `cap / window` a slot and lets out whole units
/// only. The program rounds once for each claim, so it may let out up to one unit less for each claim.
pub struct Bucket {
    cap: u64,
    window: u64,
    /// Level of the bucket in units of `1 / window`, so that nothing is rounded.
    level: u128,
    slot: u64,
}

impl Bucket {
    pub fn new(cap: u64, window: u64, slot: u64) -> Self {
        Self { cap, window, level: 0, slot }
    }

    /// Lets slots pass, one at a time.
    pub fn pass_to(&mut self, slot: u64) {
        while self.slot < slot {
            self.level = self.level.saturating_sub(u128::from(self.cap));
            self.slot += 1;
        }
    }

    /// Room in whole units.
    pub fn room(&self) -> u64 {
        let full = u128::from(self.cap) * u128::from(self.window);
        (full.saturating_sub(self.level) / u128::from(self.window)) as u64
    }

    pub fn pour(&mut self, units: u64) {
        self.level += u128::from(units) * u128::from(self.window);
    }
}

/// A fee's parts by `shares` in basis points, each rounded down. The remainder goes to the first part.
pub fn split(amount: u64, shares: [u16; 6], has_parent: bool) -> [u64; 6] {
    let mut parts = [0u64; 6];
    for i in 1..6 {
        // Multiples of 10,000 first and then the remainder, so that no product can overflow.
        let (tens, rest) = (amount / 10_000, amount % 10_000);
        parts[i] = tens * u64::from(shares[i]) + rest * u64::from(shares[i]) / 10_000;
    }
    if !has_parent {
        parts[1] += parts[2];
        parts[2] = 0;
    }
    parts[0] = amount - parts[1..].iter().sum::<u64>();
    parts
}
