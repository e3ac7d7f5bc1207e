//! What is done for one group: brought over, gone on with, or brought home.

use super::{home, known, other};
use crate::command::{Command, Verb};
use crate::figures::{bytes, count, plural};
use crate::render::page::{
    Chapter, GuideStep, Instruction, LabeledPoint, Phrase, RunApart, RunInOrder,
};
use crate::runbook::{GroupSteps, Language, RunbookSubject, TableStep};

/// The chapter of a group; `None`: it is where it shall be, and nothing is known that is to be done.
pub(super) fn chapter(place: &RunbookSubject, group: &GroupSteps) -> Option<Chapter> {
    let (title, (says, stages)) = match (&group.failed_over, &group.fence) {
        (None, Some(fence)) => (over(group), bring_over(place, group, fence)),
        (Some(since), Some(fence)) if group.again => {
            (there(place, group, since), again(place, group, fence))
        }
        (Some(since), Some(fence)) => (there(place, group, since), bring_home(place, group, fence)),
        (Some(since), None) => (there(place, group, since), go_on(place, group)),
        (None, None) => return None,
    };
    Some(Chapter { title, says, stages })
}

/// What is said before the steps, and the steps.
type Told = (Vec<Instruction>, Vec<GuideStep>);

/// What is said of a cut.
fn cut(group: &GroupSteps) -> Phrase {
    Phrase::from(format!("cut {} (", group.cut)).and(group.recovery_point).and(")")
}

/// What is brought over, as a title.
fn over(group: &GroupSteps) -> Phrase {
    let rows = group.rows.map_or(String::new(), |rows| format!(", {} rows", count(rows)));
    let size = format!(", {}, {}{rows}", plural(group.tables, "table"), bytes(group.bytes));
    Phrase::name(&group.group).and(": ").and(cut(group)).and(size)
}

/// That the other side is active of a group, as a title.
fn there(
    place: &RunbookSubject,
    group: &GroupSteps,
    (since, by): &(chrono::DateTime<chrono::Utc>, String),
) -> Phrase {
    let active = Phrase::name(&group.group).and(": ").and(other(place));
    active.and(" is active since ").and(*since).and(", by ").and(Phrase::name(by))
}

/// What brings a group to another cut at the side that is active of it, where nobody wrote yet.
fn again(place: &RunbookSubject, group: &GroupSteps, fence: &str) -> Told {
    let says = Phrase::from("To another cut than the one of then: ")
        .and(cut(group))
        .and(". Only where nobody works in ")
        .and(other(place))
        .and(" yet: what was written there is taken away.");
    let (more, stages) = bring_over(place, group, fence);
    ([Instruction::Sentences(vec![says])].into_iter().chain(more).collect(), stages)
}

/// The steps, from the fence on.
fn bring_over(place: &RunbookSubject, group: &GroupSteps, fence: &str) -> Told {
    let stages = vec![
        stage("Fence", self::fence(place, group, fence)),
        stage("Bring back", bring_back(place, group)),
        stage(format!("Mark with epoch {}", group.epoch), mark(place, group)),
        stage("Check", check(place, group)),
        stage("Open", vec![open(place, group)]),
    ];
    (before_anything(place, group), stages)
}

fn stage(title: impl Into<Phrase>, says: Vec<Instruction>) -> GuideStep {
    GuideStep { title: title.into(), says }
}

/// What is lost, and what has to be known before anything is run.
fn before_anything(place: &RunbookSubject, group: &GroupSteps) -> Vec<Instruction> {
    let warned =
        group.warned.as_ref().map(|warned| Instruction::Warning(Phrase::from_others(warned)));
    known::instructions_of_loss(place, group).into_iter().chain(warned).collect()
}

fn fence(place: &RunbookSubject, group: &GroupSteps, fence: &str) -> Vec<Instruction> {
    let mut all = vec![Instruction::Run(run_fence(place, group, fence))];
    all.extend(newest_row(group));
    all.extend(group.columns.as_ref().map(|columns| {
        let says = Phrase::coded(
            "If it answers that there is no column `kind`, run this once and then the fence again:",
        );
        run_apart(says, columns)
    }));
    all
}

/// The fence, with what it must answer.
fn run_fence(place: &RunbookSubject, group: &GroupSteps, fence: &str) -> RunInOrder {
    let then = if group.active == place.sides.home {
        " active: from then on applies write to the group again."
    } else {
        " active: from then on no apply writes to the group."
    };
    let answers = match place.language {
        Language::Sql => "It must answer 1 row (`num_inserted_rows`).",
        Language::Python => "It must print `1 row`.",
    };
    let otherwise = match place.language {
        Language::Sql => Phrase::coded(
            "An error of a conflict: somebody wrote at the same moment, run it again. One of a missing right or of storage that is read-only changed nothing: mend that, and run it again. 0 rows: the log has a newer row of the group than this page. If its `kind` is `role` somebody was faster: stop, and ask whoever `committed_by` names. If not, drsync only made a newer cut: take a newer page (the statement on top finds it).",
        ),
        Language::Python => Phrase::from(
            "An error of a commit that failed: somebody wrote at the same moment, run it again. One of a missing right or of storage that is read-only changed nothing: mend that, and run it again. 0 rows: the line says whether somebody was faster, then stop and ask them, or whether drsync only made a newer cut: then take a newer page (",
        )
        .and(Phrase::command(Command::new(Verb::Runbook)))
        .and(")."),
    };
    RunInOrder {
        language: place.language,
        before: Some(Phrase::from("Makes ").and(Phrase::name(&group.active)).and(then)),
        answers: Phrase::coded(answers),
        otherwise: Some(otherwise),
        in_one_line: true,
        blocks: vec![fence.to_owned()],
    }
}

/// What shows why a fence inserted no row, where that does not say so itself.
fn newest_row(group: &GroupSteps) -> Option<Instruction> {
    let statement = group.newest_row.as_ref()?;
    Some(run_apart("Only after 0 rows, this shows the newest row:", statement))
}

fn run_apart(says: impl Into<Phrase>, block: &str) -> Instruction {
    Instruction::RunApart(RunApart { says: says.into(), block: block.to_owned() })
}

fn bring_back(place: &RunbookSubject, group: &GroupSteps) -> Vec<Instruction> {
    let answers = match place.language {
        Language::Sql => {
            "Each must succeed. An error that the table is at that version already is good: go on with the next one."
        }
        Language::Python => "Each line must end with the version of its table.",
    };
    let otherwise = Phrase::from(
        "An error that files or the version are gone: leave the group, and take an earlier cut of it (",
    )
    .and(Phrase::command(Command::to_cut(&group.group, "CUT")))
    .and(" refuses those that cannot be read, and names the nearest that can).");
    vec![Instruction::Run(RunInOrder {
        language: place.language,
        before: None,
        answers: answers.into(),
        otherwise: Some(otherwise),
        in_one_line: false,
        blocks: vec![statements(place, &group.restore)],
    })]
}

fn mark(place: &RunbookSubject, group: &GroupSteps) -> Vec<Instruction> {
    let answers = "Each must succeed; repeating one does no harm. An apply that wakes up in the old region knows by it that its time is over.";
    vec![Instruction::Run(RunInOrder {
        language: place.language,
        before: None,
        answers: answers.into(),
        otherwise: None,
        in_one_line: false,
        blocks: vec![statements(place, &group.mark)],
    })]
}

fn check(place: &RunbookSubject, group: &GroupSteps) -> Vec<Instruction> {
    let before = Phrase::from("A clone that was sent before the fence may still land. If ")
        .and(home(place))
        .and(" answers, wait for what writes there to these tables, or cancel it; then check, or check again.");
    let answers = match place.language {
        Language::Sql => "Every line must say `true`.",
        Language::Python => {
            "Every line must begin with `True`; a table that this library cannot read is counted with another reader."
        }
    };
    let otherwise = "One that does not: repeat steps 2 and 3 of its group; if it stays so, do not let anybody write to the group, and ask.";
    let mut all = vec![Instruction::Run(RunInOrder {
        language: place.language,
        before: Some(before),
        answers: Phrase::coded(answers),
        otherwise: Some(otherwise.into()),
        in_one_line: false,
        blocks: group.check.clone(),
    })];
    if !group.files.is_empty() {
        let says = Phrase::from(
            "A warehouse may count from the log, and see no file that is gone. Run each of these on its own: it must answer no row. A row is a file that is gone, and the cut is not whole: let nobody work with the group, and take the cut before it (",
        )
        .and(Phrase::command(Command::to_cut(&group.group, "CUT")))
        .and(").");
        all.push(run_apart(says, &group.files.join(";\n")));
    }
    all
}

/// Who may work with the group, and what starts again.
fn open(place: &RunbookSubject, group: &GroupSteps) -> Instruction {
    let GroupSteps { workflow, workflow_run_id, .. } = group;
    let start = match workflow {
        Some(_) if !group.jobs.is_empty() => {
            let alone = Phrase::from("In ").and(other(place));
            LabeledPoint::new("", alone.and(" alone: what starts on both sides writes on both."))
        }
        Some(workflow) => {
            let alone = Phrase::name(workflow).and(", in ").and(other(place)).and(" alone.");
            LabeledPoint::new("Start", alone)
        }
        None => LabeledPoint::new("Start", "no workflow is known that writes the group."),
    };
    let repeat = match workflow_run_id {
        Some(run) => Phrase::from(format!(
            "every run of it that ended after run {run}, whose end the cut is."
        )),
        None => {
            Phrase::from("whatever wrote to the group after ").and(group.recovery_point).and(".")
        }
    };
    let rights = [known::rights(place, group)].into_iter();
    let jobs = known::jobs(place, group);
    Instruction::Points(
        rights.chain(jobs).chain([start, LabeledPoint::new("Repeat", repeat)]).collect(),
    )
}

/// What may be left to do of a group that the other side is active of: nothing of it is to be run unseen.
fn go_on(place: &RunbookSubject, group: &GroupSteps) -> Told {
    let mut says = before_anything(place, group);
    says.push(Instruction::Sentences(vec!["The fence stands, and is not run again.".into()]));
    let only = Phrase::from("Only where nobody wrote to its tables in ")
        .and(other(place))
        .and(" since: bringing a table back takes away what was written. To ")
        .and(cut(group))
        .and(":");
    let marked = format!("Mark with epoch {}; repeating it does no harm:", group.epoch);
    let checks = group.check.iter().chain(&group.files);
    let checks: Vec<String> = checks.map(|it| format!("{it}{}", end(place))).collect();
    let unopened = vec![
        run_apart(only, &statements(place, &group.restore)),
        run_apart(marked, &statements(place, &group.mark)),
        run_apart("Each of these is true as long as nobody wrote:", &checks.join("\n\n")),
    ];
    let stages = vec![
        stage("If the group was not opened yet", unopened),
        stage("Open", vec![open(place, group)]),
    ];
    (says, stages)
}

/// What brings a group home that the other side is active of.
fn bring_home(place: &RunbookSubject, group: &GroupSteps, fence: &str) -> Told {
    let says = "When its tables at home are as they shall be:".into();
    let run = Instruction::Run(run_fence(place, group, fence));
    let told = [Instruction::Sentences(vec![says]), run];
    (told.into_iter().chain(newest_row(group)).collect(), vec![])
}

/// What stands after a statement where others follow.
fn end(place: &RunbookSubject) -> &'static str {
    match place.language {
        Language::Sql => ";",
        Language::Python => "",
    }
}

fn statements(place: &RunbookSubject, steps: &[TableStep]) -> String {
    let end = end(place);
    steps.iter().map(|step| format!("{}{end}", step.statement)).collect::<Vec<_>>().join("\n")
}
