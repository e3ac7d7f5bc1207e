//! What a clone copies, commits and refuses.

use proptest::prelude::*;

use super::*;

#[test]
fn a_first_clone_copies_everything_and_says_so() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    let done = cloned(&source, &replica, Expect::Absent);
    assert_eq!(
        (
            done.version,
            done.copied_files,
            done.copied_bytes,
            done.rows
        ),
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
        (
            metadata.get("name"),
            metadata.get("description"),
            &metadata["createdTime"]
        ),
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
        (
            &removed["path"],
            &removed["size"],
            &removed["partitionValues"]
        ),
        (&json!("a"), &json!(10), &json!({"p": null}))
    );
    assert_eq!(replica.snapshot().metadata.id(), id);

    // Nothing but the mark.
    let again = cloned(&source, &replica, Expect::Version(1));
    assert_eq!(
        (again.version, again.copied_files, again.removed_files),
        (2, 0, 0)
    );
    assert!(replica.actions(2, "add").is_empty());
}

#[test]
fn a_file_that_vanished_from_the_replica_is_noticed_and_copied_again() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    fs::remove_file(replica.folder.join("a")).unwrap();
    fs::write(replica.folder.join("b"), "short").unwrap();
    let found = compare::compare(&source.store, 0, &replica.store, 0).unwrap();
    assert_eq!(
        found.iter().map(Difference::to_string).collect::<Vec<_>>(),
        [
            "a of the replica is missing",
            "b of the replica has 5 bytes instead of 20"
        ]
    );
    assert_eq!(
        cloned(&source, &replica, Expect::Version(0)).copied_files,
        2
    );
}

#[test]
fn files_that_a_killed_clone_left_whole_are_not_copied_again_and_the_rest_is_cleared_away() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    let staging = replica.folder.join("_drsync_tmp");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join("dead.lock"), "").unwrap();
    fs::write(staging.join("dead-0"), "half a fi").unwrap();
    fs::copy(source.folder.join("a"), replica.folder.join("a")).unwrap();
    fs::write(replica.folder.join("b"), "half a fi").unwrap();
    assert_eq!(cloned(&source, &replica, Expect::Absent).copied_files, 1);
    assert_eq!(names(&replica.folder), ["_delta_log", "a", "b"]);
}

#[test]
fn a_clone_at_work_keeps_its_files_when_another_begins() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    let staging = replica.folder.join("_drsync_tmp");
    fs::create_dir_all(&staging).unwrap();
    let lock = fs::File::create(staging.join("alive.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(staging.join("alive-0"), "half a fi").unwrap();
    cloned(&source, &replica, Expect::Absent);
    assert_eq!(names(&staging), ["alive-0", "alive.lock"]);
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
fn a_file_that_a_dead_clone_announced_is_copied_again_whatever_its_size() {
    let world = World::new();
    let (source, replica) = (many(&world), world.replica());
    let staging = replica.folder.join("_drsync_tmp");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join("dead.lock"), "\"f00\"\n\"f01\"\n\"half a na").unwrap();
    fs::write(replica.folder.join("f00"), "0123456789").unwrap();
    fs::write(replica.folder.join("f02"), "xxxxxxxxxx").unwrap();
    assert_eq!(cloned(&source, &replica, Expect::Absent).copied_files, 39);
    assert_eq!(fs::read(replica.folder.join("f00")).unwrap(), b"xxxxxxxxxx");
    assert!(!staging.exists());
}

#[test]
fn a_file_that_lies_there_with_another_content_is_copied_whatever_its_size() {
    let world = World::new();
    let (source, replica) = (many(&world), world.replica());
    fs::create_dir_all(&replica.folder).unwrap();
    fs::write(replica.folder.join("f02"), "0123456789").unwrap();
    assert_eq!(cloned(&source, &replica, Expect::Absent).copied_files, 40);
    assert_eq!(fs::read(replica.folder.join("f02")).unwrap(), b"xxxxxxxxxx");
}

#[test]
fn a_file_that_was_written_again_under_its_name_arrives() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    let mut again = source.add("a", 10);
    again["add"]["modificationTime"] = json!(2);
    fs::write(source.folder.join("a"), "yyyyyyyyyy").unwrap();
    source.commit(1, &[info("WRITE"), again]);
    assert_eq!(
        cloned(&source, &replica, Expect::Version(0)).copied_files,
        1
    );
    assert_eq!(fs::read(replica.folder.join("a")).unwrap(), b"yyyyyyyyyy");
}

#[test]
fn what_a_dead_clone_announced_stays_known_until_it_is_made_again() {
    let world = World::new();
    let (source, replica) = (many(&world), world.replica());
    let staging = replica.folder.join("_drsync_tmp");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join("dead.lock"), "\"later\"\n").unwrap();
    fs::write(replica.folder.join("later"), "0123456789").unwrap();
    cloned(&source, &replica, Expect::Absent);
    assert_eq!(names(&staging), ["dead.lock"]);
    source.commit(1, &[info("WRITE"), source.add("later", 10)]);
    assert_eq!(
        cloned(&source, &replica, Expect::Version(0)).copied_files,
        1
    );
    assert_eq!(
        fs::read(replica.folder.join("later")).unwrap(),
        b"xxxxxxxxxx"
    );
    assert!(!staging.exists());
}

#[test]
fn a_file_that_a_clone_at_work_has_begun_is_made_anew() {
    let world = World::new();
    let (source, replica) = (many(&world), world.replica());
    let staging = replica.folder.join("_drsync_tmp");
    fs::create_dir_all(&staging).unwrap();
    let lock = fs::File::create(staging.join("alive.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(staging.join("alive.lock"), "\"f00\"\n").unwrap();
    fs::write(replica.folder.join("f00"), "012").unwrap();
    cloned(&source, &replica, Expect::Absent);
    assert_eq!(names(&staging), ["alive.lock"]);
}

#[test]
fn what_was_whole_when_a_clone_failed_is_not_copied_again() {
    let world = World::new();
    let (source, replica) = (many(&world), world.replica());
    fs::write(source.folder.join("f39"), "short").unwrap();
    assert!(
        matches!(refused(&source, &replica), DeltaError::Corrupt { file, .. } if file == "f39")
    );
    assert!(log::versions(&replica.store).is_err());
    fs::write(source.folder.join("f39"), "xxxxxxxxxx").unwrap();
    assert_eq!(cloned(&source, &replica, Expect::Absent).copied_files, 1);
}

#[test]
fn a_replica_at_another_version_than_expected_is_left_alone() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    let absent = deep_clone(
        &source.store,
        0,
        &replica.store,
        &options(Expect::Version(3)),
    )
    .unwrap_err();
    assert!(matches!(absent, DeltaError::Conflict { newest: None }));
    cloned(&source, &replica, Expect::Absent);
    for expect in [Expect::Absent, Expect::Version(1)] {
        let error = deep_clone(&source.store, 0, &replica.store, &options(expect)).unwrap_err();
        assert!(
            matches!(error, DeltaError::Conflict { newest: Some(0) }),
            "{error}"
        );
    }
    assert_eq!(replica.snapshot().version, 0);
}

#[test]
fn a_missing_or_short_source_file_is_named_and_nothing_is_committed() {
    let (world, source) = World::with_table();
    fs::write(source.folder.join("b"), "short").unwrap();
    let DeltaError::Corrupt { file, why } = refused(&source, &world.replica()) else {
        panic!()
    };
    assert_eq!(
        (file.as_str(), why.as_str()),
        ("b", "it has not the 20 bytes that the log says")
    );
    fs::remove_file(source.folder.join("b")).unwrap();
    let DeltaError::DataMissing { path } = refused(&source, &world.replica()) else {
        panic!()
    };
    assert!(path.ends_with("/source/b"), "{path}");
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
    assert_eq!(names(&world.replica().folder), [""; 0]);
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
    assert_eq!(
        there.protocol.writer_features(),
        ["appendOnly", "domainMetadata"]
    );
    assert_eq!(
        (
            there.txns["stream"]["version"].clone(),
            there.domains.keys().collect::<Vec<_>>()
        ),
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
        (
            &["catalogManaged"],
            &["catalogManaged"],
            json!({}),
            "catalogManaged",
        ),
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
            &[
                info("WRITE"),
                features(readers, writers),
                metadata(properties),
                source.add("a", 1),
            ],
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
    source.commit(
        1,
        &[own, features(&[], &["inCommitTimestamp"]), metadata(times)],
    );
    assert_eq!(source.snapshot().timestamp_ms, Some(123));
    for version in 1..=2 {
        cloned(&source, &replica, Expect::Version(version - 1));
        let there = replica.snapshot();
        let first = fs::read_to_string(replica.folder.join(log::commit_path(version))).unwrap();
        assert!(
            first.starts_with(r#"{"commitInfo":{"inCommitTimestamp":"#),
            "{first}"
        );
        assert_eq!(there.metadata.in_commit_timestamps_since(), Some(1));
        assert_eq!(
            there.timestamp_ms,
            Some(author().now_ms.max(there.timestamp_ms.unwrap()))
        );
    }
    let history = history::history(&replica.store, None).unwrap();
    assert!(
        history
            .windows(2)
            .all(|pair| pair[0].timestamp_ms < pair[1].timestamp_ms),
        "{history:?}"
    );

    // A table that has them from its first commit on names no beginning.
    let fresh = world.table("fresh");
    fs::remove_dir_all(&fresh.folder).unwrap();
    cloned(&source, &fresh, Expect::Absent);
    assert_eq!(
        fresh
            .snapshot()
            .metadata
            .property("delta.inCommitTimestampEnablementVersion"),
        None
    );
    assert_eq!(fresh.snapshot().timestamp_ms, Some(author().now_ms));
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
    assert_eq!(
        (mark, same),
        (json!(r#"{"rowIdHighWaterMark":34}"#), column)
    );
}

#[test]
fn files_from_elsewhere_come_along_under_names_of_their_own() {
    let (world, base) = World::with_table();
    let vector = "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
    fs::write(base.folder.join(vector), "vector").unwrap();
    let mut shallow = world.table("shallow clone");
    let absolute = |name: &str| format!("file://{}", base.folder.join(name).display());
    let mut masked = add(&absolute("b"), 20);
    masked["add"]["deletionVector"] = json!({"storageType": "p", "pathOrInlineDv": absolute(vector), "offset": 1, "sizeInBytes": 6, "cardinality": 3});
    let inside = add(
        &path::encode(&shallow.folder.join("own file").display().to_string()),
        7,
    );
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
        (3, 43, Some(34))
    );
    let live = replica.live();
    assert_eq!(live.len(), 3);
    assert!(live.contains(&"own%20file".to_owned()));
    assert!(live.iter().all(|path| !path.contains('/')), "{live:?}");
    assert!(names(&replica.folder).contains(&vector.to_owned()));
    let there = replica.snapshot();
    let kept = there
        .files
        .values()
        .find_map(|file| file.vector.clone())
        .unwrap();
    assert_eq!(
        (
            kept.storage_type.as_str(),
            kept.path_or_inline_dv.as_str(),
            kept.cardinality
        ),
        ("u", "^-aqEH.-t@S}K{vb[*k^", 3)
    );
    assert_eq!(
        clone_estimate(&shallow.store, &shallow.snapshot(), Some(&there)).unwrap(),
        Estimate::default()
    );
    assert_eq!(
        cloned(&shallow, &replica, Expect::Version(0)).copied_files,
        0
    );
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
    let mut masked = add("a", 10);
    masked["add"]["deletionVector"] = json!({"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": 4, "sizeInBytes": 40, "cardinality": 2});
    fs::create_dir(source.folder.join("ab")).unwrap();
    fs::write(
        source
            .folder
            .join("ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin"),
        "0123456789",
    )
    .unwrap();
    source.commit(1, &[info("DELETE"), remove("a"), masked]);
    let done = cloned(&source, &replica, Expect::Version(0));
    assert_eq!(
        (
            done.copied_files,
            done.copied_bytes,
            done.removed_files,
            done.rows
        ),
        (0, 10, 1, Some(8))
    );
}

#[test]
fn a_path_into_the_log_is_refused() {
    let (world, source) = World::with_table();
    source.commit(
        1,
        &[
            info("WRITE"),
            add("_delta_log/00000000000000000000.json", 1),
        ],
    );
    assert!(matches!(
        refused(&source, &world.replica()),
        DeltaError::Corrupt { .. }
    ));
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
                let estimate = clone_estimate(&source.store, &source.snapshot(), held.as_ref()).unwrap();
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
