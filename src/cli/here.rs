//! The documents of applies beside the configuration, as an apply needs them. What is written lies below `.drsync`, by `keep`.

use std::path::PathBuf;
use std::sync::Mutex;

use super::keep;
use crate::apply::LocalEvidence;
use crate::region::KeptDocument;

/// The folder of drsync's own files beside the configuration.
pub(super) struct Here {
    folder: PathBuf,
    kept: Mutex<Option<anyhow::Result<PathBuf>>>,
}

impl Here {
    pub(super) fn new(folder: PathBuf) -> Here {
        Here { folder, kept: Mutex::new(None) }
    }

    /// Where the record of this apply lies, or why it does not; nowhere: of a round with nothing to do.
    pub(super) fn take_record_path(&self) -> Option<anyhow::Result<PathBuf>> {
        let kept = self.kept.lock();
        kept.expect("no panic while a record is kept").take()
    }
}

impl LocalEvidence for Here {
    fn keep(&self, run_id: &str, quiet: bool, bytes: &[u8], signature: Option<&str>) {
        let kept = keep::owe(&self.folder, run_id).and_then(|()| {
            if quiet {
                keep::quiet_record(&self.folder, run_id, bytes, signature).map(|()| None)
            } else {
                keep::record(&self.folder, run_id, bytes, signature).map(Some)
            }
        });
        *self.kept.lock().expect("no panic while a record is kept") = kept.transpose();
    }

    fn owed(&self) -> Vec<KeptDocument> {
        keep::owed(&self.folder)
    }

    fn settle(&self, run_id: &str) {
        keep::settle(&self.folder, run_id);
    }

    fn recent_records(&self) -> Vec<KeptDocument> {
        keep::recent_records(&self.folder)
    }

    fn server_answers(&self, run_id: &str) -> Option<Vec<u8>> {
        keep::told_of(&self.folder, run_id)
    }
}
