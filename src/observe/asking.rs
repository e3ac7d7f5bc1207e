//! The loop that asks: what `plan::questions` asks next is sent to both regions in batches, and written down, until it asks nothing.

use chrono::{DateTime, Utc};
use futures::future::join_all;

use crate::config::WorkflowRef;
use crate::plan::questions::{
    Answers, Asked, CatalogAnswers, Looks, Questions, SecretsQuestion, WatchAnswers,
    catalog_questions, groups_as_listed, next,
};
use crate::plan::{Request, SecretSeen, WorkspaceObserved};
use crate::region::Regions;

/// Looks at the groups of a workspace whose regions and ledger were looked at.
pub(super) async fn observe_groups(
    seen: &mut WorkspaceObserved,
    regions: &Regions,
    request: &Request,
    now: DateTime<Utc>,
) {
    let listed = match catalog_questions(seen, request) {
        Ok(asked) => {
            let primary = &regions.primary;
            let (tables, workflows) = futures::join!(
                primary.tables(&asked.tables),
                primary.workflows(&asked.workflows, asked.since)
            );
            asked.answered(tables, workflows)
        }
        Err(away) => CatalogAnswers::refused(away),
    };
    seen.groups = groups_as_listed(seen, request, &listed);
    let looks = Looks::of(seen, request, now);
    ask_until_known(seen, &looks, request, now, |asked| answers(regions, asked)).await;
}

/// Asks what is asked next, and writes down what is answered, until enough is known.
pub async fn ask_until_known<F: Future<Output = Answers>>(
    seen: &mut WorkspaceObserved,
    looks: &Looks,
    request: &Request,
    now: DateTime<Utc>,
    ask: impl Fn(Questions) -> F,
) {
    loop {
        let asked = next(seen, looks, request, now);
        if asked.is_empty() {
            return;
        }
        seen.take(ask(asked).await);
    }
}

/// What both regions answer, asked at once.
async fn answers(regions: &Regions, asked: Questions) -> Answers {
    let Regions { primary, secondary } = regions;
    let (sources, came, pins) = (&asked.sources, &asked.came, &asked.pins);
    let (replicas, stand, contents) = (&asked.replicas, &asked.stand, &asked.contents);
    let (registered, rights) = (&asked.registered, &asked.rights);
    let of_primary = async {
        futures::join!(
            unless_empty(sources, primary.sources(sources.questions())),
            unless_empty(came, primary.commits_since(came.questions())),
            unless_empty(pins, primary.pins(pins.questions())),
            unless_empty(rights, primary.table_rights(rights.questions())),
        )
    };
    let of_secondary = async {
        futures::join!(
            unless_empty(replicas, secondary.replicas(replicas.questions())),
            unless_empty(stand, secondary.replicas_stand(stand.questions())),
            unless_empty(contents, secondary.contents(contents.questions())),
            unless_empty(registered, secondary.registered(registered.questions())),
            unless_empty(rights, secondary.table_rights(rights.questions())),
        )
    };
    let compute = async { if asked.compute { Some(secondary.compute().await) } else { None } };
    let (of_primary, of_secondary, compute, watch, secrets) = futures::join!(
        of_primary,
        of_secondary,
        compute,
        watch(regions, asked.watch.as_deref()),
        secrets(regions, asked.secrets.as_ref()),
    );
    let (sources, came, pins, rights_in_primary) = of_primary;
    let (replicas, stand, contents, registered, rights_in_secondary) = of_secondary;
    Answers {
        watch,
        sources: asked.sources.answered(sources),
        came: asked.came.answered(came),
        replicas: asked.replicas.answered(replicas),
        stand: asked.stand.answered(stand),
        contents: asked.contents.answered_of_contents(contents),
        registered: asked.registered.answered_plainly(&registered),
        pins: asked.pins.answered(pins),
        rights: asked.rights.answered_by_both(rights_in_primary, rights_in_secondary),
        compute,
        secrets,
    }
}

/// The answers, where anything is asked: a region that is asked nothing is sent nothing.
async fn unless_empty<Q, T>(asked: &Asked<Q>, answers: impl Future<Output = Vec<T>>) -> Vec<T> {
    if asked.is_empty() { Vec::new() } else { answers.await }
}

/// What is at work in the secondary's workspace.
async fn watch(regions: &Regions, asked: Option<&[WorkflowRef]>) -> Option<WatchAnswers> {
    let asked = asked?;
    let secondary = &regions.secondary;
    let (workflows, active) =
        futures::join!(secondary.workflows(asked, None), secondary.active_runs());
    Some(WatchAnswers::of(asked, workflows, active))
}

/// Looks for secrets in the scopes of both sides; one that cannot be looked for is left out.
async fn secrets(regions: &Regions, asked: Option<&SecretsQuestion>) -> Option<Vec<SecretSeen>> {
    let SecretsQuestion { scope, names, stands_by } = asked?;
    let looks = names.iter().map(async |name| {
        let primary = regions.primary.secret(scope, name).await.ok()?.is_some();
        let secondary = *stands_by && regions.secondary.secret(scope, name).await.ok()?.is_some();
        Some(SecretSeen { name: name.clone(), primary, secondary })
    });
    Some(join_all(looks).await.into_iter().flatten().collect())
}
