//! The clock, the pauses and the jitter of the client, given from outside so that tests neither wait nor guess.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use super::refusal::Refusal;
use crate::limits::{LOOKING_LONGEST, QUESTION_LONGEST};
use crate::pause::before_again;
use crate::region::RegionErrorKind;

/// How time passes for the client.
#[derive(Clone)]
pub struct Timing {
    /// The clock.
    pub now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// Waits.
    pub sleep: Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>,
    /// A number from 0 to 1.
    pub jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// When nothing more is asked: of a command that only looks.
    pub until: Option<tokio::time::Instant>,
    /// How long one question may take, with all its attempts and pauses.
    pub question: Duration,
}

impl Timing {
    /// Time as it is.
    pub fn real() -> Timing {
        Timing {
            now: Arc::new(Utc::now),
            sleep: Arc::new(|pause| Box::pin(tokio::time::sleep(pause))),
            jitter: Arc::new(rand::random::<f64>),
            until: None,
            question: QUESTION_LONGEST,
        }
    }

    /// Time as it is, for a command that only looks: it does not wait for ever.
    pub fn looking() -> Timing {
        Timing { until: Some(tokio::time::Instant::now() + LOOKING_LONGEST), ..Timing::real() }
    }

    /// Waits for the answer to one question, but neither longer than a question may take nor beyond the time that there is.
    ///
    /// # Errors
    /// That the time is over.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Refusal> {
        let now = tokio::time::Instant::now();
        let of_question = now + self.question;
        let until = self.until.map_or(of_question, |until| until.min(of_question));
        let over = || {
            let text = if until == of_question {
                format!(
                    "no answer in the {} minutes that one question may take",
                    QUESTION_LONGEST.as_secs() / 60
                )
            } else {
                format!(
                    "the {} minutes are over that a command which only looks may take",
                    LOOKING_LONGEST.as_secs() / 60
                )
            };
            Refusal::new(RegionErrorKind::Unavailable, text)
        };
        if until <= now {
            return Err(over());
        }
        let done = tokio::time::timeout_at(until, work).await;
        done.map_err(|_| over())
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    pub(super) async fn sleep(&self, pause: Duration) {
        (self.sleep)(pause).await;
    }

    /// Does something that begins with a pause, and tells how long it took: not less than the pause, which in tests passes at once.
    pub(super) async fn measured<T>(
        &self,
        pause: Duration,
        work: impl Future<Output = T>,
    ) -> (T, Duration) {
        let began = tokio::time::Instant::now();
        let done = work.await;
        (done, began.elapsed().max(pause))
    }

    /// A pause that doubles with every attempt up to `longest`, between half of it and all of it.
    pub(super) fn backoff(&self, first: Duration, attempt: u32, longest: Duration) -> Duration {
        let share = 0.5 + 0.5 * (self.jitter)().clamp(0.0, 1.0);
        before_again(first, attempt, longest, share)
    }
}

impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_took_longer_than_its_pause_is_counted_as_long_as_it_took() {
        let timing = Timing::real();
        let slow = tokio::time::sleep(Duration::from_millis(40));
        let ((), spent) = timing.measured(Duration::from_millis(1), slow).await;
        assert!(spent >= Duration::from_millis(40), "{spent:?}");
        let hour = Duration::from_secs(3600);
        let at_once = std::future::ready(());
        assert_eq!(timing.measured(hour, at_once).await, ((), hour));
    }
}
