//! An apply at work as a screen shows it: the groups that run, each with its tables at work, what waits, and the pace of all.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::pace::Pace;
use crate::apply::{Event, EventKind};
use crate::figures::{bytes, elapsed, plural, share};
use crate::harmless::name;
use crate::layout::{pad, pad_left, width};
use crate::plan::{Action, Decision, Plan};
use crate::record::GroupOutcome;
use crate::render::shown::label_among;

/// Tables at work that are shown of all groups; the others are counted.
const TABLES_SHOWN: usize = 12;
/// Columns of a group's name, where groups are counted as well.
const NAME_MIN: usize = 9;
const NAME_MAX: usize = 24;
/// Letters of a statement's id that tell it from others.
const ID_SHORT: usize = 8;

/// What is known of an apply at work.
#[derive(Debug)]
pub(super) struct Board {
    names: usize,
    several_workspaces: bool,
    pace: Pace,
    pace_line: Option<String>,
    /// In the order of their turns, by workspace and name.
    groups: Vec<Group>,
    done: Done,
}

/// Groups that have their cut.
#[derive(Debug, Default)]
struct Done {
    groups: usize,
    tables: usize,
    bytes: u64,
}

#[derive(Debug)]
struct Group {
    workspace: String,
    group: String,
    tables: usize,
    bytes: u64,
    begun: Option<DateTime<Utc>>,
    ended: bool,
    cloned: usize,
    copied: u64,
    at_work: BTreeMap<String, Table>,
}

/// A table at work.
#[derive(Debug)]
struct Table {
    begun: DateTime<Utc>,
    version: u64,
    bytes: Option<u64>,
    copied: u64,
    statement: Option<String>,
}

impl Board {
    pub(super) fn of(plan: &Plan) -> Board {
        let several_workspaces = plan.workspaces.len() > 1;
        let sync = plan.decided(Decision::Sync);
        let mut groups: Vec<Group> = sync
            .map(|(workspace, group)| {
                let clones = group.steps.iter().filter(|step| step.action != Action::NoOp);
                let sizes = clones.clone().filter_map(|step| step.estimate);
                Group {
                    workspace: workspace.name.clone(),
                    group: group.name.clone(),
                    tables: clones.count(),
                    bytes: sizes.map(|one| one.copy_bytes).fold(0, u64::saturating_add),
                    begun: None,
                    ended: false,
                    cloned: 0,
                    copied: 0,
                    at_work: BTreeMap::new(),
                }
            })
            .collect();
        groups.sort_by_key(|group| group.bytes);
        let label = |it: &Group| width(&label_among(several_workspaces, &it.workspace, &it.group));
        let names = groups.iter().map(label).max().unwrap_or(0).clamp(NAME_MIN, NAME_MAX);
        Board {
            names,
            several_workspaces,
            pace: Pace::default(),
            pace_line: None,
            groups,
            done: Done::default(),
        }
    }

    /// Takes an event in.
    pub(super) fn tell(&mut self, event: &Event) {
        if let Some(line) = self.pace.tell(event) {
            self.pace_line = Some(line);
        }
        match &event.what {
            EventKind::GroupStarted { workspace, group, .. } => {
                self.with(workspace, group, |it| it.begun = Some(event.at));
            }
            EventKind::TableStarted { workspace, group, table, source_version, copy_bytes } => {
                let began = Table {
                    begun: event.at,
                    version: *source_version,
                    bytes: *copy_bytes,
                    copied: 0,
                    statement: None,
                };
                self.with(workspace, group, |it| drop(it.at_work.insert(table.clone(), began)));
            }
            EventKind::TableProgress { workspace, group, table, copied_bytes, statement_id } => {
                self.with(workspace, group, |it| {
                    if let Some(table) = it.at_work.get_mut(table) {
                        table.copied = *copied_bytes;
                        table.statement.clone_from(statement_id);
                    }
                });
            }
            EventKind::TableCloned { workspace, group, table, copied_bytes, .. } => {
                self.with(workspace, group, |it| {
                    it.at_work.remove(table);
                    it.cloned += 1;
                    it.copied = it.copied.saturating_add(*copied_bytes);
                });
            }
            EventKind::TableFailed { workspace, group, table, .. } => {
                self.with(workspace, group, |it| drop(it.at_work.remove(table)));
            }
            EventKind::GroupEnded { workspace, group, outcome, .. } => {
                let mut ended = Done::default();
                self.with(workspace, group, |it| {
                    it.ended = true;
                    ended = Done { groups: 1, tables: it.cloned, bytes: it.copied };
                });
                if *outcome == GroupOutcome::Synchronized {
                    self.done.groups += ended.groups;
                    self.done.tables += ended.tables;
                    self.done.bytes = self.done.bytes.saturating_add(ended.bytes);
                }
            }
            EventKind::Started { .. }
            | EventKind::TableRetried { .. }
            | EventKind::CutCommitted { .. }
            | EventKind::Registered { .. }
            | EventKind::Warning(_)
            | EventKind::Summary { .. } => {}
        }
    }

    fn with(&mut self, workspace: &str, group: &str, change: impl FnOnce(&mut Group)) {
        let mut groups = self.groups.iter_mut();
        if let Some(it) = groups.find(|it| it.workspace == workspace && it.group == group) {
            change(it);
        }
    }

    /// The lines of the screen now; none is longer than its columns.
    pub(super) fn lines(&self, now: DateTime<Utc>, columns: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let Done { groups, tables, bytes: copied } = &self.done;
        if *groups > 0 {
            let (groups, tables) = (plural(*groups, "group"), plural(*tables, "table"));
            lines.push(self.line("protected", &groups, &format!("{tables}  {}", bytes(*copied))));
        }
        let mut room = TABLES_SHOWN;
        let open = || self.groups.iter().filter(|it| !it.ended);
        // What has no table at work yet waits, for its turn or for a statement.
        let runs = |it: &&Group| it.begun.is_some() && (!it.at_work.is_empty() || it.cloned > 0);
        for group in open().filter(runs) {
            lines.push(self.line("running", &self.label(group), &group.progress(now)));
            let shown = group.at_work.len().min(room);
            room -= shown;
            let at_work: Vec<_> = group.at_work.iter().take(shown).collect();
            let widest = at_work.iter().map(|(table, _)| width(&name(table))).max().unwrap_or(0);
            let widest = widest.min(columns / 2);
            let line = |(table, it): (&String, &Table)| it.line(&name(table), widest, now, columns);
            lines.extend(at_work.into_iter().map(line));
            let more = group.at_work.len() - shown;
            if more > 0 {
                lines.push(format!("  and {more} more"));
            }
        }
        let waiting: Vec<&Group> = open().filter(|it| !runs(it)).collect();
        let of = |group: &Group| {
            let tables = plural(group.tables, "table");
            self.line("queued", &self.label(group), &format!("{tables}  {}", bytes(group.bytes)))
        };
        match waiting.as_slice() {
            [] => {}
            [one] => lines.push(of(one)),
            several => {
                let tables = several.iter().map(|it| it.tables).sum();
                let all = several.iter().map(|it| it.bytes).fold(0, u64::saturating_add);
                let text = format!("{}  {}", plural(tables, "table"), bytes(all));
                lines.push(self.line("queued", &plural(several.len(), "group"), &text));
            }
        }
        lines.extend(self.pace_line.clone());
        lines.into_iter().map(|line| cut(&line, columns)).collect()
    }

    fn label(&self, group: &Group) -> String {
        label_among(self.several_workspaces, &group.workspace, &group.group)
    }

    fn line(&self, word: &str, label: &str, text: &str) -> String {
        format!("{}  {}  {text}", pad(word, 9), pad(&cut(label, self.names), self.names))
    }
}

impl Group {
    fn progress(&self, now: DateTime<Utc>) -> String {
        let running = self.at_work.values().map(|table| table.copied);
        let copied = running.fold(self.copied, u64::saturating_add);
        let took = self.begun.map_or(String::new(), |begun| elapsed(now - begun));
        format!(
            "{} of {}  {}  {took}",
            self.cloned,
            plural(self.tables, "table"),
            share(copied, self.bytes.max(copied))
        )
    }
}

impl Table {
    fn line(&self, table: &str, widest: usize, now: DateTime<Utc>, columns: usize) -> String {
        let size = self.bytes.map_or(String::new(), bytes);
        let mut line = format!(
            "  {}  v{}  {}  {size}",
            pad(table, widest),
            self.version,
            pad_left(&elapsed(now - self.begun), 6)
        );
        if let Some(id) = &self.statement {
            let whole = format!("  statement {id}");
            if width(&line) + width(&whole) <= columns {
                line.push_str(&whole);
            } else {
                let short: String = id.chars().take(ID_SHORT).collect();
                line.push_str(&format!("  statement {short}"));
            }
        }
        line
    }
}

/// A line that takes one row of the screen.
fn cut(line: &str, columns: usize) -> String {
    let line = line.trim_end();
    if width(line) <= columns {
        return line.to_owned();
    }
    let mut short = String::new();
    for letter in line.chars() {
        if width(&short) + width(letter.encode_utf8(&mut [0; 4])) + 1 > columns {
            break;
        }
        short.push(letter);
    }
    short + "…"
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
