//! Whether a region is there, and whether it can be written. Pure.

use chrono::{DateTime, Utc};

use super::Denied;
use crate::sentence::Sentence;

/// What a region answers when it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The sync location.
    pub location: String,
    /// Who asks, as the catalog knows them.
    pub principal: Option<String>,
    /// The catalog of short table names.
    pub default_catalog: Option<String>,
    /// The service's own clock when it was asked; a lakehouse has none.
    pub clock: Option<DateTime<Utc>>,
    /// Why the workspace itself could not be seen although its storage answers.
    pub workspace_unseen: Option<Sentence>,
}

/// What a workspace answers when it can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Who asks, as its catalog knows them.
    pub principal: Option<String>,
    /// The catalog of short table names.
    pub default_catalog: Option<String>,
}

/// What a sync location answers when it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The sync location.
    pub location: String,
    /// By whose rights it is reached, as a catalog knows them; a folder of this machine knows none.
    pub principal: Option<String>,
    /// The service's own clock when it was asked; a lakehouse has none.
    pub clock: Option<DateTime<Utc>>,
}

/// Whether a location can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteAccess {
    /// Rights and location allow it.
    Allowed,
    /// It is read-only or the grant is missing.
    Refused(Denied),
    /// It cannot be seen without writing.
    NotProved(UnprovedAccess),
}

/// What of a location cannot be seen without writing there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnprovedAccess {
    /// Whether its file system refuses a taken name, which every commit needs.
    TakenNames {
        /// The folder.
        place: String,
        /// What the file system is called.
        file_system: String,
    },
    /// Whether what was written lasts: its folders cannot be flushed.
    Flushing {
        /// The folder.
        place: String,
        /// What the kernel says.
        error: Sentence,
    },
    /// Whether whoever asks has the rights; a sentence without a full stop.
    Rights(Sentence),
}
