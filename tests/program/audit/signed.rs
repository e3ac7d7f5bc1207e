//! Run records that runners sign with keys of their own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign::{KeyPair, SecretKeyBox};
use minisign_verify::{PublicKey, Signature};

use super::{ALL, Applied, audit, code, drsync, files, lacks};

use crate::support::runner;

const PASSWORD: &str = "correct-horse-of-a-runner";

/// A pair of keys in files, as minisign writes them; the secret one for its owner alone.
pub(crate) fn make_keys(world: &Path, name: &str, password: Option<&str>) {
    let pair = match password {
        None => KeyPair::generate_unencrypted_keypair(),
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password.to_owned())),
    };
    let KeyPair { pk, sk } = pair.unwrap();
    let secret = world.join(format!("{name}.key"));
    fs::write(&secret, sk.to_box(None).unwrap().into_string()).unwrap();
    fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let public = pk.to_box().unwrap().into_string();
    fs::write(world.join(format!("{name}.pub")), public).unwrap();
}

/// An apply whose record is signed; the password is in the environment, where there is one.
pub(crate) fn apply_signed(
    world: &Applied,
    group: &str,
    key: &str,
    password: Option<&str>,
) -> Output {
    let words = ["apply", "--auto-approve", "--only", group, "--sign-record-with", key];
    let password = password.map(|password| ("DRSYNC_SIGN_PASSWORD", password));
    runner::drsync(world.world(), &words).envs(password).output()
}

pub(crate) fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// A moment after every record so far.
fn now() -> String {
    drsync::moment::text(chrono::Utc::now())
}

#[test]
fn a_record_that_its_runner_signed_is_verified_and_one_that_nobody_signed_is_told() {
    let world = Applied::new();
    make_keys(&world.world(), "runner", None);
    make_keys(&world.world(), "other", None);
    let since = now();
    let done = apply_signed(&world, "orders", "runner.key", None);
    assert_eq!(code(&done), 0, "{}", said(&done));
    let public = fs::read_to_string(world.world().join("runner.pub")).unwrap();
    let public = PublicKey::decode(&public).unwrap();
    for (folder, ending) in [
        (world.evidence("east"), ".run.json.minisig"),
        (world.evidence("west"), ".run.json.minisig"),
        (world.world().join(".drsync/runs"), ".json.minisig"),
    ] {
        let path = files(&folder, ending).pop().unwrap();
        let signature = Signature::decode(&fs::read_to_string(&path).unwrap()).unwrap();
        let record = fs::read(path.with_extension("")).unwrap();
        // Not the old kind, which signs the file itself.
        public.verify(&record, &signature, false).unwrap();
        let comment = signature.trusted_comment();
        assert!(comment.starts_with("run record of drsync, apply 01"), "{comment}");
    }
    let by = |keys: &str| world.history(&["--since", &since, "--signed-by", keys]);
    let (status, text) = by("runner.pub");
    assert!(status == 0 && text.contains("1 of 1 record signed by the runner"), "{text}");
    let (status, text) = by("other.pub");
    assert!(
        status == 1
            && text.starts_with("A run record is not signed by its runner.")
            && text.contains("is not one of it by the runner's key"),
        "{text}"
    );
    // A round whose record nobody signed.
    assert_eq!(world.apply("orders").0, 0);
    let (status, text) = by("runner.pub");
    assert!(status == 1 && text.contains("is not signed by its runner"), "{text}");
    // Without keys what a record says of itself is checked, and it says nothing of those of before.
    let (status, text) = world.history(&ALL);
    assert_eq!(status, 0, "{text}");
    for region in ["east", "west"] {
        let signature = files(&world.evidence(region), ".run.json.minisig");
        fs::remove_file(signature.last().unwrap()).unwrap();
    }
    let (status, text) = world.history(&ALL);
    assert!(status == 1 && text.contains("is not signed by its runner"), "{text}");
}

#[test]
fn the_page_and_minisign_itself_verify_what_a_runner_signed() {
    if lacks(&["minisign", "jq", "bash", "sha256sum"]) {
        return;
    }
    let world = Applied::new();
    let run = |command: &str| {
        let mut shell = Command::new("sh");
        let done = shell.args(["-c", command]).current_dir(world.world());
        assert!(done.output().unwrap().status.success(), "{command}");
    };
    run("minisign -G -W -p runner.pub -s runner.key");
    let earlier = files(&world.evidence("west"), ".run.json");
    let done = apply_signed(&world, "orders", "runner.key", None);
    assert_eq!(code(&done), 0, "{}", said(&done));
    let copy = tempfile::tempdir().unwrap();
    for path in files(&world.evidence("west"), "") {
        // Of before runners signed.
        let of_before = earlier.iter().any(|earlier| {
            let id = |path: &Path| path.file_name().unwrap().to_string_lossy()[..26].to_owned();
            id(earlier) == id(&path)
        });
        if !of_before {
            fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let key = copy.path().join("runner.pub");
    fs::copy(world.world().join("runner.pub"), key).unwrap();
    let page = audit(copy.path());
    // The first record of a copy that does not begin with the first names one outside of it.
    let text = said(&page);
    assert!(text.trim_start().starts_with("removed or altered:"), "{text}");
    let verify = "for record in *.run.json; do minisign -V -q -p runner.pub -x \"$record.minisig\" -m \"$record\" || exit 1; done";
    let verified = |folder: &Path| {
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", verify]).current_dir(folder);
        shell.output().unwrap().status.success()
    };
    assert!(verified(copy.path()));
    let record = files(copy.path(), ".run.json").pop().unwrap();
    super::edit(&record, "\"actor\"", "\"actor\" ");
    assert!(!verified(copy.path()));
}

#[test]
fn a_signature_that_one_region_lacks_is_brought_from_the_other_or_from_the_machine() {
    for held_up in [&["east"][..], &["west"], &["east", "west"]] {
        let world = Applied::new();
        make_keys(&world.world(), "runner", None);
        let since = now();
        held_up.iter().for_each(|region| world.hold_up(region));
        assert_eq!(code(&apply_signed(&world, "orders", "runner.key", None)), 1);
        held_up.iter().for_each(|region| world.let_go(region));
        if held_up.len() == 1 {
            // Another machine has nothing of its own.
            fs::remove_dir_all(world.world().join(".drsync")).unwrap();
        }
        assert_eq!(code(&apply_signed(&world, "orders", "runner.key", None)), 0);
        let names = world.names("west", "");
        assert_eq!(world.names("east", ""), names);
        let signed = names.iter().filter(|name| name.ends_with(".run.json.minisig"));
        assert_eq!(signed.count(), 2, "{names:?}");
        let (status, text) = world.history(&["--since", &since, "--signed-by", "runner.pub"]);
        assert_eq!(status, 0, "{text}");
    }
}

#[test]
fn a_key_with_a_password_takes_it_from_the_environment_and_nobody_is_told_either() {
    let world = Applied::new();
    make_keys(&world.world(), "runner", Some(PASSWORD));
    let before = files(&world.evidence("west"), "").len();
    for password in [None, Some(""), Some("not-the-password")] {
        let done = apply_signed(&world, "orders", "runner.key", password);
        let text = said(&done);
        assert_eq!(code(&done), 64, "{text}");
        assert!(
            text.contains("DRSYNC_SIGN_PASSWORD") && !text.contains("not-the-password"),
            "{text}"
        );
    }
    assert_eq!(files(&world.evidence("west"), "").len(), before);
    let done = apply_signed(&world, "orders", "runner.key", Some(PASSWORD));
    let text = said(&done);
    assert_eq!(code(&done), 0, "{text}");
    let key = fs::read_to_string(world.world().join("runner.key")).unwrap();
    let key = key.lines().nth(1).unwrap();
    let mut all = vec![text];
    for folder in [world.evidence("west"), world.world().join(".drsync/runs")] {
        let read = |path| String::from_utf8(fs::read(path).unwrap()).unwrap();
        all.extend(files(&folder, "").into_iter().map(read));
    }
    let told = |text: &String| text.contains(PASSWORD) || text.contains(key);
    assert!(!all.iter().any(told));
}

#[test]
fn a_key_that_cannot_sign_or_that_others_may_read_stops_an_apply_before_anything_is_opened() {
    let world = Applied::new();
    make_keys(&world.world(), "runner", None);
    let before = files(&world.evidence("west"), "").len();
    let secret = world.world().join("runner.key");
    let with = |key: &str| apply_signed(&world, "orders", key, None);
    for mode in [0o644, 0o620, 0o604, 0o602] {
        fs::set_permissions(&secret, Permissions::from_mode(mode)).unwrap();
        let done = with("runner.key");
        let text = said(&done);
        assert_eq!(code(&done), 7, "{mode:o}: {text}");
        assert!(text.contains("chmod 600 runner.key"), "{text}");
    }
    let public = world.world().join("runner.pub");
    fs::set_permissions(&public, Permissions::from_mode(0o600)).unwrap();
    let large = world.world().join("large.key");
    fs::write(&large, vec![b'x'; 40 << 20]).unwrap();
    fs::set_permissions(&large, Permissions::from_mode(0o600)).unwrap();
    // Another key's half in it: it is read, and what it signs is nobody's.
    let damaged = fs::read_to_string(&secret).unwrap();
    let (comment, key) = damaged.split_once('\n').unwrap();
    let mut bytes = STANDARD.decode(key.trim()).unwrap();
    bytes[100] ^= 1;
    bytes[126..].fill(0);
    let damaged = format!("{comment}\n{}\n", STANDARD.encode(bytes));
    let damaged_key = world.world().join("damaged.key");
    fs::write(&damaged_key, damaged).unwrap();
    fs::set_permissions(&damaged_key, Permissions::from_mode(0o600)).unwrap();
    for key in ["nobody.key", "runner.pub", "large.key", "damaged.key", "east"] {
        let done = with(key);
        let text = said(&done);
        assert_eq!(code(&done), 64, "{key}: {text}");
        assert!(text.contains(&format!("--sign-record-with {key}: ")), "{text}");
    }
    assert_eq!(files(&world.evidence("west"), "").len(), before);
    // A group that may read it is how containers are given secrets.
    fs::set_permissions(&secret, Permissions::from_mode(0o640)).unwrap();
    let done = with("runner.key");
    assert_eq!(code(&done), 0, "{}", said(&done));
}

#[test]
fn the_environment_may_name_the_key() {
    let world = Applied::new();
    make_keys(&world.world(), "runner", None);
    let since = now();
    let apply = runner::drsync(world.world(), &["apply", "--auto-approve", "--only", "orders"]);
    apply.env("DRSYNC_SIGN_RECORD_WITH", "runner.key").ends(0);
    let (status, text) = world.history(&["--since", &since, "--signed-by", "runner.pub"]);
    assert_eq!(status, 0, "{text}");
    let nobody = drsync(&world.world(), &["history", "--signed-by", "nobody.pub"]);
    assert_eq!(code(&nobody), 64);
}

#[test]
fn where_the_configuration_asks_for_signed_records_none_is_left_without_and_history_misses_one() {
    let world = Applied::new();
    make_keys(&world.world(), "runner", None);
    make_keys(&world.world(), "other", None);
    let file = world.world().join("drsync.json");
    let before = fs::read_to_string(&file).unwrap();
    let mut asking: serde_json::Value = serde_json::from_str(&before).unwrap();
    asking["require_signed_records"] = "runner.pub".into();
    let asking = asking.to_string();
    fs::write(&file, &asking).unwrap();
    // Nobody signed yet, or what was signed is gone: only the newest record is missed.
    let (status, text) = world.history(&ALL);
    assert!(status == 1 && text.contains("0 of "), "{text}");
    assert_eq!(text.matches("is not signed by its runner").count(), 2, "{text}");
    let kept = files(&world.evidence("west"), "").len();
    let (status, _, text) = world.apply("orders");
    assert!(status == 7 && text.contains("require_signed_records"), "{text}");
    let other = apply_signed(&world, "orders", "other.key", None);
    assert_eq!(code(&other), 7, "{}", said(&other));
    assert_eq!(files(&world.evidence("west"), "").len(), kept, "nothing was written");
    let done = apply_signed(&world, "orders", "runner.key", None);
    assert_eq!(code(&done), 0, "{}", said(&done));
    let (status, text) = world.history(&ALL);
    assert!(status == 0 && text.contains("1 of "), "{text}");
    // Somebody without the key goes by a configuration of their own, or signs with another key.
    for signed in [None, Some("other.key")] {
        fs::write(&file, &before).unwrap();
        match signed {
            None => assert_eq!(world.apply("orders").0, 0),
            Some(key) => assert_eq!(code(&apply_signed(&world, "orders", key, None)), 0),
        }
        fs::write(&file, &asking).unwrap();
        let (status, text) = world.history(&ALL);
        assert!(
            status == 1 && text.starts_with("A run record is not signed by its runner."),
            "{text}"
        );
    }
    let valid = drsync(&world.world(), &["validate", "--offline"]);
    assert_eq!(code(&valid), 0, "{}", said(&valid));
    fs::remove_file(world.world().join("runner.pub")).unwrap();
    for command in [&["validate", "--offline"][..], &["history", "--since", "2020-01-01"]] {
        let unread = drsync(&world.world(), command);
        assert_eq!(code(&unread), 78, "{}", said(&unread));
    }
}

/// Signs a file as a reviewer does.
fn sign(world: &Path, key: &str, file: &str) {
    let text = fs::read_to_string(world.join(key)).unwrap();
    let key = SecretKeyBox::from_string(&text).unwrap().into_unencrypted_secret_key().unwrap();
    let content = fs::File::open(world.join(file)).unwrap();
    let signature = minisign::sign(None, &key, content, Some("reviewed"), None).unwrap();
    fs::write(world.join(format!("{file}.minisig")), signature.into_string()).unwrap();
}

#[test]
fn with_both_signatures_required_and_the_secondary_away_all_is_kept_and_brought_over_later() {
    let world = Applied::new();
    for name in ["reviewer", "runner"] {
        make_keys(&world.world(), name, None);
    }
    let since = now();
    let file = world.world().join("drsync.json");
    let mut asking: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    asking["require_signature"] = "reviewer.pub".into();
    asking["require_signed_records"] = "runner.pub".into();
    fs::write(&file, asking.to_string()).unwrap();
    let before = world.names("west", "").len();
    let review = |plan: &str| {
        let planned = drsync(&world.world(), &["plan", "--only", "orders", "--out", plan]);
        assert!([0, 2].contains(&code(&planned)), "{}", said(&planned));
        sign(&world.world(), "reviewer.key", plan);
    };
    let apply =
        |plan: &str| drsync(&world.world(), &["apply", plan, "--sign-record-with", "runner.key"]);
    review("first.json");
    fs::rename(world.world().join("west"), world.world().join("gone")).unwrap();
    let away = apply("first.json");
    assert_eq!(code(&away), 8, "{}", said(&away));
    fs::rename(world.world().join("gone"), world.world().join("west")).unwrap();
    // Another machine has nothing of its own.
    fs::remove_dir_all(world.world().join(".drsync")).unwrap();
    review("second.json");
    let done = apply("second.json");
    assert_eq!(code(&done), 0, "{}", said(&done));
    let names = world.names("west", "");
    assert_eq!(world.names("east", ""), names);
    // Of each apply its plan, its record, and the signature of each; of the one that made a cut its runbook, and of the first the
    // configuration, which is another than before.
    assert_eq!(names.len(), before + 10, "{names:?}");
    let (status, text) = world.history(&["--since", &since]);
    assert_eq!(status, 0, "{text}");
}
