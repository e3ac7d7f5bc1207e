//! Opens regions: of a configured workspace, or of one that a stored plan names.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::clock::Clock;
use super::configuration::Found;
use super::flags::Context;
use super::{ExitStatus, Failure, who};
use crate::config::{Workspace, WorkspaceAddress};
use crate::lakehouse::{LakehouseRegion, Writer};
use crate::plan::Plan;
use crate::plan::document::WorkspacePlan;
use crate::region::Regions;
use crate::render::clean;

/// What regions are opened by.
#[derive(Debug)]
struct Places {
    primary: WorkspaceAddress,
    secondary: Option<WorkspaceAddress>,
    location_primary: String,
    location_secondary: String,
}

/// Opens the regions of every configured workspace; one that cannot be opened is told and left out.
pub(super) fn of_configuration(
    context: &Context,
    found: &mut Found,
) -> Result<Vec<Regions>, Failure> {
    let configuration = &mut found.configuration;
    let addresses = configuration.workspaces.iter();
    context
        .clock
        .allows(addresses.map(|workspace| &workspace.address))?;
    let mut all = vec![];
    let mut refused = vec![];
    for workspace in std::mem::take(&mut configuration.workspaces) {
        match open(&configured(&workspace), context.clock) {
            Ok(regions) => {
                configuration.workspaces.push(workspace);
                all.push(regions);
            }
            Err(error) => refused.push(clean(&format!("workspace {}: {error:#}", workspace.name))),
        }
    }
    if all.is_empty() {
        let message = refused.join("\n  ");
        return Err(Failure::new(ExitStatus::Configuration, message));
    }
    if !refused.is_empty() {
        configuration.incomplete = true;
        context.remark(&format!("drsync: {}", refused.join("\n  ")));
    }
    Ok(all)
}

/// Opens the regions that a stored plan names, all of them.
pub(super) fn of_plan(plan: &Plan, clock: Clock) -> Result<Vec<Regions>, Failure> {
    let places: Vec<Places> = plan
        .workspaces
        .iter()
        .map(planned)
        .collect::<anyhow::Result<_>>()
        .map_err(|error| Failure::of(ExitStatus::Configuration, error))?;
    clock.allows(places.iter().map(|places| &places.primary))?;
    let opened = places
        .iter()
        .zip(&plan.workspaces)
        .map(|(places, workspace)| {
            open(places, clock).map_err(|error| {
                let message = clean(&format!("workspace {}: {error:#}", workspace.name));
                Failure::new(ExitStatus::Configuration, message)
            })
        });
    opened.collect()
}

fn configured(workspace: &Workspace) -> Places {
    let secondary = workspace.secondary.as_ref();
    Places {
        primary: workspace.address.clone(),
        secondary: secondary.map(|secondary| secondary.address.clone()),
        location_primary: workspace.location_primary.as_str().to_owned(),
        location_secondary: workspace.location_secondary.as_str().to_owned(),
    }
}

fn planned(workspace: &WorkspacePlan) -> anyhow::Result<Places> {
    let address = |text: &str| {
        let here = std::env::current_dir().unwrap_or_default();
        WorkspaceAddress::parse(text, &here).with_context(|| format!("read the address {text}"))
    };
    let primary = workspace.observed.primary.workspace.as_deref();
    let primary = primary.with_context(|| format!("open {}: no address", workspace.name))?;
    let secondary = workspace.connection.secondary_workspace.as_deref();
    Ok(Places {
        primary: address(primary)?,
        secondary: secondary.map(address).transpose()?,
        location_primary: workspace.observed.primary.location.clone(),
        location_secondary: workspace.observed.secondary.location.clone(),
    })
}

fn open(places: &Places, clock: Clock) -> anyhow::Result<Regions> {
    let Places {
        primary,
        secondary,
        location_primary,
        location_secondary,
    } = places;
    let primary = Some(folder(primary)?);
    let secondary = secondary.as_ref().map(folder).transpose()?;
    Ok(Regions {
        primary: Arc::new(lakehouse(primary, location_primary, clock)?),
        secondary: Arc::new(lakehouse(secondary, location_secondary, clock)?),
    })
}

fn lakehouse(
    workspace: Option<PathBuf>,
    location: &str,
    clock: Clock,
) -> anyhow::Result<LakehouseRegion> {
    let writer = Writer {
        user: who::actor(),
        clock: clock.function(),
    };
    Ok(LakehouseRegion::open(workspace, location, writer)?)
}

/// The folder of an embedded lakehouse.
fn folder(address: &WorkspaceAddress) -> anyhow::Result<PathBuf> {
    match address {
        WorkspaceAddress::Lakehouse(folder) => Ok(folder.clone()),
        WorkspaceAddress::Databricks(_) => bail!(
            "{address} is a Databricks workspace; this version works with lakehouse folders only, \
             given as a path or a file:// URL"
        ),
    }
}
