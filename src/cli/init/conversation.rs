//! The conversation about a workspace: who am I, where do copies go, what is there, which groups.

use std::path::Path;

use chrono::TimeDelta;
use url::Url;

use super::found;
use super::proposal::{self, InitAnswers, PersonAnswers};
use super::talk::Talk;
use crate::cli::configuration as config;
use crate::cli::flags::Context;
use crate::cli::{ExitStatus, Failure, output};
use crate::config::{LocationAddress, LocationError, WorkspaceAddress, token_variable};
use crate::databricks::{
    Environment, Notice, Offered, SignInError, Surveyor, Timing, WorkspaceAndAsker,
};
use crate::plan::Role;
use crate::region::RegionError;
use crate::render::clean;

/// How far back writers are looked for.
pub(super) const WRITTEN_WITHIN: TimeDelta = TimeDelta::days(30);

/// Looks at the workspace, then asks what has to be asked: whatever can fail does so before anybody has typed anything.
pub(super) async fn configuration(
    context: &Context,
    talk: &mut impl Talk,
    address: &Url,
) -> Result<InitAnswers, Failure> {
    let here = Surveyed::sign_in(address, "primary").await?;
    let Surveyed { name, surveyor, place } = &here;
    let signed_in = clean(&format!(
        "Signed in as {} ({}); metastore {} in {}",
        place.principal, surveyor.signed_in_with, place.metastore, place.region
    ));
    talk.tell(&format!("{signed_in}\n"));
    let offered = surveyor.locations().await.map_err(failed)?;
    let listed = surveyor.tables().await.map_err(failed)?;
    let open = found::open(&listed, &place.principal)?;
    let since = context.clock.now() - WRITTEN_WITHIN;
    let told = surveyor.read_sizes_and_writers(&open, since).await;

    let said = questions(talk, &here, address, &offered).await?;
    if let Some(refused) = &told.refused {
        talk.tell(&clean(&format!("\nNeither jobs nor sizes are known: failed to {refused:#}")));
    }
    let groups = proposal::groups(&open, &told.writers);
    found::tell(talk, &listed, &groups, &told.sizes);
    Ok(InitAnswers { name: name.clone(), address: plain(address), said, groups })
}

/// The questions, up to the first that nobody answers.
async fn questions(
    talk: &mut impl Talk,
    here: &Surveyed,
    address: &Url,
    offered: &[Offered],
) -> Result<PersonAnswers, Failure> {
    let mut said = PersonAnswers::default();
    let Some((copies, records)) = locations(talk, offered)? else { return Ok(said) };
    said.location_secondary = Some(copies);
    said.location_primary = records;
    if said.location_primary.is_none() {
        return Ok(said);
    }
    said.secondary = secondary(talk, &here.place, address).await?;
    said.email = email(talk, Some(&here.place.principal))?;
    Ok(said)
}

/// A workspace that was signed in to, with what it is called and where it is.
struct Surveyed {
    name: String,
    surveyor: Surveyor,
    place: WorkspaceAndAsker,
}

impl Surveyed {
    /// Signs in; a workspace on this machine has the name by whose token it lets anybody in, as the sandbox prints them.
    async fn sign_in(address: &Url, otherwise: &str) -> Result<Surveyed, Failure> {
        let environment = config::environment();
        let notice = Notice::new(|text| output::note(&clean(&text)));
        let mut refused: Option<SignInError> = None;
        let mut let_in: Option<(String, Surveyor)> = None;
        for name in names(address, otherwise, &environment) {
            let (timing, notice) = (Timing::looking(), notice.clone());
            match Surveyor::sign_in(Some(&name), address, &environment, timing, notice).await {
                Ok(surveyor) => {
                    let_in = Some((name, surveyor));
                    break;
                }
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        let (name, surveyor) = match (let_in, refused) {
            (Some(let_in), _) => let_in,
            (None, Some(error)) => return Err(Failure::sign_in(&error)),
            (None, None) => unreachable!("a workspace may be called something"),
        };
        let place = surveyor.read_metastore().await.map_err(failed)?;
        Ok(Surveyed { name, surveyor, place })
    }
}

/// What a workspace may be called: the first word of its host; on this machine, whose hosts name nothing, whatever a token
/// variable names. A token goes to no other machine than that of its name.
fn names(address: &Url, otherwise: &str, environment: &Environment) -> Vec<String> {
    let here = match address.host() {
        Some(url::Host::Domain(host)) => host == "localhost",
        Some(url::Host::Ipv4(host)) => host.is_loopback(),
        Some(url::Host::Ipv6(host)) => host.is_loopback(),
        None => false,
    };
    let own = label(address, otherwise);
    let is_own = token_variable(&own);
    let variables = environment.variables.keys().filter(|variable| here && **variable != is_own);
    let named = variables.filter_map(|variable| variable.strip_prefix("DRSYNC_TOKEN_"));
    std::iter::once(own).chain(named.map(str::to_lowercase)).collect()
}

fn failed(error: RegionError) -> Failure {
    Failure::of(ExitStatus::of_refusal(error.kind, Role::Primary), error)
}

/// Where copies go, and where drsync's own records in this region go, where that is answered too.
fn locations(
    talk: &mut impl Talk,
    offered: &[Offered],
) -> Result<Option<(String, Option<String>)>, Failure> {
    if offered.is_empty() {
        talk.tell(
            "No external location here that you may write to; give the addresses of two folders",
        )
    } else {
        talk.tell("External locations here that you may write to:")
    }
    let width = offered.iter().map(|it| it.name.len()).max().unwrap_or(0);
    for (number, location) in offered.iter().enumerate() {
        let (name, url) = (clean(&location.name), clean(&location.url));
        talk.tell(&format!("{:>3}  {name:<width$}  {url}", number + 1));
    }
    let choose = |said: &str| chosen(said, offered);
    let first = (offered.len() == 1).then_some("1");
    let Some(copies) = talk.ask("Copies go to, in the other region", first, choose)? else {
        return Ok(None);
    };
    let other = offered.iter().position(|it| plainly(&it.url) != copies);
    let default = other.map(|at| (at + 1).to_string());
    let records =
        talk.ask("drsync's own records of this region go to", default.as_deref(), |said| {
            let records = choose(said)?;
            check_apart(&records, &copies).map(|()| records)
        })?;
    Ok(Some((copies, records)))
}

/// A location by its number, or by its address.
fn chosen(said: &str, offered: &[Offered]) -> Result<String, String> {
    let by_number =
        said.parse::<usize>().ok().and_then(|number| offered.get(number.checked_sub(1)?));
    match by_number {
        Some(location) => Ok(plainly(&location.url)),
        None if offered.iter().any(|it| plainly(&it.url) == said) => Ok(said.to_owned()),
        None if said.contains("://") => {
            let read = LocationAddress::parse(said, std::path::Path::new("/"));
            read.map_err(|error| error.to_string())?;
            Ok(plainly(said))
        }
        None if offered.is_empty() => Err("write an address such as abfss://…".to_owned()),
        None => Err(format!("write a number from 1 to {}, or an address", offered.len())),
    }
}

fn plainly(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

/// Refuses two locations of which the configuration could not have both.
pub(super) fn check_apart(records: &str, copies: &str) -> Result<(), String> {
    let here = std::env::current_dir().unwrap_or_default();
    let read = |text: &str| LocationAddress::parse(text, &here).map_err(|error| error.to_string());
    if read(records)?.nests(&read(copies)?) {
        return Err(format!("{records} and {copies} lie in each other"));
    }
    Ok(())
}

/// The secondary's workspace: it has to be in another region.
async fn secondary(
    talk: &mut impl Talk,
    primary: &WorkspaceAndAsker,
    address: &Url,
) -> Result<Option<(String, String)>, Failure> {
    loop {
        let question = "Secondary workspace, the door on the day the primary is gone";
        let said = talk.ask(question, Some("none"), |said| match said {
            "none" => Ok(None),
            said => self::address(said).map(Some),
        })?;
        let Some(url) = said.flatten() else { return Ok(None) };
        if url == *address {
            talk.tell("  this is the primary itself");
            continue;
        }
        let (name, there) = match Surveyed::sign_in(&url, "secondary").await {
            Ok(Surveyed { name, surveyor: _, place }) => (name, place),
            Err(failure) => {
                talk.tell(&failure.to_text());
                continue;
            }
        };
        let found = clean(&format!("metastore {} in {}", there.metastore, there.region));
        if there.metastore_id == primary.metastore_id || there.region == primary.region {
            talk.tell(&format!(
                "  {found}: the same region as the primary, it would be gone with it"
            ))
        } else {
            talk.tell(&format!("  {found}: another region, good"));
            return Ok(Some((name, plain(&url))));
        }
    }
}

/// Whom to tell: whoever is signed in, where that is an address.
pub(super) fn email(
    talk: &mut impl Talk,
    principal: Option<&str>,
) -> Result<Option<String>, Failure> {
    let is_address = |text: &str| {
        let (name, host) = text.split_once('@').unwrap_or_default();
        !name.is_empty() && host.contains('.') && !text.contains([' ', ',', '<', '>'])
    };
    let default = principal.filter(|principal| is_address(principal));
    talk.ask("Mail about failures goes to", default, |said| {
        if is_address(said) {
            Ok(said.to_owned())
        } else {
            Err("write an address such as ops@example.com".to_owned())
        }
    })
}

/// The address of a workspace.
pub(super) fn address(text: &str) -> Result<Url, String> {
    of_workspace(WorkspaceAddress::parse(text, Path::new("/")))
}

/// The address of a workspace as it comes out of a browser.
pub(super) fn pasted(text: &str) -> Result<Url, String> {
    of_workspace(WorkspaceAddress::pasted(text, Path::new("/")))
}

fn of_workspace(read: Result<WorkspaceAddress, LocationError>) -> Result<Url, String> {
    match read {
        Ok(WorkspaceAddress::Databricks(url)) => Ok(url),
        Ok(WorkspaceAddress::Lakehouse(_)) => {
            Err("write the address of a workspace, https://…".to_owned())
        }
        Err(error) => Err(format!("{error:#}")),
    }
}

/// Whether somebody meant the address of a workspace, and not a folder.
pub(super) fn is_meant_as_address(text: &str) -> bool {
    let folder = std::path::Path::new(text).exists();
    let local = ["127.0.0.1", "localhost"];
    !folder
        && (text.contains("://")
            || text.contains(".databricks.")
            || text.contains(".azuredatabricks.net")
            || local.iter().any(|host| text.starts_with(host)))
}

/// A workspace's label: the first word of its host; one that is a number names nothing.
fn label(address: &Url, otherwise: &str) -> String {
    match address.host() {
        Some(url::Host::Domain(host)) => {
            let word = host.split('.').next().unwrap_or(otherwise);
            word.to_owned()
        }
        Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) | None => otherwise.to_owned(),
    }
}

fn plain(address: &Url) -> String {
    address.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_apart_here_where_a_configuration_takes_both() {
        let apart = |one: &str, other: &str| check_apart(one, other).is_ok();
        assert!(apart("s3://b/A", "s3://b/a"), "letters differ, and so do the places");
        assert!(apart("s3://b/east", "s3://b/east2"));
        assert!(!apart("s3://b/x/records", "s3://b/x"));
        assert!(!apart("s3://b/x/", "s3://b/x/records"));
        assert!(apart("east/sync", "west/sync"));
        assert!(!apart("east/sync", "east"));
        assert!(!apart("east/../west", "west/sync"), "they are compared as they are resolved");
    }
}
