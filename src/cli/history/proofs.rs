//! The evidence of a period, from both regions: run records, the plans of its applies, and whose signatures they carry. It only asks.

use std::collections::{BTreeMap, HashSet};

use futures::StreamExt;

use crate::apply::{Approval, RunRecord};
use crate::history::{Evidence, PlanSeen, Span, era, plans_of, records_of};
use crate::plan::Refused;
use crate::record::SignatureSeen;
use crate::region::{KeptDocument, RecordRange, RegionError, Regions, SIGNATURE_ENDING};
use crate::render::cut_history::UnreadRegion;

/// Plans that are looked at at once: each may be large.
const PLANS_AT_ONCE: usize = 8;

/// Whose signatures are looked for.
pub(super) struct Signers {
    pub(super) records: Signed,
    /// Of stored plans: the reviewers' keys that the configuration names.
    pub(super) plans: Vec<String>,
}

/// Whose signatures of run records are looked for.
pub(super) enum Signed {
    /// Of each record that says to be signed, by the key that it names.
    AsClaimed,
    /// Of every record, by one of these keys.
    All(Vec<String>),
    /// Of every record since the first that one of these keys signed, and of those before as they say.
    Since(Vec<String>),
}

impl Signed {
    /// The keys of which one has to have signed a record that is believed; none: every record is.
    pub(super) fn keys(&self) -> &[String] {
        match self {
            Signed::AsClaimed => &[],
            Signed::All(keys) | Signed::Since(keys) => keys,
        }
    }
}

/// Reads the evidence of a workspace from both regions: what one lacks the other may have.
///
/// All records, whatever the period: a clock does not say which follows which. Plans only of the applies of the period.
pub(super) async fn gather_evidence(
    span: Span,
    head: Option<String>,
    regions: &Regions,
    signers: &Signers,
    unread: &mut Vec<UnreadRegion>,
) -> Result<Evidence, RegionError> {
    let all = RecordRange::default();
    let (primary, secondary) = tokio::join!(
        regions.primary.location.run_records(&all),
        regions.secondary.location.run_records(&all)
    );
    if let (Err(_), Err(error)) = (&primary, &secondary) {
        return Err(error.clone());
    }
    let mut evidence = Evidence { head, ..Evidence::default() };
    let mut documents: BTreeMap<String, KeptDocument> = BTreeMap::new();
    for (region, kept) in [("secondary", secondary), ("primary", primary)] {
        let kept = match kept {
            Ok(kept) => kept,
            Err(error) => {
                if unread.iter().all(|unread| unread.region != region) {
                    unread.push(unread_region(region, &error));
                }
                continue;
            }
        };
        evidence.passed_over.extend(kept.passed_over);
        evidence.differing.extend(merge_documents(&mut documents, kept.documents));
    }
    evidence.documents = documents.into_values().collect();
    let plans = plans_of(span, &evidence.documents).into_iter();
    let seen = plans.map(async |(name, record)| {
        let seen = plan_seen(regions, &name, &record, &signers.plans).await?;
        Ok::<_, RegionError>((record.run_id, seen))
    });
    let mut seen = futures::stream::iter(seen).buffer_unordered(PLANS_AT_ONCE);
    while let Some(plan) = seen.next().await {
        evidence.plans.extend([plan?]);
    }
    drop(seen);
    let signed = &signers.records;
    evidence.signatures_asked = !matches!(signed, Signed::AsClaimed);
    let records = records_of(span, &evidence.documents);
    evidence.signatures = signatures(regions, signed, &evidence.documents, records).await?;
    Ok(evidence)
}

pub(super) fn unread_region(role: &str, error: &RegionError) -> UnreadRegion {
    UnreadRegion {
        region: role.to_owned(),
        answer: error.to_string().into(),
        refused: Refused::of(error.kind),
    }
}

/// Adds the documents of another region, and names those that both have and that are not the same.
fn merge_documents(
    known: &mut BTreeMap<String, KeptDocument>,
    documents: Vec<KeptDocument>,
) -> Vec<String> {
    let mut differing = Vec::new();
    for document in documents {
        match known.get(&document.name) {
            Some(other) if other.bytes != document.bytes => differing.push(document.name),
            Some(_) => {}
            None => {
                known.insert(document.name.clone(), document);
            }
        }
    }
    differing
}

/// Looks for the signatures of the records of a period, among all documents.
async fn signatures(
    regions: &Regions,
    signed: &Signed,
    documents: &[KeptDocument],
    records: Vec<(&KeptDocument, RunRecord)>,
) -> Result<BTreeMap<String, SignatureSeen>, RegionError> {
    let seen = async |document: &KeptDocument, record: &RunRecord, keys: &[String]| {
        let signature =
            read_evidence(regions, &format!("{}{SIGNATURE_ENDING}", document.name)).await?;
        Ok::<_, RegionError>(SignatureSeen::of_record(
            &document.bytes,
            record,
            signature.as_deref(),
            keys,
        ))
    };
    let (keys, mut since) = match signed {
        Signed::AsClaimed => (&[][..], None),
        Signed::All(keys) => (&keys[..], None),
        Signed::Since(keys) => (&keys[..], Some(HashSet::new())),
    };
    if let Some(since) = &mut since {
        for (document, record) in era::signed_by(documents, keys) {
            if seen(document, &record, keys).await? == SignatureSeen::Verified {
                *since = era::records_since(documents, &record);
                break;
            }
        }
        if since.is_empty() {
            // Either nobody has signed yet, or what was signed is gone.
            since.extend(era::newest(documents).map(|record| record.run_id));
        }
    }
    let asked = records.into_iter().filter_map(|(document, record)| {
        let demanded = since.as_ref().map_or(!keys.is_empty(), |ids| ids.contains(&record.run_id));
        match (demanded, &record.signed_by) {
            (true, _) => Some((document, record, keys)),
            (false, Some(_)) => Some((document, record, &[][..])),
            (false, None) => None,
        }
    });
    let asked: Vec<_> = asked.collect();
    let names = asked.iter().map(|(document, _, _)| document.name.as_str());
    let kept = kept_signatures(regions, names).await?;
    let found = asked.into_iter().map(|(document, record, keys)| {
        let signature = kept.get(&format!("{}{SIGNATURE_ENDING}", document.name));
        let signature = signature.map(Vec::as_slice);
        let seen = SignatureSeen::of_record(&document.bytes, &record, signature, keys);
        (record.run_id, seen)
    });
    Ok(found.collect())
}

/// The signatures of records by their names, from those of the first to those of the last, as either region has them.
async fn kept_signatures<'a>(
    regions: &Regions,
    records: impl Iterator<Item = &'a str> + Clone,
) -> Result<BTreeMap<String, Vec<u8>>, RegionError> {
    let (Some(first), Some(last)) = (records.clone().min(), records.max()) else {
        return Ok(BTreeMap::new());
    };
    let range = RecordRange {
        from: Some(first.to_owned()),
        until: Some(format!("{last}{SIGNATURE_ENDING}")),
        newest: None,
    };
    let (primary, secondary) = tokio::join!(
        regions.primary.location.record_signatures(&range),
        regions.secondary.location.record_signatures(&range)
    );
    if let (Err(_), Err(error)) = (&primary, &secondary) {
        return Err(error.clone());
    }
    // Of two that differ the secondary's counts, as of every document.
    let all = [primary, secondary].into_iter().flatten().flatten();
    Ok(all.map(|document| (document.name, document.bytes)).collect())
}

/// Looks at the plan of an apply, and at the signature that its record claims.
async fn plan_seen(
    regions: &Regions,
    name: &str,
    record: &RunRecord,
    reviewers: &[String],
) -> Result<PlanSeen, RegionError> {
    let plan = read_evidence(regions, name).await?;
    let signature = match record.approval {
        Some(Approval::Signature { .. }) => {
            read_evidence(regions, &format!("{name}{SIGNATURE_ENDING}")).await?
        }
        Some(Approval::ExpectedEffect | Approval::Prompt | Approval::None) | None => None,
    };
    Ok(PlanSeen::of(record, plan.as_deref(), signature.as_deref(), reviewers))
}

/// A document as either region has it, the secondary first.
async fn read_evidence(regions: &Regions, name: &str) -> Result<Option<Vec<u8>>, RegionError> {
    let secondary = regions.secondary.location.evidence(name).await;
    if let Ok(Some(bytes)) = secondary {
        return Ok(Some(bytes));
    }
    match (regions.primary.location.evidence(name).await, secondary) {
        (Ok(Some(bytes)), _) => Ok(Some(bytes)),
        (_, secondary) => secondary,
    }
}
