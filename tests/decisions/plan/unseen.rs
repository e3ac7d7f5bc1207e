//! What could not be seen, or is gone: told as that, and looked for where something else is missing.

use drsync::plan::questions::Looks;
use drsync::plan::status::{OffCut, Rpo, status};
use drsync::plan::{Action, Decision, Deed, FindingCode, Refused, Request, WarningCode};
use drsync::region::{
    Grant, LedgerCopy, LedgerTable, RegionError, RegionErrorKind, Repair, RunState, WriteAccess,
};

use super::findings::{blocking, due, refusal};
use super::world::{COUNTRIES, World, at, replica_commit};

#[test]
fn a_region_that_stops_answering_is_told_as_that_and_nothing_is_said_to_be_missing() {
    use FindingCode::{PrimaryNotAvailable, SecondaryNotAvailable};
    use RegionErrorKind::Unavailable;
    let mut world = World::new();
    world.group("orders").workflows[0] = Err(refusal(Unavailable));
    assert_eq!(blocking(&world, "orders"), [PrimaryNotAvailable]);
    assert_eq!(blocking(&world, "reference"), []);

    let mut world = due();
    world.table(COUNTRIES).listed = Err(refusal(Unavailable));
    assert_eq!(blocking(&world, "reference"), [PrimaryNotAvailable]);

    let mut world = due();
    world.table(COUNTRIES).source = Some(Err(refusal(Unavailable)));
    world.table(COUNTRIES).pin = None;
    assert_eq!(blocking(&world, "reference"), [PrimaryNotAvailable]);

    let mut world = due();
    world.table(COUNTRIES).pin = Some(Err(refusal(Unavailable)));
    let finding = world.plan_of("reference").findings[0].clone();
    assert_eq!(blocking(&world, "reference"), [PrimaryNotAvailable]);
    assert_eq!(finding.message, "primary region not available: look: the region's words");

    let mut world = due();
    world.table(COUNTRIES).source = Some(Err(refusal(RegionErrorKind::SignedOut)));
    world.table(COUNTRIES).pin = None;
    let finding = world.plan_of("reference").findings[0].clone();
    assert_eq!(finding.code, FindingCode::PrimaryRefused);
    assert_eq!(
        finding.remedy.map(|it| it.to_string()).as_deref(),
        Some("sign in with a credential that is valid, then plan again")
    );

    let mut world = due();
    world.table(COUNTRIES).replica = Some(Err(refusal(Unavailable)));
    assert_eq!(blocking(&world, "reference"), [SecondaryNotAvailable]);
}

#[test]
fn a_region_that_answers_with_a_refusal_is_not_away() {
    use FindingCode::{PrimaryNotAvailable, PrimaryRefused};
    use RegionErrorKind::{Conflict, Denied, NotFound, Other, SignedOut, Unavailable, Unsupported};
    for (kind, code, refused) in [
        (Unavailable, PrimaryNotAvailable, None),
        (Denied, PrimaryRefused, Some(Refused::Denied)),
        (SignedOut, PrimaryRefused, Some(Refused::Denied)),
        (NotFound, PrimaryRefused, Some(Refused::Unreadable)),
        (Conflict, PrimaryRefused, Some(Refused::Unreadable)),
        (Unsupported, PrimaryRefused, Some(Refused::Unreadable)),
        (Other, PrimaryRefused, Some(Refused::Unreadable)),
    ] {
        let mut world = due();
        world.workspace().primary.presence = Err(refusal(kind));
        world.workspace().primary.ledger = Err(refusal(kind));
        let plan = world.plan();
        assert!(!plan.applyable && plan.workspaces[0].rows.is_empty());
        let seen = &plan.workspaces[0].observed.primary;
        assert_eq!((seen.reachable, seen.refused), (false, refused), "{kind:?}");
        assert_eq!(seen.is_away(), kind == Unavailable);
        let told = status(&world.observed, &plan).workspaces[0].regions.clone();
        assert_eq!(told.primary.refused, refused);
        let [finding] = &world.plan_of("reference").findings[..] else {
            panic!("one finding, whatever was due")
        };
        assert_eq!(finding.code, code);
        let words = match refused {
            None => "primary region not available: the region's words",
            Some(_) => "primary region cannot be read: the region's words",
        };
        assert_eq!(finding.message, words);
    }
}

#[test]
fn of_a_secondary_that_refuses_the_row_says_what_it_answered() {
    let mut world = due();
    world.workspace().secondary.presence = Err(refusal(RegionErrorKind::Denied));
    world.workspace().secondary.ledger = Err(refusal(RegionErrorKind::Denied));
    world.table(COUNTRIES).replica = None;
    assert_eq!(blocking(&world, "reference"), [FindingCode::SecondaryRefused]);
    let plan = world.plan();
    let row = &plan.workspaces[0].rows[0].after;
    assert_eq!(
        row.message,
        Some(
            "secondary_refused: secondary region cannot be read: the region's words; \
             give whoever asks the right that is missing, then plan again"
                .into()
        )
    );
    // It is in the effect, because it decides how an apply ends; a plan that does not tell it keeps its own.
    let mut away = plan.clone();
    away.workspaces[0].observed.secondary.refused = None;
    assert_ne!(away.sealed().effect_sha256, plan.effect_sha256);
}

#[test]
fn what_was_not_answered_is_counted_and_told_once() {
    let mut world = World::new();
    let group = world.group("orders");
    group.workflows[0] = Err(refusal(RegionErrorKind::Unavailable));
    for table in &mut group.tables {
        table.listed = Err(refusal(RegionErrorKind::Unavailable));
    }
    let questions = group.tables.len();
    let finding = world.plan_of("orders").findings[0].clone();
    let more = match questions {
        1 => "1 more question".to_owned(),
        more => format!("{more} more questions"),
    };
    assert_eq!(
        finding.message.to_string(),
        format!("primary region not available: look: the region's words, and {more}")
    );
}

#[test]
fn a_workflow_that_cannot_be_looked_up_is_not_a_misspelled_one() {
    let mut world = World::new();
    world.group("orders").workflows[0] = Err(refusal(RegionErrorKind::Denied));
    let finding = world.plan_of("orders").findings[0].clone();
    assert_eq!(
        finding.remedy.map(|it| it.to_string()).as_deref(),
        Some("let the principal see the job (CAN VIEW on Databricks), then plan again")
    );
}

/// The groups whose histories and replicas a plan looks at.
fn looked_at(world: &World) -> Vec<String> {
    let workspace = &world.observed.workspaces[0];
    let looks = Looks::of(workspace, &Request::default(), world.observed.now);
    looks.wholly().map(str::to_owned).collect()
}

#[test]
fn where_a_region_lost_its_metadata_tables_every_group_is_looked_at() {
    let mut world = World::new();
    assert_eq!(looked_at(&world), [""; 0]);
    let lost: [fn(&mut LedgerCopy); 2] = [|copy| copy.metadata = None, |copy| copy.cuts = None];
    for lose in lost {
        let mut world = World::new();
        lose(world.workspace().secondary.ledger.as_mut().unwrap());
        world.merge();
        assert_eq!(looked_at(&world), ["orders", "reference"]);
    }
    // Before the first cut there is nothing to lose.
    for region in ["primary", "secondary"] {
        let workspace = world.workspace();
        let region = match region {
            "primary" => &mut workspace.primary,
            _ => &mut workspace.secondary,
        };
        region.ledger = Ok(LedgerCopy::default());
    }
    world.merge();
    assert_eq!(looked_at(&world), ["orders", "reference"], "by first sync");
    world.group("orders").workflows[0] = Err(refusal(RegionErrorKind::NotFound));
    assert_eq!(looked_at(&world), ["reference"]);
}

#[test]
fn a_group_whose_replicas_are_gone_does_not_meet_its_objective() {
    let mut world = World::new();
    let rpo = |world: &World| status(&world.observed, &world.plan()).workspaces[0].groups[1].rpo;
    assert_eq!(rpo(&world), Rpo::Met);
    world.table(COUNTRIES).replica = Some(Ok(None));
    assert_eq!(rpo(&world), Rpo::Unknown);
    world.commit(COUNTRIES, 5, "2026-11-01T00:00:00Z", "WRITE");
    assert_eq!(rpo(&world), Rpo::Breached, "a breach is one all the same");
}

#[test]
fn a_metadata_table_that_cannot_be_read_is_named_with_its_place_and_what_repairs_it() {
    let mut world = due();
    let corrupt = RegionError {
        ledger_table: Some(LedgerTable::Metadata),
        ..RegionError::new(
            RegionErrorKind::Other,
            "look into what is there",
            "00000000000000000001.json is corrupt: line 1",
        )
    };
    let place = "/world/west/sync/_drsync/sync_metadata";
    world.workspace().secondary.ledger = Err(corrupt.clone());
    world.merge();
    let finding = world.plan_of("reference").findings.remove(0);
    assert_eq!(finding.code, FindingCode::SecondaryRefused);
    assert!(
        finding.message.to_string().contains(&format!("{place} cannot be read: 0000")),
        "{finding:?}"
    );
    let deed = Deed::MoveLedgerTable { location: place.to_owned(), when_other_answers: false };
    let remedy = format!("move {place} away: the next apply clones it from the other region");
    assert_eq!(deed.describe_deed(), *remedy);
    assert_eq!(finding.remedy, Some(deed.into()));
    let seen = world.plan().workspaces[0].observed.secondary.clone();
    assert!(seen.answer.unwrap().to_string().ends_with(&remedy), "it is told where the region is");

    // A region that does not answer is repaired by nobody here.
    world.workspace().secondary.ledger =
        Err(RegionError { kind: RegionErrorKind::Unavailable, ..corrupt });
    let finding = world.plan_of("reference").findings.remove(0);
    assert!(finding.remedy.unwrap().to_string().starts_with("nothing to repair by hand"));
}

#[test]
fn a_source_whose_log_cannot_be_read_is_named_with_its_place() {
    let mut world = World::new();
    world.table(COUNTRIES).source = Some(Err(refusal(RegionErrorKind::Other)));
    let finding = world.plan_of("reference").findings.remove(0);
    assert_eq!(finding.code, FindingCode::TableNotReadable);
    assert_eq!(
        finding.message,
        "look: the region's words, in the log of the table at /world/east/tables/countries"
    );
    assert!(finding.remedy.unwrap().to_string().starts_with("repair the file that is named"));
}

#[test]
fn a_group_that_waits_for_its_workflow_says_when_it_is_copied_without_one() {
    let mut world = World::new();
    world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:20:00Z"), RunState::Failed);
    let plan = world.plan_of("orders");
    assert_eq!(plan.decision, Decision::Waiting);
    assert_eq!(plan.crash_consistent_from, None, "nothing is pending");
    assert!(!plan.may_go_unfinished(), "nothing is pending");
    world.commit("main.shop.orders", 5, "2026-11-22T10:10:00Z", "WRITE");
    let from = world.plan_of("orders").crash_consistent_from;
    assert_eq!(from, Some(at("2026-11-23T10:10:00Z")), "twice the longest gap");
    world.observed.now = at("2026-11-23T10:10:01Z");
    world.pinned_at("main.shop.orders", 5);
    assert_eq!(world.plan_of("orders").decision, Decision::Sync);
}

#[test]
fn a_replica_that_lost_a_file_is_repaired_although_the_source_has_nothing_newer() {
    let mut world = World::new();
    world.replica(COUNTRIES).damaged = Some("part-1 of the replica is missing".into());
    let plan = world.plan_of("reference");
    assert_eq!(
        (plan.decision, plan.reason.message.to_string().as_str()),
        (Decision::Sync, "part-1 of the replica is missing")
    );
    assert_eq!(plan.steps[0].action, Action::Update);
    let plan = world.plan();
    let told = status(&world.observed, &plan);
    let group = told.workspaces[0].groups.iter().find(|group| group.name == "reference");
    let group = group.unwrap();
    assert!(!group.protected && !group.restorable());
    assert_eq!(group.tables[0].lost, Some("part-1 of the replica is missing".into()));
}

#[test]
fn a_replica_that_is_not_at_its_cut_says_why_and_which_version_to_go_back_to() {
    let off = |change: &dyn Fn(&mut World)| {
        let mut world = World::new();
        change(&mut world);
        let told = status(&world.observed, &world.plan());
        let mut groups = told.workspaces[0].groups.iter();
        let group = groups.find(|group| group.name == "reference").unwrap();
        group.tables[0].clone()
    };
    let whole = off(&|_| {});
    assert_eq!((whole.off_cut, whole.lost), (None, None));
    let back = whole.cut_replica_version;
    assert!(back.is_some());
    let drifted = off(&|world| {
        let replica = world.replica(COUNTRIES);
        replica.version += 1;
        let mut theirs = replica_commit(replica.version, "UPDATE");
        theirs.user = Some("someone".to_owned());
        replica.commits.push(theirs);
    });
    assert_eq!(drifted.cut_replica_version, back);
    let Some(OffCut::Drift { number: 1, commits }) = drifted.off_cut else {
        panic!("{drifted:?}");
    };
    assert_eq!(commits[0].user.as_deref(), Some("someone"));
    let lost = off(&|world| {
        world.replica(COUNTRIES).damaged = Some("part-1 of the replica is missing".into());
    });
    assert!(lost.lost.is_some() && lost.off_cut.is_none(), "{lost:?}");
}

#[test]
fn a_cut_whose_version_is_gone_from_a_replica_ahead_of_it_cannot_be_brought_back() {
    for (gone, restorable) in [(None, true), (Some("v2 can no longer be read: gone"), false)] {
        let mut world = World::new();
        let replica = world.replica(COUNTRIES);
        replica.version += 1;
        let mut theirs = replica_commit(replica.version, "UPDATE");
        theirs.user = Some("someone".to_owned());
        replica.commits.push(theirs);
        replica.since_damaged = gone.map(Into::into);
        let told = status(&world.observed, &world.plan());
        let groups = &told.workspaces[0].groups;
        let group = groups.iter().find(|group| group.name == "reference");
        assert_eq!(group.unwrap().restorable(), restorable);
    }
}

#[test]
fn a_primary_whose_sync_location_cannot_be_written_is_told_and_blocks_nothing() {
    let mut world = due();
    let denied = drsync::region::Denied {
        message: "dr has no WRITE FILES on dr_east".into(),
        remedy: Some(Repair::Grant(Grant::to_write("dr_east", "dr"))),
    };
    world.workspace().write_access_primary = Some(Ok(WriteAccess::Refused(denied)));
    let plan = world.plan();
    let told = plan.warnings.iter().find(|warning| warning.code == WarningCode::PrimaryNotWritable);
    let message = told.unwrap().message.to_string();
    assert!(
        message
            .contains("dr has no WRITE FILES on dr_east; in east: GRANT READ FILES, WRITE FILES"),
        "{message}"
    );
    assert_eq!(world.plan_of("reference").decision, Decision::Sync);
}

#[test]
fn to_go_on_without_a_finished_run_is_offered_after_a_failure_and_near_a_breach_alone() {
    for (state, ended, offered, late) in [
        (RunState::Failed, Some("2026-11-22T10:20:00Z"), true, true),
        (RunState::Active, None, false, true),
    ] {
        let mut world = World::new();
        world.run(89, "2026-11-22T10:00:00Z", ended, state);
        world.commit("main.shop.orders", 5, "2026-11-22T10:10:00Z", "WRITE");
        let plan = world.plan_of("orders");
        assert_eq!(plan.decision, Decision::Waiting);
        assert_eq!((plan.may_go_unfinished(), plan.is_late()), (offered, false), "{state:?}");
        world.observed.now = at("2026-11-22T21:00:00Z");
        let plan = world.plan_of("orders");
        assert_eq!((plan.may_go_unfinished(), plan.is_late()), (late, true), "{state:?}");
    }
}

#[test]
fn a_group_that_waits_for_the_clock_tells_when_it_is_due() {
    let mut world = World::new();
    let plan = world.plan_of("reference");
    assert_eq!(plan.next_due_at, Some(at("2026-11-22T12:00:00Z")), "{:?}", plan.reason);
    world.run(89, "2026-11-22T10:00:00Z", None, RunState::Active);
    world.commit("main.shop.orders", 5, "2026-11-22T10:10:00Z", "WRITE");
    assert_eq!(world.plan_of("orders").next_due_at, None, "it waits for its workflow");
}

#[test]
fn a_secondary_whose_log_lacks_cuts_lost_more_and_every_group_is_looked_at() {
    let mut world = World::new();
    let secondary = world.workspace().secondary.ledger.as_mut().unwrap();
    let cuts = &mut secondary.cuts.as_mut().unwrap().cuts;
    cuts.retain(|cut| cut.group_name != "reference");
    world.merge();
    assert_eq!(looked_at(&world), ["orders", "reference"]);
}

#[test]
fn a_run_that_began_before_what_is_seen_may_have_overlapped_and_its_group_waits() {
    use drsync::plan::ReasonCode::WorkflowRunsOverlap;
    let mut world = World::new();
    world.observed.now = at("2026-11-22T12:30:00Z");
    for workflow in &mut world.group("orders").workflows {
        let runs = &mut workflow.as_mut().unwrap().runs;
        let mut newer = runs[0].clone();
        newer.run_id += 1;
        newer.started_at = at("2026-11-22T12:00:00Z");
        newer.ended_at = Some(at("2026-11-22T12:10:00Z"));
        runs.insert(0, newer);
    }
    assert_ne!(world.plan_of("orders").decision, Decision::Waiting);
    for workflow in &mut world.group("orders").workflows {
        workflow.as_mut().unwrap().seen_from = Some(at("2026-11-21T09:00:00Z"));
    }
    let plan = world.plan_of("orders");
    assert_eq!(plan.decision, Decision::Waiting);
    assert_eq!(plan.reason.code, WorkflowRunsOverlap, "{:?}", plan.reason);
    let from = "one that started before 2026-11-21T09:00:00.000Z may have been in progress";
    assert!(plan.reason.message.to_string().contains(from), "{:?}", plan.reason);
}

#[test]
fn maintenance_on_a_source_whose_rows_nothing_tells_is_said() {
    let mut world = due();
    let source = world.table(COUNTRIES).source.as_mut().unwrap();
    let commits = &mut source.as_mut().unwrap().commits;
    let newest = commits.last().unwrap().clone();
    commits.push(drsync::region::Commit {
        version: newest.version + 1,
        operation: "OPTIMIZE".to_owned(),
        upkeep: drsync::region::Upkeep::NotCompared,
        ..newest
    });
    let group = world.plan_of("reference");
    let [of] = &group.source_maintenance[..] else { panic!("{:?}", group.source_maintenance) };
    assert_eq!(of.table.to_string(), COUNTRIES);
    assert_eq!(of.commits[0].operation, "OPTIMIZE");
    assert_eq!(of.commits[0].rows_compared, Some(false));
    let shown = super::screen_of(&world.plan());
    let words: Vec<&str> = shown.split_whitespace().collect();
    let said = "in the primary: maintenance by its name, its rows were not compared";
    assert!(words.join(" ").contains(said), "{shown}");
    // Maintenance whose rows were compared is nothing to tell.
    let source = world.table(COUNTRIES).source.as_mut().unwrap();
    let last = source.as_mut().unwrap().commits.last_mut().unwrap();
    last.upkeep = drsync::region::Upkeep::Compared;
    assert_eq!(world.plan_of("reference").source_maintenance, []);
}

#[test]
fn what_cannot_be_seen_of_either_location_without_writing_is_one_warning_with_both() {
    use drsync::region::UnprovedAccess;
    let told = |secondary: UnprovedAccess, primary: UnprovedAccess| -> Vec<String> {
        let mut world = World::new();
        world.workspace().write_access = Some(Ok(WriteAccess::NotProved(secondary)));
        world.workspace().write_access_primary = Some(Ok(WriteAccess::NotProved(primary)));
        let plan = world.plan();
        assert_eq!(plan.workspaces[0].groups[0].findings, [], "it blocks nothing");
        let warnings = plan.warnings.into_iter();
        let of = warnings.filter(|warning| warning.code == WarningCode::WriteNotProved);
        of.map(|warning| warning.message.to_string()).collect()
    };
    let names = |place: &str, kind: &str| UnprovedAccess::TakenNames {
        place: place.to_owned(),
        file_system: kind.to_owned(),
    };
    let both = told(names("/west/sync", "9p"), names("/east/sync", "fuse"));
    let [text] = &both[..] else { panic!("{both:?}") };
    let places = "whether the file systems of /west/sync (9p) and of /east/sync (fuse) ";
    assert!(text.starts_with(places), "{text}");
    assert!(text.ends_with("apply proves it before the first clone"), "{text}");
    let flushing = UnprovedAccess::Flushing {
        place: "/east/sync".to_owned(),
        error: "Invalid argument (os error 22)".into(),
    };
    let apart = told(names("/west/sync", "9p"), flushing);
    assert_eq!(apart.len(), 2, "{apart:?}");
    assert!(apart[1].starts_with("folders of /east/sync (Invalid argument "), "{apart:?}");
    let rights = || UnprovedAccess::Rights("the principal's groups are not told".into());
    assert_eq!(told(rights(), rights()).len(), 1, "one location covers both");
}

#[test]
fn a_recovery_point_before_which_a_commit_is_missing_names_its_file_and_what_heals_it() {
    let mut world = World::with(|config| {
        let tables = config["workspaces"][0]["sync_groups"][0]["tables"].as_array_mut();
        tables.unwrap().push("main.shop.young".into());
    });
    let source = world.source("main.shop.young");
    source.commits[0].version = 6;
    source.commits[0].committed_at = at("2026-11-22T10:30:00Z");
    source.oldest_version = 5;
    source.untimed = Some("_delta_log/00000000000000000005.json".to_owned());
    world.table("main.shop.young").replica = Some(Ok(None));
    world.run(89, "2026-11-22T10:40:00Z", None, RunState::Active);
    let findings = world.plan_of("orders").findings;
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(finding.code, FindingCode::NoVersionAtRecoveryPoint);
    let why = "_delta_log/00000000000000000005.json, the commit of v5, is missing, so its time is not known";
    assert!(finding.message.to_string().ends_with(why), "{finding:?}");
    let remedy = finding.remedy.as_ref().unwrap().to_string();
    assert!(remedy.contains("the next commit to the table heals it"), "{remedy}");
}
