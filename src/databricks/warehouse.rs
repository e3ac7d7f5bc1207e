//! Which SQL warehouse runs the statements of a workspace.

use super::Notice;
use super::client::Client;
use super::refusal::Refusal;
use super::wire::Warehouses;
use crate::region::RegionErrorKind;

/// The configured warehouse, else the first that runs, else the first that can be started.
///
/// `GET /api/2.0/sql/warehouses`, unless one is configured.
pub(super) async fn choose(
    client: &Client,
    configured: Option<&str>,
    notice: &Notice,
) -> Result<String, Refusal> {
    if let Some(id) = configured {
        return Ok(id.to_owned());
    }
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let query: Vec<(&str, &str)> = token
            .iter()
            .map(|token| ("page_token", token.as_str()))
            .collect();
        let page: Warehouses = client
            .get(&["api", "2.0", "sql", "warehouses"], &query)
            .await?;
        all.extend(page.warehouses);
        token = page.next_page_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    if let Some(running) = all.iter().find(|it| it.state == "RUNNING") {
        return Ok(running.id.clone());
    }
    let usable = all
        .iter()
        .find(|it| !matches!(it.state.as_str(), "DELETED" | "DELETING"));
    let Some(usable) = usable else {
        return Err(Refusal::new(
            RegionErrorKind::NotFound,
            "no SQL warehouse can be used: create one, or give the principal CAN USE on one",
        ));
    };
    notice.tell(format!(
        "the SQL warehouse {} is {}: its first statement starts it",
        usable.name,
        usable.state.to_lowercase()
    ));
    Ok(usable.id.clone())
}
