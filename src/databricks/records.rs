//! The ledger on Databricks: path tables under the sync location, changed by MERGE and decided by reading back.

use std::time::Duration;

use futures::{join, try_join};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::DatabricksLocation;
use super::histories::{TableDetail, details};
use super::refusal::{ROW_UNREADABLE, Refusal};
use super::rows::ResultRows;
use super::statements::Intent;
use crate::ledger::{
    Cut, CutRow, Cuts, FOLDER, NEEDS_PROPERTY, OddCut, Row, SYNC_CUTS, SYNC_METADATA,
    WORKSPACE_PROPERTY, columns_appended, need_of_later_version,
};
use crate::pause::{Twice, may_try_again};
use crate::region::{
    Appended, CutTable, LedgerCopy, LedgerTable, MetadataTable, RegionError, RegionErrorKind,
    TableTrouble,
};
use crate::sql::{self, CutColumns, Relation, Statement};

/// How often a write that lost its race, or whose reply was lost, is made again; all of them may be repeated.
const ATTEMPTS: u32 = 8;
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_LONGEST: Duration = Duration::from_secs(10);
/// Bytes of JSON in one statement: its text and parameters together may have 16 MiB.
const JSON_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Cuts in one statement: each asks after its group with two parameters.
const CUTS_AT_ONCE: usize = 32;

/// A table's content.
struct Content {
    version: u64,
    workspace: Option<String>,
    rows: ResultRows,
}

/// A ledger table under a sync location.
pub(super) fn table_at(location: &str, name: &str) -> Relation {
    Relation::Path(format!("{}/{FOLDER}/{name}", location.trim_end_matches('/')))
}

/// Reads both tables, of the cut log all cuts or of every group the newest alone.
pub(super) async fn read(
    location: &DatabricksLocation,
    heads_only: bool,
) -> Result<LedgerCopy, RegionError> {
    let doing = |name: &str| format!("read {name} under {}", location.address);
    let read_cuts = if heads_only { sql::read_heads } else { sql::read_cuts };
    let (metadata, cuts) = join!(
        content(location, SYNC_METADATA, sql::read_rows),
        content(location, SYNC_CUTS, read_cuts)
    );
    let mut troubles = Vec::new();
    let mut unreadable = |table: LedgerTable, refusal: Refusal| {
        let error = refusal.doing(doing(table.name()));
        troubles.push(TableTrouble { table, error, unreadable: true });
    };
    let metadata = metadata.and_then(|content| content.map(metadata_table).transpose());
    // It decides nothing, so it is no reason to stop.
    let metadata = match metadata {
        Ok(metadata) => metadata,
        Err(refusal) if refusal.is_of_content() => {
            unreadable(LedgerTable::Metadata, refusal);
            None
        }
        Err(refusal) => return Err(refusal.doing(doing(SYNC_METADATA))),
    };
    let cuts = match cuts.and_then(|content| content.map(cut_table).transpose()) {
        // Its number may be beyond those of the cuts that a plan needs.
        Ok(Some(cuts)) if heads_only && !cuts.odd.is_empty() => {
            return Box::pin(read(location, false)).await;
        }
        Ok(cuts) => cuts,
        Err(refusal) if is_damage(&refusal) => {
            unreadable(LedgerTable::Cuts, refusal);
            None
        }
        Err(refusal) => return Err(refusal.doing(doing(SYNC_CUTS))),
    };
    Ok(LedgerCopy { metadata, cuts, troubles, heads_only })
}

/// Whether a cut log is damaged. An answer that cannot be read says nothing of that.
fn is_damage(refusal: &Refusal) -> bool {
    refusal.is_of_content() && refusal.code != ROW_UNREADABLE
}

fn cut_table(content: Content) -> Result<CutTable, Refusal> {
    let Content { version, workspace, rows } = content;
    let (cuts, odd) = cuts_in(&rows)?;
    // Sorted by group and number.
    let cuts = Cuts::new(cuts).iter().cloned().collect();
    Ok(CutTable { version, workspace, cuts, odd })
}

fn metadata_table(content: Content) -> Result<MetadataTable, Refusal> {
    let mut rows: Vec<Row> = records(&content.rows)?;
    rows.sort_by(|one, other| one.group_name.cmp(&other.group_name));
    Ok(MetadataTable { version: content.version, workspace: content.workspace, rows })
}

/// Copies a metadata table that cannot be read to another name, by reference where its files cannot be copied, and makes an empty one
/// in its place: SQL renames no folder.
pub(super) async fn put_aside(
    location: &DatabricksLocation,
    which: LedgerTable,
    name: &str,
) -> Result<(), RegionError> {
    let table = table_at(&location.address, which.name());
    let doing = |refusal: Refusal| refusal.doing(format!("put {} aside as {name}", which.name()));
    let mut columns = location.cuts.lock().await;
    if which == LedgerTable::Cuts {
        // It decides everything: what can be read after all stays where it is.
        match content(location, SYNC_CUTS, sql::read_cuts).await {
            Ok(_) => return Ok(()),
            Err(refusal) if is_damage(&refusal) => {}
            Err(refusal) => return Err(doing(refusal)),
        }
        *columns = None;
    }
    let found = detail(location, &table).await.map_err(doing)?;
    let claim = found.and_then(|found| found.property(WORKSPACE_PROPERTY).map(str::to_owned));
    let aside = table_at(&location.address, name);
    if let Err(refusal) = repeat(location, &sql::clone_table(&aside, &table)).await {
        let by_reference = repeat(location, &sql::shallow_clone_table(&aside, &table)).await;
        by_reference.map_err(|_| doing(refusal))?;
    }
    let emptied = match which {
        LedgerTable::Metadata => sql::replace_metadata(&table, claim.as_deref()),
        LedgerTable::Cuts => sql::replace_cuts(&table, claim.as_deref()),
    };
    repeat(location, &emptied).await.map_err(doing)
}

async fn content(
    location: &DatabricksLocation,
    name: &str,
    select: impl Fn(&Relation) -> Statement,
) -> Result<Option<Content>, Refusal> {
    let workspace = location.service();
    let table = table_at(&location.address, name);
    let Some(detail) = detail(location, &table).await? else {
        return Ok(None);
    };
    if let Some(text) = need_of_later_version(detail.property(NEEDS_PROPERTY)) {
        return Err(Refusal::new(RegionErrorKind::Unsupported, text));
    }
    let select = select(&table);
    let read = try_join!(version(location, &table), workspace.sql.run(&select, Intent::Look));
    // The table is there: what is missing is a part of it.
    let (version, selected) = read.map_err(|refusal| {
        if refusal.no_table() {
            Refusal { kind: RegionErrorKind::Other, ..refusal }
        } else {
            refusal
        }
    })?;
    let claim = detail.property(WORKSPACE_PROPERTY).map(str::to_owned);
    Ok(Some(Content { version, workspace: claim, rows: selected.rows }))
}

/// A table's detail; `None`: there is no table.
async fn detail(
    location: &DatabricksLocation,
    table: &Relation,
) -> Result<Option<TableDetail>, Refusal> {
    let tables = [table.clone()];
    match details(&location.service().sql, &location.service().batches, &tables).await.pop() {
        // Some services describe a folder of other files too.
        Some(Ok(detail)) => {
            Ok(Some(detail)
                .filter(|it| it.format.as_deref().is_none_or(|format| format == "delta")))
        }
        Some(Err(refusal)) if refusal.no_table() => Ok(None),
        Some(Err(refusal)) => Err(refusal),
        None => Ok(None),
    }
}

async fn version(location: &DatabricksLocation, table: &Relation) -> Result<u64, Refusal> {
    let finished = location.service().sql.run(&sql::history(table, 1), Intent::Look).await?;
    let newest = finished.rows.first().and_then(|row| row.number("version"));
    newest.ok_or_else(|| Refusal::new(RegionErrorKind::Other, "its history is empty"))
}

/// Reads records from the column `row`, a JSON text each; NULLs are left out there.
fn records<T: DeserializeOwned>(rows: &ResultRows) -> Result<Vec<T>, Refusal> {
    let read = |record| serde_json::from_value(record).map_err(|error| unreadable_row(&error));
    values(rows).map(read).collect()
}

/// The same of cuts, and the rows that are none.
fn cuts_in(rows: &ResultRows) -> Result<(Vec<Cut>, Vec<OddCut>), Refusal> {
    let (mut cuts, mut odd) = (Vec::new(), Vec::new());
    for row in values(rows) {
        // What is no object is no row of the log but an answer gone wrong.
        if !row.is_object() {
            return Err(unreadable_row(&"it is no JSON object"));
        }
        match CutRow::read(row) {
            CutRow::Cut(cut) => cuts.push(*cut),
            CutRow::Odd(row) => odd.push(row),
        }
    }
    Ok((cuts, odd))
}

fn values(rows: &ResultRows) -> impl Iterator<Item = Value> {
    rows.iter().map(|row| {
        let mut record: Value =
            serde_json::from_str(row.text("row").unwrap_or_default()).unwrap_or_default();
        if let Value::Object(members) = &mut record {
            for list in ["tables", "accepted"] {
                members.entry(list).or_insert_with(|| Value::Array(Vec::new()));
            }
        }
        record
    })
}

fn unreadable_row(why: &dyn std::fmt::Display) -> Refusal {
    let text = format!("it has a row that drsync cannot read: {why}");
    Refusal { code: ROW_UNREADABLE.to_owned(), ..Refusal::new(RegionErrorKind::Other, text) }
}

pub(super) async fn create(
    location: &DatabricksLocation,
    workspace: &str,
) -> Result<(), RegionError> {
    let create = [
        sql::create_metadata(&table_at(&location.address, SYNC_METADATA), workspace),
        sql::create_cuts(&table_at(&location.address, SYNC_CUTS), workspace),
    ];
    for statement in create {
        repeat(location, &statement).await.map_err(|refusal| {
            refusal.doing(format!("create the metadata tables under {}", location.address))
        })?;
    }
    Ok(())
}

pub(super) async fn clone_from(
    location: &DatabricksLocation,
    from: &str,
) -> Result<(), RegionError> {
    for name in [SYNC_METADATA, SYNC_CUTS] {
        let doing = || format!("clone {name} from {from} to {}", location.address);
        let source = table_at(from, name);
        let there = detail(location, &source).await.map_err(|refusal| refusal.doing(doing()))?;
        if there.is_some() {
            let statement = sql::clone_table(&table_at(&location.address, name), &source);
            repeat(location, &statement).await.map_err(|refusal| refusal.doing(doing()))?;
        }
    }
    Ok(())
}

/// Runs a write that does no harm when it is repeated, until it is known to be done.
pub(super) async fn repeat(
    location: &DatabricksLocation,
    statement: &Statement,
) -> Result<(), Refusal> {
    let timing = location.service().client.timing();
    let mut attempt = 0;
    loop {
        let refusal = match location.service().sql.run(statement, Intent::Write).await {
            Ok(_) => return Ok(()),
            Err(refusal) => refusal,
        };
        attempt += 1;
        if !may_try_again(refusal.failure(), Twice::Harmless, attempt, ATTEMPTS) {
            return Err(refusal);
        }
        timing.sleep(timing.backoff(PAUSE_FIRST, attempt, PAUSE_LONGEST)).await;
    }
}

pub(super) async fn write_rows(
    location: &DatabricksLocation,
    rows: &[Row],
) -> Result<u64, RegionError> {
    let doing = || format!("write {SYNC_METADATA} under {}", location.address);
    let table = table_at(&location.address, SYNC_METADATA);
    let _turn = location.rows.lock().await;
    for part in parts(rows) {
        repeat(location, &sql::merge_rows(&table, part))
            .await
            .map_err(|refusal| refusal.doing(doing()))?;
    }
    version(location, &table).await.map_err(|refusal| refusal.doing(doing()))
}

/// Records as JSON arrays, each small enough for a statement.
fn parts<T: serde::Serialize>(records: &[T]) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    for record in records {
        let text = serde_json::to_string(record).unwrap_or_default();
        if !part.is_empty() && part.len() + text.len() > JSON_BYTES_MAX {
            parts.push(format!("[{}]", std::mem::take(&mut part)));
        }
        if !part.is_empty() {
            part.push(',');
        }
        part.push_str(&text);
    }
    if !part.is_empty() {
        parts.push(format!("[{part}]"));
    }
    parts
}

/// Of each of these groups the cuts from a number on.
async fn cuts_from(
    location: &DatabricksLocation,
    ends: &[(&str, u64)],
) -> Result<(Vec<Cut>, Vec<OddCut>), Refusal> {
    let statement = sql::read_cuts_from(&table_at(&location.address, SYNC_CUTS), ends);
    selected(location, &statement).await
}

/// The cuts that a statement selects, by group and number, and the rows that are none.
async fn selected(
    location: &DatabricksLocation,
    look: &Statement,
) -> Result<(Vec<Cut>, Vec<OddCut>), Refusal> {
    let finished = location.service().sql.run(look, Intent::Look).await?;
    let (cuts, odd) = cuts_in(&finished.rows)?;
    Ok((Cuts::new(cuts).iter().cloned().collect(), odd))
}

/// Reads of these groups at least the newest cut; a log that is not there has none.
pub(super) async fn read_newest_cuts(
    location: &DatabricksLocation,
    groups: &[&str],
) -> Result<Cuts, RegionError> {
    let table = table_at(&location.address, SYNC_CUTS);
    let mut all = Cuts::default();
    for some in groups.chunks(CUTS_AT_ONCE) {
        match selected(location, &sql::read_heads_of(&table, some)).await {
            Ok((cuts, odd)) => {
                let odd = odd.into_iter().filter_map(|odd| odd.group_name);
                all.extend(Cuts::new(cuts).with_odd(odd).of_heads());
            }
            Err(refusal) if refusal.no_table() => {}
            Err(refusal) => {
                return Err(refusal.doing(format!("read {SYNC_CUTS} under {}", location.address)));
            }
        }
    }
    Ok(all)
}

/// One answer a cut, a statement for many.
pub(super) async fn append_cuts(
    location: &DatabricksLocation,
    cuts: &[Cut],
) -> Vec<Result<Appended, RegionError>> {
    let mut columns = location.cuts.lock().await;
    let mut answers = Vec::new();
    for some in cuts.chunks(CUTS_AT_ONCE) {
        let mut answered: Vec<Option<Appended>> = vec![None; some.len()];
        let refused = append_open(location, some, &mut columns, &mut answered).await;
        for (cut, answer) in some.iter().zip(answered) {
            let doing = || {
                let (cut, group) = (cut.label(), &cut.group_name);
                format!("append {cut} of {group} under {}", location.address)
            };
            answers.push(match answer {
                Some(Appended::Diverged(None)) if cut.cut_number > 1 => {
                    Ok(Appended::Diverged(newest(location, cut).await))
                }
                Some(answer) => Ok(answer),
                None => Err(refused.clone().doing(doing())),
            });
        }
    }
    answers
}

/// Reads, appends and reads again until it is clear what is in the log of each cut's group; answers what it can.
///
/// Neither a reply nor its row count is believed. The refusal is that of the cuts left without an answer.
async fn append_open(
    location: &DatabricksLocation,
    cuts: &[Cut],
    columns: &mut Option<CutColumns>,
    answers: &mut [Option<Appended>],
) -> Refusal {
    let table = table_at(&location.address, SYNC_CUTS);
    let timing = location.service().client.timing();
    let mut last: Option<Refusal> = None;
    for attempt in 0..=ATTEMPTS {
        let open = || cuts.iter().zip(answers.iter());
        let open = open().filter(|(_, answer)| answer.is_none());
        let ends: Vec<(&str, u64)> = open
            .map(|(cut, _)| (cut.group_name.as_str(), cut.cut_number.saturating_sub(1)))
            .collect();
        let there = match cuts_from(location, &ends).await {
            Ok(there) => there,
            // Something was sent, and what came of it cannot be seen.
            Err(refusal) if last.is_some() => return refusal.unknown(),
            Err(refusal) => return refusal,
        };
        let open = answer_by_log(location, cuts, &there, answers).await;
        if open.is_empty() || attempt == ATTEMPTS {
            break;
        }
        if last.is_some() {
            timing.sleep(timing.backoff(PAUSE_FIRST, attempt, PAUSE_LONGEST)).await;
        }
        last = Some(Refusal::new(
            RegionErrorKind::Other,
            "it is not in the log although its append succeeded",
        ));
        let known = columns.is_some();
        let written = match columns_for(location, &open, columns).await {
            Ok(columns) => {
                write(location, &open, |part| sql::append_cut(&table, columns, part)).await
            }
            Err(refusal) => Err(refusal),
        };
        match written {
            Ok(()) => {}
            // The log is read before each try.
            Err(refusal)
                if may_try_again(refusal.failure(), Twice::Harmless, attempt, ATTEMPTS) =>
            {
                last = Some(refusal);
            }
            // Somebody may have given the table columns since they were asked for.
            Err(refusal) if known && refusal.kind == RegionErrorKind::Other => {
                *columns = None;
                last = Some(refusal);
            }
            Err(refusal) => return refusal,
        }
    }
    last.unwrap_or_else(|| Refusal::new(RegionErrorKind::Other, "it was not appended"))
}

/// Answers the cuts whose groups have them, or another in their place, in the log; gives the others.
async fn answer_by_log(
    location: &DatabricksLocation,
    cuts: &[Cut],
    (here, odd): &(Vec<Cut>, Vec<OddCut>),
    answers: &mut [Option<Appended>],
) -> Vec<Cut> {
    let mut open: Vec<Cut> = Vec::new();
    for (cut, answer) in cuts.iter().zip(answers.iter_mut()) {
        if answer.is_none() {
            let of_group = here.iter().filter(|it| it.group_name == cut.group_name);
            let mut of_group: Vec<Cut> = of_group.cloned().collect();
            // Its predecessor may have a lower number: one that was ever seen is not given again.
            if of_group.is_empty() && cut.previous_sha256.is_some() {
                of_group.extend(newest(location, cut).await.map(|cut| *cut));
            }
            let names = odd.iter().filter_map(|row| row.group_name.clone());
            *answer = Cuts::new(of_group).with_odd(names).answer_to(cut);
        }
        if answer.is_none() {
            open.push(cut.clone());
        }
    }
    open
}

/// Sends records in as many statements as they need.
async fn write<T: serde::Serialize>(
    location: &DatabricksLocation,
    records: &[T],
    statement: impl Fn(String) -> Statement,
) -> Result<(), Refusal> {
    for part in parts(records) {
        let statement = statement(part);
        location.service().sql.run(&statement, Intent::Write).await?;
    }
    Ok(())
}

/// The columns of the cut log, after giving it those that these cuts need and that it lacks.
async fn columns_for<'a>(
    location: &DatabricksLocation,
    cuts: &[Cut],
    known: &'a mut Option<CutColumns>,
) -> Result<&'a CutColumns, Refusal> {
    let needed = columns_appended(cuts).map_err(|name| {
        let text = format!(
            "a cut says something of {name}, which only the version of drsync that wrote it can write"
        );
        Refusal::new(RegionErrorKind::Unsupported, text)
    })?;
    let columns = match known.take() {
        Some(columns) => columns,
        None => columns(location).await?,
    };
    let lacking = columns.lacking(&needed);
    if lacking.is_empty() {
        return Ok(known.insert(columns));
    }
    let table = table_at(&location.address, SYNC_CUTS);
    let added = repeat(location, &sql::add_cut_columns(&table, &lacking)).await;
    // Another writer may have added them first: what the table has then is what counts.
    let columns = self::columns(location).await?;
    match (added, columns.lacking(&needed).is_empty()) {
        (_, true) => Ok(known.insert(columns)),
        (Err(refusal), false) => Err(refusal),
        (Ok(()), false) => {
            Err(Refusal::new(RegionErrorKind::Other, "it lacks the columns that it was given"))
        }
    }
}

async fn columns(location: &DatabricksLocation) -> Result<CutColumns, Refusal> {
    let look = sql::cut_columns(&table_at(&location.address, SYNC_CUTS));
    let finished = location.service().sql.run(&look, Intent::Look).await?;
    CutColumns::described(&finished.columns).ok_or_else(|| {
        Refusal::new(RegionErrorKind::Other, "its columns are not those of a cut log")
    })
}

async fn newest(location: &DatabricksLocation, cut: &Cut) -> Option<Box<Cut>> {
    let table = table_at(&location.address, SYNC_CUTS);
    let heads = sql::read_heads_of(&table, &[&cut.group_name]);
    let (heads, _) = selected(location, &heads).await.unwrap_or_default();
    heads.into_iter().last().map(Box::new)
}

pub(super) async fn copy_cuts(
    location: &DatabricksLocation,
    cuts: &[Cut],
) -> Result<(), RegionError> {
    let doing = || format!("copy cuts to {SYNC_CUTS} under {}", location.address);
    let table = table_at(&location.address, SYNC_CUTS);
    let mut columns = location.cuts.lock().await;
    let wanted = Cuts::new(cuts.iter().cloned());
    // Of each group what is from the oldest of these on: the log before is not read again.
    let mut ends: Vec<(&str, u64)> = Vec::new();
    for cut in wanted.iter() {
        if ends.last().is_none_or(|(group, _)| *group != cut.group_name) {
            ends.push((&cut.group_name, cut.cut_number));
        }
    }
    let mut here: Vec<Cut> = Vec::new();
    for some in ends.chunks(CUTS_AT_ONCE) {
        let there = cuts_from(location, some).await;
        here.extend(there.map_err(|refusal| refusal.doing(doing()))?.0);
    }
    let missing = wanted.missing_from(&here);
    if missing.is_empty() {
        return Ok(());
    }
    *columns = None;
    let columns = columns_for(location, &missing, &mut columns)
        .await
        .map_err(|refusal| refusal.doing(doing()))?;
    for part in parts(&missing) {
        repeat(location, &sql::copy_cuts(&table, columns, part))
            .await
            .map_err(|refusal| refusal.doing(doing()))?;
    }
    Ok(())
}
