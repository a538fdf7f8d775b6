//! Schemas of the answers (`openledger_sdk::api::types`), as tables of `field:kind`.

use utoipa::openapi::{
    ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema,
    schema::{KnownFormat, SchemaFormat, SchemaType, Type},
};

/// The schemas, each as `(name, fields)`. A kind is `key`, `hash`, `signature`, `amount`, `count`, `text`, `flag`,
/// `json`, or the name of a schema. `[kind]` is a list. A trailing `?` means that the field may be null or absent.
const TABLES: &[(&str, &str)] = &[
    (
        "Status",
        "version:text cluster:text chain_slot:count indexed_slot:count finalized_slot:count events:count \
                gaps:[key] missing:[Gap] differences:[Difference] rolled_back:count provisional:count \
                quarantined:count quarantine:[Quarantined] feed:text",
    ),
    ("Quarantined", "signature:signature slot:count ordinal:count? reason:text tries:count since:count"),
    ("Gap", "program:text subject:key first:count last:count"),
    ("Difference", "account:key field:text chain:text indexed:text rounds:count"),
    (
        "Datanet",
        "address:key owner:key id:amount name:text metadata_uri:text metadata_hash:hash licence:text \
                 modality:text access:text min_bond:amount batches:count accepted:count rejected:count \
                 contributions:count contributors:count root:hash created_slot:count created_signature:signature \
                 finalized:flag",
    ),
    (
        "Contribution",
        "leaf:hash datanet:key batch:key batch_index:count place:count contributor:key status:text \
                      detail:ContributionDetail? slot:count signature:signature finalized:flag",
    ),
    ("ContributionDetail", "content:hash kind:text target:hash? title:text author:text licence:text source:text"),
    (
        "ContributionWithProof",
        "leaf:hash datanet:key batch:key batch_index:count place:count contributor:key \
                               status:text detail:ContributionDetail? slot:count signature:signature \
                               proof:ContributionProof? finalized:flag",
    ),
    (
        "ContributionProof",
        "leaf:hash preimage:Preimage? datanet:key contributor:key batch_index:count batch_root:hash \
                           in_batch:Path root:hash in_datanet:Path",
    ),
    ("Preimage", "content:hash kind:count target:hash metadata:hash"),
    ("Path", "count:count index:count siblings:[hash] peaks:[hash]"),
    ("Review", "validator:key approve:flag? quality:count?"),
    (
        "Batch",
        "address:key datanet:key index:count contributor:key status:text count:count bond:amount root:hash? \
               manifest:hash? commit_until:count? reveal_until:count? place:count? quality:count? reviews:[Review] \
               opened_slot:count decided_slot:count? finalized:flag",
    ),
    ("Snapshot", "datanet:key root:hash batches:count"),
    (
        "Model",
        "address:key owner:key id:amount name:text base_hash:hash parent:key? adapter_hash:hash? \
               manifest_hash:hash? job:key? snapshots:[Snapshot] price_in:amount price_out:amount status:text \
               answers:count fees:amount created_slot:count finalized:flag",
    ),
    ("ComputeShare", "operator:key units:amount amount:amount"),
    (
        "Job",
        "address:key model:key number:count requester:key config_hash:hash seed:amount snapshots:[Snapshot] \
             budget:amount status:text operator:key? committee_epoch:count? deadline_slot:count? log_root:hash? \
             segments:count? adapter_hash:hash? \
             manifest_hash:hash? compute:[ComputeShare] paid:amount data_share:amount data_paid:amount \
             refunded:amount requested_slot:count waiting_slot:count taking_slot:count former:key? \
             ended_slot:count? finalized:flag",
    ),
    (
        "FeeParts",
        "treasury:amount model_owner:amount upstream:amount compute:amount validators:amount \
                  contributors:amount",
    ),
    (
        "Receipt",
        "request:hash payer:key model:key operator:key amount:amount parts:FeeParts epoch:count slot:count \
                 signature:signature answer:json? finalized:flag",
    ),
    (
        "Funding",
        "pool:text subject:key payer:key amount:amount epoch:count job:key? model:key? shard:key slot:count \
                 signature:signature finalized:flag",
    ),
    ("PoolRoot", "root:hash leaves:count lifetime_total:amount funded:amount"),
    (
        "Settlement",
        "epoch:count status:text contributors:PoolRoot validators:PoolRoot observations_root:hash \
                    report_hash:hash cutoff_slot:count active_after:count committee_epoch:count posted_slot:count \
                    signature:signature finalized:flag",
    ),
    ("ClaimProofs", "wallet:key pools:[ClaimProof] finalized:flag"),
    ("ClaimProof", "pool:text lifetime:amount claimed:amount claimable:amount epoch:count index:count proof:[hash]"),
    (
        "Wallet",
        "address:key balance:amount earned_contributing:amount earned_validating:amount earned_models:amount \
                earned_compute:amount claimed:amount claimable:amount staked_operator:amount staked_validator:amount \
                contributions:count answers:count spent:amount finalized:flag",
    ),
    (
        "Operator",
        "address:key owner:key identity:key endpoint:text capabilities:[text] staked:amount answers:count \
                  earned:amount finalized:flag",
    ),
    (
        "Committee",
        "address:key epoch:count status:text threshold:count size:count group_key:hash? members:[key] \
                   confirmed:[key] active_slot:count? finalized:flag",
    ),
    (
        "Event",
        "id:count slot:count signature:signature ordinal:count program:text name:text subject:key \
               sequence:count data:json finalized:flag block_time:count?",
    ),
    ("Error", "error:text field:text?"),
];

/// Every schema by name, in the order of the tables.
pub fn all() -> Vec<(&'static str, RefOr<Schema>)> {
    TABLES.iter().map(|(name, fields)| (*name, object(fields))).collect()
}

/// The schema of a page of `name`.
pub fn page(name: &str) -> RefOr<Schema> {
    let items = ArrayBuilder::new().items(kind(name, false));
    ObjectBuilder::new().property("items", items).property("next", kind("text", false)).required("items").into()
}

/// The schema of one of `words`.
pub fn words(words: Vec<&'static str>) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(words)).into()
}

/// Turns a kind of the tables into a schema.
pub fn kind(name: &str, nullable: bool) -> RefOr<Schema> {
    if let Some(inner) = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
        return ArrayBuilder::new().items(kind(inner, false)).into();
    }
    let (base, pattern) = match name {
        "key" => (Type::String, Some("^[1-9A-HJ-NP-Za-km-z]{32,44}$")),
        "signature" => (Type::String, Some("^[1-9A-HJ-NP-Za-km-z]{64,88}$")),
        "hash" => (Type::String, Some("^[0-9a-f]{64}$")),
        "amount" => (Type::String, Some("^[0-9]{1,20}$")),
        "text" => (Type::String, None),
        "flag" => (Type::Boolean, None),
        "count" => (Type::Integer, None),
        "json" => (Type::Object, None),
        schema => {
            let reference = Ref::from_schema_name(schema);
            return match nullable {
                false => RefOr::Ref(reference),
                true => utoipa::openapi::OneOfBuilder::new()
                    .item(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null)))
                    .item(reference)
                    .into(),
            };
        }
    };
    let format = matches!(name, "count").then_some(SchemaFormat::KnownFormat(KnownFormat::Int64));
    let types = if nullable { SchemaType::Array(vec![base, Type::Null]) } else { SchemaType::Type(base) };
    ObjectBuilder::new().schema_type(types).format(format).pattern(pattern).into()
}

fn object(fields: &str) -> RefOr<Schema> {
    let mut object = ObjectBuilder::new();
    for field in fields.split_whitespace() {
        let (name, of) = field.split_once(':').unwrap_or((field, "json"));
        let (of, optional) = of.strip_suffix('?').map_or((of, false), |of| (of, true));
        object = object.property(name, kind(of, optional));
        if !optional {
            object = object.required(name);
        }
    }
    object.into()
}
