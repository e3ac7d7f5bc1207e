//! What drsync asks of a workspace: its catalog, its workflows, its secrets. Pure.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::{
    ActiveRun, Commit, Identity, Pin, PinQuestion, RegionError, Registered, SinceQuestion, Source,
    SourceQuestion, Table, TableRights, Workflow, WriteAccess,
};
use crate::config::{TableName, WorkflowRef};
use crate::ledger::Cut;
use crate::sentence::Sentence;

/// A workspace, of whichever region: what its people made there.
///
/// Every question is asked in a batch, every answer stands at its question's place. Nothing but [`Workspace::register`] changes
/// anything, and that may be repeated.
#[async_trait]
pub trait Workspace: fmt::Debug + Send + Sync {
    /// Looks whether it answers, and who asks.
    ///
    /// The refusal says why it cannot be seen: its location may answer all the same.
    async fn identity(&self) -> Result<Identity, Sentence>;

    /// Looks for workflows by exact name or id, with their runs that ended after `since` or have not ended, newest first,
    /// with the newest ended one, the newest that had begun, and the newest success in any case.
    async fn workflows(
        &self,
        asked: &[WorkflowRef],
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Result<Workflow, RegionError>>, RegionError>;

    /// Lists what is running there, of whatever job, newest first; of very many the newest.
    async fn active_runs(&self) -> Result<Vec<ActiveRun>, RegionError>;

    /// Looks tables up in the catalog.
    async fn tables(
        &self,
        asked: &[TableName],
    ) -> Result<Vec<Result<Table, RegionError>>, RegionError>;

    /// Reads who may use tables of its catalog, as far as whoever asks may see that. Nothing is ever changed of it.
    async fn table_rights(&self, asked: &[TableName]) -> Vec<Result<TableRights, RegionError>>;

    /// Looks whether something can run SQL there; nothing is started for that.
    async fn compute(&self) -> Result<(), RegionError>;

    /// Reads the histories of source tables: also the proof of read access.
    async fn sources(&self, asked: &[SourceQuestion]) -> Vec<Result<Source, RegionError>>;

    /// Reads the commits that came to source tables after the version of interest, oldest first: all of them, or a refusal.
    ///
    /// It costs less than their histories where little came.
    async fn commits_since(&self, asked: &[SinceQuestion])
    -> Vec<Result<Vec<Commit>, RegionError>>;

    /// Looks at source tables at pinned versions, as they would be copied over what the replica holds.
    async fn pins(&self, asked: &[PinQuestion]) -> Vec<Result<Pin, RegionError>>;

    /// Says whether its principal may write under `location`, which may be that of either region: the primary's runs the clones.
    ///
    /// `NotFound`: no external location covers it. Looks without writing.
    async fn write_access(&self, location: &str) -> Result<WriteAccess, RegionError>;

    /// The name of the external location that covers a place, as its catalog has it; `None`: there is none, or it cannot be seen.
    async fn external_location(&self, place: &str) -> Option<String>;

    /// Reads a secret that it keeps; `None`: it has none of that name.
    ///
    /// What was read is registered, so that nothing says it.
    async fn secret(&self, scope: &str, key: &str) -> Result<Option<SecretString>, RegionError>;

    /// Whether its catalog is one in which replicas can be registered, as far as anybody can sign in to it.
    fn registers(&self) -> bool;

    /// Which of these replicas its catalog has: each by its name and the place where it lies, in their order. What
    /// cannot be seen is none.
    async fn registered(&self, replicas: &[(TableName, String)]) -> Vec<bool>;

    /// Registers the replicas that cuts name in its catalog, where they are not, and takes changed schemas over.
    /// A table that lies anywhere else is never replaced.
    ///
    /// Repeating it is safe. A refusal is that of the whole catalog.
    async fn register(&self, cuts: &[Cut]) -> Result<Registered, RegionError>;
}
