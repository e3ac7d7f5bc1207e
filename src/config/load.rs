//! Reads a configuration from this machine: a file, or every `*.json` of a directory. The only part of `config` with I/O.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{Configuration, base_of, read_files, read_text};
use crate::files;
use crate::limits::CONFIGURATION;

/// A configuration that could not be fetched at all.
#[derive(Debug, thiserror::Error)]
#[error("read {}", path.display())]
pub struct ConfigError {
    /// The file or directory.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

/// Reads a file or a directory. Relative paths in it are read against its folder.
pub fn load(path: &Path) -> Result<Configuration, ConfigError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ConfigError { path, source }
    };
    let whole = std::path::absolute(path).map_err(failed(path))?;
    let name = path.display().to_string();
    if !fs::metadata(path).map_err(failed(path))?.is_dir() {
        let text = files::read_named(path, &CONFIGURATION).map_err(failed(path))?;
        return Ok(read_text(&name, &text, &base_of(&whole)));
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(failed(path))? {
        let file = entry.map_err(failed(path))?.path();
        let hidden = file.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        let json = file.extension().is_some_and(|end| end == "json");
        if json && !hidden && fs::metadata(&file).map_err(failed(&file))?.is_file() {
            let text = files::read_named(&file, &CONFIGURATION).map_err(failed(&file))?;
            found.push((file.display().to_string(), text));
        }
    }
    Ok(read_files(&name, &found, &whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_every_json_file_in_it_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.json", "a.json", "notes.txt", ".hidden.json"] {
            fs::write(folder.path().join(name), "x").expect("written");
        }
        fs::create_dir(folder.path().join("c.json")).expect("a folder");
        let read = load(folder.path()).expect("read");
        let files: Vec<_> = read.mistakes.iter().map(|mistake| mistake.file.clone()).collect();
        let named = |name: &str| folder.path().join(name).display().to_string();
        assert_eq!(files, [named("a.json"), named("b.json")]);
        assert!(read.incomplete);
    }

    #[test]
    fn what_cannot_be_fetched_is_an_error_with_its_path() {
        let error = load(Path::new("/nowhere/drsync.json")).expect_err("not there");
        assert_eq!(error.to_string(), "read /nowhere/drsync.json");
    }
}
