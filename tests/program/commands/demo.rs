//! The demo, and the folder it makes.

use super::program::{code, drsync, stderr, stdout, world};

#[test]
fn the_demo_shows_the_whole_flow_in_under_45_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = drsync(folder.path(), &["demo"]);
    let text = stdout(&shown);
    assert_eq!(code(&shown), 0, "{}", stderr(&shown));
    assert!(text.lines().count() < 45, "{text}");
    for told in ["blocked  customer_360", "synchronized  orders", "~ update  main.shop.orders"] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn the_demo_leaves_a_folder_alone_that_is_not_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mine"), "x").expect("written");
    assert_eq!(code(&drsync(folder.path(), &["demo", "--dir", "."])), 7);
    assert!(folder.path().join("mine").is_file());
}

#[test]
fn a_demo_is_made_again_only_where_nothing_else_lies() {
    let world = world();
    std::fs::write(world.path().join("notes.txt"), "mine").expect("written");
    let refused = drsync(world.path(), &["demo", "--dir", "."]);
    assert_eq!(code(&refused), 7);
    assert!(
        stderr(&refused).contains("notes.txt") && !stderr(&refused).contains("east,"),
        "{}",
        stderr(&refused)
    );
    let west = world.path().join("west");
    assert!(west.is_dir(), "nothing was removed");
    std::fs::remove_file(world.path().join("notes.txt")).expect("removed");
    assert_eq!(code(&drsync(world.path(), &["demo", "--dir", "."])), 0);
}
