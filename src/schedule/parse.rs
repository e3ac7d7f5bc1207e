//! What may be written: five fields, each said by name when it is wrong. Pure.

use chrono_tz::{TZ_VARIANTS, Tz};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::ScheduleError;
use crate::sentence::Sentence;

const FORM: &str = "write minute, hour, day of month, month and weekday, for example 0 */12 * * *";

/// The fields: name, smallest and largest number.
const FIELDS: [(&str, u32, u32); 5] = [
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day-of-month", 1, 31),
    ("month", 1, 12),
    ("weekday", 0, 7),
];

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

pub(super) fn schedule_error(
    message: impl Into<Sentence>,
    remedy: impl Into<Sentence>,
) -> ScheduleError {
    ScheduleError { message: message.into(), remedy: Some(remedy.into()) }
}

/// The time zone of an IANA name, in any case.
pub(super) fn zone(name: &str) -> Result<Tz, ScheduleError> {
    if let Ok(zone) = name.parse() {
        return Ok(zone);
    }
    let short: String = name.chars().take(60).collect();
    let said = format!("{:?} is not a time zone", short);
    let lower = short.to_lowercase().replace([' ', '-'], "_");
    let near = |zone: &&Tz| {
        let known = zone.name().to_lowercase();
        let city = known.rsplit('/').next().unwrap_or_default().to_string();
        let nearness = strsim::normalized_damerau_levenshtein(&lower, &known);
        (nearness.max(strsim::normalized_damerau_levenshtein(&lower, &city)) * 1000.0) as u32
    };
    match TZ_VARIANTS.iter().max_by_key(near).filter(|zone| near(zone) >= 600) {
        Some(zone) => Err(schedule_error(said, format!("did you mean {}?", zone.name()))),
        None => {
            Err(schedule_error(said, "write an IANA name, for example America/New_York or UTC"))
        }
    }
}

/// Reads the expression field by field, so that the wrong one can be named.
pub(super) fn cron(expression: &str) -> Result<Cron, ScheduleError> {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    if let [nickname] = fields.as_slice()
        && nickname.starts_with('@')
    {
        let same = match nickname.to_lowercase().as_str() {
            "@yearly" | "@annually" => "write 0 0 1 1 *",
            "@monthly" => "write 0 0 1 * *",
            "@weekly" => "write 0 0 * * 0",
            "@daily" | "@midnight" => "write 0 0 * * *",
            "@hourly" => "write 0 * * * *",
            _ => FORM,
        };
        return Err(schedule_error("is a nickname, not five fields", same));
    }
    if fields.len() != FIELDS.len() {
        let remedy = match in_five(&fields) {
            Some(same) => format!("in five fields it is {same}"),
            None => FORM.to_string(),
        };
        return Err(schedule_error(format!("has {} fields, not five", fields.len()), remedy));
    }
    for (at, field) in fields.iter().enumerate() {
        check_field(at, field)?;
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser
        .parse(&fields.join(" "))
        .map_err(|error| schedule_error(format!("is not a cron expression: {error}"), FORM))
}

/// The same schedule in five fields, of one with seconds, a year or both; `None` where there is none or it is not certain.
fn in_five(fields: &[&str]) -> Option<String> {
    // Of these two Quartz wants one to be `?`, and the place of it tells where the fields begin.
    let asked = |days: [usize; 2]| days.iter().any(|at| fields.get(*at) == Some(&"?"));
    let quartz = fields.contains(&"?");
    let (seconds, rest, year) = match fields {
        [seconds, rest @ .., year] if rest.len() == 5 => (Some(*seconds), rest, Some(*year)),
        [rest @ .., year] if rest.len() == 5 && quartz && !asked([3, 5]) => {
            (None, rest, Some(*year))
        }
        [seconds, rest @ ..] if rest.len() == 5 => (Some(*seconds), rest, None),
        _ => return None,
    };
    if seconds.is_some_and(|seconds| seconds != "0") || year.is_some_and(|year| year != "*") {
        return None;
    }
    let weekday = rest.last()?;
    // Quartz counts weekdays from 1, Sunday: what is a number there is another day here.
    if quartz && weekday.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let same: Vec<&str> =
        rest.iter().map(|field| if *field == "?" { "*" } else { field }).collect();
    let same = same.join(" ");
    cron(&same).is_ok().then_some(same)
}

fn check_field(at: usize, field: &str) -> Result<(), ScheduleError> {
    let Some((name, least, most)) = FIELDS.get(at).copied() else {
        return Ok(());
    };
    let short: String = field.chars().take(60).collect();
    let said = |what: &str| format!("has the {name} field {short:?}, which {what}");
    let words = words(at);
    if field.starts_with('+') || field.split(',').any(str::is_empty) {
        return Err(schedule_error(said("cannot be read"), range_of(least, most)));
    }
    for part in field.split(',') {
        let (range, step) =
            part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        if let Some(step) = step
            && range.parse::<u32>().is_ok()
        {
            let remedy = format!("write {range}-{most}/{step}");
            return Err(schedule_error(said("steps from a number without an end"), remedy));
        }
        if step.is_some_and(|step| step.parse::<u32>().is_ok_and(|step| step > most - least)) {
            let remedy = format!("write one number, for example {least}, or a smaller step");
            return Err(schedule_error(said("steps over its whole range"), remedy));
        }
        let letters = range.to_uppercase();
        for word in letters.split(['-', '#']).filter(|word| word.len() > 1) {
            let plain = word.trim_end_matches(['L', 'W']);
            let starts_with_letter = plain.starts_with(|c: char| c.is_ascii_alphabetic());
            if starts_with_letter && !words.contains(&plain) {
                return Err(schedule_error(
                    said("is not one of its names or numbers"),
                    range_of(least, most),
                ));
            }
        }
    }
    let mut alone = ["*"; FIELDS.len()];
    if let Some(slot) = alone.get_mut(at) {
        *slot = field;
    }
    match alone.join(" ").parse::<Cron>() {
        Ok(_) => Ok(()),
        Err(_) => Err(schedule_error(said("cannot be read"), range_of(least, most))),
    }
}

fn words(at: usize) -> &'static [&'static str] {
    match at {
        3 => &MONTHS,
        4 => &WEEKDAYS,
        _ => &[],
    }
}

fn range_of(least: u32, most: u32) -> String {
    format!("write numbers from {least} to {most}, a list (1,2), a range (1-5) or a step (*/2)")
}
