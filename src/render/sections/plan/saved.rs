//! What there is to say of a plan that was stored.

use super::verdict::join_names;
use crate::command::{Command, Verb};
use crate::figures::minute;
use crate::harmless::{clean, name};
use crate::layout::width;
use crate::plan::{Decision, Plan};
use crate::render::page::{Block, Columns, Fact, Page, Phrase, Section};

/// Where a plan was stored, how to recognize it, until when it can be applied, and how.
pub fn saved(plan: &Plan, path: &str, sha256: &str) -> Page {
    let head = format!("Saved {}", clean(path));
    let effect = plan.effect_sha256.get(..16).unwrap_or(&plan.effect_sha256);
    let mut page = Page::new("plan", "drsync plan", String::new());
    page.columns = Columns { aside: width(&head) + 3, ..Columns::default() };
    let facts = vec![
        Fact::new(head, format!("effect {effect} (same value = same changes)")),
        Fact::new("", format!("can be applied until {}", minute(plan.expires_at))),
    ];
    let apply = Phrase::from("Next: ").and(Phrase::command(Command::new(Verb::Apply).word(path)));
    let next = match who(plan) {
        who if who.is_empty() => apply,
        who => apply.and("     ").and(who),
    };
    page.say(Section::dense([
        Block::Asides(facts),
        Block::Words(format!("sha256 {sha256}").into()),
        Block::Words(if plan.applyable { next } else { Phrase::default() }),
    ]));
    page
}

/// The groups an apply changes, and those that stay.
fn who(plan: &Plan) -> String {
    let names = |decision: Decision| -> Vec<String> {
        plan.decided(decision).map(|(_, group)| name(&group.name)).collect()
    };
    let (sync, blocked) = (names(Decision::Sync), names(Decision::Blocked));
    if sync.len() > 2 || sync.is_empty() {
        return String::new();
    }
    match blocked.as_slice() {
        [one] => format!("{}; {one} stays as it is", join_names(&sync)),
        _ => join_names(&sync),
    }
}
