//! Everything that would block, cause by cause with one remedy each, and all remedies as one script.

use super::acceptances::{all_the_same, risks_by_groups, without_acceptance};
use super::causes::{entry, head};
use super::{away as regions_away, config, notes};
use crate::command::{Command, Verb};
use crate::config::Configuration;
use crate::figures::plural;
use crate::harmless::{clean, command};
use crate::layout::few;
use crate::notify::{Doubt, DoubtCode};
use crate::plan::{Decision, Finding, GroupPlan, Plan, ReasonCode};
use crate::render::Style;
use crate::render::away;
use crate::render::causes::{FindingCause, RemedyWorkspace, ShownRemedy, causes};
use crate::render::page::{
    Below, Block, CAUSE, Columns, Copied, Entries, Page, PageEntry, Phrase, PhrasePart, Section,
    ShownNotes, ToldIn, Tone,
};
use crate::render::shown::Shown;
use crate::render::writers::text;

/// Causes of one kind that are told each.
const SAME_MAX: usize = 5;
/// Groups that are named of further causes of one kind.
const GROUPS_NAMED: usize = 5;

/// What would block which groups, and what repairs it; and what will surprise somebody of who is told.
pub fn page(plan: &Plan, doubts: &[Doubt]) -> Page {
    let causes = all(plan);
    let workspaces = plan.workspaces.iter().map(|workspace| &workspace.name);
    let mut page = Page::new("validate", "drsync validate", verdict(plan, &causes)).of(workspaces);
    page.say(regions_away::regions(plan));
    let together = risks_by_groups(&causes);
    let mut entries: Vec<PageEntry> = vec![];
    for same in causes.chunk_by(|one, other| one.code == other.code) {
        let told = if same.len() <= SAME_MAX + 1 { same.len() } else { SAME_MAX };
        entries.extend(same.iter().map(|cause| {
            let several = together.contains_key(&cause.groups);
            if several { entry(&without_acceptance(cause)) } else { entry(cause) }
        }));
        let at = entries.len() - (same.len() - told);
        for further in &mut entries[at..] {
            further.told = ToldIn::InFull;
        }
        entries.extend(more(&same[told..]));
    }
    let heads = entries.iter().map(|entry| entry.label.width()).max().unwrap_or(0);
    page.columns = Columns { name: heads.clamp(24, 44) + 3, ..Shown::of(plan, false).columns() };
    let entries = Entries { apart: true, ..Entries::new("cause", entries) };
    page.say(Section::titled("In the way", [Block::Entries(entries)]));
    page.say(Section::titled("To go on all the same", all_the_same(&together)));
    page.say(notes::warnings(&plan.warnings, |_| true));
    page.say(notes::unprotected(plan));
    let scripted =
        causes.iter().filter(|cause| matches!(cause.remedy, Some(ShownRemedy::Sql(..)))).count();
    if scripted > 1 {
        let script = Copied::command(Command::new(Verb::Validate).word("--sql"));
        page.say(Block::Copied(script.after("All statements as one script:")));
    }
    page.say(doubted(doubts));
    page
}

/// The same with what is wrong with the configuration; without a plan of that alone.
pub fn whole_page(configuration: &Configuration, plan: Option<&Plan>, doubts: &[Doubt]) -> Page {
    let Some(plan) = plan else {
        let mut page = config::page(configuration);
        page.say(doubted(doubts));
        return page;
    };
    let mut page = page(plan, doubts);
    if !configuration.mistakes.is_empty() {
        page.verdict = format!("{}; {}", config::headline(configuration), page.verdict);
        page.sections.insert(0, config::mistaken(configuration));
    }
    page
}

/// What will surprise somebody of who is told, alone.
pub fn doubts(doubts: &[Doubt]) -> Option<Page> {
    let mut page = Page::new("validate", "drsync validate", String::new());
    page.say(doubted(doubts));
    page.columns.aside = 10;
    (!page.sections.is_empty()).then_some(page)
}

/// What will surprise somebody of who is told; that no mail is sent at all is said elsewhere.
fn doubted(doubts: &[Doubt]) -> Section {
    let told = doubts.iter().filter(|doubt| doubt.code != DoubtCode::NoMailServer);
    let says = told.map(|doubt| {
        let says =
            Phrase::name(&doubt.workspace).and(": ").and(Phrase::from_others(&doubt.message));
        match &doubt.command {
            Some(command) => says.and("; ").and(Phrase::command(command.clone())).and(" says why"),
            None => says,
        }
    });
    let notes = ShownNotes::of("warning", says);
    Section::titled("Warnings of who is told", [Block::Notes(notes)])
}

fn all(plan: &Plan) -> Vec<FindingCause> {
    let shown = Shown::of(plan, true);
    causes(
        shown
            .groups
            .iter()
            .flat_map(|of| away::blocking(of.workspace, of.group).map(|finding| of.found(finding))),
    )
}

fn verdict(plan: &Plan, causes: &[FindingCause]) -> String {
    if let Some(line) = away::verdict(plan) {
        return line;
    }
    let groups = plan.groups().count();
    let blocks = |group: &GroupPlan| group.findings.iter().any(Finding::blocks);
    // Nothing has to be repaired of it, and nothing of it is protected.
    let pauses = |group: &GroupPlan| {
        !blocks(group)
            && group.decision == Decision::Waiting
            && group.reason.code == ReasonCode::Paused
    };
    let blocked = plan.groups().filter(|(_, group)| blocks(group)).count();
    let paused = plan.groups().filter(|(_, group)| pauses(group)).count();
    let ready = groups - blocked - paused;
    let of_all = format!(
        "{ready} of {} {} ready",
        plural(groups, "group"),
        if ready == 1 { "is" } else { "are" }
    );
    match (groups, blocked, paused) {
        (1, 0, 0) => return "The group is ready".to_owned(),
        (_, 0, 0) => return format!("All {groups} groups are ready"),
        (1, 0, _) => return "The group is paused".to_owned(),
        (_, 0, _) => return format!("{of_all}, {paused} paused"),
        (_, _, _) => {}
    }
    let mut remedies: Vec<&ShownRemedy> =
        causes.iter().filter_map(|cause| cause.remedy.as_ref()).collect();
    remedies.sort();
    remedies.dedup();
    let need = if blocked == 1 { "needs" } else { "need" };
    let paused = if paused == 0 { String::new() } else { format!(", {paused} paused") };
    let mut text = format!("{of_all}{paused}; {blocked} {need} something");
    match remedies.len() {
        0 => {}
        1 => text.push_str(", 1 remedy"),
        many => text.push_str(&format!(", {many} remedies")),
    }
    text
}

/// Further causes of one kind in one entry.
fn more(causes: &[FindingCause]) -> Option<PageEntry> {
    let first = causes.first()?;
    let mut groups: Vec<String> = causes.iter().flat_map(|cause| &cause.groups).cloned().collect();
    groups.sort();
    groups.dedup();
    let says = Phrase::from(format!("{} more, each with its remedy: ", causes.len()))
        .and(Phrase::command(Command::new(Verb::Validate).word("-v")));
    let mut entry = PageEntry::new(CAUSE, Tone::Bad, Phrase::name(first.code.as_str()), says);
    entry.below = vec![Below::Note(PhrasePart::Names(groups, GROUPS_NAMED).into())];
    entry.told = ToldIn::InBrief;
    Some(entry)
}

/// All remedies as one SQL script: what is not SQL is a comment, and so is the workspace in which the statements after it are run.
pub fn sql(plan: &Plan) -> String {
    let mut causes = all(plan);
    let together = risks_by_groups(&causes);
    // Stable: what is run in one workspace stands together, and what is run in none before it.
    causes.sort_by_key(|cause| workspace_of_remedy(cause).cloned());
    let style = Style::default();
    let mut script = String::new();
    let mut told: Vec<ShownRemedy> = vec![];
    let mut said = None;
    for cause in &causes {
        if let Some(place) =
            workspace_of_remedy(cause).filter(|place| said.replace(*place) != Some(*place))
        {
            script.push_str(&format!("-- To be run in {}\n", clean(&place.0)));
        }
        let cause = if together.contains_key(&cause.groups) {
            without_acceptance(cause)
        } else {
            cause.clone()
        };
        let head = text::phrase(&head(&cause), &style);
        script.push_str(&format!("-- {head} {}\n", few(&cause.groups, GROUPS_NAMED)));
        let unprotected = cause.unprotected();
        match cause.remedy {
            None => script.push_str(&format!("--   {}\n", cause.messages.join("; "))),
            Some(repair) if told.contains(&repair) && unprotected.is_none() => {
                script.push_str("--   as above\n")
            }
            Some(repair) => {
                script.push_str(&match &repair {
                    ShownRemedy::Sql(text, _) => format!("{text};\n"),
                    ShownRemedy::Shell(text, _) => format!("--   {text}\n"),
                    ShownRemedy::ToDo(to_do) => format!("--   {}\n", to_do.words),
                    ShownRemedy::Command(command) => format!("--   {}\n", style.command(command)),
                    ShownRemedy::ToDoElse(to_do, command) => {
                        format!("--   {}: {}\n", to_do.words, style.command(command))
                    }
                });
                told.push(repair);
            }
        }
        script.extend(unprotected.map(|entry| format!("--   {}\n", command(&entry))));
    }
    for (groups, risks) in &together {
        let groups = few(groups, GROUPS_NAMED);
        let accept = style.command(&Command::accept(risks.iter().cloned()));
        script.push_str(&format!("-- To go on with {groups} all the same\n--   {accept}\n"));
    }
    script
}

/// The workspace in which what repairs a cause is run.
fn workspace_of_remedy(cause: &FindingCause) -> Option<&RemedyWorkspace> {
    match cause.remedy.as_ref()? {
        ShownRemedy::Sql(_, place) | ShownRemedy::Shell(_, place) => place.as_ref(),
        ShownRemedy::Command(_) | ShownRemedy::ToDo(_) | ShownRemedy::ToDoElse(..) => None,
    }
}
