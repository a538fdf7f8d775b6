//! What the OpenAPI document says about the artifact service. It has an address of its own, and answers by the protocol
//! that it has with its clients (`openledger_sdk::store::protocol`).

use super::{
    describe::{parameter, refusal},
    parameters::{Parameter, Takes},
};
use openledger_sdk::store::{
    Permit,
    protocol::{Listing, OFFSET},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, Header, HeaderBuilder, HttpMethod, ObjectBuilder, PathItem, Ref, RefOr, Required, Response,
        ResponseBuilder, Schema, Server, ServerBuilder,
        path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItemBuilder},
        request_body::RequestBodyBuilder,
        schema::{SchemaFormat, Type},
        server::ServerVariableBuilder,
    },
};

const TAG: &str = "artifacts";

/// Artifacts of one kind.
struct Artifacts {
    path: &'static str,
    /// The kind's name in the names of the operations.
    id: &'static str,
    about: &'static str,
    media: &'static str,
    parts: &'static [Parameter],
}

const SHA256: Parameter = Parameter { name: "sha256", takes: Takes::Hash, about: "SHA-256 of the content." };
const EPOCH: Parameter = Parameter { name: "epoch", takes: Takes::Uint64, about: "The epoch." };

const KINDS: &[Artifacts] = &[
    Artifacts {
        path: "/v1/artifacts/{sha256}",
        id: "Artifact",
        about: "bytes that their hash names",
        media: "application/octet-stream",
        parts: &[SHA256],
    },
    Artifacts {
        path: "/v1/artifacts/answers/{request}.json",
        id: "Answer",
        about: "the signed answer to a request",
        media: "application/json",
        parts: &[Parameter { name: "request", takes: Takes::Hash, about: "The request's name." }],
    },
    Artifacts {
        path: "/v1/artifacts/audits/{epoch}/{operator}.json",
        id: "Audit",
        about: "an operator's audit of an epoch",
        media: "application/json",
        parts: &[EPOCH, Parameter { name: "operator", takes: Takes::Key, about: "The operator's wallet." }],
    },
    Artifacts {
        path: "/v1/artifacts/settlements/{epoch}/{sha256}.json",
        id: "Report",
        about: "the report behind a settlement",
        media: "application/json",
        parts: &[EPOCH, SHA256],
    },
];

/// Folders that are listed: `(path, name of the operation, summary, parts)`.
const FOLDERS: &[(&str, &str, &str, &[Parameter])] = &[
    ("/v1/artifacts/answers", "listAnswers", "The answers that are there", &[]),
    ("/v1/artifacts/audits/{epoch}", "listAudits", "The audits of an epoch", &[EPOCH]),
    ("/v1/artifacts/settlements/{epoch}", "listReports", "The reports of an epoch", &[EPOCH]),
];

/// The paths of the artifact service.
pub fn paths() -> Vec<(&'static str, PathItem)> {
    let kinds = KINDS.iter().map(|kind| {
        let item = PathItemBuilder::new()
            .operation(HttpMethod::Get, read(kind, "get"))
            .operation(HttpMethod::Head, read(kind, "head"))
            .operation(HttpMethod::Put, store(kind));
        (kind.path, item.servers(Some([server()])).build())
    });
    let folders = FOLDERS.iter().map(|(path, id, summary, parts)| {
        let item = PathItemBuilder::new().operation(HttpMethod::Get, list(id, summary, parts));
        (*path, item.servers(Some([server()])).build())
    });
    kinds.chain(folders).collect()
}

/// The schemas that these paths name.
pub fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![(Listing::name().into_owned(), Listing::schema())];
    Listing::schemas(&mut schemas);
    schemas
}

fn server() -> Server {
    let address = ServerVariableBuilder::new()
        .default_value("http://127.0.0.1:8911")
        .description(Some("Where the artifact service is: the flag `--artifacts` of the indexer says it."));
    ServerBuilder::new()
        .url("{artifacts}")
        .parameter("artifacts", address)
        .description(Some("Artifact service"))
        .build()
}

fn begin(id: &str, summary: &str, parts: &[Parameter]) -> OperationBuilder {
    let operation = OperationBuilder::new().operation_id(Some(id)).tag(TAG).summary(Some(summary));
    parts.iter().fold(operation, |all, part| all.parameter(parameter(part, ParameterIn::Path)))
}

/// `GET` or `HEAD` of an artifact.
fn read(kind: &Artifacts, method: &str) -> Operation {
    let summary = format!("Reads {}{}", kind.about, if method == "head" { ", without the content" } else { "" });
    let whole = |about: &str| {
        let found = ResponseBuilder::new().description(about).header("ETag", text_header("Names the content."));
        if method == "head" { found } else { found.content(kind.media, bytes()) }
    };
    begin(&format!("{method}{}", kind.id), &summary, kind.parts)
        .description(Some("What is not public is given to wallets that may read it, by a permit."))
        .parameter(header("Range", Required::False, "The bytes that are asked for, such as `bytes=0-1023`."))
        .parameter(header(Permit::HEADER, Required::False, "A permit to read, as JSON."))
        .response("200", whole("The content."))
        .response("206", whole("The bytes that were asked for."))
        .response("304", ResponseBuilder::new().description("The content is the one that the request names."))
        .response("401", refused("Only who may read it gets it, and the permit is missing or wrong.", method))
        .response("403", refused("The wallet may not read it.", method))
        .response("404", refused("There is no such artifact.", method))
        .response("412", refused("It has another version now.", method))
        .response("416", refused("It does not have these bytes.", method))
        .response("503", refused("The store or the database does not answer now.", method))
        .build()
}

/// `PUT` of an artifact.
fn store(kind: &Artifacts) -> Operation {
    let etag = || text_header("SHA-256 of the content.");
    let content = RequestBodyBuilder::new()
        .description(Some("The content, or a part of it."))
        .content("application/octet-stream", bytes())
        .required(Some(Required::True));
    let held = "The part was taken. The next one begins at the byte that the header says.";
    begin(&format!("put{}", kind.id), &format!("Stores {}", kind.about), kind.parts)
        .description(Some(
            "A wallet signs what is stored. A long artifact is sent in parts, each with `Content-Range: bytes \
             FIRST-LAST/ALL`; `bytes */ALL` with an empty body asks how much is there.",
        ))
        .parameter(header(Permit::HEADER, Required::True, "A permit to store, as JSON."))
        .parameter(header("Content-Range", Required::False, "Which part the body is."))
        .request_body(Some(content.build()))
        .response("200", ResponseBuilder::new().description("It was there already.").header("ETag", etag()))
        .response("201", ResponseBuilder::new().description("It was stored.").header("ETag", etag()))
        .response("202", ResponseBuilder::new().description(held).header(OFFSET, text_header("Bytes that are there.")))
        .response("400", refusal("The request cannot be read."))
        .response("401", refusal("The permit is missing or wrong."))
        .response("403", refusal("The wallet may not store it."))
        .response("404", refusal("There is no such place."))
        .response("408", refusal("The content came too slowly."))
        .response("409", refusal("The part does not follow on what is there, or something newer is."))
        .response("413", refusal("It is too long."))
        .response("422", refusal("The content is not what was signed, or not what belongs there."))
        .response("429", refusal("Too much at a time from this wallet."))
        .response("503", refusal("The store or the database does not answer now."))
        .response("507", refusal("The quota is used up."))
        .build()
}

/// `GET` of a folder.
fn list(id: &str, summary: &str, parts: &[Parameter]) -> Operation {
    let after = ParameterBuilder::new()
        .name("after")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some("`next` of the page before."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    let page = ContentBuilder::new().schema(Some(Ref::from_schema_name(Listing::name()))).build();
    begin(id, summary, parts)
        .parameter(after)
        .response("200", ResponseBuilder::new().description("A page of keys.").content("application/json", page))
        .response("400", refusal("The request cannot be read."))
        .response("404", refusal("There is no such folder."))
        .response("503", refusal("The store does not answer now."))
        .build()
}

/// A refusal. That of a `HEAD` has no content.
fn refused(about: &str, method: &str) -> Response {
    match method {
        "head" => ResponseBuilder::new().description(about).build(),
        _ => refusal(about),
    }
}

fn header(name: &str, required: Required, about: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(about))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
}

fn text_header(about: &str) -> Header {
    HeaderBuilder::new().description(Some(about)).build()
}

fn bytes() -> utoipa::openapi::Content {
    let format = SchemaFormat::Custom("binary".to_owned());
    ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String).format(Some(format)))).build()
}
