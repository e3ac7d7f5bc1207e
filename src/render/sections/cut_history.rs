//! The cut log for people: when a group was whole, by what, and who saw to it.

mod period;

use chrono::{DateTime, Utc};

use super::losses::lost_words;
use crate::figures::{Ends, count, moment, plural};
use crate::harmless::name;
use crate::layout::first_line;
use crate::ledger::Cut;
use crate::plan::LossReceipt;
use crate::render::cut_history::{CutHistory, LostWithRole, WorkspaceHistory};
use crate::render::page::{
    Block, Columns, Document, Fact, Page, PageRow, PageTable, Phrase, PhrasePart, Section,
    ShownNotes,
};
use crate::render::shown::label_among;
use crate::text::plural_as;
use period::doubts;

/// The report of the period, where one was asked for, then every cut, group by group, the newest first; `now` tells which were made
/// under a clock that was ahead.
pub fn page(history: &CutHistory, now: DateTime<Utc>) -> Page {
    let names = history.workspaces.iter().map(|workspace| &workspace.name);
    let mut page = Page::new("history", "drsync history", verdict(history, now)).of(names);
    page.figures = rounds(history);
    page.columns = Columns { word: 12, name: 0, aside: 14 };
    let several = history.workspaces.len() > 1;
    let cuts = history.workspaces.iter().flat_map(|workspace| &workspace.cuts);
    let runs = Ends::of(cuts.map(|cut| cut.run_id.as_str()));
    for workspace in &history.workspaces {
        let mut say = |mut section: Section| {
            if several && let Some(title) = &mut section.title {
                *title = format!("{}: {title}", workspace.name);
            }
            page.say(section);
        };
        let overview = overview(workspace);
        if !overview.is_empty() {
            say(Section::titled("The period", [Block::Facts(overview)]));
        }
        let lost = workspace.lost.iter().map(|lost| Phrase::from_others(lost.sentence()));
        say(notes("Cuts that the log lost", "lost", lost.collect()));
        if let Some(period) = &workspace.period {
            period::sections(&workspace.name, period).into_iter().for_each(&mut say);
        }
        let groups = workspace.cuts.chunk_by(|a, b| a.group_name == b.group_name);
        let cuts = groups.map(|cuts| {
            let label = label_among(several, &workspace.name, &cuts[0].group_name);
            Block::Table(self::cuts(label, cuts, &workspace.lost_with_roles, runs))
        });
        say(Section::titled("Cuts", cuts));
    }
    let until = history.periods().map(|period| period.until).max();
    let id = until.map(crate::moment::text).unwrap_or_default();
    page.document = Some(Document { bytes: history.bytes(), id, shown_by: None });
    page
}

/// What casts doubt on the rest, how much there is, and the newest cut.
fn verdict(history: &CutHistory, now: DateTime<Utc>) -> String {
    let number: usize = history.workspaces.iter().map(|workspace| workspace.cuts.len()).sum();
    let newest = newest(history, now);
    let seen = history.workspaces.iter().any(|workspace| !workspace.read.is_empty());
    let counts = match newest {
        None if !seen && !history.workspaces.is_empty() => {
            "Neither region available: nothing is known".to_owned()
        }
        None => "No cuts".to_owned(),
        Some(_) => plural(number, "cut"),
    };
    let said: Vec<String> = doubts(history).into_iter().chain([counts]).collect();
    let newest =
        newest.map(|cut| format!("; the newest is {} {}", name(&cut.group_name), cut.label()));
    first_line(said.join(". "), newest)
}

/// `3 applies (1 without approval), 1,432 rounds with nothing to do`, of a period.
fn rounds(history: &CutHistory) -> Option<String> {
    let sum = |of: fn(&crate::history::Period) -> usize| history.periods().map(of).sum::<usize>();
    history.periods().next()?;
    let unapproved = match sum(|period| period.without_approval.len()) {
        0 => String::new(),
        some => format!(" ({} without approval)", count(some as u64)),
    };
    let applies = plural_as(sum(|period| period.applies.len()) as u64, "apply", "applies");
    let quiet = plural(sum(|period| period.quiet_rounds), "round");
    Some(format!("{applies}{unapproved}, {quiet} with nothing to do"))
}

/// The newest cut. In a group numbers tell, whatever clocks say; between groups clocks do, save those that were ahead.
fn newest(history: &CutHistory, now: DateTime<Utc>) -> Option<&Cut> {
    let workspaces = history.workspaces.iter();
    let groups = workspaces
        .flat_map(|workspace| workspace.cuts.chunk_by(|a, b| a.group_name == b.group_name));
    let newest = groups.filter_map(|cuts| cuts.iter().max_by_key(|cut| cut.cut_number));
    newest.max_by_key(|cut| (cut.committed_at <= now, cut.committed_at, cut.cut_number))
}

/// What was read of a workspace, and what its period comes to.
fn overview(workspace: &WorkspaceHistory) -> Vec<Fact> {
    let mut facts = vec![];
    let one_of_two = workspace.unread.len() == 1;
    for unread in &workspace.unread {
        let mut says = Phrase::from("the ")
            .and(Phrase::from_others(&unread.region))
            .and(format!(" {}: ", unread.verb()))
            .and(Phrase::from_others(&unread.answer));
        if one_of_two {
            says = says.and("; this is what the other region knows");
        }
        facts.push(Fact::new("read", says));
    }
    if let Some(period) = &workspace.period {
        if workspace.unread.is_empty() {
            facts.push(Fact::new("read", "the cut logs of both regions"));
        }
        facts.extend(period::facts(period));
    }
    if let Some(why) = &workspace.period_missing {
        let says = Phrase::from("no report of the period: ").and(Phrase::from_others(why));
        facts.push(Fact::new("records", says));
    }
    if !facts.is_empty() {
        facts.insert(0, Fact::new("workspace", Phrase::name(&workspace.name)));
    }
    facts
}

/// What there is to know, without codes, under a title and after a word.
fn notes(title: &str, word: &'static str, says: Vec<Phrase>) -> Section {
    Section::titled(title, [Block::Notes(ShownNotes::of(word, says))])
}

/// The cuts of a group, newest first.
fn cuts(label: String, cuts: &[Cut], lost: &[LostWithRole], runs: Ends) -> PageTable {
    let heads = ["cut", "moment", "consistency", "trigger", "tables"];
    let mut table = PageTable::new(format!("Cuts of {label}, newest first"), "cut", &heads);
    let newest = cuts[0].label();
    table.folded = Some(format!("{label}: {}, the newest {newest}", plural(cuts.len(), "cut")));
    table.label = Some(Phrase::name(label));
    for cut in cuts {
        let trigger = match cut.workflow_run_id {
            Some(run) => Phrase::from_others(&cut.trigger).and(format!(" {run}")),
            None => Phrase::from_others(&cut.trigger),
        };
        let cells = vec![
            cut.cut_number.to_string().into(),
            moment(cut.recovery_point).into(),
            cut.consistency.as_str().into(),
            trigger,
            cut.tables.len().to_string().into(),
        ];
        let further = if cut.is_role() { vec![] } else { tables(cut) };
        let lost = lost.iter().find(|lost| {
            lost.group == cut.group_name && lost.cut == cut.cut_number && cut.is_role()
        });
        let mut below = below(cut, runs);
        below.extend(lost.map(|lost| lost_with(&lost.loss)));
        table.rows.push(PageRow { cells, below, further, quiet: false });
    }
    table
}

/// Who committed a cut, and what it accepted; of a change of role who is active from there on.
fn below(cut: &Cut, runs: Ends) -> Vec<Phrase> {
    let by = Phrase::from("by ")
        .and(Phrase::from_others(&cut.committed_by))
        .and(format!(" at {}, run ", moment(cut.committed_at)))
        .and(PhrasePart::Id(cut.run_id.clone(), runs));
    if cut.is_role() {
        let active = cut.active.as_ref().map_or("nobody".into(), Phrase::name);
        return vec![by, active.and(format!(" is active from here on, epoch {}", cut.epoch))];
    }
    let accepted = cut.accepted.iter().map(|risk| {
        Phrase::from("accepted ")
            .and(Phrase::name(&risk.code))
            .and(" ")
            .and(Phrase::name(&risk.scope))
            .and(": ")
            .and(PhrasePart::Quoted(risk.reason.clone()))
    });
    [by].into_iter().chain(accepted).collect()
}

/// What was lost with a change of role, and when somebody last looked.
fn lost_with(loss: &LossReceipt) -> Phrase {
    let (lost, looked) = lost_words(loss, moment);
    format!("lost with it: {lost}, as it was looked at {looked}").into()
}

fn tables(cut: &Cut) -> Vec<Phrase> {
    let tables = cut.tables.iter().map(|entry| {
        let versions = format!("  v{} in replica v{}", entry.source_version, entry.replica_version);
        Phrase::name(&entry.table).and(versions)
    });
    tables.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(group: &str, number: u64, committed_at: &str) -> Cut {
        serde_json::from_value(serde_json::json!({
            "group_name": group, "cut_number": number, "recovery_point": "2026-11-22T10:00:00.000Z",
            "consistency": "point-in-time", "trigger": "schedule", "workflow_run_id": null,
            "planned_at": committed_at, "tables": [], "accepted": [], "plan_id": "P", "plan_sha256": "p",
            "run_id": "R", "epoch": 0, "committed_by": "user:a", "committed_at": committed_at,
            "previous_sha256": null,
        }))
        .unwrap()
    }

    fn named(cuts: Vec<Cut>) -> (String, u64) {
        let workspace = WorkspaceHistory {
            name: "east".to_owned(),
            read: vec!["secondary".to_owned()],
            unread: vec![],
            cuts,
            lost: vec![],
            lost_with_roles: vec![],
            period: None,
            period_missing: None,
        };
        let history = CutHistory::new(vec![workspace]);
        let newest = newest(&history, "2026-11-22T11:00:00Z".parse().unwrap()).unwrap();
        (newest.group_name.clone(), newest.cut_number)
    }

    #[test]
    fn the_newest_cut_is_named_though_one_before_it_was_made_under_a_clock_that_was_ahead() {
        let (early, late, ahead) =
            ("2026-11-22T10:00:00.000Z", "2026-11-22T10:30:00.000Z", "2027-11-22T10:00:00.000Z");
        let group = vec![cut("a", 3, late), cut("a", 2, ahead), cut("a", 1, early)];
        assert_eq!(named(group.clone()), ("a".to_owned(), 3));
        let other = [cut("b", 2, ahead), cut("b", 1, early)];
        assert_eq!(named([&group[..], &other].concat()), ("a".to_owned(), 3));
        assert_eq!(named(other.to_vec()), ("b".to_owned(), 2));
        let two = vec![cut("a", 7, early), cut("b", 2, late)];
        assert_eq!(named(two), ("b".to_owned(), 2));
    }
}
