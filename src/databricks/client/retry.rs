//! When a request is sent again: where it surely had no effect, or where having it twice does no harm.

use std::time::Duration;

use reqwest::StatusCode;

use super::super::refusal::Refusal;
use super::super::timing::Timing;
use super::names::is_unresolved;
use super::tls;
use crate::config::is_at_this_machine;
use crate::failed_request::{RequestLoss, failure_of_status};
use crate::pause::{TryFailure, Twice, may_try_again};
use crate::proxy;
use crate::region::RegionErrorKind;

/// When a refusal is worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It would be the same.
    Never,
    /// The request was not carried out.
    Surely,
    /// Nobody knows whether it was carried out.
    IfSafe,
    /// It got no answer.
    Lost(RequestLoss),
}

impl Again {
    /// What a status says of a request that was answered with it.
    pub(super) fn of_status(status: StatusCode) -> Again {
        match failure_of_status(status.as_u16()) {
            TryFailure::Lasting => Again::Never,
            TryFailure::Passing => Again::Surely,
            TryFailure::Unknown => Again::IfSafe,
        }
    }
}

/// Attempts where the service asks for patience.
const TRIES: u32 = 8;
/// Attempts where the outcome of the last is not known.
const TRIES_UNKNOWN: u32 = 5;
/// Attempts at a host that takes no connection: it is away, and that is an answer too.
const TRIES_CONNECT: u32 = 3;
/// Attempts at a host that takes connections and does not answer: each waits its time out.
const TRIES_SILENT: u32 = 2;
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_LONGEST: Duration = Duration::from_secs(10);
/// All pauses of one request together; a region that asks for more is said to be throttling.
const PAUSES_MAX: Duration = Duration::from_secs(300);

/// The attempts at one request.
#[derive(Debug)]
pub(super) struct Tries {
    twice: Twice,
    made: u32,
    paused: Duration,
}

impl Tries {
    pub(super) fn new(twice: Twice) -> Tries {
        Tries { twice, made: 0, paused: Duration::ZERO }
    }

    /// How long to wait before another attempt.
    ///
    /// # Errors
    /// The refusal itself, where there is to be no other; of a write whose outcome is not known it says so.
    pub(super) fn pause(
        &mut self,
        (refusal, again): (Refusal, Again),
        timing: &Timing,
    ) -> Result<Duration, Refusal> {
        self.made += 1;
        let (failure, most) = match again {
            Again::Never => (TryFailure::Lasting, 0),
            Again::Surely => (TryFailure::Passing, TRIES),
            Again::IfSafe => (TryFailure::Unknown, TRIES_UNKNOWN),
            Again::Lost(loss) => (loss.failure(), tries_of_lost(loss)),
        };
        let refusal = match (failure, self.twice) {
            (TryFailure::Lasting, _) => refusal,
            (TryFailure::Passing, _) | (TryFailure::Unknown, Twice::Harmless) => {
                refusal.transient()
            }
            (TryFailure::Unknown, Twice::Harm) => refusal.transient().unknown(),
        };
        if !may_try_again(failure, self.twice, self.made, most) {
            return Err(refusal);
        }
        let pause = match refusal.retry_after {
            // A little more than asked for, so that not everybody comes back in the same instant.
            Some(asked) => {
                asked.saturating_add(Duration::from_secs_f64((timing.jitter)().clamp(0.0, 1.0)))
            }
            None => timing.backoff(PAUSE_FIRST, self.made - 1, PAUSE_LONGEST),
        };
        self.paused = self.paused.saturating_add(pause);
        if self.paused > PAUSES_MAX {
            let pause = pause.as_secs();
            return Err(refusal.hint(&format!("it asks for a pause of {pause} s")));
        }
        Ok(pause)
    }
}

fn tries_of_lost(loss: RequestLoss) -> u32 {
    match loss {
        RequestLoss::Unmade => 0,
        RequestLoss::NotSent => TRIES_CONNECT,
        RequestLoss::Unanswered => TRIES_SILENT,
        RequestLoss::CutOff => TRIES_UNKNOWN,
    }
}

/// What an answer that began and did not end means: whoever began it is there, unless it fell silent.
pub(super) fn cut_off(error: &reqwest::Error) -> (Refusal, Again) {
    let (refusal, again) = read_lost_request(error);
    let kind = if error.is_timeout() { refusal.kind } else { RegionErrorKind::Other };
    (Refusal { kind, ..refusal }, again)
}

/// What a request that got no answer means. Its text names no address, which may carry a signature.
pub(super) fn read_lost_request(error: &reqwest::Error) -> (Refusal, Again) {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let why = match tls::of_tls(error) {
        _ if error.is_timeout() => "no answer in time".to_owned(),
        Some(error) => tls::describe_tls_error(error),
        None => cause.to_string(),
    };
    let by = by_proxy(error);
    let loss = RequestLoss::of(error);
    let text = match loss {
        RequestLoss::NotSent => format!("no connection{by}: {why}"),
        RequestLoss::Unmade | RequestLoss::Unanswered | RequestLoss::CutOff => {
            format!("the connection was lost: {why}")
        }
    };
    let unresolved = unresolved(error);
    let refusal = Refusal { unresolved, ..Refusal::new(RegionErrorKind::Unavailable, text) };
    (refusal, Again::Lost(loss))
}

/// Whether no address is known for the host that was asked. Of one that a proxy is to find nothing is known here.
pub(in crate::databricks) fn unresolved(error: &reqwest::Error) -> bool {
    by_proxy(error).is_empty() && is_unresolved(error)
}

/// ` by the proxy proxy.example.com:3128 (HTTPS_PROXY)`, of a request that was to go there; empty: none was asked.
pub(in crate::databricks) fn by_proxy(error: &reqwest::Error) -> String {
    let asked = error.url().filter(|url| !is_at_this_machine(url));
    asked.and_then(proxy::proxy_for).map_or(String::new(), |proxy| format!(" by the proxy {proxy}"))
}
