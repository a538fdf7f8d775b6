//! How parameters and refusals look in the OpenAPI document.

use super::parameters::{MAX_LIMIT, Parameter, Takes};
use openledger_sdk::api::{
    schema::{Address, Hash},
    types::ErrorBody,
};
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
        path::{Parameter as Described, ParameterBuilder, ParameterIn},
        schema::{KnownFormat, SchemaFormat, Type},
    },
};

/// The cursors of lists.
const CURSOR: &str = "^[0-9]{1,18}-[0-9]{1,18}$";

/// An answer that refuses.
pub fn refusal(about: &str) -> Response {
    let schema = Ref::from_schema_name(ErrorBody::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(about).content("application/json", content).build()
}

/// A parameter as the document shows it.
pub fn parameter(parameter: &Parameter, place: ParameterIn) -> Described {
    let required = if matches!(place, ParameterIn::Path) { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(place)
        .required(required)
        .description(Some(parameter.about))
        .schema(Some(schema(parameter.takes)))
        .build()
}

/// The schema of a parameter's values.
fn schema(takes: Takes) -> RefOr<Schema> {
    let number = || {
        let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
        ObjectBuilder::new().schema_type(Type::Integer).format(Some(format))
    };
    let text = || ObjectBuilder::new().schema_type(Type::String);
    match takes {
        Takes::Key => Ref::from_schema_name(Address::name()).into(),
        Takes::Hash => Ref::from_schema_name(Hash::name()).into(),
        Takes::Uint64 => number().minimum(Some(0)).maximum(Some(u64::MAX)).into(),
        Takes::Number => number().minimum(Some(0)).maximum(Some(i64::MAX)).into(),
        Takes::Limit => number().minimum(Some(1)).maximum(Some(MAX_LIMIT)).into(),
        Takes::Cursor => text().pattern(Some(CURSOR)).into(),
        Takes::OneOf(_) | Takes::Program | Takes::Event => text().enum_values(takes.words()).into(),
    }
}
