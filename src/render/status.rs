//! How every group stands: its cut, its lag against the objective, its replicas.

use super::clean::{clean, name};
use super::figures::{plural, span};
use super::layout::{few, hanging, table};
use super::{Page, Style, Tone, away};
use crate::plan::Decision;
use crate::plan::status::{GroupStatus, RegionStatus, Rpo, Status, TableStatus, WorkspaceStatus};

/// Groups in the table; further ones that are in order are counted.
const ROWS_MAX: usize = 20;
/// Groups whose trouble is told below it.
const TROUBLES_MAX: usize = 12;

/// What of a status is shown beside the groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// Every table of the groups.
    pub tables: bool,
    /// The named tables that are not synchronized.
    pub unprotected: bool,
}

/// How every group stands.
pub fn text(status: &Status, parts: Parts, style: &Style) -> String {
    let mut page = Page::default();
    page.block(vec![style.paint(Tone::Strong, &verdict(status))]);
    page.block(regions(status, style));
    page.block(groups(status, style));
    if parts.tables || style.verbose {
        for (workspace, group) in entries(status) {
            page.block(tables(&label(status, workspace, group), group));
        }
    }
    page.block(troubles(status, style));
    page.block(warnings(status, style));
    if parts.unprotected || style.verbose {
        page.block(unprotected(status, parts.unprotected));
    }
    page.text()
}

fn entries(status: &Status) -> impl Iterator<Item = (&WorkspaceStatus, &GroupStatus)> {
    status
        .workspaces
        .iter()
        .flat_map(|workspace| workspace.groups.iter().map(move |group| (workspace, group)))
}

fn label(status: &Status, workspace: &WorkspaceStatus, group: &GroupStatus) -> String {
    match status.workspaces.len() {
        0 | 1 => name(&group.name),
        _ => format!("{}/{}", name(&workspace.name), name(&group.name)),
    }
}

/// A primary that is not seen tells of no lag; what counts then is what can be brought to a cut.
fn primary_away(status: &Status) -> bool {
    status
        .workspaces
        .iter()
        .any(|workspace| !workspace.regions.primary.reachable)
}

fn verdict(status: &Status) -> String {
    let all = entries(status).count();
    let with_cut = entries(status)
        .filter(|(_, group)| group.last_cut.is_some())
        .count();
    let secondary = status
        .workspaces
        .iter()
        .all(|workspace| workspace.regions.secondary.reachable);
    if primary_away(status) {
        return match secondary {
            true => format!(
                "Primary region not available; {with_cut} of {} can be brought to a cut right now",
                plural(all, "group")
            ),
            false => "Neither region available; nothing is known but the configuration".to_owned(),
        };
    }
    let guarded = entries(status).filter(|(_, group)| group.protected).count();
    let mut text = match (secondary, guarded == all) {
        (false, _) => format!(
            "Secondary region not available; {with_cut} of {} have a cut",
            plural(all, "group")
        ),
        (true, true) => format!("{} protected", plural(all, "group")),
        (true, false) => format!("{guarded} of {} protected", plural(all, "group")),
    };
    let never = all - with_cut;
    if never > 0 && secondary {
        text.push_str(&format!(", {never} never synchronized"));
    }
    let lag = entries(status)
        .filter_map(|(_, group)| group.lag_seconds)
        .max();
    let breached: Vec<String> = entries(status)
        .filter(|(_, group)| group.rpo == Rpo::Breached)
        .map(|(_, group)| name(&group.name))
        .collect();
    match lag {
        Some(..=0) => text.push_str("; nothing pending"),
        Some(lag) => text.push_str(&format!("; worst lag {}", span(lag))),
        None => {}
    }
    match breached.as_slice() {
        [] if all > 0 && entries(status).all(|(_, group)| group.rpo == Rpo::Met) => {
            text.push_str(", RPO met by all")
        }
        [] => {}
        [one] => text.push_str(&format!(", {one} breaches its RPO")),
        many => text.push_str(&format!(", {} groups breach their RPO", many.len())),
    }
    text
}

/// Both regions, where one does not answer or everything is asked for.
fn regions(status: &Status, style: &Style) -> Vec<String> {
    let mut lines = vec![];
    for workspace in &status.workspaces {
        let both = [
            ("primary", &workspace.regions.primary),
            ("secondary", &workspace.regions.secondary),
        ];
        if !style.verbose && both.iter().all(|(_, region)| region.reachable) {
            continue;
        }
        if status.workspaces.len() > 1 {
            lines.push(format!("  workspace   {}", name(&workspace.name)));
        }
        for (role, region) in both {
            let RegionStatus {
                location,
                reachable,
                answer,
                ledger: _,
                role: _,
            } = region;
            let said = match (reachable, answer) {
                (true, _) => "available".to_owned(),
                (false, Some(answer)) => format!("no answer: {}", clean(answer)),
                (false, None) => "no answer".to_owned(),
            };
            lines.extend(hanging(
                &format!("  {role:<10}  "),
                &format!("{} {said}", clean(location)),
                style.width,
            ));
        }
    }
    lines
}

fn groups(status: &Status, style: &Style) -> Vec<String> {
    let all: Vec<_> = entries(status).collect();
    let everything = style.verbose || all.len() <= ROWS_MAX + 1;
    let (told, left_out): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|(_, group)| everything || !in_order(group));
    let room = ROWS_MAX.max(told.len()).min(2 * ROWS_MAX);
    let shown: Vec<_> = told
        .iter()
        .take(if everything { usize::MAX } else { room })
        .collect();
    let away = primary_away(status);
    let rows: Vec<Vec<String>> = shown
        .iter()
        .map(|(workspace, group)| {
            let mut row = vec![
                label(status, workspace, group),
                away::cut_cell(group.last_cut.as_ref()),
            ];
            match away {
                true => row.push(replicas(group)),
                false => row.extend([
                    group.lag_seconds.map_or("-".to_owned(), span),
                    rpo(group),
                    at_cut(group),
                ]),
            }
            row
        })
        .collect();
    let mut lines = match (rows.is_empty(), away) {
        (true, _) => vec![],
        (false, true) => table(&["group", "cut", "replicas"], rows),
        (false, false) => table(&["group", "cut", "lag", "RPO", "at cut"], rows),
    };
    let more = told.len() - shown.len();
    if more > 0 {
        lines.push(format!(
            "  {more} more groups that call for attention: drsync status -v"
        ));
    }
    if !left_out.is_empty() {
        lines.push(format!(
            "  {} more groups: all replicas at their cut, RPO met",
            left_out.len()
        ));
    }
    lines
}

fn in_order(group: &GroupStatus) -> bool {
    group.protected && group.findings.is_empty() && matches!(group.rpo, Rpo::Met | Rpo::Unknown)
}

fn rpo(group: &GroupStatus) -> String {
    match (group.rpo_seconds, group.rpo) {
        (Some(seconds), Rpo::None | Rpo::Unknown) => span(seconds),
        (Some(seconds), rpo) => format!("{} {}", span(seconds), rpo.as_str()),
        (None, rpo) => rpo.as_str().to_owned(),
    }
}

/// Replicas that hold what the cut says, and those known to be ahead of it.
fn counted(group: &GroupStatus) -> (usize, usize, bool) {
    let holds = |table: &&TableStatus| {
        table.holds_source_version.is_some() && table.holds_source_version == table.cut_version
    };
    let ahead = |table: &&TableStatus| {
        table.holds_source_version > table.cut_version && table.cut_version.is_some()
    };
    let known = group
        .tables
        .iter()
        .any(|table| table.replica_version.is_some());
    (
        group.tables.iter().filter(holds).count(),
        group.tables.iter().filter(ahead).count(),
        known,
    )
}

fn at_cut(group: &GroupStatus) -> String {
    match (counted(group), &group.last_cut) {
        (_, None) | ((_, _, false), _) => "-".to_owned(),
        ((here, _, true), Some(_)) => format!("{here} of {}", group.tables.len()),
    }
}

fn replicas(group: &GroupStatus) -> String {
    match (counted(group), &group.last_cut) {
        (_, None) => "never synchronized".to_owned(),
        ((_, _, false), Some(_)) => "not seen".to_owned(),
        ((here, 0, true), Some(_)) => format!("{here} of {} at the cut", group.tables.len()),
        ((here, ahead, true), Some(_)) => {
            format!(
                "{here} of {} at the cut, {ahead} ahead of it",
                group.tables.len()
            )
        }
    }
}

fn tables(label: &str, group: &GroupStatus) -> Vec<String> {
    let version =
        |version: Option<u64>| version.map_or("-".to_owned(), |version| format!("v{version}"));
    let rows: Vec<Vec<String>> = group
        .tables
        .iter()
        .map(|one| {
            let TableStatus {
                table,
                source_head,
                cut_version,
                replica_version,
                holds_source_version,
                pending_commits,
            } = one;
            vec![
                name(table),
                version(*source_head),
                version(*cut_version),
                version(*replica_version),
                version(*holds_source_version),
                pending_commits.map_or("-".to_owned(), |pending| pending.to_string()),
            ]
        })
        .collect();
    if rows.is_empty() {
        return vec![];
    }
    let mut lines = vec![format!("{label}:")];
    lines.extend(table(
        &["table", "head", "cut", "replica", "holds", "pending"],
        rows,
    ));
    lines
}

/// What stands in the way of which group.
fn troubles(status: &Status, style: &Style) -> Vec<String> {
    let mut lines = vec![];
    let mut told = 0;
    let mut more = 0;
    for (workspace, group) in entries(status) {
        let findings: Vec<String> = group
            .findings
            .iter()
            .filter(|finding| !away::says_away(finding.code))
            .map(|finding| match &finding.table {
                Some(table) => format!("{} {}", name(table), finding.code.as_str()),
                None => format!("{}: {}", finding.code.as_str(), clean(&finding.message)),
            })
            .collect();
        let text = match (findings.as_slice(), group.decision) {
            ([], Some(Decision::Waiting)) if group.rpo == Rpo::Breached || style.verbose => {
                group.reason.as_deref().map(clean)
            }
            ([], _) => None,
            (findings, _) => Some(few(findings, 3)),
        };
        let Some(text) = text else { continue };
        if !style.verbose && told == TROUBLES_MAX {
            more += 1;
            continue;
        }
        told += 1;
        let decision = group.decision.map_or("blocked", Decision::as_str);
        lines.extend(hanging(
            &format!("{decision:<9}{}  ", label(status, workspace, group)),
            &text,
            style.width,
        ));
    }
    if more > 0 {
        lines.push(format!("blocked  {more} more groups: drsync validate"));
    }
    lines
}

fn warnings(status: &Status, style: &Style) -> Vec<String> {
    let limit = if style.verbose { usize::MAX } else { 5 };
    let mut lines: Vec<String> = status
        .warnings
        .iter()
        .take(limit)
        .flat_map(|warning| {
            let subject = warning
                .table
                .as_ref()
                .or(warning.group.as_ref())
                .map_or(String::new(), |subject| format!(" {}", name(subject)));
            let text = format!(
                "{}{subject}: {}",
                warning.code.as_str(),
                clean(&warning.message)
            );
            hanging("warning  ", &text, style.width)
        })
        .collect();
    if let Some(more @ 1..) = status.warnings.len().checked_sub(limit) {
        lines.push(format!(
            "warning  {}: drsync status -v",
            plural(more, "more warning")
        ));
    }
    lines
}

fn unprotected(status: &Status, asked: bool) -> Vec<String> {
    let lines: Vec<String> = entries(status)
        .flat_map(|(workspace, group)| {
            let label = label(status, workspace, group);
            group
                .unprotected
                .iter()
                .map(move |table| format!("not copied  {label}  {}", name(table)))
        })
        .collect();
    match lines.is_empty() && asked {
        true => vec!["Every table of the configuration is synchronized".to_owned()],
        false => lines,
    }
}
