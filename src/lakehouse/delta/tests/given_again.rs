//! Names that a source gives again, by a writer that gives every file one name, one size and one time.

use super::cloning::cloned_with_mark;
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
