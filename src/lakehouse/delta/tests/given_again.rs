//! Names that a source gives again, by a writer that gives every file one name, one size and one time.

use super::cloning::estimated;
use super::*;

/// A deletion vector beside the table's files, and the descriptor that names it.
fn masked(table: &Table, rows: &[u64]) -> Value {
    let (content, mut descriptor) = vector(rows);
    fs::write(
        table.folder.join("deletion_vector_00000000-0000-0000-0000-000000000000.bin"),
        content,
    )
    .unwrap();
    descriptor["storageType"] = json!("u");
    descriptor["pathOrInlineDv"] = json!("00000000000000000000");
    descriptor
}

fn with_vector(mut action: Value, descriptor: &Value) -> Value {
    let kind = if action.get("add").is_some() { "add" } else { "remove" };
    action[kind]["deletionVector"] = descriptor.clone();
    action
}

/// A table of which rows may be deleted, and its replica with the mark of what it holds.
fn with_vectors() -> (World, Table, Table) {
    let (world, source) = World::with_table();
    let writers = features(&["deletionVectors"], &["deletionVectors"]);
    source.commit(1, &[info("UPGRADE PROTOCOL"), writers]);
    let replica = world.replica();
    (world, source, replica)
}

/// What the replica has under the only live path that ends so.
fn content(replica: &Table, ending: &str) -> Vec<u8> {
    let live = replica.live();
    let ours: Vec<&String> = live.iter().filter(|path| path.ends_with(ending)).collect();
    assert_eq!(ours.len(), 1, "{live:?}");
    fs::read(replica.folder.join(ours[0])).unwrap()
}

#[test]
fn a_name_given_again_is_another_file_though_rows_of_it_were_deleted_since() {
    let (_world, source, replica) = with_vectors();
    cloned_with_mark(&source, &replica, Expect::Absent, "source-id");
    source.commit(2, &[info("DELETE"), remove("a")]);
    fs::write(source.folder.join("a"), [b'y'; 10]).unwrap();
    source.commit(3, &[info("WRITE"), add("a", 10)]);
    let descriptor = masked(&source, &[0, 9]);
    source.commit(4, &[info("DELETE"), remove("a"), with_vector(add("a", 10), &descriptor)]);
    assert_eq!(
        cloned_with_mark(&source, &replica, Expect::Version(0), "source-id").copied_files,
        1
    );
    assert_eq!(content(&replica, "a"), [b'y'; 10]);
    assert_eq!(
        cloned_with_mark(&source, &replica, Expect::Version(1), "source-id").copied_files,
        0
    );
}

#[test]
fn a_name_given_again_is_another_file_though_rows_of_the_old_one_were_deleted() {
    let (_world, source, replica) = with_vectors();
    let descriptor = masked(&source, &[0, 9]);
    source.commit(2, &[info("DELETE"), remove("a"), with_vector(add("a", 10), &descriptor)]);
    cloned_with_mark(&source, &replica, Expect::Absent, "source-id");
    fs::write(source.folder.join("a"), [b'y'; 10]).unwrap();
    let old = with_vector(remove("a"), &descriptor);
    source.commit(3, &[info("WRITE"), old, add("a", 10)]);
    assert_eq!(
        cloned_with_mark(&source, &replica, Expect::Version(0), "source-id").copied_files,
        1
    );
    assert_eq!(content(&replica, "a"), [b'y'; 10]);
}

#[test]
fn a_file_of_which_rows_were_deleted_is_the_one_that_is_held_and_is_not_read() {
    let (_world, source, replica) = with_vectors();
    cloned_with_mark(&source, &replica, Expect::Absent, "source-id");
    let descriptor = masked(&source, &[0, 9]);
    source.commit(2, &[info("DELETE"), remove("a"), with_vector(add("a", 10), &descriptor)]);
    // Damage that only a reading would find.
    fs::write(replica.folder.join("a"), [b'z'; 10]).unwrap();
    assert_eq!(
        cloned_with_mark(&source, &replica, Expect::Version(0), "source-id").copied_files,
        0
    );
}

#[test]
fn what_a_target_without_a_mark_holds_is_compared() {
    let (world, source) = World::with_table();
    let other = world.replica();
    other_table_of_the_same_names(&other);
    let options = CloneOptions { properties: Default::default(), ..options(Expect::Version(0)) };
    deep_clone(&source.store, 0, &other.store, &options).unwrap();
    assert_eq!(content(&other, "a"), [b'x'; 10]);
    assert_eq!(fs::read(other.folder.join("a")).unwrap(), [b'y'; 10], "what was there stays");
}

fn other_table_of_the_same_names(table: &Table) {
    fs::create_dir_all(table.folder.join("_delta_log")).unwrap();
    let files = [table.add("a", 10), table.add("b", 20)];
    fs::write(table.folder.join("a"), [b'y'; 10]).unwrap();
    let head = [info("WRITE"), protocol(json!({})), metadata(json!({}))];
    table.commit(0, &[&head[..], &files].concat());
}

#[test]
fn of_two_rows_of_one_path_each_is_followed_by_its_own() {
    // Which of them came first is chance, so it is tried often.
    for _ in 0..16 {
        let (_world, source, replica) = with_vectors();
        let descriptor = masked(&source, &[0, 9]);
        source.commit(2, &[info("WRITE"), with_vector(add("a", 10), &descriptor)]);
        cloned_with_mark(&source, &replica, Expect::Absent, "source-id");
        assert_eq!(replica.live(), ["a", "a", "b"]);
        source.commit(3, &[info("DELETE"), with_vector(remove("a"), &descriptor)]);
        cloned_with_mark(&source, &replica, Expect::Version(0), "source-id");
        assert_eq!(replica.live(), ["a", "b"]);
        replica.agrees_with(&source);
    }
}

#[test]
fn a_name_may_be_given_as_often_as_a_writer_likes() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned_with_mark(&source, &replica, Expect::Absent, "source-id");
    for version in 1..80_u64 {
        fs::write(source.folder.join("a"), format!("{version:010}")).unwrap();
        source.commit(version, &[info("WRITE"), add("a", 10)]);
        let at = Expect::Version(2 * (version - 1));
        assert_eq!(cloned_with_mark(&source, &replica, at, "source-id").copied_files, 1);
        assert_eq!(content(&replica, "a"), format!("{version:010}").as_bytes());
        // The next clone finds it again, and a commit names no file twice.
        let at = Expect::Version(2 * version - 1);
        let again = cloned_with_mark(&source, &replica, at, "source-id");
        assert_eq!((again.copied_files, again.removed_files), (0, 0), "{version}");
        replica.agrees_with(&source);
    }
}

#[test]
fn a_name_given_again_with_the_time_it_had_is_compared_byte_by_byte() {
    // Of a writer that knows no times, and of one that gives every file the same: then its statistics tell.
    for (time, records) in [(0, 10), (-1, 10), (1, 9)] {
        let (world, source) = World::with_table();
        let again = |byte: u8, records: u64| {
            let mut add = source.add("a", 10);
            fs::write(source.folder.join("a"), [byte; 10]).unwrap();
            add["add"]["modificationTime"] = json!(time);
            add["add"]["stats"] = json!({ "numRecords": records }).to_string().into();
            add
        };
        source.commit(1, &[info("WRITE"), again(b'x', 10)]);
        let replica = world.replica();
        cloned(&source, &replica, Expect::Absent);
        source.commit(2, &[info("WRITE"), again(b'y', records)]);
        let done = cloned(&source, &replica, Expect::Version(0));
        assert_eq!((done.copied_files, done.replaced), (1, vec![]), "{time}");
        replica.agrees_with(&source);
        assert_eq!(fs::read(replica.folder.join("a")).unwrap(), [b'x'; 10], "the first cut's");
        let live = replica.live();
        let renamed = live.iter().find(|name| name.starts_with("renamed-")).unwrap();
        assert_eq!(fs::read(replica.folder.join(renamed)).unwrap(), [b'y'; 10]);
        let done = cloned(&source, &replica, Expect::Version(1));
        assert_eq!(done.copied_files, 0, "{time}");
    }
}

/// Clones the newest version with the mark that a replica gets.
pub(super) fn cloned_with_mark(
    source: &Table,
    replica: &Table,
    expect: Expect,
    id: &str,
) -> CloneMetrics {
    let version = source.snapshot().version;
    let mark = crate::region::Mark {
        source_table_id: id.to_owned(),
        source_version: version,
        replica: "main/test/source".to_owned(),
    };
    let properties = mark.properties();
    let options = CloneOptions { properties, ..options(expect) };
    deep_clone(&source.store, version, &replica.store, &options).unwrap()
}

#[test]
fn a_name_that_the_log_gave_again_since_is_compared_whatever_it_says_of_the_file() {
    for (removed_before, id) in [(false, "source-id"), (true, "source-id"), (false, "another-id")] {
        let (world, source) = World::with_table();
        let replica = world.replica();
        cloned_with_mark(&source, &replica, Expect::Absent, id);
        // The same size, time and statistics; of another table not even the log tells.
        fs::write(source.folder.join("a"), [b'y'; 10]).unwrap();
        let again = match id {
            "source-id" => vec![info("WRITE"), add("a", 10)],
            _ => vec![info("WRITE")],
        };
        if removed_before {
            source.commit(1, &[info("DELETE"), remove("a")]);
        }
        source.commit(if removed_before { 2 } else { 1 }, &again);
        let done = cloned_with_mark(&source, &replica, Expect::Version(0), "source-id");
        assert_eq!((done.copied_files, done.replaced), (1, vec![]));
        let live = replica.live();
        let renamed = live.iter().find(|name| name.starts_with("renamed-")).unwrap();
        assert_eq!(fs::read(replica.folder.join(renamed)).unwrap(), [b'y'; 10]);
        assert_eq!(fs::read(replica.folder.join("a")).unwrap(), [b'x'; 10], "the first cut's");
        let done = cloned_with_mark(&source, &replica, Expect::Version(1), "source-id");
        assert_eq!(done.copied_files, 0);
    }
}

/// A table of which `a` was written again under its name, to other content of the same size.
pub(super) fn written_again(source: &Table, version: u64) {
    let mut again = source.add("a", 10);
    again["add"]["modificationTime"] = json!(2);
    fs::write(source.folder.join("a"), "yyyyyyyyyy").unwrap();
    source.commit(version, &[info("WRITE"), again]);
}

#[test]
fn a_name_that_is_given_again_leaves_the_older_versions_as_they_were() {
    for removed_before in [false, true] {
        let (world, source) = World::with_table();
        let replica = world.replica();
        cloned(&source, &replica, Expect::Absent);
        let before = contents(&replica.folder);
        if removed_before {
            source.commit(1, &[info("DELETE"), remove("a")]);
        }
        written_again(&source, if removed_before { 2 } else { 1 });
        let estimate = estimated(&source, &replica);
        assert_eq!((estimate.copy_files, estimate.copy_bytes), (1, 10));
        let done = cloned(&source, &replica, Expect::Version(0));
        assert_eq!((done.copied_files, done.copied_bytes), (1, 10));
        let after = contents(&replica.folder);
        assert!(before.iter().all(|file| after.contains(file)), "{after:?}");
        let live = replica.live();
        let own = live.iter().find(|path| path.ends_with("-a")).unwrap();
        assert_eq!(fs::read(replica.folder.join(own)).unwrap(), b"yyyyyyyyyy");
        // The second time it is found under its name.
        assert_eq!(estimated(&source, &replica), CopyEstimate::default());
        let again = cloned(&source, &replica, Expect::Version(1));
        assert_eq!((again.copied_files, again.removed_files), (0, 0));
        assert_eq!(replica.live(), live);
    }
}

#[test]
fn a_name_whose_file_was_vacuumed_is_not_given_to_other_content() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    source.commit(1, &[info("DELETE"), remove("a")]);
    cloned(&source, &replica, Expect::Version(0));
    fs::remove_file(replica.folder.join("a")).unwrap();
    written_again(&source, 2);
    cloned(&source, &replica, Expect::Version(1));
    assert!(!replica.folder.join("a").exists());
}

#[test]
fn what_a_restore_brings_back_is_found_under_its_name() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    source.commit(1, &[info("DELETE"), remove("a")]);
    cloned(&source, &replica, Expect::Version(0));
    source.commit(2, &[info("RESTORE"), add("a", 10)]);
    let done = cloned(&source, &replica, Expect::Version(1));
    assert_eq!(done.copied_files, 0);
    assert_eq!(replica.live(), ["a", "b"]);
}

#[test]
fn names_of_another_making_in_a_source_do_not_meet_those_of_its_replica() {
    let (world, source) = World::with_table();
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    written_again(&source, 1);
    cloned(&source, &replica, Expect::Version(0));
    // The replica as a source of a table that has had names given twice itself.
    let back = world.table("back");
    fs::remove_dir_all(&back.folder).unwrap();
    cloned(&replica, &back, Expect::Absent);
    let live = replica.live();
    assert_eq!(back.live(), live);
    // A source that has the very name which its replica would make.
    let made = live.iter().find(|path| path.ends_with("-a")).unwrap();
    let mut own = source.add(made, 10);
    own["add"]["modificationTime"] = json!(7);
    fs::write(source.folder.join(made), "zzzzzzzzzz").unwrap();
    source.commit(2, &[info("WRITE"), own]);
    cloned(&source, &replica, Expect::Version(1));
    let live = replica.live();
    assert_eq!(live.len(), 3, "{live:?}");
    let mut held: Vec<Vec<u8>> =
        live.iter().map(|path| fs::read(replica.folder.join(path)).unwrap()).collect();
    held.sort();
    assert_eq!(
        held,
        [b"xxxxxxxxxxxxxxxxxxxx".to_vec(), b"yyyyyyyyyy".to_vec(), b"zzzzzzzzzz".to_vec()]
    );
    let again = cloned(&source, &replica, Expect::Version(2));
    assert_eq!((again.copied_files, again.removed_files), (0, 0));
}

#[test]
fn a_partitioned_file_keeps_its_folder_under_another_name() {
    let world = World::new();
    let source = world.table("source");
    let folder = source.folder.join("p=a b");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("x.parquet"), "one").unwrap();
    let header = [info("WRITE"), protocol(json!({})), metadata(json!({}))];
    source.commit(0, &[&header[..], &[add("p=a%20b/x.parquet", 3)]].concat());
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    fs::write(folder.join("x.parquet"), "two!").unwrap();
    source.commit(1, &[info("WRITE"), remove("p=a%20b/x.parquet")]);
    source.commit(2, &[info("WRITE"), add("p=a%20b/x.parquet", 4)]);
    cloned(&source, &replica, Expect::Version(0));
    let live = replica.live();
    assert!(live[0].starts_with("p=a%20b/renamed-") && live[0].ends_with("-x.parquet"), "{live:?}");
    assert_eq!(names(&replica.folder.join("p=a b")).len(), 2);
}
