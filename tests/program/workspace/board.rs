//! The board of an apply on a terminal: seen while it works, in the rows that it takes, and gone when it ends, however that is.

use std::collections::BTreeMap;

use super::site::Site;
use super::terminal::{Key, Seen, on_terminal};

/// Runs an apply on a terminal; `None`: no python3 makes one.
async fn applied(site: &Site, columns: u16, keys: &[Key<'_>]) -> Option<Seen> {
    let token = site.running.primary.token.clone();
    let variables = BTreeMap::from([("DRSYNC_TOKEN_EAST".to_owned(), token)]);
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    on_terminal(site, &variables, columns, keys, &["apply", "--auto-approve"]).await
}

/// Nothing of the board is left, and the terminal is as it was.
fn assert_left_as_it_was(seen: &Seen, columns: u16) {
    let shown = seen.lines.join("\n");
    assert!(seen.shown.iter().all(|shown| *shown), "{:?}\n{shown}", seen.shown);
    assert_eq!(seen.unknown, [""; 0], "{shown}");
    assert!(seen.cursor && seen.plain && seen.modes, "{seen:?}");
    for board in ["queued  ", "running  ", "protected  ", "^C"] {
        let left = seen.lines.iter().find(|line| line.starts_with(board));
        assert_eq!(left, None, "{shown}");
    }
    // What lasts is wrapped by whoever wrote it, or by the terminal where it cannot be; the board never is.
    let of_the_board = |line: &&String| {
        ["queued  ", "running  ", "protected  ", "  main."].iter().any(|it| line.starts_with(it))
    };
    assert_eq!(seen.wide.iter().find(of_the_board), None, "{columns} columns: {:?}", seen.wide);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_board_is_seen_and_nothing_of_it_is_left() {
    for columns in [80, 40] {
        let site = Site::new().await;
        site.fault("SQL *DEEP*CLONE* 2-4 delay=3s");
        let Some(seen) = applied(&site, columns, &[("running  ", "", 0.0)]).await else {
            return;
        };
        assert_left_as_it_was(&seen, columns);
        assert!([0, 4].contains(&seen.status), "{seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_the_board_is_left_after_ctrl_c() {
    let site = Site::new().await;
    site.fault("SQL *DEEP*CLONE* 2-4 delay=4s");
    let Some(seen) = applied(&site, 80, &[("running  ", "\u{3}", 0.5)]).await else {
        return;
    };
    assert_left_as_it_was(&seen, 80);
    assert_eq!(seen.status, 130, "{seen:?}");
    let told = "drsync: stopping; nothing that is done is lost. Again to end at once";
    assert!(seen.lines.iter().any(|line| line.trim_end() == told), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_the_board_is_left_after_a_second_ctrl_c() {
    let site = Site::new().await;
    site.fault("SQL *DEEP*CLONE* 2-4 delay=40s");
    let keys = [("running  ", "\u{3}", 0.5), ("Again to end at once", "\u{3}", 0.0)];
    let Some(mut seen) = applied(&site, 80, &keys).await else {
        return;
    };
    // Where the board was gone by then the terminal itself shows what is typed, as it does of every program; what stands behind it
    // is none of the board all the same.
    for line in &mut seen.lines {
        if let Some(behind) = line.strip_prefix("^C") {
            *line = behind.to_owned();
        }
    }
    assert_left_as_it_was(&seen, 80);
    assert_eq!(seen.status, 130, "{seen:?}");
}
