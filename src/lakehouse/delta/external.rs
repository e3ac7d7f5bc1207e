//! Which files a table names outside of its own folder, as shallow clones do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::Result;
use super::path::{FileLocation, is_absolute, locate};
use super::snapshot::Snapshot;
use super::store::TableStore;

/// One file of each folder outside of the table that a version names: what holds for it holds for the others.
pub(super) fn outside(store: &TableStore, version: &Snapshot) -> Result<Vec<PathBuf>> {
    if !version.absolute {
        return Ok(Vec::new());
    }
    let mut found: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    let mut look = |path: &str| -> Result<()> {
        if !is_absolute(path) {
            return Ok(());
        }
        if let FileLocation::Elsewhere(path) = locate(path, store.folder())? {
            let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
            found.entry(folder).or_insert(path);
        }
        Ok(())
    };
    for (key, file) in &version.files {
        look(&key.path)?;
        if let Some(vector) = &file.vector
            && vector.storage_type == "p"
        {
            look(&vector.path_or_inline_dv)?;
        }
    }
    Ok(found.into_values().collect())
}
