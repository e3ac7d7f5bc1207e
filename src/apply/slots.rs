//! Who may clone next: so many tables at once, taken in the order of the plan's groups, however fast each of them gets ready.
//! It waits and reads the clock, and touches no region.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

/// A group that needs longer than this to get ready no longer holds up those after it: a region may hang over one table.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who waits looks so often whether patience has ended.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A group's place among all: its place in its workspace's order, then the workspace's.
pub(super) type Rank = (usize, usize);

/// The slots of an apply.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    state: Arc<Mutex<State>>,
    patience: Duration,
}

#[derive(Debug)]
struct State {
    free: usize,
    groups: BTreeMap<Rank, Group>,
}

/// A group that has begun.
#[derive(Debug)]
struct Group {
    begun: Instant,
    /// Tables that have yet to ask; `None`: it does not know yet how many will.
    to_ask: Option<usize>,
    waiting: VecDeque<oneshot::Sender<Slot>>,
}

/// A group at work: as long as its tables have not asked, those of later groups let it go first.
#[derive(Debug)]
pub(super) struct GroupTurn {
    slots: Slots,
    rank: Rank,
}

/// Leave to clone one table, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot(Slots);

impl Slots {
    /// So many, at least one.
    pub(super) fn new(number: usize) -> Slots {
        let state = State { free: number.max(1), groups: BTreeMap::new() };
        Slots { state: Arc::new(Mutex::new(state)), patience: PATIENCE }
    }

    /// A group begins. Each has a rank of its own, and groups begin in the order of their ranks.
    pub(super) fn begin(&self, rank: Rank) -> GroupTurn {
        let group = Group { begun: Instant::now(), to_ask: None, waiting: VecDeque::new() };
        self.with(|state| drop(state.groups.insert(rank, group)));
        GroupTurn { slots: self.clone(), rank }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().expect("no panic while slots are given"))
    }

    /// Gives what is free to whoever comes first.
    fn give(&self) {
        self.with(|state| {
            while state.free > 0 {
                let Some(next) = state.next(self.patience) else { return };
                state.free -= 1;
                if let Err(unwanted) = next.send(Slot(self.clone())) {
                    // Nobody waits any more: it was never given.
                    std::mem::forget(unwanted);
                    state.free += 1;
                }
            }
        });
    }
}

impl State {
    /// Who waits with the lowest rank, unless a group before it is still getting ready.
    fn next(&mut self, patience: Duration) -> Option<oneshot::Sender<Slot>> {
        for group in self.groups.values_mut() {
            if let Some(next) = group.waiting.pop_front() {
                return Some(next);
            }
            if group.to_ask != Some(0) && group.begun.elapsed() < patience {
                return None;
            }
        }
        None
    }
}

impl GroupTurn {
    /// The group is ready: so many of its tables ask now.
    pub(super) fn asks(&self, tables: usize) {
        self.slots.with(|state| {
            if let Some(group) = state.groups.get_mut(&self.rank) {
                group.to_ask = Some(tables);
            }
        });
        self.slots.give();
    }

    /// Waits until a table may be cloned.
    pub(super) async fn slot(&self) -> Slot {
        let (sender, mut given) = oneshot::channel();
        self.slots.with(|state| {
            if let Some(group) = state.groups.get_mut(&self.rank) {
                group.to_ask = group.to_ask.map(|tables| tables.saturating_sub(1));
                group.waiting.push_back(sender);
            }
        });
        loop {
            self.slots.give();
            tokio::select! {
                slot = &mut given => return slot.expect("a group waits as long as its tables do"),
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }
}

impl Drop for GroupTurn {
    fn drop(&mut self) {
        let ended = self.slots.with(|state| state.groups.remove(&self.rank));
        drop(ended);
        self.slots.give();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.with(|state| state.free += 1);
        self.0.give();
    }
}

#[cfg(test)]
mod tests {
    use futures::future::{join, join_all};
    use tokio::sync::Notify;
    use tokio::task::yield_now;

    use super::*;

    /// Groups of so many tables each, which get ready one after another as `ready` says; the order in which their tables are cloned.
    async fn cloned(slots: &Slots, tables: &[usize], ready: &[usize]) -> Vec<usize> {
        let order = Mutex::new(Vec::new());
        let turns: Vec<GroupTurn> = (0..tables.len()).map(|rank| slots.begin((rank, 0))).collect();
        let signs: Vec<Notify> = tables.iter().map(|_| Notify::new()).collect();
        let work =
            turns.into_iter().zip(tables).enumerate().map(async |(group, (turn, tables))| {
                signs[group].notified().await;
                turn.asks(*tables);
                join_all((0..*tables).map(async |_| {
                    let _slot = turn.slot().await;
                    order.lock().unwrap().push(group);
                    yield_now().await;
                }))
                .await;
            });
        let get_ready = async {
            for group in ready {
                signs[*group].notify_one();
                for _ in 0..20 {
                    yield_now().await;
                }
            }
        };
        join(join_all(work), get_ready).await;
        order.into_inner().unwrap()
    }

    #[tokio::test]
    async fn slots_are_taken_in_the_order_of_groups_however_fast_each_gets_ready() {
        for number in 1..=8 {
            let slots = Slots::new(number);
            for ready in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 3, 4, 0, 2]] {
                let order = cloned(&slots, &[2, 3, 0, 4, 1], &ready).await;
                assert_eq!(order, [0, 0, 1, 1, 1, 3, 3, 3, 3, 4], "{number} at once, {ready:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_group_that_hangs_does_not_hold_up_the_others_for_ever() {
        let slots = Slots { patience: Duration::ZERO, ..Slots::new(2) };
        assert_eq!(cloned(&slots, &[1, 2, 1], &[1, 2, 0]).await, [1, 1, 2, 0]);
    }

    #[tokio::test]
    async fn a_group_that_ends_before_it_asks_lets_the_others_go() {
        let slots = Slots::new(1);
        let (first, second) = (slots.begin((0, 0)), slots.begin((1, 0)));
        second.asks(2);
        let mut waiting = Box::pin(second.slot());
        assert!(futures::poll!(&mut waiting).is_pending(), "the first comes first");
        drop(first);
        let slot = waiting.await;
        let mut given_up = Box::pin(second.slot());
        assert!(futures::poll!(&mut given_up).is_pending(), "there is one slot");
        drop(given_up);
        drop(slot);
        drop(second.slot().await);
    }
}
