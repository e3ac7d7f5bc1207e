//! What every answer has in common: refusals in Databricks' shape, parameters, pages.

use std::collections::BTreeMap;

use crate::sentence::Sentence;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refusal.
#[derive(Debug, Clone)]
pub(super) struct HttpRefusal {
    pub(super) status: StatusCode,
    /// Text, or a number where a gateway refuses.
    pub(super) code: Value,
    pub(super) message: Sentence,
}

/// What handlers return.
pub(super) type Reply = Result<Json<Value>, HttpRefusal>;

impl HttpRefusal {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<Sentence>) -> HttpRefusal {
        HttpRefusal { status, code: code.into(), message: message.into() }
    }

    pub(super) fn bad(message: impl Into<Sentence>) -> HttpRefusal {
        HttpRefusal::new(StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
    }

    pub(super) fn not_found(code: &str, message: impl Into<Sentence>) -> HttpRefusal {
        HttpRefusal::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(super) fn denied(message: impl Into<Sentence>) -> HttpRefusal {
        HttpRefusal::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message)
    }

    pub(super) fn internal(message: impl std::fmt::Display) -> HttpRefusal {
        HttpRefusal::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", message.to_string())
    }
}

impl IntoResponse for HttpRefusal {
    fn into_response(self) -> Response {
        let HttpRefusal { status, code, message } = self;
        let request = uuid::Uuid::new_v4().to_string();
        let mut details = Vec::new();
        if code.is_string() {
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code, "domain": "sandbox.databricks.com",
            }));
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.RequestInfo", "request_id": request, "serving_data": "",
            }));
        }
        let mut body = json!({"error_code": code, "message": message});
        if !details.is_empty() {
            body["details"] = details.into();
        }
        let mut response = (status, Json(body)).into_response();
        if let Ok(request) = HeaderValue::from_str(&request) {
            response.headers_mut().insert("x-request-id", request);
        }
        response
    }
}

/// The query's parameters; of a repeated one the last.
#[derive(Debug, Clone, Default)]
pub(super) struct Params(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Params(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

impl Params {
    /// A parameter that is there and says something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn needed(&self, name: &str) -> Result<&str, HttpRefusal> {
        self.get(name).ok_or_else(|| HttpRefusal::bad(format!("Missing required field: {name}")))
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, HttpRefusal> {
        let read = |text: &str| {
            text.parse().map_err(|_| HttpRefusal::bad(format!("{name} is not a number: {text}")))
        };
        self.get(name).map(read).transpose()
    }

    /// Where the page begins that was asked for.
    fn offset(&self) -> Result<usize, HttpRefusal> {
        match self.get("page_token") {
            None => Ok(self.number("offset")?.and_then(|at| usize::try_from(at).ok()).unwrap_or(0)),
            Some(token) => {
                let at = token.strip_prefix("CAE").and_then(|at| at.parse().ok());
                at.ok_or_else(|| HttpRefusal::bad(format!("Invalid page token: {token}")))
            }
        }
    }
}

/// A page of items under a key, with the token of the next one.
///
/// Lists that are empty are left out, as the service leaves them out.
pub(super) fn page(
    params: &Params,
    key: &str,
    items: Vec<Value>,
    size: usize,
) -> Result<Value, HttpRefusal> {
    let from = params.offset()?.min(items.len());
    let to = (from + size.max(1)).min(items.len());
    let more = to < items.len();
    let shown: Vec<Value> = items.into_iter().skip(from).take(to - from).collect();
    let mut body = json!({});
    if !shown.is_empty() {
        body[key] = shown.into();
    }
    if more {
        body["next_page_token"] = format!("CAE{to}").into();
    }
    Ok(body)
}

/// A page of a Unity Catalog list. Its first page is empty where it has a successor, which the service allows itself too.
pub(super) fn catalog_page(
    params: &Params,
    key: &str,
    items: Vec<Value>,
    size: usize,
) -> Result<Value, HttpRefusal> {
    let asked = params.number("max_results")?;
    if asked.is_some_and(|asked| asked < 0) {
        return Err(HttpRefusal::bad("max_results must not be negative"));
    }
    let size = match asked {
        None => usize::MAX / 2,
        Some(0) => size,
        Some(asked) => usize::try_from(asked).unwrap_or(size).min(size),
    };
    if asked.is_some() && params.get("page_token").is_none() && items.len() > size {
        return Ok(json!({"next_page_token": "CAE0"}));
    }
    page(params, key, items, size)
}

/// A JSON body.
pub(super) fn body(bytes: &[u8]) -> Result<Value, HttpRefusal> {
    let read = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(read).map_err(|error| {
        HttpRefusal::new(
            StatusCode::BAD_REQUEST,
            "MALFORMED_REQUEST",
            format!("Invalid JSON given in the body of the request: {error}"),
        )
    })
}

/// A text of a JSON body that has to be there.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, HttpRefusal> {
    body.get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| HttpRefusal::bad(format!("Missing required field: {name}")))
}
