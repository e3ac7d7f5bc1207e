//! How fast an apply copies, and how long the rest may take.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::apply::{Event, EventKind};
use crate::figures::{bytes, elapsed, span};

/// Before this an apply has no pace to speak of.
const FIRST: TimeDelta = TimeDelta::seconds(10);

/// What was copied since an apply began.
#[derive(Debug, Default)]
pub(super) struct Pace {
    begun: Option<DateTime<Utc>>,
    /// Bytes to copy, as estimated.
    total: u64,
    /// Bytes copied, by workspace, group and table.
    copied: BTreeMap<(String, String, String), u64>,
}

impl Pace {
    /// Takes an event in; the line to show from now on, once there is a pace: `732.3 GiB in 1h02m, 202 MiB/s; about 3h25m left`.
    pub(super) fn tell(&mut self, event: &Event) -> Option<String> {
        match &event.what {
            EventKind::Started { copy_bytes, .. } => {
                self.begun = Some(event.at);
                self.total = *copy_bytes;
            }
            EventKind::TableProgress { workspace, group, table, copied_bytes, .. }
            | EventKind::TableCloned { workspace, group, table, copied_bytes, .. } => {
                let place = (workspace.clone(), group.clone(), table.clone());
                self.copied.insert(place, *copied_bytes);
            }
            _ => {}
        }
        self.line(event.at)
    }

    fn line(&self, now: DateTime<Utc>) -> Option<String> {
        let took = now - self.begun?;
        let copied = self.copied.values().fold(0_u64, |all, more| all.saturating_add(*more));
        if took < FIRST || copied == 0 {
            return None;
        }
        let rate = copied as f64 / took.as_seconds_f64();
        let mut line = format!("{} in {}, {}", bytes(copied), elapsed(took), per_second(rate));
        if let Some(left) = self.total.checked_sub(copied).filter(|left| *left > 0) {
            let left = span((left as f64 / rate).ceil() as i64);
            line.push_str(&format!("; about {left} left"));
        }
        Some(line)
    }
}

/// `202 MiB/s`, and in smaller units what is less than one of them.
fn per_second(rate: f64) -> String {
    let (mib, kib) = (f64::from(1 << 20), f64::from(1 << 10));
    match rate {
        rate if rate >= mib => format!("{:.0} MiB/s", rate / mib),
        rate if rate >= kib => format!("{:.0} KiB/s", rate / kib),
        rate => format!("{rate:.0} B/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn event(seconds: i64, what: EventKind) -> Event {
        let at = DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap();
        Event { at, what }
    }

    fn begun(copy_bytes: u64) -> EventKind {
        EventKind::Started {
            run_id: "R".to_owned(),
            plan_id: "P".to_owned(),
            groups: 2,
            tables: 3,
            copy_bytes,
        }
    }

    fn copied(table: &str, copied_bytes: u64) -> EventKind {
        EventKind::TableProgress {
            workspace: "w".to_owned(),
            group: "g".to_owned(),
            table: table.to_owned(),
            copied_bytes,
            statement_id: None,
        }
    }

    #[test]
    fn the_rest_is_told_by_the_pace_of_what_was_copied() {
        let mut pace = Pace::default();
        assert_eq!(pace.tell(&event(0, begun(100 * GIB))), None);
        assert_eq!(pace.tell(&event(5, copied("a", GIB))), None);
        let line = pace.tell(&event(100, copied("a", 10 * GIB)));
        assert_eq!(line.as_deref(), Some("10.0 GiB in 1m40s, 102 MiB/s; about 15m left"));
        let line = pace.tell(&event(200, copied("b", 40 * GIB)));
        assert_eq!(line.as_deref(), Some("50.0 GiB in 3m20s, 256 MiB/s; about 3m left"));
    }

    #[test]
    fn what_was_estimated_too_low_promises_no_end() {
        let mut pace = Pace::default();
        pace.tell(&event(0, begun(GIB)));
        let line = pace.tell(&event(20, copied("a", 2 * GIB)));
        assert_eq!(line.as_deref(), Some("2.0 GiB in 20s, 102 MiB/s"));
    }

    #[test]
    fn a_slow_pace_is_told_in_smaller_units() {
        let mut pace = Pace::default();
        pace.tell(&event(0, begun(GIB)));
        let line = pace.tell(&event(20, copied("a", 2 << 20)));
        assert_eq!(line.as_deref(), Some("2.0 MiB in 20s, 102 KiB/s; about 2h50m left"));
        assert_eq!(per_second(1_047_552.0), "1023 KiB/s");
        assert_eq!(per_second(100.0), "100 B/s");
    }
}
