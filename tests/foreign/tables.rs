//! Tables with one file changed, read, cloned and verified by the library, in a process whose memory is bounded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use drsync::lakehouse::delta::{
    self, Author, CloneOptions, DeltaError, Detail, Expect, Progress, TableStore,
};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::corpus::{self, files_below};
use crate::mutate::{Dice, mutated};
use crate::{FIRST, LONGEST_TRIAL, keep_for_repair, number, seconds};

/// Names the folder of a world to the process that tries.
const WORLD: &str = "DRSYNC_FOREIGN_WORLD";
/// Addresses that the process may use: programs with threads use many more than bytes of memory.
const MEMORY: u64 = 2 << 30;

/// Tries tables in another process; what ends it is told with the seed that did.
pub(crate) async fn try_in_a_bounded_process(test: &str) {
    if let Some(world) = std::env::var_os(WORLD) {
        try_tables(Path::new(&world)).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("world");
    corpus::build(&world).await;
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(WORLD, &world)
        // Each of the allocator's arenas reserves addresses.
        .env("MALLOC_ARENA_MAX", "2")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    eprintln!("{}", said.lines().filter(|line| line.contains("trials")).collect::<String>());
    if !output.status.success() {
        let kept = keep_for_repair(&world.join("now"));
        let end: Vec<&str> = said.lines().rev().take(12).collect();
        let end = end.into_iter().rev().collect::<Vec<_>>().join("\n");
        panic!("{}; {}\n{end}", output.status, kept);
    }
}

/// Changes one file of one table after the other.
async fn try_tables(world: &Path) {
    let most = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
    setrlimit(Resource::As, most).unwrap();
    drsync::foreign::silence_contained_panics();
    let begun = watch();
    let tables = corpus::TABLES.map(|name| world.join("east/tables").join(name));
    let files: Vec<Vec<PathBuf>> = tables.iter().map(|table| files_below(table)).collect();
    let kept: BTreeMap<PathBuf, Vec<u8>> =
        files.iter().flatten().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    for table in &tables {
        assert_eq!(use_table(table, world, true).await, Ok(()), "{}", table.display());
    }
    let first = number(FIRST).unwrap_or(1);
    let until = Instant::now() + seconds();
    let (mut tried, mut refused) = (0, 0);
    for seed in first.. {
        if Instant::now() > until {
            break;
        }
        let mut dice = Dice::of(seed);
        let table = dice.below(tables.len());
        let file = dice.one(&files[table]);
        let other = dice.one(files.iter().flatten().collect::<Vec<_>>().as_slice()).to_path_buf();
        let changed = mutated(&mut dice, &kept[file], &kept[&other]);
        fs::write(world.join("now"), &changed).unwrap();
        fs::write(world.join("now.txt"), format!("seed {seed}: {}", file.display())).unwrap();
        let modified = fs::metadata(file).unwrap().modified().unwrap();
        write_at(file, &changed, modified);
        begun.store(seed << 1 | 1, Ordering::Relaxed);
        let used = use_table(&tables[table], world, dice.below(3) == 0).await;
        begun.store(seed << 1, Ordering::Relaxed);
        if let Err(why) = &used {
            refused += 1;
            assert!(!why.trim().is_empty(), "seed {seed} is refused without a word");
        }
        write_at(file, &kept[file], modified);
        tried += 1;
    }
    eprintln!("tables: {tried} trials from seed {first}, {refused} refused");
    assert!(tried > 0, "no time for a trial");
}

fn write_at(file: &Path, bytes: &[u8], modified: std::time::SystemTime) {
    fs::write(file, bytes).unwrap();
    fs::File::options().write(true).open(file).unwrap().set_modified(modified).unwrap();
}

/// Ends the process when a trial takes too long; the number is the seed under trial, doubled, and one while it is tried.
fn watch() -> Arc<AtomicU64> {
    let begun = Arc::new(AtomicU64::new(0));
    let seen = begun.clone();
    std::thread::spawn(move || {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let now = seen.load(Ordering::Relaxed);
            if now != last || now & 1 == 0 {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > LONGEST_TRIAL {
                eprintln!("seed {} takes longer than {LONGEST_TRIAL:?}", now >> 1);
                std::process::exit(1);
            }
        }
    });
    begun
}

/// Everything that a plan and an apply do with a source.
async fn use_table(table: &Path, world: &Path, clone: bool) -> Result<(), String> {
    let told = |error: DeltaError| error.to_string();
    let source = TableStore::local(table);
    let versions = delta::versions(&source).await.map_err(told)?;
    delta::history(&source, None).await.map_err(told)?;
    delta::snapshot(&source, None, Detail::Header).await.map_err(told)?;
    let summary = Arc::new(delta::snapshot(&source, None, Detail::Summary).await.map_err(told)?);
    let whole = delta::snapshot(&source, None, Detail::Full).await.map_err(told)?;
    delta::check_clone(&whole).map_err(told)?;
    delta::check_external(&source, &whole).await.map_err(told)?;
    delta::check_files(&source, &summary, None).await.map_err(told)?;
    if !clone {
        return Ok(());
    }
    let replica = tempfile::tempdir_in(world).unwrap();
    let target = TableStore::local(replica.path().join("replica"));
    let options = CloneOptions {
        properties: BTreeMap::new(),
        expect: Expect::Absent,
        doubted: false,
        author: Author {
            now_ms: 1_795_000_000_000,
            engine_info: "odd".to_owned(),
            user_name: None,
        },
        source_name: "odd".to_owned(),
        progress: Progress::default(),
    };
    let cloned =
        delta::deep_clone(&source, versions.newest, &target, options).await.map_err(told)?;
    let verified =
        delta::verify(&source, versions.newest, &target, cloned.version).await.map_err(told)?;
    match verified.differences.first() {
        None => Ok(()),
        Some(first) => Err(first.to_string()),
    }
}
