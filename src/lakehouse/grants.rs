//! Who may do what in the catalog of an embedded lakehouse.

use std::collections::BTreeMap;

/// Privileges by principal, as they were written.
pub type Grants = BTreeMap<String, Vec<String>>;

/// A privilege that drsync asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    Select,
    ReadFiles,
    WriteFiles,
}

/// Principals that everybody belongs to.
const EVERYBODY: [&str; 2] = ["account users", "users"];

/// Whether a principal has a right: as owner, by a grant, or because nothing is said about grants at all.
pub(super) fn may(
    owner: Option<&str>,
    grants: Option<&Grants>,
    principal: &str,
    right: Right,
) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case(principal);
    let Some(grants) = grants else { return true };
    if owner.is_some_and(is) {
        return true;
    }
    grants
        .iter()
        .filter(|(name, _)| is(name) || EVERYBODY.iter().any(|all| name.eq_ignore_ascii_case(all)))
        .flat_map(|(_, privileges)| privileges)
        .any(|privilege| gives(privilege, right))
}

fn gives(privilege: &str, right: Right) -> bool {
    // The REST API writes underscores, SQL blanks.
    let privilege = privilege.trim().to_uppercase().replace('_', " ");
    let named = match right {
        Right::Select => "SELECT",
        Right::ReadFiles => "READ FILES",
        Right::WriteFiles => "WRITE FILES",
    };
    [named, "ALL PRIVILEGES", "OWN", "OWNER"].contains(&privilege.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(principal: &str, privilege: &str) -> Grants {
        BTreeMap::from([(principal.to_owned(), vec![privilege.to_owned()])])
    }

    #[test]
    fn without_a_word_about_grants_everyone_may() {
        assert!(may(None, None, "a", Right::Select));
    }

    #[test]
    fn a_right_comes_from_a_grant_all_privileges_ownership_or_everybody() {
        for privilege in ["SELECT", "select", "ALL_PRIVILEGES", "ALL PRIVILEGES", "OWN"] {
            assert!(may(None, Some(&grants("A", privilege)), "a", Right::Select), "{privilege}");
        }
        assert!(may(None, Some(&grants("account users", "SELECT")), "a", Right::Select));
        assert!(may(Some("a"), Some(&Grants::new()), "a", Right::WriteFiles));
        assert!(!may(Some("b"), Some(&grants("b", "SELECT")), "a", Right::Select));
        assert!(!may(None, Some(&grants("a", "MODIFY")), "a", Right::Select));
        assert!(!may(None, Some(&grants("a", "READ_FILES")), "a", Right::WriteFiles));
    }
}
