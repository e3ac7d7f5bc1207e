//! Whether the run records of a period are all there and unaltered, and which applies left none.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::apply::RunRecord;
use crate::canonical::sha256_of_bytes;
use crate::ledger::Cut;
use crate::region::KeptDocument;

/// Whether each record names the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// Records of the period.
    pub records: usize,
    /// No record is missing or altered, as far as the others tell.
    pub unbroken: bool,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
    /// Applies of which there are cuts and no record, although no link to a record is broken, oldest first.
    pub unrecorded: Vec<Unrecorded>,
}

/// An apply that committed cuts and left no run record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unrecorded {
    /// Its id.
    pub run_id: String,
    /// The cuts of the period that it committed.
    pub cuts: Vec<CutName>,
    /// The apply that began after the last of them and found no record of it to follow; None: there is no such record yet.
    pub passed_by: Option<String>,
}

/// A cut by its group and number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CutName {
    /// The group.
    pub group: String,
    /// Its number.
    pub cut: u64,
}

impl Chain {
    /// Whether the record of an apply may still turn out to be missing: no later one tells yet.
    pub fn in_doubt(&self) -> bool {
        self.unrecorded.iter().any(|one| one.passed_by.is_none())
    }
}

impl Unrecorded {
    /// The apply and its cuts, and what is known of why there is no record.
    pub fn sentence(&self) -> String {
        let cuts: Vec<String> = self.cuts.iter().map(CutName::text).collect();
        let why = match &self.passed_by {
            Some(_) => {
                ", as one that is killed before it can write it; the records around it follow each other"
            }
            None => {
                ": it is still at work, was killed before it could write one, or its record was removed; \
                 the next apply will show"
            }
        };
        format!(
            "apply {} ({}) left no run record{why}",
            self.run_id,
            cuts.join(", ")
        )
    }
}

impl CutName {
    fn text(&self) -> String {
        format!("cut {} of {}", self.cut, self.group)
    }
}

/// Looks at the links between records, and at the cuts for applies that have none.
pub(super) fn of(
    documents: &[KeptDocument],
    cuts: &[Cut],
    within: impl Fn(DateTime<Utc>) -> bool,
    read: &[(&KeptDocument, RunRecord)],
) -> Chain {
    let links = Links::of(documents, read);
    let of_period = || read.iter().filter(|(_, record)| within(record.started_at));
    let mut problems = unreadable(documents, read);
    problems.extend(of_period().filter_map(|(document, record)| links.problem(document, record)));
    let mut unrecorded = Vec::new();
    for (run_id, cuts) in without_record(cuts, &within, read) {
        match links.passed_by(&cuts) {
            Passed::Nobody => unrecorded.push(left_none(run_id, &cuts, None)),
            Passed::By(next) => unrecorded.push(left_none(run_id, &cuts, Some(next))),
            Passed::Lost => problems.extend(cuts.iter().map(|cut| {
                format!(
                    "cut {} of {} was made by apply {run_id}, of which there is no record",
                    cut.cut_number, cut.group_name
                )
            })),
        }
    }
    Chain {
        records: of_period().count(),
        unbroken: problems.is_empty(),
        problems,
        unrecorded,
    }
}

fn unreadable(documents: &[KeptDocument], read: &[(&KeptDocument, RunRecord)]) -> Vec<String> {
    let readable: BTreeSet<&str> = read
        .iter()
        .map(|(document, _)| document.name.as_str())
        .collect();
    documents
        .iter()
        .filter(|document| !readable.contains(document.name.as_str()))
        .map(|document| format!("{} is no run record", document.name))
        .collect()
}

/// The cuts of the period by applies of which there is no record.
fn without_record<'a>(
    cuts: &'a [Cut],
    within: impl Fn(DateTime<Utc>) -> bool,
    read: &[(&KeptDocument, RunRecord)],
) -> BTreeMap<&'a str, Vec<&'a Cut>> {
    let recorded: BTreeSet<&str> = read
        .iter()
        .map(|(_, record)| record.run_id.as_str())
        .collect();
    let mut all: BTreeMap<&str, Vec<&Cut>> = BTreeMap::new();
    for cut in cuts.iter().filter(|cut| within(cut.committed_at)) {
        if !recorded.contains(cut.run_id.as_str()) {
            all.entry(&cut.run_id).or_default().push(cut);
        }
    }
    all
}

fn left_none(run_id: &str, cuts: &[&Cut], passed_by: Option<&str>) -> Unrecorded {
    let name = |cut: &&Cut| CutName {
        group: cut.group_name.clone(),
        cut: cut.cut_number,
    };
    Unrecorded {
        run_id: run_id.to_owned(),
        cuts: cuts.iter().map(name).collect(),
        passed_by: passed_by.map(str::to_owned),
    }
}

/// Whether later records show that an apply left none.
enum Passed<'a> {
    /// There is no later record.
    Nobody,
    /// This apply followed an older record than the one that is missing.
    By(&'a str),
    /// Whoever came later may have followed it: their links lead to records that are not there.
    Lost,
}

/// Records by their digests.
struct Links<'a> {
    records: Vec<&'a RunRecord>,
    /// None: what is there is no run record.
    by_digest: HashMap<String, Option<&'a RunRecord>>,
}

impl<'a> Links<'a> {
    fn of(documents: &[KeptDocument], read: &'a [(&KeptDocument, RunRecord)]) -> Links<'a> {
        let mut by_digest: HashMap<String, Option<&RunRecord>> = documents
            .iter()
            .map(|document| (sha256_of_bytes(&document.bytes), None))
            .collect();
        for (document, record) in read {
            by_digest.insert(sha256_of_bytes(&document.bytes), Some(record));
        }
        Links {
            records: read.iter().map(|(_, record)| record).collect(),
            by_digest,
        }
    }

    /// What is wrong with the link of a record.
    fn problem(&self, document: &KeptDocument, record: &RunRecord) -> Option<String> {
        let older = || {
            let mut others = self.records.iter();
            others.any(|other| other.ended_at < record.started_at)
        };
        match &record.previous_run_sha256 {
            Some(previous) if !self.by_digest.contains_key(previous) => Some(format!(
                "{} follows a record with SHA-256 {previous}, which is missing or was altered",
                document.name
            )),
            None if older() => Some(format!(
                "{} follows no record, although there are older ones",
                document.name
            )),
            Some(_) | None => None,
        }
    }

    /// Looks for an apply that began after these cuts and whose record leads to one from before them.
    fn passed_by(&self, cuts: &[&Cut]) -> Passed<'a> {
        let Some(last) = cuts.iter().map(|cut| cut.committed_at).max() else {
            return Passed::Nobody;
        };
        let mut later: Vec<&RunRecord> = self.records.clone();
        later.retain(|record| record.started_at > last);
        later.sort_by_key(|record| record.started_at);
        match later.iter().find(|record| self.leads_past(record, last)) {
            Some(record) => Passed::By(&record.run_id),
            None if later.is_empty() => Passed::Nobody,
            None => Passed::Lost,
        }
    }

    /// Whether the links of a record lead, without a gap, to one that began before a moment, or to the first of all.
    fn leads_past(&self, record: &'a RunRecord, moment: DateTime<Utc>) -> bool {
        let mut at = record;
        while let Some(previous) = &at.previous_run_sha256 {
            match self.by_digest.get(previous) {
                Some(Some(record)) if record.started_at <= moment => return true,
                Some(Some(record)) => at = record,
                Some(None) | None => return false,
            }
        }
        true
    }
}
