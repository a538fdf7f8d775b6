//! A route of the API: where it is, what it takes, what it answers with, and who answers. Both the server and the OpenAPI
//! document are made of these, so that neither has what the other lacks.

use super::{
    answer::Answer,
    error::Refusal,
    parameters::Parameter,
    query::{Query, address, hash, number},
    state::State,
};
use futures::{FutureExt, future::BoxFuture};
use openledger_sdk::api::schema::flat;
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

/// A request for a route.
pub struct Request {
    /// The parts of its path that vary, each by its name in the route.
    parts: Vec<(&'static str, String)>,
    /// Its parameters. They are among those of the route.
    pub query: Query,
    /// The header `Last-Event-ID`.
    pub last_id: Option<String>,
}

impl Request {
    /// The address in part `name` of the path, in canonical form.
    pub fn address(&self, name: &str) -> Result<String, Refusal> {
        address(name, self.part(name))
    }

    /// The hash in part `name` of the path.
    pub fn hash(&self, name: &str) -> Result<[u8; 32], Refusal> {
        hash(name, self.part(name))
    }

    /// The number in part `name` of the path.
    pub fn number(&self, name: &str) -> Result<u64, Refusal> {
        number(name, self.part(name))
    }

    fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|(part, _)| *part == name).map_or("", |(_, value)| value)
    }
}

/// What a route answers with.
pub enum Body {
    /// JSON in this schema, and the schemas that it names.
    Json {
        /// Name of the schema.
        name: String,
        /// The schema and all that it names.
        schemas: Vec<(String, RefOr<Schema>)>,
    },
    /// Text of this media type.
    Text(&'static str),
    /// Any JSON.
    Any,
}

type Handler = Box<dyn Fn(State, Request) -> BoxFuture<'static, Result<Answer, Refusal>> + Send + Sync>;

/// A route.
pub struct Route {
    /// Its path, with `{name}` for each part that varies.
    pub path: &'static str,
    /// Its name in the document, by which clients that are made of the document call it.
    pub id: &'static str,
    /// What it is about.
    pub tag: &'static str,
    /// What it answers, in a line.
    pub summary: &'static str,
    /// The parameters that it takes.
    pub query: Vec<Parameter>,
    /// What it answers with.
    pub body: Body,
    handler: Handler,
}

impl Route {
    /// A route that answers with JSON. Its schema is that of what `handler` returns.
    pub fn json<T, F>(
        path: &'static str,
        id: &'static str,
        tag: &'static str,
        summary: &'static str,
        handler: impl Fn(State, Request) -> F + Send + Sync + 'static,
    ) -> Self
    where
        T: Serialize + ToSchema,
        F: Future<Output = Result<T, Refusal>> + Send + 'static,
    {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        let name = T::name().into_owned();
        schemas.push((name.clone(), flat(T::schema())));
        Self::new(path, id, tag, summary, Body::Json { name, schemas }, move |state, request| {
            handler(state, request).map(|answer| Answer::json(&answer?))
        })
    }

    /// A route that answers with something else.
    pub fn new<F>(
        path: &'static str,
        id: &'static str,
        tag: &'static str,
        summary: &'static str,
        body: Body,
        handler: impl Fn(State, Request) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Answer, Refusal>> + Send + 'static,
    {
        let handler: Handler = Box::new(move |state, request| handler(state, request).boxed());
        Self { path, id, tag, summary, query: Vec::new(), body, handler }
    }

    /// The same route, which takes these parameters too.
    pub fn takes(mut self, parameters: &[Parameter]) -> Self {
        self.query.extend_from_slice(parameters);
        self
    }

    /// The parts of `path` that vary, if it is this route's.
    pub fn parts(&self, path: &str) -> Option<Vec<(&'static str, String)>> {
        let mut asked = path.split('/');
        let mut parts = Vec::new();
        for own in self.path.split('/') {
            let given = asked.next()?;
            match own.strip_prefix('{').and_then(|own| own.strip_suffix('}')) {
                Some(name) => parts.push((name, given.to_owned())),
                None if own == given => {}
                None => return None,
            }
        }
        asked.next().is_none().then_some(parts)
    }

    /// Answers a request with these parts of the path.
    pub async fn answer(
        &self,
        state: &State,
        parts: Vec<(&'static str, String)>,
        query: Query,
        last_id: Option<String>,
    ) -> Result<Answer, Refusal> {
        query.allow(&self.query.iter().map(|parameter| parameter.name).collect::<Vec<_>>())?;
        (self.handler)(state.clone(), Request { parts, query, last_id }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_routes_if_only_its_parts_differ() {
        let route = Route::new("/v1/a/{address}/b", "a", "t", "s", Body::Any, |_, _| async { unreachable!() });
        assert_eq!(route.parts("/v1/a/x/b"), Some(vec![("address", "x".to_owned())]));
        for other in ["/v1/a/x", "/v1/a/x/b/", "/v1/a/x/c", "v1/a/x/b", ""] {
            assert_eq!(route.parts(other), None, "{other}");
        }
    }
}
