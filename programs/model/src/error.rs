//! Errors of the model program: the reason, and what to do about it.

use anchor_lang::prelude::*;

/// Errors of the model program.
#[error_code]
pub enum ModelError {
    /// The signer of `initialize` is not the program's upgrade authority.
    #[msg("only the program's upgrade authority may initialise it: sign with that wallet")]
    NotUpgradeAuthority,
    /// The signer is not the config's authority.
    #[msg("only the config's authority may do this: sign with the wallet in config.authority")]
    NotAuthority,
    /// The signer is not the wallet named to take over the config.
    #[msg("only the wallet in config.pending_authority may accept: have the authority propose you first")]
    NotPendingAuthority,
    /// The signer does not own the model.
    #[msg("only the model's owner may do this: sign with the wallet in model.owner")]
    NotModelOwner,
    /// A token account or the mint is not of OPEN.
    #[msg("wrong mint: use the OPEN mint and token accounts of that mint")]
    WrongMint,
    /// A token account belongs to somebody else.
    #[msg("wrong owner of a token account: use a token account that the named wallet owns")]
    WrongTokenOwner,
    /// A number of slots is zero or too large.
    #[msg("windows must be 1 to 100,000,000 slots")]
    BadWindow,
    /// The data share is too large.
    #[msg("the data share is at most 5,000 basis points of a training fee")]
    BadDataShare,
    /// A name is empty or too long, or has a control character.
    #[msg("name must be 1 to 64 bytes without control characters")]
    BadName,
    /// A hash is zero.
    #[msg("a hash is zero: give the SHA-256 of the content")]
    ZeroHash,
    /// The parent model is not ready: it is a draft or retired.
    #[msg("the parent model is not ready: build on a model with an attested adapter")]
    ParentNotReady,
    /// The parent builds on another base model.
    #[msg("the parent model has another base: give the parent's base_hash")]
    ParentBaseDiffers,
    /// The model is retired.
    #[msg("the model is retired: register another one")]
    Retired,
    /// The budget is zero.
    #[msg("budget must be at least one base unit")]
    ZeroBudget,
    /// No Datanet, or more than a job can read.
    #[msg("a job reads 1 to 8 Datanets: pass their accounts as remaining accounts")]
    BadDatanetCount,
    /// A remaining account is not a Datanet.
    #[msg("remaining accounts must be, for each Datanet, its account and then your grant if it is permissioned")]
    WrongDatanet,
    /// A Datanet is named twice.
    #[msg("a Datanet is named twice: name each once")]
    DuplicateDatanet,
    /// A Datanet has no accepted batch.
    #[msg("the Datanet has no accepted batch: there is nothing to train on")]
    EmptyDatanet,
    /// The grant for a permissioned Datanet is missing.
    #[msg("the Datanet is permissioned: pass your grant (writable) directly after it")]
    MissingGrant,
    /// The job is not waiting for an operator.
    #[msg("the job is not waiting for an operator: it was assigned, cancelled or has ended")]
    JobNotRequested,
    /// The job is not running.
    #[msg("the job is not running: it is not assigned yet or has ended")]
    JobNotRunning,
    /// The operator account is not the signer's.
    #[msg("not your operator entry: register as an operator and sign with its owner's wallet")]
    NotOperator,
    /// The operator has not registered the capability to train.
    #[msg("the operator lacks the capability to train: set bit 0 of its capabilities")]
    CannotTrain,
    /// A wallet is not in the active committee.
    #[msg("not a member of the active committee: only its members may train and be paid for it")]
    NotMember,
    /// The signer is not the operator that took the job.
    #[msg("only the operator that took the job may do this")]
    NotAssigned,
    /// The job's deadline has passed.
    #[msg("the job's deadline has passed: expire it")]
    DeadlinePassed,
    /// The log was posted before.
    #[msg("the log's root is posted already: it cannot change while the job's committee is active")]
    LogPosted,
    /// The log was not posted.
    #[msg("the operator must post the log's root before a result is accepted")]
    LogMissing,
    /// Too many shares of compute.
    #[msg("a result pays at most 8 operators")]
    TooManyShares,
    /// An operator is named twice.
    #[msg("an operator is named twice: add its shares up")]
    DuplicateOperator,
    /// The shares exceed the budget.
    #[msg("the shares of compute and the data share on them exceed the job's budget")]
    OverBudget,
    /// Remaining accounts do not match the shares.
    #[msg("pass one token account per share of compute, in the same order")]
    WrongPayeeCount,
    /// A payee's account is not its operator's OPEN token account.
    #[msg("a payee's account is not an OPEN token account of its operator")]
    WrongPayee,
    /// Only the requester may cancel the job this early.
    #[msg("too early: until the job has waited config.assign_slots only its requester may cancel it")]
    CancelTooEarly,
    /// The job's deadline has not passed.
    #[msg("too early to expire: the job has time until job.deadline_slot")]
    ExpireTooEarly,
    /// The account for the escrow's rent is not the job's requester.
    #[msg("wrong requester: pass the wallet in job.requester")]
    WrongRequester,
    /// The account belongs to another job or model.
    #[msg("the account belongs to another job or model")]
    WrongJob,
    /// No data share is waiting in the escrow.
    #[msg("no data share waits in this job's escrow: it has no result, none was due, or it is paid")]
    NoDataShare,
    /// The account is not the payout program.
    #[msg("pass the payout program")]
    NotPayout,
    /// A share pays an operator that did no work.
    #[msg("a share pays for no work: give its units, or leave it out")]
    PaidForNothing,
    /// The chain of parents is too long.
    #[msg("the parent has 8 models below it already: build on one that has fewer")]
    TooDeep,
    /// The operator has sent a heartbeat within `heartbeat_slots`.
    #[msg("the operator has given a sign of life: wait until job.heartbeat_slots have passed after it")]
    OperatorAlive,
    /// The job is pinned to another committee than the active one.
    #[msg("another committee is active than the job's: release the job, so that the present committee takes it")]
    OtherCommittee,
    /// The number of segments is zero or too large.
    #[msg("a training log has 1 to 64 segments: set train.checkpoint_every so that it does")]
    BadSegments,
    /// The job is kept for the operator whose log was posted when its committee was succeeded.
    #[msg(
        "the job is kept for the operator in job.former: wait until job.heartbeat_slots have passed after job.waiting_slot"
    )]
    JobKept,
    /// The time in which operators may take the job is over.
    #[msg("the time to take this job is over since job.taking_slot: cancel it, and request another")]
    TakingOver,
}
