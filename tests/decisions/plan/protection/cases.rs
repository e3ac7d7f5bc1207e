//! Every setting that protects, with a value that protects more and one that protects less.

use drsync::plan::Setting;
use serde_json::{Value, json};

/// One setting: where it stands, a stronger value and a weaker one, and what of it changes.
pub(super) struct Case {
    pub(super) at: &'static str,
    pub(super) strong: Value,
    pub(super) weak: Value,
    pub(super) changes: &'static [Setting],
    /// The keys that it is about, where they stand within another.
    pub(super) keys: &'static [&'static str],
}

pub(super) const REFERENCE: &str = "/workspaces/0/sync_groups/1";
pub(super) const WORKSPACE: &str = "/workspaces/0";
pub(super) const FILE: &str = "";

pub(super) fn case(
    at: &'static str,
    strong: Value,
    weak: Value,
    changes: &'static [Setting],
) -> Case {
    Case { at, strong, weak, changes, keys: &[] }
}

impl Case {
    /// The same about keys within the one that it stands at.
    fn of(self, keys: &'static [&'static str]) -> Case {
        Case { keys, ..self }
    }
}

pub(super) fn of_groups() -> Vec<Case> {
    let (daily, yearly) = (json!("0 2 * * *"), json!("0 2 1 1 *"));
    let owners = [json!("a@example.com, b@example.com"), json!("B@example.com")];
    let ends = [json!("2026-12-01"), json!("2027-11-01T06:00:00Z")];
    let table = json!({"main.shop.lines": "too big"});
    vec![
        case(
            "sync_schedule",
            daily,
            yearly,
            &[Setting::Schedule, Setting::Objective, Setting::MaxLag],
        ),
        case("sync_rpo_minutes", json!(720), json!(499_680), &[Setting::Objective]),
        case("sync_max_lag_minutes", json!(1_440), json!(2_880), &[Setting::MaxLag]),
        case("sync_max_lag_minutes", json!(1_440), json!(0), &[Setting::MaxLag]),
        case("sync_min_interval_minutes", json!(30), json!(600), &[Setting::MinInterval]),
        case("sync_receipt_minutes", json!(60), json!(1_440), &[Setting::Receipt]),
        case("sync_replica_retention_days", json!(30), json!(1), &[Setting::ReplicaRetention]),
        case("sync_shrink_percent", json!(50), json!(0), &[Setting::ShrinkGuard]),
        case("sync_max_retries", json!(3), json!(0), &[Setting::Retries]),
        case("paused", Value::Null, json!("the move"), &[Setting::Paused]),
        case("paused_until", ends[0].clone(), ends[1].clone(), &[Setting::Paused]),
        case("paused_until", ends[0].clone(), Value::Null, &[Setting::Paused]),
        case("unprotected_tables", Value::Null, table, &[Setting::Unprotected]),
        case("group_owner_email", owners[0].clone(), owners[1].clone(), &[Setting::Owners]),
        case(
            "workflow",
            json!(["orders_job", "late_job"]),
            json!("orders_job"),
            &[Setting::Workflows],
        ),
        case("workflow", json!("orders_job"), Value::Null, &[Setting::Workflows]),
    ]
}

pub(super) fn of_the_workspace() -> Vec<Case> {
    let told = |more: Value| {
        let mut told = json!({"smtp": {"host": "smtp.example.com"}});
        told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        told
    };
    let hook = |events: Value| {
        told(json!({"webhooks": [{"kind": "slack", "url_secret": "slack-dr", "events": events}]}))
    };
    let two = json!("ops@example.com, oncall@example.com");
    let west = json!("/world/west");
    let beat = told(json!({"heartbeat": {"url_secret": "heartbeat"}}));
    let at = "notifications";
    vec![
        case("sync_failure_notification", two, json!("ops@example.com"), &[Setting::FailureMail]),
        case(at, told(json!({})), Value::Null, &[Setting::MailServer]).of(&[
            "notifications",
            "smtp",
            "host",
        ]),
        case(at, hook(json!(["failing", "recovered"])), told(json!({})), &[Setting::Webhooks])
            .of(&["webhooks", "kind", "url_secret"]),
        case(
            at,
            hook(json!(["failing", "recovered"])),
            hook(json!(["recovered"])),
            &[Setting::Webhooks],
        )
        .of(&["events"]),
        case(at, beat, told(json!({})), &[Setting::Heartbeat]).of(&["heartbeat", "url_secret"]),
        case(at, told(json!({})), told(json!({"reminder_hours": 240})), &[Setting::Reminder])
            .of(&["reminder_hours"]),
        case("secondary_workspace_instance_url", west, Value::Null, &[Setting::SecondaryWorkspace]),
        case("plan_max_age_hours", json!(72), json!(8_760), &[Setting::PlanMaxAge]),
        case(
            "failover_when",
            json!("east away for 30 minutes"),
            Value::Null,
            &[Setting::FailoverWhen],
        ),
        case(
            "failover_approvers",
            json!("cto@example.com"),
            Value::Null,
            &[Setting::FailoverApprovers],
        ),
        case(
            "sync_default_schedule",
            json!("0 2 * * *"),
            json!("0 2 1 1 *"),
            &[Setting::Schedule, Setting::Objective, Setting::MaxLag],
        ),
    ]
}

pub(super) fn of_the_file() -> Vec<Case> {
    let (one, two) = (json!("KEY-1"), json!("KEY-1, KEY-2"));
    let at = ["require_signature", "require_signed_records"];
    let signers: [&'static [Setting]; 2] = [&[Setting::PlanSigners], &[Setting::RecordSigners]];
    let cases = at.into_iter().zip(signers).flat_map(|(at, changes)| {
        [
            case(at, one.clone(), Value::Null, changes),
            // Whoever has the other key may let through what nobody could.
            case(at, one.clone(), two.clone(), changes),
        ]
    });
    cases.collect()
}

/// Settings of which neither value is the weaker.
pub(super) fn otherwise() -> Vec<(&'static str, &'static str, [Value; 2], Setting)> {
    let smtp = |success: &str| json!({"smtp": {"host": "smtp.example.com"}, "success": success});
    let success = [smtp("each"), smtp("off")];
    let places = [json!("/world/west/sync"), json!("/world/north/sync")];
    let beat = |secret: &str| json!({"heartbeat": {"url_secret": secret}});
    vec![
        (WORKSPACE, "notifications", [beat("heartbeat"), beat("other")], Setting::Heartbeat),
        (WORKSPACE, "notifications", success, Setting::SuccessNews),
        (WORKSPACE, "sync_location_secondary", places, Setting::Replicas),
        (REFERENCE, "sync_timezone", [json!("UTC"), json!("Asia/Tokyo")], Setting::Schedule),
        (REFERENCE, "workflow", [json!("orders_job"), json!("other_job")], Setting::Workflows),
        (
            WORKSPACE,
            "failover_when",
            [json!("east away for 30 minutes"), json!("east away for a day")],
            Setting::FailoverWhen,
        ),
        (
            WORKSPACE,
            "failover_approvers",
            [json!("cto@example.com"), json!("cto@example.com, data@example.com")],
            Setting::FailoverApprovers,
        ),
    ]
}

/// A mail server with more to it.
fn mail(more: Value) -> Value {
    let mut smtp = json!({"host": "smtp.example.com"});
    smtp.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"smtp": smtp})
}

/// A mail server at which one signs in.
fn signed_in(more: Value) -> Value {
    let mut smtp = json!({"auth": "plain", "user": "u@example.com", "password_secret": "mail"});
    smtp.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    mail(smtp)
}

/// The same by tokens of an application.
fn by_tokens(more: Value) -> Value {
    let mut oauth = json!({
        "token_url": "https://login.example.com/token", "client_id": "one", "client_secret_key": "key",
        "scope": "mail",
    });
    oauth.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    mail(json!({"auth": "xoauth2", "user": "u@example.com", "oauth": oauth}))
}

/// Keys that are compared as they are written: what each is called, where it stands, and two values.
pub(super) fn as_written() -> Vec<(&'static str, &'static str, &'static str, [Value; 2])> {
    let own = |key: &'static str, one: Value, other: Value| (key, WORKSPACE, key, [one, other]);
    let of_mail =
        |called: &'static str, values: [Value; 2]| (called, WORKSPACE, "notifications", values);
    vec![
        ("secret_scope", FILE, "secret_scope", [json!("dr"), json!("other")]),
        own("workspace_name", json!("east"), json!("main")),
        own("workspace_instance_url", json!("/world/east"), json!("/world/north")),
        own("workspace_pat_key", json!("east-pat"), json!("other-pat")),
        own("sync_location_primary", json!("/world/east/sync"), json!("/world/north/sync")),
        own("default_catalog", json!("main"), json!("other")),
        own("default_schema", json!("shop"), json!("other")),
        own("warehouse_id", Value::Null, json!("fedcba0987654321")),
        own("workspace_profile", json!("EAST"), Value::Null),
        own("secondary_workspace_name", json!("west"), json!("north")),
        own("secondary_workspace_pat_key", json!("west-pat"), json!("other-pat")),
        own("secondary_workspace_profile", json!("WEST"), json!("NORTH")),
        own("secondary_warehouse_id", json!("fedcba0987654321"), Value::Null),
        own("no_secondary_workspace", Value::Null, json!("replicas are read by path")),
        of_mail("smtp.port", [mail(json!({})), mail(json!({"port": 2525}))]),
        of_mail(
            "smtp.security",
            [mail(json!({"port": 465})), mail(json!({"port": 465, "security": "tls"}))],
        ),
        of_mail("smtp.from", [mail(json!({})), mail(json!({"from": "dr@example.com"}))]),
        of_mail("smtp.user", [signed_in(json!({})), signed_in(json!({"user": "v@example.com"}))]),
        of_mail(
            "smtp.password_secret",
            [signed_in(json!({})), signed_in(json!({"password_secret": "other"}))],
        ),
        of_mail("smtp.auth", [signed_in(json!({})), signed_in(json!({"auth": "login"}))]),
        of_mail(
            "oauth.token_url",
            [
                by_tokens(json!({})),
                by_tokens(json!({"token_url": "https://login.example.com/other"})),
            ],
        ),
        of_mail("oauth.client_id", [by_tokens(json!({})), by_tokens(json!({"client_id": "two"}))]),
        of_mail(
            "oauth.client_secret_key",
            [by_tokens(json!({})), by_tokens(json!({"client_secret_key": "other"}))],
        ),
        of_mail("oauth.scope", [by_tokens(json!({})), by_tokens(json!({"scope": "other"}))]),
    ]
}
