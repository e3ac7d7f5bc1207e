//! The conversation about a workspace: who am I, where do copies go, what is there, which groups.

use std::path::Path;

use chrono::TimeDelta;
use url::Url;

use super::groups;
use super::proposal::{self, Answers};
use super::talk::Talk;
use crate::cli::configuration as found;
use crate::cli::flags::Context;
use crate::cli::{ExitStatus, Failure, output};
use crate::config::{Location, LocationError, TableName, WorkspaceAddress};
use crate::databricks::{Notice, Offered, Place, Surveyor, Timing};
use crate::region::RegionError;
use crate::render::clean;
use crate::text::plural_as;

/// How far back writers are looked for.
const WRITTEN_WITHIN: TimeDelta = TimeDelta::days(30);

/// Asks what has to be asked and gives the configuration.
pub(super) async fn configuration(
    context: &Context,
    talk: &mut impl Talk,
    address: &Url,
) -> Result<Answers, Failure> {
    let name = label(address, "primary");
    let here = Surveyed::look(&name, address).await?;
    let signed_in = clean(&format!(
        "Signed in as {} ({}); metastore {} in {}",
        here.place.principal, here.surveyor.signed_in_with, here.place.metastore, here.place.region
    ));
    talk.tell(&format!("{signed_in}\n"));
    let (location_secondary, location_primary) = locations(talk, &here.surveyor).await?;
    let secondary = secondary(talk, &here.place, address).await?;
    let email = email(talk, &here.place.principal)?;

    let listed = here.surveyor.tables().await.map_err(failed)?;
    let open: Vec<TableName> = listed
        .iter()
        .filter(|table| table.unsupported.is_none())
        .map(|table| table.name.clone())
        .collect();
    let mut catalogs: Vec<&str> = listed.iter().map(|it| it.name.catalog.as_str()).collect();
    catalogs.dedup();
    let shut = proposal::left_out(&listed);
    talk.tell(&format!(
        "\n{} in {}: {} can be synchronized, {} cannot",
        plural_as(listed.len() as u64, "table or view", "tables and views"),
        plural_as(catalogs.len() as u64, "catalog", "catalogs"),
        open.len(),
        listed.len() - open.len()
    ));
    for line in shut {
        talk.tell(&line);
    }
    if open.is_empty() {
        let message = format!(
            "nothing was written: {} can read no table that can be synchronized",
            here.place.principal
        );
        return Err(Failure::new(ExitStatus::Refused, clean(&message)));
    }
    let since = context.clock.now() - WRITTEN_WITHIN;
    let told = here.surveyor.told(&open, since).await;
    if let Some(refused) = &told.refused {
        talk.tell(&clean(&format!("\nNeither jobs nor sizes are known: failed to {refused:#}")));
    }
    let groups = proposal::groups(&open, &told.writers);
    talk.tell("\nGroups, from the jobs that wrote the tables in the last 30 days:");
    for line in groups::lines(&groups, &told.sizes) {
        talk.tell(&line);
    }
    talk.tell(
        "Split or join them in the file: tables belong together if they are only true\ntogether.",
    );
    Ok(Answers {
        name,
        address: plain(address),
        location_primary,
        location_secondary,
        secondary,
        email,
        groups,
    })
}

/// A workspace that was signed in to, with where it is.
struct Surveyed {
    surveyor: Surveyor,
    place: Place,
}

impl Surveyed {
    async fn look(name: &str, address: &Url) -> Result<Surveyed, Failure> {
        let notice = Notice::new(|text| output::note(&clean(&text)));
        let environment = found::environment();
        let surveyor =
            Surveyor::sign_in(Some(name), address, &environment, Timing::looking(), notice).await;
        let surveyor = surveyor.map_err(|error| Failure::sign_in(&error))?;
        let place = surveyor.place().await.map_err(failed)?;
        Ok(Surveyed { surveyor, place })
    }
}

fn failed(error: RegionError) -> Failure {
    use crate::region::RegionErrorKind::Unavailable;
    let exit = match error.kind {
        Unavailable => ExitStatus::PrimaryAway,
        _ => ExitStatus::Failed,
    };
    Failure::of(exit, error)
}

/// Where copies go, and where drsync's own records in this region go.
async fn locations(talk: &mut impl Talk, surveyor: &Surveyor) -> Result<(String, String), Failure> {
    let offered = surveyor.locations().await.map_err(failed)?;
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
    let choose = |said: &str| chosen(said, &offered);
    let first = (offered.len() == 1).then_some("1");
    let copies = talk.ask("Copies go to, in the other region", first, choose)?;
    let other = offered.iter().position(|it| plainly(&it.url) != copies);
    let default = other.map(|at| (at + 1).to_string());
    let records =
        talk.ask("drsync's own records of this region go to", default.as_deref(), |said| {
            let records = choose(said)?;
            if inside(&records, &copies) || inside(&copies, &records) {
                Err(format!("{records} and {copies} lie in each other"))
            } else {
                Ok(records)
            }
        })?;
    Ok((copies, records))
}

/// A location by its number, or by its address.
fn chosen(said: &str, offered: &[Offered]) -> Result<String, String> {
    let by_number =
        said.parse::<usize>().ok().and_then(|number| offered.get(number.checked_sub(1)?));
    match by_number {
        Some(location) => Ok(plainly(&location.url)),
        None if said.contains("://") => {
            let read = Location::parse(said, std::path::Path::new("/"));
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

fn inside(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    format!("{one}/").starts_with(&format!("{other}/"))
}

/// The secondary's workspace: it has to be in another region.
async fn secondary(
    talk: &mut impl Talk,
    primary: &Place,
    address: &Url,
) -> Result<Option<(String, String)>, Failure> {
    loop {
        let question = "Secondary workspace, the door on the day the primary is gone";
        let said = talk.ask(question, Some("none"), |said| match said {
            "none" => Ok(None),
            said => self::address(said).map(Some),
        })?;
        let Some(url) = said else { return Ok(None) };
        if url == *address {
            talk.tell("  this is the primary itself");
            continue;
        }
        let name = label(&url, "secondary");
        let there = match Surveyed::look(&name, &url).await {
            Ok(there) => there.place,
            Err(failure) => {
                talk.tell(&failure.shown());
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
fn email(talk: &mut impl Talk, principal: &str) -> Result<String, Failure> {
    let is_address = |text: &str| {
        let (name, host) = text.split_once('@').unwrap_or_default();
        !name.is_empty() && host.contains('.') && !text.contains([' ', ',', '<', '>'])
    };
    let default = is_address(principal).then_some(principal);
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
