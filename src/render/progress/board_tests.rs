//! What a screen shows of an apply at work.

use chrono::TimeDelta;

use super::*;
use crate::layout::width;
use crate::plan::StoredPlan;

const MIB: u64 = 1 << 20;

/// The golden plan with two groups to synchronize, `alpha` the smaller.
fn board() -> Board {
    let bytes = include_bytes!("../../../fixtures/documents/plan-1.2.json");
    let plan = StoredPlan::read(bytes).expect("the golden plan").plan;
    let mut board = Board::of(&plan);
    let group = |name: &str, tables, bytes| Group {
        workspace: "east".to_owned(),
        group: name.to_owned(),
        tables,
        bytes,
        begun: None,
        ended: false,
        cloned: 0,
        copied: 0,
        at_work: BTreeMap::new(),
    };
    board.groups = vec![group("alpha", 2, 3 * MIB), group("beta", 31, 1_402 * 1024 * MIB)];
    (board.names, board.several_workspaces) = (9, false);
    board
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).expect("a time") + TimeDelta::seconds(seconds)
}

fn tell(board: &mut Board, seconds: i64, what: EventKind) {
    board.tell(&Event { at: at(seconds), what });
}

fn started(group: &str, table: &str) -> EventKind {
    EventKind::TableStarted {
        workspace: "east".to_owned(),
        group: group.to_owned(),
        table: table.to_owned(),
        source_version: 1041,
        copy_bytes: Some(2 * MIB),
    }
}

fn progress(group: &str, table: &str, copied_bytes: u64, id: Option<&str>) -> EventKind {
    EventKind::TableProgress {
        workspace: "east".to_owned(),
        group: group.to_owned(),
        table: table.to_owned(),
        copied_bytes,
        statement_id: id.map(str::to_owned),
    }
}

fn begun(group: &str) -> EventKind {
    EventKind::GroupStarted {
        workspace: "east".to_owned(),
        group: group.to_owned(),
        recovery_point: at(0),
        tables: 2,
    }
}

#[test]
fn a_group_is_queued_until_a_table_of_it_is_at_work() {
    let mut board = board();
    assert_eq!(board.lines(at(0), 80), ["queued     2 groups   33 tables  1,402.0 GiB"]);
    tell(&mut board, 0, begun("alpha"));
    assert_eq!(board.lines(at(1), 80), ["queued     2 groups   33 tables  1,402.0 GiB"]);
    tell(&mut board, 1, started("alpha", "main.a.one"));
    tell(&mut board, 9, progress("alpha", "main.a.one", MIB, Some("01ef9dc4-aaaa-bbbb")));
    assert_eq!(
        board.lines(at(10), 80),
        [
            "running    alpha      0 of 2 tables  1.0 of 3.0 MiB  10s",
            "  main.a.one  v1041    9.0s  2.0 MiB  statement 01ef9dc4-aaaa-bbbb",
            "queued     beta       31 tables  1,402.0 GiB",
        ]
    );
}

#[test]
fn every_line_of_the_board_takes_one_row_whatever_the_screen_and_the_names() {
    let mut board = board();
    let long = format!("main.{}.ende", "sehr_langer_name_".repeat(9));
    for group in ["alpha", "beta"] {
        tell(&mut board, 0, begun(group));
        for table in ["main.a.one", &long, "main.日本語.テーブル"] {
            tell(&mut board, 1, started(group, table));
            let id = "01ef9dc4-0000-1111-2222-333344445555";
            tell(&mut board, 2, progress(group, table, MIB, Some(id)));
        }
    }
    for columns in [20, 40, 60, 79, 80, 120, 240] {
        let lines = board.lines(at(4_000), columns);
        assert_eq!(lines.len(), 8 + usize::from(board.pace_line.is_some()));
        for line in lines {
            assert!(width(&line) <= columns, "{columns}: {line}");
        }
    }
    assert!(board.lines(at(5), 300)[1].ends_with("statement 01ef9dc4-0000-1111-2222-333344445555"));
}

#[test]
fn what_is_protected_stays_in_one_line_and_many_tables_are_counted() {
    let mut board = board();
    tell(&mut board, 0, begun("beta"));
    for table in 0..20 {
        tell(&mut board, 1, started("beta", &format!("main.b.t{table:02}")));
    }
    let lines = board.lines(at(2), 80);
    assert_eq!(lines.len(), 1 + TABLES_SHOWN + 1 + 1, "{lines:?}");
    assert!(lines.contains(&"  and 8 more".to_owned()));
    tell(&mut board, 0, begun("alpha"));
    tell(
        &mut board,
        3,
        EventKind::GroupEnded {
            workspace: "east".to_owned(),
            group: "alpha".to_owned(),
            outcome: GroupOutcome::Synchronized,
            ending: None,
            message: None,
        },
    );
    assert_eq!(board.lines(at(4), 80)[0], "protected  1 group    0 tables  0 B");
}
