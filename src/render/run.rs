//! What an apply did: the verdict, a line a group, and where it is recorded.

mod metadata;

use std::collections::BTreeMap;

use metadata::Written;
pub(super) use metadata::written as written_metadata;

use super::away::{self, Away};
use super::clean::{clean, name};
use super::figures::{bytes, count, elapsed, plural, short, tally};
use super::layout::{few, first_line, hanging, has_room, pad, pad_left, width};
use super::protection::told;
use super::shown::{Shown, label};
use super::{Page, Style, Tone};
use crate::apply::{
    DEADLINE, Ending, GroupOutcome, GroupRecord, Recorded, RunRecord, TableOutcome, TableRecord,
};
use crate::ledger::cut_label;
use crate::plan::document::WorkspacePlan;
use crate::plan::{GroupPlan, Plan, Role};

/// What there is to say of a group that was stopped, beside that word.
pub(super) const GOES_ON: &str = "the next apply continues";
/// Groups of one outcome that get a line of their own.
const LINES_MAX: usize = 15;
/// Groups of one outcome that get a line where nothing went wrong with them.
const GOOD_LINES_MAX: usize = 10;

/// Registered replicas that are named.
const REGISTERED_NAMED: usize = 5;

/// The summary of an apply; `kept` is where its record lies on this machine.
pub fn text(plan: &Plan, record: &RunRecord, kept: Option<&str>, style: &Style) -> String {
    let mut page = Page::default();
    let verdict = verdict(Some(plan), record);
    let metadata = metadata::written(record).filter(|_| !verdict.tells_metadata);
    page.block(vec![style.paint(Tone::Strong, &with_figures(&verdict.line, record, style))]);
    if nothing(record) && away::verdict(plan).is_none() && !style.verbose {
        return page.text();
    }
    page.block(away::facts(plan, style));
    let shown = Shown::of(plan, *style);
    page.block(away::groups(&shown));
    page.block(groups(plan, record, style));
    let unavailable = away::verdict(plan).is_some() || record.exit.code == REGION_AWAY;
    if unavailable && !away::needs_a_hand(plan) {
        let text = "Nothing to repair by hand: the next apply synchronizes what is due and brings both regions' metadata tables up to date.";
        page.block(hanging("", text, style.width));
    }
    page.block(settings(plan, record, style));
    page.block(warnings(record, style));
    page.block(registered(record, style));
    let metadata = metadata.map(|written| hanging("", &written.sentence(), style.width));
    page.block(metadata.unwrap_or_default());
    page.block(recorded(plan, record, kept, style));
    page.text()
}

/// The verdict and the groups.
pub fn outline(plan: &Plan, record: &RunRecord, style: &Style) -> Vec<String> {
    let mut page = Page::default();
    let verdict = verdict(Some(plan), record);
    page.block(vec![style.paint(Tone::Strong, &with_figures(&verdict.line, record, style))]);
    page.block(groups(plan, record, style));
    page.lines()
}

/// Settings that are others from this apply on, and whether somebody approved what is weaker.
fn settings(plan: &Plan, record: &RunRecord, style: &Style) -> Vec<String> {
    let several = plan.workspaces.len() > 1;
    let mut lines = Vec::new();
    for changed in &record.settings_changed {
        for change in &changed.changes {
            let told = told(several, &changed.workspace, change);
            let unseen = change.weakens() && !changed.reviewed;
            let approved = if unseen { "; no approved plan covers it" } else { "" };
            let text = format!("{}  {}{approved}", told.who, told.sentence());
            lines.extend(hanging(&format!("{}  ", pad(told.word, 12)), &text, style.width));
        }
    }
    lines
}

/// How many groups ended in which way.
fn number(record: &RunRecord, outcome: GroupOutcome) -> usize {
    record.groups.iter().filter(|group| group.outcome == outcome).count()
}

/// Whether nothing was done and nothing stands in the way.
fn nothing(record: &RunRecord) -> bool {
    record.warnings.is_empty()
        && record.settings_changed.is_empty()
        && record.registered.is_empty()
        && record.metadata.is_empty()
        && record.groups.iter().all(|group| match group.outcome {
            GroupOutcome::UpToDate | GroupOutcome::Waiting | GroupOutcome::Overtaken => true,
            GroupOutcome::Synchronized
            | GroupOutcome::Blocked
            | GroupOutcome::Failed
            | GroupOutcome::Stale
            | GroupOutcome::NotStarted => false,
        })
}

/// How an apply ended, in one line.
pub(super) struct Verdict {
    pub(super) line: String,
    /// It says what was done to the metadata tables.
    pub(super) tells_metadata: bool,
}

impl From<String> for Verdict {
    fn from(line: String) -> Verdict {
        Verdict { line, tells_metadata: false }
    }
}

/// How it ended; without its plan, which knows why a region was away.
pub(super) fn verdict(plan: Option<&Plan>, record: &RunRecord) -> Verdict {
    let synchronized = number(record, GroupOutcome::Synchronized);
    let overtaken = number(record, GroupOutcome::Overtaken);
    let trouble: usize = [
        GroupOutcome::Failed,
        GroupOutcome::Blocked,
        GroupOutcome::Stale,
        GroupOutcome::NotStarted,
    ]
    .into_iter()
    .map(|outcome| number(record, outcome))
    .sum();
    if synchronized == 0
        && let Some(line) = plan.and_then(away::verdict)
    {
        return line.into();
    }
    if record.exit.code == REGION_AWAY {
        let away = sentence(&record.exit.name);
        let line = match trouble {
            0 => format!("{away}: its metadata tables are behind"),
            held => format!("{away}: {} not synchronized, cuts are kept", plural(held, "group")),
        };
        return line.into();
    }
    let parts = parts(record);
    let word = match record.exit.code {
        130 | 143 => "Interrupted",
        DEADLINE => "Stopped at the deadline",
        5 => return stale(record).into(),
        _ if trouble == 0 && synchronized > 0 => return synchronized_all(&parts).into(),
        _ if synchronized == 0
            && overtaken > 0
            && trouble == number(record, GroupOutcome::Blocked) =>
        {
            return done_before(record);
        }
        _ if trouble == 0 => match metadata::written(record) {
            Some(written) => return of_metadata(&written, None, "; nothing to copy"),
            None => "Nothing to do",
        },
        4 => "Partial",
        _ if synchronized > 0 => "Partial",
        _ => "Failed",
    };
    format!("{word}: {}", tally(&parts)).into()
}

/// The verdict where the metadata tables are what was written, with what is blocked before and all else after the details.
fn of_metadata(written: &Written, blocked: Option<String>, all_else: &str) -> Verdict {
    let (what, how) = (written.what(), written.how());
    let tells_metadata = blocked.is_none() && has_room(&what, &how);
    let clauses = blocked.into_iter().chain([how, all_else.to_owned()]);
    Verdict { line: first_line(what, clauses), tells_metadata }
}

/// A region went away after the plan was made.
pub(super) const REGION_AWAY: u8 = 8;

/// A name as the beginning of a line.
fn sentence(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// Every group has moved: nothing of the plan can be applied any more.
fn stale(record: &RunRecord) -> String {
    let groups = plural(number(record, GroupOutcome::Stale), "group");
    format!("Stale: what the plan was computed from has moved in {groups}; plan again")
}

fn parts(record: &RunRecord) -> Vec<(usize, &'static str)> {
    let number = |outcome: &str| {
        let groups = record.groups.iter();
        groups.filter(|group| word(group) == outcome).count()
    };
    [
        " synchronized",
        " failed",
        " blocked",
        " stale",
        " stopped",
        " not started",
        " overtaken",
        " waiting",
        " up to date",
    ]
    .map(|word| (number(word.trim_start()), word))
    .to_vec()
}

/// How a group ended; one that was stopped at work has a word of its own.
fn word(group: &GroupRecord) -> &'static str {
    if was_stopped(group) { "stopped" } else { group.outcome.as_str() }
}

/// Whether it was stopped at work. Records before version 1.2 tell by its tables.
fn was_stopped(group: &GroupRecord) -> bool {
    match &group.ending {
        Some(ending) => *ending == Ending::Interrupted,
        None => group.outcome == GroupOutcome::NotStarted && !group.tables.is_empty(),
    }
}

/// `Synchronized: 2 groups, 10 up to date`.
fn synchronized_all(parts: &[(usize, &str)]) -> String {
    let mut parts = parts.to_vec();
    if let Some(first) = parts.first_mut() {
        first.1 = "";
    }
    format!("Synchronized: {}", tally(&parts))
}

/// What the plan holds was done before, by an apply of it or another: its cuts are there, and what it blocked is blocked.
fn done_before(record: &RunRecord) -> Verdict {
    let groups = record.groups.iter();
    let done: Vec<&GroupRecord> =
        groups.filter(|group| group.outcome == GroupOutcome::Overtaken).collect();
    let cuts = match done.as_slice() {
        [group] => group.cut.zip(group.recovery_point).map(|(cut, point)| {
            let label = cut_label(cut, point);
            format!(", {} is at {label}", name(&group.name))
        }),
        many => Some(format!(", {} are at their cuts", plural(many.len(), "group"))),
    };
    let blocked = match number(record, GroupOutcome::Blocked) {
        0 => None,
        blocked => Some(format!("; {} blocked", plural(blocked, "group"))),
    };
    match metadata::written(record) {
        Some(written) => of_metadata(&written, blocked, "; all else was done before"),
        None => first_line("Nothing to do: done before".to_owned(), blocked.or(cuts)).into(),
    }
}

/// The verdict, and at the right margin, where there is room, how long it took and how much was copied.
fn with_figures(verdict: &str, record: &RunRecord, style: &Style) -> String {
    if nothing(record) {
        return verdict.to_owned();
    }
    let mut figures = elapsed(record.ended_at - record.started_at);
    if record.summary.copied_bytes > 0 {
        figures.push_str(&format!(", {}", bytes(record.summary.copied_bytes)));
    }
    let room = style.width.saturating_sub(width(verdict));
    if width(&figures) + 3 <= room {
        format!("{verdict}{}", pad_left(&figures, room))
    } else {
        verdict.to_owned()
    }
}

fn groups(plan: &Plan, record: &RunRecord, style: &Style) -> Vec<String> {
    let told: Vec<&GroupRecord> = record
        .groups
        .iter()
        .filter(|group| style.verbose || tells(group.outcome))
        .filter(|group| !held_by_region(plan, group))
        .collect();
    let label = |group: &GroupRecord| label(plan, &group.workspace, &group.name);
    let told: Vec<(String, Vec<&GroupRecord>)> = alike(&told)
        .into_iter()
        .map(|alike| match alike.as_slice() {
            [group] => (label(group), alike),
            many => (plural(many.len(), "group"), alike),
        })
        .collect();
    let names = told.iter().map(|(label, _)| width(label)).max().unwrap_or(0).clamp(12, 28) + 3;
    // Lines of an outcome, and groups that got none.
    let mut numbers: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut lines = vec![];
    for (heading, alike) in &told {
        let group = alike[0];
        let word = word(group);
        let (shown, hidden) = numbers.entry(word).or_default();
        if !style.verbose && *shown == limit(group.outcome) {
            *hidden += alike.len();
            continue;
        }
        *shown += 1;
        let mut head = format!("{}{}", pad(word, 14), pad(heading, names));
        if !head.ends_with("  ") {
            head.push_str("  ");
        }
        let text = match alike.as_slice() {
            [group] => said(plan, group),
            many => {
                let labels: Vec<String> = many.iter().map(|group| label(group)).collect();
                let message = many[0].message.as_ref().map_or(String::new(), clean);
                format!("{}: {message}", few(&labels, 5))
            }
        };
        let mut entry = hanging(&head, &text, style.width);
        if let Some(first) = entry.first_mut() {
            *first = first.replacen(word, &style.paint(tone(group.outcome), word), 1);
        }
        lines.append(&mut entry);
        lines.extend(troubles(group, style));
    }
    for (word, (_, hidden)) in numbers {
        if hidden > 0 {
            lines.push(format!("{}{hidden} more groups", pad(word, 14)));
        }
    }
    lines
}

/// Groups of a workspace that failed by one region are told together; every other stands alone.
fn alike<'a>(groups: &[&'a GroupRecord]) -> Vec<Vec<&'a GroupRecord>> {
    let cause = |group: &'a GroupRecord| {
        let ending = group.ending.as_ref().filter(|ending| ending.is_of_region())?;
        failed_tables(group).next().is_none().then_some((&group.workspace, ending))
    };
    let mut all: Vec<Vec<&GroupRecord>> = vec![];
    for group in groups {
        let same = |others: &&mut Vec<&'a GroupRecord>| {
            cause(group).is_some() && cause(others[0]) == cause(group)
        };
        match all.iter_mut().find(same) {
            Some(others) => others.push(group),
            None => all.push(vec![group]),
        }
    }
    all
}

fn limit(outcome: GroupOutcome) -> usize {
    match outcome {
        GroupOutcome::Synchronized => GOOD_LINES_MAX,
        GroupOutcome::UpToDate
        | GroupOutcome::Overtaken
        | GroupOutcome::Waiting
        | GroupOutcome::Blocked
        | GroupOutcome::Failed
        | GroupOutcome::Stale
        | GroupOutcome::NotStarted => LINES_MAX,
    }
}

/// Groups that only a region held up are told with it.
fn held_by_region(plan: &Plan, group: &GroupRecord) -> bool {
    group.outcome != GroupOutcome::Synchronized
        && plan.groups().any(|(workspace, planned)| {
            workspace.name == group.workspace
                && planned.name == group.name
                && away::only_away(workspace, planned)
        })
}

fn tells(outcome: GroupOutcome) -> bool {
    match outcome {
        GroupOutcome::UpToDate | GroupOutcome::Waiting => false,
        GroupOutcome::Synchronized
        | GroupOutcome::Overtaken
        | GroupOutcome::Blocked
        | GroupOutcome::Failed
        | GroupOutcome::Stale
        | GroupOutcome::NotStarted => true,
    }
}

fn tone(outcome: GroupOutcome) -> Tone {
    match outcome {
        GroupOutcome::Synchronized | GroupOutcome::UpToDate | GroupOutcome::Overtaken => Tone::Good,
        GroupOutcome::Blocked | GroupOutcome::Failed => Tone::Bad,
        GroupOutcome::Waiting | GroupOutcome::Stale | GroupOutcome::NotStarted => Tone::Wait,
    }
}

/// What there is to say of a group.
fn said(plan: &Plan, group: &GroupRecord) -> String {
    let cut = match (group.cut, group.recovery_point) {
        (Some(cut), Some(point)) => Some(cut_label(cut, point)),
        (Some(cut), None) => Some(format!("cut {cut}")),
        (None, _) => None,
    };
    let message = if was_stopped(group) {
        Some(GOES_ON.to_owned())
    } else {
        group.message.as_ref().map(clean)
    };
    let message = blocked(plan, group).or(tables_failed(group)).or(message);
    if group.outcome == GroupOutcome::Overtaken {
        return message.or(cut).unwrap_or_default();
    }
    if group.outcome != GroupOutcome::Synchronized {
        let kept = cut.map(|cut| format!("keeps {cut}"));
        let said: Vec<String> = message.into_iter().chain(kept).collect();
        return said.join("; ");
    }
    let mut said: Vec<String> = cut.into_iter().collect();
    said.push(plural(group.tables.len(), "table"));
    said.extend(rows(&group.tables));
    said.extend(message);
    said.join(", ")
}

/// How many of its tables failed; each has lines of its own.
fn tables_failed(group: &GroupRecord) -> Option<String> {
    match failed_tables(group).count() {
        0 => None,
        failed => Some(format!("{failed} of {} failed", plural(group.tables.len(), "table"))),
    }
}

/// The tables that failed, where that is why the group did.
fn failed_tables(group: &GroupRecord) -> impl Iterator<Item = &TableRecord> {
    let tables = group.tables.iter().filter(|table| {
        group.outcome == GroupOutcome::Failed && table.outcome == TableOutcome::Failed
    });
    tables.filter(|table| table.message.is_some())
}

/// What blocks a group that the plan held as blocked.
fn blocked(plan: &Plan, group: &GroupRecord) -> Option<String> {
    if group.outcome != GroupOutcome::Blocked {
        return None;
    }
    let (workspace, planned) = plan.groups().find(|(workspace, planned)| {
        workspace.name == group.workspace && planned.name == group.name
    })?;
    blocking(workspace, planned)
}

/// What blocks a group of a plan, in short; that a region is away has been said.
pub(super) fn blocking(workspace: &WorkspacePlan, planned: &GroupPlan) -> Option<String> {
    let away = Away::of(workspace);
    let findings: Vec<String> = planned
        .findings
        .iter()
        .filter(|finding| finding.blocks() && !away.says(finding.code))
        .map(|finding| match &finding.table {
            Some(table) => format!("{} {}", name(table), finding.code.as_str()),
            None => format!("{}: {}", finding.code.as_str(), clean(&finding.message)),
        })
        .collect();
    (!findings.is_empty()).then(|| few(&findings, 2))
}

/// `18,204,118 rows on both sides` where every table was counted, `row counts equal` where every copied one was.
fn rows(tables: &[TableRecord]) -> Option<String> {
    let counted = |table: &TableRecord| {
        let verified = table.verified.as_ref()?;
        let (source, replica) = (verified.source_rows?, verified.replica_rows?);
        (source == replica).then_some(source)
    };
    let mut counts = tables.iter().map(counted);
    let all = counts.try_fold(0, |all: u64, more| Some(all.saturating_add(more?)));
    if let Some(all) = all.filter(|_| !tables.is_empty()) {
        return Some(format!("{} rows on both sides", count(all)));
    }
    let mut copied =
        tables.iter().filter(|table| table.outcome != TableOutcome::Unchanged).peekable();
    (copied.peek().is_some() && copied.all(|table| counted(table).is_some()))
        .then(|| "row counts equal".to_owned())
}

/// Why tables of a group failed.
fn troubles(group: &GroupRecord, style: &Style) -> Vec<String> {
    let limit = if style.verbose { usize::MAX } else { 3 };
    let mut lines = vec![];
    for table in failed_tables(group).take(limit) {
        let subject = name(&table.table);
        let why = table.why.as_ref().or(table.message.as_ref()).map_or(String::new(), clean);
        let tried = table
            .attempts
            .filter(|attempts| *attempts > 1)
            .map_or(String::new(), |attempts| format!(" after {attempts} attempts"));
        let text = format!("{subject}{tried}: {why}");
        lines.extend(hanging("  ! ", &text, style.width));
    }
    if let more @ 1.. = failed_tables(group).count().saturating_sub(limit) {
        lines.push(format!("    {} failed", plural(more, "more table")));
    }
    lines
}

fn warnings(record: &RunRecord, style: &Style) -> Vec<String> {
    let warnings = record.warnings.iter();
    let lines =
        warnings.map(|warning| hanging("warning       ", &clean(&warning.message), style.width));
    lines.flatten().collect()
}

/// Which replicas are now in the secondary's own catalog.
fn registered(record: &RunRecord, style: &Style) -> Vec<String> {
    if record.registered.is_empty() {
        return vec![];
    }
    let names: Vec<String> = record.registered.iter().map(ToString::to_string).collect();
    let limit = if style.verbose { usize::MAX - 1 } else { REGISTERED_NAMED };
    let text = format!("Registered in the secondary's catalog: {}", clean(&few(&names, limit)));
    hanging("", &text, style.width)
}

/// What a round that had nothing to do says all the same: what it registered, and what stood in the way.
pub fn aside(record: &RunRecord, style: &Style) -> Option<String> {
    let mut page = Page::default();
    page.block(warnings(record, style));
    page.block(registered(record, style));
    Some(page.text()).filter(|text| !text.trim().is_empty())
}

/// Whether all primaries have taken down all that they were to of some kinds, and all secondaries; `None`: nobody was to.
fn holders(record: &RunRecord, of: &[Recorded]) -> Option<(bool, bool)> {
    let recorded = record.recorded.as_ref()?;
    let answers = |region: Role| {
        let taken = recorded.iter().map(move |recorded| match region {
            Role::Primary => recorded.primary,
            Role::Secondary => recorded.secondary,
        });
        let each = taken.flat_map(|taken| of.iter().map(move |what| taken.get(*what)));
        each.flatten().collect::<Vec<bool>>()
    };
    let [primary, secondary] = [Role::Primary, Role::Secondary].map(answers);
    let all = |answers: &[bool]| !answers.is_empty() && answers.iter().all(|taken| *taken);
    (!primary.is_empty() || !secondary.is_empty()).then(|| (all(&primary), all(&secondary)))
}

/// Where an apply is recorded: what each region took down, and the record's digest, against which it can be checked later.
fn recorded(plan: &Plan, record: &RunRecord, kept: Option<&str>, style: &Style) -> Vec<String> {
    if !plan.applyable {
        return vec![];
    }
    let run = short(&record.run_id);
    let tables = holders(record, &[Recorded::Rows, Recorded::Cuts]);
    let mut text = match tables {
        // Records of older versions do not tell.
        None => format!("Recorded as {run}"),
        Some((true, true)) => format!("Recorded in both regions as {run}"),
        Some((true, false)) => format!("Recorded in the primary only as {run}"),
        Some((false, true)) => format!("Recorded in the secondary only as {run}"),
        Some((false, false)) => format!("Run {run} is recorded in neither region"),
    };
    // A record that was kept cannot tell of itself.
    let told = holders(record, &[Recorded::Record]).is_some();
    let evidence = holders(record, &[Recorded::Record, Recorded::Plan]).filter(|_| told);
    if evidence.is_some() && evidence != tables {
        text.push_str(match evidence {
            None => "",
            Some((true, true)) => ", its plan and run record in both",
            Some((true, false)) => ", but its plan and run record in the primary only",
            Some((false, true)) => ", but its plan and run record in the secondary only",
            Some((false, false)) => ", but its plan and run record in none",
        });
    }
    if let Some(kept) = kept {
        text.push_str(&format!("; here: {}", clean(kept)));
    }
    let mut lines = hanging("", &text, style.width);
    // What is meant to be copied stands alone on its line.
    let digest = record.record_sha256.as_deref();
    lines.extend(digest.map(|digest| format!("sha256 {}", clean(digest))));
    lines
}
