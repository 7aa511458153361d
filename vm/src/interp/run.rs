//! The dispatch loop.
//!
//! Locals: `pc` next instruction, `r` registers of the running frame, `p` its function, `limit` end of the fiber's stack. They
//! are written back to the fiber (`save!`) before anything out of line runs, and read again (`load!`) after anything that may
//! have changed frames. Slow paths live outside and answer with a [`Ctl`].
use super::cache::{NATIVE_METHOD, QUICK_METHOD, SHAPE_MASK, SIMPLE_MASK, WRITE_MASK, class_key, header_word};
use super::{Ctl, Exit, FRAME_OP, SCRATCH, Start, call, cold, iterate, member, operate, safepoint, types, unwind};
use crate::bytecode::{Instr, Op};
use crate::heap::{GC_FROZEN, Gc, Kind};
use crate::native::Args;
use crate::object::array::Array;
use crate::object::code::{Ic, Proto};
use crate::object::function::{Cell, Function};
use crate::object::map::Map;
use crate::value::{PAYLOAD, Sym, TAG_INT, TAG_PTR, Value};
use crate::vm::Vm;

/// `x << y` stays inline when no bit is lost at 48 bits.
macro_rules! slow_or_shift_left {
    ($i:expr, $y:expr, $vm:ident, $r:ident, $pc:ident, $ra:ident, $rb:ident, $slow:ident) => {{
        let (x, y): (Value, Value) = ($rb!($i), $y);
        let n = y.small_int();
        if Value::both_small(x, y) && (n as u64) < 48 {
            let v = x.small_int();
            let z = v << n;
            if z >> n == v && Value::fits_small(z) {
                $ra!($i) = Value::small(z);
                continue;
            }
        }
        $slow!(operate::arith, $i, x, y);
    }};
}

/// The static part of an instruction's inline cache.
///
/// # Safety
/// `p` must be the running function and `i` one of its instructions.
#[inline(always)]
unsafe fn site_of<'a>(p: *const Proto, i: Instr) -> &'a crate::bytecode::Site {
    // SAFETY: by the contract; indices are checked by the verifier.
    unsafe {
        let sites: &[crate::bytecode::Site] = &(*p).sites;
        sites.get_unchecked(i.ux())
    }
}

/// Runs `vm.cur` until control leaves the interpreter.
#[allow(clippy::cognitive_complexity)]
pub fn run(vm: &mut Vm, start: Start) -> Exit {
    // SAFETY (whole function): code is produced by the code generator and checked by the verifier: registers are below
    // `nregs`, jumps stay inside the function, constants and caches are in range; frames fit their stack (checked at calls);
    // values with a pointer tag name live objects (V1).
    unsafe {
        let mut pc: *const Instr;
        let mut r: *mut Value;
        let mut p: *const Proto;
        let mut limit: *mut Value;

        macro_rules! save {
            () => {
                let mut f = vm.cur;
                f.pc = pc;
                f.base = ((r as usize - f.stack as usize) >> 3) as u32;
            };
        }
        macro_rules! load {
            () => {
                let f = vm.cur;
                pc = f.pc;
                r = f.stack.add(f.base as usize);
                limit = f.stack.add(f.cap as usize);
                p = (*((*r.sub(3)).addr() as *const Function)).proto;
            };
        }
        macro_rules! ctl {
            ($e:expr) => {
                match $e {
                    Ctl::Next => {}
                    Ctl::Load => {
                        load!();
                    }
                    c => match unwind::settle(vm, c) {
                        None => {
                            load!();
                        }
                        Some(exit) => return exit,
                    },
                }
            };
        }
        /// Calls a slow path with the state written back.
        macro_rules! slow {
            ($f:path, $i:expr $(, $arg:expr)*) => {{
                save!();
                ctl!($f(vm, r, $i $(, $arg)*));
            }};
        }
        macro_rules! ra {
            ($i:expr) => {
                *r.add($i.a())
            };
        }
        macro_rules! rb {
            ($i:expr) => {
                *r.add($i.b())
            };
        }
        macro_rules! rc {
            ($i:expr) => {
                *r.add($i.c())
            };
        }
        macro_rules! k {
            ($i:expr) => {
                *(*p).consts.as_ptr().add($i.ux())
            };
        }
        macro_rules! ic {
            ($i:expr) => {
                ((*p).ics.as_ptr() as *mut Ic).add($i.ux())
            };
        }
        macro_rules! jump {
            ($i:expr) => {
                pc = pc.offset($i.x() as isize)
            };
        }
        macro_rules! charge {
            () => {
                vm.heap.fuel.left -= 1;
                if vm.heap.fuel.left < 0 {
                    save!();
                    ctl!(safepoint::slow(vm));
                }
            };
        }
        /// Jumps back, and charges.
        macro_rules! jump_back {
            ($i:expr) => {
                jump!($i);
                vm.heap.fuel.left -= 1;
                if vm.heap.fuel.left < 0 {
                    save!();
                    ctl!(safepoint::back_edge(vm, $i));
                }
            };
        }
        macro_rules! arith {
            ($i:expr, $a:expr, $b:expr, $checked:ident, $shift:expr, $fop:tt) => {{
                let (x, y): (Value, Value) = ($a, $b);
                if Value::both_small(x, y) {
                    // The payload sits in the top 48 bits: overflow of 64 bits is overflow of 48.
                    match ((x.0 << 16) as i64).$checked($shift(y)) {
                        Some(z) => ra!($i) = Value(TAG_INT | (z as u64 >> 16)),
                        None => slow!(operate::arith, $i, x, y),
                    }
                } else if x.is_float() && y.is_float() {
                    ra!($i) = Value((x.float_unchecked() $fop y.float_unchecked()).to_bits());
                } else {
                    slow!(operate::arith, $i, x, y);
                }
            }};
        }
        macro_rules! shl16 {
            () => {
                |y: Value| (y.0 << 16) as i64
            };
        }
        macro_rules! small {
            () => {
                |y: Value| y.small_int()
            };
        }
        macro_rules! cmp {
            ($i:expr, $x:expr, $y:expr, $op:tt) => {{
                let (x, y): (Value, Value) = ($x, $y);
                if Value::both_small(x, y) {
                    // Tags are equal: payloads compare as signed after a shift.
                    Some(((x.0 << 16) as i64) $op ((y.0 << 16) as i64))
                } else if x.is_float() && y.is_float() {
                    Some(x.float_unchecked() $op y.float_unchecked())
                } else {
                    None
                }
            }};
        }
        macro_rules! cmp_value {
            ($i:expr, $op:tt) => {{
                let (x, y) = (rb!($i), rc!($i));
                match cmp!($i, x, y, $op) {
                    Some(t) => ra!($i) = Value::bool(t),
                    None => slow!(operate::compare, $i, x, y),
                }
            }};
        }
        // Compare and branch. `sense`: jump when the result is this.
        macro_rules! cmp_jump {
            ($i:expr, $op:tt, $sense:expr) => {{
                let (x, y) = (ra!($i), rb!($i));
                match cmp!($i, x, y, $op) {
                    Some(t) => {
                        if t == $sense {
                            jump!($i);
                        }
                    }
                    None => slow!(operate::compare_jump, $i, x, y),
                }
            }};
        }
        macro_rules! cmp_jump_i {
            ($i:expr, $op:tt, $sense:expr) => {{
                let x = ra!($i);
                if x.is_small() {
                    if (x.small_int() $op $i.bc()) == $sense {
                        jump!($i);
                    }
                } else if x.is_float() {
                    if (x.float_unchecked() $op ($i.bc() as f64)) == $sense {
                        jump!($i);
                    }
                } else {
                    slow!(operate::compare_jump, $i, x, Value::small($i.bc()));
                }
            }};
        }
        macro_rules! cmp_loop {
            ($i:expr, $op:tt) => {{
                let (x, y) = (ra!($i), rb!($i));
                match cmp!($i, x, y, $op) {
                    Some(t) => {
                        if t {
                            jump_back!($i);
                        }
                    }
                    None => slow!(operate::compare_jump, $i, x, y),
                }
            }};
        }
        macro_rules! cmp_loop_i {
            ($i:expr, $op:tt) => {{
                let x = ra!($i);
                if x.is_small() {
                    if x.small_int() $op $i.bc() {
                        jump_back!($i);
                    }
                } else if x.is_float() {
                    if x.float_unchecked() $op ($i.bc() as f64) {
                        jump_back!($i);
                    }
                } else {
                    slow!(operate::compare_jump, $i, x, Value::small($i.bc()));
                }
            }};
        }
        macro_rules! eq {
            ($x:expr, $y:expr) => {{
                let (x, y): (Value, Value) = ($x, $y);
                if x == y && !x.is_float() && !x.is_ptr() {
                    Some(true)
                } else if Value::both_small(x, y) || x.is_sym() || y.is_sym() {
                    Some(false)
                } else if x.is_float() && y.is_float() {
                    Some(x.float_unchecked() == y.float_unchecked())
                } else if !x.is_ptr() && !y.is_ptr() && !(x.is_small() || y.is_small()) {
                    Some(false)
                } else {
                    None
                }
            }};
        }
        macro_rules! eq_jump {
            ($i:expr, $y:expr, $sense:expr) => {{
                let (x, y) = (ra!($i), $y);
                match eq!(x, y) {
                    Some(t) => {
                        if t == $sense {
                            jump!($i);
                        }
                    }
                    None => slow!(operate::compare_jump, $i, x, y),
                }
            }};
        }
        macro_rules! eq_loop {
            ($i:expr, $y:expr, $sense:expr) => {{
                let (x, y) = (ra!($i), $y);
                match eq!(x, y) {
                    Some(t) => {
                        if t == $sense {
                            jump_back!($i);
                        }
                    }
                    None => slow!(operate::compare_jump, $i, x, y),
                }
            }};
        }
        macro_rules! bits {
            ($i:expr, $y:expr, $op:tt, $slow:path) => {{
                let (x, y): (Value, Value) = (rb!($i), $y);
                if Value::both_small(x, y) {
                    ra!($i) = Value(TAG_INT | (x.0 $op y.0) & PAYLOAD);
                } else {
                    slow!($slow, $i, x, y);
                }
            }};
        }
        /// Pushes a frame for `func` at window `w`; `delta` words above the running frame.
        macro_rules! enter {
            ($w:expr, $proto:expr, $dst:expr) => {
                enter!($w, $proto, $dst, 0)
            };
            ($w:expr, $proto:expr, $dst:expr, $skip:expr) => {{
                let w: *mut Value = $w;
                let np: *const Proto = $proto;
                let nr = w.add(3);
                if nr.add((*np).nregs as usize + SCRATCH) <= limit {
                    *w.add(1) = Value(pc as u64);
                    *w.add(2) = Value(((nr as usize - r as usize) >> 3) as u64 | ($dst as u64) << 32);
                    r = nr;
                    p = np;
                    pc = (*np).code.as_ptr().add($skip);
                    charge!();
                    continue;
                }
            }};
        }
        /// Calls a native that takes as many arguments as there are.
        macro_rules! native {
            ($def:expr, $data:expr, $base:expr, $n:expr, $method:expr, $dst:expr) => {{
                save!();
                let args = Args { base: $base, n: $n, keywords: &[] as *const [Sym], method: $method, data: $data };
                match ($def.f)(vm, &args) {
                    Ok(v) => *r.add($dst) = v,
                    Err(s) => ctl!(call::native_stop(vm, s, $dst)),
                }
                continue;
            }};
        }

        match start {
            Start::Resume => {}
            Start::Throw => match unwind::settle(vm, Ctl::Throw) {
                None => {}
                Some(exit) => return exit,
            },
            Start::Return(v) => match call::return_value(vm, v) {
                Ctl::Load | Ctl::Next => {}
                c => {
                    if let Some(exit) = unwind::settle(vm, c) {
                        return exit;
                    }
                }
            },
        }
        load!();
        if vm.heap.fuel.left < 0 && !matches!(start, Start::Throw) {
            // Short tasks may come and go without passing any other. A handler that was just entered must come to its first
            // instruction: a cleanup begins there.
            ctl!(safepoint::slow(vm));
        }
        loop {
            let i = *pc;
            pc = pc.add(1);
            match i.op() {
                Op::Move => ra!(i) = rb!(i),
                Op::LoadK => ra!(i) = k!(i),
                Op::LoadI => ra!(i) = Value::small(i.x() as i64),
                Op::LoadS => ra!(i) = Value(crate::value::TAG_SPECIAL | i.x() as u32 as u64),
                Op::GetCell => ra!(i) = rb!(i).gc::<Cell>().value,
                Op::SetCell => {
                    let mut c = ra!(i).gc::<Cell>();
                    c.value = rb!(i);
                    vm.heap.barrier(c);
                }
                Op::MakeCell => ra!(i) = vm.heap.cell(ra!(i)).value(),
                Op::GetCap => ra!(i) = *((*r.sub(3)).gc::<Function>().captures()).add(i.b()),
                Op::GetCapCell => ra!(i) = (*((*r.sub(3)).gc::<Function>().captures()).add(i.b())).gc::<Cell>().value,
                Op::SetCapCell => {
                    let mut c = (*((*r.sub(3)).gc::<Function>().captures()).add(i.b())).gc::<Cell>();
                    c.value = ra!(i);
                    vm.heap.barrier(c);
                }
                Op::GetMod => {
                    let v = k!(i).gc::<Cell>().value;
                    if v.is_undef() {
                        slow!(cold::undefined_module_var, i);
                    } else {
                        ra!(i) = v;
                    }
                }
                Op::SetMod => {
                    let mut c = k!(i).gc::<Cell>();
                    c.value = ra!(i);
                    vm.heap.barrier(c);
                }
                Op::GetGlobal => {
                    let e = &*ic!(i);
                    if e.key == vm.globals.data().version as u64 + 1 {
                        ra!(i) = Value(e.target);
                    } else {
                        slow!(member::get_global, i);
                    }
                }

                // --- arithmetic
                Op::Add => arith!(i, rb!(i), rc!(i), checked_add, shl16!(), +),
                Op::AddK => arith!(i, rb!(i), k!(i), checked_add, shl16!(), +),
                Op::AddI => {
                    let x = rb!(i);
                    if x.is_small() {
                        match ((x.0 << 16) as i64).checked_add((i.x() as i64) << 16) {
                            Some(z) => ra!(i) = Value(TAG_INT | (z as u64 >> 16)),
                            None => slow!(operate::arith, i, x, Value::small(i.x() as i64)),
                        }
                    } else if x.is_float() {
                        ra!(i) = Value((x.float_unchecked() + i.x() as f64).to_bits());
                    } else {
                        slow!(operate::arith, i, x, Value::small(i.x() as i64));
                    }
                }
                Op::Sub => arith!(i, rb!(i), rc!(i), checked_sub, shl16!(), -),
                Op::SubK => arith!(i, rb!(i), k!(i), checked_sub, shl16!(), -),
                Op::SubI => {
                    let x = rb!(i);
                    if x.is_small() {
                        match ((x.0 << 16) as i64).checked_sub((i.x() as i64) << 16) {
                            Some(z) => ra!(i) = Value(TAG_INT | (z as u64 >> 16)),
                            None => slow!(operate::arith, i, x, Value::small(i.x() as i64)),
                        }
                    } else if x.is_float() {
                        ra!(i) = Value((x.float_unchecked() - i.x() as f64).to_bits());
                    } else {
                        slow!(operate::arith, i, x, Value::small(i.x() as i64));
                    }
                }
                Op::Mul => arith!(i, rb!(i), rc!(i), checked_mul, small!(), *),
                Op::MulK => arith!(i, rb!(i), k!(i), checked_mul, small!(), *),
                Op::Div | Op::DivK => {
                    let x = rb!(i);
                    let y = if i.op() == Op::Div { rc!(i) } else { k!(i) };
                    if x.is_float() && y.is_float() {
                        ra!(i) = Value((x.float_unchecked() / y.float_unchecked()).to_bits());
                    } else if Value::both_small(x, y) && y.small_int() != 0 {
                        ra!(i) = Value((x.small_int() as f64 / y.small_int() as f64).to_bits());
                    } else {
                        slow!(operate::arith, i, x, y);
                    }
                }
                Op::Mod | Op::ModK => {
                    let x = rb!(i);
                    let y = if i.op() == Op::Mod { rc!(i) } else { k!(i) };
                    if Value::both_small(x, y) && y.small_int() > 0 {
                        let (a, b) = (x.small_int(), y.small_int());
                        // 32-bit division is several times faster than 64-bit on many processors.
                        let m = if (a | b) as u64 >> 32 == 0 { (a as u32 % b as u32) as i64 } else { a % b };
                        ra!(i) = Value::small(m);
                    } else {
                        slow!(operate::arith, i, x, y);
                    }
                }
                Op::FloorDiv => {
                    let (x, y) = (rb!(i), rc!(i));
                    if Value::both_small(x, y) && y.small_int() > 0 {
                        let (a, b) = (x.small_int(), y.small_int());
                        let q = if (a | b) as u64 >> 32 == 0 { (a as u32 / b as u32) as i64 } else { a.div_euclid(b) };
                        ra!(i) = Value::small(q);
                    } else {
                        slow!(operate::floor_div, i, x, y);
                    }
                }
                Op::Shl => slow_or_shift_left!(i, rc!(i), vm, r, pc, ra, rb, slow),
                Op::ShlI => slow_or_shift_left!(i, Value::small(i.x() as i64), vm, r, pc, ra, rb, slow),
                Op::Shr | Op::ShrI => {
                    let x = rb!(i);
                    let y = if i.op() == Op::Shr { rc!(i) } else { Value::small(i.x() as i64) };
                    if Value::both_small(x, y) && (y.small_int() as u64) < 64 {
                        ra!(i) = Value::small(x.small_int() >> y.small_int());
                    } else {
                        slow!(operate::arith, i, x, y);
                    }
                }
                Op::Xor => {
                    let (x, y) = (rb!(i), rc!(i));
                    if Value::both_small(x, y) {
                        ra!(i) = Value(TAG_INT | (x.0 ^ y.0) & PAYLOAD);
                    } else {
                        slow!(operate::arith, i, x, y);
                    }
                }
                Op::BitAnd => bits!(i, rc!(i), &, operate::arith),
                Op::BitAndK => bits!(i, k!(i), &, operate::arith),
                Op::BitOr => bits!(i, rc!(i), |, operate::arith),
                Op::Neg => {
                    let x = rb!(i);
                    if x.is_float() {
                        ra!(i) = Value((-x.float_unchecked()).to_bits());
                    } else if x.is_small() && x.small_int() != crate::value::SMALL_MIN {
                        ra!(i) = Value::small(-x.small_int());
                    } else {
                        slow!(operate::unary, i, x);
                    }
                }
                Op::Bang => {
                    let x = rb!(i);
                    if x.is_small() {
                        ra!(i) = Value::small(!x.small_int());
                    } else if x.is_ptr() {
                        slow!(operate::unary, i, x);
                    } else {
                        ra!(i) = Value::bool(!x.truthy());
                    }
                }
                Op::Not => ra!(i) = Value::bool(!rb!(i).truthy()),
                Op::Lt => cmp_value!(i, <),
                Op::Le => cmp_value!(i, <=),
                Op::Gt => cmp_value!(i, >),
                Op::Ge => cmp_value!(i, >=),
                Op::Eq | Op::Ne => {
                    let (x, y) = (rb!(i), rc!(i));
                    match eq!(x, y) {
                        Some(t) => ra!(i) = Value::bool(t == (i.op() == Op::Eq)),
                        None => slow!(operate::compare, i, x, y),
                    }
                }

                // --- jumps
                Op::Jmp => jump!(i),
                Op::JmpF => {
                    if !ra!(i).truthy() {
                        jump!(i);
                    }
                }
                Op::JmpT => {
                    if ra!(i).truthy() {
                        jump!(i);
                    }
                }
                Op::AmpTest => {
                    if !ra!(i).truthy() {
                        jump!(i);
                    }
                }
                Op::BarTest => {
                    let v = ra!(i);
                    if v.truthy() && !v.is_small() && !(v.is_ptr() && (v.is_int() || v.is_kind(Kind::Bytes))) {
                        jump!(i);
                    }
                }
                Op::JmpUndef => {
                    if ra!(i).is_undef() {
                        jump!(i);
                    }
                }
                Op::JmpNotUndef => {
                    if !ra!(i).is_undef() {
                        jump!(i);
                    }
                }
                Op::JmpVoid => {
                    if ra!(i).is_void() {
                        jump!(i);
                    }
                }
                Op::JmpNotVoid => {
                    if !ra!(i).is_void() {
                        jump!(i);
                    }
                }
                Op::JnLt => cmp_jump!(i, <, false),
                Op::JnLe => cmp_jump!(i, <=, false),
                Op::JnGt => cmp_jump!(i, >, false),
                Op::JnGe => cmp_jump!(i, >=, false),
                Op::JnEq => eq_jump!(i, rb!(i), false),
                Op::JnNe => eq_jump!(i, rb!(i), true),
                Op::JnLtI => cmp_jump_i!(i, <, false),
                Op::JnLeI => cmp_jump_i!(i, <=, false),
                Op::JnGtI => cmp_jump_i!(i, >, false),
                Op::JnGeI => cmp_jump_i!(i, >=, false),
                Op::JnEqI => eq_jump!(i, Value::small(i.bc()), false),
                Op::JnNeI => eq_jump!(i, Value::small(i.bc()), true),
                Op::JLt => cmp_jump!(i, <, true),
                Op::JLe => cmp_jump!(i, <=, true),
                Op::JGt => cmp_jump!(i, >, true),
                Op::JGe => cmp_jump!(i, >=, true),
                Op::JEq => eq_jump!(i, rb!(i), true),
                Op::JNe => eq_jump!(i, rb!(i), false),
                Op::JLtI => cmp_jump_i!(i, <, true),
                Op::JLeI => cmp_jump_i!(i, <=, true),
                Op::JGtI => cmp_jump_i!(i, >, true),
                Op::JGeI => cmp_jump_i!(i, >=, true),
                Op::JEqI => eq_jump!(i, Value::small(i.bc()), true),
                Op::JNeI => eq_jump!(i, Value::small(i.bc()), false),
                Op::Loop => {
                    jump_back!(i);
                }
                Op::LoopT => {
                    if ra!(i).truthy() {
                        jump_back!(i);
                    }
                }
                Op::LoopLt => cmp_loop!(i, <),
                Op::LoopLe => cmp_loop!(i, <=),
                Op::LoopGt => cmp_loop!(i, >),
                Op::LoopGe => cmp_loop!(i, >=),
                Op::LoopEq => eq_loop!(i, rb!(i), true),
                Op::LoopNe => eq_loop!(i, rb!(i), false),
                Op::LoopLtI => cmp_loop_i!(i, <),
                Op::LoopLeI => cmp_loop_i!(i, <=),
                Op::LoopGtI => cmp_loop_i!(i, >),
                Op::LoopGeI => cmp_loop_i!(i, >=),
                Op::LoopEqI => eq_loop!(i, Value::small(i.bc()), true),
                Op::LoopNeI => eq_loop!(i, Value::small(i.bc()), false),
                Op::ForPrep => slow!(iterate::for_prep, i),
                Op::ForLoop => {
                    let w = r.add(i.a());
                    let (cur, end) = (*w, *w.add(1));
                    if Value::both_small(cur, end) {
                        let n = cur.small_int() + 1;
                        if n <= end.small_int() {
                            // n <= end, which is small.
                            let v = Value::small(n);
                            *w = v;
                            rb!(i) = v;
                            jump_back!(i);
                        }
                    } else {
                        slow!(iterate::for_step, i);
                    }
                }
                Op::ForStep => slow!(iterate::for_step, i),

                // --- members
                Op::GetProp => {
                    let o = rb!(i);
                    let e = &*ic!(i);
                    if o.is_ptr() && header_word(o) & SHAPE_MASK == e.key {
                        ra!(i) = *((o.addr() + e.target as usize) as *const Value);
                    } else {
                        slow!(member::get_prop, i);
                    }
                }
                Op::GetPropFloat => {
                    let o = rb!(i);
                    let e = &*ic!(i);
                    if o.is_ptr() && header_word(o) & SHAPE_MASK == e.key {
                        let v = *((o.addr() + e.target as usize) as *const Value);
                        ra!(i) = v;
                        if v.is_float() {
                            pc = pc.add(1);
                        }
                    } else {
                        slow!(member::get_prop, i);
                    }
                }
                Op::SetProp => {
                    let o = ra!(i);
                    let e = &*ic!(i);
                    if o.is_ptr() && header_word(o) & WRITE_MASK == e.key {
                        let m: Gc<Map> = o.gc();
                        *((o.addr() + (e.target & 0xFFFF) as usize) as *mut Value) = rb!(i);
                        if e.target >> 16 != 0 {
                            m.header_mut().word = (e.target >> 16) as u32;
                        }
                        vm.heap.barrier(m);
                    } else {
                        slow!(member::set_prop, i);
                    }
                }
                Op::SetPropFloat => {
                    let (o, v) = (ra!(i), rb!(i));
                    let e = &*ic!(i);
                    if o.is_ptr() && header_word(o) & WRITE_MASK == e.key && v.is_float() {
                        let m: Gc<Map> = o.gc();
                        *((o.addr() + (e.target & 0xFFFF) as usize) as *mut Value) = v;
                        if e.target >> 16 != 0 {
                            m.header_mut().word = (e.target >> 16) as u32;
                        }
                        vm.heap.barrier(m);
                    } else {
                        slow!(member::set_prop, i);
                    }
                }
                Op::SetPropTyped => {
                    let (o, v) = (ra!(i), rb!(i));
                    let e = &*ic!(i);
                    let passes = &*ic!(i).add(1);
                    if o.is_ptr() && header_word(o) & WRITE_MASK == e.key && class_key(v) == passes.key {
                        let m: Gc<Map> = o.gc();
                        *((o.addr() + (e.target & 0xFFFF) as usize) as *mut Value) = v;
                        if e.target >> 16 != 0 {
                            m.header_mut().word = (e.target >> 16) as u32;
                        }
                        vm.heap.barrier(m);
                    } else {
                        slow!(member::set_prop, i);
                    }
                }
                Op::GetPropVar => {
                    let (o, key) = (rb!(i), rc!(i));
                    let e = &*ic!(i);
                    if o.is_ptr() && header_word(o) & SHAPE_MASK == e.key {
                        ra!(i) = *((o.addr() + e.target as usize) as *const Value);
                        continue;
                    }
                    if key.is_small() && o.is_kind(Kind::Array) {
                        let a: Gc<Array> = o.gc();
                        let n = key.small_int();
                        if (n as u64) < a.len as u64 {
                            ra!(i) = *a.data.add(n as usize);
                            continue;
                        }
                    }
                    slow!(member::get_prop_var, i);
                }
                Op::GetDyn => {
                    let (o, key) = (rb!(i), rc!(i));
                    if key.is_small() && o.is_kind(Kind::Array) {
                        let a: Gc<Array> = o.gc();
                        let n = key.small_int();
                        if (n as u64) < a.len as u64 {
                            ra!(i) = *a.data.add(n as usize);
                            continue;
                        }
                    }
                    slow!(member::get_dyn, i);
                }
                Op::SetDyn => {
                    let (o, key) = (ra!(i), rb!(i));
                    if key.is_small()
                        && o.is_ptr()
                        && header_word(o) & (0xFF | (GC_FROZEN as u64) << 8) == Kind::Array as u64
                    {
                        let a: Gc<Array> = o.gc();
                        let n = key.small_int();
                        if (n as u64) < a.len as u64 {
                            *a.data.add(n as usize) = rc!(i);
                            vm.heap.barrier(a);
                            continue;
                        }
                    }
                    slow!(member::set_dyn, i);
                }
                Op::GetIdx => {
                    let o = rb!(i);
                    if o.is_kind(Kind::Array) {
                        let a: Gc<Array> = o.gc();
                        if (i.x() as u32) < a.len {
                            ra!(i) = *a.data.add(i.x() as usize);
                            continue;
                        }
                    }
                    slow!(member::get_idx, i);
                }
                Op::SetIdx => slow!(member::set_idx, i),
                Op::SetPropVar => {
                    let (o, key) = (ra!(i), rc!(i));
                    let e = &*ic!(i);
                    if o.is_ptr() && header_word(o) & WRITE_MASK == e.key {
                        *((o.addr() + e.target as usize) as *mut Value) = rb!(i);
                        vm.heap.barrier(o.gc::<Map>());
                        continue;
                    }
                    if key.is_small()
                        && o.is_ptr()
                        && header_word(o) & (0xFF | (GC_FROZEN as u64) << 8) == Kind::Array as u64
                    {
                        let a: Gc<Array> = o.gc();
                        let n = key.small_int();
                        if (n as u64) < a.len as u64 {
                            *a.data.add(n as usize) = rb!(i);
                            vm.heap.barrier(a);
                            continue;
                        }
                    }
                    slow!(member::set_prop_var, i);
                }

                // --- building
                Op::NewArray => {
                    let items = std::slice::from_raw_parts(r.add(i.b()), i.c());
                    ra!(i) = vm.heap.array(items).value();
                }
                Op::Push => {
                    let a: Gc<Array> = ra!(i).gc();
                    vm.heap.array_push(a, rb!(i));
                }
                Op::NewMap => slow!(cold::new_map, i),
                Op::Closure => slow!(cold::closure, i),
                Op::ToStr => {
                    let v = rb!(i);
                    if v.is_str() {
                        ra!(i) = v;
                    } else {
                        slow!(operate::to_str, i);
                    }
                }
                Op::Join => slow!(operate::join, i),

                // --- calls
                Op::Call => {
                    let w = r.add(i.a());
                    let f = *w;
                    if f.is_ptr() {
                        let h = header_word(f);
                        if h & SIMPLE_MASK == Kind::Function as u64 | (i.b() as u64) << 16 {
                            enter!(w, (*(f.addr() as *const Function)).proto, i.c());
                        } else if h as u8 == Kind::Native as u8
                            && let Some((def, data)) = f.as_native()
                            && def.takes(i.b())
                        {
                            native!(def, data, w.add(3), i.b(), false, i.c());
                        }
                    }
                    save!();
                    ctl!(call::call(vm, w, i.b(), &[], i.c() as u64, false));
                }
                Op::CallMod => {
                    let w = r.add(i.a());
                    let f = k!(i).gc::<Cell>().value;
                    *w = f;
                    if f.is_ptr() && header_word(f) & SIMPLE_MASK == Kind::Function as u64 | (i.b() as u64) << 16 {
                        enter!(w, (*(f.addr() as *const Function)).proto, i.c());
                    }
                    if f.is_undef() {
                        slow!(cold::undefined_module_var, i);
                    } else {
                        save!();
                        ctl!(call::call(vm, w, i.b(), &[], i.c() as u64, false));
                    }
                }
                Op::CallChecked => {
                    let w = r.add(i.a());
                    let f = k!(i).gc::<Cell>().value;
                    *w = f;
                    // The very function, so its arity and code are known to be right.
                    if f == *(*p).consts.as_ptr().add(i.ux() + 1) {
                        let callee = (*(f.addr() as *const Function)).proto;
                        enter!(w, callee, i.c(), (*callee).checked_entry as usize);
                    }
                    if f.is_undef() {
                        slow!(cold::undefined_module_var, i);
                    } else {
                        save!();
                        ctl!(call::call_checked(vm, w, i));
                    }
                }
                Op::Method => {
                    let w = r.add(i.a());
                    let recv = *w.add(3);
                    let key = class_key(recv);
                    let e = &*ic!(i);
                    // No entry has key 0 and an epoch.
                    if e.key == key && (e.target >> 48) as u32 == vm.method_epoch {
                        let f = Value(TAG_PTR | e.target & PAYLOAD & !(NATIVE_METHOD | QUICK_METHOD));
                        *w = f;
                        // A site remembers what takes just the arguments it passes.
                        if e.target & NATIVE_METHOD == 0 {
                            enter!(w, (*(f.addr() as *const Function)).proto, i.c());
                        } else {
                            let (def, data) = f.native_unchecked();
                            if e.target & QUICK_METHOD != 0
                                && let Some(quick) = def.quick
                            {
                                save!();
                                match quick(vm, *w.add(3), *w.add(4)) {
                                    Ok(v) => rc!(i) = v,
                                    Err(s) => ctl!(call::native_stop(vm, s, i.c())),
                                }
                                continue;
                            }
                            native!(def, data, w.add(3), i.b() + 1, true, i.c());
                        }
                    } else if let Some(f) = vm.method_cache.get(key, site_of(p, i).name, vm.method_epoch)
                        && site_of(p, i).keywords.is_empty()
                    {
                        // A site that sees several classes: the newest takes the inline entry's place less often than the
                        // shared cache hits.
                        let h = header_word(f);
                        if h & SIMPLE_MASK == Kind::Function as u64 | (i.b() as u64) << 16 {
                            *w = f;
                            (*ic!(i)).key = key;
                            (*ic!(i)).target = f.addr() as u64 | (vm.method_epoch as u64) << 48;
                            enter!(w, (*(f.addr() as *const Function)).proto, i.c());
                        }
                    }
                    save!();
                    ctl!(call::method(vm, w, i, i.c() as u64));
                }
                Op::Ret | Op::RetNil => {
                    let v = if i.op() == Op::Ret { ra!(i) } else { Value::NIL };
                    let word = (*r.sub(1)).0;
                    if word >> 40 == 0 {
                        pc = (*r.sub(2)).0 as *const Instr;
                        r = r.sub(word as u32 as usize);
                        *r.add((word >> 32) as usize) = v;
                        p = (*((*r.sub(3)).addr() as *const Function)).proto;
                    } else {
                        save!();
                        ctl!(call::return_value(vm, v));
                    }
                }
                Op::TailCall | Op::TailMod => {
                    let w = r.add(i.a());
                    if i.op() == Op::TailMod {
                        *w = k!(i).gc::<Cell>().value;
                    }
                    let f = *w;
                    if f.is_ptr()
                        && header_word(f) & SIMPLE_MASK == Kind::Function as u64 | (i.b() as u64) << 16
                        && (*r.sub(1)).0 >> 40 & !(FRAME_OP >> 40) == 0
                    {
                        let np = (*(f.addr() as *const Function)).proto;
                        if r.add((*np).nregs as usize + SCRATCH) <= limit {
                            *r.sub(3) = f;
                            let n = i.b();
                            for j in 0..n {
                                *r.add(j) = *w.add(3 + j);
                            }
                            p = np;
                            pc = (*np).code.as_ptr();
                            charge!();
                            continue;
                        }
                    }
                    if f.is_undef() {
                        slow!(cold::undefined_module_var, i);
                    } else {
                        save!();
                        ctl!(call::tail_call(vm, w, i.b(), &[], false));
                    }
                }
                Op::TailMethod => {
                    let w = r.add(i.a());
                    save!();
                    ctl!(call::tail_method(vm, w, i));
                }

                Op::Spawn => slow!(cold::spawn_call, i),
                Op::Await => {
                    // What has succeeded already.
                    match crate::task::future::value_of(rb!(i)) {
                        Some(v) if i.x() == 0 && vm.tasks.cancels == 0 => ra!(i) = v,
                        _ => slow!(cold::execute, i),
                    }
                }
                Op::Select => slow!(cold::select, i),
                Op::SelectTaken => {
                    if i.c() == 2 {
                        ra!(i) = crate::task::select::taken(vm, true);
                        rb!(i) = crate::task::select::taken(vm, false);
                    } else {
                        ra!(i) = crate::task::select::taken(vm, i.c() == 1);
                    }
                }
                Op::Switch => {
                    // A number counted by the compiler or by a native of ours: not negative.
                    let n = (ra!(i).small_int() as usize).min(i.ux());
                    let chosen = *pc.add(n);
                    pc = pc.offset(n as isize + 1 + chosen.x() as isize);
                }
                Op::CleanupIn => (*vm.cur.as_ptr()).cleanup += 1,
                Op::CleanupOut => (*vm.cur.as_ptr()).cleanup -= 1,

                // --- iteration
                Op::IterInit => slow!(iterate::init, i),
                Op::IterNext => {
                    let w = r.add(i.a());
                    let s = *w;
                    if s.is_kind(Kind::Array) {
                        let a: Gc<Array> = s.gc();
                        let n = (*w.add(1)).small_int();
                        if (n as u64) < a.len as u64 {
                            rb!(i) = *a.data.add(n as usize);
                            *w.add(1) = Value::small(n + 1);
                        } else {
                            jump!(i);
                        }
                    } else {
                        slow!(iterate::next, i);
                    }
                }
                Op::IterNext2 => slow!(iterate::next2, i),
                // --- checks of annotations
                Op::CheckInt => {
                    if !ra!(i).is_small() {
                        slow!(types::check_slow, i);
                    }
                }
                Op::CheckFloat => {
                    if !ra!(i).is_float() {
                        slow!(types::check_slow, i);
                    }
                }
                Op::CheckType => {
                    let key = class_key(ra!(i));
                    let site = i.bc();
                    if site < 0 || key == 0 || (*((*p).ics.as_ptr()).add(site as usize)).key != key {
                        slow!(types::check_slow, i);
                    }
                }
                Op::CheckClass => {
                    let v = ra!(i);
                    let e = &*(*p).ics.as_ptr().add(i.bc() as usize);
                    let held = k!(i).gc::<Cell>().value;
                    if !(v.is_ptr() && header_word(v) & SHAPE_MASK == e.key && e.target == held.0) {
                        slow!(types::check_slow, i);
                    }
                }
                _ => slow!(cold::execute, i),
            }
        }
    }
}
