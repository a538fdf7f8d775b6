//! A small history of the ledger, and a database to read it into.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod api;
pub mod council;
pub mod frozen;
pub mod node;
pub mod scale;
pub mod town;

use anchor_lang::prelude::Pubkey;
use datanet::{
    events::DatanetCreated,
    state::{Access, Modality},
};
use openledger_indexer::{db::Database, ingest::TransactionRecord};
use openledger_interface::{
    events::{Contributed, Event},
    pda,
};
use openledger_postgres::Postgres;
use openledger_protocol::{batch::BatchLeaf, mmr, rewards::RewardTree};
use openledger_sdk::manifest::{Kind, Leaf, Manifest, Metadata};
use payout::{challenge::Outcome, events::Paid};

/// A PostgreSQL server for one test, so that tests can run side by side.
pub struct Server {
    postgres: Postgres,
}

impl Server {
    pub fn start() -> Self {
        Self { postgres: Postgres::start(None).expect("a PostgreSQL server starts") }
    }

    /// A fresh database with the indexer's schema.
    pub async fn database(&self, name: &str) -> Database {
        Database::open(&self.url(name)).await.expect("the schema migrates")
    }

    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// Stops the server's processes until the result is dropped.
    pub fn freeze(&self) -> openledger_postgres::Frozen {
        self.postgres.freeze().expect("the server runs")
    }

    pub fn url(&self, name: &str) -> String {
        self.postgres.create_database(name).expect("a database is made")
    }
}

pub fn key(n: u8) -> Pubkey {
    Pubkey::new_from_array([n; 32])
}

pub fn hash(n: u8) -> [u8; 32] {
    openledger_protocol::hash::sha256(&[&[n]])
}

/// An open Datanet of `owner`.
pub fn created(owner: Pubkey, id: u64, name: &str) -> DatanetCreated {
    DatanetCreated {
        datanet: pda::datanet(&owner, id),
        sequence: 0,
        owner,
        id,
        name: name.into(),
        metadata_uri: String::new(),
        metadata_hash: hash(1),
        licence: "MIT".into(),
        modality: Modality::Text,
        access: Access::Open,
        min_bond: 5,
        panel_size: 3,
        quorum: 1,
    }
}

/// A payment of 1,000 units for an answer of `operator`.
pub fn paid(sequence: u64, request: [u8; 32], operator: Pubkey) -> Paid {
    Paid {
        shard: pda::shard(0),
        sequence,
        request,
        payer: key(1),
        model: key(2),
        operator,
        amount: 1000,
        treasury: 100,
        model_owner: 200,
        upstream: 0,
        compute: 250,
        validators: 50,
        contributors: 400,
        epoch: 1,
    }
}

/// The history, and the accounts and values that it is about.
pub struct World {
    pub datanet: Pubkey,
    pub owner: Pubkey,
    pub contributors: [Pubkey; 2],
    pub validator: Pubkey,
    pub operator: Pubkey,
    pub payer: Pubkey,
    pub model: Pubkey,
    pub job: Pubkey,
    pub request: [u8; 32],
    pub manifests: Vec<Manifest>,
    pub root: [u8; 32],
    pub trees: [RewardTree; 2],
    pub report: Vec<u8>,
    pub history: Vec<TransactionRecord>,
}

/// Collects transactions as a cluster would make them, each in a later slot.
#[derive(Default)]
struct Ledger(Vec<TransactionRecord>);

impl Ledger {
    fn push(&mut self, events: impl IntoIterator<Item = Event>) {
        let n = self.0.len() as u64 + 1;
        let signature = bs58::encode([n as u8; 64]).into_string();
        let events = events.into_iter().collect();
        let record = TransactionRecord {
            signature,
            slot: 100 + n,
            place: None,
            block_time: Some(1_700_000_000 + n as i64),
            failed: false,
            events,
            unread: vec![],
        };
        self.0.push(record);
    }
}

fn manifest(datanet: Pubkey, contributor: Pubkey, from: u8, count: u8) -> Manifest {
    let leaves = (from..from + count).map(|n| Leaf {
        content: hash(n),
        kind: Kind::Document,
        target: None,
        metadata: Metadata {
            title: format!("Document {n}"),
            author: "An author".into(),
            licence: "MIT".into(),
            source: "test".into(),
            ..Default::default()
        },
    });
    Manifest::new(datanet, contributor, leaves.collect()).expect("a valid manifest")
}

/// Three batches (two accepted, one rejected), a trained model, three payments, a settlement and a claim.
pub fn world() -> World {
    let (owner, contributors, validator) = (key(10), [key(11), key(12)], key(13));
    let (operator, payer, request) = (key(14), key(15), hash(77));
    let datanet = pda::datanet(&owner, 1);
    let model = pda::model(&owner, 1);
    let job = pda::job(&model, 0);
    let mut ledger = Ledger::default();

    stake(&mut ledger, operator, validator);
    // Its owner chose a number that no number of the database holds.
    let created = DatanetCreated { id: u64::MAX, metadata_uri: "blob:1".into(), ..created(owner, 1, "Manual pages") };
    ledger.push([Event::DatanetCreated(created)]);
    let manifests = vec![
        manifest(datanet, contributors[0], 20, 5),
        manifest(datanet, contributors[1], 40, 3),
        manifest(datanet, contributors[1], 60, 2),
    ];
    let mut tops = Vec::new();
    let mut sequence = 1;
    for (index, manifest) in manifests.iter().enumerate() {
        batch(&mut ledger, &mut tops, &mut sequence, index as u64, manifest, validator);
    }
    let root = mmr::root_of(&tops);
    train(&mut ledger, owner, operator, model, job, datanet, root);
    let shard = pda::shard(0);
    for n in 0..3u64 {
        let request = if n == 0 { request } else { hash(80 + n as u8) };
        ledger.push([Event::Paid(Paid { payer, model, ..paid(n, request, operator) })]);
    }
    let funded = |sequence, payer, amount| {
        let pool = payout::state::Pool::Contributors;
        Event::Funded(payout::events::Funded { shard, sequence, pool, subject: job, payer, amount, epoch: 1 })
    };
    let paid = Event::DataSharePaid(model::events::DataSharePaid { job, sequence: 7, model, amount: 2000 });
    ledger.push([funded(3, job, 2000), paid]);
    ledger.push([funded(4, payer, 1)]);
    prepay(&mut ledger, payer);
    let (trees, report) = settle(&mut ledger, contributors, validator);
    World {
        datanet,
        owner,
        contributors,
        validator,
        operator,
        payer,
        model,
        job,
        request,
        manifests,
        root,
        trees,
        report,
        history: ledger.0,
    }
}

fn stake(ledger: &mut Ledger, operator: Pubkey, validator: Pubkey) {
    let position = pda::position(&operator, stake::state::Role::Operator);
    let staked = |sequence, added, amount| {
        Event::Staked(stake::events::Staked {
            position,
            sequence,
            owner: operator,
            role: stake::state::Role::Operator,
            added,
            amount,
        })
    };
    ledger.push([staked(0, 500, 500)]);
    ledger.push([staked(1, 100, 600)]);
    ledger.push([Event::Unbonding(stake::events::Unbonding {
        position,
        sequence: 2,
        unbonding: 50,
        unbond_slot: 900,
        amount: 550,
    })]);
    ledger.push([Event::Withdrawn(stake::events::Withdrawn { position, sequence: 3, paid: 50 })]);
    ledger.push([Event::Staked(stake::events::Staked {
        position: pda::position(&validator, stake::state::Role::Validator),
        sequence: 0,
        owner: validator,
        role: stake::state::Role::Validator,
        added: 70,
        amount: 70,
    })]);
    for (sequence, endpoint) in ["http://a:1", "http://b:2"].into_iter().enumerate() {
        ledger.push([Event::OperatorRegistered(stake::events::OperatorRegistered {
            operator: pda::operator(&operator),
            sequence: sequence as u64,
            owner: operator,
            identity: key(16),
            endpoint: endpoint.into(),
            capabilities: 5,
        })]);
    }
    let committee = pda::committee(1);
    let proposed = |sequence, member| {
        Event::CommitteeProposed(stake::events::CommitteeProposed {
            committee,
            sequence,
            epoch: 1,
            threshold: 1,
            size: 1,
            members: vec![member],
        })
    };
    ledger.push([proposed(0, key(99))]);
    ledger.push([Event::CommitteeAbandoned(stake::events::CommitteeAbandoned { committee, sequence: 1, epoch: 1 })]);
    ledger.push([proposed(2, operator)]);
    ledger.push([Event::CommitteeConfirmed(stake::events::CommitteeConfirmed {
        committee,
        sequence: 3,
        member: operator,
        group_key: hash(5),
        active: true,
    })]);
}

/// Takes one batch from its opening to its decision. Batch 2 is rejected.
fn batch(
    ledger: &mut Ledger,
    tops: &mut Vec<[u8; 32]>,
    sequence: &mut u64,
    index: u64,
    manifest: &Manifest,
    validator: Pubkey,
) {
    let (datanet, contributor) = (manifest.datanet, manifest.contributor);
    let batch = pda::batch(&datanet, index);
    let leaves = manifest.leaf_hashes();
    let mut next = || {
        *sequence += 1;
        *sequence - 1
    };
    ledger.push([Event::BatchOpened(datanet::events::BatchOpened {
        datanet,
        sequence: next(),
        batch,
        index,
        contributor,
        bond: 5,
    })]);
    let (first, rest) = leaves.split_at(2);
    let contributed = |sequence, at: usize, leaves: &[[u8; 32]]| {
        Event::Contributed(Contributed {
            batch,
            sequence,
            first: at as u64,
            count: leaves.len() as u32,
            leaves: leaves.to_vec(),
        })
    };
    ledger.push([contributed(0, 0, first)]);
    let (root, count) = (mmr::root_of(&leaves), leaves.len() as u64);
    // This transaction has several events.
    ledger.push([
        contributed(1, 2, rest),
        Event::BatchSubmitted(datanet::events::BatchSubmitted {
            batch,
            sequence: 2,
            root,
            count,
            manifest: manifest.hash().expect("canonical"),
            bulk: false,
            commit_until: 500,
            reveal_until: 600,
        }),
    ]);
    ledger.push([Event::VerdictCommitted(datanet::events::VerdictCommitted { batch, sequence: 3, validator })]);
    let approve = index != 2;
    ledger.push([Event::VerdictRevealed(datanet::events::VerdictRevealed {
        batch,
        sequence: 4,
        validator,
        approve,
        quality: if approve { 9000 } else { 0 },
    })]);
    if approve {
        let leaf = BatchLeaf { datanet: datanet.to_bytes(), index, contributor: contributor.to_bytes(), root, count };
        tops.push(leaf.hash());
        ledger.push([Event::BatchAccepted(datanet::events::BatchAccepted {
            datanet,
            sequence: next(),
            batch,
            index,
            place: tops.len() as u64 - 1,
            contributor,
            root,
            count,
            approved_by: vec![validator],
            quality: 9000,
            datanet_root: mmr::root_of(tops),
        })]);
    } else {
        ledger.push([Event::BatchRejected(datanet::events::BatchRejected {
            datanet,
            sequence: next(),
            batch,
            index,
            contributor,
            expired: false,
            rejected_by: vec![validator],
        })]);
    }
}

fn train(
    ledger: &mut Ledger,
    owner: Pubkey,
    operator: Pubkey,
    model: Pubkey,
    job: Pubkey,
    datanet: Pubkey,
    root: [u8; 32],
) {
    ledger.push([Event::ModelRegistered(model::events::ModelRegistered {
        model,
        sequence: 0,
        owner,
        id: 1,
        name: "Manual reader".into(),
        base_hash: hash(2),
        parent: None,
        price_in: 10,
        price_out: 20,
    })]);
    ledger.push([Event::JobRequested(model::events::JobRequested {
        job,
        sequence: 0,
        model,
        number: 0,
        requester: owner,
        config_hash: hash(3),
        seed: u64::MAX,
        snapshots: vec![model::state::Snapshot { datanet, root, batches: 2 }],
        budget: 9000,
        data_share_bps: 2500,
        taking_slot: 880,
    })]);
    // The first committee is succeeded after its trainer has posted a log. The next committee's trainer posts its own.
    let assigned = |sequence, committee_epoch, deadline_slot| {
        Event::JobAssigned(model::events::JobAssigned { job, sequence, operator, committee_epoch, deadline_slot })
    };
    let posted = |sequence, log_root, segments, slot| {
        Event::LogPosted(model::events::LogPosted { job, sequence, log_root, segments, slot })
    };
    ledger.push([assigned(1, 1, 800)]);
    ledger.push([posted(2, hash(3), 9, 690)]);
    ledger.push([Event::JobReleased(model::events::JobReleased {
        job,
        sequence: 3,
        operator,
        committee_epoch: 1,
        committee_replaced: true,
        former: Some(operator),
    })]);
    ledger.push([assigned(4, 2, 900)]);
    ledger.push([posted(5, hash(4), 12, 700)]);
    ledger.push([Event::ResultAttested(model::events::ResultAttested {
        job,
        sequence: 6,
        model,
        version: 1,
        adapter_hash: hash(6),
        manifest_hash: hash(7),
        compute: vec![model::instructions::ComputeShare { operator, units: 3, amount: 6000 }],
        paid: 6000,
        data_share: 2000,
        refunded: 1000,
        committee_epoch: 2,
    })]);
    for (sequence, price_in) in [(1, 11), (2, 12)] {
        ledger.push([Event::ModelChanged(model::events::ModelChanged {
            model,
            sequence,
            price_in,
            price_out: 20,
            retired: false,
        })]);
    }
}

/// Deposits 1,000 into a prepaid balance. Of these, 300 are debited and 200 are withdrawn. A withdrawal of 100 more
/// stays pending.
fn prepay(ledger: &mut Ledger, owner: Pubkey) {
    use payout::events::{BalanceDebited, BalanceDeposited, BalanceWithdrawn, WithdrawalRequested};
    let balance = pda::prepaid_balance(&owner);
    ledger.push([Event::BalanceDeposited(BalanceDeposited { balance, sequence: 0, owner, added: 1000, amount: 1000 })]);
    let asked = |sequence, withdrawing| {
        Event::WithdrawalRequested(WithdrawalRequested { balance, sequence, withdrawing, withdraw_slot: 800 })
    };
    ledger.push([asked(1, 200)]);
    let (taken, amount) = (300, 700);
    ledger.push([Event::BalanceDebited(BalanceDebited {
        balance,
        sequence: 2,
        meter: 0,
        taken,
        debited: taken,
        amount,
        withdrawing: 200,
    })]);
    ledger.push([Event::BalanceWithdrawn(BalanceWithdrawn { balance, sequence: 3, paid: 200, amount: 500 })]);
    ledger.push([asked(4, 100)]);
}

/// Posts a wrong settlement of epoch 1, which is challenged and rejected. Then posts it again, activates it, and claims
/// the first contributor's part.
fn settle(ledger: &mut Ledger, contributors: [Pubkey; 2], validator: Pubkey) -> ([RewardTree; 2], Vec<u8>) {
    let trees = [
        RewardTree::new([(contributors[0].to_bytes(), 700), (contributors[1].to_bytes(), 500)]).expect("tree"),
        RewardTree::new([(validator.to_bytes(), 150)]).expect("tree"),
    ];
    let leaves = |tree: &RewardTree| -> Vec<(String, String)> {
        tree.leaves().iter().map(|(w, a)| (Pubkey::new_from_array(*w).to_string(), a.to_string())).collect()
    };
    let report = serde_json::to_vec(&serde_json::json!({
        "version": 1, "epoch": 1, "pools": [{"leaves": leaves(&trees[0])}, {"leaves": leaves(&trees[1])}],
    }))
    .expect("json");
    let pools = [0, 1].map(|n| payout::state::PoolRoot {
        root: trees[n].root(),
        leaves: trees[n].count(),
        lifetime_total: trees[n].total(),
    });
    let config = pda::payout_config();
    let wrong = payout::events::SettlementPosted {
        config,
        sequence: 0,
        epoch: 1,
        pools: pools.map(|p| payout::state::PoolRoot { root: hash(66), lifetime_total: p.lifetime_total - 1, ..p }),
        funded: [1200, 150],
        observations_root: hash(6),
        report_hash: hash(67),
        cutoff_slot: 740,
        active_after: 790,
        committee_epoch: 1,
    };
    ledger.push([Event::SettlementPosted(wrong)]);
    // The first challenge is dismissed and the second upheld.
    for (number, outcome, active_after) in [(0, Outcome::Dismissed, 795), (1, Outcome::Upheld, 0)] {
        let challenge = pda::challenge(0, number);
        ledger.push([Event::SettlementChallenged(payout::events::SettlementChallenged {
            config,
            sequence: 1 + 2 * u64::from(number),
            epoch: 1,
            challenge,
            challenger: contributors[1],
            bond: 10,
            evidence_hash: hash(7),
            evidence_uri: "ipfs://evidence".into(),
            resolve_by: 900,
        })]);
        ledger.push([Event::ChallengeResolved(payout::events::ChallengeResolved {
            config,
            sequence: 2 + 2 * u64::from(number),
            epoch: 1,
            challenge,
            outcome,
            recipient: contributors[1],
            released: 10,
            active_after,
        })]);
    }
    ledger.push([Event::SettlementPosted(payout::events::SettlementPosted {
        config,
        sequence: 5,
        epoch: 1,
        pools,
        funded: [1200, 150],
        observations_root: hash(8),
        report_hash: openledger_protocol::hash::sha256(&[&report]),
        cutoff_slot: 750,
        active_after: 800,
        committee_epoch: 1,
    })]);
    ledger.push([Event::SettlementActivated(payout::events::SettlementActivated { config, sequence: 6, epoch: 1 })]);
    ledger.push([Event::Claimed(payout::events::Claimed {
        claim: pda::claim(&contributors[0]),
        sequence: 0,
        wallet: contributors[0],
        pool: payout::state::Pool::Contributors,
        paid: 700,
        lifetime: 700,
        shard: pda::shard(0),
    })]);
    (trees, report)
}

/// Returns every derived row, without the row numbers, which depend on the order of arrival by design.
pub async fn state(db: &Database) -> Vec<String> {
    let mut all = Vec::new();
    for view in [
        "transaction",
        "feed",
        "leaf",
        "gap",
        "datanet",
        "batch",
        "contribution",
        "access_grant",
        "challenge",
        "delegation",
        "insurance",
        "insurance_payment",
        "proposal",
        "proposal_call",
        "slash",
        "stake_pool",
        "vote",
        "vote_lock",
        "model",
        "job",
        "receipt",
        "posting",
        "settlement",
        "prepaid",
        "claimed",
        "position",
        "operator",
        "committee",
        "fact",
    ] {
        let sql = format!("SELECT to_jsonb(v) - 'page_row' - 'id' - 'ingested_at' AS row FROM {view} v");
        #[derive(serde::Deserialize)]
        struct Row {
            row: serde_json::Value,
        }
        let rows: Vec<Row> = db.rows(&sql, &[]).await.expect("view reads");
        let mut lines: Vec<_> = rows.iter().map(|r| format!("{view} {}", r.row)).collect();
        lines.sort();
        all.extend(lines);
    }
    all
}
