//! One table of a group: cloned with retries by class of error, then verified. Only this file orders clones.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Run;
use super::event::EventKind;
use super::fence::Fence;
use super::grant::Missing;
use super::site::Site;
use super::slots::GroupTurn;
use crate::pause::{TryFailure, Twice, before_again, may_try_again};
use crate::plan::{GroupPlan, Role, Step};
use crate::record::{RunWarningCode, TableOutcome, TableRecord, VerifiedRecord};
use crate::region::{CloneOrder, Cloned, Progress, RegionError};
use crate::sentence::Sentence;

/// The first pause before another attempt; each later one may be twice as long.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// No pause is longer, unless the region asks for one.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// The longest pause that a region is granted before a table is tried again.
const ASKED_MAX: Duration = Duration::from_secs(300);
/// How often the progress of a running clone is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Clones one table as ordered and verifies it; the group's other tables go on beside it.
pub(super) async fn apply(
    run: &Run<'_>,
    site: &Site<'_>,
    (group, turn): (&GroupPlan, &GroupTurn),
    step: &Step,
    order: &CloneOrder,
    fence: &Fence<'_>,
) -> (TableRecord, Option<Missing>) {
    let _slot = turn.slot().await;
    if run.stopped() {
        return (not_started(step), None);
    }
    let work = Work { run, site, group, step, order };
    let Some(Tried { cloned, attempts }) = work.clone_with_retries(fence).await else {
        return (not_started(step), None);
    };
    if let Ok(Cloned { replaced, .. }) = &cloned {
        work.warn_of_replaced(replaced);
    }
    let record = match cloned {
        Ok(cloned) => verify(site, step, order, cloned).await,
        Err(error) => Err(Undone::of(&error, step)),
    };
    work.tell_end(record, attempts)
}

/// What is done to one table.
struct Work<'a> {
    run: &'a Run<'a>,
    site: &'a Site<'a>,
    group: &'a GroupPlan,
    step: &'a Step,
    order: &'a CloneOrder,
}

/// What came of a clone in the end, and of how many attempts.
struct Tried {
    cloned: Result<Cloned, RegionError>,
    attempts: u32,
}

impl Work<'_> {
    /// Its workspace, its group and its table, as events name them.
    fn names(&self) -> (String, String, String) {
        let Work { run: _, site, group, step, order: _ } = self;
        (site.plan.name.clone(), group.name.clone(), step.table.to_string())
    }

    /// Clones, as often as the plan allows; `None`: somebody changed roles before anything was tried.
    async fn clone_with_retries(&self, fence: &Fence<'_>) -> Option<Tried> {
        let Work { run, site, group, step, order } = *self;
        let mut attempts = 0;
        let mut failed: Option<RegionError> = None;
        loop {
            let fenced = match (fence.find_change_of_role().await, failed.take()) {
                (Ok(Some(_)), None) => return None,
                (Ok(Some(_)), Some(error)) => return Some(Tried { cloned: Err(error), attempts }),
                (Ok(None), _) => Ok(()),
                (Err(error), _) => Err(error),
            };
            attempts += 1;
            if attempts == 1 {
                self.tell_start();
            }
            let tried = match fenced {
                Ok(()) => attempt(run, site, group, step, order).await,
                // Nothing is started that may not be.
                Err(error) => Err(error),
            };
            let error = match tried {
                Ok(cloned) => return Some(Tried { cloned: Ok(cloned), attempts }),
                Err(error) => error,
            };
            // A clone that was made finds its own mark.
            if !may_retry(run, group, error.failure(), attempts) {
                return Some(Tried { cloned: Err(error), attempts });
            }
            let asked = error.retry_after.map(|asked| asked.min(ASKED_MAX));
            let delay = asked.unwrap_or_else(|| backoff(attempts));
            self.tell_retry(attempts, &error, delay);
            failed = Some(error);
            wait(run, delay).await;
        }
    }

    fn tell_start(&self) {
        let (workspace, group, table) = self.names();
        self.run.tell(EventKind::TableStarted {
            workspace,
            group,
            table,
            source_version: self.step.source.version,
            copy_bytes: self.step.estimate.map(|copy| copy.copy_bytes),
        });
    }

    fn tell_retry(&self, attempt: u32, error: &RegionError, delay: Duration) {
        let (workspace, group, table) = self.names();
        self.run.tell(EventKind::TableRetried {
            workspace,
            group,
            table,
            attempt,
            message: error.to_string().into(),
            delay_ms: delay.as_millis() as u64,
        });
    }

    /// Tells of files of the replica in whose place others came.
    fn warn_of_replaced(&self, replaced: &[String]) {
        let Some(first) = replaced.first() else {
            return;
        };
        let table = &self.step.table;
        let more = match replaced.len() {
            1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        let text = format!(
            "{table}: {first}{more} of the replica differs from the source's, though both logs say the same of it: the source's lies \
             there under another name now, and cuts before this one that name the old one are damaged, unless it was the source \
             that was changed in place"
        );
        let warning = RunWarningCode::FileDiffers.warn(text).about(table);
        self.run.warn(warning.of_side(Role::Secondary).of_workspace(&self.site.plan.name));
    }

    /// Tells how the table ended, and makes its record.
    fn tell_end(
        &self,
        record: Result<TableRecord, Undone>,
        attempts: u32,
    ) -> (TableRecord, Option<Missing>) {
        let Work { run, site: _, group: _, step, order: _ } = *self;
        let (workspace, group, table) = self.names();
        match record {
            Ok(record) => {
                run.tell(EventKind::TableCloned {
                    workspace,
                    group,
                    table,
                    source_version: step.source.version,
                    replica_version: record.replica_version.unwrap_or_default(),
                    copied_files: record.copied_files.unwrap_or_default(),
                    copied_bytes: record.copied_bytes.unwrap_or_default(),
                });
                (TableRecord { attempts: Some(attempts), ..record }, None)
            }
            Err(Undone { message, why, missing }) => {
                let outcome = if run.stopped() {
                    TableOutcome::NotStarted
                } else {
                    run.tell(EventKind::TableFailed {
                        workspace,
                        group,
                        table,
                        message: message.clone(),
                    });
                    TableOutcome::Failed
                };
                let (attempts, message) = (Some(attempts), Some(message));
                (TableRecord { outcome, attempts, message, why, ..not_started(step) }, missing)
            }
        }
    }
}

/// The record of a table whose turn did not come.
pub(super) fn not_started(step: &Step) -> TableRecord {
    TableRecord {
        table: step.table.clone(),
        outcome: TableOutcome::NotStarted,
        attempts: None,
        source_version: step.source.version,
        replica_version: None,
        source_files: step.source.files,
        source_bytes: step.source.bytes,
        copied_files: None,
        copied_bytes: None,
        verified: None,
        replica_files_sha256: None,
        replica_content_sha256: None,
        rows: None,
        statement_id: None,
        message: None,
        why: None,
    }
}

async fn attempt(
    run: &Run<'_>,
    site: &Site<'_>,
    group: &GroupPlan,
    step: &Step,
    order: &CloneOrder,
) -> Result<Cloned, RegionError> {
    let progress = Progress::with_stop(run.options.stop.clone());
    let clone = site.regions.secondary.location.deep_clone(order, &progress);
    tokio::pin!(clone);
    let mut ticks = tokio::time::interval(PROGRESS_EVERY);
    ticks.tick().await;
    loop {
        tokio::select! {
            cloned = &mut clone => return cloned,
            _ = ticks.tick() => run.tell(EventKind::TableProgress {
                workspace: site.plan.name.clone(),
                group: group.name.clone(),
                table: step.table.to_string(),
                copied_bytes: progress.bytes.load(Ordering::Relaxed),
                statement_id: progress.statement(),
            }),
        }
    }
}

/// Why a table could not be cloned, or is not what its source is.
struct Undone {
    message: Sentence,
    /// The same without what was being done, where that was the clone as a whole.
    why: Option<Sentence>,
    /// The right whose lack is why.
    missing: Option<Missing>,
}

impl Undone {
    fn of(error: &RegionError, step: &Step) -> Undone {
        Undone {
            message: error.to_string().into(),
            why: error.of_order.then(|| error.describe_answer()),
            missing: Missing::of(error, Some(&step.table)),
        }
    }
}

/// Compares what was cloned with what was to be cloned.
async fn verify(
    site: &Site<'_>,
    step: &Step,
    order: &CloneOrder,
    cloned: Cloned,
) -> Result<TableRecord, Undone> {
    let verified = site
        .regions
        .secondary
        .location
        .verify(order, cloned.replica_version)
        .await
        .map_err(|error| Undone::of(&error, step))?;
    if !verified.differences.is_empty() {
        let message = format!(
            "the replica differs from v{} after its clone: {}",
            step.source.version,
            verified.differences.join("; ")
        );
        return Err(Undone { message: message.into(), why: None, missing: None });
    }
    let outcome = if cloned.already { TableOutcome::AlreadyCloned } else { TableOutcome::Cloned };
    let size = cloned.source_size;
    let (listed, content) = verified
        .files
        .map_or((None, None), |files| (Some(files.listed_sha256), files.content_sha256));
    Ok(TableRecord {
        outcome,
        replica_version: Some(cloned.replica_version),
        source_files: size.map(|size| size.files).or(step.source.files),
        source_bytes: size.map(|size| size.bytes).or(step.source.bytes),
        copied_files: Some(cloned.copied_files),
        copied_bytes: Some(cloned.copied_bytes),
        verified: Some(VerifiedRecord {
            level: verified.level,
            source_rows: verified.source_rows,
            replica_rows: verified.replica_rows,
        }),
        replica_files_sha256: listed,
        replica_content_sha256: content,
        statement_id: cloned.statement_id,
        ..not_started(step)
    })
}

/// Whether there is another try at something of a group, as often as its plan allows and until a signal to stop.
pub(super) fn may_retry(run: &Run<'_>, group: &GroupPlan, failure: TryFailure, made: u32) -> bool {
    let most = group.max_retries.saturating_add(1);
    may_try_again(failure, Twice::Harmless, made, most) && !run.stopped()
}

/// Exponential backoff with full jitter.
pub(super) fn backoff(attempt: u32) -> Duration {
    let before = attempt.saturating_sub(1);
    before_again(BACKOFF_FIRST, before, BACKOFF_MAX, rand::random::<f64>())
}

/// Waits, but not past a signal to stop.
pub(super) async fn wait(run: &Run<'_>, delay: Duration) {
    let until = tokio::time::Instant::now() + delay;
    while tokio::time::Instant::now() < until && !run.stopped() {
        tokio::time::sleep(PROGRESS_EVERY.min(until - tokio::time::Instant::now())).await;
    }
}
