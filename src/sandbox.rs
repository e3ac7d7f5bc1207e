//! A world of two lakehouses, served on this machine as two Databricks workspaces.
//!
//! Everything is read from the lakehouses at every request, so other processes may change them meanwhile; only statements and
//! access tokens live in memory. What it does not understand it refuses, naming what it does.

mod fault;
mod files;
mod http;
mod identity;
mod jobs;
mod layer;
mod listener;
mod locations;
mod rights;
mod routes;
mod served_workspace;
mod sql;
mod statements;
mod unity;
mod warehouses;
mod world;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::files as disk;
use crate::sentence::Sentence;
use fault::Faults;
pub use fault::{Fault, FaultError, Misbehaviour, WorldSide};
use listener::Door;
use served_workspace::{Confinement, Ids, ServedWorkspace};
use statements::sessions::Sessions;
use statements::statement_table::Statements;
pub use world::World;

/// Requests that are remembered.
const REMEMBERED: usize = 10_000;

/// What to serve, and how.
#[derive(Clone)]
pub struct SandboxOptions {
    /// The world.
    pub world: World,
    /// The primary's port, the secondary's is the next; 0: free ones.
    pub port: u16,
    /// How to misbehave.
    pub faults: Vec<Fault>,
    /// A workspace that does not answer: nobody listens at its port.
    pub away: Option<WorldSide>,
    /// In what the service differs from one workspace to another.
    pub quirks: Quirks,
    /// What tokens and secrets are made of: whoever knows it may do everything here.
    pub secret: String,
    /// Folders outside of the world that statements may name too.
    pub allow: Vec<PathBuf>,
    /// Whether anything may be changed.
    pub writable: bool,
    /// The clock of commits, of `current_timestamp()` and of the `Date` header.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl SandboxOptions {
    /// A world on free ports, without faults, by the clock of this machine.
    pub fn new(world: World) -> SandboxOptions {
        SandboxOptions {
            world,
            port: 0,
            faults: Vec::new(),
            away: None,
            quirks: Quirks::default(),
            secret: new_secret(),
            allow: Vec::new(),
            writable: true,
            clock: Arc::new(Utc::now),
        }
    }
}

impl fmt::Debug for SandboxOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SandboxOptions {
            world,
            port,
            faults,
            away,
            quirks,
            secret: _,
            allow,
            writable,
            clock: _,
        } = self;
        f.debug_struct("Options")
            .field("world", world)
            .field("port", port)
            .field("faults", faults)
            .field("away", away)
            .field("quirks", quirks)
            .field("allow", allow)
            .field("writable", writable)
            .finish_non_exhaustive()
    }
}

/// In what the service differs from one workspace to another.
///
/// Written as `no-history-queries`, `enforce-retention`, `no-vacuum-check`, `time-zone=UTC`, `chunk-rows=10`, `inline-bytes=4096`.
#[derive(Debug, Clone)]
pub struct Quirks {
    /// `DESCRIBE HISTORY` inside a query is a syntax error.
    pub refuse_history_queries: bool,
    /// Versions replaced longer ago than the table keeps deleted files, 7 days unless it says otherwise, cannot be read.
    pub enforce_retention: bool,
    /// VACUUM may be told to retain files for a shorter time than its table does.
    pub vacuum_unchecked: bool,
    /// The zone in which times are shown.
    pub time_zone: chrono_tz::Tz,
    /// Rows in a part of a result.
    pub chunk_rows: usize,
    /// Bytes of a result that may come inline.
    pub inline_bytes: usize,
}

impl Default for Quirks {
    fn default() -> Quirks {
        Quirks {
            refuse_history_queries: false,
            enforce_retention: false,
            vacuum_unchecked: false,
            // A session need not be in UTC, and who reads times must not believe that it is.
            time_zone: chrono_tz::America::Los_Angeles,
            chunk_rows: 1000,
            inline_bytes: 25 << 20,
        }
    }
}

impl Quirks {
    /// Adds one by its name.
    ///
    /// # Errors
    /// What cannot be read, and what can.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let number = || value.parse().ok().filter(|number: &usize| *number > 0);
        let added = match (name, value) {
            ("no-history-queries", "") => {
                self.refuse_history_queries = true;
                true
            }
            ("enforce-retention", "") => {
                self.enforce_retention = true;
                true
            }
            ("no-vacuum-check", "") => {
                self.vacuum_unchecked = true;
                true
            }
            ("time-zone", zone) => {
                let zone = zone.parse();
                zone.map(|zone| self.time_zone = zone).is_ok()
            }
            ("chunk-rows", _) => number().map(|rows| self.chunk_rows = rows).is_some(),
            ("inline-bytes", _) => number().map(|bytes| self.inline_bytes = bytes).is_some(),
            _ => false,
        };
        if added {
            Ok(())
        } else {
            Err(format!(
                "the quirk `{text}` cannot be read. There are no-history-queries, enforce-retention, no-vacuum-check, time-zone=ZONE, chunk-rows=N and inline-bytes=N"
            ))
        }
    }
}

/// Why a sandbox cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The folder is no world.
    #[error("serve the world in {}: {why}", folder.display())]
    World {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        why: Sentence,
    },
    /// A port is taken.
    #[error(
        "listen on port {port} of this machine. Another one can be given with --port, and 0 takes free ones"
    )]
    Port {
        /// The port.
        port: u16,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// A workspace that is served, for whoever wants to ask it.
#[derive(Clone, PartialEq, Eq)]
pub struct WorkspaceEndpoint {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// Its SQL warehouse.
    pub warehouse_id: String,
    /// A personal access token.
    pub token: String,
    /// The environment variable in which drsync looks for the token.
    pub token_variable: String,
    /// A service principal's application id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

impl fmt::Debug for WorkspaceEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served")
            .field("url", &self.url)
            .field("warehouse_id", &self.warehouse_id)
            .finish_non_exhaustive()
    }
}

/// A sandbox while it is served; it ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// The primary workspace.
    pub primary: WorkspaceEndpoint,
    /// The secondary workspace.
    pub secondary: WorkspaceEndpoint,
    /// A configuration for drsync, in JSON, that is ready to be used with the tokens' variables set.
    pub configuration: String,
    shared: Arc<Shared>,
    servers: [JoinHandle<std::io::Result<()>>; 2],
}

impl Running {
    /// Misbehaves from now on.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Behaves again.
    pub fn behave(&self) {
        self.shared.faults.clear();
    }

    /// The newest requests, oldest first: `METHOD URL`.
    pub fn requests(&self) -> Vec<String> {
        let log = self.shared.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().cloned().collect()
    }

    /// Waits until a server fails, which it does not by itself.
    ///
    /// # Errors
    /// What the system said.
    pub async fn wait(&mut self) -> std::io::Result<()> {
        let [one, two] = &mut self.servers;
        let ended = tokio::select! {
            ended = one => ended,
            ended = two => ended,
        };
        ended.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }

    /// Stops listening as the primary, as where its region is gone.
    pub fn stop_primary(&self) {
        self.servers[0].abort();
    }

    /// Stops listening.
    pub fn stop(&self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What both workspaces have in common.
#[derive(Debug)]
struct Shared {
    faults: Faults,
    log: Mutex<VecDeque<String>>,
}

impl Shared {
    fn note(&self, url: &str, method: &str, path: &str) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == REMEMBERED {
            log.pop_front();
        }
        log.push_back(format!("{method} {url}{path}"));
    }
}

/// One workspace with what it shares: the state of its handlers.
#[derive(Debug)]
struct Site {
    side: WorldSide,
    workspace: Arc<ServedWorkspace>,
    statements: Statements,
    sessions: Sessions,
    shared: Arc<Shared>,
}

/// What nobody can guess.
pub fn new_secret() -> String {
    let part = || uuid::Uuid::new_v4().simple().to_string();
    part() + &part()
}

/// Serves a world on loopback: the primary on the given port, the secondary on the next.
///
/// # Errors
/// If the folders are no world, or a port is taken.
pub async fn serve(options: SandboxOptions) -> Result<Running, SandboxError> {
    let SandboxOptions { mut world, port, faults, away, quirks, secret, allow, writable, clock } =
        options;
    world.complete(writable)?;
    let (one, port_one) = listen(port).await?;
    let (two, port_two) = listen(if port == 0 { 0 } else { port.saturating_add(1) }).await?;
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let ids = [&world.primary, &world.secondary].map(|folder| Ids::of(folder, &secret));
    let guard = Confinement {
        secret,
        within: [world.primary.clone(), world.secondary.clone()]
            .into_iter()
            .chain(world.roots())
            .chain(allow)
            .map(|folder| disk::resolve_folder(&folder))
            .collect(),
        writable,
    };
    let secrets = BTreeMap::from([
        ("primary-pat".to_owned(), ids[0].token.clone()),
        ("secondary-pat".to_owned(), ids[1].token.clone()),
    ]);
    let shared = Arc::new(Shared { faults: Faults::new(faults), log: Mutex::default() });
    let (configuration, variables) = world
        .configuration((&url(port_one), &ids[0].warehouse), (&url(port_two), &ids[1].warehouse));
    let [variable_one, variable_two] = variables;
    let [region_one, region_two] = world.region_names();
    let open = |folder: &PathBuf, port: u16, region: String| {
        let behaviour = (clock.clone(), quirks.clone(), guard.clone());
        let opened = ServedWorkspace::open(
            folder,
            world.roots(),
            (url(port), region),
            secrets.clone(),
            behaviour,
        );
        let wrong = |why: String| SandboxError::World { folder: folder.clone(), why: why.into() };
        opened.map(Arc::new).map_err(wrong)
    };
    let (first, second) = (
        open(&world.primary, port_one, region_one)?,
        open(&world.secondary, port_two, region_two)?,
    );

    Ok(Running {
        primary: served(&first, variable_one),
        secondary: served(&second, variable_two),
        configuration: format!("{configuration:#}\n"),
        servers: [
            start(one, WorldSide::Primary, away, first, &shared),
            start(two, WorldSide::Secondary, away, second, &shared),
        ],
        shared,
    })
}

/// What whoever signs in to a workspace needs.
fn served(workspace: &ServedWorkspace, token_variable: String) -> WorkspaceEndpoint {
    WorkspaceEndpoint {
        url: workspace.url.clone(),
        warehouse_id: workspace.ids.warehouse.clone(),
        token: workspace.ids.token.clone(),
        token_variable,
        client_id: workspace.ids.client.clone(),
        client_secret: workspace.ids.client_secret.clone(),
    }
}

async fn listen(port: u16) -> Result<(TcpListener, u16), SandboxError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let failed = |source| SandboxError::Port { port, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok((listener, port))
}

/// Answers for a workspace; for one that is away nobody listens.
fn start(
    listener: TcpListener,
    side: WorldSide,
    away: Option<WorldSide>,
    workspace: Arc<ServedWorkspace>,
    shared: &Arc<Shared>,
) -> JoinHandle<std::io::Result<()>> {
    if away == Some(side) {
        drop(listener);
        return tokio::spawn(std::future::pending());
    }
    let site = Arc::new(Site {
        side,
        workspace,
        statements: Statements::default(),
        sessions: Sessions::default(),
        shared: shared.clone(),
    });
    let service = routes::router(site).into_make_service_with_connect_info::<listener::Cord>();
    tokio::spawn(async move { axum::serve(Door(listener), service).await })
}
