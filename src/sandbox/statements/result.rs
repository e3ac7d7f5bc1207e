//! A result as the service cuts and spells it.

use arrow_ipc::writer::StreamWriter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::sandbox::http::HttpRefusal;
use crate::sandbox::sql::kind::{self, Kind};
use crate::sandbox::sql::{Column, Rows, SqlError, wire};

/// How its result is wanted.
#[derive(Debug, Clone)]
pub(super) struct ResultShape {
    pub(super) disposition: Disposition,
    pub(super) arrow: bool,
    pub(super) row_limit: usize,
    pub(super) byte_limit: usize,
    pub(super) chunk_rows: usize,
    pub(super) inline_bytes: usize,
    pub(super) zone: chrono_tz::Tz,
}

/// Whether rows come in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disposition {
    /// Always: a longer result fails.
    Inline,
    /// Never: the answer says where they are.
    Links,
    /// Where they are few enough.
    InlineOrLinks,
}

/// What a statement came to, within the limits that were set for it.
#[derive(Debug)]
pub(super) struct StatementOutcome {
    pub(super) rows: Rows,
    /// There were more rows.
    truncated: bool,
    /// The answer says where the rows are, and has none itself.
    linked: bool,
    /// They are few enough for an answer.
    fits_inline: bool,
}

impl StatementOutcome {
    /// Keeps the first rows: as many as were asked for, and of those the ones that fit as a whole.
    pub(super) fn cut(shape: &ResultShape, rows: Rows) -> Result<StatementOutcome, SqlError> {
        let (mut kept, mut inline) = (0, 0);
        for bytes in bytes(shape, &rows).into_iter().take(shape.row_limit) {
            if inline + bytes > shape.byte_limit {
                break;
            }
            (kept, inline) = (kept + 1, inline + bytes);
        }
        let fits_inline = inline <= shape.inline_bytes;
        let linked = match shape.disposition {
            Disposition::Inline => false,
            Disposition::Links => true,
            Disposition::InlineOrLinks => !fits_inline,
        };
        let truncated = kept < rows.count;
        let rows = if truncated { rows.range(0..kept)? } else { rows };
        Ok(StatementOutcome { rows, truncated, linked, fits_inline })
    }
}

/// How long each row is in JSON, about.
fn bytes(shape: &ResultShape, rows: &Rows) -> Vec<usize> {
    let mut bytes = vec![0; rows.count];
    for column in &rows.columns {
        for (bytes, text) in bytes.iter_mut().zip(wire(&column.values, shape.zone)) {
            *bytes += text.map_or(4, |text| text.len() + 3);
        }
    }
    bytes
}

fn chunks(shape: &ResultShape, rows: &Rows) -> usize {
    rows.count.div_ceil(shape.chunk_rows).max(1)
}

fn range(shape: &ResultShape, rows: &Rows, index: usize) -> std::ops::Range<usize> {
    let from = index * shape.chunk_rows;
    from..(from + shape.chunk_rows).min(rows.count).max(from)
}

/// A result that is not to be given inline.
pub(super) fn too_large(shape: &ResultShape, outcome: &StatementOutcome) -> Option<SqlError> {
    let inline = !outcome.linked;
    (inline && !outcome.fits_inline).then(|| SqlError {
        code: "BAD_REQUEST",
        message: format!(
            "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size of at most {} bytes. Please execute the statement with disposition=EXTERNAL_LINKS if you want to download the full result.",
            shape.inline_bytes
        ),
        state: None,
    })
}

pub(super) fn manifest(shape: &ResultShape, outcome: &StatementOutcome) -> Value {
    let StatementOutcome { rows, truncated, .. } = outcome;
    let format = if shape.arrow { "ARROW_STREAM" } else { "JSON_ARRAY" };
    if rows.columns.is_empty() {
        return json!({
            "format": format, "schema": {"column_count": 0},
            "total_chunk_count": 0, "total_row_count": 0, "total_byte_count": 0, "truncated": false,
        });
    }
    let column = |(position, column): (usize, &Column)| {
        let mut shown = json!({
            "name": column.name, "type_text": kind::sql(column.kind()), "type_name": kind::type_name(column.kind()), "position": position,
        });
        if let Kind::Decimal128(precision, scale) = *column.kind() {
            shown["type_precision"] = precision.into();
            shown["type_scale"] = scale.into();
        }
        shown
    };
    let columns: Vec<Value> = rows.columns.iter().enumerate().map(column).collect();
    let total = rows.count;
    let mut manifest = json!({
        "format": format,
        "schema": {"column_count": columns.len(), "columns": columns},
        "total_row_count": total,
        "truncated": truncated,
    });
    if total > 0 {
        let parts: Vec<Value> = (0..chunks(shape, rows))
            .map(|index| {
                let range = range(shape, rows, index);
                json!({"chunk_index": index, "row_offset": range.start, "row_count": range.len()})
            })
            .collect();
        manifest["total_chunk_count"] = parts.len().into();
        manifest["chunks"] = parts.into();
    }
    manifest
}

/// One part of a result; of an empty one it says nothing but that.
pub(super) fn chunk(
    url: &str,
    id: &str,
    shape: &ResultShape,
    outcome: &StatementOutcome,
    index: usize,
) -> Result<Value, HttpRefusal> {
    let rows = &outcome.rows;
    if index >= chunks(shape, rows) {
        return Err(HttpRefusal::bad(format!("The chunk index {index} is out of range.")));
    }
    let range = range(shape, rows, index);
    if range.is_empty() {
        return Ok(json!({}));
    }
    let next = index + 1;
    let mut chunk =
        json!({"chunk_index": index, "row_offset": range.start, "row_count": range.len()});
    if next < chunks(shape, rows) {
        chunk["next_chunk_index"] = next.into();
        chunk["next_chunk_internal_link"] =
            format!("/api/2.0/sql/statements/{id}/result/chunks/{next}?row_offset={}", range.end)
                .into();
    }
    if outcome.linked {
        let until = Utc::now() + chrono::Duration::minutes(15);
        let mut link = chunk;
        link["byte_count"] = content(shape, rows, index)?.len().into();
        link["external_link"] = format!("{url}/results/{id}/{index}").into();
        link["expiration"] = until.to_rfc3339_opts(SecondsFormat::Millis, true).into();
        return Ok(json!({"external_links": [link]}));
    }
    if shape.arrow {
        chunk["attachment"] = BASE64.encode(content(shape, rows, index)?).into();
    } else {
        chunk["data_array"] = texts(shape, &part(rows, range)?);
    }
    Ok(chunk)
}

fn part(rows: &Rows, range: std::ops::Range<usize>) -> Result<Rows, HttpRefusal> {
    rows.range(range).map_err(|error| HttpRefusal::internal(error.message))
}

fn texts(shape: &ResultShape, rows: &Rows) -> Value {
    let columns = rows.columns.iter().map(|column| wire(&column.values, shape.zone));
    let mut columns: Vec<_> = columns.map(Vec::into_iter).collect();
    let mut row = || -> Value { columns.iter_mut().map(|it| it.next().flatten()).collect() };
    (0..rows.count).map(|_| row()).collect()
}

/// What an external link points to.
pub(super) fn content(
    shape: &ResultShape,
    rows: &Rows,
    index: usize,
) -> Result<Vec<u8>, HttpRefusal> {
    let part = part(rows, range(shape, rows, index.min(chunks(shape, rows) - 1)))?;
    if !shape.arrow {
        return serde_json::to_vec(&texts(shape, &part)).map_err(HttpRefusal::internal);
    }
    let batch = part.batch().map_err(|error| HttpRefusal::internal(error.message))?;
    let mut writer =
        StreamWriter::try_new(Vec::new(), &batch.schema()).map_err(HttpRefusal::internal)?;
    writer.write(&batch).map_err(HttpRefusal::internal)?;
    writer.into_inner().map_err(HttpRefusal::internal)
}
