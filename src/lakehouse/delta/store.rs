//! Where a Delta table lies: a store and a prefix in it, with the local folder for the fast path.
//!
//! Everything here blocks; the functions of [`super`] run it off the async threads.

mod content;
pub(crate) mod filesystem;
mod folder;
mod local;
mod unfinished;

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use rustix::fs::Mode;
use tokio::runtime::Handle;

use super::error::{DeltaError, IoTrouble, Result};
use super::parallel::{PART, map_parts};
use super::path::LOG;
use crate::files::{self, EntryKind, Looker};
use crate::limits::DOCUMENT;
pub(crate) use content::{Blob, Lines};
pub use folder::External;
pub(crate) use folder::Neighbours;
use folder::{Ceiling, Local, absolute};
pub(crate) use local::{flush, flush_folder, is_unflushable, open_new};
pub(crate) use unfinished::UNFINISHED;

/// Where a Delta table lies. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TableStore(Arc<Place>);

#[derive(Debug)]
enum Place {
    Local(Local),
    Remote { store: Arc<dyn ObjectStore>, prefix: ObjectPath, runtime: Handle, name: String },
}

/// A file seen in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// The name within the folder that was listed.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Milliseconds since 1970 of the last change.
    pub modified_ms: i64,
}

/// What lies under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occupant {
    /// The name is free.
    Nothing,
    /// A file of so many bytes; in milliseconds when it was last changed, where the store tells that cheaply.
    File(u64, Option<i64>),
    /// A folder, a link or a device.
    Other,
}

impl TableStore {
    /// Names a table in a local folder. Its parent folder must exist when the table is written.
    pub fn local(folder: impl AsRef<Path>) -> Self {
        let folder = absolute(folder.as_ref());
        let base = folder.parent().unwrap_or(&folder).to_path_buf();
        Self(Arc::new(Place::Local(Local::new(base, folder, true))))
    }

    /// Names a table below a local folder that must exist; what lies between is created when the table is written.
    /// `inner` is taken literally, with `/` between folders.
    pub fn within(base: impl AsRef<Path>, inner: &str) -> Self {
        let base = absolute(base.as_ref());
        let parts = inner.split('/').filter(|part| !part.is_empty());
        let folder = parts.fold(base.clone(), |at, part| at.join(part));
        Self(Arc::new(Place::Local(Local::new(base, folder, false))))
    }

    /// Names a table by `file://` URL or path. Anything else is refused as unsupported.
    pub fn open(url_or_path: &str) -> Result<Self> {
        if url_or_path.starts_with("file:") {
            let unsupported = |why: &str| DeltaError::Unsupported {
                location: url_or_path.to_owned(),
                why: why.into(),
            };
            let url =
                url::Url::parse(url_or_path).map_err(|error| unsupported(&error.to_string()))?;
            let path =
                url.to_file_path().map_err(|()| unsupported("this is no path on this machine"))?;
            return Ok(Self::local(path));
        }
        match url_or_path.split_once("://") {
            Some((scheme, _)) => Err(DeltaError::Unsupported {
                location: url_or_path.to_owned(),
                why: format!("an embedded lakehouse cannot read {scheme}:// yet").into(),
            }),
            None => Ok(Self::local(url_or_path)),
        }
    }

    /// Names a table in an object store. Must be called, and used, inside a tokio runtime.
    pub fn remote(store: Arc<dyn ObjectStore>, prefix: ObjectPath) -> Self {
        let name = format!("{store}/{prefix}");
        Self(Arc::new(Place::Remote { store, prefix, runtime: Handle::current(), name }))
    }

    /// The location as people should see it.
    pub fn location(&self) -> String {
        match &*self.0 {
            Place::Local(local) => local.folder.display().to_string(),
            Place::Remote { name, .. } => name.clone(),
        }
    }

    /// The local folder, where there is one, with the links that lead to it followed.
    pub fn folder(&self) -> Option<&Path> {
        match &*self.0 {
            Place::Local(local) => Some(&local.real().1),
            Place::Remote { .. } => None,
        }
    }

    /// The same table, whose log may name files in these folders too.
    pub fn with_external(&self, external: External) -> Self {
        self.changed(|local| local.external = external)
    }

    /// The same table, of which nothing that is made is more open than the source's folders and its log.
    pub(crate) fn no_more_open_than(&self, source: &TableStore) -> Self {
        let Some(folder) = source.folder() else {
            return self.clone();
        };
        let all = Mode::from_raw_mode(0o777);
        let folder_of = |file: Mode| {
            // Whoever may read files has to be able to enter their folder: it is made executable for them.
            let bits = file.as_raw_mode();
            Mode::from_raw_mode(bits | (bits & 0o444) >> 2)
        };
        let data = files::mode(folder).unwrap_or(all);
        let log = folder.join(LOG);
        let mut log_mode = data & files::mode(&log).unwrap_or(all);
        // The newest commit is as open as the table is meant to be.
        let commits = files::list(&log).unwrap_or_default();
        let newest = commits.iter().filter(|(name, _)| name.ends_with(".json"));
        if let Some((_, facts)) = newest.max_by(|one, other| one.0.cmp(&other.0)) {
            log_mode &= folder_of(facts.mode);
        }
        self.changed(|local| local.ceiling = Ceiling { data, log: log_mode })
    }

    fn changed(&self, change: impl FnOnce(&mut Local)) -> Self {
        match &*self.0 {
            Place::Local(local) => {
                let mut local = local.clone();
                change(&mut local);
                Self(Arc::new(Place::Local(local)))
            }
            Place::Remote { .. } => self.clone(),
        }
    }

    /// The path of a file outside of the table, to be opened as it is.
    ///
    /// [`DeltaError::Unsupported`] with what would allow it, where nothing does.
    pub(crate) fn external(&self, path: &Path) -> Result<PathBuf> {
        let Place::Local(local) = &*self.0 else {
            return Err(DeltaError::Unsupported {
                location: path.display().to_string(),
                why: "the file lies on another store than its table".into(),
            });
        };
        let above = path.parent().unwrap_or(path);
        let real = match path.file_name() {
            Some(name) => files::resolve_folder(above).join(name),
            None => path.to_path_buf(),
        };
        // The table may be known by another name, as through a link.
        if real.starts_with(&local.real().1) || local.external.allow(&real) {
            return Ok(real);
        }
        Err(DeltaError::external(path))
    }

    /// Makes the table's folder and one below it. The base must exist.
    pub(crate) fn make_folder(&self, inner: &str) -> Result<()> {
        match &*self.0 {
            Place::Local(local) => local.make_folder(&local.at(inner)),
            Place::Remote { .. } => Ok(()),
        }
    }

    /// Makes a folder below the table's own, at its path on this machine.
    pub(crate) fn make_folder_at(&self, folder: &Path) -> Result<()> {
        match &*self.0 {
            Place::Local(local) => local.make_folder(folder),
            Place::Remote { .. } => Ok(()),
        }
    }

    /// Flushes the names in a folder of the table to the disk.
    pub(crate) fn flush(&self, inner: &str) -> Result<()> {
        match &*self.0 {
            Place::Local(local) => flush_folder(&local.at(inner)),
            Place::Remote { .. } => Ok(()),
        }
    }

    /// Lists the files directly in a folder of the table; an absent folder is empty.
    pub(crate) fn list(&self, inner: &str) -> Result<Vec<ListedFile>> {
        match &*self.0 {
            Place::Local(local) => local::list(&local.at(inner)),
            Place::Remote { store, runtime, .. } => {
                let at = self.object(inner)?;
                let found = runtime
                    .block_on(store.list_with_delimiter(Some(&at)))
                    .map_err(|error| DeltaError::store(format!("list {at}"), error))?;
                Ok(found.objects.iter().filter_map(listed).collect())
            }
        }
    }

    /// Names the plain files in a folder of the table, in no order; an absent folder is empty.
    pub(crate) fn file_names(&self, inner: &str) -> Result<Vec<String>> {
        let files = self.names(inner)?.into_iter();
        Ok(files.filter(|(_, named)| *named == EntryKind::File).map(|(name, _)| name).collect())
    }

    /// The same as [`TableStore::times`], beside other tables that were looked at before.
    pub(crate) fn times_among(
        &self,
        others: &mut Neighbours,
        inner: &str,
        names: &[String],
    ) -> Result<Vec<Option<i64>>> {
        let Place::Local(local) = &*self.0 else {
            return self.times(inner, names);
        };
        let folder = others.folder_of(local).join(inner);
        let looker = &mut others.looker;
        let times = names.iter().map(|name| local::modified(looker, &folder.join(name)));
        let times: Vec<Option<i64>> = times.collect::<Result<_>>()?;
        // A folder that the user named may be a link itself.
        if local.named && times.iter().all(Option::is_none) {
            return self.times(inner, names);
        }
        Ok(times)
    }

    /// When each of some files of a folder was last changed, in the order asked; `None`: it is not there.
    pub(crate) fn times(&self, inner: &str, names: &[String]) -> Result<Vec<Option<i64>>> {
        match &*self.0 {
            Place::Local(local) => {
                let mut looker = Looker::default();
                let at = |name: &String| local.at(inner).join(name);
                names.iter().map(|name| local::modified(&mut looker, &at(name))).collect()
            }
            Place::Remote { .. } => {
                let listed = self.list(inner)?.into_iter();
                let all: HashMap<String, i64> =
                    listed.map(|file| (file.name, file.modified_ms)).collect();
                Ok(names.iter().map(|name| all.get(name).copied()).collect())
            }
        }
    }

    /// Names what lies in a folder, each with what it is of; nothing: no such folder.
    pub(crate) fn names(&self, inner: &str) -> Result<Vec<(String, EntryKind)>> {
        match &*self.0 {
            Place::Local(local) => local::names(&local.at(inner)),
            Place::Remote { .. } => {
                let listed = self.list(inner)?.into_iter();
                Ok(listed.map(|listed| (listed.name, EntryKind::File)).collect())
            }
        }
    }

    /// Opens a file for reading.
    pub(crate) fn read(&self, inner: &str) -> Result<Blob> {
        match &*self.0 {
            Place::Local(local) => local::open(&local.at(inner)).map(Blob::File),
            Place::Remote { store, runtime, .. } => {
                let at = self.object(inner)?;
                let bytes = runtime
                    .block_on(async { store.get(&at).await?.bytes().await })
                    .map_err(|error| DeltaError::store(format!("read {at}"), error))?;
                Ok(Blob::Bytes(bytes))
            }
        }
    }

    /// Reads a whole data file on its way to or from a bucket.
    pub(crate) fn read_data(&self, inner: &str) -> Result<Bytes> {
        match self.read(inner)? {
            Blob::Bytes(bytes) => Ok(bytes),
            Blob::File(mut file) => {
                let mut content = Vec::new();
                file.read_to_end(&mut content)
                    .map_err(|error| DeltaError::io(format!("read {inner}"), error))?;
                Ok(content.into())
            }
        }
    }

    /// Reads a whole file, no longer than a document of drsync's own may be.
    pub(crate) fn read_all(&self, inner: &str) -> Result<Bytes> {
        self.read(inner)?.all(inner, &DOCUMENT)
    }

    /// What lies under some names, in the order asked. A link is never one of our files, wherever it leads.
    pub(crate) fn occupants(&self, inner: &[&str]) -> Result<Vec<Occupant>> {
        match &*self.0 {
            Place::Local(local) => map_parts(inner, PART, |part| {
                let mut looker = Looker::default();
                part.iter().map(|path| local::occupant(&mut looker, &local.at(path))).collect()
            }),
            Place::Remote { .. } => Ok(self
                .sizes(inner)?
                .into_iter()
                .map(|size| size.map_or(Occupant::Nothing, |size| Occupant::File(size, None)))
                .collect()),
        }
    }

    /// The sizes of the files that are there, in the order asked: a link to a file elsewhere is none of the table's.
    pub(crate) fn sizes(&self, inner: &[&str]) -> Result<Vec<Option<u64>>> {
        match &*self.0 {
            Place::Local(local) => map_parts(inner, PART, |part| {
                let mut looker = Looker::default();
                part.iter().map(|path| local::size(&mut looker, &local.at(path))).collect()
            }),
            Place::Remote { store, prefix, runtime, .. } if inner.len() > 8 => {
                let all: HashMap<String, u64> = runtime.block_on(async {
                    let mut found = store.list(Some(prefix));
                    let mut all = HashMap::new();
                    while let Some(meta) = found.next().await {
                        let meta = meta
                            .map_err(|error| DeltaError::store(format!("list {prefix}"), error))?;
                        all.insert(meta.location.to_string(), meta.size);
                    }
                    Ok::<_, DeltaError>(all)
                })?;
                inner.iter().map(|path| Ok(all.get(self.object(path)?.as_ref()).copied())).collect()
            }
            Place::Remote { store, runtime, .. } => inner
                .iter()
                .map(|path| {
                    let at = self.object(path)?;
                    match runtime.block_on(store.head(&at)) {
                        Ok(meta) => Ok(Some(meta.size)),
                        Err(object_store::Error::NotFound { .. }) => Ok(None),
                        Err(error) => Err(DeltaError::store(format!("look at {at}"), error)),
                    }
                })
                .collect(),
        }
    }

    /// Writes a new file, durably and all at once. Returns false when a file of that name was there, which is left alone.
    pub(crate) fn create(&self, inner: &str, content: &[u8]) -> Result<bool> {
        self.put(inner, content, PutMode::Create)
    }

    /// Writes or replaces a file, durably and all at once.
    pub(crate) fn replace(&self, inner: &str, content: &[u8]) -> Result<()> {
        self.put(inner, content, PutMode::Overwrite).map(|_| ())
    }

    /// Removes a file; one that is not there is as good as removed.
    pub(crate) fn remove(&self, inner: &str) -> Result<()> {
        match &*self.0 {
            Place::Local(local) => local::remove(&local.at(inner)),
            Place::Remote { store, runtime, .. } => {
                let at = self.object(inner)?;
                match runtime.block_on(store.delete(&at)) {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                    Err(error) => Err(DeltaError::store(format!("remove {at}"), error)),
                }
            }
        }
    }

    fn put(&self, inner: &str, content: &[u8], mode: PutMode) -> Result<bool> {
        match &*self.0 {
            Place::Local(local) => {
                let path = local.at(inner);
                local.make_folder(path.parent().unwrap_or(&path))?;
                local::put(&path, content, mode == PutMode::Create)
            }
            Place::Remote { store, runtime, .. } => {
                let at = self.object(inner)?;
                let payload = PutPayload::from(Bytes::copy_from_slice(content));
                match runtime.block_on(store.put_opts(&at, payload, PutOptions::from(mode))) {
                    Ok(_) => Ok(true),
                    Err(
                        object_store::Error::AlreadyExists { .. }
                        | object_store::Error::Precondition { .. },
                    ) => Ok(false),
                    Err(error) => Err(DeltaError::store(format!("write {at}"), error)),
                }
            }
        }
    }

    /// Copies one file from another table's store by way of this process, under a name that must be free or hold the same.
    pub(crate) fn pull(&self, from: &TableStore, path: &str, to: &str) -> Result<u64> {
        let content = from.read_data(path).map_err(|error| missing(error, path))?;
        if !self.create(to, &content)? && self.read_data(to)? != content {
            return Err(DeltaError::taken(to));
        }
        Ok(content.len() as u64)
    }

    fn object(&self, inner: &str) -> Result<ObjectPath> {
        let Place::Remote { prefix, .. } = &*self.0 else {
            unreachable!("a local table has no object paths")
        };
        // Not Path::from, which would encode what is to be taken literally.
        let inner = ObjectPath::parse(inner).map_err(|error| DeltaError::corrupt(inner, error))?;
        Ok(prefix.parts().chain(inner.parts()).collect())
    }
}

/// Turns "not found" into the error that names a live file.
pub(crate) fn missing(error: DeltaError, path: &str) -> DeltaError {
    match error {
        DeltaError::Io { kind: IoTrouble::NotFound, .. } => {
            DeltaError::DataMissing { path: path.to_owned() }
        }
        other => other,
    }
}

fn listed(meta: &object_store::ObjectMeta) -> Option<ListedFile> {
    Some(ListedFile {
        name: meta.location.filename()?.to_owned(),
        size: meta.size,
        modified_ms: meta.last_modified.timestamp_millis(),
    })
}
