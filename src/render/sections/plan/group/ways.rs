//! What blocks a group, and the ways on: what the configuration may say of it, and the command that lets it through.

use crate::command::Arg;
use crate::harmless::name;
use crate::plan::{Finding, risk};
use crate::render::away::blocking;
use crate::render::causes::{FindingCause, causes};
use crate::render::page::{Below, Copied};
use crate::render::sections::acceptances::{accept, without_acceptance};
use crate::render::sections::causes::{entry_of_configuration, remedy};
use crate::render::shown::Labelled;

/// What blocks a group, by its causes.
pub(in crate::render::sections::plan) fn own_causes(of: &Labelled<'_>) -> Vec<FindingCause> {
    causes(blocking(of.workspace, of.group).map(|finding| of.found(finding)))
}

/// What may be accepted of a group, each `CODE:SCOPE`.
pub(in crate::render::sections::plan) fn risks(
    of: &Labelled<'_>,
    causes: &[&FindingCause],
) -> Vec<Arg> {
    let acceptable = causes.iter().filter(|cause| cause.acceptable);
    let all = acceptable.map(|cause| {
        let scoped = |scope: &str| risk(cause.code.as_str(), scope);
        match (&cause.acceptance, cause.tables.as_slice()) {
            (Some(acceptance), _) => acceptance.risk(),
            (None, [table]) => scoped(table),
            (None, _) => scoped(&name(&of.group.name)),
        }
    });
    all.collect()
}

/// The command that lets through whatever may be of a group, where that is anything.
pub(in crate::render::sections::plan) fn all_the_same(
    of: &Labelled<'_>,
    causes: &[&FindingCause],
) -> Option<Copied> {
    let risks = risks(of, causes);
    let intro = "To go on all the same, recorded in plan and cut";
    (!risks.is_empty()).then(|| accept(risks).after(intro))
}

/// What is written into the configuration for what blocks a group, and the one command that lets all through that may be.
pub(super) fn ways_on(of: &Labelled<'_>) -> Vec<Copied> {
    let causes = own_causes(of);
    let entries = causes.iter().filter_map(entry_of_configuration);
    entries.chain(all_the_same(of, &causes.iter().collect::<Vec<_>>())).collect()
}

/// What repairs a finding; the command that lets it through is one with those of the group's other findings.
pub(super) fn repair(of: &Labelled<'_>, finding: &Finding) -> Vec<Below> {
    let cause = causes([of.found(finding)].into_iter()).pop();
    cause.and_then(|cause| without_acceptance(&cause).remedy).iter().flat_map(remedy).collect()
}
