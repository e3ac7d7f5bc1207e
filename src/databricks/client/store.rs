//! The store of results that are too large for an answer: addresses that the service names, and none of them a way inside.
//!
//! An address has to be https, and public: whoever answers for a workspace must not make drsync ask machines around it. Names
//! of the clouds' own storage may be private addresses, as behind a private endpoint; their certificates prove whose they are.
//! A sandbox on this machine serves its results itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::super::refusal::Refusal;
use super::{plain_http_builder, unmade};
use crate::config::is_at_this_machine;
use crate::region::RegionErrorKind;

/// Ends of hosts at which the clouds keep objects.
const CLOUD_STORAGE: [&str; 7] = [
    ".blob.core.windows.net",
    ".dfs.core.windows.net",
    ".blob.core.usgovcloudapi.net",
    ".blob.core.chinacloudapi.cn",
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".storage.googleapis.com",
];
/// The host of Google's storage itself.
const GOOGLE: &str = "storage.googleapis.com";

/// Headers that an address may not ask for: whose request it is, and where it goes, is not the service's to say.
const NOT_THEIRS: [&str; 6] = [
    "host",
    "authorization",
    "cookie",
    "proxy-authorization",
    "content-length",
    "transfer-encoding",
];

/// Asks for parts of results.
pub(super) struct Store {
    http: reqwest::Client,
    /// The workspace is a sandbox on this machine.
    sandbox: bool,
}

impl Store {
    pub(super) fn of(base: &Url) -> Result<Store, Refusal> {
        let sandbox = is_at_this_machine(base) && base.scheme() == "http";
        let builder = plain_http_builder(is_at_this_machine(base));
        let builder = if sandbox {
            builder
        } else {
            builder.dns_resolver(Arc::new(Public { proxies: proxies() }))
        };
        Ok(Store { http: builder.build().map_err(unmade)?, sandbox })
    }

    /// The address of a part of a result, if it may be asked.
    pub(super) fn allowed(&self, link: &str) -> Result<Url, Refusal> {
        let refused = |why: &str| {
            let text = format!("the address of its result {why}: it is not asked");
            Refusal::new(RegionErrorKind::Other, text)
        };
        let url = Url::parse(link).map_err(|_| refused("is no URL"))?;
        if self.sandbox && is_at_this_machine(&url) {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return Err(refused("is not https"));
        }
        let public = match url.host() {
            Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
            // What the name stands for is looked at when it is looked up.
            Some(Host::Domain(_)) => !is_at_this_machine(&url),
            None => false,
        };
        if public { Ok(url) } else { Err(refused("is not a public one")) }
    }

    pub(super) fn get(
        &self,
        link: &Url,
        headers: &BTreeMap<String, String>,
    ) -> reqwest::RequestBuilder {
        let theirs =
            headers.iter().filter(|(name, _)| !NOT_THEIRS.contains(&name.to_lowercase().as_str()));
        theirs
            .fold(self.http.get(link.clone()), |request, (name, value)| request.header(name, value))
    }
}

/// The hosts of the proxies that are used, by the variables that name them; they may be anywhere.
fn proxies() -> Vec<String> {
    let named = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let named = named.iter().filter_map(|name| std::env::var(name).ok());
    let hosts = named.filter_map(|proxy| {
        let url = if proxy.contains("://") {
            Url::parse(&proxy)
        } else {
            Url::parse(&format!("http://{proxy}"))
        };
        url.ok()?.host_str().map(str::to_lowercase)
    });
    hosts.collect()
}

/// Looks names up, and knows no private addresses but those of proxies and of the clouds' storage.
struct Public {
    proxies: Vec<String>,
}

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_lowercase();
        let is_proxy = self.proxies.contains(&host);
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|found| {
                    is_proxy || is_public(found.ip()) || is_cloud_storage(&host, found.ip())
                })
                .collect();
            if allowed.is_empty() {
                return Err("the address of the result is not a public one".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn is_cloud_storage(host: &str, address: IpAddr) -> bool {
    let named = host == GOOGLE || CLOUD_STORAGE.iter().any(|end| host.ends_with(end));
    let within = match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    };
    named && within
}

/// Whether an address is one of the Internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let tests = first == 198 && (18..20).contains(&second);
    let assigned = first == 192 && second == 0 && third == 0;
    !(first == 0
        || first >= 224
        || shared
        || tests
        || assigned
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Global unicast is 2000::/3; what carries an IPv4 address in it, or is for examples, is none of the Internet's.
    let [first, second, ..] = address.segments();
    let carries = first == 0x2002 || (first == 0x2001 && second == 0);
    let example = first == 0x2001 && second == 0xdb8;
    first & 0xe000 == 0x2000 && !carries && !example
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(workspace: &str, link: &str) -> bool {
        let store = Store::of(&workspace.parse().unwrap()).unwrap();
        store.allowed(link).is_ok()
    }

    #[test]
    fn results_are_asked_for_at_public_addresses_over_https() {
        let workspace = "https://adb-1.azuredatabricks.net";
        for link in ["https://dbstorage.blob.core.windows.net/x?sig=y", "https://52.1.2.3/x"] {
            assert!(asks(workspace, link), "{link}");
        }
        for link in [
            "http://dbstorage.blob.core.windows.net/x",
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.7/x",
            "https://100.100.1.1/x",
            "https://127.0.0.1:9/x",
            "https://localhost/x",
            "https://[::1]/x",
            "https://[::ffff:10.0.0.1]/x",
            "https://[fd00::1]/x",
            "https://2130706433/x",
            "file:///etc/passwd",
            "no address",
        ] {
            assert!(!asks(workspace, link), "{link}");
        }
    }

    #[test]
    fn only_a_sandbox_has_its_results_on_this_machine() {
        assert!(asks("http://127.0.0.1:80", "http://127.0.0.1:81/part"));
        assert!(!asks("http://127.0.0.1:80", "http://10.0.0.7/part"));
        assert!(!asks("https://127.0.0.1:80", "http://127.0.0.1:81/part"));
    }

    #[test]
    fn private_endpoints_of_the_clouds_own_storage_are_no_way_inside() {
        let private = "10.1.2.3".parse().unwrap();
        assert!(is_cloud_storage("x.blob.core.windows.net", private));
        assert!(!is_cloud_storage("x.evil.test", private));
        assert!(!is_cloud_storage("x.blob.core.windows.net", "169.254.169.254".parse().unwrap()));
    }
}
