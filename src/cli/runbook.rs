//! `drsync runbook`: what people need who make the other side active by hand; and where it is kept after an apply.
//! Of evidence it keeps only the runbook.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use clap::Args;

mod readable;

use super::flags::Context;
use super::selection::NamedGroup;
use super::{ExitStatus, Failure, configuration, keep, look, output, regions, selection, who};
use crate::apply::{Ending, GroupOutcome, GroupRecord, RunRecord};
use crate::config::{GroupEntry, WorkspaceConfig};
use crate::databricks::NeededSide;
use crate::ledger::{Cuts, Row};
use crate::observe::{Question, recent_records};
use crate::plan::{FindingCode, Plan, Role, Witnessed};
use crate::region::{LedgerCopy, LedgerTable, Location, RUNBOOK_ENDING, RegionError, Regions};
use crate::render::{self, clean};
use crate::runbook::{self, LookedAtGroups, RunbookInput, RunbookSubject};
use crate::sentence::Sentence;
use crate::text::names_group;
use readable::{Cannot, Secondary, behind_by_records, beyond_the_log, check_way_to, look_at};

/// Print what people need who make the other side active by hand, without drsync: Markdown with SQL, or with Python for a lakehouse
///
/// It is made from the secondary's cut log, run records and replicas alone, and writes nothing.
#[derive(Debug, Args)]
pub(super) struct RunbookArguments {
    /// Only these groups; `WORKSPACE/GROUP` where several workspaces have one of a name
    #[arg(value_name = "GROUP")]
    groups: Vec<String>,
    /// Bring a group to this cut in place of its newest, and it alone unless others are named; may be given again
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

/// What the secondary of a workspace tells.
struct Read {
    cuts: Cuts,
    rows: BTreeMap<String, Row>,
    record: Option<RunRecord>,
    /// What of the log was read around, a fragment: other readers stumble over it.
    read_around: Option<Sentence>,
    /// What run records there tell of cuts and roles, as far as they are believed.
    witnessed: Witnessed,
}

impl Read {
    /// All groups that the log or a record tells of, sorted.
    fn known(&self) -> Vec<&str> {
        let of_log = self.cuts.newest_of_each().map(|cut| cut.group_name.as_str());
        let told = beyond_the_log(&self.cuts, &self.witnessed).into_keys();
        BTreeSet::from_iter(of_log.chain(told)).into_iter().collect()
    }
}

impl Read {
    fn of(ledger: &LedgerCopy, record: Option<RunRecord>, witnessed: Witnessed) -> Read {
        let mut troubles = ledger.troubles.iter();
        let around = troubles.find(|it| it.table == LedgerTable::Cuts && !it.unreadable);
        Read {
            cuts: ledger.all_cuts(),
            rows: ledger.rows_by_group(),
            record,
            read_around: around.map(|trouble| trouble.error.describe_answer()),
            witnessed,
        }
    }
}

impl RunbookArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        if context.json {
            let message = "a runbook is Markdown: people follow it";
            return Err(Failure::new(ExitStatus::Usage, message));
        }
        look::block_on(async {
            let mut found = configuration::usable(context).await?;
            let opened = regions::of_configuration(context, &mut found, NeededSide::Either).await?;
            let workspaces = &found.configuration.workspaces;
            let keys = &found.configuration.require_signed_records;
            let read = workspaces.iter().zip(&opened).map(|(workspace, regions)| {
                read_whole(&workspace.name, regions, keys, context.clock.now())
            });
            let read = futures::future::join_all(read).await;
            self.check_names(context, workspaces, &read)?;
            let (mut away, mut refused) = (None, None);
            let mut pages = Vec::new();
            for ((workspace, regions), read) in workspaces.iter().zip(&opened).zip(read) {
                match read {
                    Ok(read) => {
                        let page = self.page_of_log_now(context, workspace, regions, &read, keys);
                        let Some(page) = page.await? else {
                            continue;
                        };
                        for (group, why) in page.refused {
                            context.remark(&clean(&format!("drsync: {group} is left out: {why}")));
                            refused = Some(ExitStatus::Refused);
                        }
                        pages.push(page.text);
                    }
                    Err(refusal) => {
                        let text = format!("drsync: workspace {}: {refusal}", workspace.name);
                        context.remark(&clean(&text));
                        if !refusal.kind.is_away() {
                            let kept = format!(
                                "drsync: what the last apply kept: {} here, and *{RUNBOOK_ENDING} beside the evidence of both sides",
                                keep::runbook_path(&workspace.name).display()
                            );
                            context.remark(&clean(&kept));
                        }
                        let exit = ExitStatus::of_refusal(refusal.kind, Role::Secondary);
                        away.get_or_insert(exit);
                    }
                }
            }
            if !pages.is_empty() {
                output::data(&pages.join("\n"))?;
            }
            Ok(away.or(refused).unwrap_or(ExitStatus::Ok))
        })
    }

    /// The groups that were asked for, by whatever names them.
    fn asked(&self) -> impl Iterator<Item = &String> {
        self.groups.iter().chain(self.to_cut.iter().map(|(group, _)| group))
    }

    fn check_names(
        &self,
        context: &Context,
        workspaces: &[WorkspaceConfig],
        read: &[Result<Read, RegionError>],
    ) -> Result<(), Failure> {
        let all = workspaces.iter().zip(read).flat_map(|(workspace, read)| {
            let logs = read.iter().flat_map(|read| read.cuts.newest_of_each());
            let of_log = logs.map(|cut| cut.group_name.as_str());
            let configured = workspace.groups.iter().filter_map(GroupEntry::name);
            let names = of_log.chain(configured);
            names.map(|group| NamedGroup::new(&workspace.name, group))
        });
        let known = Vec::from_iter(BTreeSet::from_iter(all));
        selection::check("runbook", self.asked(), &known)?;
        selection::check_patterns("--only", &context.selection.only, &known)?;
        selection::check_patterns("--exclude", &context.selection.exclude, &known)
    }

    /// The page of a workspace by the log as it is once the replicas were looked at: somebody else may follow a runbook at the same
    /// time, and what stands on the replicas then is newer than what was read first.
    async fn page_of_log_now(
        &self,
        context: &Context,
        workspace: &WorkspaceConfig,
        regions: &Regions,
        read: &Read,
        keys: &[String],
    ) -> Result<Option<Page>, Failure> {
        let page = self.page(context, workspace, regions, read).await?;
        if page.as_ref().is_none_or(|page| !page.behind) {
            return Ok(page);
        }
        match read_whole(&workspace.name, regions, keys, context.clock.now()).await {
            Ok(now) if now.cuts != read.cuts => self.page(context, workspace, regions, &now).await,
            Ok(_) | Err(_) => Ok(page),
        }
    }

    /// The page of a workspace; `None`: it has nothing of what was asked for.
    async fn page(
        &self,
        context: &Context,
        workspace: &WorkspaceConfig,
        regions: &Regions,
        read: &Read,
    ) -> Result<Option<Page>, Failure> {
        let configured = workspace.groups.iter().filter_map(GroupEntry::name);
        let of_log = read.cuts.newest_of_each().map(|cut| cut.group_name.as_str());
        let has: Vec<&str> = configured.chain(of_log).collect();
        let request =
            crate::plan::Request { selection: context.selection.clone(), ..Default::default() };
        let is_named = |word: &str, name: &str| names_group(word, &workspace.name, name);
        // Whoever names a cut names its group: nobody is to fence the others along with it.
        let narrowed = self.asked().next().is_some();
        let chosen = |name: &str| {
            request.selects(&workspace.name, name)
                && (!narrowed || self.asked().any(|word| is_named(word, name)))
        };
        let everything =
            !narrowed && context.selection == crate::plan::document::Selection::default();
        let mut groups: Vec<String> = Vec::new();
        if !everything {
            groups.extend(has.iter().filter(|name| chosen(name)).map(|name| (*name).to_owned()));
            if groups.is_empty() {
                return Ok(None);
            }
        }
        let location = regions.secondary.location.as_ref();
        let secondary = Secondary::of(workspace, location, context.clock.now());
        let Ways { to_cuts, mut cannot } =
            self.check_ways(context, &secondary, (&workspace.name, &read.cuts), &has).await;
        let on_page: Vec<&str> =
            if everything { read.known() } else { groups.iter().map(String::as_str).collect() };
        let stays = |group: &&str| cannot.iter().all(|(of, _)| of != group);
        if !on_page.iter().any(stays)
            && let Some((_, why)) = cannot.pop()
        {
            return Err(why.failure);
        }
        let mut looked = look_at(
            context,
            &secondary,
            (&read.cuts, &read.witnessed),
            &on_page,
            (&to_cuts, self.come_back),
        )
        .await;
        // The others have their pages all the same.
        for (group, why) in cannot {
            looked.warned.remove(group);
            looked.unreadable.insert(group.to_owned(), why.told);
        }
        let come_back = self.come_back;
        let asked = Asked { groups: &groups, to_cuts: &to_cuts, looked: &looked, come_back };
        let text = text(context, &RunbookSubject::of(workspace), read, asked);
        Ok(Some(Page::of(text, &looked)))
    }

    /// Looks whether the groups that are to go to a cut of their own can be brought there.
    async fn check_ways<'a>(
        &self,
        context: &Context,
        secondary: &Secondary<'_>,
        (workspace, cuts): (&str, &Cuts),
        has: &[&'a str],
    ) -> Ways<'a> {
        let mut ways = Ways { to_cuts: BTreeMap::new(), cannot: Vec::new() };
        for (word, number) in &self.to_cut {
            let is_named = |name: &&str| names_group(word, workspace, name);
            let named: BTreeSet<&str> = has.iter().copied().filter(is_named).collect();
            for group in named {
                match check_way_to(secondary, cuts, (group, *number), &context.style).await {
                    Ok(()) => _ = ways.to_cuts.insert(group.to_owned(), *number),
                    Err(why) => ways.cannot.push((group, why)),
                }
            }
        }
        ways
    }
}

/// The cuts that groups are asked to go to.
struct Ways<'a> {
    /// Those that they can go to.
    to_cuts: BTreeMap<String, u64>,
    /// The groups that cannot go to theirs, and why.
    cannot: Vec<(&'a str, Cannot)>,
}

/// A page, and the groups that have no steps on it although they have a cut, with why.
struct Page {
    text: String,
    refused: Vec<(String, Sentence)>,
    /// Replicas or records tell of a change of role that the log does not have.
    behind: bool,
}

impl Page {
    fn of(text: String, looked: &LookedAtGroups) -> Page {
        let LookedAtGroups { behind, unreadable, warned: _ } = looked;
        let is_behind = !behind.is_empty();
        let behind = behind.iter().map(|(group, behind)| (group.clone(), behind.why.clone()));
        let unreadable = unreadable.iter().map(|(group, why)| (group.clone(), why.clone()));
        Page { text, refused: behind.chain(unreadable).collect(), behind: is_behind }
    }
}

/// What a page is asked for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    groups: &'a [String],
    to_cuts: &'a BTreeMap<String, u64>,
    looked: &'a LookedAtGroups,
    come_back: bool,
}

fn text(context: &Context, place: &RunbookSubject, read: &Read, asked: Asked<'_>) -> String {
    let Asked { groups, to_cuts, looked, come_back } = asked;
    let made_by = who::provenance().actor;
    let made = runbook::make(RunbookInput {
        place,
        cuts: &read.cuts,
        rows: &read.rows,
        record: read.record.as_ref(),
        read_around: read.read_around.as_ref(),
        looked,
        groups,
        to_cuts,
        come_back,
        made_at: crate::moment::millis(context.clock.now()),
        made_by: &made_by,
    });
    render::writers::guide(&render::sections::runbook::guide(&made))
}

/// Reads what a runbook is made from, with every cut.
async fn read_whole(
    workspace: &str,
    regions: &Regions,
    keys: &[String],
    now: DateTime<Utc>,
) -> Result<Read, RegionError> {
    let question = Question { workspace, whose: None, groups: &[], keys };
    let (ledger, recent) = futures::join!(
        regions.secondary.location.ledger(),
        recent_records(question, regions, [false, true], now)
    );
    let ledger: LedgerCopy = ledger?;
    // What cannot be read is not empty: no group is to be called one that was never synchronized.
    if let Some(unreadable) = ledger.unreadable(LedgerTable::Cuts) {
        return Err(unreadable.clone());
    }
    // It says when somebody last looked; without it everything else is as true.
    let mut newest = recent.documents.iter().rev();
    let record = newest.find_map(|document| RunRecord::of(document).ok());
    Ok(Read::of(&ledger, record, recent.witnessed))
}

/// The same after an apply, of the newest cuts, by its own record.
async fn read_after(
    workspace: &str,
    location: &dyn Location,
    record: &RunRecord,
) -> Result<Read, RegionError> {
    let ledger = location.ledger_heads().await?;
    let mut witnessed = Witnessed::default();
    witnessed.take_in(&record.cuts_told(workspace));
    Ok(Read::of(&ledger, Some(record.clone()), witnessed))
}

/// Keeps the runbook of every workspace of which an apply made a cut, or found that another side may be active of a group: with the
/// evidence of both sides, and on this machine.
///
/// What cannot be kept is told and stops nothing: the next apply that has something to keep keeps the next one.
pub(super) async fn keep_after(
    context: &Context,
    folder: &Path,
    plan: &Plan,
    regions: &[Regions],
    places: &BTreeMap<String, RunbookSubject>,
    record: &RunRecord,
) {
    for (workspace, regions) in plan.workspaces.iter().zip(regions) {
        let groups = record.groups.iter().filter(|group| group.workspace == workspace.name);
        let groups: Vec<&GroupRecord> = groups.collect();
        let made_a_cut = groups.iter().any(|group| group.ending == Some(Ending::Synchronized));
        if !made_a_cut && !groups.iter().any(|group| is_away(group)) {
            continue;
        }
        let told = |what: &str, why: String| {
            context.remark(&clean(&format!("drsync: the runbook is not kept {what}: {why}")));
        };
        let location = regions.secondary.location.as_ref();
        let read = match read_after(&workspace.name, location, record).await {
            Ok(read) => read,
            Err(refusal) => {
                told("anywhere", refusal.to_string());
                continue;
            }
        };
        let place = places.get(&workspace.name).cloned();
        let place = place.unwrap_or_else(|| RunbookSubject::of_plan(workspace));
        // Of what is in order the apply's own looks tell; of the rest the page says what one that is asked for now would.
        let blocked = groups.iter().filter(|group| group.outcome == GroupOutcome::Blocked);
        let blocked: Vec<&str> = blocked.map(|group| group.name.as_str()).collect();
        let secondary = Secondary::of_plan(workspace, location, context.clock.now());
        let told_of = (&read.cuts, &read.witnessed);
        let no_cuts = BTreeMap::new();
        let mut looked = look_at(context, &secondary, told_of, &blocked, (&no_cuts, false)).await;
        looked.behind.extend(behind_by_records(&read.cuts, &read.witnessed));
        let everything =
            Asked { groups: &[], to_cuts: &no_cuts, looked: &looked, come_back: false };
        let text = text(context, &place, &read, everything);
        if let Err(error) = keep::runbook(folder, &workspace.name, text.as_bytes()) {
            told("here", format!("failed to {error:#}"));
        }
        // A side may be active for weeks: what is known of that already is not kept anew with every round.
        if !made_a_cut && was_told_before(context, &workspace.name, regions, record, &groups).await
        {
            continue;
        }
        let name = format!("{}{RUNBOOK_ENDING}", record.run_id);
        let (secondary, primary) = futures::join!(
            regions.secondary.location.keep_evidence(&name, text.as_bytes()),
            regions.primary.location.keep_evidence(&name, text.as_bytes())
        );
        for (kept, side) in [(secondary, "in the secondary"), (primary, "in the primary")] {
            if let Err(refusal) = kept {
                told(side, refusal.to_string());
            }
        }
    }
}

/// Whether an apply found that another side is active of a group, or may be.
fn is_away(group: &GroupRecord) -> bool {
    let code = |code| matches!(code, FindingCode::FailedOver | FindingCode::LedgerBehind);
    group.ending.as_ref().is_some_and(|ending| ending.is_found(code))
}

/// Whether the record before this one says the same of who is active: of every group that is away that it was, and of no other.
async fn was_told_before(
    context: &Context,
    workspace: &str,
    regions: &Regions,
    record: &RunRecord,
    groups: &[&GroupRecord],
) -> bool {
    let question = Question { workspace, whose: None, groups: &[], keys: &[] };
    let recent = recent_records(question, regions, [false, true], context.clock.now()).await;
    let records = recent.documents.iter().rev().filter_map(|document| RunRecord::of(document).ok());
    let mut before = records.filter(|before| before.run_id < record.run_id);
    let Some(before) = before.next() else {
        return false;
    };
    let away = |group: &&&GroupRecord| is_away(group);
    let ending = |group: &GroupRecord| (group.name.clone(), group.ending.clone());
    let now: BTreeMap<_, _> = groups.iter().filter(away).map(|group| ending(group)).collect();
    let then = before.groups.iter().filter(|group| group.workspace == workspace);
    let then: BTreeMap<_, _> = then.filter(|group| is_away(group)).map(ending).collect();
    now == then
}
