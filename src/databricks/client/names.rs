//! Addresses of hosts, looked up as the system does; that there is none is told apart from all other trouble.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::sentence::Sentence;

/// Looks names up.
pub(super) struct HostResolver;

impl Resolve for HostResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            match tokio::net::lookup_host((host.as_str(), 0)).await {
                Ok(found) => {
                    let found: Vec<SocketAddr> = found.collect();
                    Ok(Box::new(found.into_iter()) as Addrs)
                }
                Err(error) => Err(Box::new(Unresolved { why: error.to_string().into() })
                    as Box<dyn Error + Send + Sync>),
            }
        })
    }
}

/// No address is known for a host.
#[derive(Debug)]
struct Unresolved {
    why: Sentence,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl Error for Unresolved {}

/// Whether a request got no answer because no address is known for the host that was to be connected to.
pub(super) fn is_unresolved(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(at) = cause {
        if at.is::<Unresolved>() {
            return true;
        }
        cause = at.source();
    }
    false
}
