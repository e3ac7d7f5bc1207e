//! Which columns of what a SELECT reads from it reads: the others need not be made.

use super::ast::{Expr, FromItem, GroupBy, Order, Select};

/// Tells the places of the columns that are read of those that there are.
pub(super) type ColumnsRead<'a> = &'a (dyn Fn(&[&str]) -> Vec<usize> + Sync);

/// Reads every column.
pub(super) fn read_all(columns: &[&str]) -> Vec<usize> {
    (0..columns.len()).collect()
}

/// Who reads a relation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reader<'a> {
    /// A SELECT, and by what its rows are sorted.
    Select(&'a Select, &'a [Order]),
    /// Something that takes all columns.
    Whole,
}

impl Reader<'_> {
    /// The places of the columns that are read; `columns`: what the relation calls them.
    ///
    /// All of them, as soon as something else is named: what a name means, and what is said of one that means nothing, is decided
    /// where all columns are.
    pub(super) fn columns_read(self, relation: &FromItem, columns: &[&str]) -> Vec<usize> {
        let Reader::Select(select, order) = self else {
            return read_all(columns);
        };
        if !relation.columns.is_empty() {
            return read_all(columns);
        }
        let mut read = vec![false; columns.len()];
        let mut open: Vec<&Expr> = select.items.iter().map(|(item, _)| item).collect();
        open.extend(select.filter.iter().chain(&select.having));
        if let GroupBy::By(by) = &select.group {
            open.extend(by);
        }
        open.extend(order.iter().map(|order| &order.by));
        while let Some(expr) = open.pop() {
            match expr {
                Expr::Star(_) | Expr::At(_) => return read_all(columns),
                Expr::Column(parts) => match find_column(parts, relation, columns) {
                    Some(at) => read[at] = true,
                    None => return read_all(columns),
                },
                _ => open.extend(expr.parts()),
            }
        }
        (0..columns.len()).filter(|at| read[*at]).collect()
    }
}

/// The column that a name means beyond doubt.
fn find_column(parts: &[String], relation: &FromItem, columns: &[&str]) -> Option<usize> {
    let alias = relation.alias.as_deref();
    let is_alias = |name: &str| alias.is_some_and(|alias| alias.eq_ignore_ascii_case(name));
    let name = match parts {
        [relation, ..] if is_alias(relation) => parts.get(1)?,
        _ => parts.first()?,
    };
    columns.iter().position(|column| column.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::sql::ast::ParsedStatement;
    use crate::sandbox::sql::parser::parse;

    const COLUMNS: [&str; 4] = ["version", "operation", "job", "engineInfo"];

    fn read(text: &str) -> String {
        let Ok(ParsedStatement::Query(query)) = parse(text) else {
            panic!("{text}");
        };
        let [select] = query.parts.as_slice() else {
            panic!("{text}");
        };
        let from = select.from.as_ref().unwrap();
        let places = Reader::Select(select, &query.order).columns_read(from, &COLUMNS);
        places.into_iter().map(|at| COLUMNS[at]).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn columns_are_read_that_are_named_and_all_where_a_name_may_mean_something_else() {
        let history = "FROM (DESCRIBE HISTORY t LIMIT 1)";
        for (select, wanted) in [
            ("SELECT 3 AS asked, Version FROM H", "version"),
            ("SELECT max(version) FROM H WHERE operation IN ('MERGE')", "version operation"),
            ("SELECT h.job.jobId FROM H h ORDER BY h.engineInfo", "job engineInfo"),
            ("SELECT operation, count(*) FROM H GROUP BY operation", "*"),
            ("SELECT 1 FROM H", ""),
            (
                "SELECT count(version) FROM H GROUP BY operation HAVING max(job) IS NULL",
                "version operation job",
            ),
            ("SELECT version v FROM H ORDER BY v", "*"),
            ("SELECT wrong FROM H", "*"),
            ("SELECT other.version FROM H h", "*"),
            ("SELECT h.* FROM H h", "*"),
            ("SELECT version FROM H AS h(version, b, c, d)", "*"),
        ] {
            let wanted = if wanted == "*" { COLUMNS.join(" ") } else { wanted.to_owned() };
            assert_eq!(read(&select.replace("FROM H", history)), wanted, "{select}");
        }
    }
}
