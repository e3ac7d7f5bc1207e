//! The pages of a listing: the only place that follows page tokens.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use super::client::Client;
use super::refusal::Refusal;
use super::wire::{
    Catalogs, DirectoryPage, ExternalLocations, Jobs, Permissions, QueryHistory, Runs, Schemas,
    Tables, Warehouses,
};
use crate::limits::{LISTED, Limit, PAGE_TOKEN, PAGES};
use crate::region::RegionErrorKind;

/// One page of a listing.
pub(super) trait ListingPage: DeserializeOwned {
    /// How many items are on it.
    fn items(&self) -> usize;
    /// The token of the next page, as the service gave it.
    fn next(&mut self) -> Option<String>;
}

macro_rules! pages {
    ($($page:ty: $items:ident),* $(,)?) => {
        $(impl ListingPage for $page {
            fn items(&self) -> usize {
                self.$items.len()
            }

            fn next(&mut self) -> Option<String> {
                self.next_page_token.take()
            }
        })*
    };
}

pages! {
    Catalogs: catalogs,
    DirectoryPage: contents,
    ExternalLocations: external_locations,
    Jobs: jobs,
    Permissions: privilege_assignments,
    QueryHistory: res,
    Runs: runs,
    Schemas: schemas,
    Tables: tables,
    Warehouses: warehouses,
}

/// `GET` of a listing, page after page, each given to `take`, until it wants no more or there are no more. A page may be empty
/// and still have a successor. Gives whether the last page was reached.
///
/// # Errors
/// What the service refuses; and a listing that has no end: a page token that came before, or more pages or items than any
/// workspace has.
pub(super) async fn each_page<P: ListingPage>(
    client: &Client,
    path: &[&str],
    query: &[(&str, &str)],
    mut take: impl FnMut(P) -> ControlFlow<()>,
) -> Result<bool, Refusal> {
    let endless = |what: &str| {
        let text = format!("GET /{} {what}: its pages have no end", path.join("/"));
        Refusal::new(RegionErrorKind::Other, text)
    };
    let within = |limit: &'static Limit, found: usize| {
        let allowed = limit.allow(found as u64);
        allowed.map_err(|_| endless(&format!("gives more than {limit}")))
    };
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut token: Option<String> = None;
    let mut items = 0;
    loop {
        within(&PAGES, seen.len() + 1)?;
        let mut asked = query.to_vec();
        asked.extend(token.iter().map(|token| ("page_token", token.as_str())));
        let mut page: P = client.get(path, &asked).await?;
        items += page.items();
        within(&LISTED, items)?;
        let next = page.next().filter(|token| !token.is_empty());
        let enough = take(page).is_break();
        let Some(next) = next else { return Ok(true) };
        if enough {
            return Ok(false);
        }
        within(&PAGE_TOKEN, next.len())?;
        if !seen.insert(next.clone()) {
            return Err(endless("gives the same page token twice"));
        }
        token = Some(next);
    }
}

/// The items of every page of a listing.
///
/// # Errors
/// As [`each_page`].
pub(super) async fn every_item<P: ListingPage, T>(
    client: &Client,
    path: &[&str],
    query: &[(&str, &str)],
    items: impl Fn(P) -> Vec<T>,
) -> Result<Vec<T>, Refusal> {
    let mut all = Vec::new();
    each_page(client, path, query, |page: P| {
        all.extend(items(page));
        ControlFlow::Continue(())
    })
    .await?;
    Ok(all)
}
