//! The tokens of an identity: where they come from, and how they stay fresh. They are in a type that prints nothing.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use super::refusal::Refusal;
use super::timing::Timing;
use crate::region::RegionErrorKind;
use crate::secrets;

/// A token, and what is sent beside it.
#[derive(Clone)]
pub(super) struct AccessToken {
    pub(super) secret: SecretString,
    pub(super) headers: Vec<(&'static str, SecretString)>,
    /// When it was given and when it ends; `None`: it is not known to end.
    pub(super) life: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl AccessToken {
    pub(super) fn forever(secret: impl Into<String>) -> AccessToken {
        AccessToken { secret: SecretString::from(secret.into()), headers: Vec::new(), life: None }
    }

    /// Notes what of it is secret.
    fn register(&self) {
        secrets::register(self.secret.expose_secret());
        let is_token = |name: &str| name.ends_with("-Token");
        for (_, value) in self.headers.iter().filter(|(name, _)| is_token(name)) {
            secrets::register(value.expose_secret());
        }
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("life", &self.life).finish_non_exhaustive()
    }
}

/// Where tokens come from.
#[async_trait]
pub(super) trait TokenSource: fmt::Debug + Send + Sync {
    /// Asks for a token. A refusal with the code `SIGN_IN` says that asking again will not help.
    async fn fetch(&self, now: DateTime<Utc>) -> Result<AccessToken, Refusal>;

    /// Asking again may give another token.
    fn renews(&self) -> bool {
        true
    }
}

/// The refusal of an identity, as opposed to a service that is away.
pub(super) fn sign_in_refusal(message: impl Into<String>) -> Refusal {
    Refusal { code: "SIGN_IN".to_owned(), ..Refusal::new(RegionErrorKind::Denied, message) }
}

/// A token that never changes.
#[derive(Debug)]
struct Fixed(AccessToken);

#[async_trait]
impl TokenSource for Fixed {
    async fn fetch(&self, _now: DateTime<Utc>) -> Result<AccessToken, Refusal> {
        let sendable = |c: char| c.is_ascii_graphic();
        if self.0.secret.expose_secret().chars().all(sendable) {
            Ok(self.0.clone())
        } else {
            Err(sign_in_refusal("it has characters that no token has"))
        }
    }

    fn renews(&self) -> bool {
        false
    }
}

/// No token, of a workspace that does not answer.
#[derive(Debug)]
struct Nobody(String);

#[async_trait]
impl TokenSource for Nobody {
    async fn fetch(&self, _now: DateTime<Utc>) -> Result<AccessToken, Refusal> {
        let why = format!("it does not answer ({}), and nobody is signed in there", self.0);
        Err(Refusal::new(RegionErrorKind::Unavailable, why))
    }
}

/// No token, of a workspace to which nobody here can sign in.
#[derive(Debug)]
struct Unsigned(String);

#[async_trait]
impl TokenSource for Unsigned {
    async fn fetch(&self, _now: DateTime<Utc>) -> Result<AccessToken, Refusal> {
        Err(sign_in_refusal(self.0.clone()))
    }

    fn renews(&self) -> bool {
        false
    }
}

/// Services refuse a token shortly before it ends: it is taken as ended this much earlier.
const ENDS_EARLY: TimeDelta = TimeDelta::seconds(40);
/// A fresh token is asked for when less than this, or half its life, is left.
const REFRESH_BEFORE: TimeDelta = TimeDelta::minutes(20);
/// After a refresh failed while the old token is still good.
const REFRESH_PAUSE: TimeDelta = TimeDelta::minutes(1);

/// Who waited while a token was asked for in vain has waited enough.
const REFUSAL_LASTS: TimeDelta = TimeDelta::seconds(1);

/// An identity for one workspace, with its present token. Prints how it was found, and nothing else.
#[derive(Clone)]
pub struct Credential {
    inner: Arc<Inner>,
}

struct Inner {
    method: String,
    source: Box<dyn TokenSource>,
    timing: Timing,
    held: tokio::sync::Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<AccessToken>,
    refused_at: Option<DateTime<Utc>>,
    /// The last refusal, while there is no token.
    refusal: Option<Refusal>,
}

impl Credential {
    pub(super) fn new(
        method: impl Into<String>,
        source: Box<dyn TokenSource>,
        timing: Timing,
    ) -> Credential {
        let held = tokio::sync::Mutex::default();
        Credential { inner: Arc::new(Inner { method: method.into(), source, timing, held }) }
    }

    pub(super) fn fixed(
        method: impl Into<String>,
        token: impl Into<String>,
        timing: Timing,
    ) -> Credential {
        Credential::new(method, Box::new(Fixed(AccessToken::forever(token))), timing)
    }

    /// That of nobody, for a workspace that does not answer anybody: `why`, a fragment.
    pub(super) fn nobodys(why: String, timing: Timing) -> Credential {
        Credential::new("nobody", Box::new(Nobody(why)), timing)
    }

    /// That of nobody, for a workspace that answers and to which nobody here can sign in: `why`, a fragment.
    pub(super) fn unsigned(why: String, timing: Timing) -> Credential {
        Credential::new("nobody", Box::new(Unsigned(why)), timing)
    }

    /// How it was found, for example `DATABRICKS_TOKEN`.
    pub fn method(&self) -> &str {
        &self.inner.method
    }

    pub(super) fn renews(&self) -> bool {
        self.inner.source.renews()
    }

    /// The token to use now; one that is about to end is replaced.
    pub(super) async fn token(&self) -> Result<AccessToken, Refusal> {
        let Inner { source, timing, held, .. } = self.inner.as_ref();
        let mut held = held.lock().await;
        let now = timing.now();
        if let Some(token) = &held.token {
            let Some((from, until)) = token.life else {
                return Ok(token.clone());
            };
            let early = REFRESH_BEFORE.min((until - from) / 2);
            let rested = held.refused_at.is_none_or(|at| now - at >= REFRESH_PAUSE);
            if now + early < until || (!rested && now + ENDS_EARLY < until) {
                return Ok(token.clone());
            }
        }
        if let (Some(refusal), Some(at)) = (&held.refusal, held.refused_at)
            && now - at < REFUSAL_LASTS
        {
            return Err(refusal.clone());
        }
        match source.fetch(now).await {
            Ok(token) => {
                token.register();
                *held = Held { token: Some(token.clone()), ..Held::default() };
                Ok(token)
            }
            Err(refusal) => match &held.token {
                Some(token) if token.life.is_some_and(|(_, until)| now + ENDS_EARLY < until) => {
                    let token = token.clone();
                    held.refused_at = Some(now);
                    Ok(token)
                }
                Some(_) | None => {
                    held.refused_at = Some(timing.now());
                    held.refusal = Some(refusal.clone());
                    Err(refusal)
                }
            },
        }
    }

    /// Drops the present token: the service no longer takes it.
    pub(super) async fn forget(&self) {
        self.inner.held.lock().await.token = None;
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("method", &self.inner.method).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use secrecy::ExposeSecret;

    use super::*;

    #[derive(Debug)]
    struct Hourly {
        given: AtomicU32,
        away: std::sync::atomic::AtomicBool,
    }

    #[async_trait]
    impl TokenSource for Arc<Hourly> {
        async fn fetch(&self, now: DateTime<Utc>) -> Result<AccessToken, Refusal> {
            if self.away.load(Ordering::Relaxed) {
                return Err(Refusal::new(RegionErrorKind::Unavailable, "away"));
            }
            let number = self.given.fetch_add(1, Ordering::Relaxed);
            let life = Some((now, now + TimeDelta::hours(1)));
            Ok(AccessToken { life, ..AccessToken::forever(format!("token-{number}")) })
        }
    }

    #[tokio::test]
    async fn a_token_is_replaced_before_it_ends_and_kept_while_none_can_be_had() {
        let now = Arc::new(Mutex::new(DateTime::<Utc>::UNIX_EPOCH));
        let clock = now.clone();
        let timing = Timing { now: Arc::new(move || *clock.lock().unwrap()), ..Timing::real() };
        let source = Arc::new(Hourly { given: AtomicU32::new(0), away: false.into() });
        let credential = Credential::new("test", Box::new(source.clone()), timing);
        let token = async || {
            credential.token().await.map(|token| token.secret.expose_secret().to_owned()).ok()
        };
        let pass = |minutes| *now.lock().unwrap() += TimeDelta::minutes(minutes);
        assert_eq!(token().await.as_deref(), Some("token-0"));
        pass(39);
        assert_eq!(token().await.as_deref(), Some("token-0"));
        pass(2);
        assert_eq!(token().await.as_deref(), Some("token-1"), "less than 20 minutes were left");
        source.away.store(true, Ordering::Relaxed);
        pass(45);
        assert_eq!(token().await.as_deref(), Some("token-1"), "it is still good");
        pass(15);
        assert_eq!(token().await, None);
        assert!(!format!("{credential:?} {:?}", AccessToken::forever("canary")).contains("canary"));
    }
}
