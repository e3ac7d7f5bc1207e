//! What a workspace has that a configuration could be made of: how much of it can be synchronized, and in which groups.

use crate::figures::{bytes, plural};
use crate::render::page::{Below, Block, Grid, Page, Phrase, Section};
use crate::text::{count, plural_as};

/// Groups that are shown with their jobs; the file has all of them.
const SHOWN: usize = 12;

/// What was found.
#[derive(Debug, Clone)]
pub struct SurveySummary {
    /// Tables and views.
    pub listed: usize,
    /// Catalogs that they are of.
    pub catalogs: usize,
    /// Tables that can be synchronized.
    pub open: usize,
    /// What cannot be cloned, most first: how many, and what they are called.
    pub left_out: Vec<(usize, String)>,
    /// Groups to be.
    pub groups: Vec<ProposedGroup>,
}

/// A group to be.
#[derive(Debug, Clone)]
pub struct ProposedGroup {
    /// Its name.
    pub name: String,
    /// The job that wrote its tables, for people; `None`: none did.
    pub workflow: Option<String>,
    /// What its tables hold.
    pub held: Held,
}

/// What tables hold together, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Held {
    /// How many they are.
    pub tables: usize,
    /// Tables whose size is known.
    pub weighed: usize,
    /// Bytes of these.
    pub bytes: u64,
}

impl Held {
    fn sum(groups: &[&ProposedGroup]) -> Held {
        groups.iter().fold(Held::default(), |sum, group| Held {
            tables: sum.tables + group.held.tables,
            weighed: sum.weighed + group.held.weighed,
            bytes: sum.bytes.saturating_add(group.held.bytes),
        })
    }

    fn cells(self) -> [Phrase; 2] {
        let size = match self.weighed {
            0 => "size not known".to_owned(),
            all if all == self.tables => bytes(self.bytes),
            _ => format!("at least {}", bytes(self.bytes)),
        };
        [plural(self.tables, "table").into(), size.into()]
    }
}

/// What there is, what cannot be synchronized, and the proposed groups.
pub fn page(found: &SurveySummary) -> Page {
    let SurveySummary { listed, catalogs, open, left_out, groups } = found;
    let verdict = format!(
        "{} in {}: {open} can be synchronized, {} cannot",
        plural_as(*listed as u64, "table or view", "tables and views"),
        plural_as(*catalogs as u64, "catalog", "catalogs"),
        listed - open
    );
    let mut page = Page::new("init", "drsync init", verdict);
    let left_out = left_out
        .iter()
        .map(|(number, what)| vec![count(*number as u64).into(), Phrase::from_others(what)]);
    let left_out = grid(left_out.collect(), &[true, false]);
    page.say(left_out);
    let jobs = "Groups, from the jobs that wrote the tables in the last 30 days:";
    let split =
        "Split or join them in the file: tables belong together if they are only true together.";
    page.say(Section::dense([
        Block::Words(jobs.into()),
        grid(rows(groups), &[false, false, true, true]),
        Block::Words(split.into()),
    ]));
    page
}

fn grid(rows: Vec<Vec<Phrase>>, numbers: &'static [bool]) -> Block {
    let grid = Below::Grid(Grid { under: false, numbers, rows });
    Block::Apart(vec![grid])
}

/// The first groups, the others as one line, what no job wrote, and the total.
fn rows(groups: &[ProposedGroup]) -> Vec<Vec<Phrase>> {
    let row = |name: Phrase, workflow: Phrase, groups: &[&ProposedGroup]| -> Vec<Phrase> {
        let [tables, size] = Held::sum(groups).cells();
        vec![name, workflow, tables, size]
    };
    let (written, others): (Vec<&ProposedGroup>, Vec<&ProposedGroup>) =
        groups.iter().partition(|group| group.workflow.is_some());
    // One more is named rather than counted.
    let shown = if written.len() <= SHOWN + 1 { written.len() } else { SHOWN };
    let (first, rest) = written.split_at(shown);
    let mut rows: Vec<Vec<Phrase>> = Vec::new();
    for group in first {
        let workflow = group.workflow.as_ref().map(Phrase::name).unwrap_or_default();
        rows.push(row(Phrase::name(&group.name), workflow, &[*group]));
    }
    if !rest.is_empty() {
        let name = format!("{} more", rest.len());
        rows.push(row(name.into(), plural(rest.len(), "job").into(), rest));
    }
    for group in others {
        rows.push(row(Phrase::name(&group.name), "no job: scheduled".into(), &[group]));
    }
    if groups.len() > 1 {
        let all: Vec<&ProposedGroup> = groups.iter().collect();
        rows.push(row("in total".into(), Phrase::default(), &all));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Style;
    use crate::render::writers::{Form, write};

    const GIB: u64 = 1024 * 1024 * 1024;

    fn group(name: &str, workflow: Option<&str>, held: (usize, usize, u64)) -> ProposedGroup {
        let (tables, weighed, bytes) = held;
        let held = Held { tables, weighed, bytes };
        ProposedGroup { name: name.to_owned(), workflow: workflow.map(str::to_owned), held }
    }

    fn write_page(groups: Vec<ProposedGroup>) -> String {
        let left_out = vec![(2, "views".to_owned()), (1, "table with a row filter".to_owned())];
        let found = SurveySummary { listed: 12, catalogs: 1, open: 9, left_out, groups };
        write(&page(&found), Form::Text(Style::default()))
    }

    #[test]
    fn a_size_that_is_not_known_is_never_invented() {
        let groups = vec![
            group("core", Some("core_job"), (2, 2, 1_402 * GIB)),
            group("web", Some("web_hourly"), (2, 1, GIB)),
            group("hr", Some("hr_job"), (1, 0, 0)),
            group("no_workflow", None, (1, 1, 0)),
        ];
        assert_eq!(
            write_page(groups),
            "12 tables and views in 1 catalog: 9 can be synchronized, 3 cannot\n\n  \
             2  views\n  \
             1  table with a row filter\n\n\
             Groups, from the jobs that wrote the tables in the last 30 days:\n  \
             core         core_job           2 tables           1,402.0 GiB\n  \
             web          web_hourly         2 tables      at least 1.0 GiB\n  \
             hr           hr_job              1 table        size not known\n  \
             no_workflow  no job: scheduled   1 table                   0 B\n  \
             in total                        6 tables  at least 1,403.0 GiB\n\
             Split or join them in the file: tables belong together if they are only true\n\
             together.\n"
        );
    }

    #[test]
    fn what_is_not_listed_is_one_line() {
        let names = (0..20).map(|at| format!("g{at:02}"));
        let groups = names.map(|name| group(&name, Some(&name), (1, 1, GIB))).collect();
        let told = write_page(groups);
        let lines: Vec<&str> = told.lines().skip(6).collect();
        assert_eq!(
            lines[SHOWN - 1..SHOWN + 2],
            [
                "  g11       g11       1 table   1.0 GiB",
                "  8 more    8 jobs   8 tables   8.0 GiB",
                "  in total          20 tables  20.0 GiB",
            ]
        );
    }
}
