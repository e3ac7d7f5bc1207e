//! An apply at work as a log: one line a transition.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use crate::apply::{Event, EventKind};
use crate::figures::{bytes, elapsed, plural};
use crate::harmless::{clean, name};
use crate::layout::{few, pad, width};
use crate::ledger::cut_label;
use crate::plan::{Decision, Plan};
use crate::record::{Ending, GroupOutcome};
use crate::render::sections::run::GOES_ON;
use crate::render::shown::label_among;

/// Registered replicas that one line names.
const TABLES_NAMED: usize = 5;
/// A running clone is mentioned at most this often.
const HEARTBEAT: Duration = Duration::minutes(5);

/// Events become lines; remembers what began when.
#[derive(Debug)]
pub struct ProgressLog {
    names: usize,
    several_workspaces: bool,
    begun: BTreeMap<(String, String, String), Running>,
    /// Groups of which a table failed, which was told with its reason.
    failed: BTreeSet<(String, String)>,
}

/// A clone that has begun.
#[derive(Debug)]
struct Running {
    at: DateTime<Utc>,
    told: DateTime<Utc>,
}

impl ProgressLog {
    /// A log of the apply of a plan.
    pub fn of(plan: &Plan) -> ProgressLog {
        let groups = plan.decided(Decision::Sync);
        let several_workspaces = plan.workspaces.len() > 1;
        let names = groups
            .map(|(workspace, group)| {
                width(&label_among(several_workspaces, &workspace.name, &group.name))
            })
            .max();
        ProgressLog {
            names: names.unwrap_or(0).min(30) + 2,
            several_workspaces,
            begun: BTreeMap::new(),
            failed: BTreeSet::new(),
        }
    }

    /// The line of an event; `None`: nothing worth a line.
    pub fn line(&mut self, event: &Event) -> Option<String> {
        let (word, workspace, group, text) = match &event.what {
            EventKind::TableStarted { workspace, group, table, .. }
            | EventKind::TableProgress { workspace, group, table, .. }
            | EventKind::TableRetried { workspace, group, table, .. }
            | EventKind::TableCloned { workspace, group, table, .. }
            | EventKind::TableFailed { workspace, group, table, .. } => {
                let (word, text) = self.words_of_table(event, workspace, group, table)?;
                (word, workspace, group, text)
            }
            EventKind::CutCommitted { workspace, group, cut, recovery_point, tables } => {
                let text = format!(
                    "{}, {} verified",
                    cut_label(*cut, *recovery_point),
                    plural(*tables, "table")
                );
                ("cut", workspace, group, text)
            }
            EventKind::GroupEnded { workspace, group, outcome, ending, message } => {
                let told = self.failed.contains(&(workspace.clone(), group.clone()));
                if *outcome == GroupOutcome::Failed && told {
                    return None;
                }
                let text = match ending {
                    Some(Ending::Interrupted) => GOES_ON.to_owned(),
                    Some(_) | None => message.as_ref().map(clean).unwrap_or_default(),
                };
                (ended(*outcome)?, workspace, group, text)
            }
            EventKind::Registered { tables } => {
                return Some(format!(
                    "{} {}{} in the secondary",
                    clock(event.at),
                    pad("catalog", 9),
                    clean(&few(tables, TABLES_NAMED))
                ));
            }
            EventKind::Warning(warning) => {
                let text = clean(&warning.message);
                return Some(format!("{} {}{text}", clock(event.at), pad("warning", 9)));
            }
            EventKind::Started { .. }
            | EventKind::GroupStarted { .. }
            | EventKind::Summary { .. } => return None,
        };
        let label = label_among(self.several_workspaces, workspace, group);
        let line =
            format!("{} {} {} {text}", clock(event.at), pad(word, 8), pad(&label, self.names - 1));
        Some(line.trim_end().to_owned())
    }

    /// The word for an event of a table, and what is said of it; `None`: it is not worth a line, or of no table.
    fn words_of_table(
        &mut self,
        event: &Event,
        workspace: &str,
        group: &str,
        table: &str,
    ) -> Option<(&'static str, String)> {
        let key = (workspace.to_owned(), group.to_owned(), table.to_owned());
        Some(match &event.what {
            EventKind::TableStarted { source_version, copy_bytes, .. } => {
                self.begun.insert(key, Running { at: event.at, told: event.at });
                let size = copy_bytes.map_or(String::new(), |size| format!(", {}", bytes(size)));
                ("start", format!("{} v{source_version}{size}", name(table)))
            }
            EventKind::TableProgress { copied_bytes, statement_id, .. } => {
                let begun = self.begun.get_mut(&key)?;
                if event.at - begun.told < HEARTBEAT {
                    return None;
                }
                begun.told = event.at;
                let took = elapsed(event.at - begun.at);
                let text = match statement_id {
                    Some(id) => format!("{} {took}, statement {}", name(table), clean(id)),
                    None => format!("{} {took}, {} so far", name(table), bytes(*copied_bytes)),
                };
                ("running", text)
            }
            EventKind::TableRetried { attempt, message, delay_ms, .. } => {
                let delay = i64::try_from(*delay_ms).unwrap_or(i64::MAX);
                let delay = elapsed(Duration::milliseconds(delay));
                let (table, message) = (name(table), clean(message));
                ("retry", format!("{table} attempt {attempt} failed, again in {delay}: {message}"))
            }
            EventKind::TableCloned { source_version, copied_bytes, .. } => {
                let begun = self.begun.remove(&key);
                let took = begun
                    .map_or(String::new(), |begun| format!(", {}", elapsed(event.at - begun.at)));
                let copied = bytes(*copied_bytes);
                ("cloned", format!("{} v{source_version}{took}, {copied}", name(table)))
            }
            EventKind::TableFailed { message, .. } => {
                self.failed.insert((workspace.to_owned(), group.to_owned()));
                ("failed", format!("{}: {}", name(table), clean(message)))
            }
            EventKind::Started { .. }
            | EventKind::GroupStarted { .. }
            | EventKind::CutCommitted { .. }
            | EventKind::GroupEnded { .. }
            | EventKind::Registered { .. }
            | EventKind::Warning(_)
            | EventKind::Summary { .. } => return None,
        })
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
        GroupOutcome::Overtaken => Some("overtaken"),
        GroupOutcome::NotStarted => Some("stopped"),
    }
}

fn clock(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}
