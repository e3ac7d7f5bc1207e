//! Days and times as texts say them, with as much of them as is said: `2024`, `2024-1-31 9:05`, `2024-01-31T09:05:00.5+01:00`, `… Europe/Berlin`.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The moment that a text says; one that says no zone is in the session's.
pub(super) fn moment_of(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let (clock, said) = read(text)?;
    match (said, offset_of(said)) {
        ("", _) => moment_at(clock, zone),
        (_, Some(offset)) => Some(clock.checked_sub_signed(offset)?.and_utc()),
        (said, None) => moment_at(clock, said.parse().ok()?),
    }
}

/// The moment at which a clock shows a time: the first of two, and of none, as the clock was put forward, by the offset before.
pub(super) fn moment_at(at: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&at).earliest() {
        Some(moment) => Some(moment.to_utc()),
        None => {
            let before = zone.from_local_datetime(&(at - TimeDelta::hours(3)));
            Some(before.earliest()?.to_utc() + TimeDelta::hours(3))
        }
    }
}

/// What a text says that a clock shows, in whatever zone.
pub(super) fn clock_of(text: &str) -> Option<NaiveDateTime> {
    let (clock, said) = read(text)?;
    let known = said.is_empty() || offset_of(said).is_some() || said.parse::<Tz>().is_ok();
    known.then_some(clock)
}

/// The day that a text begins with; behind it there may be anything.
pub(super) fn day_of(text: &str) -> Option<NaiveDate> {
    let mut parts = text.trim().split([' ', 'T']).next()?.splitn(3, '-');
    let year = number(parts.next()?, 4, 6)?;
    let mut next = || parts.next().map_or(Some(1), |part| number(part, 1, 2));
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, next()?, next()?)
}

/// What a text says that a clock shows, and the zone that it says.
fn read(text: &str) -> Option<(NaiveDateTime, &str)> {
    let text = text.trim();
    let day = day_of(text)?;
    let Some((_, time)) = text.split_once([' ', 'T']) else {
        return Some((day.into(), ""));
    };
    let of_clock = |letter: char| letter.is_ascii_digit() || matches!(letter, ':' | '.');
    let end = time.find(|letter| !of_clock(letter)).unwrap_or(time.len());
    let (clock, zone) = time.split_at(end);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.splitn(3, ':');
    let mut next = |otherwise| parts.next().map_or(otherwise, |part| number(part, 1, 2));
    let (hour, minute, second) = (next(None)?, next(Some(0))?, next(Some(0))?);
    // More digits than microseconds have are cut off.
    let micros = match fraction {
        "" => 0,
        digits => number(&format!("{:0<6}", digits.get(..6).unwrap_or(digits)), 6, 6)?,
    };
    let time = NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?;
    Some((day.and_time(time), zone.trim()))
}

/// A number of so many digits.
fn number(digits: &str, least: usize, most: usize) -> Option<u32> {
    let fits =
        (least..=most).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    fits.then(|| digits.parse().ok())?
}

/// How far a zone like `Z`, `+1`, `+01:30` or `UTC-8` is ahead.
fn offset_of(zone: &str) -> Option<TimeDelta> {
    if zone == "Z" {
        return Some(TimeDelta::zero());
    }
    let said = ["UTC", "GMT", "UT"].into_iter().find_map(|name| zone.strip_prefix(name));
    let said = said.unwrap_or(zone);
    let (sign, clock) = match said.as_bytes().first()? {
        b'+' => (1, &said[1..]),
        b'-' => (-1, &said[1..]),
        _ => return None,
    };
    let (hours, minutes) = match clock.split_once(':') {
        Some((hours, minutes)) => (hours, number(minutes, 1, 2)?),
        None if clock.len() == 4 => (clock.get(..2)?, number(clock.get(2..)?, 2, 2)?),
        None => (clock, 0),
    };
    let minutes = i64::from(number(hours, 1, 2)?) * 60 + i64::from(minutes);
    (minutes <= 18 * 60).then(|| TimeDelta::minutes(sign * minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_as_much_of_it_as_is_said() {
        let zone = Tz::America__Los_Angeles;
        for (said, wanted) in [
            ("2024", "2024-01-01T08:00:00+00:00"),
            ("2024-3", "2024-03-01T08:00:00+00:00"),
            (" 2024-1-31 9:5 ", "2024-01-31T17:05:00+00:00"),
            ("2024-01-31 09", "2024-01-31T17:00:00+00:00"),
            ("2024-01-31T09:05:07.1234567Z", "2024-01-31T09:05:07.123456+00:00"),
            ("2024-01-31 09:05:07.5+01:00", "2024-01-31T08:05:07.500+00:00"),
            ("2024-01-31 09:05 UTC-8", "2024-01-31T17:05:00+00:00"),
            ("2024-01-31 09:05:00 Europe/Berlin", "2024-01-31T08:05:00+00:00"),
            // What no clock showed, and what it showed twice, go by the offset before.
            ("2024-03-10 02:30:00", "2024-03-10T10:30:00+00:00"),
            ("2024-11-03 01:30", "2024-11-03T08:30:00+00:00"),
            ("2024-11-03T01:30:00Z", "2024-11-03T01:30:00+00:00"),
        ] {
            let read = moment_of(said, zone).map(|it| it.to_rfc3339());
            assert_eq!(read.as_deref(), Some(wanted), "{said}");
        }
        for said in ["", "24-01-01", "2024-13-01", "2024-01-01 25:00", "2024-01-01 1:2:3:4", "x"] {
            assert_eq!(moment_of(said, zone), None, "{said}");
        }
        for said in ["2024-01-01 10:00 nowhere", "2024-01-01 10:00+19:00", "2024-01-01 10:00:00.x"]
        {
            assert_eq!((moment_of(said, zone), clock_of(said)), (None, None), "{said}");
            assert!(day_of(said).is_some(), "{said}");
        }
    }
}
