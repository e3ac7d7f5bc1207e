//! The rows of `sync_metadata` in a lakehouse as they are written: on top of those that a process knows, and read only where it does not.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_select::interleave::interleave_record_batch;

use super::columns::sync_metadata;
use super::columns_of_others::{beside, others_in};
use super::{
    ALL_SHELVES, ATTEMPTS, Content, LogEnd, crowded, existing, may_commit_again, pause, table,
    to_batch,
};
use crate::lakehouse::LakehouseLocation;
use crate::lakehouse::delta::{self, DeltaError, Expect};
use crate::lakehouse::refusal::refusal;
use crate::ledger::{Row, SYNC_METADATA, newer_row};
use crate::region::RegionError;

const DOING: &str = "write sync_metadata";

/// What a process knows of the rows of all groups.
#[derive(Debug)]
pub(in crate::lakehouse) struct KnownRows {
    end: LogEnd,
    rows: BTreeMap<String, Row>,
    /// The same rows in the same order, as they are written: what others gave the table is beside them.
    batch: RecordBatch,
    /// A group has two rows, which only somebody else can have made: they become one.
    has_twins: bool,
}

impl KnownRows {
    async fn read(location: &LakehouseLocation) -> Result<KnownRows, RegionError> {
        let Content { version, rows: read, others, .. } =
            existing::<Row>(location, SYNC_METADATA, ALL_SHELVES).await?;
        let (end, all) = (LogEnd::look(location, SYNC_METADATA, version).await, read.len());
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        let mut places: BTreeMap<String, u32> = BTreeMap::new();
        for (place, row) in (0..).zip(read) {
            let before = rows.remove(&row.group_name);
            let one = match before.clone() {
                Some(other) => newer_row(other, row),
                None => row,
            };
            if before.as_ref() != Some(&one) {
                places.insert(one.group_name.clone(), place);
            }
            rows.insert(one.group_name.clone(), one);
        }
        let places = places.into_values().collect();
        let batch = batch_of(&rows).and_then(|ours| beside(ours, &others, &places));
        let batch = batch.map_err(|error| refusal(DOING, &error))?;
        Ok(KnownRows { end, batch, has_twins: rows.len() < all, rows })
    }

    fn has(&self, rows: &[Row]) -> bool {
        !self.has_twins && rows.iter().all(|row| self.rows.get(&row.group_name) == Some(row))
    }

    /// Puts rows in their places; those of other groups are not made anew.
    fn take_in(&mut self, rows: &[Row]) -> Result<(), DeltaError> {
        let named = |row: &Row| (row.group_name.clone(), row.clone());
        let new: BTreeMap<String, Row> = rows.iter().map(named).collect();
        let known: BTreeMap<&String, u32> = self.rows.keys().zip(0..).collect();
        let known = new.keys().map(|name| known.get(name).copied()).collect();
        let new_batch = beside(batch_of(&new)?, &others_in(&self.batch)?, &known)?;
        let mut places: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (from, names) in [self.rows.keys(), new.keys()].into_iter().enumerate() {
            places.extend(names.enumerate().map(|(at, name)| (name.as_str(), (from, at))));
        }
        let places: Vec<(usize, usize)> = places.into_values().collect();
        self.batch = interleave_record_batch(&[&self.batch, &new_batch], &places)
            .map_err(|error| DeltaError::corrupt("the rows to write", error))?;
        self.rows.extend(new);
        Ok(())
    }
}

fn batch_of(rows: &BTreeMap<String, Row>) -> Result<RecordBatch, DeltaError> {
    to_batch(sync_metadata(), &rows.values().collect::<Vec<_>>())
}

/// Writes rows by group name, inserting those that are new; returns the table's version after it.
pub(in crate::lakehouse) async fn write_rows(
    location: &LakehouseLocation,
    known: &mut Option<KnownRows>,
    rows: &[Row],
) -> Result<u64, RegionError> {
    let store = table(location, SYNC_METADATA);
    for attempt in 0..ATTEMPTS {
        let mut content = match known.take() {
            Some(content) if content.end.stands(location).await => content,
            Some(_) | None => KnownRows::read(location).await?,
        };
        let version = content.end.version;
        if content.has(rows) {
            *known = Some(content);
            return Ok(version);
        }
        content.take_in(rows).map_err(|error| refusal(DOING, &error))?;
        let author = location.identity.author();
        let now_ms = author.now_ms;
        let batch = content.batch.clone();
        match delta::overwrite(&store, batch, Expect::Version(version), author).await {
            Ok(version) => {
                let end = LogEnd::look(location, SYNC_METADATA, version).await;
                *known = Some(KnownRows { end, has_twins: false, ..content });
                // The rows are written; what is past its retention goes with a later write just as well.
                let _ = delta::clean(&store, version, now_ms).await;
                return Ok(version);
            }
            Err(error) if may_commit_again(&error, attempt) => pause(attempt).await,
            Err(error) => return Err(refusal(DOING, &error)),
        }
    }
    Err(crowded(DOING.to_owned()))
}
