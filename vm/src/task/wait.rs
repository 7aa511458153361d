//! Wait queues: who waits for a future, a channel, a lock, in order.
//!
//! One node stands for one registration of one parked task. Nodes of a queue are a doubly linked list in one slab, and the nodes
//! of a task are chained too, so that whatever ends a wait takes all its registrations out at once in O(registrations): there are
//! no stale entries, and a loop of `select`s leaves nothing behind.
use super::live::State;
use super::{TaskKey, future::Future};
use crate::heap::{Gc, Kind};
use crate::object::foreign::{Foreign, queue_of};
use crate::value::Value;
use crate::vm::Vm;

/// First and last node; 0 is none. A word of a traced record too: as numbers are small, it looks like a double to the collector.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Queue {
    pub head: u32,
    pub tail: u32,
}

impl Queue {
    pub fn is_empty(&self) -> bool {
        self.head == 0
    }
}

#[derive(Clone, Copy)]
pub struct Node {
    pub task: TaskKey,
    /// Which arm of a `select`; [`NO_ARM`] otherwise.
    pub arm: u32,
    /// What the operation brings along: the value to send, the permits wanted.
    pub value: Value,
    /// The object whose queue this is, and which of its queues.
    pub owner: Value,
    side: u8,
    prev: u32,
    next: u32,
    /// Next and previous node of the same task.
    sibling: u32,
    elder: u32,
}

pub const NO_ARM: u32 = u32::MAX;
/// In an arm on a future: a failure wakes with the arm instead of being thrown.
pub const ANY_OUTCOME: u32 = 1 << 29;

/// All nodes of one VM.
pub struct Waits {
    nodes: Vec<Node>,
    free: u32,
    used: usize,
}

impl Default for Waits {
    fn default() -> Self {
        // Number 0 means none.
        Waits { nodes: vec![Node::new(Value::NIL, 0, NO_ARM, Value::NIL)], free: 0, used: 0 }
    }
}

impl Waits {
    #[inline(always)]
    pub fn get(&self, i: u32) -> &Node {
        &self.nodes[i as usize]
    }
    pub fn len(&self) -> usize {
        self.used
    }
    /// The next registration of the same task; 0 at the end.
    pub fn sibling(&self, i: u32) -> u32 {
        self.nodes[i as usize].sibling
    }
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }
    /// The node behind `i` in its queue; 0 at the end.
    pub fn after(&self, i: u32) -> u32 {
        self.nodes[i as usize].next
    }
    pub(super) fn roots(&self, out: &mut dyn FnMut(Value), without: &[TaskKey]) {
        if self.used == 0 {
            return;
        }
        for n in &self.nodes {
            if n.owner.is_ptr() && (without.is_empty() || !without.contains(&n.task)) {
                out(n.owner);
                out(n.value);
            }
        }
    }
}

impl Waits {
    /// Takes a node out of its queue and frees it; gives the next one of its task.
    fn release(&mut self, i: u32) -> u32 {
        let n = self.nodes[i as usize];
        if let Some(q) = queue(n.owner, n.side) {
            if n.prev == 0 {
                q.head = n.next
            } else {
                self.nodes[n.prev as usize].next = n.next
            }
            if n.next == 0 { q.tail = n.prev } else { self.nodes[n.next as usize].prev = n.prev }
        }
        // The task's key may stay: free nodes are in nobody's queue.
        let free = &mut self.nodes[i as usize];
        (free.owner, free.value, free.next) = (Value::NIL, Value::NIL, self.free);
        self.free = i;
        self.used -= 1;
        n.sibling
    }

    /// A node that is the end of no queue yet.
    #[inline]
    fn take(&mut self, node: Node) -> u32 {
        self.used += 1;
        if self.free == 0 {
            self.nodes.push(node);
            return self.nodes.len() as u32 - 1;
        }
        let i = self.free;
        let place = &mut self.nodes[i as usize];
        self.free = place.next;
        *place = node;
        i
    }

    /// Puts a registration of `task` at the end of queue `q`, and in front of the other registrations of its task.
    #[inline]
    pub(super) fn push(&mut self, q: &mut Queue, task: TaskKey, live: &mut State, node: Node) {
        let i = self.take(Node { task, prev: q.tail, sibling: live.waits, ..node });
        if live.waits != 0 {
            self.nodes[live.waits as usize].elder = i;
        }
        live.waits = i;
        if q.tail == 0 {
            q.head = i
        } else {
            self.nodes[q.tail as usize].next = i
        }
        q.tail = i;
    }

    /// Puts the only registration of `task` at the end of `q`. `None`, and nothing happened, where no node is free.
    #[inline(always)]
    pub(super) fn push_only(
        &mut self,
        q: &mut Queue,
        task: TaskKey,
        owner: Value,
        side: u8,
        arm: u32,
        value: Value,
    ) -> Option<u32> {
        let i = self.free;
        let prev = q.tail;
        if i == 0 {
            return None;
        }
        let place = &mut self.nodes[i as usize];
        self.free = place.next;
        *place = Node { task, arm, value, owner, side, prev, next: 0, sibling: 0, elder: 0 };
        self.used += 1;
        q.tail = i;
        if prev == 0 {
            q.head = i
        } else {
            self.nodes[prev as usize].next = i
        }
        Some(i)
    }

    /// Takes the first node out of `q`: the only registration of its task.
    #[inline(always)]
    pub(super) fn pop_only(&mut self, q: &mut Queue) {
        let i = q.head;
        let n = &mut self.nodes[i as usize];
        let next = std::mem::replace(&mut n.next, self.free);
        (n.owner, n.value) = (Value::NIL, Value::NIL);
        self.free = i;
        self.used -= 1;
        q.head = next;
        if next == 0 { q.tail = 0 } else { self.nodes[next as usize].prev = 0 }
    }

    /// Takes all nodes of a chain of registrations out of their queues.
    #[inline]
    pub(super) fn release_all(&mut self, first: u32) {
        let mut i = first;
        while i != 0 {
            i = self.release(i);
        }
    }
}

impl Node {
    /// The only registration of a task that waits: not the number 0.
    #[inline(always)]
    pub(super) fn is_alone(&self) -> bool {
        self.sibling == 0 && self.owner.is_ptr()
    }
    /// A registration in queue `side` of `owner`, of no task yet.
    pub(super) fn new(owner: Value, side: u8, arm: u32, value: Value) -> Node {
        Node { task: TaskKey::default(), arm, value, owner, side, prev: 0, next: 0, sibling: 0, elder: 0 }
    }
}

/// Queue `side` of a future or of a Rust object that has queues.
#[inline]
fn queue<'a>(owner: Value, side: u8) -> Option<&'a mut Queue> {
    if let Some(c) = owner.numbered::<super::channel::Channel>() {
        return c.queue(side);
    }
    if owner.is_kind(Kind::Future) {
        let f: Gc<Future> = owner.gc();
        return Some(f.queue());
    }
    queue_of(owner, side)
}

impl Vm {
    /// Puts the parked task `key` at the end of a queue.
    pub fn enqueue(&mut self, owner: Value, side: u8, key: TaskKey, arm: u32, value: Value) {
        let Some(q) = queue(owner, side) else { return };
        let Some(live) = self.tasks.live.get_mut(key) else { return };
        self.tasks.waits.push(q, key, live, Node::new(owner, side, arm, value));
    }

    /// Takes the first registration out of its queue, and that alone.
    pub(super) fn unlink_front(&mut self, q: &Queue) {
        if q.head == 0 {
            return;
        }
        let n = *self.tasks.waits.get(q.head);
        let next = self.tasks.waits.release(q.head);
        if n.elder != 0 {
            self.tasks.waits.nodes[n.elder as usize].sibling = next;
        } else if let Some(l) = self.tasks.live.get_mut(n.task) {
            l.waits = next;
        }
        if next != 0 {
            self.tasks.waits.nodes[next as usize].elder = n.elder;
        }
    }

    /// The first node of a queue.
    pub fn front(&self, q: &Queue) -> Option<Node> {
        (q.head != 0).then(|| *self.tasks.waits.get(q.head))
    }

    /// How many wait in a queue.
    pub fn waiting(&self, q: &Queue) -> usize {
        let (mut n, mut i) = (0, q.head);
        while i != 0 {
            n += 1;
            i = self.tasks.waits.after(i);
        }
        n
    }
}
