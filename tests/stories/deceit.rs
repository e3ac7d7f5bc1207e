//! Replicas that are not what was cloned: found by a full look, told, and copied again without touching what lies there.

mod forged;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use drsync::lakehouse::delta;
use drsync::plan::status::{StatusDocument, status};
use drsync::plan::{Action, Decision, FindingCode, Plan, Request, Severity, plan};
use drsync::region::LookDepth;
use serde_json::{Value, json};

use super::leaves::copied;
use crate::support::world::{Form, World, batch};
use forged::append_forged;

const COUNTRIES: &str = "main.shop.countries";

pub(crate) fn full() -> Request {
    Request { full: true, content: true, ..Request::default() }
}

pub(crate) async fn looked(world: &World, request: Request) -> (Plan, StatusDocument) {
    let regions = [world.regions()];
    let configuration = world.configuration();
    let observed =
        drsync::observe::observe(&configuration, &regions, &request, world.now, true).await;
    let decided = plan(&observed, &request);
    let seen = status(&observed, &decided);
    (decided, seen)
}

/// What was found of the group's replica, and whether it is called protected.
pub(crate) async fn found(world: &World) -> (Vec<(FindingCode, Severity)>, bool) {
    let (plan, status) = looked(world, full()).await;
    let findings = plan.groups().flat_map(|(_, group)| &group.findings);
    let findings = findings.map(|found| (found.code, found.severity)).collect();
    (findings, status.workspaces[0].groups[0].protected)
}

fn data_file(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|it| it == "parquet")).collect();
    files.sort();
    files.remove(0)
}

/// Writes other bytes into a file, whose time is set back.
pub(crate) fn overwrite(file: &Path, bytes: &[u8]) {
    let then = fs::metadata(file).unwrap().modified().unwrap();
    fs::write(file, bytes).unwrap();
    let opened = File::options().write(true).open(file).unwrap();
    opened.set_modified(then).unwrap();
}

fn edit_commit(folder: &Path, version: u64, edit: impl Fn(&mut Value)) -> Vec<Value> {
    let file = folder.join(format!("_delta_log/{version:020}.json"));
    let text = fs::read_to_string(&file).unwrap();
    let mut actions: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    actions.iter_mut().for_each(edit);
    actions
}

fn write_commit(folder: &Path, version: u64, actions: &[Value]) {
    let file = folder.join(format!("_delta_log/{version:020}.json"));
    let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
    fs::write(file, lines.join("\n")).unwrap();
}

/// Damages the replica of a world that was synchronized, looks, repairs, and looks again.
async fn is_found_and_repaired(what: &str, damage: impl Fn(&Path)) {
    let mut world = World::new().await;
    world.apply().await;
    let folder = world.replica_folder(COUNTRIES);
    assert_eq!(found(&world).await, (vec![], true), "{what}: before");
    damage(&folder);
    let expected = vec![(FindingCode::ReplicaDamaged, Severity::Repaired)];
    assert_eq!(found(&world).await, (expected, false), "{what}");
    let before: Vec<(PathBuf, Vec<u8>)> = files(&folder);
    world.later(70);
    let plan = world.plan_with(full()).await;
    let group = plan.groups().next().unwrap().1;
    assert_eq!((group.decision, group.steps[0].action), (Decision::Sync, Action::Update), "{what}");
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.exit.code, 0, "{what}: {record:?}");
    assert_eq!(world.ids(&folder).await, [1, 2, 3], "{what}");
    // Were the apply killed before its cut, the commit alone would have to say whose it is.
    let store = delta::TableStore::local(&folder);
    let newest = delta::versions(&store).await.unwrap().newest;
    let repaired = edit_commit(&folder, newest, |_| ());
    let metadata = repaired.iter().find_map(|action| action.get("metaData")).expect(what);
    assert!(metadata["configuration"].get("drsync.source_version").is_some(), "{what}");
    assert_eq!(found(&world).await, (vec![], true), "{what}: after");
    for (file, bytes) in before {
        assert_eq!(fs::read(&file).unwrap(), bytes, "{what}: {} is written once", file.display());
    }
    assert_eq!(
        world.plan_with(full()).await.groups().next().unwrap().1.decision,
        Decision::Waiting
    );
}

/// Every data file and commit with what is in it.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = [folder.to_path_buf(), folder.join("_delta_log")];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    let kept =
        paths.filter(|path| path.extension().is_some_and(|it| it == "parquet" || it == "json"));
    kept.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_is_found_by_a_full_look_and_copied_again_under_another_name() {
    is_found_and_repaired("zeros", |folder| {
        let file = data_file(folder);
        let length = fs::metadata(&file).unwrap().len();
        fs::write(&file, vec![0; length as usize]).unwrap();
    })
    .await;
    is_found_and_repaired("zeros, time set back", |folder| {
        let file = data_file(folder);
        let length = fs::metadata(&file).unwrap().len();
        overwrite(&file, &vec![0; length as usize]);
    })
    .await;
    is_found_and_repaired("one byte, time set back", |folder| {
        let file = data_file(folder);
        let mut bytes = fs::read(&file).unwrap();
        bytes[10] ^= 1;
        overwrite(&file, &bytes);
    })
    .await;
    is_found_and_repaired("cut short and padded", |folder| {
        let file = data_file(folder);
        let mut bytes = fs::read(&file).unwrap();
        let half = bytes.len() / 2;
        bytes[half..].fill(b' ');
        overwrite(&file, &bytes);
    })
    .await;
    is_found_and_repaired("cut short", |folder| {
        let file = data_file(folder);
        let bytes = fs::read(&file).unwrap();
        overwrite(&file, &bytes[..bytes.len() / 2]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_that_are_too_narrow_are_found_and_repaired() {
    is_found_and_repaired("bounds", |folder| {
        let actions = edit_commit(folder, 0, |action| {
            let Some(stats) = action.pointer("/add/stats") else {
                return;
            };
            let mut stats: Value = serde_json::from_str(stats.as_str().unwrap()).unwrap();
            stats["maxValues"]["id"] = json!(1);
            action["add"]["stats"] = stats.to_string().into();
        });
        write_commit(folder, 0, &actions);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_rewritten_under_its_version_is_found_and_repaired() {
    is_found_and_repaired("another file", |folder| {
        let file = data_file(folder);
        fs::copy(&file, folder.join("another.parquet")).unwrap();
        let actions = edit_commit(folder, 0, |action| {
            if action.get("add").is_some() {
                action["add"]["path"] = "another.parquet".into();
            }
        });
        write_commit(folder, 0, &actions);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_file_is_copied_again_under_its_own_name() {
    let mut world = World::new().await;
    world.apply().await;
    let folder = world.replica_folder(COUNTRIES);
    let file = data_file(&folder);
    fs::remove_file(&file).unwrap();
    let expected = vec![(FindingCode::ReplicaDamaged, Severity::Repaired)];
    assert_eq!(found(&world).await, (expected, false));
    world.later(70);
    let plan = world.plan_with(full()).await;
    assert_eq!(world.apply_plan(&plan).await.exit.code, 0);
    assert!(file.is_file());
    assert_eq!(found(&world).await, (vec![], true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_calls_itself_a_clone_is_someone_elses() {
    for (form, told) in
        [(Form::Lakehouse, "evil.parquet"), (Form::Sandbox, "rows: 3 in the source, 4")]
    {
        let mut world = World::of(form).await;
        world.apply().await;
        let folder = world.replica_folder(COUNTRIES);
        let other = world.make("main.shop.other", "tables/other").await;
        other.insert(&batch([666, 667, 668, 669])).await.unwrap();
        let evil = files(&world.path("east/tables/other")).into_iter().map(|(path, _)| path);
        let evil = evil.filter(|path| path.extension().is_some_and(|it| it == "parquet"));
        let mut evil: Vec<PathBuf> = evil.collect();
        evil.sort_by_key(|path| fs::metadata(path).unwrap().len());
        let evil = evil.pop().unwrap();
        fs::copy(&evil, folder.join("evil.parquet")).unwrap();
        let mut actions = edit_commit(&folder, 0, |action| {
            if let Some(add) = action.get("add") {
                *action = json!({"remove": {"path": add["path"], "deletionTimestamp": 1, "dataChange": true}});
            }
        });
        let size = fs::metadata(&evil).unwrap().len();
        actions.push(json!({"add": {"path": "evil.parquet", "partitionValues": {}, "size": size,
            "modificationTime": 1, "dataChange": true, "stats": "{\"numRecords\":4}"}}));
        write_commit(&folder, 1, &actions);
        let blocks = vec![(FindingCode::ReplicaChanged, Severity::Block)];
        assert_eq!(found(&world).await, (blocks, false), "{form:?}");
        // A quiet look that comes upon it does not believe it either.
        let request = Request { full: true, ..Request::default() };
        let (plan, status) = looked(&world, request).await;
        let group = plan.groups().next().unwrap().1;
        assert_eq!(group.decision, Decision::Blocked);
        let message = group.findings[0].message.to_string();
        assert!(message.contains("v1 calls itself a clone"), "{message}");
        assert!(message.contains(told), "{message}");
        assert!(!status.workspaces[0].groups[0].protected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_databricks_a_commit_that_is_rewritten_under_its_version_is_found_by_the_history() {
    let mut world = World::of(Form::Sandbox).await;
    world.apply().await;
    assert_eq!(found(&world).await, (vec![], true));
    let folder = world.replica_folder(COUNTRIES);
    let actions = edit_commit(&folder, 0, |action| {
        if let Some(info) = action.get_mut("commitInfo") {
            info["operationMetrics"] = json!({"sourceNumOfFiles": "7"});
        }
    });
    write_commit(&folder, 0, &actions);
    let expected = vec![(FindingCode::ReplicaDamaged, Severity::Repaired)];
    assert_eq!(found(&world).await, (expected, false));
    let (_, status) = looked(&world, full()).await;
    let group = &status.workspaces[0].groups[0];
    // Nothing was read but what the engine says.
    assert_eq!(group.checked.unwrap().depth, LookDepth::History);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_databricks_a_clone_whose_apply_was_killed_is_proved_by_its_source() {
    let mut world = World::of(Form::Sandbox).await;
    world.apply().await;
    let cuts = ["east", "west"].map(|region| world.path(region).join("sync/_drsync/sync_cuts"));
    let kept = tempfile::tempdir().unwrap();
    for (number, folder) in cuts.iter().enumerate() {
        copied(folder, &kept.path().join(number.to_string()));
    }
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(720);
    assert_eq!(world.apply().await.exit.code, 0);
    // As if it had ended between its clone and its cut.
    for (number, folder) in cuts.iter().enumerate() {
        fs::remove_dir_all(folder).unwrap();
        copied(&kept.path().join(number.to_string()), folder);
        for region in ["east", "west"] {
            let _ = fs::remove_dir_all(world.path(region).join("sync/_drsync/evidence"));
            let _ = fs::remove_dir_all(world.path(region).join("sync/_drsync/sync_evidence"));
        }
    }
    let (_, protected) = found(&world).await;
    // It holds more than its cut.
    assert!(protected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_checkpoint_is_found_and_followed_by_a_whole_one() {
    is_found_and_repaired("checkpoint", |folder| {
        let log = folder.join("_delta_log");
        fs::write(log.join("00000000000000000000.checkpoint.parquet"), vec![0; 4096]).unwrap();
        fs::write(log.join("_last_checkpoint"), r#"{"version":0,"size":3}"#).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_was_put_there_before_the_first_sync_is_not_believed() {
    let mut world = World::new().await;
    let folder = world.replica_folder(COUNTRIES);
    // Made by an apply in a world of its own, and changed: mark, name and source version are right.
    world.apply().await;
    let file = data_file(&folder);
    let actions = edit_commit(&folder, 0, |action| {
        if action.get("add").is_some() {
            action["add"]["size"] = json!(fs::metadata(&file).unwrap().len() - 1);
        }
    });
    write_commit(&folder, 0, &actions);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[1..]).unwrap();
    for region in ["east", "west"] {
        fs::remove_dir_all(world.path(&format!("{region}/sync/_drsync"))).unwrap();
    }
    world.later(70);
    // Our mark where no cut is known tells of a ledger that lost one, besides.
    let blocks = [FindingCode::LedgerLost, FindingCode::ReplicaNotOurs]
        .map(|code| (code, Severity::Block))
        .to_vec();
    let (findings, protected) = found(&world).await;
    assert!(!protected);
    let blocking: Vec<_> =
        findings.into_iter().filter(|(_, severity)| *severity == Severity::Block).collect();
    assert_eq!(blocking, blocks);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_file_of_the_same_size_is_found_whatever_its_time() {
    let mut world = World::new().await;
    let other = world.make("main.shop.other", "tables/other").await;
    other.insert(&batch([7, 8, 9])).await.unwrap();
    world.apply().await;
    let folder = world.replica_folder(COUNTRIES);
    let file = data_file(&folder);
    let evil = fs::read_dir(world.path("east/tables/other")).unwrap();
    let length = fs::metadata(&file).unwrap().len();
    let mut evil = evil.map(|entry| entry.unwrap().path()).filter(|path| {
        path.extension().is_some_and(|it| it == "parquet")
            && fs::metadata(path).unwrap().len() == length
            && fs::read(path).unwrap() != fs::read(&file).unwrap()
    });
    let Some(evil) = evil.next() else {
        panic!("no other file of {length} bytes");
    };
    overwrite(&file, &fs::read(evil).unwrap());
    let expected = vec![(FindingCode::ReplicaDamaged, Severity::Repaired)];
    assert_eq!(found(&world).await, (expected, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_says_how_deeply_it_looked() {
    let mut world = World::new().await;
    world.apply().await;
    let histories = Request { full: true, ..Request::default() };
    let (_, quiet) = looked(&world, histories).await;
    let (_, deep) = looked(&world, full()).await;
    let depth = |status: &StatusDocument| {
        let group = &status.workspaces[0].groups[0];
        assert!(group.protected);
        (group.checked.unwrap().depth, group.content_read_at.unwrap())
    };
    let committed = world.now;
    assert_eq!(depth(&quiet), (LookDepth::FilesListed, committed));
    assert_eq!(depth(&deep), (LookDepth::ContentRead, world.now));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_tells_when_its_run_looked_at_replicas_and_how_deeply() {
    let forms = [(Form::Lakehouse, LookDepth::ContentRead), (Form::Sandbox, LookDepth::History)];
    for (form, depth) in forms {
        let mut world = World::of(form).await;
        let told = |record: &drsync::apply::RunRecord| {
            record.groups[0].checked.map(|look| (look.depth, look.at))
        };
        let record = world.apply().await;
        assert_eq!(told(&record), Some((depth, world.now)), "{form:?}");
        // A group that is not due is not looked at, unless somebody asks for it.
        world.later(30);
        let record = world.apply().await;
        assert_eq!(told(&record), None, "{form:?}");
        let plan = world.plan_with(full()).await;
        let record = world.apply_plan(&plan).await;
        assert_eq!(told(&record), Some((depth, world.now)), "{form:?}");
        // What a stored plan says of an earlier moment is no look of the apply.
        world.planned_now = false;
        let record = world.apply_plan(&plan).await;
        assert_eq!(told(&record), None, "{form:?}");
    }
}

/// Puts a commit on a replica as somebody else writes it: what it calls itself, and its actions.
async fn put_commit(folder: &Path, operation: &str, parameters: Value, actions: &[Value]) {
    let store = delta::TableStore::local(folder);
    let next = delta::versions(&store).await.unwrap().newest + 1;
    let info = json!({"commitInfo": {
        "timestamp": 1, "userName": "mallory", "operation": operation,
        "operationParameters": parameters, "operationMetrics": {},
    }});
    write_commit(folder, next, &[&[info][..], actions].concat());
}

/// The `add` actions of a version of which nothing was removed since.
fn adds(folder: &Path, version: u64) -> Vec<Value> {
    let actions = edit_commit(folder, version, |_| ());
    actions.into_iter().filter_map(|action| action.get("add").cloned()).collect()
}

fn removal(add: &Value, data_change: bool) -> Value {
    json!({"remove": {"path": add["path"], "deletionTimestamp": 1, "dataChange": data_change}})
}

/// A copy of a data file of a replica under another name, as an `add` action with so many records, where it tells them.
fn another_file(folder: &Path, of: &Value, records: Option<u64>, data_change: bool) -> Value {
    let name = "part-of-mallory.parquet";
    fs::copy(folder.join(of["path"].as_str().unwrap()), folder.join(name)).unwrap();
    let mut add = json!({
        "path": name, "partitionValues": {}, "size": of["size"], "modificationTime": 1,
        "dataChange": data_change,
    });
    if let Some(records) = records {
        add["stats"] = json!({"numRecords": records}).to_string().into();
    }
    json!({"add": add})
}

/// A group with a table of several files, and its replica.
async fn files_of_a_replica() -> (World, PathBuf) {
    let mut world = World::new().await;
    world.countries().insert(&batch([4, 5])).await.unwrap();
    world.later(1);
    world.apply().await;
    let folder = world.replica_folder(COUNTRIES);
    (world, folder)
}

async fn changed(world: &World) -> bool {
    let (findings, protected) = found(world).await;
    findings.contains(&(FindingCode::ReplicaChanged, Severity::Block)) && !protected
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_is_one_where_what_it_names_is_there_again() {
    // Something was added besides, something did not come back, or it names no version that can be read.
    for case in ["adds a file", "lacks a file", "names itself"] {
        let (world, folder) = files_of_a_replica().await;
        let first = adds(&folder, 0);
        let (version, actions) = match case {
            "adds a file" => (0, vec![another_file(&folder, &first[0], Some(3), true)]),
            "lacks a file" => (0, vec![removal(&first[0], true)]),
            _ => (1, vec![another_file(&folder, &first[0], Some(3), true)]),
        };
        put_commit(&folder, "RESTORE", json!({"version": version.to_string()}), &actions).await;
        assert!(changed(&world).await, "{case}");
    }
    // One that is whole takes back what others wrote, and is ours again.
    let (world, _) = files_of_a_replica().await;
    world.replica(COUNTRIES).insert(&batch([99])).await.unwrap();
    assert!(changed(&world).await);
    world.replica(COUNTRIES).restore(0).await.unwrap();
    assert_eq!(found(&world).await, (vec![], true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintenance_of_a_replica_is_proved_by_the_files_where_the_log_counts_nothing() {
    // One file in place of another, of as many records or of fewer, and no count of them.
    for (same, expected) in [(true, false), (false, true)] {
        let (world, folder) = files_of_a_replica().await;
        let mut files = adds(&folder, 0);
        files.sort_by_key(|add| add["size"].as_u64());
        let (of, removed) = if same { (&files[0], &files[0]) } else { (&files[0], &files[1]) };
        let actions = [removal(removed, false), another_file(&folder, of, None, false)];
        put_commit(&folder, "OPTIMIZE", json!({}), &actions).await;
        assert_eq!(changed(&world).await, expected, "the same rows: {same}");
        if same {
            // Its rows are as many, and nobody compared them.
            let (_, status) = looked(&world, full()).await;
            let checked = status.workspaces[0].groups[0].checked.unwrap();
            assert_eq!(checked.depth, LookDepth::FilesListed);
        }
    }
}

/// What VACUUM takes of a replica: every data file that its newest version does not name.
async fn vacuumed(folder: &Path) {
    let store = delta::TableStore::local(folder);
    let head = delta::snapshot(&store, None, delta::SnapshotDetail::Summary).await.unwrap();
    let live: Vec<String> = head.files.keys().map(|key| key.path.to_string()).collect();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".parquet") && !live.contains(&name) {
            fs::remove_file(path).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_was_compacted_and_vacuumed_is_accused_of_nothing() {
    for case in ["by its cut", "by a cut without digests", "renamed group", "next cut"] {
        let (mut world, folder) = files_of_a_replica().await;
        world.replica(COUNTRIES).optimize().await.unwrap();
        match case {
            "by a cut without digests" => {
                append_forged(&world, "west", |cut| {
                    let entry = &mut cut.tables[0];
                    (entry.replica_files_sha256, entry.replica_content_sha256) = (None, None);
                })
                .await;
            }
            "renamed group" => world.groups()[0]["group_name"] = json!("renamed"),
            "next cut" => {
                world.later(720);
                assert_eq!(world.apply().await.exit.code, 0);
            }
            _ => {}
        }
        vacuumed(&folder).await;
        for request in [Request { full: true, ..Request::default() }, full()] {
            let (plan, _) = looked(&world, request).await;
            let findings = plan.groups().flat_map(|(_, group)| &group.findings);
            let blocking = findings.filter(|found| found.severity == Severity::Block);
            assert_eq!(blocking.map(|found| found.code).collect::<Vec<_>>(), [], "{case}");
        }
        world.countries().insert(&batch([6])).await.unwrap();
        world.later(720);
        let record = world.apply().await;
        assert_eq!(record.exit.code, 0, "{case}: {record:?}");
        assert_eq!(world.ids(&folder).await, [1, 2, 3, 4, 5, 6], "{case}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_anew_is_never_called_read_as_cloned() {
    for (operation, next) in [("OPTIMIZE", false), ("OPTIMIZE", true), ("ANALYZE", false)] {
        let (mut world, folder) = files_of_a_replica().await;
        let mut files = adds(&folder, 0);
        files.sort_by_key(|add| add["size"].as_u64());
        let actions = [removal(&files[0], false), another_file(&folder, &files[0], None, false)];
        put_commit(&folder, operation, json!({}), &actions).await;
        if next {
            world.later(720);
            world.apply().await;
        }
        let (_, status) = looked(&world, full()).await;
        let checked = status.workspaces[0].groups[0].checked;
        let depth = checked.map(|checked| checked.depth);
        assert_ne!(depth, Some(LookDepth::ContentRead), "{operation}, next cut: {next}");
    }
}
