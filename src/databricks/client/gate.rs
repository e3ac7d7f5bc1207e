//! How many requests are in flight: fewer when the service says it is too much, slowly more when all goes well.

use std::sync::Mutex;

use tokio::sync::Notify;

/// Requests in flight at most.
const MOST: f64 = 16.0;

/// Additive increase, multiplicative decrease: Databricks publishes no limits for most of its API, so they are found.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    left: Notify,
}

#[derive(Debug)]
struct State {
    limit: f64,
    in_flight: usize,
    /// Successes since the last cut; the answers that were in flight at a cut are not held against it again.
    since_cut: usize,
}

/// A request's place in flight; dropped when its answer is there.
pub(super) struct RequestPermit<'a>(&'a Gate);

impl Default for Gate {
    fn default() -> Gate {
        let state = State { limit: MOST, in_flight: 0, since_cut: usize::MAX };
        Gate { state: Mutex::new(state), left: Notify::new() }
    }
}

impl Gate {
    pub(super) async fn enter(&self) -> RequestPermit<'_> {
        loop {
            let left = self.left.notified();
            {
                let mut state = self.state.lock().expect("no panic while counting");
                if (state.in_flight as f64) < state.limit.max(1.0) {
                    state.in_flight += 1;
                    return RequestPermit(self);
                }
            }
            left.await;
        }
    }

    pub(super) fn went_well(&self) {
        let mut state = self.state.lock().expect("no panic while counting");
        state.limit = (state.limit + 1.0 / state.limit.max(1.0)).min(MOST);
        state.since_cut = state.since_cut.saturating_add(1);
        drop(state);
        self.left.notify_one();
    }

    pub(super) fn was_throttled(&self) {
        let mut state = self.state.lock().expect("no panic while counting");
        if state.since_cut > 0 {
            state.limit = (state.limit / 2.0).max(1.0);
            state.since_cut = 0;
        }
    }
}

impl Drop for RequestPermit<'_> {
    fn drop(&mut self) {
        self.0.state.lock().expect("no panic while counting").in_flight -= 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(gate: &Gate) -> f64 {
        gate.state.lock().unwrap().limit
    }

    #[test]
    fn throttling_halves_what_is_in_flight_and_success_gives_it_back() {
        let gate = Gate::default();
        gate.was_throttled();
        assert_eq!(limit(&gate), 8.0);
        gate.was_throttled();
        assert_eq!(limit(&gate), 8.0, "answers of the same burst count once");
        gate.went_well();
        gate.was_throttled();
        assert!((limit(&gate) - 4.0625).abs() < 1e-9);
        for _ in 0..200 {
            gate.went_well();
        }
        assert_eq!(limit(&gate), MOST);
    }

    #[tokio::test]
    async fn a_turn_comes_when_another_ends() {
        let gate = Gate::default();
        gate.state.lock().unwrap().limit = 1.0;
        let first = gate.enter().await;
        let second = gate.enter();
        tokio::pin!(second);
        assert!(futures::poll!(second.as_mut()).is_pending());
        drop(first);
        second.await;
    }
}
