//! What happened in the demo's tables: commits with times, rows that are always the same.

use arrow_array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::super::delta::DeltaError;
use super::super::write::{Table, columns, rows};

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
const ORDER_LINES: &[(&str, &str)] = &[
    ("order_id", "bigint"),
    ("line", "int"),
    ("article", "string"),
    ("quantity", "int"),
];
const DAILY_TOTALS: &[(&str, &str)] = &[
    ("day", "bigint"),
    ("region", "string"),
    ("orders", "bigint"),
    ("amount", "double"),
];
const NAMED: &[(&str, &str)] = &[("id", "bigint"), ("name", "string"), ("note", "string")];

/// Rows of `orders` that one run writes.
const ORDERS_A_RUN: u64 = 2_600;
/// Rows of `order_lines` that one run writes.
const LINES_A_RUN: u64 = 4_200;

type Result = std::result::Result<(), DeltaError>;

/// All that has happened up to now.
pub(super) async fn history(table: &impl Fn(&str) -> Table, now: DateTime<Utc>) -> Result {
    let ago = |minutes: i64| now - TimeDelta::minutes(minutes);
    let day = 24 * 60;

    let orders = table("main.shop.orders");
    orders
        .when(ago(20 * day))
        .create(columns(ORDERS)?, &[], &[])
        .await?;
    for (run, minutes) in [5 * day, 4 * day, 3 * day, 2 * day].into_iter().enumerate() {
        orders
            .when(ago(minutes))
            .insert(&order_rows(run as u64)?)
            .await?;
    }
    orders
        .when(ago(25 * 60 + 10))
        .delete(|row| row["order_id"] == 7)
        .await?;
    orders.when(ago(85)).insert(&order_rows(4)?).await?;
    // Run 89 has begun: what it has written so far is only half the truth.
    orders.when(ago(50)).insert(&order_rows(5)?).await?;
    orders.when(ago(35)).update(paid).await?;

    let lines = table("main.shop.order_lines");
    lines
        .when(ago(20 * day))
        .create(columns(ORDER_LINES)?, &[], &[])
        .await?;
    for (run, minutes) in [5 * day, 4 * day, 2 * day, 84].into_iter().enumerate() {
        lines
            .when(ago(minutes))
            .insert(&line_rows(run as u64)?)
            .await?;
    }
    lines.when(ago(45)).insert(&line_rows(4)?).await?;

    let totals = table("main.shop.daily_totals");
    totals
        .when(ago(20 * day))
        .create(columns(DAILY_TOTALS)?, &["region"], &[])
        .await?;
    totals.when(ago(3 * day)).insert(&total_rows(0)?).await?;
    totals.when(ago(2 * day)).insert(&total_rows(1)?).await?;
    totals.when(ago(day + 40)).optimize().await?;
    totals.when(ago(82)).insert(&total_rows(2)?).await?;

    for (name, count) in [("main.ref.countries", 249), ("main.ref.currencies", 180)] {
        let reference = table(name);
        reference
            .when(ago(18 * day))
            .create(columns(NAMED)?, &[], &[])
            .await?;
        reference
            .when(ago(18 * day - 1))
            .insert(&named_rows(name, count)?)
            .await?;
        reference
            .when(ago(5 * 60))
            .update(|row| mark(row, 3))
            .await?;
    }
    for (name, count) in [
        ("main.crm.accounts", 900),
        ("main.crm.contacts", 1_200),
        ("main.crm.interactions", 1_500),
    ] {
        let crm = table(name);
        crm.when(ago(12 * day))
            .create(columns(NAMED)?, &[], &[])
            .await?;
        crm.when(ago(6 * 60 - 2))
            .insert(&named_rows(name, count)?)
            .await?;
    }
    Ok(())
}

/// The rest of what run 89 writes.
pub(super) async fn run_89(table: &impl Fn(&str) -> Table, now: DateTime<Utc>) -> Result {
    let ago = |millis: i64| now - TimeDelta::milliseconds(millis);
    table("main.shop.orders")
        .when(ago(300))
        .insert(&order_rows(6)?)
        .await?;
    table("main.shop.order_lines")
        .when(ago(200))
        .insert(&line_rows(5)?)
        .await?;
    Ok(())
}

fn paid(row: &mut Value) -> bool {
    let open = row["status"] == "open" && row["order_id"].as_u64().is_some_and(|id| id < 200);
    if open {
        row["status"] = "paid".into();
    }
    open
}

fn mark(row: &mut Value, id: u64) -> bool {
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
    rows(
        &columns(ORDERS)?,
        &(0..ORDERS_A_RUN).map(row).collect::<Vec<_>>(),
    )
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
    rows(
        &columns(ORDER_LINES)?,
        &(0..LINES_A_RUN).map(row).collect::<Vec<_>>(),
    )
}

fn total_rows(run: u64) -> std::result::Result<RecordBatch, DeltaError> {
    let row = |n: u64| {
        let region = if n.is_multiple_of(2) {
            "north"
        } else {
            "south"
        };
        let chance = chance(run * 1_000 + n);
        json!({"day": run * 400 + n / 2, "region": region, "orders": chance % 900, "amount": (chance % 9_000_000) as f64 / 100.0})
    };
    rows(
        &columns(DAILY_TOTALS)?,
        &(0..800).map(row).collect::<Vec<_>>(),
    )
}

fn named_rows(name: &str, count: u64) -> std::result::Result<RecordBatch, DeltaError> {
    let what = name.rsplit('.').next().unwrap_or(name);
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
