//! The parts that answers have in common: whether they are final, pages of lists, and refusals.

use super::super::schema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, schema::Type},
};

/// A row, and whether every transaction behind it is final. A transaction that is only confirmed can still be rolled
/// back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Final<T> {
    /// The row.
    #[serde(flatten)]
    pub row: T,
    /// Whether it is final.
    pub finalized: bool,
}

/// In the document the row has the field too.
impl<T: ToSchema> PartialSchema for Final<T> {
    fn schema() -> RefOr<Schema> {
        let mut schema = schema::flat(T::schema());
        if let RefOr::T(Schema::Object(row)) = &mut schema {
            let about =
                "Whether every transaction behind it is final. What is only confirmed can still be rolled back.";
            let field = ObjectBuilder::new().schema_type(Type::Boolean).description(Some(about));
            row.properties.insert("finalized".to_owned(), field.into());
            row.required.push("finalized".to_owned());
        }
        schema
    }
}

impl<T: ToSchema> ToSchema for Final<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

/// A page of a list. To read on, pass `next` as `?cursor=` until it is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Opaque name of the next page. It is absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub next: Option<String>,
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let next = "Pass it as `cursor` for the next page. It is absent on the last one.";
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .required("items")
            .property("next", ObjectBuilder::new().schema_type(Type::String).description(Some(next)))
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

fn none() -> Option<String> {
    None
}

/// The body of every refusal of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// What is wrong and what to do.
    pub error: String,
    /// The parameter or the part of the path whose value is wrong, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_next_is_the_last() {
        let page: Page<u32> = serde_json::from_str(r#"{"items":[1,2]}"#).unwrap();
        assert_eq!(page, Page { items: vec![1, 2], next: None });
        assert_eq!(serde_json::to_string(&page).unwrap(), r#"{"items":[1,2]}"#);
    }
}
