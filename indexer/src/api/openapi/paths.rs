//! The paths of the API.

use super::{
    super::filters::{
        BATCHES, COMMITTEES, CONTRIBUTIONS, DATANETS, EVENTS, FUNDING, Filter, JOBS, MODELS, RECEIPTS, SETTLEMENTS,
    },
    schemas::{kind, page, words},
};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, PathItem, RefOr, Required, ResponseBuilder, Schema,
    path::{OperationBuilder, ParameterBuilder, ParameterIn},
};

/// What a path answers with.
enum Answer {
    /// One schema.
    One(&'static str),
    /// A page of a schema.
    Page(&'static str),
    /// Text of this media type.
    Text(&'static str),
}

use Answer::{One, Page, Text};

/// Numbers that narrow a list of payments.
const SLOTS: &[&str] = &["after_slot", "until_slot"];
/// The number that narrows the feed.
const AFTER: &[&str] = &["after"];

/// A route: `(path, summary, filters, parameters that are numbers, answer)`.
type Route = (&'static str, &'static str, &'static [Filter], &'static [&'static str], Answer);

/// The routes.
const ROUTES: &[Route] = &[
    ("/v1/status", "Whether the index is complete and right", &[], &[], One("Status")),
    ("/v1/datanets", "Datanets", DATANETS, &[], Page("Datanet")),
    ("/v1/datanets/{address}", "A Datanet", &[], &[], One("Datanet")),
    ("/v1/datanets/{address}/contributions", "Contributions of a Datanet", CONTRIBUTIONS, &[], Page("Contribution")),
    (
        "/v1/contributions/{leaf}",
        "A contribution, with the proof that it is in its Datanet's root once accepted",
        &[],
        &[],
        One("ContributionWithProof"),
    ),
    ("/v1/batches", "Batches", BATCHES, &[], Page("Batch")),
    ("/v1/batches/{address}", "A batch with its reviews", &[], &[], One("Batch")),
    ("/v1/models", "Models", MODELS, &[], Page("Model")),
    ("/v1/models/{address}", "A model", &[], &[], One("Model")),
    ("/v1/jobs", "Training jobs", JOBS, &[], Page("Job")),
    ("/v1/jobs/{address}", "A training job", &[], &[], One("Job")),
    (
        "/v1/receipts",
        "Payments for answers, after the one slot and not after the other where they are named",
        RECEIPTS,
        SLOTS,
        Page("Receipt"),
    ),
    ("/v1/receipts/{request}", "A payment with its answer", &[], &[], One("Receipt")),
    (
        "/v1/funding",
        "Payments into the pools beside fees: data shares of training jobs, and gifts",
        FUNDING,
        SLOTS,
        Page("Funding"),
    ),
    ("/v1/settlements", "Settlements", SETTLEMENTS, &[], Page("Settlement")),
    ("/v1/settlements/{epoch}", "The settlement of an epoch", &[], &[], One("Settlement")),
    ("/v1/claims/{wallet}", "What a wallet has earned, claimed and can prove", &[], &[], One("ClaimProofs")),
    ("/v1/wallets/{wallet}", "Earnings, stake, spending and balance of a wallet", &[], &[], One("Wallet")),
    ("/v1/operators", "Operators", &[], &[], Page("Operator")),
    ("/v1/committees", "Committees", COMMITTEES, &[], Page("Committee")),
    ("/v1/events", "Events after row `after`, oldest first", EVENTS, AFTER, Page("Event")),
    (
        "/v1/events/stream",
        "Events live, as server-sent events whose id is the row",
        EVENTS,
        AFTER,
        Text("text/event-stream"),
    ),
    ("/metrics", "Metrics for Prometheus", &[], &[], Text("text/plain")),
];

/// Returns every path with its OpenAPI item.
pub fn all() -> Vec<(&'static str, PathItem)> {
    let all = ROUTES.iter();
    all.map(|(path, summary, filters, numbers, answer)| (*path, item(path, summary, filters, numbers, answer)))
        .collect()
}

fn item(path: &str, summary: &str, filters: &[Filter], numbers: &[&str], answer: &Answer) -> PathItem {
    let mut operation = OperationBuilder::new().summary(Some(summary));
    let mut may_refuse = false;
    for name in path.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}')) {
        let schema = match name {
            "leaf" | "request" => kind("hash", false),
            "epoch" => kind("count", false),
            _ => kind("key", false),
        };
        operation = operation.parameter(parameter(name, ParameterIn::Path, Required::True, schema));
        may_refuse = true;
    }
    for filter in filters {
        let schema = filter.takes.words().map_or_else(|| kind("key", false), words);
        operation = operation.parameter(parameter(filter.name, ParameterIn::Query, Required::False, schema));
        may_refuse = true;
    }
    let paging: &[(&str, &str)] =
        if matches!(answer, Page(_)) { &[("cursor", "text"), ("limit", "count")] } else { &[] };
    for (name, of) in numbers.iter().map(|name| (*name, "count")).chain(paging.iter().copied()) {
        operation = operation.parameter(parameter(name, ParameterIn::Query, Required::False, kind(of, false)));
        may_refuse = true;
    }
    let (media, schema) = match answer {
        One(name) => ("application/json", kind(name, false)),
        Page(name) => ("application/json", page(name)),
        Text(media) => (*media, kind("text", false)),
    };
    operation = operation.response("200", response(summary, media, schema));
    let mut refusals = vec![("503", "Something that the answer needs is not there now")];
    if may_refuse {
        refusals.push(("422", "A value is wrong: the answer names the field, and says what is wrong"));
    }
    if path.contains('{') {
        refusals.push(("404", "There is no such thing"));
    }
    for (status, what) in refusals {
        operation = operation.response(status, response(what, "application/json", kind("Error", false)));
    }
    PathItem::new(HttpMethod::Get, operation)
}

fn parameter(name: &str, place: ParameterIn, required: Required, schema: RefOr<Schema>) -> ParameterBuilder {
    ParameterBuilder::new().name(name).parameter_in(place).required(required).schema(Some(schema))
}

fn response(what: &str, media: &str, schema: RefOr<Schema>) -> ResponseBuilder {
    ResponseBuilder::new().description(what).content(media, ContentBuilder::new().schema(Some(schema)).build())
}
