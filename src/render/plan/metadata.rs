//! What happens to the metadata tables, and with `-v` to their rows.

use similar::{ChangeTag, TextDiff};

use crate::ledger::{Row, Status};
use crate::moment;
use crate::plan::document::{MetadataAction, RowChange};
use crate::plan::{LedgerAction, Role};
use crate::render::clean::{clean, name};
use crate::render::figures::plural;
use crate::render::layout::{few, indented};
use crate::render::page::Section;
use crate::render::sections;
use crate::render::shown::Shown;

/// A line for both regions where the same happens in both, else one each.
pub(super) fn lines(shown: &Shown<'_>) -> Vec<String> {
    let mut lines = vec![];
    for workspace in &shown.plan.workspaces {
        let head = match shown.plan.workspaces.len() {
            0 | 1 => "metadata tables".to_owned(),
            _ => format!("metadata tables, {}", name(&workspace.name)),
        };
        let both = [Role::Primary, Role::Secondary].map(|role| workspace.metadata_of(role));
        let [primary, secondary] = both.map(|action| told(action?, "both regions"));
        let said = if primary == secondary {
            vec![primary]
        } else {
            vec![
                both[0].and_then(|action| told(action, "the primary")),
                both[1].and_then(|action| told(action, "the secondary")),
            ]
        };
        for text in said.into_iter().flatten() {
            lines.extend(shown.aside(&head, &text));
        }
        let leaving = sections::notes::leaving_workspace(shown.plan, workspace);
        let leaving = Section { blocks: leaving, ..Section::default() };
        lines.extend(shown.lines(&leaving).into_iter().flatten());
    }
    lines
}

/// What happens in a place; `None`: nothing.
fn told(action: &MetadataAction, place: &str) -> Option<String> {
    let MetadataAction {
        region: _,
        action,
        table_version: _,
        rows_to_add,
        rows_to_change,
        rows_to_retire,
        cuts_to_copy,
        put_aside,
        mend,
    } = action;
    let rows = [
        (rows_to_add.len(), "to add"),
        (rows_to_change.len(), "to change"),
        (rows_to_retire.len(), "to retire"),
    ];
    let mut says: Vec<String> = vec![];
    for (number, what) in rows.into_iter().filter(|(number, _)| *number > 0) {
        says.push(if says.is_empty() {
            format!("{} {what}", plural(number, "row"))
        } else {
            format!("{number} {what}")
        });
    }
    if *cuts_to_copy > 0 {
        says.push(format!("{} to copy", plural(*cuts_to_copy, "cut")));
    }
    for aside in put_aside {
        says.push(format!("{} to put aside as {}", aside.table, clean(&aside.name)));
    }
    for table in mend {
        says.push(format!("{} to write anew", clean(table)));
    }
    let says = says.join(", ");
    let comma = if says.is_empty() { "" } else { ", " };
    match action {
        LedgerAction::Create => Some(format!("to create in {place}{comma}{says}")),
        LedgerAction::Clone => Some(format!("to clone into {place}{comma}{says}")),
        LedgerAction::Merge => (!says.is_empty()).then(|| format!("{says} in {place}")),
        LedgerAction::None => None,
    }
}

/// Every row that changes, column by column; only with `-v`.
pub(in crate::render) fn rows(shown: &Shown<'_>) -> Vec<String> {
    if !shown.style.verbose {
        return vec![];
    }
    let changes = shown.plan.workspaces.iter().flat_map(|workspace| &workspace.rows);
    changes.flat_map(|change| row(shown, change)).collect()
}

fn row(shown: &Shown<'_>, change: &RowChange) -> Vec<String> {
    let before = change.before.as_ref().map_or(String::new(), columns);
    let after = columns(&change.after);
    let mut lines = vec![format!("  row {}", name(&change.after.group_name))];
    for part in TextDiff::from_lines(&before, &after).iter_all_changes() {
        let symbol = match part.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Delete => "-",
            ChangeTag::Insert => "+",
        };
        let wrapped = indented(6, part.value().trim_end(), shown.style.width);
        for (at, line) in wrapped.into_iter().enumerate() {
            lines.push(match at {
                0 => line.replacen("      ", &format!("    {symbol} "), 1),
                _ => format!("  {line}"),
            });
        }
    }
    lines
}

/// A row, a line a column; columns without a value are left out.
fn columns(row: &Row) -> String {
    let Row {
        group_name: _,
        workflow,
        tables,
        date_created,
        date_updated,
        sync_start_timestamp,
        sync_end_timestamp,
        current_sync_status,
        message,
    } = row;
    let tables: Vec<String> = tables.iter().map(name).collect();
    let values = [
        ("workflow", workflow.as_deref().map(clean)),
        ("tables", Some(few(&tables, 12))),
        ("date_created", Some(moment::text(*date_created))),
        ("date_updated", Some(moment::text(*date_updated))),
        ("sync_start_timestamp", sync_start_timestamp.map(moment::text)),
        ("sync_end_timestamp", sync_end_timestamp.map(moment::text)),
        ("current_sync_status", current_sync_status.map(Status::as_str).map(str::to_owned)),
        ("message", message.as_deref().map(clean)),
    ];
    values
        .into_iter()
        .filter_map(|(column, value)| Some(format!("{column:<21} {}\n", value?)))
        .collect()
}
