//! What a plan is asked for, beside what was seen. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use url::Url;

use super::before::{TablesBefore, Whose};
use super::document::Selection;
use super::protection::{ComparedWith, SettingsBefore};
use super::provenance::Provenance;
use super::settings::ProtectionSettings;
use crate::config::WrittenKeys;
use crate::ledger::AcceptedRisk;
use crate::text::{fits_group, names_group};

/// What the person or pipeline asks of one plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// A fresh ULID.
    pub plan_id: String,
    /// Who asks, and where.
    pub provenance: Provenance,
    /// The address of the workspace that drsync itself runs in, where it runs as a job of one.
    pub runs_in: Option<Url>,
    /// Where the configuration was read.
    pub configured_in: ConfiguredIn,
    /// The file of the key that is to sign the run record, where there is one.
    pub signing_key: Option<PathBuf>,
    /// Variables of this process that hold secrets which would be looked up otherwise.
    pub variables: BTreeSet<String>,
    /// Which groups.
    pub selection: Selection,
    /// Risks accepted for this plan only, `code`, `scope` and `reason`.
    pub accepted: Vec<AcceptedRisk>,
    /// Groups taken as due, each by its name or as `WORKSPACE/NAME`.
    pub take_as_due: Vec<String>,
    /// Histories are looked at for every group, due or not.
    pub full: bool,
    /// The same once a day: where no record tells that all groups were looked at within that.
    pub daily: bool,
    /// The files of every replica are read, too.
    pub content: bool,
    /// Who may use tables is looked at, however lately that was done; where histories are.
    pub rights: bool,
    /// How workspaces are set up is told too: what nobody has to hear of at every plan.
    pub set_up: bool,
    /// Public keys of the runners whose records witness cuts, as minisign writes them; none: every record does.
    pub record_keys: Vec<String>,
    /// Whose signatures the configuration asks for; `None`: that could not be read.
    pub signers: Option<WrittenKeys>,
    /// The settings of another configuration that this one is compared with; `None`: with the newest run record.
    pub base: Option<Base>,
}

/// Another configuration whose settings are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Which.
    pub of: ComparedWith,
    /// Its settings, by workspace.
    pub settings: BTreeMap<String, ProtectionSettings>,
    /// The tables of its groups, by workspace.
    pub tables: BTreeMap<String, TablesBefore>,
}

impl Base {
    /// Those of a workspace, whatever it is called there.
    pub fn of_workspace(&self, whose: &Whose<'_>) -> Option<SettingsBefore> {
        let (name, settings) = ProtectionSettings::among(&self.settings, whose)?;
        let tables = self.tables.get(name).cloned();
        Some(SettingsBefore { of: self.of.clone(), settings: settings.clone(), tables })
    }
}

/// Where a configuration was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ConfiguredIn {
    /// Nobody knows, or at neither side.
    #[default]
    Elsewhere,
    /// In a workspace of Databricks.
    Workspace(Url),
    /// In a folder of this machine.
    Folder(PathBuf),
}

impl Request {
    /// Whether a finding about a group, or about one of its tables, was accepted.
    pub fn accepts(&self, code: &str, workspace: &str, group: &str, table: Option<&str>) -> bool {
        let table = || table.map(str::to_owned).into_iter();
        self.accepted
            .iter()
            .any(|risk| risk.code == code && risk.is_about(workspace, group, table()))
    }

    /// Whether a group of a workspace is part of what was asked for: by its name, or by a pattern that it fits, with its workspace or without.
    pub fn selects(&self, workspace: &str, group: &str) -> bool {
        let Selection { only, exclude, changed: _ } = &self.selection;
        let fits = |pattern: &String| fits_group(pattern, workspace, group);
        (only.is_empty() || only.iter().any(fits)) && !exclude.iter().any(fits)
    }

    /// Whether a group of a workspace is to be taken as due.
    pub fn takes_as_due(&self, workspace: &str, group: &str) -> bool {
        self.take_as_due.iter().any(|word| names_group(word, workspace, group))
    }
}
