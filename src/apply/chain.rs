//! Run records name those before them by digest, so that none can vanish unnoticed.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use crate::canonical::sha256_of_bytes;
use crate::harmless;
use crate::notify::{GroupCut, RecordNews, SynchronizedGroup};
use crate::observe::{FUTURE, Question, recent_records};
use crate::plan::{
    GrantsSeen, JobSeen, ProtectionSettings, ReceiptTold, RoleTold, SettingsBefore, Whose,
    Witnessed,
};
use crate::record::{
    GroupOutcome, GroupRecord, KeptConfiguration, LossesTold, Notified, PreviousElsewhere,
    RunRecord, WholeLook,
};
use crate::region::{KeptDocument, PassedOver, RUN_RECORD_ENDING, Regions};
use crate::sentence::Sentence;

/// The records of one workspace that no other names, as far as its regions could be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tips {
    /// SHA-256 of each, the one that ended last first.
    pub(super) sha256: Vec<String>,
    /// No region could be asked.
    pub(super) unseen: bool,
    /// What was passed over.
    pub(super) passed_over: Vec<PassedOver>,
    /// The cuts that the newest records tell of, named or not.
    pub(super) witnessed: Witnessed,
    /// Where they say that the configurations of workspaces are kept, as the one that ended last says.
    pub(super) configurations: BTreeMap<String, KeptConfiguration>,
    /// What they go on telling people, the one that ended last first.
    pub(super) ends: Vec<RecentRecord>,
    /// The settings of the newest that is believed and tells any.
    pub(super) settings: Option<SettingsBefore>,
    /// Of each group the newest receipt that those that are believed tell.
    pub(super) receipts: BTreeMap<String, ReceiptTold>,
    /// What they tell of earlier cuts and of changes of role.
    pub(super) told: LossesTold,
    /// Of each group its jobs as they were last seen.
    pub(super) jobs: BTreeMap<String, Vec<JobSeen>>,
    /// Of each group who may use its tables, as it was last seen.
    pub(super) grants: BTreeMap<String, GrantsSeen>,
}

/// One of the newest records, as far as it goes on being told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RecentRecord {
    pub(super) told: RecordNews,
    pub(super) notified: Notified,
    /// How each of its workspaces is protected.
    pub(super) settings: BTreeMap<String, ProtectionSettings>,
}

impl RecentRecord {
    /// What of a record goes on being told; `None`: its apply told nobody of anything.
    fn of(record: &RunRecord) -> Option<RecentRecord> {
        Some(RecentRecord {
            told: record.extract_news(),
            notified: record.notified.clone()?,
            settings: record.settings.clone(),
        })
    }
}

impl RunRecord {
    /// What of it is told.
    pub fn extract_news(&self) -> RecordNews {
        let synchronized =
            self.groups.iter().filter(|group| group.outcome == GroupOutcome::Synchronized);
        RecordNews {
            run_id: self.run_id.clone(),
            ended_at: self.ended_at,
            url: self.provenance.ci_run_url.clone(),
            standings: self.notified.as_ref().map(|it| it.standings.clone()).unwrap_or_default(),
            synchronized: synchronized
                .filter_map(|group| {
                    Some(SynchronizedGroup {
                        workspace: group.workspace.clone(),
                        group: group.name.clone(),
                        cut: cut_of(group)?,
                    })
                })
                .collect(),
            left: self.notified.as_ref().map(|it| it.left.clone()).unwrap_or_default(),
        }
    }
}

/// The cut that a group got or keeps.
pub(super) fn cut_of(group: &GroupRecord) -> Option<GroupCut> {
    Some(GroupCut { number: group.cut?, recovery_point: group.recovery_point })
}

/// Looks for the newest records of a workspace in both of its regions: what one lacks the other may have. `here`: documents of
/// this machine that regions have yet to get.
pub(super) async fn tips(
    question: Question<'_>,
    regions: &Regions,
    asked: [bool; 2],
    here: Vec<KeptDocument>,
    now: DateTime<Utc>,
) -> Tips {
    let recent = recent_records(question, regions, asked, now).await;
    let documents = recent.documents.into_iter();
    let documents = documents.map(|document| (sha256_of_bytes(&document.bytes), document));
    let mut documents: BTreeMap<String, KeptDocument> = documents.collect();
    let mut tips = newest(documents.clone(), now);
    if !here.is_empty() {
        // Records that lie on this machine alone count for what is told, although no region has them yet.
        let here = here.into_iter().filter(|document| document.name.ends_with(RUN_RECORD_ENDING));
        documents.extend(here.map(|document| (sha256_of_bytes(&document.bytes), document)));
        tips.ends = newest(documents, now).ends;
    }
    tips.unseen = recent.unseen;
    tips.witnessed = recent.witnessed;
    tips.settings = recent.settings;
    tips.receipts = recent.receipts;
    tips.told = recent.told;
    tips.jobs = recent.jobs;
    tips.grants = recent.grants;
    tips.passed_over.extend(recent.passed_over);
    tips.passed_over.sort_unstable();
    tips.passed_over.dedup();
    tips
}

impl Tips {
    /// Both regions answer, and neither has a record: nobody ever applied there, or the sync locations have moved.
    pub(super) fn is_of_new_places(&self) -> bool {
        !self.unseen && self.sha256.is_empty()
    }

    /// Takes what was told, and how the workspace was protected, from the records that this machine keeps.
    pub(super) fn follow_machine(
        &mut self,
        documents: Vec<KeptDocument>,
        whose: &Whose<'_>,
        now: DateTime<Utc>,
    ) {
        let mut records: Vec<RunRecord> =
            documents.iter().filter_map(|document| readable(document, now).ok()).collect();
        records.sort_by_key(|record| std::cmp::Reverse((record.ended_at, record.run_id.clone())));
        self.settings = records.iter().find_map(|record| record.settings_of(whose));
        if self.ends.is_empty() && self.settings.is_some() {
            let documents = documents.into_iter();
            let documents = documents.map(|document| (sha256_of_bytes(&document.bytes), document));
            self.ends = newest(documents.collect(), now).ends;
        }
    }
}

/// The records that no other names, the one that ended last first.
///
/// Applies that end at once may name the same record; the next one names them all.
pub(super) fn newest(documents: BTreeMap<String, KeptDocument>, now: DateTime<Utc>) -> Tips {
    let mut tips = Tips::default();
    let mut records: Vec<(String, RunRecord)> = Vec::new();
    for (digest, document) in documents {
        match readable(&document, now) {
            Ok(record) => records.push((digest, record)),
            Err(why) => tips.passed_over.push(PassedOver { name: document.name, why }),
        }
    }
    let named: HashSet<&str> = records.iter().flat_map(|(_, record)| record.names()).collect();
    let mut ends: Vec<&(String, RunRecord)> =
        records.iter().filter(|(digest, _)| !named.contains(digest.as_str())).collect();
    ends.sort_by_key(|(_, record)| std::cmp::Reverse((record.ended_at, &record.run_id)));
    tips.sha256 = ends.iter().map(|(digest, _)| digest.clone()).collect();
    for (_, record) in ends.iter().rev() {
        tips.configurations.extend(record.configurations.clone());
    }
    tips.ends = ends.iter().filter_map(|(_, record)| RecentRecord::of(record)).collect();
    tips
}

/// Reads a record that was kept under its own name and is not of a moment to come, or says what is wrong with it.
fn readable(document: &KeptDocument, now: DateTime<Utc>) -> Result<RunRecord, Sentence> {
    let record = RunRecord::of(document)?;
    if record.ended_at > now + FUTURE {
        let ended = crate::moment::text(record.ended_at);
        Err(format!("it says that it ended at {ended}, which is to come").into())
    } else {
        Ok(record)
    }
}

/// Makes a record follow the tips of its workspaces, and tell of each the newest cut of every group: of those that the apply
/// itself knew (`known`, by workspace and group) and those that the records before it tell of; and when all were last looked at.
///
/// Of a workspace whose records could not be read it tells none: whoever reads it reads on.
pub(super) fn link(
    record: &mut RunRecord,
    mut tips: Vec<(String, Tips)>,
    mut known: BTreeMap<String, BTreeMap<String, u64>>,
    roles: &BTreeMap<String, BTreeMap<String, RoleTold>>,
) {
    record.previous_unseen = !tips.is_empty() && tips.iter().all(|(_, tips)| tips.unseen);
    tips.retain(|(_, tips)| !tips.unseen);
    for (workspace, tips) in &tips {
        let known = known.remove(workspace).unwrap_or_default();
        let mut newest = tips.witnessed.numbers(|group| known.get(group).copied());
        for (group, cut) in known {
            let told = newest.entry(group).or_default();
            *told = cut.max(*told);
        }
        record.newest_cuts.insert(workspace.clone(), newest);
        let nothing = BTreeMap::new();
        let roles = tips.witnessed.roles_beside(roles.get(workspace).unwrap_or(&nothing));
        if !roles.is_empty() {
            record.newest_roles.insert(workspace.clone(), roles);
        }
        let told = record.whole_looks.iter().any(|look| look.workspace == *workspace);
        if let Some(at) = tips.witnessed.whole_look().filter(|_| !told) {
            record.whole_looks.push(WholeLook { workspace: workspace.clone(), at });
        }
    }
    let Some((_, first)) = tips.first().cloned() else {
        return;
    };
    let mut all = first.sha256.iter().cloned();
    record.previous_run_sha256 = all.next();
    record.other_previous_sha256 = all.collect();
    record.previous_elsewhere = tips
        .into_iter()
        .filter(|(_, tips)| tips.sha256 != first.sha256)
        .map(|(workspace, tips)| PreviousElsewhere { workspace, sha256: tips.sha256 })
        .collect();
}

impl RunRecord {
    /// SHA-256 of every record that it names as one before it, in whatever workspace.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let elsewhere = self.previous_elsewhere.iter();
        self.previous_run_sha256
            .iter()
            .chain(&self.other_previous_sha256)
            .chain(elsewhere.flat_map(|elsewhere| &elsewhere.sha256))
            .map(String::as_str)
    }

    /// SHA-256 of the records before it in one workspace.
    pub fn previous_of(&self, workspace: &str) -> Vec<&str> {
        let mut elsewhere = self.previous_elsewhere.iter();
        match elsewhere.find(|elsewhere| elsewhere.workspace == workspace) {
            Some(elsewhere) => elsewhere.sha256.iter().map(String::as_str).collect(),
            None => self
                .previous_run_sha256
                .iter()
                .chain(&self.other_previous_sha256)
                .map(String::as_str)
                .collect(),
        }
    }
}

impl RunRecord {
    /// The record as it is kept. Of a quiet round that is little: each group's outcome and cut, and why where it is blocked.
    pub fn shortened_if_quiet(&self) -> RunRecord {
        let mut kept = self.clone();
        kept.record_sha256 = None;
        let told = |group: &&mut GroupRecord| group.outcome != GroupOutcome::Blocked;
        for group in kept.groups.iter_mut().filter(|_| self.quiet).filter(told) {
            group.ending = None;
            group.message = None;
            group.recovery_point = None;
        }
        kept
    }

    /// The bytes of the document.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec_pretty(self).expect("a run record has text keys and plain numbers");
        bytes.push(b'\n');
        harmless::json_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-22T11:00:00Z".parse().unwrap()
    }

    fn id(letter: char) -> String {
        format!("01JDA2C700000000000000000{letter}")
    }

    fn document(letter: char, ended: &str, previous: &[&KeptDocument]) -> KeptDocument {
        let id = id(letter);
        let digest = |of: &&KeptDocument| sha256_of_bytes(&of.bytes);
        let mut record = serde_json::json!({
            "kind": "drsync.run", "format_version": "1.0", "run_id": id, "plan_id": "P", "plan_sha256": "p",
            "effect_sha256": "e", "started_at": "2026-11-22T10:00:00.000Z", "ended_at": ended, "actor": "user:a",
            "exit": {"code": 0, "name": "ok"}, "groups": [],
            "summary": {"synchronized": 0, "failed": 0, "blocked": 0, "not_started": 0, "copied_files": 0, "copied_bytes": 0},
        });
        if let [first, others @ ..] = previous {
            record["previous_run_sha256"] = digest(first).into();
            record["other_previous_sha256"] = others.iter().map(digest).collect();
        }
        KeptDocument { name: format!("{id}.run.json"), bytes: record.to_string().into_bytes() }
    }

    fn tips_of(all: &[&KeptDocument]) -> Tips {
        let by_digest = |document: &&KeptDocument| {
            (sha256_of_bytes(&document.bytes), KeptDocument::clone(document))
        };
        newest(all.iter().map(by_digest).collect(), now())
    }

    fn digests(of: &[&KeptDocument]) -> Vec<String> {
        of.iter().map(|of| sha256_of_bytes(&of.bytes)).collect()
    }

    #[test]
    fn all_records_that_no_other_names_are_followed_the_one_that_ended_last_first() {
        let first = document('A', "2026-11-22T10:05:00.000Z", &[]);
        let long = document('B', "2026-11-22T10:20:00.000Z", &[&first]);
        let short = document('C', "2026-11-22T10:15:00.000Z", &[&first]);
        assert_eq!(tips_of(&[]).sha256, digests(&[]));
        assert_eq!(tips_of(&[&first]).sha256, digests(&[&first]));
        let both = digests(&[&long, &short]);
        assert_eq!(tips_of(&[&first, &long, &short]).sha256, both);
        let next = document('D', "2026-11-22T10:30:00.000Z", &[&long, &short]);
        let tips = tips_of(&[&first, &long, &short, &next]);
        assert_eq!(tips.sha256, digests(&[&next]));
    }

    #[test]
    fn what_is_no_record_is_passed_over_and_told() {
        let first = document('A', "2026-11-22T10:05:00.000Z", &[]);
        let garbled =
            KeptDocument { name: format!("{}.run.json", id('B')), bytes: b"not json".to_vec() };
        let moved = KeptDocument {
            name: format!("{}.run.json", id('C')),
            ..document('X', "2026-11-22T10:10:00.000Z", &[])
        };
        let late = document('D', "2099-11-22T10:05:00.000Z", &[&first]);
        let tips = tips_of(&[&first, &garbled, &moved, &late]);
        assert_eq!(tips.sha256, digests(&[&first]));
        let mut told: Vec<String> =
            tips.passed_over.iter().map(|odd| odd.why.to_string()).collect();
        told.sort_unstable();
        for (told, part) in told.iter().zip([
            "failed to read it as a run record",
            "which is to come",
            "it is of apply 01JDA2C700000000000000000X",
        ]) {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(told.len(), 3);
    }

    #[test]
    fn a_record_follows_those_of_each_of_its_workspaces() {
        let mut record =
            RunRecord::read(&document('A', "2026-11-22T10:05:00.000Z", &[]).bytes).unwrap();
        let tips = |sha256: &[&str], unseen| Tips {
            sha256: sha256.iter().map(|text| (*text).to_owned()).collect(),
            unseen,
            ..Tips::default()
        };
        let all = vec![
            ("away".to_owned(), tips(&[], true)),
            ("east".to_owned(), tips(&["a", "b"], false)),
            ("north".to_owned(), tips(&["a", "b"], false)),
            ("south".to_owned(), tips(&["c"], false)),
        ];
        let known =
            |cut| BTreeMap::from([("east".to_owned(), BTreeMap::from([("g".to_owned(), cut)]))]);
        link(&mut record, all, known(7), &BTreeMap::new());
        assert_eq!(record.previous_of("east"), ["a", "b"]);
        assert_eq!(record.previous_of("north"), ["a", "b"]);
        assert_eq!(record.previous_of("south"), ["c"]);
        assert!(!record.previous_unseen);
        assert_eq!(record.newest_cuts["east"], known(7)["east"]);
        assert_eq!(record.newest_cuts.keys().collect::<Vec<_>>(), ["east", "north", "south"]);
        link(
            &mut record,
            vec![("away".to_owned(), tips(&[], true))],
            BTreeMap::new(),
            &BTreeMap::new(),
        );
        assert!(record.previous_unseen);
    }
}
