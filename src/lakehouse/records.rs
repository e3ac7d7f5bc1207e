//! The ledger of an embedded lakehouse: two Delta tables under the sync location, changed by conditional commits.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow_schema::Schema;
use rand::Rng;

use super::LakehouseRegion;
use super::delta::{self, DeltaError, Detail, Expect, NewTable, TableStore};
use super::refusal::refusal;
use crate::config::Location;
use crate::ledger::{
    Cut, Cuts, FOLDER, Row, SYNC_CUTS, SYNC_METADATA, WORKSPACE_PROPERTY, columns_needed,
    merge_rows,
};
use crate::region::{Appended, CutTable, LedgerCopy, MetadataTable, RegionError, RegionErrorKind};

mod columns;
mod rows;

use columns::{cuts_as_in, lacking, sync_cuts, sync_metadata};
pub(super) use rows::{to_batch, to_json};

/// How often a write that lost its race is made again: each loss is another writer's gain, so all come through in the end.
const ATTEMPTS: u32 = 200;
/// Live files of the cut log at which they are made one: every append adds one, and reading opens all.
const CUT_FILES_MAX: usize = 32;

const TABLES: [&str; 2] = [SYNC_METADATA, SYNC_CUTS];

/// A table's content at its newest version.
struct Content<T> {
    version: u64,
    workspace: Option<String>,
    rows: Vec<T>,
    files: usize,
    columns: Schema,
}

pub(super) async fn read(region: &LakehouseRegion) -> Result<LedgerCopy, RegionError> {
    let metadata = read_table::<Row>(region, SYNC_METADATA).await?;
    let cuts = read_table::<Cut>(region, SYNC_CUTS).await?;
    Ok(LedgerCopy {
        metadata: metadata.map(
            |Content {
                 version,
                 workspace,
                 mut rows,
                 ..
             }| {
                rows.sort_by(|one, other| one.group_name.cmp(&other.group_name));
                MetadataTable {
                    version,
                    workspace,
                    rows,
                }
            },
        ),
        cuts: cuts.map(
            |Content {
                 version,
                 workspace,
                 mut rows,
                 ..
             }| {
                rows.sort_by(|one, other| place(one).cmp(&place(other)));
                CutTable {
                    version,
                    workspace,
                    cuts: rows,
                }
            },
        ),
    })
}

fn place(cut: &Cut) -> (&str, u64) {
    (&cut.group_name, cut.cut_number)
}

pub(super) async fn create(region: &LakehouseRegion, workspace: &str) -> Result<(), RegionError> {
    for name in TABLES {
        let doing = format!("create {name}");
        let failed = |error| refusal(&doing, &error);
        let store = table(region, name);
        let new = NewTable {
            schema: if name == SYNC_CUTS {
                sync_cuts()
            } else {
                sync_metadata()
            },
            partition_columns: Vec::new(),
            properties: BTreeMap::from([(WORKSPACE_PROPERTY.to_owned(), workspace.to_owned())]),
        };
        match delta::versions(&store).await {
            Ok(_) => continue,
            Err(DeltaError::NotATable { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
        match delta::create_table(&store, new, region.identity.author()).await {
            Ok(()) => {}
            // Someone else made it meanwhile, which is as good if it is for the same workspace.
            Err(DeltaError::Conflict { .. }) => {
                let there = delta::snapshot(&store, None, Detail::Header)
                    .await
                    .map_err(failed)?;
                let claimed = there.metadata.property(WORKSPACE_PROPERTY);
                if claimed != Some(workspace) {
                    let detail =
                        format!("it was made meanwhile, for {}", claimed.unwrap_or("nobody"));
                    return Err(RegionError::new(RegionErrorKind::Conflict, doing, detail));
                }
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

pub(super) async fn clone_missing(region: &LakehouseRegion, from: &str) -> Result<(), RegionError> {
    for name in TABLES {
        let doing = format!("clone {name} from {from}");
        let failed = |error| refusal(&doing, &error);
        let target = table(region, name);
        match delta::versions(&target).await {
            Ok(_) => continue,
            Err(DeltaError::NotATable { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
        let Some(root) = Location::literal_path(from) else {
            let detail = "an embedded lakehouse reads tables of this machine only";
            return Err(RegionError::new(
                RegionErrorKind::Unsupported,
                doing,
                detail,
            ));
        };
        let source = TableStore::within(root, &format!("{FOLDER}/{name}"));
        let there = delta::snapshot(&source, None, Detail::Header)
            .await
            .map_err(failed)?;
        let claim = there.metadata.property(WORKSPACE_PROPERTY);
        let claim = claim.map(|workspace| (WORKSPACE_PROPERTY.to_owned(), workspace.to_owned()));
        let options = delta::CloneOptions {
            properties: claim.into_iter().collect(),
            expect: Expect::Absent,
            author: region.identity.author(),
            source_name: name.to_owned(),
            progress: delta::Progress::default(),
        };
        match delta::deep_clone(&source, there.version, &target, options).await {
            // Someone else made it meanwhile.
            Ok(_) | Err(DeltaError::Conflict { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

pub(super) async fn write_rows(region: &LakehouseRegion, rows: &[Row]) -> Result<u64, RegionError> {
    let doing = format!("write {SYNC_METADATA}");
    let store = table(region, SYNC_METADATA);
    for attempt in 0..ATTEMPTS {
        let Content {
            version,
            rows: before,
            ..
        } = existing::<Row>(region, SYNC_METADATA).await?;
        let mut after: BTreeMap<String, Row> = BTreeMap::new();
        for row in &before {
            // Only somebody else can have made two rows of one group.
            let one = BTreeMap::from([(row.group_name.clone(), row.clone())]);
            after = merge_rows(&after, &one);
        }
        for row in rows {
            after.insert(row.group_name.clone(), row.clone());
        }
        let unchanged = before.len() == after.len()
            && before
                .iter()
                .all(|row| after.get(&row.group_name) == Some(row));
        if unchanged {
            return Ok(version);
        }
        let after: Vec<Row> = after.into_values().collect();
        let batch = to_batch(sync_metadata(), &after).map_err(|error| refusal(&doing, &error))?;
        let author = region.identity.author();
        match delta::overwrite(&store, batch, Expect::Version(version), author).await {
            Ok(version) => return Ok(version),
            Err(DeltaError::Conflict { .. }) => pause(attempt).await,
            Err(error) => return Err(refusal(&doing, &error)),
        }
    }
    Err(crowded(doing))
}

/// Reads, appends what may be and reads again, until the log itself says what came of every cut.
pub(super) async fn append_cuts(
    region: &LakehouseRegion,
    cuts: &[Cut],
) -> Vec<Result<Appended, RegionError>> {
    let mut answers: Vec<Option<Appended>> = vec![None; cuts.len()];
    let refused = match append_open(region, cuts, &mut answers).await {
        Ok(()) => crowded(format!("append to {SYNC_CUTS}")),
        Err(refusal) => refusal,
    };
    let one_each = cuts.iter().zip(answers);
    let one_each = one_each.map(|(cut, answer)| {
        answer.ok_or_else(|| RegionError {
            doing: format!(
                "append cut {} of {} to {SYNC_CUTS}",
                cut.cut_number, cut.group_name
            ),
            ..refused.clone()
        })
    });
    one_each.collect()
}

/// Answers what it can; `Ok`: all of them, or others were always faster.
async fn append_open(
    region: &LakehouseRegion,
    cuts: &[Cut],
    answers: &mut [Option<Appended>],
) -> Result<(), RegionError> {
    let doing = format!("append to {SYNC_CUTS}");
    let mut trouble = None;
    for attempt in 0..ATTEMPTS {
        let Content {
            version,
            rows,
            files,
            columns,
            ..
        } = existing::<Cut>(region, SYNC_CUTS).await?;
        let log = Cuts::new(rows);
        let mut open: Vec<Cut> = Vec::new();
        for (cut, answer) in cuts.iter().zip(answers.iter_mut()) {
            if answer.is_none() {
                *answer = decided(cut, &log);
            }
            if answer.is_none() {
                open.push(cut.clone());
            }
        }
        if open.is_empty() {
            if answers.contains(&Some(Appended::Committed)) {
                join_files(region, files).await;
            }
            return Ok(());
        }
        // The reply is not believed: the log, read again, says what came of it.
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        match append(region, version, columns, &open).await {
            Ok(()) => {}
            Err(DeltaError::Conflict { .. }) => pause(attempt).await,
            Err(error) => trouble = Some(refusal(&doing, &error)),
        }
    }
    Ok(())
}

/// Appends cuts on top of the log as it was read. What it lacks a column for gets one before, by a commit of its own:
/// whoever meets the table in between finds a column that is null.
async fn append(
    region: &LakehouseRegion,
    version: u64,
    columns: Schema,
    cuts: &[Cut],
) -> Result<(), DeltaError> {
    let store = table(region, SYNC_CUTS);
    let author = || region.identity.author();
    let needed = columns_needed(cuts).map_err(|name| DeltaError::Unsupported {
        location: store.location(),
        why: format!(
            "a cut says something of {name}, which only the version of drsync that wrote it can write"
        ),
    })?;
    let lacking = lacking(&columns, &needed);
    let (version, columns) = match lacking.is_empty() {
        true => (version, columns),
        false => {
            let expect = Expect::Version(version);
            let version = delta::add_columns(&store, lacking, expect, author()).await?;
            let header = delta::snapshot(&store, Some(version), Detail::Header).await?;
            (version, delta::columns(&header)?)
        }
    };
    let batch = to_batch(cuts_as_in(&columns), cuts)?;
    delta::append(&store, batch, Expect::Version(version), author())
        .await
        .map(drop)
}

/// What the log says of a cut that is to be appended; `None`: it may be.
fn decided(cut: &Cut, log: &Cuts) -> Option<Appended> {
    let mut same_number = log
        .of(&cut.group_name)
        .filter(|it| it.cut_number == cut.cut_number);
    let ours =
        |other: &&Cut| other.run_id == cut.run_id && other.previous_sha256 == cut.previous_sha256;
    let (mut lost, mut there) = (None, false);
    for other in same_number.by_ref() {
        if ours(&other) {
            return Some(Appended::Committed);
        }
        there = true;
        if other.previous_sha256 == cut.previous_sha256 {
            lost = Some(other.clone());
        }
    }
    let newest = log.newest(&cut.group_name);
    match lost {
        Some(other) => Some(Appended::Lost(Box::new(other))),
        None if !there && cut.follows(newest) => None,
        None => Some(Appended::Diverged(newest.cloned().map(Box::new))),
    }
}

pub(super) async fn copy_cuts(region: &LakehouseRegion, cuts: &[Cut]) -> Result<(), RegionError> {
    let doing = format!("copy cuts to {SYNC_CUTS}");
    let wanted = Cuts::new(cuts.iter().cloned());
    for attempt in 0..ATTEMPTS {
        let Content {
            version,
            rows,
            files,
            columns,
            ..
        } = existing::<Cut>(region, SYNC_CUTS).await?;
        let missing = wanted.missing_from(&rows);
        if missing.is_empty() {
            join_files(region, files).await;
            return Ok(());
        }
        match append(region, version, columns, &missing).await {
            Ok(()) => return Ok(()),
            Err(DeltaError::Conflict { .. }) => pause(attempt).await,
            Err(error) => return Err(refusal(&doing, &error)),
        }
    }
    Err(crowded(doing))
}

/// Makes the files of the cut log one when they are many. The cuts are in the log already, so failing does no harm.
async fn join_files(region: &LakehouseRegion, files: usize) {
    if files > CUT_FILES_MAX {
        let log = super::write::Table::of(table(region, SYNC_CUTS), region.identity.clone());
        let _ = log.optimize().await;
    }
}

fn table(region: &LakehouseRegion, name: &str) -> TableStore {
    region.under_root(&format!("{FOLDER}/{name}"))
}

async fn existing<T: rows::Record>(
    region: &LakehouseRegion,
    name: &str,
) -> Result<Content<T>, RegionError> {
    read_table(region, name).await?.ok_or_else(|| {
        let detail = format!("there is no such table under {}", region.location);
        RegionError::new(RegionErrorKind::NotFound, format!("read {name}"), detail)
    })
}

async fn read_table<T: rows::Record>(
    region: &LakehouseRegion,
    name: &str,
) -> Result<Option<Content<T>>, RegionError> {
    let store = table(region, name);
    let failed = |error: DeltaError| {
        let refused = refusal(format!("read {name}"), &error);
        match refused.kind {
            // The table is there: what is missing is a part of it.
            RegionErrorKind::NotFound => RegionError {
                kind: RegionErrorKind::Other,
                ..refused
            },
            RegionErrorKind::Denied
            | RegionErrorKind::Unavailable
            | RegionErrorKind::SignedOut
            | RegionErrorKind::Conflict
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => refused,
        }
    };
    let header = match delta::snapshot(&store, None, Detail::Summary).await {
        Ok(header) => header,
        Err(DeltaError::NotATable { .. }) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let batches = delta::read_rows(&store, Some(header.version))
        .await
        .map_err(failed)?;
    let rows = rows::records(&batches).map_err(failed)?;
    Ok(Some(Content {
        version: header.version,
        workspace: header
            .metadata
            .property(WORKSPACE_PROPERTY)
            .map(str::to_owned),
        rows,
        files: header.files.len(),
        columns: delta::columns(&header).map_err(failed)?,
    }))
}

/// Waits a moment after a lost race, a random one, so that the same writers do not meet again.
async fn pause(attempt: u32) {
    let most = 4 * u64::from(attempt.min(15) + 1);
    let millis = rand::rng().random_range(1..=most);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

fn crowded(doing: String) -> RegionError {
    let detail = format!("others were faster {ATTEMPTS} times");
    RegionError::new(RegionErrorKind::Conflict, doing, detail).transient()
}
