//! The forms of texts in the API's answers, as the OpenAPI document shows them. Nothing here holds a value.

use crate::amount::Amount;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Object, ObjectBuilder, RefOr, Schema,
        schema::{SchemaFormat, Type},
    },
};

/// Declares texts of one form, each by its format and the pattern that it fits.
macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident: $format:literal, $pattern:literal;)*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let format = SchemaFormat::Custom($format.to_owned());
                text(concat!($($doc),+)).format(Some(format)).pattern(Some($pattern)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

/// Declares texts that are each one of a few words.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident: $($word:literal)+;)*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl $name {
            /// The words.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text(concat!($($doc),+)).enum_values(Some(Self::WORDS.iter().copied())).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

fn text(about: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(about.trim()))
}

texts! {
    /// The address of an account or of a wallet: 32 bytes in Base58.
    Address: "address", "^[1-9A-HJ-NP-Za-km-z]{32,44}$";
    /// 32 bytes in hex, such as a SHA-256.
    Hash: "hash", "^[0-9a-f]{64}$";
    /// Signature of a transaction: 64 bytes in Base58.
    Signature: "signature", "^[1-9A-HJ-NP-Za-km-z]{64,88}$";
    /// Bytes in hex.
    Hex: "hex", "^([0-9a-f]{2})*$";
    /// A number of up to 64 bits. It is a string, because it may exceed 2⁵³.
    Uint64: "uint64", "^(0|[1-9][0-9]{0,19})$";
    /// A number of up to 128 bits. It is a string, because it may exceed 2⁵³.
    Uint128: "uint128", "^(0|[1-9][0-9]{0,38})$";
}

words! {
    /// What the content of a Datanet is.
    Modality: "text" "image" "audio" "table";
    /// Who may train on a Datanet: anybody, or who has a grant.
    Access: "open" "permissioned";
    /// How far a batch is.
    BatchStatus: "open" "review" "accepted" "rejected" "expired";
    /// Where the leaves of a batch are. `ledger`: on the ledger. The ledger has only the root of a batch in bulk, whose
    /// manifest names the leaves. `manifest`: they were read from it, and they make the root. `waiting`: it is not read
    /// yet, because the batch is not accepted yet or was just accepted. `absent`: the artifact store does not have it. `wrong`: it does not make the root, or it cannot be read.
    LeavesFrom: "ledger" "manifest" "waiting" "absent" "wrong";
    /// What a contribution is.
    ContributionKind: "document" "label" "correction" "removal";
    /// How far a grant is. A grant that was given is live until its last slot.
    GrantStatus: "requested" "granted" "revoked";
    /// How far a model is.
    ModelStatus: "draft" "ready" "retired";
    /// How far a training job is.
    JobStatus: "requested" "running" "attested" "cancelled" "expired";
    /// A pool that settlements divide.
    RewardPool: "contributors" "validators";
    /// How far a settlement is.
    SettlementStatus: "posted" "challenged" "rejected" "active";
    /// How a challenge of a settlement has ended, or `open`.
    ChallengeStatus: "open" "dismissed" "upheld" "expired";
    /// What an operator offers.
    Capability: "train" "serve" "attribute";
    /// How far a committee is.
    CommitteeStatus: "forming" "confirming" "active" "retired";
    /// Whose stake was slashed: a position as an operator or as a validator, or a pool of delegations.
    SlashedRole: "operator" "validator" "pool";
    /// Why stake was slashed.
    SlashReason: "equivocation" "attested" "authority";
    /// How far a proposal is.
    ProposalStatus: "draft" "voting" "queued" "executed" "defeated" "vetoed" "cancelled" "expired";
    /// What a vote is for.
    VoteChoice: "for" "against" "abstain";
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        text("Base units of OPEN, of which 10⁹ are one OPEN. It is a string, because it may exceed 2⁵³.")
            .format(Some(SchemaFormat::Custom("uint64".to_owned())))
            .pattern(Some("^(0|[1-9][0-9]{0,19})$"))
            .into()
    }
}

impl ToSchema for Amount {}

/// Makes one object of a struct's schema, whose flattened fields would otherwise be objects of their own.
pub fn flat(schema: RefOr<Schema>) -> RefOr<Schema> {
    let (description, parts) = match schema {
        RefOr::T(Schema::AllOf(all)) => (all.description, all.items),
        // Such is a flattened field that has a description of its own.
        RefOr::T(Schema::OneOf(one)) if one.items.len() == 1 => (None, one.items),
        other => return other,
    };
    let mut flat = Object::new();
    flat.description = description;
    for part in parts {
        if let RefOr::T(Schema::Object(part)) = self::flat(part) {
            flat.properties.extend(part.properties);
            flat.required.extend(part.required);
        }
    }
    RefOr::T(Schema::Object(flat))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(variants: &[&dyn std::fmt::Debug]) -> Vec<String> {
        variants.iter().map(|v| format!("{v:?}").to_lowercase()).collect()
    }

    #[test]
    fn words_are_the_programs_own() {
        use datanet::state::{Access as A, GrantStatus as G, Modality as M};
        use governance::state::{Choice, ProposalState as P};
        use payout::challenge::Outcome;
        use stake::state::{Role, SlashReason as S};
        assert_eq!(Access::WORDS, named(&[&A::Open, &A::Permissioned]));
        assert_eq!(Modality::WORDS, named(&[&M::Text, &M::Image, &M::Audio, &M::Table]));
        assert_eq!(GrantStatus::WORDS, named(&[&G::Requested, &G::Granted, &G::Revoked]));
        assert_eq!(VoteChoice::WORDS, named(&[&Choice::For, &Choice::Against, &Choice::Abstain]));
        let states = [P::Draft, P::Voting, P::Queued, P::Executed, P::Defeated, P::Vetoed, P::Cancelled, P::Expired];
        assert_eq!(ProposalStatus::WORDS, states.map(|s| format!("{s:?}").to_lowercase()));
        assert_eq!(ChallengeStatus::WORDS[1..], named(&[&Outcome::Dismissed, &Outcome::Upheld, &Outcome::Expired]));
        assert_eq!(SlashedRole::WORDS[..2], named(&[&Role::Operator, &Role::Validator]));
        assert_eq!(SlashReason::WORDS, named(&[&S::Equivocation, &S::Attested, &S::Authority]));
        assert_eq!(RewardPool::WORDS, crate::artifact::PoolName::ALL.map(|p| p.name()));
    }

    #[test]
    fn flattened_fields_are_fields() {
        #[derive(serde::Serialize, ToSchema)]
        struct Inner {
            a: u64,
        }
        /// Both.
        #[derive(serde::Serialize, ToSchema)]
        struct Outer {
            /// The one.
            #[serde(flatten)]
            #[schema(inline)]
            inner: Inner,
            b: Option<u64>,
        }
        let RefOr::T(Schema::Object(object)) = flat(Outer::schema()) else { panic!("an object") };
        assert_eq!(object.properties.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((object.required, object.description.as_deref()), (vec!["a".to_owned()], Some("Both.")));
        let RefOr::T(Schema::Object(object)) = flat(Inner::schema()) else { panic!("an object") };
        assert_eq!(object.required, ["a"]);
    }
}
