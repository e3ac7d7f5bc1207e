//! The ambient identity: settings from the environment and a profile, and the first method that they configure.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::Environment;
use super::profile::{Profiles, same_host, shown};

/// Every setting: its key in a profile, its variable, and the group of methods it belongs to, as the official clients have them.
const SETTINGS: [(&str, &str, &str); 17] = [
    ("token", "DATABRICKS_TOKEN", "pat"),
    ("client_id", "DATABRICKS_CLIENT_ID", "oauth"),
    ("client_secret", "DATABRICKS_CLIENT_SECRET", "oauth"),
    ("azure_client_id", "ARM_CLIENT_ID", "azure"),
    ("azure_client_secret", "ARM_CLIENT_SECRET", "azure"),
    ("azure_tenant_id", "ARM_TENANT_ID", "azure"),
    (
        "azure_workspace_resource_id",
        "DATABRICKS_AZURE_RESOURCE_ID",
        "azure",
    ),
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
/// What is only good for the host it was made for.
const OF_ONE_HOST: [&str; 3] = ["token", "username", "password"];

/// Settings with where each was found. Values print nothing.
pub(super) struct Settings {
    found: BTreeMap<&'static str, (SecretString, String)>,
    /// What was left aside, and why.
    pub(super) notes: Vec<(String, String)>,
}

impl Settings {
    /// Gathers them for a host: the environment first; a profile never overrides it.
    ///
    /// # Errors
    /// What the user has to decide: a profile that is not there, several that fit, two methods at once.
    pub(super) fn gather(
        environment: &Environment,
        host: &str,
        profile: Option<&str>,
    ) -> Result<Settings, (String, String)> {
        let mut settings = Settings {
            found: BTreeMap::new(),
            notes: Vec::new(),
        };
        let elsewhere = environment
            .variable("DATABRICKS_HOST")
            .filter(|other| !same_host(other, host));
        for (key, variable, _) in SETTINGS {
            let Some(value) = environment.variable(variable) else {
                continue;
            };
            if let Some(other) = elsewhere.filter(|_| OF_ONE_HOST.contains(&key)) {
                settings.notes.push((
                    variable.to_owned(),
                    format!("is for {}, which DATABRICKS_HOST names", shown(other)),
                ));
                continue;
            }
            settings.found.insert(
                key,
                (SecretString::from(value.to_owned()), variable.to_owned()),
            );
        }
        settings.add_profile(environment, host, profile)?;
        settings.check_one_method()?;
        Ok(settings)
    }

    fn add_profile(
        &mut self,
        environment: &Environment,
        host: &str,
        profile: Option<&str>,
    ) -> Result<(), (String, String)> {
        let profiles = Profiles::read(environment).map_err(|why| ("profiles".to_owned(), why))?;
        let named = profile.or_else(|| environment.variable("DATABRICKS_CONFIG_PROFILE"));
        let name = match named {
            Some(name) => name,
            // Something is configured already, and no profile was asked for.
            None if SETTINGS
                .iter()
                .any(|(key, _, group)| !group.is_empty() && self.found.contains_key(key)) =>
            {
                return Ok(());
            }
            None => match profiles.for_host(host) {
                Ok(Some(name)) => name,
                Ok(None) => {
                    let path = profiles.path.display();
                    let why = match profiles.path.exists() {
                        true => format!("none in {path} is for {host}"),
                        false => format!("{path} is not there"),
                    };
                    self.notes.push(("profiles".to_owned(), why));
                    return Ok(());
                }
                Err(names) => {
                    let why = format!(
                        "{} are all for {host}: name one with workspace_profile",
                        names.join(", ")
                    );
                    return Err(("profiles".to_owned(), why));
                }
            },
        };
        let label = format!("profile {name}");
        let Some(keys) = profiles.get(name) else {
            return Err((label, format!("is not in {}", profiles.path.display())));
        };
        let elsewhere = keys.get("host").filter(|other| !same_host(other, host));
        for (key, _, _) in SETTINGS {
            let Some(value) = keys.get(key).filter(|value| !value.is_empty()) else {
                continue;
            };
            if let Some(other) = elsewhere.filter(|_| OF_ONE_HOST.contains(&key)) {
                let why = format!("its {key} is for {}", shown(other));
                self.notes.push((label.clone(), why));
                continue;
            }
            let origin = format!("{key} of {label}");
            self.found
                .entry(key)
                .or_insert_with(|| (SecretString::from(value.clone()), origin));
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
        let found: Vec<String> = groups
            .iter()
            .map(|(group, origin)| format!("{group} ({origin})"))
            .collect();
        let why = format!(
            "more than one authorization method configured: {}; leave one, or name it with DATABRICKS_AUTH_TYPE",
            found.join(" and ")
        );
        Err(("settings".to_owned(), why))
    }

    /// What was set without the rest of its method, and what the rest is.
    pub(super) fn incomplete(
        &self,
        environment: &Environment,
        azure: bool,
    ) -> Vec<(String, String)> {
        let mut notes = Vec::new();
        let mut alone = |key: &str, why: &str| {
            if self.get(key).is_some() {
                notes.push((self.origin(key).to_owned(), why.to_owned()));
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
            notes.push((self.origin("oidc_token_env").to_owned(), why));
        }
        let github = environment.variable("ACTIONS_ID_TOKEN_REQUEST_URL");
        if github.is_some() && self.get("client_id").is_none() {
            notes.push((
                "the id token of GitHub Actions".to_owned(),
                "needs DATABRICKS_CLIENT_ID".to_owned(),
            ));
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

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found: Vec<&String> = self.found.values().map(|(_, origin)| origin).collect();
        f.debug_struct("Settings")
            .field("found", &found)
            .finish_non_exhaustive()
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
    let host = profiles
        .get(name)
        .and_then(|keys| keys.get("host"))
        .cloned();
    host.ok_or_else(|| {
        format!("no workspace is named: set DATABRICKS_HOST, or a host in profile {name}")
    })
}
