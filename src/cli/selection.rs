//! Names of groups that were given on the command line, checked against those there are. Pure.

use std::collections::BTreeSet;

use super::{ExitStatus, Failure};
use crate::config::{Configuration, GroupEntry};
use crate::text::{fits_group, label_group, names_group};

/// A group by its workspace and its name, which is unique there alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NamedGroup {
    pub(super) workspace: String,
    pub(super) group: String,
}

impl NamedGroup {
    pub(super) fn new(workspace: &str, group: &str) -> NamedGroup {
        NamedGroup { workspace: workspace.to_owned(), group: group.to_owned() }
    }

    /// Whether a word of the command line names it, with its workspace or without.
    pub(super) fn is_named(&self, word: &str) -> bool {
        names_group(word, &self.workspace, &self.group)
    }
}

/// Every pattern has to fit a group; one that fits none is a mistake in the command line, and the nearest is named.
pub(super) fn check_patterns<'a>(
    flag: &str,
    asked: impl IntoIterator<Item = &'a String>,
    groups: &[NamedGroup],
) -> Result<(), Failure> {
    let fits =
        |pattern: &str, known: &NamedGroup| fits_group(pattern, &known.workspace, &known.group);
    let mut asked = asked.into_iter();
    asked
        .find(|pattern| !groups.iter().any(|known| fits(pattern, known)))
        .map_or(Ok(()), |pattern| Err(unknown(flag, pattern, groups)))
}

/// Every name has to be a group's, with its workspace or without; one that is not is a mistake in the command line, and the nearest is named.
pub(super) fn check<'a>(
    flag: &str,
    asked: impl IntoIterator<Item = &'a String>,
    groups: &[NamedGroup],
) -> Result<(), Failure> {
    let mut asked = asked.into_iter();
    asked
        .find(|word| !groups.iter().any(|known| known.is_named(word)))
        .map_or(Ok(()), |word| Err(unknown(flag, word, groups)))
}

fn unknown(flag: &str, word: &str, groups: &[NamedGroup]) -> Failure {
    // Somebody who writes a workspace is shown some.
    let labels = word.contains('/');
    let names: BTreeSet<String> =
        groups.iter().map(|it| label_group(labels, &it.workspace, &it.group)).collect();
    let near = nearest(word, names.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("; nearest: {near}"),
        None if names.is_empty() => "; there are none".to_owned(),
        None => format!("; there are: {}", Vec::from_iter(names).join(", ")),
    };
    let message = format!("{flag} {word}: no such group{hint}");
    Failure::new(ExitStatus::Usage, crate::render::clean(&message))
}

/// All groups of a configuration, valid or not.
pub(super) fn groups(configuration: &Configuration) -> Vec<NamedGroup> {
    let workspaces = configuration.workspaces.iter();
    let all = workspaces.flat_map(|workspace| {
        let names = workspace.groups.iter().filter_map(GroupEntry::name);
        names.map(|group| NamedGroup::new(&workspace.name, group))
    });
    all.collect()
}

/// The names of these, each once.
pub(super) fn names(groups: &[NamedGroup]) -> BTreeSet<&str> {
    groups.iter().map(|known| known.group.as_str()).collect()
}

/// The known word that is most like another, if any is.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.75;
    // Comparing takes each letter of one with each of the other.
    let begin = |text: &str| -> String { text.to_lowercase().chars().take(255).collect() };
    let word = begin(word);
    known
        .map(|name| (strsim::jaro_winkler(&word, &begin(name)), name))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_group_is_named() {
        let groups = [NamedGroup::new("east", "core_product"), NamedGroup::new("north", "finance")];
        let near = |word: &str| nearest(word, names(&groups).into_iter());
        assert_eq!(near("core_prodcut"), Some("core_product"));
        assert_eq!(near("Finanze"), Some("finance"));
        assert_eq!(near("zzz"), None);
        let named = |word: &str| check("--now", [word.to_owned()].iter(), &groups);
        assert!(named("finance").is_ok() && named("north/finance").is_ok());
        assert!(named("finanz").is_err());
        assert!(named("east/finance").is_err(), "it is another's");
        let fitting =
            |pattern: &str| check_patterns("--only", [pattern.to_owned()].iter(), &groups);
        assert!(fitting("core_*").is_ok() && fitting("finance").is_ok());
        assert!(fitting("east/*").is_ok() && fitting("south/*").is_err());
        assert!(fitting("fin_*").is_err());
    }
}
