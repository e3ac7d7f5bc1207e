//! A result as the service cuts and spells it.

use arrow_ipc::writer::StreamWriter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::lakehouse::write;
use crate::sandbox::http::Refusal;
use crate::sandbox::sql::{Column, Datum, Kind, Rows, SqlError, arrow_schema, row_object};

/// How its result is wanted.
#[derive(Debug, Clone)]
pub(super) struct Shape {
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
pub(super) struct Outcome {
    pub(super) rows: Rows,
    /// There were more rows.
    truncated: bool,
    /// The answer says where the rows are, and has none itself.
    linked: bool,
}

impl Outcome {
    /// Keeps the first rows: as many as were asked for, and of those the ones that fit as a whole.
    pub(super) fn cut(shape: &Shape, mut rows: Rows) -> Outcome {
        let all = rows.rows.len();
        rows.rows.truncate(shape.row_limit);
        let mut left = shape.byte_limit;
        let fitting = rows.rows.iter().take_while(|row| {
            let rest = left.checked_sub(bytes(shape, row));
            left = rest.unwrap_or(0);
            rest.is_some()
        });
        let kept = fitting.count();
        rows.rows.truncate(kept);
        let linked = match shape.disposition {
            Disposition::Inline => false,
            Disposition::Links => true,
            Disposition::InlineOrLinks => !fits_inline(shape, &rows),
        };
        Outcome { rows, truncated: kept < all, linked }
    }
}

fn fits_inline(shape: &Shape, rows: &Rows) -> bool {
    rows.rows.iter().map(|row| bytes(shape, row)).sum::<usize>() <= shape.inline_bytes
}

/// How long a row is in JSON, about.
fn bytes(shape: &Shape, row: &[Datum]) -> usize {
    let length = |value: &Datum| value.wire(shape.zone).map_or(4, |text| text.len() + 3);
    row.iter().map(length).sum()
}

fn chunks(shape: &Shape, rows: &Rows) -> usize {
    rows.rows.len().div_ceil(shape.chunk_rows).max(1)
}

fn range(shape: &Shape, rows: &Rows, index: usize) -> std::ops::Range<usize> {
    let from = index * shape.chunk_rows;
    from..(from + shape.chunk_rows).min(rows.rows.len()).max(from)
}

/// A result that is not to be given inline.
pub(super) fn too_large(shape: &Shape, outcome: &Outcome) -> Option<SqlError> {
    let inline = !outcome.linked;
    (inline && !fits_inline(shape, &outcome.rows)).then(|| SqlError {
        code: "BAD_REQUEST",
        message: format!(
            "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size of at most {} bytes. Please execute the statement with disposition=EXTERNAL_LINKS if you want to download the full result.",
            shape.inline_bytes
        ),
        state: None,
    })
}

pub(super) fn manifest(shape: &Shape, outcome: &Outcome) -> Value {
    let Outcome { rows, truncated, linked: _ } = outcome;
    let format = if shape.arrow { "ARROW_STREAM" } else { "JSON_ARRAY" };
    if rows.columns.is_empty() {
        return json!({
            "format": format, "schema": {"column_count": 0},
            "total_chunk_count": 0, "total_row_count": 0, "total_byte_count": 0, "truncated": false,
        });
    }
    let column = |(position, column): (usize, &Column)| {
        let mut shown = json!({
            "name": column.name, "type_text": column.kind.sql(), "type_name": column.kind.type_name(), "position": position,
        });
        if let Kind::Decimal(precision, scale) = column.kind {
            shown["type_precision"] = precision.into();
            shown["type_scale"] = scale.into();
        }
        shown
    };
    let columns: Vec<Value> = rows.columns.iter().enumerate().map(column).collect();
    let total = rows.rows.len();
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
    shape: &Shape,
    outcome: &Outcome,
    index: usize,
) -> Result<Value, Refusal> {
    let rows = &outcome.rows;
    if index >= chunks(shape, rows) {
        return Err(Refusal::bad(format!("The chunk index {index} is out of range.")));
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
        chunk["data_array"] = texts(shape, &rows.rows[range]);
    }
    Ok(chunk)
}

fn texts(shape: &Shape, rows: &[Vec<Datum>]) -> Value {
    let row = |row: &Vec<Datum>| {
        row.iter().map(|value| Value::from(value.wire(shape.zone))).collect::<Value>()
    };
    rows.iter().map(row).collect()
}

/// What an external link points to.
pub(super) fn content(shape: &Shape, rows: &Rows, index: usize) -> Result<Vec<u8>, Refusal> {
    let part = &rows.rows[range(shape, rows, index.min(chunks(shape, rows) - 1))];
    if !shape.arrow {
        return serde_json::to_vec(&texts(shape, part)).map_err(Refusal::internal);
    }
    let columns: Vec<(String, Kind)> =
        rows.columns.iter().map(|column| (column.name.clone(), column.kind.clone())).collect();
    let objects: Vec<Value> = part.iter().map(|row| row_object(&columns, row)).collect();
    let batch = write::rows(&arrow_schema(&columns), &objects).map_err(Refusal::internal)?;
    let mut writer =
        StreamWriter::try_new(Vec::new(), &batch.schema()).map_err(Refusal::internal)?;
    writer.write(&batch).map_err(Refusal::internal)?;
    writer.into_inner().map_err(Refusal::internal)
}
