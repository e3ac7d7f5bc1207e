//! The newest run records of both regions, read as far as it takes to know the newest cut of every group.
//!
//! Each record tells the newest cut of every group that its apply knew of, from the logs and from the records before it. So few
//! of them tell what all do, whichever groups the last applies were of. Records of earlier versions tell of their own groups
//! alone, and are read until each group was named.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use futures::future::join_all;

use crate::plan::Witnessed;
use crate::region::{
    KeptDocument, KeptRecords, PassedOver, RecordRange, Region, RegionError, Regions, apply_of,
    first_id_of,
};

/// A record of a moment so much later than now is none that any apply left: clocks are wrong by hours, and by days.
pub(crate) const FUTURE: Duration = Duration::days(31);

/// How far records are read.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// Records that are asked for at once: one question on Databricks, whatever lies between them.
    at_once: usize,
    /// So many that can be read and are of no moment to come are enough: more than applies ever run at once, and those of a
    /// runner whose clock is ahead of another's by minutes.
    enough: usize,
    /// So many are looked at in a region at most.
    most: usize,
}

const RECENT: Reach = Reach { at_once: 32, enough: 16, most: 512 };
/// Where cuts are known to be lost no number may be given again, so that nearly everything is read.
const ALL: Reach = Reach { at_once: 256, enough: usize::MAX, most: 4_096 };

/// No id comes after it.
const AFTER_ALL_IDS: &str = "8";

/// The newest run records of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recent {
    /// Those of no moment to come, by name; of one name two where the regions have different ones.
    pub(crate) documents: Vec<KeptDocument>,
    /// What was passed over.
    pub(crate) passed_over: Vec<PassedOver>,
    /// No region could be asked.
    pub(crate) unseen: bool,
    /// The cuts that they tell of, and those of a moment to come.
    pub(crate) witnessed: Witnessed,
}

/// Reads the newest run records of a workspace in the regions that are to be asked; `groups`: those that are to be told of.
pub(crate) async fn recent_records(
    workspace: &str,
    groups: &[&str],
    regions: &Regions,
    asked: [bool; 2],
    now: DateTime<Utc>,
) -> Recent {
    records(workspace, groups, regions, asked, &first_id_of(now + FUTURE), RECENT).await
}

/// Reads nearly all run records of a workspace for the cuts that they tell of.
pub(crate) async fn all_witnessed(workspace: &str, regions: &Regions) -> Witnessed {
    records(workspace, &[], regions, [true, true], AFTER_ALL_IDS, ALL).await.witnessed
}

/// One region while its records are read, the newest first.
struct Side<'a> {
    region: &'a dyn Region,
    until: Option<String>,
    open: bool,
    counted: usize,
    read: usize,
    answered: bool,
}

async fn records(
    workspace: &str,
    groups: &[&str],
    regions: &Regions,
    asked: [bool; 2],
    latest: &str,
    reach: Reach,
) -> Recent {
    let both = [regions.primary.as_ref(), regions.secondary.as_ref()];
    let sides = both.into_iter().zip(asked).map(|(region, open)| Side {
        region,
        until: None,
        open,
        counted: 0,
        read: 0,
        answered: false,
    });
    let mut sides: Vec<Side<'_>> = sides.collect();
    let mut recent = Recent::default();
    // By name, with whether it is a record: most lie in both regions, and are looked at once.
    let mut judged: BTreeMap<String, Vec<(KeptDocument, bool)>> = BTreeMap::new();
    while sides.iter().any(|side| side.open) {
        let pages = join_all(sides.iter().map(async |side| side.next(reach).await)).await;
        for (side, page) in sides.iter_mut().zip(pages) {
            let Some(page) = side.taken(page, reach, latest) else {
                continue;
            };
            recent.passed_over.extend(page.passed_over);
            for document in page.documents {
                let to_come = document.name.as_str() > latest;
                let of_name = judged.entry(document.name.clone()).or_default();
                let known = of_name.iter().find(|(other, _)| *other == document);
                let is_record = match known {
                    Some((_, is_record)) => *is_record,
                    None => {
                        let is_record = recent.witnessed.take_in(workspace, &document);
                        of_name.push((document, is_record));
                        is_record
                    }
                };
                side.counted += usize::from(is_record && !to_come);
            }
        }
        let told = recent.witnessed.tells_of_all(groups.iter().copied());
        for side in &mut sides {
            side.open &= side.counted < reach.enough || !told;
        }
    }
    recent.unseen = !sides.iter().any(|side| side.answered);
    let of_names = judged.into_iter().filter(|(name, _)| name.as_str() <= latest);
    recent.documents = of_names.flat_map(|(_, all)| all).map(|(document, _)| document).collect();
    recent.passed_over.sort_unstable();
    recent.passed_over.dedup();
    recent
}

impl Side<'_> {
    async fn next(&self, reach: Reach) -> Option<Result<KeptRecords, RegionError>> {
        let range = RecordRange {
            until: self.until.clone(),
            newest: Some(reach.at_once),
            ..RecordRange::default()
        };
        match self.open {
            true => Some(self.region.run_records(&range).await),
            false => None,
        }
    }

    /// What was read, if anything; afterwards it is known whether there is more.
    fn taken(
        &mut self,
        page: Option<Result<KeptRecords, RegionError>>,
        reach: Reach,
        latest: &str,
    ) -> Option<KeptRecords> {
        // Of a region that stops answering what it told before counts.
        let Ok(page) = page? else {
            self.open = false;
            return None;
        };
        self.answered = true;
        self.read += page.documents.len();
        // A name has more than the id it begins with, so that nothing of this apply is asked for again.
        let oldest = page.documents.first().and_then(|document| apply_of(&document.name));
        self.until = oldest.map(|oldest| oldest.min(latest).to_owned());
        self.open = page.documents.len() >= reach.at_once && self.read < reach.most;
        Some(page)
    }
}
