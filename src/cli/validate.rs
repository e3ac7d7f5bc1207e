//! `drsync validate`: every mistake of the configuration and everything in the regions that would block, at once.

use clap::Args;
use serde_json::{Value, json};

use super::configuration::{self, Found};
use super::flags::Context;
use super::look::{self, Asking, Looked};
use super::{ExitStatus, Failure, output, signature};
use crate::plan::document::RegionSeen;
use crate::plan::{Finding, Plan};
use crate::render;

/// Check the configuration and look for everything in the regions that would block; writes nothing
#[derive(Debug, Args)]
pub(super) struct Validate {
    /// Check the configuration only, without asking any region
    #[arg(long, conflicts_with = "sql")]
    offline: bool,
    /// Print all remedies as one SQL script
    #[arg(long)]
    sql: bool,
}

impl Validate {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let found = look::block_on(configuration::read(context))?;
        signature::check_keys(&found)?;
        let mistakes = found.configuration.mistakes.clone();
        let usable = !found.configuration.workspaces.is_empty();
        let as_read =
            Found { configuration: found.configuration.clone(), folder: found.folder.clone() };
        let looked = match usable && !self.offline {
            true => look::block_on(look::look_with(context, &Asking::everything(false), found))
                .map(Some),
            false => Ok(None),
        };
        let looked = match looked {
            Ok(looked) => looked,
            Err(failure) => {
                // What is wrong with the configuration is known all the same.
                if !mistakes.is_empty() && !context.json && !self.sql {
                    output::data(&text(context, &as_read, None))?;
                }
                return Err(failure);
            }
        };
        if self.sql {
            let script =
                looked.as_ref().map_or(String::new(), |looked| render::validate::sql(&looked.plan));
            output::data(&script)?;
        } else if context.json {
            output::json(&document(&as_read, looked.as_ref()))?;
        } else {
            output::data(&text(context, &as_read, looked.as_ref()))?;
        }
        unmailed(context, &as_read);
        let blocks = looked.as_ref().is_some_and(|looked| blocking(&looked.plan).next().is_some());
        let unseen = looked.as_ref().and_then(|looked| look::no_primary(&looked.plan));
        let secondary = |is: fn(&RegionSeen) -> bool| {
            looked.as_ref().is_some_and(|looked| {
                let mut workspaces = looked.plan.workspaces.iter();
                workspaces.any(|workspace| is(&workspace.observed.secondary))
            })
        };
        // One that refuses does so at the next sync as well.
        let blocks = blocks || secondary(|seen| seen.refused.is_some());
        Ok(match (mistakes.is_empty() && usable, unseen, blocks) {
            (false, _, _) => ExitStatus::Configuration,
            (true, Some(unseen), _) => unseen,
            (true, None, true) => ExitStatus::Blocked,
            (true, None, false) if secondary(RegionSeen::is_away) => ExitStatus::SecondaryAway,
            (true, None, false) => ExitStatus::Ok,
        })
    }
}

fn blocking(plan: &Plan) -> impl Iterator<Item = &Finding> {
    plan.groups().flat_map(|(_, group)| &group.findings).filter(|finding| finding.blocks())
}

fn text(context: &Context, found: &Found, looked: Option<&Looked>) -> String {
    let configuration = &found.configuration;
    let mut text = match configuration.mistakes.is_empty() {
        true => String::new(),
        false => format!(
            "{}\n{}",
            render::config::headline(configuration),
            render::config::mistakes(configuration, &context.style)
        ),
    };
    match looked {
        None if text.is_empty() => text = render::config::valid(configuration, &context.style),
        None => {}
        Some(looked) => {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&render::validate::text(&looked.plan, &context.style));
            if context.style.verbose {
                text.push_str(&render::validate::names(&looked.observed));
            }
        }
    }
    text
}

/// `drsync.validation`: mistakes, and per group whether it is ready and what is in its way.
fn document(found: &Found, looked: Option<&Looked>) -> Value {
    let groups: Option<Vec<Value>> = looked.map(|looked| {
        let groups = looked.plan.groups();
        groups
            .map(|(workspace, group)| {
                json!({
                    "workspace": workspace.name,
                    "name": group.name,
                    "ready": !group.findings.iter().any(Finding::blocks),
                    "findings": group.findings,
                })
            })
            .collect()
    });
    json!({
        "kind": "drsync.validation",
        "format_version": "1.0",
        "source": found.configuration.source,
        "mistakes": found.configuration.mistakes,
        "groups": groups,
        "warnings": looked.map(|looked| &looked.plan.warnings),
        "unprotected": looked.map(|looked| &looked.plan.unprotected),
    })
}

/// Whoever configured addresses should know that no mail is sent.
fn unmailed(context: &Context, found: &Found) {
    let workspaces = found.configuration.workspaces.iter();
    let mut addresses: Vec<&String> = workspaces
        .flat_map(|workspace| {
            workspace.failure_notification.iter().chain(&workspace.success_notification)
        })
        .collect();
    addresses.sort();
    addresses.dedup();
    match addresses.len() {
        0 => {}
        1 => context.remark("drsync: no mail is sent yet; 1 address is configured"),
        many => {
            context.remark(&format!("drsync: no mail is sent yet; {many} addresses are configured"))
        }
    }
}
