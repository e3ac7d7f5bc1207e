//! Reads statements that change rows.

use super::Parser;
use crate::sandbox::sql::ast::{
    Clause, Expr, Merge, MergeAction, ParsedStatement, TableTarget, When,
};
use crate::sandbox::sql::error::{Result, SqlError};
use crate::sandbox::sql::lexer::SqlToken;

impl Parser<'_> {
    pub(super) fn insert(&mut self) -> Result<ParsedStatement> {
        self.at += 1;
        let overwrite = self.word("OVERWRITE");
        if !overwrite {
            self.expect_word("INTO")?;
        }
        self.word("TABLE");
        let target = self.target()?;
        if self.words(&["BY", "NAME"]) {
            return Err(SqlError::unsupported("INSERT … BY NAME"));
        }
        let columns = if self.take("(") { Some(self.column_names()?) } else { None };
        let rows = self.query()?;
        Ok(ParsedStatement::Insert { target, columns, rows, overwrite })
    }

    pub(super) fn update(&mut self) -> Result<ParsedStatement> {
        self.at += 1;
        let target = self.target()?;
        let alias = self.alias()?;
        self.expect_word("SET")?;
        let set = self.assignments(&called(&target, alias.as_ref()))?;
        let filter = self.filter()?;
        Ok(ParsedStatement::Update { target, set, filter })
    }

    pub(super) fn delete(&mut self) -> Result<ParsedStatement> {
        self.at += 1;
        self.expect_word("FROM")?;
        let target = self.target()?;
        self.alias()?;
        let filter = self.filter()?;
        Ok(ParsedStatement::Delete { target, filter })
    }

    fn filter(&mut self) -> Result<Option<Expr>> {
        if self.word("WHERE") { self.expression().map(Some) } else { Ok(None) }
    }

    pub(super) fn merge(&mut self) -> Result<ParsedStatement> {
        self.at += 1;
        self.words(&["WITH", "SCHEMA", "EVOLUTION"]);
        self.expect_word("INTO")?;
        let target = self.target()?;
        let alias = self.alias()?;
        self.expect_word("USING")?;
        let source = self.relation()?;
        self.expect_word("ON")?;
        let on = self.expression()?;
        let mut clauses = Vec::new();
        while self.word("WHEN") {
            let when = if !self.word("NOT") { When::Matched } else { When::NotMatched };
            self.expect_word("MATCHED")?;
            let when = if !self.word("BY") {
                when
            } else if self.word("SOURCE") {
                When::NotMatchedBySource
            } else {
                self.expect_word("TARGET")?;
                when
            };
            let filter = if self.word("AND") { Some(self.expression()?) } else { None };
            self.expect_word("THEN")?;
            let action = self.action(&called(&target, alias.as_ref()))?;
            clauses.push(Clause { when, filter, action });
        }
        if clauses.is_empty() {
            return Err(self.unexpected("WHEN MATCHED or WHEN NOT MATCHED"));
        }
        Ok(ParsedStatement::Merge(Merge { target, alias, source, on, clauses }))
    }

    fn action(&mut self, of: &[&str]) -> Result<MergeAction> {
        if self.word("DELETE") {
            return Ok(MergeAction::Delete);
        }
        if self.word("UPDATE") {
            self.expect_word("SET")?;
            return if self.take("*") {
                Ok(MergeAction::UpdateAll)
            } else {
                Ok(MergeAction::Update(self.assignments(of)?))
            };
        }
        self.expect_word("INSERT")?;
        if self.take("*") {
            return Ok(MergeAction::InsertAll);
        }
        self.expect("(")?;
        let columns = self.column_names()?;
        self.expect_word("VALUES")?;
        self.expect("(")?;
        let values = self.arguments()?;
        if columns.len() != values.len() {
            return Err(self.unexpected("as many values as columns"));
        }
        Ok(MergeAction::Insert(columns, values))
    }

    /// What columns are set to; a name before the column is that of the relation which is changed.
    fn assignments(&mut self, of: &[&str]) -> Result<Vec<(String, Expr)>> {
        let mut set = Vec::new();
        loop {
            let mut names = self.names()?;
            let column = names.pop().unwrap_or_default();
            if let Some(before) = names.last()
                && !of.iter().any(|of| of.eq_ignore_ascii_case(before))
            {
                return Err(SqlError::unsupported(format!(
                    "SET of {before}.{column}, a field within a column,"
                )));
            }
            self.expect("=")?;
            let value = if matches!(self.peek(), Some(SqlToken::Word(_))) && self.word("DEFAULT") {
                Expr::Literal(crate::sandbox::sql::literal::null())
            } else {
                self.expression()?
            };
            set.push((column, value));
            if !self.take(",") {
                return Ok(set);
            }
        }
    }

    /// Names up to the closing parenthesis; of `t.a` the last part counts.
    fn column_names(&mut self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        while !self.take(")") {
            names.push(self.names()?.pop().unwrap_or_default());
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(names)
    }
}

/// What the relation that is changed is called: its alias, or the last part of its name.
fn called<'a>(target: &'a TableTarget, alias: Option<&'a String>) -> Vec<&'a str> {
    let name = match target {
        TableTarget::Name(names) => names.last(),
        TableTarget::Path(_) => None,
    };
    alias.or(name).map(String::as_str).into_iter().collect()
}
