//! Two regions with real Delta tables in a temporary folder, and the flow from configuration to record over them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, Utc};
use drsync::apply::{self, ApplyOptions, Ending, Event, RunRecord};
use drsync::config::{Configuration, Connection, TableName, read_text};
use drsync::databricks::{ConnectOptions, Environment, Notice, Timing, connect};
use drsync::lakehouse::write::{WorkspaceFolder, WritableTable, columns, rows};
use drsync::lakehouse::{Writer, delta, open_region};
use drsync::ledger::Row;
use drsync::observe::observe;
use drsync::plan::{GroupPlan, Plan, Request, plan};
use drsync::region::{Region, Regions};
use drsync::sandbox::{self, Running};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::reworded::reword;
use super::runner::{Run, drsync};

/// No pause of a client takes longer.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// The moment at which a story begins.
pub(crate) fn start() -> DateTime<Utc> {
    "2026-11-22T11:00:00Z".parse().unwrap()
}

/// What stands between drsync and the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Nothing: the regions are embedded lakehouses.
    Lakehouse,
    /// A workspace of Databricks' API, which the sandbox serves over the same lakehouses.
    Sandbox,
}

/// The sandbox over a world, and what its clock shows.
struct Served {
    running: Running,
    clock: Arc<Mutex<DateTime<Utc>>>,
}

/// A world: `east` with a workspace and tables, `west` with a sync location only.
pub(crate) struct World {
    folder: Arc<TempDir>,
    pub(crate) config: Value,
    /// What the clock shows; stories move it.
    pub(crate) now: DateTime<Utc>,
    runs: u32,
    /// Whether plans are applied by whoever has just computed them.
    pub(crate) planned_now: bool,
    /// What approval applies have.
    pub(crate) approval: drsync::apply::Approval,
    /// Runners whose records witness cuts; none: all do.
    pub(crate) record_keys: Vec<String>,
    /// From where applies look.
    pub(crate) seen_from: String,
    /// How many clones an apply runs at once.
    pub(crate) parallelism: usize,
    /// What the regions say is said in other words.
    pub(crate) reworded: bool,
    served: Option<Arc<Served>>,
}

impl World {
    /// One scheduled group, `reference`, with the table `main.shop.countries` that has three rows.
    pub(crate) async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        for location in ["east/sync", "west/sync"] {
            std::fs::create_dir_all(folder.path().join(location)).unwrap();
        }
        WorkspaceFolder::create(folder.path().join("east"), "east", "dr-sync@example.com").unwrap();
        let mut world = World {
            folder: Arc::new(folder),
            config: Value::Null,
            now: start(),
            runs: 0,
            planned_now: true,
            approval: drsync::apply::Approval::None,
            record_keys: Vec::new(),
            seen_from: "here".to_owned(),
            parallelism: 4,
            reworded: false,
            served: None,
        };
        world.config = json!({
            "secret_scope": "",
            "workspaces": [{
                "workspace_name": "east",
                "workspace_instance_url": "east",
                "workspace_pat_key": "",
                "sync_location_primary": "east/sync",
                "sync_location_secondary": "west/sync",
                "sync_failure_notification": "ops@example.com",
                "sync_success_notification": "ops@example.com",
                "sync_default_schedule": "0 */12 * * *",
                "sync_max_retries": "0",
                "sync_groups": [],
            }],
        });
        world.make("main.shop.countries", "tables/countries").await;
        world.add_group("reference", None, &["main.shop.countries"]);
        world
    }

    /// The same in one of its forms.
    pub(crate) async fn of(form: Form) -> World {
        let mut world = World::new().await;
        if form == Form::Sandbox {
            let clock = Arc::new(Mutex::new(world.now));
            let shown = clock.clone();
            let folders = sandbox::World::of(world.path("east"), world.path("west"));
            let options = sandbox::SandboxOptions {
                clock: Arc::new(move || *shown.lock().unwrap()),
                ..sandbox::SandboxOptions::new(folders)
            };
            let running = sandbox::serve(options).await.unwrap();
            world.served = Some(Arc::new(Served { running, clock }));
        }
        world
    }

    /// The workspace of the west, where one is served.
    pub(crate) fn west(&self) -> Option<&sandbox::WorkspaceEndpoint> {
        self.served.as_ref().map(|served| &served.running.secondary)
    }

    /// The same world for another process at the same time.
    pub(crate) fn twin(&self) -> World {
        World {
            folder: self.folder.clone(),
            config: self.config.clone(),
            now: self.now,
            runs: 1_000,
            planned_now: self.planned_now,
            approval: self.approval.clone(),
            record_keys: self.record_keys.clone(),
            seen_from: self.seen_from.clone(),
            parallelism: self.parallelism,
            reworded: self.reworded,
            served: self.served.clone(),
        }
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    pub(crate) fn workspace(&self) -> WorkspaceFolder {
        WorkspaceFolder::at(self.path("east"))
    }

    pub(crate) fn add_group(&mut self, name: &str, workflow: Option<&str>, tables: &[&str]) {
        let mut group =
            json!({"group_name": name, "group_owner_email": "owner@example.com", "tables": tables});
        if let Some(workflow) = workflow {
            group["workflow"] = workflow.into();
        }
        self.groups().push(group);
    }

    pub(crate) fn groups(&mut self) -> &mut Vec<Value> {
        self.config["workspaces"][0]["sync_groups"].as_array_mut().unwrap()
    }

    /// Creates a table with the rows 1 to 3, an hour before the story begins, and lists it in the catalog.
    pub(crate) async fn make(&self, name: &str, location: &str) -> WritableTable {
        let early = self.source_at(location).when(start() - Duration::minutes(60));
        early.create(schema(), &[], &[]).await.unwrap();
        early.when(start() - Duration::minutes(59)).insert(&batch(1..=3)).await.unwrap();
        self.workspace().add_table(name, location).unwrap();
        self.source_at(location)
    }

    /// A source table by its location in the east, written now by somebody.
    pub(crate) fn source_at(&self, location: &str) -> WritableTable {
        let writer = Writer { user: "etl@example.com".to_owned(), clock: Arc::new(Utc::now) };
        WritableTable::at(self.path("east").join(location), writer).when(self.now)
    }

    /// The only table of `reference`.
    pub(crate) fn countries(&self) -> WritableTable {
        self.source_at("tables/countries")
    }

    /// A replica's folder.
    pub(crate) fn replica_folder(&self, name: &str) -> PathBuf {
        self.path("west/sync").join(TableName::parse(name).unwrap().path())
    }

    /// A replica as somebody else would write to it.
    pub(crate) fn replica(&self, name: &str) -> WritableTable {
        let writer = Writer { user: "someone@example.com".to_owned(), clock: Arc::new(Utc::now) };
        WritableTable::at(self.replica_folder(name), writer).when(self.now)
    }

    /// drsync as a process in this world, at its moment.
    pub(crate) fn drsync(&self, arguments: &[&str]) -> Run {
        drsync(self.path(""), arguments).at(self.now.to_rfc3339())
    }

    pub(crate) fn configuration(&self) -> Configuration {
        let mut config = self.config.clone();
        if let Some(served) = &self.served {
            let workspace = &mut config["workspaces"][0];
            workspace["workspace_instance_url"] = served.running.primary.url.clone().into();
        }
        let text = serde_json::to_vec_pretty(&config).unwrap();
        read_text("drsync.json", &text, self.folder.path())
    }

    pub(crate) fn regions(&self) -> Regions {
        let regions = match &self.served {
            Some(served) => self.connect(served),
            None => self.open(),
        };
        if !self.reworded {
            return regions;
        }
        let Regions { primary, secondary } = regions;
        Regions { primary: reword(primary), secondary: reword(secondary) }
    }

    /// Regions over what is served, as another process would open them.
    fn connect(&self, served: &Served) -> Regions {
        *served.clock.lock().unwrap() = self.now;
        let (primary, secondary) = (&served.running.primary, &served.running.secondary);
        let variables =
            [primary, secondary].map(|it| (it.token_variable.clone(), it.token.clone()));
        let text = self.path("").display().to_string();
        let now = self.now;
        let options = ConnectOptions {
            name: "east".to_owned(),
            address: primary.url.parse().unwrap(),
            connection: Connection {
                warehouse_id: Some(primary.warehouse_id.clone()),
                ..Connection::default()
            },
            location_primary: format!("{text}east/sync"),
            location_secondary: format!("{text}west/sync"),
            secondary: None,
            verify_rows: true,
            unbound: None,
            environment: Environment::new(variables.into(), None),
            timing: Timing {
                now: Arc::new(move || now),
                sleep: Arc::new(|pause| Box::pin(tokio::time::sleep(pause.min(PAUSE)))),
                ..Timing::real()
            },
            notice: Notice::nobody(),
        };
        let connected = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(connect(&options))
        });
        connected.unwrap().regions()
    }

    fn open(&self) -> Regions {
        let now = self.now;
        let writer =
            Writer { user: "dr-sync@example.com".to_owned(), clock: Arc::new(move || now) };
        let open = |workspace: Option<&str>, location: &str| -> Region {
            let location = self.path(location);
            let workspace = workspace.map(|folder| self.path(folder));
            open_region(workspace, location.to_str().unwrap(), writer.clone()).unwrap()
        };
        Regions { primary: open(Some("east"), "east/sync"), secondary: open(None, "west/sync") }
    }

    pub(crate) async fn plan_with(&self, request: Request) -> Plan {
        let configuration = self.configuration();
        assert!(!configuration.workspaces.is_empty(), "{:?}", configuration.mistakes);
        let regions = vec![self.regions()];
        let request = Request {
            plan_id: ulid::Ulid::from_parts(self.now.timestamp_millis() as u64, 7).to_string(),
            ..request
        };
        let observed = observe(&configuration, &regions, &request, self.now, true).await;
        plan(&observed, &request)
    }

    /// What a plan and a status say of one look.
    pub(crate) async fn plan_and_status(&self) -> (Plan, drsync::plan::status::StatusDocument) {
        let request = Request { plan_id: run_id(7), ..Request::default() };
        let configuration = self.configuration();
        let observed = observe(&configuration, &[self.regions()], &request, self.now, true).await;
        let plan = plan(&observed, &request);
        let status = drsync::plan::status::status(&observed, &plan);
        (plan, status)
    }

    pub(crate) async fn plan(&self) -> Plan {
        self.plan_with(Request::default()).await
    }

    pub(crate) async fn plan_of(&self, group: &str) -> GroupPlan {
        let plan = self.plan().await;
        plan.groups().find(|(_, plan)| plan.name == group).expect("the group is planned").1.clone()
    }

    pub(crate) async fn apply_plan(&mut self, plan: &Plan) -> RunRecord {
        self.apply_watching(plan, &|_| {}).await
    }

    pub(crate) async fn apply_watching(
        &mut self,
        plan: &Plan,
        watch: &(dyn Fn(&Event) + Send + Sync),
    ) -> RunRecord {
        self.runs += 1;
        let now = self.now;
        let options = ApplyOptions {
            parallelism: self.parallelism,
            clock_overridden: true,
            approval: self.approval.clone(),
            record_keys: self.record_keys.clone(),
            planned_now: self.planned_now,
            policies: self.policies(),
            seen_from: self.seen_from.clone(),
            ..ApplyOptions::new(
                run_id(self.runs),
                drsync::plan::Provenance::of_actor("tester"),
                move || now,
            )
        };
        let record =
            apply::apply(&plan.stored(), &[self.regions()], &options, &|event| watch(&event)).await;
        super::remembered::remember(&self.folder, self.open().secondary.location.as_ref()).await;
        for group in &record.groups {
            let ending = group.ending.as_ref().map(Ending::outcome);
            assert_eq!(ending, Some(group.outcome), "{group:#?}");
        }
        record
    }

    fn policies(&self) -> Vec<drsync::notify::Policy> {
        let configured = self.configuration().workspaces;
        configured.iter().filter_map(drsync::notify::Policy::of).collect()
    }

    /// Plans and applies at once.
    pub(crate) async fn apply(&mut self) -> RunRecord {
        let plan = self.plan().await;
        self.apply_plan(&plan).await
    }

    /// The next apply has the id of the one before: the world was put back.
    pub(crate) fn again(&mut self) {
        self.runs -= 1;
    }

    /// Moves the clock.
    pub(crate) fn later(&mut self, minutes: i64) {
        self.now += Duration::minutes(minutes);
    }

    /// A group's row in one region.
    pub(crate) async fn row(&self, region: &str, group: &str) -> Row {
        self.rows(region)
            .await
            .into_iter()
            .find(|row| row.group_name == group)
            .expect("the group has a row")
    }

    pub(crate) async fn rows(&self, region: &str) -> Vec<Row> {
        let regions = self.regions();
        let region = if region == "east" { regions.primary } else { regions.secondary };
        region.location.ledger().await.unwrap().metadata.expect("the metadata table is there").rows
    }

    /// The values of `id` in a table at its newest version, sorted.
    pub(crate) async fn ids(&self, folder: &Path) -> Vec<i64> {
        let store = delta::TableStore::local(folder);
        let mut ids: Vec<i64> = Vec::new();
        for batch in delta::read_rows(&store, None).await.unwrap() {
            use arrow_array::cast::AsArray;
            let column = batch.column_by_name("id").unwrap();
            ids.extend(column.as_primitive::<arrow_array::types::Int64Type>().iter().flatten());
        }
        ids.sort_unstable();
        ids
    }
}

/// `id bigint, name string`.
pub(crate) fn schema() -> arrow_schema::Schema {
    columns(&[("id", "long"), ("name", "string")]).unwrap()
}

/// Rows with the given ids.
pub(crate) fn batch(ids: impl IntoIterator<Item = i64>) -> arrow_array::RecordBatch {
    let all: Vec<Value> =
        ids.into_iter().map(|id| json!({"id": id, "name": format!("row {id}")})).collect();
    rows(&schema(), &all).unwrap()
}

/// The id of the apply of a number, counted from 1.
pub(crate) fn run_id(number: u32) -> String {
    let day: DateTime<Utc> = "2026-11-22T00:00:00Z".parse().unwrap();
    let millis = day.timestamp_millis() as u64 + u64::from(number);
    ulid::Ulid::from_parts(millis, u128::from(number)).to_string()
}
