//! Where things lie: sync locations and workspace addresses, normalised once, here.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

/// A location or an address that could not be read: what is wrong, and what to do. Never holds credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LocationError {
    /// What is wrong, a lowercase fragment.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// Where a sync location lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Azure storage.
    Abfss,
    /// Amazon S3.
    S3,
    /// Google Cloud Storage.
    Gs,
    /// A folder of this machine.
    File,
}

/// A sync location: a folder of an object store or of this machine. Equal where the normalised forms are.
#[derive(Debug, Clone)]
pub struct Location {
    scheme: Scheme,
    shown: String,
    path: Option<PathBuf>,
}

/// Where a workspace is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkspaceAddress {
    /// A Databricks workspace, or a sandbox on this machine.
    Databricks(Url),
    /// The folder of an embedded lakehouse, absolute.
    Lakehouse(PathBuf),
}

impl Location {
    /// Reads `abfss://`, `s3://`, `gs://`, `file://` or a path; a relative path is read against `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Location, LocationError> {
        let path = base.join(text);
        Ok(Location {
            scheme: Scheme::File,
            shown: path.display().to_string(),
            path: Some(path),
        })
    }

    /// The normalised form, without a slash at its end: a URL, or an absolute path where a path was written.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The normalised form as a URL, also where a path was written.
    pub fn url(&self) -> String {
        match &self.path {
            Some(path) => Url::from_directory_path(path)
                .map(|url| url.as_str().trim_end_matches('/').to_string())
                .unwrap_or_else(|()| self.shown.clone()),
            None => self.shown.clone(),
        }
    }

    /// Which kind of store it is in.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The folder of this machine, where it is one.
    pub fn is_local(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// `relative` under it, taken literally: nothing is encoded or decoded.
    pub fn join(&self, relative: &str) -> String {
        format!("{}/{relative}", self.shown.trim_end_matches('/'))
    }

    /// One of the two is the other, or lies under it.
    pub fn nests(&self, other: &Location) -> bool {
        let (a, b) = (self.url(), other.url());
        let under = |a: &str, b: &str| b == a || b.starts_with(&format!("{a}/"));
        under(&a, &b) || under(&b, &a)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        self.url() == other.url()
    }
}

impl Eq for Location {}

impl WorkspaceAddress {
    /// Reads `https://…` (`http://` on this machine only), a path or a `file://` URL; a relative path is read against `base`.
    pub fn parse(text: &str, base: &Path) -> Result<WorkspaceAddress, LocationError> {
        match Url::parse(text) {
            Ok(url) if url.scheme() == "https" || url.scheme() == "http" => {
                Ok(WorkspaceAddress::Databricks(url))
            }
            _ => Ok(WorkspaceAddress::Lakehouse(base.join(text))),
        }
    }
}

impl fmt::Display for WorkspaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkspaceAddress::Databricks(url) => f.write_str(url.as_str().trim_end_matches('/')),
            WorkspaceAddress::Lakehouse(path) => write!(f, "{}", path.display()),
        }
    }
}
