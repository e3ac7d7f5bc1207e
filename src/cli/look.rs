//! What most commands begin with: read the configuration, open the regions, look at both, decide.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::accept::RiskToAccept;
use super::clock::Clock;
use super::configuration::{self, LoadedConfiguration};
use super::flags::Context;
use super::{ExitStatus, Failure, keep, regions, selection, signature, who};
use crate::command::Command;
use crate::config::{Configuration, Notifications};
use crate::databricks::NeededSide;
use crate::foreign;
use crate::observe::observe;
use crate::plan::{
    self, Base, ComparedWith, Observed, Plan, ProtectionSettings, Request, Role, TablesBefore,
    WorkspaceObserved,
};
use crate::region::Regions;
use crate::secrets;

/// What a plan may be asked for beside the groups.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Asking {
    /// Take this group as due; may be given again
    #[arg(long, value_name = "GROUP")]
    now: Vec<String>,
    /// Read the history of every table, due or not, and the files of every replica
    ///
    /// Files of lakehouse folders are read; of replicas on Databricks the engine's history tells.
    #[arg(long)]
    full: bool,
    /// Histories are read as with --full, files are not.
    #[arg(skip)]
    histories: bool,
    /// Who may use tables is looked at anew.
    #[arg(skip)]
    rights: bool,
    /// What the secondary tells is enough, where the primary lets nobody in.
    #[arg(skip)]
    either: bool,
    /// The configuration whose settings are compared.
    #[arg(skip)]
    base: Option<PathBuf>,
    /// The same once a day.
    #[arg(skip)]
    daily: bool,
    /// The key that signs the record of what is planned.
    #[arg(skip)]
    signing_key: Option<PathBuf>,
    /// Let a finding through for this plan only; may be given again
    ///
    /// CODE is the finding's, SCOPE a group or a table: --accept replica_changed:main.core.gold
    #[arg(long, value_name = "CODE:SCOPE", requires = "reason")]
    accept: Vec<String>,
    /// Why it is accepted: kept in the plan, the cut and the run record
    #[arg(long, value_name = "TEXT", requires = "accept")]
    reason: Option<String>,
}

impl Asking {
    /// What a person asked for, as words of a command.
    fn words(&self) -> Vec<&str> {
        let Asking {
            now,
            full,
            histories: _,
            daily: _,
            rights: _,
            either: _,
            base: _,
            signing_key: _,
            accept,
            reason,
        } = self;
        let groups = now.iter().flat_map(|group| ["--now", group.as_str()]);
        let risks = accept.iter().flat_map(|risk| ["--accept", risk.as_str()]);
        let reason = reason.iter().flat_map(|reason| ["--reason", reason.as_str()]);
        groups.chain(full.then_some("--full")).chain(risks).chain(reason).collect()
    }

    /// Whether anything was asked for.
    pub(super) fn anything(&self) -> bool {
        !self.words().is_empty()
    }

    /// A command that asks for the same.
    pub(super) fn repeated(&self, mut command: Command) -> Command {
        if let Some(base) = &self.base {
            command = command.word("--base").word(base.display().to_string());
        }
        self.words().into_iter().fold(command, Command::word)
    }

    /// The histories of everything are looked at; with `content`, the files of replicas are read as well.
    pub(super) fn everything(content: bool) -> Asking {
        Asking { full: content, histories: true, ..Asking::default() }
    }

    /// The same, with what the secondary tells where the primary lets nobody in.
    pub(super) fn or_of_the_secondary(self) -> Asking {
        Asking { either: true, ..self }
    }

    fn needed(&self) -> NeededSide {
        if self.either { NeededSide::Either } else { NeededSide::Primary }
    }

    /// The same, with a fresh look at who may use tables.
    pub(super) fn with_rights(self) -> Asking {
        Asking { rights: true, ..self }
    }

    /// The same, with settings compared with those of another configuration, if any.
    pub(super) fn compared_with(self, base: Option<PathBuf>) -> Asking {
        Asking { base, ..self }
    }

    /// The same, for an apply whose record is signed with a key of this file.
    #[must_use]
    pub(super) fn signed_with(&self, key: Option<&Path>) -> Asking {
        // A key that cannot be found was refused before.
        let key = key.and_then(|key| std::fs::canonicalize(key).ok());
        Asking { signing_key: key, ..self.clone() }
    }

    /// The same with a look at everything where that was not had within a day.
    #[must_use]
    pub(super) fn with_daily_look(&self) -> Asking {
        Asking { daily: true, ..self.clone() }
    }

    fn accepted(&self, configuration: &Configuration) -> Result<Vec<RiskToAccept>, Failure> {
        let reason = self.reason.as_deref().unwrap_or_default();
        if !self.accept.is_empty() && reason.trim().is_empty() {
            return Err(Failure::new(
                ExitStatus::Usage,
                "--reason is empty: say why it is accepted",
            ));
        }
        if reason.trim() == "…" {
            return Err(Failure::new(
                ExitStatus::Usage,
                "--reason \"…\" is where the reason goes: say why it is accepted",
            ));
        }
        self.accept.iter().map(|text| RiskToAccept::read(text, reason, configuration)).collect()
    }
}

/// What was found, seen and decided.
pub(super) struct ObservedAndPlanned {
    pub(super) found: LoadedConfiguration,
    pub(super) regions: Vec<Regions>,
    pub(super) observed: Observed,
    pub(super) plan: Plan,
}

/// Looks at both regions of every workspace and decides.
pub(super) async fn observe_and_plan(
    context: &Context,
    asking: &Asking,
) -> Result<ObservedAndPlanned, Failure> {
    let found = configuration::usable(context).await?;
    look_with(context, asking, found).await
}

/// The same with a configuration that was read before.
pub(super) async fn look_with(
    context: &Context,
    asking: &Asking,
    mut found: LoadedConfiguration,
) -> Result<ObservedAndPlanned, Failure> {
    let groups = selection::groups(&found.configuration);
    selection::check_patterns("--only", &context.selection.only, &groups)?;
    selection::check_patterns("--exclude", &context.selection.exclude, &groups)?;
    selection::check("--now", &asking.now, &groups)?;
    let accepted = asking.accepted(&found.configuration)?;
    let base = match &asking.base {
        Some(path) => Some(settings_of(path, context).await?),
        None => None,
    };
    let regions = regions::of_configuration(context, &mut found, asking.needed()).await?;
    let now = context.clock.now();
    let mut request = Request {
        plan_id: Clock::id(now),
        provenance: who::provenance(),
        runs_in: who::runs_in(),
        configured_in: found.read_in.clone(),
        signing_key: asking.signing_key.clone(),
        variables: variables(&found.configuration),
        selection: context.selection.clone(),
        accepted: accepted.iter().flat_map(|risk| risk.to_look_at(&found.configuration)).collect(),
        take_as_due: asking.now.clone(),
        full: asking.full || asking.histories,
        daily: asking.daily,
        content: asking.full,
        rights: asking.rights || asking.full,
        set_up: asking.rights,
        record_keys: signature::keys_of_records(&found)?.unwrap_or_default(),
        // Only what needs a key fails where none can be read.
        signers: signature::written_keys(&found).ok(),
        base,
    };
    let overridden = context.clock.overridden();
    let mut observed = observe(&found.configuration, &regions, &request, now, overridden).await;
    for seen in observed.workspaces.iter_mut().filter(|seen| seen.settings_before.is_none()) {
        seen.record_here = keep::record_with_settings(&found.folder, &seen.workspace);
    }
    if let Some(mistaken) =
        regions::nowhere(&observed.workspaces, |name| keep::tells_of_a_cut(&found.folder, name))
    {
        return Err(mistaken);
    }
    let enough = |seen: &WorkspaceObserved| asking.either && seen.secondary_tells();
    let not_let_in = |seen| WorkspaceObserved::not_let_in(seen).filter(|_| !enough(seen));
    if let Some(shut) = regions::shut(observed.workspaces.iter().map(not_let_in)) {
        return Err(shut);
    }
    // Names are known as the catalog spells them once it was asked.
    let risks = accepted.iter().map(|risk| risk.risk(&found.configuration, &observed.workspaces));
    request.accepted = risks.collect();
    let plan = without_secrets(plan::plan(&observed, &request));
    Ok(ObservedAndPlanned { found, regions, observed, plan })
}

/// Variables of this process that hold secrets by which people are told.
fn variables(configuration: &Configuration) -> BTreeSet<String> {
    let workspaces = configuration.workspaces.iter();
    let needed = workspaces.flat_map(|workspace| &workspace.notifications);
    let needed = needed.flat_map(Notifications::needed).map(|needed| needed.variable);
    let set = |name: &String| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    needed.filter(set).collect()
}

/// The settings of another configuration.
async fn settings_of(path: &Path, context: &Context) -> Result<Base, Failure> {
    let named = Context { config: Some(path.to_path_buf()), ..context.clone() };
    let found = configuration::usable(&named).await?;
    let signers = signature::written_keys(&found).ok();
    let configuration = found.configuration;
    let of = ComparedWith::Configuration {
        source: configuration.source.clone(),
        sha256: configuration.sha256.clone(),
    };
    let names = configuration.workspaces.iter().map(|workspace| workspace.name.as_str());
    let names: Vec<&str> = names.collect();
    let names = Some(names.as_slice()).filter(|_| !configuration.incomplete);
    let settings = configuration.workspaces.iter().map(|workspace| {
        let settings = ProtectionSettings::of(workspace, signers.as_ref(), names);
        (workspace.name.clone(), settings)
    });
    let tables = configuration.workspaces.iter();
    let tables = tables.map(|workspace| (workspace.name.clone(), TablesBefore::of(workspace)));
    Ok(Base { of, settings: settings.collect(), tables: tables.collect() })
}

/// The plan without any secret in use, wherever it was written: into the configuration, into what a service says.
fn without_secrets(plan: Plan) -> Plan {
    let text = serde_json::to_string(&plan).unwrap_or_default();
    if !secrets::holds(&text) {
        return plan;
    }
    let mut document = serde_json::to_value(&plan).unwrap_or_default();
    secrets::withheld_in(&mut document);
    // If the document no longer reads as a plan, a registered secret was a word of its format, which is no secret: the plan
    // stays as it is.
    serde_json::from_value(document).map_or(plan, Plan::sealed)
}

/// Runs what waits for regions.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(foreign::STACK)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(ExitStatus::Failed, format!("no runtime: {error}")))?;
    runtime.block_on(work)
}

/// How a command ends that could look at no primary; `None`: at least one could be looked at.
pub(super) fn no_primary(plan: &Plan) -> Option<ExitStatus> {
    let primaries = || plan.workspaces.iter().map(|it| &it.observed.primary);
    if primaries().any(|primary| primary.reachable) {
        return None;
    }
    ExitStatus::of_all_unseen(primaries().map(|primary| (Role::Primary, primary.refused)))
}
