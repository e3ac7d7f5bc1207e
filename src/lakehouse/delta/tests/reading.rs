//! Versions, snapshots and histories of logs in every shape they come in.

use super::*;
use crate::region::Upkeep;

/// A table with a commit per version, each adding one file, and a checkpoint at 10.
fn long_table(world: &World) -> Table {
    let (_other, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    for version in 1..=12 {
        source.commit(version, &[info("WRITE"), source.add(&format!("c{version}"), 1)]);
        cloned(&source, &replica, Expect::Version(version - 1));
    }
    replica
}

#[test]
fn a_checkpoint_is_written_every_ten_commits_and_tells_the_same_as_the_commits() {
    let world = World::new();
    let table = long_table(&world);
    let log = log::versions(&table.store).unwrap();
    assert_eq!(log.checkpoints.iter().map(|each| each.version).collect::<Vec<_>>(), [10]);
    let hint: Value =
        serde_json::from_slice(&table.store.read_all("_delta_log/_last_checkpoint").unwrap())
            .unwrap();
    assert_eq!((&hint["version"], &hint["numOfAddFiles"]), (&json!(10), &json!(12)));
    let whole = table.snapshot();
    for version in 0..=9 {
        fs::remove_file(table.folder.join(log::commit_path(version))).unwrap();
    }
    let from_checkpoint = table.snapshot();
    assert_eq!(from_checkpoint.metadata, whole.metadata);
    assert_eq!(from_checkpoint.protocol, whole.protocol);
    assert_eq!(from_checkpoint.totals(), whole.totals());
    for (key, file) in whole.sorted_files() {
        assert!(facts::same_facts(file, &from_checkpoint.files[key]), "{}", key.path);
    }
    let action: Value =
        serde_json::from_str(from_checkpoint.sorted_files()[0].1.action.as_ref().unwrap()).unwrap();
    assert_eq!(action["partitionValues"], json!({"p": null}));
    assert_eq!(log::versions(&table.store).unwrap().oldest, 10);
    let error = replay::snapshot(&table.store, Some(9), SnapshotDetail::Summary).unwrap_err();
    assert!(
        matches!(error, DeltaError::VersionMissing { asked: 9, oldest: 10, newest: 12 }),
        "{error}"
    );
    let error = replay::snapshot(&table.store, Some(13), SnapshotDetail::Summary).unwrap_err();
    assert!(matches!(error, DeltaError::VersionMissing { asked: 13, .. }), "{error}");
}

#[test]
fn removed_files_stay_in_a_checkpoint_as_long_as_they_are_kept() {
    let world = World::new();
    let (_other, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    source.commit(1, &[info("DELETE"), remove("a")]);
    for version in 0..10 {
        cloned(&source, &replica, Expect::Version(version));
    }
    for version in 0..=9 {
        fs::remove_file(replica.folder.join(log::commit_path(version))).unwrap();
    }
    let tombstones: Vec<String> =
        replica.snapshot().tombstones.into_keys().map(|key| key.path.into()).collect();
    assert_eq!(tombstones, ["a"]);
}

#[test]
fn a_broken_checkpoint_is_passed_over_and_named_when_nothing_else_is_left() {
    let world = World::new();
    let table = long_table(&world);
    let whole = table.snapshot().totals();
    let checkpoint = table.folder.join("_delta_log/00000000000000000010.checkpoint.parquet");
    let content = fs::read(&checkpoint).unwrap();
    for broken in [&content[..content.len() / 2], b"", b"PAR1 nonsense PAR1"] {
        fs::write(&checkpoint, broken).unwrap();
        assert_eq!(table.snapshot().totals(), whole);
    }
    fs::remove_file(table.folder.join(log::commit_path(0))).unwrap();
    let error = replay::snapshot(&table.store, None, SnapshotDetail::Full).unwrap_err();
    let DeltaError::Corrupt { file, .. } = error else { panic!("{error}") };
    assert_eq!(file, "00000000000000000010.checkpoint.parquet");
}

#[test]
fn a_broken_hint_harms_nobody() {
    let (_world, table) = World::with_table();
    for hint in ["", "{", r#"{"version":99}"#] {
        fs::write(table.folder.join("_delta_log/_last_checkpoint"), hint).unwrap();
        assert_eq!(table.live(), ["a", "b"]);
    }
}

#[test]
fn a_commit_that_is_cut_off_is_named_with_its_line() {
    let (_world, table) = World::with_table();
    let good = fs::read_to_string(table.folder.join(log::commit_path(0))).unwrap();
    for (content, why) in
        [(&good[..good.len() - 9], "line 5: "), ("", "it is empty"), ("[1]\n", "line 1: ")]
    {
        fs::write(table.folder.join(log::commit_path(1)), content).unwrap();
        let error = replay::snapshot(&table.store, None, SnapshotDetail::Summary).unwrap_err();
        let DeltaError::Corrupt { file, why: said, .. } = error else { panic!("{error}") };
        assert_eq!(file, "00000000000000000001.json");
        assert!(said.to_string().starts_with(why), "{said}");
    }
    assert_eq!(
        replay::snapshot(&table.store, Some(0), SnapshotDetail::Summary).unwrap().files.len(),
        2
    );
}

#[test]
fn the_summary_and_the_whole_agree() {
    let (_world, table) = World::with_table();
    let summary = replay::snapshot(&table.store, None, SnapshotDetail::Summary).unwrap();
    assert_eq!(summary.totals(), table.snapshot().totals());
    assert_eq!(summary.totals(), Totals { files: 2, bytes: 30, rows: Some(30) });
    let header = replay::snapshot(&table.store, None, SnapshotDetail::Header).unwrap();
    assert_eq!((header.files.len(), header.metadata.id()), (0, "source-id"));
}

#[test]
fn rows_are_unknown_as_soon_as_one_file_does_not_say() {
    let (_world, table) = World::with_table();
    let mut silent = table.add("c", 1);
    silent["add"].as_object_mut().unwrap().shift_remove("stats");
    table.commit(1, &[info("WRITE"), silent]);
    assert_eq!(table.snapshot().totals().rows, None);
}

#[test]
fn a_path_is_the_string_that_the_log_has_and_no_other_spelling_of_it() {
    let (_world, table) = World::with_table();
    let spelled = ["New%20York/f", "a%2Fb", "é/f"];
    let others = ["New York/f", "a%2fb", "%C3%A9/f"];
    let adds = spelled.map(|path| add(path, 1));
    table.commit(1, &[vec![info("WRITE")], adds.to_vec()].concat());
    let absolute = format!("file:{}", table.folder.join("a").display());
    let removes = others.iter().copied().chain([absolute.as_str(), "./a"]);
    let removes = removes.map(remove).collect();
    table.commit(2, &[vec![info("DELETE")], removes].concat());
    assert_eq!(table.live(), ["New%20York/f", "a", "a%2Fb", "b", "é/f"]);
    table.commit(3, &[info("DELETE"), remove("New%20York/f")]);
    assert_eq!(table.live(), ["a", "a%2Fb", "b", "é/f"]);
}

/// An action that says that it changes no data.
fn quiet(mut action: Value) -> Value {
    let kind = if action.get("add").is_some() { "add" } else { "remove" };
    action[kind]["dataChange"] = json!(false);
    action
}

#[test]
fn maintenance_is_proved_by_the_rows_that_were_live_before_it() {
    let vector =
        json!({"storageType": "i", "pathOrInlineDv": "x", "sizeInBytes": 1, "cardinality": 4});
    let with_vector = |mut action: Value| {
        let kind = if action.get("add").is_some() { "add" } else { "remove" };
        action[kind]["deletionVector"] = vector.clone();
        action
    };
    let without_stats = |mut action: Value| {
        action["add"]["stats"] = Value::Null;
        action
    };
    // The table holds `a` with 10 rows and `b` with 20; `b` loses 4 of them to a vector at version 1.
    let judged = |operation: &str, actions: Vec<Value>| {
        let (_world, table) = World::with_table();
        let marked = with_vector(add("b", 20));
        table.commit(1, &[info("DELETE"), remove("b"), marked]);
        let mut all = vec![info(operation)];
        all.extend(actions);
        table.commit(2, &all);
        let whole = commit_history::history(&table.store, None).unwrap();
        let last = commit_history::history(&table.store, Some(2)).unwrap();
        assert_eq!(whole[2], last[0], "however far back it is read");
        last[0].upkeep
    };
    let (changes, compared) = (Upkeep::Changes, Upkeep::Compared);
    let both = || vec![quiet(remove("a")), quiet(with_vector(remove("b")))];
    let with = |mut actions: Vec<Value>, more: Value| {
        actions.push(more);
        actions
    };
    let files = |actions| judged("OPTIMIZE", actions);
    assert_eq!(files(with(both(), quiet(add("c", 26)))), compared);
    assert_eq!(files(with(both(), quiet(add("c", 25)))), changes, "a row is lost");
    assert_eq!(files(with(both(), add("c", 26))), changes, "it says that it changes data");
    assert_eq!(files(both()), changes, "all rows are gone");
    assert_eq!(files(vec![quiet(add("c", 1))]), changes, "rows that replace none");
    let whole_file = vec![quiet(remove("a")), quiet(remove("b")), quiet(add("c", 26))];
    assert_eq!(files(whole_file), changes, "a file is removed without its vector and stays");
    let unmarked = with(both(), quiet(add("c", 30)));
    assert_eq!(files(unmarked), changes, "deleted rows are back");
    let uncounted = with(both(), without_stats(quiet(add("c", 26))));
    assert_eq!(files(uncounted), Upkeep::NotCompared);
    let with_schema = with(with(both(), quiet(add("c", 26))), metadata(json!({})));
    assert_eq!(files(with_schema), changes);
    assert_eq!(judged("WRITE", with(both(), quiet(add("c", 26)))), changes, "a write is data");
    assert_eq!(judged("COMPUTE STATS", vec![quiet(add("a", 10))]), compared, "the same file again");
    assert_eq!(judged("VACUUM END", vec![]), compared);
    assert_eq!(judged("WRITE", vec![]), changes, "a write of nothing, too");
}

#[test]
fn maintenance_before_which_the_log_tells_nothing_is_a_change() {
    let (_world, table) = World::with_table();
    let rewritten =
        |from: &str, to: &str| [info("OPTIMIZE"), quiet(remove(from)), quiet(add(to, 10))];
    table.commit(1, &rewritten("a", "c"));
    table.commit(2, &rewritten("c", "d"));
    table.commit(3, &rewritten("d", "e"));
    let shown = |from: Option<u64>| -> Vec<Upkeep> {
        let history = commit_history::history(&table.store, from).unwrap();
        history.iter().map(|commit| commit.upkeep).collect()
    };
    assert_eq!(shown(Some(2)), [Upkeep::Compared; 2]);
    let full = replay::snapshot(&table.store, Some(1), SnapshotDetail::Full).unwrap();
    checkpoint::write_checkpoint(&table.store, &full, 1).unwrap();
    fs::remove_file(table.folder.join(log::commit_path(0))).unwrap();
    assert_eq!(shown(None), [Upkeep::Changes, Upkeep::Compared, Upkeep::Compared]);
}

#[test]
fn a_commit_is_known_by_its_content_whatever_its_time() {
    let (_world, table) = World::with_table();
    let path = table.folder.join(log::commit_path(0));
    let digest = || commit_history::history(&table.store, None).unwrap()[0].sha256.clone();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(digest(), crate::canonical::sha256_of_bytes(&bytes));
    let before = digest();
    fs::write(&path, [&bytes[..], b"\n"].concat()).unwrap();
    assert_ne!(digest(), before);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(digest(), before);
}

#[test]
fn history_tells_maintenance_from_change_and_time_always_grows() {
    let (_world, table) = World::with_table();
    let compacted = quiet(table.add("c", 10));
    table.commit(1, &[info("OPTIMIZE"), compacted, quiet(remove("a"))]);
    table.commit(2, &[json!({"commitInfo": {
        "operation": "MERGE", "userName": "ann", "userId": "7", "engineInfo": "spark",
        "operationParameters": {"predicate": "[]"}, "operationMetrics": {"numOutputRows": "3"},
    }}), table.add("d", 1)]);
    let when = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_700_000_000_123);
    for version in 0..=2 {
        // Copied logs lose their times; the order must survive it.
        fs::File::options()
            .write(true)
            .open(table.folder.join(log::commit_path(version)))
            .unwrap()
            .set_modified(when)
            .unwrap();
    }
    let history = commit_history::history(&table.store, None).unwrap();
    let shown: Vec<_> = history
        .iter()
        .map(|each| (each.version, each.timestamp_ms - 1_700_000_000_000, each.upkeep))
        .collect();
    assert_eq!(
        shown,
        [(0, 123, Upkeep::Changes), (1, 124, Upkeep::Compared), (2, 125, Upkeep::Changes)]
    );
    assert_eq!(history[0].table_id.as_deref(), Some("source-id"));
    let last = &history[2];
    assert_eq!(
        (last.operation.as_deref(), last.user_name.as_deref(), last.user_id.as_deref()),
        (Some("MERGE"), Some("ann"), Some("7"))
    );
    assert_eq!(last.operation_metrics["numOutputRows"], "3");
    assert_eq!(commit_history::history(&table.store, Some(2)).unwrap().len(), 1);
    assert_eq!(table.snapshot().timestamp_ms(), Some(last.timestamp_ms));
}

#[test]
fn a_table_whose_commits_must_carry_their_time_and_do_not_is_corrupt() {
    let world = World::new();
    let table = world.table("source");
    let properties = json!({"delta.enableInCommitTimestamps": "true"});
    table.commit(0, &[info("WRITE"), features(&[], &["inCommitTimestamp"]), metadata(properties)]);
    assert!(matches!(
        replay::snapshot(&table.store, None, SnapshotDetail::Header),
        Err(DeltaError::Corrupt { .. })
    ));
}

#[test]
fn only_files_and_plain_paths_are_opened() {
    let error = TableStore::open("s3://bucket/table").unwrap_err();
    assert_eq!(
        error.to_string(),
        "unsupported location s3://bucket/table: an embedded lakehouse cannot read s3:// yet"
    );
    assert_eq!(TableStore::open("file:///a%20b").unwrap().folder(), Some(Path::new("/a b")));
    let error = log::versions(&TableStore::open("/nowhere/at/all").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/at/all is not a Delta table: it has no log");
}

#[test]
fn a_tombstone_in_a_checkpoint_takes_nothing_out_of_it_in_whatever_order_its_rows_stand() {
    let (_world, table) = World::with_table();
    let rows = [remove("a"), add("a", 10), add("b", 20), remove("b"), remove("c")];
    let heads = [protocol(json!({})), metadata(json!({}))];
    for turned in 0..rows.len() {
        let mut rows = rows.to_vec();
        rows.rotate_left(turned);
        let lines = [rows, heads.to_vec()].concat();
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        let name = "00000000000000000001.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json";
        fs::write(table.folder.join(log::LOG).join(name), lines.join("\n")).unwrap();
        let snapshot = table.snapshot();
        assert_eq!(table.live(), ["a", "b"]);
        let tombstones: Vec<&str> = snapshot.tombstones.keys().map(|key| &*key.path).collect();
        assert_eq!(tombstones, ["c"]);
        let summary = replay::snapshot(&table.store, None, SnapshotDetail::Summary).unwrap();
        assert_eq!(summary.totals(), snapshot.totals());
        let live = replay::snapshot(&table.store, None, SnapshotDetail::Live).unwrap();
        let actions = |table: &Snapshot| -> Vec<String> {
            let files = table.sorted_files().into_iter();
            files.map(|(_, file)| file.action.as_deref().unwrap().to_owned()).collect()
        };
        assert_eq!((actions(&live), live.tombstones.len()), (actions(&snapshot), 0));
    }
}

#[test]
fn facts_of_another_type_are_read_and_what_is_no_fact_is_refused_with_line_and_field() {
    let described = |path: &str, facts: &Value| {
        let mut add = add(path, 1);
        add["add"].as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
        add
    };
    let (_world, table) = World::with_table();
    let other = json!({"size": 30.0, "modificationTime": 1763800000000.0, "partitionValues": {"p": 1}, "tags": {"n": 1, "o": true}});
    table.commit(1, &[info("WRITE"), described("c", &other)]);
    let read = table.snapshot();
    let (_, file) = read.sorted_files()[2];
    assert_eq!((file.size, file.modified_ms), (30, Some(1_763_800_000_000)));
    for (field, no_fact) in [
        ("size", json!({"size": 1.5})),
        ("size", json!({"size": -1})),
        ("modificationTime", json!({"modificationTime": "yesterday"})),
        ("partitionValues", json!({"partitionValues": ["p"]})),
        ("partitionValues", json!({"partitionValues": {"p": {}}})),
        ("tags", json!({"tags": {"n": [1]}})),
        (
            "deletionVector.offset",
            json!({"deletionVector": {"storageType": "i", "pathOrInlineDv": "x", "offset": 0.5}}),
        ),
    ] {
        table.commit(2, &[info("WRITE"), described("d", &no_fact)]);
        for detail in [SnapshotDetail::Summary, SnapshotDetail::Live, SnapshotDetail::Full] {
            let error = replay::snapshot(&table.store, None, detail).unwrap_err().to_string();
            assert!(error.starts_with("00000000000000000002.json is corrupt: line 2: "), "{error}");
            assert!(error.contains(field), "{error}");
        }
    }
}

#[test]
fn a_line_that_never_ends_is_refused_with_the_limit() {
    let (_world, table) = World::with_table();
    let commit = table.folder.join(log::commit_path(1));
    // Sparse: it has this size and takes no room.
    fs::File::create(commit).unwrap().set_len(1 << 40).unwrap();
    let told = "00000000000000000001.json: it has more than 64 MiB of one line of a log, the most that drsync reads";
    for detail in [
        SnapshotDetail::Header,
        SnapshotDetail::Summary,
        SnapshotDetail::Live,
        SnapshotDetail::Full,
    ] {
        let error = replay::snapshot(&table.store, None, detail).unwrap_err();
        assert_eq!(error.to_string(), told);
    }
    assert_eq!(commit_history::history(&table.store, None).unwrap_err().to_string(), told);
}

#[test]
fn a_file_that_one_commit_names_twice_is_refused_because_readers_disagree() {
    let (_world, table) = World::with_table();
    for twice in
        [[remove("a"), add("a", 10)], [add("c", 1), remove("c")], [add("c", 1), add("c", 2)]]
    {
        table.commit(1, &[vec![info("WRITE")], twice.to_vec()].concat());
        for detail in [SnapshotDetail::Summary, SnapshotDetail::Live, SnapshotDetail::Full] {
            let error = replay::snapshot(&table.store, None, detail).unwrap_err().to_string();
            assert!(
                error.starts_with("00000000000000000001.json is corrupt: line 3: it names "),
                "{error}"
            );
        }
    }
    // With another vector it is another file.
    let mut other = add("a", 10);
    other["add"]["deletionVector"] =
        json!({"storageType": "i", "pathOrInlineDv": "x", "cardinality": 1});
    table.commit(1, &[info("DELETE"), other, remove("a")]);
    assert_eq!(table.live(), ["a", "b"]);
}

#[test]
fn a_checkpoint_is_written_of_facts_of_another_json_type() {
    let (_world, table) = World::with_table();
    let mut odd = table.add("c", 5);
    odd["add"]["partitionValues"] = json!({"p": 7, "q": true});
    odd["add"]["tags"] = json!({"n": 1.5});
    odd["add"]["modificationTime"] = json!(1_763_800_000_000.0_f64);
    table.commit(1, &[info("WRITE"), odd]);
    let whole = table.snapshot();
    checkpoint::write_checkpoint(&table.store, &whole, author().now_ms).unwrap();
    for version in 0..=1 {
        fs::remove_file(table.folder.join(log::commit_path(version))).unwrap();
    }
    let read = table.snapshot();
    assert_eq!(read.files.len(), whole.files.len());
    for (key, file) in &whole.files {
        assert!(facts::same_facts(file, &read.files[key]), "{key:?}");
    }
}

#[test]
fn a_checkpoint_of_every_codec_is_read() {
    use ::parquet::arrow::ArrowWriter;
    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use ::parquet::basic::Compression;
    use ::parquet::file::properties::WriterProperties;

    let (_world, table) = World::with_table();
    let whole = table.snapshot();
    checkpoint::write_checkpoint(&table.store, &whole, author().now_ms).unwrap();
    fs::remove_file(table.folder.join(log::commit_path(0))).unwrap();
    let at = table.folder.join("_delta_log/00000000000000000000.checkpoint.parquet");
    let written = bytes::Bytes::from(fs::read(&at).unwrap());
    for codec in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::BROTLI(Default::default()),
        Compression::ZSTD(Default::default()),
        Compression::LZ4_RAW,
        // In Hadoop's frames, as Spark writes it.
        Compression::LZ4,
    ] {
        let rows = ParquetRecordBatchReaderBuilder::try_new(written.clone()).unwrap();
        let properties = WriterProperties::builder().set_compression(codec).build();
        let schema = rows.schema().clone();
        let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).unwrap();
        for batch in rows.build().unwrap() {
            writer.write(&batch.unwrap()).unwrap();
        }
        fs::write(&at, writer.into_inner().unwrap()).unwrap();
        assert_eq!(table.live(), ["a", "b"], "{codec}");
    }
}

#[tokio::test]
async fn a_panic_over_one_table_is_that_tables_error() {
    let read = off_thread(|| -> Result<()> { panic!("a number is beyond its range") }).await;
    let said = read.unwrap_err().to_string();
    assert_eq!(said, "the table is corrupt: it cannot be read: a number is beyond its range");
}

#[test]
fn rows_that_cannot_be_counted_are_not_known() {
    let (_world, table) = World::with_table();
    let counted = |path: &str| {
        let mut add = table.add(path, 10);
        add["add"]["stats"] = json!(r#"{"numRecords":18446744073709551615}"#);
        add
    };
    table.commit(1, &[info("WRITE"), counted("c"), counted("d")]);
    assert_eq!(table.snapshot().totals().rows, None);
}

/// Many tables are asked at once, and most of them lie in one folder.
#[test]
fn a_commit_is_the_newest_of_its_log_as_long_as_it_is_the_same_and_none_came_after_it() {
    let world = World::new();
    let table = |name: &str| {
        let table = world.table(name);
        let actions = [info("WRITE"), protocol(json!({})), metadata(json!({}))];
        table.commit(0, &actions);
        table.commit(1, &[info("WRITE"), json!({"txn": {"appId": name, "version": 1}})]);
        table
    };
    let known = |table: &Table| {
        let made = end::time_at_end(&table.store, 1, &mut Neighbours::default()).unwrap();
        let sha256 = commit_history::digest_of_commit(&table.store, 1).unwrap();
        let read = commit_history::history(&table.store, Some(1)).unwrap();
        assert_eq!(read[0].sha256, sha256, "whoever reads the history has the same digest");
        let commit = KnownCommit { made_ms: made.unwrap(), sha256: Some(sha256) };
        KnownEnd { store: TableStore::local(&table.folder), version: 1, commit: Some(commit) }
    };
    let names = ["quiet", "went_on", "put_back", "made_anew", "touched", "linked", "gone"];
    let tables = names.map(table);
    let mut asked: Vec<KnownEnd> = tables.iter().map(known).collect();
    let still = |asked: &[KnownEnd]| -> Vec<bool> {
        end::still_ends(asked).unwrap().into_iter().map(|it| it.unwrap_or(false)).collect()
    };
    assert_eq!(still(&asked), [true; 7]);

    let [_, went_on, put_back, made_anew, touched, linked, gone] = &tables;
    went_on.commit(2, &[info("WRITE")]);
    fs::remove_file(put_back.folder.join(log::commit_path(1))).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    let set_time = |table: &Table| {
        let at = table.folder.join(log::commit_path(1));
        let file = fs::File::options().append(true).open(at).unwrap();
        file.set_modified(later).unwrap();
    };
    made_anew.commit(1, &[info("DELETE")]);
    set_time(made_anew);
    // Somebody copied the folder: the file has another time, and says what it said.
    set_time(touched);
    // A user may name a table by a link to its folder; a link to its log is none of the table's.
    let elsewhere = world.folder.path().join("elsewhere");
    fs::rename(&linked.folder, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &linked.folder).unwrap();
    fs::remove_dir_all(&gone.folder).unwrap();
    assert_eq!(still(&asked), [true, false, false, false, true, true, false]);

    let log = elsewhere.join("_delta_log");
    fs::rename(&log, world.folder.path().join("log")).unwrap();
    std::os::unix::fs::symlink(world.folder.path().join("log"), &log).unwrap();
    // Of what nobody said what it was any commit is the same.
    asked[3].commit = None;
    assert_eq!(still(&asked), [true, false, false, true, true, false, false]);
}
