//! Asks a model: gets a quote, pays, asks, and checks the answer.

use super::open_mint;
use crate::{
    amount::format_open,
    api::{
        ApiError, ServeClient,
        serve::{ChatRequest, Piece, Quote},
    },
    client::Client,
    error::SdkError,
    price::price,
    receipt::{Answer, ReceiptError},
    text::{parse_hash, parse_key},
    wait::Wait,
    wallet::AnySigner,
};
use futures::StreamExt;
use model::state::Model;
use openledger_interface::{
    ix::{self, payout::Payment},
    pda,
};
use openledger_protocol::Hash32;
use payout::instructions::PayArgs;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use stake::state::{Committee, Operator, capability};
use std::time::Duration;

/// How long nodes may take to load a model that is asked for.
const LOADS_WITHIN: Duration = Duration::from_secs(120);

/// A node that serves answers.
#[derive(Clone, Debug)]
pub struct Server {
    /// The operator's wallet.
    pub wallet: Pubkey,
    /// Its identity key, which signs its answers.
    pub identity: Pubkey,
    /// The URL at which it is reached.
    pub endpoint: String,
}

/// An answer that was paid for and checked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The quote that was paid.
    pub quote: Quote,
    /// The payment.
    pub payment: Signature,
    /// The answer.
    pub answer: Answer,
}

impl Asked {
    /// Number of tokens that the operator counted in the prompt when it gave its quote, if the prompt of its answer has
    /// fewer: then it was paid for more than it read.
    pub fn overcounted(&self) -> Option<usize> {
        Some(self.quote.prompt_tokens).filter(|quoted| *quoted > self.answer.prompt_tokens.len())
    }
}

/// Returns the members of the active committee that serve, in the committee's order.
pub async fn servers(client: &Client) -> Result<Vec<Server>, SdkError> {
    let serving = members(client).await?.into_iter().filter(|(_, capabilities)| capabilities & capability::SERVE != 0);
    Ok(serving.map(|(server, _)| server).collect())
}

/// Returns the members of the active committee with what each registered for, in the committee's order.
pub async fn members(client: &Client) -> Result<Vec<(Server, u32)>, SdkError> {
    let config: stake::state::Config = client.account(&pda::stake_config()).await?;
    let committee: Committee = client.account(&pda::committee(config.committee_epoch)).await?;
    let addresses: Vec<Pubkey> = committee.members.iter().map(pda::operator).collect();
    let operators: Vec<Option<Operator>> = client.accounts(&addresses).await?;
    Ok(operators
        .into_iter()
        .flatten()
        .map(|o| (Server { wallet: o.owner, identity: o.identity, endpoint: o.endpoint }, o.capabilities))
        .collect())
}

/// A quote that is worth paying, and who gave it.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The node that gave it.
    pub server: Server,
    /// The quote. It is what was asked and no dearer than the model's price on chain.
    pub quote: Quote,
}

/// Asks `request.model` and pays at most `most` base units: takes an [`offer`] and does what [`answer_to`] does. If
/// `request.stream` is set, text goes to `on_text` as it arrives. The answer is checked before it is returned.
pub async fn ask(
    client: &Client,
    payer: &AnySigner,
    servers: &[Server],
    request: &ChatRequest,
    most: Option<u64>,
    on_text: impl FnMut(&str),
) -> Result<Asked, SdkError> {
    let offer = offer(client, servers, request, most).await?;
    answer_to(client, payer, &offer, request, on_text).await
}

/// Takes the first of `servers` that gives a good quote. A quote is passed over if it is for another model, by another
/// operator, for more tokens than were asked for, above the model's price on chain or above `most` base units. Nothing is
/// paid. While nodes still load the model and no other gives a quote, this asks them again, for up to two minutes.
pub async fn offer(
    client: &Client,
    servers: &[Server],
    request: &ChatRequest,
    most: Option<u64>,
) -> Result<Offer, SdkError> {
    if servers.is_empty() {
        let nobody = "no member of the active committee serves: wait for one";
        return Err(SdkError::Input(nobody.into()));
    }
    let model: Model = client.account(&parse_key(&request.model)?).await?;
    let mut loaded = Wait::new(format!("a node to load model {}", request.model), LOADS_WITHIN);
    loop {
        let (mut why, mut loading) = (None, false);
        for server in servers {
            let quoted = ServeClient::new(&server.endpoint).quote(request).await;
            loading |= quoted.as_ref().is_err_and(ApiError::is_loading);
            let quoted = quoted.map_err(SdkError::from);
            let checked = quoted.and_then(|quote| check_quote(&quote, server, request, &model, most).map(|()| quote));
            match checked {
                Ok(quote) => return Ok(Offer { server: server.clone(), quote }),
                Err(e) => {
                    tracing::debug!(endpoint = server.endpoint, error = %e, "no offer");
                    // What is wrong with a quote says more than that another node was not there.
                    why = why.filter(|before| !matches!(before, SdkError::Api(_))).or(Some(e));
                }
            }
        }
        if let Some(why) = why.filter(|_| !loading) {
            return Err(why);
        }
        loaded.pause().await?;
    }
}

/// Pays an offer and gets the answer to `request`.
///
/// If it is not known whether the payment was executed, the error is [`SdkError::Unknown`]. An error after the payment is
/// [`SdkError::Unanswered`]. Both name the request and the payment. With these, [`fetch`] gets the answer without paying
/// again.
pub async fn answer_to(
    client: &Client,
    payer: &AnySigner,
    offer: &Offer,
    request: &ChatRequest,
    on_text: impl FnMut(&str),
) -> Result<Asked, SdkError> {
    let Offer { server, quote } = offer;
    let named = parse_hash(&quote.request)?;
    let payment = pay(client, payer, quote).await?;
    collect(client, server, request, quote, &payment, on_text).await.map_err(|e| unanswered(named, payment, e))
}

fn unanswered(request: Hash32, payment: Signature, error: SdkError) -> SdkError {
    SdkError::Unanswered { request, payment, source: Box::new(error) }
}

/// Gets the answer to `request` that the transaction `payment` has paid for. If the operator has answered before, it does
/// not answer again, and no text goes to `on_text`. The answer is checked as [`collect`] does.
pub async fn fetch(
    client: &Client,
    servers: &[Server],
    request: &ChatRequest,
    payment: &Signature,
    on_text: impl FnMut(&str),
) -> Result<Asked, SdkError> {
    let paid = find_payment(client, &payment.to_string()).await?;
    if paid.model.to_string() != request.model {
        return Err(SdkError::Input(format!(
            "{payment} has paid for an answer of model {}, and {} is asked: name the model that is paid for",
            paid.model, request.model
        )));
    }
    let fail = |e| unanswered(paid.request, *payment, e);
    let former;
    let server = match servers.iter().find(|s| s.wallet == paid.operator) {
        Some(server) => server,
        // It may have left the committee since, and still have the answer.
        None => {
            let operator: Operator = client.account(&pda::operator(&paid.operator)).await.map_err(fail)?;
            former = Server { wallet: operator.owner, identity: operator.identity, endpoint: operator.endpoint };
            &former
        }
    };
    let quote = Quote {
        request: hex::encode(paid.request),
        model: paid.model.to_string(),
        operator: paid.operator.to_string(),
        amount: paid.amount.into(),
        prompt_tokens: 0,
        max_tokens: request.max_tokens,
    };
    if let Ok(answer) = ServeClient::new(&server.endpoint).receipt(&paid.request).await {
        let model: Model = client.account(&paid.model).await.map_err(fail)?;
        if check_answer(&answer, server, &paid.request, &paid, payment, &model).is_ok() {
            return Ok(Asked { quote, payment: *payment, answer });
        }
    }
    collect(client, server, request, &quote, payment, on_text).await.map_err(fail)
}

/// Tokens beside the text that a model's chat template may add to each message.
const TEMPLATE_TOKENS: usize = 64;

/// Checks what was quoted against what was asked and what the model's account says. No tokenizer that models use makes more
/// tokens than bytes of a text, so the text bounds the prompt's tokens. [`Asked::overcounted`] compares them with the answer's.
fn check_quote(
    quote: &Quote,
    server: &Server,
    request: &ChatRequest,
    model: &Model,
    most: Option<u64>,
) -> Result<(), SdkError> {
    let refuse = |reason: String| Err(SdkError::Quote { operator: server.wallet, reason });
    if let Err(e) = parse_hash(&quote.request) {
        return refuse(format!("it names no request: {e}"));
    }
    let pairs =
        [("model", &quote.model, request.model.clone()), ("operator", &quote.operator, server.wallet.to_string())];
    for (what, found, expected) in pairs {
        if *found != expected {
            return refuse(format!("its {what} is {found}, and {expected} was asked"));
        }
    }
    if quote.max_tokens > request.max_tokens {
        return refuse(format!("it is for {} tokens, and {} were asked for", quote.max_tokens, request.max_tokens));
    }
    let most_prompt: usize = request.messages.iter().map(|m| m.role.len() + m.content.len() + TEMPLATE_TOKENS).sum();
    if quote.prompt_tokens > most_prompt {
        let found = quote.prompt_tokens;
        return refuse(format!("it counts {found} tokens in a prompt that has at most {most_prompt}"));
    }
    let price = price(model.price_in, model.price_out, quote.prompt_tokens, quote.max_tokens);
    if price.is_none_or(|price| quote.amount.0 > price) {
        let price = price.map_or("more than there is".to_owned(), format_open);
        return refuse(format!(
            "it asks {} OPEN, and the model's price on chain makes {price} OPEN of {} tokens in and {} out",
            format_open(quote.amount.0),
            quote.prompt_tokens,
            quote.max_tokens
        ));
    }
    match most {
        Some(most) if quote.amount.0 > most => Err(SdkError::Input(format!(
            "the answer costs {} OPEN, more than the {} OPEN allowed; ask for fewer tokens or allow more",
            format_open(quote.amount.0),
            format_open(most)
        ))),
        _ => Ok(()),
    }
}

/// Pays a quote. Makes the token accounts that payees lack. Fails with [`SdkError::Unknown`], which names the request and
/// the payment, if it is not known whether the payment was executed.
pub async fn pay(client: &Client, payer: &AnySigner, quote: &Quote) -> Result<Signature, SdkError> {
    let (model_key, operator) = (parse_key(&quote.model)?, parse_key(&quote.operator)?);
    let request = parse_hash(&quote.request)?;
    let model: Model = client.account(&model_key).await?;
    let config: payout::state::Config = client.account(&pda::payout_config()).await?;
    let stake: stake::state::Config = client.account(&pda::stake_config()).await?;
    let open_mint = open_mint(client).await?;
    let payment = Payment {
        payer: payer.pubkey(),
        model: model_key,
        model_owner: model.owner,
        parent_owner: model.parent_owner,
        operator,
        shard: rand::random_range(0..config.shards.max(1)),
        treasury: config.treasury,
        open_mint,
        committee_epoch: stake.committee_epoch,
    };
    let mut instructions = Vec::new();
    for wallet in [Some(model.owner), model.parent_owner, Some(operator)].into_iter().flatten() {
        let account = pda::token_account(&wallet, &open_mint);
        if !client.exists(&account).await? {
            instructions.push(ix::token::create_account(&payer.pubkey(), &wallet, &open_mint));
        }
    }
    instructions.push(ix::payout::pay(&payment, PayArgs { request, amount: quote.amount.0 }));
    client.send(&instructions, &[payer]).await.map_err(|e| match e {
        SdkError::Unknown { signature, seconds, .. } => {
            SdkError::Unknown { signature, request: Some(request), seconds }
        }
        other => other,
    })
}

/// Gets the answer to a paid request and checks it. The server's identity key must have signed it, it must match the
/// request and the payment on chain, and its adapter and manifest must be those that the chain names.
pub async fn collect(
    client: &Client,
    server: &Server,
    request: &ChatRequest,
    quote: &Quote,
    payment: &Signature,
    mut on_text: impl FnMut(&str),
) -> Result<Asked, SdkError> {
    let serve = ServeClient::new(&server.endpoint);
    let payment_text = payment.to_string();
    let answer = if request.stream {
        let mut pieces = std::pin::pin!(serve.ask_streaming(request, quote, &payment_text).await?);
        let mut answer = None;
        while let Some(piece) = pieces.next().await {
            match piece? {
                Piece::Text(text) => on_text(&text),
                Piece::Answer(a) => answer = Some(*a),
            }
        }
        answer.ok_or_else(|| ApiError::Shape {
            url: server.endpoint.clone(),
            reason: "the stream ended without the signed answer".into(),
        })?
    } else {
        serve.ask(request, quote, &payment_text).await?
    };
    // Before anything is read for it, it must be the operator's.
    answer.verify(&server.identity)?;
    let paid = find_payment(client, &payment_text).await?;
    let model: Model = client.account(&paid.model).await?;
    check_answer(&answer, server, &parse_hash(&quote.request)?, &paid, payment, &model)?;
    Ok(Asked { quote: quote.clone(), payment: *payment, answer })
}

/// Checks an answer against who should have signed it, the request, the payment on chain and the model's account.
fn check_answer(
    answer: &Answer,
    server: &Server,
    request: &Hash32,
    paid: &payout::events::Paid,
    payment: &Signature,
    model: &Model,
) -> Result<(), ReceiptError> {
    answer.verify(&server.identity)?;
    answer.verify_payment(paid, &payment.to_string())?;
    let pairs = [
        ("request", answer.request, *request),
        ("adapter", answer.adapter_hash, model.adapter_hash),
        ("training manifest", answer.manifest_hash, model.manifest_hash),
    ];
    match pairs.into_iter().find(|(_, found, expected)| found != expected) {
        Some((what, found, expected)) => {
            Err(ReceiptError::Other { what, found: hex::encode(found), expected: hex::encode(expected) })
        }
        None => Ok(()),
    }
}

/// Returns the payment event of a transaction. Fails if the transaction is not a payment that succeeded.
pub async fn find_payment(client: &Client, signature: &str) -> Result<payout::events::Paid, SdkError> {
    let parsed: Signature =
        signature.parse().map_err(|_| SdkError::Input(format!("{signature:?} is not a transaction signature")))?;
    let transaction = client.transaction(&parsed, std::time::Duration::from_secs(10)).await?;
    crate::events::decode(&transaction)?
        .into_iter()
        .find_map(|r| match r.event {
            crate::events::Event::Paid(paid) => Some(paid),
            _ => None,
        })
        .ok_or_else(|| SdkError::Input(format!("transaction {signature} is not a payment that succeeded")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error_kind::ErrorKind,
        fake_node,
        receipt::{Receipt, VERSION},
    };
    use anchor_lang::{AnchorDeserialize, Discriminator};
    use solana_keypair::Keypair;
    use solana_signer::Signer;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use warp::{Filter, http::StatusCode};

    fn key(n: u8) -> Pubkey {
        Pubkey::new_from_array([n; 32])
    }

    fn model(price: u64) -> Model {
        Model { price_in: price, price_out: price, ..AnchorDeserialize::deserialize(&mut &[0u8; 4096][..]).unwrap() }
    }

    /// A quote of the operator `n` for an answer of model 3.
    fn quote(n: u8, amount: u64) -> Quote {
        Quote {
            request: "00".repeat(32),
            model: key(3).to_string(),
            operator: key(n).to_string(),
            amount: amount.into(),
            prompt_tokens: 10,
            max_tokens: 8,
        }
    }

    /// Serves a node that gives quotes by `answer`.
    async fn serving<R: warp::Reply + 'static>(
        wallet: Pubkey,
        answer: impl Fn() -> R + Clone + Send + Sync + 'static,
    ) -> Server {
        let route = warp::path!("v1" / "quote").map(answer);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(warp::serve(route).incoming(listener).run());
        Server { wallet, identity: key(2), endpoint }
    }

    /// Serves a node that answers every request for a quote with `quote`.
    async fn server(wallet: Pubkey, quote: Quote) -> Server {
        serving(wallet, move || warp::reply::json(&quote)).await
    }

    #[tokio::test]
    async fn a_bad_quote_of_one_server_leads_to_the_next_and_is_told_if_there_is_no_better() {
        let account = [Model::DISCRIMINATOR, &borsh::to_vec(&model(1_000)).unwrap()].concat();
        let node = fake_node::account(model::ID, account).await;
        let client = Client::new(node, "");
        let dear = server(key(1), quote(1, 19)).await;
        let nameless = server(key(4), Quote { request: "?".into(), ..quote(4, 18) }).await;
        let good = server(key(5), quote(5, 18)).await;
        let gone = Server { endpoint: "http://127.0.0.1:9".into(), ..good.clone() };
        let request = ChatRequest::ask(&key(3), "hi", 8);
        let all = [dear.clone(), nameless, gone.clone(), good];
        let taken = offer(&client, &all, &request, None).await.unwrap();
        assert_eq!((taken.server.wallet, taken.quote.amount.0), (key(5), 18));
        // The last server only was not there, which is no reason to raise what may be paid.
        for servers in [[dear.clone(), gone.clone()], [gone, dear]] {
            let error = offer(&client, &servers, &request, None).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
        }
        assert_eq!(offer(&client, &[], &request, None).await.unwrap_err().kind(), ErrorKind::Input);
    }

    #[tokio::test]
    async fn a_model_that_every_node_still_loads_is_waited_for() {
        let account = [Model::DISCRIMINATOR, &borsh::to_vec(&model(1_000)).unwrap()].concat();
        let client = Client::new(fake_node::account(model::ID, account).await, "");
        let asked = Arc::new(AtomicUsize::new(0));
        let quote = quote(1, 18);
        let counted = asked.clone();
        let loads = serving(key(1), move || match counted.fetch_add(1, Ordering::Relaxed) {
            0 => warp::reply::with_status(warp::reply::json(&serde_json::json!({})), StatusCode::SERVICE_UNAVAILABLE),
            _ => warp::reply::with_status(warp::reply::json(&quote), StatusCode::OK),
        });
        let loads = loads.await;
        let gone = Server { endpoint: "http://127.0.0.1:9".into(), ..loads.clone() };
        let taken = offer(&client, &[gone, loads], &ChatRequest::ask(&key(3), "hi", 8), None).await.unwrap();
        assert_eq!((taken.quote.amount.0, asked.load(Ordering::Relaxed)), (18, 2));
    }

    #[test]
    fn an_answer_must_be_of_the_operator_the_payment_the_request_and_the_models_adapter_and_manifest() {
        let identity = Keypair::new_from_array([2; 32]);
        let server = Server { wallet: key(1), identity: identity.pubkey(), endpoint: String::new() };
        let payment = Signature::from([7; 64]);
        let mut answer = Answer {
            version: VERSION,
            request: [1; 32],
            model: key(3),
            adapter_hash: [3; 32],
            manifest_hash: [9; 32],
            payer: key(4),
            operator: key(1),
            epoch: 1,
            prompt_tokens: vec![1],
            output_tokens: vec![3],
            text: "use printf".into(),
            fee: 7.into(),
            payment_signature: payment.to_string(),
            created_slot: 9,
            receipt: Receipt {
                method: "logra".into(),
                settings_hash: [6; 32],
                contributors: 1.into(),
                influences: vec![],
                weights: [8; 32],
                spans: vec![],
            },
            signature: String::new(),
        };
        answer.sign(&identity).unwrap();
        let paid = payout::events::Paid {
            shard: key(3),
            sequence: 0,
            request: [1; 32],
            payer: key(4),
            model: key(3),
            operator: key(1),
            amount: 7,
            treasury: 5,
            model_owner: 0,
            upstream: 0,
            compute: 0,
            validators: 1,
            contributors: 1,
            epoch: 1,
        };
        let trained = Model { adapter_hash: [3; 32], manifest_hash: [9; 32], ..model(1) };
        check_answer(&answer, &server, &[1; 32], &paid, &payment, &trained).unwrap();
        let refused = |result: Result<(), ReceiptError>, what: &str| {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        let check = |server: &Server, request: &Hash32, payment: &Signature, model: &Model| {
            check_answer(&answer, server, request, &paid, payment, model)
        };
        let other = Server { identity: key(8), ..server.clone() };
        refused(check(&other, &[1; 32], &payment, &trained), "not signed by");
        refused(check(&server, &[5; 32], &payment, &trained), "request");
        refused(check(&server, &[1; 32], &Signature::from([8; 64]), &trained), "payment");
        let adapter = Model { adapter_hash: [4; 32], ..model(1) };
        refused(check(&server, &[1; 32], &payment, &adapter), "adapter");
        let manifest = Model { adapter_hash: [3; 32], ..model(1) };
        refused(check(&server, &[1; 32], &payment, &manifest), "training manifest");
    }

    #[test]
    fn an_offer_that_is_not_what_was_asked_or_dearer_than_the_price_on_chain_is_not_paid() {
        let server = Server { wallet: key(1), identity: key(2), endpoint: String::new() };
        let request = ChatRequest::ask(&key(3), "hi", 8);
        let model = Model { price_out: 2_000, ..model(1_000) };
        let good = quote(1, 26);
        let check = |quote: &Quote, most| check_quote(quote, &server, &request, &model, most);
        assert!(check(&good, Some(26)).is_ok() && check(&good, None).is_ok());
        let cheaper = Quote { amount: 25.into(), ..good.clone() };
        assert!(check(&cheaper, None).is_ok());
        let dear = Quote { amount: 27.into(), ..good.clone() };
        assert!(check(&dear, None).unwrap_err().to_string().contains("price on chain"));
        for bad in [
            Quote { request: "no hash".into(), ..good.clone() },
            Quote { model: key(9).to_string(), ..good.clone() },
            Quote { operator: key(9).to_string(), ..good.clone() },
            Quote { max_tokens: 9, amount: 28.into(), ..good.clone() },
            Quote { prompt_tokens: 1_000, amount: 1_016.into(), ..good.clone() },
        ] {
            assert_eq!(check(&bad, None).unwrap_err().kind(), ErrorKind::Untrusted, "{bad:?}");
        }
        assert!(check(&good, Some(25)).is_err());
    }
}
