//! The main job, end to end, on real Delta tables in two regions: lakehouses, and databricks over the sandbox over them.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

mod below;
mod checking;
mod daemon;
mod daily;
mod damage;
mod deceit;
mod drift;
mod kills;
mod leaves;
mod lost;
mod main_job;
mod odd;
mod protection;
mod proxy;
mod readers;
mod receipts;
mod retention;
mod reworded;
mod roles;
mod runbook;
mod runners;
mod sandbox_flow;
mod sources;
#[path = "../support/mod.rs"]
mod support;
mod swapped;
mod trouble;
mod writers;

/// Makes a test of every story in each form; when it is over, every cut that it made is read back.
macro_rules! stories {
    ($($subjects:tt)*) => {
        mod lakehouse {
            in_form! { Lakehouse: $($subjects)* }
        }
        mod sandbox {
            in_form! { Sandbox: $($subjects)* }
        }
    };
}

macro_rules! in_form {
    ($form:ident: $($subject:ident { $($story:ident),* $(,)? })*) => {
        $(mod $subject {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                let story = crate::$subject::$story(crate::support::world::Form::$form);
                crate::support::remembered::with_every_cut_read_back(story).await;
            })*
        })*
    };
}

stories! {
    odd {
        a_row_of_no_group_that_is_looked_at_is_told_with_its_remedy_and_stops_nothing,
        a_row_of_the_log_that_is_no_cut_stops_its_group_and_the_remedy_is_named,
        a_row_that_comes_between_plan_and_apply_stops_its_group_alone,
        a_row_that_comes_while_an_apply_works_keeps_its_cut_out_of_both_copies,
        nothing_is_cloned_where_no_number_is_left_for_the_cut,
    }
    lost {
        a_lost_cut_is_told_whatever_records_of_other_groups_and_junk_came_later,
        a_record_tells_the_newest_cut_of_groups_that_its_apply_was_not_of,
        no_number_in_a_record_that_no_cut_can_have_stops_anything,
        what_is_no_record_tells_nothing_hides_nothing_and_is_not_copied,
        where_signatures_are_asked_for_only_a_signed_record_witnesses_a_cut,
    }
    main_job {
        a_first_sync_creates_the_replica_and_both_metadata_tables,
        the_second_apply_changes_nothing,
        an_update_copies_only_what_the_replica_lacks,
        a_secondary_that_is_away_is_recorded_in_the_primary_and_heals,
        a_replica_that_someone_else_wrote_to_is_left_alone,
        a_metadata_table_deleted_on_either_side_is_cloned_back,
        an_interrupted_clone_is_found_and_completed,
        a_plan_that_was_overtaken_is_done,
        a_source_that_moved_on_does_not_make_the_plan_stale,
        a_commit_that_turns_up_before_the_recovery_point_makes_the_group_stale,
        a_group_that_leaves_and_returns_goes_on_where_it_was,
    }
    checking {
        a_plan_of_which_nothing_moved_can_be_applied_and_nothing_is_written,
        a_plan_that_was_applied_is_completed_even_after_it_expired,
        a_plan_that_was_applied_stays_so_when_its_group_gets_other_tables,
        a_plan_that_others_overtook_is_not_called_applied,
        a_group_that_the_plan_blocks_is_told_and_counts_as_in_an_apply,
        an_expired_plan_says_so,
        a_plan_that_only_changes_metadata_tables_expires_too,
        a_plan_of_metadata_tables_is_done_once_they_are_changed,
        a_commit_before_the_recovery_point_makes_it_stale_and_one_after_does_not,
        another_cut_makes_it_stale_and_a_foreign_write_blocks_it,
        a_region_that_is_away_is_no_verdict_on_the_plan,
        metadata_tables_that_cannot_be_changed_are_no_good_end,
        what_planning_finds_of_a_listed_table_stops_a_plan_from_before,
    }
    protection {
        settings_that_changed_without_a_plan_are_told_by_the_first_record_under_them,
        a_change_that_somebody_approved_is_recorded_and_told_nobody,
        a_stored_plan_that_waited_says_nothing_of_settings_that_changed_meanwhile,
        groups_that_an_apply_leaves_out_keep_the_settings_that_are_known_of_them,
    }
    roles {
        nothing_is_written_to_a_group_that_was_failed_over_until_it_is_home,
        a_plan_that_was_stored_before_a_change_of_role_writes_nothing,
        a_change_of_role_while_an_apply_works_keeps_its_cut_out,
        a_row_that_says_of_roles_what_no_change_of_role_said_does_not_hold,
        a_change_of_role_that_does_not_hold_is_copied_nowhere,
        a_mark_that_no_record_knows_is_seen_by_the_first_plan_after_it,
        a_side_that_is_active_under_a_name_of_before_stays_so,
        a_record_keeps_a_change_of_role_that_a_log_put_back_has_lost,
        an_apply_at_work_starts_no_clone_after_a_change_of_role,
        a_clone_that_fails_because_a_runbook_was_followed_is_told_as_that,
        no_cut_is_appended_where_the_primary_refuses_to_tell_its_log,
        who_slept_between_the_log_and_the_replicas_reads_the_log_again,
        who_slept_while_another_apply_committed_reads_the_log_again,
    }
    sources {
        commits_at_the_runs_end_are_in_and_one_millisecond_later_are_out,
        a_workflow_that_never_ran_makes_its_group_wait,
        deletes_and_compactions_of_the_source_arrive,
        create_or_replace_is_an_update_and_drop_and_create_a_finding,
        maintenance_on_the_replica_is_mentioned_and_harmless,
        a_table_moved_to_another_group_is_not_copied_again,
        a_name_that_changes_in_letter_case_only_keeps_its_replica,
        a_plan_that_spells_a_replicas_place_as_no_cut_does_copies_nothing,
        names_of_every_kind_arrive_under_literal_paths,
        a_plan_tells_how_the_columns_change,
    }
    writers {
        a_name_that_is_given_again_leaves_the_earlier_cuts_as_they_were,
        a_table_that_was_made_again_under_the_same_names_leaves_the_earlier_cut,
        a_sync_that_fails_on_a_file_leaves_the_cut_as_it_was,
        a_removal_under_another_spelling_removes_nothing,
        rows_that_were_written_as_no_change_of_data_arrive,
        commit_times_that_shift_make_no_other_table,
    }
    trouble {
        a_secondary_that_lost_everything_is_noticed_before_anything_is_due,
        a_plan_writes_nothing_in_any_region,
        a_primary_that_is_away_is_never_created_and_blocks_everything,
        a_truncated_commit_blocks_its_group_and_names_the_file,
        a_folder_of_somebody_else_in_the_replicas_place_is_left_alone,
        a_cut_without_its_statuses_is_a_success_at_the_next_look,
        of_two_applies_at_once_one_commits_and_the_next_plan_has_nothing_to_add,
        the_summary_is_always_the_last_event,
        the_secondary_going_away_during_an_apply_is_recorded_in_the_primary,
        a_plan_whose_regions_are_both_away_is_not_stale_and_is_applied_when_they_are_back,
        accepted_drift_is_cloned_over_and_the_replica_is_the_source_again,
        a_raised_replica_version_hides_nothing_that_others_wrote_since_the_cut,
        a_raised_replica_version_hides_nothing_where_there_was_no_replica,
        accepted_drift_is_what_was_looked_at_and_nothing_after_it,
        the_ledger_of_another_workspace_is_left_as_it_is_to_the_byte,
        a_group_that_could_not_be_read_is_part_of_how_the_apply_ended,
        where_one_replica_is_missing_the_others_are_looked_for_too,
        a_primary_that_went_away_after_the_plan_is_told_as_that,
        a_log_that_parts_is_not_copied_from_one_region_to_the_other,
    }
    damage {
        rows_that_cannot_be_read_are_put_aside_and_stop_nothing,
        cuts_that_cannot_be_read_are_put_aside_and_healed_from_the_other_region,
        rows_whose_log_is_damaged_beyond_reading_stop_no_group,
    }
}
