//! One statement for many tables, and what to do when it is refused.
//! It reads alone, so that a statement may be sent again in parts.
//!
//! A batch that fails because of one table goes on without it; a form that the warehouse does not take is not tried again.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt, TryFutureExt, stream};

use super::refusal::Refusal;
use super::rows::ResultRows;
use super::statements::{Intent, Sql};
use crate::sql::{Relation, Statement};

/// Tables a statement.
pub(super) const TABLES: usize = 50;
/// Tables a statement that reads one row of each.
pub(super) const TABLES_BY_A_ROW: usize = 250;
/// Statements of many tables at once.
const AT_ONCE: usize = 4;
/// Statements at once where tables are looked at one by one.
const SINGLES: usize = 8;
/// Tables taken out of a batch by name before the rest is looked at one by one.
const TAKEN_OUT_MAX: usize = 4;

/// The batched forms that this warehouse has refused.
#[derive(Debug, Default)]
pub(super) struct RefusedForms {
    refused: AtomicBool,
}

/// How several tables, and one alone, are asked about.
pub(super) struct QuestionForm<'a, Q> {
    pub(super) relation: &'a (dyn Fn(&Q) -> Relation + Sync),
    pub(super) many: &'a (dyn Fn(&[&Q]) -> Statement + Sync),
    pub(super) one: &'a (dyn Fn(&Q) -> Statement + Sync),
    /// Tables a statement.
    pub(super) size: usize,
    /// What becomes of the rest of a batch of which several tables were taken out.
    pub(super) rest: Rest,
}

/// What becomes of the rest of a batch of which as many tables were taken out as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Each is asked about alone, or, where they are very many, in smaller batches first.
    OneByOne,
    /// The last refusal is the answer to all of it: whoever asks looks closer at what does not answer, by another way.
    AsRefused,
}

impl RefusedForms {
    /// Asks about all tables; the answers stand at their questions' places.
    pub(super) async fn ask<Q: Sync>(
        &self,
        sql: &Sql,
        asked: &[&Q],
        form: &QuestionForm<'_, Q>,
    ) -> Vec<Result<ResultRows, Refusal>> {
        let mut answers: Vec<Option<Result<ResultRows, Refusal>>> =
            asked.iter().map(|_| None).collect();
        let smaller = (form.size.min(asked.len()) > TABLES).then_some(TABLES);
        for size in [form.size.max(1)].into_iter().chain(smaller) {
            let open = places_open(&answers);
            let tables: Vec<&Q> = open.iter().map(|at| asked[*at]).collect();
            let asks: Vec<_> =
                tables.chunks(size).map(|chunk| self.ask_together(sql, chunk, form)).collect();
            let mut asks = stream::iter(asks).buffered(AT_ONCE);
            let mut open = open.into_iter();
            while let Some(answered) = asks.next().await {
                for (at, answer) in open.by_ref().take(answered.len()).zip(answered) {
                    answers[at] = answer;
                }
            }
        }
        self.ask_one_by_one(sql, asked, form, &mut answers).await;
        answers.into_iter().flatten().collect()
    }

    /// Asks about several tables in one statement, and again without those that it names as its trouble; what is to be asked about
    /// otherwise stays open.
    async fn ask_together<Q: Sync>(
        &self,
        sql: &Sql,
        asked: &[&Q],
        form: &QuestionForm<'_, Q>,
    ) -> Vec<Option<Result<ResultRows, Refusal>>> {
        let mut answers: Vec<Option<Result<ResultRows, Refusal>>> =
            asked.iter().map(|_| None).collect();
        let mut taken_out = 0;
        loop {
            let open = places_open(&answers);
            if open.len() < 2 || taken_out > TAKEN_OUT_MAX || self.refused.load(Ordering::Relaxed) {
                break;
            }
            let tables: Vec<&Q> = open.iter().map(|at| asked[*at]).collect();
            match sql.run(&(form.many)(&tables), Intent::Look).await {
                Ok(finished) => {
                    for (at, rows) in open.iter().zip(finished.rows.split(tables.len())) {
                        answers[*at] = Some(Ok(rows));
                    }
                }
                Err(refusal) => {
                    let relations: Vec<Relation> =
                        tables.iter().map(|table| (form.relation)(table)).collect();
                    match refusal.names_one_of(&relations) {
                        Some(place) => {
                            answers[open[place]] = Some(Err(refusal.clone()));
                            taken_out += 1;
                            if taken_out > TAKEN_OUT_MAX && form.rest == Rest::AsRefused {
                                let left = answers.iter_mut().filter(|answer| answer.is_none());
                                left.for_each(|answer| *answer = Some(Err(refusal.clone())));
                            }
                        }
                        None if refusal.is_syntax() => {
                            self.refused.store(true, Ordering::Relaxed);
                            break;
                        }
                        // The warehouse or the workspace is away or shut: one by one would be the same many times.
                        None if refusal.transient || refusal.is_of_warehouse() => {
                            for at in open {
                                answers[at] = Some(Err(refusal.clone()));
                            }
                        }
                        None => break,
                    }
                }
            }
        }
        answers
    }

    async fn ask_one_by_one<Q: Sync>(
        &self,
        sql: &Sql,
        asked: &[&Q],
        form: &QuestionForm<'_, Q>,
        answers: &mut [Option<Result<ResultRows, Refusal>>],
    ) {
        let open = places_open(answers);
        let statements: Vec<(usize, Statement)> =
            open.into_iter().map(|at| (at, (form.one)(asked[at]))).collect();
        let looks: Vec<_> = statements
            .iter()
            .map(|(at, statement)| {
                let look = sql.run(statement, Intent::Look).map_ok(|finished| finished.rows);
                async move { (*at, look.await) }
            })
            .collect();
        let mut looks = stream::iter(looks).buffer_unordered(SINGLES);
        while let Some((at, answer)) = looks.next().await {
            answers[at] = Some(answer);
        }
    }
}

/// The places of questions that are not answered.
fn places_open<T>(answers: &[Option<T>]) -> Vec<usize> {
    answers.iter().enumerate().filter(|(_, answer)| answer.is_none()).map(|(at, _)| at).collect()
}
