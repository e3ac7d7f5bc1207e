//! OAuth: where a workspace's tokens are, and the two ways drsync gets one: a client secret, or somebody else's token.

use async_trait::async_trait;
use base64::Engine as _;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::super::client::plain_http;
use super::super::refusal::{Refusal, withheld};
use super::super::timing::Timing;
use super::super::wire::{HostMetadata, OidcEndpoints, TokenAnswer};
use super::oidc::IdToken;
use super::{Token, TokenSource, refused};
use crate::region::RegionErrorKind;

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
    async fn hear(request: reqwest::RequestBuilder) -> reqwest::Result<Said> {
        let response = request.send().await?;
        let location = response.headers().get("location");
        Ok(Said {
            status: response.status(),
            location: location.and_then(|to| to.to_str().ok()).map(str::to_owned),
            body: response.bytes().await?.to_vec(),
        })
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
        Ok(TokenService {
            http: plain_http(loopback)?,
            timing,
        })
    }

    /// `GET` without a token; `None`: there is nothing.
    pub(super) async fn get(
        &self,
        url: &str,
    ) -> Result<Option<(Vec<u8>, Option<String>)>, Refusal> {
        self.get_with(url, None).await
    }

    pub(super) async fn get_with(
        &self,
        url: &str,
        bearer: Option<&SecretString>,
    ) -> Result<Option<(Vec<u8>, Option<String>)>, Refusal> {
        let said = self
            .repeatedly(|| {
                let request = self.http.get(url);
                match bearer {
                    Some(token) => request.bearer_auth(token.expose_secret()),
                    None => request,
                }
            })
            .await?;
        if said.status.is_server_error() {
            return Err(away(format!("the token service answers {}", said.status)));
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
    ) -> Result<Token, Refusal> {
        let Said { status, body, .. } = self
            .repeatedly(|| {
                let request = self.http.post(endpoint).form(form);
                match client {
                    Some((id, secret)) => request.basic_auth(id, Some(secret.expose_secret())),
                    None => request,
                }
            })
            .await?;
        let answer: TokenAnswer = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() && !answer.access_token.is_empty() {
            // Some services tell no life: then the token is asked for again in an hour.
            let seconds = if answer.expires_in > 0 {
                answer.expires_in
            } else {
                3600
            };
            let life = Some((now, now + TimeDelta::seconds(seconds)));
            return Ok(Token {
                life,
                ..Token::forever(answer.access_token)
            });
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
        let said = without_what_was_sent(said, client, form);
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(away(said));
        }
        Err(refused(said))
    }

    /// Asks again where nobody answers, or something in between does.
    async fn repeatedly(
        &self,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Said, Refusal> {
        let mut made = 0;
        loop {
            made += 1;
            let why = match Said::hear(request()).await {
                Ok(said) if said.status.is_success() && !said.is_json() => {
                    "something else answers instead of the token service: is a proxy or a sign-in page in between?"
                }
                Ok(said) => {
                    let passes = matches!(said.status.as_u16(), 429 | 500 | 502 | 503 | 504);
                    if !passes || made >= TRIES {
                        return Ok(said);
                    }
                    ""
                }
                Err(error) if error.is_timeout() => "the token service does not answer in time",
                Err(error) if error.is_connect() => "no connection to the token service",
                Err(_) => "the connection to the token service was lost",
            };
            if made >= TRIES {
                return Err(away(why));
            }
            self.timing
                .sleep(self.timing.backoff(PAUSE, made - 1, PAUSE * 8))
                .await;
        }
    }

    /// Where a workspace's tokens are: as its metadata says, else at the usual place.
    pub(super) async fn endpoint(&self, base: &Url) -> Result<(String, HostMetadata), Refusal> {
        let base = base.as_str().trim_end_matches('/');
        let metadata: HostMetadata = match self
            .get(&format!("{base}/.well-known/databricks-config"))
            .await
        {
            Ok(Some((body, _))) => serde_json::from_slice(&body).unwrap_or_default(),
            Ok(None) | Err(_) => HostMetadata::default(),
        };
        let account = metadata.account_id.as_deref().unwrap_or_default();
        let oidc = match &metadata.oidc_endpoint {
            Some(endpoint) => endpoint.replace("{account_id}", account),
            None => format!("{base}/oidc"),
        };
        let found = self
            .get(&format!(
                "{}/.well-known/oauth-authorization-server",
                oidc.trim_end_matches('/')
            ))
            .await?;
        let endpoints: OidcEndpoints = found
            .and_then(|(body, _)| serde_json::from_slice(&body).ok())
            .unwrap_or_default();
        let secure = |to: &str| to.starts_with("https://") || base.starts_with("http://");
        match endpoints.token_endpoint {
            endpoint if endpoint.is_empty() => {
                Err(refused("the workspace does not say where its tokens are"))
            }
            endpoint if !secure(&endpoint) => {
                Err(refused("the workspace's token endpoint is not https"))
            }
            endpoint => Ok((endpoint, metadata)),
        }
    }
}

/// A text without what was sent to a token service, in each of the spellings in which it was.
fn without_what_was_sent(
    said: String,
    client: Option<(&str, &SecretString)>,
    form: &[(&str, &str)],
) -> String {
    let mut sent: Vec<String> = form.iter().map(|(_, value)| (*value).to_owned()).collect();
    if let Some((id, secret)) = client {
        let secret = secret.expose_secret();
        let basic = format!("{id}:{secret}");
        sent.push(base64::engine::general_purpose::STANDARD.encode(basic));
        sent.push(secret.to_owned());
    }
    sent.into_iter().fold(said, |said, value| {
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        withheld(&withheld(&said, &value), &encoded)
    })
}

pub(super) fn away(message: impl Into<String>) -> Refusal {
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
    async fn fetch(&self, now: DateTime<Utc>) -> Result<Token, Refusal> {
        let (endpoint, _) = self.service.endpoint(&self.base).await?;
        let form = [("grant_type", "client_credentials"), ("scope", "all-apis")];
        self.service
            .token(&endpoint, Some((&self.id, &self.secret)), &form, now)
            .await
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
    async fn fetch(&self, now: DateTime<Utc>) -> Result<Token, Refusal> {
        let (endpoint, metadata) = self.service.endpoint(&self.base).await?;
        let told = metadata
            .token_federation_default_oidc_audiences
            .first()
            .cloned();
        let audience = self
            .audience
            .clone()
            .or(told)
            .unwrap_or_else(|| endpoint.clone());
        let subject = self.id_token.read(&self.service, &audience).await?;
        let mut form = vec![
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("subject_token", subject.expose_secret()),
            ("scope", "all-apis"),
        ];
        form.extend(self.client_id.as_deref().map(|id| ("client_id", id)));
        self.service.token(&endpoint, None, &form, now).await
    }
}
