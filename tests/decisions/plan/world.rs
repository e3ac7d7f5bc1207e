//! A world in which everything agrees; each test changes one thing.

use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use drsync::config::{GroupEntry, TableName, read_text};
use drsync::ledger::{Consistency, Cut, CutTableEntry, Row, RowStatus};
use drsync::plan::document::ConfigSource;
use drsync::plan::{
    GroupObserved, GroupPlan, Observed, Plan, RegionObserved, Request, TableObserved, Watch,
    WorkspaceObserved, merge_copies, plan,
};
use drsync::region::{
    CloneProof, Commit, CutTable, Estimate, EstimateBasis, LedgerCopy, LookDepth, Mark,
    MetadataTable, PauseStatus, Pin, Presence, Replica, ReplicaCommit, RunState, Size, Source,
    Table, Upkeep, Workflow, WorkflowRun, WriteAccess, is_maintenance,
};
use serde_json::json;

/// The one table of `reference`.
pub(crate) const COUNTRIES: &str = "main.shop.countries";

/// The moment at which tests look at the world.
pub(crate) fn now() -> DateTime<Utc> {
    at("2026-11-22T11:00:00Z")
}

/// A moment.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A table's name.
pub(crate) fn table(name: &str) -> TableName {
    TableName::parse(name).unwrap()
}

/// Two groups: `orders` follows a workflow, `reference` a schedule; both have a cut, and nothing has happened since.
pub(crate) struct World {
    pub(crate) observed: Observed,
    pub(crate) request: Request,
}

impl World {
    pub(crate) fn new() -> World {
        World::with(|_| {})
    }

    /// The world of a configuration that `change` has changed.
    pub(crate) fn with(change: impl FnOnce(&mut serde_json::Value)) -> World {
        let mut text = json!({
            "secret_scope": "",
            "workspaces": [{
                "workspace_name": "east",
                "workspace_instance_url": "/world/east",
                "workspace_pat_key": "",
                "sync_location_primary": "/world/east/sync",
                "sync_location_secondary": "/world/west/sync",
                "sync_failure_notification": "ops@example.com",
                "sync_success_notification": "ops@example.com",
                "sync_default_schedule": "0 */12 * * *",
                "sync_max_retries": "3",
                "sync_groups": [
                    {"group_name": "orders", "group_owner_email": "a@example.com", "workflow": "orders_job",
                     "tables": ["main.shop.orders", "main.shop.lines"]},
                    {"group_name": "reference", "group_owner_email": "b@example.com", "tables": ["main.shop.countries"]}
                ]
            }]
        });
        change(&mut text);
        let bytes = serde_json::to_vec_pretty(&text).unwrap();
        let configuration = read_text("drsync.json", &bytes, Path::new("/world"));
        let workspace = configuration.workspaces.first().expect("the workspace is usable").clone();
        let groups = workspace.groups.iter().map(group).collect();
        let cuts = [
            cuts(
                "orders",
                41,
                "2026-11-22T09:41:07.500Z",
                Consistency::WorkflowConsistent,
                &["main.shop.orders", "main.shop.lines"],
            ),
            cuts(
                "reference",
                7,
                "2026-11-22T06:00:00Z",
                Consistency::PointInTime,
                &["main.shop.countries"],
            ),
        ]
        .concat();
        let rows = workspace.groups.iter().filter_map(row).collect();
        let copy = LedgerCopy {
            metadata: Some(MetadataTable { version: 9, workspace: Some("east".to_owned()), rows }),
            cuts: Some(CutTable {
                version: 9,
                workspace: Some("east".to_owned()),
                cuts,
                odd: Vec::new(),
            }),
            troubles: vec![],
            heads_only: false,
        };
        let ledger = merge_copies(&copy, &copy);
        let region = |location: &str| RegionObserved {
            workspace: Some(format!("/world/{location}")),
            location: format!("/world/{location}/sync"),
            presence: Ok(Presence {
                location: format!("/world/{location}/sync"),
                principal: Some("dr-sync@example.com".to_owned()),
                default_catalog: Some("main".to_owned()),
                clock: None,
                workspace_unseen: None,
            }),
            ledger: Ok(copy.clone()),
            observed_at: now(),
        };
        World {
            observed: Observed {
                now: now(),
                clock_overridden: false,
                config: ConfigSource {
                    source: "drsync.json".to_owned(),
                    sha256: configuration.sha256,
                    effective_sha256: configuration.effective_sha256,
                    secret_refs: vec![],
                },
                incomplete: configuration.incomplete,
                workspaces: vec![WorkspaceObserved {
                    primary: region("east"),
                    secondary: region("west"),
                    write_access: Some(Ok(WriteAccess::Allowed)),
                    write_access_primary: Some(Ok(WriteAccess::Allowed)),
                    witnessed: drsync::plan::Witnessed::default(),
                    settings_before: None,
                    records: None,
                    record_here: None,
                    receipts: Default::default(),
                    lost_with: Default::default(),
                    compute: None,
                    secrets: None,
                    grants: Default::default(),
                    ledger,
                    watch: Some(Watch::default()),
                    whole_look: true,
                    groups,
                    workspace,
                }],
            },
            request: Request { plan_id: "P".to_owned(), full: true, ..Request::default() },
        }
    }

    pub(crate) fn workspace(&mut self) -> &mut WorkspaceObserved {
        &mut self.observed.workspaces[0]
    }

    pub(crate) fn group(&mut self, name: &str) -> &mut GroupObserved {
        let groups = &mut self.workspace().groups;
        groups.iter_mut().find(|group| group.entry.name() == Some(name)).unwrap()
    }

    pub(crate) fn table(&mut self, name: &str) -> &mut TableObserved {
        let groups = &mut self.workspace().groups;
        groups
            .iter_mut()
            .flat_map(|group| &mut group.tables)
            .find(|seen| seen.name == table(name))
            .unwrap()
    }

    pub(crate) fn source(&mut self, name: &str) -> &mut Source {
        self.table(name).source.as_mut().unwrap().as_mut().unwrap()
    }

    pub(crate) fn replica(&mut self, name: &str) -> &mut Replica {
        self.table(name).replica.as_mut().unwrap().as_mut().unwrap().as_mut().unwrap()
    }

    pub(crate) fn pin(&mut self, name: &str) -> &mut Pin {
        self.table(name).pin.as_mut().unwrap().as_mut().unwrap()
    }

    /// A commit in the primary; what a plan may pin is looked at too.
    pub(crate) fn commit(&mut self, name: &str, version: u64, moment: &str, operation: &str) {
        let changes = !matches!(operation, "OPTIMIZE" | "VACUUM END");
        self.source(name).commits.push(commit(version, moment, operation, changes));
    }

    /// What the region says of a table at the version that the plan pins.
    pub(crate) fn pinned_at(&mut self, name: &str, version: u64) {
        self.pin(name).version = version;
    }

    /// A run of `orders_job`.
    pub(crate) fn run(&mut self, run_id: i64, started: &str, ended: Option<&str>, state: RunState) {
        let run = WorkflowRun { run_id, started_at: at(started), ended_at: ended.map(at), state };
        self.group("orders").workflows[0].as_mut().unwrap().runs.insert(0, run);
    }

    /// Replaces both copies of the rows.
    pub(crate) fn set_row(&mut self, group: &str, change: impl Fn(&Row) -> Row) {
        let workspace = self.workspace();
        for region in [&mut workspace.primary, &mut workspace.secondary] {
            for row in &mut region.ledger.as_mut().unwrap().metadata.as_mut().unwrap().rows {
                if row.group_name == group {
                    *row = change(row);
                }
            }
        }
        self.merge();
    }

    /// Merges both copies again after a change to one of them.
    pub(crate) fn merge(&mut self) {
        let workspace = self.workspace();
        workspace.ledger = merge_copies(&workspace.primary.copy(), &workspace.secondary.copy());
    }

    /// Accepts a risk.
    pub(crate) fn accept(&mut self, code: &str, scope: &str) {
        self.request.accepted.push(drsync::ledger::AcceptedRisk {
            code: code.to_owned(),
            scope: scope.to_owned(),
            reason: "a test".to_owned(),
        });
    }

    pub(crate) fn plan(&self) -> Plan {
        plan(&self.observed, &self.request)
    }

    pub(crate) fn plan_of(&self, group: &str) -> GroupPlan {
        self.plan().workspaces[0]
            .groups
            .iter()
            .find(|plan| plan.name == group)
            .expect("the group is planned")
            .clone()
    }
}

fn commit(version: u64, moment: &str, operation: &str, changes: bool) -> Commit {
    Commit {
        version,
        committed_at: at(moment),
        operation: operation.to_owned(),
        user: None,
        rows: None,
        upkeep: if changes { Upkeep::Changes } else { Upkeep::Compared },
        table_id: Some("id".to_owned()),
        sha256: Some(sha256_of(version, operation)),
    }
}

/// What stands for the digest of a commit.
pub(crate) fn sha256_of(version: u64, operation: &str) -> String {
    format!("sha256 of {operation} {version}")
}

fn group(entry: &GroupEntry) -> GroupObserved {
    let GroupEntry::Valid(valid) = entry else {
        return GroupObserved {
            entry: entry.clone(),
            workflows: vec![],
            workflows_in_secondary: vec![],
            names: vec![],
            unprotected: vec![],
            tables: vec![],
        };
    };
    let names: Vec<TableName> =
        valid.tables.iter().map(|table| table.resolve("main", "default")).collect();
    GroupObserved {
        workflows: valid
            .workflows
            .iter()
            .map(|name| {
                Ok(Workflow {
                    job_id: 7,
                    name: name.to_string(),
                    pause_status: PauseStatus::Unscheduled,
                    deployment: None,
                    runs: vec![WorkflowRun {
                        run_id: 88,
                        started_at: at("2026-11-22T09:00:00Z"),
                        ended_at: Some(at("2026-11-22T09:41:07.500Z")),
                        state: RunState::Succeeded,
                    }],
                    seen_from: None,
                })
            })
            .collect(),
        workflows_in_secondary: vec![],
        unprotected: vec![],
        tables: names.iter().map(seen).collect(),
        names,
        entry: entry.clone(),
    }
}

fn seen(name: &TableName) -> TableObserved {
    let mark = Mark { source_table_id: "id".to_owned(), source_version: 4, replica: name.path() };
    TableObserved {
        name: name.clone(),
        listed: Ok(Table {
            name: name.clone(),
            table_id: None,
            location: Some(format!("/world/east/tables/{}", name.table)),
            unsupported: None,
            denied: None,
        }),
        came: None,
        rights: None,
        registered: None,
        stands: None,
        looked_into: false,
        source: Some(Ok(Source {
            commits: vec![commit(4, "2026-11-22T05:00:00Z", "WRITE", true)],
            oldest_version: 0,
            untimed: None,
            retention: None,
            table_id: "id".to_owned(),
        })),
        replica: Some(Ok(Some(Replica {
            since_damaged: None,
            since_files: None,
            depth: LookDepth::FilesListed,
            content: None,
            proof: CloneProof::NotAsked,
            version: 2,
            mark: Some(mark),
            epoch: None,
            column_mapping: "none".to_owned(),
            rows: Some(5_000),
            damaged: None,
            read_around: None,
            before: vec![],
            commits: vec![],
        }))),
        pin: Some(Ok(Pin {
            version: 4,
            table_id: "id".to_owned(),
            size: Some(Size { files: 3, bytes: 3_000 }),
            rows: Some(5_000),
            column_mapping: "none".to_owned(),
            deleted_file_retention: None,
            log_retention: None,
            estimate: Some(Estimate {
                copy_files: 1,
                copy_bytes: 1_000,
                basis: EstimateBasis::LiveFiles,
            }),
            schema: None,
        })),
    }
}

/// A commit on a replica.
pub(crate) fn replica_commit(version: u64, operation: &str) -> ReplicaCommit {
    ReplicaCommit {
        version,
        committed_at: at("2026-11-22T10:00:00Z") + Duration::minutes(version as i64),
        operation: operation.to_owned(),
        user: Some("someone@example.com".to_owned()),
        source_version: None,
        source_size: None,
        mark: None,
        restored_to: None,
        marked_epoch: None,
        rows: None,
        upkeep: if is_maintenance(operation) { Upkeep::Compared } else { Upkeep::Changes },
    }
}

fn cuts(
    group: &str,
    number: u64,
    point: &str,
    consistency: Consistency,
    tables: &[&str],
) -> Vec<Cut> {
    let mut all: Vec<Cut> = Vec::new();
    for number in 1..=number {
        all.push(Cut {
            group_name: group.to_owned(),
            cut_number: number,
            recovery_point: at(point),
            consistency,
            trigger: "workflow".to_owned(),
            workflow_run_id: None,
            planned_at: at(point) + Duration::minutes(1),
            tables: tables
                .iter()
                .map(|name| CutTableEntry {
                    table: table(name),
                    source_table_id: "id".to_owned(),
                    source_version: 4,
                    source_committed_at: at("2026-11-22T05:00:00Z"),
                    rows: Some(5_000),
                    files: 3,
                    bytes: 3_000,
                    replica_location: format!("/world/west/sync/{}", table(name).path()),
                    replica_version: 2,
                    source_commit_sha256: None,
                    replica_files_sha256: None,
                    replica_content_sha256: None,
                    later: Default::default(),
                })
                .collect(),
            accepted: vec![],
            plan_id: "P0".to_owned(),
            plan_sha256: String::new(),
            run_id: format!("R{number}"),
            epoch: 0,
            committed_by: "someone".to_owned(),
            committed_at: at(point) + Duration::minutes(2),
            previous_sha256: all.last().map(Cut::sha256),
            run_record_sha256: None,
            kind: None,
            active: None,
            later: Default::default(),
        });
    }
    all
}

fn row(entry: &GroupEntry) -> Option<Row> {
    let GroupEntry::Valid(group) = entry else {
        return None;
    };
    if !["orders", "reference"].contains(&group.name.as_str()) {
        return None;
    }
    let tables =
        group.tables.iter().map(|table| table.resolve("main", "default").to_string()).collect();
    let workflow = group.workflows.first().map(ToString::to_string);
    let first = Row::first_seen(&group.name, workflow, tables, at("2026-11-01T00:00:00Z"));
    Some(Row {
        current_sync_status: Some(RowStatus::Success),
        sync_start_timestamp: Some(at("2026-11-22T06:00:00Z")),
        sync_end_timestamp: Some(at("2026-11-22T06:02:00Z")),
        message: Some("cut 7 at 2026-11-22T06:00:00.000Z".into()),
        ..first
    })
}
