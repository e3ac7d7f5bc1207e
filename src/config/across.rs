//! What no workspace and no group can see alone: names, tables, token variables and locations that meet those of another. Pure.

use super::fields::{KeyPlace, WrongValue};
use super::values::token_variable;
use super::workspace_draft::WorkspaceDraft;
use super::{LocationAddress, Mistake};

/// Compares every two workspaces; what is wrong is said of both.
pub(super) fn check(drafts: &mut [WorkspaceDraft]) {
    let mut found: Vec<(usize, Mistake)> = Vec::new();
    for (at, draft) in drafts.iter().enumerate() {
        for (other_at, other) in drafts.iter().enumerate() {
            if at != other_at {
                let mistakes = names(draft, other).into_iter().chain(locations(draft, other));
                found.extend(mistakes.map(|mistake| (at, mistake)));
            }
            found.extend(secondary_name(draft, other).map(|mistake| (at, mistake)));
        }
    }
    for (at, mistake) in found {
        if let Some(draft) = drafts.get_mut(at) {
            draft.mistakes.push(mistake);
        }
    }
}

/// Where the other one stands, as the reader of `place` finds it.
fn whereabouts(place: &KeyPlace, other: &KeyPlace) -> String {
    if place.file == other.file {
        format!("line {}", other.line)
    } else {
        format!("{} line {}", other.file, other.line)
    }
}

fn names(draft: &WorkspaceDraft, other: &WorkspaceDraft) -> Option<Mistake> {
    let (name, place) = draft.name.as_ref()?;
    let (other_name, other_place) = other.name.as_ref()?;
    let variable = token_variable(name);
    let there = whereabouts(place, other_place);
    let message = if name == other_name {
        format!("is the name of another workspace too, in {there}")
    } else if variable == token_variable(other_name) {
        format!("meets {other_name} ({there}) in {variable}")
    } else {
        return None;
    };
    Some(place.wrong(WrongValue::new(message, "give every workspace its own name")))
}

/// A secondary may be another entry's primary, and must be so where the names meet.
fn secondary_name(draft: &WorkspaceDraft, other: &WorkspaceDraft) -> Option<Mistake> {
    let (name, place) = draft.secondary_name.as_ref()?;
    let (other_name, other_place) = other.name.as_ref()?;
    let variable = token_variable(name);
    if variable != token_variable(other_name) || draft.secondary_address == other.address {
        return None;
    }
    let there = whereabouts(place, other_place);
    let message = format!("meets {other_name} ({there}) in {variable}, at another address");
    Some(place.wrong(WrongValue::new(message, "give every workspace its own name")))
}

fn locations(draft: &WorkspaceDraft, other: &WorkspaceDraft) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (location, place) in &draft.locations {
        for (other_location, other_place) in &other.locations {
            if let Some(how) = meeting(location, other_location) {
                let there = whereabouts(place, other_place);
                let message = format!("{how} a location of another workspace, in {there}");
                let remedy = "give every workspace its own folders";
                mistakes.push(place.wrong(WrongValue::new(message, remedy)));
            }
        }
    }
    mistakes
}

fn meeting(location: &LocationAddress, other: &LocationAddress) -> Option<&'static str> {
    if location == other {
        Some("is")
    } else if location.nests(other) {
        Some("lies in, or holds,")
    } else {
        None
    }
}
