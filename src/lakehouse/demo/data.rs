//! What happened in the demo's tables: commits with times, rows that are always the same.

use arrow_array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::super::delta::DeltaError;
use super::super::write::{WritableTable, columns, rows};

/// The tables of the east.
pub(super) const TABLES: [&str; 8] = [
    "main.shop.orders",
    "main.shop.order_lines",
    "main.shop.daily_totals",
    "main.ref.countries",
    "main.ref.currencies",
    "main.crm.accounts",
    "main.crm.contacts",
    "main.crm.interactions",
];

const ORDERS: &[(&str, &str)] = &[
    ("order_id", "bigint"),
    ("customer", "string"),
    ("amount", "double"),
    ("status", "string"),
    ("reference", "string"),
];
const ORDER_LINES: &[(&str, &str)] =
    &[("order_id", "bigint"), ("line", "int"), ("article", "string"), ("quantity", "int")];
const DAILY_TOTALS: &[(&str, &str)] =
    &[("day", "bigint"), ("region", "string"), ("orders", "bigint"), ("amount", "double")];
const NAMED: &[(&str, &str)] = &[("id", "bigint"), ("name", "string"), ("note", "string")];

/// Rows of `orders` that one run writes.
const ORDERS_A_RUN: u64 = 2_600;
/// Rows of `order_lines` that one run writes.
const LINES_A_RUN: u64 = 4_200;

/// Minutes of a day.
const DAY: i64 = 24 * 60;

type Result = std::result::Result<(), DeltaError>;

/// All that has happened up to now; the tables are written at once, because each waits for the disk.
pub(super) async fn history(table: &impl Fn(&str) -> WritableTable, now: DateTime<Utc>) -> Result {
    tokio::try_join!(
        orders(table("main.shop.orders"), now),
        order_lines(table("main.shop.order_lines"), now),
        daily_totals(table("main.shop.daily_totals"), now),
        reference(table("main.ref.countries"), "country", 249, now),
        reference(table("main.ref.currencies"), "currency", 180, now),
        crm(table("main.crm.accounts"), "account", 900, now),
        crm(table("main.crm.contacts"), "contact", 1_200, now),
        crm(table("main.crm.interactions"), "interaction", 1_500, now),
    )?;
    Ok(())
}

async fn orders(table: WritableTable, now: DateTime<Utc>) -> Result {
    let at = |minutes| table.when(ago(now, minutes));
    at(20 * DAY).create(columns(ORDERS)?, &[], &[]).await?;
    for (run, days) in [(0, 5), (1, 4), (2, 3), (3, 2)] {
        at(days * DAY).insert(&order_rows(run)?).await?;
    }
    at(25 * 60 + 10).delete(|row| row["order_id"] == 7).await?;
    at(85).insert(&order_rows(4)?).await?;
    // Run 89 has begun: what it has written so far is only half the truth.
    at(50).insert(&order_rows(5)?).await?;
    at(35).update(paid).await?;
    Ok(())
}

async fn order_lines(table: WritableTable, now: DateTime<Utc>) -> Result {
    let at = |minutes| table.when(ago(now, minutes));
    at(20 * DAY).create(columns(ORDER_LINES)?, &[], &[]).await?;
    for (run, minutes) in [(0, 5 * DAY), (1, 4 * DAY), (2, 2 * DAY), (3, 84), (4, 45)] {
        at(minutes).insert(&line_rows(run)?).await?;
    }
    Ok(())
}

async fn daily_totals(table: WritableTable, now: DateTime<Utc>) -> Result {
    let at = |minutes| table.when(ago(now, minutes));
    at(20 * DAY).create(columns(DAILY_TOTALS)?, &["region"], &[]).await?;
    at(3 * DAY).insert(&total_rows(0)?).await?;
    at(2 * DAY).insert(&total_rows(1)?).await?;
    at(DAY + 40).optimize().await?;
    at(82).insert(&total_rows(2)?).await?;
    Ok(())
}

async fn reference(table: WritableTable, what: &str, count: u64, now: DateTime<Utc>) -> Result {
    let at = |minutes| table.when(ago(now, minutes));
    at(18 * DAY).create(columns(NAMED)?, &[], &[]).await?;
    at(18 * DAY - 1).insert(&named_rows(what, count)?).await?;
    at(5 * 60).update(|row| revise(row, 3)).await?;
    Ok(())
}

async fn crm(table: WritableTable, what: &str, count: u64, now: DateTime<Utc>) -> Result {
    let at = |minutes| table.when(ago(now, minutes));
    at(12 * DAY).create(columns(NAMED)?, &[], &[]).await?;
    at(6 * 60 - 2).insert(&named_rows(what, count)?).await?;
    Ok(())
}

fn ago(now: DateTime<Utc>, minutes: i64) -> DateTime<Utc> {
    now - TimeDelta::minutes(minutes)
}

/// The rest of what run 89 writes.
pub(super) async fn run_89(table: &impl Fn(&str) -> WritableTable, now: DateTime<Utc>) -> Result {
    let ago = |millis: i64| now - TimeDelta::milliseconds(millis);
    table("main.shop.orders").when(ago(300)).insert(&order_rows(6)?).await?;
    table("main.shop.order_lines").when(ago(200)).insert(&line_rows(5)?).await?;
    Ok(())
}

fn paid(row: &mut Value) -> bool {
    let open = row["status"] == "open" && row["order_id"].as_u64().is_some_and(|id| id < 200);
    if open {
        row["status"] = "paid".into();
    }
    open
}

fn revise(row: &mut Value, id: u64) -> bool {
    let this = row["id"] == id;
    if this {
        row["note"] = "revised".into();
    }
    this
}

fn order_rows(run: u64) -> std::result::Result<RecordBatch, DeltaError> {
    let row = |n: u64| {
        let chance = chance(run * ORDERS_A_RUN + n);
        json!({
            "order_id": run * ORDERS_A_RUN + n,
            "customer": format!("customer-{:05}", chance % 9_000),
            "amount": (chance % 50_000) as f64 / 100.0,
            "status": if chance.is_multiple_of(3) { "open" } else { "paid" },
            "reference": format!("{chance:016x}{:016x}", self::chance(chance)),
        })
    };
    rows(&columns(ORDERS)?, &(0..ORDERS_A_RUN).map(row).collect::<Vec<_>>())
}

fn line_rows(run: u64) -> std::result::Result<RecordBatch, DeltaError> {
    let row = |n: u64| {
        let chance = chance(run * LINES_A_RUN + n);
        json!({
            "order_id": run * ORDERS_A_RUN + n / 2,
            "line": n % 2 + 1,
            "article": format!("article-{chance:012x}"),
            "quantity": chance % 12 + 1,
        })
    };
    rows(&columns(ORDER_LINES)?, &(0..LINES_A_RUN).map(row).collect::<Vec<_>>())
}

fn total_rows(run: u64) -> std::result::Result<RecordBatch, DeltaError> {
    let row = |n: u64| {
        let region = if n.is_multiple_of(2) { "north" } else { "south" };
        let chance = chance(run * 1_000 + n);
        json!({"day": run * 400 + n / 2, "region": region, "orders": chance % 900, "amount": (chance % 9_000_000) as f64 / 100.0})
    };
    rows(&columns(DAILY_TOTALS)?, &(0..800).map(row).collect::<Vec<_>>())
}

fn named_rows(what: &str, count: u64) -> std::result::Result<RecordBatch, DeltaError> {
    let row = |n: u64| json!({"id": n, "name": format!("{what} {n}"), "note": format!("{:016x}", chance(n))});
    rows(&columns(NAMED)?, &(0..count).map(row).collect::<Vec<_>>())
}

/// A number that looks like chance and is always the same (SplitMix64).
fn chance(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
