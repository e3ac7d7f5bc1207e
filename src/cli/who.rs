//! Who runs this: the pipeline, or the person at the keyboard.

use std::env;

/// `ci:github acme/dr-config run 7`, `user:someone`.
pub(super) fn actor() -> String {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let services = [
        (
            "GITHUB_ACTIONS",
            "github",
            "GITHUB_REPOSITORY",
            "run",
            "GITHUB_RUN_ID",
        ),
        ("GITLAB_CI", "gitlab", "CI_PROJECT_PATH", "job", "CI_JOB_ID"),
        (
            "TF_BUILD",
            "azure",
            "BUILD_REPOSITORY_NAME",
            "build",
            "BUILD_BUILDID",
        ),
    ];
    for (marker, service, project, noun, id) in services {
        if set(marker).is_some() {
            let project = set(project).map_or(String::new(), |project| format!(" {project}"));
            let id = set(id).map_or(String::new(), |id| format!(" {noun} {id}"));
            return format!("ci:{service}{project}{id}");
        }
    }
    let user = set("USER")
        .or_else(|| set("LOGNAME"))
        .or_else(|| set("USERNAME"));
    let user = user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    format!("user:{user}")
}
