//! What stands between an expression and the places outside it: handlers, `finally` parts, open iterators.
//!
//! Each is a [`Guard`] on a stack. A jump out of guards runs what they ask for, innermost first. Code emitted on the way out of a
//! guard must not be protected by it any more, so its range gets a gap.
use super::emit::Label;
use super::function::Closer;
use super::{Gen, Reg};
use crate::bytecode::Op;
use crate::compile::hir::LoopId;
use crate::object::code::Handler;

/// How control leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// The value is in the register.
    Return(Reg),
    /// The loop's destination has been written.
    Break(LoopId),
    Continue(LoopId),
}

pub(super) enum GuardKind {
    Catch,
    /// `kind` and `value` are the completion record: 0 normal, 1 exception (in `value`), 2.. the exits in order.
    Finally {
        kind: Reg,
        value: Reg,
        label: Label,
        exits: Vec<Exit>,
    },
    /// State of a generic `for` loop.
    Iterator(Reg),
    /// A body that does not see cancellation.
    Cleanup,
    /// The `n` registers from `from` on have been moved to `words`, to make room. See [`Gen::with_moved`].
    Moved {
        from: Reg,
        n: Reg,
        words: usize,
        tail: bool,
    },
}

pub(super) struct Guard {
    pub kind: GuardKind,
    /// [`super::function::State::floor`] outside.
    floor: usize,
    /// Start of the protected range being written; `None` in a gap.
    start: Option<u32>,
    ranges: Vec<(u32, u32)>,
}

impl Guard {
    fn pause(&mut self, pc: u32) {
        if let Some(s) = self.start.take()
            && s < pc
        {
            self.ranges.push((s, pc));
        }
    }
}

/// A loop that `break` and `continue` can name.
pub(super) struct LoopState {
    pub id: LoopId,
    /// Receives the `break` value.
    pub dst: Option<Reg>,
    pub end: Label,
    pub next: Label,
    /// Guards outside the loop, and outside one iteration.
    pub outer: usize,
    pub inner: usize,
}

impl Gen<'_, '_, '_> {
    pub(super) fn guard(&mut self, kind: GuardKind) {
        let pc = self.pc();
        let floor = std::mem::replace(&mut self.f.floor, self.f.top);
        self.f.guards.push(Guard { kind, floor, start: Some(pc), ranges: Vec::new() });
    }

    /// Ends the innermost guard; gives its protected ranges.
    pub(super) fn unguard(&mut self) -> (Option<GuardKind>, Vec<(u32, u32)>) {
        let pc = self.pc();
        match self.f.guards.pop() {
            Some(mut g) => {
                self.f.floor = g.floor;
                g.pause(pc);
                (Some(g.kind), g.ranges)
            }
            None => (None, Vec::new()),
        }
    }

    /// Registers a handler for `ranges` that starts at the next instruction.
    pub(super) fn handler(&mut self, ranges: &[(u32, u32)], reg: Reg, all: bool) {
        let target = self.pc();
        self.f.landing = target;
        for &(start, end) in ranges {
            self.f.handlers.push(Handler { start, end, target, reg, all });
        }
    }

    /// Ends a generic loop's guard: its handler closes the iterator and goes on throwing. Out of the way behind the function
    /// when nothing guards the loop itself, else here: the instruction before jumps back.
    pub(super) fn close_loop(&mut self, state: Reg, exception: Reg) {
        let (_, ranges) = self.unguard();
        if self.unguarded() {
            let at = self.f.handlers.len();
            let span = self.f.span;
            self.f.closers.push(Closer { ranges, state, exception, span, at });
        } else {
            self.handler(&ranges, exception, true);
            self.emit(Op::IterClose, state, 0, 0, 0);
            self.emit(Op::Rethrow, exception, 0, 0, 0);
        }
    }

    /// Nothing guards the expression: it may be a tail call, or return without ado.
    pub(super) fn unguarded(&self) -> bool {
        self.f.guards.iter().all(|g| matches!(g.kind, GuardKind::Moved { tail: true, .. }))
    }

    /// Where the value of a `break` out of loop `id` has to be put when the loop's destination has been moved meanwhile: leaving
    /// takes it back to its register.
    pub(super) fn moved_destination(&self, id: LoopId) -> Option<usize> {
        let l = self.f.loops.iter().rev().find(|l| l.id == id)?;
        let dst = l.dst? as usize;
        self.f.guards[l.outer..].iter().find_map(|g| match g.kind {
            GuardKind::Moved { from, n, words, .. } => {
                (from as usize..from as usize + n as usize).contains(&dst).then(|| words + dst - from as usize)
            }
            _ => None,
        })
    }

    /// Goes out to where `exit` says.
    pub(super) fn leave(&mut self, mut exit: Exit) {
        let found = |id: LoopId| self.f.loops.iter().rev().find(|l| l.id == id);
        let (depth, to) = match exit {
            Exit::Return(_) => (0, None),
            Exit::Break(id) => match found(id) {
                Some(l) => (l.outer, Some(l.end)),
                None => return,
            },
            Exit::Continue(id) => match found(id) {
                Some(l) => (l.inner, Some(l.next)),
                None => return,
            },
        };
        let all = self.f.guards.len();
        let mut at = all;
        let mut stopped = false;
        while at > depth && !stopped {
            at -= 1;
            let pc = self.pc();
            self.f.guards[at].pause(pc);
            match &mut self.f.guards[at].kind {
                GuardKind::Catch => {}
                GuardKind::Cleanup => self.emit(Op::CleanupOut, 0, 0, 0, 0),
                GuardKind::Iterator(state) => {
                    let state = *state;
                    self.emit(Op::IterClose, state, 0, 0, 0);
                }
                GuardKind::Moved { from, n, words, tail } => {
                    let (from, n, words) = (*from, *n, *words as i32);
                    match &mut exit {
                        // Nothing outside needs a register any more.
                        Exit::Return(_) if *tail => continue,
                        Exit::Return(r) => {
                            let value = std::mem::replace(r, from + n);
                            self.move_to(from + n, value);
                        }
                        _ => {}
                    }
                    self.emit(Op::LoadRegs, from, 0, n, words);
                }
                GuardKind::Finally { kind, value, label, exits } => {
                    let (kind, value, label) = (*kind, *value, *label);
                    let record = match exit {
                        Exit::Return(_) => Exit::Return(value),
                        e => e,
                    };
                    let n = exits.iter().position(|e| *e == record).unwrap_or_else(|| {
                        exits.push(record);
                        exits.len() - 1
                    });
                    if let Exit::Return(r) = exit {
                        self.move_to(value, r);
                    }
                    self.load_int(kind, n as i64 + 2);
                    self.jmp(label);
                    stopped = true;
                }
            }
        }
        if !stopped {
            match (exit, to) {
                (Exit::Return(r), _) => self.emit_return(r),
                (_, Some(l)) => self.jmp(l),
                _ => {}
            }
        }
        let pc = self.pc();
        for g in &mut self.f.guards[at..all] {
            g.start = Some(pc);
        }
    }

    /// Returns register `r`; no guard is open, or `leave` has gone through them.
    pub(super) fn emit_return(&mut self, r: Reg) {
        match self.f.epilogue {
            Some((reg, label)) => {
                self.move_to(reg, r);
                self.jmp(label);
            }
            None => self.emit(Op::Ret, r, 0, 0, 0),
        }
    }
}
