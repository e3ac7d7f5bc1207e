//! Everything that can block a group: all findings are collected, never the first only.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::document::DriftCommit;
use super::finding::{Finding, FindingCode, Severity};
use super::observed::{TableObserved, WorkspaceObserved};
use super::request::Request;
use super::trigger::Target;
use super::versions;
use super::view::GroupView;
use crate::config::{GroupEntry, TableName};
use crate::ledger::CutTableEntry;
use crate::moment;
use crate::region::{RegionError, RegionErrorKind, Source, WriteAccess};

/// Below so many rows in the last cut, losing most of them is no sign of an accident.
const SHRINK_ROWS_MIN: u64 = 1_000;
/// So many replicas at least have to be gone before it is more than a repair.
const REPLICAS_MISSING_MIN: usize = 3;

/// The brief words for a secondary that does not answer, as people search for them.
pub(super) const SECONDARY_AWAY: &str = "secondary region not available";

/// What blocks a group whatever its trigger: the regions, the ledger, the catalog, the replicas.
pub(super) fn standing(view: &GroupView<'_>, facts: &Facts) -> Vec<Finding> {
    let mut found = region_findings(view.workspace);
    if view.workspace.primary.refusal().is_some() {
        return found;
    }
    found.extend(location_findings(view.workspace));
    found.extend(ledger_findings(view.workspace, &view.group.name));
    found.extend(workflow_findings(view));
    for table in view.tables() {
        found.extend(catalog_findings(table));
        found.extend(facts.duplicates.get(&table.name).map(|other| {
            finding(
                FindingCode::DuplicateTarget,
                Some(&table.name),
                format!("it is also a table of group {other}"),
            )
            .remedy("name the table in one group only")
        }));
        found.extend(source_findings(view, table));
        found.extend(replica_findings(view, table));
    }
    if facts.replicas_missing {
        found.extend(missing_replicas(view));
    }
    found
}

/// What blocks a group that is due, at the moment it would be brought to.
pub(super) fn at_target(view: &GroupView<'_>, target: &Target) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(refusal) = view.workspace.secondary.refusal() {
        found.push(
            finding(
                FindingCode::SecondaryNotAvailable,
                None,
                format!("{SECONDARY_AWAY}: {}", refusal.detail),
            )
            .remedy("nothing to repair by hand here: the next apply synchronizes what is due"),
        );
        return found;
    }
    for table in view.tables() {
        found.extend(pin_findings(view, table, target));
    }
    found
}

/// The finding of a group whose configuration is not valid.
pub(super) fn configuration_invalid(entry: &GroupEntry) -> Vec<Finding> {
    match entry {
        GroupEntry::Valid(_) => Vec::new(),
        GroupEntry::Invalid { mistakes, .. } => mistakes
            .iter()
            .map(|mistake| {
                let text = format!(
                    "{} line {}: {} {}",
                    mistake.file, mistake.line, mistake.path, mistake.message
                );
                Finding {
                    remedy: mistake.remedy.clone(),
                    ..finding(FindingCode::ConfigurationInvalid, None, text)
                }
            })
            .collect(),
    }
}

/// What is true of a workspace as a whole and bears on its groups.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Tables that stand in more than one place, with a group that has them too.
    duplicates: BTreeMap<TableName, String>,
    /// More than a tenth and at least three of the replicas that last cuts name are gone.
    replicas_missing: bool,
}

impl Facts {
    /// Gathers them.
    pub(super) fn of(workspace: &WorkspaceObserved) -> Facts {
        let mut first: BTreeMap<TableName, &str> = BTreeMap::new();
        let mut duplicates = BTreeMap::new();
        for group in &workspace.groups {
            let name = group.entry.name().unwrap_or("?");
            for table in &group.tables {
                if let Some(other) = first.insert(table.name.clone(), name) {
                    duplicates.insert(table.name.clone(), other.to_owned());
                }
            }
        }
        let named: usize = workspace
            .ledger
            .cuts
            .newest_of_each()
            .map(|cut| cut.tables.len())
            .sum();
        let gone = workspace
            .groups
            .iter()
            .map(|group| gone(workspace, group))
            .sum::<usize>();
        Facts {
            duplicates,
            replicas_missing: gone >= REPLICAS_MISSING_MIN && gone * 10 > named,
        }
    }
}

/// How many replicas of a group its last cut names where they should be and that are not there.
fn gone(workspace: &WorkspaceObserved, group: &super::GroupObserved) -> usize {
    let Some(cut) = group
        .entry
        .name()
        .and_then(|name| workspace.ledger.cuts.newest(name))
    else {
        return 0;
    };
    let missing = |table: &&TableObserved| {
        let location = workspace
            .workspace
            .location_secondary
            .join(&table.name.path());
        matches!(table.replica, Some(Ok(None)))
            && cut
                .table(&table.name)
                .is_some_and(|entry| entry.replica_location == location)
    };
    group.tables.iter().filter(missing).count()
}

/// Turns findings that somebody accepted for this plan into accepted ones.
///
/// What is no Delta table cannot be cloned over, whoever accepts it: it has to be moved away.
pub(super) fn accept(findings: &mut [Finding], view: &GroupView<'_>, request: &Request) {
    let no_table = |name: &str| {
        view.tables()
            .any(|table| matches!(table.replica, Some(Err(_))) && table.name.to_string() == name)
    };
    for finding in findings {
        let table = finding.table.as_deref();
        if finding.code.acceptable()
            && request.accepts(finding.code.as_str(), &view.group.name, table)
            && !table.is_some_and(no_table)
        {
            finding.severity = Severity::Accepted;
        }
    }
}

/// A blocking finding.
pub(super) fn finding(
    code: FindingCode,
    table: Option<&TableName>,
    message: impl Into<String>,
) -> Finding {
    Finding {
        code,
        severity: Severity::Block,
        table: table.map(ToString::to_string),
        message: message.into(),
        remedy: None,
    }
}

impl Finding {
    /// The finding with what repairs it.
    fn remedy(self, remedy: impl Into<String>) -> Finding {
        Finding {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// Whether it blocks its group.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Block
    }
}

fn region_findings(workspace: &WorkspaceObserved) -> Vec<Finding> {
    let refusal = workspace.primary.refusal();
    refusal
        .map(|refusal| {
            finding(
                FindingCode::PrimaryNotAvailable,
                None,
                format!("primary region not available: {}", refusal.detail),
            )
            .remedy("drsync status")
        })
        .into_iter()
        .collect()
}

fn location_findings(workspace: &WorkspaceObserved) -> Option<Finding> {
    let location = &workspace.secondary.location;
    match workspace.write_access.as_ref()? {
        Ok(WriteAccess::Allowed | WriteAccess::NotProved(_)) => None,
        Ok(WriteAccess::Refused(denied)) => Some(Finding {
            remedy: denied.remedy.clone(),
            ..finding(FindingCode::LocationNotWritable, None, denied.message.clone())
        }),
        // What could not be asked is told where it was asked.
        Err(error) if error.kind != RegionErrorKind::NotFound => None,
        Err(error) => Some(
            finding(FindingCode::LocationNotFound, None, format!("{location}: {}", error.detail)).remedy(format!(
                "add {location} as an external location of the primary's catalog, with WRITE FILES for the principal"
            )),
        ),
    }
}

/// Whether a metadata table of either region belongs to somebody else: then nothing of it is changed.
pub(super) fn ledger_is_foreign(workspace: &WorkspaceObserved) -> bool {
    !foreign_claims(workspace).is_empty()
}

/// The metadata tables that another workspace claims, or none, each as a fragment.
fn foreign_claims(workspace: &WorkspaceObserved) -> Vec<String> {
    let mut foreign = Vec::new();
    for region in [&workspace.primary, &workspace.secondary] {
        let copy = region.copy();
        let claims = [
            copy.metadata.map(|table| table.workspace),
            copy.cuts.map(|table| table.workspace),
        ];
        let other = claims
            .into_iter()
            .flatten()
            .find(|claim| claim.as_deref() != Some(workspace.workspace.name.as_str()));
        if let Some(claim) = other {
            let whose = claim.map_or("no workspace of drsync".to_owned(), |name| {
                format!("workspace {name}")
            });
            foreign.push(format!("{} belongs to {whose}", region.location));
        }
    }
    foreign
}

fn ledger_findings(workspace: &WorkspaceObserved, group: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let foreign = foreign_claims(workspace);
    if !foreign.is_empty() {
        found.push(
            finding(FindingCode::LedgerNotOurs, None, foreign.join(", "))
                .remedy("give every configuration sync locations of its own"),
        );
    }
    if let Some(divergence) = workspace.ledger.cuts.divergence(group) {
        found.push(
            finding(
                FindingCode::LedgerDiverged,
                None,
                format!(
                    "the two copies of the cut log part at cut {}: runs {}",
                    divergence.cut_number,
                    divergence.runs.join(", ")
                ),
            )
            .remedy("docs/planning.md#ledger_diverged"),
        );
    }
    found
}

fn workflow_findings(view: &GroupView<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (asked, answer) in view.group.workflows.iter().zip(&view.seen.workflows) {
        let Err(error) = answer else { continue };
        let code = match error.kind {
            RegionErrorKind::Conflict => FindingCode::WorkflowAmbiguous,
            RegionErrorKind::NotFound
            | RegionErrorKind::Denied
            | RegionErrorKind::Unavailable
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => FindingCode::WorkflowNotFound,
        };
        let remedy = match error.kind {
            RegionErrorKind::Conflict => "name it by its id: \"id:<job id>\"",
            RegionErrorKind::NotFound => {
                "correct the workflow's name in the configuration, or create the job"
            }
            RegionErrorKind::Denied
            | RegionErrorKind::Unavailable
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => "repair what is named, then plan again",
        };
        found.push(
            finding(code, None, format!("workflow {asked}: {}", error.detail)).remedy(remedy),
        );
    }
    for workflow in &view.seen.workflows_in_secondary {
        if let Some(run) = super::workflow::running(workflow, view.now) {
            found.push(
                finding(
                    FindingCode::WorkflowActiveInSecondary,
                    None,
                    format!(
                        "{} run {} is active in the secondary since {}",
                        workflow.name,
                        run.run_id,
                        moment::text(run.started_at)
                    ),
                )
                .remedy(
                    "stop the run there, and pause the job as long as the secondary is passive",
                ),
            );
        }
    }
    found
}

fn catalog_findings(table: &TableObserved) -> Vec<Finding> {
    let name = &table.name;
    let listed = match &table.listed {
        Ok(listed) => listed,
        Err(error) => return vec![refused(name, error)],
    };
    let unsupported = listed.unsupported.as_ref().map(|why| {
        finding(
            FindingCode::UnsupportedTable,
            Some(name),
            format!("it is {why}, which cannot be cloned"),
        )
        .remedy("list it under unprotected_tables with a reason")
    });
    let denied = listed.denied.as_ref().map(|denied| Finding {
        remedy: denied.remedy.clone(),
        ..finding(
            FindingCode::TableNotReadable,
            Some(name),
            denied.message.clone(),
        )
    });
    unsupported.into_iter().chain(denied).collect()
}

fn refused(name: &TableName, error: &RegionError) -> Finding {
    match error.kind {
        RegionErrorKind::NotFound => {
            finding(FindingCode::TableNotFound, Some(name), error.detail.clone())
                .remedy("correct the table's name in the configuration, or create the table")
        }
        RegionErrorKind::Unsupported => finding(
            FindingCode::UnsupportedTable,
            Some(name),
            error.detail.clone(),
        )
        .remedy("list it under unprotected_tables with a reason"),
        RegionErrorKind::Denied => finding(
            FindingCode::TableNotReadable,
            Some(name),
            error.detail.clone(),
        ),
        RegionErrorKind::Unavailable | RegionErrorKind::Conflict | RegionErrorKind::Other => {
            finding(
                FindingCode::TableNotReadable,
                Some(name),
                format!("{}: {}", error.doing, error.detail),
            )
        }
    }
}

fn source_findings(view: &GroupView<'_>, table: &TableObserved) -> Option<Finding> {
    let source = match table.source.as_ref()? {
        Ok(source) => source,
        // The catalog says it first, and better.
        Err(_)
            if table
                .listed
                .as_ref()
                .map_or(true, |listed| listed.unsupported.is_some()) =>
        {
            return None;
        }
        Err(error)
            if table
                .listed
                .as_ref()
                .is_ok_and(|listed| listed.denied.is_none()) =>
        {
            return Some(refused(&table.name, error));
        }
        Err(_) => return None,
    };
    let why = recreated(source, view.cut_entry(&table.name)?)?;
    Some(
        finding(FindingCode::SourceRecreated, Some(&table.name), why)
            .remedy(accept_command(FindingCode::SourceRecreated, &table.name)),
    )
}

/// Why a source is another table than the one a cut names.
pub(super) fn recreated(source: &Source, cut: &CutTableEntry) -> Option<String> {
    let head = source.commits.last()?;
    let was = format!(
        "v{} of {}",
        cut.source_version,
        moment::text(cut.source_committed_at)
    );
    if cut.source_version > head.version {
        return Some(format!(
            "its newest version is v{}; the last cut names {was}",
            head.version
        ));
    }
    match source
        .commits
        .iter()
        .find(|commit| commit.version == cut.source_version)
    {
        Some(commit)
            if moment::millis(commit.committed_at) != moment::millis(cut.source_committed_at) =>
        {
            let apart = (commit.committed_at - cut.source_committed_at).abs();
            Some(format!(
                "its v{} has another commit time than {was}, which the last cut names, {} apart; \
                 a log that was copied or restored without its file times looks like this too",
                commit.version,
                apart_text(apart)
            ))
        }
        Some(commit)
            if commit
                .table_id
                .as_ref()
                .is_some_and(|id| *id != cut.source_table_id) =>
        {
            Some(format!(
                "its v{} is of another table; the last cut names {was}",
                commit.version
            ))
        }
        Some(_) => None,
        None if source.table_id != cut.source_table_id => Some(format!(
            "it is another table, and its log no longer reaches back to {was}, which the last cut names"
        )),
        None => None,
    }
}

/// How far two times are apart, down to a millisecond.
fn apart_text(apart: chrono::Duration) -> String {
    match apart.num_seconds() {
        0 => format!("{} ms", apart.num_milliseconds()),
        _ => super::trigger::span(apart),
    }
}

fn replica_findings(view: &GroupView<'_>, table: &TableObserved) -> Option<Finding> {
    let name = &table.name;
    let location = view.replica_location(name);
    let replica = match table.replica.as_ref()? {
        Ok(replica) => replica.as_ref()?,
        Err(error) => {
            return match error.kind {
                // The region as a whole is asked about once, not per table.
                RegionErrorKind::Unavailable => None,
                RegionErrorKind::Conflict | RegionErrorKind::Unsupported => Some(
                    finding(
                        FindingCode::ReplicaNotOurs,
                        Some(name),
                        format!("{location}: {}", error.detail),
                    )
                    .remedy(format!("move away what lies at {location}")),
                ),
                RegionErrorKind::NotFound | RegionErrorKind::Denied | RegionErrorKind::Other => {
                    Some(
                        finding(
                            FindingCode::ReplicaChanged,
                            Some(name),
                            format!("{}: {}", error.doing, error.detail),
                        )
                        .remedy(format!(
                            "repair what is named, or move {location} away: it is cloned again"
                        )),
                    )
                }
            };
        }
    };
    let seen = super::replica::assess(&name.path(), replica, view.cut_entry(name));
    if seen.foreign {
        let text = format!("{location} holds a table that is no replica of it");
        return Some(
            finding(FindingCode::ReplicaNotOurs, Some(name), text)
                .remedy(accept_command(FindingCode::ReplicaNotOurs, name)),
        );
    }
    if seen.theirs.is_empty() {
        return None;
    }
    let commits: Vec<String> = seen.theirs.iter().map(drift_text).collect();
    let ours = seen
        .ours
        .map_or(String::new(), |version| format!("after our v{version}: "));
    Some(
        finding(
            FindingCode::ReplicaChanged,
            Some(name),
            format!("someone else wrote to it, {ours}{}", commits.join("; ")),
        )
        .remedy(accept_command(FindingCode::ReplicaChanged, name)),
    )
}

fn drift_text(commit: &DriftCommit) -> String {
    let user = commit
        .user
        .as_ref()
        .map_or(String::new(), |user| format!(" by {user}"));
    let rows = commit
        .rows
        .map_or(String::new(), |rows| format!(", {rows} rows"));
    format!(
        "v{} {} {}{user}{rows}",
        commit.version,
        moment::text(commit.committed_at),
        commit.operation
    )
}

fn missing_replicas(view: &GroupView<'_>) -> Option<Finding> {
    let missing = gone(view.workspace, view.seen);
    (missing > 0).then(|| {
        finding(
            FindingCode::ReplicasMissing,
            None,
            format!("{missing} replicas that the last cut names are gone, and others too: is this the right location?"),
        )
        .remedy(format!(
            "drsync plan --accept {}:{} --reason \"…\"",
            FindingCode::ReplicasMissing.as_str(),
            view.group.name
        ))
    })
}

fn pin_findings(view: &GroupView<'_>, table: &TableObserved, target: &Target) -> Vec<Finding> {
    let name = &table.name;
    let Some(Ok(source)) = &table.source else {
        return Vec::new();
    };
    let Some(pinned) = versions::at(&source.commits, target.point) else {
        return vec![no_version(name, source, target.point)];
    };
    let mut found = Vec::new();
    if let Some(until) =
        readable_until(source, pinned.commit.committed_at).filter(|_| pinned.next.is_some())
        && until < view.now
    {
        found.push(not_retained(
            name,
            pinned.commit.version,
            &format!(
                "could be read until {}, and newer versions exist",
                moment::text(until)
            ),
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
            let cut = view.cut_entry(name);
            if let Some((rows, held)) = pin.rows.zip(cut.and_then(|cut| cut.rows))
                && held >= SHRINK_ROWS_MIN
                && u128::from(rows) * 100 < u128::from(held) * u128::from(view.group.shrink_percent)
            {
                let text = format!("v{} has {rows} rows; the last cut held {held}", pin.version);
                found.push(
                    finding(FindingCode::SourceShrank, Some(name), text)
                        .remedy(accept_command(FindingCode::SourceShrank, name)),
                );
            }
            if let Some(replica) = table
                .replica()
                .filter(|replica| replica.column_mapping != pin.column_mapping)
            {
                let text = format!(
                    "its column-mapping mode is {}, the replica's is {}: the replica has to be replaced",
                    pin.column_mapping, replica.column_mapping
                );
                found.push(
                    finding(FindingCode::ColumnMappingChanged, Some(name), text)
                        .remedy(accept_command(FindingCode::ColumnMappingChanged, name)),
                );
            }
        }
        Some(Err(error)) => found.push(unreadable_pin(name, pinned.commit.version, error)),
        None => {}
    }
    found
}

fn unreadable_pin(name: &TableName, version: u64, error: &RegionError) -> Finding {
    match error.kind {
        RegionErrorKind::NotFound => {
            not_retained(name, version, &format!("cannot be read: {}", error.detail))
        }
        RegionErrorKind::Denied
        | RegionErrorKind::Unavailable
        | RegionErrorKind::Conflict
        | RegionErrorKind::Unsupported
        | RegionErrorKind::Other => refused(name, error),
    }
}

fn no_version(name: &TableName, source: &Source, point: DateTime<Utc>) -> Finding {
    let oldest = source.commits.first().map_or(String::new(), |commit| {
        format!(
            "; v{} was committed at {}",
            commit.version,
            moment::text(commit.committed_at)
        )
    });
    let text = format!(
        "it has no version as old as {}{oldest}",
        moment::text(point)
    );
    if source.oldest_version > 0 {
        return not_retained(
            name,
            source.oldest_version.saturating_sub(1),
            &format!("is needed: {text}"),
        );
    }
    finding(FindingCode::NoVersionAtRecoveryPoint, Some(name), text).remedy(
        "nothing to do by hand if the table is new: it is synchronized at the next recovery point",
    )
}

fn not_retained(name: &TableName, version: u64, why: &str) -> Finding {
    finding(FindingCode::VersionNotRetained, Some(name), format!("v{version} {why}")).remedy(format!(
        "ALTER TABLE {} SET TBLPROPERTIES ('delta.deletedFileRetentionDuration' = 'interval 30 days')",
        name.sql()
    ))
}

/// Until when a version that is not the newest can be read; `None`: without limit.
pub(super) fn readable_until(
    source: &Source,
    committed_at: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let retention = chrono::Duration::from_std(source.retention?).ok()?;
    committed_at.checked_add_signed(retention)
}

fn accept_command(code: FindingCode, table: &TableName) -> String {
    format!(
        "drsync plan --accept {}:{} --reason \"…\"",
        code.as_str(),
        quoted(&table.to_string())
    )
}

fn quoted(scope: &str) -> String {
    let plain = scope
        .chars()
        .all(|c| c.is_alphanumeric() || "_-.".contains(c));
    if plain {
        scope.to_owned()
    } else {
        format!("'{}'", scope.replace('\'', "'\\''"))
    }
}
