//! The clock, which `DRSYNC_NOW` replaces where no service has one of its own.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{ExitStatus, Failure};
use crate::config::WorkspaceAddress;

/// The variable that replaces the clock.
const VARIABLE: &str = "DRSYNC_NOW";

/// This machine's clock, or one moment that stands still.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    fixed: Option<DateTime<Utc>>,
}

impl Clock {
    /// Reads `DRSYNC_NOW`.
    pub(super) fn from_environment() -> Result<Clock, Failure> {
        let fixed = match std::env::var(VARIABLE) {
            Err(_) => None,
            Ok(text) if text.is_empty() => None,
            Ok(text) => {
                let parsed = DateTime::parse_from_rfc3339(&text).map_err(|error| {
                    let message = format!("{VARIABLE} is not an RFC 3339 moment: {error}");
                    Failure::new(ExitStatus::Usage, message)
                })?;
                Some(parsed.to_utc())
            }
        };
        Ok(Clock { fixed })
    }

    pub(super) fn now(self) -> DateTime<Utc> {
        self.fixed.unwrap_or_else(Utc::now)
    }

    pub(super) fn overridden(self) -> bool {
        self.fixed.is_some()
    }

    /// A fresh ULID of a moment: sorted by name, documents are sorted by the clock that they were made by.
    pub(super) fn id(now: DateTime<Utc>) -> String {
        let millis = now.timestamp_millis().try_into().unwrap_or_default();
        ulid::Ulid::from_parts(millis, ulid::Ulid::new().random()).to_string()
    }

    /// The clock as a function, for whoever has to ask again and again.
    pub(super) fn function(self) -> Arc<dyn Fn() -> DateTime<Utc> + Send + Sync> {
        Arc::new(move || self.now())
    }

    /// Refuses to replace the clock of a Databricks workspace, which has its own; a sandbox on this machine has ours.
    pub(super) fn allows<'a>(
        self,
        mut addresses: impl Iterator<Item = &'a WorkspaceAddress>,
    ) -> Result<(), Failure> {
        let served = |address: &&WorkspaceAddress| match address {
            WorkspaceAddress::Databricks(url) => url.scheme() == "https",
            WorkspaceAddress::Lakehouse(_) => false,
        };
        match addresses.find(served) {
            Some(address) if self.overridden() => Err(Failure::new(
                ExitStatus::Usage,
                format!(
                    "{VARIABLE} replaces the clock of lakehouse folders only; {address} has its own"
                ),
            )),
            Some(_) | None => Ok(()),
        }
    }
}
