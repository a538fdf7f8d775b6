//! The datanet program in tests: addresses, instructions, a Datanet and its validators ready to use.

use crate::{
    event_authority, instruction,
    keys::Key,
    stake,
    tx::{Failed, Sent},
    world::{Program, World},
};
use ::datanet::{
    ConfigureArgs, ContributeBulkArgs, CreateDatanetArgs, ID, InitializeArgs, VerifyContributionArgs, accounts,
    instruction as call, seeds,
    state::{Access, Batch, Datanet, Modality},
};
use ::stake::state::Role;
use openledger_protocol::{Hash32, draw, hash::sha256};
use solana_instruction::Instruction;
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

const TOKEN: Pubkey = spl_token_interface::ID;
const SYSTEM: Pubkey = solana_sdk_ids::system_program::ID;
const SLOT_HASHES: Pubkey = solana_sdk_ids::sysvar::slot_hashes::ID;

fn pda(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &ID).0
}
/// The config.
pub fn config() -> Pubkey {
    pda(&[seeds::CONFIG])
}
/// The bond vault.
pub fn bond_vault() -> Pubkey {
    pda(&[seeds::BOND])
}
/// A Datanet.
pub fn datanet(creator: &Pubkey, id: u64) -> Pubkey {
    pda(&[seeds::DATANET, creator.as_ref(), &id.to_le_bytes()])
}
/// A batch.
pub fn batch(datanet: &Pubkey, index: u64) -> Pubkey {
    pda(&[seeds::BATCH, datanet.as_ref(), &index.to_le_bytes()])
}
/// A grant.
pub fn grant(datanet: &Pubkey, grantee: &Pubkey) -> Pubkey {
    pda(&[seeds::GRANT, datanet.as_ref(), grantee.as_ref()])
}

/// The accounts of an instruction with the two that events need behind the fields named.
macro_rules! accounts {
    ($name:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        accounts::$name { $($field $(: $value)?,)* event_authority: event_authority(&ID), program: ID }
    };
}

/// `initialize` by `authority`.
pub fn initialize(world: &World, authority: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts!(Initialize {
        authority: *authority,
        program_data: Program::Datanet.data_address(),
        config: config(),
        stake_config: stake::config(),
        open_mint: world.mint,
        bond_vault: bond_vault(),
        forfeit_to: stake::insurance(),
        token_program: TOKEN,
        system_program: SYSTEM,
    });
    instruction(ID, accounts, call::Initialize { args })
}

/// `set_windows`.
pub fn set_windows(authority: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts!(SetWindows { authority: *authority, config: config() });
    instruction(ID, accounts, call::SetWindows { args })
}

/// `pause`.
pub fn pause(authority: &Pubkey, until_slot: u64) -> Instruction {
    let accounts = accounts!(Pause { authority: *authority, config: config() });
    instruction(ID, accounts, call::Pause { until_slot })
}

/// `propose_authority`.
pub fn propose_authority(authority: &Pubkey, new: Pubkey) -> Instruction {
    let accounts = accounts!(ProposeAuthority { authority: *authority, config: config() });
    instruction(ID, accounts, call::ProposeAuthority { new })
}

/// `accept_authority`.
pub fn accept_authority(new_authority: &Pubkey) -> Instruction {
    let accounts = accounts!(AcceptAuthority { new_authority: *new_authority, config: config() });
    instruction(ID, accounts, call::AcceptAuthority {})
}

/// Arguments of a Datanet that are right in every field.
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

/// `create_datanet`.
pub fn create_datanet(creator: &Pubkey, args: CreateDatanetArgs) -> Instruction {
    let datanet = datanet(creator, args.id);
    let accounts = accounts!(CreateDatanet { config: config(), creator: *creator, datanet, system_program: SYSTEM });
    instruction(ID, accounts, call::CreateDatanet { args })
}

/// `configure`.
pub fn configure(owner: &Pubkey, datanet: Pubkey, args: ConfigureArgs) -> Instruction {
    let accounts = accounts!(Configure { owner: *owner, config: config(), datanet });
    instruction(ID, accounts, call::Configure { args })
}

/// `set_paused`.
pub fn set_paused(owner: &Pubkey, datanet: Pubkey, paused: bool) -> Instruction {
    instruction(ID, accounts!(SetPaused { config: config(), owner: *owner, datanet }), call::SetPaused { paused })
}

/// `propose_owner`.
pub fn propose_owner(owner: &Pubkey, datanet: Pubkey, new: Pubkey) -> Instruction {
    instruction(ID, accounts!(ProposeOwner { owner: *owner, datanet }), call::ProposeOwner { new })
}

/// `accept_owner`.
pub fn accept_owner(new_owner: &Pubkey, datanet: Pubkey) -> Instruction {
    instruction(ID, accounts!(AcceptOwner { new_owner: *new_owner, datanet }), call::AcceptOwner {})
}

/// `open_batch` number `index`, bond from the contributor's associated token account.
pub fn open_batch(world: &World, contributor: &Pubkey, datanet: Pubkey, index: u64, bond: u64) -> Instruction {
    let accounts = accounts!(OpenBatch {
        contributor: *contributor,
        config: config(),
        datanet,
        batch: batch(&datanet, index),
        open_mint: world.mint,
        contributor_token: world.ata(contributor),
        bond_vault: bond_vault(),
        token_program: TOKEN,
        system_program: SYSTEM,
    });
    instruction(ID, accounts, call::OpenBatch { bond })
}

/// `contribute`.
pub fn contribute(contributor: &Pubkey, batch: Pubkey, leaves: &[Hash32]) -> Instruction {
    let accounts = accounts!(Contribute { contributor: *contributor, batch });
    instruction(ID, accounts, call::Contribute { leaves: leaves.to_vec() })
}

/// `submit_batch`.
pub fn submit_batch(contributor: &Pubkey, batch: Pubkey, manifest: Hash32) -> Instruction {
    let accounts = accounts!(SubmitBatch { contributor: *contributor, config: config(), batch });
    instruction(ID, accounts, call::SubmitBatch { manifest })
}

/// `contribute_bulk`.
pub fn contribute_bulk(contributor: &Pubkey, batch: Pubkey, args: ContributeBulkArgs) -> Instruction {
    let accounts = accounts!(SubmitBatch { contributor: *contributor, config: config(), batch });
    instruction(ID, accounts, call::ContributeBulk { args })
}

/// `cancel_batch`.
pub fn cancel_batch(world: &World, contributor: &Pubkey, datanet: Pubkey, batch: Pubkey) -> Instruction {
    let accounts = accounts!(CancelBatch {
        contributor: *contributor,
        config: config(),
        datanet,
        batch,
        open_mint: world.mint,
        bond_vault: bond_vault(),
        contributor_token: world.ata(contributor),
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::CancelBatch {})
}

/// `draw_panel`.
pub fn draw_panel(batch: Pubkey) -> Instruction {
    instruction(ID, accounts!(DrawPanel { batch, slot_hashes: SLOT_HASHES }), call::DrawPanel {})
}

/// `commit_verdict`.
pub fn commit_verdict(validator: &Pubkey, datanet: Pubkey, batch: Pubkey, commitment: Hash32) -> Instruction {
    let accounts = accounts!(CommitVerdict {
        config: config(),
        validator: *validator,
        position: stake::position(validator, Role::Validator),
        stake_config: stake::config(),
        datanet,
        batch,
        slot_hashes: SLOT_HASHES,
    });
    instruction(ID, accounts, call::CommitVerdict { commitment })
}

/// `reveal_verdict`.
pub fn reveal_verdict(
    validator: &Pubkey,
    datanet: Pubkey,
    batch: Pubkey,
    approve: bool,
    quality: u16,
    salt: Hash32,
) -> Instruction {
    let accounts = accounts!(RevealVerdict { config: config(), validator: *validator, datanet, batch });
    instruction(ID, accounts, call::RevealVerdict { approve, quality, salt })
}

/// `finalise_batch`.
pub fn finalise_batch(world: &World, datanet: Pubkey, batch: Pubkey, contributor: &Pubkey) -> Instruction {
    let accounts = accounts!(FinaliseBatch {
        config: config(),
        datanet,
        batch,
        contributor: *contributor,
        open_mint: world.mint,
        bond_vault: bond_vault(),
        contributor_token: Some(world.ata(contributor)),
        forfeit_to: stake::insurance(),
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::FinaliseBatch {})
}

/// `expire_batch`.
pub fn expire_batch(world: &World, datanet: Pubkey, batch: Pubkey, contributor: &Pubkey) -> Instruction {
    let accounts = accounts!(ExpireBatch {
        config: config(),
        datanet,
        batch,
        contributor: *contributor,
        open_mint: world.mint,
        bond_vault: bond_vault(),
        contributor_token: world.ata(contributor),
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::ExpireBatch {})
}

/// `request_access`.
pub fn request_access(grantee: &Pubkey, datanet: Pubkey, purpose: &str) -> Instruction {
    let accounts = accounts!(RequestAccess {
        config: config(),
        grantee: *grantee,
        datanet,
        grant: grant(&datanet, grantee),
        system_program: SYSTEM,
    });
    instruction(ID, accounts, call::RequestAccess { purpose: purpose.into() })
}

/// `grant_access`.
pub fn grant_access(owner: &Pubkey, datanet: Pubkey, grantee: &Pubkey, expiry_slot: u64) -> Instruction {
    let accounts = accounts!(GrantAccess { config: config(), owner: *owner, datanet, grant: grant(&datanet, grantee) });
    instruction(ID, accounts, call::GrantAccess { expiry_slot })
}

/// `revoke_access`.
pub fn revoke_access(owner: &Pubkey, datanet: Pubkey, grantee: &Pubkey) -> Instruction {
    let accounts = accounts!(RevokeAccess { owner: *owner, datanet, grant: grant(&datanet, grantee) });
    instruction(ID, accounts, call::RevokeAccess {})
}

/// `record_use` of the grantee's own grant.
pub fn record_use(grantee: &Pubkey, datanet: Pubkey, job: Pubkey) -> Instruction {
    let accounts = accounts!(RecordUse { grantee: *grantee, datanet, grant: grant(&datanet, grantee) });
    instruction(ID, accounts, call::RecordUse { job })
}

/// `verify_contribution`.
pub fn verify_contribution(datanet: Pubkey, args: VerifyContributionArgs) -> Instruction {
    instruction(ID, accounts::VerifyContribution { datanet }, call::VerifyContribution { args })
}

/// The salt of a validator's commitment in tests.
pub fn salt(validator: &Pubkey) -> Hash32 {
    sha256(&[b"salt", validator.as_ref()])
}

/// The commitment to a verdict under [`salt`].
pub fn commitment(validator: &Pubkey, batch: &Pubkey, approve: bool, quality: u16) -> Hash32 {
    draw::verdict_commitment(&batch.to_bytes(), &validator.to_bytes(), approve, quality, &salt(validator))
}

/// `count` leaf hashes, other ones for every `seed`.
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
        world.send(&[initialize(&world, &authority.pubkey(), windows())], &[&authority]).expect("initialises");
        world
    }

    /// A Datanet as [`create_args`] describes it, changed by `change`.
    pub fn datanet(&mut self, owner: &Key, id: u64, change: impl FnOnce(&mut CreateDatanetArgs)) -> Pubkey {
        let mut args = create_args(id);
        change(&mut args);
        self.send(&[create_datanet(&owner.pubkey(), args)], &[owner]).expect("is created");
        datanet(&owner.pubkey(), id)
    }

    /// Opens a batch with the least bond and adds `leaves`.
    pub fn open(&mut self, contributor: &Key, datanet: Pubkey, leaves: &[Hash32]) -> Pubkey {
        let wallet = contributor.pubkey();
        let index = self.get::<Datanet>(&datanet).batches;
        let batch = batch(&datanet, index);
        let instruction = open_batch(self, &wallet, datanet, index, MIN_BOND);
        self.send(&[instruction], &[contributor]).expect("opens");
        for part in leaves.chunks(20) {
            self.send(&[contribute(&wallet, batch, part)], &[contributor]).expect("contributes");
        }
        batch
    }

    /// Opens, fills and submits a batch, and lets the slots pass until its panel can be drawn.
    pub fn submitted(&mut self, contributor: &Key, datanet: Pubkey, leaves: &[Hash32]) -> Pubkey {
        let batch = self.open(contributor, datanet, leaves);
        self.send(&[submit_batch(&contributor.pubkey(), batch, MANIFEST)], &[contributor]).expect("submits");
        self.pass(2);
        self.slot_hashes(0);
        batch
    }

    /// Fills the SlotHashes sysvar as the runtime does: up to 512 slots before this one, newest first. Every `nonce`
    /// gives other hashes, so that a test can choose a draw.
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
        self.send(&[commit_verdict(&wallet, datanet, batch, commitment)], &[validator])
    }

    /// A validator reveals a verdict under [`salt`].
    pub fn reveal(&mut self, validator: &Key, batch: Pubkey, approve: bool, quality: u16) -> Result<Sent, Failed> {
        let (wallet, datanet) = (validator.pubkey(), self.get::<Batch>(&batch).datanet);
        self.send(&[reveal_verdict(&wallet, datanet, batch, approve, quality, salt(&wallet))], &[validator])
    }

    /// Anyone finalises a batch.
    pub fn finalise(&mut self, batch: Pubkey) -> Result<Sent, Failed> {
        let Batch { datanet, contributor, .. } = self.get(&batch);
        self.send(&[finalise_batch(self, datanet, batch, &contributor)], &[])
    }

    /// Anyone expires a batch.
    pub fn expire(&mut self, batch: Pubkey) -> Result<Sent, Failed> {
        let Batch { datanet, contributor, .. } = self.get(&batch);
        self.send(&[expire_batch(self, datanet, batch, &contributor)], &[])
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
