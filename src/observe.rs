//! Puts the questions to both regions, batched and in parallel, and writes the answers down. It asks, and writes nothing.
//!
//! What is asked of groups, and of which, is decided in `plan::questions`; here is what comes before any group is known.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;

mod asking;
mod found_configuration;
mod log_again;
mod recent;

use crate::config::{Configuration, Connection, GroupEntry, WorkspaceConfig};
use crate::ledger::{Ledger, Row};
use crate::moment;
use crate::plan::document::{ConfigSource, Selection};
use crate::plan::{
    Observed, OwnPlaces, RecordsSeen, RegionObserved, Request, Witnessed, WorkspaceObserved,
    merge_copies,
};
use crate::record::LossesTold;
use crate::region::{
    LedgerCopy, LedgerTable, Presence, Region, RegionError, RegionErrorKind, Regions, WriteAccess,
    heads_agree, refuse_without_a_copy,
};
pub use asking::ask_until_known;
use asking::observe_groups;
pub use found_configuration::{FoundConfiguration, NamedBy, kept_configuration};
use log_again::{READ_AGAIN_MAX, read_log_again};
pub(crate) use recent::{FUTURE, Question, Recent, all_witnessed, newest_records, recent_records};

/// The moment of a look.
#[derive(Clone, Copy)]
struct Clock {
    now: DateTime<Utc>,
    /// It replaces every other clock.
    alone: bool,
}

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
    let now = moment::millis(now);
    let clock = Clock { now, alone: clock_overridden };
    let workspaces = configuration.workspaces.iter().zip(regions);
    Observed {
        now,
        clock_overridden,
        config: ConfigSource {
            source: configuration.source.clone(),
            sha256: configuration.sha256.clone(),
            effective_sha256: configuration.effective_sha256.clone(),
            secret_refs: secret_refs(configuration),
        },
        incomplete: configuration.incomplete,
        workspaces: join_all(
            workspaces
                .map(|(workspace, regions)| observe_workspace(workspace, regions, request, clock)),
        )
        .await,
    }
}

fn secret_refs(configuration: &Configuration) -> Vec<String> {
    let mut refs: Vec<String> = configuration
        .workspaces
        .iter()
        .flat_map(|workspace| {
            let Connection { secret_scope, pat_key, secondary_pat_key, .. } = &workspace.connection;
            let keys = pat_key.iter().chain(secondary_pat_key);
            keys.map(|key| format!("{}/{key}", secret_scope.as_deref().unwrap_or_default()))
        })
        .collect();
    refs.sort();
    refs.dedup();
    refs
}

async fn observe_workspace(
    workspace: &WorkspaceConfig,
    regions: &Regions,
    request: &Request,
    clock: Clock,
) -> WorkspaceObserved {
    let now = clock.now;
    let (recent, [mut primary, mut secondary]) = futures::join!(
        recent(workspace, regions, &request.record_keys, now),
        observe_both_regions(workspace, regions, request.content, clock)
    );
    let told = recent.told;
    let records = Some(RecordsSeen { found: recent.documents.len(), unseen: recent.unseen });
    let Recent { mut witnessed, settings, receipts, grants, .. } = recent;
    let settings_before = match &request.base {
        Some(base) => base.of_workspace(&OwnPlaces::of(workspace).whose(&workspace.name)),
        None => settings,
    };
    let home = &workspace.name;
    bring_ledgers_together(regions, home, &mut primary.ledger, &mut secondary.ledger).await;
    let [write_access_primary, write_access] =
        ask_for_write_access(workspace, regions, &primary).await;
    if lacks_what_is_told(&primary, &secondary, &witnessed) {
        // An apply may have ended between the two questions, and whole logs tell what their heads do not.
        (primary.ledger, secondary.ledger) =
            futures::join!(regions.primary.location.ledger(), regions.secondary.location.ledger());
        refuse_without_a_copy(&mut primary.ledger, &mut secondary.ledger);
        let lost = told_of_more(&witnessed, &merge_copies(&primary.copy(), &secondary.copy()));
        if !lost.is_empty() {
            let all = all_witnessed(&workspace.name, regions, &request.record_keys);
            witnessed.take_over(all.await, &lost);
        }
    }
    let ledger = merge_copies(&primary.copy(), &secondary.copy());
    let lost_with = told.lost_with_roles(&ledger.cuts, home);
    let mut seen = WorkspaceObserved {
        workspace: workspace.clone(),
        primary,
        secondary,
        write_access,
        write_access_primary,
        ledger,
        witnessed,
        settings_before,
        records,
        record_here: None,
        receipts,
        lost_with,
        compute: None,
        secrets: None,
        grants,
        watch: None,
        whole_look: false,
        groups: Vec::new(),
    };
    look_at_groups(&mut seen, regions, request, &told, now).await;
    seen
}

/// Looks at the groups that are to be looked at, and once more as long as replicas tell of more than the log.
async fn look_at_groups(
    seen: &mut WorkspaceObserved,
    regions: &Regions,
    request: &Request,
    told: &LossesTold,
    now: DateTime<Utc>,
) {
    let full = request.full || daily_look_is_due(seen, request, now);
    let request = &Request { full, ..request.clone() };
    let everything = full && request.selection == Selection::default();
    seen.whole_look = everything && seen.primary.reachable() && seen.secondary.reachable();
    observe_groups(seen, regions, request, now).await;
    for _ in 0..READ_AGAIN_MAX {
        if !read_log_again(seen, regions).await {
            break;
        }
        seen.lost_with = told.lost_with_roles(&seen.ledger.cuts, &seen.workspace.name);
        observe_groups(seen, regions, request, now).await;
    }
}

/// Whether records, rows or the epochs of cuts tell of more than the logs that were read.
fn lacks_what_is_told(
    primary: &RegionObserved,
    secondary: &RegionObserved,
    witnessed: &Witnessed,
) -> bool {
    let ledger = merge_copies(&primary.copy(), &secondary.copy());
    let heads_alone = [&primary.ledger, &secondary.ledger]
        .into_iter()
        .any(|copy| copy.as_ref().is_ok_and(|copy| copy.heads_only));
    !told_of_more(witnessed, &ledger).is_empty()
        || heads_alone && knows_a_role_alone(&ledger, witnessed)
}

/// Whether the primary's workspace may write to the locations of the primary and of the secondary; of a primary that is away nothing
/// is asked.
async fn ask_for_write_access(
    workspace: &WorkspaceConfig,
    regions: &Regions,
    primary: &RegionObserved,
) -> [Option<Result<WriteAccess, RegionError>>; 2] {
    if !primary.reachable() {
        return [None, None];
    }
    let location_primary = workspace.location_primary.to_string();
    let location_secondary = workspace.location_secondary.to_string();
    let (primary, secondary) = futures::join!(
        access_to(&regions.primary, &location_primary),
        access_to(&regions.primary, &location_secondary)
    );
    [Some(primary), Some(secondary)]
}

/// Both regions, the primary first: whether they are there, and their ledgers.
async fn observe_both_regions(
    workspace: &WorkspaceConfig,
    regions: &Regions,
    whole_log: bool,
    clock: Clock,
) -> [RegionObserved; 2] {
    let (primary, secondary) = futures::join!(
        observe_region(
            &regions.primary,
            Some(workspace.address.to_string()),
            workspace.location_primary.to_string(),
            clock,
            whole_log
        ),
        observe_region(
            &regions.secondary,
            workspace.connection.secondary_workspace.clone(),
            workspace.location_secondary.to_string(),
            clock,
            whole_log
        ),
    );
    [without_workspace(primary), secondary]
}

/// All groups are looked at once in this time: what happens to the tables of one that is not due shows by then.
const DAY: TimeDelta = TimeDelta::hours(24);
/// What a record tells of a moment so much later than now was told by a wrong clock.
const AHEAD: TimeDelta = TimeDelta::hours(1);

/// Whether it is time to look at all groups, due or not.
fn daily_look_is_due(seen: &WorkspaceObserved, request: &Request, now: DateTime<Utc>) -> bool {
    let last = seen.witnessed.whole_look().filter(|last| *last - now < AHEAD);
    request.daily
        && request.selection == Selection::default()
        && last.is_none_or(|last| now - last >= DAY)
}

/// The cuts of a workspace's groups that the newest run records of both regions tell of, and what they tell of losses; records that
/// cannot be read tell nothing.
pub(crate) async fn witnessed(
    workspace: &WorkspaceConfig,
    regions: &Regions,
    keys: &[String],
    now: DateTime<Utc>,
) -> (Witnessed, LossesTold) {
    let Recent { witnessed, told, .. } = recent(workspace, regions, keys, now).await;
    (witnessed, told)
}

async fn recent(
    workspace: &WorkspaceConfig,
    regions: &Regions,
    keys: &[String],
    now: DateTime<Utc>,
) -> Recent {
    let groups: Vec<&str> = workspace.groups.iter().filter_map(GroupEntry::name).collect();
    let places = OwnPlaces::of(workspace);
    let whose = Some(places.whose(&workspace.name));
    let question = Question { workspace: &workspace.name, whose, groups: &groups, keys };
    recent_records(question, regions, [true, true], now).await
}

/// Groups of which records or rows tell of cuts that the log does not have.
fn told_of_more(witnessed: &Witnessed, ledger: &Ledger) -> BTreeSet<String> {
    let newest = |group: &str| ledger.cuts.newest(group).map(|cut| cut.cut_number);
    let later = |row: &&Row| {
        let newest = ledger.cuts.newest(&row.group_name);
        row.sync_end_timestamp > newest.map(|cut| cut.committed_at)
    };
    let by_records = witnessed.beyond(newest).map(|(group, _)| group.to_owned());
    let by_rows = ledger.rows.values().filter(later).map(|row| row.group_name.clone());
    by_records.chain(by_rows).collect()
}

/// Whether the newest cut of a group is of an epoch that no record tells of: whether a change of role made it so stands before it.
fn knows_a_role_alone(ledger: &Ledger, witnessed: &Witnessed) -> bool {
    ledger.cuts.newest_of_each().any(|cut| {
        let told = witnessed.role_of(&cut.group_name, Some(cut.cut_number));
        told.map_or(0, |told| told.role.epoch) < cut.epoch
    })
}

/// Reads whole logs where their heads do not say that both are the same, and tells which copies are there to be used.
pub(crate) async fn bring_ledgers_together(
    regions: &Regions,
    home: &str,
    primary: &mut Result<LedgerCopy, RegionError>,
    secondary: &mut Result<LedgerCopy, RegionError>,
) {
    let agree = match (&*primary, &*secondary) {
        (Ok(one), Ok(other)) => {
            let whole = |copy: &LedgerCopy| !copy.is_damaged(LedgerTable::Cuts);
            whole(one) && whole(other) && heads_agree(one, other)
        }
        // What the other would say is not known: nothing is compared with it.
        (Err(_), _) | (_, Err(_)) => true,
    };
    // A change of role can be judged only with the cuts before it: the heads of the log do not suffice.
    let roles = |copy: &Result<LedgerCopy, RegionError>| {
        let cuts = copy.iter().flat_map(|copy| &copy.cuts).flat_map(|log| &log.cuts);
        // Nobody synchronizes a group of which another side is active: a cut that says so is looked at, whatever its kind.
        cuts.into_iter().any(|cut| cut.speaks_of_roles() || cut.is_away_from(home))
    };
    let agree = agree && !roles(primary) && !roles(secondary);
    if !agree {
        for (region, copy) in
            [(&regions.primary, &mut *primary), (&regions.secondary, &mut *secondary)]
        {
            if copy.as_ref().is_ok_and(|copy| copy.heads_only) {
                *copy = region.location.ledger().await;
            }
        }
    }
    refuse_without_a_copy(primary, secondary);
}

/// A primary whose workspace cannot be seen answers nothing that a plan needs: it is away, whatever its storage says.
fn without_workspace(region: RegionObserved) -> RegionObserved {
    let unseen =
        region.presence.as_ref().ok().and_then(|presence| presence.workspace_unseen.clone());
    match unseen {
        Some(why) => RegionObserved {
            presence: Err(RegionError::new(
                RegionErrorKind::Unavailable,
                "look at the workspace",
                why,
            )),
            ..region
        },
        None => region,
    }
}

/// Whether a region's own workspace may write to a location.
async fn access_to(region: &Region, location: &str) -> Result<WriteAccess, RegionError> {
    let doing = "look whether the sync locations may be written";
    region.require_workspace(doing)?.write_access(location).await
}

async fn observe_region(
    region: &Region,
    workspace: Option<String>,
    location: String,
    clock: Clock,
    whole_log: bool,
) -> RegionObserved {
    let presence = region
        .presence()
        .await
        .map(|presence| Presence { clock: presence.clock.filter(|_| !clock.alone), ..presence });
    let ledger = match &presence {
        // Only the whole log tells whether it is one chain.
        Ok(_) if whole_log => region.location.ledger().await,
        Ok(_) => region.location.ledger_heads().await,
        Err(error) => Err(error.clone()),
    };
    RegionObserved { workspace, location, presence, ledger, observed_at: clock.now }
}
