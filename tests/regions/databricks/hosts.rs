//! Credentials belong to hosts: each goes to its own workspace and to nothing that a workspace names.

use drsync::config::Connection;
use drsync::config::TableName;
use drsync::databricks::{ConnectOptions, connect};
use drsync::region::{SourceQuestion, Table};
use serde_json::{Value, json};

use super::fake::{DeltaTable, Fake, TOKEN, What};
use super::sign_in::with;

const WEST: &str = "west-canary-t0ken";

/// Whether anything of a text was sent to a service, in a header, an address or a body.
fn heard(fake: &Fake, text: &str) -> bool {
    let state = fake.state.lock().unwrap();
    let all = state.headers.iter().chain(&state.requests);
    all.into_iter().any(|sent| sent.contains(text))
}

/// A workspace with the secondary's own.
fn with_secondary(options: ConnectOptions, other: &Fake) -> ConnectOptions {
    let secondary = Some(other.base.parse().unwrap());
    let connection =
        Connection { secondary_name: Some("west".to_owned()), ..options.connection.clone() };
    ConnectOptions { secondary, connection, ..options }
}

/// A profile with a token for each of two hosts.
fn profiles(east: &Fake, west: &Fake) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let text = format!(
        "[e]\nhost = {}\ntoken = {TOKEN}\n[w]\nhost = {}\ntoken = {WEST}\n",
        east.base, west.base
    );
    std::fs::write(home.path().join(".databrickscfg"), text).unwrap();
    home
}

#[tokio::test]
async fn of_two_workspaces_each_hears_its_own_secret_and_never_the_others() {
    for by_profile in [false, true] {
        let (east, west) = (Fake::start().await, Fake::start().await);
        west.change(|state| state.tokens = [WEST.to_owned()].into());
        let home = profiles(&east, &west);
        let variables = [("DRSYNC_TOKEN_EAST", TOKEN), ("DRSYNC_TOKEN_WEST", WEST)];
        let mut options = if by_profile { with(&east, &[]) } else { with(&east, &variables) };
        options.environment.home = by_profile.then(|| home.path().to_owned());
        let regions = connect(&with_secondary(options, &west)).await.unwrap();
        regions.primary.presence().await.unwrap();
        let secondary = regions.secondary.presence().await.unwrap();
        assert_eq!(secondary.workspace_unseen, None);
        assert!(heard(&east, TOKEN) && heard(&west, WEST));
        assert!(!heard(&east, WEST) && !heard(&west, TOKEN));
    }
}

#[tokio::test]
async fn what_names_its_host_goes_to_no_other_workspace_of_the_run() {
    let (east, west) = (Fake::start().await, Fake::start().await);
    let host = ("DATABRICKS_HOST", east.base.as_str());
    for secret in [
        &[host, ("DATABRICKS_TOKEN", TOKEN)][..],
        &[host, ("DATABRICKS_CLIENT_ID", "id"), ("DATABRICKS_CLIENT_SECRET", "s3cr3t-canary")],
        &[host, ("DATABRICKS_OIDC_TOKEN", "jwt-canary")],
    ] {
        let options = with_secondary(with(&east, secret), &west);
        let regions = connect(&options).await.unwrap();
        regions.primary.presence().await.unwrap();
        let secondary = regions.secondary.presence().await.unwrap();
        assert!(secondary.workspace_unseen.is_some());
        assert!(heard(&east, "authorization"));
        assert!(!heard(&west, "authorization") && !heard(&west, "canary"));
    }
}

/// What a workspace says of its tokens in the two documents in which it does.
fn says(fake: &Fake, config: Value, server: Value) {
    for (document, value) in [("databricks-config", config), ("oauth-authorization-server", server)]
    {
        if !value.is_null() {
            let answer = What::Answer(200, vec![], value.to_string());
            fake.fault(&format!("/.well-known/{document}"), 99, answer);
        }
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_not_the_workspaces_own_is_sent_no_secret() {
    let other = Fake::start().await;
    for there in [
        format!("{}/oidc/v1/token", other.base),
        "https://tokens.test/token".to_owned(),
        "no address".to_owned(),
    ] {
        for (config, server) in [
            (Value::Null, json!({"token_endpoint": there})),
            (json!({"oidc_endpoint": there}), Value::Null),
        ] {
            let fake = Fake::start().await;
            says(&fake, config, server);
            let github = format!("{}/id-token?v=1", fake.base);
            for secret in [
                &[("DATABRICKS_CLIENT_ID", "id"), ("DATABRICKS_CLIENT_SECRET", "s3cr3t-canary")][..],
                &[("DATABRICKS_OIDC_TOKEN", "jwt-canary")],
                &[
                    ("ACTIONS_ID_TOKEN_REQUEST_URL", &github),
                    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "gh-canary"),
                    ("DATABRICKS_CLIENT_ID", "app"),
                ],
            ] {
                let refused = connect(&with(&fake, secret)).await.map(drop).unwrap_err();
                let refused = refused.to_string();
                let of_it = ["OAuth endpoint", "token endpoint"];
                assert!(of_it.iter().any(|it| refused.contains(it)), "{refused}");
                assert_eq!(fake.asked("/id-token"), [""; 0]);
                for fake in [&fake, &other] {
                    assert!(!heard(fake, "canary"), "{refused}");
                }
            }
        }
    }
    assert_eq!(other.asked(""), [""; 0]);
}

#[tokio::test]
async fn the_audience_of_an_id_token_is_the_hosts_own_or_the_configured_one() {
    for (configured, told) in [
        (None, "https://victim.test/oidc/v1/token"),
        (None, "api://AzureADTokenExchange"),
        (Some("mine"), "https://victim.test/oidc/v1/token"),
    ] {
        let fake = Fake::start().await;
        let config = json!({"token_federation_default_oidc_audiences": [told]});
        says(&fake, config, Value::Null);
        let github = format!("{}/id-token?v=1", fake.base);
        let mut variables = vec![
            ("ACTIONS_ID_TOKEN_REQUEST_URL", github.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "gh-canary"),
            ("DATABRICKS_CLIENT_ID", "app"),
        ];
        variables.extend(configured.map(|it| ("DATABRICKS_TOKEN_AUDIENCE", it)));
        connect(&with(&fake, &variables)).await.unwrap();
        let own = format!("{}/oidc/v1/token", fake.base);
        let asked = fake.asked("/id-token");
        let [asked] = &asked[..] else { panic!("{asked:?}") };
        let words = asked.split(' ').nth(1).unwrap();
        let url = url::Url::parse(&format!("{}{words}", fake.base)).unwrap();
        let audience = url.query_pairs().find(|(key, _)| key == "audience");
        let expected = configured.map_or(own, str::to_owned);
        assert_eq!(audience.unwrap().1, expected, "{told}");
    }
}

#[tokio::test]
async fn a_link_to_a_result_is_asked_for_with_the_headers_that_came_with_it_and_none_of_ours() {
    let fake = Fake::start().await;
    fake.change(|state| {
        let table = DeltaTable::with_writes(5);
        drop(state.tables.insert("main.core.a".to_owned(), table));
    });
    let regions = fake.connect().await;
    let long =
        "Inline byte limit exceeded. Please execute the statement with disposition=EXTERNAL_LINKS";
    let long = What::Fail("BAD_REQUEST", long.to_owned());
    fake.fault("DESCRIBE HISTORY", 1, long);
    let question = SourceQuestion {
        table: Table {
            name: TableName::new("main", "core", "a"),
            table_id: None,
            location: None,
            unsupported: None,
            denied: None,
        },
        from_version: None,
    };
    let found = regions.primary.workspace.as_ref().unwrap().sources(&[question]).await;
    assert_eq!(found[0].as_ref().unwrap().commits.len(), 5);
    let state = fake.state.lock().unwrap();
    let mut signed = 0;
    for (request, headers) in state.requests.iter().zip(&state.headers) {
        let link = request.starts_with("GET /signed/");
        signed += usize::from(link);
        // The canary of the link is in its address alone.
        assert_eq!(headers.contains(TOKEN), !link, "{request}: {headers}");
        assert!(!link || headers.contains("x-part"), "{headers}");
        for ours in ["authorization", "cookie", "x-databricks"] {
            assert!(!link || !headers.contains(ours), "{headers}");
        }
    }
    assert_eq!(signed, 1);
}
