//! The period report for people: what an auditor asks first, first.

use super::super::clean::{clean, name};
use super::super::figures::{count, moment, plural, short, span};
use super::super::layout::{hanging, table};
use super::super::protection::told;
use super::super::{Style, Tone};
use super::History;
use crate::history::{ApplyLine, GroupPeriod, Period, SettingsLine, Skew, Unrecorded};
use crate::text::plural_as;

/// What casts doubt on the report of a period; it comes first.
pub(in crate::render) fn doubts(history: &History) -> Vec<String> {
    let mut workspaces = history.workspaces.iter();
    let unread = workspaces.any(|workspace| workspace.period_missing.is_some());
    let broken = history.periods().any(|period| !period.chain.unbroken);
    let missing = history.periods().any(|period| period.chain.in_doubt());
    let claims = |unsigned: bool| {
        let mut all = history.periods().flat_map(|period| &period.unproved);
        all.any(|one| one.claim.is_of_runners_signature() == unsigned)
    };
    let lost = history.workspaces.iter().any(|workspace| !workspace.lost.is_empty());
    let all = [
        (lost, "The cut log lost cuts (ledger_lost)"),
        (unread, "The run records could not be read"),
        (broken, "The chain of records is broken"),
        (claims(false), "A run record claims what is not so"),
        (claims(true), "A run record is not signed by its runner"),
        (missing, "A run record is not there yet"),
    ];
    all.into_iter().filter(|(doubted, _)| *doubted).map(|(_, words)| words.to_owned()).collect()
}

/// The report of one workspace, a block a subject.
pub(super) fn blocks(workspace: &str, period: &Period, style: &Style) -> Vec<Vec<String>> {
    let mut head = vec![style.paint(
        Tone::Strong,
        &format!("{}  {} to {}", name(workspace), moment(period.since), moment(period.until)),
    )];
    let unapproved = match period.without_approval.len() {
        0 => String::new(),
        some => format!(", {} without approval", count(some as u64)),
    };
    let text = format!(
        "{}{unapproved}; {} found nothing to do; longest time without a record {}",
        plural_as(period.applies.len() as u64, "apply", "applies"),
        plural(period.quiet_rounds, "round"),
        span(period.longest_silence_seconds)
    );
    head.extend(hanging("   ", &text, style.width));
    if period.chain.unbroken {
        head.push(format!("   {} in an unbroken chain", plural(period.chain.records, "record")))
    } else {
        let text = format!("the chain of {} is broken", plural(period.chain.records, "record"));
        head.push(style.paint(Tone::Bad, &format!("   {text}")));
        for problem in &period.chain.problems {
            head.extend(hanging("   - ", &clean(problem), style.width));
        }
    }
    if let Some(found) = &period.chain.head {
        let text = format!(
            "the record {} of apply {} is among them, unaltered",
            clean(&found.sha256),
            clean(&found.run_id)
        );
        head.extend(hanging("   ", &text, style.width));
    }
    if let Some(signed) = period.chain.signed {
        let text = format!(
            "{} of {} signed by the runner",
            count(signed as u64),
            plural(period.chain.records, "record")
        );
        head.extend(hanging("   ", &text, style.width));
    }
    for claim in &period.unproved {
        head.extend(hanging("   - ", &clean(&claim.sentence()), style.width));
    }
    head.extend(unrecorded(period, style));
    for odd in &period.chain.passed_over {
        let text =
            format!("{} among the evidence was passed over: {}", name(&odd.name), clean(&odd.why));
        head.extend(hanging("   - warning: ", &text, style.width));
    }
    let mut blocks = vec![head];
    if !period.groups.is_empty() {
        blocks.push(groups(period, style));
    }
    if !period.settings.is_empty() {
        blocks.push(settings(workspace, period, style));
    }
    if !period.applies.is_empty() {
        blocks.push(applies(period, style));
    }
    blocks
}

/// Applies that left no record, and clocks that were apart, a line each.
fn unrecorded(period: &Period, style: &Style) -> Vec<String> {
    let unrecorded = period.chain.unrecorded.iter().map(Unrecorded::sentence);
    let all = unrecorded.chain(period.chain.skews.iter().map(Skew::sentence));
    all.flat_map(|sentence| hanging("   - ", &clean(&sentence), style.width)).collect()
}

fn groups(period: &Period, style: &Style) -> Vec<String> {
    let rows = period
        .groups
        .iter()
        .map(|group| {
            vec![
                name(&group.group),
                count(group.cuts as u64),
                group
                    .objective_minutes
                    .map_or_else(|| "-".to_owned(), |minutes| span(minutes * 60)),
                within(period, group),
                group.oldest_seconds.map_or_else(|| "never".to_owned(), span),
            ]
        })
        .collect();
    let lines = table(&["group", "cuts", "objective", "proved within", "oldest"], rows);
    let mut all = Vec::new();
    let mut lines = lines.into_iter();
    all.extend(lines.next());
    for (line, group) in lines.zip(&period.groups) {
        all.push(line);
        for blocked in &group.blocked {
            let until = match blocked.until {
                Some(until) => format!("to {}", moment(until)),
                None => format!("and still at {}", moment(period.until)),
            };
            let text =
                format!("blocked {} {until}: {}", moment(blocked.from), clean(&blocked.message));
            all.extend(hanging("       ", &text, style.width));
        }
        for risk in &group.accepted {
            let text = format!(
                "cut {} accepted {} {}: \"{}\"",
                risk.cut,
                clean(&risk.code),
                name(&risk.scope),
                clean(&risk.reason)
            );
            all.extend(hanging("       ", &text, style.width));
        }
    }
    all
}

/// The share, and from when on it counts where that is not the whole period.
fn within(period: &Period, group: &GroupPeriod) -> String {
    match (group.within_objective, group.counted_from) {
        (Some(share), Some(from)) if from > period.since => {
            format!("{} from {}", percent(share), moment(from))
        }
        (Some(share), _) => percent(share),
        (None, None) => NO_CUT_YET.to_owned(),
        (None, Some(_)) => "-".to_owned(),
    }
}

/// Of a group without a cut there is nothing that could be within the objective.
pub(in crate::render) const NO_CUT_YET: &str = "no cut yet";

/// Rounded down: a share is never shown as more than it is.
pub(in crate::render) fn percent(share: f64) -> String {
    format!("{:.1}%", (share * 1_000.0).floor() / 10.0)
}

/// What approval an apply had; a signature only where it is there and verifies.
pub(in crate::render) fn approval(apply: &ApplyLine) -> &'static str {
    match (&apply.approval, apply.approval_proved) {
        (None, _) => "approval not recorded",
        (Some(_), Some(false)) => "claims a signature that is not proved",
        (Some(approval), Some(true) | None) => approval.as_str(),
    }
}

/// Who changed what of the protection, and whether somebody approved it.
fn settings(workspace: &str, period: &Period, style: &Style) -> Vec<String> {
    let weaker = period.settings.iter().flat_map(|line| &line.changes);
    let weaker = weaker.filter(|change| change.weakens()).count();
    let mut lines = vec![match weaker {
        0 => "settings".to_owned(),
        some => format!("settings, {} weaker", count(some as u64)),
    }];
    for line in &period.settings {
        lines.extend(hanging("   ", &origin_of_settings(line), style.width));
        for change in &line.changes {
            let told = told(false, workspace, change);
            let text = format!("{} {}  {}", told.word, told.who, told.sentence());
            lines.extend(hanging("       ", &text, style.width));
        }
    }
    lines
}

/// When, by whom, from which change, and whether somebody approved it.
pub(in crate::render) fn origin_of_settings(line: &SettingsLine) -> String {
    let SettingsLine { run_id, at, actor, git_commit, change, reviewed, changes } = line;
    let commit =
        git_commit.as_ref().map(|commit| format!("commit {}", short(&clean(commit)).to_owned()));
    let from: Vec<String> = change.iter().map(clean).chain(commit).collect();
    let from = if from.is_empty() { String::new() } else { format!(" ({})", from.join(", ")) };
    let weaker = changes.iter().any(|change| change.weakens());
    let said = match (reviewed, weaker) {
        (true, _) => "; approved",
        (false, true) => "; no approved plan covers it",
        (false, false) => "",
    };
    format!("{}  {}{from}, first seen by {}{said}", moment(*at), clean(actor), clean(run_id))
}

fn applies(period: &Period, style: &Style) -> Vec<String> {
    let mut lines = vec!["applies".to_owned()];
    for apply in &period.applies {
        let approval = approval(apply);
        let text = format!(
            "{}  {}, {}, exit {} ({}): {} synchronized, {} failed, {} blocked{}; {}",
            moment(apply.started_at),
            clean(&apply.actor),
            approval,
            apply.exit.code,
            clean(&apply.exit.name),
            apply.synchronized,
            apply.failed,
            apply.blocked,
            if apply.metadata_changed { ", metadata tables changed" } else { "" },
            clean(&apply.run_id)
        );
        lines.extend(hanging("   ", &text, style.width));
    }
    lines
}
