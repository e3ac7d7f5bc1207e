//! What a workspace has that could be synchronized: asked once, before there is a configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::{StreamExt, join, stream};
use url::Url;

use super::auth::{Environment, SignInError, SignInTarget, Tried, sign_in};
use super::batch::{QuestionForm, Rest, TABLES};
use super::client::Client;
use super::histories::details;
use super::notice::Notice;
use super::pages::every_item;
use super::refusal::Refusal;
use super::rows::{ResultRows, number};
use super::statements::Intent;
use super::timing::Timing;
use super::wire::{Catalogs, MetastoreSummary, Schemas, TableInfo};
use super::{DatabricksLocation, Service, Way, access, catalog, files, workflows};
use crate::config::TableName;
use crate::region::{RegionError, Unclonable, is_maintenance};
use crate::sql::{self, Relation};

/// Schemas listed at once.
const SCHEMAS_AT_ONCE: usize = 8;
/// So much of what lies in an external location is listed.
const LISTED_MOST: u64 = 64;
/// Commits of a table among which its writer is looked for.
const COMMITS: u64 = 20;
/// Catalogs that hold nothing of the user's own.
const FOREIGN_CATALOGS: [&str; 3] = ["system", "samples", "__databricks_internal"];

/// A workspace that somebody is signed in to.
#[derive(Debug)]
pub struct Surveyor {
    workspace: Arc<Service>,
    /// How it was signed in to, for example `DATABRICKS_TOKEN`.
    pub signed_in_with: String,
}

/// Where a workspace is, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceAndAsker {
    /// Who asks.
    pub principal: String,
    /// The metastore's id.
    pub metastore_id: String,
    /// The metastore's name.
    pub metastore: String,
    /// The metastore's region.
    pub region: String,
}

/// An external location that may be written, as far as can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Its name.
    pub name: String,
    /// What it covers.
    pub url: String,
}

/// A table of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedTable {
    /// Its name.
    pub name: TableName,
    /// What it is, where nothing can clone that.
    pub unsupported: Option<Unclonable>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SurveyedJob {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// What tables say of themselves.
#[derive(Debug, Default)]
pub struct WritersAndSizes {
    /// The job that wrote each table last; what no job wrote is left out.
    pub writers: BTreeMap<TableName, SurveyedJob>,
    /// Bytes of each table's newest version; what does not say is left out.
    pub sizes: BTreeMap<TableName, u64>,
    /// Why no history could be read, where none could.
    pub refused: Option<RegionError>,
}

impl Surveyor {
    /// Signs in; `name` is the workspace's label where it has one, for `DRSYNC_TOKEN_<NAME>`.
    ///
    /// # Errors
    /// Everything that was tried.
    pub async fn sign_in(
        name: Option<&str>,
        address: &Url,
        environment: &Environment,
        timing: Timing,
        notice: Notice,
    ) -> Result<Surveyor, SignInError> {
        let wanted =
            SignInTarget { name, base: address, secret: None, profile: None, unbound: true };
        let (credential, warehouse) = sign_in(&wanted, environment, &timing).await?;
        let signed_in_with = credential.method().to_owned();
        let refused = |why: String| SignInError {
            workspace: address.as_str().trim_end_matches('/').to_owned(),
            tried: vec![Tried::new(signed_in_with.clone(), why)],
        };
        let client = Client::new(address.clone(), credential, timing)
            .map_err(|refusal| refused(refusal.to_string()))?;
        match access::me(&client).await {
            Err(refusal) if refusal.is_sign_in() => {
                return Err(refused(format!("is refused: {refusal}")));
            }
            // What does not answer says so when it is asked for more.
            Ok(_) | Err(_) => {}
        }
        let workspace = Arc::new(Service::new(client, warehouse, notice));
        Ok(Surveyor { workspace, signed_in_with })
    }

    /// Signs in to the workspace that the ambient authentication names.
    ///
    /// # Errors
    /// Everything that was tried; it names no workspace.
    pub async fn ambient(
        environment: &Environment,
        timing: Timing,
        notice: Notice,
    ) -> Result<Surveyor, SignInError> {
        let address = files::base(environment).map_err(|why| SignInError {
            workspace: "a workspace".to_owned(),
            tried: vec![Tried::new("DATABRICKS_HOST", why)],
        })?;
        Surveyor::sign_in(None, &address, environment, timing, notice).await
    }

    /// Who asks, and where the workspace is.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn read_metastore(&self) -> Result<WorkspaceAndAsker, RegionError> {
        let doing = || format!("look at {}", self.address());
        let refused = |refusal: Refusal| refusal.doing(doing());
        let principal = self.workspace.principal().await.map_err(refused)?;
        // `GET /api/2.1/unity-catalog/metastore_summary`
        let path = ["api", "2.1", "unity-catalog", "metastore_summary"];
        let metastore: MetastoreSummary =
            (self.workspace.client.get(&path, &[]).await).map_err(refused)?;
        Ok(WorkspaceAndAsker {
            principal,
            metastore_id: metastore.metastore_id,
            metastore: metastore.name,
            region: metastore.region,
        })
    }

    fn address(&self) -> &str {
        self.workspace.client.base().as_str().trim_end_matches('/')
    }

    /// External locations that may be written; where rights cannot be seen of any, all that are not read-only.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn locations(&self) -> Result<Vec<Offered>, RegionError> {
        let doing = || format!("list the external locations of {}", self.address());
        let refused = |refusal: Refusal| refusal.doing(doing());
        let principal = self.workspace.principal().await.map_err(refused)?;
        let all = access::external_locations(&self.workspace.client);
        let mut open = all.await.map_err(refused)?;
        open.retain(|location| !location.read_only);
        let mut proved = Vec::new();
        for location in &open {
            let owned = location.owner.as_deref() == Some(principal.as_str());
            if owned || access::may_write(&self.workspace, location, &principal).await {
                proved.push(location.clone());
            }
        }
        let offered = if proved.is_empty() { open } else { proved };
        let offered =
            offered.into_iter().map(|location| Offered { name: location.name, url: location.url });
        Ok(offered.collect())
    }

    /// Every table and view that whoever asks can see, sorted, outside of Databricks' own catalogs.
    ///
    /// # Errors
    /// What the service refuses; a schema that cannot be listed is left out.
    pub async fn tables(&self) -> Result<Vec<ListedTable>, RegionError> {
        let mut tables: Vec<ListedTable> = self
            .infos()
            .await?
            .iter()
            .map(|info| {
                let table = catalog::table(info, &catalog::name_of(info), None);
                ListedTable { name: table.name, unsupported: table.unsupported }
            })
            .collect();
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(tables)
    }

    /// The folders under which tables of the catalog lie as replicas do, with how many: those with the most first.
    ///
    /// # Errors
    /// What the service refuses; a schema that cannot be listed is left out.
    pub async fn roots_of_replicas(&self) -> Result<Vec<(String, usize)>, RegionError> {
        let mut tables: BTreeMap<String, usize> = BTreeMap::new();
        for info in self.infos().await? {
            let root = info.storage_location.as_deref().and_then(|place| {
                root_of_replica(place.trim_end_matches('/'), &catalog::name_of(&info))
            });
            if let Some(root) = root {
                *tables.entry(root.to_owned()).or_default() += 1;
            }
        }
        let mut roots: Vec<(String, usize)> = tables.into_iter().collect();
        roots.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Ok(roots)
    }

    /// External locations, and the folders directly in them.
    ///
    /// # Errors
    /// What the service refuses; a location that cannot be listed stands for itself alone.
    pub async fn external_folders(&self) -> Result<Vec<String>, RegionError> {
        let doing = || format!("list the external locations of {}", self.address());
        let external = access::external_locations(&self.workspace.client).await;
        let external = external.map_err(|refusal| refusal.doing(doing()))?;
        let urls = external.into_iter().map(|location| location.url);
        let urls: Vec<String> = urls.map(|url| url.trim_end_matches('/').to_owned()).collect();
        let inside = urls.iter().map(|url| async move {
            let statement = sql::list(url, Some(LISTED_MOST));
            let listed = self.workspace.sql.run(&statement, Intent::Look).await;
            let rows = listed.map(|finished| finished.rows).unwrap_or_default();
            let names = rows.iter().filter_map(|row| row.text("name").map(str::to_owned));
            let folders = names.filter_map(|name| {
                let name = name.strip_suffix('/')?;
                (!name.is_empty() && !name.contains('/')).then(|| format!("{url}/{name}"))
            });
            folders.collect::<Vec<_>>()
        });
        let inside: Vec<Vec<String>> =
            stream::iter(inside).buffered(SCHEMAS_AT_ONCE).collect().await;
        Ok(urls.iter().cloned().chain(inside.into_iter().flatten()).collect())
    }

    /// What lies at a sync location, to be looked at: nothing is written there.
    pub fn location(&self, text: &str) -> DatabricksLocation {
        DatabricksLocation::new(text, Way::Reader(self.workspace.clone()), false)
    }

    /// Every table and view that whoever asks can see, outside of Databricks' own catalogs.
    async fn infos(&self) -> Result<Vec<TableInfo>, RegionError> {
        let doing = || format!("list the catalogs of {}", self.address());
        let client = &self.workspace.client;
        let mut schemas = Vec::new();
        for catalog in self.catalogs().await.map_err(|it| it.doing(doing()))? {
            let all = self.schemas(&catalog).await.unwrap_or_default();
            schemas.extend(all.into_iter().map(|schema| (catalog.clone(), schema)));
        }
        let lists: Vec<_> = schemas
            .into_iter()
            .map(|(catalog, schema)| catalog::list(client, catalog, schema))
            .collect();
        let listed: Vec<Vec<_>> =
            stream::iter(lists).buffer_unordered(SCHEMAS_AT_ONCE).collect().await;
        Ok(listed.into_iter().flatten().collect())
    }

    /// `GET /api/2.1/unity-catalog/catalogs`.
    async fn catalogs(&self) -> Result<Vec<String>, Refusal> {
        let path = ["api", "2.1", "unity-catalog", "catalogs"];
        let client = &self.workspace.client;
        let mut all = every_item(client, &path, &[], |page: Catalogs| page.catalogs).await?;
        all.retain(|it| {
            let kind = it.catalog_type.as_deref().unwrap_or_default();
            !kind.starts_with("SYSTEM") && !FOREIGN_CATALOGS.contains(&it.name.as_str())
        });
        Ok(all.into_iter().map(|it| it.name).collect())
    }

    /// `GET /api/2.1/unity-catalog/schemas`.
    async fn schemas(&self, catalog: &str) -> Result<Vec<String>, Refusal> {
        let path = ["api", "2.1", "unity-catalog", "schemas"];
        let query = [("catalog_name", catalog)];
        let client = &self.workspace.client;
        let all = every_item(client, &path, &query, |page: Schemas| page.schemas).await?;
        let names = all.into_iter().map(|it| it.name);
        Ok(names.filter(|name| !name.eq_ignore_ascii_case("information_schema")).collect())
    }

    /// Who wrote each table since then, by the tables' histories, and how large they are: a statement each for fifty tables.
    pub async fn read_sizes_and_writers(
        &self,
        tables: &[TableName],
        since: DateTime<Utc>,
    ) -> WritersAndSizes {
        let relations: Vec<Relation> = tables.iter().cloned().map(Relation::Named).collect();
        let Service { sql, batches, .. } = self.workspace.as_ref();
        let asked: Vec<&Relation> = relations.iter().collect();
        let form = QuestionForm {
            relation: &|relation: &Relation| relation.clone(),
            many: &|some: &[&Relation]| sql::writers(some, COMMITS),
            one: &|relation: &Relation| sql::history(relation, COMMITS),
            size: TABLES,
            rest: Rest::OneByOne,
        };
        let (histories, details) =
            join!(batches.ask(sql, &asked, &form), details(sql, batches, &relations));
        let sizes = tables.iter().zip(details);
        let sizes = sizes.filter_map(|(table, detail)| Some((table.clone(), detail.ok()?.bytes?)));
        let refused = if histories.iter().all(Result::is_err) {
            histories.iter().find_map(|it| it.as_ref().err())
        } else {
            None
        };
        let refused = refused.cloned().map(|it| it.doing("read the histories of tables"));
        let written = tables.iter().zip(histories);
        let written =
            written.filter_map(|(table, rows)| Some((table.clone(), job_of(&rows.ok()?, since)?)));
        WritersAndSizes {
            sizes: sizes.collect(),
            writers: self.named(written.collect()).await,
            refused,
        }
    }

    /// Jobs by their ids; one that is gone or not to be seen is nobody's workflow.
    async fn named(&self, written: Vec<(TableName, i64)>) -> BTreeMap<TableName, SurveyedJob> {
        let mut jobs: BTreeMap<i64, Option<String>> =
            written.iter().map(|(_, id)| (*id, None)).collect();
        for (id, name) in &mut jobs {
            let job = workflows::by_id(&self.workspace.client, *id).await;
            *name = job.ok().map(|job| job.settings.name);
        }
        let named = written.into_iter().filter_map(|(table, id)| {
            let name = jobs.get(&id)?.clone()?;
            Some((table, SurveyedJob { id, name }))
        });
        named.collect()
    }
}

/// The folder under which a table lies as its replica would; `None`: it lies otherwise.
fn root_of_replica<'a>(place: &'a str, name: &TableName) -> Option<&'a str> {
    let (start, _) = place.rmatch_indices('/').nth(2)?;
    let (root, path) = place.split_at(start);
    (!root.is_empty() && name.has_path(&path[1..])).then_some(root)
}

/// The job of the newest commit that one made, maintenance aside.
fn job_of(history: &ResultRows, since: DateTime<Utc>) -> Option<i64> {
    let commits = history.iter().filter(|row| {
        row.moment("timestamp").is_some_and(|at| at >= since)
            && !is_maintenance(row.text("operation").unwrap_or_default())
    });
    let ids = commits.filter_map(|row| {
        let id = number(&row.object("job"), "jobId")?;
        Some((row.moment("timestamp")?, i64::try_from(id).ok()?))
    });
    ids.max_by_key(|(at, _)| *at).map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_job_that_changed_a_table_is_its_writer() {
        let columns = ["timestamp", "operation", "job"].map(str::to_owned);
        let row = |at: &str, operation: &str, job: &str| {
            [at, operation, job].map(|text| Some(text.to_owned())).to_vec()
        };
        let history = |rows| ResultRows::new(columns.to_vec(), rows);
        let since = "2026-11-01T00:00:00Z".parse().expect("a time");
        let commits = vec![
            row("2026-11-20T00:00:00Z", "OPTIMIZE", r#"{"jobId":"9"}"#),
            row("2026-11-10T00:00:00Z", "WRITE", r#"{"jobId":"7"}"#),
            row("2026-11-12T00:00:00Z", "MERGE", r#"{"jobId":8}"#),
        ];
        assert_eq!(job_of(&history(commits), since), Some(8));
        let old = vec![row("2026-10-10T00:00:00Z", "WRITE", r#"{"jobId":"7"}"#)];
        assert_eq!(job_of(&history(old), since), None);
        let by_hand = vec![row("2026-11-10T00:00:00Z", "WRITE", "null")];
        assert_eq!(job_of(&history(by_hand), since), None);
    }
}
