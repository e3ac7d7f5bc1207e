//! Writes files: stored plans, and drsync's own records beside the configuration.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::apply::RunRecord;
use crate::plan::StoredPlan;

/// Folder of drsync's own files beside the configuration.
const FOLDER: &str = ".drsync";

/// Writes a file whole or not at all.
pub(super) fn whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".part");
    let aside = PathBuf::from(aside);
    fs::write(&aside, bytes).with_context(|| format!("write {}", aside.display()))?;
    fs::rename(&aside, path).with_context(|| format!("write {}", path.display()))
}

/// Where records of applies are kept.
fn runs(folder: &Path) -> PathBuf {
    folder.join(FOLDER).join("runs")
}

/// Keeps the bytes of a plan that is about to be applied.
pub(super) fn plan(folder: &Path, run_id: &str, stored: &StoredPlan) -> anyhow::Result<()> {
    let runs = runs(folder);
    fs::create_dir_all(&runs).with_context(|| format!("make {}", runs.display()))?;
    whole(&runs.join(format!("{run_id}.plan.json")), &stored.bytes)
}

/// Keeps the record of an apply and says where.
pub(super) fn record(folder: &Path, record: &RunRecord) -> anyhow::Result<PathBuf> {
    let runs = runs(folder);
    fs::create_dir_all(&runs).with_context(|| format!("make {}", runs.display()))?;
    let path = runs.join(format!("{}.json", record.run_id));
    let mut bytes = serde_json::to_vec_pretty(record).context("write the run record")?;
    bytes.push(b'\n');
    whole(&path, &bytes)?;
    Ok(path)
}
