//! Instructions of the model program.

use super::{authority::authority, build::build};
use crate::pda;
use ::model::{
    ID, accounts, instruction,
    instructions::{AttestResultArgs, InitializeArgs, PostLogArgs, RegisterModelArgs, RequestJobArgs},
    state::Job,
};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{system_program, sysvar::instructions};

/// Makes the config. Only the program's upgrade authority can, once.
pub fn initialize(authority: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts::Initialize {
        authority: *authority,
        program_data: pda::program_data(&ID),
        config: pda::model_config(),
        stake_config: pda::stake_config(),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Initialize { args })
}

/// Changes the windows and the data share of jobs that are requested or assigned from now on.
pub fn set_windows(authority: &Pubkey, args: InitializeArgs) -> Instruction {
    let accounts = accounts::SetWindows {
        authority: *authority,
        config: pda::model_config(),
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetWindows { args })
}

authority!(pda::model_config());

/// Registers a model, over the adapter of `parent` if that is given. Its address is `pda::model(creator, args.id)`.
pub fn register_model(creator: &Pubkey, parent: Option<&Pubkey>, args: RegisterModelArgs) -> Instruction {
    let accounts = accounts::RegisterModel {
        config: pda::model_config(),
        creator: *creator,
        model: pda::model(creator, args.id),
        parent: parent.copied(),
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RegisterModel { args })
}

/// Changes the prices of 1,000 prompt and 1,000 completion tokens.
pub fn set_price(owner: &Pubkey, model: &Pubkey, price_in: u64, price_out: u64) -> Instruction {
    let accounts = accounts::SetPrice {
        config: pda::model_config(),
        owner: *owner,
        model: *model,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::SetPrice { price_in, price_out })
}

/// Takes a model out of service for good.
pub fn retire_model(owner: &Pubkey, model: &Pubkey) -> Instruction {
    let accounts = accounts::RetireModel {
        config: pda::model_config(),
        owner: *owner,
        model: *model,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::RetireModel {})
}

/// A Datanet that a job will read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobDatanet {
    /// The Datanet account.
    pub datanet: Pubkey,
    /// Whether it is permissioned. If so, the job uses the requester's grant.
    pub permissioned: bool,
}

/// Requests training job `number`, which must be the model's `jobs`, and puts its budget into escrow.
pub fn request_job(
    requester: &Pubkey,
    model: &Pubkey,
    number: u64,
    open_mint: &Pubkey,
    datanets: &[JobDatanet],
    args: RequestJobArgs,
) -> Instruction {
    let job = pda::job(model, number);
    let accounts = accounts::RequestJob {
        requester: *requester,
        config: pda::model_config(),
        model: *model,
        job,
        open_mint: *open_mint,
        escrow: pda::escrow(&job),
        requester_token: pda::token_account(requester, open_mint),
        datanet_program: ::datanet::ID,
        datanet_event_authority: pda::event_authority(&::datanet::ID),
        token_program: spl_token_interface::ID,
        system_program: system_program::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let mut ix = build(ID, accounts, instruction::RequestJob { args });
    for d in datanets {
        ix.accounts.push(AccountMeta::new_readonly(d.datanet, false));
        if d.permissioned {
            ix.accounts.push(AccountMeta::new(pda::grant(&d.datanet, requester), false));
        }
    }
    ix
}

/// Takes a job, as a member of the active committee. `committee_epoch` is that of the stake config.
pub fn assign_job(operator: &Pubkey, committee_epoch: u64, job: &Pubkey) -> Instruction {
    let accounts = accounts::AssignJob {
        operator: *operator,
        operator_entry: pda::operator(operator),
        stake_config: pda::stake_config(),
        committee: pda::committee(committee_epoch),
        config: pda::model_config(),
        job: *job,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::AssignJob {})
}

/// Reports that the job's operator is at work.
pub fn heartbeat(operator: &Pubkey, job: &Pubkey) -> Instruction {
    let accounts = accounts::Heartbeat {
        operator: *operator,
        config: pda::model_config(),
        job: *job,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::Heartbeat {})
}

/// Takes a job from an operator that has been silent for too long, or whose committee is no longer the active one.
pub fn release_job(job: &Pubkey) -> Instruction {
    let accounts = accounts::ReleaseJob {
        config: pda::model_config(),
        stake_config: pda::stake_config(),
        job: *job,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ReleaseJob {})
}

/// Posts the Merkle root of the training log and the number of its segments.
pub fn post_log(operator: &Pubkey, job: &Pubkey, args: PostLogArgs) -> Instruction {
    let accounts = accounts::PostLog {
        config: pda::model_config(),
        operator: *operator,
        job: *job,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::PostLog { args })
}

/// Accepts a result for `job`, which is the account as read from the chain. Its committee must still be the active one,
/// whose epoch is `committee_epoch`. The committee's
/// [`crate::attestation::instruction`] must stand directly before.
pub fn attest_result(committee_epoch: u64, job: &Job, open_mint: &Pubkey, args: AttestResultArgs) -> Instruction {
    let address = pda::job(&job.model, job.number);
    let accounts = accounts::AttestResult {
        config: pda::model_config(),
        stake_config: pda::stake_config(),
        committee: pda::committee(committee_epoch),
        instructions: instructions::ID,
        model: job.model,
        job: address,
        escrow: pda::escrow(&address),
        requester: job.requester,
        requester_token: pda::token_account(&job.requester, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    let payees: Vec<_> = args
        .compute
        .iter()
        .map(|share| AccountMeta::new(pda::token_account(&share.operator, open_mint), false))
        .collect();
    let mut ix = build(ID, accounts, instruction::AttestResult { args });
    ix.accounts.extend(payees);
    ix
}

/// Pays the data share of `job` into the contributors' pool, through shard `shard` of the payout vault. `job` is the
/// account as read from the chain.
pub fn pay_data_share(job: &Job, shard: u8) -> Instruction {
    let address = pda::job(&job.model, job.number);
    let accounts = accounts::PayDataShare {
        config: pda::model_config(),
        job: address,
        escrow: pda::escrow(&address),
        requester: job.requester,
        payout_program: ::payout::ID,
        payout_config: pda::payout_config(),
        shard: pda::shard(shard),
        vault: pda::vault(shard),
        payout_event_authority: pda::event_authority(&::payout::ID),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::PayDataShare {})
}

/// Cancels `job` if nobody has taken it. `job` is the account as read from the chain.
pub fn cancel_job(canceller: &Pubkey, job: &Job, open_mint: &Pubkey) -> Instruction {
    let address = pda::job(&job.model, job.number);
    let accounts = accounts::CancelJob {
        canceller: *canceller,
        config: pda::model_config(),
        job: address,
        escrow: pda::escrow(&address),
        requester: job.requester,
        requester_token: pda::token_account(&job.requester, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::CancelJob {})
}

/// Ends `job` once it has run out of time. `job` is the account as read from the chain.
pub fn expire_job(job: &Job, open_mint: &Pubkey) -> Instruction {
    let address = pda::job(&job.model, job.number);
    let accounts = accounts::ExpireJob {
        config: pda::model_config(),
        job: address,
        escrow: pda::escrow(&address),
        requester: job.requester,
        requester_token: pda::token_account(&job.requester, open_mint),
        token_program: spl_token_interface::ID,
        event_authority: pda::event_authority(&ID),
        program: ID,
    };
    build(ID, accounts, instruction::ExpireJob {})
}
