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

    // --- arithmetic: r[a] = r[b] op r[c]; ..I: immediate x; ..K: constant k[x] (c = 1: the constant is the left operand)
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
    /// r[a] = r[b] div r[c], floored, for two Ints; else the method `div` of r[b], site[x]
    FloorDiv,
    Pow,
    Concat,
    Shl,
    Shr,
    /// `&|&`
    Xor,
    /// `&&` with both operands evaluated: bitwise for two Ints or Bytes, else r[b] if false, else r[c]
    BitAnd,
    /// `||` with both operands evaluated: bitwise for two Ints or Bytes, else r[b] if true, else r[c]
    BitOr,
    ShlI,
    ShrI,
    /// r[b] `&&` constant k[x], in full
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
    /// r[a]..: current, end, step, start, index. Before: r[a] start, r[a+1] end, r[a+2] step or nil. Prepares counting; jumps
    /// just behind the loop's ForLoop or ForStep when empty; r[b] = first value.
    ForPrep,
    /// `repeat`: r[a+1] = count, must be an Int; then as ForPrep for 0 up to count - 1
    RepeatPrep,
    /// step 1 (or nil given); Ints fast, others slowly: r[a] += 1; while r[a] <= r[a+1]: r[b] = r[a], jump back
    ForLoop,
    /// any step, Floats and Chars too
    ForStep,

    // --- members
    /// r[a] = r[b].name, site[x]
    GetProp,
    /// As GetProp, in front of a CheckFloat of r[a], which it passes over for Floats
    GetPropFloat,
    /// r[a] = r[b].name, site[x], or r[b].<r[c]> when that finds nothing and r[c] is not undefined
    GetPropVar,
    /// r[a].name = r[b], site[x]
    SetProp,
    /// Quickened SetProp for typed fields: site[x+1] remembers the class of a value that passes
    SetPropTyped,
    /// The same where Floats pass
    SetPropFloat,
    /// r[a].name = r[b], site[x], unless the member is missing and the variable r[c] (not undefined) is the key
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

    // --- calls: window a, b positional arguments (a receiver, instance or self in r[a+3] is not counted), result in r[c]
    Call,
    /// callee: module cell k[x]
    CallMod,
    /// As CallMod; the arguments pass the checks of the parameters of function k[x+1]: its number, and once it has been called
    /// itself
    CallChecked,
    /// keywords k[x] (record of symbols), their values after the arguments
    CallKw,
    /// arguments: array r[a+3], map r[a+4] (nil: none)
    CallSpread,
    /// receiver r[a+3], arguments from r[a+4], name and keywords site[x]
    Method,
    /// receiver r[a+3], array r[a+4], map r[a+5] (nil: none), name site[x]
    MethodSpread,
    /// name (String or Symbol) in r[a], receiver r[a+3], keywords site[x]
    MethodDyn,
    /// name in r[a], receiver r[a+3], array r[a+4], map r[a+5] (nil: none)
    MethodDynSpread,
    /// class whose method is running in r[a], self r[a+3], arguments from r[a+4], name and keywords site[x]
    Super,
    /// class in r[a], self r[a+3], array r[a+4], map r[a+5] (nil: none), name site[x]
    SuperSpread,
    /// class in r[a], self r[a+3], arguments from r[a+4], keywords site[x]
    SuperCtor,
    /// class in r[a], self r[a+3], array r[a+4], map r[a+5] (nil: none)
    SuperCtorSpread,
    /// class in r[a]; r[a+3] becomes the instance, arguments from r[a+4], keywords site[x]
    New,
    /// class in r[a]; r[a+3] becomes the instance, array r[a+4], map r[a+5] (nil: none)
    NewSpread,
    // Tail calls: the same windows; no keywords, no spreads.
    TailCall,
    TailMod,
    TailMethod,
    /// As TailCall with keywords k[x]; their values stand behind the arguments
    TailKw,
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

    // --- checks of annotations: see CheckType, whose operands they have
    /// the type Int
    CheckInt,
    /// the type Float
    CheckFloat,
    /// a class held by a module variable, k[x]; the record is k[x+1]
    CheckClass,

    // --- the rest: executed out of line
    //
    // Records named below are `Kind::Record` constants, names in them are Symbols. For type values see `interp::types`.
    /// raises r[a] (exception, String, any other value: 9.1)
    Throw,
    /// r[a] thrown again, stack kept
    Rethrow,
    /// r[a] = does exception r[b] belong to class r[c]; the task's own cancellation (and the closing of the running generator)
    /// belongs only to a class that is or lies below CancellationException (to none)
    IsException,
    /// jump if r[a] is the running task's own cancellation or the closing of the running generator
    JmpOwnCancel,
    /// r[a] = r[b] is r[c] (a class, type value, or type expression as data)
    Is,
    IsNot,
    /// r[a] checked and converted in place to the type of the record k[x]: (type value, place String); ic[bc], unless negative, remembers a class that passes
    CheckType,
    /// every element of the array r[a] checked and converted in place, as by CheckType (typed rest parameters)
    CheckTypes,
    /// r[a] checked and converted in place to the type value r[b], place k[x]; c = 1: every element of the array r[a]
    CheckBound,
    /// r[a] = the type value k[x] with its local names bound to r[b..b+c]
    BindType,
    /// raises AssertionException with message r[a]; undefined: `Assertion failed`
    AssertFail,
    /// Ends the entry code of a generator function (defaults, type checks, cells): a Generator takes over the frame as it is and
    /// goes on behind this instruction when first asked; the call's value is the Generator.
    MakeGen,
    /// yields r[b]; r[a] = what is handed in by the next request
    Yield,
    /// `yield*`, one step: r[a] = next element of the iterator state r[b..b+3], a generator among them getting r[c] as its
    /// `.send`. At its end r[a] = the generator's result (else nil) and jump x
    YieldStar,
    /// r[a] = value of the future r[b] (anything else: itself); x = 1: waits at most r[c]
    Await,
    /// r[a] = Array of the values of the futures in array r[b]; x = 1: waits at most r[c] for all
    AwaitAll,
    /// r[a] = future of the call of closure r[b] without arguments, started now; c = 1: raw
    Async,
    /// window a as for CallKw (x = -1: no keywords); r[c] = the new task
    Spawn,
    /// window a as for CallSpread
    SpawnSpread,
    /// r[a] = range r[b], r[b+1], step r[b+2] (nil: none given)
    NewRange,
    /// r[a] = the last element of (range r[b]), -1 when it is empty
    RangeLast,
    /// r[a] = hash map of c pairs from r[b] (key, value, key, ...)
    NewHashMap,
    /// hash map r[a]: key r[b] = r[c]
    HashSetAt,
    /// map r[a]: key k[x] = r[b]
    MapSet,
    /// map r[a] gets the entries of Map r[b] except those whose keys are in the record k[x]
    MapSpread,
    /// r[a] becomes immutable (a literal just built: this level only)
    Freeze,
    /// r[a] = gene of type r[b], properties map r[b+1] or nil, children array r[b+2] or nil; c = 1: immutable
    NewGene,
    /// r[a] = fresh copy of data k[x]
    Quote,
    /// r[a] = regex made from the Regex record k[x] (see `compile::quote`)
    Regex,
    /// error if r[a] is nil or void
    NotNil,
    /// r[b] is built-in Ok or Some: r[a] = payload and jump; Err or None: r[a] = r[b], no jump (code to return it follows);
    /// else r[a] = r[b] and jump
    Unwrap,
    /// global name k[x] = r[a]: only a namespace member made at run time can be assigned
    AssignGlobal,
    /// r[a] = namespace of the module
    ModuleNs,
    // definitions
    /// r[a] = new class; parent r[b] when c = 1; k[x]: record (name, number of fields expected, intent String or nil)
    ClassNew,
    /// error unless r[a], which is to be extended, is a class
    ClassOpen,
    /// class r[a]: method k[x] = r[b]
    ClassMethod,
    /// class r[a]: constructor r[b]
    ClassCtor,
    /// class r[a]: field declared by k[x]: record (name, type value or nil); default r[b] (a closure taking self) when c & 1;
    /// the type value is in r[b+1] when c & 2
    ClassField,
    /// class r[a]: static member k[x] = r[b]
    ClassStatic,
    /// class r[a]: `on_method_missing` r[b]
    ClassMissing,
    /// class r[a] declares that it implements interface r[b]
    ClassImplements,
    /// class r[a] is complete: interfaces it declared are checked
    ClassDone,
    /// r[a] = interface of k[x]: record (name, record of method names, record of field name and Bool read-only, alternating)
    InterfaceNew,
    /// r[a] = new class of adapters for interface r[b] and class r[c]; members are added as to any class
    ImplementNew,
    /// class of adapters r[a] is complete: it is registered with its interface. r[a] = the interface
    ImplementDone,
    /// r[a] = enum of k[x]: record (name, variant...); a variant is a Symbol (unit) or a record (name, field name, type value
    /// or nil, field name, ...); instead of a type value, Int n means that it is in r[b+n] (c of them)
    EnumNew,
    /// r[a] = namespace named k[x]: member of r[b] when r[b] is not undefined (reopened if there), else r[b+1] if that is a
    /// namespace, else a new one
    NsNew,
    /// r[a] = array with one value per item of k[x] (nil for `*`, whose members become visible): record (specifier, package
    /// and path: String or nil, item...); an item is a record of the names of its path, empty for `*`
    Import,
    /// error `Exported name k[x] is not defined` if r[a] is undefined
    ExportCheck,
    // patterns
    /// r[a], r[a+1], ... = the c elements of r[b]: a binding pattern of required elements only; errors as for Destructure.
    /// Registers are written only on success
    Unpack,
    /// r[a] = array with one slot per element of pattern k[x], taken from r[b] (12.2: Array, Gene, Range, HashSet, enum value).
    /// k[x]: record with, per element: 0 required, 1 optional (slot undefined when missing), 2 rest (slot: Array), 3 property
    /// rest (slot: Map), Symbol: required property, record (Symbol): optional property
    Destructure,
    /// r[a] = array of values per key of pattern k[x], taken from r[b]. k[x]: record with, per entry: Symbol: required, record
    /// (Symbol): optional (slot undefined when missing), 3: Map of the other entries
    DestructureMap,
    /// r[a] = element x of the array r[b] (negative: from the end), undefined slots included; the index is known to be valid
    Item,
    /// jump unless r[a] is an array of (b = 1: exactly, else at least) c elements
    TestArray,
    /// jump unless r[a] has named members: a Map or an instance
    TestMap,
    /// jump unless r[a] is a Gene
    TestGene,
    /// r[a] = member k[x] of r[b] (Map entry, instance field, Gene property), undefined when absent
    GetKey,
    /// r[a] = Map of the members of r[b] whose names are not in the record k[x]
    RestKeys,
    /// r[a] = Array of the elements of array r[b] from c up to x before the end
    RestItems,
    /// r[a] = type of gene r[b]
    GeneType,
    /// r[a] = array of the children of gene r[b] (its own one, only read from)
    GeneItems,
    /// r[a] = variant site[x] of the enum that r[b] is a value of, else undefined; c = 1: unit variants only
    VariantOf,
    /// jump unless r[a] is of variant r[b] (when r[b] is no variant, it is not). Before that, c != 255: error unless the variant
    /// r[b] has c fields (`Parcel/Flat pattern expects 2 binders, got 1`)
    TestVariant,
    /// r[a] = payload c of r[b]
    Payload,
    /// r[a] = payload field k[x] of r[b], undefined when there is no such field
    PayloadNamed,
    /// r[a] = does r[b] match value r[c] (==, class, interface, enum, range, regex)
    Matches,
    /// raises `No case matched: <debug form of r[a]>`
    NoMatch,
    /// raises a contract violation. k[x]: record (function name String, is it a postcondition, number, condition text String,
    /// parameter name Symbol...); the c parameter values from r[a]; result r[b]
    Contract,
    // data as code
    /// r[a] = Env described by k[x]: record (record of variables, self, `$ex`, caller Env). A variable is a record (name, is it
    /// constant, source). A source is a Cell (module variable), Int n >= 0 (register n), Int -1-n (capture n), or nil (absent);
    /// a Cell found in a register or capture holds the value
    MakeEnv,
    /// jump unless r[a] is a macro
    IsMacro,
    /// r[a] = macro r[b] called from Env r[c] with the data k[x]: record (record of positional data, record of keyword names,
    /// record of keyword data), copied freshly; error when r[b] is no macro. The macro's frame gets the Env in the register
    /// behind its parameters
    CallMacro,
    /// r[a] = value of the last of the data in array r[b], evaluated in Env r[c]
    Eval,
    /// r[a] = value of the datum r[b] evaluated in Env r[c]
    CallerEval,
    /// r[a] = copy of the data r[b] with unquotes evaluated in Env r[c]
    Render,
    // wide frames
    /// Moves the frame up by x words, which are the frame's from then on; they stand below its head
    Room,
    /// Moves the frame back down
    Unroom,
    /// words r[x].. of the frame = r[a].. (c of them); x is negative
    SaveRegs,
    /// r[a].. = words r[x].. of the frame (c of them)
    LoadRegs,
    /// r[a] = capture x
    GetFarCap,
    /// r[c] = the arm that a `select` with the flags x commits. Operands in r[a].. (b of them): the arms (see `task/select.rs`),
    /// and the time limit when there is one
    Select,
    /// r[a] = what the arm that a `select` committed last gave; c = 1: whether its source was open; c = 2: both, the value in r[b]
    SelectTaken,
    /// carries out one of the x + 1 `Jmp`s behind it: that of the number in r[a], the last for greater numbers
    Switch,
    /// Undoes the destination of a tail call through a native: never executed.
    Nop,
    /// A `finally` part or the catch of a cancellation begins / ends.
    CleanupIn,
    CleanupOut,
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
