//! Locations that mean the same folder, lie in each other, or are refused.

use super::*;

fn read(text: &str) -> LocationAddress {
    LocationAddress::parse(text, Path::new("/srv/config")).expect("a location")
}

fn refused(text: &str) -> String {
    let error = LocationAddress::parse(text, Path::new("/srv/config")).expect_err("not a location");
    format!("{}: {}", error.message, error.remedy.unwrap_or_default())
}

#[test]
fn a_location_is_shown_normalised_and_read_again_as_itself() {
    for (text, shown) in [
        ("abfss://DR@WestAcct.dfs.core.windows.net/", "abfss://dr@westacct.dfs.core.windows.net"),
        ("ABFSS://dr@a.dfs.core.windows.net//x/./y/../z/", "abfss://dr@a.dfs.core.windows.net/x/z"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/a%20b/", "s3://bucket/a%20b"),
        ("gs://bucket/%2e%2E/a", "gs://bucket/a"),
        ("file:///worlds/west/sync/", "file:///worlds/west/sync"),
        ("file:///worlds/a%20b", "file:///worlds/a b"),
        ("file:///worlds/a%2520b", "/worlds/a%20b"),
        ("file://localhost/worlds", "file:///worlds"),
        ("/worlds/west/../east/", "/worlds/east"),
        ("west/sync", "/srv/config/west/sync"),
        ("../west", "/srv/west"),
    ] {
        let location = read(text);
        assert_eq!(location.as_str(), shown);
        assert_eq!(read(shown), location);
        assert_eq!(read(shown).as_str(), shown);
    }
}

#[test]
fn a_path_and_its_url_are_one_location() {
    assert_eq!(read("/worlds/a b"), read("file:///worlds/a%20b/"));
    assert_eq!(read("/worlds/a b").url(), "file:///worlds/a%20b");
    assert_eq!(read("/worlds/a b").is_local(), Some(Path::new("/worlds/a b")));
    assert_eq!(read("s3://b/x").is_local(), None);
}

#[test]
fn a_location_has_an_authority_and_a_prefix() {
    let location = read("abfss://dr@west.dfs.core.windows.net/a/b/");
    assert_eq!(location.scheme(), Scheme::Abfss);
    assert_eq!(location.authority(), "dr@west.dfs.core.windows.net");
    assert_eq!(location.prefix(), "a/b");
    assert_eq!(location.url(), "abfss://dr@west.dfs.core.windows.net/a/b");
}

#[test]
fn joining_takes_the_relative_part_literally() {
    assert_eq!(read("s3://b/x/").join("main/s/%5Fa"), "s3://b/x/main/s/%5Fa");
    for folder in ["/worlds/a b", "file:///worlds/a%20b", "/worlds/100%", "/"] {
        let location = read(folder);
        let path = location.is_local().expect("a folder").join("main/s/%5Fa");
        assert_eq!(LocationAddress::literal_path(&location.join("main/s/%5Fa")), Some(path));
    }
    assert_eq!(LocationAddress::literal_path("s3://b/x"), None);
}

#[test]
fn locations_nest_by_folders_and_not_by_letters() {
    let nests = |a: &str, b: &str| {
        assert_eq!(read(a).nests(&read(b)), read(b).nests(&read(a)));
        read(a).nests(&read(b))
    };
    assert!(nests("s3://b/x", "s3://b/x/"));
    assert!(nests("s3://b", "s3://b/x"));
    assert!(nests("S3://B/x", "s3://b/x/y"));
    assert!(nests("s3://b/a%62", "s3://b/ab/c"));
    assert!(nests("/worlds", "file:///worlds/west"));
    assert!(!nests("s3://b/x", "s3://b/xy"));
    assert!(!nests("s3://b/x", "gs://b/x"));
    assert!(!nests("abfss://a@x.dfs.core.windows.net/", "abfss://b@x.dfs.core.windows.net/"));
    assert!(!nests("/worlds/east", "/worlds/west"));
}

#[test]
fn what_is_not_a_location_is_refused_with_what_to_write() {
    assert!(refused("").starts_with("is empty"));
    assert!(refused(" /x").starts_with("has a blank at its end"));
    assert!(refused("/x\n").starts_with("has a control character"));
    assert!(refused("~/x").starts_with("begins with `~`"));
    assert!(refused("s3a://b/x").ends_with("write s3://bucket/folder"));
    assert!(refused("wasbs://c@a.blob.core.windows.net").contains("write abfss://"));
    assert!(refused("dbfs:/mnt/x").starts_with("`dbfs:` is not a scheme"));
    assert!(refused("https://a.blob.core.windows.net/c").starts_with("`https:` is not a scheme"));
    assert!(
        refused("abfss://account.dfs.core.windows.net/x").starts_with("does not name a container")
    );
    assert!(refused("s3:///x").starts_with("does not name a bucket"));
    assert!(refused("s3:/x").starts_with("has no `//`"));
    assert!(refused("file://host/x").starts_with("names another machine"));
}

#[test]
fn credentials_are_refused_and_never_repeated() {
    for text in [
        "s3://key:s3cret@bucket/x",
        "abfss://c:s3cret@a.dfs.core.windows.net/x",
        "abfss://c@a.dfs.core.windows.net/x?sig=s3cret",
        "gs://b/x#s3cret",
    ] {
        let said = refused(text);
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn a_path_under_a_location_leads_nowhere_else() {
    for good in ["main/shop/orders", "main/%2E./a b", "_drsync/sync_cuts", "a..b/..c"] {
        assert!(check_path(good).is_ok(), "{good}");
    }
    for bad in ["", ".", "..", "/", "a/", "/a", "a//b", "a/../b", "../a", "a/.", "a\0b"] {
        let error = check_path(bad).expect_err(bad);
        assert!(error.message.to_string().contains("no path under"), "{bad}");
        assert!(error.remedy.is_some());
    }
}

#[test]
fn a_path_and_its_url_are_one_place() {
    for (one, other) in [
        ("/world/west/sync", "file:///world/west/sync"),
        ("/world/west/sync/", "file:///world/west/sync"),
        ("file:/world/west/sync", "/world/west/sync"),
        ("s3://b/x/", "s3://b/x"),
    ] {
        assert!(LocationAddress::is_one_place(one, other), "{one} {other}");
    }
    for (one, other) in
        [("/world/west", "/world/east"), ("s3://b/x", "gs://b/x"), ("/b/x", "s3://b/x")]
    {
        assert!(!LocationAddress::is_one_place(one, other), "{one} {other}");
    }
    for root in ["/world/west/sync", "file:///world/west/sync/"] {
        for joined in ["/world/west/sync/a/b", "file:///world/west/sync/a/b"] {
            assert_eq!(LocationAddress::path_below(root, joined), Some("a/b"), "{root} {joined}");
        }
        assert_eq!(LocationAddress::path_below(root, "/world/west/sync2/a"), None);
        assert_eq!(LocationAddress::path_below(root, "/world/west/sync"), None);
    }
}

#[test]
fn what_is_one_location_for_a_configuration_is_one_place_for_a_plan() {
    let spellings = [
        "s3://bucket/a%62/c",
        "S3://Bucket/ab/%63/",
        "s3://bucket/ab//c",
        "s3://bucket/AB/c",
        "s3://bucket/ab",
        "gs://bucket/ab/c",
        "abfss://dr@West.dfs.core.windows.net/ab/c",
        "abfss://DR@west.dfs.core.windows.net/a%62/c",
        "/ab/c",
        "/a%62/c",
        "/ab/./x/../c",
    ];
    for one in spellings {
        for other in spellings {
            let same = read(one) == read(other);
            assert_eq!(LocationAddress::is_one_place(one, other), same, "{one} {other}");
            let below = format!("{other}/main/s/%5Fa");
            let below = LocationAddress::path_below(one, &below).map(|it| it.trim_matches('/'));
            assert_eq!(below == Some("main/s/%5Fa"), same, "{one} {other}");
        }
    }
    let places = ["s3://b/x/main/s/%5Fa", "s3://b/x/main/s/%255Fa", "s3://b/x/main/s/a"];
    for (at, one) in places.iter().enumerate() {
        let same = places.map(|other| LocationAddress::is_one_place(one, other));
        assert_eq!(same.iter().filter(|it| **it).count(), 1, "{at}: replicas of other tables");
    }
}
