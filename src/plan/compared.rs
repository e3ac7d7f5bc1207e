//! Whether there was anything to compare settings with, and what tells of protection before where there was not. Pure.

use super::before::OwnPlaces;
use super::observed::{Observed, RecordsSeen, WorkspaceObserved};
use super::request::{Base, Request};
use super::settings::Settings;
use super::uncompared::{NotCompared, NotComparedWhy, ProtectedBefore};

/// Why the settings of a workspace are compared with nothing; `None`: they are compared, or nobody looked for any.
pub(super) fn not_compared(
    observed: &Observed,
    workspace: &WorkspaceObserved,
    request: &Request,
) -> Option<NotCompared> {
    if workspace.settings_before.is_some() {
        return None;
    }
    if let Some(base) = &request.base {
        let others = workspaces_that_left(observed, base);
        let signs =
            (!others.is_empty()).then_some(ProtectedBefore::OtherWorkspaces { workspaces: others });
        return Some(NotCompared {
            why: NotComparedWhy::NotInBase,
            looked_in: vec![base.of.source().to_owned()],
            signs: signs.into_iter().collect(),
        });
    }
    let RecordsSeen { found, unseen } = workspace.records?;
    let why = match (found, unseen) {
        (_, true) => NotComparedWhy::NotSeen,
        (0, false) => NotComparedWhy::NoRecord,
        (_, false) => NotComparedWhy::NoneTells,
    };
    let regions = [&workspace.primary, &workspace.secondary];
    Some(NotCompared {
        why,
        looked_in: regions.map(|region| region.location.clone()).to_vec(),
        signs: signs(workspace, found, !request.record_keys.is_empty()),
    })
}

fn signs(workspace: &WorkspaceObserved, records: usize, unsigned: bool) -> Vec<ProtectedBefore> {
    let groups = workspace.ledger.cuts.newest_of_each().count();
    let tables = workspace.groups.iter().flat_map(|group| {
        let name = group.entry.name();
        group.tables.iter().filter(move |table| {
            let mark = table.replica().and_then(|replica| replica.mark.as_ref());
            mark.is_some_and(|mark| mark.replica == workspace.replica_place(name, &table.name).path)
        })
    });
    let tables = tables.count();
    let here = workspace.record_here.as_ref().map(|here| ProtectedBefore::KeptHere {
        run_id: here.run_id.clone(),
        ended_at: here.ended_at,
        replicas: here.replicas.clone(),
    });
    let all = [
        (records > 0).then_some(ProtectedBefore::Records { records, unsigned }),
        (groups > 0).then_some(ProtectedBefore::Cuts { groups }),
        // Those that cuts name are told by the cuts.
        (tables > 0 && groups == 0).then_some(ProtectedBefore::Replicas { tables }),
        here,
    ];
    all.into_iter().flatten().collect()
}

/// Workspaces of another configuration with which none of this one is compared.
fn workspaces_that_left(observed: &Observed, base: &Base) -> Vec<String> {
    if observed.incomplete {
        return Vec::new();
    }
    let compared = observed.workspaces.iter().filter_map(|seen| {
        let places = OwnPlaces::of(&seen.workspace);
        let (name, _) = Settings::among(&base.settings, &places.whose(&seen.workspace.name))?;
        Some(name.to_owned())
    });
    let compared: Vec<String> = compared.collect();
    base.settings.keys().filter(|name| !compared.contains(name)).cloned().collect()
}
