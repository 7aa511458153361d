//! Fibers: a stack of frames as heap data. Tasks, generators and nested runs are fibers.
//!
//! Frame at `base` (see architecture.md, Tasks and frames):
//!
//! ```text
//! base[-3]  closure
//! base[-2]  return address: pc of the caller's next instruction, or 0 in the bottom frame
//! base[-1]  distance to the caller's base (32 bits) | destination register (8) | flags (8)
//! base[0..] registers
//! ```
//!
//! The words -2 and -1 have zero top bits, so the conservative scan passes over them.
use crate::heap::{Buf, Gc, Header, Heap, Kind};
use crate::value::Value;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Role {
    Task,
    Generator,
    /// A script function called by a native that can't be suspended.
    Nested,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Status {
    /// Made, not started.
    New,
    Running,
    /// Parked (tasks) or between two values (generators).
    Suspended,
    /// Resumed another fiber and waits for it.
    Waiting,
    Done,
}

#[repr(C)]
pub struct Fiber {
    pub header: Header,
    /// Stack words; `buf` owns them.
    pub stack: *mut Value,
    pub buf: Value,
    /// Words.
    pub cap: u32,
    /// Current frame, in words from the stack's start.
    pub base: u32,
    /// Where to go on.
    pub pc: *const crate::bytecode::Instr,
    /// The fiber that resumed this one, nil when it is a task's bottom fiber.
    pub caller: Value,
    /// The task's Future, the generator's extra state.
    pub owner: Value,
    /// Last value handed out or in; the generator's `.result`.
    pub result: Value,
    pub role: Role,
    pub status: Status,
    /// Register of the suspended instruction that receives the resume value.
    pub dst: u8,
    /// The generator holds a value taken by `.has_next` for the next `.next`.
    pub peeked: bool,
    /// What the one who resumed the generator asked for ([`crate::interp::iterate::Wants`]).
    pub wants: u8,
    /// The task was cancelled by itself: level-triggered, for all it does outside of cleanups.
    pub cancelled: bool,
    /// `finally` parts (and catches of CancellationException) running in this fiber's frames.
    pub cleanup: u16,
    /// Generators: that value. Tasks: the chain of their task-local bindings.
    pub peek: Value,
    /// Values yielded so far (`next_pair` counts them).
    pub count: u32,
    /// Fibers below this one that wait for it, while it runs.
    pub depth: u32,
    /// Tasks: key of the innermost scope they are in. Generators: the scope they opened and yielded in, else 0; while they
    /// run, the scope of their consumer.
    pub scope: u64,
}

/// Words of frame head below `base`.
pub const FRAME_HEAD: usize = 3;
/// Words of a new task's stack.
pub const INITIAL_STACK: usize = 21;
/// Words a fiber's stack may grow to: runaway recursion stops here.
pub const MAX_STACK: usize = 4 << 20;
/// Generators and eagerly started tasks that may wait for each other in a chain: each has a stack of its own, so that the limit
/// of one doesn't stop a generator that resumes another of its kind, or an `async` in another, without end.
pub const MAX_CHAIN: u32 = 100_000;

impl Heap {
    pub fn fiber(&mut self, role: Role, words: usize) -> Gc<Fiber> {
        let words = words.max(INITIAL_STACK);
        let buf = self.alloc_buf(words);
        let mut f: Gc<Fiber> = self.alloc(Kind::Fiber, 0, 0);
        f.stack = buf.words();
        f.buf = buf.value();
        f.cap = words as u32;
        f.role = role;
        f.reset();
        f
    }

    /// Makes room for `words` in total; false when that passes the limit.
    pub fn fiber_grow(&mut self, mut f: Gc<Fiber>, words: usize) -> bool {
        if words <= f.cap as usize {
            return true;
        }
        if words > MAX_STACK {
            return false;
        }
        let cap = (f.cap as usize * 2).max(words + 64).min(MAX_STACK);
        let buf = self.grow_buf(f.buf.gc::<Buf>(), f.cap as usize * 8, cap * 8);
        f.buf = buf.value();
        f.stack = buf.words();
        f.cap = cap as u32;
        self.barrier(f);
        true
    }
}

impl Gc<Fiber> {
    /// As new, with the same stack.
    pub fn reset(mut self) {
        self.base = FRAME_HEAD as u32;
        self.pc = std::ptr::null();
        self.caller = Value::NIL;
        self.owner = Value::NIL;
        self.result = Value::NIL;
        self.peek = Value::NIL;
        (self.dst, self.wants, self.cleanup, self.count, self.depth, self.scope) = (0, 0, 0, 0, 0, 0);
        (self.peeked, self.cancelled) = (false, false);
        self.status = Status::New;
    }

    /// The words that may hold live values: up to the end of the current frame.
    pub fn live_words(self) -> (*const u64, *const u64) {
        if self.status == Status::Done {
            return (self.stack as *const u64, self.stack as *const u64);
        }
        if self.status == Status::New {
            if self.role == Role::Task {
                // The prepared call: callee and arguments.
                let end = (FRAME_HEAD * 2 + self.count as usize).min(self.cap as usize);
                // SAFETY: within the stack.
                return (self.stack as *const u64, unsafe { self.stack.add(end) } as *const u64);
            }
            // The first frame of a generator: all of the stack.
            // SAFETY: the stack has `cap` words, zero where nothing was written.
            return (self.stack as *const u64, unsafe { self.stack.add(self.cap as usize) } as *const u64);
        }
        let base = self.base as usize;
        // SAFETY: a fiber that is not done has a frame at `base` with its closure below.
        let end = unsafe {
            let closure = *self.stack.add(base - FRAME_HEAD);
            let n = closure.get::<super::function::Function>(Kind::Function).map_or(0, |f| f.proto().nregs as usize);
            (base + n + crate::interp::SCRATCH).min(self.cap as usize)
        };
        // SAFETY: within the stack.
        unsafe { (self.stack as *const u64, self.stack.add(end) as *const u64) }
    }
}

impl Value {
    pub fn as_fiber(self) -> Option<Gc<Fiber>> {
        self.get(Kind::Fiber)
    }
    pub fn as_generator(self) -> Option<Gc<Fiber>> {
        self.as_fiber().filter(|f| f.role == Role::Generator)
    }
}
