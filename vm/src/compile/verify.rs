//! The bytecode verifier: what the interpreter relies on without checking.
use crate::bytecode::{Instr, OP_NAMES, Op};
use crate::heap::{Kind, Record};
use crate::object::code::Proto;
use crate::object::fiber::FRAME_HEAD;

/// What an operand refers to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Nothing, or a plain number.
    No,
    Reg,
    /// That many registers from the named one on.
    Regs(usize),
    Capture,
}

/// What `x` is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extra {
    /// A number.
    No,
    Jump,
    Const,
    /// A constant Cell.
    Cell,
    /// A constant record.
    Record,
    /// -1 or a constant.
    OptConst,
    Site,
}

/// Operands `a`, `b`, `c`, `x` of an instruction.
fn shape(i: Instr) -> (Use, Use, Use, Extra) {
    use Op::*;
    use Use::{Capture, No, Reg, Regs};
    let (b, c) = (i.b(), i.c());
    match i.op() {
        Move | GetCell | SetCell | Neg | Bang | Not | ToStr | Push | PushAll => (Reg, Reg, No, Extra::No),
        LoadK => (Reg, No, No, Extra::Const),
        LoadI | LoadS | MakeCell => (Reg, No, No, Extra::No),
        GetCellK => (Reg, Reg, No, Extra::Const),
        GetCap | GetCapCell | SetCapCell => (Reg, Capture, No, Extra::No),
        GetCapCellK => (Reg, Capture, No, Extra::Const),
        GetMod | SetMod => (Reg, No, No, Extra::Cell),
        GetGlobal => (Reg, No, No, Extra::Site),
        Add | Sub | Mul | Div | Mod | Pow | Concat | Shl | Shr | Xor | BitAnd | BitOr | Lt | Le | Gt | Ge | Eq | Ne => {
            (Reg, Reg, Reg, Extra::No)
        }
        FloorDiv => (Reg, Reg, Reg, Extra::Site),
        AddI | SubI | ShlI | ShrI => (Reg, Reg, No, Extra::No),
        AddK | SubK | MulK | DivK | ModK | BitAndK => (Reg, Reg, No, Extra::Const),

        Jmp | Loop => (No, No, No, Extra::Jump),
        JmpF | JmpT | AmpTest | BarTest | JmpUndef | JmpNotUndef | JmpVoid | JmpNotVoid | LoopT => {
            (Reg, No, No, Extra::Jump)
        }
        JnLt | JnLe | JnGt | JnGe | JnEq | JnNe | JLt | JLe | JGt | JGe | JEq | JNe | LoopLt | LoopLe | LoopGt
        | LoopGe | LoopEq | LoopNe => (Reg, Reg, No, Extra::Jump),
        JnLtI | JnLeI | JnGtI | JnGeI | JnEqI | JnNeI | JLtI | JLeI | JGtI | JGeI | JEqI | JNeI | LoopLtI | LoopLeI
        | LoopGtI | LoopGeI | LoopEqI | LoopNeI => (Reg, No, No, Extra::Jump),
        ForPrep | RepeatPrep | ForLoop | ForStep => (Regs(5), Reg, No, Extra::Jump),

        GetProp | GetPropFloat | SetProp | SetPropTyped | SetPropFloat => (Reg, Reg, No, Extra::Site),
        GetPropVar | SetPropVar => (Reg, Reg, Reg, Extra::Site),
        GetDyn | SetDyn => (Reg, Reg, Reg, Extra::No),
        GetIdx | SetIdx => (Reg, Reg, No, Extra::No),

        NewArray | Join => (Reg, Regs(c), No, Extra::No),
        NewMap => (Reg, No, No, Extra::Record),
        Closure => (Reg, No, No, Extra::Const),

        Call => (Regs(3 + b), No, Reg, Extra::No),
        CallMod | CallChecked => (Regs(3 + b), No, Reg, Extra::Cell),
        CallKw => (Regs(3 + b), No, Reg, Extra::Record),
        TailKw => (Regs(3 + b), No, No, Extra::Record),
        CallSpread | SpawnSpread => (Regs(5), No, Reg, Extra::No),
        Method | MethodDyn | Super | SuperCtor | New => (Regs(4 + b), No, Reg, Extra::Site),
        MethodSpread | SuperSpread | SuperCtorSpread | NewSpread | MethodDynSpread => (Regs(6), No, Reg, Extra::Site),
        TailCall => (Regs(3 + b), No, No, Extra::No),
        TailMod => (Regs(3 + b), No, No, Extra::Cell),
        TailMethod => (Regs(4 + b), No, No, Extra::Site),
        Ret => (Reg, No, No, Extra::No),
        RetNil | MakeGen | Nop | CleanupIn | CleanupOut => (No, No, No, Extra::No),

        IterInit => (Regs(3), Reg, No, Extra::No),
        IterNext => (Regs(3), Reg, No, Extra::Jump),
        IterNext2 => (Regs(3), Regs(2), No, Extra::Jump),
        IterClose => (Regs(3), No, No, Extra::No),

        Throw | Rethrow | AssertFail | Freeze | NotNil | ModuleNs | ClassOpen | ClassDone | ImplementDone | NoMatch => {
            (Reg, No, No, Extra::No)
        }
        IsException | Is | IsNot | HashSetAt | Eval | CallerEval | Render | Matches | ImplementNew => {
            (Reg, Reg, Reg, Extra::No)
        }
        JmpOwnCancel | TestMap | TestGene | IsMacro => (Reg, No, No, Extra::Jump),
        CheckClass => (Reg, No, No, Extra::Cell),
        CheckType | CheckInt | CheckFloat | CheckTypes => (Reg, No, No, Extra::Record),
        CheckBound => (Reg, Reg, No, Extra::Const),
        BindType => (Reg, Regs(c), No, Extra::Const),
        Yield | Async | ClassCtor | ClassMissing | ClassImplements | GeneType | GeneItems | Payload | Item
        | RestItems | RangeLast => (Reg, Reg, No, Extra::No),
        YieldStar => (Reg, Regs(3), Reg, Extra::Jump),
        Await | AwaitAll => (Reg, Reg, if i.x() == 1 { Reg } else { No }, Extra::No),
        Spawn => (Regs(3 + b), No, Reg, Extra::OptConst),
        NewRange => (Reg, Regs(3), No, Extra::No),
        NewHashMap => (Reg, Regs(2 * c), No, Extra::No),
        MapSet | ClassMethod | ClassStatic | GetKey | PayloadNamed => (Reg, Reg, No, Extra::Const),
        MapSpread | RestKeys | Destructure | DestructureMap => (Reg, Reg, No, Extra::Record),
        NewGene => (Reg, Regs(3), No, Extra::No),
        Quote | Regex | AssignGlobal | ExportCheck => (Reg, No, No, Extra::Const),
        Unwrap => (Reg, Reg, No, Extra::Jump),
        ClassNew => (Reg, Reg, No, Extra::Record),
        ClassField => (Reg, if c & 2 != 0 { Regs(2) } else { Reg }, No, Extra::Record),
        EnumNew => (Reg, Regs(c), No, Extra::Record),
        InterfaceNew | Import | MakeEnv => (Reg, No, No, Extra::Record),
        NsNew => (Reg, Regs(2), No, Extra::Const),
        Unpack => (Regs(c), Reg, No, Extra::No),
        TestArray => (Reg, No, No, Extra::Jump),
        VariantOf => (Reg, Reg, No, Extra::Site),
        TestVariant => (Reg, Reg, No, Extra::Jump),
        Contract => (Regs(c), Reg, No, Extra::Record),
        CallMacro => (Reg, Reg, Reg, Extra::Record),
        Room | Unroom => (No, No, No, Extra::No),
        SaveRegs | LoadRegs => (Regs(c), No, No, Extra::No),
        Select => (Regs(b), No, Reg, Extra::No),
        GetFarCap | Switch => (Reg, No, No, Extra::No),
        SelectTaken => (Reg, if c == 2 { Reg } else { No }, No, Extra::No),
    }
}

/// Registers below `nregs`, jumps inside the function, constants, sites and captures in range, handlers well formed, and no way
/// off the end.
pub fn verify(p: &Proto) -> Result<(), String> {
    let n = p.code.len();
    if p.ics.len() != p.sites.len() {
        return Err(format!("{} inline caches for {} sites", p.ics.len(), p.sites.len()));
    }
    let regs = p.nregs as usize;
    for (pc, &i) in p.code.iter().enumerate() {
        let fail = |what: &str| Err(format!("{pc} {}: {what}", OP_NAMES[i.op() as usize]));
        let (a, b, c, x) = shape(i);
        for (used, at) in [(a, i.a()), (b, i.b()), (c, i.c())] {
            let fits = match used {
                Use::No => true,
                Use::Reg => at < regs,
                Use::Regs(k) => at + k <= regs,
                // The number of captures is the closure's affair; a byte is always enough.
                Use::Capture => at < 255,
            };
            if !fits {
                return fail("register out of range");
            }
        }
        let constant = || p.consts.get(i.ux()).copied();
        let fits = match x {
            Extra::No => true,
            Extra::Jump => usize::try_from(pc as i64 + 1 + i.x() as i64).is_ok_and(|to| to < n),
            Extra::Const => constant().is_some(),
            Extra::Cell => constant().is_some_and(|v| v.is_kind(Kind::Cell)),
            Extra::Record => constant().is_some_and(|v| v.get::<Record>(Kind::Record).is_some()),
            Extra::OptConst => i.x() == -1 || constant().is_some(),
            Extra::Site => i.ux() < p.sites.len(),
        };
        if !fits {
            return fail(if x == Extra::Jump { "jump out of range" } else { "constant out of range" });
        }
        let cached = i.op() == Op::CheckType && i.bc() >= 0 || i.op() == Op::CheckClass;
        if cached && !(0..p.sites.len() as i64).contains(&i.bc()) {
            return fail("inline cache out of range");
        }
        if i.op() == Op::CallChecked && !p.consts.get(i.ux() + 1).is_some_and(|v| v.is_small()) {
            return fail("constant out of range");
        }
        if i.op() == Op::CheckClass && !p.consts.get(i.ux() + 1).is_some_and(|v| v.is_kind(Kind::Record)) {
            return fail("constant out of range");
        }
        let next = p.code.get(pc + 1);
        if i.op() == Op::GetPropFloat && !next.is_some_and(|n| n.op() == Op::CheckFloat && n.a() == i.a()) {
            return fail("no check behind it");
        }
        if i.op() == Op::Switch {
            let table = p.code.get(pc + 1..=pc + 1 + i.ux());
            if !table.is_some_and(|t| t.iter().all(|j| j.op() == Op::Jmp)) {
                return fail("no table behind it");
            }
        }
        if i.op() == Op::SetProp && i.ux() + 1 >= p.sites.len() {
            return fail("inline cache out of range");
        }
        // Values behind the arguments.
        let behind = match i.op() {
            Op::CallKw | Op::TailKw | Op::Spawn if i.x() >= 0 => {
                constant().and_then(|v| v.get::<Record>(Kind::Record)).map_or(0, |r| r.len()) + i.a() + 3 + i.b()
            }
            Op::Method | Op::MethodDyn | Op::Super | Op::SuperCtor | Op::New => {
                p.sites[i.ux()].keywords.len() + i.a() + 4 + i.b()
            }
            Op::SaveRegs | Op::LoadRegs => {
                let (head, words) = (FRAME_HEAD as i64, p.words as i64);
                let inside = i.x() as i64 >= -head - words && i.x() as i64 + i.c() as i64 <= -head;
                if inside { 0 } else { usize::MAX }
            }
            Op::NewMap => constant().and_then(|v| v.get::<Record>(Kind::Record)).map_or(0, |r| r.len() + i.b()),
            _ => 0,
        };
        if behind > regs {
            return fail("register out of range");
        }
    }
    for h in &p.handlers {
        if h.start >= h.end || h.end as usize > n || h.target as usize >= n || h.reg as usize >= regs {
            return Err(format!("handler {}..{} -> {} r{} is malformed", h.start, h.end, h.target, h.reg));
        }
    }
    match p.code.last().map(|i| i.op()) {
        Some(
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
            | Op::NoMatch,
        ) => Ok(()),
        _ => Err("control can run off the end".to_string()),
    }
}
