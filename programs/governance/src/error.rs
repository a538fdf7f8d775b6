//! Errors of the governance program.

use anchor_lang::prelude::*;

/// Why an instruction of the governance program was refused, and what to do about it.
#[error_code]
pub enum GovernanceError {
    /// The signer is not the program's upgrade authority.
    #[msg("Only the program's upgrade authority may initialize it: sign with it")]
    NotUpgradeAuthority,
    /// The signer is not the governance authority.
    #[msg("Only a proposal that passed may do this: propose it")]
    NotAuthority,
    /// The signer is not the guardian.
    #[msg("Only the guardian in the config may do this: sign with it")]
    NotGuardian,
    /// The signer is not the proposer.
    #[msg("Only the wallet that made the proposal may do this: sign with it")]
    NotProposer,
    /// The quorum is out of bounds.
    #[msg("The quorum must be from 1 to 5,000 basis points: weight is less than locked OPEN, and falls")]
    BadQuorum,
    /// The threshold is too high.
    #[msg("The proposal threshold must be at most 1 % of all OPEN")]
    BadThreshold,
    /// A window is below its floor or too long.
    #[msg(
        "Voting and timelock must not fall below the config's floors, nor a window below 1 or above 19,440,000 slots"
    )]
    BadWindow,
    /// The description's URI is too long.
    #[msg("The description's URI must have from 1 to 128 bytes")]
    BadUri,
    /// The signer is not the lock's delegate.
    #[msg("This wallet does not vote with this lock: sign as its delegate, or as its owner where there is none")]
    NotDelegate,
    /// The lock has too little weight to propose.
    #[msg("The lock weighs less than the proposal threshold: lock more, for longer, or have it delegated to you")]
    BelowThreshold,
    /// The proposal is not in the state that the instruction needs.
    #[msg("The proposal is not in the state that this needs: see its state")]
    WrongState,
    /// The proposal has the most instructions that it may have.
    #[msg("A proposal has at most 16 instructions")]
    TooManyInstructions,
    /// The proposal has no instruction.
    #[msg("Add at least one instruction first")]
    NoInstructions,
    /// The instruction is too large.
    #[msg("A proposed instruction has at most 24 accounts and 768 bytes of data")]
    InstructionTooLarge,
    /// The instruction needs another signer than the authority.
    #[msg("Only the governance authority can sign a proposed instruction: mark no other account as a signer")]
    ForeignSigner,
    /// The instruction calls governance itself, for something else than its parameters or guardian.
    #[msg("A proposal may call governance itself only with set_parameters or set_guardian")]
    SelfCall,
    /// No OPEN is locked, so nobody could vote.
    #[msg("No OPEN is locked: a proposal needs somebody who can vote")]
    NothingLocked,
    /// Voting is over.
    #[msg("Voting is over: queue the proposal")]
    VotingOver,
    /// Voting is not over.
    #[msg("Voting goes on: wait until the proposal's voting_end_slot")]
    VotingNotOver,
    /// The lock has no weight in this vote.
    #[msg("The lock has no weight in this vote: it was made, changed or over when voting began")]
    NoWeight,
    /// The timelock is not over.
    #[msg("The timelock is not over: execute from the proposal's executable_slot on")]
    TimelockNotOver,
    /// The proposal's time to be queued or executed is over.
    #[msg("The proposal has expired: it was not queued or executed in time; propose it again")]
    TooLate,
    /// The proposal can still be queued or executed.
    #[msg("The proposal has not expired: wait until its expiry_slot")]
    NotTooLate,
    /// The accounts are not those of the proposed instruction.
    #[msg("Pass exactly the proposed instruction's program, and its accounts in order")]
    WrongAccounts,
    /// The guardian may not veto a proposal that only replaces the guardian.
    #[msg("The guardian cannot veto a proposal that does nothing but replace the guardian")]
    GuardianMayNotVeto,
    /// The program is not one that the guardian may pause.
    #[msg("The guardian may pause the stake, datanet, model and payout programs only")]
    NotPausable,
    /// The guardian paused this program less than `MAX_PAUSE_SLOTS` after its last pause.
    #[msg(
        "The guardian paused this program lately: a proposal can pause it now, the guardian from pause_again_from on"
    )]
    PausedLately,
    /// There is no pause of the guardian to end.
    #[msg("The guardian can only end a pause of its own that lasts: name a slot in the future")]
    NoPauseToEnd,
}
