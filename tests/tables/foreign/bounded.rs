//! A process of its own for trials: its memory is bounded, and what ends it is told with the seed that did.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::foreign::{LONGEST_TRIAL, keep_for_repair};

/// Names the folder of a world to the process that tries.
const WORLD: &str = "DRSYNC_FOREIGN_WORLD";

/// A public certificate of some authority.
const CERTIFICATE: &str = include_str!("certificate.pem");

/// The world of a process that is to try, bounded to so many bytes of addresses; `None` once another one has tried and ended well.
///
/// Programs with threads use many more addresses than bytes of memory.
pub(crate) async fn world_to_try(
    test: &str,
    addresses: u64,
    build: impl AsyncFnOnce(&Path),
) -> Option<PathBuf> {
    if let Some(world) = std::env::var_os(WORLD) {
        let most = Rlimit { current: Some(addresses), maximum: Some(addresses) };
        setrlimit(Resource::As, most).unwrap();
        end_at_a_panic();
        return Some(PathBuf::from(world));
    }
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("world");
    build(&world).await;
    // Every client reads all certificates there are, and here none is looked at.
    let certificate = folder.path().join("certificate.pem");
    fs::write(&certificate, CERTIFICATE).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("foreign::{test}"), "--nocapture"])
        .env(WORLD, &world)
        .env("SSL_CERT_FILE", certificate)
        .env("SSL_CERT_DIR", folder.path().join("none"))
        // Each of the allocator's arenas reserves addresses.
        .env("MALLOC_ARENA_MAX", "2")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    eprintln!("{}", said.lines().filter(|line| line.contains("trials")).collect::<String>());
    if output.status.success() {
        assert!(said.contains("1 passed"), "nothing was tried: {said}");
    } else {
        let kept = keep_for_repair(&world.join("now"));
        let end: Vec<&str> = said.lines().rev().take(12).collect();
        let end = end.into_iter().rev().collect::<Vec<_>>().join("\n");
        panic!("{}; {kept}\n{end}", output.status);
    }
    None
}

/// A panic in whatever thread ends the process, unless a foreign parser's is contained.
fn end_at_a_panic() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        std::process::exit(101);
    }));
    drsync::foreign::silence_contained_panics();
}

/// Keeps what is about to be tried, for whoever has to mend it.
pub(crate) fn keep(world: &Path, input: &[u8], about: &str) {
    fs::write(world.join("now"), input).unwrap();
    fs::write(world.join("now.txt"), about).unwrap();
}

/// Ends the process when a trial takes too long.
pub(crate) struct Watch(Arc<AtomicU64>);

impl Watch {
    pub(crate) fn begin() -> Watch {
        let now = Arc::new(AtomicU64::new(0));
        let seen = now.clone();
        std::thread::spawn(move || {
            let (mut last, mut since) = (0, Instant::now());
            loop {
                std::thread::sleep(std::time::Duration::from_millis(200));
                let now = seen.load(Ordering::Relaxed);
                if now != last || now & 1 == 0 {
                    (last, since) = (now, Instant::now());
                } else if since.elapsed() > LONGEST_TRIAL {
                    eprintln!("seed {} takes longer than {LONGEST_TRIAL:?}", now >> 1);
                    std::process::exit(1);
                }
            }
        });
        Watch(now)
    }

    /// The number is the seed under trial, doubled, and one while it is tried.
    pub(crate) async fn over<T>(&self, seed: u64, trial: impl Future<Output = T>) -> T {
        self.0.store(seed << 1 | 1, Ordering::Relaxed);
        let done = trial.await;
        self.0.store(seed << 1, Ordering::Relaxed);
        done
    }
}

/// MiB of memory that this process held at most.
pub(crate) fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or_default() >> 10
}
