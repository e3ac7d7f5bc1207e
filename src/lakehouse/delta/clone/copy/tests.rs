//! Files with and without temporary names: the same comes of both.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A source with more small files than are flushed one by one, one of them nobody else's to read, and what is to be done.
fn world() -> (tempfile::TempDir, Vec<FileCopy>) {
    let held = tempfile::tempdir().unwrap();
    fs::create_dir_all(held.path().join("source/p=1")).unwrap();
    fs::create_dir_all(held.path().join("target/p=1")).unwrap();
    let jobs = (0..40).map(|number| {
        let name = format!("p=1/f{number:02}");
        let at = held.path().join("source").join(&name);
        fs::write(&at, vec![number; 5000 + usize::from(number)]).unwrap();
        if number == 7 {
            fs::set_permissions(&at, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let size = fs::metadata(&at).unwrap().len();
        FileCopy { from: FileLocation::Inside(name.clone()), to: name, size, is_data: true }
    });
    let jobs = jobs.collect();
    (held, jobs)
}

/// Copies all, without names until they are whole, or under temporary ones.
fn copy(world: &Path, jobs: &[FileCopy], nameless: bool) -> Result<()> {
    let (source, target) =
        (TableStore::local(world.join("source")), TableStore::local(world.join("target")));
    let to = target.folder().unwrap().to_path_buf();
    let progress = CopyProgress::default();
    let copy = Copy::new(&source, &to, &target, &progress);
    copy.nameless.store(nameless, Ordering::Relaxed);
    let jobs: Vec<_> = numbered(jobs).collect();
    copy.alone(jobs[0].0, jobs[0].1)?;
    copy.together(&jobs[1..])?;
    assert_eq!(to.join("_drsync_tmp").exists(), !nameless);
    Ok(())
}

#[test]
fn a_file_comes_whole_under_its_name_whether_it_had_a_temporary_one_or_none() {
    for nameless in [true, false] {
        let (world, jobs) = world();
        copy(world.path(), &jobs, nameless).unwrap();
        for job in &jobs {
            let [from, to] = ["source", "target"].map(|side| world.path().join(side).join(&job.to));
            assert!(fs::read(&from).unwrap() == fs::read(&to).unwrap(), "{}", job.to);
            let mode = |at: &Path| fs::metadata(at).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&from), mode(&to), "{}", job.to);
        }
        assert!(!world.path().join("target/_drsync_tmp").exists());
    }
}

#[test]
fn a_name_that_is_taken_is_that_of_the_same_content_or_refused() {
    for nameless in [true, false] {
        let (world, jobs) = world();
        let there = world.path().join("target/p=1/f05");
        fs::copy(world.path().join("source/p=1/f05"), &there).unwrap();
        copy(world.path(), &jobs[..10], nameless).unwrap();
        for (number, taken) in [(6, vec![0; 5006]), (0, vec![1; 5000])] {
            let at = world.path().join("target").join(&jobs[number].to);
            fs::write(&at, &taken).unwrap();
            let refused = copy(world.path(), &jobs, nameless).unwrap_err();
            assert!(refused.to_string().contains(&jobs[number].to), "{refused}");
            assert_eq!(fs::read(&at).unwrap(), taken);
        }
    }
}
