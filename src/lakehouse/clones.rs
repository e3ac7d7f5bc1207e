//! Carries out clones: one commit that carries its mark, made only on the replica that was looked at.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::LakehouseRegion;
use super::delta::{self, DeltaError, Expect, TableStore};
use super::refusal::refusal;
use super::replicas::refuse_foreign;
use super::sources::open;
use crate::off_thread::off_thread;
use crate::region::{
    CloneOrder, Cloned, Mark, Progress, RegionError, RegionErrorKind, ReplicaCommit, ReplicaFiles,
    ReplicaQuestion, Size, Verified, VerifiedLevel,
};

/// How often a clone's counters are carried over to whoever shows them.
const TICK: Duration = Duration::from_millis(20);

/// What the replica is, compared with what was looked at.
enum Found {
    /// As it was looked at, maintenance aside: the clone may be made on it.
    AsExpected(Expect),
    /// The clone has been made already.
    Done(Cloned),
}

/// What an order had copied by some moment.
#[derive(Debug, Clone, Copy, Default)]
struct Copied {
    files: u64,
    bytes: u64,
}

impl Copied {
    fn and(self, more: &delta::Progress) -> Copied {
        Copied { files: self.files + more.files().0, bytes: self.bytes + more.bytes().0 }
    }
}

impl LakehouseRegion {
    pub(super) async fn carry_out(
        &self,
        order: &CloneOrder,
        progress: &Progress,
    ) -> Result<Cloned, RegionError> {
        let doing = format!("clone {}", order.table);
        let source = source_of(order, &doing)?.with_external(self.external_files());
        let target = self.under_root(&order.replica_path);
        refuse_within(&source, &target, &doing)?;
        let expect = match self.replica_before(order, &target, &doing).await? {
            Found::Done(cloned) => return Ok(cloned),
            Found::AsExpected(expect) => expect,
        };
        if progress.stopped() {
            return Err(refusal(doing, &DeltaError::Cancelled));
        }
        // Whoever looks at the files of an interrupted first clone knows them by the log folder.
        let (begun, original, log) = (target.clone(), source.clone(), "_delta_log");
        off_thread(move || begun.no_more_open_than(&original).make_folder(log))
            .await
            .map_err(|error| refusal(&doing, &error))?;
        let clone = async |expect: Expect, before: Copied| {
            let counters = delta::Progress::default();
            let options = delta::CloneOptions {
                properties: order.properties.clone(),
                expect,
                doubted: order.doubted,
                author: self.identity.author(),
                source_name: order.table.to_string(),
                progress: counters.clone(),
            };
            let clone = delta::deep_clone(&source, order.source_version, &target, options);
            let done = relayed(clone, &counters, progress, before).await;
            (done, before.and(&counters))
        };
        let (mut done, copied) = clone(expect, Copied::default()).await;
        let mut before = Copied::default();
        // Maintenance that came in between changes no row: the clone is made once more, on top of it, and what was copied
        // lies there.
        if let Err(DeltaError::Conflict { .. }) = done
            && let Ok(Found::AsExpected(after)) = self.replica_before(order, &target, &doing).await
            && after != expect
        {
            before = copied;
            (done, _) = clone(after, before).await;
        }
        match done {
            Ok(done) => Ok(Cloned {
                replica_version: done.version,
                already: false,
                source_size: Some(Size { files: done.source_files, bytes: done.source_bytes }),
                copied_files: before.files + done.copied_files,
                copied_bytes: before.bytes + done.copied_bytes,
                replaced: done.replaced,
                statement_id: None,
            }),
            Err(error) => {
                // The same order may be carried out twice at once; then the loser finds it done.
                if let DeltaError::Conflict { .. } = error
                    && let Ok(Found::Done(cloned)) =
                        self.replica_before(order, &target, &doing).await
                {
                    return Ok(cloned);
                }
                Err(refusal(doing, &error))
            }
        }
    }

    async fn replica_before(
        &self,
        order: &CloneOrder,
        target: &TableStore,
        doing: &str,
    ) -> Result<Found, RegionError> {
        let asked = ReplicaQuestion {
            path: order.replica_path.clone(),
            since_version: order.replica_version,
        };
        let replica = super::replicas::replica(&self.root, &asked)
            .await
            .map_err(|refused| RegionError { doing: doing.into(), ..refused })?;
        let conflict =
            |detail: String| Err(RegionError::new(RegionErrorKind::Conflict, doing, detail));
        let Some(replica) = replica else {
            refuse_foreign(target, doing).await?;
            return match order.replica_version {
                None => Ok(Found::AsExpected(Expect::Absent)),
                Some(version) => {
                    conflict(format!("the replica was at version {version} and is no longer there"))
                }
            };
        };
        if order.replica_version.is_some_and(|version| replica.version < version) {
            return conflict(format!(
                "the replica is at version {}, older than the one that was looked at",
                replica.version
            ));
        }
        if order.replica_version == Some(replica.version) {
            return Ok(Found::AsExpected(Expect::Version(replica.version)));
        }
        let (maintenance, rest): (Vec<_>, Vec<_>) =
            replica.commits.iter().partition(|commit| !commit.upkeep.changes());
        let first = order.replica_version.map_or(0, |version| version + 1);
        let whole = (first..=replica.version).eq(replica.commits.iter().map(|it| it.version));
        match rest.as_slice() {
            [ours] if whole && is_order(ours, order) => Ok(Found::Done(Cloned {
                replica_version: ours.version,
                already: true,
                source_size: ours.source_size,
                ..Cloned::default()
            })),
            [] if whole && !maintenance.is_empty() && order.replica_version.is_some() => {
                Ok(Found::AsExpected(Expect::Version(replica.version)))
            }
            [] => conflict(format!("the replica is at version {}, unseen before", replica.version)),
            [first, ..] => conflict(format!(
                "version {} of the replica is {} by {}, made since it was looked at",
                first.version,
                first.operation,
                first.user.as_deref().unwrap_or("someone unnamed"),
            )),
        }
    }

    pub(super) async fn compare(
        &self,
        order: &CloneOrder,
        replica_version: u64,
    ) -> Result<Verified, RegionError> {
        let doing = format!("compare {} with its replica", order.table);
        let failed = |error| refusal(&doing, &error);
        let source = source_of(order, &doing)?.with_external(self.external_files());
        let target = self.under_root(&order.replica_path);
        let found = delta::verify(&source, order.source_version, &target, replica_version).await;
        let delta::Verification { differences, source_rows, rows: replica_rows, files: _, digest } =
            found.map_err(failed)?;
        let mut differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
        if source_rows != replica_rows {
            let shown = |rows: Option<u64>| rows.map_or("unknown".to_owned(), |n| n.to_string());
            differences.push(format!(
                "the source has {} rows, the replica {}",
                shown(source_rows),
                shown(replica_rows)
            ));
        }
        Ok(Verified {
            level: VerifiedLevel::Files,
            source_rows,
            replica_rows,
            differences,
            files: digest.map(|digest| ReplicaFiles {
                listed_sha256: digest.listed,
                content_sha256: digest.content,
            }),
        })
    }
}

/// Refuses to clone a table into itself, whatever links lead there.
fn refuse_within(source: &TableStore, target: &TableStore, doing: &str) -> Result<(), RegionError> {
    let real = |table: &TableStore| table.folder()?.canonicalize().ok();
    match (real(source), real(target)) {
        (Some(from), Some(to)) if from.starts_with(&to) || to.starts_with(&from) => {
            let detail = format!("the source lies in the replica's place, {}", to.display());
            Err(RegionError::new(RegionErrorKind::Conflict, doing, detail))
        }
        (_, _) => Ok(()),
    }
}

/// Runs a clone while its counters reach `progress`, and the sign to stop reaches it.
async fn relayed(
    clone: impl Future<Output = Result<delta::Cloned, DeltaError>>,
    counters: &delta::Progress,
    progress: &Progress,
    before: Copied,
) -> Result<delta::Cloned, DeltaError> {
    let relay = || {
        let Copied { files, bytes } = before.and(counters);
        progress.files.store(files, Ordering::Relaxed);
        progress.bytes.store(bytes, Ordering::Relaxed);
        if progress.stopped() {
            counters.stop();
        }
    };
    let mut clone = std::pin::pin!(clone);
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            done = &mut clone => {
                relay();
                return done;
            }
            _ = tick.tick() => relay(),
        }
    }
}

fn source_of(order: &CloneOrder, doing: &str) -> Result<TableStore, RegionError> {
    let Some(location) = &order.source_location else {
        let detail = "the order does not say where the source's files are";
        return Err(RegionError::new(RegionErrorKind::Unsupported, doing, detail));
    };
    open(location, doing)
}

/// Whether a commit is the clone that an order asks for.
fn is_order(commit: &ReplicaCommit, order: &CloneOrder) -> bool {
    let mark = Mark::from_properties(|key| order.properties.get(key).map(String::as_str));
    commit.operation == "CLONE"
        && commit.source_version == Some(order.source_version)
        && mark.is_some()
        && commit.mark == mark
}
