//! Errors of the payout program.

use anchor_lang::prelude::*;

/// Why an instruction was refused, and what to do about it. Attestation errors are `stake::error::SharedError`.
#[error_code]
pub enum PayoutError {
    /// The signer is not the config's authority.
    #[msg("Only the config's authority may do this: sign with it")]
    NotAuthority,
    /// The signer is not the program's upgrade authority.
    #[msg("Only the program's upgrade authority may initialize it: sign with it")]
    NotUpgradeAuthority,
    /// The signer is not the authority that was proposed.
    #[msg("This key was not proposed as the authority: let the authority propose it first")]
    NotPendingAuthority,
    /// The mint is not the one in the stake program's config.
    #[msg("The OPEN mint must be the one of the stake program's config")]
    WrongMint,
    /// The shares do not sum to the whole.
    #[msg("The fee shares must sum to 10,000 basis points")]
    SharesNotWhole,
    /// A window is zero, too long, or does not fit the others.
    #[msg(
        "Windows must be positive and at most their maxima; challenge_slots and MAX_CHALLENGES times resolve_slots \
         together less than the stake program's unbond_slots"
    )]
    BadWindows,
    /// The circuit breaker's cap or window is out of bounds, so that claims could stop for good.
    #[msg(
        "The breaker needs a positive window of at most MAX_BREAKER_SLOTS, and a cap of at least MIN_BREAKER_CAP and \
         one base unit a slot of the window"
    )]
    BadBreaker,
    /// The shard is not the next one.
    #[msg("Shards are made in order: pass the config's number of shards as the index")]
    WrongShardIndex,
    /// There are as many shards as there can be.
    #[msg("There are 16 shards already")]
    TooManyShards,
    /// The vault is not the shard's.
    #[msg("Pass the shard's own vault")]
    WrongVault,
    /// The treasury is not the config's.
    #[msg("Pass the config's treasury token account")]
    WrongTreasury,
    /// The amount is zero.
    #[msg("The amount must be greater than zero")]
    ZeroAmount,
    /// The model is not ready.
    #[msg("The model is not ready: it has no attested adapter or is retired")]
    ModelNotReady,
    /// The parent owner's token account is missing or another's, or is given although there is no parent.
    #[msg("Pass upstream_token if and only if the model has a parent, owned by the parent's owner")]
    WrongUpstream,
    /// The committee account is not the active one.
    #[msg("Pass the active committee")]
    CommitteeNotActive,
    /// The operator is not in the active committee.
    #[msg("The operator is not a member of the active committee: choose one that is")]
    NotMember,
    /// The operator has not registered the capability to serve.
    #[msg("The operator does not serve: choose one with the capability serve")]
    NotServing,
    /// The epoch is not the next one to post.
    #[msg("The settlement must be for the epoch after the config's posted_epoch")]
    WrongEpoch,
    /// The epoch has not lasted `epoch_slots` yet.
    #[msg("The epoch is not over: post its settlement from epoch_start_slot + epoch_slots on")]
    EpochNotOver,
    /// The previous settlement is not active yet.
    #[msg("Activate the previous settlement first")]
    PreviousNotActive,
    /// The settlement does not start from the roots posted last.
    #[msg("The settlement must start from the roots posted last")]
    WrongPrevious,
    /// A lifetime total would fall.
    #[msg("A lifetime total must not fall")]
    TotalFell,
    /// A pool's lifetime total would exceed what was ever paid into it.
    #[msg("A lifetime total must not exceed what was ever paid into its pool")]
    OverFunded,
    /// The cutoff is outside the epoch.
    #[msg("The cutoff must lie after the config's settled_slot, neither in the future nor after the end of its epoch")]
    BadCutoff,
    /// The remaining accounts are not all shards in order.
    #[msg("Pass every shard once, in the order of their indices, as remaining accounts")]
    WrongShards,
    /// The settlement is not the next one to activate.
    #[msg("This settlement is not the one that waits for activation")]
    NotPosted,
    /// The challenge window is open.
    #[msg("The challenge window is open: activate from the settlement's active_after on")]
    ChallengeOpen,
    /// The proof does not lead to the active root.
    #[msg("The proof does not lead from this wallet, amount and index to the pool's active root")]
    BadProof,
    /// Everything earned is claimed.
    #[msg("Everything that this wallet earned in this pool is claimed")]
    NothingToClaim,
    /// The claim account is another wallet's.
    #[msg("Pass the claim account of this wallet")]
    WrongClaim,
    /// The token account is not the wallet's own.
    #[msg("Tokens go only to the wallet's associated token account for OPEN: create it if it is not there")]
    WrongTokenAccount,
    /// The shard has already paid out all that this pool put into it.
    #[msg("This shard has paid out all that this pool put into it: claim from another shard")]
    ShardExhausted,
    /// The circuit breaker lets nothing out of this shard now.
    #[msg("The circuit breaker holds this shard: claim from another shard or wait")]
    BreakerTripped,
    /// A share or its change is out of bounds.
    #[msg(
        "Contributors keep MIN_CONTRIBUTORS_BPS, the treasury has at most MAX_TREASURY_BPS, a share moves by MAX_STEP_BPS"
    )]
    FeesOutOfBounds,
    /// The bond of a challenge is out of bounds.
    #[msg("The challenge bond must be positive and at most MAX_CHALLENGE_BOND")]
    BadBond,
    /// The settlement is frozen.
    #[msg("A challenge freezes this settlement: wait until it is resolved or expires")]
    Challenged,
    /// The challenge window is over.
    #[msg("The challenge window is over: challenge before the settlement's active_after")]
    ChallengeClosed,
    /// The settlement was challenged as often as it may be.
    #[msg("This settlement was challenged MAX_CHALLENGES times already")]
    TooManyChallenges,
    /// The evidence is not named.
    #[msg("Name the evidence: a hash that is not zero and a URI of at most 200 bytes")]
    BadEvidence,
    /// The challenge is not about this settlement.
    #[msg("Pass the settlement that the challenge is about")]
    WrongSettlement,
    /// The bond would go to the wrong account.
    #[msg(
        "An upheld or expired challenge's bond goes to the challenger's token account, a dismissed one's to the treasury"
    )]
    WrongRecipient,
    /// The challenge may still be resolved.
    #[msg("The authority may still resolve this challenge: expire it after its resolve_by")]
    NotExpired,
    /// The attested use is not more than what was already debited.
    #[msg("The amount used must exceed what was debited before")]
    NothingUsed,
    /// The balance is too small.
    #[msg("The prepaid balance does not hold this much")]
    BalanceTooSmall,
    /// The accounts are not those of the attested debit.
    #[msg("Pass the model and the operator that the attestation names")]
    WrongDebit,
    /// The balance is another wallet's.
    #[msg("Only the balance's owner may do this: sign with its wallet")]
    NotOwner,
    /// No withdrawal was requested.
    #[msg("Nothing is on its way out of this balance: request_balance_withdrawal first")]
    NothingWithdrawing,
    /// The delay is not over.
    #[msg("The delay is not over: withdraw from the balance's withdraw_slot on")]
    WithdrawalTooEarly,
    /// The account is neither a shard nor a balance.
    #[msg("Pass a shard or a balance of this program")]
    NotAHolder,
    /// There is nothing to sweep.
    #[msg("The vault holds no more than what is counted")]
    NoDust,
    /// A part of the fee would go to a token account of somebody else.
    #[msg("Pass token accounts of the model's owner and of the operator's wallet")]
    WrongTokenOwner,
}
