//! What clones that were killed leave, and what lies in a clone's place.

use super::given_again::written_again;
use super::*;

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
