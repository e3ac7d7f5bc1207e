//! Signing in: which identity is used for a workspace, and how its tokens stay fresh.
//!
//! In this order: `DRSYNC_TOKEN_<WORKSPACE>`; the secret that the configuration names, read with the ambient identity;
//! the ambient identity itself, found as Databricks' own clients find it. Tokens are in a type that prints nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use url::Url;

use super::credential::{AccessToken, Credential, TokenSource, sign_in_refusal};
use crate::secrets;

mod ambient;
mod azure;
mod chain;
mod metadata;
mod oauth;
mod oidc;
mod profile;
mod secret;
mod tried;

pub(super) use ambient::ambient_host;
pub(super) use chain::sign_in;
pub use tried::{SignInError, Tried};

/// Runs a command and gives its standard output, or why there is none.
pub type CommandRunner =
    Arc<dyn Fn(Vec<String>) -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// What signing in takes from its surroundings: given from outside, so that nothing global is read here.
#[derive(Clone)]
pub struct Environment {
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// The home directory, for `~/.databrickscfg`.
    pub home: Option<PathBuf>,
    /// Runs `az` and `databricks`.
    pub run: CommandRunner,
}

impl Environment {
    /// Nothing at all.
    pub fn empty() -> Environment {
        let run: CommandRunner =
            Arc::new(|_| Box::pin(async { Err("is not installed".to_owned()) }));
        Environment { variables: BTreeMap::new(), home: None, run }
    }

    /// Some variables, and commands of this machine.
    pub fn new(variables: BTreeMap<String, String>, home: Option<PathBuf>) -> Environment {
        Environment { variables, home, run: Arc::new(|words| Box::pin(run(words))) }
    }

    /// Notes every secret among the variables, used or not: none of them is to be written.
    pub fn register_secrets(&self) {
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

/// A workspace to sign in to.
#[derive(Debug, Clone)]
pub(super) struct SignInTarget<'a> {
    /// Its label, for `DRSYNC_TOKEN_<NAME>`.
    pub(super) name: Option<&'a str>,
    /// Where it is.
    pub(super) base: &'a Url,
    /// Scope and key of the secret that holds its token.
    pub(super) secret: Option<(&'a str, &'a str)>,
    /// The profile to use.
    pub(super) profile: Option<&'a str>,
    /// Secrets that do not say for which workspace they are may be sent to it.
    pub(super) unbound: bool,
}

/// Variables whose values are secrets, beside those that are named by a workspace.
const SECRET_VARIABLES: [&str; 7] = [
    "DATABRICKS_TOKEN",
    "DATABRICKS_METADATA_SERVICE_URL",
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
