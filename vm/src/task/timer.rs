//! Timers: an indexed binary heap ordered by deadline, then by creation (or by chance, when schedules are shaken).
//!
//! Every entry knows its place in the heap, so that a timer that is cancelled leaves at once: adding, cancelling and firing cost
//! O(log n), and nothing is left behind.
use super::TaskKey;
use super::scope::ScopeKey;
use crate::value::Value;

/// A value in half-word alignment: with it a slot is 44 bytes long instead of 48, and there may be a million of them.
#[derive(Clone, Copy)]
#[repr(Rust, packed(4))]
pub struct Held(pub Value);

/// What a timer does when it fires.
#[derive(Clone, Copy)]
pub enum Due {
    /// Wakes a parked task with nil.
    Wake(TaskKey, u32),
    /// Ends a wait with `nil` or `false`, as the operation promises.
    Answer(TaskKey, u32, Answer),
    /// Ends a wait with TimeoutException and leaves what was awaited alone.
    Abandon(TaskKey, u32, Span),
    /// Fails the futures a task waits for, and the wait.
    Timeout(TaskKey, u32, Span),
    /// Commits an arm of the `select` a task waits in.
    Arm(TaskKey, u32, u32),
    /// Gives the tick of a Timer to a task that waits for it, in an arm or alone.
    Tick(TaskKey, u32, u32),
    /// Completes a future with nil.
    Settle(Held),
    /// Calls the function of a Timer object.
    Call(Held),
    /// The time limit of a scope.
    Deadline(ScopeKey),
    /// The time for cleanups in a cancelled scope is over.
    Grace(ScopeKey),
    /// The same for a task that was cancelled by itself.
    GraceOf(TaskKey),
}

/// A length of time for reports, in 32 bits: microseconds up to half an hour, then milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span(u32);

/// The rest counts milliseconds.
const COARSE: u32 = 1 << 31;

impl Span {
    pub fn of(us: u64) -> Span {
        match u32::try_from(us) {
            Ok(us) if us < COARSE => Span(us),
            _ => Span((us / 1000).min(COARSE as u64 - 1) as u32 | COARSE),
        }
    }

    pub fn us(self) -> u64 {
        if self.0 & COARSE == 0 { self.0 as u64 } else { (self.0 & !COARSE) as u64 * 1000 }
    }
}

/// The value of a wait whose time is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    Nil,
    False,
    /// ``(Err `timeout)``
    Timeout,
}

impl Due {
    /// Bounds something else: what comes to its end at the same instant was in time.
    pub fn is_bound(&self) -> bool {
        !matches!(self, Due::Wake(..) | Due::Tick(..) | Due::Settle(_) | Due::Call(_))
    }

    /// Somebody may want what comes of it. Timers that bound the wait of a task are the task's business.
    fn awaited(&self) -> bool {
        matches!(self, Due::Settle(_) | Due::Call(_))
    }
}

#[repr(Rust, packed(4))]
struct Slot {
    at: u64,
    tie: u64,
    generation: u32,
    /// Place in the heap; `FREE` when unused.
    place: u32,
    due: Due,
}

const FREE: u32 = u32::MAX;

/// Deadlines in microseconds of the driver's clock. Timers are named by slot and generation, never 0.
#[derive(Default)]
pub struct Timers {
    heap: Vec<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    count: u64,
    /// Timers that the end of the program waits for.
    awaited: usize,
    /// Slots of timers the program does not wait for: few, so not a word in every slot.
    unreferenced: rustc_hash::FxHashSet<u32>,
    /// Orders timers of one instant by chance.
    pub shake: Option<crate::library::random::Rng>,
}

impl Timers {
    /// Gives the timer's name, for [`Timers::cancel`].
    pub fn add(&mut self, at: u64, due: Due) -> u64 {
        self.count += 1;
        let tie = match &mut self.shake {
            Some(rng) => rng.next_u64(),
            None => self.count,
        };
        let place = self.heap.len() as u32;
        let slot = match self.free.pop() {
            Some(i) => {
                let s = &mut self.slots[i as usize];
                *s = Slot { at, tie, generation: s.generation, place, due };
                i
            }
            None => {
                self.slots.push(Slot { at, tie, generation: 1, place, due });
                self.slots.len() as u32 - 1
            }
        };
        self.heap.push(slot);
        self.up(place as usize);
        if due.awaited() {
            self.awaited += 1;
        }
        (self.slots[slot as usize].generation as u64) << 32 | slot as u64
    }

    fn find(&self, id: u64) -> Option<u32> {
        let slot = id as u32;
        let s = self.slots.get(slot as usize)?;
        (s.place != FREE && s.generation == (id >> 32) as u32).then_some(slot)
    }

    /// A timer that fired or was cancelled already is left alone.
    pub fn cancel(&mut self, id: u64) {
        if let Some(slot) = self.find(id) {
            self.remove(slot);
        }
    }

    pub fn is_set(&self, id: u64) -> bool {
        self.find(id).is_some()
    }

    /// Lets the program end while this timer is pending, or not.
    pub fn set_unref(&mut self, id: u64, unref: bool) {
        if let Some(slot) = self.find(id) {
            let counts = self.slots[slot as usize].due.awaited();
            let changed = if unref { self.unreferenced.insert(slot) } else { self.unreferenced.remove(&slot) };
            if changed && counts {
                if unref { self.awaited -= 1 } else { self.awaited += 1 }
            }
        }
    }

    fn remove(&mut self, slot: u32) -> (u64, Due) {
        let s = &mut self.slots[slot as usize];
        let place = s.place as usize;
        s.place = FREE;
        s.generation = s.generation.wrapping_add(1).max(1);
        let (at, due) = (s.at, s.due);
        let unref = !self.unreferenced.is_empty() && self.unreferenced.remove(&slot);
        if due.awaited() && !unref {
            self.awaited -= 1;
        }
        self.free.push(slot);
        if let Some(last) = self.heap.pop()
            && last != slot
        {
            self.heap[place] = last;
            self.slots[last as usize].place = place as u32;
            if !self.up(place) {
                self.down(place);
            }
        }
        (at, due)
    }

    fn before(&self, a: u32, b: u32) -> bool {
        let (a, b) = (&self.slots[a as usize], &self.slots[b as usize]);
        (a.at, a.due.is_bound(), a.tie) < (b.at, b.due.is_bound(), b.tie)
    }

    fn swap(&mut self, i: usize, j: usize) {
        self.heap.swap(i, j);
        self.slots[self.heap[i] as usize].place = i as u32;
        self.slots[self.heap[j] as usize].place = j as u32;
    }

    fn up(&mut self, mut i: usize) -> bool {
        let from = i;
        while i > 0 {
            let parent = (i - 1) / 2;
            if !self.before(self.heap[i], self.heap[parent]) {
                break;
            }
            self.swap(i, parent);
            i = parent;
        }
        i != from
    }

    fn down(&mut self, mut i: usize) {
        loop {
            let mut least = i;
            for child in [2 * i + 1, 2 * i + 2] {
                if child < self.heap.len() && self.before(self.heap[child], self.heap[least]) {
                    least = child;
                }
            }
            if least == i {
                return;
            }
            self.swap(i, least);
            i = least;
        }
    }

    /// Takes the first timer that is due at `now`.
    pub fn pop_due(&mut self, now: u64) -> Option<Due> {
        let &first = self.heap.first()?;
        if self.slots[first as usize].at > now {
            return None;
        }
        Some(self.remove(first).1)
    }

    /// Whether the next timer is a bound: what else is of its instant goes first.
    pub fn next_is_bound(&self) -> bool {
        self.heap.first().is_some_and(|&s| self.slots[s as usize].due.is_bound())
    }

    /// The next deadline.
    pub fn next_deadline(&self) -> Option<u64> {
        self.heap.first().map(|&s| self.slots[s as usize].at)
    }

    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether the end of the program waits for a timer. Those that bound waits of tasks don't count: their tasks do.
    pub fn any_referenced(&self) -> bool {
        self.awaited > 0
    }

    /// What belongs to the timers that the end of the program waits for, in the order of their deadlines.
    pub fn awaited(&self) -> Vec<Value> {
        let mut slots: Vec<u32> = self.heap.iter().copied().filter(|s| !self.unreferenced.contains(s)).collect();
        slots.sort_by_key(|&s| (self.slots[s as usize].at, self.slots[s as usize].tie));
        let due = slots.into_iter().map(|s| self.slots[s as usize].due);
        due.filter_map(|due| if let Due::Settle(v) | Due::Call(v) = due { Some(v.0) } else { None }).collect()
    }

    /// Drops all timers.
    pub fn clear(&mut self) {
        while let Some(&first) = self.heap.first() {
            self.remove(first);
        }
    }

    /// When the timer is due.
    pub fn deadline(&self, id: u64) -> Option<u64> {
        self.find(id).map(|s| self.slots[s as usize].at)
    }

    pub(crate) fn roots(&self, out: &mut dyn FnMut(Value)) {
        for &s in &self.heap {
            if let Due::Settle(v) | Due::Call(v) = self.slots[s as usize].due {
                out(v.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(n: u32) -> Due {
        Due::Wake(TaskKey::default(), n)
    }

    fn number(due: Due) -> u32 {
        match due {
            Due::Wake(_, n) => n,
            _ => 0,
        }
    }

    #[test]
    fn timers_fire_by_deadline_then_by_creation() {
        let mut t = Timers::default();
        for (i, at) in [50, 10, 50, 30, 10].into_iter().enumerate() {
            t.add(at, numbered(i as u32));
        }
        let mut order = Vec::new();
        while let Some(d) = t.pop_due(100) {
            order.push(number(d));
        }
        assert_eq!(order, [1, 4, 3, 0, 2]);
    }

    #[test]
    fn a_cancelled_timer_leaves_nothing_behind() {
        let mut t = Timers::default();
        let ids: Vec<u64> = (0..1000).map(|i| t.add((i * 7919) % 1000, numbered(i as u32))).collect();
        for id in &ids {
            t.cancel(*id);
            t.cancel(*id);
        }
        assert!(t.is_empty());
        assert_eq!(t.slots.len(), t.free.len());
        let again = t.add(5, numbered(9));
        for id in &ids {
            t.cancel(*id);
        }
        assert!(t.is_set(again));
    }

    #[test]
    fn random_adding_and_cancelling_agrees_with_a_sorted_list() {
        let mut rng = crate::library::random::Rng::new(5);
        let (mut t, mut model) = (Timers::default(), Vec::<(u64, u64, u64)>::new());
        let mut n = 0;
        for _ in 0..20_000 {
            match rng.below(3) {
                0 | 1 => {
                    let at = rng.below(100);
                    n += 1;
                    let id = t.add(at, numbered(n as u32));
                    model.push((at, n, id));
                }
                _ if !model.is_empty() => {
                    let i = rng.below(model.len() as u64) as usize;
                    t.cancel(model.swap_remove(i).2);
                }
                _ => {}
            }
        }
        model.sort();
        for (_, n, _) in model {
            assert_eq!(t.pop_due(u64::MAX).map(number), Some(n as u32));
        }
        assert!(t.is_empty());
    }
}
