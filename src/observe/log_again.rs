//! Reading the cut log again, for whoever slept between the log and the replicas: what stands on these may be newer than that.

use crate::ledger::{Cut, Cuts};
use crate::plan::questions::groups_ahead_of_their_log;
use crate::plan::{WorkspaceObserved, merge_copies};
use crate::region::{Regions, refuse_without_a_copy};

/// So often it is read again at most: once more than another apply and a change of role follow each other in earnest.
pub(super) const READ_AGAIN_MAX: usize = 3;

/// Reads the log again where replicas tell of more than it did, and says whether it has newer cuts: then everything that was
/// looked at by the older ones is to be looked at anew.
pub(super) async fn read_log_again(seen: &mut WorkspaceObserved, regions: &Regions) -> bool {
    let ahead = groups_ahead_of_their_log(seen);
    if ahead.is_empty() {
        return false;
    }
    let groups: Vec<&str> = ahead.iter().map(String::as_str).collect();
    let newest = futures::join!(
        regions.primary.location.newest_cuts(&groups),
        regions.secondary.location.newest_cuts(&groups)
    );
    // One that refuses tells nothing newer.
    let newest = Cuts::merged(&newest.0.unwrap_or_default(), &newest.1.unwrap_or_default());
    let number = |cut: &Cut| cut.cut_number;
    let known = |group: &str| seen.ledger.cuts.newest(group).map(number);
    if groups.iter().all(|group| newest.newest(group).map(number) <= known(group)) {
        return false;
    }
    (seen.primary.ledger, seen.secondary.ledger) =
        futures::join!(regions.primary.location.ledger(), regions.secondary.location.ledger());
    refuse_without_a_copy(&mut seen.primary.ledger, &mut seen.secondary.ledger);
    seen.ledger = merge_copies(&seen.primary.copy(), &seen.secondary.copy());
    true
}
