//! Requests: repeated where that is safe, refused with a useful message, never with a token in it.

use std::time::Duration;

use drsync::region::RegionErrorKind;

use super::fake::{Fake, SECONDARY, TOKEN, What};

fn busy(after: &str) -> What {
    What::Answer(
        429,
        vec![("retry-after", after.to_owned())],
        r#"{"error_code":"RESOURCE_EXHAUSTED","message":"slow down"}"#.to_owned(),
    )
}

#[tokio::test]
async fn retry_after_is_honoured_in_both_forms() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    fake.pauses.lock().unwrap().clear();
    fake.fault("external-locations", 1, busy("7"));
    let soon =
        (chrono::Utc::now() + chrono::TimeDelta::seconds(30)).format("%a, %d %b %Y %H:%M:%S GMT");
    fake.fault("external-locations", 1, busy(&soon.to_string()));
    regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.unwrap();
    let pauses = fake.pauses.lock().unwrap().clone();
    assert_eq!(pauses[0], Duration::from_secs(7));
    assert!((28..=30).contains(&pauses[1].as_secs()), "{pauses:?}");
}

#[tokio::test]
async fn a_pause_that_is_longer_than_anybody_waits_is_said() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    fake.fault("external-locations", 1, busy("4000"));
    let error =
        regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.unwrap_err();
    assert!(error.transient);
    assert!(
        error.describe_answer().to_string().contains("; it asks for a pause of 4000 s"),
        "{error}"
    );
}

#[tokio::test]
async fn an_empty_answer_is_asked_again_and_never_taken_for_nothing() {
    for body in ["", " ", "[]"] {
        let fake = Fake::start().await;
        let regions = fake.connect().await;
        fake.change(|state| state.privileges = vec!["WRITE_FILES"]);
        let empty = || What::Answer(200, vec![], body.to_owned());
        fake.fault("external-locations", 1, empty());
        assert!(regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.is_ok());
        fake.fault("external-locations", 99, empty());
        let error =
            regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.unwrap_err();
        assert_eq!(error.kind, RegionErrorKind::Other, "{error}");
    }
}

#[tokio::test]
async fn a_proxy_that_stays_bad_is_said_with_its_words_and_the_request_id() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    let page = "<html><head><title>502 Bad Gateway</title></head></html>";
    fake.fault("external-locations", 99, What::Answer(502, vec![], page.to_owned()));
    let error =
        regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.unwrap_err();
    assert_eq!((error.kind, error.transient), (RegionErrorKind::Unavailable, true));
    assert_eq!(
        error.to_string(),
        "look at the rights on abfss://s@acc.test/dr: 502 Bad Gateway [BAD_GATEWAY (502)] (request req-7)"
    );
    assert_eq!(fake.asked("external-locations").len(), 5);
}

#[tokio::test]
async fn a_broken_connection_and_half_an_answer_are_asked_again() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    fake.change(|state| state.privileges = vec!["READ_FILES", "WRITE_FILES"]);
    fake.fault("external-locations", 1, What::DropBefore);
    fake.fault(
        "external-locations",
        1,
        What::Answer(200, vec![], "{\"external_locations\": [".to_owned()),
    );
    assert!(regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.is_ok());
}

#[tokio::test]
async fn a_token_that_something_in_between_sends_back_is_not_said() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    // Long before the token, so that what is cut off may not leave half of it.
    let page =
        format!("<html><title>{} Authorization: Bearer {TOKEN}</title></html>", "x".repeat(160));
    let json = format!(r#"{{"error_code":"ODD","message":"not for {TOKEN}"}}"#);
    for (status, body) in [(502, page.clone()), (200, page), (400, json)] {
        fake.fault("external-locations", 5, What::Answer(status, vec![], body));
        let error =
            regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.unwrap_err();
        let told = format!("{error:?} {error}");
        assert!(told.contains("…") && !told.contains(&TOKEN[..8]), "{told}");
        fake.change(|state| state.faults.clear());
    }
}

#[tokio::test]
async fn a_redirect_is_followed_nowhere() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    let to = ("location", "https://elsewhere.test/login.html?secret=1".to_owned());
    fake.fault("external-locations", 1, What::Answer(302, vec![to], String::new()));
    let error =
        regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.unwrap_err();
    assert_eq!(
        error.describe_answer(),
        "redirected to https://elsewhere.test/login.html: is the workspace's address right?"
    );
}

#[tokio::test]
async fn a_host_that_takes_no_connection_is_away_soon() {
    let fake = Fake::start().await;
    let mut options = fake.options();
    options.address = "http://127.0.0.1:9".parse().unwrap();
    let regions =
        drsync::databricks::connect(&options).await.expect("being away is no sign-in failure");
    let error = regions.primary.presence().await.unwrap_err();
    assert_eq!(error.kind, RegionErrorKind::Unavailable);
    assert!(error.describe_answer().to_string().starts_with("no connection: "), "{error}");
}

#[tokio::test]
async fn a_listing_that_gives_a_page_token_twice_is_refused_by_its_request() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    let page = r#"{"next_page_token": "A"}"#.to_owned();
    fake.fault("external-locations", 99, What::Answer(200, vec![], page));
    let error =
        regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.unwrap_err();
    assert_eq!(
        error.describe_answer(),
        "GET /api/2.1/unity-catalog/external-locations gives the same page token twice: its pages have no end"
    );
    assert_eq!(fake.asked("external-locations").len(), 2);
}

#[tokio::test]
async fn empty_pages_with_a_new_token_are_followed() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    fake.change(|state| state.privileges = vec!["READ_FILES", "WRITE_FILES"]);
    for token in ["A", "B", "C"] {
        let page = format!(r#"{{"next_page_token": "{token}"}}"#);
        fake.fault("external-locations", 1, What::Answer(200, vec![], page));
    }
    assert!(regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.is_ok());
    assert_eq!(fake.asked("page_token=C").len(), 1);
}

#[tokio::test]
async fn a_region_that_answers_with_no_answer_is_not_away() {
    let page = "<html><head><title>Please sign in</title></head></html>";
    let half = r#"{"userName": "dr@exa"#;
    let denied = r#"{"error_code":"PERMISSION_DENIED","message":"no"}"#;
    let busy = r#"{"error_code":"TEMPORARILY_UNAVAILABLE","message":"later"}"#;
    for (status, body, kind) in [
        (200, page, RegionErrorKind::Other),
        (200, half, RegionErrorKind::Other),
        (200, "{]", RegionErrorKind::Other),
        (400, "{}", RegionErrorKind::Other),
        (403, page, RegionErrorKind::Denied),
        (403, denied, RegionErrorKind::Denied),
        (429, busy, RegionErrorKind::Unavailable),
        (502, page, RegionErrorKind::Unavailable),
        (503, busy, RegionErrorKind::Unavailable),
    ] {
        let fake = Fake::start().await;
        let regions = fake.connect().await;
        let bad = || What::Answer(status, vec![], body.to_owned());
        fake.fault("scim/v2/Me", 99, bad());
        let refusals = [
            regions.primary.presence().await.unwrap_err(),
            regions.secondary.presence().await.unwrap_err(),
        ];
        for error in refusals {
            assert_eq!(error.kind, kind, "{status} {body}: {error}");
        }
    }
}

#[tokio::test]
async fn a_question_has_its_deadline_in_an_apply_too() {
    let fake = Fake::start().await;
    let mut options = fake.options();
    // Whoever is told to wait does so past the deadline.
    options.timing.sleep = std::sync::Arc::new(|_| Box::pin(std::future::pending()));
    options.timing.question = Duration::from_millis(200);
    assert!(options.timing.until.is_none(), "as an apply has it");
    let regions = drsync::databricks::connect(&options).await.unwrap();
    fake.fault("external-locations", 9999, busy("20"));
    let error =
        regions.primary.workspace.as_ref().unwrap().write_access(SECONDARY).await.unwrap_err();
    assert_eq!(error.kind, RegionErrorKind::Unavailable);
    assert!(error.transient && !error.outcome_unknown, "{error:?}");
    let said = "no answer in the 15 minutes that one question may take";
    assert_eq!(error.describe_answer(), said);
}
