//! Ctrl-C and SIGTERM: the first stops starting work, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use super::{ExitStatus, output};

/// Whoever stops a process group may send one signal twice: what follows within this is the same.
const SAME: Duration = Duration::from_millis(300);

/// What an apply looks at to learn that it is to stop, and why.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    pub(super) stop: Arc<AtomicBool>,
    /// The exit status of the signal; 0: none came.
    pub(super) signal: Arc<AtomicU8>,
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
        output::note(&format!("drsync: {} (exit {})", status.name(), status.code()));
        std::process::exit(i32::from(status.code()));
    }
    *first = Some(Instant::now());
    stop.signal.store(status.code(), Ordering::Relaxed);
    stop.stop.store(true, Ordering::Relaxed);
    output::note("drsync: stopping; nothing that is done is lost. Again to end at once");
}
