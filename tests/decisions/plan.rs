//! What a plan decides: a world in which everything agrees, and one thing changed at a time.

mod world;

mod damage;
mod findings;

mod accepted;

mod changes;
mod clocks;

mod jobs;
mod lost;
mod moves;

mod protection;
mod questions;
mod ready;
mod roles;
mod rows;

mod spelling;
mod stored;

mod unseen;

/// A plan on a screen.
fn screen_of(plan: &drsync::plan::Plan) -> String {
    use drsync::render::Style;
    use drsync::render::writers::{Form, write};
    let page = drsync::render::sections::plan::screen(plan, false);
    write(&page, Form::Text(Style::default()))
}

mod decisions {
    use drsync::ledger::Consistency;
    use drsync::plan::{Action, Decision, LedgerAction, ReasonCode, TriggerKind, WarningCode};
    use drsync::region::{Mark, ReplicaCommit, RunState, Size};

    use super::world::{World, at, replica_commit, table};

    #[test]
    fn where_everything_agrees_there_is_nothing_to_do() {
        let plan = World::new().plan();
        assert!(!plan.applyable);
        assert!(plan.complete);
        assert_eq!(plan.summary.groups_waiting, 2);
        assert!(
            plan.workspaces[0].metadata.iter().all(|action| action.action == LedgerAction::None)
        );
        assert!(plan.workspaces[0].rows.is_empty());
        let reasons: Vec<_> = plan.groups().map(|(_, group)| group.reason.code).collect();
        assert_eq!(reasons, [ReasonCode::NotDue, ReasonCode::NotDue]);
    }

    #[test]
    fn the_same_input_gives_the_same_plan() {
        assert_eq!(World::new().plan(), World::new().plan());
    }

    #[test]
    fn commits_after_a_runs_end_stay_out_to_the_millisecond() {
        let mut world = World::new();
        world.commit("main.shop.orders", 5, "2026-11-22T10:12:43.000Z", "WRITE");
        world.commit("main.shop.orders", 6, "2026-11-22T10:12:44.250Z", "WRITE");
        world.commit("main.shop.orders", 7, "2026-11-22T10:12:44.251Z", "WRITE");
        world.pinned_at("main.shop.orders", 6);
        world.run(
            89,
            "2026-11-22T10:00:00Z",
            Some("2026-11-22T10:12:44.250Z"),
            RunState::Succeeded,
        );
        let plan = world.plan_of("orders");
        assert_eq!(plan.decision, Decision::Sync);
        assert_eq!(plan.reason.code, ReasonCode::WorkflowSucceeded);
        assert_eq!(plan.recovery_point, Some(at("2026-11-22T10:12:44.250Z")));
        assert_eq!(plan.consistency, Some(Consistency::WorkflowConsistent));
        let [orders, lines] = plan.steps.as_slice() else { panic!("two steps") };
        assert_eq!(
            (orders.action, orders.source.version, orders.source.head_version),
            (Action::Update, 6, 7)
        );
        assert_eq!(lines.action, Action::NoOp);
        let certificate = plan.certificate.unwrap();
        assert!(certificate.newest_in <= at("2026-11-22T10:12:44.250Z"));
        assert_eq!(certificate.oldest_out, Some(at("2026-11-22T10:12:44.251Z")));
        assert_eq!(plan.follows_cut, Some(41));
    }

    #[test]
    fn files_of_a_version_whose_service_does_not_tell_them_are_those_that_its_clone_reported() {
        let mut world = World::new();
        world.commit("main.shop.orders", 5, "2026-11-22T10:12:43Z", "WRITE");
        world.pinned_at("main.shop.orders", 5);
        world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:12:44Z"), RunState::Succeeded);
        for table in ["main.shop.orders", "main.shop.lines"] {
            world.pin(table).size = None;
        }
        let files = |world: &World| -> Vec<Option<u64>> {
            let steps = world.plan_of("orders").steps;
            steps.iter().map(|step| step.source.files).collect()
        };
        // The last cut has figures of the version that stays, and nobody has any of the other.
        assert_eq!(files(&world), [None, Some(3)]);
        // An apply that was interrupted has cloned it.
        let mark =
            Mark { source_version: 5, ..world.replica("main.shop.orders").mark.clone().unwrap() };
        let replica = world.replica("main.shop.orders");
        replica.version = 3;
        replica.mark = Some(mark.clone());
        replica.commits = vec![ReplicaCommit {
            source_version: Some(5),
            source_size: Some(Size { files: 7, bytes: 700 }),
            mark: Some(mark),
            ..replica_commit(3, "CLONE")
        }];
        assert_eq!(files(&world), [Some(7), Some(3)]);
    }

    #[test]
    fn no_recovery_point_is_later_than_the_services_own_clock() {
        let mut world = World::new();
        world.observed.now = at("2026-11-22T12:30:00Z");
        world.commit("main.shop.countries", 5, "2026-11-22T12:00:30Z", "WRITE");
        world.pinned_at("main.shop.countries", 5);
        let own = world.plan_of("reference");
        assert_eq!(own.recovery_point, Some(at("2026-11-22T12:30:00Z")));
        // The service's clock is behind: between its now and ours another commit may still come.
        let clock = |world: &mut World, text: &str| {
            let presence = world.workspace().primary.presence.as_mut().unwrap();
            presence.clock = Some(at(text));
        };
        clock(&mut world, "2026-11-22T12:10:00Z");
        let plan = world.plan_of("reference");
        assert_eq!(plan.recovery_point, Some(at("2026-11-22T12:10:00Z")));
        // Ahead of ours, it changes nothing.
        clock(&mut world, "2026-11-22T12:50:00Z");
        assert_eq!(world.plan_of("reference").recovery_point, own.recovery_point);
        // The newest commit is after its now.
        clock(&mut world, "2026-11-22T12:00:29Z");
        assert_eq!(world.plan_of("reference").decision, Decision::UpToDate);
    }

    #[test]
    fn a_clock_that_went_back_a_little_brings_no_group_behind_its_cut() {
        let mut world = World::new();
        world.observed.now = at("2026-11-22T12:30:00Z");
        let commit = "2026-11-22T05:30:00Z";
        world.commit("main.shop.countries", 5, commit, "WRITE");
        world.pinned_at("main.shop.countries", 5);
        world.request.take_as_due.push("reference".to_owned());
        let presence = world.workspace().primary.presence.as_mut().unwrap();
        presence.clock = Some(at("2026-11-22T05:59:30Z"));
        assert_ne!(world.plan_of("reference").decision, Decision::Sync);
    }

    #[test]
    fn a_success_that_changed_nothing_leaves_the_group_up_to_date() {
        let mut world = World::new();
        world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:12:44Z"), RunState::Succeeded);
        let plan = world.plan_of("orders");
        assert_eq!((plan.decision, plan.reason.code), (Decision::UpToDate, ReasonCode::NothingNew));
    }

    #[test]
    fn a_success_that_changed_nothing_while_the_schedule_is_due_brings_what_others_wrote_since() {
        let mut world = World::new();
        world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:12:44Z"), RunState::Succeeded);
        world.commit("main.shop.orders", 5, "2026-11-22T12:00:00Z", "WRITE");
        world.pinned_at("main.shop.orders", 5);
        world.observed.now = at("2026-11-22T12:30:00Z");
        let plan = world.plan_of("orders");
        assert_eq!((plan.decision, plan.reason.code), (Decision::Sync, ReasonCode::ScheduleDue));
        assert_eq!(plan.consistency, Some(Consistency::PointInTime));
        assert_eq!(plan.recovery_point, Some(at("2026-11-22T12:30:00Z")));
    }

    #[test]
    fn maintenance_in_the_primary_is_no_reason_to_sync_and_is_pinned_when_there_is_one() {
        let mut world = World::new();
        world.commit("main.shop.countries", 5, "2026-11-22T11:30:00Z", "OPTIMIZE");
        world.observed.now = at("2026-11-22T12:30:00Z");
        let plan = world.plan_of("reference");
        assert_eq!((plan.decision, plan.lag_seconds), (Decision::UpToDate, Some(0)));

        world.commit("main.shop.countries", 6, "2026-11-22T11:40:00Z", "WRITE");
        world.commit("main.shop.countries", 7, "2026-11-22T11:50:00Z", "OPTIMIZE");
        world.pinned_at("main.shop.countries", 7);
        let plan = world.plan_of("reference");
        assert_eq!((plan.decision, plan.steps[0].source.version), (Decision::Sync, 7));
        assert_eq!(plan.lag_seconds, Some(50 * 60));
    }

    #[test]
    fn a_schedule_that_fired_is_due_and_one_that_did_not_is_not() {
        let mut world = World::new();
        world.commit("main.shop.countries", 5, "2026-11-22T10:30:00Z", "WRITE");
        world.pinned_at("main.shop.countries", 5);
        let plan = world.plan_of("reference");
        assert_eq!((plan.decision, plan.reason.code), (Decision::Waiting, ReasonCode::NotDue));
        assert_eq!(plan.reason.message, "next due 2026-11-22T12:00:00.000Z");

        world.observed.now = at("2026-11-22T12:00:00Z");
        let plan = world.plan_of("reference");
        assert_eq!(plan.trigger.unwrap().kind, TriggerKind::Schedule);
    }

    #[test]
    fn a_failed_newest_run_after_a_success_leaves_the_success_as_the_point() {
        let mut world = World::new();
        world.commit("main.shop.orders", 5, "2026-11-22T10:05:00Z", "WRITE");
        world.pinned_at("main.shop.orders", 5);
        world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:10:00Z"), RunState::Succeeded);
        for n in 0..90 {
            let start = at("2026-11-22T10:11:00Z") + chrono::Duration::seconds(20 * n);
            let end = start + chrono::Duration::seconds(10);
            world.run(90 + n, &start.to_rfc3339(), Some(&end.to_rfc3339()), RunState::Failed);
        }
        let plan = world.plan_of("orders");
        assert_eq!(plan.recovery_point, Some(at("2026-11-22T10:10:00Z")));
        assert_eq!(plan.trigger.unwrap().run_id, Some(89));
    }

    #[test]
    fn a_failed_run_without_a_success_since_the_cut_makes_the_group_wait() {
        let mut world = World::new();
        world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:10:00Z"), RunState::Failed);
        let plan = world.plan_of("orders");
        assert_eq!(
            (plan.decision, plan.reason.code),
            (Decision::Waiting, ReasonCode::WorkflowFailed)
        );
    }

    #[test]
    fn a_running_workflow_makes_the_group_wait() {
        let mut world = World::new();
        world.run(89, "2026-11-22T10:00:00Z", None, RunState::Active);
        let plan = world.plan_of("orders");
        assert_eq!(
            (plan.decision, plan.reason.code),
            (Decision::Waiting, ReasonCode::WorkflowActive)
        );
    }

    #[test]
    fn a_run_that_ended_inside_another_is_no_point() {
        let mut world = World::new();
        world.commit("main.shop.orders", 5, "2026-11-22T10:05:00Z", "WRITE");
        world.run(90, "2026-11-22T10:01:00Z", None, RunState::Active);
        world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:10:00Z"), RunState::Succeeded);
        let plan = world.plan_of("orders");
        assert_eq!(
            (plan.decision, plan.reason.code),
            (Decision::Waiting, ReasonCode::WorkflowRunsOverlap)
        );
    }

    #[test]
    fn a_run_that_never_began_counts_for_nothing() {
        let mut world = World::new();
        world.commit("main.shop.orders", 5, "2026-11-22T10:05:00Z", "WRITE");
        world.pinned_at("main.shop.orders", 5);
        world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:10:00Z"), RunState::Succeeded);
        world.run(90, "2026-11-22T10:09:00Z", Some("2026-11-22T10:20:00Z"), RunState::NotBegun);
        assert_eq!(world.plan_of("orders").decision, Decision::Sync);
    }

    #[test]
    fn a_group_that_was_never_synchronized_is_due_at_once() {
        let mut world = World::with(|config| {
            let groups = config["workspaces"][0]["sync_groups"].as_array_mut().unwrap();
            groups.push(
                serde_json::json!({"group_name": "new", "group_owner_email": "c@example.com",
                "tables": ["main.shop.new"]}),
            );
        });
        world.table("main.shop.new").replica = Some(Ok(None));
        let plan = world.plan_of("new");
        assert_eq!((plan.decision, plan.reason.code), (Decision::Sync, ReasonCode::FirstSync));
        assert_eq!((plan.steps[0].action, plan.follows_cut), (Action::Create, None));
        assert!(plan.steps[0].statement.as_ref().unwrap().starts_with(
            "CREATE OR REPLACE TABLE delta.`/world/west/sync/main/shop/new` DEEP CLONE `main`.`shop`.`new` VERSION AS OF 4 TBLPROPERTIES ("
        ));
        assert_eq!(world.plan().workspaces[0].metadata[0].rows_to_add, ["new"]);
    }

    #[test]
    fn a_renamed_group_copies_nothing_twice() {
        let mut world = World::with(|config| {
            config["workspaces"][0]["sync_groups"][1]["group_name"] = "countries".into();
        });
        world.workspace().primary.ledger = World::new().workspace().primary.ledger.clone();
        world.workspace().secondary.ledger = world.workspace().primary.ledger.clone();
        world.merge();
        let plan = world.plan();
        let group =
            plan.workspaces[0].groups.iter().find(|group| group.name == "countries").unwrap();
        assert_eq!((group.decision, group.steps[0].action), (Decision::Sync, Action::NoOp));
        assert_eq!(plan.workspaces[0].metadata[0].rows_to_retire, ["reference"]);
        assert_eq!(plan.summary.copy_bytes, 0);
    }

    #[test]
    fn one_typo_in_a_group_blocks_it_and_retires_nothing() {
        let mut world = World::with(|config| {
            let group = config["workspaces"][0]["sync_groups"][1].as_object_mut().unwrap();
            let name = group.remove("group_name").unwrap();
            group.insert("group_nmae".to_owned(), name);
        });
        world.workspace().primary.ledger = World::new().workspace().primary.ledger.clone();
        world.workspace().secondary.ledger = world.workspace().primary.ledger.clone();
        world.merge();
        let plan = world.plan();
        assert!(plan.workspaces[0].metadata.iter().all(|action| action.rows_to_retire.is_empty()));
    }

    #[test]
    fn nothing_is_synchronized_twice_within_the_minimum_interval() {
        let mut world = World::new();
        world.commit("main.shop.orders", 5, "2026-11-22T09:50:00Z", "WRITE");
        world.pinned_at("main.shop.orders", 5);
        world.run(89, "2026-11-22T09:45:00Z", Some("2026-11-22T09:55:00Z"), RunState::Succeeded);
        world.observed.now = at("2026-11-22T10:00:00Z");
        let plan = world.plan_of("orders");
        assert_eq!((plan.decision, plan.reason.code), (Decision::Waiting, ReasonCode::MinInterval));
        world.observed.now = at("2026-11-22T10:12:30Z");
        assert_eq!(world.plan_of("orders").decision, Decision::Sync);
    }

    #[test]
    fn a_lag_beyond_the_limit_gives_a_crash_consistent_cut() {
        let mut world = World::new();
        world.commit("main.shop.orders", 5, "2026-11-22T10:00:00Z", "WRITE");
        world.pinned_at("main.shop.orders", 5);
        world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:10:00Z"), RunState::Failed);
        world.observed.now = at("2026-11-23T10:30:00Z");
        let plan = world.plan_of("orders");
        assert_eq!(
            (plan.decision, plan.consistency),
            (Decision::Sync, Some(Consistency::CrashConsistent))
        );
        assert_eq!(plan.trigger.unwrap().kind, TriggerKind::MaxLag);
    }

    #[test]
    fn the_last_cut_that_a_finished_run_made_stays_named() {
        let mut world = World::new();
        let workspace = world.workspace();
        for region in [&mut workspace.primary, &mut workspace.secondary] {
            let cuts = region.ledger.as_mut().unwrap().cuts.as_mut().unwrap();
            let newest = cuts.cuts.iter_mut().rfind(|cut| cut.group_name == "orders");
            newest.unwrap().consistency = Consistency::CrashConsistent;
        }
        world.merge();
        world.commit("main.shop.orders", 5, "2026-11-22T10:00:00Z", "WRITE");
        world.pinned_at("main.shop.orders", 5);
        world.observed.now = at("2026-11-23T10:30:00Z");
        let (started, ended) = ("2026-11-22T10:00:00Z", "2026-11-22T10:10:00Z");
        world.run(89, started, Some(ended), RunState::Failed);
        let warnings = world.plan().warnings;
        let crash = warnings.iter().find(|warning| warning.code == WarningCode::CrashConsistent);
        let said = crash.expect("the plan warns").message.to_string();
        assert!(said.contains("cut 40 ("), "{said}");
    }

    #[test]
    fn a_paused_group_waits_and_says_why() {
        let world = World::with(|config| {
            config["workspaces"][0]["sync_groups"][0]["paused"] = "migration".into()
        });
        let plan = world.plan_of("orders");
        assert_eq!(
            (plan.decision, plan.reason.message.to_string().as_str()),
            (Decision::Waiting, "paused: migration")
        );
    }

    #[test]
    fn a_workspace_pauses_all_its_groups_and_a_pause_ends_by_itself() {
        let paused = |until: &str| {
            World::with(|config| {
                config["workspaces"][0]["paused"] = "the move".into();
                config["workspaces"][0]["paused_until"] = until.into();
                config["workspaces"][0]["sync_groups"][1]["paused"] = "its own".into();
            })
        };
        let said = |world: &World, group: &str| world.plan_of(group).reason.message.to_string();
        let world = paused("2026-11-22T11:00:01Z");
        assert_eq!(said(&world, "orders"), "paused until 2026-11-22T11:00:01.000Z: the move");
        assert_eq!(said(&world, "reference"), "paused: its own", "its own has no end");
        // At the moment itself it is over.
        let world = paused("2026-11-22T11:00:00Z");
        assert_ne!(world.plan_of("orders").reason.code, ReasonCode::Paused);
        assert_eq!(said(&world, "reference"), "paused: its own");
        let day = paused("2026-11-23");
        assert_eq!(said(&day, "orders"), "paused until 2026-11-23T00:00:00.000Z: the move");
    }

    #[test]
    fn a_table_new_in_its_group_is_repaired_at_the_last_cuts_point() {
        let mut world = World::with(|config| {
            let tables =
                config["workspaces"][0]["sync_groups"][1]["tables"].as_array_mut().unwrap();
            tables.push("main.shop.currencies".into());
        });
        world.table("main.shop.currencies").replica = Some(Ok(None));
        let plan = world.plan_of("reference");
        assert_eq!((plan.decision, plan.reason.code), (Decision::Sync, ReasonCode::ReplicaDiffers));
        assert_eq!(plan.recovery_point, Some(at("2026-11-22T06:00:00Z")));
        let actions: Vec<_> =
            plan.steps.iter().map(|step| (step.table.clone(), step.action)).collect();
        assert_eq!(
            actions,
            [
                (table("main.shop.countries"), Action::NoOp),
                (table("main.shop.currencies"), Action::Create)
            ]
        );
    }

    #[test]
    fn a_missing_replica_is_repaired() {
        let mut world = World::new();
        world.table("main.shop.countries").replica = Some(Ok(None));
        let plan = world.plan_of("reference");
        assert_eq!(plan.trigger.as_ref().unwrap().kind, TriggerKind::Repair);
        assert_eq!(plan.steps[0].action, Action::Create);
    }

    #[test]
    fn the_effect_stays_the_same_until_a_version_changes() {
        let mut world = World::new();
        world.observed.now = at("2026-11-22T12:10:00Z");
        world.commit("main.shop.countries", 5, "2026-11-22T11:30:00Z", "WRITE");
        world.pinned_at("main.shop.countries", 5);
        let before = world.plan();
        world.observed.now = at("2026-11-22T13:10:00Z");
        world.request.plan_id = "P2".to_owned();
        let after = world.plan();
        assert_eq!(before.effect_sha256, after.effect_sha256);
        assert_ne!(before.document_sha256, after.document_sha256);
        world.commit("main.shop.countries", 6, "2026-11-22T13:00:00Z", "WRITE");
        world.pinned_at("main.shop.countries", 6);
        assert_ne!(world.plan().effect_sha256, after.effect_sha256);
    }
}
