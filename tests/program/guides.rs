//! The command lines of the guides, run as they stand there.

use crate::support::able;
use crate::support::runner::PROGRAM;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const README: &str = include_str!("../../README.md");
const OPERATING: &str = include_str!("../../docs/operating.md");
const CI: &str = include_str!("../../docs/ci.md");
const PIPELINES: [(&str, &str, &str); 3] = [
    (
        "GitHub Actions",
        "deploy/github/drsync.yml",
        include_str!("../../docs/deploy/github/drsync.yml"),
    ),
    (
        "GitLab",
        "deploy/gitlab/drsync.gitlab-ci.yml",
        include_str!("../../docs/deploy/gitlab/drsync.gitlab-ci.yml"),
    ),
    (
        "Azure DevOps",
        "deploy/azure/azure-pipelines.yml",
        include_str!("../../docs/deploy/azure/azure-pipelines.yml"),
    ),
];
const AUDIT: &str = include_str!("../../docs/audit.md");

/// The fenced blocks of a page under a heading.
fn blocks(page: &str) -> Vec<(String, Vec<String>)> {
    let (mut blocks, mut heading, mut inside) = (vec![], String::new(), None::<Vec<String>>);
    for line in page.lines() {
        match (&mut inside, line.strip_prefix("```")) {
            (Some(lines), Some(_)) => {
                blocks.push((heading.clone(), std::mem::take(lines)));
                inside = None;
            }
            (None, Some(_)) => inside = Some(vec![]),
            (Some(lines), None) => lines.push(line.to_owned()),
            (None, None) => {
                if let Some(title) = line.strip_prefix("## ") {
                    heading = title.to_owned();
                }
            }
        }
    }
    assert!(inside.is_none(), "a block is not closed");
    blocks
}

/// The lines of a block that run drsync, without what a pipeline's file puts before them.
fn commands(block: &[String]) -> Vec<String> {
    block
        .iter()
        .map(|line| line.trim().trim_start_matches("- ").to_owned())
        .filter(|line| line.starts_with("drsync "))
        .collect()
}

/// The files that the guide names for the services, each with its lines.
fn pipelines() -> Vec<(String, Vec<String>)> {
    let of = |(service, file, text): (&str, &str, &str)| {
        assert!(CI.contains(&format!("[{file}]({file})")), "{file}");
        (service.to_owned(), text.lines().map(str::to_owned).collect())
    };
    PIPELINES.map(of).into()
}

/// The indented command lines of a page, without what is said of them.
fn indented(page: &str) -> Vec<String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.contains("drsync"))
        .map(|line| line.split("   ").next().unwrap_or_default().to_owned())
        .collect()
}

/// Runs a line as a shell does, at a moment.
fn run(folder: &Path, now: &str, effect: &str, line: &str) -> Output {
    let binary = std::path::Path::new(PROGRAM);
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    Command::new("sh")
        .args(["-ec", line])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("DRSYNC_NOW", now)
        .env("EFFECT", effect)
        .env("USER", "someone")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The demo's world with a change under review: a table moves to another group.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = run(folder.path(), NOW, "", "drsync demo --dir .");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let path = folder.path().join("drsync.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut configuration: Value = serde_json::from_str(&text).unwrap();
    let groups = &mut configuration["workspaces"][0]["sync_groups"];
    let moved = groups[1]["tables"].as_array_mut().unwrap().pop().unwrap();
    groups[0]["tables"].as_array_mut().unwrap().push(moved);
    std::fs::write(&path, format!("{configuration:#}")).unwrap();
    folder
}

const NOW: &str = "2026-11-22T11:00:00Z";

/// The effect as the examples read it: what was shown, in the run of the default branch.
fn effect_of(folder: &Path) -> String {
    let line = "grep -oE 'effect `[0-9a-f]{64}`' comment.md | tail -n 1 | grep -oE '[0-9a-f]{64}'";
    for (service, _, text) in PIPELINES {
        assert_eq!(text.matches(line).count(), 1, "{service}");
    }
    let found = run(folder, NOW, "", line);
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

#[test]
fn what_the_readme_says_to_try_ends_as_it_says() {
    let demo = tempfile::tempdir().unwrap();
    run(demo.path(), NOW, "", "drsync demo");
    let demo = demo.path().join("drsync-demo");
    let (demo, own) = (demo.as_path(), tempfile::tempdir().unwrap());
    let own = own.path();
    // Nobody is there to approve, and a new configuration has to be filled in.
    let tries = [
        ("drsync demo", own, 0, "2 groups synchronized"),
        ("drsync status", demo, 0, "2 of 3 groups protected"),
        ("drsync runbook", demo, 0, "# If `east` is lost: 2 groups to `west`"),
        ("mv west gone && drsync apply", demo, 8, "Secondary region not available"),
        ("drsync show plan.json", demo, 0, "unaltered"),
        ("drsync init", own, 0, "Wrote drsync.json"),
        ("drsync init --make-locations", own, 78, ""),
        ("drsync validate", own, 78, "drsync.json has 3 mistakes"),
        ("drsync plan --only small_group --out plan.json", own, 78, ""),
        ("drsync apply plan.json", own, 65, ""),
    ];
    let lines: Vec<&str> = tries.iter().map(|(line, ..)| *line).collect();
    assert_eq!(indented(README), lines);
    for (line, folder, status, said) in tries {
        let output = run(folder, NOW, "", line);
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{line}: {errors}");
        assert!(text.contains(said), "{line}: {text}");
    }
}

#[test]
fn every_pipeline_plans_comments_and_applies_what_was_reviewed() {
    let pipelines: Vec<(String, Vec<String>)> =
        pipelines().into_iter().map(|(service, lines)| (service, commands(&lines))).collect();
    for (service, lines) in &pipelines {
        assert_eq!(lines, &pipelines[0].1, "{service}: every service runs the same");
    }
    let world = world();
    let folder = world.path();
    let mut effect = String::new();
    for line in &pipelines[0].1 {
        if line.contains("$EFFECT") {
            effect = effect_of(folder);
            assert_eq!(effect.len(), 64);
        }
        let output = run(folder, NOW, &effect, line);
        // One group of the demo is blocked: of the scheduled apply that is exit status 4.
        let good: &[i32] = if line.contains("--auto-approve") { &[0, 4] } else { &[0] };
        let code = output.status.code().unwrap();
        assert!(good.contains(&code), "{line}: {code} {}", String::from_utf8_lossy(&output.stderr));
    }
    let comment = std::fs::read_to_string(folder.join("comment.md")).unwrap();
    assert!(comment.starts_with("<!-- drsync:plan scope=east -->\n"), "{comment}");
    let plan = std::fs::read_to_string(folder.join("plan.json")).unwrap();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["selection"]["changed"], true);
    assert_eq!(plan["effect_sha256"], effect.as_str());
}

/// The step of a pipeline that installs drsync, wherever it stands: it is the same everywhere.
fn install_step(lines: &[String]) -> Vec<String> {
    let plain = |line: &String| line.trim().trim_start_matches("- ").to_owned();
    let first = |line: &&String| line.contains("curl -sSfL --retry 3 --output");
    let begins = lines.iter().enumerate().filter(|(_, line)| first(line)).map(|(place, _)| place);
    let steps: Vec<Vec<String>> =
        begins.map(|place| lines[place..place + 4].iter().map(plain).collect()).collect();
    assert!(steps.iter().all(|step| *step == steps[0]), "{steps:?}");
    steps.into_iter().next().unwrap()
}

#[test]
fn every_pipeline_installs_the_release_whose_checksum_it_knows_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-ec", script]).current_dir(folder).stdin(Stdio::null());
        command.output().unwrap()
    };
    let made = "mkdir drsync-0.1.0 && printf '#!/bin/sh\necho the release\n' > drsync-0.1.0/drsync \
        && chmod +x drsync-0.1.0/drsync && tar -czf release.tar.gz drsync-0.1.0 \
        && sha256sum release.tar.gz | cut -d' ' -f1";
    let right = String::from_utf8(shell(made).stdout).unwrap().trim().to_owned();
    assert_eq!(right.len(), 64);
    for (service, lines) in pipelines() {
        for (sum, good) in [(right.as_str(), true), (&"0".repeat(64), false)] {
            let place = folder.join(format!("{}-{good}", service.replace(' ', "")));
            std::fs::create_dir(&place).unwrap();
            let place = place.display();
            let step = install_step(&lines).join("\n").replace("/tmp/", "$RUNNER_TEMP/");
            let output = shell(&format!(
                "export RUNNER_TEMP='{place}' AGENT_TEMPDIRECTORY='{place}' GITHUB_PATH='{place}/path'\n\
                 export DRSYNC_TAR='file://{}/release.tar.gz' DRSYNC_TAR_SHA256={sum}\n{step}\n\
                 '{place}/drsync/drsync'",
                folder.display()
            ));
            let said = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.success(), good, "{service}: {said} {errors}");
            assert_eq!(said.contains("the release"), good, "{service}: {said}");
        }
    }
}

#[test]
fn every_pipeline_has_an_end_and_a_schedule_of_odd_minutes_that_somebody_watches() {
    for ((service, _, text), (ends, jobs)) in PIPELINES.into_iter().zip([
        ("timeout-minutes:", 4),
        ("timeout:", 4),
        ("timeoutInMinutes:", 4),
    ]) {
        assert_eq!(text.matches(ends).count(), jobs, "{service}");
        assert!(text.contains("DRSYNC_HEARTBEAT_URL"), "{service}");
        // GitLab's schedules are made in its own pages.
        let odd = text.contains("cron: \"7,37 * * * *\"");
        assert_eq!(odd, service != "GitLab", "{service}");
    }
}

/// Whether a service takes a pipeline's file as it is, by the schema that it publishes; `None`, and a word: nobody can tell here.
fn is_taken(service: &str, text: &str) -> Option<bool> {
    let python = able::python("check_jsonschema, ruamel.yaml")?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pipeline.yml");
    std::fs::write(&file, text).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/check_pipeline.py");
    let output = Command::new(python).args([script, service]).arg(&file).output();
    Some(output.unwrap().status.success())
}

#[test]
fn nothing_that_a_pull_request_made_is_applied() {
    let [github, gitlab, azure] = <[(String, Vec<String>); 3]>::try_from(pipelines()).unwrap();
    // The jobs of a pipeline by their first lines, each with its own.
    let jobs = |lines: &[String], begins: &dyn Fn(&str) -> bool| {
        let mut jobs: Vec<Vec<String>> = vec![vec![]];
        for line in lines {
            if begins(line) {
                jobs.push(vec![]);
            }
            jobs.last_mut().unwrap().push(line.clone());
        }
        jobs.into_iter().map(|job| job.join("\n")).collect::<Vec<_>>()
    };
    let indented = |line: &str, by: usize| {
        line.len() > by && line.trim_start().len() + by == line.len() && line.ends_with(':')
    };
    let services = [
        (
            jobs(&github.1, &|line| indented(line, 2)),
            "pull_request",
            "name: \"plan-${{ github.sha }}\"",
        ),
        (jobs(&gitlab.1, &|line| indented(line, 0)), "merge_request_event", "needs: [plan]"),
        (
            jobs(&azure.1, &|line| {
                line.starts_with("  - job:") || line.starts_with("  - deployment:")
            }),
            "'PullRequest'",
            "download: current",
        ),
    ];
    for (jobs, of_a_pull_request, of_this_run) in services {
        let with = |text: &str| jobs.iter().filter(|job| job.contains(text)).collect::<Vec<_>>();
        let applies = with("drsync apply plan.json");
        assert_eq!(applies.len(), 1);
        assert!(applies[0].contains("--expect-effect \"$EFFECT\""));
        assert!(applies[0].contains(of_this_run), "{}", applies[0]);
        // What comes from a pull request keeps no plan that an apply could find, and sees no principal that may write.
        assert!(jobs.iter().any(|job| job.contains(of_a_pull_request)));
        for job in jobs.iter().filter(|job| job.contains("validate --offline")) {
            for never in ["artifact", "publish", "APPLY", "drsync-apply", "apply plan.json"] {
                assert!(!job.contains(never), "{never}: {job}");
            }
        }
    }
    for (service, _, text) in PIPELINES {
        let elsewhere = ["workflow_run.id", "latestFromBranch"].map(|it| text.contains(it));
        assert_eq!(elsewhere, [false, false], "{service}");
    }
    for page in [CI, OPERATING, AUDIT] {
        assert!(!page.contains("cannot change the comment"));
    }
}

#[test]
fn every_pipeline_fits_the_schema_that_its_service_publishes() {
    let services = ["github-workflows", "gitlab-ci", "azure-pipelines"];
    let wrong = [("runs-on:", "run-on:"), ("script:", "scripts:"), ("runOnce:", "once:")];
    let pipelines = pipelines();
    assert_eq!(pipelines.len(), services.len());
    for ((service, (_, lines)), (from, to)) in services.into_iter().zip(pipelines).zip(wrong) {
        let text = lines.join("\n");
        let Some(taken) = is_taken(service, &text) else {
            return;
        };
        assert!(taken, "{service}");
        assert_eq!(is_taken(service, &text.replace(from, to)), Some(false), "{service}: {to}");
    }
}

#[test]
fn every_command_of_the_operating_guide_can_be_run_in_its_order() {
    let world = world();
    let folder = world.path();
    let lines: Vec<String> =
        blocks(OPERATING).iter().flat_map(|(_, block)| commands(block)).collect();
    assert!(lines.len() >= 10, "{lines:?}");
    let mut effect = String::new();
    for line in &lines {
        if line.contains("$EFFECT") {
            effect = effect_of(folder);
        }
        let output = run(folder, NOW, &effect, line);
        let code = output.status.code().unwrap();
        let good: &[i32] = if line.contains("--auto-approve") { &[0, 4] } else { &[0] };
        assert!(good.contains(&code), "{line}: {code} {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn another_effect_than_the_reviewed_one_is_not_applied() {
    let world = world();
    let folder = world.path();
    run(folder, NOW, "", "drsync plan --changed --out plan.json");
    let line = "drsync apply plan.json --expect-effect \"$EFFECT\"";
    assert!(OPERATING.contains(line));
    assert!(PIPELINES.iter().all(|(_, _, text)| text.contains(line)));
    let other = run(folder, NOW, &"0".repeat(64), line);
    assert_eq!(other.status.code(), Some(10));
    // Nothing was found in the comment: an empty value is a mistake, never "any effect".
    let empty = run(folder, NOW, "", line);
    assert_eq!(empty.status.code(), Some(64));
}
