//! Attempts to cheat. Each must be refused with the program's own error.

use crate::{data::Datanets, network::Network, people::Person, summary::Refusal, training::refusal};
use anyhow::{Context, Result, bail};
use datanet::instructions::{RangePath, VerifyContributionArgs};
use ed25519_dalek::{Signer as _, SigningKey};
use openledger_protocol::{mmr, rewards};
use openledger_sdk::{api::types::ClaimProof, attestation, ix, pda, text::parse_hash};
use payout::{
    instructions::{ClaimArgs, PostSettlementArgs},
    state::{Config, Pool, PoolRoot, Settlement},
};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use stake::state::Committee;

/// The state that the cheats start from.
pub struct Scene<'a> {
    /// The chain.
    pub network: &'a Network,
    /// The thief, who tries the cheats and pays the fees.
    pub thief: &'a Person,
    /// The Datanets and the rejected batch.
    pub datanets: &'a Datanets,
    /// The OPEN mint.
    pub mint: Pubkey,
    /// Wallet and claim proof of a contributor that has already claimed.
    pub claimed: (Pubkey, ClaimProof),
    /// Transaction that posted the settled epoch.
    pub settlement_signature: String,
}

impl Scene<'_> {
    /// Tries everything.
    pub async fn run(&self) -> Result<Vec<Refusal>> {
        let config: Config = self.network.client.account(&pda::payout_config()).await?;
        let stake: stake::state::Config = self.network.client.account(&pda::stake_config()).await?;
        let committee: Committee = self.network.client.account(&pda::committee(stake.committee_epoch)).await?;
        let slot = self.network.client.slot().await?;
        let honest = PostSettlementArgs {
            epoch: config.posted_epoch + 1,
            previous: config.posted,
            pools: config.posted,
            observations_root: [1; 32],
            report_hash: [2; 32],
            cutoff_slot: slot,
            expiry_slot: slot + 1_000,
        };
        let post = |args: &PostSettlementArgs| {
            ix::payout::post_settlement(&self.thief.address(), stake.committee_epoch, config.shards, args.clone())
        };
        let mut refused = Vec::new();

        // A key of the thief signs exactly the message that the program asks for.
        let message = attestation::settlement(&stake, config.sequence, &honest);
        let forger = SigningKey::from_bytes(&[66; 32]);
        let forged = attestation::instruction(
            &forger.verifying_key().to_bytes(),
            &forger.sign(&message.to_bytes()).to_bytes(),
            &message,
        );
        refused.push(self.attempt("settle with a forged signature", &[forged, post(&honest)]).await?);
        // The same signature, with the committee's key in the key's place.
        let impostor =
            attestation::instruction(&committee.group_key, &forger.sign(&message.to_bytes()).to_bytes(), &message);
        refused.push(
            self.attempt("settle with a signature that is not the committee's", &[impostor, post(&honest)]).await?,
        );

        // The committee's true signature of the settled epoch, before other roots and before the same roots again.
        let (genuine, settled) = self.genuine().await?;
        let mut other = honest.clone();
        other.pools[0] = PoolRoot { root: rewards::root(1, &[9; 32]), ..other.pools[0] };
        refused.push(
            self.attempt("use the committee's signature for another root", &[genuine.clone(), post(&other)]).await?,
        );
        // The epoch's settlement account exists already, so the thief names the next epoch's account, which does not
        // exist.
        let mut replay = post(&settled);
        let (old, next) = (pda::settlement(settled.epoch), pda::settlement(config.epoch));
        replay.accounts.iter_mut().filter(|a| a.pubkey == old).for_each(|a| a.pubkey = next);
        refused.push(self.attempt("replay the settled epoch", &[genuine, replay]).await?);

        let mut over = honest.clone();
        over.pools[0].lifetime_total = u64::MAX / 2;
        let message = attestation::settlement(&stake, config.sequence, &over);
        let signed = attestation::instruction(
            &forger.verifying_key().to_bytes(),
            &forger.sign(&message.to_bytes()).to_bytes(),
            &message,
        );
        refused.push(self.attempt("settle for more than was ever paid in", &[signed, post(&over)]).await?);

        let (wallet, proof) = &self.claimed;
        let args = ClaimArgs {
            pool: if proof.pool == "validators" { Pool::Validators } else { Pool::Contributors },
            lifetime: proof.lifetime.0,
            index: proof.index,
            proof: proof.proof.iter().map(|h| parse_hash(h)).collect::<Result<_, _>>()?,
        };
        let claim = |wallet: &Pubkey| ix::payout::claim(&self.thief.address(), wallet, &self.mint, 0, args.clone());
        let own = ix::token::create_account(&self.thief.address(), &self.thief.address(), &self.mint);
        self.network.client.send(&[own], &[&self.thief.key]).await?;
        refused.push(self.attempt("claim what another wallet earned", &[claim(&self.thief.address())]).await?);
        refused.push(self.attempt("claim a second time", &[claim(wallet)]).await?);
        refused.push(self.attempt("prove a rejected batch's document", &[self.rejected_proof()?]).await?);
        Ok(refused)
    }

    async fn attempt(&self, what: &str, instructions: &[Instruction]) -> Result<Refusal> {
        match self.network.client.send(instructions, &[&self.thief.key]).await {
            Ok(signature) => bail!("attempt to {what} succeeded: {signature}"),
            Err(e) => Ok(refusal(what, &e)),
        }
    }

    /// The Ed25519 instruction and the arguments of the settlement that was accepted.
    async fn genuine(&self) -> Result<(Instruction, PostSettlementArgs)> {
        use anchor_lang::{AnchorDeserialize, Discriminator};
        let signature = self.settlement_signature.parse()?;
        let transaction = self.network.client.transaction(&signature, std::time::Duration::from_secs(10)).await?;
        let versioned = transaction.transaction.transaction.decode().context("a transaction in binary form")?;
        let keys = versioned.message.static_account_keys();
        let (mut genuine, mut args) = (None, None);
        for ix in versioned.message.instructions() {
            let program = keys[ix.program_id_index as usize];
            if program == solana_sdk_ids::ed25519_program::ID {
                genuine = Some(Instruction { program_id: program, accounts: vec![], data: ix.data.clone() });
            } else if let Some(mut data) = ix.data.strip_prefix(payout::instruction::PostSettlement::DISCRIMINATOR) {
                args = Some(PostSettlementArgs::deserialize(&mut data)?);
            }
        }
        let args = args.context("the settlement's transaction posts a settlement")?;
        let _: Settlement = self.network.client.account(&pda::settlement(args.epoch)).await?;
        Ok((genuine.context("the settlement's transaction carries a signature")?, args))
    }

    /// The best possible proof for a document of the rejected batch. It is valid inside the batch, but the batch is in
    /// no Datanet's root.
    fn rejected_proof(&self) -> Result<Instruction> {
        let rejected = &self.datanets.rejected;
        let path = |leaves: &[[u8; 32]], index: u64| -> Result<RangePath> {
            let proof = mmr::prove(leaves, index).map_err(|e| anyhow::anyhow!("{e:?}"))?;
            Ok(RangePath { index: proof.index, siblings: proof.siblings, peaks: proof.peaks })
        };
        let args = VerifyContributionArgs {
            leaf: rejected.leaves[0],
            batch_index: rejected.index,
            contributor: rejected.contributor,
            batch_root: mmr::root_of(&rejected.leaves),
            batch_count: rejected.leaves.len() as u64,
            in_batch: path(&rejected.leaves, 0)?,
            in_datanet: path(&rejected.accepted, 0)?,
        };
        Ok(ix::datanet::verify_contribution(&rejected.datanet, args))
    }
}
