//! The proposed groups as lines: who writes them, how many tables, how large.

use std::collections::BTreeMap;

use super::proposal::Proposed;
use crate::config::TableName;
use crate::render::{bytes, clean, columns, plural};

/// Groups that are shown with their jobs; the file has all of them.
const SHOWN: usize = 12;

/// What tables hold together, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    tables: usize,
    /// Tables whose size is known.
    weighed: usize,
    bytes: u64,
}

impl Held {
    fn of(groups: &[&Proposed], sizes: &BTreeMap<TableName, u64>) -> Held {
        let tables = groups.iter().flat_map(|group| &group.tables);
        tables.fold(Held::default(), |held, table| {
            let size = sizes.get(table);
            Held {
                tables: held.tables + 1,
                weighed: held.weighed + usize::from(size.is_some()),
                bytes: held.bytes.saturating_add(size.copied().unwrap_or(0)),
            }
        })
    }

    fn cells(self) -> [String; 2] {
        let size = match self.weighed {
            0 => "size not known".to_owned(),
            all if all == self.tables => bytes(self.bytes),
            _ => format!("at least {}", bytes(self.bytes)),
        };
        [plural(self.tables, "table"), size]
    }
}

/// The first groups, the others as one line, what no job wrote, and the total.
pub(super) fn lines(groups: &[Proposed], sizes: &BTreeMap<TableName, u64>) -> Vec<String> {
    let row = |name: String, workflow: String, groups: &[&Proposed]| -> Vec<String> {
        let [tables, size] = Held::of(groups, sizes).cells();
        vec![name, workflow, tables, size]
    };
    let (written, others): (Vec<&Proposed>, Vec<&Proposed>) =
        groups.iter().partition(|group| group.workflow.is_some());
    // One more is named rather than counted.
    let shown = if written.len() <= SHOWN + 1 { written.len() } else { SHOWN };
    let (first, rest) = written.split_at(shown);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for group in first {
        let workflow = group.workflow.as_ref().map(|(_, shown)| clean(shown));
        let workflow = workflow.unwrap_or_default();
        rows.push(row(clean(&group.name), workflow, &[*group]));
    }
    if !rest.is_empty() {
        let name = format!("{} more", rest.len());
        rows.push(row(name, plural(rest.len(), "job"), rest));
    }
    for group in others {
        let workflow = "no job: scheduled".to_owned();
        rows.push(row(clean(&group.name), workflow, &[group]));
    }
    if groups.len() > 1 {
        let all: Vec<&Proposed> = groups.iter().collect();
        rows.push(row("in total".to_owned(), String::new(), &all));
    }
    columns(&rows, &[false, false, true, true], 2, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1024 * 1024 * 1024;

    fn table(name: &str) -> TableName {
        TableName::parse(name).expect("a name")
    }

    fn group(name: &str, workflow: Option<&str>, tables: &[&str]) -> Proposed {
        Proposed {
            name: name.to_owned(),
            workflow: workflow.map(|it| (it.to_owned(), it.to_owned())),
            tables: tables.iter().map(|name| table(name)).collect(),
        }
    }

    #[test]
    fn a_size_that_is_not_known_is_never_invented() {
        let groups = [
            group("core", Some("core_job"), &["a.b.c1", "a.b.c2"]),
            group("web", Some("web_hourly"), &["a.b.d1", "a.b.d2"]),
            group("hr", Some("hr_job"), &["a.b.e"]),
            group("no_workflow", None, &["a.b.f"]),
        ];
        let sizes = [("a.b.c1", 5 * GIB), ("a.b.c2", 1_397 * GIB), ("a.b.d1", GIB), ("a.b.f", 0)];
        let sizes = sizes.map(|(name, size)| (table(name), size)).into();
        assert_eq!(
            lines(&groups, &sizes),
            [
                "  core         core_job           2 tables           1,402.0 GiB",
                "  web          web_hourly         2 tables      at least 1.0 GiB",
                "  hr           hr_job              1 table        size not known",
                "  no_workflow  no job: scheduled   1 table                   0 B",
                "  in total                        6 tables  at least 1,403.0 GiB",
            ]
        );
    }

    #[test]
    fn what_is_not_listed_is_one_line() {
        let names: Vec<String> = (0..20).map(|at| format!("g{at:02}")).collect();
        let groups: Vec<Proposed> =
            names.iter().map(|name| group(name, Some(name), &[&format!("a.b.{name}")])).collect();
        let sizes = groups.iter().map(|group| (group.tables[0].clone(), GIB));
        let lines = lines(&groups, &sizes.collect());
        assert_eq!(lines.len(), SHOWN + 2);
        assert_eq!(
            lines[SHOWN - 1..],
            [
                "  g11       g11       1 table   1.0 GiB",
                "  8 more    8 jobs   8 tables   8.0 GiB",
                "  in total          20 tables  20.0 GiB",
            ]
        );
    }
}
