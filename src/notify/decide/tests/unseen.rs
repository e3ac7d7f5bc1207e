//! What is not seen, or seen by one runner alone: whose incident that is, and when it ends.

use super::*;

#[test]
fn what_a_machine_does_not_see_is_its_own_incident() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let well =
        || vec![group("core", StateAfterApply::InOrder), group("web", StateAfterApply::InOrder)];
    let blind = |number: usize, minutes: i64| {
        let mut round = round(number, now + Duration::minutes(minutes), well());
        round.seen_from = "there".to_owned();
        (round.away, round.answered) = (vec![Role::Secondary], vec![Role::Primary]);
        round
    };
    let sees =
        |number: usize, minutes: i64| round(number, now + Duration::minutes(minutes), well());
    let (first, letters) = decide_letters(&blind(1, 0), &[], &policy);
    assert_eq!(letters.len(), 3, "ops and both owners: {:?}", heard(&letters));
    // The two take turns: neither tells of what the other told.
    let (second, letters) = decide_letters(&sees(2, 10), &[&first], &policy);
    assert_eq!(heard(&letters), Vec::<String>::new());
    let (third, letters) = decide_letters(&blind(3, 30), &[&second], &policy);
    assert_eq!(heard(&letters), Vec::<String>::new());
    // It sees the region again, and says so.
    let mut well_again = sees(4, 60);
    well_again.seen_from = "there".to_owned();
    let (fourth, letters) = decide_letters(&well_again, &[&third], &policy);
    assert_eq!(letters.len(), 3);
    assert!(fourth.incidents.iter().all(|incident| !incident.is_open()));
    // It never comes back: whoever sees the region ends it.
    let (later, letters) = decide_letters(&sees(5, 25 * 60), &[&third], &policy);
    assert_eq!(later.incidents[0].closed.as_ref().map(|closed| closed.how), Some(How::Unattended));
    assert_eq!(letters.len(), 3);
}

#[test]
fn a_workspace_that_is_not_watched_is_the_incident_of_whoever_does_not_see_it() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let well =
        || vec![group("core", StateAfterApply::InOrder), group("web", StateAfterApply::InOrder)];
    let looks = |number: usize, minutes: i64, unwatched: Option<Vec<FailureCause>>| {
        let round = round(number, now + Duration::minutes(minutes), well());
        Round { unwatched, ..round }
    };
    let there = |round: Round| Round { seen_from: "there".to_owned(), ..round };
    let whole = || Some(vec![unseen(CauseCode::WorkspaceUnseen)]);
    let (first, letters) = decide_letters(&looks(1, 0, whole()), &[], &policy);
    assert_eq!(letters.len(), 3, "ops and both owners: {:?}", heard(&letters));
    // Another cause is told at once; to be away, or seen from elsewhere, is no end of it.
    let job = || Some(vec![unseen(CauseCode::JobUnseen)]);
    let (second, letters) = decide_letters(&looks(2, 30, job()), &[&first], &policy);
    assert_eq!(letters.len(), 3, "{:?}", heard(&letters));
    let (third, letters) = decide_letters(&looks(3, 60, None), &[&second], &policy);
    assert_eq!(letters.len(), 0, "{:?}", heard(&letters));
    let (fourth, letters) =
        decide_letters(&there(looks(4, 75, Some(Vec::new()))), &[&third], &policy);
    assert_eq!(letters.len(), 0, "{:?}", heard(&letters));
    // Of a job that others ask for nothing is known by an apply of some groups.
    let some = Round { whole: false, ..looks(5, 90, Some(Vec::new())) };
    let (fifth, letters) = decide_letters(&some, &[&fourth], &policy);
    assert_eq!((letters.len(), fifth.incidents[0].is_open()), (0, true));
    let end = |round: Round| {
        let (standing, letters) = decide_letters(&round, &[&fifth], &policy);
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
    let (_, letters) = decide_letters(&away(1, 0, &[Role::Primary, Role::Secondary]), &[], &policy);
    assert_eq!(
        keeps(&letters),
        [
            "the last cuts, if the secondary has them still: it gives no answer either",
            "the sources, if the primary has them still: it gives no answer either",
        ]
    );
    // One after the other.
    let (first, letters) = decide_letters(&away(1, 0, &[Role::Primary]), &[], &policy);
    assert_eq!(keeps(&letters), ["the last cuts in the secondary, whole"]);
    let second = away(2, 30, &[Role::Primary, Role::Secondary]);
    let (_, letters) = decide_letters(&second, &[&first], &policy);
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
    let (one, _) = decide_letters(&partly(round(1, now, bad())), &[], &policy);
    let (other, _) =
        decide_letters(&partly(round(2, now + Duration::minutes(1), bad())), &[], &policy);
    let third = partly(round(3, now + Duration::minutes(30), bad()));
    let (both, letters) = decide_letters(&third, &[&one, &other], &policy);
    assert_eq!(heard(&letters), Vec::<String>::new());
    let [incident] = both.incidents.as_slice() else { panic!("{both:#?}") };
    assert_eq!(incident.id, one.incidents[0].id);
    assert_eq!(incident.also, [other.incidents[0].id.clone()]);
    let well = vec![group("core", StateAfterApply::Synchronized)];
    let fourth = partly(round(4, now + Duration::minutes(60), well));
    let (_, letters) = decide_letters(&fourth, &[&both], &policy);
    assert_eq!(
        heard(&letters),
        [
            "boss@example.com: [drsync] core recovered after 1h: cut 7",
            "core@example.com: [drsync] core recovered after 1h: cut 7",
            "ops@example.com: [drsync] core recovered after 1h: cut 7",
        ]
    );
    // One closed it, the other that ran beside carries it on as open: it stays closed.
    let (closed, _) = decide_letters(&fourth, &[&both], &policy);
    let fifth = partly(round(5, now + Duration::minutes(90), vec![]));
    let (after, letters) = decide_letters(&fifth, &[&closed, &both], &policy);
    assert_eq!((after.incidents.len(), letters.len()), (0, 0));
}

#[test]
fn what_ran_in_the_secondary_has_not_ended_because_nobody_looks() {
    let policy = policy();
    let now = at("2026-12-01T00:00:00Z");
    let active = failing(FindingCode::WorkflowActiveInSecondary);
    let (first, _) = decide_letters(&round(1, now, vec![group("core", active)]), &[], &policy);
    for state in [StateAfterApply::Waiting, StateAfterApply::InOrder, StateAfterApply::Synchronized]
    {
        let mut blind = round(2, now + Duration::minutes(30), vec![group("core", state.clone())]);
        blind.unwatched = Some(vec![unseen(CauseCode::RunsUnseen)]);
        let (second, letters) = decide_letters(&blind, &[&first], &policy);
        assert!(second.incidents[0].is_open(), "{state:?}");
        assert!(heard(&letters).iter().all(|it| !it.contains("recovered")), "{state:?}");
        let seen = round(3, now + Duration::minutes(60), vec![group("core", state)]);
        let (third, _) = decide_letters(&seen, &[&second], &policy);
        assert!(!third.incidents[0].is_open());
    }
}
