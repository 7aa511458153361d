//! `^fuel` and `^memory` of `spawn`: limits for a task and all it starts.
//!
//! A budget is a record bound, like a task-local, in the chain a task hands on to its children; so who shares it needs no further
//! bookkeeping. The running task's budget is the *meter*: what was used since the meter was read last is taken from it whenever
//! another task goes on and at every safepoint. Programs without budgets pay for one comparison in these places.
//!
//! Fuel is counted exactly: the fuel before the next slow path is cut to what the budget still has. Memory is estimated: when a
//! subtree has allocated as much as it may hold, a full collection tells by how much the heap has grown since the limit was set, and
//! the subtree answers for its share of all that was allocated since.
use super::scope::ScopeKey;
use crate::heap::{Gc, Kind, Record};
use crate::interp::Ctl;
use crate::native::{R, Stop};
use crate::value::Value;
use crate::vm::Vm;

/// What a running task's use is taken from.
#[derive(Default)]
pub struct Meter {
    /// Any budget was ever made.
    pub on: bool,
    budget: Option<Gc<Record>>,
    fuel: u64,
    bytes: u64,
}

impl Meter {
    pub(super) fn root(&self) -> Option<Value> {
        self.budget.map(|b| b.value())
    }
}

/// Slots of a budget. Counts are small Ints; nil where there is no limit.
mod slot {
    /// The budget around this one.
    pub const AROUND: usize = 0;
    pub const FUEL: usize = 1;
    pub const FUEL_LEFT: usize = 2;
    /// Fuel that handlers and `finally` parts get after an exception.
    pub const RESERVE: usize = 3;
    pub const MEMORY: usize = 4;
    /// Bytes the subtree has allocated.
    pub const ALLOCATED: usize = 5;
    /// The heap when the limit was set, and all that was ever allocated then.
    pub const HEAP_BEFORE: usize = 6;
    pub const TOTAL_BEFORE: usize = 7;
    /// Bytes allocated at which the heap is measured next.
    pub const MEASURE_AT: usize = 8;
}

/// Counts fit a small Int.
const MOST: f64 = (1u64 << 46) as f64;
const LEAST_RESERVE: i64 = 100;

fn count(b: Gc<Record>, i: usize) -> i64 {
    b.slot(i).as_int().unwrap_or(0)
}

impl Vm {
    /// The value of `^fuel` or `^memory`: a positive number, nil for none.
    fn budget_option(&mut self, v: Value, what: &str) -> Result<Option<i64>, Stop> {
        if v.is_nil() {
            return Ok(None);
        }
        match v.as_number() {
            Some(n) if n >= 1.0 => Ok(Some(n.min(MOST) as i64)),
            _ => {
                let shown = self.to_debug(v)?;
                Err(self.argument_error(&format!("{what} must be a positive number, got {shown}")))
            }
        }
    }

    /// Spawns with limits for the task and all it starts.
    pub(super) fn spawn_limited(
        &mut self,
        callee: Value,
        args: &[Value],
        home: ScopeKey,
        flags: u64,
        name: Value,
        (fuel, memory): (Value, Value),
    ) -> R {
        let fuel = self.budget_option(fuel, "fuel")?;
        let memory = self.budget_option(memory, "memory")?;
        let before = self.current_locals();
        if fuel.is_some() || memory.is_some() {
            self.read_meter();
            let around = self.budget_in(before).map_or(Value::NIL, |b| b.value());
            let number = |n: Option<i64>| n.map_or(Value::NIL, Value::small);
            let mut slots = [Value::small(0); 9];
            slots[slot::AROUND] = around;
            slots[slot::FUEL] = number(fuel);
            slots[slot::FUEL_LEFT] = number(fuel);
            slots[slot::RESERVE] = Value::small((fuel.unwrap_or(0) / 8).max(10 * LEAST_RESERVE));
            slots[slot::MEMORY] = number(memory);
            slots[slot::HEAP_BEFORE] = Value::small(self.heap.in_use() as i64);
            slots[slot::TOTAL_BEFORE] = Value::small(self.heap.allocated_ever() as i64);
            slots[slot::MEASURE_AT] = number(memory);
            let budget = self.heap.record(Kind::Record, 0, &slots).value();
            let key = Value::sym(self.symbols.intern_static("%budget"));
            let chain = self.heap.record(Kind::Record, 0, &[key, budget, before]).value();
            self.set_locals(chain);
            self.tasks.meter.on = true;
        }
        let task = self.spawn_task(callee, args, home, flags, name);
        self.set_locals(before);
        task
    }

    fn budget_in(&self, locals: Value) -> Option<Gc<Record>> {
        let key = Value::sym(self.symbols.find("%budget")?);
        let mut chain = locals;
        while let Some(r) = chain.get::<Record>(Kind::Record) {
            if r.slot(0) == key {
                return r.slot(1).get(Kind::Record);
            }
            chain = r.slot(2);
        }
        None
    }

    /// Takes what was used since the last reading from the meter's budget and those around it.
    pub(crate) fn read_meter(&mut self) {
        let (fuel, bytes) = (self.fuel_used(), self.heap.allocated_ever());
        let m = &mut self.tasks.meter;
        let (burnt, taken) = (fuel.saturating_sub(m.fuel) as i64, bytes.saturating_sub(m.bytes) as i64);
        (m.fuel, m.bytes) = (fuel, bytes);
        let mut next = m.budget;
        while let Some(b) = next {
            if !b.slot(slot::FUEL).is_nil() {
                let left = Value::small(count(b, slot::FUEL_LEFT) - burnt);
                b.set_slot(&mut self.heap, slot::FUEL_LEFT, left);
            }
            let all = Value::small(count(b, slot::ALLOCATED) + taken);
            b.set_slot(&mut self.heap, slot::ALLOCATED, all);
            next = b.slot(slot::AROUND).get(Kind::Record);
        }
    }

    /// Another task goes on: it is the one that pays from here.
    #[cold]
    pub(crate) fn change_meter(&mut self) {
        self.read_meter();
        let locals = self.current_locals();
        self.tasks.meter.budget = self.budget_in(locals);
        self.cut_fuel();
    }

    /// The next slow path comes when the budget is used up, if not before.
    pub(crate) fn cut_fuel(&mut self) {
        let mut next = self.tasks.meter.budget;
        while let Some(b) = next {
            if !b.slot(slot::FUEL).is_nil() {
                let most = count(b, slot::FUEL_LEFT).max(0);
                let fuel = &mut self.heap.fuel;
                if fuel.left > most {
                    fuel.withheld += fuel.left - most;
                    fuel.left = most;
                }
            }
            next = b.slot(slot::AROUND).get(Kind::Record);
        }
    }

    /// A safepoint: the exception of the running task when one of its budgets is used up.
    pub(crate) fn over_budget(&mut self) -> Option<Ctl> {
        if self.over_fuel() {
            return Some(Ctl::Throw);
        }
        let mut next = self.tasks.meter.budget;
        while let Some(b) = next {
            if !b.slot(slot::MEMORY).is_nil()
                && self.nesting == 0
                && count(b, slot::ALLOCATED) >= count(b, slot::MEASURE_AT)
                && self.over_memory(b)
            {
                return Some(Ctl::Throw);
            }
            next = b.slot(slot::AROUND).get(Kind::Record);
        }
        None
    }

    /// Throws when the running task has used up the fuel of one of its budgets.
    pub(crate) fn over_fuel(&mut self) -> bool {
        let mut next = self.tasks.meter.budget;
        while let Some(b) = next {
            if !b.slot(slot::FUEL).is_nil() && count(b, slot::FUEL_LEFT) < 0 {
                let reserve = count(b, slot::RESERVE);
                b.set_slot(&mut self.heap, slot::FUEL_LEFT, Value::small(reserve));
                b.set_slot(&mut self.heap, slot::RESERVE, Value::small((reserve / 2).max(LEAST_RESERVE)));
                self.cut_fuel();
                let limit = count(b, slot::FUEL);
                let _ = self.fuel_error(&format!("Fuel limit of {limit} reached"));
                let ex = self.exception;
                self.mark_own_cancellation(ex);
                return true;
            }
            next = b.slot(slot::AROUND).get(Kind::Record);
        }
        false
    }

    /// Measures the heap; throws when the subtree's share of its growth is more than it may have.
    fn over_memory(&mut self, b: Gc<Record>) -> bool {
        crate::interp::safepoint::collect(self, true);
        let limit = count(b, slot::MEMORY);
        let own = count(b, slot::ALLOCATED);
        let all = (self.heap.allocated_ever() as i64 - count(b, slot::TOTAL_BEFORE)).max(own).max(1);
        let grown = (self.heap.in_use() as i64 - count(b, slot::HEAP_BEFORE)).max(0);
        let share = (i128::from(grown) * i128::from(own) / i128::from(all)) as i64;
        let over = share > limit;
        // After an exception there is some room for handlers.
        let room = if over { limit / 8 } else { (limit - share).max(limit / 8) };
        b.set_slot(&mut self.heap, slot::MEASURE_AT, Value::small(own + room.max(1024)));
        if over {
            let c = self.classes.memory_limit;
            let _ = self.throw(c, &format!("Memory limit of {limit} bytes exceeded"));
        }
        over
    }
}
