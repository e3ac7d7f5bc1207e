//! The packages that people install, made here of a small program in the binary's place: what is in them, and that it is ours.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::runner::PROGRAM;

const GUIDE: &str = include_str!("../../docs/install.md");

/// A script of `.ci/package`, in a time that is always the same.
fn package(script: &str, arguments: &[&Path]) -> Output {
    let script = format!("{}/.ci/package/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(script);
    command.args(arguments).env("SOURCE_DATE_EPOCH", "1790000000");
    command.output().unwrap()
}

fn packaged(script: &str, arguments: &[&Path]) -> String {
    let output = package(script, arguments);
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// What every package holds, laid out: the binary is a script that runs this build.
fn tree(folder: &Path) -> PathBuf {
    let binary = folder.join("binary");
    let built = std::path::Path::new(PROGRAM);
    std::fs::write(&binary, format!("#!/bin/sh\nexec '{}' \"$@\"\n", built.display())).unwrap();
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    let sbom = folder.join("sbom.json");
    std::fs::write(&sbom, "{}").unwrap();
    let tree = folder.join("tree");
    packaged("tree", &[&binary, &sbom, &tree]);
    tree
}

/// Every command that `drsync help` names.
fn commands() -> Vec<String> {
    let help = run(PROGRAM, &["-h"], Path::new("/"));
    let of_help = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let first = |line: &str| line.strip_prefix("  ")?.split_whitespace().next().map(str::to_owned);
    let is_command = |line: &&str| !line.starts_with("    ");
    of_help.lines().filter(is_command).filter_map(first).filter(|it| it != "help").collect()
}

#[test]
fn every_command_has_its_page_and_completions_in_every_package() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let tree = tree(folder);
    let commands = commands();
    assert!(commands.len() > 10 && commands.contains(&"apply".to_owned()), "{commands:?}");
    let (tar, deb) = (packaged("tar", &[&tree, folder]), packaged("deb", &[&tree, folder]));
    let tar = run("tar", &["-tzvf", &tar], folder);
    let deb = run("dpkg-deb", &["--contents", &deb], folder);
    for command in &commands {
        assert!(tar.contains(&format!("/man/drsync-{command}.1\n")), "{command}: {tar}");
        assert!(deb.contains(&format!("/man1/drsync-{command}.1.gz\n")), "{command}: {deb}");
    }
    for file in ["drsync", "LICENSE", "changelog.md", "drsync.cdx.json", "completions/_drsync"] {
        assert!(tar.contains(&format!("-linux/{file}\n")), "{file}: {tar}");
    }
    for file in [
        "usr/bin/drsync",
        "usr/lib/systemd/system/drsync.timer",
        "usr/share/bash-completion/completions/drsync",
        "usr/share/doc/drsync/copyright",
        "usr/share/doc/drsync/drsync.cdx.json",
    ] {
        assert!(deb.contains(&format!("./{file}\n")), "{file}: {deb}");
    }
    for listed in [tar, deb] {
        let strange =
            listed.lines().find(|line| !line.contains("0/0") && !line.contains("root/root"));
        assert_eq!(strange, None, "everything is root's");
    }
}

#[test]
fn packages_are_the_same_bytes_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let tree = tree(folder.path());
    let make = |name: &str| {
        let out = folder.path().join(name);
        std::fs::create_dir(&out).unwrap();
        let nothing = folder.path().join("nothing");
        std::fs::create_dir_all(&nothing).unwrap();
        let files = [
            packaged("tar", &[&tree, &out]),
            packaged("deb", &[&tree, &out]),
            packaged("oci", &[&tree, &out, &nothing]),
        ];
        files.map(|file| Sha256::digest(std::fs::read(file).unwrap()))
    };
    assert_eq!(make("one"), make("other"));
}

#[test]
fn what_was_packed_runs_where_it_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let tree = tree(folder);
    let (tar, deb) = (packaged("tar", &[&tree, folder]), packaged("deb", &[&tree, folder]));
    run("tar", &["-xzf", &tar, "--strip-components", "1", "--one-top-level=unpacked"], folder);
    run("dpkg-deb", &["-x", &deb, "installed"], folder);
    for binary in ["unpacked/drsync", "installed/usr/bin/drsync"] {
        let binary = folder.join(binary);
        let said = run(binary.to_str().unwrap(), &["--version"], folder);
        assert_eq!(said, format!("drsync {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn the_guide_names_the_files_that_are_made_and_what_it_tells_to_run_works() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let tree = tree(folder);
    let nothing = folder.join("nothing");
    std::fs::create_dir(&nothing).unwrap();
    let made = [
        packaged("tar", &[&tree, folder]),
        packaged("deb", &[&tree, folder]),
        packaged("oci", &[&tree, folder, &nothing]),
    ];
    for file in made {
        let name = Path::new(&file).file_name().unwrap().to_str().unwrap();
        assert!(GUIDE.contains(&format!("| `{name}` |")), "{name}");
    }
    let binaries = std::path::Path::new(PROGRAM).parent().unwrap().display().to_string();
    // Every second piece is a block; what needs an index, a registry or root is left out.
    let blocks = GUIDE.split("```").skip(1).step_by(2).flat_map(str::lines);
    let script: Vec<String> = blocks
        .filter(|line| ["tar ", "install ", "drsync "].iter().any(|it| line.starts_with(it)))
        .map(|line| line.replace("/usr/local/bin/", "bin/").replace('~', "."))
        .collect();
    assert!(script.len() >= 7, "{script:?}");
    let folders =
        "mkdir -p bin .zfunc .local/share/bash-completion/completions .config/fish/completions";
    let output = Command::new("sh")
        .args(["-ec", &format!("{folders}\n{}\nbin/drsync --version", script.join("\n"))])
        .current_dir(folder)
        .env("PATH", format!("{binaries}:/usr/bin:/bin"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for file in ["drsync.1", "drsync-apply.1", ".zfunc/_drsync"] {
        assert!(folder.join(file).metadata().unwrap().len() > 1000, "{file}");
    }
}

#[test]
fn an_image_is_what_its_digests_say_and_starts_drsync_as_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let tree = tree(folder);
    let nothing = folder.join("nothing");
    std::fs::create_dir(&nothing).unwrap();
    let archive = packaged("oci", &[&tree, folder, &nothing]);
    run("tar", &["-xf", &archive, "--one-top-level=image"], folder);
    let image = folder.join("image");
    for blob in image.join("blobs/sha256").read_dir().unwrap() {
        let blob = blob.unwrap();
        let digest = Sha256::digest(std::fs::read(blob.path()).unwrap());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(blob.file_name().to_str(), Some(digest.as_str()));
    }
    let read =
        |file: PathBuf| -> Value { serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap() };
    let blob = |of: &Value| {
        let digest = of["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
        image.join("blobs/sha256").join(digest)
    };
    let index = read(image.join("index.json"));
    let manifest = read(blob(&index["manifests"][0]));
    let config = read(blob(&manifest["config"]));
    assert_eq!(config["config"]["Entrypoint"][0], "/usr/bin/drsync");
    assert_eq!(config["config"]["User"], "65532:65532");
    let mut layers = manifest["layers"].as_array().unwrap().iter();
    let of_drsync = blob(layers.next_back().unwrap());
    let listed = run("tar", &["-tzf", of_drsync.to_str().unwrap()], folder);
    assert!(listed.contains("usr/bin/drsync\n"), "{listed}");
    let of_others = blob(layers.next().unwrap());
    let listed = run("tar", &["-tzvf", of_others.to_str().unwrap()], folder);
    // What it keeps is written where it starts, by nobody but itself.
    let home = config["config"]["WorkingDir"].as_str().unwrap().strip_prefix('/').unwrap();
    let home = listed.lines().find(|line| line.ends_with(&format!(" {home}/")));
    assert!(home.is_some_and(|line| line.starts_with("drwxr-xr-x 65532/65532")), "{listed}");
}

#[test]
fn one_signature_stands_for_every_file_and_none_that_changed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    for name in ["a.whl", "b.deb"] {
        std::fs::write(out.join(name), name).unwrap();
    }
    run("minisign", &["-G", "-W", "-p", "key.pub", "-s", "key"], folder.path());
    let key = folder.path().join("key");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/package/sign");
    let signed = Command::new(script).arg(&out).env("DRSYNC_RELEASE_KEY", &key).output().unwrap();
    assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
    // As the guide says it.
    let lines: Vec<&str> = GUIDE.lines().filter(|line| line.contains("SHA256SUMS")).collect();
    let checks: Vec<&&str> = lines
        .iter()
        .filter(|line| line.starts_with("minisign ") || line.starts_with("sha256sum "))
        .collect();
    assert_eq!(checks.len(), 2, "{checks:?}");
    let check = |line: &str| {
        let line = line.replace("drsync-release.pub", "../key.pub");
        let done = Command::new("sh").args(["-ec", &line]).current_dir(&out).output();
        done.unwrap().status.success()
    };
    assert!(checks.iter().all(|line| check(line)));
    std::fs::write(out.join("b.deb"), "other").unwrap();
    assert!(check(checks[0]) && !check(checks[1]), "a file that changed is none of these");
    let sums = std::fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    std::fs::write(out.join("SHA256SUMS"), sums.replace('a', "b")).unwrap();
    assert!(!check(checks[0]), "other sums are not the ones that were signed");
}

#[test]
fn a_binary_that_asks_for_a_later_glibc_is_refused_with_the_symbols() {
    let built = std::path::Path::new(PROGRAM);
    let check =
        |glibc: &str, gcc: &str| package("check", &[built, Path::new(glibc), Path::new(gcc)]);
    let today = check("9.99", "99");
    assert!(today.status.success(), "{}", String::from_utf8_lossy(&today.stderr));
    let old = check("2.5", "99");
    let said = String::from_utf8_lossy(&old.stderr);
    assert_eq!(old.status.code(), Some(1), "{said}");
    assert!(said.contains("and is to run with GLIBC_2.5:") && said.contains("@GLIBC_"), "{said}");
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/release"));
    assert!(!package("check", &[script, Path::new("2.28")]).status.success());
}
