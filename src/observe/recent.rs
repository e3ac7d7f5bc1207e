//! The newest run records of both regions, read as far as it takes to know the newest cut of every group.
//! It asks, and writes nothing.
//!
//! Each record tells the newest cut of every group that its apply knew of, from the logs and from the records before it. So few
//! of them tell what all do, whichever groups the last applies were of. Records of earlier versions tell of their own groups
//! alone, and are read until each group was named.
//!
//! What is no record tells nothing and counts for nothing, and so does one that none of the keys signed that are asked for.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use futures::future::join_all;

use crate::plan::{GrantsSeen, JobSeen, ReceiptTold, SettingsBefore, Whose, Witnessed};
use crate::record::{LossesTold, RunRecord, SignatureSeen};
use crate::region::{
    KeptDocument, KeptRecords, Location, PassedOver, RecordRange, RegionError, Regions,
    SIGNATURE_ENDING, apply_of, first_id_of,
};

/// A record of a moment so much later than now is none that any apply left: clocks are wrong by hours, and by days.
pub(crate) const FUTURE: Duration = Duration::days(31);

/// How far records are read.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// Records that are asked for at once: one question on Databricks, whatever lies between them.
    at_once: usize,
    /// So many that can be read and are of no moment to come are enough: more than applies ever run at once, and those of a
    /// runner whose clock is ahead of another's by minutes.
    enough: usize,
    /// So many that tell something are read in a region at most.
    most: usize,
}

const RECENT: Reach = Reach { at_once: 16, enough: 16, most: 512 };
/// Where cuts are known to be lost no number may be given again, so that nearly everything is read.
const ALL: Reach = Reach { at_once: 256, enough: usize::MAX, most: 4_096 };
/// So many documents are opened in a region at most, whatever they are: a bound of time and memory alone.
const OPENED_MOST: usize = 65_536;
/// Pages grow to this where they hold nothing that counts.
const AT_ONCE_MOST: usize = 4_096;

/// No id comes after it.
const AFTER_ALL_IDS: &str = "8";

/// What is asked of records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// Of which workspace.
    pub(crate) workspace: &'a str,
    /// By what its settings are found; `None`: nobody asks for them.
    pub(crate) whose: Option<Whose<'a>>,
    /// The groups that are to be told of.
    pub(crate) groups: &'a [&'a str],
    /// Public keys of the runners that are believed; none: every record is.
    pub(crate) keys: &'a [String],
}

/// The newest run records of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recent {
    /// Those of no moment to come, by name; of one name two where the regions have different ones.
    pub(crate) documents: Vec<KeptDocument>,
    /// What was passed over.
    pub(crate) passed_over: Vec<PassedOver>,
    /// No region could be asked.
    pub(crate) unseen: bool,
    /// The cuts that they tell of, and those of a moment to come.
    pub(crate) witnessed: Witnessed,
    /// The settings of the newest that is believed and tells any.
    pub(crate) settings: Option<SettingsBefore>,
    /// Of each group the newest receipt that those that are believed tell.
    pub(crate) receipts: BTreeMap<String, ReceiptTold>,
    /// What those that are believed tell of earlier cuts and of changes of role.
    pub(crate) told: LossesTold,
    /// Of each group its jobs as they were last seen.
    pub(crate) jobs: BTreeMap<String, Vec<JobSeen>>,
    /// Of each group who may use its tables, as it was last seen.
    pub(crate) grants: BTreeMap<String, GrantsSeen>,
}

/// Reads the newest run records of a workspace in the regions that are to be asked.
pub(crate) async fn recent_records(
    question: Question<'_>,
    regions: &Regions,
    asked: [bool; 2],
    now: DateTime<Utc>,
) -> Recent {
    records(question, regions, asked, &first_id_of(now + FUTURE), RECENT).await
}

/// Reads nearly all run records of a workspace for the cuts that they tell of.
pub(crate) async fn all_witnessed(
    workspace: &str,
    regions: &Regions,
    keys: &[String],
) -> Witnessed {
    let question = Question { workspace, whose: None, groups: &[], keys };
    records(question, regions, [true, true], AFTER_ALL_IDS, ALL).await.witnessed
}

/// One region while its records are read, the newest first.
struct Side<'a> {
    location: &'a dyn Location,
    until: Option<String>,
    open: bool,
    /// Documents that are asked for next.
    at_once: usize,
    /// Records of no moment to come that tell something.
    counted: usize,
    /// Records that tell something.
    read: usize,
    /// Documents of whatever kind.
    opened: usize,
    answered: bool,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    /// A record that witnesses cuts.
    Witness,
    /// A record that tells nothing of the workspace, or not by a key that is asked for.
    Record,
    /// None.
    NoRecord,
}

/// Documents of one region, and where keys are asked for the signatures beside them, by their names.
struct Page {
    kept: KeptRecords,
    signatures: BTreeMap<String, Vec<u8>>,
}

async fn records(
    question: Question<'_>,
    regions: &Regions,
    asked: [bool; 2],
    latest: &str,
    reach: Reach,
) -> Recent {
    let both = [regions.primary.location.as_ref(), regions.secondary.location.as_ref()];
    let sides = both.into_iter().zip(asked).map(|(location, open)| Side {
        location,
        until: None,
        open,
        at_once: reach.at_once,
        counted: 0,
        read: 0,
        opened: 0,
        answered: false,
    });
    let mut sides: Vec<Side<'_>> = sides.collect();
    let mut recent = Recent::default();
    // By name, with what it is: most lie in both regions, and are looked at once.
    let mut known: BTreeMap<String, Vec<(KeptDocument, Judged)>> = BTreeMap::new();
    while sides.iter().any(|side| side.open) {
        let next = sides.iter().map(async |side| side.next(question.keys).await);
        let pages = join_all(next).await;
        for (side, page) in sides.iter_mut().zip(pages) {
            let Some(Page { kept, signatures }) = side.taken(page, latest) else {
                continue;
            };
            recent.passed_over.extend(kept.passed_over);
            let before = side.read;
            for document in kept.documents {
                let to_come = document.name.as_str() > latest;
                let of_name = known.entry(document.name.clone()).or_default();
                let judged = recent.judge_once(question, document, &signatures, of_name);
                let witness = judged == Judged::Witness;
                side.read += usize::from(witness);
                side.counted += usize::from(witness && !to_come);
            }
            if side.read == before {
                side.at_once = (side.at_once * 2).min(AT_ONCE_MOST);
            }
        }
        let told = recent.witnessed.tells_of_all(question.groups.iter().copied());
        for side in &mut sides {
            side.open &= side.counted < reach.enough || !told;
            side.open &= side.read < reach.most && side.opened < OPENED_MOST;
        }
    }
    recent.unseen = !sides.iter().any(|side| side.answered);
    let of_names = known.into_iter().filter(|(name, _)| name.as_str() <= latest);
    let records = of_names.flat_map(|(_, all)| all);
    let records: Vec<(KeptDocument, Judged)> =
        records.filter(|(_, judged)| *judged != Judged::NoRecord).collect();
    recent.settings = newest_settings(question, &records);
    recent.documents = records.into_iter().map(|(document, _)| document).collect();
    recent.passed_over.sort_unstable();
    recent.passed_over.dedup();
    recent
}

/// The settings that the newest record tells. Where keys are asked for only what one of them signed tells what held before.
fn newest_settings(
    question: Question<'_>,
    records: &[(KeptDocument, Judged)],
) -> Option<SettingsBefore> {
    let believed = |judged: Judged| question.keys.is_empty() || judged == Judged::Witness;
    let mut newest = records.iter().rev().filter(|(_, judged)| believed(*judged));
    newest.find_map(|(document, _)| {
        let record = RunRecord::of(document).ok()?;
        record.settings_of(&question.whose?)
    })
}

impl Recent {
    /// Takes the receipts and the looks at jobs that are newer than those that are known.
    fn take_looks(&mut self, workspace: &str, record: &RunRecord) {
        let seen = |jobs: &[JobSeen]| jobs.iter().map(|job| job.at).max();
        for group in record.groups.iter().filter(|group| group.workspace == workspace) {
            if seen(&group.jobs) > self.jobs.get(&group.name).and_then(|jobs| seen(jobs)) {
                self.jobs.insert(group.name.clone(), group.jobs.clone());
            }
            if let Some(seen) = &group.grants {
                let known = self.grants.get(&group.name);
                if known.is_none_or(|known| known.at < seen.at) {
                    self.grants.insert(group.name.clone(), seen.clone());
                }
            }
            self.told.take(group);
            let (Some(cut), Some(loss)) = (group.cut, &group.loss) else {
                continue;
            };
            let known = self.receipts.get(&group.name);
            if known.is_none_or(|known| (known.cut, known.loss.at) < (cut, loss.at)) {
                let told = ReceiptTold { cut, loss: loss.clone() };
                self.receipts.insert(group.name.clone(), told);
            }
        }
    }

    /// Judges a document of a name, if it was not judged; the other region may have the signature that the first one lacks.
    fn judge_once(
        &mut self,
        question: Question<'_>,
        document: KeptDocument,
        signatures: &BTreeMap<String, Vec<u8>>,
        of_name: &mut Vec<(KeptDocument, Judged)>,
    ) -> Judged {
        match of_name.iter_mut().find(|(other, _)| *other == document) {
            Some((_, judged @ (Judged::Witness | Judged::NoRecord))) => *judged,
            Some((_, judged)) => {
                *judged = self.judge(question, &document, signatures);
                *judged
            }
            None => {
                let judged = self.judge(question, &document, signatures);
                of_name.push((document, judged));
                judged
            }
        }
    }

    /// Takes in what a document tells, and says what it is; what is no record is passed over.
    fn judge(
        &mut self,
        question: Question<'_>,
        document: &KeptDocument,
        signatures: &BTreeMap<String, Vec<u8>>,
    ) -> Judged {
        let record = match RunRecord::of(document) {
            Ok(record) => record,
            Err(why) => {
                self.passed_over.push(PassedOver { name: document.name.clone(), why });
                return Judged::NoRecord;
            }
        };
        let told = record.cuts_told(question.workspace);
        if !question.keys.is_empty() {
            let signature = signatures.get(&format!("{}{SIGNATURE_ENDING}", document.name));
            let signature = signature.map(Vec::as_slice);
            let (bytes, keys) = (&document.bytes, question.keys);
            if SignatureSeen::of_record(bytes, &record, signature, keys) != SignatureSeen::Verified
            {
                self.witnessed.take_in_unsigned(&told);
                return Judged::Record;
            }
        }
        self.take_looks(question.workspace, &record);
        if self.witnessed.take_in(&told) { Judged::Witness } else { Judged::Record }
    }
}

/// So many of the newest run records of each of these, the oldest of each first; one that tells nothing adds none, which its own
/// findings tell.
pub(crate) async fn newest_records<'l>(
    locations: impl IntoIterator<Item = &'l dyn Location>,
    of_each: usize,
) -> Vec<KeptDocument> {
    let newest = RecordRange { newest: Some(of_each), ..RecordRange::default() };
    let asked = locations.into_iter().map(|location| location.run_records(&newest));
    join_all(asked).await.into_iter().flatten().flat_map(|kept| kept.documents).collect()
}

impl Side<'_> {
    async fn next(&self, keys: &[String]) -> Option<Result<Page, RegionError>> {
        let range = RecordRange {
            until: self.until.clone(),
            newest: Some(self.at_once),
            ..RecordRange::default()
        };
        if self.open { Some(self.page(&range, keys).await) } else { None }
    }

    async fn page(&self, range: &RecordRange, keys: &[String]) -> Result<Page, RegionError> {
        let kept = self.location.run_records(range).await?;
        let mut signatures = BTreeMap::new();
        if let (Some(first), Some(last), false) =
            (kept.documents.first(), kept.documents.last(), keys.is_empty())
        {
            let beside = RecordRange {
                from: Some(first.name.clone()),
                until: Some(format!("{}{SIGNATURE_ENDING}", last.name)),
                newest: None,
            };
            let found = self.location.record_signatures(&beside).await?.into_iter();
            signatures.extend(found.map(|document| (document.name, document.bytes)));
        }
        Ok(Page { kept, signatures })
    }

    /// What was read, if anything; afterwards it is known whether there is more.
    fn taken(&mut self, page: Option<Result<Page, RegionError>>, latest: &str) -> Option<Page> {
        // Of a region that stops answering what it told before counts.
        let Ok(page) = page? else {
            self.open = false;
            return None;
        };
        self.answered = true;
        let documents = &page.kept.documents;
        self.opened += documents.len();
        // A name has more than the id it begins with, so that nothing of this apply is asked for again.
        let oldest = documents.first().and_then(|document| apply_of(&document.name));
        self.until = oldest.map(|oldest| oldest.min(latest).to_owned());
        self.open = documents.len() >= self.at_once;
        Some(page)
    }
}
