//! Ctrl-C and SIGTERM: the first stops starting work, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use super::{ExitStatus, output};

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
        loop {
            let status = tokio::select! {
                _ = interrupt.recv() => ExitStatus::Interrupted,
                _ = terminate.recv() => ExitStatus::Terminated,
            };
            received(&told, status);
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
        while tokio::signal::ctrl_c().await.is_ok() {
            received(&told, ExitStatus::Interrupted);
        }
    });
    Ok(stop)
}

fn received(stop: &Stop, status: ExitStatus) {
    if stop.stop.load(Ordering::Relaxed) {
        output::note(&format!(
            "drsync: {} (exit {})",
            status.name(),
            status.code()
        ));
        std::process::exit(i32::from(status.code()));
    }
    stop.signal.store(status.code(), Ordering::Relaxed);
    stop.stop.store(true, Ordering::Relaxed);
    output::note("drsync: stopping; nothing that is done is lost. Again to end at once");
}
