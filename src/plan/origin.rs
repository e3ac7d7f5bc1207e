//! Whether a stored plan is one of a configuration: its hosts, locations and names of secrets are the configuration's own.
//! Pure.

use super::document::{Plan, WorkspacePlan};
use crate::config::{
    Configuration, Connection, LocationAddress, WorkspaceAddress, WorkspaceConfig,
};

/// Something that a plan states of a workspace and its configuration does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The workspace, as the plan names it.
    pub workspace: String,
    /// The key of the configuration; `None`: it has no such workspace.
    pub key: Option<&'static str>,
    /// As the plan states it.
    pub stated: Option<String>,
    /// As the configuration has it.
    pub expected: Option<String>,
}

/// The first thing of a plan that is not the configuration's; `None`: hosts, locations and names of secrets are its own.
pub fn foreign_to(plan: &Plan, configuration: &Configuration) -> Option<Foreign> {
    plan.workspaces.iter().find_map(|planned| {
        let mut own = configuration.workspaces.iter();
        match own.find(|workspace| workspace.name == planned.name) {
            Some(workspace) => differing(planned, workspace),
            None => Some(Foreign {
                workspace: planned.name.clone(),
                key: None,
                stated: planned.observed.primary.workspace.clone(),
                expected: None,
            }),
        }
    })
}

/// Whether an apply of the plan signs in anywhere.
pub fn signs_in(plan: &Plan) -> bool {
    let service = |address: &Option<String>| {
        let read = |text: &String| WorkspaceAddress::parse(text, "/".as_ref()).ok();
        matches!(address.as_ref().and_then(read), Some(WorkspaceAddress::Databricks(_)))
    };
    plan.workspaces.iter().any(|workspace| {
        service(&workspace.observed.primary.workspace)
            || service(&workspace.observed.secondary.workspace)
            || service(&workspace.connection.secondary_workspace)
    })
}

fn differing(planned: &WorkspacePlan, own: &WorkspaceConfig) -> Option<Foreign> {
    let Connection {
        secret_scope,
        pat_key,
        profile,
        warehouse_id,
        secondary_name,
        secondary_workspace,
        secondary_pat_key,
        secondary_profile,
        secondary_warehouse_id,
    } = &planned.connection;
    let expected = own.connection.clone();
    let seen = &planned.observed;
    let text = |text: &str| Some(text.to_owned());
    // However it is spelled: a path and its URL are one place.
    let location = |stated: &str, own: &LocationAddress| {
        let same = LocationAddress::is_one_place(stated, own.as_str());
        text(if same { stated } else { own.as_str() })
    };
    let compared = [
        ("workspace_instance_url", seen.primary.workspace.clone(), text(&own.address.to_string())),
        (
            "secondary_workspace_instance_url",
            secondary_workspace.clone(),
            expected.secondary_workspace.clone(),
        ),
        (
            "secondary_workspace_instance_url",
            seen.secondary.workspace.clone(),
            expected.secondary_workspace,
        ),
        (
            "sync_location_primary",
            text(&seen.primary.location),
            location(&seen.primary.location, &own.location_primary),
        ),
        (
            "sync_location_secondary",
            text(&seen.secondary.location),
            location(&seen.secondary.location, &own.location_secondary),
        ),
        ("secret_scope", secret_scope.clone(), expected.secret_scope),
        ("workspace_pat_key", pat_key.clone(), expected.pat_key),
        ("workspace_profile", profile.clone(), expected.profile),
        ("warehouse_id", warehouse_id.clone(), expected.warehouse_id),
        ("secondary_workspace_name", secondary_name.clone(), expected.secondary_name),
        ("secondary_workspace_pat_key", secondary_pat_key.clone(), expected.secondary_pat_key),
        ("secondary_workspace_profile", secondary_profile.clone(), expected.secondary_profile),
        ("secondary_warehouse_id", secondary_warehouse_id.clone(), expected.secondary_warehouse_id),
    ];
    let mut compared = compared.into_iter();
    let (key, stated, expected) = compared.find(|(_, stated, expected)| stated != expected)?;
    Some(Foreign { workspace: planned.name.clone(), key: Some(key), stated, expected })
}
