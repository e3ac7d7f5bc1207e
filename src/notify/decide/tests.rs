//! A month of rounds, two machines, two runners at once: what each address hears, compared with a list written beforehand.

mod others;
mod runners;
mod unseen;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::super::letter::text;
use super::super::letters::{Letter, Receiver, RecordNews, SynchronizedGroup, letters};
use super::super::{Before, CauseCode, GroupCut};
use super::*;
use crate::config::{Security, Smtp, SmtpAuth, Success};
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

fn group(name: &str, state: StateAfterApply) -> GroupRound {
    let lag = match &state {
        StateAfterApply::Synchronized | StateAfterApply::InOrder => None,
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

fn failing(code: FindingCode) -> StateAfterApply {
    let message = "it is so".into();
    StateAfterApply::Failing(vec![FailureCause {
        code: CauseCode::Finding(code),
        table: None,
        message,
    }])
}

fn unseen(code: CauseCode) -> FailureCause {
    FailureCause { code, table: None, message: "it does not answer".into() }
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
        changed: Vec::new(),
        came: Vec::new(),
        groups,
    }
}

/// The letters of a round after what went before, and what stands then.
fn decide_letters(
    round: &Round,
    before: &[&ToldState],
    policy: &Policy,
) -> (ToldState, Vec<Letter>) {
    let standing = decide(round, before, policy);
    let done = round.groups.iter().filter(|group| group.state == StateAfterApply::Synchronized);
    let told = RecordNews {
        run_id: round.run_id.clone(),
        ended_at: round.ended_at,
        url: None,
        standings: vec![standing.clone()],
        synchronized: done
            .map(|group| SynchronizedGroup {
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
    let groups =
        vec![group("core", StateAfterApply::InOrder), group("web", StateAfterApply::Waiting)];
    let (standing, letters) =
        decide_letters(&round(1, at("2026-12-01T00:02:00Z"), groups), &[], &policy);
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
    let mut standing = ToldState::default();
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
            () if within("05T12:30", "05T13:00") => StateAfterApply::Synchronized,
            () if within("20T01:00", "20T02:00") => failing(FindingCode::TableNotFound),
            () if within("20T02:00", "21T03:00") => StateAfterApply::Away,
            () if within("21T03:00", "21T04:00") => failing(FindingCode::TableNotFound),
            () if within("25T06:00", "25T09:00") => StateAfterApply::Waiting,
            () => StateAfterApply::InOrder,
        };
        let web = match () {
            () if within("06T00:00", "06T01:00") => StateAfterApply::Untried,
            () if within("10T08:00", "10T09:00") => failing(FindingCode::ReplicaChanged),
            () if within("10T09:00", "12T10:00") => StateAfterApply::Waiting,
            () if within("12T10:00", "12T11:00") => StateAfterApply::Paused,
            () if within("20T02:00", "21T03:00") => StateAfterApply::Away,
            () if within("27T00:00", "28T00:00") => failing(FindingCode::TableNotReadable),
            () => StateAfterApply::InOrder,
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
        let (after, letters) = decide_letters(&round, &[&standing], &policy);
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
    let bad = vec![
        group("core", failing(FindingCode::SourceShrank)),
        group("web", StateAfterApply::InOrder),
    ];
    let (first, _) = decide_letters(&round(1, now, bad), &[], &policy);
    let mut only_web =
        round(2, now + Duration::minutes(30), vec![group("web", StateAfterApply::InOrder)]);
    only_web.whole = false;
    let (second, letters) = decide_letters(&only_web, &[&first], &policy);
    assert_eq!(heard(&letters), Vec::<String>::new());
    assert_eq!(second.incidents, first.incidents, "it is carried on as it was");
    for state in [StateAfterApply::Untried, StateAfterApply::Away] {
        let again = round(3, now + Duration::minutes(60), vec![group("core", state)]);
        let (third, letters) =
            decide_letters(&Round { whole: false, ..again }, &[&second], &policy);
        assert_eq!((heard(&letters), &third.incidents), (Vec::new(), &first.incidents));
    }
}

#[test]
fn a_cause_that_would_be_found_again_and_is_not_ends_although_the_group_only_waits() {
    let policy = policy();
    let mut before: Option<ToldState> = None;
    let mut hear = |number: usize, when: &str, state: StateAfterApply| -> Vec<String> {
        let round = round(number, at(when), vec![group("core", state)]);
        let known: Vec<&ToldState> = before.iter().collect();
        let (standing, letters) = decide_letters(&round, &known, &policy);
        before = Some(standing);
        let heard = heard(&letters).into_iter();
        heard.filter(|it| it.starts_with("ops@")).collect()
    };
    let invalid = || failing(FindingCode::ConfigurationInvalid);
    assert_eq!(hear(1, "2026-12-01T10:00:00Z", invalid()).len(), 1);
    let mended = hear(2, "2026-12-01T10:30:00Z", StateAfterApply::Waiting);
    assert_eq!(mended, ["ops@example.com: [drsync] core recovered after 30m"]);
    assert_eq!(hear(3, "2026-12-03T10:30:00Z", StateAfterApply::Waiting), [""; 0]);
    // What only a due group is asked for is not over because nobody asked.
    assert_eq!(hear(4, "2026-12-03T11:00:00Z", failing(FindingCode::SourceShrank)).len(), 1);
    assert_eq!(hear(5, "2026-12-03T11:30:00Z", StateAfterApply::Waiting), [""; 0]);
    assert_eq!(hear(6, "2026-12-04T11:30:00Z", StateAfterApply::Waiting).len(), 1);
}
