//! What happens to the metadata tables, and to their rows.

use similar::{ChangeTag, TextDiff};

use crate::harmless::{clean, name};
use crate::layout::few;
use crate::ledger::{Row, RowStatus};
use crate::moment;
use crate::plan::document::{MetadataAction, RowChange, WorkspacePlan};
use crate::plan::{LedgerAction, Plan, Role};
use crate::render::page::{Block, Changed, Fact, LineChanges, PageTable, Phrase, Section};
use crate::render::sections::metadata::count_rows_and_cuts;
use crate::render::sections::notes::leaving_workspace;

/// A line for both regions where the same happens in both, else one each, and what is no longer synchronized.
pub(super) fn in_short(plan: &Plan) -> Section {
    let blocks = plan.workspaces.iter().flat_map(|workspace| {
        let facts = Block::Asides(facts(plan, workspace));
        [facts].into_iter().chain(leaving_workspace(plan, workspace))
    });
    Section::dense(blocks)
}

fn facts(plan: &Plan, workspace: &WorkspacePlan) -> Vec<Fact> {
    let head = match plan.workspaces.len() {
        0 | 1 => "metadata tables".to_owned(),
        _ => format!("metadata tables, {}", name(&workspace.name)),
    };
    let both = [Role::Primary, Role::Secondary].map(|role| workspace.metadata_of(role));
    let [primary, secondary] = both.map(|action| describe_action(action?, "both regions"));
    let said = if primary == secondary {
        vec![primary]
    } else {
        vec![
            both[0].and_then(|action| describe_action(action, "the primary")),
            both[1].and_then(|action| describe_action(action, "the secondary")),
        ]
    };
    said.into_iter().flatten().map(|text| Fact::new(head.clone(), text)).collect()
}

/// What happens in a place; `None`: nothing.
fn describe_action(action: &MetadataAction, place: &str) -> Option<String> {
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
    let mut says = count_rows_and_cuts(rows, (*cuts_to_copy, "to copy"));
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

/// What an apply does with them, and every row that changes.
pub(super) fn in_full(plan: &Plan) -> Section {
    let heads = [
        "workspace",
        "region",
        "action",
        "rows to add",
        "rows to change",
        "rows to retire",
        "#cuts to copy",
    ];
    let caption = "What an apply does with them, in both regions";
    let mut table = PageTable::new(caption, "action", &heads);
    let names = |names: &[String]| Phrase::join(names.iter().map(Phrase::name), ", ");
    for workspace in &plan.workspaces {
        for action in &workspace.metadata {
            table.row(vec![
                Phrase::name(&workspace.name),
                action.region.name().into(),
                word(action.action).into(),
                names(&action.rows_to_add),
                names(&action.rows_to_change),
                names(&action.rows_to_retire),
                action.cuts_to_copy.to_string().into(),
            ]);
        }
    }
    let blocks = [Block::Table(table)].into_iter().chain(rows(plan).blocks);
    let title = Some("Metadata tables".to_owned());
    // The section stands there even where nothing happens to the tables, which is worth knowing as well.
    Section { title, blocks: blocks.collect(), uncounted: true, ..Section::default() }
}

fn word(action: LedgerAction) -> &'static str {
    match action {
        LedgerAction::Create => "create",
        LedgerAction::Clone => "clone",
        LedgerAction::Merge => "merge",
        LedgerAction::None => "none",
    }
}

/// Every row that changes, column by column.
pub(super) fn rows(plan: &Plan) -> Section {
    let changes = plan.workspaces.iter().flat_map(|workspace| &workspace.rows);
    Section::dense(changes.map(|change| Block::Changes(row(change))))
}

fn row(change: &RowChange) -> LineChanges {
    let before = change.before.as_ref().map_or(String::new(), columns);
    let after = columns(&change.after);
    let diff = TextDiff::from_lines(&before, &after);
    let lines = diff.iter_all_changes().filter_map(|part| {
        let sign = match part.tag() {
            ChangeTag::Equal => return None,
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        let text = part.value().trim_end().to_owned();
        Some(Changed { sign, text, further: false })
    });
    LineChanges {
        word: "row",
        label: Phrase::name(&change.after.group_name),
        lines: lines.collect(),
        otherwise: "the same columns",
        under: true,
    }
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
        ("current_sync_status", current_sync_status.map(RowStatus::as_str).map(str::to_owned)),
        ("message", message.as_ref().map(clean)),
    ];
    values
        .into_iter()
        .filter_map(|(column, value)| Some(format!("{column:<21} {}\n", value?)))
        .collect()
}
