//! A month of rounds, two machines, two runners at once: what each address hears, compared with a list written beforehand.

use std::collections::BTreeMap;

use super::super::letter::text;
use super::super::letters::{Done, Letter, Receiver, Told, letters};
use super::super::{Before, CauseCode, GroupCut};
use super::*;
use crate::config::{Security, Smtp, SmtpAuth};
use crate::plan::FindingCode;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn policy() -> Policy {
    let one = |address: &str| vec![address.to_owned()];
    Policy {
        workspace: "east".to_owned(),
        secrets_of: "east".to_owned(),
        secondary: Some("west".to_owned()),
        failure: one("ops@example.com"),
        success_list: one("boss@example.com"),
        owners: BTreeMap::from([
            ("core".to_owned(), one("core@example.com")),
            // Owner of one group and told of all failures: one message all the same.
            ("web".to_owned(), vec!["Ops@Example.com".to_owned(), "web@example.com".to_owned()]),
        ]),
        smtp: Some(Smtp {
            host: "smtp.test".to_owned(),
            port: 587,
            security: Security::Starttls,
            from: None,
            auth: SmtpAuth::None,
        }),
        webhooks: Vec::new(),
        success: Success::Off,
        reminder: Duration::hours(24),
        before: Before::default(),
    }
}

fn group(name: &str, state: State) -> GroupRound {
    let lag = match &state {
        State::Synchronized | State::InOrder => None,
        _ => Some(60),
    };
    GroupRound {
        name: name.to_owned(),
        state,
        cut: Some(GroupCut { number: 7, recovery_point: None }),
        lag_seconds: lag,
        rpo_seconds: Some(43_200),
    }
}

fn failing(code: FindingCode) -> State {
    let message = "it is so".into();
    State::Failing(vec![Cause { code: CauseCode::Finding(code), table: None, message }])
}

fn unseen(code: CauseCode) -> Cause {
    Cause { code, table: None, message: "it does not answer".into() }
}

fn round(number: usize, now: DateTime<Utc>, groups: Vec<GroupRound>) -> Round {
    Round {
        run_id: format!("01JDA2C7000000000000{number:06}"),
        workspace: "east".to_owned(),
        seen_from: "here".to_owned(),
        started_at: now,
        ended_at: now,
        whole: true,
        away: Vec::new(),
        answered: vec![Role::Primary, Role::Secondary],
        stands_by: true,
        unwatched: Some(Vec::new()),
        lost: Vec::new(),
        owners_before: BTreeMap::new(),
        weakened: Vec::new(),
        groups,
    }
}

/// The letters of a round after what went before, and what stands then.
fn told(round: &Round, before: &[&Standing], policy: &Policy) -> (Standing, Vec<Letter>) {
    let standing = decide(round, before, policy);
    let done = round.groups.iter().filter(|group| group.state == State::Synchronized);
    let told = Told {
        run_id: round.run_id.clone(),
        ended_at: round.ended_at,
        url: None,
        standings: vec![standing.clone()],
        synchronized: done
            .map(|group| Done {
                workspace: "east".to_owned(),
                group: group.name.clone(),
                cut: group.cut.unwrap(),
            })
            .collect(),
        left: Vec::new(),
    };
    let letters = letters(&told, std::slice::from_ref(policy));
    (standing, letters)
}

fn to(letter: &Letter) -> String {
    match &letter.to {
        Receiver::Mail { address, .. } => address.to_lowercase(),
        Receiver::Webhook { webhook, .. } => webhook.label.clone(),
    }
}

/// Who hears what in a round: `address: subject`.
fn heard(letters: &[Letter]) -> Vec<String> {
    let mut all: Vec<String> =
        letters.iter().map(|it| format!("{}: {}", to(it), text(it).subject)).collect();
    all.sort();
    all
}

#[test]
fn where_all_is_well_nobody_hears_anything() {
    let policy = policy();
    let groups = vec![group("core", State::InOrder), group("web", State::Waiting)];
    let (standing, letters) = told(&round(1, at("2026-12-01T00:02:00Z"), groups), &[], &policy);
    assert_eq!(standing.incidents, []);
    assert_eq!(heard(&letters), Vec::<String>::new());
}

/// A month of rounds every half hour, with an incident of every class in it.
///
/// core: shrank from the 3rd at 11:00 to the 5th at 12:30, with another cause from the 4th at 20:00. web: interrupted on the 6th,
/// failing from the 10th at 08:00, while it waits from 09:00 on, paused on the 12th. Both: the primary is away on the 20th from
/// 02:00 to the 21st at 03:00, where core had begun to fail before. What runs in the secondary is not seen from the 15th at 04:00 to
/// the 16th at 05:00. core: behind its objective on the 25th. web leaves the
/// configuration on the 28th while it fails.
#[test]
fn in_a_month_each_address_hears_exactly_what_it_should() {
    let policy = policy();
    let start = at("2026-12-01T00:00:00Z");
    let mut standing = Standing::default();
    let mut heard: Vec<String> = Vec::new();
    let mut opened = 0_usize;
    for number in 0..31 * 48 {
        let now = start + Duration::minutes(30 * number);
        // Rounds are late by up to ten minutes, and never the same.
        let ended = now + Duration::minutes((number * 7) % 11);
        let within = |from: &str, until: &str| {
            let parse = |text: &str| at(&format!("2026-12-{text}:00Z"));
            now >= parse(from) && now < parse(until)
        };
        let core = match () {
            () if within("04T20:00", "05T12:30") => failing(FindingCode::SourceRecreated),
            () if within("03T11:00", "05T12:30") => failing(FindingCode::SourceShrank),
            () if within("05T12:30", "05T13:00") => State::Synchronized,
            () if within("20T01:00", "20T02:00") => failing(FindingCode::TableNotFound),
            () if within("20T02:00", "21T03:00") => State::Away,
            () if within("21T03:00", "21T04:00") => failing(FindingCode::TableNotFound),
            () if within("25T06:00", "25T09:00") => State::Waiting,
            () => State::InOrder,
        };
        let web = match () {
            () if within("06T00:00", "06T01:00") => State::Untried,
            () if within("10T08:00", "10T09:00") => failing(FindingCode::ReplicaChanged),
            () if within("10T09:00", "12T10:00") => State::Waiting,
            () if within("12T10:00", "12T11:00") => State::Paused,
            () if within("20T02:00", "21T03:00") => State::Away,
            () if within("27T00:00", "28T00:00") => failing(FindingCode::TableNotReadable),
            () => State::InOrder,
        };
        let mut groups = vec![group("core", core)];
        if within("25T06:00", "25T09:00") {
            groups[0].lag_seconds = Some(50_000);
        }
        if !within("28T00:00", "31T23:59") {
            groups.push(group("web", web));
        }
        let mut round = round(number as usize, ended, groups);
        if within("20T02:00", "21T03:00") {
            (round.away, round.answered) = (vec![Role::Primary], vec![Role::Secondary]);
            round.unwatched = None;
        }
        if within("15T04:00", "16T05:00") {
            round.unwatched = Some(vec![unseen(CauseCode::WorkspaceUnseen)]);
        }
        let (after, letters) = told(&round, &[&standing], &policy);
        let mut once: Vec<String> = letters.iter().map(to).collect();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), letters.len(), "an address is told once a round");
        opened += after.incidents.iter().filter(|it| it.opened_by == round.run_id).count();
        heard.extend(letters.iter().map(|letter| {
            let when = now.format("%dT%H:%M");
            format!("{} {when} {}", to(letter), text(letter).subject)
        }));
        standing = after;
    }
    assert_eq!(opened, 7);
    assert!(standing.incidents.is_empty(), "every incident was closed: {standing:#?}");
    let mut of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in &heard {
        let (address, rest) = line.split_once(' ').unwrap();
        of.entry(address).or_default().push(rest);
    }
    let away = "[drsync] REGION AWAY: no answer from east since 2026-12-20 02:10Z";
    let (began, still) = (format!("20T02:00 {away}"), format!("21T02:30 Re: {away}"));
    let (began, still) = (began.as_str(), still.as_str());
    let unwatched = [
        "15T04:00 [drsync] west is not watched since 2026-12-15 04:08Z: workspace_unseen",
        "16T04:30 Re: [drsync] west is not watched since 2026-12-15 04:08Z: workspace_unseen",
        "16T05:00 [drsync] west is watched again after 24h58m",
    ];
    let core = [
        "03T11:00 [drsync] core failing since 2026-12-03 11:01Z: source_shrank",
        "04T11:00 Re: [drsync] core failing since 2026-12-03 11:01Z: source_shrank",
        "04T20:00 [drsync] core failing since 2026-12-03 11:01Z: source_recreated",
        "05T12:30 [drsync] core recovered after 49h30m: cut 7",
        unwatched[0],
        unwatched[1],
        unwatched[2],
        "20T01:00 [drsync] core failing since 2026-12-20 01:07Z: table_not_found",
        began,
        still,
        "21T03:00 [drsync] core failing since 2026-12-20 01:07Z: table_not_found",
        "21T04:00 [drsync] core recovered after 26h53m: cut 7",
        "25T06:00 [drsync] core behind the objective since 2026-12-25 04:14Z",
        "25T09:00 [drsync] core within the objective again after 4h51m: cut 7",
    ];
    let web = [
        "10T08:00 [drsync] web failing since 2026-12-10 08:01Z: replica_changed",
        "11T08:00 Re: [drsync] web failing since 2026-12-10 08:01Z: replica_changed",
        "12T08:00 Re: [drsync] web failing since 2026-12-10 08:01Z: replica_changed",
        "12T10:00 [drsync] web paused after 50h07m",
        unwatched[0],
        unwatched[1],
        unwatched[2],
        began,
        still,
        "21T03:00 [drsync] east answers again after 24h58m",
        "27T00:00 [drsync] web failing since 2026-12-27 00:02Z: table_not_readable",
        "28T00:00 [drsync] web no longer configured after 24h06m",
    ];
    // What the end of a region's silence and a failure that goes on are in one message is told of by the worse of the two.
    let mut ops: Vec<&str> = core.iter().chain(&web).copied().collect();
    ops.retain(|line| !line.contains("answers again"));
    ops.sort_by_key(|line| &line[..8]);
    ops.dedup();
    assert_eq!(of["core@example.com"], core);
    assert_eq!(of["web@example.com"], web);
    assert_eq!(of["ops@example.com"], ops);
    assert_eq!(
        of["boss@example.com"],
        [
            "05T12:30 [drsync] core recovered after 49h30m: cut 7",
            "21T04:00 [drsync] core recovered after 26h53m: cut 7",
        ]
    );
    assert_eq!(of.len(), 4);
}

#[test]
fn a_group_that_was_left_out_has_not_recovered() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let bad = vec![group("core", failing(FindingCode::SourceShrank)), group("web", State::InOrder)];
    let (first, _) = told(&round(1, now, bad), &[], &policy);
    let mut only_web = round(2, now + Duration::minutes(30), vec![group("web", State::InOrder)]);
    only_web.whole = false;
    let (second, letters) = told(&only_web, &[&first], &policy);
    assert_eq!(heard(&letters), Vec::<String>::new());
    assert_eq!(second.incidents, first.incidents, "it is carried on as it was");
    for state in [State::Untried, State::Away] {
        let again = round(3, now + Duration::minutes(60), vec![group("core", state)]);
        let (third, letters) = told(&Round { whole: false, ..again }, &[&second], &policy);
        assert_eq!((heard(&letters), &third.incidents), (Vec::new(), &first.incidents));
    }
}

#[test]
fn what_a_machine_does_not_see_is_its_own_incident() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let well = || vec![group("core", State::InOrder), group("web", State::InOrder)];
    let blind = |number: usize, minutes: i64| {
        let mut round = round(number, now + Duration::minutes(minutes), well());
        round.seen_from = "there".to_owned();
        (round.away, round.answered) = (vec![Role::Secondary], vec![Role::Primary]);
        round
    };
    let sees =
        |number: usize, minutes: i64| round(number, now + Duration::minutes(minutes), well());
    let (first, letters) = told(&blind(1, 0), &[], &policy);
    assert_eq!(letters.len(), 3, "ops and both owners: {:?}", heard(&letters));
    // The two take turns: neither tells of what the other told.
    let (second, letters) = told(&sees(2, 10), &[&first], &policy);
    assert_eq!(heard(&letters), Vec::<String>::new());
    let (third, letters) = told(&blind(3, 30), &[&second], &policy);
    assert_eq!(heard(&letters), Vec::<String>::new());
    // It sees the region again, and says so.
    let mut well_again = sees(4, 60);
    well_again.seen_from = "there".to_owned();
    let (fourth, letters) = told(&well_again, &[&third], &policy);
    assert_eq!(letters.len(), 3);
    assert!(fourth.incidents.iter().all(|incident| !incident.is_open()));
    // It never comes back: whoever sees the region ends it.
    let (later, letters) = told(&sees(5, 25 * 60), &[&third], &policy);
    assert_eq!(later.incidents[0].closed.as_ref().map(|closed| closed.how), Some(How::Unattended));
    assert_eq!(letters.len(), 3);
}

#[test]
fn a_workspace_that_is_not_watched_is_the_incident_of_whoever_does_not_see_it() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let well = || vec![group("core", State::InOrder), group("web", State::InOrder)];
    let looks = |number: usize, minutes: i64, unwatched: Option<Vec<Cause>>| {
        let round = round(number, now + Duration::minutes(minutes), well());
        Round { unwatched, ..round }
    };
    let there = |round: Round| Round { seen_from: "there".to_owned(), ..round };
    let whole = || Some(vec![unseen(CauseCode::WorkspaceUnseen)]);
    let (first, letters) = told(&looks(1, 0, whole()), &[], &policy);
    assert_eq!(letters.len(), 3, "ops and both owners: {:?}", heard(&letters));
    // Another cause is told at once; to be away, or seen from elsewhere, is no end of it.
    let job = || Some(vec![unseen(CauseCode::JobUnseen)]);
    let (second, letters) = told(&looks(2, 30, job()), &[&first], &policy);
    assert_eq!(letters.len(), 3, "{:?}", heard(&letters));
    let (third, letters) = told(&looks(3, 60, None), &[&second], &policy);
    assert_eq!(letters.len(), 0, "{:?}", heard(&letters));
    let (fourth, letters) = told(&there(looks(4, 75, Some(Vec::new()))), &[&third], &policy);
    assert_eq!(letters.len(), 0, "{:?}", heard(&letters));
    // Of a job that others ask for nothing is known by an apply of some groups.
    let some = Round { whole: false, ..looks(5, 90, Some(Vec::new())) };
    let (fifth, letters) = told(&some, &[&fourth], &policy);
    assert_eq!((letters.len(), fifth.incidents[0].is_open()), (0, true));
    let end = |round: Round| {
        let (standing, letters) = told(&round, &[&fifth], &policy);
        assert_eq!(letters.len(), 3, "{:?}", heard(&letters));
        standing.incidents[0].closed.clone().map(|closed| closed.how)
    };
    assert_eq!(end(looks(6, 120, Some(Vec::new()))), Some(How::Recovered));
    let later = there(looks(6, 26 * 60, Some(Vec::new())));
    assert_eq!(end(later), Some(How::Unattended));
    // No workspace stands by any more.
    let removed = Round { stands_by: false, ..looks(6, 120, None) };
    assert_eq!(end(removed), Some(How::Removed));
}

#[test]
fn nobody_is_told_that_a_region_keeps_something_that_gives_no_answer_either() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let keeps = |letters: &[Letter]| -> Vec<String> {
        let of_ops = letters.iter().filter(|letter| to(letter) == "ops@example.com");
        let facts = of_ops.flat_map(|letter| text(letter).facts);
        let mut kept: Vec<String> =
            facts.filter(|(label, _)| *label == "keeps").map(|(_, fact)| fact).collect();
        kept.sort();
        kept
    };
    let away = |number: usize, minutes: i64, away: &[Role]| {
        let mut round = round(number, now + Duration::minutes(minutes), Vec::new());
        let answered = [Role::Primary, Role::Secondary].into_iter();
        round.answered = answered.filter(|side| !away.contains(side)).collect();
        round.away = away.to_vec();
        round
    };
    let (_, letters) = told(&away(1, 0, &[Role::Primary, Role::Secondary]), &[], &policy);
    assert_eq!(
        keeps(&letters),
        [
            "the last cuts, if the secondary has them still: it gives no answer either",
            "the sources, if the primary has them still: it gives no answer either",
        ]
    );
    // One after the other.
    let (first, letters) = told(&away(1, 0, &[Role::Primary]), &[], &policy);
    assert_eq!(keeps(&letters), ["the last cuts in the secondary, whole"]);
    let second = away(2, 30, &[Role::Primary, Role::Secondary]);
    let (_, letters) = told(&second, &[&first], &policy);
    assert_eq!(
        keeps(&letters),
        ["the sources, if the primary has them still: it gives no answer either"]
    );
}

#[test]
fn runners_that_did_not_see_each_other_open_one_incident_that_is_closed_with_both_ids() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let bad = || vec![group("core", failing(FindingCode::SourceShrank))];
    let partly = |round: Round| Round { whole: false, ..round };
    let (one, _) = told(&partly(round(1, now, bad())), &[], &policy);
    let (other, _) = told(&partly(round(2, now + Duration::minutes(1), bad())), &[], &policy);
    let third = partly(round(3, now + Duration::minutes(30), bad()));
    let (both, letters) = told(&third, &[&one, &other], &policy);
    assert_eq!(heard(&letters), Vec::<String>::new());
    let [incident] = both.incidents.as_slice() else { panic!("{both:#?}") };
    assert_eq!(incident.id, one.incidents[0].id);
    assert_eq!(incident.also, [other.incidents[0].id.clone()]);
    let well = vec![group("core", State::Synchronized)];
    let fourth = partly(round(4, now + Duration::minutes(60), well));
    let (_, letters) = told(&fourth, &[&both], &policy);
    assert_eq!(
        heard(&letters),
        [
            "boss@example.com: [drsync] core recovered after 1h: cut 7",
            "core@example.com: [drsync] core recovered after 1h: cut 7",
            "ops@example.com: [drsync] core recovered after 1h: cut 7",
        ]
    );
    // One closed it, the other that ran beside carries it on as open: it stays closed.
    let (closed, _) = told(&fourth, &[&both], &policy);
    let fifth = partly(round(5, now + Duration::minutes(90), vec![]));
    let (after, letters) = told(&fifth, &[&closed, &both], &policy);
    assert_eq!((after.incidents.len(), letters.len()), (0, 0));
}

#[test]
fn several_groups_of_a_round_are_one_message_an_address() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let groups = vec![
        group("core", failing(FindingCode::SourceShrank)),
        group("web", failing(FindingCode::TableNotFound)),
    ];
    let (first, letters) = told(&round(1, now, groups), &[], &policy);
    assert_eq!(
        heard(&letters),
        [
            "core@example.com: [drsync] core failing since 2026-12-01 00:00Z: source_shrank",
            "ops@example.com: [drsync] core, web failing since 2026-12-01 00:00Z: source_shrank, table_not_found",
            "web@example.com: [drsync] web failing since 2026-12-01 00:00Z: table_not_found",
        ]
    );
    let ops = letters.iter().find(|letter| to(letter) == "ops@example.com").unwrap();
    let body = text(ops).plain;
    assert!(body.contains("You own web (group_owner_email); you stand in"), "{body}");
    for other in ["core@example.com", "web@example.com", "boss@example.com"] {
        assert!(!body.contains(other), "no receiver is shown another: {body}");
    }
    // What follows is in the thread that its receiver knows.
    let well = vec![group("core", State::Synchronized), group("web", State::InOrder)];
    let (_, letters) = told(&round(2, now + Duration::hours(1), well), &[&first], &policy);
    for letter in &letters {
        let text = text(letter);
        let begun = super::super::mail_id("01JDA2C7000000000000000001", &letter.to.hash());
        assert_eq!(text.before, [begun], "{}", to(letter));
        assert_ne!(text.id, text.before[0]);
    }
}

#[test]
fn successes_are_told_as_often_as_is_asked_for() {
    let start = at("2026-12-01T10:00:00Z");
    let mut by_mode = BTreeMap::new();
    for success in [Success::Each, Success::Daily, Success::Off] {
        let policy = Policy { success, ..policy() };
        let mut standing = Standing::default();
        let mut heard_by_boss = Vec::new();
        // Every six hours, three days long; the first cut is the first ever.
        for number in 0..12_u32 {
            let mut core = group("core", State::Synchronized);
            core.cut = Some(GroupCut { number: u64::from(number) + 1, recovery_point: None });
            let now = start + Duration::hours(6 * i64::from(number));
            let round = round(number as usize, now, vec![core, group("web", State::InOrder)]);
            let (after, letters) = told(&round, &[&standing], &policy);
            for letter in letters.iter().filter(|letter| to(letter) == "boss@example.com") {
                heard_by_boss.push(text(letter).subject);
            }
            assert!(letters.iter().all(|letter| to(letter) != "ops@example.com"));
            standing = after;
        }
        by_mode.insert(format!("{success:?}"), heard_by_boss);
    }
    assert_eq!(by_mode["Off"], ["[drsync] core synchronized: cut 1"]);
    assert_eq!(by_mode["Each"].len(), 12);
    assert_eq!(
        by_mode["Daily"],
        [
            "[drsync] core synchronized: cut 1",
            "[drsync] east synchronized 1 group until 2026-12-02 04:00Z",
            "[drsync] east synchronized 1 group until 2026-12-03 04:00Z",
            "[drsync] east synchronized 1 group until 2026-12-04 04:00Z",
        ]
    );
}

#[test]
fn names_put_nothing_into_a_header() {
    let policy = policy();
    let bad = "core\r\nBcc: everybody@example.com";
    let groups = vec![group(bad, failing(FindingCode::SourceShrank))];
    let (_, letters) = told(&round(1, at("2026-12-01T00:00:00Z"), groups), &[], &policy);
    for letter in &letters {
        let text = text(letter);
        assert!(!text.subject.contains(['\r', '\n']), "{:?}", text.subject);
        assert!(!text.plain.contains("\nBcc:"), "{}", text.plain);
    }
}

#[test]
fn applies_that_cannot_begin_are_told_once_reminded_of_and_ended() {
    let policy = policy();
    let cause = |code| Cause { code, table: None, message: "it is so".into() };
    let mut standing: Option<Standing> = None;
    let mut hear = |number: usize, when: &str, cause: Option<Cause>| -> Vec<String> {
        let round = round(number, at(when), Vec::new());
        let before: Vec<&Standing> = standing.iter().collect();
        let now = not_begun(&round, &before, &policy, cause.as_ref());
        let told = Told {
            run_id: round.run_id,
            ended_at: round.ended_at,
            url: None,
            standings: vec![now.clone()],
            synchronized: Vec::new(),
            left: Vec::new(),
        };
        standing = Some(now);
        let letters = letters(&told, std::slice::from_ref(&policy));
        let heard = heard(&letters).into_iter();
        // One thread, whatever is new in it.
        let of_ops = heard.filter_map(|it| Some(it.strip_prefix("ops@example.com: ")?.to_owned()));
        of_ops.map(|subject| subject.trim_start_matches("Re: ").to_owned()).collect()
    };
    let (signed, mistaken) = (CauseCode::NotSignedIn, CauseCode::ConfigurationUnusable);
    let since = "[drsync] east: no apply begins since 2026-12-01 10:00Z";
    assert_eq!(hear(0, "2026-12-01T09:30:00Z", None), [""; 0]);
    assert_eq!(
        hear(1, "2026-12-01T10:00:00Z", Some(cause(signed))),
        [format!("{since}: not_signed_in")]
    );
    assert_eq!(hear(2, "2026-12-01T10:30:00Z", Some(cause(signed))), [""; 0]);
    assert_eq!(
        hear(3, "2026-12-02T10:10:00Z", Some(cause(signed))),
        [format!("{since}: not_signed_in")]
    );
    assert_eq!(
        hear(4, "2026-12-02T10:30:00Z", Some(cause(mistaken))),
        [format!("{since}: configuration_unusable")]
    );
    assert_eq!(
        hear(5, "2026-12-02T11:00:00Z", None),
        ["[drsync] east: applies begin again after 25h"]
    );
    assert_eq!(hear(6, "2026-12-02T11:30:00Z", None), [""; 0]);
}

#[test]
fn weakened_protection_is_told_once_and_whoever_was_taken_from_the_list_hears_it_too() {
    use crate::plan::{Direction, Setting, SettingChange, SettingValue};
    let policy = policy();
    let change = |group: Option<&str>, setting: Setting, before: SettingValue| SettingChange {
        group: group.map(str::to_owned),
        table: None,
        setting,
        before: Some(before),
        after: Some(SettingValue::Number(0)),
        direction: Direction::Weaker,
    };
    let now = at("2026-12-01T00:02:00Z");
    let quiet = || vec![group("core", State::InOrder), group("web", State::InOrder)];
    let mut first = round(1, now, quiet());
    let gone = SettingValue::Texts(vec!["ops@example.com".into(), "gone@example.com".into()]);
    first.weakened = vec![
        change(None, Setting::FailureMail, gone),
        change(Some("core"), Setting::Objective, SettingValue::Number(720)),
        change(Some("core"), Setting::ShrinkGuard, SettingValue::Number(50)),
        change(
            Some("web"),
            Setting::Owners,
            SettingValue::Texts(vec!["former@example.com".into()]),
        ),
    ];
    let (standing, letters) = told(&first, &[], &policy);
    let both = "[drsync] core, web and east protected less since 2026-12-01 00:02Z: objective, shrink_guard, owners, failure_mail";
    let core = "[drsync] core and east protected less since 2026-12-01 00:02Z: objective, shrink_guard, failure_mail";
    let web = "[drsync] web and east protected less since 2026-12-01 00:02Z: owners, failure_mail";
    let mail = "[drsync] east protected less since 2026-12-01 00:02Z: failure_mail";
    assert_eq!(
        heard(&letters),
        [
            format!("core@example.com: {core}"),
            "former@example.com: [drsync] web protected less since 2026-12-01 00:02Z: owners"
                .to_owned(),
            format!("gone@example.com: {mail}"),
            format!("ops@example.com: {both}"),
            format!("web@example.com: {web}"),
        ]
    );
    // The next round has nothing more to say of it, and nothing is left open.
    let later = at("2026-12-03T00:02:00Z");
    let (standing, letters) = told(&round(2, later, quiet()), &[&standing], &policy);
    assert_eq!((heard(&letters), standing.incidents), (vec![], vec![]));
}

#[test]
fn a_cause_that_would_be_found_again_and_is_not_ends_although_the_group_only_waits() {
    let policy = policy();
    let mut before: Option<Standing> = None;
    let mut hear = |number: usize, when: &str, state: State| -> Vec<String> {
        let round = round(number, at(when), vec![group("core", state)]);
        let known: Vec<&Standing> = before.iter().collect();
        let (standing, letters) = told(&round, &known, &policy);
        before = Some(standing);
        let heard = heard(&letters).into_iter();
        heard.filter(|it| it.starts_with("ops@")).collect()
    };
    let invalid = || failing(FindingCode::ConfigurationInvalid);
    assert_eq!(hear(1, "2026-12-01T10:00:00Z", invalid()).len(), 1);
    let mended = hear(2, "2026-12-01T10:30:00Z", State::Waiting);
    assert_eq!(mended, ["ops@example.com: [drsync] core recovered after 30m"]);
    assert_eq!(hear(3, "2026-12-03T10:30:00Z", State::Waiting), [""; 0]);
    // What only a due group is asked for is not over because nobody asked.
    assert_eq!(hear(4, "2026-12-03T11:00:00Z", failing(FindingCode::SourceShrank)).len(), 1);
    assert_eq!(hear(5, "2026-12-03T11:30:00Z", State::Waiting), [""; 0]);
    assert_eq!(hear(6, "2026-12-04T11:30:00Z", State::Waiting).len(), 1);
}

#[test]
fn what_ran_in_the_secondary_has_not_ended_because_nobody_looks() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let active = failing(FindingCode::WorkflowActiveInSecondary);
    let (first, _) = told(&round(1, now, vec![group("core", active)]), &[], &policy);
    for state in [State::Waiting, State::InOrder, State::Synchronized] {
        let mut blind = round(2, now + Duration::minutes(30), vec![group("core", state.clone())]);
        blind.unwatched = Some(vec![unseen(CauseCode::RunsUnseen)]);
        let (second, letters) = told(&blind, &[&first], &policy);
        assert!(second.incidents[0].is_open(), "{state:?}");
        assert!(heard(&letters).iter().all(|it| !it.contains("recovered")), "{state:?}");
        let seen = round(3, now + Duration::minutes(60), vec![group("core", state)]);
        let (third, _) = told(&seen, &[&second], &policy);
        assert!(!third.incidents[0].is_open());
    }
}
