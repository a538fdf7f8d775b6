//! The datanet program in tests: a Datanet, its batches and its validators ready to use.

use crate::{
    keys::Key,
    tx::{Failed, Sent},
    world::World,
};
use ::datanet::{
    CreateDatanetArgs, InitializeArgs,
    state::{Access, Batch, Datanet, Modality},
};
use openledger_interface::{Program, ix, pda};
use openledger_protocol::{Hash32, draw, hash::sha256};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Slots to commit in test worlds.
pub const COMMIT_SLOTS: u64 = 20;
/// Slots to reveal in test worlds.
pub const REVEAL_SLOTS: u64 = 30;
/// Least bond of a batch in test worlds.
pub const MIN_BOND: u64 = 5 * crate::OPEN;
/// A manifest's hash.
pub const MANIFEST: Hash32 = [0xaa; 32];

const SLOT_HASHES: Pubkey = solana_sdk_ids::sysvar::slot_hashes::ID;

/// Valid arguments of a Datanet.
pub fn create_args(id: u64) -> CreateDatanetArgs {
    CreateDatanetArgs {
        id,
        name: "Linux programming".into(),
        metadata_uri: "sha256:0102".into(),
        metadata_hash: [1; 32],
        modality: Modality::Text,
        licence: "GPL-2.0-or-later".into(),
        access: Access::Open,
        min_bond: MIN_BOND,
        panel_size: 9,
        quorum: 2,
    }
}

/// The salt of a validator's commitment in tests.
pub fn salt(validator: &Pubkey) -> Hash32 {
    sha256(&[b"salt", validator.as_ref()])
}

/// The commitment to a verdict under [`salt`].
pub fn commitment(validator: &Pubkey, batch: &Pubkey, approve: bool, quality: u16) -> Hash32 {
    draw::verdict_commitment(&batch.to_bytes(), &validator.to_bytes(), approve, quality, &salt(validator))
}

/// `count` leaf hashes, which differ for every `seed`.
pub fn leaves(seed: u64, count: usize) -> Vec<Hash32> {
    (0..count as u64).map(|i| sha256(&[b"leaf", &seed.to_le_bytes(), &i.to_le_bytes()])).collect()
}

/// The windows of test worlds.
pub fn windows() -> InitializeArgs {
    InitializeArgs { commit_slots: COMMIT_SLOTS, reveal_slots: REVEAL_SLOTS }
}

impl World {
    /// A world whose stake and datanet programs are initialised, with `programs` beside them.
    pub fn with_datanet(programs: &[Program]) -> Self {
        let mut all = vec![Program::Datanet];
        all.extend(programs);
        let mut world = Self::with_stake(&all);
        let authority = world.authority.insecure_clone();
        let make = ix::datanet::initialize(&authority.pubkey(), &world.mint, windows());
        world.send(&[make], &[&authority]).expect("initialises");
        world
    }

    /// A Datanet as [`create_args`] describes it, changed by `change`.
    pub fn datanet(&mut self, owner: &Key, id: u64, change: impl FnOnce(&mut CreateDatanetArgs)) -> Pubkey {
        let mut args = create_args(id);
        change(&mut args);
        self.send(&[ix::datanet::create_datanet(&owner.pubkey(), args)], &[owner]).expect("is created");
        pda::datanet(&owner.pubkey(), id)
    }

    /// Opens a batch with the least bond and adds `leaves`.
    pub fn open(&mut self, contributor: &Key, datanet: Pubkey, leaves: &[Hash32]) -> Pubkey {
        let wallet = contributor.pubkey();
        let index = self.get::<Datanet>(&datanet).batches;
        let batch = pda::batch(&datanet, index);
        let instruction = ix::datanet::open_batch(&wallet, &datanet, index, &self.mint, MIN_BOND);
        self.send(&[instruction], &[contributor]).expect("opens");
        for part in leaves.chunks(20) {
            self.send(&[ix::datanet::contribute(&wallet, &batch, part)], &[contributor]).expect("contributes");
        }
        batch
    }

    /// Opens, fills and submits a batch, and lets the slots pass until its panel can be drawn.
    pub fn submitted(&mut self, contributor: &Key, datanet: Pubkey, leaves: &[Hash32]) -> Pubkey {
        let batch = self.open(contributor, datanet, leaves);
        self.send(&[ix::datanet::submit_batch(&contributor.pubkey(), &batch, MANIFEST)], &[contributor])
            .expect("submits");
        self.pass(2);
        self.slot_hashes(0);
        batch
    }

    /// Fills the SlotHashes sysvar as the runtime does: up to 512 slots before this one, newest first. Every `nonce`
    /// gives different hashes, so that a test can choose a draw.
    pub fn slot_hashes(&mut self, nonce: u64) {
        let now = self.slot();
        let slots: Vec<u64> = (now.saturating_sub(512)..now).rev().collect();
        let mut data = (slots.len() as u64).to_le_bytes().to_vec();
        for slot in slots {
            data.extend(slot.to_le_bytes());
            data.extend(slot_hash(nonce, slot));
        }
        data.resize(8 + 512 * 40, 0);
        self.put_raw(SLOT_HASHES, solana_sdk_ids::sysvar::ID, data);
    }

    /// A validator commits to a verdict under [`salt`].
    pub fn commit(&mut self, validator: &Key, batch: Pubkey, approve: bool, quality: u16) -> Result<Sent, Failed> {
        let (wallet, datanet) = (validator.pubkey(), self.get::<Batch>(&batch).datanet);
        let commitment = commitment(&wallet, &batch, approve, quality);
        self.send(&[ix::datanet::commit_verdict(&wallet, &datanet, &batch, commitment)], &[validator])
    }

    /// A validator reveals a verdict under [`salt`].
    pub fn reveal(&mut self, validator: &Key, batch: Pubkey, approve: bool, quality: u16) -> Result<Sent, Failed> {
        let (wallet, datanet) = (validator.pubkey(), self.get::<Batch>(&batch).datanet);
        self.send(
            &[ix::datanet::reveal_verdict(&wallet, &datanet, &batch, approve, quality, salt(&wallet))],
            &[validator],
        )
    }

    /// Anyone finalises a batch.
    pub fn finalise(&mut self, batch: Pubkey) -> Result<Sent, Failed> {
        let Batch { datanet, contributor, .. } = self.get(&batch);
        self.send(&[ix::datanet::finalise_batch(&datanet, &batch, &contributor, &self.mint)], &[])
    }

    /// Anyone expires a batch.
    pub fn expire(&mut self, batch: Pubkey) -> Result<Sent, Failed> {
        let Batch { datanet, contributor, .. } = self.get(&batch);
        self.send(&[ix::datanet::expire_batch(&datanet, &batch, &contributor, &self.mint)], &[])
    }

    /// Every validator commits to and reveals the same verdict on a submitted batch.
    pub fn judge(&mut self, validators: &[Key], batch: Pubkey, approve: bool) {
        for v in validators {
            self.commit(v, batch, approve, 8_000).expect("commits");
        }
        self.pass(COMMIT_SLOTS);
        for v in validators {
            self.reveal(v, batch, approve, 8_000).expect("reveals");
        }
    }

    /// A batch of `leaves` goes through review and is accepted.
    pub fn accepted(&mut self, contributor: &Key, datanet: Pubkey, validators: &[Key], leaves: &[Hash32]) -> Pubkey {
        let batch = self.submitted(contributor, datanet, leaves);
        self.judge(validators, batch, true);
        self.finalise(batch).expect("is accepted");
        batch
    }
}

/// The hash of a slot in test worlds.
pub fn slot_hash(nonce: u64, slot: u64) -> Hash32 {
    sha256(&[b"slot", &nonce.to_le_bytes(), &slot.to_le_bytes()])
}
