//! OAuth: where a workspace's tokens are, and what a client secret is exchanged for.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::super::client::{by_proxy, plain_http, unresolved};
use super::super::refusal::Refusal;
use super::super::timing::Timing;
use super::super::wire::{HostMetadata, OidcEndpoints, TokenAnswer};
use super::profile::origin_of_host;
use super::{AccessToken, TokenSource, sign_in_refusal};
use crate::failed_request::{RequestLoss, failure_of_status};
use crate::limits::SHORT_ANSWER;
use crate::pause::{TryFailure, Twice, may_try_again};
use crate::region::RegionErrorKind;
use crate::wire_log::LoggedRequest;
use crate::{moment, secrets};

/// Attempts at a token service that is away.
const TRIES: u32 = 3;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// An answer that was read whole.
struct Said {
    status: StatusCode,
    location: Option<String>,
    body: Vec<u8>,
}

impl Said {
    /// Hears an answer, as far as what takes part in signing in may be long.
    async fn hear(request: reqwest::RequestBuilder) -> reqwest::Result<Said> {
        let asked = LoggedRequest::of(&request);
        let sent = request.send().await;
        if let Some(asked) = asked {
            match &sent {
                Ok(answer) => asked.answered(answer.status().as_u16(), answer.headers()),
                Err(_) => asked.unanswered(),
            }
        }
        let mut response = sent?;
        let location = response.headers().get("location");
        let location = location.and_then(|to| to.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if SHORT_ANSWER.allow((body.len() + chunk.len()) as u64).is_err() {
                // What is cut off is no JSON.
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Said { status: response.status(), location, body })
    }

    /// Whether the service has no answer now to what it was asked, and who asks is not the cause: its status passes, or says that
    /// something is wrong with the service, be it for long.
    fn is_silence(&self) -> bool {
        failure_of_status(self.status.as_u16()) != TryFailure::Lasting
            || self.status.is_server_error()
    }

    fn is_json(&self) -> bool {
        serde_json::from_slice::<serde::de::IgnoredAny>(&self.body).is_ok()
    }
}

/// Asks token services; they get nothing but what they are asked for.
#[derive(Debug, Clone)]
pub(super) struct TokenService {
    http: reqwest::Client,
    timing: Timing,
}

impl TokenService {
    pub(super) fn new(loopback: bool, timing: Timing) -> Result<TokenService, Refusal> {
        Ok(TokenService { http: plain_http(loopback)?, timing })
    }

    /// `GET` without a token; `None`: there is nothing.
    pub(super) async fn get(
        &self,
        url: &str,
    ) -> Result<Option<(Vec<u8>, Option<String>)>, Refusal> {
        self.get_with(url, |request| request).await
    }

    /// `GET` with what a request needs beside its address; `None`: there is nothing.
    pub(super) async fn get_with(
        &self,
        url: &str,
        complete: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Option<(Vec<u8>, Option<String>)>, Refusal> {
        let said = self.repeatedly(|| complete(self.http.get(url))).await?;
        if said.is_silence() {
            return Err(refusal_of_silence(format!("the token service answers {}", said.status)));
        }
        let there = said.status.is_success() || said.status.is_redirection();
        Ok(there.then_some((said.body, said.location)))
    }

    /// `POST` of a form to a token endpoint.
    pub(super) async fn token(
        &self,
        endpoint: &str,
        client: Option<(&str, &SecretString)>,
        form: &[(&str, &str)],
        now: DateTime<Utc>,
    ) -> Result<AccessToken, Refusal> {
        let secret = |key: &&(&str, &str)| matches!(key.0, "client_secret" | "subject_token");
        for (_, value) in form.iter().filter(secret) {
            secrets::register(value);
        }
        let heard = self
            .repeatedly(|| {
                let request = self.http.post(endpoint).form(form);
                match client {
                    Some((id, secret)) => request.basic_auth(id, Some(secret.expose_secret())),
                    None => request,
                }
            })
            .await?;
        let Said { status, body, .. } = &heard;
        let answer: TokenAnswer = serde_json::from_slice(body).unwrap_or_default();
        if status.is_success() && !answer.access_token.is_empty() {
            // Some services tell no life: then the token is asked for again in an hour.
            let seconds = if answer.expires_in > 0 { answer.expires_in } else { 3600 };
            let span = TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::MAX);
            let life = Some((now, moment::later(now, span)));
            return Ok(AccessToken { life, ..AccessToken::forever(answer.access_token) });
        }
        let said = match (answer.error, answer.error_description) {
            (Some(error), Some(more)) => {
                format!("{error}: {}", more.lines().next().unwrap_or_default())
            }
            (Some(error), None) => error,
            (None, _) if status.is_success() => {
                "the token service answers without a token".to_owned()
            }
            (None, _) => format!("the token service answers {status}"),
        };
        // What was sent may come back in an answer.
        let said = secrets::withheld(&said).into_owned();
        if heard.is_silence() {
            return Err(refusal_of_silence(said));
        }
        Err(sign_in_refusal(said))
    }

    /// Asks again where nobody answers, or something in between does.
    async fn repeatedly(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Said, Refusal> {
        let mut made = 0;
        loop {
            made += 1;
            let mut nowhere = false;
            let heard = self.timing.in_time(Said::hear(request())).await?;
            let (failure, why) = match heard {
                // A page that a proxy shows for a while has the status of an answer.
                Ok(said) if said.status.is_success() && !said.is_json() => {
                    (TryFailure::Unknown, "something else answers instead of the token service: is a proxy or a sign-in page in between?".to_owned())
                }
                Ok(said) => {
                    let failure = failure_of_status(said.status.as_u16());
                    if !may_try_again(failure, Twice::Harmless, made, TRIES) {
                        return Ok(said);
                    }
                    (failure, String::new())
                }
                Err(error) => {
                    nowhere = unresolved(&error);
                    let loss = RequestLoss::of(&error);
                    (loss.failure(), describe_loss(loss, &by_proxy(&error)))
                }
            };
            if !may_try_again(failure, Twice::Harmless, made, TRIES) {
                return Err(Refusal { unresolved: nowhere, ..refusal_of_silence(why) });
            }
            self.timing.sleep(self.timing.backoff(PAUSE, made - 1, PAUSE * 8)).await;
        }
    }

    /// Where a workspace's tokens are: as its metadata says, else at the usual place. Secrets are sent there, so it is at the
    /// workspace's own host, whatever the workspace says.
    pub(super) async fn endpoint(&self, base: &Url) -> Result<(Url, HostMetadata), Refusal> {
        let host = base.as_str().trim_end_matches('/');
        let metadata: HostMetadata =
            match self.get(&format!("{host}/.well-known/databricks-config")).await {
                Ok(Some((body, _))) => serde_json::from_slice(&body).unwrap_or_default(),
                Ok(None) | Err(_) => HostMetadata::default(),
            };
        let account = metadata.account_id.as_deref().unwrap_or_default();
        let oidc = match &metadata.oidc_endpoint {
            Some(endpoint) => {
                check_own_host(base, &endpoint.replace("{account_id}", account), "OAuth endpoint")?
            }
            None => base.join("oidc").map_err(|_| {
                sign_in_refusal("the workspace's address is none that tokens are asked for at")
            })?,
        };
        let found = self
            .get(&format!(
                "{}/.well-known/oauth-authorization-server",
                oidc.as_str().trim_end_matches('/')
            ))
            .await?;
        let endpoints: OidcEndpoints =
            found.and_then(|(body, _)| serde_json::from_slice(&body).ok()).unwrap_or_default();
        match endpoints.token_endpoint.as_str() {
            "" => Err(sign_in_refusal("the workspace does not say where its tokens are")),
            endpoint => Ok((check_own_host(base, endpoint, "token endpoint")?, metadata)),
        }
    }
}

/// How a token service was not heard, `by` which proxy; the address is left out, which may carry a secret.
fn describe_loss(loss: RequestLoss, by: &str) -> String {
    match loss {
        RequestLoss::NotSent => format!("no connection to the token service{by}"),
        RequestLoss::Unanswered => format!("the token service does not answer in time{by}"),
        RequestLoss::Unmade => "the token service cannot be asked: its address is none".to_owned(),
        RequestLoss::CutOff => "the connection to the token service was lost".to_owned(),
    }
}

/// An address that a workspace tells, if it is at the workspace's own host and as safe.
pub(super) fn check_own_host(base: &Url, told: &str, what: &str) -> Result<Url, Refusal> {
    let url = Url::parse(told)
        .map_err(|_| sign_in_refusal(format!("the {what} that the workspace tells is no URL")))?;
    if url.scheme() != "https" && base.scheme() == "https" {
        return Err(sign_in_refusal(format!("the workspace's {what} is not https")));
    }
    if url.origin() == base.origin() {
        Ok(url)
    } else {
        Err(sign_in_refusal(format!(
            "the workspace tells {} as its {what}, and no secret is sent to another host than its own",
            origin_of_host(told)
        )))
    }
}

pub(super) fn refusal_of_silence(message: impl Into<String>) -> Refusal {
    Refusal::new(RegionErrorKind::Unavailable, message).transient()
}

/// A Databricks service principal with a client secret.
#[derive(Debug)]
pub(super) struct ClientSecret {
    pub(super) service: TokenService,
    pub(super) base: Url,
    pub(super) id: String,
    pub(super) secret: SecretString,
}

#[async_trait]
impl TokenSource for ClientSecret {
    async fn fetch(&self, now: DateTime<Utc>) -> Result<AccessToken, Refusal> {
        let (endpoint, _) = self.service.endpoint(&self.base).await?;
        let form = [("grant_type", "client_credentials"), ("scope", "all-apis")];
        self.service.token(endpoint.as_str(), Some((&self.id, &self.secret)), &form, now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_workspaces_own_host_over_https_is_where_its_tokens_are() {
        let base: Url = "https://adb-1.test".parse().unwrap();
        let is_own = |told: &str| check_own_host(&base, told, "token endpoint").is_ok();
        assert!(is_own("https://adb-1.test/oidc/v1/token"));
        assert!(is_own("https://ADB-1.test:443/oidc/v1/token"));
        for told in [
            "http://adb-1.test/oidc/v1/token",
            "https://adb-1.test:8443/oidc/v1/token",
            "https://adb-1.test.evil.test/oidc/v1/token",
            "https://adb-1.test@evil.test/oidc/v1/token",
            "https://evil.test/adb-1.test",
            "http://127.0.0.1:9/token",
            "//adb-1.test/token",
            "data:token",
            "",
        ] {
            assert!(!is_own(told), "{told}");
        }
    }
}
