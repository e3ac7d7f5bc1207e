//! Unity Catalog.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::Sandbox;

const UC: &str = "/api/2.1/unity-catalog";

#[tokio::test]
async fn a_table_is_told_with_its_id_place_and_columns() {
    let sandbox = Sandbox::new().await;
    let table = sandbox.get(&format!("{UC}/tables/main.SHOP.orders")).await.body;
    assert_eq!(table["full_name"], "main.shop.orders");
    assert_eq!(
        (&table["table_type"], &table["data_source_format"]),
        (&json!("MANAGED"), &json!("DELTA"))
    );
    assert_eq!(table["storage_location"], json!(sandbox.path("east/tables/shop_orders")));
    assert_eq!(table["columns"][0]["type_name"], "LONG");
    let detail = sandbox.rows("SELECT id FROM (DESCRIBE DETAIL main.shop.orders)").await;
    assert_eq!(detail, [json!([table["table_id"]])]);
}

#[tokio::test]
async fn what_is_not_there_and_what_may_not_be_read_are_refused_differently() {
    let sandbox = Sandbox::new().await;
    let missing = sandbox.get(&format!("{UC}/tables/main.shop.nope")).await;
    assert_eq!(
        (missing.status.as_u16(), &missing.body["error_code"]),
        (404, &json!("TABLE_DOES_NOT_EXIST"))
    );
    assert!(missing.body["details"][1]["request_id"].is_string());
    let denied = sandbox.get(&format!("{UC}/tables/main.crm.contacts")).await;
    assert_eq!(
        (denied.status.as_u16(), &denied.body["error_code"]),
        (403, &json!("PERMISSION_DENIED"))
    );
    let browsed =
        sandbox.get(&format!("{UC}/tables/main.crm.contacts?include_browse=true")).await.body;
    assert_eq!(browsed["browse_only"], true);
    let exists = sandbox.get(&format!("{UC}/tables/main.crm.contacts/exists")).await.body;
    assert_eq!(exists, json!({"table_exists": true}));
    assert_eq!(sandbox.get(&format!("{UC}/tables/nope")).await.status, 400);
}

#[tokio::test]
async fn lists_are_paged_and_a_page_may_be_empty() {
    let sandbox = Sandbox::new().await;
    let list =
        format!("{UC}/tables?catalog_name=main&schema_name=shop&max_results=2&omit_columns=true");
    let (mut names, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = sandbox.get(&format!("{list}&page_token={token}")).await.body;
        pages += 1;
        names.extend(
            page["tables"].as_array().into_iter().flatten().map(|table| table["name"].clone()),
        );
        assert_eq!(page["tables"][0]["columns"], Value::Null);
        match page["next_page_token"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(
        (names, pages),
        (vec![json!("daily_totals"), json!("order_lines"), json!("orders")], 3)
    );
    let summaries = sandbox
        .get(&format!("{UC}/table-summaries?catalog_name=main&table_name_pattern=order%25"))
        .await
        .body;
    assert_eq!(summaries["tables"].as_array().unwrap().len(), 2);
    assert_eq!(
        sandbox.get(&format!("{UC}/schemas?catalog_name=main")).await.body["schemas"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    assert_eq!(sandbox.get(&format!("{UC}/catalogs")).await.body["catalogs"][0]["name"], "main");
}

#[tokio::test]
async fn privileges_are_told_given_and_taken() {
    let sandbox = Sandbox::new().await;
    let path = format!("{UC}/permissions/table/main.crm.contacts");
    let told = sandbox.get(&path).await.body;
    assert_eq!(
        told["privilege_assignments"],
        json!([{"principal": "crm-team@example.com", "privileges": ["SELECT"]}])
    );
    let change = json!({"changes": [{"principal": "dr-sync@example.com", "add": ["SELECT"]}]});
    sandbox.send(Method::PATCH, &path, Some(change)).await.unwrap();
    assert_eq!(sandbox.get(&format!("{UC}/tables/main.crm.contacts")).await.status, 200);
    let mine = "main.crm.contacts?principal=dr-sync%40example.com";
    let effective = sandbox.get(&format!("{UC}/effective-permissions/TABLE/{mine}")).await.body;
    let privileges = effective["privilege_assignments"][0]["privileges"].as_array().unwrap();
    assert!(privileges.contains(&json!({"privilege": "SELECT"})));
    assert!(privileges.iter().any(|it| it["inherited_from_type"] == "CATALOG"));
    sandbox.rows("REVOKE SELECT ON TABLE main.crm.contacts FROM `dr-sync@example.com`").await;
    assert_eq!(sandbox.get(&format!("{UC}/tables/main.crm.contacts")).await.status, 403);
    assert_eq!(sandbox.get(&format!("{path}?max_results=100")).await.status, 400);
}

#[tokio::test]
async fn external_locations_say_where_may_be_written() {
    let sandbox = Sandbox::new().await;
    let west = sandbox.path("west/sync").display().to_string();
    sandbox
        .east()
        .edit_catalog(|catalog| {
            catalog["external_locations"] =
                json!([{"name": "west", "url": west, "read_only": false, "grants": {"other": ["WRITE_FILES"]}}]);
        })
        .unwrap();
    let first = sandbox.get(&format!("{UC}/external-locations?max_results=0")).await.body;
    assert_eq!(first["external_locations"], Value::Null);
    let token = first["next_page_token"].as_str().unwrap();
    let second = sandbox
        .get(&format!("{UC}/external-locations?max_results=0&page_token={token}"))
        .await
        .body;
    assert_eq!(second["external_locations"][0]["url"], format!("file://{west}/"));
    let dry = json!({"url": format!("{west}/x"), "operation": "PATH_READ_WRITE", "dry_run": true});
    let credentials = "/api/2.0/unity-catalog/temporary-path-credentials";
    let refused = sandbox.post(credentials, dry.clone()).await;
    assert_eq!(refused.status, 403);
    assert!(refused.body["message"].as_str().unwrap().contains("WRITE FILES"));
    sandbox
        .rows("GRANT WRITE FILES, READ FILES ON EXTERNAL LOCATION west TO `dr-sync@example.com`")
        .await;
    assert_eq!(sandbox.post(credentials, dry).await.status, 200);
    let validated = sandbox
        .post(
            &format!("{UC}/validate-storage-credentials"),
            json!({"external_location_name": "west"}),
        )
        .await
        .body;
    assert_eq!(
        (&validated["isDir"], &validated["results"][2]["result"]),
        (&json!(true), &json!("PASS"))
    );
    let elsewhere = json!({"url": "/elsewhere", "operation": "PATH_READ_WRITE", "dry_run": true});
    assert_eq!(sandbox.post(credentials, elsewhere).await.status, 404);
}

#[tokio::test]
async fn two_workspaces_have_two_metastores() {
    let sandbox = Sandbox::new().await;
    let here = sandbox.get(&format!("{UC}/metastore_summary")).await.body;
    let assignment = sandbox.get(&format!("{UC}/current-metastore-assignment")).await.body;
    assert_eq!(here["metastore_id"], assignment["metastore_id"]);
    assert_eq!(assignment["default_catalog_name"], "main");
    let there = &sandbox.running.secondary;
    let request = sandbox
        .client()
        .get(format!("{}{UC}/metastore_summary", there.url))
        .bearer_auth(&there.token);
    let there: Value = request.send().await.unwrap().json().await.unwrap();
    assert_ne!(here["metastore_id"], there["metastore_id"]);
}

#[tokio::test]
async fn a_privilege_that_a_thing_does_not_have_is_refused() {
    let sandbox = Sandbox::new().await;
    let table = format!("{UC}/permissions/table/main.shop.orders");
    for privilege in ["FLY", "WRITE_FILES"] {
        let change = json!({"changes": [{"principal": "bob", "add": [privilege]}]});
        let refused = sandbox.send(Method::PATCH, &table, Some(change)).await;
        let refused = refused.unwrap();
        assert_eq!(refused.status, 400, "{}", refused.body);
        let message = refused.body["message"].as_str().unwrap();
        let words = format!("Privilege {privilege} is not applicable to this entity");
        assert!(message.starts_with(&words), "{message}");
    }
    assert!(!sandbox.get(&table).await.body.to_string().contains("bob"));
    let said = sandbox.failure("GRANT FLY ON TABLE main.shop.orders TO bob").await;
    assert!(said.contains("Privilege FLY is not applicable"), "{said}");
}

#[tokio::test]
async fn credentials_are_only_for_places_that_the_catalog_knows() {
    let sandbox = Sandbox::new().await;
    let credentials = "/api/2.0/unity-catalog/temporary-path-credentials";
    for operation in ["PATH_READ", "PATH_READ_WRITE"] {
        let there = json!({"url": sandbox.path("west/sync/x"), "operation": operation});
        assert_eq!(sandbox.post(credentials, there).await.status, 200);
        let etc = json!({"url": "/etc", "operation": operation});
        let refused = sandbox.post(credentials, etc).await;
        assert_eq!(refused.status, 404, "{}", refused.body);
        assert_eq!(refused.body["error_code"], "EXTERNAL_LOCATION_DOES_NOT_EXIST");
    }
    let validate = format!("{UC}/validate-storage-credentials");
    for nowhere in [
        json!({"external_location_name": "nope", "url": sandbox.path("west/sync")}),
        json!({"external_location_name": "nope"}),
        json!({"url": "/etc"}),
    ] {
        let refused = sandbox.post(&validate, nowhere).await;
        assert_eq!(refused.status, 404, "{}", refused.body);
    }
}

#[tokio::test]
async fn external_locations_are_listed_by_sql() {
    let sandbox = Sandbox::new().await;
    let url = |folder: &str| format!("file://{}/", sandbox.path(folder).display());
    assert_eq!(
        sandbox.rows("SHOW EXTERNAL LOCATIONS").await,
        [
            json!(["sync_primary", url("east/sync"), null]),
            json!(["sync_secondary", url("west/sync"), null]),
        ]
    );
    let one = sandbox.rows("SHOW EXTERNAL LOCATIONS LIKE '*primary'").await;
    assert_eq!(one.len(), 1);
}

#[tokio::test]
async fn files_of_a_location_are_read_with_read_files_only() {
    let sandbox = Sandbox::new().await;
    let west = sandbox.path("west/sync").display().to_string();
    let orders = sandbox.replica("shop/orders");
    let clone = format!("CREATE OR REPLACE TABLE {orders} DEEP CLONE main.shop.orders");
    sandbox.rows(&clone).await;
    sandbox
        .east()
        .edit_catalog(|catalog| {
            let grants = json!({"dr-sync@example.com": ["WRITE_FILES"]});
            catalog["external_locations"] =
                json!([{"name": "west", "url": west, "grants": grants}]);
        })
        .unwrap();
    let asked = [
        format!("LIST '{west}'"),
        format!("SELECT count(*) FROM {orders}"),
        format!("DESCRIBE HISTORY {orders}"),
        clone,
    ];
    for sql in &asked {
        let refused = sandbox.failure(sql).await;
        assert!(refused.contains("READ FILES on"), "{sql}: {refused}");
        assert!(
            refused.contains("external location west")
                || refused.contains("External Location 'west'"),
            "{refused}"
        );
    }
    sandbox.rows("GRANT READ FILES ON EXTERNAL LOCATION west TO `dr-sync@example.com`").await;
    for sql in &asked {
        sandbox.rows(sql).await;
    }
}
