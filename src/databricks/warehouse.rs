//! Which SQL warehouse runs the statements of a workspace.

use std::time::Duration;

use super::client::Client;
use super::notice::Notice;
use super::pages::every_item;
use super::refusal::Refusal;
use super::wire::{Warehouse, Warehouses};
use crate::region::RegionErrorKind;

/// How long the look at the state of a configured warehouse may take.
const LOOK_LONGEST: Duration = Duration::from_secs(3);

/// The configured warehouse, else the first that runs, else the first that can be started.
///
/// `GET /api/2.0/sql/warehouses`, or of the configured one its state: one that has to start is told of.
pub(super) async fn choose(
    client: &Client,
    configured: Option<&str>,
    notice: &Notice,
) -> Result<String, Refusal> {
    if let Some(id) = configured {
        let path = ["api", "2.0", "sql", "warehouses", id];
        let look = client.get::<Warehouse>(&path, &[]);
        // Whether it can be used its first statement tells: nothing waits long for this.
        if let Ok(Ok(configured)) = tokio::time::timeout(LOOK_LONGEST, look).await {
            tell_of_start(&configured, notice);
        }
        return Ok(id.to_owned());
    }
    let path = ["api", "2.0", "sql", "warehouses"];
    let all = every_item(client, &path, &[], |page: Warehouses| page.warehouses).await?;
    if let Some(running) = all.iter().find(|it| it.state == "RUNNING") {
        return Ok(running.id.clone());
    }
    let usable = all.iter().find(|it| !matches!(it.state.as_str(), "DELETED" | "DELETING"));
    let Some(usable) = usable else {
        return Err(Refusal::new(
            RegionErrorKind::NotFound,
            "no SQL warehouse can be used: create one, or give the principal CAN USE on one",
        ));
    };
    tell_of_start(usable, notice);
    Ok(usable.id.clone())
}

/// Whether there is a warehouse that can be used, the configured one or any.
///
/// `GET /api/2.0/sql/warehouses/{id}`, or the list of them.
pub(super) async fn check_warehouse(
    client: &Client,
    configured: Option<&str>,
) -> Result<(), Refusal> {
    let Some(id) = configured else {
        return choose(client, None, &Notice::nobody()).await.map(drop);
    };
    let found: Warehouse = client.get(&["api", "2.0", "sql", "warehouses", id], &[]).await?;
    if matches!(found.state.as_str(), "DELETED" | "DELETING") {
        let text = format!("the SQL warehouse {id} is {}", found.state.to_lowercase());
        return Err(Refusal::new(RegionErrorKind::NotFound, text));
    }
    Ok(())
}

fn tell_of_start(warehouse: &Warehouse, notice: &Notice) {
    let Warehouse { name, state, .. } = warehouse;
    match state.as_str() {
        "STOPPED" | "STOPPING" => notice.tell(format!(
            "the SQL warehouse {name} is {}: its first statement starts it",
            state.to_lowercase()
        )),
        "STARTING" => notice.tell(format!(
            "the SQL warehouse {name} is starting: the first statement waits for it"
        )),
        _ => {}
    }
}
