//! `gene/test/virtual`: a body on a clock that jumps, and with a seed for what the schedule leaves open.
//!
//! Bodies nest; the outermost one turns the clock over. The random numbers of the schedule are put back when a body is left.
use crate::def;
use crate::library::random::Rng;
use crate::native::{Args, NativeDef, R};
use crate::value::Value;
use crate::vm::Vm;

/// How tasks were ordered before a body with a seed.
pub struct Order {
    rng: Option<Rng>,
    shake: bool,
    timers: Option<Rng>,
}

impl Vm {
    /// Orders ready tasks, arms of `select` and timers of one instant by the seed.
    pub(crate) fn order_by(&mut self, seed: u64) {
        self.tasks.rng = Some(Rng::new(seed ^ 0x5EED_0F0D));
        self.tasks.shake = true;
        self.tasks.timers.shake = Some(Rng::new(seed ^ 0x71C4));
    }
}

fn enter(vm: &mut Vm, a: &Args) -> R {
    let seed = match a.get(0) {
        v if v.is_nil() => None,
        v => match v.as_int() {
            Some(n) => Some(n as u64),
            None => {
                let k = vm.kind_name(v);
                return Err(vm.type_error(&format!("seed must be an Int, got {k}")));
            }
        },
    };
    let t = &vm.tasks;
    let before = Order { rng: t.rng.clone(), shake: t.shake, timers: t.timers.shake.clone() };
    vm.tasks.virtuals.push(before);
    if vm.tasks.virtuals.len() == 1 {
        vm.driver.set_virtual(true);
    }
    if let Some(seed) = seed {
        vm.order_by(seed);
    }
    Ok(Value::NIL)
}

fn leave(vm: &mut Vm, _a: &Args) -> R {
    if let Some(before) = vm.tasks.virtuals.pop() {
        (vm.tasks.rng, vm.tasks.shake, vm.tasks.timers.shake) = (before.rng, before.shake, before.timers);
        if vm.tasks.virtuals.is_empty() {
            vm.driver.set_virtual(false);
        }
    }
    Ok(Value::NIL)
}

/// Called by code that the compiler makes; no script can write these names.
pub static HIDDEN: &[NativeDef] = &[def!("%virtual_enter", enter, 1, 1, ""), def!("%virtual_leave", leave, 0, 0, "")];
