//! `drsync history`: the cut log, of whichever region answers.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Args;

use super::flags::Context;
use super::{ExitStatus, Failure, configuration, look, output, regions, selection};
use crate::ledger::Cut;
use crate::plan::merge_copies;
use crate::region::{LedgerCopy, Regions};
use crate::render::history::{self, WorkspaceHistory};

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
        let mut found = configuration::usable(context)?;
        let read = look::block_on(async {
            let opened = regions::of_configuration(context, &mut found).await?;
            let mut all = vec![];
            for regions in &opened {
                all.push(read(regions).await);
            }
            Ok(all)
        })?;
        let names: Vec<String> = found
            .configuration
            .workspaces
            .iter()
            .map(|workspace| workspace.name.clone())
            .collect();
        let mut groups = selection::groups(&found.configuration);
        groups.extend(
            read.iter()
                .flat_map(|(_, cuts)| cuts.iter().map(|cut| cut.group_name.clone())),
        );
        groups.sort();
        groups.dedup();
        selection::check("history", &self.group, &groups)?;
        selection::check("--only", &context.selection.only, &groups)?;
        selection::check("--exclude", &context.selection.exclude, &groups)?;
        let answered = read.iter().any(|(regions, _)| !regions.is_empty());
        let workspaces =
            names
                .into_iter()
                .zip(read)
                .map(|(name, (regions, cuts))| WorkspaceHistory {
                    name,
                    read: regions.into_iter().map(str::to_owned).collect(),
                    cuts: self.chosen(context, cuts),
                });
        let document = history::History::new(workspaces.collect());
        match context.json {
            true => output::json(&document)?,
            false => output::data(&history::text(&document, &context.style))?,
        }
        Ok(match answered {
            true => ExitStatus::Ok,
            false => ExitStatus::PrimaryAway,
        })
    }

    /// Cuts by group, newest first.
    fn chosen(&self, context: &Context, mut cuts: Vec<Cut>) -> Vec<Cut> {
        let request = crate::plan::Request {
            selection: context.selection.clone(),
            ..Default::default()
        };
        cuts.retain(|cut| {
            request.selects(&cut.group_name)
                && self
                    .group
                    .as_ref()
                    .is_none_or(|group| *group == cut.group_name)
                && self.since.is_none_or(|since| cut.committed_at >= since)
                && self.until.is_none_or(|until| cut.committed_at <= until)
        });
        cuts.sort_by(|a, b| {
            let newest_first = b.cut_number.cmp(&a.cut_number);
            a.group_name.cmp(&b.group_name).then(newest_first)
        });
        cuts
    }
}

/// The regions that answered, and what they know together.
async fn read(regions: &Regions) -> (Vec<&'static str>, Vec<Cut>) {
    let (primary, secondary) = tokio::join!(regions.primary.ledger(), regions.secondary.ledger());
    let answered: Vec<&str> = [
        ("primary", primary.is_ok()),
        ("secondary", secondary.is_ok()),
    ]
    .into_iter()
    .filter(|(_, answers)| *answers)
    .map(|(role, _)| role)
    .collect();
    let copy = |answer: Result<LedgerCopy, _>| answer.unwrap_or_default();
    let ledger = merge_copies(&copy(primary), &copy(secondary));
    (answered, ledger.cuts.iter().cloned().collect())
}

fn first_moment(text: &str) -> Result<DateTime<Utc>, String> {
    moment(text, NaiveTime::MIN)
}

fn last_moment(text: &str) -> Result<DateTime<Utc>, String> {
    let last = NaiveTime::from_hms_milli_opt(23, 59, 59, 999).unwrap_or_default();
    moment(text, last)
}

/// An RFC 3339 moment, or a day in UTC.
fn moment(text: &str, of_day: NaiveTime) -> Result<DateTime<Utc>, String> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.to_utc());
    }
    text.parse::<NaiveDate>()
        .map(|day| day.and_time(of_day).and_utc())
        .map_err(|_| "write a day, 2026-11-22, or a moment, 2026-11-22T09:41:00Z".to_owned())
}
