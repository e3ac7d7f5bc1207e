//! A region that cannot be looked at, because it does not answer or refuses: said once, with what is known of it, and what it means for every group.

use chrono::{DateTime, Utc};

use crate::figures::{minute_near, moment, plural, span};
use crate::harmless::clean;
use crate::layout::first_line;
use crate::plan::document::{BothRegions, LastCut, WorkspacePlan};
use crate::plan::status::{RegionsStatus, WorkspaceStatus};
use crate::plan::{Decision, Finding, FindingCode, GroupPlan, Plan, Refused, misses_objective};

/// Which regions of a workspace cannot be looked at as a whole. That is told once, not of every group.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnseenRegions {
    primary: Standing,
    secondary: Standing,
}

/// What blocks a group, save that a region is away: that is told once, and not of every group.
pub(super) fn blocking<'a>(
    workspace: &WorkspacePlan,
    group: &'a GroupPlan,
) -> impl Iterator<Item = &'a Finding> + use<'a> {
    let away = UnseenRegions::of(workspace);
    group.findings.iter().filter(move |finding| finding.blocks() && !away.says(finding.code))
}

/// Whether a region can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    There,
    /// It gives no answer.
    Silent,
    /// It answers, and not with what was asked.
    Refusing,
}

impl Standing {
    fn of(reachable: bool, refused: Option<Refused>) -> Standing {
        match (reachable, refused) {
            (true, _) => Standing::There,
            (false, None) => Standing::Silent,
            (false, Some(Refused::Denied | Refused::Unreadable)) => Standing::Refusing,
        }
    }
}

impl UnseenRegions {
    pub(super) fn of(workspace: &WorkspacePlan) -> UnseenRegions {
        let BothRegions { primary, secondary, shared_answer: _ } = &workspace.observed;
        UnseenRegions {
            primary: Standing::of(primary.reachable, primary.refused),
            secondary: Standing::of(secondary.reachable, secondary.refused),
        }
    }

    pub(super) fn of_status(workspace: &WorkspaceStatus) -> UnseenRegions {
        let RegionsStatus { primary, secondary, shared_answer: _ } = &workspace.regions;
        UnseenRegions {
            primary: Standing::of(primary.reachable, primary.refused),
            secondary: Standing::of(secondary.reachable, secondary.refused),
        }
    }

    /// Whether a finding only says that a region cannot be looked at.
    pub(super) fn says(self, code: FindingCode) -> bool {
        let UnseenRegions { primary, secondary } = self;
        (primary == Standing::Silent && code == FindingCode::PrimaryNotAvailable)
            || (primary == Standing::Refusing && code == FindingCode::PrimaryRefused)
            || (secondary == Standing::Silent && code == FindingCode::SecondaryNotAvailable)
            || (secondary == Standing::Refusing && code == FindingCode::SecondaryRefused)
    }
}

/// Which regions cannot be looked at; `None`: all can. `begins`: nothing is said before it.
pub(super) fn sentence(all: &[UnseenRegions], begins: bool) -> Option<String> {
    let primaries: Vec<Standing> = all.iter().map(|away| away.primary).collect();
    let secondaries: Vec<Standing> = all.iter().map(|away| away.secondary).collect();
    let standing = |of: &[Standing]| match of {
        // One that is silent is the worse of several.
        _ if of.contains(&Standing::Silent) => Standing::Silent,
        _ if of.contains(&Standing::Refusing) => Standing::Refusing,
        _ => Standing::There,
    };
    let of_one =
        |away: &UnseenRegions| away.primary != Standing::There && away.secondary != Standing::There;
    let one = all.iter().any(of_one);
    let [primary, secondary, neither, regions] = if begins {
        ["Primary", "Secondary", "Neither", "Regions"]
    } else {
        ["primary", "secondary", "neither", "regions"]
    };
    let (first, rest) = match (standing(&primaries), standing(&secondaries)) {
        (Standing::There, Standing::There) => return None,
        (Standing::Silent, Standing::There) => (primary, "region not available"),
        (Standing::There, Standing::Silent) => (secondary, "region not available"),
        (Standing::Refusing, Standing::There) => (primary, "region cannot be read"),
        (Standing::There, Standing::Refusing) => (secondary, "region cannot be read"),
        (Standing::Silent, Standing::Silent) if one => (neither, "region available"),
        (Standing::Silent, Standing::Silent) => (regions, "of several workspaces not available"),
        (Standing::Refusing, Standing::Refusing) if one => (neither, "region can be read"),
        (Standing::Refusing, Standing::Refusing) => {
            (regions, "of several workspaces cannot be read")
        }
        (Standing::Silent, Standing::Refusing) => {
            (primary, "region not available, secondary region cannot be read")
        }
        (Standing::Refusing, Standing::Silent) => {
            (secondary, "region not available, primary region cannot be read")
        }
    };
    Some(format!("{first} {rest}"))
}

/// A group that nothing blocks but a region that cannot be looked at.
pub(super) fn only_away(workspace: &WorkspacePlan, group: &GroupPlan) -> bool {
    let away = UnseenRegions::of(workspace);
    let mut blocking = group.findings.iter().filter(|finding| finding.blocks()).peekable();
    group.decision == Decision::Blocked
        && blocking.peek().is_some()
        && blocking.all(|finding| away.says(finding.code))
}

/// The verdict where a region cannot be looked at.
pub(super) fn verdict(plan: &Plan) -> Option<String> {
    clauses(plan).map(|(line, goes_on)| first_line(line, goes_on))
}

/// The same, and what may be said after it.
pub(super) fn clauses(plan: &Plan) -> Option<(String, Vec<String>)> {
    let away: Vec<UnseenRegions> = plan.workspaces.iter().map(UnseenRegions::of).collect();
    let which = sentence(&away, true)?;
    let held = plan.groups().filter(|(workspace, group)| only_away(workspace, group)).count();
    let goes_on = plan.decided(Decision::Sync).count();
    let line = match held {
        0 => format!("{which}: no group was due, cuts are kept"),
        held => format!("{which}: {} cannot be synchronized, cuts are kept", plural(held, "group")),
    };
    let elsewhere =
        (goes_on > 0).then(|| format!("; {} to sync elsewhere", plural(goes_on, "group")));
    Some((line, elsewhere.into_iter().collect()))
}

/// Whether a region answers and cannot be looked at: that heals by no apply.
pub(super) fn needs_a_hand(plan: &Plan) -> bool {
    let mut regions = plan.workspaces.iter().flat_map(|workspace| {
        let BothRegions { primary, secondary, shared_answer: _ } = &workspace.observed;
        [primary, secondary]
    });
    regions.any(|seen| seen.refused.is_some())
}

/// Where a region that does not answer was looked for: it is the primary's workspace that answers for its location.
pub(super) fn describe_region_address(
    role: &str,
    workspace: Option<&str>,
    location: &str,
) -> String {
    match workspace.filter(|address| role == "primary" && address.starts_with("http")) {
        Some(address) => format!("{}, {location}", clean(address)),
        None => location.to_owned(),
    }
}

/// `42 (2026-11-22 09:41:07Z)`, or a dash.
pub(super) fn cut_cell(cut: Option<&LastCut>) -> String {
    cut.map_or("-".to_owned(), |cut| format!("{} ({})", cut.number, moment(cut.recovery_point)))
}

/// `12h, breached in 10h39m`.
pub(super) fn rpo_cell(lag: Option<i64>, rpo: Option<i64>, now: DateTime<Utc>) -> String {
    let Some(rpo) = rpo else {
        return "-".to_owned();
    };
    match lag {
        None | Some(..=0) => span(rpo),
        Some(lag) if misses_objective(lag, rpo) => {
            format!("{}, breached since {}", span(rpo), since(lag - rpo, now))
        }
        Some(lag) => format!("{}, breached in {}", span(rpo), span(rpo - lag)),
    }
}

/// The lag in words: `22h51m; the RPO of 24h is breached in 1h09m`.
pub(super) fn lag_words(lag: i64, rpo: Option<i64>, now: DateTime<Utc>) -> String {
    match rpo {
        None => span(lag),
        Some(rpo) if misses_objective(lag, rpo) => format!(
            "{}; the RPO of {} is breached since {}",
            span(lag),
            span(rpo),
            since(lag - rpo, now)
        ),
        Some(rpo) => {
            format!("{}; the RPO of {} is breached in {}", span(lag), span(rpo), span(rpo - lag))
        }
    }
}

fn since(seconds: i64, now: DateTime<Utc>) -> String {
    let ago = chrono::Duration::try_seconds(seconds).unwrap_or_default();
    minute_near(now - ago, now)
}
