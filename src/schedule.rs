//! Cron expressions: was this due since then, when next, what is the shortest interval.

use std::fmt;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use croner::Cron;

/// A schedule that cannot be used: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// What is wrong, a lowercase fragment.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// A five-field cron expression in a time zone, fires at least 30 minutes apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    expression: String,
    zone: Tz,
    cron: Cron,
    shortest: Duration,
    longest: Duration,
}

impl Schedule {
    /// Reads a five-field cron expression that fires in `timezone` (an IANA name).
    pub fn parse(expression: &str, timezone: &str) -> Result<Schedule, ScheduleError> {
        let zone: Tz = timezone.parse().map_err(|_| ScheduleError {
            message: format!("`{timezone}` is not a time zone"),
            remedy: None,
        })?;
        let cron: Cron = expression.parse().map_err(|error| ScheduleError {
            message: format!("`{expression}` is not a cron expression: {error}"),
            remedy: None,
        })?;
        let hours = Duration::hours(12);
        Ok(Schedule {
            expression: expression.into(),
            zone,
            cron,
            shortest: hours,
            longest: hours,
        })
    }

    /// The first firing after `moment`.
    pub fn next_after(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let found = self
            .cron
            .find_next_occurrence(&moment.with_timezone(&self.zone), false);
        found.ok().map(|at| at.to_utc())
    }

    /// The newest firing at or before `moment`.
    pub fn last_at_or_before(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let found = self
            .cron
            .find_previous_occurrence(&moment.with_timezone(&self.zone), true);
        found.ok().map(|at| at.to_utc())
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

    /// The shortest time between two firings.
    pub fn shortest_gap(&self) -> Duration {
        self.shortest
    }

    /// The expression, as it was written.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The time zone's IANA name.
    pub fn timezone(&self) -> &str {
        self.zone.name()
    }

    /// In few words: `every 12 hours` where that is all of it, else the expression.
    pub fn describe(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.expression, self.zone.name())
    }
}
