//! The demo world: two regions with real Delta tables, three groups of which one is blocked, all times relative to now.

mod data;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Writer;
use super::delta::DeltaError;
use super::refusal::refusal;
use super::write::{WorkspaceFolder, WritableTable};
use crate::command::{Command, Verb};
use crate::region::{RegionError, RegionErrorKind};

/// Marks a folder as a demo, which may be thrown away and made again.
pub const MARKER: &str = ".drsync-demo";
/// The demo's configuration.
pub const CONFIGURATION: &str = "drsync.json";

const PRINCIPAL: &str = "dr-sync@example.com";
/// Entries that are named where a folder is not the demo's own.
const OTHERS_MAX: usize = 5;
/// Who owns the tables.
const OWNER: &str = "shop-team@example.com";

/// The workflows of the east: id, name, and how the names of the tables begin that each writes.
const JOBS: [(i64, &str, &str); 2] =
    [(1016, "orders_job", "main.shop."), (1017, "customer_360_job", "main.crm.")];

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoWorld {
    /// The configuration's file.
    pub configuration: PathBuf,
    /// Sync groups.
    pub groups: usize,
    /// Tables in the primary.
    pub tables: usize,
    /// Workflows in the primary.
    pub workflows: usize,
}

/// Everything the demo makes in its folder, and what commands that are tried there leave in it.
const MADE: [&str; 6] = [CONFIGURATION, "east", "west", "plan.json", ".drsync", MARKER];

/// Builds the demo in a folder, which is made; what an earlier call built there is thrown away first.
///
/// # Errors
/// `Conflict` if the folder holds anything else; otherwise those of the disk.
pub async fn build(dir: &Path, now: DateTime<Utc>) -> Result<DemoWorld, RegionError> {
    let doing = format!("build the demo in {}", dir.display());
    let failed =
        |error: &io::Error| RegionError::new(RegionErrorKind::Other, &doing, error.to_string());
    let others = others(dir).map_err(|error| failed(&error))?;
    if !others.is_empty() {
        let more = match others.len().saturating_sub(OTHERS_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = others[..others.len().min(OTHERS_MAX)].join(", ");
        return Err(RegionError::new(
            RegionErrorKind::Conflict,
            doing,
            format!("the folder holds what is no demo's: {named}{more}"),
        ));
    }
    let demo = make(dir, now).await;
    demo.map_err(|error| refusal(doing, &error))
}

/// Lets time go on in the east: more commits, and run 89 of `orders_job` succeeds.
///
/// # Errors
/// `NotFound` if the folder is no demo; otherwise those of the disk.
pub async fn advance(dir: &Path, now: DateTime<Utc>) -> Result<(), RegionError> {
    let doing = format!("go on with the demo in {}", dir.display());
    if !dir.join(MARKER).is_file() {
        let detail = format!("there is no {MARKER} in it");
        return Err(RegionError::new(RegionErrorKind::NotFound, doing, detail));
    }
    go_on(dir, now).await.map_err(|error| refusal(doing, &error))
}

/// Entries of a folder that no demo made; without the marker nothing is a demo's.
fn others(dir: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let marker = std::fs::symlink_metadata(dir.join(MARKER));
    let made = marker.is_ok_and(|marker| marker.is_file());
    let mut others = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if !made || !MADE.iter().any(|one| name == *one) {
            others.push(name.display().to_string());
        }
    }
    others.sort();
    Ok(others)
}

async fn make(dir: &Path, now: DateTime<Utc>) -> Result<DemoWorld, DeltaError> {
    let disk = |error| DeltaError::io(format!("write into {}", dir.display()), error);
    clear(dir).map_err(disk)?;
    std::fs::create_dir_all(dir).map_err(disk)?;
    // First of all, so that half a demo can be thrown away too.
    write_new(&dir.join(MARKER), &format!("made by {}\n", Command::new(Verb::Demo)))
        .map_err(disk)?;
    for sync in ["east/sync", "west/sync"] {
        std::fs::create_dir_all(dir.join(sync)).map_err(disk)?;
    }
    let east = WorkspaceFolder::create(dir.join("east"), "east", PRINCIPAL).map_err(disk)?;
    let west = WorkspaceFolder::create(dir.join("west"), "west", PRINCIPAL).map_err(disk)?;
    describe(&east, &west, now).map_err(disk)?;
    data::history(&|name| table(dir, name), now).await?;
    let configuration = dir.join(CONFIGURATION);
    let text = format!("{:#}\n", configured());
    write_new(&configuration, &text).map_err(disk)?;
    Ok(DemoWorld { configuration, groups: 3, tables: data::TABLES.len(), workflows: 2 })
}

/// Writes a file that is not there, not even as a link.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    std::fs::File::create_new(path)?.write_all(text.as_bytes())
}

/// Removes what a demo made; the marker goes last.
fn clear(dir: &Path) -> io::Result<()> {
    for name in MADE {
        let path = dir.join(name);
        let removed = match std::fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() => std::fs::remove_dir_all(&path),
            Ok(_) => std::fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Writes catalog and workflows of both workspaces.
fn describe(east: &WorkspaceFolder, west: &WorkspaceFolder, now: DateTime<Utc>) -> io::Result<()> {
    for name in data::TABLES {
        east.add_table(name, &location(name))?;
        east.grant(name, PRINCIPAL, &["SELECT"])?;
    }
    // Somebody forgot the disaster recovery.
    east.edit_table("main.crm.contacts", |entry| {
        entry["grants"] = json!({"crm-team@example.com": ["SELECT"]});
    })?;
    let ago = |minutes| now - TimeDelta::minutes(minutes);
    for (id, name, _) in JOBS {
        east.add_job(id, name)?;
    }
    east.add_run(1016, 87, ago(26 * 60), Some(ago(25 * 60)), "SUCCESS")?;
    east.add_run(1016, 88, ago(110), Some(ago(81) + TimeDelta::milliseconds(400)), "SUCCESS")?;
    east.add_run(1016, 89, ago(55), None, "")?;
    east.add_run(1017, 41, ago(6 * 60), Some(ago(5 * 60 + 47)), "SUCCESS")?;
    // The same workflows stand by in the west, paused.
    west.add_job(2016, "orders_job")?;
    west.add_job(2017, "customer_360_job")?;
    west.edit_jobs(|jobs| {
        for job in jobs["jobs"].as_array_mut().into_iter().flatten() {
            job["schedule_paused"] = true.into();
        }
    })
}

async fn go_on(dir: &Path, now: DateTime<Utc>) -> Result<(), DeltaError> {
    data::run_89(&|name| table(dir, name), now).await?;
    let east = WorkspaceFolder::at(dir.join("east"));
    let ended = east.edit_jobs(|jobs| {
        let all = jobs["jobs"].as_array_mut().into_iter().flatten();
        let runs =
            all.filter(|job| job["job_id"] == 1016).filter_map(|job| job["runs"].as_array_mut());
        for run in runs.flatten().filter(|run| run["run_id"] == 89) {
            run["end_time"] = now.timestamp_millis().into();
            run["life_cycle_state"] = "TERMINATED".into();
            run["result_state"] = "SUCCESS".into();
        }
    });
    ended.map_err(|error| DeltaError::io("write the workflows of the east", error))
}

/// A table of the east, in its owner's hands, or in those of the job that writes its schema.
fn table(dir: &Path, name: &str) -> WritableTable {
    let table = WritableTable::at(dir.join("east").join(location(name)), Writer::new(OWNER));
    let job = JOBS.iter().find(|(_, _, tables)| name.starts_with(tables));
    job.map_or_else(|| table.clone(), |(id, job, _)| table.run_by(*id, job))
}

fn location(name: &str) -> String {
    let mut parts = name.split('.').skip(1);
    let (schema, table) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("tables/{schema}_{table}")
}

/// The configuration; its paths are relative, so that the folder can be moved.
fn configured() -> Value {
    json!({
        "secret_scope": "",
        "workspaces": [{
            "workspace_name": "east",
            "workspace_instance_url": "east",
            "workspace_pat_key": "",
            "secondary_workspace_name": "west",
            "secondary_workspace_instance_url": "west",
            "sync_location_primary": "east/sync",
            "sync_location_secondary": "west/sync",
            "sync_failure_notification": "ops@example.com",
            "sync_success_notification": "ops@example.com",
            "sync_default_schedule": "0 */12 * * *",
            "sync_max_retries": 3,
            "// sync_min_interval_minutes": "0, so that nobody has to wait half an hour between two syncs",
            "sync_min_interval_minutes": 0,
            "sync_groups": [
                {
                    "group_name": "orders",
                    "group_owner_email": "shop-team@example.com",
                    "workflow": "orders_job",
                    "tables": ["shop.orders", "shop.order_lines", "shop.daily_totals"]
                },
                {
                    "group_name": "reference_data",
                    "group_owner_email": "data-team@example.com",
                    "tables": ["ref.countries", "ref.currencies"]
                },
                {
                    "group_name": "customer_360",
                    "group_owner_email": "crm-team@example.com",
                    "workflow": "customer_360_job",
                    "tables": ["crm.accounts", "crm.contacts", "crm.interactions"]
                }
            ]
        }]
    })
}

#[cfg(test)]
#[path = "demo_tests.rs"]
mod tests;
