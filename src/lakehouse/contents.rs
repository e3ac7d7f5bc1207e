//! What the files of replicas hold, read as a stranger would, and whether a clone that no cut names is one.

use super::LakehouseLocation;
use super::delta::{self, CloneDifference, TableStore};
use super::refusal::refusal;
use super::sources::open;
use crate::region::{
    CloneProof, ContentAnswer, ContentQuestion, RegionError, RegionErrorKind, ReplicaContent,
    ReplicaQuestion, UnprovedClone,
};
use crate::sentence::Sentence;

/// Differences that are told of one replica.
const TOLD_MAX: usize = 3;

impl LakehouseLocation {
    pub(super) async fn content(
        &self,
        asked: &ContentQuestion,
    ) -> Result<ContentAnswer, RegionError> {
        let place = ReplicaQuestion { path: asked.path.clone(), since_version: None };
        place.check_place()?;
        let store = self.under_root(&asked.path);
        let doing = format!("read the files of the replica {}", asked.path);
        let source = self.source_of(asked, &doing);
        let proof = match asked.unproved {
            None => CloneProof::NotAsked,
            Some(clone) => prove(&store, clone, source.clone()).await,
        };
        let (content, compared) = if !asked.read {
            (None, false)
        } else {
            let named = asked.named.clone();
            let named = named.map(|named| (named.version, named.sha256));
            let found = delta::inspect(&store, asked.version, source.ok(), named).await;
            let found = found.map_err(|error| refusal(&doing, &error))?;
            let wrong = sum_up_differences(&found.differences).map(Into::into);
            (Some(ReplicaContent { wrong }), found.compared)
        };
        // A clone that was compared with its source just now is as good as one that a digest tells of.
        let proved =
            |clone: UnprovedClone| proof == CloneProof::Proved && clone.version == asked.version;
        let compared = compared || asked.unproved.is_some_and(proved);
        Ok(ContentAnswer { content, proof, compared })
    }

    /// The source of a replica, at the version that it says to hold.
    fn source_of(
        &self,
        asked: &ContentQuestion,
        doing: &str,
    ) -> Result<(TableStore, u64), RegionError> {
        let location = asked.source.as_ref().and_then(|it| it.location.as_deref());
        match location.zip(asked.source_version) {
            Some((location, version)) => {
                let source = open(location, doing)?.with_external(self.external_files());
                Ok((source, version))
            }
            None => {
                let detail = "the catalog does not say where the source's files are";
                Err(RegionError::new(RegionErrorKind::NotFound, doing, detail))
            }
        }
    }
}

/// Compares a version of a replica with its source, as after a clone.
///
/// What VACUUM took, or was lost, can no longer be compared: that refutes nothing.
async fn prove(
    replica: &TableStore,
    UnprovedClone { version, named }: UnprovedClone,
    source: Result<(TableStore, u64), RegionError>,
) -> CloneProof {
    let unknown = |why: Sentence| CloneProof::Unknown { version, why };
    let (source, source_version) = match source {
        Ok(source) => source,
        Err(refused) => return unknown(refused.describe_answer()),
    };
    match delta::verify(&source, source_version, replica, version).await {
        Err(error) => unknown(error.to_string().into()),
        Ok(found) => {
            let refutes = |difference: &&CloneDifference| match difference {
                CloneDifference::OnDisk { .. } => false,
                CloneDifference::Content { .. } | CloneDifference::Described { .. } => !named,
                CloneDifference::Lacking { .. }
                | CloneDifference::Surplus { .. }
                | CloneDifference::Header { .. } => true,
            };
            let refuting: Vec<CloneDifference> =
                found.differences.iter().filter(refutes).cloned().collect();
            match (sum_up_differences(&refuting), sum_up_differences(&found.differences)) {
                (Some(why), _) => CloneProof::Refuted { version, why: why.into() },
                (None, Some(why)) => unknown(why.into()),
                (None, None) => CloneProof::Proved,
            }
        }
    }
}

/// The first of some differences, and how many more there are.
fn sum_up_differences(differences: &[CloneDifference]) -> Option<String> {
    let shown: Vec<String> = differences.iter().take(TOLD_MAX).map(ToString::to_string).collect();
    if shown.is_empty() {
        return None;
    }
    let more = match differences.len() - shown.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Some(format!("{}{more}", shown.join("; ")))
}
