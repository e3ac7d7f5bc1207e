//! Replicas in the secondary's own catalog: external tables of the same name, over the same files.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt, stream};

use super::refusal::Refusal;
use super::statements::Intent;
use super::wire::{ColumnInfo, TableInfo};
use super::{Service, access, catalog};
use crate::config::{LocationAddress, TableName};
use crate::ledger::{Cut, CutTableEntry};
use crate::region::{Grant, RegionError, RegionErrorKind, Registered, Unregistered};
use crate::sentence::Sentence;
use crate::sql::{self, Statement};

/// Tables at once.
const AT_ONCE: usize = 4;
/// A warehouse may have to start first; what takes longer is left to the next apply.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// A look that takes longer tells of none.
const LONGEST_LOOK: Duration = Duration::from_secs(30);
/// Tables that one text names.
const NAMED: usize = 3;
const DOING: &str = "register replicas in the secondary's workspace";

/// Registers the replicas of cuts that are not, and takes changed schemas over for those that are; `sources` has the tables that
/// they are of.
pub(super) async fn register(
    registrar: &Service,
    sources: &Service,
    cuts: &[Cut],
) -> Result<Registered, RegionError> {
    let principal = registrar.principal().await;
    let principal = principal.map_err(|refusal| refusal.doing(DOING))?;
    let work = register_all(registrar, sources, &principal, cuts);
    let text = "its workspace does not answer in time";
    tokio::time::timeout(LONGEST, work).await.map_err(|_| unanswered(text.into()))
}

/// Nothing is registered in a workspace that does not answer.
pub(super) fn unanswered(why: Sentence) -> RegionError {
    RegionError::new(RegionErrorKind::Unavailable, DOING, why)
}

/// Which of these replicas are registered, each by its name and the place where it lies.
pub(super) async fn registered(registrar: &Service, replicas: &[(TableName, String)]) -> Vec<bool> {
    if replicas.is_empty() {
        return Vec::new();
    }
    let names: Vec<TableName> = replicas.iter().map(|(name, _)| name.clone()).collect();
    let asked = catalog::infos(&registrar.client, &names);
    let Ok((there, _)) = tokio::time::timeout(LONGEST_LOOK, asked).await else {
        return vec![false; replicas.len()];
    };
    let both = there.into_iter().zip(replicas);
    both.map(|(info, (_, location))| info.is_ok_and(|info| lies_at(&info, location))).collect()
}

async fn register_all(
    registrar: &Service,
    sources: &Service,
    principal: &str,
    cuts: &[Cut],
) -> Registered {
    let entries = newest_entries(cuts);
    let names: Vec<TableName> = entries.iter().map(|entry| entry.table.clone()).collect();
    let (there, _) = catalog::infos(&registrar.client, &names).await;
    let mut refused: Vec<(&TableName, Refusal)> = Vec::new();
    let (mut strangers, mut missing, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for (entry, info) in entries.into_iter().zip(there) {
        match info {
            Ok(info) if lies_at(&info, &entry.replica_location) => held.push((entry, info)),
            Ok(info) => strangers.push(refuse_stranger(entry, info)),
            Err(refusal) if refusal.no_table() => missing.push(entry),
            Err(refusal) => refused.push((&entry.table, refusal)),
        }
    }
    let create = |entry: &CutTableEntry| sql::register(&entry.table, &entry.replica_location);
    let new: Vec<TableName> = missing.iter().map(|entry| entry.table.clone()).collect();
    let mut statements: Vec<(&TableName, Statement)> =
        missing.into_iter().map(|entry| (&entry.table, create(entry))).collect();
    let names: Vec<TableName> = held.iter().map(|(entry, _)| entry.table.clone()).collect();
    let (sources, _) = catalog::infos(&sources.client, &names).await;
    for ((entry, info), source) in held.into_iter().zip(sources) {
        match source {
            Ok(source) if columns(&source.columns) == columns(&info.columns) => {}
            Ok(_) => statements.push((&entry.table, sql::sync_metadata(&entry.table))),
            Err(refusal) => refused.push((&entry.table, refusal)),
        }
    }
    let mut tables = Vec::new();
    for (table, refusal) in run_some_at_once(registrar, &statements).await {
        match refusal {
            // A source that went on since the cut is no news of the replica.
            None if !new.contains(table) => {}
            None => tables.push(table.clone()),
            Some(refusal) => refused.push((table, refusal)),
        }
    }
    tables.sort();
    let needed = needed(registrar, &refused, cuts, principal).await;
    let place = registrar.client.base().as_str().trim_end_matches('/');
    let refused = group_refusals(refused, &needed, place);
    Registered { tables, refused: strangers.into_iter().chain(refused).collect() }
}

/// Another table lies in the place of a replica, under its name.
fn refuse_stranger(entry: &CutTableEntry, info: TableInfo) -> Unregistered {
    let why = format!(
        "the secondary has a table {} of its own at {}, which stays as it is; rename it, and the next apply registers the replica at {}",
        entry.table,
        info.storage_location.unwrap_or_default(),
        entry.replica_location
    );
    Unregistered { tables: vec![entry.table.clone()], why: why.into() }
}

/// Runs a statement for each table, and says why it was refused where it was.
async fn run_some_at_once<'a>(
    registrar: &Service,
    statements: &[(&'a TableName, Statement)],
) -> Vec<(&'a TableName, Option<Refusal>)> {
    let runs: Vec<_> = statements
        .iter()
        .map(|(table, statement)| async move {
            let run = registrar.sql.run(statement, Intent::Write).await;
            (*table, run.err())
        })
        .collect();
    stream::iter(runs).buffer_unordered(AT_ONCE).collect().await
}

/// Of every table the entry of the newest cut that names it.
fn newest_entries(cuts: &[Cut]) -> Vec<&CutTableEntry> {
    let mut newest: BTreeMap<&TableName, (&Cut, &CutTableEntry)> = BTreeMap::new();
    for cut in cuts {
        for entry in &cut.tables {
            let known = newest.entry(&entry.table).or_insert((cut, entry));
            if known.0.committed_at < cut.committed_at {
                *known = (cut, entry);
            }
        }
    }
    newest.into_values().map(|(_, entry)| entry).collect()
}

fn lies_at(info: &TableInfo, location: &str) -> bool {
    let there = info.storage_location.as_deref();
    there.is_some_and(|there| LocationAddress::is_one_place(there, location))
}

/// The grants that the tables need in the secondary which were refused.
async fn needed(
    registrar: &Service,
    refused: &[(&TableName, Refusal)],
    cuts: &[Cut],
    principal: &str,
) -> Vec<Grant> {
    let tables = refused.iter().map(|(table, _)| *table);
    let mut needed: Vec<Grant> =
        tables.flat_map(|table| Grant::to_create(table, principal)).collect();
    let of_location = |(_, refusal): &&(&TableName, Refusal)| {
        refusal.lack().is_some_and(|lack| lack.is_of_location())
    };
    if let Some((table, _)) = refused.iter().find(of_location)
        && let Some(entry) = newest_entries(cuts).into_iter().find(|entry| entry.table == **table)
    {
        // All replicas lie in one sync location.
        let name = access::covering(&registrar.client, &entry.replica_location).await;
        needed.extend(name.map(|name| Grant::to_register(&name, principal)));
    }
    needed
}

/// What was refused by the workspace at an address, one text a cause.
fn group_refusals(
    mut refused: Vec<(&TableName, Refusal)>,
    needed: &[Grant],
    place: &str,
) -> Vec<Unregistered> {
    refused.sort_by_key(|(table, _)| *table);
    let mut causes: Vec<(Refusal, Vec<&TableName>)> = Vec::new();
    for (table, refusal) in refused {
        let like = |(known, _): &&mut (Refusal, _)| {
            (known.kind, &known.code, known.status) == (refusal.kind, &refusal.code, refusal.status)
        };
        match causes.iter_mut().find(like) {
            Some((_, tables)) => tables.push(table),
            None => causes.push((refusal, vec![table])),
        }
    }
    let texts = causes.into_iter().map(|(refusal, tables)| {
        let named: Vec<String> = tables.iter().take(NAMED).map(ToString::to_string).collect();
        let more = match tables.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let why = format!(
            "not registered in the secondary's catalog: {}{more}: {}; the next apply tries again",
            named.join(", "),
            with_remedy(refusal, needed, place)
        );
        Unregistered { tables: tables.into_iter().cloned().collect(), why: why.into() }
    });
    texts.collect()
}

fn with_remedy(refusal: Refusal, needed: &[Grant], place: &str) -> Refusal {
    if let Some(grant) = refusal.lack().and_then(|lack| lack.among(needed)) {
        return refusal.hint(&format!("in {place}: {grant}"));
    }
    let remedy = match refusal.kind {
        RegionErrorKind::Denied => {
            "in the secondary the principal needs USE CATALOG, USE SCHEMA and CREATE TABLE, and CREATE EXTERNAL TABLE on the external location"
        }
        RegionErrorKind::NotFound => "make its catalog and schema in the secondary",
        RegionErrorKind::Unavailable
        | RegionErrorKind::SignedOut
        | RegionErrorKind::Conflict
        | RegionErrorKind::Unsupported
        | RegionErrorKind::Other => return refusal,
    };
    refusal.hint(remedy)
}

fn columns(columns: &[ColumnInfo]) -> Vec<(String, Option<&str>)> {
    columns.iter().map(|column| (column.name.to_lowercase(), column.type_text.as_deref())).collect()
}
