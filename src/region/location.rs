//! What drsync asks of a sync location, and does there: the ledger, the replicas, the evidence. Pure.

use std::fmt;

use async_trait::async_trait;

use super::{
    Appended, CloneOrder, Cloned, ContentAnswer, ContentQuestion, KeptDocument, KeptRecords,
    LedgerCopy, LedgerTable, Progress, Reached, RecordRange, RegionError, Replica, ReplicaQuestion,
    Verified,
};
use crate::ledger::{Cut, Cuts, Row};

/// A sync location, of whichever region: what drsync keeps there.
///
/// Every question is asked in a batch, every answer stands at its question's place. Questions never write. Actions may be repeated:
/// each says how a repetition is recognized.
#[async_trait]
pub trait Location: fmt::Debug + Send + Sync {
    /// Looks whether it is there, and by whose rights it is reached.
    ///
    /// `Unavailable`: the region is away, its root does not exist or does not answer. The root is never created.
    async fn presence(&self) -> Result<Reached, RegionError>;

    /// Looks at what lies at paths under it; `None`: nothing.
    async fn replicas(
        &self,
        asked: &[ReplicaQuestion],
    ) -> Vec<Result<Option<Replica>, RegionError>>;

    /// Whether the version asked since is still the newest of each replica: what costs less than looking at it. A replica of which
    /// no version is asked since, or that is not there, does not stand.
    async fn replicas_stand(&self, asked: &[ReplicaQuestion]) -> Vec<Result<bool, RegionError>>;

    /// Reads what the files of replicas hold, and compares clones that no cut names with their sources.
    ///
    /// Where an engine does the copying its history tells, and no file is read.
    async fn contents(&self, asked: &[ContentQuestion]) -> Vec<Result<ContentAnswer, RegionError>>;

    /// Reads both metadata tables under it, with every cut.
    async fn ledger(&self) -> Result<LedgerCopy, RegionError>;

    /// Reads the same with of each group at least the newest cut and the newest that was not crash-consistent: what a plan needs,
    /// at a cost that does not grow with the log.
    async fn ledger_heads(&self) -> Result<LedgerCopy, RegionError>;

    /// Reads of these groups at least the newest cut again, just before others are appended.
    async fn newest_cuts(&self, groups: &[&str]) -> Result<Cuts, RegionError>;

    /// Puts a metadata table that cannot be read aside under another name beside it, where it stays.
    ///
    /// `Unsupported`: it cannot. Repeating it is safe: what is aside is not touched again.
    async fn put_aside(&self, table: LedgerTable, name: &str) -> Result<(), RegionError>;

    /// Writes a metadata table anew that was read around damage, so that every reader can read it. Repeating it is safe.
    async fn mend(&self, table: LedgerTable) -> Result<(), RegionError>;

    /// Clones a table to a path under it: one commit that carries its mark.
    ///
    /// `Conflict`: the replica is no longer at the version that was looked at.
    /// Repeating it is safe: the replica's mark says whether it was done.
    async fn deep_clone(
        &self,
        order: &CloneOrder,
        progress: &Progress,
    ) -> Result<Cloned, RegionError>;

    /// Removes what clones to paths under it left unfinished whose process is gone, and nothing of one that lives.
    ///
    /// What cannot be removed stays: it is in nobody's way.
    async fn clear_left_over(&self, replica_paths: &[String]);

    /// Removes from the logs of replicas, by their paths, what is past their own retention.
    /// Each is named with the version that the newest cut names: what that or a later one needs stays.
    ///
    /// What cannot be removed stays for a later apply. An engine that writes checkpoints does it by itself.
    async fn clean_logs(&self, replicas: &[(String, u64)]);

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
    ) -> Result<Vec<KeptDocument>, RegionError>;

    /// Names the documents that were kept, of names within the bounds; how many are wanted says nothing here.
    async fn evidence_names(&self, wanted: &RecordRange) -> Result<Vec<String>, RegionError>;
}
