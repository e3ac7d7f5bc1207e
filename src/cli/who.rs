//! Who runs this: the pipeline, or the person at the keyboard.

use std::env;

use url::Url;

use crate::plan::Provenance;

/// What the environment says of one service's pipelines.
///
/// The variables are those each service documents; a value that is not of the expected shape is left out.
struct Pipeline {
    service: &'static str,
    project: Option<String>,
    noun: &'static str,
    id: Option<String>,
    started_by: Option<String>,
    url: Option<String>,
    commit: Option<String>,
    change: Option<String>,
}

/// Who runs this, and in which pipeline.
pub(super) fn provenance() -> Provenance {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    match pipeline(&set) {
        Some(pipeline) => pipeline.provenance(),
        None => Provenance::of_actor(user(&set)),
    }
}

/// From where this looks: the project of a pipeline, whose machines come and go, or else this machine.
pub(super) fn describe_machine() -> String {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    match pipeline(&set) {
        Some(Pipeline { service, project, .. }) => {
            let project = project.map_or(String::new(), |project| format!(" {project}"));
            format!("{service}{project}")
        }
        None => rustix::system::uname().nodename().to_string_lossy().into_owned(),
    }
}

/// The workspace of Databricks in which this runs, where a runtime of one started it.
pub(super) fn runs_in() -> Option<Url> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    set("DATABRICKS_RUNTIME_VERSION")?;
    let host = set("DATABRICKS_HOST")?;
    // Databricks' clients take a host without its scheme, too.
    Url::parse(&host)
        .ok()
        .filter(Url::has_host)
        .or_else(|| Url::parse(&format!("https://{host}")).ok())
}

/// `ci:github acme/dr-config run 7`, `user:someone`.
pub(super) fn actor() -> String {
    provenance().actor
}

fn user(set: &impl Fn(&str) -> Option<String>) -> String {
    let user = set("USER").or_else(|| set("LOGNAME")).or_else(|| set("USERNAME"));
    let user = user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    format!("user:{user}")
}

fn pipeline(set: &impl Fn(&str) -> Option<String>) -> Option<Pipeline> {
    if set("GITHUB_ACTIONS").is_some() {
        return Some(run_of_github(set));
    }
    if set("GITLAB_CI").is_some() {
        return Some(job_of_gitlab(set));
    }
    if set("TF_BUILD").is_some() {
        return Some(build_of_azure(set));
    }
    if set("JENKINS_URL").is_some() {
        return Some(build_of_jenkins(set));
    }
    run_of_databricks(set)
}

fn run_of_github(set: &impl Fn(&str) -> Option<String>) -> Pipeline {
    let url = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"].map(set);
    let pull = set("GITHUB_REF").and_then(|name| {
        let number = name.strip_prefix("refs/pull/")?.split('/').next()?;
        Some(number.to_owned())
    });
    Pipeline {
        service: "github",
        project: set("GITHUB_REPOSITORY"),
        noun: "run",
        id: set("GITHUB_RUN_ID"),
        started_by: set("GITHUB_ACTOR"),
        url: match url {
            [Some(server), Some(project), Some(run)] => {
                Some(format!("{server}/{project}/actions/runs/{run}"))
            }
            _ => None,
        },
        commit: set("GITHUB_SHA"),
        change: numbered("pull", pull),
    }
}

fn job_of_gitlab(set: &impl Fn(&str) -> Option<String>) -> Pipeline {
    Pipeline {
        service: "gitlab",
        project: set("CI_PROJECT_PATH"),
        noun: "job",
        id: set("CI_JOB_ID"),
        started_by: set("GITLAB_USER_LOGIN"),
        url: set("CI_JOB_URL"),
        commit: set("CI_COMMIT_SHA"),
        change: numbered("merge request", set("CI_MERGE_REQUEST_IID")),
    }
}

fn build_of_azure(set: &impl Fn(&str) -> Option<String>) -> Pipeline {
    let url = ["SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_BUILDID"].map(set);
    Pipeline {
        service: "azure",
        project: set("BUILD_REPOSITORY_NAME"),
        noun: "build",
        id: set("BUILD_BUILDID"),
        started_by: set("BUILD_REQUESTEDFOR"),
        url: match url {
            [Some(server), Some(project), Some(build)] => Some(format!(
                "{}/{project}/_build/results?buildId={build}",
                server.trim_end_matches('/')
            )),
            _ => None,
        },
        commit: set("BUILD_SOURCEVERSION"),
        change: numbered(
            "pull",
            set("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER")
                .or_else(|| set("SYSTEM_PULLREQUEST_PULLREQUESTID")),
        ),
    }
}

fn build_of_jenkins(set: &impl Fn(&str) -> Option<String>) -> Pipeline {
    Pipeline {
        service: "jenkins",
        project: set("JOB_NAME"),
        noun: "build",
        id: set("BUILD_NUMBER"),
        started_by: None,
        url: set("BUILD_URL"),
        commit: set("GIT_COMMIT"),
        change: numbered("change", set("CHANGE_ID")),
    }
}

/// What `drsync-job` was told of the run that it is.
fn run_of_databricks(set: &impl Fn(&str) -> Option<String>) -> Option<Pipeline> {
    let (job, run) = (set("DRSYNC_JOB_ID")?, set("DRSYNC_JOB_RUN_ID")?);
    let host = set("DATABRICKS_HOST");
    Some(Pipeline {
        service: "databricks",
        noun: "run",
        started_by: None,
        url: host.map(|host| format!("{}/jobs/{job}/runs/{run}", host.trim_end_matches('/'))),
        project: Some(format!("job {job}")),
        id: Some(run),
        commit: None,
        change: None,
    })
}

fn numbered(noun: &str, number: Option<String>) -> Option<String> {
    let number = number?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| format!("{noun} {number}"))
}

impl Pipeline {
    fn provenance(self) -> Provenance {
        let Pipeline { service, project, noun, id, started_by, url, commit, change } = self;
        let project = project.map_or(String::new(), |project| format!(" {project}"));
        let id = id.map_or(String::new(), |id| format!(" {noun} {id}"));
        Provenance {
            actor: format!("ci:{service}{project}{id}"),
            started_by,
            ci_run_url: url.and_then(|url| harmless(&url)),
            git_commit: commit.filter(|commit| is_commit(commit)),
            change,
        }
    }
}

/// The address without what could be a secret in it: a user, a password, any parameter but a build's number.
fn harmless(url: &str) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    if !matches!(url.scheme(), "https" | "http") {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_fragment(None);
    let build = url
        .query_pairs()
        .find(|(key, value)| key == "buildId" && value.bytes().all(|byte| byte.is_ascii_digit()))
        .map(|(_, value)| format!("buildId={value}"));
    url.set_query(build.as_deref());
    Some(url.to_string())
}

/// SHA-1 or SHA-256, or an abbreviation of one.
fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Option<Provenance> {
        let set = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        pipeline(&set).map(Pipeline::provenance)
    }

    fn provenance_of(
        actor: &str,
        by: Option<&str>,
        url: Option<&str>,
        commit: Option<&str>,
        change: Option<&str>,
    ) -> Option<Provenance> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Provenance {
            actor: actor.to_owned(),
            started_by: owned(by),
            ci_run_url: owned(url),
            git_commit: owned(commit),
            change: owned(change),
        })
    }

    #[test]
    fn a_job_of_databricks_tells_its_run() {
        let variables = [
            ("DATABRICKS_HOST", "https://adb-111.azuredatabricks.net/"),
            ("DRSYNC_JOB_ID", "12"),
            ("DRSYNC_JOB_RUN_ID", "34"),
        ];
        let url = Some("https://adb-111.azuredatabricks.net/jobs/12/runs/34");
        assert_eq!(
            of(&variables),
            provenance_of("ci:databricks job 12 run 34", None, url, None, None)
        );
        assert_eq!(of(&variables[..2]), None);
    }

    const COMMIT: &str = "f1e2d3c4b5a697887766554433221100ffeeddcc";

    #[test]
    fn github_tells_run_commit_and_pull_request() {
        let github = of(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.test"),
            ("GITHUB_REPOSITORY", "acme/dr-config"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_REF", "refs/pull/418/merge"),
            ("GITHUB_SHA", COMMIT),
            ("GITHUB_ACTOR", "octo"),
        ]);
        let url = "https://github.test/acme/dr-config/actions/runs/7";
        let actor = "ci:github acme/dr-config run 7";
        assert_eq!(
            github,
            provenance_of(actor, Some("octo"), Some(url), Some(COMMIT), Some("pull 418"))
        );
    }

    #[test]
    fn gitlab_tells_job_commit_and_merge_request() {
        let gitlab = of(&[
            ("GITLAB_CI", "true"),
            ("CI_PROJECT_PATH", "acme/dr"),
            ("CI_JOB_ID", "99"),
            ("CI_JOB_URL", "https://gitlab.test/acme/dr/-/jobs/99"),
            ("CI_COMMIT_SHA", COMMIT),
            ("CI_MERGE_REQUEST_IID", "12"),
        ]);
        let url = "https://gitlab.test/acme/dr/-/jobs/99";
        let change = Some("merge request 12");
        assert_eq!(
            gitlab,
            provenance_of("ci:gitlab acme/dr job 99", None, Some(url), Some(COMMIT), change)
        );
    }

    #[test]
    fn azure_devops_and_jenkins_tell_their_builds() {
        let azure = of(&[
            ("TF_BUILD", "True"),
            ("BUILD_REPOSITORY_NAME", "dr"),
            ("BUILD_BUILDID", "31"),
            ("BUILD_SOURCEVERSION", COMMIT),
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.test/acme/"),
            ("SYSTEM_TEAMPROJECT", "Data Platform"),
            ("SYSTEM_PULLREQUEST_PULLREQUESTID", "5"),
        ]);
        let url = "https://dev.azure.test/acme/Data%20Platform/_build/results?buildId=31";
        assert_eq!(
            azure,
            provenance_of("ci:azure dr build 31", None, Some(url), Some(COMMIT), Some("pull 5"))
        );
        let jenkins = of(&[
            ("JENKINS_URL", "https://ci.test/"),
            ("JOB_NAME", "dr"),
            ("BUILD_NUMBER", "4"),
            ("BUILD_URL", "https://ci.test/job/dr/4/"),
            ("GIT_COMMIT", COMMIT),
        ]);
        assert_eq!(
            jenkins,
            provenance_of(
                "ci:jenkins dr build 4",
                None,
                Some("https://ci.test/job/dr/4/"),
                Some(COMMIT),
                None
            )
        );
    }

    #[test]
    fn no_secret_and_no_nonsense_of_the_environment_gets_in() {
        let evil = of(&[
            ("JENKINS_URL", "x"),
            ("BUILD_URL", "https://user:hunter2@ci.test/job/4/?token=hunter2#hunter2"),
            ("GIT_COMMIT", "$(whoami)"),
            ("CHANGE_ID", "1; drop"),
        ]);
        let url = Some("https://ci.test/job/4/");
        assert_eq!(evil, provenance_of("ci:jenkins", None, url, None, None));
        let script = of(&[("JENKINS_URL", "x"), ("BUILD_URL", "javascript:alert(1)")]);
        assert_eq!(script, provenance_of("ci:jenkins", None, None, None, None));
    }

    #[test]
    fn outside_a_pipeline_it_is_a_person() {
        assert_eq!(of(&[("USER", "someone")]), None);
        assert_eq!(user(&|name| (name == "USER").then(|| "someone".to_owned())), "user:someone");
    }
}
