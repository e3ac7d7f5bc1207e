//! `drsync history`: the cut log, of whichever region answers. It asks both regions and prints; nothing is written.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use clap::Args;

use super::flags::Context;
use super::selection::NamedGroup;
use super::{ExitStatus, Failure, configuration, look, output, regions, selection, signature};
use crate::apply::RunRecord;
use crate::config::{GroupEntry, WorkspaceAddress, WorkspaceConfig};
use crate::databricks::NeededSide;
use crate::history::{Chain, Evidence, ReportedGroup, Span, period};
use crate::ledger::{Cut, Cuts};
use crate::moment;
use crate::observe::{all_witnessed, witnessed};
use crate::plan::{Witnessed, merge_copies};
use crate::record::LossesTold;
use crate::region::{LedgerCopy, RegionError, Regions, refuse_without_a_copy};
use crate::render::cut_history::{self, LostCut, LostWithRole, UnreadRegion, WorkspaceHistory};
use crate::render::sections;
use crate::render::writers::write;
use crate::text::names_group;

mod proofs;

use proofs::{Signed, Signers, gather_evidence, unread_region};

/// List the cuts of every group, newest first: what was whole when, and who saw to it
#[derive(Debug, Args)]
pub(super) struct HistoryArguments {
    /// Only the cuts of this group; `WORKSPACE/GROUP` where several workspaces have one of that name
    group: Option<String>,
    /// Only cuts committed from this moment or day on, after the report of that period
    ///
    /// The report says how long each group was within its objective, what was accepted or approved by nobody, and whether every run record is there unaltered.
    #[arg(long, value_name = "WHEN", value_parser = first_moment)]
    since: Option<DateTime<Utc>>,
    /// Only cuts committed until this moment or day, after the report of that period
    #[arg(long, value_name = "WHEN", value_parser = last_moment)]
    until: Option<DateTime<Utc>>,
    /// Report that the run record with this SHA-256, noted when it was written, is there unaltered (16 characters or more)
    #[arg(long, value_name = "SHA", value_parser = digest)]
    head: Option<String>,
    /// Report that every run record of the period is signed by one of these minisign public keys, those of runners
    #[arg(long, value_name = "KEYS")]
    signed_by: Option<String>,
}

impl HistoryArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        self.check_period(context)?;
        let keys = self.signed_by.as_deref().map(signature::runners_keys).transpose()?;
        let mut found = look::block_on(configuration::usable(context))?;
        let signed = match keys {
            Some(keys) => Signed::All(keys),
            None => signature::keys_of_records(&found)?.map_or(Signed::AsClaimed, Signed::Since),
        };
        let signers = Signers { records: signed, plans: signature::keys_of_plans(&found)? };
        let read = look::block_on(async {
            let opened = regions::of_configuration(context, &mut found, NeededSide::Either).await?;
            let mut all = vec![];
            for (workspace, regions) in found.configuration.workspaces.iter().zip(&opened) {
                all.push(self.read(context, workspace, regions, &signers).await);
            }
            Ok(all)
        })?;
        let mut groups = selection::groups(&found.configuration);
        for (workspace, read) in found.configuration.workspaces.iter().zip(&read) {
            let of_log = read.cuts.iter().map(|cut| cut.group_name.as_str());
            groups.extend(of_log.map(|group| NamedGroup::new(&workspace.name, group)));
        }
        groups.sort();
        groups.dedup();
        selection::check("history", &self.group, &groups)?;
        selection::check_patterns("--only", &context.selection.only, &groups)?;
        selection::check_patterns("--exclude", &context.selection.exclude, &groups)?;
        let unseen = unseen(&read);
        let workspaces = found
            .configuration
            .workspaces
            .iter()
            .zip(read)
            .map(|(workspace, read)| self.workspace(context, workspace, &groups, read));
        let document = cut_history::CutHistory::new(workspaces.collect());
        if context.json {
            output::document(&document.bytes())?;
        } else {
            let page = sections::cut_history::page(&document, moment::millis(context.clock.now()));
            output::data(&write(&page, context.form()))?;
        }
        Ok(unseen.unwrap_or_else(|| status(&document)))
    }

    fn workspace(
        &self,
        context: &Context,
        workspace: &WorkspaceConfig,
        groups: &[NamedGroup],
        read: Read,
    ) -> WorkspaceHistory {
        let mut unread = read.unread;
        if let (WorkspaceAddress::Databricks(_), Some(primary)) =
            (&workspace.address, unread.iter_mut().find(|unread| unread.region == "primary"))
        {
            primary.answer = format!("{}: {}", workspace.address, primary.answer).into();
        }
        let (period, period_missing) = match read.records {
            None => (None, None),
            Some(Err(error)) => (None, Some(error.to_string().into())),
            Some(Ok(evidence)) => {
                let (span, cuts) = (self.span(context), &read.cuts);
                let asked = self.asked_groups(context, workspace, groups, cuts);
                (Some(period(&workspace.name, span, &asked, cuts, &evidence)), None)
            }
        };
        // Only logs that could both be read are judged.
        let lost = if unread.is_empty() {
            self.lost(context, &workspace.name, &read.witnessed, &read.newest)
        } else {
            Vec::new()
        };
        let cuts = self.chosen(context, &workspace.name, read.cuts);
        let away = cuts.iter().filter(|cut| cut.is_role() && cut.is_away_from(&workspace.name));
        let lost_with_roles = away.filter_map(|cut| {
            let loss = read.losses.lost_with(cut, cuts.iter())?.clone();
            Some(LostWithRole { group: cut.group_name.clone(), cut: cut.cut_number, loss })
        });
        WorkspaceHistory {
            name: workspace.name.clone(),
            read: read.answered.into_iter().map(str::to_owned).collect(),
            unread,
            lost,
            lost_with_roles: lost_with_roles.collect(),
            cuts,
            period,
            period_missing,
        }
    }

    /// The groups of a workspace whose period is asked for: those that it has, and those that it had.
    fn asked_groups(
        &self,
        context: &Context,
        workspace: &WorkspaceConfig,
        groups: &[NamedGroup],
        cuts: &[Cut],
    ) -> Vec<ReportedGroup> {
        let configured = workspace.groups.iter().filter_map(|entry| match entry {
            GroupEntry::Valid(group) => Some(group),
            GroupEntry::Invalid { .. } => None,
        });
        let objectives: BTreeMap<&str, Duration> =
            configured.map(|group| (group.name.as_str(), group.rpo)).collect();
        let own = groups.iter().filter(|known| known.workspace == workspace.name);
        let own = own.map(|known| known.group.as_str()).filter(|group| {
            objectives.contains_key(group) || cuts.iter().any(|cut| cut.group_name == *group)
        });
        own.filter(|group| self.selects(context, &workspace.name, group))
            .map(|group| ReportedGroup {
                group: group.to_owned(),
                objective: objectives.get(group).copied(),
            })
            .collect()
    }

    fn check_period(&self, context: &Context) -> Result<(), Failure> {
        let end = self.end(context);
        let Some(since) = self.since.filter(|since| *since > end) else {
            return Ok(());
        };
        let shown = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%SZ");
        let message =
            format!("--since {} is after the end of the period, {}", shown(since), shown(end));
        Err(Failure::new(ExitStatus::Usage, message))
    }

    fn end(&self, context: &Context) -> DateTime<Utc> {
        let now = moment::millis(context.clock.now());
        self.until.map_or(now, |until| until.min(now))
    }

    fn span(&self, context: &Context) -> Span {
        let now = moment::millis(context.clock.now());
        let open = self.until.is_none_or(|until| until >= now);
        Span { since: self.since, until: self.end(context), open }
    }

    fn selects(&self, context: &Context, workspace: &str, group: &str) -> bool {
        let request =
            crate::plan::Request { selection: context.selection.clone(), ..Default::default() };
        let named = |word: &String| names_group(word, workspace, group);
        request.selects(workspace, group) && self.group.as_ref().is_none_or(named)
    }

    /// Groups of which the newest run records tell of a later cut than the logs have.
    fn lost(
        &self,
        context: &Context,
        workspace: &str,
        witnessed: &Witnessed,
        newest: &BTreeMap<String, u64>,
    ) -> Vec<LostCut> {
        let newest = |group: &str| newest.get(group).copied();
        let beyond = witnessed.beyond(newest);
        beyond
            .filter(|(group, _)| self.selects(context, workspace, group))
            .map(|(group, cut)| LostCut {
                group: group.to_owned(),
                cut: cut.number,
                run_id: cut.run_id.clone(),
                newest: newest(group),
            })
            .collect()
    }

    /// Cuts by group, newest first.
    fn chosen(&self, context: &Context, workspace: &str, mut cuts: Vec<Cut>) -> Vec<Cut> {
        cuts.retain(|cut| {
            self.selects(context, workspace, &cut.group_name)
                && self.since.is_none_or(|since| cut.committed_at >= since)
                && self.until.is_none_or(|until| cut.committed_at <= until)
        });
        cuts.sort_by(|a, b| {
            let newest_first = b.cut_number.cmp(&a.cut_number);
            a.group_name.cmp(&b.group_name).then(newest_first)
        });
        cuts
    }

    /// Asks both regions for their cut logs and, for a period, the secondary for its run records.
    async fn read(
        &self,
        context: &Context,
        workspace: &WorkspaceConfig,
        regions: &Regions,
        signers: &Signers,
    ) -> Read {
        let keys = signers.records.keys();
        // Before the logs: an apply that ends in between has its cut in them.
        let (mut witnessed, mut losses) =
            witnessed(workspace, regions, keys, context.clock.now()).await;
        let (mut primary, mut secondary) =
            tokio::join!(regions.primary.location.ledger(), regions.secondary.location.ledger());
        refuse_without_a_copy(&mut primary, &mut secondary);
        let both = [("primary", &primary), ("secondary", &secondary)];
        let (mut answered, mut unread) = (vec![], vec![]);
        for (role, answer) in both {
            match answer {
                Ok(_) => answered.push(role),
                Err(error) => unread.push(unread_region(role, error)),
            }
        }
        let copy = |answer: Result<LedgerCopy, _>| answer.unwrap_or_default();
        let ledger = merge_copies(&copy(primary), &copy(secondary));
        let records = if self.reports_period(context) {
            let (span, head) = (self.span(context), self.head.clone());
            Some(gather_evidence(span, head, regions, signers, &mut unread).await)
        } else {
            None
        };
        if let Some(Ok(evidence)) = &records {
            // Records count unchecked only where no signatures are asked for; with keys they are verified once something is
            // lost.
            let documents = evidence.documents.iter().filter(|_| keys.is_empty());
            for record in documents.filter_map(|document| RunRecord::of(document).ok()) {
                witnessed.take_in(&record.cuts_told(&workspace.name));
                let own = record.groups.iter().filter(|group| group.workspace == workspace.name);
                own.for_each(|group| losses.take(group));
            }
        }
        let mut newest = newest_of_each(&ledger.cuts);
        let told_of_more = witnessed.beyond(|group| newest.get(group).copied()).next().is_some();
        if told_of_more {
            if !keys.is_empty() || !matches!(records, Some(Ok(_))) {
                witnessed = all_witnessed(&workspace.name, regions, keys).await;
            }
            take_newer_cuts(regions, &mut newest).await;
        }
        Read {
            answered,
            unread,
            cuts: ledger.cuts.iter().cloned().collect(),
            newest,
            witnessed,
            losses,
            records,
        }
    }

    /// Whether a period is reported: a page is the report of one, of the whole time unless told.
    fn reports_period(&self, context: &Context) -> bool {
        context.html
            || self.since.is_some()
            || self.until.is_some()
            || self.head.is_some()
            || self.signed_by.is_some()
    }
}

/// Takes in the newest cuts as both logs have them now: an apply may have ended since they were read.
async fn take_newer_cuts(regions: &Regions, newest: &mut BTreeMap<String, u64>) {
    let (primary, secondary) = tokio::join!(
        regions.primary.location.ledger_heads(),
        regions.secondary.location.ledger_heads()
    );
    let logs = [primary, secondary].map(Result::unwrap_or_default);
    for log in logs.iter().map(LedgerCopy::all_cuts) {
        for (group, number) in newest_of_each(&log) {
            let known = newest.entry(group).or_default();
            *known = number.max(*known);
        }
    }
}

fn newest_of_each(cuts: &Cuts) -> BTreeMap<String, u64> {
    let newest = cuts.newest_of_each();
    newest.map(|cut| (cut.group_name.clone(), cut.cut_number)).collect()
}

/// How a history ends of which nothing could be read; `None`: at least one region's copy was.
fn unseen(read: &[Read]) -> Option<ExitStatus> {
    if read.iter().any(|read| !read.answered.is_empty()) {
        return None;
    }
    let unread = read.iter().flat_map(|read| &read.unread);
    ExitStatus::of_all_unseen(unread.map(|unread| (unread.role(), unread.refused)))
}

/// How a history ends that was answered: a report that is missing or cannot be relied on is no good end.
fn status(history: &cut_history::CutHistory) -> ExitStatus {
    let workspaces = || history.workspaces.iter();
    let mut missing = workspaces().filter(|workspace| workspace.period_missing.is_some());
    let chains = || {
        let periods = workspaces().filter_map(|workspace| workspace.period.as_ref());
        periods.map(|period| &period.chain)
    };
    let mut periods = workspaces().filter_map(|workspace| workspace.period.as_ref());
    let unproved = periods.any(|period| !period.unproved.is_empty());
    let lost = workspaces().any(|workspace| !workspace.lost.is_empty());
    match missing.next() {
        Some(workspace) if workspace.is_away("secondary") => ExitStatus::SecondaryAway,
        Some(_) => ExitStatus::Failed,
        None if lost => ExitStatus::LedgerLost,
        None if chains().any(|chain| !chain.unbroken) => ExitStatus::BrokenChain,
        None if unproved => ExitStatus::UnprovedClaim,
        None if chains().any(Chain::in_doubt) => ExitStatus::MissingRecord,
        None => ExitStatus::Ok,
    }
}

/// What the regions of a workspace answered.
struct Read {
    answered: Vec<&'static str>,
    unread: Vec<UnreadRegion>,
    cuts: Vec<Cut>,
    /// The newest cut of every group, as the logs said after the records were read.
    newest: BTreeMap<String, u64>,
    /// What records tell of cuts.
    witnessed: Witnessed,
    /// What records tell of losses.
    losses: LossesTold,
    /// None: nobody asked for a period.
    records: Option<Result<Evidence, RegionError>>,
}

/// The digest of a record, or its first characters: enough that nobody makes another record with the same.
fn digest(text: &str) -> Result<String, String> {
    let text = text.to_lowercase();
    let hex = text.chars().all(|c| c.is_ascii_hexdigit());
    if hex && (16..=64).contains(&text.len()) {
        Ok(text)
    } else {
        Err("give 16 to 64 characters of the SHA-256 that the apply printed".to_owned())
    }
}

fn first_moment(text: &str) -> Result<DateTime<Utc>, String> {
    parsed(text, NaiveTime::MIN)
}

fn last_moment(text: &str) -> Result<DateTime<Utc>, String> {
    let last = NaiveTime::from_hms_milli_opt(23, 59, 59, 999).unwrap_or_default();
    parsed(text, last)
}

/// An RFC 3339 moment, or a day in UTC.
fn parsed(text: &str, of_day: NaiveTime) -> Result<DateTime<Utc>, String> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.to_utc());
    }
    text.parse::<NaiveDate>()
        .map(|day| day.and_time(of_day).and_utc())
        .map_err(|_| "write a day, 2026-11-22, or a moment, 2026-11-22T09:41:00Z".to_owned())
}
