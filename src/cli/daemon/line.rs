//! What a daemon says: one line a thing, each with its moment.
//!
//! These are lines of a log and no page: they are followed as they come, counted and searched by their second word, and there is
//! no other form in which anybody reads them. Whoever wants it in blocks asks for the status, or reads the run record.

use chrono::{DateTime, TimeDelta, Utc};

use crate::apply::RunRecord;
use crate::cli::{ExitStatus, output};
use crate::figures::id_end;
use crate::files;
use crate::limits::SMALL_FILE;
use crate::metrics::{GroupMeasured, Measured};
use crate::notify::{Delivery, DeliveryOutcome};
use crate::plan::{Decision, Plan};
use crate::render::clean;
use crate::text::{plural, span};

/// One line of a daemon's log.
pub(super) struct DaemonLine<'a> {
    pub(super) at: DateTime<Utc>,
    pub(super) word: &'a str,
    pub(super) text: &'a str,
}

impl DaemonLine<'_> {
    pub(super) fn write(&self) {
        let DaemonLine { at, word, text } = self;
        let at = at.format("%Y-%m-%d %H:%M:%SZ");
        output::note(&format!("{at} {word:<8} {}", clean(text)));
    }
}

/// A thing to say once: its word, by what it is known again, and its text.
pub(super) type Once = (&'static str, String, String);

/// How many groups a round brings on.
pub(super) fn begins(plan: &Plan, whole: bool) -> String {
    let of = |decision| plan.decided(decision).count();
    let (sync, blocked) = (of(Decision::Sync), of(Decision::Blocked));
    let (up_to_date, waiting) = (of(Decision::UpToDate), of(Decision::Waiting));
    let mut text = format!("{}: {sync} due", plural(plan.groups().count(), "group"));
    for (count, word) in [(blocked, "blocked"), (up_to_date, "up to date"), (waiting, "waiting")] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    if !whole {
        text.push_str("; a workflow finished");
    }
    for workspace in &plan.workspaces {
        let seen = [
            ("primary", &workspace.observed.primary),
            ("secondary", &workspace.observed.secondary),
        ];
        for (side, _) in seen.into_iter().filter(|(_, region)| region.is_away()) {
            text.push_str(&format!("; the {side} of {} does not answer", workspace.name));
        }
    }
    text
}

/// Groups that are blocked, with their findings.
pub(super) fn lines_of_blocked(plan: &Plan) -> Vec<Once> {
    let groups = plan.decided(Decision::Blocked);
    groups
        .map(|(workspace, group)| {
            let findings = group.findings.iter().filter(|finding| finding.blocks());
            let codes: Vec<String> = findings
                .map(|finding| match &finding.table {
                    Some(table) => format!("{} {table}", finding.code.as_str()),
                    None => finding.code.as_str().to_owned(),
                })
                .collect();
            let text = format!("{}  {}", group.name, codes.join(", "));
            ("blocked", format!("{} {text}", workspace.name), text)
        })
        .collect()
}

/// What is not wrong yet.
pub(super) fn warnings(plan: &Plan) -> Vec<Once> {
    let key = |warning: &crate::plan::Warning| {
        let place = [&warning.workspace, &warning.group, &warning.table];
        format!("{} {place:?}", warning.code.as_str())
    };
    let warnings = plan.warnings.iter();
    warnings
        .map(|warning| {
            let about = warning.table.as_ref().or(warning.group.as_ref());
            let about = about.map_or(String::new(), |about| format!("{about}: "));
            let text = format!("{}  {about}{}", warning.code.as_str(), warning.message);
            ("warning", key(warning), text)
        })
        .collect()
}

/// How a round ended, and when the next one begins.
pub(super) fn ends(
    record: &RunRecord,
    exit: ExitStatus,
    took: TimeDelta,
    next: DateTime<Utc>,
) -> String {
    let run = id_end(&record.run_id);
    let took = span(took.num_seconds().max(0));
    let next = next.format("%H:%M:%SZ");
    format!("{run}  {} in {took}; next {next}", exit.name())
}

/// What became of messages.
pub(super) fn count_answers(answers: &[Delivery]) -> String {
    let of = |outcome| answers.iter().filter(|answer| answer.outcome == outcome).count();
    let mut parts = vec![format!("{} sent", plural(of(DeliveryOutcome::Sent), "message"))];
    for outcome in [DeliveryOutcome::Deferred, DeliveryOutcome::Refused, DeliveryOutcome::Dropped] {
        if of(outcome) > 0 {
            parts.push(format!("{} {}", of(outcome), outcome.as_str()));
        }
    }
    parts.join(", ")
}

/// What a day came to.
pub(super) fn alive(rounds: usize, measured: &Measured) -> String {
    let mut text = plural(rounds, "round");
    let share = |group: &&GroupMeasured| {
        let (lag, objective) = group.lag_seconds.zip(group.objective_seconds)?;
        Some((i128::from(lag) << 20) / i128::from(objective.max(1)))
    };
    let worst = measured.groups.iter().filter(|it| share(it).is_some()).max_by_key(share);
    if let Some((lag, objective)) = worst.and_then(|it| it.lag_seconds.zip(it.objective_seconds)) {
        text.push_str(&format!("; worst lag {} of {}", span(lag), span(objective)));
    }
    if let Some(mebibytes) = memory() {
        text.push_str(&format!("; memory {mebibytes} MiB"));
    }
    text
}

/// Memory of this process, where the system tells.
fn memory() -> Option<u64> {
    let path = format!("/proc/{}/statm", std::process::id());
    let text = files::read_text(std::path::Path::new(&path), &SMALL_FILE).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(rustix::param::page_size() as u64) >> 20)
}
