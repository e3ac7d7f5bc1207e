//! `drsync status`: how far behind each group is, with either region away.

use clap::Args;

use super::flags::Context;
use super::look::{self, Asking};
use super::{ExitStatus, Failure, output, selection};
use crate::config::TableName;
use crate::plan::status::{self, Status as Document};
use crate::render;
use crate::render::status::Parts;

/// Show the last cut of every group, how far behind it is, and what stands in the way
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Only the groups of this table, with their tables: a full name, or the end of one
    table: Option<String>,
    /// Name the tables that are not synchronized
    #[arg(long)]
    unprotected: bool,
}

impl Status {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let looked = look::block_on(look::look(context, &Asking::full()))?;
        let mut status = status::status(&looked.observed, &looked.plan);
        select(&mut status, context);
        if let Some(table) = &self.table {
            narrow(&mut status, table)?;
        }
        if context.json {
            output::json(&status)?;
        } else if let Some(budget) = context.markdown {
            output::data(&render::markdown::status(&status, budget))?;
        } else {
            let parts = Parts {
                tables: self.table.is_some(),
                unprotected: self.unprotected,
                reasons: &looked.plan.unprotected,
            };
            output::data(&render::status::text(&status, parts, &context.style))?;
        }
        Ok(match look::no_primary(&looked.plan) {
            true => ExitStatus::PrimaryAway,
            false => ExitStatus::Ok,
        })
    }
}

/// Leaves the groups that were asked for.
fn select(status: &mut Document, context: &Context) {
    let request = crate::plan::Request {
        selection: context.selection.clone(),
        ..Default::default()
    };
    for workspace in &mut status.workspaces {
        workspace
            .groups
            .retain(|group| request.selects(&group.name));
    }
}

/// Leaves the groups that have a table, with that table only.
fn narrow(status: &mut Document, asked: &str) -> Result<(), Failure> {
    let groups = status
        .workspaces
        .iter()
        .flat_map(|workspace| &workspace.groups);
    let all: Vec<String> = groups
        .flat_map(|group| group.tables.iter().map(|table| table.table.to_string()))
        .collect();
    for workspace in &mut status.workspaces {
        for group in &mut workspace.groups {
            group.tables.retain(|table| is(&table.table, asked));
        }
        workspace.groups.retain(|group| !group.tables.is_empty());
    }
    if status
        .workspaces
        .iter()
        .any(|workspace| !workspace.groups.is_empty())
    {
        return Ok(());
    }
    let hint = selection::nearest(asked, all.iter().map(String::as_str))
        .map_or(String::new(), |near| format!("; nearest: {near}"));
    let message = format!("{asked} is no table of any group{hint}");
    Err(Failure::new(ExitStatus::Usage, render::clean(&message)))
}

/// Whether a name is this table's, or the end of it.
fn is(table: &TableName, asked: &str) -> bool {
    let (whole, asked) = (table.to_string().to_lowercase(), asked.to_lowercase());
    whole == asked || whole.ends_with(&format!(".{asked}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_in_full_or_by_its_end() {
        let table = TableName::new("main", "Core", "core_gold");
        for asked in ["main.core.core_gold", "CORE.core_gold", "core_gold"] {
            assert!(is(&table, asked), "{asked}");
        }
        assert!(!is(&table, "gold"));
    }
}
