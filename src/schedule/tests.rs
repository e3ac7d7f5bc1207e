//! Schedules over the change of clocks, leap days, and everything a person may write.

use super::*;

fn read(expression: &str, zone: &str) -> Schedule {
    Schedule::parse(expression, zone).expect("a schedule")
}

/// The shortest time between two firings.
fn shortest_gap(schedule: &Schedule) -> Duration {
    let measured = gaps::measure(&schedule.cron, schedule.zone).expect("it fires");
    measured.shortest.expect("it fires twice").0
}

fn refused(expression: &str, zone: &str) -> String {
    let ScheduleError { message, remedy } =
        Schedule::parse(expression, zone).expect_err("not a schedule");
    format!("{message}: {}", remedy.unwrap_or_default())
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

/// The firings after `from`, as many as asked for, without seconds.
fn firings(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut moment = at(from);
    while out.len() < count {
        moment = schedule.next_after(moment).expect("fires");
        out.push(moment.format("%d %H:%M").to_string());
    }
    out
}

#[test]
fn every_twelve_hours_fires_at_midnight_and_noon() {
    let schedule = read("0 */12 * * *", "UTC");
    assert_eq!(firings(&schedule, "2026-11-22T00:00:00Z", 3), ["22 12:00", "23 00:00", "23 12:00"]);
    assert_eq!(
        schedule.last_at_or_before(at("2026-11-22T12:00:00Z")),
        Some(at("2026-11-22T12:00:00Z"))
    );
    assert_eq!(
        schedule.last_at_or_before(at("2026-11-22T11:59:59Z")),
        Some(at("2026-11-22T00:00:00Z"))
    );
    assert_eq!(
        (shortest_gap(&schedule), schedule.longest_gap()),
        (Duration::hours(12), Duration::hours(12))
    );
    assert_eq!(schedule.to_string(), "0 */12 * * * UTC");
    assert_eq!(format!("{schedule:?}"), "Schedule(0 */12 * * * UTC)");
}

#[test]
fn a_firing_counts_after_the_one_moment_and_until_the_other() {
    let schedule = read("0 * * * *", "UTC");
    let fired = |after: &str, until: &str| schedule.fired_between(at(after), at(until));
    assert_eq!(fired("2026-01-01T10:00:00Z", "2026-01-01T10:59:59Z"), None);
    assert_eq!(
        fired("2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z"),
        Some(at("2026-01-01T11:00:00Z"))
    );
    assert_eq!(
        fired("2026-01-01T09:59:59Z", "2026-01-01T10:00:00Z"),
        Some(at("2026-01-01T10:00:00Z"))
    );
    assert_eq!(
        fired("2026-01-01T00:30:00Z", "2026-01-01T10:30:00Z"),
        Some(at("2026-01-01T10:00:00Z"))
    );
    assert_eq!(fired("2026-01-01T10:30:00Z", "2026-01-01T00:30:00Z"), None);
    assert_eq!(
        fired("2026-01-01T10:00:00.5Z", "2026-01-01T11:00:00.5Z"),
        Some(at("2026-01-01T11:00:00Z"))
    );
}

#[test]
fn a_time_that_the_clocks_skip_fires_when_they_go_on() {
    let schedule = read("30 2 * * *", "America/New_York");
    assert_eq!(firings(&schedule, "2026-03-07T00:00:00Z", 3), ["07 07:30", "08 07:00", "09 06:30"]);
    assert_eq!(schedule.longest_gap(), Duration::hours(25));
    let schedule = read("30 2 * * *", "Europe/Berlin");
    assert_eq!(firings(&schedule, "2026-03-28T00:00:00Z", 3), ["28 01:30", "29 01:00", "30 00:30"]);
}

#[test]
fn a_time_that_the_clocks_repeat_fires_once_alone_and_twice_in_a_list() {
    let schedule = read("30 1 * * *", "America/New_York");
    assert_eq!(firings(&schedule, "2026-10-31T12:00:00Z", 2), ["01 05:30", "02 06:30"]);
    let schedule = read("30 1,13 * * *", "America/New_York");
    assert_eq!(firings(&schedule, "2026-10-31T20:00:00Z", 3), ["01 05:30", "01 06:30", "01 18:30"]);
}

#[test]
fn half_hours_stay_half_hours_while_the_clocks_change() {
    for (zone, change) in [
        ("America/New_York", "2026-03-08T06:00:00Z"),
        ("America/New_York", "2026-11-01T04:00:00Z"),
        ("Europe/Berlin", "2026-03-29T00:00:00Z"),
        ("Europe/Berlin", "2026-10-25T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T14:00:00Z"),
    ] {
        let schedule = read("*/30 * * * *", zone);
        let mut moment = at(change);
        for _ in 0..8 {
            let next = schedule.next_after(moment).expect("fires");
            assert_eq!(next - moment, Duration::minutes(30), "{zone} {moment}");
            moment = next;
        }
        assert_eq!(
            (shortest_gap(&schedule), schedule.longest_gap()),
            (Duration::minutes(30), Duration::minutes(30))
        );
    }
}

#[test]
fn looking_back_finds_what_looking_ahead_found() {
    for expression in
        ["*/30 * * * *", "30 2 * * *", "30 1 * * *", "0 1,3 * * *", "15 */2 * * *", "0 0 * * 1"]
    {
        for zone in ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"] {
            let schedule = read(expression, zone);
            for start in [
                "2026-03-07T20:00:00Z",
                "2026-03-28T20:00:00Z",
                "2026-04-03T20:00:00Z",
                "2026-10-03T10:00:00Z",
                "2026-10-24T20:00:00Z",
                "2026-10-31T20:00:00Z",
            ] {
                let mut moment = at(start);
                for _ in 0..20 {
                    let next = schedule.next_after(moment).expect("fires");
                    for ago in [Duration::zero(), Duration::seconds(1), (next - moment) / 2] {
                        let back = schedule.last_at_or_before(next - ago).expect("fired");
                        let want = if ago.is_zero() {
                            next
                        } else {
                            schedule.last_at_or_before(moment).expect("fired")
                        };
                        assert_eq!(back, want, "{expression} {zone} {next} - {ago}");
                    }
                    moment = next;
                }
            }
        }
    }
}

#[test]
fn a_spring_hour_that_is_skipped_shortens_a_gap_without_being_a_mistake() {
    let schedule = read("0 1,3 * * *", "America/New_York");
    assert_eq!(shortest_gap(&schedule), Duration::hours(1));
    assert_eq!(schedule.longest_gap(), Duration::hours(22));
}

#[test]
fn two_firings_within_half_an_hour_are_refused_with_both() {
    let remedy = "leave at least 30 minutes between two firings";
    assert_eq!(
        refused("*/45 * * * *", "UTC"),
        format!("fires at 00:45 and 01:00, 15 minutes apart: {remedy}")
    );
    assert_eq!(
        refused("* * * * *", "UTC"),
        format!("fires at 00:00 and 00:01, 1 minute apart: {remedy}")
    );
    assert_eq!(
        refused("10,50 0,23 * * *", "UTC"),
        format!("fires at 23:50 and 00:10 the next day, 20 minutes apart: {remedy}")
    );
    assert_eq!(
        refused("0,29 5 1 1 *", "UTC"),
        format!("fires at 05:00 and 05:29, 29 minutes apart: {remedy}")
    );
    read("*/30 * * * *", "UTC");
    read("10,50 0,23 1 * *", "UTC");
}

#[test]
fn two_firings_that_meet_only_as_the_clocks_change_are_refused_with_the_night() {
    let remedy = "leave at least 30 minutes between two firings";
    assert_eq!(
        refused("0,45 1,3 * * *", "America/New_York"),
        format!(
            "fires at 2026-03-08 01:45 EST and 2026-03-08 03:00 EDT as the clocks change, 15 minutes apart: {remedy}"
        )
    );
    assert_eq!(
        refused("5,55 1 * * *", "America/New_York"),
        format!(
            "fires at 2026-11-01 01:55 EDT and 2026-11-01 01:05 EST as the clocks change, 10 minutes apart: {remedy}"
        )
    );
    read("0,45 1,3 * * *", "UTC");
    read("5,55 1 * * *", "America/Phoenix");
}

#[test]
fn what_never_fires_is_refused() {
    for expression in ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
        assert_eq!(
            refused(expression, "UTC"),
            "never fires: write a day that one of its months has"
        );
    }
}

#[test]
fn rare_firings_are_measured_over_leap_days_and_years() {
    let longest = |expression: &str| read(expression, "UTC").longest_gap().num_days();
    assert_eq!(longest("0 0 29 2 *"), 4 * 365 + 1);
    assert_eq!(longest("0 0 1 1 *"), 366);
    assert_eq!(longest("0 0 1 * *"), 31);
    assert_eq!(longest("0 0 * * 1"), 7);
    assert_eq!(longest("0 0 * * 1-5"), 3);
    assert_eq!(longest("0 0 L * *"), 31);
}

#[test]
fn gaps_agree_with_a_walk_through_a_year() {
    for expression in [
        "15 */7 * * *",
        "30 2 * * *",
        "0 1,3 * * *",
        "0 6 1,15 * *",
        "0 9 * * MON-FRI",
        "0 0 1 * MON",
    ] {
        for zone in ["UTC", "America/New_York", "Europe/Berlin", "Africa/Casablanca"] {
            let schedule = read(expression, zone);
            // Once a schedule: each is a walk through years by itself.
            let (shortest, longest) = (shortest_gap(&schedule), schedule.longest_gap());
            let mut moment = schedule.next_after(at("2027-01-01T00:00:00Z")).expect("fires");
            while moment < at("2028-01-01T00:00:00Z") {
                let next = schedule.next_after(moment).expect("fires");
                let gap = next - moment;
                assert!(shortest <= gap, "{expression} {zone} {moment} {gap}");
                assert!(longest >= gap, "{expression} {zone} {moment} {gap}");
                moment = next;
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_the_field_and_what_to_write() {
    let said = |expression: &str| refused(expression, "UTC");
    assert_eq!(
        said("5/15 * * * *"),
        "has the minute field \"5/15\", which steps from a number without an end: write 5-59/15"
    );
    assert_eq!(
        said("0 2/6 * * *"),
        "has the hour field \"2/6\", which steps from a number without an end: write 2-23/6"
    );
    assert_eq!(
        said("0 25 * * *"),
        "has the hour field \"25\", which cannot be read: write numbers from 0 to 23, a list (1,2), a range (1-5) or a step (*/2)"
    );
    assert!(said("MON 0 * * *").starts_with("has the minute field \"MON\""));
    assert!(said("0 0 * * MONDAY").starts_with("has the weekday field \"MONDAY\""));
    assert!(
        said("0 */24 * * *")
            .starts_with("has the hour field \"*/24\", which steps over its whole range")
    );
    for expression in ["0 0,,1 * * *", "0 0 * * 1,", "0 0 29 2 +1", "0 22-2 * * *", "- - - - -"] {
        assert!(said(expression).contains("which cannot be read: write numbers from"));
    }
    assert!(said("0 */0 * * *").starts_with("has the hour field"));
    for (written, same) in [
        ("0 0 */12 * * *", Some("0 */12 * * *")),
        ("0 30 4 ? * MON-FRI", Some("30 4 * * MON-FRI")),
        ("0 30 4 1 * ? *", Some("30 4 1 * *")),
        ("30 4 ? * MON *", Some("30 4 * * MON")),
        // Seconds, a year, and another first day of the week cannot be said in five fields.
        ("30 0 */12 * * *", None),
        ("*/5 * * * * *", None),
        ("0 30 4 1 * ? 2027", None),
        ("30 4 ? * MON 2027", None),
        ("0 30 4 ? * 2", None),
        ("0 0/15 * * * ?", None),
        ("0 0 0 99 * *", None),
    ] {
        let remedy = match same {
            Some(same) => format!(": in five fields it is {same}"),
            None => ": write minute, hour, day of month".to_owned(),
        };
        assert!(said(written).contains(&remedy), "{written}: {}", said(written));
    }
    assert!(said("0 */12 * *").starts_with("has 4 fields, not five: write minute, hour"));
    assert!(said("").starts_with("has 0 fields"));
    assert_eq!(said("@daily"), "is a nickname, not five fields: write 0 0 * * *");
    assert_eq!(
        refused("0 0 * * *", "America/NewYork"),
        "\"America/NewYork\" is not a time zone: did you mean America/New_York?"
    );
    assert_eq!(
        refused("0 0 * * *", "berlin"),
        "\"berlin\" is not a time zone: did you mean Europe/Berlin?"
    );
    assert!(
        refused("0 0 * * *", "+02:00")
            .ends_with("write an IANA name, for example America/New_York or UTC")
    );
}

#[test]
fn a_simple_schedule_is_described_in_words() {
    let said = |expression: &str, zone: &str| read(expression, zone).describe();
    assert_eq!(said("0 */12 * * *", "UTC"), "every 12 hours");
    assert_eq!(said("15 6,18 * * *", "America/New_York"), "every 12 hours");
    assert_eq!(said("0 * * * *", "UTC"), "every hour");
    assert_eq!(said("*/30 * * * *", "UTC"), "every 30 minutes");
    assert_eq!(said("0 2 * * *", "UTC"), "every day at 02:00");
    assert_eq!(said("5 2 * * mon", "Europe/Berlin"), "every Monday at 02:05 (Europe/Berlin)");
    assert_eq!(said("5 2 * * 7", "UTC"), "every Sunday at 02:05");
    assert_eq!(said("0 */7 * * *", "UTC"), "0 */7 * * *");
    assert_eq!(said("0  2 1 * *", "Europe/Berlin"), "0 2 1 * * (Europe/Berlin)");
}

#[test]
fn two_schedules_are_equal_if_they_are_written_alike() {
    assert_eq!(read("0  2 * * *", "UTC"), read(" 0 2 * * *", "UTC"));
    assert_ne!(read("0 2 * * *", "UTC"), read("0 2 * * *", "Europe/Berlin"));
}
