//! Whether a stored plan can still be applied: each story moves one thing after the plan was made.

use chrono::Duration;
use drsync::apply::{GroupOutcome, GroupStanding, PlanCheck, RunWarning, RunWarningCode, check};
use drsync::plan::{Plan, Role};
use drsync::record::{Ending, Failed};
use drsync::render::Style;
use drsync::render::sections;
use drsync::render::writers::{self, write};

use crate::support::world::{Form, World, batch, run_id, start};

async fn checked(world: &World, plan: &Plan) -> PlanCheck {
    check(&plan.stored(), &[world.regions()], world.now).await
}

/// The screen of a check.
fn text(plan: &Plan, check: &PlanCheck) -> String {
    let page = sections::check::page(plan, check, "p.json");
    write(&page, writers::Form::Text(Style::default()))
}

/// How the check ends, and how the only group stands.
fn told(check: &PlanCheck) -> (u8, GroupStanding, String) {
    let group = &check.groups[0];
    let message = group.message.clone().unwrap_or_default().to_string();
    (check.exit.code, group.standing, message)
}

pub(crate) async fn a_plan_of_which_nothing_moved_can_be_applied_and_nothing_is_written(
    form: Form,
) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    let seen = checked(&world, &plan).await;
    assert_eq!(told(&seen), (0, GroupStanding::Applicable, String::new()));
    assert!(seen.applicable);
    assert!(!world.path("west/_drsync").exists(), "a check makes nothing");
    assert_eq!(world.apply_plan(&plan).await.exit.code, 0);
}

pub(crate) async fn a_plan_that_was_applied_is_completed_even_after_it_expired(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    world.apply_plan(&plan).await;
    for minutes in [0, 60 * 24 * 30] {
        world.later(minutes);
        let seen = checked(&world, &plan).await;
        let (code, standing, why) = told(&seen);
        assert_eq!((code, standing), (0, GroupStanding::Applied));
        assert!(why.starts_with(&format!("run {} applied this plan: cut 1 (", run_id(1))), "{why}");
        assert_eq!(seen.groups[0].run_id.as_deref(), Some(run_id(1).as_str()));
        assert!(!seen.applicable);
    }
}

pub(crate) async fn a_plan_that_was_applied_stays_so_when_its_group_gets_other_tables(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    world.apply_plan(&plan).await;
    world.make("main.shop.a", "tables/a").await;
    world.groups()[0]["tables"] = serde_json::json!(["main.shop.countries", "main.shop.a"]);
    world.later(70);
    assert_eq!(world.apply().await.groups[0].cut, Some(2));
    let (code, standing, _) = told(&checked(&world, &plan).await);
    assert_eq!((code, standing), (0, GroupStanding::Applied));
    let again = world.apply_plan(&plan).await;
    assert_eq!((again.exit.code, again.groups[0].outcome), (0, GroupOutcome::Overtaken));
}

pub(crate) async fn a_plan_that_others_overtook_is_not_called_applied(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    world.later(1);
    world.apply().await;
    let seen = checked(&world, &plan).await;
    let (code, standing, why) = told(&seen);
    assert_eq!((code, standing), (0, GroupStanding::Overtaken));
    let told = format!("run {} brought it to cut 1 (", run_id(1));
    assert!(why.starts_with(&told), "{why}");
    let shown = text(&plan, &seen);
    let first = shown.lines().next().unwrap_or_default();
    assert!(first.ends_with("is overtaken: others brought 1 group as far or further"), "{shown}");
}

pub(crate) async fn a_group_that_the_plan_blocks_is_told_and_counts_as_in_an_apply(form: Form) {
    let mut world = World::of(form).await;
    world.add_group("broken", None, &["main.shop.missing"]);
    let plan = world.plan().await;
    for _before_and_after_it_was_applied in 0..2 {
        let seen = checked(&world, &plan).await;
        assert_eq!(seen.exit.code, 4);
        let shown = text(&plan, &seen);
        assert!(
            shown.contains("\nblocked     broken           main.shop.missing table_not_found\n"),
            "{shown}"
        );
        assert!(shown.contains(": 1 group; 1 blocked\n"), "{shown}");
        assert!(!shown.contains("drsync plan"), "nothing moved: {shown}");
        assert_eq!(world.apply_plan(&plan).await.exit, seen.exit);
    }
    world.groups().remove(0);
    let plan = world.plan().await;
    let seen = checked(&world, &plan).await;
    assert_eq!(seen.exit.code, 1);
    assert_eq!(world.apply_plan(&plan).await.exit, seen.exit);
}

pub(crate) async fn an_expired_plan_says_so(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    world.later(60 * 24 * 4);
    let seen = checked(&world, &plan).await;
    assert_eq!(told(&seen), (5, GroupStanding::Expired, String::new()));
    assert!(!seen.applicable);
}

pub(crate) async fn a_plan_that_only_changes_metadata_tables_expires_too(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.add_group("pair", None, &["main.shop.a"]);
    world.make("main.shop.a", "tables/a").await;
    world.groups().remove(0);
    world.groups()[0]["paused"] = "not yet".into();
    let plan = world.plan().await;
    assert!(plan.applyable && plan.summary.groups_sync == 0);
    assert_eq!(checked(&world, &plan).await.exit.code, 0);
    world.later(60 * 24 * 4);
    let seen = checked(&world, &plan).await;
    assert!(seen.exit.code == 5 && !seen.applicable);
    let shown = text(&plan, &seen);
    assert!(shown.contains(" expired at 2026-11-25 "), "{shown}");
}

pub(crate) async fn a_plan_of_metadata_tables_is_done_once_they_are_changed(form: Form) {
    let mut world = World::of(form).await;
    world.add_group("pair", None, &["main.shop.a"]);
    world.make("main.shop.a", "tables/a").await;
    world.apply().await;
    world.groups().pop();
    world.later(1);
    let plan = world.plan().await;
    let first = |seen: &PlanCheck| {
        let shown = text(&plan, seen);
        shown.lines().next().unwrap_or_default().to_owned()
    };
    let seen = checked(&world, &plan).await;
    assert!(seen.applicable && seen.metadata_changes);
    assert!(first(&seen).ends_with(" can be applied: only metadata tables change"));
    world.apply_plan(&plan).await;
    let seen = checked(&world, &plan).await;
    assert!(!seen.applicable && !seen.metadata_changes && seen.exit.code == 0);
    let done = " does nothing any more: metadata tables are up to date";
    assert!(first(&seen).ends_with(done), "{}", first(&seen));
}

pub(crate) async fn a_commit_before_the_recovery_point_makes_it_stale_and_one_after_does_not(
    form: Form,
) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    world.later(5);
    world.countries().insert(&batch([4])).await.unwrap();
    assert_eq!(checked(&world, &plan).await.exit.code, 0);

    let world = World::of(form).await;
    let plan = world.plan().await;
    let late = world.countries().when(start() - Duration::minutes(1));
    late.insert(&batch([5])).await.unwrap();
    let seen = checked(&world, &plan).await;
    let (code, standing, why) = told(&seen);
    assert_eq!((code, standing), (5, GroupStanding::Stale));
    assert!(why.contains("turned up with a time before the recovery point"), "{why}");
}

// A workspace does not look for files: how long it keeps them is a property of the table.
#[tokio::test]
async fn files_of_the_pinned_version_that_were_vacuumed_make_it_stale() {
    let mut world = World::of(Form::Lakehouse).await;
    world.later(5);
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(70);
    let plan = world.plan().await;
    world.later(5);
    world.countries().optimize().await.unwrap();
    assert_eq!(checked(&world, &plan).await.exit.code, 0);
    let folder = world.path("east/tables/countries");
    let log = folder.join("_delta_log");
    let commits = std::fs::read_dir(&log).unwrap().map(|it| it.unwrap().path());
    let newest = std::fs::read_to_string(commits.max().unwrap()).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if file.ends_with(".parquet") && !newest.contains(&format!("\"add\":{{\"path\":\"{file}")) {
            std::fs::remove_file(folder.join(file)).unwrap();
        }
    }
    let seen = checked(&world, &plan).await;
    let (code, standing, why) = told(&seen);
    assert_eq!((code, standing), (5, GroupStanding::Stale), "{why}");
    let begins = "v2 of main.shop.countries can no longer be read: data file part-";
    assert!(why.starts_with(begins), "{why}");
    assert!(!seen.applicable);
}

pub(crate) async fn another_cut_makes_it_stale_and_a_foreign_write_blocks_it(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(70);
    let plan = world.plan().await;
    assert_eq!(checked(&world, &plan).await.exit.code, 0);
    let replica = world.replica("main.shop.countries");
    replica.insert(&batch([99])).await.unwrap();
    let seen = checked(&world, &plan).await;
    let (code, standing, why) = told(&seen);
    assert_eq!((code, standing), (1, GroupStanding::Blocked));
    assert!(why.starts_with("replica_changed: main.shop.countries"), "{why}");
}

pub(crate) async fn a_region_that_is_away_is_no_verdict_on_the_plan(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(70);
    let plan = world.plan().await;
    for region in ["east", "west"] {
        std::fs::rename(world.path(region), world.path("gone")).unwrap();
        let seen = checked(&world, &plan).await;
        let applied = world.apply_plan(&plan).await;
        assert_eq!(applied.exit, seen.exit, "{applied:#?}");
        assert_eq!((seen.exit.code, seen.groups[0].standing), (8, GroupStanding::Blocked));
        assert!(seen.exit.name.starts_with(match region {
            "east" => "primary",
            _ => "secondary",
        }));
        std::fs::rename(world.path("gone"), world.path(region)).unwrap();
    }
}

pub(crate) async fn metadata_tables_that_cannot_be_changed_are_no_good_end(form: Form) {
    let mut world = World::of(form).await;
    world.add_group("pair", None, &["main.shop.a"]);
    world.make("main.shop.a", "tables/a").await;
    world.apply().await;
    world.groups().pop();
    let plan = world.plan().await;
    assert!(plan.applyable && plan.summary.groups_sync == 0);
    std::fs::rename(world.path("west"), world.path("gone")).unwrap();
    let seen = checked(&world, &plan).await;
    let record = world.apply_plan(&plan).await;
    assert_eq!((record.exit.code, &record.exit), (8, &seen.exit));
    let behind = |warning: &RunWarning| {
        warning.code == RunWarningCode::MetadataBehind && warning.side == Some(Role::Secondary)
    };
    assert!(record.warnings.iter().any(behind), "{:?}", record.warnings);
    std::fs::rename(world.path("gone"), world.path("west")).unwrap();
}

/// One rule for both: what planning finds of a table as the catalog lists it now is what stops a plan from before.
pub(crate) async fn what_planning_finds_of_a_listed_table_stops_a_plan_from_before(form: Form) {
    let changes: [fn(&mut serde_json::Value); 2] = [
        |entry| entry["table_type"] = "VIEW".into(),
        |entry| entry["row_filter"] = serde_json::json!({"function_name": "main.shop.mine"}),
    ];
    for change in changes {
        let mut world = World::of(form).await;
        let before = world.plan().await;
        assert_eq!(before.summary.groups_sync, 1);
        world.workspace().edit_table("main.shop.countries", change).unwrap();
        let found = world.plan().await.groups().next().unwrap().1.findings[0].clone();
        let (_, standing, why) = told(&checked(&world, &before).await);
        assert_eq!(standing, GroupStanding::Blocked, "{why}");
        let expected = format!("{}: main.shop.countries: {}", found.code.as_str(), found.message);
        assert!(why.starts_with(&expected), "{why}");
        let record = world.apply_plan(&before).await;
        match &record.groups[0].ending {
            Some(Ending::Failed(Failed::Found { code, .. })) => assert_eq!(*code, found.code),
            other => panic!("{other:?}"),
        }
    }
}
