//! Statements that an earlier process left running: found by their text, so that the same clone does not run twice at once.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::client::Client;
use super::pages::each_page;
use super::refusal::Refusal;
use super::wire::QueryHistory;

/// Pages of the history that are read; what runs is among the newest.
const PAGES: usize = 5;

/// The caller's statements that have not ended, by text; nothing where the service does not tell.
pub(super) async fn by_text(client: &Client) -> BTreeMap<String, String> {
    pages(client).await.unwrap_or_default()
}

/// `GET /api/2.0/sql/history/queries`.
async fn pages(client: &Client) -> Result<BTreeMap<String, String>, Refusal> {
    let mut found = BTreeMap::new();
    let mut pages = 0;
    let path = ["api", "2.0", "sql", "history", "queries"];
    let query = [
        ("filter_by.statuses", "QUEUED"),
        ("filter_by.statuses", "RUNNING"),
        ("max_results", "100"),
    ];
    each_page(client, &path, &query, |page: QueryHistory| {
        for query in page.res {
            let ended =
                matches!(query.status.as_str(), "FINISHED" | "FAILED" | "CANCELED" | "CLOSED");
            if !ended && !query.query_id.is_empty() {
                found.insert(query.query_text.trim().to_owned(), query.query_id);
            }
        }
        pages += 1;
        if pages < PAGES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .await?;
    Ok(found)
}
