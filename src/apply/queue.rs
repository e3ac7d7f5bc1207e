//! Writes to one metadata table that wait for their turn: what has gathered becomes one write, and readings likewise.

use std::collections::BTreeMap;

use tokio::sync::Mutex;

use crate::region::{RegionError, RegionErrorKind};

/// Names what was handed in, so that whoever writes can answer for it.
type Ticket = u64;

/// The queue of one table in one region: of `T`s that are each answered by an `R`.
#[derive(Debug)]
pub(super) struct Queue<T, R> {
    waiting: std::sync::Mutex<Waiting<T>>,
    /// Held while a batch is written; holds the answers that were not fetched yet.
    turn: Mutex<BTreeMap<Ticket, Result<R, RegionError>>>,
}

#[derive(Debug)]
struct Waiting<T> {
    next: Ticket,
    items: Vec<(Ticket, T)>,
}

impl<T, R> Queue<T, R> {
    /// An empty queue.
    pub(super) fn new() -> Queue<T, R> {
        Queue {
            waiting: std::sync::Mutex::new(Waiting { next: 0, items: Vec::new() }),
            turn: Mutex::default(),
        }
    }

    /// Writes or reads an item together with whatever else is waiting, by whoever of them has the turn; `write` gives one answer an item.
    ///
    /// # Errors
    /// The refusal of the item.
    pub(super) async fn write(
        &self,
        item: T,
        write: impl AsyncFnOnce(&[T]) -> Vec<Result<R, RegionError>>,
    ) -> Result<R, RegionError> {
        let ticket = {
            let mut waiting = self.waiting.lock().expect("no panic while an item is queued");
            let ticket = waiting.next;
            waiting.next += 1;
            waiting.items.push((ticket, item));
            ticket
        };
        let mut answers = self.turn.lock().await;
        if let Some(answer) = answers.remove(&ticket) {
            return answer;
        }
        let gathered = {
            let mut waiting = self.waiting.lock().expect("no panic while items are taken");
            std::mem::take(&mut waiting.items)
        };
        let (tickets, items): (Vec<Ticket>, Vec<T>) = gathered.into_iter().unzip();
        answers.extend(tickets.into_iter().zip(write(&items).await));
        answers.remove(&ticket).unwrap_or_else(|| {
            let doing = "write to the metadata tables";
            let detail = "whoever wrote for it gave up";
            Err(RegionError::new(RegionErrorKind::Other, doing, detail))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Twenty at once; what the batches were.
    async fn batches(fails: bool) -> (Vec<Vec<u32>>, Vec<Result<u32, RegionError>>) {
        let queue: Arc<Queue<u32, u32>> = Arc::new(Queue::new());
        let seen: Arc<std::sync::Mutex<Vec<Vec<u32>>>> = Arc::default();
        let tasks = (0..20).map(|item| {
            let (queue, seen) = (queue.clone(), seen.clone());
            tokio::spawn(async move {
                let write = async |items: &[u32]| {
                    seen.lock().unwrap().push(items.to_vec());
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                    let answer = |item: &u32| {
                        if fails && item % 2 == 1 {
                            Err(RegionError::new(RegionErrorKind::Denied, "write", "odd"))
                        } else {
                            Ok(item * 10)
                        }
                    };
                    items.iter().map(answer).collect()
                };
                queue.write(item, write).await
            })
        });
        let tasks: Vec<_> = tasks.collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        let seen = seen.lock().unwrap().clone();
        (seen, answers)
    }

    #[tokio::test]
    async fn what_has_gathered_is_one_write_and_everyone_gets_their_own_answer() {
        let (batches, answers) = batches(false).await;
        assert!(batches.len() < 20, "{batches:?}");
        let mut written = batches.concat();
        written.sort_unstable();
        assert_eq!(written, (0..20).collect::<Vec<u32>>(), "each once");
        for (item, answer) in (0..).zip(answers) {
            assert_eq!(answer, Ok(item * 10));
        }
    }

    #[tokio::test]
    async fn a_refusal_is_that_of_its_item() {
        let (_, answers) = batches(true).await;
        for (item, answer) in answers.iter().enumerate() {
            assert_eq!(answer.is_err(), item % 2 == 1, "{item}: {answer:?}");
        }
    }
}
