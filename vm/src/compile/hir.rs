//! HIR: a module after names are resolved and special forms understood, before registers and jumps.
//!
//! Everything lives in the same arena as the forms. The lowering step owns all compile errors; whatever reaches HIR has a
//! meaning. Code generation owns evaluation order inside one node, as documented on each variant.

use crate::syntax::form::{Form, Span};

pub use super::ty::{FnParam, FnType, NamedType, Type, TypeRoot};

/// Index into [`Func::vars`] of the function the expression stands in.
pub type VarId = u32;
/// Index into [`Unit::funcs`]. Function 0 is the module body.
pub type FuncId = u32;
/// A loop of the current function; unique within it.
pub type LoopId = u32;
/// Index into [`Unit::module_vars`].
pub type SlotId = u32;

pub type E<'a> = &'a Expr<'a>;

/// One compiled unit: a module, or the data given to `eval` / `$caller_eval`.
pub struct Unit<'a> {
    pub funcs: Vec<Func<'a>>,
    /// Top-level names that functions capture, that are exported, or that `eval` may see. (Other top-level variables are
    /// plain [`VarRef::Local`]s of function 0.) Imported names too.
    pub module_vars: Vec<ModuleVar<'a>>,
    pub warnings: Vec<(Span, String)>,
    /// Code made at run time may see, and assign, all variables.
    pub dynamic: bool,
    /// Packages declared by `$dep`, and where they are.
    pub dependencies: Vec<(&'a str, &'a str)>,
}

#[derive(Clone, Debug)]
pub struct ModuleVar<'a> {
    pub name: &'a str,
    /// A member of the module's namespace: visible to importers and through `$ns`.
    pub exported: bool,
    /// Bound once, by a hoisted `fn`, and assigned nowhere in the module.
    pub is_fn: bool,
    /// `let` or import: assignment was refused by the lowering.
    pub constant: bool,
    /// Bound in one place and assigned nowhere in the module, also not by code made at run time.
    pub stable: bool,
    /// Exported by `(export x)`: the module's end must check that it got defined.
    pub must_define: Option<Span>,
    /// The annotation of its declaration: later assignments are checked too.
    pub ty: Option<TypeRef<'a>>,
}

pub struct Func<'a> {
    /// `None` for anonymous functions. For methods the bare method name.
    pub name: Option<&'a str>,
    pub kind: FuncKind,
    pub generator: bool,
    pub span: Span,
    pub params: &'a [Param<'a>],
    /// The variable that holds `self`: methods, constructors, field defaults, module body (namespace).
    pub self_var: Option<VarId>,
    /// Macros only: holds the caller's environment.
    pub env_var: Option<VarId>,
    pub vars: Vec<VarInfo<'a>>,
    /// What the closure takes from the function around it when it is created.
    pub captures: Vec<Capture<'a>>,
    pub body: E<'a>,
    pub ret: Option<TypeRef<'a>>,
    pub pre: &'a [Contract<'a>],
    pub post: &'a [Contract<'a>],
    /// Holds the result while postconditions run.
    pub result_var: Option<VarId>,
    pub intent: Option<&'a str>,
    /// The `^examples` array, as data.
    pub examples: Option<Form<'a>>,
    /// `Class.method` for methods, the name otherwise, `<fn>` for anonymous ones: used by contracts.
    pub full_name: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FuncKind {
    /// The module body; its parameterless "call" runs the module.
    Module,
    /// Data evaluated by `eval` / `$caller_eval`: parameterless, captures come from an [`EnvVar`] list.
    Eval,
    Fn,
    Macro,
    Method,
    Ctor,
    /// A field default or another expression evaluated with `self`: no parameters.
    Thunk,
    /// The body of `async` or `spawn`: no parameters.
    Async,
}

#[derive(Clone, Debug)]
pub struct VarInfo<'a> {
    pub name: &'a str,
    /// Captured by an inner function *and* (assigned after its declaration, or captured before its declaration has run, or
    /// visible to `eval`/macros): lives in a heap cell. Otherwise closures copy the value.
    pub cell: bool,
    /// May be read before its declaration ran (through a hoisted function): reads check for "x is not defined".
    pub checked: bool,
    /// Assigned somewhere after its declaration.
    pub assigned: bool,
    /// Its cell is made at the entry of the block that lists it in [`Block::cells`], because something captures it before its
    /// declaration runs: the declaration stores into that cell and makes no new one.
    pub early: bool,
    pub ty: Option<TypeRef<'a>>,
}

/// One captured variable, as seen from the function around.
#[derive(Clone, Copy, Debug)]
pub struct Capture<'a> {
    pub name: &'a str,
    pub source: CaptureSource,
    /// The captured slot holds a cell (see [`VarInfo::cell`]).
    pub cell: bool,
    pub checked: bool,
    pub ty: Option<TypeRef<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureSource {
    /// A variable of the function around.
    Local(VarId),
    /// A capture of the function around.
    Captured(u32),
    /// Function 0 of kind [`FuncKind::Eval`]: entry of the environment the data is evaluated in. The entries are the names
    /// in order (cells), then, as far as the environment has them, `self`, `$ex` and the caller environment (plain values).
    Env(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarRef {
    Local(VarId),
    /// Index into [`Func::captures`].
    Captured(u32),
    Module(SlotId),
}

#[derive(Clone, Copy, Debug)]
pub struct Param<'a> {
    /// Receives the argument. With a pattern it is a hidden variable.
    pub var: VarId,
    pub name: &'a str,
    pub kind: ParamKind,
    /// Evaluated in order, in the scope of the parameters before it, when the argument is missing.
    pub default: Option<E<'a>>,
    pub pat: Option<&'a BindPat<'a>>,
    pub ty: Option<TypeRef<'a>>,
    pub span: Span,
}

/// The binding order of 5.3: count check, positional left to right, keywords in declaration order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// Required when `default` is `None`.
    Positional,
    Rest,
    Keyword,
    KeywordRest,
}

#[derive(Clone, Copy, Debug)]
pub struct Contract<'a> {
    pub cond: E<'a>,
    /// The condition printed as data.
    pub text: &'a str,
}

/// A type annotation: its form, the place named in the error (`x`, `variable x`, `field x`, `return value of f`), its meaning.
#[derive(Clone, Copy, Debug)]
pub struct TypeRef<'a> {
    pub form: Form<'a>,
    pub place: &'a str,
    pub ty: Type<'a>,
}

#[derive(Clone, Copy, Debug)]
pub struct Expr<'a> {
    pub span: Span,
    pub kind: ExprKind<'a>,
}

#[derive(Clone, Copy, Debug)]
pub enum ExprKind<'a> {
    /// Any self-evaluating literal: nil void true false not_found, Int, Float, Char, Str, Bytes, dates, durations.
    Const(Form<'a>),
    /// A regex literal (compiled when evaluated).
    Regex(Form<'a>),
    Var(VarRef),
    /// A name nothing in the module binds: a namespace member made at run time, else a global, else `x is not defined`.
    /// `$args`, `$env`, ... too.
    Global(&'a str),
    /// The module's namespace, `$ns`.
    ModuleNs,
    /// Parts converted by `.to_s` and joined into a fresh String.
    Interp(&'a [Interp<'a>]),
    /// Fresh mutable copy of the data, quote removed.
    Quote(Form<'a>),
    Array {
        items: &'a [Arg<'a>],
        frozen: bool,
    },
    Map {
        entries: &'a [PropArg<'a>],
        frozen: bool,
    },
    /// Keys and values alternate.
    HashMap {
        items: &'a [E<'a>],
        frozen: bool,
    },
    /// Gene construction: type, then properties and children in source order.
    Gene {
        ty: E<'a>,
        args: Args<'a>,
        frozen: bool,
    },
    /// Closure of a function.
    Fn(FuncId),
    /// A type expression as a value: an alias, the right operand of `is`.
    /// The names are the generic parameters of an alias.
    TypeValue(Type<'a>, &'a [&'a str]),

    // --- blocks and control flow
    Block(Block<'a>),
    If {
        cond: E<'a>,
        then: E<'a>,
        other: Option<E<'a>>,
    },
    /// The arm with the number that `on` gives; the last one for greater numbers. At least one.
    Switch {
        on: E<'a>,
        arms: &'a [E<'a>],
    },
    /// `&&`: bitwise on two Ints or Bytes, else left if false, else right; right only evaluated when needed.
    Amp(E<'a>, E<'a>),
    /// `||`
    Bar(E<'a>, E<'a>),
    /// Logical `and` / `or` / `not`, whatever the operands.
    And(E<'a>, E<'a>),
    Or(E<'a>, E<'a>),
    Not(E<'a>),
    /// `!`: complement of an Int or Bytes, else logical negation.
    Bang(E<'a>),
    Loop {
        id: LoopId,
        body: E<'a>,
    },
    /// `break` and `continue` may stand in `cond` too.
    While {
        id: LoopId,
        cond: E<'a>,
        body: E<'a>,
    },
    /// `var` is bound to 0, 1, ... afresh each time.
    Repeat {
        id: LoopId,
        count: E<'a>,
        var: Option<VarId>,
        body: E<'a>,
    },
    For {
        id: LoopId,
        target: ForTarget<'a>,
        iter: E<'a>,
        body: E<'a>,
        awaiting: bool,
    },
    Break {
        id: LoopId,
        value: Option<E<'a>>,
    },
    Continue {
        id: LoopId,
    },
    Return(Option<E<'a>>),
    /// `subject` is evaluated once; arms in order.
    Case {
        subject: E<'a>,
        arms: &'a [Arm<'a>],
        other: Option<E<'a>>,
        exhaustive: bool,
    },
    Try {
        body: E<'a>,
        catches: &'a [Catch<'a>],
        finally: Option<E<'a>>,
        /// The `finally` part is a cleanup: it does not see the cancellation of its task (concurrency.md D6). Compiler-made
        /// ones are none.
        cleanup: bool,
    },
    /// `(throw)`, `(throw v)`. Without value and outside a catch, lowering passes the String "nil".
    Throw(E<'a>),
    /// `(throw C args... ^k v)` with a class as first operand, decided at run time: when the first value is a class, an
    /// instance is made of it.
    ThrowNew {
        class: E<'a>,
        args: Args<'a>,
    },
    /// `(e ?)`
    Unwrap(E<'a>),
    Assert {
        cond: E<'a>,
        message: Option<E<'a>>,
    },
    Yield(Option<E<'a>>),
    YieldStar(E<'a>),

    // --- variables and members
    /// A declaration: binds `var` (a new cell each time it runs, when the variable is a cell and not [`VarInfo::early`]).
    /// Value: the value bound. The same holds for variables bound by patterns.
    Declare {
        var: VarRef,
        value: E<'a>,
        ty: Option<TypeRef<'a>>,
    },
    /// Nothing is bound when matching fails. Value: the value taken apart.
    DeclarePattern {
        pat: &'a BindPat<'a>,
        value: E<'a>,
    },
    Assign {
        var: VarRef,
        value: E<'a>,
    },
    /// Assignment to a name nothing binds: a namespace member made at run time, else `x is not defined`.
    AssignGlobal {
        name: &'a str,
        value: E<'a>,
    },
    /// `x ||= e` (`or` true), `x &&= e`: assigns only when the old value is false / true. Value: assigned or kept value.
    AssignLogical {
        var: VarRef,
        value: E<'a>,
        or: bool,
    },
    Get {
        base: E<'a>,
        key: Key<'a>,
    },
    /// Container, dynamic key, right side.
    Set {
        base: E<'a>,
        key: Key<'a>,
        value: E<'a>,
    },
    /// `(base/key op= e)`: container and key once, the old value is read before the right side.
    Update {
        base: E<'a>,
        key: Key<'a>,
        op: UpdateOp,
        value: E<'a>,
    },
    /// `/!`
    NotNil(E<'a>),

    // --- operators and calls
    Binary(BinOp, E<'a>, E<'a>),
    Neg(E<'a>),
    /// `(a < b <= c)`: neighbouring comparisons joined; each operand at most once. At least two operators.
    Chain {
        first: E<'a>,
        rest: &'a [(BinOp, E<'a>)],
    },
    /// `(a .. b)`, `(range a b)`, `(range a b step)`, `(range n)` (start `None`) when `range` is not shadowed.
    Range {
        start: Option<E<'a>>,
        end: E<'a>,
        step: Option<E<'a>>,
    },
    Call {
        callee: E<'a>,
        args: Args<'a>,
    },
    /// The callee may turn out to be a macro: then the parts of the form are passed as data.
    CallMaybeMacro {
        callee: E<'a>,
        args: Args<'a>,
        site: &'a MacroSite<'a>,
    },
    /// The callee's name ends in `!`: a macro for certain, or an error.
    CallMacro {
        callee: E<'a>,
        site: &'a MacroSite<'a>,
    },
    Method {
        recv: E<'a>,
        name: &'a str,
        args: Args<'a>,
    },
    /// `(obj .<expr> args...)`
    MethodDyn {
        recv: E<'a>,
        name: E<'a>,
        args: Args<'a>,
    },
    /// `class` is the class in whose body the method stands.
    Super {
        self_: E<'a>,
        class: E<'a>,
        name: &'a str,
        args: Args<'a>,
    },
    SuperCtor {
        self_: E<'a>,
        class: E<'a>,
        args: Args<'a>,
    },
    New {
        class: E<'a>,
        args: Args<'a>,
    },

    /// The number of the arm that a `select` commits. Flags and operands as `task/select.rs` knows them; the limit stands last.
    Select {
        flags: i64,
        operands: &'a [E<'a>],
    },
    /// What the arm that a `select` committed last gave; or whether its source was open.
    SelectTaken {
        open: bool,
    },

    // --- data as code
    /// `data` is an array expression.
    Eval {
        data: E<'a>,
        env: &'a Env<'a>,
    },
    /// `env_var` is the macro's hidden variable.
    CallerEval {
        data: E<'a>,
        env: VarRef,
    },
    Render {
        data: E<'a>,
        env: &'a Env<'a>,
    },

    // --- definitions: the value is the thing defined; binding it is a Declare or Set around (or, where the body of a class or
    // namespace at module level uses the name, the first thing in its body)
    Class(&'a ClassDef<'a>),
    /// Adds methods and statics to an existing class.
    Extend {
        class: E<'a>,
        class_var: VarId,
        members: &'a [Member<'a>],
    },
    Interface(&'a InterfaceDef<'a>),
    /// Adapters of a class: methods, fields and constructor of their own. The value is the interface.
    Implement {
        interface: E<'a>,
        class: E<'a>,
        class_var: VarId,
        members: &'a [Member<'a>],
    },
    Enum(&'a EnumDef<'a>),
    Namespace(&'a NsDef<'a>),
    Import(&'a Import<'a>),

    // --- tasks
    /// Eager start (concurrency.md 4.1). `raw`: no flattening.
    Async {
        func: FuncId,
        raw: bool,
    },
    /// One value; with several an Array in argument order. `listed`: the values are the elements of the one Array given.
    Await {
        values: &'a [E<'a>],
        listed: bool,
        timeout: Option<E<'a>>,
    },
    /// `(spawn (form))`: `callee` is a [`FuncKind::Async`] closure without arguments; else callee and arguments are evaluated now.
    Spawn {
        callee: E<'a>,
        args: Args<'a>,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum Interp<'a> {
    Text(&'a str),
    Expr(E<'a>),
}

/// A scope. At entry cells are made for `cells` (holding "undefined": exactly its [`VarInfo::early`] variables), then the
/// hoisted functions are bound in order, as by [`ExprKind::Declare`].
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    pub cells: &'a [VarId],
    pub hoisted: &'a [(VarRef, FuncId)],
    /// Value: that of the last one, `nil` when empty.
    pub body: &'a [E<'a>],
}

#[derive(Clone, Copy, Debug)]
pub enum ForTarget<'a> {
    One(BindTarget<'a>),
    Two(BindTarget<'a>, BindTarget<'a>),
}

#[derive(Clone, Copy, Debug)]
pub enum BindTarget<'a> {
    Ignore,
    Var(VarRef),
    Pattern(&'a BindPat<'a>),
}

#[derive(Clone, Copy, Debug)]
pub struct Arm<'a> {
    pub pat: &'a CasePat<'a>,
    pub guard: Option<E<'a>>,
    pub body: E<'a>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug)]
pub struct Catch<'a> {
    pub kind: CatchKind<'a>,
    /// Hidden variable `$ex` of the clause.
    pub ex: VarRef,
    pub body: E<'a>,
    pub span: Span,
    /// The clause catches cancellations: its body is a cleanup.
    pub cleanup: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum CatchKind<'a> {
    /// `*`, `_`, or a bare name: everything but the task's own cancellation.
    All { bind: Option<VarRef> },
    /// The class expression is evaluated when the clause is tried.
    Class { class: E<'a>, bind: Option<VarRef> },
    /// Matches everything and destructures: a map pattern the exception, an array pattern its `cause`.
    Pattern(&'a BindPat<'a>),
    /// Compiler-made (`with`): everything, the task's own cancellation too.
    Really,
}

/// Positional arguments and properties in source order: properties stand after `props_at` positional ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Args<'a> {
    pub items: &'a [Arg<'a>],
    pub props: &'a [PropArg<'a>],
    pub props_at: u32,
}

#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    One(E<'a>),
    Spread(E<'a>),
}

#[derive(Clone, Copy, Debug)]
pub enum PropArg<'a> {
    Key(&'a str, E<'a>),
    /// `^... m`: an explicit property wins over a spread one.
    Spread(E<'a>),
}

/// How a path step or assignment names a member.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    /// `fallback`: the visible variable of that name, used as the key when the name finds nothing (3.9). If the variable is
    /// not defined yet, there is no fallback.
    Name {
        name: &'a str,
        fallback: Option<VarRef>,
    },
    Index(i64),
    /// `<x>`
    Dynamic(E<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateOp {
    Op(BinOp),
    /// `||=`: assigns only when the old value is false.
    OrElse,
    /// `&&=`
    AndThen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Concat,
    Shl,
    Shr,
    /// `&|&`
    Xor,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    /// The right operand gives a type: a class, an enum, or an [`ExprKind::TypeValue`].
    Is,
    /// Selector application `./`: a call.
    Select,
}

// --- patterns

/// Binding patterns of `var`, parameters, `for`, `catch` (12.2).
#[derive(Clone, Copy, Debug)]
pub enum BindPat<'a> {
    Ignore,
    Var {
        var: VarRef,
        ty: Option<TypeRef<'a>>,
    },
    Array {
        elems: &'a [BindElem<'a>],
        span: Span,
    },
    /// `rest` collects the other entries.
    Map {
        entries: &'a [BindEntry<'a>],
        rest: Option<VarRef>,
        span: Span,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum BindElem<'a> {
    One {
        pat: BindPat<'a>,
        default: Option<E<'a>>,
    },
    /// At most one. `None`: `_...`.
    Rest(Option<VarRef>),
    /// `^name`, `^name = default`: a property of a Gene.
    Prop {
        name: &'a str,
        var: VarRef,
        default: Option<E<'a>>,
    },
    /// `^name...`
    PropRest(VarRef),
}

#[derive(Clone, Copy, Debug)]
pub struct BindEntry<'a> {
    pub key: &'a str,
    pub pat: BindPat<'a>,
    pub default: Option<E<'a>>,
}

/// Case patterns (12.3-12.5). Variables are bound as they match; a failing arm leaves them unspecified.
#[derive(Clone, Copy, Debug)]
pub enum CasePat<'a> {
    Any,
    Bind(VarRef),
    /// `==`
    Literal(E<'a>),
    /// `==`, or membership for classes, interfaces, enums, ranges, regexes.
    Value(E<'a>),
    /// `%name`, `%path`: `==` only.
    Equal(E<'a>),
    /// A bare symbol at the top of a `when`: the unit variant of the subject's own enum if it has one of that name, else
    /// `value` as in [`CasePat::Value`] (`None`: no such variable, the branch does not match).
    Unit {
        name: &'a str,
        value: Option<E<'a>>,
    },
    /// An uppercase name inside a pattern: tests when it is a unit variant of the element's enum (or `None`), binds otherwise.
    UnitOrBind {
        name: &'a str,
        var: VarRef,
    },
    /// `(V p...)`, `(E/V p...)`. `path`: the qualified variant, or `Ok`/`Err`/`Some`, evaluated; `None`: `name` is looked up in
    /// the subject's own enum.
    Variant {
        name: &'a str,
        path: Option<E<'a>>,
        fields: VariantFields<'a>,
    },
    Array {
        items: &'a [CasePat<'a>],
        rest: Option<CaseRest>,
    },
    /// The listed keys must be present. `rest` collects the others.
    Map {
        entries: &'a [(&'a str, CasePat<'a>)],
        rest: Option<VarRef>,
    },
    Gene {
        ty: GeneType<'a>,
        entries: &'a [(&'a str, CasePat<'a>)],
        rest_props: Option<VarRef>,
        items: &'a [CasePat<'a>],
        rest: Option<CaseRest>,
    },
    Or(&'a [CasePat<'a>]),
    As(VarRef, &'a CasePat<'a>),
    /// The type is evaluated when tried.
    Is {
        ty: E<'a>,
        bind: Option<VarRef>,
    },
    Not(&'a CasePat<'a>),
}

#[derive(Clone, Copy, Debug)]
pub enum VariantFields<'a> {
    Positional(&'a [CasePat<'a>]),
    Named(&'a [(&'a str, CasePat<'a>)]),
}

/// `name...` or `_...`; `at` items stand before it.
#[derive(Clone, Copy, Debug)]
pub struct CaseRest {
    pub at: u32,
    pub var: Option<VarRef>,
}

#[derive(Clone, Copy, Debug)]
pub enum GeneType<'a> {
    Any,
    /// Compared as literal data.
    Literal(Form<'a>),
    /// `%x`
    Value(E<'a>),
}

// --- macros and eval

/// The parts of a macro call as data, and the scope it stands in.
#[derive(Clone, Copy, Debug)]
pub struct MacroSite<'a> {
    pub children: &'a [Form<'a>],
    /// Keyword arguments of the call, values as data.
    pub props: &'a [(&'a str, Form<'a>)],
    pub env: &'a Env<'a>,
}

/// Every variable visible at a point (inner ones first, shadowed ones left out). All of them are cells or module variables.
#[derive(Clone, Copy, Debug)]
pub struct Env<'a> {
    pub vars: &'a [EnvVar<'a>],
    pub self_: Option<VarRef>,
    /// `$ex` of the clause around.
    pub ex: Option<VarRef>,
    /// Inside a macro: its own caller environment, for nested `$caller_eval`.
    pub caller: Option<VarRef>,
    /// The top of a module: what is defined here stays, as module variables.
    pub top: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct EnvVar<'a> {
    pub name: &'a str,
    pub var: VarRef,
    /// `let`: assignment is refused.
    pub constant: bool,
}

// --- definitions

#[derive(Clone, Copy, Debug)]
pub struct ClassDef<'a> {
    pub name: &'a str,
    pub parent: Option<E<'a>>,
    /// Local that holds the class while its body runs (`self` of the body; methods capture it for `super`).
    pub class_var: VarId,
    pub members: &'a [Member<'a>],
    /// Names assigned as `/x` in the constructor: a hint for how many slots to allocate.
    pub field_hint: u32,
    /// `(object Name ...)`: the value is the single instance.
    pub object: bool,
    pub intent: Option<&'a str>,
    /// `^fields {^n Type}`: known to the static checker, not enforced.
    pub stated_fields: &'a [(&'a str, Type<'a>)],
}

#[derive(Clone, Copy, Debug)]
pub enum Member<'a> {
    Ctor(FuncId),
    Method {
        name: &'a str,
        func: FuncId,
    },
    /// `default`: a [`FuncKind::Thunk`].
    Field {
        name: &'a str,
        ty: Option<TypeRef<'a>>,
        default: Option<FuncId>,
    },
    StaticFn {
        name: &'a str,
        func: FuncId,
    },
    StaticValue {
        name: &'a str,
        value: E<'a>,
    },
    OnMissing(FuncId),
    /// The class itself satisfies this interface.
    Implements(E<'a>),
    Other(E<'a>),
}

/// What adapters and implementing classes provide. Parameter lists and types in the source are documentation.
#[derive(Clone, Copy, Debug)]
pub struct InterfaceDef<'a> {
    pub name: &'a str,
    pub methods: &'a [&'a str],
    /// Name, and whether it cannot be assigned.
    pub fields: &'a [(&'a str, bool)],
}

#[derive(Clone, Copy, Debug)]
pub struct EnumDef<'a> {
    pub name: &'a str,
    pub generics: &'a [&'a str],
    pub variants: &'a [Variant<'a>],
}

#[derive(Clone, Copy, Debug)]
pub struct Variant<'a> {
    pub name: &'a str,
    /// `None` for a unit variant.
    pub fields: Option<&'a [EnumField<'a>]>,
}

#[derive(Clone, Copy, Debug)]
pub struct EnumField<'a> {
    pub name: &'a str,
    pub ty: Option<TypeRef<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub struct NsDef<'a> {
    pub name: &'a str,
    /// The namespace the new one becomes a member of (`a` in `(ns a/b ...)`, the namespace around for `/name`); reopened when
    /// it has that member already. Without one, the name is bound by a `Declare`: around, or for a module variable at the
    /// beginning of `body`.
    pub parent: Option<E<'a>>,
    /// `self` while the body runs.
    pub self_var: VarId,
    pub body: E<'a>,
    /// The existing binding of that name in the same scope, reopened when it holds a namespace.
    pub existing: Option<VarRef>,
}

#[derive(Clone, Copy, Debug)]
pub struct Import<'a> {
    /// `None` for `(import lib/part)`.
    pub from: Option<&'a str>,
    /// `^pkg` or `of`, and `^path`.
    pub package: Option<&'a str>,
    pub path: Option<&'a str>,
    pub items: &'a [ImportItem<'a>],
    pub span: Span,
}

#[derive(Clone, Copy, Debug)]
pub struct ImportItem<'a> {
    /// Path inside the module; empty for `*`.
    pub path: &'a [&'a str],
    /// Where it is bound; `None` for `*` (members then become visible as [`ExprKind::Global`]s of this module).
    pub target: Option<VarRef>,
    pub span: Span,
}
