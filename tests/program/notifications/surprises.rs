//! What `validate` says of who is told before it surprises somebody.

use serde_json::{Value, json};

use super::{FIRST, Receivers, World};
use crate::support::runner::{stderr, stdout};

#[test]
fn validate_says_what_will_surprise_somebody() {
    let Some(receivers) = Receivers::start() else { return };
    let mut world = World::new(&receivers);
    let none = world.drsync(FIRST, &["validate", "--offline"]);
    let silent = "no mail is sent: notifications.smtp is not set, and 4 addresses hear nothing";
    assert!(stderr(&none).contains(silent), "{}", stderr(&none));
    world.set(
        "DRSYNC_WEBHOOK_OLD_URL",
        "https://example.webhook.office.com/webhookb2/abcdefghijklmnop",
    );
    let notifications = json!({
        "smtp": {
            "host": "smtp.office365.com", "auth": "login", "user": "drsync@example.com",
            "password_secret": "smtp-password",
        },
        "webhooks": [
            {"kind": "teams", "url_secret": "old"}, {"kind": "slack", "url_secret": "chat"},
        ],
    });
    world.tell("ops@example.com", "boss@example.com", notifications);
    let said = stdout(&world.drsync(FIRST, &["validate"]));
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "east: smtp.office365.com ends sign-in with a password",
        "east: nobody hears of a scheduler that is dead",
        "east: OLD: connectors of Office 365 were retired",
        "east: CHAT: DRSYNC_WEBHOOK_CHAT_URL is not set, and the primary has no secret dr/chat",
        "east: smtp: DRSYNC_SMTP_PASSWORD is not set, and the primary has no secret dr/smtp-password",
    ] {
        assert!(line.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("abcdefghijklmnop"), "{said}");
    let json = stdout(&world.drsync(FIRST, &["validate", "--json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    let codes: Vec<&str> = json["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        ["microsoft_password", "no_heartbeat", "secret_missing", "teams_retired", "secret_missing"]
    );
    let good = json!({"smtp": receivers.smtp("open", json!({"security": "none"})), "heartbeat": {"url_secret": "beat"}});
    world.set("DRSYNC_HEARTBEAT_URL", receivers.url("check"));
    world.tell("ops@example.com", "boss@example.com", good);
    let said = world.drsync(FIRST, &["validate"]);
    assert!(!stdout(&said).contains("warning   east"), "{}", stdout(&said));
    assert!(!stderr(&said).contains("no mail is sent"), "{}", stderr(&said));
}

#[test]
fn validate_names_whom_nothing_reached_for_three_days_until_something_does() {
    let Some(receivers) = Receivers::start() else { return };
    let world = World::new(&receivers);
    let silent = |now: &str| -> Vec<String> {
        let said = stdout(&world.drsync(now, &["validate", "--json"]));
        let said: Value = serde_json::from_str(&said).unwrap();
        let doubts = said["notifications"].as_array().unwrap().iter();
        let silent = doubts.filter(|doubt| doubt["code"] == "not_delivered");
        let told = |doubt: &Value| {
            assert_eq!(doubt["command"]["verb"], "notify");
            doubt["message"].as_str().unwrap().to_owned()
        };
        silent.map(told).collect()
    };
    let list = "refused@example.com, ops@example.com";
    let open = json!({"smtp": receivers.smtp("open", json!({"security": "none"}))});
    world.tell(list, "boss@example.com", open.clone());
    for day in 22..25 {
        world.apply(&format!("2026-11-{day}T11:30:00Z"));
        assert_eq!(silent(&format!("2026-11-{day}T12:00:00Z")), [""; 0]);
    }
    world.apply("2026-11-25T11:40:00Z");
    let refused = "refused@example.com: nothing was delivered since 2026-11-22 11:30:00Z";
    assert_eq!(silent("2026-11-25T12:00:00Z"), [refused]);
    let said = stdout(&world.drsync("2026-11-25T12:00:00Z", &["validate"]));
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let whole = format!("{refused}; drsync notify test 'refused@example.com' says why");
    assert!(said.contains(&whole), "{said}");
    // A server that is gone is silence for everybody, and whoever left the configuration is nobody's business.
    let mut gone = open.clone();
    gone["smtp"]["port"] = 9.into();
    world.tell("ops@example.com", "boss@example.com", gone);
    for day in 26..31 {
        world.apply(&format!("2026-11-{day}T12:30:00Z"));
    }
    let told = silent("2026-11-30T13:00:00Z");
    assert!(told.iter().any(|it| it.starts_with("ops@example.com: ")), "{told:?}");
    assert!(!told.iter().any(|it| it.contains("refused@")), "{told:?}");
    world.tell("ops@example.com", "boss@example.com", open);
    world.apply("2026-12-01T12:30:00Z");
    world.apply("2026-12-01T13:00:00Z");
    let told = silent("2026-12-01T13:10:00Z");
    assert!(!told.iter().any(|it| it.starts_with("ops@example.com: ")), "{told:?}");
}
