//! What is told of the past, and with a region away.

use super::program::{code, drsync, drsync_at, stderr, stdout, world};

#[test]
fn history_is_chosen_and_ordered_by_when_cuts_were_committed() {
    let world = world();
    let folder = world.path();
    let later = "2026-11-23T11:00:00Z";
    let applied = drsync_at(later, folder, &["apply", "--auto-approve", "--only", "orders"]);
    assert_eq!(code(&applied), 0, "{}", stderr(&applied));
    // The point of cut 2 of orders is before that of the other group's cut, or at it.
    let shown = stdout(&drsync_at(later, folder, &["history"]));
    assert!(shown.starts_with("3 cuts; the newest is orders cut 2"), "{shown}");
    let since = stdout(&drsync_at(later, folder, &["history", "--since", "2026-11-23"]));
    assert!(since.starts_with("1 cut; the newest is orders cut 2"), "{since}");
    let until = stdout(&drsync_at(later, folder, &["history", "--until", "2026-11-22"]));
    assert!(until.starts_with("2 cuts; "), "{until}");
}

#[test]
fn with_the_secondary_away_status_and_history_still_answer() {
    let world = world();
    std::fs::rename(world.path().join("west"), world.path().join("gone")).expect("moved");
    let status = drsync(world.path(), &["status"]);
    assert_eq!(code(&status), 0);
    assert!(stdout(&status).starts_with("Secondary region not available; "));
    assert!(stdout(&drsync(world.path(), &["history"])).contains("the secondary does not answer"));
    let applied = drsync(world.path(), &["apply", "--auto-approve"]);
    assert_eq!(code(&applied), 8);
    assert_eq!(stdout(&applied).matches("Secondary region not available").count(), 1);
    assert!(stderr(&applied).ends_with("drsync: secondary region not available (exit 8)\n"));
    assert!(!world.path().join("west").exists(), "its root is never made");
}

#[test]
fn with_the_primary_away_status_and_history_still_answer() {
    let world = world();
    std::fs::rename(world.path().join("east"), world.path().join("gone")).expect("moved");
    let status = drsync(world.path(), &["status"]);
    assert_eq!(code(&status), 8);
    assert!(stdout(&status).starts_with(
        "Primary region not available; 2 of 3 groups can be brought to a cut right now\n"
    ));
    assert!(stdout(&drsync(world.path(), &["history"])).contains("the primary does not answer"));
    assert_eq!(code(&drsync(world.path(), &["plan"])), 8);
}

#[test]
fn with_a_region_away_nobody_says_whether_a_plan_can_be_applied() {
    let world = world();
    let (folder, later) = (world.path(), "2026-11-23T11:00:00Z");
    let planned = drsync_at(later, folder, &["plan", "--out", "later.json"]);
    assert_eq!(code(&planned), 0, "{}", stderr(&planned));
    std::fs::rename(folder.join("east"), folder.join("gone")).expect("moved");
    let checked = drsync_at(later, folder, &["check", "later.json"]);
    assert_eq!(code(&checked), 8, "{}", stdout(&checked));
    let verdict = " cannot be looked at: primary region not available\n";
    assert!(stdout(&checked).contains(verdict), "{}", stdout(&checked));
}

#[test]
fn a_period_that_ends_before_it_begins_is_a_mistake() {
    let world = world();
    for period in
        [&["--since", "2026-11-23"][..], &["--since", "2026-11-22", "--until", "2026-11-20"]]
    {
        let refused = drsync(world.path(), &[&["history"], period].concat());
        assert_eq!(code(&refused), 64, "{}", stderr(&refused));
        let said = "is after the end of the period, 2026-11-2";
        assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    }
}
