//! The contract of `Region`, kept by databricks over the sandbox over two lakehouses.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

#[path = "region/cloning.rs"]
#[allow(dead_code, reason = "shared with the other implementations")]
mod cloning;
#[path = "region/ledger.rs"]
#[allow(dead_code, reason = "shared with the other implementations")]
mod ledger;
#[path = "region/looking.rs"]
#[allow(dead_code, reason = "shared with the other implementations")]
mod looking;
#[path = "region/world.rs"]
#[allow(dead_code, reason = "shared with the other implementations")]
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use drsync::databricks::{ConnectOptions, Environment, Notice, Timing, connect};
use drsync::region::Regions;
use drsync::sandbox::{Options, serve};
use tokio::runtime::Handle;

use world::World;

/// Serves the world and opens regions over what is served; the sandbox lives as long as the test's process.
fn open_sandbox(folder: &Path) -> Regions {
    let world = drsync::sandbox::World::of(folder.join("east"), folder.join("west"));
    let locations = [folder.join("east/sync"), folder.join("west/sync")];
    tokio::task::block_in_place(|| {
        Handle::current().block_on(async {
            let running = serve(Options::new(world)).await.unwrap();
            let served = &running.primary;
            let token = BTreeMap::from([("DRSYNC_TOKEN_EAST".to_owned(), served.token.clone())]);
            let options = ConnectOptions {
                name: "east".to_owned(),
                address: served.url.parse().unwrap(),
                secret_scope: None,
                pat_key: None,
                profile: None,
                warehouse_id: Some(served.warehouse_id.clone()),
                location_primary: locations[0].display().to_string(),
                location_secondary: locations[1].display().to_string(),
                secondary: None,
                watch: None,
                verify_rows: true,
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

/// Makes a test of every promise that Databricks keeps too.
///
/// Left out: what Databricks does not tell (rows of replicas, live files at a version, the nearest name), what it words otherwise,
/// where evidence lies, and what only a conditional commit can give to clones.
macro_rules! contract {
    ($($subject:ident { $($promise:ident),* $(,)? })*) => {
        mod sandbox {
            $(mod $subject {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$subject::$promise(crate::World::new(crate::open_sandbox).await).await;
                })*
            })*
        }
    };
}

contract! {
    looking {
        a_region_is_there_and_says_who_asks,
        a_region_without_its_root_is_away_and_the_root_is_not_made,
        a_workflow_is_found_by_name_or_id_with_its_runs_newest_first,
        a_workflow_name_that_two_jobs_have_is_a_conflict_that_names_their_ids,
        a_table_is_found_whatever_its_case_and_spelled_as_in_the_catalog,
        a_view_is_unsupported,
        a_history_begins_where_it_was_asked_to_and_ends_at_the_head,
        maintenance_changes_nothing,
        a_table_that_was_replaced_goes_on_under_another_id,
        a_table_that_was_made_again_shows_its_whole_history,
        a_table_whose_files_are_gone_is_not_found,
        a_version_that_is_not_there_cannot_be_pinned,
        a_location_that_no_external_location_covers_is_not_found,
        a_read_only_location_is_refused,
        a_location_without_write_files_is_refused_with_the_grant_that_repairs_it,
    }
    cloning {
        where_nothing_lies_there_is_no_replica,
        a_clone_is_verified_against_its_source,
        a_clone_says_what_its_source_was_at_the_pinned_version,
        a_clone_where_a_table_came_up_meanwhile_is_a_conflict,
        a_clone_over_a_replica_that_is_gone_is_a_conflict,
        what_someone_else_wrote_to_a_replica_is_seen_with_who_and_what,
        a_row_that_is_missing_in_the_replica_is_found_by_verification,
        overrides_of_retention_are_on_the_replica_and_are_no_difference,
    }
    ledger {
        where_no_ledger_was_made_there_is_none,
        a_ledger_is_made_empty_and_claimed_and_making_it_again_changes_nothing,
        a_ledger_is_cloned_with_its_rows_its_cuts_and_its_claim,
        cloning_a_ledger_leaves_what_is_there,
        rows_are_inserted_and_replaced_by_group_and_the_others_stay,
        many_writers_of_rows_lose_none,
        a_row_and_a_cut_read_back_are_what_was_written,
        a_cut_that_follows_is_committed_and_repeating_it_is_no_second_one,
        a_cut_under_a_number_that_another_run_has_is_lost,
        a_cut_that_follows_another_past_has_diverged,
        of_many_cuts_of_one_group_exactly_one_is_committed,
        many_cuts_of_different_groups_are_all_committed,
        copied_cuts_are_those_that_were_missing,
        a_ledger_whose_files_were_made_one_says_the_same,
    }
}
