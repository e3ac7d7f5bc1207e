//! Where a Delta table lies: a store and a prefix in it, with the local folder for the fast path.
//!
//! Everything here blocks; the functions of [`super`] run it off the async threads.

mod local;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::runtime::Handle;

use super::error::{DeltaError, IoTrouble, Result};
pub(crate) use local::{flush, flush_folder, open_new};

/// Where a Delta table lies. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TableStore(Arc<Place>);

#[derive(Debug)]
enum Place {
    Local {
        /// Must exist; never created.
        base: PathBuf,
        /// The table's folder, `base` or below it; created by the first write.
        folder: PathBuf,
    },
    Remote {
        store: Arc<dyn ObjectStore>,
        prefix: ObjectPath,
        runtime: Handle,
        name: String,
    },
}

/// A file seen in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name within the folder that was listed.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Milliseconds since 1970 of the last change.
    pub modified_ms: i64,
}

/// The content of a file, opened for reading.
#[derive(Debug)]
pub(crate) enum Blob {
    File(File),
    Bytes(Bytes),
}

impl Blob {
    /// Reads it line by line.
    pub(crate) fn lines(self) -> Box<dyn BufRead> {
        match self {
            Self::File(file) => Box::new(BufReader::with_capacity(1 << 16, file)),
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes)),
        }
    }
}

impl TableStore {
    /// Names a table in a local folder. Its parent folder must exist when the table is written.
    pub fn local(folder: impl AsRef<Path>) -> Self {
        let folder = absolute(folder.as_ref());
        let base = folder.parent().unwrap_or(&folder).to_path_buf();
        Self(Arc::new(Place::Local { base, folder }))
    }

    /// Names a table below a local folder that must exist; what lies between is created when the table is written.
    /// `inner` is taken literally, with `/` between folders.
    pub fn within(base: impl AsRef<Path>, inner: &str) -> Self {
        let base = absolute(base.as_ref());
        let parts = inner.split('/').filter(|part| !part.is_empty());
        let folder = parts.fold(base.clone(), |at, part| at.join(part));
        Self(Arc::new(Place::Local { base, folder }))
    }

    /// Names a table by `file://` URL or path. Anything else is refused as unsupported.
    pub fn open(url_or_path: &str) -> Result<Self> {
        if url_or_path.starts_with("file:") {
            let unsupported = |why: &str| DeltaError::Unsupported {
                location: url_or_path.to_owned(),
                why: why.to_owned(),
            };
            let url =
                url::Url::parse(url_or_path).map_err(|error| unsupported(&error.to_string()))?;
            let path = url
                .to_file_path()
                .map_err(|()| unsupported("this is no path on this machine"))?;
            return Ok(Self::local(path));
        }
        match url_or_path.split_once("://") {
            Some((scheme, _)) => Err(DeltaError::Unsupported {
                location: url_or_path.to_owned(),
                why: format!("an embedded lakehouse cannot read {scheme}:// yet"),
            }),
            None => Ok(Self::local(url_or_path)),
        }
    }

    /// Names a table in an object store. Must be called, and used, inside a tokio runtime.
    pub fn remote(store: Arc<dyn ObjectStore>, prefix: ObjectPath) -> Self {
        let name = format!("{store}/{prefix}");
        Self(Arc::new(Place::Remote {
            store,
            prefix,
            runtime: Handle::current(),
            name,
        }))
    }

    /// The location as people should see it.
    pub fn location(&self) -> String {
        match &*self.0 {
            Place::Local { folder, .. } => folder.display().to_string(),
            Place::Remote { name, .. } => name.clone(),
        }
    }

    /// The local folder, where there is one.
    pub fn folder(&self) -> Option<&Path> {
        match &*self.0 {
            Place::Local { folder, .. } => Some(folder),
            Place::Remote { .. } => None,
        }
    }

    /// Makes the table's folder and one below it. The base must exist.
    pub(crate) fn make_folder(&self, inner: &str) -> Result<()> {
        match &*self.0 {
            Place::Local { base, folder } => local::make_folder(base, &folder.join(inner)),
            Place::Remote { .. } => Ok(()),
        }
    }

    /// Lists the files directly in a folder of the table; an absent folder is empty.
    pub(crate) fn list(&self, inner: &str) -> Result<Vec<Listed>> {
        match &*self.0 {
            Place::Local { folder, .. } => local::list(&folder.join(inner)),
            Place::Remote { store, runtime, .. } => {
                let at = self.object(inner)?;
                let found = runtime
                    .block_on(store.list_with_delimiter(Some(&at)))
                    .map_err(|error| DeltaError::store(format!("list {at}"), error))?;
                Ok(found.objects.iter().filter_map(listed).collect())
            }
        }
    }

    /// Opens a file for reading.
    pub(crate) fn read(&self, inner: &str) -> Result<Blob> {
        match &*self.0 {
            Place::Local { folder, .. } => {
                let path = folder.join(inner);
                let file = File::open(&path)
                    .map_err(|error| DeltaError::io(format!("open {}", path.display()), error))?;
                Ok(Blob::File(file))
            }
            Place::Remote { store, runtime, .. } => {
                let at = self.object(inner)?;
                let bytes = runtime
                    .block_on(async { store.get(&at).await?.bytes().await })
                    .map_err(|error| DeltaError::store(format!("read {at}"), error))?;
                Ok(Blob::Bytes(bytes))
            }
        }
    }

    /// Reads a whole file.
    pub(crate) fn read_all(&self, inner: &str) -> Result<Bytes> {
        match self.read(inner)? {
            Blob::Bytes(bytes) => Ok(bytes),
            Blob::File(mut file) => {
                let mut content = Vec::new();
                std::io::Read::read_to_end(&mut file, &mut content).map_err(|error| {
                    DeltaError::io(format!("read {inner} of {}", self.location()), error)
                })?;
                Ok(content.into())
            }
        }
    }

    /// The sizes of the files that are there themselves, in the order asked: a link to a file elsewhere is none of ours.
    pub(crate) fn own_sizes(&self, inner: &[&str]) -> Result<Vec<Option<u64>>> {
        match self.folder() {
            None => self.sizes(inner),
            Some(folder) => inner
                .iter()
                .map(|path| {
                    let path = folder.join(path);
                    match path.is_symlink() {
                        true => Ok(None),
                        false => local::size(&path),
                    }
                })
                .collect(),
        }
    }

    /// The sizes of the files that are there, in the order asked.
    pub(crate) fn sizes(&self, inner: &[&str]) -> Result<Vec<Option<u64>>> {
        match &*self.0 {
            Place::Local { folder, .. } => inner
                .iter()
                .map(|path| local::size(&folder.join(path)))
                .collect(),
            Place::Remote {
                store,
                prefix,
                runtime,
                ..
            } if inner.len() > 8 => {
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
                inner
                    .iter()
                    .map(|path| Ok(all.get(self.object(path)?.as_ref()).copied()))
                    .collect()
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

    fn put(&self, inner: &str, content: &[u8], mode: PutMode) -> Result<bool> {
        match &*self.0 {
            Place::Local { base, folder } => {
                local::put(base, &folder.join(inner), content, mode == PutMode::Create)
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

    /// Copies one file from another table's store by way of this process.
    pub(crate) fn pull(&self, from: &TableStore, path: &str, to: &str) -> Result<u64> {
        let content = from.read_all(path).map_err(|error| missing(error, path))?;
        let size = content.len() as u64;
        self.replace(to, &content)?;
        Ok(size)
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
        DeltaError::Io {
            kind: IoTrouble::NotFound,
            ..
        } => DeltaError::DataMissing {
            path: path.to_owned(),
        },
        other => other,
    }
}

/// An absolute path without `..`, so that absolute paths in a log can be recognized as the table's own.
fn absolute(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    if absolute
        .components()
        .any(|part| part == std::path::Component::ParentDir)
    {
        return std::fs::canonicalize(&absolute).unwrap_or(absolute);
    }
    absolute
}

fn listed(meta: &object_store::ObjectMeta) -> Option<Listed> {
    Some(Listed {
        name: meta.location.filename()?.to_owned(),
        size: meta.size,
        modified_ms: meta.last_modified.timestamp_millis(),
    })
}
