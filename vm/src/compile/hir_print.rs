//! A compact text of HIR, for tests: one line per function, everything in prefix notation.
//!
//! Variables print as `name`, with `@` behind captures (`x@0`) and `$` behind module variables (`x$`); hidden ones keep their
//! internal names. A function's header lists its variables with their properties: `cell`, `early`, `checked`, `assigned`.

use std::fmt::Write;

use super::hir::*;
use super::lower::with_stack;
use crate::syntax::form::Form;

/// All functions of a unit, then its module variables and warnings.
pub(crate) fn print(unit: &Unit<'_>) -> String {
    let mut out = String::new();
    for (id, func) in unit.funcs.iter().enumerate() {
        let mut printer = Printer { unit, func, out: String::new() };
        printer.func(id);
        out.push_str(&printer.out);
        out.push('\n');
    }
    for var in &unit.module_vars {
        let _ = write!(out, "module {}", var.name);
        for (flag, name) in [(var.exported, "exported"), (var.is_fn, "fn"), (var.constant, "constant")] {
            if flag {
                let _ = write!(out, " {name}");
            }
        }
        if var.must_define.is_some() {
            out.push_str(" must_define");
        }
        if let Some(ty) = &var.ty {
            let _ = write!(out, " : {}", form(&ty.form));
        }
        out.push('\n');
    }
    for (_, warning) in &unit.warnings {
        let _ = writeln!(out, "warning {warning}");
    }
    out
}

fn form(form: &Form<'_>) -> String {
    super::lower::text::debug(form)
}

struct Printer<'p, 'a> {
    unit: &'p Unit<'a>,
    func: &'p Func<'a>,
    out: String,
}

impl<'a> Printer<'_, 'a> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn func(&mut self, id: usize) {
        let func = self.func;
        let _ = write!(self.out, "{id} {:?} {}", func.kind, func.full_name);
        if func.generator {
            self.put(" generator");
        }
        if !func.params.is_empty() {
            self.put(" [");
            for (at, param) in func.params.iter().enumerate() {
                if at > 0 {
                    self.put(" ");
                }
                self.param(param);
            }
            self.put("]");
        }
        if let Some(ty) = &func.ret {
            let _ = write!(self.out, " -> {}", form(&ty.form));
        }
        let vars: Vec<String> = func.vars.iter().filter_map(var_flags).collect();
        if !vars.is_empty() {
            let _ = write!(self.out, " vars({})", vars.join(", "));
        }
        if !func.captures.is_empty() {
            let captures: Vec<String> = func.captures.iter().map(capture).collect();
            let _ = write!(self.out, " captures({})", captures.join(", "));
        }
        for (contracts, word) in [(func.pre, "pre"), (func.post, "post")] {
            for contract in contracts {
                let _ = write!(self.out, " {word}{:?} ", contract.text);
                self.expr(contract.cond);
            }
        }
        self.put(": ");
        self.expr(func.body);
    }

    fn param(&mut self, param: &Param<'a>) {
        let (before, after) = match param.kind {
            ParamKind::Positional => ("", ""),
            ParamKind::Rest => ("", "..."),
            ParamKind::Keyword => ("^", ""),
            ParamKind::KeywordRest => ("^", "..."),
        };
        let _ = write!(self.out, "{before}{}{after}", param.name);
        if let Some(ty) = &param.ty {
            let _ = write!(self.out, ":{}", form(&ty.form));
        }
        if let Some(pat) = param.pat {
            self.put("~");
            self.bind_pat(pat);
        }
        if let Some(default) = param.default {
            self.put("=");
            self.expr(default);
        }
    }

    fn var(&mut self, var: VarRef) {
        match var {
            VarRef::Local(var) => self.local(var),
            VarRef::Captured(index) => {
                let _ = write!(self.out, "{}@{index}", self.func.captures[index as usize].name);
            }
            VarRef::Module(slot) => {
                let _ = write!(self.out, "{}$", self.unit.module_vars[slot as usize].name);
            }
        }
    }

    fn local(&mut self, var: VarId) {
        let name = self.func.vars[var as usize].name;
        // The same name twice in a function: the number tells them apart.
        let first = self.func.vars.iter().position(|other| other.name == name);
        self.out.push_str(name);
        if first != Some(var as usize) {
            let _ = write!(self.out, "#{var}");
        }
    }

    fn list(&mut self, head: &str, items: &[E<'a>]) {
        self.put("(");
        self.put(head);
        for item in items {
            self.put(" ");
            self.expr(item);
        }
        self.put(")");
    }

    fn opt(&mut self, expr: Option<E<'a>>) {
        match expr {
            Some(expr) => self.expr(expr),
            None => self.put("-"),
        }
    }

    fn key(&mut self, key: &Key<'a>) {
        match key {
            Key::Name { name, fallback } => {
                self.put(name);
                if let Some(var) = fallback {
                    self.put("|");
                    self.var(*var);
                }
            }
            Key::Index(index) => {
                let _ = write!(self.out, "{index}");
            }
            Key::Dynamic(expr) => {
                self.put("<");
                self.expr(expr);
                self.put(">");
            }
        }
    }

    fn args(&mut self, args: &Args<'a>) {
        for (at, arg) in args.items.iter().enumerate() {
            if at == args.props_at as usize {
                self.props(args.props);
            }
            self.put(" ");
            self.arg(arg);
        }
        if args.props_at as usize >= args.items.len() {
            self.props(args.props);
        }
    }

    fn arg(&mut self, arg: &Arg<'a>) {
        match arg {
            Arg::One(expr) => self.expr(expr),
            Arg::Spread(expr) => {
                self.expr(expr);
                self.put("...");
            }
        }
    }

    fn props(&mut self, props: &[PropArg<'a>]) {
        for prop in props {
            match prop {
                PropArg::Key(key, value) => {
                    let _ = write!(self.out, " ^{key} ");
                    self.expr(value);
                }
                PropArg::Spread(value) => {
                    self.put(" ^... ");
                    self.expr(value);
                }
            }
        }
    }

    fn env(&mut self, env: &Env<'a>) {
        self.put("{");
        for (at, var) in env.vars.iter().enumerate() {
            if at > 0 {
                self.put(" ");
            }
            self.var(var.var);
            if var.constant {
                self.put("!");
            }
        }
        for (word, var) in [("self", env.self_), ("ex", env.ex), ("caller", env.caller)] {
            if let Some(var) = var {
                let _ = write!(self.out, " {word}=");
                self.var(var);
            }
        }
        self.put("}");
    }

    fn site(&mut self, site: &MacroSite<'a>) {
        self.put(" `[");
        let parts: Vec<String> = site.children.iter().map(form).collect();
        self.put(&parts.join(" "));
        for (key, value) in site.props {
            let _ = write!(self.out, " ^{key} {}", form(value));
        }
        self.put("]");
        self.env(site.env);
    }

    fn expr(&mut self, expr: E<'a>) {
        with_stack(|| self.expr_here(expr));
    }

    fn expr_here(&mut self, expr: E<'a>) {
        match &expr.kind {
            ExprKind::Const(value) | ExprKind::Regex(value) => self.put(&form(value)),
            ExprKind::Var(var) => self.var(*var),
            ExprKind::Global(name) => {
                let _ = write!(self.out, "?{name}");
            }
            ExprKind::ModuleNs => self.put("$ns"),
            ExprKind::Select { flags, operands } => self.list(&format!("select {flags}"), operands),
            ExprKind::SelectTaken { open } => self.put(if *open { "(select_open)" } else { "(select_value)" }),
            ExprKind::Interp(parts) => {
                self.put("(interp");
                for part in *parts {
                    match part {
                        Interp::Text(text) => {
                            let _ = write!(self.out, " {text:?}");
                        }
                        Interp::Expr(expr) => {
                            self.put(" ");
                            self.expr(expr);
                        }
                    }
                }
                self.put(")");
            }
            ExprKind::Quote(data) => {
                let _ = write!(self.out, "`{}", form(data));
            }
            ExprKind::Array { items, frozen } => {
                self.put(if *frozen { "#[" } else { "[" });
                for (at, arg) in items.iter().enumerate() {
                    if at > 0 {
                        self.put(" ");
                    }
                    self.arg(arg);
                }
                self.put("]");
            }
            ExprKind::Map { entries, frozen } => {
                self.put(if *frozen { "#{" } else { "{" });
                self.props(entries);
                self.put(" }");
            }
            ExprKind::HashMap { items, frozen } => {
                self.list(if *frozen { "frozen_hash_map" } else { "hash_map" }, items)
            }
            ExprKind::TypeValue(ty, _) => {
                let _ = write!(self.out, "(type {ty})");
            }
            ExprKind::Gene { ty, args, frozen } => {
                self.put(if *frozen { "#(gene " } else { "(gene " });
                self.expr(ty);
                self.args(args);
                self.put(")");
            }
            ExprKind::Fn(func) => {
                let _ = write!(self.out, "fn{func}");
            }
            ExprKind::Block(block) => self.block(block),
            ExprKind::Switch { on, arms } => {
                self.put("(switch ");
                self.expr(on);
                for arm in *arms {
                    self.put(" ");
                    self.expr(arm);
                }
                self.put(")");
            }
            ExprKind::If { cond, then, other } => {
                self.put("(if ");
                self.expr(cond);
                self.put(" ");
                self.expr(then);
                if let Some(other) = other {
                    self.put(" ");
                    self.expr(other);
                }
                self.put(")");
            }
            ExprKind::Amp(a, b) => self.list("&&", &[a, b]),
            ExprKind::Bar(a, b) => self.list("||", &[a, b]),
            ExprKind::And(a, b) => self.list("and", &[a, b]),
            ExprKind::Or(a, b) => self.list("or", &[a, b]),
            ExprKind::Not(a) => self.list("not", &[a]),
            ExprKind::Bang(a) => self.list("!", &[a]),
            ExprKind::Loop { id, body } => self.list(&format!("loop{id}"), &[body]),
            ExprKind::While { id, cond, body } => self.list(&format!("while{id}"), &[cond, body]),
            ExprKind::Repeat { id, count, var, body } => {
                let _ = write!(self.out, "(repeat{id} ");
                if let Some(var) = var {
                    self.local(*var);
                    self.put(" in ");
                }
                self.expr(count);
                self.put(" ");
                self.expr(body);
                self.put(")");
            }
            ExprKind::For { id, target, iter, body, awaiting } => {
                let _ = write!(self.out, "(for{id} ");
                if *awaiting {
                    self.put("await ");
                }
                match target {
                    ForTarget::One(one) => self.bind_target(one),
                    ForTarget::Two(one, two) => {
                        self.bind_target(one);
                        self.put(" ");
                        self.bind_target(two);
                    }
                }
                self.put(" in ");
                self.expr(iter);
                self.put(" ");
                self.expr(body);
                self.put(")");
            }
            ExprKind::Break { id, value } => {
                let _ = write!(self.out, "(break{id}");
                if let Some(value) = value {
                    self.put(" ");
                    self.expr(value);
                }
                self.put(")");
            }
            ExprKind::Continue { id } => {
                let _ = write!(self.out, "(continue{id})");
            }
            ExprKind::Return(value) => self.list("return", value.as_slice()),
            ExprKind::Case { subject, arms, other, exhaustive } => {
                self.put(if *exhaustive { "(case! " } else { "(case " });
                self.expr(subject);
                for arm in *arms {
                    self.put(" when ");
                    self.case_pat(arm.pat);
                    if let Some(guard) = arm.guard {
                        self.put(" if ");
                        self.expr(guard);
                    }
                    self.put(" then ");
                    self.expr(arm.body);
                }
                if let Some(other) = other {
                    self.put(" else ");
                    self.expr(other);
                }
                self.put(")");
            }
            ExprKind::Try { body, catches, finally, cleanup: _ } => {
                self.put("(try ");
                self.expr(body);
                for catch in *catches {
                    self.catch(catch);
                }
                if let Some(finally) = finally {
                    self.put(" finally ");
                    self.expr(finally);
                }
                self.put(")");
            }
            ExprKind::Throw(value) => self.list("throw", &[value]),
            ExprKind::ThrowNew { class, args } => self.call("throw_new", class, args),
            ExprKind::Unwrap(value) => self.list("?", &[value]),
            ExprKind::Assert { cond, message } => {
                self.put("(assert ");
                self.expr(cond);
                if let Some(message) = message {
                    self.put(" ");
                    self.expr(message);
                }
                self.put(")");
            }
            ExprKind::Yield(value) => self.list("yield", value.as_slice()),
            ExprKind::YieldStar(value) => self.list("yield*", &[value]),
            ExprKind::Declare { var, value, ty } => {
                self.put("(var ");
                self.var(*var);
                if let Some(ty) = ty {
                    let _ = write!(self.out, ":{}", form(&ty.form));
                }
                self.put(" ");
                self.expr(value);
                self.put(")");
            }
            ExprKind::DeclarePattern { pat, value } => {
                self.put("(var ");
                self.bind_pat(pat);
                self.put(" ");
                self.expr(value);
                self.put(")");
            }
            ExprKind::Assign { var, value } => {
                self.put("(= ");
                self.var(*var);
                self.put(" ");
                self.expr(value);
                self.put(")");
            }
            ExprKind::AssignGlobal { name, value } => self.list(&format!("= ?{name}"), &[value]),
            ExprKind::AssignLogical { var, value, or } => {
                self.put(if *or { "(||= " } else { "(&&= " });
                self.var(*var);
                self.put(" ");
                self.expr(value);
                self.put(")");
            }
            ExprKind::Get { base, key } => {
                self.put("(get ");
                self.expr(base);
                self.put(" ");
                self.key(key);
                self.put(")");
            }
            ExprKind::Set { base, key, value } => {
                self.put("(set ");
                self.expr(base);
                self.put(" ");
                self.key(key);
                self.put(" ");
                self.expr(value);
                self.put(")");
            }
            ExprKind::Update { base, key, op, value } => {
                let _ = write!(self.out, "(update {op:?} ");
                self.expr(base);
                self.put(" ");
                self.key(key);
                self.put(" ");
                self.expr(value);
                self.put(")");
            }
            ExprKind::NotNil(value) => self.list("not_nil", &[value]),
            ExprKind::Binary(op, a, b) => self.list(&format!("{op:?}"), &[a, b]),
            ExprKind::Neg(value) => self.list("Neg", &[value]),
            ExprKind::Chain { first, rest } => {
                self.put("(chain ");
                self.expr(first);
                for (op, operand) in *rest {
                    let _ = write!(self.out, " {op:?} ");
                    self.expr(operand);
                }
                self.put(")");
            }
            ExprKind::Range { start, end, step } => {
                self.put("(range ");
                self.opt(*start);
                self.put(" ");
                self.expr(end);
                self.put(" ");
                self.opt(*step);
                self.put(")");
            }
            ExprKind::Call { callee, args } => self.call("call", callee, args),
            ExprKind::CallMaybeMacro { callee, args, site } => {
                self.put("(maybe_macro ");
                self.expr(callee);
                self.args(args);
                self.site(site);
                self.put(")");
            }
            ExprKind::CallMacro { callee, site } => {
                self.put("(macro ");
                self.expr(callee);
                self.site(site);
                self.put(")");
            }
            ExprKind::Method { recv, name, args } => self.call(&format!(".{name}"), recv, args),
            ExprKind::MethodDyn { recv, name, args } => {
                self.put("(.<");
                self.expr(name);
                self.put("> ");
                self.expr(recv);
                self.args(args);
                self.put(")");
            }
            ExprKind::Super { self_, class, name, args } => {
                let _ = write!(self.out, "(super .{name} ");
                self.expr(self_);
                self.put(" ");
                self.expr(class);
                self.args(args);
                self.put(")");
            }
            ExprKind::SuperCtor { self_, class, args } => {
                self.put("(super_ctor ");
                self.expr(self_);
                self.put(" ");
                self.expr(class);
                self.args(args);
                self.put(")");
            }
            ExprKind::New { class, args } => self.call("new", class, args),
            ExprKind::Eval { data, env } => {
                self.list("eval", &[*data]);
                self.env(env);
            }
            ExprKind::CallerEval { data, env } => {
                self.put("(caller_eval ");
                self.expr(data);
                self.put(" ");
                self.var(*env);
                self.put(")");
            }
            ExprKind::Render { data, env } => {
                self.list("render", &[data]);
                self.env(env);
            }
            ExprKind::Class(def) => self.class(def),
            ExprKind::Extend { class, class_var, members } => {
                self.put("(extend ");
                self.expr(class);
                self.put(" as ");
                self.local(*class_var);
                members.iter().for_each(|member| self.member(member));
                self.put(")");
            }
            ExprKind::Interface(def) => {
                let _ = write!(self.out, "(interface {}", def.name);
                def.methods.iter().for_each(|name| self.put(&format!(" .{name}")));
                for (name, readonly) in def.fields {
                    self.put(&format!(" /{name}{}", if *readonly { " readonly" } else { "" }));
                }
                self.put(")");
            }
            ExprKind::Implement { interface, class, class_var, members } => {
                self.list("implement", &[interface, class]);
                self.put(" as ");
                self.local(*class_var);
                members.iter().for_each(|member| self.member(member));
            }
            ExprKind::Enum(def) => {
                let _ = write!(self.out, "(enum {}", def.name);
                for variant in def.variants {
                    let _ = write!(self.out, " {}", variant.name);
                    if let Some(fields) = variant.fields {
                        let field = |field: &EnumField<'_>| match &field.ty {
                            Some(ty) => format!("{}:{}", field.name, form(&ty.form)),
                            None => field.name.to_owned(),
                        };
                        let fields: Vec<String> = fields.iter().map(field).collect();
                        let _ = write!(self.out, "({})", fields.join(" "));
                    }
                }
                self.put(")");
            }
            ExprKind::Namespace(def) => {
                let _ = write!(self.out, "(ns {}", def.name);
                if let Some(parent) = def.parent {
                    self.put(" in ");
                    self.expr(parent);
                }
                if let Some(existing) = def.existing {
                    self.put(" was ");
                    self.var(existing);
                }
                self.put(" as ");
                self.local(def.self_var);
                self.put(" ");
                self.expr(def.body);
                self.put(")");
            }
            ExprKind::Import(import) => {
                self.put("(import");
                for item in import.items {
                    let _ =
                        write!(self.out, " {}", if item.path.is_empty() { "*".into() } else { item.path.join("/") });
                    if let Some(target) = item.target {
                        self.put(":");
                        self.var(target);
                    }
                }
                let _ = write!(self.out, " from {:?})", import.from);
            }
            ExprKind::Async { func, raw } => {
                let _ = write!(self.out, "(async{} fn{func})", if *raw { "_raw" } else { "" });
            }
            ExprKind::Await { values, listed, timeout } => {
                self.list(if *listed { "await..." } else { "await" }, values);
                if let Some(timeout) = timeout {
                    self.put("^timeout ");
                    self.expr(timeout);
                }
            }
            ExprKind::Spawn { callee, args } => self.call("spawn", callee, args),
        }
    }

    fn call(&mut self, head: &str, callee: E<'a>, args: &Args<'a>) {
        self.put("(");
        self.put(head);
        self.put(" ");
        self.expr(callee);
        self.args(args);
        self.put(")");
    }

    fn block(&mut self, block: &Block<'a>) {
        self.put("{");
        let mut first = true;
        if !block.cells.is_empty() {
            self.put("cells");
            for var in block.cells {
                self.put(" ");
                self.local(*var);
            }
            first = false;
        }
        for (var, func) in block.hoisted {
            self.put(if first { "" } else { "; " });
            self.put("hoist ");
            self.var(*var);
            let _ = write!(self.out, " fn{func}");
            first = false;
        }
        for expr in block.body {
            self.put(if first { "" } else { "; " });
            self.expr(expr);
            first = false;
        }
        self.put("}");
    }

    fn catch(&mut self, catch: &Catch<'a>) {
        self.put(" catch ");
        match &catch.kind {
            CatchKind::All { bind } => {
                self.put("*");
                self.bound(*bind);
            }
            CatchKind::Class { class, bind } => {
                self.expr(class);
                self.bound(*bind);
            }
            CatchKind::Pattern(pat) => self.bind_pat(pat),
            CatchKind::Really => self.put("really"),
        }
        self.put(" as ");
        self.var(catch.ex);
        self.put(" ");
        self.expr(catch.body);
    }

    fn bound(&mut self, bind: Option<VarRef>) {
        if let Some(var) = bind {
            self.put(":");
            self.var(var);
        }
    }

    fn bind_target(&mut self, target: &BindTarget<'a>) {
        match target {
            BindTarget::Ignore => self.put("_"),
            BindTarget::Var(var) => self.var(*var),
            BindTarget::Pattern(pat) => self.bind_pat(pat),
        }
    }

    fn bind_pat(&mut self, pat: &BindPat<'a>) {
        match pat {
            BindPat::Ignore => self.put("_"),
            BindPat::Var { var, ty } => {
                self.var(*var);
                if let Some(ty) = ty {
                    let _ = write!(self.out, ":{}", form(&ty.form));
                }
            }
            BindPat::Array { elems, .. } => {
                self.put("[");
                for (at, elem) in elems.iter().enumerate() {
                    if at > 0 {
                        self.put(" ");
                    }
                    self.bind_elem(elem);
                }
                self.put("]");
            }
            BindPat::Map { entries, rest, .. } => {
                self.put("{");
                for entry in *entries {
                    let _ = write!(self.out, "^{} ", entry.key);
                    self.bind_pat(&entry.pat);
                    self.default(entry.default);
                    self.put(" ");
                }
                if let Some(rest) = rest {
                    self.var(*rest);
                    self.put("...");
                }
                self.put("}");
            }
        }
    }

    fn default(&mut self, default: Option<E<'a>>) {
        if let Some(default) = default {
            self.put("=");
            self.expr(default);
        }
    }

    fn bind_elem(&mut self, elem: &BindElem<'a>) {
        match elem {
            BindElem::One { pat, default } => {
                self.bind_pat(pat);
                self.default(*default);
            }
            BindElem::Rest(var) => {
                match var {
                    Some(var) => self.var(*var),
                    None => self.put("_"),
                }
                self.put("...");
            }
            BindElem::Prop { name, var, default } => {
                let _ = write!(self.out, "^{name}:");
                self.var(*var);
                self.default(*default);
            }
            BindElem::PropRest(var) => {
                self.put("^");
                self.var(*var);
                self.put("...");
            }
        }
    }

    fn case_pat(&mut self, pat: &CasePat<'a>) {
        with_stack(|| self.case_pat_here(pat));
    }

    fn case_pat_here(&mut self, pat: &CasePat<'a>) {
        match pat {
            CasePat::Any => self.put("_"),
            CasePat::Bind(var) => {
                self.put("bind ");
                self.var(*var);
            }
            CasePat::Literal(expr) => self.expr(expr),
            CasePat::Value(expr) => self.list("value", &[expr]),
            CasePat::Equal(expr) => self.list("equal", &[expr]),
            CasePat::Unit { name, value } => self.list(&format!("unit {name}"), value.as_slice()),
            CasePat::UnitOrBind { name, var } => {
                let _ = write!(self.out, "(unit_or_bind {name} ");
                self.var(*var);
                self.put(")");
            }
            CasePat::Variant { name, path, fields } => {
                let _ = write!(self.out, "(variant {name}");
                if let Some(path) = path {
                    self.put(" at ");
                    self.expr(path);
                }
                match fields {
                    VariantFields::Positional(pats) => self.pats(pats),
                    VariantFields::Named(entries) => self.entries(entries),
                }
                self.put(")");
            }
            CasePat::Array { items, rest } => {
                self.put("[");
                self.items(items, *rest);
                self.put("]");
            }
            CasePat::Map { entries, rest } => {
                self.put("{");
                self.entries(entries);
                if let Some(rest) = rest {
                    self.put(" ");
                    self.var(*rest);
                    self.put("...");
                }
                self.put("}");
            }
            CasePat::Gene { ty, entries, rest_props, items, rest } => {
                self.put("(gene ");
                match ty {
                    GeneType::Any => self.put("_"),
                    GeneType::Literal(data) => self.put(&form(data)),
                    GeneType::Value(expr) => {
                        self.put("%");
                        self.expr(expr);
                    }
                }
                self.entries(entries);
                if let Some(rest) = rest_props {
                    self.put(" ^");
                    self.var(*rest);
                    self.put("...");
                }
                self.items(items, *rest);
                self.put(")");
            }
            CasePat::Or(pats) => {
                self.put("(or");
                self.pats(pats);
                self.put(")");
            }
            CasePat::As(var, pat) => {
                self.put("(as ");
                self.var(*var);
                self.put(" ");
                self.case_pat(pat);
                self.put(")");
            }
            CasePat::Is { ty, bind } => {
                self.put("(is ");
                self.expr(ty);
                self.bound(*bind);
                self.put(")");
            }
            CasePat::Not(pat) => {
                self.put("(not ");
                self.case_pat(pat);
                self.put(")");
            }
        }
    }

    fn pats(&mut self, pats: &[CasePat<'a>]) {
        for pat in pats {
            self.put(" ");
            self.case_pat(pat);
        }
    }

    fn items(&mut self, items: &[CasePat<'a>], rest: Option<CaseRest>) {
        for at in 0..=items.len() {
            if let Some(rest) = rest.filter(|rest| rest.at as usize == at) {
                self.put(" ");
                match rest.var {
                    Some(var) => self.var(var),
                    None => self.put("_"),
                }
                self.put("...");
            }
            self.pats(items.get(at..=at).unwrap_or_default());
        }
    }

    fn entries(&mut self, entries: &[(&'a str, CasePat<'a>)]) {
        for (key, pat) in entries {
            let _ = write!(self.out, " ^{key} ");
            self.case_pat(pat);
        }
    }

    fn class(&mut self, def: &ClassDef<'a>) {
        let _ = write!(self.out, "({} {}", if def.object { "object" } else { "class" }, def.name);
        if let Some(parent) = def.parent {
            self.put(" < ");
            self.expr(parent);
        }
        self.put(" as ");
        self.local(def.class_var);
        if def.field_hint > 0 {
            let _ = write!(self.out, " fields={}", def.field_hint);
        }
        def.members.iter().for_each(|member| self.member(member));
        self.put(")");
    }

    fn member(&mut self, member: &Member<'a>) {
        match member {
            Member::Ctor(func) => {
                let _ = write!(self.out, " ctor=fn{func}");
            }
            Member::Method { name, func } => {
                let _ = write!(self.out, " {name}=fn{func}");
            }
            Member::Field { name, ty, default } => {
                let _ = write!(self.out, " field {name}");
                if let Some(ty) = ty {
                    let _ = write!(self.out, ":{}", form(&ty.form));
                }
                if let Some(default) = default {
                    let _ = write!(self.out, "=fn{default}");
                }
            }
            Member::StaticFn { name, func } => {
                let _ = write!(self.out, " static {name}=fn{func}");
            }
            Member::StaticValue { name, value } => {
                let _ = write!(self.out, " static {name}=");
                self.expr(value);
            }
            Member::OnMissing(func) => {
                let _ = write!(self.out, " missing=fn{func}");
            }
            Member::Implements(expr) => {
                self.put(" implements ");
                self.expr(expr);
            }
            Member::Other(expr) => {
                self.put(" ");
                self.expr(expr);
            }
        }
    }
}

/// `None` for a variable without properties.
fn var_flags(var: &VarInfo<'_>) -> Option<String> {
    let mut text = var.name.to_owned();
    let flags = [(var.cell, "cell"), (var.early, "early"), (var.checked, "checked"), (var.assigned, "assigned")];
    for (flag, name) in flags {
        if flag {
            let _ = write!(text, " {name}");
        }
    }
    if let Some(ty) = &var.ty {
        let _ = write!(text, ":{}", form(&ty.form));
    }
    (text != var.name).then_some(text)
}

fn capture(capture: &Capture<'_>) -> String {
    let mut text = match capture.source {
        CaptureSource::Local(_) => capture.name.to_owned(),
        CaptureSource::Captured(index) => format!("{}@{index}", capture.name),
        CaptureSource::Env(index) => format!("{}@env{index}", capture.name),
    };
    for (flag, name) in [(capture.cell, "cell"), (capture.checked, "checked")] {
        if flag {
            let _ = write!(text, " {name}");
        }
    }
    text
}
