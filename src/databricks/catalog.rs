//! Tables as Unity Catalog lists them, a schema at a time where many are asked for.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use super::client::Client;
use super::pages::every_item;
use super::refusal::Refusal;
use super::wire::{TableInfo, Tables};
use crate::config::TableName;
use crate::region::{
    Denied, Grant, Hint, RegionError, RegionErrorKind, Repair, Table, Unclonable, nearest,
};

/// From so many tables of one schema on, the schema is listed instead.
const LIST_FROM: usize = 20;
/// Schemas that are listed only to name what comes nearest to tables that are not there.
const HINTS_MAX: usize = 4;
/// Tables looked up at once.
const AT_ONCE: usize = 16;

const PATH: [&str; 4] = ["api", "2.1", "unity-catalog", "tables"];

/// Looks tables up, and names what comes nearest to those that are not there.
pub(super) async fn tables(
    client: &Client,
    asked: &[TableName],
    principal: Option<&str>,
) -> Vec<Result<Table, RegionError>> {
    let (infos, listed) = infos(client, asked).await;
    let named = asked.iter().zip(infos);
    let mut found: Vec<_> = named.map(|(name, info)| found(info, name, principal)).collect();
    hint(client, asked, &mut found, listed).await;
    found
}

/// Looks tables up, in the order asked; what a listing lacks is asked for alone, to learn why.
pub(super) async fn infos(
    client: &Client,
    asked: &[TableName],
) -> (Vec<Result<TableInfo, Refusal>>, Listings) {
    let mut by_schema: BTreeMap<CatalogAndSchema, usize> = BTreeMap::new();
    for name in asked {
        *by_schema.entry(schema_of(name)).or_default() += 1;
    }
    by_schema.retain(|_, count| *count >= LIST_FROM);
    let listed = listings(client, by_schema.into_keys()).await;
    let looks: Vec<_> = asked
        .iter()
        .map(|name| {
            let info = listed.get(&schema_of(name)).and_then(|all| all.get(name));
            let info = info.cloned();
            async move {
                match info {
                    Some(info) => Ok(info),
                    None => alone(client, name).await,
                }
            }
        })
        .collect();
    let found = stream::iter(looks).buffered(AT_ONCE).collect().await;
    (found, listed)
}

/// Catalog and schema, in lower case.
pub(super) type CatalogAndSchema = (String, String);
pub(super) type Listings = BTreeMap<CatalogAndSchema, BTreeMap<TableName, TableInfo>>;

fn schema_of(name: &TableName) -> CatalogAndSchema {
    (name.catalog.to_lowercase(), name.schema.to_lowercase())
}

async fn listings(client: &Client, schemas: impl Iterator<Item = CatalogAndSchema>) -> Listings {
    let lists = schemas.map(async |schema| {
        let all = list(client, schema.0.clone(), schema.1.clone()).await;
        let by_name = all.into_iter().map(|info| (name_of(&info), info));
        (schema, by_name.collect())
    });
    let lists: Vec<_> = lists.collect();
    stream::iter(lists).buffer_unordered(4).collect().await
}

/// Names what comes nearest to tables that are not there; what their schemas hold is asked for where it is not known yet.
async fn hint(
    client: &Client,
    asked: &[TableName],
    found: &mut [Result<Table, RegionError>],
    mut listed: Listings,
) {
    let missing: Vec<(&TableName, &mut RegionError)> = asked
        .iter()
        .zip(found)
        .filter_map(|(name, answer)| Some((name, answer.as_mut().err()?)))
        .filter(|(_, refusal)| refusal.kind == RegionErrorKind::NotFound)
        .collect();
    let schemas: BTreeSet<CatalogAndSchema> =
        missing.iter().map(|(name, _)| schema_of(name)).collect();
    let unknown = schemas.into_iter().filter(|it| !listed.contains_key(it));
    let unknown: Vec<CatalogAndSchema> = unknown.take(HINTS_MAX).collect();
    listed.extend(listings(client, unknown.into_iter()).await);
    for (name, refusal) in missing {
        let there = listed.get(&schema_of(name)).into_iter().flatten();
        let names: Vec<String> = there.map(|(name, _)| name.to_string()).collect();
        let near = nearest(&name.to_string(), names.iter().map(String::as_str));
        if !near.is_empty() {
            let hint = Hint::Words(format!("nearest: {}", near.join(", ")).into());
            *refusal = refusal.clone().hint(hint);
        }
    }
}

/// `GET /api/2.1/unity-catalog/tables?catalog_name&schema_name`; a refused listing is an empty one, asked table by table.
pub(super) async fn list(client: &Client, catalog: String, schema: String) -> Vec<TableInfo> {
    let query = [
        ("catalog_name", catalog.as_str()),
        ("schema_name", schema.as_str()),
        ("max_results", "0"),
        ("omit_properties", "true"),
        ("omit_username", "true"),
    ];
    let all = every_item(client, &PATH, &query, |page: Tables| page.tables).await;
    all.unwrap_or_default()
}

/// `GET /api/2.1/unity-catalog/tables/{full_name}`.
async fn alone(client: &Client, name: &TableName) -> Result<TableInfo, Refusal> {
    let full = format!("{}.{}.{}", name.catalog, name.schema, name.table);
    let path = ["api", "2.1", "unity-catalog", "tables", &full];
    client.get(&path, &[("include_browse", "true")]).await
}

/// What was found of a table; a right that is missing is part of it.
fn found(
    info: Result<TableInfo, Refusal>,
    name: &TableName,
    principal: Option<&str>,
) -> Result<Table, RegionError> {
    match info {
        Ok(info) => Ok(table(&info, name, principal)),
        Err(refusal) if refusal.kind == RegionErrorKind::Denied && !refusal.is_sign_in() => {
            Ok(Table {
                name: name.clone(),
                table_id: None,
                location: None,
                unsupported: None,
                denied: Some(denied(name, &refusal, principal.unwrap_or("principal"))),
            })
        }
        Err(refusal) => Err(refusal.doing(format!("look up {name}"))),
    }
}

fn denied(name: &TableName, refusal: &Refusal, principal: &str) -> Denied {
    let lacking = refusal.lack().map(|lack| lack.grant_for_reading(name, principal));
    let grant = lacking.unwrap_or_else(|| Grant::select(name, principal));
    Denied { message: refusal.to_string().into(), remedy: Some(Repair::Grant(grant)) }
}

pub(super) fn name_of(info: &TableInfo) -> TableName {
    TableName::new(&info.catalog_name, &info.schema_name, &info.name)
}

pub(super) fn table(info: &TableInfo, asked: &TableName, principal: Option<&str>) -> Table {
    let name = if info.name.is_empty() { asked.clone() } else { name_of(info) };
    let who = principal.unwrap_or("the principal");
    // Whatever the service answered with, the right is one on what was asked for.
    let same = name.to_string().eq_ignore_ascii_case(&asked.to_string());
    let ours = if same { &name } else { asked };
    let denied = info.browse_only.then(|| Denied::select(ours, who));
    Table {
        table_id: info.table_id.clone(),
        location: info.storage_location.clone(),
        unsupported: unsupported(info),
        denied,
        name,
    }
}

/// What a table is, where that cannot be cloned.
fn unsupported(info: &TableInfo) -> Option<Unclonable> {
    let kind = info.table_type.as_deref().unwrap_or("EXTERNAL");
    match kind {
        "VIEW" => return Some(Unclonable::View),
        "METRIC_VIEW" => return Some(Unclonable::MetricView),
        "MATERIALIZED_VIEW" => return Some(Unclonable::MaterializedView),
        "STREAMING_TABLE" => return Some(Unclonable::StreamingTable),
        "FOREIGN" => return Some(Unclonable::ForeignTable),
        "MANAGED" | "EXTERNAL" | "MANAGED_SHALLOW_CLONE" | "EXTERNAL_SHALLOW_CLONE" => {}
        other => return Some(Unclonable::OfType(other.to_owned())),
    }
    match info.data_source_format.as_deref() {
        Some("DELTA" | "DELTA_UNIFORM_ICEBERG") | None => {}
        Some(format) => return Some(Unclonable::InFormat(format.to_owned())),
    }
    if info.row_filter.as_ref().is_some_and(|filter| !filter.is_null()) {
        return Some(Unclonable::RowFilter);
    }
    let masked =
        info.columns.iter().any(|column| column.mask.as_ref().is_some_and(|mask| !mask.is_null()));
    masked.then_some(Unclonable::ColumnMasks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_cloned_is_named() {
        let read = |json: serde_json::Value| unsupported(&serde_json::from_value(json).unwrap());
        let said = |json| read(json).unwrap().to_string();
        use serde_json::json;
        assert_eq!(read(json!({"table_type": "MANAGED", "data_source_format": "DELTA"})), None);
        assert_eq!(said(json!({"table_type": "VIEW"})), "a view");
        assert_eq!(
            said(json!({"table_type": "STREAMING_TABLE", "data_source_format": "DELTA"})),
            "a streaming table"
        );
        assert_eq!(
            said(json!({"table_type": "EXTERNAL", "data_source_format": "ICEBERG"})),
            "a table in ICEBERG format"
        );
        assert_eq!(said(json!({"table_type": "HOLOGRAM"})), "a table of type HOLOGRAM");
        let filter = json!({"table_type": "MANAGED", "row_filter": {"function_name": "f"}});
        assert_eq!(said(filter), "a table with a row filter");
        let mask = json!({"table_type": "MANAGED", "columns": [{"name": "a"}, {"name": "b", "mask": {"function_name": "f"}}]});
        assert_eq!(said(mask), "a table with column masks");
    }
}
