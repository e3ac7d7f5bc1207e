//! The local folder of a table: where its links lead, what its log may name outside of it, and how open what is made in it may be.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

use rustix::fs::Mode;

use super::local;
use crate::files::{self, Looker};
use crate::lakehouse::delta::error::Result;
use crate::lakehouse::delta::path::LOG;

#[derive(Debug, Clone)]
pub(super) struct Local {
    /// Must exist; never created.
    pub(super) base: PathBuf,
    /// The table's folder, `base` or below it; created by the first write.
    pub(super) folder: PathBuf,
    /// The same two with their links followed, at the first look. Below them no link is followed.
    real: OnceLock<(PathBuf, PathBuf)>,
    /// Whether `folder` was named by the user, who may lead it through links, or only `base`.
    pub(super) named: bool,
    pub(super) external: External,
    pub(super) ceiling: Ceiling,
}

impl Local {
    pub(super) fn new(base: PathBuf, folder: PathBuf, named: bool) -> Self {
        Self {
            base,
            folder,
            real: OnceLock::new(),
            named,
            external: External::default(),
            ceiling: Ceiling::default(),
        }
    }

    pub(super) fn real(&self) -> &(PathBuf, PathBuf) {
        self.real.get_or_init(|| {
            let base = files::resolve_folder(&self.base);
            let folder = match (self.named, self.folder.strip_prefix(&self.base)) {
                (false, Ok(inner)) => base.join(inner),
                // Most folders are no links: the way to this one is known then.
                (true, Ok(inner)) if is_folder_in(&base, inner) => base.join(inner),
                (true, _) | (_, Err(_)) => files::resolve_folder(&self.folder),
            };
            if folder.starts_with(&base) {
                (base, folder)
            } else {
                // The table's folder is itself a link.
                (folder.parent().unwrap_or(&base).to_path_buf(), folder)
            }
        })
    }

    /// A path in the table, to be opened as it is.
    pub(super) fn at(&self, inner: &str) -> PathBuf {
        self.real().1.join(inner)
    }

    pub(super) fn make_folder(&self, folder: &Path) -> Result<()> {
        let (base, table) = self.real();
        local::make_folder(base, folder, |made| match made.strip_prefix(table) {
            Ok(inner) if inner.starts_with(LOG) => self.ceiling.log,
            Ok(_) => self.ceiling.data,
            Err(_) => Mode::from_raw_mode(0o777),
        })
    }
}

/// Whether a name in a folder is a folder itself, and no link to one.
fn is_folder_in(base: &Path, name: &Path) -> bool {
    let is_name = matches!(name.components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
    is_name && files::is_folder(&base.join(name))
}

/// What is known of the folders in which tables lie that are looked at one after the other: most lie in a few.
///
/// It belongs to one thread and lives as long as one piece of work.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    /// The bases of tables, with their links followed.
    real: HashMap<PathBuf, PathBuf>,
    pub(super) looker: Looker,
}

impl Neighbours {
    /// A table's folder with the links followed that lead to its base.
    pub(super) fn folder_of(&mut self, local: &Local) -> PathBuf {
        let Some(real) = self.real.get(&local.base) else {
            let real = files::resolve_folder(&local.base);
            self.real.insert(local.base.clone(), real);
            return self.folder_of(local);
        };
        match local.folder.strip_prefix(&local.base) {
            Ok(inner) => real.join(inner),
            Err(_) => local.folder.clone(),
        }
    }
}

/// The folders outside of a table whose files its log may name: looked up once, when a log names one.
#[derive(Clone, Default)]
pub struct External(Option<Arc<LazyLock<Vec<PathBuf>, Lookup>>>);

type Lookup = Box<dyn FnOnce() -> Vec<PathBuf> + Send>;

impl External {
    /// Folders that are looked up when a log names a file outside of its table.
    pub fn listed(folders: impl FnOnce() -> Vec<PathBuf> + Send + 'static) -> Self {
        let resolved =
            move || folders().iter().map(|folder| files::resolve_folder(folder)).collect();
        Self(Some(Arc::new(LazyLock::new(Box::new(resolved)))))
    }

    /// Whether a resolved path lies in one of them.
    pub(super) fn allow(&self, path: &Path) -> bool {
        let folders = self.0.as_deref().map(LazyLock::force);
        folders.is_some_and(|all| all.iter().any(|folder| path.starts_with(folder)))
    }
}

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("External")
    }
}

/// How open the folders of a table may at most be. Files are no more open than the folder they lie in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ceiling {
    pub(super) data: Mode,
    pub(super) log: Mode,
}

impl Default for Ceiling {
    fn default() -> Self {
        let all = Mode::from_raw_mode(0o777);
        Self { data: all, log: all }
    }
}

/// An absolute path without `..`, so that absolute paths in a log can be recognized as the table's own.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    if absolute.components().any(|part| part == std::path::Component::ParentDir) {
        return std::fs::canonicalize(&absolute).unwrap_or(absolute);
    }
    absolute
}
