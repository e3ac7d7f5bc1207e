//! Others who write to a replica that has a name in the secondary: what is printed for it is run there as it stands.

use std::path::Path;

use drsync::lakehouse::delta::{self, SnapshotDetail, TableStore};

use crate::runbook::workspace::{West, answer};

/// The statement that a page has for a purpose, which is told with the place to run it in.
fn statement(page: &str, purpose: &str, begins: &str) -> (String, String) {
    let after = page.split_once(purpose).unwrap_or_else(|| panic!("{purpose}\n{page}")).1;
    let lines: Vec<&str> = after.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.starts_with(begins));
    let at = at.unwrap_or_else(|| panic!("{begins}\n{page}"));
    (lines[..at].join(" ").trim().to_owned(), lines[at].to_owned())
}

async fn rows(folder: &Path) -> u64 {
    let snapshot = delta::snapshot(&TableStore::local(folder), None, SnapshotDetail::Summary).await;
    snapshot.unwrap().totals().rows.expect("its writers count rows")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_wrote_is_kept_and_undone_by_the_names_that_are_printed() {
    let west = West::new().await;
    let replica = west.path("west/sync/main/ref/countries");
    let before = rows(&replica).await;
    let served = &west.running.secondary;
    answer(served, "DELETE FROM main.ref.countries WHERE id = 5").await.unwrap();
    let plan = ["plan", "--full", "--config", "served.json"];
    let page = west.drsync(&plan, 0).await;
    assert!(page.contains("replica_changed"), "{page}");
    let keep = statement(&page, "To keep the changes, copy them aside first", "CREATE TABLE");
    let undo = statement(&page, "Or undo them by a RESTORE", "RESTORE TABLE");
    for (place, text) in [&keep, &undo] {
        assert!(place.ends_with(&served.url), "{place}: {text}\n{page}");
        assert!(text.contains("main.ref.countries") && !text.contains("delta.`"), "{text}");
        answer(served, text).await.unwrap_or_else(|why| panic!("{text}: {why}"));
    }
    assert_eq!(rows(&replica).await, before, "{}", undo.1);
    let kept = answer(served, "SELECT COUNT(*) AS number FROM main.ref.countries_kept").await;
    assert_eq!(kept.unwrap()[0]["number"], (before - 1).to_string());
    let page = west.drsync(&plan, 0).await;
    assert!(!page.contains("replica_changed"), "{page}");
}
