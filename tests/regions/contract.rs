//! The contract of `Workspace` and `Location`: what every implementation promises, one test a promise.
//!
//! A world is two folders; an implementation is a way to open regions over them: a lakehouse, and databricks over the sandbox.
//! The promises are in `contract/`, one file a subject; `contract!` makes tests of them for both.

mod cloning;
pub(crate) mod ledger;
mod looking;
pub(crate) mod world;

use world::World;

/// Makes a test of every promise for each implementation; one that Databricks cannot keep is passed over there, with the reason.
macro_rules! contract {
    ($($subject:ident { $($promise:ident $((not by databricks: $reason:literal))?),* $(,)? })*) => {
        mod lakehouse {
            $(mod $subject {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let world = crate::contract::World::new(crate::contract::world::open_lakehouse);
                    crate::contract::$subject::$promise(world.await).await;
                })*
            })*
        }
        mod databricks {
            $(mod $subject {
                $($(#[ignore = $reason])?
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let world = crate::contract::World::new(crate::served::open_sandbox);
                    crate::contract::$subject::$promise(world.await).await;
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
        a_run_that_began_days_ago_and_ended_lately_is_among_its_workflow_s_runs,
        runs_are_told_with_when_they_began_and_ended,
        what_is_running_is_listed_whatever_its_job,
        a_workflow_that_is_not_there_is_refused_with_the_nearest_name,
        a_workflow_name_that_two_jobs_have_is_a_conflict_that_names_their_ids,
        a_table_is_found_whatever_its_case_and_spelled_as_in_the_catalog,
        a_table_that_is_not_there_is_refused_and_the_others_are_answered,
        a_secret_is_read_by_its_scope_and_key,
        a_view_is_unsupported,
        a_table_without_select_is_denied_with_the_grant_that_repairs_it,
        a_history_begins_where_it_was_asked_to_and_ends_at_the_head,
        maintenance_changes_nothing,
        what_only_calls_itself_maintenance_is_a_change,
        a_write_is_a_change_whatever_it_says_and_even_if_it_writes_nothing,
        a_commit_is_known_by_what_it_says_and_not_by_its_time,
        a_table_that_was_replaced_goes_on_under_another_id,
        a_table_that_was_made_again_shows_its_whole_history,
        a_table_whose_files_are_gone_is_not_found,
        a_pin_counts_live_files_bytes_and_rows,
        a_pin_counts_live_files_of_an_older_version (not by databricks: "DESCRIBE DETAIL is of the newest version only"),
        a_pin_says_what_the_replica_lacks,
        an_estimate_is_the_difference_of_live_files (not by databricks: "Databricks lists no live files; the estimate is the difference of two details"),
        a_version_that_is_not_there_cannot_be_pinned,
        a_location_that_no_external_location_covers_is_not_found,
        a_read_only_location_is_refused,
        a_location_without_write_files_is_refused_with_the_grant_that_repairs_it,
    }
    cloning {
        where_nothing_lies_there_is_no_replica,
        a_clone_is_one_commit_that_carries_its_mark,
        a_clone_is_verified_against_its_source,
        a_clone_says_what_its_source_was_at_the_pinned_version,
        a_second_clone_copies_only_what_is_new,
        a_clone_holds_the_pinned_version_although_the_source_went_on,
        the_same_clone_again_copies_nothing_and_commits_nothing,
        a_clone_over_a_replica_that_someone_changed_is_a_conflict_that_names_them,
        a_change_that_was_looked_at_is_cloned_over_although_the_mark_is_still_there,
        a_clone_where_a_table_came_up_meanwhile_is_a_conflict,
        a_clone_over_a_replica_that_is_gone_is_a_conflict,
        maintenance_of_the_replica_does_not_stop_a_clone,
        a_replica_that_a_change_of_role_marked_meanwhile_is_not_cloned_over,
        of_two_different_clones_at_once_no_more_than_one_is_believed,
        of_two_different_clones_at_once_one_is_made (not by databricks: "CREATE OR REPLACE … CLONE takes no condition, so both may be made, one after the other"),
        the_same_clone_many_times_at_once_is_made_for_all_of_them,
        the_same_clone_many_times_at_once_is_one_commit (not by databricks: "a clone over its like copies nothing and is a commit all the same"),
        a_clone_that_was_stopped_commits_nothing_and_can_be_repeated,
        what_someone_else_wrote_to_a_replica_is_seen_with_who_and_what,
        a_replica_stands_until_anything_is_committed_to_it,
        a_restore_says_where_it_went_back_to,
        a_row_that_is_missing_in_the_replica_is_found_by_verification,
        overrides_of_retention_are_on_the_replica_and_are_no_difference,
        a_replica_s_commits_are_maintenance_or_changes_by_what_they_do,
    }
    ledger {
        where_no_ledger_was_made_there_is_none,
        a_ledger_is_made_empty_and_claimed_and_making_it_again_changes_nothing,
        a_ledger_is_cloned_with_its_rows_its_cuts_and_its_claim,
        cloning_a_ledger_leaves_what_is_there,
        rows_are_inserted_and_replaced_by_group_and_the_others_stay,
        writing_rows_that_are_there_already_commits_nothing,
        many_writers_of_rows_lose_none,
        a_row_and_a_cut_read_back_are_what_was_written,
        a_cut_that_follows_is_committed_and_repeating_it_is_no_second_one,
        a_cut_under_a_number_that_another_run_has_is_lost,
        a_cut_that_follows_another_past_has_diverged,
        a_number_may_be_left_out_and_what_follows_is_one_chain,
        of_many_cuts_of_one_group_exactly_one_is_committed,
        many_cuts_of_different_groups_are_all_committed,
        of_cuts_appended_together_each_has_its_own_answer,
        copied_cuts_are_those_that_were_missing,
        the_newest_cuts_are_those_of_now_whoever_wrote_them,
        heads_are_what_a_plan_needs_however_long_the_log,
        a_ledger_whose_files_were_made_one_says_the_same,
        a_log_of_an_earlier_version_gets_columns_when_a_cut_needs_them,
        of_writers_that_need_columns_at_once_all_come_through,
        what_a_later_version_wrote_is_read_copied_and_hashed_as_it_is,
        evidence_is_kept_once_and_read_as_it_was_written,
        evidence_is_one_file_a_document (not by databricks: "no call of Databricks writes a file to an external location; evidence is rows of a table"),
        run_records_are_read_oldest_first_within_their_bounds,
        what_is_no_record_is_passed_over_and_told,
    }
}
