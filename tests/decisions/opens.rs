//! Files are opened in one place, which follows no link, waits for no pipe and reads no more than a limit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What opens, reads or replaces a file without care.
const PLAIN: [&str; 9] = [
    "fs::read(",
    "fs::read_to_string(",
    "fs::write(",
    "fs::copy(",
    "fs::rename(",
    "File::open(",
    "File::create(",
    "File::options(",
    "OpenOptions::new(",
];

/// Where it is done all the same, how often, and why that is safe.
const ALLOWED: [(&str, &str, usize, &str); 7] = [
    ("src/files.rs", "File::open(", 1, "a descriptor that was handed to this process"),
    (
        "src/cli/keep.rs",
        "fs::rename(",
        1,
        "over a name that the user gave, from a file made beside it",
    ),
    (
        "src/cli/place.rs",
        "OpenOptions::new(",
        4,
        "a place that the user named, looked at before and after; one replaces nothing",
    ),
    ("src/lakehouse/access.rs", "File::open(", 1, "a folder, to flush it"),
    (
        "src/lakehouse/delta/store/filesystem.rs",
        "fs::read_to_string(",
        1,
        "the kernel's list of mounts",
    ),
    (
        "src/lakehouse/write/table.rs",
        "File::options(",
        1,
        "a commit that it made itself, to set its time",
    ),
    (
        "src/lakehouse/write/workspace_folder.rs",
        "fs::rename(",
        1,
        "over its own catalog, from a file made beside it",
    ),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "tests" {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

#[test]
fn nothing_but_the_careful_functions_opens_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    let mut found = BTreeMap::<(String, &str), usize>::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        // Tests stand at the end of a file.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for plain in PLAIN {
                // `files::read(` and `delta::read(` are other functions.
                let calls = line.match_indices(plain).filter(|(at, _)| {
                    !line[..*at].ends_with(|before: char| before.is_alphanumeric())
                });
                *found.entry((name.clone(), plain)).or_default() += calls.count();
            }
        }
    }
    found.retain(|_, count| *count > 0);
    let allowed: BTreeMap<(String, &str), usize> = ALLOWED
        .iter()
        .map(|(file, plain, count, _)| (((*file).to_owned(), *plain), *count))
        .collect();
    assert_eq!(found, allowed, "open files by the functions of src/files.rs");
}
