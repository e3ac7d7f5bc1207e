//! The cut log of an embedded lakehouse as it is written: conditional appends that do not read it again, and files that stay few.

use std::collections::BTreeMap;

use arrow_schema::Schema;

use super::columns::{cuts_as_in, lacking};
use super::{
    ALL_SHELVES, ATTEMPTS, Content, HEADS, LogEnd, crowded, existing, may_commit_again, pause,
    read_shelf, read_table, refuse_odd, table, to_batch,
};
use crate::lakehouse::LakehouseLocation;
use crate::lakehouse::delta::{self, DeltaError, Expect, SnapshotDetail};
use crate::lakehouse::refusal::refusal;
use crate::ledger::{Cut, Cuts, OddCut, SYNC_CUTS, columns_appended};
use crate::region::{Appended, RegionError};

/// Live files of a shelf of the cut log at which they are made one on the next: every append adds one, and reading opens all.
const SHELF_FILES_MAX: usize = 12;
/// In front of all shelves there may be more where there are many groups, as one for so many: whatever stays there is written
/// anew each time.
const HEADS_A_FILE: usize = 5;
/// The last shelf: its files stay as many as they become, one for every few ten thousand cuts.
const SHELF_LAST: u8 = 4;

/// What a process knows of the cut log at its end.
#[derive(Debug)]
pub(in crate::lakehouse) struct KnownCutLog {
    end: LogEnd,
    /// The cuts in front of all shelves: of each group at least the newest.
    heads: Cuts,
    /// Their rows that are no cuts.
    odd: Vec<OddCut>,
    shelves: BTreeMap<u8, usize>,
    columns: Schema,
}

impl KnownCutLog {
    async fn of_heads(location: &LakehouseLocation, content: Content<Cut>) -> KnownCutLog {
        KnownCutLog {
            end: LogEnd::look(location, SYNC_CUTS, content.version).await,
            shelves: content.shelves.clone(),
            columns: content.columns.clone(),
            odd: content.odd.clone(),
            heads: content.into_cuts(),
        }
    }
}

/// Reads of these groups at least the newest cut; a log that is not there has none.
///
/// As long as the log ends where it is known to, what is known of it is what it says: whoever looks before each of many clones does
/// not read all of it each time.
pub(in crate::lakehouse) async fn newest_cuts(
    location: &LakehouseLocation,
    known: &mut Option<KnownCutLog>,
    groups: &[&str],
) -> Result<Cuts, RegionError> {
    forget_what_is_old(location, known).await;
    if known.is_none() {
        *known = match read_table(location, SYNC_CUTS, HEADS).await? {
            Some(content) => Some(KnownCutLog::of_heads(location, content).await),
            None => None,
        };
    }
    Ok(known.as_ref().map_or_else(Cuts::default, |log| log.heads.of_groups(groups).of_heads()))
}

/// Forgets what is known of a log that others wrote to since: a cut that follows theirs would be taken for one that follows none.
async fn forget_what_is_old(location: &LakehouseLocation, known: &mut Option<KnownCutLog>) {
    if let Some(log) = known
        && !log.end.stands(location).await
    {
        *known = None;
    }
}

/// Appends what may be, until the log itself says what came of every cut.
///
/// A commit that was made is in the log: its file was put there only because there was none. After any other answer the log is
/// read again.
pub(in crate::lakehouse) async fn append_cuts(
    location: &LakehouseLocation,
    log: &mut Option<KnownCutLog>,
    cuts: &[Cut],
) -> Vec<Result<Appended, RegionError>> {
    let mut answers: Vec<Option<Appended>> = vec![None; cuts.len()];
    let refused = match append_open(location, log, cuts, &mut answers).await {
        Ok(()) => crowded(format!("append to {SYNC_CUTS}")),
        Err(refusal) => refusal,
    };
    let one_each = cuts.iter().zip(answers);
    let one_each = one_each.map(|(cut, answer)| {
        answer.ok_or_else(|| RegionError {
            doing: format!("append cut {} of {} to {SYNC_CUTS}", cut.cut_number, cut.group_name)
                .into(),
            ..refused.clone()
        })
    });
    one_each.collect()
}

/// Answers what it can; `Ok`: all of them, or others were always faster.
async fn append_open(
    location: &LakehouseLocation,
    known: &mut Option<KnownCutLog>,
    cuts: &[Cut],
    answers: &mut [Option<Appended>],
) -> Result<(), RegionError> {
    let doing = format!("append to {SYNC_CUTS}");
    let mut trouble = None;
    forget_what_is_old(location, known).await;
    for attempt in 0..ATTEMPTS {
        let log = match known.take() {
            Some(log) => log,
            None => look_at_heads(location).await?,
        };
        let log = known.insert(log);
        let mut open: Vec<(usize, Cut)> = Vec::new();
        for (place, (cut, answer)) in cuts.iter().zip(answers.iter_mut()).enumerate() {
            if answer.is_none() {
                *answer = if may_follow(cut, &log.heads) && !log.heads.has_odd(&cut.group_name) {
                    log.heads.answer_to(cut)
                } else {
                    // Which cut has the number the heads alone do not tell.
                    let all = existing::<Cut>(location, SYNC_CUTS, ALL_SHELVES).await?;
                    all.into_cuts().answer_to(cut)
                };
            }
            if answer.is_none() {
                open.push((place, cut.clone()));
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        let rows: Vec<Cut> = open.iter().map(|(_, cut)| cut.clone()).collect();
        match append(location, log, &rows).await {
            Ok(()) => {
                // Cuts that were not open have their answers already.
                for (place, _) in open {
                    answers[place] = Some(Appended::Committed);
                }
                tend(location, known, rows).await;
                return Ok(());
            }
            Err(error) if may_commit_again(&error, attempt) => {
                *known = None;
                pause(attempt).await;
            }
            Err(error) => {
                *known = None;
                trouble = Some(refusal(&doing, &error));
            }
        }
    }
    Ok(())
}

/// Whether no cut of its group has a higher number.
fn may_follow(cut: &Cut, heads: &Cuts) -> bool {
    let newest = heads.newest(&cut.group_name);
    newest.is_none_or(|newest| newest.cut_number <= cut.cut_number)
}

async fn look_at_heads(location: &LakehouseLocation) -> Result<KnownCutLog, RegionError> {
    let content = existing(location, SYNC_CUTS, HEADS).await?;
    Ok(KnownCutLog::of_heads(location, content).await)
}

/// Appends cuts on top of the log as it was read. What it lacks a column for gets one before, by a commit of its own:
/// whoever meets the table in between finds a column that is null.
async fn append(
    location: &LakehouseLocation,
    log: &mut KnownCutLog,
    cuts: &[Cut],
) -> Result<(), DeltaError> {
    let store = table(location, SYNC_CUTS);
    let author = || location.identity.author();
    let needed = columns_appended(cuts).map_err(|name| DeltaError::Unsupported {
        location: store.location(),
        why: format!(
            "a cut says something of {name}, which only the version of drsync that wrote it can write"
        )
        .into(),
    })?;
    let lacking = lacking(&log.columns, &needed);
    let mut version = log.end.version;
    if !lacking.is_empty() {
        version = delta::add_columns(&store, lacking, Expect::Version(version), author()).await?;
        let header = delta::snapshot(&store, Some(version), SnapshotDetail::Header).await?;
        log.columns = delta::columns(&header)?;
    }
    let batch = to_batch(cuts_as_in(&log.columns), cuts)?;
    version = delta::append(&store, batch, Expect::Version(version), author()).await?;
    log.end = LogEnd::look(location, SYNC_CUTS, version).await;
    Ok(())
}

pub(in crate::lakehouse) async fn copy_cuts(
    location: &LakehouseLocation,
    known: &mut Option<KnownCutLog>,
    cuts: &[Cut],
) -> Result<(), RegionError> {
    let doing = format!("copy cuts to {SYNC_CUTS}");
    let wanted = Cuts::new(cuts.iter().cloned());
    forget_what_is_old(location, known).await;
    for attempt in 0..ATTEMPTS {
        let log = match known.take() {
            Some(log) => log,
            None => look_at_heads(location).await?,
        };
        let log = known.insert(log);
        let missing = if wanted.iter().all(|cut| may_follow(cut, &log.heads)) {
            wanted.missing_from_log(&log.heads)
        } else {
            // Which older cuts are there the heads alone do not tell.
            wanted.missing_from(&existing::<Cut>(location, SYNC_CUTS, ALL_SHELVES).await?.rows)
        };
        if missing.is_empty() {
            return Ok(());
        }
        match append(location, log, &missing).await {
            Ok(()) => {
                tend(location, known, missing).await;
                return Ok(());
            }
            Err(error) if may_commit_again(&error, attempt) => {
                *known = None;
                pause(attempt).await;
            }
            Err(error) => {
                *known = None;
                return Err(refusal(&doing, &error));
            }
        }
    }
    Err(crowded(doing))
}

/// Keeps what is known up to an append that was made, the files of every shelf few, and nothing past its retention.
///
/// The cuts are in the log already, so failing does no harm: a later append tries again.
async fn tend(location: &LakehouseLocation, known: &mut Option<KnownCutLog>, new: Vec<Cut>) {
    let store = table(location, SYNC_CUTS);
    let Some(mut log) = known.take() else {
        return;
    };
    *log.shelves.entry(HEADS).or_default() += 1;
    log.heads.extend(Cuts::new(new));
    let most = |shelf: u8| match shelf {
        HEADS => SHELF_FILES_MAX.max(log.heads.newest_of_each().count() / HEADS_A_FILE),
        _ => SHELF_FILES_MAX,
    };
    let full = (HEADS..SHELF_LAST)
        .find(|shelf| log.shelves.get(shelf).is_some_and(|files| *files > most(*shelf)));
    let now_ms = location.identity.author().now_ms;
    let _ = delta::clean(&store, log.end.version, now_ms).await;
    if let Some(shelf) = full
        && move_up(location, &mut log, shelf).await.is_ok()
    {
        let _ = delta::clean(&store, log.end.version, now_ms).await;
    }
    *known = Some(log);
}

/// Makes the files of a shelf one on the next; of the first what a plan needs stays.
async fn move_up(
    location: &LakehouseLocation,
    log: &mut KnownCutLog,
    shelf: u8,
) -> Result<(), RegionError> {
    let doing = format!("make the files of {SYNC_CUTS} few");
    let failed = |error: DeltaError| refusal(&doing, &error);
    let columns = cuts_as_in(&log.columns);
    let batch = |cuts: &[&Cut]| to_batch(columns.clone(), cuts).map_err(failed);
    let needed = (shelf == HEADS).then(|| log.heads.needed_to_plan());
    let (stay, go) = if let Some(needed) = &needed {
        refuse_odd(&log.odd).map_err(failed)?;
        let stay: Vec<&Cut> = needed.iter().collect();
        let go: Vec<&Cut> =
            log.heads.iter().filter(|cut| !log.heads.is_needed_to_plan(cut)).collect();
        (batch(&stay)?, batch(&go)?)
    } else {
        let content = read_shelf(location, shelf).await?;
        refuse_odd(&content.odd).map_err(failed)?;
        let all = Cuts::new(content.rows);
        (batch(&[])?, batch(&all.iter().collect::<Vec<_>>())?)
    };
    let files = [(shelf, &stay), (shelf + 1, &go)]
        .map(|(shelf, rows)| (shelf, usize::from(rows.num_rows() > 0)));
    let author = location.identity.author();
    let expect = Expect::Version(log.end.version);
    let version = delta::shelve(&table(location, SYNC_CUTS), shelf, stay, go, expect, author)
        .await
        .map_err(failed)?;
    log.end = LogEnd::look(location, SYNC_CUTS, version).await;
    if let Some(needed) = needed {
        log.heads = needed;
    }
    let [(_, stay), (next, go)] = files;
    log.shelves.insert(shelf, stay);
    *log.shelves.entry(next).or_default() += go;
    Ok(())
}
