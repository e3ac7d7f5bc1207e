//! Who is told what over which server: real mail and real webhooks on this machine, received by programs of others.

mod changes;
mod clocks;
mod days;
mod leaving;
mod servers;
mod surprises;
mod unusable;

use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::able;
use crate::support::runner::{self, Run, stderr};

const NEEDED: &str = "aiosmtpd, cryptography, standardwebhooks";

const FIRST: &str = "2026-11-22T11:00:00Z";

/// Servers that are told, and what they got.
struct Receivers {
    child: Child,
    folder: TempDir,
    ports: Value,
}

impl Receivers {
    fn start() -> Option<Receivers> {
        let python = able::python(NEEDED)?;
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/told.py"))
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ports = serde_json::from_str(&line).unwrap();
        Some(Receivers { child, folder, ports })
    }

    fn port(&self, server: &str) -> u64 {
        self.ports[server].as_u64().unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port("http"))
    }

    /// Everything that came so far, in the order in which it came.
    fn came(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("came")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// `address: subject` of every mail, sorted.
    fn mails(&self) -> Vec<String> {
        let came = self.came();
        let mails = came.iter().filter(|it| it["mail"].is_array());
        let mut mails: Vec<String> = mails
            .map(|it| {
                let to = it["mail"].as_array().unwrap();
                assert_eq!(to.len(), 1, "one envelope a receiver: {it}");
                let subject = it["headers"]["Subject"].as_str().unwrap();
                format!("{}: {subject}", to[0].as_str().unwrap())
            })
            .collect();
        mails.sort();
        mails
    }

    fn smtp(&self, server: &str, more: Value) -> Value {
        let mut smtp = json!({
            "host": "localhost", "port": self.port(server), "from": "drsync@example.com",
        });
        for (key, value) in more.as_object().unwrap() {
            smtp[key] = value.clone();
        }
        smtp
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The demo's world after its first apply: `orders` is due again, `customer_360` is blocked.
struct World {
    folder: TempDir,
    variables: Vec<(String, String)>,
    /// When the program ran last.
    now: RefCell<String>,
}

impl World {
    fn new(receivers: &Receivers) -> World {
        let ca = receivers.folder.path().join("ca.pem").display().to_string();
        let folder = tempfile::tempdir().unwrap();
        let variables = vec![("SSL_CERT_FILE".to_owned(), ca)];
        let world = World { folder, variables, now: RefCell::new(FIRST.to_owned()) };
        let made = world.drsync(FIRST, &["demo", "--dir", "."]);
        assert!(made.status.success(), "{}", stderr(&made));
        world
    }

    fn path(&self, inside: &str) -> std::path::PathBuf {
        self.folder.path().join(inside)
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    /// Changes who is told, and over what. Somebody looked at that: what protects less from then on is told of by no apply.
    fn tell(&self, failure: &str, success: &str, notifications: Value) {
        let path = self.path("drsync.json");
        let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config["secret_scope"] = "dr".into();
        let workspace = &mut config["workspaces"][0];
        workspace["sync_failure_notification"] = failure.into();
        workspace["sync_success_notification"] = success.into();
        workspace.as_object_mut().unwrap().remove("notifications");
        std::fs::write(&path, config.to_string()).unwrap();
        let now = self.now.borrow().clone();
        let planned = self.drsync(&now, &["plan", "--out", "looked-at.json"]);
        assert!([0, 3].contains(&planned.status.code().unwrap()), "{}", stderr(&planned));
        let looked_at = self.path("looked-at.json");
        let plan: Value = serde_json::from_slice(&std::fs::read(&looked_at).unwrap()).unwrap();
        let effect = plan["effect_sha256"].as_str().unwrap();
        let done = self.drsync(&now, &["apply", "looked-at.json", "--expect-effect", effect]);
        assert!([0, 3, 4].contains(&done.status.code().unwrap()), "{}", stderr(&done));
        std::fs::remove_file(looked_at).unwrap();
        config["workspaces"][0]["notifications"] = notifications;
        std::fs::write(&path, config.to_string()).unwrap();
    }

    /// Puts a secret into the scope of the primary's workspace.
    fn keep_secret(&self, key: &str, value: &str) {
        let path = self.path("east/lakehouse.json");
        let mut catalog: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        catalog["secrets"]["dr"][key] = value.into();
        std::fs::write(&path, catalog.to_string()).unwrap();
    }

    fn drsync(&self, now: &str, arguments: &[&str]) -> Output {
        *self.now.borrow_mut() = now.to_owned();
        self.command(arguments).at(now).output()
    }

    /// By the clock of this machine.
    fn command(&self, arguments: &[&str]) -> Run {
        runner::drsync(self.folder.path(), arguments).envs(self.variables.iter().cloned())
    }

    fn apply(&self, now: &str) -> Output {
        self.drsync(now, &["apply", "--auto-approve"])
    }

    /// Every document that lies in a region and on this machine, as one text.
    /// Everything that is kept in files whose names end so.
    fn written(&self, ending: &str) -> String {
        let mut all = String::new();
        for folder in ["west/sync/_drsync/evidence", "east/sync/_drsync/evidence", ".drsync/runs"] {
            collect(&self.path(folder), ending, &mut all);
        }
        all
    }
}

fn collect(folder: &Path, ending: &str, all: &mut String) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, ending, all)
        } else if path.to_string_lossy().ends_with(ending) {
            all.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()))
        }
    }
}

#[test]
fn each_address_hears_what_it_should_and_nothing_else() {
    let Some(receivers) = Receivers::start() else { return };
    let world = World::new(&receivers);
    let bare = world.apply(FIRST);
    world.keep_secret("smtp-password", "good-password");
    let smtp = json!({
        "auth": "plain", "user": "drsync@example.com", "password_secret": "smtp-password",
    });
    let notifications = json!({"smtp": receivers.smtp("starttls", smtp)});
    world.tell("ops@example.com", "boss@example.com", notifications);
    let first = world.apply("2026-11-22T11:30:00Z");
    assert_eq!(first.status.code(), bare.status.code(), "{}", stderr(&first));
    assert!(!stderr(&first).contains("not told"), "{}", stderr(&first));
    let failing = "[drsync] customer_360 failing since 2026-11-22 11:30Z: table_not_readable";
    let told = [format!("crm-team@example.com: {failing}"), format!("ops@example.com: {failing}")];
    assert_eq!(receivers.mails(), told);
    let came = receivers.came();
    for mail in &came {
        assert_eq!((mail["tls"].as_bool(), mail["user"].as_str()), (Some(true), Some("PLAIN")));
        let text = format!("{}{}", mail["plain"], mail["html"]);
        for other in ["crm-team@", "ops@", "boss@", "shop-team@"] {
            let own = mail["mail"][0].as_str().unwrap().starts_with(other);
            assert!(own || !text.contains(other), "{other} in {text}");
        }
        assert!(!text.contains("--accept"), "{text}");
    }
    // An apply that tells nobody forgets nothing for the one that does, and that it tells nobody is the last that is told.
    let config = std::fs::read(world.path("drsync.json")).unwrap();
    let mut silent: Value = serde_json::from_slice(&config).unwrap();
    silent["workspaces"][0].as_object_mut().unwrap().shift_remove("notifications");
    std::fs::write(world.path("drsync.json"), silent.to_string()).unwrap();
    world.apply("2026-11-22T11:45:00Z");
    let last = "[drsync] east protected less since 2026-11-22 11:45Z: mail_server";
    let last =
        ["crm-team", "data-team", "ops", "shop-team"].map(|to| format!("{to}@example.com: {last}"));
    let mut told: Vec<String> = told.into_iter().chain(last).collect();
    told.sort();
    assert_eq!(receivers.mails(), told);
    std::fs::write(world.path("drsync.json"), config).unwrap();
    // What goes on is not told again, and its end is, in the same thread.
    let second = world.apply("2026-11-22T12:00:00Z");
    assert_eq!(second.status.code(), bare.status.code(), "{}", stderr(&second));
    assert_eq!(receivers.mails(), told);
    let reminded = world.apply("2026-11-23T11:31:00Z");
    assert!(reminded.status.code() == bare.status.code(), "{}", stderr(&reminded));
    let again = receivers.came();
    let again = &again.last().unwrap()["headers"];
    assert!(again["Subject"].as_str().unwrap().starts_with("Re: [drsync]"), "{again}");
    assert_eq!(again["Subject"].as_str().unwrap().replacen("Re: ", "", 1), failing);
    let same = |mail: &&Value| mail["headers"]["To"] == again["To"];
    let begun = came.iter().find(same).unwrap();
    assert_eq!(again["In-Reply-To"], begun["headers"]["Message-ID"]);
    assert_eq!(again["References"], begun["headers"]["Message-ID"]);
    let written = world.written("");
    let at = written.find("good-password");
    assert_eq!(at.map(|at| &written[at.saturating_sub(200)..at]), None);
    // What servers said names no address; settings and the configuration that are kept do.
    let told = world.written(".told.json");
    assert!(told.contains("\"kind\": \"drsync.told\""));
    assert!(!told.contains('@'), "{told}");
}

#[test]
fn a_refused_and_a_slow_address_silence_no_other_and_a_greylisted_one_is_told_by_the_next_apply() {
    let Some(receivers) = Receivers::start() else { return };
    let world = World::new(&receivers);
    world.apply(FIRST);
    let notifications = json!({"smtp": receivers.smtp("open", json!({"security": "none"}))});
    let list = "refused@example.com, slow@example.com, grey@example.com, ops@example.com";
    world.tell(list, "boss@example.com", notifications);
    let first = world.apply("2026-11-22T11:30:00Z");
    let said = stderr(&first);
    assert!(said.contains("refused@example.com was not told: permanent error (550)"), "{said}");
    assert!(said.contains("grey@example.com was not told: transient error (451)"), "{said}");
    assert!(said.contains("the next apply sends 1 message again"), "{said}");
    let to = |receivers: &Receivers| -> Vec<String> {
        let mails = receivers.mails().into_iter();
        mails.map(|mail| mail.split('@').next().unwrap().to_owned()).collect()
    };
    assert_eq!(to(&receivers), ["crm-team", "ops", "slow"]);
    let second = world.apply("2026-11-22T12:00:00Z");
    assert!(!stderr(&second).contains("was not told"), "{}", stderr(&second));
    assert_eq!(to(&receivers), ["crm-team", "grey", "ops", "slow"]);
    let came = receivers.came();
    let late = came.last().unwrap();
    assert_eq!(late["mail"][0], "grey@example.com");
    assert!(late["plain"].as_str().unwrap().contains("2026-11-22 11:30:00Z"), "{late}");
    let third = world.apply("2026-11-22T12:30:00Z");
    assert_eq!((to(&receivers).len(), stderr(&third).contains("not told")), (4, false));
}

/// A world of which people were told once, over an open server.
fn told_world(receivers: &Receivers) -> World {
    let world = World::new(receivers);
    world.apply(FIRST);
    let notifications = json!({"smtp": receivers.smtp("open", json!({"security": "none"}))});
    world.tell("ops@example.com", "boss@example.com", notifications);
    world.apply("2026-11-22T11:30:00Z");
    world
}

#[test]
fn a_region_that_is_away_is_one_message_for_all_groups_and_its_end_is_another() {
    let Some(receivers) = Receivers::start() else { return };
    let world = told_world(&receivers);
    let before = receivers.mails().len();
    let since = |receivers: &Receivers, from: usize| -> Vec<String> {
        let came = receivers.came();
        let mails = came.iter().skip(from).filter(|it| it["mail"].is_array());
        let mut mails: Vec<String> = mails
            .map(|it| {
                format!(
                    "{}: {}",
                    it["mail"][0].as_str().unwrap(),
                    it["headers"]["Subject"].as_str().unwrap()
                )
            })
            .collect();
        mails.sort();
        mails
    };
    std::fs::rename(world.path("west"), world.path("gone")).unwrap();
    for now in ["2026-11-22T12:00:00Z", "2026-11-22T12:30:00Z", "2026-11-23T11:31:00Z"] {
        let run = world.apply(now);
        assert_eq!(run.status.code(), Some(8), "{}", stderr(&run));
    }
    let all = ["crm-team", "data-team", "ops", "shop-team"];
    let away = "[drsync] REGION AWAY: no answer from west since 2026-11-22 12:00Z";
    let told = |subject: &str| all.map(|to| format!("{to}@example.com: {subject}")).to_vec();
    assert_eq!(since(&receivers, before), told(away));
    world.apply("2026-11-23T12:00:00Z");
    assert_eq!(since(&receivers, before + 4), told(&format!("Re: {away}")));
    std::fs::rename(world.path("gone"), world.path("west")).unwrap();
    world.apply("2026-11-23T12:30:00Z");
    let end = "west answers again after 24h30m";
    let last = since(&receivers, before + 8);
    let ended = last.iter().filter(|mail| mail.contains(end)).count();
    // Of the group that still fails a reminder is due as well: whoever hears of both hears of it first.
    assert_eq!((last.len(), ended), (4, 2), "{last:#?}");
    let came = receivers.came();
    for mail in &came[before + 8..] {
        let text = mail["plain"].as_str().unwrap();
        assert!(text.contains("west answers again"), "{text}");
    }
}

#[test]
fn what_an_apply_left_unsaid_is_said_by_the_next_with_the_same_ids() {
    let Some(receivers) = Receivers::start() else { return };
    let world = told_world(&receivers);
    let ids = |from: usize| -> Vec<String> {
        let mut ids: Vec<String> = receivers.came()[from..]
            .iter()
            .map(|it| it["headers"]["Message-ID"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    let first = ids(0);
    assert_eq!(first.len(), 2);
    // As if it had been killed between its record and its messages.
    let forget = || {
        for folder in ["west/sync/_drsync/evidence", "east/sync/_drsync/evidence", ".drsync/runs"] {
            for entry in std::fs::read_dir(world.path(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.to_string_lossy().ends_with(".told.json") {
                    std::fs::remove_file(path).unwrap();
                }
            }
        }
    };
    forget();
    world.apply("2026-11-22T12:00:00Z");
    assert_eq!(ids(2), first);
    // That is remembered by the next, which says nothing more.
    world.apply("2026-11-22T12:30:00Z");
    assert_eq!(ids(4), Vec::<String>::new());
}

#[test]
fn that_no_apply_can_begin_is_told_once_and_so_is_that_they_begin_again() {
    let Some(receivers) = Receivers::start() else { return };
    let world = World::new(&receivers);
    world.apply(FIRST);
    let open = json!({"smtp": receivers.smtp("open", json!({"security": "none"}))});
    world.tell("ops@example.com", "boss@example.com", open);
    let path = world.path("drsync.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    // A workspace that nobody is signed in to, beside the one that is a folder.
    let mut config: Value = serde_json::from_str(&whole).unwrap();
    config["workspaces"][0]["workspace_instance_url"] = "https://east.example.com".into();
    config["workspaces"][0]["sync_location_primary"] = "s3://east/sync".into();
    config["workspaces"][0]["sync_location_secondary"] = "s3://west/sync".into();
    config["workspaces"][0]["warehouse_id"] = "0123456789abcdef".into();
    std::fs::write(&path, config.to_string()).unwrap();
    let mails = || -> Vec<String> {
        let mails = receivers.mails().into_iter();
        mails.filter(|mail| mail.starts_with("ops@") && mail.contains("east:")).collect()
    };
    let apply = || world.command(&["apply", "--auto-approve"]).output();
    for _ in 0..3 {
        let ended = apply();
        assert_eq!(ended.status.code(), Some(77), "{}", stderr(&ended));
        let [mail] = mails().try_into().unwrap();
        let told = "ops@example.com: [drsync] east: no apply begins since ";
        assert!(mail.starts_with(told) && mail.ends_with(": not_signed_in"), "{mail}");
    }
    let came = receivers.came();
    let of_ops = came.iter().rfind(|it| it["mail"][0] == "ops@example.com").unwrap();
    let text = of_ops["plain"].as_str().unwrap();
    assert!(text.contains("No apply of east could begin since"), "{text}");
    assert!(text.contains("not signed in to https://east.example.com"), "{text}");
    std::fs::write(&path, whole).unwrap();
    for _ in 0..2 {
        apply();
        let [mail, _] = mails().try_into().unwrap();
        let told = "ops@example.com: [drsync] east: applies begin again after ";
        assert!(mail.starts_with(told), "{mail}");
    }
}
