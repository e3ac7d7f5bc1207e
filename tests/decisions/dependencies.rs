//! What tests run is what ships: no crate has other features in the one than in the other.
//!
//! A feature that only tests ask for would change what is tested (how `serde_json` reads a number is such a feature), and would have `cargo run` and `cargo test` compile most crates twice.

use std::collections::BTreeSet;
use std::process::Command;

/// Each crate as `edges` need it: its name, version and features.
fn crates(edges: &str) -> BTreeSet<String> {
    let told = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p} [{f}]"])
        .args(["--edges", edges])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout)
        .expect("text")
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect()
}

#[test]
fn tests_run_what_ships() {
    let ships = crates("normal,build");
    let tested = crates("normal,build,dev");
    let others: Vec<&String> = ships.difference(&tested).collect();
    assert!(
        others.is_empty(),
        "tests ask for more features of these: give them in [dependencies], too: {others:#?}"
    );
}
