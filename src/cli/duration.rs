//! Durations as they are given on the command line: `30m`, `1h30m`, `90s`. Pure.

use std::time::Duration;

const UNITS: [(char, u64); 4] = [('d', 24 * 3600), ('h', 3600), ('m', 60), ('s', 1)];

/// Reads a duration: numbers with their units, the largest first.
///
/// # Errors
/// What to write instead.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "write it with its unit, as in 45m, 1h30m or 90s".to_owned();
    let mut seconds: u64 = 0;
    let mut units = UNITS.iter();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let letter = after.chars().next().ok_or_else(wrong)?;
        let (_, length) = units.find(|(unit, _)| *unit == letter).ok_or_else(wrong)?;
        let part = number.checked_mul(*length).ok_or_else(wrong)?;
        seconds = seconds.checked_add(part).ok_or_else(wrong)?;
        rest = &after[letter.len_utf8()..];
    }
    match seconds {
        0 => Err(wrong()),
        // Longer than any clock goes on.
        seconds if seconds > 366 * 24 * 3600 => Err("it is longer than a year".to_owned()),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

/// The same of at least a minute.
///
/// # Errors
/// What to write instead.
pub(super) fn parse_minutes(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        length if length < Duration::from_secs(60) => Err("it is less than a minute".to_owned()),
        length => Ok(length),
    }
}

/// The same of at least half an hour, which is the shortest interval that a schedule may have.
///
/// # Errors
/// What to write instead.
pub(super) fn parse_interval(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        length if length < Duration::from_secs(30 * 60) => Err(
            "it is less than 30 minutes, the shortest interval of a schedule; --poll looks for finished workflows in between"
                .to_owned(),
        ),
        length => Ok(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_its_units_the_largest_first() {
        let seconds = |text: &str| parse(text).map(|length| length.as_secs());
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("45m"), Ok(45 * 60));
        assert_eq!(seconds("1h30m"), Ok(90 * 60));
        assert_eq!(seconds("1d"), Ok(24 * 3600));
        for wrong in [
            "",
            "30",
            "0m",
            "m",
            "30m1h",
            "1m1m",
            "-5m",
            "5 m",
            "5ö",
            "99999999999999999999s",
            "400d",
        ] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_daemon_looks_no_more_often_than_a_schedule_may_fire() {
        assert!(parse_interval("30m").is_ok() && parse_interval("29m").is_err());
        assert!(parse_minutes("1m").is_ok() && parse_minutes("59s").is_err());
    }
}
