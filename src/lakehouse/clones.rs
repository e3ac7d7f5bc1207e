//! Carries out clones: one commit that carries its mark, made only on the replica that was looked at.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::LakehouseLocation;
use super::delta::{self, DeltaError, Expect, TableStore};
use super::refusal::refusal;
use super::replicas::refuse_foreign;
use super::sources::open;
use crate::off_thread::off_thread;
use crate::region::{
    CloneOrder, Cloned, Progress, RegionError, RegionErrorKind, ReplicaFiles, ReplicaQuestion,
    ReplicaStanding, Size, Verified, VerifiedLevel,
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
    fn and(self, more: &delta::CopyProgress) -> Copied {
        Copied { files: self.files + more.files().0, bytes: self.bytes + more.bytes().0 }
    }
}

impl LakehouseLocation {
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
            let counters = delta::CopyProgress::default();
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
            Ok(done) => Ok(describe_clone(done, before)),
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
        if replica.is_none() {
            refuse_foreign(target, doing).await?;
        }
        let standing = order.standing(replica.as_ref());
        if let Some(why) = standing.conflict() {
            return Err(RegionError::new(RegionErrorKind::Conflict, doing, why));
        }
        let ReplicaStanding::Cloned { version, newest: _ } = standing else {
            let newest = replica.map(|replica| replica.version);
            return Ok(Found::AsExpected(newest.map_or(Expect::Absent, Expect::Version)));
        };
        let mut commits = replica.iter().flat_map(|replica| &replica.commits);
        let made = commits.find(|commit| commit.version == version);
        Ok(Found::Done(Cloned {
            replica_version: version,
            already: true,
            source_size: made.and_then(|commit| commit.source_size),
            ..Cloned::default()
        }))
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

/// What a clone did, with what was copied before it.
fn describe_clone(done: delta::CloneMetrics, before: Copied) -> Cloned {
    Cloned {
        replica_version: done.version,
        already: false,
        source_size: Some(Size { files: done.source_files, bytes: done.source_bytes }),
        copied_files: before.files + done.copied_files,
        copied_bytes: before.bytes + done.copied_bytes,
        replaced: done.replaced,
        statement_id: None,
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
    clone: impl Future<Output = Result<delta::CloneMetrics, DeltaError>>,
    counters: &delta::CopyProgress,
    progress: &Progress,
    before: Copied,
) -> Result<delta::CloneMetrics, DeltaError> {
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
