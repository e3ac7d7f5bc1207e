//! A region over the Databricks REST API: catalog, jobs and SQL warehouse of a workspace, and a sync location under it.
//!
//! All SQL runs on the primary's warehouse, also what is written in the secondary's location. The secondary's own workspace,
//! where there is one, is watched for runs and has the replicas registered; whatever fails there is a warning, never a failure.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Mutex, OnceCell};

use crate::config::is_at_this_machine;
use crate::region::{RegionError, RegionErrorKind};
use crate::sql;

mod access;
mod auth;
mod batch;
mod catalog;
mod client;
mod clones;
mod connect;
mod credential;
mod evidence;
pub mod files;
mod histories;
mod location;
mod notice;
mod pages;
mod proof;
mod records;
mod refusal;
mod registration;
mod replicas;
mod results;
mod rights;
mod rows;
mod running;
mod secret;
mod sources;
mod statements;
mod survey;
mod timing;
mod verify;
mod warehouse;
pub mod wire;
mod workflows;
mod workspace;

pub use auth::{CommandRunner, Environment, SignInError, Tried};
pub use client::Client;
pub use connect::{ConnectOptions, Connected, NeededSide, Unbound, connect, connect_as_needed};
pub use credential::Credential;
pub use notice::Notice;
pub use survey::{ListedTable, Offered, SurveyedJob, Surveyor, WorkspaceAndAsker, WritersAndSizes};
pub use timing::Timing;
pub use workspace::DatabricksWorkspace;

use batch::RefusedForms;
use histories::SeenDetails;
use refusal::Refusal;
use statements::Sql;

/// A Databricks workspace: its API and one of its warehouses.
struct Service {
    client: Client,
    sql: Sql,
    batches: RefusedForms,
    seen: SeenDetails,
    principal: OnceCell<String>,
    /// When it was last asked in vain who asks, and what came of it: one look at a time.
    unknown: Mutex<Option<(Instant, Refusal)>>,
}

impl Service {
    fn new(client: Client, warehouse: Option<String>, notice: Notice) -> Service {
        let sql = Sql::new(client.clone(), warehouse, notice);
        Service {
            client,
            sql,
            batches: RefusedForms::default(),
            seen: SeenDetails::default(),
            principal: OnceCell::new(),
            unknown: Mutex::default(),
        }
    }

    /// Who asks, as the catalog knows them.
    async fn principal(&self) -> Result<String, Refusal> {
        if let Some(known) = self.principal.get() {
            return Ok(known.clone());
        }
        let begun = Instant::now();
        let mut unknown = self.unknown.lock().await;
        match &*unknown {
            // It was being asked meanwhile.
            Some((at, refusal)) if *at >= begun => return Err(refusal.clone()),
            Some(_) | None => {}
        }
        // Asked afresh where it is not known: this is also the look whether the workspace answers.
        let me = self
            .principal
            .get_or_try_init(|| async { access::me(&self.client).await.map(|me| me.user_name) });
        let me = me.await.cloned();
        *unknown = me.as_ref().err().map(|refusal| (Instant::now(), refusal.clone()));
        me
    }

    /// A server on this machine: it is not Databricks, and has none of its own rules.
    fn is_sandbox(&self) -> bool {
        is_at_this_machine(self.client.base())
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("client", &self.client).finish_non_exhaustive()
    }
}

/// A sync location, and the workspace by which it is reached.
#[derive(Debug)]
pub struct DatabricksLocation {
    /// As the configuration spells it.
    address: String,
    way: Way,
    /// Count rows on both sides after each clone.
    verify_rows: bool,
    /// Appends to a cut log follow each other: they would only conflict. What its columns are is asked once.
    cuts: Mutex<Option<sql::CutColumns>>,
    rows: Mutex<()>,
}

/// By which workspace a location is reached.
#[derive(Debug)]
enum Way {
    /// The one that writes there: storage such as S3 takes no two.
    Writer(Arc<Service>),
    /// Another, which only reads.
    Reader(Arc<Service>),
}

impl DatabricksLocation {
    fn new(address: &str, way: Way, verify_rows: bool) -> DatabricksLocation {
        let (cuts, rows) = Default::default();
        DatabricksLocation { address: address.to_owned(), way, verify_rows, cuts, rows }
    }

    /// What carries out every look and every write.
    fn service(&self) -> &Service {
        match &self.way {
            Way::Writer(service) | Way::Reader(service) => service,
        }
    }

    /// A path under it, taken literally.
    fn path(&self, relative: &str) -> String {
        format!("{}/{relative}", self.address.trim_end_matches('/'))
    }

    fn may_write(&self) -> Result<(), RegionError> {
        match &self.way {
            Way::Writer(_) => Ok(()),
            Way::Reader(_) => Err(RegionError::new(
                RegionErrorKind::Unavailable,
                format!("write under {}", self.address),
                "the primary's workspace, which is the one that writes there, does not answer",
            )),
        }
    }

    fn on_object_store(&self) -> bool {
        !(self.address.starts_with('/') || self.address.starts_with("file:"))
    }
}
