//! Whether a stored answer is one that the model can have given to what was paid for. Pure.
//!
//! An operator signs its answers and may sign anything. What is not well formed counts as no answer, so that it harms
//! nobody but the operator.

use super::facts::Payment;
use anyhow::{Result, ensure};
use openledger_lm::Tokenizer;
use openledger_sdk::receipt::Answer;
use solana_pubkey::Pubkey;

/// Most tokens at the end of an answer that its text may leave out: those of a stop text.
const STOP_TOKENS: usize = 8;

/// What the model can take.
pub struct Limits<'a> {
    /// Its tokens.
    pub tokenizer: &'a Tokenizer,
    /// Number of token ids.
    pub vocabulary: usize,
    /// Most tokens of a prompt with its answer.
    pub context: usize,
}

/// Fails if `answer` is not a well-formed answer to `payment`, signed by the operator's `identity` key.
pub fn check(answer: &Answer, payment: &Payment, identity: &Pubkey, limits: &Limits) -> Result<()> {
    answer.verify(identity)?;
    ensure!(answer.request == payment.request, "it answers another request");
    ensure!(answer.model == payment.model, "it is of model {}, not of the one that was paid for", answer.model);
    ensure!(answer.operator == payment.operator, "it is by {}, not by the operator that was paid", answer.operator);
    ensure!(answer.payment_signature == payment.transaction, "it names another payment");
    let part = answer.receipt.contributors.0;
    ensure!(part == payment.contributors, "its receipt divides {part} base units of {}", payment.contributors);
    let tokens = || answer.prompt_tokens.iter().chain(&answer.output_tokens);
    if let Some(token) = tokens().find(|t| **t as usize >= limits.vocabulary) {
        anyhow::bail!("token {token} is not among the model's {} tokens", limits.vocabulary);
    }
    let length = tokens().count();
    ensure!(length <= limits.context, "its {length} tokens exceed the context of {}", limits.context);
    ensure!(!answer.prompt_tokens.is_empty(), "it has no prompt");
    // A stop text ends the text before the last tokens. More tokens than that would be hidden from the questioner.
    let text = limits.tokenizer.decode(&answer.output_tokens);
    let shown = answer.output_tokens.len().saturating_sub(STOP_TOKENS);
    let shown = limits.tokenizer.decode(&answer.output_tokens[..shown]);
    let whole = answer.text.starts_with(shown.trim_end_matches(char::REPLACEMENT_CHARACTER));
    ensure!(whole && text.starts_with(&answer.text), "its text is not that of its tokens");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use openledger_sdk::receipt::{Receipt, VERSION};
    use solana_keypair::Keypair;
    use solana_signer::Signer;

    fn key(n: u8) -> Pubkey {
        Pubkey::new_from_array([n; 32])
    }

    fn checked(change: impl FnOnce(&mut Answer)) -> Result<(), String> {
        let (identity, tokenizer) = (Keypair::new_from_array([5; 32]), Tokenizer::bytes());
        let payment = Payment {
            request: [1; 32],
            model: key(2),
            operator: key(3),
            transaction: "paid".into(),
            slot: 5,
            last_job: key(9),
            contributors: 70,
            validators: 1,
            held: 0,
        };
        let output = tokenizer.encode("printf").unwrap();
        let mut answer = Answer {
            version: VERSION,
            request: [1; 32],
            model: key(2),
            adapter_hash: [4; 32],
            manifest_hash: [5; 32],
            payer: key(6),
            operator: key(3),
            epoch: 1,
            prompt_tokens: tokenizer.encode("what prints?").unwrap(),
            text: tokenizer.decode(&output),
            output_tokens: output,
            fee: 100.into(),
            payment_signature: "paid".into(),
            created_slot: 9,
            receipt: Receipt {
                method: "logra".into(),
                settings_hash: [7; 32],
                contributors: 70.into(),
                influences: vec![],
                weights: [8; 32],
                spans: vec![],
            },
            signature: String::new(),
        };
        change(&mut answer);
        answer.sign(&identity).unwrap();
        let limits = Limits { tokenizer: &tokenizer, vocabulary: tokenizer.vocab_size(), context: 40 };
        check(&answer, &payment, &identity.pubkey(), &limits).map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn an_answer_that_the_model_can_have_given_is_well_formed() {
        checked(|_| {}).unwrap();
        checked(|a| a.text.truncate(3)).unwrap();
        checked(|a| (a.output_tokens, a.text) = (vec![], String::new())).unwrap();
    }

    /// Any of these, signed by an operator, once stopped every settlement or was paid.
    #[test]
    fn an_answer_that_cannot_be_is_refused_by_what_is_wrong() {
        let refused = |change: fn(&mut Answer)| checked(change).unwrap_err();
        assert!(refused(|a| a.output_tokens[0] = 4_000_000_000).contains("4000000000 is not among the model's"));
        assert!(refused(|a| a.prompt_tokens = vec![1; 50]).contains("exceed the context of 40"));
        assert!(refused(|a| a.prompt_tokens.clear()).contains("no prompt"));
        assert!(refused(|a| a.text = "another".into()).contains("not that of its tokens"));
        let hidden = |a: &mut Answer| a.output_tokens.extend(Tokenizer::bytes().encode(" and more").unwrap());
        assert!(refused(hidden).contains("not that of its tokens"), "more tokens than were shown");
        assert!(refused(|a| a.model = key(99)).contains("is of model"));
        assert!(refused(|a| a.operator = key(99)).contains("is by"));
        assert!(refused(|a| a.request = [99; 32]).contains("another request"));
        assert!(refused(|a| a.payment_signature = "else".into()).contains("another payment"));
        assert!(refused(|a| a.receipt.contributors = 71.into()).contains("divides 71 base units of 70"));
    }
}
