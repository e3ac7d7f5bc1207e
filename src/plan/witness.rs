//! Cuts that run records tell of, whatever the cut logs say now: what was committed once was, and its number is not given again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::observed::WorkspaceObserved;
use super::view::GroupView;
use crate::ledger::{Cut, Status};
use crate::region::{KeptDocument, RUN_RECORD_ENDING};

/// The newest cut of each group that run records tell of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Witnessed {
    cuts: BTreeMap<String, WitnessedCut>,
    /// Groups that a record names, be it without a cut.
    named: BTreeSet<String>,
    /// A record told the newest cut of every group that was known when it was written.
    whole: bool,
}

/// A cut that a run record tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessedCut {
    /// Its number.
    pub number: u64,
    /// The apply whose record it is.
    pub run_id: String,
}

/// What is read of a run record; what is no number there tells nothing of a cut, and no less of others.
#[derive(Deserialize)]
struct Told {
    run_id: String,
    groups: Vec<GroupTold>,
    #[serde(default)]
    newest_cuts: Value,
}

#[derive(Deserialize)]
struct GroupTold {
    workspace: String,
    name: String,
    #[serde(default)]
    cut: Value,
}

impl Witnessed {
    /// What records tell of a workspace; documents that are none tell nothing.
    pub fn by(workspace: &str, records: &[KeptDocument]) -> Witnessed {
        let mut all = Witnessed::default();
        for document in records {
            all.take_in(workspace, document);
        }
        all
    }

    /// Takes in what a document tells of a workspace, and says whether it is a run record.
    pub fn take_in(&mut self, workspace: &str, document: &KeptDocument) -> bool {
        let bytes = crate::canonical::without_mark(&document.bytes);
        let Ok(told) = serde_json::from_slice::<Told>(bytes) else {
            return false;
        };
        if document.name.strip_suffix(RUN_RECORD_ENDING) != Some(told.run_id.as_str()) {
            return false;
        }
        let groups = told.groups.into_iter();
        for group in groups.filter(|group| group.workspace == workspace) {
            self.note(&group.name, &group.cut, &told.run_id);
            self.named.insert(group.name);
        }
        if let Some(newest) = told.newest_cuts.get(workspace).and_then(Value::as_object) {
            self.whole = true;
            for (group, cut) in newest {
                self.note(group, cut, &told.run_id);
            }
        }
        true
    }

    fn note(&mut self, group: &str, cut: &Value, run_id: &str) {
        // No cut has a number that none could follow.
        let Some(number) = cut.as_u64().filter(|number| Cut::may_have(*number)) else {
            return;
        };
        if self.cuts.get(group).is_none_or(|known| known.number < number) {
            let cut = WitnessedCut { number, run_id: run_id.to_owned() };
            self.cuts.insert(group.to_owned(), cut);
        }
    }

    /// Takes over what was read later of these groups: of others an apply may have ended since the logs were read.
    pub fn take_over(&mut self, later: Witnessed, groups: &BTreeSet<String>) {
        let cuts = later.cuts.into_iter().filter(|(group, _)| groups.contains(group));
        self.cuts.extend(cuts);
    }

    /// The newest cut of a group.
    pub fn of(&self, group: &str) -> Option<&WitnessedCut> {
        self.cuts.get(group)
    }

    /// The number of the newest cut of every group with one.
    pub fn numbers(&self) -> BTreeMap<String, u64> {
        self.cuts.iter().map(|(group, cut)| (group.clone(), cut.number)).collect()
    }

    /// Whether records told of each of these groups what there was to tell: one that tells of all groups does.
    pub fn tells_of_all<'a>(&self, mut groups: impl Iterator<Item = &'a str>) -> bool {
        self.whole || groups.all(|group| self.named.contains(group))
    }

    /// Groups with a cut beyond the newest that the logs have, by name.
    pub fn beyond<'a>(
        &'a self,
        newest: impl Fn(&str) -> Option<u64> + 'a,
    ) -> impl Iterator<Item = (&'a str, &'a WitnessedCut)> {
        let all = self.cuts.iter().map(|(group, cut)| (group.as_str(), cut));
        all.filter(move |(group, cut)| newest(group) < Some(cut.number))
    }
}

/// Why it is known that the cut log lost cuts of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loss<'a> {
    /// A run record tells of a later cut than the log has.
    Recorded(&'a WitnessedCut),
    /// The group's row tells when a cut was committed, after the newest that the log has.
    InRow(chrono::DateTime<chrono::Utc>),
    /// Replicas of the group carry our mark, no cut names them, and no attempt that did not come to its cut explains them.
    Marked(usize),
}

/// Whether the cut log lost cuts of a group, as far as can be told; only logs that could both be read are judged.
pub(super) fn loss<'a>(view: &GroupView<'a>) -> Option<Loss<'a>> {
    let workspace: &'a WorkspaceObserved = view.workspace;
    if workspace.primary.ledger.is_err() || workspace.secondary.ledger.is_err() {
        return None;
    }
    let newest = view.last_cut.map(|cut| cut.cut_number);
    let recorded = workspace.witnessed.of(&view.group.name);
    if let Some(cut) = recorded.filter(|cut| newest < Some(cut.number)) {
        return Some(Loss::Recorded(cut));
    }
    if let Some(committed_at) = later_in_row(view) {
        return Some(Loss::InRow(committed_at));
    }
    match view.last_cut {
        Some(_) => None,
        None => marked(view),
    }
}

/// When a cut was committed of which only the row tells.
fn later_in_row(view: &GroupView<'_>) -> Option<chrono::DateTime<chrono::Utc>> {
    let committed_at = view.row?.sync_end_timestamp?;
    let cuts = &view.workspace.ledger.cuts;
    // Rows of two runners may pass each other, by clocks that are apart: a row of any cut that is there tells nothing.
    let known = |cut: &Cut| cut.committed_at >= committed_at;
    (!cuts.of(&view.group.name).any(known)).then_some(committed_at)
}

fn marked<'a>(view: &GroupView<'a>) -> Option<Loss<'a>> {
    let attempted = view.row.is_some_and(|row| {
        matches!(row.current_sync_status, Some(Status::InProgress | Status::Failed))
    });
    if attempted {
        return None;
    }
    let ours = view
        .tables()
        .filter(|table| view.cut_entry(&table.name).is_none())
        .filter(|table| {
            let mark = table.replica().and_then(|replica| replica.mark.as_ref());
            mark.is_some_and(|mark| mark.replica == view.place(&table.name).path)
        })
        .count();
    (ours > 0).then_some(Loss::Marked(ours))
}
