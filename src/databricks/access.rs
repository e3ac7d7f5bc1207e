//! Whether a region is there, who asks, and whether a location may be written: looked at, never tried.

use std::ops::ControlFlow;

use futures::join;

use super::client::Client;
use super::pages::{each_page, every_item};
use super::refusal::Refusal;
use super::statements::Intent;
use super::wire::{
    ExternalLocationInfo, ExternalLocations, Me, MetastoreAssignment, PathCredentialRequest,
    Permissions,
};
use super::{DatabricksLocation, Service};
use crate::region::{
    Denied, Grant, Identity, Privilege, Reached, RegionError, RegionErrorKind, Repair,
    UnprovedAccess, WriteAccess,
};
use crate::sentence::Sentence;
use crate::sql;

/// `GET /api/2.0/preview/scim/v2/Me`.
pub(super) async fn me(client: &Client) -> Result<Me, Refusal> {
    client
        .get(
            &["api", "2.0", "preview", "scim", "v2", "Me"],
            &[("attributes", "userName,active,id")],
        )
        .await
}

/// `GET /api/2.1/unity-catalog/current-metastore-assignment`.
async fn default_catalog(client: &Client) -> Option<String> {
    let path = ["api", "2.1", "unity-catalog", "current-metastore-assignment"];
    let assignment: MetastoreAssignment = client.get(&path, &[]).await.ok()?;
    assignment.default_catalog_name.filter(|name| !name.is_empty())
}

/// Who asks a workspace, or why it cannot be seen.
pub(super) async fn identity(service: &Service) -> Result<Identity, Sentence> {
    let (principal, catalog) = join!(service.principal(), default_catalog(&service.client));
    match principal {
        Ok(principal) => Ok(Identity { principal: Some(principal), default_catalog: catalog }),
        Err(refusal) => {
            let address = service.client.base().as_str().trim_end_matches('/');
            Err(if refusal.is_sign_in() {
                format!("{address} refuses {}: {refusal}", service.client.signed_in_with()).into()
            } else {
                format!("{address} does not answer: {refusal}").into()
            })
        }
    }
}

pub(super) async fn presence(location: &DatabricksLocation) -> Result<Reached, RegionError> {
    let client = &location.service().client;
    // Before anything is asked about a group; signing in has had an answer, and a warehouse may take minutes to start.
    let clock = client.service_clock();
    let (principal, root) = join!(location.service().principal(), look_at_root(location));
    let address = client.base().as_str().trim_end_matches('/');
    let doing = || format!("look at the sync location {} from {address}", location.address);
    let principal = principal.map_err(|refusal| match refusal.status {
        Some(404) => refusal
            .hint("is it the address of a Databricks workspace?")
            .doing(format!("look who is signed in to {address}")),
        // What answered is not away; who may not ask is told that.
        _ => refusal.doing(doing()),
    })?;
    if let Err(refusal) = root {
        return Err(if refusal.is_of_warehouse() {
            // Everything is there, and whoever asks may not look.
            refusal.doing(format!("use a SQL warehouse of {address} as {principal}"))
        } else {
            let refusal = with_grant(location, refusal, &principal).await;
            let denied = refusal.kind == RegionErrorKind::Denied;
            if denied || refusal.is_no_answer_of_use() {
                refusal.doing(doing())
            } else {
                as_unavailable(refusal).doing(doing())
            }
        });
    }
    Ok(Reached {
        location: location.address.clone(),
        principal: Some(principal),
        clock: clock.or_else(|| client.service_clock()),
    })
}

/// `LIST` of the sync location. An empty folder of an object store is no folder at all: only its container has to be there.
async fn look_at_root(location: &DatabricksLocation) -> Result<(), Refusal> {
    let statement = sql::list(&location.address, Some(1));
    match location.service().sql.run(&statement, Intent::Look).await {
        Ok(_) => Ok(()),
        Err(refusal) if refusal.no_table() && location.on_object_store() => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// A refusal to list the sync location, with the statement that gives the rights on its external location where it tells of one.
async fn with_grant(location: &DatabricksLocation, refusal: Refusal, principal: &str) -> Refusal {
    if !refusal.lack().is_some_and(|lack| lack.is_of_location()) {
        return refusal;
    }
    match covering(&location.service().client, &location.address).await {
        Some(name) => refusal.grant(Grant::to_write(&name, principal)),
        None => refusal,
    }
}

/// A listing that the warehouse could not make means that its location is not there; of a sign-in that was refused that is said.
fn as_unavailable(refusal: Refusal) -> Refusal {
    Refusal { kind: RegionErrorKind::Unavailable, ..refusal }
}

pub(super) async fn write_access(
    workspace: &Service,
    location: &str,
) -> Result<WriteAccess, RegionError> {
    let doing = || format!("look at the rights on {location}");
    let refused = |refusal: Refusal| refusal.doing(doing());
    let all = external_locations(&workspace.client).await.map_err(refused)?;
    let Some(covering) = narrowest(all, location) else {
        let detail = "no external location that the principal can see covers it";
        return Err(RegionError::new(RegionErrorKind::NotFound, doing(), detail));
    };
    let principal = workspace.principal().await.map_err(refused)?;
    let name = &covering.name;
    if covering.read_only {
        return Ok(WriteAccess::Refused(Denied::read_only(name)));
    }
    if covering.owner.as_deref() == Some(principal.as_str())
        || may_write(workspace, &covering, &principal).await
    {
        return Ok(WriteAccess::Allowed);
    }
    match dry_run(&workspace.client, location).await {
        Ok(()) => Ok(WriteAccess::Allowed),
        Err(refusal) => Ok(match refusal.right_on_files().map(Privilege::words) {
            Some(missing) => WriteAccess::Refused(Denied {
                message: format!("{principal} has no {missing} on the external location {name}").into(),
                remedy: Some(Repair::Grant(Grant::to_write(name, &principal))),
            }),
            // Privileges through groups are not always told, and the dry run has a right of its own.
            None => WriteAccess::NotProved(UnprovedAccess::Rights(format!(
                "READ FILES and WRITE FILES on the external location {name} are not both among the privileges that can be seen of {principal}; the first write of apply proves it"
            ).into())),
        }),
    }
}

/// `GET /api/2.1/unity-catalog/external-locations`, every page of it; a page may be empty and still have a successor.
pub(super) async fn external_locations(
    client: &Client,
) -> Result<Vec<ExternalLocationInfo>, Refusal> {
    let path = ["api", "2.1", "unity-catalog", "external-locations"];
    let query = [("max_results", "0")];
    every_item(client, &path, &query, |page: ExternalLocations| page.external_locations).await
}

/// The name of the external location that covers a place; `None`: there is none, or it cannot be seen.
pub(super) async fn covering(client: &Client, location: &str) -> Option<String> {
    let all = external_locations(client).await.ok()?;
    narrowest(all, location).map(|it| it.name)
}

fn narrowest(all: Vec<ExternalLocationInfo>, location: &str) -> Option<ExternalLocationInfo> {
    let covering = all.into_iter().filter(|it| covers(&it.url, location));
    covering.max_by_key(|it| it.url.trim_end_matches('/').len())
}

/// Whether a location lies in another: whole folders, scheme and authority without case.
fn covers(url: &str, location: &str) -> bool {
    let parts = |text: &str| -> (String, String) {
        let text = text.trim_end_matches('/');
        match text.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
                (
                    format!("{}://{}", scheme.to_lowercase(), authority.to_lowercase()),
                    format!("/{path}/"),
                )
            }
            None => ("file://".to_owned(), format!("{text}/")),
        }
    };
    let ((here, inside), (there, path)) = (parts(url), parts(location));
    here == there && (path.starts_with(&inside) || inside == "//")
}

/// `GET /api/2.1/unity-catalog/effective-permissions/external_location/{name}`.
pub(super) async fn may_write(
    workspace: &Service,
    location: &ExternalLocationInfo,
    principal: &str,
) -> bool {
    let path = [
        "api",
        "2.1",
        "unity-catalog",
        "effective-permissions",
        "external_location",
        &location.name,
    ];
    let (mut reads, mut writes) = (false, false);
    let query = [("principal", principal)];
    let listed = each_page(&workspace.client, &path, &query, |page: Permissions| {
        let assignments = page.privilege_assignments.iter();
        for held in assignments.flat_map(|assignment| &assignment.privileges) {
            let held = held.privilege.to_uppercase().replace(' ', "_");
            reads |= matches!(held.as_str(), "READ_FILES" | "ALL_PRIVILEGES");
            writes |= matches!(held.as_str(), "WRITE_FILES" | "ALL_PRIVILEGES");
        }
        if reads && writes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    listed.await.is_ok() && reads && writes
}

/// `POST /api/2.0/unity-catalog/temporary-path-credentials` with `dry_run`: no credential is made.
async fn dry_run(client: &Client, location: &str) -> Result<(), Refusal> {
    let request = PathCredentialRequest {
        url: location.to_owned(),
        operation: "PATH_READ_WRITE".to_owned(),
        dry_run: true,
    };
    let path = ["api", "2.0", "unity-catalog", "temporary-path-credentials"];
    client.post_for_nothing(&path, &request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_covered_by_whole_folders() {
        assert!(covers(
            "abfss://dr@Acc.dfs.core.windows.net/",
            "abfss://dr@acc.dfs.core.windows.net/sync"
        ));
        assert!(covers("s3://bucket/a", "s3://bucket/a"));
        assert!(covers("s3://bucket", "s3://bucket/a/b"));
        assert!(!covers("s3://bucket/a", "s3://bucket/ab"));
        assert!(!covers("s3://bucket/A", "s3://bucket/a"));
        assert!(!covers("s3://other", "s3://bucket/a"));
        assert!(covers("/worlds/dr", "/worlds/dr/x"));
        assert!(covers("file:///worlds/dr", "/worlds/dr/x"));
    }
}
