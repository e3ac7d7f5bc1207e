//! A runbook: what people do by hand who make the other side active, each step with what it must answer.
//!
//! What is to be run stands in blocks of its language, in the order in which it is run; what is run only in some case stands in
//! blocks of plain text.

use super::escape::{block, code, text};
use crate::plan::{JobSeen, LossReceipt, Role, TableLoss, UnknownLoss};
use crate::region::{Deployment, PauseStatus};
use crate::render::figures::{bytes, count, moment, plural, plural_of, tail};
use crate::render::layout::few;
use crate::runbook::{GroupSteps, Language, Place, Runbook, TableStep};

/// Runs that are named in one sentence, and who wrote.
const RUNS_MAX: usize = 10;
const WRITERS_MAX: usize = 4;
/// Tables of a group whose losses are listed.
const TABLES_LOST_MAX: usize = 20;

/// The runbook of one workspace.
pub fn runbook(runbook: &Runbook) -> String {
    let mut page = String::new();
    head(runbook, &mut page);
    if runbook.come_back {
        come_back(runbook, 1, &mut page);
    } else {
        decide(runbook, &mut page);
    }
    for (at, group) in runbook.groups.iter().enumerate() {
        let number = at + 2;
        match (&group.failed_over, &group.fence) {
            (None, Some(fence)) => over(&runbook.place, group, fence, number, &mut page),
            (Some((since, by)), Some(fence)) if group.again => {
                there(&runbook.place, group, (moment(*since), by), number, &mut page);
                again(&runbook.place, group, fence, number, &mut page);
            }
            (Some((since, by)), Some(fence)) => {
                there(&runbook.place, group, (moment(*since), by), number, &mut page);
                home(&runbook.place, group, fence, &mut page);
            }
            (Some((since, by)), None) => {
                there(&runbook.place, group, (moment(*since), by), number, &mut page);
                go_on(&runbook.place, group, number, &mut page);
            }
            (None, None) => {}
        }
    }
    if !runbook.come_back {
        come_back(runbook, runbook.groups.len() + 2, &mut page);
    }
    page
}

fn say(page: &mut String, line: impl AsRef<str>) {
    page.push_str(line.as_ref());
    page.push('\n');
}

fn head(runbook: &Runbook, page: &mut String) {
    let Runbook { place, come_back, made_at, made_by, looked, newest, groups, left_out } = runbook;
    let (home, other) = (code(&place.sides.home), code(&place.sides.other));
    let there = groups.iter().filter(|group| group.failed_over.is_some()).count();
    let (over, there) = (plural(groups.len() - there, "group"), plural(there, "group"));
    let title = match (come_back, groups.iter().any(|group| group.failed_over.is_some())) {
        (true, _) => format!("Back to {home}: {there}"),
        (false, false) => format!("If {home} is lost: {over} to {other}"),
        (false, true) => format!("If {home} is lost: {over} to {other}, {there} there already"),
    };
    say(page, format!("# {title}\n"));
    let made = format!("Made {} by {}", moment(*made_at), text(made_by));
    say(
        page,
        match looked {
            Some((run, at)) => format!(
                "{made}; drsync last began a look at {home} {} (run {}).",
                moment(*at),
                code(tail(run))
            ),
            None => format!("{made}."),
        },
    );
    let with = match (place.language, &place.address) {
        (Language::Sql, Some(address)) => format!("a SQL editor of {}", code(address)),
        (Language::Sql, None) => {
            format!("a SQL editor of a workspace that reads {}", code(&place.location))
        }
        (Language::Python, _) => "Python with `deltalake` and `pyarrow`".to_owned(),
    };
    say(page, format!("For {with}; drsync is not needed."));
    let language = place.language.as_str();
    say(
        page,
        format!(
            "Run the blocks marked `{language}` as they stand and in this order; what each must answer stands before it, and what to do if it does not.\n"
        ),
    );
    say(page, "**NOT STOPPED by anything below:** clusters, jobs and people of the other region.");
    say(
        page,
        format!(
            "If the storage of {home} lives they may still write there, and if they reach {} they may write to it.",
            code(&place.location)
        ),
    );
    say(
        page,
        "What stops them is not in drsync's hands: pausing the jobs, a read-only binding of the catalog, the rights on the external location, the roles of the storage account.",
    );
    if place.is_s3() {
        say(
            page,
            format!(
                "\n**First of all:** on `s3://` Delta promises one winner only among the writers of one workspace. Take the write access to {} away from {home} (its role, or its access key) before step 2.",
                code(&place.location)
            ),
        );
    }
    if let Some(newest) = newest {
        say(page, "\nA newer one may be kept there:\n");
        page.push_str(&block("text", newest));
    }
    if !left_out.is_empty() {
        say(page, "\nNot in here, because nothing can be done for them:\n");
        for one in left_out {
            say(page, format!("- {}: {}", code(&one.group), text(&one.why)));
        }
    }
}

fn decide(runbook: &Runbook, page: &mut String) {
    let place = &runbook.place;
    say(page, "\n## 1 Decide\n");
    say(
        page,
        match &place.when {
            Some(when) => format!("- [ ] \"{}\"", text(when)),
            None => "- [ ] that it is time; nobody wrote down when (`failover_when`)".to_owned(),
        },
    );
    say(
        page,
        "- [ ] not only from here: somebody outside of the office network and its VPN sees the same",
    );
    say(
        page,
        match place.approvers.as_slice() {
            [] => "- [ ] somebody who may says yes; nobody wrote down who (`failover_approvers`)"
                .to_owned(),
            who => {
                format!("- [ ] one of {} says yes; write down who and when", text(&who.join(", ")))
            }
        },
    );
    say(
        page,
        "\nDo not, if a single table is wrong (bring that one back) or a job failed (repeat it).",
    );
    say(
        page,
        format!(
            "Lost is what {} took after each cut below; what came after the last look nobody knows.",
            code(&place.sides.home)
        ),
    );
}

/// What is said of a cut.
fn cut(group: &GroupSteps) -> String {
    format!("cut {} ({})", group.cut, moment(group.recovery_point))
}

fn over(place: &Place, group: &GroupSteps, fence: &str, number: usize, page: &mut String) {
    let tables = group.tables;
    let rows = group.rows.map_or(String::new(), |rows| format!(", {} rows", count(rows)));
    say(
        page,
        format!(
            "\n## {number} {}: {}, {}, {}{rows}\n",
            code(&group.group),
            cut(group),
            plural(tables, "table"),
            bytes(group.bytes)
        ),
    );
    bring_over(place, group, fence, number, page);
}

/// What brings a group to another cut at the side that is active of it, where nobody wrote yet.
fn again(place: &Place, group: &GroupSteps, fence: &str, number: usize, page: &mut String) {
    say(
        page,
        format!(
            "To another cut than the one of then: {}. Only where nobody works in {} yet: what was written there is taken away.\n",
            cut(group),
            code(&place.sides.other)
        ),
    );
    bring_over(place, group, fence, number, page);
}

/// The steps, from the fence on.
fn bring_over(place: &Place, group: &GroupSteps, fence: &str, number: usize, page: &mut String) {
    let GroupSteps { columns, epoch, .. } = group;
    say(page, lost(place, group));
    let language = place.language.as_str();
    say(page, format!("### {number}.1 Fence\n"));
    say(page, fence_answers(place, group));
    page.push('\n');
    page.push_str(&block(language, fence));
    if let Some(columns) = columns {
        say(
            page,
            "\nIf it answers that there is no column `kind`, run this once and then the fence again:\n",
        );
        page.push_str(&block("text", columns));
    }
    say(page, format!("\n### {number}.2 Bring back\n"));
    say(
        page,
        match place.language {
            Language::Sql => {
                "Each must succeed. An error that the table is at that version already is good: go on with the next one."
            }
            Language::Python => "Each line must end with the version of its table.",
        },
    );
    say(
        page,
        "An error that files or the version are gone: leave the group, and take an earlier cut of it (`drsync runbook GROUP --to-cut GROUP:CUT` refuses those that cannot be read, and names the nearest that can).\n",
    );
    page.push_str(&block(language, &statements(place, &group.restore)));
    say(page, format!("\n### {number}.3 Mark with epoch {epoch}\n"));
    say(
        page,
        "Each must succeed; repeating one does no harm. An apply that wakes up in the old region knows by it that its time is over.\n",
    );
    page.push_str(&block(language, &statements(place, &group.mark)));
    say(page, format!("\n### {number}.4 Check\n"));
    say(
        page,
        format!(
            "A clone that was sent before the fence may still land. If {} answers, wait for what writes there to these tables, or cancel it; then check, or check again.",
            code(&place.sides.home)
        ),
    );
    say(
        page,
        match place.language {
            Language::Sql => "Every line must say `true`.",
            Language::Python => {
                "Every line must begin with `True`; a table that this library cannot read is counted with another reader."
            }
        },
    );
    say(
        page,
        "One that does not: repeat steps 2 and 3 of its group; if it stays so, do not let anybody write to the group, and ask.",
    );
    for check in &group.check {
        page.push('\n');
        page.push_str(&block(language, check));
    }
    if !group.files.is_empty() {
        say(
            page,
            "\nA warehouse may count from the log, and see no file that is gone. Run each of these on its own: it must answer no row. A row is a file that is gone, and the cut is not whole: let nobody work with the group, and take the cut before it (`drsync runbook GROUP --to-cut GROUP:CUT`).\n",
        );
        page.push_str(&block("text", &group.files.join(";\n")));
    }
    say(page, format!("\n### {number}.5 Open\n"));
    open(place, group, page);
}

/// Who may work with the group, and what starts again.
fn open(place: &Place, group: &GroupSteps, page: &mut String) {
    let GroupSteps { workflow, workflow_run_id, .. } = group;
    say(page, rights(place, group));
    for line in jobs(place, group) {
        say(page, line);
    }
    say(
        page,
        match workflow {
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
        },
    );
    say(
        page,
        match workflow_run_id {
            Some(run) => format!(
                "- Repeat: every run of it that ended after run {run}, whose end the cut is."
            ),
            None => format!(
                "- Repeat: whatever wrote to the group after {}.",
                moment(group.recovery_point)
            ),
        },
    );
}

/// What is known to be lost of a group, with what an older cut gives up, and that nobody knows the rest.
fn lost(place: &Place, group: &GroupSteps) -> String {
    let beyond = lost_beyond(place, group);
    match group.given_up {
        None => beyond,
        Some((first, last, point)) => {
            let cuts = if first == last {
                format!("cut {first}")
            } else {
                format!("cuts {first} to {last}")
            };
            format!(
                "**Given up with this cut: everything that {cuts} brought, up to {}.**\n\n{beyond}",
                moment(point)
            )
        }
    }
}

fn lost_beyond(place: &Place, group: &GroupSteps) -> String {
    let home = code(&place.sides.home);
    let Some(LossReceipt { at, commits, since, runs, tables, unknown: untold }) = &group.lost
    else {
        return format!("What {home} took after this cut nobody knows: no look at it is known.\n");
    };
    let unknown = "What came after that look nobody knows.";
    let seen = moment(*at);
    if *commits == 0 && untold.is_empty() {
        return format!("Known lost beyond its newest cut: no commit, as of {seen}. {unknown}\n");
    }
    let since = since.map_or(String::new(), |since| format!(" since {}", moment(since)));
    let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
    let repeat = match runs.as_slice() {
        [] => String::new(),
        [run] => format!("; repeat run {run}"),
        runs => format!("; repeat runs {}", few(runs, RUNS_MAX)),
    };
    let lost = match (*commits, untold.is_empty()) {
        (0, _) => format!("no commit, but not of every table{repeat}"),
        (commits, true) => format!("{}{since}{repeat}", plural_of(commits, "commit")),
        (commits, false) => format!("at least {}{repeat}", plural_of(commits, "commit")),
    };
    let mut lines =
        vec![format!("Known lost beyond its newest cut, as of {seen}: {lost}. {unknown}")];
    for UnknownLoss { table, why, known_at } in untold.iter().take(TABLES_LOST_MAX) {
        let known = known_at.map_or(String::new(), |at| format!("; last known {}", moment(at)));
        lines.push(format!("- {}: not known, {}{known}", code(table), why.text()));
    }
    if let Some(more @ 1..) = untold.len().checked_sub(TABLES_LOST_MAX) {
        lines.push(format!("- {} of which it is not known", plural(more, "more table")));
    }
    for table in tables.iter().take(TABLES_LOST_MAX) {
        let TableLoss {
            table,
            commits,
            first_version,
            last_version,
            since,
            until,
            writers,
            rows,
            ..
        } = table;
        let rows = rows.map_or(String::new(), |rows| format!(", {} rows", count(rows)));
        let by = few(writers, WRITERS_MAX);
        let by = if by.is_empty() { by } else { format!(", by {}", text(&by)) };
        lines.push(format!(
            "- {} v{first_version} to v{last_version}: {} from {} to {}{rows}{by}",
            code(table),
            plural_of(*commits, "commit"),
            moment(*since),
            moment(*until)
        ));
    }
    if let Some(more @ 1..) = tables.len().checked_sub(TABLES_LOST_MAX) {
        lines.push(format!("- {}", plural(more, "more table")));
    }
    format!("{}\n", lines.join("\n"))
}

/// The rights that the other side lacks, as they were last seen.
fn rights(place: &Place, group: &GroupSteps) -> String {
    let (home, other) = (code(&place.sides.home), code(&place.sides.other));
    let Some(seen) = &group.grants else {
        return format!(
            "- Rights: nobody looked at them. Whoever works with these tables in {home} has to have them in {other}: compare `SHOW GRANTS` of schemas and tables, in the other region as long as it answers."
        );
    };
    let at = moment(seen.at);
    let differing = seen.differing();
    let lacking: Vec<String> = differing
        .iter()
        .filter(|right| right.at == Role::Primary)
        .map(|right| format!("{};", right.grant()))
        .collect();
    let mut lines = match lacking.len() {
        0 => vec![format!("- Rights: none of {home} is lacking in {other}, as of {at}.")],
        number => vec![format!(
            "- Rights: {} of {home} lacking in {other}, as of {at}; run those that are still wanted:\n\n{}",
            plural(number, "one"),
            block("text", &lacking.join("\n"))
        )],
    };
    if !seen.unseen.is_empty() {
        lines.push(format!(
            "  Not seen at both sides: those of {}.",
            plural(seen.unseen.len(), "table")
        ));
    }
    lines.join("\n")
}

/// Which jobs are to be started, and what is known of each on both sides.
fn jobs(place: &Place, group: &GroupSteps) -> Vec<String> {
    let of = |side: Role| group.jobs.iter().filter(move |job| job.side == side);
    let (home, other) = (code(&place.sides.home), code(&place.sides.other));
    let at_home = of(Role::Primary).map(|job| {
        let there = of(Role::Secondary).find(|there| there.name == job.name);
        let was = match job.pause_status {
            Some(PauseStatus::Unpaused) => "not paused",
            Some(PauseStatus::Paused) => "paused: leave it so unless somebody knows why",
            Some(PauseStatus::Unscheduled) => "started by nothing but people and other jobs",
            Some(PauseStatus::Unknown) => "not seen",
            None => "not there",
        };
        let is = match there {
            None => format!("nobody looked for it in {other}"),
            Some(JobSeen { pause_status: None, .. }) => {
                format!("there is none of this name in {other}: it has to be made")
            }
            Some(JobSeen { pause_status: Some(status), job_id, deployment, .. }) => {
                let id = job_id.map_or(String::new(), |id| format!(" job {id}"));
                let how = match status {
                    PauseStatus::Unpaused => "not paused",
                    PauseStatus::Paused => "paused",
                    PauseStatus::Unscheduled => "with nothing that starts it",
                    PauseStatus::Unknown => "not seen well enough to say how",
                };
                let kept = match deployment {
                    Some(Deployment::Bundle) => {
                        "; a bundle keeps its settings: set pause_status in its target, too"
                    }
                    Some(Deployment::SystemManaged | Deployment::Other) => {
                        "; something else keeps its settings"
                    }
                    None => "",
                };
                format!("in {other}{id}, {how}{kept}")
            }
        };
        let seen = moment(job.at);
        format!("- Start: {}, {is}. In {home} it was {was} ({seen}).", code(&job.name))
    });
    at_home.collect()
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
    format!(
        "Makes {active} active: from then on {then}. {answers} An error of {conflict}: somebody wrote at the same moment, run it again. 0 rows: somebody was faster; stop, look at the newest row of the group in the log, and ask whoever it names."
    )
}

/// That the other side is active of a group.
fn there(
    place: &Place,
    group: &GroupSteps,
    (since, by): (String, &str),
    number: usize,
    page: &mut String,
) {
    say(
        page,
        format!(
            "\n## {number} {}: {} is active since {since}, by {}\n",
            code(&group.group),
            code(&place.sides.other),
            text(by)
        ),
    );
}

/// What may be left to do of a group that the other side is active of: nothing of it is to be run unseen.
fn go_on(place: &Place, group: &GroupSteps, number: usize, page: &mut String) {
    let other = code(&place.sides.other);
    say(page, lost(place, group));
    say(page, "The fence stands, and is not run again.");
    say(page, format!("\n### {number}.1 If the group was not opened yet\n"));
    say(
        page,
        format!(
            "Only where nobody wrote to its tables in {other} since: bringing a table back takes away what was written. To {}:\n",
            cut(group)
        ),
    );
    page.push_str(&block("text", &statements(place, &group.restore)));
    say(page, format!("\nMark with epoch {}; repeating it does no harm:\n", group.epoch));
    page.push_str(&block("text", &statements(place, &group.mark)));
    say(page, "\nEach of these is true as long as nobody wrote:\n");
    page.push_str(&block("text", &[&group.check[..], &group.files].concat().join("\n\n")));
    say(page, format!("\n### {number}.2 Open\n"));
    open(place, group, page);
}

/// What brings a group home that the other side is active of.
fn home(place: &Place, group: &GroupSteps, fence: &str, page: &mut String) {
    say(page, "When its tables at home are as they shall be:\n");
    say(page, fence_answers(place, group));
    page.push('\n');
    page.push_str(&block(place.language.as_str(), fence));
}

fn statements(place: &Place, steps: &[TableStep]) -> String {
    let end = match place.language {
        Language::Sql => ";",
        Language::Python => "",
    };
    steps.iter().map(|step| format!("{}{end}", step.statement)).collect::<Vec<_>>().join("\n")
}

fn come_back(runbook: &Runbook, number: usize, page: &mut String) {
    let (home, other) = (code(&runbook.place.sides.home), code(&runbook.place.sides.other));
    say(page, format!("\n## {number} Come back\n"));
    say(
        page,
        "drsync writes nothing to a group while the other side is active: every plan blocks it (`failed_over`), and an apply ends with exit status 11.",
    );
    say(page, format!("When {home} answers again, and before anybody works there:\n"));
    say(
        page,
        format!(
            "1. Pause the jobs of these groups in {home} first: they may run since it came back."
        ),
    );
    say(
        page,
        format!(
            "2. Look what {home} took after each cut and {other} never saw, and keep it aside where it is needed."
        ),
    );
    say(
        page,
        format!(
            "3. Pause the jobs in {other}, wait until nothing runs, and copy the tables back to {home}, each with the retention that the table at home has."
        ),
    );
    say(
        page,
        if runbook.come_back {
            format!("4. Run the fence of each group below: it makes {home} active again.")
        } else {
            format!(
                "4. `drsync runbook --come-back` prints the fence that makes {home} active again."
            )
        },
    );
    say(
        page,
        "5. Start the jobs at home and let each run to its end once: the cut of a group with a workflow holds what was copied home only after that. The next plan tells what was written to replicas meanwhile as `replica_changed`: look at it, and accept it once (`--now` takes a group without a workflow as due).",
    );
    say(page, "\nThe same with the reasons: docs/bad-day.md of drsync.");
}
