//! How a request failed that was refused, or that got no answer, whoever sent it: what another one would come to.
//!
//! Whether there is another is decided in `pause`, by whoever knows what having it twice does.

use crate::pause::TryFailure;

/// How a request was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestLoss {
    /// It could not be made.
    Unmade,
    /// No connection came about, in time or at all.
    NotSent,
    /// It was sent, and there was no answer in time.
    Unanswered,
    /// The connection was lost before the answer ended.
    CutOff,
}

impl RequestLoss {
    pub(crate) fn of(error: &reqwest::Error) -> RequestLoss {
        if error.is_builder() {
            RequestLoss::Unmade
        } else if error.is_connect() {
            RequestLoss::NotSent
        } else if error.is_timeout() {
            RequestLoss::Unanswered
        } else {
            RequestLoss::CutOff
        }
    }

    /// How the request failed that was lost so.
    pub(crate) fn failure(self) -> TryFailure {
        match self {
            RequestLoss::Unmade => TryFailure::Lasting,
            RequestLoss::NotSent => TryFailure::Passing,
            RequestLoss::Unanswered | RequestLoss::CutOff => TryFailure::Unknown,
        }
    }
}

/// How a request failed that was answered so, as far as the status alone tells.
pub(crate) fn failure_of_status(status: u16) -> TryFailure {
    match status {
        429 => TryFailure::Passing,
        500 | 502 | 503 | 504 | 408 => TryFailure::Unknown,
        _ => TryFailure::Lasting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_another_request_may_go_well() {
        assert_eq!(failure_of_status(429), TryFailure::Passing);
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(failure_of_status(status), TryFailure::Unknown, "{status}");
        }
        for status in [302, 400, 401, 403, 404, 409, 501] {
            assert_eq!(failure_of_status(status), TryFailure::Lasting, "{status}");
        }
    }

    #[tokio::test]
    async fn a_host_that_takes_no_connection_was_sent_nothing() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let refused = http.get(format!("http://{closed}")).send().await.unwrap_err();
        assert_eq!(RequestLoss::of(&refused), RequestLoss::NotSent);
        let unmade = http.get("no address").send().await.unwrap_err();
        assert_eq!(RequestLoss::of(&unmade), RequestLoss::Unmade);
    }
}
