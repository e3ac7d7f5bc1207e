//! Evidence of past months lies in a folder each, and is found wherever it lies.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use drsync::lakehouse::{LakehouseLocation, Writer};
use drsync::region::{Location as _, RecordRange, first_id_of};

use crate::contract::world::{World, open_lakehouse};

async fn world() -> World {
    World::new(open_lakehouse).await
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The secondary by a clock that stands still.
fn open(world: &World, now: &str) -> LakehouseLocation {
    let now = at(now);
    let user = "dr-sync@example.com".to_owned();
    let writer = Writer { user, clock: Arc::new(move || now) };
    let location = world.path("west/sync").display().to_string();
    LakehouseLocation::open(&location, writer).unwrap()
}

/// A document's name, of an apply at that moment.
fn name(moment: &str, ending: &str) -> String {
    format!("{}{ending}", first_id_of(at(moment)))
}

fn record(moment: &str) -> String {
    name(moment, ".run.json")
}

/// The files of a folder by name, folders left out.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let mut names: Vec<String> =
        files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The names of run records, and of what was passed over.
async fn records(region: &LakehouseLocation, wanted: &RecordRange) -> (Vec<String>, Vec<String>) {
    let found = region.run_records(wanted).await.unwrap();
    let names = found.documents.into_iter().map(|document| document.name).collect();
    let odd = found.passed_over.into_iter().map(|odd| odd.name).collect();
    (names, odd)
}

const SEPTEMBER: &str = "2026-09-30T23:59:59Z";
const OCTOBER: [&str; 2] = ["2026-10-01T00:00:00Z", "2026-10-15T00:00:00Z"];
const NOVEMBER: &str = "2026-11-01T00:00:00Z";

#[tokio::test]
async fn a_record_moves_those_of_past_months_to_their_folders_and_all_are_found() {
    let world = world().await;
    let folder = world.path("west/sync/_drsync/evidence");
    fs::create_dir_all(&folder).unwrap();
    let plan = name(OCTOBER[1], ".plan.json");
    let signature = format!("{plan}.minisig");
    for document in
        [record(SEPTEMBER), record(OCTOBER[0]), record(OCTOBER[1]), plan.clone(), signature.clone()]
    {
        fs::write(folder.join(&document), &document).unwrap();
    }
    // A runner was killed between two of its moves.
    fs::create_dir(folder.join("2026-10")).unwrap();
    let moved = record(OCTOBER[0]);
    fs::rename(folder.join(&moved), folder.join("2026-10").join(&moved)).unwrap();
    let november = open(&world, "2026-11-02T00:00:00Z");
    let all = [SEPTEMBER, OCTOBER[0], OCTOBER[1], NOVEMBER].map(record);
    let whole = RecordRange::default();
    assert_eq!(records(&november, &whole).await, (all[..3].to_vec(), vec![]));

    november.keep_evidence(&all[3], all[3].as_bytes()).await.unwrap();
    assert_eq!(files(&folder), all[3..]);
    assert_eq!(files(&folder.join("2026-09")), all[..1]);
    let mut october = vec![all[1].clone(), all[2].clone(), plan.clone(), signature.clone()];
    october.sort();
    assert_eq!(files(&folder.join("2026-10")), october);

    assert_eq!(records(&november, &whole).await, (all.to_vec(), vec![]));
    for (newest, from) in [(1, 3), (2, 2), (3, 1), (9, 0)] {
        let wanted = RecordRange { newest: Some(newest), ..whole.clone() };
        assert_eq!(records(&november, &wanted).await, (all[from..].to_vec(), vec![]));
    }
    let wanted = RecordRange {
        from: Some(first_id_of(at(OCTOBER[0]))),
        until: Some(first_id_of(at(NOVEMBER))),
        newest: None,
    };
    assert_eq!(november.evidence_names(&wanted).await.unwrap(), october);
    assert_eq!(november.evidence_names(&whole).await.unwrap().len(), 6);
    for document in all.iter().chain([&plan, &signature]) {
        // A document that is kept again stays as it is, and where it is.
        november.keep_evidence(document, b"another").await.unwrap();
        let read = november.evidence(document).await.unwrap();
        assert_eq!(read.as_deref(), Some(document.as_bytes()), "{document}");
    }
    assert_eq!(files(&folder), all[3..]);
    assert_eq!(november.evidence(&record("2026-10-02T00:00:00Z")).await.unwrap(), None);
}

#[tokio::test]
async fn what_the_other_region_brings_of_a_past_month_is_kept_in_its_folder() {
    let world = world().await;
    let november = open(&world, "2026-11-02T00:00:00Z");
    let old = record(OCTOBER[0]);
    november.keep_evidence(&old, b"{}").await.unwrap();
    let folder = world.path("west/sync/_drsync/evidence");
    assert_eq!(files(&folder.join("2026-10")), [old.as_str()]);
    // One of a clock that is ahead is of no past month.
    let ahead = record("2026-12-01T00:00:00Z");
    november.keep_evidence(&ahead, b"{}").await.unwrap();
    assert_eq!(files(&folder), [ahead.as_str()]);
    assert_eq!(records(&november, &RecordRange::default()).await, (vec![old, ahead], vec![]));
}

#[tokio::test]
async fn where_they_cannot_be_moved_documents_are_read_where_they_lie() {
    let world = world().await;
    let folder = world.path("west/sync/_drsync/evidence");
    fs::create_dir_all(&folder).unwrap();
    let [old, new] = [OCTOBER[0], NOVEMBER].map(record);
    fs::write(folder.join(&old), "{}").unwrap();
    fs::write(folder.join("2026-10"), "in the way").unwrap();
    let november = open(&world, "2026-11-02T00:00:00Z");
    november.keep_evidence(&new, b"{}").await.unwrap();
    let (found, odd) = records(&november, &RecordRange::default()).await;
    assert_eq!((found, odd), (vec![old.clone(), new], vec!["2026-10".to_owned()]));
    assert_eq!(november.evidence(&old).await.unwrap().as_deref(), Some(&b"{}"[..]));
}

#[tokio::test]
async fn a_document_in_both_places_is_one_unless_they_differ() {
    let world = world().await;
    let folder = world.path("west/sync/_drsync/evidence");
    fs::create_dir_all(folder.join("2026-10")).unwrap();
    let [same, other, new] = [OCTOBER[0], OCTOBER[1], NOVEMBER].map(record);
    for (place, name, text) in
        [("", &same, "1"), ("2026-10", &same, "1"), ("", &other, "2"), ("2026-10", &other, "3")]
    {
        fs::write(folder.join(place).join(name), text).unwrap();
    }
    let november = open(&world, "2026-11-02T00:00:00Z");
    let differs = format!("2026-10/{other}");
    let whole = RecordRange::default();
    let found = records(&november, &whole).await;
    assert_eq!(found, (vec![same.clone(), other.clone()], vec![differs.clone()]));
    november.keep_evidence(&new, b"{}").await.unwrap();
    // What lies there twice goes; what is not the same stays, and is told.
    assert_eq!(files(&folder), [other.clone(), new.clone()]);
    assert_eq!(records(&november, &whole).await, (vec![same, other, new], vec![differs]));
}

#[tokio::test]
async fn what_lies_in_a_month_and_is_not_of_it_is_passed_over() {
    let world = world().await;
    let folder = world.path("west/sync/_drsync/evidence");
    fs::create_dir_all(folder.join("2026-10/2026-09")).unwrap();
    let (old, foreign) = (record(OCTOBER[0]), record(SEPTEMBER));
    for name in [&old, &foreign, &"notes.txt".to_owned()] {
        fs::write(folder.join("2026-10").join(name), "{}").unwrap();
    }
    std::os::unix::fs::symlink(folder.join("2026-10"), folder.join("2026-09")).unwrap();
    fs::create_dir(folder.join("2026-13")).unwrap();
    let november = open(&world, "2026-11-02T00:00:00Z");
    let (found, mut odd) = records(&november, &RecordRange::default()).await;
    assert_eq!(found, [old]);
    odd.sort();
    let mut told = [
        "2026-09".to_owned(),
        "2026-10/2026-09".to_owned(),
        format!("2026-10/{foreign}"),
        "2026-10/notes.txt".to_owned(),
        "2026-13".to_owned(),
    ];
    told.sort();
    assert_eq!(odd, told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_reads_while_others_move_misses_nothing() {
    let world = world().await;
    let folder = world.path("west/sync/_drsync/evidence");
    fs::create_dir_all(&folder).unwrap();
    let minute = |n: u32| record(&format!("2026-10-{:02}T10:{:02}:00Z", 1 + n / 60, n % 60));
    let all: Vec<String> = (0..600).map(minute).collect();
    for name in &all {
        fs::write(folder.join(name), name).unwrap();
    }
    let done = AtomicBool::new(false);
    let moving = async |kept: &str| {
        let runner = open(&world, "2026-11-02T00:00:00Z");
        runner.keep_evidence(&record(kept), b"{}").await.unwrap();
        done.store(true, Ordering::Relaxed);
    };
    let reading = async {
        let reader = open(&world, "2026-11-02T00:00:00Z");
        let until = Some(first_id_of(at(NOVEMBER)));
        let wanted = RecordRange { until, ..RecordRange::default() };
        loop {
            let last = done.load(Ordering::Relaxed);
            assert_eq!(records(&reader, &wanted).await, (all.clone(), vec![]));
            if last {
                break;
            }
        }
    };
    tokio::join!(moving("2026-11-01T01:00:00Z"), moving("2026-11-01T02:00:00Z"), reading);
    assert_eq!(files(&folder).len(), 2);
    assert_eq!(files(&folder.join("2026-10")), all);
}
