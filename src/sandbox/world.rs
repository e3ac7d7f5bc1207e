//! A world on disk: two lakehouses that stand for the workspaces of two regions. It reads a folder, and writes nothing.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::SandboxError;
use crate::command::{Command, Verb};
use crate::config::{WorkspaceAddress, read_text, token_variable};
use crate::lakehouse::{CATALOG_FILE, Catalog, write};
use crate::{files, limits};

/// Name of a world's configuration.
const CONFIGURATION: &str = "drsync.json";

/// Two lakehouses, their sync locations, and the configuration that goes with them.
#[derive(Debug, Clone)]
pub struct World {
    /// Folder of the primary workspace.
    pub primary: PathBuf,
    /// Folder of the secondary workspace.
    pub secondary: PathBuf,
    /// The primary's sync location.
    pub location_primary: PathBuf,
    /// The secondary's sync location.
    pub location_secondary: PathBuf,
    /// The configuration as it was found, in the brief's shape.
    configuration: Option<Value>,
    principal: Option<String>,
}

impl World {
    /// Two lakehouses in folders of their own, each with its sync location in `sync`.
    pub fn of(primary: impl Into<PathBuf>, secondary: impl Into<PathBuf>) -> World {
        let absolute = |folder: PathBuf| std::path::absolute(&folder).unwrap_or(folder);
        let (primary, secondary) = (absolute(primary.into()), absolute(secondary.into()));
        World {
            location_primary: primary.join("sync"),
            location_secondary: secondary.join("sync"),
            primary,
            secondary,
            configuration: None,
            principal: None,
        }
    }

    /// Finds the lakehouses of a folder: as its `drsync.json` says, or by their names.
    ///
    /// Without a configuration they are `east` and `west`, `primary` and `secondary`, or the only two folders that look like one.
    ///
    /// # Errors
    /// If there are no two, or the configuration names none of this machine.
    pub fn find(folder: &Path) -> Result<World, SandboxError> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        let file = folder.join(CONFIGURATION);
        match files::read_named(&file, &limits::CONFIGURATION) {
            Ok(bytes) => World::configured(&folder, &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => World::guessed(&folder),
            Err(error) => Err(SandboxError::World {
                folder,
                why: format!("{CONFIGURATION} cannot be read: {error}").into(),
            }),
        }
    }

    fn configured(folder: &Path, bytes: &[u8]) -> Result<World, SandboxError> {
        let wrong =
            |why: String| SandboxError::World { folder: folder.to_path_buf(), why: why.into() };
        let read = read_text(CONFIGURATION, bytes, folder);
        let Some(workspace) = read.workspaces.into_iter().next() else {
            let mistakes: Vec<String> = read.mistakes.iter().map(ToString::to_string).collect();
            return Err(wrong(format!(
                "its configuration cannot be used: {}",
                mistakes.join("; ")
            )));
        };
        let local = |location: &crate::config::LocationAddress| {
            location
                .is_local()
                .map(Path::to_path_buf)
                .ok_or_else(|| wrong(format!("{} is no folder of this machine", location.as_str())))
        };
        let location_primary = local(&workspace.location_primary)?;
        let location_secondary = local(&workspace.location_secondary)?;
        let WorkspaceAddress::Lakehouse(primary) = workspace.address else {
            return Err(wrong(format!(
                "its workspace {} is no lakehouse: give its folder as workspace_instance_url",
                workspace.name
            )));
        };
        let secondary = match workspace.secondary {
            Some(WorkspaceAddress::Lakehouse(folder)) => folder,
            Some(WorkspaceAddress::Databricks(_)) | None => match location_secondary.parent() {
                // A sync location in a folder of its own has its workspace beside it.
                Some(above) if location_secondary.ends_with("sync") => above.to_path_buf(),
                _ => location_secondary.with_extension("workspace"),
            },
        };
        Ok(World {
            primary,
            secondary,
            location_primary,
            location_secondary,
            configuration: serde_json::from_slice(bytes).ok(),
            principal: None,
        })
    }

    fn guessed(folder: &Path) -> Result<World, SandboxError> {
        let wrong =
            |why: &str| SandboxError::World { folder: folder.to_path_buf(), why: why.into() };
        for (one, two) in [("east", "west"), ("primary", "secondary")] {
            if folder.join(one).join(CATALOG_FILE).is_file() && folder.join(two).is_dir() {
                return Ok(World::of(folder.join(one), folder.join(two)));
            }
        }
        let entries = std::fs::read_dir(folder).map_err(|error| wrong(&error.to_string()))?;
        let found = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let found =
            found.filter(|path| path.join(CATALOG_FILE).is_file() || path.join("sync").is_dir());
        let found: BTreeSet<PathBuf> = found.collect();
        let found: Vec<PathBuf> = found.into_iter().collect();
        match found.as_slice() {
            [one, two] if one.join(CATALOG_FILE).is_file() => Ok(World::of(one, two)),
            [one, two] if two.join(CATALOG_FILE).is_file() => Ok(World::of(two, one)),
            _ => Err(wrong(&format!(
                "it has no drsync.json, and no two folders with a lakehouse.json or a sync folder. Make a world with `{}`",
                Command::new(Verb::Demo).word("--dir").word("DIR")
            ))),
        }
    }

    /// Gives the secondary a workspace without tables, where it has none.
    pub(super) fn complete(&mut self, writable: bool) -> Result<(), SandboxError> {
        let wrong =
            |why: String| SandboxError::World { folder: self.primary.clone(), why: why.into() };
        let catalog = Catalog::read(&self.primary).map_err(|error| wrong(error.to_string()))?;
        self.principal = catalog.principal;
        if self.secondary.join(CATALOG_FILE).is_file() {
            return Ok(());
        }
        if !writable {
            return Err(wrong(format!(
                "its secondary {} has no {CATALOG_FILE}, and nothing is written into a folder that neither `{}` nor `{}` made; --writable allows it",
                self.secondary.display(),
                Command::new(Verb::Demo),
                Command::new(Verb::Init)
            )));
        }
        let name = name_of(&self.secondary, "secondary");
        let principal = self.principal.as_deref().unwrap_or("sandbox@example.com");
        let made = write::WorkspaceFolder::create(&self.secondary, &name, principal);
        made.map(drop).map_err(|error| SandboxError::World {
            folder: self.secondary.clone(),
            why: error.to_string().into(),
        })
    }

    /// A configuration for this world as it is served, and the variables that hold its tokens.
    pub(super) fn configuration(
        &self,
        primary: (&str, &str),
        secondary: (&str, &str),
    ) -> (Value, [String; 2]) {
        let mut configuration = self.configuration.clone().unwrap_or_else(|| self.invented());
        let workspace = &mut configuration["workspaces"][0];
        let own = workspace["workspace_name"].as_str().unwrap_or("primary").to_owned();
        let theirs = match workspace["secondary_workspace_name"].as_str() {
            Some(name) => name.to_owned(),
            None => name_of(&self.secondary, "secondary"),
        };
        for (key, value) in [
            ("workspace_instance_url", primary.0),
            ("warehouse_id", primary.1),
            ("secondary_workspace_name", theirs.as_str()),
            ("secondary_workspace_instance_url", secondary.0),
            ("secondary_warehouse_id", secondary.1),
            ("workspace_pat_key", ""),
        ] {
            workspace[key] = value.into();
        }
        for (key, location) in [
            ("sync_location_primary", &self.location_primary),
            ("sync_location_secondary", &self.location_secondary),
        ] {
            workspace[key] = location.display().to_string().into();
        }
        let variables = [token_variable(&own), token_variable(&theirs)];
        (configuration, variables)
    }

    /// A configuration with one group of every table that can be cloned.
    fn invented(&self) -> Value {
        let catalog = Catalog::read(&self.primary).unwrap_or_default();
        let tables = catalog.tables.iter().filter(|table| table.unsupported().is_none());
        let tables: Vec<&str> = tables.map(|table| table.full_name.as_str()).collect();
        let name = name_of(&self.primary, "primary");
        let group =
            InventedGroup { group_name: "all_tables", group_owner_email: INVENTED_ADDRESS, tables };
        let workspace = InventedWorkspace {
            workspace_name: &name,
            workspace_instance_url: "",
            workspace_pat_key: "",
            sync_location_primary: "",
            sync_location_secondary: "",
            sync_failure_notification: INVENTED_ADDRESS,
            sync_success_notification: INVENTED_ADDRESS,
            sync_default_schedule: "0 */12 * * *",
            sync_max_retries: "3",
            sync_groups: [group],
        };
        let invented = Invented { secret_scope: "", workspaces: [workspace] };
        serde_json::to_value(invented).expect("texts and lists are JSON")
    }

    /// The regions that the metastores are in, after the folders; two that differ.
    pub(super) fn region_names(&self) -> [String; 2] {
        let (one, two) = (name_of(&self.primary, "primary"), name_of(&self.secondary, "secondary"));
        if one.eq_ignore_ascii_case(&two) {
            ["local-primary".to_owned(), "local-secondary".to_owned()]
        } else {
            [format!("local-{one}"), format!("local-{two}")]
        }
    }

    /// Folders that stand for containers.
    pub(super) fn roots(&self) -> Vec<PathBuf> {
        vec![self.location_primary.clone(), self.location_secondary.clone()]
    }
}

/// Whom an invented configuration tells of rounds.
const INVENTED_ADDRESS: &str = "ops@example.com";

/// A configuration for a world that has none; what is empty is filled in once the world is served.
#[derive(Serialize)]
struct Invented<'a> {
    secret_scope: &'a str,
    workspaces: [InventedWorkspace<'a>; 1],
}

#[derive(Serialize)]
struct InventedWorkspace<'a> {
    workspace_name: &'a str,
    workspace_instance_url: &'a str,
    workspace_pat_key: &'a str,
    sync_location_primary: &'a str,
    sync_location_secondary: &'a str,
    sync_failure_notification: &'a str,
    sync_success_notification: &'a str,
    sync_default_schedule: &'a str,
    sync_max_retries: &'a str,
    sync_groups: [InventedGroup<'a>; 1],
}

#[derive(Serialize)]
struct InventedGroup<'a> {
    group_name: &'a str,
    group_owner_email: &'a str,
    tables: Vec<&'a str>,
}

/// The name of a folder.
fn name_of(folder: &Path, other: &str) -> String {
    folder.file_name().map_or(other.into(), |name| name.to_string_lossy().into_owned())
}
