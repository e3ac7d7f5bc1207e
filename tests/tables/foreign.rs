//! Files and answers of strangers, damaged and hostile: each is read, or refused by its name, and nothing else happens.
//!
//! A corpus with a file of each format is built by the project's own code and changed by a seeded mutator. No change may bring
//! about a panic, an abort, a hang, or the use of more memory than a bound. `DRSYNC_FOREIGN_SECONDS` is how long each kind is
//! tried (2 without it), `DRSYNC_FOREIGN_FIRST` the first seed:
//! `DRSYNC_FOREIGN_SECONDS=3600 cargo test --release --test tables foreign -- --nocapture` is the long run.

mod between;
mod bounded;
mod corpus;
mod mutate;
mod program;
mod services;
mod tables;

use std::path::Path;
use std::time::Duration;

const SECONDS: &str = "DRSYNC_FOREIGN_SECONDS";
const FIRST: &str = "DRSYNC_FOREIGN_FIRST";
/// How long one trial may take, on a machine that has other work too.
const LONGEST_TRIAL: Duration = Duration::from_secs(60);

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// How long each kind of trial is made.
fn seconds() -> Duration {
    Duration::from_secs(number(SECONDS).unwrap_or(2))
}

/// Keeps an input that did harm, with the text beside it that says of what; says where.
fn keep_for_repair(input: &Path) -> String {
    let about = input.with_extension("txt");
    let said = std::fs::read_to_string(about).unwrap_or_default();
    let kept = std::env::temp_dir().join(format!("drsync-foreign-{}", std::process::id()));
    match std::fs::copy(input, &kept) {
        Ok(_) => format!("{said}; the input is kept as {}", kept.display()),
        Err(_) => said,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_a_changed_file_is_read_or_refused() {
    tables::try_in_a_bounded_process("a_table_with_a_changed_file_is_read_or_refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_changed_answers_is_understood_or_refused() {
    services::try_in_a_bounded_process("a_service_with_changed_answers_is_understood_or_refused")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_reads_or_refuses_every_changed_file() {
    program::try_every_format().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_survives_every_change_of_what_was_told() {
    program::try_what_was_told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_table_blocks_its_group_and_no_other() {
    program::try_tables_of_one_group().await;
}
