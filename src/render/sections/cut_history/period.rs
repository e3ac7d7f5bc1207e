//! The report of a period: what an auditor asks first, first.

use super::notes;
use crate::figures::{count, elapsed, moment, plural, span};
use crate::history::{
    ApplyLine, GroupPeriod, Period, SettingsLine, Skew, UnprovedClaim, Unrecorded,
};
use crate::render::cut_history::CutHistory;
use crate::render::page::{
    Block, Fact, Note, PageTable, Phrase, PhrasePart, Section, ShownNotes, ToldIn, Tone,
};
use crate::render::protection::describe_change;
use crate::render::sections::run::approval as approval_words;
use crate::sentence::Sentence;
use crate::text::plural_as;

/// What casts doubt on the report of a period; it comes first.
pub(super) fn doubts(history: &CutHistory) -> Vec<String> {
    let mut workspaces = history.workspaces.iter();
    let unread = workspaces.any(|workspace| workspace.period_missing.is_some());
    let broken = history.periods().any(|period| !period.chain.unbroken);
    let missing = history.periods().any(|period| period.chain.in_doubt());
    let claims = |unsigned: bool| {
        let mut all = history.periods().flat_map(|period| &period.unproved);
        all.any(|one| one.claim.is_of_runners_signature() == unsigned)
    };
    let lost = history.workspaces.iter().any(|workspace| !workspace.lost.is_empty());
    let all = [
        (lost, "The cut log lost cuts (ledger_lost)"),
        (unread, "The run records could not be read"),
        (broken, "The chain of records is broken"),
        (claims(false), "A run record claims what is not so"),
        (claims(true), "A run record is not signed by its runner"),
        (missing, "A run record is not there yet"),
    ];
    all.into_iter().filter(|(doubted, _)| *doubted).map(|(_, words)| words.to_owned()).collect()
}

/// What the period comes to.
pub(super) fn facts(period: &Period) -> Vec<Fact> {
    let period_said = Phrase::from(period.since).and(" to ").and(period.until);
    let unapproved = match period.without_approval.len() {
        0 => Phrase::default(),
        some => {
            Phrase::from(", ").and(Phrase::from(format!("{} without approval", count(some as u64))))
        }
    };
    let applies = plural_as(period.applies.len() as u64, "apply", "applies");
    let silence = span(period.longest_silence_seconds);
    let records = plural(period.chain.records, "record");
    let chain = if period.chain.unbroken {
        Phrase::from(format!("{records} in an unbroken chain"))
    } else {
        Phrase::mark("broken", Tone::Bad).and(format!(": the chain of {records} is broken"))
    };
    let mut facts = vec![
        Fact::new("period", period_said),
        Fact::new("applies", Phrase::from(applies).and(unapproved)),
        Fact::new(
            "rounds",
            format!("{} looked and found nothing to do", count(period.quiet_rounds as u64)),
        ),
        Fact::new("silence", format!("{silence} without a record at the longest")),
        Fact::new("records", chain),
    ];
    if let Some(found) = &period.chain.head {
        let says = Phrase::from("the record ")
            .and(Phrase::name(&found.sha256))
            .and(" of apply ")
            .and(Phrase::name(&found.run_id))
            .and(" is among them, unaltered");
        facts.push(Fact::new("head", says));
    }
    if let Some(signed) = period.chain.signed {
        let says = format!("{} of {records} signed by the runner", count(signed as u64));
        facts.push(Fact::new("signed", says));
    }
    facts
}

/// What is wrong or odd, how fresh replicas were, what stood in the way, what was accepted, and who did what.
pub(super) fn sections(workspace: &str, period: &Period) -> Vec<Section> {
    let chain = &period.chain;
    let said = |all: Vec<Sentence>| all.into_iter().map(Phrase::from_others).collect::<Vec<_>>();
    let odd = chain.passed_over.iter().map(|odd| {
        Phrase::name(&odd.name)
            .and(" among the evidence was passed over: ")
            .and(Phrase::from_others(&odd.why))
    });
    let unrecorded = chain.unrecorded.iter().map(Unrecorded::sentence).collect();
    let skews = chain.skews.iter().map(Skew::sentence).collect();
    let unproved = period.unproved.iter().map(UnprovedClaim::sentence).collect();
    vec![
        notes(
            "What is wrong with the chain",
            "broken",
            chain.problems.iter().map(Phrase::from_others).collect(),
        ),
        notes("What records claim and the evidence does not show", "unproved", said(unproved)),
        notes("Applies that left no run record", "unrecorded", said(unrecorded)),
        notes("Clocks that were apart", "clocks", said(skews)),
        notes("Passed over among the evidence", "warning", odd.collect()),
        groups(period),
        blocked(period),
        accepted(period),
        settings_in_short(workspace, period),
        settings(workspace, period).in_full(),
        Section { told: ToldIn::InBrief, ..applies_in_short(period) },
        applies(period).in_full(),
    ]
}

fn titled(title: &str, table: PageTable) -> Section {
    Section::titled(title, [Block::Table(table)])
}

fn groups(period: &Period) -> Section {
    let heads = ["group", "#cuts", "#objective", "#proved within", "#oldest"];
    let mut table = PageTable::new("How fresh the replicas of each group were", "group", &heads);
    for group in &period.groups {
        let objective = group.objective_minutes.map(|minutes| span(minutes * 60));
        table.row(vec![
            Phrase::name(&group.group),
            count(group.cuts as u64).into(),
            objective.unwrap_or_else(|| "-".to_owned()).into(),
            within(period, group),
            group.oldest_seconds.map_or("never".to_owned(), span).into(),
        ]);
    }
    table.after.push(
        "What is proved within is a lower bound: it counts only what cuts and looks prove, from a group's first cut on. \
         Objectives are those of today's configuration."
            .into(),
    );
    titled("Groups", table)
}

/// The share, and from when on it counts where that is not the whole period.
fn within(period: &Period, group: &GroupPeriod) -> Phrase {
    let Some(share) = group.within_objective else {
        return if group.counted_from.is_some() { "-".into() } else { "no cut yet".into() };
    };
    let share = Phrase::from(percent(share));
    match group.counted_from.filter(|from| *from > period.since) {
        Some(from) => share.and(format!(" from {}", moment(from))),
        None => share,
    }
}

/// Rounded down: a share is never shown as more than it is.
fn percent(share: f64) -> String {
    format!("{:.1}%", (share * 1_000.0).floor() / 10.0)
}

fn blocked(period: &Period) -> Section {
    let caption = "When groups were blocked, as the applies found them";
    let mut table = PageTable::new(caption, "time", &["group", "from", "until", "#for", "why"]);
    for group in &period.groups {
        for blocked in &group.blocked {
            let until = match blocked.until {
                Some(until) => Phrase::from(moment(until)),
                None => Phrase::mark("and still", Tone::Bad)
                    .and(format!(" at {}", moment(period.until))),
            };
            let lasted = blocked.until.unwrap_or(period.until) - blocked.from;
            table.row(vec![
                Phrase::name(&group.group),
                moment(blocked.from).into(),
                until,
                span(lasted.num_seconds()).into(),
                Phrase::from_others(&blocked.message),
            ]);
        }
    }
    titled("Blocked", table)
}

fn accepted(period: &Period) -> Section {
    let caption = "Risks that somebody accepted, and the cuts that were made all the same";
    let mut table = PageTable::new(caption, "risk", &["group", "#cut", "risk", "where", "reason"]);
    for group in &period.groups {
        for risk in &group.accepted {
            table.row(vec![
                Phrase::name(&group.group),
                risk.cut.to_string().into(),
                Phrase::name(&risk.code),
                Phrase::name(&risk.scope),
                Phrase::from_others(&risk.reason),
            ]);
        }
    }
    titled("Accepted risks", table)
}

/// Who changed what of the protection, and whether somebody approved it.
fn settings_in_short(workspace: &str, period: &Period) -> Section {
    let mut blocks = vec![];
    for line in &period.settings {
        let mut say = |word, says| {
            let note = Note::new(says);
            blocks.push(Block::Notes(ShownNotes {
                word,
                notes: vec![note],
                alike_max: usize::MAX,
            }));
        };
        say("settings", origin_of_settings(line));
        for change in &line.changes {
            let told = describe_change(false, workspace, change);
            say(told.word, Phrase::name(&told.who).and("  ").and(told.says()));
        }
    }
    Section { told: ToldIn::InBrief, ..Section::titled("Settings that changed", blocks) }
}

/// The same in columns, which take more room than a screen has.
fn settings(workspace: &str, period: &Period) -> Section {
    let heads = ["", "what", "setting", "before", "after", "by"];
    let mut table = PageTable::new("Settings of protection that changed", "setting", &heads);
    for line in &period.settings {
        for change in &line.changes {
            let mut cells = describe_change(false, workspace, change).cells();
            cells.push(origin_of_settings(line));
            table.row(cells);
        }
    }
    titled("Settings that changed", table)
}

/// When, by whom, from which change, and whether somebody approved it.
fn origin_of_settings(line: &SettingsLine) -> Phrase {
    let SettingsLine { run_id, at, actor, git_commit, change, reviewed, changes } = line;
    let commit = git_commit
        .as_ref()
        .map(|commit| Phrase::from("commit ").and(PhrasePart::Digest(commit.clone())));
    let from: Vec<Phrase> = change.iter().map(Phrase::from_others).chain(commit).collect();
    let from = if from.is_empty() {
        Phrase::default()
    } else {
        Phrase::from(" (").and(Phrase::join(from, ", ")).and(")")
    };
    let weaker = changes.iter().any(|change| change.weakens());
    let said = match (reviewed, weaker) {
        (true, _) => "; approved",
        (false, true) => "; no approved plan covers it",
        (false, false) => "",
    };
    Phrase::from(*at)
        .and("  ")
        .and(Phrase::from_others(actor))
        .and(from)
        .and(", first seen by ")
        .and(Phrase::name(run_id))
        .and(said)
}

/// A line an apply.
fn applies_in_short(period: &Period) -> Section {
    let applies = period.applies.iter().map(|apply| {
        let counts = format!(
            ": {} synchronized, {} failed, {} blocked{}; ",
            apply.synchronized,
            apply.failed,
            apply.blocked,
            if apply.metadata_changed { ", metadata tables changed" } else { "" }
        );
        Phrase::from(apply.started_at)
            .and("  ")
            .and(Phrase::from_others(&apply.actor))
            .and(", ")
            .and(approval(apply))
            .and(format!(", exit {} (", apply.exit.code))
            .and(Phrase::from_others(&apply.exit.name))
            .and(")")
            .and(counts)
            .and(Phrase::name(&apply.run_id))
    });
    notes("Applies", "apply", applies.collect())
}

/// The same in columns, which take more room than a screen has.
fn applies(period: &Period) -> Section {
    let heads = [
        "began",
        "#took",
        "by",
        "approval",
        "exit",
        "#synchronized",
        "#failed",
        "#blocked",
        "metadata tables",
        "run",
    ];
    let caption = "Applies that had something to do, oldest first";
    let mut table = PageTable::new(caption, "apply", &heads);
    for apply in &period.applies {
        let number = |number: usize| Phrase::from(count(number as u64));
        let unapproved = period.without_approval.contains(&apply.run_id);
        let words = match &apply.approval {
            Some(given) if apply.approval_proved != Some(false) => approval_words(given),
            Some(_) | None => approval(apply).into(),
        };
        table.row(vec![
            apply.started_at.into(),
            elapsed(apply.ended_at - apply.started_at).into(),
            Phrase::from_others(&apply.actor),
            if unapproved { Phrase::mark(approval(apply), Tone::Wait) } else { words },
            Phrase::from_others(&apply.exit.name).and(format!(" ({})", apply.exit.code)),
            number(apply.synchronized),
            number(apply.failed),
            number(apply.blocked),
            if apply.metadata_changed { "changed".into() } else { Phrase::default() },
            Phrase::name(&apply.run_id),
        ]);
    }
    titled("Applies", table)
}

/// What approval an apply had; a signature only where it is there and verifies.
fn approval(apply: &ApplyLine) -> &'static str {
    match (&apply.approval, apply.approval_proved) {
        (None, _) => "approval not recorded",
        (Some(_), Some(false)) => "claims a signature that is not proved",
        (Some(approval), Some(true) | None) => approval.as_str(),
    }
}
