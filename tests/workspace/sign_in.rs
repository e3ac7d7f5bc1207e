//! What is said when nobody is signed in, or may do nothing: what, where, and what to do.

use std::collections::BTreeMap;

use crate::site::{Said, Site, without_ids};

impl Site {
    /// Plans with these variables and nothing else.
    async fn plan(&self, variables: &[(&str, &str)]) -> Said {
        let file = self.path("here/drsync.json");
        std::fs::write(file, &self.running.configuration).unwrap();
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let variables: BTreeMap<String, String> = variables.collect();
        let said = self.run(&["plan"], &variables).await;
        Said {
            stderr: without_ids(&said.stderr),
            ..said
        }
    }
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
         profiles none in HOME/.databrickscfg is for HOST\n         \
         environment sets neither DATABRICKS_TOKEN nor a client id and secret\n\
         drsync: authentication (exit 77)\n"
            .replace("HOME", &site.path("here").display().to_string())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_is_named_by_its_variable_and_not_shown() {
    let site = Site::new().await;
    let said = site
        .plan(&[("DRSYNC_TOKEN_EAST", "dapi-canary-wrong")])
        .await;
    assert_eq!(said.code, 77);
    assert_eq!(
        said.stderr,
        "drsync: not signed in to HOST\n  \
         tried  DRSYNC_TOKEN_EAST is refused: Invalid access token. [403 Forbidden]\n\
         drsync: authentication (exit 77)\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_client_secret_is_refused_by_the_token_service() {
    let site = Site::new().await;
    let id = site.running.primary.client_id.clone();
    let variables = [
        ("DATABRICKS_CLIENT_ID", id.as_str()),
        ("DATABRICKS_CLIENT_SECRET", "dose-canary-wrong"),
    ];
    let said = site.plan(&variables).await;
    assert_eq!(said.code, 77);
    let last = "DATABRICKS_CLIENT_SECRET is refused: invalid_client: Client authentication failed\n\
                drsync: authentication (exit 77)\n";
    assert!(said.stderr.ends_with(last), "{}", said.stderr);
    assert!(!said.stderr.contains("canary"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_missing_is_named_with_its_scope() {
    let site = Site::new().await;
    let configuration = site
        .running
        .configuration
        .replace("\"secret_scope\": \"\"", "\"secret_scope\": \"dr\"")
        .replace(
            "\"workspace_pat_key\": \"\"",
            "\"workspace_pat_key\": \"pat\"",
        );
    std::fs::write(site.path("here/drsync.json"), configuration).unwrap();
    let said = site.run(&["plan"], &site.signed_in()).await;
    assert_eq!(said.code, 77, "{}", said.stderr);
    let last = "secret dr/pat, read with DATABRICKS_TOKEN, is not to be had: Scope dr does not exist! [RESOURCE_DOES_NOT_EXIST (404)]\n\
                drsync: authentication (exit 77)\n";
    assert!(without_ids(&said.stderr).ends_with(last), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_cannot_be_reached_is_the_primary_that_is_away() {
    let site = Site::new().await;
    let token = site.running.primary.token.clone();
    site.running.stop();
    let said = site.plan(&[("DRSYNC_TOKEN_EAST", &token)]).await;
    assert_eq!(said.code, 8, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.starts_with("Neither region available"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("no connection"), "{}", said.stdout);
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
             tried  DRSYNC_TOKEN_EAST is refused: The sandbox was told to say so. [FORBIDDEN (403)]\n\
             drsync: authentication (exit 77)\n"
        )
    );
}
