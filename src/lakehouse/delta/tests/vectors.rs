//! Deletion vectors: what a clone does with them, and which it refuses.

use super::*;

#[test]
fn a_new_deletion_vector_copies_no_data() {
    let world = World::new();
    let source = world.table("source");
    source.commit(
        0,
        &[
            info("WRITE"),
            features(&["deletionVectors"], &["deletionVectors"]),
            metadata(json!({})),
            source.add("a", 10),
        ],
    );
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    let (content, descriptor) = super::vector(&[0, 9]);
    mask(&source, 1, &content, &descriptor);
    let done = cloned(&source, &replica, Expect::Version(0));
    assert_eq!(
        (done.copied_files, done.copied_bytes, done.removed_files, done.rows),
        (0, content.len() as u64, 1, Some(8))
    );
}

/// The file of deletion vectors that [`mask`] writes.
const VECTORS: &str = "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";

/// Deletes rows of `a` by a file of vectors.
fn mask(source: &Table, version: u64, content: &[u8], descriptor: &Value) {
    let mut masked = add("a", 10);
    let mut vector = descriptor.clone();
    vector["storageType"] = json!("u");
    vector["pathOrInlineDv"] = json!("ab^-aqEH.-t@S}K{vb[*k^");
    masked["add"]["deletionVector"] = vector;
    fs::create_dir_all(source.folder.join("ab")).unwrap();
    fs::write(source.folder.join(VECTORS), content).unwrap();
    source.commit(version, &[info("DELETE"), remove("a"), masked]);
}

/// A table with `a` and a deletion vector, and its replica.
fn masked() -> (World, Table, Table, Vec<u8>) {
    let world = World::new();
    let source = world.table("source");
    let a = source.add("a", 10);
    let header =
        [info("WRITE"), features(&["deletionVectors"], &["deletionVectors"]), metadata(json!({}))];
    source.commit(0, &[&header[..], &[a]].concat());
    let (content, descriptor) = super::vector(&[0, 9]);
    mask(&source, 1, &content, &descriptor);
    let replica = world.replica();
    cloned(&source, &replica, Expect::Absent);
    (world, source, replica, content)
}

#[test]
fn a_torn_deletion_vector_is_refused_by_name_and_the_good_one_stays() {
    let (_world, source, replica, good) = masked();
    source.commit(2, &[info("WRITE"), source.add("b", 3)]);
    let mut flipped = good.clone();
    flipped[12] ^= 1;
    let mut unversioned = good.clone();
    unversioned[0] = 2;
    let shorter = |length: usize| good[..length].to_vec();
    let broken = [
        vec![],
        shorter(1),
        shorter(5),
        shorter(20),
        shorter(good.len() - 1),
        flipped,
        unversioned,
    ];
    for broken in broken {
        fs::write(source.folder.join(VECTORS), &broken).unwrap();
        let before = contents(&replica.folder.join("ab"));
        let DeltaError::Corrupt { file, .. } = refused_on(&source, &replica, Expect::Version(0))
        else {
            panic!("{broken:?}")
        };
        assert_eq!(file, VECTORS);
        assert_eq!(contents(&replica.folder.join("ab")), before);
        assert!(!replica.folder.join("b").exists());
        let planned = clone::check_files(&source.store, &source.snapshot(), None, None);
        assert!(matches!(planned, Err(DeltaError::Corrupt { .. })), "{planned:?}");
    }
    fs::remove_file(source.folder.join(VECTORS)).unwrap();
    assert!(matches!(
        refused_on(&source, &replica, Expect::Version(0)),
        DeltaError::DataMissing { path } if path == VECTORS
    ));
    // A longer file has every byte of the vector.
    fs::write(source.folder.join(VECTORS), [&good[..], b"more"].concat()).unwrap();
    cloned(&source, &replica, Expect::Version(0));
    assert_eq!(fs::read(replica.folder.join(VECTORS)).unwrap(), good);
}

#[test]
fn a_vector_that_is_another_than_the_log_says_is_refused() {
    let (_world, source, replica, good) = masked();
    for (field, value) in
        [("cardinality", json!(3)), ("sizeInBytes", json!(30)), ("offset", json!(2))]
    {
        let (_, mut descriptor) = super::vector(&[0, 9]);
        descriptor[field] = value;
        mask(&source, 2, &good, &descriptor);
        let refused = refused_on(&source, &replica, Expect::Version(0));
        assert!(matches!(refused, DeltaError::Corrupt { .. }), "{refused}");
    }
}

#[test]
fn other_vectors_under_a_used_name_get_a_name_of_their_own() {
    let (_world, source, replica, good) = masked();
    let (other, descriptor) = super::vector(&[3, 4]);
    mask(&source, 2, &other, &descriptor);
    for version in 0..2 {
        cloned(&source, &replica, Expect::Version(version));
        assert_eq!(fs::read(replica.folder.join(VECTORS)).unwrap(), good);
        assert_eq!(names(&replica.folder.join("ab")).len(), 2);
    }
    assert!(replica.actions(2, "add").is_empty());
    assert_eq!(replica.snapshot().totals().rows, Some(8));
}

#[test]
fn a_torn_vector_of_a_replica_is_found_and_made_good() {
    let (_world, source, replica, good) = masked();
    fs::write(replica.folder.join(VECTORS), &good[..9]).unwrap();
    let damage = verify::damage(&replica.store, &replica.snapshot()).unwrap();
    let damage = damage.unwrap();
    assert!(damage.to_string().contains(VECTORS), "{damage}");
    let done = cloned(&source, &replica, Expect::Version(0));
    assert_eq!(done.copied_bytes, good.len() as u64);
}
