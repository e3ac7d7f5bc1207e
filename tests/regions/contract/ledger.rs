//! The ledger: rows that tell, cuts that decide, whoever else is writing.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use drsync::ledger::{AcceptedRisk, Consistency, Cut, CutTableEntry, Row};
use drsync::region::{
    Appended, KeptDocument, KeptRecords, LedgerCopy, Location, RecordRange, RegionError,
};

use crate::contract::world::{ORDERS, World, name};

fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

fn row(group: &str, message: &str) -> Row {
    Row::first_seen(group, Some("orders_job".into()), vec![ORDERS.into()], now())
        .failed(message, now())
}

pub(crate) fn cut(group: &str, run: &str, previous: Option<&Cut>) -> Cut {
    Cut {
        group_name: group.into(),
        cut_number: previous.map_or(1, |previous| previous.cut_number + 1),
        recovery_point: now(),
        consistency: Consistency::WorkflowConsistent,
        trigger: "workflow".into(),
        workflow_run_id: Some(88),
        planned_at: now() - TimeDelta::milliseconds(1),
        tables: vec![CutTableEntry {
            table: name(ORDERS),
            source_table_id: "id".into(),
            source_version: 2,
            source_committed_at: now(),
            rows: Some(20),
            files: 2,
            bytes: 1234,
            replica_location: "/west/sync/main/shop/orders".into(),
            replica_version: 0,
            source_commit_sha256: None,
            replica_files_sha256: None,
            replica_content_sha256: None,
            later: Default::default(),
        }],
        accepted: vec![AcceptedRisk {
            code: "source_shrank".into(),
            scope: ORDERS.into(),
            reason: "it's \"fine\"\n".into(),
        }],
        plan_id: "P".into(),
        plan_sha256: "aa".into(),
        run_id: run.into(),
        epoch: 0,
        committed_by: "dr-sync@example.com".into(),
        committed_at: now(),
        previous_sha256: previous.map(Cut::sha256),
        run_record_sha256: None,
        kind: None,
        active: None,
        later: Default::default(),
    }
}

async fn with_ledger(world: &World) -> &dyn Location {
    world.secondary().create_ledger("east").await.unwrap();
    world.secondary()
}

/// Appends one cut.
pub(crate) async fn append(region: &dyn Location, cut: &Cut) -> Result<Appended, RegionError> {
    let mut answers = region.append_cuts(std::slice::from_ref(cut)).await;
    assert_eq!(answers.len(), 1, "one answer a cut");
    answers.remove(0)
}

async fn cuts(region: &dyn Location) -> Vec<Cut> {
    region.ledger().await.unwrap().cuts.unwrap().cuts
}

pub(crate) async fn where_no_ledger_was_made_there_is_none(world: World) {
    assert_eq!(world.primary().ledger().await.unwrap(), LedgerCopy::default());
    assert_eq!(world.secondary().ledger().await.unwrap(), LedgerCopy::default());
}

pub(crate) async fn a_ledger_is_made_empty_and_claimed_and_making_it_again_changes_nothing(
    world: World,
) {
    let region = with_ledger(&world).await;
    let made = region.ledger().await.unwrap();
    let (metadata, cuts) = (made.metadata.clone().unwrap(), made.cuts.clone().unwrap());
    assert_eq!((metadata.rows, metadata.workspace.as_deref()), (vec![], Some("east")));
    assert_eq!((cuts.cuts, cuts.workspace.as_deref()), (vec![], Some("east")));
    region.write_rows(&[row("g", "m")]).await.unwrap();
    let before = region.ledger().await.unwrap();
    region.create_ledger("east").await.unwrap();
    assert_eq!(region.ledger().await.unwrap(), before);
}

pub(crate) async fn a_ledger_is_cloned_with_its_rows_its_cuts_and_its_claim(world: World) {
    let region = with_ledger(&world).await;
    region.write_rows(&[row("g", "m")]).await.unwrap();
    append(region, &cut("g", "r1", None)).await.unwrap();
    let from = region.presence().await.unwrap().location;
    world.primary().clone_ledger(&from).await.unwrap();
    let (there, here) = (region.ledger().await.unwrap(), world.primary().ledger().await.unwrap());
    let (there, here) = (
        (there.metadata.unwrap(), there.cuts.unwrap()),
        (here.metadata.unwrap(), here.cuts.unwrap()),
    );
    assert_eq!((there.0.rows, there.1.cuts), (here.0.rows, here.1.cuts));
    assert_eq!(here.0.workspace.as_deref(), Some("east"));
    assert_eq!(here.1.workspace.as_deref(), Some("east"));
    // The copy is a ledger like any other.
    world.primary().write_rows(&[row("h", "m")]).await.unwrap();
    assert_eq!(world.primary().ledger().await.unwrap().metadata.unwrap().rows.len(), 2);
}

pub(crate) async fn cloning_a_ledger_leaves_what_is_there(world: World) {
    let region = with_ledger(&world).await;
    region.write_rows(&[row("g", "theirs")]).await.unwrap();
    world.primary().create_ledger("east").await.unwrap();
    world.primary().write_rows(&[row("g", "ours")]).await.unwrap();
    let before = world.primary().ledger().await.unwrap();
    let from = region.presence().await.unwrap().location;
    world.primary().clone_ledger(&from).await.unwrap();
    assert_eq!(world.primary().ledger().await.unwrap(), before);
}

pub(crate) async fn rows_are_inserted_and_replaced_by_group_and_the_others_stay(world: World) {
    let region = with_ledger(&world).await;
    let (a, b) = (row("a", "first"), row("b", "first"));
    region.write_rows(&[b.clone(), a.clone()]).await.unwrap();
    let c = row("c", "second");
    let b = row("b", "second");
    let version = region.write_rows(&[c.clone(), b.clone()]).await.unwrap();
    let read = region.ledger().await.unwrap().metadata.unwrap();
    assert_eq!(read.rows, [a, b, c]);
    assert_eq!(read.version, version);
}

pub(crate) async fn writing_rows_that_are_there_already_commits_nothing(world: World) {
    let region = with_ledger(&world).await;
    let rows = [row("a", "x"), row("b", "y")];
    let version = region.write_rows(&rows).await.unwrap();
    assert_eq!(region.write_rows(&rows).await.unwrap(), version);
    assert_eq!(region.write_rows(&rows[1..]).await.unwrap(), version);
    assert_eq!(region.write_rows(&[]).await.unwrap(), version);
}

pub(crate) async fn many_writers_of_rows_lose_none(world: World) {
    with_ledger(&world).await;
    let writers = (0..16).map(|n| {
        let region = world.another_secondary();
        tokio::spawn(async move { region.write_rows(&[row(&format!("g{n:02}"), "m")]).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let rows = world.secondary().ledger().await.unwrap().metadata.unwrap().rows;
    assert_eq!(rows.len(), 16);
}

pub(crate) async fn a_row_and_a_cut_read_back_are_what_was_written(world: World) {
    let region = with_ledger(&world).await;
    let quiet = Row {
        workflow: None,
        message: None,
        current_sync_status: None,
        tables: vec![],
        ..row("q", "")
    };
    let loud = row("l", "it's `odd`; \"quoted\", über\nlines, \\ and ☃");
    region.write_rows(&[loud.clone(), quiet.clone()]).await.unwrap();
    let first =
        Cut { workflow_run_id: None, tables: vec![], accepted: vec![], ..cut("it's", "r1", None) };
    let second = cut("it's", "r2", Some(&first));
    for cut in [&first, &second] {
        assert_eq!(append(region, cut).await.unwrap(), Appended::Committed);
    }
    let read = region.ledger().await.unwrap();
    assert_eq!(read.metadata.unwrap().rows, [loud, quiet]);
    let read = read.cuts.unwrap().cuts;
    assert_eq!(read, [first.clone(), second.clone()]);
    assert_eq!([read[0].sha256(), read[1].sha256()], [first.sha256(), second.sha256()]);
}

pub(crate) async fn a_cut_that_follows_is_committed_and_repeating_it_is_no_second_one(
    world: World,
) {
    let region = with_ledger(&world).await;
    let first = cut("g", "r1", None);
    for _ in 0..3 {
        assert_eq!(append(region, &first).await.unwrap(), Appended::Committed);
    }
    let second = cut("g", "r2", Some(&first));
    assert_eq!(append(region, &second).await.unwrap(), Appended::Committed);
    // A lost reply may be asked again when others have gone on.
    assert_eq!(append(region, &first).await.unwrap(), Appended::Committed);
    assert_eq!(cuts(region).await, [first, second]);
}

pub(crate) async fn a_cut_under_a_number_that_another_run_has_is_lost(world: World) {
    let region = with_ledger(&world).await;
    let theirs = cut("g", "theirs", None);
    append(region, &theirs).await.unwrap();
    let lost = append(region, &cut("g", "ours", None)).await.unwrap();
    assert_eq!(lost, Appended::Lost(Box::new(theirs.clone())));
    assert_eq!(cuts(region).await, [theirs]);
}

pub(crate) async fn a_cut_that_follows_another_past_has_diverged(world: World) {
    let region = with_ledger(&world).await;
    let (here, elsewhere) = (cut("g", "here", None), cut("g", "elsewhere", None));
    append(region, &here).await.unwrap();
    let follows_elsewhere = cut("g", "r2", Some(&elsewhere));
    let diverged = append(region, &follows_elsewhere).await.unwrap();
    assert_eq!(diverged, Appended::Diverged(Some(Box::new(here.clone()))));
    let follows_nothing_here = cut("other", "r3", Some(&elsewhere));
    assert_eq!(append(region, &follows_nothing_here).await.unwrap(), Appended::Diverged(None));
    assert_eq!(cuts(region).await, [here]);
}

pub(crate) async fn a_number_may_be_left_out_and_what_follows_is_one_chain(world: World) {
    let region = with_ledger(&world).await;
    let first = cut("g", "r1", None);
    append(region, &first).await.unwrap();
    let skips = Cut { cut_number: 3, ..cut("g", "r2", Some(&first)) };
    assert_eq!(append(region, &skips).await.unwrap(), Appended::Committed);
    let late = cut("g", "r3", Some(&first));
    assert!(matches!(append(region, &late).await.unwrap(), Appended::Diverged(_)));
    let copy = region.ledger().await.unwrap();
    assert_eq!(copy.cuts.as_ref().unwrap().cuts, [first, skips]);
    assert_eq!(copy.all_cuts().divergence("g"), None);
}

async fn append_at_once(world: &World, cuts: Vec<Cut>) -> Vec<Appended> {
    let writers = cuts.into_iter().map(|cut| {
        let region = world.another_secondary();
        tokio::spawn(async move { append(region.as_ref(), &cut).await })
    });
    let mut done = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        done.push(writer.await.unwrap().unwrap());
    }
    done
}

pub(crate) async fn of_many_cuts_of_one_group_exactly_one_is_committed(world: World) {
    with_ledger(&world).await;
    let rivals: Vec<Cut> = (0..16).map(|n| cut("g", &format!("r{n}"), None)).collect();
    let done = append_at_once(&world, rivals.clone()).await;
    let won: Vec<usize> = (0..16).filter(|n| done[*n] == Appended::Committed).collect();
    let [winner] = won.as_slice() else { panic!("{won:?}") };
    assert_eq!(cuts(world.secondary()).await, [rivals[*winner].clone()]);
    for (n, done) in done.iter().enumerate().filter(|(n, _)| n != winner) {
        assert_eq!(*done, Appended::Lost(Box::new(rivals[*winner].clone())), "{n}");
    }
}

pub(crate) async fn many_cuts_of_different_groups_are_all_committed(world: World) {
    with_ledger(&world).await;
    let all: Vec<Cut> = (0..16).map(|n| cut(&format!("g{n:02}"), "r", None)).collect();
    for done in append_at_once(&world, all.clone()).await {
        assert_eq!(done, Appended::Committed);
    }
    assert_eq!(cuts(world.secondary()).await, all);
}

pub(crate) async fn of_cuts_appended_together_each_has_its_own_answer(world: World) {
    let region = with_ledger(&world).await;
    let there = cut("there", "r1", None);
    let theirs = cut("raced", "theirs", None);
    for cut in [&there, &theirs] {
        append(region, cut).await.unwrap();
    }
    let version = async || region.ledger().await.unwrap().cuts.unwrap().version;
    let before = version().await;
    let together = [
        cut("new", "r2", None),
        there.clone(),
        cut("raced", "ours", None),
        cut("unknown", "r2", Some(&there)),
        cut("there's `2`", "r2", None),
    ];
    let answers = region.append_cuts(&together).await;
    let answers: Vec<Appended> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        answers,
        [
            Appended::Committed,
            Appended::Committed,
            Appended::Lost(Box::new(theirs.clone())),
            Appended::Diverged(None),
            Appended::Committed,
        ]
    );
    assert_eq!(version().await, before + 1, "one commit for all of them");
    let [new, _, _, _, quoted] = together;
    let mut left = vec![new, theirs, there, quoted];
    left.sort_by(|one, other| one.group_name.cmp(&other.group_name));
    assert_eq!(cuts(region).await, left);
    assert!(region.append_cuts(&[]).await.is_empty());
    assert_eq!(version().await, before + 1);
}

/// Who looks before each of many clones must see a change of role that anybody made since the look before.
pub(crate) async fn the_newest_cuts_are_those_of_now_whoever_wrote_them(world: World) {
    let (mine, other) = (world.secondary(), world.another_secondary());
    let newest = async |group: &str| {
        let cuts = mine.newest_cuts(&[group]).await.unwrap();
        cuts.newest(group).map(|cut| cut.cut_number)
    };
    assert_eq!(newest("g").await, None, "there is no log");
    let region = with_ledger(&world).await;
    assert_eq!(newest("g").await, None);
    let first = cut("g", "r1", None);
    append(&*other, &first).await.unwrap();
    assert_eq!(newest("g").await, Some(1));
    let second = cut("g", "r2", Some(&first));
    append(region, &second).await.unwrap();
    assert_eq!(newest("g").await, Some(2));
    assert_eq!(newest("another").await, None);
    append(&*other, &cut("g", "r3", Some(&second))).await.unwrap();
    append(&*other, &cut("another", "r3", None)).await.unwrap();
    assert_eq!((newest("g").await, newest("another").await), (Some(3), Some(1)));
    // Appended by whom knows, after it looked.
    let fourth = cut("g", "r4", mine.newest_cuts(&["g"]).await.unwrap().newest("g"));
    assert_eq!(append(region, &fourth).await.unwrap(), Appended::Committed);
    assert_eq!(newest("g").await, Some(4));
}

pub(crate) async fn copied_cuts_are_those_that_were_missing(world: World) {
    let region = with_ledger(&world).await;
    let first = cut("g", "r1", None);
    let second = cut("g", "r2", Some(&first));
    append(region, &first).await.unwrap();
    region.copy_cuts(&[second.clone(), first.clone()]).await.unwrap();
    assert_eq!(cuts(region).await, [first.clone(), second.clone()]);
    let version = region.ledger().await.unwrap().cuts.unwrap().version;
    region.copy_cuts(&[first.clone(), second.clone()]).await.unwrap();
    region.copy_cuts(&[]).await.unwrap();
    assert_eq!(region.ledger().await.unwrap().cuts.unwrap().version, version);
    // A divergence is kept, for the next plan to name.
    let rival = cut("g", "r3", Some(&first));
    region.copy_cuts(std::slice::from_ref(&rival)).await.unwrap();
    let hashes: BTreeSet<String> = cuts(region).await.iter().map(Cut::sha256).collect();
    assert_eq!(hashes, BTreeSet::from([first.sha256(), second.sha256(), rival.sha256()]));
}

pub(crate) async fn heads_are_what_a_plan_needs_however_long_the_log(world: World) {
    let region = with_ledger(&world).await;
    let none = region.ledger_heads().await.unwrap();
    assert_eq!(none.cuts.unwrap().cuts, []);
    let (mut often, mut seldom): (Vec<Cut>, Vec<Cut>) = Default::default();
    for n in 0..12 {
        let of_group = if n % 5 == 0 { &mut seldom } else { &mut often };
        let group = if n % 5 == 0 { "it's seldom" } else { "often" };
        let mut next = cut(group, &format!("r{n}"), of_group.last());
        if n > 6 {
            next.consistency = Consistency::CrashConsistent;
        }
        assert_eq!(append(region, &next).await.unwrap(), Appended::Committed);
        of_group.push(next);
    }
    // Two truths under one number are both told.
    let rival = Cut {
        consistency: Consistency::CrashConsistent,
        ..cut("often", "rival", often.iter().rev().nth(1))
    };
    region.copy_cuts(std::slice::from_ref(&rival)).await.unwrap();
    let heads = region.ledger_heads().await.unwrap();
    assert!(heads.heads_only);
    let all = heads.all_cuts();
    let of = |group: &str| -> BTreeSet<String> { all.of(group).map(Cut::sha256).collect() };
    for needed in [&seldom[1], &seldom[2]] {
        assert!(of("it's seldom").contains(&needed.sha256()));
    }
    let tied = often.iter().rfind(|cut| cut.consistency != Consistency::CrashConsistent);
    for needed in [tied.unwrap(), often.last().unwrap(), &rival] {
        assert!(of("often").contains(&needed.sha256()));
    }
    let divergence = all.divergence("often").unwrap();
    assert_eq!(divergence.cut_number, rival.cut_number);
    assert_eq!(all.divergence("it's seldom"), None);
    // What is appended and copied afterwards does not need the rest either.
    let next = cut("it's seldom", "r", seldom.last());
    assert_eq!(append(region, &next).await.unwrap(), Appended::Committed);
    assert_eq!(cuts(region).await.len(), 14);
}

pub(crate) async fn a_ledger_whose_files_were_made_one_says_the_same(world: World) {
    let region = with_ledger(&world).await;
    let mut previous = None;
    for n in 0..5 {
        let next = cut("g", &format!("r{n}"), previous.as_ref());
        append(region, &next).await.unwrap();
        previous = Some(next);
    }
    region.write_rows(&[row("a", "x")]).await.unwrap();
    let before = region.ledger().await.unwrap();
    world.ledger_table("west", "sync_cuts").optimize().await.unwrap();
    let after = region.ledger().await.unwrap();
    assert_eq!(after.all_cuts(), before.all_cuts());
    assert_eq!(after.cuts.unwrap().version, before.cuts.unwrap().version + 1);
    let next = cut("g", "r9", previous.as_ref());
    assert_eq!(append(region, &next).await.unwrap(), Appended::Committed);
}

/// A cut that says what the first version of the log has no column for.
fn full(group: &str, run: &str, previous: Option<&Cut>) -> Cut {
    let mut cut = cut(group, run, previous);
    cut.run_record_sha256 = Some("cc".into());
    cut.tables[0].source_commit_sha256 = Some("dd".into());
    cut
}

/// A cut as a later version of drsync may write it.
fn later(group: &str, run: &str, previous: Option<&Cut>) -> Cut {
    let mut row = serde_json::to_value(full(group, run, previous)).unwrap();
    row["a_kind"] = "role".into();
    row["tables"][0]["a_count"] = 7.into();
    row["tables"][0]["a_truth"] = true.into();
    serde_json::from_value(row).unwrap()
}

fn hashes(cuts: &[Cut]) -> Vec<String> {
    cuts.iter().map(Cut::sha256).collect()
}

pub(crate) async fn a_log_of_an_earlier_version_gets_columns_when_a_cut_needs_them(world: World) {
    world.first_ledger("west").await;
    world.first_ledger("east").await;
    let region = world.secondary();
    let version =
        async |region: &dyn Location| region.ledger().await.unwrap().cuts.unwrap().version;
    let first = cut("g", "r1", None);
    assert_eq!(append(region, &first).await.unwrap(), Appended::Committed);
    assert_eq!(version(region).await, 2, "the columns of a change of role, then the row");
    let second = full("g", "r2", Some(&first));
    assert_eq!(append(region, &second).await.unwrap(), Appended::Committed);
    assert_eq!(version(region).await, 4, "the columns, then the row");
    let third = full("g", "r3", Some(&second));
    assert_eq!(append(region, &third).await.unwrap(), Appended::Committed);
    assert_eq!(version(region).await, 5);
    let all = [first.clone(), second.clone(), third.clone()];
    assert_eq!(cuts(region).await, all);
    assert_eq!(hashes(&cuts(region).await), hashes(&all));
    // The other copy gets its columns with the cuts, and a row without them is one as before.
    world.primary().copy_cuts(&all).await.unwrap();
    assert_eq!(cuts(world.primary()).await, all);
    let fourth = cut("g", "r4", Some(&third));
    assert_eq!(append(region, &fourth).await.unwrap(), Appended::Committed);
    let ledger = region.ledger().await.unwrap();
    assert_eq!(ledger.all_cuts().divergence("g"), None);
    let log = world.ledger_table("west", "sync_cuts");
    log.optimize().await.unwrap();
    let all = [first, second, third, fourth];
    assert_eq!(hashes(&cuts(region).await), hashes(&all));
}

pub(crate) async fn of_writers_that_need_columns_at_once_all_come_through(world: World) {
    world.first_ledger("west").await;
    let writers = (0..8).map(|n| {
        let region = world.another_secondary();
        let cut = match n % 2 {
            0 => full(&format!("g{n}"), "r", None),
            _ => cut(&format!("g{n}"), "r", None),
        };
        tokio::spawn(async move { append(&*region, &cut).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        assert_eq!(writer.await.unwrap().unwrap(), Appended::Committed);
    }
    let cuts = cuts(world.secondary()).await;
    let with = cuts.iter().filter(|cut| cut.run_record_sha256.is_some());
    assert_eq!((cuts.len(), with.count()), (8, 4));
}

pub(crate) async fn what_a_later_version_wrote_is_read_copied_and_hashed_as_it_is(world: World) {
    let region = with_ledger(&world).await;
    let first = later("g", "r1", None);
    assert_eq!(append(region, &first).await.unwrap(), Appended::Committed);
    // A version that does not know the columns goes on in the same table.
    let second = full("g", "r2", Some(&first));
    assert_eq!(append(region, &second).await.unwrap(), Appended::Committed);
    let all = [first, second];
    let here = cuts(region).await;
    assert_eq!((&here[..], hashes(&here)), (&all[..], hashes(&all)));
    assert_eq!(region.ledger().await.unwrap().all_cuts().divergence("g"), None);
    // Its rows are given to copies whole, whether those are made or there already.
    let from = region.presence().await.unwrap().location;
    world.primary().clone_ledger(&from).await.unwrap();
    assert_eq!(cuts(world.primary()).await, all);
    let third = later("g", "r3", Some(&all[1]));
    assert_eq!(append(region, &third).await.unwrap(), Appended::Committed);
    world.primary().copy_cuts(&cuts(region).await).await.unwrap();
    assert_eq!(hashes(&cuts(world.primary()).await)[2], third.sha256());
    // What cannot be written as it is is not written at all.
    let mut row = serde_json::to_value(later("g", "r4", Some(&third))).unwrap();
    row["a_list"] = serde_json::json!([1]);
    let refused = append(region, &serde_json::from_value(row).unwrap()).await;
    assert!(refused.unwrap_err().to_string().contains("a_list"));
    assert_eq!(cuts(region).await.len(), 3);
}

pub(crate) async fn evidence_is_kept_once_and_read_as_it_was_written(world: World) {
    let region = world.secondary();
    let name = "01JD.plan.json";
    assert_eq!(region.evidence(name).await.unwrap(), None);
    // More than fits one statement, and no text.
    let first: Vec<u8> = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
    region.keep_evidence(name, &first).await.unwrap();
    region.keep_evidence(name, b"second").await.unwrap();
    region.keep_evidence("empty", b"").await.unwrap();
    assert!(region.evidence(name).await.unwrap() == Some(first));
    assert_eq!(region.evidence("empty").await.unwrap(), Some(Vec::new()));
    assert_eq!(region.evidence("another").await.unwrap(), None);
    region.evidence("../sync_cuts").await.unwrap_err();
}

pub(crate) async fn evidence_is_one_file_a_document(world: World) {
    let region = world.secondary();
    let name = "01JD.plan.json";
    region.keep_evidence(name, b"first").await.unwrap();
    let folder = world.path("west/sync/_drsync/evidence");
    assert_eq!(std::fs::read(folder.join(name)).unwrap(), b"first");
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert_eq!(left.len(), 1, "no half file is left");
}

pub(crate) async fn run_records_are_read_oldest_first_within_their_bounds(world: World) {
    let region = world.secondary();
    let none = region.run_records(&RecordRange::default()).await.unwrap();
    assert_eq!(none, KeptRecords::default());
    let id = |letter: &str| format!("01JDA2C700000000000000000{letter}");
    for (letter, ending) in [
        ("C", ".run.json"),
        ("A", ".run.json"),
        ("B", ".run.json"),
        ("B", ".plan.json"),
        ("D", ".run.json.minisig"),
    ] {
        let name = id(letter) + ending;
        region.keep_evidence(&name, name.as_bytes()).await.unwrap();
    }
    let names = async |wanted: RecordRange| {
        let found = region.run_records(&wanted).await.unwrap();
        assert_eq!(found.passed_over, []);
        let letter = |document: KeptDocument| {
            assert_eq!(document.bytes, document.name.as_bytes());
            document.name[25..26].to_owned()
        };
        found.documents.into_iter().map(letter).collect::<Vec<_>>()
    };
    let all = RecordRange::default();
    assert_eq!(names(all.clone()).await, ["A", "B", "C"]);
    let newest = RecordRange { newest: Some(2), ..all.clone() };
    assert_eq!(names(newest).await, ["B", "C"]);
    let middle = RecordRange { from: Some(id("B")), until: Some(id("C")), ..all.clone() };
    assert_eq!(names(middle.clone()).await, ["B"]);
    let signature = id("D") + ".run.json.minisig";
    for (until, found) in [(None, 1), (Some(id("D")), 0), (Some(signature.clone()), 1)] {
        let wanted = RecordRange { from: Some(id("B")), until, ..all.clone() };
        let kept = region.record_signatures(&wanted).await.unwrap();
        let expected = KeptDocument { name: signature.clone(), bytes: signature.clone().into() };
        assert_eq!(kept, vec![expected; found]);
    }
    let all = region.evidence_names(&all).await.unwrap();
    assert_eq!(all.len(), 5);
    assert!(all.is_sorted(), "{all:?}");
    let of_middle = [id("B") + ".plan.json", id("B") + ".run.json"];
    assert_eq!(region.evidence_names(&middle).await.unwrap(), of_middle);
}

pub(crate) async fn what_is_no_record_is_passed_over_and_told(world: World) {
    let region = world.secondary();
    let real = "01JDA2C7000000000000000001.run.json";
    region.keep_evidence(real, b"{}").await.unwrap();
    for odd in ["notes.run.json", "zzz.run.json"] {
        region.keep_evidence(odd, b"{}").await.unwrap();
    }
    let newest = RecordRange { newest: Some(1), ..RecordRange::default() };
    let found = region.run_records(&newest).await.unwrap();
    assert_eq!(found.documents.len(), 1);
    assert_eq!(found.documents[0].name, real);
    let told: Vec<&str> = found.passed_over.iter().map(|odd| odd.name.as_str()).collect();
    assert!(told.contains(&"zzz.run.json"), "{told:?}");
    let names = region.evidence_names(&RecordRange::default()).await.unwrap();
    assert_eq!(names, [real]);
}
