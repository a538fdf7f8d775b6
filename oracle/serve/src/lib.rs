//! OpenLoRA: OpenAI-compatible serving of adapters over one base model, with receipts.
//!
//! [`Engine`] holds the base model and runs all heavy work, one piece at a time. [`Catalog`] holds the adapters.
//! [`spec`] names a request, [`payment`] checks that it was paid for, [`answer`] generates the answer, [`divider`] divides
//! its fee by its own scores, and [`passages`] finds what the answer repeats verbatim. [`log`] records all of it.
//! [`routes()`] serves `/v1/models`, `/v1/quote`, `/v1/chat/completions` and `/v1/receipts/{request}`.

pub mod answer;
pub mod catalog;
pub mod divider;
mod documents;
pub mod engine;
pub mod error;
pub mod files;
pub mod log;
pub mod openai;
pub mod passages;
pub mod payment;
pub mod routes;
pub mod settings;
pub mod source;
pub mod spec;
pub mod states;

pub use catalog::{Catalog, ServedModel};
pub use divider::{Divider, Terms};
pub use engine::{Engine, Turn};
pub use error::ServeError;
pub use log::AnswerLog;
pub use routes::{Serving, routes};
