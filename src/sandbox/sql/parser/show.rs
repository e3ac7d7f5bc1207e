//! Reads DESCRIBE and SHOW.

use super::Parser;
use crate::sandbox::sql::ast::{ParsedStatement, ShowStatement};
use crate::sandbox::sql::error::{Result, SqlError};
use crate::sandbox::sql::lexer::SqlToken;

impl Parser<'_> {
    pub(super) fn describe(&mut self) -> Result<ParsedStatement> {
        self.at += 1;
        if self.word("HISTORY") {
            let target = self.target()?;
            let limit = self.limit()?;
            return Ok(ParsedStatement::DescribeHistory { target, limit });
        }
        if self.word("DETAIL") {
            return Ok(ParsedStatement::DescribeDetail(self.target()?));
        }
        let table = self.word("TABLE");
        let extended = self.word("EXTENDED") || self.word("FORMATTED");
        if !table
            && matches!(
                self.peek_word(0).as_deref(),
                Some("CATALOG" | "SCHEMA" | "DATABASE" | "QUERY" | "FUNCTION")
            )
        {
            return Err(SqlError::unsupported("DESCRIBE of anything but a table"));
        }
        let target = self.target()?;
        if self.is_word("PARTITION") {
            return Err(SqlError::unsupported("DESCRIBE of a partition"));
        }
        if self.is_word("AS") {
            return Err(SqlError::unsupported("DESCRIBE … AS JSON"));
        }
        if !matches!(self.peek(), Some(SqlToken::Word(_) | SqlToken::Quoted(_))) {
            return Ok(ParsedStatement::DescribeTable { target, extended });
        }
        let column = self.names()?;
        if extended {
            return Err(SqlError::unsupported("DESCRIBE EXTENDED of a column"));
        }
        Ok(ParsedStatement::DescribeColumn { target, column })
    }

    pub(super) fn show(&mut self) -> Result<ShowStatement> {
        self.at += 1;
        let Some(what) = self.peek_word(0) else {
            return Err(self.unexpected("what to show"));
        };
        self.at += 1;
        Ok(match what.as_str() {
            "EXTERNAL" => {
                self.expect_word("LOCATIONS")?;
                ShowStatement::Locations { like: self.like()? }
            }
            "CATALOGS" => ShowStatement::Catalogs { like: self.like()? },
            "SCHEMAS" | "DATABASES" => {
                let catalog =
                    if self.word("IN") || self.word("FROM") { Some(self.name()?) } else { None };
                ShowStatement::Schemas { catalog, like: self.like()? }
            }
            "TABLES" => self.tables()?,
            "COLUMNS" => {
                if !(self.word("IN") || self.word("FROM")) {
                    return Err(self.unexpected("IN"));
                }
                if self.word("CATALOG") {
                    ShowStatement::AllColumns {
                        catalog: self.name()?,
                        schemas_like: self.like_of("SCHEMA")?,
                        tables_like: self.like_of("TABLE")?,
                        like: self.like()?,
                    }
                } else {
                    ShowStatement::Columns(self.target()?)
                }
            }
            "TBLPROPERTIES" => {
                let target = self.target()?;
                let key = if self.take("(") {
                    let key = self.property_key()?;
                    self.expect(")")?;
                    Some(key)
                } else {
                    None
                };
                ShowStatement::Properties { target, key }
            }
            "GRANTS" | "GRANT" => {
                if !self.word("ON") {
                    self.name()?;
                    self.expect_word("ON")?;
                }
                let kind = self.securable();
                ShowStatement::Grants { kind, name: self.names()? }
            }
            other => return Err(SqlError::unsupported(format!("SHOW {other}"))),
        })
    }

    fn tables(&mut self) -> Result<ShowStatement> {
        if !(self.word("IN") || self.word("FROM")) {
            return Ok(ShowStatement::Tables { schema: Vec::new(), like: self.like()? });
        }
        let catalog = if self.words(&["ALL", "CATALOGS"]) {
            None
        } else if self.word("CATALOG") {
            Some(self.name()?)
        } else {
            let schema = self.names()?;
            return match schema.len() {
                1 | 2 => Ok(ShowStatement::Tables { schema, like: self.like()? }),
                _ => Err(self.unexpected("a schema's name of one or two parts")),
            };
        };
        let schemas_like = self.like_of("SCHEMA")?;
        self.word("TABLE");
        Ok(ShowStatement::AllTables { catalog, schemas_like, like: self.like()? })
    }

    fn like(&mut self) -> Result<Option<String>> {
        if self.word("LIKE") || matches!(self.peek(), Some(SqlToken::Text(_))) {
            self.text().map(Some)
        } else {
            Ok(None)
        }
    }

    /// `SCHEMA LIKE 'pattern'`, or nothing.
    fn like_of(&mut self, what: &str) -> Result<Option<String>> {
        if self.word(what) { self.like() } else { Ok(None) }
    }
}
