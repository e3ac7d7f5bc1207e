//! The loop that asks: what `plan::questions` asks next is sent to both regions in batches, and written down, until it asks nothing.

use chrono::{DateTime, Utc};
use futures::future::join_all;

use crate::config::{TableName, WorkflowRef};
use crate::plan::questions::{
    Answers, CatalogAnswers, Looks, Questions, SecretsQuestion, TableQuestions, WatchAnswers,
    catalog_questions, groups_as_listed, next,
};
use crate::plan::{Answer, Request, SecretSeen, WorkspaceObserved};
use crate::region::{Region, Regions, Workspace};

/// Looks at the groups of a workspace whose regions and ledger were looked at.
pub(super) async fn observe_groups(
    seen: &mut WorkspaceObserved,
    regions: &Regions,
    request: &Request,
    now: DateTime<Utc>,
) {
    let listed = match catalog_questions(seen, request) {
        Ok(asked) => match regions.primary.require_workspace("look at the workspace") {
            Ok(workspace) => {
                let (tables, workflows) = futures::join!(
                    workspace.tables(&asked.tables),
                    workspace.workflows(&asked.workflows, asked.since)
                );
                asked.answered(tables, workflows)
            }
            Err(none) => CatalogAnswers::refused(none),
        },
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
            of_workspace(primary, sources, |it, asked| it.sources(asked)),
            of_workspace(primary, came, |it, asked| it.commits_since(asked)),
            of_workspace(primary, pins, |it, asked| it.pins(asked)),
            of_workspace(primary, rights, |it, asked| it.table_rights(asked)),
        )
    };
    let location = &secondary.location;
    let of_secondary = async {
        futures::join!(
            unless_empty(replicas, location.replicas(replicas.questions())),
            unless_empty(stand, location.replicas_stand(stand.questions())),
            unless_empty(contents, location.contents(contents.questions())),
            unless_empty(registered, look_for_registered(secondary, registered.questions())),
            of_workspace(secondary, rights, |it, asked| it.table_rights(asked)),
        )
    };
    let compute = async {
        match &secondary.workspace {
            Some(workspace) if asked.compute => Some(workspace.compute().await),
            Some(_) | None => None,
        }
    };
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
async fn unless_empty<Q, T>(
    asked: &TableQuestions<Q>,
    answers: impl Future<Output = Vec<T>>,
) -> Vec<T> {
    if asked.is_empty() { Vec::new() } else { answers.await }
}

/// What a region's own workspace answers, where anything is asked.
async fn of_workspace<'a, Q, T, F>(
    region: &'a Region,
    asked: &'a TableQuestions<Q>,
    ask: impl FnOnce(&'a dyn Workspace, &'a [Q]) -> F,
) -> Vec<Answer<T>>
where
    F: Future<Output = Vec<Answer<T>>>,
{
    unless_empty(asked, region.ask_workspace(asked.questions(), ask)).await
}

/// Which of these replicas the catalog of a region's own workspace has; without one, none.
async fn look_for_registered(region: &Region, asked: &[(TableName, String)]) -> Vec<bool> {
    match &region.workspace {
        Some(workspace) => workspace.registered(asked).await,
        None => vec![false; asked.len()],
    }
}

/// What is at work in the secondary's workspace.
async fn watch(regions: &Regions, asked: Option<&[WorkflowRef]>) -> Option<WatchAnswers> {
    let asked = asked?;
    match regions.secondary.require_workspace("look at the secondary's workflows") {
        Ok(workspace) => {
            let (workflows, active) =
                futures::join!(workspace.workflows(asked, None), workspace.active_runs());
            Some(WatchAnswers::of(asked, workflows, active))
        }
        Err(none) => Some(WatchAnswers::of(asked, Err(none.clone()), Err(none))),
    }
}

/// Looks for secrets in the scopes of both sides; one that cannot be looked for is left out.
async fn secrets(regions: &Regions, asked: Option<&SecretsQuestion>) -> Option<Vec<SecretSeen>> {
    let SecretsQuestion { scope, names, stands_by } = asked?;
    let has = async |region: &Region, name: &str| {
        Some(region.workspace.as_ref()?.secret(scope, name).await.ok()?.is_some())
    };
    let looks = names.iter().map(async |name| {
        let primary = has(&regions.primary, name).await?;
        let secondary = *stands_by && has(&regions.secondary, name).await?;
        Some(SecretSeen { name: name.clone(), primary, secondary })
    });
    Some(join_all(looks).await.into_iter().flatten().collect())
}
