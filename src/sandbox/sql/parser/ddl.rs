//! Reads statements that make, change and drop tables, and those that give rights.

use super::Parser;
use crate::sandbox::sql::ast::{Clone_, CreateTable, GrantStatement, ParsedStatement};
use crate::sandbox::sql::error::{Result, SqlError};
use crate::sandbox::sql::lexer::SqlToken;

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Result<ParsedStatement> {
        let mut replace = self.word("REPLACE");
        if !replace {
            self.expect_word("CREATE")?;
            replace = self.words(&["OR", "REPLACE"]);
        }
        if self.word("SCHEMA") || self.word("DATABASE") {
            self.words(&["IF", "NOT", "EXISTS"]);
            return Ok(ParsedStatement::CreateSchema(self.names()?));
        }
        self.word("EXTERNAL");
        if !self.word("TABLE") {
            let what = self.peek_word(0).unwrap_or_default();
            return Err(SqlError::unsupported(format!("CREATE {what}")));
        }
        let if_not_exists = self.words(&["IF", "NOT", "EXISTS"]);
        let target = self.target()?;
        let shallow = self.is_word("SHALLOW");
        if self.word("SHALLOW") || self.word("DEEP") || self.is_word("CLONE") {
            self.expect_word("CLONE")?;
            let source = self.target()?;
            let at = self.point()?;
            let mut clone = Clone_ {
                target,
                replace,
                if_not_exists,
                shallow,
                source,
                at,
                properties: Default::default(),
                location: None,
            };
            loop {
                if self.word("TBLPROPERTIES") {
                    clone.properties = self.properties()?;
                } else if self.word("LOCATION") {
                    clone.location = Some(self.text()?);
                } else {
                    return Ok(ParsedStatement::Clone(clone));
                }
            }
        }
        self.create_table(CreateTable {
            target,
            replace,
            if_not_exists,
            columns: Vec::new(),
            partition_by: Vec::new(),
            location: None,
            properties: Default::default(),
            query: None,
        })
    }

    fn create_table(&mut self, mut table: CreateTable) -> Result<ParsedStatement> {
        if self.is_word("LIKE") {
            return Err(SqlError::unsupported("CREATE TABLE … LIKE"));
        }
        if self.take("(") {
            while !self.take(")") {
                let name = self.name()?;
                let kind = self.kind()?;
                table.columns.push((name, kind));
                if self.words(&["NOT", "NULL"]) {
                    return Err(SqlError::unsupported("NOT NULL of a column"));
                }
                if self.word("COMMENT") {
                    self.text()?;
                }
                if !self.take(",") {
                    self.expect(")")?;
                    break;
                }
            }
        }
        loop {
            if self.word("USING") {
                let format = self.name()?;
                if !format.eq_ignore_ascii_case("delta") {
                    return Err(SqlError::unsupported(format!("USING {format}")));
                }
            } else if self.word("LOCATION") {
                table.location = Some(self.text()?);
            } else if self.word("TBLPROPERTIES") {
                table.properties = self.properties()?;
            } else if self.word("COMMENT") {
                self.text()?;
            } else if self.words(&["PARTITIONED", "BY"]) {
                self.expect("(")?;
                while !self.take(")") {
                    table.partition_by.push(self.name()?);
                    self.take(",");
                }
            } else if self.word("AS") || self.is_word("SELECT") {
                table.query = Some(self.query()?);
            } else {
                return Ok(ParsedStatement::CreateTable(table));
            }
        }
    }

    pub(super) fn drop_table(&mut self) -> Result<ParsedStatement> {
        self.at += 1;
        if !self.word("TABLE") {
            let what = self.peek_word(0).unwrap_or_default();
            return Err(SqlError::unsupported(format!("DROP {what}")));
        }
        let if_exists = self.words(&["IF", "EXISTS"]);
        let target = self.target()?;
        Ok(ParsedStatement::Drop { target, if_exists })
    }

    /// `GRANT a, b ON TABLE x TO p` and `REVOKE a ON TABLE x FROM p`.
    pub(super) fn grant(&mut self) -> Result<ParsedStatement> {
        let give = self.word("GRANT");
        if !give {
            self.expect_word("REVOKE")?;
        }
        let mut privileges = vec![String::new()];
        loop {
            match self.next() {
                Some(SqlToken::Word(word)) if word.eq_ignore_ascii_case("ON") => break,
                Some(SqlToken::Word(word)) => {
                    if let Some(last) = privileges.last_mut() {
                        if !last.is_empty() {
                            last.push('_');
                        }
                        last.push_str(&word.to_ascii_uppercase());
                    }
                }
                Some(SqlToken::Sign(",")) => privileges.push(String::new()),
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected("a privilege"));
                }
            }
        }
        let kind = self.securable();
        let name = self.names()?;
        self.expect_word(if give { "TO" } else { "FROM" })?;
        let principal = match self.peek() {
            Some(SqlToken::Text(_)) => self.text()?,
            _ => self.name()?,
        };
        Ok(ParsedStatement::Grant(GrantStatement { give, privileges, kind, name, principal }))
    }
}
