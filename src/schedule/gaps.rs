//! How far apart firings are, in time that really passes, over a whole cycle of the calendar. Pure.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

use super::parse::schedule_error;
use super::{SHORTEST_MINUTES, ScheduleError};
use crate::text::plural_of;

/// The years looked at: dates and weekdays repeat every 28 years, leap days included. A fixed start, so that
/// an expression that is valid stays so.
const FIRST_YEAR: i32 = 2026;
const YEARS: i32 = 28;

/// The first firing after `moment`.
pub(super) fn next(cron: &Cron, zone: Tz, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
    cron.find_next_occurrence(&moment.with_timezone(&zone), false).ok().map(|at| at.to_utc())
}

/// The newest firing at or before `moment`.
pub(super) fn last(cron: &Cron, zone: Tz, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
    cron.find_previous_occurrence(&moment.with_timezone(&zone), true).ok().map(|at| at.to_utc())
}

/// Measures the gaps, and refuses an expression that never fires.
pub(super) fn measure(cron: &Cron, zone: Tz) -> Result<MeasuredGaps, ScheduleError> {
    let times = times(cron);
    let days = days(cron);
    let (Some(opens), Some(closes)) = (times.first(), times.last()) else {
        return Err(never());
    };
    let (Some(first_day), Some(last_day)) = (days.first(), days.last()) else {
        return Err(never());
    };
    let mut measured = MeasuredGaps::default();
    for (from, to) in times.iter().zip(times.iter().skip(1)) {
        measured.take(*to - *from, || {
            (from.format("%H:%M").to_string(), to.format("%H:%M").to_string())
        });
    }
    let changes = changes(zone);
    let night = |days: i64| *opens - *closes + Duration::days(days);
    let overnight =
        || (closes.format("%H:%M").to_string(), opens.format("%H:%M the next day").to_string());
    let mut change = changes.iter().peekable();
    for (from, to) in days.iter().zip(days.iter().skip(1)) {
        // A night in which the clocks change is measured below, by what really passes. The zone's date may be a day off.
        while change.next_if(|at| at.date_naive() + Duration::days(1) < *from).is_some() {}
        if change.peek().is_none_or(|at| at.date_naive() > *to + Duration::days(1)) {
            measured.take(night((*to - *from).num_days()), overnight);
        }
    }
    let cycle = Duration::days(28 * 365 + 7);
    measured.take(night((*first_day - *last_day + cycle).num_days()), overnight);
    for at in &changes {
        around(cron, zone, *at, &mut measured);
    }
    Ok(measured)
}

/// The gaps as far as they were measured.
#[derive(Default)]
pub(super) struct MeasuredGaps {
    /// With the firings at both of its ends, as they are told.
    pub(super) shortest: Option<(Duration, String, String)>,
    longest: Option<Duration>,
}

impl MeasuredGaps {
    fn take(&mut self, gap: Duration, firings: impl FnOnce() -> (String, String)) {
        if self.shortest.as_ref().is_none_or(|(shortest, _, _)| gap < *shortest) {
            let (from, to) = firings();
            self.shortest = Some((gap, from, to));
        }
        self.longest = self.longest.max(Some(gap));
    }

    /// The longest of them; refuses an expression that fires twice within half an hour.
    pub(super) fn longest(self) -> Result<Duration, ScheduleError> {
        let (Some((shortest, from, to)), Some(longest)) = (self.shortest, self.longest) else {
            return Err(never());
        };
        let minutes = shortest.num_minutes();
        let apart = plural_of(minutes.unsigned_abs(), "minute");
        match shortest.cmp(&Duration::minutes(SHORTEST_MINUTES)) {
            Ordering::Less => Err(schedule_error(
                format!("fires at {from} and {to}, {apart} apart"),
                format!("leave at least {SHORTEST_MINUTES} minutes between two firings"),
            )),
            Ordering::Equal | Ordering::Greater => Ok(longest),
        }
    }
}

fn never() -> ScheduleError {
    schedule_error("never fires", "write a day that one of its months has")
}

/// The times of day, in order.
pub(super) fn times(cron: &Cron) -> Vec<NaiveTime> {
    let hours = (0..24).filter(|hour| cron.pattern.hour_match(*hour).unwrap_or(false));
    let minutes: Vec<u32> =
        (0..60).filter(|minute| cron.pattern.minute_match(*minute).unwrap_or(false)).collect();
    hours
        .flat_map(|hour| {
            minutes.iter().filter_map(move |minute| NaiveTime::from_hms_opt(hour, *minute, 0))
        })
        .collect()
}

/// The days of the cycle, in order.
fn days(cron: &Cron) -> Vec<NaiveDate> {
    let Some(first) = NaiveDate::from_ymd_opt(FIRST_YEAR, 1, 1) else {
        return Vec::new();
    };
    let fires = |day: &NaiveDate| {
        let weekday = match day.weekday().num_days_from_sunday() {
            0 => croner::Weekday::Sunday,
            1 => croner::Weekday::Monday,
            2 => croner::Weekday::Tuesday,
            3 => croner::Weekday::Wednesday,
            4 => croner::Weekday::Thursday,
            5 => croner::Weekday::Friday,
            _ => croner::Weekday::Saturday,
        };
        cron.pattern.month_match(day.month()).unwrap_or(false)
            && cron.pattern.day_match(day.year(), day.month(), day.day(), weekday).unwrap_or(false)
    };
    first.iter_days().take_while(|day| day.year() < FIRST_YEAR + YEARS).filter(fires).collect()
}

/// The first moments after the zone's clocks changed. Looked for every few days: no zone changes there and back
/// within a week.
fn changes(zone: Tz) -> Vec<DateTime<Utc>> {
    let offset =
        |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    let year = |year: i32| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single();
    let (Some(mut at), Some(end)) = (year(FIRST_YEAR), year(FIRST_YEAR + YEARS)) else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    while at < end {
        let (mut before, mut after) = (at, at + Duration::days(6));
        at = after;
        if offset(before) == offset(after) {
            continue;
        }
        while after - before > Duration::minutes(1) {
            let middle = before + Duration::minutes((after - before).num_minutes() / 2);
            if offset(middle) == offset(before) { before = middle } else { after = middle }
        }
        changes.push(after);
    }
    changes
}

/// Measures from the last firing well before a change of the clocks to the first one well after it.
fn around(cron: &Cron, zone: Tz, change: DateTime<Utc>, measured: &mut MeasuredGaps) {
    // Twice the largest change of any clock, and then some.
    let reach = Duration::hours(5);
    let Some(mut from) = last(cron, zone, change - reach) else {
        return;
    };
    while let Some(to) = next(cron, zone, from) {
        measured.take(to - from, || {
            let show =
                |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string();
            (show(from), format!("{} as the clocks change", show(to)))
        });
        if to > change + reach {
            return;
        }
        from = to;
    }
}
