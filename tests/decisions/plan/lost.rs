//! What would be lost if the primary were gone, as far as somebody looked.

use drsync::plan::status::{GroupStatus, status};
use drsync::plan::{Decision, LossReceipt, ReceiptTold, UnknownLoss, UnknownWhy};
use drsync::region::{RegionError, RegionErrorKind, RunState};
use drsync::render::Style;
use drsync::render::sections::status::{Parts, page};
use drsync::render::writers::{Form, write};

use super::world::{COUNTRIES, World, at, table};

const ORDERS: &str = "main.shop.orders";
const LINES: &str = "main.shop.lines";

fn refused(kind: RegionErrorKind) -> RegionError {
    RegionError::new(kind, "read the history", "a test")
}

/// What stands in the status of a group, and what the table of it says in text.
fn seen(world: &World, group: &str) -> (GroupStatus, String) {
    let status = status(&world.observed, &world.plan());
    let text = write(
        &page(&status, Parts::default()),
        Form::Text(Style { width: 400, ..Style::default() }),
    );
    let groups = status.workspaces.into_iter().flat_map(|workspace| workspace.groups);
    (groups.into_iter().find(|it| it.name == group).unwrap(), text)
}

/// The cut's own look, which found nothing beyond it.
fn told_at_the_cut(world: &mut World, group: &str, cut: u64, commits: Option<LossReceipt>) {
    let nothing = LossReceipt {
        at: at("2026-11-22T09:42:00Z"),
        commits: 0,
        since: None,
        runs: vec![],
        tables: vec![],
        unknown: vec![],
    };
    let told = ReceiptTold { cut, loss: commits.unwrap_or(nothing) };
    world.workspace().receipts.insert(group.to_owned(), told);
}

fn why(loss: &LossReceipt) -> Vec<(String, UnknownWhy)> {
    loss.unknown.iter().map(|it| (it.table.to_string(), it.why)).collect()
}

/// `orders` in a way in which nobody knows what came to it, `lines` with one commit beyond the cut.
fn unknown_worlds() -> Vec<(UnknownWhy, u64, World)> {
    let world = |change: &dyn Fn(&mut World)| {
        let mut world = World::new();
        world.commit(LINES, 5, "2026-11-22T10:00:00Z", "WRITE");
        told_at_the_cut(&mut world, "orders", 41, None);
        change(&mut world);
        world
    };
    let gap = world(&|world| {
        world.source(ORDERS).commits.clear();
        world.commit(ORDERS, 8, "2026-11-22T10:10:00Z", "WRITE");
        world.commit(ORDERS, 9, "2026-11-22T10:20:00Z", "WRITE");
    });
    // All of the new table is in no cut, whatever its versions are.
    let recreated = |newest: u64| {
        world(&|world| {
            let source = world.source(ORDERS);
            source.commits.clear();
            source.table_id = "another".to_owned();
            for version in 0..=newest {
                world.commit(ORDERS, version, "2026-11-22T10:10:00Z", "WRITE");
            }
            for commit in &mut world.source(ORDERS).commits {
                commit.table_id = Some("another".to_owned());
            }
        })
    };
    let error = |kind| world(&|world| world.table(ORDERS).source = Some(Err(refused(kind))));
    let not_listed = world(&|world| {
        world.table(ORDERS).source = None;
        world.table(ORDERS).listed = Err(refused(RegionErrorKind::NotFound));
    });
    let came = world(&|world| {
        world.table(ORDERS).source = None;
        world.table(ORDERS).came = Some(Err(refused(RegionErrorKind::Conflict)));
    });
    let other_id = world(&|world| {
        world.table(ORDERS).source = None;
        world.table(ORDERS).listed.as_mut().unwrap().table_id = Some("another".to_owned());
        world.table(ORDERS).came = Some(Ok(vec![]));
    });
    vec![
        (UnknownWhy::Gap, 2, gap),
        (UnknownWhy::Recreated, 2, recreated(1)),
        (UnknownWhy::Recreated, 7, recreated(6)),
        (UnknownWhy::Gone, 0, error(RegionErrorKind::NotFound)),
        (UnknownWhy::Unread, 0, error(RegionErrorKind::Other)),
        (UnknownWhy::Gone, 0, not_listed),
        (UnknownWhy::Gap, 0, came),
        (UnknownWhy::Recreated, 0, other_id),
    ]
}

#[test]
fn of_a_table_whose_history_since_the_cut_is_not_known_the_loss_is_unknown_and_the_rest_is_counted()
{
    for (place, (reason, known, world)) in unknown_worlds().into_iter().enumerate() {
        let (group, text) = seen(&world, "orders");
        let loss = group.loss.unwrap();
        assert_eq!(why(&loss), [(ORDERS.to_owned(), reason)], "{place}");
        assert_eq!(loss.commits, known + 1, "{place}: {loss:?}");
        // It is what was looked at now, and not what held at the cut.
        assert!(loss.at > at("2026-11-22T10:59:00Z"), "{place}: {loss:?}");
        assert_eq!(loss.unknown[0].known_at, Some(at("2026-11-22T09:42:00Z")), "{place}");
        assert!(text.contains("at least"), "{place}: {text}");
        assert!(text.contains(&format!("{ORDERS} (")), "{place}: {text}");
        let plan = world.plan_of("orders");
        assert_eq!(plan.loss.as_ref().map(why), Some(why(&loss)), "{place}");
    }
}

#[test]
fn a_group_of_which_nothing_is_known_is_said_to_be_unknown_and_never_to_lose_nothing() {
    let mut world = World::new();
    told_at_the_cut(&mut world, "reference", 7, None);
    world.table(COUNTRIES).source = Some(Err(refused(RegionErrorKind::NotFound)));
    let (group, text) = seen(&world, "reference");
    let loss = group.loss.unwrap();
    assert_eq!((loss.commits, why(&loss)), (0, vec![(COUNTRIES.to_owned(), UnknownWhy::Gone)]));
    assert!(text.contains("not known of"), "{text}");
    let json = serde_json::to_value(&loss).unwrap();
    assert_eq!(json["unknown"][0]["why"], "gone");
}

#[test]
fn what_was_known_to_be_lost_of_a_table_is_still_lost_once_nothing_is_known_of_it() {
    let mut world = World::new();
    for version in 5..8 {
        world.commit(ORDERS, version, "2026-11-22T10:00:00Z", "WRITE");
    }
    let before = seen(&world, "orders").0.loss.unwrap();
    assert_eq!(before.commits, 3);
    told_at_the_cut(&mut world, "orders", 41, Some(before.clone()));
    world.table(ORDERS).source = Some(Err(refused(RegionErrorKind::NotFound)));
    let loss = seen(&world, "orders").0.loss.unwrap();
    assert_eq!((loss.commits, &loss.tables), (3, &before.tables));
    let unknown =
        UnknownLoss { table: table(ORDERS), why: UnknownWhy::Gone, known_at: Some(before.at) };
    assert_eq!(loss.unknown, [unknown]);
    // Of another cut it says nothing.
    told_at_the_cut(&mut world, "orders", 40, Some(before));
    assert_eq!(seen(&world, "orders").0.loss.unwrap().commits, 0);
}

#[test]
fn a_primary_that_is_away_is_no_look_at_its_tables() {
    let mut world = World::new();
    told_at_the_cut(&mut world, "reference", 7, None);
    let away = refused(RegionErrorKind::Unavailable);
    world.workspace().primary.presence = Err(away.clone());
    world.table(COUNTRIES).source = None;
    world.table(COUNTRIES).listed = Err(away);
    let loss = seen(&world, "reference").0.loss.unwrap();
    assert_eq!((loss.at, loss.unknown.len()), (at("2026-11-22T09:42:00Z"), 0));
}

#[test]
fn commits_that_no_cut_holds_are_told_with_versions_times_and_runs_to_repeat() {
    let mut world = World::new();
    assert_eq!(world.plan_of("orders").loss.map(|loss| loss.commits), Some(0));
    world.commit("main.shop.orders", 5, "2026-11-22T10:00:00Z", "WRITE");
    world.commit("main.shop.orders", 6, "2026-11-22T10:10:00Z", "OPTIMIZE");
    world.commit("main.shop.orders", 7, "2026-11-22T10:20:00Z", "MERGE");
    world.run(89, "2026-11-22T09:55:00Z", None, RunState::Active);
    let plan = world.plan_of("orders");
    assert_eq!(plan.decision, Decision::Waiting);
    let loss = plan.loss.unwrap();
    assert_eq!(
        (loss.commits, loss.since, loss.runs),
        (2, Some(at("2026-11-22T10:00:00Z")), vec![89])
    );
    let [table] = &loss.tables[..] else {
        panic!("{:?}", loss.tables);
    };
    assert_eq!((table.first_version, table.last_version, table.commits), (5, 7, 2));
}

#[test]
fn of_a_group_that_is_synchronized_what_stays_out_of_its_cut_is_told() {
    let mut world = World::new();
    world.commit(COUNTRIES, 5, "2026-11-22T10:00:00Z", "WRITE");
    world.pinned_at(COUNTRIES, 5);
    world.request.take_as_due.push("reference".to_owned());
    let plan = world.plan_of("reference");
    assert_eq!(plan.decision, Decision::Sync, "{:?}", plan.findings);
    assert_eq!(plan.loss.map(|loss| loss.commits), Some(0));
}

#[test]
fn where_a_history_was_not_read_what_would_be_lost_is_not_known() {
    let mut world = World::new();
    world.table(COUNTRIES).source = None;
    assert_eq!(world.plan_of("reference").loss, None);
}
