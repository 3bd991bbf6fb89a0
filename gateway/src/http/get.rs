//! The parameters of a GET request. Empty values mean absent, and repeated ones are refused rather than guessed at.

use axum::extract::Query;
use axum::http::Uri;

use super::refusal::Refusal;
use crate::params::{Params, object_from_json, query_of};

pub(crate) fn params(uri: &Uri) -> Result<Params, Refusal> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Refusal::bad_request(error.to_string()))?;
    let mut query = None;
    let mut document_id = None;
    let mut operation_name = None;
    let mut variables = None;
    let mut extensions = None;
    for (name, value) in pairs {
        let slot = match name.as_str() {
            "query" => &mut query,
            "documentId" => &mut document_id,
            "operationName" => &mut operation_name,
            "variables" => &mut variables,
            "extensions" => &mut extensions,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Refusal::bad_request(format!(
                "The parameter `{name}` is repeated"
            )));
        }
    }
    let present = |value: &String| !value.is_empty();
    let extensions = match extensions.filter(present) {
        Some(text) => object_from_json("extensions", &text)?,
        None => Vec::new(),
    };
    let document_id = document_id.filter(present);
    let query = query_of(query.filter(present), document_id.as_deref(), &extensions);
    let mut params = Params {
        query: query.map_err(|wrong| {
            Refusal::bad_request(format!("The parameters are not valid: {wrong}"))
        })?,
        document_id,
        operation_name: operation_name.filter(present),
        ..Params::default()
    };
    if let Some(text) = variables.filter(present) {
        params
            .variables
            .extend(object_from_json("variables", &text)?);
    }
    let extensions = extensions.into_iter();
    let extensions = extensions.map(|(name, value)| (name.to_string(), value));
    params.extensions.0.extend(extensions);
    Ok(params)
}
