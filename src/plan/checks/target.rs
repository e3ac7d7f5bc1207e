//! What is wrong with a table at the moment its group would be brought to. Pure.

use chrono::{DateTime, Utc};

use super::tables::finding_of_refusal;
use super::{Deed, Finding, FindingCode, Remedy, finding};
use crate::config::TableName;
use crate::moment;
use crate::plan::observed::TableObserved;
use crate::plan::trigger::SyncTarget;
use crate::plan::versions;
use crate::plan::view::GroupView;
use crate::region::{Pin, RegionError, RegionErrorKind, Source};
use crate::text::plural_of;

/// Below so many rows in the last cut, losing most of them is no sign of an accident.
const SHRINK_ROWS_MIN: u64 = 1_000;

pub(super) fn pin_findings(
    view: &GroupView<'_>,
    table: &TableObserved,
    target: &SyncTarget,
) -> Vec<Finding> {
    let name = &table.name;
    let Some(Ok(source)) = &table.source else {
        return Vec::new();
    };
    let Some(pinned) = versions::version_at(&source.commits, target.point) else {
        return vec![no_version(name, source, target.point)];
    };
    let mut found = Vec::new();
    if holds(view, table, pinned.commit.version) {
        // Nothing of the source's version is read any more.
    } else if let Some(until) =
        readable_until(source, pinned.commit.committed_at).filter(|_| pinned.next.is_some())
        && until < view.now
    {
        found.push(not_retained(
            name,
            pinned.commit.version,
            &format!("could be read until {}, and newer versions exist", moment::text(until)),
        ));
    } else if pinned.commit.version < source.oldest_version {
        found.push(not_retained(
            name,
            pinned.commit.version,
            &format!(
                "is no longer in the log; the oldest that can be read is v{}",
                source.oldest_version
            ),
        ));
    }
    match &table.pin {
        Some(Ok(pin)) => {
            found.extend(shrank(view, name, pin));
            found.extend(mapped_otherwise(table, pin));
        }
        Some(Err(error)) => found.extend(unreadable_pin(view, name, pinned.commit.version, error)),
        None => {}
    }
    found
}

/// A source with far fewer rows than the last cut held.
fn shrank(view: &GroupView<'_>, name: &TableName, pin: &Pin) -> Option<Finding> {
    let (rows, held) = (pin.rows?, view.identity(name)?.rows?);
    if held < SHRINK_ROWS_MIN
        || u128::from(rows) * 100 >= u128::from(held) * u128::from(view.group.shrink_percent)
    {
        return None;
    }
    let rows = plural_of(rows, "row");
    let text = format!("v{} has {rows}; the last cut held {held}", pin.version);
    Some(finding(FindingCode::SourceShrank, Some(name), text).acceptance(name))
}

/// A source whose columns are mapped otherwise than those of its replica.
fn mapped_otherwise(table: &TableObserved, pin: &Pin) -> Option<Finding> {
    let replica = table.replica()?;
    if replica.column_mapping == pin.column_mapping {
        return None;
    }
    let text = format!(
        "its column-mapping mode is {}, the replica's is {}: the replica has to be replaced",
        pin.column_mapping, replica.column_mapping
    );
    let name = &table.name;
    Some(finding(FindingCode::ColumnMappingChanged, Some(name), text).acceptance(name))
}

/// Whether a table's replica is the clone of a version already, so that it needs no copy.
fn holds(view: &GroupView<'_>, table: &TableObserved, version: u64) -> bool {
    view.assessment(table).is_some_and(|seen| {
        let held = seen.holds.map(|held| held.source_version);
        held == Some(version) && seen.theirs.is_empty() && !seen.foreign
    }) && view.damage(table).is_none()
        && view.unknown_clone(table).is_none()
}

fn unreadable_pin(
    view: &GroupView<'_>,
    name: &TableName,
    version: u64,
    error: &RegionError,
) -> Option<Finding> {
    match error.kind {
        RegionErrorKind::NotFound => {
            let why = format!("cannot be read: {}", error.describe_answer());
            Some(not_retained(name, version, &why))
        }
        RegionErrorKind::Denied
        | RegionErrorKind::Unavailable
        | RegionErrorKind::SignedOut
        | RegionErrorKind::Conflict
        | RegionErrorKind::Unsupported
        | RegionErrorKind::Other => finding_of_refusal(view, name, error),
    }
}

fn no_version(name: &TableName, source: &Source, point: DateTime<Utc>) -> Finding {
    let oldest = source.commits.first().map_or(String::new(), |commit| {
        format!("; v{} was committed at {}", commit.version, moment::text(commit.committed_at))
    });
    let text = format!("it has no version as old as {}{oldest}", moment::text(point));
    if let Some(file) = &source.untimed {
        let why = format!(
            "{text}, and {file}, the commit of v{}, is missing, so its time is not known",
            source.oldest_version
        );
        return finding(FindingCode::NoVersionAtRecoveryPoint, Some(name), why)
            .deed(Deed::WaitForCommit);
    }
    if source.oldest_version > 0 {
        return not_retained(
            name,
            source.oldest_version.saturating_sub(1),
            &format!("is needed: {text}"),
        );
    }
    finding(FindingCode::NoVersionAtRecoveryPoint, Some(name), text)
        .deed(Deed::WaitForRecoveryPoint)
}

fn not_retained(name: &TableName, version: u64, why: &str) -> Finding {
    finding(FindingCode::VersionNotRetained, Some(name), format!("v{version} {why}")).repaired_by(Remedy::Sql(format!(
        "ALTER TABLE {} SET TBLPROPERTIES ('delta.deletedFileRetentionDuration' = 'interval 30 days')",
        name.sql()
    )))
}

/// Until when a version that is not the newest can be read; `None`: without limit.
pub fn readable_until(source: &Source, committed_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let retention = chrono::Duration::from_std(source.retention?).ok()?;
    committed_at.checked_add_signed(retention)
}
