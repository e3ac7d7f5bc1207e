//! What else there is to know: accepted risks, warnings, tables left out, maintenance, the source of it all.

use crate::command::{Command, Verb};
use crate::plan::document::{DriftCommit, DueAnyway};
use crate::plan::{Decision, Plan, SettingChange, WarningCode};
use crate::render::clean::{clean, name};
use crate::render::figures::{bytes_short, moment, plural, tally};
use crate::render::layout::{few, hanging};
use crate::render::page::Section;
use crate::render::sections;
use crate::render::shown::Shown;
use crate::render::{Style, protection};

/// Replicas under maintenance shown by name.
const NAMED_MAX: usize = 3;

pub(super) fn lines(shown: &Shown<'_>) -> Vec<String> {
    let plan = shown.plan;
    let sections = [
        sections::notes::accepted(plan),
        sections::notes::warnings(&plan.warnings, |_| true),
        sections::notes::unprotected(plan),
    ];
    let mut lines = settings_changed(shown);
    lines.extend(sections.iter().flat_map(|section| shown.lines(section)).flatten());
    lines.extend(maintenance(shown));
    lines.extend(source_maintenance(shown));
    lines.extend(selection(shown));
    lines.extend(left_out(shown));
    if shown.plan.observed_clock.overridden {
        let text = format!("DRSYNC_NOW, {}", moment(shown.plan.observed_clock.now));
        lines.extend(shown.aside("clock", &text));
    }
    lines
}

/// What protects less than before, a line a setting.
pub(super) fn weaker(shown: &Shown<'_>) -> Vec<String> {
    settings(shown, |change| change.weakens())
}

/// What else the configuration changes of the protection, and with what it was compared.
fn settings_changed(shown: &Shown<'_>) -> Vec<String> {
    let mut lines = settings(shown, |change| !change.weakens());
    let mut compared: Vec<String> = shown
        .plan
        .workspaces
        .iter()
        .filter(|workspace| !workspace.settings_changes.is_empty())
        .filter_map(|workspace| workspace.settings_compared_with.as_ref())
        .map(protection::compared)
        .collect();
    compared.dedup();
    for with in compared {
        let text = format!("with {with}; what changed holds from the next round, applied or not");
        lines.extend(shown.aside("compared", &text));
    }
    lines
}

fn settings(shown: &Shown<'_>, fits: impl Fn(&SettingChange) -> bool) -> Vec<String> {
    let several = shown.plan.workspaces.len() > 1;
    let changes = protection::of_plan(shown.plan).filter(|(_, change)| fits(change));
    changes
        .flat_map(|(workspace, change)| {
            let told = protection::told(several, workspace, change);
            shown.aside(told.word, &format!("{}  {}", told.who, told.sentence()))
        })
        .collect()
}

/// Warnings that a screen without anything to do still counts; the others are about how the workspace is set up.
pub(super) fn telling(plan: &Plan) -> usize {
    plan.warnings.iter().filter(|warning| tells(warning.code)).count()
}

fn tells(code: WarningCode) -> bool {
    match code {
        WarningCode::SecondaryWorkspaceMissing
        | WarningCode::GrantsDiffer
        | WarningCode::DiesWithPrimary
        | WarningCode::WriteNotProved
        | WarningCode::UnprotectedTables
        | WarningCode::RpoShorterThanInterval
        | WarningCode::RetentionShorterThanInterval
        | WarningCode::RpoBreached => false,
        WarningCode::PrimaryNotWritable
        | WarningCode::PinExpiresSoon
        | WarningCode::CutExpiresSoon
        | WarningCode::RpoAtRisk
        | WarningCode::ClockSkew
        | WarningCode::NoComputeInSecondary
        | WarningCode::SecondaryWorkspaceNotSeen
        | WarningCode::SecondaryWorkflowActive
        | WarningCode::CrashConsistent
        | WarningCode::Interrupted
        | WarningCode::ConfigurationIncomplete
        | WarningCode::AcceptanceUnused
        | WarningCode::LedgerLost
        | WarningCode::LedgerDamaged
        | WarningCode::LedgerOddRow
        | WarningCode::RecordNotBelieved
        | WarningCode::CommitInFuture
        | WarningCode::CutInFuture => true,
    }
}

/// Those that a screen without anything to do counts.
pub(super) fn told(plan: &Plan) -> Section {
    sections::notes::warnings(&plan.warnings, tells)
}

/// How many tables are left out, and what names them.
pub(super) fn unprotected_count(shown: &Shown<'_>) -> Vec<String> {
    let tables = match shown.plan.unprotected.len() {
        0 => return vec![],
        number => plural(number, "table"),
    };
    let status = shown.style.said(&Command::new(Verb::Status).word("--unprotected"));
    shown.aside("not copied", &format!("{tables}: {status}"))
}

/// Maintenance on replicas is harmless and said in one line each.
fn maintenance(shown: &Shown<'_>) -> Vec<String> {
    let seen: Vec<String> = shown
        .groups
        .iter()
        .filter(|entry| shown.style.verbose || entry.group.decision != Decision::UpToDate)
        .flat_map(|entry| &entry.group.drift)
        .filter(|drift| drift.theirs.is_empty())
        .filter_map(|drift| {
            let last = drift.maintenance.last()?;
            let by =
                last.user.as_deref().map_or(String::new(), |user| format!(" by {}", clean(user)));
            let compared = |commit: &DriftCommit| commit.rows_compared != Some(false);
            let harmless = if drift.maintenance.iter().all(compared) {
                "harmless"
            } else {
                "maintenance by its name, its rows were not compared"
            };
            Some(format!(
                "{}  {} v{}{by}: {harmless}",
                name(&drift.table),
                clean(&last.operation),
                last.version
            ))
        })
        .collect();
    mentioned(shown, &seen, "replica")
}

/// Maintenance on sources of whose rows nothing tells, in one line each.
fn source_maintenance(shown: &Shown<'_>) -> Vec<String> {
    let groups = shown.groups.iter();
    let seen: Vec<String> = groups
        .filter(|entry| shown.style.verbose || entry.group.decision != Decision::UpToDate)
        .flat_map(|entry| &entry.group.source_maintenance)
        .filter_map(|of| {
            let last = of.commits.last()?;
            Some(format!(
                "{}  {} v{} in the primary: maintenance by its name, its rows were not compared",
                name(&of.table),
                clean(&last.operation),
                last.version
            ))
        })
        .collect();
    mentioned(shown, &seen, "source")
}

/// A line each, of so many tables at most.
fn mentioned(shown: &Shown<'_>, seen: &[String], what: &str) -> Vec<String> {
    let limit = if shown.style.verbose { seen.len() } else { NAMED_MAX };
    let mut lines: Vec<String> =
        seen.iter().take(limit).flat_map(|text| shown.aside("mentioned", text)).collect();
    if let Some(more @ 1..) = seen.len().checked_sub(limit) {
        lines.extend(shown.aside(
            "mentioned",
            &format!("maintenance on {}", plural(more, &format!("more {what}"))),
        ));
    }
    lines
}

/// What is not part of a plan of what the configuration changes, in one line.
pub(super) fn left_out(shown: &Shown<'_>) -> Vec<String> {
    let said = shown.plan.due_anyway.as_ref().and_then(due_anyway);
    said.map_or(vec![], |said| {
        shown.aside("not in it", &format!("{said}: not changed by the configuration"))
    })
}

/// `2 groups due anyway, 1.4 GiB; 1 blocked, 9 waiting`; `None`: nothing was left out.
pub(in crate::render) fn due_anyway(due: &DueAnyway) -> Option<String> {
    let DueAnyway {
        groups_sync,
        groups_blocked,
        groups_waiting,
        groups_up_to_date,
        copy_bytes,
        copy_files: _,
    } = due;
    let mut says = vec![];
    if *groups_sync > 0 {
        let size = match copy_bytes {
            0 => String::new(),
            size => format!(", {}", bytes_short(*size)),
        };
        says.push(format!("{} due anyway{size}", plural(*groups_sync, "group")));
    }
    let others = tally(&[
        (*groups_blocked, " blocked"),
        (*groups_waiting, " waiting"),
        (*groups_up_to_date, " up to date"),
    ]);
    if groups_blocked + groups_waiting + groups_up_to_date > 0 {
        says.push(others);
    }
    (!says.is_empty()).then(|| says.join("; "))
}

/// What was left out on request: the plan does not speak for it.
fn selection(shown: &Shown<'_>) -> Vec<String> {
    let selection = &shown.plan.selection;
    let only: Vec<String> = selection.only.iter().map(name).collect();
    let exclude: Vec<String> = selection.exclude.iter().map(name).collect();
    let mut lines = vec![];
    if !only.is_empty() {
        lines.extend(shown.aside("only", &few(&only, 8)));
    }
    if !exclude.is_empty() {
        lines.extend(shown.aside("left out", &few(&exclude, 8)));
    }
    lines
}

/// `drsync.json: 655 tables in 12 groups`, and where to where.
pub(super) fn source(plan: &Plan, style: &Style) -> Vec<String> {
    let tables: usize = plan.groups().map(|(_, group)| group.tables).sum();
    let text = format!("{} in {}", plural(tables, "table"), plural(plan.groups().count(), "group"));
    let mut lines = hanging(&format!("{}: ", clean(&plan.config.source)), &text, style.width);
    for workspace in &plan.workspaces {
        lines.push(format!("  {}", name(&workspace.name)));
        lines.push(format!("    from  {}", clean(&workspace.observed.primary.location)));
        lines.push(format!("    to    {}", clean(&workspace.observed.secondary.location)));
    }
    lines
}
