//! What this machine keeps of applies: a copy of each document, from which a region that lacks one gets it later.
//! The trait alone: the command line keeps them.

use crate::region::KeptDocument;

/// Where this machine keeps documents.
///
/// A record is kept here before any region has it, so that one that is lost between the two is brought by the next apply.
pub trait LocalEvidence: Send + Sync {
    /// Keeps a run record and the signature of it, and remembers that regions have to get it; what cannot be kept is told to people.
    fn keep(&self, run_id: &str, quiet: bool, bytes: &[u8], signature: Option<&str>);

    /// The documents of applies that some region still has to get: of each its plan, the signatures and the record.
    fn owed(&self) -> Vec<KeptDocument>;

    /// Forgets that regions have to get the documents of an apply: all have them.
    fn settle(&self, run_id: &str);

    /// The newest run records that lie here, for a round in which no region tells of any.
    fn recent_records(&self) -> Vec<KeptDocument> {
        Vec::new()
    }

    /// What servers answered to the messages of an apply, as it lies here.
    fn server_answers(&self, run_id: &str) -> Option<Vec<u8>> {
        let _ = run_id;
        None
    }
}

/// A machine that keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingHere;

impl LocalEvidence for NothingHere {
    fn keep(&self, _run_id: &str, _quiet: bool, _bytes: &[u8], _signature: Option<&str>) {}

    fn owed(&self) -> Vec<KeptDocument> {
        Vec::new()
    }

    fn settle(&self, _run_id: &str) {}
}
