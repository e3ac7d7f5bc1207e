use super::*;

fn jobs(json: serde_json::Value) -> JobsFile {
    serde_json::from_value(json).unwrap()
}

fn state(run: serde_json::Value) -> RunState {
    serde_json::from_value::<JobRun>(run).unwrap().run_state()
}

#[test]
fn a_run_succeeded_only_if_the_whole_run_did() {
    let ended = |result: &str| serde_json::json!({"end_time": 5, "result_state": result});
    assert_eq!(state(ended("SUCCESS")), RunState::Succeeded);
    for failed in
        ["SUCCESS_WITH_FAILURES", "FAILED", "TIMEDOUT", "CANCELED", "UPSTREAM_FAILED", "new"]
    {
        assert_eq!(state(ended(failed)), RunState::Failed, "{failed}");
    }
    for never in
        ["EXCLUDED", "DISABLED", "MAXIMUM_CONCURRENT_RUNS_REACHED", "SKIPPED", "UPSTREAM_CANCELED"]
    {
        assert_eq!(state(ended(never)), RunState::NotBegun, "{never}");
    }
}

#[test]
fn a_run_without_an_end_is_active_unless_it_is_still_queued() {
    for (stands, expected) in [
        ("RUNNING", RunState::Active),
        ("PENDING", RunState::Active),
        ("TERMINATING", RunState::Active),
        ("WAITING_FOR_RETRY", RunState::Active),
        ("WAITING", RunState::Active),
        ("BLOCKED", RunState::Active),
        ("QUEUED", RunState::NotBegun),
        ("SKIPPED", RunState::NotBegun),
    ] {
        let run = serde_json::json!({"end_time": 0, "life_cycle_state": stands});
        assert_eq!(state(run), expected, "{stands}");
    }
}

#[test]
fn the_spellings_of_jobs_2_1_and_2_2_are_read() {
    let older = serde_json::json!({"end_time": 5, "state": {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"}});
    let newer = serde_json::json!({"end_time": 5, "status": {"state": "TERMINATED", "termination_details": {"code": "SUCCESS"}}});
    let canceled = serde_json::json!({"end_time": 5, "status": {"state": "TERMINATED", "termination_details": {"code": "USER_CANCELED"}}});
    assert_eq!(state(older), RunState::Succeeded);
    assert_eq!(state(newer), RunState::Succeeded);
    assert_eq!(state(canceled), RunState::Failed);
    assert_eq!(state(serde_json::json!({"status": {"state": "RUNNING"}})), RunState::Active);
}

#[test]
fn the_runs_asked_for_come_newest_first_with_their_milliseconds_and_the_newest_success_in_any_case()
{
    let jobs = jobs(serde_json::json!({"jobs": [{"job_id": 7, "name": "j", "runs": [
        {"run_id": 1, "start_time": 100, "end_time": 200, "result_state": "SUCCESS"},
        {"run_id": 2, "start_time": 1_700_000_000_123_i64, "end_time": 1_700_000_000_456_i64, "result_state": "FAILED"},
        {"run_id": 3, "start_time": 1_700_000_001_000_i64, "end_time": 0, "life_cycle_state": "RUNNING"}
    ]}]}));
    let asked = WorkflowRef::Name("j".into());
    let ids = |since: Option<i64>| -> Vec<i64> {
        let since = since.map(moment);
        jobs.find(&asked, since).unwrap().runs.iter().map(|run| run.run_id).collect()
    };
    assert_eq!(ids(None), [3, 2, 1]);
    // The newest success tells that there was one.
    assert_eq!(ids(Some(200)), [3, 2, 1]);
    assert_eq!(ids(Some(1_800_000_000_000)), [3, 2, 1]);
    let found = jobs.find(&asked, None).unwrap();
    assert_eq!(found.runs[1].ended_at.unwrap().timestamp_subsec_millis(), 456);
    assert_eq!(found.runs[0].ended_at, None);
}

#[test]
fn a_workflow_is_found_by_exact_name_or_id_and_never_guessed() {
    let jobs = jobs(serde_json::json!({"jobs": [
        {"job_id": 7, "name": "orders_job"}, {"job_id": 8, "name": "twice"}, {"job_id": 9, "settings": {"name": "twice"}}
    ]}));
    assert_eq!(jobs.find(&WorkflowRef::Id(7), None).unwrap().name, "orders_job");
    let missing = jobs.find(&WorkflowRef::Name("Orders_job".into()), None).unwrap_err();
    assert_eq!(missing.kind, RegionErrorKind::NotFound);
    assert!(
        missing.detail.to_string().ends_with("nearest: orders_job (job 7)"),
        "{}",
        missing.detail
    );
    let twice = jobs.find(&WorkflowRef::Name("twice".into()), None).unwrap_err();
    assert_eq!(twice.kind, RegionErrorKind::Conflict);
    assert!(twice.detail.to_string().ends_with("id:8, id:9"), "{}", twice.detail);
}

#[test]
fn a_job_starts_by_itself_unless_everything_that_starts_it_is_paused() {
    use crate::region::PauseStatus::{Paused, Unpaused, Unscheduled};
    let (paused, unpaused) = ("PAUSED", "UNPAUSED");
    for (job, status) in [
        (serde_json::json!({}), Unscheduled),
        (serde_json::json!({"schedule_paused": false}), Unpaused),
        (serde_json::json!({"schedule_paused": true, "schedule": {}}), Paused),
        (serde_json::json!({"schedule": {"pause_status": paused}}), Paused),
        (serde_json::json!({"schedule": {"pause_status": unpaused}}), Unpaused),
        (serde_json::json!({"settings": {"continuous": {"pause_status": unpaused}}}), Unpaused),
        (
            serde_json::json!({"settings": {"schedule": {"pause_status": paused}, "trigger": {}}}),
            Unpaused,
        ),
    ] {
        let read: JobEntry = serde_json::from_value(job.clone()).unwrap();
        assert_eq!(read.pause_status(), status, "{job}");
    }
}

#[test]
fn a_file_may_begin_with_a_byte_order_mark() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}{\"jobs\": [{\"job_id\": 7}]}";
    std::fs::write(folder.path().join(JOBS_FILE), text).unwrap();
    assert_eq!(JobsFile::read(folder.path()).unwrap().jobs[0].job_id, 7);
}

#[test]
fn a_time_that_no_clock_shows_is_refused_with_its_file_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(JOBS_FILE);
    for key in ["start_time", "end_time"] {
        let run = serde_json::json!({"run_id": 5, (key): i64::MAX});
        let jobs = serde_json::json!({"jobs": [{"job_id": 7, "runs": [run]}]});
        std::fs::write(&file, jobs.to_string()).unwrap();
        let refused = JobsFile::read(folder.path()).unwrap_err();
        let expected = format!(
            "{}: job 7, run 5: {key} {} is no time in milliseconds since 1970; repair the file",
            file.display(),
            i64::MAX
        );
        assert_eq!(refused.to_string(), expected);
    }
}
