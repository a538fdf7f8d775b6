//! Errors of the datanet program: the reason, and what to do about it.

use anchor_lang::prelude::*;

/// Errors of the datanet program.
#[error_code]
pub enum DatanetError {
    /// The signer of `initialize` is not the program's upgrade authority.
    #[msg("only the program's upgrade authority may initialise it: sign with that wallet")]
    NotUpgradeAuthority,
    /// The signer is not the config's authority.
    #[msg("only the config's authority may do this: sign with the wallet in config.authority")]
    NotAuthority,
    /// The signer is not the wallet named to take over the config.
    #[msg("only the wallet in config.pending_authority may accept: have the authority propose you first")]
    NotPendingAuthority,
    /// The signer does not own the Datanet.
    #[msg("only the Datanet's owner may do this: sign with the wallet in datanet.owner")]
    NotOwner,
    /// The signer is not the wallet named to take over the Datanet.
    #[msg("only the wallet in datanet.pending_owner may accept: have the owner propose you first")]
    NotPendingOwner,
    /// The signer did not open the batch.
    #[msg("only the batch's contributor may do this: sign with the wallet that opened it, or open your own batch")]
    NotContributor,
    /// A token account or the mint is not of OPEN.
    #[msg("wrong mint: use the OPEN mint and token accounts of that mint")]
    WrongMint,
    /// A token account belongs to somebody else.
    #[msg("wrong owner of a token account: use a token account that the named wallet owns")]
    WrongTokenOwner,
    /// A number of slots is zero or too large.
    #[msg("windows must be 1 to 10,000,000 slots")]
    BadWindow,
    /// A name is empty or too long, or has a control character.
    #[msg("name must be 1 to 64 bytes without control characters")]
    BadName,
    /// A URI is empty or too long, or has a control character.
    #[msg("metadata URI must be 1 to 128 bytes without control characters")]
    BadUri,
    /// A licence is empty or too long, or has a control character.
    #[msg("licence must be an SPDX expression of 1 to 64 bytes without control characters")]
    BadLicence,
    /// A panel of that size or with that quorum cannot decide.
    #[msg("panel size must be 1 to 9 and quorum 1 to panel size")]
    BadPanel,
    /// A purpose is empty or too long, or has a control character.
    #[msg("purpose must be 1 to 128 bytes without control characters")]
    BadPurpose,
    /// The Datanet's owner has paused it.
    #[msg("the Datanet is paused: wait until its owner lifts the pause")]
    Paused,
    /// The bond is below the Datanet's minimum.
    #[msg("bond too small: give at least datanet.min_bond base units")]
    BondTooSmall,
    /// The batch is not open.
    #[msg("the batch was submitted and cannot change any more: open another batch")]
    BatchNotOpen,
    /// The batch is not under review.
    #[msg("the batch is not under review: its contributor must submit it first")]
    BatchNotInReview,
    /// A batch or an instruction holds no leaves.
    #[msg("no leaves: contribute at least one")]
    NoLeaves,
    /// The batch would hold too many leaves.
    #[msg("the batch is full: a batch holds at most 65,535 contributions, open another one")]
    BatchFull,
    /// A leaf hash or a manifest hash is zero.
    #[msg("a hash is zero: give the SHA-256 of the content")]
    ZeroHash,
    /// A mountain range was inconsistent or full.
    #[msg("the mountain range is full or inconsistent")]
    Range,
    /// The window to commit has closed.
    #[msg("the window to commit has closed")]
    CommitClosed,
    /// Verdicts may not be revealed yet.
    #[msg("too early to reveal: wait until the slot after batch.commit_until, or until the panel is full")]
    RevealTooEarly,
    /// The window to reveal has closed.
    #[msg("the window to reveal has closed")]
    RevealClosed,
    /// Fewer validators committed than the quorum asks for.
    #[msg("fewer commitments than the quorum: nothing can be decided, expire the batch")]
    TooFewCommitments,
    /// No hash of a slot after submission is known yet.
    #[msg("the panel cannot be drawn yet: retry in the next slot")]
    DrawTooEarly,
    /// The hash that draws the panel has left the SlotHashes sysvar.
    #[msg("the panel was not drawn within 512 slots of submission: expire the batch and submit again")]
    DrawTooLate,
    /// The sysvar's bytes are not what they should be.
    #[msg("the SlotHashes sysvar could not be read")]
    BadSlotHashes,
    /// The panel was drawn before.
    #[msg("the panel is drawn already: commit your verdict")]
    AlreadyDrawn,
    /// The position is not the signer's validator position, or too small.
    #[msg("no validator stake: use your own validator position with at least stake_config.min_validator_stake")]
    NotValidator,
    /// The position changed after the batch was submitted.
    #[msg("stake changed after the batch was submitted: it does not count in this draw")]
    StakeTooYoung,
    /// The validator's ticket is not drawn for this batch.
    #[msg("your wallet is not drawn for this batch's panel")]
    NotDrawn,
    /// A contributor may not judge its own batch.
    #[msg("a contributor cannot review its own batch")]
    OwnBatch,
    /// The validator has committed already.
    #[msg("you have committed to a verdict on this batch already")]
    AlreadyCommitted,
    /// The panel has no room left.
    #[msg("the panel is full: nine validators have committed")]
    PanelFull,
    /// The validator has not committed.
    #[msg("you have not committed to a verdict on this batch")]
    NotCommitted,
    /// The validator has revealed already.
    #[msg("you have revealed your verdict on this batch already")]
    AlreadyRevealed,
    /// The revealed verdict does not match its commitment.
    #[msg("the verdict, quality and salt do not match your commitment")]
    CommitmentMismatch,
    /// A quality is out of range.
    #[msg("quality must be 0 to 10,000")]
    BadQuality,
    /// The panel has not decided yet.
    #[msg("not decided: a side needs the quorum and more verdicts than the other can still reach")]
    NotDecided,
    /// The batch can still be decided.
    #[msg("too early to expire: the batch can still be decided, or is decided and must be finalised")]
    ExpireTooEarly,
    /// The token account for the returning bond is missing.
    #[msg("name the contributor's OPEN token account: the bond returns there")]
    MissingBondAccount,
    /// The forfeited bond would go to another account than the config's `forfeit_to`.
    #[msg("wrong account for forfeited bonds: use config.forfeit_to")]
    WrongForfeitAccount,
    /// The Datanet is open to everyone.
    #[msg("the Datanet is open: no grant is needed")]
    AccessIsOpen,
    /// The grant is requested already and waits for the owner's decision.
    #[msg("a request is pending: wait until the owner grants or refuses it")]
    AlreadyRequested,
    /// The grant is live.
    #[msg("you hold a live grant already")]
    AlreadyGranted,
    /// The grant was revoked or refused.
    #[msg("the grant was revoked: the grantee must request access again")]
    GrantRevoked,
    /// The expiry slot has passed.
    #[msg("expiry slot must lie in the future")]
    BadExpiry,
    /// The grant is not live.
    #[msg("no live grant: it was not given, was revoked, or has expired; request access")]
    GrantNotLive,
    /// The grant belongs to somebody else or to another Datanet.
    #[msg("the grant is of another wallet or another Datanet: use your own grant")]
    WrongGrant,
    /// A proof of contribution does not hold.
    #[msg("the proof does not lead to the Datanet's present root: rebuild it from the ledger")]
    BadProof,
    /// The batch already has leaves.
    #[msg("the batch has leaves on the ledger: submit it, or hand in an empty one by its root")]
    NotEmpty,
    /// The count of a batch handed in by its root is zero or too large.
    #[msg("a batch handed in by its root has 1 to 1,048,576 leaves: split a larger one")]
    BadBulkCount,
}

impl From<openledger_protocol::mmr::RangeError> for DatanetError {
    fn from(e: openledger_protocol::mmr::RangeError) -> Self {
        use openledger_protocol::mmr::RangeError as R;
        match e {
            R::Full | R::Peaks => Self::Range,
            R::Index | R::Proof => Self::BadProof,
        }
    }
}
