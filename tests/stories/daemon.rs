//! A daemon as a process: it goes on by itself, is watched over HTTP, is stopped, killed and started again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::metrics::understood;
use crate::support::runner::{self, Run};
use crate::support::world::{World, batch};

/// Whatever a daemon does that is waited for is done by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon over a world, whose clock is a file.
struct Daemon {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    address: String,
    clock: PathBuf,
}

fn command(world: &World, clock: &Path, arguments: &[&str]) -> Run {
    runner::drsync(world.path(""), arguments).at(format!("@{}", clock.display()))
}

fn configure(world: &World) {
    std::fs::write(world.path("drsync.json"), world.config.to_string()).unwrap();
}

impl Daemon {
    fn start(world: &World) -> Daemon {
        Daemon::start_with(world, &[])
    }

    fn start_with(world: &World, more: &[&str]) -> Daemon {
        let clock = world.path("clock");
        show(&clock, world);
        let arguments = [&["daemon", "--listen", "127.0.0.1:0"], more].concat();
        let mut child = command(world, &clock, &arguments).stderr(Stdio::piped()).spawn();
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&said);
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        let mut daemon = Daemon { child, said, address: String::new(), clock };
        daemon.wait("that it listens", |said| said.iter().any(|line| line.contains("listen")));
        let said = daemon.said();
        let line = said.iter().find(|line| line.contains("http://")).unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
        daemon.address = address.to_owned();
        daemon
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// Lines in which this word stands.
    fn lines(&self, word: &str) -> usize {
        self.said().iter().filter(|line| line.contains(word)).count()
    }

    fn wait(&mut self, what: &str, so: impl Fn(&[String]) -> bool) {
        let begun = Instant::now();
        while !so(&self.said()) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{what}: it ended: {ended:?}\n{}", self.said().join("\n"));
            assert!(begun.elapsed() < PATIENCE, "{what}:\n{}", self.said().join("\n"));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until so many rounds ended since it started.
    fn rounds(&mut self, number: usize) {
        let ends = |said: &[String]| said.iter().filter(|it| it.contains("; next ")).count();
        self.wait(&format!("round {number}"), |said| ends(said) >= number);
        assert_eq!(ends(&self.said()), number, "{}", self.said().join("\n"));
    }

    /// Shows the world's clock to it, and lets it look between rounds.
    fn at(&self, world: &World) {
        show(&self.clock, world);
    }

    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// The values of a metric, by its labels as they are written.
    fn metric(&self, name: &str) -> Vec<(String, f64)> {
        let (status, text) = self.get("/metrics");
        assert_eq!(status, 200, "{text}");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let lines = lines.filter_map(|line| line.rsplit_once(' '));
        let named = lines.filter(|(left, _)| left.split('{').next() == Some(name));
        named.map(|(left, value)| (left.to_owned(), value.parse().unwrap())).collect()
    }

    fn value(&self, metric: &str) -> Option<f64> {
        let name = metric.split('{').next().unwrap();
        self.metric(name).into_iter().find(|(left, _)| left == metric).map(|(_, value)| value)
    }

    fn terminate(mut self) -> (ExitStatus, Vec<String>) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it said last is heard when its pipe is empty.
                std::thread::sleep(Duration::from_millis(100));
                return (status, self.said());
            }
            assert!(begun.elapsed() < PATIENCE, "{}", self.said().join("\n"));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Memory that it has, in MiB.
    fn memory(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap();
        let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
        (pages * rustix::param::page_size() as u64) >> 20
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the world's moment as a whole: it is read at any time.
fn show(clock: &Path, world: &World) {
    let beside = clock.with_extension("new");
    std::fs::write(&beside, world.now.to_rfc3339()).unwrap();
    std::fs::rename(&beside, clock).unwrap();
}

fn drsync(world: &World, arguments: &[&str]) -> Output {
    let clock = world.path("clock");
    show(&clock, world);
    command(world, &clock, arguments).output()
}

/// Beside `reference` a group that waits for its workflow, which succeeded once.
async fn made() -> World {
    let mut world = World::new().await;
    world.make("main.shop.orders", "tables/orders").await;
    world.add_group("orders", Some("orders_job"), &["main.shop.orders"]);
    world.config["workspaces"][0]["sync_min_interval_minutes"] = json!(10);
    world.workspace().add_job(1, "orders_job").unwrap();
    let start = world.now - chrono::TimeDelta::minutes(30);
    let end = world.now - chrono::TimeDelta::minutes(20);
    world.workspace().add_run(1, 1, start, Some(end), "SUCCESS").unwrap();
    configure(&world);
    world
}

/// A run that ends now, with what it wrote.
async fn run(world: &World, number: i64) {
    let ended = world.now;
    let begun = ended - chrono::TimeDelta::minutes(1);
    let table = world.source_at("tables/orders").when(ended - chrono::TimeDelta::seconds(30));
    table.insert(&batch([100 + number])).await.unwrap();
    world.workspace().add_run(1, number, begun, Some(ended), "SUCCESS").unwrap();
}

const PROTECTED: &str = "drsync_group_protected{workspace=\"east\",group=\"orders\"}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_goes_on_by_itself_and_is_watched() {
    let mut world = made().await;
    let mut daemon = Daemon::start(&world);
    daemon.rounds(1);
    assert_eq!(daemon.get("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(daemon.get("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(daemon.get("/else").0, 404);
    assert_eq!(daemon.value("drsync_rounds_total{exit=\"ok\"}"), Some(1.0));
    assert_eq!(daemon.value(PROTECTED), Some(1.0));
    assert!(daemon.value("drsync_copied_bytes_total{workspace=\"east\"}") > Some(0.0));

    // A workflow that finishes between rounds is not waited for, but no group is synchronized twice within its interval.
    world.later(6);
    run(&world, 2).await;
    daemon.at(&world);
    // It says nothing of a look that finds nothing to do, and has to have looked before the clock goes on.
    std::thread::sleep(Duration::from_secs(4));
    daemon.rounds(1);
    world.later(5);
    daemon.at(&world);
    daemon.rounds(2);
    assert_eq!(daemon.lines("a workflow finished"), 1, "{}", daemon.said().join("\n"));
    assert_eq!(daemon.lines("orders  cut 2"), 1, "{}", daemon.said().join("\n"));
    // What that round did not look at is as it was.
    assert_eq!(daemon.metric("drsync_group_protected").len(), 2);
    assert!(daemon.metric("drsync_group_protected").iter().all(|(_, value)| *value == 1.0));

    // A broken configuration is told once, tried again, and mended.
    let config = std::fs::read(world.path("drsync.json")).unwrap();
    std::fs::write(world.path("drsync.json"), "{").unwrap();
    for minutes in [19, 5, 5] {
        world.later(minutes);
        daemon.at(&world);
        std::thread::sleep(Duration::from_millis(300));
    }
    daemon.wait("that it failed", |said| {
        said.iter().any(|it| it.contains("configuration (exit 78)"))
    });
    assert_eq!(daemon.lines("(exit 78)"), 1, "{}", daemon.said().join("\n"));
    let (status, why) = daemon.get("/readyz");
    assert!(status == 503 && why.contains("drsync.json"), "{why}");
    assert_eq!(daemon.get("/healthz").0, 200);
    std::fs::write(world.path("drsync.json"), config).unwrap();
    world.later(5);
    daemon.at(&world);
    daemon.rounds(3);
    assert_eq!(daemon.get("/readyz").0, 200);

    // A region that is away is told, and a round begins when it is back.
    std::fs::rename(world.path("west"), world.path("gone")).unwrap();
    world.later(30);
    daemon.at(&world);
    daemon.rounds(4);
    assert_eq!(daemon.get("/readyz").0, 503);
    let up = |daemon: &Daemon| daemon.metric("drsync_region_up").iter().map(|it| it.1).sum::<f64>();
    assert_eq!(up(&daemon), 1.0);
    std::fs::rename(world.path("gone"), world.path("west")).unwrap();
    world.later(5);
    daemon.at(&world);
    daemon.rounds(5);
    assert_eq!((daemon.get("/readyz").0, up(&daemon)), (200, 2.0));

    let (status, said) = daemon.terminate();
    assert_eq!(status.code(), Some(143), "{}", said.join("\n"));
    for line in said.iter().filter(|line| !line.starts_with("drsync: ") && !line.starts_with(' ')) {
        assert!(line.starts_with("2026-11-2"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_killed_goes_on_when_it_is_started_again() {
    let mut world = made().await;
    for number in 0..6_u64 {
        world.later(30);
        run(&world, 10 + i64::try_from(number).unwrap()).await;
        world.later(1);
        let daemon = Daemon::start(&world);
        std::thread::sleep(Duration::from_millis(60 * number));
        // SIGKILL: nothing of ours runs after it.
        drop(daemon);
    }
    let mut daemon = Daemon::start(&world);
    daemon.rounds(1);
    // Where the one before came as far as its cut, nobody has looked at the replica since.
    assert_ne!(daemon.value(PROTECTED), Some(0.0));
    let (status, _) = daemon.terminate();
    assert_eq!(status.code(), Some(143));
    let history = drsync(&world, &["history", "--since", "2026-11-22", "--until", "2026-11-23"]);
    // One that was killed between its cut and its record left none: that is told, and is all that may be.
    let text = String::from_utf8_lossy(&history.stdout).into_owned();
    let whole = history.status.success() || text.starts_with("A run record is not there yet");
    assert!(whole, "{text}");
    let status = drsync(&world, &["status", "--fail-on", "blocked,lost,unprotected"]);
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_listens_to_this_machine_and_waits_for_a_clock_that_goes_on() {
    let world = made().await;
    for (arguments, told) in [
        (&["daemon", "--listen", "0.0.0.0:0"][..], "--listen-to-others if that is meant"),
        (&["daemon", "--interval", "29m"], "less than 30 minutes"),
        (&["daemon", "--poll", "59s"], "less than a minute"),
        (&["daemon", "--only", "nobody"], "no such group"),
    ] {
        let refused = drsync(&world, arguments);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(64), "{arguments:?}: {said}");
        assert!(said.contains(told), "{said}");
    }
    runner::drsync(world.path(""), &["daemon"]).at(world.now.to_rfc3339()).ends(64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_whose_clock_is_moved_has_one_synchronization_like_any_other() {
    let nights = [
        // 02:30 is not there, and is there twice.
        ("2027-03-27T12:00:00Z", [27, 28, 29]),
        ("2027-10-30T12:00:00Z", [30, 31, 1]),
    ];
    for (begin, days) in nights {
        let mut world = World::new().await;
        let workspace = &mut world.config["workspaces"][0];
        workspace["sync_timezone"] = "Europe/Berlin".into();
        workspace["sync_default_schedule"] = "30 2 * * *".into();
        configure(&world);
        world.now = begin.parse().unwrap();
        let mut daemon = Daemon::start_with(&world, &["--interval", "1h"]);
        daemon.rounds(1);
        for round in 2..44 {
            world.later(59);
            world.countries().insert(&batch([round])).await.unwrap();
            world.later(1);
            daemon.at(&world);
            daemon.rounds(usize::try_from(round).unwrap());
        }
        let said = daemon.said();
        let cuts: Vec<&str> = said
            .iter()
            .filter(|line| line.contains(" cut      reference "))
            .map(|line| line.get(..13).unwrap())
            .collect();
        let hour = |cut: &str| cut[11..].parse::<u32>().unwrap();
        let day = |cut: &str| cut[8..10].parse::<u32>().unwrap();
        // The first one, and one in each night.
        assert_eq!(cuts.iter().map(|cut| day(cut)).collect::<Vec<_>>(), days, "{cuts:?}");
        assert!(cuts[1..].iter().all(|cut| hour(cut) <= 3), "{cuts:?}");
    }
}

/// `DRSYNC_DAEMON_DAYS=31 cargo test --release --test stories daemon` is the whole month.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_rounds_takes_no_more_memory_than_its_first_day() {
    let days: u64 = std::env::var("DRSYNC_DAEMON_DAYS").map_or(2, |days| days.parse().unwrap());
    let mut world = made().await;
    let mut daemon = Daemon::start(&world);
    daemon.rounds(1);
    let (mut first, mut rounds) = (None, 1);
    for round in 0..days * 48 {
        world.later(29);
        if round % 8 == 0 {
            run(&world, 100 + i64::try_from(round).unwrap()).await;
        }
        world.later(1);
        daemon.at(&world);
        rounds += 1;
        daemon.rounds(rounds);
        if round % 48 == 40 {
            eprintln!("day {}: {} MiB", round / 48 + 1, daemon.memory());
        }
        if round == 40 {
            first = Some(daemon.memory());
        }
        if round == days * 24 {
            // In the middle it is killed, and another goes on.
            let between = daemon.memory();
            assert!(between <= first.unwrap_or(between) + 16, "{first:?} MiB, then {between}");
            drop(daemon);
            daemon = Daemon::start(&world);
            rounds = 1;
            daemon.rounds(rounds);
        }
    }
    assert!(daemon.lines("alive") >= 1, "{}", daemon.said().join("\n"));
    let (last, first) = (daemon.memory(), first.unwrap());
    assert!(last <= first + 16, "{first} MiB after the first day, {last} at the end");
    let (_, text) = daemon.get("/metrics");
    let Some(samples) = understood(&text) else { return };
    let ok = |it: &&Value| it[0] == "drsync_rounds_total" && it[1] == json!({"exit": "ok"});
    let counted = samples.iter().find(ok).unwrap()[2].as_f64().unwrap();
    assert_eq!(counted, rounds as f64, "{text}");
}
