//! The proxy by which an address is asked: which one, and the variable of the environment that names it.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// A proxy that stands between this machine and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// Its host and port; what it is signed in with is left out.
    address: String,
    /// The variable that names it.
    variable: &'static str,
}

/// `proxy.example.com:3128 (HTTPS_PROXY)`.
impl std::fmt::Display for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.address, self.variable)
    }
}

/// The proxy of an address, as the HTTP client finds it; `None`: it is asked directly.
pub(crate) fn proxy_for(url: &Url) -> Option<Proxy> {
    let taken = Matcher::from_env().intercept(&url.as_str().parse().ok()?)?;
    let of_scheme = match url.scheme() {
        "http" => ["HTTP_PROXY", "http_proxy"],
        _ => ["HTTPS_PROXY", "https_proxy"],
    };
    let host = taken.uri().host()?;
    // Of two spellings the first that is set counts, as for the client.
    let pairs = [of_scheme, ["ALL_PROXY", "all_proxy"]].into_iter();
    let mut set = pairs.filter_map(|names| {
        names.into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)))
    });
    let (variable, _) = set.find(|(_, value)| value.contains(host))?;
    let address = match taken.uri().port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    Some(Proxy { address, variable })
}
