//! `drsync show`: a stored plan as an auditor meets it.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;

use super::flags::Context;
use super::{ExitStatus, Failure, configuration, keep, output, selection};
use crate::command::{Command, Verb};
use crate::formats::RUN;
use crate::limits::DOCUMENT;
use crate::plan::{Alteration, Plan, StoredPlan, StoredPlanError};
use crate::record::RunRecord;
use crate::render::writers::{Form, write, write_all};
use crate::render::{self, sections};
use crate::{canonical, files};

/// Show a stored plan: where it comes from, that it is unaltered, and what it does; or the record of an apply
#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// The stored plan, or a run record; - is stdin. The id of an apply, or the end of it, is its record
    #[arg(value_name = "FILE|ID")]
    file: PathBuf,
    /// Only the card of this table; the end of its name is enough
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

impl ShowArguments {
    pub(super) fn run(mut self, context: &Context) -> Result<ExitStatus, Failure> {
        if let Some(record) = by_id(context, &self.file)? {
            self.file = record;
        }
        // Read once: what comes out of a pipe does not come again.
        let bytes = bytes_of(&self.file)?;
        if self.table.is_none() && is_record(&bytes) {
            return record(context, &self.file, &bytes);
        }
        let stored = plan_of(&self.file, &bytes)?;
        if let Some(asked) = &self.table {
            if context.html {
                let message = "--table has no HTML form; it has text and json";
                return Err(Failure::new(ExitStatus::Usage, message));
            }
            if context.markdown.is_some() {
                let message = "--table has no Markdown form";
                return Err(Failure::new(ExitStatus::Usage, message));
            }
            return table(context, &stored.plan, asked);
        }
        if context.json {
            output::document(&stored.bytes)?;
            return Ok(ExitStatus::Ok);
        }
        let applies = keep::applies(&configuration::folders(context, &self.file), &stored.sha256);
        let now = context.clock.now();
        let form = context.form();
        output::data(&match form {
            Form::Html => write(&sections::plan::report(&stored, &applies, now), form),
            Form::Markdown(_) => {
                write(&sections::plan::comment_stored(&stored, &applies, now), form)
            }
            Form::Text(style) => {
                let origin = sections::show::page(&stored, &applies, now);
                write_all(&[origin, sections::plan::screen(&stored.plan, style.verbose)], &style)
            }
        })?;
        Ok(ExitStatus::Ok)
    }
}

/// Characters of an id that have to be given.
const END_MIN: usize = 4;

/// The record of the apply whose id ends so, where no file has that name; `None`: it is no id, or of no record here.
fn by_id(context: &Context, file: &Path) -> Result<Option<PathBuf>, Failure> {
    let end = file.to_str().filter(|end| {
        let plain = end.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain && (END_MIN..=ulid::ULID_LEN).contains(&end.len())
    });
    // Whatever has the name is meant, a folder and a dead link too.
    let Some(end) = end.filter(|_| std::fs::symlink_metadata(file).is_err()) else {
        return Ok(None);
    };
    let mut found = keep::ending(&configuration::folders(context, file), end);
    if found.len() > 1 {
        let ids: Vec<String> = found.into_keys().collect();
        let message = format!("{end} is the end of {} ids: {}", ids.len(), ids.join(", "));
        return Err(Failure::new(ExitStatus::Usage, message));
    }
    Ok(found.pop_first().map(|(_, record)| record))
}

/// Whether a document says of itself that it is a run record.
fn is_record(bytes: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Kind {
        kind: String,
    }
    let said: Option<Kind> = serde_json::from_slice(canonical::without_mark(bytes)).ok();
    said.is_some_and(|said| said.kind == RUN.kind)
}

/// What an apply did, as its record says, with the help of its plan where that lies beside the record.
fn record(context: &Context, file: &Path, bytes: &[u8]) -> Result<ExitStatus, Failure> {
    let mut record = RunRecord::read(bytes).map_err(|error| {
        let message = format!("failed to {error} ({})", file.display());
        Failure::new(ExitStatus::Unreadable, render::clean(&message))
    })?;
    record.record_sha256 = Some(canonical::sha256_of_bytes(bytes));
    if context.json {
        output::document(bytes)?;
        return Ok(ExitStatus::Ok);
    }
    let stored = keep::plan_of(file, &record);
    let plan = stored.as_ref().map(|stored| &stored.plan);
    let kept = file.display().to_string();
    let kept = Some(kept.as_str()).filter(|_| !context.html);
    let page = sections::run::stored(plan, &record, bytes, kept);
    output::data(&write(&page, context.form()))?;
    Ok(ExitStatus::Ok)
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
    if context.json {
        output::json(&cards)?
    } else {
        output::data(&write_all(&sections::card::pages(plan, &cards), &context.style))?
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
    check_effect_text(expected)?;
    let Some(expected) = expected.map(str::to_lowercase) else {
        return Ok(());
    };
    if plan.effect_sha256.starts_with(&expected) {
        Ok(())
    } else {
        Err(Failure::new(
            ExitStatus::Altered,
            format!("the plan has effect {}, not {expected}: review it again", plan.effect_sha256),
        ))
    }
}

/// The file name that stands for stdin.
const STDIN: &str = "-";

/// Whether what was given can be an effect: an empty value, of a comment in which nothing was found, never means "any effect".
pub(super) fn check_effect_text(expected: Option<&str>) -> Result<(), Failure> {
    let Some(expected) = expected else {
        return Ok(());
    };
    if expected.len() < EFFECT_MIN || !expected.chars().all(|c| c.is_ascii_hexdigit()) {
        let message = format!("--expect-effect takes {EFFECT_MIN} or more hexadecimal characters");
        return Err(Failure::new(ExitStatus::Usage, message));
    }
    Ok(())
}

/// Reads a stored plan and recomputes its digests; `-` is stdin, and a pipe is as good as a file.
pub(super) fn read(file: &Path) -> Result<StoredPlan, Failure> {
    plan_of(file, &bytes_of(file)?)
}

fn bytes_of(file: &Path) -> Result<Vec<u8>, Failure> {
    let read = if file == Path::new(STDIN) {
        output::all_of_stdin()
    } else {
        files::read_named(file, &DOCUMENT)
    };
    read.map_err(|error| {
        let message = format!("failed to read {}: {error}", named(file));
        Failure::new(ExitStatus::Unreadable, render::clean(&message))
    })
}

fn plan_of(file: &Path, bytes: &[u8]) -> Result<StoredPlan, Failure> {
    let shown = named(file);
    StoredPlan::read(bytes).map_err(|error| match error {
        StoredPlanError::Unreadable(why) => Failure::new(
            ExitStatus::Unreadable,
            render::clean(&format!("{shown} is no plan that can be read: {why}")),
        ),
        StoredPlanError::Altered(alteration) => {
            let Alteration { why, digests } = *alteration;
            let message = format!("{shown} was altered after it was made: {why}");
            Failure::altered(render::clean(&message), digests)
                .with_help(Command::new(Verb::Plan).word("--out").word(shown.to_string()))
        }
    })
}

fn named(file: &Path) -> String {
    if file == Path::new(STDIN) { "stdin".to_owned() } else { file.display().to_string() }
}
