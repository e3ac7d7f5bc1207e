//! What of a workspace is gone with its primary, as far as it was looked at.

use std::path::Path;

use super::needed::Needed;
use super::observed::WorkspaceObserved;
use super::request::{ConfiguredIn, Request};
use crate::config::{Location, WorkspaceAddress};

/// What of a workspace is gone with its primary.
pub(super) fn with_primary(
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
