//! The ledger of an embedded lakehouse: two Delta tables under the sync location, changed by conditional commits.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_schema::Schema;

use super::LakehouseLocation;
use super::delta::{self, DeltaError, Expect, NewTable, SnapshotDetail, TableStore};
use super::refusal::refusal;
use crate::config::LocationAddress;
use crate::files;
use crate::ledger::{
    Cut, Cuts, FOLDER, KEPT, NEEDS_PROPERTY, OddCut, Row, SYNC_CUTS, SYNC_METADATA,
    WORKSPACE_PROPERTY, need_of_later_version,
};
use crate::off_thread::off_thread;
use crate::pause::{Twice, before_again, may_try_again};
use crate::region::{
    CutTable, LedgerCopy, LedgerTable, MetadataTable, RegionError, RegionErrorKind, TableTrouble,
};

mod columns;
mod columns_of_others;
mod log;
mod log_end;
mod rows;
mod status_rows;

use columns::{cuts_as_in, sync_cuts, sync_metadata};
use columns_of_others::beside;
pub(super) use log::{KnownCutLog, append_cuts, copy_cuts, newest_cuts};
use log_end::LogEnd;
pub(super) use rows::{to_batch, to_json};
pub(super) use status_rows::{KnownRows, write_rows};

/// How often a write that lost its race is made again: each loss is another writer's gain, so all come through in the end.
const ATTEMPTS: u32 = 200;
/// Shelf 0 holds the newest cuts of every group, so reading it alone is enough to plan.
pub(super) const HEADS: u8 = 0;
/// Every cut.
pub(super) const ALL_SHELVES: u8 = u8::MAX;

const TABLES: [&str; 2] = [SYNC_METADATA, SYNC_CUTS];

/// A table's content at its newest version.
struct Content<T> {
    version: u64,
    workspace: Option<String>,
    rows: Vec<T>,
    /// Rows that are none, each of a group.
    odd: Vec<OddCut>,
    shelves: BTreeMap<u8, usize>,
    columns: Schema,
    /// What rows have in columns that this version neither writes nor carries along in its records.
    others: RecordBatch,
    damage: Option<String>,
}

pub(super) async fn read(
    location: &LakehouseLocation,
    up_to: u8,
) -> Result<LedgerCopy, RegionError> {
    let mut troubles = Vec::new();
    let metadata = read_table::<Row>(location, SYNC_METADATA, ALL_SHELVES).await;
    let metadata = noted(metadata, LedgerTable::Metadata, &mut troubles)?;
    let mut heads_only = up_to != ALL_SHELVES;
    let mut cuts = read_table::<Cut>(location, SYNC_CUTS, up_to).await;
    // Whether the rest can be read decides what becomes of a damaged log.
    if heads_only
        && let Ok(Some(content)) = &cuts
        && (content.damage.is_some() || !content.odd.is_empty() || twice(&content.rows).is_some())
    {
        cuts = read_table::<Cut>(location, SYNC_CUTS, ALL_SHELVES).await;
        heads_only = false;
    }
    if let Ok(Some(content)) = &mut cuts {
        let damage = content.damage.take();
        content.damage = damage.or_else(|| twice(&content.rows));
    }
    let cuts = noted(cuts, LedgerTable::Cuts, &mut troubles)?;
    Ok(LedgerCopy {
        metadata: metadata.map(|mut content| {
            let rows = &mut content.rows;
            rows.sort_by(|one, other| one.group_name.cmp(&other.group_name));
            MetadataTable {
                version: content.version,
                workspace: content.workspace,
                rows: content.rows,
            }
        }),
        cuts: cuts.map(|mut content| {
            let rows = &mut content.rows;
            rows.sort_by(|one, other| group_and_number(one).cmp(&group_and_number(other)));
            CutTable {
                version: content.version,
                workspace: content.workspace,
                cuts: content.rows,
                odd: content.odd,
            }
        }),
        troubles,
        heads_only,
    })
}

/// A table as read, with what is wrong with it; one that cannot be read is as good as none.
fn noted<T>(
    read: Result<Option<Content<T>>, RegionError>,
    table: LedgerTable,
    troubles: &mut Vec<TableTrouble>,
) -> Result<Option<Content<T>>, RegionError> {
    match read {
        Ok(content) => {
            let damage = content.as_ref().and_then(|content| content.damage.clone());
            troubles.extend(damage.map(|detail| TableTrouble {
                table,
                error: RegionError::new(
                    RegionErrorKind::Other,
                    format!("read {}", table.name()),
                    detail,
                ),
                unreadable: false,
            }));
            Ok(content)
        }
        Err(error) if error.kind == RegionErrorKind::Other && !error.transient => {
            troubles.push(TableTrouble { table, error, unreadable: true });
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A cut that is there twice, in words: a file has the rows of another, because nobody writes the same cut again.
fn twice(cuts: &[Cut]) -> Option<String> {
    let mut seen: BTreeMap<(&str, u64), Vec<&Cut>> = BTreeMap::new();
    let again = cuts.iter().find(|cut| {
        let others = seen.entry(group_and_number(cut)).or_default();
        others.contains(cut) || {
            others.push(cut);
            false
        }
    })?;
    let (cut, group) = (again.label(), &again.group_name);
    Some(format!("{cut} of {group} is there twice: one of its files has the rows of another"))
}

/// Renames a table's folder; what has the name already stays.
pub(super) async fn put_aside(
    location: &LakehouseLocation,
    table: LedgerTable,
    name: &str,
) -> Result<(), RegionError> {
    let doing = format!("put {} aside as {name}", table.name());
    let folder = files::resolve_folder(&location.root).join(FOLDER);
    let (from, to) = (folder.join(table.name()), folder.join(name));
    let moved = off_thread(move || match files::rename_new(&from, &to) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        moved => moved,
    });
    moved.await.map_err(|error| refusal(&doing, &DeltaError::io("rename it", error)))
}

/// Writes a table anew that was read around damage.
pub(super) async fn mend(
    location: &LakehouseLocation,
    which: LedgerTable,
) -> Result<(), RegionError> {
    let doing = format!("write {} anew", which.name());
    let failed = |error: DeltaError| refusal(&doing, &error);
    let store = table(location, which.name());
    for attempt in 0..ATTEMPTS {
        let (version, batch) = match which {
            LedgerTable::Metadata => {
                let content = existing::<Row>(location, SYNC_METADATA, ALL_SHELVES).await?;
                let batch = to_batch(sync_metadata(), &content.rows).map_err(failed)?;
                let places: UInt32Array = (0..).take(content.rows.len()).collect();
                let batch = beside(batch, &content.others, &places).map_err(failed)?;
                (content.version, content.damage.map(|_| batch))
            }
            LedgerTable::Cuts => {
                let content = existing::<Cut>(location, SYNC_CUTS, ALL_SHELVES).await?;
                // It stays as it is, which was told, and stops nothing else.
                if !content.odd.is_empty() {
                    return Ok(());
                }
                let columns = cuts_as_in(&content.columns);
                let damage = content.damage.or_else(|| twice(&content.rows));
                let rows = Cuts::new(content.rows);
                let rows: Vec<Cut> = rows.iter().cloned().collect();
                let batch = to_batch(columns, &rows).map_err(failed)?;
                (content.version, damage.map(|_| batch))
            }
        };
        let Some(batch) = batch else {
            return Ok(());
        };
        let author = location.identity.author();
        match delta::mend(&store, batch, Expect::Version(version), author).await {
            Ok(_) => return Ok(()),
            Err(error) if may_commit_again(&error, attempt) => pause(attempt).await,
            Err(error) => return Err(failed(error)),
        }
    }
    Err(crowded(doing))
}

impl Content<Cut> {
    /// Its cuts, and the groups whose log has rows that are none.
    fn into_cuts(self) -> Cuts {
        Cuts::new(self.rows).with_odd(self.odd.into_iter().filter_map(|odd| odd.group_name))
    }
}

/// Refuses to write rows anew of which some are no cuts: they could not be written again.
fn refuse_odd(rows: &[OddCut]) -> Result<(), DeltaError> {
    match rows.first() {
        None => Ok(()),
        Some(odd) => Err(DeltaError::corrupt(odd.to_string(), &odd.why)),
    }
}

fn group_and_number(cut: &Cut) -> (&str, u64) {
    (&cut.group_name, cut.cut_number)
}

pub(super) async fn create(
    location: &LakehouseLocation,
    workspace: &str,
) -> Result<(), RegionError> {
    for name in TABLES {
        let doing = format!("create {name}");
        let failed = |error| refusal(&doing, &error);
        let store = table(location, name);
        let new = NewTable {
            schema: if name == SYNC_CUTS { sync_cuts() } else { sync_metadata() },
            partition_columns: Vec::new(),
            properties: BTreeMap::from([
                (WORKSPACE_PROPERTY.to_owned(), workspace.to_owned()),
                ("delta.logRetentionDuration".to_owned(), KEPT.to_owned()),
                ("delta.deletedFileRetentionDuration".to_owned(), KEPT.to_owned()),
            ]),
        };
        match delta::versions(&store).await {
            Ok(_) => continue,
            Err(DeltaError::NotATable { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
        match delta::create_table(&store, new, location.identity.author()).await {
            Ok(()) => {}
            // Someone else made it meanwhile, which is as good if it is for the same workspace.
            Err(DeltaError::Conflict { .. }) => {
                let there =
                    delta::snapshot(&store, None, SnapshotDetail::Header).await.map_err(failed)?;
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

pub(super) async fn clone_missing(
    location: &LakehouseLocation,
    from: &str,
) -> Result<(), RegionError> {
    for name in TABLES {
        let doing = format!("clone {name} from {from}");
        let failed = |error| refusal(&doing, &error);
        let target = table(location, name);
        match delta::versions(&target).await {
            Ok(_) => continue,
            Err(DeltaError::NotATable { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
        let Some(root) = LocationAddress::literal_path(from) else {
            let detail = "an embedded lakehouse reads tables of this machine only";
            return Err(RegionError::new(RegionErrorKind::Unsupported, doing, detail));
        };
        let source = TableStore::within(root, &format!("{FOLDER}/{name}"));
        let there = delta::snapshot(&source, None, SnapshotDetail::Header).await.map_err(failed)?;
        let claim = there.metadata.property(WORKSPACE_PROPERTY);
        let claim = claim.map(|workspace| (WORKSPACE_PROPERTY.to_owned(), workspace.to_owned()));
        let options = delta::CloneOptions {
            properties: claim.into_iter().collect(),
            expect: Expect::Absent,
            doubted: false,
            author: location.identity.author(),
            source_name: name.to_owned(),
            progress: delta::CopyProgress::default(),
        };
        match delta::deep_clone(&source, there.version, &target, options).await {
            // Someone else made it meanwhile.
            Ok(_) | Err(DeltaError::Conflict { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

fn table(location: &LakehouseLocation, name: &str) -> TableStore {
    location.under_root(&format!("{FOLDER}/{name}"))
}

async fn existing<T: rows::Record>(
    location: &LakehouseLocation,
    name: &str,
    up_to: u8,
) -> Result<Content<T>, RegionError> {
    let read = read_table(location, name, up_to).await?;
    read.ok_or_else(|| {
        let detail = format!("there is no such table under {}", location.text);
        RegionError::new(RegionErrorKind::NotFound, format!("read {name}"), detail)
    })
}

/// The cuts of one shelf alone.
async fn read_shelf(location: &LakehouseLocation, shelf: u8) -> Result<Content<Cut>, RegionError> {
    let read = read_shelves(location, SYNC_CUTS, shelf..=shelf).await?;
    read.ok_or_else(|| {
        let detail = format!("there is no such table under {}", location.text);
        RegionError::new(RegionErrorKind::NotFound, format!("read {SYNC_CUTS}"), detail)
    })
}

async fn read_table<T: rows::Record>(
    location: &LakehouseLocation,
    name: &str,
    up_to: u8,
) -> Result<Option<Content<T>>, RegionError> {
    read_shelves(location, name, HEADS..=up_to).await
}

async fn read_shelves<T: rows::Record>(
    location: &LakehouseLocation,
    name: &str,
    shelves: RangeInclusive<u8>,
) -> Result<Option<Content<T>>, RegionError> {
    let store = table(location, name);
    let failed = |error: DeltaError| {
        let refused = refusal(format!("read {name}"), &error);
        let refused = RegionError { ledger_table: LedgerTable::named(name), ..refused };
        match refused.kind {
            // The table is there: what is missing is a part of it.
            RegionErrorKind::NotFound => RegionError { kind: RegionErrorKind::Other, ..refused },
            RegionErrorKind::Denied
            | RegionErrorKind::Unavailable
            | RegionErrorKind::SignedOut
            | RegionErrorKind::Conflict
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => refused,
        }
    };
    let kept = match delta::read_kept(&store, shelves).await {
        Ok(kept) => kept,
        Err(DeltaError::NotATable { .. }) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if let Some(detail) = need_of_later_version(kept.metadata.property(NEEDS_PROPERTY)) {
        return Err(RegionError::new(RegionErrorKind::Unsupported, format!("read {name}"), detail));
    }
    let workspace = kept.metadata.property(WORKSPACE_PROPERTY);
    let (rows, odd) = rows::records(&kept.rows).map_err(failed)?;
    let others = T::take_others(&kept.columns, &kept.rows).map_err(failed)?;
    Ok(Some(Content {
        version: kept.version,
        workspace: workspace.map(str::to_owned),
        rows,
        odd,
        shelves: kept.shelves,
        columns: kept.columns,
        others,
        damage: kept.damage,
    }))
}

/// Whether a conditional commit is tried again, on top of what others committed meanwhile.
fn may_commit_again(error: &DeltaError, made: u32) -> bool {
    may_try_again(error.of_commit(), Twice::Harmless, made, ATTEMPTS)
}

/// The longest pause after the first lost race, and after any.
const PAUSE_FIRST: Duration = Duration::from_millis(4);
const PAUSE_LONGEST: Duration = Duration::from_millis(64);

/// Waits a moment after a lost race, a random one, so that the same writers do not meet again.
async fn pause(attempt: u32) {
    let pause = before_again(PAUSE_FIRST, attempt, PAUSE_LONGEST, rand::random::<f64>());
    tokio::time::sleep(pause).await;
}

fn crowded(doing: String) -> RegionError {
    let detail = format!("others were faster {ATTEMPTS} times");
    RegionError::new(RegionErrorKind::Conflict, doing, detail).transient()
}
