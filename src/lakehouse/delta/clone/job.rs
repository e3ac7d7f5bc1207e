//! What is to be done before a commit may name the files of a source.

use super::super::path::FileLocation;

/// A file to copy.
#[derive(Debug, Clone)]
pub(super) struct FileCopy {
    pub(super) from: FileLocation,
    /// In the target, to be taken literally.
    pub(super) to: String,
    pub(super) size: u64,
    pub(super) is_data: bool,
}

/// What is to be done before a commit may name the files of a source.
#[derive(Default)]
pub(super) struct Placed {
    /// Files to copy.
    pub(super) jobs: Vec<FileCopy>,
    /// Files that lie there already, named by no version: whoever brought them may not have flushed them.
    pub(super) adopted: Vec<String>,
    /// Files that the target's newest version names and that are not what the source's are.
    pub(super) replaced: Vec<String>,
}
