//! Reads expressions and types.

use super::Parser;
use crate::sandbox::sql::ast::Expr;
use crate::sandbox::sql::error::{Result, SqlError};
use crate::sandbox::sql::kind::{self, Kind, misshapen};
use crate::sandbox::sql::lexer::SqlToken;
use crate::sandbox::sql::literal;

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expr> {
        self.deeper(Self::disjunction)
    }

    fn disjunction(&mut self) -> Result<Expr> {
        let mut left = self.conjunction()?;
        while self.word("OR") {
            self.link()?;
            left = Expr::Binary(Box::new(left), "OR", Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expr> {
        let mut left = self.negation()?;
        while self.word("AND") {
            self.link()?;
            left = Expr::Binary(Box::new(left), "AND", Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expr> {
        if self.word("NOT") {
            Ok(Expr::Not(Box::new(self.deeper(Self::negation)?)))
        } else {
            self.comparison()
        }
    }

    fn comparison(&mut self) -> Result<Expr> {
        let left = self.sum()?;
        for sign in ["<=>", "<=", ">=", "<>", "!=", "==", "=", "<", ">"] {
            if self.take(sign) {
                let sign = match sign {
                    "!=" => "<>",
                    "==" => "=",
                    sign => sign,
                };
                return Ok(Expr::Binary(Box::new(left), sign, Box::new(self.sum()?)));
            }
        }
        if self.word("IS") {
            return self.behind_is(left);
        }
        let not = self.word("NOT");
        let found = if self.word("IN") {
            self.expect("(")?;
            if self.is_word("SELECT") {
                let query = self.query()?;
                self.expect(")")?;
                Expr::InQuery(Box::new(left), Box::new(query))
            } else {
                Expr::In(Box::new(left), self.arguments()?)
            }
        } else if self.word("LIKE") {
            let pattern = self.sum()?;
            if self.is_word("ESCAPE") {
                return Err(SqlError::unsupported("LIKE … ESCAPE"));
            }
            Expr::Like(Box::new(left), Box::new(pattern))
        } else if self.word("BETWEEN") {
            // What stands before it is copied, once more at each level.
            (0..100).try_for_each(|_| self.link())?;
            let low = self.sum()?;
            self.expect_word("AND")?;
            let high = self.sum()?;
            let above = Expr::Binary(Box::new(left.clone()), ">=", Box::new(low));
            let below = Expr::Binary(Box::new(left), "<=", Box::new(high));
            Expr::Binary(Box::new(above), "AND", Box::new(below))
        } else if let Some(word) =
            ["ILIKE", "RLIKE", "REGEXP", "DIV"].into_iter().find(|word| self.is_word(word))
        {
            return Err(SqlError::unsupported(format!("{word} in an expression")));
        } else if not {
            return Err(self.unexpected("IN, LIKE or BETWEEN"));
        } else {
            return Ok(left);
        };
        Ok(if not { Expr::Not(Box::new(found)) } else { found })
    }

    /// What stands behind `IS`.
    fn behind_is(&mut self, left: Expr) -> Result<Expr> {
        let not = self.word("NOT");
        let is = if self.word("DISTINCT") {
            self.expect_word("FROM")?;
            let same = Expr::Binary(Box::new(left), "<=>", Box::new(self.sum()?));
            Expr::Not(Box::new(same))
        } else if let Some(truth) = ["TRUE", "FALSE"].into_iter().find(|it| self.word(it)) {
            let truth = Expr::Literal(literal::boolean(truth == "TRUE"));
            Expr::Binary(Box::new(left), "<=>", Box::new(truth))
        } else if self.word("UNKNOWN") {
            Expr::IsNull(Box::new(left))
        } else {
            self.expect_word("NULL")?;
            Expr::IsNull(Box::new(left))
        };
        Ok(if not { Expr::Not(Box::new(is)) } else { is })
    }

    fn sum(&mut self) -> Result<Expr> {
        let mut left = self.product()?;
        while let Some(sign) = ["+", "-", "||"].into_iter().find(|sign| self.take(sign)) {
            self.link()?;
            left = Expr::Binary(Box::new(left), sign, Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.unary()?;
        while let Some(sign) = ["*", "/", "%"].into_iter().find(|sign| self.take(sign)) {
            self.link()?;
            left = Expr::Binary(Box::new(left), sign, Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr> {
        if self.take("+") {
            return self.deeper(Self::unary);
        }
        let negative = self.take("-");
        if negative && !matches!(self.peek(), Some(SqlToken::Number(_))) {
            return Ok(Expr::Negative(Box::new(self.deeper(Self::unary)?)));
        }
        let mut value = match self.peek().cloned() {
            // The least number of a type has no positive twin.
            Some(SqlToken::Number(digits)) if negative => self.literal(&format!("-{digits}"))?,
            _ => self.primary()?,
        };
        loop {
            if self.take("::") {
                self.link()?;
                let to = self.kind()?;
                value = Expr::Cast { value: Box::new(value), to, lenient: false };
            } else if self.take("[") {
                self.link()?;
                let index = self.expression()?;
                self.expect("]")?;
                value = Expr::Index(Box::new(value), Box::new(index));
            } else if !matches!(value, Expr::Column(_)) && self.take(".") {
                self.link()?;
                value = Expr::Member(Box::new(value), self.name()?);
            } else {
                return Ok(value);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.unexpected("an expression"));
        };
        match token {
            SqlToken::Number(digits) => self.literal(&digits),
            SqlToken::Text(mut text) => {
                self.at += 1;
                // Texts beside each other are one.
                while let Some(SqlToken::Text(more)) = self.peek().cloned() {
                    text.push_str(&more);
                    self.at += 1;
                }
                Ok(Expr::Literal(literal::text(&text)))
            }
            SqlToken::Marker(name) => {
                self.at += 1;
                Ok(Expr::Marker(name))
            }
            SqlToken::Sign("*") => {
                self.at += 1;
                Ok(Expr::Star(None))
            }
            SqlToken::Sign("(") => {
                self.at += 1;
                if self.is_word("SELECT") {
                    return Err(SqlError::unsupported("a query inside an expression"));
                }
                let mut inner = self.arguments()?;
                match inner.len() {
                    1 => Ok(inner.remove(0)),
                    _ => Ok(Expr::Call { name: "STRUCT".into(), args: inner, distinct: false }),
                }
            }
            SqlToken::Quoted(_) => self.column(),
            SqlToken::Word(word) => self.worded(&word.to_ascii_uppercase()),
            SqlToken::Sign(_) => Err(self.unexpected("an expression")),
        }
    }

    fn literal(&mut self, digits: &str) -> Result<Expr> {
        let number = literal::number(digits);
        let number = number.ok_or_else(|| {
            let what = format!("The number {digits} is beyond every type of numbers.");
            SqlError::new("NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION", "22003", what)
        })?;
        self.at += 1;
        Ok(Expr::Literal(number))
    }

    fn worded(&mut self, word: &str) -> Result<Expr> {
        let called = matches!(self.tokens.get(self.at + 1), Some((SqlToken::Sign("("), _)));
        let texted = matches!(self.tokens.get(self.at + 1), Some((SqlToken::Text(_), _)));
        match word {
            "NULL" | "TRUE" | "FALSE" if !called => {
                self.at += 1;
                Ok(Expr::Literal(match word {
                    "NULL" => literal::null(),
                    word => literal::boolean(word == "TRUE"),
                }))
            }
            "TIMESTAMP" | "TIMESTAMP_NTZ" | "DATE" if texted => {
                self.at += 1;
                let to = match word {
                    "DATE" => Kind::Date32,
                    "TIMESTAMP" => kind::timestamp(),
                    _ => kind::LOCAL,
                };
                let text = Expr::Literal(literal::text(&self.text()?));
                Ok(Expr::Cast { value: Box::new(text), to, lenient: false })
            }
            "CURRENT_TIMESTAMP" | "CURRENT_DATE" | "CURRENT_USER" if !called => {
                self.at += 1;
                Ok(Expr::Call { name: word.to_owned(), args: Vec::new(), distinct: false })
            }
            "CAST" | "TRY_CAST" if called => {
                self.at += 2;
                let value = Box::new(self.expression()?);
                self.expect_word("AS")?;
                let to = self.kind()?;
                self.expect(")")?;
                Ok(Expr::Cast { value, to, lenient: word == "TRY_CAST" })
            }
            "CASE" => self.case(),
            "X" if texted => Err(SqlError::unsupported("the literal X'…'")),
            "EXISTS" | "INTERVAL" => Err(SqlError::unsupported(format!("{word} in an expression"))),
            _ if called => {
                self.at += 2;
                let distinct = self.word("DISTINCT");
                let args = self.arguments()?;
                let args = self.filtered(args)?;
                if self.is_word("OVER") {
                    return Err(SqlError::unsupported("a window function"));
                }
                Ok(Expr::Call { name: word.to_owned(), args, distinct })
            }
            _ => self.column(),
        }
    }

    /// What an aggregate with `FILTER (WHERE …)` is of: nulls, which it passes over, where the condition does not hold.
    fn filtered(&mut self, args: Vec<Expr>) -> Result<Vec<Expr>> {
        let filters = self.is_word("FILTER")
            && matches!(self.tokens.get(self.at + 1), Some((SqlToken::Sign("("), _)));
        if !filters {
            return Ok(args);
        }
        self.at += 2;
        self.expect_word("WHERE")?;
        let condition = self.expression()?;
        self.expect(")")?;
        let kept = |arg| {
            let value = match arg {
                Expr::Star(_) => Expr::Literal(literal::boolean(true)),
                value => value,
            };
            Expr::Case { of: None, arms: vec![(condition.clone(), value)], otherwise: None }
        };
        Ok(args.into_iter().map(kept).collect())
    }

    fn column(&mut self) -> Result<Expr> {
        let mut parts = vec![self.name()?];
        while self.take(".") {
            if self.take("*") {
                return Ok(Expr::Star(parts.pop()));
            }
            parts.push(self.name()?);
        }
        Ok(Expr::Column(parts))
    }

    fn case(&mut self) -> Result<Expr> {
        self.expect_word("CASE")?;
        let of = if self.is_word("WHEN") { None } else { Some(Box::new(self.expression()?)) };
        let mut arms = Vec::new();
        while self.word("WHEN") {
            let when = self.expression()?;
            self.expect_word("THEN")?;
            arms.push((when, self.expression()?));
        }
        let otherwise = if self.word("ELSE") { Some(Box::new(self.expression()?)) } else { None };
        self.expect_word("END")?;
        Ok(Expr::Case { of, arms, otherwise })
    }

    /// Expressions up to the closing parenthesis.
    pub(super) fn arguments(&mut self) -> Result<Vec<Expr>> {
        let mut arguments = Vec::new();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            let argument = self.expression()?;
            // A name inside a struct's constructor is of no consequence here.
            arguments.push(if self.word("AS") {
                let name = Expr::Literal(literal::text(&self.name()?));
                Expr::Call { name: "AS".into(), args: vec![argument, name], distinct: false }
            } else {
                argument
            });
            if !self.take(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(arguments)
    }

    pub(in crate::sandbox::sql) fn kind(&mut self) -> Result<Kind> {
        self.deeper(Self::whole_kind)
    }

    fn whole_kind(&mut self) -> Result<Kind> {
        let name = self.name()?.to_ascii_uppercase();
        match name.as_str() {
            "ARRAY" => {
                self.expect("<")?;
                let of = self.kind()?;
                self.expect_closing()?;
                Ok(kind::list(of))
            }
            "MAP" => {
                self.expect("<")?;
                let key = self.kind()?;
                self.expect(",")?;
                let value = self.kind()?;
                self.expect_closing()?;
                Ok(kind::map(key, value))
            }
            "STRUCT" => self.structure(),
            "DECIMAL" | "DEC" | "NUMERIC" if self.take("(") => {
                let precision = self.number()?;
                let scale = if self.take(",") { self.number()? } else { 0 };
                self.expect(")")?;
                let precision = u8::try_from(precision).unwrap_or(u8::MAX);
                let scale = i8::try_from(scale).unwrap_or(i8::MAX);
                match misshapen(precision, scale) {
                    None => Ok(Kind::Decimal128(precision, scale)),
                    Some(why) => Err(SqlError::new("INVALID_DECIMAL_TYPE", "42K0E", why)),
                }
            }
            "VARCHAR" | "CHAR" if self.take("(") => {
                self.number()?;
                self.expect(")")?;
                Ok(Kind::Utf8)
            }
            name => {
                kind::named(name).ok_or_else(|| SqlError::unsupported(format!("the type {name}")))
            }
        }
    }

    /// The fields of a struct.
    fn structure(&mut self) -> Result<Kind> {
        self.expect("<")?;
        let mut fields = Vec::new();
        while !self.take(">") {
            // `name:type` is read as a name and a marker.
            let name = self.name()?;
            let kind = match self.peek().cloned() {
                Some(SqlToken::Marker(word)) => {
                    if let Some(here) = self.tokens.get_mut(self.at) {
                        here.0 = SqlToken::Word(word);
                    }
                    self.kind()?
                }
                _ => {
                    self.take(":");
                    self.kind()?
                }
            };
            fields.push((name, kind));
            self.take(",");
        }
        Ok(kind::structure(fields))
    }

    /// A `>`; two of them together never occur as one sign.
    fn expect_closing(&mut self) -> Result<()> {
        self.expect(">")
    }
}
