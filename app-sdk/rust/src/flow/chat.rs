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
    wallet::AnySigner,
};
use futures::StreamExt;
use model::state::Model;
use openledger_interface::{
    ix::{self, payout::Payment},
    pda,
};
use payout::instructions::PayArgs;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use stake::state::{Committee, Operator, capability};

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

/// Returns the members of the active committee that serve, in the committee's order.
pub async fn servers(client: &Client) -> Result<Vec<Server>, SdkError> {
    let config: stake::state::Config = client.account(&pda::stake_config()).await?;
    let committee: Committee = client.account(&pda::committee(config.committee_epoch)).await?;
    let addresses: Vec<Pubkey> = committee.members.iter().map(pda::operator).collect();
    let operators: Vec<Option<Operator>> = client.accounts(&addresses).await?;
    Ok(operators
        .into_iter()
        .flatten()
        .filter(|o| o.capabilities & capability::SERVE != 0)
        .map(|o| Server { wallet: o.owner, identity: o.identity, endpoint: o.endpoint })
        .collect())
}

/// Asks `request.model` and pays at most `most` base units. It takes the first of `servers` that gives a quote. It refuses
/// a quote for another model, by another operator, for more tokens than were asked for, above the model's price on chain
/// or above `most`. If `request.stream` is set, text goes to `on_text` as it arrives. The answer is checked before it is
/// returned.
///
/// An error after the payment is [`SdkError::Unanswered`], which names the request and the payment. With these, [`collect`]
/// gets the answer without paying again.
pub async fn ask(
    client: &Client,
    payer: &AnySigner,
    servers: &[Server],
    request: &ChatRequest,
    most: Option<u64>,
    on_text: impl FnMut(&str),
) -> Result<Asked, SdkError> {
    let mut last = None;
    for server in servers {
        let serve = ServeClient::new(&server.endpoint);
        let quote = match serve.quote(request).await {
            Ok(q) => q,
            Err(e) => {
                tracing::debug!(endpoint = server.endpoint, error = %e, "no offer");
                last = Some(e);
                continue;
            }
        };
        let model: Model = client.account(&parse_key(&request.model)?).await?;
        check_quote(&quote, server, request, &model, most)?;
        let named = parse_hash(&quote.request)?;
        let payment = pay(client, payer, &quote).await?;
        return collect(client, server, request, &quote, &payment, on_text).await.map_err(|e| SdkError::Unanswered {
            request: named,
            payment,
            source: Box::new(e),
        });
    }
    Err(last.map_or_else(
        || SdkError::Input("no member of the active committee serves: wait for one, or name an endpoint".into()),
        SdkError::from,
    ))
}

/// Tokens beside the text that a model's chat template may add to each message.
const TEMPLATE_TOKENS: usize = 64;

/// Checks what was quoted against what was asked and what the model's account says. No tokenizer that models use makes more tokens than bytes of a text, so the text bounds the prompt's tokens.
fn check_quote(
    quote: &Quote,
    server: &Server,
    request: &ChatRequest,
    model: &Model,
    most: Option<u64>,
) -> Result<(), SdkError> {
    let refuse = |reason: String| Err(SdkError::Quote { operator: server.wallet, reason });
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

/// Pays a quote. Makes the token accounts that payees lack.
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
    client.send(&instructions, &[payer]).await
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
    answer.verify(&server.identity)?;
    let paid = find_payment(client, &payment_text).await?;
    answer.verify_payment(&paid, &payment_text)?;
    let model: Model = client.account(&answer.model).await?;
    let pairs = [
        ("request", hex::encode(answer.request), quote.request.clone()),
        ("adapter", hex::encode(answer.adapter_hash), hex::encode(model.adapter_hash)),
        ("training manifest", hex::encode(answer.manifest_hash), hex::encode(model.manifest_hash)),
    ];
    for (what, found, expected) in pairs {
        if found != expected {
            return Err(ReceiptError::Other { what, found, expected }.into());
        }
    }
    Ok(Asked { quote: quote.clone(), payment: *payment, answer })
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
    use crate::error_kind::ErrorKind;
    use anchor_lang::AnchorDeserialize;

    #[test]
    fn an_offer_that_is_not_what_was_asked_or_dearer_than_the_price_on_chain_is_not_paid() {
        let key = |n| Pubkey::new_from_array([n; 32]);
        let server = Server { wallet: key(1), identity: key(2), endpoint: String::new() };
        let request = ChatRequest::ask(&key(3), "hi", 8);
        let zeros = &mut &[0u8; 4096][..];
        let model = Model { price_in: 1_000, price_out: 2_000, ..AnchorDeserialize::deserialize(zeros).unwrap() };
        let good = Quote {
            request: "00".repeat(32),
            model: key(3).to_string(),
            operator: key(1).to_string(),
            amount: 26.into(),
            prompt_tokens: 10,
            max_tokens: 8,
        };
        let check = |quote: &Quote, most| check_quote(quote, &server, &request, &model, most);
        assert!(check(&good, Some(26)).is_ok() && check(&good, None).is_ok());
        let cheaper = Quote { amount: 25.into(), ..good.clone() };
        assert!(check(&cheaper, None).is_ok());
        let dear = Quote { amount: 27.into(), ..good.clone() };
        assert!(check(&dear, None).unwrap_err().to_string().contains("price on chain"));
        for bad in [
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
