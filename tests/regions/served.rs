//! Regions of databricks over a sandbox over two lakehouses.

use std::collections::BTreeMap;
use std::path::Path;

use drsync::config::Connection;
use drsync::databricks::{ConnectOptions, Environment, Notice, Timing, connect};
use drsync::region::Regions;
use drsync::sandbox::{SandboxOptions, serve};
use tokio::runtime::Handle;

/// Serves the world and opens regions over what is served; the sandbox lives as long as the test's process.
pub(crate) fn open_sandbox(folder: &Path) -> Regions {
    let world = drsync::sandbox::World::of(folder.join("east"), folder.join("west"));
    let locations = [folder.join("east/sync"), folder.join("west/sync")];
    tokio::task::block_in_place(|| {
        Handle::current().block_on(async {
            let running = serve(SandboxOptions::new(world)).await.unwrap();
            let served = &running.primary;
            let token = BTreeMap::from([("DRSYNC_TOKEN_EAST".to_owned(), served.token.clone())]);
            let options = ConnectOptions {
                name: "east".to_owned(),
                address: served.url.parse().unwrap(),
                connection: Connection {
                    warehouse_id: Some(served.warehouse_id.clone()),
                    ..Connection::default()
                },
                location_primary: locations[0].display().to_string(),
                location_secondary: locations[1].display().to_string(),
                secondary: None,
                verify_rows: true,
                unbound: None,
                environment: Environment::new(token, None),
                timing: Timing::real(),
                notice: Notice::nobody(),
            };
            let connected = connect(&options).await.unwrap();
            std::mem::forget(running);
            connected.regions()
        })
    })
}
