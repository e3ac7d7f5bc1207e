//! Documents kept beside the ledger: put once, never replaced.

use std::path::Path;

use super::delta::TableStore;
use super::off_thread;
use super::refusal::refusal;
use crate::ledger::{EVIDENCE, FOLDER};
use crate::region::{RegionError, RegionErrorKind};

pub(super) async fn keep(root: &Path, name: &str, bytes: &[u8]) -> Result<(), RegionError> {
    let doing = format!("keep {name} as evidence");
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        let detail = "its name is not the name of a file";
        return Err(RegionError::new(
            RegionErrorKind::Unsupported,
            doing,
            detail,
        ));
    }
    let folder = TableStore::within(root, &format!("{FOLDER}/{EVIDENCE}"));
    let (name, bytes) = (name.to_owned(), bytes.to_vec());
    let kept = off_thread(move || {
        folder.make_folder("")?;
        folder.create(&name, &bytes)
    });
    kept.await.map(drop).map_err(|error| refusal(doing, &error))
}
