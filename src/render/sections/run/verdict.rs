//! How an apply ended, in one line.

use super::metadata::{self, MetadataWritten};
use super::word;
use crate::apply::DEADLINE;
use crate::figures::{plural, tally};
use crate::harmless::name;
use crate::layout::{first_line, has_room};
use crate::ledger::cut_label;
use crate::plan::Plan;
use crate::record::{GroupOutcome, GroupRecord, RunRecord};
use crate::render::away;
use crate::text::capital;

/// How an apply ended, in one line.
pub(in crate::render) struct Verdict {
    pub(in crate::render) line: String,
    /// It says what was done to the metadata tables.
    pub(super) tells_metadata: bool,
}

impl From<String> for Verdict {
    fn from(line: String) -> Verdict {
        Verdict { line, tells_metadata: false }
    }
}

/// How it ended; without its plan, which knows why a region was away.
pub(in crate::render) fn verdict(plan: Option<&Plan>, record: &RunRecord) -> Verdict {
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
        let away = capital(&record.exit.name);
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
        _ if trouble == 0 => match metadata::metadata_written(record) {
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
fn of_metadata(written: &MetadataWritten, blocked: Option<String>, all_else: &str) -> Verdict {
    let (what, how) = (written.what(), written.how());
    let tells_metadata = blocked.is_none() && has_room(&what, &how);
    let clauses = blocked.into_iter().chain([how, all_else.to_owned()]);
    Verdict { line: first_line(what, clauses), tells_metadata }
}

/// A region went away after the plan was made.
pub(in crate::render) const REGION_AWAY: u8 = 8;

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
    match metadata::metadata_written(record) {
        Some(written) => of_metadata(&written, blocked, "; all else was done before"),
        None => first_line("Nothing to do: done before".to_owned(), blocked.or(cuts)).into(),
    }
}

/// How many groups ended in which way.
fn number(record: &RunRecord, outcome: GroupOutcome) -> usize {
    record.groups.iter().filter(|group| group.outcome == outcome).count()
}
