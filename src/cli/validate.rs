//! `drsync validate`: every mistake of the configuration and everything in the regions that would block, at once.

use clap::Args;
use secrecy::ExposeSecret as _;

use super::configuration::{self, LoadedConfiguration};
use super::flags::Context;
use super::look::{self, Asking, ObservedAndPlanned};
use super::tell::{Keychain, Teller};
use super::{ExitStatus, Failure, output, signature};
use crate::apply::{self, Unreached};
use crate::config::{Configuration, NeededSecret, WorkspaceConfig};
use crate::notify::deliver::Secrets as _;
use crate::notify::{self, Doubt, DoubtCode, Policy};
use crate::observe::newest_records;
use crate::plan::document::RegionSeen;
use crate::plan::{Finding, Plan};
use crate::render::validation::Validation;
use crate::render::writers::{Form, write};
use crate::render::{clean, sections};

/// Run records that are asked for whom nothing reached.
const RECORDS: usize = 32;

/// Check the configuration and look for everything in the regions that would block; writes nothing
#[derive(Debug, Args)]
pub(super) struct ValidateArguments {
    /// Check the configuration only, without asking any region
    #[arg(long, conflicts_with = "sql")]
    offline: bool,
    /// Print all remedies as one SQL script
    #[arg(long)]
    sql: bool,
}

impl ValidateArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let found = look::block_on(configuration::read(context))?;
        signature::check_keys(&found)?;
        let mistakes = found.configuration.mistakes.clone();
        let usable = !found.configuration.workspaces.is_empty();
        let as_read = LoadedConfiguration {
            configuration: found.configuration.clone(),
            folder: found.folder.clone(),
            kept_in: None,
            read_in: found.read_in.clone(),
        };
        let looked = if usable && !self.offline {
            look::block_on(look::look_with(
                context,
                &Asking::everything(false).with_rights(),
                found,
            ))
            .map(Some)
        } else {
            Ok(None)
        };
        let looked = match looked {
            Ok(looked) => looked,
            Err(failure) => {
                // What is wrong with the configuration is known all the same.
                if !mistakes.is_empty() && !context.json && !self.sql {
                    output::data(&written(context, &as_read, None, &[]))?;
                }
                return Err(failure);
            }
        };
        let doubts = look::block_on(doubts(context, &as_read, looked.as_ref()))?;
        if self.sql {
            let script = looked
                .as_ref()
                .map_or(String::new(), |looked| sections::validate::sql(&looked.plan));
            output::data(&script)?;
        } else if context.json {
            let Configuration { source, mistakes, .. } = &as_read.configuration;
            let plan = looked.as_ref().map(|looked| &looked.plan);
            output::json(&Validation::new(source, mistakes, plan, &doubts))?;
        } else {
            output::data(&written(context, &as_read, looked.as_ref(), &doubts))?;
        }
        for doubt in doubts.iter().filter(|doubt| doubt.code == DoubtCode::NoMailServer) {
            context.remark(&clean(&format!("drsync: {}: {}", doubt.workspace, doubt.message)));
        }
        if !mistakes.is_empty() || !usable {
            return Ok(ExitStatus::Configuration);
        }
        Ok(looked.as_ref().map_or(ExitStatus::Ok, |looked| status_of_plan(&looked.plan)))
    }
}

/// How it ends, by what a plan of the configuration says.
fn status_of_plan(plan: &Plan) -> ExitStatus {
    let secondary = |is: fn(&RegionSeen) -> bool| {
        let mut workspaces = plan.workspaces.iter();
        workspaces.any(|workspace| is(&workspace.observed.secondary))
    };
    // A secondary that refuses does so at the next sync as well.
    let blocks = blocking(plan).next().is_some() || secondary(|seen| seen.refused.is_some());
    match (look::no_primary(plan), blocks) {
        (Some(unseen), _) => unseen,
        (None, true) => ExitStatus::Blocked,
        (None, false) if secondary(RegionSeen::is_away) => ExitStatus::SecondaryAway,
        (None, false) => ExitStatus::Ok,
    }
}

fn blocking(plan: &Plan) -> impl Iterator<Item = &Finding> {
    plan.groups().flat_map(|(_, group)| &group.findings).filter(|finding| finding.blocks())
}

/// What is wrong with the configuration, and what was seen of the regions.
fn written(
    context: &Context,
    found: &LoadedConfiguration,
    looked: Option<&ObservedAndPlanned>,
    doubts: &[Doubt],
) -> String {
    let configuration = &found.configuration;
    let form = context.form();
    if !matches!(form, Form::Text(_)) {
        let plan = looked.map(|looked| &looked.plan);
        return write(&sections::validate::whole_page(configuration, plan, doubts), form);
    }
    let mut text = if configuration.mistakes.is_empty() {
        String::new()
    } else {
        format!(
            "{}\n{}",
            sections::config::headline(configuration),
            write(&sections::config::mistakes(configuration), form)
        )
    };
    match looked {
        None => {
            if text.is_empty() {
                text = write(&sections::config::page(configuration), form);
            }
            if let Some(page) = sections::validate::doubts(doubts) {
                text.push_str(&format!("\n{}", write(&page, form)));
            }
        }
        Some(looked) => {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&write(&sections::validate::page(&looked.plan, doubts), form));
            if context.style.verbose {
                let resolved = write(&sections::config::page_of_resolved(&looked.observed), form);
                text.push_str(&format!("\n{resolved}"));
            }
        }
    }
    text
}

/// What will surprise somebody of who is told: of secrets as far as they can be looked up, which `--offline` only does in the
/// environment.
async fn doubts(
    context: &Context,
    found: &LoadedConfiguration,
    looked: Option<&ObservedAndPlanned>,
) -> Result<Vec<Doubt>, Failure> {
    let workspaces = &found.configuration.workspaces;
    let teller = Teller::of(&found.configuration, &found.folder);
    let secrets = match looked {
        Some(looked) => Keychain::new(teller.scopes(), &looked.plan, &looked.regions),
        None => Keychain::offline(teller.scopes()),
    };
    let mut all = Vec::new();
    for workspace in workspaces {
        all.extend(notify::doubts(workspace));
        let Some(notifications) = &workspace.notifications else {
            continue;
        };
        let name = workspace.name.as_str();
        for NeededSecret { what, variable, secret, address_of } in notifications.needed() {
            // Without a region nobody can tell whether a scope has it.
            if looked.is_none() && address_of.is_none() {
                continue;
            }
            match (secrets.look_up(name, &variable, secret).await, address_of) {
                (Ok(address), Some(webhook)) => {
                    all.extend(notify::of_address(name, webhook, address.expose_secret()));
                }
                (Ok(_), None) => {}
                (Err(_), _) if looked.is_none() => {}
                (Err(why), _) => all.push(notify::of_secret(name, what, &why)),
            }
        }
    }
    if let Some(looked) = looked {
        all.extend(silences(context, workspaces, looked).await);
    }
    Ok(all)
}

/// Whom nothing reached for long, as the newest records say.
async fn silences(
    context: &Context,
    workspaces: &[WorkspaceConfig],
    looked: &ObservedAndPlanned,
) -> Vec<Doubt> {
    let now = context.clock.now();
    let mut doubts = Vec::new();
    for (planned, regions) in looked.plan.workspaces.iter().zip(&looked.regions) {
        let configured = workspaces.iter().find(|workspace| workspace.name == planned.name);
        let Some(policy) = configured.and_then(Policy::of) else {
            continue;
        };
        // A region that tells nothing is a finding of its own.
        let both = [&regions.primary, &regions.secondary].map(|region| &*region.location);
        let unreached = apply::unreached(newest_records(both, RECORDS).await, now);
        for known in policy.receivers() {
            let is = |it: &&Unreached| known.is(it.workspace.as_deref(), &it.to);
            let silence = unreached.iter().find(is);
            doubts.extend(
                silence.and_then(|it| notify::of_silence(&planned.name, &known, it.since, now)),
            );
        }
    }
    doubts
}
