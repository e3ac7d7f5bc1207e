//! What costs, asked only for groups that a trigger may make due: histories of sources and replicas, and tables at their pins.

use chrono::{DateTime, Utc};

use crate::plan::{
    Answer, Request, TableObserved, WorkspaceObserved, is_drifted, may_be_due, pins, receipts_due,
    unproved_clone,
};
use crate::region::{
    CloneProof, ContentAnswer, ContentQuestion, LookDepth, NamedContent, PinQuestion, Regions,
    Replica, ReplicaQuestion, SourceQuestion, changes_schema,
};

/// How deeply a group is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Not at all.
    None,
    /// Whether the first of its replicas is as its newest cut left it. Whoever makes another side active marks every replica, so a
    /// log that was put back from before is seen by that one, in every round and at one question a group.
    Sign,
    /// What came to its sources since the newest cut, and whether every replica is as that left it.
    Heads,
    /// The histories of its sources and replicas.
    Whole,
}

/// A whole look at these groups, and none at the others.
fn wholly(groups: &[bool]) -> Vec<Depth> {
    groups.iter().map(|asked| if *asked { Depth::Whole } else { Depth::None }).collect()
}

/// Asks for the histories of sources and replicas of every group that may be due.
pub(super) async fn observe_histories(
    seen: &mut WorkspaceObserved,
    regions: &Regions,
    request: &Request,
    now: DateTime<Utc>,
) {
    if seen.primary.refusal().is_some() {
        if seen.secondary.reachable() && request.full {
            let asked = replicas_of(seen, |_| true);
            let answers = regions.secondary.replicas(&asked.questions).await;
            note_replicas(seen, asked.places, answers);
            observe_contents(seen, regions, request.content).await;
            observe_registered(seen, regions).await;
        }
        return;
    }
    let chosen: Vec<bool> = seen
        .groups
        .iter()
        .map(|group| group.entry.name().is_some_and(|name| request.selects(name)))
        .collect();
    let due = if request.full { vec![true; chosen.len()] } else { may_be_due(seen, now, request) };
    let receipts = receipts_due(seen, seen.now(now));
    let looks = chosen.iter().zip(&due).zip(&receipts);
    let looks = looks.map(|((chosen, due), receipt)| match (chosen, due, receipt) {
        (false, _, _) => Depth::None,
        // Of what a history tells nothing else is asked.
        (true, true, _) => Depth::Whole,
        (true, false, true) => Depth::Heads,
        (true, false, false) => Depth::Sign,
    });
    let looks: Vec<Depth> = looks.collect();
    let moved = look_at(seen, regions, &looks).await;
    if moved.contains(&true) {
        // What somebody wrote to a replica is no less a change because its group is not due.
        look_at(seen, regions, &wholly(&moved)).await;
    }
    if a_replica_is_missing(seen) {
        // Where one is gone others may be: how many decides whether that is a repair.
        let rest = looks.iter().zip(&moved);
        let rest = rest.map(|(look, moved)| !moved && matches!(look, Depth::Sign | Depth::Heads));
        look_at(seen, regions, &wholly(&rest.collect::<Vec<bool>>())).await;
    }
    observe_contents(seen, regions, request.content).await;
    observe_registered(seen, regions).await;
}

/// Asks of replicas to which others wrote whether they have a name in the secondary: what is to be done there is said by it.
async fn observe_registered(seen: &mut WorkspaceObserved, regions: &Regions) {
    let mut asked = Asked::default();
    for (group, of_group) in seen.groups.iter().enumerate() {
        for (table, observed) in of_group.tables.iter().enumerate() {
            let place = seen.place(of_group.entry.name(), &observed.name);
            let drifted = |replica| is_drifted(&place.path, replica, place.entry);
            if observed.replica().is_some_and(drifted) {
                asked.places.push((group, table));
                asked.questions.push((observed.name.clone(), place.location));
            }
        }
    }
    if asked.questions.is_empty() {
        return;
    }
    let answers = regions.secondary.registered(&asked.questions).await;
    for ((group, table), answer) in asked.places.into_iter().zip(answers) {
        seen.groups[group].tables[table].registered = answer;
    }
}

/// Asks what the files of replicas hold, where that was asked for, and whether clones for which no cut vouches are what they say.
async fn observe_contents(seen: &mut WorkspaceObserved, regions: &Regions, read: bool) {
    let mut asked = Asked::default();
    let mut believed = Vec::new();
    for (group, of_group) in seen.groups.iter().enumerate() {
        for (table, observed) in of_group.tables.iter().enumerate() {
            let Some(replica) = observed.replica() else {
                continue;
            };
            let place = seen.place(of_group.entry.name(), &observed.name);
            let unproved = unproved_clone(&place.path, replica, place.entry, read);
            if !read && unproved.is_none() {
                continue;
            }
            let entry = place.entry.filter(|entry| replica.version >= entry.replica_version);
            let marked = replica.mark.as_ref().map(|mark| mark.source_version);
            asked.places.push((group, table));
            asked.questions.push(ContentQuestion {
                path: place.path,
                version: replica.version,
                read,
                source: observed.listed.as_ref().ok().cloned(),
                source_version: unproved.map(|it| it.source_version).or(marked),
                named: entry.and_then(|entry| {
                    Some(NamedContent {
                        version: entry.replica_version,
                        sha256: entry.replica_content_sha256.clone()?,
                    })
                }),
                unproved: unproved.map(|it| it.clone),
            });
            believed.push(unproved.is_some_and(|it| it.clone.named));
        }
    }
    if asked.questions.is_empty() {
        return;
    }
    let answers = regions.secondary.contents(&asked.questions).await;
    for (((group, table), answer), believed) in asked.places.into_iter().zip(answers).zip(believed)
    {
        let replica = &mut seen.groups[group].tables[table].replica;
        match (answer, replica) {
            (Ok(told), Some(Ok(Some(replica)))) => {
                let ContentAnswer { content, mut proof, compared } = told;
                if believed && matches!(proof, CloneProof::Unknown { .. }) {
                    proof = CloneProof::NotAsked;
                }
                // Of files that were written anew since nothing tells what their rows were: that they are there was looked at.
                if content.is_some() && compared {
                    replica.depth = LookDepth::ContentRead;
                }
                (replica.content, replica.proof) = (content, proof);
            }
            // What could not be read of it is told as of a replica that could not be looked at.
            (Err(refused), replica) => *replica = Some(Err(refused)),
            (Ok(_), Some(Ok(None) | Err(_)) | None) => {}
        }
    }
}

/// Looks at every group as deeply as is asked, and tells of which that is not looked at wholly a replica is no longer as its newest
/// cut left it.
async fn look_at(seen: &mut WorkspaceObserved, regions: &Regions, looks: &[Depth]) -> Vec<bool> {
    let since = since_cuts(seen, |group| looks[group] == Depth::Heads);
    let sources = sources_of(seen, |group| looks[group] == Depth::Whole);
    let reachable = seen.secondary.reachable();
    let replicas = replicas_of(seen, |group| reachable && looks[group] == Depth::Whole);
    let standing =
        replicas_of(seen, |group| reachable && matches!(looks[group], Depth::Sign | Depth::Heads));
    let standing = standing.in_cuts().but_one_where(|group| looks[group] == Depth::Sign);
    let (answers, found, came, stand) = futures::join!(
        regions.primary.sources(&sources.questions),
        regions.secondary.replicas(&replicas.questions),
        async {
            if since.questions.is_empty() {
                return Vec::new();
            }
            regions.primary.commits_since(&since.questions).await
        },
        async {
            if standing.questions.is_empty() {
                return Vec::new();
            }
            regions.secondary.replicas_stand(&standing.questions).await
        },
    );
    for ((group, table), answer) in since.places.into_iter().zip(came) {
        seen.groups[group].tables[table].came = Some(answer);
    }
    for ((group, table), answer) in sources.places.into_iter().zip(answers) {
        seen.groups[group].tables[table].source = Some(answer);
    }
    note_replicas(seen, replicas.places, found);
    let mut moved = vec![false; seen.groups.len()];
    for ((group, _), stands) in standing.places.into_iter().zip(stand) {
        // Why it cannot be told is told by a look at it.
        moved[group] |= !stands.unwrap_or(false);
    }
    moved
}

/// Whether a replica that a cut names is not where it should be.
fn a_replica_is_missing(seen: &WorkspaceObserved) -> bool {
    seen.groups.iter().any(|group| {
        let missing = |table: &TableObserved| {
            let place = || seen.place(group.entry.name(), &table.name);
            matches!(table.replica, Some(Ok(None))) && place().entry.is_some()
        };
        group.tables.iter().any(missing)
    })
}

/// Questions about tables, and whose they are: group and table by number.
struct Asked<Q> {
    places: Vec<(usize, usize)>,
    questions: Vec<Q>,
}

impl<Q> Default for Asked<Q> {
    fn default() -> Self {
        Asked { places: Vec::new(), questions: Vec::new() }
    }
}

impl Asked<ReplicaQuestion> {
    /// Those of which a cut names a version.
    fn in_cuts(self) -> Self {
        let asked = self.places.into_iter().zip(self.questions);
        let (places, questions) =
            asked.filter(|(_, question)| question.since_version.is_some()).unzip();
        Asked { places, questions }
    }

    /// Of these groups the first alone.
    fn but_one_where(self, of: impl Fn(usize) -> bool) -> Self {
        let mut last = None;
        let asked = self.places.into_iter().zip(self.questions);
        let (places, questions) = asked
            .filter(|((group, _), _)| {
                let first = last.replace(*group) != Some(*group);
                first || !of(*group)
            })
            .unzip();
        Asked { places, questions }
    }
}

fn sources_of(seen: &WorkspaceObserved, asked: impl Fn(usize) -> bool) -> Asked<SourceQuestion> {
    let mut all = Asked::default();
    for (group, _) in seen.groups.iter().enumerate().filter(|(place, _)| asked(*place)) {
        for (table, observed) in seen.groups[group].tables.iter().enumerate() {
            let Ok(listed) = &observed.listed else {
                continue;
            };
            if listed.unsupported.is_some() || listed.denied.is_some() {
                continue;
            }
            let name = seen.groups[group].entry.name();
            let own = name.and_then(|name| seen.ledger.cuts.newest(name));
            let own =
                own.and_then(|cut| cut.table(&observed.name)).map(|entry| entry.source_version);
            let any = seen.place(name, &observed.name).entry.map(|entry| entry.source_version);
            // A table that joined a group needs its whole history: the group's point may be older than its last cut.
            let from_version = own.map(|own| own.min(any.unwrap_or(own)));
            all.places.push((group, table));
            all.questions.push(SourceQuestion { table: listed.clone(), from_version });
        }
    }
    all
}

/// Of these groups what came to each table since the group's last cut.
fn since_cuts(seen: &WorkspaceObserved, asked: impl Fn(usize) -> bool) -> Asked<SourceQuestion> {
    let mut all = sources_of(seen, asked);
    let places = all.places.iter().zip(&mut all.questions);
    for ((group, table), question) in places {
        let of_group = &seen.groups[*group];
        let cut = of_group.entry.name().and_then(|name| seen.ledger.cuts.newest(name));
        let entry = cut.and_then(|cut| cut.table(&of_group.tables[*table].name));
        question.from_version = entry.map(|entry| entry.source_version);
    }
    all
}

fn replicas_of(seen: &WorkspaceObserved, asked: impl Fn(usize) -> bool) -> Asked<ReplicaQuestion> {
    let mut all = Asked::default();
    for (group, of_group) in seen.groups.iter().enumerate().filter(|(place, _)| asked(*place)) {
        for (table, observed) in of_group.tables.iter().enumerate() {
            all.places.push((group, table));
            let place = seen.place(of_group.entry.name(), &observed.name);
            all.questions.push(ReplicaQuestion {
                path: place.path,
                since_version: place.entry.map(|entry| entry.replica_version),
            });
        }
    }
    all
}

fn note_replicas(
    seen: &mut WorkspaceObserved,
    places: Vec<(usize, usize)>,
    answers: Vec<Answer<Option<Replica>>>,
) {
    for ((group, table), answer) in places.into_iter().zip(answers) {
        seen.groups[group].tables[table].replica = Some(answer);
    }
}

/// Asks how the tables look at the versions that the plan will pin.
pub(super) async fn observe_pins(
    seen: &mut WorkspaceObserved,
    regions: &Regions,
    request: &Request,
    now: DateTime<Utc>,
) {
    let mut places = Vec::new();
    let mut questions = Vec::new();
    for (group, of_group) in seen.groups.iter().enumerate() {
        let versions = pins(seen, of_group, now, request);
        for (table, version) in versions.into_iter().enumerate() {
            let observed = &of_group.tables[table];
            let (Ok(listed), Some(version)) = (&observed.listed, version) else {
                continue;
            };
            places.push((group, table));
            questions.push(PinQuestion {
                table: listed.clone(),
                version,
                newest: observed.newest() == Some(version),
                replica_location: seen.place(of_group.entry.name(), &observed.name).location,
                replica_version: observed.replica().map(|replica| replica.version),
                columns_since: None,
            });
        }
    }
    ask_for_columns(seen, &places, &mut questions);
    let answers = regions.primary.pins(&questions).await;
    for ((group, table), answer) in places.into_iter().zip(answers) {
        seen.groups[group].tables[table].pin = Some(answer);
    }
}

/// Tables whose columns are asked for: each is two questions of its own, where everything else is asked by fifty.
const COLUMNS_MAX: usize = 10;

/// Chooses the tables whose columns are compared with those that the replica holds: of few updates all, of many those whose
/// history names a change.
fn ask_for_columns(
    seen: &WorkspaceObserved,
    places: &[(usize, usize)],
    questions: &mut [PinQuestion],
) {
    let mut updates: Vec<(bool, usize, u64)> = Vec::new();
    for (number, (group, table)) in places.iter().enumerate() {
        let observed = &seen.groups[*group].tables[*table];
        let mark = observed.replica().and_then(|replica| replica.mark.as_ref());
        let pinned = questions[number].version;
        let Some(held) = mark.map(|mark| mark.source_version).filter(|held| *held < pinned) else {
            continue;
        };
        let mut between = observed.commits().unwrap_or_default().iter();
        let named = between.any(|commit| {
            (held + 1..=pinned).contains(&commit.version) && changes_schema(&commit.operation)
        });
        updates.push((named, number, held));
    }
    let few = updates.len() <= COLUMNS_MAX;
    let asked = updates.into_iter().filter(|(named, _, _)| few || *named);
    for (_, number, held) in asked.take(COLUMNS_MAX) {
        questions[number].columns_since = Some(held);
    }
}
