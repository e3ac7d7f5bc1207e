//! Tokens by which an application sends mail, and why a server may refuse one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::hook;
use crate::config::OAuth;
use crate::secrets;
use crate::sentence::Sentence;

/// What tokens for mail of Microsoft 365 are for.
const AUDIENCES: [&str; 2] = ["https://outlook.office365.com", "https://outlook.office.com"];

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

#[derive(Deserialize)]
struct Refused {
    error: Option<String>,
    error_description: Option<String>,
}

/// What a token says of itself, where it is a JSON Web Token. Nothing of it is believed: it only tells what is likely.
#[derive(Deserialize)]
struct Claims {
    aud: Option<String>,
    exp: Option<i64>,
}

/// Asks for a token with client credentials.
pub(super) async fn token(oauth: &OAuth, secret: &SecretString) -> Result<SecretString, Sentence> {
    let OAuth { token_url, client_id, client_secret_key: _, scope } = oauth;
    secrets::register(secret.expose_secret());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id.as_str()),
        ("client_secret", secret.expose_secret()),
        ("scope", scope.as_str()),
    ];
    let host = token_url.host_str().unwrap_or_default();
    let http = hook::http(token_url)?;
    let failed = |error: reqwest::Error| {
        format!("no token from {host}: {}", hook::describe_without_address(error))
    };
    let answer = http.post(token_url.clone()).form(&form).send().await.map_err(failed)?;
    let status = answer.status();
    let body = hook::short_body(answer).await;
    if !status.is_success() {
        let why = serde_json::from_slice::<Refused>(&body).ok();
        let why = why.and_then(|why| why.error_description.or(why.error)).unwrap_or_default();
        return Err(format!("no token from {host}: {status} {why}").into());
    }
    let granted = serde_json::from_slice::<Granted>(&body);
    let granted = granted.map_err(|_| format!("no token from {host}: its answer has none"))?;
    let sendable = granted.access_token.chars().all(|c| c.is_ascii_graphic());
    if granted.access_token.is_empty() || !sendable {
        return Err(format!("no token from {host}: its answer has none").into());
    }
    secrets::register(&granted.access_token);
    Ok(SecretString::from(granted.access_token))
}

/// Why a server may have refused a token: what the token itself says, or else the three usual causes.
pub(super) fn likely_causes(token: &SecretString) -> String {
    let claims = claims(token.expose_secret());
    let ended = claims.as_ref().and_then(|claims| claims.exp);
    if let Some(ended) = ended.and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        && ended <= Utc::now()
    {
        return format!("the token ended at {}", crate::moment::text(ended));
    }
    let audience = claims.and_then(|claims| claims.aud);
    if let Some(audience) = audience.filter(|audience| !AUDIENCES.contains(&audience.as_str())) {
        return format!("the token is for {audience}, not for mail: see oauth.scope");
    }
    "the usual causes: the application has no rights on the mailbox, SMTP AUTH is off for it, or the token is for another tenant"
        .to_owned()
}

fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_refused_token_says_of_itself_is_told() {
        let token =
            |claims: &str| SecretString::from(format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims)));
        let ended = likely_causes(&token(r#"{"exp": 1000, "aud": "https://outlook.office.com"}"#));
        assert_eq!(ended, "the token ended at 1970-01-01T00:16:40.000Z");
        let other = likely_causes(&token(r#"{"aud": "https://graph.microsoft.com"}"#));
        assert!(other.contains("is for https://graph.microsoft.com"), "{other}");
        let opaque = likely_causes(&SecretString::from("opaque"));
        assert!(opaque.contains("SMTP AUTH is off"), "{opaque}");
    }
}
