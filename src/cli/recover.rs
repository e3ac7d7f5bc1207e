//! Finds the configuration that applies keep beside their evidence, by the address of a sync location or of a workspace.
//!
//! It is the word of whoever may write there. So it is taken only from a place that it names itself as one of its two, it vouches
//! for no stored plan, and nothing is applied with it: whoever wants that writes it into a file, and looks at it.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value};
use url::Url;

use super::flags::Context;
use super::{ExitStatus, Failure, output, who};
use crate::config::{self, Configuration, LocationAddress, LocationError, WorkspaceAddress};
use crate::databricks::{Environment, Notice, Surveyor};
use crate::figures::id_end;
use crate::files::{self, EntryKind};
use crate::harmless::clean;
use crate::lakehouse::{CATALOG_FILE, LakehouseLocation, Writer};
use crate::ledger::FOLDER;
use crate::observe::{FoundConfiguration, kept_configuration};
use crate::plan::Role;
use crate::region::{Location, RegionError};
use crate::text::{self, plural_as};

/// The file of a configuration that is looked for.
pub(super) const FILE: &str = "drsync.json";

/// So many places are looked into for a configuration, the likeliest first.
const PLACES_MOST: usize = 64;
/// Places at once.
const AT_ONCE: usize = 8;
/// So many are told of that hold something which is not taken.
const TOLD_MOST: usize = 8;

/// Where a configuration is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConfigurationSource {
    /// A sync location of this machine, or the folder of a lakehouse with one in it.
    Folder(PathBuf),
    /// A sync location in an object store, read in the workspace that the ambient authentication names.
    Location(LocationAddress),
    /// A workspace: its tables say where the sync location is.
    Workspace(Url),
}

/// A configuration that was found.
#[derive(Debug)]
pub(super) struct Recovered {
    /// Where.
    pub(super) place: String,
    /// Tables of the workspace's catalog that lie there as replicas do; `None`: no catalog was asked.
    pub(super) tables: Option<usize>,
    /// The document.
    pub(super) found: FoundConfiguration,
    /// The same, read.
    pub(super) configuration: Configuration,
}

impl ConfigurationSource {
    /// What `--config` names, where that is a place at which applies keep one, and no file and no folder of files.
    pub(super) fn of_config(path: &Path) -> Option<ConfigurationSource> {
        let here = std::env::current_dir().unwrap_or_default();
        let text = path.to_str()?;
        if text.contains("://") {
            return ConfigurationSource::of_address(text, &here).ok();
        }
        let folder = files::resolve_folder(path);
        let leads_to_one = is_sync_location(&folder) || is_lakehouse(&folder);
        leads_to_one.then_some(ConfigurationSource::Folder(folder))
    }

    /// What was given as the address of a workspace or of a sync location.
    ///
    /// # Errors
    /// It is neither, a fragment.
    pub(super) fn of_text(text: &str) -> Result<ConfigurationSource, String> {
        let here = std::env::current_dir().unwrap_or_default();
        ConfigurationSource::of_address(text, &here)
    }

    fn of_address(text: &str, here: &Path) -> Result<ConfigurationSource, String> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let why = |error: LocationError| match error.remedy {
            Some(remedy) => format!("{}: {remedy}", error.message),
            None => error.message.to_string(),
        };
        match scheme.as_deref() {
            Some("http" | "https" | "file") | None => {
                match WorkspaceAddress::pasted(text, here).map_err(why)? {
                    WorkspaceAddress::Lakehouse(folder) => {
                        Ok(ConfigurationSource::Folder(files::resolve_folder(&folder)))
                    }
                    WorkspaceAddress::Databricks(url) => Ok(ConfigurationSource::Workspace(url)),
                }
            }
            Some(_) => {
                LocationAddress::parse(text, here).map(ConfigurationSource::Location).map_err(why)
            }
        }
    }

    /// As the user would name it.
    pub(super) fn describe_source(&self) -> String {
        match self {
            ConfigurationSource::Folder(folder) => folder.display().to_string(),
            ConfigurationSource::Location(location) => location.to_string(),
            ConfigurationSource::Workspace(url) => url.as_str().trim_end_matches('/').to_owned(),
        }
    }
}

impl Recovered {
    /// By which apply it was used, and when: a fragment.
    pub(super) fn used(&self, now: DateTime<Utc>) -> String {
        match &self.found.named_by {
            Some(named) => {
                let ago = text::span((now - named.ended_at).num_seconds());
                format!("as run {} used it {ago} ago", id_end(&named.run_id))
            }
            None => "which no run record names any more".to_owned(),
        }
    }
}

/// Whether a folder holds the metadata tables and the evidence of drsync.
fn is_sync_location(folder: &Path) -> bool {
    let names = files::names(&folder.join(FOLDER)).unwrap_or_default();
    !names.is_empty()
}

/// Whether a folder is a lakehouse that nobody keeps configurations in: what lies there is drsync's own and no part of one.
fn is_lakehouse(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    has(CATALOG_FILE) && !has(FILE)
}

/// A place that is looked into.
struct Place {
    location: Box<dyn Location>,
    shown: String,
    tables: Option<usize>,
}

/// Finds the newest configuration of every workspace that a source leads to; `keys`: public keys of runners of which one has to
/// have signed the record that names it; none: those that the configuration itself asks for.
///
/// # Errors
/// None was found, or the source cannot be looked at.
pub(super) async fn recover(
    context: &Context,
    environment: &Environment,
    source: &ConfigurationSource,
    keys: &[String],
) -> Result<Vec<Recovered>, Failure> {
    let mut search = Search { keys, now: context.clock.now(), looked: 0, refused: Vec::new() };
    let surveyor = match source {
        ConfigurationSource::Folder(folder) => {
            let places: Result<Vec<Place>, Failure> =
                folders(folder).iter().map(|folder| of_folder(context, folder)).collect();
            return search.among(places?).await.ok_or_else(|| search.nothing(source));
        }
        ConfigurationSource::Location(_) => {
            Surveyor::ambient(environment, context.timing.clone(), notice()).await
        }
        ConfigurationSource::Workspace(url) => {
            Surveyor::sign_in(None, url, environment, context.timing.clone(), notice()).await
        }
    };
    let surveyor = surveyor.map_err(|error| Failure::sign_in(&error))?;
    let place = |shown: String, tables| Place {
        location: Box::new(surveyor.location(&shown)),
        shown,
        tables,
    };
    let found = match source {
        ConfigurationSource::Location(location) => {
            search.among(vec![place(location.to_string(), None)]).await
        }
        ConfigurationSource::Folder(_) | ConfigurationSource::Workspace(_) => {
            let roots = surveyor.roots_of_replicas().await.map_err(unlooked)?.into_iter();
            let roots = roots.map(|(root, tables)| place(root, Some(tables)));
            match search.among(roots.collect()).await {
                Some(found) => Some(found),
                // No table of it is registered there.
                None => {
                    let folders = surveyor.external_folders().await.map_err(unlooked)?.into_iter();
                    search.among(folders.map(|folder| place(folder, Some(0))).collect()).await
                }
            }
        }
    };
    found.ok_or_else(|| search.nothing(source))
}

fn notice() -> Notice {
    Notice::new(|text| output::note(&clean(&text)))
}

fn of_folder(context: &Context, folder: &Path) -> Result<Place, Failure> {
    let shown = folder.display().to_string();
    let writer = Writer { user: who::actor(), clock: context.clock.function() };
    let location = LakehouseLocation::open(&shown, writer)
        .map_err(|error| Failure::of(ExitStatus::Configuration, error))?;
    Ok(Place { location: Box::new(location), shown, tables: None })
}

/// What was looked for, and what came of it.
struct Search<'a> {
    keys: &'a [String],
    now: DateTime<Utc>,
    /// Places that were looked into.
    looked: usize,
    /// Why what was found there was not taken.
    refused: Vec<String>,
}

impl Search<'_> {
    /// The configurations of some places; `None`: none has any.
    async fn among(&mut self, places: Vec<Place>) -> Option<Vec<Recovered>> {
        let (keys, now) = (self.keys, self.now);
        let places = places.into_iter().take(PLACES_MOST);
        let looks = places.map(|place| async move {
            let found = find_configuration(&place, keys, now).await;
            (place.shown, found)
        });
        let looked: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        self.looked += looked.len();
        let mut recovered = Vec::new();
        for (shown, found) in looked {
            match found {
                Ok(Some(one)) => newest_of_each(&mut recovered, one),
                Ok(None) => {}
                Err(why) => self.refused.push(format!("{shown}: {why}")),
            }
        }
        // A place that is no sync location is refused for many reasons: they matter only where nothing was found.
        (!recovered.is_empty()).then_some(recovered)
    }

    fn nothing(&self, source: &ConfigurationSource) -> Failure {
        let by = match self.keys {
            [] => "",
            _ => " by a record that one of the given keys signed",
        };
        let message = format!("no configuration is kept in {}{by}", source.describe_source());
        let failure = Failure::new(ExitStatus::Configuration, clean(&message));
        let failure = self
            .refused
            .iter()
            .take(TOLD_MOST)
            .fold(failure, |failure, why| failure.with_line(why));
        match source {
            ConfigurationSource::Workspace(_) => failure.with_line(&format!(
                "{} looked into: those under which its tables lie, its external locations and the folders in them",
                plural_as(self.looked as u64, "place was", "places were")
            )),
            ConfigurationSource::Folder(folder) if is_lakehouse(folder) => failure.with_line(
                "that is a lakehouse: name its sync location, or the file of the configuration",
            ),
            ConfigurationSource::Folder(_) => failure.with_line(
                "what applies to Databricks keep lies in a table there: give the address of the workspace",
            ),
            ConfigurationSource::Location(_) => failure,
        }
    }
}

/// Takes one in: of a workspace that is found in several places, as in both of its sync locations, the one that was used last.
fn newest_of_each(recovered: &mut Vec<Recovered>, one: Recovered) {
    let of = |one: &Recovered| one.configuration.workspaces[0].location_secondary.clone();
    let used = |one: &Recovered| one.found.named_by.as_ref().map(|named| named.ended_at);
    match recovered.iter_mut().find(|known| of(known) == of(&one)) {
        Some(known) if used(known) >= used(&one) => {}
        Some(known) => *known = one,
        None => recovered.push(one),
    }
}

fn unlooked(refusal: RegionError) -> Failure {
    Failure::of(ExitStatus::of_refusal(refusal.kind, Role::Secondary), refusal)
}

/// A sync location, or those directly in a folder.
fn folders(folder: &Path) -> Vec<PathBuf> {
    if is_sync_location(folder) {
        return vec![folder.to_path_buf()];
    }
    let inside = files::names(folder).unwrap_or_default().into_iter();
    let mut inside: Vec<PathBuf> = inside
        .filter(|(_, named)| *named == EntryKind::Folder)
        .map(|(name, _)| folder.join(name))
        .filter(|folder| is_sync_location(folder))
        .take(PLACES_MOST)
        .collect();
    inside.sort();
    if inside.is_empty() { vec![folder.to_path_buf()] } else { inside }
}

/// The newest configuration at a place, or why what is there is not taken.
async fn find_configuration(
    place: &Place,
    keys: &[String],
    now: DateTime<Utc>,
) -> Result<Option<Recovered>, String> {
    let asked = |bytes: &[u8]| match keys {
        [] => inline_keys(&read(&place.shown, bytes).require_signed_records),
        keys => keys.to_vec(),
    };
    let found = kept_configuration(place.location.as_ref(), now, asked).await;
    let Some(found) = found.map_err(|refusal| refusal.to_string())? else {
        return Ok(None);
    };
    let configuration = read(&format!("{} of {}", found.document, place.shown), &found.bytes);
    if !configuration.secrets.is_empty() {
        return Err(format!(
            "{} holds what looks like a secret, which no apply keeps",
            found.document
        ));
    }
    let [workspace] = configuration.workspaces.as_slice() else {
        return Err(format!("{} is no configuration of one workspace", found.document));
    };
    let own = [&workspace.location_primary, &workspace.location_secondary];
    if !own.iter().any(|location| is_at(location, &place.shown)) {
        return Err(format!(
            "{} says that its sync locations are {} and {}: it is not taken from another place",
            found.document, own[0], own[1]
        ));
    }
    let (place, tables) = (place.shown.clone(), place.tables);
    Ok(Some(Recovered { place, tables, found, configuration }))
}

/// The keys that a configuration lists where it asks for signatures.
///
/// Of one that names a file nobody elsewhere knows what is in it: what stands for it signs nothing.
fn inline_keys(given: &[String]) -> Vec<String> {
    let all = given.iter().flat_map(|given| given.split(','));
    all.map(|key| key.trim().to_owned()).collect()
}

fn read(source: &str, bytes: &[u8]) -> Configuration {
    // Nothing in it is relative to anything: a path that is would be read against a folder that is not there.
    config::read_text(source, bytes, Path::new("/nowhere"))
}

/// Whether a location is the one that was looked into, whatever links lead to it.
fn is_at(location: &LocationAddress, place: &str) -> bool {
    let same = LocationAddress::parse(place, Path::new("/")).is_ok_and(|place| place == *location);
    let real =
        |text: &str| LocationAddress::literal_path(text).map(|path| files::resolve_folder(&path));
    let real = (real(location.as_str()), real(place));
    same || matches!(real, (Some(one), Some(other)) if one == other)
}

/// What was found, as one file.
///
/// # Errors
/// Workspaces whose configurations cannot stand in one file: which they are.
pub(super) fn as_one(recovered: &[Recovered]) -> Result<Vec<u8>, Failure> {
    if let [one] = recovered {
        return Ok(one.found.bytes.clone());
    }
    let mut whole: Option<Map<String, Value>> = None;
    for one in recovered {
        let file: Map<String, Value> = serde_json::from_slice(&one.found.bytes).unwrap_or_default();
        let Some(whole) = &mut whole else {
            whole = Some(file);
            continue;
        };
        let other = |file: &Map<String, Value>| {
            let mut file = file.clone();
            file.remove("workspaces");
            file
        };
        let (Some(Value::Array(all)), Some(Value::Array(more)), true) = (
            whole.get("workspaces").cloned(),
            file.get("workspaces").cloned(),
            other(whole) == other(&file),
        ) else {
            return Err(several(recovered));
        };
        whole.insert("workspaces".to_owned(), [all, more].concat().into());
    }
    Ok(format!("{:#}\n", Value::Object(whole.unwrap_or_default())).into_bytes())
}

fn several(recovered: &[Recovered]) -> Failure {
    let message = "the configurations that were found have other secret scopes or keys, and fit into no one file; name one of these places";
    let failure = Failure::new(ExitStatus::Refused, message);
    recovered.iter().fold(failure, |failure, one| {
        let name = &one.configuration.workspaces[0].name;
        failure.with_line(&format!("{}  workspace {name}", one.place))
    })
}
