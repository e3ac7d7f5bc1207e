//! A runbook: what people do by hand who make the other side active, each step with what it must answer.
//!
//! What is to be run stands in blocks of its language, in the order in which it is run; what is run only in some case stands in
//! blocks of plain text.

mod known;

use std::fmt::{self, Write as _};

use super::escape::{block, code, text, words};
use crate::command::{Command, Verb};
use crate::figures::{bytes, count, id_end, moment, plural};
use crate::runbook::{GroupSteps, Language, Place, Runbook, TableStep};

/// The runbook of one workspace.
pub fn runbook(runbook: &Runbook) -> String {
    let mut page = String::new();
    write(runbook, &mut page).expect("a text takes all that is written to it");
    page
}

fn write(runbook: &Runbook, page: &mut String) -> fmt::Result {
    let place = &runbook.place;
    head(runbook, page)?;
    if runbook.come_back {
        come_back(runbook, 1, page)?;
    } else {
        decide(runbook, page)?;
    }
    for (at, group) in runbook.groups.iter().enumerate() {
        let number = at + 2;
        if let Some((since, by)) = &group.failed_over {
            there(place, group, (moment(*since), by), number, page)?;
        }
        match (&group.failed_over, &group.fence) {
            (None, Some(fence)) => over(place, group, fence, number, page)?,
            (Some(_), Some(fence)) if group.again => again(place, group, fence, number, page)?,
            (Some(_), Some(fence)) => home(place, group, fence, page)?,
            (Some(_), None) => go_on(place, group, number, page)?,
            (None, None) => {}
        }
    }
    if !runbook.come_back {
        come_back(runbook, runbook.groups.len() + 2, page)?;
    }
    Ok(())
}

fn head(runbook: &Runbook, page: &mut String) -> fmt::Result {
    let Runbook { place, come_back, made_at, made_by, looked, newest, groups, left_out } = runbook;
    let (home, other) = (code(&place.sides.home), code(&place.sides.other));
    let there = groups.iter().filter(|group| group.failed_over.is_some()).count();
    let (over, there) = (plural(groups.len() - there, "group"), plural(there, "group"));
    let title = match (come_back, groups.iter().any(|group| group.failed_over.is_some())) {
        (true, _) => format!("Back to {home}: {there}"),
        (false, false) => format!("If {home} is lost: {over} to {other}"),
        (false, true) => format!("If {home} is lost: {over} to {other}, {there} there already"),
    };
    writeln!(page, "# {title}\n")?;
    let made = format!("Made {} by {}", moment(*made_at), code(made_by));
    let says = match looked {
        Some((run, at)) => format!(
            "{made}; drsync last began a look at {home} {} (run {}).",
            moment(*at),
            code(id_end(run))
        ),
        None => format!("{made}."),
    };
    writeln!(page, "{says}")?;
    let with = match (place.language, &place.address) {
        (Language::Sql, Some(address)) => format!("a SQL editor of {}", code(address)),
        (Language::Sql, None) => {
            format!("a SQL editor of a workspace that reads {}", code(&place.location))
        }
        (Language::Python, _) => "Python with `deltalake` and `pyarrow`".to_owned(),
    };
    writeln!(page, "For {with}; drsync is not needed.")?;
    let language = place.language.as_str();
    writeln!(
        page,
        "Run the blocks marked `{language}` as they stand and in this order; what each must answer stands before it, and what to do if it does not.\n"
    )?;
    writeln!(
        page,
        "**NOT STOPPED by anything below:** clusters, jobs and people of the other region."
    )?;
    writeln!(
        page,
        "If the storage of {home} lives they may still write there, and if they reach {} they may write to it.",
        code(&place.location)
    )?;
    writeln!(
        page,
        "What stops them is not in drsync's hands: pausing the jobs, a read-only binding of the catalog, the rights on the external location, the roles of the storage account."
    )?;
    if place.is_s3() {
        writeln!(
            page,
            "\n**First of all:** on `s3://` Delta promises one winner only among the writers of one workspace. Take the write access to {} away from {home} (its role, or its access key) before step 2.",
            code(&place.location)
        )?;
    }
    if let Some(newest) = newest {
        writeln!(page, "\nA newer one may be kept there:\n")?;
        page.push_str(&block("text", newest));
    }
    if !left_out.is_empty() {
        writeln!(page, "\nNot in here, because nothing can be done for them:\n")?;
        for one in left_out {
            writeln!(page, "- {}: {}", code(&one.group), text(&one.why))?;
        }
        for one in left_out {
            let Some(fence) = &one.fence else { continue };
            writeln!(
                page,
                "\nOnly where no newer copy of the log of {} is found: find out which side is active. This makes the log say that it is {other}, which keeps every apply away, and touches no replica:\n",
                code(&one.group)
            )?;
            page.push_str(&block("text", fence));
        }
    }
    Ok(())
}

fn decide(runbook: &Runbook, page: &mut String) -> fmt::Result {
    let place = &runbook.place;
    writeln!(page, "\n## 1 Decide\n")?;
    let says = match &place.when {
        Some(when) => format!("- [ ] \"{}\"", words(when)),
        None => "- [ ] that it is time; nobody wrote down when (`failover_when`)".to_owned(),
    };
    writeln!(page, "{says}")?;
    writeln!(
        page,
        "- [ ] not only from here: somebody outside of the office network and its VPN sees the same"
    )?;
    let says = match place.approvers.as_slice() {
        [] => "- [ ] somebody who may says yes; nobody wrote down who (`failover_approvers`)"
            .to_owned(),
        who => {
            let who: Vec<String> = who.iter().map(code).collect();
            format!("- [ ] one of {} says yes; write down who and when", who.join(", "))
        }
    };
    writeln!(page, "{says}")?;
    writeln!(
        page,
        "\nDo not, if a single table is wrong (bring that one back) or a job failed (repeat it)."
    )?;
    writeln!(
        page,
        "Lost is what {} took after each cut below; what came after the last look nobody knows.",
        code(&place.sides.home)
    )?;
    Ok(())
}

/// What is said of a cut.
fn cut(group: &GroupSteps) -> String {
    format!("cut {} ({})", group.cut, moment(group.recovery_point))
}

fn over(
    place: &Place,
    group: &GroupSteps,
    fence: &str,
    number: usize,
    page: &mut String,
) -> fmt::Result {
    let tables = group.tables;
    let rows = group.rows.map_or(String::new(), |rows| format!(", {} rows", count(rows)));
    writeln!(
        page,
        "\n## {number} {}: {}, {}, {}{rows}\n",
        code(&group.group),
        cut(group),
        plural(tables, "table"),
        bytes(group.bytes)
    )?;
    bring_over(place, group, fence, number, page)
}

/// What brings a group to another cut at the side that is active of it, where nobody wrote yet.
fn again(
    place: &Place,
    group: &GroupSteps,
    fence: &str,
    number: usize,
    page: &mut String,
) -> fmt::Result {
    writeln!(
        page,
        "To another cut than the one of then: {}. Only where nobody works in {} yet: what was written there is taken away.\n",
        cut(group),
        code(&place.sides.other)
    )?;
    bring_over(place, group, fence, number, page)
}

/// The steps, from the fence on.
fn bring_over(
    place: &Place,
    group: &GroupSteps,
    fence: &str,
    number: usize,
    page: &mut String,
) -> fmt::Result {
    let GroupSteps { columns, epoch, .. } = group;
    writeln!(page, "{}", known::lost(place, group))?;
    warned(group, page)?;
    let language = place.language.as_str();
    writeln!(page, "### {number}.1 Fence\n")?;
    writeln!(page, "{}", fence_answers(place, group))?;
    page.push('\n');
    page.push_str(&block(language, fence));
    newest_row(group, page)?;
    if let Some(columns) = columns {
        writeln!(
            page,
            "\nIf it answers that there is no column `kind`, run this once and then the fence again:\n"
        )?;
        page.push_str(&block("text", columns));
    }
    writeln!(page, "\n### {number}.2 Bring back\n")?;
    let says = match place.language {
        Language::Sql => {
            "Each must succeed. An error that the table is at that version already is good: go on with the next one."
        }
        Language::Python => "Each line must end with the version of its table.",
    };
    writeln!(page, "{says}")?;
    writeln!(
        page,
        "An error that files or the version are gone: leave the group, and take an earlier cut of it ({} refuses those that cannot be read, and names the nearest that can).\n",
        code(Command::to_cut(&group.group, "CUT"))
    )?;
    page.push_str(&block(language, &statements(place, &group.restore)));
    writeln!(page, "\n### {number}.3 Mark with epoch {epoch}\n")?;
    writeln!(
        page,
        "Each must succeed; repeating one does no harm. An apply that wakes up in the old region knows by it that its time is over.\n"
    )?;
    page.push_str(&block(language, &statements(place, &group.mark)));
    writeln!(page, "\n### {number}.4 Check\n")?;
    writeln!(
        page,
        "A clone that was sent before the fence may still land. If {} answers, wait for what writes there to these tables, or cancel it; then check, or check again.",
        code(&place.sides.home)
    )?;
    let says = match place.language {
        Language::Sql => "Every line must say `true`.",
        Language::Python => {
            "Every line must begin with `True`; a table that this library cannot read is counted with another reader."
        }
    };
    writeln!(page, "{says}")?;
    writeln!(
        page,
        "One that does not: repeat steps 2 and 3 of its group; if it stays so, do not let anybody write to the group, and ask."
    )?;
    for check in &group.check {
        page.push('\n');
        page.push_str(&block(language, check));
    }
    if !group.files.is_empty() {
        writeln!(
            page,
            "\nA warehouse may count from the log, and see no file that is gone. Run each of these on its own: it must answer no row. A row is a file that is gone, and the cut is not whole: let nobody work with the group, and take the cut before it ({}).\n",
            code(Command::to_cut(&group.group, "CUT"))
        )?;
        page.push_str(&block("text", &group.files.join(";\n")));
    }
    writeln!(page, "\n### {number}.5 Open\n")?;
    open(place, group, page)
}

/// What has to be known before anything is run.
fn warned(group: &GroupSteps, page: &mut String) -> fmt::Result {
    let Some(warned) = &group.warned else {
        return Ok(());
    };
    writeln!(page, "\n**Before anything is run:** {}\n", text(warned))
}

/// Who may work with the group, and what starts again.
fn open(place: &Place, group: &GroupSteps, page: &mut String) -> fmt::Result {
    let GroupSteps { workflow, workflow_run_id, .. } = group;
    writeln!(page, "{}", known::rights(place, group))?;
    for line in known::jobs(place, group) {
        writeln!(page, "{line}")?;
    }
    let says = match workflow {
        Some(_) if !group.jobs.is_empty() => {
            format!(
                "- In {} alone: what starts on both sides writes on both.",
                code(&place.sides.other)
            )
        }
        Some(workflow) => {
            format!("- Start: {}, in {} alone.", code(workflow), code(&place.sides.other))
        }
        None => "- Start: no workflow is known that writes the group.".to_owned(),
    };
    writeln!(page, "{says}")?;
    let says = match workflow_run_id {
        Some(run) => {
            format!("- Repeat: every run of it that ended after run {run}, whose end the cut is.")
        }
        None => {
            format!("- Repeat: whatever wrote to the group after {}.", moment(group.recovery_point))
        }
    };
    writeln!(page, "{says}")?;
    Ok(())
}

/// What the fence must answer.
fn fence_answers(place: &Place, group: &GroupSteps) -> String {
    let active = code(&group.active);
    let (answers, conflict) = match place.language {
        Language::Sql => ("It must answer 1 row (`num_inserted_rows`).", "a conflict"),
        Language::Python => ("It must print `1 row`.", "a commit that failed"),
    };
    let then = if group.active == place.sides.home {
        "applies write to the group again"
    } else {
        "no apply writes to the group"
    };
    let page = code(Command::new(Verb::Runbook));
    let newer = match place.language {
        Language::Sql => {
            "the log has a newer row of the group than this page. If its `kind` is `role` somebody was faster: stop, and ask whoever `committed_by` names. If not, drsync only made a newer cut: take a newer page (the statement on top finds it)."
                .to_owned()
        }
        Language::Python => format!(
            "the line says whether somebody was faster, then stop and ask them, or whether drsync only made a newer cut: then take a newer page ({page})."
        ),
    };
    format!(
        "Makes {active} active: from then on {then}. {answers} An error of {conflict}: somebody wrote at the same moment, run it again. 0 rows: {newer}"
    )
}

/// That the other side is active of a group.
fn there(
    place: &Place,
    group: &GroupSteps,
    (since, by): (String, &str),
    number: usize,
    page: &mut String,
) -> fmt::Result {
    writeln!(
        page,
        "\n## {number} {}: {} is active since {since}, by {}\n",
        code(&group.group),
        code(&place.sides.other),
        code(by)
    )?;
    Ok(())
}

/// What may be left to do of a group that the other side is active of: nothing of it is to be run unseen.
fn go_on(place: &Place, group: &GroupSteps, number: usize, page: &mut String) -> fmt::Result {
    let other = code(&place.sides.other);
    writeln!(page, "{}", known::lost(place, group))?;
    warned(group, page)?;
    writeln!(page, "The fence stands, and is not run again.")?;
    writeln!(page, "\n### {number}.1 If the group was not opened yet\n")?;
    writeln!(
        page,
        "Only where nobody wrote to its tables in {other} since: bringing a table back takes away what was written. To {}:\n",
        cut(group)
    )?;
    page.push_str(&block("text", &statements(place, &group.restore)));
    writeln!(page, "\nMark with epoch {}; repeating it does no harm:\n", group.epoch)?;
    page.push_str(&block("text", &statements(place, &group.mark)));
    writeln!(page, "\nEach of these is true as long as nobody wrote:\n")?;
    let all = [&group.check[..], &group.files].concat();
    let all: Vec<String> = all.iter().map(|it| format!("{it}{}", end(place))).collect();
    page.push_str(&block("text", &all.join("\n\n")));
    writeln!(page, "\n### {number}.2 Open\n")?;
    open(place, group, page)
}

/// What brings a group home that the other side is active of.
fn home(place: &Place, group: &GroupSteps, fence: &str, page: &mut String) -> fmt::Result {
    writeln!(page, "When its tables at home are as they shall be:\n")?;
    writeln!(page, "{}", fence_answers(place, group))?;
    page.push('\n');
    page.push_str(&block(place.language.as_str(), fence));
    newest_row(group, page)
}

/// What shows why a fence inserted no row, where that does not say so itself.
fn newest_row(group: &GroupSteps, page: &mut String) -> fmt::Result {
    if let Some(statement) = &group.newest_row {
        writeln!(page, "\nOnly after 0 rows, this shows the newest row:\n")?;
        page.push_str(&block("text", statement));
    }
    Ok(())
}

/// What stands after a statement where others follow.
fn end(place: &Place) -> &'static str {
    match place.language {
        Language::Sql => ";",
        Language::Python => "",
    }
}

fn statements(place: &Place, steps: &[TableStep]) -> String {
    let end = end(place);
    steps.iter().map(|step| format!("{}{end}", step.statement)).collect::<Vec<_>>().join("\n")
}

fn come_back(runbook: &Runbook, number: usize, page: &mut String) -> fmt::Result {
    let (home, other) = (code(&runbook.place.sides.home), code(&runbook.place.sides.other));
    writeln!(page, "\n## {number} Come back\n")?;
    writeln!(
        page,
        "drsync writes nothing to a group while the other side is active: every plan blocks it (`failed_over`), and an apply ends with exit status 11."
    )?;
    writeln!(page, "When {home} answers again, and before anybody works there:\n")?;
    writeln!(
        page,
        "1. Pause the jobs of these groups in {home} first: they may run since it came back."
    )?;
    writeln!(
        page,
        "2. Look what {home} took after each cut and {other} never saw, and keep it aside where it is needed."
    )?;
    writeln!(
        page,
        "3. Pause the jobs in {other}, wait until nothing runs, and copy the tables back to {home}, each with the retention that the table at home has."
    )?;
    let says = if runbook.come_back {
        format!("4. Run the fence of each group below: it makes {home} active again.")
    } else {
        let command = code(Command::new(Verb::Runbook).word("--come-back"));
        format!("4. {command} prints the fence that makes {home} active again.")
    };
    writeln!(page, "{says}")?;
    writeln!(
        page,
        "5. Start the jobs at home and let each run to its end once: the cut of a group with a workflow holds what was copied home only after that. The next plan tells what was written to replicas meanwhile as `replica_changed`: look at it, and accept it once (`--now` takes a group without a workflow as due)."
    )?;
    writeln!(page, "\nThe same with the reasons: docs/bad-day.md of drsync.")?;
    Ok(())
}
