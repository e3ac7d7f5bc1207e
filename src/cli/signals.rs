//! What ends a run early: of Ctrl-C and SIGTERM the first stops starting work and the second ends at once; a deadline stops starting work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use super::{ExitStatus, Failure, output};
use crate::apply::DEADLINE;
use crate::text::span;

/// Whoever stops a process group may send one signal twice: what follows within this is the same.
const SAME: Duration = Duration::from_millis(300);

/// What an apply looks at to learn that it is to stop, and why.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    pub(super) stop: Arc<AtomicBool>,
    /// The exit status of the signal, or [`DEADLINE`]; 0: none came.
    pub(super) signal: Arc<AtomicU8>,
}

/// So much of the time that a run has is left for recording what was done, at most.
const ENDING: Duration = Duration::from_secs(30);

/// When a run is to be over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    length: Duration,
    begun: Instant,
}

impl Deadline {
    /// One that lies so much after now.
    pub(super) fn after(length: Duration) -> Deadline {
        Deadline { length, begun: Instant::now() }
    }

    /// Until when work is begun.
    fn last_work(self) -> tokio::time::Instant {
        (self.begun + (self.length - ENDING.min(self.length / 4))).into()
    }

    /// What was looked at in time.
    ///
    /// # Errors
    /// It was not, or what came of it.
    pub(super) async fn keep<T>(
        self,
        looking: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Ok(looked) = tokio::time::timeout_at(self.last_work(), looking).await else {
            let length = span(i64::try_from(self.length.as_secs()).unwrap_or(i64::MAX));
            let message = format!(
                "the deadline of {length} came while the regions were looked at: nothing was applied"
            );
            return Err(Failure::new(ExitStatus::Deadline, message));
        };
        looked
    }

    /// Stops starting work when it is time, in the background.
    pub(super) fn watch(self, stop: &Stop) {
        let told = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(self.last_work()).await;
            let before =
                told.signal.compare_exchange(0, DEADLINE, Ordering::Relaxed, Ordering::Relaxed);
            told.stop.store(true, Ordering::Relaxed);
            if before.is_ok() {
                output::note(
                    "drsync: the deadline is near: no more work is begun; nothing that is done is lost",
                );
            }
        });
    }
}

/// Watches for signals from here on, in the background.
#[cfg(unix)]
pub(super) fn watch() -> std::io::Result<Stop> {
    use tokio::signal::unix::{SignalKind, signal};

    let stop = Stop::default();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let told = stop.clone();
    tokio::spawn(async move {
        let mut first = None;
        loop {
            let status = tokio::select! {
                _ = interrupt.recv() => ExitStatus::Interrupted,
                _ = terminate.recv() => ExitStatus::Terminated,
            };
            received(&told, &mut first, status);
        }
    });
    Ok(stop)
}

/// Watches for Ctrl-C from here on, in the background.
#[cfg(not(unix))]
pub(super) fn watch() -> std::io::Result<Stop> {
    let stop = Stop::default();
    let told = stop.clone();
    tokio::spawn(async move {
        let mut first = None;
        while tokio::signal::ctrl_c().await.is_ok() {
            received(&told, &mut first, ExitStatus::Interrupted);
        }
    });
    Ok(stop)
}

fn received(stop: &Stop, first: &mut Option<Instant>, status: ExitStatus) {
    if let Some(first) = first {
        if first.elapsed() < SAME {
            return;
        }
        output::clear_board();
        output::note(&format!("drsync: {} (exit {})", status.name(), status.code()));
        std::process::exit(i32::from(status.code()));
    }
    *first = Some(Instant::now());
    stop.signal.store(status.code(), Ordering::Relaxed);
    stop.stop.store(true, Ordering::Relaxed);
    output::note("drsync: stopping; nothing that is done is lost. Again to end at once");
}
