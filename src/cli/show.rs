//! `drsync show`: a stored plan as an auditor meets it.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;

use super::flags::Context;
use super::{ExitStatus, Failure, configuration, keep, output};
use crate::plan::{Plan, StoredPlan, StoredPlanError};
use crate::render;

/// Show a stored plan: where it comes from, that it is unaltered, and what it does
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The stored plan
    file: PathBuf,
}

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let stored = read(&self.file)?;
        match context.json {
            true => output::data(&String::from_utf8_lossy(&stored.bytes))?,
            false => {
                let folders = configuration::folders(context, &self.file);
                output::data(&render::show::text(
                    &stored,
                    &keep::applies(&folders, &stored.sha256),
                    context.clock.now(),
                    &context.style,
                ))?;
            }
        }
        Ok(ExitStatus::Ok)
    }
}

/// Clocks of two machines may differ by this much; a plan from further in the future says what no plan can.
const CLOCKS_APART: chrono::Duration = chrono::Duration::minutes(5);

/// Refuses a plan that was made later than now: its recovery points would be in the future too.
pub(super) fn made_before(now: DateTime<Utc>, file: &Path, plan: &Plan) -> Result<(), Failure> {
    if plan.created_at <= now + CLOCKS_APART {
        return Ok(());
    }
    let message = format!(
        "{} says that it was made at {}, which is in the future: it was altered, or a clock is wrong",
        file.display(),
        crate::moment::text(plan.created_at)
    );
    Err(Failure::new(ExitStatus::Altered, render::clean(&message)))
}

/// Reads a stored plan and recomputes its digests.
pub(super) fn read(file: &Path) -> Result<StoredPlan, Failure> {
    let shown = file.display();
    let bytes = std::fs::read(file).map_err(|error| {
        let message = format!("failed to read {shown}: {error}");
        Failure::new(ExitStatus::Unreadable, message)
    })?;
    StoredPlan::read(&bytes).map_err(|error| match error {
        StoredPlanError::Unreadable(why) => Failure::new(
            ExitStatus::Unreadable,
            render::clean(&format!("{shown} is no plan that can be read: {why}")),
        ),
        StoredPlanError::Altered(why) => Failure::new(
            ExitStatus::Altered,
            render::clean(&format!("{shown} was altered after it was made: {why}")),
        ),
    })
}
