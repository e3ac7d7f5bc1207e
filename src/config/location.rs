//! Where things lie: sync locations, read and normalised once, here. Pure.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::sentence::Sentence;
use percent_encoding::percent_decode_str;
use url::Url;

/// A location or an address that could not be read: what is wrong, and what to do. Never holds credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LocationError {
    /// What is wrong, a lowercase fragment.
    pub message: Sentence,
    /// What to do about it.
    pub remedy: Option<Sentence>,
}

impl LocationError {
    pub(super) fn new(message: impl Into<Sentence>, remedy: impl Into<Sentence>) -> LocationError {
        LocationError { message: message.into(), remedy: Some(remedy.into()) }
    }
}

/// Which kind of store a location is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Azure storage, `abfss://container@account.dfs.core.windows.net/`.
    Abfss,
    /// Amazon S3, `s3://bucket/`.
    S3,
    /// Google Cloud Storage, `gs://bucket/`.
    Gs,
    /// A folder of this machine.
    File,
}

/// A sync location: a folder of an object store or of this machine. Equal where they mean the same folder.
///
/// Its text is literal: a `%` in it is a `%` in the store.
#[derive(Debug, Clone)]
pub struct LocationAddress {
    scheme: Scheme,
    shown: String,
    /// The bucket, or `container@account…`; empty for a folder of this machine.
    authority: String,
    /// Below the authority, without slashes at its ends; empty for a folder of this machine.
    prefix: String,
    path: Option<PathBuf>,
    /// What it is compared by: scheme and authority, then the folders, in a store percent-decoded.
    key: Vec<String>,
}

const FORMS: &str = "write abfss://container@account.dfs.core.windows.net/folder, s3://bucket/folder, gs://bucket/folder or the path of a folder";

impl LocationAddress {
    /// Reads `abfss://`, `s3://`, `gs://`, `file://` or a path; a relative path is read against `base`.
    pub fn parse(text: &str, base: &Path) -> Result<LocationAddress, LocationError> {
        check_text(text)?;
        let Some((scheme, rest)) = scheme_of(text) else {
            let path = folder(text, base)?;
            return Ok(LocationAddress::local(path.display().to_string(), path));
        };
        match scheme.as_str() {
            "abfss" => LocationAddress::remote(Scheme::Abfss, rest),
            "s3" => LocationAddress::remote(Scheme::S3, rest),
            "gs" => LocationAddress::remote(Scheme::Gs, rest),
            "file" => {
                let path = file_url(text)?;
                let literal = path.display().to_string();
                // A letter that a URL would read otherwise leaves only the path as a text that means itself.
                let shown = if literal.contains(['%', '?', '#', '\\']) {
                    literal
                } else {
                    format!("file://{literal}")
                };
                Ok(LocationAddress::local(shown, path))
            }
            "abfs" | "wasb" | "wasbs" | "adl" => Err(LocationError::new(
                format!("`{scheme}://` is not a scheme drsync writes to"),
                "write abfss://container@account.dfs.core.windows.net/folder",
            )),
            "s3a" | "s3n" => Err(LocationError::new(
                format!("`{scheme}://` is not a scheme drsync writes to"),
                "write s3://bucket/folder",
            )),
            _ => Err(LocationError::new(
                format!("`{scheme}:` is not a scheme drsync writes to"),
                FORMS,
            )),
        }
    }

    fn local(shown: String, path: PathBuf) -> LocationAddress {
        let key = key_of_folder(&path);
        let (authority, prefix) = (String::new(), String::new());
        LocationAddress { scheme: Scheme::File, shown, authority, prefix, path: Some(path), key }
    }

    fn remote(scheme: Scheme, rest: &str) -> Result<LocationAddress, LocationError> {
        let rest = rest
            .strip_prefix("//")
            .ok_or_else(|| LocationError::new("has no `//` after its scheme", FORMS))?;
        if rest.contains(['?', '#']) {
            return Err(LocationError::new(
                "has a query or a fragment",
                "write the folder only; a key or a signature belongs in no configuration",
            ));
        }
        let (authority, folders) = rest.split_once('/').unwrap_or((rest, ""));
        let authority = authority.to_lowercase();
        check_authority(scheme, &authority)?;
        let segments = segments_of(folders);
        let prefix = segments.join("/");
        let root = format!("{}://{authority}", scheme.as_str());
        let shown = if prefix.is_empty() { root.clone() } else { format!("{root}/{prefix}") };
        let key = key_in_store(root, &segments);
        Ok(LocationAddress { scheme, shown, authority, prefix, path: None, key })
    }

    /// The normalised form, without a slash at its end: a URL, or an absolute path where a path was written.
    ///
    /// Read again it gives the same location.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The normalised form as a URL, also where a path was written. Of a folder of this machine it is percent-encoded.
    pub fn url(&self) -> String {
        let url = self.path.as_deref().and_then(|path| Url::from_file_path(path).ok());
        url.map_or_else(|| self.shown.clone(), String::from)
    }

    /// Which kind of store it is in.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The bucket, or `container@account…`; empty for a folder of this machine.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The folders below the authority, without slashes at its ends; empty for a folder of this machine.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The folder of this machine, where it is one.
    pub fn is_local(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// `relative` under it, taken literally: nothing is encoded or decoded. [`LocationAddress::literal_path`] is its inverse on this machine.
    pub fn join(&self, relative: &str) -> String {
        format!("{}/{}", self.shown.trim_end_matches('/'), relative.trim_start_matches('/'))
    }

    /// The path of this machine that a text of [`LocationAddress::join`] means; `None` if it is in an object store.
    pub fn literal_path(joined: &str) -> Option<PathBuf> {
        let path = joined.strip_prefix("file://").unwrap_or(joined);
        path.starts_with('/').then(|| PathBuf::from(path))
    }

    /// Whether two texts of [`LocationAddress::join`] mean one place, by what locations are compared by: on this machine a path
    /// and its `file://` URL do, in a store also what is percent-encoded otherwise.
    pub fn is_one_place(one: &str, other: &str) -> bool {
        // Most are spelled alike, and there are as many as tables.
        without_scheme(one) == without_scheme(other) || key_of_joined(one) == key_of_joined(other)
    }

    /// What a text of [`LocationAddress::join`] has below a root, without a slash at its beginning; `None`: it lies elsewhere.
    pub fn path_below<'l>(root: &str, joined: &'l str) -> Option<&'l str> {
        let joined = without_scheme(joined);
        let spelled_alike = joined.strip_prefix(without_scheme(root));
        spelled_alike.and_then(|below| below.strip_prefix('/')).or_else(|| {
            let key = key_of_joined(root);
            let mut parts = joined.match_indices('/').map(|(at, _)| joined.split_at(at));
            let (_, below) = parts.find(|(above, _)| key_of_joined(above) == key)?;
            below.strip_prefix('/')
        })
    }

    /// The two are the same, or one lies under the other.
    pub fn nests(&self, other: &LocationAddress) -> bool {
        self.key.starts_with(&other.key) || other.key.starts_with(&self.key)
    }
}

impl Scheme {
    /// As it is written, without `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Abfss => "abfss",
            Scheme::S3 => "s3",
            Scheme::Gs => "gs",
            Scheme::File => "file",
        }
    }
}

impl fmt::Display for LocationAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl PartialEq for LocationAddress {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for LocationAddress {}

/// Refuses what is no path of folders under a location: an empty part, `.`, `..`, a NUL, or a slash at its beginning or end.
///
/// A path that stands in a plan, a cut or a catalog is data that others may have written.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn check_path(relative: &str) -> Result<(), LocationError> {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if relative.split('/').all(plain) {
        Ok(())
    } else {
        Err(LocationError::new(
            format!(
                "`{}` is no path under a sync location: it has an empty part, `.`, `..` or a NUL",
                relative.escape_debug()
            ),
            "plan again: a replica lies at <catalog>/<schema>/<table>",
        ))
    }
}

/// A text of [`LocationAddress::join`] without slashes at its end; of this machine the bare path, also where a catalog of Spark wrote `file:/`.
fn without_scheme(joined: &str) -> &str {
    let joined = joined.trim_end_matches('/');
    let bare = joined.strip_prefix("file://").or_else(|| joined.strip_prefix("file:"));
    bare.filter(|path| path.starts_with('/')).unwrap_or(joined)
}

/// What a text of [`LocationAddress::join`] is compared by, as the location is that it means; a text that means none, by itself.
fn key_of_joined(joined: &str) -> Vec<String> {
    let bare = without_scheme(joined);
    if bare.starts_with('/') {
        return key_of_folder(&without_dots(Path::new(bare)));
    }
    let inside =
        scheme_of(bare).and_then(|(scheme, rest)| Some((scheme, rest.strip_prefix("//")?)));
    let Some((scheme, rest)) = inside else {
        return vec![bare.to_owned()];
    };
    let (authority, folders) = rest.split_once('/').unwrap_or((rest, ""));
    key_in_store(format!("{scheme}://{}", authority.to_lowercase()), &segments_of(folders))
}

/// What a folder of this machine is compared by: its name is literal.
fn key_of_folder(path: &Path) -> Vec<String> {
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    std::iter::once("file:".to_owned()).chain(names).collect()
}

/// What a folder of a store is compared by: some that read it decode what is percent-encoded, and others do not.
fn key_in_store(root: String, segments: &[&str]) -> Vec<String> {
    std::iter::once(root).chain(segments.iter().map(|segment| decoded(segment))).collect()
}

/// The folders of a path in a store, as they are spelled, without empty ones, `.` and `..`.
fn segments_of(folders: &str) -> Vec<&str> {
    let mut segments: Vec<&str> = Vec::new();
    for segment in folders.split('/') {
        match decoded(segment).as_str() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    segments
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// Refuses what no location or address may hold.
pub(super) fn check_text(text: &str) -> Result<(), LocationError> {
    if text.trim().is_empty() {
        return Err(LocationError::new("is empty", FORMS));
    }
    if text.chars().any(char::is_control) {
        return Err(LocationError::new("has a control character in it", "remove it"));
    }
    if text != text.trim() {
        return Err(LocationError::new("has a blank at its end", "remove it"));
    }
    Ok(())
}

/// The scheme in lower case and what follows its colon. One letter is a drive, not a scheme.
pub(super) fn scheme_of(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let begins = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let reads = scheme.len() > 1 && begins && scheme.chars().all(plain) && rest.starts_with('/');
    reads.then(|| (scheme.to_ascii_lowercase(), rest))
}

fn check_authority(scheme: Scheme, authority: &str) -> Result<(), LocationError> {
    let name = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '$');
        !text.is_empty() && text.chars().all(plain)
    };
    match (scheme, authority.split_once('@')) {
        (Scheme::Abfss, Some((container, account))) if name(container) && name(account) => Ok(()),
        (Scheme::Abfss, Some((container, _))) if container.contains(':') => Err(credentials(FORMS)),
        (Scheme::Abfss, _) => Err(LocationError::new(
            "does not name a container and an account",
            "write abfss://container@account.dfs.core.windows.net/folder",
        )),
        (_, Some(_)) => Err(credentials(FORMS)),
        (_, None) if name(authority) => Ok(()),
        (scheme, None) => Err(LocationError::new(
            "does not name a bucket",
            format!("write {}://bucket/folder", scheme.as_str()),
        )),
    }
}

pub(super) fn credentials(form: &str) -> LocationError {
    LocationError::new(
        "has credentials in it, which are not repeated here",
        format!("take them out and change them where they were made; {form}"),
    )
}

/// The folder that a path means, absolute if `base` is, without `.` and `..`.
pub(super) fn folder(text: &str, base: &Path) -> Result<PathBuf, LocationError> {
    if text == "~" || text.starts_with("~/") {
        return Err(LocationError::new(
            "begins with `~`, which only a shell knows",
            "write the whole path",
        ));
    }
    Ok(without_dots(&base.join(text)))
}

/// The folder that a `file://` URL means.
pub(super) fn file_url(text: &str) -> Result<PathBuf, LocationError> {
    let form = "write file:///folder, or the path of the folder";
    let url = Url::parse(text).map_err(|_| LocationError::new("is not a URL", form))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(LocationError::new("has a query or a fragment", form));
    }
    let path = url.to_file_path().map_err(|()| {
        LocationError::new(
            "names another machine",
            "write file:/// with three slashes for a folder of this one",
        )
    })?;
    match path.to_str() {
        Some(_) => Ok(without_dots(&path)),
        None => Err(LocationError::new("is not UTF-8 text", form)),
    }
}

fn without_dots(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
#[path = "location_tests.rs"]
mod tests;
