//! Whether a group can still be synchronized as planned: the cut it follows, its sources, its replicas.
//! It asks both regions, and writes to neither.

use chrono::{DateTime, Utc};

use super::grant::Missing;
use crate::config::LocationAddress;
use crate::ledger::{Cut, CutTableEntry, Cuts, row};
use crate::pause::TryFailure;
use crate::plan::questions::again;
use crate::plan::{
    Action, CloneObstacle, FindingCode, GroupPlan, NamedVersion, Role, Step, active_in_secondary,
    damaged, obstacles, place_of, readable_until, recreated, standing_of, told_of_roles,
    words_of_region,
};
use crate::record::{Ending, Failed, Moved};
use crate::region::{
    ActiveRun, CloneOrder, Commit, LookDepth, PinQuestion, RegionError, RegionErrorKind, Regions,
    Replica, ReplicaFiles, ReplicaStanding, Source,
};
use crate::sentence::Sentence;

/// Why a plan's cut does not come next.
pub(super) enum Passed<'a> {
    /// An apply of this very plan committed it.
    Applied(&'a Cut),
    /// Another apply brought the group to the same point, or further.
    Overtaken(&'a Cut),
    /// Another side is active of the group since this cut, or it is of a kind that is not known here.
    FailedOver(&'a Cut),
    /// The cut that it follows is not the newest, and the newest does not hold what was planned.
    Stale(Moved, Sentence),
}

/// How an apply ends for a group of which another side is active, and the same in words.
pub(super) fn away_from_home(cut: &Cut) -> (Ending, Sentence) {
    let (code, text) = told_of_roles(cut);
    let ending = Ending::Failed(Failed::Found { code, table: None });
    (ending, format!("{}: {text}", code.as_str()).into())
}

impl Passed<'_> {
    /// How an apply of the plan ends for the group.
    pub(super) fn ending(&self) -> Ending {
        match self {
            Passed::Applied(cut) | Passed::Overtaken(cut) => Ending::overtaken(cut),
            Passed::FailedOver(cut) => away_from_home(cut).0,
            Passed::Stale(why, _) => Ending::Stale { why: *why, table: None },
        }
    }

    /// Why, in words.
    pub(super) fn message(&self) -> Sentence {
        match self {
            Passed::Applied(cut) => {
                format!("run {} applied this plan: {}", cut.run_id, cut.label()).into()
            }
            Passed::Overtaken(cut) => {
                format!("run {} brought it to {}", cut.run_id, cut.label()).into()
            }
            Passed::FailedOver(cut) => away_from_home(cut).1,
            Passed::Stale(_, why) => why.clone(),
        }
    }
}

/// Whether the plan's cut comes next; if not, whether it is there, somebody was faster, or the plan is stale.
///
/// `sha256` is that of the plan's bytes, by which a cut names the plan that it was made from; `home` is the side that plans bring
/// groups from.
pub(super) fn follows<'a>(
    cuts: &'a Cuts,
    home: &str,
    plan: &GroupPlan,
    point: DateTime<Utc>,
    sha256: &str,
) -> Result<(), Passed<'a>> {
    if cuts.has_odd(&plan.name) {
        let why = "the cut log has a row of the group that is no cut: plan again".into();
        return Err(Passed::Stale(Moved::NotACut, why));
    }
    let newest = cuts.newest(&plan.name);
    if let Some(cut) = newest.filter(|cut| cut.is_away_from(home)) {
        return Err(Passed::FailedOver(cut));
    }
    let planned = (plan.follows_cut, plan.follows_sha256.clone());
    if planned == (newest.map(|cut| cut.cut_number), newest.map(Cut::sha256)) {
        let told = plan.last_cut.as_ref().map(|cut| cut.recovery_point);
        return match newest.filter(|cut| told.is_some() && told != Some(cut.recovery_point)) {
            Some(cut) => {
                let text = format!(
                    "the plan does not say of {} what the log does: plan again",
                    cut.label()
                );
                Err(Passed::Stale(Moved::CutDiffers, text.into()))
            }
            None => Ok(()),
        };
    }
    // What this plan committed is done, whatever was committed after it.
    let own = cuts
        .of(&plan.name)
        .find(|cut| cut.plan_sha256 == sha256 && Some(cut.cut_number) > plan.follows_cut);
    if let Some(cut) = own {
        return Err(Passed::Applied(cut));
    }
    let later = newest.filter(|cut| Some(cut.cut_number) > plan.follows_cut);
    Err(match later {
        Some(cut) if covers(cut, plan, point) => Passed::Overtaken(cut),
        Some(cut) => Passed::Stale(
            Moved::CutCommitted,
            format!(
                "{} was committed by run {} after the plan was made: plan again",
                cut.label(),
                cut.run_id
            )
            .into(),
        ),
        None => Passed::Stale(
            Moved::CutGone,
            format!(
                "the cut it follows, {}, is no longer in the log: plan again",
                plan.follows_cut.unwrap_or_default()
            )
            .into(),
        ),
    })
}

/// Whether a cut brings the plan's tables to the plan's recovery point, or further.
pub(super) fn covers(cut: &Cut, plan: &GroupPlan, point: DateTime<Utc>) -> bool {
    let named = cut.by_table();
    let mut steps = plan.steps.iter();
    cut.recovery_point >= point
        && cut.tables.len() == plan.steps.len()
        && steps.all(|step| named.contains_key(&step.table))
}

/// What is left to do for a step.
pub(super) enum Task {
    /// The replica holds the pinned version.
    Holds(Holding),
    /// It is to be cloned.
    Clone(Box<Copying>),
}

/// A replica that holds what a step pins.
pub(super) struct Holding {
    /// Its version.
    pub(super) version: u64,
    /// How deeply it was looked at just now.
    pub(super) depth: LookDepth,
    /// What the newest cut says of its files, where that names the same version.
    pub(super) files: Option<ReplicaFiles>,
    /// Live rows, as its log says, where that tells.
    pub(super) rows: Option<u64>,
}

impl Holding {
    fn of(version: u64, replica: &Replica, entry: Option<&CutTableEntry>) -> Holding {
        let named = entry.filter(|entry| entry.replica_version == version);
        let files = named.and_then(|entry| {
            Some(ReplicaFiles {
                listed_sha256: entry.replica_files_sha256.clone()?,
                content_sha256: entry.replica_content_sha256.clone(),
            })
        });
        Holding { version, depth: replica.depth, files, rows: replica.rows }
    }
}

/// A step whose replica is to be cloned.
pub(super) struct Copying {
    /// What is asked of the secondary.
    pub(super) order: CloneOrder,
    /// The replica as it is now; `None`: there is none.
    replica_version: Option<u64>,
    /// The pinned version is the newest of its source.
    newest: bool,
}

/// Why a group cannot be synchronized as planned.
#[derive(Clone)]
pub(super) struct Unfit {
    /// How an apply of it ends.
    pub(super) ending: Box<Ending>,
    /// The same in words.
    pub(super) text: Sentence,
    /// The right whose lack is why.
    pub(super) missing: Option<Missing>,
    /// Whether something could not be seen this time that may be the next.
    pub(super) failure: TryFailure,
}

impl Unfit {
    /// What the plan was computed from has moved.
    fn stale(step: &Step, why: Moved, text: String) -> Unfit {
        let ending = Box::new(Ending::Stale { why, table: Some(step.table.clone()) });
        Unfit { ending, text: text.into(), missing: None, failure: TryFailure::Lasting }
    }

    /// Something stands in the way of a table that a plan would have found.
    fn found(step: &Step, code: FindingCode, text: String) -> Unfit {
        let table = Some(step.table.clone());
        let text = format!("{}: {text}", code.as_str());
        let ending = Box::new(Ending::Failed(Failed::Found { code, table }));
        Unfit { ending, text: text.into(), missing: None, failure: TryFailure::Lasting }
    }
}

/// A run in the secondary of a workflow that the group names: what it writes there is nobody's to write as long as that side is
/// passive. What cannot be seen is no reason to stop; the plan warned of that.
pub(super) async fn at_work_in_secondary(
    regions: &Regions,
    plan: &GroupPlan,
) -> Option<(Ending, String)> {
    if plan.jobs.is_empty() {
        return None;
    }
    let is_named = |run: &&ActiveRun| {
        plan.jobs.iter().any(|job| {
            let same = job.side == Role::Secondary && job.job_id == Some(run.job_id);
            same || job.name == run.name
        })
    };
    let active = regions.secondary.workspace.as_ref()?.active_runs().await.ok()?;
    let run = active.iter().find(is_named)?;
    let code = FindingCode::WorkflowActiveInSecondary;
    let text = active_in_secondary(&run.name, run.run_id, run.started_at);
    let text = format!("{}: {text}; stop it there, and pause its job", code.as_str());
    Some((Ending::Failed(Failed::Found { code, table: None }), text))
}

/// Checks every table against what the plan pinned, its replica from what the newest cut says of it.
pub(super) async fn check(
    regions: &Regions,
    cuts: &Cuts,
    plan: &GroupPlan,
    now: DateTime<Utc>,
) -> Result<Vec<Task>, Unfit> {
    as_listed(regions, plan).await?;
    let asked = again::sources(plan);
    let sources = regions.primary.ask_workspace(&asked, |it, asked| it.sources(asked)).await;
    let entries = plan.steps.iter().map(|step| entry(cuts, &plan.name, step));
    let entries: Vec<Option<&CutTableEntry>> = entries.collect::<Result<_, _>>()?;
    let replicas = regions.secondary.location.replicas(&again::replicas(plan, &entries)).await;
    let mut checked = Vec::new();
    let steps = plan.steps.iter().zip(entries);
    for (((step, entry), source), replica) in steps.zip(sources).zip(replicas) {
        let source = source.map_err(|error| unreadable(step, Role::Primary, &error))?;
        same_source(step, &source)?;
        let replica = replica.map_err(|error| unreadable(step, Role::Secondary, &error))?;
        checked.push(match check_replica(step, replica.as_ref(), entry)? {
            Held::Holds(holding) => Task::Holds(holding),
            Held::Lacks(order) => {
                still_readable(step, &source, now)?;
                Task::Clone(Box::new(Copying {
                    order: *order,
                    replica_version: replica.map(|replica| replica.version),
                    newest: newest(&source) == Some(step.source.version),
                }))
            }
        });
    }
    Ok(checked)
}

/// What the newest cut says of a step's replica, which lies where that cut has it: a plan says it, and is data.
fn entry<'a>(cuts: &'a Cuts, group: &str, step: &Step) -> Result<Option<&'a CutTableEntry>, Unfit> {
    let replica = &step.replica;
    let root = replica.location.strip_suffix(&replica.path);
    let place = place_of(cuts, root.unwrap_or(&replica.location), Some(group), &step.table);
    if !LocationAddress::is_one_place(&place.location, &replica.location) {
        let text = format!(
            "the newest cut has the replica of {} at {}, and the plan at {}: plan again",
            step.table, place.location, replica.location
        );
        return Err(Unfit::stale(step, Moved::ReplicaMoved, text));
    }
    Ok(place.entry)
}

/// Whether the catalog still says of the sources what it said when they were planned.
async fn as_listed(regions: &Regions, plan: &GroupPlan) -> Result<(), Unfit> {
    let names = again::tables(plan);
    let refused = |step: &Step, error: &RegionError| unreadable(step, Role::Primary, error);
    let listed = match regions.primary.require_workspace("look up tables") {
        Ok(workspace) => workspace.tables(&names).await,
        Err(none) => Err(none),
    };
    let listed = match (listed, plan.steps.first()) {
        (Ok(listed), _) => listed,
        (Err(error), Some(first)) => return Err(refused(first, &error)),
        (Err(_), None) => return Ok(()),
    };
    for (step, listed) in plan.steps.iter().zip(listed) {
        let listed = listed.map_err(|error| refused(step, &error))?;
        let (table, pin) = (&step.table, &step.source);
        if let Some(CloneObstacle { code, what, remedy }) = obstacles(&listed).next() {
            let remedy = remedy.map_or(String::new(), |it| format!("; {it}"));
            return Err(Unfit::found(step, code, format!("{table}: {what}{remedy}")));
        }
        let spelled = listed.name.path();
        if spelled != table.path() {
            let text = format!("the catalog spells {table} as {}: plan again", listed.name);
            return Err(Unfit::stale(step, Moved::NameSpelled, text));
        }
        if (&listed.location, &listed.table_id) != (&pin.location, &pin.catalog_id) {
            let told = |location: &Option<String>, id: &Option<String>| {
                let place = location.as_deref().unwrap_or("no place");
                let id = id.as_ref().map_or(String::new(), |id| format!(" as {id}"));
                format!("{place}{id}")
            };
            let text = format!(
                "the catalog has {table} in {}, and the plan in {}: plan again",
                told(&listed.location, &listed.table_id),
                told(&pin.location, &pin.catalog_id)
            );
            return Err(Unfit::stale(step, Moved::SourceMoved, text));
        }
    }
    Ok(())
}

/// A table that a region did not show.
fn unreadable(step: &Step, side: Role, error: &RegionError) -> Unfit {
    let (ending, text) = if error.kind.is_of_region() {
        let text = format!("{}: {error}", words_of_region(side, error.kind));
        (Ending::of_region(side, error), text.into())
    } else {
        (
            Ending::Failed(Failed::Unseen { table: step.table.clone(), side }),
            row::sync_failed(&format!("{}: {error}", step.table)),
        )
    };
    let ending = Box::new(ending);
    let missing = Missing::of(error, Some(&step.table));
    Unfit { ending, text, missing, failure: error.failure() }
}

fn newest(source: &Source) -> Option<u64> {
    source.commits.iter().map(|commit| commit.version).max()
}

/// The commit of the pinned version, which is still there and of the same table: by its id and, where the plan has that, by
/// its content.
fn same_source<'a>(step: &Step, source: &'a Source) -> Result<&'a Commit, Unfit> {
    let pin = &step.source;
    let table = &step.table;
    let mut commits = source.commits.iter();
    let Some(commit) = commits.find(|commit| commit.version == pin.version) else {
        let text = format!("v{} of {table} can no longer be read: plan again", pin.version);
        return Err(Unfit::stale(step, Moved::VersionGone, text));
    };
    match recreated(source, &NamedVersion::in_plan(pin)) {
        None => Ok(commit),
        Some(why) => {
            let text =
                format!("{table} is no longer the table that was planned: {why}: plan again");
            Err(Unfit::stale(step, Moved::SourceRecreated, text))
        }
    }
}

/// Whether the region still allows the pinned version to be read: retention counts once a newer one is there.
fn still_readable(step: &Step, source: &Source, now: DateTime<Utc>) -> Result<(), Unfit> {
    let newest = newest(source);
    let until = readable_until(source, step.source.committed_at);
    match until.filter(|until| newest > Some(step.source.version) && *until < now) {
        None => Ok(()),
        Some(until) => {
            let text = format!(
                "v{} of {} could be read until {}, and newer versions exist: plan again",
                step.source.version,
                step.table,
                crate::moment::text(until)
            );
            Err(Unfit::stale(step, Moved::VersionGone, text))
        }
    }
}

/// What a replica is to the version that a step pins.
enum Held {
    /// It holds it.
    Holds(Holding),
    /// It lacks it, or its clone has to be proved.
    Lacks(Box<CloneOrder>),
}

/// Whether a replica is as it was looked at, maintenance aside, or already holds what is to be cloned.
fn check_replica(
    step: &Step,
    replica: Option<&Replica>,
    entry: Option<&CutTableEntry>,
) -> Result<Held, Unfit> {
    let mut order = step.order();
    let stale = |why: Moved, text: String| Err(Unfit::stale(step, why, text));
    let standing = standing_of(step, replica, entry);
    match standing {
        ReplicaStanding::AsLookedAt(version) if step.action == Action::NoOp => {
            match version.zip(replica) {
                Some((version, replica)) => match damaged(replica, entry) {
                    None => Ok(Held::Holds(Holding::of(version, replica, entry))),
                    // The plan did not see it, and nothing of it would be copied.
                    Some(what) => stale(
                        Moved::ReplicaDamaged,
                        format!("the replica of {} is damaged: {what}: plan again", step.table),
                    ),
                },
                None => stale(
                    Moved::ReplicaGone,
                    format!("the replica of {} is gone: plan again", step.table),
                ),
            }
        }
        ReplicaStanding::AsLookedAt(version) => {
            order.replica_version = version;
            Ok(Held::Lacks(Box::new(order)))
        }
        // The plan clones nothing here, so that this clone is none of its own attempts: another plan has to judge it.
        ReplicaStanding::Cloned { newest: version, .. } if step.action == Action::NoOp => stale(
            Moved::ReplicaCloned,
            format!(
                "v{version} of the replica of {} is a clone that was made after the plan: plan again",
                step.table
            ),
        ),
        // An earlier attempt got this far: the clone finds its own mark, and verification decides.
        ReplicaStanding::Cloned { .. } => Ok(Held::Lacks(Box::new(order))),
        ReplicaStanding::Other(source_version) => stale(
            Moved::ReplicaCloned,
            format!(
                "another apply has brought the replica of {} to v{source_version}: plan again",
                step.table
            ),
        ),
        ReplicaStanding::Changed(change) => {
            let text = format!("{}: {change}", step.table);
            Err(Unfit::found(step, FindingCode::ReplicaChanged, text))
        }
    }
}

/// Whether what is to be cloned can be read to its last file, as planning looks for it.
///
/// An apply need not ask: a clone finds it by itself, before anything is committed.
pub(super) async fn still_whole(
    regions: &Regions,
    plan: &GroupPlan,
    checked: &[Task],
) -> Result<(), Unfit> {
    let older: Vec<(&Step, &Copying)> = plan
        .steps
        .iter()
        .zip(checked)
        .filter_map(|(step, checked)| match checked {
            Task::Clone(copying) if !copying.newest => Some((step, &**copying)),
            Task::Clone(_) | Task::Holds(_) => None,
        })
        .collect();
    let questions: Vec<PinQuestion> =
        older.iter().map(|(step, copying)| again::pin(step, copying.replica_version)).collect();
    let pins = regions.primary.ask_workspace(&questions, |it, asked| it.pins(asked)).await;
    for ((step, _), pin) in older.into_iter().zip(pins) {
        match pin {
            Ok(_) => {}
            Err(error) if error.kind == RegionErrorKind::NotFound => {
                let text = format!(
                    "v{} of {} can no longer be read: {}: plan again",
                    step.source.version,
                    step.table,
                    error.describe_answer()
                );
                return Err(Unfit::stale(step, Moved::VersionGone, text));
            }
            Err(error) => return Err(unreadable(step, Role::Primary, &error)),
        }
    }
    Ok(())
}

/// Asks the sources once more: a commit that turned up with a time not after the recovery point makes the certificate false.
///
/// Gives each pinned commit as it is now, which the cut keeps.
pub(super) async fn still_true(
    regions: &Regions,
    plan: &GroupPlan,
    point: DateTime<Utc>,
) -> Result<Vec<PinnedCommit>, Unfit> {
    let mut pinned = Vec::new();
    let asked = again::sources(plan);
    let sources = regions.primary.ask_workspace(&asked, |it, asked| it.sources(asked)).await;
    for (step, source) in plan.steps.iter().zip(sources) {
        let source = source.map_err(|error| unreadable(step, Role::Primary, &error))?;
        let commit = same_source(step, &source)?;
        pinned.push(PinnedCommit {
            sha256: commit.sha256.clone(),
            committed_at: commit.committed_at,
        });
        let late = source
            .commits
            .iter()
            .find(|commit| commit.version > step.source.version && commit.committed_at <= point);
        if let Some(late) = late {
            let text = format!(
                "v{} of {} turned up with a time before the recovery point: plan again",
                late.version, step.table
            );
            return Err(Unfit::stale(step, Moved::CommitTurnedUp, text));
        }
    }
    Ok(pinned)
}

/// What a source says of a pinned commit, when a cut is made.
pub(super) struct PinnedCommit {
    /// Its digest, where it has one.
    pub(super) sha256: Option<String>,
    /// When it was made.
    pub(super) committed_at: DateTime<Utc>,
}
