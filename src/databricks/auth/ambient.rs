//! The ambient identity: settings from the environment and a profile, and the first method that they configure.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::profile::{Profiles, origin_of_host, same_host};
use super::tried::Tried;
use super::{Environment, SignInTarget};
use crate::secrets;

/// Every setting: its key in a profile, its variable, and the group of methods it belongs to, as the official clients have them.
const SETTINGS: [(&str, &str, &str); 18] = [
    ("token", "DATABRICKS_TOKEN", "pat"),
    ("metadata_service_url", "DATABRICKS_METADATA_SERVICE_URL", "metadata-service"),
    ("client_id", "DATABRICKS_CLIENT_ID", "oauth"),
    ("client_secret", "DATABRICKS_CLIENT_SECRET", "oauth"),
    ("azure_client_id", "ARM_CLIENT_ID", "azure"),
    ("azure_client_secret", "ARM_CLIENT_SECRET", "azure"),
    ("azure_tenant_id", "ARM_TENANT_ID", "azure"),
    ("azure_workspace_resource_id", "DATABRICKS_AZURE_RESOURCE_ID", "azure"),
    ("azure_environment", "ARM_ENVIRONMENT", ""),
    ("username", "DATABRICKS_USERNAME", "basic"),
    ("password", "DATABRICKS_PASSWORD", "basic"),
    ("auth_type", "DATABRICKS_AUTH_TYPE", ""),
    ("account_id", "DATABRICKS_ACCOUNT_ID", ""),
    ("warehouse_id", "DATABRICKS_WAREHOUSE_ID", ""),
    ("oidc_token_env", "DATABRICKS_OIDC_TOKEN_ENV", ""),
    // The older name, which the newer one overrides.
    ("oidc_token_filepath", "DATABRICKS_OIDC_TOKEN_FILE", ""),
    ("oidc_token_filepath", "DATABRICKS_OIDC_TOKEN_FILEPATH", ""),
    ("token_audience", "DATABRICKS_TOKEN_AUDIENCE", ""),
];
/// What belongs to a host, and is sent to no other: secrets, and what says whose they are or where they count.
const OF_ONE_HOST: [&str; 13] = [
    "token",
    "metadata_service_url",
    "client_id",
    "client_secret",
    "azure_client_id",
    "azure_client_secret",
    "azure_tenant_id",
    "azure_workspace_resource_id",
    "username",
    "password",
    "oidc_token_env",
    "oidc_token_filepath",
    "token_audience",
];
/// Of these the ones whose absence somebody wonders about.
const SECRETS: [&str; 7] = [
    "token",
    "metadata_service_url",
    "client_secret",
    "azure_client_secret",
    "password",
    "oidc_token_env",
    "oidc_token_filepath",
];

/// Settings with where each was found. Values print nothing.
pub(super) struct SignInSettings {
    found: BTreeMap<&'static str, (SecretString, String)>,
    /// What was left aside, and why.
    pub(super) notes: Vec<Tried>,
    /// Secrets of the environment are for this workspace, as far as it says.
    pub(super) environment_serves: bool,
}

/// Why secrets are not sent to a host: they are for another, or for one of several and nothing says for which; `by` names the
/// other, where that is not what the secrets lie in.
fn why_withheld(
    named: Option<&str>,
    host: &str,
    unbound: bool,
    by: Option<&str>,
) -> Option<String> {
    match named {
        Some(other) if !same_host(other, host) => {
            let named = by.map_or(String::new(), |by| format!(", which {by} names"));
            Some(format!("is for {}{named}", origin_of_host(other)))
        }
        None if !unbound => Some(
            "names no host, and this run signs in to several: set DATABRICKS_HOST to the one that it is for, and give the others a token or a profile of their own"
                .to_owned(),
        ),
        Some(_) | None => None,
    }
}

impl SignInSettings {
    /// Gathers them for a host: the environment first; a profile never overrides it.
    ///
    /// # Errors
    /// What the user has to decide: a profile that is not there, several that fit, two methods at once.
    pub(super) fn gather(
        environment: &Environment,
        wanted: &SignInTarget<'_>,
    ) -> Result<SignInSettings, (String, String)> {
        let host = wanted.base.as_str().trim_end_matches('/');
        let named = environment.variable("DATABRICKS_HOST");
        let withheld = why_withheld(named, host, wanted.unbound, Some("DATABRICKS_HOST"));
        let mut settings = SignInSettings {
            found: BTreeMap::new(),
            notes: Vec::new(),
            environment_serves: withheld.is_none(),
        };
        for (key, variable, _) in SETTINGS {
            let Some(value) = environment.variable(variable) else {
                continue;
            };
            if let Some(why) = withheld.as_ref().filter(|_| OF_ONE_HOST.contains(&key)) {
                if SECRETS.contains(&key) {
                    settings.notes.push(Tried::new(variable, why.clone()));
                }
                continue;
            }
            settings.found.insert(key, (SecretString::from(value.to_owned()), variable.to_owned()));
        }
        settings.add_profile(environment, wanted, host)?;
        settings.add_id_for_github(environment);
        settings.check_one_method()?;
        Ok(settings)
    }

    /// The id alone is no secret, and the id token that GitHub gives is for one host: it serves every workspace.
    fn add_id_for_github(&mut self, environment: &Environment) {
        let github = environment.variable("ACTIONS_ID_TOKEN_REQUEST_URL");
        let configured = SETTINGS
            .iter()
            .any(|(key, _, group)| !group.is_empty() && self.found.contains_key(key));
        let variable = "DATABRICKS_CLIENT_ID";
        if let Some(id) = environment.variable(variable)
            && github.is_some()
            && !configured
        {
            let id = SecretString::from(id.to_owned());
            self.found.insert("client_id", (id, variable.to_owned()));
        }
    }

    fn add_profile(
        &mut self,
        environment: &Environment,
        wanted: &SignInTarget<'_>,
        host: &str,
    ) -> Result<(), (String, String)> {
        let profiles = Profiles::read(environment).map_err(|why| ("profiles".to_owned(), why))?;
        let named = wanted.profile.or_else(|| environment.variable("DATABRICKS_CONFIG_PROFILE"));
        let name = match named {
            Some(name) => name,
            // Something is configured already, and no profile was asked for.
            None if SETTINGS
                .iter()
                .any(|(key, _, group)| !group.is_empty() && self.found.contains_key(key)) =>
            {
                return Ok(());
            }
            None => match find_profile(&profiles, host)? {
                Ok(name) => name,
                Err(none) => {
                    self.notes.push(none);
                    return Ok(());
                }
            },
        };
        let label = format!("profile {name}");
        let Some(keys) = profiles.get(name) else {
            return Err((label, format!("is not in {}", profiles.path.display())));
        };
        let of_profile = keys.get("host").map(String::as_str);
        // A profile that the workspace's configuration names is for this workspace.
        let unbound = wanted.unbound || wanted.profile.is_some();
        let withheld = why_withheld(of_profile, host, unbound, None);
        for (key, _, _) in SETTINGS {
            let Some(value) = keys.get(key).filter(|value| !value.is_empty()) else {
                continue;
            };
            if SECRETS.contains(&key) && !key.starts_with("oidc_") {
                secrets::register(value);
            }
            if let Some(why) = withheld.as_ref().filter(|_| OF_ONE_HOST.contains(&key)) {
                if SECRETS.contains(&key) {
                    let why = format!("its {key} {why}");
                    self.notes.push(Tried::new(label.clone(), why));
                }
                continue;
            }
            let origin = format!("{key} of {label}");
            self.found.entry(key).or_insert_with(|| (SecretString::from(value.clone()), origin));
        }
        Ok(())
    }

    fn check_one_method(&self) -> Result<(), (String, String)> {
        if self.get("auth_type").is_some() {
            return Ok(());
        }
        let mut groups: BTreeMap<&str, &str> = BTreeMap::new();
        for (key, _, group) in SETTINGS {
            if !group.is_empty() && self.get(key).is_some() {
                groups.entry(group).or_insert(self.origin(key));
            }
        }
        if groups.len() < 2 {
            return Ok(());
        }
        let found: Vec<String> =
            groups.iter().map(|(group, origin)| format!("{group} ({origin})")).collect();
        let why = format!(
            "more than one authorization method configured: {}; leave one, or name it with DATABRICKS_AUTH_TYPE",
            found.join(" and ")
        );
        Err(("settings".to_owned(), why))
    }

    /// What was set without the rest of its method, and what the rest is.
    pub(super) fn incomplete(&self, environment: &Environment, azure: bool) -> Vec<Tried> {
        let mut notes = Vec::new();
        let mut alone = |key: &str, why: &str| {
            if self.get(key).is_some() {
                notes.push(Tried::new(self.origin(key), why));
            }
        };
        match (self.get("client_id"), self.get("client_secret")) {
            (Some(_), None) => alone("client_id", "has no DATABRICKS_CLIENT_SECRET beside it"),
            (None, Some(_)) => alone("client_secret", "has no DATABRICKS_CLIENT_ID beside it"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        match (self.get("azure_client_id"), self.get("azure_client_secret")) {
            (Some(_), None) => alone("azure_client_id", "has no ARM_CLIENT_SECRET beside it"),
            (None, Some(_)) => alone("azure_client_secret", "has no ARM_CLIENT_ID beside it"),
            (Some(_), Some(_)) if !azure => alone(
                "azure_client_secret",
                "is of Azure, and this address is not: set ARM_ENVIRONMENT=PUBLIC if it is",
            ),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if let Some(named) = self.get("oidc_token_env")
            && environment.variable(named).is_none()
        {
            let why = format!("names {named}, which is not set");
            notes.push(Tried::new(self.origin("oidc_token_env"), why));
        }
        let github = environment.variable("ACTIONS_ID_TOKEN_REQUEST_URL");
        if github.is_some() && self.get("client_id").is_none() {
            let method = "the id token of GitHub Actions";
            notes.push(Tried::new(method, "needs DATABRICKS_CLIENT_ID"));
        }
        notes
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.found.get(key).map(|(value, _)| value.expose_secret())
    }

    /// Where a setting was found.
    pub(super) fn origin(&self, key: &str) -> &str {
        self.found.get(key).map_or("", |(_, origin)| origin)
    }
}

/// The one profile that is for a host, or that there is none.
///
/// # Errors
/// Several are for it.
fn find_profile<'a>(
    profiles: &'a Profiles,
    host: &str,
) -> Result<Result<&'a str, Tried>, (String, String)> {
    match profiles.for_host(host) {
        Ok(Some(name)) => Ok(Ok(name)),
        Ok(None) => {
            let path = profiles.path.display();
            let why = if profiles.path.exists() {
                format!("none in {path} is for {host}")
            } else {
                format!("{path} is not there")
            };
            Ok(Err(Tried::new("profiles", why)))
        }
        Err(names) => {
            let names = names.join(", ");
            let why = format!("{names} are all for {host}: name one with workspace_profile");
            Err(("profiles".to_owned(), why))
        }
    }
}

impl fmt::Debug for SignInSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found: Vec<&String> = self.found.values().map(|(_, origin)| origin).collect();
        f.debug_struct("Settings").field("found", &found).finish_non_exhaustive()
    }
}

/// The workspace that the surroundings name: `DATABRICKS_HOST`, else the host of the profile.
///
/// # Errors
/// That there is none, and what to set.
pub(in super::super) fn ambient_host(environment: &Environment) -> Result<String, String> {
    if let Some(host) = environment.variable("DATABRICKS_HOST") {
        return Ok(host.to_owned());
    }
    let profiles = Profiles::read(environment)?;
    let name = environment
        .variable("DATABRICKS_CONFIG_PROFILE")
        .unwrap_or_else(|| profiles.default_name());
    let host = profiles.get(name).and_then(|keys| keys.get("host")).cloned();
    host.ok_or_else(|| {
        format!("no workspace is named: set DATABRICKS_HOST, or a host in profile {name}")
    })
}
