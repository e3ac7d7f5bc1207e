//! The gate of stored plans: everything that needs no region is refused here, before anything is opened.

use std::collections::BTreeMap;
use std::path::Path;

use super::flags::Context;
use super::sign::RunnersKey;
use super::tell::Teller;
use super::{ExitStatus, Failure, configuration, show, signature, written};
use crate::apply::{Approval, Signer};
use crate::command::{Command, Verb};
use crate::config::Configuration;
use crate::plan::{self, Foreign, Plan, StoredPlan};
use crate::render::clean;
use crate::runbook::RunbookSubject;

/// A stored plan that passed the gate: [`admit`] alone makes one, and the regions of a plan are opened for nothing else.
#[derive(Debug)]
pub(super) struct Admitted {
    stored: StoredPlan,
    approval: Approval,
    signature: Option<String>,
    record_keys: Vec<String>,
    places: BTreeMap<String, RunbookSubject>,
    teller: Option<Teller>,
    configurations: BTreeMap<String, Vec<u8>>,
}

/// What is asked of a stored plan before its regions are opened.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// The effect that was reviewed.
    pub(super) expect_effect: Option<&'a str>,
    /// The keys of which one has to have signed it.
    pub(super) require_signature: Option<&'a str>,
    /// What it is read for.
    pub(super) purpose: Purpose<'a>,
}

/// What a stored plan is read for.
#[derive(Clone, Copy)]
pub(super) enum Purpose<'a> {
    /// To be carried out.
    Apply {
        /// Who signs the record; `None`: nobody.
        signer: Option<&'a dyn Signer>,
    },
    /// To be looked at: that its time is over is told, not refused.
    Check,
}

impl Admitted {
    /// The plan.
    pub(super) fn plan(&self) -> &Plan {
        &self.stored.plan
    }

    /// Public keys of the runners whose records witness cuts; none: every record does.
    pub(super) fn record_keys(&self) -> &[String] {
        &self.record_keys
    }

    /// Of each configured workspace what its runbook says of it.
    pub(super) fn places(&self) -> &BTreeMap<String, RunbookSubject> {
        &self.places
    }

    /// Who is told of it, as the configuration that vouches for it says; `None`: something else does.
    pub(super) fn teller(&self) -> Option<&Teller> {
        self.teller.as_ref()
    }

    /// Of each configured workspace its configuration, as it is kept with the evidence.
    pub(super) fn configurations(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.configurations
    }

    /// The plan with its bytes, who said yes to it, and the signature of its file.
    pub(super) fn into_parts(self) -> (StoredPlan, Approval, Option<String>) {
        (self.stored, self.approval, self.signature)
    }
}

/// Reads a stored plan and refuses whatever can be refused without a region.
///
/// # Errors
/// The refusal, with the file, what was expected, and what to do; nothing was opened or written.
pub(super) async fn admit(
    context: &Context,
    file: &Path,
    terms: Terms<'_>,
) -> Result<Admitted, Failure> {
    let stored = read_in_time(context, file, &terms)?;
    let mut verified = match terms.require_signature {
        Some(keys) => {
            let keys = signature::Keys::of_flag(keys);
            Some(signature::verify(file, &stored.bytes, &keys)?)
        }
        None => None,
    };
    // A configuration may lie in a workspace, whose address is then the caller's own: what a plan says opens nothing yet.
    let found = configuration::read_if_any(context).await?;
    let found = found.map(configuration::require_own).transpose()?;
    let mut record_keys = Vec::new();
    if let Some(found) = &found {
        if found.configuration.workspaces.is_empty() {
            return Err(Failure::configuration(&found.configuration, &context.style));
        }
        for keys in &found.configuration.require_signature {
            let keys = signature::Keys::of_configuration(keys, &found.folder);
            let by_configuration = signature::verify(file, &stored.bytes, &keys)?;
            verified.get_or_insert(by_configuration);
        }
        if let Purpose::Apply { signer } = terms.purpose {
            record_keys = RunnersKey::check_demand(signer, found)?;
        }
        if let Some(foreign) = plan::foreign_to(&stored.plan, &found.configuration) {
            return Err(refuse_foreign(file, &stored.plan, &found.configuration, &foreign));
        }
    }
    let vouched = found.is_some() || terms.expect_effect.is_some() || verified.is_some();
    if !vouched && plan::signs_in(&stored.plan) {
        return Err(refuse_unvouched(file, &stored.plan));
    }
    let (approval, signature) = match (verified, terms.expect_effect) {
        (Some(verified), _) => (verified.approval, Some(verified.text)),
        (None, Some(_)) => (Approval::ExpectedEffect, None),
        (None, None) => (Approval::None, None),
    };
    let places = found.as_ref().map(|found| RunbookSubject::all(&found.configuration));
    let places = places.unwrap_or_default();
    let configurations = match (&found, terms.purpose) {
        (Some(found), Purpose::Apply { .. }) => written::written_configurations(context, found),
        (Some(_) | None, _) => BTreeMap::new(),
    };
    let teller = found.map(|found| Teller::of(&found.configuration, &found.folder));
    Ok(Admitted { stored, approval, signature, record_keys, places, teller, configurations })
}

/// Reads a plan, and refuses one whose time is over, or that is not the one that is expected.
fn read_in_time(context: &Context, file: &Path, terms: &Terms<'_>) -> Result<StoredPlan, Failure> {
    show::check_effect_text(terms.expect_effect)?;
    let stored = show::read(file)?;
    let now = context.clock.now();
    show::made_before(now, file, &stored.plan)?;
    if matches!(terms.purpose, Purpose::Apply { .. }) {
        if now > stored.plan.expires_at {
            return Err(expired(file, &stored.plan));
        }
        if stored.plan.is_of_first_version() {
            return Err(outdated(file, &stored.plan));
        }
    }
    show::expect_effect(terms.expect_effect, &stored.plan)?;
    Ok(stored)
}

fn expired(file: &Path, plan: &Plan) -> Failure {
    let message = format!(
        "{} expired at {}: {}",
        file.display(),
        crate::moment::text(plan.expires_at),
        plan.expiry_reason
    );
    Failure::new(ExitStatus::Stale, clean(&message)).with_help(again(file))
}

/// What a plan of the first version does is more than its effect says, and nobody can have reviewed the rest by it.
fn outdated(file: &Path, plan: &Plan) -> Failure {
    let message = format!(
        "{} is of format version {}, whose effect does not cover all that an apply does; nothing was opened",
        file.display(),
        plan.format_version
    );
    Failure::new(ExitStatus::Stale, clean(&message)).with_help(again(file))
}

/// The command that makes the plan again.
fn again(file: &Path) -> Command {
    Command::new(Verb::Plan).word("--out").word(file.display().to_string())
}

fn refuse_foreign(
    file: &Path,
    plan: &Plan,
    configuration: &Configuration,
    foreign: &Foreign,
) -> Failure {
    let Foreign { workspace, key, stated, expected } = foreign;
    let none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let source = &configuration.source;
    let shown = file.display();
    let what = match key {
        Some(key) => format!(
            "{key} of workspace {workspace} is {} in {shown}, and {} in {source}",
            none(stated),
            none(expected)
        ),
        None => {
            format!("{source} has no workspace {workspace}, which is {} in {shown}", none(stated))
        }
    };
    let message = format!("{shown} is no plan of {source}: {what}; nothing was opened");
    let failure = Failure::new(ExitStatus::Refused, clean(&message));
    let failure = match configuration.mistakes.as_slice() {
        [] => failure,
        mistakes => failure.with_line(&format!(
            "{source} has mistakes ({}): what they keep out is not there",
            mistakes.len()
        )),
    };
    failure
        .with_line(&format!(
            "it says that it was computed from {}: name that with --config if it is yours, or plan again",
            plan.config.source
        ))
        .with_help(again(file))
}

fn refuse_unvouched(file: &Path, plan: &Plan) -> Failure {
    let hosts: Vec<String> = plan
        .workspaces
        .iter()
        .filter_map(|workspace| workspace.observed.primary.workspace.clone())
        .collect();
    let shown = file.display();
    let message = format!(
        "nothing but {shown} itself says that credentials may go to {}; nothing was opened",
        hosts.join(", ")
    );
    Failure::new(ExitStatus::Refused, clean(&message))
        .with_line("one of three has to vouch for it:")
        .with_line("its configuration: --config, DRSYNC_CONFIG, or a drsync.json here or above")
        .with_line("its effect as it was reviewed: --expect-effect with all 64 characters")
        .with_line("a signature of the file: --require-signature with the reviewers' public keys")
        .with_help(
            Command::new(Verb::Apply).word(shown.to_string()).word("--config").word("drsync.json"),
        )
}
