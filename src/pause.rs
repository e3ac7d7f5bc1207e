//! How long to wait before another try, so that those who failed together do not come back together.

use std::time::Duration;

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
    fn a_pause_doubles_up_to_the_longest() {
        let (first, longest) = (Duration::from_millis(500), Duration::from_secs(60));
        let pause = |attempt, share| before_again(first, attempt, longest, share);
        assert_eq!(pause(0, 1.0), Duration::from_millis(500));
        assert_eq!(pause(2, 0.5), Duration::from_secs(1));
        assert_eq!(pause(u32::MAX, 1.0), longest);
        assert_eq!(pause(3, 7.0), Duration::from_secs(4));
    }
}
