//! `drsync demo`: two regions with real Delta tables, and the whole flow over them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use super::apply::{self, Ready};
use super::configuration;
use super::events::Events;
use super::flags::Context;
use super::look::{self, Asking, ObservedAndPlanned};
use super::tell::Teller;
use super::{ExitStatus, Failure, keep, output, signals, written};
use crate::apply::Approval;
use crate::command::{Command, Verb};
use crate::lakehouse::demo;
use crate::region::RegionErrorKind;
use crate::render::{self, Style};
use crate::runbook::RunbookSubject;
use crate::text::shell_word;

/// See it work: two regions with real Delta tables in a folder, validated, planned, applied
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// The folder, which is made; one that an earlier demo made is made again
    #[arg(long, value_name = "DIR", default_value = "drsync-demo")]
    dir: PathBuf,
}

impl DemoArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let there = Context {
            config: Some(self.dir.join(demo::CONFIGURATION)),
            quiet: true,
            // As the commands are where the configuration lies.
            style: Style {
                width: context.style.width - MARGIN.len(),
                config: None,
                ..context.style
            },
            ..context.clone()
        };
        look::block_on(go_through(&there, &self.dir))
    }
}

/// What commands print stands behind this.
const MARGIN: &str = "   ";

/// Goes through it; what stands behind the margin is an outline of what the command prints there.
async fn go_through(context: &Context, dir: &Path) -> Result<ExitStatus, Failure> {
    build_world(context, dir).await?;

    let looked = observe_and_plan(context, &Asking::everything(false)).await?;
    let page = render::sections::validate::page(&looked.plan, &[]);
    step(1, &Command::new(Verb::Validate), render::writers::lines(&page, &context.style))?;

    let looked = observe_and_plan(context, &Asking::default()).await?;
    let stored = looked.plan.stored();
    keep::write_whole(&dir.join("plan.json"), &stored.bytes).context("store the plan")?;
    let page = render::sections::plan::outline(&looked.plan, context.style.verbose);
    let outline = render::writers::lines(&page, &context.style);
    step(2, &Command::new(Verb::Plan).word("--out").word("plan.json"), outline)?;

    let configurations = written::written_configurations(context, &looked.found);
    let ready = Ready {
        stored,
        regions: looked.regions,
        places: RunbookSubject::all(&looked.found.configuration),
        configurations,
        folder: looked.found.folder,
        mistaken: false,
        approval: Approval::None,
        signature: None,
        signer: None,
        planned_now: true,
        record_keys: Vec::new(),
        teller: Teller::default(),
    };
    let stop = signals::watch().context("watch for signals")?;
    let done = apply::carry_out(context, &Arc::new(Events::none()), &ready, &stop).await?;
    let page = render::sections::run::outline(&ready.stored.plan, &done.record);
    let outline = render::writers::lines(&page, &context.style);
    step(3, &Command::new(Verb::Apply).word("plan.json"), outline)?;

    demo::advance(dir, context.clock.now())
        .await
        .map_err(|error| Failure::of(ExitStatus::Failed, error))?;
    output::data("\n4  In the east, orders_job run 89 succeeds\n")?;

    let looked = observe_and_plan(context, &Asking::default()).await?;
    let page = render::sections::plan::outline(&looked.plan, context.style.verbose);
    step(5, &Command::new(Verb::Plan), render::writers::lines(&page, &context.style))?;
    show_what_to_try(dir)
}

/// Makes the two regions in a folder.
async fn build_world(context: &Context, dir: &Path) -> Result<(), Failure> {
    let world = demo::build(dir, context.clock.now()).await.map_err(|error| match error.kind {
        RegionErrorKind::Conflict => {
            let elsewhere = elsewhere(dir).display().to_string();
            let again = Command::new(Verb::Demo).word("--dir").word(elsewhere);
            Failure::of(ExitStatus::Refused, error).with_help(again)
        }
        _ => Failure::of(ExitStatus::Failed, error),
    })?;
    output::data(&format!(
        "Two regions with real Delta tables, made in {}\n  \
         east  primary     {} groups, {} tables, {} workflows\n  \
         west  secondary   empty\n",
        dotted_path(dir),
        world.groups,
        world.tables,
        world.workflows
    ))?;
    Ok(())
}

/// What whoever has gone through it may try there next.
fn show_what_to_try(dir: &Path) -> Result<ExitStatus, Failure> {
    let folder = dotted_path(dir);
    let there = shell_word(&dir.display().to_string());
    let status = format!("cd {there} && {}", Command::new(Verb::Status));
    let away = format!("mv west gone && {}", Command::new(Verb::Apply));
    let tried = [
        (status, "how far behind each group is"),
        (away, "what happens when the secondary is away"),
        (Command::new(Verb::Show).word("plan.json").to_string(), "what an auditor sees"),
    ];
    let tried = tried.map(|(command, shows)| format!("  {command:<33}  {shows}\n")).concat();
    output::data(&format!(
        "\nEverything in {folder} can be opened with any Delta reader. Try there:\n{tried}"
    ))?;
    Ok(ExitStatus::Ok)
}

async fn observe_and_plan(
    context: &Context,
    asking: &Asking,
) -> Result<ObservedAndPlanned, Failure> {
    look::look_with(context, asking, configuration::usable(context).await?).await
}

/// A step: the command, and in outline what it prints.
fn step(number: u32, command: &Command, outline: Vec<String>) -> anyhow::Result<()> {
    let lines: String = outline.iter().map(|line| format!("{MARGIN}{line}\n")).collect();
    output::data(&format!("\n{number}  {command}\n{lines}"))
}

/// A folder of which nothing is there yet.
fn elsewhere(dir: &Path) -> PathBuf {
    let names = (2..).map(|number: u32| match dir.file_name() {
        Some(name) => dir.with_file_name(format!("{}-{number}", name.display())),
        None => dir.join(format!("drsync-demo-{number}")),
    });
    let free = names.into_iter().find(|path| !path.exists());
    free.unwrap_or_default()
}

/// `./drsync-demo`.
fn dotted_path(dir: &Path) -> String {
    if dir.is_relative() && !dir.starts_with(".") && !dir.starts_with("..") {
        format!("./{}", dir.display())
    } else {
        dir.display().to_string()
    }
}
