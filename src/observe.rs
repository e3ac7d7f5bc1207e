//! Puts the questions to both regions, batched and in parallel, and writes the answers down.

use chrono::{DateTime, Utc};

use crate::config::Configuration;
use crate::plan::{Observed, Request};
use crate::region::Regions;

/// Looks at both regions of every usable workspace (`regions` in the order of `configuration.workspaces`).
///
/// Never fails: a region's trouble is part of what was seen.
pub async fn observe(
    configuration: &Configuration,
    regions: &[Regions],
    request: &Request,
    now: DateTime<Utc>,
    clock_overridden: bool,
) -> Observed {
    todo!("{configuration:?} {regions:?} {request:?} {now} {clock_overridden}")
}
