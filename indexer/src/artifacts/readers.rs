//! Decides who may read a blob.
//!
//! What an operator has stored is public once the chain names it, but for what it hands in to a Datanet. Before, other
//! operators with a stake read it. Of all other blobs those are public that the
//! wallet itself names on the chain, such as a job's config, and the documents of an accepted batch of an open Datanet.
//! Nothing is public because nothing is known of it: a blob that came into the store in another way, or whose note the
//! database has lost, is nobody's until it is stored through the service, or the note is restored (`owners`). Everything else
//! is read by:
//!
//! - whoever has stored it,
//! - the owner of the Datanet that it was handed in to,
//! - validators with a seat on the panel of its batch. Once it is accepted, those with a seat on the panel of another
//!   batch of the Datanet, who look for copies,
//! - once it is accepted, members of the committee that is active or is forming, if a job on the Datanet runs or has made a
//!   model, and those of the committee that such a job was given to. The program has checked the requester's grant.

use super::{names, refusal::Refusal, service::Service};
use crate::db::DbError;
use datanet::state::Batch;
use openledger_protocol::Hash32;
use openledger_sdk::{
    flow::seat::Candidate,
    store::{Act, Key, Permit},
    text,
};
use solana_pubkey::Pubkey;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;
use warp::http::StatusCode;

/// How long a reader waits until the node is asked for its seat.
const ASKED_WITHIN: Duration = Duration::from_secs(5);
/// Most batches of a Datanet on whose panels a seat is looked for.
const MOST_BATCHES: i64 = 100;

const STANDING: &str = "WITH kept AS (SELECT wallet, operator FROM artifacts.upload WHERE hash = $1)
    SELECT EXISTS (SELECT 1 FROM kept),
           EXISTS (SELECT 1 FROM artifacts.upload WHERE hash = $1 AND named),
           EXISTS (SELECT 1 FROM artifacts.name n WHERE n.hash = $1 AND n.kind IN ('training', 'report', 'other'))
           AND EXISTS (SELECT 1 FROM kept k WHERE k.operator AND NOT EXISTS (
                   SELECT 1 FROM artifacts.batches($1) b JOIN batch_place p ON p.address = b.batch
                   WHERE p.contributor = k.wallet))
        OR EXISTS (SELECT 1 FROM artifacts.shown s JOIN kept USING (wallet) WHERE s.hash = $1)
        OR EXISTS (SELECT 1 FROM artifacts.batches($1) b
                   JOIN event n ON n.subject = b.datanet AND n.kind = 'DatanetCreated'
                   WHERE b.accepted AND n.data ->> 'access' = 'open')";

const ENTITLED: &str = "WITH mine AS MATERIALIZED (SELECT epoch, status FROM committee WHERE confirmed ? $2)
    SELECT EXISTS (SELECT 1 FROM artifacts.upload WHERE hash = $1 AND wallet = $2)
        OR EXISTS (SELECT 1 FROM artifacts.upload u WHERE u.hash = $1 AND u.operator AND NOT EXISTS (
                   SELECT 1 FROM artifacts.batches($1) b JOIN batch_place p ON p.address = b.batch
                   WHERE p.contributor = u.wallet))
           AND EXISTS (SELECT 1 FROM position s WHERE s.owner = $2 AND s.role = 'operator' AND s.amount::numeric > 0)
        OR EXISTS (SELECT 1 FROM artifacts.batches($1) b WHERE $2 = (
               SELECT o.data ->> 'owner' FROM event o WHERE o.subject = b.datanet
               AND o.kind IN ('DatanetCreated', 'DatanetChanged') ORDER BY o.sequence DESC LIMIT 1))
        OR EXISTS (SELECT 1 FROM artifacts.batches($1) b WHERE b.accepted AND EXISTS (SELECT 1 FROM mine)
               AND EXISTS (SELECT 1 FROM event j WHERE j.program = 'model' AND j.kind = 'JobRequested'
                           AND j.data -> 'snapshots' @> jsonb_build_array(jsonb_build_object('datanet', b.datanet))
                           AND NOT EXISTS (SELECT 1 FROM event x WHERE x.subject = j.subject AND x.kind = 'JobEnded')
                           AND EXISTS (SELECT 1 FROM mine c WHERE (c.status <> 'retired'
                               OR c.epoch = (SELECT (a.data ->> 'committee_epoch')::bigint FROM event a
                                             WHERE a.subject = j.subject AND a.kind = 'JobAssigned'
                                             ORDER BY a.sequence DESC LIMIT 1)))))";

/// Batches under review whose panels may read the blob: its own first, and of accepted blobs all of the Datanet, the newest
/// first.
const PANELS: &str = "
    WITH own AS (SELECT * FROM artifacts.batches($1)),
         asked AS (SELECT batch, true AS own FROM own WHERE NOT decided
                   UNION ALL
                   SELECT p.address, false FROM batch_place p
                   WHERE p.status = 'review' AND p.datanet IN (SELECT datanet FROM own WHERE accepted))
    SELECT p.address FROM asked a JOIN batch_place p ON p.address = a.batch
    WHERE p.status = 'review' GROUP BY p.address, p.slot, p.id ORDER BY bool_or(a.own) DESC, p.slot DESC, p.id DESC LIMIT $2";

/// What is known of a blob by what is indexed so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Everybody may read it.
    Public,
    /// Somebody has stored it, and not everybody may read it. `named` is whether the chain names it: then what it says about
    /// that name is looked at with every request.
    Private { named: bool },
    /// Nobody is known to have stored it.
    Unknown,
}

/// Whether everybody may read `key`. Fails unless that is so, or the wallet of the permit in `header` may read it.
pub async fn admit(service: &Service, key: &Key, header: Option<&str>) -> Result<bool, Refusal> {
    let Key::Blob(hash) = key else { return Ok(true) };
    let unsigned = || Refusal::new(StatusCode::UNAUTHORIZED, format!("{key} is not public: sign a permit to read it"));
    match standing(service, hash).await? {
        Standing::Public => return Ok(true),
        Standing::Unknown if service.head(key).await?.is_none() => return Err(Refusal::absent(key)),
        Standing::Private { named: true } if header.is_none() => return Err(unsigned()),
        Standing::Private { .. } | Standing::Unknown => {}
    }
    let wallet = header.map(|header| wallet(service, key, header)).transpose()?;
    if let Some(wallet) = &wallet
        && may_read(service, hash, wallet).await?
    {
        return Ok(false);
    }
    // The chain may have named it just now.
    names::refresh(service).await?;
    if is_public(service, hash).await? {
        return Ok(true);
    }
    let wallet = wallet.ok_or_else(unsigned)?;
    if may_read(service, hash, &wallet).await? {
        return Ok(false);
    }
    Err(Refusal::forbidden(format!(
        "{wallet} may not read {key}: it is neither public, nor stored by it, nor handed in to a Datanet for which it is \
         owner, validator or operator"
    )))
}

fn wallet(service: &Service, key: &Key, header: &str) -> Result<Pubkey, Refusal> {
    let unsigned = |error: String| Refusal::new(StatusCode::UNAUTHORIZED, error);
    let permit = Permit::from_header(header).map_err(unsigned)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let named = permit.check(Act::Read, &service.name, now).map_err(|error| unsigned(error.to_string()))?;
    match named == *key {
        true => Ok(permit.wallet),
        false => Err(unsigned(format!("the permit is for {named}, not for {key}"))),
    }
}

/// Whether everybody may read the blob, by what is indexed so far.
pub async fn is_public(service: &Service, hash: &Hash32) -> Result<bool, DbError> {
    Ok(standing(service, hash).await? == Standing::Public)
}

async fn standing(service: &Service, hash: &Hash32) -> Result<Standing, DbError> {
    let row = service.db.query_one(STANDING, &[&hash.as_slice()]).await?;
    Ok(match (row.get(0), row.get(1), row.get(2)) {
        (_, _, true) => Standing::Public,
        (true, named, false) => Standing::Private { named },
        (false, _, false) => Standing::Unknown,
    })
}

async fn may_read(service: &Service, hash: &Hash32, wallet: &Pubkey) -> Result<bool, Refusal> {
    match is_entitled(service, hash, wallet).await {
        Ok(true) => Ok(true),
        // A seat is found even where the other look took too long.
        other => Ok(has_seat(service, hash, wallet).await? || other?),
    }
}

async fn is_entitled(service: &Service, hash: &Hash32, wallet: &Pubkey) -> Result<bool, DbError> {
    Ok(service.db.query_one(ENTITLED, &[&hash.as_slice(), &wallet.to_string()]).await?.get(0))
}

/// Whether the wallet is drawn for a panel that may read the blob. The node says who is drawn.
async fn has_seat(service: &Service, hash: &Hash32, wallet: &Pubkey) -> Result<bool, Refusal> {
    let staked = "SELECT EXISTS (SELECT 1 FROM event WHERE kind = 'Staked' AND data ->> 'owner' = $1
                  AND data ->> 'role' = 'validator')";
    let staked: bool = service.db.query_one(staked, &[&wallet.to_string()]).await?.get(0);
    if !staked {
        return Ok(false);
    }
    let rows = service.db.query(PANELS, &[&hash.as_slice(), &MOST_BATCHES]).await?;
    let batches: Vec<Pubkey> = rows.iter().filter_map(|row| text::parse_key(row.get(0)).ok()).collect();
    if batches.iter().any(|batch| service.seats.has(&(*wallet, *batch))) {
        return Ok(true);
    }
    let batches: Vec<Pubkey> = batches.into_iter().filter(|batch| !service.unseated.has(&(*wallet, *batch))).collect();
    if batches.is_empty() {
        return Ok(false);
    }
    let busy = || Refusal::later(StatusCode::SERVICE_UNAVAILABLE, 1, "too many ask for panels: try again in a second");
    let asked = timeout(ASKED_WITHIN, service.asking.acquire()).await;
    let _asking = asked.map_err(|_| busy())?.map_err(|_| busy())?;
    let unavailable = |error| Refusal::unavailable("the node does not answer", &error);
    let candidate = Candidate::read(&service.client, wallet).await.map_err(unavailable)?;
    // Of each batch whether the wallet is drawn. A batch that is gone has no panel.
    let drawn: Vec<bool> = match candidate {
        Some(candidate) => {
            let found = service.client.accounts::<Batch>(&batches).await.map_err(unavailable)?;
            found.iter().map(|batch| batch.as_ref().and_then(|b| candidate.is_drawn(b)) == Some(true)).collect()
        }
        None => vec![false; batches.len()],
    };
    for (batch, drawn) in batches.iter().zip(&drawn) {
        if *drawn { &service.seats } else { &service.unseated }.note((*wallet, *batch));
    }
    Ok(drawn.contains(&true))
}
