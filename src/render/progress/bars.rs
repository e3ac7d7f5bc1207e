//! An apply at work on a terminal: a bar for every running group, and below them the pace of all.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::log::Log;
use super::pace::Pace;
use crate::apply::{Event, What};
use crate::harmless::lines;
use crate::plan::{Action, Decision, Plan};
use crate::render::figures::{bytes, plural};
use crate::render::layout::pad;
use crate::render::shown::label_among;

/// A bar for every running group, and a line for whatever ends.
#[derive(Debug)]
pub(super) struct Bars {
    log: Log,
    all: MultiProgress,
    pace: Pace,
    pace_line: ProgressBar,
    groups: BTreeMap<(String, String), Group>,
}

#[derive(Debug)]
struct Group {
    bar: ProgressBar,
    label: String,
    tables: usize,
    done: usize,
    /// Bytes of tables that are done.
    copied: u64,
    /// Bytes of tables at work.
    copying: BTreeMap<String, u64>,
}

impl Bars {
    pub(super) fn of(plan: &Plan) -> Bars {
        let log = Log::of(plan);
        let sync = plan.groups().filter(|(_, group)| group.decision == Decision::Sync);
        let groups = sync
            .map(|(workspace, group)| {
                let clones = group.steps.iter().filter(|step| step.action != Action::NoOp);
                let bytes = clones.clone().filter_map(|step| step.estimate);
                let bytes = bytes.map(|one| one.copy_bytes).fold(0, u64::saturating_add);
                let entry = Group {
                    bar: ProgressBar::hidden(),
                    label: label_among(log.several_workspaces, &workspace.name, &group.name),
                    tables: clones.count(),
                    done: 0,
                    copied: 0,
                    copying: BTreeMap::new(),
                };
                entry.bar.set_length(bytes);
                ((workspace.name.clone(), group.name.clone()), entry)
            })
            .collect();
        let pace_line = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            pace_line.set_style(style);
        }
        Bars { log, all: MultiProgress::new(), pace: Pace::default(), pace_line, groups }
    }

    pub(super) fn tell(&mut self, event: &Event) {
        match &event.what {
            What::GroupStarted { workspace, group, .. } => self.start(workspace, group),
            What::TableProgress { workspace, group, table, copied_bytes } => {
                self.with(workspace, group, |entry| {
                    entry.copying.insert(table.clone(), *copied_bytes);
                });
            }
            What::TableCloned { workspace, group, table, copied_bytes, .. } => {
                self.with(workspace, group, |entry| {
                    entry.copying.remove(table);
                    entry.copied = entry.copied.saturating_add(*copied_bytes);
                    entry.done += 1;
                });
            }
            What::GroupEnded { workspace, group, .. } => {
                if let Some(entry) = self.groups.get(&(workspace.clone(), group.clone())) {
                    entry.bar.finish_and_clear();
                    self.all.remove(&entry.bar);
                }
            }
            What::Started { .. } => {
                self.pace_line = self.all.add(self.pace_line.clone());
            }
            What::Summary { .. } => self.pace_line.finish_and_clear(),
            What::TableStarted { .. }
            | What::TableRetried { .. }
            | What::TableFailed { .. }
            | What::CutCommitted { .. }
            | What::Registered { .. }
            | What::Warning(_) => {}
        }
        if let Some(line) = self.pace.tell(event) {
            self.pace_line.set_message(line);
        }
        let line = self.log.line(event);
        let lasting = matches!(
            event.what,
            What::TableRetried { .. }
                | What::TableFailed { .. }
                | What::CutCommitted { .. }
                | What::GroupEnded { .. }
                | What::Registered { .. }
                | What::Warning(_)
        );
        if let Some(line) = line.filter(|_| lasting) {
            // As above: the apply goes on.
            let _ = self.all.println(lines(&line));
        }
    }

    fn start(&mut self, workspace: &str, group: &str) {
        let Some(entry) = self.groups.get_mut(&(workspace.to_owned(), group.to_owned())) else {
            return;
        };
        let length = entry.bar.length().unwrap_or(0);
        let bar = ProgressBar::new(length.max(1));
        let bar = self.all.insert_before(&self.pace_line, bar);
        let style = ProgressStyle::with_template("running  {prefix}  [{bar:20}] {msg}  {elapsed}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(pad(&entry.label, self.log.names - 2));
        bar.enable_steady_tick(std::time::Duration::from_millis(500));
        entry.bar = bar;
        entry.show();
    }

    fn with(&mut self, workspace: &str, group: &str, change: impl FnOnce(&mut Group)) {
        if let Some(entry) = self.groups.get_mut(&(workspace.to_owned(), group.to_owned())) {
            change(entry);
            entry.show();
        }
    }
}

impl Group {
    fn show(&self) {
        let copied = self.copying.values().fold(self.copied, |all, more| all.saturating_add(*more));
        let length = self.bar.length().unwrap_or(copied).max(copied);
        self.bar.set_length(length);
        self.bar.set_position(copied);
        self.bar.set_message(format!(
            "{} of {}  {} of {}",
            self.done,
            plural(self.tables, "table"),
            bytes(copied),
            bytes(length)
        ));
    }
}
