//! What else there is to know: accepted risks, warnings, tables left out, maintenance, the source of it all.

use super::tally::Tally;
use crate::command::{Command, Verb};
use crate::figures::{bytes_short, plural, tally};
use crate::plan::document::{DriftCommit, DueAnyway, RegionSeen};
use crate::plan::{Decision, Plan, SettingChange, WarningCode};
use crate::render::page::{Block, Fact, NameNote, NamesInRow, Phrase, Section};
use crate::render::protection::{all_compared, settings};
use crate::render::sections::notes::{accepted, unprotected, warnings};
use crate::render::shown::{Labelled, Shown};

/// Replicas under maintenance shown by name.
const NAMED_MAX: usize = 3;
/// Groups of a selection that are named.
const SELECTED_NAMED: usize = 8;

/// A line or more of each.
pub(super) fn section_of_notes(shown: &Shown<'_>) -> Section {
    let plan = shown.plan;
    let mut blocks = vec![
        Block::Settings(settings(plan, |change| !change.weakens())),
        Block::Asides(compared(plan, shown.verbose)),
    ];
    let sections = [accepted(plan), warnings(&plan.warnings, |_| true), unprotected(plan)];
    blocks.extend(sections.into_iter().flat_map(|section| section.blocks));
    blocks.push(Block::Asides(maintenance(shown)));
    blocks.push(Block::Asides(source_maintenance(shown)));
    blocks.extend(selection(plan));
    let mut last = left_out(plan);
    if plan.observed_clock.overridden {
        last.push(Fact::new("clock", Phrase::from("DRSYNC_NOW, ").and(plan.observed_clock.now)));
    }
    blocks.push(Block::Asides(last));
    Section::dense(blocks)
}

/// What protects less than before, a line a setting.
pub(super) fn weaker(plan: &Plan) -> Section {
    Block::Settings(settings(plan, SettingChange::weakens)).into()
}

/// With what the settings were compared.
fn compared(plan: &Plan, verbose: bool) -> Vec<Fact> {
    let all = all_compared(plan).into_iter().map(|with| {
        let holds = "; what changed holds from the next round, applied or not";
        Fact::new("compared", Phrase::from("with ").and(Phrase::from_others(with)).and(holds))
    });
    let nothing = plan.workspaces.iter().filter_map(|it| it.settings_not_compared.as_ref());
    // Where something is hidden a warning says it.
    let quiet = nothing.filter(|it| verbose && !it.hides(plan.selection.changed)).map(|nothing| {
        Fact::new(
            "compared",
            Phrase::from("with nothing: ").and(Phrase::from_others(nothing.describe())),
        )
    });
    all.chain(quiet).collect()
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
        | WarningCode::SettingsNotCompared
        | WarningCode::RecordNotBelieved
        | WarningCode::CommitInFuture
        | WarningCode::CutInFuture => true,
    }
}

/// Those that a screen without anything to do counts.
pub(super) fn section_of_told_warnings(plan: &Plan) -> Section {
    warnings(&plan.warnings, tells)
}

/// How many tables are left out, and what names them.
pub(super) fn unprotected_count(plan: &Plan) -> Vec<Fact> {
    let tables = match plan.unprotected.len() {
        0 => return vec![],
        number => plural(number, "table"),
    };
    let status = Phrase::command(Command::new(Verb::Status).word("--unprotected"));
    vec![Fact::new("not copied", Phrase::from(format!("{tables}: ")).and(status))]
}

/// The groups whose maintenance is told.
fn looked_at<'a, 'b>(shown: &'b Shown<'a>) -> impl Iterator<Item = &'b Labelled<'a>> {
    let groups = shown.groups.iter();
    groups.filter(|entry| shown.verbose || entry.group.decision != Decision::UpToDate)
}

/// Maintenance on replicas is harmless and said in one line each.
fn maintenance(shown: &Shown<'_>) -> Vec<Fact> {
    let seen = looked_at(shown)
        .flat_map(|entry| &entry.group.drift)
        .filter(|drift| drift.theirs.is_empty())
        .filter_map(|drift| {
            let last = drift.maintenance.last()?;
            let by =
                last.user.as_ref().map(|user| Phrase::from(" by ").and(Phrase::from_others(user)));
            let compared = |commit: &DriftCommit| commit.rows_compared != Some(false);
            let harmless = if drift.maintenance.iter().all(compared) {
                ": harmless"
            } else {
                ": maintenance by its name, its rows were not compared"
            };
            let commit = commit(Phrase::name(&drift.table), last);
            Some(commit.and(by.unwrap_or_default()).and(harmless))
        });
    mentioned(shown, seen.collect(), "replica")
}

/// `main.core.gold  OPTIMIZE v12`.
fn commit(table: Phrase, commit: &DriftCommit) -> Phrase {
    table.and("  ").and(Phrase::from_others(&commit.operation)).and(format!(" v{}", commit.version))
}

/// Maintenance on sources of whose rows nothing tells, in one line each.
fn source_maintenance(shown: &Shown<'_>) -> Vec<Fact> {
    let seen = looked_at(shown).flat_map(|entry| &entry.group.source_maintenance);
    let seen = seen.filter_map(|of| {
        let says = " in the primary: maintenance by its name, its rows were not compared";
        Some(commit(Phrase::name(&of.table), of.commits.last()?).and(says))
    });
    mentioned(shown, seen.collect(), "source")
}

/// A line each, of so many tables at most.
fn mentioned(shown: &Shown<'_>, seen: Vec<Phrase>, what: &str) -> Vec<Fact> {
    let more = if shown.verbose { 0 } else { seen.len().saturating_sub(NAMED_MAX) };
    let told = seen.len() - more;
    let more = (more > 0)
        .then(|| format!("maintenance on {}", plural(more, &format!("more {what}"))).into());
    let says = seen.into_iter().take(told).chain(more);
    says.map(|says| Fact::new("mentioned", says)).collect()
}

/// What is not part of a plan of what the configuration changes, in one line.
pub(super) fn left_out(plan: &Plan) -> Vec<Fact> {
    let said = plan.due_anyway.as_ref().and_then(due_anyway);
    let said = said.map(|said| format!("{said}: not changed by the configuration"));
    said.map(|said| Fact::new("not in it", said)).into_iter().collect()
}

/// `2 groups due anyway, 1.4 GiB; 1 blocked, 9 waiting`; `None`: nothing was left out.
pub(super) fn due_anyway(due: &DueAnyway) -> Option<String> {
    let all = Tally::of_due(due);
    let mut says = vec![];
    if all.sync > 0 {
        let size = match due.copy_bytes {
            0 => String::new(),
            size => format!(", {}", bytes_short(size)),
        };
        says.push(format!("{} due anyway{size}", plural(all.sync, "group")));
    }
    if all.others().iter().any(|(number, _)| *number > 0) {
        says.push(tally(&all.others()));
    }
    (!says.is_empty()).then(|| says.join("; "))
}

/// What was left out on request: the plan does not speak for it.
fn selection(plan: &Plan) -> [Block; 2] {
    let names = |word, names: &[String]| {
        let names = names.iter().cloned().map(|name| NameNote { name, group: None, why: None });
        let names = names.collect();
        Block::Names(NamesInRow { word, noun: "group", names, few: SELECTED_NAMED, says: None })
    };
    [names("only", &plan.selection.only), names("left out", &plan.selection.exclude)]
}

/// `drsync.json: 655 tables in 12 groups`, and where to where.
pub(super) fn source(plan: &Plan) -> Section {
    let tables: usize = plan.groups().map(|(_, group)| group.tables).sum();
    let groups = plural(plan.groups().count(), "group");
    let source = Phrase::from_others(&plan.config.source)
        .and(format!(": {} in {groups}", plural(tables, "table")));
    let facts = plan.workspaces.iter().flat_map(|workspace| {
        let place = |seen: &RegionSeen| Phrase::from_others(&seen.location);
        let seen = &workspace.observed;
        [
            Fact::new("", Phrase::name(&workspace.name)),
            Fact::new("from", place(&seen.primary)).under(),
            Fact::new("to", place(&seen.secondary)).under(),
        ]
    });
    Section::dense([Block::Words(source), Block::Facts(facts.collect())])
}
