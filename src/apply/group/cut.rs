//! What a cut says of what was done. Pure.

use std::collections::BTreeMap;

use super::Attempt;
use crate::apply::precondition::PinnedCommit;
use crate::config::TableName;
use crate::ledger::{AcceptedRisk, Cut, CutTableEntry, LaterColumns};
use crate::plan::{GroupPlan, Step, StoredPlan};
use crate::record::TableRecord;

/// The cut that holds what was done; `commits` are the pinned commits, in the plan's order of tables.
pub(super) fn cut(
    attempt: &Attempt<'_>,
    tables: &[TableRecord],
    commits: Vec<PinnedCommit>,
) -> Cut {
    let Attempt { run, site, plan, turn: _, point, started: _ } = *attempt;
    let done: BTreeMap<&TableName, &TableRecord> =
        tables.iter().map(|table| (&table.table, table)).collect();
    let stored = run.stored;
    let trigger = plan.trigger.as_ref();
    // The epoch is that of the cut before; the append is refused if another cut came between.
    let last = site.cuts.newest(&plan.name);
    Cut {
        group_name: plan.name.clone(),
        cut_number: plan.next_cut(),
        recovery_point: point,
        consistency: plan.consistency.expect("a group to be synchronized has a consistency"),
        trigger: trigger.map_or_else(String::new, |trigger| trigger.kind.as_str().to_owned()),
        workflow_run_id: trigger.and_then(|trigger| trigger.run_id),
        planned_at: stored.plan.created_at,
        tables: plan
            .steps
            .iter()
            .zip(commits)
            .map(|(step, commit)| {
                let done = done
                    .get(&step.table)
                    .expect("a group is committed only when every table has its record");
                entry(step, commit, done, last)
            })
            .collect(),
        accepted: accepted(stored, &site.plan.name, plan),
        plan_id: stored.plan.plan_id.clone(),
        plan_sha256: stored.sha256.clone(),
        run_id: run.options.run_id.clone(),
        epoch: last.map_or(0, |last| last.epoch),
        committed_by: run.options.provenance.actor.clone(),
        committed_at: run.now(),
        previous_sha256: plan.follows_sha256.clone(),
        run_record_sha256: site.newest_record.clone(),
        kind: None,
        active: last.and_then(|last| last.active.clone()),
        later: LaterColumns::default(),
    }
}

fn entry(
    step: &Step,
    commit: PinnedCommit,
    done: &TableRecord,
    last: Option<&Cut>,
) -> CutTableEntry {
    CutTableEntry {
        table: step.table.clone(),
        source_table_id: step.source.table_id.clone(),
        source_version: step.source.version,
        source_committed_at: commit.committed_at,
        rows: rows(step, done, last),
        files: done.source_files.unwrap_or_default(),
        bytes: done.source_bytes.unwrap_or_default(),
        replica_location: step.replica.location.clone(),
        replica_version: done
            .replica_version
            .expect("a group is committed only when every table has its replica version"),
        source_commit_sha256: commit.sha256,
        replica_files_sha256: done.replica_files_sha256.clone(),
        replica_content_sha256: done.replica_content_sha256.clone(),
        later: LaterColumns::default(),
    }
}

/// Rows of what a table holds now: as counted after its clone, else as the log of a replica that was left as it is says, else as
/// the cut before says of the same version.
fn rows(step: &Step, done: &TableRecord, last: Option<&Cut>) -> Option<u64> {
    let counted = done.verified.as_ref().and_then(|verified| verified.source_rows);
    let before = || {
        let entry = last?.table(&step.table)?;
        let same = entry.source_version == step.source.version
            && entry.source_table_id == step.source.table_id;
        entry.rows.filter(|_| same)
    };
    counted.or(done.rows).or_else(before)
}

/// The plan's accepted risks that are about the group.
fn accepted(stored: &StoredPlan, workspace: &str, group: &GroupPlan) -> Vec<AcceptedRisk> {
    let tables = || group.steps.iter().map(|step| step.table.to_string());
    let about = |risk: &&AcceptedRisk| risk.is_about(workspace, &group.name, tables());
    stored.plan.accepted.iter().filter(about).cloned().collect()
}
