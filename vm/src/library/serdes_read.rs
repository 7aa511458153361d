//! Serialized Gene text to values (language 15.3). The reader's data is turned into the value in place; marked forms become what
//! they stand for. See [`super::serdes_write`] for the forms.
use super::collection::look;
use super::serdes::{self, Place};
use super::serdes_write::{SPECIAL_FLOATS, is_marked};
use crate::compile::quote::{NO_SOURCE, form_to_value};
use crate::heap::{Gc, Kind, Record};
use crate::interp::types;
use crate::native::{R, Stop};
use crate::object::array::Array;
use crate::object::class::ClassObj;
use crate::object::map::Map;
use crate::object::table::Table;
use crate::syntax;
use crate::syntax::form::{FormKind, PathPart};
use crate::syntax::source::Source;
use crate::value::Value;
use crate::vm::Vm;
use bumpalo::Bump;

const HEAD: &str = "(gene/serialization";

/// The one form of a text as data; `None` when there is none, or more.
pub fn read_one(vm: &mut Vm, text: &str) -> Option<Value> {
    let arena = Bump::new();
    match syntax::read_printed(&arena, text).ok()?[..] {
        [form] => Some(form_to_value(vm, &form, NO_SOURCE)),
        _ => None,
    }
}

fn invalid(vm: &mut Vm, what: &str) -> Stop {
    vm.parse_error(&format!("Invalid serialization: {what}"))
}

/// The data of a serialized text.
pub fn read(vm: &mut Vm, text: &str) -> R {
    let starts = text
        .strip_prefix(HEAD)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '\t', '\r', ',', ')']));
    if !starts {
        return Err(vm.argument_error("not a serialized value: (gene/serialization expected"));
    }
    let arena = Bump::new();
    let forms = match syntax::read_printed(&arena, text) {
        Ok(forms) => forms,
        Err(e) => {
            let source = Source::new("<serialization>", text.to_owned());
            let (line, column) = source.line_col(e.span.start);
            return Err(vm.parse_error(&format!("<serialization>:{line}:{column}: {}", e.message)));
        }
    };
    let [form] = forms[..] else { return Err(invalid(vm, "one form expected")) };
    match form.kind {
        FormKind::Gene(g) if is_head(g.head.map(|h| h.kind)) && g.props.is_empty() && !g.frozen => match g.children {
            [data] => Ok(form_to_value(vm, data, NO_SOURCE)),
            _ => Err(invalid(vm, "one value expected")),
        },
        _ => Err(invalid(vm, "(gene/serialization DATA) expected")),
    }
}

fn is_head(kind: Option<FormKind<'_>>) -> bool {
    matches!(kind, Some(FormKind::Path([PathPart::Name("gene"), PathPart::Name("serialization")])))
}

/// The mark of a gene that stands for something else.
fn mark(vm: &Vm, g: Gc<Record>) -> Option<&'static str> {
    is_marked(vm, g.gene_type()).then(|| g.gene_type().as_sym().map_or("", |s| vm.sym_name(s)))
}

/// The place a reference names.
fn place(vm: &mut Vm, v: Value, kinds: &[&str]) -> Result<Place, Stop> {
    let g = v.as_gene().filter(|&g| mark(vm, g).is_some_and(|m| kinds.contains(&m)));
    let Some(g) = g else { return Err(invalid(vm, &format!("{} expected", kinds[0]))) };
    let mut text = |name: &'static str| {
        let key = vm.symbols.intern_static(name);
        vm.gene_get_prop(g, key).and_then(|v| v.as_str().map(str::to_owned))
    };
    match (text("module"), text("path")) {
        (Some(module), Some(path)) => Ok(Place { module, path }),
        _ => Err(invalid(vm, "a reference needs ^module and ^path")),
    }
}

/// What a reference of kind `mark` stands for.
fn reference(vm: &mut Vm, v: Value, mark: &'static str) -> R {
    let place = place(vm, v, &[mark])?;
    let found = serdes::resolve(vm, &place)?;
    let (fits, what) = match mark {
        "ClassRef" => (found.is_kind(Kind::Class), "Class"),
        "FunctionRef" => {
            (matches!(found.heap_kind(), Some(Kind::Function | Kind::Native | Kind::BoundMethod)), "Function")
        }
        "NamespaceRef" => (found.is_kind(Kind::Namespace), "Namespace"),
        "EnumRef" => (matches!(found.heap_kind(), Some(Kind::Enum | Kind::Variant)), "Enum"),
        _ => (found.is_kind(Kind::Instance), "instance"),
    };
    if fits {
        return Ok(found);
    }
    let (kind, Place { module, path }) = (vm.kind_name(found), place);
    Err(vm.type_error(&format!("Member '{path}' of module '{module}' is no {what} but {kind}")))
}

// --- what has to be done by script code first

/// Calls `visit` with every marked gene, inner ones first.
fn each_marked(vm: &mut Vm, v: Value, visit: &mut dyn FnMut(&mut Vm, Gc<Record>, &'static str)) {
    crate::stack::grow(|| match v.heap_kind() {
        Some(Kind::Array) => {
            for &x in v.gc::<Array>().as_slice() {
                each_marked(vm, x, visit);
            }
        }
        Some(Kind::Map) => {
            for (_, x) in vm.map_entries(v.gc()) {
                each_marked(vm, x, visit);
            }
        }
        Some(Kind::HashMap) => {
            for (k, x) in v.gc::<Table>().iter().collect::<Vec<_>>() {
                each_marked(vm, k, visit);
                each_marked(vm, x, visit);
            }
        }
        Some(Kind::Quote) => each_marked(vm, v.gc::<Record>().slot(0), visit),
        Some(Kind::Gene) => {
            let g: Gc<Record> = v.gc();
            match (mark(vm, g), g.gene_children().as_slice()) {
                // What is quoted is no reference itself, but may hold some.
                (Some("Quoted"), &[inner]) => match inner.as_gene() {
                    Some(inner) => each_in_gene(vm, inner, visit),
                    None => each_marked(vm, inner, visit),
                },
                (m, _) => {
                    each_in_gene(vm, g, visit);
                    if let Some(m) = m {
                        visit(vm, g, m);
                    }
                }
            }
        }
        _ => {}
    });
}

fn each_in_gene(vm: &mut Vm, g: Gc<Record>, visit: &mut dyn FnMut(&mut Vm, Gc<Record>, &'static str)) {
    each_marked(vm, g.gene_type(), visit);
    if let Some(m) = g.gene_props() {
        each_marked(vm, m.value(), visit);
    }
    for &x in g.gene_children().as_slice() {
        each_marked(vm, x, visit);
    }
}

/// Whether a module has to be loaded or a method to be called.
pub fn needs_script(vm: &mut Vm, data: Value) -> Result<bool, Stop> {
    let mut needed = false;
    each_marked(vm, data, &mut |_, _, mark| needed |= mark == "Instance");
    Ok(needed || modules(vm, data)?.size() > 0)
}

/// Specifiers of the modules that are referred to and not loaded.
pub fn modules(vm: &mut Vm, data: Value) -> Result<Gc<Array>, Stop> {
    let mut specs: Vec<String> = Vec::new();
    let module = vm.symbols.intern_static("module");
    each_marked(vm, data, &mut |vm, g, mark| {
        if mark.ends_with("Ref")
            && let Some(spec) = vm.gene_get_prop(g, module).and_then(Value::as_str)
            && !specs.iter().any(|s| s == spec)
            && !serdes::is_loaded(vm, spec)
        {
            specs.push(spec.to_owned());
        }
    });
    let out = vm.heap.array_with_capacity(specs.len());
    for spec in specs {
        let spec = vm.str(&spec);
        vm.heap.array_push(out, spec);
    }
    Ok(out)
}

/// The forms of instances, inner ones first.
pub fn instance_forms(vm: &mut Vm, data: Value) -> Result<Gc<Array>, Stop> {
    let out = vm.heap.array_with_capacity(0);
    each_marked(vm, data, &mut |vm, g, mark| {
        if mark == "Instance" {
            vm.heap.array_push(out, g.value());
        }
    });
    Ok(out)
}

fn instance_parts(vm: &mut Vm, form: Value) -> Result<(Value, Value), Stop> {
    match form.as_gene().map(|g| g.gene_children().as_slice()) {
        Some(&[class, content]) => Ok((class, content)),
        _ => Err(invalid(vm, "(Instance CLASS DATA) expected")),
    }
}

/// A new instance of the form's class, made without its constructor.
pub fn allocate(vm: &mut Vm, form: Value) -> R {
    let (class, _) = instance_parts(vm, form)?;
    let class: Gc<ClassObj> = reference(vm, class, "ClassRef")?.gc();
    if class.data().builtin {
        let m = format!("Cannot make an instance of {}", vm.sym_name(class.data().name));
        return Err(vm.type_error(&m));
    }
    Ok(vm.instance(class).value())
}

/// What the form's instance gets to restore itself from.
pub fn instance_content(vm: &mut Vm, form: Value) -> R {
    let (_, content) = instance_parts(vm, form)?;
    build(vm, content)
}

/// From now on the form stands for `v`. An undefined type says so.
pub fn finish_instance(vm: &mut Vm, form: Value, v: Value) {
    if let Some(g) = form.as_gene() {
        let result = vm.heap.array(&[v]);
        g.set_slot(&mut vm.heap, 0, Value::UNDEF);
        g.set_slot(&mut vm.heap, 2, result.value());
    }
}

// --- building

/// The value that data stands for. The data is used up.
pub fn build(vm: &mut Vm, v: Value) -> R {
    crate::stack::grow(|| match v.heap_kind() {
        Some(Kind::Array) => {
            build_items(vm, v.gc())?;
            Ok(v)
        }
        Some(Kind::Map) => {
            build_entries(vm, v.gc())?;
            Ok(v)
        }
        Some(Kind::HashMap) => build_table(vm, v.gc()),
        Some(Kind::Quote) => {
            let q: Gc<Record> = v.gc();
            let inner = build(vm, q.slot(0))?;
            q.set_slot(&mut vm.heap, 0, inner);
            Ok(v)
        }
        Some(Kind::Gene) => build_gene(vm, v.gc()),
        _ => Ok(match v.as_sym().map(|s| vm.sym_name(s)) {
            Some(name) => SPECIAL_FLOATS.iter().find(|f| f.0 == name).map_or(v, |f| Value::float(f.1)),
            None => v,
        }),
    })
}

fn build_items(vm: &mut Vm, a: Gc<Array>) -> Result<(), Stop> {
    for i in 0..a.size() {
        let x = build(vm, a.as_slice()[i])?;
        vm.heap.array_set(a, i, x);
        look(vm, i)?;
    }
    Ok(())
}

fn build_entries(vm: &mut Vm, m: Gc<Map>) -> Result<(), Stop> {
    for (k, x) in vm.map_entries(m) {
        let x = build(vm, x)?;
        vm.map_set(m, k, x);
    }
    Ok(())
}

/// Keys change their hash when they are built.
fn build_table(vm: &mut Vm, t: Gc<Table>) -> R {
    let out = vm.heap.table(Kind::HashMap);
    let mut at = 0;
    while let Some(i) = t.next_entry(at) {
        at = i + 1;
        let k = build(vm, t.key_at(i))?;
        let x = build(vm, t.value_at(i))?;
        vm.table_set(out, k, x)?;
    }
    out.header_mut().set_frozen(t.header().frozen());
    Ok(out.value())
}

fn build_parts(vm: &mut Vm, g: Gc<Record>) -> R {
    let ty = build(vm, g.gene_type())?;
    g.set_slot(&mut vm.heap, 0, ty);
    if let Some(m) = g.gene_props() {
        build_entries(vm, m)?;
    }
    build_items(vm, g.gene_children())?;
    Ok(g.value())
}

fn build_gene(vm: &mut Vm, g: Gc<Record>) -> R {
    if g.gene_type().is_undef() {
        return Ok(g.gene_children().at(0).unwrap_or(Value::NIL));
    }
    let Some(mark) = mark(vm, g) else { return build_parts(vm, g) };
    let children = g.gene_children();
    let frozen = g.header().frozen();
    match (mark, children.as_slice()) {
        ("Quoted", &[inner]) => match inner.as_gene() {
            Some(inner) => build_parts(vm, inner),
            // A text is the name of a symbol that has no spelling.
            None => Ok(match inner.as_str() {
                Some(name) => Value::sym(vm.sym(name)),
                None => inner,
            }),
        },
        ("ClassRef" | "FunctionRef" | "NamespaceRef" | "EnumRef" | "InstanceRef", []) => reference(vm, g.value(), mark),
        ("EnumValue", [variant, ..]) => {
            let variant = reference(vm, *variant, "EnumRef")?;
            if !variant.is_kind(Kind::Variant) {
                return Err(invalid(vm, "an enum value needs a variant"));
            }
            let payload = vm.heap.array(&children.as_slice()[1..]);
            build_items(vm, payload)?;
            types::construct_variant(vm, variant, payload.as_slice(), &[])
        }
        ("HashSet", _) => {
            build_items(vm, children)?;
            let set = super::collection::set_of(vm, children)?;
            set.header_mut().set_frozen(frozen);
            Ok(set.value())
        }
        ("Range", &[start, end, step]) => {
            let parts = [build(vm, start)?, build(vm, end)?, build(vm, step)?];
            vm.range(parts[0], parts[1], parts[2])
        }
        ("Regex", &[pattern, flags, replacement]) => match (pattern.as_str(), flags.as_str(), replacement.as_str()) {
            (Some(pattern), Some(flags), Some(r)) => super::regex::make_regex(vm, pattern, flags, Some(r)),
            _ => Err(invalid(vm, "malformed Regex")),
        },
        ("Bytes", []) => Ok(vm.heap.bytes(&[]).value()),
        ("Map", items) if items.len() % 2 == 0 => {
            build_items(vm, children)?;
            let m = vm.map_with_capacity(items.len() / 2);
            for pair in children.as_slice().chunks_exact(2) {
                let k = super::map::key(vm, pair[0])?;
                vm.map_set(m, k, pair[1]);
            }
            m.header_mut().set_frozen(frozen);
            Ok(m.value())
        }
        ("Gene", &[_, _, _]) => {
            build_items(vm, children)?;
            let &[ty, props, items] = children.as_slice() else { return Err(invalid(vm, mark)) };
            let (Some(props), Some(items)) = (props.get::<Map>(Kind::Map), items.get::<Array>(Kind::Array)) else {
                return Err(invalid(vm, "(Gene TYPE {PROPS} [CHILDREN]) expected"));
            };
            props.header_mut().set_frozen(false);
            let gene = vm.gene(ty, props.value(), items);
            gene.header_mut().set_frozen(frozen);
            Ok(gene.value())
        }
        _ => Err(invalid(vm, &format!("malformed {mark}"))),
    }
}
