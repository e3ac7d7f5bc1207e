//! Entra ID: a service principal with a secret, and whoever is signed in to the Azure CLI.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::super::refusal::Refusal;
use super::oauth::TokenService;
use super::{AccessToken, CommandRunner, TokenSource, sign_in_refusal};

/// The resource that is Databricks, in every cloud of Azure.
const DATABRICKS: &str = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";

/// A cloud of Azure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cloud {
    login: &'static str,
    management: &'static str,
}

const PUBLIC: Cloud = Cloud {
    login: "https://login.microsoftonline.com",
    management: "https://management.core.windows.net/",
};
const GOVERNMENT: Cloud = Cloud {
    login: "https://login.microsoftonline.us",
    management: "https://management.core.usgovcloudapi.net/",
};
const CHINA: Cloud = Cloud {
    login: "https://login.chinacloudapi.cn",
    management: "https://management.core.chinacloudapi.cn/",
};

/// The cloud of a workspace, by its host or by name; `None`: it is not on Azure.
pub(super) fn cloud(base: &Url, named: Option<&str>) -> Option<Cloud> {
    let host = base.host_str().unwrap_or_default().to_lowercase();
    let by_host = [
        (".azuredatabricks.net", PUBLIC),
        (".databricks.azure.us", GOVERNMENT),
        (".databricks.azure.cn", CHINA),
    ];
    let found = by_host.into_iter().find(|(end, _)| host.ends_with(end)).map(|(_, cloud)| cloud);
    match named.map(str::to_uppercase).as_deref() {
        Some("PUBLIC") => Some(PUBLIC),
        Some("USGOVERNMENT") => Some(GOVERNMENT),
        Some("CHINA") => Some(CHINA),
        Some(_) | None => found,
    }
}

/// A service principal of Entra ID.
#[derive(Debug)]
pub(super) struct ServicePrincipal {
    pub(super) service: TokenService,
    pub(super) base: Url,
    pub(super) cloud: Cloud,
    pub(super) tenant: Option<String>,
    pub(super) id: String,
    pub(super) secret: SecretString,
    /// The workspace's resource id, for a principal that is no user of the workspace yet.
    pub(super) resource_id: Option<String>,
}

impl ServicePrincipal {
    async fn token(
        &self,
        tenant: &str,
        resource: &str,
        now: DateTime<Utc>,
    ) -> Result<AccessToken, Refusal> {
        let endpoint = format!("{}/{tenant}/oauth2/token", self.cloud.login);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.id.as_str()),
            ("client_secret", self.secret.expose_secret()),
            ("resource", resource),
        ];
        self.service.token(&endpoint, None, &form, now).await
    }

    /// The tenant, as the workspace's sign-in names it.
    async fn tenant(&self) -> Result<String, Refusal> {
        if let Some(tenant) = &self.tenant {
            return Ok(tenant.clone());
        }
        let answer = self
            .service
            .get(&format!("{}/aad/auth", self.base.as_str().trim_end_matches('/')))
            .await?;
        let to = answer.and_then(|(_, location)| location).and_then(|to| Url::parse(&to).ok());
        // The secret is sent to a tenant of the cloud's own sign-in and to nothing else.
        let of_cloud = |to: &&Url| {
            Url::parse(self.cloud.login).is_ok_and(|login| login.origin() == to.origin())
        };
        let is_tenant = |text: &&str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        };
        to.as_ref()
            .filter(of_cloud)
            .and_then(|to| to.path_segments()?.next())
            .filter(is_tenant)
            .map(str::to_owned)
            .ok_or_else(|| sign_in_refusal("the tenant is not known: set ARM_TENANT_ID"))
    }
}

#[async_trait]
impl TokenSource for ServicePrincipal {
    async fn fetch(&self, now: DateTime<Utc>) -> Result<AccessToken, Refusal> {
        let tenant = self.tenant().await?;
        let mut token = self.token(&tenant, DATABRICKS, now).await?;
        if let Some(resource_id) = &self.resource_id {
            let management = self.token(&tenant, self.cloud.management, now).await?;
            token.headers = vec![
                ("X-Databricks-Azure-SP-Management-Token", management.secret),
                (
                    "X-Databricks-Azure-Workspace-Resource-Id",
                    SecretString::from(resource_id.clone()),
                ),
            ];
        }
        Ok(token)
    }
}

/// Whoever is signed in to a command-line tool of this machine.
pub(super) struct Cli {
    pub(super) run: CommandRunner,
    pub(super) command: Vec<String>,
}

/// What `az account get-access-token` and `databricks auth token` print.
#[derive(Deserialize)]
struct Printed {
    #[serde(alias = "accessToken")]
    access_token: SecretString,
    /// Epoch seconds.
    #[serde(default)]
    expires_on: Option<i64>,
    #[serde(default)]
    expiry: Option<DateTime<Utc>>,
}

impl Cli {
    /// `az account get-access-token` for Databricks.
    pub(super) fn azure(run: CommandRunner, tenant: Option<&str>) -> Cli {
        let mut command =
            vec!["az", "account", "get-access-token", "--resource", DATABRICKS, "--output", "json"];
        command.extend(tenant.into_iter().flat_map(|tenant| ["--tenant", tenant]));
        Cli { run, command: command.into_iter().map(str::to_owned).collect() }
    }

    /// `databricks auth token` for a host.
    pub(super) fn databricks(run: CommandRunner, base: &Url) -> Cli {
        let host = base.as_str().trim_end_matches('/');
        Cli {
            run,
            command: ["databricks", "auth", "token", "--host", host].map(str::to_owned).to_vec(),
        }
    }
}

impl std::fmt::Debug for Cli {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cli").field("command", &self.command).finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenSource for Cli {
    async fn fetch(&self, now: DateTime<Utc>) -> Result<AccessToken, Refusal> {
        let printed = (self.run)(self.command.clone()).await.map_err(sign_in_refusal)?;
        let printed: Printed =
            serde_json::from_str(&printed).map_err(|_| sign_in_refusal("prints no token"))?;
        let end = printed.expires_on.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let end = end.or(printed.expiry).unwrap_or(now + TimeDelta::minutes(30));
        Ok(AccessToken {
            secret: printed.access_token,
            headers: Vec::new(),
            life: Some((now, end)),
        })
    }
}
