//! `IN (SELECT …)` in a WHERE: the query is carried out once, before any row is looked at.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::Session;
use super::ast::Expr;
use super::error::Result;
use super::members::Members;
use super::rows::NamedQueries;

impl Session {
    /// The expression with what its queries came to in their places.
    pub(super) fn with_members<'a>(
        &'a self,
        expr: &'a Expr,
        named: &'a NamedQueries,
    ) -> BoxFuture<'a, Result<Expr>> {
        async move {
            Ok(match expr {
                Expr::InQuery(value, query) => {
                    let members = Members::of(&self.query(query, named).await?)?;
                    Expr::Among(value.clone(), Arc::new(members))
                }
                Expr::Not(inner) => Expr::Not(Box::new(self.with_members(inner, named).await?)),
                Expr::Binary(one, sign @ ("AND" | "OR"), two) => Expr::Binary(
                    Box::new(self.with_members(one, named).await?),
                    sign,
                    Box::new(self.with_members(two, named).await?),
                ),
                // Anywhere else one is refused when it is met.
                expr => expr.clone(),
            })
        }
        .boxed()
    }
}
