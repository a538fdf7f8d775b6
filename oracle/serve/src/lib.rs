//! OpenLoRA: OpenAI-compatible serving of adapters over one base model, with receipts.
//!
//! [`Engine`] holds the base model, [`Catalog`] the adapters, [`answer`] generates and attributes, and [`routes`] is the
//! HTTP face: `/v1/models`, `/v1/quote`, `/v1/chat/completions`, `/v1/receipts/{request}`.

pub mod answer;
pub mod catalog;
pub mod engine;
pub mod error;
pub mod files;
pub mod log;
pub mod openai;
pub mod payment;
pub mod quote;
pub mod quotes;
pub mod routes;
pub mod settings;

pub use catalog::{Catalog, ServedModel};
pub use engine::{Engine, Turn};
pub use error::ServeError;
pub use log::AnswerLog;
pub use routes::{Serving, routes};
