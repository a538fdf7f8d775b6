//! Test vectors for other implementations. This test makes every file under `vectors/` and compares it byte for byte.
//! So a change of a hash, a layout or a rounding rule shows as a difference in a committed file.
//!
//! `UPDATE_VECTORS=1 cargo test -p openledger-protocol --test vectors` writes them anew.

use ed25519_dalek::{Signer, SigningKey};
use openledger_protocol::{
    Hash32,
    allocate::{largest_remainder, lower_median},
    attest::{Kind, Message, instruction_data},
    batch::BatchLeaf,
    draw::{is_drawn, verdict_commitment},
    fees::Shares,
    hash::sha256,
    leaf::{Contribution, LeafKind},
    mmr,
    rewards::RewardTree,
};
use serde_json::{Value, json};
use std::path::PathBuf;

fn h(n: u8) -> Hash32 {
    sha256(&[&[n]])
}

fn hex_all(hashes: &[Hash32]) -> Vec<String> {
    hashes.iter().map(hex::encode).collect()
}

fn check(name: &str, value: &Value) {
    let path =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("vectors").join(format!("{name}.json"));
    let made = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "{} differs from what the code makes. If the change is meant, it breaks every proof and signature made so far: \
         write the vectors anew with UPDATE_VECTORS=1 and say so.",
        path.display()
    );
}

#[test]
fn leaves() {
    let kinds = [LeafKind::Document, LeafKind::Label, LeafKind::Correction, LeafKind::Removal];
    let contributions: Vec<Value> = kinds
        .iter()
        .map(|kind| {
            let target = if kind.needs_target() { h(4) } else { [0; 32] };
            let c =
                Contribution { datanet: h(1), contributor: h(2), content: h(3), kind: *kind, target, metadata: h(5) };
            json!({
                "datanet": hex::encode(c.datanet), "contributor": hex::encode(c.contributor),
                "content": hex::encode(c.content), "kind": c.kind as u8, "target": hex::encode(c.target),
                "metadata": hex::encode(c.metadata), "hash": hex::encode(c.hash()),
            })
        })
        .collect();
    let b = BatchLeaf { datanet: h(1), index: 7, contributor: h(2), root: h(6), count: 3 };
    let batch = json!({
        "datanet": hex::encode(b.datanet), "index": b.index, "contributor": hex::encode(b.contributor),
        "root": hex::encode(b.root), "count": b.count, "hash": hex::encode(b.hash()),
    });
    check("leaf", &json!({ "contributions": contributions, "batch": batch }));
}

#[test]
fn ranges() {
    let cases: Vec<Value> = [0u8, 1, 2, 3, 5, 8, 11]
        .iter()
        .map(|n| {
            let leaves: Vec<Hash32> = (0..*n).map(h).collect();
            let proofs: Vec<Value> = (0..u64::from(*n))
                .map(|i| {
                    let p = mmr::prove(&leaves, i).unwrap();
                    json!({ "index": i, "siblings": hex_all(&p.siblings), "peaks": hex_all(&p.peaks) })
                })
                .collect();
            json!({ "leaves": hex_all(&leaves), "root": hex::encode(mmr::root_of(&leaves)), "proofs": proofs })
        })
        .collect();
    check("mmr", &json!(cases));
}

#[test]
fn reward_trees() {
    let cases: Vec<Value> = [0u8, 1, 2, 3, 5, 6]
        .iter()
        .map(|n| {
            let tree = RewardTree::new((0..*n).map(|i| (h(i), 1_000_000_000 * u64::from(i) + 1))).unwrap();
            let leaves: Vec<Value> = tree
                .leaves()
                .iter()
                .map(|(wallet, lifetime)| {
                    let (index, _, proof) = tree.prove(wallet).unwrap();
                    json!({
                        "wallet": hex::encode(wallet), "lifetime": lifetime.to_string(), "index": index,
                        "proof": hex_all(&proof),
                    })
                })
                .collect();
            json!({ "root": hex::encode(tree.root()), "leaves": leaves })
        })
        .collect();
    check("rewards", &json!(cases));
}

#[test]
fn attestations() {
    let key = SigningKey::from_bytes(&h(9));
    let cases: Vec<Value> = [Kind::TrainingResult, Kind::Settlement]
        .iter()
        .map(|kind| {
            let m = Message {
                cluster: h(1),
                program: h(2),
                committee_epoch: 3,
                kind: *kind,
                subject: h(4),
                sequence: 5,
                payload: h(6),
                expiry_slot: 7,
            };
            let signature = key.sign(&m.to_bytes()).to_bytes();
            let data = instruction_data(&key.verifying_key().to_bytes(), &signature, &m);
            json!({
                "cluster": hex::encode(m.cluster), "program": hex::encode(m.program),
                "committee_epoch": m.committee_epoch, "kind": m.kind as u16, "subject": hex::encode(m.subject),
                "sequence": m.sequence, "payload": hex::encode(m.payload), "expiry_slot": m.expiry_slot,
                "message": hex::encode(m.to_bytes()), "group_key": hex::encode(key.verifying_key().to_bytes()),
                "signature": hex::encode(signature), "instruction_data": hex::encode(data),
            })
        })
        .collect();
    check("attest", &json!(cases));
}

#[test]
fn money() {
    let shares = Shares {
        treasury: 500,
        model_owner: 2_000,
        upstream: 500,
        compute: 2_000,
        validators: 500,
        contributors: 4_500,
    };
    let fees: Vec<Value> = [1u64, 9_999, 10_001, 123_456_789, u64::MAX]
        .iter()
        .flat_map(|amount| [(*amount, true), (*amount, false)])
        .map(|(amount, has_parent)| {
            let p = shares.split(amount, has_parent).unwrap();
            json!({
                "amount": amount.to_string(), "has_parent": has_parent, "treasury": p.treasury.to_string(),
                "model_owner": p.model_owner.to_string(), "upstream": p.upstream.to_string(),
                "compute": p.compute.to_string(), "validators": p.validators.to_string(),
                "contributors": p.contributors.to_string(),
            })
        })
        .collect();
    let allocations: Vec<Value> =
        [(100u64, vec![1u64, 1, 1]), (10, vec![6, 3, 1, 0]), (7, vec![0, 0]), (u64::MAX, vec![3, 5])]
            .iter()
            .map(|(amount, weights)| {
                let parts: Vec<String> = largest_remainder(*amount, weights).iter().map(u64::to_string).collect();
                json!({ "amount": amount.to_string(), "weights": weights, "parts": parts })
            })
            .collect();
    let reports = vec![vec![10u64, 20, 70], vec![12, 18, 70], vec![0, 100, 0], vec![11, 19, 70]];
    let median = json!({ "reports": reports, "median": lower_median(&reports).unwrap() });
    let shares = json!({
        "treasury": 500, "model_owner": 2_000, "upstream": 500, "compute": 2_000, "validators": 500,
        "contributors": 4_500,
    });
    check(
        "money",
        &json!({ "shares": shares, "fees": fees, "largest_remainder": allocations, "lower_median": median }),
    );
}

#[test]
fn draws() {
    let tickets: Vec<Value> = (0..16u8)
        .map(|n| {
            let drawn = is_drawn(&h(100), &h(n), 10, 100, 3);
            json!({ "validator": hex::encode(h(n)), "stake": 10, "total": 100, "panel": 3, "drawn": drawn })
        })
        .collect();
    let commitment = hex::encode(verdict_commitment(&h(1), &h(2), true, 8_500, &h(3)));
    check(
        "draw",
        &json!({
            "seed": hex::encode(h(100)), "tickets": tickets,
            "verdict": {
                "batch": hex::encode(h(1)), "validator": hex::encode(h(2)), "approve": true, "quality": 8_500,
                "salt": hex::encode(h(3)), "commitment": commitment,
            },
        }),
    );
}
