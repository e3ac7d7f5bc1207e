//! `drsync runbook`: what people need who make the other side active by hand; and where it is kept after an apply.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use clap::Args;

use super::flags::Context;
use super::{ExitStatus, Failure, configuration, keep, look, output, regions, selection, who};
use crate::apply::{Ending, RunRecord};
use crate::command::{Command, Verb};
use crate::config::{GroupEntry, Location, Workspace};
use crate::ledger::{Cut, Cuts, Roles, Row};
use crate::plan::Plan;
use crate::region::{
    LedgerCopy, LookDepth, RUNBOOK_ENDING, RecordRange, Region, RegionError, Regions, Replica,
    ReplicaQuestion,
};
use crate::render::{self, clean};
use crate::runbook::{self, Facts, Place};

/// Print what people need who make the other side active by hand, without drsync: Markdown with SQL, or with Python for a lakehouse
///
/// It is made from the secondary's cut log and newest run record alone, and writes nothing.
#[derive(Debug, Args)]
pub(super) struct Runbook {
    /// Only these groups
    #[arg(value_name = "GROUP")]
    groups: Vec<String>,
    /// Bring a group to this cut in place of its newest; may be given again
    #[arg(long, value_name = "GROUP:CUT", value_parser = to_cut)]
    to_cut: Vec<(String, u64)>,
    /// Bring groups home that the other side is active of
    #[arg(long, conflicts_with = "to_cut")]
    come_back: bool,
}

fn to_cut(text: &str) -> Result<(String, u64), String> {
    let parts = text.rsplit_once(':').and_then(|(group, cut)| Some((group, cut.parse().ok()?)));
    let (group, cut) = parts.ok_or("write GROUP:CUT, a group and the number of a cut of it")?;
    Ok((group.to_owned(), cut))
}

/// Run records that are looked at for one that can be read.
const RECORDS: usize = 8;

/// Tables that somebody wrote to which are named.
const WRITTEN_MAX: usize = 3;

/// What the secondary of a workspace tells.
struct Read {
    cuts: Cuts,
    rows: BTreeMap<String, Row>,
    record: Option<RunRecord>,
}

impl Runbook {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        if context.json {
            let message = "a runbook is Markdown: people follow it";
            return Err(Failure::new(ExitStatus::Usage, message));
        }
        look::block_on(async {
            let mut found = configuration::usable(context).await?;
            let opened = regions::of_configuration(context, &mut found).await?;
            let workspaces = &found.configuration.workspaces;
            let read = opened.iter().map(|regions| read(regions.secondary.as_ref(), true));
            let read = futures::future::join_all(read).await;
            self.check_names(context, workspaces, &read)?;
            let mut away = None;
            let mut pages = Vec::new();
            for ((workspace, regions), read) in workspaces.iter().zip(&opened).zip(read) {
                match read {
                    Ok(read) => pages.extend(self.page(context, workspace, regions, &read).await?),
                    Err(refusal) => {
                        let text = format!("drsync: workspace {}: {refusal}", workspace.name);
                        context.remark(&clean(&text));
                        let exit = if refusal.kind.is_away() {
                            ExitStatus::SecondaryAway
                        } else {
                            ExitStatus::Failed
                        };
                        away.get_or_insert(exit);
                    }
                }
            }
            if !pages.is_empty() {
                output::data(&pages.join("\n"))?;
            }
            Ok(away.unwrap_or(ExitStatus::Ok))
        })
    }

    /// The groups that were asked for, by whatever names them.
    fn asked(&self) -> impl Iterator<Item = &String> {
        self.groups.iter().chain(self.to_cut.iter().map(|(group, _)| group))
    }

    fn check_names(
        &self,
        context: &Context,
        workspaces: &[Workspace],
        read: &[Result<Read, RegionError>],
    ) -> Result<(), Failure> {
        let of_logs = read
            .iter()
            .flatten()
            .flat_map(|read| read.cuts.newest_of_each().map(|cut| cut.group_name.clone()));
        let configured = workspaces.iter().flat_map(|workspace| &workspace.groups);
        let configured = configured.filter_map(|entry| entry.name().map(str::to_owned));
        let mut known: Vec<String> = of_logs.chain(configured).collect();
        known.sort();
        known.dedup();
        selection::check("runbook", self.asked(), &known)?;
        selection::check_patterns("--only", &context.selection.only, &known)?;
        selection::check_patterns("--exclude", &context.selection.exclude, &known)
    }

    /// The page of a workspace; `None`: it has nothing of what was asked for.
    async fn page(
        &self,
        context: &Context,
        workspace: &Workspace,
        regions: &Regions,
        read: &Read,
    ) -> Result<Option<String>, Failure> {
        let configured = workspace.groups.iter().filter_map(GroupEntry::name);
        let of_log = read.cuts.newest_of_each().map(|cut| cut.group_name.as_str());
        let has: Vec<&str> = configured.chain(of_log).collect();
        let request =
            crate::plan::Request { selection: context.selection.clone(), ..Default::default() };
        let chosen = |name: &str| {
            let narrowed = !self.groups.is_empty();
            request.selects(name) && (!narrowed || self.groups.iter().any(|it| it == name))
        };
        let everything = self.groups.is_empty()
            && context.selection == crate::plan::document::Selection::default();
        let mut groups: Vec<String> = Vec::new();
        if !everything {
            groups.extend(has.iter().filter(|name| chosen(name)).map(|name| (*name).to_owned()));
            if groups.is_empty() {
                return Ok(None);
            }
        }
        let mut to_cuts = BTreeMap::new();
        for (group, number) in self.to_cut.iter().filter(|(group, _)| has.contains(&group.as_str()))
        {
            check_cut(context, workspace, regions.secondary.as_ref(), &read.cuts, group, *number)
                .await?;
            check_unwritten(workspace, regions.secondary.as_ref(), &read.cuts, group).await?;
            to_cuts.insert(group.clone(), *number);
        }
        let asked = Asked { groups: &groups, to_cuts: &to_cuts, come_back: self.come_back };
        Ok(Some(text(context, &Place::of(workspace), read, asked)))
    }
}

/// What a page is asked for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    groups: &'a [String],
    to_cuts: &'a BTreeMap<String, u64>,
    come_back: bool,
}

fn text(context: &Context, place: &Place, read: &Read, asked: Asked<'_>) -> String {
    let Asked { groups, to_cuts, come_back } = asked;
    let made_by = who::provenance().actor;
    let made = runbook::make(Facts {
        place,
        cuts: &read.cuts,
        rows: &read.rows,
        record: read.record.as_ref(),
        groups,
        to_cuts,
        come_back,
        made_at: crate::moment::millis(context.clock.now()),
        made_by: &made_by,
    });
    render::writers::runbook(&made)
}

/// Reads what a runbook is made from; `whole`: with every cut.
async fn read(region: &dyn Region, whole: bool) -> Result<Read, RegionError> {
    let ledger = async { if whole { region.ledger().await } else { region.ledger_heads().await } };
    let newest = RecordRange { newest: Some(RECORDS), ..RecordRange::default() };
    let (ledger, records): (Result<LedgerCopy, RegionError>, _) =
        futures::join!(ledger, region.run_records(&newest));
    let ledger = ledger?;
    // It says when somebody last looked; without it everything else is as true.
    let documents = records.map(|records| records.documents).unwrap_or_default();
    let mut newest = documents.iter().rev();
    let record = newest.find_map(|document| RunRecord::of(document).ok());
    Ok(Read { cuts: ledger.all_cuts(), rows: ledger.rows_by_group(), record })
}

/// Refuses a cut that can no longer be read, and names the nearest that can.
async fn check_cut(
    context: &Context,
    workspace: &Workspace,
    region: &dyn Region,
    cuts: &Cuts,
    group: &str,
    number: u64,
) -> Result<(), Failure> {
    let all: Vec<&Cut> = cuts.of(group).filter(|cut| !cut.is_role()).collect();
    let look = Look { workspace, region, group, now: context.clock.now() };
    let why = match all.iter().find(|cut| cut.cut_number == number) {
        None => "the cut log has no such cut".to_owned(),
        Some(cut) => match look.unreadable(cut).await {
            None => return Ok(()),
            Some(why) => why,
        },
    };
    let mut others: Vec<&Cut> = all.into_iter().filter(|cut| cut.cut_number != number).collect();
    others.sort_by_key(|cut| (cut.cut_number.abs_diff(number), u64::MAX - cut.cut_number));
    let mut nearest = None;
    for cut in others {
        if look.unreadable(cut).await.is_none() {
            nearest = Some(cut);
            break;
        }
    }
    let message = clean(&format!("cut {number} of {group} cannot be read: {why}"));
    let failure = Failure::new(ExitStatus::Refused, message);
    Err(match nearest {
        None => failure.detail("no other cut of the group can be read either"),
        Some(cut) => {
            let command = Command::new(Verb::Runbook).word(group).word("--to-cut");
            let command = command.word(format!("{group}:{}", cut.cut_number));
            failure
                .detail(&format!("the nearest that can be read is {}", cut.label()))
                .remedy(context.style.command(&command))
        }
    })
}

/// Refuses to bring a group to another cut at the side that is active of it, where somebody wrote there since.
async fn check_unwritten(
    workspace: &Workspace,
    region: &dyn Region,
    cuts: &Cuts,
    group: &str,
) -> Result<(), Failure> {
    let sides = workspace.sides();
    let Roles::FailedOver(cut) = cuts.roles(group, &sides) else {
        return Ok(());
    };
    let root = workspace.location_secondary.join("");
    let questions = cut.tables.iter().filter_map(|entry| {
        let inside = entry.replica_location.strip_prefix(root.trim_end_matches('/'))?;
        let path = inside.trim_start_matches('/').to_owned();
        Some(ReplicaQuestion { path, since_version: Some(entry.replica_version) })
    });
    let questions: Vec<ReplicaQuestion> = questions.collect();
    let replicas = region.replicas(&questions).await;
    let looked = cut.tables.iter().zip(replicas);
    let written = looked.filter_map(|(entry, replica)| {
        let replica = replica.ok().flatten()?;
        // What stood before the other side became active is brought back by its runbook.
        let mut later =
            replica.commits.iter().filter(|commit| commit.committed_at > cut.committed_at);
        let work = later.find(|commit| {
            let steps = commit.operation == "RESTORE" || commit.marked_epoch.is_some();
            commit.upkeep.changes() && !steps
        })?;
        let user = work.user.as_deref().unwrap_or("someone");
        let what = format!("v{} {} by {user}", work.version, work.operation);
        Some(format!("{}: {what}", entry.table))
    });
    let written: Vec<String> = written.collect();
    if written.is_empty() {
        return Ok(());
    }
    let message = clean(&format!(
        "{} works on {group} since {}: another cut would take away what was written there",
        sides.other,
        crate::moment::text(cut.committed_at)
    ));
    let failure = Failure::new(ExitStatus::Refused, message);
    Err(written
        .iter()
        .take(WRITTEN_MAX)
        .fold(failure, |failure, line| failure.detail(&clean(line))))
}

/// What is needed to look whether cuts of a group can be read.
struct Look<'a> {
    workspace: &'a Workspace,
    region: &'a dyn Region,
    group: &'a str,
    now: DateTime<Utc>,
}

impl Look<'_> {
    /// Why a cut cannot be read, a fragment; `None`: nothing is known to stand in the way.
    async fn unreadable(&self, cut: &Cut) -> Option<String> {
        let root = self.workspace.location_secondary.join("");
        let mut questions = Vec::new();
        for entry in &cut.tables {
            let Some(path) = Location::path_below(&root, &entry.replica_location) else {
                return Some(format!("{} lies outside of {root}", entry.table));
            };
            questions.push(ReplicaQuestion {
                path: path.to_owned(),
                since_version: Some(entry.replica_version),
            });
        }
        let replicas = self.region.replicas(&questions).await;
        let mut looked = cut.tables.iter().zip(replicas);
        looked.find_map(|(entry, replica)| {
            let why = match replica {
                Ok(Some(replica)) => self.gone(&replica, entry.replica_version)?,
                Ok(None) => "the replica is gone".to_owned(),
                Err(refusal) => refusal.to_string(),
            };
            Some(format!("{}: {why}", entry.table))
        })
    }

    /// Why a version of a replica can no longer be read.
    fn gone(&self, replica: &Replica, version: u64) -> Option<String> {
        if replica.version < version {
            return Some(format!("it is at v{} only", replica.version));
        }
        if replica.version == version {
            return replica.damaged.clone();
        }
        if let Some(why) = &replica.since_damaged {
            return Some(why.clone());
        }
        if replica.depth != LookDepth::History {
            return None;
        }
        // The engine refuses by the age of the commit, whatever is still there.
        let Some(commit) = replica.before.last() else {
            return Some(format!("its history no longer has v{version}"));
        };
        let until = commit.committed_at + self.retention();
        (until < self.now)
            .then(|| format!("v{version} could be read until {}", crate::moment::text(until)))
    }

    fn retention(&self) -> Duration {
        let mut groups = self.workspace.groups.iter();
        let own = |entry: &GroupEntry| match entry {
            GroupEntry::Valid(group) if group.name == self.group => {
                Some(group.replica_retention_days)
            }
            GroupEntry::Valid(_) | GroupEntry::Invalid { .. } => None,
        };
        Duration::days(i64::from(groups.find_map(own).unwrap_or(30)))
    }
}

/// Keeps the runbook of every workspace of which an apply made a cut: with the evidence of both sides, and on this machine.
///
/// What cannot be kept is told and stops nothing: the next apply that makes a cut keeps the next one.
pub(super) async fn keep_after(
    context: &Context,
    folder: &Path,
    plan: &Plan,
    regions: &[Regions],
    places: &BTreeMap<String, Place>,
    record: &RunRecord,
) {
    for (workspace, regions) in plan.workspaces.iter().zip(regions) {
        let mut groups = record.groups.iter().filter(|group| group.workspace == workspace.name);
        if !groups.any(|group| group.ending == Some(Ending::Synchronized)) {
            continue;
        }
        let told = |what: &str, why: String| {
            context.remark(&clean(&format!("drsync: the runbook is not kept {what}: {why}")));
        };
        let read = match read(regions.secondary.as_ref(), false).await {
            Ok(read) => Read { record: Some(record.clone()), ..read },
            Err(refusal) => {
                told("anywhere", refusal.to_string());
                continue;
            }
        };
        let place = places.get(&workspace.name).cloned();
        let place = place.unwrap_or_else(|| Place::of_plan(workspace));
        let everything = Asked { groups: &[], to_cuts: &BTreeMap::new(), come_back: false };
        let text = text(context, &place, &read, everything);
        let name = format!("{}{RUNBOOK_ENDING}", record.run_id);
        let (secondary, primary) = futures::join!(
            regions.secondary.keep_evidence(&name, text.as_bytes()),
            regions.primary.keep_evidence(&name, text.as_bytes())
        );
        for (kept, side) in [(secondary, "in the secondary"), (primary, "in the primary")] {
            if let Err(refusal) = kept {
                told(side, refusal.to_string());
            }
        }
        if let Err(error) = keep::runbook(folder, &workspace.name, text.as_bytes()) {
            told("here", format!("failed to {error:#}"));
        }
    }
}
