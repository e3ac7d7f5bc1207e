//! What is wrong with a region as a whole: it is away or refuses, its sync location, its metadata tables. Pure.

use std::collections::BTreeSet;

use super::{Deed, Finding, FindingCode, Remedy, finding, words_of_region};
use crate::command::{Command, Verb};
use crate::config::{GroupEntry, WorkspaceAddress};
use crate::ledger::{Cut, FOLDER, OddCut, SYNC_CUTS};
use crate::plan::document::{Refused, Role};
use crate::plan::observed::{RegionObserved, WorkspaceObserved};
use crate::region::{RegionErrorKind, WriteAccess};
use crate::text::{identifier, literal};

/// That a region cannot be looked at, with what it answered; `None`: it can.
pub(super) fn region_finding(
    role: Role,
    region: &RegionObserved,
    other: &RegionObserved,
) -> Option<Finding> {
    let refusal = region.refusal()?;
    let answer = region.answer(other)?;
    let remedy = match (region.repair(other), region.refused()) {
        (Some(repair), _) => repair.into(),
        (None, Some(refused)) => deed_of_refusal(refused, refusal.kind).into(),
        (None, None) => match role {
            Role::Primary => Remedy::Command(Command::new(Verb::Status)),
            Role::Secondary => Deed::WaitForApply.into(),
        },
    };
    let text = format!("{}: {answer}", words_of_region(role, refusal.kind));
    Some(finding(code_of_region(role, refusal.kind), None, text).repaired_by(remedy))
}

/// What is found of a region that refused so: whoever answers is not away.
pub(super) fn code_of_region(role: Role, refused: RegionErrorKind) -> FindingCode {
    match (role, refused.is_away()) {
        (Role::Primary, true) => FindingCode::PrimaryNotAvailable,
        (Role::Secondary, true) => FindingCode::SecondaryNotAvailable,
        (Role::Primary, false) => FindingCode::PrimaryRefused,
        (Role::Secondary, false) => FindingCode::SecondaryRefused,
    }
}

/// What is to be done about a region that answers, and not with what was asked.
pub(super) fn deed_of_refusal(refused: Refused, kind: RegionErrorKind) -> Deed {
    match (refused, kind) {
        (Refused::Denied, RegionErrorKind::SignedOut) => Deed::SignIn,
        (Refused::Denied, _) => Deed::GiveRight,
        (Refused::Unreadable, _) => Deed::RepairAnswer,
    }
}

/// What the statement that makes an external location leaves open.
pub(in crate::plan) const CREDENTIAL: &str =
    "put the name of a storage credential that may write there in place of …";

pub(super) fn location_findings(workspace: &WorkspaceObserved) -> Option<Finding> {
    let location = &workspace.secondary.location;
    match workspace.write_access.as_ref()? {
        Ok(WriteAccess::Allowed | WriteAccess::NotProved(_)) => None,
        Ok(WriteAccess::Refused(denied)) => Some(Finding {
            remedy: denied.remedy.clone().map(Remedy::from),
            ..finding(FindingCode::LocationNotWritable, None, denied.message.clone())
        }),
        // What could not be asked is told where it was asked.
        Err(error) if error.kind != RegionErrorKind::NotFound => None,
        Err(error) => {
            let found = |text| finding(FindingCode::LocationNotFound, None, text);
            let text = format!("{location}: {}", error.describe_answer());
            Some(match external_location(workspace, location) {
                Some(statement) => {
                    found(format!("{text}; {CREDENTIAL}")).repaired_by(Remedy::Sql(statement))
                }
                None => found(text).deed(Deed::AddExternalLocation { location: location.clone() }),
            })
        }
    }
}

/// The statement that makes an external location of a place, where the credential for it is still to be named; `None`: a folder.
pub(in crate::plan) fn external_location(
    workspace: &WorkspaceObserved,
    location: &str,
) -> Option<String> {
    match workspace.workspace.address {
        WorkspaceAddress::Databricks(_) => {}
        WorkspaceAddress::Lakehouse(_) => return None,
    }
    let sides = workspace.workspace.sides();
    let side = if location == workspace.secondary.location { sides.other } else { sides.home };
    Some(format!(
        "CREATE EXTERNAL LOCATION IF NOT EXISTS {} URL {} WITH (STORAGE CREDENTIAL `…`)",
        identifier(&format!("drsync_{side}")),
        literal(location)
    ))
}

/// Whether a metadata table of either region belongs to somebody else: then nothing of it is changed.
pub(in crate::plan) fn ledger_is_foreign(workspace: &WorkspaceObserved) -> bool {
    !foreign_claims(workspace).is_empty()
}

/// The metadata tables that another workspace claims, or none, each as a fragment.
fn foreign_claims(workspace: &WorkspaceObserved) -> Vec<String> {
    let mut foreign = Vec::new();
    for region in [&workspace.primary, &workspace.secondary] {
        let copy = region.ledger.as_ref().ok();
        let claims = [
            copy.and_then(|copy| Some(&copy.metadata.as_ref()?.workspace)),
            copy.and_then(|copy| Some(&copy.cuts.as_ref()?.workspace)),
        ];
        let other = claims
            .into_iter()
            .flatten()
            .find(|claim| claim.as_deref() != Some(workspace.workspace.name.as_str()));
        if let Some(claim) = other {
            let whose = claim
                .as_ref()
                .map_or("no workspace of drsync".to_owned(), |name| format!("workspace {name}"));
            foreign.push(format!("{} belongs to {whose}", region.location));
        }
    }
    foreign
}

/// Where a region's cut log lies, and its rows that are no cuts.
fn odd_rows(region: &RegionObserved) -> (String, impl Iterator<Item = &OddCut>) {
    let copy = region.ledger.as_ref().ok();
    let odd = copy.and_then(|copy| copy.cuts.as_ref()).into_iter().flat_map(|log| &log.odd);
    let place = format!("{}/{FOLDER}/{SYNC_CUTS}", region.location.trim_end_matches('/'));
    (place, odd)
}

/// The rows of both cut logs that are no cuts and stop none of the groups that are looked at: a sentence for each region.
pub(in crate::plan) fn odd_rows_of_others(workspace: &WorkspaceObserved) -> Vec<String> {
    const SHOWN_MAX: usize = 3;
    let mut valid = BTreeSet::new();
    for group in &workspace.groups {
        match &group.entry {
            GroupEntry::Valid(group) => valid.insert(group.name.as_str()),
            GroupEntry::Invalid { .. } => false,
        };
    }
    let told = [&workspace.primary, &workspace.secondary].map(|region| {
        let (place, odd) = odd_rows(region);
        let of_others = |odd: &&OddCut| {
            odd.group_name.as_deref().is_none_or(|group| !valid.contains(group))
        };
        let odd: Vec<String> =
            odd.filter(of_others).map(|odd| format!("{odd}, because {}", odd.why)).collect();
        let more = odd.len().saturating_sub(SHOWN_MAX);
        let more = (more > 0).then(|| format!("{more} more"));
        let shown: Vec<String> = odd.into_iter().take(SHOWN_MAX).chain(more).collect();
        (!shown.is_empty()).then(|| {
            format!(
                "{place} has rows that are no cuts of drsync: {}; they stop no group and are not copied; delete them there with any Delta writer; docs/planning.md#ledger_diverged",
                shown.join("; ")
            )
        })
    });
    told.into_iter().flatten().collect()
}

/// That no number is left for the next cut of a group: only somebody else gives such numbers.
fn no_number_left(workspace: &WorkspaceObserved, group: &str) -> Option<Finding> {
    let newest = workspace.ledger.cuts.newest(group).map(|cut| cut.cut_number);
    let told = workspace.witnessed.of(group, newest).map(|cut| cut.number);
    let last = newest.max(told)?;
    if last.checked_add(1).is_some_and(Cut::may_have) {
        return None;
    }
    let text = format!(
        "cut {last} is the newest of the cut log, and no cut can have a number after it: drsync counts from 1, so that somebody else gave it"
    );
    let found = finding(FindingCode::LedgerDiverged, None, text);
    Some(found.deed(Deed::DeleteCuts { cut: last }))
}

pub(super) fn ledger_findings(workspace: &WorkspaceObserved, group: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let foreign = foreign_claims(workspace);
    if !foreign.is_empty() {
        found.push(
            finding(FindingCode::LedgerNotOurs, None, foreign.join(", "))
                .deed(Deed::SeparateLocations),
        );
    }
    for region in [&workspace.primary, &workspace.secondary] {
        let (place, odd) = odd_rows(region);
        for odd in odd.filter(|odd| odd.group_name.as_deref() == Some(group)) {
            let text = format!("{} in {place} is none that drsync made: {}", odd.cut, odd.why);
            let deed = Deed::DeleteRow { location: place.clone() };
            found.push(finding(FindingCode::LedgerDiverged, None, text).deed(deed));
        }
    }
    found.extend(no_number_left(workspace, group));
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
            .deed(Deed::ReconcileCutLogs),
        );
    }
    found
}
