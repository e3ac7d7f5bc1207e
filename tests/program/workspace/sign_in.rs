//! What is said when nobody is signed in, or may do nothing: what, where, and what to do.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use axum::http::StatusCode;
use tokio::net::TcpListener;

use crate::workspace::site::{Said, Site, without_ids};

impl Site {
    /// Plans with these variables and nothing else.
    async fn plan(&self, variables: &[(&str, &str)]) -> Said {
        self.plan_at(&self.running.primary.url, variables).await
    }

    /// Plans for a workspace that is somewhere else.
    async fn plan_at(&self, address: &str, variables: &[(&str, &str)]) -> Said {
        let file = self.path("here/drsync.json");
        let text = &self.running.configuration;
        std::fs::write(file, text.replace(&self.running.primary.url, address)).unwrap();
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let variables: BTreeMap<String, String> = variables.collect();
        let said = self.run(&["plan"], &variables).await;
        Said { stderr: without_ids(&said.stderr), ..said }
    }

    /// A command `az` that does this; the `PATH` where it is.
    fn az(&self, script: &str) -> String {
        let file = self.path("here/bin/az");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        let others = std::env::var("PATH").unwrap();
        format!("{}:{others}", file.parent().unwrap().display())
    }
}

/// A service that answers everything in one way; its address.
async fn always(status: u16, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let status = StatusCode::from_u16(status).unwrap();
    let app = axum::Router::new().fallback(move || async move { (status, body) });
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_what_was_tried() {
    let site = Site::new().await;
    let said = site.plan(&[]).await;
    assert_eq!(said.code, 77);
    assert_eq!(
        said.stderr,
        "drsync: not signed in to HOST\n  \
         tried  DRSYNC_TOKEN_EAST is not set\n         \
         profiles HOME/.databrickscfg is not there\n         \
         environment sets neither DATABRICKS_TOKEN nor a client id and secret\n\
         drsync: authentication (exit 77)\n"
            .replace("HOME", &site.path("here").display().to_string())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_of_the_configuration_are_told_to_nobody_too() {
    let site = Site::new().await;
    let text = &site.running.configuration;
    let mistaken = text.replacen("\"group_owner_email\"", "\"group_owner_mail\"", 1);
    std::fs::write(site.path("here/drsync.json"), mistaken).unwrap();
    let said = site.run(&["validate"], &BTreeMap::new()).await;
    assert_eq!(said.code, 77, "{}", said.stderr);
    let unknown = "unknown key: did you mean group_owner_email?";
    assert!(said.stdout.contains(unknown), "{}", said.stdout);
    assert!(said.stderr.starts_with("drsync: not signed in to HOST\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_named_by_its_variable_and_not_shown() {
    let site = Site::new().await;
    let said = site.plan(&[("DRSYNC_TOKEN_EAST", "dapi-canary-wrong")]).await;
    assert_eq!(said.code, 77);
    assert_eq!(
        said.stderr,
        "drsync: not signed in to HOST\n  \
         tried  DRSYNC_TOKEN_EAST is refused: Invalid access token. [403 Forbidden]; make a new token if it has expired\n\
         drsync: authentication (exit 77)\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_is_named_with_what_to_do() {
    let site = Site::new().await;
    let unknown = r#"{"error_code":403,"message":"Invalid access token."}"#;
    let unsent = r#"{"error_code":401,"message":"Credential was not sent or was of an unsupported type for this API."}"#;
    let answers = [
        (403, unknown, "Invalid access token. [403 Forbidden]"),
        (
            401,
            unsent,
            "Credential was not sent or was of an unsupported type for this API. [401 Unauthorized]",
        ),
        (401, "", "401 Unauthorized"),
    ];
    for (status, body, text) in answers {
        let address = always(status, body).await;
        let token = [("DRSYNC_TOKEN_EAST", "dapi-canary-old")];
        let said = site.plan_at(&address, &token).await;
        let expected = format!(
            "drsync: not signed in to {address}\n  \
             tried  DRSYNC_TOKEN_EAST is refused: {text}; make a new token if it has expired\n\
             drsync: authentication (exit 77)\n"
        );
        assert_eq!((said.code, said.stderr.as_str()), (77, expected.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_expires_during_a_plan_makes_no_table_unreadable() {
    let site = Site::new().await;
    site.fault("* /api/2.1/unity-catalog/tables/main.ref.* every 401");
    let token = site.running.primary.token.clone();
    let said = site.plan(&[("DRSYNC_TOKEN_EAST", &token)]).await;
    let words: Vec<&str> = said.stdout.split_whitespace().collect();
    let text = words.join(" ");
    let expected = "primary_refused primary region cannot be read: ";
    assert!(text.contains(expected), "{}", said.stdout);
    assert!(text.contains("make a new token if it has expired"), "{text}");
    for wrong in ["main.ref.countries table_not", "TABLE main.ref.countries"] {
        assert!(!text.contains(wrong), "{}", said.stdout);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_expires_before_any_group_is_seen_is_a_sign_in_that_failed() {
    let statements = (1..=4).map(|nth| format!("POST /api/2.0/sql/statements {nth}- 401"));
    for fault in statements.chain(["* /api/2.1/* every 401".to_owned()]) {
        let site = Site::new().await;
        site.fault(&fault);
        let token = site.running.primary.token.clone();
        let said = site.plan(&[("DRSYNC_TOKEN_EAST", &token)]).await;
        assert_eq!((said.code, said.stdout.as_str()), (77, ""), "{}", said.stderr);
        let lines: Vec<&str> = said.stderr.lines().collect();
        assert_eq!(lines.len(), 3, "{}", said.stderr);
        assert!(lines[1].contains("make a new token if it has expired"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warehouse_that_may_not_be_used_is_named_with_the_right_that_is_missing() {
    let site = Site::new().await;
    let token = site.running.primary.token.clone();
    let variables = BTreeMap::from([("DRSYNC_TOKEN_EAST".to_owned(), token.clone())]);
    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    let stored = site.run(&["plan", "--out", "plan.json"], &variables).await;
    assert_eq!(stored.code, 0, "{}", stored.stderr);
    site.fault("POST /api/2.0/sql/statements every 403");
    let warehouse = &site.running.primary.warehouse_id;
    let expected = format!(
        "drsync: failed to use a SQL warehouse of HOST as dr-sync@example.com\n  \
         The sandbox was told to say so. [PERMISSION_DENIED (403)]; \
         the principal needs CAN USE on the SQL warehouse {warehouse}\n\
         drsync: authentication (exit 77)\n"
    );
    let planned = site.plan(&[("DRSYNC_TOKEN_EAST", &token)]).await;
    assert_eq!((planned.code, &planned.stderr), (77, &expected));
    let commands = [
        &["apply", "--auto-approve"][..],
        &["apply", "plan.json"],
        &["check", "plan.json"],
        &["validate"],
        &["status"],
    ];
    for command in commands {
        let said = site.run(command, &variables).await;
        assert_eq!(said.stdout, "", "{command:?}");
        assert_eq!((said.code, without_ids(&said.stderr)), (77, expected.clone()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warehouse_that_is_not_there_is_a_mistake_of_the_configuration() {
    let site = Site::new().await;
    let token = site.running.primary.token.clone();
    let (known, unknown) = (&site.running.primary.warehouse_id, "0123456789abcdef");
    let file = site.path("here/drsync.json");
    let text = site.running.configuration.replace(known, unknown);
    std::fs::write(file, text).unwrap();
    let variables = [("DRSYNC_TOKEN_EAST".to_owned(), token)];
    let said = site.run(&["plan"], &BTreeMap::from(variables)).await;
    assert_eq!(said.code, 78, "{}{}", said.stdout, said.stderr);
    let answer = format!("; no SQL warehouse of the workspace is {unknown}");
    assert!(said.stderr.contains(&answer), "{}", said.stderr);
    assert_eq!(said.stderr.lines().count(), 3, "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_principal_of_entra_id_whose_tenant_is_not_known_is_told_the_variable() {
    let site = Site::new().await;
    let variables = [
        ("ARM_ENVIRONMENT", "PUBLIC"),
        ("ARM_CLIENT_ID", "11111111-2222-3333-4444-555555555555"),
        ("ARM_CLIENT_SECRET", "azure-canary"),
    ];
    let said = site.plan(&variables).await;
    assert_eq!(said.code, 77);
    let last = "ARM_CLIENT_SECRET is refused: the tenant is not known: set ARM_TENANT_ID\n\
                drsync: authentication (exit 77)\n";
    assert!(said.stderr.ends_with(last), "{}", said.stderr);
    assert!(!said.stderr.contains("canary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_service_of_entra_id_that_is_not_reached_is_the_primary_that_is_away() {
    let site = Site::new().await;
    let proxy = always(403, "").await;
    let variables = [
        ("HTTPS_PROXY", proxy.as_str()),
        ("ARM_CLIENT_ID", "11111111-2222-3333-4444-555555555555"),
        ("ARM_CLIENT_SECRET", "azure-canary"),
        ("ARM_TENANT_ID", "tenant"),
    ];
    let said = site.plan_at("https://adb-1.2.azuredatabricks.net", &variables).await;
    assert_eq!(said.code, 8, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("no connection"), "{}", said.stdout);
    assert!(!said.stdout.contains("canary") && !said.stderr.contains("canary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_signed_in_to_the_azure_cli_plans() {
    let site = Site::new().await;
    let token = site.running.primary.token.clone();
    let path = site.az(&format!(
        "case \"$*\" in *2ff814a6-3304-4ab8-85cb-cd0e6f879c1d*) ;; *) exit 9;; esac\n\
         echo '{{\"accessToken\": \"{token}\", \"expires_on\": 4102444800}}'"
    ));
    let variables = [("PATH", path.as_str()), ("ARM_ENVIRONMENT", "PUBLIC")];
    let said = site.plan(&variables).await;
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.starts_with("2 groups to sync"), "{}", said.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_azure_cli_that_gives_no_good_token_says_why_itself() {
    let site = Site::new().await;
    let scripts = [
        (
            "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1",
            "az is refused: ERROR: Please run 'az login' to setup account.\n",
        ),
        ("echo nothing", "az is refused: prints no token\n"),
        (
            "echo '{\"accessToken\": \"eyJ-canary\"}'",
            "az is refused: Invalid access token. [403 Forbidden]\n",
        ),
    ];
    for (script, expected) in scripts {
        let path = site.az(script);
        let variables = [("PATH", path.as_str()), ("ARM_ENVIRONMENT", "PUBLIC")];
        let said = site.plan(&variables).await;
        assert_eq!(said.code, 77, "{}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains(expected), "{}", said.stderr);
        assert!(!said.stderr.contains("canary"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_client_secret_is_refused_by_the_token_service() {
    let site = Site::new().await;
    let id = site.running.primary.client_id.clone();
    let variables =
        [("DATABRICKS_CLIENT_ID", id.as_str()), ("DATABRICKS_CLIENT_SECRET", "dose-canary-wrong")];
    let said = site.plan(&variables).await;
    assert_eq!(said.code, 77);
    let last = "DATABRICKS_CLIENT_SECRET is refused: invalid_client: Client authentication failed\n\
                drsync: authentication (exit 77)\n";
    assert!(said.stderr.ends_with(last), "{}", said.stderr);
    assert!(!said.stderr.contains("canary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_of_a_method_is_told_with_the_other_half() {
    let mut site = Site::new().await;
    site.running.configuration = site
        .running
        .configuration
        .replace("\"secret_scope\": \"\"", "\"secret_scope\": \"dr\"")
        .replacen("\"workspace_pat_key\": \"\"", "\"workspace_pat_key\": \"pat\"", 1);
    let said = site
        .plan(&[
            ("DATABRICKS_CLIENT_SECRET", "canary"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:9/"),
        ])
        .await;
    assert_eq!(
        said.stderr,
        "drsync: not signed in to HOST\n  \
         tried  DRSYNC_TOKEN_EAST is not set\n         \
         DATABRICKS_CLIENT_SECRET has no DATABRICKS_CLIENT_ID beside it\n         \
         the id token of GitHub Actions needs DATABRICKS_CLIENT_ID\n         \
         environment sets neither DATABRICKS_TOKEN nor a client id and secret\n         \
         secret dr/pat cannot be read without one of these\n\
         drsync: authentication (exit 77)\n"
    );
    let said = site
        .plan(&[
            ("ARM_CLIENT_ID", "11111111-2222-3333-4444-555555555555"),
            ("ARM_CLIENT_SECRET", "canary"),
        ])
        .await;
    let odd = site.plan(&[("DATABRICKS_AUTH_TYPE", "oauth")]).await;
    let named =
        "auth type oauth of DATABRICKS_AUTH_TYPE is none of pat, metadata-service, oauth-m2m, ";
    assert!(odd.stderr.contains(named), "{}", odd.stderr);
    let told = "ARM_CLIENT_SECRET is of Azure, and this address is not: set ARM_ENVIRONMENT=PUBLIC if it is\n";
    assert!(said.stderr.contains(told), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_missing_is_named_with_its_scope() {
    let site = Site::new().await;
    let configuration = site
        .running
        .configuration
        .replace("\"secret_scope\": \"\"", "\"secret_scope\": \"dr\"")
        .replace("\"workspace_pat_key\": \"\"", "\"workspace_pat_key\": \"pat\"");
    std::fs::write(site.path("here/drsync.json"), configuration).unwrap();
    let said = site.run(&["plan"], &site.signed_in()).await;
    assert_eq!(said.code, 77, "{}", said.stderr);
    let last = "secret dr/pat, read with DATABRICKS_TOKEN, is not to be had: Scope dr does not exist! [RESOURCE_DOES_NOT_EXIST (404)]\n\
                drsync: authentication (exit 77)\n";
    assert!(without_ids(&said.stderr).ends_with(last), "{}", said.stderr);
}

/// What was said at which moment is another every time.
fn without_moment(shown: &str) -> String {
    let words: Vec<&str> = shown.split_whitespace().collect();
    let text = words.join(" ");
    let (before, after) = text.split_once(", asked 20").expect("a moment");
    format!("{before}{}", &after["26-11-22 11:00:00Z".len()..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_cannot_be_reached_is_the_primary_that_is_away() {
    let site = Site::new().await;
    let token = site.running.primary.token.clone();
    site.running.stop();
    let said = site.plan(&[("DRSYNC_TOKEN_EAST", &token)]).await;
    assert_eq!(said.code, 8, "{}{}", said.stdout, said.stderr);
    assert_eq!(said.stdout.lines().count(), 4, "{}", said.stdout);
    assert_eq!(
        without_moment(&said.stdout),
        "Neither region available: 3 groups cannot be synchronized, cuts are kept \
         HOST no connection: Connection refused (os error 111)"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_cannot_be_asked_for_is_the_primary_that_is_away() {
    let site = Site::new().await;
    let configuration = site
        .running
        .configuration
        .replace("\"secret_scope\": \"\"", "\"secret_scope\": \"dr\"")
        .replace("\"workspace_pat_key\": \"\"", "\"workspace_pat_key\": \"pat\"");
    std::fs::write(site.path("here/drsync.json"), configuration).unwrap();
    site.running.stop();
    let said = site.run(&["plan"], &site.signed_in()).await;
    assert_eq!(said.code, 8, "{}{}", said.stdout, said.stderr);
    let answer = "HOST no connection: Connection refused";
    let shown = without_moment(&said.stdout);
    assert!(shown.contains(answer), "{}", said.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_instead_of_an_answer_is_said_to_come_from_in_between() {
    let site = Site::new().await;
    let token = site.running.primary.token.clone();
    site.fault("* /api/* every html/403");
    let said = site.plan(&[("DRSYNC_TOKEN_EAST", &token)]).await;
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (
            77,
            "drsync: not signed in to HOST\n  \
             tried  DRSYNC_TOKEN_EAST is refused: a web page came instead of an answer (The sandbox was told to say so.): \
             is a proxy in between? [FORBIDDEN (403)]\n\
             drsync: authentication (exit 77)\n"
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_does_not_answer_is_told_with_the_variable_that_names_it() {
    let site = Site::new().await;
    let variables = [
        ("HTTPS_PROXY", "http://somebody:proxy-canary@127.0.0.1:9"),
        ("DRSYNC_TOKEN_EAST", "token"),
    ];
    let said = site.plan_at("https://adb-1.2.azuredatabricks.net", &variables).await;
    assert_eq!(said.code, 8, "{}{}", said.stdout, said.stderr);
    let told = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("no connection by the proxy 127.0.0.1:9 (HTTPS_PROXY): "), "{told}");
    assert!(!said.stdout.contains("canary") && !said.stderr.contains("canary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_nobody_knows_is_a_mistake_of_the_configuration_until_it_had_a_cut() {
    let site = Site::new().await;
    let unknown = "https://adb-1.workspace.test";
    let token = site.running.primary.token.clone();
    let variables = [("DRSYNC_TOKEN_EAST", token.as_str())];
    let said = site.plan_at(unknown, &variables).await;
    assert_eq!((said.code, said.stdout.as_str()), (78, ""), "{}", said.stderr);
    let first = "drsync: no address is known for the host of workspace_instance_url\n";
    assert!(said.stderr.starts_with(first), "{}", said.stderr);
    assert!(said.stderr.contains(unknown), "{}", said.stderr);
    assert!(said.stderr.ends_with("drsync: configuration (exit 78)\n"), "{}", said.stderr);

    std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
    let applied = site
        .run(
            &["apply", "--auto-approve"],
            &[("DRSYNC_TOKEN_EAST".to_owned(), token.clone())].into(),
        )
        .await;
    assert_eq!(applied.code, 4, "{}{}", applied.stdout, applied.stderr);
    let said = site.plan_at(unknown, &variables).await;
    assert_eq!(said.code, 8, "{}{}", said.stdout, said.stderr);
}
