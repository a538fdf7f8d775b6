//! Training examples and padded batches of them.

use crate::{
    chat::{ChatMessage, Role},
    digest::Digest,
    error::{LmError, Result},
    llama::BaseModel,
    reduction::LossReduction,
    tokenizer::Tokenizer,
};
use candle_core::Tensor;

/// One training example: token ids. The tokens from `loss_from` on are learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Identity of the contribution that the example comes from.
    pub id: Digest,
    /// Token ids.
    pub tokens: Vec<u32>,
    /// Index of the first token that counts in the loss, at least 1. The first token of all never counts, because
    /// nothing stands before it to predict it from.
    pub loss_from: usize,
}

impl Example {
    /// An example of plain text. Every token but the first counts. The end-of-turn token is added at the end.
    pub fn text(tokenizer: &Tokenizer, id: Digest, text: &str) -> Result<Self> {
        let mut tokens = tokenizer.encode(text)?;
        tokens.push(tokenizer.end_of_turn());
        let example = Self { id, tokens, loss_from: 1 };
        example.validate()?;
        Ok(example)
    }

    /// An example of a question and its answer in the chat template. Only the answer and its end-of-turn token count.
    pub fn answer(tokenizer: &Tokenizer, id: Digest, prompt: &str, answer: &str) -> Result<Self> {
        let mut tokens = tokenizer.chat(&[ChatMessage::new(Role::User, prompt)])?;
        let loss_from = tokens.len();
        tokens.extend(tokenizer.encode(answer)?);
        tokens.push(tokenizer.end_of_turn());
        Ok(Self { id, tokens, loss_from })
    }

    /// The example cut after `limit` tokens.
    pub fn truncated(mut self, limit: usize) -> Self {
        self.tokens.truncate(limit);
        self
    }

    /// Number of tokens that count in the loss.
    pub fn targets(&self) -> usize {
        self.tokens.len().saturating_sub(self.loss_from)
    }

    /// Fails if the example has no token to learn, or a `loss_from` of 0.
    pub fn validate(&self) -> Result<()> {
        let error = |reason: String| LmError::Example { id: hex::encode(self.id), reason };
        if self.loss_from == 0 {
            return Err(error("`loss_from` is 0; the first token cannot be predicted, use at least 1".into()));
        }
        if self.targets() == 0 {
            return Err(error(format!(
                "no token counts in the loss ({} tokens, `loss_from` {}); lengthen or drop it",
                self.tokens.len(),
                self.loss_from
            )));
        }
        Ok(())
    }
}

/// Examples padded on the right to one length. The causal mask hides the padding, and no padded position counts in the
/// loss. So an example's loss does not depend on the other examples of the batch.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) ids: Vec<Digest>,
    /// (b, t) token ids.
    pub(crate) tokens: Tensor,
    /// Target tokens of each example.
    pub(crate) targets: Vec<usize>,
    /// Factor of each example's loss in the objective.
    pub(crate) weights: Vec<f32>,
    /// How the losses of target tokens become an example's loss.
    pub(crate) loss: LossReduction,
    /// Rows of the flattened (b·t) positions that predict a target, grouped by example.
    pub(crate) rows: Vec<u32>,
    /// The token to predict at each of `rows`.
    pub(crate) labels: Vec<u32>,
}

impl Batch {
    /// Pads the examples to the longest of them. Every weight is 1, and an example's loss is the mean over its target
    /// tokens. Fails if a sequence is longer than the model's context.
    pub fn new(base: &BaseModel, examples: &[&Example]) -> Result<Self> {
        let limit = base.config().max_len;
        let width = examples.iter().map(|e| e.tokens.len()).max().ok_or(LmError::Empty("batch"))?;
        let mut padded = vec![0u32; examples.len() * width];
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        for (i, example) in examples.iter().enumerate() {
            example.validate()?;
            base.check_tokens(&example.tokens)?;
            if example.tokens.len() > limit {
                return Err(LmError::TooLong {
                    what: format!("example {}", hex::encode(example.id)),
                    length: example.tokens.len(),
                    limit,
                });
            }
            padded[i * width..][..example.tokens.len()].copy_from_slice(&example.tokens);
            for position in example.loss_from..example.tokens.len() {
                rows.push((i * width + position - 1) as u32);
                labels.push(example.tokens[position]);
            }
        }
        Ok(Self {
            ids: examples.iter().map(|e| e.id).collect(),
            tokens: Tensor::from_vec(padded, (examples.len(), width), base.device())?,
            targets: examples.iter().map(|e| e.targets()).collect(),
            weights: vec![1.0; examples.len()],
            loss: LossReduction::Mean,
            rows,
            labels,
        })
    }

    /// Sets the factor of each example's loss in the objective. A factor of 0 leaves the example out.
    pub fn with_weights(mut self, weights: &[f32]) -> Result<Self> {
        if weights.len() != self.weights.len() {
            return Err(LmError::config(
                "weights",
                format!("{} given for {} examples; give one each", weights.len(), self.weights.len()),
            ));
        }
        self.weights.copy_from_slice(weights);
        Ok(self)
    }

    /// Sets how the losses of an example's target tokens become its loss.
    pub fn with_loss(mut self, loss: LossReduction) -> Self {
        self.loss = loss;
        self
    }

    /// Number of examples.
    #[allow(clippy::len_without_is_empty)] // never empty by construction
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Identities of the examples.
    pub fn ids(&self) -> &[Digest] {
        &self.ids
    }

    /// (b, t) token ids, padded with 0.
    pub fn tokens(&self) -> &Tensor {
        &self.tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LlamaConfig;

    #[test]
    fn only_the_answer_counts_in_the_loss() -> Result<()> {
        let tokenizer = Tokenizer::bytes();
        let example = Example::answer(&tokenizer, [0; 32], "q?", "yes")?;
        assert_eq!(tokenizer.decode(&example.tokens[example.loss_from..]), "yes");
        assert_eq!(example.targets(), 4);
        assert_eq!(*example.tokens.last().unwrap(), tokenizer.end_of_turn());
        Ok(())
    }

    #[test]
    fn rows_point_at_the_position_before_each_target() -> Result<()> {
        let base = BaseModel::random(&LlamaConfig::tiny(), 1)?;
        let a = Example { id: [1; 32], tokens: vec![10, 11, 12], loss_from: 2 };
        let b = Example { id: [2; 32], tokens: vec![20, 21, 22, 23], loss_from: 1 };
        let batch = Batch::new(&base, &[&a, &b])?;
        assert_eq!(batch.rows, [1, 4, 5, 6]);
        assert_eq!(batch.labels, [12, 21, 22, 23]);
        assert_eq!(batch.tokens.to_vec2::<u32>()?, [[10, 11, 12, 0], [20, 21, 22, 23]]);
        Ok(())
    }

    #[test]
    fn unusable_examples_are_named() -> Result<()> {
        let base = BaseModel::random(&LlamaConfig::tiny(), 1)?;
        let example = |tokens: Vec<u32>, loss_from| Example { id: [7; 32], tokens, loss_from };
        for (bad, word) in [
            (example(vec![1, 2], 0), "loss_from"),
            (example(vec![1, 2], 2), "no token counts"),
            (example(vec![1, 999], 1), "999"),
            (example(vec![1; 129], 1), "129"),
        ] {
            let error = Batch::new(&base, &[&bad]).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(matches!(Batch::new(&base, &[]), Err(LmError::Empty(_))));
        Ok(())
    }
}
