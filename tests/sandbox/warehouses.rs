//! The SQL warehouse.

use serde_json::json;

use crate::world::Sandbox;

#[tokio::test]
async fn a_warehouse_tells_the_host_and_the_port_apart() {
    let sandbox = Sandbox::new().await;
    let id = &sandbox.primary().warehouse_id;
    let told = sandbox.get(&format!("/api/2.0/sql/warehouses/{id}")).await;
    let (_, port) = sandbox.primary().url.rsplit_once(':').unwrap();
    assert_eq!(
        told.body["odbc_params"],
        json!({
            "hostname": "127.0.0.1", "port": port.parse::<u16>().unwrap(), "protocol": "http",
            "path": format!("/sql/1.0/warehouses/{id}"),
        })
    );
}
