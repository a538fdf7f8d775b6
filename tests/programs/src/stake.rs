//! The stake program in tests: addresses, instructions, a committee ready to use.

use crate::{
    event_authority, instruction,
    keys::{Key, key},
    tx::{Failed, Sent},
    world::{Program, World},
};
use ::stake::{
    ID, accounts, instruction as call,
    instructions::{
        InitializeArgs, Parameters, ProposeCommitteeArgs, ProposeNextCommitteeArgs, ProveEquivocationArgs,
        RegisterOperatorArgs, SlashAttestedArgs,
    },
    seeds,
    state::{Config, Position, Role},
};
use ed25519_dalek::SigningKey;
use openledger_protocol::{
    attest::Kind,
    observation::{Observation, evidence_data},
};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Signer;
use solana_pubkey::Pubkey;

/// Least stake of an operator in test worlds.
pub const MIN_OPERATOR: u64 = 1_000 * crate::OPEN;
/// Least stake of a validator in test worlds.
pub const MIN_VALIDATOR: u64 = 100 * crate::OPEN;
/// Cooldown in test worlds.
pub const UNBOND_SLOTS: u64 = 500;

fn pda(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &ID).0
}
/// The config.
pub fn config() -> Pubkey {
    pda(&[seeds::CONFIG])
}
/// The stake vault.
pub fn vault() -> Pubkey {
    pda(&[seeds::VAULT])
}
/// The insurance vault.
pub fn insurance() -> Pubkey {
    pda(&[seeds::INSURANCE])
}
/// A position.
pub fn position(owner: &Pubkey, role: Role) -> Pubkey {
    pda(&[seeds::POSITION, owner.as_ref(), &[role as u8]])
}
/// An operator.
pub fn operator(owner: &Pubkey) -> Pubkey {
    pda(&[seeds::OPERATOR, owner.as_ref()])
}
/// A lock of votes.
pub fn lock(owner: &Pubkey) -> Pubkey {
    pda(&[seeds::LOCK, owner.as_ref()])
}
/// A committee.
pub fn committee(epoch: u64) -> Pubkey {
    pda(&[seeds::COMMITTEE, &epoch.to_le_bytes()])
}

/// The mark of an equivocation.
pub fn equivocation(operator: &Pubkey, args: &ProveEquivocationArgs) -> Pubkey {
    let (epoch, sequence) = (args.epoch.to_le_bytes(), args.sequence.to_le_bytes());
    pda(&[seeds::EQUIVOCATION, operator.as_ref(), &epoch, &args.subject, &sequence])
}
/// An operator's pool.
pub fn pool(operator: &Pubkey) -> Pubkey {
    pda(&[seeds::POOL, operator.as_ref()])
}
/// The rewards of a pool.
pub fn rewards(operator: &Pubkey) -> Pubkey {
    pda(&[seeds::REWARDS, operator.as_ref()])
}
/// A delegation.
pub fn delegation(operator: &Pubkey, owner: &Pubkey) -> Pubkey {
    pda(&[seeds::DELEGATION, operator.as_ref(), owner.as_ref()])
}

/// The accounts of an instruction with the two that events need behind the fields named.
macro_rules! accounts {
    ($name:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        accounts::$name { $($field $(: $value)?,)* event_authority: event_authority(&ID), program: ID }
    };
}

/// `initialize` by `authority`.
pub fn initialize(world: &World, authority: &Pubkey) -> Instruction {
    instruction(
        ID,
        accounts::Initialize {
            authority: *authority,
            config: config(),
            open_mint: world.mint,
            vault: vault(),
            insurance: insurance(),
            program_data: Program::Stake.data_address(),
            token_program: spl_token_interface::ID,
            system_program: solana_sdk_ids::system_program::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::Initialize {
            args: InitializeArgs {
                cluster: world.cluster,
                min_operator_stake: MIN_OPERATOR,
                min_validator_stake: MIN_VALIDATOR,
                unbond_slots: UNBOND_SLOTS,
            },
        },
    )
}

/// `deposit` from the owner's associated token account.
pub fn deposit(world: &World, owner: &Pubkey, role: Role, amount: u64) -> Instruction {
    instruction(
        ID,
        accounts::Deposit {
            owner: *owner,
            config: config(),
            position: position(owner, role),
            owner_token: world.ata(owner),
            vault: vault(),
            token_program: spl_token_interface::ID,
            system_program: solana_sdk_ids::system_program::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::Deposit { role, amount },
    )
}

/// `request_unbond` while the committee of `committee_epoch` is active.
pub fn request_unbond(owner: &Pubkey, role: Role, amount: u64, committee_epoch: u64) -> Instruction {
    instruction(
        ID,
        accounts::RequestUnbond {
            owner: *owner,
            config: config(),
            position: position(owner, role),
            active_committee: committee(committee_epoch),
            next_committee: committee(committee_epoch + 1),
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::RequestUnbond { role, amount },
    )
}

/// `withdraw` to the owner's associated token account.
pub fn withdraw(world: &World, owner: &Pubkey, role: Role) -> Instruction {
    instruction(
        ID,
        accounts::Withdraw {
            owner: *owner,
            config: config(),
            position: position(owner, role),
            owner_token: world.ata(owner),
            vault: vault(),
            token_program: spl_token_interface::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::Withdraw { role },
    )
}

/// `lock_votes` from the owner's associated token account.
pub fn lock_votes(world: &World, owner: &Pubkey, amount: u64, end_slot: u64) -> Instruction {
    let accounts = accounts::LockVotes {
        owner: *owner,
        config: config(),
        lock: lock(owner),
        owner_token: world.ata(owner),
        vault: vault(),
        token_program: spl_token_interface::ID,
        system_program: solana_sdk_ids::system_program::ID,
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::LockVotes { amount, end_slot })
}

/// `add_to_lock` from the owner's associated token account.
pub fn add_to_lock(world: &World, owner: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts::AddToLock {
        owner: *owner,
        config: config(),
        lock: lock(owner),
        owner_token: world.ata(owner),
        vault: vault(),
        token_program: spl_token_interface::ID,
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::AddToLock { amount })
}

/// `extend_lock`.
pub fn extend_lock(owner: &Pubkey, end_slot: u64) -> Instruction {
    let accounts = accounts::ExtendLock {
        owner: *owner,
        config: config(),
        lock: lock(owner),
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::ExtendLock { end_slot })
}

/// `unlock_votes` to the owner's associated token account.
pub fn unlock_votes(world: &World, owner: &Pubkey) -> Instruction {
    let accounts = accounts::UnlockVotes {
        config: config(),
        lock: lock(owner),
        owner_token: world.ata(owner),
        vault: vault(),
        token_program: spl_token_interface::ID,
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::UnlockVotes {})
}

/// `delegate_votes`.
pub fn delegate_votes(owner: &Pubkey, delegate: Pubkey) -> Instruction {
    let accounts = accounts::DelegateVotes {
        owner: *owner,
        lock: lock(owner),
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::DelegateVotes { delegate })
}

/// `pause`.
pub fn pause(authority: &Pubkey, until_slot: u64) -> Instruction {
    let accounts =
        accounts::Pause { authority: *authority, config: config(), event_authority: event_authority(&ID), program: ID };
    instruction(ID, accounts, call::Pause { until_slot })
}

/// `register_operator`.
pub fn register_operator(owner: &Pubkey, identity: &Pubkey, endpoint: &str, capabilities: u32) -> Instruction {
    instruction(
        ID,
        accounts::RegisterOperator {
            owner: *owner,
            identity: *identity,
            config: config(),
            position: position(owner, Role::Operator),
            operator: operator(owner),
            system_program: solana_sdk_ids::system_program::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::RegisterOperator { args: RegisterOperatorArgs { endpoint: endpoint.into(), capabilities } },
    )
}

/// `update_operator`.
pub fn update_operator(owner: &Pubkey, endpoint: &str, capabilities: u32) -> Instruction {
    instruction(
        ID,
        accounts::UpdateOperator {
            owner: *owner,
            operator: operator(owner),
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::UpdateOperator { endpoint: endpoint.into(), capabilities },
    )
}

/// The remaining accounts behind `members`: operator and operator position of each.
pub fn member_accounts(members: &[Pubkey]) -> Vec<AccountMeta> {
    members
        .iter()
        .flat_map(|m| [operator(m), position(m, Role::Operator)])
        .map(|a| AccountMeta::new_readonly(a, false))
        .collect()
}

/// `propose_committee` of `epoch`.
pub fn propose_committee(authority: &Pubkey, epoch: u64, threshold: u16, size: u16, members: &[Pubkey]) -> Instruction {
    let mut out = instruction(
        ID,
        accounts::ProposeCommittee {
            authority: *authority,
            config: config(),
            committee: committee(epoch),
            system_program: solana_sdk_ids::system_program::ID,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::ProposeCommittee { args: ProposeCommitteeArgs { threshold, size, members: members.to_vec() } },
    );
    out.accounts.extend(member_accounts(members));
    out
}

/// `add_members` to the committee of `epoch`.
pub fn add_members(authority: &Pubkey, epoch: u64, members: &[Pubkey]) -> Instruction {
    let mut out = instruction(
        ID,
        accounts::AddMembers {
            authority: *authority,
            config: config(),
            committee: committee(epoch),
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::AddMembers { members: members.to_vec() },
    );
    out.accounts.extend(member_accounts(members));
    out
}

/// `confirm_committee` of `epoch`, the one before it being active (if it is not the first).
pub fn confirm_committee(member: &Pubkey, epoch: u64, group_key: [u8; 32]) -> Instruction {
    instruction(
        ID,
        accounts::ConfirmCommittee {
            member: *member,
            config: config(),
            committee: committee(epoch),
            previous_committee: (epoch > 1).then(|| committee(epoch - 1)),
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::ConfirmCommittee { group_key },
    )
}

/// `abandon_committee` of `epoch`, whose rent the authority has paid.
pub fn abandon_committee(authority: &Pubkey, epoch: u64) -> Instruction {
    instruction(
        ID,
        accounts::AbandonCommittee {
            authority: *authority,
            config: config(),
            committee: committee(epoch),
            payer: *authority,
            event_authority: event_authority(&ID),
            program: ID,
        },
        call::AbandonCommittee {},
    )
}

/// `propose_authority`.
pub fn propose_authority(authority: &Pubkey, new: Pubkey) -> Instruction {
    let accounts = accounts::ProposeAuthority {
        authority: *authority,
        config: config(),
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::ProposeAuthority { new })
}

/// `accept_authority`.
pub fn accept_authority(new_authority: &Pubkey) -> Instruction {
    let accounts = accounts::AcceptAuthority {
        new_authority: *new_authority,
        config: config(),
        event_authority: event_authority(&ID),
        program: ID,
    };
    instruction(ID, accounts, call::AcceptAuthority {})
}

const TOKEN: Pubkey = spl_token_interface::ID;
const SYSTEM: Pubkey = solana_sdk_ids::system_program::ID;
const INSTRUCTIONS: Pubkey = solana_sdk_ids::sysvar::instructions::ID;

/// `expire_committee` of `epoch`, whose rent `payer` has paid.
pub fn expire_committee(payer: &Pubkey, epoch: u64) -> Instruction {
    let accounts = accounts!(ExpireCommittee { config: config(), committee: committee(epoch), payer: *payer });
    instruction(ID, accounts, call::ExpireCommittee {})
}

/// `propose_next_committee` after `committee_epoch`. Send it directly behind the attestation.
pub fn propose_next_committee(payer: &Pubkey, committee_epoch: u64, args: ProposeNextCommitteeArgs) -> Instruction {
    let accounts = accounts!(ProposeNextCommittee {
        payer: *payer,
        config: config(),
        active_committee: committee(committee_epoch),
        committee: committee(committee_epoch + 1),
        instructions: INSTRUCTIONS,
        system_program: SYSTEM,
    });
    instruction(ID, accounts, call::ProposeNextCommittee { args })
}

/// `seat_members` of the committee of `epoch`.
pub fn seat_members(epoch: u64, members: &[Pubkey], rest: [u8; 32]) -> Instruction {
    let accounts = accounts!(SeatMembers { config: config(), committee: committee(epoch) });
    let mut out = instruction(ID, accounts, call::SeatMembers { members: members.to_vec(), rest });
    out.accounts.extend(member_accounts(members));
    out
}

/// `prove_equivocation` of `operator`. Send it directly behind [`evidence`].
pub fn prove_equivocation(
    world: &World,
    prover: &Pubkey,
    operator: &Pubkey,
    args: ProveEquivocationArgs,
) -> Instruction {
    let accounts = accounts!(ProveEquivocation {
        prover: *prover,
        config: config(),
        operator: self::operator(operator),
        position: position(operator, Role::Operator),
        pool: world.pool_of(operator),
        committee: committee(args.epoch),
        equivocation: equivocation(operator, &args),
        vault: vault(),
        insurance: insurance(),
        instructions: INSTRUCTIONS,
        token_program: TOKEN,
        system_program: SYSTEM,
    });
    instruction(ID, accounts, call::ProveEquivocation { args })
}

/// An observation by `operator` in this world.
pub fn observation(world: &World, operator: &Operator, args: &ProveEquivocationArgs, content: [u8; 32]) -> Observation {
    Observation {
        cluster: world.cluster,
        epoch: args.epoch,
        operator: operator.wallet.pubkey().to_bytes(),
        subject: args.subject,
        sequence: args.sequence,
        content,
    }
}

/// The Ed25519 instruction that proves two observations to be signed by `identity`.
pub fn evidence(identity: &Key, observations: [&Observation; 2]) -> Instruction {
    let signatures: [[u8; 64]; 2] = observations.map(|o| identity.sign_message(&o.to_bytes()).into());
    let [first, second] = &signatures;
    Instruction {
        program_id: solana_sdk_ids::ed25519_program::ID,
        accounts: vec![],
        data: evidence_data(&identity.pubkey().to_bytes(), [first, second], observations).to_vec(),
    }
}

/// `slash_attested` of a position by the committee of `committee_epoch`. Send it directly behind the attestation.
pub fn slash_attested(
    world: &World,
    committee_epoch: u64,
    owner: &Pubkey,
    role: Role,
    args: SlashAttestedArgs,
) -> Instruction {
    let accounts = accounts!(SlashAttested {
        config: config(),
        position: position(owner, role),
        pool: world.pool_of(owner).filter(|_| role == Role::Operator),
        committee: committee(committee_epoch),
        vault: vault(),
        insurance: insurance(),
        instructions: INSTRUCTIONS,
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::SlashAttested { args })
}

/// `slash_by_authority` of a position.
pub fn slash_by_authority(world: &World, authority: &Pubkey, owner: &Pubkey, role: Role, bps: u16) -> Instruction {
    let accounts = accounts!(SlashByAuthority {
        authority: *authority,
        config: config(),
        position: position(owner, role),
        pool: world.pool_of(owner).filter(|_| role == Role::Operator),
        vault: vault(),
        insurance: insurance(),
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::SlashByAuthority { bps, evidence: [0xed; 32] })
}

/// `pay_insurance` to a token account.
pub fn pay_insurance(authority: &Pubkey, to: Pubkey, amount: u64) -> Instruction {
    let accounts = accounts!(PayInsurance {
        authority: *authority,
        config: config(),
        insurance: insurance(),
        to,
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::PayInsurance { amount })
}

/// `set_parameters`.
pub fn set_parameters(authority: &Pubkey, parameters: Parameters) -> Instruction {
    let accounts = accounts!(SetParameters { authority: *authority, config: config() });
    instruction(ID, accounts, call::SetParameters { parameters })
}

/// `open_pool` by an operator's wallet.
pub fn open_pool(world: &World, owner: &Pubkey, commission_bps: u16) -> Instruction {
    let accounts = accounts!(OpenPool {
        owner: *owner,
        config: config(),
        operator: operator(owner),
        position: position(owner, Role::Operator),
        pool: pool(owner),
        open_mint: world.mint,
        reward_vault: rewards(owner),
        token_program: TOKEN,
        system_program: SYSTEM,
    });
    instruction(ID, accounts, call::OpenPool { commission_bps })
}

/// `set_commission` by an operator's wallet.
pub fn set_commission(owner: &Pubkey, commission_bps: u16) -> Instruction {
    let accounts = accounts!(SetCommission { owner: *owner, config: config(), pool: pool(owner) });
    instruction(ID, accounts, call::SetCommission { commission_bps })
}

/// `delegate` to `operator` from the owner's associated token account.
pub fn delegate(world: &World, owner: &Pubkey, operator: &Pubkey, amount: u64) -> Instruction {
    let accounts = accounts!(Delegate {
        owner: *owner,
        config: config(),
        pool: pool(operator),
        position: position(operator, Role::Operator),
        delegation: delegation(operator, owner),
        owner_token: world.ata(owner),
        vault: vault(),
        reward_vault: rewards(operator),
        token_program: TOKEN,
        system_program: SYSTEM,
    });
    instruction(ID, accounts, call::Delegate { amount })
}

/// `undelegate` from `operator`.
pub fn undelegate(owner: &Pubkey, operator: &Pubkey, shares: u128) -> Instruction {
    let accounts = accounts!(Undelegate {
        owner: *owner,
        config: config(),
        pool: pool(operator),
        delegation: delegation(operator, owner),
        reward_vault: rewards(operator),
    });
    instruction(ID, accounts, call::Undelegate { shares })
}

/// `withdraw_delegation` to the owner's associated token account.
pub fn withdraw_delegation(world: &World, owner: &Pubkey, operator: &Pubkey) -> Instruction {
    let accounts = accounts!(WithdrawDelegation {
        owner: *owner,
        config: config(),
        pool: pool(operator),
        delegation: delegation(operator, owner),
        owner_token: world.ata(owner),
        vault: vault(),
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::WithdrawDelegation {})
}

/// `harvest` of an operator's rewards.
pub fn harvest(world: &World, operator: &Pubkey) -> Instruction {
    let accounts = accounts!(Harvest {
        config: config(),
        pool: pool(operator),
        reward_vault: rewards(operator),
        operator_token: world.ata(operator),
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::Harvest {})
}

/// `claim_delegation_rewards` to the owner's associated token account.
pub fn claim_delegation_rewards(world: &World, owner: &Pubkey, operator: &Pubkey) -> Instruction {
    let accounts = accounts!(ClaimDelegationRewards {
        owner: *owner,
        config: config(),
        pool: pool(operator),
        delegation: delegation(operator, owner),
        reward_vault: rewards(operator),
        owner_token: world.ata(owner),
        token_program: TOKEN,
    });
    instruction(ID, accounts, call::ClaimDelegationRewards {})
}

/// A registered operator.
pub struct Operator {
    /// Its wallet.
    pub wallet: Key,
    /// Its identity key.
    pub identity: Key,
}

impl Clone for Operator {
    fn clone(&self) -> Self {
        Self { wallet: self.wallet.insecure_clone(), identity: self.identity.insecure_clone() }
    }
}

/// An active committee.
#[derive(Clone)]
pub struct Committee {
    /// Its epoch.
    pub epoch: u64,
    /// Its members in order.
    pub members: Vec<Operator>,
    /// Its group key.
    pub key: SigningKey,
}

impl World {
    /// A world whose stake program is initialised, with `programs` beside it.
    pub fn with_stake(programs: &[Program]) -> Self {
        let mut all = vec![Program::Stake];
        all.extend(programs);
        let mut world = Self::new(&all);
        let authority = world.authority.insecure_clone();
        world.send(&[initialize(&world, &authority.pubkey())], &[&authority]).expect("initialises");
        world
    }

    /// Deposits and registers a new operator with every capability.
    pub fn operator(&mut self) -> Operator {
        let wallet = self.wallet(2 * MIN_OPERATOR);
        let identity = key(&format!("identity of {}", wallet.pubkey()));
        let owner = wallet.pubkey();
        let instructions = [
            deposit(self, &owner, Role::Operator, MIN_OPERATOR),
            register_operator(&owner, &identity.pubkey(), "http://127.0.0.1:7000", ::stake::state::capability::ALL),
        ];
        self.send(&instructions, &[&wallet, &identity]).expect("registers");
        Operator { wallet, identity }
    }

    /// Deposits for a new validator.
    pub fn validator(&mut self, stake: u64) -> Key {
        let wallet = self.wallet(2 * stake);
        self.send(&[deposit(self, &wallet.pubkey(), Role::Validator, stake)], &[&wallet]).expect("deposits");
        wallet
    }

    /// Makes the next committee active: `members` in order, any `threshold`, this group key.
    pub fn seat(&mut self, members: &[&Operator], threshold: u16, group_key: [u8; 32]) -> Result<Sent, Failed> {
        let epoch = self.get::<Config>(&config()).committee_epoch + 1;
        let authority = self.authority.insecure_clone();
        let wallets: Vec<Pubkey> = members.iter().map(|m| m.wallet.pubkey()).collect();
        let (first, rest) = wallets.split_at(wallets.len().min(6));
        let size = wallets.len() as u16;
        self.send(&[propose_committee(&authority.pubkey(), epoch, threshold, size, first)], &[&authority])?;
        for more in rest.chunks(8) {
            self.send(&[add_members(&authority.pubkey(), epoch, more)], &[&authority])?;
        }
        let mut last = None;
        for member in members {
            last = Some(self.send(&[confirm_committee(&member.wallet.pubkey(), epoch, group_key)], &[&member.wallet])?);
        }
        Ok(last.expect("a committee has members"))
    }

    /// The pool of a wallet's operator position, if it has opened one.
    pub fn pool_of(&self, owner: &Pubkey) -> Option<Pubkey> {
        let position = self.find::<Position>(&position(owner, Role::Operator));
        position.is_some_and(|p| p.pooled).then(|| pool(owner))
    }

    /// The attestation of `args` by a committee, for an account of the stake program.
    pub fn attested(
        &self,
        committee: &Committee,
        kind: Kind,
        subject: Pubkey,
        sequence: u64,
        args: &impl anchor_lang::AnchorSerialize,
        expiry_slot: u64,
    ) -> Instruction {
        let (cluster, epoch) = (self.cluster, committee.epoch);
        let message = crate::attest::message(cluster, ID, epoch, kind, subject, sequence, args, expiry_slot);
        crate::attest::signed(&committee.key, &message)
    }

    /// Has `committee` attest a fault and slashes for it.
    pub fn slash(&mut self, committee: &Committee, owner: &Pubkey, role: Role, bps: u16) -> Result<Sent, Failed> {
        let args = SlashAttestedArgs { bps, evidence: [0xfa; 32], expiry_slot: self.slot() + 20 };
        let (subject, expiry) = (position(owner, role), args.expiry_slot);
        let faults = self.get::<Position>(&subject).faults;
        let attestation = self.attested(committee, Kind::Fault, subject, faults, &args, expiry);
        let slash = slash_attested(self, committee.epoch, owner, role, args);
        self.send(&[attestation, slash], &[])
    }

    /// Registers `size` new operators and makes them the active committee under a plain key.
    pub fn committee(&mut self, size: usize) -> Committee {
        let members: Vec<Operator> = (0..size).map(|_| self.operator()).collect();
        let epoch = self.get::<Config>(&config()).committee_epoch + 1;
        let key = crate::attest::group_key(epoch as u8);
        let threshold = (size / 2 + 1) as u16;
        self.seat(&members.iter().collect::<Vec<_>>(), threshold, key.verifying_key().to_bytes()).expect("is seated");
        Committee { epoch, members, key }
    }
}
