//! What is known of a group on a bad day: what is lost beyond its cut, which rights the other side lacks, which jobs are to be started.

use crate::figures::{count, moment, plural, plural_of};
use crate::layout::few;
use crate::plan::{JobSeen, LossReceipt, Role, TableLoss, UnknownLoss};
use crate::region::{Deployment, PauseStatus};
use crate::render::writers::markdown::escape::{block, code};
use crate::runbook::{GroupSteps, Place};

/// Runs that are named in one sentence, and who wrote.
const RUNS_MAX: usize = 10;
const WRITERS_MAX: usize = 4;
/// Tables of a group whose losses are listed.
const TABLES_LOST_MAX: usize = 20;

/// What is known to be lost of a group, with what an older cut gives up, and that nobody knows the rest.
pub(super) fn lost(place: &Place, group: &GroupSteps) -> String {
    let beyond = lost_beyond(place, group);
    match group.given_up {
        None => beyond,
        Some((first, last, point)) => {
            let cuts = if first == last {
                format!("cut {first}")
            } else {
                format!("cuts {first} to {last}")
            };
            format!(
                "**Given up with this cut: everything that {cuts} brought, up to {}.**\n\n{beyond}",
                moment(point)
            )
        }
    }
}

fn lost_beyond(place: &Place, group: &GroupSteps) -> String {
    let home = code(&place.sides.home);
    let Some(LossReceipt { at, commits, since, runs, tables, unknown: untold }) = &group.lost
    else {
        return format!("What {home} took after this cut nobody knows: no look at it is known.\n");
    };
    let unknown = "What came after that look nobody knows.";
    let seen = moment(*at);
    if *commits == 0 && untold.is_empty() {
        return format!("Known lost beyond its newest cut: no commit, as of {seen}. {unknown}\n");
    }
    let since = since.map_or(String::new(), |since| format!(" since {}", moment(since)));
    let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
    let repeat = match runs.as_slice() {
        [] => String::new(),
        [run] => format!("; repeat run {run}"),
        runs => format!("; repeat runs {}", few(runs, RUNS_MAX)),
    };
    let lost = match (*commits, untold.is_empty()) {
        (0, _) => format!("no commit, but not of every table{repeat}"),
        (commits, true) => format!("{}{since}{repeat}", plural_of(commits, "commit")),
        (commits, false) => format!("at least {}{repeat}", plural_of(commits, "commit")),
    };
    let mut lines =
        vec![format!("Known lost beyond its newest cut, as of {seen}: {lost}. {unknown}")];
    for UnknownLoss { table, why, known_at } in untold.iter().take(TABLES_LOST_MAX) {
        let known = known_at.map_or(String::new(), |at| format!("; last known {}", moment(at)));
        lines.push(format!("- {}: not known, {}{known}", code(table), why.text()));
    }
    if let Some(more @ 1..) = untold.len().checked_sub(TABLES_LOST_MAX) {
        lines.push(format!("- {} of which it is not known", plural(more, "more table")));
    }
    for table in tables.iter().take(TABLES_LOST_MAX) {
        let TableLoss {
            table,
            commits,
            first_version,
            last_version,
            since,
            until,
            writers,
            rows,
            ..
        } = table;
        let rows = rows.map_or(String::new(), |rows| format!(", {} rows", count(rows)));
        let writers: Vec<String> = writers.iter().map(code).collect();
        let by = few(&writers, WRITERS_MAX);
        let by = if by.is_empty() { by } else { format!(", by {by}") };
        lines.push(format!(
            "- {} v{first_version} to v{last_version}: {} from {} to {}{rows}{by}",
            code(table),
            plural_of(*commits, "commit"),
            moment(*since),
            moment(*until)
        ));
    }
    if let Some(more @ 1..) = tables.len().checked_sub(TABLES_LOST_MAX) {
        lines.push(format!("- {}", plural(more, "more table")));
    }
    format!("{}\n", lines.join("\n"))
}

/// The rights that the other side lacks, as they were last seen.
pub(super) fn rights(place: &Place, group: &GroupSteps) -> String {
    let (home, other) = (code(&place.sides.home), code(&place.sides.other));
    let Some(seen) = &group.grants else {
        return format!(
            "- Rights: nobody looked at them. Whoever works with these tables in {home} has to have them in {other}: compare `SHOW GRANTS` of schemas and tables, in the other region as long as it answers."
        );
    };
    let at = moment(seen.at);
    let differing = seen.differing();
    let lacking: Vec<String> = differing
        .iter()
        .filter(|right| right.at == Role::Primary)
        .map(|right| format!("{};", right.grant()))
        .collect();
    let unseen = seen.unseen.len();
    let known = group.tables.saturating_sub(unseen);
    let compare = format!(
        "compare `SHOW GRANTS` in the other region, as long as it answers, for whoever works with them in {home}"
    );
    let line = match (lacking.len(), known, unseen) {
        (0, 0, _) => return format!("- Rights: not seen at both sides of any table; {compare}."),
        (0, _, 0) => return format!("- Rights: none of {home} is lacking in {other}, as of {at}."),
        (0, known, _) => format!(
            "- Rights: on {} none of {home} is lacking in {other}, as of {at}.",
            plural(known, "table")
        ),
        (number, _, _) => {
            let rights = match number {
                1 => "1 right".to_owned(),
                number => format!("{number} rights"),
            };
            let are = if number == 1 { "is" } else { "are" };
            format!(
                "- Rights: {rights} of {home} {are} lacking in {other}, as of {at}; run those that are still wanted:\n\n{}",
                block("text", &lacking.join("\n"))
            )
        }
    };
    if unseen == 0 {
        return line;
    }
    let line = line.trim_end();
    format!("{line}\n- Rights: not seen at both sides of {}; {compare}.", plural(unseen, "table"))
}

/// Which jobs are to be started, and what is known of each on both sides.
pub(super) fn jobs(place: &Place, group: &GroupSteps) -> Vec<String> {
    let of = |side: Role| group.jobs.iter().filter(move |job| job.side == side);
    let (home, other) = (code(&place.sides.home), code(&place.sides.other));
    let at_home = of(Role::Primary).map(|job| {
        let there = of(Role::Secondary).find(|there| there.name == job.name);
        let was = match job.pause_status {
            Some(PauseStatus::Unpaused) => "not paused",
            Some(PauseStatus::Paused) => "paused: leave it so unless somebody knows why",
            Some(PauseStatus::Unscheduled) => "started by nothing but people and other jobs",
            Some(PauseStatus::Unknown) => "not seen",
            None => "not there",
        };
        let is = match there {
            None => format!("nobody looked for it in {other}"),
            Some(JobSeen { pause_status: None, .. }) => {
                format!("there is none of this name in {other}: it has to be made")
            }
            Some(JobSeen { pause_status: Some(status), job_id, deployment, .. }) => {
                let id = job_id.map_or(String::new(), |id| format!(" job {id}"));
                let how = match status {
                    PauseStatus::Unpaused => "not paused",
                    PauseStatus::Paused => "paused",
                    PauseStatus::Unscheduled => "with nothing that starts it",
                    PauseStatus::Unknown => "not seen well enough to say how",
                };
                let kept = match deployment {
                    Some(Deployment::Bundle) => {
                        "; a bundle keeps its settings: set pause_status in its target, too"
                    }
                    Some(Deployment::SystemManaged | Deployment::Other) => {
                        "; something else keeps its settings"
                    }
                    None => "",
                };
                format!("in {other}{id}, {how}{kept}")
            }
        };
        let seen = moment(job.at);
        format!("- Start: {}, {is}. In {home} it was {was} ({seen}).", code(&job.name))
    });
    at_home.collect()
}
