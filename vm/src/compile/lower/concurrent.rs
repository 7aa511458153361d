//! Structured concurrency: `concurrent`, `timeout`, `shield`, `gather`, `detach`, `select`, task-locals, `with_lock` and the like.
//!
//! None of these words is reserved: a binding of the same name hides the form. They become ordinary expressions around calls of
//! hidden functions, whose names (`%...`) no script can write.

use super::Lower;
use super::scope::{BoundLocal, Declaration, NameKind};
use super::words::{is_symbol, method_name, name_of, symbol};
use crate::compile::hir::{Arg, Args, Catch, CatchKind, E, ExprKind, PropArg, VarRef};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Prop, PropKind, Span};

/// Kinds of scopes, as `%scope_open` knows them.
const CONCURRENT: i64 = 0;
const TIMEOUT: i64 = 1;
const SHIELD: i64 = 2;

/// Flags of `%select`.
const BIASED: i64 = 1;
const SKIP_CLOSED: i64 = 2;
const HAS_ELSE: i64 = 4;
const HAS_TIMEOUT: i64 = 8;

/// There are sending arms: each arm has its kind, source and value. Without it they have sources only.
const HAS_SEND: i64 = 16;

/// Operands that fit the registers of one instruction; a `select` with more is a call.
const MOST_OPERANDS: usize = 64;

/// Kinds of arms.
const ARM_FROM: i64 = 0;
const ARM_SEND: i64 = 1;

/// One arm of a `select`.
struct SelectArm<'a> {
    /// What the value is bound to.
    pattern: Option<&'a Form<'a>>,
    kind: ArmKind<'a>,
    body: &'a [Form<'a>],
    span: Span,
}

enum ArmKind<'a> {
    From(&'a Form<'a>),
    Send(&'a Form<'a>, &'a Form<'a>),
    Timeout(&'a Form<'a>),
    Else,
}

impl<'a> Lower<'a, '_> {
    /// The form behind a word of concurrency; `None`: an ordinary call.
    pub(super) fn concurrent_form(&mut self, span: Span, gene: &'a GeneForm<'a>, name: &str) -> Option<E<'a>> {
        Some(match name {
            "concurrent" => self.concurrent(span, gene),
            "timeout" => self.timeout(span, gene),
            "shield" => self.shield(span, gene),
            "gather" => self.gather(span, gene),
            "detach" => self.detach(span, gene),
            "select" => match gene.children.first() {
                Some(first) if is_symbol(first, "when") || is_symbol(first, "else") => self.select_form(span, gene),
                None => self.select_form(span, gene),
                _ => return None,
            },
            "tasklocal" => self.tasklocal(span, gene),
            "with_local" => self.with_local(span, gene),
            "with_lock" | "with_read" | "with_write" | "with_permit" => self.with_held(span, gene, name),
            _ => return None,
        })
    }

    // --- helpers

    fn int_at(&self, span: Span, n: i64) -> E<'a> {
        self.constant(span, FormKind::Int(n))
    }

    pub(super) fn hidden_call(
        &self,
        span: Span,
        name: &'static str,
        items: &[E<'a>],
        props: &'a [PropArg<'a>],
    ) -> E<'a> {
        let callee = self.e(span, ExprKind::Global(name));
        let items: Vec<Arg<'a>> = items.iter().map(|e| Arg::One(e)).collect();
        let props_at = items.len() as u32;
        let args = Args { items: self.slice(&items), props, props_at };
        self.e(span, ExprKind::Call { callee, args })
    }

    fn hidden_var(&mut self, name: &'static str) -> VarRef {
        VarRef::Local(self.new_var(name, None))
    }

    fn declare_var(&self, span: Span, var: VarRef, value: E<'a>) -> E<'a> {
        self.e(span, ExprKind::Declare { var, value, ty: None })
    }

    fn options(&mut self, gene: &'a GeneForm<'a>) -> &'a [PropArg<'a>] {
        let mut out = Vec::new();
        for prop in gene.props.iter().filter(|prop| prop.key != "as") {
            out.extend_from_slice(self.prop_args(std::slice::from_ref(prop)));
        }
        self.slice(&out)
    }

    /// Opens a scope, runs `body` in it, and leaves it whatever happens:
    ///
    /// ```text
    /// (do (var scope OPEN)
    ///   (try BODY catch <really everything> (%scope_fail scope $ex) finally (%scope_exit scope)))
    /// ```
    fn scoped(&mut self, span: Span, open: E<'a>, body: impl FnOnce(&mut Self, VarRef) -> E<'a>) -> E<'a> {
        self.push_scope();
        let scope = self.hidden_var("scope");
        let declare = self.declare_var(span, scope, open);
        let inner = self.scoped_body(span, scope, body);
        self.sequence(&[declare, inner], span)
    }

    fn scoped_body(&mut self, span: Span, scope: VarRef, body: impl FnOnce(&mut Self, VarRef) -> E<'a>) -> E<'a> {
        self.cx().open_scopes += 1;
        let body = body(self, scope);
        self.cx().open_scopes -= 1;
        self.push_scope();
        let ex = self.hidden_var("$ex");
        let (s, x) = (self.var_at(span, scope), self.var_at(span, ex));
        let fail = self.hidden_call(span, "%scope_fail", &[s, x], &[]);
        let fail = self.sequence(&[fail], span);
        let catches = self.slice(&[Catch { kind: CatchKind::Really, ex, body: fail, span, cleanup: false }]);
        let s = self.var_at(span, scope);
        let exit = self.hidden_call(span, "%scope_exit", &[s], &[]);
        self.e(span, ExprKind::Try { body, catches, finally: Some(exit), cleanup: false })
    }

    // --- scopes

    /// A number or duration in front of a body, where it would be evaluated and forgotten, was meant as a limit.
    fn check_amount(&mut self, gene: &'a GeneForm<'a>, message: &str) {
        if let [first, rest @ ..] = gene.children
            && is_amount(first)
            && rest.iter().any(super::task::is_call)
        {
            self.error(first.span, message);
        }
    }

    fn concurrent(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        self.check_props(gene, "concurrent", &["as", "timeout", "deadline", "limit", "on_error", "grace", "name"]);
        self.check_amount(gene, "concurrent: limits are options, as in (concurrent ^timeout 500ms ^limit 4 (work))");
        let kind = self.int_at(span, CONCURRENT);
        let options = self.options(gene);
        let open = self.hidden_call(span, "%scope_open", &[kind], options);
        let alias = gene.props.iter().find(|prop| prop.key == "as");
        self.scoped(span, open, |lower, scope| {
            lower.push_scope();
            let mut forms = Vec::new();
            if let Some(alias) = alias {
                match name_of(&alias.value) {
                    Some(name) => {
                        let var = VarRef::Local(lower.bind_local(name, alias.value.span, None));
                        let value = lower.var_at(span, scope);
                        forms.push(lower.declare_var(span, var, value));
                    }
                    None => {
                        lower.error(alias.value.span, "concurrent: ^as expects a name");
                    }
                }
            }
            let body = lower.block(gene.children, span);
            forms.push(body);
            lower.sequence(&forms, span)
        })
    }

    /// `(timeout d body... else other...)`
    fn timeout(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        self.check_props(gene, "timeout", &["grace", "name"]);
        let [limit, forms @ ..] = gene.children else {
            return self.error(span, "timeout: missing duration");
        };
        let (forms, other) = match forms.iter().position(|form| is_symbol(form, "else")) {
            Some(at) => (&forms[..at], Some(&forms[at + 1..])),
            None => (forms, None),
        };
        match forms {
            [] => return self.error(span, "timeout: missing body"),
            // Its value would be the limit, for a body that does nothing: the work itself would run without any.
            [only] if super::task::is_call(limit) && (is_amount(only) || symbol(only).is_some()) => {
                return self.error(limit.span, "timeout: the duration comes first, as in (timeout 500ms (work))");
            }
            _ => {}
        }
        let kind = self.int_at(span, TIMEOUT);
        let limit = self.expr(limit);
        let options = self.options(gene);
        let open = self.hidden_call(span, "%scope_open", &[kind, limit], options);
        let Some(other) = other else {
            return self.scoped(span, open, |lower, _| lower.block(forms, span));
        };
        self.push_scope();
        let scope = self.hidden_var("scope");
        let declare = self.declare_var(span, scope, open);
        let body = self.scoped_body(span, scope, |lower, _| lower.block(forms, span));
        self.push_scope();
        let ex = self.hidden_var("$ex");
        let (s, x) = (self.var_at(span, scope), self.var_at(span, ex));
        let cond = self.hidden_call(span, "%timed_out", &[s, x], &[]);
        let then = self.block(other, span);
        let x = self.var_at(span, ex);
        let throw = self.e(span, ExprKind::Throw(x));
        let handler = self.e(span, ExprKind::If { cond, then, other: Some(throw) });
        let handler = self.sequence(&[handler], span);
        let catches = self.slice(&[Catch { kind: CatchKind::Really, ex, body: handler, span, cleanup: false }]);
        let all = self.e(span, ExprKind::Try { body, catches, finally: None, cleanup: false });
        self.sequence(&[declare, all], span)
    }

    fn shield(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        self.check_props(gene, "shield", &["timeout", "grace", "name"]);
        self.check_amount(gene, "shield: a time limit is an option, as in (shield ^timeout 500ms (work))");
        let kind = self.int_at(span, SHIELD);
        let options = self.options(gene);
        let open = self.hidden_call(span, "%scope_open", &[kind], options);
        self.scoped(span, open, |lower, _| lower.block(gene.children, span))
    }

    /// `(gene/test/virtual ^seed 7 body...)`: a scope in which waiting takes no time. Everything that waits meanwhile shares its clock.
    pub(super) fn virtual_form(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        self.check_props(gene, "gene/test/virtual", &["seed"]);
        let options = self.options(gene);
        self.push_scope();
        let begin = self.hidden_call(span, "%virtual_begin", &[], options);
        let kind = self.int_at(span, CONCURRENT);
        let open = self.hidden_call(span, "%scope_open", &[kind], &[]);
        let body = self.scoped(span, open, |lower, _| lower.block(gene.children, span));
        let end = self.hidden_call(span, "%virtual_end", &[], &[]);
        let all = self.e(span, ExprKind::Try { body, catches: &[], finally: Some(end), cleanup: false });
        self.sequence(&[begin, all], span)
    }

    /// `(gather a b c)`: each in a task of its own, the values in an Array.
    fn gather(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        self.check_props(gene, "gather", &["timeout", "limit", "on_error", "grace", "name"]);
        let kind = self.int_at(span, CONCURRENT);
        let options = self.options(gene);
        let open = self.hidden_call(span, "%scope_open", &[kind], options);
        self.scoped(span, open, |lower, _| {
            let mut tasks = Vec::with_capacity(gene.children.len());
            for child in gene.children {
                tasks.push(lower.spawn_body(child, &[]));
            }
            match tasks[..] {
                [] => lower.e(span, ExprKind::Array { items: &[], frozen: false }),
                [only] => {
                    let values = lower.slice(&[only]);
                    let value = lower.e(span, ExprKind::Await { values, listed: false, timeout: None });
                    let items = lower.slice(&[Arg::One(value)]);
                    lower.e(span, ExprKind::Array { items, frozen: false })
                }
                _ => {
                    let values = lower.slice(&tasks);
                    lower.e(span, ExprKind::Await { values, listed: false, timeout: None })
                }
            }
        })
    }

    /// A task whose body is one form, whatever kind of form.
    fn spawn_body(&mut self, form: &'a Form<'a>, props: &'a [PropArg<'a>]) -> E<'a> {
        let func = self.task_body(form.span, std::slice::from_ref(form), "return cannot leave a spawn body");
        let callee = self.e(form.span, ExprKind::Fn(func));
        self.e(form.span, ExprKind::Spawn { callee, args: Args { items: &[], props, props_at: 0 } })
    }

    /// A call form becomes a task of the root scope; a task moves there; of several children the first is called with the others.
    fn detach(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let flag = self.constant(span, FormKind::True);
        let mark = PropArg::Key("%detach", flag);
        match gene.children {
            [] => self.count_error(span, "detach", "at least 1 argument", 0),
            [body] if super::task::is_call(body) => {
                let mut props = self.prop_args(gene.props).to_vec();
                props.push(mark);
                let props = self.slice(&props);
                self.spawn_body(body, props)
            }
            [only] => {
                let value = self.expr(only);
                let props = self.prop_args(gene.props);
                self.hidden_call(span, "%detach", &[value], props)
            }
            [callee, ..] => {
                let callee = self.expr(callee);
                let args = self.args_after(gene, 1);
                let mut props = args.props.to_vec();
                props.push(mark);
                let args = Args { props: self.slice(&props), ..args };
                self.e(span, ExprKind::Spawn { callee, args })
            }
        }
    }

    // --- select

    fn select_form(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        self.check_props(gene, "select", &["biased", "skip_closed"]);
        let Some(arms) = self.select_arms(gene) else { return self.nil(span) };
        let flag = |props: &[Prop<'_>], key: &str| {
            props.iter().any(|prop| prop.key == key && !matches!(prop.kind, PropKind::Negated))
        };
        let mut flags = 0;
        if flag(gene.props, "biased") {
            flags |= BIASED;
        }
        if flag(gene.props, "skip_closed") {
            flags |= SKIP_CLOSED;
        }
        if arms.iter().any(|arm| matches!(arm.kind, ArmKind::Send(..))) {
            flags |= HAS_SEND;
        }
        let mut operands = Vec::new();
        let mut limit = None;
        let mut order = Vec::new();
        for (at, arm) in arms.iter().enumerate() {
            let (kind, source, value) = match arm.kind {
                ArmKind::From(source) => (ARM_FROM, source, None),
                ArmKind::Send(channel, value) => (ARM_SEND, channel, Some(value)),
                ArmKind::Timeout(time) => {
                    flags |= HAS_TIMEOUT;
                    limit = Some(self.expr(time));
                    continue;
                }
                ArmKind::Else => {
                    flags |= HAS_ELSE;
                    continue;
                }
            };
            if flags & HAS_SEND == 0 {
                operands.push(self.expr(source));
            } else {
                operands.push(self.int_at(arm.span, kind));
                operands.push(self.expr(source));
                operands.push(match value {
                    Some(value) => self.expr(value),
                    None => self.nil(arm.span),
                });
            }
            order.push(at);
        }
        // Timeout and else stand behind the other arms.
        let last = arms.iter().position(|arm| matches!(arm.kind, ArmKind::Timeout(_) | ArmKind::Else));
        order.extend(last);
        let on = if operands.len() < MOST_OPERANDS {
            operands.extend(limit);
            let operands = self.slice(&operands);
            self.e(span, ExprKind::Select { flags, operands })
        } else {
            let mut items = vec![self.int_at(span, flags), limit.unwrap_or_else(|| self.nil(span))];
            items.extend(operands);
            self.hidden_call(span, "%select", &items, &[])
        };
        let mut bodies = Vec::with_capacity(order.len());
        for &at in &order {
            bodies.push(self.arm_body(&arms[at]));
        }
        if bodies.is_empty() {
            bodies.push(self.nil(span));
        }
        let arms = self.slice(&bodies);
        self.e(span, ExprKind::Switch { on, arms })
    }

    /// Splits the children into arms; errors are reported where they are.
    fn select_arms(&mut self, gene: &'a GeneForm<'a>) -> Option<Vec<SelectArm<'a>>> {
        let mut arms: Vec<SelectArm<'a>> = Vec::new();
        let mut rest = gene.children;
        while let [word, after @ ..] = rest {
            let end = |forms: &[Form<'a>]| {
                forms.iter().position(|f| is_symbol(f, "when") || is_symbol(f, "else")).unwrap_or(forms.len())
            };
            if arms.iter().any(|arm| matches!(arm.kind, ArmKind::Else)) {
                self.error(word.span, "select: else must be the last part");
                return None;
            }
            if is_symbol(word, "else") {
                let body = &after[..end(after)];
                rest = &after[body.len()..];
                if arms.iter().any(|arm| matches!(arm.kind, ArmKind::Timeout(_))) {
                    self.error(word.span, "select: timeout and else cannot stand together");
                    return None;
                }
                arms.push(SelectArm { pattern: None, kind: ArmKind::Else, body, span: word.span });
                continue;
            }
            let (pattern, kind, after) = match after {
                [time, limit, after @ ..] if is_symbol(time, "timeout") => (None, ArmKind::Timeout(limit), after),
                [pattern, from, source, after @ ..] if is_symbol(from, "from") => {
                    (Some(pattern), ArmKind::From(source), after)
                }
                [send, after @ ..] => match send_parts(send) {
                    Some((channel, value)) => (None, ArmKind::Send(channel, value), after),
                    None => {
                        self.error(
                            send.span,
                            "select: expects `NAME from SOURCE`, `(CHANNEL .send VALUE)` or `timeout DURATION`",
                        );
                        return None;
                    }
                },
                [] => {
                    self.error(word.span, "select: missing source after when");
                    return None;
                }
            };
            let body = &after[..end(after)];
            rest = &after[body.len()..];
            let twice =
                matches!(kind, ArmKind::Timeout(_)) && arms.iter().any(|arm| matches!(arm.kind, ArmKind::Timeout(_)));
            if twice {
                self.error(word.span, "select: more than one timeout");
                return None;
            }
            arms.push(SelectArm { pattern, kind, body, span: word.span });
        }
        Some(arms)
    }

    /// `[v ok]` takes the value and whether the source was open; any other pattern takes the value apart.
    fn arm_body(&mut self, arm: &SelectArm<'a>) -> E<'a> {
        let span = arm.span;
        let Some(pattern) = arm.pattern else { return self.block(arm.body, span) };
        self.push_scope();
        let mut forms = Vec::new();
        let value = self.e(span, ExprKind::SelectTaken { open: false });
        match pattern.kind {
            FormKind::Array { items: [first, second], .. } if name_of(first).is_some() && name_of(second).is_some() => {
                // The openness is read first: taking the value forgets both.
                for (form, open) in [(second, true), (first, false)] {
                    let value = self.e(span, ExprKind::SelectTaken { open });
                    match name_of(form) {
                        Some("_") | None => forms.push(value),
                        Some(name) => {
                            let var = VarRef::Local(self.bind_local(name, form.span, None));
                            forms.push(self.declare_var(span, var, value));
                        }
                    }
                }
            }
            FormKind::Array { .. } | FormKind::Map { .. } => {
                let pat = self.bind_pattern(pattern, false);
                let pat = self.arena.alloc(pat);
                forms.push(self.e(span, ExprKind::DeclarePattern { pat, value }));
            }
            _ => match name_of(pattern) {
                Some("_") => forms.push(value),
                Some(name) => {
                    let var = VarRef::Local(self.bind_local(name, pattern.span, None));
                    forms.push(self.declare_var(span, var, value));
                }
                None => {
                    self.error(pattern.span, "select: invalid name");
                }
            },
        }
        forms.push(self.block(arm.body, span));
        self.sequence(&forms, span)
    }

    // --- task-locals

    /// `(tasklocal name default)`
    fn tasklocal(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        self.check_props(gene, "tasklocal", &[]);
        let (target, value) = match gene.children {
            [target] => (target, None),
            [target, value] => (target, Some(value)),
            children => return self.count_error(span, "tasklocal", "a name and a default", children.len()),
        };
        let Some(name) = name_of(target).filter(|name| *name != "_") else {
            return self.error(target.span, "tasklocal: invalid name");
        };
        let value = match value {
            Some(value) => self.expr(value),
            None => self.nil(span),
        };
        let key = self.hidden_call(span, "%local", &[value], &[]);
        let declaration = Declaration { constant: true, ..Declaration::new(NameKind::TaskLocal) };
        let declare = self.declare_as(span, name, target.span, declaration, key);
        let nil = self.nil(span);
        self.push_scope();
        self.sequence(&[declare, nil], span)
    }

    /// The key behind the name of a task-local, not its value.
    fn local_key(&mut self, form: &'a Form<'a>) -> E<'a> {
        match symbol(form) {
            Some(name) => match self.resolve(name) {
                Some(found) => self.found(form.span, name, found),
                None => self.e(form.span, ExprKind::Global(name)),
            },
            None => match form.kind {
                FormKind::Path([PathPart::Name(ns), middle @ .., PathPart::Name(name)]) if !name.is_empty() => {
                    let mut base = self.head_name(form.span, ns).unwrap_or_else(|| self.name(form.span, ns));
                    for part in middle {
                        base = self.path_step(form.span, base, part);
                    }
                    let name = self.constant(form.span, FormKind::Str(name));
                    self.hidden_call(form.span, "%local_member", &[base, name], &[])
                }
                _ => self.expr(form),
            },
        }
    }

    /// A generator yields inside `with_local` forms of its own: their bindings end where it leaves and begin again where it goes on,
    /// on top of what its consumer has bound then. In between the consumer sees its own.
    pub(super) fn yield_unbound(&mut self, span: Span, value: Option<E<'a>>) -> E<'a> {
        let value = value.unwrap_or_else(|| self.nil(span));
        self.push_scope();
        let kept = self.hidden_var("yielded");
        let declare = self.declare_var(span, kept, value);
        let bound = self.cx().bound_locals.clone();
        let outer = self.var_at(span, bound[0].old);
        let unbind = self.hidden_call(span, "%local_restore", &[outer], &[]);
        let value = self.var_at(span, kept);
        let body = self.e(span, ExprKind::Yield(Some(value)));
        self.push_scope();
        let mut again = Vec::new();
        for b in &bound {
            let (key, value) = (self.var_at(span, b.key), self.var_at(span, b.value));
            let bind = self.hidden_call(span, "%local_bind", &[key, value], &[]);
            again.push(self.declare_var(span, b.old, bind));
        }
        let again = self.sequence(&again, span);
        let all = self.e(span, ExprKind::Try { body, catches: &[], finally: Some(again), cleanup: false });
        self.sequence(&[declare, unbind, all], span)
    }

    /// `(with_local name value body...)`
    fn with_local(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        self.check_props(gene, "with_local", &[]);
        let [target, value, forms @ ..] = gene.children else {
            return self.count_error(span, "with_local", "a name, a value and a body", gene.children.len());
        };
        let key = self.local_key(target);
        let value = self.expr(value);
        self.push_scope();
        let bound =
            BoundLocal { key: self.hidden_var("key"), value: self.hidden_var("value"), old: self.hidden_var("old") };
        let declare_key = self.declare_var(span, bound.key, key);
        let declare_value = self.declare_var(span, bound.value, value);
        let (key, value) = (self.var_at(span, bound.key), self.var_at(span, bound.value));
        let bind = self.hidden_call(span, "%local_bind", &[key, value], &[]);
        let declare = self.declare_var(span, bound.old, bind);
        self.cx().bound_locals.push(bound);
        let body = self.block(forms, span);
        self.cx().bound_locals.pop();
        let old = self.var_at(span, bound.old);
        let restore = self.hidden_call(span, "%local_restore", &[old], &[]);
        let all = self.e(span, ExprKind::Try { body, catches: &[], finally: Some(restore), cleanup: false });
        self.sequence(&[declare_key, declare_value, declare, all], span)
    }

    // --- locks

    /// `(with_lock m body...)` and its relatives; `(with_permit s k body...)` takes k permits when k is a literal number.
    fn with_held(&mut self, span: Span, gene: &'a GeneForm<'a>, word: &str) -> E<'a> {
        self.check_props(gene, word, &["timeout"]);
        let [object, forms @ ..] = gene.children else {
            return self.count_error(span, word, "an object and a body", 0);
        };
        let (take, give) = match word {
            "with_lock" => ("lock", "unlock"),
            "with_read" => ("read", "release"),
            "with_write" => ("write", "release"),
            _ => ("acquire", "release"),
        };
        let (count, forms) = match forms {
            [Form { kind: FormKind::Int(n), .. }, body, ..] if word == "with_permit" => {
                let _ = body;
                (Some(*n), &forms[1..])
            }
            _ => (None, forms),
        };
        let object = self.expr(object);
        let props = self.prop_args(gene.props);
        self.push_scope();
        let held = self.hidden_var("held");
        let declare = self.declare_var(span, held, object);
        let counted = |lower: &Self| -> &'a [Arg<'a>] {
            match count {
                Some(n) => lower.slice(&[Arg::One(lower.int_at(span, n))]),
                None => &[],
            }
        };
        let recv = self.var_at(span, held);
        let args = Args { items: counted(self), props, props_at: count.is_some() as u32 };
        let lock = self.e(span, ExprKind::Method { recv, name: take, args });
        let body = self.block(forms, span);
        let recv = self.var_at(span, held);
        let args = Args { items: counted(self), ..Args::default() };
        let unlock = self.e(span, ExprKind::Method { recv, name: give, args });
        let all = self.e(span, ExprKind::Try { body, catches: &[], finally: Some(unlock), cleanup: false });
        self.sequence(&[declare, lock, all], span)
    }
}

/// A literal number or duration.
fn is_amount(form: &Form<'_>) -> bool {
    matches!(form.kind, FormKind::Int(_) | FormKind::Float(_) | FormKind::Duration(_))
}

/// Channel and value of `(channel .send value)`.
fn send_parts<'a>(form: &'a Form<'a>) -> Option<(&'a Form<'a>, &'a Form<'a>)> {
    let FormKind::Gene(gene) = form.kind else { return None };
    let head = gene.head.as_ref()?;
    match gene.children {
        [method, value] if symbol(method).and_then(method_name) == Some("send") && gene.props.is_empty() => {
            Some((head, value))
        }
        _ => None,
    }
}
