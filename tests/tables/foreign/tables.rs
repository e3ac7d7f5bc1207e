//! Tables with one file changed, read, cloned and verified by the library, in a process whose memory is bounded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use drsync::lakehouse::delta::{
    self, Author, CloneOptions, CopyProgress, DeltaError, Expect, SnapshotDetail, TableStore,
};

use crate::foreign::bounded::{self, Watch};
use crate::foreign::corpus::{self, files_below};
use crate::foreign::mutate::{Dice, mutated};
use crate::foreign::{FIRST, number, seconds};

/// Addresses that the process may use.
const ADDRESSES: u64 = 2 << 30;

/// Tries tables in another process; what ends it is told with the seed that did.
pub(crate) async fn try_in_a_bounded_process(test: &str) {
    if let Some(world) = bounded::world_to_try(test, ADDRESSES, corpus::build).await {
        try_tables(&world).await;
    }
}

/// Changes one file of one table after the other.
async fn try_tables(world: &Path) {
    let watch = Watch::begin();
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
        bounded::keep(world, &changed, &format!("seed {seed}: {}", file.display()));
        let modified = fs::metadata(file).unwrap().modified().unwrap();
        write_at(file, &changed, modified);
        let clone = dice.below(3) == 0;
        let used = watch.over(seed, use_table(&tables[table], world, clone)).await;
        if let Err(why) = &used {
            refused += 1;
            assert!(!why.trim().is_empty(), "seed {seed} is refused without a word");
        }
        write_at(file, &kept[file], modified);
        tried += 1;
    }
    let peak = bounded::peak_mib();
    eprintln!("tables: {tried} trials from seed {first}, {refused} refused, {peak} MiB at most");
    assert!(tried > 0, "no time for a trial");
}

fn write_at(file: &Path, bytes: &[u8], modified: std::time::SystemTime) {
    fs::write(file, bytes).unwrap();
    fs::File::options().write(true).open(file).unwrap().set_modified(modified).unwrap();
}

/// Everything that a plan and an apply do with a source.
async fn use_table(table: &Path, world: &Path, clone: bool) -> Result<(), String> {
    let told = |error: DeltaError| error.to_string();
    let source = TableStore::local(table);
    let versions = delta::versions(&source).await.map_err(told)?;
    delta::history(&source, None).await.map_err(told)?;
    delta::snapshot(&source, None, SnapshotDetail::Header).await.map_err(told)?;
    let summary =
        Arc::new(delta::snapshot(&source, None, SnapshotDetail::Summary).await.map_err(told)?);
    let whole = delta::snapshot(&source, None, SnapshotDetail::Full).await.map_err(told)?;
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
            job: None,
        },
        source_name: "odd".to_owned(),
        progress: CopyProgress::default(),
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
