//! A job that can never be run.

use anyhow::Error;

/// Why no operator with this software runs a job. It follows from the job's config, documents, parent and base model,
/// which never change. So it is found once, and the job is not tried again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    /// The refusal for this reason.
    pub fn of(reason: Error) -> Error {
        Self(format!("{reason:#}")).into()
    }
}
