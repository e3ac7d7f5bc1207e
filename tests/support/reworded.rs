//! A region that does what another does and says it in other words, of which nobody can read what the first ones said.

use std::fmt::Display;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use drsync::config::{TableName, WorkflowRef};
use drsync::ledger::{Cut, Cuts, Row};
use drsync::region::{
    ActiveRun, Appended, CloneOrder, CloneProof, Cloned, Commit, ContentAnswer, ContentQuestion,
    Denied, Hint, Identity, KeptDocument, KeptRecords, LedgerCopy, LedgerTable, Location, Pin,
    PinQuestion, Progress, Reached, RecordRange, Region, RegionError, Registered, Replica,
    ReplicaQuestion, SinceQuestion, Source, SourceQuestion, Table, TableRights, UnprovedAccess,
    Verified, Workflow, Workspace, WriteAccess,
};
use drsync::sentence::Sentence;
use secrecy::SecretString;

/// Other words, another text of every text.
pub(crate) fn words<S: From<String>>(text: impl Display) -> S {
    let turned = |letter: char| match letter {
        'a'..='m' | 'A'..='M' => char::from(letter as u8 + 13),
        'n'..='z' | 'N'..='Z' => char::from(letter as u8 - 13),
        // What texts are taken apart at.
        ':' => '.',
        ';' => ',',
        other => other,
    };
    text.to_string().chars().map(turned).collect::<String>().into()
}

fn error(of: RegionError) -> RegionError {
    let hint = |hint: &Hint| match hint {
        Hint::Words(said) => Hint::Words(words(said)),
        Hint::Grant(grant) => Hint::Grant(grant.clone()),
    };
    RegionError {
        doing: words(&of.doing),
        detail: words(&of.detail),
        hints: of.hints.iter().map(hint).collect(),
        ..of
    }
}

fn each<T>(answers: Vec<Result<T, RegionError>>) -> Vec<Result<T, RegionError>> {
    answers.into_iter().map(|answer| answer.map_err(error)).collect()
}

fn copy(of: LedgerCopy) -> LedgerCopy {
    let mut of = of;
    for trouble in &mut of.troubles {
        trouble.error = error(trouble.error.clone());
    }
    for odd in of.cuts.iter_mut().flat_map(|cuts| &mut cuts.odd) {
        odd.why = words(&odd.why);
    }
    of
}

fn replica(of: Replica) -> Replica {
    Replica {
        damaged: of.damaged.map(words),
        read_around: of.read_around.map(words),
        since_damaged: of.since_damaged.map(words),
        ..of
    }
}

fn content(of: ContentAnswer) -> ContentAnswer {
    let proof = match of.proof {
        CloneProof::Refuted { version, why } => CloneProof::Refuted { version, why: words(why) },
        CloneProof::Unknown { version, why } => CloneProof::Unknown { version, why: words(why) },
        other @ (CloneProof::NotAsked | CloneProof::Proved) => other,
    };
    let content = of.content.map(|mut content| {
        content.wrong = content.wrong.map(words);
        content
    });
    ContentAnswer { content, proof, ..of }
}

fn access(of: WriteAccess) -> WriteAccess {
    match of {
        WriteAccess::Allowed => WriteAccess::Allowed,
        WriteAccess::Refused(of) => WriteAccess::Refused(denied(of)),
        WriteAccess::NotProved(of) => WriteAccess::NotProved(match of {
            UnprovedAccess::Rights(said) => UnprovedAccess::Rights(words(said)),
            UnprovedAccess::Flushing { place, error } => {
                UnprovedAccess::Flushing { place, error: words(error) }
            }
            names @ UnprovedAccess::TakenNames { .. } => names,
        }),
    }
}

fn denied(of: Denied) -> Denied {
    Denied { message: words(&of.message), ..of }
}

/// The same region in other words.
pub(crate) fn reword(region: Region) -> Region {
    let workspace = region.workspace.map(RewordedWorkspace);
    Region {
        workspace: workspace.map(|it| Arc::new(it) as Arc<dyn Workspace>),
        location: Arc::new(RewordedLocation(region.location)),
    }
}

/// The workspace.
#[derive(Debug)]
struct RewordedWorkspace(Arc<dyn Workspace>);

#[async_trait]
impl Workspace for RewordedWorkspace {
    async fn identity(&self) -> Result<Identity, Sentence> {
        self.0.identity().await.map_err(words)
    }

    async fn workflows(
        &self,
        asked: &[WorkflowRef],
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Result<Workflow, RegionError>>, RegionError> {
        self.0.workflows(asked, since).await.map(each).map_err(error)
    }

    async fn active_runs(&self) -> Result<Vec<ActiveRun>, RegionError> {
        self.0.active_runs().await.map_err(error)
    }

    async fn tables(
        &self,
        asked: &[TableName],
    ) -> Result<Vec<Result<Table, RegionError>>, RegionError> {
        let all = each(self.0.tables(asked).await.map_err(error)?).into_iter();
        let table = |of: Table| Table { denied: of.denied.map(denied), ..of };
        Ok(all.map(|answer| answer.map(table)).collect())
    }

    async fn table_rights(&self, asked: &[TableName]) -> Vec<Result<TableRights, RegionError>> {
        each(self.0.table_rights(asked).await)
    }

    async fn compute(&self) -> Result<(), RegionError> {
        self.0.compute().await.map_err(error)
    }

    async fn sources(&self, asked: &[SourceQuestion]) -> Vec<Result<Source, RegionError>> {
        each(self.0.sources(asked).await)
    }

    async fn commits_since(
        &self,
        asked: &[SinceQuestion],
    ) -> Vec<Result<Vec<Commit>, RegionError>> {
        each(self.0.commits_since(asked).await)
    }

    async fn pins(&self, asked: &[PinQuestion]) -> Vec<Result<Pin, RegionError>> {
        each(self.0.pins(asked).await)
    }

    async fn write_access(&self, location: &str) -> Result<WriteAccess, RegionError> {
        self.0.write_access(location).await.map(access).map_err(error)
    }

    async fn external_location(&self, place: &str) -> Option<String> {
        self.0.external_location(place).await
    }

    fn registers(&self) -> bool {
        self.0.registers()
    }

    async fn registered(&self, replicas: &[(TableName, String)]) -> Vec<bool> {
        self.0.registered(replicas).await
    }

    async fn register(&self, cuts: &[Cut]) -> Result<Registered, RegionError> {
        let mut registered = self.0.register(cuts).await.map_err(error)?;
        for refused in &mut registered.refused {
            refused.why = words(&refused.why);
        }
        Ok(registered)
    }

    async fn secret(&self, scope: &str, key: &str) -> Result<Option<SecretString>, RegionError> {
        self.0.secret(scope, key).await.map_err(error)
    }
}

/// The sync location.
#[derive(Debug)]
struct RewordedLocation(Arc<dyn Location>);

#[async_trait]
impl Location for RewordedLocation {
    async fn presence(&self) -> Result<Reached, RegionError> {
        self.0.presence().await.map_err(error)
    }

    async fn replicas(
        &self,
        asked: &[ReplicaQuestion],
    ) -> Vec<Result<Option<Replica>, RegionError>> {
        let all = each(self.0.replicas(asked).await).into_iter();
        all.map(|answer| answer.map(|of| of.map(replica))).collect()
    }

    async fn replicas_stand(&self, asked: &[ReplicaQuestion]) -> Vec<Result<bool, RegionError>> {
        each(self.0.replicas_stand(asked).await)
    }

    async fn contents(&self, asked: &[ContentQuestion]) -> Vec<Result<ContentAnswer, RegionError>> {
        each(self.0.contents(asked).await).into_iter().map(|answer| answer.map(content)).collect()
    }

    async fn ledger(&self) -> Result<LedgerCopy, RegionError> {
        self.0.ledger().await.map(copy).map_err(error)
    }

    async fn ledger_heads(&self) -> Result<LedgerCopy, RegionError> {
        self.0.ledger_heads().await.map(copy).map_err(error)
    }

    async fn newest_cuts(&self, groups: &[&str]) -> Result<Cuts, RegionError> {
        self.0.newest_cuts(groups).await.map_err(error)
    }

    async fn put_aside(&self, table: LedgerTable, name: &str) -> Result<(), RegionError> {
        self.0.put_aside(table, name).await.map_err(error)
    }

    async fn mend(&self, table: LedgerTable) -> Result<(), RegionError> {
        self.0.mend(table).await.map_err(error)
    }

    async fn deep_clone(
        &self,
        order: &CloneOrder,
        progress: &Progress,
    ) -> Result<Cloned, RegionError> {
        self.0.deep_clone(order, progress).await.map_err(error)
    }

    async fn clear_left_over(&self, replica_paths: &[String]) {
        self.0.clear_left_over(replica_paths).await;
    }

    async fn clean_logs(&self, replicas: &[(String, u64)]) {
        self.0.clean_logs(replicas).await;
    }

    async fn verify(
        &self,
        order: &CloneOrder,
        replica_version: u64,
    ) -> Result<Verified, RegionError> {
        let verified = self.0.verify(order, replica_version).await.map_err(error)?;
        let differences = verified.differences.into_iter().map(words).collect();
        Ok(Verified { differences, ..verified })
    }

    async fn create_ledger(&self, workspace: &str) -> Result<(), RegionError> {
        self.0.create_ledger(workspace).await.map_err(error)
    }

    async fn clone_ledger(&self, from: &str) -> Result<(), RegionError> {
        self.0.clone_ledger(from).await.map_err(error)
    }

    async fn write_rows(&self, rows: &[Row]) -> Result<u64, RegionError> {
        self.0.write_rows(rows).await.map_err(error)
    }

    async fn append_cuts(&self, cuts: &[Cut]) -> Vec<Result<Appended, RegionError>> {
        each(self.0.append_cuts(cuts).await)
    }

    async fn copy_cuts(&self, cuts: &[Cut]) -> Result<(), RegionError> {
        self.0.copy_cuts(cuts).await.map_err(error)
    }

    async fn keep_evidence(&self, name: &str, bytes: &[u8]) -> Result<(), RegionError> {
        self.0.keep_evidence(name, bytes).await.map_err(error)
    }

    async fn evidence(&self, name: &str) -> Result<Option<Vec<u8>>, RegionError> {
        self.0.evidence(name).await.map_err(error)
    }

    async fn run_records(&self, wanted: &RecordRange) -> Result<KeptRecords, RegionError> {
        let mut kept = self.0.run_records(wanted).await.map_err(error)?;
        for odd in &mut kept.passed_over {
            odd.why = words(&odd.why);
        }
        Ok(kept)
    }

    async fn record_signatures(
        &self,
        wanted: &RecordRange,
    ) -> Result<Vec<KeptDocument>, RegionError> {
        self.0.record_signatures(wanted).await.map_err(error)
    }

    async fn evidence_names(&self, wanted: &RecordRange) -> Result<Vec<String>, RegionError> {
        self.0.evidence_names(wanted).await.map_err(error)
    }
}
