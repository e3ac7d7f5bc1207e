//! `drsync check`: whether a stored plan is unaltered and can still be applied.

use std::path::PathBuf;

use clap::Args;

use super::admit::{Purpose, Terms, admit};
use super::flags::Context;
use super::{ExitStatus, Failure, look, output, regions};
use crate::apply;
use crate::render;

/// Look whether a stored plan is unaltered and can still be applied, group by group; writes nothing
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The stored plan; - is stdin
    file: PathBuf,
    /// Also check that the plan has this effect, the value that was reviewed (16 characters or more)
    #[arg(long, value_name = "SHA")]
    expect_effect: Option<String>,
    /// Also check that one of these minisign public keys signed the plan's file; the signature is FILE.minisig
    #[arg(long, value_name = "KEYS")]
    require_signature: Option<String>,
}

impl CheckArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let now = context.clock.now();
        let (stored, check) = look::block_on(async {
            let terms = Terms {
                expect_effect: self.expect_effect.as_deref(),
                require_signature: self.require_signature.as_deref(),
                purpose: Purpose::Check,
            };
            let admitted = admit(context, &self.file, terms).await?;
            let regions = regions::of_plan(&admitted, context).await?;
            let (stored, _, _) = admitted.into_parts();
            let check = apply::check(&stored, &regions, now).await;
            Ok((stored, check))
        })?;
        if context.json {
            output::json(&check)?
        } else {
            let file = self.file.display().to_string();
            let page = render::sections::check::page(&stored.plan, &check, &file);
            output::data(&render::writers::write(&page, context.form()))?;
        }
        Ok(ExitStatus::recorded(&check.exit))
    }
}
