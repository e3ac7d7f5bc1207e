//! What every cut held when it was made, and whether others still read it there, by its version, when the story is over.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use drsync::config::TableName;
use drsync::ledger::Cut;
use drsync::region::Location;
use serde_json::{Value, json};
use tempfile::TempDir;

tokio::task_local! {
    static REMEMBERED: Arc<Mutex<Remembered>>;
}

/// The cuts of one story.
#[derive(Default)]
struct Remembered {
    /// What the cuts have in the worlds, which are to live as long.
    worlds: Vec<Arc<TempDir>>,
    /// Copies of sources as they were at their cut: later a source may be vacuumed, or gone.
    sources: Vec<TempDir>,
    seen: Vec<String>,
    pairs: Vec<Value>,
    replicas_are_gone: bool,
}

/// Tells a story; then every cut that it made is read by its versions with the readers of others, and holds what the source held.
pub(crate) async fn with_every_cut_read_back(story: impl Future<Output = ()>) {
    let remembered = Arc::new(Mutex::new(Remembered::default()));
    REMEMBERED.scope(remembered.clone(), story).await;
    let remembered = remembered.lock().unwrap();
    if remembered.replicas_are_gone {
        return;
    }
    let Some(readers) = super::readers::readers() else {
        return;
    };
    // Readers take a `%` in a folder's name for an escape.
    let mut plain = Vec::new();
    let mut pairs = remembered.pairs.clone();
    for pair in &mut pairs {
        let replica = pair["replica"].as_str().unwrap();
        if replica.contains('%') {
            let copy = tempfile::tempdir().unwrap();
            copied(Path::new(replica), copy.path());
            pair["replica"] = json!(copy.path());
            plain.push(copy);
        }
    }
    super::readers::assert_same(readers, &pairs);
}

/// The story itself takes replicas away, so that none of its cuts can be read.
pub(crate) fn the_replicas_are_gone() {
    let _ = REMEMBERED.try_with(|remembered| remembered.lock().unwrap().replicas_are_gone = true);
}

/// Remembers the cuts that a secondary has and had not before.
pub(crate) async fn remember(folder: &Arc<TempDir>, secondary: &dyn Location) {
    let Ok(remembered) = REMEMBERED.try_with(Arc::clone) else {
        return;
    };
    let Ok(ledger) = secondary.ledger().await else {
        return;
    };
    let cuts = ledger.all_cuts();
    let mut remembered = remembered.lock().unwrap();
    for cut in cuts.iter() {
        let sha256 = cut.sha256();
        if !remembered.seen.contains(&sha256) {
            remembered.seen.push(sha256);
            remembered.take(cut, folder);
        }
    }
}

impl Remembered {
    fn take(&mut self, cut: &Cut, folder: &Arc<TempDir>) {
        self.worlds.push(folder.clone());
        let catalog = std::fs::read(folder.path().join("east/lakehouse.json")).unwrap();
        let catalog: Value = serde_json::from_slice(&catalog).unwrap();
        for entry in &cut.tables {
            let name = entry.table.to_string();
            let known = catalog["tables"].as_array().unwrap().iter().find(|known| {
                let full = TableName::parse(known["full_name"].as_str().unwrap());
                full.is_ok_and(|full| full.to_string().eq_ignore_ascii_case(&name))
            });
            let location = known.expect(&name)["storage_location"].as_str().unwrap();
            let copy = tempfile::tempdir().unwrap();
            copied(&folder.path().join("east").join(location), copy.path());
            let replica = &entry.replica_location;
            self.pairs.push(json!({
                "what": format!("{name} at {} of {}", cut.label(), cut.group_name),
                "source": copy.path(),
                "version": entry.source_version,
                "replica": replica.strip_prefix("file://").unwrap_or(replica),
                "replica_version": entry.replica_version,
            }));
            self.sources.push(copy);
        }
    }
}

/// Copies a folder with the times of its files.
fn copied(from: &Path, to: &Path) {
    let mut copy = Command::new("cp");
    let done = copy.arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(done.success(), "{}", from.display());
}
