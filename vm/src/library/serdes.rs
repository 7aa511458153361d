//! Namespace `gene/serdes` (language 15.3), and the names under which classes, functions, namespaces, enums and exported
//! instances can be found again.
//!
//! Methods `serialize` and `deserialize` of scripts may wait, and so may the body of a module that reading imports. When one of
//! them is needed, the work goes on in `prelude/serdes.gene`, which calls them between native steps: the functions with `_` in
//! front, members of the namespace.
use super::args::{string, wrong_kind};
use super::string::new_string;
use super::{serdes_read, serdes_write};
use crate::def;
use crate::heap::{Gc, Kind};
use crate::interp::member;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::array::Array;
use crate::object::class::ClassObj;
use crate::object::enums::EnumObj;
use crate::object::function::{Cell, Function};
use crate::object::namespace::{Member, NamespaceObj};
use crate::object::table::Table;
use crate::prelude::ENTRIES;
use crate::value::{Sym, Value};
use crate::vm::Vm;
use rustc_hash::FxHashMap;

// --- names of modules and members

/// Where something is defined: the module's specifier (empty for builtins) and the path inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub module: String,
    pub path: String,
}

/// What can be named, by identity.
pub type Places = FxHashMap<u64, Place>;

/// The specifier of a module: its path without extension, relative to the directory of the program.
fn specifier(vm: &Vm, id: usize) -> String {
    let identity = &vm.modules[id].name;
    let main = vm.modules.get(vm.main_module as usize).map_or("", |m| m.name.as_str());
    let dir = main.rfind('/').map_or("", |i| &main[..i + 1]);
    let relative = identity.strip_prefix(dir).unwrap_or(identity);
    relative.strip_suffix(".gene").unwrap_or(relative).to_owned()
}

/// The loaded module of that specifier.
fn module(vm: &Vm, spec: &str) -> Option<usize> {
    (0..vm.modules.len()).find(|&i| specifier(vm, i) == spec)
}

/// The module in which a function, class or enum was defined, as far as it knows.
fn home(v: Value) -> Option<u32> {
    match v.heap_kind()? {
        Kind::Function => Some(v.gc::<Function>().proto().source.module),
        Kind::Class => v.gc::<ClassObj>().data().module,
        Kind::Enum => v.gc::<EnumObj>().data().module,
        _ => None,
    }
}

/// Everything that has a name. Modules come first, in the order of loading, then builtins.
pub fn places(vm: &Vm) -> Places {
    let mut found = Places::default();
    for id in 0..vm.modules.len() {
        if vm.modules[id].name.starts_with(['<', '\0']) && id != vm.main_module as usize {
            continue;
        }
        let walk = Walk { vm, module: specifier(vm, id), home: Some(id as u32) };
        walk.namespace(vm.modules[id].namespace, "", &mut found);
    }
    let walk = Walk { vm, module: String::new(), home: None };
    walk.namespace(vm.globals, "", &mut found);
    walk.namespace(vm.gene_ns, "gene/", &mut found);
    found
}

struct Walk<'v> {
    vm: &'v Vm,
    module: String,
    home: Option<u32>,
}

impl Walk<'_> {
    fn namespace(&self, ns: Gc<NamespaceObj>, prefix: &str, found: &mut Places) {
        for &(name, m) in &ns.data().members {
            let v = match m {
                Member::Value(v) => v,
                Member::Cell(c) => c.gc::<Cell>().value,
            };
            self.member(v, name, prefix, found);
        }
    }

    fn member(&self, v: Value, name: Sym, prefix: &str, found: &mut Places) {
        let nameable = matches!(
            v.heap_kind(),
            Some(Kind::Class | Kind::Function | Kind::Native | Kind::Namespace | Kind::Enum | Kind::Instance)
        );
        let name = self.vm.sym_name(name);
        // A member that was imported from somewhere else is named there. No script can write names with `%`.
        let elsewhere = home(v).is_some_and(|h| self.home.is_some_and(|here| here != h));
        if !nameable || elsewhere || name.starts_with('%') || found.contains_key(&v.0) {
            return;
        }
        let path = format!("{prefix}{}", name.replace('/', "\\/"));
        found.insert(v.0, Place { module: self.module.clone(), path: path.clone() });
        match v.heap_kind() {
            Some(Kind::Namespace) => self.namespace(v.gc(), &format!("{path}/"), found),
            Some(Kind::Class) => {
                for (&name, &m) in &v.gc::<ClassObj>().data().statics {
                    self.member(m, name, &format!("{path}/"), found);
                }
            }
            _ => {}
        }
    }
}

/// The names of a path: parts between `/`, in which `\/` is a slash.
fn names(path: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match (c, out.last_mut()) {
            ('/', _) => out.push(String::new()),
            (_, None) => {}
            ('\\', Some(name)) => name.extend(chars.next()),
            (c, Some(name)) => name.push(c),
        }
    }
    out
}

/// What stands at a place.
pub fn resolve(vm: &mut Vm, place: &Place) -> R {
    let root = if place.module.is_empty() {
        vm.globals
    } else {
        match module(vm, &place.module) {
            Some(id) => vm.modules[id].namespace,
            None => {
                let m = format!("Module '{}' is not loaded", place.module);
                return Err(vm.runtime_error(&m));
            }
        }
    };
    let mut v = root.value();
    for name in names(&place.path) {
        let s = vm.sym(&name);
        v = match v.get::<NamespaceObj>(Kind::Namespace) {
            Some(ns) => vm.namespace_get(ns, s).unwrap_or(Value::VOID),
            None => member::get_member(vm, v, s)?,
        };
        if v.is_void() {
            let m = format!("[GENE.MODULE.MEMBER_NOT_FOUND] Module '{}' has no member '{}'", place.module, place.path);
            return Err(vm.runtime_error(&m));
        }
    }
    Ok(v)
}

pub fn is_loaded(vm: &Vm, spec: &str) -> bool {
    spec.is_empty() || module(vm, spec).is_some()
}

/// The name a prelude function is registered by: its stub and what takes the stub's place are one function.
pub fn prelude_place(v: Value) -> Option<Place> {
    let (def, data) = v.as_native()?;
    if !std::ptr::eq(def, &crate::native::PRELUDE) {
        return None;
    }
    let entry = &ENTRIES[data.small_int() as usize];
    entry.class.is_empty().then(|| Place { module: String::new(), path: entry.name.to_owned() })
}

// --- natives

fn namespace(vm: &mut Vm) -> Gc<NamespaceObj> {
    let gene = vm.gene_ns;
    vm.sub_namespace(gene, "serdes")
}

fn serialize(vm: &mut Vm, a: &Args) -> R {
    match serdes_write::write(vm, a.get(0), None)? {
        Some(text) => new_string(vm, &text),
        None => {
            let ns = namespace(vm).value();
            super::collection::tail_method(vm, ns, "_serialize", &[a.get(0)])
        }
    }
}

fn deserialize(vm: &mut Vm, a: &Args) -> R {
    let text = string(vm, "deserialize", a.get(0))?;
    let data = serdes_read::read(vm, text)?;
    if serdes_read::needs_script(vm, data)? {
        let ns = namespace(vm).value();
        return super::collection::tail_method(vm, ns, "_deserialize", &[data]);
    }
    serdes_read::build(vm, data)
}

fn array(vm: &mut Vm, v: Value) -> Result<Gc<Array>, Stop> {
    match v.get::<Array>(Kind::Array) {
        Some(a) => Ok(a),
        None => Err(wrong_kind(vm, "serdes", "Array", v)),
    }
}

fn table(vm: &mut Vm, v: Value) -> Result<Gc<Table>, Stop> {
    match v.get::<Table>(Kind::HashMap) {
        Some(t) => Ok(t),
        None => Err(wrong_kind(vm, "serdes", "HashMap", v)),
    }
}

/// `(_instances v done)`: the instances in `v` whose method `serialize` must be called, as far as they are not in `done`, a
/// HashMap from their identity to their number, where they are added.
fn instances(vm: &mut Vm, a: &Args) -> R {
    let done = table(vm, a.get(1))?;
    Ok(serdes_write::instances(vm, a.get(0), done)?.value())
}

/// `(_checked instance result)`: the result of `serialize`, which must lead away from the class.
fn checked(vm: &mut Vm, a: &Args) -> R {
    let (v, result) = (a.get(0), a.get(1));
    if result.is_kind(Kind::Instance) && vm.instance_class(result.gc()) == vm.instance_class(v.gc()) {
        let m = format!("serialize of {} must give another kind of value", vm.kind_name(v));
        return Err(vm.type_error(&m));
    }
    Ok(result)
}

/// `(_write v done results)`
fn write(vm: &mut Vm, a: &Args) -> R {
    let (done, results) = (table(vm, a.get(1))?, array(vm, a.get(2))?);
    match serdes_write::write(vm, a.get(0), Some((done, results)))? {
        Some(text) => new_string(vm, &text),
        None => Err(vm.runtime_error("value changed while it was serialized")),
    }
}

fn modules(vm: &mut Vm, a: &Args) -> R {
    Ok(serdes_read::modules(vm, a.get(0))?.value())
}

/// `(_import spec)`: runs the module's body when it is not loaded yet; gives its namespace or the body's value.
fn import(vm: &mut Vm, a: &Args) -> R {
    let spec = string(vm, "import", a.get(0))?;
    if is_loaded(vm, spec) {
        return Ok(Value::NIL);
    }
    match vm.import_module(spec, None, None, vm.main_module)? {
        (id, Some(body)) => {
            vm.modules[id as usize].running = true;
            vm.tail_call(body, &[])
        }
        (_, None) => Ok(Value::NIL),
    }
}

fn imported(vm: &mut Vm, a: &Args) -> R {
    let spec = string(vm, "import", a.get(0))?;
    if let Some(id) = module(vm, spec) {
        vm.modules[id].running = false;
    }
    Ok(Value::NIL)
}

fn forms(vm: &mut Vm, a: &Args) -> R {
    Ok(serdes_read::instance_forms(vm, a.get(0))?.value())
}

fn allocate(vm: &mut Vm, a: &Args) -> R {
    serdes_read::allocate(vm, a.get(0))
}

fn content(vm: &mut Vm, a: &Args) -> R {
    serdes_read::instance_content(vm, a.get(0))
}

fn finish(vm: &mut Vm, a: &Args) -> R {
    serdes_read::finish_instance(vm, a.get(0), a.get(1));
    Ok(Value::NIL)
}

fn build(vm: &mut Vm, a: &Args) -> R {
    serdes_read::build(vm, a.get(0))
}

#[rustfmt::skip]
static FUNCTIONS: &[NativeDef] = &[
    def!("serialize", serialize, 1, 1, r#"(gene/serdes/serialize v) -- Gene text from which the value can be restored.
        (gene/serdes/serialize [1 "two"]) => "(gene/serialization [1 \"two\"])""#),
    def!("deserialize", deserialize, 1, 1, r#"(gene/serdes/deserialize s) -- The value of serialized text.
        (gene/serdes/deserialize "(gene/serialization [1 2])") => [1 2]"#),
    def!("_instances", instances, 2, 2, ""),
    def!("_checked", checked, 2, 2, ""),
    def!("_write", write, 3, 3, ""),
    def!("_modules", modules, 1, 1, ""),
    def!("_import", import, 1, 1, ""),
    def!("_imported", imported, 1, 1, ""),
    def!("_forms", forms, 1, 1, ""),
    def!("_allocate", allocate, 1, 1, ""),
    def!("_content", content, 1, 1, ""),
    def!("_finish", finish, 2, 2, ""),
    def!("_build", build, 1, 1, ""),
];

pub fn install(vm: &mut Vm) {
    let ns = namespace(vm);
    vm.add_functions(ns, FUNCTIONS);
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn slashes_in_names_are_escaped() {
        assert_eq!(names("a/b"), ["a", "b"]);
        assert_eq!(names(r"a\/b/c"), ["a/b", "c"]);
        assert_eq!(names(""), [""]);
    }
}
