//! What a verification sees of a clone's files: their rows, their bounds and their deletion vectors.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow_array::{Int64Array, RecordBatch};

use super::*;

/// A data file with the numbers of a column `id`, under statistics of the caller's.
fn file(table: &Table, path: &str, ids: &[i64], statistics: Value) -> Value {
    let column: arrow_array::ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
    let rows = RecordBatch::try_from_iter([("id", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    let bytes = writer.into_inner().unwrap();
    fs::write(table.folder.join(path), &bytes).unwrap();
    let mut add = add(path, bytes.len());
    add["add"]["stats"] = statistics.to_string().into();
    add
}

fn bounds(records: usize, min: i64, max: i64) -> Value {
    json!({"numRecords": records, "minValues": {"id": min}, "maxValues": {"id": max}, "nullCount": {"id": 0}})
}

/// A source with one commit of some actions, and its clone.
fn cloned_of(actions: impl FnOnce(&Table) -> Vec<Value>) -> (World, Table, Table) {
    let world = World::new();
    let source = world.table("source");
    let head =
        [info("WRITE"), features(&["deletionVectors"], &["deletionVectors"]), metadata(json!({}))];
    let actions: Vec<Value> = head.into_iter().chain(actions(&source)).collect();
    source.commit(0, &actions);
    let replica = world.replica();
    deep_clone(&source.store, 0, &replica.store, &options(Expect::Absent)).unwrap();
    (world, source, replica)
}

fn found(source: &Table, replica: &Table) -> Vec<String> {
    let found = verify::verify(&source.store, 0, &replica.store, 0).unwrap();
    let differences = found.differences.iter();
    differences.map(CloneDifference::to_string).collect()
}

/// Changes what the replica's log says of its files.
fn edit(replica: &Table, change: impl Fn(&mut Value)) {
    let at = replica.folder.join(log::commit_path(0));
    let text = fs::read_to_string(&at).unwrap();
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.iter_mut().for_each(change);
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(at, lines.join("\n")).unwrap();
}

#[test]
fn a_clone_whose_rows_are_as_its_log_says_has_no_difference() {
    let (_world, source, replica) =
        cloned_of(|table| vec![file(table, "a", &[1, 2, 9], bounds(3, 1, 9))]);
    assert_eq!(found(&source, &replica), [""; 0]);
}

#[test]
fn a_bound_that_only_the_clone_says_and_that_is_false_is_found() {
    let (_world, source, replica) =
        cloned_of(|table| vec![file(table, "a", &[1, 2, 9], bounds(3, 1, 9))]);
    for (statistics, wrong) in [
        (bounds(3, 2, 9), "less than the least of its statistics, 2"),
        (bounds(3, 1, 8), "more than the greatest of its statistics, 8"),
    ] {
        edit(&replica, |line| {
            if let Some(add) = line.get_mut("add") {
                add["stats"] = statistics.to_string().into();
            }
        });
        let found = found(&source, &replica);
        assert!(
            found.contains(&format!("a of the replica has a value in id that is {wrong}")),
            "{found:?}"
        );
    }
}

#[test]
fn a_bound_that_is_false_in_the_sources_own_words_is_no_fault_of_the_clone() {
    let (_world, source, replica) =
        cloned_of(|table| vec![file(table, "a", &[1, 2, 9], bounds(3, 5, 6))]);
    assert_eq!(found(&source, &replica), [""; 0]);
}

#[test]
fn a_file_with_another_number_of_records_is_found() {
    let (_world, source, replica) =
        cloned_of(|table| vec![file(table, "a", &[1, 2, 9], bounds(4, 1, 9))]);
    assert_eq!(found(&source, &replica), ["a of the replica has 3 records where the log says 4"]);
}

#[test]
fn rows_that_a_deletion_vector_deletes_are_out_of_bounds_as_they_like_and_must_exist() {
    let masked = |rows: &[u64], statistics: Value| {
        let (_, mut descriptor) = vector(rows);
        let (content, _) = vector(rows);
        descriptor["storageType"] = "u".into();
        descriptor["pathOrInlineDv"] = path::vector_reference(uuid::Uuid::nil()).into();
        let name = format!("deletion_vector_{}.bin", uuid::Uuid::nil());
        cloned_of(|table| {
            fs::write(table.folder.join(name), content).unwrap();
            let mut add = file(table, "a", &[1, 2, 9], statistics);
            add["add"]["deletionVector"] = descriptor;
            vec![add]
        })
    };
    let (_world, source, replica) = masked(&[2], bounds(3, 1, 2));
    assert_eq!(found(&source, &replica), [""; 0]);
    let (_world, source, replica) = masked(&[5], bounds(3, 1, 9));
    assert_eq!(
        found(&source, &replica),
        ["a of the replica has 3 records, and its deletion vector deletes number 5"]
    );
}

#[test]
fn bytes_that_are_no_parquet_are_found() {
    let (_world, source, replica) =
        cloned_of(|table| vec![file(table, "a", &[1, 2, 9], bounds(3, 1, 9))]);
    let at = replica.folder.join("a");
    let length = fs::read(&at).unwrap().len();
    fs::write(&at, vec![0; length]).unwrap();
    let found = found(&source, &replica);
    assert!(
        found.len() == 1 && found[0].starts_with("a of the replica cannot be read"),
        "{found:?}"
    );
}
