//! A region that answered at first and then did not: told as that, never as something that is not there.

use super::{Finding, FindingCode, PRIMARY_AWAY, SECONDARY_AWAY, finding};
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
    let primary = told(workflows.chain(tables)).map(|text| {
        finding(
            FindingCode::PrimaryNotAvailable,
            None,
            format!("{PRIMARY_AWAY}: {text}"),
        )
    });
    let secondary = told(replicas).map(|text| {
        finding(
            FindingCode::SecondaryNotAvailable,
            None,
            format!("{SECONDARY_AWAY}: {text}"),
        )
    });
    primary
        .into_iter()
        .chain(secondary)
        .map(|finding| finding.remedy("plan again when it answers"))
        .collect()
}

/// `read the history of main.core.gold: 503, and 3 more questions`; `None`: everything was answered.
fn told<'a>(refusals: impl Iterator<Item = &'a RegionError>) -> Option<String> {
    let mut refusals = refusals.filter(|error| error.kind == RegionErrorKind::Unavailable);
    let first = refusals.next()?;
    let text = format!("{}: {}", first.doing, first.detail);
    Some(match refusals.count() {
        0 => text,
        1 => format!("{text}, and 1 more question"),
        more => format!("{text}, and {more} more questions"),
    })
}
