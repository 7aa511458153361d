//! The tasks that have not ended.
//!
//! There may be a million of them, and most that were spawned wait for their first turn, which is often their last. So a task is
//! two things here: a slot, which is all that one has that was never woken or parked, and a state, made when it first parks. A view
//! ([`Live`]) shows both as one.
use super::{Reason, TaskKey, Wake};
use crate::value::Value;
use slotmap::{Key, KeyData};

/// How a task stands that waits, or that has waited: what of [`Live`] changes.
#[derive(Clone, Copy)]
pub struct State {
    /// The fiber to go on with (the task's own, or a generator it runs).
    pub fiber: Value,
    /// The object the parked task waits for, for reports and cycles; nil for anything else. Once woken, what it goes on with.
    pub on: Value,
    /// The timer that ends the wait, 0 without one: removed when something else does.
    pub timer: u64,
    /// Counts parks: a wake made for an earlier park is a no-op.
    pub epoch: u32,
    /// First registration of the wait, 0 without one. The next free state, in a free one.
    pub waits: u32,
    /// Futures a multi-await still waits for; once woken, the arm.
    pub pending: u32,
    pub reason: Reason,
    pub parked: bool,
    /// How a ready task goes on (see [`Wake`]): with `on` and `pending`.
    woken: Woken,
}

/// The kind of a [`Wake`], whose parts are in the task's state: the ready queue holds keys alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Woken {
    Start,
    Value,
    Throw,
    ArmOpen,
    ArmClosed,
}

/// A task that has not ended, as it stands.
pub struct Live {
    pub future: Value,
    /// Place among the children of its scope.
    pub index: u32,
    state: State,
}

impl std::ops::Deref for Live {
    type Target = State;
    #[inline(always)]
    fn deref(&self) -> &State {
        &self.state
    }
}

/// Packed, as it is a word shorter then.
#[derive(Clone, Copy)]
#[repr(Rust, packed(4))]
struct Slot {
    future: Value,
    /// Odd while a task is in the slot.
    version: u32,
    /// The task's state, 0 before it has one.
    state: u32,
    /// Place among the children of its scope; in a free slot the next free one.
    index: u32,
}

pub struct LiveTasks {
    slots: Vec<Slot>,
    free: u32,
    len: usize,
    /// Number 0 stands for all tasks that have no state of their own.
    states: Vec<State>,
    free_state: u32,
}

impl Default for LiveTasks {
    fn default() -> Self {
        let nobody = Slot { future: Value::NIL, version: 0, state: 0, index: 0 };
        LiveTasks { slots: vec![nobody], free: 1, len: 0, states: vec![State::NONE], free_state: 0 }
    }
}

/// Slot and version of a key.
#[inline(always)]
fn parts(key: TaskKey) -> (usize, u32) {
    let bits = key.data().as_ffi();
    (bits as u32 as usize, (bits >> 32) as u32)
}

#[inline(always)]
fn key_of(at: usize, version: u32) -> TaskKey {
    KeyData::from_ffi((version as u64) << 32 | at as u64).into()
}

impl LiveTasks {
    pub fn len(&self) -> usize {
        self.len
    }
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline(always)]
    fn slot(&self, key: TaskKey) -> Option<&Slot> {
        let (at, version) = parts(key);
        self.slots.get(at).filter(|s| s.version == version)
    }

    #[inline]
    pub fn contains_key(&self, key: TaskKey) -> bool {
        self.slot(key).is_some()
    }

    #[inline]
    pub fn future(&self, key: TaskKey) -> Option<Value> {
        self.slot(key).map(|s| s.future)
    }

    #[inline]
    pub fn get(&self, key: TaskKey) -> Option<Live> {
        self.slot(key).map(|s| self.view(s))
    }

    #[inline]
    fn view(&self, s: &Slot) -> Live {
        let future = s.future;
        let state = match s.state {
            0 => State { fiber: future.as_gc().fiber(), ..State::NONE },
            i => self.states[i as usize],
        };
        Live { future, index: s.index, state }
    }

    /// The task's state if it has one of its own.
    #[inline(always)]
    pub(super) fn existing(&mut self, key: TaskKey) -> Option<&mut State> {
        match self.slot(key)?.state {
            0 => None,
            i => Some(&mut self.states[i as usize]),
        }
    }

    /// The task's state, made where it has none.
    #[inline(always)]
    pub fn get_mut(&mut self, key: TaskKey) -> Option<&mut State> {
        match self.slot(key)?.state {
            0 => self.make_state(key),
            i => Some(&mut self.states[i as usize]),
        }
    }

    #[inline(never)]
    fn make_state(&mut self, key: TaskKey) -> Option<&mut State> {
        let (at, _) = parts(key);
        let fiber = { self.slots[at].future }.as_gc().fiber();
        let state = State { fiber, ..State::NONE };
        let i = match self.free_state {
            0 => {
                self.states.push(state);
                self.states.len() as u32 - 1
            }
            i => {
                self.free_state = self.states[i as usize].waits;
                self.states[i as usize] = state;
                i
            }
        };
        self.slots[at].state = i;
        Some(&mut self.states[i as usize])
    }

    /// A task that goes on, or begins, with its future's fiber, or what stands in its place.
    #[inline]
    pub(super) fn insert(&mut self, future: Value) -> TaskKey {
        self.len += 1;
        let at = self.free as usize;
        match self.slots.get_mut(at) {
            Some(s) => {
                self.free = s.index;
                let version = s.version | 1;
                *s = Slot { future, version, state: 0, index: 0 };
                key_of(at, version)
            }
            None => {
                self.slots.push(Slot { future, version: 1, state: 0, index: 0 });
                self.free = at as u32 + 1;
                key_of(at, 1)
            }
        }
    }

    /// Takes an ended task out: its place among the children of its scope.
    #[inline]
    pub fn remove(&mut self, key: TaskKey) -> Option<u32> {
        let (at, version) = parts(key);
        let s = self.slots.get_mut(at).filter(|s| s.version == version)?;
        let (index, state) = (s.index, s.state);
        *s = Slot { future: Value::NIL, version: version.wrapping_add(1), state: 0, index: self.free };
        self.free = at as u32;
        self.len -= 1;
        if state != 0 {
            self.states[state as usize] = State { waits: self.free_state, ..State::NONE };
            self.free_state = state;
        }
        Some(index)
    }

    #[inline]
    pub(super) fn set_index(&mut self, key: TaskKey, index: u32) {
        let (at, version) = parts(key);
        if let Some(s) = self.slots.get_mut(at).filter(|s| s.version == version) {
            s.index = index;
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (TaskKey, Live)> {
        let taken = self.slots.iter().enumerate().filter(|(_, s)| s.version & 1 != 0);
        taken.map(|(at, s)| (key_of(at, s.version), self.view(s)))
    }

    /// What keeps the tasks alive, all but those `without`. A task without a state has what it will run in its future.
    pub(super) fn roots(&self, out: &mut dyn FnMut(Value), without: &[TaskKey]) {
        for (at, s) in self.slots.iter().enumerate() {
            let future = s.future;
            if future.is_nil() || !without.is_empty() && without.contains(&key_of(at, s.version)) {
                continue;
            }
            out(future);
            if s.state != 0 {
                let t = &self.states[s.state as usize];
                out(t.fiber);
                out(t.on);
            }
        }
    }
}

impl State {
    const NONE: State = State {
        fiber: Value::NIL,
        on: Value::NIL,
        timer: 0,
        epoch: 0,
        waits: 0,
        pending: 0,
        reason: Reason::None,
        parked: false,
        woken: Woken::Start,
    };

    #[inline(always)]
    pub(super) fn set_wake(&mut self, w: Wake) {
        let (kind, v) = match w {
            Wake::Start => (Woken::Start, Value::NIL),
            Wake::Value(v) => (Woken::Value, v),
            Wake::Throw(v) => (Woken::Throw, v),
            Wake::Arm(arm, v, open) => {
                self.pending = arm;
                (if open { Woken::ArmOpen } else { Woken::ArmClosed }, v)
            }
        };
        self.woken = kind;
        self.on = v;
    }

    pub(super) fn take_wake(&mut self) -> Wake {
        let v = self.on;
        self.on = Value::NIL;
        match self.woken {
            Woken::Start => Wake::Start,
            Woken::Value => Wake::Value(v),
            Woken::Throw => Wake::Throw(v),
            Woken::ArmOpen => Wake::Arm(self.pending, v, true),
            Woken::ArmClosed => Wake::Arm(self.pending, v, false),
        }
    }

    /// The value a task goes on with that is not parked any more, where it is one.
    #[inline(always)]
    pub(super) fn take_value(&mut self) -> Option<Value> {
        if self.parked || self.woken != Woken::Value {
            return None;
        }
        Some(std::mem::replace(&mut self.on, Value::NIL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slotmap::SlotMap;

    /// Keys come in the order in which a slotmap gives them: reports and seeded orders depend on it.
    #[test]
    fn keys_are_those_of_a_slotmap() {
        let mut vm = crate::library::testing::vm();
        let mut ours = LiveTasks::default();
        let mut theirs: SlotMap<TaskKey, u32> = SlotMap::with_key();
        let mut keys = Vec::new();
        let mut seed = 7u32;
        for n in 0..2000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed >> 30 != 0 || keys.is_empty() {
                let f = vm.new_future();
                let k = ours.insert(f.value());
                assert_eq!(k, theirs.insert(n));
                ours.set_index(k, n);
                if seed & 0x100 != 0 {
                    ours.get_mut(k).unwrap().epoch = n;
                }
                keys.push((k, n, seed & 0x100 != 0));
            } else {
                let (k, n, stated) = keys.swap_remove(seed as usize % keys.len());
                assert_eq!(ours.get(k).map(|l| (l.index, l.epoch)), Some((n, if stated { n } else { 0 })));
                assert_eq!(ours.remove(k), theirs.remove(k));
                assert!(ours.get(k).is_none() && !ours.contains_key(k) && ours.remove(k).is_none());
            }
            assert_eq!(ours.len(), theirs.len());
        }
        assert!(ours.iter().map(|(k, _)| k).eq(theirs.keys()));
    }
}
