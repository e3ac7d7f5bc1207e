//! `drsync show`: a stored plan as an auditor meets it.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;

use super::flags::Context;
use super::{ExitStatus, Failure, configuration, keep, output, selection};
use crate::plan::{Plan, StoredPlan, StoredPlanError};
use crate::render;

/// Show a stored plan: where it comes from, that it is unaltered, and what it does
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The stored plan
    file: PathBuf,
    /// Only the card of this table; the end of its name is enough
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

impl Show {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let stored = read(&self.file)?;
        if let Some(asked) = &self.table {
            if context.markdown.is_some() {
                let message = "--table has no Markdown form";
                return Err(Failure::new(ExitStatus::Usage, message));
            }
            return table(context, &stored.plan, asked);
        }
        if context.json {
            output::data(&String::from_utf8_lossy(&stored.bytes))?;
            return Ok(ExitStatus::Ok);
        }
        let applies = keep::applies(&configuration::folders(context, &self.file), &stored.sha256);
        let now = context.clock.now();
        output::data(&match context.markdown {
            Some(budget) => render::markdown::show(&stored, &applies, now, budget),
            None => render::show::text(&stored, &applies, now, &context.style),
        })?;
        Ok(ExitStatus::Ok)
    }
}

/// One table of a plan, with everything that is known of it.
fn table(context: &Context, plan: &Plan, asked: &str) -> Result<ExitStatus, Failure> {
    let cards = render::card::cards(plan, asked);
    if cards.is_empty() {
        let names: Vec<String> = render::card::names(plan);
        let near = selection::nearest(asked, names.iter().map(String::as_str));
        let hint = match near {
            Some(near) => format!("; nearest: {near}"),
            None => String::new(),
        };
        let message = format!("--table {asked}: the plan names no such table{hint}");
        return Err(Failure::new(ExitStatus::Usage, render::clean(&message)));
    }
    match context.json {
        true => output::json(&cards)?,
        false => output::data(&render::card::text(plan, &cards, &context.style))?,
    }
    Ok(ExitStatus::Ok)
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

/// Characters of an effect that have to be given: enough that nobody finds another plan with the same.
const EFFECT_MIN: usize = 16;

/// The effect that was reviewed comes from outside the file, so that whoever changed the file could not change it.
pub(super) fn expect_effect(expected: Option<&str>, plan: &Plan) -> Result<(), Failure> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let expected = expected.to_lowercase();
    if expected.len() < EFFECT_MIN || !expected.chars().all(|c| c.is_ascii_hexdigit()) {
        let message = format!("--expect-effect takes {EFFECT_MIN} or more hexadecimal characters");
        return Err(Failure::new(ExitStatus::Usage, message));
    }
    match plan.effect_sha256.starts_with(&expected) {
        true => Ok(()),
        false => Err(Failure::new(
            ExitStatus::Altered,
            format!(
                "the plan has effect {}, not {expected}: review it again",
                plan.effect_sha256
            ),
        )),
    }
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
