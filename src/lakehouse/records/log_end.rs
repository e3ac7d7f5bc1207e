//! The commit at which a process last knew a ledger table of a lakehouse, and whether the table still ends there.

use super::table;
use crate::lakehouse::LakehouseLocation;
use crate::lakehouse::delta;

/// The newest commit of a ledger table, as it was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogEnd {
    /// The table.
    name: &'static str,
    /// Its version.
    pub(super) version: u64,
    /// When its commit was made, in milliseconds: a table that was put aside and made again comes to the same versions.
    /// `None`: others have committed since, its file is not there, or the look at it failed; in each case the table is read anew.
    made_ms: Option<i64>,
}

impl LogEnd {
    /// Looks at the commit of a version that was just read or made.
    pub(super) async fn look(
        location: &LakehouseLocation,
        name: &'static str,
        version: u64,
    ) -> LogEnd {
        let made = delta::time_at_end(&table(location, name), version).await;
        LogEnd { name, version, made_ms: made.ok().flatten() }
    }

    /// Whether the table still ends with that very commit: as long as it does, what is known of it is what it says.
    pub(super) async fn stands(&self, location: &LakehouseLocation) -> bool {
        let now = LogEnd::look(location, self.name, self.version).await;
        self.made_ms.is_some() && now.made_ms == self.made_ms
    }
}
