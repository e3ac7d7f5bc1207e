//! Whether a stored plan can still be applied: each story moves one thing after the plan was made.

use chrono::Duration;
use drsync::apply::{GroupStanding, PlanCheck, check};
use drsync::plan::Plan;

use super::world::{Form, World, batch, start};

async fn checked(world: &World, plan: &Plan) -> PlanCheck {
    check(&plan.stored(), &[world.regions()], world.now).await
}

/// How the check ends, and how the only group stands.
fn told(check: &PlanCheck) -> (u8, GroupStanding, &str) {
    let group = &check.groups[0];
    let message = group.message.as_deref().unwrap_or_default();
    (check.exit.code, group.standing, message)
}

pub(crate) async fn a_plan_of_which_nothing_moved_can_be_applied_and_nothing_is_written(
    form: Form,
) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    let seen = checked(&world, &plan).await;
    assert_eq!(told(&seen), (0, GroupStanding::Applicable, ""));
    assert!(seen.applicable);
    assert!(
        !world.path("west/_drsync").exists(),
        "a check makes nothing"
    );
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
        assert_eq!((code, standing), (0, GroupStanding::Overtaken));
        assert!(why.starts_with("run run-1 brought it to cut 1 ("), "{why}");
        assert!(!seen.applicable);
    }
}

pub(crate) async fn an_expired_plan_says_so(form: Form) {
    let mut world = World::of(form).await;
    let plan = world.plan().await;
    world.later(60 * 24 * 4);
    let seen = checked(&world, &plan).await;
    assert_eq!(told(&seen), (5, GroupStanding::Expired, ""));
    assert!(!seen.applicable);
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
    assert!(
        why.contains("turned up with a time before the recovery point"),
        "{why}"
    );
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
    assert!(
        why.starts_with("replica_changed: main.shop.countries"),
        "{why}"
    );
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
        assert_eq!(
            (seen.exit.code, seen.groups[0].standing),
            (8, GroupStanding::Blocked)
        );
        assert!(seen.exit.name.starts_with(match region {
            "east" => "primary",
            _ => "secondary",
        }));
        std::fs::rename(world.path("gone"), world.path(region)).unwrap();
    }
}
