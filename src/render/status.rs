//! How every group stands: its cut, its lag against the objective, its replicas.

use chrono::{DateTime, Utc};

use super::away::{self, Away};
use super::clean::{clean, name};
use super::figures::{minute_near, moment, plural, plural_of, span};
use super::layout::{few, first_line, hanging, table};
use super::plan::just_pending;
use super::shown::label_among;
use super::{Page, Style, Tone};
use crate::command::{Command, Verb};
use crate::ledger::Status as RowStatus;
use crate::plan::document::Unprotected;
use crate::plan::status::{
    Checked, GroupStatus, LedgerPresence, RegionStatus, RegionsStatus, Rpo, Status, TableStatus,
    WorkspaceStatus,
};
use crate::plan::{Decision, ReasonCode, Refused, Warning, WarningCode};
use crate::region::LookDepth;

/// Groups in the table; further ones that are in order are counted.
const ROWS_MAX: usize = 20;
/// Groups whose trouble is told below it.
const TROUBLES_MAX: usize = 12;

/// What of a status is shown beside the groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Every table of the groups.
    pub tables: bool,
    /// The named tables that are not synchronized.
    pub unprotected: bool,
    /// Why tables are not synchronized, as far as that is known.
    pub reasons: &'a [Unprotected],
}

/// How every group stands.
pub fn text(status: &Status, parts: Parts<'_>, style: &Style) -> String {
    let mut page = Page::default();
    page.block(vec![style.paint(Tone::Strong, &verdict(status))]);
    page.block(regions(status, style));
    if nothing_known(status) && !style.verbose {
        return page.text();
    }
    page.block(groups(status, style));
    let looks = checked(status, style).map(|how| hanging("checked     ", &how, style.width));
    page.block(looks.unwrap_or_default());
    if parts.tables || style.verbose {
        for (workspace, group) in entries(status) {
            page.block(tables(&label(status, workspace, group), group));
        }
    }
    for lines in receipts(status, style) {
        page.block(lines);
    }
    page.block(losses(status, style));
    page.block(troubles(status, style));
    page.block(warnings(status, style));
    page.block(unprotected(status, parts, style));
    if primary_away(status) {
        page.block(vec![
            "What to do by hand if it stays away (prints it, changes nothing):".to_owned(),
            style.command(&Command::new(Verb::Runbook)),
        ]);
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
    label_among(status.workspaces.len() > 1, &workspace.name, &group.name)
}

/// A primary that is not seen tells of no lag; what counts then is what can be brought to a cut.
fn primary_away(status: &Status) -> bool {
    status.workspaces.iter().any(|workspace| !workspace.regions.primary.reachable)
}

/// No region of any workspace is seen.
fn nothing_known(status: &Status) -> bool {
    let gone = |workspace: &WorkspaceStatus| {
        !workspace.regions.primary.reachable && !workspace.regions.secondary.reachable
    };
    !status.workspaces.is_empty() && status.workspaces.iter().all(gone)
}

pub(super) fn verdict(status: &Status) -> String {
    let lost = entries(status).filter(|(_, group)| {
        let mut findings = group.findings.iter();
        findings
            .any(|finding| finding.code == crate::plan::FindingCode::LedgerLost && finding.blocks())
    });
    let line = match entries(status).filter(|(_, group)| group.failed_over.is_some()).count() {
        0 => standing(status),
        over => {
            format!("{} failed over (failed_over); {}", plural(over, "group"), standing(status))
        }
    };
    match lost.count() {
        0 => line,
        lost => format!("The cut log lost cuts of {} (ledger_lost); {line}", plural(lost, "group")),
    }
}

/// How the groups stand, in one line.
fn standing(status: &Status) -> String {
    let all = entries(status).count();
    let number = |counts: &dyn Fn(&WorkspaceStatus, &GroupStatus) -> bool| {
        let groups = entries(status);
        groups.filter(|(workspace, group)| counts(workspace, group)).count()
    };
    let away: Vec<Away> = status.workspaces.iter().map(Away::of_status).collect();
    let which = away::sentence(&away).unwrap_or_default();
    if nothing_known(status) {
        return format!("{which}: nothing is known");
    }
    if primary_away(status) {
        let ready =
            number(&|workspace, group| workspace.regions.secondary.reachable && group.restorable());
        return format!(
            "{which}; {ready} of {} can be brought to a cut right now",
            plural(all, "group")
        );
    }
    let secondary = status.workspaces.iter().all(|workspace| workspace.regions.secondary.reachable);
    let guarded = number(&|_, group| group.protected);
    let line = match (secondary, guarded == all) {
        (false, _) => format!(
            "{which}; {} of {} have a cut",
            number(&|_, group| group.last_cut.is_some()),
            plural(all, "group")
        ),
        (true, true) => format!("{} protected", plural(all, "group")),
        // "0 of 1 group protected" reads as if one were.
        (true, false) => format!("{guarded} of {all} groups protected"),
    };
    let never = number(&|workspace, group| {
        secondary
            && group.last_cut.is_none()
            && !blocked(workspace, group)
            && !failed(workspace, group)
    });
    let mut goes_on: Vec<String> = vec![];
    for (number, word) in
        [(number(&blocked), "blocked"), (number(&failed), "failed"), (never, "never synchronized")]
    {
        if number > 0 {
            goes_on.push(format!(", {number} {word}"));
        }
    }
    let lag = entries(status).filter_map(|(_, group)| group.lag_seconds).max();
    let breached: Vec<String> = entries(status)
        .filter(|(_, group)| group.rpo == Rpo::Breached)
        .map(|(_, group)| name(&group.name))
        .collect();
    let known = entries(status).all(|(_, group)| group.lag_seconds.is_some());
    // Of the groups that have a lag: one that was never synchronized is told apart.
    let pending = entries(status)
        .filter(|(_, group)| group.lag_seconds.is_some())
        .filter_map(|(_, group)| group.pending_commits);
    goes_on.extend(match lag {
        Some(..=0) => match pending.fold(0, u64::saturating_add) {
            0 if known => Some("; nothing pending".to_owned()),
            0 => None,
            pending => Some(format!("; {}", just_pending(pending))),
        },
        Some(lag) => Some(format!("; worst lag {}", span(lag))),
        None => None,
    });
    goes_on.extend(match breached.as_slice() {
        [] if all > 0
            && entries(status).all(|(workspace, group)| {
                group.protected && !blocked(workspace, group) && group.rpo == Rpo::Met
            }) =>
        {
            Some(", RPO met by all".to_owned())
        }
        [] => None,
        [one] => Some(format!(", {one} breaches its RPO")),
        many => Some(format!(", {} groups breach their RPO", many.len())),
    });
    first_line(line, goes_on)
}

/// Something but a region that cannot be looked at stands in its way.
fn blocked(workspace: &WorkspaceStatus, group: &GroupStatus) -> bool {
    let away = Away::of_status(workspace);
    let mut findings = group.findings.iter();
    findings.any(|finding| finding.blocks() && !away.says(finding.code))
}

/// Its last sync failed, and nothing is known that will make the next one fail.
fn failed(workspace: &WorkspaceStatus, group: &GroupStatus) -> bool {
    !blocked(workspace, group) && group.status == Some(RowStatus::Failed)
}

/// Why it is paused.
fn paused(group: &GroupStatus) -> Option<&str> {
    let paused =
        group.decision == Some(Decision::Waiting) && group.reason_code == Some(ReasonCode::Paused);
    group.reason.as_deref().filter(|_| paused)
}

fn lag(group: &GroupStatus) -> String {
    match (group.lag_seconds, group.pending_commits) {
        (Some(..=0), Some(1..)) => "<1s".to_owned(),
        (Some(lag), _) => span(lag),
        (None, _) => "-".to_owned(),
    }
}

/// Both regions, where one cannot be looked at or everything is asked for.
fn regions(status: &Status, style: &Style) -> Vec<String> {
    let mut lines = vec![];
    for workspace in &status.workspaces {
        let both =
            [("primary", &workspace.regions.primary), ("secondary", &workspace.regions.secondary)];
        if !style.verbose && both.iter().all(|(_, region)| region.reachable) {
            continue;
        }
        if status.workspaces.len() > 1 {
            lines.push(format!("  workspace   {}", name(&workspace.name)));
        }
        let RegionsStatus { primary, secondary: _, shared_answer } = &workspace.regions;
        if let Some((address, answer)) = primary.workspace.as_ref().zip(shared_answer.as_ref()) {
            let text = format!("{}  {}", clean(address), clean(answer));
            lines.extend(hanging("  ", &text, style.width));
            continue;
        }
        for (role, region) in both {
            let RegionStatus {
                workspace,
                location,
                reachable,
                answer,
                refused,
                ledger: _,
                role: _,
            } = region;
            let how = match (reachable, refused) {
                (true, _) => "available",
                (false, None) => "no answer",
                (false, Some(Refused::Denied)) => "refuses",
                (false, Some(Refused::Unreadable)) => "cannot be read",
            };
            let said = match answer {
                Some(answer) => format!("{how}: {}", clean(answer)),
                None => how.to_owned(),
            };
            let location = clean(location);
            let place = if *reachable {
                location
            } else {
                away::place(role, workspace.as_deref(), &location)
            };
            lines.extend(hanging(
                &format!("  {role:<10}  "),
                &format!("{place} {said}"),
                style.width,
            ));
        }
    }
    lines
}

fn groups(status: &Status, style: &Style) -> Vec<String> {
    let all: Vec<_> = entries(status).collect();
    let everything = style.verbose || all.len() <= ROWS_MAX + 1;
    let away = primary_away(status);
    let (told, left_out): (Vec<_>, Vec<_>) =
        all.iter().partition(|(workspace, group)| everything || !in_order(workspace, group, away));
    let room = ROWS_MAX.max(told.len()).min(2 * ROWS_MAX);
    let shown: Vec<_> = told.iter().take(if everything { usize::MAX } else { room }).collect();
    let rows: Vec<Vec<String>> = shown
        .iter()
        .map(|(workspace, group)| {
            let mut row =
                vec![label(status, workspace, group), away::cut_cell(group.last_cut.as_ref())];
            if away {
                row.push(replicas(workspace, group))
            } else {
                row.extend([lag(group), rpo(group), at_cut(group)])
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
        let all = style.command(&Command::new(Verb::Status).word("-v"));
        lines.push(format!("  {more} more groups that call for attention: {all}"));
    }
    if !left_out.is_empty() {
        let met = if away { "" } else { ", RPO met" };
        lines.push(format!("  {} more groups: all replicas at their cut{met}", left_out.len()));
    }
    lines
}

/// How deeply the replicas were looked at for what is said here, and when their files were last read; `None`: not at all.
pub(super) fn checked(status: &Status, style: &Style) -> Option<String> {
    let looked = || entries(status).filter(|(_, group)| group.last_cut.is_some());
    let looks: Vec<Checked> = looked().filter_map(|(_, group)| group.checked).collect();
    let least = looks.iter().map(|look| look.depth).min()?;
    let unread = looked()
        .filter(|(_, group)| group.checked.is_some() && group.content_read_at.is_none())
        .count();
    let first_read = looked().filter_map(|(_, group)| group.content_read_at).min();
    let all = if looks.len() == looked().count() { "" } else { " that was seen" };
    let full = style.said(&Command::new(Verb::Status).word("--full"));
    let listed = format!("every file of every replica{all} is there with its size");
    Some(match (least, unread, first_read) {
        (LookDepth::History, _, _) => format!("every replica{all}, by the engine's history"),
        (LookDepth::ContentRead, _, _) => format!("the files of every replica{all} were read now"),
        (LookDepth::FilesListed, 0, Some(at)) => format!(
            "{listed}; the oldest reading of their content is of {}; {full} reads it now",
            moment(at)
        ),
        (LookDepth::FilesListed, unread, _) => format!(
            "{listed}; the content of {} was not read since its clones; {full} reads it now",
            plural(unread, "group")
        ),
    })
}

fn in_order(workspace: &WorkspaceStatus, group: &GroupStatus, away: bool) -> bool {
    group.protected
        && !blocked(workspace, group)
        && !failed(workspace, group)
        && paused(group).is_none()
        && (away || group.findings.is_empty() && group.rpo == Rpo::Met)
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
    let known = group.tables.iter().any(|table| table.replica_version.is_some());
    (group.tables.iter().filter(holds).count(), group.tables.iter().filter(ahead).count(), known)
}

fn at_cut(group: &GroupStatus) -> String {
    match (counted(group), &group.last_cut) {
        (_, None) | ((_, _, false), _) => "-".to_owned(),
        ((here, _, true), Some(_)) => format!("{here} of {}", group.tables.len()),
    }
}

fn replicas(workspace: &WorkspaceStatus, group: &GroupStatus) -> String {
    let RegionsStatus { primary, secondary, shared_answer: _ } = &workspace.regions;
    let ledgers = [primary, secondary]
        .map(|region| if region.reachable { region.ledger } else { LedgerPresence::Unknown });
    match (counted(group), &group.last_cut) {
        (_, None) if ledgers == [LedgerPresence::Unknown; 2] => "not known".to_owned(),
        (_, None) => "never synchronized".to_owned(),
        ((_, _, false), Some(_)) => "not seen".to_owned(),
        ((here, 0, true), Some(_)) => format!("{here} of {} at the cut", group.tables.len()),
        ((here, ahead, true), Some(_)) => {
            format!("{here} of {} at the cut, {ahead} ahead of it", group.tables.len())
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
                checked: _,
                lost: _,
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
    lines.extend(table(&["table", "head", "cut", "replica", "holds", "pending"], rows));
    lines
}

/// What would be lost if a primary were gone now, and of one that is what was known to be lost when somebody last looked.
///
/// What is not known is said to be that, never to be nothing.
fn receipts(status: &Status, style: &Style) -> Vec<Vec<String>> {
    let of_workspace = |workspace: &WorkspaceStatus| {
        let away = !workspace.regions.primary.reachable;
        let home = name(&workspace.name);
        let cuts = workspace
            .groups
            .iter()
            .filter(|group| group.last_cut.is_some() && group.failed_over.is_none());
        let told: Vec<Vec<String>> = cuts
            .filter(|group| away || group.loss.as_ref().is_some_and(|loss| loss.commits > 0))
            .map(|group| receipt(&label(status, workspace, group), group, status.at))
            .collect();
        if told.is_empty() {
            return Vec::new();
        }
        let limit = if style.verbose { usize::MAX } else { ROWS_MAX };
        let more = told.len().saturating_sub(limit);
        let shown = told.into_iter().take(limit).collect();
        let mut lines = if away {
            table(&["group", "lost, as it was last looked at", "looked at"], shown)
        } else {
            table(&["group", &format!("lost if {home} were gone now"), "looked at"], shown)
        };
        if more > 0 {
            let all = style.command(&Command::new(Verb::Status).word("-v"));
            lines.push(format!("  {}: {all}", plural(more, "more group")));
        }
        lines.push(format!("  What {home} takes after a look nobody knows."));
        lines
    };
    status.workspaces.iter().map(of_workspace).collect()
}

/// The line of one group.
fn receipt(label: &str, group: &GroupStatus, now: DateTime<Utc>) -> Vec<String> {
    let Some(loss) = &group.loss else {
        return vec![
            label.to_owned(),
            "not known: no look since its cut".to_owned(),
            "-".to_owned(),
        ];
    };
    let since =
        loss.since.map_or(String::new(), |since| format!(" since {}", minute_near(since, now)));
    let runs: Vec<String> = loss.runs.iter().map(ToString::to_string).collect();
    let repeat = match runs.as_slice() {
        [] => String::new(),
        runs => format!(", repeat run {}", few(runs, 3)),
    };
    let lost = match loss.commits {
        0 => "no commit".to_owned(),
        commits => format!("{}{since}{repeat}", plural_of(commits, "commit")),
    };
    vec![label.to_owned(), lost, minute_near(loss.at, now)]
}

/// The replicas that cannot be brought to their cut.
fn losses(status: &Status, style: &Style) -> Vec<String> {
    let limit = if style.verbose { usize::MAX } else { TROUBLES_MAX };
    let all: Vec<(String, &TableStatus, &str)> = entries(status)
        .flat_map(|(workspace, group)| {
            let label = label(status, workspace, group);
            let tables = group.tables.iter();
            tables.filter_map(move |table| Some((label.clone(), table, table.lost.as_deref()?)))
        })
        .collect();
    let mut lines = vec![];
    for (label, table, why) in all.iter().take(limit) {
        let text = format!("{}: {}", name(&table.table), clean(why));
        lines.extend(hanging(&format!("lost     {label}  "), &text, style.width));
    }
    if let more @ 1.. = all.len().saturating_sub(limit) {
        let all = style.command(&Command::new(Verb::Status).word("-v"));
        lines.push(format!("         {more} more tables: {all}"));
    }
    if !lines.is_empty() && !primary_away(status) {
        let repair = Command::new(Verb::Plan).word("--full").word("--out").word("plan.json");
        lines.push(style.command(&repair));
    }
    lines
}

/// What stands in the way of which group.
fn troubles(status: &Status, style: &Style) -> Vec<String> {
    let mut lines = vec![];
    let mut told = 0;
    let mut more = 0;
    for (workspace, group) in entries(status) {
        let away = Away::of_status(workspace);
        let findings: Vec<String> = group
            .findings
            .iter()
            .filter(|finding| !away.says(finding.code))
            .map(|finding| match &finding.table {
                Some(table) => format!("{} {}", name(table), finding.code.as_str()),
                None => format!("{}: {}", finding.code.as_str(), clean(&finding.message)),
            })
            .collect();
        let text = match (findings.as_slice(), group.decision) {
            ([], Some(Decision::Waiting)) if group.rpo == Rpo::Breached || style.verbose => {
                group.reason.as_deref().map(clean)
            }
            ([], _) => paused(group).map(clean),
            (findings, _) => Some(few(findings, 3)),
        };
        let (decision, text) = match (failed(workspace, group), &group.message, text) {
            (true, Some(message), None) => ("failed", clean(message)),
            (true, Some(message), Some(text)) => ("failed", format!("{}; {text}", clean(message))),
            (_, _, Some(text)) => (group.decision.map_or("blocked", Decision::as_str), text),
            (_, _, None) => continue,
        };
        if !style.verbose && told == TROUBLES_MAX {
            more += 1;
            continue;
        }
        told += 1;
        lines.extend(hanging(
            &format!("{decision:<9}{}  ", label(status, workspace, group)),
            &text,
            style.width,
        ));
    }
    if more > 0 {
        let all = style.command(&Command::new(Verb::Status).word("-v"));
        lines.push(format!("         {more} more groups: {all}"));
    }
    lines
}

fn warnings(status: &Status, style: &Style) -> Vec<String> {
    let limit = if style.verbose { usize::MAX } else { 5 };
    // Tables that are left out have a line of their own.
    let told: Vec<&Warning> = status
        .warnings
        .iter()
        .filter(|warning| warning.code != WarningCode::UnprotectedTables)
        .collect();
    let mut lines: Vec<String> = told
        .iter()
        .take(limit)
        .flat_map(|warning| {
            let subject = warning
                .table
                .as_ref()
                .or(warning.group.as_ref())
                .map_or(String::new(), |subject| format!(" {}", name(subject)));
            let text = format!("{}{subject}: {}", warning.code.as_str(), clean(&warning.message));
            hanging("warning  ", &text, style.width)
        })
        .collect();
    if let Some(more @ 1..) = told.len().checked_sub(limit) {
        let all = style.command(&Command::new(Verb::Status).word("-v"));
        lines.push(format!("warning  {}: {all}", plural(more, "more warning")));
    }
    lines
}

/// The tables that are left out: with the reasons where they were asked for, else how many.
fn unprotected(status: &Status, parts: Parts<'_>, style: &Style) -> Vec<String> {
    let number: usize = entries(status).map(|(_, group)| group.unprotected.len()).sum();
    match (number, parts.unprotected || style.verbose) {
        (0, _) if parts.unprotected => {
            return vec!["No table of the configuration is left out".to_owned()];
        }
        (1.., false) => {
            let tables = plural(number, "table");
            let named = style.command(&Command::new(Verb::Status).word("--unprotected"));
            return vec![format!("not copied  {tables}: {named}")];
        }
        (_, _) => {}
    }
    let mut lines = vec![];
    for (workspace, group) in entries(status) {
        let label = label(status, workspace, group);
        for table in &group.unprotected {
            let mut reasons = parts.reasons.iter();
            let why = reasons.find(|one| one.group == group.name && one.table == *table);
            let why = why.map_or(String::new(), |one| format!(" ({})", clean(&one.reason)));
            let text = format!("{}{why}", name(table));
            lines.extend(hanging(&format!("not copied  {label}  "), &text, style.width));
        }
    }
    lines
}
