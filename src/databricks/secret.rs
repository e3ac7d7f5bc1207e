//! Secrets of a workspace that are no tokens: passwords and addresses of those who are told.

use secrecy::SecretString;

use super::client::Client;
use super::refusal::Refusal;
use super::wire::Secret;
use crate::region::RegionErrorKind;
use crate::secrets;

/// `GET /api/2.0/secrets/get`; `None`: there is none of that name, or nothing in it.
pub(super) async fn read(
    client: &Client,
    scope: &str,
    key: &str,
) -> Result<Option<SecretString>, Refusal> {
    let query = [("scope", scope), ("key", key)];
    let secret: Result<Secret, Refusal> =
        client.get_secret(&["api", "2.0", "secrets", "get"], &query).await;
    let secret = match secret {
        Ok(secret) => secret,
        Err(refusal) if refusal.kind == RegionErrorKind::NotFound => return Ok(None),
        Err(refusal) => return Err(refusal),
    };
    let text = secret.decode_text();
    secrets::register(&text);
    Ok((!text.is_empty()).then(|| SecretString::from(text)))
}
