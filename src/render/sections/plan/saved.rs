//! What there is to say of a plan that was stored.

use super::verdict::named;
use crate::command::{Command, Verb};
use crate::figures::minute;
use crate::harmless::{clean, name};
use crate::layout::width;
use crate::plan::{Decision, Plan};
use crate::render::Style;

/// Where a plan was stored, how to recognize it, until when it can be applied, and how.
pub fn saved(plan: &Plan, path: &str, sha256: &str, style: &Style) -> String {
    let head = format!("Saved {}   ", clean(path));
    let margin = " ".repeat(width(&head));
    let effect = plan.effect_sha256.get(..16).unwrap_or(&plan.effect_sha256);
    let mut text = format!("\n{head}effect {effect} (same value = same changes)\n");
    text.push_str(&format!("{margin}can be applied until {}\n", minute(plan.expires_at)));
    text.push_str(&format!("sha256 {sha256}\n"));
    if plan.applyable {
        let next = format!("Next: {}", style.command(&Command::new(Verb::Apply).word(path)));
        text.push_str(format!("{next}     {}", who(plan)).trim_end());
        text.push('\n');
    }
    text
}

/// The groups an apply changes, and those that stay.
fn who(plan: &Plan) -> String {
    let names = |decision: Decision| -> Vec<String> {
        let groups = plan.groups().filter(|(_, group)| group.decision == decision);
        groups.map(|(_, group)| name(&group.name)).collect()
    };
    let (sync, blocked) = (names(Decision::Sync), names(Decision::Blocked));
    if sync.len() > 2 || sync.is_empty() {
        return String::new();
    }
    match blocked.as_slice() {
        [one] => format!("{}; {one} stays as it is", named(&sync)),
        _ => named(&sync),
    }
}
