//! Links, pipes, devices and too much, at every place where a file is opened.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::limits::SMALL_FILE;

/// A folder with a file, a folder, and the same again by links.
fn world() -> (tempfile::TempDir, PathBuf) {
    let held = tempfile::tempdir().unwrap();
    let at = held.path().canonicalize().unwrap();
    fs::create_dir(at.join("folder")).unwrap();
    fs::write(at.join("folder/file"), "text").unwrap();
    symlink(at.join("folder"), at.join("linked")).unwrap();
    symlink(at.join("folder/file"), at.join("link")).unwrap();
    rustix::fs::mknodat(CWD, at.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    (held, at)
}

#[test]
fn only_a_regular_file_without_a_link_in_its_path_is_opened() {
    let (_held, at) = world();
    let said = |path: &str| match open_regular(&at.join(path)) {
        Ok(file) => String::from_utf8(read(file, &SMALL_FILE).unwrap()).unwrap(),
        Err(error) => error.to_string(),
    };
    let linked = "a link stands in its path, and drsync follows none there";
    assert_eq!(said("folder/file"), "text");
    assert_eq!(said("link"), linked);
    assert_eq!(said("linked/file"), linked);
    assert_eq!(said("pipe"), "it is no regular file but a pipe");
    assert_eq!(said("folder"), "it is no regular file but a folder");
    let device = open_regular(Path::new("/dev/zero")).unwrap_err();
    assert_eq!(device.to_string(), "it is no regular file but a device");
}

#[test]
fn part_by_part_the_same_is_opened_and_refused() {
    let (_held, at) = world();
    for path in ["folder/file", "link", "linked/file", "linked", "folder", "none/file"] {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let by_parts = walk(&at.join(path), flags, Mode::empty()).map(drop);
        let whole = open(&at.join(path), flags, Mode::empty()).map(drop);
        let told = |opened: io::Result<()>| opened.map_err(|error| error.to_string());
        assert_eq!(told(by_parts), told(whole), "{path}");
    }
}

#[test]
fn a_path_of_the_users_leads_through_links_and_no_pipe_is_waited_for() {
    let (_held, at) = world();
    assert_eq!(read_named(&at.join("link"), &SMALL_FILE).unwrap(), b"text");
    assert_eq!(resolve_folder(&at.join("linked/new/er")), at.join("folder/new/er"));
    assert!(read_named(&at.join("pipe"), &SMALL_FILE).is_err());
    assert!(read_named(Path::new("/dev/zero"), &SMALL_FILE).is_err());
    let sparse = File::create(at.join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let error = read_named(&at.join("sparse"), &SMALL_FILE).unwrap_err();
    assert!(error.to_string().contains("more than 1 MiB"), "{error}");
}

#[test]
fn nothing_is_made_named_or_removed_through_a_link() {
    let (_held, at) = world();
    let outside = at.join("linked");
    assert!(create_new(&outside.join("new"), PLAIN).is_err());
    assert!(create_new(&at.join("link"), PLAIN).is_err());
    assert!(make_folder(&outside.join("new"), Mode::RWXU).is_err());
    assert!(rename(&at.join("folder/file"), &outside.join("new")).is_err());
    assert!(rename_new(&at.join("folder/file"), &outside.join("new")).is_err());
    assert!(remove_file(&outside.join("file")).is_err());
    assert_eq!(fs::read_dir(at.join("folder")).unwrap().count(), 1);
    // A link in the way of a new name is replaced as such; where it led stays what it was.
    fs::write(at.join("other"), "other").unwrap();
    rename(&at.join("other"), &at.join("link")).unwrap();
    assert_eq!(fs::read_to_string(at.join("folder/file")).unwrap(), "text");
}

#[test]
fn a_listing_has_no_links_and_a_look_finds_none() {
    let (_held, at) = world();
    let mut names: Vec<_> = list(&at).unwrap().into_iter().map(|it| it.0).collect();
    names.sort();
    assert!(names.is_empty(), "{names:?}");
    assert_eq!(list(&at.join("folder")).unwrap().len(), 1);
    assert!(list(&at.join("linked")).is_err());
    let mut looker = Looker::default();
    let mut size = |path: &str| looker.regular(&at.join(path)).unwrap().map(|it| it.size);
    assert_eq!(size("folder/file"), Some(4));
    assert_eq!(size("linked/file"), None);
    assert_eq!(size("link"), None);
    assert_eq!(size("none/file"), None);
    assert_eq!(looker.find_entry(&at.join("none/file")).unwrap(), FoundEntry::Nothing);
    assert_eq!(looker.find_entry(&at.join("folder/none")).unwrap(), FoundEntry::Nothing);
    for other in ["link", "linked/file", "folder", "folder/file/none"] {
        assert_eq!(looker.find_entry(&at.join(other)).unwrap(), FoundEntry::Other, "{other}");
    }
}

#[test]
fn many_files_are_opened_and_named_through_no_link_either() {
    let (_held, at) = world();
    let mut opener = Opener::default();
    let mut opened = |path: &str| match opener.regular(&at.join(path)) {
        Ok((_, facts)) => facts.size.to_string(),
        Err(error) => error.to_string(),
    };
    let linked = "a link stands in its path, and drsync follows none there";
    assert_eq!(opened("folder/file"), "4");
    assert_eq!(opened("link"), linked);
    assert_eq!(opened("linked/file"), linked);
    assert_eq!(opened("pipe"), "it is no regular file but a pipe");
    let mut namer = Namer::default();
    assert!(namer.make_nameless(&at.join("linked/new"), PLAIN).is_err());
    if let Some(mut file) = namer.make_nameless(&at.join("folder/new"), PLAIN).unwrap() {
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read_dir(at.join("folder")).unwrap().count(), 1, "no name yet");
        assert!(namer.name(&file, &at.join("linked/new")).is_err());
        let taken = namer.name(&file, &at.join("folder/file")).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert!(namer.name(&file, &at.join("folder/new")).unwrap());
        assert_eq!(fs::read(at.join("folder/new")).unwrap(), b"new");
    }
}

#[test]
fn the_folder_of_a_bare_name_is_the_one_that_one_is_in() {
    let here = resolve_folder(Path::new("p.json").parent().unwrap());
    assert_eq!(here, resolve_folder(Path::new(".")));
    assert!(open_folder(&here).is_ok());
}
