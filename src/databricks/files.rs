//! Reads a configuration from a workspace (`workspace:/path`) or a volume (`volume:/Volumes/…`): a file, or a folder's `*.json`.

use url::Url;

use super::auth::{Environment, SignInError, SignInTarget, Tried, ambient_host, sign_in};
use super::client::Client;
use super::pages::every_item;
use super::refusal::Refusal;
use super::timing::Timing;
use super::wire::{DirectoryPage, ObjectInfo, Objects};
use crate::config::WorkspaceAddress;
use crate::region::{RegionError, RegionErrorKind};

/// What lies at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// One file.
    File {
        /// As the user would name it.
        name: String,
        /// What is in it.
        bytes: Vec<u8>,
    },
    /// A folder: the files in it that end with `.json`, sorted by name.
    Folder(Vec<(String, Vec<u8>)>),
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// Nobody could be signed in.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// Nothing was asked: the source, or the workspace that is named for it, is none.
    #[error(transparent)]
    Mistaken(RegionError),
    /// The service refuses.
    #[error(transparent)]
    Refused(#[from] RegionError),
}

/// Whether a source is for [`read`].
pub fn is_remote(source: &str) -> bool {
    source.starts_with("workspace:") || source.starts_with("volume:")
}

/// Reads a source in the workspace that the ambient Databricks authentication names.
///
/// # Errors
/// See [`FilesError`]; `Mistaken` for a source that is neither `workspace:/…` nor `volume:/Volumes/…`.
pub async fn read(
    source: &str,
    environment: &Environment,
    timing: &Timing,
) -> Result<Files, FilesError> {
    let doing = || format!("read {source}");
    let mistaken = |text: &str| {
        FilesError::Mistaken(RegionError::new(RegionErrorKind::Unsupported, doing(), text))
    };
    let base = base(environment).map_err(|why| mistaken(&why))?;
    let host = base.as_str().trim_end_matches('/').to_owned();
    let doing = || format!("read {source} in {host}");
    let wanted =
        SignInTarget { name: None, base: &base, secret: None, profile: None, unbound: true };
    let (credential, _) = sign_in(&wanted, environment, timing).await?;
    let method = credential.method().to_owned();
    let client = Client::new(base.clone(), credential, timing.clone())
        .map_err(|refusal| refusal.doing(doing()))?;
    let read = match (source.strip_prefix("workspace:"), source.strip_prefix("volume:")) {
        (Some(path), _) if path.starts_with('/') => workspace(&client, path).await,
        (_, Some(path)) if path.starts_with("/Volumes/") => volume(&client, path).await,
        _ => {
            return Err(mistaken(
                "write workspace:/path or volume:/Volumes/catalog/schema/volume/path",
            ));
        }
    };
    read.map_err(|refusal| {
        if refusal.is_sign_in() {
            SignInError {
                workspace: host.clone(),
                tried: vec![Tried::new(method, format!("is refused: {refusal}"))],
            }
            .into()
        } else {
            refusal.doing(doing()).into()
        }
    })
}

/// The workspace in which files are read, where the ambient authentication names one.
pub fn workspace_of(environment: &Environment) -> Option<Url> {
    base(environment).ok()
}

/// The address that the ambient authentication names.
pub(super) fn base(environment: &Environment) -> Result<Url, String> {
    let host = ambient_host(environment)?;
    let host = if host.contains("://") { host } else { format!("https://{host}") };
    let here = std::path::Path::new("/");
    let origin = Url::parse(&host).map(|url| url.origin().ascii_serialization()).unwrap_or(host);
    match WorkspaceAddress::parse(&origin, here) {
        Ok(WorkspaceAddress::Databricks(url)) => Ok(url),
        Ok(WorkspaceAddress::Lakehouse(_)) | Err(_) => {
            Err("DATABRICKS_HOST is not a workspace's address".to_owned())
        }
    }
}

/// `GET /api/2.0/workspace/get-status`, then its file or its folder's.
async fn workspace(client: &Client, path: &str) -> Result<Files, Refusal> {
    let (path, status) = match status(client, path).await {
        // Some services take paths only without the mount that users see.
        Err(refusal) if refusal.no_table() && path.starts_with("/Workspace/") => {
            let inner = path.trim_start_matches("/Workspace");
            (inner, status(client, inner).await?)
        }
        status => (path, status?),
    };
    if status.object_type != "DIRECTORY" && status.object_type != "REPO" {
        let bytes = export(client, path).await?;
        return Ok(Files::File { name: format!("workspace:{path}"), bytes });
    }
    let listed: Objects =
        client.get(&["api", "2.0", "workspace", "list"], &[("path", path)]).await?;
    let mut files = Vec::new();
    for object in listed.objects {
        if object.object_type == "FILE" && is_config(&object.path) {
            files.push((format!("workspace:{}", object.path), export(client, &object.path).await?));
        }
    }
    files.sort();
    Ok(Files::Folder(files))
}

async fn status(client: &Client, path: &str) -> Result<ObjectInfo, Refusal> {
    client.get(&["api", "2.0", "workspace", "get-status"], &[("path", path)]).await
}

/// `GET /api/2.0/workspace/export` of raw bytes.
async fn export(client: &Client, path: &str) -> Result<Vec<u8>, Refusal> {
    let query = [("path", path), ("format", "AUTO"), ("direct_download", "true")];
    client.get_bytes(&["api", "2.0", "workspace", "export"], &query).await
}

/// `GET /api/2.0/fs/files/Volumes/…`, or its folder's files.
async fn volume(client: &Client, path: &str) -> Result<Files, Refusal> {
    let name = |path: &str| format!("volume:{path}");
    let whole = path.trim_end_matches('/');
    if !path.ends_with('/') {
        match file(client, whole).await {
            Ok(bytes) => {
                return Ok(Files::File { name: name(whole), bytes });
            }
            // It may be a folder, which is refused in more than one way.
            Err(refusal) if is_config(whole) || refusal.is_sign_in() || refusal.transient => {
                return Err(refusal);
            }
            Err(_) => {}
        }
    }
    let path = segments("directories", whole);
    let mut entries = every_item(client, &path, &[], |page: DirectoryPage| page.contents).await?;
    entries.retain(|entry| !entry.is_directory && is_config(&entry.path));
    let mut files = Vec::new();
    for entry in entries {
        files.push((name(&entry.path), file(client, &entry.path).await?));
    }
    files.sort();
    Ok(Files::Folder(files))
}

async fn file(client: &Client, path: &str) -> Result<Vec<u8>, Refusal> {
    client.get_bytes(&segments("files", path), &[]).await
}

fn segments<'a>(kind: &'a str, path: &'a str) -> Vec<&'a str> {
    ["api", "2.0", "fs", kind]
        .into_iter()
        .chain(path.split('/').filter(|part| !part.is_empty()))
        .collect()
}

fn is_config(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.ends_with(".json") && !name.starts_with('.')
}
