//! What an account is, by its first bytes: names the account that somebody took for another.

use anchor_lang::Discriminator;

/// Names what the data of an account is, if it is of one of the programs or of a plain wallet.
pub(crate) fn describe(data: &[u8]) -> Option<&'static str> {
    if data.is_empty() {
        return Some("plain wallet");
    }
    let named: [(&'static str, &[u8]); 13] = [
        ("Datanet", datanet::state::Datanet::DISCRIMINATOR),
        ("batch", datanet::state::Batch::DISCRIMINATOR),
        ("grant", datanet::state::Grant::DISCRIMINATOR),
        ("model", model::state::Model::DISCRIMINATOR),
        ("job", model::state::Job::DISCRIMINATOR),
        ("operator's account", stake::state::Operator::DISCRIMINATOR),
        ("committee", stake::state::Committee::DISCRIMINATOR),
        ("position", stake::state::Position::DISCRIMINATOR),
        ("vote lock", stake::state::VoteLock::DISCRIMINATOR),
        ("settlement", payout::state::Settlement::DISCRIMINATOR),
        ("claim", payout::state::Claim::DISCRIMINATOR),
        ("proposal", governance::state::Proposal::DISCRIMINATOR),
        ("config", payout::state::Config::DISCRIMINATOR),
    ];
    named.into_iter().find(|(_, first)| data.starts_with(first)).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_named_by_its_first_bytes() {
        assert_eq!(describe(&[model::state::Model::DISCRIMINATOR, &[0; 90]].concat()), Some("model"));
        assert_eq!(describe(&[]), Some("plain wallet"));
        assert_eq!(describe(&[0; 8]), None);
    }
}
