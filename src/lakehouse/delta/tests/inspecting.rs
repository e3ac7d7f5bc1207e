//! Replicas looked at long after their clone: digests, doubt, row ids, checkpoints.

use super::given_again::cloned_with_mark;
use super::*;
use crate::lakehouse::delta::verify::inspect;

/// What is wrong with a replica but for its files being no Parquet.
fn wrong(replica: &Table) -> Vec<String> {
    let version = replica.snapshot().version;
    let found = inspect(&replica.store, version, None, None).unwrap();
    let told = found.differences.iter().map(CloneDifference::to_string);
    told.filter(|text| !text.contains("cannot be read")).collect()
}

#[test]
fn a_doubted_replica_gets_what_differs_under_another_name_and_keeps_what_lies_there() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned_with_mark(&source, &replica, Expect::Absent, "source-id");
    fs::write(replica.folder.join("a"), [0; 10]).unwrap();
    let properties = replica.snapshot().metadata.properties();
    let again = |doubted| {
        let properties = properties.clone();
        let options = CloneOptions { doubted, properties, ..options(Expect::Anything) };
        deep_clone(&source.store, 0, &replica.store, &options).unwrap()
    };
    // Its log says what the source's does: nothing is copied unless it is doubted.
    assert_eq!(again(false).replaced, [""; 0]);
    assert_eq!(fs::read(replica.folder.join("a")).unwrap(), [0; 10]);
    let done = again(true);
    assert_eq!((done.copied_files, done.replaced), (1, vec!["a".to_owned()]));
    replica.agrees_with(&source);
    let live = replica.live();
    assert_eq!(live[0], "b");
    assert!(live[1].starts_with("renamed-"), "{live:?}");
    assert_eq!(fs::read(replica.folder.join(&live[1])).unwrap(), [b'x'; 10]);
    assert_eq!(fs::read(replica.folder.join("a")).unwrap(), [0; 10]);
    // The good one is found again, doubted or not.
    for doubted in [true, false] {
        let done = again(doubted);
        assert_eq!((done.copied_files, done.replaced), (0, vec![]));
        assert_eq!(replica.live(), live);
    }
}

#[test]
fn the_digest_of_what_a_log_says_is_the_same_from_commits_and_from_a_checkpoint() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    let before = verify::listed_digest(&replica.snapshot());
    commit::checkpoint(&replica.store, 0, 1);
    fs::remove_file(replica.folder.join(log::commit_path(0))).unwrap();
    assert_eq!(verify::listed_digest(&replica.snapshot()), before);
    source.commit(1, &[info("WRITE"), source.add("c", 5)]);
    cloned(&source, &replica, Expect::Version(0));
    assert_ne!(verify::listed_digest(&replica.snapshot()), before);
}

#[test]
fn a_broken_checkpoint_is_followed_by_a_whole_one() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    commit::checkpoint(&replica.store, 0, 1);
    let file = replica.folder.join("_delta_log/00000000000000000000.checkpoint.parquet");
    let length = fs::metadata(&file).unwrap().len();
    fs::write(&file, vec![0; length as usize]).unwrap();
    assert!(replica.snapshot().read_around.is_some());
    cloned(&source, &replica, Expect::Version(0));
    assert_eq!(replica.snapshot().read_around, None);
}

#[test]
fn row_ids_that_two_files_have_are_found() {
    let world = World::new();
    let replica = world.table("replica");
    let numbered = |path: &str, first: u64| {
        let mut add = replica.add(path, 10);
        add["add"]["baseRowId"] = json!(first);
        add
    };
    let domain = |mark: u64| {
        let configuration = json!({ "rowIdHighWaterMark": mark }).to_string();
        json!({"domainMetadata": {"domain": "delta.rowTracking", "configuration": configuration, "removed": false}})
    };
    let head =
        [info("CLONE"), features(&[], &["rowTracking", "domainMetadata"]), metadata(json!({}))];
    let commit = |version, more: [Value; 3]| {
        let all: Vec<Value> = head.iter().cloned().chain(more).collect();
        replica.commit(version, &all);
    };
    commit(0, [numbered("a", 0), numbered("b", 10), domain(19)]);
    assert_eq!(wrong(&replica), [""; 0]);
    commit(0, [numbered("a", 0), numbered("b", 5), domain(19)]);
    assert_eq!(wrong(&replica), ["b of the replica has row ids that a has, too"]);
    commit(0, [numbered("a", 0), numbered("b", 10), domain(5)]);
    assert_eq!(
        wrong(&replica),
        ["b of the replica has row id 19, and the table says to have given none beyond 5"]
    );
}
