//! `drsync history`: the cut log, of whichever region answers.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use clap::Args;

use super::flags::Context;
use super::{ExitStatus, Failure, configuration, look, output, regions, selection};
use crate::config::{GroupEntry, Workspace, WorkspaceAddress};
use crate::history::{Asked, Chain, Span, period};
use crate::ledger::Cut;
use crate::moment;
use crate::plan::{Refused, merge_copies};
use crate::region::{
    KeptDocument, LedgerCopy, RecordRange, RegionError, Regions, refuse_without_a_copy,
};
use crate::render::history::{self, UnreadRegion, WorkspaceHistory};
use crate::render::html;

/// List the cuts of every group, newest first: what was whole when, and who saw to it
#[derive(Debug, Args)]
pub(super) struct History {
    /// Only the cuts of this group
    group: Option<String>,
    /// Only cuts committed from this moment or day on
    #[arg(long, value_name = "WHEN", value_parser = first_moment)]
    since: Option<DateTime<Utc>>,
    /// Only cuts committed until this moment or day
    #[arg(long, value_name = "WHEN", value_parser = last_moment)]
    until: Option<DateTime<Utc>>,
}

impl History {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        self.check_period(context)?;
        let mut found = look::block_on(configuration::usable(context))?;
        let read = look::block_on(async {
            let opened = regions::of_configuration(context, &mut found).await?;
            let mut all = vec![];
            for regions in &opened {
                all.push(self.read(context, regions).await);
            }
            Ok(all)
        })?;
        let mut groups = selection::groups(&found.configuration);
        groups.extend(
            read.iter()
                .flat_map(|read| read.cuts.iter().map(|cut| cut.group_name.clone())),
        );
        groups.sort();
        groups.dedup();
        selection::check("history", &self.group, &groups)?;
        selection::check("--only", &context.selection.only, &groups)?;
        selection::check("--exclude", &context.selection.exclude, &groups)?;
        let unseen = unseen(&read);
        let workspaces = found
            .configuration
            .workspaces
            .iter()
            .zip(read)
            .map(|(workspace, read)| self.workspace(context, workspace, &groups, read));
        let document = history::History::new(workspaces.collect());
        output::data(&match (context.html, context.json) {
            (true, _) => html::history(&document),
            (false, true) => String::from_utf8_lossy(&document.bytes()).into_owned(),
            (false, false) => history::text(&document, &context.style),
        })?;
        Ok(unseen.unwrap_or_else(|| status(&document)))
    }

    fn workspace(
        &self,
        context: &Context,
        workspace: &Workspace,
        groups: &[String],
        read: Read,
    ) -> WorkspaceHistory {
        let mut unread = read.unread;
        if let (WorkspaceAddress::Databricks(_), Some(primary)) = (
            &workspace.address,
            unread.iter_mut().find(|unread| unread.region == "primary"),
        ) {
            primary.answer = format!("{}: {}", workspace.address, primary.answer);
        }
        let (period, period_missing) = match read.records {
            None => (None, None),
            Some(Err(error)) => (None, Some(error.to_string())),
            Some(Ok(documents)) => {
                let span = Span {
                    since: self.since,
                    until: self.end(context),
                };
                let configured = workspace.groups.iter().filter_map(|entry| match entry {
                    GroupEntry::Valid(group) => Some(group),
                    GroupEntry::Invalid { .. } => None,
                });
                let objectives: BTreeMap<&str, Duration> = configured
                    .map(|group| (group.name.as_str(), group.rpo))
                    .collect();
                let known = |group: &&String| {
                    objectives.contains_key(group.as_str())
                        || read.cuts.iter().any(|cut| cut.group_name == **group)
                };
                let asked: Vec<Asked> = groups
                    .iter()
                    .filter(|group| self.selects(context, group))
                    .filter(known)
                    .map(|group| Asked {
                        group: group.clone(),
                        objective: objectives.get(group.as_str()).copied(),
                    })
                    .collect();
                let cuts = &read.cuts;
                let period = period(&workspace.name, span, &asked, cuts, &documents);
                (Some(period), None)
            }
        };
        WorkspaceHistory {
            name: workspace.name.clone(),
            read: read.answered.into_iter().map(str::to_owned).collect(),
            unread,
            cuts: self.chosen(context, read.cuts),
            period,
            period_missing,
        }
    }

    fn check_period(&self, context: &Context) -> Result<(), Failure> {
        let end = self.end(context);
        let Some(since) = self.since.filter(|since| *since > end) else {
            return Ok(());
        };
        let shown = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%SZ");
        let message = format!(
            "--since {} is after the end of the period, {}",
            shown(since),
            shown(end)
        );
        Err(Failure::new(ExitStatus::Usage, message))
    }

    fn end(&self, context: &Context) -> DateTime<Utc> {
        let now = moment::millis(context.clock.now());
        self.until.map_or(now, |until| until.min(now))
    }

    fn selects(&self, context: &Context, group: &str) -> bool {
        let request = crate::plan::Request {
            selection: context.selection.clone(),
            ..Default::default()
        };
        request.selects(group) && self.group.as_ref().is_none_or(|only| only == group)
    }

    /// Cuts by group, newest first.
    fn chosen(&self, context: &Context, mut cuts: Vec<Cut>) -> Vec<Cut> {
        cuts.retain(|cut| {
            self.selects(context, &cut.group_name)
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
    async fn read(&self, context: &Context, regions: &Regions) -> Read {
        let (mut primary, mut secondary) =
            tokio::join!(regions.primary.ledger(), regions.secondary.ledger());
        refuse_without_a_copy(&mut primary, &mut secondary);
        let both = [("primary", &primary), ("secondary", &secondary)];
        let (mut answered, mut unread) = (vec![], vec![]);
        for (role, answer) in both {
            match answer {
                Ok(_) => answered.push(role),
                Err(error) => unread.push(UnreadRegion {
                    region: role.to_owned(),
                    answer: error.to_string(),
                    refused: Refused::of(error.kind),
                }),
            }
        }
        let copy = |answer: Result<LedgerCopy, _>| answer.unwrap_or_default();
        let ledger = merge_copies(&copy(primary), &copy(secondary));
        // A page is the report of a period, of the whole time unless told.
        let records = match context.html || self.since.is_some() || self.until.is_some() {
            true => Some(
                // All of them, whatever the period: a clock does not say which follows which.
                regions.secondary.run_records(&RecordRange::default()).await,
            ),
            false => None,
        };
        Read {
            answered,
            unread,
            cuts: ledger.cuts.iter().cloned().collect(),
            records,
        }
    }
}

/// How a history ends of which nothing could be read; `None`: at least one region's copy was.
fn unseen(read: &[Read]) -> Option<ExitStatus> {
    if read.iter().any(|read| !read.answered.is_empty()) {
        return None;
    }
    let refused: Option<Vec<Refused>> = read
        .iter()
        .flat_map(|read| &read.unread)
        .map(|unread| unread.refused)
        .collect();
    Some(match refused.as_deref().and_then(<[Refused]>::first) {
        None => ExitStatus::PrimaryAway,
        Some(Refused::Denied) => ExitStatus::Authentication,
        Some(Refused::Unreadable) => ExitStatus::Failed,
    })
}

/// How a history ends that was answered: a report that is missing or cannot be relied on is no good end.
fn status(history: &history::History) -> ExitStatus {
    let workspaces = || history.workspaces.iter();
    let mut missing = workspaces().filter(|workspace| workspace.period_missing.is_some());
    let chains = || {
        let periods = workspaces().filter_map(|workspace| workspace.period.as_ref());
        periods.map(|period| &period.chain)
    };
    match missing.next() {
        Some(workspace) if workspace.is_away("secondary") => ExitStatus::SecondaryAway,
        Some(_) => ExitStatus::Failed,
        None if chains().any(|chain| !chain.unbroken) => ExitStatus::BrokenChain,
        None if chains().any(Chain::in_doubt) => ExitStatus::MissingRecord,
        None => ExitStatus::Ok,
    }
}

/// What the regions of a workspace answered.
struct Read {
    answered: Vec<&'static str>,
    unread: Vec<UnreadRegion>,
    cuts: Vec<Cut>,
    /// None: nobody asked for a period.
    records: Option<Result<Vec<KeptDocument>, RegionError>>,
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
