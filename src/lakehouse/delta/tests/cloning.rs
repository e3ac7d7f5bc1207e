//! What a clone copies, commits and refuses.

use proptest::prelude::*;

use super::given_again::written_again;
use super::*;

#[test]
fn a_first_clone_copies_everything_and_says_so() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    let done = cloned(&source, &replica, Expect::Absent);
    assert_eq!(
        (done.version, done.copied_files, done.copied_bytes, done.rows),
        (0, 2, 30, Some(30))
    );
    let info = &replica.actions(0, "commitInfo")[0];
    assert_eq!(info["operation"], "CLONE");
    assert_eq!(
        info["operationParameters"],
        json!({"source": "main.test.source", "sourceVersion": 0, "isShallow": false})
    );
    assert_eq!(
        info["operationMetrics"],
        json!({"sourceTableSize": "30", "sourceNumOfFiles": "2", "numRemovedFiles": "0", "numCopiedFiles": "2", "removedFilesSize": "0", "copiedFilesSize": "30"})
    );
    let add = &replica.actions(0, "add")[0];
    assert_eq!(
        (&add["unheardOf"], &add["partitionValues"], &add["tags"]),
        (&json!([1]), &json!({"p": null}), &json!({"KEEP": "me"}))
    );
    let metadata = &replica.actions(0, "metaData")[0];
    assert_ne!(metadata["id"], "source-id");
    assert_eq!(
        (metadata.get("name"), metadata.get("description"), &metadata["createdTime"]),
        (None, None, &json!(author().now_ms))
    );
    assert_eq!(names(&replica.folder), ["_delta_log", "a", "b"]);
}

#[test]
fn a_second_clone_copies_only_what_is_new_and_removes_only_what_is_gone() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    let id = replica.snapshot().metadata.id().to_owned();
    source.commit(1, &[info("MERGE"), remove("a"), source.add("c", 5)]);
    let done = cloned(&source, &replica, Expect::Version(0));
    assert_eq!(
        (
            done.version,
            done.copied_files,
            done.reused_files,
            done.removed_files,
            done.removed_bytes
        ),
        (1, 1, 1, 1, 10)
    );
    assert_eq!(replica.live(), ["b", "c"]);
    assert_eq!(replica.actions(1, "add").len(), 1);
    let removed = &replica.actions(1, "remove")[0];
    assert_eq!(
        (&removed["path"], &removed["size"], &removed["partitionValues"]),
        (&json!("a"), &json!(10), &json!({"p": null}))
    );
    assert_eq!(replica.snapshot().metadata.id(), id);

    // Nothing but the mark.
    let again = cloned(&source, &replica, Expect::Version(1));
    assert_eq!((again.version, again.copied_files, again.removed_files), (2, 0, 0));
    assert!(replica.actions(2, "add").is_empty());
}

#[test]
fn a_file_that_vanished_from_the_replica_is_noticed_and_copied_again() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    fs::remove_file(replica.folder.join("a")).unwrap();
    fs::write(replica.folder.join("b"), "short").unwrap();
    assert_eq!(
        replica.differences_from(&source),
        ["a of the replica is missing", "b of the replica has 5 bytes instead of 20"]
    );
    assert_eq!(cloned(&source, &replica, Expect::Version(0)).copied_files, 2);
    // What is broken stays as it is, and what is whole gets a name of its own.
    assert_eq!(fs::read(replica.folder.join("b")).unwrap(), b"short");
    let live = replica.live();
    assert_eq!(live.len(), 2);
    assert!(live[1].starts_with("renamed-") && live[1].ends_with("-b"), "{live:?}");
}

/// As clones name what is not whole yet.
const DEAD: &str = "0b6b8a2c4d5e6f708192a3b4c5d6e7f8";
const ALIVE: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90";

#[test]
fn files_that_a_killed_clone_left_whole_are_not_copied_again_and_the_rest_is_cleared_away() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    let staging = replica.folder.join("_drsync_tmp");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join(format!("{DEAD}.lock")), "").unwrap();
    fs::write(staging.join(format!("{DEAD}-0")), "half a fi").unwrap();
    fs::copy(source.folder.join("a"), replica.folder.join("a")).unwrap();
    assert_eq!(cloned(&source, &replica, Expect::Absent).copied_files, 1);
    assert_eq!(names(&replica.folder), ["_delta_log", "a", "b"]);
}

#[tokio::test]
async fn what_a_killed_clone_left_goes_where_nothing_is_copied_and_what_lives_stays() {
    let (_world, replica) = World::with_table();
    let staging = replica.folder.join("_drsync_tmp");
    super::super::clear_left_over(&replica.store).await;
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join(format!("{DEAD}.lock")), "").unwrap();
    fs::write(staging.join(format!("{DEAD}-0")), "half a fi").unwrap();
    let alive = fs::File::create(staging.join(format!("{ALIVE}.lock"))).unwrap();
    alive.lock().unwrap();
    fs::write(staging.join(format!("{ALIVE}-0")), "half a fi").unwrap();
    super::super::clear_left_over(&replica.store).await;
    assert_eq!(names(&staging), [format!("{ALIVE}-0"), format!("{ALIVE}.lock")]);
    drop(alive);
    super::super::clear_left_over(&replica.store).await;
    assert_eq!(names(&replica.folder), ["_delta_log", "a", "b"]);
}

#[test]
fn a_clone_at_work_keeps_its_files_when_another_begins() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    let staging = replica.folder.join("_drsync_tmp");
    fs::create_dir_all(&staging).unwrap();
    let lock = fs::File::create(staging.join(format!("{ALIVE}.lock"))).unwrap();
    lock.lock().unwrap();
    fs::write(staging.join(format!("{ALIVE}-0")), "half a fi").unwrap();
    cloned(&source, &replica, Expect::Absent);
    assert_eq!(names(&staging), [format!("{ALIVE}-0"), format!("{ALIVE}.lock")]);
}

/// So many that they are copied together.
fn many(world: &World) -> Table {
    let source = world.table("source");
    let mut actions = vec![info("WRITE"), protocol(json!({})), metadata(json!({}))];
    actions.extend((0..40).map(|number| source.add(&format!("f{number:02}"), 10)));
    source.commit(0, &actions);
    source
}

#[test]
fn small_files_come_under_their_own_names_and_leave_nothing_else() {
    let world = World::new();
    let (source, replica) = (many(&world), world.replica());
    assert_eq!(cloned(&source, &replica, Expect::Absent).copied_files, 40);
    assert_eq!(names(&replica.folder).len(), 41);
}

#[test]
fn what_lies_there_with_another_content_stays_and_the_file_gets_a_name_of_its_own() {
    let world = World::new();
    let (source, replica) = (many(&world), world.replica());
    fs::create_dir_all(&replica.folder).unwrap();
    fs::write(replica.folder.join("f02"), "0123456789").unwrap();
    fs::write(replica.folder.join("f03"), "half a").unwrap();
    fs::create_dir(replica.folder.join("f04")).unwrap();
    std::os::unix::fs::symlink(source.folder.join("f05"), replica.folder.join("f05")).unwrap();
    fs::write(replica.folder.join("f06"), "xxxxxxxxxx").unwrap();
    assert_eq!(cloned(&source, &replica, Expect::Absent).copied_files, 39);
    assert_eq!(fs::read(replica.folder.join("f02")).unwrap(), b"0123456789");
    assert_eq!(fs::read(replica.folder.join("f03")).unwrap(), b"half a");
    let live = replica.live();
    for name in ["f02", "f03", "f04", "f05"] {
        let ending = format!("-{name}");
        assert!(live.iter().any(|path| path.ends_with(&ending)), "{live:?}");
    }
    assert_eq!(cloned(&source, &replica, Expect::Version(0)).copied_files, 0);
    assert_eq!(replica.live(), live);
}

/// Every file of a folder with its content, but not what its log holds.
pub(super) fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = names(folder).into_iter().filter(|name| name != "_delta_log");
    files.map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
}

#[test]
fn files_of_a_source_that_lie_where_clones_keep_theirs_are_never_cleared_away() {
    let (world, source) = World::with_table();
    let names = ["_drsync_tmp/.lock", "_drsync_tmp/a.lock", "_drsync_tmp/a-1"];
    let adds: Vec<Value> = names.iter().map(|name| source.add(name, 5)).collect();
    source.commit(1, &[&[info("WRITE")], adds.as_slice()].concat());
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    let removes = names.iter().map(|name| json!({"remove": {"path": name, "dataChange": true}}));
    let rest: Vec<Value> =
        [info("DELETE"), source.add("c", 5)].into_iter().chain(removes).collect();
    source.commit(2, &rest);
    cloned(&source, &replica, Expect::Version(0));
    for name in names {
        assert_eq!(fs::read(replica.folder.join(name)).unwrap(), [b'x'; 5], "{name}");
    }
}

#[test]
fn a_clone_that_fails_leaves_every_file_as_it_was() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    let before = contents(&replica.folder);
    written_again(&source, 1);
    source.commit(2, &[info("WRITE"), add("gone", 3)]);
    assert!(matches!(
        refused_on(&source, &replica, Expect::Version(0)),
        DeltaError::DataMissing { path } if path == "gone"
    ));
    assert_eq!(contents(&replica.folder), before);
}

#[test]
fn two_clones_at_once_of_different_versions_leave_one_whole_version() {
    for _ in 0..8 {
        let (world, source) = World::with_table();
        let replica = world.replica();
        cloned(&source, &replica, Expect::Absent);
        let before = contents(&replica.folder);
        source.commit(1, &[info("WRITE"), source.add("c", 10), source.add("d", 10)]);
        let other = world.table("other");
        let header = [info("WRITE"), protocol(json!({})), metadata(json!({}))];
        other.commit(0, &[&header[..], &[other.add("c", 10), other.add("d", 10)]].concat());
        fs::write(other.folder.join("c"), "zzzzzzzzzz").unwrap();
        let clone = |from: &Table, version| {
            deep_clone(&from.store, version, &replica.store, &options(Expect::Version(0)))
        };
        let (one, two) = std::thread::scope(|scope| {
            let one = scope.spawn(|| clone(&source, 1));
            let two = clone(&other, 0);
            (one.join().unwrap(), two)
        });
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        let winner = if one.is_ok() { &source } else { &other };
        replica.agrees_with(winner);
        let wanted = if one.is_ok() { b"xxxxxxxxxx" } else { b"zzzzzzzzzz" };
        let c = replica.live().into_iter().find(|path| path.ends_with('c')).unwrap();
        assert_eq!(fs::read(replica.folder.join(c)).unwrap(), wanted);
        let after = contents(&replica.folder);
        assert!(before.iter().all(|file| after.contains(file)));
    }
}

#[test]
fn a_source_that_is_not_whole_is_refused_before_anything_is_copied() {
    let world = World::new();
    let (source, replica) = (many(&world), world.replica());
    fs::write(source.folder.join("f39"), "short").unwrap();
    assert!(
        matches!(refused(&source, &replica), DeltaError::Corrupt { file, .. } if file == "f39")
    );
    assert!(!replica.folder.exists());
}

#[test]
fn a_replica_at_another_version_than_expected_is_left_alone() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    let absent =
        deep_clone(&source.store, 0, &replica.store, &options(Expect::Version(3))).unwrap_err();
    assert!(matches!(absent, DeltaError::Conflict { newest: None }));
    cloned(&source, &replica, Expect::Absent);
    for expect in [Expect::Absent, Expect::Version(1)] {
        let error = deep_clone(&source.store, 0, &replica.store, &options(expect)).unwrap_err();
        assert!(matches!(error, DeltaError::Conflict { newest: Some(0) }), "{error}");
    }
    assert_eq!(replica.snapshot().version, 0);
}

#[test]
fn a_missing_or_short_source_file_is_named_and_nothing_is_committed() {
    let (world, source) = World::with_table();
    fs::write(source.folder.join("b"), "short").unwrap();
    let DeltaError::Corrupt { file, why, .. } = refused(&source, &world.replica()) else {
        panic!()
    };
    assert_eq!(file, "b");
    assert_eq!(why, "it has not the 20 bytes that the log says");
    fs::remove_file(source.folder.join("b")).unwrap();
    let DeltaError::DataMissing { path } = refused(&source, &world.replica()) else { panic!() };
    assert_eq!(path, "b");
    assert!(log::versions(&world.replica().store).is_err());
}

#[test]
fn a_clone_that_is_asked_to_stop_commits_nothing() {
    let (world, source) = World::with_table();
    let options = options(Expect::Absent);
    options.progress.stop();
    let error = deep_clone(&source.store, 0, &world.replica().store, &options).unwrap_err();
    assert!(matches!(error, DeltaError::Cancelled));
    assert!(log::versions(&world.replica().store).is_err());
    assert!(!world.replica().folder.exists());
}

#[test]
fn a_root_that_is_not_there_is_not_made() {
    let (world, source) = World::with_table();
    let target = TableStore::within(world.folder.path().join("gone"), "a/b/c");
    let error = deep_clone(&source.store, 0, &target, &options(Expect::Absent)).unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(!world.folder.path().join("gone").exists());
}

#[test]
fn what_belongs_to_the_source_alone_does_not_come_along() {
    let world = World::new();
    let source = world.table("source");
    let properties = json!({
        "delta.appendOnly": "true", "drsync.replica": "elsewhere", "io.unitycatalog.tableId": "t",
        "delta.coordinatedCommits.tableConf-preview": "{}", "delta.deletedFileRetentionDuration": "interval 1 days",
    });
    source.commit(0, &[
        info("WRITE"),
        features(&[], &["appendOnly", "domainMetadata", "coordinatedCommits-preview"]),
        metadata(properties),
        json!({"txn": {"appId": "stream", "version": 4}}),
        json!({"domainMetadata": {"domain": "delta.clustering", "configuration": "{}", "removed": false}}),
        json!({"domainMetadata": {"domain": "gone", "configuration": "{}", "removed": true}}),
    ]);
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    let there = replica.snapshot();
    assert_eq!(
        there.metadata.properties().into_iter().collect::<Vec<_>>(),
        [
            ("delta.appendOnly", "true"),
            ("delta.deletedFileRetentionDuration", "interval 1 days"),
            ("drsync.source_version", "1")
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(there.protocol.writer_features(), ["appendOnly", "domainMetadata"]);
    assert_eq!(
        (there.txns["stream"]["version"].clone(), there.domains.keys().collect::<Vec<_>>()),
        (json!(4), vec![&"delta.clustering".to_owned()])
    );

    source.commit(1, &[info("ALTER"), json!({"domainMetadata": {"domain": "delta.clustering", "configuration": "{}", "removed": true}})]);
    cloned(&source, &replica, Expect::Version(0));
    assert!(replica.snapshot().domains.is_empty());
}

#[test]
fn a_table_that_a_copy_could_not_keep_true_is_refused_by_name() {
    for (readers, writers, properties, named) in [
        (&["blahabl"][..], &["blahabl"][..], json!({}), "blahabl"),
        (&[], &["writeOnlyMystery"], json!({}), "writeOnlyMystery"),
        (&["catalogManaged"], &["catalogManaged"], json!({}), "catalogManaged"),
        (
            &[],
            &["coordinatedCommits-preview"],
            json!({"delta.coordinatedCommits.commitCoordinator-preview": "dynamodb"}),
            "delta.coordinatedCommits.commitCoordinator-preview",
        ),
    ] {
        let world = World::new();
        let source = world.table("source");
        source.commit(
            0,
            &[info("WRITE"), features(readers, writers), metadata(properties), source.add("a", 1)],
        );
        let DeltaError::UnsupportedFeature { feature, .. } = refused(&source, &world.replica())
        else {
            panic!("{named}")
        };
        assert_eq!(feature, named);
        assert!(!world.replica().folder.exists());
    }
}

#[test]
fn commits_own_times_begin_in_the_replica_where_its_own_history_has_them() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    let times = json!({
        "delta.enableInCommitTimestamps": "true",
        "delta.inCommitTimestampEnablementVersion": "1", "delta.inCommitTimestampEnablementTimestamp": "123",
    });
    let own =
        json!({"commitInfo": {"inCommitTimestamp": 123, "timestamp": 1, "operation": "ALTER"}});
    source.commit(1, &[own, features(&[], &["inCommitTimestamp"]), metadata(times)]);
    assert_eq!(source.snapshot().timestamp_ms(), Some(123));
    for version in 1..=2 {
        cloned(&source, &replica, Expect::Version(version - 1));
        let there = replica.snapshot();
        let first = fs::read_to_string(replica.folder.join(log::commit_path(version))).unwrap();
        assert!(first.starts_with(r#"{"commitInfo":{"inCommitTimestamp":"#), "{first}");
        assert_eq!(there.metadata.in_commit_timestamps_since(), Some(1));
        assert_eq!(there.timestamp_ms(), Some(author().now_ms.max(there.timestamp_ms().unwrap())));
    }
    let history = history::history(&replica.store, None).unwrap();
    assert!(
        history.windows(2).all(|pair| pair[0].timestamp_ms < pair[1].timestamp_ms),
        "{history:?}"
    );

    // A table that has them from its first commit on names no beginning.
    let fresh = world.table("fresh");
    fs::remove_dir_all(&fresh.folder).unwrap();
    cloned(&source, &fresh, Expect::Absent);
    assert_eq!(
        fresh.snapshot().metadata.property("delta.inCommitTimestampEnablementVersion"),
        None
    );
    assert_eq!(fresh.snapshot().timestamp_ms(), Some(author().now_ms));
}

#[test]
fn row_ids_that_two_files_of_a_replica_share_are_told_apart_by_the_next_clone() {
    let world = World::new();
    let source = world.table("source");
    source.commit(
        0,
        &[
            info("WRITE"),
            features(&[], &["rowTracking", "domainMetadata"]),
            metadata(json!({"delta.enableRowTracking": "true"})),
            source.add("a", 10),
            source.add("b", 20),
        ],
    );
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    // As an older version left it: `b` has numbers that `a` has, too, and the mark is below both.
    let at = replica.folder.join(log::commit_path(0));
    let text = fs::read_to_string(&at).unwrap();
    let shared = text
        .replace(r#""baseRowId":10"#, r#""baseRowId":5"#)
        .replace(r#"{\"rowIdHighWaterMark\":29}"#, r#"{\"rowIdHighWaterMark\":9}"#);
    assert_ne!(shared, text);
    fs::write(&at, shared).unwrap();

    source.commit(1, &[info("WRITE"), source.add("c", 5)]);
    cloned(&source, &replica, Expect::Version(0));
    let there = replica.snapshot();
    let mut ranges: Vec<(i64, i64)> = there
        .files
        .values()
        .map(|file| {
            let action: Value = serde_json::from_str(file.action.as_ref().unwrap()).unwrap();
            let first = action["baseRowId"].as_i64().unwrap();
            (first, first + i64::try_from(file.records.unwrap()).unwrap())
        })
        .collect();
    ranges.sort_unstable();
    assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{ranges:?}");
    let mark = there.domains["delta.rowTracking"]["configuration"].as_str();
    let mark: Value = serde_json::from_str(mark.unwrap()).unwrap();
    let last = ranges.last().unwrap().1 - 1;
    assert_eq!(mark["rowIdHighWaterMark"].as_i64(), Some(last));
}

#[test]
fn rows_are_numbered_afresh_and_keep_their_numbers() {
    let world = World::new();
    let source = world.table("source");
    let numbered = |path: &str, size: usize, first: u64| {
        let mut add = source.add(path, size);
        add["add"]["baseRowId"] = json!(first);
        add["add"]["defaultRowCommitVersion"] = json!(9);
        add
    };
    let domain = json!({"domainMetadata": {"domain": "delta.rowTracking", "configuration": "{\"rowIdHighWaterMark\":999}", "removed": false}});
    let properties = json!({"delta.enableRowTracking": "true", "delta.rowTracking.materializedRowIdColumnName": "_row-id-col-source"});
    source.commit(
        0,
        &[
            info("WRITE"),
            features(&[], &["rowTracking", "domainMetadata"]),
            metadata(properties),
            numbered("a", 10, 500),
            numbered("b", 20, 700),
            domain,
        ],
    );
    let replica = world.replica();
    let ids = |replica: &Table| {
        let there = replica.snapshot();
        let files: Vec<(String, i64, i64)> = there
            .sorted_files()
            .iter()
            .map(|(key, file)| {
                let action: Value = serde_json::from_str(file.action.as_ref().unwrap()).unwrap();
                (
                    key.path.to_string(),
                    action["baseRowId"].as_i64().unwrap(),
                    action["defaultRowCommitVersion"].as_i64().unwrap(),
                )
            })
            .collect();
        (
            files,
            there.domains["delta.rowTracking"]["configuration"].clone(),
            there
                .metadata
                .property("delta.rowTracking.materializedRowIdColumnName")
                .unwrap()
                .to_owned(),
        )
    };
    cloned(&source, &replica, Expect::Absent);
    let (files, mark, column) = ids(&replica);
    assert_eq!(files, [("a".to_owned(), 0, 0), ("b".to_owned(), 10, 0)]);
    assert_eq!(mark, r#"{"rowIdHighWaterMark":29}"#);
    assert_ne!(column, "_row-id-col-source");

    source.commit(1, &[info("WRITE"), numbered("c", 5, 900), remove("a")]);
    cloned(&source, &replica, Expect::Version(0));
    let (files, mark, same) = ids(&replica);
    assert_eq!(files, [("b".to_owned(), 10, 0), ("c".to_owned(), 30, 1)]);
    assert_eq!((mark, same), (json!(r#"{"rowIdHighWaterMark":34}"#), column));
}

#[test]
fn files_from_elsewhere_come_along_under_names_of_their_own() {
    let (world, base) = World::with_table();
    let vector = "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
    let (content, mut descriptor) = super::vector(&[1, 4, 7]);
    fs::write(base.folder.join(vector), &content).unwrap();
    let mut shallow = world.table("shallow clone");
    let absolute = |name: &str| format!("file://{}", base.folder.join(name).display());
    let mut masked = add(&absolute("b"), 20);
    descriptor["storageType"] = json!("p");
    descriptor["pathOrInlineDv"] = json!(absolute(vector));
    masked["add"]["deletionVector"] = descriptor;
    let inside = add(&path::encode(&shallow.folder.join("own file").display().to_string()), 7);
    shallow.add("own file", 7);
    shallow.commit(
        0,
        &[
            info("CLONE"),
            features(&["deletionVectors"], &["deletionVectors"]),
            metadata(json!({})),
            add(&absolute("a"), 10),
            masked,
            inside,
        ],
    );

    let replica = world.replica();
    let stranger = refused(&shallow, &replica).to_string();
    let line = format!(r#""external_files": ["{}"]"#, base.folder.display());
    assert!(stranger.ends_with(&line), "{stranger}");
    let listed = base.folder.clone();
    let external = External::listed(move || vec![listed]);
    shallow.store = shallow.store.with_external(external);
    let done = cloned(&shallow, &replica, Expect::Absent);
    assert_eq!(
        (done.copied_files, done.copied_bytes, done.rows),
        (3, 37 + content.len() as u64, Some(34))
    );
    let live = replica.live();
    assert_eq!(live.len(), 3);
    assert!(live.contains(&"own%20file".to_owned()));
    assert!(live.iter().all(|path| !path.contains('/')), "{live:?}");
    assert!(names(&replica.folder).contains(&vector.to_owned()));
    let there = replica.snapshot();
    let kept = there.files.values().find_map(|file| file.vector.clone()).unwrap();
    assert_eq!(
        (kept.storage_type.as_str(), kept.path_or_inline_dv.as_str(), kept.cardinality),
        ("u", "^-aqEH.-t@S}K{vb[*k^", 3)
    );
    assert_eq!(estimated(&shallow, &replica), Estimate::default());
    assert_eq!(cloned(&shallow, &replica, Expect::Version(0)).copied_files, 0);
    assert!(replica.actions(1, "add").is_empty());
}

#[test]
fn a_new_deletion_vector_copies_no_data() {
    let world = World::new();
    let source = world.table("source");
    source.commit(
        0,
        &[
            info("WRITE"),
            features(&["deletionVectors"], &["deletionVectors"]),
            metadata(json!({})),
            source.add("a", 10),
        ],
    );
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    let (content, descriptor) = super::vector(&[0, 9]);
    mask(&source, 1, &content, &descriptor);
    let done = cloned(&source, &replica, Expect::Version(0));
    assert_eq!(
        (done.copied_files, done.copied_bytes, done.removed_files, done.rows),
        (0, content.len() as u64, 1, Some(8))
    );
}

/// The file of deletion vectors that [`mask`] writes.
const VECTORS: &str = "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";

/// Deletes rows of `a` by a file of vectors.
fn mask(source: &Table, version: u64, content: &[u8], descriptor: &Value) {
    let mut masked = add("a", 10);
    let mut vector = descriptor.clone();
    vector["storageType"] = json!("u");
    vector["pathOrInlineDv"] = json!("ab^-aqEH.-t@S}K{vb[*k^");
    masked["add"]["deletionVector"] = vector;
    fs::create_dir_all(source.folder.join("ab")).unwrap();
    fs::write(source.folder.join(VECTORS), content).unwrap();
    source.commit(version, &[info("DELETE"), remove("a"), masked]);
}

/// A table with `a` and a deletion vector, and its replica.
fn masked() -> (World, Table, Table, Vec<u8>) {
    let world = World::new();
    let source = world.table("source");
    let a = source.add("a", 10);
    let header =
        [info("WRITE"), features(&["deletionVectors"], &["deletionVectors"]), metadata(json!({}))];
    source.commit(0, &[&header[..], &[a]].concat());
    let (content, descriptor) = super::vector(&[0, 9]);
    mask(&source, 1, &content, &descriptor);
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    (world, source, replica, content)
}

#[test]
fn a_torn_deletion_vector_is_refused_by_name_and_the_good_one_stays() {
    let (_world, source, replica, good) = masked();
    source.commit(2, &[info("WRITE"), source.add("b", 3)]);
    let mut flipped = good.clone();
    flipped[12] ^= 1;
    let mut unversioned = good.clone();
    unversioned[0] = 2;
    let shorter = |length: usize| good[..length].to_vec();
    let broken = [
        vec![],
        shorter(1),
        shorter(5),
        shorter(20),
        shorter(good.len() - 1),
        flipped,
        unversioned,
    ];
    for broken in broken {
        fs::write(source.folder.join(VECTORS), &broken).unwrap();
        let before = contents(&replica.folder.join("ab"));
        let DeltaError::Corrupt { file, .. } = refused_on(&source, &replica, Expect::Version(0))
        else {
            panic!("{broken:?}")
        };
        assert_eq!(file, VECTORS);
        assert_eq!(contents(&replica.folder.join("ab")), before);
        assert!(!replica.folder.join("b").exists());
        let planned = clone::check_files(&source.store, &source.snapshot(), None, None);
        assert!(matches!(planned, Err(DeltaError::Corrupt { .. })), "{planned:?}");
    }
    fs::remove_file(source.folder.join(VECTORS)).unwrap();
    assert!(matches!(
        refused_on(&source, &replica, Expect::Version(0)),
        DeltaError::DataMissing { path } if path == VECTORS
    ));
    // A longer file has every byte of the vector.
    fs::write(source.folder.join(VECTORS), [&good[..], b"more"].concat()).unwrap();
    cloned(&source, &replica, Expect::Version(0));
    assert_eq!(fs::read(replica.folder.join(VECTORS)).unwrap(), good);
}

#[test]
fn a_vector_that_is_another_than_the_log_says_is_refused() {
    let (_world, source, replica, good) = masked();
    for (field, value) in
        [("cardinality", json!(3)), ("sizeInBytes", json!(30)), ("offset", json!(2))]
    {
        let (_, mut descriptor) = super::vector(&[0, 9]);
        descriptor[field] = value;
        mask(&source, 2, &good, &descriptor);
        let refused = refused_on(&source, &replica, Expect::Version(0));
        assert!(matches!(refused, DeltaError::Corrupt { .. }), "{refused}");
    }
}

#[test]
fn other_vectors_under_a_used_name_get_a_name_of_their_own() {
    let (_world, source, replica, good) = masked();
    let (other, descriptor) = super::vector(&[3, 4]);
    mask(&source, 2, &other, &descriptor);
    for version in 0..2 {
        cloned(&source, &replica, Expect::Version(version));
        assert_eq!(fs::read(replica.folder.join(VECTORS)).unwrap(), good);
        assert_eq!(names(&replica.folder.join("ab")).len(), 2);
    }
    assert!(replica.actions(2, "add").is_empty());
    assert_eq!(replica.snapshot().totals().rows, Some(8));
}

#[test]
fn a_torn_vector_of_a_replica_is_found_and_made_good() {
    let (_world, source, replica, good) = masked();
    fs::write(replica.folder.join(VECTORS), &good[..9]).unwrap();
    let damage = verify::damage(&replica.store, &replica.snapshot()).unwrap();
    let damage = damage.unwrap();
    assert!(damage.to_string().contains(VECTORS), "{damage}");
    let done = cloned(&source, &replica, Expect::Version(0));
    assert_eq!(done.copied_bytes, good.len() as u64);
}

/// What a clone of the newest version would copy.
pub(super) fn estimated(source: &Table, replica: &Table) -> Estimate {
    let held = replica.snapshot();
    clone::check_files(&source.store, &source.snapshot(), Some(&held), Some(&replica.folder))
        .unwrap()
}

fn refused_on(source: &Table, target: &Table, expect: Expect) -> DeltaError {
    let version = log::versions(&source.store).unwrap().newest;
    deep_clone(&source.store, version, &target.store, &options(expect)).unwrap_err()
}

#[test]
fn a_path_into_the_log_is_refused() {
    let (world, source) = World::with_table();
    source.commit(1, &[info("WRITE"), add("_delta_log/00000000000000000000.json", 1)]);
    assert!(matches!(refused(&source, &world.replica()), DeltaError::Corrupt { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_sequence_of_clones_ends_as_its_source(steps in prop::collection::vec((prop::collection::btree_set(0_u8..8, 0..8), any::<bool>()), 1..5)) {
        let world = World::new();
        let source = world.table("source");
        let replica = world.replica();
        source.commit(0, &[info("CREATE"), protocol(json!({})), metadata(json!({}))]);
        let mut live = std::collections::BTreeSet::new();
        let mut expect = Expect::Absent;
        for (version, (next, clone)) in (1_u64..).zip(steps) {
            let mut actions = vec![info("WRITE")];
            actions.extend(live.difference(&next).map(|file| remove(&format!("f{file}"))));
            actions.extend(next.difference(&live).map(|file| source.add(&format!("f{file}"), usize::from(*file) + 1)));
            source.commit(version, &actions);
            live = next;
            if clone {
                let held = replica_files(&replica);
                let root = Some(replica.folder.as_path());
                let estimate =
                    clone::check_files(&source.store, &source.snapshot(), held.as_ref(), root).unwrap();
                let done = cloned(&source, &replica, expect);
                prop_assert!(done.copied_files <= estimate.copy_files);
                prop_assert_eq!(replica.live(), live.iter().map(|file| format!("f{file}")).collect::<Vec<_>>());
                expect = Expect::Version(done.version);
            }
        }
    }
}

fn replica_files(replica: &Table) -> Option<Snapshot> {
    replay::snapshot(&replica.store, None, Detail::Summary).ok()
}
