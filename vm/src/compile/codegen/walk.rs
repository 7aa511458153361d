//! Questions about HIR that need to look inside. No recursion: trees may be deep.
use crate::compile::hir::*;
use rustc_hash::FxHashSet;

/// Appends the expressions directly inside `e`, bodies of functions left out.
pub fn children<'a>(e: E<'a>, out: &mut Vec<E<'a>>) {
    use ExprKind::*;
    match e.kind {
        Const(_)
        | Regex(_)
        | Var(_)
        | Global(_)
        | ModuleNs
        | SelectTaken { .. }
        | Quote(_)
        | Fn(_)
        | TypeValue(..)
        | Continue { .. }
        | Import(_)
        | Interface(_)
        | Enum(_)
        | Async { .. } => {}
        Interp(parts) => out.extend(parts.iter().filter_map(|p| match p {
            super::super::hir::Interp::Expr(e) => Some(*e),
            super::super::hir::Interp::Text(_) => None,
        })),
        Array { items, .. } => out.extend(items.iter().map(arg)),
        Map { entries, .. } => out.extend(entries.iter().map(prop)),
        HashMap { items, .. } => out.extend_from_slice(items),
        Gene { ty, args: a, .. } => {
            out.push(ty);
            args(a, out);
        }
        Block(b) => out.extend_from_slice(b.body),
        If { cond, then, other } => {
            out.extend([cond, then]);
            out.extend(other);
        }
        Switch { on, arms } => {
            out.push(on);
            out.extend_from_slice(arms);
        }
        Amp(a, b) | Bar(a, b) | And(a, b) | Or(a, b) | Binary(_, a, b) => out.extend([a, b]),
        Not(a) | Bang(a) | Neg(a) | NotNil(a) | Throw(a) | Unwrap(a) | YieldStar(a) => out.push(a),
        Loop { body, .. } => out.push(body),
        While { cond, body, .. } => out.extend([cond, body]),
        Repeat { count, body, .. } => out.extend([count, body]),
        For { target, iter, body, .. } => {
            out.extend([iter, body]);
            match target {
                ForTarget::One(t) => bind_target(&t, out),
                ForTarget::Two(t, u) => {
                    bind_target(&t, out);
                    bind_target(&u, out);
                }
            }
        }
        Break { value, .. } => out.extend(value),
        Return(v) | Yield(v) => out.extend(v),
        Case { subject, arms, other, .. } => {
            out.push(subject);
            for a in arms {
                case_pattern(a.pat, out);
                out.extend(a.guard);
                out.push(a.body);
            }
            out.extend(other);
        }
        Try { body, catches, finally, cleanup: _ } => {
            out.push(body);
            for c in catches {
                match c.kind {
                    CatchKind::Class { class, .. } => out.push(class),
                    CatchKind::Pattern(p) => bind_pattern(p, out),
                    CatchKind::All { .. } | CatchKind::Really => {}
                }
                out.push(c.body);
            }
            out.extend(finally);
        }
        ThrowNew { class, args: a } | New { class, args: a } => {
            out.push(class);
            args(a, out);
        }
        Assert { cond, message } => {
            out.push(cond);
            out.extend(message);
        }
        Declare { value, .. } | Assign { value, .. } | AssignGlobal { value, .. } | AssignLogical { value, .. } => {
            out.push(value);
        }
        DeclarePattern { pat, value } => {
            out.push(value);
            bind_pattern(pat, out);
        }
        Get { base, key: k } => {
            out.push(base);
            key(k, out);
        }
        Set { base, key: k, value } | Update { base, key: k, value, .. } => {
            out.push(base);
            key(k, out);
            out.push(value);
        }
        Chain { first, rest } => {
            out.push(first);
            out.extend(rest.iter().map(|r| r.1));
        }
        Range { start, end, step } => {
            out.extend(start);
            out.push(end);
            out.extend(step);
        }
        Call { callee, args: a } | CallMaybeMacro { callee, args: a, .. } | Spawn { callee, args: a } => {
            out.push(callee);
            args(a, out);
        }
        CallMacro { callee, .. } => out.push(callee),
        Method { recv, args: a, .. } => {
            out.push(recv);
            args(a, out);
        }
        MethodDyn { recv, name, args: a } => {
            out.extend([recv, name]);
            args(a, out);
        }
        Super { self_, class, args: a, .. } | SuperCtor { self_, class, args: a } => {
            out.extend([self_, class]);
            args(a, out);
        }
        Select { operands: data, .. } => out.extend_from_slice(data),
        Eval { data, .. } | CallerEval { data, .. } | Render { data, .. } => out.push(data),
        Class(c) => {
            out.extend(c.parent);
            members(c.members, out);
        }
        Extend { class, members: m, .. } => {
            out.push(class);
            members(m, out);
        }
        Implement { interface, class, members: m, .. } => {
            out.extend([interface, class]);
            members(m, out);
        }
        Namespace(n) => {
            out.extend(n.parent);
            out.push(n.body);
        }
        Await { values, timeout, .. } => {
            out.extend_from_slice(values);
            out.extend(timeout);
        }
    }
}

fn arg<'a>(a: &Arg<'a>) -> E<'a> {
    let (Arg::One(e) | Arg::Spread(e)) = *a;
    e
}

fn prop<'a>(p: &PropArg<'a>) -> E<'a> {
    let (PropArg::Key(_, e) | PropArg::Spread(e)) = *p;
    e
}

fn args<'a>(a: Args<'a>, out: &mut Vec<E<'a>>) {
    out.extend(a.items.iter().map(arg));
    out.extend(a.props.iter().map(prop));
}

fn key<'a>(k: Key<'a>, out: &mut Vec<E<'a>>) {
    if let Key::Dynamic(e) = k {
        out.push(e);
    }
}

fn members<'a>(ms: &'a [Member<'a>], out: &mut Vec<E<'a>>) {
    for m in ms {
        match *m {
            Member::StaticValue { value, .. } | Member::Implements(value) | Member::Other(value) => out.push(value),
            _ => {}
        }
    }
}

fn bind_target<'a>(t: &BindTarget<'a>, out: &mut Vec<E<'a>>) {
    if let BindTarget::Pattern(p) = *t {
        bind_pattern(p, out);
    }
}

/// The defaults in a binding pattern.
pub fn bind_pattern<'a>(p: &BindPat<'a>, out: &mut Vec<E<'a>>) {
    let mut todo = vec![*p];
    while let Some(p) = todo.pop() {
        match p {
            BindPat::Ignore | BindPat::Var { .. } => {}
            BindPat::Array { elems, .. } => {
                for e in elems {
                    match *e {
                        BindElem::One { pat, default } => {
                            todo.push(pat);
                            out.extend(default);
                        }
                        BindElem::Prop { default, .. } => out.extend(default),
                        BindElem::Rest(_) | BindElem::PropRest(_) => {}
                    }
                }
            }
            BindPat::Map { entries, .. } => {
                for e in entries {
                    todo.push(e.pat);
                    out.extend(e.default);
                }
            }
        }
    }
}

/// The expressions in a case pattern.
pub fn case_pattern<'a>(p: &CasePat<'a>, out: &mut Vec<E<'a>>) {
    let mut todo = vec![*p];
    while let Some(p) = todo.pop() {
        match p {
            CasePat::Literal(e) | CasePat::Value(e) | CasePat::Equal(e) | CasePat::Is { ty: e, .. } => out.push(e),
            CasePat::Unit { value, .. } => out.extend(value),
            _ => sub_patterns(&p, &mut todo, out),
        }
    }
}

fn sub_patterns<'a>(p: &CasePat<'a>, todo: &mut Vec<CasePat<'a>>, out: &mut Vec<E<'a>>) {
    match *p {
        CasePat::Variant { path, fields, .. } => {
            out.extend(path);
            match fields {
                VariantFields::Positional(ps) => todo.extend_from_slice(ps),
                VariantFields::Named(ps) => todo.extend(ps.iter().map(|p| p.1)),
            }
        }
        CasePat::Array { items, .. } | CasePat::Or(items) => todo.extend_from_slice(items),
        CasePat::Map { entries, .. } => todo.extend(entries.iter().map(|e| e.1)),
        CasePat::Gene { ty, entries, items, .. } => {
            if let GeneType::Value(e) = ty {
                out.push(e);
            }
            todo.extend(entries.iter().map(|e| e.1));
            todo.extend_from_slice(items);
        }
        CasePat::As(_, p) | CasePat::Not(p) => todo.push(*p),
        _ => {}
    }
}

/// The variables a case pattern binds (some possibly more than once).
pub fn case_vars(p: &CasePat<'_>, out: &mut Vec<VarRef>) {
    let mut todo = vec![*p];
    let mut exprs = Vec::new();
    while let Some(p) = todo.pop() {
        match p {
            CasePat::Bind(v) | CasePat::UnitOrBind { var: v, .. } => out.push(v),
            CasePat::As(v, _) => out.push(v),
            CasePat::Is { bind, .. } => out.extend(bind),
            CasePat::Array { rest, .. } => out.extend(rest.and_then(|r| r.var)),
            CasePat::Map { rest, .. } => out.extend(rest),
            CasePat::Gene { rest_props, rest, .. } => {
                out.extend(rest_props);
                out.extend(rest.and_then(|r| r.var));
            }
            _ => {}
        }
        sub_patterns(&p, &mut todo, &mut exprs);
    }
}

/// The variables a binding pattern binds, in order.
pub fn bind_vars(p: &BindPat<'_>, out: &mut Vec<VarRef>) {
    let mut todo = vec![*p];
    while let Some(p) = todo.pop() {
        match p {
            BindPat::Ignore => {}
            BindPat::Var { var, .. } => out.push(var),
            BindPat::Array { elems, .. } => {
                for e in elems.iter().rev() {
                    match *e {
                        BindElem::One { pat, .. } => todo.push(pat),
                        BindElem::Rest(v) => out.extend(v),
                        BindElem::Prop { var, .. } => out.push(var),
                        BindElem::PropRest(v) => out.push(v),
                    }
                }
            }
            BindPat::Map { entries, rest, .. } => {
                todo.extend(entries.iter().rev().map(|e| e.pat));
                out.extend(rest);
            }
        }
    }
}

/// The variables that `e` declares in the scope it stands in: not those inside blocks of its own. Parts in `bare`, which grows with
/// what big expressions without declarations consist of, are not looked into again: forms nested in forms ask about every level.
pub fn declared<'a>(e: E<'a>, out: &mut Vec<VarId>, bare: &mut FxHashSet<*const Expr<'a>>) {
    let mut todo = vec![e];
    let mut vars = Vec::new();
    let mut seen = Vec::new();
    while let Some(e) = todo.pop() {
        if bare.contains(&std::ptr::from_ref(e)) {
            continue;
        }
        match e.kind {
            ExprKind::Block(_) => continue,
            ExprKind::Declare { var, .. } => vars.push(var),
            ExprKind::DeclarePattern { pat, .. } => bind_vars(pat, &mut vars),
            _ => {}
        }
        for v in vars.drain(..) {
            if let VarRef::Local(v) = v
                && !out.contains(&v)
            {
                out.push(v);
            }
        }
        seen.push(std::ptr::from_ref(e));
        children(e, &mut todo);
    }
    if out.is_empty() && seen.len() > BUDGET {
        bare.extend(seen);
    }
}

/// The captures that are read inside loops of the function whose body is `e`, in order of appearance.
pub fn captures_in_loops(e: E<'_>) -> Vec<u32> {
    use ExprKind::*;
    let mut found = Vec::new();
    let mut todo = vec![(e, false)];
    let mut inside = Vec::new();
    while let Some((e, mut looping)) = todo.pop() {
        let read = match e.kind {
            Var(v) => Some(v),
            Get { key: Key::Name { fallback, .. }, .. } => fallback,
            Loop { .. } | While { .. } | Repeat { .. } | For { .. } => {
                looping = true;
                None
            }
            _ => None,
        };
        if let (Some(VarRef::Captured(i)), true) = (read, looping)
            && !found.contains(&i)
        {
            found.push(i);
        }
        children(e, &mut inside);
        todo.extend(inside.drain(..).rev().map(|e| (e, looping)));
    }
    found
}

/// How far the questions below look before they assume the worst.
const BUDGET: usize = 200;

/// Might evaluating `e` assign the local variable `v`?
pub fn may_assign(e: E<'_>, v: VarId) -> bool {
    let mut todo = vec![e];
    let mut left = BUDGET;
    while let Some(e) = todo.pop() {
        match e.kind {
            ExprKind::Assign { var, .. } | ExprKind::AssignLogical { var, .. } | ExprKind::Declare { var, .. }
                if var == VarRef::Local(v) =>
            {
                return true;
            }
            ExprKind::DeclarePattern { .. } => return true,
            _ => {}
        }
        left -= 1;
        if left == 0 {
            return true;
        }
        children(e, &mut todo);
    }
    false
}

/// Can the condition be compiled twice (before a loop and at its end)? Short, and without anything that is defined once.
pub fn repeatable(e: E<'_>) -> bool {
    use ExprKind::*;
    let mut todo = vec![e];
    let mut left = 24;
    while let Some(e) = todo.pop() {
        if !matches!(
            e.kind,
            Const(_)
                | Var(_)
                | Global(_)
                | ModuleNs
                | Binary(..)
                | Chain { .. }
                | And(..)
                | Or(..)
                | Not(_)
                | Amp(..)
                | Bar(..)
                | Bang(_)
                | Neg(_)
                | Get { .. }
                | Call { .. }
                | Method { .. }
                | NotNil(_)
        ) {
            return false;
        }
        left -= 1;
        if left == 0 {
            return false;
        }
        children(e, &mut todo);
    }
    true
}

/// Is the destination written by the last instruction only, with nothing evaluated after it? Then a variable that the expression
/// reads can be its destination.
pub fn writes_last(e: E<'_>) -> bool {
    use ExprKind::*;
    let mut todo = vec![e];
    while let Some(e) = todo.pop() {
        match e.kind {
            Const(_)
            | Regex(_)
            | Var(_)
            | Global(_)
            | ModuleNs
            | Quote(_)
            | Fn(_)
            | TypeValue(..)
            | Neg(_)
            | Not(_)
            | Binary(..)
            | Call { .. }
            | CallMaybeMacro { .. }
            | CallMacro { .. }
            | Method { .. }
            | MethodDyn { .. }
            | New { .. }
            | Super { .. }
            | SuperCtor { .. }
            | Get { .. }
            | Range { .. }
            | Yield(_)
            | Interp(_) => {}
            If { then, other, .. } => {
                todo.push(then);
                todo.extend(other);
            }
            Switch { arms, .. } => todo.extend(arms),
            Array { items, frozen: false } if one_chunk(items) => {}
            Block(b) => todo.extend(b.body.last()),
            Case { arms, other, .. } => {
                todo.extend(arms.iter().map(|a| a.body));
                todo.extend(other);
            }
            _ => return false,
        }
    }
    true
}

/// Is the array built by one instruction?
pub fn one_chunk(items: &[Arg<'_>]) -> bool {
    items.len() <= super::build::CHUNK && items.iter().all(|i| matches!(i, Arg::One(_)))
}

/// Does evaluating `e` certainly begin with reading `v`?
pub fn reads_first(e: E<'_>, v: VarRef) -> bool {
    let mut e = e;
    loop {
        e = match e.kind {
            ExprKind::Var(w) => return v == w,
            ExprKind::Binary(_, a, _) | ExprKind::Neg(a) | ExprKind::Not(a) | ExprKind::Bang(a) => a,
            ExprKind::Get { base, .. } => base,
            ExprKind::Method { recv, .. } => recv,
            _ => return false,
        }
    }
}

/// Is the value `true` or `false`, whatever the operands?
pub fn is_bool(e: E<'_>) -> bool {
    use crate::syntax::form::FormKind;
    let mut todo = vec![e];
    while let Some(e) = todo.pop() {
        match e.kind {
            ExprKind::Const(f) if matches!(f.kind, FormKind::True | FormKind::False) => {}
            ExprKind::Not(_) | ExprKind::Chain { .. } => {}
            ExprKind::Binary(op, ..) if is_comparison(op) => {}
            ExprKind::Bang(a) => todo.push(a),
            ExprKind::And(a, b) | ExprKind::Or(a, b) | ExprKind::Amp(a, b) | ExprKind::Bar(a, b) => {
                todo.extend([a, b]);
            }
            _ => return false,
        }
    }
    true
}

pub fn is_comparison(op: BinOp) -> bool {
    use BinOp::*;
    matches!(op, Lt | Le | Gt | Ge | Eq | Ne | Is)
}
