//! Tells people of an apply once its record is kept: messages, those that earlier ones could not send, and the heartbeat.
//! Of evidence it keeps only what servers answered.
//!
//! Nothing here changes how an apply ends. What could not be sent is said on stderr and kept beside the record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures::future::join_all;
use secrecy::SecretString;

use super::clock::Clock;
use super::flags::Context;
use super::output::AlreadySaid;
use super::signals::Stop;
use super::{ExitStatus, Failure, configuration, keep, output};
use crate::apply::{Outstanding, RunRecord};
use crate::config::{Configuration, Hearers, Heartbeat, Unusable};
use crate::notify::deliver::{self, Beat, SENDING, Secrets};
use crate::notify::{
    Before, Delivery, DeliveryOutcome, Letter, Policy, Receiver, ToldDocument, letters,
};
use crate::plan::{Plan, Role};
use crate::region::{Location, RUN_RECORD_ENDING, Region, Regions, TOLD_ENDING};
use crate::render::{clean, plural, sections};
use crate::sentence::Sentence;

mod unbegun;

/// After a signal messages are sent for no longer than this.
const STOPPED: Duration = Duration::from_secs(2);
/// What could not be sent for so long is sent no more.
const OUTSTANDING_MAX: TimeDelta = TimeDelta::days(3);

/// Who is told of an apply, and over what.
#[derive(Debug, Clone, Default)]
pub(super) struct Teller {
    policies: Vec<Policy>,
    /// Those of workspaces that cannot be used, each with the reason.
    unusable: Vec<(Policy, Sentence)>,
    heartbeats: Vec<(String, Heartbeat)>,
    /// The secret scope of each workspace.
    scopes: BTreeMap<String, Option<String>>,
    /// Where drsync's own files lie beside the configuration.
    folder: PathBuf,
    /// Every workspace that the configuration names, usable or not; `None`: part of it could not be understood.
    named: Option<BTreeSet<String>>,
}

/// What was applied, and to what.
#[derive(Clone, Copy)]
pub(super) struct Applied<'a> {
    /// The plan.
    pub(super) plan: &'a Plan,
    /// The regions of its workspaces, in their order.
    pub(super) regions: &'a [Regions],
    /// Where records are kept on this machine.
    pub(super) folder: &'a Path,
    /// What need not be said again.
    pub(super) said: &'a AlreadySaid,
    /// Of each workspace its configuration as it is used.
    pub(super) configurations: &'a BTreeMap<String, Vec<u8>>,
}

/// Where secrets are looked up: the environment first, then the scope of a workspace in either region.
pub(super) struct Keychain<'a> {
    scopes: &'a BTreeMap<String, Option<String>>,
    /// Both regions of each workspace, those first that are known to answer.
    regions: BTreeMap<&'a str, Vec<(Role, &'a Region)>>,
}

impl<'a> Keychain<'a> {
    /// One of the workspaces of a plan, which were opened; of others only the environment is asked.
    pub(super) fn new(
        scopes: &'a BTreeMap<String, Option<String>>,
        plan: &'a Plan,
        regions: &'a [Regions],
    ) -> Keychain<'a> {
        let regions = plan.workspaces.iter().zip(regions).map(|(workspace, regions)| {
            let primary = (Role::Primary, &regions.primary);
            let secondary = (Role::Secondary, &regions.secondary);
            let order = if workspace.observed.primary.is_away() {
                vec![secondary, primary]
            } else {
                vec![primary, secondary]
            };
            (workspace.name.as_str(), order)
        });
        Keychain { scopes, regions: regions.collect() }
    }

    /// One that has nothing but the environment.
    pub(super) fn offline(scopes: &'a BTreeMap<String, Option<String>>) -> Keychain<'a> {
        Keychain { scopes, regions: BTreeMap::new() }
    }
}

#[async_trait]
impl Secrets for Keychain<'_> {
    async fn look_up(
        &self,
        workspace: &str,
        variable: &str,
        secret: Option<&str>,
    ) -> Result<SecretString, Sentence> {
        if let Some(value) = std::env::var(variable).ok().filter(|value| !value.is_empty()) {
            crate::secrets::register(&value);
            return Ok(SecretString::from(value));
        }
        let Some(secret) = secret else {
            return Err(format!("{variable} is not set, and no secret is named").into());
        };
        let scope = self.scopes.get(workspace).cloned().flatten();
        let (Some(scope), Some(regions)) = (scope, self.regions.get(workspace)) else {
            let why =
                format!("{variable} is not set, and there is no scope to look {secret} up in");
            return Err(why.into());
        };
        let mut why = Vec::new();
        for (role, region) in regions {
            let role = role.name();
            let looked =
                match region.require_workspace(&format!("read the secret {scope}/{secret}")) {
                    Ok(workspace) => workspace.secret(&scope, secret).await,
                    Err(none) => Err(none),
                };
            match looked {
                Ok(Some(value)) => return Ok(value),
                Ok(None) => why.push(format!("the {role} has no secret {scope}/{secret}")),
                Err(error) => why.push(format!("the {role} failed to {error}")),
            }
        }
        why.dedup();
        Err(format!("{variable} is not set, and {}", why.join("; ")).into())
    }
}

impl Teller {
    /// What a configuration says of it. Of a workspace that cannot be read what an apply of this machine last used is said of it,
    /// which was kept in `folder`.
    pub(super) fn of(configuration: &Configuration, folder: &Path) -> Teller {
        let workspaces = &configuration.workspaces;
        let heartbeats = workspaces.iter().filter_map(|workspace| {
            let heartbeat = workspace.notifications.as_ref()?.heartbeat.clone()?;
            Some((workspace.name.clone(), heartbeat))
        });
        let mut unusable = configuration.unusable.clone();
        let used = keep::used_configurations(folder);
        let names: BTreeSet<String> = named(configuration).map(str::to_owned).collect();
        if configuration.incomplete {
            let kept = used.iter().filter(|kept| !names.contains(&kept.name));
            let why = Sentence::from(sections::config::headline(configuration));
            unusable
                .extend(kept.map(|kept| Unusable { why: why.clone(), hearers: Hearers::of(kept) }));
        }
        let scopes =
            workspaces.iter().map(|it| (it.name.clone(), it.connection.secret_scope.clone()));
        let of_unusable = unusable.iter().map(|it| &it.hearers);
        let of_unusable = of_unusable.map(|it| (it.workspace.clone(), it.secret_scope.clone()));
        let scopes = of_unusable.chain(scopes).collect();
        let unusable = unusable.into_iter().filter_map(|it| {
            let policy = Policy::of_hearers(it.hearers)?;
            Some((policy, it.why))
        });
        Teller {
            policies: workspaces
                .iter()
                .filter_map(|workspace| {
                    let before = used.iter().find(|used| used.name == workspace.name);
                    Policy::with_before(workspace, before)
                })
                .collect(),
            named: (!configuration.incomplete).then_some(names),
            unusable: unusable.collect(),
            heartbeats: heartbeats.collect(),
            scopes,
            folder: folder.to_path_buf(),
        }
    }

    /// Who is told where no configuration can be read: those of what applies of this machine last used.
    fn of_kept(folder: &Path) -> Teller {
        let kept = keep::used_configurations(folder);
        Teller {
            policies: kept.iter().filter_map(Policy::of).collect(),
            scopes: kept.into_iter().map(|it| (it.name, it.connection.secret_scope)).collect(),
            folder: folder.to_path_buf(),
            ..Teller::default()
        }
    }

    /// Who is told what of the workspaces of a plan.
    pub(super) fn policies(&self, plan: &Plan) -> Vec<Policy> {
        let planned = |name: &str| plan.workspaces.iter().any(|workspace| workspace.name == name);
        self.policies.iter().filter(|policy| planned(&policy.workspace)).cloned().collect()
    }

    /// The secret scope of each workspace.
    pub(super) fn scopes(&self) -> &BTreeMap<String, Option<String>> {
        &self.scopes
    }

    fn keychain<'a>(&'a self, applied: &'a Applied<'a>) -> Keychain<'a> {
        Keychain::new(&self.scopes, applied.plan, applied.regions)
    }

    /// Tells heartbeats that an apply begins.
    pub(super) async fn begin(&self, applied: &Applied<'_>, run_id: &str) {
        self.beat(applied, Beat::Start, run_id).await;
    }

    async fn beat(&self, applied: &Applied<'_>, beat: Beat, run_id: &str) {
        let secrets = self.keychain(applied);
        let mut known = BTreeSet::new();
        let once: Vec<&(String, Heartbeat)> = self
            .heartbeats
            .iter()
            .filter(|(workspace, heartbeat)| {
                // One of the whole file is one check, not one a workspace.
                let scope = self.scopes.get(workspace).cloned().flatten();
                known.insert((scope, heartbeat.url_secret.clone()))
            })
            .collect();
        join_all(once.into_iter().map(async |(workspace, heartbeat)| {
            let address =
                secrets.look_up(workspace, "DRSYNC_HEARTBEAT_URL", Some(&heartbeat.url_secret));
            let told = match address.await {
                Ok(address) => deliver::beat(&address, beat, run_id).await,
                Err(why) => Err(why),
            };
            if let Err(why) = told {
                // An apply beats at its beginning and at its end: what is wrong with the address is said once for both.
                note_once(applied.said, &no_heartbeat(&why));
            }
        }))
        .await;
    }

    /// Sends what an apply has to tell, keeps what servers answered, and returns that, after what they answered to news of applies
    /// that could not begin.
    pub(super) async fn tell(
        &self,
        applied: &Applied<'_>,
        record: &RunRecord,
        status: ExitStatus,
        stop: &Stop,
    ) -> Vec<Delivery> {
        let beat = match status {
            ExitStatus::Ok => Beat::Success,
            _ => Beat::Fail,
        };
        let begun = unbegun::begin(self, applied, record).await;
        let messages = self.messages(applied, record).await;
        let secrets = self.keychain(applied);
        let (answers, ()) = futures::join!(
            deliver::send(&messages, &secrets, wait_until_stopped(stop)),
            self.beat(applied, beat, &record.run_id)
        );
        if answers.is_empty() {
            self.keep_used(applied, false);
            return begun;
        }
        let answers: Vec<Delivery> = answers.into_iter().map(|it| given_up(it, record)).collect();
        let deferred = answers.iter().any(|answer| answer.outcome == DeliveryOutcome::Deferred);
        self.keep_used(applied, deferred);
        say(applied.said, &messages, &answers);
        let document = ToldDocument::new(&record.run_id, answers.clone()).bytes();
        keep_told(applied, record, &document).await;
        begun.into_iter().chain(answers).collect()
    }

    /// Keeps what an apply used of the configuration, to know whom to tell once it cannot be read, or tells nobody any more. Of a
    /// workspace of which that is still to be told (`deferred`) what was used before stays.
    fn keep_used(&self, applied: &Applied<'_>, deferred: bool) {
        if applied.configurations.is_empty() {
            return;
        }
        let waits = |workspace: &str| {
            let mut policies = self.policies.iter();
            let policy = policies.find(|policy| policy.workspace == workspace);
            deferred && policy.is_some_and(|policy| policy.before != Before::default())
        };
        let used = applied.configurations.iter().filter(|(workspace, _)| !waits(workspace));
        let used = used.map(|(workspace, bytes)| (workspace.clone(), bytes.clone())).collect();
        let stays =
            |workspace: &str| self.named.as_ref().is_none_or(|named| named.contains(workspace));
        keep::configurations(&self.folder, &used, stays);
    }

    /// The messages of an apply, after those of earlier ones that could not be sent.
    async fn messages(&self, applied: &Applied<'_>, record: &RunRecord) -> Vec<Letter> {
        let policies = self.policies(applied.plan);
        let Some(notified) = record.notified.as_ref().filter(|_| !policies.is_empty()) else {
            return Vec::new();
        };
        let mut messages = Vec::new();
        let runs: BTreeSet<&str> = notified.outstanding.iter().map(|it| it.of.as_str()).collect();
        for run_id in runs {
            let Some(earlier) = earlier(applied, record, run_id).await else {
                output::note(&format!(
                    "drsync: messages of {} are not sent any more: its record is not there",
                    clean(run_id)
                ));
                continue;
            };
            let wanted = notified.outstanding.iter().filter(|it| it.of == run_id);
            let wanted: Vec<&Outstanding> = wanted.collect();
            let again = letters(&earlier.extract_news(), &policies).into_iter();
            messages.extend(again.filter(|letter| wanted.iter().any(|it| is_for(it, letter))));
        }
        messages.extend(letters(&record.extract_news(), &policies));
        messages
    }
}

/// Tells people and heartbeats that a run did not come as far as an apply, and returns what servers answered; only over what has
/// its secrets in the environment, for no region was opened.
pub(super) async fn fail(context: &Context, failure: &Failure) -> Vec<Delivery> {
    beat_failed(context).await;
    let found = configuration::read_if_any(context).await.ok().flatten();
    let teller = match found.map(configuration::require_own) {
        Some(Ok(found)) => Teller::of(&found.configuration, &found.folder),
        // A recovered configuration was taken from a sync location: whoever may write there would choose the servers, so that
        // nobody is told over them.
        Some(Err(_)) => return Vec::new(),
        None => Teller::of_kept(&configuration::folder(context)),
    };
    unbegun::fail(context, &teller, failure).await
}

/// Tells the heartbeat that the environment names, which needs no configuration, that a run failed.
async fn beat_failed(context: &Context) {
    let address = std::env::var("DRSYNC_HEARTBEAT_URL").unwrap_or_default();
    if address.is_empty() {
        return;
    }
    let run_id = Clock::id(context.clock.now());
    if let Err(why) = deliver::beat(&SecretString::from(address), Beat::Fail, &run_id).await {
        note_once(&context.said, &no_heartbeat(&why));
    }
}

fn no_heartbeat(why: &Sentence) -> String {
    format!("drsync: the heartbeat does not know: {}", clean(why))
}

fn note_once(said: &AlreadySaid, text: &str) {
    if said.first(text) {
        output::note(text);
    }
}

/// The names of the workspaces of a configuration, usable or not.
fn named(configuration: &Configuration) -> impl Iterator<Item = &str> {
    let usable = configuration.workspaces.iter().map(|workspace| workspace.name.as_str());
    usable.chain(configuration.unusable.iter().map(|it| it.hearers.workspace.as_str()))
}

fn is_for(outstanding: &Outstanding, letter: &Letter) -> bool {
    let workspace = match &letter.to {
        Receiver::Webhook { workspace, .. } => Some(workspace),
        Receiver::Mail { .. } => None,
    };
    outstanding.to == letter.to.hash() && outstanding.workspace.as_ref() == workspace
}

/// The sync locations that keep the record of an apply: they are there, and its to write to.
fn keeping<'a>(applied: &'a Applied<'a>, record: &RunRecord) -> Vec<&'a dyn Location> {
    let recorded = record.recorded.as_deref().unwrap_or_default();
    let workspaces = applied.plan.workspaces.iter().zip(applied.regions);
    let mut keeping: Vec<&dyn Location> = Vec::new();
    for (workspace, regions) in workspaces {
        let taken = recorded.iter().find(|taken| taken.workspace == workspace.name);
        if taken.is_some_and(|taken| taken.primary.record == Some(true)) {
            keeping.push(regions.primary.location.as_ref());
        }
        if taken.is_some_and(|taken| taken.secondary.record == Some(true)) {
            keeping.push(regions.secondary.location.as_ref());
        }
    }
    keeping
}

/// The record of an earlier apply, from whatever has it.
async fn earlier(applied: &Applied<'_>, record: &RunRecord, run_id: &str) -> Option<RunRecord> {
    let name = format!("{run_id}{RUN_RECORD_ENDING}");
    for location in keeping(applied, record) {
        if let Ok(Some(bytes)) = location.evidence(&name).await
            && let Ok(record) = RunRecord::read(&bytes)
            && record.run_id == run_id
        {
            return Some(record);
        }
    }
    keep::record_of(applied.folder, run_id)
}

/// What is deferred for too long is given up.
fn given_up(answer: Delivery, record: &RunRecord) -> Delivery {
    let old = record.ended_at - answer.told_at > OUTSTANDING_MAX;
    match answer.outcome {
        DeliveryOutcome::Deferred if old => {
            Delivery { outcome: DeliveryOutcome::Dropped, ..answer }
        }
        _ => answer,
    }
}

/// When sending is over: after a minute, or shortly after somebody wants the apply to end.
pub(super) async fn wait_until_stopped(stop: &Stop) {
    let stopped = async {
        while !stop.stop.load(std::sync::atomic::Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(STOPPED).await;
    };
    tokio::select! {
        () = tokio::time::sleep(SENDING) => {}
        () = stopped => {}
    }
}

/// Says what was not sent; of what was sent there is nothing to say.
fn say(said: &AlreadySaid, messages: &[Letter], answers: &[Delivery]) {
    let of =
        |outcome: DeliveryOutcome| answers.iter().filter(move |it| it.outcome == outcome).count();
    let (deferred, dropped) = (of(DeliveryOutcome::Deferred), of(DeliveryOutcome::Dropped));
    for (letter, answer) in messages.iter().zip(answers) {
        if answer.outcome != DeliveryOutcome::Sent {
            let (to, why) = (receiver(letter), &answer.reply);
            note_once(said, &format!("drsync: {} was not told: {why}", clean(&to)));
        }
    }
    if deferred > 0 {
        let messages = plural(deferred, "message");
        note_once(said, &format!("drsync: the next apply sends {messages} again"));
    }
    if dropped > 0 {
        let messages = plural(dropped, "message");
        output::note(&format!("drsync: {messages} could not be sent for three days, and no more"));
    }
}

/// A receiver, as whoever configured it knows it.
pub(super) fn receiver(letter: &Letter) -> String {
    match &letter.to {
        Receiver::Mail { address, .. } => address.clone(),
        Receiver::Webhook { webhook, .. } => {
            format!("{} {}", webhook.kind.as_str(), webhook.label)
        }
    }
}

/// Keeps what servers answered: on this machine, and in every region that takes it.
async fn keep_told(applied: &Applied<'_>, record: &RunRecord, document: &[u8]) {
    let here = keep::keep_server_answers(applied.folder, &record.run_id, document);
    let name = format!("{}{TOLD_ENDING}", record.run_id);
    let keeping = keeping(applied, record).into_iter();
    let kept = keeping.map(async |location| location.keep_evidence(&name, document).await);
    let kept = join_all(kept);
    let kept = kept.await.iter().filter(|kept| kept.is_ok()).count();
    if let (Err(error), 0) = (here, kept) {
        output::note(&format!(
            "drsync: what was told is kept nowhere, and may be told again: failed to {error:#}"
        ));
    }
}
