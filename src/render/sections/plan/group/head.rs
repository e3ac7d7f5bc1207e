//! Where a group is brought, or what it waits for, and the way out of waiting.

use crate::figures::{plural_of, span};
use crate::harmless::name;
use crate::plan::document::Trigger;
use crate::plan::{CRASH_CONSISTENT, GroupPlan, TriggerKind, risk};
use crate::render::page::{Copied, Phrase};
use crate::render::sections::acceptances::accept;

/// Where a group is brought, and why now.
pub(super) fn to(group: &GroupPlan) -> Phrase {
    match group.recovery_point {
        Some(point) => Phrase::from("to ").and(point).and(", ").and(why(group)),
        None => why(group),
    }
}

fn why(group: &GroupPlan) -> Phrase {
    let said = || Phrase::from_others(&group.reason.message);
    let Some(Trigger { kind, workflow, run_id }) = &group.trigger else {
        return said();
    };
    let run = run_id.map(|run| match workflow {
        Some(workflow) => {
            Phrase::from("end of ").and(Phrase::name(workflow)).and(format!(" run {run}"))
        }
        None => format!("end of workflow run {run}").into(),
    });
    match kind {
        TriggerKind::Workflow => run.unwrap_or_else(said),
        // Steps that create tables say that the group is new, so that the head does not.
        TriggerKind::FirstSync => run
            .or_else(|| group.reason.why_now.as_ref().map(Phrase::from_others))
            .unwrap_or_else(said),
        TriggerKind::Schedule => said(),
        TriggerKind::Repair => Phrase::from("repair: ").and(said()),
        TriggerKind::MaxLag => Phrase::from("not tied to a finished workflow run: ").and(said()),
    }
}

/// `3 commits pending, lag 41m, next due 12:00Z`.
pub(super) fn reason(group: &GroupPlan) -> Phrase {
    let said = Phrase::from_others(&group.reason.message);
    let Some(pending @ 1..) = group.pending_commits else {
        return said;
    };
    let lag = match group.lag_seconds {
        Some(lag @ 1..) => format!(", lag {}", span(lag)),
        Some(_) | None => String::new(),
    };
    Phrase::from(format!("{} pending{lag}, ", plural_of(pending, "commit"))).and(said)
}

/// The command for whoever prefers newer to whole, after what it means, where it is worth an offer.
pub(super) fn way_out(group: &GroupPlan) -> Option<Copied> {
    let after = "Only if you prefer newer to whole (crash-consistent, recorded):";
    let risks = vec![risk(CRASH_CONSISTENT, &name(&group.name))];
    group.may_go_unfinished().then(|| accept(risks).after(after))
}
