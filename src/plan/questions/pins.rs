//! What is asked of sources at the versions that the plan will pin. Pure.

use chrono::{DateTime, Utc};

use super::TableQuestions;
use crate::plan::observed::{TableObserved, WorkspaceObserved};
use crate::plan::request::Request;
use crate::plan::trigger::{self, Choice};
use crate::plan::versions;
use crate::plan::view::GroupView;
use crate::region::{PinQuestion, Table, changes_schema};

/// Asks how the tables of groups that are due look at the versions at which the plan will pin them.
pub(super) fn questions(
    seen: &WorkspaceObserved,
    request: &Request,
    now: DateTime<Utc>,
) -> TableQuestions<PinQuestion> {
    let mut all: Vec<(&str, &TableObserved, PinQuestion)> = Vec::new();
    for group in &seen.groups {
        // Of a group whose histories nobody read nothing is pinned.
        let is_open = |table: &&TableObserved| table.pin.is_none() && table.commits().is_some();
        if !group.tables.iter().any(|table| is_open(&table)) {
            continue;
        }
        let Some(view) = GroupView::new(seen, group, now, request) else {
            continue;
        };
        let Choice::Sync(target) = trigger::choose(&view) else {
            continue;
        };
        for table in view.tables().filter(is_open) {
            let pinned = table.commits().and_then(|it| versions::version_at(it, target.point));
            let (Ok(listed), Some(pinned)) = (&table.listed, pinned) else {
                continue;
            };
            let version = pinned.commit.version;
            let question = pin_question(
                listed.clone(),
                version,
                table.newest() == Some(version),
                view.replica_place(&table.name).location,
                table.replica().map(|replica| replica.version),
            );
            all.push((view.group.name.as_str(), table, question));
        }
    }
    ask_for_columns(&mut all);
    let mut asked = TableQuestions::default();
    for (group, table, question) in all {
        asked.ask(group, &table.name, question);
    }
    asked
}

/// Asks how a source looks at a version as it would be copied over a replica: planning before it pins, and a check of a stored plan
/// after.
pub(super) fn pin_question(
    table: Table,
    version: u64,
    newest: bool,
    replica_location: String,
    replica_version: Option<u64>,
) -> PinQuestion {
    PinQuestion { table, version, newest, replica_location, replica_version, columns_since: None }
}

/// Tables whose columns are asked for: each is two questions of its own, where everything else is asked by fifty.
const COLUMNS_MAX: usize = 10;

/// Chooses the tables whose columns are compared with those that the replica holds: of few updates all, of many those whose
/// history names a change.
fn ask_for_columns(all: &mut [(&str, &TableObserved, PinQuestion)]) {
    let updates = all.iter_mut().filter_map(|(_, table, question)| {
        let mark = table.replica()?.mark.as_ref()?;
        let (held, pinned) = (mark.source_version, question.version);
        (held < pinned).then_some((held, *table, question))
    });
    let updates: Vec<(u64, &TableObserved, &mut PinQuestion)> = updates.collect();
    let few = updates.len() <= COLUMNS_MAX;
    let names_a_change = |held: u64, table: &TableObserved, pinned: u64| {
        let mut between = table.commits().unwrap_or_default().iter();
        between.any(|commit| {
            (held + 1..=pinned).contains(&commit.version) && changes_schema(&commit.operation)
        })
    };
    let worth = updates
        .into_iter()
        .filter(|(held, table, asked)| few || names_a_change(*held, table, asked.version));
    for (held, _, question) in worth.take(COLUMNS_MAX) {
        question.columns_since = Some(held);
    }
}
