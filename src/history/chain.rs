//! Whether the run records of a period are all there and unaltered, and which applies left none. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Duration, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::Evidence;
use crate::canonical::sha256_of_bytes;
use crate::ledger::Cut;
use crate::moment;
use crate::record::{RunRecord, SignatureSeen};
use crate::region::{KeptDocument, PassedOver};
use crate::sentence::Sentence;

/// Two clocks this far apart are told. A record takes a moment to be kept, so less proves nothing.
const SKEW_MIN: Duration = Duration::seconds(1);
/// Applies whose times are no further apart may have run at once.
const AT_ONCE_MAX: Duration = Duration::hours(1);

/// Whether each record names the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Chain {
    /// Records of the period.
    pub records: usize,
    /// Those of them that their runners signed, verified; `None`: no record says so, and nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<usize>,
    /// No record is missing or altered, as far as the others tell.
    pub unbroken: bool,
    /// What is wrong, one sentence each.
    pub problems: Vec<Sentence>,
    /// Applies of which there are cuts and no record, although no link to a record is broken, oldest first.
    pub unrecorded: Vec<Unrecorded>,
    /// Records that follow one that ended later than they did: clocks that were apart when they were written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skews: Vec<Skew>,
    /// What lies among the evidence and is no document of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// The record that had to be there, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<NotedRecord>,
}

/// A record that somebody noted elsewhere when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Head")]
pub struct NotedRecord {
    /// SHA-256 of the record that was found.
    pub sha256: String,
    /// Its apply.
    pub run_id: String,
}

/// A record whose clock was behind that of the record it follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Skew {
    /// The apply of the record.
    pub run_id: String,
    /// The apply of the record before it.
    pub follows: String,
    /// How much later that one ended, by its own clock.
    pub seconds: i64,
}

/// An apply that committed cuts and left no run record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unrecorded {
    /// Its id.
    pub run_id: String,
    /// The cuts of the period that it committed.
    pub cuts: Vec<CutName>,
    /// The apply that began after the last of them and found no record of it to follow; None: there is no such record yet.
    pub passed_by: Option<String>,
}

/// A cut by its group and number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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

impl Skew {
    /// Which clocks were apart, and what that means.
    pub fn sentence(&self) -> Sentence {
        let Skew { run_id, follows, seconds } = self;
        let apart =
            format!("apply {run_id} ended {seconds} s before {follows}, whose record it follows");
        format!("{apart}: a clock was wrong; the order is the chain's").into()
    }
}

impl Unrecorded {
    /// The apply and its cuts, and what is known of why there is no record.
    pub fn sentence(&self) -> Sentence {
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
        format!("apply {} ({}) left no run record{why}", self.run_id, cuts.join(", ")).into()
    }
}

impl CutName {
    fn text(&self) -> String {
        format!("cut {} of {}", self.cut, self.group)
    }
}

/// Looks at the links between all records, and at the cuts of the period for applies that have none.
///
/// Which record comes before which is what the links say. A clock only says which records belong to the period.
pub(super) fn of(
    workspace: &str,
    evidence: &Evidence,
    cuts: &[Cut],
    within: impl Fn(DateTime<Utc>) -> bool,
    read: &[(&KeptDocument, RunRecord)],
) -> Chain {
    let links = Links::of(workspace, &evidence.documents, read);
    let mut problems: Vec<Sentence> = evidence
        .differing
        .iter()
        .map(|name| format!("the regions keep different records as {name}").into())
        .collect();
    problems.extend(links.problems());
    problems.extend(links.lost_anchors(cuts));
    let head = evidence.head.as_deref();
    let found = head.and_then(|head| links.head(head));
    if let (Some(head), None) = (head, &found) {
        let why =
            format!("the record with SHA-256 {head} that was asked for is missing or was altered");
        problems.push(why.into());
    }
    let mut unrecorded = Vec::new();
    for (run_id, of_run) in without_record(cuts, &within, read) {
        match links.passed_by(&of_run, cuts) {
            Passed::Nobody => unrecorded.push(left_none(run_id, &of_run, None)),
            Passed::By(next) => unrecorded.push(left_none(run_id, &of_run, Some(next))),
            Passed::Lost => problems.extend(of_run.iter().map(|cut| {
                Sentence::from(format!(
                    "cut {} of {} was made by apply {run_id}, of which there is no record",
                    cut.cut_number, cut.group_name
                ))
            })),
        }
    }
    let of_period = read.iter().filter(|(_, record)| within(record.started_at));
    Chain {
        records: of_period.count(),
        signed: signed(evidence),
        unbroken: problems.is_empty(),
        problems,
        unrecorded,
        skews: links.skews(within),
        passed_over: passed_over(evidence),
        head: found,
    }
}

/// How many records have the signature of their runner, where signatures were looked for.
fn signed(evidence: &Evidence) -> Option<usize> {
    let seen = evidence.signatures.values();
    let verified = seen.filter(|seen| **seen == SignatureSeen::Verified);
    let asked = evidence.signatures_asked || !evidence.signatures.is_empty();
    asked.then(|| verified.count())
}

/// What is no record, of whatever kind: it is told, and stops nothing. A record that became none is missed by its digest.
fn passed_over(evidence: &Evidence) -> Vec<PassedOver> {
    let unreadable = evidence.documents.iter().filter_map(|document| {
        let why = RunRecord::of(document).err()?;
        Some(PassedOver { name: document.name.clone(), why })
    });
    let mut all: Vec<PassedOver> = evidence.passed_over.iter().cloned().chain(unreadable).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The cuts of the period by applies of which there is no record.
///
/// What comes before and after a cut in its log says when it was made where its own clock does not fit in between.
fn without_record<'a>(
    cuts: &'a [Cut],
    within: impl Fn(DateTime<Utc>) -> bool,
    read: &[(&KeptDocument, RunRecord)],
) -> BTreeMap<&'a str, Vec<&'a Cut>> {
    let recorded: BTreeSet<&str> = read.iter().map(|(_, record)| record.run_id.as_str()).collect();
    let mut all: BTreeMap<&str, Vec<&Cut>> = BTreeMap::new();
    let told = bounds(cuts);
    for (cut, Bounds { after, before }) in cuts.iter().zip(told) {
        let at = cut.committed_at;
        let made =
            [Some(at), after.filter(|after| *after > at), before.filter(|before| *before < at)];
        let of_period = made.into_iter().flatten().any(&within);
        // A change of role that people make by hand is no apply.
        if of_period && !cut.is_role() && !recorded.contains(cut.run_id.as_str()) {
            all.entry(&cut.run_id).or_default().push(cut);
        }
    }
    all
}

/// When a cut was made, as the log of its group tells.
#[derive(Clone, Copy, Default)]
struct Bounds {
    /// The latest time of those before it.
    after: Option<DateTime<Utc>>,
    /// The earliest time of those after it.
    before: Option<DateTime<Utc>>,
}

/// The bounds of each cut.
fn bounds(cuts: &[Cut]) -> Vec<Bounds> {
    let mut bounds = vec![Bounds::default(); cuts.len()];
    let mut order: Vec<usize> = (0..cuts.len()).collect();
    order.sort_by_key(|place| (&cuts[*place].group_name, cuts[*place].cut_number));
    for group in order.chunk_by(|one, other| cuts[*one].group_name == cuts[*other].group_name) {
        let mut latest: Option<DateTime<Utc>> = None;
        for place in group {
            bounds[*place].after = latest;
            latest = latest.max(Some(cuts[*place].committed_at));
        }
        let mut earliest: Option<DateTime<Utc>> = None;
        for place in group.iter().rev() {
            bounds[*place].before = earliest;
            let at = cuts[*place].committed_at;
            earliest = Some(earliest.map_or(at, |earliest| earliest.min(at)));
        }
    }
    bounds
}

fn left_none(run_id: &str, cuts: &[&Cut], passed_by: Option<&str>) -> Unrecorded {
    let name = |cut: &&Cut| CutName { group: cut.group_name.clone(), cut: cut.cut_number };
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
    workspace: &'a str,
    /// Each with the name of its document.
    records: Vec<(&'a str, &'a RunRecord)>,
    /// None: what is there is no run record.
    by_digest: HashMap<String, Option<&'a RunRecord>>,
}

impl<'a> Links<'a> {
    fn of(
        workspace: &'a str,
        documents: &[KeptDocument],
        read: &'a [(&'a KeptDocument, RunRecord)],
    ) -> Links<'a> {
        let mut by_digest: HashMap<String, Option<&RunRecord>> =
            documents.iter().map(|document| (sha256_of_bytes(&document.bytes), None)).collect();
        for (document, record) in read {
            by_digest.insert(sha256_of_bytes(&document.bytes), Some(record));
        }
        let named = |(document, record): &'a (&'a KeptDocument, RunRecord)| {
            (document.name.as_str(), record)
        };
        Links { workspace, records: read.iter().map(named).collect(), by_digest }
    }

    /// What is wrong with the links of all records, in the order of their names.
    fn problems(&self) -> Vec<Sentence> {
        let first = self.first();
        let mut problems: Vec<Sentence> = Vec::new();
        for (name, record) in &self.records {
            let previous = record.previous_of(self.workspace);
            for previous in &previous {
                if !self.by_digest.contains_key(*previous) {
                    let why = format!(
                        "{name} follows a record with SHA-256 {previous}, which is missing or was altered"
                    );
                    problems.push(why.into());
                }
            }
            // One that could see no record says so.
            let begins = previous.is_empty() && !record.previous_unseen;
            if begins && first.is_some_and(|first| begun_anew(record, first)) {
                let why = format!("{name} follows no record, although there are older ones");
                problems.push(why.into());
            }
        }
        problems
    }

    /// The record that no link leads past: of several that follow none, the one to which most of the others lead.
    fn first(&self) -> Option<&'a RunRecord> {
        let mut led: HashMap<&str, usize> = HashMap::new();
        // The beginning to which a record leads; None: a link of its way is broken.
        let mut begins: HashMap<&str, Option<&'a RunRecord>> = HashMap::new();
        for (_, record) in &self.records {
            let mut way: Vec<&str> = Vec::new();
            let mut at = *record;
            let begin = loop {
                if let Some(known) = begins.get(at.run_id.as_str()) {
                    break *known;
                }
                way.push(&at.run_id);
                match self.before(at) {
                    Before::Record(previous) if !way.contains(&previous.run_id.as_str()) => {
                        at = previous;
                    }
                    Before::Record(_) | Before::Broken => break None,
                    Before::Nothing => break Some(at),
                }
            };
            begins.extend(way.into_iter().map(|run_id| (run_id, begin)));
            if let Some(begin) = begin {
                *led.entry(&begin.run_id).or_default() += 1;
            }
        }
        let first = self.records.iter().map(|(_, record)| *record);
        first.filter(|record| record.previous_of(self.workspace).is_empty()).max_by_key(|record| {
            (led.get(record.run_id.as_str()).copied(), Reverse(&record.run_id))
        })
    }

    /// The cuts of any age that name a record which is not there.
    fn lost_anchors(&self, cuts: &[Cut]) -> Vec<Sentence> {
        let lost = cuts.iter().filter_map(|cut| {
            let anchor = cut.run_record_sha256.as_ref()?;
            (!self.by_digest.contains_key(anchor)).then(|| {
                Sentence::from(format!(
                    "cut {} of {} names a record with SHA-256 {anchor}, which is missing or was altered",
                    cut.cut_number, cut.group_name
                ))
            })
        });
        lost.collect()
    }

    /// The record whose digest begins so.
    fn head(&self, begins: &str) -> Option<NotedRecord> {
        let found = self.by_digest.iter().filter_map(|(digest, record)| {
            let record = record.filter(|_| digest.starts_with(begins))?;
            Some(NotedRecord { sha256: digest.clone(), run_id: record.run_id.clone() })
        });
        found.min_by(|one, other| one.sha256.cmp(&other.sha256))
    }

    fn before(&self, record: &RunRecord) -> Before<'a> {
        match record.previous_of(self.workspace).first() {
            None => Before::Nothing,
            Some(previous) => match self.by_digest.get(*previous) {
                Some(Some(record)) => Before::Record(record),
                Some(None) | None => Before::Broken,
            },
        }
    }

    /// Records of the period that ended before the one that they follow.
    fn skews(&self, within: impl Fn(DateTime<Utc>) -> bool) -> Vec<Skew> {
        let of_period = self.records.iter().map(|(_, record)| *record);
        let of_period = of_period.filter(|record| within(record.started_at));
        of_period
            .filter_map(|record| {
                let Before::Record(previous) = self.before(record) else {
                    return None;
                };
                let ahead = previous.ended_at - record.ended_at;
                (ahead >= SKEW_MIN).then(|| Skew {
                    run_id: record.run_id.clone(),
                    follows: previous.run_id.clone(),
                    seconds: ahead.num_seconds(),
                })
            })
            .collect()
    }

    /// Looks for an apply that came after these cuts of another and whose record leads to one from before them.
    ///
    /// It came after them if its clock says so, or if it committed a later cut of one of their groups.
    fn passed_by(&self, of_run: &[&Cut], all: &[Cut]) -> Passed<'a> {
        let Some(last) = of_run.iter().map(|cut| cut.committed_at).max() else {
            return Passed::Nobody;
        };
        let followers: BTreeSet<&str> = all
            .iter()
            .filter(|cut| {
                of_run
                    .iter()
                    .any(|own| own.group_name == cut.group_name && own.cut_number < cut.cut_number)
            })
            .map(|cut| cut.run_id.as_str())
            .collect();
        let mut later: Vec<&RunRecord> = self.records.iter().map(|(_, record)| *record).collect();
        later.retain(|record| {
            record.started_at > last || followers.contains(record.run_id.as_str())
        });
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
        for _ in 0..=self.records.len() {
            match self.before(at) {
                Before::Record(record) if record.started_at <= moment => return true,
                Before::Record(record) => at = record,
                Before::Broken => return false,
                Before::Nothing => return true,
            }
        }
        false
    }
}

/// What comes before a record.
enum Before<'a> {
    /// It is the first.
    Nothing,
    /// This one.
    Record(&'a RunRecord),
    /// One that is not there, or that cannot be read.
    Broken,
}

/// Whether a record that follows none was made when there had long been others.
///
/// The very first applies may run at once and see nothing of each other, by clocks that are apart.
fn begun_anew(record: &RunRecord, first: &RunRecord) -> bool {
    record.run_id != first.run_id && record.started_at > moment::later(first.ended_at, AT_ONCE_MAX)
}
