//! Data attribution: which training examples shaped an answer.
