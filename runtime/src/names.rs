//! What can be written in a session, for completion.
use crate::Vm;
use gene_vm::compile::lower::RESERVED;
use gene_vm::heap::{Gc, Kind};
use gene_vm::library::help::{Home, entries};
use gene_vm::object::class::ClassObj;
use gene_vm::object::function::Cell;
use gene_vm::object::map::Map;
use gene_vm::object::namespace::NamespaceObj;
use gene_vm::value::Value;

/// `$name` values and forms.
const DOLLAR: &[&str] = &[
    "$app",
    "$args",
    "$caller_eval",
    "$cwd",
    "$delete",
    "$duration",
    "$duration_start",
    "$env",
    "$ex",
    "$is_main",
    "$ns",
    "$parse",
    "$parse_all",
    "$pkg",
    "$program",
    "$render",
    "$set",
    "$update",
];

/// Steps into values of the session.
const DEPTH: usize = 3;
/// Names found in them.
const LIMIT: usize = 5_000;

impl Vm {
    /// Globals, special forms, the variables of the session with what is inside their values, members of namespaces, and methods
    /// with their dot. Sorted.
    pub fn names(&self) -> Vec<String> {
        let vm = &*self.inner;
        let mut names: Vec<String> = RESERVED.iter().chain(DOLLAR).map(|&n| n.to_owned()).collect();
        names.extend(vm.globals.data().index.keys().map(|&s| vm.sym_name(s).to_owned()));
        for e in entries(vm) {
            if let Home::Namespace(path) = &e.home {
                // `gene/json` is not a builtin itself, but the way to some.
                names.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
                names.push(path.clone());
            }
            names.push(match e.home {
                Home::Class(_) => format!(".{}", e.name),
                Home::Static(class) => format!("{class}/{}", e.name),
                _ => e.full_name(),
            });
        }
        if let Some(m) = self.session.and_then(|id| vm.modules.get(id as usize)) {
            let before = names.len();
            for (name, cell, _) in &m.vars {
                let name = vm.sym_name(*name);
                let value = cell.get::<Cell>(Kind::Cell).map_or(*cell, |c| c.value);
                self.inside(value, name, 0, before, &mut names);
                names.push(name.to_owned());
            }
            self.members_of(m.namespace, "", 0, before, &mut names);
        }
        names.retain(|n| !n.starts_with(['%', '_']) && !n.contains("/_"));
        names.sort();
        names.dedup();
        names
    }

    fn members_of(&self, ns: Gc<NamespaceObj>, path: &str, depth: usize, before: usize, names: &mut Vec<String>) {
        let vm = &*self.inner;
        for (name, _) in &ns.data().members {
            let Some(v) = vm.namespace_get(ns, *name).filter(|v| !v.is_undef()) else { continue };
            let full = format!("{path}{}", vm.sym_name(*name));
            self.inside(v, &full, depth, before, names);
            names.push(full);
        }
    }

    /// What a path through the value may go on with, and the methods of a class.
    fn inside(&self, v: Value, path: &str, depth: usize, before: usize, names: &mut Vec<String>) {
        let vm = &*self.inner;
        if depth >= DEPTH || names.len() - before > LIMIT {
            return;
        }
        if let Some(ns) = v.get::<NamespaceObj>(Kind::Namespace) {
            self.members_of(ns, &format!("{path}/"), depth + 1, before, names);
        } else if let Some(c) = v.get::<ClassObj>(Kind::Class) {
            names.extend(c.data().methods.keys().map(|&m| format!(".{}", vm.sym_name(m))));
            names.extend(c.data().statics.keys().map(|&m| format!("{path}/{}", vm.sym_name(m))));
        } else if let Some(m) = v.get::<Map>(Kind::Map).or(v.get::<Map>(Kind::Instance)) {
            for (key, inner) in vm.map_entries(m).into_iter().take(LIMIT) {
                let full = format!("{path}/{}", vm.sym_name(key));
                self.inside(inner, &full, depth + 1, before, names);
                names.push(full);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_session_offers_what_it_defined() {
        let mut vm = crate::Vm::builder().build();
        let code = "(var table {^alpha {^beta 4} ^_hidden 1}) (ns Deep (fn /hello [] 1) (ns /In (var /three 3))) \
            (class Point (static origin [] 0) (ctor [] (/x = 2)) (method far [] 1)) (var p (new Point)) (fn twice [n] n) \
            (var loop_ {}) (loop_ .set \"again\" loop_)";
        vm.eval_as("<test>", code).map(|_| ()).expect("runs");
        let names = vm.names();
        for name in [
            "println",
            "while",
            "fn",
            "$args",
            "$set",
            "gene/json",
            "gene/json/parse",
            "math/sin",
            ".map",
            "Date/parse",
            "table",
            "table/alpha",
            "table/alpha/beta",
            "Deep/hello",
            "Deep/In",
            "Deep/In/three",
            "Point/origin",
            ".far",
            "p/x",
            "twice",
            "loop_/again/again",
        ] {
            assert!(names.iter().any(|n| n == name), "{name}");
        }
        assert!(!names.iter().any(|n| n.contains("hidden") || n.starts_with('%')));
        assert!(names.is_sorted());
    }
}
