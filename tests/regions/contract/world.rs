//! A world to test regions in: an eastern workspace with one table and one workflow, and an empty west.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use drsync::config::TableName;
use drsync::lakehouse::write::{self, WorkspaceFolder, WritableTable};
use drsync::lakehouse::{LakehouseLocation, LakehouseWorkspace, Writer};
use drsync::region::{
    CloneOrder, Cloned, Location, Mark, PinQuestion, Progress, Region, RegionError, Regions,
    Replica, ReplicaQuestion, Source, SourceQuestion, Workspace,
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PRINCIPAL: &str = "dr-sync@example.com";
pub(crate) const ORDERS: &str = "main.shop.orders";

/// Two folders, and two regions over them.
pub(crate) struct World {
    folder: TempDir,
    open: Open,
    pub(crate) regions: Regions,
    pub(crate) east: WorkspaceFolder,
}

/// Opens regions over `east` (workspace), `east/sync` and `west/sync`.
pub(crate) type Open = fn(&std::path::Path) -> Regions;

pub(crate) fn open_lakehouse(folder: &std::path::Path) -> Regions {
    let writer = Writer::new(PRINCIPAL);
    let open = |workspace: Option<PathBuf>, location: &str| -> Region {
        let location = folder.join(location).display().to_string();
        let location = LakehouseLocation::open(&location, writer.clone()).unwrap();
        let workspace = workspace.map(|it| LakehouseWorkspace::open(it, writer.clone()));
        Region {
            workspace: workspace.map(|it| Arc::new(it) as Arc<dyn Workspace>),
            location: Arc::new(location.cloning_from(folder.join("east"))),
        }
    };
    Regions {
        primary: open(Some(folder.join("east")), "east/sync"),
        secondary: open(None, "west/sync"),
    }
}

/// Minutes after the world began, half a day ago.
pub(crate) fn at(minutes: i64) -> DateTime<Utc> {
    static BEGIN: LazyLock<DateTime<Utc>> =
        LazyLock::new(|| (Utc::now() - TimeDelta::hours(12)).trunc_subsecs(0));
    *BEGIN + TimeDelta::minutes(minutes)
}

pub(crate) fn name(text: &str) -> TableName {
    TableName::parse(text).unwrap()
}

impl World {
    pub(crate) async fn new(open: Open) -> World {
        let folder = tempfile::tempdir().unwrap();
        for root in ["east/sync", "west/sync"] {
            std::fs::create_dir_all(folder.path().join(root)).unwrap();
        }
        let east = WorkspaceFolder::create(folder.path().join("east"), "east", PRINCIPAL).unwrap();
        let regions = open(folder.path());
        let world = World { folder, open, regions, east };
        world.add_table(ORDERS).await;
        world.east.add_job(7, "orders_job").unwrap();
        world
    }

    /// Adds a table of three versions: made, and two inserts of ten rows.
    pub(crate) async fn add_table(&self, name: &str) {
        self.add_table_at(name, name).await;
    }

    /// The same, in a folder of another name.
    pub(crate) async fn add_table_at(&self, name: &str, folder: &str) {
        let table = self.table(folder);
        let columns = write::columns(&[("id", "bigint"), ("day", "string")]).unwrap();
        table.when(at(0)).create(columns, &["day"], &[]).await.unwrap();
        self.insert(folder, at(1), 0..10).await;
        self.insert(folder, at(2), 10..20).await;
        self.east.add_table(name, &format!("tables/{folder}")).unwrap();
    }

    pub(crate) async fn insert(&self, name: &str, when: DateTime<Utc>, ids: std::ops::Range<i64>) {
        let columns = write::columns(&[("id", "bigint"), ("day", "string")]).unwrap();
        let rows: Vec<Value> = ids.map(|id| json!({"id": id, "day": "monday"})).collect();
        let rows = write::rows(&columns, &rows).unwrap();
        self.table(name).when(when).insert(&rows).await.unwrap();
    }

    /// A table in the east.
    pub(crate) fn table(&self, name: &str) -> WritableTable {
        WritableTable::at(
            self.path(&format!("east/tables/{name}")),
            Writer::new("owner@example.com"),
        )
    }

    /// Writes a commit of a table in the east as some other engine does: what it says of itself, and its actions.
    pub(crate) fn commit(
        &self,
        table: &str,
        version: u64,
        when: DateTime<Utc>,
        info: Value,
        actions: &[Value],
    ) {
        let log = format!("east/tables/{table}/_delta_log/{version:020}.json");
        self.write_commit(&log, when, info, actions);
    }

    /// The same of a replica in the west.
    pub(crate) fn commit_to_replica(
        &self,
        table: &str,
        version: u64,
        info: Value,
        actions: &[Value],
    ) {
        let path = name(table).path();
        let log = format!("west/sync/{path}/_delta_log/{version:020}.json");
        self.write_commit(&log, Utc::now(), info, actions);
    }

    fn write_commit(&self, log: &str, when: DateTime<Utc>, mut info: Value, actions: &[Value]) {
        info["timestamp"] = json!(when.timestamp_millis());
        let lines = std::iter::once(json!({"commitInfo": info}));
        let lines = lines.chain(actions.iter().cloned());
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        std::fs::write(self.path(log), text).unwrap();
        let file = std::fs::File::options().write(true).open(self.path(log));
        file.unwrap().set_modified(when.into()).unwrap();
    }

    /// The actions of one kind in a commit of a table in the east.
    pub(crate) fn actions(&self, table: &str, version: u64, kind: &str) -> Vec<Value> {
        let log = format!("east/tables/{table}/_delta_log/{version:020}.json");
        let text = std::fs::read_to_string(self.path(&log)).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line.get(kind).is_some()).collect()
    }

    /// A replica in the west, as someone else may write to it.
    pub(crate) fn replica_table(&self, table: &str) -> WritableTable {
        let path = format!("west/sync/{}", name(table).path());
        WritableTable::at(self.path(&path), Writer::new("someone@example.com"))
    }

    /// A ledger table, as a database administrator may tidy it.
    pub(crate) fn ledger_table(&self, region: &str, name: &str) -> WritableTable {
        let path = format!("{region}/sync/_drsync/{name}");
        WritableTable::at(self.path(&path), Writer::new("admin@example.com"))
    }

    /// The ledger of a region as the first version of drsync made it: a cut log without the columns that came later.
    pub(crate) async fn first_ledger(&self, region: &str) {
        let text = |name: &'static str| (name, "string");
        let long = |name: &'static str| (name, "bigint");
        let time = |name: &'static str| (name, "timestamp");
        let fields = |fields: &[(&str, &str)]| -> arrow_schema::DataType {
            let fields = write::columns(fields).unwrap().fields().clone();
            let of = arrow_schema::DataType::Struct(fields);
            arrow_schema::DataType::List(Arc::new(arrow_schema::Field::new("element", of, true)))
        };
        let tables = fields(&[
            text("table"),
            text("source_table_id"),
            long("source_version"),
            time("source_committed_at"),
            long("rows"),
            long("files"),
            long("bytes"),
            text("replica_location"),
            long("replica_version"),
        ]);
        let accepted = fields(&[text("code"), text("scope"), text("reason")]);
        let columns = write::columns(&[
            text("group_name"),
            long("cut_number"),
            time("recovery_point"),
            text("consistency"),
            text("trigger"),
            long("workflow_run_id"),
            time("planned_at"),
            text("tables"),
            text("accepted"),
            text("plan_id"),
            text("plan_sha256"),
            text("run_id"),
            long("epoch"),
            text("committed_by"),
            time("committed_at"),
            text("previous_sha256"),
        ]);
        let of = |field: &Arc<arrow_schema::Field>| match field.name().as_str() {
            "tables" => field.as_ref().clone().with_data_type(tables.clone()),
            "accepted" => field.as_ref().clone().with_data_type(accepted.clone()),
            _ => field.as_ref().clone(),
        };
        let columns = columns.unwrap().fields().iter().map(of).collect::<Vec<_>>();
        let log = self.ledger_table(region, "sync_cuts");
        let claim = [("drsync.workspace", "east")];
        let columns = arrow_schema::Schema::new(columns);
        log.create(columns, &[], &claim).await.unwrap();
        // The other table is made beside it.
        let made = match region {
            "east" => self.primary().create_ledger("east").await,
            _ => self.secondary().create_ledger("east").await,
        };
        made.unwrap();
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    /// The secondary as another process opens it.
    pub(crate) fn another_secondary(&self) -> Arc<dyn Location> {
        (self.open)(self.folder.path()).secondary.location
    }

    /// The workspace in the east.
    pub(crate) fn workspace(&self) -> &dyn Workspace {
        self.regions.primary.workspace.as_deref().unwrap()
    }

    /// The sync location in the east.
    pub(crate) fn primary(&self) -> &dyn Location {
        &*self.regions.primary.location
    }

    /// The sync location in the west.
    pub(crate) fn secondary(&self) -> &dyn Location {
        &*self.regions.secondary.location
    }

    pub(crate) async fn source(
        &self,
        table: &str,
        from: Option<u64>,
    ) -> Result<Source, RegionError> {
        let table = self.workspace().tables(&[name(table)]).await?.remove(0)?;
        let question = SourceQuestion { table, from_version: from };
        self.workspace().sources(&[question]).await.remove(0)
    }

    pub(crate) async fn replica(
        &self,
        table: &str,
        since: Option<u64>,
    ) -> Result<Option<Replica>, RegionError> {
        let question = ReplicaQuestion { path: name(table).path(), since_version: since };
        self.secondary().replicas(&[question]).await.remove(0)
    }

    /// Live rows of a replica as it is now: as told, or where the service tells none as a verification counts them.
    pub(crate) async fn rows(&self, table: &str) -> Option<u64> {
        let replica = self.replica(table, None).await.unwrap().unwrap();
        if replica.rows.is_some() {
            return replica.rows;
        }
        let order = self.order(table, replica.mark.unwrap().source_version, None).await;
        let verified = self.secondary().verify(&order, replica.version).await;
        verified.unwrap().replica_rows
    }

    pub(crate) async fn pin(
        &self,
        table: &str,
        version: u64,
        replica: Option<u64>,
    ) -> Result<drsync::region::Pin, RegionError> {
        let newest = self.source(table, None).await?.commits.last().unwrap().version;
        let table = self.workspace().tables(&[name(table)]).await?.remove(0)?;
        let location = self.regions.secondary.presence().await?.location;
        let replica_location = format!("{location}/{}", table.name.path());
        let question = PinQuestion {
            table,
            version,
            newest: version == newest,
            replica_location,
            replica_version: replica,
            columns_since: None,
        };
        self.workspace().pins(&[question]).await.remove(0)
    }

    /// The order to clone a version over what is there.
    pub(crate) async fn order(
        &self,
        table: &str,
        version: u64,
        replica: Option<u64>,
    ) -> CloneOrder {
        let table = self.workspace().tables(&[name(table)]).await.unwrap().remove(0).unwrap();
        let question = SourceQuestion { table: table.clone(), from_version: None };
        let source = self.workspace().sources(&[question]).await.remove(0).unwrap();
        let path = table.name.path();
        let mark = Mark {
            source_table_id: source.table_id.clone(),
            source_version: version,
            replica: path.clone(),
        };
        let mut properties: BTreeMap<String, String> = mark.properties();
        properties.insert("delta.deletedFileRetentionDuration".into(), "interval 30 days".into());
        let location = self.regions.secondary.presence().await.unwrap().location;
        let set: Vec<String> =
            properties.iter().map(|(key, value)| format!("'{key}' = '{value}'")).collect();
        let statement = format!(
            "CREATE OR REPLACE TABLE delta.`{location}/{path}` DEEP CLONE {} VERSION AS OF {version} TBLPROPERTIES ({})",
            table.name.sql(),
            set.join(", ")
        );
        CloneOrder {
            source_location: table.location,
            table: table.name,
            source_table_id: source.table_id,
            source_version: version,
            replica_path: path,
            replica_version: replica,
            doubted: false,
            properties,
            statement,
        }
    }

    pub(crate) async fn clone_table(
        &self,
        table: &str,
        version: u64,
        replica: Option<u64>,
    ) -> Result<Cloned, RegionError> {
        let order = self.order(table, version, replica).await;
        self.secondary().deep_clone(&order, &Progress::default()).await
    }
}
