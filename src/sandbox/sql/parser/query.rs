//! Reads queries.

use super::Parser;
use crate::sandbox::sql::ast::{
    Expr, FromItem, FromSource, GroupBy, NamedQuery, Order, Query, Select,
};
use crate::sandbox::sql::error::{Result, SqlError};
use crate::sandbox::sql::lexer::SqlToken;

/// Words that end a relation and so are no alias of it.
const AFTER_RELATION: [&str; 30] = [
    "WHERE",
    "ORDER",
    "LIMIT",
    "UNION",
    "ON",
    "USING",
    "WHEN",
    "SET",
    "GROUP",
    "VALUES",
    "VERSION",
    "TIMESTAMP",
    "HAVING",
    "JOIN",
    "INNER",
    "LEFT",
    "CROSS",
    "QUALIFY",
    "RIGHT",
    "FULL",
    "NATURAL",
    "SEMI",
    "ANTI",
    "LATERAL",
    "OFFSET",
    "EXCEPT",
    "INTERSECT",
    "MINUS",
    "TABLESAMPLE",
    "PIVOT",
];

impl Parser<'_> {
    pub(super) fn query(&mut self) -> Result<Query> {
        self.deeper(Self::whole_query)
    }

    /// What WITH names before a query; nothing, where there is no WITH.
    fn named_queries(&mut self) -> Result<Vec<NamedQuery>> {
        let mut with: Vec<NamedQuery> = Vec::new();
        if !self.word("WITH") {
            return Ok(with);
        }
        loop {
            let name = self.name()?;
            if with.iter().any(|it| it.name.eq_ignore_ascii_case(&name)) {
                return Err(SqlError::new(
                    "DUPLICATED_CTE_NAMES",
                    "42602",
                    format!("CTE definition can't have duplicate names: `{name}`."),
                ));
            }
            let begins_query =
                matches!(self.peek_word(1).as_deref(), Some("SELECT" | "WITH" | "VALUES"));
            let columns =
                if !begins_query && self.take("(") { self.column_aliases()? } else { Vec::new() };
            self.word("AS");
            self.expect("(")?;
            with.push(NamedQuery { name, columns, query: self.query()? });
            self.expect(")")?;
            if !self.take(",") {
                return Ok(with);
            }
        }
    }

    fn whole_query(&mut self) -> Result<Query> {
        let with = self.named_queries()?;
        let mut parts = vec![self.select()?];
        let mut distinct_parts = 0;
        while self.word("UNION") {
            let all = self.word("ALL");
            if !all {
                self.word("DISTINCT");
            }
            parts.push(self.select()?);
            if !all {
                distinct_parts = parts.len();
            }
        }
        if ["EXCEPT", "INTERSECT", "MINUS"].into_iter().any(|it| self.is_word(it)) {
            return Err(SqlError::unsupported("a set operation other than UNION"));
        }
        let mut order = Vec::new();
        if self.words(&["ORDER", "BY"]) {
            loop {
                let by = self.expression()?;
                let down = self.word("DESC");
                let _ = self.word("ASC");
                let mut nulls_first = !down;
                if self.word("NULLS") {
                    nulls_first = self.word("FIRST");
                    if !nulls_first {
                        self.expect_word("LAST")?;
                    }
                }
                order.push(Order { by, down, nulls_first });
                if !self.take(",") {
                    break;
                }
            }
        }
        let limit = self.limit()?;
        let offset = if self.word("OFFSET") { self.number()? } else { 0 };
        Ok(Query { with, parts, distinct_parts, order, limit, offset })
    }

    fn select(&mut self) -> Result<Select> {
        let all = |from| Select {
            distinct: false,
            items: vec![(Expr::Star(None), None)],
            from: Some(from),
            filter: None,
            group: GroupBy::By(Vec::new()),
            having: None,
        };
        if self.take("(") {
            let inner = self.query()?;
            self.expect(")")?;
            return Ok(all(FromItem {
                of: FromSource::Query(Box::new(inner)),
                alias: None,
                columns: Vec::new(),
            }));
        }
        if self.is_word("VALUES") {
            let of = self.values()?;
            return Ok(all(self.named(of)?));
        }
        self.expect_word("SELECT")?;
        let distinct = self.word("DISTINCT");
        self.word("ALL");
        let items = self.select_items()?;
        let from = if self.word("FROM") { Some(self.relation()?) } else { None };
        let joins = ["JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "SEMI", "ANTI"];
        let beyond = joins.into_iter().chain(["LATERAL", "TABLESAMPLE", "PIVOT"]);
        if let Some(word) = beyond.into_iter().find(|word| self.is_word(word)) {
            return Err(SqlError::unsupported(format!("{word} after a relation")));
        }
        if from.is_some() && self.take(",") {
            return Err(SqlError::unsupported("a join of several relations"));
        }
        let filter = if self.word("WHERE") { Some(self.expression()?) } else { None };
        let group = if self.words(&["GROUP", "BY"]) { self.group()? } else { GroupBy::By(vec![]) };
        let having = if self.word("HAVING") { Some(self.expression()?) } else { None };
        if self.is_word("QUALIFY") {
            return Err(SqlError::unsupported("QUALIFY"));
        }
        Ok(Select { distinct, items, from, filter, group, having })
    }

    /// What is selected, each with its name, if it is given one.
    fn select_items(&mut self) -> Result<Vec<(Expr, Option<String>)>> {
        let mut items = Vec::new();
        loop {
            let item = self.expression()?;
            if matches!(item, Expr::Star(_)) && self.is_word("EXCEPT") {
                return Err(SqlError::unsupported("* EXCEPT"));
            }
            let named = self.word("AS")
                || match self.peek() {
                    Some(SqlToken::Word(word)) => !ends_item(word),
                    Some(SqlToken::Quoted(_)) => true,
                    _ => false,
                };
            if named && self.peek() == Some(&SqlToken::Sign("(")) {
                return Err(SqlError::unsupported("AS with several names"));
            }
            let name = if named { Some(self.name()?) } else { None };
            items.push((item, name));
            if !self.take(",") {
                return Ok(items);
            }
        }
    }

    fn group(&mut self) -> Result<GroupBy> {
        if self.word("ALL") {
            return Ok(GroupBy::All);
        }
        let mut group = Vec::new();
        loop {
            let beyond = ["ROLLUP", "CUBE", "GROUPING"];
            if let Some(word) = beyond.into_iter().find(|word| self.is_word(word)) {
                return Err(SqlError::unsupported(format!("GROUP BY {word}")));
            }
            group.push(self.expression()?);
            for word in ["ROLLUP", "CUBE"] {
                if self.words(&["WITH", word]) {
                    return Err(SqlError::unsupported(format!("GROUP BY … WITH {word}")));
                }
            }
            if !self.take(",") {
                return Ok(GroupBy::By(group));
            }
        }
    }

    pub(super) fn relation(&mut self) -> Result<FromItem> {
        self.deeper(Self::whole_relation)
    }

    fn whole_relation(&mut self) -> Result<FromItem> {
        let of = if self.take("(") {
            let of = match self.peek_word(0).as_deref() {
                Some("DESCRIBE" | "DESC") => {
                    self.at += 1;
                    if self.word("HISTORY") {
                        let target = self.target()?;
                        FromSource::History { target, limit: self.limit()? }
                    } else {
                        self.expect_word("DETAIL")?;
                        FromSource::Detail(self.target()?)
                    }
                }
                Some("VALUES") => {
                    let of = self.values()?;
                    let inner = self.named(of)?;
                    self.expect(")")?;
                    return match inner.alias {
                        None => self.named(inner.of),
                        Some(_) => Ok(inner),
                    };
                }
                _ => FromSource::Query(Box::new(self.query()?)),
            };
            self.expect(")")?;
            of
        } else if self.is_word("VALUES") {
            self.values()?
        } else if let (Some(name), Some((SqlToken::Sign("("), _))) =
            (self.peek_word(0), self.tokens.get(self.at + 1))
        {
            self.at += 2;
            FromSource::Function(name, self.arguments()?)
        } else {
            let target = self.target()?;
            let at = if self.take("@") { Some(self.named_point()?) } else { self.point()? };
            FromSource::Table(target, at)
        };
        self.named(of)
    }

    /// `[AS] alias [(column, …)]` after a relation.
    fn named(&mut self, of: FromSource) -> Result<FromItem> {
        let alias = self.alias()?;
        let given = alias.is_some() && self.take("(");
        let columns = if given { self.column_aliases()? } else { Vec::new() };
        Ok(FromItem { of, alias, columns })
    }

    /// `column, …)`
    fn column_aliases(&mut self) -> Result<Vec<String>> {
        let mut columns = vec![self.name()?];
        while self.take(",") {
            columns.push(self.name()?);
        }
        self.expect(")")?;
        Ok(columns)
    }

    pub(super) fn alias(&mut self) -> Result<Option<String>> {
        if self.word("AS") {
            return self.name().map(Some);
        }
        match self.peek() {
            Some(SqlToken::Quoted(_)) => self.name().map(Some),
            Some(SqlToken::Word(word))
                if !AFTER_RELATION.contains(&word.to_ascii_uppercase().as_str()) =>
            {
                self.name().map(Some)
            }
            _ => Ok(None),
        }
    }

    fn values(&mut self) -> Result<FromSource> {
        self.expect_word("VALUES")?;
        let mut rows = Vec::new();
        loop {
            rows.push(if self.take("(") { self.arguments()? } else { vec![self.expression()?] });
            if !self.take(",") {
                return Ok(FromSource::Values(rows));
            }
        }
    }
}

fn ends_item(word: &str) -> bool {
    [
        "FROM",
        "WHERE",
        "UNION",
        "ORDER",
        "LIMIT",
        "OFFSET",
        "GROUP",
        "HAVING",
        "EXCEPT",
        "INTERSECT",
        "MINUS",
    ]
    .contains(&word.to_ascii_uppercase().as_str())
}
