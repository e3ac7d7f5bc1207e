//! What drsync asks of a region, and how a region may refuse.
//!
//! A region is one side of a synchronization: a workspace (catalog, workflows) and a sync location (metadata tables, replicas).
//! Roles are not types: [`Regions`] names which of two regions is the primary now.

mod clone;
mod error;
mod evidence;
mod grant;
mod ledger_table;
mod metadata;
mod presence;
mod reading;
mod replica;
mod rights;
mod source;
mod table;
mod upkeep;
mod workflow;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::config::{TableName, WorkflowRef};
pub use crate::ledger::Appended;
use crate::ledger::{Cut, Cuts, Row};
pub use clone::{CloneOrder, Cloned, Progress, ReplicaFiles, Verified, VerifiedLevel};
pub(crate) use error::told;
pub use error::{AnswerName, Hint, RegionError, RegionErrorKind};
pub use evidence::{
    CONFIGURATION_ENDING, KeptDocument, KeptRecords, PLAN_ENDING, PassedOver, RUN_RECORD_ENDING,
    RUNBOOK_ENDING, RecordRange, SIGNATURE_ENDING, TOLD_ENDING, apply_of, first_id_of,
    is_configuration, is_record_signature,
};
pub use grant::{Grant, Lack, Privilege, Securable, SecurableKind};
pub use ledger_table::LedgerTable;
pub use metadata::{
    CutTable, LedgerCopy, MetadataTable, Registered, TableTrouble, Unregistered, heads_agree,
    refuse_without_a_copy,
};
pub use presence::{Presence, Unproved, WriteAccess};
pub use reading::{CLONE, Change, CommitKind, Expected, Reading, Standing, Theirs, standing};
pub use replica::{
    CloneProof, ContentAnswer, ContentQuestion, LookDepth, Mark, NamedContent, Replica,
    ReplicaCommit, ReplicaContent, ReplicaQuestion, UnprovedClone,
};
pub use rights::TableRights;
pub(crate) use source::changes_schema;
pub use source::{
    ColumnChange, Commit, Estimate, EstimateBasis, NamedCommit, Pin, PinQuestion, SchemaChange,
    SinceQuestion, Size, Source, SourceQuestion, is_another_digest,
};
pub(crate) use table::nearest;
pub use table::{Denied, Repair, Table, Unclonable};
pub use upkeep::{Upkeep, is_maintenance};
pub use workflow::{ActiveRun, Deployment, PauseStatus, RunState, Workflow, WorkflowRun};

/// The two regions of a workspace in their present roles.
#[derive(Clone, Debug)]
pub struct Regions {
    /// Where the tables are written.
    pub primary: Arc<dyn Region>,
    /// Where the replicas are.
    pub secondary: Arc<dyn Region>,
}

/// One region: every question is asked in a batch, every answer stands at its question's place.
///
/// Questions never write. Actions may be repeated: each says how a repetition is recognized.
#[async_trait]
pub trait Region: fmt::Debug + Send + Sync {
    /// Looks whether the sync location is there and who asks.
    ///
    /// `Unavailable`: the region is away, its root does not exist or does not answer. The root is never created.
    async fn presence(&self) -> Result<Presence, RegionError>;

    /// Looks for workflows by exact name or id, with their runs that ended after `since` or have not ended, newest first,
    /// with the newest ended one, the newest that had begun, and the newest success in any case.
    async fn workflows(
        &self,
        asked: &[WorkflowRef],
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Result<Workflow, RegionError>>, RegionError>;

    /// Lists what is running in the region's workspace, of whatever job, newest first; of very many the newest.
    async fn active_runs(&self) -> Result<Vec<ActiveRun>, RegionError>;

    /// Looks tables up in the catalog.
    async fn tables(
        &self,
        asked: &[TableName],
    ) -> Result<Vec<Result<Table, RegionError>>, RegionError>;

    /// Reads who may use tables of this region's own catalog, as far as whoever asks may see that. Nothing is ever changed of it.
    ///
    /// `Unsupported`: it has no catalog of its own.
    async fn table_rights(&self, asked: &[TableName]) -> Vec<Result<TableRights, RegionError>> {
        let doing = "read who may use tables";
        let detail = "it has no catalog of its own";
        let refusal = RegionError::new(RegionErrorKind::Unsupported, doing, detail);
        asked.iter().map(|_| Err(refusal.clone())).collect()
    }

    /// Looks whether something can run SQL in this region's own workspace; nothing is started for that.
    async fn compute(&self) -> Result<(), RegionError> {
        Ok(())
    }

    /// Reads the histories of source tables: also the proof of read access.
    async fn sources(&self, asked: &[SourceQuestion]) -> Vec<Result<Source, RegionError>>;

    /// Reads the commits that came to source tables after the version of interest, oldest first: all of them, or a refusal.
    ///
    /// It costs less than their histories where little came.
    async fn commits_since(
        &self,
        asked: &[SinceQuestion],
    ) -> Vec<Result<Vec<Commit>, RegionError>> {
        let questions: Vec<SourceQuestion> = asked.iter().map(|it| it.source.clone()).collect();
        let sources = self.sources(&questions).await.into_iter();
        let since = sources.zip(asked).map(|(source, asked)| asked.since(source?));
        since.collect()
    }

    /// Looks at source tables at pinned versions, as they would be copied over what the replica holds.
    async fn pins(&self, asked: &[PinQuestion]) -> Vec<Result<Pin, RegionError>>;

    /// Looks at what lies at paths under this region's sync location; `None`: nothing.
    async fn replicas(
        &self,
        asked: &[ReplicaQuestion],
    ) -> Vec<Result<Option<Replica>, RegionError>>;

    /// Whether the version asked since is still the newest of each replica: what costs less than looking at it. A replica of which
    /// no version is asked since, or that is not there, does not stand.
    async fn replicas_stand(&self, asked: &[ReplicaQuestion]) -> Vec<Result<bool, RegionError>>;

    /// Reads what the files of replicas hold, and compares clones that no cut names with their sources.
    ///
    /// A region whose engine does the copying tells what its history does, and reads nothing: that is the answer without one.
    async fn contents(&self, asked: &[ContentQuestion]) -> Vec<Result<ContentAnswer, RegionError>> {
        let told = ContentAnswer { content: None, proof: CloneProof::NotAsked, compared: false };
        asked.iter().map(|_| Ok(told.clone())).collect()
    }

    /// Says whether this region's principal may write under `location` (asked of the primary, which runs the clones).
    ///
    /// `NotFound`: no external location covers it. Looks without writing.
    async fn write_access(&self, location: &str) -> Result<WriteAccess, RegionError>;

    /// The name of the external location that covers a place in this region's catalog; `None`: there is none, or it cannot be seen.
    async fn external_location(&self, _place: &str) -> Option<String> {
        None
    }

    /// Reads both metadata tables under this region's sync location, with every cut.
    async fn ledger(&self) -> Result<LedgerCopy, RegionError>;

    /// Reads the same with of each group at least the newest cut and the newest that was not crash-consistent: what a plan needs,
    /// at a cost that does not grow with the log.
    async fn ledger_heads(&self) -> Result<LedgerCopy, RegionError> {
        self.ledger().await
    }

    /// Reads of these groups at least the newest cut under this region's sync location again, just before others are appended.
    async fn newest_cuts(&self, groups: &[&str]) -> Result<Cuts, RegionError> {
        let _ = groups;
        Ok(self.ledger_heads().await?.all_cuts())
    }

    /// Puts a metadata table that cannot be read aside under another name beside it, where it stays.
    ///
    /// `Unsupported`: this region cannot. Repeating it is safe: what is aside is not touched again.
    async fn put_aside(&self, table: LedgerTable, name: &str) -> Result<(), RegionError> {
        let _ = name;
        let doing = format!("put {} aside", table.name());
        let detail = "only a person can move it";
        Err(RegionError::new(RegionErrorKind::Unsupported, doing, detail))
    }

    /// Writes a metadata table anew that was read around damage, so that every reader can read it. Repeating it is safe.
    async fn mend(&self, table: LedgerTable) -> Result<(), RegionError> {
        let _ = table;
        Ok(())
    }

    /// Clones a table to a path under this region's sync location: one commit that carries its mark.
    ///
    /// `Conflict`: the replica is no longer at the version that was looked at.
    /// Repeating it is safe: the replica's mark says whether it was done.
    async fn deep_clone(
        &self,
        order: &CloneOrder,
        progress: &Progress,
    ) -> Result<Cloned, RegionError>;

    /// Removes what clones to paths under this region's sync location left unfinished whose process is gone, and nothing of one that lives.
    ///
    /// What cannot be removed stays: it is in nobody's way.
    async fn clear_left_over(&self, replica_paths: &[String]) {
        let _ = replica_paths;
    }

    /// Removes from the logs of replicas under this region's sync location, by their paths, what is past their own retention.
    /// Each is named with the version that the newest cut names: what that or a later one needs stays.
    ///
    /// What cannot be removed stays for a later apply. An engine that writes checkpoints does it by itself.
    async fn clean_logs(&self, replicas: &[(String, u64)]) {
        let _ = replicas;
    }

    /// Compares a replica with its source and says what differs; empty: they agree.
    async fn verify(
        &self,
        order: &CloneOrder,
        replica_version: u64,
    ) -> Result<Verified, RegionError>;

    /// Creates the metadata tables that are missing here, empty, and claims the location for a workspace.
    async fn create_ledger(&self, workspace: &str) -> Result<(), RegionError>;

    /// Deep clones the metadata tables that are missing here from another sync location.
    async fn clone_ledger(&self, from: &str) -> Result<(), RegionError>;

    /// Writes rows of `sync_metadata` by group name, inserting those that are new; returns the table's version after it.
    async fn write_rows(&self, rows: &[Row]) -> Result<u64, RegionError>;

    /// Appends cuts of different groups, each if the newest cut of its group here is the one it follows: the group's commit point.
    ///
    /// One answer a cut, in their order: what holds up one holds up no other.
    async fn append_cuts(&self, cuts: &[Cut]) -> Vec<Result<Appended, RegionError>>;

    /// Appends cuts that another copy has and this one lacks; those already here are left out.
    async fn copy_cuts(&self, cuts: &[Cut]) -> Result<(), RegionError>;

    /// Whether this region has a catalog of its own in which replicas are registered.
    fn registers(&self) -> bool {
        false
    }

    /// Which of these replicas this region's own catalog has: each by its name and the place where it lies, in their order. What
    /// cannot be seen is none.
    async fn registered(&self, replicas: &[(TableName, String)]) -> Vec<bool> {
        vec![false; replicas.len()]
    }

    /// Registers the replicas that cuts name in this region's own catalog, where they are not, and takes changed schemas over.
    /// A table that lies anywhere else is never replaced.
    ///
    /// Repeating it is safe. A refusal is that of the whole catalog.
    async fn register(&self, cuts: &[Cut]) -> Result<Registered, RegionError> {
        let _ = cuts;
        Ok(Registered::default())
    }

    /// Keeps a document under `_drsync/evidence/`; an existing document of that name stays as it is.
    async fn keep_evidence(&self, name: &str, bytes: &[u8]) -> Result<(), RegionError>;

    /// Reads a document that was kept, whole; `None`: none of that name was.
    async fn evidence(&self, name: &str) -> Result<Option<Vec<u8>>, RegionError>;

    /// Reads the run records among the documents that were kept, oldest first; what is none is passed over and told.
    async fn run_records(&self, wanted: &RecordRange) -> Result<KeptRecords, RegionError>;

    /// Reads the signatures of run records among the documents that were kept, of names within the bounds: small as they are,
    /// many at once.
    async fn record_signatures(
        &self,
        wanted: &RecordRange,
    ) -> Result<Vec<KeptDocument>, RegionError> {
        let mut signatures = Vec::new();
        for name in self.evidence_names(wanted).await? {
            if is_record_signature(&name)
                && let Some(bytes) = self.evidence(&name).await?
            {
                signatures.push(KeptDocument { name, bytes });
            }
        }
        Ok(signatures)
    }

    /// Reads a secret of this region's workspace; `None`: it has none of that name.
    ///
    /// `Unsupported`: it keeps no secrets. What was read is registered, so that nothing says it.
    async fn secret(&self, scope: &str, key: &str) -> Result<Option<SecretString>, RegionError> {
        let doing = format!("read the secret {scope}/{key}");
        let detail = "it keeps no secrets";
        Err(RegionError::new(RegionErrorKind::Unsupported, doing, detail))
    }

    /// Names the documents that were kept, of names within the bounds; how many are wanted says nothing here.
    async fn evidence_names(&self, wanted: &RecordRange) -> Result<Vec<String>, RegionError>;
}
