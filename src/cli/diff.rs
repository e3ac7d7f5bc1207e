//! `drsync diff`: what changed between two stored plans.

use std::path::{Path, PathBuf};

use clap::Args;

use super::flags::Context;
use super::{ExitStatus, Failure, output, show};
use crate::render;

/// Show what changed between two stored plans, apart from what changes in every plan
#[derive(Debug, Args)]
pub(super) struct DiffArguments {
    /// The plan that was there before; - is stdin
    before: PathBuf,
    /// The plan that is there now
    after: PathBuf,
    /// Exit with 2 if the plans have different effects
    #[arg(long)]
    detailed_exitcode: bool,
}

impl DiffArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        if self.before == self.after && self.before == Path::new("-") {
            let message = "stdin can be one of the two plans, not both";
            return Err(Failure::new(ExitStatus::Usage, message));
        }
        let before = show::read(&self.before)?;
        let after = show::read(&self.after)?;
        let difference = render::diff::PlanDifference::of(&before.plan, &after.plan);
        if context.json {
            output::json(&difference)?
        } else {
            let page = render::sections::diff::page(&difference);
            output::data(&render::writers::write(&page, context.form()))?;
        }
        Ok(if self.detailed_exitcode && !difference.same_effect {
            ExitStatus::Changes
        } else {
            ExitStatus::Ok
        })
    }
}
