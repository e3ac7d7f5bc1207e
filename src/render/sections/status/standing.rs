//! What stands in the way of which group, and the replicas that are not at their cut.

use std::collections::BTreeMap;

use super::verdict::{is_failed, paused, primary_away};
use super::{entries, label};
use crate::command::{Command, Verb};
use crate::figures::{moment, plural, plural_of};
use crate::plan::document::DriftCommit;
use crate::plan::status::{
    GroupStatus, OffCut, RetiredStatus, Rpo, StatusDocument, WorkspaceStatus,
};
use crate::plan::{Decision, Finding, FindingCode};
use crate::render::away::UnseenRegions;
use crate::render::page::{
    Below, Block, Copied, Entries, NameNote, NamesInRow, PageEntry, Phrase, PhrasePart, Section,
    ToldIn, Tone,
};
use crate::render::shown::label_among;

/// Findings that are told of a group.
const FINDINGS_TOLD: usize = 3;
/// Groups of one cause, and groups that are retired, that are named.
const GROUPS_NAMED: usize = 3;

/// The replicas that cannot be brought to their cut.
pub(super) fn losses(status: &StatusDocument) -> Section {
    let lost = entries(status).flat_map(|(workspace, group)| {
        let label = label(status, workspace, group);
        let tables = group.tables.iter();
        tables.filter_map(move |table| {
            let why = table.lost.as_ref()?;
            let says = Phrase::name(&table.table).and(": ").and(Phrase::from_others(why));
            Some(PageEntry::new("lost", Tone::Bad, Phrase::name(&label), says))
        })
    });
    let lost: Vec<PageEntry> = lost.collect();
    if lost.is_empty() {
        return Section::default();
    }
    let mut lost = Entries::new("table", lost);
    if !primary_away(status)
        && let Some(last) = lost.entries.last_mut()
    {
        let repair = Command::new(Verb::Plan).word("--full").word("--out").word("plan.json");
        last.below.push(Below::Copied(Copied::command(repair)));
    }
    Section::titled("Lost", [Block::Entries(lost)])
}

/// The replicas that do not hold their cut and can be brought to it: why, and the version to go back to.
pub(super) fn off_cut(status: &StatusDocument) -> Section {
    let all = entries(status).flat_map(|(workspace, group)| {
        let label = label(status, workspace, group);
        group.tables.iter().filter_map(move |table| {
            let off = table.off_cut.as_ref()?;
            let cut = group.last_cut.as_ref()?;
            let (word, tone, why) = why(off, cut.number);
            let says = Phrase::name(&table.table).and(": ").and(why);
            let says = match table.cut_replica_version {
                Some(version) if goes_back(off) => {
                    says.and(format!("; cut {} is its v{version}", cut.number))
                }
                Some(_) | None => says,
            };
            Some(PageEntry::new(word, tone, Phrase::name(&label), says))
        })
    });
    let all = Entries::new("table", all.collect());
    if all.entries.is_empty() {
        return Section::default();
    }
    Section::titled("Not at their cut", [Block::Entries(all)])
}

/// Whether it is the replica's own earlier version that is gone back to.
fn goes_back(off: &OffCut) -> bool {
    match off {
        OffCut::Drift { .. } | OffCut::Ahead { .. } | OffCut::Damaged { .. } => true,
        OffCut::Behind { .. }
        | OffCut::Elsewhere { .. }
        | OffCut::Joined
        | OffCut::Unproved { .. } => false,
    }
}

/// Why a replica does not hold its cut.
fn why(off: &OffCut, cut: u64) -> (&'static str, Tone, Phrase) {
    match off {
        OffCut::Drift { number, commits } => ("drift", Tone::Bad, written(*number, commits)),
        OffCut::Ahead { source_version } => {
            ("ahead", Tone::Wait, format!("holds v{source_version} of its source already").into())
        }
        OffCut::Behind { source_version } => {
            ("behind", Tone::Bad, format!("holds v{source_version} of its source").into())
        }
        OffCut::Elsewhere { location } => {
            let place = Phrase::from(format!("cut {cut} has it elsewhere: "));
            ("moved", Tone::Bad, place.and(Phrase::from_others(location)))
        }
        OffCut::Joined => ("joined", Tone::Wait, "came to the group after its last cut".into()),
        OffCut::Damaged { what } => ("damaged", Tone::Bad, Phrase::from_others(what)),
        OffCut::Unproved { why } => {
            let whether = Phrase::from("whether it is the clone that the cut names is not known: ");
            ("doubted", Tone::Wait, whether.and(Phrase::from_others(why)))
        }
    }
}

/// What others wrote: the first of it, and how much there is.
fn written(number: u64, commits: &[DriftCommit]) -> Phrase {
    let Some(first) = commits.first() else {
        return format!("{} of others", plural_of(number, "commit")).into();
    };
    let DriftCommit { version, committed_at, operation, user, rows, rows_compared: _ } = first;
    let mut says = Phrase::from(format!("v{version} ")).and(Phrase::from_others(operation));
    if let Some(rows) = rows {
        says = says.and(format!(" of {}", plural_of(*rows, "row")));
    }
    says = match user {
        Some(user) => says.and(" by ").and(Phrase::from_others(user)),
        None => says.and(" by someone else"),
    };
    says = says.and(format!(", {}", moment(*committed_at)));
    match number.saturating_sub(1) {
        0 => says,
        more => says.and(format!(", and {} after it", plural_of(more, "commit"))),
    }
}

/// What one or several groups have in common.
struct Trouble {
    word: &'static str,
    tone: Tone,
    says: Phrase,
    below: Vec<Below>,
    told: ToldIn,
    labels: Vec<String>,
}

/// What stands in the way of which group: what is the same of several is said once.
pub(super) fn troubles(status: &StatusDocument) -> Section {
    let mut all: Vec<Trouble> = vec![];
    let mut places: BTreeMap<(&str, Phrase), usize> = BTreeMap::new();
    let mut before: Vec<String> = vec![];
    for (workspace, group) in entries(status) {
        let Some(mut trouble) = trouble(workspace, group) else {
            continue;
        };
        let label = label(status, workspace, group);
        // What failed before the primary went away is not what stands in the way now.
        if !workspace.regions.primary.reachable && trouble.word == "failed" {
            before.push(label.clone());
            (trouble.told, trouble.tone) = (ToldIn::InFull, Tone::Wait);
        }
        let next = all.len();
        let same = trouble.below.is_empty();
        let at = match same.then(|| places.entry((trouble.word, trouble.says.clone()))) {
            Some(place) => *place.or_insert(next),
            None => next,
        };
        if at == next {
            all.push(trouble);
        }
        all[at].labels.push(label);
    }
    let mut told: Vec<PageEntry> = all.into_iter().map(Trouble::entry).collect();
    if !before.is_empty() {
        let shows = Phrase::command(Command::new(Verb::Status).word("-v"));
        let says = Phrase::from("in the last round before: ").and(shows);
        let (label, says) = labelled(&before, says);
        told.push(PageEntry {
            told: ToldIn::InBrief,
            ..PageEntry::new("failed", Tone::Wait, label, says)
        });
    }
    Block::Entries(Entries::new("group", told)).into()
}

impl Trouble {
    fn entry(self) -> PageEntry {
        let Trouble { word, tone, says, below, told, labels } = self;
        let (label, says) = labelled(&labels, says);
        PageEntry { told, below, ..PageEntry::new(word, tone, label, says) }
    }
}

/// One group by its name; several by their number, and their names before what is said of them.
fn labelled(labels: &[String], says: Phrase) -> (Phrase, Phrase) {
    match labels {
        [one] => (Phrase::name(one), says),
        many => {
            let names = Phrase::from(PhrasePart::Names(many.to_vec(), GROUPS_NAMED));
            (plural(many.len(), "group").into(), names.and(": ").and(says))
        }
    }
}

fn trouble(workspace: &WorkspaceStatus, group: &GroupStatus) -> Option<Trouble> {
    let away = UnseenRegions::of_status(workspace);
    // Who is active stands in a table of its own.
    let over = group.failed_over.is_some();
    let elsewhere = |code| away.says(code) || over && code == FindingCode::FailedOver;
    let findings: Vec<Phrase> =
        group.findings.iter().filter(|finding| !elsewhere(finding.code)).map(finding).collect();
    let waits = group.decision == Some(Decision::Waiting);
    let mut told = ToldIn::Always;
    let says = if !findings.is_empty() {
        Some(Phrase::few(findings, FINDINGS_TOLD))
    } else if let Some(why) = paused(group) {
        Some(Phrase::from_others(why))
    } else if waits && let Some(reason) = &group.reason {
        // What waits for the clock alone calls for nobody, unless it is late.
        if group.rpo != Rpo::Breached {
            told = ToldIn::InFull;
        }
        Some(Phrase::from_others(reason))
    } else {
        None
    };
    let message = group.message.as_ref().filter(|_| is_failed(workspace, group));
    let (word, tone, says) = match (message, says) {
        (Some(message), says) => {
            told = ToldIn::Always;
            let says = says.map(|says| Phrase::from("; ").and(says)).unwrap_or_default();
            ("failed", Tone::Bad, Phrase::from_others(message).and(says))
        }
        (None, Some(says)) => {
            let decision = group.decision.unwrap_or(Decision::Blocked);
            let tone = match decision {
                Decision::Blocked => Tone::Bad,
                // What waits for the clock alone is no trouble.
                Decision::Waiting if told == ToldIn::InFull => Tone::Good,
                Decision::Waiting => Tone::Wait,
                Decision::Sync | Decision::UpToDate => Tone::Good,
            };
            (decision.as_str(), tone, says)
        }
        (None, None) => return None,
    };
    let below = group.findings.iter().filter(|finding| finding.table.is_some());
    let below =
        below.map(|of| Below::Further(finding(of).and(": ").and(Phrase::from_others(&of.message))));
    Some(Trouble { word, tone, says, below: below.collect(), told, labels: vec![] })
}

fn finding(finding: &Finding) -> Phrase {
    let code = Phrase::name(finding.code.as_str());
    match &finding.table {
        Some(table) => Phrase::name(table).and(" ").and(code),
        None => code.and(": ").and(Phrase::from_others(&finding.message)),
    }
}

/// The groups that left the configuration, in a line of their own.
pub(super) fn section_of_retired(status: &StatusDocument) -> Section {
    let several = status.workspaces.len() > 1;
    let names = |recorded: bool| -> Vec<NameNote> {
        let of_all = status.workspaces.iter().flat_map(|workspace| {
            workspace.retired.iter().map(move |retired| (&workspace.name, retired))
        });
        let of_all = of_all.filter(|(_, retired)| retired.recorded == recorded);
        let named =
            of_all.map(|(workspace, RetiredStatus { name, last_cut, recorded: _ })| NameNote {
                name: label_among(several, workspace, name),
                group: None,
                why: last_cut.as_ref().map(|cut| {
                    Phrase::from(format!("cut {} of {}", cut.number, moment(cut.recovery_point)))
                }),
            });
        named.collect()
    };
    let kinds = [
        (true, "no longer in the configuration; their replicas stay as they are"),
        (false, "no longer in the configuration: the next apply retires them, replicas stay"),
    ];
    let blocks = kinds.into_iter().map(|(recorded, says)| {
        Block::Names(NamesInRow {
            word: "retired",
            noun: "group",
            names: names(recorded),
            few: GROUPS_NAMED,
            says: Some(says.into()),
        })
    });
    Section::titled("Retired", blocks)
}
