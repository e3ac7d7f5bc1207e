//! Intervals as Delta's table properties write them. Pure.

use std::time::Duration;

const UNITS: [(&str, Duration); 8] = [
    ("week", Duration::from_secs(7 * 24 * 3600)),
    ("day", Duration::from_secs(24 * 3600)),
    ("hour", Duration::from_secs(3600)),
    ("minute", Duration::from_secs(60)),
    ("second", Duration::from_secs(1)),
    ("millisecond", Duration::from_millis(1)),
    ("microsecond", Duration::from_micros(1)),
    ("nanosecond", Duration::from_nanos(1)),
];

const NANOS: u128 = 1_000_000_000;

/// Reads `interval 30 days`, `INTERVAL 1 week 2 hours`, `168 hours`. None: it is no interval, or one of months or years, which are
/// of no certain length.
pub fn parse(text: &str) -> Option<Duration> {
    let lower = text.to_lowercase();
    let mut words = lower.split_whitespace().peekable();
    words.next_if_eq(&"interval");
    words.peek()?;
    let mut sum = Duration::ZERO;
    while let Some(count) = words.next() {
        let count: u64 = count.parse().ok()?;
        let name = words.next()?.trim_end_matches('s');
        let (_, length) = UNITS.iter().find(|(unit, _)| *unit == name)?;
        let nanos = length.as_nanos().checked_mul(count.into())?;
        let seconds = u64::try_from(nanos / NANOS).ok()?;
        sum = sum.checked_add(Duration::new(seconds, (nanos % NANOS) as u32))?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_read_as_delta_writes_it() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        assert_eq!(parse("interval 30 days"), hours(720));
        assert_eq!(parse(" INTERVAL 1 WEEK 12 hours "), hours(180));
        assert_eq!(parse("168 hours"), hours(168));
        assert_eq!(parse("interval 7776000000 milliseconds"), hours(90 * 24));
        assert_eq!(parse("interval 5 microseconds"), Some(Duration::from_micros(5)));
    }

    #[test]
    fn what_has_no_certain_length_is_no_interval() {
        for nonsense in [
            "",
            "interval",
            "interval x days",
            "interval 3 moons",
            "interval 3",
            "interval 6 months",
            "interval -1 days",
            "interval 99999999999999999999 weeks",
        ] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }
}
