//! One group of a plan, by what was decided for it.

use maud::{Markup, html};

use super::{code, copied, facts, table, time};
use crate::ledger::{Consistency, cut_label};
use crate::plan::document::{Drift, SourceMaintenance};
use crate::plan::{Action, Decision, Finding, GroupPlan, Plan, Severity, Step};
use crate::render::Style;
use crate::render::causes::Repair;
use crate::render::clean::clean;
use crate::render::figures::{bytes, count, plural, span};
use crate::render::plan::{step_stays_out, step_versions, sync_to, waiting_reason};
use crate::render::shown::{Entry, Shown};
use crate::render::{away, card};

/// The id of a decision's part of the page.
pub(super) fn id(decision: Decision) -> String {
    decision.as_str().replace(' ', "-")
}

fn tone(decision: Decision) -> &'static str {
    match decision {
        Decision::Blocked => "bad",
        Decision::Sync | Decision::UpToDate => "good",
        Decision::Waiting => "wait",
    }
}

fn heading(entry: &Entry<'_>) -> Markup {
    let decision = entry.group.decision;
    html! {
        h3 {
            span class={ "word " (tone(decision)) } { (decision.as_str()) } " "
            bdi { (entry.label) }
        }
    }
}

fn article(entry: &Entry<'_>, body: &Markup) -> Markup {
    html! {
        article class=(tone(entry.group.decision)) { (heading(entry)) (body) }
    }
}

/// What holds for a group whatever was decided.
fn standing(plan: &Plan, group: &GroupPlan) -> Vec<(&'static str, Option<Markup>)> {
    let keeps = match &group.last_cut {
        Some(cut) => cut_label(cut.number, cut.recovery_point),
        None => "nothing: it was never synchronized".to_owned(),
    };
    let lag = group.lag_seconds.filter(|lag| *lag > 0);
    let lag = lag.map(|lag| away::lag_words(lag, group.rpo_seconds, plan.created_at));
    let owners: Vec<String> = group.owner_emails.iter().map(clean).collect();
    vec![
        ("Keeps", Some(html! { (keeps) })),
        ("Lag", lag.map(|lag| html! { (lag) })),
        ("RPO", group.rpo_seconds.map(|rpo| html! { (span(rpo)) })),
        ("Tables", Some(html! { (count(group.tables as u64)) })),
        ("Owner", (!owners.is_empty()).then(|| html! { (owners.join(", ")) })),
    ]
}

pub(super) fn blocked(plan: &Plan, entry: &Entry<'_>) -> Markup {
    let group = entry.group;
    article(
        entry,
        &html! {
            (findings(group))
            (drift(&group.drift))
            (source_maintenance(&group.source_maintenance))
            (facts(&standing(plan, group)))
        },
    )
}

pub(super) fn waiting(plan: &Plan, entry: &Entry<'_>) -> Markup {
    let group = entry.group;
    article(
        entry,
        &html! {
            p { (code(id_of_reason(group))) " " (waiting_reason(group)) }
            (findings(group))
            (drift(&group.drift))
            (source_maintenance(&group.source_maintenance))
            (facts(&standing(plan, group)))
        },
    )
}

/// The reason's code as documents spell it.
fn id_of_reason(group: &GroupPlan) -> String {
    let code = serde_json::to_value(group.reason.code).unwrap_or_default();
    code.as_str().unwrap_or_default().to_owned()
}

/// Groups that are up to date, folded away: a line each.
pub(super) fn up_to_date(shown: &Shown<'_>) -> Markup {
    let number = shown.decided(Decision::UpToDate).count();
    html! {
        details {
            summary { (plural(number, "group")) " with nothing newer than the last cut" }
            (table("Groups that are up to date", &["Group", "Cut", "Tables", "RPO", "Note"], &html! {
                @for entry in shown.decided(Decision::UpToDate) {
                    tr {
                        th scope="row" { (entry.label) }
                        td { @if let Some(cut) = &entry.group.last_cut { (cut_label(cut.number, cut.recovery_point)) } }
                        td.number { (count(entry.group.tables as u64)) }
                        td { @if let Some(rpo) = entry.group.rpo_seconds { (span(rpo)) } }
                        td { (clean(&entry.group.reason.message)) }
                    }
                }
            }))
        }
    }
}

pub(super) fn sync(plan: &Plan, entry: &Entry<'_>) -> Markup {
    let group = entry.group;
    let cut = match group.follows_cut {
        Some(before) => format!("{}, after cut {before}", before + 1),
        None => "1, the first".to_owned(),
    };
    let mut said_of = vec![
        ("Consistency", group.consistency.map(consistency)),
        ("Certificate", certificate(group)),
        ("Next cut", Some(html! { (cut) })),
    ];
    said_of.extend(standing(plan, group));
    let statements: Vec<(&Step, &String)> =
        group.steps.iter().filter_map(|step| Some((step, step.statement.as_ref()?))).collect();
    article(
        entry,
        &html! {
            p { (sync_to(group)) }
            (findings(group))
            (facts(&said_of))
            (table(
                &format!("What happens to the tables of {}", entry.label),
                &["Table", "Action", "Version", "Copies", "Files", "Note"],
                &html! { @for step in &group.steps { (row(step)) } },
            ))
            details {
                summary { "Pins (" (plural(group.steps.len(), "table")) ")" }
                (table(
                    &format!("Pins of {}", entry.label),
                    &["Table", "Source", "Why this version", "Readable", "Replica", "Columns"],
                    &html! { @for step in &group.steps { (pins(group, step)) } },
                ))
            }
            @if !statements.is_empty() {
                details {
                    summary { "Statements (" (statements.len()) ")" }
                    @for (step, statement) in statements {
                        p { (code(&step.table)) }
                        (copied(statement))
                    }
                }
            }
            (drift(&group.drift))
            (source_maintenance(&group.source_maintenance))
        },
    )
}

fn consistency(consistency: Consistency) -> Markup {
    let text = match consistency {
        Consistency::WorkflowConsistent => {
            "workflow-consistent: the end of a successful workflow run"
        }
        Consistency::PointInTime => "point-in-time: no workflow of the group was writing",
        Consistency::CrashConsistent => "crash-consistent: not tied to a finished workflow run",
    };
    html! { (text) }
}

/// The newest commit that is in, the recovery point, the oldest commit that stays out.
fn certificate(group: &GroupPlan) -> Option<Markup> {
    let (certificate, point) = (group.certificate.as_ref()?, group.recovery_point?);
    let exact = crate::moment::text;
    let out = match certificate.oldest_out {
        Some(out) => format!("< {}, the oldest commit that stays out", exact(out)),
        None => "and no newer commit".to_owned(),
    };
    Some(html! {
        (exact(certificate.newest_in)) ", the newest commit that is in, <= "
        (exact(point)) ", the recovery point, " (out)
    })
}

fn row(step: &Step) -> Markup {
    let (word, tone) = match step.action {
        Action::Create => ("create", "good"),
        Action::Update => ("update", "wait"),
        Action::NoOp => ("no-op", ""),
    };
    html! {
        tr {
            th scope="row" { (code(&step.table)) }
            td { span class={ "word " (tone) } { (word) } }
            td { (step_versions(step)) }
            td.number { @if let Some(copy) = step.estimate { (bytes(copy.copy_bytes)) } }
            td.number { @if let Some(copy) = step.estimate { (count(copy.copy_files)) } }
            td { @if let Some(note) = step_stays_out(step) { (note) } }
        }
    }
}

fn pins(group: &GroupPlan, step: &Step) -> Markup {
    html! {
        tr {
            th scope="row" { (code(&step.table)) }
            td { (card::source(step)) }
            td { @if let Some(point) = group.recovery_point { (card::certificate(step, point)) } }
            td { (card::readable(step)) }
            td { (card::replica(step)) " " (code(&step.replica.location)) }
            td {
                @if let Some(verdict) = card::columns_verdict(step) { (verdict) }
                ul.plain { @for line in card::column_lines(step) { li { (line) } } }
            }
        }
    }
}

/// Everything found, each with its remedy.
fn findings(group: &GroupPlan) -> Markup {
    html! {
        @if !group.findings.is_empty() {
            ul.plain { @for finding in &group.findings { (one(finding)) } }
        }
    }
}

fn one(finding: &Finding) -> Markup {
    let (word, tone) = match finding.severity {
        Severity::Block => ("blocks", "bad"),
        Severity::Accepted => ("accepted", "wait"),
        Severity::Repaired => ("repaired by apply", "wait"),
    };
    html! {
        li {
            p {
                span class={ "word " (tone) } { (word) } " " (code(finding.code.as_str()))
                @if let Some(table) = &finding.table { " " (code(table)) }
            }
            p { (clean(&finding.message)) }
            (remedy(finding.remedy.as_ref().map(Repair::of).as_ref()))
        }
    }
}

/// A command stands alone, so that it can be copied.
pub(super) fn remedy(remedy: Option<&Repair>) -> Markup {
    html! {
        @match remedy {
            Some(Repair::Sql(text) | Repair::Shell(text)) => (copied(text)),
            Some(Repair::Command(command)) => (copied(&Style::default().command(command))),
            Some(Repair::Words(text)) => p { (text) },
            Some(Repair::WordsElse(words, command)) => {
                p { (words) ":" }
                (copied(&Style::default().command(command)))
            },
            None => {}
        }
    }
}

/// Commits on replicas that are not ours.
fn drift(drift: &[Drift]) -> Markup {
    html! {
        @if !drift.is_empty() {
            (table(
                "Commits on replicas that are not drsync's",
                &["Replica of", "Version", "When", "Operation", "By", "Rows", "Kind"],
                &html! {
                    @for replica in drift {
                        @let theirs = replica.theirs.iter().map(|commit| (commit, "changes the replica"));
                        @let maintenance = replica.maintenance.iter().map(|commit| match commit.rows_compared {
                            Some(false) => (commit, "maintenance, rows not compared"),
                            Some(true) | None => (commit, "maintenance, harmless"),
                        });
                        @for (commit, kind) in theirs.chain(maintenance) {
                            tr {
                                th scope="row" { (code(&replica.table)) }
                                td { "v" (commit.version) }
                                td { (time(commit.committed_at)) }
                                td { (clean(&commit.operation)) }
                                td { @if let Some(user) = &commit.user { (clean(user)) } }
                                td.number { @if let Some(rows) = commit.rows { (count(rows)) } }
                                td { (kind) }
                            }
                        }
                    }
                },
            ))
        }
    }
}

/// Maintenance on sources of whose rows nothing tells.
fn source_maintenance(seen: &[SourceMaintenance]) -> Markup {
    html! {
        @if !seen.is_empty() {
            (table(
                "Maintenance on sources whose rows were not compared",
                &["Table", "Version", "When", "Operation", "By"],
                &html! {
                    @for source in seen {
                        @for commit in &source.commits {
                            tr {
                                th scope="row" { (code(&source.table)) }
                                td { "v" (commit.version) }
                                td { (time(commit.committed_at)) }
                                td { (clean(&commit.operation)) }
                                td { @if let Some(user) = &commit.user { (clean(user)) } }
                            }
                        }
                    }
                },
            ))
        }
    }
}
