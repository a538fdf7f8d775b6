//! Why an attack could not be measured.

use openledger_attribution::AttributionError;
use openledger_lm::LmError;
use openledger_pay::PayError;

/// `Result` with [`GamingError`].
pub type Result<T, E = GamingError> = std::result::Result<T, E>;

/// What can go wrong while attacks are measured.
#[derive(Debug, thiserror::Error)]
pub enum GamingError {
    /// The method under attack failed.
    #[error(transparent)]
    Attribution(#[from] AttributionError),
    /// The rules of pay refused their input.
    #[error(transparent)]
    Pay(#[from] PayError),
    /// The language model failed.
    #[error(transparent)]
    Lm(#[from] LmError),
    /// Somebody earns nothing in the honest run, so a multiplier would say nothing.
    #[error(
        "scores: in the honest run the attacker earns {attacker} ppm and the others {others}; choose a corpus where \
         both earn"
    )]
    NothingEarned {
        /// The attacker's share in parts per million.
        attacker: u64,
        /// The others' share in parts per million.
        others: u64,
    },
}
