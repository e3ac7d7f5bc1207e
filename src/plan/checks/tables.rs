//! What is wrong with a table wherever its group would be brought to: catalog, source, replica. Pure.

use std::path::Path;

use super::{Deed, Finding, FindingCode, Remedy, finding};
use crate::command::{Command, Verb};
use crate::config::{LocationAddress, Scheme, TableName};
use crate::moment;
use crate::plan::document::DriftCommit;
use crate::plan::finding::Severity;
use crate::plan::identity::{NamedVersion, recreated};
use crate::plan::observed::TableObserved;
use crate::plan::view::GroupView;
use crate::region::{CloneProof, RegionError, RegionErrorKind, Table};
use crate::sentence::Sentence;
use crate::text::plural_of;

pub(super) fn catalog_findings(view: &GroupView<'_>, table: &TableObserved) -> Vec<Finding> {
    let name = &table.name;
    let listed = match &table.listed {
        Ok(listed) => listed,
        Err(error) => return finding_of_refusal(view, name, error).into_iter().collect(),
    };
    let found = obstacles(listed).map(|CloneObstacle { code, what, remedy }| Finding {
        remedy,
        ..finding(code, Some(name), what)
    });
    found.collect()
}

/// Something of a table that the catalog lists, by which no clone of it can be made.
#[derive(Debug, Clone, PartialEq)]
pub struct CloneObstacle {
    /// As it is found.
    pub code: FindingCode,
    /// What, a fragment.
    pub what: Sentence,
    /// What repairs it, where anything is known to.
    pub remedy: Option<Remedy>,
}

/// By what of a table that the catalog lists no clone of it can be made: planning finds it, and an apply that asks again.
pub fn obstacles(listed: &Table) -> impl Iterator<Item = CloneObstacle> + use<> {
    let unsupported = listed.unsupported.as_ref().map(|why| CloneObstacle {
        code: FindingCode::UnsupportedTable,
        what: format!("it is {why}, which cannot be cloned").into(),
        remedy: Some(Deed::LeaveTableOut.into()),
    });
    let denied = listed.denied.as_ref().map(|denied| CloneObstacle {
        code: FindingCode::TableNotReadable,
        what: denied.message.clone(),
        remedy: denied.remedy.clone().map(Remedy::from),
    });
    unsupported.into_iter().chain(denied)
}

/// What is wrong with a table that the region refuses to show; `None`: the region did not answer.
pub(super) fn finding_of_refusal(
    view: &GroupView<'_>,
    name: &TableName,
    error: &RegionError,
) -> Option<Finding> {
    Some(match error.kind {
        RegionErrorKind::Unavailable | RegionErrorKind::SignedOut => return None,
        RegionErrorKind::NotFound => {
            finding(FindingCode::TableNotFound, Some(name), error.describe_answer())
                .deed(Deed::CorrectTable)
        }
        RegionErrorKind::Unsupported => {
            finding(FindingCode::UnsupportedTable, Some(name), error.describe_answer())
                .deed(Deed::LeaveTableOut)
        }
        RegionErrorKind::Denied => Finding {
            remedy: view.grant_to_read(name, error).map(Remedy::Grant),
            ..finding(FindingCode::TableNotReadable, Some(name), error.describe_answer())
        },
        RegionErrorKind::Conflict | RegionErrorKind::Other => finding(
            FindingCode::TableNotReadable,
            Some(name),
            format!("{}: {}", error.doing, error.describe_answer()),
        ),
    })
}

/// The most bytes that a folder's name may have on a disk, and in Azure storage with its hierarchy of folders.
const FOLDER_NAME_MAX: usize = 255;

/// A table whose replica would need a folder with a name longer than the secondary's store takes.
pub(super) fn length_finding(view: &GroupView<'_>, table: &TableObserved) -> Option<Finding> {
    match view.workspace.workspace.location_secondary.scheme() {
        Scheme::File | Scheme::Abfss => {}
        // A folder there is only the beginning of a key.
        Scheme::S3 | Scheme::Gs => return None,
    }
    let path = view.replica_place(&table.name).path;
    let longest = path.split('/').max_by_key(|part| part.len())?;
    (longest.len() > FOLDER_NAME_MAX).then(|| {
        let text = format!(
            "its replica would need a folder with a name of {} bytes, and {FOLDER_NAME_MAX} are possible; \
             there each byte of a letter beyond a-z takes 3",
            longest.len()
        );
        finding(FindingCode::UnsupportedTable, Some(&table.name), text).deed(Deed::ShortenTable)
    })
}

/// A source that lies where replicas do, or around them: its own clone would replace it.
pub(super) fn place_findings(view: &GroupView<'_>, table: &TableObserved) -> Option<Finding> {
    let location = table.listed.as_ref().ok()?.location.as_deref()?;
    let lies = LocationAddress::parse(location, Path::new("/")).ok()?;
    let replicas = &view.workspace.workspace.location_secondary;
    lies.nests(replicas).then(|| {
        let text = format!("its own files, in {location}, and those of replicas, in {replicas}, would lie in each other");
        finding(FindingCode::DuplicateTarget, Some(&table.name), text)
            .deed(Deed::CorrectLocation)
    })
}

pub(super) fn source_findings(view: &GroupView<'_>, table: &TableObserved) -> Option<Finding> {
    let source = match table.source.as_ref()? {
        Ok(source) => source,
        // The catalog says it first, and better.
        Err(_) if table.listed.as_ref().map_or(true, |listed| listed.unsupported.is_some()) => {
            return None;
        }
        Err(error) if table.listed.as_ref().is_ok_and(|listed| listed.denied.is_none()) => {
            let place = table.listed.as_ref().ok()?.location.as_deref();
            let found = finding_of_refusal(view, &table.name, error)?;
            let log = error.kind == RegionErrorKind::Other && !error.transient;
            return Some(match place.filter(|_| log) {
                None => found,
                Some(place) => Finding {
                    message: format!("{}, in the log of the table at {place}", found.message)
                        .into(),
                    ..found
                }
                .deed(Deed::RepairSource),
            });
        }
        Err(_) => return None,
    };
    let why = recreated(source, &NamedVersion::in_cut(view.identity(&table.name)?))?;
    Some(finding(FindingCode::SourceRecreated, Some(&table.name), why).acceptance(&table.name))
}

pub(super) fn replica_findings(view: &GroupView<'_>, table: &TableObserved) -> Option<Finding> {
    let name = &table.name;
    let place = view.replica_place(name);
    let location = &place.location;
    let replica = match table.replica.as_ref()? {
        Ok(replica) => replica.as_ref()?,
        Err(error) => return unread_replica(name, location, error),
    };
    let seen = crate::plan::replica::assess(&place.path, replica, place.entry);
    if seen.foreign {
        let text = format!("{location} holds a table that is no replica of it");
        return Some(finding(FindingCode::ReplicaNotOurs, Some(name), text).acceptance(name));
    }
    if seen.theirs.is_empty() {
        return None;
    }
    let mut commits: Vec<String> = seen.theirs.iter().map(drift_text).collect();
    if let CloneProof::Refuted { version, why } = &replica.proof {
        commits.push(format!(
            "v{version} calls itself a clone, no cut names it, and it is none: {why}"
        ));
    }
    let ours = seen.ours.map_or(String::new(), |version| format!("after our v{version}: "));
    Some(
        finding(
            FindingCode::ReplicaChanged,
            Some(name),
            format!("someone else wrote to it, {ours}{}", commits.join("; ")),
        )
        .acceptance(name),
    )
}

/// What is found of a replica that could not be read.
fn unread_replica(name: &TableName, location: &str, error: &RegionError) -> Option<Finding> {
    let location = location.to_owned();
    let answer = error.describe_answer();
    let (code, text, deed) = match error.kind {
        // The region that did not answer is told once, not per table.
        RegionErrorKind::Unavailable | RegionErrorKind::SignedOut => return None,
        RegionErrorKind::Conflict | RegionErrorKind::Unsupported => {
            let text = format!("{location}: {answer}");
            (FindingCode::ReplicaNotOurs, text, Deed::ClearPlace { location })
        }
        // Who may not look does not know whether anybody wrote to it, and has nothing to move away.
        RegionErrorKind::Denied => {
            let text = format!("the replica may not be read: {answer}");
            (FindingCode::ReplicaChanged, text, Deed::LetRead { location })
        }
        RegionErrorKind::NotFound | RegionErrorKind::Other => {
            let lies = error.kind == RegionErrorKind::Other && !error.transient;
            let text = format!("the replica's log cannot be read: {answer}");
            let deed = if lies {
                Deed::MoveReplica { location }
            } else {
                Deed::RepairReplica { location }
            };
            (FindingCode::ReplicaChanged, text, deed)
        }
    };
    Some(finding(code, Some(name), text).deed(deed))
}

/// Files of a replica that are not what was cloned: they are copied again, beside what lies there.
pub(super) fn damage_findings(view: &GroupView<'_>, table: &TableObserved) -> Option<Finding> {
    let damage = view.damage(table)?;
    let read = table.replica()?.content.is_some();
    let apply = Command::new(Verb::Apply);
    let remedy = if read { apply.word("--full") } else { apply };
    let found = finding(FindingCode::ReplicaDamaged, Some(&table.name), damage.what)
        .repaired_by(Remedy::Command(remedy));
    Some(Finding { severity: Severity::Repaired, ..found })
}

fn drift_text(commit: &DriftCommit) -> String {
    let user = commit.user.as_ref().map_or(String::new(), |user| format!(" by {user}"));
    let rows = commit.rows.map_or(String::new(), |rows| format!(", {}", plural_of(rows, "row")));
    format!(
        "v{} {} {}{user}{rows}",
        commit.version,
        moment::text(commit.committed_at),
        commit.operation
    )
}
