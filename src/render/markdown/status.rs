//! How every group stands, as a comment: what is in trouble first, and never left out.

use super::escape::{code, sentence, text};
use super::{Comment, Detail, fitted, heading, hidden};
use crate::plan::Decision;
use crate::plan::status::{GroupStatus, Rpo, Status, WorkspaceStatus};
use crate::render::Style;
use crate::render::figures::{plural, span};
use crate::render::shown::label_among;
use crate::render::{away, status as told};

/// A status as a comment of at most `budget` bytes.
pub fn status(status: &Status, budget: usize) -> String {
    fitted(budget, |detail| comment(status, detail))
}

fn comment(status: &Status, detail: Detail) -> Comment {
    let mut page = Comment::default();
    let names = status.workspaces.iter().map(|workspace| workspace.name.as_str());
    page.text = format!("{}\n", hidden("status", names));
    page.block(&format!("### drsync: {}", sentence(&told::verdict(status))));
    if let Some(how) = told::checked(status, &Style::default()) {
        page.block(&format!("Checked: {how}.\n"));
    }
    let groups = status.workspaces.iter();
    let groups =
        groups.flat_map(|workspace| workspace.groups.iter().map(move |group| (workspace, group)));
    let (troubled, good): (Vec<Entry<'_>>, Vec<Entry<'_>>) =
        groups.partition(|(_, group)| in_trouble(group));
    let several = status.workspaces.len() > 1;
    if !troubled.is_empty() {
        let most = detail.groups.max(detail.named);
        let title = format!("In trouble: {}", plural(troubled.len(), "group"));
        let lines = format!("{}{}", heading(&title), rows(&mut page, &troubled, most, several));
        page.block(&lines);
    }
    if detail.messages {
        page.block(&findings(&troubled));
    }
    if !good.is_empty() {
        let title = format!("In order: {}", plural(good.len(), "group"));
        let lines =
            format!("{}{}", heading(&title), rows(&mut page, &good, detail.groups, several));
        page.block(&lines);
    }
    page
}

/// What stands in the way of each, in a few words.
fn findings(groups: &[Entry<'_>]) -> String {
    const EACH_MAX: usize = 3;
    let mut lines = String::new();
    for (_, group) in groups {
        let blocking = group.findings.iter().filter(|finding| finding.blocks());
        for finding in blocking.take(EACH_MAX) {
            let about = code(finding.table.as_deref().unwrap_or(&group.name));
            let word = finding.code.as_str();
            lines.push_str(&format!("- `{word}` {about}: {}\n", text(&finding.message)));
        }
    }
    lines
}

type Entry<'a> = (&'a WorkspaceStatus, &'a GroupStatus);

fn in_trouble(group: &GroupStatus) -> bool {
    group.decision == Some(Decision::Blocked)
        || group.rpo == Rpo::Breached
        || group.findings.iter().any(|finding| finding.blocks())
        || group.status == Some(crate::ledger::Status::Failed)
}

fn rows(page: &mut Comment, groups: &[Entry<'_>], most: usize, several: bool) -> String {
    let mut lines = String::new();
    if most > 0 {
        lines.push_str("| group | cut | lag | RPO | now |\n|---|---|---|---|---|\n");
    }
    for (workspace, group) in groups.iter().take(most) {
        let label = label_among(several, &workspace.name, &group.name);
        let decision = group.decision.map_or("not known", Decision::as_str);
        lines.push_str(&format!(
            "| {} | {} | {} | {} | {decision} |\n",
            code(label),
            away::cut_cell(group.last_cut.as_ref()),
            group.lag_seconds.map_or("not known".to_owned(), span),
            group.rpo_seconds.map_or("-".to_owned(), span),
        ));
    }
    let more = groups.len().saturating_sub(most);
    if more > 0 {
        lines.push_str(&format!("\n{}\n", plural(more, "more group")));
        page.leave_out(more, "group");
    }
    lines
}
