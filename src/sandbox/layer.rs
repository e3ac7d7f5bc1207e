//! What surrounds every request: the log, faults, who asks, and the headers of every answer.
//! It logs, and waits where a fault says so; no file is touched.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use super::fault::Misbehaviour;
use super::http::HttpRefusal;
use super::listener::Cord;
use super::{Site, served_workspace::ServedWorkspace};
use crate::command::{Command, Verb};

/// Where a request that is no GET changes no file; statements look for themselves.
const READ_ONLY: [&str; 4] = [
    "/oidc/",
    "/api/2.0/sql/",
    "/api/2.1/unity-catalog/temporary-",
    "/api/2.1/unity-catalog/validate-",
];

/// Paths that are answered without a token.
const OPEN: [&str; 3] = ["/.well-known/", "/oidc/", "/results/"];

pub(super) async fn surround(
    State(site): State<Arc<Site>>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().to_owned();
    site.shared.note(&site.workspace.url, &method, &path);
    let met = site.shared.faults.count_and_match(site.side, &method, &path);
    let (mut drop_after, mut truncate) = (false, false);
    for what in met {
        match what {
            Misbehaviour::Delay(time) => tokio::time::sleep(time).await,
            Misbehaviour::Status(status, retry_after) => {
                return dressed(&site.workspace, refused(status, retry_after));
            }
            Misbehaviour::Html(status) => {
                let page = Html(format!(
                    "<html><head><title>{status}</title></head><body><pre>The sandbox was told to say so.</pre></body></html>"
                ));
                return dressed(&site.workspace, (code(status), page).into_response());
            }
            Misbehaviour::DropBefore => {
                cord.cut();
                return Response::new(Body::empty());
            }
            Misbehaviour::DropAfter => drop_after = true,
            Misbehaviour::Truncate => truncate = true,
            // Faults of statements.
            Misbehaviour::Fail(_) | Misbehaviour::FailAfter(_) => {}
        }
    }
    let response = match authorized(&site.workspace, &request, &path) {
        Ok(()) => next.run(request).await,
        Err(refusal) => *refusal,
    };
    if drop_after {
        cord.cut();
        return Response::new(Body::empty());
    }
    let response = dressed(&site.workspace, response);
    if truncate { halved(response).await } else { response }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
}

fn refused(status: u16, retry_after: Option<u64>) -> Response {
    let name = match status {
        400 => "BAD_REQUEST",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "RESOURCE_DOES_NOT_EXIST",
        409 => "ABORTED",
        429 => "REQUEST_LIMIT_EXCEEDED",
        503 => "TEMPORARILY_UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL_ERROR",
    };
    let mut response =
        HttpRefusal::new(code(status), name, "The sandbox was told to say so.").into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn authorized(
    workspace: &ServedWorkspace,
    request: &Request,
    path: &str,
) -> Result<(), Box<Response>> {
    let gateway = |status: StatusCode, message: &str| {
        let refusal = HttpRefusal { status, code: json!(status.as_u16()), message: message.into() };
        let mut response = refusal.into_response();
        if status == StatusCode::UNAUTHORIZED {
            let realm = HeaderValue::from_static("Bearer realm=\"DatabricksRealm\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
        }
        Box::new(response)
    };
    if !is_loopback(request) {
        let message =
            "The sandbox answers for this machine only: call it as 127.0.0.1 or localhost.";
        return Err(gateway(StatusCode::MISDIRECTED_REQUEST, message));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !workspace.guard.writable && !reads && !READ_ONLY.iter().any(|it| path.starts_with(it)) {
        let message = format!(
            "This sandbox is read-only; `{}` lets it change its folders.",
            Command::new(Verb::Sandbox).word("--writable")
        );
        return Err(gateway(StatusCode::FORBIDDEN, &message));
    }
    if OPEN.iter().any(|open| path.starts_with(open)) {
        return Ok(());
    }
    let sent = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = sent.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    match token {
        None => Err(gateway(
            StatusCode::UNAUTHORIZED,
            "Credential was not sent or was of an unsupported type for this API.",
        )),
        Some(token) if workspace.knows(token) => Ok(()),
        Some(_) => Err(gateway(StatusCode::FORBIDDEN, "Invalid access token.")),
    }
}

/// Whether a request was meant for this machine: a page that a browser was led here by has another host.
fn is_loopback(request: &Request) -> bool {
    let host = request.headers().get(header::HOST);
    let Some(host) = host.and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

/// Gives an answer the headers that all have.
fn dressed(workspace: &ServedWorkspace, mut response: Response) -> Response {
    let date = workspace.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let all = [
        (HeaderName::from_static("x-request-id"), uuid::Uuid::new_v4().to_string()),
        (HeaderName::from_static("x-databricks-org-id"), workspace.ids.workspace.to_string()),
        (header::SERVER, "databricks".to_owned()),
        (header::DATE, date),
    ];
    for (name, value) in all {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().entry(name).or_insert(value);
        }
    }
    response
}

/// The first half of an answer that says it is whole.
async fn halved(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let half = bytes.slice(..bytes.len() / 2);
    let pieces: [Result<Bytes, std::io::Error>; 2] =
        [Ok(half), Err(std::io::ErrorKind::ConnectionAborted.into())];
    Response::from_parts(parts, Body::from_stream(futures::stream::iter(pieces)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_that_were_meant_for_this_machine_are_answered() {
        let asked = |host: &str| {
            let request = Request::builder().header(header::HOST, host);
            is_loopback(&request.body(Body::empty()).unwrap())
        };
        for host in ["127.0.0.1", "127.0.0.1:8471", "localhost:8471", "[::1]:8471"] {
            assert!(asked(host), "{host}");
        }
        for host in [
            "attacker.example:8471",
            "localhost.attacker.example",
            "127.0.0.1.attacker.example:80",
            "",
        ] {
            assert!(!asked(host), "{host}");
        }
        assert!(!is_loopback(&Request::new(Body::empty())));
    }
}
