//! Cron expressions: was this due since then, when next, and how far apart at the most. Pure.
//!
//! Times of day are those of the schedule's zone; everything that comes in or goes out is UTC.
//! A time that the clocks skip in spring fires when they go on, if the expression names one time of day, else not;
//! a time that they repeat in autumn fires once, if the expression names one time of day, else twice.

use std::fmt;
use std::sync::Arc;

use crate::sentence::Sentence;
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use croner::Cron;

mod describe;
mod gaps;
mod parse;

/// The least time between two firings: what it takes for a group to be looked at, copied and recorded in peace.
pub const SHORTEST_MINUTES: i64 = 30;

/// A schedule that cannot be used: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// What is wrong, a lowercase fragment.
    pub message: Sentence,
    /// What to do about it.
    pub remedy: Option<Sentence>,
}

/// A five-field cron expression in a time zone; it fires, and never twice within half an hour.
#[derive(Clone)]
pub struct Schedule {
    expression: String,
    zone: Tz,
    cron: Arc<Cron>,
    longest: Duration,
}

impl Schedule {
    /// Reads a five-field cron expression that fires in `timezone` (an IANA name).
    pub fn parse(expression: &str, timezone: &str) -> Result<Schedule, ScheduleError> {
        let zone = parse::zone(timezone)?;
        let cron = parse::cron(expression)?;
        let longest = gaps::measure(&cron, zone)?.longest()?;
        let expression = expression.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Schedule { expression, zone, cron: Arc::new(cron), longest })
    }

    /// Whether `timezone` is an IANA name.
    pub fn check_timezone(timezone: &str) -> Result<(), ScheduleError> {
        parse::zone(timezone).map(|_| ())
    }

    /// The first firing after `moment`.
    pub fn next_after(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        gaps::next(&self.cron, self.zone, moment)
    }

    /// The newest firing at or before `moment`.
    pub fn last_at_or_before(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        gaps::last(&self.cron, self.zone, moment)
    }

    /// The newest firing after `after` and at or before `until`.
    pub fn fired_between(
        &self,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        self.last_at_or_before(until).filter(|at| *at > after)
    }

    /// The longest time between two firings.
    pub fn longest_gap(&self) -> Duration {
        self.longest
    }

    /// The expression, its fields parted by one blank.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The time zone's IANA name.
    pub fn timezone(&self) -> &str {
        self.zone.name()
    }

    /// In few words: `every 12 hours` where that is all of it, else the expression.
    pub fn describe(&self) -> String {
        describe::describe(self)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.expression, self.zone.name())
    }
}

// The parsed expression holds a flag for every year until 5000: nothing to read in a failed test.
impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({self})")
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        let Schedule { expression, zone, cron: _, longest: _ } = self;
        *expression == other.expression && *zone == other.zone
    }
}

impl Eq for Schedule {}

#[cfg(test)]
mod tests;
