//! What of a workspace is gone with its primary, as far as it was looked at. Pure.

use std::path::Path;

use super::needed::GoneWithPrimary;
use super::observed::WorkspaceObserved;
use super::request::{ConfiguredIn, Request};
use crate::config::{LocationAddress, WorkspaceAddress};

/// What of a workspace is gone with its primary.
pub(super) fn with_primary(
    workspace: &WorkspaceObserved,
    request: &Request,
    source: &str,
) -> Vec<GoneWithPrimary> {
    let mut all = Vec::new();
    if runs_in_primary(workspace, request) {
        all.push(GoneWithPrimary::Runner);
    }
    if is_configured_in_primary(workspace, &request.configured_in) {
        all.push(GoneWithPrimary::Configuration { source: source.to_owned() });
    }
    if let Some(file) = request.signing_key.as_ref()
        && (runs_in_primary(workspace, request) || lies_in_primary(workspace, file))
    {
        all.push(GoneWithPrimary::SigningKey { file: file.display().to_string() });
    }
    let alone = workspace.secrets.iter().flatten().filter(|seen| seen.primary && !seen.secondary);
    let mut names: Vec<String> = alone.map(|seen| seen.name.clone()).collect();
    names.sort();
    names.dedup();
    if !names.is_empty() {
        all.push(GoneWithPrimary::Secrets { names });
    }
    all
}

fn runs_in_primary(workspace: &WorkspaceObserved, request: &Request) -> bool {
    match (&workspace.workspace.address, &request.runs_in) {
        (WorkspaceAddress::Databricks(primary), Some(here)) => primary.origin() == here.origin(),
        (WorkspaceAddress::Databricks(_), None) | (WorkspaceAddress::Lakehouse(_), _) => false,
    }
}

/// Whether something on this machine lies in the folder that is the primary, or in that of its sync location.
fn lies_in_primary(workspace: &WorkspaceObserved, path: &Path) -> bool {
    let of_workspace = match &workspace.workspace.address {
        WorkspaceAddress::Lakehouse(primary) => path.starts_with(primary),
        WorkspaceAddress::Databricks(_) => false,
    };
    // What holds the location is not gone with it, so that nesting either way is not what is asked.
    let location = LocationAddress::literal_path(workspace.workspace.location_primary.as_str());
    of_workspace || location.is_some_and(|location| path.starts_with(location))
}

fn is_configured_in_primary(workspace: &WorkspaceObserved, place: &ConfiguredIn) -> bool {
    match (&workspace.workspace.address, place) {
        (WorkspaceAddress::Databricks(primary), ConfiguredIn::Workspace(read)) => {
            primary.origin() == read.origin()
        }
        (_, ConfiguredIn::Folder(read)) => lies_in_primary(workspace, read),
        (WorkspaceAddress::Lakehouse(_), ConfiguredIn::Workspace(_))
        | (_, ConfiguredIn::Elsewhere) => false,
    }
}
