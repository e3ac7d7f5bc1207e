//! Reads ALTER TABLE, OPTIMIZE and VACUUM.

use super::Parser;
use crate::lakehouse::delta::ColumnPlace;
use crate::sandbox::sql::ast::{AddedColumn, ParsedStatement, Vacuuming};
use crate::sandbox::sql::error::{Result, SqlError};
use crate::sandbox::sql::lexer::SqlToken;

impl Parser<'_> {
    pub(super) fn alter(&mut self) -> Result<ParsedStatement> {
        self.at += 1;
        if !self.word("TABLE") {
            let what = self.peek_word(0).unwrap_or_default();
            return Err(SqlError::unsupported(format!("ALTER {what}")));
        }
        let target = self.target()?;
        let columns = |parser: &mut Self, doing: &str| {
            parser.words(&[doing, "COLUMNS"]) || parser.words(&[doing, "COLUMN"])
        };
        if columns(self, "ADD") {
            let columns = self.listed(Self::added_column)?;
            return Ok(ParsedStatement::AddColumns { target, columns });
        }
        if columns(self, "DROP") {
            let if_exists = self.words(&["IF", "EXISTS"]);
            let columns = self.listed(Self::names)?;
            return Ok(ParsedStatement::DropColumns { target, columns, if_exists });
        }
        if self.words(&["RENAME", "COLUMN"]) {
            let column = self.names()?;
            self.expect_word("TO")?;
            return Ok(ParsedStatement::RenameColumn { target, column, to: self.name()? });
        }
        if self.words(&["SET", "TBLPROPERTIES"]) {
            let properties = self.properties()?;
            return Ok(ParsedStatement::SetProperties { target, properties });
        }
        let words: Vec<String> = (0..2).map_while(|ahead| self.peek_word(ahead)).collect();
        Err(SqlError::unsupported(format!("ALTER TABLE … {}", words.join(" "))))
    }

    /// `(x, y)`, or `x, y` without parentheses.
    fn listed<T>(&mut self, read: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let enclosed = self.take("(");
        let mut found = vec![read(self)?];
        while self.take(",") {
            found.push(read(self)?);
        }
        if enclosed {
            self.expect(")")?;
        }
        Ok(found)
    }

    /// `a STRING`, `b.element.c BIGINT COMMENT 'why' AFTER d`.
    fn added_column(&mut self) -> Result<AddedColumn> {
        let (path, kind) = (self.names()?, self.kind()?);
        let mut column = AddedColumn { path, kind, comment: None, place: ColumnPlace::Last };
        loop {
            if self.word("COMMENT") {
                column.comment = Some(self.text()?);
            } else if self.word("FIRST") {
                column.place = ColumnPlace::First;
            } else if self.word("AFTER") {
                column.place = ColumnPlace::After(self.name()?);
            } else if self.words(&["NOT", "NULL"]) {
                return Err(SqlError::unsupported("NOT NULL of a column"));
            } else {
                return Ok(column);
            }
        }
    }

    pub(super) fn optimize(&mut self) -> Result<ParsedStatement> {
        self.at += 1;
        let target = self.target()?;
        let beyond = ["FULL", "WHERE", "ZORDER"].into_iter().find(|word| self.is_word(word));
        match beyond {
            Some(word) => Err(SqlError::unsupported(format!("OPTIMIZE … {word}"))),
            None => Ok(ParsedStatement::Optimize(target)),
        }
    }

    /// `VACUUM t [FULL | LITE] [RETAIN n HOURS] [DRY RUN]`.
    pub(super) fn vacuum(&mut self) -> Result<ParsedStatement> {
        self.at += 1;
        let target = self.target()?;
        let mut how = Vacuuming { hours: None, lite: false, dry_run: false };
        loop {
            if self.word("LITE") {
                how.lite = true;
            } else if self.word("RETAIN") {
                let hours = match self.next() {
                    Some(SqlToken::Number(digits)) => digits.parse().ok(),
                    _ => None,
                };
                how.hours = Some(hours.ok_or_else(|| self.unexpected("a number of hours"))?);
                self.expect_word("HOURS")?;
            } else if self.words(&["DRY", "RUN"]) {
                how.dry_run = true;
            } else if self.words(&["USING", "INVENTORY"]) {
                return Err(SqlError::unsupported("VACUUM … USING INVENTORY"));
            } else if !self.word("FULL") {
                return Ok(ParsedStatement::Vacuum { target, how });
            }
        }
    }
}
