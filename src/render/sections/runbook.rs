//! A runbook: what people do by hand who make the other side active, each step with what it must answer.

mod group;
mod known;

use crate::command::{Command, Verb};
use crate::figures::{id_end, plural};
use crate::render::page::{
    Chapter, Condition, Guide, Instruction, LabeledPoint, Phrase, PhrasePart, RunApart, Tone,
};
use crate::runbook::{Language, LeftOut, Runbook, RunbookSubject};

/// The runbook of one workspace.
pub fn guide(runbook: &Runbook) -> Guide {
    let place = &runbook.place;
    let groups = runbook.groups.iter().filter_map(|group| group::chapter(place, group));
    let coming_back = come_back(runbook);
    let chapters = if runbook.come_back {
        [coming_back].into_iter().chain(groups).collect()
    } else {
        [decide(place)].into_iter().chain(groups).chain([coming_back]).collect()
    };
    Guide { title: title(runbook), head: head(runbook), chapters }
}

/// The side that is left, by its label.
fn home(place: &RunbookSubject) -> Phrase {
    Phrase::name(&place.sides.home)
}

/// The side that becomes active.
fn other(place: &RunbookSubject) -> Phrase {
    Phrase::name(&place.sides.other)
}

fn title(runbook: &Runbook) -> Phrase {
    let Runbook { place, come_back, groups, .. } = runbook;
    let there = groups.iter().filter(|group| group.failed_over.is_some()).count();
    let over = plural(groups.len() - there, "group");
    let already = plural(there, "group");
    if *come_back {
        return Phrase::from("Back to ").and(home(place)).and(format!(": {already}"));
    }
    let lost = Phrase::from("If ").and(home(place)).and(format!(" is lost: {over} to "));
    let lost = lost.and(other(place));
    if there == 0 { lost } else { lost.and(format!(", {already} there already")) }
}

fn head(runbook: &Runbook) -> Vec<Instruction> {
    let Runbook { place, read_around, newest, left_out, .. } = runbook;
    let mut all = vec![Instruction::Sentences(made(runbook)), Instruction::Sentences(open(place))];
    if place.is_s3() {
        let says = Phrase::mark("First of all:", Tone::Strong)
            .and(Phrase::coded(
                " on `s3://` Delta promises one winner only among the writers of one workspace. Take the write access to ",
            ))
            .and(Phrase::name(&place.location))
            .and(" away from ")
            .and(home(place))
            .and(" (its role, or its access key) before step 2.");
        all.push(Instruction::Sentences(vec![says]));
    }
    all.extend(read_around.as_ref().map(|why| {
        let says = Phrase::from("other readers stumble over the cut log: ")
            .and(Phrase::from_others(why))
            .and(Phrase::coded(
                "; before the first fence move that file and `_last_checkpoint`, where it is there, out of the log of ",
            ))
            .and(Phrase::name(place.log_folder()))
            .and(Phrase::coded(" (`_delta_log`): the commits beside them tell the same."));
        Instruction::Warning(says)
    }));
    all.extend(newest.as_ref().map(|statement| {
        let says = "A newer one may be kept there:".into();
        Instruction::RunApart(RunApart { says, block: statement.clone() })
    }));
    all.extend(left_out_of(place, left_out));
    all
}

/// When it was made, where it is run, and how it is read.
fn made(runbook: &Runbook) -> Vec<Phrase> {
    let Runbook { place, made_at, made_by, looked, .. } = runbook;
    let made = Phrase::from("Made ").and(*made_at).and(" by ").and(Phrase::name(made_by));
    let made = match looked {
        Some((run, at)) => made
            .and("; drsync last began a look at ")
            .and(home(place))
            .and(" ")
            .and(*at)
            .and(" (run ")
            .and(Phrase::name(id_end(run)))
            .and(")."),
        None => made.and("."),
    };
    let with = match (place.language, &place.address) {
        (Language::Sql, Some(address)) => {
            Phrase::from("a SQL editor of ").and(Phrase::name(address))
        }
        (Language::Sql, None) => Phrase::from("a SQL editor of a workspace that reads ")
            .and(Phrase::name(&place.location)),
        (Language::Python, _) => Phrase::coded("Python with `deltalake` and `pyarrow`"),
    };
    let read = Phrase::from("Run the blocks marked ")
        .and(Phrase::name(place.language.as_str()))
        .and(" as they stand and in this order; what each must answer stands before it, and what to do if it does not.");
    vec![made, Phrase::from("For ").and(with).and("; drsync is not needed."), read]
}

/// What nothing of the page stops.
fn open(place: &RunbookSubject) -> Vec<Phrase> {
    vec![
        Phrase::mark("NOT STOPPED by anything below:", Tone::Strong)
            .and(" clusters, jobs and people of the other region."),
        Phrase::from("If the storage of ")
            .and(home(place))
            .and(" lives they may still write there, and if they reach ")
            .and(Phrase::name(&place.location))
            .and(" they may write to it."),
        "What stops them is not in drsync's hands: pausing the jobs, a read-only binding of the catalog, the rights on the external location, the roles of the storage account.".into(),
    ]
}

/// The groups that the page has no steps for, with why, and what is left to do where their log lacks a change of role.
fn left_out_of(place: &RunbookSubject, left_out: &[LeftOut]) -> Vec<Instruction> {
    if left_out.is_empty() {
        return vec![];
    }
    let points = left_out.iter().map(|LeftOut { group, why, fence: _ }| {
        LabeledPoint::new("", Phrase::name(group).and(": ").and(Phrase::from_others(why)))
    });
    let fences = left_out.iter().filter_map(|LeftOut { group, why: _, fence }| {
        let says = Phrase::from("Only where no newer copy of the log of ")
            .and(Phrase::name(group))
            .and(" is found: find out which side is active. This makes the log say that it is ")
            .and(other(place))
            .and(", which keeps every apply away, and touches no replica:");
        fence.clone().map(|block| Instruction::RunApart(RunApart { says, block }))
    });
    let says = "Not in here, because nothing can be done for them:".into();
    let told = [Instruction::Sentences(vec![says]), Instruction::Points(points.collect())];
    told.into_iter().chain(fences).collect()
}

fn decide(place: &RunbookSubject) -> Chapter {
    let when = match &place.when {
        Some(when) => Condition::Written(when.clone()),
        None => Condition::Known(Phrase::coded(
            "that it is time; nobody wrote down when (`failover_when`)",
        )),
    };
    let seen =
        "not only from here: somebody outside of the office network and its VPN sees the same";
    let who = match place.approvers.as_slice() {
        [] => {
            Phrase::coded("somebody who may says yes; nobody wrote down who (`failover_approvers`)")
        }
        who => Phrase::from("one of ")
            .and(PhrasePart::Names(who.to_vec(), usize::MAX))
            .and(" says yes; write down who and when"),
    };
    let conditions = vec![when, Condition::Known(seen.into()), Condition::Known(who)];
    let says = vec![
        "Do not, if a single table is wrong (bring that one back) or a job failed (repeat it)."
            .into(),
        Phrase::from("Lost is what ")
            .and(home(place))
            .and(" took after each cut below; what came after the last look nobody knows."),
    ];
    Chapter {
        title: "Decide".into(),
        says: vec![Instruction::Conditions(conditions), Instruction::Sentences(says)],
        stages: vec![],
    }
}

fn come_back(runbook: &Runbook) -> Chapter {
    let (home, other) = (|| home(&runbook.place), || other(&runbook.place));
    let says = vec![
        Phrase::coded(
            "drsync writes nothing to a group while the other side is active: every plan blocks it (`failed_over`), and an apply ends with exit status 11.",
        ),
        Phrase::from("When ").and(home()).and(" answers again, and before anybody works there:"),
    ];
    let fence = if runbook.come_back {
        Phrase::from("Run the fence of each group below: it makes ")
            .and(home())
            .and(" active again.")
    } else {
        Phrase::command(Command::new(Verb::Runbook).word("--come-back"))
            .and(" prints the fence that makes ")
            .and(home())
            .and(" active again.")
    };
    let numbered = vec![
        Phrase::from("Pause the jobs of these groups in ")
            .and(home())
            .and(" first: they may run since it came back."),
        Phrase::from("Look what ")
            .and(home())
            .and(" took after each cut and ")
            .and(other())
            .and(" never saw, and keep it aside where it is needed."),
        Phrase::from("Pause the jobs in ")
            .and(other())
            .and(", wait until nothing runs, and copy the tables back to ")
            .and(home())
            .and(", each with the retention that the table at home has."),
        fence,
        Phrase::coded(
            "Start the jobs at home and let each run to its end once: the cut of a group with a workflow holds what was copied home only after that. The next plan tells what was written to replicas meanwhile as `replica_changed`: look at it, and accept it once (`--now` takes a group without a workflow as due).",
        ),
    ];
    let reasons = "The same with the reasons: docs/bad-day.md of drsync.".into();
    Chapter {
        title: "Come back".into(),
        says: vec![
            Instruction::Sentences(says),
            Instruction::Numbered(numbered),
            Instruction::Sentences(vec![reasons]),
        ],
        stages: vec![],
    }
}
