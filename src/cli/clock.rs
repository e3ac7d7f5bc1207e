//! The clock, which `DRSYNC_NOW` replaces where no service has one of its own.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{ExitStatus, Failure};
use crate::config::WorkspaceAddress;
use crate::files;
use crate::limits::SMALL_FILE;

/// The variable that replaces the clock.
const VARIABLE: &str = "DRSYNC_NOW";

/// This machine's clock, or one that is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Source);

#[derive(Debug, Clone, Copy)]
enum Source {
    Machine,
    /// One moment, which stands still.
    Moment(DateTime<Utc>),
    /// A file that holds a moment and is read whenever the time is asked for, with the moment that it held first.
    File(&'static Path, DateTime<Utc>),
}

impl Clock {
    /// Reads `DRSYNC_NOW`.
    pub(super) fn from_environment() -> Result<Clock, Failure> {
        let wrong = |what: &str, error: &dyn std::fmt::Display| {
            let message = format!("{VARIABLE} {what}: {error}");
            Failure::new(ExitStatus::Usage, crate::render::clean(&message))
        };
        let text = std::env::var(VARIABLE).unwrap_or_default();
        if text.is_empty() {
            return Ok(Clock(Source::Machine));
        }
        if let Some(path) = text.strip_prefix('@') {
            // Read as long as the process lives.
            let path = Path::new(&*String::leak(path.to_owned()));
            let first =
                read(path).map_err(|error| wrong("names a file that holds no moment", &error))?;
            return Ok(Clock(Source::File(path, first)));
        }
        let moment = moment(&text).map_err(|error| wrong("is not an RFC 3339 moment", &error))?;
        Ok(Clock(Source::Moment(moment)))
    }

    pub(super) fn now(self) -> DateTime<Utc> {
        match self.0 {
            Source::Machine => Utc::now(),
            Source::Moment(moment) => moment,
            Source::File(path, first) => read(path).unwrap_or(first),
        }
    }

    pub(super) fn overridden(self) -> bool {
        match self.0 {
            Source::Machine => false,
            Source::Moment(_) | Source::File(_, _) => true,
        }
    }

    /// Whether it goes on.
    pub(super) fn moves(self) -> bool {
        match self.0 {
            Source::Machine | Source::File(_, _) => true,
            Source::Moment(_) => false,
        }
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

fn moment(text: &str) -> Result<DateTime<Utc>, chrono::ParseError> {
    DateTime::parse_from_rfc3339(text.trim()).map(|moment| moment.to_utc())
}

fn read(path: &Path) -> Result<DateTime<Utc>, String> {
    let text = files::read_text(path, &SMALL_FILE).map_err(|error| error.to_string())?;
    moment(&text).map_err(|error| error.to_string())
}
