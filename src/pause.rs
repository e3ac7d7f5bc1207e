//! Whether there is another try, and how long to wait before it, so that those who failed together do not come back together.
//! Pure.

use std::time::Duration;

/// How a try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TryFailure {
    /// Another one would fail the same way.
    Lasting,
    /// It had no effect, and another one may go well.
    Passing,
    /// Nobody knows whether it had an effect.
    Unknown,
}

/// What having an effect twice does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twice {
    /// Nothing that having it once does not: it reads, or is conditional on what is there, or puts the same in the same place.
    Harmless,
    /// It may do harm.
    Harm,
}

impl TryFailure {
    /// How a try failed whose failure may pass, or whose outcome is not known.
    pub(crate) fn of(transient: bool, outcome_unknown: bool) -> TryFailure {
        match (transient, outcome_unknown) {
            (_, true) => TryFailure::Unknown,
            (true, false) => TryFailure::Passing,
            (false, false) => TryFailure::Lasting,
        }
    }
}

/// Whether there is another try, after `made` that failed, the last of them so, of `most`.
pub(crate) fn may_try_again(failure: TryFailure, twice: Twice, made: u32, most: u32) -> bool {
    let sensible = match (failure, twice) {
        (TryFailure::Lasting, _) | (TryFailure::Unknown, Twice::Harm) => false,
        (TryFailure::Passing, _) | (TryFailure::Unknown, Twice::Harmless) => true,
    };
    sensible && made < most
}

/// A pause that doubles with every attempt, counted from 0, up to `longest`; of that `share`, which is drawn by chance.
pub(crate) fn before_again(
    first: Duration,
    attempt: u32,
    longest: Duration,
    share: f64,
) -> Duration {
    let whole = first.saturating_mul(2u32.saturating_pow(attempt)).min(longest);
    whole.mul_f64(share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_another_try_where_the_failure_may_pass_and_the_effect_does_no_harm_twice() {
        use TryFailure::{Lasting, Passing, Unknown};
        let again = |failure, twice| may_try_again(failure, twice, 1, 2);
        let harmless = [Lasting, Passing, Unknown].map(|failure| again(failure, Twice::Harmless));
        assert_eq!(harmless, [false, true, true]);
        let harm = [Lasting, Passing, Unknown].map(|failure| again(failure, Twice::Harm));
        assert_eq!(harm, [false, true, false]);
        assert!(
            !may_try_again(Passing, Twice::Harmless, 2, 2),
            "there were as many as there may be"
        );
        assert!(!may_try_again(Passing, Twice::Harmless, 1, 0));
    }

    #[test]
    fn a_pause_doubles_up_to_the_longest() {
        let (first, longest) = (Duration::from_millis(500), Duration::from_secs(60));
        let pause = |attempt, share| before_again(first, attempt, longest, share);
        assert_eq!(pause(0, 1.0), Duration::from_millis(500));
        assert_eq!(pause(2, 0.5), Duration::from_secs(1));
        assert_eq!(pause(u32::MAX, 1.0), longest);
        assert_eq!(pause(3, 7.0), Duration::from_secs(4));
    }
}
