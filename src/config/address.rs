//! Where a workspace is: on Databricks, in a sandbox on this machine, or in a folder. Pure.

use std::fmt;
use std::path::{Path, PathBuf};

use url::{Host, Url};

use super::location::{LocationError, check_text, credentials, file_url, folder, scheme_of};

/// Where a workspace is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkspaceAddress {
    /// A Databricks workspace (`https`), or a sandbox on this machine (`http`). It has no path, query or credentials.
    Databricks(Url),
    /// The folder of an embedded lakehouse, absolute.
    Lakehouse(PathBuf),
}

const FORM: &str = "write https:// and the workspace's host, or the path of an embedded lakehouse";

/// Ends of hosts that are workspaces, to know one that lost its `https://` from a folder.
const CLOUD_HOSTS: [&str; 4] =
    [".databricks.com", ".azuredatabricks.net", ".databricks.azure.us", ".databricks.azure.cn"];

impl WorkspaceAddress {
    /// Reads `https://…` (`http://` on this machine only), a path or a `file://` URL; a relative path is read against `base`.
    pub fn parse(text: &str, base: &Path) -> Result<WorkspaceAddress, LocationError> {
        check_text(text)?;
        match scheme_of(text).map(|(scheme, _)| scheme).as_deref() {
            Some("https" | "http") => service(text).map(WorkspaceAddress::Databricks),
            Some("file") => file_url(text).map(WorkspaceAddress::Lakehouse),
            Some(scheme) => {
                Err(LocationError::new(format!("`{scheme}:` is not where a workspace is"), FORM))
            }
            None => {
                let host = text.split(['/', '?', ':']).next().unwrap_or_default().to_lowercase();
                if CLOUD_HOSTS.iter().any(|end| host.ends_with(end)) {
                    return Err(LocationError::new(
                        "has no `https://`",
                        format!("write https://{host}"),
                    ));
                }
                folder(text, base).map(WorkspaceAddress::Lakehouse)
            }
        }
    }
}

impl WorkspaceAddress {
    /// Where it is, if it is on Databricks.
    pub fn service(&self) -> Option<&Url> {
        match self {
            WorkspaceAddress::Databricks(url) => Some(url),
            WorkspaceAddress::Lakehouse(_) => None,
        }
    }

    /// Its folder, if it is an embedded lakehouse.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            WorkspaceAddress::Databricks(_) => None,
            WorkspaceAddress::Lakehouse(folder) => Some(folder),
        }
    }

    /// The same of an address as it comes out of a browser: what follows the host is left aside.
    pub fn pasted(text: &str, base: &Path) -> Result<WorkspaceAddress, LocationError> {
        let mut parts = text.trim().splitn(4, '/');
        let origin: Vec<&str> = parts.by_ref().take(3).collect();
        if !text.trim().starts_with("http") || origin.len() < 3 {
            return WorkspaceAddress::parse(text, base);
        }
        WorkspaceAddress::parse(origin.join("/").split('?').next().unwrap_or_default(), base)
    }
}

/// Whether a host is this machine: what is secret may travel there unencrypted, and goes there by no proxy.
pub(crate) fn is_this_machine<Name: AsRef<str>>(host: &Host<Name>) -> bool {
    match host {
        Host::Domain(name) => name.as_ref() == "localhost" || name.as_ref().ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Whether an address is one of this machine.
pub(crate) fn is_at_this_machine(url: &Url) -> bool {
    url.host().is_some_and(|host| is_this_machine(&host))
}

fn service(text: &str) -> Result<Url, LocationError> {
    // What the parser says is left out: it may repeat a password.
    let url = Url::parse(text).map_err(|_| LocationError::new("is not a URL", FORM))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(credentials(FORM));
    }
    let Some(host) = url.host() else {
        return Err(LocationError::new("names no host", FORM));
    };
    let unencrypted = url.scheme() == "http" && !is_this_machine(&host);
    let more = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
    let wrong = match (more, unencrypted) {
        (false, false) => return Ok(url),
        (true, false) => "has more than the workspace's host",
        (false, true) => "would send tokens unencrypted",
        (true, true) => "has more than the workspace's host, and would send tokens unencrypted",
    };
    let mut origin = url.origin().ascii_serialization();
    if unencrypted {
        origin = origin.replacen("http://", "https://", 1);
    }
    Err(LocationError::new(wrong, format!("write {origin}")))
}

impl fmt::Display for WorkspaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkspaceAddress::Databricks(url) => f.write_str(url.as_str().trim_end_matches('/')),
            WorkspaceAddress::Lakehouse(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        match WorkspaceAddress::parse(text, Path::new("/srv/config")) {
            Ok(address) => Ok(address.to_string()),
            Err(LocationError { message, remedy }) => {
                Err(format!("{message}: {}", remedy.unwrap_or_default()))
            }
        }
    }

    #[test]
    fn an_address_is_a_service_or_a_folder() {
        let good = |text: &str| read(text).expect("an address");
        assert_eq!(good("https://ADB-1.azuredatabricks.net/"), "https://adb-1.azuredatabricks.net");
        assert_eq!(
            good("https://adb-1.azuredatabricks.net:443"),
            "https://adb-1.azuredatabricks.net"
        );
        assert_eq!(good("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(good("http://[::1]:8080/"), "http://[::1]:8080");
        assert_eq!(good("http://localhost:1"), "http://localhost:1");
        assert_eq!(good("../east/"), "/srv/east");
        assert_eq!(good("/worlds/./east"), "/worlds/east");
        assert_eq!(good("file:///worlds/a%20b"), "/worlds/a b");
    }

    #[test]
    fn what_is_not_an_address_is_refused_with_what_to_write() {
        let bad = |text: &str| read(text).expect_err("not an address");
        assert_eq!(
            bad("http://adb-1.azuredatabricks.net"),
            "would send tokens unencrypted: write https://adb-1.azuredatabricks.net"
        );
        assert_eq!(
            bad("https://adb-1.azuredatabricks.net/?o=123#job/7"),
            "has more than the workspace's host: write https://adb-1.azuredatabricks.net"
        );
        assert_eq!(
            bad("http://foo.test/bar"),
            "has more than the workspace's host, and would send tokens unencrypted: write https://foo.test"
        );
        assert_eq!(
            bad("adb-1.azuredatabricks.net"),
            "has no `https://`: write https://adb-1.azuredatabricks.net"
        );
        assert!(bad("ftp://a").starts_with("`ftp:` is not where a workspace is"));
        assert!(bad("https://").starts_with("is not a URL"));
        assert!(bad("").starts_with("is empty"));
    }

    #[test]
    fn this_machine_is_known_by_its_name_and_by_its_addresses() {
        let is_here = |url: &str| is_at_this_machine(&Url::parse(url).unwrap());
        for url in [
            "http://localhost:1",
            "https://East.LOCALHOST",
            "http://127.8.9.1",
            "http://2130706433",
            "http://[::1]:8080",
            "smtp://localhost",
        ] {
            assert!(is_here(url), "{url}");
        }
        for url in [
            "http://localhost.evil.test",
            "http://mylocalhost",
            "http://127.0.0.1.evil.test",
            "http://0.0.0.0",
            "http://10.0.0.1",
            "http://[::2]",
            "data:localhost",
        ] {
            assert!(!is_here(url), "{url}");
        }
    }

    #[test]
    fn credentials_are_refused_and_never_repeated() {
        for text in [
            "https://me:s3cret@adb-1.azuredatabricks.net",
            "https://me:s3cret@:x",
            "http://s3cret@host",
        ] {
            let said = read(text).expect_err("not an address");
            assert!(!said.contains("s3cret"), "{said}");
        }
    }
}
