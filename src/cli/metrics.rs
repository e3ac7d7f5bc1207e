//! `drsync metrics`: how every group stands, for the node exporter's textfile collector.

use chrono::{DateTime, Utc};
use clap::Args;

use super::flags::Context;
use super::look::{self, Asking};
use super::{ExitStatus, Failure, output};
use crate::apply::RunRecord;
use crate::metrics::{self, Measured};
use crate::observe::newest_records;
use crate::plan::status;
use crate::region::Regions;

/// Print how every group stands as Prometheus reads it, for the node exporter's textfile collector
///
/// It looks as `status` does and writes nothing. A region that does not answer is a metric, and no failure. Write to a file of another
/// name and move that: the collector must never see half a file.
#[derive(Debug, Args)]
pub(super) struct MetricsArguments {}

impl MetricsArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let MetricsArguments {} = self;
        let measured = look::block_on(async {
            let looked = look::observe_and_plan(context, &Asking::everything(false)).await?;
            let status = status::status(&looked.observed, &looked.plan);
            let workspaces = &looked.found.configuration.workspaces;
            let mut measured = Measured::of(&status, workspaces);
            measured.round_ended_at = newest_end(&looked.regions).await;
            Ok(measured)
        })?;
        output::data(&metrics::text(measured))?;
        Ok(ExitStatus::Ok)
    }
}

/// When the newest apply of any workspace ended, as far as a region tells.
pub(super) async fn newest_end(regions: &[Regions]) -> Option<DateTime<Utc>> {
    let both = regions.iter().flat_map(|regions| [&regions.primary, &regions.secondary]);
    let newest = newest_records(both.map(|region| &*region.location), 1).await;
    newest.iter().filter_map(|document| Some(RunRecord::of(document).ok()?.ended_at)).max()
}
