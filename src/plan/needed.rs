//! What is needed on the bad day and lies in the region that is protected.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::observed::WorkspaceObserved;
use super::request::{ConfiguredIn, Request};
use crate::config::{Location, WorkspaceAddress};

/// Something that is gone with the primary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Needed {
    /// drsync itself, which runs as a job of its workspace.
    Runner,
    /// The configuration, which is read there.
    Configuration {
        /// From where.
        source: String,
    },
    /// Secrets by which people are told, which its scope alone has.
    Secrets {
        /// Their names.
        names: Vec<String>,
    },
}

/// A secret by which people are told, looked up in the scope of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSeen {
    /// Its name.
    pub name: String,
    /// The primary has it.
    pub primary: bool,
    /// The secondary has it.
    pub secondary: bool,
}

/// What of a workspace is gone with its primary.
pub(super) fn of_primary(
    workspace: &WorkspaceObserved,
    request: &Request,
    source: &str,
) -> Vec<Needed> {
    let mut all = Vec::new();
    if runs_in_primary(workspace, request) {
        all.push(Needed::Runner);
    }
    if is_configured_in_primary(workspace, &request.configured_in) {
        all.push(Needed::Configuration { source: source.to_owned() });
    }
    let alone = workspace.secrets.iter().filter(|seen| seen.primary && !seen.secondary);
    let mut names: Vec<String> = alone.map(|seen| seen.name.clone()).collect();
    names.sort();
    names.dedup();
    if !names.is_empty() {
        all.push(Needed::Secrets { names });
    }
    all
}

fn runs_in_primary(workspace: &WorkspaceObserved, request: &Request) -> bool {
    match (&workspace.workspace.address, &request.runs_in) {
        (WorkspaceAddress::Databricks(primary), Some(here)) => primary.origin() == here.origin(),
        (WorkspaceAddress::Databricks(_), None) | (WorkspaceAddress::Lakehouse(_), _) => false,
    }
}

fn is_configured_in_primary(workspace: &WorkspaceObserved, place: &ConfiguredIn) -> bool {
    let within = |folder: &Path, of: &str| {
        Location::literal_path(of).is_some_and(|of| folder.starts_with(of))
    };
    match (&workspace.workspace.address, place) {
        (WorkspaceAddress::Databricks(primary), ConfiguredIn::Workspace(read)) => {
            primary.origin() == read.origin()
        }
        (WorkspaceAddress::Lakehouse(primary), ConfiguredIn::Folder(read)) => {
            read.starts_with(primary) || within(read, workspace.workspace.location_primary.as_str())
        }
        (WorkspaceAddress::Databricks(_), ConfiguredIn::Folder(read)) => {
            within(read, workspace.workspace.location_primary.as_str())
        }
        (WorkspaceAddress::Lakehouse(_), ConfiguredIn::Workspace(_))
        | (_, ConfiguredIn::Elsewhere) => false,
    }
}

impl Needed {
    /// What it is, and what is to be done, a sentence's part.
    pub(super) fn told(&self) -> String {
        match self {
            Needed::Runner => "drsync itself runs in the workspace that it protects, and is gone with it: run it elsewhere, or keep a paused job of it in the secondary's workspace and a heartbeat outside of both".to_owned(),
            Needed::Configuration { source } => format!(
                "the configuration is read from {source}, which is gone with the primary: keep it elsewhere as well; every apply keeps a copy beside the replicas (drsync init --from)"
            ),
            Needed::Secrets { names } => format!(
                "{} by which people are told in the primary's scope alone: whoever is told over them hears nothing once it is gone; put the same into the scope of that name in the secondary's workspace, or into the runner's variables",
                match names.as_slice() {
                    [one] => format!("the secret {one} is"),
                    several => format!("the secrets {} are", several.join(", ")),
                }
            ),
        }
    }
}
