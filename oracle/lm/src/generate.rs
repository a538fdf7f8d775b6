//! Answers a prompt with one model and one adapter.

use crate::{
    error::{LmError, Result},
    infer::{LowRank, infer},
    kv::KvCache,
    llama::BaseModel,
    sample::{Sampler, SamplingConfig},
    stop::StopMatcher,
    tokenizer::{StreamDecoder, Tokenizer},
};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model ended its turn.
    EndOfTurn,
    /// The model generated a stop text.
    StopText,
    /// The limit of tokens, or of the context, was reached.
    Length,
    /// The caller's callback asked to end.
    Cancelled,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Generated token ids, without the end-of-turn token.
    pub tokens: Vec<u32>,
    /// The text of the tokens, without the stop text.
    pub text: String,
    /// Why the answer ended.
    pub finish: FinishReason,
}

/// Generates an answer to the prompt's token ids.
///
/// `on_token` gets every token, with the text that the token completes (often none). It may end the answer. Text that
/// was held back until the end comes in one more call, with the last token again.
pub fn generate(
    base: &BaseModel,
    low_rank: &dyn LowRank,
    tokenizer: &Tokenizer,
    prompt: &[u32],
    config: &SamplingConfig,
    mut on_token: impl FnMut(u32, &str) -> ControlFlow<()>,
) -> Result<Generation> {
    config.validate()?;
    let limit = base.config().max_len;
    if prompt.len() >= limit {
        return Err(LmError::TooLong { what: "the prompt".into(), length: prompt.len(), limit: limit - 1 });
    }
    let mut cache = KvCache::new(base.config());
    let mut sampler = Sampler::new(config);
    let (mut decoder, mut stops) = (StreamDecoder::default(), StopMatcher::new(&config.stop));
    let (mut tokens, mut text) = (Vec::new(), String::new());
    let mut next: Vec<u32> = prompt.to_vec();
    let budget = config.max_tokens.min(limit - prompt.len());
    let finish = loop {
        if tokens.len() == budget {
            break FinishReason::Length;
        }
        let from = cache.position() as u32;
        let positions: Vec<u32> = (from..from + next.len() as u32).collect();
        let hidden = infer(base, low_rank, &mut cache, &next, &positions)?;
        let token = sampler.sample(&last_logits(base, &hidden)?)?;
        if tokenizer.eos_ids().contains(&token) {
            break FinishReason::EndOfTurn;
        }
        tokens.push(token);
        let released = stops.push(&decoder.push(tokenizer, token));
        text.push_str(&released.text);
        if on_token(token, &released.text).is_break() {
            break FinishReason::Cancelled;
        }
        if released.stopped {
            break FinishReason::StopText;
        }
        next = vec![token];
    };
    if finish != FinishReason::StopText {
        let mut rest = stops.push(&decoder.finish()).text;
        rest.push_str(&stops.finish());
        if let (Some(&last), false) = (tokens.last(), rest.is_empty()) {
            text.push_str(&rest);
            if finish != FinishReason::Cancelled {
                // The answer is over, so the callback's wish to end it is ignored.
                let _ = on_token(last, &rest);
            }
        }
    }
    Ok(Generation { tokens, text, finish })
}

/// Logits of the last of n rows.
fn last_logits(base: &BaseModel, hidden: &Tensor) -> Result<Vec<f32>> {
    let last = hidden.narrow(0, hidden.dim(0)? - 1, 1)?;
    Ok(base.logits(&last)?.flatten_all()?.to_vec1::<f32>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        batch::{Batch, Example},
        config::LlamaConfig,
        infer::NoAdapter,
        train_pass::forward_logits,
    };

    fn prompt() -> Vec<u32> {
        (0..10).map(|i| i * 19 % 256).collect()
    }

    fn base() -> Result<BaseModel> {
        BaseModel::random(&LlamaConfig::tiny(), 1)
    }

    fn run(config: &SamplingConfig) -> Result<Generation> {
        generate(&base()?, &NoAdapter, &Tokenizer::bytes(), &prompt(), config, |_, _| ControlFlow::Continue(()))
    }

    #[test]
    fn greedy_generation_takes_the_full_forward_passes_maximum_at_every_step() -> Result<()> {
        let base = base()?;
        let answer = run(&SamplingConfig { max_tokens: 20, ..Default::default() })?;
        assert!(!answer.tokens.is_empty());
        let tokens: Vec<u32> = prompt().into_iter().chain(answer.tokens.iter().copied()).collect();
        let example = Example { id: [0; 32], tokens, loss_from: 1 };
        let logits = forward_logits(&base, None, &Batch::new(&base, &[&example])?)?;
        let best = logits.argmax(1)?.to_vec1::<u32>()?;
        for (i, token) in answer.tokens.iter().enumerate() {
            assert_eq!(best[prompt().len() - 1 + i], *token);
        }
        Ok(())
    }

    #[test]
    fn the_same_seed_gives_the_same_answer_and_another_seed_another() -> Result<()> {
        let config = |seed| SamplingConfig { temperature: 1.0, seed, max_tokens: 30, ..Default::default() };
        assert_eq!(run(&config(1))?, run(&config(1))?);
        assert_ne!(run(&config(1))?.tokens, run(&config(2))?.tokens);
        Ok(())
    }

    #[test]
    fn streamed_text_adds_up_to_the_answer() -> Result<()> {
        let mut streamed = String::new();
        let config = SamplingConfig { temperature: 1.5, seed: 3, max_tokens: 40, ..Default::default() };
        let answer = generate(&base()?, &NoAdapter, &Tokenizer::bytes(), &prompt(), &config, |_, text| {
            streamed.push_str(text);
            ControlFlow::Continue(())
        })?;
        assert_eq!(streamed, answer.text);
        assert_eq!(answer.text, Tokenizer::bytes().decode(&answer.tokens));
        Ok(())
    }

    #[test]
    fn the_callback_can_end_the_answer() -> Result<()> {
        let mut seen = 0;
        let config = SamplingConfig { temperature: 1.0, max_tokens: 40, ..Default::default() };
        let answer = generate(&base()?, &NoAdapter, &Tokenizer::bytes(), &prompt(), &config, |_, _| {
            seen += 1;
            if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        assert_eq!((answer.tokens.len(), answer.finish), (3, FinishReason::Cancelled));
        Ok(())
    }

    #[test]
    fn a_stop_text_ends_the_answer_before_it() -> Result<()> {
        let free = run(&SamplingConfig { temperature: 1.0, seed: 5, max_tokens: 60, ..Default::default() })?;
        let stop: String = free.text.chars().skip(10).take(2).collect();
        let config = SamplingConfig {
            temperature: 1.0,
            seed: 5,
            max_tokens: 60,
            stop: vec![stop.clone()],
            ..Default::default()
        };
        let answer = run(&config)?;
        assert_eq!(answer.finish, FinishReason::StopText);
        assert_eq!(answer.text, free.text.split(&stop).next().unwrap());
        Ok(())
    }

    #[test]
    fn the_context_is_never_overrun() -> Result<()> {
        let config = SamplingConfig { temperature: 1.0, seed: 1, max_tokens: 10_000, ..Default::default() };
        let answer = run(&config)?;
        assert!(prompt().len() + answer.tokens.len() <= 128);
        let long = vec![1u32; 128];
        let error =
            generate(&base()?, &NoAdapter, &Tokenizer::bytes(), &long, &config, |_, _| ControlFlow::Continue(()));
        assert!(matches!(error, Err(LmError::TooLong { length: 128, limit: 127, .. })));
        Ok(())
    }
}
