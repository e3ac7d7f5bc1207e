//! A large world over the sandbox: fifty tables a schema, twenty a group, and for each group a workflow of its own.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use drsync::apply::{ApplyOptions, RunRecord, apply};
use drsync::config::{Configuration, read_text};
use drsync::databricks::{ConnectOptions, Environment, connect};
use drsync::lakehouse::write::{self, WorkspaceFolder, WritableTable};
use drsync::lakehouse::{Writer, open_region};
use drsync::observe::observe;
use drsync::plan::{Plan, Request, plan};
use drsync::region::{RUN_RECORD_ENDING, Region, Regions};
use drsync::sandbox::{self, Running};
use serde_json::{Value, json};
use tempfile::TempDir;

const TABLES_A_SCHEMA: usize = 50;
const TABLES_A_GROUP: usize = 20;
const PRINCIPAL: &str = "dr-sync@example.com";
/// The default of `sync_receipt_minutes`.
const RECEIPT_MINUTES: i64 = 60;

/// The world, not served yet.
pub(crate) struct World {
    folder: TempDir,
    begin: DateTime<Utc>,
    tables: usize,
}

/// The world as it is served, and what is read from it.
pub(crate) struct Served {
    pub(crate) running: Running,
    configuration: Configuration,
    regions: Regions,
}

fn table(number: usize) -> String {
    let schema = number / TABLES_A_SCHEMA;
    format!("main.schema_{schema:02}.table_{number:04}")
}

impl World {
    pub(crate) async fn new(tables: usize) -> World {
        let folder = tempfile::tempdir().unwrap();
        let world = World { folder, begin: Utc::now() - TimeDelta::hours(12), tables };
        for root in ["east/sync", "west/sync"] {
            std::fs::create_dir_all(world.path(root)).unwrap();
        }
        let columns = write::columns(&[("id", "bigint")]).unwrap();
        let rows: Vec<Value> = (0..10).map(|id| json!({"id": id})).collect();
        let rows = write::rows(&columns, &rows).unwrap();
        let model = WritableTable::at(world.path("model"), Writer::new("owner@example.com"));
        let made = model.when(world.begin).create(columns, &[], &[]).await;
        made.unwrap();
        let filled = model.when(world.at(1)).insert(&rows).await;
        filled.unwrap();
        let entries: Vec<Value> = (0..tables)
            .map(|number| {
                let name = table(number);
                let place = format!("tables/{name}");
                copy(&world.path("model"), &world.path("east").join(&place));
                json!({"full_name": name, "table_type": "EXTERNAL", "data_source_format": "DELTA",
                    "storage_location": place, "table_id": format!("id-{number}")})
            })
            .collect();
        let east = WorkspaceFolder::create(world.path("east"), "east", PRINCIPAL).unwrap();
        let added = east.edit_catalog(|catalog| catalog["tables"] = json!(entries));
        added.unwrap();
        for group in 0..world.groups() {
            let job = group as i64 + 1;
            east.add_job(job, &format!("job_{group:02}")).unwrap();
        }
        world.run(2);
        world
    }

    pub(crate) fn groups(&self) -> usize {
        self.tables / TABLES_A_GROUP
    }

    fn path(&self, inside: &str) -> std::path::PathBuf {
        self.folder.path().join(inside)
    }

    fn at(&self, minutes: i64) -> DateTime<Utc> {
        self.begin + TimeDelta::minutes(minutes)
    }

    /// Every workflow has a successful run that ends at a minute.
    fn run(&self, minute: i64) {
        let east = WorkspaceFolder::at(self.path("east"));
        for group in 0..self.groups() as i64 {
            let (from, to) = (self.at(minute - 1), self.at(minute));
            let run = minute * 1_000 + group;
            east.add_run(group + 1, run, from, Some(to), "SUCCESS").unwrap();
        }
    }

    /// Synchronizes everything without the sandbox, then gives every table another commit and every workflow another run.
    pub(crate) async fn go_on(&self) {
        self.synchronize(0).await;
        let columns = write::columns(&[("id", "bigint")]).unwrap();
        let rows = write::rows(&columns, &[json!({"id": 11})]).unwrap();
        for number in 0..self.tables {
            let table = WritableTable::at(self.source(number), Writer::new("owner@example.com"));
            table.when(self.at(40)).insert(&rows).await.unwrap();
        }
        self.run(41);
    }

    /// Synchronizes everything without the sandbox, so many minutes ago by its clock.
    pub(crate) async fn synchronize(&self, minutes_ago: i64) -> RunRecord {
        let open = |workspace: Option<&str>, location: &str| -> Region {
            let workspace = workspace.map(|folder| self.path(folder));
            let location = self.path(location).display().to_string();
            let writer = Writer::new(PRINCIPAL);
            open_region(workspace, &location, writer).unwrap()
        };
        let regions = Regions {
            primary: open(Some("east"), "east/sync"),
            secondary: open(None, "west/sync"),
        };
        let configuration = self.configuration("east", RECEIPT_MINUTES);
        let now = Utc::now() - TimeDelta::minutes(minutes_ago);
        let planned = look_at(&configuration, &regions, now, true).await;
        assert_eq!(planned.summary.groups_sync, self.groups(), "{:?}", planned.summary);
        let options = ApplyOptions {
            parallelism: 8,
            ..ApplyOptions::new(
                "01JDA2C7000000000000000001".to_owned(),
                drsync::plan::Provenance::of_actor(PRINCIPAL),
                move || Utc::now() - TimeDelta::minutes(minutes_ago),
            )
        };
        let record = apply(&planned.stored(), &[regions], &options, &|_| {}).await;
        assert_eq!(record.exit.code, 0, "{:?}", record.exit);
        record
    }

    /// Where a source lies.
    pub(crate) fn source(&self, number: usize) -> std::path::PathBuf {
        self.path("east/tables").join(table(number))
    }

    /// `receipt_minutes`: how long nobody may have looked at the newest versions of sources.
    fn configuration(&self, address: &str, receipt_minutes: i64) -> Configuration {
        let groups: Vec<Value> = (0..self.groups())
            .map(|group| {
                let tables: Vec<String> = (group..self.tables).step_by(self.groups()).map(table).collect();
                json!({"group_name": format!("group_{group:02}"), "group_owner_email": "a@example.com",
                    "workflow": format!("job_{group:02}"), "tables": tables})
            })
            .collect();
        // It fires half a year from now: what is due is due by its workflow.
        let schedule = format!("0 0 1 {} *", (Utc::now().month0() + 6) % 12 + 1);
        let text = json!({"secret_scope": "", "workspaces": [{
            "workspace_name": "east", "workspace_instance_url": address, "workspace_pat_key": "",
            "sync_location_primary": self.path("east/sync"), "sync_location_secondary": self.path("west/sync"),
            "sync_failure_notification": "a@example.com", "sync_success_notification": "a@example.com",
            "sync_default_schedule": schedule, "sync_max_retries": "0", "sync_min_interval_minutes": 0,
            "sync_receipt_minutes": receipt_minutes, "sync_groups": groups}]});
        let read = read_text("drsync.json", text.to_string().as_bytes(), self.folder.path());
        assert_eq!(read.mistakes, []);
        read
    }

    /// Serves it; every reply comes 30 ms later.
    pub(crate) async fn serve(&self) -> Served {
        self.serve_to(RECEIPT_MINUTES).await
    }

    /// The same to somebody who looks at the newest versions of sources so often.
    pub(crate) async fn serve_to(&self, receipt_minutes: i64) -> Served {
        let served = sandbox::World::of(self.path("east"), self.path("west"));
        let running = sandbox::serve(sandbox::SandboxOptions::new(served)).await.unwrap();
        running.inject("* * every delay=30ms".parse().unwrap());
        let configuration = self.configuration(&running.primary.url, receipt_minutes);
        let token = ("DRSYNC_TOKEN_EAST".to_owned(), running.primary.token.clone());
        let environment = Environment::new(BTreeMap::from([token]), None);
        let mut options = ConnectOptions::of(&configuration.workspaces[0], environment).unwrap();
        options.connection.warehouse_id = Some(running.primary.warehouse_id.clone());
        let regions = connect(&options).await.unwrap().regions();
        Served { running, configuration, regions }
    }
}

impl Served {
    /// Keeps the record of an apply that went past the sandbox.
    pub(crate) async fn keep(&self, record: &RunRecord) {
        let name = format!("{}{RUN_RECORD_ENDING}", record.run_id);
        for region in [&self.regions.primary, &self.regions.secondary] {
            region.location.keep_evidence(&name, &record.bytes()).await.unwrap();
        }
    }

    /// Plans, and says how many requests that took.
    pub(crate) async fn plan(&self) -> (Plan, usize) {
        let before = self.running.requests().len();
        let planned = look_at(&self.configuration, &self.regions, Utc::now(), false).await;
        (planned, self.running.requests().len() - before)
    }
}

async fn look_at(
    configuration: &Configuration,
    regions: &Regions,
    now: DateTime<Utc>,
    alone: bool,
) -> Plan {
    let request = Request { plan_id: "01JDPLAN".to_owned(), ..Request::default() };
    let regions = std::slice::from_ref(regions);
    let seen = observe(configuration, regions, &request, now, alone).await;
    plan(&seen, &request)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
            // A commit's time is its file's.
            let when = entry.metadata().unwrap().modified().unwrap();
            let file = std::fs::File::options().append(true).open(target);
            file.unwrap().set_modified(when).unwrap();
        }
    }
}
