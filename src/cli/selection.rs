//! Names of groups that were given on the command line, checked against those there are.

use super::{ExitStatus, Failure};
use crate::config::Configuration;
use crate::text::fits;

/// Every pattern has to fit a group; one that fits none is a mistake in the command line, and the nearest is named.
pub(super) fn check_patterns<'a>(
    flag: &str,
    asked: impl IntoIterator<Item = &'a String>,
    groups: &[String],
) -> Result<(), Failure> {
    let unfit = |pattern: &&String| !groups.iter().any(|group| fits(pattern, group));
    check(flag, asked.into_iter().filter(unfit), groups)
}

/// Every name has to be a group's; one that is not is a mistake in the command line, and the nearest is named.
pub(super) fn check<'a>(
    flag: &str,
    asked: impl IntoIterator<Item = &'a String>,
    groups: &[String],
) -> Result<(), Failure> {
    for name in asked {
        if !groups.contains(name) {
            let near = nearest(name, groups.iter().map(String::as_str));
            let hint = match (near, groups) {
                (Some(near), _) => format!("; nearest: {near}"),
                (None, []) => "; there are none".to_owned(),
                (None, _) => format!("; there are: {}", groups.join(", ")),
            };
            let message = format!("{flag} {name}: no such group{hint}");
            return Err(Failure::new(ExitStatus::Usage, crate::render::clean(&message)));
        }
    }
    Ok(())
}

/// The names of all groups of a configuration, valid or not.
pub(super) fn groups(configuration: &Configuration) -> Vec<String> {
    let workspaces = configuration.workspaces.iter();
    workspaces
        .flat_map(|workspace| &workspace.groups)
        .filter_map(|entry| entry.name().map(str::to_owned))
        .collect()
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
        let groups = ["core_product".to_owned(), "finance".to_owned()];
        let near = |word: &str| nearest(word, groups.iter().map(String::as_str));
        assert_eq!(near("core_prodcut"), Some("core_product"));
        assert_eq!(near("Finanze"), Some("finance"));
        assert_eq!(near("zzz"), None);
        assert!(check("--only", ["finance".to_owned()].iter(), &groups).is_ok());
        assert!(check("--only", ["finanz".to_owned()].iter(), &groups).is_err());
        let fitting =
            |pattern: &str| check_patterns("--only", [pattern.to_owned()].iter(), &groups);
        assert!(fitting("core_*").is_ok() && fitting("finance").is_ok());
        assert!(fitting("fin_*").is_err());
    }
}
