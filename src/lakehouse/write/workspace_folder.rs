//! Edits the catalog and the workflows of a workspace folder; what is not understood stays as it is.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::{CATALOG_FILE, JOBS_FILE};
use crate::files;
use crate::limits::CONFIGURATION;

/// A workspace's folder.
#[derive(Debug, Clone)]
pub struct WorkspaceFolder {
    folder: PathBuf,
}

impl WorkspaceFolder {
    /// Makes a workspace: a folder with a catalog without tables, and no workflows.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn create(
        folder: impl AsRef<Path>,
        name: &str,
        principal: &str,
    ) -> io::Result<WorkspaceFolder> {
        let workspace = WorkspaceFolder { folder: folder.as_ref().to_path_buf() };
        std::fs::create_dir_all(&workspace.folder)?;
        let catalog =
            json!({"name": name, "default_catalog": "main", "principal": principal, "tables": []});
        workspace.save(CATALOG_FILE, &catalog)?;
        workspace.save(JOBS_FILE, &json!({"jobs": []}))?;
        Ok(workspace)
    }

    /// A workspace that is there.
    pub fn at(folder: impl AsRef<Path>) -> WorkspaceFolder {
        WorkspaceFolder { folder: folder.as_ref().to_path_buf() }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a Delta table to the catalog, at a path relative to the folder, readable for everyone.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn add_table(&self, full_name: &str, storage_location: &str) -> io::Result<()> {
        self.add_entry(json!({
            "full_name": full_name,
            "table_type": "MANAGED",
            "data_source_format": "DELTA",
            "storage_location": storage_location,
        }))
    }

    /// Adds an entry to the catalog as it is.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn add_entry(&self, entry: Value) -> io::Result<()> {
        self.edit_catalog(|catalog| push(catalog, "tables", entry))
    }

    /// Gives principals privileges on a table; from then on nobody else may read it.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn grant(&self, full_name: &str, principal: &str, privileges: &[&str]) -> io::Result<()> {
        self.edit_table(full_name, |entry| entry["grants"][principal] = json!(privileges))
    }

    /// Changes a table's entry.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn edit_table(&self, full_name: &str, edit: impl FnOnce(&mut Value)) -> io::Result<()> {
        self.edit_catalog(|catalog| {
            let tables = catalog["tables"].as_array_mut().into_iter().flatten();
            if let Some(entry) = tables.into_iter().find(|entry| entry["full_name"] == full_name) {
                edit(entry);
            }
        })
    }

    /// Changes the catalog.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn edit_catalog(&self, edit: impl FnOnce(&mut Value)) -> io::Result<()> {
        self.edit(CATALOG_FILE, edit)
    }

    /// Adds a job without runs.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn add_job(&self, job_id: i64, name: &str) -> io::Result<()> {
        let job = json!({"job_id": job_id, "name": name, "schedule_paused": false, "runs": []});
        self.edit_jobs(|jobs| push(jobs, "jobs", job))
    }

    /// Adds a run that ended as `result` says, or is running if it has no end.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn add_run(
        &self,
        job_id: i64,
        run_id: i64,
        from: DateTime<Utc>,
        to: Option<DateTime<Utc>>,
        result: &str,
    ) -> io::Result<()> {
        let run = match to {
            Some(to) => json!({
                "run_id": run_id, "start_time": from.timestamp_millis(), "end_time": to.timestamp_millis(),
                "life_cycle_state": "TERMINATED", "result_state": result,
            }),
            None => json!({
                "run_id": run_id, "start_time": from.timestamp_millis(), "end_time": 0,
                "life_cycle_state": "RUNNING",
            }),
        };
        self.edit_jobs(|jobs| {
            let jobs = jobs["jobs"].as_array_mut().into_iter().flatten();
            if let Some(job) = jobs.into_iter().find(|job| job["job_id"] == job_id) {
                push(job, "runs", run);
            }
        })
    }

    /// Changes the workflows.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn edit_jobs(&self, edit: impl FnOnce(&mut Value)) -> io::Result<()> {
        self.edit(JOBS_FILE, edit)
    }

    fn edit(&self, file: &str, edit: impl FnOnce(&mut Value)) -> io::Result<()> {
        let text = files::read_named(&self.folder.join(file), &CONFIGURATION)?;
        let mut value: Value = serde_json::from_slice(&text)?;
        edit(&mut value);
        self.save(file, &value)
    }

    fn save(&self, file: &str, value: &Value) -> io::Result<()> {
        let unfinished = self.folder.join(format!(".{file}.{}", uuid::Uuid::new_v4().simple()));
        std::fs::File::create_new(&unfinished)?.write_all(format!("{value:#}\n").as_bytes())?;
        std::fs::rename(unfinished, self.folder.join(file))
    }
}

fn push(value: &mut Value, key: &str, item: Value) {
    match value.get_mut(key).and_then(Value::as_array_mut) {
        Some(items) => items.push(item),
        None => value[key] = json!([item]),
    }
}
