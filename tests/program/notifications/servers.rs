//! How servers are spoken to: each way to sign in, what is signed and sent again, and one that says nothing.

use serde_json::{Value, json};

use super::{FIRST, Receivers, World};
use crate::support::runner::{stderr, stdout};

#[test]
fn each_way_to_sign_in_works_and_a_refusal_says_why() {
    let Some(receivers) = Receivers::start() else { return };
    let oauth = |client: &str| json!({"token_url": receivers.url("token"), "client_id": client, "scope": "mail"});
    let user = "drsync@example.com";
    let ways = [
        ("starttls", json!({"auth": "plain", "user": user}), "good-password", ""),
        ("starttls", json!({"auth": "login", "user": user}), "good-password", ""),
        ("tls", json!({"auth": "login", "user": user, "security": "tls"}), "good-password", ""),
        (
            "tls",
            json!({"auth": "xoauth2", "user": user, "security": "tls", "oauth": oauth("a")}),
            "good-client",
            "",
        ),
        (
            "tls",
            json!({"auth": "plain", "user": user, "security": "tls"}),
            "wrong-password",
            "signing in was refused: permanent error (535)",
        ),
        (
            "tls",
            json!({"auth": "xoauth2", "user": user, "security": "tls", "oauth": oauth("a")}),
            "old-client",
            "535): 5.7.3 Authentication unsuccessful ({\"status\": \"400\"",
        ),
        (
            "open",
            json!({"security": "starttls"}),
            "",
            "it offers no STARTTLS, and nothing was sent in the open",
        ),
    ];
    let mut world = World::new(&receivers);
    world.apply(FIRST);
    let mut taken = 0;
    for (server, more, secret, refusal) in ways {
        world.variables.retain(|(name, _)| name == "SSL_CERT_FILE");
        world.set("DRSYNC_SMTP_PASSWORD", secret);
        world.set("DRSYNC_SMTP_CLIENT_SECRET", secret);
        let notifications = json!({"smtp": receivers.smtp(server, more.clone())});
        world.tell("ops@example.com", "boss@example.com", notifications);
        let tried = world.drsync("2026-11-22T11:30:00Z", &["notify", "test", "ops@example.com"]);
        let said = stdout(&tried);
        match refusal {
            "" => {
                taken += 14;
                assert!(
                    said.contains("took     mail ops@example.com"),
                    "{more}: {said}{}",
                    stderr(&tried)
                );
                assert_eq!(tried.status.code(), Some(0));
            }
            refusal => {
                let line: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(line.contains(refusal), "{more}: {said}");
                assert_eq!(tried.status.code(), Some(1), "{said}");
            }
        }
        for secret in [
            "good-password",
            "wrong-password",
            "good-client",
            "old-client",
            "good-token",
            "old-token",
        ] {
            assert!(!format!("{said}{}", stderr(&tried)).contains(secret), "{said}");
        }
        assert_eq!(receivers.mails().len(), taken, "{more}: {said}");
    }
    assert!(receivers.mails().iter().all(|mail| mail.contains("[drsync] TEST ")));
}

#[test]
fn webhooks_are_signed_and_sent_again_until_they_are_taken() {
    let Some(receivers) = Receivers::start() else { return };
    let mut world = World::new(&receivers);
    world.apply(FIRST);
    for (name, path) in [
        ("OWN", "standard"),
        ("FLAKY", "flaky"),
        ("CHAT", "slack/services/secret-path-of-slack"),
        ("TEAM", "teams"),
        ("PAGER", "pager"),
    ] {
        world.set(&format!("DRSYNC_WEBHOOK_{name}_URL"), receivers.url(path));
        let key = match name {
            "PAGER" => "a-routing-key",
            _ => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        };
        world.set(&format!("DRSYNC_WEBHOOK_{name}_SECRET"), key);
    }
    world.set("DRSYNC_HEARTBEAT_URL", receivers.url("check"));
    let notifications = json!({
        "webhooks": [
            {"kind": "standard", "url_secret": "own", "secret_key": "own-key"},
            {"kind": "standard", "url_secret": "flaky", "secret_key": "flaky-key"},
            {"kind": "slack", "url_secret": "chat"},
            {"kind": "teams", "url_secret": "team"},
            {"kind": "pagerduty", "url_secret": "pager", "secret_key": "pager-key"},
        ],
        "heartbeat": {"url_secret": "beat"},
    });
    world.tell("ops@example.com", "boss@example.com", notifications);
    for minutes in ["11:30", "12:00", "12:30"] {
        let run = world.apply(&format!("2026-11-22T{minutes}:00Z"));
        assert!(
            stderr(&run).contains("standard FLAKY was not told: 503 not now"),
            "{}",
            stderr(&run)
        );
    }
    let last = world.apply("2026-11-22T13:00:00Z");
    assert!(!stderr(&last).contains("was not told"), "{}", stderr(&last));
    let came = receivers.came();
    let of = |path: &str| -> Vec<&Value> {
        came.iter()
            .filter(|it| it["hook"].as_str().is_some_and(|hook| hook.starts_with(path)))
            .collect()
    };
    for path in ["/standard", "/flaky"] {
        let [sent] = of(path)[..] else { panic!("{came:#?}") };
        assert_eq!(sent["verified"], true, "{sent}");
        assert_eq!(sent["body"]["type"], "drsync.failing.opened");
        assert_eq!(sent["body"]["data"]["incident"]["group"], "customer_360");
        // Nobody sees who else is told.
        assert_eq!(sent["body"]["data"]["incident"]["told"]["to"], Value::Null);
    }
    let [slack] = of("/slack")[..] else { panic!("{came:#?}") };
    assert!(
        slack["body"]["text"].as_str().unwrap().starts_with("customer_360 is not synchronized")
    );
    assert_eq!(slack["body"]["blocks"][0]["type"], "header");
    let [teams] = of("/teams")[..] else { panic!("{came:#?}") };
    let card = &teams["body"]["attachments"][0];
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    let [pager] = of("/pager")[..] else { panic!("{came:#?}") };
    assert_eq!(pager["body"]["event_action"], "trigger");
    assert_eq!(pager["body"]["routing_key"], "a-routing-key");
    assert_eq!(pager["body"]["dedup_key"], of("/standard")[0]["body"]["data"]["incident"]["id"]);
    let beats: Vec<&str> = came.iter().filter_map(|it| it["beat"].as_str()).collect();
    assert_eq!(beats.len(), 8, "{beats:?}");
    let (start, end) = (beats[0], beats[1]);
    assert!(start.starts_with("/check/start?rid="), "{start}");
    assert_eq!(start.split_once('?').unwrap().1, end.split_once('?').unwrap().1);
    let written = world.written("");
    for secret in ["secret-path-of-slack", "a-routing-key", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        assert!(!written.contains(secret), "{secret} was kept");
    }
}

#[test]
fn a_server_that_says_nothing_holds_up_no_other_and_changes_no_result() {
    let Some(receivers) = Receivers::start() else { return };
    let mut world = World::new(&receivers);
    let bare = world.apply(FIRST);
    world.set("DRSYNC_WEBHOOK_CHAT_URL", receivers.url("slack"));
    let notifications = json!({
        "smtp": receivers.smtp("silent", json!({"security": "none"})),
        "webhooks": [{"kind": "slack", "url_secret": "chat"}],
    });
    world.tell("ops@example.com, second@example.com", "boss@example.com", notifications);
    let begun = std::time::Instant::now();
    let run = world.apply("2026-11-22T11:30:00Z");
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    assert_eq!(run.status.code(), bare.status.code());
    assert!(stderr(&run).contains("no answer within 20 s"), "{}", stderr(&run));
    assert!(stderr(&run).contains("the next apply sends 3 messages again"), "{}", stderr(&run));
    assert_eq!(receivers.came().len(), 1, "the channel was told");
}

#[test]
fn what_teams_takes_is_asked_for_and_a_stranger_is_a_mistake() {
    let Some(receivers) = Receivers::start() else { return };
    let mut world = World::new(&receivers);
    world.set("DRSYNC_WEBHOOK_TEAM_URL", receivers.url("teams"));
    let notifications = json!({
        "smtp": receivers.smtp("open", json!({"security": "none"})),
        "webhooks": [{"kind": "teams", "url_secret": "team"}],
    });
    world.tell("ops@example.com", "refused@example.com", notifications);
    let all = world.drsync(FIRST, &["notify", "test"]);
    let said = stdout(&all);
    assert!(
        said.starts_with("4 of 6 channels took every message; 1 refused; 1 cannot know\n"),
        "{said}"
    );
    assert!(said.contains("ask      teams TEAM  202 ok, which proves nothing"), "{said}");
    assert!(said.contains("notifications.heartbeat is not set"), "{said}");
    assert_eq!(all.status.code(), Some(4));
    let stranger = world.drsync(FIRST, &["notify", "test", "nobody@example.com"]);
    assert_eq!(stranger.status.code(), Some(64), "{}", stderr(&stranger));
    assert!(stderr(&stranger).contains("ops@example.com"), "{}", stderr(&stranger));
    let one = world.drsync(FIRST, &["notify", "test", "team"]);
    assert!(stdout(&one).contains("ask      teams TEAM"), "{}", stdout(&one));
}
