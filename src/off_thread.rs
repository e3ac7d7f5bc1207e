//! Blocking work, away from the threads on which everything else waits.

/// Runs blocking work off the async threads; a panic of it goes on in whoever waits.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => {
                unreachable!("blocking work is cancelled only with its runtime, which runs this")
            }
        },
    }
}
