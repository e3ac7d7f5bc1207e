//! Whether a cut can still be read, and what may stand in the way of bringing a group to one.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use crate::cli::flags::Context;
use crate::cli::{ExitStatus, Failure};
use crate::command::Command;
use crate::config::{GroupEntry, Sides, TableName, WorkspaceConfig};
use crate::ledger::{Cut, CutTableEntry, Cuts, FOLDER, Roles, SYNC_CUTS};
use crate::plan::document::WorkspacePlan;
use crate::plan::questions::ask_of_entry;
use crate::plan::{Deed, Witnessed, WitnessedCut, told_of_behind};
use crate::region::{Location, LookDepth, RegionError, Replica, ReplicaQuestion};
use crate::render::{Style, clean};
use crate::runbook::{Behind, LookedAtGroups};
use crate::sentence::Sentence;

/// Tables that somebody wrote to which are named.
const WRITTEN_MAX: usize = 3;
/// How long replaced versions of replicas stay readable where nothing tells, days.
const RETENTION_DEFAULT: u32 = 30;

/// The side that groups are brought to: what is asked there, and what of the configuration bears on the answers.
pub(super) struct Secondary<'a> {
    location: &'a dyn Location,
    root: String,
    sides: Sides,
    /// By group how long replaced versions of its replicas stay readable, days.
    retention: BTreeMap<&'a str, u32>,
    now: DateTime<Utc>,
}

impl<'a> Secondary<'a> {
    /// As a configuration says.
    pub(super) fn of(
        workspace: &'a WorkspaceConfig,
        location: &'a dyn Location,
        now: DateTime<Utc>,
    ) -> Secondary<'a> {
        let groups = workspace.groups.iter().filter_map(|entry| match entry {
            GroupEntry::Valid(group) => Some((group.name.as_str(), group.replica_retention_days)),
            GroupEntry::Invalid { .. } => None,
        });
        Secondary {
            location,
            root: workspace.location_secondary.to_string(),
            sides: workspace.sides(),
            retention: groups.collect(),
            now,
        }
    }

    /// As a plan says.
    pub(super) fn of_plan(
        plan: &'a WorkspacePlan,
        location: &'a dyn Location,
        now: DateTime<Utc>,
    ) -> Secondary<'a> {
        let groups = plan.groups.iter().filter_map(|group| {
            Some((group.name.as_str(), group.settings.as_ref()?.replica_retention_days))
        });
        Secondary {
            location,
            root: plan.observed.secondary.location.clone(),
            sides: plan.sides(),
            retention: groups.collect(),
            now,
        }
    }
}

/// Why a group cannot be brought to the cut that was asked for.
pub(super) struct Cannot {
    /// The end of a command that was asked for nothing else.
    pub(super) failure: Failure,
    /// The same in one sentence, for a page of other groups.
    pub(super) told: Sentence,
}

impl Cannot {
    /// That it cannot, what else there is to say of it, and what to ask for in place of it.
    fn new(why: &str, lines: &[String], instead: Option<(Command, &Style)>) -> Cannot {
        let why = clean(why);
        let lines: Vec<String> = lines.iter().map(clean).collect();
        let command = instead.as_ref().map(|(instead, style)| style.command(instead).to_string());
        let parts = [why.clone()].into_iter().chain(lines.iter().cloned()).chain(command);
        let told = Vec::from_iter(parts).join("; ").into();
        let failure = Failure::new(ExitStatus::Refused, why);
        let failure = lines.iter().fold(failure, |failure, line| failure.with_line(line.as_str()));
        let failure = match instead {
            Some((instead, _)) => failure.with_help(instead),
            None => failure,
        };
        Cannot { failure, told }
    }
}

/// Whether a group can be brought to a cut: one that can be read, and none that takes away what the active side wrote.
///
/// # Errors
/// Why not, with the nearest cut that can be read.
pub(super) async fn check_way_to(
    secondary: &Secondary<'_>,
    cuts: &Cuts,
    (group, number): (&str, u64),
    style: &Style,
) -> Result<(), Cannot> {
    check_cut(secondary, cuts, (group, number), style).await?;
    check_unwritten(secondary, cuts, group).await
}

async fn check_cut(
    secondary: &Secondary<'_>,
    cuts: &Cuts,
    (group, number): (&str, u64),
    style: &Style,
) -> Result<(), Cannot> {
    let look = Look { secondary, group };
    let mut all = cuts.of(group).filter(|cut| !cut.is_role());
    let (why, none) = match all.find(|cut| cut.cut_number == number) {
        None => ("the cut log has no such cut".to_owned(), "no cut of the group can be read"),
        Some(cut) => match look.unreadable(cut).await {
            None => return Ok(()),
            Some(why) => (why, "no other cut of the group can be read either"),
        },
    };
    let nearest = look.nearest(cuts, number).await;
    let line = match nearest {
        None => none.to_owned(),
        Some(cut) => format!("the nearest that can be read is {}", cut.label()),
    };
    let why = format!("cut {number} of {group} cannot be read: {why}");
    let instead = nearest.map(|cut| (Command::to_cut(group, cut.cut_number), style));
    Err(Cannot::new(&why, &[line], instead))
}

/// At the side that is active of a group nobody may have written there since.
async fn check_unwritten(
    secondary: &Secondary<'_>,
    cuts: &Cuts,
    group: &str,
) -> Result<(), Cannot> {
    let Secondary { location, root, sides, .. } = secondary;
    let Roles::FailedOver(cut) = cuts.roles(group, sides) else {
        return Ok(());
    };
    let asked = cut.tables.iter().filter_map(|entry| Some((entry, ask_of_entry(root, entry)?)));
    let (entries, questions): (Vec<&CutTableEntry>, Vec<ReplicaQuestion>) = asked.unzip();
    let replicas = location.replicas(&questions).await;
    let looked = entries.into_iter().zip(&questions).zip(replicas);
    let written = looked.filter_map(|((entry, asked), replica)| {
        let replica = replica.ok().flatten()?;
        // What stood before the other side became active is brought back by its runbook.
        let mut later =
            replica.commits.iter().filter(|commit| commit.committed_at > cut.committed_at);
        let work = later.find(|commit| replica.is_new_work(&asked.path, commit))?;
        let user = work.user.as_deref().unwrap_or("someone");
        let what = format!("v{} {} by {user}", work.version, work.operation);
        Some(format!("{}: {what}", entry.table))
    });
    let written: Vec<String> = written.collect();
    if written.is_empty() {
        return Ok(());
    }
    let why = format!(
        "{} works on {group} since {}: another cut would take away what was written there",
        sides.other,
        crate::moment::text(cut.committed_at)
    );
    Err(Cannot::new(&why, &written[..written.len().min(WRITTEN_MAX)], None))
}

/// What is needed to look whether cuts of a group can be read.
struct Look<'a> {
    secondary: &'a Secondary<'a>,
    group: &'a str,
}

impl Look<'_> {
    /// Why a cut cannot be read, a fragment; `None`: nothing is known to stand in the way.
    async fn unreadable(&self, cut: &Cut) -> Option<String> {
        let questions = match questions(&self.secondary.root, cut) {
            Ok(questions) => questions,
            Err(why) => return Some(why),
        };
        let replicas = self.secondary.location.replicas(&questions).await;
        self.broken(cut, &replicas)
            .or_else(|| unlooked(cut, &replicas).map(|(table, why)| format!("{table}: {why}")))
    }

    /// What of a cut is not there as it says, by the look at its replicas, a fragment.
    fn broken(
        &self,
        cut: &Cut,
        replicas: &[Result<Option<Replica>, RegionError>],
    ) -> Option<String> {
        let mut looked = cut.tables.iter().zip(replicas);
        looked.find_map(|(entry, replica)| {
            let why = match replica.as_ref().ok()? {
                Some(replica) => self.gone(replica, entry.replica_version)?,
                None => "the replica is gone".to_owned(),
            };
            Some(format!("{}: {why}", entry.table))
        })
    }

    /// The nearest cut beside this one that can be read, of two as near the later.
    async fn nearest<'a>(&self, cuts: &'a Cuts, number: u64) -> Option<&'a Cut> {
        let others = cuts.of(self.group).filter(|cut| !cut.is_role() && cut.cut_number != number);
        let mut others: Vec<&Cut> = others.collect();
        others.sort_by_key(|cut| (cut.cut_number.abs_diff(number), u64::MAX - cut.cut_number));
        for cut in others {
            if self.unreadable(cut).await.is_none() {
                return Some(cut);
            }
        }
        None
    }

    /// Why a version of a replica can no longer be read.
    fn gone(&self, replica: &Replica, version: u64) -> Option<String> {
        if replica.version < version {
            return Some(format!("it is at v{} only", replica.version));
        }
        if replica.version == version {
            return replica.damaged.as_ref().map(ToString::to_string);
        }
        if let Some(why) = &replica.since_damaged {
            return Some(why.to_string());
        }
        if replica.depth != LookDepth::History {
            return None;
        }
        // The engine refuses by the age of the commit, whatever is still there.
        let Some(commit) = replica.before.last() else {
            return Some(format!("its history no longer has v{version}"));
        };
        let until = commit.committed_at + self.retention();
        (until < self.secondary.now)
            .then(|| format!("v{version} could be read until {}", crate::moment::text(until)))
    }

    fn retention(&self) -> Duration {
        let own = self.secondary.retention.get(self.group).copied();
        Duration::days(i64::from(own.unwrap_or(RETENTION_DEFAULT)))
    }
}

/// What is asked of the replicas of a cut, in the order of its tables.
///
/// # Errors
/// Which table lies elsewhere, a fragment.
fn questions(root: &str, cut: &Cut) -> Result<Vec<ReplicaQuestion>, String> {
    let questions = cut.tables.iter().map(|entry| {
        let asked = ask_of_entry(root, entry);
        asked.ok_or_else(|| format!("{} lies outside of {root}", entry.table))
    });
    questions.collect()
}

/// The first replica of a cut that could not be looked at, with why.
fn unlooked<'a>(
    cut: &'a Cut,
    replicas: &'a [Result<Option<Replica>, RegionError>],
) -> Option<(&'a TableName, &'a RegionError)> {
    let mut looked = cut.tables.iter().zip(replicas);
    looked.find_map(|(entry, replica)| Some((&entry.table, replica.as_ref().err()?)))
}

/// What other readers stumble over before they can bring a cut back, and what helps; `None`: nothing is known.
fn stumbling(cut: &Cut, replicas: &[Result<Option<Replica>, RegionError>]) -> Option<String> {
    let looked = cut.tables.iter().zip(replicas);
    let around = looked.filter_map(|(entry, replica)| {
        let why = replica.as_ref().ok()?.as_ref()?.read_around.as_ref()?;
        Some(format!("{}: {why}", entry.table))
    });
    let around: Vec<String> = around.collect();
    (!around.is_empty()).then(|| {
        format!(
            "other readers stumble over {}: move that file and _last_checkpoint, where it is there, out of the table's _delta_log before the fence; the commits beside them tell the same.",
            around.join("; ")
        )
    })
}

/// Of which groups run records tell a change of role that the log lacks.
pub(super) fn behind_by_records(cuts: &Cuts, witnessed: &Witnessed) -> BTreeMap<String, Behind> {
    let of_each = cuts.newest_of_each();
    let behind = of_each
        .filter_map(|newest| Some((newest.group_name.clone(), behind(newest, &[], witnessed)?)));
    behind.collect()
}

/// That the log of a group ends before a change of role that its replicas or run records tell of.
fn behind(
    newest: &Cut,
    replicas: &[Result<Option<Replica>, RegionError>],
    witnessed: &Witnessed,
) -> Option<Behind> {
    let marked = newest.tables.iter().zip(replicas);
    let marked = marked.filter_map(|(entry, replica)| {
        Some((&entry.table, replica.as_ref().ok()?.as_ref()?.epoch?))
    });
    let told = witnessed.role_of(&newest.group_name, Some(newest.cut_number));
    let (epoch, why) = told_of_behind(newest.epoch, marked, told)?;
    let why = format!("ledger_behind: {why}; {}", Deed::PutChangeOfRoleBack.describe_deed());
    Some(Behind { epoch, why: why.into() })
}

/// Looks at the replicas of groups for what their log does not say: a change of role that it lacks, and files that are gone.
///
/// A group of `to_cuts` goes to a cut that was looked at already, and one that is to come home is brought back nowhere.
pub(super) async fn look_at(
    context: &Context,
    secondary: &Secondary<'_>,
    (cuts, witnessed): (&Cuts, &Witnessed),
    groups: &[&str],
    (to_cuts, come_back): (&BTreeMap<String, u64>, bool),
) -> LookedAtGroups {
    let mut looked = LookedAtGroups::default();
    for (newest, replicas) in ask_for_replicas(secondary, cuts, groups, &mut looked).await {
        let group = newest.group_name.as_str();
        if let Some(behind) = behind(newest, &replicas, witnessed) {
            looked.behind.insert(group.to_owned(), behind);
            continue;
        }
        if come_back {
            continue;
        }
        if let Some(text) = stumbling(newest, &replicas) {
            looked.warned.insert(group.to_owned(), text.into());
        }
        if to_cuts.contains_key(group) {
            continue;
        }
        let look = Look { secondary, group };
        if let Some(why) = look.broken(newest, &replicas) {
            let why = format!("{} cannot be read whole: {why}", newest.label());
            let text = match look.nearest(cuts, newest.cut_number).await {
                Some(cut) => {
                    let to = context.style.command(&Command::to_cut(group, cut.cut_number));
                    format!("{why}; the nearest cut that can is {}: {to}", cut.label())
                }
                // Nothing could be brought back, so nothing is fenced for it.
                None => format!("{why}; no other cut of the group can be read either"),
            };
            // Somebody may work there by now: what is left to do is told all the same.
            let over = matches!(cuts.roles(group, &secondary.sides), Roles::FailedOver(_));
            let told = if over { &mut looked.warned } else { &mut looked.unreadable };
            told.insert(group.to_owned(), text.into());
        } else if let Some((table, why)) = unlooked(newest, &replicas) {
            let text = format!(
                "the replica of {table} could not be looked at: {why}; whether its files are there, or a later change of role marked it (drsync.epoch), is not known."
            );
            looked.warned.insert(group.to_owned(), text.into());
        }
    }
    warn_of_lost_cuts(&mut looked, (cuts, witnessed), groups);
    looked
}

/// A replica as the secondary answered.
type Answered = Result<Option<Replica>, RegionError>;

/// Asks for the replicas of the newest cut of each group, all at once; of a group that cannot be asked for it is said why.
async fn ask_for_replicas<'a>(
    secondary: &Secondary<'_>,
    cuts: &'a Cuts,
    groups: &[&str],
    looked: &mut LookedAtGroups,
) -> Vec<(&'a Cut, Vec<Answered>)> {
    let mut asked = Vec::new();
    let mut whose = Vec::new();
    for newest in groups.iter().filter_map(|group| cuts.newest(group)) {
        let name = newest.group_name.clone();
        match questions(&secondary.root, newest) {
            Ok(questions) => {
                whose.push((newest, questions.len()));
                asked.extend(questions);
            }
            Err(why) => {
                looked.warned.insert(name, format!("{why}, and was not looked at.").into());
            }
        }
    }
    let mut replicas = secondary.location.replicas(&asked).await.into_iter();
    let of_each = whose.into_iter();
    of_each.map(|(newest, tables)| (newest, replicas.by_ref().take(tables).collect())).collect()
}

/// Says of groups of which records tell of later cuts than the log that they cannot be brought to those, or not at all.
fn warn_of_lost_cuts(
    looked: &mut LookedAtGroups,
    (cuts, witnessed): (&Cuts, &Witnessed),
    groups: &[&str],
) {
    let beyond = beyond_the_log(cuts, witnessed);
    for (group, told) in groups.iter().filter_map(|group| beyond.get_key_value(group)) {
        let ends = match cuts.newest(group) {
            Some(newest) => format!("the cut log ends with {}", newest.label()),
            None => "the cut log has no cut of it".to_owned(),
        };
        let text = format!(
            "{ends}, and run record {} tells of cut {}: the log was lost, or put back from an older copy; put the newest copy of {FOLDER}/{SYNC_CUTS} back first, which the other side may have",
            told.run_id, told.number
        );
        match cuts.newest(group) {
            // What the log has can be brought back, if nothing newer is found.
            Some(_) => looked.warned.insert((*group).to_owned(), format!("{text}.").into()),
            None => looked.unreadable.insert((*group).to_owned(), text.into()),
        };
    }
}

/// Cuts that run records tell of beyond the newest that the log has, by group.
pub(super) fn beyond_the_log<'a>(
    cuts: &'a Cuts,
    witnessed: &'a Witnessed,
) -> BTreeMap<&'a str, &'a WitnessedCut> {
    let newest = |group: &str| cuts.newest(group).map(|cut| cut.cut_number);
    witnessed.beyond(newest).collect()
}
