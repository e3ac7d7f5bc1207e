//! One workspace as it is served: a lakehouse, who may ask, and nothing that another process could change.
//! It edits the catalog and the jobs of its folder, under a lock.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Quirks;
use crate::config::{LocationAddress, TableName};
use crate::files;
use crate::lakehouse::unchanged::NewestReading;
use crate::lakehouse::{
    CATALOG_FILE, Catalog, Index, JOBS_FILE, LakehouseWorkspace, Writer, write,
};
use crate::limits::CONFIGURATION;
use crate::text::hex;

/// The clock that commits and answers go by.
pub(super) type SandboxClock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Who asks where the catalog does not say.
const NOBODY: &str = "sandbox@example.com";

/// A workspace.
pub(super) struct ServedWorkspace {
    pub(super) guard: Confinement,
    /// The lakehouse's folder.
    pub(super) folder: PathBuf,
    pub(super) lakehouse: LakehouseWorkspace,
    pub(super) quirks: Quirks,
    /// Sync locations of the world: what stands for a container. Never made here.
    roots: Vec<PathBuf>,
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
    /// The region that its metastore is in where the catalog does not say.
    pub(super) region_name: String,
    pub(super) ids: Ids,
    /// The tokens that the sandbox itself gives out, of both workspaces, by the names of their secrets.
    pub(super) secrets: BTreeMap<String, String>,
    clock: SandboxClock,
    catalog: NewestReading<Result<Arc<CatalogListing>, String>>,
    /// Edits of the lakehouse's files, one at a time.
    edits: tokio::sync::Mutex<()>,
    /// Access tokens given for client credentials, with their ends.
    pub(super) oauth: Mutex<BTreeMap<String, DateTime<Utc>>>,
    /// The warehouse's state.
    pub(super) warehouse: Mutex<&'static str>,
}

/// The lakehouse's catalog as it was read.
#[derive(Default)]
pub(super) struct CatalogListing {
    pub(super) index: Index,
    /// The same as JSON, with what only the sandbox knows.
    raw: Value,
    /// The folders of managed tables.
    managed: HashSet<PathBuf>,
}

impl CatalogListing {
    fn read(folder: &Path) -> Result<CatalogListing, String> {
        let index = Catalog::read(folder).map_err(|error| error.to_string())?.index();
        let managed = index
            .tables
            .iter()
            .filter(|table| table.table_type.as_deref() == Some("MANAGED"))
            .filter_map(|table| local(folder, table.storage_location.as_deref()?));
        Ok(CatalogListing { managed: managed.collect(), raw: raw(folder, CATALOG_FILE), index })
    }
}

/// What names a workspace, the same at every start.
#[derive(Clone)]
pub(super) struct Ids {
    pub(super) workspace: u64,
    pub(super) metastore: String,
    pub(super) warehouse: String,
    pub(super) token: String,
    pub(super) client: String,
    pub(super) client_secret: String,
}

impl Ids {
    /// Derived from the lakehouse's folder, so that a restarted sandbox has the same; what gives access, from its secret too.
    pub(super) fn of(folder: &Path, secret: &str) -> Ids {
        let digest = |what: &str| hex(&Sha256::digest(format!("{what} {}", folder.display())));
        let uuid = |what: &str| {
            let hex = digest(what);
            format!(
                "{}-{}-4{}-8{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[13..16],
                &hex[17..20],
                &hex[20..32]
            )
        };
        Ids {
            workspace: u64::from_str_radix(&digest("workspace")[..12], 16).unwrap_or(1),
            metastore: uuid("metastore"),
            warehouse: digest("warehouse")[..16].to_owned(),
            token: format!("dapi{}", &digest(&format!("token {secret}"))[..32]),
            client: uuid("client"),
            client_secret: format!("dose{}", &digest(&format!("secret {secret}"))[..32]),
        }
    }
}

/// What keeps a sandbox to itself.
#[derive(Clone)]
pub(super) struct Confinement {
    pub(super) secret: String,
    /// Folders that statements may name, with their links followed.
    pub(super) within: Vec<PathBuf>,
    pub(super) writable: bool,
}

impl Confinement {
    /// Whether a folder lies in the world, or in what was allowed beside it.
    pub(super) fn allows(&self, folder: &Path) -> bool {
        let real = files::resolve_folder(folder);
        self.within.iter().any(|within| real.starts_with(within))
    }
}

impl fmt::Debug for ServedWorkspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedWorkspace")
            .field("folder", &self.folder)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl ServedWorkspace {
    pub(super) fn open(
        folder: &Path,
        roots: Vec<PathBuf>,
        (url, region_name): (String, String),
        secrets: BTreeMap<String, String>,
        (clock, quirks, guard): (SandboxClock, Quirks, Confinement),
    ) -> Result<ServedWorkspace, String> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        let catalog = Catalog::read(&folder).map_err(|error| error.to_string())?;
        let user = catalog.principal.unwrap_or_else(|| NOBODY.to_owned());
        let writer = Writer { user, clock: clock.clone() };
        Ok(ServedWorkspace {
            lakehouse: LakehouseWorkspace::open(folder.clone(), writer),
            ids: Ids::of(&folder, &guard.secret),
            guard,
            catalog: NewestReading::of(folder.join(CATALOG_FILE)),
            folder,
            quirks,
            roots,
            url,
            region_name,
            secrets,
            clock,
            edits: tokio::sync::Mutex::default(),
            oauth: Mutex::default(),
            warehouse: Mutex::new("RUNNING"),
        })
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }

    /// The catalog as it is now.
    ///
    /// # Errors
    /// What is wrong with its file.
    pub(super) fn listing(&self) -> Result<Arc<CatalogListing>, String> {
        self.catalog.get(|| CatalogListing::read(&self.folder).map(Arc::new))
    }

    /// The catalog as it is now; one that cannot be read is empty.
    pub(super) fn catalog(&self) -> Arc<CatalogListing> {
        self.listing().unwrap_or_default()
    }

    pub(super) fn raw_jobs(&self) -> Vec<Value> {
        match raw(&self.folder, JOBS_FILE).get_mut("jobs").map(Value::take) {
            Some(Value::Array(jobs)) => jobs,
            _ => Vec::new(),
        }
    }

    pub(super) fn principal(&self) -> String {
        self.catalog().index.principal.clone().unwrap_or_else(|| NOBODY.to_owned())
    }

    pub(super) fn default_catalog(&self) -> String {
        self.catalog().index.default_catalog.clone().unwrap_or_else(|| "main".to_owned())
    }

    /// An absolute path of what the catalog says of a place.
    pub(super) fn folder_of_url(&self, text: &str) -> Option<PathBuf> {
        local(&self.folder, text)
    }

    /// What stands for containers.
    pub(super) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// The container that a folder lies in.
    pub(super) fn root_of(&self, folder: &Path) -> Option<PathBuf> {
        self.roots
            .iter()
            .filter(|root| folder.starts_with(root))
            .max_by_key(|root| root.as_os_str().len())
            .cloned()
    }

    /// Whether a managed table lies in a folder.
    pub(super) fn is_managed(&self, folder: &Path) -> bool {
        self.catalog().managed.contains(folder)
    }

    pub(super) fn is_registered(&self, name: &TableName) -> bool {
        self.catalog().index.position_of(name).is_some()
    }

    /// A table's entry in the catalog.
    pub(super) fn entry(&self, name: &TableName) -> Option<Value> {
        let catalog = self.catalog();
        let place = catalog.index.position_of(name)?;
        catalog.raw.get("tables")?.get(place).cloned()
    }

    /// An entry of a list of the catalog by its name, compared without case.
    pub(super) fn listed(&self, list: &str, key: &str, name: &str) -> Option<Value> {
        let catalog = self.catalog();
        let entries = catalog.raw.get(list)?.as_array()?;
        entries.iter().find(|entry| is_named(entry, key, name)).cloned()
    }

    /// Every table's name, sorted.
    pub(super) fn names(&self) -> Vec<TableName> {
        let mut names: Vec<TableName> = self.catalog().index.names().cloned().collect();
        names.sort();
        names
    }

    pub(super) fn catalogs(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.schemas().into_iter().map(|(catalog, _)| catalog).collect();
        names.dedup();
        names
    }

    /// Catalogs and schemas, sorted: those of tables, those that were made, and the default one.
    pub(super) fn schemas(&self) -> Vec<(String, String)> {
        let catalog = self.catalog();
        let made = catalog.raw.get("schemas").and_then(Value::as_array).into_iter().flatten();
        let made = made.filter_map(Value::as_str).filter_map(|name| name.split_once('.'));
        let of_tables = catalog.index.names().map(|name| (&*name.catalog, &*name.schema));
        let own = self.default_catalog();
        let mut all: BTreeSet<(&str, &str)> = of_tables.chain(made).collect();
        all.insert((&own, "default"));
        all.into_iter().map(|(catalog, schema)| (catalog.to_owned(), schema.to_owned())).collect()
    }

    pub(super) async fn edit_catalog(&self, edit: impl FnOnce(&mut Value)) -> std::io::Result<()> {
        let _one = self.edits.lock().await;
        write::WorkspaceFolder::at(&self.folder).edit_catalog(edit)
    }

    pub(super) async fn edit_jobs(&self, edit: impl FnOnce(&mut Value)) -> std::io::Result<()> {
        let _one = self.edits.lock().await;
        let file = files::resolve_folder(&self.folder).join(JOBS_FILE);
        match files::create_new(&file, files::PLAIN) {
            Ok(mut made) => made.write_all(b"{\"jobs\": []}\n")?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        write::WorkspaceFolder::at(&self.folder).edit_jobs(edit)
    }

    /// Gives or takes privileges; false if there is no such entry.
    pub(super) async fn change_grants(
        &self,
        list: &str,
        key: &str,
        name: &str,
        principal: &str,
        privileges: &[String],
        give: bool,
    ) -> std::io::Result<bool> {
        let mut found = false;
        self.edit_catalog(|catalog| {
            let entries = catalog.get_mut(list).and_then(Value::as_array_mut);
            for entry in entries.into_iter().flatten().filter(|entry| is_named(entry, key, name)) {
                found = true;
                if entry.get("grants").is_none_or(Value::is_null) {
                    entry["grants"] = json!({"account users": ["ALL_PRIVILEGES"]});
                }
                let mut held: Vec<String> = entry["grants"][principal]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect();
                let same = |one: &str, two: &str| {
                    one.replace('_', " ").eq_ignore_ascii_case(&two.replace('_', " "))
                };
                held.retain(|held| !privileges.iter().any(|it| same(it, held)));
                if give {
                    held.extend(privileges.iter().cloned());
                }
                entry["grants"][principal] = json!(held);
            }
        })
        .await?;
        Ok(found)
    }

    /// Whether a token is one of this workspace: its own, a secret's value, or one given for client credentials.
    pub(super) fn knows(&self, token: &str) -> bool {
        if token == self.ids.token {
            return true;
        }
        let given = self.oauth.lock().unwrap_or_else(PoisonError::into_inner);
        if given.get(token).is_some_and(|end| *end > self.now()) {
            return true;
        }
        let catalog = self.catalog();
        let secrets = catalog.index.secrets.values();
        secrets.flat_map(BTreeMap::values).any(|secret| secret.reveal() == token)
    }
}

/// A file of a lakehouse as JSON, as it is now.
fn raw(folder: &Path, file: &str) -> Value {
    files::read_named(&folder.join(file), &CONFIGURATION)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or(Value::Null)
}

/// An absolute path of what a catalog says of a place, if it is one of this machine.
fn local(folder: &Path, text: &str) -> Option<PathBuf> {
    let location = LocationAddress::parse(text, folder).ok()?;
    location.is_local().map(Path::to_path_buf)
}

fn is_named(entry: &Value, key: &str, name: &str) -> bool {
    entry.get(key).and_then(Value::as_str).is_some_and(|it| it.eq_ignore_ascii_case(name))
}
