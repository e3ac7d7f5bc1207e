//! Results of statements, read to the last chunk, inline or from signed addresses.

use super::client::Client;
use super::refusal::Refusal;
use super::rows::ResultRows;
use super::wire::{ResultChunk, StatementResponse};
use crate::limits::{Limit, RESULT, RESULT_PARTS};
use crate::region::RegionErrorKind;

/// A statement that succeeded.
#[derive(Debug, Clone, Default)]
pub(super) struct Finished {
    pub(super) id: String,
    /// Names of columns with their types as SQL writes them.
    pub(super) columns: Vec<(String, String)>,
    pub(super) rows: ResultRows,
}

/// Reads the whole result: `GET /api/2.0/sql/statements/{id}/result/chunks/{n}` until there is no next.
pub(super) async fn read(client: &Client, ended: StatementResponse) -> Result<Finished, Refusal> {
    let StatementResponse { statement_id: id, manifest, result, .. } = ended;
    let other = |text: String| of_statement(&id, Refusal::new(RegionErrorKind::Other, text));
    let manifest = manifest.unwrap_or_default();
    if manifest.truncated {
        return Err(other("its result was cut short".to_owned()));
    }
    let described = manifest.schema.columns.into_iter();
    let described: Vec<(String, String)> =
        described.map(|column| (column.name, column.type_text)).collect();
    let columns = described.iter().map(|(name, _)| name.clone()).collect();
    let mut rows = Vec::new();
    let mut bytes = 0;
    let mut chunk = result.unwrap_or_default();
    let mut last = 0;
    loop {
        let next = take(client, &id, chunk, &mut rows, &mut bytes).await?;
        let Some(next) = next else { break };
        // Parts are numbered from 0, each is followed by a later one, and there are no more than promised.
        let promised = manifest.total_chunk_count.clamp(1, RESULT_PARTS.most as i64);
        if next <= last || next > promised {
            return Err(other("its result has no end".to_owned()));
        }
        last = next;
        let number = next.to_string();
        let path = ["api", "2.0", "sql", "statements", &id, "result", "chunks", &number];
        chunk = client.get(&path, &[]).await?;
    }
    if manifest.total_row_count > 0 && rows.len() as i64 != manifest.total_row_count {
        let text = format!("its result has {} rows of {}", rows.len(), manifest.total_row_count);
        return Err(other(text).transient());
    }
    Ok(Finished { id, columns: described, rows: ResultRows::new(columns, rows) })
}

/// Takes a chunk's rows, wherever they are, and gives the number of the next.
async fn take(
    client: &Client,
    id: &str,
    chunk: ResultChunk,
    rows: &mut Vec<Vec<Option<String>>>,
    bytes: &mut usize,
) -> Result<Option<i64>, Refusal> {
    let within = |limit: &'static Limit, found: usize| {
        let allowed = limit.allow(found as u64);
        allowed.map_err(|exceeded| {
            let text = format!("its result is not read: {exceeded}");
            of_statement(id, Refusal::new(RegionErrorKind::Other, text))
        })
    };
    within(&RESULT_PARTS, chunk.external_links.len())?;
    *bytes += size(&chunk.data_array);
    rows.extend(chunk.data_array);
    let mut next = chunk.next_chunk_index;
    for link in chunk.external_links {
        let part = client.get_signed(&link.external_link, &link.http_headers);
        let part = part.await.map_err(|refusal| of_statement(id, refusal))?;
        *bytes += size(&part);
        within(&RESULT, *bytes)?;
        rows.extend(part);
        next = link.next_chunk_index;
    }
    within(&RESULT, *bytes)?;
    Ok(next)
}

/// What rows take, each value with its place in memory.
fn size(rows: &[Vec<Option<String>>]) -> usize {
    let values = rows.iter().flatten();
    values.map(|value| size_of::<Option<String>>() + value.as_ref().map_or(0, String::len)).sum()
}

pub(super) fn of_statement(id: &str, refusal: Refusal) -> Refusal {
    Refusal { statement_id: Some(id.into()), ..refusal }
}
