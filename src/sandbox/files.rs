//! Workspace files and volumes: folders of the lakehouse, `workspace` and `volumes`. No link below the lakehouse is followed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::Site;
use super::http::{HttpRefusal, Params, Reply, body, page, text};
use crate::files::{self as disk, There};
use crate::limits::DOCUMENT;

/// A path in a folder of the lakehouse, to be opened as it is.
fn inside(site: &Site, folder: &str, path: &str) -> Result<PathBuf, HttpRefusal> {
    let mut place = disk::resolve_folder(&site.workspace.folder).join(folder);
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if part == "." || part == ".." || part.contains('\0') {
            return Err(HttpRefusal::bad(format!("Path ({path}) is not a valid path.")));
        }
        place.push(part);
    }
    Ok(place)
}

/// The folder of workspace files.
const WORKSPACE: &str = "workspace";

/// A workspace path, with or without `/Workspace`, and where it lies.
fn workspace_file(site: &Site, path: &str) -> Result<PathBuf, HttpRefusal> {
    let path = path
        .strip_prefix("/Workspace")
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .unwrap_or(path);
    inside(site, WORKSPACE, path)
}

/// Whether a place is the root of the workspace's files, which is there before any of them.
fn is_root(site: &Site, place: &FilePath) -> bool {
    inside(site, WORKSPACE, "").is_ok_and(|root| place == root)
}

fn no_path(path: &str) -> HttpRefusal {
    HttpRefusal::not_found("RESOURCE_DOES_NOT_EXIST", format!("Path ({path}) doesn't exist."))
}

fn object(path: &str, there: There) -> Value {
    let kind = match there {
        There::Folder => "DIRECTORY",
        There::File(_) => "FILE",
    };
    let number =
        path.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let mut object = json!({"object_type": kind, "path": path, "object_id": number, "resource_id": number.to_string()});
    if let There::File(facts) = there {
        object["size"] = facts.size.into();
        object["created_at"] = facts.modified_ms.into();
        object["modified_at"] = facts.modified_ms.into();
    }
    object
}

/// `GET /api/2.0/workspace/get-status`.
pub(super) async fn status(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let path = params.needed("path")?;
    let place = workspace_file(&site, path)?;
    let there = if is_root(&site, &place) {
        There::Folder
    } else {
        disk::find_entry(&place).map_err(|_| no_path(path))?
    };
    Ok(Json(object(path, there)))
}

/// `GET /api/2.0/workspace/list`.
pub(super) async fn list(State(site): State<Arc<Site>>, params: Params) -> Reply {
    let path = params.needed("path")?;
    let folder = workspace_file(&site, path)?;
    if let Ok(file @ There::File(_)) = disk::find_entry(&folder) {
        return Ok(Json(json!({"objects": [object(path, file)]})));
    }
    let found = match disk::entries(&folder) {
        Err(_) if is_root(&site, &folder) => BTreeMap::new(),
        found => found.map_err(|_| no_path(path))?,
    };
    let all: Vec<Value> = found
        .into_iter()
        .map(|(name, there)| object(&format!("{}/{name}", path.trim_end_matches('/')), there))
        .collect();
    Ok(Json(if all.is_empty() { json!({}) } else { json!({"objects": all}) }))
}

/// Bytes that a workspace's file may have to be exported.
const EXPORTED_LONGEST: u64 = 10 << 20;

/// The content of a file that was looked at.
fn content_of(file: &FilePath) -> io::Result<Vec<u8>> {
    disk::read(disk::open_regular(file)?, &DOCUMENT)
}

/// `GET /api/2.0/workspace/export`.
pub(super) async fn export(
    State(site): State<Arc<Site>>,
    params: Params,
) -> Result<Response, HttpRefusal> {
    let path = params.needed("path")?;
    let file = workspace_file(&site, path)?;
    let Ok(There::File(facts)) = disk::find_entry(&file) else {
        return Err(no_path(path));
    };
    if facts.size > EXPORTED_LONGEST {
        return Err(HttpRefusal::new(
            StatusCode::BAD_REQUEST,
            "MAX_NOTEBOOK_SIZE_EXCEEDED",
            "File size exceeded max limit 10485760.",
        ));
    }
    let content = content_of(&file).map_err(|_| no_path(path))?;
    if params.is_true("direct_download") {
        return Ok(([(header::CONTENT_TYPE, "application/octet-stream")], content).into_response());
    }
    let kind = path.rsplit_once('.').map_or("", |(_, end)| end);
    Ok(Json(json!({"content": BASE64.encode(content), "file_type": kind})).into_response())
}

/// `POST /api/2.0/workspace/import`, as JSON or as a form with a file.
pub(super) async fn import(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Reply {
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (path, content, overwrite) = match kind.split_once("boundary=") {
        Some((_, boundary)) => {
            let parts = form(&bytes, boundary.trim_matches('"'));
            let part = |name: &str| {
                parts.iter().find(|(it, _)| it == name).map(|(_, content)| content.clone())
            };
            let said = |name: &str| {
                part(name).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
            };
            (said("path"), part("content").unwrap_or_default(), said("overwrite") == "true")
        }
        None => {
            let request = body(&bytes)?;
            let coded = request.get("content").and_then(Value::as_str).unwrap_or_default();
            let content =
                BASE64.decode(coded).map_err(|_| HttpRefusal::bad("content is not base64."))?;
            let overwrite = request.get("overwrite").and_then(Value::as_bool).unwrap_or(false);
            (text(&request, "path")?.to_owned(), content, overwrite)
        }
    };
    if path.is_empty() {
        return Err(HttpRefusal::bad("Missing required field: path"));
    }
    let file = workspace_file(&site, &path)?;
    if is_taken(&file, overwrite)? {
        let message = format!("Path ({path}) already exists.");
        return Err(HttpRefusal::new(StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", message));
    }
    store(&file, &content)?;
    Ok(Json(json!({})))
}

/// `POST /api/2.0/workspace/mkdirs`.
pub(super) async fn mkdirs(State(site): State<Arc<Site>>, bytes: Bytes) -> Reply {
    let request = body(&bytes)?;
    let folder = workspace_file(&site, text(&request, "path")?)?;
    disk::make_folders(&folder).map_err(refused)?;
    Ok(Json(json!({})))
}

fn store(file: &FilePath, content: &[u8]) -> Result<(), HttpRefusal> {
    if let Some(folder) = file.parent() {
        disk::make_folders(folder).map_err(refused)?;
    }
    disk::replace(file, content).map_err(refused)
}

/// Whether a name is a file's that may not be replaced; what is no regular file never may.
fn is_taken(file: &FilePath, overwrite: bool) -> Result<bool, HttpRefusal> {
    match disk::find_entry(file) {
        Ok(_) => Ok(!overwrite),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(refused(error)),
        Err(_) => Ok(false),
    }
}

/// What the disk refuses: a link in a path is the caller's affair, anything else this machine's.
fn refused(error: io::Error) -> HttpRefusal {
    match error.kind() {
        io::ErrorKind::InvalidInput => HttpRefusal::bad(format!("The path is refused: {error}.")),
        _ => HttpRefusal::internal(error),
    }
}

/// The parts of a multipart form, by name.
fn form(bytes: &[u8], boundary: &str) -> Vec<(String, Vec<u8>)> {
    let line = format!("--{boundary}").into_bytes();
    let find = |from: usize, what: &[u8]| {
        bytes[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    let mut parts = Vec::new();
    let mut at = find(0, &line);
    while let Some(begin) = at {
        let head = begin + line.len();
        let next = find(head, &line);
        let (Some(blank), Some(end)) = (find(head, b"\r\n\r\n"), next) else {
            break;
        };
        let header = String::from_utf8_lossy(&bytes[head..blank.min(end)]);
        let name = header.split("name=\"").nth(1).and_then(|rest| rest.split('"').next());
        if let (Some(name), true) = (name, blank + 4 <= end.saturating_sub(2)) {
            parts.push((name.to_owned(), bytes[blank + 4..end - 2].to_vec()));
        }
        at = next;
    }
    parts
}

/// A path of a volume and where it lies.
fn volume_file(site: &Site, path: &str) -> Result<PathBuf, HttpRefusal> {
    let path = path.trim_start_matches('/');
    match path.strip_prefix("Volumes/") {
        Some(rest) => inside(site, "volumes", rest),
        None => Err(HttpRefusal::bad(format!("Path must start with /Volumes: /{path}"))),
    }
}

fn no_file(path: &str) -> HttpRefusal {
    HttpRefusal::not_found(
        "NOT_FOUND",
        format!("The file or directory /{} does not exist.", path.trim_start_matches('/')),
    )
}

/// `GET` and `HEAD /api/2.0/fs/files/Volumes/…`, whole or a range.
pub(super) async fn download(
    State(site): State<Arc<Site>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, HttpRefusal> {
    let file = volume_file(&site, &path)?;
    let Ok(There::File(facts)) = disk::find_entry(&file) else {
        return Err(no_file(&path));
    };
    DOCUMENT
        .allow(facts.size)
        .map_err(|over| HttpRefusal::bad(format!("/{path} is not served: {over}.")))?;
    let content = content_of(&file).map_err(|_| no_file(&path))?;
    let modified = chrono::DateTime::from_timestamp_millis(facts.modified_ms).unwrap_or_default();
    let common = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::LAST_MODIFIED, modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
    ];
    let asked =
        headers.get(header::RANGE).and_then(|value| value.to_str().ok()?.strip_prefix("bytes="));
    if let Some((from, to)) = asked.and_then(|range| range.split_once('-'))
        && let Ok(from) = from.parse::<usize>()
        && from < content.len()
    {
        let to = to.parse().unwrap_or(usize::MAX).min(content.len() - 1);
        let range = format!("bytes {from}-{to}/{}", content.len());
        let part = content[from..=to.max(from)].to_vec();
        return Ok((StatusCode::PARTIAL_CONTENT, common, [(header::CONTENT_RANGE, range)], part)
            .into_response());
    }
    Ok((common, content).into_response())
}

/// `PUT /api/2.0/fs/files/Volumes/…`.
pub(super) async fn upload(
    State(site): State<Arc<Site>>,
    Path(path): Path<String>,
    params: Params,
    content: Bytes,
) -> Result<StatusCode, HttpRefusal> {
    let file = volume_file(&site, &path)?;
    if is_taken(&file, params.is_true("overwrite"))? {
        let message = format!("The file being created already exists: /{path}");
        return Err(HttpRefusal::new(StatusCode::CONFLICT, "ALREADY_EXISTS", message));
    }
    store(&file, &content)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/2.0/fs/files/Volumes/…`.
pub(super) async fn remove(
    State(site): State<Arc<Site>>,
    Path(path): Path<String>,
) -> Result<StatusCode, HttpRefusal> {
    disk::remove_file(&volume_file(&site, &path)?).map_err(|_| no_file(&path))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET` and `HEAD /api/2.0/fs/directories/Volumes/…`.
pub(super) async fn directory(
    State(site): State<Arc<Site>>,
    Path(path): Path<String>,
    params: Params,
) -> Reply {
    let folder = volume_file(&site, &path)?;
    let shown = format!("/{}", path.trim_matches('/'));
    let found = disk::entries(&folder).map_err(|_| no_file(&path))?;
    let all = found.into_iter().map(|(name, there)| {
        let mut entry = json!({"path": format!("{shown}/{name}"), "name": name, "is_directory": there == There::Folder});
        if let There::File(facts) = there {
            entry["file_size"] = facts.size.into();
            entry["last_modified"] = facts.modified_ms.into();
        }
        entry
    });
    let size =
        params.number("page_size")?.and_then(|size| usize::try_from(size).ok()).unwrap_or(1000);
    page(&params, "contents", all.collect(), size.clamp(1, 1000)).map(Json)
}

/// `PUT /api/2.0/fs/directories/Volumes/…`.
pub(super) async fn make_directory(
    State(site): State<Arc<Site>>,
    Path(path): Path<String>,
) -> Result<StatusCode, HttpRefusal> {
    let made = disk::make_folders(&volume_file(&site, &path)?);
    made.map_err(|_| {
        HttpRefusal::new(
            StatusCode::CONFLICT,
            "ALREADY_EXISTS",
            format!("A file is in the way: /{path}"),
        )
    })?;
    Ok(StatusCode::NO_CONTENT)
}
