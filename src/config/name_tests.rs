//! Names as people, catalogs and attackers write them.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Vec<String> {
    TableRef::parse(text).expect("a name").parts().to_vec()
}

fn refused(text: &str) -> String {
    TableRef::parse(text).expect_err("not a name").message.to_string()
}

#[test]
fn a_name_has_one_to_three_parts() {
    assert_eq!(read("core_raw"), ["core_raw"]);
    assert_eq!(read("default.core_raw"), ["default", "core_raw"]);
    assert_eq!(read("main.default.core_raw"), ["main", "default", "core_raw"]);
    assert_eq!(refused("a.b.c.d"), "has 4 parts");
}

#[test]
fn backticks_keep_dots_blanks_and_backticks_inside_a_part() {
    assert_eq!(read("main.`odd.schema`.t"), ["main", "odd.schema", "t"]);
    assert_eq!(read("`a``b`.` c `"), ["a`b", " c "]);
    assert_eq!(read("main.default.`..`"), ["main", "default", ".."]);
    assert_eq!(read("main.default.`a/b`"), ["main", "default", "a/b"]);
}

#[test]
fn odd_letters_are_part_of_a_name() {
    for name in
        ["order lines", "größe", "日本", "_hidden", "100%", "it's", "say \"x\"", "a-b", "%5F"]
    {
        assert_eq!(read(name), [name]);
    }
}

#[test]
fn what_is_not_a_name_is_refused_with_its_reason() {
    assert_eq!(refused(""), "is empty");
    assert_eq!(refused("  "), "is empty");
    assert_eq!(refused("a..b"), "has an empty part");
    assert_eq!(refused(".a"), "has an empty part");
    assert_eq!(refused("a."), "has an empty part");
    assert_eq!(refused("``"), "has an empty part");
    assert_eq!(refused(".."), "has an empty part");
    assert_eq!(refused(" a"), "has a blank at the end of a part");
    assert_eq!(refused("a\nb"), "has a control character in it");
    assert_eq!(refused("`a\u{7f}`"), "has a control character in it");
    assert_eq!(refused("`a"), "has a backtick that is not closed");
    assert_eq!(refused("`a`b"), "goes on after a closing backtick");
    assert_eq!(refused("a`b"), "has a backtick in a part without backticks");
    assert_eq!(refused("a/b"), "has a `/` in a part without backticks");
    assert_eq!(refused("/tables/a"), "is a location, not the name of a table");
    assert_eq!(
        refused("abfss://c@a.dfs.core.windows.net/t"),
        "is a location, not the name of a table"
    );
    assert_eq!(refused(&"a".repeat(256)), "has a part of more than 255 letters");
}

#[test]
fn names_are_compared_without_case_and_shown_as_written() {
    let (a, b) = (TableName::new("Main", "Größe", "T"), TableName::new("main", "GRÖSSE", "t"));
    assert_ne!(a, b);
    assert_eq!(a, TableName::new("MAIN", "GRÖßE", "t"));
    assert_eq!(a.to_string(), "Main.`Größe`.T");
    assert_eq!(TableRef::parse("A.b").expect("a name"), TableRef::parse("a.B").expect("a name"));
}

#[test]
fn a_short_name_gets_the_default_catalog_and_schema() {
    let full =
        |text: &str| TableRef::parse(text).expect("a name").resolve("main", "default").to_string();
    assert_eq!(full("t"), "main.default.t");
    assert_eq!(full("s.t"), "main.s.t");
    assert_eq!(full("c.s.t"), "c.s.t");
    assert_eq!(full("`a.b`"), "main.default.`a.b`");
}

#[test]
fn in_sql_every_part_stands_in_backticks() {
    assert_eq!(TableName::new("main", "a`b", "c d").sql(), "`main`.`a``b`.`c d`");
}

#[test]
fn a_replica_path_has_only_plain_letters_and_stays_in_its_folder() {
    let path = |table: &str| TableName::new("main", "default", table).path();
    assert_eq!(path("core_raw"), "main/default/core_raw");
    assert_eq!(path("_delta_log"), "main/default/%5Fdelta_log");
    assert_eq!(path(".."), "main/default/%2E.");
    assert_eq!(path("../x"), "main/default/%2E.%2Fx");
    assert_eq!(path("100%"), "main/default/100%25");
    assert_eq!(path("%5F"), "main/default/%255F");
    assert_eq!(path("größe"), "main/default/gr%C3%B6%C3%9Fe");
    assert_eq!(path("a b"), "main/default/a%20b");
}

#[test]
fn a_workflow_is_a_name_or_an_id() {
    assert_eq!(WorkflowRef::parse("core job"), Ok(WorkflowRef::Name("core job".into())));
    assert_eq!(WorkflowRef::parse("id:1016"), Ok(WorkflowRef::Id(1016)));
    for wrong in ["", " ", "id:", "id:x", "id:-1", "id:0", " a", "a\n"] {
        assert!(WorkflowRef::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn names_are_one_text_in_json() {
    let name = TableName::new("main", "odd.schema", "t");
    let json = serde_json::to_string(&name).expect("is JSON");
    assert_eq!(json, "\"main.`odd.schema`.t\"");
    assert_eq!(serde_json::from_str::<TableName>(&json).expect("is a name"), name);
    assert!(serde_json::from_str::<TableName>("\"s.t\"").is_err());
}

#[test]
fn a_location_is_no_name_unless_it_is_quoted() {
    let refused = TableName::parse("s3://bucket/sync").unwrap_err();
    assert_eq!(refused.message, "is a location, not the name of a table");
    let name = TableName::parse("main.s.`a://b`").expect("a name");
    assert_eq!(name.table, "a://b");
}

proptest! {
    #[test]
    fn what_is_shown_is_read_as_the_same_name(c in "[^\\p{Cc}]{1,8}", s in "[a-zA-Z0-9_.` %-]{1,8}", t in "\\PC{1,8}") {
        let name = TableName::new(c, s, t);
        let again = TableName::parse(&name.to_string()).expect("a name");
        prop_assert_eq!(&again.catalog, &name.catalog);
        prop_assert_eq!(&again.schema, &name.schema);
        prop_assert_eq!(&again.table, &name.table);
        prop_assert_eq!(TableName::parse(&name.sql()).expect("a name"), name);
    }

    #[test]
    fn two_names_never_share_a_path(a in "\\PC{1,6}", b in "\\PC{1,6}") {
        let path = |table: &str| TableName::new("c", "s", table).path();
        prop_assert_eq!(a == b, path(&a) == path(&b));
        prop_assert_eq!(path(&a).split('/').count(), 3);
    }
}

#[test]
fn names_are_one_and_ordered_by_their_letters_in_lower_case_whatever_alphabet_they_are_of() {
    use std::hash::{BuildHasher as _, RandomState};
    // The sign of Kelvin is a k in lower case, and the dotted capital I is two letters.
    let names = [
        "",
        "a",
        "A",
        "k",
        "K",
        "\u{212A}",
        "kb",
        "KB",
        "\u{212A}b",
        "İ",
        "i\u{307}",
        "ä",
        "Ä",
        "z",
        "Z_1",
        "z_1",
        "[",
        "_",
    ];
    let names = names.map(|name| TableName::new("main", name, "t"));
    let lower =
        |name: &TableName| name.schema.chars().flat_map(char::to_lowercase).collect::<String>();
    let hasher = RandomState::new();
    for one in &names {
        for other in &names {
            let wanted = lower(one).chars().cmp(lower(other).chars());
            assert_eq!(one.cmp(other), wanted, "{one} {other}");
            assert_eq!(one == other, wanted.is_eq(), "{one} {other}");
            if one == other {
                assert_eq!(hasher.hash_one(one), hasher.hash_one(other), "{one} {other}");
            }
        }
    }
}
