//! A schedule in a few words, where few words say all of it. Pure.

use chrono::Duration;

use super::Schedule;

const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// `every 12 hours`, `every day at 02:00`, `every Monday at 02:00 (Europe/Berlin)`, else the expression itself.
pub(super) fn describe(schedule: &Schedule) -> String {
    let zone = match schedule.timezone() {
        "UTC" | "Etc/UTC" => String::new(),
        zone => format!(" ({zone})"),
    };
    let as_written = format!("{}{zone}", schedule.expression());
    let fields: Vec<&str> = schedule.expression().split(' ').collect();
    let [minute, hour, "*", "*", weekday] = fields.as_slice() else {
        return as_written;
    };
    if *weekday == "*"
        && let Some(interval) = interval(schedule)
    {
        return interval;
    }
    let (Ok(minute), Ok(hour)) = (minute.parse::<u32>(), hour.parse::<u32>()) else {
        return as_written;
    };
    let day = match (*weekday, weekday.parse::<usize>()) {
        ("*", _) => Some("day"),
        (_, Ok(number)) => WEEKDAYS.get(number % 7).copied(),
        (name, Err(_)) => WEEKDAYS
            .into_iter()
            .find(|day| day.get(..3).is_some_and(|short| short.eq_ignore_ascii_case(name))),
    };
    day.map_or(as_written, |day| format!("every {day} at {hour:02}:{minute:02}{zone}"))
}

/// The interval, where the firings of every day are evenly spaced and several.
fn interval(schedule: &Schedule) -> Option<String> {
    let times = super::gaps::times(&schedule.cron);
    let gap = match times.as_slice() {
        [first, second, ..] => *second - *first,
        _ => return None,
    };
    let even = times.windows(2).all(|pair| matches!(pair, [from, to] if *to - *from == gap));
    let fills = i32::try_from(times.len()).is_ok_and(|count| gap * count == Duration::days(1));
    match (even && fills, gap.num_minutes()) {
        (false, _) => None,
        (true, 60) => Some("every hour".to_string()),
        (true, minutes) if minutes % 60 == 0 => Some(format!("every {} hours", minutes / 60)),
        (true, minutes) => Some(format!("every {minutes} minutes")),
    }
}
