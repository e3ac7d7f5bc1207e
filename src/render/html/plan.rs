//! A plan: the verdict, what is blocked, what is synchronized, what waits, what is up to date, and where it all comes from.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::{Sheet, address, code, copied, document, facts, group, provenance, said, table, time};
use crate::apply::RunRecord;
use crate::command::{Command, Verb};
use crate::plan::document::{Refused, RegionSeen, RowChange, WorkspacePlan};
use crate::plan::{Decision, LedgerAction, Plan, Role, SettingChange, StoredPlan};
use crate::render::causes::{Cause, causes};
use crate::render::clean::{clean, name};
use crate::render::figures::{count, minute};
use crate::render::layout::few;
use crate::render::plan::{due_anyway, row_lines, verdict};
use crate::render::protection::{compared, of_plan, told};
use crate::render::sections::notes::{accepted, leaving, unprotected, warnings};
use crate::render::shown::Shown;
use crate::render::writers::html::section as section_of;
use crate::render::{Style, show};

/// The report of a stored plan.
///
/// `applies` are the records of its applies that were found, oldest first.
pub fn plan(stored: &StoredPlan, applies: &[RunRecord], now: DateTime<Utc>) -> String {
    let plan = &stored.plan;
    let style = Style { verbose: true, ..Style::default() };
    let shown = Shown::of(plan, style);
    let decisions = [Decision::Blocked, Decision::Sync, Decision::Waiting, Decision::UpToDate];
    let number = |decision| shown.decided(decision).count();
    let mut parts: Vec<(String, String)> = decisions
        .into_iter()
        .filter(|decision| number(*decision) > 0)
        .map(|decision| {
            let words = format!("{} ({})", heading(decision), number(decision));
            (group::id(decision), words)
        })
        .collect();
    for (id, words) in [
        ("metadata", "Metadata tables"),
        ("provenance", "Provenance"),
        ("document", "The document"),
    ] {
        parts.push((id.to_owned(), words.to_owned()));
    }
    let body = html! {
        p { (show::verdict(plan, applies, now)) }
        (protection(plan))
        (section_of(&leaving(plan)))
        (notes(plan))
        @for decision in decisions {
            @if number(decision) > 0 {
                section aria-labelledby=(group::id(decision)) {
                    h2 id=(group::id(decision)) {
                        (heading(decision)) " (" (count(number(decision) as u64)) ")"
                    }
                    @match decision {
                        Decision::Blocked => {
                            (shared_causes(&shown))
                            @for entry in shown.decided(decision) { (group::blocked(plan, entry)) }
                        }
                        Decision::Sync => @for entry in shown.decided(decision) { (group::sync(plan, entry)) },
                        Decision::Waiting => @for entry in shown.decided(decision) { (group::waiting(plan, entry)) },
                        Decision::UpToDate => (group::up_to_date(&shown)),
                    }
                }
            }
        }
        (metadata(plan, &shown))
        (origin(stored, applies))
        (document(&stored.bytes, &stored.sha256, "plan", &plan.plan_id, "drsync show"))
    };
    Sheet { what: "drsync plan", verdict: &verdict(plan), parts, body }.text()
}

fn heading(decision: Decision) -> &'static str {
    match decision {
        Decision::Blocked => "Blocked",
        Decision::Sync => "To sync",
        Decision::Waiting => "Waiting",
        Decision::UpToDate => "Up to date",
    }
}

/// Causes that several tables or groups share, each with its one remedy.
fn shared_causes(shown: &Shown<'_>) -> Markup {
    let findings = shown.decided(Decision::Blocked).flat_map(|entry| {
        let findings = entry.group.findings.iter();
        findings.filter(|finding| finding.blocks()).map(|finding| (entry.label.as_str(), finding))
    });
    let shared: Vec<Cause> = causes(findings)
        .into_iter()
        .filter(|cause| cause.groups.len() > 1 || cause.tables.len() > 1)
        .collect();
    html! {
        @if !shared.is_empty() {
            h3 { "Causes that tables or groups share" }
            ul.plain {
                @for cause in &shared {
                    li {
                        p {
                            (code(cause.code.as_str())) " " (cause.subject())
                            " in " (few(&cause.groups, 5))
                        }
                        @if let [message] = cause.messages.as_slice() { p { (message) } }
                        (group::remedy(cause.remedy.as_ref()))
                    }
                }
            }
        }
    }
}

/// What the configuration changes of the protection; what is weaker first.
fn protection(plan: &Plan) -> Markup {
    let several = plan.workspaces.len() > 1;
    let mut all: Vec<(&str, &SettingChange)> = of_plan(plan).collect();
    all.sort_by_key(|(_, change)| !change.weakens());
    let compared = plan.workspaces.iter().filter_map(|it| it.settings_compared_with.as_ref());
    html! {
        @if !all.is_empty() {
            h2 { "Protection that changes (" (count(all.len() as u64)) ")" }
            (table("Settings that are others than before", &["", "What", "Setting", "Before", "After"], &html! {
                @for (workspace, change) in &all {
                    @let told = told(several, workspace, change);
                    tr {
                        td { span class=(if change.weakens() { "word bad" } else { "word wait" }) { (told.word) } }
                        td { (code(&told.who)) }
                        td { (told.setting) }
                        td { (clean(&told.before)) }
                        td { (clean(&told.after)) }
                    }
                }
            }))
            p { "They hold from the first round after the change is taken in, applied or not." }
            @for with in compared { p { "Compared with " (self::compared(with)) "." } }
        }
    }
}

/// Accepted risks, warnings, tables left out, what was asked for.
fn notes(plan: &Plan) -> Markup {
    let due = plan.due_anyway.as_ref().and_then(due_anyway);
    let selected = |names: &[String]| {
        let names: Vec<String> = names.iter().map(name).collect();
        (!names.is_empty()).then(|| html! { (few(&names, 20)) })
    };
    html! {
        (facts(&[
            ("Only", selected(&plan.selection.only)),
            ("Left out", selected(&plan.selection.exclude)),
            ("Not in it", due.map(|due| html! { (due) ": not changed by the configuration" })),
        ]))
        @for section in [accepted(plan), warnings(&plan.warnings, |_| true), unprotected(plan)] {
            (section_of(&section))
        }
    }
}

fn metadata(plan: &Plan, shown: &Shown<'_>) -> Markup {
    let list = |names: &[String]| names.iter().map(name).collect::<Vec<_>>().join(", ");
    let rows: Vec<&RowChange> =
        plan.workspaces.iter().flat_map(|workspace| &workspace.rows).collect();
    html! {
        section aria-labelledby="metadata" {
            h2 id="metadata" { "Metadata tables" }
            (table(
                "What an apply does with them, in both regions",
                &["Workspace", "Region", "Action", "Rows to add", "Rows to change", "Rows to retire", "Cuts to copy"],
                &html! {
                    @for workspace in &plan.workspaces {
                        @for action in &workspace.metadata {
                            tr {
                                th scope="row" { (name(&workspace.name)) }
                                td { (role(action.region)) }
                                td { (ledger_action(action.action)) }
                                td { (list(&action.rows_to_add)) }
                                td { (list(&action.rows_to_change)) }
                                td { (list(&action.rows_to_retire)) }
                                td.number { (action.cuts_to_copy) }
                            }
                        }
                    }
                },
            ))
            @if !rows.is_empty() {
                details {
                    summary { "Rows that change (" (rows.len()) ")" }
                    pre { @for line in row_lines(shown) { (line) "\n" } }
                }
            }
        }
    }
}

fn role(region: Role) -> &'static str {
    match region {
        Role::Primary => "primary",
        Role::Secondary => "secondary",
    }
}

fn ledger_action(action: LedgerAction) -> &'static str {
    match action {
        LedgerAction::Create => "create",
        LedgerAction::Clone => "clone",
        LedgerAction::Merge => "merge",
        LedgerAction::None => "none",
    }
}

/// Who made it, from what, and its digests.
fn origin(stored: &StoredPlan, applies: &[RunRecord]) -> Markup {
    let plan = &stored.plan;
    let mut said_of =
        vec![("Plan", Some(code(&plan.plan_id))), ("Made", Some(time(plan.created_at)))];
    said_of.extend(provenance(&plan.provenance));
    let tool = format!("{} {}", plan.tool.name, plan.tool.version);
    let clock = plan.observed_clock.overridden.then(|| {
        html! { "set by DRSYNC_NOW to " (time(plan.observed_clock.now)) }
    });
    let secrets = (!plan.config.secret_refs.is_empty()).then(
        || html! { (few(&plan.config.secret_refs.iter().map(name).collect::<Vec<_>>(), 20)) },
    );
    said_of.extend([
        ("With", Some(said(&tool))),
        ("Clock", clock),
        ("Expires", Some(html! { (time(plan.expires_at)) ": " (clean(&plan.expiry_reason)) })),
        ("Configuration", Some(said(&plan.config.source))),
        ("Its SHA-256", Some(code(&plan.config.sha256))),
        ("Of its meaning", Some(code(&plan.config.effective_sha256))),
        ("Secrets it names", secrets),
        ("Effect", Some(code(&plan.effect_sha256))),
        ("Document", Some(code(&plan.document_sha256))),
        ("File", Some(code(&stored.sha256))),
    ]);
    html! {
        section aria-labelledby="provenance" {
            h2 id="provenance" { "Provenance" }
            (facts(&said_of))
            p { "Effect and document were recomputed and are equal to what the plan says. To apply exactly this effect:" }
            (copied(&Style::default().command(
                &Command::new(Verb::Apply)
                    .word("plan.json")
                    .word("--expect-effect")
                    .word(&*plan.effect_sha256),
            )))
            (table(
                "What was seen of both regions",
                &["Workspace", "Region", "Address", "Sync location", "Answered", "As", "When"],
                &html! { @for workspace in &plan.workspaces { (regions(workspace)) } },
            ))
            @if !applies.is_empty() {
                (table("Applies of this plan", &["Run", "Ended", "How", "By"], &html! {
                    @for record in applies {
                        tr {
                            th scope="row" { (code(&record.run_id)) }
                            td { (minute(record.ended_at)) }
                            td { (clean(&record.exit.name)) " (exit " (record.exit.code) ")" }
                            td { (clean(&record.provenance.actor)) }
                        }
                    }
                }))
            }
        }
    }
}

fn regions(workspace: &WorkspacePlan) -> Markup {
    let row = |region: Role, seen: &RegionSeen| {
        let how = match (seen.reachable, seen.refused) {
            (true, _) => "yes",
            (false, None) => "no",
            (false, Some(Refused::Denied)) => "with a refusal",
            (false, Some(Refused::Unreadable)) => "with what cannot be read",
        };
        let answered = match &seen.answer {
            Some(answer) => format!("{how}: {}", clean(answer)),
            None => how.to_owned(),
        };
        html! {
            tr {
                th scope="row" { (name(&workspace.name)) }
                td { (role(region)) }
                td { @if let Some(workspace) = &seen.workspace { (address(workspace)) } }
                td { (code(&seen.location)) }
                td { (answered) }
                td { @if let Some(principal) = &seen.principal { (clean(principal)) } }
                td { (time(seen.observed_at)) }
            }
        }
    };
    html! {
        (row(Role::Primary, &workspace.observed.primary))
        (row(Role::Secondary, &workspace.observed.secondary))
    }
}
