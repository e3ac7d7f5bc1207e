//! Days that nobody wrote down: some runners, each with a configuration and a sight of its own, look in any order and at once. Whatever
//! they find, what stands afterwards is what they found, nobody is told twice of one thing, and all that was opened ends.

use std::collections::HashMap;

use super::*;
use crate::plan::{Direction, SettingChange};

/// Numbers that are the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % most
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

const RUNNERS: [&str; 3] = ["here", "there", "pipeline"];
const GROUPS: [&str; 2] = ["core", "web"];

/// How a runner sees the world, and what it was told to protect.
#[derive(Debug, Clone)]
struct Sight {
    away: Vec<Role>,
    unwatched: Option<Vec<FailureCause>>,
    has: Vec<&'static str>,
}

impl Sight {
    fn clear() -> Sight {
        Sight { away: Vec::new(), unwatched: Some(Vec::new()), has: GROUPS.to_vec() }
    }

    fn changes(&mut self, chance: &mut Chance) {
        match chance.below(6) {
            0 => self.away = vec![Role::Secondary],
            1 => self.away = vec![Role::Primary],
            2 => self.unwatched = Some(vec![unseen(CauseCode::WorkspaceUnseen)]),
            3 => self.unwatched = Some(vec![unseen(CauseCode::JobUnseen)]),
            4 => self.has = vec![GROUPS[chance.below(2) as usize]],
            _ => *self = Sight::clear(),
        }
    }
}

/// How the groups are, whoever looks.
fn states(chance: &mut Chance, of: &mut HashMap<&'static str, StateAfterApply>) {
    let group = GROUPS[chance.below(2) as usize];
    let state = match chance.below(6) {
        0 => failing(FindingCode::SourceShrank),
        1 => failing(FindingCode::ConfigurationInvalid),
        2 => StateAfterApply::Paused,
        3 => StateAfterApply::Waiting,
        4 => StateAfterApply::InOrder,
        _ => StateAfterApply::Synchronized,
    };
    of.insert(group, state);
}

fn look(
    number: usize,
    now: DateTime<Utc>,
    from: &str,
    sight: &Sight,
    of: &HashMap<&'static str, StateAfterApply>,
    chance: &mut Chance,
) -> Round {
    let blind = !sight.away.is_empty();
    let groups = sight.has.iter().map(|name| {
        // Of a group that is not due, and of one of which nothing is new, a region's silence hides how its replicas are.
        let hidden = match chance.below(3) {
            0 if sight.away == [Role::Secondary] => StateAfterApply::Waiting,
            1 if sight.away == [Role::Secondary] => StateAfterApply::InOrder,
            _ => StateAfterApply::Away,
        };
        let mut seen = group(name, if blind { hidden } else { of[name].clone() });
        seen.lag_seconds = None;
        seen
    });
    let answered =
        [Role::Primary, Role::Secondary].into_iter().filter(|it| !sight.away.contains(it));
    Round {
        seen_from: from.to_owned(),
        away: sight.away.clone(),
        answered: answered.collect(),
        unwatched: sight.unwatched.clone().filter(|_| !sight.away.contains(&Role::Secondary)),
        ..round(number, now, groups.collect())
    }
}

/// What left, by what the newest record has.
fn left(round: &mut Round, known: &[&str]) {
    let there = |group: &str| round.groups.iter().any(|it| it.name == group);
    let gone = known.iter().filter(|group| !there(group));
    round.changed = gone
        .map(|group| SettingChange {
            group: Some((*group).to_owned()),
            table: None,
            setting: Setting::Removed,
            key: None,
            before: None,
            after: None,
            direction: Direction::Weaker,
        })
        .collect();
    round.weakened = round.changed.clone();
}

/// What is true of what stands after a round, whatever went before.
fn assert_stands(round: &Round, before: &[&ToldState], standing: &ToldState, seed: u64) {
    let failed = |group: &str| {
        let known = merged(before);
        known.iter().any(|it| it.class == Class::Failing && it.group.as_deref() == Some(group))
    };
    let place = || format!("seed {seed}, {}: {standing:#?}", round.run_id);
    let open: Vec<&Incident> = standing.incidents.iter().filter(|it| it.is_open()).collect();
    for (number, one) in open.iter().enumerate() {
        assert!(open[..number].iter().all(|other| other.about() != one.about()), "{}", place());
    }
    let has = |class: Class, group: Option<&str>, side: Option<Role>, from: Option<&str>| {
        open.iter().find(|it| it.about() == (class, group, side, from))
    };
    let from = Some(round.seen_from.as_str());
    for side in [Role::Primary, Role::Secondary] {
        let known = has(Class::RegionAway, None, Some(side), from).is_some();
        assert_eq!(known, round.away.contains(&side), "{}", place());
    }
    if let Some(causes) = &round.unwatched {
        let known = has(Class::SecondaryUnwatched, None, Some(Role::Secondary), from);
        assert_eq!(known.map_or(&[][..], |it| &it.causes), &causes[..], "{}", place());
    }
    for group in &round.groups {
        let known = has(Class::Failing, Some(&group.name), None, None);
        match &group.state {
            StateAfterApply::Failing(causes) => {
                assert_eq!(known.map(|it| &it.causes), Some(causes), "{}", place());
            }
            StateAfterApply::Paused => assert!(known.is_none(), "{}", place()),
            StateAfterApply::Synchronized | StateAfterApply::InOrder if round.away.is_empty() => {
                assert!(known.is_none(), "{}", place());
            }
            StateAfterApply::Synchronized | StateAfterApply::InOrder => {
                assert_eq!(known.is_some(), failed(&group.name), "{}", place());
            }
            StateAfterApply::Waiting | StateAfterApply::Untried | StateAfterApply::Away => {}
        }
    }
}

/// What was told of one incident, when: how it began, changed and ended.
#[derive(Debug, Default)]
struct Heard {
    opened: usize,
    closed: usize,
    /// In which span since when.
    reminded: Option<(DateTime<Utc>, i64)>,
    /// Every incident as it was told, for whoever reads why a promise does not hold.
    told: Vec<Incident>,
}

#[test]
fn whatever_runners_find_nobody_is_told_twice_and_all_that_was_opened_ends() {
    let policy = policy();
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let mut sights = vec![Sight::clear(); RUNNERS.len()];
        let mut of: HashMap<&'static str, StateAfterApply> =
            GROUPS.iter().map(|it| (*it, StateAfterApply::InOrder)).collect();
        let mut now = at("2026-12-01T00:00:00Z");
        let mut before: Vec<ToldState> = Vec::new();
        let mut has: Vec<&str> = GROUPS.to_vec();
        let mut heard: HashMap<String, Heard> = HashMap::new();
        let walk = 120;
        for number in 0..walk + 60 {
            now += Duration::minutes(30);
            let ending = number >= walk;
            if ending && number == walk {
                sights = vec![Sight::clear(); RUNNERS.len()];
                of = GROUPS.iter().map(|it| (*it, StateAfterApply::InOrder)).collect();
            } else if !ending {
                if chance.once_in(6) {
                    sights[chance.below(3) as usize].changes(&mut chance);
                }
                if chance.once_in(4) {
                    states(&mut chance, &mut of);
                }
            }
            // Two that begin at once do not see each other.
            let first = chance.below(3) as usize;
            let both = !ending && chance.once_in(5);
            let looking = if both { vec![first, (first + 1) % 3] } else { vec![first] };
            let known: Vec<&ToldState> = before.iter().collect();
            let mut after = Vec::new();
            let mut now_has = has.clone();
            for (turn, runner) in looking.into_iter().enumerate() {
                let sight = &sights[runner];
                let mut round =
                    look(number * 2 + turn, now, RUNNERS[runner], sight, &of, &mut chance);
                if sight.away.len() < 2 {
                    left(&mut round, &has);
                    now_has = sight.has.clone();
                }
                let standing = decide(&round, &known, &policy);
                assert_stands(&round, &known, &standing, seed);
                for incident in standing.incidents.iter().filter(|it| it.told.by == round.run_id) {
                    let told = heard.entry(incident.id.clone()).or_default();
                    told.told.push(incident.clone());
                    let opens = incident.opened_by == round.run_id;
                    told.opened += usize::from(opens);
                    if incident.closed.is_some() {
                        told.closed += 1;
                        assert!(told.closed == 1 || both, "seed {seed}: {told:#?}");
                    } else if !opens && incident.changed_by.as_deref() != Some(&round.run_id) {
                        // Of the same causes people are reminded once in each span since they began, two at once aside.
                        let spans = (now - incident.counted_from).num_hours() / 24;
                        let again = told.reminded.replace((incident.counted_from, spans));
                        let known = again == told.reminded || spans == 0;
                        assert!(!known || both, "seed {seed}: {told:#?}");
                    }
                }
                after.push(standing);
            }
            has = now_has;
            before = after;
        }
        for (id, told) in &heard {
            assert_eq!(told.opened, 1, "seed {seed}, {id}: {told:#?}");
        }
        let left: Vec<&Incident> =
            before.iter().flat_map(|it| &it.incidents).filter(|it| it.is_open()).collect();
        assert!(left.is_empty(), "seed {seed}: {left:#?}");
    }
}
