//! `--accept CODE:SCOPE`: which risk is meant, by the names of groups and tables as the configuration resolves them.

use super::{ExitStatus, Failure, selection};
use crate::config::{Configuration, Group, GroupEntry, TableName, TableRef, WorkspaceConfig};
use crate::ledger::AcceptedRisk;
use crate::plan::{CRASH_CONSISTENT, FindingCode, WorkspaceObserved};
use crate::render::clean;

/// A risk that somebody accepts, and what of the configuration it is about.
#[derive(Debug, Clone)]
pub(super) struct RiskToAccept {
    code: String,
    reason: String,
    /// The scope begins with its workspace.
    qualified: bool,
    workspace: String,
    scope: Scope,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    /// A group, as the configuration spells it.
    Group(String),
    /// A table, as it was written.
    Table(String),
}

impl RiskToAccept {
    /// Reads `CODE:SCOPE`.
    ///
    /// # Errors
    /// A mistake in the command line: a code that cannot be accepted, a scope that fits nothing, with what is nearest, or several.
    pub(super) fn read(
        text: &str,
        reason: &str,
        configuration: &Configuration,
    ) -> Result<RiskToAccept, Failure> {
        let (code, scope) = text.split_once(':').unwrap_or((text, ""));
        if scope.is_empty() {
            let message =
                format!("--accept {text}: write CODE:SCOPE, a finding and a group or table");
            return Err(Failure::new(ExitStatus::Usage, clean(&message)));
        }
        acceptable(code)?;
        let mut found: Vec<(&WorkspaceConfig, Scope, bool)> = Vec::new();
        for workspace in &configuration.workspaces {
            let within =
                scope.strip_prefix(&workspace.name).and_then(|rest| rest.strip_prefix('/'));
            let whole = scope_of(workspace, scope).map(|it| (workspace, it, false));
            let of_it = within.and_then(|rest| scope_of(workspace, rest));
            found.extend(whole.or(of_it.map(|it| (workspace, it, true))));
        }
        match found.as_slice() {
            [] => Err(fits_nothing(text, scope, configuration)),
            [(workspace, meant, qualified)] => Ok(RiskToAccept {
                code: code.to_owned(),
                reason: reason.to_owned(),
                qualified: *qualified,
                workspace: workspace.name.clone(),
                scope: meant.clone(),
            }),
            // A risk is accepted in one workspace: where several have a group or table of that name, it has to say which.
            several => {
                let forms = several.iter().map(|(it, ..)| format!("{code}:{}/{scope}", it.name));
                let message = format!(
                    "--accept {text}: {} workspaces have it; write {}",
                    several.len(),
                    forms.collect::<Vec<_>>().join(" or ")
                );
                Err(Failure::new(ExitStatus::Usage, clean(&message)))
            }
        }
    }

    /// The risk, with a table as the catalog spells it, where the catalog was seen.
    pub(super) fn risk(
        &self,
        configuration: &Configuration,
        observed: &[WorkspaceObserved],
    ) -> AcceptedRisk {
        let RiskToAccept { code, reason, qualified, workspace, scope } = self;
        let name = match scope {
            Scope::Group(name) => name.clone(),
            Scope::Table(written) => spelled(written, workspace, configuration, observed),
        };
        let scope = if *qualified { format!("{workspace}/{name}") } else { name };
        AcceptedRisk { code: code.clone(), scope, reason: reason.clone() }
    }

    /// What is to be looked at for it, before names are known as the catalog spells them: all of a group that may have the table.
    pub(super) fn to_look_at(&self, configuration: &Configuration) -> Vec<AcceptedRisk> {
        let Scope::Table(written) = &self.scope else {
            return vec![self.risk(configuration, &[])];
        };
        let Ok(asked) = TableRef::parse(written) else {
            return Vec::new();
        };
        let of = configuration.workspaces.iter().filter(|it| it.name == self.workspace);
        let having = of.flat_map(|workspace| {
            let has =
                |group: &&Group| group.tables.iter().any(|table| may_be(workspace, table, &asked));
            valid_groups(workspace).filter(has)
        });
        let group = |group: &Group| RiskToAccept {
            scope: Scope::Group(group.name.clone()),
            ..self.clone()
        };
        having.map(|it| group(it).risk(configuration, &[])).collect()
    }
}

/// What a name means in a workspace: a group, in any case where nothing else is called so; else a table.
fn scope_of(workspace: &WorkspaceConfig, text: &str) -> Option<Scope> {
    let names = || workspace.groups.iter().filter_map(GroupEntry::name);
    let exact = names().find(|name| *name == text);
    let mut alike = names().filter(|name| name.to_lowercase() == text.to_lowercase());
    if let Some(name) = exact.or_else(|| alike.next().filter(|_| alike.next().is_none())) {
        return Some(Scope::Group(name.to_owned()));
    }
    let asked = TableRef::parse(text).ok()?;
    let known = tables(workspace).any(|table| may_be(workspace, table, &asked));
    known.then(|| Scope::Table(text.to_owned()))
}

/// Whether a configured table may be the one that is asked for: a catalog that only the workspace knows is whichever the other names.
fn may_be(workspace: &WorkspaceConfig, table: &TableRef, asked: &TableRef) -> bool {
    let catalog = [table, asked].into_iter().find_map(|it| match it.parts() {
        [catalog, _, _] => Some(catalog.as_str()),
        _ => None,
    });
    let catalog = workspace.default_catalog.as_deref().or(catalog).unwrap_or_default();
    resolved(workspace, table, catalog) == resolved(workspace, asked, catalog)
}

fn valid_groups(workspace: &WorkspaceConfig) -> impl Iterator<Item = &Group> {
    workspace.groups.iter().filter_map(|entry| match entry {
        GroupEntry::Valid(group) => Some(group),
        GroupEntry::Invalid { .. } => None,
    })
}

fn tables(workspace: &WorkspaceConfig) -> impl Iterator<Item = &TableRef> {
    valid_groups(workspace).flat_map(|group| &group.tables)
}

fn resolved(workspace: &WorkspaceConfig, table: &TableRef, catalog: &str) -> TableName {
    table.resolve(catalog, workspace.default_schema.as_deref().unwrap_or("default"))
}

/// A table as the catalog spells it; as it was written where that was not seen.
fn spelled(
    written: &str,
    workspace: &str,
    configuration: &Configuration,
    observed: &[WorkspaceObserved],
) -> String {
    let configured = configuration.workspaces.iter().find(|it| it.name == workspace);
    let (Ok(asked), Some(configured)) = (TableRef::parse(written), configured) else {
        return written.to_owned();
    };
    let mut seen = observed.iter().filter(|it| it.workspace.name == workspace);
    let groups = seen.next().into_iter().flat_map(|seen| &seen.groups);
    let mut names = groups.flat_map(|group| &group.names);
    let default = configured.default_catalog.as_deref();
    let meant =
        names.find(|name| resolved(configured, &asked, default.unwrap_or(&name.catalog)) == **name);
    match (meant, default, asked.parts().len()) {
        (Some(name), _, _) => name.to_string(),
        (None, Some(catalog), _) => resolved(configured, &asked, catalog).to_string(),
        (None, None, 3) => resolved(configured, &asked, "").to_string(),
        (None, None, _) => written.to_owned(),
    }
}

fn fits_nothing(text: &str, scope: &str, configuration: &Configuration) -> Failure {
    let groups = selection::groups(configuration);
    let tables: Vec<String> =
        configuration.workspaces.iter().flat_map(tables).map(ToString::to_string).collect();
    let groups = selection::names(&groups);
    let known = groups.iter().copied().chain(tables.iter().map(String::as_str));
    let hint = match selection::nearest(scope, known) {
        Some(near) => format!("; nearest: {near}"),
        None if groups.is_empty() => String::new(),
        None => format!("; groups: {}", Vec::from_iter(groups).join(", ")),
    };
    let message = format!("--accept {text}: no group or table is called {scope}{hint}");
    Failure::new(ExitStatus::Usage, clean(&message))
}

/// Only what may be let through: everything else has to be repaired.
fn acceptable(code: &str) -> Result<(), Failure> {
    let known: Vec<&str> = FindingCode::ALL
        .into_iter()
        .filter(|code| code.acceptable())
        .map(FindingCode::as_str)
        .chain([CRASH_CONSISTENT])
        .collect();
    if known.contains(&code) {
        return Ok(());
    }
    let finding = FindingCode::ALL.iter().any(|known| known.as_str() == code);
    let message = match (finding, selection::nearest(code, known.iter().copied())) {
        (true, _) => format!("--accept {code}: it cannot be accepted, it has to be repaired"),
        (false, Some(near)) => format!("--accept {code}: no such finding; nearest: {near}"),
        (false, None) => {
            format!("--accept {code}: no such finding; there are: {}", known.join(", "))
        }
    };
    Err(Failure::new(ExitStatus::Usage, clean(&message)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    fn configuration(more: &str) -> Configuration {
        let text = format!(
            r#"{{"secret_scope": "", "workspaces": [{{
                "workspace_name": "east", "workspace_instance_url": "/world/east",
                "workspace_pat_key": "", {more}
                "sync_location_primary": "/world/east/sync",
                "sync_location_secondary": "/world/west/sync",
                "sync_failure_notification": "a@example.com",
                "sync_success_notification": "a@example.com",
                "sync_default_schedule": "0 */12 * * *", "sync_max_retries": 3,
                "sync_groups": [{{
                    "group_name": "Orders", "group_owner_email": "a@example.com",
                    "tables": ["shop.orders", "main.shop.`Odd.One`", "plain"]
                }}]
            }}]}}"#
        );
        let read = config::read_text("drsync.json", text.as_bytes(), Path::new("/"));
        assert_eq!(read.mistakes, []);
        read
    }

    fn scope(more: &str, text: &str) -> Result<String, String> {
        let configuration = configuration(more);
        let accepted = RiskToAccept::read(text, "known", &configuration);
        let accepted = accepted.map_err(|failure| failure.message().to_string())?;
        Ok(accepted.risk(&configuration, &[]).scope)
    }

    #[test]
    fn a_scope_is_resolved_as_the_configuration_resolves_names() {
        const CATALOG: &str = r#""default_catalog": "main","#;
        for (written, means) in [
            ("Orders", "Orders"),
            ("orders", "Orders"),
            ("east/orders", "east/Orders"),
            ("shop.orders", "main.shop.orders"),
            ("Shop.ORDERS", "main.Shop.ORDERS"),
            ("`shop`.`orders`", "main.shop.orders"),
            ("main.shop.orders", "main.shop.orders"),
            ("shop.`odd.one`", "main.shop.`odd.one`"),
            ("plain", "main.default.plain"),
            ("east/default.plain", "east/main.default.plain"),
        ] {
            let found = scope(CATALOG, &format!("source_shrank:{written}"));
            assert_eq!(found.as_deref(), Ok(means), "{written}");
        }
        assert_eq!(scope("", "source_shrank:shop.orders").as_deref(), Ok("shop.orders"));
        assert_eq!(scope("", "source_shrank:x.shop.orders").as_deref(), Ok("x.shop.orders"));
    }

    #[test]
    fn a_scope_that_fits_nothing_is_a_mistake_that_names_the_nearest() {
        let said = scope("", "source_shrank:shop.ordrs").expect_err("fits nothing");
        let near = "no group or table is called shop.ordrs; nearest: shop.orders";
        assert_eq!(said, format!("--accept source_shrank:shop.ordrs: {near}"));
        let said = scope("", "source_shrank:zzzzz").expect_err("fits nothing");
        assert!(said.ends_with("; groups: Orders"), "{said}");
        let other = scope(r#""default_catalog": "main","#, "source_shrank:west.shop.orders");
        assert!(other.is_err(), "a table of another catalog is another table");
    }
}
