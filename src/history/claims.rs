//! What run records claim, held against what lies beside them: the plan, its signature, the cuts. Pure.
//!
//! Whoever may write the evidence can write any record. What it cannot write is a signature of a key that it does not have, nor,
//! unseen, a cut: those are chained in two regions.

use minisign_verify::{PublicKey, Signature};
use schemars::JsonSchema;
use serde::Serialize;

use super::Evidence;
use crate::canonical::sha256_of_bytes;
use crate::ledger::Cut;
use crate::record::{Approval, GroupOutcome, RunRecord, SignatureSeen};
use crate::sentence::Sentence;

/// What was found of the plan of an apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSeen {
    /// SHA-256 of the plan that is kept; `None`: none is.
    pub sha256: Option<String>,
    /// What was found of its signature, where the record claims one.
    pub signature: Option<SignatureSeen>,
}

/// Something that a record claims and that is not so, or cannot be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Unproved")]
pub struct UnprovedClaim {
    /// The apply of the record.
    pub run_id: String,
    /// What it claims.
    #[serde(flatten)]
    pub claim: Claim,
}

/// What a record claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "claim", rename_all = "snake_case")]
pub enum Claim {
    /// Its plan, of which nothing is kept.
    PlanMissing,
    /// Its plan's digest, which is not that of the plan that is kept.
    PlanDiffers,
    /// A signature, and none is kept.
    SignatureMissing,
    /// A signature, and the one that is kept is not of that plan by that key.
    SignatureWrong,
    /// A signature, which is by a key that the configuration does not name.
    SignatureOfAnother {
        /// The public key.
        public_key: String,
    },
    /// A runner's signature of the record, or one was asked for, and none is kept.
    RecordNotSigned,
    /// The same, and the one that is kept is not of the record by that key.
    RecordSignatureWrong,
    /// A cut that the cut log does not have.
    CutMissing {
        /// The group.
        group: String,
        /// Its number.
        cut: u64,
    },
    /// A cut that the log has of another apply, of another plan or by somebody else.
    CutDiffers {
        /// The group.
        group: String,
        /// Its number.
        cut: u64,
        /// Who committed it, as the log says.
        committed_by: String,
    },
    /// No cut of a group, or another one, where the cut log has one of this apply.
    CutNotClaimed {
        /// The group.
        group: String,
        /// Its number in the log.
        cut: u64,
    },
}

impl PlanSeen {
    /// Looks at the documents beside a record. `reviewers` are the keys that the configuration names; none: it asks for no signature.
    pub fn of(
        record: &RunRecord,
        plan: Option<&[u8]>,
        signature: Option<&[u8]>,
        reviewers: &[String],
    ) -> PlanSeen {
        let claimed = match &record.approval {
            Some(Approval::Signature { public_key, trusted_comment }) => {
                Some((public_key, trusted_comment))
            }
            Some(Approval::ExpectedEffect | Approval::Prompt | Approval::None) | None => None,
        };
        let seen = |(key, comment): (&String, &String)| match (plan, signature) {
            (Some(plan), Some(signature)) => {
                if !verifies(key, comment, plan, signature) {
                    SignatureSeen::Wrong
                } else if reviewers.is_empty() || reviewers.contains(key) {
                    SignatureSeen::Verified
                } else {
                    SignatureSeen::OfAnother
                }
            }
            (_, _) => SignatureSeen::Missing,
        };
        PlanSeen { sha256: plan.map(sha256_of_bytes), signature: claimed.map(seen) }
    }
}

/// Whether a signature of the kind that drsync takes is one of these bytes by a key, with the comment that the record tells.
fn verifies(key: &str, comment: &str, bytes: &[u8], signature: &[u8]) -> bool {
    let text = std::str::from_utf8(signature).ok();
    let read = text.and_then(|text| Signature::decode(text).ok());
    let (Ok(key), Some(signature)) = (PublicKey::from_base64(key), read) else {
        return false;
    };
    let told = crate::harmless::clean(signature.trusted_comment());
    key.verify(bytes, &signature, false).is_ok() && told == comment
}

impl Claim {
    /// Whether it is about the signature of the record itself.
    pub fn is_of_runners_signature(&self) -> bool {
        match self {
            Claim::RecordNotSigned | Claim::RecordSignatureWrong => true,
            Claim::PlanMissing
            | Claim::PlanDiffers
            | Claim::SignatureMissing
            | Claim::SignatureWrong
            | Claim::SignatureOfAnother { .. }
            | Claim::CutMissing { .. }
            | Claim::CutDiffers { .. }
            | Claim::CutNotClaimed { .. } => false,
        }
    }
}

impl UnprovedClaim {
    /// What is claimed, and what was found.
    pub fn sentence(&self) -> Sentence {
        let UnprovedClaim { run_id, claim } = self;
        let says = match claim {
            Claim::PlanMissing => {
                format!("the record of apply {run_id} names a plan that is not among the evidence")
            }
            Claim::PlanDiffers => format!(
                "the plan that is kept for apply {run_id} is not the one that its record names"
            ),
            Claim::SignatureMissing => format!(
                "the record of apply {run_id} claims a signature that is not among the evidence"
            ),
            Claim::SignatureWrong => format!(
                "the signature that is kept for apply {run_id} is not one of its plan by the key that its record names"
            ),
            Claim::SignatureOfAnother { public_key } => format!(
                "the plan of apply {run_id} is signed with the key {public_key}, which require_signature of the configuration does not name"
            ),
            Claim::RecordNotSigned => {
                format!("the record of apply {run_id} is not signed by its runner")
            }
            Claim::RecordSignatureWrong => format!(
                "the signature of the record of apply {run_id} is not one of it by the runner's key"
            ),
            Claim::CutMissing { group, cut } => format!(
                "the record of apply {run_id} claims cut {cut} of {group}, which the cut log does not have"
            ),
            Claim::CutDiffers { group, cut, committed_by } => format!(
                "the record of apply {run_id} claims cut {cut} of {group}, which the cut log has otherwise, committed by {committed_by}"
            ),
            Claim::CutNotClaimed { group, cut } => format!(
                "the cut log has cut {cut} of {group} as made by apply {run_id}, whose record tells of no such cut"
            ),
        };
        says.into()
    }
}

/// What the records claim that is not so.
pub(super) fn unproved(
    workspace: &str,
    records: &[&RunRecord],
    cuts: &[Cut],
    evidence: &Evidence,
) -> Vec<UnprovedClaim> {
    let mut all = Vec::new();
    for record in records {
        let of_plan =
            evidence.plans.get(&record.run_id).into_iter().flat_map(|seen| of_plan(record, seen));
        let signature = match evidence.signatures.get(&record.run_id) {
            Some(SignatureSeen::Missing) => Some(Claim::RecordNotSigned),
            Some(SignatureSeen::Wrong | SignatureSeen::OfAnother) => {
                Some(Claim::RecordSignatureWrong)
            }
            Some(SignatureSeen::Verified) | None => None,
        };
        let claims = signature
            .into_iter()
            .chain(of_plan)
            .chain(of_cuts(workspace, record, cuts))
            .chain(not_claimed(workspace, record, cuts));
        all.extend(claims.map(|claim| UnprovedClaim { run_id: record.run_id.clone(), claim }));
    }
    all
}

fn of_plan(record: &RunRecord, seen: &PlanSeen) -> Vec<Claim> {
    let plan = match &seen.sha256 {
        None => Some(Claim::PlanMissing),
        Some(digest) if *digest != record.plan_sha256 => Some(Claim::PlanDiffers),
        Some(_) => None,
    };
    let signature = match seen.signature {
        Some(SignatureSeen::Missing) => Some(Claim::SignatureMissing),
        Some(SignatureSeen::Wrong) => Some(Claim::SignatureWrong),
        Some(SignatureSeen::OfAnother) => match &record.approval {
            Some(Approval::Signature { public_key, .. }) => {
                Some(Claim::SignatureOfAnother { public_key: public_key.clone() })
            }
            Some(Approval::ExpectedEffect | Approval::Prompt | Approval::None) | None => None,
        },
        Some(SignatureSeen::Verified) | None => None,
    };
    plan.into_iter().chain(signature).collect()
}

/// Cuts that the log has of an apply whose record says otherwise.
///
/// An apply makes one cut of a group at most. Where it failed, or was beaten, its cut may be there although it never knew.
fn not_claimed(workspace: &str, record: &RunRecord, cuts: &[Cut]) -> Vec<Claim> {
    let of_group = |name: &str| {
        record.groups.iter().find(|group| group.workspace == workspace && group.name == name)
    };
    let told_otherwise = |cut: &&Cut| match of_group(&cut.group_name) {
        None => true,
        Some(group) => match group.outcome {
            GroupOutcome::Synchronized => group.cut.is_some_and(|made| made != cut.cut_number),
            GroupOutcome::UpToDate | GroupOutcome::Waiting | GroupOutcome::Blocked => true,
            GroupOutcome::Overtaken
            | GroupOutcome::Failed
            | GroupOutcome::Stale
            | GroupOutcome::NotStarted => false,
        },
    };
    let theirs = cuts.iter().filter(|cut| cut.run_id == record.run_id);
    let claims = theirs
        .filter(told_otherwise)
        .map(|cut| Claim::CutNotClaimed { group: cut.group_name.clone(), cut: cut.cut_number });
    claims.collect()
}

fn of_cuts(workspace: &str, record: &RunRecord, cuts: &[Cut]) -> Vec<Claim> {
    let mut claims = Vec::new();
    for group in &record.groups {
        let (GroupOutcome::Synchronized, Some(number)) = (group.outcome, group.cut) else {
            continue;
        };
        if group.workspace != workspace {
            continue;
        }
        let mut named = cuts
            .iter()
            .filter(|cut| cut.group_name == group.name && cut.cut_number == number)
            .peekable();
        let Some(first) = named.peek().copied() else {
            claims.push(Claim::CutMissing { group: group.name.clone(), cut: number });
            continue;
        };
        let ours = |cut: &Cut| {
            cut.run_id == record.run_id
                && cut.plan_sha256 == record.plan_sha256
                && cut.committed_by == record.provenance.actor
        };
        if !named.any(ours) {
            claims.push(Claim::CutDiffers {
                group: group.name.clone(),
                cut: number,
                committed_by: first.committed_by.clone(),
            });
        }
    }
    claims
}
