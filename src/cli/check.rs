//! `drsync check`: whether a stored plan is unaltered and can still be applied.

use std::path::PathBuf;

use clap::Args;

use super::flags::Context;
use super::{ExitStatus, Failure, look, output, regions, show};
use crate::apply;
use crate::render;

/// Look whether a stored plan is unaltered and can still be applied, group by group; writes nothing
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The stored plan; - is stdin
    file: PathBuf,
    /// Also check that the plan has this effect, the value that was reviewed (16 characters or more)
    #[arg(long, value_name = "SHA")]
    expect_effect: Option<String>,
}

impl Check {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let stored = show::read(&self.file)?;
        let now = context.clock.now();
        show::made_before(now, &self.file, &stored.plan)?;
        show::expect_effect(self.expect_effect.as_deref(), &stored.plan)?;
        let check = look::block_on(async {
            let regions = regions::of_plan(&stored.plan, context).await?;
            Ok(apply::check(&stored, &regions, now).await)
        })?;
        match context.json {
            true => output::json(&check)?,
            false => {
                let file = self.file.display().to_string();
                let text = render::check::text(&stored.plan, &check, &file, &context.style);
                output::data(&context.told(&text))?;
            }
        }
        Ok(ExitStatus::recorded(&check.exit))
    }
}
