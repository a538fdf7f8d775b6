//! Deploys a program through the upgradeable loader, as on any cluster.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use solana_client::{
    nonblocking::rpc_client::RpcClient, rpc_config::RpcSendTransactionConfig, rpc_request::RpcRequest,
};
use solana_keypair::Keypair;
use solana_loader_v3_interface::{instruction as loader, state::UpgradeableLoaderState};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::Transaction;
use std::time::Duration;

/// Bytes of a program in one transaction.
const CHUNK: usize = 1_000;
/// Most writes in flight at once.
const GROUP: usize = 128;
/// A failed write fails the deployment anyway, so simulating each write first would only double the work.
const NO_PREFLIGHT: RpcSendTransactionConfig = RpcSendTransactionConfig {
    skip_preflight: true,
    preflight_commitment: None,
    encoding: None,
    max_retries: None,
    min_context_slot: None,
};

/// Deploys `so` at `program`'s address with `payer` as upgrade authority. It calls `written` with the bytes written so
/// far.
pub async fn deploy(
    rpc: &RpcClient,
    payer: &Keypair,
    program: &Keypair,
    so: &[u8],
    mut written: impl FnMut(usize),
) -> Result<()> {
    let buffer = Keypair::new();
    let space = UpgradeableLoaderState::size_of_buffer(so.len());
    let rent = rpc.get_minimum_balance_for_rent_exemption(space).await?;
    let create = loader::create_buffer(&payer.pubkey(), &buffer.pubkey(), &payer.pubkey(), rent, so.len())?;
    send(rpc, &create, payer, &[payer, &buffer]).await.context("creating the program's buffer")?;
    let chunks: Vec<(usize, &[u8])> = so.chunks(CHUNK).enumerate().collect();
    for group in chunks.chunks(GROUP) {
        let blockhash = rpc.get_latest_blockhash().await?;
        let writes = group.iter().map(|(i, chunk)| {
            let write = loader::write(&buffer.pubkey(), &payer.pubkey(), (i * CHUNK) as u32, chunk.to_vec());
            let tx = Transaction::new_signed_with_payer(&[write], Some(&payer.pubkey()), &[payer], blockhash);
            async move { rpc.send_transaction_with_config(&tx, NO_PREFLIGHT).await }
        });
        let mut pending = futures::future::try_join_all(writes).await.context("writing the program")?;
        confirm(rpc, &mut pending).await?;
        written(group.last().map_or(0, |(i, chunk)| i * CHUNK + chunk.len()));
    }
    let rent = rpc.get_minimum_balance_for_rent_exemption(UpgradeableLoaderState::size_of_program()).await?;
    #[allow(deprecated)] // loader v4 is not active on any public cluster
    let deploy = loader::deploy_with_max_program_len(
        &payer.pubkey(),
        &program.pubkey(),
        &buffer.pubkey(),
        &payer.pubkey(),
        rent,
        so.len(),
        true,
    )?;
    send(rpc, &deploy, payer, &[payer, program]).await.context("deploying the program")?;
    Ok(())
}

/// Writes `so` to the accounts of `program` by the local node's own method, which no cluster has.
pub async fn put(rpc: &RpcClient, authority: &Pubkey, program: &Pubkey, so: &[u8]) -> Result<()> {
    let method = RpcRequest::Custom { method: "surfnet_writeProgram" };
    let arguments = json!([program.to_string(), hex::encode(so), 0, authority.to_string()]);
    let _: serde_json::Value =
        rpc.send(method, arguments).await.with_context(|| format!("putting program {program}"))?;
    Ok(())
}

async fn send(
    rpc: &RpcClient,
    instructions: &[solana_instruction::Instruction],
    payer: &Keypair,
    signers: &[&Keypair],
) -> Result<()> {
    let blockhash = rpc.get_latest_blockhash().await?;
    let tx = Transaction::new_signed_with_payer(instructions, Some(&payer.pubkey()), signers, blockhash);
    let signature = rpc.send_transaction(&tx).await?;
    confirm(rpc, &mut vec![signature]).await
}

async fn confirm(rpc: &RpcClient, pending: &mut Vec<solana_transaction::Signature>) -> Result<()> {
    for _ in 0..600 {
        if pending.is_empty() {
            return Ok(());
        }
        let statuses = rpc.get_signature_statuses(pending).await?.value;
        let mut waiting = Vec::new();
        for (signature, status) in pending.iter().zip(statuses) {
            match status {
                Some(s) if s.err.is_some() => anyhow::bail!("{signature} failed: {:?}", s.err),
                Some(_) => {}
                None => waiting.push(*signature),
            }
        }
        *pending = waiting;
        if !pending.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    ensure!(pending.is_empty(), "{} transactions were not confirmed within 30 seconds", pending.len());
    Ok(())
}
