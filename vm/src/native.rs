//! How Rust functions look to scripts.
//!
//! A native gets its arguments as a view of the caller's outgoing registers. Arity and unknown keywords are checked before it
//! runs. It returns a value, or a [`Stop`]:
//!
//! * `Stop::Throw` after `vm.throw(...)` stored the exception;
//! * `Stop::Call` after `vm.tail_call(...)`: a script (or any) callable runs next and its value becomes the native's. This is how
//!   natives call back without a native frame, so the callback may await;
//! * `Stop::Park` after registering the running task with something that will wake it: the wake value becomes the result.
use crate::value::{Sym, Value};
use crate::vm::Vm;

/// Why there is no value. A word long, as [`Value`] is: an [`R`] is two scalars then, and comes back in registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Stop {
    /// The exception is in `vm.exception`.
    Throw,
    /// `vm.pending_call` is to run; its value is the result.
    Call,
    /// The running fiber was switched: `vm.cur` goes on.
    Switch,
    /// The task is parked; the result is delivered later.
    Park,
}

pub type R = Result<Value, Stop>;
pub type NativeFn = fn(&mut Vm, &Args) -> R;
/// A method called with receiver and argument alone. One without arguments gets whatever stands in the argument's place.
pub type QuickFn = fn(&mut Vm, Value, Value) -> R;

/// One builtin.
pub struct NativeDef {
    /// As shown in stack traces.
    pub name: &'static str,
    pub f: NativeFn,
    /// Positional arguments, `self` not counted.
    pub min: u8,
    /// [`VARIADIC`]: any number.
    pub max: u8,
    /// Accepted keywords; `["*"]`: any.
    pub keywords: &'static [&'static str],
    /// Signature, one sentence, example.
    pub doc: &'static str,
    /// Does what `f` does for a method call without keywords and with as many arguments as it takes, none or one. For methods that are
    /// called so often that the making of [`Args`] counts.
    pub quick: Option<QuickFn>,
}

pub const VARIADIC: u8 = 255;

impl NativeDef {
    /// Does it take `n` positional arguments, `self` not counted?
    #[inline(always)]
    pub(crate) fn takes(&self, n: usize) -> bool {
        n >= self.min as usize && (n <= self.max as usize || self.max == VARIADIC)
    }
}

/// Stands for a function of the prelude that hasn't been compiled yet; the native's data says which. It compiles the function,
/// which takes the stub's place, and lets it be called.
pub static PRELUDE: NativeDef =
    NativeDef { name: "", f: call_prelude, min: 0, max: VARIADIC, keywords: &["*"], doc: "", quick: None };

fn call_prelude(vm: &mut Vm, a: &Args) -> R {
    let callee = crate::prelude::compile(vm, a.data)?;
    // SAFETY: `n` positional arguments stand at `base`, the keyword values behind them.
    let args = unsafe { std::slice::from_raw_parts(a.base, a.n) }.to_vec();
    let kw = a.keyword_names().iter().enumerate().map(|(i, &k)| (k, a.kw_value(i))).collect();
    vm.pending = Some(crate::vm::PendingCall { callee, args, kw, method: a.method });
    Err(Stop::Call)
}

/// The arguments of one native call. Copies of values taken out stay valid until the native returns.
pub struct Args {
    pub(crate) base: *const Value,
    /// Positional ones, receiver included for methods.
    pub(crate) n: usize,
    /// Keyword names; their values follow the positional arguments.
    pub(crate) keywords: *const [Sym],
    /// Positional arguments start at 1 and 0 is the receiver.
    pub(crate) method: bool,
    /// Data bound to the native value.
    pub data: Value,
}

impl Args {
    /// The receiver of a method (for plain functions: nil).
    #[inline(always)]
    pub fn this(&self) -> Value {
        // SAFETY: methods have at least the receiver.
        if self.method { unsafe { *self.base } } else { Value::NIL }
    }
    /// Number of positional arguments, receiver not counted.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.n - self.method as usize
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Positional argument `i` if given.
    #[inline(always)]
    pub fn opt(&self, i: usize) -> Option<Value> {
        // SAFETY: in range; the registers stay in place while the native runs.
        if i < self.len() { Some(unsafe { *self.base.add(i + self.method as usize) }) } else { None }
    }
    /// Positional argument `i`; nil when not given (check arity through [`NativeDef::min`]).
    #[inline(always)]
    pub fn get(&self, i: usize) -> Value {
        self.opt(i).unwrap_or(Value::NIL)
    }
    /// All positional arguments, receiver not counted.
    pub fn rest(&self) -> &[Value] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.base.add(self.method as usize), self.len()) }
    }
    pub fn keyword_names(&self) -> &[Sym] {
        // SAFETY: points into constants of the calling function.
        unsafe { &*self.keywords }
    }
    /// The value of keyword `name` if given.
    #[inline]
    pub fn kw(&self, vm: &Vm, name: &str) -> Option<Value> {
        if self.keyword_names().is_empty() { None } else { self.find_kw(vm, name) }
    }
    #[cold]
    fn find_kw(&self, vm: &Vm, name: &str) -> Option<Value> {
        let i = self.keyword_names().iter().position(|&k| vm.symbols.name(k) == name)?;
        Some(self.kw_value(i))
    }
    pub fn kw_value(&self, i: usize) -> Value {
        assert!(i < self.keyword_names().len());
        // SAFETY: keyword values follow the positional ones.
        unsafe { *self.base.add(self.n + i) }
    }
    /// Whether a flag keyword (`^^name`) is given and true.
    pub fn flag(&self, vm: &Vm, name: &str) -> bool {
        self.kw(vm, name).is_some_and(|v| v.truthy())
    }
}

/// `native!(name, f, min..max, "doc")` tables are built from this.
#[macro_export]
macro_rules! def {
    ($name:expr, $f:expr, $min:expr, $max:expr, $doc:expr) => {
        $crate::native::NativeDef { name: $name, f: $f, min: $min, max: $max, keywords: &[], doc: $doc, quick: None }
    };
    ($name:expr, $f:expr, $min:expr, $max:expr, $kw:expr, $doc:expr) => {
        $crate::native::NativeDef { name: $name, f: $f, min: $min, max: $max, keywords: &$kw, doc: $doc, quick: None }
    };
    (quick $quick:expr, $name:expr, $f:expr, $n:expr, $kw:expr, $doc:expr) => {
        $crate::native::NativeDef {
            name: $name,
            f: $f,
            min: $n,
            max: $n,
            keywords: &$kw,
            doc: $doc,
            quick: Some($quick),
        }
    };
}
