//! A token that a secret of the workspace holds, read with another identity.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::super::client::Client;
use super::super::refusal::Refusal;
use super::super::wire::Secret;
use super::{AccessToken, TokenSource, sign_in_refusal};

/// Where the token is, and who may read it.
#[derive(Debug)]
pub(super) struct SecretToken {
    pub(super) client: Client,
    pub(super) scope: String,
    pub(super) key: String,
}

#[async_trait]
impl TokenSource for SecretToken {
    /// `GET /api/2.0/secrets/get`.
    async fn fetch(&self, _now: DateTime<Utc>) -> Result<AccessToken, Refusal> {
        let SecretToken { client, scope, key } = self;
        let query = [("scope", scope.as_str()), ("key", key.as_str())];
        let secret: Secret = client.get_secret(&["api", "2.0", "secrets", "get"], &query).await?;
        // A password may end with a blank; no header with a token may.
        match secret.decode_text().trim_end() {
            "" => Err(sign_in_refusal("its value is no token")),
            token => Ok(AccessToken::forever(token)),
        }
    }

    fn renews(&self) -> bool {
        false
    }
}
