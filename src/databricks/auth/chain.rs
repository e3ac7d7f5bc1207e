//! The order in which identities are tried, and the account of it where none is taken.

use secrecy::SecretString;
use url::Url;

use super::super::client::Client;
use super::super::refusal::Refusal;
use super::super::timing::Timing;
use super::ambient::SignInSettings;
use super::azure::{self, Cli, ServicePrincipal};
use super::metadata::MetadataService;
use super::oauth::{ClientSecret, TokenService};
use super::oidc::{Federation, IdToken};
use super::secret::SecretToken;
use super::tried::{SignInError, Tried};
use super::{Credential, Environment, SignInTarget, TokenSource};
use crate::config::{is_at_this_machine, token_variable};
use crate::region::RegionErrorKind;
use crate::sentence::Sentence;

/// What `auth_type` may name, in the order in which they are tried.
const METHODS: [&str; 9] = [
    "pat",
    "metadata-service",
    "oauth-m2m",
    "env-oidc",
    "file-oidc",
    "github-oidc",
    "azure-client-secret",
    "azure-cli",
    "databricks-cli",
];

/// Everything about one sign-in.
struct Chain<'a> {
    wanted: &'a SignInTarget<'a>,
    environment: &'a Environment,
    timing: &'a Timing,
    tried: Vec<Tried>,
}

/// Finds the identity for a workspace, and the warehouse that its settings name.
///
/// # Errors
/// Everything that was tried. A service that does not answer is no reason: its credential is kept and asked again later.
pub(in super::super) async fn sign_in(
    wanted: &SignInTarget<'_>,
    environment: &Environment,
    timing: &Timing,
) -> Result<(Credential, Option<String>), SignInError> {
    environment.register_secrets();
    let mut chain = Chain { wanted, environment, timing, tried: Vec::new() };
    let warehouse = environment.variable("DATABRICKS_WAREHOUSE_ID").map(str::to_owned);
    match chain.run().await {
        Some((credential, from_profile)) => Ok((credential, warehouse.or(from_profile))),
        None => Err(SignInError {
            workspace: wanted.base.as_str().trim_end_matches('/').to_owned(),
            tried: chain.tried,
        }),
    }
}

impl Chain<'_> {
    async fn run(&mut self) -> Option<(Credential, Option<String>)> {
        if let Some(name) = self.wanted.name {
            let variable = token_variable(name);
            if let Some(token) = self.environment.variable(&variable) {
                return Some((
                    Credential::fixed(variable, token.trim(), self.timing.clone()),
                    None,
                ));
            }
            self.note(variable, "is not set");
        }
        let ambient = self.ambient().await;
        let Some((scope, key)) = self.wanted.secret else {
            return ambient;
        };
        let secret = format!("secret {scope}/{key}");
        let Some((ambient, warehouse)) = ambient else {
            self.note(secret, "cannot be read without one of these");
            return None;
        };
        match self.secret(ambient.clone(), scope, key).await {
            Ok(credential) => Some((credential, warehouse)),
            Err(refusal) => {
                self.note(
                    format!("{secret}, read with {},", ambient.method()),
                    format!("is not to be had: {refusal}"),
                );
                None
            }
        }
    }

    fn note(&mut self, method: impl Into<String>, why: impl Into<Sentence>) {
        self.tried.push(Tried::new(method, why));
    }

    /// The token that a secret holds; where the service is away it is read later.
    async fn secret(
        &self,
        ambient: Credential,
        scope: &str,
        key: &str,
    ) -> Result<Credential, Refusal> {
        let source = SecretToken {
            client: Client::new(self.wanted.base.clone(), ambient, self.timing.clone())?,
            scope: scope.to_owned(),
            key: key.to_owned(),
        };
        let method = format!("secret {scope}/{key}");
        let credential = Credential::new(method, Box::new(source), self.timing.clone());
        match credential.token().await {
            Err(refusal)
                if refusal.is_sign_in() || refusal.kind != RegionErrorKind::Unavailable =>
            {
                Err(refusal)
            }
            Ok(_) | Err(_) => Ok(credential),
        }
    }

    async fn ambient(&mut self) -> Option<(Credential, Option<String>)> {
        let base = self.wanted.base;
        let settings = match SignInSettings::gather(self.environment, self.wanted) {
            Ok(settings) => settings,
            Err((method, why)) => {
                self.note(method, why);
                return None;
            }
        };
        self.tried.extend(settings.notes.iter().cloned());
        let warehouse = settings.get("warehouse_id").map(str::to_owned);
        let service = match TokenService::new(is_at_this_machine(base), self.timing.clone()) {
            Ok(service) => service,
            Err(refusal) => {
                self.note("HTTP", refusal.to_string());
                return None;
            }
        };
        let forced = settings.get("auth_type").map(str::to_lowercase);
        let wanted = |method: &str| forced.as_deref().is_none_or(|it| it == method);
        if let Some(token) = settings.get("token").filter(|_| wanted("pat")) {
            let token =
                Credential::fixed(settings.origin("token"), token.trim(), self.timing.clone());
            return Some((token, warehouse));
        }
        if settings.get("password").is_some() && wanted("basic") {
            self.note(
                settings.origin("password").to_owned(),
                "is of a method that Databricks no longer takes",
            );
        }
        for (name, label, source) in
            sources(&settings, self.environment, base, &service, self.timing)
        {
            if !wanted(name) {
                continue;
            }
            let credential = Credential::new(label.clone(), source, self.timing.clone());
            match credential.token().await {
                Ok(_) => return Some((credential, warehouse)),
                // The service may be back when it matters; who it is for is decided.
                Err(refusal) if refusal.kind == RegionErrorKind::Unavailable => {
                    return Some((credential, warehouse));
                }
                Err(refusal) => {
                    self.note(label, format!("is refused: {refusal}"));
                    // Tools of this machine are guesses; what somebody configured is meant.
                    if !matches!(name, "azure-cli" | "databricks-cli") {
                        return None;
                    }
                }
            }
        }
        self.note_what_is_incomplete(&settings, forced);
        None
    }

    /// Notes what of the surroundings is half of a method, and that what was asked for is not to be had.
    fn note_what_is_incomplete(&mut self, settings: &SignInSettings, forced: Option<String>) {
        let azure = azure::cloud(self.wanted.base, settings.get("azure_environment")).is_some();
        self.tried.extend(settings.incomplete(self.environment, azure));
        match forced {
            Some(method) => {
                let why = if METHODS.contains(&method.as_str()) {
                    "has not all it needs here".to_owned()
                } else {
                    format!("is none of {}", METHODS.join(", "))
                };
                let origin = settings.origin("auth_type");
                self.note(format!("auth type {method} of {origin}"), why);
            }
            None => {
                self.note("environment", "sets neither DATABRICKS_TOKEN nor a client id and secret")
            }
        }
    }
}

/// A method to sign in by: its official name, what it is called where it comes from, and whoever makes its tokens.
type Method = (&'static str, String, Box<dyn TokenSource>);

/// The methods that the settings and the surroundings allow, in the official order.
fn sources(
    settings: &SignInSettings,
    environment: &Environment,
    base: &Url,
    service: &TokenService,
    timing: &Timing,
) -> Vec<Method> {
    let secret = |text: &str| SecretString::from(text.to_owned());
    let mut found: Vec<Method> = Vec::new();
    if let Some(url) = settings.get("metadata_service_url") {
        let source =
            MetadataService { timing: timing.clone(), url: secret(url), base: base.clone() };
        found.push((
            "metadata-service",
            settings.origin("metadata_service_url").to_owned(),
            Box::new(source),
        ));
    }
    let client_id = settings.get("client_id");
    if let (Some(id), Some(password)) = (client_id, settings.get("client_secret")) {
        let source = ClientSecret {
            service: service.clone(),
            base: base.clone(),
            id: id.to_owned(),
            secret: secret(password),
        };
        found.push(("oauth-m2m", settings.origin("client_secret").to_owned(), Box::new(source)));
    }
    for (name, label, id_token) in id_tokens(settings, environment) {
        let source = Federation {
            service: service.clone(),
            base: base.clone(),
            client_id: client_id.map(str::to_owned),
            audience: settings.get("token_audience").map(str::to_owned),
            id_token,
        };
        found.push((name, label, Box::new(source)));
    }
    found.extend(azure_methods(settings, environment, base, service));
    if !is_at_this_machine(base) {
        let cli = Cli::databricks(environment.run.clone(), base);
        found.push(("databricks-cli", "databricks auth token".to_owned(), Box::new(cli)));
    }
    found
}

/// The tokens of others that Databricks takes in exchange for its own, in the official order.
fn id_tokens(
    settings: &SignInSettings,
    environment: &Environment,
) -> Vec<(&'static str, String, IdToken)> {
    let secret = |text: &str| SecretString::from(text.to_owned());
    let mut found = Vec::new();
    let usual = || settings.environment_serves.then_some("DATABRICKS_OIDC_TOKEN");
    let named = settings.get("oidc_token_env").or_else(usual);
    if let Some((variable, token)) =
        named.and_then(|name| Some((name, environment.variable(name)?)))
    {
        found.push(("env-oidc", variable.to_owned(), IdToken::Variable(secret(token))));
    }
    if let Some(path) = settings.get("oidc_token_filepath") {
        let label = settings.origin("oidc_token_filepath").to_owned();
        found.push(("file-oidc", label, IdToken::File(path.into())));
    }
    let url =
        environment.variable("ACTIONS_ID_TOKEN_REQUEST_URL").and_then(|url| Url::parse(url).ok());
    if let (Some(url), Some(bearer)) = (url, environment.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
        && settings.get("client_id").is_some()
    {
        let label = "the id token of GitHub Actions".to_owned();
        found.push(("github-oidc", label, IdToken::GitHub { url, bearer: secret(bearer) }));
    }
    found
}

/// The methods of a workspace on Azure.
fn azure_methods(
    settings: &SignInSettings,
    environment: &Environment,
    base: &Url,
    service: &TokenService,
) -> Vec<Method> {
    let mut found: Vec<Method> = Vec::new();
    let Some(cloud) = azure::cloud(base, settings.get("azure_environment")) else {
        return found;
    };
    if let (Some(id), Some(password)) =
        (settings.get("azure_client_id"), settings.get("azure_client_secret"))
    {
        let source = ServicePrincipal {
            service: service.clone(),
            base: base.clone(),
            cloud,
            tenant: settings.get("azure_tenant_id").map(str::to_owned),
            id: id.to_owned(),
            secret: SecretString::from(password.to_owned()),
            resource_id: settings.get("azure_workspace_resource_id").map(str::to_owned),
        };
        found.push((
            "azure-client-secret",
            settings.origin("azure_client_secret").to_owned(),
            Box::new(source),
        ));
    }
    let cli = Cli::azure(environment.run.clone(), settings.get("azure_tenant_id"));
    found.push(("azure-cli", "az".to_owned(), Box::new(cli)));
    found
}
