//! The cut log for people and programs: when a group was whole, by what, and who saw to it.

mod period;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub(super) use period::{NO_CUT_YET, doubts, origin_of_settings, percent};

use super::clean::{clean, name};
use super::figures::{moment, plural, short};
use super::layout::{first_line, hanging, table};
use super::shown::label_among;
use super::{Page, Style, Tone};
use crate::history::Period;
use crate::ledger::Cut;
use crate::plan::Refused;

/// What `kind` says of a history.
pub const KIND: &str = "drsync.history";
/// The version of the document that this drsync writes.
pub const FORMAT_VERSION: &str = "1.0";

/// The cuts of every workspace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    /// `drsync.history`.
    pub kind: String,
    /// Major and minor version of this document's shape.
    pub format_version: String,
    /// One entry a workspace.
    pub workspaces: Vec<WorkspaceHistory>,
}

/// The cuts of one workspace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkspaceHistory {
    /// Its label.
    pub name: String,
    /// Regions whose copy was read.
    pub read: Vec<String>,
    /// Regions whose copy could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadRegion>,
    /// Cuts by group, newest first.
    pub cuts: Vec<Cut>,
    /// Groups of which run records tell of a later cut than both logs have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostCut>,
    /// What the run records of the period prove, where a period was asked for and the secondary could tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// Why there is no report although a period was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_missing: Option<String>,
}

/// A cut that a run record tells of and that the cut log does not have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LostCut {
    /// The group.
    pub group: String,
    /// The newest cut that a run record tells of.
    pub cut: u64,
    /// The apply whose record it is.
    pub run_id: String,
    /// The newest cut that the log has; `None`: it has none of the group.
    pub newest: Option<u64>,
}

impl LostCut {
    /// What is lost, and what tells of it.
    pub(in crate::render) fn sentence(&self) -> String {
        let LostCut { group, cut, run_id, newest } = self;
        let last = match newest {
            Some(newest) => format!("the cut log ends with cut {newest}"),
            None => "the cut log has no cut of it".to_owned(),
        };
        format!("ledger_lost: {group}: {last}, and apply {run_id} recorded cut {cut}")
    }
}

/// A region whose copy of the cut log could not be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnreadRegion {
    /// `primary` or `secondary`.
    pub region: String,
    /// What it answered.
    pub answer: String,
    /// It answers, and not with what was asked; absent where it gives no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
}

impl UnreadRegion {
    /// What is said of it.
    pub(super) fn verb(&self) -> &'static str {
        match self.refused {
            None => "does not answer",
            Some(Refused::Denied | Refused::Unreadable) => "cannot be read",
        }
    }
}

impl WorkspaceHistory {
    /// Whether a region gave no answer.
    pub(crate) fn is_away(&self, role: &str) -> bool {
        let mut unread = self.unread.iter();
        unread.any(|unread| unread.region == role && unread.refused.is_none())
    }
}

impl History {
    /// Puts the histories of all workspaces together.
    pub fn new(workspaces: Vec<WorkspaceHistory>) -> History {
        History { kind: KIND.to_owned(), format_version: FORMAT_VERSION.to_owned(), workspaces }
    }

    /// The document as it is printed: JSON with a line's end.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a history is plain JSON");
        bytes.push(b'\n');
        bytes
    }

    /// The reports of the period, of those workspaces whose records could be read.
    pub(super) fn periods(&self) -> impl Iterator<Item = &Period> {
        self.workspaces.iter().filter_map(|workspace| workspace.period.as_ref())
    }
}

/// Every cut, group by group, the newest first; `now` tells which were made under a clock that was ahead.
pub fn text(history: &History, style: &Style, now: DateTime<Utc>) -> String {
    let all = || history.workspaces.iter().flat_map(|workspace| &workspace.cuts);
    let mut page = Page::default();
    let newest = newest(history, now);
    let cuts = match newest {
        Some(_) => plural(all().count(), "cut"),
        None if history.workspaces.iter().all(|one| one.read.is_empty()) => {
            "Neither region available: nothing is known".to_owned()
        }
        None => "No cuts".to_owned(),
    };
    let said: Vec<String> = doubts(history).into_iter().chain([cuts]).collect();
    let newest = newest.map(|cut| {
        let group = name(&cut.group_name);
        format!("; the newest is {group} {}", cut.label())
    });
    let verdict = first_line(said.join(". "), newest);
    page.block(vec![style.paint(Tone::Strong, &verdict)]);
    for workspace in &history.workspaces {
        page.block(unread(workspace, style));
        let lost = workspace.lost.iter();
        page.block(
            lost.flat_map(|lost| hanging("", &clean(&lost.sentence()), style.width)).collect(),
        );
        if let Some(period) = &workspace.period {
            for block in period::blocks(&workspace.name, period, style) {
                page.block(block);
            }
        }
        if let Some(why) = &workspace.period_missing {
            let text = format!("no report of the period: {}", clean(why));
            page.block(hanging("", &text, style.width));
        }
        for group in workspace.cuts.chunk_by(|a, b| a.group_name == b.group_name) {
            page.block(one(history, workspace, group, style));
        }
    }
    page.text()
}

/// The newest cut. In a group numbers tell, whatever clocks say; between groups clocks do, save those that were ahead.
fn newest(history: &History, now: DateTime<Utc>) -> Option<&Cut> {
    let workspaces = history.workspaces.iter();
    let groups = workspaces
        .flat_map(|workspace| workspace.cuts.chunk_by(|a, b| a.group_name == b.group_name));
    let newest = groups.filter_map(|cuts| cuts.iter().max_by_key(|cut| cut.cut_number));
    newest.max_by_key(|cut| (cut.committed_at <= now, cut.committed_at, cut.cut_number))
}

/// Which regions could not be read, and why.
fn unread(workspace: &WorkspaceHistory, style: &Style) -> Vec<String> {
    let one_of_two = workspace.unread.len() == 1;
    let said = workspace.unread.iter().flat_map(|unread| {
        let (region, answer) = (clean(&unread.region), clean(&unread.answer));
        let mut text = format!("the {region} {}: {answer}", unread.verb());
        if one_of_two {
            text.push_str("; this is what the other region knows");
        }
        hanging("", &text, style.width)
    });
    said.collect()
}

fn one(
    history: &History,
    workspace: &WorkspaceHistory,
    cuts: &[Cut],
    style: &Style,
) -> Vec<String> {
    let Some(first) = cuts.first() else {
        return vec![];
    };
    let several = history.workspaces.len() > 1;
    let heading = label_among(several, &workspace.name, &first.group_name);
    let rows = cuts
        .iter()
        .map(|cut| {
            let trigger = match cut.workflow_run_id {
                Some(run) => format!("{} {run}", clean(&cut.trigger)),
                None => clean(&cut.trigger),
            };
            vec![
                cut.cut_number.to_string(),
                moment(cut.recovery_point),
                cut.consistency.as_str().to_owned(),
                trigger,
                cut.tables.len().to_string(),
            ]
        })
        .collect();
    let lines = table(&["cut", "moment", "consistency", "trigger", "tables"], rows);
    let mut all = vec![heading];
    let mut lines = lines.into_iter();
    all.extend(lines.next());
    for (line, cut) in lines.zip(cuts) {
        all.push(line);
        let by = format!(
            "by {} at {}, run {}",
            clean(&cut.committed_by),
            moment(cut.committed_at),
            short(&clean(&cut.run_id))
        );
        all.extend(hanging("       ", &by, style.width));
        if cut.is_role() {
            let active = cut.active.as_deref().map_or("nobody".to_owned(), name);
            let text = format!("{active} is active from here on, epoch {}", cut.epoch);
            all.extend(hanging("       ", &text, style.width));
            continue;
        }
        for risk in &cut.accepted {
            let text = format!(
                "accepted {} {}: \"{}\"",
                clean(&risk.code),
                name(&risk.scope),
                clean(&risk.reason)
            );
            all.extend(hanging("       ", &text, style.width));
        }
        if style.verbose {
            all.extend(cut.tables.iter().map(|entry| {
                format!(
                    "       {}  v{} in replica v{}",
                    name(&entry.table),
                    entry.source_version,
                    entry.replica_version
                )
            }));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(group: &str, number: u64, committed_at: &str) -> Cut {
        serde_json::from_value(serde_json::json!({
            "group_name": group, "cut_number": number, "recovery_point": "2026-11-22T10:00:00.000Z",
            "consistency": "point-in-time", "trigger": "schedule", "workflow_run_id": null,
            "planned_at": committed_at, "tables": [], "accepted": [], "plan_id": "P", "plan_sha256": "p",
            "run_id": "R", "epoch": 0, "committed_by": "user:a", "committed_at": committed_at,
            "previous_sha256": null,
        }))
        .unwrap()
    }

    fn named(cuts: Vec<Cut>) -> (String, u64) {
        let workspace = WorkspaceHistory {
            name: "east".to_owned(),
            read: vec!["secondary".to_owned()],
            unread: vec![],
            cuts,
            lost: vec![],
            period: None,
            period_missing: None,
        };
        let history = History::new(vec![workspace]);
        let newest = newest(&history, "2026-11-22T11:00:00Z".parse().unwrap()).unwrap();
        (newest.group_name.clone(), newest.cut_number)
    }

    #[test]
    fn the_newest_cut_is_named_though_one_before_it_was_made_under_a_clock_that_was_ahead() {
        let (early, late, ahead) =
            ("2026-11-22T10:00:00.000Z", "2026-11-22T10:30:00.000Z", "2027-11-22T10:00:00.000Z");
        let group = vec![cut("a", 3, late), cut("a", 2, ahead), cut("a", 1, early)];
        assert_eq!(named(group.clone()), ("a".to_owned(), 3));
        let other = [cut("b", 2, ahead), cut("b", 1, early)];
        assert_eq!(named([&group[..], &other].concat()), ("a".to_owned(), 3));
        assert_eq!(named(other.to_vec()), ("b".to_owned(), 2));
        let two = vec![cut("a", 7, early), cut("b", 2, late)];
        assert_eq!(named(two), ("b".to_owned(), 2));
    }
}
