//! What an embedded lakehouse takes from files that strangers laid into a table: no links, no files of others, no waiting.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use drsync::region::{Progress, RegionErrorKind};
use serde_json::json;

use crate::contract::world::{ORDERS, World, open_lakehouse};

async fn world() -> World {
    World::new(open_lakehouse).await
}

/// Commits version 3 of the orders, which adds a file.
fn add_to_orders(world: &World, path: &str, size: u64) -> PathBuf {
    let table = world.path("east/tables").join(ORDERS);
    let file = table.join("_delta_log/00000000000000000003.json");
    let info =
        json!({"commitInfo": {"timestamp": 1, "operation": "WRITE", "operationParameters": {}}});
    let add = json!({"add": {
        "path": path, "partitionValues": {"day": "monday"}, "size": size, "modificationTime": 1,
        "dataChange": true, "stats": "{\"numRecords\":1}",
    }});
    fs::write(file, format!("{info}\n{add}\n")).unwrap();
    table
}

/// What the order of version 3 is refused with, and that nothing of `secret` arrived.
async fn refused(world: &World, secret: &str) -> (RegionErrorKind, String) {
    let mut order = world.order(ORDERS, 2, None).await;
    order.source_version = 3;
    let progress = Progress::default();
    let refused = world.secondary().deep_clone(&order, &progress).await;
    let refused = refused.unwrap_err();
    assert!(!holds(&world.path("west"), secret.as_bytes()), "it leaked");
    (refused.kind, refused.detail.to_string())
}

fn holds(folder: &Path, secret: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds(&path, secret)
        } else {
            fs::read(path).unwrap().windows(secret.len()).any(|part| part == secret)
        }
    })
}

#[tokio::test]
async fn a_file_outside_of_its_table_is_copied_only_from_a_folder_that_the_catalog_lists() {
    let world = world().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = elsewhere.path().canonicalize().unwrap();
    fs::write(folder.join("secret"), "CANARY").unwrap();
    let url = format!("file://{}", folder.join("secret").display());
    add_to_orders(&world, &url, 6);
    let line = format!(r#""external_files": ["{}"]"#, folder.display());
    let pinned = world.pin(ORDERS, 3, None).await.unwrap_err();
    assert_eq!(pinned.kind, RegionErrorKind::Unsupported);
    assert!(pinned.detail.to_string().ends_with(&line), "{pinned}");
    let (kind, detail) = refused(&world, "CANARY").await;
    assert_eq!(kind, RegionErrorKind::Unsupported);
    assert!(detail.ends_with(&line), "{detail}");

    let catalog = world.path("east/lakehouse.json");
    let text = fs::read_to_string(&catalog).unwrap();
    fs::write(&catalog, text.replacen('{', &format!("{{ {line},"), 1)).unwrap();
    world.pin(ORDERS, 3, None).await.unwrap();
    let copied = world.clone_table(ORDERS, 3, None).await.unwrap();
    assert_eq!(copied.copied_files, 3);
    assert!(holds(&world.path("west"), b"CANARY"));
}

#[tokio::test]
async fn no_link_pipe_or_device_in_a_table_is_opened() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("secret"), "CANARY").unwrap();
    let linked = "a link stands in its path, and drsync follows none there";
    type Lay = fn(&Path, &Path);
    let laid: [(&str, Lay, &str); 4] = [
        ("x", |at, to| symlink(to.join("secret"), at.join("x")).unwrap(), linked),
        ("f/secret", |at, to| symlink(to, at.join("f")).unwrap(), linked),
        ("z", |at, _| symlink("/dev/zero", at.join("z")).unwrap(), linked),
        (
            "p",
            |at, _| {
                let kind = rustix::fs::FileType::Fifo;
                let mode = rustix::fs::Mode::RWXU;
                rustix::fs::mknodat(rustix::fs::CWD, at.join("p"), kind, mode, 0).unwrap();
            },
            "it is no regular file but a pipe",
        ),
    ];
    for (path, lay, why) in laid {
        let world = world().await;
        let table = add_to_orders(&world, path, 6);
        lay(&table, elsewhere.path());
        let (_, detail) = refused(&world, "CANARY").await;
        assert!(detail.ends_with(why), "{path}: {detail}");
    }
}

#[tokio::test]
async fn a_link_or_pipe_in_a_log_is_no_commit() {
    for lay in [
        |at: &Path| symlink("00000000000000000002.json", at).unwrap(),
        |at: &Path| {
            let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
            rustix::fs::mknodat(rustix::fs::CWD, at, kind, mode, 0).unwrap();
        },
    ] {
        let world = world().await;
        let log = world.path("east/tables").join(ORDERS).join("_delta_log");
        lay(&log.join("00000000000000000003.json"));
        let source = world.source(ORDERS, None).await.unwrap();
        assert_eq!(source.commits.last().unwrap().version, 2);
    }
}

#[tokio::test]
async fn a_file_longer_than_its_log_says_is_refused_and_its_length_is_not_told() {
    let world = world().await;
    let table = add_to_orders(&world, "long", 6);
    fs::File::create(table.join("long")).unwrap().set_len(1 << 40).unwrap();
    let (_, detail) = refused(&world, "CANARY").await;
    assert_eq!(detail, "long is corrupt: it has not the 6 bytes that the log says");
}

#[tokio::test]
async fn nothing_is_written_through_a_link_below_a_sync_location() {
    for place in ["main", "main/shop", "main/shop/orders"] {
        let world = world().await;
        let elsewhere = tempfile::tempdir().unwrap();
        let at = world.path("west/sync").join(place);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(elsewhere.path(), &at).unwrap();
        let order = world.order(ORDERS, 2, None).await;
        let refused = world.secondary().deep_clone(&order, &Progress::default()).await;
        assert!(refused.is_err(), "{place}");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0, "{place}");
    }
}

#[tokio::test]
async fn a_sync_location_that_is_a_link_works() {
    let world = world().await;
    let (at, real) = (world.path("west/sync"), world.path("west/disk"));
    fs::rename(&at, &real).unwrap();
    symlink(&real, &at).unwrap();
    world.clone_table(ORDERS, 2, None).await.unwrap();
    assert!(real.join("main/shop/orders/_delta_log").is_dir());
}

#[tokio::test]
async fn a_replica_is_no_more_open_than_its_source() {
    let world = world().await;
    let source = world.path("east/tables").join(ORDERS);
    close(&source);
    world.clone_table(ORDERS, 2, None).await.unwrap();
    let replica = world.path("west/sync/main/shop/orders");
    let mut looked = 0;
    each(&replica, &mut |path, mode| {
        looked += 1;
        assert_eq!(mode & 0o077, 0, "{} has {mode:o}", path.display());
    });
    assert!(looked > 4);
}

fn close(folder: &Path) {
    each(folder, &mut |path, _| {
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    });
}

fn each(folder: &Path, act: &mut impl FnMut(&Path, u32)) {
    act(folder, fs::metadata(folder).unwrap().permissions().mode());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each(&path, act)
        } else {
            act(&path, fs::metadata(&path).unwrap().permissions().mode())
        }
    }
}
