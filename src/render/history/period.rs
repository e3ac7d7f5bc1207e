//! The period report for people: what an auditor asks first, first.

use super::super::clean::{clean, name};
use super::super::figures::{count, moment, plural, span};
use super::super::layout::{hanging, table};
use super::super::{Style, Tone};
use crate::history::{GroupPeriod, Period};

/// The report of one workspace, a block a subject.
pub(super) fn blocks(workspace: &str, period: &Period, style: &Style) -> Vec<Vec<String>> {
    let mut head = vec![style.paint(
        Tone::Strong,
        &format!(
            "{}  {} to {}",
            name(workspace),
            moment(period.since),
            moment(period.until)
        ),
    )];
    let unapproved = match period.without_approval.len() {
        0 => String::new(),
        some => format!(", {} without approval", count(some as u64)),
    };
    head.push(format!(
        "   {}{unapproved}; {} found nothing to do; longest time without a record {}",
        plural_of(period.applies.len(), "apply", "applies"),
        plural(period.quiet_rounds, "round"),
        span(period.longest_silence_seconds)
    ));
    match period.chain.unbroken {
        true => head.push(format!(
            "   {} in an unbroken chain",
            plural(period.chain.records, "record")
        )),
        false => {
            let text = format!(
                "the chain of {} is broken",
                plural(period.chain.records, "record")
            );
            head.push(style.paint(Tone::Bad, &format!("   {text}")));
            for problem in &period.chain.problems {
                head.extend(hanging("   - ", &clean(problem), style.width));
            }
        }
    }
    let mut blocks = vec![head];
    if !period.groups.is_empty() {
        blocks.push(groups(&period.groups, style));
    }
    if !period.applies.is_empty() {
        blocks.push(applies(period, style));
    }
    blocks
}

/// `1 apply`, `2 applies`.
pub(in crate::render) fn plural_of(number: usize, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        count(number as u64),
        if number == 1 { one } else { many }
    )
}

fn groups(groups: &[GroupPeriod], style: &Style) -> Vec<String> {
    let rows = groups
        .iter()
        .map(|group| {
            vec![
                name(&group.group),
                count(group.cuts as u64),
                group
                    .objective_minutes
                    .map_or_else(|| "-".to_owned(), |minutes| span(minutes * 60)),
                group
                    .within_objective
                    .map_or_else(|| "-".to_owned(), percent),
                group
                    .oldest_seconds
                    .map_or_else(|| "never".to_owned(), span),
            ]
        })
        .collect();
    let lines = table(
        &["group", "cuts", "objective", "proved within", "oldest"],
        rows,
    );
    let mut all = Vec::new();
    let mut lines = lines.into_iter();
    all.extend(lines.next());
    for (line, group) in lines.zip(groups) {
        all.push(line);
        for blocked in &group.blocked {
            let until = blocked.until.map_or_else(|| "now".to_owned(), moment);
            let text = format!(
                "blocked {} to {until}: {}",
                moment(blocked.from),
                clean(&blocked.message)
            );
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

/// Rounded down: a share is never shown as more than it is.
pub(in crate::render) fn percent(share: f64) -> String {
    format!("{:.1}%", (share * 1_000.0).floor() / 10.0)
}

fn applies(period: &Period, style: &Style) -> Vec<String> {
    let mut lines = vec!["applies".to_owned()];
    for apply in &period.applies {
        let approval = apply
            .approval
            .as_ref()
            .map_or("approval not recorded", |approval| approval.as_str());
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
            match apply.metadata_changed {
                true => ", metadata tables changed",
                false => "",
            },
            clean(&apply.run_id)
        );
        lines.extend(hanging("   ", &text, style.width));
    }
    lines
}
