//! What else people are told of: many groups at once, successes, applies that cannot begin, protection that is weaker.

use super::*;

#[test]
fn several_groups_of_a_round_are_one_message_an_address() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let groups = vec![
        group("core", failing(FindingCode::SourceShrank)),
        group("web", failing(FindingCode::TableNotFound)),
    ];
    let (first, letters) = decide_letters(&round(1, now, groups), &[], &policy);
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
    let well =
        vec![group("core", StateAfterApply::Synchronized), group("web", StateAfterApply::InOrder)];
    let (_, letters) =
        decide_letters(&round(2, now + Duration::hours(1), well), &[&first], &policy);
    for letter in &letters {
        let text = text(letter);
        let begun = super::super::super::mail_id("01JDA2C7000000000000000001", &letter.to.hash());
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
        let mut standing = ToldState::default();
        let mut heard_by_boss = Vec::new();
        // Every six hours, three days long; the first cut is the first ever.
        for number in 0..12_u32 {
            let mut core = group("core", StateAfterApply::Synchronized);
            core.cut = Some(GroupCut { number: u64::from(number) + 1, recovery_point: None });
            let now = start + Duration::hours(6 * i64::from(number));
            let round =
                round(number as usize, now, vec![core, group("web", StateAfterApply::InOrder)]);
            let (after, letters) = decide_letters(&round, &[&standing], &policy);
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
    let (_, letters) = decide_letters(&round(1, at("2026-12-01T00:00:00Z"), groups), &[], &policy);
    for letter in &letters {
        let text = text(letter);
        assert!(!text.subject.contains(['\r', '\n']), "{:?}", text.subject);
        assert!(!text.plain.contains("\nBcc:"), "{}", text.plain);
    }
}

#[test]
fn applies_that_cannot_begin_are_told_once_reminded_of_and_ended() {
    let policy = policy();
    let cause = |code| FailureCause { code, table: None, message: "it is so".into() };
    let mut standing: Option<ToldState> = None;
    let mut hear = |number: usize, when: &str, cause: Option<FailureCause>| -> Vec<String> {
        let round = round(number, at(when), Vec::new());
        let before: Vec<&ToldState> = standing.iter().collect();
        let now = not_begun(&round, &before, &policy, cause.as_ref());
        let told = RecordNews {
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
        key: None,
        before: Some(before),
        after: Some(SettingValue::Number(0)),
        direction: Direction::Weaker,
    };
    let now = at("2026-12-01T00:02:00Z");
    let quiet =
        || vec![group("core", StateAfterApply::InOrder), group("web", StateAfterApply::InOrder)];
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
    let (standing, letters) = decide_letters(&first, &[], &policy);
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
    let (standing, letters) = decide_letters(&round(2, later, quiet()), &[&standing], &policy);
    assert_eq!((heard(&letters), standing.incidents), (vec![], vec![]));
}

/// What a round of a day brings, from where, and whether it is told.
type Brought<'a> = (&'a str, Option<(Option<i64>, crate::plan::Direction)>, bool);

#[test]
fn what_is_weakened_again_by_who_undid_it_is_told_again_and_what_two_runners_do_in_turn_is_not() {
    use crate::plan::Direction::{Stronger, Weaker};
    use crate::plan::{Setting, SettingChange, SettingValue};
    let policy = policy();
    let weak = Some((Some(720), Weaker));
    let back = Some((Some(60), Stronger));
    let weaker = Some((Some(900), Weaker));
    let stories: [&[Brought<'_>]; 7] = [
        // One runner: undone, and brought again.
        &[("a", weak, true), ("a", None, false), ("a", back, false), ("a", weak, true)],
        // Two that have different configurations.
        &[
            ("a", weak, true),
            ("b", back, false),
            ("a", weak, false),
            ("b", back, false),
            ("a", weak, false),
        ],
        // The first one has the old one again, which shows by its bringing nothing, and then not any more.
        &[
            ("a", weak, true),
            ("b", back, false),
            ("a", None, false),
            ("b", None, false),
            ("a", weak, true),
        ],
        // The other one alone undoes it, and brings it again.
        &[("a", weak, true), ("b", back, false), ("b", weak, true)],
        // It got the new configuration, and what the first one brings again is not new.
        &[
            ("a", weak, true),
            ("b", back, false),
            ("a", weak, false),
            ("b", None, false),
            ("a", None, false),
        ],
        // Another value than the one that was told.
        &[
            ("a", weak, true),
            ("a", weaker, true),
            ("a", back, false),
            ("a", weaker, true),
            ("a", back, false),
        ],
        // A third one undoes it, and the two bring it in turn.
        &[
            ("a", weak, true),
            ("c", back, false),
            ("b", weak, false),
            ("c", back, false),
            ("a", weak, false),
        ],
    ];
    for (story, rounds) in stories.iter().enumerate() {
        let mut standing: Option<ToldState> = None;
        for (number, (from, brought, tells)) in rounds.iter().enumerate() {
            let now = at("2026-12-01T00:02:00Z") + Duration::minutes(30 * number as i64);
            let mut next = round(number + 1, now, vec![group("core", StateAfterApply::InOrder)]);
            next.seen_from = (*from).to_owned();
            next.changed = brought
                .iter()
                .map(|(after, direction)| SettingChange {
                    group: Some("core".to_owned()),
                    table: None,
                    setting: Setting::Objective,
                    key: None,
                    before: None,
                    after: after.map(SettingValue::Number),
                    direction: *direction,
                })
                .collect();
            next.weakened = next.changed.iter().filter(|it| it.weakens()).cloned().collect();
            let (after, letters) =
                decide_letters(&next, &standing.iter().collect::<Vec<_>>(), &policy);
            assert_eq!(!letters.is_empty(), *tells, "story {story}, round {number}: {after:?}");
            standing = Some(after);
        }
    }
}

#[test]
fn what_left_returned_and_left_again_is_told_again() {
    use crate::plan::{Direction, Setting, SettingChange, SettingValue};
    let policy = policy();
    let removed = |group: Option<&str>, table: Option<&str>| SettingChange {
        group: group.map(str::to_owned),
        table: table.map(str::to_owned),
        setting: Setting::Removed,
        key: None,
        before: Some(SettingValue::Switch(true)),
        after: None,
        direction: Direction::Weaker,
    };
    let whole =
        || vec![group("core", StateAfterApply::InOrder), group("web", StateAfterApply::InOrder)];
    for (left, without) in [
        (removed(Some("web"), None), vec![group("core", StateAfterApply::InOrder)]),
        (removed(Some("web"), Some("main.web.orders")), whole()),
        (removed(None, None), Vec::new()),
    ] {
        let mut standing: Option<ToldState> = None;
        let mut heard_of = Vec::new();
        for number in 0..6 {
            let now = at("2026-12-01T00:02:00Z") + Duration::minutes(30 * number as i64);
            let gone = number % 3 == 0;
            let groups = if number % 3 == 2 { whole() } else { without.clone() };
            let mut next = round(number + 1, now, groups);
            next.changed = if gone { vec![left.clone()] } else { Vec::new() };
            next.weakened = next.changed.clone();
            next.came =
                left.table.iter().filter(|_| number % 3 == 2).map(|it| it.to_uppercase()).collect();
            let (after, letters) =
                decide_letters(&next, &standing.iter().collect::<Vec<_>>(), &policy);
            heard_of.push(!letters.is_empty());
            standing = Some(after);
        }
        assert_eq!(heard_of, [true, false, false, true, false, false], "{left:?}");
    }
}
