use super::*;

fn catalog(json: serde_json::Value) -> Index {
    let catalog: Catalog = serde_json::from_value(json).unwrap();
    catalog.index()
}

fn entry(json: serde_json::Value) -> TableEntry {
    serde_json::from_value(json).unwrap()
}

fn looked_up(catalog: &Index, name: &str) -> Result<Table, NoTable> {
    let name = TableName::parse(name).unwrap();
    catalog.table(Path::new("/worlds/east"), &name, "dr-sync@example.com")
}

#[test]
fn a_table_is_found_whatever_its_case_and_spelled_as_in_the_catalog() {
    let catalog = catalog(serde_json::json!({"tables": [
        {"full_name": "main.Shop.Orders", "storage_location": "tables/orders", "new_key": 1}
    ]}));
    let table = looked_up(&catalog, "MAIN.shop.orders").unwrap();
    assert_eq!(table.name.to_string(), "main.Shop.Orders");
    assert_eq!(table.location.as_deref(), Some("/worlds/east/tables/orders"));
    assert_eq!((table.unsupported, table.denied), (None, None));
}

#[test]
fn a_table_that_is_not_there_is_refused_with_the_nearest_name() {
    let catalog = catalog(serde_json::json!({"tables": [{"full_name": "main.shop.orders"}]}));
    let refused = looked_up(&catalog, "main.shop.order").unwrap_err();
    assert_eq!(refused.nearest, ["main.shop.orders"]);
    assert!(refused.to_string().ends_with("nearest: main.shop.orders"), "{refused}");
    let refused = looked_up(&catalog, "other.x.y").unwrap_err();
    assert_eq!(refused.to_string(), "the catalog has no table other.x.y");
}

#[test]
fn a_table_without_select_is_denied_with_the_grant_that_repairs_it() {
    let catalog = catalog(serde_json::json!({"tables": [
        {"full_name": "main.crm.contacts", "grants": {"someone@example.com": ["SELECT"]}},
        {"full_name": "main.crm-eu.`odd name`", "grants": {}}
    ]}));
    let denied = looked_up(&catalog, "main.crm.contacts").unwrap().denied.unwrap();
    assert_eq!(denied.message, "dr-sync@example.com has no SELECT on it");
    let remedy = "GRANT SELECT ON TABLE main.crm.contacts TO `dr-sync@example.com`";
    assert_eq!(denied.remedy.as_ref().unwrap().to_string(), remedy);
    let denied = looked_up(&catalog, "main.crm-eu.`odd name`").unwrap().denied.unwrap();
    let remedy = "GRANT SELECT ON TABLE main.`crm-eu`.`odd name` TO `dr-sync@example.com`";
    assert_eq!(denied.remedy.as_ref().unwrap().to_string(), remedy);
}

#[test]
fn what_cannot_be_cloned_is_named() {
    for (json, said) in [
        (serde_json::json!({"table_type": "VIEW"}), Some("a view")),
        (serde_json::json!({"table_type": "MATERIALIZED_VIEW"}), Some("a materialized view")),
        (serde_json::json!({"table_type": "STREAMING_TABLE"}), Some("a streaming table")),
        (serde_json::json!({"table_type": "FOREIGN"}), Some("a foreign table")),
        (serde_json::json!({"data_source_format": "parquet"}), Some("a table in PARQUET format")),
        (serde_json::json!({"row_filter": "f"}), Some("a table with a row filter")),
        (serde_json::json!({"row_filter": null, "column_masks": []}), None),
        (serde_json::json!({"column_masks": {"a": "m"}}), Some("a table with column masks")),
        (
            serde_json::json!({"columns": [{}, {"mask": {}}, {"mask": {"f": 1}}]}),
            Some("a table with column masks"),
        ),
        (serde_json::json!({"table_type": "MANAGED", "data_source_format": "DELTA"}), None),
    ] {
        assert_eq!(
            entry(json.clone()).unsupported().map(|it| it.to_string()).as_deref(),
            said,
            "{json}"
        );
    }
}

#[test]
fn the_most_closely_covering_external_location_counts() {
    let catalog = catalog(serde_json::json!({"external_locations": [
        {"name": "all", "url": "file:///worlds"},
        {"name": "west", "url": "file:///worlds/west/sync/"},
        {"name": "bucket", "url": "abfss://dr@west.dfs.core.windows.net/"}
    ]}));
    let found = |location: &str| {
        let found = catalog.external_location(Path::new("/worlds/east"), location).unwrap();
        found.map(|entry| entry.name.clone())
    };
    assert_eq!(found("/worlds/west/sync/a/b/c").as_deref(), Some("west"));
    assert_eq!(found("file:///worlds/west/sync").as_deref(), Some("west"));
    assert_eq!(found("../west/sync").as_deref(), Some("west"));
    assert_eq!(found("/worlds/west/synchronous").as_deref(), Some("all"));
    assert_eq!(found("abfss://dr@west.dfs.core.windows.net/x").as_deref(), Some("bucket"));
    assert_eq!(found("/elsewhere"), None);
}

#[test]
fn a_secret_never_shows_its_value() {
    let catalog = catalog(serde_json::json!({"secrets": {"scope": {"key": "dapi-1"}}}));
    assert!(!format!("{catalog:?}").contains("dapi-1"));
    assert_eq!(catalog.secrets["scope"]["key"].reveal(), "dapi-1");
}

#[test]
fn a_name_that_cannot_be_read_takes_no_other_table_with_it() {
    let catalog = catalog(serde_json::json!({"tables": [
        {"full_name": "main.shop.or`ders"},
        {"full_name": "main.shop.lines"}
    ]}));
    let names: Vec<String> = catalog.names().map(ToString::to_string).collect();
    assert_eq!(names, ["main.shop.lines"]);
}

#[test]
fn a_catalog_may_begin_with_a_byte_order_mark() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}{\"name\": \"east\"}";
    std::fs::write(folder.path().join(CATALOG_FILE), text).unwrap();
    let catalog = Catalog::read(folder.path()).unwrap();
    assert_eq!(catalog.name.as_deref(), Some("east"));
}
