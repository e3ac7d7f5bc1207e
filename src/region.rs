//! What drsync asks of a region, and how a region may refuse. Pure.
//!
//! A region is one side of a synchronization: a workspace (catalog, workflows), where it has one of its own, and a sync location
//! (metadata tables, replicas). Roles are not types: [`Regions`] names which of two regions is the primary now.

mod clone;
mod error;
mod evidence;
mod grant;
mod ledger_table;
mod location;
mod metadata;
mod presence;
mod reading;
mod replica;
mod rights;
mod source;
mod table;
mod upkeep;
mod workflow;
mod workspace;

use std::sync::Arc;

use futures::join;

pub use crate::ledger::Appended;
pub use clone::{CloneOrder, Cloned, Progress, ReplicaFiles, Verified, VerifiedLevel};
pub(crate) use error::join_refusal_words;
pub use error::{AnswerName, Hint, RegionError, RegionErrorKind};
pub use evidence::{
    CONFIGURATION_ENDING, KeptDocument, KeptRecords, PLAN_ENDING, PassedOver, RUN_RECORD_ENDING,
    RUNBOOK_ENDING, RecordRange, SIGNATURE_ENDING, TOLD_ENDING, apply_of, first_id_of,
    is_configuration, is_record_signature,
};
pub use grant::{Grant, Lack, Privilege, Securable, SecurableKind};
pub use ledger_table::LedgerTable;
pub use location::Location;
pub use metadata::{
    CutTable, LedgerCopy, MetadataTable, Registered, TableTrouble, Unregistered, heads_agree,
    refuse_without_a_copy,
};
pub use presence::{Identity, Presence, Reached, UnprovedAccess, WriteAccess};
pub use reading::{
    CLONE, CommitKind, ExpectedReplica, Reading, ReplicaConflict, ReplicaStanding, Theirs, standing,
};
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
pub use workspace::Workspace;

/// The two regions of a workspace in their present roles.
#[derive(Clone, Debug)]
pub struct Regions {
    /// Where the tables are written.
    pub primary: Region,
    /// Where the replicas are.
    pub secondary: Region,
}

/// One side of a synchronization. What it is now, primary or secondary, is said by [`Regions`] alone.
#[derive(Clone, Debug)]
pub struct Region {
    /// Its own workspace; `None`: none is configured.
    pub workspace: Option<Arc<dyn Workspace>>,
    /// Its sync location.
    pub location: Arc<dyn Location>,
}

impl Region {
    /// Looks whether the sync location is there and who asks, and whether its own workspace can be seen.
    ///
    /// # Errors
    /// Why the location cannot be looked at. That the workspace cannot be seen is no error.
    pub async fn presence(&self) -> Result<Presence, RegionError> {
        let identity = async {
            match &self.workspace {
                Some(workspace) => workspace.identity().await.map(Some),
                None => Ok(None),
            }
        };
        let (reached, identity) = join!(self.location.presence(), identity);
        let Reached { location, principal, clock } = reached?;
        let (identity, workspace_unseen) = match identity {
            Ok(identity) => (identity.unwrap_or_default(), None),
            Err(why) => (Identity::default(), Some(why)),
        };
        Ok(Presence {
            location,
            // Who reaches the location has its ledger and its replicas, whoever its own workspace takes them for.
            principal: principal.or(identity.principal),
            default_catalog: identity.default_catalog,
            clock,
            workspace_unseen,
        })
    }

    /// Its own workspace, for who cannot do without one.
    ///
    /// # Errors
    /// `Unsupported`: it has none.
    pub fn require_workspace(&self, doing: &str) -> Result<&dyn Workspace, RegionError> {
        let detail = "no secondary workspace is configured";
        self.workspace
            .as_deref()
            .ok_or_else(|| RegionError::new(RegionErrorKind::Unsupported, doing, detail))
    }

    /// Puts questions to its own workspace; where it has none, each is refused.
    pub async fn ask_workspace<'a, Q, T, F>(
        &'a self,
        asked: &'a [Q],
        ask: impl FnOnce(&'a dyn Workspace, &'a [Q]) -> F,
    ) -> Vec<Result<T, RegionError>>
    where
        F: Future<Output = Vec<Result<T, RegionError>>>,
    {
        match self.require_workspace("ask the workspace") {
            Ok(workspace) => ask(workspace, asked).await,
            Err(refusal) => asked.iter().map(|_| Err(refusal.clone())).collect(),
        }
    }
}
