//! What a clone copies, commits and refuses.

use proptest::prelude::*;

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
    assert_eq!(estimated(&shallow, &replica), CopyEstimate::default());
    assert_eq!(cloned(&shallow, &replica, Expect::Version(0)).copied_files, 0);
    assert!(replica.actions(1, "add").is_empty());
}

/// What a clone of the newest version would copy.
pub(super) fn estimated(source: &Table, replica: &Table) -> CopyEstimate {
    let held = replica.snapshot();
    clone::check_files(&source.store, &source.snapshot(), Some(&held), Some(&replica.folder))
        .unwrap()
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
    replay::snapshot(&replica.store, None, SnapshotDetail::Summary).ok()
}
