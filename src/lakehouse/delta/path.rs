//! What a path in a Delta log means: percent-encoded, relative to the table or absolute, never out of its root. Pure.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::error::{DeltaError, Result};

/// The folder of a table that holds its log.
pub(crate) const LOG: &str = "_delta_log";

/// Where a file named by a log lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileLocation {
    /// Inside the table; decoded, with `/` between folders, to be taken literally.
    Inside(String),
    /// Elsewhere on this machine, as in a shallow clone.
    Elsewhere(PathBuf),
    /// On another kind of store, as a URL.
    Foreign(String),
}

/// What a URI path cannot carry as it is. `=` and what Hive escapes in partition folders can.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b':');

/// Encodes a path inside a table for the log.
pub(crate) fn encode(path: &str) -> String {
    utf8_percent_encode(path, ENCODED).to_string()
}

/// Finds where a path in the log of a table points. `root` is the table's folder, where it has one.
pub(crate) fn locate(path: &str, root: Option<&Path>) -> Result<FileLocation> {
    let refused = |why: &str| DeltaError::corrupt(path, why);
    let decoded =
        percent_decode_str(path).decode_utf8().map_err(|_| refused("the path is not UTF-8"))?;
    if decoded.contains('\0') {
        return Err(refused("the path holds a NUL"));
    }
    // Readers resolve it or do not, and some ask for the folder before it, which a copy has not.
    if decoded.split('/').any(|part| part == "..") {
        return Err(refused("the path leads out of the table, or of a folder, by a part `..`"));
    }
    match scheme(path) {
        Some("file") => {
            let rest = &decoded["file:".len()..];
            // file:/x, file:///x and file://localhost/x are one place.
            let rest = match rest.strip_prefix("//") {
                Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
                None => rest,
            };
            absolute(rest, root).ok_or_else(|| refused("a file URL without an absolute path"))
        }
        Some(_) => Ok(FileLocation::Foreign(path.to_owned())),
        None if decoded.starts_with('/') => {
            absolute(&decoded, root).ok_or_else(|| refused("the path is not absolute"))
        }
        None => {
            let inside = normal(&decoded);
            if inside.is_empty() {
                Err(refused("the path names no file"))
            } else {
                Ok(FileLocation::Inside(inside.into_owned()))
            }
        }
    }
}

/// A path as the log spells it, except that an absolute one begins with `file:/`: Delta takes `/x`, `file:/x` and `file:///x` for one.
pub(crate) fn qualified(path: &str) -> Cow<'_, str> {
    if path.starts_with('/') {
        return Cow::Owned(format!("file:{path}"));
    }
    match path.strip_prefix("file:///") {
        Some(rest) => Cow::Owned(format!("file:/{rest}")),
        None => Cow::Borrowed(path),
    }
}

/// Whether a path says by itself where it lies: it begins with a slash or a scheme.
pub(crate) fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || scheme(path).is_some()
}

/// The scheme of a URI, where the path has one: `file:/x` has, `a=1:2/x` and `day/1:2` have not.
fn scheme(path: &str) -> Option<&str> {
    let (scheme, _) = path.split_once(':')?;
    let valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|each| each.is_ascii_alphanumeric() || matches!(each, '+' | '-' | '.'));
    valid.then_some(scheme)
}

fn absolute(path: &str, root: Option<&Path>) -> Option<FileLocation> {
    let inner = path.strip_prefix('/')?;
    let path = format!("/{}", normal(inner));
    if let Some(inside) = root.and_then(|root| path.strip_prefix(root.to_str()?)?.strip_prefix('/'))
    {
        return Some(FileLocation::Inside(inside.to_owned()));
    }
    Some(FileLocation::Elsewhere(PathBuf::from(path)))
}

/// Leaves out `.` and empty parts.
fn normal(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(|part| matches!(part, "" | ".")) {
        return Cow::Borrowed(path);
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    Cow::Owned(parts.join("/"))
}

/// Where the file of a deletion vector with storage type `u` lies: an optional folder, then 20 characters of Z85.
pub(crate) fn vector_file(reference: &str) -> Result<String> {
    let refused = |why: &str| DeltaError::corrupt(format!("deletion vector {reference}"), why);
    if !reference.is_ascii() {
        return Err(refused("the reference is not Z85"));
    }
    let at =
        reference.len().checked_sub(20).ok_or_else(|| refused("the reference is too short"))?;
    let (prefix, id) = reference.split_at(at);
    let bytes = z85::decode(id).map_err(|_| refused("the reference is not Z85"))?;
    let id = uuid::Uuid::from_slice(&bytes).map_err(|_| refused("the reference is no UUID"))?;
    let name = format!("deletion_vector_{id}.bin");
    if prefix.is_empty() {
        return Ok(name);
    }
    if prefix.split('/').any(|part| part == "..") {
        return Err(refused("the reference leads out of its folder by a part `..`"));
    }
    Ok(normal(&format!("{prefix}/{name}")).into_owned())
}

/// The reference, of storage type `u`, to `deletion_vector_<id>.bin` in the table's folder.
pub(crate) fn vector_reference(id: uuid::Uuid) -> String {
    z85::encode(id.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inside(path: &str) -> FileLocation {
        FileLocation::Inside(path.to_owned())
    }

    #[test]
    fn a_path_is_decoded_exactly_once() {
        assert_eq!(locate("p=a%2520b/x.parquet", None).unwrap(), inside("p=a%20b/x.parquet"));
        assert_eq!(locate("p=a%20b/x.parquet", None).unwrap(), inside("p=a b/x.parquet"));
        assert_eq!(locate("t=1:2/x", None).unwrap(), inside("t=1:2/x"));
    }

    #[test]
    fn every_spelling_of_an_absolute_path_is_one_file() {
        let root = Path::new("/lake/t");
        for path in [
            "/lake/t/a%20b",
            "file:/lake/t/a%20b",
            "file:///lake/t/a%20b",
            "file://localhost/lake/t/./a%20b",
            "a%20b",
            "a b",
        ] {
            assert_eq!(locate(path, Some(root)).unwrap(), inside("a b"), "{path}");
        }
        assert_eq!(
            locate("/lake/t2/a", Some(root)).unwrap(),
            FileLocation::Elsewhere("/lake/t2/a".into())
        );
    }

    #[test]
    fn a_path_that_leads_out_of_the_table_is_refused() {
        for path in [
            "../x",
            "a/../x",
            "a/../../x",
            "%2e%2e/x",
            "..//Users/x",
            "",
            ".",
            "a%00b",
            "/../x",
            "file:x",
        ] {
            assert!(matches!(locate(path, None), Err(DeltaError::Corrupt { .. })), "{path}");
        }
    }

    #[test]
    fn a_deletion_vector_reference_names_its_file() {
        // The example of the Delta protocol.
        let file = "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
        assert_eq!(vector_file("^-aqEH.-t@S}K{vb[*k^").unwrap(), file);
        assert_eq!(vector_file("ab^-aqEH.-t@S}K{vb[*k^").unwrap(), format!("ab/{file}"));
        for bad in ["", "short", "éééééééééééé", "..^-aqEH.-t@S}K{vb[*k^"] {
            assert!(vector_file(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_to_itself(path in "[^/\0.]{1,12}(/[^/\0.]{1,12}){0,3}") {
            let there = locate(&encode(&path), None).unwrap();
            prop_assert_eq!(there, FileLocation::Inside(path));
        }

        #[test]
        fn no_path_is_ever_located_above_its_root(path in "([./%]|%2e|%2f|[a-c]){0,24}") {
            if let Ok(FileLocation::Inside(at)) = locate(&path, None) {
                prop_assert!(at.split('/').all(|part| !matches!(part, "" | "." | "..")));
            }
        }

        #[test]
        fn a_vector_reference_finds_its_way_back(bits in any::<u128>()) {
            let id = uuid::Uuid::from_u128(bits);
            prop_assert_eq!(vector_file(&vector_reference(id)).unwrap(), format!("deletion_vector_{id}.bin"));
        }
    }
}
