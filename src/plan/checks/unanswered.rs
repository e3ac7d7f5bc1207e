//! A region that answered at first and then did not, or no more to whoever asks: told as that, never as something that is not there.

use super::regions::{code_of_region, remedy_of_refusal};
use super::{Finding, finding, words_of_region};
use crate::plan::document::{Refused, Role};
use crate::plan::view::GroupView;
use crate::region::{RegionError, RegionErrorKind};

/// At most one finding a region, with the first of what a group was not told.
pub(super) fn unanswered(view: &GroupView<'_>) -> Vec<Finding> {
    let workflows = view
        .seen
        .workflows
        .iter()
        .filter_map(|it| it.as_ref().err());
    let tables = view.tables().flat_map(|table| {
        let source = table.source.as_ref().and_then(|it| it.as_ref().err());
        let pin = table.pin.as_ref().and_then(|it| it.as_ref().err());
        table
            .listed
            .as_ref()
            .err()
            .into_iter()
            .chain(source)
            .chain(pin)
    });
    let replicas = view
        .tables()
        .filter_map(|table| table.replica.as_ref()?.as_ref().err());
    let primary = told(Role::Primary, workflows.chain(tables));
    let secondary = told(Role::Secondary, replicas);
    primary.into_iter().chain(secondary).collect()
}

/// `read the history of main.core.gold: 503, and 3 more questions`, with what to do; `None`: everything was answered.
fn told<'a>(role: Role, refusals: impl Iterator<Item = &'a RegionError>) -> Option<Finding> {
    let mut refusals = refusals.filter(|error| error.kind.is_of_region());
    let first = refusals.next()?;
    let remedy = match first.kind {
        RegionErrorKind::SignedOut => remedy_of_refusal(Refused::Denied, first.kind),
        _ => "plan again when it answers",
    };
    let text = format!(
        "{}: {}: {}",
        words_of_region(role, first.kind),
        first.doing,
        first.detail
    );
    let text = match refusals.count() {
        0 => text,
        1 => format!("{text}, and 1 more question"),
        more => format!("{text}, and {more} more questions"),
    };
    Some(finding(code_of_region(role, first.kind), None, text).remedy(remedy))
}
