//! Keeps run records in the secondary, each naming the one before it by digest, so that none can vanish unnoticed.

use std::collections::HashSet;

use super::record::{GroupOutcome, GroupRecord, RunRecord};
use crate::canonical::sha256_of_bytes;
use crate::harmless;
use crate::plan::document::WorkspacePlan;
use crate::plan::{FindingCode, Plan};
use crate::region::{KeptDocument, RUN_RECORD_ENDING, RecordRange, Region, RegionError, Regions};

/// Records looked through for the newest: more than applies ever run at once.
const RECENT: usize = 16;

/// Keeps a run record in every secondary that is there; one that cannot keep it is worth a warning, not a failure.
///
/// Each secondary has a chain of its own; the record in hand names the record before it in the first.
pub(super) async fn keep(record: &mut RunRecord, plan: &Plan, regions: &[Regions]) {
    // Of a secondary that is away everything has been said, and another workspace's is not written to: unless this apply
    // wrote there, because that was accepted for a group.
    let there: Vec<&Regions> = plan
        .workspaces
        .iter()
        .zip(regions)
        .filter(|(plan, _)| {
            let left_alone = !plan.observed.secondary.reachable || is_foreign(plan);
            !left_alone || wrote_to(record, &plan.name)
        })
        .map(|(_, regions)| regions)
        .collect();
    let mut first = true;
    for regions in there {
        let mut linked = record.clone();
        let kept = link_and_keep(&mut linked, regions.secondary.as_ref()).await;
        if std::mem::take(&mut first) {
            record.previous_run_sha256 = linked.previous_run_sha256;
        }
        if let Err(error) = kept {
            record.warnings.push(format!(
                "the run record is not kept in the secondary: {error}; the one of this machine is the only evidence of this apply"
            ));
        }
    }
}

/// Whether an apply began to synchronize a group of a workspace.
fn wrote_to(record: &RunRecord, workspace: &str) -> bool {
    let mut groups = record.groups.iter();
    groups.any(|group| {
        group.workspace == workspace
            && matches!(
                group.outcome,
                GroupOutcome::Synchronized | GroupOutcome::Failed
            )
    })
}

/// Whether the sync location is another workspace's.
pub(super) fn is_foreign(workspace: &WorkspacePlan) -> bool {
    let mut findings = workspace.groups.iter().flat_map(|group| &group.findings);
    findings.any(|finding| finding.code == FindingCode::LedgerNotOurs)
}

async fn link_and_keep(record: &mut RunRecord, secondary: &dyn Region) -> Result<(), RegionError> {
    let recent = RecordRange {
        newest: Some(RECENT),
        ..RecordRange::default()
    };
    record.previous_run_sha256 = newest(&secondary.run_records(&recent).await?);
    let name = format!("{}{RUN_RECORD_ENDING}", record.run_id);
    secondary.keep_evidence(&name, &record.kept().bytes()).await
}

/// The digest of the record that ended last among those that no other names.
///
/// Applies that end at once may name the same record; the next one follows the last of them.
fn newest(documents: &[KeptDocument]) -> Option<String> {
    let records: Vec<(String, Option<RunRecord>)> = documents
        .iter()
        .map(|document| {
            let record = RunRecord::read(&document.bytes).ok();
            (sha256_of_bytes(&document.bytes), record)
        })
        .collect();
    let named: HashSet<&str> = records
        .iter()
        .filter_map(|(_, record)| record.as_ref()?.previous_run_sha256.as_deref())
        .collect();
    records
        .iter()
        .enumerate()
        .filter(|(_, (digest, _))| !named.contains(digest.as_str()))
        .max_by_key(|(place, (_, record))| (record.as_ref().map(|record| record.ended_at), *place))
        .map(|(_, (digest, _))| digest.clone())
}

impl RunRecord {
    /// The record as it is kept. Of a quiet round that is little: each group's outcome, and why where it is blocked.
    pub fn kept(&self) -> RunRecord {
        let mut kept = self.clone();
        let told = |group: &&mut GroupRecord| group.outcome != GroupOutcome::Blocked;
        for group in kept.groups.iter_mut().filter(|_| self.quiet).filter(told) {
            group.message = None;
            group.cut = None;
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

    fn document(id: &str, ended: &str, previous: Option<&str>) -> KeptDocument {
        let mut record = serde_json::json!({
            "kind": "drsync.run", "format_version": "1.0", "run_id": id, "plan_id": "P", "plan_sha256": "p",
            "effect_sha256": "e", "started_at": "2026-11-22T10:00:00.000Z", "ended_at": ended, "actor": "user:a",
            "exit": {"code": 0, "name": "ok"}, "groups": [],
            "summary": {"synchronized": 0, "failed": 0, "blocked": 0, "not_started": 0, "copied_files": 0, "copied_bytes": 0},
        });
        if let Some(previous) = previous {
            record["previous_run_sha256"] = previous.into();
        }
        KeptDocument {
            name: format!("{id}.run.json"),
            bytes: record.to_string().into_bytes(),
        }
    }

    #[test]
    fn the_newest_is_the_one_that_no_other_names_and_that_ended_last() {
        let first = document("01A", "2026-11-22T10:05:00.000Z", None);
        let digest = |of: &KeptDocument| sha256_of_bytes(&of.bytes);
        let long = document("01B", "2026-11-22T10:20:00.000Z", Some(&digest(&first)));
        let short = document("01C", "2026-11-22T10:15:00.000Z", Some(&digest(&first)));
        assert_eq!(newest(&[]), None);
        assert_eq!(newest(std::slice::from_ref(&first)), Some(digest(&first)));
        let all = [first.clone(), long.clone(), short.clone()];
        assert_eq!(newest(&all), Some(digest(&long)));
        let next = document("01D", "2026-11-22T10:30:00.000Z", Some(&digest(&long)));
        assert_eq!(
            newest(&[first, long, short, next.clone()]),
            Some(digest(&next))
        );
    }

    #[test]
    fn a_record_that_cannot_be_read_is_followed_too() {
        let strange = KeptDocument {
            name: "01A.run.json".into(),
            bytes: b"not json".to_vec(),
        };
        assert_eq!(
            newest(std::slice::from_ref(&strange)),
            Some(sha256_of_bytes(b"not json"))
        );
    }
}
