//! The steps of one group: what is fenced, brought back, marked and checked, and why a group has none. Pure.

use chrono::{DateTime, Utc};

use super::{GroupSteps, Language, RunbookSubject, TableStep, python};
use crate::command::{Command, Verb};
use crate::ledger::{Cut, Cuts, NewRole, Roles};
use crate::sentence::Sentence;
use crate::sql::{self, ExpectedContent, Relation};

/// Tables in one statement that looks at several: longer ones are hard to read, and some editors cut them off.
const TABLES_AT_ONCE: usize = 50;

/// The steps of a group, or why it has none.
pub(super) fn steps_of_group(
    place: &RunbookSubject,
    cuts: &Cuts,
    name: &str,
    to_cut: Option<u64>,
    come_back: bool,
) -> Result<GroupSteps, Sentence> {
    let Some(newest) = cuts.newest(name) else {
        return Err("never synchronized: it has no cut".into());
    };
    let failed_over = find_change_of_role(place, cuts, name)?;
    if failed_over.is_none() && come_back {
        return Err("it is at home".into());
    }
    let number = to_cut.unwrap_or(newest.cut_number);
    let held = cuts.of(name).find(|cut| cut.cut_number == number);
    let held = held.ok_or_else(|| format!("the cut log has no cut {number} of it"))?;
    // A cut that turned out not to be whole gives way to an earlier one: then the log says which one the other side went on from.
    let again = failed_over.is_some() && to_cut.is_some();
    let active = match failed_over {
        Some(_) if !again => &place.sides.home,
        Some(_) | None => &place.sides.other,
    };
    let role = NewRole { newest, held, active, known_epoch: 0 };
    let fence = fence(place, &role);
    // Who brings a group over twice must not bring it home by that.
    let fence = Some(fence).filter(|_| come_back || again || failed_over.is_none());
    let in_sql = place.language == Language::Sql;
    let epoch = if fence.is_some() { role.epoch() } else { newest.epoch };
    let Statements { restore, mark, check, files } =
        write_statements(place, name, held, epoch, come_back);
    let rows: Option<Vec<u64>> = held.tables.iter().map(|entry| entry.rows).collect();
    Ok(GroupSteps {
        group: name.to_owned(),
        active: active.clone(),
        failed_over,
        again,
        warned: None,
        cut: held.cut_number,
        given_up: find_given_up(cuts, name, held)
            .map(|(first, last)| (first.cut_number, last.cut_number, last.recovery_point)),
        recovery_point: held.recovery_point,
        workflow_run_id: held.workflow_run_id,
        workflow: None,
        epoch,
        fence,
        newest_row: in_sql.then(|| sql::newest_row(&place.log(), name)),
        columns: in_sql.then(|| sql::add_role_columns(&place.log())),
        restore,
        mark,
        check,
        files,
        tables: held.tables.len(),
        lost: None,
        jobs: Vec::new(),
        grants: None,
        rows: rows.map(|rows| rows.into_iter().fold(0, u64::saturating_add)),
        bytes: held.tables.iter().fold(0, |sum, entry| sum.saturating_add(entry.bytes)),
    })
}

/// When the other side was made active of a group, and by whom; `None`: it is at home.
///
/// # Errors
/// The cut log does not tell who is active.
fn find_change_of_role(
    place: &RunbookSubject,
    cuts: &Cuts,
    name: &str,
) -> Result<Option<(DateTime<Utc>, String)>, Sentence> {
    if !cuts.is_one_chain(name) {
        return Err(format!(
            "the cut log of the group is not one chain; {} says where",
            Command::new(Verb::Status)
        )
        .into());
    }
    match cuts.roles(name, &place.sides) {
        Roles::Home => Ok(None),
        Roles::FailedOver(cut) => Ok(Some((cut.committed_at, cut.committed_by.clone()))),
        Roles::Unnamed(cut) => Err(format!(
            "{} makes {} active, and the sides are {} and {}: if {1} has another name by now, give it the old one again (secondary_workspace_name)",
            cut.label(),
            cut.active.as_deref().unwrap_or_default(),
            place.sides.home,
            place.sides.other
        )
        .into()),
        Roles::Newer(cut) => {
            Err(format!("{} is of a kind that a newer drsync knows", cut.label()).into())
        }
        Roles::Broken { cut, before: _, why } => {
            Err(format!("{} does not hold: {why}", cut.label()).into())
        }
    }
}

/// What is run on the replicas of a group.
struct Statements {
    restore: Vec<TableStep>,
    mark: Vec<TableStep>,
    check: Vec<String>,
    files: Vec<String>,
}

fn write_statements(
    place: &RunbookSubject,
    name: &str,
    held: &Cut,
    epoch: u64,
    come_back: bool,
) -> Statements {
    let of_tables = |statement: &dyn Fn(&str, u64) -> String| -> Vec<TableStep> {
        let entries = held.tables.iter();
        let steps = entries.map(|entry| TableStep {
            table: entry.table.to_string(),
            statement: statement(&entry.replica_location, entry.replica_version),
        });
        steps.collect()
    };
    let at = |location: &str| Relation::Path(location.to_owned());
    let (restore, mark, check) = match place.language {
        // What is at home is no replica: nobody brings it back or marks it from here.
        _ if come_back => (Vec::new(), Vec::new(), Vec::new()),
        Language::Sql => (
            of_tables(&|location, version| sql::restore(&at(location), version)),
            of_tables(&|location, _| sql::mark(&at(location), epoch)),
            checks(held),
        ),
        Language::Python => {
            let one = |statement: String| vec![TableStep { table: name.to_owned(), statement }];
            (one(python::restore(held)), one(python::mark(held, epoch)), vec![python::check(held)])
        }
    };
    let files = match place.language {
        Language::Sql => {
            of_tables(&|location, _| format!("FSCK REPAIR TABLE {} DRY RUN", at(location)))
        }
        Language::Python => Vec::new(),
    };
    let files = files.into_iter().map(|step| step.statement).collect();
    Statements { restore, mark, check, files }
}

/// The first and the last cut that are given up where a group goes on from `held`.
fn find_given_up<'a>(cuts: &'a Cuts, name: &str, held: &Cut) -> Option<(&'a Cut, &'a Cut)> {
    let of_number = |number| cuts.of(name).find(|cut| cut.cut_number == number);
    match cuts.given_up_with(held).filter(|_| held.is_role()) {
        // What a change of role gave up stays given up.
        Some((first, last)) => of_number(first).zip(of_number(last)),
        None => {
            let later = |cut: &&Cut| !cut.is_role() && cut.cut_number > held.cut_number;
            let later: Vec<&Cut> = cuts.of(name).filter(later).collect();
            later.first().copied().zip(later.last().copied())
        }
    }
}

fn fence(place: &RunbookSubject, role: &NewRole<'_>) -> String {
    match place.language {
        Language::Sql => sql::fence(&place.log(), role),
        Language::Python => python::fence(&place.location, role),
    }
}

/// What makes a log that lacks a change of role of this epoch say that the other side is active; `None`: nothing can follow it.
pub(super) fn only_fence(
    place: &RunbookSubject,
    cuts: &Cuts,
    name: &str,
    known_epoch: u64,
) -> Option<String> {
    let newest = cuts.newest(name).filter(|_| cuts.is_one_chain(name))?;
    let readable = matches!(cuts.roles(name, &place.sides), Roles::Home | Roles::FailedOver(_));
    let role = NewRole { newest, held: newest, active: &place.sides.other, known_epoch };
    readable.then(|| fence(place, &role))
}

fn checks(held: &Cut) -> Vec<String> {
    let expected: Vec<ExpectedContent> = held
        .tables
        .iter()
        .map(|entry| ExpectedContent {
            table: Relation::Path(entry.replica_location.clone()),
            name: entry.table.to_string(),
            files: entry.files,
            bytes: entry.bytes,
            rows: entry.rows,
        })
        .collect();
    let some = expected.chunks(TABLES_AT_ONCE);
    some.flat_map(|some| [Some(sql::check_files(some)), sql::check_rows(some)]).flatten().collect()
}
