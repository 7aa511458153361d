//! The instruction set: fixed 64-bit instructions `op:8 a:8 b:8 c:8 x:32`.
//!
//! Registers are `r[a]`, `r[b]`, `r[c]`; `k[x]` is a constant; `ic[x]` an inline cache, `site[x]` its static part. Jumps are
//! relative to the next instruction. A *window* at `a` is where an outgoing call is built: `r[a]` callee, `r[a+1]`, `r[a+2]`
//! room for the frame head, `r[a+3]...` arguments; the callee's registers start at `r[a+3]`.

/// One instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Instr(pub u64);

impl Instr {
    #[inline(always)]
    pub const fn new(op: Op, a: u8, b: u8, c: u8, x: i32) -> Instr {
        Instr(op as u64 | (a as u64) << 8 | (b as u64) << 16 | (c as u64) << 24 | (x as u32 as u64) << 32)
    }
    #[inline(always)]
    pub fn op(self) -> Op {
        // SAFETY: instructions are only made from `Op`s.
        unsafe { std::mem::transmute::<u8, Op>(self.0 as u8) }
    }
    #[inline(always)]
    pub fn a(self) -> usize {
        (self.0 >> 8) as u8 as usize
    }
    #[inline(always)]
    pub fn b(self) -> usize {
        (self.0 >> 16) as u8 as usize
    }
    #[inline(always)]
    pub fn c(self) -> usize {
        (self.0 >> 24) as u8 as usize
    }
    /// `b` and `c` as one signed 16-bit immediate.
    #[inline(always)]
    pub fn bc(self) -> i64 {
        (self.0 >> 16) as u16 as i16 as i64
    }
    #[inline(always)]
    pub fn x(self) -> i32 {
        (self.0 >> 32) as i32
    }
    #[inline(always)]
    pub fn ux(self) -> usize {
        (self.0 >> 32) as usize
    }
    pub fn with_x(self, x: i32) -> Instr {
        Instr(self.0 & 0xFFFF_FFFF | (x as u32 as u64) << 32)
    }
}

macro_rules! ops {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Op { $($(#[$doc])* $name,)* }
        pub const OP_NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

ops! {
    // --- moves and variables
    /// r[a] = r[b]
    Move,
    /// r[a] = k[x]
    LoadK,
    /// r[a] = Int x
    LoadI,
    /// r[a] = special x (nil, false, void, true, not_found, undefined)
    LoadS,
    /// r[a] = cell r[b]
    GetCell,
    /// As GetCell; undefined: `site name k[x] is not defined`
    GetCellK,
    /// cell r[a] = r[b]
    SetCell,
    /// r[a] = new cell holding r[a]
    MakeCell,
    /// r[a] = capture b
    GetCap,
    /// r[a] = cell in capture b
    GetCapCell,
    /// As GetCapCell, checked; name k[x]
    GetCapCellK,
    /// cell in capture b = r[a]
    SetCapCell,
    /// r[a] = module cell k[x], checked
    GetMod,
    /// module cell k[x] = r[a]
    SetMod,
    /// r[a] = global site[x]
    GetGlobal,

    // --- arithmetic: r[a] = r[b] op r[c]; ..I: immediate x; ..K: constant k[x]
    Add,
    AddI,
    AddK,
    Sub,
    SubI,
    SubK,
    Mul,
    MulK,
    Div,
    DivK,
    Mod,
    ModK,
    /// r[a] = floored quotient (Int method `div`, known at compile time to be called with one argument)
    FloorDiv,
    Pow,
    Concat,
    Shl,
    Shr,
    /// `&|&`
    Xor,
    /// Bitwise part of `&&` (both Ints or both Bytes), else r[c]
    BitAnd,
    /// Bitwise part of `||`, else r[b] if true or r[c]
    BitOr,
    ShlI,
    ShrI,
    BitAndK,
    Neg,
    /// `!`
    Bang,
    Not,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,

    // --- jumps
    Jmp,
    /// jump if r[a] is false
    JmpF,
    JmpT,
    /// jump if r[a] is false (an `&&` whose left operand is not an Int or Bytes)
    AmpTest,
    /// jump if r[a] is true and no Int or Bytes
    BarTest,
    JmpUndef,
    JmpNotUndef,
    JmpVoid,
    JmpNotVoid,
    /// jump unless r[a] op r[b]
    JnLt,
    JnLe,
    JnGt,
    JnGe,
    JnEq,
    JnNe,
    /// jump unless r[a] op Int bc
    JnLtI,
    JnLeI,
    JnGtI,
    JnGeI,
    JnEqI,
    JnNeI,
    /// jump if r[a] op r[b]
    JLt,
    JLe,
    JGt,
    JGe,
    JEq,
    JNe,
    JLtI,
    JLeI,
    JGtI,
    JGeI,
    JEqI,
    JNeI,
    /// Back-edges: charge fuel when taken.
    Loop,
    LoopT,
    LoopLt,
    LoopLe,
    LoopGt,
    LoopGe,
    LoopEq,
    LoopNe,
    LoopLtI,
    LoopLeI,
    LoopGtI,
    LoopGeI,
    LoopEqI,
    LoopNeI,
    /// r[a]..: current, end, step, start, index. Prepares counting; jumps when empty; r[b] = first value.
    ForPrep,
    /// step 1, Ints: r[a] += 1; while r[a] <= r[a+1]: r[b] = r[a], jump back
    ForLoop,
    /// any step, Floats and Chars too
    ForStep,

    // --- members
    /// r[a] = r[b].name, site[x]
    GetProp,
    /// Quickened: instance or map of the cached shape, slot inside the object
    GetPropInline,
    /// r[a] = r[b].name, or r[b].<r[c]> when that finds nothing
    GetPropVar,
    /// r[a].name = r[b], site[x]
    SetProp,
    SetPropInline,
    /// r[a].name = r[b] unless the member is missing and the variable r[c] is the key
    SetPropVar,
    /// r[a] = r[b].<r[c]>
    GetDyn,
    /// r[a].<r[b]> = r[c]
    SetDyn,
    /// r[a] = r[b].x
    GetIdx,
    /// r[a].x = r[b]
    SetIdx,

    // --- building
    /// r[a] = array of c elements from r[b]
    NewArray,
    /// push r[b] on array r[a]
    Push,
    /// append the elements of iterable r[b] to array r[a]
    PushAll,
    /// r[a] = map with keys k[x] (record of symbols), values from r[b]
    NewMap,
    /// r[a] = closure of code k[x]
    Closure,
    /// r[a] = text of r[b] (calls `to_s`)
    ToStr,
    /// r[a] = concatenation of c Strings from r[b]
    Join,

    // --- calls: window a, b positional arguments, result in r[c]
    Call,
    /// callee: module cell k[x]
    CallMod,
    /// keywords k[x] (record of symbols), their values after the arguments
    CallKw,
    /// arguments: array r[a+3], map r[a+4]
    CallSpread,
    /// receiver r[a+3], name site[x]
    Method,
    MethodSpread,
    /// name in r[a]
    MethodDyn,
    /// class in r[a], self r[a+3], name site[x]
    Super,
    SuperSpread,
    SuperCtor,
    /// class in r[a]; r[a+3] becomes the instance, arguments from r[a+4]
    New,
    NewSpread,
    TailCall,
    TailMod,
    TailMethod,
    Ret,
    RetNil,

    // --- iteration: r[a] source, r[a+1] position, r[a+2] version
    /// r[a..] = iterator state over r[b]
    IterInit,
    /// r[b] = next element, or jump x
    IterNext,
    /// r[b], r[b+1] = key, value, or jump x
    IterNext2,
    /// leaves a loop early: closes a generator
    IterClose,

    // --- the rest: executed out of line
    Throw,
    /// r[a] thrown again, stack kept
    Rethrow,
    /// r[a] = does exception r[b] belong to class r[c]
    IsException,
    /// jump if r[a] is the running task's own cancellation
    JmpOwnCancel,
    /// r[a] = r[b] is r[c]
    Is,
    IsNot,
    /// r[a] checked and converted to type k[x]
    CheckType,
    /// r[a] = generator value for r[b] handed in; yields r[b]
    Yield,
    /// delegates to r[b] (iterator state r[b..b+3])
    YieldStar,
    Await,
    AwaitAll,
    Async,
    Spawn,
    /// r[a] = range r[b], r[b+1], r[b+2]
    NewRange,
    /// r[a] = hash map of c pairs from r[b]
    NewHashMap,
    HashSetAt,
    MapSet,
    MapSpread,
    Freeze,
    /// r[a] = gene of type r[b], properties map r[b+1], children array r[b+2]; c: frozen
    NewGene,
    /// r[a] = fresh copy of data k[x]
    Quote,
    Regex,
    /// r[a] not nil and not void, else error
    NotNil,
    /// jump unless Ok/Some; r[a] = payload; else r[a] itself is returned by the code that follows
    Unwrap,
    AssignGlobal,
    /// r[a] = namespace of the module
    ModuleNs,
    // definitions
    ClassNew,
    ClassMethod,
    ClassCtor,
    ClassField,
    ClassStatic,
    ClassMissing,
    ClassDone,
    EnumNew,
    NsNew,
    Import,
    ExportCheck,
    // patterns
    /// r[a] = array with one slot per element of pattern k[x], taken from r[b]
    Destructure,
    /// r[a] = array of values (and rest map) per key of pattern k[x]
    DestructureMap,
    /// jump unless r[a] is an array of (b: exactly, else at least) c elements
    TestArray,
    /// jump unless r[a] has named members
    TestMap,
    TestGene,
    /// r[a] = member k[x] of r[b], undefined when absent
    GetKey,
    /// r[a] = map of the members of r[b] not in k[x]
    RestKeys,
    /// r[a] = elements of r[b] from c up to x before the end, as an array
    RestItems,
    /// r[a] = element x of r[b] (negative: from the end)
    Item,
    /// r[a] = type of gene r[b]
    GeneType,
    /// r[a] = children of gene r[b]
    GeneItems,
    /// r[a] = variant k[x] of the enum of r[b], else undefined
    VariantOf,
    /// r[a] = is r[b] of variant r[c]
    IsVariant,
    /// r[a] = payload c of r[b]
    Payload,
    /// r[a] = payload field k[x] of r[b]
    PayloadNamed,
    /// jump unless pattern of c fields fits variant r[b] (error when it doesn't)
    CheckArity,
    /// r[a] = does r[b] match value r[c] (==, class, range, regex)
    Matches,
    NoMatch,
    Contract,
    // data as code
    MakeEnv,
    IsMacro,
    CallMacro,
    Eval,
    CallerEval,
    Render,
    /// Undoes the destination of a tail call through a native: never executed.
    Nop,
}

/// Static part of an inline cache.
#[derive(Clone, Debug)]
pub struct Site {
    pub name: crate::value::Sym,
    /// Keyword names of a call, in order.
    pub keywords: Box<[crate::value::Sym]>,
}

/// One line per instruction.
pub fn disassemble(p: &crate::object::code::Proto) -> String {
    use std::fmt::Write;
    let mut s = String::new();
    for (i, ins) in p.code.iter().enumerate() {
        let _ = writeln!(
            s,
            "{i:4} {:<14} {:3} {:3} {:3} {}",
            OP_NAMES[ins.0 as u8 as usize],
            ins.a(),
            ins.b(),
            ins.c(),
            ins.x()
        );
    }
    for h in &p.handlers {
        let _ = writeln!(s, "     handler {}..{} -> {} r{}", h.start, h.end, h.target, h.reg);
    }
    s
}
