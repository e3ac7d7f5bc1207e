//! A group that people failed over by hand: nothing writes to its tables until they are back home.

use drsync::apply::{Ending, Event, EventKind, Failed, GroupRecord, RunRecord, TableOutcome};
use drsync::config::TableName;
use drsync::ledger::{Cut, CutKind, Cuts};
use drsync::observe::observe;
use drsync::plan::document::Selection;
use drsync::plan::{Decision, FindingCode, GroupPlan, Request, Role};
use drsync::region::{Appended, Location, Region, Regions};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use crate::below::files;
use crate::support::slept::Slept;
use crate::support::world::{Form, World, batch, run_id};

const SIDE: &str = "east-secondary";

fn newest(cuts: &Cuts) -> Cut {
    cuts.newest("reference").cloned().unwrap()
}

async fn log(location: &dyn Location) -> Cuts {
    location.ledger().await.unwrap().all_cuts()
}

/// The change of role that follows a cut.
fn role_after(last: &Cut, active: &str) -> Cut {
    Cut {
        cut_number: last.cut_number + 1,
        kind: Some(CutKind::Role),
        active: Some(active.to_owned()),
        epoch: last.epoch + 1,
        run_id: "by hand".to_owned(),
        committed_by: "anna@example.com".to_owned(),
        previous_sha256: Some(last.sha256()),
        ..last.clone()
    }
}

async fn change_roles(location: &dyn Location, active: &str) {
    let cut = role_after(&newest(&log(location).await), active);
    let done = location.append_cuts(&[cut]).await;
    assert!(matches!(done[..], [Ok(Appended::Committed)]), "{done:?}");
}

/// A world with a cut, and a commit that the next round would bring over.
async fn due(form: Form) -> World {
    let mut world = World::of(form).await;
    world.apply().await;
    world.later(12 * 60);
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(1);
    world
}

pub(crate) async fn nothing_is_written_to_a_group_that_was_failed_over_until_it_is_home(
    form: Form,
) {
    let mut world = due(form).await;
    change_roles(world.regions().secondary.location.as_ref(), SIDE).await;
    let before = files(&world.replica_folder("main.shop.countries"));
    for _ in 0..2 {
        let record = world.apply().await;
        assert_eq!((record.exit.code, record.exit.name.as_str()), (11, "failed over"));
        assert_eq!(files(&world.replica_folder("main.shop.countries")), before);
        world.later(60);
    }
    // Both copies tell of it, and so do the rows.
    let regions = world.regions();
    for region in [&regions.primary, &regions.secondary] {
        let cut = newest(&log(region.location.as_ref()).await);
        assert_eq!((cut.active.as_deref(), cut.epoch), (Some(SIDE), 1));
    }
    let row = world.row("east", "reference").await;
    assert!(
        row.message.unwrap().to_string().starts_with("failed_over: east-secondary is active since")
    );
    change_roles(world.regions().secondary.location.as_ref(), "east").await;
    // What the row says of the other side ended with that.
    let (_, status) = world.plan_and_status().await;
    let told = &status.workspaces[0].groups[0];
    assert_eq!((&told.failed_over, told.status, &told.message), (&None, None, &None));
    let record = world.apply().await;
    assert_eq!(record.exit.code, 0, "{record:#?}");
    assert_eq!(world.ids(&world.replica_folder("main.shop.countries")).await, [1, 2, 3, 4]);
    let cut = newest(&log(world.regions().secondary.location.as_ref()).await);
    assert_eq!((cut.cut_number, cut.epoch, cut.active.as_deref()), (4, 2, Some("east")));
    world.later(60);
    let plan = world.plan_of("reference").await;
    assert_eq!(plan.decision, Decision::Waiting, "{:?}", plan.findings);
}

pub(crate) async fn a_plan_that_was_stored_before_a_change_of_role_writes_nothing(form: Form) {
    let mut world = due(form).await;
    let plan = world.plan().await;
    change_roles(world.regions().secondary.location.as_ref(), SIDE).await;
    let before = files(&world.replica_folder("main.shop.countries"));
    let record = world.apply_plan(&plan).await;
    assert_eq!(record.exit.code, 11);
    let found = Failed::Found { code: FindingCode::FailedOver, table: None };
    assert_eq!(record.groups[0].ending, Some(Ending::Failed(found)));
    assert_eq!(files(&world.replica_folder("main.shop.countries")), before);
}

pub(crate) async fn a_row_that_says_of_roles_what_no_change_of_role_said_does_not_hold(form: Form) {
    for (epoch, active) in [(0, Some(SIDE)), (1, Some(SIDE)), (1, None), (3, Some("east"))] {
        let world = due(form).await;
        // Both copies have it, so that their newest cuts agree.
        let last = newest(&log(world.regions().secondary.location.as_ref()).await);
        let active = active.map(str::to_owned);
        let cut = Cut { kind: None, epoch, active, ..role_after(&last, SIDE) };
        let regions = world.regions();
        for region in [&regions.primary, &regions.secondary] {
            let done = region.location.append_cuts(std::slice::from_ref(&cut)).await;
            assert!(matches!(done[..], [Ok(Appended::Committed)]), "{done:?}");
        }
        let (plan, status) = world.plan_and_status().await;
        let (_, group) = plan.groups().find(|(_, group)| group.name == "reference").unwrap();
        let codes: Vec<FindingCode> = group.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [FindingCode::LedgerDiverged], "epoch {epoch}");
        let group = &status.workspaces[0].groups[0];
        assert_eq!(group.failed_over, None, "epoch {epoch}");
        let codes: Vec<FindingCode> = group.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [FindingCode::LedgerDiverged], "epoch {epoch}");
    }
}

pub(crate) async fn a_mark_that_no_record_knows_is_seen_by_the_first_plan_after_it(form: Form) {
    let mut world = World::of(form).await;
    world.apply().await;
    // Everything is as it should be, and a round later the group is not due.
    world.later(5);
    assert_eq!(world.plan_of("reference").await.decision, Decision::Waiting);
    // What followed a runbook, with the log of before: only the mark is left of it.
    let replica = world.replica("main.shop.countries");
    replica.set_properties(&[("drsync.epoch", "1")]).await.unwrap();
    let before = files(&world.replica_folder("main.shop.countries"));
    for _ in 0..3 {
        let (plan, status) = world.plan_and_status().await;
        let (_, group) = plan.groups().find(|(_, group)| group.name == "reference").unwrap();
        let told = &status.workspaces[0].groups[0];
        assert_eq!(told.name, "reference");
        for findings in [&group.findings, &told.findings] {
            let codes: Vec<FindingCode> = findings.iter().map(|finding| finding.code).collect();
            assert_eq!(codes, [FindingCode::LedgerBehind]);
        }
        assert_eq!(world.apply().await.exit.code, 1);
        world.later(13 * 60);
    }
    assert_eq!(files(&world.replica_folder("main.shop.countries")), before);
}

pub(crate) async fn a_change_of_role_that_does_not_hold_is_copied_nowhere(form: Form) {
    for odd in 0..4 {
        let mut world = due(form).await;
        let secondary = world.regions().secondary;
        let first = newest(&log(secondary.location.as_ref()).await);
        let role = role_after(&first, SIDE);
        let cut = match odd {
            0 => Cut { active: Some("north".to_owned()), ..role },
            1 => Cut { epoch: first.epoch, ..role },
            2 => Cut { active: None, ..role },
            _ => Cut { kind: Some(CutKind::Sync), active: None, ..role },
        };
        let done = secondary.location.append_cuts(&[cut]).await;
        assert!(matches!(done[..], [Ok(Appended::Committed)]), "{odd}: {done:?}");
        for _ in 0..2 {
            let record = world.apply().await;
            let Some(Ending::Blocked { findings }) = &record.groups[0].ending else {
                panic!("{odd}: {record:#?}");
            };
            let codes: Vec<FindingCode> = findings.iter().map(|found| found.code).collect();
            assert_eq!(codes, [FindingCode::LedgerDiverged], "{odd}");
            let primary = log(world.regions().primary.location.as_ref()).await;
            assert_eq!(newest(&primary), first, "{odd}");
            assert!(record.newest_roles.get("east").is_none_or(|told| told.is_empty()), "{odd}");
            world.later(60);
        }
    }
}

pub(crate) async fn a_side_that_is_active_under_a_name_of_before_stays_so(form: Form) {
    let mut world = due(form).await;
    change_roles(world.regions().secondary.location.as_ref(), SIDE).await;
    assert_eq!(world.apply().await.exit.code, 11);
    let url = world.west().map_or("west".to_owned(), |west| west.url.clone());
    let workspace = &mut world.config["workspaces"][0];
    workspace["secondary_workspace_instance_url"] = url.into();
    workspace["secondary_workspace_pat_key"] = "".into();
    workspace["secondary_workspace_name"] = "north".into();
    let before = files(&world.replica_folder("main.shop.countries"));
    for _ in 0..2 {
        world.later(60);
        let record = world.apply().await;
        assert_eq!(record.exit.code, 11, "{record:#?}");
        assert_eq!(record.newest_roles["east"]["reference"].active.as_deref(), Some(SIDE));
    }
    let selection = Selection { changed: true, ..Selection::default() };
    let changed = Request { selection, ..Request::default() };
    for plan in [world.plan().await, world.plan_with(changed).await] {
        let (_, group) = plan.groups().find(|(_, group)| group.name == "reference").unwrap();
        let [found] = &group.findings[..] else { panic!("{:?}", group.findings) };
        assert_eq!(found.code, FindingCode::FailedOver);
        let text = found.message.to_string();
        assert!(text.contains("no longer names east-secondary"), "{text}");
        let remedy = format!("{:?}", found.remedy);
        assert!(remedy.contains("name east-secondary again"), "{remedy}");
        assert!(group.failed_over.is_some());
    }
    assert_eq!(files(&world.replica_folder("main.shop.countries")), before);
    let workspace = &mut world.config["workspaces"][0];
    workspace["secondary_workspace_name"] = SIDE.into();
    assert_eq!(world.apply().await.exit.code, 11);
}

pub(crate) async fn a_record_keeps_a_change_of_role_that_a_log_put_back_has_lost(form: Form) {
    let mut world = due(form).await;
    let older = tempfile::tempdir().unwrap();
    let copy = |from: &Path, to: &Path| {
        assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    let regions = ["east", "west"];
    for region in regions {
        copy(&world.path(region).join("sync/_drsync"), &older.path().join(region));
    }
    change_roles(world.regions().secondary.location.as_ref(), SIDE).await;
    let record = world.apply().await;
    let told = &record.newest_roles["east"]["reference"];
    assert_eq!((told.cut, told.epoch, told.active.as_deref()), (2, 1, Some(SIDE)));
    for region in regions {
        for table in ["sync_cuts", "sync_metadata"] {
            let place = world.path(region).join("sync/_drsync").join(table);
            std::fs::remove_dir_all(&place).unwrap();
            copy(&older.path().join(region).join(table), &place);
        }
    }
    // Each record goes on telling it.
    for _ in 0..2 {
        world.later(60);
        let plan = world.plan_of("reference").await;
        assert_eq!(plan.decision, Decision::Blocked);
        let codes: Vec<FindingCode> = plan.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [FindingCode::LedgerBehind]);
        let record = world.apply().await;
        assert_eq!(record.newest_roles["east"]["reference"].epoch, 1, "{record:#?}");
    }
    assert_eq!(world.ids(&world.replica_folder("main.shop.countries")).await, [1, 2, 3]);
}

/// Applies what is due, and does something when the group was begun.
async fn apply_and(world: &mut World, then: impl Fn(&World) + Send + Sync) -> Ending {
    let plan = world.plan().await;
    let twin = world.twin();
    let watch = |event: &Event| {
        if let EventKind::GroupStarted { .. } = &event.what {
            tokio::task::block_in_place(|| then(&twin));
        }
    };
    let record = world.apply_watching(&plan, &watch).await;
    record.groups[0].ending.clone().unwrap()
}

pub(crate) async fn a_change_of_role_while_an_apply_works_keeps_its_cut_out(form: Form) {
    for primary in [true, false] {
        let mut world = due(form).await;
        let before = files(&world.replica_folder("main.shop.countries"));
        let ending = apply_and(&mut world, |world| {
            let regions = world.regions();
            let region = if primary { &regions.primary } else { &regions.secondary };
            let change = change_roles(region.location.as_ref(), SIDE);
            tokio::runtime::Handle::current().block_on(change);
        })
        .await;
        let found = Failed::Found { code: FindingCode::FailedOver, table: None };
        assert_eq!(ending, Ending::Failed(found), "primary: {primary}");
        let after = files(&world.replica_folder("main.shop.countries"));
        assert_eq!(before == after, !primary, "what the secondary's log says keeps clones out");
        let cuts = log(world.regions().secondary.location.as_ref()).await;
        assert_eq!(cuts.of("reference").filter(|cut| !cut.is_role()).count(), 1);
    }
}

/// A group of two tables that are due, which an apply clones one after the other; somebody follows a runbook when it begins with the
/// first.
async fn two_tables_with_a_runbook_between(
    form: Form,
    between: impl AsyncFn(&World, &TableName) + Send + Sync,
) -> (World, RunRecord, Vec<TableName>) {
    let mut world = World::of(form).await;
    world.make("main.shop.cities", "tables/cities").await;
    world.groups()[0]["tables"] = json!(["main.shop.countries", "main.shop.cities"]);
    world.apply().await;
    world.later(12 * 60);
    world.countries().insert(&batch([4])).await.unwrap();
    world.source_at("tables/cities").insert(&batch([4])).await.unwrap();
    world.later(1);
    world.parallelism = 1;
    let plan = world.plan().await;
    let twin = world.twin();
    let started = Mutex::new(Vec::new());
    let watch = |event: &Event| {
        let EventKind::TableStarted { table, .. } = &event.what else { return };
        let table = TableName::parse(table).unwrap();
        started.lock().unwrap().push(table.clone());
        if started.lock().unwrap().len() == 1 {
            tokio::task::block_in_place(|| {
                let handle = tokio::runtime::Handle::current();
                handle.block_on(async {
                    change_roles(twin.regions().secondary.location.as_ref(), SIDE).await;
                    between(&twin, &table).await;
                });
            });
        }
    };
    let record = world.apply_watching(&plan, &watch).await;
    let started = started.into_inner().unwrap();
    (world, record, started)
}

fn is_failed_over(record: &RunRecord) -> &GroupRecord {
    assert_eq!((record.exit.code, record.exit.name.as_str()), (11, "failed over"), "{record:#?}");
    let group = &record.groups[0];
    let found = Failed::Found { code: FindingCode::FailedOver, table: None };
    assert_eq!(group.ending, Some(Ending::Failed(found)));
    group
}

pub(crate) async fn an_apply_at_work_starts_no_clone_after_a_change_of_role(form: Form) {
    let (world, record, started) =
        two_tables_with_a_runbook_between(form, async |_: &World, _: &TableName| {}).await;
    let group = is_failed_over(&record);
    let [first] = &started[..] else { panic!("{started:?}") };
    for table in &group.tables {
        let (outcome, ids) = if table.table == *first {
            (TableOutcome::Cloned, vec![1, 2, 3, 4])
        } else {
            (TableOutcome::NotStarted, vec![1, 2, 3])
        };
        assert_eq!(table.outcome, outcome, "{}", table.table);
        assert_eq!(world.ids(&world.replica_folder(&table.table.to_string())).await, ids);
    }
    // Who looks at the runbook's check has to know what landed after the fence.
    let message = group.message.as_ref().unwrap().to_string();
    let landed = format!("sent before it saw that: {first} is v");
    assert!(message.contains(&landed), "{message}");
}

pub(crate) async fn a_clone_that_fails_because_a_runbook_was_followed_is_told_as_that(form: Form) {
    let mark = async |world: &World, table: &TableName| {
        let replica = world.replica(&table.to_string());
        replica.set_properties(&[("drsync.epoch", "1")]).await.unwrap();
    };
    let (world, record, started) = two_tables_with_a_runbook_between(form, mark).await;
    let group = is_failed_over(&record);
    let [first] = &started[..] else { panic!("{started:?}") };
    let message = group.message.as_ref().unwrap().to_string();
    assert!(message.starts_with("failed_over: east-secondary is active since"), "{message}");
    assert!(message.contains(&format!("{first} failed (")), "{message}");
    assert_eq!(world.ids(&world.replica_folder(&first.to_string())).await, [1, 2, 3]);
}

pub(crate) async fn no_cut_is_appended_where_the_primary_refuses_to_tell_its_log(form: Form) {
    let mut world = due(form).await;
    let folder = world.path("east").join("sync/_drsync/sync_cuts/_delta_log");
    let ending = apply_and(&mut world, |_| {
        let commits = files(&folder).into_iter().filter_map(|(path, _)| {
            path.file_name()?.to_str()?.strip_suffix(".json")?.parse::<u64>().ok()
        });
        let next = commits.max().unwrap() + 1;
        std::fs::write(folder.join(format!("{next:020}.json")), "no JSON").unwrap();
    })
    .await;
    assert_eq!(ending, Ending::Failed(Failed::LedgerUnusable { side: Role::Primary }));
    let cuts = log(world.regions().secondary.location.as_ref()).await;
    assert_eq!(newest(&cuts).cut_number, 1);
}

/// The plan of a runner that had read the log when it was stopped, and went on when somebody else had done something.
async fn planned_after_a_sleep(
    world: &World,
    meanwhile: impl Future<Output = ()> + Send + 'static,
) -> GroupPlan {
    let Regions { primary, secondary } = world.regions();
    let location = Slept::through(secondary.location, meanwhile);
    let regions = Regions { primary, secondary: Region { location, ..secondary } };
    let request = Request { plan_id: run_id(7), ..Request::default() };
    let observed = observe(&world.configuration(), &[regions], &request, world.now, true).await;
    let plan = drsync::plan::plan(&observed, &request);
    plan.groups().find(|(_, group)| group.name == "reference").unwrap().1.clone()
}

pub(crate) async fn who_slept_between_the_log_and_the_replicas_reads_the_log_again(form: Form) {
    // Whoever follows a runbook marks the replicas; one that was stopped at work was brought back before that.
    for marked in [true, false] {
        let mut world = due(form).await;
        if !marked {
            world.apply().await;
            world.later(12 * 60);
            world.countries().insert(&batch([5])).await.unwrap();
            world.later(1);
        }
        let secondary = world.regions().secondary;
        let replica = world.replica("main.shop.countries");
        let plan = planned_after_a_sleep(&world, async move {
            change_roles(secondary.location.as_ref(), SIDE).await;
            if marked {
                replica.set_properties(&[("drsync.epoch", "1")]).await.unwrap();
            } else {
                replica.restore(0).await.unwrap();
            }
        })
        .await;
        let codes: Vec<FindingCode> = plan.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [FindingCode::FailedOver], "marked: {marked}");
        let record = world.apply().await;
        assert_eq!(record.exit.code, 11, "{record:#?}");
    }
}

pub(crate) async fn who_slept_while_another_apply_committed_reads_the_log_again(form: Form) {
    let mut world = due(form).await;
    let mut twin = world.twin();
    let plan = planned_after_a_sleep(&world, async move {
        let handle = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| _ = handle.block_on(twin.apply()));
    })
    .await;
    assert_eq!(plan.findings, []);
    assert_eq!(plan.last_cut.map(|cut| cut.number), Some(2));
    assert_ne!(plan.decision, Decision::Sync);
    world.later(1);
    assert!(!world.plan().await.applyable);
}
