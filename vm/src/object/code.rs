//! Compiled functions.
use crate::bytecode::Instr;
use crate::heap::collect::Marker;
use crate::heap::{Gc, Header, Heap, Kind};
use crate::syntax::form::Span;
use crate::value::{Sym, Value};
use std::rc::Rc;

/// One inline-cache entry: feedback of one instruction.
///
/// `key` is the receiver's header under a mask (kind and shape), or a code for immediates; 0 when empty. `target` depends on the
/// instruction: byte offset of a slot, offset and new shape of an add transition, method address and epoch. Entries keep nothing
/// alive: shapes and classes are permanent, and a replaced method changes the epoch.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Ic {
    pub key: u64,
    pub target: u64,
}

/// `[start, end)` in instructions: an exception raised there goes to `target` with the exception in register `reg`.
#[derive(Clone, Copy, Debug)]
pub struct Handler {
    pub start: u32,
    pub end: u32,
    pub target: u32,
    pub reg: u8,
    /// The handler also sees the task's own cancellation (`finally`, compiler-made handlers).
    pub all: bool,
}

/// How arguments become registers, for functions that are not simple.
#[derive(Clone, Debug, Default)]
pub struct ParamInfo {
    /// Positional parameters before the rest parameter: `true` for optional ones.
    pub positional: Vec<bool>,
    /// A rest parameter stands before `positional[at]`.
    pub rest: Option<usize>,
    /// Keyword parameters in declaration order: name, required.
    pub keywords: Vec<(Sym, bool)>,
    pub keyword_rest: bool,
    /// Names of all parameters in declaration order (positional, rest, keywords, keyword rest), for `.params` and messages.
    pub names: Vec<Sym>,
}

impl ParamInfo {
    pub fn required(&self) -> usize {
        self.positional.iter().filter(|o| !**o).count()
    }
}

/// Instructions `start..end` are a cleanup. One that a `finally` part entered by an exception keeps kind of completion and value in
/// these registers.
#[derive(Clone, Copy, Debug)]
pub struct Cleanup {
    pub start: u32,
    pub end: u32,
    pub pending: Option<(u8, u8)>,
}

/// The source a function came from.
pub struct SourceRef {
    pub source: Rc<crate::syntax::source::Source>,
    /// Prelude code: its frames show as native ones.
    pub internal: bool,
    /// Index into `Vm::modules`.
    pub module: u32,
    /// Number in `Vm::sources`: positions of quoted genes name it.
    pub id: u32,
}

/// A variable that has its register from instruction `start` up to, but without, `end`. It may not have its value yet.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    pub reg: u8,
    pub name: Sym,
    pub start: u32,
    pub end: u32,
}

/// Number of the first word of a frame that is no register.
pub const FAR: usize = 256;

pub struct Proto {
    pub code: Box<[Instr]>,
    pub consts: Box<[Value]>,
    pub ics: Box<[Ic]>,
    /// Static parts of `ics`, same indices.
    pub sites: Box<[crate::bytecode::Site]>,
    /// What a closure takes from the frame that creates it: register or word (false; words are numbered from 256 on) or capture
    /// (true) of that frame. For evaluated data: entries of the environment.
    pub captures: Box<[(bool, u32)]>,
    /// Registers and words of a frame.
    pub nregs: u32,
    /// Words of a frame below its head: see [`Op::Room`](crate::bytecode::Op).
    pub words: u32,
    /// See [`super::function::Function`].
    pub simple_args: u16,
    /// Register 0 holds `self`; parameters start at 1.
    pub has_self: bool,
    pub generator: bool,
    pub is_macro: bool,
    pub is_async: bool,
    pub params: ParamInfo,
    pub handlers: Box<[Handler]>,
    /// `[start, end)` of the bodies that count in [`super::fiber::Fiber::cleanup`] while they run.
    pub cleanups: Box<[Cleanup]>,
    /// Position of the instructions, by start: the last entry at or before a pc holds.
    pub spans: Box<[(u32, Span)]>,
    /// `None`: anonymous.
    pub name: Option<Sym>,
    /// Shown in stack traces: name, `<fn>`, `<module>`.
    pub trace_name: Sym,
    pub source: Rc<SourceRef>,
    pub span: Span,
    pub intent: Option<Value>,
    pub examples: Option<Value>,
    /// Named variables with a register, for `--repl-on-error`.
    pub locals: Box<[Local]>,
    /// Calls and back-edges seen; the JIT's trigger.
    pub hotness: u32,
    /// An Int that tells the function apart from all others compiled by this VM.
    pub number: Value,
    /// Where calls begin that are known to pass the checks of the parameters' types.
    pub checked_entry: u32,
}

/// Owner of a [`Proto`] on the heap.
#[repr(C)]
pub struct CodeObj {
    pub header: Header,
    data: *mut Proto,
}

impl Heap {
    pub fn code(&mut self, proto: Proto) -> Value {
        let bytes = proto.code.len() * 8 + proto.consts.len() * 8 + proto.ics.len() * 16 + 200;
        let mut o: Gc<CodeObj> = self.alloc_owner(Kind::Code);
        o.data = Box::into_raw(Box::new(proto));
        self.allocated += bytes;
        o.value()
    }
}

impl CodeObj {
    pub(crate) fn trace(o: Gc<CodeObj>, m: &mut Marker) {
        // SAFETY: the object owns the proto.
        let p = unsafe { &*o.data };
        m.values(&p.consts);
        if let Some(v) = p.examples {
            m.value(v);
        }
        if let Some(v) = p.intent {
            m.value(v);
        }
    }
    pub(crate) fn drop_data(o: Gc<CodeObj>) {
        // SAFETY: called once, when the object dies.
        drop(unsafe { Box::from_raw(o.data) });
    }
}

impl Gc<CodeObj> {
    pub fn proto(self) -> *mut Proto {
        self.data
    }
}

impl Proto {
    /// Source position of instruction `pc`.
    pub fn span_at(&self, pc: usize) -> Span {
        match self.spans.partition_point(|(p, _)| *p as usize <= pc) {
            0 => self.span,
            i => self.spans[i - 1].1,
        }
    }
}
