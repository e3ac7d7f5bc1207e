//! What of before a configuration is compared with: whose settings they are, wherever they stand, and what its groups had.
//! Pure.

use std::collections::BTreeMap;

use super::settings::ProtectionSettings;
use crate::config::{GroupEntry, TableRef, WorkspaceConfig};

/// By what the settings of a workspace are found among those of several: by its name, or under another one by a place that is its own,
/// so that a new label hides nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whose<'a> {
    /// Its label.
    pub name: &'a str,
    /// Where its replicas lie.
    pub replicas: Option<&'a str>,
    /// Its other sync location.
    pub primary: Option<&'a str>,
    /// Its address.
    pub address: Option<&'a str>,
}

/// The places of a workspace as texts, by which its settings are found.
#[derive(Debug, Clone)]
pub struct OwnPlaces {
    replicas: String,
    primary: String,
    address: String,
}

impl OwnPlaces {
    /// Those of a workspace.
    pub fn of(workspace: &WorkspaceConfig) -> OwnPlaces {
        OwnPlaces {
            replicas: workspace.location_secondary.to_string(),
            primary: workspace.location_primary.to_string(),
            address: workspace.address.to_string(),
        }
    }

    /// Whose they are.
    pub fn whose<'a>(&'a self, name: &'a str) -> Whose<'a> {
        let OwnPlaces { replicas, primary, address } = self;
        let [replicas, primary, address] =
            [replicas, primary, address].map(|place| Some(place.as_str()));
        Whose { name, replicas, primary, address }
    }
}

impl ProtectionSettings {
    /// Those of a workspace among all that a record or another configuration tells, with the name that it has there.
    pub fn among<'a>(
        all: &'a BTreeMap<String, ProtectionSettings>,
        whose: &Whose<'_>,
    ) -> Option<(&'a str, &'a ProtectionSettings)> {
        let Whose { name, replicas, primary, address } = *whose;
        let written =
            |of: &'a ProtectionSettings, key: &str| of.workspace.configured.get(key)?.as_deref();
        let all = || all.iter().map(|(name, settings)| (name.as_str(), settings));
        // Two workspaces may stand in one place of these, and then it tells neither from the other.
        let only = |wanted: Option<&str>,
                    place: &dyn Fn(&'a ProtectionSettings) -> Option<&'a str>| {
            let mut there = all().filter(|(_, of)| wanted.is_some() && place(of) == wanted);
            there.next().filter(|_| there.next().is_none())
        };
        all()
            .find(|(of, _)| *of == name)
            .or_else(|| only(replicas, &|of| of.workspace.replicas.as_deref()))
            .or_else(|| only(primary, &|of| written(of, "sync_location_primary")))
            .or_else(|| only(address, &|of| written(of, "workspace_instance_url")))
    }
}

/// The tables of the groups of another configuration, as it writes them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TablesBefore {
    /// Its `default_catalog`.
    pub catalog: Option<String>,
    /// Its `default_schema`.
    pub schema: Option<String>,
    /// By group.
    pub groups: BTreeMap<String, Vec<TableRef>>,
}

impl TablesBefore {
    /// Those of a workspace of a configuration.
    pub fn of(workspace: &WorkspaceConfig) -> TablesBefore {
        let groups = workspace.groups.iter().filter_map(GroupEntry::valid);
        TablesBefore {
            catalog: workspace.default_catalog.clone(),
            schema: workspace.default_schema.clone(),
            groups: groups.map(|group| (group.name.clone(), group.tables.clone())).collect(),
        }
    }
}
