//! Records, plans and signatures that are not what they claim to be.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{ALL, Applied, Audited, drsync, files, json, lacks, signed};
use crate::support::runner::code;

/// Changes every record of a folder, and makes them follow each other again.
pub(super) fn rewrite(folder: &Path, change: impl Fn(&mut Value)) {
    let mut previous: Option<String> = None;
    for path in files(folder, ".run.json") {
        let mut record = json(&path);
        change(&mut record);
        let object = record.as_object_mut().unwrap();
        object.remove("previous_run_sha256");
        object.extend(previous.map(|digest| ("previous_run_sha256".to_owned(), digest.into())));
        let bytes = serde_json::to_vec_pretty(&record).unwrap();
        previous = Some(drsync::canonical::sha256_of_bytes(&bytes));
        fs::write(path, bytes).unwrap();
    }
}

pub(super) fn claim_a_signature(record: &mut Value) {
    record["approval"] = serde_json::json!({
        "kind": "signature",
        "public_key": "RWTl960y2qnVbWtqGGSqN/TOTokd4qyFMwd02hds9UEX4dEGFqc+Erjv",
        "trusted_comment": "seen",
    });
}

#[test]
fn records_that_are_written_anew_are_found_by_the_cuts_and_by_what_they_claim() {
    let world = Applied::new();
    for group in ["reference_data", "orders"] {
        assert_eq!(world.apply(group).0, 0);
    }
    let (status, said) = world.history(&ALL);
    assert_eq!(status, 0, "{said}");
    // In one region: the other has them as they were.
    rewrite(&world.evidence("west"), claim_a_signature);
    let (status, said) = world.history(&ALL);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("the regions keep different records as"), "{said}");
    rewrite(&world.evidence("east"), claim_a_signature);
    let (status, said) = world.history(&ALL);
    assert_eq!(status, 1, "{said}");
    for part in [
        "The chain of records is broken. A run record claims what is not so.",
        "of orders names a record with SHA-256",
        "claims a signature that is not among the evidence",
        "claims a signature that is not proved",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains(", signed,"), "{said}");
}

#[test]
fn a_record_that_claims_what_is_not_so_is_told_although_no_link_is_broken() {
    let told = |change: &dyn Fn(&Path)| {
        let world = Applied::new();
        assert_eq!(world.apply("orders").0, 0);
        for region in ["east", "west"] {
            change(&world.evidence(region));
        }
        let (status, said) = world.history(&ALL);
        assert_eq!(status, 1, "{said}");
        assert!(said.contains("A run record claims what is not so."), "{said}");
        said
    };
    // Of the newest record nobody knows the digest yet.
    let last = |folder: &Path| files(folder, ".run.json").pop().unwrap();
    let said = told(&|folder| edit(&last(folder), "\"actor\": \"", "\"actor\": \"not "));
    assert!(said.contains("which the cut log has otherwise, committed by"), "{said}");
    let said = told(&|folder| edit(&last(folder), "\"cut\": ", "\"cut\": 9"));
    assert!(said.contains("which the cut log does not have"), "{said}");
    let plan = |folder: &Path| files(folder, ".plan.json").pop().unwrap();
    let said = told(&|folder| fs::remove_file(plan(folder)).unwrap());
    assert!(said.contains("names a plan that is not among the evidence"), "{said}");
    let said = told(&|folder| fs::write(plan(folder), "{}").unwrap());
    assert!(said.contains("is not the one that its record names"), "{said}");
}

pub(super) fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_plan_without_the_signature_that_is_required_is_not_applied() {
    if lacks(&["minisign"]) {
        return;
    }
    let audited = Audited::new();
    let world = audited.world();
    let records = files(&audited.evidence(), ".run.json").len();
    let apply =
        |plan: &str, keys: &str| drsync(&world, &["apply", plan, "--require-signature", keys]);
    drsync(&world, &["plan", "--out", "unsigned.json"]);
    let refused = apply("unsigned.json", "reviewer.pub");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(code(&refused), 7, "{said}");
    assert!(said.contains("minisign -S -m unsigned.json"), "{said}");
    fs::copy(world.join("next.json.minisig"), world.join("unsigned.json.minisig")).unwrap();
    assert_eq!(code(&apply("unsigned.json", "reviewer.pub")), 10);
    for garbage in ["", "\n\n\n\n", "untrusted comment: x\nRW\ntrusted comment:\n\n", "\u{1F600}"] {
        fs::write(world.join("unsigned.json.minisig"), garbage).unwrap();
        assert_eq!(code(&apply("unsigned.json", "reviewer.pub")), 10, "{garbage:?}");
    }
    for keys in ["nobody.pub", "next.json", "reviewer.key"] {
        assert_eq!(code(&apply("next.json", keys)), 64, "{keys}");
    }
    assert_eq!(code(&drsync(&world, &["apply", "--require-signature", "reviewer.pub"])), 64);
    assert_eq!(files(&audited.evidence(), ".run.json").len(), records);
}

#[test]
fn a_plan_that_was_signed_with_a_key_of_nobody_known_is_told() {
    if lacks(&["minisign"]) {
        return;
    }
    let audited = Audited::new();
    let world = audited.world();
    signed::make_keys(&world, "other", None);
    let history = |key: Option<&str>| {
        let mut config = json(&world.join("drsync.json"));
        let object = config.as_object_mut().unwrap();
        object.remove("require_signature");
        object.extend(key.map(|key| ("require_signature".to_owned(), key.into())));
        fs::write(world.join("drsync.json"), config.to_string()).unwrap();
        let told = drsync(&world, &["history", "--since", "2020-01-01", "--json"]);
        let report: Value = serde_json::from_slice(&told.stdout).unwrap();
        let unproved = &report["workspaces"][0]["period"]["unproved"];
        let claims = unproved.as_array().unwrap().iter().map(|it| it["claim"].clone());
        (code(&told), claims.collect::<Vec<_>>())
    };
    assert_eq!(history(None), (0, vec![]));
    assert_eq!(history(Some("reviewer.pub")), (0, vec![]));
    let (ended, claims) = history(Some("other.pub"));
    assert_eq!(ended, 1);
    assert!(
        !claims.is_empty() && claims.iter().all(|it| it == "signature_of_another"),
        "{claims:?}"
    );
}
