//! Plans and run records, kept in a third small Delta table: `_drsync/evidence/documents` under the sync location.
//!
//! Databricks has no call that writes a file to an external location: the Files API writes to volumes only. A path table needs
//! no right that the ledger does not need, and keeps bytes as they are: `SELECT cast(content AS STRING) FROM delta.…`.

use base64::Engine as _;

use super::DatabricksLocation;
use super::records::{repeat, table_at};
use super::refusal::Refusal;
use super::statements::Intent;
use crate::canonical::sha256_of_bytes;
use crate::ledger::EVIDENCE;
use crate::limits::DOCUMENT;
use crate::region::{
    KeptDocument, KeptRecords, PassedOver, RecordRange, RegionError, RegionErrorKind, apply_of,
};
use crate::sql::{self, Relation, Statement};

/// Bytes of a document in one row: in base64 it has to fit a statement.
const PART_BYTES: usize = 4 * 1024 * 1024;

/// Parts of run records read at once: most records are small and have one, and a result has a limit.
const PARTS_AT_ONCE: usize = 64;

/// Beside what an embedded lakehouse keeps as files: a table cannot be made where files lie.
fn table_of(location: &DatabricksLocation) -> Relation {
    table_at(&location.address, &format!("{EVIDENCE}/documents"))
}

pub(super) async fn keep(
    location: &DatabricksLocation,
    name: &str,
    bytes: &[u8],
) -> Result<(), RegionError> {
    let kept = keep_parts(location, name, bytes).await;
    kept.map_err(|refusal| refusal.doing(format!("keep {name} as evidence")))
}

pub(super) async fn read(
    location: &DatabricksLocation,
    name: &str,
) -> Result<Option<Vec<u8>>, RegionError> {
    let read = read_parts(location, name).await;
    read.map_err(|refusal| refusal.doing(format!("read the evidence {name}")))
}

async fn read_parts(location: &DatabricksLocation, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
    is_file_name(name)?;
    let table = table_of(location);
    let sql = &location.service().sql;
    let kept = match sql.run(&sql::evidence_kept(&table, name), Intent::Look).await {
        Ok(finished) => finished.rows,
        Err(refusal) if refusal.no_table() => return Ok(None),
        Err(refusal) => return Err(refusal),
    };
    let Some(parts) = kept.first().and_then(|row| row.number("parts")) else {
        return Ok(None);
    };
    let mut bytes: Vec<u8> = Vec::new();
    // A part each: together they may be more than a result can carry.
    for part in 0..parts {
        let statement = sql::read_evidence(&table, name, part);
        let finished = sql.run(&statement, Intent::Look).await?;
        let content = finished.rows.first().and_then(|row| row.text("content"));
        // The service may break base64 into lines.
        let text: String = content.unwrap_or_default().split_ascii_whitespace().collect();
        match base64::engine::general_purpose::STANDARD.decode(text) {
            // Whoever may write the table decides how many parts there are.
            Ok(part) if part.is_empty() && parts > 1 => {
                return Err(unlike("a part of it is empty"));
            }
            Ok(part) => bytes.extend(part),
            Err(_) => return Err(unlike("a part of it is not base64")),
        }
        let read = DOCUMENT.allow(bytes.len() as u64);
        read.map_err(|exceeded| unlike(&exceeded.to_string()))?;
    }
    let digest = sha256_of_bytes(&bytes);
    if kept.iter().any(|row| row.text("sha256") == Some(&digest)) {
        Ok(Some(bytes))
    } else {
        Err(unlike("it is not whole, or was altered"))
    }
}

fn unlike(text: &str) -> Refusal {
    Refusal::new(RegionErrorKind::Other, text)
}

fn is_file_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        return Err(Refusal::new(
            RegionErrorKind::Unsupported,
            "its name is not the name of a file",
        ));
    }
    Ok(())
}

async fn keep_parts(
    location: &DatabricksLocation,
    name: &str,
    bytes: &[u8],
) -> Result<(), Refusal> {
    is_file_name(name)?;
    let table = table_of(location);
    let sha256 = sha256_of_bytes(bytes);
    let parts: Vec<&[u8]> =
        if bytes.is_empty() { vec![bytes] } else { bytes.chunks(PART_BYTES).collect() };
    match location.service().sql.run(&sql::evidence_kept(&table, name), Intent::Look).await {
        Ok(finished) => {
            let same = finished.rows.iter().any(|row| row.text("sha256") == Some(&sha256));
            // A document of this name stays as it is; one that was cut off in the middle is completed.
            let whole =
                finished.rows.iter().any(|row| row.number("parts") == Some(parts.len() as u64));
            if finished.rows.first().is_some() && (!same || whole) {
                return Ok(());
            }
        }
        Err(refusal) if refusal.no_table() => {
            repeat(location, &sql::create_evidence(&table)).await?
        }
        Err(refusal) => return Err(refusal),
    }
    for (place, part) in parts.into_iter().enumerate() {
        let content = base64::engine::general_purpose::STANDARD.encode(part);
        repeat(location, &sql::keep_evidence(&table, name, place as u64, content, &sha256)).await?;
    }
    Ok(())
}

/// Run records, oldest first.
pub(super) async fn run_records(
    location: &DatabricksLocation,
    wanted: &RecordRange,
) -> Result<KeptRecords, Refusal> {
    documents(location, wanted, sql::read_run_records).await
}

/// Their signatures, oldest first.
pub(super) async fn record_signatures(
    location: &DatabricksLocation,
    wanted: &RecordRange,
) -> Result<Vec<KeptDocument>, Refusal> {
    Ok(documents(location, wanted, sql::read_record_signatures).await?.documents)
}

/// Documents of one kind, oldest first. They are read from the newest on, a page at a time.
async fn documents(
    location: &DatabricksLocation,
    wanted: &RecordRange,
    statement: impl Fn(&Relation, &RecordRange, usize) -> Statement,
) -> Result<KeptRecords, Refusal> {
    let table = table_of(location);
    let newest = wanted.newest.unwrap_or(usize::MAX);
    let mut until = wanted.until.clone();
    let mut kept = KeptRecords::default();
    loop {
        let range = RecordRange { until: until.clone(), ..wanted.clone() };
        let page = statement(&table, &range, PARTS_AT_ONCE);
        let finished = match location.service().sql.run(&page, Intent::Look).await {
            Ok(finished) => finished,
            Err(refusal) if refusal.no_table() => break,
            Err(refusal) => return Err(refusal),
        };
        let mut found: Vec<(String, Option<Vec<u8>>)> = Vec::new();
        for row in finished.rows.iter() {
            let content = row.text("content").unwrap_or_default();
            let content: String = content.split_ascii_whitespace().collect();
            let part = base64::engine::general_purpose::STANDARD.decode(content);
            found.push((row.text("name").unwrap_or_default().to_owned(), part.ok()));
        }
        let full = found.len() == PARTS_AT_ONCE;
        // Newest first, and of each document the last part first; the oldest of a full page may lack its first parts.
        let oldest = found.last().map(|(name, _)| name.clone());
        if full && found.first().map(|(name, _)| name) != oldest.as_ref() {
            found.retain(|(name, _)| Some(name) != oldest.as_ref());
            if until.is_some() && oldest >= until {
                return Err(unlike("they are listed without end"));
            }
            until = oldest;
        } else {
            until = None;
        }
        for document in found.chunk_by(|(one, _), (other, _)| one == other) {
            let name = document[0].0.clone();
            let parts: Option<Vec<&Vec<u8>>> =
                document.iter().rev().map(|(_, part)| part.as_ref()).collect();
            let why = match parts {
                _ if apply_of(&name).is_none() => "its name is that of no document",
                None => "a part of it is not base64",
                Some(parts) => {
                    let bytes = parts.into_iter().flatten().copied().collect();
                    kept.documents.push(KeptDocument { name, bytes });
                    continue;
                }
            };
            kept.passed_over.push(PassedOver { name, why: why.into() });
        }
        if until.is_none() || kept.documents.len() >= newest {
            break;
        }
    }
    kept.documents.truncate(newest);
    kept.documents.reverse();
    Ok(kept)
}

/// The names of the documents that are kept, sorted.
pub(super) async fn names(
    location: &DatabricksLocation,
    wanted: &RecordRange,
) -> Result<Vec<String>, Refusal> {
    let statement = sql::evidence_names(&table_of(location), wanted);
    let finished = match location.service().sql.run(&statement, Intent::Look).await {
        Ok(finished) => finished,
        Err(refusal) if refusal.no_table() => return Ok(Vec::new()),
        Err(refusal) => return Err(refusal),
    };
    let names = finished.rows.iter().filter_map(|row| row.text("name"));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.retain(|name| apply_of(name).is_some());
    names.sort_unstable();
    Ok(names)
}
