//! Signing in: the order, the conflicts, what is said when nobody is taken, and that no secret is ever said.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use drsync::databricks::files::{self, Files};
use drsync::databricks::{ConnectOptions, Environment, connect};

use super::fake::{Fake, TOKEN, What};

/// Parts of every secret in these tests.
const CANARIES: [&str; 3] = ["canary", "s3cr3t", "5ecret"];

pub(super) fn with(fake: &Fake, variables: &[(&str, &str)]) -> ConnectOptions {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    ConnectOptions {
        environment: Environment { variables, ..Environment::empty() },
        ..fake.options()
    }
}

fn quiet(text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{text}");
    }
}

async fn signed_in_with(options: &ConnectOptions) -> String {
    let connected = connect(options).await.unwrap();
    quiet(&format!("{connected:?} {options:?}"));
    connected.signed_in_with
}

async fn refused(options: &ConnectOptions) -> String {
    let error = connect(options).await.map(drop).unwrap_err();
    quiet(&format!("{error:?} {error} {options:?}"));
    error
        .to_string()
        .replace(&options.address.to_string(), "HOST/")
        .replace(options.address.as_str().trim_end_matches('/'), "HOST")
}

#[tokio::test]
async fn the_workspaces_own_variable_comes_first() {
    let fake = Fake::start().await;
    let both = with(&fake, &[("DRSYNC_TOKEN_EAST", TOKEN), ("DATABRICKS_TOKEN", "wrong-canary")]);
    assert_eq!(signed_in_with(&both).await, "DRSYNC_TOKEN_EAST");
    assert_eq!(
        signed_in_with(&with(&fake, &[("DATABRICKS_TOKEN", TOKEN)])).await,
        "DATABRICKS_TOKEN"
    );
}

#[tokio::test]
async fn a_secret_is_read_with_the_ambient_identity_and_loses_its_newline() {
    let fake = Fake::start().await;
    let value = base64::engine::general_purpose::STANDARD.encode(format!("{TOKEN}\n"));
    fake.change(|state| {
        state.tokens.insert("ambient-canary".to_owned());
        state.secrets.insert("dr/pat".to_owned(), value);
    });
    let mut options = with(&fake, &[("DATABRICKS_TOKEN", "ambient-canary")]);
    options.connection.secret_scope = Some("dr".to_owned());
    options.connection.pat_key = Some("pat".to_owned());
    assert_eq!(signed_in_with(&options).await, "secret dr/pat");
    options.connection.pat_key = Some("other".to_owned());
    assert_eq!(
        refused(&options).await,
        "sign in to HOST: DRSYNC_TOKEN_EAST is not set; secret dr/other, read with DATABRICKS_TOKEN, is not to be had: \
         Secret does not exist [RESOURCE_DOES_NOT_EXIST (404)] (request req-7)"
    );
}

#[tokio::test]
async fn a_client_secret_is_exchanged_where_the_workspace_says() {
    let fake = Fake::start().await;
    let good = with(
        &fake,
        &[("DATABRICKS_CLIENT_ID", "id"), ("DATABRICKS_CLIENT_SECRET", "s3cr3t-canary")],
    );
    assert_eq!(signed_in_with(&good).await, "DATABRICKS_CLIENT_SECRET");
    let form = fake.state.lock().unwrap().oidc[0].clone();
    assert_eq!(
        (form["grant_type"].as_str(), form["scope"].as_str()),
        ("client_credentials", "all-apis")
    );
    let bad = with(
        &fake,
        &[("DATABRICKS_CLIENT_ID", "id"), ("DATABRICKS_CLIENT_SECRET", "other-canary")],
    );
    let said = refused(&bad).await;
    assert!(
        said.ends_with("DATABRICKS_CLIENT_SECRET is refused: invalid_client: unknown"),
        "{said}"
    );
}

#[tokio::test]
async fn a_page_instead_of_the_token_service_is_asked_again_and_then_named() {
    let fake = Fake::start().await;
    let options = with(
        &fake,
        &[("DATABRICKS_CLIENT_ID", "id"), ("DATABRICKS_CLIENT_SECRET", "s3cr3t-canary")],
    );
    let page = |status| What::Answer(status, vec![], "<html>s3cr3t-canary</html>".to_owned());
    fake.fault("/token", 1, page(200));
    fake.fault("/token", 1, page(500));
    assert_eq!(signed_in_with(&options).await, "DATABRICKS_CLIENT_SECRET");
    let said = r#"{"error":"invalid_client","error_description":"not s3cr3t-canary"}"#;
    fake.fault("/token", 9, What::Answer(401, vec![], said.to_owned()));
    let said = refused(&options).await;
    assert!(said.ends_with("DATABRICKS_CLIENT_SECRET is refused: invalid_client: not …"), "{said}");
}

#[tokio::test]
async fn what_a_token_service_was_sent_is_said_in_no_spelling() {
    let fake = Fake::start().await;
    let (id, secret) = ("some-id", "s3cr3t+canary/&");
    let options =
        with(&fake, &[("DATABRICKS_CLIENT_ID", id), ("DATABRICKS_CLIENT_SECRET", secret)]);
    // As somebody's proxy might say what it saw.
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    let spelled: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let said = format!(
        r#"{{"error":"bad","error_description":"Basic {basic} as {spelled} or {secret}"}}"#
    );
    fake.fault("/token", 9, What::Answer(401, vec![], said));
    let said = refused(&options).await;
    assert!(said.ends_with("is refused: bad: Basic … as … or …"), "{said}");
}

#[tokio::test]
async fn a_token_that_cannot_be_sent_is_a_sign_in_failure_that_names_its_variable() {
    let fake = Fake::start().await;
    let said = refused(&with(&fake, &[("DRSYNC_TOKEN_EAST", "dapi-canary\nmore")])).await;
    assert!(
        said.ends_with("DRSYNC_TOKEN_EAST is refused: it has characters that no token has"),
        "{said}"
    );
}

#[tokio::test]
async fn a_secret_that_is_no_text_is_not_said() {
    let fake = Fake::start().await;
    fake.change(|state| {
        state.tokens.insert("ambient-canary".to_owned());
    });
    let mut options = with(&fake, &[("DATABRICKS_TOKEN", "ambient-canary")]);
    options.connection.secret_scope = Some("dr".to_owned());
    options.connection.pat_key = Some("pat".to_owned());
    let number = r#"{"key":"pat","value":5555512345}"#;
    fake.fault("secrets/get", 9, What::Answer(200, vec![], number.to_owned()));
    let said = refused(&options).await;
    assert!(!said.contains("55555") && said.contains("its value is no token"), "{said}");
}

#[tokio::test]
async fn tokens_of_others_are_exchanged() {
    let fake = Fake::start().await;
    let base = fake.base.clone();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "jwt-canary\n").unwrap();
    let by_file = with(&fake, &[("DATABRICKS_OIDC_TOKEN_FILEPATH", file.to_str().unwrap())]);
    assert_eq!(signed_in_with(&by_file).await, "DATABRICKS_OIDC_TOKEN_FILEPATH");
    let by_variable =
        with(&fake, &[("DATABRICKS_OIDC_TOKEN", "jwt-canary"), ("DATABRICKS_CLIENT_ID", "app")]);
    assert_eq!(signed_in_with(&by_variable).await, "DATABRICKS_OIDC_TOKEN");
    assert_eq!(fake.state.lock().unwrap().oidc.last().unwrap()["client_id"], "app");
    let url = format!("{base}/id-token?v=1");
    let by_github = with(
        &fake,
        &[
            ("ACTIONS_ID_TOKEN_REQUEST_URL", &url),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "gh-canary"),
            ("DATABRICKS_CLIENT_ID", "app"),
        ],
    );
    assert_eq!(signed_in_with(&by_github).await, "the id token of GitHub Actions");
}

#[tokio::test]
async fn a_program_of_this_machine_hands_out_tokens_and_is_asked_again_before_they_end() {
    let fake = Fake::start().await;
    let url = format!("{}/handed-out-canary", fake.base);
    let options = with(&fake, &[("DATABRICKS_METADATA_SERVICE_URL", &url)]);
    let handed = |token: &str, seconds: i64| {
        let ends = chrono::Utc::now().timestamp() + seconds;
        let body =
            format!(r#"{{"access_token":"{token}","expires_on":{ends},"token_type":"Bearer"}}"#);
        fake.fault("/handed-out-canary", 1, What::Answer(200, vec![], body));
    };
    handed(TOKEN, 3600);
    assert_eq!(signed_in_with(&options).await, "DATABRICKS_METADATA_SERVICE_URL");
    let asked = fake.asked("/handed-out-canary");
    assert_eq!(asked.len(), 1, "{asked:?}");
    let headers = {
        let state = fake.state.lock().unwrap();
        let place = state.requests.iter().position(|it| it.contains("/handed-out-canary"));
        state.headers[place.unwrap()].to_lowercase()
    };
    assert!(headers.contains(r#""x-databricks-metadata-version": "1""#), "{headers}");
    let host = format!(r#""x-databricks-host": "{}""#, fake.base);
    assert!(headers.contains(&host), "{headers}");
    // One that is over at once is good for nothing but the request that it was asked for.
    for _ in 0..20 {
        handed(TOKEN, -1);
    }
    signed_in_with(&options).await;
    assert!(fake.asked("/handed-out-canary").len() > 2);
}

#[tokio::test]
async fn what_a_program_hands_out_that_is_no_token_is_refused_and_not_said() {
    let fake = Fake::start().await;
    let url = format!("{}/handed-out-canary", fake.base);
    let options = with(&fake, &[("DATABRICKS_METADATA_SERVICE_URL", &url)]);
    for (status, body, why) in [
        (404, "{}", "it has no token for this workspace"),
        (200, r#"{"value":"s3cr3t"}"#, "its answer is no token"),
        (
            200,
            r#"{"access_token":"s3cr3t","expires_on":1,"token_type":"Basic"}"#,
            "its answer is no bearer token",
        ),
        (
            200,
            r#"{"access_token":"s3cr3t","expires_on":9e300,"token_type":"Bearer"}"#,
            "its token ends at no moment that there is",
        ),
    ] {
        fake.fault("/handed-out-canary", 1, What::Answer(status, vec![], body.to_owned()));
        let said = refused(&options).await;
        let last = format!("DATABRICKS_METADATA_SERVICE_URL is refused: {why}");
        assert!(said.ends_with(&last), "{said}");
    }
    // Whoever answers there decides as whom drsync acts.
    let elsewhere = [("DATABRICKS_METADATA_SERVICE_URL", "http://tokens.test/canary")];
    let said = refused(&with(&fake, &elsewhere)).await;
    assert!(said.ends_with("it is not on this machine, and others are not asked"), "{said}");
    let both = [("DATABRICKS_METADATA_SERVICE_URL", url.as_str()), ("DATABRICKS_TOKEN", TOKEN)];
    let said = refused(&with(&fake, &both)).await;
    let conflict = "metadata-service (DATABRICKS_METADATA_SERVICE_URL) and pat (DATABRICKS_TOKEN)";
    assert!(said.contains(conflict), "{said}");
}

#[tokio::test]
async fn a_profile_is_found_by_its_host_and_never_overrides_the_environment() {
    let fake = Fake::start().await;
    let home = tempfile::tempdir().unwrap();
    let text = format!(
        "[DEFAULT]\nhost = https://other.test\ntoken = other-canary\n[east]\nhost = {}\ntoken = {TOKEN}\n",
        fake.base
    );
    std::fs::write(home.path().join(".databrickscfg"), text).unwrap();
    let mut options = with(&fake, &[]);
    options.environment.home = Some(home.path().to_owned());
    assert_eq!(signed_in_with(&options).await, "token of profile east");
    options.connection.profile = Some("DEFAULT".to_owned());
    let said = refused(&options).await;
    assert!(said.contains("profile DEFAULT its token is for https://other.test"), "{said}");
    options.connection.profile = Some("nobody".to_owned());
    assert!(refused(&options).await.contains("profile nobody is not in "));
    let mut named = with(&fake, &[("DATABRICKS_TOKEN", TOKEN)]);
    named.environment.home = Some(home.path().to_owned());
    named.connection.profile = Some("east".to_owned());
    assert_eq!(signed_in_with(&named).await, "DATABRICKS_TOKEN");
}

#[tokio::test]
async fn a_token_for_another_host_is_not_sent() {
    let fake = Fake::start().await;
    let elsewhere =
        with(&fake, &[("DATABRICKS_HOST", "https://other.test"), ("DATABRICKS_TOKEN", TOKEN)]);
    let said = refused(&elsewhere).await;
    assert!(
        said.contains("DATABRICKS_TOKEN is for https://other.test, which DATABRICKS_HOST names"),
        "{said}"
    );
    assert_eq!(fake.asked("GET").len(), 0);
}

#[tokio::test]
async fn two_methods_at_once_are_a_conflict_that_is_named() {
    let fake = Fake::start().await;
    let both = [("DATABRICKS_TOKEN", TOKEN), ("ARM_CLIENT_SECRET", "azure-canary")];
    for (other, method) in [
        ("ARM_CLIENT_SECRET", "azure (ARM_CLIENT_SECRET) and pat"),
        ("ARM_TENANT_ID", "azure (ARM_TENANT_ID) and pat"),
        ("DATABRICKS_CLIENT_ID", "oauth (DATABRICKS_CLIENT_ID) and pat"),
        ("DATABRICKS_USERNAME", "basic (DATABRICKS_USERNAME) and pat"),
    ] {
        let said = refused(&with(&fake, &[both[0], (other, "canary")])).await;
        let expected = format!(
            "more than one authorization method configured: {method} (DATABRICKS_TOKEN); leave one"
        );
        assert!(said.contains(&expected), "{said}");
    }
    let decided = with(&fake, &[both[0], both[1], ("DATABRICKS_AUTH_TYPE", "pat")]);
    assert_eq!(signed_in_with(&decided).await, "DATABRICKS_TOKEN");
}

#[tokio::test]
async fn a_refused_token_is_a_sign_in_failure_and_is_not_repeated() {
    let fake = Fake::start().await;
    let said = refused(&with(&fake, &[("DATABRICKS_TOKEN", "wrong-canary")])).await;
    assert_eq!(
        said,
        "sign in to HOST: DATABRICKS_TOKEN is refused: Invalid access token. [403 Forbidden]; make a new token if it has expired (request req-7)"
    );
    let nothing = refused(&with(&fake, &[])).await;
    assert!(
        nothing.ends_with("environment sets neither DATABRICKS_TOKEN nor a client id and secret"),
        "{nothing}"
    );
}

#[tokio::test]
async fn the_azure_cli_is_asked_for_workspaces_on_azure() {
    let fake = Fake::start().await;
    let mut options = with(&fake, &[]);
    options.address = "https://adb-1.azuredatabricks.net.invalid".parse().unwrap();
    // Not a host of Azure: it is not asked.
    options.environment.run =
        Arc::new(|words| Box::pin(async move { Err(format!("was run as {}", words[0])) }));
    assert!(!refused(&options).await.contains("was run as az"));
    options.address = "https://adb-1.azuredatabricks.net".parse().unwrap();
    assert!(refused(&options).await.contains("az is refused: was run as az"));
}

#[tokio::test]
async fn a_configuration_is_read_from_a_workspace_and_from_a_volume() {
    let fake = Fake::start().await;
    fake.change(|state| {
        for path in [
            "/Shared/dr/b.json",
            "/Shared/dr/a.json",
            "/Shared/dr/notes.txt",
            "/Volumes/m/s/v/dr.json",
        ] {
            state.files.insert(path.to_owned(), format!("of {path}"));
        }
    });
    let environment =
        with(&fake, &[("DATABRICKS_HOST", &fake.base), ("DATABRICKS_TOKEN", TOKEN)]).environment;
    let read = async |source: &str| files::read(source, &environment, &fake.timing()).await;
    let file = |name: &str, bytes: &str| (name.to_owned(), bytes.as_bytes().to_vec());
    let (name, bytes) = file("workspace:/Shared/dr/a.json", "of /Shared/dr/a.json");
    assert_eq!(
        read("workspace:/Workspace/Shared/dr/a.json").await.unwrap(),
        Files::File { name: name.clone(), bytes: bytes.clone() }
    );
    let both = vec![(name, bytes), file("workspace:/Shared/dr/b.json", "of /Shared/dr/b.json")];
    assert_eq!(read("workspace:/Shared/dr").await.unwrap(), Files::Folder(both));
    let (name, bytes) = file("volume:/Volumes/m/s/v/dr.json", "of /Volumes/m/s/v/dr.json");
    assert_eq!(
        read("volume:/Volumes/m/s/v/dr.json").await.unwrap(),
        Files::File { name: name.clone(), bytes: bytes.clone() }
    );
    assert_eq!(read("volume:/Volumes/m/s/v").await.unwrap(), Files::Folder(vec![(name, bytes)]));
    let missing = read("workspace:/Shared/none.json").await.unwrap_err();
    assert_eq!(
        missing.to_string().replace(&fake.base, "HOST"),
        "read workspace:/Shared/none.json in HOST: Path doesn't exist. [RESOURCE_DOES_NOT_EXIST (404)] (request req-7)"
    );
    fake.fault(
        "get-status",
        1,
        What::Answer(
            403,
            vec![],
            r#"{"error_code":403,"message":"Invalid access token."}"#.to_owned(),
        ),
    );
    let refused = read("workspace:/Shared/dr").await.unwrap_err();
    assert!(matches!(refused, files::FilesError::SignIn(_)), "{refused}");
}
