//! Secrets that a run was given are nowhere in what it leaves: not in what it says, not in a file, not in either region.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use drsync::lakehouse::delta::{self, TableStore};

use crate::workspace::site::Site;

/// What is searched for besides the services' own secrets; every canary that is handed to the program has this in it.
const CANARY: &str = "canary-5ecret";

/// The folder of the program and those of both regions, and what the program said.
struct Search {
    site: Site,
    said: Vec<String>,
    secrets: Vec<String>,
}

impl Search {
    async fn new() -> Search {
        let site = Site::new().await;
        let served = [&site.running.primary, &site.running.secondary];
        let own = served
            .into_iter()
            .flat_map(|served| [served.token.clone(), served.client_secret.clone()]);
        let secrets = own.chain([CANARY.to_owned()]).collect();
        std::fs::write(site.path("here/drsync.json"), &site.running.configuration).unwrap();
        Search { site, said: vec![], secrets }
    }

    /// Runs the program; whatever it says is kept for the search.
    async fn run(&mut self, words: &[&str], variables: &BTreeMap<String, String>) -> i32 {
        let mut command = self.site.drsync(words, variables).among_others();
        let output = command.output().await.unwrap();
        for (of, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
            let text = String::from_utf8(bytes).unwrap();
            self.said.push(format!("{of} of {}\n{text}", words[0]));
        }
        output.status.code().unwrap()
    }

    /// Every byte that was said, every file that lies anywhere but for what was put there to be read, and the rows of drsync's
    /// own tables, whose files are compressed.
    async fn assert_nothing_found(&self) {
        for text in &self.said {
            for secret in &self.secrets {
                assert!(!holds(text.as_bytes(), secret), "{secret}: {text}");
            }
        }
        let given = ["here/.databrickscfg", "here/bad.json"].map(|path| self.site.path(path));
        let mut files = files(&self.site.path("here"));
        files.extend(self::files(&self.site.path("world")));
        files.retain(|path| !given.contains(path));
        assert!(files.len() > 20, "{files:?}");
        for path in &files {
            let bytes = std::fs::read(path).unwrap();
            for secret in &self.secrets {
                assert!(!holds(&bytes, secret), "{secret}: {}", path.display());
            }
        }
        for table in own_tables(&files) {
            let rows = values(&table).await;
            assert!(!rows.is_empty(), "{}", table.display());
            for secret in &self.secrets {
                assert!(!holds(&rows, secret), "{secret}: {}", table.display());
            }
        }
    }
}

/// The folders of drsync's own tables: metadata, cuts, evidence.
fn own_tables(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let logs = files.iter().filter_map(|path| {
        let log = path.parent()?;
        log.ends_with("_delta_log").then(|| log.parent())?
    });
    let own = logs.filter(|table| table.parent().is_some_and(|above| above.ends_with("_drsync")));
    own.map(Path::to_path_buf).collect()
}

/// Everything that the rows of a table hold, one value after the other.
async fn values(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for batch in delta::read_rows(&TableStore::local(folder), None).await.unwrap() {
        for column in batch.columns() {
            match column.as_binary_opt::<i32>() {
                Some(bytes) => all.extend(bytes.iter().flatten().flatten()),
                None => all.extend(format!("{column:?}").into_bytes()),
            }
        }
    }
    all
}

/// A secret as it is, and as a page or a command that embeds a document would have it.
fn holds(bytes: &[u8], secret: &str) -> bool {
    let plain = |bytes: &[u8]| bytes.windows(secret.len()).any(|at| at == secret.as_bytes());
    if plain(bytes) {
        return true;
    }
    let text = String::from_utf8_lossy(bytes);
    let mut embedded = text.split("base64,").skip(1).filter_map(|rest| {
        let end = rest.find('"')?;
        BASE64.decode(&rest[..end]).ok()
    });
    embedded.any(|document| plain(&document))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

fn with(variables: &BTreeMap<String, String>, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    variables.clone().into_iter().chain(more).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_leaves_no_secret_whatever_is_asked_for_and_however_it_ends() {
    let mut search = Search::new().await;
    let signed_in = search.site.signed_in();
    // A pipeline whose addresses have a password, as those of some servers do.
    let pipeline = with(
        &signed_in,
        &[
            ("GITLAB_CI", "true"),
            ("CI_PROJECT_PATH", "acme/dr-config"),
            ("CI_JOB_ID", "7"),
            (
                "CI_JOB_URL",
                "https://bot:canary-5ecret@git.test/acme/-/jobs/7?private_token=canary-5ecret#canary-5ecret",
            ),
            ("CI_JOB_TOKEN", "canary-5ecret"),
            ("CI_REPOSITORY_URL", "https://gitlab-ci-token:canary-5ecret@git.test/acme.git"),
        ],
    );
    for words in [
        &["plan", "-v", "--out", "plan.json"][..],
        &["plan", "-q"],
        &["plan", "--json"],
        &["plan", "--format", "markdown"],
        &["plan", "--format", "html"],
        &["validate", "-v"],
        &["check", "plan.json", "-v"],
        &["show", "plan.json", "-v"],
    ] {
        search.run(words, &pipeline).await;
    }
    // One table fails half way; then the rest, with every event; then a round with nothing to do.
    search.site.fault("SQL *DEEP CLONE*orders`* 1 fail=PERMISSION_DENIED");
    let failing = ["apply", "plan.json", "-v", "--events", "events.jsonl"];
    assert_ne!(search.run(&failing, &pipeline).await, 0);
    let whole = ["apply", "--auto-approve", "-v", "--events", "-", "--verify", "rows"];
    search.run(&whole, &pipeline).await;
    search.run(&["apply", "--auto-approve", "--json"], &pipeline).await;
    for words in [
        &["status", "-v"][..],
        &["status", "--json"],
        &["status", "--format", "markdown"],
        &["history", "--since", "2020-01-01", "-v"],
        &["history", "--json"],
        &["history", "--format", "html"],
        &["diff", "plan.json", "plan.json"],
    ] {
        assert_eq!(search.run(words, &pipeline).await, 0, "{words:?}");
    }
    search.assert_nothing_found().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_way_of_being_refused_shows_what_was_refused() {
    let mut search = Search::new().await;
    let signed_in = search.site.signed_in();
    let host = search.site.running.primary.url.clone();
    let id = search.site.running.primary.client_id.clone();
    let with_password = host.replacen("http://", "http://me:canary-5ecret@", 1);
    let nobody = BTreeMap::new();
    let wrong = [
        with(&nobody, &[("DRSYNC_TOKEN_EAST", "dapi-canary-5ecret")]),
        with(&nobody, &[("DRSYNC_TOKEN_EAST", "dapi-canary-5ecret\n\u{1b}[31m")]),
        with(&nobody, &[("DATABRICKS_HOST", &host), ("DATABRICKS_TOKEN", "dapi-canary-5ecret")]),
        with(
            &nobody,
            &[("DATABRICKS_CLIENT_ID", &id), ("DATABRICKS_CLIENT_SECRET", "dose-canary-5ecret")],
        ),
        with(
            &nobody,
            &[
                ("DATABRICKS_TOKEN", "dapi-canary-5ecret"),
                ("ARM_CLIENT_SECRET", "azure-canary-5ecret"),
            ],
        ),
        with(&signed_in, &[("DATABRICKS_HOST", &with_password)]),
        with(
            &signed_in,
            &[
                ("HTTP_PROXY", "http://me:canary-5ecret@127.0.0.1:1"),
                ("HTTPS_PROXY", "http://me:canary-5ecret@127.0.0.1:1"),
            ],
        ),
    ];
    for variables in &wrong {
        for words in [
            &["plan", "-v"][..],
            &["plan", "--json"],
            &["apply", "--auto-approve", "-v", "--events", "-"],
            &["status", "-v"],
            &["init", &with_password],
        ] {
            search.run(words, variables).await;
        }
    }
    std::fs::write(
        search.site.path("here/.databrickscfg"),
        format!("[east]\nhost = {host}\ntoken = canary-5ecret\n[broken\ntoken = canary-5ecret\n"),
    )
    .unwrap();
    assert_eq!(search.run(&["plan", "-v"], &nobody).await, 77);
    // A configuration in which somebody wrote passwords where addresses and names belong.
    let configuration = search.site.running.configuration.clone();
    let configuration: serde_json::Value = serde_json::from_str(&configuration).unwrap();
    for (key, value) in [
        ("workspace_instance_url", with_password.as_str()),
        ("workspace_instance_url", "https://me:canary-5ecret@:x"),
        ("secondary_workspace_instance_url", with_password.as_str()),
        ("sync_location_primary", "s3://AKIA:canary-5ecret@bucket/dr"),
        ("sync_location_secondary", "abfss://dr@acc.dfs.core.windows.net/dr?sig=canary-5ecret"),
    ] {
        let mut bad = configuration.clone();
        bad["workspaces"][0][key] = value.into();
        std::fs::write(search.site.path("here/bad.json"), bad.to_string()).unwrap();
        for words in [
            &["validate", "--offline", "-v", "-c", "bad.json"][..],
            &["validate", "--json", "-c", "bad.json"],
            &["plan", "-v", "-c", "bad.json"],
            &["apply", "--auto-approve", "--json", "-c", "bad.json"],
        ] {
            assert_ne!(search.run(words, &signed_in).await, 0, "{key} {words:?}");
        }
    }
    search.assert_nothing_found().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_in_a_wrong_place_of_a_configuration_is_told_by_its_place_and_shown_nowhere() {
    let mut search = Search::new().await;
    let signed_in = search.site.signed_in();
    let good = search.site.running.configuration.clone();
    let mut configuration: serde_json::Value = serde_json::from_str(&good).unwrap();
    let token = format!("dapi{}", "0f1e2d3c4b5a6978".repeat(2));
    let signature = "Q0FOQVJZc2lnbmF0dXJlMDEyMzQ1";
    configuration["// note"] = serde_json::json!(format!("until May: {token}"));
    let group = &mut configuration["workspaces"][0]["sync_groups"][0];
    let reason = format!("see https://a.blob.core.windows.net/c?sv=1&sig={signature}");
    group["paused"] = serde_json::json!(reason);
    group["hook"] = serde_json::json!("https://hooks.slack.com/services/T00/B00/canary-5ecretX");
    std::fs::write(search.site.path("here/bad.json"), configuration.to_string()).unwrap();
    search.secrets.extend([token, signature.to_owned()]);
    for (words, code) in [
        (&["validate", "-c", "bad.json"][..], 78),
        (&["validate", "-c", "bad.json", "--json"], 78),
        (&["plan", "-c", "bad.json", "-v", "--out", "plan.json"], 0),
        (&["plan", "-c", "bad.json", "--format", "html"], 0),
        (&["apply", "-c", "bad.json", "--auto-approve", "-v"], 4),
        (&["status", "-c", "bad.json", "-v"], 0),
    ] {
        assert_eq!(search.run(words, &signed_in).await, code, "{words:?}");
    }
    let told = search.said.join("\n");
    for place in [
        "looks like a token",
        "// note",
        "sync_groups[0].paused",
        "the signature or the key of a storage account",
        "sync_groups[0].hook",
        "is the address of a webhook",
    ] {
        assert!(told.contains(place), "{place}: {told}");
    }
    search.assert_nothing_found().await;
}
