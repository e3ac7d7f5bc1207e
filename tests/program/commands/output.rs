//! Output that cannot be written, input that comes from a pipe, and files that are somebody's.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::program::{NOW, code, drsync, stderr, stdout, world};

use crate::support::runner::{self, Run};

fn command(folder: &Path, arguments: &[&str]) -> Run {
    runner::drsync(folder, arguments).at(NOW)
}

/// Runs it with stdout at a device that takes nothing.
fn to_full(folder: &Path, arguments: &[&str]) -> Output {
    let full = File::options().write(true).open("/dev/full");
    command(folder, arguments).stdout(full.expect("a device")).output()
}

/// Runs it with a document on stdin.
fn piped(folder: &Path, arguments: &[&str], bytes: &[u8]) -> Output {
    command(folder, arguments).reads(bytes).output()
}

/// The demo's world without the records of its first apply.
fn world_without_records() -> TempDir {
    let world = world();
    fs::remove_dir_all(world.path().join(".drsync/runs")).expect("removed");
    world
}

/// The record of the one apply in such a world.
fn the_record(folder: &Path) -> Value {
    let runs = fs::read_dir(folder.join(".drsync/runs")).expect("records");
    let mut records = runs
        .map(|entry| entry.expect("read").path())
        .filter(|path| !path.display().to_string().contains(".plan.json"));
    let bytes = fs::read(records.next().expect("a record")).expect("read");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn cut_of_orders(record: &Value) -> &Value {
    let groups = record["groups"].as_array().expect("groups");
    let orders = groups.iter().find(|group| group["name"] == "orders");
    &orders.expect("the group")["outcome"]
}

#[test]
fn no_command_succeeds_whose_output_is_lost() {
    let world = world();
    let folder = world.path();
    for arguments in [
        &["plan"][..],
        &["plan", "--json"],
        &["plan", "--format", "markdown"],
        &["plan", "--format", "html"],
        &["validate"],
        &["status"],
        &["history"],
        &["show", "plan.json"],
        &["diff", "plan.json", "plan.json"],
        &["check", "plan.json"],
        &["schema", "plan"],
        &["completions", "bash"],
        &["man"],
        &["help", "exit-codes"],
        &["--help"],
        &["--version"],
    ] {
        let ended = to_full(folder, arguments);
        assert_ne!(code(&ended), 0, "{arguments:?}");
        let told = stderr(&ended);
        assert!(told.contains("No space left on device"), "{arguments:?} {told}");
    }
}

#[test]
fn an_apply_goes_on_without_a_stdout_and_says_so() {
    for plan_first in [false, true] {
        let world = world_without_records();
        let folder = world.path();
        let mut arguments = vec!["apply", "--auto-approve", "--only", "orders"];
        if plan_first {
            let plan = ["plan", "--only", "orders", "--out", "p.json"];
            assert_eq!(code(&drsync(folder, &plan)), 0);
            arguments = vec!["apply", "p.json"];
        }
        let ended = to_full(folder, &arguments);
        let told = stderr(&ended);
        assert_eq!(code(&ended), 1, "{told}");
        let lost = "text is lost: stdout cannot be written (No space left on device";
        assert!(told.contains(lost), "{told}");
        let record = the_record(folder);
        assert_eq!(cut_of_orders(&record), "synchronized", "{told}");
        assert!(record["warnings"].to_string().contains(lost), "{record}");
        assert_eq!(record["exit"]["code"], 1);
    }
}

#[test]
fn an_apply_whose_events_are_lost_is_none_that_succeeded() {
    let world = world_without_records();
    let folder = world.path();
    let arguments = ["apply", "--auto-approve", "--only", "orders", "--events", "/dev/full"];
    let ended = drsync(folder, &arguments);
    assert_eq!(code(&ended), 1, "{}", stderr(&ended));
    let lost = "events are lost: /dev/full cannot be written (No space left on device";
    assert!(stderr(&ended).contains(lost), "{}", stderr(&ended));
    let record = the_record(folder);
    assert_eq!(cut_of_orders(&record), "synchronized");
    assert!(record["warnings"].to_string().contains(lost), "{record}");
    assert!(stdout(&ended).contains("events are lost"), "{}", stdout(&ended));
}

#[test]
fn a_reader_that_leaves_stops_no_apply_and_is_no_failure() {
    let world = world_without_records();
    let folder = world.path();
    let apply = command(folder, &["apply", "--auto-approve", "--only", "orders"]);
    let mut child = apply.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("ends");
    assert_eq!(code(&ended), 0, "{}", stderr(&ended));
    assert!(stderr(&ended).contains("text is lost"), "{}", stderr(&ended));
    assert!(the_record(folder)["warnings"].to_string().contains("text is lost"));
}

#[test]
fn a_plan_is_read_from_a_pipe_and_with_a_byte_order_mark() {
    let world = world();
    let folder = world.path();
    let plan = fs::read(folder.join("plan.json")).expect("read");
    let marked = [b"\xEF\xBB\xBF", &plan[..]].concat();
    fs::write(folder.join("marked.json"), &marked).expect("written");
    let from_file = stdout(&drsync(folder, &["show", "plan.json"]));
    assert!(from_file.starts_with("Plan "), "{from_file}");
    for (arguments, bytes) in [
        (["show", "-"], &plan),
        (["show", "/dev/stdin"], &plan),
        (["check", "-"], &plan),
        (["show", "-"], &marked),
        (["check", "-"], &marked),
        (["apply", "-"], &marked),
    ] {
        let read = piped(folder, &arguments, bytes);
        assert!(![65, 10].contains(&code(&read)), "{arguments:?} {}", stderr(&read));
        assert!(!stdout(&read).is_empty(), "{arguments:?} {}", stderr(&read));
    }
    assert_eq!(
        stdout(&piped(folder, &["show", "-"], &plan)),
        stdout(&drsync(folder, &["show", "plan.json"]))
    );
    let shown = drsync(folder, &["show", "marked.json", "--json"]);
    assert_eq!(stdout(&shown).as_bytes(), plan, "JSON has no mark");
    let same = drsync(folder, &["diff", "plan.json", "marked.json", "--detailed-exitcode"]);
    assert_eq!(code(&same), 0, "{}", stderr(&same));

    let text = String::from_utf8(plan.clone()).expect("text");
    let wide: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let refused = piped(folder, &["show", "-"], &wide);
    assert_eq!(code(&refused), 65);
    assert!(stderr(&refused).contains("UTF-16"), "{}", stderr(&refused));
    assert_eq!(code(&drsync(folder, &["diff", "-", "-"])), 64);
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let unsigned = piped(folder, &["apply", "-", "--require-signature", key], &plan);
    assert_eq!(code(&unsigned), 64, "{}", stderr(&unsigned));
}

#[test]
fn events_replace_nothing_but_events() {
    let world = world();
    let folder = world.path();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("written");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("read");
    let apply = |events: &str| drsync(folder, &["apply", "--auto-approve", "--events", events]);
    write("precious.txt", "precious");
    symlink("precious.txt", folder.join("link")).expect("linked");
    symlink("nothing", folder.join("dangling")).expect("linked");
    write("empty", "");
    fs::create_dir(folder.join("folder")).expect("made");
    let configuration = read("drsync.json");
    for (name, why) in [
        ("drsync.json", "drsync.json is there already and holds no events"),
        ("plan.json", "holds no events"),
        ("precious.txt", "holds no events"),
        ("link", "link is a link"),
        ("dangling", "a link"),
        ("folder", "is no regular file"),
    ] {
        let refused = apply(name);
        let told = stderr(&refused);
        assert_eq!(code(&refused), 7, "{name}: {told}");
        assert!(told.contains(why) && told.contains("events.jsonl is free"), "{name}: {told}");
    }
    assert_eq!(read("drsync.json"), configuration);
    assert_eq!(read("precious.txt"), "precious");
    assert!(fs::symlink_metadata(folder.join("nothing")).is_err());
    for name in ["events.jsonl", "events.jsonl", "empty"] {
        assert_eq!(code(&apply(name)), 4, "{name}");
        let events = read(name);
        let first: Value =
            serde_json::from_str(events.lines().next().expect("a line")).expect("JSON");
        assert_eq!(first["event"], "started");
        assert_eq!(events.matches("\"event\":\"started\"").count(), 1, "replaced, not continued");
    }
    // What the shell opened for it is written on to.
    write("log", "before\n");
    let log = File::options().append(true).open(folder.join("log")).expect("opened");
    let ended = command(folder, &["apply", "--auto-approve", "--json", "--events", "/dev/stderr"])
        .stderr(log)
        .output();
    assert_eq!(code(&ended), 4);
    let log = read("log");
    assert!(log.starts_with("before\n") && log.contains("\"event\":\"started\""), "{log}");
}

#[test]
fn no_text_of_a_service_is_an_order_to_a_pipeline() {
    let world = world();
    let folder = world.path();
    for pad in [0, 20, 28, 36, 44, 52] {
        let name = format!(
            "{} ::stop-commands::x ##vso[task.uploadfile]/etc/passwd ##[group]\u{202e}\u{9b}31m",
            "x".repeat(pad)
        );
        let jobs = serde_json::json!({"jobs": [{"job_id": 5, "name": name, "runs": [
            {"run_id": 1, "start_time": 1, "end_time": 0, "life_cycle_state": "RUNNING"}]}]});
        fs::write(folder.join("west/jobs.json"), jobs.to_string()).expect("written");
        let mut told = false;
        for arguments in [
            &["plan", "-v"][..],
            &["plan", "--json"],
            &["plan", "--format", "markdown"],
            &["plan", "--format", "html"],
            &["status", "-v"],
            &["status", "--json"],
            &["validate"],
            &["apply", "--auto-approve", "--events", "events.jsonl"],
        ] {
            let ended = drsync(folder, arguments);
            let mut all = stdout(&ended) + &stderr(&ended);
            all += &fs::read_to_string(folder.join("events.jsonl")).unwrap_or_default();
            told |= all.contains("stop-commands");
            for order in ["##vso[", "##[", "\u{202e}", "\u{9b}"] {
                assert!(!all.contains(order), "{arguments:?}: {order:?}\n{all}");
            }
            let obeyed = all.lines().find(|line| line.trim_start().starts_with("::"));
            assert_eq!(obeyed, None, "{arguments:?}");
        }
        assert!(told, "nothing shows the name: the test proves nothing");
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let world = world();
    let folder = world.path();
    let precious = folder.join("precious.txt");
    fs::write(&precious, "precious").expect("written");

    // The folder of records.
    fs::remove_dir_all(folder.join(".drsync")).expect("removed");
    fs::create_dir(folder.join("elsewhere")).expect("made");
    symlink("elsewhere", folder.join(".drsync")).expect("linked");
    let ended = drsync(folder, &["apply", "--auto-approve"]);
    let told = stderr(&ended);
    assert!(told.contains("the run record is not kept here"), "{told}");
    assert!(told.contains("it is a link"), "{told}");
    let elsewhere = fs::read_dir(folder.join("elsewhere")).expect("read");
    assert_eq!(elsewhere.count(), 0);

    // A plan, a configuration, a demo.
    symlink(&precious, folder.join("p.json")).expect("linked");
    assert_eq!(code(&drsync(folder, &["plan", "--out", "p.json"])), 7);
    symlink("nothing", folder.join("new.json")).expect("linked");
    let init = drsync(folder, &["init", "--config", "new.json"]);
    assert_eq!(code(&init), 7, "{}", stderr(&init));
    fs::create_dir(folder.join("demo")).expect("made");
    symlink(&precious, folder.join("demo/.drsync-demo")).expect("linked");
    assert_eq!(code(&drsync(folder, &["demo", "--dir", "demo"])), 7);

    assert_eq!(fs::read_to_string(&precious).expect("read"), "precious");
    assert!(fs::symlink_metadata(folder.join("nothing")).is_err());
}

#[test]
fn a_sandbox_takes_another_name_for_its_configuration_where_one_is_taken() {
    use std::io::{BufRead, BufReader};
    let world = world();
    let folder = world.path();
    let precious = folder.join("precious.txt");
    fs::write(&precious, "precious").expect("written");
    symlink(&precious, folder.join("sandbox.json")).expect("linked");
    let arguments = ["sandbox", "--world", ".", "--port", "0"];
    for _ in 0..2 {
        let mut child = command(folder, &arguments).stdout(Stdio::piped()).spawn();
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let next = lines.map_while(Result::ok).find(|line| line.contains("Next:"));
        child.kill().expect("killed");
        child.wait().expect("ended");
        let next = next.expect("it says what is next");
        assert!(next.contains("sandbox-2.json"), "{next}");
    }
    assert_eq!(fs::read_to_string(&precious).expect("read"), "precious");
}

#[test]
fn the_reader_of_events_is_waited_for_and_not_for_ever() {
    let world = world();
    let pipe = world.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("runs");
    assert!(made.success());
    let apply = ["apply", "--auto-approve", "--events", "pipe"];
    let alone = drsync(world.path(), &apply);
    assert_eq!(code(&alone), 7, "{}", stderr(&alone));
    assert!(stderr(&alone).contains("pipe, and nobody came to read it"), "{}", stderr(&alone));
    let reader = Command::new("sh")
        .args(["-c", "sleep 1; exec cat pipe"])
        .current_dir(world.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    let read = drsync(world.path(), &apply);
    assert_ne!(code(&read), 7, "{}", stderr(&read));
    let events = reader.wait_with_output().expect("it ends").stdout;
    let events = String::from_utf8(events).expect("text");
    assert!(events.lines().count() > 2, "{events}");
    for line in events.lines() {
        serde_json::from_str::<Value>(line).expect("an event");
    }
}
