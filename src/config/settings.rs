//! The settings that a workspace and its groups share, of which the group's win. Pure.

use std::collections::BTreeMap;

use chrono::Duration;

use super::Pause;
use super::fields::{Field, Fields, KeyPlace, WrongValue};
use super::values::{cron_text, day_or_moment, reason};
use crate::schedule::{Schedule, ScheduleError};

/// What one level gives of them; `None` where it gives nothing, or nothing readable.
#[derive(Debug, Clone, Default)]
pub(super) struct LevelSettings {
    pub(super) cron: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) max_retries: Option<u32>,
    pub(super) rpo: Option<u32>,
    pub(super) max_lag: Option<u32>,
    pub(super) min_interval: Option<u32>,
    pub(super) receipt: Option<u32>,
    pub(super) retention_days: Option<u32>,
    pub(super) shrink_percent: Option<u32>,
    pub(super) pause: Option<Pause>,
}

/// Retries where the workspace's own number could not be read, so that its groups can still be checked.
const RETRIES_UNREAD: u32 = 3;

impl LevelSettings {
    /// Reads them from a workspace or a group.
    pub(super) fn read(fields: &mut Fields<'_>) -> LevelSettings {
        let read_zone = |text: &str| {
            Schedule::check_timezone(text).map_err(WrongValue::from)?;
            Ok(text.to_string())
        };
        LevelSettings {
            cron: fields.read("sync_schedule", cron_text).map(|(cron, _)| cron),
            timezone: fields.read("sync_timezone", read_zone).map(|(zone, _)| zone),
            max_retries: fields.number("sync_max_retries"),
            rpo: fields.number("sync_rpo_minutes"),
            max_lag: fields.number("sync_max_lag_minutes"),
            min_interval: fields.number("sync_min_interval_minutes"),
            receipt: fields.number("sync_receipt_minutes"),
            retention_days: fields.number("sync_replica_retention_days"),
            shrink_percent: fields.number("sync_shrink_percent"),
            pause: pause(fields),
        }
    }

    /// The group's own, else the workspace's.
    pub(super) fn over(self, below: &LevelSettings) -> LevelSettings {
        let below = below.clone();
        let LevelSettings {
            cron,
            timezone,
            max_retries,
            rpo,
            max_lag,
            min_interval,
            receipt,
            retention_days,
            shrink_percent,
            pause,
        } = self;
        LevelSettings {
            cron: cron.or(below.cron),
            timezone: timezone.or(below.timezone),
            max_retries: max_retries.or(below.max_retries),
            rpo: rpo.or(below.rpo),
            max_lag: max_lag.or(below.max_lag),
            min_interval: min_interval.or(below.min_interval),
            receipt: receipt.or(below.receipt),
            retention_days: retention_days.or(below.retention_days),
            shrink_percent: shrink_percent.or(below.shrink_percent),
            // Reason and end belong together: a group's own reason has its own end, or none.
            pause: pause.or(below.pause),
        }
    }

    pub(super) fn max_retries(&self) -> u32 {
        self.max_retries.unwrap_or(RETRIES_UNREAD)
    }

    pub(super) fn rpo(&self, schedule: &Schedule) -> Duration {
        self.rpo.map_or_else(|| schedule.longest_gap(), minutes)
    }

    pub(super) fn max_lag(&self, schedule: &Schedule) -> Option<Duration> {
        match self.max_lag {
            Some(0) => None,
            Some(given) => Some(minutes(given)),
            None => Some(schedule.longest_gap() * 2),
        }
    }

    pub(super) fn min_interval(&self) -> Duration {
        minutes(self.min_interval.unwrap_or(30))
    }

    pub(super) fn receipt(&self) -> Duration {
        minutes(self.receipt.unwrap_or(60))
    }

    pub(super) fn replica_retention_days(&self) -> u32 {
        self.retention_days.unwrap_or(30)
    }

    pub(super) fn shrink_percent(&self) -> u32 {
        self.shrink_percent.unwrap_or(50)
    }
}

/// Why the groups of a level are not synchronized for now, and until when.
fn pause(fields: &mut Fields<'_>) -> Option<Pause> {
    let paused = fields.read("paused", reason);
    let until = fields.read("paused_until", day_or_moment);
    match (paused, until) {
        (Some((reason, _)), until) => Some(Pause { reason, until: until.map(|(at, _)| at) }),
        (None, Some((_, field))) if !fields.has("paused") => {
            let remedy = "add paused with the reason, or leave this out";
            fields.wrong(&field, WrongValue::new("is given without paused", remedy));
            None
        }
        (None, _) => None,
    }
}

fn minutes(minutes: u32) -> Duration {
    Duration::minutes(i64::from(minutes))
}

/// Schedules already read: a thousand groups mostly share one, and checking one takes a walk through years.
#[derive(Default)]
pub(super) struct Schedules {
    read: BTreeMap<(String, String), Result<Schedule, ScheduleError>>,
}

impl Schedules {
    /// Reads a cron expression in a zone, UTC where none is given.
    pub(super) fn get(
        &mut self,
        cron: &str,
        zone: Option<&str>,
    ) -> Result<Schedule, ScheduleError> {
        let zone = zone.unwrap_or("UTC");
        let read = self.read.entry((cron.to_string(), zone.to_string()));
        read.or_insert_with(|| Schedule::parse(cron, zone)).clone()
    }

    /// The schedule that a level's own keys make with what it inherits, and the mistake of the key that made it.
    pub(super) fn of_level(
        &mut self,
        fields: &mut Fields<'_>,
        own: &LevelSettings,
        cron: Option<&str>,
        zone: Option<&str>,
    ) -> Option<Schedule> {
        let cron = cron?;
        match self.get(cron, zone) {
            Ok(schedule) => Some(schedule),
            Err(error) => {
                let key = match own.cron {
                    Some(_) => "sync_schedule",
                    None => "sync_timezone",
                };
                let place = fields.field(key).map(|Field { place, .. }| place);
                let place: KeyPlace = place.unwrap_or_else(|| fields.place.clone());
                fields.mistakes.push(place.wrong(error.into()));
                None
            }
        }
    }
}
