//! `init` with the folder of a lakehouse: its catalog and its logs say what there is; a person is asked where there is one.

use std::path::{Path, PathBuf};

use super::conversation::{WRITTEN_WITHIN, check_apart, email};
use super::found;
use super::proposal::{self, InitAnswers, PersonAnswers};
use super::talk::Talk;
use crate::cli::flags::Context;
use crate::cli::{ExitStatus, Failure};
use crate::databricks::{ListedTable, SurveyedJob};
use crate::lakehouse::{self, CATALOG_FILE, Surveyed};
use crate::render::clean;

/// Whether a folder is that of a lakehouse.
pub(super) fn is_lakehouse(folder: &Path) -> bool {
    folder.join(CATALOG_FILE).is_file()
}

/// Looks at the lakehouse, asks where there is somebody, and proposes the rest: whatever can fail does so first.
///
/// `shown` is the folder as the configuration names it.
pub(super) async fn configuration(
    context: &Context,
    talk: &mut impl Talk,
    folder: &Path,
    shown: &str,
) -> Result<InitAnswers, Failure> {
    let since = context.clock.now() - WRITTEN_WITHIN;
    let surveyed = lakehouse::survey(folder, since).await;
    let surveyed = surveyed.map_err(|error| {
        let message = format!("failed to look at {}: {error}", folder.display());
        Failure::new(ExitStatus::Failed, clean(&message))
    })?;
    let lakehouse::Survey { name, principal, tables } = surveyed;
    let listed = tables.iter().map(|table| ListedTable {
        name: table.name.clone(),
        unsupported: table.unsupported.clone(),
    });
    let listed: Vec<ListedTable> = listed.collect();
    let open = found::open(&listed, principal.as_deref().unwrap_or("nobody"))?;
    let writers = tables.iter().filter_map(|Surveyed { name, job, .. }| {
        let (id, job) = job.clone()?;
        Some((name.clone(), SurveyedJob { id, name: job }))
    });
    let sizes = tables.iter().filter_map(|table| Some((table.name.clone(), table.bytes?)));
    let groups = proposal::groups(&open, &writers.collect());
    let said = if context.can_ask {
        questions(talk, folder, shown, principal.as_deref())?
    } else {
        proposed(folder, shown, principal)
    };
    found::tell(talk, &listed, &groups, &sizes.collect());
    let named = folder.file_name().map(|name| name.display().to_string());
    let name = name.or(named).unwrap_or_else(|| "primary".to_owned());
    Ok(InitAnswers { name, address: shown.to_owned(), said, groups })
}

/// Where records of this side go unless somebody says otherwise.
fn records_of(shown: &str) -> String {
    format!("{}/sync", shown.trim_end_matches('/'))
}

/// The only other lakehouse beside this one, as the configuration names it: nothing else there can be the other side.
fn beside(folder: &Path, shown: &str) -> Option<(String, String)> {
    let whole = folder.canonicalize().ok()?;
    let entries = std::fs::read_dir(whole.parent()?).ok()?;
    let others = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut others = others.filter(|path| *path != whole && is_lakehouse(path));
    let (other, None) = (others.next()?, others.next()) else { return None };
    let name = other.file_name()?.to_str()?.to_owned();
    let above =
        Path::new(shown.trim_end_matches('/')).parent().map_or(other.clone(), PathBuf::from);
    Some((name.clone(), above.join(name).display().to_string()))
}

/// What nobody was asked for: the other side is proposed where there is only one that it can be.
fn proposed(folder: &Path, shown: &str, principal: Option<String>) -> PersonAnswers {
    let secondary = beside(folder, shown);
    PersonAnswers {
        location_primary: Some(records_of(shown)),
        location_secondary: secondary.as_ref().map(|(_, address)| records_of(address)),
        secondary,
        email: principal.filter(|principal| principal.contains('@')),
    }
}

/// The questions, up to the first that nobody answers.
fn questions(
    talk: &mut impl Talk,
    folder: &Path,
    shown: &str,
    principal: Option<&str>,
) -> Result<PersonAnswers, Failure> {
    let mut said = PersonAnswers::default();
    let beside = beside(folder, shown);
    let default = beside.as_ref().map_or("none", |(_, address)| address.as_str());
    let question = "Secondary workspace, the folder of another lakehouse";
    let secondary = talk.ask(question, Some(default), |said| match said {
        "none" => Ok(None),
        said if is_lakehouse(Path::new(said)) => {
            let name = Path::new(said).file_name();
            let name = name.map_or("secondary".to_owned(), |name| name.display().to_string());
            Ok(Some((name, said.to_owned())))
        }
        said => Err(format!("{said} has no {CATALOG_FILE}: name a lakehouse, or none")),
    })?;
    let Some(secondary) = secondary else { return Ok(said) };
    let default = secondary.as_ref().map(|(_, address)| records_of(address));
    said.secondary = secondary;
    let folder = |text: &str| match text {
        "" => Err("write the path of a folder".to_owned()),
        text => Ok(text.trim_end_matches('/').to_owned()),
    };
    let question = "Copies go to, in the other region";
    said.location_secondary = talk.ask(question, default.as_deref(), folder)?;
    let Some(copies) = said.location_secondary.clone() else { return Ok(said) };
    let records = records_of(shown);
    let question = "drsync's own records of this region go to";
    said.location_primary = talk.ask(question, Some(&records), |text| {
        let records = folder(text)?;
        check_apart(&records, &copies).map(|()| records)
    })?;
    if said.location_primary.is_some() {
        said.email = email(talk, principal)?;
    }
    Ok(said)
}
