//! Signing in: which identity is used for a workspace, and how its tokens stay fresh.
//!
//! In this order: `DRSYNC_TOKEN_<WORKSPACE>`; the secret that the configuration names, read with the ambient identity;
//! the ambient identity itself, found as Databricks' own clients find it. Tokens are in a type that prints nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};

use super::refusal::Refusal;
use super::timing::Timing;
use crate::region::RegionErrorKind;
use crate::secrets;

mod ambient;
mod azure;
mod chain;
mod oauth;
mod oidc;
mod profile;
mod secret;

pub(super) use ambient::ambient_host;
pub use chain::SignInError;
pub(super) use chain::{Wanted, sign_in};

/// Runs a command and gives its standard output, or why there is none.
pub type Run = Arc<dyn Fn(Vec<String>) -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// What signing in takes from its surroundings: given from outside, so that nothing global is read here.
#[derive(Clone)]
pub struct Environment {
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// The home directory, for `~/.databrickscfg`.
    pub home: Option<PathBuf>,
    /// Runs `az` and `databricks`.
    pub run: Run,
}

impl Environment {
    /// Nothing at all.
    pub fn empty() -> Environment {
        let run: Run = Arc::new(|_| Box::pin(async { Err("is not installed".to_owned()) }));
        Environment { variables: BTreeMap::new(), home: None, run }
    }

    /// Some variables, and commands of this machine.
    pub fn new(variables: BTreeMap<String, String>, home: Option<PathBuf>) -> Environment {
        Environment { variables, home, run: Arc::new(|words| Box::pin(run(words))) }
    }

    /// Notes every secret among the variables, used or not: none of them is to be written.
    pub(super) fn register_secrets(&self) {
        let named = self.variable("DATABRICKS_OIDC_TOKEN_ENV");
        for (name, value) in &self.variables {
            let is_secret = SECRET_VARIABLES.contains(&name.as_str())
                || name.starts_with("DRSYNC_TOKEN_")
                || Some(name.as_str()) == named;
            if is_secret {
                secrets::register(value);
            }
        }
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The names alone: values may be secrets.
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

/// Variables whose values are secrets, beside those that are named by a workspace.
const SECRET_VARIABLES: [&str; 6] = [
    "DATABRICKS_TOKEN",
    "DATABRICKS_CLIENT_SECRET",
    "DATABRICKS_PASSWORD",
    "DATABRICKS_OIDC_TOKEN",
    "ARM_CLIENT_SECRET",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
];

async fn run(words: Vec<String>) -> Result<String, String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("there is no command".to_owned());
    };
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(std::process::Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(std::time::Duration::from_secs(60), command.output()).await;
    match output {
        Err(_) => Err("does not answer".to_owned()),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Err("is not installed".to_owned())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(output)) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("fails");
            Err(line.chars().take(300).collect())
        }
    }
}

/// A token, and what is sent beside it.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) secret: SecretString,
    pub(super) headers: Vec<(&'static str, SecretString)>,
    /// When it was given and when it ends; `None`: it is not known to end.
    pub(super) life: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Token {
    pub(super) fn forever(secret: impl Into<String>) -> Token {
        Token { secret: SecretString::from(secret.into()), headers: Vec::new(), life: None }
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

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("life", &self.life).finish_non_exhaustive()
    }
}

/// Where tokens come from.
#[async_trait]
pub(super) trait TokenSource: fmt::Debug + Send + Sync {
    /// Asks for a token. A refusal with the code `SIGN_IN` says that asking again will not help.
    async fn fetch(&self, now: DateTime<Utc>) -> Result<Token, Refusal>;

    /// Asking again may give another token.
    fn renews(&self) -> bool {
        true
    }
}

/// The refusal of an identity, as opposed to a service that is away.
pub(super) fn refused(message: impl Into<String>) -> Refusal {
    Refusal { code: "SIGN_IN".to_owned(), ..Refusal::new(RegionErrorKind::Denied, message) }
}

/// A token that never changes.
#[derive(Debug)]
struct Fixed(Token);

#[async_trait]
impl TokenSource for Fixed {
    async fn fetch(&self, _now: DateTime<Utc>) -> Result<Token, Refusal> {
        let sendable = |c: char| c.is_ascii_graphic();
        match self.0.secret.expose_secret().chars().all(sendable) {
            true => Ok(self.0.clone()),
            false => Err(refused("it has characters that no token has")),
        }
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
    token: Option<Token>,
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
        Credential::new(method, Box::new(Fixed(Token::forever(token))), timing)
    }

    /// How it was found, for example `DATABRICKS_TOKEN`.
    pub fn method(&self) -> &str {
        &self.inner.method
    }

    pub(super) fn renews(&self) -> bool {
        self.inner.source.renews()
    }

    /// The token to use now; one that is about to end is replaced.
    pub(super) async fn token(&self) -> Result<Token, Refusal> {
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
        async fn fetch(&self, now: DateTime<Utc>) -> Result<Token, Refusal> {
            if self.away.load(Ordering::Relaxed) {
                return Err(Refusal::new(RegionErrorKind::Unavailable, "away"));
            }
            let number = self.given.fetch_add(1, Ordering::Relaxed);
            let life = Some((now, now + TimeDelta::hours(1)));
            Ok(Token { life, ..Token::forever(format!("token-{number}")) })
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
        assert!(!format!("{credential:?} {:?}", Token::forever("canary")).contains("canary"));
    }
}
