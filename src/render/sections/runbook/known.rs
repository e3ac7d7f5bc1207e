//! What is known of a group on a bad day: what is lost beyond its cut, which rights the other side lacks, which jobs are to be started.

use super::{home, other};
use crate::figures::{count, plural, plural_of};
use crate::layout::few;
use crate::plan::{GrantsSeen, JobSeen, LossReceipt, Role, TableLoss, UnknownLoss};
use crate::region::{Deployment, PauseStatus};
use crate::render::page::{Instruction, LabeledPoint, Phrase, PhrasePart};
use crate::runbook::{GroupSteps, Language, RunbookSubject};

/// Runs that are named in one sentence, and who wrote.
const RUNS_MAX: usize = 10;
const WRITERS_MAX: usize = 4;
/// Tables of a group whose losses are listed.
const TABLES_LOST_MAX: usize = 20;

/// What is known to be lost of a group, with what an older cut gives up, and that nobody knows the rest.
pub(super) fn instructions_of_loss(place: &RunbookSubject, group: &GroupSteps) -> Vec<Instruction> {
    let given_up = group.given_up.map(|(first, last, point)| {
        let cuts =
            if first == last { format!("cut {first}") } else { format!("cuts {first} to {last}") };
        let says = format!("Given up with this cut: everything that {cuts} brought, up to ");
        Instruction::Strong(Phrase::from(says).and(point).and("."))
    });
    let beyond = match &group.lost {
        Some(receipt) => lost_beyond(receipt),
        None => Instruction::Sentences(vec![
            Phrase::from("What ")
                .and(home(place))
                .and(" took after this cut nobody knows: no look at it is known."),
        ]),
    };
    given_up.into_iter().chain([beyond]).collect()
}

/// What a look found that no cut holds, table by table.
fn lost_beyond(receipt: &LossReceipt) -> Instruction {
    let LossReceipt { at, commits, since, runs, tables, unknown: untold } = receipt;
    let unknown = "What came after that look nobody knows.";
    if *commits == 0 && untold.is_empty() {
        let says = Phrase::from("Known lost beyond its newest cut: no commit, as of ").and(*at);
        return Instruction::Sentences(vec![says.and(format!(". {unknown}"))]);
    }
    let since = since.map_or(Phrase::default(), |since| Phrase::from(" since ").and(since));
    let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
    let repeat = match runs.as_slice() {
        [] => String::new(),
        [run] => format!("; repeat run {run}"),
        runs => format!("; repeat runs {}", few(runs, RUNS_MAX)),
    };
    let lost: Phrase = match (*commits, untold.is_empty()) {
        (0, _) => "no commit, but not of every table".into(),
        (commits, true) => Phrase::from(plural_of(commits, "commit")).and(since),
        (commits, false) => format!("at least {}", plural_of(commits, "commit")).into(),
    };
    let says = Phrase::from("Known lost beyond its newest cut, as of ").and(*at).and(": ");
    let says = says.and(lost).and(format!("{repeat}. {unknown}"));
    let more = |all: usize| all.checked_sub(TABLES_LOST_MAX).filter(|more| *more > 0);
    let mut items: Vec<Phrase> = untold.iter().take(TABLES_LOST_MAX).map(not_known).collect();
    items.extend(more(untold.len()).map(|more| {
        Phrase::from(format!("{} of which it is not known", plural(more, "more table")))
    }));
    items.extend(tables.iter().take(TABLES_LOST_MAX).map(lost_of_table));
    items.extend(more(tables.len()).map(|more| Phrase::from(plural(more, "more table"))));
    Instruction::Listed(says, items)
}

fn not_known(loss: &UnknownLoss) -> Phrase {
    let UnknownLoss { table, why, known_at } = loss;
    let says = Phrase::name(table).and(format!(": not known, {}", why.text()));
    match known_at {
        Some(at) => says.and("; last known ").and(*at),
        None => says,
    }
}

fn lost_of_table(loss: &TableLoss) -> Phrase {
    let TableLoss {
        table, commits, first_version, last_version, since, until, writers, rows, ..
    } = loss;
    let commits = plural_of(*commits, "commit");
    let says = Phrase::name(table)
        .and(format!(" v{first_version} to v{last_version}: {commits} from "))
        .and(*since)
        .and(" to ")
        .and(*until);
    let rows = rows.map_or(String::new(), |rows| format!(", {} rows", count(rows)));
    let says = says.and(rows);
    match writers.as_slice() {
        [] => says,
        writers => says.and(", by ").and(PhrasePart::Names(writers.to_vec(), WRITERS_MAX)),
    }
}

/// The rights that the other side lacks, as they were last seen.
pub(super) fn rights(place: &RunbookSubject, group: &GroupSteps) -> LabeledPoint {
    let Some(seen) = &group.grants else {
        if place.language == Language::Python {
            let says = Phrase::from("those of the files. Whoever works with these tables in ")
                .and(home(place))
                .and(" has to be let in by the storage of ")
                .and(other(place))
                .and(".");
            return LabeledPoint::new("Rights", says);
        }
        let says = Phrase::from("nobody looked at them. Whoever works with these tables in ")
            .and(home(place))
            .and(" has to have them in ")
            .and(other(place))
            .and(Phrase::coded(
                ": compare `SHOW GRANTS` of schemas and tables, in the other region as long as it answers.",
            ));
        return LabeledPoint::new("Rights", says);
    };
    let compare = Phrase::coded(
        "compare `SHOW GRANTS` in the other region, as long as it answers, for whoever works with them in ",
    )
    .and(home(place))
    .and(".");
    let unseen = seen.unseen.len();
    let known = group.tables.saturating_sub(unseen);
    let lacking = lacking(seen);
    if lacking.is_empty() && known == 0 {
        return LabeledPoint::new(
            "Rights",
            Phrase::from("not seen at both sides of any table; ").and(compare),
        );
    }
    let also = (unseen > 0).then(|| {
        Phrase::from(format!("not seen at both sides of {}; ", plural(unseen, "table")))
            .and(compare)
    });
    LabeledPoint { also, ..rights_seen(place, seen, &lacking, (known, unseen)) }
}

/// The statements that give the other side what it lacks.
fn lacking(seen: &GrantsSeen) -> Vec<String> {
    let differing = seen.differing();
    let lacking = differing.iter().filter(|right| right.at == Role::Primary);
    lacking.map(|right| format!("{};", right.grant())).collect()
}

/// The same of the tables whose rights were seen at both sides.
fn rights_seen(
    place: &RunbookSubject,
    seen: &GrantsSeen,
    lacking: &[String],
    (known, unseen): (usize, usize),
) -> LabeledPoint {
    let of = |says: String, are: &str| {
        Phrase::from(says)
            .and(home(place))
            .and(format!(" {are} lacking in "))
            .and(other(place))
            .and(", as of ")
            .and(seen.at)
    };
    match (lacking.len(), unseen) {
        (0, 0) => LabeledPoint::new("Rights", of("none of ".to_owned(), "is").and(".")),
        (0, _) => {
            let says = format!("on {} none of ", plural(known, "table"));
            LabeledPoint::new("Rights", of(says, "is").and("."))
        }
        (number, _) => {
            let are = if number == 1 { "is" } else { "are" };
            let rights =
                if number == 1 { "1 right".to_owned() } else { format!("{number} rights") };
            let says = of(format!("{rights} of "), are).and("; run those that are still wanted:");
            LabeledPoint { run: Some(lacking.join("\n")), ..LabeledPoint::new("Rights", says) }
        }
    }
}

/// Which jobs are to be started, and what is known of each on both sides.
pub(super) fn jobs(place: &RunbookSubject, group: &GroupSteps) -> Vec<LabeledPoint> {
    let of = |side: Role| group.jobs.iter().filter(move |job| job.side == side);
    let at_home = of(Role::Primary).map(|job| {
        let there = of(Role::Secondary).find(|there| there.name == job.name);
        let was = match job.pause_status {
            Some(PauseStatus::Unpaused) => "not paused",
            Some(PauseStatus::Paused) => "paused: leave it so unless somebody knows why",
            Some(PauseStatus::Unscheduled) => "started by nothing but people and other jobs",
            Some(PauseStatus::Unknown) => "not seen",
            None => "not there",
        };
        let says = Phrase::name(&job.name).and(", ").and(job_there(place, there));
        let says = says.and(". In ").and(home(place)).and(format!(" it was {was} ("));
        LabeledPoint::new("Start", says.and(job.at).and(")."))
    });
    at_home.collect()
}

/// How the job of the same name stands at the other side.
fn job_there(place: &RunbookSubject, there: Option<&JobSeen>) -> Phrase {
    let Some(JobSeen { pause_status, job_id, deployment, .. }) = there else {
        return Phrase::from("nobody looked for it in ").and(other(place));
    };
    let Some(status) = pause_status else {
        let none = Phrase::from("there is none of this name in ").and(other(place));
        return none.and(": it has to be made");
    };
    let id = job_id.map_or(String::new(), |id| format!(" job {id}"));
    let how = match status {
        PauseStatus::Unpaused => "not paused",
        PauseStatus::Paused => "paused",
        PauseStatus::Unscheduled => "with nothing that starts it",
        PauseStatus::Unknown => "not seen well enough to say how",
    };
    let kept = match deployment {
        Some(Deployment::Bundle) => {
            "; a bundle keeps its settings: set `pause_status` in its target, too"
        }
        Some(Deployment::SystemManaged | Deployment::Other) => {
            "; something else keeps its settings"
        }
        None => "",
    };
    let is = Phrase::from("in ").and(other(place)).and(format!("{id}, {how}"));
    is.and(Phrase::coded(kept))
}
