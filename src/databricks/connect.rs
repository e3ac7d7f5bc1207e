//! From a configuration to two regions: signing in, and finding out early that it is in vain.

use std::sync::Arc;

use url::{Origin, Url};

use super::auth::{Environment, SignInError, SignInTarget, Tried, sign_in};
use super::client::{Client, plain_http};
use super::credential::Credential;
use super::notice::Notice;
use super::timing::Timing;
use super::{DatabricksLocation, DatabricksWorkspace, Service, Way, access};
use crate::config::{self, Connection, WorkspaceAddress, is_at_this_machine};
use crate::region::{Region, Regions, Workspace};
use crate::sentence::Sentence;

/// Everything that two regions on Databricks need.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The workspace's label, for `DRSYNC_TOKEN_<NAME>`.
    pub name: String,
    /// The primary workspace's address.
    pub address: Url,
    /// The address of the secondary's own workspace, where that is one on Databricks.
    pub secondary: Option<Url>,
    /// How both are reached.
    pub connection: Connection,
    /// Where the primary's metadata tables lie.
    pub location_primary: String,
    /// Where the secondary's metadata tables and the replicas lie.
    pub location_secondary: String,
    /// Count rows on both sides after each clone.
    pub verify_rows: bool,
    /// What signing in takes from its surroundings.
    pub environment: Environment,
    /// Which workspaces of this run get secrets that name none; `None`: these are all workspaces of the run.
    pub unbound: Option<Unbound>,
    /// How time passes.
    pub timing: Timing,
    /// Who is told what is no failure.
    pub notice: Notice,
}

impl ConnectOptions {
    /// What a configuration or a plan says of a workspace; everything else is as it mostly is, with nothing of its surroundings.
    pub fn new(
        name: &str,
        address: &Url,
        secondary: Option<&WorkspaceAddress>,
        connection: &Connection,
        [location_primary, location_secondary]: [String; 2],
    ) -> ConnectOptions {
        ConnectOptions {
            name: name.to_owned(),
            address: address.clone(),
            secondary: secondary.and_then(WorkspaceAddress::service).cloned(),
            connection: connection.clone(),
            location_primary,
            location_secondary,
            verify_rows: false,
            environment: Environment::empty(),
            unbound: None,
            timing: Timing::real(),
            notice: Notice::nobody(),
        }
    }

    /// What a configuration says of a workspace; `None`: it is an embedded lakehouse.
    pub fn of(
        workspace: &config::WorkspaceConfig,
        environment: Environment,
    ) -> Option<ConnectOptions> {
        let WorkspaceAddress::Databricks(address) = &workspace.address else {
            return None;
        };
        let locations = [&workspace.location_primary, &workspace.location_secondary];
        let (secondary, connection) = (workspace.secondary.as_ref(), &workspace.connection);
        let locations = locations.map(|location| location.as_str().to_owned());
        let options =
            ConnectOptions::new(&workspace.name, address, secondary, connection, locations);
        Some(ConnectOptions { environment, ..options })
    }

    /// Whether the primary has an identity of its own.
    fn has_own(&self) -> bool {
        let token = config::token_variable(&self.name);
        self.connection.profile.is_some() || self.environment.variable(&token).is_some()
    }
}

/// Where secrets go that name no workspace, such as a `DATABRICKS_TOKEN` without a `DATABRICKS_HOST`.
///
/// Each secret is for one host. One that does not say which serves a run of one workspace, or the only one of the run that has
/// no identity of its own; it is never sent to a secondary's.
#[derive(Debug, Clone)]
pub struct Unbound(Option<Origin>);

impl Unbound {
    /// Where they go in a run that signs in to all of these.
    pub fn of<'a>(run: impl IntoIterator<Item = &'a ConnectOptions>) -> Unbound {
        let primaries: Vec<(Origin, bool)> =
            run.into_iter().map(|options| (options.address.origin(), options.has_own())).collect();
        let only = |origins: Vec<&Origin>| {
            let (first, others) = origins.split_first()?;
            let one = others.iter().all(|other| other == first);
            one.then(|| (*first).clone())
        };
        let all = primaries.iter().map(|(origin, _)| origin).collect();
        let needy = primaries.iter().filter(|(_, own)| !own);
        let needy = needy.map(|(origin, _)| origin).collect();
        Unbound(only(all).or_else(|| only(needy)))
    }

    fn serves(&self, address: &Url) -> bool {
        self.0.as_ref() == Some(&address.origin())
    }
}

/// Two regions of one workspace.
#[derive(Debug, Clone)]
pub struct Connected {
    /// Where the tables are written.
    pub primary: Region,
    /// Where the replicas are.
    pub secondary: Region,
    /// How the primary was signed in to, for example `DATABRICKS_TOKEN`.
    pub signed_in_with: String,
}

impl Connected {
    /// The pair in its present roles.
    pub fn regions(&self) -> Regions {
        Regions { primary: self.primary.clone(), secondary: self.secondary.clone() }
    }
}

/// Which side has to let somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeededSide {
    /// The primary, unless it does not answer anybody.
    Primary,
    /// One of them: what the secondary tells is enough, where it has a workspace of its own.
    Either,
}

/// Signs in and makes the two regions.
///
/// # Errors
/// The primary's identity was not found or is refused. A workspace that does not answer is no reason: its regions say so
/// themselves; nor is the secondary's own workspace, which is then not seen.
pub async fn connect(options: &ConnectOptions) -> Result<Connected, SignInError> {
    connect_as_needed(options, NeededSide::Primary).await
}

/// The same, where that is needed.
///
/// # Errors
/// As of [`connect`]; where either side is enough: neither lets anybody in.
pub async fn connect_as_needed(
    options: &ConnectOptions,
    needed: NeededSide,
) -> Result<Connected, SignInError> {
    let ConnectOptions { connection, timing, notice, .. } = options;
    let unbound = options.unbound.clone();
    let unbound = unbound.unwrap_or_else(|| Unbound::of([options]));
    let wanted = SignInTarget {
        name: Some(&options.name),
        base: &options.address,
        secret: secret(&connection.secret_scope, &connection.pat_key),
        profile: connection.profile.as_deref(),
        unbound: unbound.serves(&options.address),
    };
    let either = needed == NeededSide::Either && options.secondary.is_some();
    let SignedIn { credential, warehouse, mut shut } =
        sign_in_to_primary(options, &wanted, either).await?;
    let signed_in_with = credential.method().to_owned();
    let refused = |why: String| SignInError {
        workspace: options.address.as_str().trim_end_matches('/').to_owned(),
        tried: vec![Tried::new(signed_in_with.clone(), why)],
    };
    let client = Client::new(options.address.clone(), credential, timing.clone());
    let client = client.map_err(|refusal| refused(refusal.to_string()))?;
    let me = access::me(&client).await;
    let away = me.is_err();
    if let Err(refusal) = me
        && (matches!(refusal.status, Some(401 | 403)) || refusal.is_sign_in())
    {
        let why = shut.unwrap_or_else(|| refused(format!("is refused: {refusal}")));
        if !either {
            return Err(why);
        }
        shut = Some(why);
    }
    let warehouse = connection.warehouse_id.clone().or(warehouse);
    let service = Arc::new(Service::new(client, warehouse, notice.clone()));
    let registrar = match &options.secondary {
        Some(address) => Some(registrar(options, address, &unbound, away).await.map(Arc::new)),
        None => None,
    };
    if let Some(why) = shut {
        go_on_without_primary(options, why, registrar.as_ref())?;
    }
    let (primary, secondary) = make_regions(options, service, registrar, away);
    Ok(Connected { primary, secondary, signed_in_with })
}

/// The primary and the secondary. On the day the primary is gone what is in the secondary is read through its own workspace.
fn make_regions(
    options: &ConnectOptions,
    service: Arc<Service>,
    registrar: Option<Result<Arc<Service>, Sentence>>,
    away: bool,
) -> (Region, Region) {
    let way = match &registrar {
        Some(Ok(own)) if away => Way::Reader(own.clone()),
        Some(_) | None => Way::Writer(service.clone()),
    };
    let location =
        |text: &str, way| Arc::new(DatabricksLocation::new(text, way, options.verify_rows));
    let copies_of = Some(service.clone()).filter(|_| !away);
    let workspace = |own| DatabricksWorkspace::new(own, copies_of);
    let primary = Region {
        workspace: Some(Arc::new(DatabricksWorkspace::new(Ok(service.clone()), None))),
        location: location(&options.location_primary, Way::Writer(service)),
    };
    let secondary = Region {
        workspace: registrar.map(|own| Arc::new(workspace(own)) as Arc<dyn Workspace>),
        location: location(&options.location_secondary, way),
    };
    (primary, secondary)
}

/// How the primary was signed in to, as far as it was.
struct SignedIn {
    credential: Credential,
    /// The warehouse that whoever signed in has named.
    warehouse: Option<String>,
    /// Why the primary lets nobody in, although it answers.
    shut: Option<SignInError>,
}

/// Signs in to the primary. On the day it is gone few people have a token of it, and the secondary's own workspace is enough to look.
async fn sign_in_to_primary(
    options: &ConnectOptions,
    wanted: &SignInTarget<'_>,
    either: bool,
) -> Result<SignedIn, SignInError> {
    let timing = &options.timing;
    let unsigned = match sign_in(wanted, &options.environment, timing).await {
        Ok((credential, warehouse)) => return Ok(SignedIn { credential, warehouse, shut: None }),
        Err(unsigned) if options.secondary.is_none() => return Err(unsigned),
        Err(unsigned) => unsigned,
    };
    match silence(&options.address, timing).await {
        Some(why) => {
            let credential = Credential::nobodys(why, timing.clone());
            Ok(SignedIn { credential, warehouse: None, shut: None })
        }
        None if either => {
            let credential = Credential::unsigned(unsigned.to_string(), timing.clone());
            Ok(SignedIn { credential, warehouse: None, shut: Some(unsigned) })
        }
        None => Err(unsigned),
    }
}

/// Tells that the primary lets nobody in, where the secondary's own workspace does.
///
/// # Errors
/// That one lets nobody in either.
fn go_on_without_primary(
    options: &ConnectOptions,
    mut why: SignInError,
    registrar: Option<&Result<Arc<Service>, Sentence>>,
) -> Result<(), SignInError> {
    let own = options.secondary.as_ref().map(Url::as_str).unwrap_or_default();
    let own = own.trim_end_matches('/');
    match registrar {
        Some(Ok(_)) => {
            options.notice.tell(format!("{why}; what the secondary tells is asked of {own}"));
            Ok(())
        }
        Some(Err(also)) => {
            why.tried.push(Tried::new(own, also.clone()));
            Err(why)
        }
        None => Err(why),
    }
}

fn secret<'a>(scope: &'a Option<String>, key: &'a Option<String>) -> Option<(&'a str, &'a str)> {
    scope.as_deref().zip(key.as_deref()).filter(|(scope, key)| !scope.is_empty() && !key.is_empty())
}

async fn registrar(
    options: &ConnectOptions,
    address: &Url,
    unbound: &Unbound,
    away: bool,
) -> Result<Service, Sentence> {
    let connection = &options.connection;
    let wanted = SignInTarget {
        name: connection.secondary_name.as_deref(),
        base: address,
        secret: secret(&connection.secret_scope, &connection.secondary_pat_key),
        profile: connection.secondary_profile.as_deref(),
        unbound: unbound.serves(address),
    };
    let mut signed_in = sign_in(&wanted, &options.environment, &options.timing).await;
    if signed_in.is_err() && away && wanted.secret.is_some() {
        // The scope may be the pipeline's alone. Whoever looks on the day the primary is gone may do so as themselves.
        let own = SignInTarget { secret: None, ..wanted };
        signed_in = sign_in(&own, &options.environment, &options.timing).await.or(signed_in);
    }
    let (credential, warehouse) = signed_in.map_err(|error| error.to_string())?;
    let client = Client::new(address.clone(), credential, options.timing.clone());
    let client = client.map_err(|refusal| refusal.to_string())?;
    // DATABRICKS_WAREHOUSE_ID is the primary's, unless DATABRICKS_HOST says otherwise.
    let host = options.environment.variable("DATABRICKS_HOST");
    let warehouse = warehouse.filter(|_| host.is_some_and(|host| is_host_of(host, address)));
    let warehouse = connection.secondary_warehouse_id.clone().or(warehouse);
    Ok(Service::new(client, warehouse, options.notice.clone()))
}

/// Whether a text names the host of an address.
fn is_host_of(text: &str, address: &Url) -> bool {
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    Url::parse(&text).is_ok_and(|url| url.origin() == address.origin())
}

/// Why an address does not answer anybody; `None`: something answers there. It is sent nothing that says who asks.
async fn silence(address: &Url, timing: &Timing) -> Option<String> {
    let http = plain_http(is_at_this_machine(address)).ok()?;
    let asked = timing.in_time(http.get(address.clone()).send()).await;
    match asked {
        Ok(Ok(answer)) if answer.status().is_server_error() => {
            Some(format!("it answers {}", answer.status()))
        }
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.without_url().to_string()),
        Err(over) => Some(over.to_string()),
    }
}
