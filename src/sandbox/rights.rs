//! Unity Catalog: grants, external locations, and credentials for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::http::{HttpRefusal, Params, Reply, body, page, text};
use super::locations::UNLISTED;
use super::unity::parse_table_name;
use super::{Site, served_workspace::ServedWorkspace};

/// Who has the rights of a thing about whose grants nothing is said.
const EVERYBODY: &str = "account users";

/// What may be given on a table.
const ON_TABLES: [&str; 6] =
    ["ALL_PRIVILEGES", "APPLY_TAG", "BROWSE", "MANAGE", "MODIFY", "SELECT"];

/// What may be given on an external location.
const ON_LOCATIONS: [&str; 10] = [
    "ALL_PRIVILEGES",
    "BROWSE",
    "CREATE_EXTERNAL_TABLE",
    "CREATE_EXTERNAL_VOLUME",
    "CREATE_FOREIGN_SECURABLE",
    "CREATE_MANAGED_STORAGE",
    "EXTERNAL_USE_LOCATION",
    "MANAGE",
    "READ_FILES",
    "WRITE_FILES",
];

/// The first privilege that is none of a kind of thing, as a message; what may be given on other kinds is not kept.
pub(super) fn not_applicable(kind: &str, privileges: &[String]) -> Option<String> {
    let known: &[&str] = match kind.to_uppercase().replace(' ', "_").as_str() {
        "TABLE" => &ON_TABLES,
        "EXTERNAL_LOCATION" => &ON_LOCATIONS,
        _ => return None,
    };
    let unknown = privileges.iter().find(|it| !known.contains(&spelled(it).as_str()))?;
    Some(format!(
        "Privilege {unknown} is not applicable to this entity. Privileges on a {} are {}.",
        kind.to_lowercase().replace('_', " "),
        known.join(", ")
    ))
}

/// A privilege as REST spells it.
fn spelled(privilege: &str) -> String {
    privilege.trim().to_uppercase().replace(' ', "_")
}

type Privileges = BTreeMap<String, Vec<String>>;

/// The privileges on a thing by principal, with its owner's.
fn held(workspace: &ServedWorkspace, kind: &str, name: &str) -> Result<Privileges, HttpRefusal> {
    let missing = |code: &str, what: &str| {
        HttpRefusal::not_found(code, format!("{what} '{name}' does not exist."))
    };
    let (entry, all) = match kind {
        "table" => {
            let entry = workspace.entry(&parse_table_name(name)?);
            (Some(entry.ok_or_else(|| missing("TABLE_DOES_NOT_EXIST", "Table"))?), "ALL_PRIVILEGES")
        }
        "external_location" => {
            let catalog = workspace.catalog();
            let entry = workspace.listed("external_locations", "name", name);
            match (entry, &catalog.index.external_locations) {
                (Some(entry), _) => (Some(entry), "ALL_PRIVILEGES"),
                (None, None) if UNLISTED.contains(&name) => (None, "ALL_PRIVILEGES"),
                _ => {
                    return Err(missing("EXTERNAL_LOCATION_DOES_NOT_EXIST", "External Location"));
                }
            }
        }
        "catalog" => (None, "USE_CATALOG"),
        "schema" => (None, "USE_SCHEMA"),
        "metastore" | "storage_credential" | "volume" => (None, "ALL_PRIVILEGES"),
        other => return Err(HttpRefusal::bad(format!("{other} is not a securable type."))),
    };
    let grants = entry.as_ref().and_then(|entry| entry.get("grants")?.as_object());
    let Some(grants) = grants else {
        return Ok(BTreeMap::from([(EVERYBODY.to_owned(), vec![all.to_owned()])]));
    };
    let privileges = |list: &Value| {
        list.as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(spelled)
            .collect::<Vec<_>>()
    };
    Ok(grants.iter().map(|(who, list)| (who.clone(), privileges(list))).collect())
}

/// `max_results` of permissions is 0 or at least 150.
fn check_size(params: &Params) -> Result<(), HttpRefusal> {
    for name in ["max_results", "page_size"] {
        if let Some(size @ 1..=149) = params.number(name)? {
            return Err(HttpRefusal::bad(format!("{name} must be 0 or at least 150, not {size}")));
        }
    }
    Ok(())
}

/// `GET /api/2.1/unity-catalog/permissions/{type}/{name}`.
pub(super) async fn permissions(
    State(site): State<Arc<Site>>,
    Path((kind, name)): Path<(String, String)>,
    params: Params,
) -> Reply {
    check_size(&params)?;
    let held = held(&site.workspace, &kind.to_lowercase(), &name)?;
    let wanted = |who: &str| {
        params.get("principal").is_none_or(|principal| who.eq_ignore_ascii_case(principal))
    };
    let shown = held.into_iter().filter(|(who, privileges)| wanted(who) && !privileges.is_empty());
    let shown = shown.map(|(who, privileges)| json!({"principal": who, "privileges": privileges}));
    page(&params, "privilege_assignments", shown.collect(), 150).map(Json)
}

/// `GET /api/2.1/unity-catalog/effective-permissions/{type}/{name}`.
///
/// Of one principal it tells what everybody has too; an owner's rights are no privileges.
pub(super) async fn effective(
    State(site): State<Arc<Site>>,
    Path((kind, name)): Path<(String, String)>,
    params: Params,
) -> Reply {
    check_size(&params)?;
    let kind = kind.to_lowercase();
    let held = held(&site.workspace, &kind, &name)?;
    let everybody = held.get(EVERYBODY).cloned().unwrap_or_default();
    let mut shown = Vec::new();
    let principals: Vec<String> = match params.get("principal") {
        Some(principal) => vec![principal.to_owned()],
        None => held.keys().cloned().collect(),
    };
    for principal in principals {
        let own = held
            .iter()
            .filter(|(who, _)| who.eq_ignore_ascii_case(&principal))
            .flat_map(|(_, list)| list);
        let mut privileges: Vec<Value> = own
            .chain(everybody.iter().filter(|_| principal != EVERYBODY))
            .map(|privilege| json!({"privilege": privilege}))
            .collect();
        let inherited = |privilege: &str, from: &str, name: &str| json!({"privilege": privilege, "inherited_from_type": from, "inherited_from_name": name});
        if kind == "table" {
            let mut parts = name.splitn(3, '.');
            let (catalog, schema) =
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            privileges.push(inherited("USE_CATALOG", "CATALOG", catalog));
            privileges.push(inherited("USE_SCHEMA", "SCHEMA", &format!("{catalog}.{schema}")));
        }
        if !privileges.is_empty() {
            shown.push(json!({"principal": principal, "privileges": privileges}));
        }
    }
    page(&params, "privilege_assignments", shown, 150).map(Json)
}

/// `PATCH /api/2.1/unity-catalog/permissions/{type}/{name}`.
pub(super) async fn change(
    State(site): State<Arc<Site>>,
    Path((kind, name)): Path<(String, String)>,
    bytes: Bytes,
) -> Reply {
    let kind = kind.to_lowercase();
    held(&site.workspace, &kind, &name)?;
    let request = body(&bytes)?;
    let (list, key) = match kind.as_str() {
        "table" => ("tables", "full_name"),
        _ => ("external_locations", "name"),
    };
    for change in request.get("changes").and_then(Value::as_array).into_iter().flatten() {
        let principal = text(change, "principal")?;
        let privileges = |key: &str| -> Vec<String> {
            let list = change.get(key).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (add, remove) = (privileges("add"), privileges("remove"));
        if add.iter().any(|privilege| remove.contains(privilege)) {
            return Err(HttpRefusal::bad(format!(
                "Duplicate privileges to add and delete for principal {principal}."
            )));
        }
        for privileges in [&add, &remove] {
            if let Some(why) = not_applicable(&kind, privileges) {
                return Err(HttpRefusal::bad(why));
            }
        }
        for (privileges, give) in [(remove, false), (add, true)] {
            if !privileges.is_empty() {
                let done = site
                    .workspace
                    .change_grants(list, key, &name, principal, &privileges, give)
                    .await;
                done.map_err(HttpRefusal::internal)?;
            }
        }
    }
    permissions(State(site), Path((kind, name)), Params::default()).await
}
