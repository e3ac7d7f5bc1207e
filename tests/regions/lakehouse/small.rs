//! A ledger stays small: what is read of it, the files it is kept in, and what is removed of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::DataType;
use arrow_select::concat::concat_batches;
use chrono::{DateTime, TimeDelta, Utc};
use drsync::lakehouse::delta::{self, TableStore};
use drsync::lakehouse::write::WritableTable;
use drsync::lakehouse::{LakehouseLocation, Writer};
use drsync::ledger::{Cut, Row};
use drsync::region::{Appended, LedgerTable, Location as _, heads_agree};
use serde_json::{Value, json};

use crate::contract::ledger::{append, cut};
use crate::contract::world::{World, open_lakehouse};
use crate::support::able::python;

async fn world() -> World {
    World::new(open_lakehouse).await
}

/// The secondary by a clock that a test moves.
fn open(world: &World, now: &Arc<Mutex<DateTime<Utc>>>) -> LakehouseLocation {
    let clock = now.clone();
    let writer = Writer {
        user: "dr-sync@example.com".to_owned(),
        clock: Arc::new(move || *clock.lock().unwrap()),
    };
    let location = world.path("west/sync").display().to_string();
    LakehouseLocation::open(&location, writer).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to)
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
            let written = entry.metadata().unwrap().modified().unwrap();
            let file = std::fs::File::options().append(true).open(to).unwrap();
            file.set_modified(written).unwrap();
        }
    }
}

/// The files of a table by their paths in it.
fn files(table: &Path) -> BTreeSet<String> {
    let in_folder = |folder: &Path, before: &str| -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        let names = files.map(|entry| entry.file_name().into_string().unwrap());
        names.map(|name| format!("{before}{name}")).collect()
    };
    let mut all = in_folder(table, "");
    all.extend(in_folder(&table.join("_delta_log"), "_delta_log/"));
    all.into_iter().collect()
}

async fn rows_at(table: &Path, version: Option<u64>) -> usize {
    let rows = delta::read_rows(&TableStore::local(table), version).await;
    let rows = rows.unwrap_or_else(|error| panic!("{}: {error}", table.display()));
    rows.iter().map(arrow_array::RecordBatch::num_rows).sum()
}

#[tokio::test]
async fn after_every_cleaning_others_read_the_log_and_who_holds_yesterdays_version_goes_on() {
    let world = world().await;
    let table = world.path("west/sync/_drsync/sync_cuts");
    let now = Arc::new(Mutex::new(Utc::now()));
    let region = open(&world, &now);
    region.create_ledger("east").await.unwrap();
    let python = python("deltalake, duckdb, duckdb_extension_delta, pyarrow");
    let script = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name);
    let collected = tempfile::tempdir().unwrap();
    let (mut all, mut held, mut cleanings): (Vec<Cut>, _, usize) = (Vec::new(), None, 0);
    for n in 0..200_usize {
        *now.lock().unwrap() += TimeDelta::minutes(30);
        let before = files(&table);
        let next = cut("g", &format!("r{n}"), all.last());
        assert_eq!(append(&region, &next).await.unwrap(), Appended::Committed);
        all.push(next);
        let gone = before.difference(&files(&table)).count();
        if gone > 0 {
            cleanings += 1;
            assert_eq!(rows_at(&table, None).await, all.len());
            copy(&table, &collected.path().join(n.to_string()));
        }
        if n == 104 {
            let version = delta::versions(&TableStore::local(&table)).await.unwrap().newest;
            let reader = python.as_ref().map(|python| {
                let mut reader = Command::new(python);
                reader.arg(script("holds.py")).arg(&table).arg(version.to_string());
                let mut reader =
                    reader.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
                // Days pass here in seconds: an opening that takes hours of them holds nothing yet.
                let mut said = BufReader::new(reader.stdout.take().unwrap());
                let mut line = String::new();
                said.read_line(&mut line).unwrap();
                assert_eq!(line, "open\n");
                (reader, said)
            });
            held = Some((version, all.len(), reader));
        }
    }
    assert!(cleanings > 5, "{cleanings}");
    let (version, rows, reader) = held.unwrap();
    assert_eq!(rows_at(&table, Some(version)).await, rows);
    if let Some((mut reader, mut said)) = reader {
        reader.stdin.take().unwrap().write_all(b"now\n").unwrap();
        let mut told = String::new();
        said.read_to_string(&mut told).unwrap();
        assert!(reader.wait().unwrap().success());
        assert_eq!(told.trim(), rows.to_string());
    }
    if let Some(python) = python {
        let mut read = Command::new(python);
        let read = read.arg(script("ledgers.py")).arg(collected.path()).output().unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stdout));
    }
}

#[tokio::test]
async fn a_cleaning_that_is_killed_at_any_removal_leaves_a_log_that_is_read_and_cleaned_again() {
    let world = world().await;
    let table = world.path("west/sync/_drsync/sync_cuts");
    let now = Arc::new(Mutex::new(Utc::now()));
    let region = open(&world, &now);
    region.create_ledger("east").await.unwrap();
    let kept = tempfile::tempdir().unwrap();
    let mut all: Vec<Cut> = Vec::new();
    let mut tried = 0;
    for n in 0..80_usize {
        *now.lock().unwrap() += TimeDelta::hours(2);
        let before = kept.path().join("before");
        let _ = std::fs::remove_dir_all(&before);
        copy(&table, &before);
        let next = cut("g", &format!("r{n}"), all.last());
        assert_eq!(append(&region, &next).await.unwrap(), Appended::Committed);
        all.push(next);
        let mut gone: Vec<String> = files(&before).difference(&files(&table)).cloned().collect();
        // Data files go first, then the log from its oldest file on.
        gone.sort_by_key(|path| (path.starts_with("_delta_log"), path.clone()));
        if gone.is_empty() || n < 60 {
            continue;
        }
        let after = kept.path().join("after");
        let _ = std::fs::remove_dir_all(&after);
        copy(&table, &after);
        let newest = delta::versions(&TableStore::local(&table)).await.unwrap().newest;
        for killed_at in 0..=gone.len() {
            std::fs::remove_dir_all(&table).unwrap();
            copy(&after, &table);
            for left in &gone[killed_at..] {
                std::fs::copy(before.join(left), table.join(left)).unwrap();
            }
            let another = open(&world, &now);
            let copy = another.ledger().await.unwrap();
            assert_eq!(copy.troubles, [], "{killed_at} of {gone:?}");
            assert!(copy.cuts.unwrap().cuts == all, "{killed_at} of {gone:?}");
            // Two days are twenty-four of these commits.
            for version in [newest, newest - 20] {
                rows_at(&table, Some(version)).await;
            }
            let next = cut("g", "next", all.last());
            assert_eq!(append(&another, &next).await.unwrap(), Appended::Committed);
            tried += 1;
        }
        std::fs::remove_dir_all(&table).unwrap();
        copy(&after, &table);
    }
    assert!(tried > 10, "{tried}");
}

#[tokio::test]
async fn heads_are_the_newest_cuts_of_every_group_however_long_the_log() {
    let world = world().await;
    let region = world.secondary();
    region.create_ledger("east").await.unwrap();
    let mut of: Vec<Vec<Cut>> = vec![Vec::new(); 2];
    for n in 0..150 {
        let cuts = &mut of[usize::from(n % 5 == 0)];
        let group = ["often", "seldom"][usize::from(n % 5 == 0)];
        let next = cut(group, &format!("r{n}"), cuts.last());
        assert_eq!(append(region, &next).await.unwrap(), Appended::Committed);
        cuts.push(next);
    }
    let heads = region.ledger_heads().await.unwrap();
    let all = region.ledger().await.unwrap();
    assert!(heads.heads_only && heads.cuts.as_ref().unwrap().cuts.len() < 60);
    assert_eq!(all.cuts.as_ref().unwrap().cuts, of.concat());
    assert!(heads_agree(&heads, &all));
    assert_eq!(heads.all_cuts().divergence("often"), None);
    // Another process knows nothing of this one's reading.
    let late = cut("often", "late", of[0].get(3));
    assert!(matches!(
        append(region, &late).await.unwrap(),
        Appended::Lost(_) | Appended::Diverged(_)
    ));
}

#[tokio::test]
async fn what_is_past_its_retention_goes_and_a_version_of_yesterday_stays() {
    let world = world().await;
    let folder = world.path("west/sync/_drsync/sync_metadata");
    let now = Arc::new(Mutex::new(Utc::now()));
    let region = open(&world, &now);
    region.create_ledger("east").await.unwrap();
    let count = |inner: &str| std::fs::read_dir(folder.join(inner)).unwrap().count();
    let mut most = 0;
    for n in 0..400_i64 {
        *now.lock().unwrap() += TimeDelta::minutes(30);
        let at = *now.lock().unwrap();
        let row = Row::first_seen("g", None, vec![], at).failed(format!("m{n}"), at);
        region.write_rows(&[row]).await.unwrap();
        if n > 200 {
            most = most.max(count("") + count("_delta_log"));
        }
    }
    // Two days of commits, a checkpoint for every ten of them, and the file of each.
    assert!(most < 96 * 2 + 96 / 10 + 50, "{most}");
    let store = TableStore::local(&folder);
    let versions = delta::versions(&store).await.unwrap();
    let yesterday = versions.newest - 48;
    assert!(versions.oldest <= yesterday && versions.oldest > 0);
    for version in [yesterday, versions.newest] {
        let rows = delta::read_rows(&store, Some(version)).await.unwrap();
        assert_eq!(rows.iter().map(arrow_array::RecordBatch::num_rows).sum::<usize>(), 1);
    }
}

#[tokio::test]
async fn what_was_read_around_damage_is_written_anew() {
    let world = world().await;
    let region = world.secondary();
    region.create_ledger("east").await.unwrap();
    let mut all = Vec::new();
    for n in 0..12 {
        let next = cut("g", &format!("r{n}"), all.last());
        append(region, &next).await.unwrap();
        all.push(next);
    }
    let log = world.path("west/sync/_drsync/sync_cuts/_delta_log");
    std::fs::remove_file(log.join("00000000000000000010.checkpoint.parquet")).unwrap();
    let copy = region.ledger_heads().await.unwrap();
    assert_eq!(copy.troubles.len(), 1, "{:?}", copy.troubles);
    assert!(!copy.troubles[0].unreadable);
    assert_eq!(copy.cuts.unwrap().cuts, all);
    region.mend(LedgerTable::Cuts).await.unwrap();
    let copy = region.ledger().await.unwrap();
    assert_eq!((copy.troubles, copy.cuts.unwrap().cuts), (vec![], all));
}

#[tokio::test]
async fn what_two_processes_know_of_a_ledger_is_what_it_says_whoever_wrote_last() {
    let world = world().await;
    let now = Arc::new(Mutex::new(Utc::now()));
    let processes = [open(&world, &now), open(&world, &now)];
    processes[0].create_ledger("east").await.unwrap();
    let groups = ["a", "b", "c"];
    let mut cuts: BTreeMap<&str, Vec<Cut>> = BTreeMap::new();
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    // Enough for files to be made few on two shelves, in runs of one process and by turns.
    for n in 0..170_usize {
        *now.lock().unwrap() += TimeDelta::seconds(1);
        let group = groups[n * 7 % 3];
        let process = &processes[n * n / 20 % 2];
        let of_group = cuts.entry(group).or_default();
        let next = cut(group, &format!("r{n}"), of_group.last());
        if n % 3 == 0 {
            process.copy_cuts(std::slice::from_ref(&next)).await.unwrap();
        } else {
            assert_eq!(append(process, &next).await.unwrap(), Appended::Committed);
        }
        of_group.push(next);
        if n % 4 == 0 {
            let at = *now.lock().unwrap();
            let row = Row::first_seen(group, None, vec![], at).failed(format!("m{n}"), at);
            process.write_rows(std::slice::from_ref(&row)).await.unwrap();
            rows.insert(group, row);
        }
        for process in &processes {
            let known = process.newest_cuts(&groups).await.unwrap();
            for (group, cuts) in &cuts {
                assert_eq!(known.newest(group), cuts.last(), "{n}");
            }
        }
        if n % 10 == 0 {
            let read = open(&world, &now).ledger().await.unwrap();
            assert_eq!(
                read.cuts.unwrap().cuts,
                cuts.values().flatten().cloned().collect::<Vec<_>>()
            );
            let messages = |row: &Row| (row.group_name.clone(), row.message.clone());
            let read: Vec<_> = read.metadata.unwrap().rows.iter().map(messages).collect();
            assert_eq!(read, rows.values().map(messages).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn a_column_that_somebody_gave_to_sync_metadata_keeps_its_values_at_their_groups() {
    let world = world().await;
    let now = Arc::new(Mutex::new(Utc::now()));
    let [one, other] = [open(&world, &now), open(&world, &now)];
    let at = *now.lock().unwrap();
    let row = |group: &str, n: i64| {
        let at = at + TimeDelta::seconds(n);
        Row::first_seen(group, None, vec![], at).failed(format!("m{n}"), at)
    };
    one.create_ledger("east").await.unwrap();
    one.write_rows(&[row("b", 0), row("d", 0)]).await.unwrap();

    let table = world.path("west/sync/_drsync/sync_metadata");
    let store = TableStore::local(&table);
    let author = || delta::Author {
        now_ms: Utc::now().timestamp_millis(),
        engine_info: "somebody".to_owned(),
        user_name: None,
        job: None,
    };
    let note = delta::NewColumn { path: vec!["note".to_owned()], kind: DataType::Int64 };
    delta::add_columns(&store, vec![note], delta::Expect::Anything, author()).await.unwrap();
    let read = delta::read_rows(&store, None).await.unwrap().remove(0);
    let mut columns = read.columns().to_vec();
    *columns.last_mut().unwrap() = Arc::new(Int64Array::from(vec![20, 40]));
    let noted = RecordBatch::try_new(read.schema(), columns).unwrap();
    delta::overwrite(&store, noted, delta::Expect::Anything, author()).await.unwrap();

    let notes = async || {
        let rows = delta::read_rows(&TableStore::local(&table), None).await.unwrap();
        let rows = concat_batches(&rows[0].schema(), &rows).unwrap();
        let text = |name| rows.column_by_name(name).unwrap().as_string::<i32>().clone();
        let notes = rows.column_by_name("note").unwrap().as_primitive::<Int64Type>().clone();
        let each = text("group_name")
            .iter()
            .zip(&text("message"))
            .zip(&notes)
            .map(|((group, message), note)| {
                format!("{} {} {note:?}", group.unwrap(), message.unwrap())
            })
            .collect::<Vec<_>>();
        each.join(", ")
    };
    one.write_rows(&[row("c", 1), row("d", 1)]).await.unwrap();
    assert_eq!(notes().await, "b m0 Some(20), c m1 None, d m1 Some(40)");
    // What it knows by now, and what another reads.
    one.write_rows(&[row("a", 2), row("b", 2)]).await.unwrap();
    other.write_rows(&[row("d", 3)]).await.unwrap();
    let wanted = "a m2 None, b m2 Some(20), c m1 None, d m3 Some(40)";
    assert_eq!(notes().await, wanted);

    // And what was read around damage.
    for n in 4..12 {
        other.write_rows(&[row("c", n)]).await.unwrap();
    }
    std::fs::remove_file(table.join("_delta_log/00000000000000000010.checkpoint.parquet")).unwrap();
    assert_eq!(one.ledger().await.unwrap().troubles.len(), 1);
    one.mend(LedgerTable::Metadata).await.unwrap();
    assert_eq!(one.ledger().await.unwrap().troubles, []);
    assert_eq!(notes().await, wanted.replace("c m1", "c m11"));
}

#[tokio::test]
async fn a_ledger_that_was_put_aside_and_made_again_is_not_taken_for_the_one_that_was_known() {
    let world = world().await;
    let now = Arc::new(Mutex::new(Utc::now()));
    let [one, other] = [open(&world, &now), open(&world, &now)];
    let at = *now.lock().unwrap();
    let row = |group: &str| Row::first_seen(group, None, vec![], at);
    let first = |group: &str| cut(group, "r", None);
    one.create_ledger("east").await.unwrap();
    one.write_rows(&[row("before")]).await.unwrap();
    append(&one, &first("before")).await.unwrap();
    for table in [LedgerTable::Metadata, LedgerTable::Cuts] {
        other.put_aside(table, &format!("{}-aside", table.name())).await.unwrap();
    }
    // It comes to the very versions that the first had.
    other.create_ledger("east").await.unwrap();
    other.write_rows(&[row("after")]).await.unwrap();
    append(&other, &first("after")).await.unwrap();
    assert_eq!(one.newest_cuts(&["before"]).await.unwrap().newest("before"), None);
    one.write_rows(&[row("now")]).await.unwrap();
    assert_eq!(append(&one, &first("now")).await.unwrap(), Appended::Committed);
    let read = open(&world, &now).ledger().await.unwrap();
    let groups: Vec<_> =
        read.metadata.unwrap().rows.into_iter().map(|row| row.group_name).collect();
    assert_eq!(groups, ["after", "now"]);
    let groups: Vec<_> = read.cuts.unwrap().cuts.into_iter().map(|cut| cut.group_name).collect();
    assert_eq!(groups, ["after", "now"]);
}

#[tokio::test]
async fn a_row_that_is_no_cut_stays_however_often_the_files_of_the_log_would_be_made_few() {
    for group_name in [json!("odd"), Value::Null] {
        let world = world().await;
        let now = Arc::new(Mutex::new(Utc::now()));
        let region = open(&world, &now);
        region.create_ledger("east").await.unwrap();
        append(&region, &cut("odd", "r", None)).await.unwrap();
        let folder = world.path("west/sync/_drsync/sync_cuts");
        let somebody = Writer { user: "someone@example.com".to_owned(), clock: Arc::new(Utc::now) };
        let change = |row: &mut Value| {
            row["cut_number"] = json!(-1);
            row["group_name"] = group_name.clone();
            true
        };
        WritableTable::at(folder, somebody).update(change).await.unwrap();
        let odd = region.ledger().await.unwrap().cuts.unwrap().odd;
        assert_eq!(odd.len(), 1);
        let mut cuts: Vec<Cut> = Vec::new();
        for n in 0..30 {
            let next = cut("g", &format!("r{n}"), cuts.last());
            assert_eq!(append(&region, &next).await.unwrap(), Appended::Committed);
            cuts.push(next);
        }
        let read = region.ledger().await.unwrap().cuts.unwrap();
        assert_eq!((read.odd, read.cuts), (odd, cuts), "{group_name}");
    }
}
