//! Small builders of documents; what a test does not say is as it is when everything agrees.

use chrono::{DateTime, Utc};
use drsync::apply::{
    self, GroupOutcome, GroupRecord, RecordedIn, RunRecord, RunSummary, TakenDown,
};
use drsync::config::TableName;
use drsync::formats::{PLAN, RUN};
use drsync::ledger::Consistency;
use drsync::plan::document::*;
use drsync::plan::{
    Acceptance, Advice, Deed, Finding, FindingCode, Provenance, ReasonCode, Remedy, Severity,
    Warning, WarningCode,
};
use drsync::region::{Estimate, EstimateBasis, Grant};
use drsync::render::card::cards;
use drsync::render::page::Page;
use drsync::render::writers::{Form, write, write_all};
use drsync::render::{Style, sections};

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const GIB: u64 = 1 << 30;

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

pub(crate) fn narrow() -> Style {
    Style::default()
}

pub(crate) fn verbose() -> Style {
    Style { verbose: true, ..Style::default() }
}

/// A plan of one workspace with both regions there and nothing to write.
pub(crate) fn plan(groups: Vec<GroupPlan>) -> Plan {
    let seen = |location: &str| RegionSeen {
        clock: None,
        workspace: None,
        location: location.to_owned(),
        reachable: true,
        answer: None,
        refused: None,
        role: None,
        principal: Some("dr-sync@example.com".to_owned()),
        observed_at: at("2026-11-22T10:59:20Z"),
    };
    let mut plan = Plan {
        kind: PLAN.kind.to_owned(),
        format_version: PLAN.version.to_owned(),
        tool: Tool { name: "drsync".to_owned(), version: "0.1.0".to_owned() },
        plan_id: "01M81EJNE0N3V5T7K2M0XBCEF0".to_owned(),
        provenance: Provenance::of_actor("user:someone"),
        created_at: at("2026-11-22T10:59:36Z"),
        expires_at: at("2026-11-25T10:59:36Z"),
        expiry_reason: "max age 72h".into(),
        max_age_hours: Some(72),
        complete: true,
        applyable: false,
        selection: Selection::default(),
        config: ConfigSource {
            source: "drsync.json".to_owned(),
            sha256: "5c7a".repeat(16),
            effective_sha256: "e19b".repeat(16),
            secret_refs: vec![],
        },
        workspaces: vec![WorkspacePlan {
            name: "east".to_owned(),
            connection: drsync::config::Connection::default(),
            observed: BothRegions {
                primary: seen("abfss://dr@east.dfs.core.windows.net"),
                secondary: seen("abfss://dr@west.dfs.core.windows.net"),
                shared_answer: None,
            },
            whole_look: false,
            unwatched: None,
            metadata: vec![],
            rows: vec![],
            groups,
            settings: None,
            moved: Default::default(),
            needed: vec![],
            settings_changes: vec![],
            settings_compared_with: None,
            settings_not_compared: None,
        }],
        warnings: vec![],
        accepted: vec![],
        summary: Summary::default(),
        due_anyway: None,
        effect_sha256: "0e6c41d2".repeat(8),
        observed_clock: ObservedClock { now: at("2026-11-22T10:59:18Z"), overridden: false },
        unprotected: vec![],
        document_sha256: String::new(),
    };
    let estimates: Vec<Estimate> = plan
        .groups()
        .flat_map(|(_, group)| group.steps.iter().filter_map(|step| step.estimate))
        .collect();
    plan.summary.copy_bytes = estimates.iter().map(|one| one.copy_bytes).sum();
    plan.summary.copy_files = estimates.iter().map(|one| one.copy_files).sum();
    let applyable = plan.groups().any(|(_, group)| group.decision == Decision::Sync);
    plan.applyable = applyable;
    plan
}

/// A group that is up to date.
pub(crate) fn group(name: &str) -> GroupPlan {
    GroupPlan {
        members: vec![],
        name: name.to_owned(),
        decision: Decision::UpToDate,
        reason: Reason::new(ReasonCode::NothingNew, "nothing newer than cut 41"),
        trigger: None,
        recovery_point: None,
        consistency: None,
        follows_cut: Some(41),
        follows_sha256: None,
        lost_cut: None,
        last_cut: Some(LastCut {
            number: 41,
            recovery_point: at("2026-11-21T21:40:07Z"),
            consistency: Consistency::WorkflowConsistent,
        }),
        certificate: None,
        steps: vec![],
        findings: vec![],
        source_maintenance: vec![],
        drift: vec![],
        pending_commits: Some(0),
        lag_seconds: Some(0),
        failed_over: None,
        checked: None,
        loss: None,
        loss_until_applied: None,
        jobs: vec![],
        grants: None,
        rpo_seconds: Some(12 * 3600),
        max_retries: 3,
        tables: 4,
        crash_consistent_from: None,
        next_due_at: None,
        columns: vec![],
        owner_emails: vec![],
        settings: None,
    }
}

pub(crate) fn waiting(name: &str, code: ReasonCode, message: &str) -> GroupPlan {
    GroupPlan {
        decision: Decision::Waiting,
        reason: Reason::new(code, message.to_owned()),
        ..group(name)
    }
}

pub(crate) fn blocked(name: &str, findings: Vec<Finding>) -> GroupPlan {
    GroupPlan {
        decision: Decision::Blocked,
        reason: Reason::new(ReasonCode::Blocked, "blocked"),
        findings,
        ..group(name)
    }
}

pub(crate) fn sync(name: &str, steps: Vec<Step>) -> GroupPlan {
    GroupPlan {
        decision: Decision::Sync,
        reason: Reason::new(
            ReasonCode::WorkflowSucceeded,
            format!("{name}_job run 98231 succeeded at 2026-11-22T09:41:07.500Z"),
        ),
        trigger: Some(Trigger {
            kind: TriggerKind::Workflow,
            workflow: Some(format!("{name}_job")),
            run_id: Some(98231),
        }),
        recovery_point: Some(at("2026-11-22T09:41:07.500Z")),
        consistency: Some(Consistency::WorkflowConsistent),
        tables: steps.len(),
        lag_seconds: Some(4_711),
        steps,
        ..group(name)
    }
}

/// The first sync of a group.
pub(crate) fn first_sync(name: &str, steps: Vec<Step>) -> GroupPlan {
    GroupPlan { follows_cut: None, last_cut: None, ..sync(name, steps) }
}

pub(crate) fn step(
    action: Action,
    table: &str,
    from: Option<u64>,
    to: u64,
    copy: Option<(u64, u64)>,
) -> Step {
    let mut table_name = table.split('.');
    let mut part = || table_name.next().expect("three parts").to_owned();
    Step {
        id: format!("group/{table}"),
        table: TableName::new(part(), part(), part()),
        action,
        source: SourcePin {
            table_id: "3a".to_owned(),
            catalog_id: None,
            version: to,
            committed_at: at("2026-11-22T09:40:58.001Z"),
            commit_sha256: None,
            next_committed_at: None,
            head_version: to,
            bytes: None,
            files: copy.map(|(_, files)| files * 10),
            rows: None,
            readable_until: None,
            only_while_newest: false,
            location: None,
        },
        replica: ReplicaPin {
            location: format!("abfss://dr@west.dfs.core.windows.net/{table}"),
            path: table.replace('.', "/"),
            version: from,
            holds_source_version: from,
            doubted: false,
            overwrites: vec![],
        },
        properties: Default::default(),
        statement: None,
        estimate: copy.map(|(copy_bytes, copy_files)| Estimate {
            copy_bytes,
            copy_files,
            basis: EstimateBasis::LiveFiles,
        }),
        preconditions: vec![],
        brings: None,
        schema: None,
    }
}

pub(crate) fn update(table: &str, from: u64, to: u64, bytes: u64, files: u64) -> Step {
    step(Action::Update, table, Some(from), to, Some((bytes, files)))
}

pub(crate) fn create(table: &str, to: u64, bytes: u64, files: u64) -> Step {
    step(Action::Create, table, None, to, Some((bytes, files)))
}

pub(crate) fn no_op(table: &str, at: u64) -> Step {
    step(Action::NoOp, table, Some(at), at, None)
}

pub(crate) fn finding(
    code: FindingCode,
    table: Option<&str>,
    message: &str,
    remedy: Option<Remedy>,
) -> Finding {
    Finding {
        code,
        severity: Severity::Block,
        table: table.map(str::to_owned),
        message: message.into(),
        remedy,
    }
}

/// The right to read a table, given by its name.
pub(crate) fn select_on(table: &str) -> Option<Remedy> {
    let parts: Vec<&str> = table.splitn(3, '.').collect();
    let [catalog, schema, table] = parts[..] else { panic!("no name of a table: {table}") };
    let table = TableName::new(catalog, schema, table);
    Some(Remedy::Grant(Grant::select(&table, "dr-sync@example.com")))
}

/// A statement to run.
pub(crate) fn sql(text: &str) -> Option<Remedy> {
    Some(Remedy::Sql(text.to_owned()))
}

/// Something to do, in words.
pub(crate) fn words(text: &str) -> Option<Remedy> {
    Some(Remedy::Advice(Advice { deed: None, words: text.into() }))
}

/// The same of which the document tells what it is.
pub(crate) fn to_do(deed: Deed, text: &str) -> Option<Remedy> {
    Some(Remedy::Advice(Advice { deed: Some(deed), words: text.into() }))
}

/// A finding that may be let through.
pub(crate) fn acceptance(code: FindingCode, scope: &str) -> Option<Remedy> {
    Some(Remedy::Acceptance(Acceptance { code, scope: scope.to_owned() }))
}

pub(crate) fn not_readable(table: &str) -> Finding {
    finding(
        FindingCode::TableNotReadable,
        Some(table),
        &format!("dr-sync@example.com lacks SELECT on {table}"),
        select_on(table),
    )
}

pub(crate) fn warning(code: WarningCode, group: &str, message: &str) -> Warning {
    Warning {
        code,
        workspace: None,
        group: Some(group.to_owned()),
        table: None,
        message: message.into(),
    }
}

/// What becomes of the metadata tables, the same in both regions.
pub(crate) fn metadata(
    action: LedgerAction,
    add: &[&str],
    change: &[&str],
    retire: &[&str],
) -> Vec<MetadataAction> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    [Role::Primary, Role::Secondary]
        .map(|region| MetadataAction {
            region,
            action,
            table_version: Some(7),
            rows_to_add: owned(add),
            rows_to_change: owned(change),
            rows_to_retire: owned(retire),
            cuts_to_copy: 0,
            put_aside: vec![],
            mend: vec![],
        })
        .to_vec()
}

pub(crate) fn away(plan: &mut Plan, role: Role, answer: &str) {
    let observed = &mut plan.workspaces[0].observed;
    let seen = match role {
        Role::Primary => &mut observed.primary,
        Role::Secondary => &mut observed.secondary,
    };
    seen.reachable = false;
    seen.answer = Some(answer.into());
}

/// Both regions of the workspace took everything down.
fn in_both() -> RecordedIn {
    let all =
        TakenDown { rows: Some(true), cuts: Some(true), plan: Some(true), record: Some(true) };
    RecordedIn { workspace: "east".to_owned(), primary: all, secondary: all }
}

/// The record of an apply of six minutes.
pub(crate) fn run(groups: Vec<GroupRecord>, code: u8, name: &str) -> RunRecord {
    RunRecord {
        kind: RUN.kind.to_owned(),
        format_version: RUN.version.to_owned(),
        run_id: "01JD9Z8M000000000001JDA2C7".to_owned(),
        plan_id: "01JD9Z6W4Q8N3V5T7K2M0XBCEF".to_owned(),
        plan_sha256: String::new(),
        effect_sha256: String::new(),
        started_at: at("2026-11-22T11:02:03Z"),
        ended_at: at("2026-11-22T11:08:44Z"),
        clock_overridden: false,
        approval: Some(drsync::apply::Approval::None),
        quiet: false,
        provenance: Provenance::of_actor("user:someone"),
        exit: apply::Exit { code, name: name.to_owned() },
        groups,
        metadata: vec![],
        registered: vec![],
        warnings: vec![],
        summary: RunSummary { copied_bytes: 19 * GIB, copied_files: 96, ..RunSummary::default() },
        configurations: Default::default(),
        newest_cuts: Default::default(),
        newest_roles: Default::default(),
        settings: Default::default(),
        settings_changed: vec![],
        whole_looks: vec![],
        notified: None,
        accepted: vec![],
        unprotected: vec![],
        recorded: Some(vec![in_both()]),
        not_recorded: Some(vec![]),
        previous_run_sha256: None,
        other_previous_sha256: vec![],
        previous_elsewhere: vec![],
        previous_unseen: false,
        signed_by: None,
        record_sha256: None,
    }
}

pub(crate) fn ended(name: &str, outcome: GroupOutcome, message: Option<&str>) -> GroupRecord {
    GroupRecord {
        workspace: "east".to_owned(),
        name: name.to_owned(),
        outcome,
        ending: None,
        message: message.map(Into::into),
        cut: None,
        recovery_point: None,
        checked: None,
        loss: None,
        lost_with: None,
        jobs: vec![],
        grants: None,
        tables: vec![],
    }
}

/// A page on a screen.
pub(crate) fn written(page: &Page, style: &Style) -> String {
    write(page, Form::Text(*style))
}

/// What is said after an apply.
pub(crate) fn run_text(
    plan: &Plan,
    record: &RunRecord,
    kept: Option<&str>,
    style: &Style,
) -> String {
    written(&sections::run::page(Some(plan), record, kept), style)
}

/// A plan on a screen.
pub(crate) fn plan_text(plan: &Plan, style: &Style) -> String {
    written(&sections::plan::screen(plan, style.verbose), style)
}

/// A plan as a comment.
pub(crate) fn plan_comment(plan: &Plan, budget: usize) -> String {
    write(&sections::plan::comment(plan), Form::Markdown(budget))
}

/// A plan as a page.
pub(crate) fn plan_report(plan: &Plan, applies: &[RunRecord]) -> String {
    let page = sections::plan::report(&plan.stored(), applies, at("2026-11-22T12:00:00Z"));
    write(&page, Form::Html)
}

/// A stored plan on a screen.
pub(crate) fn show_text(
    plan: &Plan,
    applies: &[RunRecord],
    now: DateTime<Utc>,
    style: &Style,
) -> String {
    let origin = sections::show::page(&plan.stored(), applies, now);
    write_all(&[origin, sections::plan::screen(plan, style.verbose)], style)
}

/// The cards of a table on a screen.
pub(crate) fn card_text(plan: &Plan, asked: &str, style: &Style) -> String {
    write_all(&sections::card::pages(plan, &cards(plan, asked)), style)
}

/// What a validation says.
pub(crate) fn validate_text(plan: &Plan, style: &Style) -> String {
    written(&sections::validate::page(plan, &[]), style)
}
