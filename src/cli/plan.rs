//! `drsync plan`: look, decide, show; nothing is written but the file that was asked for.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::flags::Context;
use super::look::{self, Asking};
use super::{ExitStatus, Failure, keep, output, place};
use crate::command::{Command, Verb};
use crate::plan::document::Selection;
use crate::plan::{Decision, Plan as Document};
use crate::render::sections::plan as screens;
use crate::render::writers::{Form, write};

/// Look at both regions and show what an apply would do; writes nothing but FILE
#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    /// Store the plan, to be reviewed, applied and archived as it is
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 3 if something is blocked, else with 2 if an apply would do something
    #[arg(long)]
    detailed_exitcode: bool,
    /// Only groups that the configuration changes: new, gone, other tables, another workflow or place
    #[arg(long)]
    changed: bool,
    /// Compare settings with those of another configuration, not with those of the newest run record: for a pull request
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    #[command(flatten)]
    asking: Asking,
}

impl PlanArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let PlanArguments { out, detailed_exitcode, changed, base, asking } = self;
        let asking = asking.compared_with(base);
        if let Some(path) = &out {
            if path == Path::new("-") {
                let message = "--out takes a file; --json prints the plan to stdout";
                return Err(Failure::new(ExitStatus::Usage, message));
            }
            place::for_plan(path)?;
        }
        let mut context = context.clone();
        context.selection.changed = changed;
        let context = &context;
        let looked = look::block_on(look::observe_and_plan(context, &asking))?;
        let plan = looked.plan;
        let stored = plan.stored();
        if let Some(path) = &out {
            // Looking takes its time: somebody may have put something there.
            place::for_plan(path)?;
            keep::write_whole(path, &stored.bytes).context("store the plan")?;
        }
        if context.json {
            output::document(&stored.bytes)?;
        } else {
            let form = context.form();
            let page = match form {
                Form::Text(style) => screens::screen(&plan, style.verbose),
                Form::Markdown(_) => screens::comment(&plan),
                Form::Html => screens::report(&stored, &[], plan.created_at),
            };
            let mut text = write(&page, form);
            if let (Form::Text(style), Some(path)) = (form, &out) {
                let saved = screens::saved(&plan, &path.display().to_string(), &stored.sha256);
                text.push_str(&format!("\n{}", write(&saved, Form::Text(style))));
            }
            output::data(&text)?;
            if matches!(form, Form::Text(_)) && out.is_none() && plan.applyable {
                let command = context.style.command(&command_to_store(context, &asking));
                let message = "drsync: this plan is not kept; to review one and apply just that:";
                context.remark(&format!("{message}\n{command}"));
            }
        }
        let mistaken = looked.found.configuration.is_mistaken();
        Ok(exit(&plan, detailed_exitcode, mistaken))
    }
}

/// The same plan once more, stored.
fn command_to_store(context: &Context, asking: &Asking) -> Command {
    let Selection { only, exclude, changed } = &context.selection;
    let mut command = Command::new(Verb::Plan);
    for (flag, groups) in [("--only", only), ("--exclude", exclude)] {
        for group in groups {
            command = command.word(flag).word(group);
        }
    }
    if *changed {
        command = command.word("--changed");
    }
    asking.repeated(command).word("--out").word("plan.json")
}

/// A mistake of the configuration blocks whatever it is about, even a group that it keeps out of the plan.
fn exit(plan: &Document, detailed: bool, mistaken: bool) -> ExitStatus {
    let blocked = mistaken || plan.decided(Decision::Blocked).next().is_some();
    match (look::no_primary(plan), detailed) {
        (Some(unseen), _) => unseen,
        (None, true) if blocked => ExitStatus::Blocked,
        (None, true) if plan.applyable => ExitStatus::Changes,
        (None, _) => ExitStatus::Ok,
    }
}
