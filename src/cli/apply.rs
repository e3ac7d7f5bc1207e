//! `drsync apply`: exactly the plan that was stored; without one plan, show, ask, apply.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::admit::{Purpose, Terms, admit};
use super::clock::Clock;
use super::configuration::LoadedConfiguration;
use super::events::{self, Events};
use super::flags::Context;
use super::here::Here;
use super::look::{self, Asking, ObservedAndPlanned};
use super::output::BoardShown;
use super::sign::RunnersKey;
use super::signals::{Deadline, Stop};
use super::tell::{self, Applied, Teller};
use super::{
    ExitStatus, Failure, configuration, duration, keep, output, regions, runbook, show, signals,
    who, written,
};
use crate::apply::{self, ApplyOptions, Approval, Event, EventKind, RunRecord, Signer};
use crate::command::{Command, Verb};
use crate::config::Configuration;
use crate::plan::document::{LedgerAction, MetadataAction};
use crate::plan::{Observed, Plan, StoredPlan};
use crate::region::Regions;
use crate::render;
use crate::render::progress::{Mode, ProgressView};
use crate::render::writers::{Form, write};
use crate::runbook::RunbookSubject;

/// Carry out a stored plan, no more and no less; without FILE: plan, show, ask, apply
#[derive(Debug, Args)]
pub(super) struct ApplyArguments {
    /// A plan that `plan --out` stored; - is stdin
    file: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
    /// Go on only if the plan has this effect, the value that was reviewed (16 characters or more)
    #[arg(long, value_name = "SHA")]
    expect_effect: Option<String>,
    /// Go on only if one of these minisign public keys signed the plan's file; the signature is FILE.minisig
    #[arg(long, value_name = "KEYS", requires = "file")]
    require_signature: Option<String>,
    /// Sign the run record with this secret key of minisign, the runner's own (a password of it is in DRSYNC_SIGN_PASSWORD)
    #[arg(long, value_name = "KEY", env = "DRSYNC_SIGN_RECORD_WITH", hide_env_values = true)]
    sign_record_with: Option<PathBuf>,
    /// Write every event as a line of JSON to a file, or to stdout with -
    #[arg(long, value_name = "FILE|-")]
    events: Option<PathBuf>,
    /// Verify every clone further: rows counts the rows of both sides at their versions
    ///
    /// On Databricks it costs two SELECT count(*) a table. Lakehouse folders are compared file by file in any case.
    #[arg(long, value_name = "WHAT")]
    verify: Option<Verify>,
    /// Stop starting work in time to be over so long after the start: 45m, 1h30m
    ///
    /// Statements that run are left to their warehouse, and the next apply goes on. It exits with 9 if anything was left.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    deadline: Option<Duration>,
    #[command(flatten)]
    asking: Asking,
}

/// What is verified beside what a clone says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verify {
    /// Rows of both sides.
    Rows,
}

/// A plan that is about to be applied, with what it is applied to.
pub(super) struct Ready {
    pub(super) stored: StoredPlan,
    pub(super) regions: Vec<Regions>,
    /// Where records are kept on this machine.
    pub(super) folder: PathBuf,
    /// The configuration it was computed from has mistakes.
    pub(super) mistaken: bool,
    /// Who said yes, as far as that is known before the plan is shown.
    pub(super) approval: Approval,
    /// The signature of the plan's file.
    pub(super) signature: Option<String>,
    /// Who signs the record.
    pub(super) signer: Option<Arc<dyn Signer>>,
    /// This very run computed it.
    pub(super) planned_now: bool,
    /// Public keys of the runners whose records witness cuts; none: every record does.
    pub(super) record_keys: Vec<String>,
    /// Of each configured workspace what its runbook says of it.
    pub(super) places: BTreeMap<String, RunbookSubject>,
    /// Of each configured workspace its configuration, as it is kept with the evidence.
    pub(super) configurations: BTreeMap<String, Vec<u8>>,
    /// Who is told of it, and over what.
    pub(super) teller: Teller,
}

impl Ready {
    /// What is told of.
    pub(super) fn applied<'a>(&'a self, context: &'a Context) -> Applied<'a> {
        Applied {
            plan: &self.stored.plan,
            regions: &self.regions,
            folder: &self.folder,
            said: &context.said,
            configurations: &self.configurations,
        }
    }
}

/// What an apply did, and where the record of it lies on this machine.
pub(super) struct FinishedApply {
    pub(super) record: RunRecord,
    kept: Option<PathBuf>,
}

impl ApplyArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let context =
            &Context { verify_rows: self.verify == Some(Verify::Rows), ..context.clone() };
        let deadline = self.deadline.map(Deadline::after);
        let key = self.sign_record_with.as_deref().map(RunnersKey::open).transpose()?;
        let signer = key.map(|key| Arc::new(key) as Arc<dyn Signer>);
        let events = Arc::new(Events::open(self.events.as_deref(), context)?);
        look::block_on(async {
            let looking = async {
                match &self.file {
                    Some(file) => self.stored(context, file, signer).await,
                    None => self.planned(context, signer).await,
                }
            };
            let looked = match deadline {
                Some(deadline) => deadline.keep(looking).await,
                None => looking.await,
            };
            let mut ready = match looked {
                Ok(ready) => ready,
                Err(failure) => {
                    tell::fail(context, &failure).await;
                    return Err(failure);
                }
            };
            show::expect_effect(self.expect_effect.as_deref(), &ready.stored.plan)?;
            if self.expect_effect.is_some() && ready.approval == Approval::None {
                ready.approval = Approval::ExpectedEffect;
            }
            let shown = self.file.is_none() && self.show(context, &events, &ready.stored.plan);
            self.approve(context, &mut ready)?;
            let plan = &ready.stored.plan;
            let stop = signals::watch().context("watch for signals")?;
            if let Some(deadline) = deadline {
                deadline.watch(&stop);
            }
            let done = carry_out(context, &events, &ready, &stop).await?;
            report(context, &events, plan, &done, shown)?;
            // The summary comes after the record: it can be lost, too.
            let status = events.ending(ExitStatus::recorded(&done.record.exit));
            ready.teller.tell(&ready.applied(context), &done.record, status, &stop).await;
            Ok(status)
        })
    }

    async fn stored(
        &self,
        context: &Context,
        file: &Path,
        signer: Option<Arc<dyn Signer>>,
    ) -> Result<Ready, Failure> {
        if self.asking.anything() {
            let message =
                "a stored plan is applied as it is: --now, --full and --accept belong to plan";
            return Err(Failure::new(ExitStatus::Usage, message));
        }
        if context.selection != crate::plan::document::Selection::default() {
            let message = "a stored plan is applied as it is: --only and --exclude belong to plan";
            return Err(Failure::new(ExitStatus::Usage, message));
        }
        let terms = Terms {
            expect_effect: self.expect_effect.as_deref(),
            require_signature: self.require_signature.as_deref(),
            purpose: Purpose::Apply { signer: signer.as_deref() },
        };
        let admitted = admit(context, file, terms).await?;
        let regions = regions::of_plan(&admitted, context).await?;
        let record_keys = admitted.record_keys().to_vec();
        let places = admitted.places().clone();
        let configurations = admitted.configurations().clone();
        let teller = admitted.teller().cloned();
        if teller.is_none() {
            context.remark("drsync: nobody is told: there is no configuration here that says whom");
        }
        let (stored, approval, signature) = admitted.into_parts();
        Ok(Ready {
            stored,
            regions,
            approval,
            signature,
            signer,
            planned_now: false,
            record_keys,
            places,
            configurations,
            teller: teller.unwrap_or_default(),
            folder: PathBuf::new(),
            // What the plan was computed from is known as far as the plan says it.
            mistaken: false,
        })
    }

    async fn planned(
        &self,
        context: &Context,
        signer: Option<Arc<dyn Signer>>,
    ) -> Result<Ready, Failure> {
        let asking = self.asking.signed_with(self.sign_record_with.as_deref());
        Ok(plan_now(context, &asking, signer).await?.ready)
    }

    /// Shows a plan that nobody has seen; a region that is away is told once, by what came of it.
    fn show(&self, context: &Context, events: &Events, plan: &Plan) -> bool {
        let away = plan.workspaces.iter().any(|workspace| {
            !workspace.observed.primary.reachable || !workspace.observed.secondary.reachable
        });
        let unasked = self.auto_approve || only_notes(plan);
        if plan.applyable && away && unasked && plan.summary.groups_sync == 0 {
            return false;
        }
        let page = render::sections::plan::screen(plan, context.style.verbose);
        say(context, events, &write(&page, Form::Text(context.style)));
        true
    }

    /// Asks, unless it was approved: by reviewing a stored plan, or with a flag.
    fn approve(&self, context: &Context, ready: &mut Ready) -> Result<(), Failure> {
        let plan = &ready.stored.plan;
        if self.file.is_some() || self.auto_approve || !plan.applyable || only_notes(plan) {
            return Ok(());
        }
        if !context.can_ask {
            let message = "nothing was applied: there is nobody to ask; review a stored plan, or approve unseen";
            let approved = Command::new(Verb::Apply).word("--auto-approve");
            return Err(Failure::new(ExitStatus::Refused, message).with_help(approved));
        }
        match output::ask("\nApply this plan? Only \"yes\" is accepted:")?.as_str() {
            "yes" => {
                ready.approval = Approval::Prompt;
                Ok(())
            }
            _ => Err(Failure::new(ExitStatus::Refused, "nothing was applied")),
        }
    }
}

/// Whether an apply could do nothing but note in its own tables which groups are blocked: there is nothing to say yes to.
fn only_notes(plan: &Plan) -> bool {
    let metadata = plan.workspaces.iter().flat_map(|workspace| &workspace.metadata);
    let notes = |action: &MetadataAction| {
        let MetadataAction {
            region: _,
            action,
            table_version: _,
            rows_to_add,
            rows_to_change: _,
            rows_to_retire,
            cuts_to_copy,
            put_aside,
            mend,
        } = action;
        matches!(action, LedgerAction::Merge | LedgerAction::None)
            && rows_to_add.is_empty()
            && rows_to_retire.is_empty()
            && *cuts_to_copy == 0
            && put_aside.is_empty()
            && mend.is_empty()
    };
    plan.summary.groups_sync == 0
        && plan.summary.groups_blocked > 0
        && metadata.into_iter().all(notes)
}

/// What was planned by whoever is about to apply it, with what it was computed from.
pub(super) struct JustPlanned {
    pub(super) ready: Ready,
    pub(super) observed: Observed,
    pub(super) configuration: Configuration,
}

/// Reads the configuration, looks at both regions and decides.
pub(super) async fn plan_now(
    context: &Context,
    asking: &Asking,
    signer: Option<Arc<dyn Signer>>,
) -> Result<JustPlanned, Failure> {
    let found = configuration::require_own(configuration::usable(context).await?)?;
    let record_keys = RunnersKey::check_demand(signer.as_deref(), &found)?;
    let asking = asking.with_daily_look();
    let ObservedAndPlanned { found, regions, observed, plan } =
        look::look_with(context, &asking, found).await?;
    let configurations = written::written_configurations(context, &found);
    let teller = Teller::of(&found.configuration, &found.folder);
    let LoadedConfiguration { configuration, folder, kept_in: _, read_in: _ } = found;
    let ready = Ready {
        stored: plan.stored(),
        regions,
        approval: Approval::None,
        signature: None,
        signer,
        planned_now: true,
        record_keys,
        places: RunbookSubject::all(&configuration),
        configurations,
        teller,
        mistaken: configuration.is_mistaken(),
        folder,
    };
    Ok(JustPlanned { ready, observed, configuration })
}

/// Applies a plan, shows how it goes on, and keeps plan and record on this machine.
pub(super) async fn carry_out(
    context: &Context,
    events: &Arc<Events>,
    ready: &Ready,
    stop: &Stop,
) -> Result<FinishedApply, Failure> {
    let plan = &ready.stored.plan;
    let here = Arc::new(Here::new(ready.folder.clone()));
    let options = ApplyOptions {
        run_id: Clock::id(context.clock.now()),
        approval: ready.approval.clone(),
        provenance: who::provenance(),
        parallelism: context.parallelism,
        stop: stop.stop.clone(),
        signal: stop.signal.clone(),
        clock: context.clock.function(),
        clock_overridden: context.clock.overridden(),
        signature: ready.signature.clone(),
        lost_output: events::question(events),
        local: here.clone(),
        signer: ready.signer.clone(),
        record_keys: ready.record_keys.clone(),
        planned_now: ready.planned_now,
        mistaken: ready.mistaken,
        policies: ready.teller.policies(plan),
        configurations: ready.configurations.clone(),
        seen_from: who::describe_machine(),
    };
    ready.teller.begin(&ready.applied(context), &options.run_id).await;
    if plan.applyable {
        let kept =
            keep::plan(&ready.folder, &options.run_id, &ready.stored, ready.signature.as_deref());
        warn(context, "the plan is not kept here", kept);
    }
    let progress = ProgressView::of(plan, mode(context), output::stderr_columns, output::note);
    let shown = BoardShown::begin(progress.above());
    let tell = |event: Event| {
        let again = match &event.what {
            EventKind::Warning(warning) => !context.said.first(&warning.about_what()),
            _ => false,
        };
        if !again {
            progress.tell(&event);
        }
        events.write(&event);
    };
    let record = apply::apply(&ready.stored, &ready.regions, &options, &tell).await;
    drop(shown);
    let Ready { folder, regions, places, .. } = ready;
    runbook::keep_after(context, folder, plan, regions, places, &record).await;
    let kept = here.take_record_path();
    let kept = kept.and_then(|kept| warn(context, "the run record is not kept here", kept));
    Ok(FinishedApply { record, kept })
}

fn report(
    context: &Context,
    events: &Events,
    plan: &Plan,
    done: &FinishedApply,
    shown: bool,
) -> Result<(), Failure> {
    let FinishedApply { record, kept } = done;
    if context.json {
        events.say(&output::json_text(record)?);
        return Ok(());
    }
    let form = context.form();
    if !matches!(form, Form::Text(_)) {
        let page = render::sections::run::stored(Some(plan), record, &record.bytes(), None);
        events.say(&write(&page, form));
        return Ok(());
    }
    if shown && !plan.applyable {
        if let Some(page) = render::sections::run::page_of_unwritten(record) {
            say(context, events, &format!("\n{}", write(&page, form)));
        }
        return Ok(());
    }
    let kept = kept.as_ref().map(|path| path.display().to_string());
    let page = render::sections::run::page(Some(plan), record, kept.as_deref());
    let mut text = write(&page, form);
    if shown {
        text.insert(0, '\n');
    }
    say(context, events, &text);
    Ok(())
}

/// Text goes to stdout, unless events or a page do; beside a document there is none.
fn say(context: &Context, events: &Events, text: &str) {
    let page = context.markdown.is_some() || context.html;
    match (context.json, page || events.on_stdout) {
        (true, _) => {}
        (false, true) => output::note(text.trim_end()),
        (false, false) => events.say(text),
    }
}

fn mode(context: &Context) -> Mode {
    let watched = output::stderr_is_terminal() && !context.unattended;
    match (context.json || context.quiet, watched) {
        (true, _) => Mode::Quiet,
        (false, true) => Mode::Bars,
        (false, false) => Mode::Lines,
    }
}

/// What cannot be kept on this machine is kept in the secondary all the same.
fn warn<T>(context: &Context, what: &str, done: anyhow::Result<T>) -> Option<T> {
    done.map_err(|error| context.remark(&format!("drsync: {what}: failed to {error:#}"))).ok()
}
