//! Opens regions: of a configured workspace, or of one that a stored plan names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::admit::Admitted;
use super::clock::Clock;
use super::configuration::{LoadedConfiguration, environment};
use super::flags::Context;
use super::{ExitStatus, Failure, output, who};
use crate::config::{
    Connection, Hearers, LocationAddress, Unusable, WorkspaceAddress, WorkspaceConfig,
};
use crate::databricks::{ConnectOptions, NeededSide, Notice, Unbound, connect_as_needed};
use crate::lakehouse::{LakehouseLocation, LakehouseWorkspace, Writer};
use crate::plan::document::WorkspacePlan;
use crate::plan::{Role, WorkspaceObserved};
use crate::region::{Region, RegionError, Regions, Workspace};
use crate::render::clean;
use crate::sentence::Sentence;

/// What regions are opened by.
#[derive(Debug)]
enum Places {
    /// Folders of this machine.
    Lakehouse {
        primary: PathBuf,
        secondary: Option<PathBuf>,
        location_primary: String,
        location_secondary: String,
    },
    /// A Databricks workspace; the second is the secondary's, where that is a lakehouse.
    Databricks(Box<ConnectOptions>, Option<PathBuf>),
}

/// Opens the regions of every configured workspace; one that cannot be opened is told and left out.
///
/// Whoever only looks may do with what the secondary tells (`needed`).
pub(super) async fn of_configuration(
    context: &Context,
    found: &mut LoadedConfiguration,
    needed: NeededSide,
) -> Result<Vec<Regions>, Failure> {
    let configuration = &mut found.configuration;
    let addresses = configuration.workspaces.iter();
    context.clock.allows(addresses.map(|workspace| &workspace.address))?;
    let mut all = vec![];
    let mut refused = vec![];
    let mut unsigned = None;
    let mut status = ExitStatus::Configuration;
    let workspaces = std::mem::take(&mut configuration.workspaces);
    let mut places: Vec<Places> = workspaces.iter().map(configured).collect();
    share(&mut places);
    for (workspace, places) in workspaces.into_iter().zip(places) {
        match open(places, context, needed).await {
            Ok(regions) => {
                configuration.workspaces.push(workspace);
                all.push(regions);
            }
            Err((why, error)) => {
                status = why;
                unsigned = error.downcast_ref().map(Failure::sign_in);
                let hearers = Hearers::of(&workspace);
                let why = Sentence::from(format!("{error:#}"));
                configuration.unusable.push(Unusable { why, hearers });
                refused.push(clean(&format!("workspace {}: {error:#}", workspace.name)));
            }
        }
    }
    if all.is_empty() {
        return Err(match (refused.as_slice(), unsigned) {
            // Who was to sign in where is said best by its own lines.
            ([_], Some(unsigned)) => unsigned,
            _ => Failure::new(status, refused.join("\n  ")),
        });
    }
    if !refused.is_empty() {
        configuration.incomplete = true;
        context.remark(&format!("drsync: {}", refused.join("\n  ")));
    }
    Ok(all)
}

/// Opens the regions that a stored plan names, all of them; only a plan that passed the gate names any.
pub(super) async fn of_plan(
    admitted: &Admitted,
    context: &Context,
) -> Result<Vec<Regions>, Failure> {
    let plan = admitted.plan();
    let addresses: Vec<WorkspaceAddress> = plan
        .workspaces
        .iter()
        .map(address_of)
        .collect::<anyhow::Result<_>>()
        .map_err(|error| Failure::of(ExitStatus::Configuration, error))?;
    context.clock.allows(addresses.iter())?;
    let mut all = vec![];
    let mut places: Vec<anyhow::Result<Places>> = plan.workspaces.iter().map(planned).collect();
    share(places.iter_mut().flatten());
    for (workspace, places) in plan.workspaces.iter().zip(places) {
        let told = |status, error: anyhow::Error| {
            if let Some(unsigned) = error.downcast_ref() {
                return Failure::sign_in(unsigned);
            }
            let message = clean(&format!("workspace {}: {error:#}", workspace.name));
            Failure::new(status, message)
        };
        let places = places.map_err(|error| told(ExitStatus::Configuration, error))?;
        let opened = open(places, context, NeededSide::Primary).await;
        all.push(opened.map_err(|(status, error)| told(status, error))?);
    }
    // An apply would say so of every group.
    let asked = all.iter().map(|regions| regions.primary.presence());
    let asked = futures::future::join_all(asked).await;
    match shut(asked.iter().map(|presence| presence.as_ref().err())) {
        Some(shut) => Err(shut),
        None => Ok(all),
    }
}

/// Why nothing can be looked at although every primary answers: whoever is signed in may not, or is no longer signed in, what
/// is configured is not there, or the answers are none. `primaries`: why each could not be looked at.
pub(super) fn shut<'a>(
    primaries: impl IntoIterator<Item = Option<&'a RegionError>>,
) -> Option<Failure> {
    let refusals = primaries.into_iter().map(|refusal| {
        let refusal = refusal?;
        let exit = ExitStatus::of_refusal(refusal.kind, Role::Primary);
        (!refusal.kind.is_away()).then_some((exit, refusal))
    });
    let refusals: Vec<(ExitStatus, &RegionError)> = refusals.collect::<Option<_>>()?;
    let ((exit, first), others) = refusals.split_first()?;
    let message = clean(&format!("failed to {}", first.doing));
    let (detail, grant) = first.apart_from_grant();
    let failure = Failure::new(*exit, message).with_line(&detail);
    let failure = match grant {
        Some(grant) => failure.with_help(grant.to_string()),
        None => failure,
    };
    let others = others.iter().map(|(_, refusal)| refusal.to_string());
    Some(others.fold(failure, |failure, line| failure.with_line(&line)))
}

/// Why nothing can be looked at although no region is known to be away: no address is known for the host of any primary, and no
/// cut of it was ever seen. `had_a_cut`: whether this machine knows of one of a workspace.
pub(super) fn nowhere(
    workspaces: &[WorkspaceObserved],
    had_a_cut: impl Fn(&str) -> bool,
) -> Option<Failure> {
    let mut all = workspaces.iter().map(|workspace| {
        let name = &workspace.workspace.name;
        let refusal = workspace.nowhere().filter(|_| !had_a_cut(name))?;
        let address = &workspace.workspace.address;
        Some(format!("workspace {name}: {address}: {}", refusal.describe_answer()))
    });
    let all: Vec<String> = all.by_ref().collect::<Option<_>>()?;
    if all.is_empty() {
        return None;
    }
    let message = "no address is known for the host of workspace_instance_url";
    let failure = Failure::new(ExitStatus::Configuration, message);
    let failure = all.iter().fold(failure, |failure, line| failure.with_line(line));
    let remedy = "no cut of it was ever seen here: correct the address, or look whether this machine resolves names";
    Some(failure.with_line(remedy))
}

/// Says to each workspace which of all get the secrets that name none.
fn share<'a>(places: impl IntoIterator<Item = &'a mut Places>) {
    let mut options: Vec<&mut ConnectOptions> = places
        .into_iter()
        .filter_map(|places| match places {
            Places::Databricks(options, _) => Some(options.as_mut()),
            Places::Lakehouse { .. } => None,
        })
        .collect();
    let unbound = Unbound::of(options.iter().map(|options| &**options));
    for options in &mut options {
        options.unbound = Some(unbound.clone());
    }
}

fn configured(workspace: &WorkspaceConfig) -> Places {
    let locations = [&workspace.location_primary, &workspace.location_secondary];
    places(
        &workspace.name,
        workspace.address.clone(),
        workspace.secondary.clone(),
        &workspace.connection,
        locations.map(|location| location.as_str().to_owned()),
    )
}

fn planned(workspace: &WorkspacePlan) -> anyhow::Result<Places> {
    let connection = &workspace.connection;
    let secondary = connection.secondary_workspace.as_deref().map(address).transpose()?;
    let seen = &workspace.observed;
    let locations = [seen.primary.location.clone(), seen.secondary.location.clone()];
    Ok(places(&workspace.name, address_of(workspace)?, secondary, connection, locations))
}

/// What the regions of a workspace are opened by, whoever says so.
fn places(
    name: &str,
    primary: WorkspaceAddress,
    secondary: Option<WorkspaceAddress>,
    connection: &Connection,
    locations: [String; 2],
) -> Places {
    let folder = secondary.as_ref().and_then(WorkspaceAddress::folder).map(Path::to_path_buf);
    match primary {
        WorkspaceAddress::Lakehouse(primary) => {
            let [location_primary, location_secondary] = locations;
            Places::Lakehouse { primary, secondary: folder, location_primary, location_secondary }
        }
        WorkspaceAddress::Databricks(address) => {
            let options =
                ConnectOptions::new(name, &address, secondary.as_ref(), connection, locations);
            let options = ConnectOptions { environment: environment(), ..options };
            Places::Databricks(Box::new(options), folder)
        }
    }
}

fn address_of(workspace: &WorkspacePlan) -> anyhow::Result<WorkspaceAddress> {
    let primary = workspace.observed.primary.workspace.as_deref();
    address(primary.with_context(|| format!("open {}: no address", workspace.name))?)
}

fn address(text: &str) -> anyhow::Result<WorkspaceAddress> {
    let here = std::env::current_dir().unwrap_or_default();
    WorkspaceAddress::parse(text, &here).with_context(|| format!("read the address {text}"))
}

async fn open(
    places: Places,
    context: &Context,
    needed: NeededSide,
) -> Result<Regions, (ExitStatus, anyhow::Error)> {
    let clock = context.clock;
    let unopened = |error: anyhow::Error| (ExitStatus::Configuration, error);
    match places {
        Places::Lakehouse { primary, secondary, location_primary, location_secondary } => {
            if context.verify_rows {
                let compared = "lakehouse folders are compared file by file in any case, rows too";
                context.remark(&format!("drsync: --verify rows: {compared}"));
            }
            apart(&location_primary, &location_secondary).map_err(unopened)?;
            let location = |text: &str| {
                let location = LakehouseLocation::open(text, writer(clock));
                let location = location.map_err(|refusal| unopened(refusal.into()))?;
                // Wherever they lie, the tables that are cloned are the primary's.
                Ok(Arc::new(location.cloning_from(primary.clone())))
            };
            Ok(Regions {
                secondary: Region {
                    location: location(&location_secondary)?,
                    workspace: secondary.map(|folder| lakehouse_workspace(folder, clock)),
                },
                primary: Region {
                    location: location(&location_primary)?,
                    workspace: Some(lakehouse_workspace(primary.clone(), clock)),
                },
            })
        }
        Places::Databricks(mut options, watched) => {
            options.verify_rows = context.verify_rows;
            options.timing = context.timing.clone();
            options.notice = Notice::new(|text| output::note(&clean(&text)));
            match connect_as_needed(&options, needed).await {
                Ok(connected) => {
                    let mut regions = connected.regions();
                    if let Some(folder) = watched {
                        // The sync location stays the primary's warehouse's to reach.
                        regions.secondary.workspace = Some(lakehouse_workspace(folder, clock));
                    }
                    Ok(regions)
                }
                Err(refused) => Err((ExitStatus::Authentication, refused.into())),
            }
        }
    }
}

/// Refuses two sync locations that a symbolic link makes one, or one within the other.
fn apart(primary: &str, secondary: &str) -> anyhow::Result<()> {
    let real = |location: &str| LocationAddress::literal_path(location)?.canonicalize().ok();
    let (Some(primary), Some(secondary)) = (real(primary), real(secondary)) else {
        // One that is not there is a region that is away.
        return Ok(());
    };
    if primary.starts_with(&secondary) || secondary.starts_with(&primary) {
        let (primary, secondary) = (primary.display(), secondary.display());
        bail!(
            "sync_location_primary is {primary} and sync_location_secondary is {secondary}: one of them is a link into the other; \
             a copy in the same place is none, give each region a folder of its own"
        );
    }
    Ok(())
}

fn lakehouse_workspace(folder: PathBuf, clock: Clock) -> Arc<dyn Workspace> {
    Arc::new(LakehouseWorkspace::open(folder, writer(clock)))
}

fn writer(clock: Clock) -> Writer {
    Writer { user: who::actor(), clock: clock.function() }
}
