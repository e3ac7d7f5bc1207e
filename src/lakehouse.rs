//! A region that is a folder of Delta tables, embedded in drsync: the default for trying and testing.
//!
//! A lakehouse is a workspace folder with a catalog (`lakehouse.json`) and workflows (`jobs.json`), and a sync location.
//! Both are read afresh at every question. A secondary may have no workspace at all.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::config::LocationAddress;
use crate::region::{Region, RegionError, RegionErrorKind};

mod access;
mod catalog;
mod clones;
mod columns;
mod contents;
pub mod delta;
pub mod demo;
mod described;
mod evidence;
mod grants;
mod jobs;
mod location;
mod metrics;
mod records;
mod refusal;
mod replicas;
mod sources;
mod survey;
pub(crate) mod unchanged;
mod workspace;
pub mod write;

pub use catalog::{
    CATALOG_FILE, Catalog, ColumnEntry, ExternalLocation, Index, StoredSecret, TableEntry,
};
pub use described::FileError;
pub use grants::Grants;
pub use jobs::{JOBS_FILE, JobEntry, JobRun, JobsFile};
pub use survey::{Survey, Surveyed, survey};
pub use workspace::LakehouseWorkspace;
use workspace::external_files_of;

/// How many tables are looked at in parallel.
const PARALLEL_READS: usize = 16;

/// Who writes, and by which clock.
#[derive(Clone)]
pub struct Writer {
    /// The user that commits name.
    pub user: String,
    /// The clock.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl Writer {
    /// A user by the clock of this machine.
    pub fn new(user: impl Into<String>) -> Writer {
        Writer { user: user.into(), clock: Arc::new(Utc::now) }
    }

    fn author(&self) -> delta::Author {
        delta::Author {
            now_ms: (self.clock)().timestamp_millis(),
            engine_info: concat!("drsync/", env!("CARGO_PKG_VERSION")).to_owned(),
            user_name: Some(self.user.clone()),
            job: None,
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A folder with metadata tables, replicas and evidence.
#[derive(Debug, Clone)]
pub struct LakehouseLocation {
    text: String,
    root: PathBuf,
    identity: Writer,
    /// The workspace whose tables are cloned to here: its catalog says which files they may name.
    sources: Option<PathBuf>,
    /// Writers of one process take turns at a ledger table, so that they lose races to other processes only.
    turns: Arc<Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    /// What is known of the rows since this process last wrote them.
    rows: tokio::sync::Mutex<Option<records::KnownRows>>,
    /// What is known of the cut log since this process last read or wrote it.
    cuts: tokio::sync::Mutex<Option<records::KnownCutLog>>,
}

impl LakehouseLocation {
    /// Names a sync location; looks at nothing yet, so nothing has to be there.
    ///
    /// # Errors
    /// `Unsupported` if it is not a folder of this machine.
    pub fn open(location: &str, identity: Writer) -> Result<LakehouseLocation, RegionError> {
        let here = std::env::current_dir().unwrap_or_default();
        let refused = |detail: String| {
            let doing = format!("open the sync location {location}");
            RegionError::new(RegionErrorKind::Unsupported, doing, detail)
        };
        let parsed =
            LocationAddress::parse(location, &here).map_err(|error| refused(error.to_string()))?;
        let Some(root) = parsed.is_local() else {
            let scheme = parsed.scheme().as_str();
            return Err(refused(format!(
                "an embedded lakehouse keeps its tables on this machine, not in {scheme}://"
            )));
        };
        Ok(LakehouseLocation {
            sources: None,
            text: location.to_owned(),
            root: root.to_path_buf(),
            identity,
            turns: Arc::default(),
        })
    }

    /// The same, to which tables of a workspace are cloned: its catalog says which files they may name.
    pub fn cloning_from(self, workspace: PathBuf) -> LakehouseLocation {
        LakehouseLocation { sources: Some(workspace), ..self }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A table under it; its path is taken literally.
    fn under_root(&self, path: &str) -> delta::TableStore {
        delta::TableStore::within(&self.root, path)
    }

    /// The folders outside of a table whose files its log may name, as the catalog lists them when it is asked.
    fn external_files(&self) -> delta::External {
        self.sources.clone().map_or_else(delta::External::default, external_files_of)
    }
}

/// Names a region: a workspace folder, if it has one, and a sync location. Looks at nothing yet, so nothing has to be there.
///
/// Tables that are cloned to it are taken for its own workspace's, until [`LakehouseLocation::cloning_from`] says otherwise.
///
/// # Errors
/// `Unsupported` if the sync location is not a folder of this machine.
pub fn open_region(
    workspace: Option<PathBuf>,
    location: &str,
    identity: Writer,
) -> Result<Region, RegionError> {
    let location = LakehouseLocation::open(location, identity.clone())?;
    Ok(match workspace {
        None => Region { workspace: None, location: Arc::new(location) },
        Some(folder) => Region {
            location: Arc::new(location.cloning_from(folder.clone())),
            workspace: Some(Arc::new(LakehouseWorkspace::open(folder, identity))),
        },
    })
}

/// Waits for the answers to questions, a bounded number at a time; they stand at their questions' places.
async fn in_parallel<A>(answers: Vec<impl Future<Output = A>>) -> Vec<A> {
    use futures::StreamExt;
    futures::stream::iter(answers).buffered(PARALLEL_READS).collect().await
}
