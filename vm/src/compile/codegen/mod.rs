//! HIR to bytecode.
//!
//! One pass over each function, with a destination for every expression ([`Dest`]). Registers follow stack discipline: the
//! parameters, then the variables of the open blocks, then temporaries. Everything an expression needs is released when it ends.
//!
//! One rule keeps assignment cheap: an instruction writes its destination only when it succeeded, so `(x = (x + 1))` computes
//! straight into the register of `x`. Expressions that write their destination before they are finished (see
//! [`walk::writes_last`]) go through a temporary there.
mod build;
mod call;
mod case;
mod control;
mod data;
mod define;
mod emit;
mod expr;
mod function;
mod kinds;
mod logic;
mod operator;
mod pattern;
mod register;
mod types;
mod unwind;
mod variable;
pub(crate) mod walk;

#[cfg(test)]
mod tests;

use super::error::CompileError;
use super::hir::{CaptureSource, ExprKind, FuncId, SlotId, Unit, VarRef};
use crate::object::code::SourceRef;
use crate::value::Value;
use crate::vm::Vm;
use function::State;
use rustc_hash::FxHashMap;
use std::rc::Rc;

type Res<T = ()> = Result<T, CompileError>;
type Reg = u8;

/// Where the value of an expression goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dest {
    Reg(Reg),
    /// Nobody wants it.
    Effect,
    /// The running function returns it. Used only where no handler, `finally` or open iterator stands in between.
    Tail,
}

/// The generator of one unit; `f` is the function being worked on.
struct Gen<'v, 'u, 'a> {
    vm: &'v mut Vm,
    unit: &'u Unit<'a>,
    source: Rc<SourceRef>,
    cells: &'v [Value],
    /// The functions that module variables are bound to at the beginning.
    hoisted: FxHashMap<SlotId, FuncId>,
    /// Number of the unit's first function, see [`Proto::number`](crate::object::code::Proto).
    base: u64,
    f: State<'u, 'a>,
}

/// Compiles a unit. `cells[i]` is the heap cell of `unit.module_vars[i]`. The value is the code object of function 0.
///
/// Nothing is collected meanwhile: allocation never collects, and no script runs.
pub fn generate<'a>(vm: &mut Vm, unit: &Unit<'a>, source: Rc<SourceRef>, cells: &[Value]) -> Res<Value> {
    let Some(body) = unit.funcs.first() else {
        return Err(CompileError::new(Default::default(), "internal error: a unit without functions"));
    };
    let captures = body.captures.iter().map(|c| match c.source {
        CaptureSource::Env(i) => Ok((true, i)),
        _ => Err(CompileError::new(body.span, "internal error: the outermost function captures")),
    });
    let captures = captures.collect::<Res<Vec<_>>>()?;
    let f = State::new(body);
    let hoisted = match body.body.kind {
        ExprKind::Block(block) => block.hoisted.iter().filter_map(|(var, id)| match var {
            VarRef::Module(slot) => Some((*slot, *id)),
            _ => None,
        }),
        _ => return Err(CompileError::new(body.span, "internal error: a unit without a block")),
    };
    let hoisted = hoisted.collect();
    let base = vm.functions;
    vm.functions += unit.funcs.len() as u64;
    let mut g = Gen { vm, unit, source, cells, hoisted, base, f };
    g.function(0, captures)
}
