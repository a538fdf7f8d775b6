//! Base models, LoRA, tokenizer, training and sampling on candle.
