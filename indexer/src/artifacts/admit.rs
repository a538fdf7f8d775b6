//! Decides whether a wallet may store an artifact, before one byte of it is read.

use super::{active::Place, class::Class, facts, limits::counted, refusal::Refusal, service::Service, table};
use openledger_protocol::Hash32;
use openledger_sdk::store::{Act, Key, Permit, PermitError};
use solana_pubkey::Pubkey;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;
use warp::http::StatusCode;

/// How long an answer waits for its payment: its operator may have seen the payment before the index.
const INDEXED_WITHIN: Duration = Duration::from_secs(2);
/// How long summing what a class has may take.
const SUMMED_WITHIN: Duration = Duration::from_secs(2);
/// Pause between two looks for it.
const LOOK: Duration = Duration::from_millis(50);

/// An upload that may go on.
#[derive(Debug)]
pub struct Admitted {
    /// The artifact.
    pub key: Key,
    /// The wallet's permit.
    pub permit: Permit,
    /// The wallet's identity key if it is a registered operator's.
    pub identity: Option<Pubkey>,
    /// What the wallet has to lose.
    pub class: Class,
    _place: Place,
}

/// Admits the upload of `key` by the permit in a request's header.
pub async fn admit(service: &Service, key: Key, header: Option<&str>) -> Result<Admitted, Refusal> {
    let unsigned = |error: String| Refusal::new(StatusCode::UNAUTHORIZED, error);
    let header = header.ok_or_else(|| {
        unsigned(format!("only what a wallet signs is stored: the header {} is missing", Permit::HEADER))
    })?;
    let permit = Permit::from_header(header).map_err(unsigned)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let named = permit.check(Act::Store, &service.name, now).map_err(|error| match &error {
        PermitError::Key(_) | PermitError::Hash { .. } => Refusal::bad(error.to_string()),
        _ => unsigned(error.to_string()),
    })?;
    if named != key {
        return Err(unsigned(format!("the permit is for {named}, not for {key}")));
    }
    let identity = facts::identity(&service.db, &permit.wallet).await?;
    let class = Class::of(&service.db, &permit.wallet, identity.as_ref()).await?;
    let longest = service.limits.longest(&key, class.is_operator());
    if permit.bytes > longest {
        let error = format!("{key} has {} bytes, and at most {longest} are taken from {}", permit.bytes, permit.wallet);
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error));
    }
    let limits = &service.limits;
    let bytes = counted(permit.bytes);
    let statement = !matches!(key, Key::Blob(_));
    let place = service.active.enter(permit.wallet, class, statement, bytes, limits.at_a_time, limits.uploads);
    let place = place.ok_or_else(|| {
        let error = format!("at most {} uploads of a wallet run at a time", limits.at_a_time);
        Refusal::later(StatusCode::TOO_MANY_REQUESTS, 1, error)
    })?;
    may_write(service, &key, &permit.wallet, identity.is_some()).await?;
    Ok(Admitted { key, permit, identity, class, _place: place })
}

/// Blobs are anybody's. The other artifacts are of those who are to write them by the chain.
async fn may_write(service: &Service, key: &Key, wallet: &Pubkey, operator: bool) -> Result<(), Refusal> {
    match key {
        Key::Blob(_) => Ok(()),
        Key::Answer(_) if !operator => {
            Err(Refusal::forbidden(format!("{wallet} has registered no operator, so it may not store {key}")))
        }
        Key::Answer(request) => match paid_operator(service, request).await? {
            Some(paid) if paid == *wallet => Ok(()),
            Some(paid) => Err(Refusal::forbidden(format!("{paid} was paid for this answer, not {wallet}"))),
            None => Err(Refusal::later(
                StatusCode::SERVICE_UNAVAILABLE,
                1,
                format!(
                    "no payment of request {} is indexed: if it is new, try again in a second",
                    hex::encode(request)
                ),
            )),
        },
        Key::Audit { operator: author, .. } if author != wallet => {
            Err(Refusal::forbidden(format!("{wallet} may not store an audit by {author}")))
        }
        Key::Audit { .. } | Key::Report { .. } if !operator => {
            Err(Refusal::forbidden(format!("{wallet} has registered no operator, so it may not store {key}")))
        }
        Key::Audit { .. } | Key::Report { .. } => Ok(()),
    }
}

/// The operator that was paid for a request. Waits a little for what is not indexed yet.
async fn paid_operator(service: &Service, request: &Hash32) -> Result<Option<Pubkey>, Refusal> {
    let until = Instant::now() + INDEXED_WITHIN;
    loop {
        let paid = facts::paid_operator(&service.db, request).await?;
        if paid.is_some() || Instant::now() > until {
            return Ok(paid);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Refuses an artifact that would take more than the wallet's quota. It is asked only for what is not there yet.
pub async fn within_quota(service: &Service, admitted: &Admitted) -> Result<(), Refusal> {
    let (wallet, class, limits) = (&admitted.permit.wallet, admitted.class, &service.limits);
    let within = |own: u64, most: u64| {
        if own <= most {
            return Ok(());
        }
        service.metrics.over_quota.inc();
        if class == Class::Stranger && own <= limits.unsettled {
            let error = format!(
                "{wallet} would have {own} bytes here, and at most {most} are taken from a wallet that has nothing at stake: \
                 open a batch with a bond or request a job first; if that is new, try again in a second"
            );
            return Err(Refusal::later(StatusCode::SERVICE_UNAVAILABLE, 1, error));
        }
        Err(Refusal::forbidden(format!(
            "{wallet} would have {own} bytes here that nobody has accepted yet, and at most {most} are taken: hand in what is \
             here and wait for the validators, hand in fewer files at once, or wait until it is swept"
        )))
    };
    let unfinished = service.parts.usage(wallet, class)?;
    // The admitted upload itself is among those that are running, here and below.
    if !matches!(admitted.key, Key::Blob(_)) {
        let under_way = service.active.statements(wallet).max(unfinished.own_statements);
        let answers = matches!(admitted.key, Key::Answer(_));
        return within(table::unnamed_statements(&service.db, wallet, answers).await? + under_way, limits.statements);
    }
    let held = table::unsettled(&service.db, wallet, &admitted.permit.hash).await?;
    let of_class = of_class(service, class).await?;
    let (running, all_running) = service.active.bytes(wallet, class);
    let own = held.own + held.originals.saturating_sub(limits.originals) + running.max(unfinished.own_bytes);
    within(own, limits.unsettled(class, facts::bonded(&service.db, wallet).await?))?;
    if of_class.saturating_add(all_running.max(unfinished.all_bytes)) > limits.of_all(class) {
        service.metrics.over_quota.inc();
        let error = "too much is here that nobody has accepted yet: try again later";
        return Err(Refusal::later(StatusCode::INSUFFICIENT_STORAGE, 60, error));
    }
    Ok(())
}

/// What all wallets of a class have here that nobody has accepted. It is summed once in a while, because all rows are looked at.
/// What is stored meanwhile is not in it; a wallet's own quota is exact.
async fn of_class(service: &Service, class: Class) -> Result<u64, Refusal> {
    let mut sums = service.sums.lock().await;
    if let Some((at, sum)) = sums.get(&class)
        && at.elapsed() < service.limits.summed_every
    {
        return Ok(*sum);
    }
    // A long look must not hold up all uploads: then what was known before holds.
    let sum = match timeout(SUMMED_WITHIN, table::unsettled_of(&service.looking, class)).await {
        Ok(sum) => sum?,
        Err(_) => match sums.get(&class) {
            Some((_, sum)) => *sum,
            None => {
                let error = "what is here is still being counted: try again later";
                return Err(Refusal::later(StatusCode::SERVICE_UNAVAILABLE, 5, error));
            }
        },
    };
    sums.insert(class, (Instant::now(), sum));
    Ok(sum)
}

/// Refuses to begin one more upload in parts where too many are unfinished.
pub fn may_begin(service: &Service, admitted: &Admitted) -> Result<(), Refusal> {
    let (wallet, limits) = (&admitted.permit.wallet, &service.limits);
    let unfinished = service.parts.usage(wallet, admitted.class)?;
    if unfinished.own >= limits.unfinished || unfinished.all >= limits.all_unfinished {
        service.metrics.over_quota.inc();
        let error = format!("{wallet} has {} unfinished uploads here: go on with those first", unfinished.own);
        return Err(Refusal::later(StatusCode::TOO_MANY_REQUESTS, 5, error));
    }
    Ok(())
}
