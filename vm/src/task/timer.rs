//! Timers: a binary heap ordered by deadline, then by creation.
use super::TaskKey;
use crate::value::Value;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a timer does when it fires.
#[derive(Clone, Copy)]
pub enum Due {
    /// Wakes a parked task with a value.
    Wake(TaskKey, u32, Value),
    /// Completes a future with nil.
    Settle(Value),
    /// Fails the futures a task waits for, and the wait.
    Timeout(TaskKey, u32, Value),
    /// Ends a wait with TimeoutException and leaves what was awaited alone.
    Abandon(TaskKey, u32),
}

struct Entry {
    due: Due,
}

/// Deadlines in microseconds of the driver's clock.
#[derive(Default)]
pub struct Timers {
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    entries: rustc_hash::FxHashMap<u64, Entry>,
    next: u64,
}

impl Timers {
    /// Gives the timer's number, for [`Timers::cancel`].
    pub fn add(&mut self, deadline: u64, due: Due) -> u64 {
        self.next += 1;
        self.queue.push(Reverse((deadline, self.next)));
        self.entries.insert(self.next, Entry { due });
        self.next
    }

    pub fn cancel(&mut self, id: u64) {
        self.entries.remove(&id);
        // Cancelled entries leave the queue when they come up, or all at once when they are the majority.
        if self.queue.len() > 64 && self.queue.len() > self.entries.len() * 2 {
            let live = &self.entries;
            self.queue.retain(|Reverse((_, id))| live.contains_key(id));
        }
    }

    pub fn pop_due(&mut self, now: u64) -> Option<Due> {
        while let Some(&Reverse((at, id))) = self.queue.peek() {
            if !self.entries.contains_key(&id) {
                self.queue.pop();
                continue;
            }
            if at > now {
                return None;
            }
            self.queue.pop();
            return self.entries.remove(&id).map(|e| e.due);
        }
        None
    }

    /// The next deadline.
    pub fn next_deadline(&mut self) -> Option<u64> {
        while let Some(&Reverse((at, id))) = self.queue.peek() {
            if self.entries.contains_key(&id) {
                return Some(at);
            }
            self.queue.pop();
        }
        None
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn roots(&self, out: &mut Vec<Value>) {
        for e in self.entries.values() {
            match e.due {
                Due::Wake(_, _, v) | Due::Settle(v) | Due::Timeout(_, _, v) => out.push(v),
                Due::Abandon(..) => {}
            }
        }
    }
}
