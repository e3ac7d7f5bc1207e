//! Times of commits and numbers of rows: what of them a replica takes over, and what it has of its own.

use super::*;

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
    let history = commit_history::history(&replica.store, None).unwrap();
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
