//! Who may read and write the tables of a workspace's own catalog.

use futures::{StreamExt as _, stream};

use super::client::Client;
use super::pages::every_item;
use super::wire::Permissions;
use crate::config::TableName;
use crate::region::{RegionError, TableRights};

/// Tables asked for at once: the service tells of one alone.
const AT_ONCE: usize = 16;

/// The rights on tables, in the order asked.
pub(super) async fn of_tables(
    client: &Client,
    asked: &[TableName],
) -> Vec<Result<TableRights, RegionError>> {
    let looks: Vec<_> = asked.iter().map(|name| of_table(client, name)).collect();
    stream::iter(looks).buffered(AT_ONCE).collect().await
}

/// `GET /api/2.1/unity-catalog/effective-permissions/table/{name}`, every page of it.
async fn of_table(client: &Client, name: &TableName) -> Result<TableRights, RegionError> {
    let full = format!("{}.{}.{}", name.catalog, name.schema, name.table);
    let path = ["api", "2.1", "unity-catalog", "effective-permissions", "table", &full];
    let query = [("max_results", "0")];
    let all = every_item(client, &path, &query, |page: Permissions| page.privilege_assignments);
    let all = all.await.map_err(|refusal| refusal.doing(format!("read who may use {name}")))?;
    let mut rights = TableRights::default();
    for assignment in all {
        for held in assignment.privileges {
            rights.take_in(&assignment.principal, &held.privilege);
        }
    }
    Ok(rights)
}
