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
    let found = |code, words, told: Option<(String, &str)>| {
        told.map(|(text, remedy)| finding(code, None, format!("{words}: {text}")).remedy(remedy))
    };
    let primary = found(
        FindingCode::PrimaryNotAvailable,
        PRIMARY_AWAY,
        told(workflows.chain(tables)),
    );
    let secondary = found(
        FindingCode::SecondaryNotAvailable,
        SECONDARY_AWAY,
        told(replicas),
    );
    primary.into_iter().chain(secondary).collect()
}

/// `read the history of main.core.gold: 503, and 3 more questions`, with what to do; `None`: everything was answered.
fn told<'a>(refusals: impl Iterator<Item = &'a RegionError>) -> Option<(String, &'static str)> {
    let mut refusals = refusals.filter(|error| error.kind.is_away());
    let first = refusals.next()?;
    let remedy = match first.kind {
        RegionErrorKind::SignedOut => "sign in with a credential that is valid, then plan again",
        _ => "plan again when it answers",
    };
    let text = format!("{}: {}", first.doing, first.detail);
    let text = match refusals.count() {
        0 => text,
        1 => format!("{text}, and 1 more question"),
        more => format!("{text}, and {more} more questions"),
    };
    Some((text, remedy))
}
