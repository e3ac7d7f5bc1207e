//! The report of a period: what the cuts and run records of each workspace prove, what needs an explanation first.

use maud::{Markup, html};

use super::{Page, approval, code, document, facts, said, table, time};
use crate::canonical;
use crate::history::{ApplyLine, Chain, GroupPeriod, Period};
use crate::ledger::Cut;
use crate::render::clean::{clean, name};
use crate::render::figures::{count, elapsed, plural, span};
use crate::render::history::{
    History, NO_CUT_YET, WorkspaceHistory, doubts, origin_of_settings, percent,
};
use crate::render::protection::told;
use crate::text::plural_as;

/// The report of a history; its periods are those that it holds.
pub fn history(history: &History) -> String {
    let bytes = history.bytes();
    let until = history.periods().map(|period| period.until).max();
    let id = until.map(crate::moment::text).unwrap_or_default();
    let several = history.workspaces.len() > 1;
    let subjects: Vec<Subject> = history
        .workspaces
        .iter()
        .enumerate()
        .flat_map(|(at, workspace)| subjects(at, workspace, several))
        .collect();
    let mut parts: Vec<(String, String)> =
        subjects.iter().map(|subject| (subject.id.clone(), subject.heading.clone())).collect();
    parts.push(("document".to_owned(), "The document".to_owned()));
    let body = html! {
        @for subject in &subjects {
            section aria-labelledby=(subject.id) {
                h2 id=(subject.id) { (subject.heading) }
                (subject.body)
            }
        }
        (document(&bytes, &canonical::sha256_of_bytes(&bytes), "history", &id, "jq ."))
    };
    Page { what: "drsync history", verdict: &verdict(history), parts, body }.text()
}

/// All workspaces in one sentence; what casts doubt on the rest comes first.
fn verdict(history: &History) -> String {
    let sum = |of: fn(&Period) -> usize| history.periods().map(of).sum::<usize>();
    let mut said = doubts(history);
    let cuts = history.workspaces.iter().map(|one| one.cuts.len()).sum();
    let mut counts = vec![plural(cuts, "cut")];
    if history.periods().next().is_some() {
        let unapproved = match sum(|period| period.without_approval.len()) {
            0 => String::new(),
            some => format!(" ({} without approval)", count(some as u64)),
        };
        let applies = plural_as(sum(|period| period.applies.len()) as u64, "apply", "applies");
        counts.push(format!("{applies}{unapproved}"));
        counts.push(format!(
            "{} with nothing to do",
            plural(sum(|period| period.quiet_rounds), "round")
        ));
    }
    said.push(counts.join(", "));
    said.join(". ")
}

/// A part of the page that is about one workspace.
struct Subject {
    id: String,
    heading: String,
    body: Markup,
}

fn subjects(at: usize, workspace: &WorkspaceHistory, several: bool) -> Vec<Subject> {
    let subject = |id: &str, heading: &str, body: Markup| Subject {
        id: format!("{id}-{}", at + 1),
        heading: if several {
            format!("{}: {heading}", name(&workspace.name))
        } else {
            heading.to_owned()
        },
        body,
    };
    let mut all = Vec::new();
    let period = workspace.period.as_ref();
    all.push(subject("period", "The period", overview(workspace)));
    if let Some(period) = period {
        let blocked: usize = period.groups.iter().map(|group| group.blocked.len()).sum();
        let accepted: usize = period.groups.iter().map(|group| group.accepted.len()).sum();
        if !period.groups.is_empty() {
            let heading = format!("Groups ({})", count(period.groups.len() as u64));
            all.push(subject("groups", &heading, groups(period)));
        }
        if blocked > 0 {
            let heading = format!("Blocked ({})", count(blocked as u64));
            all.push(subject("blocked", &heading, self::blocked(period)));
        }
        if accepted > 0 {
            let heading = format!("Accepted risks ({})", count(accepted as u64));
            all.push(subject("accepted", &heading, self::accepted(&period.groups)));
        }
        if !period.settings.is_empty() {
            let changes = period.settings.iter().map(|line| line.changes.len()).sum::<usize>();
            let heading = format!("Settings that changed ({})", count(changes as u64));
            all.push(subject("settings", &heading, settings(&workspace.name, period)));
        }
        if !period.applies.is_empty() {
            let heading = format!("Applies ({})", count(period.applies.len() as u64));
            all.push(subject("applies", &heading, applies(period)));
        }
    }
    if !workspace.cuts.is_empty() {
        let heading = format!("Cuts ({})", count(workspace.cuts.len() as u64));
        all.push(subject("cuts", &heading, cuts(&workspace.cuts)));
    }
    all
}

fn settings(workspace: &str, period: &Period) -> Markup {
    table(
        "Settings of protection that changed",
        &["", "What", "Setting", "Before", "After", "By"],
        &html! {
            @for line in &period.settings {
                @for change in &line.changes {
                    @let told = told(false, workspace, change);
                    tr {
                        td { span class=(if change.weakens() { "word bad" } else { "word wait" }) { (told.word) } }
                        td { (code(&told.who)) }
                        td { (told.setting) }
                        td { (clean(&told.before)) }
                        td { (clean(&told.after)) }
                        td { (origin_of_settings(line)) }
                    }
                }
            }
        },
    )
}

fn overview(workspace: &WorkspaceHistory) -> Markup {
    let read = match workspace.unread.as_slice() {
        [] => html! { "the cut logs of both regions" },
        [unread] => html! {
            "the cut log of one region: "
            span.word.wait { "the " (unread.region) " " (unread.verb()) }
        },
        both if both.iter().all(|unread| unread.refused.is_none()) => html! {
            span.word.bad { "neither region answers" }
        },
        _ => html! { span.word.bad { "neither region can be read" } },
    };
    let mut said_of = vec![("Workspace", Some(said(&workspace.name))), ("Read", Some(read))];
    if let Some(why) = &workspace.period_missing {
        said_of
            .push(("Run records", Some(html! { span.word.bad { "not read" } " " (clean(why)) })));
    }
    if let Some(period) = &workspace.period {
        said_of.extend([
            ("Period", Some(html! { (time(period.since)) " to " (time(period.until)) })),
            ("Applies", Some(html! { (count(period.applies.len() as u64)) })),
            ("Without approval", Some(without_approval(period))),
            (
                "Rounds",
                Some(
                    html! { (count(period.quiet_rounds as u64)) " looked and found nothing to do" },
                ),
            ),
            (
                "Longest silence",
                Some(html! { (span(period.longest_silence_seconds)) " without a record" }),
            ),
            ("Records", Some(chain(&period.chain))),
        ]);
    }
    html! {
        (facts(&said_of))
        @if !workspace.lost.is_empty() {
            h3 { "Cuts that the log lost" }
            ul {
                @for lost in &workspace.lost { li { (clean(&lost.sentence())) } }
            }
        }
        @if let Some(period) = &workspace.period {
            @if !period.chain.problems.is_empty() {
                h3 { "What is wrong with the chain" }
                ul {
                    @for problem in &period.chain.problems { li { (clean(problem)) } }
                }
            }
            @if !period.unproved.is_empty() {
                h3 { "What records claim and the evidence does not show" }
                ul {
                    @for one in &period.unproved { li { (clean(&one.sentence())) } }
                }
            }
            @if let Some(head) = &period.chain.head {
                p { "The record " (code(&head.sha256)) " of apply " (code(&head.run_id)) " is among them, unaltered." }
            }
            @if let Some(signed) = period.chain.signed {
                p { (count(signed as u64)) " of " (count(period.chain.records as u64)) " run records signed by the runner." }
            }
            @if !period.chain.passed_over.is_empty() {
                h3 { "Passed over among the evidence" }
                ul {
                    @for odd in &period.chain.passed_over { li { (code(&odd.name)) ": " (clean(&odd.why)) } }
                }
            }
            @if !period.chain.unrecorded.is_empty() {
                h3 { "Applies that left no run record" }
                ul {
                    @for one in &period.chain.unrecorded { li { (clean(&one.sentence())) } }
                }
            }
            @if !period.chain.skews.is_empty() {
                h3 { "Clocks that were apart" }
                ul {
                    @for one in &period.chain.skews { li { (clean(&one.sentence())) } }
                }
            }
        }
    }
}

fn without_approval(period: &Period) -> Markup {
    match period.without_approval.len() {
        0 => html! { "none of those that changed something" },
        some => html! {
            span.word.wait { (count(some as u64)) } " changed something, and nobody had approved it"
        },
    }
}

fn chain(chain: &Chain) -> Markup {
    let (tone, word) =
        if chain.unbroken { ("good", "unbroken chain") } else { ("bad", "broken chain") };
    html! { span class={ "word " (tone) } { (word) } " of " (plural(chain.records, "record")) }
}

fn groups(period: &Period) -> Markup {
    html! {
        p {
            "The share of time within the objective is a lower bound: it counts only what cuts and looks prove, from a group's first cut on. "
            "Objectives are those of today's configuration."
        }
        (table(
            "How fresh the replicas of each group were",
            &["Group", "Cuts", "Objective", "Proved within", "Oldest replica"],
            &html! {
                @for group in &period.groups {
                    tr {
                        th scope="row" { (code(&group.group)) }
                        td.number { (count(group.cuts as u64)) }
                        td.number {
                            @match group.objective_minutes {
                                Some(minutes) => (span(minutes * 60)),
                                None => "no longer configured",
                            }
                        }
                        td.number { (within(period, group)) }
                        td.number {
                            @match group.oldest_seconds {
                                Some(seconds) => (span(seconds)),
                                None => "never synchronized",
                            }
                        }
                    }
                }
            },
        ))
    }
}

fn within(period: &Period, group: &GroupPeriod) -> Markup {
    let Some(share) = group.within_objective else {
        return match group.counted_from {
            Some(_) => html! { "-" },
            None => html! { (NO_CUT_YET) },
        };
    };
    let tone = if share >= 1.0 { "good" } else { "wait" };
    html! {
        span class={ "word " (tone) } { (percent(share)) }
        @if let Some(from) = group.counted_from.filter(|from| *from > period.since) {
            " from " (time(from))
        }
    }
}

fn blocked(period: &Period) -> Markup {
    table(
        "When groups were blocked, as the applies found them",
        &["Group", "From", "Until", "For", "Why"],
        &html! {
            @for group in &period.groups {
                @for blocked in &group.blocked {
                    tr {
                        th scope="row" { (code(&group.group)) }
                        td { (time(blocked.from)) }
                        td {
                            @match blocked.until {
                                Some(until) => (time(until)),
                                None => { span.word.bad { "still blocked" } " at " (time(period.until)) },
                            }
                        }
                        td.number { (span((blocked.until.unwrap_or(period.until) - blocked.from).num_seconds())) }
                        td { (clean(&blocked.message)) }
                    }
                }
            }
        },
    )
}

fn accepted(groups: &[GroupPeriod]) -> Markup {
    table(
        "Risks that somebody accepted, and the cuts that were made all the same",
        &["Group", "Cut", "Risk", "Where", "Reason"],
        &html! {
            @for group in groups {
                @for risk in &group.accepted {
                    tr {
                        th scope="row" { (code(&group.group)) }
                        td.number { (risk.cut) }
                        td { (code(&risk.code)) }
                        td { (code(&risk.scope)) }
                        td { (clean(&risk.reason)) }
                    }
                }
            }
        },
    )
}

fn applies(period: &Period) -> Markup {
    table(
        "Applies that had something to do, oldest first",
        &[
            "Began",
            "Took",
            "By",
            "Approval",
            "Exit",
            "Synchronized",
            "Failed",
            "Blocked",
            "Metadata tables",
            "Run",
        ],
        &html! {
            @for apply in &period.applies {
                tr {
                    th scope="row" { (time(apply.started_at)) }
                    td.number { (elapsed(apply.ended_at - apply.started_at)) }
                    td { (clean(&apply.actor)) }
                    td { (approved(apply, period)) }
                    td { (clean(&apply.exit.name)) " (" (apply.exit.code) ")" }
                    td.number { (count(apply.synchronized as u64)) }
                    td.number { (count(apply.failed as u64)) }
                    td.number { (count(apply.blocked as u64)) }
                    td { @if apply.metadata_changed { "changed" } }
                    td.id { (code(&apply.run_id)) }
                }
            }
        },
    )
}

fn approved(apply: &ApplyLine, period: &Period) -> Markup {
    let words = match &apply.approval {
        Some(said) => approval(said),
        None => html! { "not recorded" },
    };
    if period.without_approval.contains(&apply.run_id) {
        html! { span.word.wait { (words) } }
    } else {
        words
    }
}

/// Cuts by group, folded: the versions of their tables are in the document.
fn cuts(cuts: &[Cut]) -> Markup {
    html! {
        @for cuts in cuts.chunk_by(|a, b| a.group_name == b.group_name) {
            @let group = name(&cuts[0].group_name);
            details {
                summary { bdi { (group) } ": " (plural(cuts.len(), "cut")) ", the newest " (cuts[0].label()) }
                (table(
                    &format!("Cuts of {group}, newest first"),
                    &["Cut", "Recovery point", "Consistency", "Trigger", "Tables", "Committed", "By", "Run"],
                    &html! { @for cut in cuts { (row(cut)) } },
                ))
            }
        }
    }
}

fn row(cut: &Cut) -> Markup {
    html! {
        tr {
            th scope="row" { (cut.cut_number) }
            td { (time(cut.recovery_point)) }
            td { (cut.consistency.as_str()) }
            td {
                (clean(&cut.trigger))
                @if let Some(run) = cut.workflow_run_id { " " (run) }
            }
            td.number { (count(cut.tables.len() as u64)) }
            td { (time(cut.committed_at)) }
            td { (clean(&cut.committed_by)) }
            td.id { (code(&cut.run_id)) }
        }
    }
}
