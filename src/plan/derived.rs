//! What a plan says although it follows from the rest: derived again, and compared. Pure.
//!
//! A stored plan is data. Whoever changes what follows from something else changes one of the two only.

use chrono::{DateTime, Duration, Utc};

use super::document::{Action, Decision, GroupPlan, Plan, RegionSeen, Step, WorkspacePlan};
use super::finding::Severity;
use super::{document, group, retention};
use crate::config::{LocationAddress, WorkspaceAddress, check_path};
use crate::interval;
use crate::region::Mark;

/// Compares what a plan says with what follows from the rest of it.
///
/// # Errors
/// Where they differ: what stands there and what would have to, a fragment.
pub(super) fn check(plan: &Plan) -> Result<(), String> {
    let mut names: Vec<&str> = Vec::new();
    for workspace in &plan.workspaces {
        if names.contains(&workspace.name.as_str()) {
            return Err(format!("workspace {} stands in it twice", workspace.name));
        }
        names.push(&workspace.name);
        places(workspace)?;
        let mut groups = std::collections::HashSet::new();
        for group in &workspace.groups {
            if !groups.insert(&group.name) {
                return Err(format!("group {} stands in it twice", group.name));
            }
            group_follows(plan, workspace, group)?;
        }
    }
    complete(plan)?;
    expiry(plan)
}

/// Whether both regions' addresses and locations are written as drsync writes them, and are two places.
fn places(workspace: &WorkspacePlan) -> Result<(), String> {
    let mut locations = Vec::new();
    for (role, seen) in
        [("primary", &workspace.observed.primary), ("secondary", &workspace.observed.secondary)]
    {
        let RegionSeen { workspace: address, location, .. } = seen;
        let wrong = |what: &str, stated: &str, why: String| {
            format!(
                "{}: the {role}'s {what} {stated} is not one that drsync writes: {why}",
                workspace.name
            )
        };
        let read = LocationAddress::parse(location, "/".as_ref());
        let read = read.map_err(|error| wrong("sync location", location, error.to_string()))?;
        if read.as_str() != location {
            return Err(wrong("sync location", location, format!("it means {read}")));
        }
        if let Some(address) = address {
            let read = WorkspaceAddress::parse(address, "/".as_ref());
            let read = read.map_err(|error| wrong("workspace", address, error.to_string()))?;
            if read.to_string() != *address {
                return Err(wrong("workspace", address, format!("it means {read}")));
            }
        }
        locations.push(read);
    }
    match locations.as_slice() {
        [primary, secondary] if primary.nests(secondary) => Err(format!(
            "{}: the sync locations {primary} and {secondary} are not two places",
            workspace.name
        )),
        _ => Ok(()),
    }
}

fn group_follows(plan: &Plan, workspace: &WorkspacePlan, group: &GroupPlan) -> Result<(), String> {
    let wrong = |what: String| format!("{}: {what}", group.name);
    for drift in &group.drift {
        let mut paths = drift.replica_path.iter();
        if let Some(path) = paths.find(|path| !drift.table.has_path(path)) {
            return Err(wrong(format!("{path} is no path of {}", drift.table)));
        }
    }
    if group.decision != Decision::Sync {
        return if group.steps.is_empty() {
            Ok(())
        } else {
            Err(wrong("it has steps and is not to be synchronized".into()))
        };
    }
    let last = group.last_cut.as_ref().map(|cut| cut.number);
    if last != group.follows_cut || last.is_some() != group.follows_sha256.is_some() {
        return Err(wrong("the cut that it follows is not its last one".into()));
    }
    point_follows(plan, workspace, group).map_err(wrong)?;
    for finding in &group.findings {
        let table = finding.table.clone().into_iter();
        let covers = |risk: &&crate::ledger::AcceptedRisk| {
            risk.code == finding.code.as_str()
                && risk.is_about(&workspace.name, &group.name, table.clone())
        };
        if finding.severity == Severity::Accepted && !plan.accepted.iter().any(|it| covers(&it)) {
            let code = finding.code.as_str();
            return Err(wrong(format!("{code} is accepted there and by nobody")));
        }
    }
    let mut tables = std::collections::HashSet::new();
    for step in &group.steps {
        if !tables.insert(&step.table) {
            return Err(wrong(format!("{} stands in it twice", step.table)));
        }
        step_follows(workspace, group, step)
            .map_err(|what| wrong(format!("{}: {what}", step.table)))?;
    }
    Ok(())
}

/// Whether the recovery point is the end of a workflow's run, which the effect has, the last cut's own, which the ledger is
/// asked for, or the moment of the plan: the earlier of drsync's clock and the primary's own.
fn point_follows(plan: &Plan, workspace: &WorkspacePlan, group: &GroupPlan) -> Result<(), String> {
    let ended = group.trigger.as_ref().is_some_and(|trigger| trigger.workflow.is_some());
    // Plans of the first version do not tell the primary's clock.
    if plan.is_of_first_version() || ended {
        return Ok(());
    }
    let clock = workspace.observed.primary.clock;
    let now = clock.map_or(plan.created_at, |theirs| theirs.min(plan.created_at));
    let last = group.last_cut.as_ref().map(|cut| cut.recovery_point);
    match group.recovery_point {
        Some(point) if point == now || Some(point) == last => Ok(()),
        point => Err(format!(
            "its recovery point is {}, and follows as {}",
            point.map_or("none".to_owned(), crate::moment::text),
            crate::moment::text(now)
        )),
    }
}

/// Whether everything in a step that follows from its table, its pin and its replica does.
fn step_follows(workspace: &WorkspacePlan, group: &GroupPlan, step: &Step) -> Result<(), String> {
    let differs = |what: &str, stated: &str, derived: &str| {
        Err(format!("its {what} is {stated}, and follows as {derived}"))
    };
    let id = format!("{}/{}", group.name, step.table);
    if step.id != id {
        return differs("id", &step.id, &id);
    }
    let path = step.replica.path.clone();
    // In which letter case it is spelled follows from the last cut, of which apply asks the ledger.
    if !step.table.has_path(&path) {
        return differs("replica's path", &path, &step.table.path());
    }
    check_path(&path).map_err(|error| error.to_string())?;
    let location = join(&workspace.observed.secondary.location, &path);
    if step.replica.location != location {
        return differs("replica's place", &step.replica.location, &location);
    }
    let holds = step.replica.holds_source_version;
    let there = match step.action {
        Action::Create => step.replica.version.is_none() && holds.is_none(),
        Action::Update => step.replica.version.is_some(),
        Action::NoOp => step.replica.version.is_some() && holds == Some(step.source.version),
    };
    if !there {
        let versions = format!("v{:?} holding v{holds:?}", step.replica.version);
        return differs("action", step.action.with_symbol(), &versions);
    }
    if step.action == Action::NoOp {
        let nothing = step.properties.is_empty()
            && step.statement.is_none()
            && step.preconditions.is_empty()
            && step.replica.overwrites.is_empty();
        return if nothing { Ok(()) } else { Err("nothing is cloned, yet it says how".to_owned()) };
    }
    properties_follow(step, path)?;
    let statement = group::statement(step);
    if step.statement.as_ref() != Some(&statement) {
        let stated = step.statement.as_deref().unwrap_or("not there");
        return differs("statement", stated, &statement);
    }
    if step.preconditions == group::preconditions(step) {
        Ok(())
    } else {
        Err("its preconditions are not those of its versions".to_owned())
    }
}

/// Whether the properties of a clone are its mark, and for how long the replica keeps what it replaces.
fn properties_follow(step: &Step, path: String) -> Result<(), String> {
    let mark = Mark {
        source_table_id: step.source.table_id.clone(),
        source_version: step.source.version,
        replica: path,
    };
    let mut rest = step.properties.clone();
    for (key, derived) in mark.properties() {
        match rest.remove(&key) {
            Some(stated) if stated == derived => {}
            stated => {
                let stated = stated.unwrap_or_else(|| "not there".to_owned());
                return Err(format!("its {key} is {stated}, and follows as {derived}"));
            }
        }
    }
    for key in [retention::DELETED_FILE_RETENTION, retention::LOG_RETENTION] {
        let stated = rest.remove(key).unwrap_or_default();
        if interval::parse(&stated).is_none() {
            return Err(format!("its {key} is {stated:?}, and no interval"));
        }
    }
    match rest.keys().next() {
        Some(key) => Err(format!("a clone sets no {key}")),
        None => Ok(()),
    }
}

/// `relative` under a location that is written as drsync writes it.
fn join(location: &str, relative: &str) -> String {
    format!("{}/{relative}", location.trim_end_matches('/'))
}

/// Whether a plan calls itself complete exactly if it is.
fn complete(plan: &Plan) -> Result<(), String> {
    let everything = plan.selection == document::Selection::default();
    let derived = everything && plan.summary.groups_blocked == 0 && !plan.is_incomplete();
    if plan.complete == derived {
        Ok(())
    } else {
        Err(format!("complete is {}, and follows as {derived}", plan.complete))
    }
}

/// Whether a plan ends with its first pin, and in any case after its longest wait.
fn expiry(plan: &Plan) -> Result<(), String> {
    // Plans of earlier versions do not tell how long they may wait.
    let Some(hours) = plan.max_age_hours else {
        return Ok(());
    };
    let derived =
        super::expiry(plan.created_at, &plan.workspaces, Duration::hours(i64::from(hours))).0;
    let text = |at: DateTime<Utc>| crate::moment::text(at);
    if plan.expires_at == derived {
        Ok(())
    } else {
        Err(format!(
            "it expires at {}, and would have to at {}",
            text(plan.expires_at),
            text(derived)
        ))
    }
}
