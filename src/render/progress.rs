//! What an apply says while it works: bars on a terminal, elsewhere one line a transition.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::clean::{clean, name};
use super::figures::{bytes, elapsed, plural};
use super::layout::{pad, width};
use crate::apply::{Event, GroupOutcome, What};
use crate::ledger::cut_label;
use crate::plan::{Action, Decision, Plan};

/// A running clone is mentioned at most this often.
const HEARTBEAT: Duration = Duration::minutes(5);

/// Events become lines; remembers what began when.
#[derive(Debug)]
pub struct Log {
    names: usize,
    several_workspaces: bool,
    begun: BTreeMap<(String, String, String), Running>,
}

/// A clone that has begun.
#[derive(Debug)]
struct Running {
    at: DateTime<Utc>,
    told: DateTime<Utc>,
}

impl Log {
    /// A log of the apply of a plan.
    pub fn of(plan: &Plan) -> Log {
        let groups = plan
            .groups()
            .filter(|(_, group)| group.decision == Decision::Sync);
        let several_workspaces = plan.workspaces.len() > 1;
        let names = groups
            .map(|(workspace, group)| {
                width(&label(several_workspaces, &workspace.name, &group.name))
            })
            .max();
        Log {
            names: names.unwrap_or(0).min(30) + 2,
            several_workspaces,
            begun: BTreeMap::new(),
        }
    }

    /// The line of an event; `None`: nothing worth a line.
    pub fn line(&mut self, event: &Event) -> Option<String> {
        let key = |workspace: &String, group: &String, table: &String| {
            (workspace.clone(), group.clone(), table.clone())
        };
        let (word, workspace, group, text) = match &event.what {
            What::TableStarted {
                workspace,
                group,
                table,
                source_version,
                copy_bytes,
            } => {
                let begun = Running {
                    at: event.at,
                    told: event.at,
                };
                self.begun.insert(key(workspace, group, table), begun);
                let size = copy_bytes.map_or(String::new(), |size| format!(", {}", bytes(size)));
                let text = format!("{} v{source_version}{size}", name(table));
                ("start", workspace, group, text)
            }
            What::TableProgress {
                workspace,
                group,
                table,
                copied_bytes,
            } => {
                let begun = self.begun.get_mut(&key(workspace, group, table))?;
                if event.at - begun.told < HEARTBEAT {
                    return None;
                }
                begun.told = event.at;
                let took = elapsed(event.at - begun.at);
                let text = format!("{} {took}, {} so far", name(table), bytes(*copied_bytes));
                ("running", workspace, group, text)
            }
            What::TableRetried {
                workspace,
                group,
                table,
                attempt,
                message,
                delay_ms,
            } => {
                let delay = elapsed(Duration::milliseconds(
                    i64::try_from(*delay_ms).unwrap_or(i64::MAX),
                ));
                let text = format!(
                    "{} attempt {attempt} failed, again in {delay}: {}",
                    name(table),
                    clean(message)
                );
                ("retry", workspace, group, text)
            }
            What::TableCloned {
                workspace,
                group,
                table,
                source_version,
                copied_bytes,
                ..
            } => {
                let begun = self.begun.remove(&key(workspace, group, table));
                let took = begun.map_or(String::new(), |begun| {
                    format!(", {}", elapsed(event.at - begun.at))
                });
                let text = format!(
                    "{} v{source_version}{took}, {}",
                    name(table),
                    bytes(*copied_bytes)
                );
                ("cloned", workspace, group, text)
            }
            What::TableFailed {
                workspace,
                group,
                table,
                message,
            } => (
                "failed",
                workspace,
                group,
                format!("{}: {}", name(table), clean(message)),
            ),
            What::CutCommitted {
                workspace,
                group,
                cut,
                recovery_point,
                tables,
            } => {
                let text = format!(
                    "{}, {} verified",
                    cut_label(*cut, *recovery_point),
                    plural(*tables, "table")
                );
                ("cut", workspace, group, text)
            }
            What::GroupEnded {
                workspace,
                group,
                outcome,
                message,
            } => {
                let text = message.as_deref().map_or(String::new(), clean);
                (ended(*outcome)?, workspace, group, text)
            }
            What::Warning { message } => {
                return Some(format!(
                    "{} {}{}",
                    clock(event.at),
                    pad("warning", 9),
                    clean(message)
                ));
            }
            What::Started { .. } | What::GroupStarted { .. } | What::Summary { .. } => return None,
        };
        let label = label(self.several_workspaces, workspace, group);
        let line = format!(
            "{} {}{} {text}",
            clock(event.at),
            pad(word, 9),
            pad(&label, self.names - 1)
        );
        Some(line.trim_end().to_owned())
    }
}

/// Groups that end without a cut are worth a line; the cut itself has had one.
fn ended(outcome: GroupOutcome) -> Option<&'static str> {
    match outcome {
        GroupOutcome::Synchronized
        | GroupOutcome::UpToDate
        | GroupOutcome::Waiting
        | GroupOutcome::Blocked => None,
        GroupOutcome::Failed => Some("failed"),
        GroupOutcome::Stale => Some("stale"),
        GroupOutcome::Overtaken => Some("further"),
        GroupOutcome::NotStarted => Some("left"),
    }
}

fn label(several_workspaces: bool, workspace: &str, group: &str) -> String {
    match several_workspaces {
        true => format!("{}/{}", name(workspace), name(group)),
        false => name(group),
    }
}

fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%SZ").to_string()
}

/// Shows an apply at work on stderr.
#[derive(Debug)]
pub struct Progress(Mutex<Screen>);

#[derive(Debug)]
enum Screen {
    Quiet,
    Lines(Log),
    Bars(Bars),
}

/// How an apply at work is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Quiet,
    /// One line a transition.
    Lines,
    /// A bar for every running group.
    Bars,
}

impl Progress {
    /// Gets ready to show the apply of a plan.
    pub fn of(plan: &Plan, mode: Mode) -> Progress {
        Progress(Mutex::new(match mode {
            Mode::Quiet => Screen::Quiet,
            Mode::Lines => Screen::Lines(Log::of(plan)),
            Mode::Bars => Screen::Bars(Bars::of(plan)),
        }))
    }

    /// Shows one event.
    pub fn tell(&self, event: &Event) {
        let mut screen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *screen {
            Screen::Quiet => {}
            Screen::Lines(log) => {
                if let Some(line) = log.line(event) {
                    // A log that nobody reads any more is no reason to stop an apply.
                    let _ = writeln!(std::io::stderr().lock(), "{line}");
                }
            }
            Screen::Bars(bars) => bars.tell(event),
        }
    }
}

/// A bar for every running group, and a line for whatever ends.
#[derive(Debug)]
struct Bars {
    log: Log,
    all: MultiProgress,
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
    fn of(plan: &Plan) -> Bars {
        let log = Log::of(plan);
        let sync = plan
            .groups()
            .filter(|(_, group)| group.decision == Decision::Sync);
        let groups = sync
            .map(|(workspace, group)| {
                let clones = group
                    .steps
                    .iter()
                    .filter(|step| step.action != Action::NoOp);
                let bytes: u64 = clones
                    .clone()
                    .filter_map(|step| step.estimate)
                    .map(|one| one.copy_bytes)
                    .sum();
                let entry = Group {
                    bar: ProgressBar::hidden(),
                    label: label(log.several_workspaces, &workspace.name, &group.name),
                    tables: clones.count(),
                    done: 0,
                    copied: 0,
                    copying: BTreeMap::new(),
                };
                entry.bar.set_length(bytes);
                ((workspace.name.clone(), group.name.clone()), entry)
            })
            .collect();
        Bars {
            log,
            all: MultiProgress::new(),
            groups,
        }
    }

    fn tell(&mut self, event: &Event) {
        match &event.what {
            What::GroupStarted {
                workspace, group, ..
            } => self.start(workspace, group),
            What::TableProgress {
                workspace,
                group,
                table,
                copied_bytes,
            } => {
                self.with(workspace, group, |entry| {
                    entry.copying.insert(table.clone(), *copied_bytes);
                });
            }
            What::TableCloned {
                workspace,
                group,
                table,
                copied_bytes,
                ..
            } => {
                self.with(workspace, group, |entry| {
                    entry.copying.remove(table);
                    entry.copied += copied_bytes;
                    entry.done += 1;
                });
            }
            What::GroupEnded {
                workspace, group, ..
            } => {
                if let Some(entry) = self.groups.get(&(workspace.clone(), group.clone())) {
                    entry.bar.finish_and_clear();
                    self.all.remove(&entry.bar);
                }
            }
            What::TableStarted { .. }
            | What::Started { .. }
            | What::TableRetried { .. }
            | What::TableFailed { .. }
            | What::CutCommitted { .. }
            | What::Warning { .. }
            | What::Summary { .. } => {}
        }
        let line = self.log.line(event);
        let lasting = matches!(
            event.what,
            What::TableRetried { .. }
                | What::TableFailed { .. }
                | What::CutCommitted { .. }
                | What::GroupEnded { .. }
                | What::Warning { .. }
        );
        if let Some(line) = line.filter(|_| lasting) {
            // As above: the apply goes on.
            let _ = self.all.println(line);
        }
    }

    fn start(&mut self, workspace: &str, group: &str) {
        let Some(entry) = self
            .groups
            .get_mut(&(workspace.to_owned(), group.to_owned()))
        else {
            return;
        };
        let length = entry.bar.length().unwrap_or(0);
        let bar = self.all.add(ProgressBar::new(length.max(1)));
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
        if let Some(entry) = self
            .groups
            .get_mut(&(workspace.to_owned(), group.to_owned()))
        {
            change(entry);
            entry.show();
        }
    }
}

impl Group {
    fn show(&self) {
        let copied = self.copied + self.copying.values().sum::<u64>();
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
