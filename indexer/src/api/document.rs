//! The API's OpenAPI document, made of the routes.

use super::{
    artifact_document,
    describe::{parameter, refusal},
    parameters::{PARTS, Parameter},
    route::{Body, Route},
};
use openledger_sdk::api::{
    schema::{Address, Hash},
    types::ErrorBody,
};
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, ContentBuilder, HeaderBuilder, HttpMethod, InfoBuilder, LicenseBuilder, ObjectBuilder,
        OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr, ResponseBuilder, Schema, ServerBuilder,
        path::{Operation, OperationBuilder, ParameterIn},
        schema::Type,
        tag::TagBuilder,
    },
};

/// What the routes are about.
const TAGS: &[(&str, &str)] = &[
    ("index", "Whether the index is complete, and the events that it is made of."),
    ("data", "Datanets, batches, contributions and grants."),
    ("models", "Models and the training jobs that make their adapters."),
    ("payments", "Payments for answers, prepaid balances, and what else is paid into the pools."),
    ("settlements", "Settlements, their challenges, and what wallets have earned."),
    ("stake", "Operators, committees, delegations, slashes and the insurance vault."),
    ("governance", "Proposals, votes, and the OPEN that is locked for them."),
    ("artifacts", "The artifact service, which has an address of its own."),
];

const ABOUT: &str = "\
What the ledger says, for people and clients. Lists are newest first; pass `next` of an answer as `cursor` to go on. \
`finalized` says whether every transaction behind a row is final: what is only confirmed may yet be rolled back. Amounts \
are base units of OPEN (9 decimals) as decimal strings, as is every number that may exceed 2⁵³. Every `GET` answers a \
`HEAD` too. An answer has an `ETag`: a request with `If-None-Match` gets 304 if nothing has changed. Whatever is wrong \
with a request is told by 422 with the name of the field.";

/// Builds the OpenAPI 3.1 document of `routes` and of the artifact service.
pub fn document(routes: &[Route]) -> OpenApi {
    let mut schemas: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
    let mut paths = PathsBuilder::new();
    for route in routes {
        if let Body::Json { schemas: named, .. } = &route.body {
            schemas.extend(named.iter().cloned());
        }
        paths = paths.path(route.path, PathItem::new(HttpMethod::Get, operation(route)));
    }
    for (path, item) in artifact_document::paths() {
        paths = paths.path(path, item);
    }
    schemas.extend(artifact_document::schemas());
    schemas.insert(ErrorBody::name().into_owned(), ErrorBody::schema());
    schemas.insert(Address::name().into_owned(), Address::schema());
    schemas.insert(Hash::name().into_owned(), Hash::schema());
    let components = schemas.into_iter().fold(ComponentsBuilder::new(), |all, (name, schema)| all.schema(name, schema));
    let info = InfoBuilder::new()
        .title("OpenLedger indexer")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let tags = TAGS.iter().map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build());
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url("/").description(Some("This indexer")).build()]))
        .tags(Some(tags))
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

fn operation(route: &Route) -> Operation {
    let parts = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parts: Vec<&Parameter> =
        parts.filter_map(|name| PARTS.iter().find(|parameter| parameter.name == name)).collect();
    let operation = OperationBuilder::new().operation_id(Some(route.id)).tag(route.tag).summary(Some(route.summary));
    let operation = parts.iter().fold(operation, |all, part| all.parameter(parameter(part, ParameterIn::Path)));
    let operation = route.query.iter().fold(operation, |all, one| all.parameter(parameter(one, ParameterIn::Query)));
    let (media, schema): (_, RefOr<Schema>) = match &route.body {
        Body::Json { name, .. } => ("application/json", Ref::from_schema_name(name).into()),
        Body::Text(media) => (*media, ObjectBuilder::new().schema_type(Type::String).into()),
        Body::Any => ("application/json", ObjectBuilder::new().schema_type(Type::Object).into()),
    };
    let tag = HeaderBuilder::new().description(Some("Names the content.")).build();
    let found = ResponseBuilder::new()
        .description(route.summary)
        .content(media, ContentBuilder::new().schema(Some(schema)).build())
        .header("ETag", tag)
        .build();
    let mut operation = operation
        .response("200", found)
        .response("304", ResponseBuilder::new().description("The content is the one that the request names.").build())
        .response("422", refusal("A value is wrong: the answer names the field, and says what is wrong."))
        .response("500", refusal("The index holds what this version cannot read."))
        .response("503", refusal("Something that the answer needs is not there now."));
    if !parts.is_empty() {
        operation = operation.response("404", refusal("There is no such thing."));
    }
    operation.build()
}
