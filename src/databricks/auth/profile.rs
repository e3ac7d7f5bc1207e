//! Profiles of `~/.databrickscfg`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use url::Url;

use super::Environment;
use crate::files;
use crate::limits::SMALL_FILE;

/// The section that says which profile is the default.
const SETTINGS: &str = "__settings__";

/// The file's profiles by name, each with its keys in lower case.
#[derive(Default)]
pub(super) struct Profiles {
    pub(super) path: PathBuf,
    sections: BTreeMap<String, BTreeMap<String, String>>,
    order: Vec<String>,
}

impl Profiles {
    /// Reads the file; without one there are no profiles.
    ///
    /// # Errors
    /// Why a file that is there cannot be read.
    pub(super) fn read(environment: &Environment) -> Result<Profiles, String> {
        let named = environment.variable("DATABRICKS_CONFIG_FILE").map(PathBuf::from);
        let Some(path) = named.or_else(|| Some(environment.home.as_ref()?.join(".databrickscfg")))
        else {
            return Ok(Profiles::default());
        };
        match files::read_text(&path, &SMALL_FILE) {
            Ok(text) => Ok(Profiles { path, ..Profiles::parse(&text) }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Profiles { path, ..Profiles::default() })
            }
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    fn parse(text: &str) -> Profiles {
        let mut profiles = Profiles::default();
        let mut section = "DEFAULT".to_owned();
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                section = name.0.trim().to_owned();
                profiles.order.push(section.clone());
                profiles.sections.entry(section.clone()).or_default();
                continue;
            }
            let Some((key, value)) = line.split_once(['=', ':']) else {
                continue;
            };
            let value = value_of(value);
            let keys = profiles.sections.entry(section.clone()).or_default();
            keys.insert(key.trim().to_lowercase(), value.to_owned());
        }
        profiles
    }

    /// The profile of this name.
    pub(super) fn get(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.sections.get(name).filter(|_| name != SETTINGS)
    }

    /// The name of the default profile.
    pub(super) fn default_name(&self) -> &str {
        let chosen =
            self.sections.get(SETTINGS).and_then(|settings| settings.get("default_profile"));
        chosen.map_or("DEFAULT", String::as_str)
    }

    /// The profile to use where none is named: the default one, if it is for this host, else the only one that is.
    ///
    /// # Errors
    /// The names, where several are for it.
    pub(super) fn for_host(&self, host: &str) -> Result<Option<&str>, Vec<&str>> {
        let default = self.default_name();
        let fits = |name: &str| {
            self.get(name).and_then(|keys| keys.get("host")).is_some_and(|it| same_host(it, host))
        };
        if fits(default) {
            return Ok(self
                .order
                .iter()
                .map(String::as_str)
                .find(|name| *name == default)
                .or(Some("DEFAULT")));
        }
        let found: Vec<&str> =
            self.order.iter().map(String::as_str).filter(|name| fits(name)).collect();
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(found),
        }
    }
}

/// A value without its comment and its quotes. A comment begins after a blank only: passwords may have a # in them.
fn value_of(written: &str) -> &str {
    let written = written.trim();
    if let Some((value, _)) = written.strip_prefix('`').and_then(|it| it.split_once('`')) {
        return value;
    }
    let comment = written.find(" #").or_else(|| written.find(" ;"));
    let value = written[..comment.unwrap_or(written.len())].trim();
    let unquoted = |quote: char| {
        let inside = value.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inside.contains(quote)).then_some(inside)
    };
    unquoted('"').or_else(|| unquoted('\'')).unwrap_or(value)
}

/// Two ways to write the same workspace.
pub(super) fn same_host(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let text = text.trim().to_lowercase();
        let text = text.strip_prefix("https://").unwrap_or(&text).to_owned();
        let text = text.split(['/', '?']).next().unwrap_or_default().to_owned();
        text.strip_suffix(":443").unwrap_or(&text).to_owned()
    };
    // Plain http is another place.
    one.trim().starts_with("http://") == other.trim().starts_with("http://")
        && plain(one.trim_start_matches("http://")) == plain(other.trim_start_matches("http://"))
}

/// A workspace's address as it may be said: without the user, password or parameters that somebody wrote into it.
pub(super) fn origin_of_host(host: &str) -> String {
    let host = host.trim();
    let parsed = if host.contains("://") {
        Url::parse(host)
    } else {
        Url::parse(&format!("https://{host}"))
    };
    match parsed {
        Ok(url) if url.has_host() => url.origin().ascii_serialization(),
        Ok(_) | Err(_) => "another host".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keys_and_comments_are_read_as_the_official_clients_do() {
        let profiles = Profiles::parse(
            "[DEFAULT]\nhost = https://one.test\ntoken=a#b # note\n; no\n[two]\nHOST = two.test\n[three]\nhost = two.test\n",
        );
        assert_eq!(profiles.get("DEFAULT").unwrap()["token"], "a#b");
        assert!(!profiles.get("two").unwrap().contains_key("token"), "nothing is inherited");
        assert_eq!(profiles.for_host("https://one.test/"), Ok(Some("DEFAULT")));
        assert_eq!(profiles.for_host("https://two.test"), Err(vec!["two", "three"]));
        assert_eq!(profiles.for_host("https://four.test"), Ok(None));
    }

    #[test]
    fn keys_end_with_either_sign_and_values_lose_their_quotes() {
        let profiles = Profiles::parse(
            "\u{feff}[one]\nhost: https://one.test\ntoken : 'a=b:c' ; note\nclient_id = \"x y\"\npassword = \"a\"b\"\nclient_secret = `a #b` # note\n",
        );
        let one = profiles.get("one").unwrap();
        assert_eq!(one["host"], "https://one.test");
        assert_eq!(one["token"], "a=b:c");
        assert_eq!(one["client_id"], "x y");
        assert_eq!(one["password"], "\"a\"b\"");
        assert_eq!(one["client_secret"], "a #b");
    }

    #[test]
    fn a_host_is_said_without_what_could_be_a_secret_in_it() {
        assert_eq!(origin_of_host("adb-1.test"), "https://adb-1.test");
        assert_eq!(
            origin_of_host(" http://me:s3cret@adb-1.test:8080/x?token=s3cret"),
            "http://adb-1.test:8080"
        );
        for odd in ["", "https://me:s3cret@:x", "s3cret token", "mailto:s3cret"] {
            assert!(!origin_of_host(odd).contains("s3cret"), "{}", origin_of_host(odd));
        }
    }

    #[test]
    fn hosts_are_the_same_whatever_their_decoration() {
        assert!(same_host(
            "https://ADB-1.azuredatabricks.net/?o=1",
            "adb-1.azuredatabricks.net:443"
        ));
        assert!(!same_host("http://127.0.0.1:80", "https://127.0.0.1:80"));
    }
}
