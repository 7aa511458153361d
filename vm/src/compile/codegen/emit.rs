//! Instructions, labels, constants, sites.
use super::{Gen, Reg, Res};
use crate::bytecode::{Instr, Op, Site};
use crate::compile::error::CompileError;
use crate::heap::Kind;
use crate::value::{Sym, Value};

/// A place to jump to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Label(u32);

/// What is known about a label.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pc: u32,
    /// Something jumps there.
    used: bool,
}

/// A label that has no place yet.
const UNBOUND: u32 = u32::MAX;
/// Jumps to jumps that are followed.
const LONGEST_CHAIN: usize = 16;

impl<'a> Gen<'_, '_, 'a> {
    pub(super) fn error<T>(&self, message: impl Into<String>) -> Res<T> {
        Err(CompileError::new(self.f.span, message))
    }

    /// Index of the next instruction.
    pub(super) fn pc(&self) -> u32 {
        self.f.code.len() as u32
    }

    pub(super) fn emit(&mut self, op: Op, a: Reg, b: Reg, c: Reg, x: i32) {
        let pc = self.pc();
        if self.f.spans.last().is_none_or(|s| s.1 != self.f.span) {
            self.f.spans.push((pc, self.f.span));
        }
        self.f.code.push(Instr::new(op, a, b, c, x));
    }

    /// `b` and `c` as one 16-bit immediate.
    pub(super) fn imm16(i: i16) -> (Reg, Reg) {
        (i as u16 as u8, (i as u16 >> 8) as u8)
    }

    pub(super) fn label(&mut self) -> Label {
        self.f.labels.push(Target { pc: UNBOUND, used: false });
        Label(self.f.labels.len() as u32 - 1)
    }

    pub(super) fn bind(&mut self, l: Label) {
        let pc = self.pc();
        let target = &mut self.f.labels[l.0 as usize];
        target.pc = pc;
        if target.used {
            self.f.landing = pc;
        }
    }

    pub(super) fn jump(&mut self, op: Op, a: Reg, b: Reg, c: Reg, to: Label) {
        let pc = self.pc();
        self.f.fixups.push((pc, to));
        self.f.labels[to.0 as usize].used = true;
        self.emit(op, a, b, c, 0);
    }

    /// A jump back is a back-edge whatever wrote it: `continue` in the condition of a loop.
    pub(super) fn jmp(&mut self, to: Label) {
        let back = self.f.labels[to.0 as usize].pc != UNBOUND;
        self.jump(if back { Op::Loop } else { Op::Jmp }, 0, 0, 0, to);
    }

    /// Can control reach the next instruction?
    pub(super) fn reachable(&self) -> bool {
        let Some(last) = self.f.code.last() else { return true };
        let ends = matches!(
            last.op(),
            Op::Ret
                | Op::RetNil
                | Op::TailCall
                | Op::TailMod
                | Op::TailMethod
                | Op::TailKw
                | Op::Jmp
                | Op::Loop
                | Op::Throw
                | Op::Rethrow
                | Op::AssertFail
                | Op::NoMatch
        );
        !ends || self.f.landing == self.pc()
    }

    /// Fills the jumps in.
    pub(super) fn link(&mut self) {
        let fixups = std::mem::take(&mut self.f.fixups);
        for &(pc, l) in &fixups {
            let at = self.f.labels[l.0 as usize].pc;
            debug_assert!(at != UNBOUND);
            let i = &mut self.f.code[pc as usize];
            *i = i.with_x(at as i32 - (pc as i32 + 1));
        }
        self.shorten(&fixups);
    }

    /// Leads jumps to jumps where those lead. Back-edges are not jumps: they stay.
    fn shorten(&mut self, fixups: &[(u32, Label)]) {
        for &(pc, _) in fixups {
            let pc = pc as usize;
            let landing = |at: usize, i: Instr| (at as i32 + 1 + i.x()) as usize;
            let mut to = landing(pc, self.f.code[pc]);
            // A loop without an end may be made of them.
            for _ in 0..LONGEST_CHAIN {
                match self.f.code.get(to) {
                    Some(next) if next.op() == Op::Jmp && landing(to, *next) > to => to = landing(to, *next),
                    _ => break,
                }
            }
            let i = &mut self.f.code[pc];
            if landing(pc, *i) > pc {
                *i = i.with_x(to as i32 - (pc as i32 + 1));
            }
        }
    }

    // --- constants

    /// Index of a constant. Equal words share one.
    pub(super) fn k(&mut self, v: Value) -> i32 {
        let f = &mut self.f;
        *f.const_index.entry(v.0).or_insert_with(|| {
            f.consts.push(v);
            f.consts.len() as i32 - 1
        })
    }

    pub(super) fn k_str(&mut self, s: &'a str) -> i32 {
        if let Some(&i) = self.f.str_index.get(s) {
            return i;
        }
        let v = self.vm.str(s);
        let i = self.k(v);
        self.f.str_index.insert(s, i);
        i
    }

    pub(super) fn sym(&mut self, name: &str) -> Value {
        Value::sym(self.vm.sym(name))
    }

    /// Index of the constant Symbol `name`.
    pub(super) fn k_sym(&mut self, name: &str) -> i32 {
        let v = self.sym(name);
        self.k(v)
    }

    /// Two constants one behind the other.
    pub(super) fn k_pair(&mut self, first: Value, second: Value) -> i32 {
        let at = self.f.consts.len() as i32;
        self.f.consts.extend([first, second]);
        at
    }

    pub(super) fn function_number(&self, id: u32) -> Value {
        Value::small((self.base + id as u64) as i64)
    }

    /// A constant group of values.
    pub(super) fn k_record(&mut self, items: &[Value]) -> i32 {
        let r = self.vm.heap.record(Kind::Record, 0, items).value();
        self.k(r)
    }

    /// A record of Symbols, shared between uses.
    pub(super) fn k_names(&mut self, names: Vec<Sym>) -> i32 {
        if let Some(&i) = self.f.names_index.get(&names) {
            return i;
        }
        let items: Vec<Value> = names.iter().map(|s| Value::sym(*s)).collect();
        let i = self.k_record(&items);
        self.f.names_index.insert(names, i);
        i
    }

    /// A new site: one inline cache with its static part.
    pub(super) fn site(&mut self, name: &str, keywords: Vec<Sym>) -> i32 {
        let name = self.vm.sym(name);
        self.f.sites.push(Site { name, keywords: keywords.into() });
        self.f.sites.len() as i32 - 1
    }

    // --- values everybody needs

    pub(super) fn load_special(&mut self, dst: Reg, v: Value) {
        self.emit(Op::LoadS, dst, 0, 0, (v.0 & 0xFFFF_FFFF) as i32);
    }

    pub(super) fn load_nil(&mut self, dst: Reg) {
        self.load_special(dst, Value::NIL);
    }

    pub(super) fn load_int(&mut self, dst: Reg, i: i64) {
        if let Ok(x) = i32::try_from(i) {
            self.emit(Op::LoadI, dst, 0, 0, x);
        } else {
            let v = self.vm.int(i);
            self.load_const(dst, v);
        }
    }

    pub(super) fn load_const(&mut self, dst: Reg, v: Value) {
        let x = self.k(v);
        self.emit(Op::LoadK, dst, 0, 0, x);
    }

    pub(super) fn move_to(&mut self, dst: Reg, src: Reg) {
        if dst != src {
            self.emit(Op::Move, dst, src, 0, 0);
        }
    }
}
