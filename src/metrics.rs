//! How everything stands as Prometheus reads it: from a status document, or from what a round found. Pure.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use chrono::{DateTime, Utc};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Registry;

mod round;

use crate::config::{Sides, WorkspaceConfig};
use crate::ledger;
use crate::plan::Decision;
use crate::plan::document::ReasonCode;
use crate::plan::status::{GroupStatus, StatusDocument};

/// What `Content-Type` says of [`text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is measured, as of one moment.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Every side of every workspace, and whether it answered.
    pub sides: Vec<SideUp>,
    /// Every group, sorted by workspace and name.
    pub groups: Vec<GroupMeasured>,
    /// When the newest apply ended.
    pub round_ended_at: Option<DateTime<Utc>>,
    /// What is counted as long as a process lives; `None`: this one ends at once.
    pub counts: Option<Counts>,
}

/// Whether a side answered when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideUp {
    /// The workspace.
    pub workspace: String,
    /// The side's label.
    pub side: String,
    /// It answered.
    pub up: bool,
    /// What runs in its workspace, where nothing should, was seen; `None`: nobody looked, or nothing is to be watched there.
    pub watched: Option<bool>,
}

/// How one group stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMeasured {
    /// Its workspace.
    pub workspace: String,
    /// Its name.
    pub group: String,
    /// Labels of its two sides.
    pub sides: Sides,
    /// The side that may be written.
    pub active: String,
    /// How it stands.
    pub state: GroupState,
    /// Age of the oldest commit that no cut holds, seconds; `None`: it is not known.
    pub lag_seconds: Option<i64>,
    /// Its objective, seconds.
    pub objective_seconds: Option<i64>,
    /// Its newest cut.
    pub cut: Option<CutMeasured>,
    /// Every replica holds that cut; `None`: nobody looked.
    pub protected: Option<bool>,
}

/// The newest cut of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutMeasured {
    /// Its number.
    pub number: u64,
    /// Its moment.
    pub recovery_point: DateTime<Utc>,
}

/// How a group stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupState {
    /// It is synchronized, or waits for what comes by itself.
    Ok,
    /// It is blocked, or its newest attempt failed.
    Failing,
    /// Somebody paused it.
    Paused,
    /// Another side is active of it.
    FailedOver,
    /// The primary was not seen.
    Unknown,
}

/// What is counted as long as a process lives.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Rounds by the name of their exit.
    pub rounds: BTreeMap<String, u64>,
    /// Bytes that clones reported, by workspace.
    pub copied_bytes: BTreeMap<String, u64>,
    /// Messages by channel and outcome.
    pub notifications: BTreeMap<(String, String), u64>,
}

impl GroupState {
    /// Every state, in the order in which they are written.
    pub const ALL: [GroupState; 5] = [
        GroupState::Ok,
        GroupState::Failing,
        GroupState::Paused,
        GroupState::FailedOver,
        GroupState::Unknown,
    ];

    /// As a label.
    pub fn as_str(self) -> &'static str {
        match self {
            GroupState::Ok => "ok",
            GroupState::Failing => "failing",
            GroupState::Paused => "paused",
            GroupState::FailedOver => "failed_over",
            GroupState::Unknown => "unknown",
        }
    }
}

impl Measured {
    /// What a status document says of the workspaces of a configuration.
    pub fn of(status: &StatusDocument, workspaces: &[WorkspaceConfig]) -> Measured {
        let mut measured = Measured::default();
        for workspace in &status.workspaces {
            let configured = workspaces.iter().find(|it| it.name == workspace.name);
            let sides =
                configured.map_or_else(|| Sides::of(&workspace.name, None), WorkspaceConfig::sides);
            let watched = workspace.unwatched.as_ref().map(Vec::is_empty);
            for (side, seen, watched) in [
                (&sides.home, &workspace.regions.primary, None),
                (&sides.other, &workspace.regions.secondary, watched),
            ] {
                measured.sides.push(SideUp {
                    workspace: workspace.name.clone(),
                    side: side.clone(),
                    up: seen.reachable,
                    watched,
                });
            }
            let groups = workspace.groups.iter();
            let groups = groups.map(|group| of_group(&workspace.name, &sides, group));
            measured.groups.extend(groups);
        }
        measured.groups.sort_by(|a, b| (&a.workspace, &a.group).cmp(&(&b.workspace, &b.group)));
        measured
    }
}

fn of_group(workspace: &str, sides: &Sides, group: &GroupStatus) -> GroupMeasured {
    let active = group.failed_over.as_ref().map_or(&sides.home, |over| &over.active);
    GroupMeasured {
        workspace: workspace.to_owned(),
        group: group.name.clone(),
        sides: sides.clone(),
        active: active.clone(),
        state: state(group),
        lag_seconds: group.lag_seconds,
        objective_seconds: group.rpo_seconds,
        cut: group
            .last_cut
            .as_ref()
            .map(|cut| CutMeasured { number: cut.number, recovery_point: cut.recovery_point }),
        protected: Some(group.protected),
    }
}

fn state(group: &GroupStatus) -> GroupState {
    let paused = group.reason_code == Some(ReasonCode::Paused);
    match group.decision {
        _ if group.failed_over.is_some() => GroupState::FailedOver,
        None => GroupState::Unknown,
        Some(Decision::Blocked) => GroupState::Failing,
        Some(_) if paused => GroupState::Paused,
        Some(_) if group.status == Some(ledger::RowStatus::Failed) => GroupState::Failing,
        Some(_) => GroupState::Ok,
    }
}

/// All of it in the text format of OpenMetrics, which Prometheus and the node exporter's textfile collector read.
pub fn text(measured: Measured) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(measured));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)
        .expect("a String takes everything");
    text
}

/// The value of a label, harmless; the crate quotes what has to be.
#[derive(Debug)]
struct Value<'a>(&'a str);

impl EncodeLabelValue for Value<'_> {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> fmt::Result {
        encoder.write_str(&crate::harmless::clean(self.0))
    }
}

type Labels<'a> = Vec<(&'static str, Value<'a>)>;

/// One family of gauges or counters: its name, what it is, and each of its values with its labels.
struct Family<'a> {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    values: Vec<(Labels<'a>, i64)>,
}

impl<'a> Family<'a> {
    fn gauge(
        name: &'static str,
        help: &'static str,
        values: impl IntoIterator<Item = (Labels<'a>, i64)>,
    ) -> Family<'a> {
        Family { name, help, kind: MetricType::Gauge, values: values.into_iter().collect() }
    }

    fn counter(
        name: &'static str,
        help: &'static str,
        values: impl IntoIterator<Item = (Labels<'a>, u64)>,
    ) -> Family<'a> {
        let values = values.into_iter();
        let values =
            values.map(|(labels, value)| (labels, i64::try_from(value).unwrap_or(i64::MAX)));
        Family { name, help, kind: MetricType::Counter, values: values.collect() }
    }

    fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Family { name, help, kind, values } = self;
        if values.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(name, help, None, *kind)?;
        for (labels, value) in values {
            if labels.is_empty() {
                family.encode_gauge(value)?;
                continue;
            }
            let mut metric = family.encode_family(labels)?;
            match kind {
                MetricType::Counter => {
                    let none: Option<&Exemplar<Labels<'static>, u64>> = None;
                    metric.encode_counter(&value.unsigned_abs(), none)?;
                }
                _ => metric.encode_gauge(value)?,
            }
        }
        Ok(())
    }
}

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Measured { sides, groups, round_ended_at, counts } = self;
        let mut families = vec![
            Family::gauge(
                "drsync_build_info",
                "The drsync that says this.",
                [(vec![("version", Value(env!("CARGO_PKG_VERSION")))], 1)],
            ),
            Family::gauge(
                "drsync_region_up",
                "Whether the side answered when it was last asked.",
                sides.iter().map(|side| {
                    let labels =
                        vec![("workspace", Value(&side.workspace)), ("side", Value(&side.side))];
                    (labels, i64::from(side.up))
                }),
            ),
            Family::gauge(
                "drsync_secondary_watched",
                "Whether it was seen what runs in the secondary's workspace; absent while nobody looked.",
                sides.iter().filter_map(|side| {
                    let labels =
                        vec![("workspace", Value(&side.workspace)), ("side", Value(&side.side))];
                    Some((labels, i64::from(side.watched?)))
                }),
            ),
            Family::gauge(
                "drsync_round_end_timestamp_seconds",
                "When the newest apply ended.",
                round_ended_at.iter().map(|at| (Vec::new(), at.timestamp())),
            ),
        ];
        families.extend(of_groups(groups));
        if let Some(counts) = counts {
            families.extend(of_counts(counts));
        }
        families.iter().try_for_each(|family| family.encode(&mut encoder))
    }
}

fn of_groups(groups: &[GroupMeasured]) -> Vec<Family<'_>> {
    let each = |value: fn(&GroupMeasured) -> Option<i64>| {
        groups.iter().filter_map(move |group| Some((labels(group), value(group)?)))
    };
    let states = groups.iter().flat_map(|group| {
        GroupState::ALL.into_iter().map(move |state| {
            let mut labels = labels(group);
            labels.push(("state", Value(state.as_str())));
            (labels, i64::from(state == group.state))
        })
    });
    let active = groups.iter().flat_map(|group| {
        let Sides { home, other } = &group.sides;
        [home, other].map(|side| {
            let mut labels = labels(group);
            labels.push(("side", Value(side)));
            (labels, i64::from(*side == group.active))
        })
    });
    vec![
        Family::gauge(
            "drsync_group_lag_seconds",
            "Age of the oldest commit that no cut holds; absent while it is not known, never 0 for that.",
            each(|group| group.lag_seconds),
        ),
        Family::gauge(
            "drsync_group_objective_seconds",
            "The recovery point objective.",
            each(|group| group.objective_seconds),
        ),
        Family::gauge(
            "drsync_group_cut_timestamp_seconds",
            "Recovery point of the newest cut; absent if there is none.",
            each(|group| group.cut.map(|cut| cut.recovery_point.timestamp())),
        ),
        Family::gauge(
            "drsync_group_state",
            "1 for the state the group is in, 0 for the others.",
            states,
        ),
        Family::gauge("drsync_group_active", "1 for the side that may be written.", active),
        Family::gauge(
            "drsync_group_protected",
            "Whether every replica holds the newest cut; absent while nobody looked.",
            each(|group| group.protected.map(i64::from)),
        ),
    ]
}

fn labels(group: &GroupMeasured) -> Labels<'_> {
    vec![("workspace", Value(&group.workspace)), ("group", Value(&group.group))]
}

fn of_counts(counts: &Counts) -> Vec<Family<'_>> {
    let Counts { rounds, copied_bytes, notifications } = counts;
    vec![
        Family::counter(
            "drsync_rounds",
            "Rounds since the daemon started, by the name of their exit.",
            rounds.iter().map(|(exit, count)| (vec![("exit", Value(exit))], *count)),
        ),
        Family::counter(
            "drsync_copied_bytes",
            "Bytes that clones reported since the daemon started.",
            copied_bytes
                .iter()
                .map(|(workspace, count)| (vec![("workspace", Value(workspace))], *count)),
        ),
        Family::counter(
            "drsync_notifications",
            "Messages since the daemon started, by channel and outcome.",
            notifications.iter().map(|((channel, outcome), count)| {
                (vec![("channel", Value(channel)), ("outcome", Value(outcome))], *count)
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> GroupMeasured {
        GroupMeasured {
            workspace: "east".to_owned(),
            group: name.to_owned(),
            sides: Sides { home: "east".to_owned(), other: "west".to_owned() },
            active: "east".to_owned(),
            state: GroupState::Ok,
            lag_seconds: None,
            objective_seconds: Some(3600),
            cut: None,
            protected: Some(false),
        }
    }

    #[test]
    fn what_is_not_known_is_absent_and_what_others_named_is_quoted() {
        let measured = Measured {
            groups: vec![group("a \"b\\c")],
            counts: Some(Counts {
                rounds: BTreeMap::from([("ok".to_owned(), 2)]),
                ..Counts::default()
            }),
            ..Measured::default()
        };
        let text = text(measured);
        for absent in ["drsync_group_lag_seconds", "drsync_group_cut", "drsync_notifications"] {
            assert!(!text.contains(absent), "{text}");
        }
        for there in [
            "drsync_rounds_total{exit=\"ok\"} 2\n",
            "# TYPE drsync_rounds counter\n",
            "group=\"a \\\"b\\\\c",
            "state=\"ok\"} 1\n",
            "side=\"west\"} 0\n",
        ] {
            assert!(text.contains(there), "{there} in {text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
