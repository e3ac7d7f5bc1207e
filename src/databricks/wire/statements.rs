//! The SQL Statement Execution API and the SQL warehouses.

use serde::{Deserialize, Serialize};

use super::{lenient, or_default};
use crate::sentence::Sentence;
use crate::sql::Parameter;

/// `POST /api/2.0/sql/statements`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StatementRequest {
    /// The text.
    pub statement: String,
    /// Where it runs.
    pub warehouse_id: String,
    /// Values of its named markers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// `INLINE` or `EXTERNAL_LINKS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    /// `JSON_ARRAY` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// `0s`, or `5s` to `50s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_timeout: Option<String>,
    /// `CONTINUE` or `CANCEL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_wait_timeout: Option<String>,
    /// Shown in the query history.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query_tags: Vec<QueryTag>,
}

/// A tag of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueryTag {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The answer to a submission and to a poll.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct StatementResponse {
    /// The statement's id.
    pub statement_id: String,
    /// How it stands.
    pub status: StatementStatus,
    /// What its result looks like.
    pub manifest: Option<Manifest>,
    /// The first part of its result.
    pub result: Option<ResultChunk>,
}

/// How a statement stands.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct StatementStatus {
    /// Its state.
    pub state: StatementState,
    /// Why it failed.
    pub error: Option<ServiceError>,
    /// Five letters.
    pub sql_state: Option<String>,
}

/// The states of a statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StatementState {
    /// It waits, perhaps for its warehouse to start.
    Pending,
    /// It runs.
    Running,
    /// It is done.
    Succeeded,
    /// It failed.
    Failed,
    /// It was canceled.
    Canceled,
    /// It is done and its result is gone.
    Closed,
    /// A state this client does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Why a statement failed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ServiceError {
    /// `BAD_REQUEST` …
    pub error_code: String,
    /// Begins with the error class in brackets, most of the time.
    pub message: Sentence,
}

/// What a result looks like.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// `JSON_ARRAY` …
    pub format: String,
    /// Its columns.
    pub schema: ResultSchema,
    /// Rows in all.
    #[serde(deserialize_with = "lenient")]
    pub total_row_count: i64,
    /// Parts in all.
    #[serde(deserialize_with = "lenient")]
    pub total_chunk_count: i64,
    /// A limit cut it short.
    pub truncated: bool,
    /// Its parts.
    #[serde(deserialize_with = "or_default")]
    pub chunks: Vec<ChunkInfo>,
}

/// One part of a result, as the manifest lists it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ChunkInfo {
    /// Counts from 0.
    #[serde(deserialize_with = "lenient")]
    pub chunk_index: i64,
    /// Rows before it.
    #[serde(deserialize_with = "lenient")]
    pub row_offset: i64,
    /// Its rows.
    #[serde(deserialize_with = "lenient")]
    pub row_count: i64,
}

/// The columns of a result.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ResultSchema {
    /// How many.
    #[serde(deserialize_with = "lenient")]
    pub column_count: i64,
    /// Each of them; absent where there are none.
    #[serde(deserialize_with = "or_default")]
    pub columns: Vec<ResultColumn>,
}

/// One column of a result.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// Its place, from 0.
    #[serde(deserialize_with = "lenient")]
    pub position: i64,
    /// `LONG` …, an open set.
    pub type_name: String,
    /// The type as SQL writes it.
    pub type_text: String,
}

/// A part of a result: every value is text or null.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ResultChunk {
    /// Counts from 0.
    #[serde(deserialize_with = "lenient")]
    pub chunk_index: i64,
    /// Rows before it.
    #[serde(deserialize_with = "lenient")]
    pub row_offset: i64,
    /// Its rows.
    #[serde(deserialize_with = "lenient")]
    pub row_count: i64,
    /// The rows; absent where there are none.
    #[serde(deserialize_with = "or_default")]
    pub data_array: Vec<Vec<Option<String>>>,
    /// Where the rows are, of a result that is not inline.
    #[serde(deserialize_with = "or_default")]
    pub external_links: Vec<ExternalLink>,
    /// The next part; absent on the last.
    pub next_chunk_index: Option<i64>,
    /// Its path.
    pub next_chunk_internal_link: Option<String>,
}

/// A signed address of a part of a result. It is a secret for as long as it lives.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ExternalLink {
    /// The part.
    #[serde(deserialize_with = "lenient")]
    pub chunk_index: i64,
    /// The address.
    pub external_link: String,
    /// The next part; absent on the last.
    pub next_chunk_index: Option<i64>,
    /// Headers to send with it.
    #[serde(deserialize_with = "or_default")]
    pub http_headers: std::collections::BTreeMap<String, String>,
}

impl std::fmt::Debug for ExternalLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalLink")
            .field("chunk_index", &self.chunk_index)
            .finish_non_exhaustive()
    }
}

/// `GET /api/2.0/sql/warehouses`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Warehouses {
    /// One page of them.
    #[serde(deserialize_with = "or_default")]
    pub warehouses: Vec<Warehouse>,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// One SQL warehouse.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Warehouse {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `RUNNING`, `STOPPED` …
    pub state: String,
    /// `PRO`, `CLASSIC` …
    pub warehouse_type: Option<String>,
    /// Queries it runs for now.
    #[serde(deserialize_with = "lenient")]
    pub num_active_sessions: i64,
    /// It runs on serverless compute.
    pub enable_serverless_compute: bool,
}

/// `GET /api/2.0/sql/history/queries`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct QueryHistory {
    /// One page of the caller's statements.
    #[serde(deserialize_with = "or_default")]
    pub res: Vec<QueryInfo>,
    /// The next page.
    pub next_page_token: Option<String>,
}

/// One statement of the history.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct QueryInfo {
    /// The statement's id.
    pub query_id: String,
    /// Its text.
    pub query_text: String,
    /// `QUEUED`, `RUNNING`, `FINISHED` …
    pub status: String,
}
