//! A region that answered at first and then did not, no more to whoever asks, or not with what was asked: told as that, never as
//! something that is not there. Pure.

use super::regions::{code_of_region, deed_of_refusal};
use super::{Deed, Finding, finding, words_of_region};
use crate::plan::document::{Refused, Role};
use crate::plan::view::GroupView;
use crate::region::{RegionError, RegionErrorKind};

/// At most one finding a region, with the first of what a group was not told.
pub(super) fn unanswered(view: &GroupView<'_>) -> Vec<Finding> {
    let workflows = view
        .seen
        .workflows
        .iter()
        .filter_map(|it| it.as_ref().err())
        .filter(|error| !is_of_workflow(error.kind));
    let tables = view.tables().flat_map(|table| {
        let source = table.source.as_ref().and_then(|it| it.as_ref().err());
        let pin = table.pin.as_ref().and_then(|it| it.as_ref().err());
        table.listed.as_ref().err().into_iter().chain(source).chain(pin)
    });
    let replicas = view.tables().filter_map(|table| table.replica.as_ref()?.as_ref().err());
    let of_region = |error: &&RegionError| error.kind.is_of_region();
    let primary = find_refusal(Role::Primary, workflows.chain(tables.filter(of_region)).collect());
    let secondary = find_refusal(Role::Secondary, replicas.filter(of_region).collect());
    primary.into_iter().chain(secondary).collect()
}

/// Whether a refusal says something of the workflow that was asked about: that there is none, or several. Any other leaves the
/// question unanswered, as a listing that breaks off or is refused does.
fn is_of_workflow(kind: RegionErrorKind) -> bool {
    match kind {
        RegionErrorKind::NotFound | RegionErrorKind::Conflict => true,
        RegionErrorKind::Denied
        | RegionErrorKind::Unavailable
        | RegionErrorKind::SignedOut
        | RegionErrorKind::Unsupported
        | RegionErrorKind::Other => false,
    }
}

/// `read the history of main.core.gold: 503, and 3 more questions`, with what to do; `None`: everything was answered.
fn find_refusal(role: Role, mut refusals: Vec<&RegionError>) -> Option<Finding> {
    // A reason that is the whole region's is the reason of the others, too.
    refusals.sort_by_key(|error| !error.kind.is_of_region());
    let (first, more) = refusals.split_first()?;
    let deed = match first.kind {
        RegionErrorKind::SignedOut => deed_of_refusal(Refused::Denied, first.kind),
        RegionErrorKind::Denied => Deed::ShowJob,
        RegionErrorKind::Unavailable => Deed::PlanWhenItAnswers,
        RegionErrorKind::NotFound
        | RegionErrorKind::Conflict
        | RegionErrorKind::Unsupported
        | RegionErrorKind::Other => deed_of_refusal(Refused::Unreadable, first.kind),
    };
    let text = format!(
        "{}: {}: {}",
        words_of_region(role, first.kind),
        first.doing,
        first.describe_answer()
    );
    let text = match more.len() {
        0 => text,
        1 => format!("{text}, and 1 more question"),
        more => format!("{text}, and {more} more questions"),
    };
    Some(finding(code_of_region(role, first.kind), None, text).deed(deed))
}
