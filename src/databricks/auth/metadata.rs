//! Tokens that a program of this machine hands out, as Databricks' metadata service does: it is how a job's own identity gets here.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::super::refusal::Refusal;
use super::super::timing::Timing;
use super::oauth::TokenService;
use super::{AccessToken, TokenSource, sign_in_refusal};
use crate::config::is_at_this_machine;

/// What the service answers: a token, its kind, and when it ends, in seconds since 1970.
#[derive(Deserialize)]
struct Given {
    access_token: SecretString,
    token_type: String,
    expires_on: f64,
}

/// Whoever a service of this machine speaks for.
#[derive(Debug)]
pub(super) struct MetadataService {
    pub(super) timing: Timing,
    /// Where it is. Who knows the address gets a token, so it is a secret itself.
    pub(super) url: SecretString,
    pub(super) base: Url,
}

#[async_trait]
impl TokenSource for MetadataService {
    /// `GET` of the service's own address, with the workspace that the token is for.
    async fn fetch(&self, now: DateTime<Utc>) -> Result<AccessToken, Refusal> {
        let url = Url::parse(self.url.expose_secret())
            .map_err(|_| sign_in_refusal("its address is no URL"))?;
        // Whoever answers decides as whom drsync acts: a service of another machine could be anybody's.
        if !is_at_this_machine(&url) {
            return Err(sign_in_refusal("it is not on this machine, and others are not asked"));
        }
        let host = self.base.as_str().trim_end_matches('/');
        // No proxy leads to this machine.
        let service = TokenService::new(true, self.timing.clone())?;
        let answer = service
            .get_with(url.as_str(), |request| {
                request
                    .header("X-Databricks-Metadata-Version", "1")
                    .header("X-Databricks-Host", host)
            })
            .await?;
        let Some((body, _)) = answer else {
            return Err(sign_in_refusal("it has no token for this workspace"));
        };
        let given: Given =
            serde_json::from_slice(&body).map_err(|_| sign_in_refusal("its answer is no token"))?;
        let Given { access_token, token_type, expires_on } = given;
        if access_token.expose_secret().is_empty() || !token_type.eq_ignore_ascii_case("bearer") {
            return Err(sign_in_refusal("its answer is no bearer token"));
        }
        let end = DateTime::from_timestamp(expires_on as i64, 0)
            .ok_or_else(|| sign_in_refusal("its token ends at no moment that there is"))?;
        Ok(AccessToken { secret: access_token, headers: Vec::new(), life: Some((now, end)) })
    }
}
