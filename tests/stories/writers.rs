//! What writers of other kinds do to a table, all of it allowed: every cut holds what its source held, and stays.

use std::fs::File;
use std::path::Path;

use drsync::apply::GroupOutcome;
use drsync::lakehouse::delta::{self, SnapshotDetail};
use drsync::lakehouse::write::WritableTable;
use drsync::plan::{Decision, FindingCode};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use crate::support::remembered::with_every_cut_read_back;
use crate::support::world::{Form, World, batch, schema};

const COUNTRIES: &str = "main.shop.countries";

/// Writes a data file under a name of the writer's own; the action makes it live.
pub(crate) fn file(table: &WritableTable, path: &str, place: &str, ids: &[i64]) -> Value {
    let rows = batch(ids.iter().copied());
    let at = table.store().folder().unwrap().join(place);
    let mut writer = ArrowWriter::try_new(File::create(&at).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let stats = json!({"numRecords": ids.len(), "minValues": {"id": ids.iter().min()}, "maxValues": {"id": ids.iter().max()}});
    json!({"add": {"path": path, "partitionValues": {}, "size": at.metadata().unwrap().len(),
        "modificationTime": at.metadata().unwrap().modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64,
        "dataChange": true, "stats": stats.to_string()}})
}

pub(crate) fn remove(path: &str, data_change: bool) -> Value {
    json!({"remove": {"path": path, "deletionTimestamp": 1, "dataChange": data_change}})
}

async fn held(world: &World) -> Vec<i64> {
    world.ids(&world.replica_folder(COUNTRIES)).await
}

/// The next round, at which the group is due again.
async fn next_round(world: &mut World) -> drsync::apply::RunRecord {
    world.later(13 * 60);
    world.apply().await
}

pub(crate) async fn a_name_that_is_given_again_leaves_the_earlier_cuts_as_they_were(form: Form) {
    let mut world = World::of(form).await;
    let table = world.countries();
    let first = file(&table, "data.parquet", "data.parquet", &[10, 11]);
    table.other("WRITE", vec![first]).await.unwrap();
    world.later(1);
    assert_eq!(world.apply().await.exit.code, 0);

    // Removed in one commit, added in a later one.
    let table = world.countries();
    let gone = vec![remove("data.parquet", true)];
    table.other("DELETE", gone).await.unwrap();
    let again = file(&table, "data.parquet", "data.parquet", &[20, 21, 22]);
    table.other("WRITE", vec![again]).await.unwrap();
    assert_eq!(next_round(&mut world).await.exit.code, 0);
    assert_eq!(held(&world).await, [1, 2, 3, 20, 21, 22]);

    // An add over an add.
    let table = world.countries();
    let over = file(&table, "data.parquet", "data.parquet", &[30, 31]);
    table.other("WRITE", vec![over]).await.unwrap();
    assert_eq!(next_round(&mut world).await.exit.code, 0);
    assert_eq!(held(&world).await, [1, 2, 3, 30, 31]);
}

pub(crate) async fn a_table_that_was_made_again_under_the_same_names_leaves_the_earlier_cut(
    form: Form,
) {
    let mut world = World::of(form).await;
    let table = world.countries();
    let first = file(&table, "data.parquet", "data.parquet", &[10, 11]);
    table.other("WRITE", vec![first]).await.unwrap();
    world.later(1);
    assert_eq!(world.apply().await.exit.code, 0);

    std::fs::remove_dir_all(world.path("east/tables/countries")).unwrap();
    world.later(60);
    let table = world.countries();
    table.create(schema(), &[], &[]).await.unwrap();
    let other = file(&table, "data.parquet", "data.parquet", &[40]);
    table.other("WRITE", vec![other]).await.unwrap();
    world.later(13 * 60);
    let plan = world.plan_of("reference").await;
    assert_eq!(plan.decision, Decision::Blocked);
    assert_eq!(plan.findings[0].code, FindingCode::SourceRecreated);
    let accepted = drsync::plan::Request {
        accepted: vec![drsync::ledger::AcceptedRisk {
            code: "source_recreated".to_owned(),
            scope: COUNTRIES.to_owned(),
            reason: "rebuilt".to_owned(),
        }],
        ..Default::default()
    };
    let plan = world.plan_with(accepted).await;
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.exit.code, 0, "{record:#?}");
    assert_eq!(held(&world).await, [40]);
}

pub(crate) async fn a_sync_that_fails_on_a_file_leaves_the_cut_as_it_was(form: Form) {
    let mut world = World::of(form).await;
    let table = world.countries();
    let first = file(&table, "data.parquet", "data.parquet", &[10, 11]);
    table.other("WRITE", vec![first]).await.unwrap();
    world.later(1);
    assert_eq!(world.apply().await.exit.code, 0);

    let table = world.countries();
    let gone = vec![remove("data.parquet", true)];
    table.other("DELETE", gone).await.unwrap();
    let new = vec![
        file(&table, "data.parquet", "data.parquet", &[20, 21, 22]),
        file(&table, "more.parquet", "more.parquet", &[23]),
    ];
    table.other("WRITE", new).await.unwrap();
    let folder = world.path("east/tables/countries");
    let (more, away) = (folder.join("more.parquet"), world.path("away"));
    std::fs::rename(&more, &away).unwrap();
    let record = next_round(&mut world).await;
    assert_ne!(record.groups[0].outcome, GroupOutcome::Synchronized);
    assert_ne!(record.exit.code, 0);
    assert_eq!(held(&world).await, [1, 2, 3, 10, 11]);

    std::fs::rename(&away, &more).unwrap();
    assert_eq!(next_round(&mut world).await.exit.code, 0);
    assert_eq!(held(&world).await, [1, 2, 3, 20, 21, 22, 23]);
}

pub(crate) async fn a_removal_under_another_spelling_removes_nothing(form: Form) {
    let mut world = World::of(form).await;
    let table = world.countries();
    let spaced = file(&table, "New%20York.parquet", "New York.parquet", &[10]);
    table.other("WRITE", vec![spaced]).await.unwrap();
    world.later(1);
    assert_eq!(world.apply().await.exit.code, 0);
    let table = world.countries();
    let misspelled = vec![remove("New York.parquet", true)];
    table.other("DELETE", misspelled).await.unwrap();
    assert_eq!(next_round(&mut world).await.exit.code, 0);
    assert_eq!(held(&world).await, [1, 2, 3, 10]);
}

pub(crate) async fn rows_that_were_written_as_no_change_of_data_arrive(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.later(1);
    let table = world.countries();
    let mut silent = file(&table, "silent.parquet", "silent.parquet", &[50]);
    silent["add"]["dataChange"] = false.into();
    table.other("WRITE", vec![silent]).await.unwrap();
    let record = next_round(&mut world).await;
    assert_eq!((record.exit.code, record.groups[0].cut), (0, Some(2)));
    assert_eq!(held(&world).await, [1, 2, 3, 50]);
}

pub(crate) async fn commit_times_that_shift_make_no_other_table(form: Form) {
    let mut world = World::of(form).await;
    let own_times = |features: &[&str]| json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": features}});
    let with = json!({"delta.enableInCommitTimestamps": "true"});
    let table = world.countries();
    let metadata = |properties: Value| {
        json!({"metaData": {"id": "its-id", "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_text(), "partitionColumns": [], "configuration": properties}})
    };
    let on = vec![own_times(&["inCommitTimestamp"]), metadata(with)];
    // The commit that switches them on has a time of its own already, and its file has another.
    let version = table.other("SET TBLPROPERTIES", on).await.unwrap();
    own_time(&table, version, world.now.timestamp_millis() - 400_000);
    world.later(1);
    assert_eq!(world.apply().await.exit.code, 0);

    world.later(1);
    let table = world.countries();
    let off = vec![own_times(&[]), metadata(json!({}))];
    let version = table.other("DROP FEATURE", off).await.unwrap();
    own_time(&table, version, world.now.timestamp_millis());
    table.insert(&batch([7])).await.unwrap();
    let record = next_round(&mut world).await;
    assert_eq!(record.exit.code, 0, "{record:#?}");
    assert_eq!(held(&world).await, [1, 2, 3, 7]);
}

/// The schema of the tables of these worlds, as a log has it.
fn schema_text() -> String {
    let field = |name: &str, kind: &str| json!({"name": name, "type": kind, "nullable": true, "metadata": {}});
    json!({"type": "struct", "fields": [field("id", "long"), field("name", "string")]}).to_string()
}

/// Gives a commit a time of its own.
fn own_time(table: &WritableTable, version: u64, millis: i64) {
    let folder = table.store().folder().unwrap().to_path_buf();
    let at = folder.join(format!("_delta_log/{version:020}.json"));
    let modified = at.metadata().unwrap().modified().unwrap();
    let text = std::fs::read_to_string(&at).unwrap();
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines[0]["commitInfo"]["inCommitTimestamp"] = millis.into();
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&at, lines.join("\n")).unwrap();
    let written = File::options().write(true).open(&at).unwrap();
    written.set_modified(modified).unwrap();
}

/// A file of one deletion vector, and its description in the log.
pub(crate) fn vector_file(folder: &Path, rows: &[u64]) -> Value {
    let rows: roaring::RoaringTreemap = rows.iter().copied().collect();
    let mut body = 1_681_511_377_u32.to_le_bytes().to_vec();
    rows.serialize_into(&mut body).unwrap();
    let size = u32::try_from(body.len()).unwrap();
    let mut content = vec![1];
    content.extend(size.to_be_bytes());
    content.extend(&body);
    content.extend(crc32fast::hash(&body).to_be_bytes());
    let id = uuid::Uuid::new_v4();
    std::fs::write(folder.join(format!("deletion_vector_{id}.bin")), content).unwrap();
    json!({"storageType": "u", "pathOrInlineDv": z85::encode(id.as_bytes()), "offset": 1, "sizeInBytes": size,
        "cardinality": rows.len()})
}

// The sandbox's engine counts no rows through deletion vectors.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_deletion_vector_blocks_its_group_and_every_cut_stays() {
    with_every_cut_read_back(async {
        let mut world = World::of(Form::Lakehouse).await;
        let folder = world.path("east/tables/countries");
        let table = world.countries();
        let with_vectors = json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}});
        let first = file(&table, "data.parquet", "data.parquet", &[10, 11, 12]);
        let begun = vec![with_vectors, first.clone()];
        table.other("WRITE", begun).await.unwrap();
        let mut masked = first;
        masked["add"]["deletionVector"] = vector_file(&folder, &[0]);
        let deleted = vec![remove("data.parquet", true), masked.clone()];
        table.other("DELETE", deleted).await.unwrap();
        world.later(1);
        assert_eq!(world.apply().await.exit.code, 0);

        let vectors: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "bin"))
            .collect();
        let whole = std::fs::read(&vectors[0]).unwrap();
        std::fs::write(&vectors[0], &whole[..5]).unwrap();
        let table = world.countries();
        table.insert(&batch([13])).await.unwrap();
        world.later(13 * 60);
        let said = world.plan_of("reference").await.findings[0].message.to_string();
        let record = world.apply().await;
        assert_eq!(record.groups[0].outcome, GroupOutcome::Blocked);
        let name = vectors[0].file_name().unwrap().to_str().unwrap();
        assert!(said.contains(name), "{said}");

        std::fs::write(&vectors[0], &whole).unwrap();
        assert_eq!(next_round(&mut world).await.exit.code, 0);
        // Another vector of the same file.
        let mut more = masked.clone();
        more["add"]["deletionVector"] = vector_file(&folder, &[0, 2]);
        let mut old = remove("data.parquet", true);
        old["remove"]["deletionVector"] = masked["add"]["deletionVector"].clone();
        let table = world.countries();
        table.other("DELETE", vec![old, more]).await.unwrap();
        assert_eq!(next_round(&mut world).await.exit.code, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_of_another_json_type_arrive() {
    with_every_cut_read_back(async {
        let mut world = World::of(Form::Lakehouse).await;
        let table = world.countries();
        let mut odd = file(&table, "odd.parquet", "odd.parquet", &[10]);
        odd["add"]["modificationTime"] = json!(1_763_800_000_000.0_f64);
        odd["add"]["tags"] = json!({"number": 1});
        table.other("WRITE", vec![odd]).await.unwrap();
        world.later(1);
        let record = world.apply().await;
        assert_eq!(record.exit.code, 0, "{record:#?}");
        assert_eq!(held(&world).await, [1, 2, 3, 10]);
    })
    .await;
}

/// An OPTIMIZE of a replica, by its name, after which other rows are live.
async fn rewritten(ids: &[i64]) -> (World, GroupFinding) {
    let mut world = World::of(Form::Lakehouse).await;
    world.apply().await;
    world.later(1);
    let replica = world.replica(COUNTRIES);
    let snapshot = delta::snapshot(replica.store(), None, SnapshotDetail::Full).await;
    let snapshot = snapshot.unwrap();
    let live = snapshot.files.keys();
    let mut actions: Vec<Value> = live.map(|key| remove(&key.path, false)).collect();
    let mut one = file(&replica, "one.parquet", "one.parquet", ids);
    one["add"]["dataChange"] = false.into();
    actions.push(one);
    replica.other("OPTIMIZE", actions).await.unwrap();
    world.later(13 * 60);
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(1);
    let plan = world.plan_of("reference").await;
    let found = plan.findings.first().map(|finding| finding.code);
    (world, (plan.decision, found))
}

type GroupFinding = (Decision, Option<FindingCode>);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_optimize_of_a_replica_is_maintenance_where_as_many_rows_are_live_afterwards() {
    with_every_cut_read_back(async {
        let (mut world, seen) = rewritten(&[1, 2, 3]).await;
        assert_eq!(seen, (Decision::Sync, None));
        assert_eq!(world.apply().await.exit.code, 0);
        for changed in [&[1, 2][..], &[1, 2, 3, 3]] {
            let (_, seen) = rewritten(changed).await;
            let expected = (Decision::Blocked, Some(FindingCode::ReplicaChanged));
            assert_eq!(seen, expected);
        }
    })
    .await;
}
