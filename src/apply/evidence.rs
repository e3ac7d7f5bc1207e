//! The evidence of one workspace: which of its regions keep it, what one lacks of the other's, and the plan.
//! Only this file keeps plans and run records in regions.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use futures::StreamExt;

use super::Run;
use super::chain::{self, Tips};
use crate::canonical::sha256_of_bytes;
use crate::observe::{FUTURE, Question};
use crate::plan::document::{BothRegions, WorkspacePlan};
use crate::plan::{FindingCode, Role, Whose};
use crate::record::{KeptConfiguration, Recorded, RunRecord, RunWarningCode};
use crate::region::{
    CONFIGURATION_ENDING, KeptDocument, Location, PLAN_ENDING, RUN_RECORD_ENDING, RecordRange,
    RegionError, RegionErrorKind, Regions, SIGNATURE_ENDING, apply_of, first_id_of,
    is_configuration, is_record_signature,
};

/// Documents of so many applies are brought to a region by one apply; the next one goes on.
const BROUGHT_MOST: usize = 64;
/// Documents of so many applies at once.
const AT_ONCE: usize = 8;
/// So many files that are no evidence are told one by one: whoever may write there can put any number of them there.
const PASSED_OVER_TOLD: usize = 16;
/// So many months more are looked at last for documents that a region lacks.
const MONTHS_MOST: u32 = 16;

/// Both regions in the order in which everything here has them.
const ROLES: [Role; 2] = [Role::Primary, Role::Secondary];

/// Where the evidence of a workspace is kept.
pub(super) struct Keepers<'a> {
    workspace: &'a str,
    /// By what its settings are found.
    whose: Whose<'a>,
    /// The groups of the plan.
    groups: Vec<&'a str>,
    regions: &'a Regions,
    /// Why a region was not asked; what it lacks is brought by a later apply.
    away: [Option<RegionError>; 2],
}

impl<'a> Keepers<'a> {
    /// Both regions of a workspace that this apply may write to, where some did not answer.
    pub(super) fn new(
        plan: &'a WorkspacePlan,
        regions: &'a Regions,
        away: [Option<RegionError>; 2],
    ) -> Keepers<'a> {
        let groups = plan.groups.iter().map(|group| group.name.as_str()).collect();
        let BothRegions { primary, secondary, shared_answer: _ } = &plan.observed;
        let whose = Whose {
            name: &plan.name,
            replicas: Some(&secondary.location),
            primary: Some(&primary.location),
            address: primary.workspace.as_deref(),
        };
        Keepers { workspace: &plan.name, whose, groups, regions, away }
    }

    /// The same of a workspace in which this apply has nothing else to write; `None`: its location is another's, and is left alone.
    pub(super) fn of_untouched(
        plan: &'a WorkspacePlan,
        regions: &'a Regions,
    ) -> Option<Keepers<'a>> {
        if is_foreign(plan) {
            return None;
        }
        let seen = [&plan.observed.primary, &plan.observed.secondary];
        let away = seen.map(|seen| {
            let why = "it did not answer when the plan was made";
            let doing = "keep evidence";
            (!seen.reachable).then(|| RegionError::new(RegionErrorKind::Unavailable, doing, why))
        });
        Some(Keepers::new(plan, regions, away))
    }

    /// The workspace.
    pub(super) fn workspace(&self) -> &str {
        self.workspace
    }

    fn location(&self, role: Role) -> &dyn Location {
        match role {
            Role::Primary => self.regions.primary.location.as_ref(),
            Role::Secondary => self.regions.secondary.location.as_ref(),
        }
    }

    fn asked(&self) -> [bool; 2] {
        [0, 1].map(|place| self.away[place].is_none())
    }

    /// Reads a document in the first region that has it; `None`: none that answers has.
    pub(super) async fn read(&self, name: &str) -> Option<Vec<u8>> {
        for (role, asked) in ROLES.into_iter().zip(self.asked()) {
            if asked && let Ok(Some(bytes)) = self.location(role).evidence(name).await {
                return Some(bytes);
            }
        }
        None
    }

    /// Brings each region what it lacks, from the other or from this machine, and looks for the newest records.
    pub(super) async fn bring_together(&self, run: &Run<'_>) -> Tips {
        self.bring_from_here(run).await;
        if self.asked() == [true, true] {
            self.bring_from_each_other(run).await;
        }
        let tips = self.tips(run).await;
        for odd in tips.passed_over.iter().take(PASSED_OVER_TOLD) {
            let text = format!("{} among the evidence was passed over: {}", odd.name, odd.why);
            let warning = RunWarningCode::EvidencePassedOver.warn(text);
            run.warn(warning.of_workspace(self.workspace).about(&odd.name));
        }
        let more = tips.passed_over.len().saturating_sub(PASSED_OVER_TOLD);
        if more > 0 {
            let text = format!(
                "{more} more files among the evidence were passed over; the report of a period names them all"
            );
            let warning = RunWarningCode::EvidencePassedOver.warn(text);
            run.warn(warning.of_workspace(self.workspace));
        }
        tips
    }

    /// The newest records.
    pub(super) async fn tips(&self, run: &Run<'_>) -> Tips {
        let question = Question {
            workspace: self.workspace,
            whose: Some(self.whose),
            groups: &self.groups,
            keys: &run.options.record_keys,
        };
        let here =
            if run.options.policies.is_empty() { Vec::new() } else { run.options.local.owed() };
        let mut tips = chain::tips(question, self.regions, self.asked(), here, run.now()).await;
        if tips.is_of_new_places() {
            tips.follow_machine(run.options.local.recent_records(), &self.whose, run.now());
        }
        tips
    }

    /// Gives the regions the documents of earlier applies that lie on this machine only.
    async fn bring_from_here(&self, run: &Run<'_>) {
        let owed = run.options.local.owed();
        for documents in owed.chunk_by(|one, other| apply_of(&one.name) == apply_of(&other.name)) {
            let Some(run_id) = apply_of(&documents[0].name) else {
                continue;
            };
            let mut records = documents.iter().filter_map(|one| RunRecord::read(&one.bytes).ok());
            let of_this = |record: RunRecord| {
                let mut groups = record.groups.iter();
                groups.any(|group| group.workspace == self.workspace)
                    || record.metadata.iter().any(|one| one.workspace == self.workspace)
            };
            if !records.any(of_this) {
                continue;
            }
            for (role, asked) in ROLES.into_iter().zip(self.asked()) {
                let kept = asked && keep_all(self.location(role), documents).await.is_ok();
                run.owes(run_id, !kept);
            }
        }
    }

    /// Gives each region the documents that only the other has, the oldest first.
    async fn bring_from_each_other(&self, run: &Run<'_>) {
        let lacking = match self.lacking(run.now()).await {
            Ok(lacking) => lacking,
            Err(error) => {
                let text = format!("what evidence a region lacks is not known: {error}");
                run.warn(RunWarningCode::EvidenceBehind.warn(text).of_workspace(self.workspace));
                return;
            }
        };
        for (to, from, applies) in [
            (Role::Primary, Role::Secondary, lacking.0),
            (Role::Secondary, Role::Primary, lacking.1),
        ] {
            let behind = |text: String| {
                let warning = RunWarningCode::EvidenceBehind.warn(text);
                run.warn(warning.of_side(to).of_workspace(self.workspace));
            };
            let bring = applies.iter().map(|names| self.bring(names, from, to));
            let mut bring = futures::stream::iter(bring).buffered(AT_ONCE);
            let (mut looked, mut brought) = (0, 0);
            while let Some(done) = bring.next().await {
                looked += 1;
                match done {
                    Ok(any) => brought += usize::from(any),
                    Err(error) => {
                        let to = to.name();
                        behind(format!(
                            "evidence that the {to} lacks was not brought to it: {error}"
                        ));
                        break;
                    }
                }
                // What is no record takes no other's turn.
                if brought == BROUGHT_MOST && looked < applies.len() {
                    behind(format!(
                        "the {} lacks documents of {} more applies; the next apply goes on",
                        to.name(),
                        applies.len() - looked
                    ));
                    break;
                }
            }
        }
    }

    /// Gives a region the documents of one apply, its record after its plan, and says whether there were any.
    ///
    /// Something under the name of a record that is none stays where it lies, and so does the signature of it.
    async fn bring(&self, names: &[String], from: Role, to: Role) -> Result<bool, RegionError> {
        let mut documents = Vec::new();
        for name in names {
            if let Some(bytes) = self.location(from).evidence(name).await? {
                documents.push(KeptDocument { name: name.clone(), bytes });
            }
        }
        let of_record = |name: &str| name.ends_with(RUN_RECORD_ENDING) || is_record_signature(name);
        let is_none = |document: &KeptDocument| {
            document.name.ends_with(RUN_RECORD_ENDING) && RunRecord::of(document).is_err()
        };
        if documents.iter().any(is_none) {
            documents.retain(|document| !of_record(&document.name));
        }
        keep_all(self.location(to), &documents).await?;
        Ok(!documents.is_empty())
    }

    /// The names of documents that the primary lacks, and that the secondary does, by apply, the oldest first.
    ///
    /// Months are looked at from this one on back to the first in which both have the same, more of them each time.
    async fn lacking(
        &self,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Vec<String>>, Vec<Vec<String>>), RegionError> {
        let (mut primary_lacks, mut secondary_lacks) = (BTreeSet::new(), BTreeSet::new());
        let mut until = now + FUTURE;
        let mut month = first_of_month(now);
        let mut step = 1;
        while step <= MONTHS_MOST {
            let wanted = RecordRange {
                from: Some(first_id_of(month)),
                until: Some(first_id_of(until)),
                newest: None,
            };
            let (primary, secondary) = futures::join!(
                self.regions.primary.location.evidence_names(&wanted),
                self.regions.secondary.location.evidence_names(&wanted)
            );
            let (primary, secondary) =
                (BTreeSet::from_iter(primary?), BTreeSet::from_iter(secondary?));
            let same = primary == secondary;
            primary_lacks.extend(secondary.difference(&primary).cloned());
            secondary_lacks.extend(primary.difference(&secondary).cloned());
            if same && !primary.is_empty() {
                break;
            }
            until = month;
            month = month.checked_sub_months(Months::new(step)).unwrap_or(month);
            step *= 2;
        }
        Ok((by_apply(primary_lacks), by_apply(secondary_lacks)))
    }

    /// Keeps the plan that is carried out, and its signature, in each region that is there; says where it is not kept.
    pub(super) async fn keep_plan(&self, run: &Run<'_>) {
        let plan = format!("{}{PLAN_ENDING}", run.options.run_id);
        let mut documents =
            vec![KeptDocument { name: plan.clone(), bytes: run.stored.bytes.clone() }];
        let signature = run.options.signature.iter();
        documents.extend(signature.map(|text| KeptDocument {
            name: format!("{plan}{SIGNATURE_ENDING}"),
            bytes: text.clone().into_bytes(),
        }));
        self.keep(run, Recorded::Plan, &documents).await;
    }

    /// Keeps a configuration in each region that is there, under the name that the newest record has for it, and says where it is
    /// kept; `None`: nowhere. A round with nothing to do takes the record's word for it.
    pub(super) async fn keep_configuration(
        &self,
        run: &Run<'_>,
        given: Option<&Vec<u8>>,
        named: Option<&KeptConfiguration>,
    ) -> Option<KeptConfiguration> {
        let Some(bytes) = given else {
            return named.cloned();
        };
        let sha256 = sha256_of_bytes(bytes);
        let same =
            named.filter(|named| named.sha256 == sha256 && is_configuration(&named.document));
        let document = match same {
            Some(same) if !run.stored.plan.applyable => return Some(same.clone()),
            // One that is there stays as it is; one that was lost is there again.
            Some(same) => same.document.clone(),
            None => format!("{}{CONFIGURATION_ENDING}", run.options.run_id),
        };
        let keep = async |place: usize| match &self.away[place] {
            Some(away) => Err(away.clone()),
            None => self.location(ROLES[place]).keep_evidence(&document, bytes).await,
        };
        let (primary, secondary) = futures::join!(keep(0), keep(1));
        let mut kept = false;
        for (place, done) in [primary, secondary].into_iter().enumerate() {
            match done {
                Ok(()) => kept = true,
                // Of a region that is away everything has been said.
                Err(error) if self.away[place].is_none() => {
                    let role = ROLES[place];
                    let text =
                        format!("the configuration is not kept in the {}: {error}", role.name());
                    let warning = RunWarningCode::EvidenceNotKept.warn(text).about("configuration");
                    run.warn(warning.of_side(role).of_workspace(self.workspace));
                }
                Err(_) => {}
            }
        }
        kept.then_some(KeptConfiguration { document, sha256 })
    }

    /// Keeps documents in each region; those that did not get them are noted, with the reason. Whether one got them.
    pub(super) async fn keep(
        &self,
        run: &Run<'_>,
        what: Recorded,
        documents: &[KeptDocument],
    ) -> bool {
        let keep = async |place: usize| match &self.away[place] {
            Some(away) => Err(away.clone()),
            None => keep_all(self.location(ROLES[place]), documents).await,
        };
        let (primary, secondary) = futures::join!(keep(0), keep(1));
        let mut kept = false;
        for (place, done) in [primary, secondary].into_iter().enumerate() {
            let role = ROLES[place];
            run.noted(self.workspace, role, what, done.as_ref().copied());
            let Err(error) = done else {
                kept = true;
                continue;
            };
            // Of a region that is away everything has been said.
            if self.away[place].is_none() {
                let text = format!("{} is not kept in the {}: {error}", what.as_str(), role.name());
                let warning = RunWarningCode::EvidenceNotKept.warn(text).about(what.code());
                run.warn(warning.of_side(role).of_workspace(self.workspace));
            }
        }
        kept
    }
}

/// Whether the sync location is another workspace's.
pub(super) fn is_foreign(workspace: &WorkspacePlan) -> bool {
    let mut findings = workspace.groups.iter().flat_map(|group| &group.findings);
    findings.any(|finding| finding.code == FindingCode::LedgerNotOurs)
}

async fn keep_all(location: &dyn Location, documents: &[KeptDocument]) -> Result<(), RegionError> {
    for document in documents {
        location.keep_evidence(&document.name, &document.bytes).await?;
    }
    Ok(())
}

/// Names of documents by the apply that they are of.
fn by_apply(names: BTreeSet<String>) -> Vec<Vec<String>> {
    let mut applies: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        if let Some(id) = apply_of(&name) {
            applies.entry(id.to_owned()).or_default().push(name);
        }
    }
    applies.into_values().collect()
}

fn first_of_month(moment: DateTime<Utc>) -> DateTime<Utc> {
    let day = moment.date_naive();
    let first = NaiveDate::from_ymd_opt(day.year(), day.month(), 1).unwrap_or(day);
    first.and_time(NaiveTime::MIN).and_utc()
}
