//! Reads statements: the cursor over tokens, and which statement begins how.

mod alter;
mod ddl;
mod dml;
mod expression;
mod query;
mod show;

use std::collections::BTreeMap;

use super::ast::{ParsedStatement, TableTarget, TimeTravel};
use super::error::{Result, SqlError};
use super::kind::Kind;
use super::lexer::{SqlToken, tokens};

/// Reads one statement.
pub(super) fn parse(sql: &str) -> Result<ParsedStatement> {
    let mut parser = Parser { sql, tokens: tokens(sql)?, at: 0, depth: 0, links: 0 };
    let statement = parser.statement()?;
    parser.take(";");
    match parser.tokens.get(parser.at) {
        None => Ok(statement),
        Some(_) => Err(parser.unexpected("the end of the statement")),
    }
}

/// Reads a type alone.
pub(super) fn parse_kind(text: &str) -> Result<Kind> {
    let mut parser = Parser { sql: text, tokens: tokens(text)?, at: 0, depth: 0, links: 0 };
    let kind = parser.kind()?;
    match parser.peek() {
        None => Ok(kind),
        Some(_) => Err(parser.unexpected("the end of the type")),
    }
}

struct Parser<'a> {
    sql: &'a str,
    tokens: Vec<(SqlToken, usize)>,
    at: usize,
    /// How deep in parentheses, subqueries, types and signs the cursor is.
    depth: usize,
    /// Operators read so far: a chain of them is as deep as it is long when it is evaluated.
    links: usize,
}

/// Levels of one statement: each takes stack while it is read and while it is carried out.
const DEPTH: usize = 64;

/// Words of Databricks' SQL that no statement here has, where one stands in the way: what has them may be right.
const BEYOND: [&str; 30] = [
    "ALWAYS",
    "CACHE",
    "CHECK",
    "CLUSTER",
    "COLLATE",
    "CONSTRAINT",
    "DEFAULT",
    "DISTRIBUTE",
    "DIV",
    "FILTER",
    "FOREIGN",
    "GENERATED",
    "HAVING",
    "IDENTIFIER",
    "ILIKE",
    "INTERVAL",
    "LATERAL",
    "MASK",
    "OPTIONS",
    "OVER",
    "PIVOT",
    "PRIMARY",
    "QUALIFY",
    "RETAIN",
    "SORT",
    "TABLESAMPLE",
    "UNPIVOT",
    "WINDOW",
    "WITHIN",
    "ZORDER",
];

/// Operators in one statement.
const LINKS: usize = 2000;

impl Parser<'_> {
    /// Reads something a level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEPTH {
            let what = format!("a statement that is nested deeper than {DEPTH} levels");
            return Err(SqlError::unsupported(what));
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// Counts an operator.
    fn link(&mut self) -> Result<()> {
        self.links += 1;
        if self.links <= LINKS {
            Ok(())
        } else {
            Err(SqlError::unsupported(format!("a statement with more than {LINKS} operators")))
        }
    }

    fn statement(&mut self) -> Result<ParsedStatement> {
        let Some(first) = self.peek_word(0) else {
            return match self.peek() {
                Some(SqlToken::Sign("(")) => Ok(ParsedStatement::Query(self.query()?)),
                _ => Err(self.unexpected("a statement")),
            };
        };
        match first.as_str() {
            "SELECT" | "VALUES" | "WITH" => Ok(ParsedStatement::Query(self.query()?)),
            "DESCRIBE" | "DESC" => self.describe(),
            "SHOW" => self.show().map(ParsedStatement::Show),
            "LIST" => {
                self.at += 1;
                let url = self.text()?;
                let limit = self.limit()?;
                Ok(ParsedStatement::List { url, limit })
            }
            "CREATE" | "REPLACE" => self.create(),
            "DROP" => self.drop_table(),
            "ALTER" => self.alter(),
            "INSERT" => self.insert(),
            "UPDATE" => self.update(),
            "DELETE" => self.delete(),
            "MERGE" => self.merge(),
            "RESTORE" => {
                self.at += 1;
                self.word("TABLE");
                let target = self.target()?;
                self.word("TO");
                let at = self.point()?.ok_or_else(|| self.unexpected("VERSION AS OF"))?;
                Ok(ParsedStatement::Restore { target, at })
            }
            "OPTIMIZE" => self.optimize(),
            "VACUUM" => self.vacuum(),
            "REPAIR" | "MSCK" => {
                if first == "MSCK" {
                    self.at += 1;
                }
                self.expect_word("REPAIR")?;
                self.expect_word("TABLE")?;
                let target = self.target()?;
                self.expect_words(&["SYNC", "METADATA"])?;
                Ok(ParsedStatement::Repair(target))
            }
            "GRANT" | "REVOKE" => self.grant(),
            "USE" => self.use_names(),
            other => Err(SqlError::unsupported(format!("{other} …"))),
        }
    }

    fn limit(&mut self) -> Result<Option<usize>> {
        if !self.word("LIMIT") || self.word("ALL") { Ok(None) } else { self.number().map(Some) }
    }

    /// `VERSION AS OF n`, `TIMESTAMP AS OF t`, or nothing.
    fn point(&mut self) -> Result<Option<TimeTravel>> {
        if self.words(&["VERSION", "AS", "OF"]) {
            return Ok(Some(TimeTravel::Version(self.number()? as u64)));
        }
        if self.words(&["TIMESTAMP", "AS", "OF"]) {
            return Ok(Some(TimeTravel::Time(self.expression()?)));
        }
        Ok(None)
    }

    /// The `v3` of `t@v3`.
    fn named_point(&mut self) -> Result<TimeTravel> {
        let version = self.peek_word(0).and_then(|word| word.strip_prefix('V')?.parse().ok());
        self.at += 1;
        version
            .map(TimeTravel::Version)
            .ok_or_else(|| SqlError::unsupported("a table at a time by @"))
    }

    /// `USE [CATALOG] catalog`, `USE [SCHEMA] [catalog.]schema`.
    fn use_names(&mut self) -> Result<ParsedStatement> {
        self.at += 1;
        if self.word("CATALOG") {
            return Ok(ParsedStatement::Use { catalog: Some(self.name()?), schema: None });
        }
        let _ = self.word("SCHEMA") || self.word("DATABASE");
        let names = self.names()?;
        match names.as_slice() {
            [schema] => Ok(ParsedStatement::Use { catalog: None, schema: Some(schema.clone()) }),
            [catalog, schema] => Ok(ParsedStatement::Use {
                catalog: Some(catalog.clone()),
                schema: Some(schema.clone()),
            }),
            _ => Err(self.unexpected("a name of one or two parts")),
        }
    }

    /// A table by name or path; `IDENTIFIER` is not understood.
    fn target(&mut self) -> Result<TableTarget> {
        let names = self.names()?;
        match names.as_slice() {
            [format, path] if format.eq_ignore_ascii_case("delta") && path.contains('/') => {
                Ok(TableTarget::Path(path.clone()))
            }
            [_] | [_, _] | [_, _, _] => Ok(TableTarget::Name(names)),
            _ => Err(self.unexpected("a name of one to three parts")),
        }
    }

    /// A kind of securable; `TABLE` where none is named.
    fn securable(&mut self) -> String {
        if self.words(&["EXTERNAL", "LOCATION"]) {
            return "EXTERNAL LOCATION".to_owned();
        }
        for kind in ["TABLE", "SCHEMA", "CATALOG"] {
            if self.word(kind) {
                return kind.to_owned();
            }
        }
        "TABLE".to_owned()
    }

    fn names(&mut self) -> Result<Vec<String>> {
        let mut names = vec![self.name()?];
        while self.take(".") {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn name(&mut self) -> Result<String> {
        match self.peek() {
            Some(SqlToken::Word(name) | SqlToken::Quoted(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn text(&mut self) -> Result<String> {
        match self.peek() {
            Some(SqlToken::Text(text)) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.unexpected("a text in quotes")),
        }
    }

    fn number(&mut self) -> Result<usize> {
        match self.peek() {
            Some(SqlToken::Number(digits)) => {
                let read = digits.parse();
                let number = read.map_err(|_| self.unexpected("a whole number"))?;
                self.at += 1;
                Ok(number)
            }
            _ => Err(self.unexpected("a whole number")),
        }
    }

    /// `('key' = 'value', …)`.
    fn properties(&mut self) -> Result<BTreeMap<String, String>> {
        self.expect("(")?;
        let mut properties = BTreeMap::new();
        while !self.take(")") {
            let key = self.property_key()?;
            self.take("=");
            let value = match self.next() {
                Some(SqlToken::Text(value) | SqlToken::Number(value) | SqlToken::Word(value)) => {
                    value
                }
                _ => return Err(self.unexpected("a property's value")),
            };
            properties.insert(key, value);
            self.take(",");
        }
        Ok(properties)
    }

    fn property_key(&mut self) -> Result<String> {
        match self.peek() {
            Some(SqlToken::Text(_)) => self.text(),
            _ => Ok(self.names()?.join(".")),
        }
    }

    fn peek(&self) -> Option<&SqlToken> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<SqlToken> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    /// A plain word some tokens ahead, in capitals.
    fn peek_word(&self, ahead: usize) -> Option<String> {
        match self.tokens.get(self.at + ahead) {
            Some((SqlToken::Word(word), _)) => Some(word.to_ascii_uppercase()),
            _ => None,
        }
    }

    fn is_word(&self, word: &str) -> bool {
        self.peek_word(0).as_deref() == Some(word)
    }

    fn word(&mut self, word: &str) -> bool {
        let there = self.is_word(word);
        self.at += usize::from(there);
        there
    }

    fn words(&mut self, words: &[&str]) -> bool {
        let there = words
            .iter()
            .enumerate()
            .all(|(ahead, word)| self.peek_word(ahead).as_deref() == Some(*word));
        if there {
            self.at += words.len();
        }
        there
    }

    fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected(word)) }
    }

    fn expect_words(&mut self, words: &[&str]) -> Result<()> {
        words.iter().try_for_each(|word| self.expect_word(word))
    }

    fn take(&mut self, sign: &str) -> bool {
        let there = matches!(self.peek(), Some(SqlToken::Sign(found)) if *found == sign);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    /// Why it does not go on here: what stands here may be right on Databricks, save that nothing ends where more is needed.
    fn unexpected(&self, wanted: &str) -> SqlError {
        // One that begins with such a word may have been taken for a name.
        let here = [self.at, self.at.wrapping_sub(1)];
        let here = here.into_iter().filter_map(|at| self.tokens.get(at));
        let mut words = here.filter_map(|(token, _)| match token {
            SqlToken::Word(word) => Some(word.to_ascii_uppercase()),
            _ => None,
        });
        if let Some(word) = words.find(|word| BEYOND.contains(&word.as_str())) {
            return SqlError::unsupported(word);
        }
        let wrong = |found: &str, at: usize| {
            SqlError::syntax(&format!("{wanted} is expected, found {found}"), self.sql, at)
        };
        match self.tokens.get(self.at) {
            None => wrong("the end", self.sql.len()),
            Some((token @ SqlToken::Sign(")" | "," | ";"), at)) => wrong(&shown(token), *at),
            Some((token, at)) => {
                let (line, column) = SqlError::line_and_column(self.sql, *at);
                let found = shown(token);
                SqlError::unsupported(format!(
                    "{found} where {wanted} is expected (line {line}, pos {column})"
                ))
            }
        }
    }
}

fn shown(token: &SqlToken) -> String {
    match token {
        SqlToken::Word(text) | SqlToken::Number(text) => format!("'{text}'"),
        SqlToken::Quoted(text) => format!("`{text}`"),
        SqlToken::Text(text) => format!("the text '{text}'"),
        SqlToken::Marker(name) => format!("':{name}'"),
        SqlToken::Sign(sign) => format!("'{sign}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_is_too_deep_or_too_long_a_chain_is_refused() {
        let deep = [
            format!("SELECT {}1{}", "(".repeat(1000), ")".repeat(1000)),
            format!("SELECT {}1", "NOT ".repeat(1000)),
            format!("SELECT {}x", "- ".repeat(1000)),
            format!("{}SELECT 1{}", "SELECT * FROM (".repeat(1000), ")".repeat(1000)),
            format!("SELECT CAST(1 AS {}INT{})", "ARRAY<".repeat(1000), ">".repeat(1000)),
            format!("SELECT 1{}", " + 1".repeat(100_000)),
            format!("SELECT true{}", " AND true".repeat(100_000)),
            format!("SELECT {}1{}", "(".repeat(30), " BETWEEN 0 AND 1)".repeat(30)),
        ];
        for sql in deep {
            let refused = parse(&sql).err().map(|error| error.message);
            let refused = refused.unwrap_or_default();
            assert!(
                ["deeper than 64 levels", "more than 2000 operators"]
                    .iter()
                    .any(|limit| refused.contains(limit)),
                "{sql:.40}: {refused:.200}"
            );
        }
        let fine = format!("SELECT {}1{} + 2 * 3", "(".repeat(20), ")".repeat(20));
        assert!(parse(&fine).is_ok());
    }
}
