//! From the bytes of one or more files to a configuration and all of its mistakes.

use std::path::Path;

use super::Configuration;

/// Reads one file. `source` is its name as the user gave it; relative paths are read against `base`.
pub fn read_text(source: &str, text: &[u8], base: &Path) -> Configuration {
    read_files(source, &[(source.to_string(), text.to_vec())], base)
}

/// Reads the files of a directory, each a name and its bytes, as one configuration.
pub fn read_files(source: &str, files: &[(String, Vec<u8>)], base: &Path) -> Configuration {
    let _ = (files, base);
    Configuration {
        source: source.to_string(),
        sha256: String::new(),
        effective_sha256: String::new(),
        workspaces: Vec::new(),
        mistakes: Vec::new(),
        incomplete: true,
    }
}
