//! Tokens of others that a workspace trusts: of GitHub Actions, from a file, from a variable.

use std::path::PathBuf;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::super::refusal::Refusal;
use super::oauth::{TokenService, check_own_host};
use super::{AccessToken, TokenSource, sign_in_refusal};
use crate::files;
use crate::limits::SMALL_FILE;

/// Where such a token comes from; it is read afresh each time, because it lives for minutes.
#[derive(Debug)]
pub(super) enum IdToken {
    /// The runner of a GitHub workflow gives it.
    GitHub { url: Url, bearer: SecretString },
    /// It is in a file that something else renews.
    File(PathBuf),
    /// It is in the environment.
    Variable(SecretString),
}

/// GitHub's answer.
#[derive(Deserialize)]
struct Given {
    value: SecretString,
}

impl IdToken {
    pub(super) async fn read(
        &self,
        service: &TokenService,
        audience: &str,
    ) -> Result<SecretString, Refusal> {
        match self {
            IdToken::Variable(token) => Ok(token.clone()),
            IdToken::File(path) => {
                let text = files::read_text(path, &SMALL_FILE)
                    .map_err(|error| sign_in_refusal(format!("{}: {error}", path.display())))?;
                match text.trim() {
                    "" => Err(sign_in_refusal(format!("{} is empty", path.display()))),
                    token => Ok(SecretString::from(token.to_owned())),
                }
            }
            IdToken::GitHub { url, bearer } => {
                let mut url = url.clone();
                url.query_pairs_mut().append_pair("audience", audience);
                let bearer = bearer.expose_secret();
                let answer = service.get_with(url.as_str(), |it| it.bearer_auth(bearer)).await?;
                let Some((body, _)) = answer else {
                    return Err(sign_in_refusal(
                        "GitHub gives no id token: has the job `permissions: id-token: write`?",
                    ));
                };
                let given: Given = serde_json::from_slice(&body)
                    .map_err(|_| sign_in_refusal("GitHub's answer is no id token"))?;
                Ok(given.value)
            }
        }
    }
}

/// Somebody else's token, exchanged for one of the workspace.
#[derive(Debug)]
pub(super) struct Federation {
    pub(super) service: TokenService,
    pub(super) base: Url,
    pub(super) client_id: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) id_token: IdToken,
}

#[async_trait]
impl TokenSource for Federation {
    async fn fetch(&self, now: DateTime<Utc>) -> Result<AccessToken, Refusal> {
        let (endpoint, metadata) = self.service.endpoint(&self.base).await?;
        let told = metadata.token_federation_default_oidc_audiences.first();
        // An id token is good wherever its audience is: it is for this host, or for what whoever runs drsync names.
        let own = told.filter(|told| check_own_host(&self.base, told, "audience").is_ok());
        let audience = self.audience.as_ref().or(own);
        let audience = audience.map_or(endpoint.as_str(), String::as_str);
        let subject = self.id_token.read(&self.service, audience).await?;
        let mut form = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("subject_token", subject.expose_secret()),
            ("scope", "all-apis"),
        ];
        form.extend(self.client_id.as_deref().map(|id| ("client_id", id)));
        let given = self.service.token(endpoint.as_str(), None, &form, now).await;
        given.map_err(|refusal| match told.filter(|told| *told != audience) {
            Some(told) if refusal.is_sign_in() && self.audience.is_none() => {
                let told: String = told.chars().take(200).collect();
                refusal.hint(&format!(
                    "it names {told} as the audience of id tokens: set DATABRICKS_TOKEN_AUDIENCE to it if that is yours"
                ))
            }
            Some(_) | None => refusal,
        })
    }
}
