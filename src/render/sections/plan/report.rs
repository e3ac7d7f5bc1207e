//! A plan with everything that there is to say of it: every group by what was decided, the metadata tables, where it all comes from.

mod origin;

use chrono::{DateTime, Utc};

use super::group::{self, Verbosity};
use super::metadata;
use super::notes::due_anyway;
use super::verdict::verdict;
use crate::command::Verb;
use crate::figures::{plural, span};
use crate::ledger::cut_label;
use crate::plan::{Decision, Plan, StoredPlan};
use crate::record::RunRecord;
use crate::render::causes::FindingCause;
use crate::render::page::{
    Block, Document, Entries, Fact, Obstacles, Page, PageTable, Phrase, PhrasePart, Section,
};
use crate::render::protection::{all_compared, not_compared, settings};
use crate::render::sections::acceptances::without_acceptance;
use crate::render::sections::causes::{blocking_causes, obstacle};
use crate::render::sections::notes::{accepted, leaving, unprotected, warnings};
use crate::render::sections::show;
use crate::render::shown::{Labelled, Shown};

/// The report of a stored plan.
///
/// `applies` are the records of its applies that were found, oldest first.
pub fn report(stored: &StoredPlan, applies: &[RunRecord], now: DateTime<Utc>) -> Page {
    let plan = &stored.plan;
    let shown = Shown::of(plan, true);
    let mut page = Page::new("plan", "drsync plan", verdict(plan));
    page.say(Block::Words(show::verdict(plan, applies, now).into()));
    page.say(protection(plan));
    page.say(leaving(plan));
    page.say(asked(plan));
    page.say(accepted(plan));
    page.say(warnings(&plan.warnings, |_| true));
    page.say(unprotected(plan));
    for (decision, title) in [
        (Decision::Blocked, "Blocked"),
        (Decision::Sync, "To sync"),
        (Decision::Waiting, "Waiting"),
    ] {
        page.say(groups(&shown, decision, title));
    }
    page.say(up_to_date(&shown));
    page.say(metadata::in_full(plan));
    page.say(origin::section(stored, applies));
    page.document = Some(Document {
        bytes: stored.bytes.clone(),
        id: plan.plan_id.clone(),
        shown_by: Some(Verb::Show),
    });
    page
}

/// What the configuration changes of the protection; what is weaker first.
fn protection(plan: &Plan) -> Section {
    let mut all = settings(plan, |_| true);
    let nothing = not_compared(plan).into_iter().map(|told| {
        let told =
            Phrase::from("Settings are compared with nothing: ").and(Phrase::from_others(told));
        Block::Words(told.and("."))
    });
    if all.is_empty() {
        return Section::of(nothing);
    }
    all.sort_by_key(|setting| !setting.weaker);
    let holds = "They hold from the first round after the change is taken in, applied or not.";
    let mut blocks = vec![Block::Settings(all), Block::Words(holds.into())];
    let compared = all_compared(plan).into_iter();
    blocks.extend(compared.map(|with| {
        Block::Words(Phrase::from("Compared with ").and(Phrase::from_others(with)).and("."))
    }));
    blocks.extend(nothing);
    Section::titled("Protection that changes", blocks)
}

/// What was asked for.
fn asked(plan: &Plan) -> Section {
    let selected = |label, names: &[String]| {
        (!names.is_empty())
            .then(|| Fact::new(label, PhrasePart::Names(names.to_vec(), SELECTED_NAMED)))
    };
    let due = plan.due_anyway.as_ref().and_then(due_anyway);
    let due = due.map(|due| format!("{due}: not changed by the configuration"));
    let facts = [
        selected("only", &plan.selection.only),
        selected("left out", &plan.selection.exclude),
        due.map(|due| Fact::new("not in it", due)),
    ];
    Block::Facts(facts.into_iter().flatten().collect()).into()
}

/// Groups of a selection that are named.
const SELECTED_NAMED: usize = 20;

/// The groups of which so was decided; of what is blocked the causes that are shared before them.
fn groups(shown: &Shown<'_>, decision: Decision, title: &str) -> Section {
    let of: Vec<&Labelled<'_>> = shown.decided(decision).collect();
    let causes = match decision {
        Decision::Blocked => {
            let shared = |cause: &FindingCause| cause.groups.len() > 1 || cause.tables.len() > 1;
            // What lets it through stands with each group.
            let shared = blocking_causes(&of).into_iter().filter(shared);
            shared.map(|cause| obstacle(without_acceptance(&cause))).collect()
        }
        Decision::Sync | Decision::Waiting | Decision::UpToDate => vec![],
    };
    let head = Some("Causes that tables or groups share");
    let shared = Obstacles { title: head, groups: vec![], causes };
    let entries = of.into_iter().map(|of| group::entry(shown.plan, of, Verbosity::Full)).collect();
    let entries = Block::Entries(Entries::chosen("group", entries));
    Section::titled(title, [Block::Obstacles(shared), entries])
}

/// Groups that are up to date, folded away: a line each.
fn up_to_date(shown: &Shown<'_>) -> Section {
    let heads = ["group", "cut", "#tables", "RPO", "note"];
    let mut table = PageTable::new("Groups that are up to date", "group", &heads);
    for Labelled { label, workspace: _, group, place: _ } in shown.decided(Decision::UpToDate) {
        let cut = group.last_cut.as_ref();
        let cut = cut.map_or(String::new(), |cut| cut_label(cut.number, cut.recovery_point));
        table.row(vec![
            Phrase::name(label),
            cut.into(),
            group.tables.to_string().into(),
            group.rpo_seconds.map_or(String::new(), span).into(),
            Phrase::from_others(&group.reason.message),
        ]);
    }
    let number = plural(table.rows.len(), "group");
    table.folded = Some(format!("{number} with nothing newer than the last cut"));
    Section::titled("Up to date", [Block::Table(table)])
}
