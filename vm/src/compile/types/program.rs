//! What a unit declares: functions, classes and enums by the variables that hold them, and what could change them later.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::compile::codegen::walk;
use crate::compile::hir::*;

use super::inferred::{ClassId, EnumId};

/// The predefined enums come first.
pub const RESULT: EnumId = 0;
pub const OPTION: EnumId = 1;

/// A variable, whoever refers to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Root {
    Local(FuncId, VarId),
    Module(SlotId),
}

/// What a variable holds for good.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Def {
    Func(FuncId),
    Class(ClassId),
    Enum(EnumId),
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Parent<'a> {
    Object,
    Class(ClassId),
    Lib(&'a str),
    Unknown,
}

pub struct ClassInfo<'a> {
    pub name: &'a str,
    /// The function it stands in: what its annotations refer to.
    pub func: FuncId,
    parent_expr: Option<E<'a>>,
    pub parent: Parent<'a>,
    pub ctor: Option<FuncId>,
    pub methods: FxHashMap<&'a str, FuncId>,
    pub statics: FxHashMap<&'a str, Option<FuncId>>,
    pub fields: FxHashMap<&'a str, Option<Type<'a>>>,
    /// It may have methods that nobody sees here.
    pub open: bool,
    /// A class of this unit extends it.
    pub subclassed: bool,
    /// `(object ...)`: the name holds the instance.
    pub object: bool,
}

pub struct EnumInfo<'a> {
    pub name: &'a str,
    pub func: FuncId,
    pub generics: Vec<&'a str>,
    pub variants: Vec<VariantInfo<'a>>,
}

pub struct VariantInfo<'a> {
    pub name: &'a str,
    pub fields: Option<Vec<(&'a str, Type<'a>)>>,
}

#[derive(Default)]
pub struct Program<'a> {
    pub parents: Vec<Option<FuncId>>,
    pub defs: FxHashMap<Root, Def>,
    pub classes: Vec<ClassInfo<'a>>,
    pub enums: Vec<EnumInfo<'a>>,
    /// By the address of the definition.
    class_ids: FxHashMap<usize, ClassId>,
    enum_ids: FxHashMap<usize, EnumId>,
    /// The class whose methods and constructors the functions are.
    pub method_of: FxHashMap<FuncId, ClassId>,
    /// Names that are assigned as members somewhere.
    pub member_names: FxHashSet<&'a str>,
    /// Members are assigned by names made at run time.
    pub dynamic_members: bool,
    /// Library classes that get methods here.
    pub extended: FxHashSet<&'a str>,
    pub extends_unknown: bool,
    pub imports: bool,
    declared: FxHashMap<Root, u32>,
}

/// The functions directly inside an expression.
fn functions(e: E<'_>, out: &mut Vec<FuncId>) {
    match e.kind {
        ExprKind::Fn(id) | ExprKind::Async { func: id, .. } => out.push(id),
        ExprKind::Block(block) => out.extend(block.hoisted.iter().map(|h| h.1)),
        ExprKind::Class(class) => member_functions(class.members, out),
        ExprKind::Extend { members, .. } => member_functions(members, out),
        _ => {}
    }
}

pub fn member_functions(members: &[Member<'_>], out: &mut Vec<FuncId>) {
    for member in members {
        match *member {
            Member::Ctor(id) | Member::OnMissing(id) => out.push(id),
            Member::Method { func, .. } | Member::StaticFn { func, .. } => out.push(func),
            Member::Field { default, .. } => out.extend(default),
            _ => {}
        }
    }
}

/// The expressions of a function, its body last.
pub fn expressions<'a>(func: &Func<'a>) -> Vec<E<'a>> {
    let defaults = func.params.iter().filter_map(|p| p.default);
    let contracts = func.pre.iter().chain(func.post).map(|c| c.cond);
    defaults.chain(contracts).chain([func.body]).collect()
}

impl<'a> Program<'a> {
    pub fn new(unit: &Unit<'a>) -> Program<'a> {
        let mut program = Program { parents: vec![None; unit.funcs.len()], ..Program::default() };
        let param = |name, ty| (name, Type::Param(ty));
        let variant = |name, fields: Option<Vec<_>>| VariantInfo { name, fields };
        program.enums.push(EnumInfo {
            name: "Result",
            func: 0,
            generics: vec!["T", "E"],
            variants: vec![
                variant("Ok", Some(vec![param("value", "T")])),
                variant("Err", Some(vec![param("error", "E")])),
            ],
        });
        program.enums.push(EnumInfo {
            name: "Option",
            func: 0,
            generics: vec!["T"],
            variants: vec![variant("Some", Some(vec![param("value", "T")])), variant("None", None)],
        });
        let mut seen: FxHashSet<FuncId> = FxHashSet::default();
        let mut todo = vec![0];
        let mut inner = Vec::new();
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(func) = unit.funcs.get(id as usize) else { continue };
            let mut exprs = expressions(func);
            while let Some(e) = exprs.pop() {
                program.note(id, e, unit);
                functions(e, &mut inner);
                for f in inner.drain(..) {
                    program.parents[f as usize] = Some(id);
                    todo.push(f);
                }
                walk::children(e, &mut exprs);
            }
        }
        program.settle(unit);
        program
    }

    fn note(&mut self, func: FuncId, e: E<'a>, unit: &Unit<'a>) {
        match e.kind {
            ExprKind::Block(block) => {
                for &(var, id) in block.hoisted {
                    self.define(func, var, Def::Func(id), unit);
                }
            }
            ExprKind::Declare { var, value, .. } => match self.definition(func, value) {
                Some(def) => self.define(func, var, def, unit),
                None => self.count(func, var, unit),
            },
            ExprKind::Class(class) => {
                self.class(func, class);
            }
            ExprKind::Enum(def) => {
                self.enum_(func, def);
            }
            ExprKind::Set { key, .. } | ExprKind::Update { key, .. } => match key {
                Key::Name { name, fallback } => {
                    self.member_names.insert(name);
                    self.dynamic_members |= fallback.is_some();
                }
                Key::Dynamic(_) => self.dynamic_members = true,
                Key::Index(_) => {}
            },
            ExprKind::Import(_) => self.imports = true,
            _ => {}
        }
    }

    /// What the value of a declaration defines.
    fn definition(&mut self, func: FuncId, value: E<'a>) -> Option<Def> {
        match value.kind {
            ExprKind::Fn(id) => Some(Def::Func(id)),
            ExprKind::Class(class) => {
                let id = self.class(func, class);
                (!class.object).then_some(Def::Class(id))
            }
            ExprKind::Enum(def) => Some(Def::Enum(self.enum_(func, def))),
            // The cells of a class body are made around it.
            ExprKind::Block(Block { body: [only], .. }) if matches!(only.kind, ExprKind::Class(_)) => {
                self.definition(func, only)
            }
            // A class bound while its body runs.
            ExprKind::Var(VarRef::Local(v)) => match self.defs.get(&Root::Local(func, v)) {
                Some(Def::Class(id)) => Some(Def::Class(*id)),
                _ => None,
            },
            _ => None,
        }
    }

    fn define(&mut self, func: FuncId, var: VarRef, def: Def, unit: &Unit<'a>) {
        self.count(func, var, unit);
        if let Some(root) = self.root_in(func, var, unit) {
            self.defs.insert(root, def);
        }
    }

    fn count(&mut self, func: FuncId, var: VarRef, unit: &Unit<'a>) {
        if let Some(root) = self.root_in(func, var, unit) {
            *self.declared.entry(root).or_default() += 1;
        }
    }

    fn class(&mut self, func: FuncId, class: &'a ClassDef<'a>) -> ClassId {
        let key = std::ptr::from_ref(class) as usize;
        if let Some(&id) = self.class_ids.get(&key) {
            return id;
        }
        let id = self.classes.len() as ClassId;
        let mut info = ClassInfo {
            name: class.name,
            func,
            parent_expr: class.parent,
            parent: Parent::Object,
            ctor: None,
            methods: FxHashMap::default(),
            statics: FxHashMap::default(),
            fields: FxHashMap::default(),
            open: false,
            subclassed: false,
            object: class.object,
        };
        for &(name, ty) in class.stated_fields {
            info.fields.insert(name, Some(ty));
        }
        for member in class.members {
            match *member {
                Member::Ctor(f) => {
                    info.ctor = Some(f);
                    self.method_of.insert(f, id);
                }
                Member::Method { name, func } => {
                    info.methods.insert(name, func);
                    self.method_of.insert(func, id);
                }
                Member::Field { name, ty, .. } => {
                    info.fields.insert(name, ty.map(|ty| ty.ty));
                }
                Member::StaticFn { name, func } => {
                    info.statics.insert(name, Some(func));
                }
                Member::StaticValue { name, .. } => {
                    info.statics.insert(name, None);
                }
                Member::OnMissing(f) => {
                    info.open = true;
                    self.method_of.insert(f, id);
                }
                // Code in the body may do anything with the class.
                Member::Other(e) => info.open |= !matches!(e.kind, ExprKind::Declare { .. }),
                #[allow(unreachable_patterns)]
                _ => info.open = true,
            }
        }
        self.classes.push(info);
        self.class_ids.insert(key, id);
        // Inside its body the class goes by the hidden variable.
        self.defs.insert(Root::Local(func, class.class_var), Def::Class(id));
        id
    }

    fn enum_(&mut self, func: FuncId, def: &'a EnumDef<'a>) -> EnumId {
        let key = std::ptr::from_ref(def) as usize;
        if let Some(&id) = self.enum_ids.get(&key) {
            return id;
        }
        let fields = |fields: &'a [EnumField<'a>]| {
            fields.iter().map(|f| (f.name, f.ty.map_or(Type::Any, |ty| ty.ty))).collect::<Vec<_>>()
        };
        let variants =
            def.variants.iter().map(|v| VariantInfo { name: v.name, fields: v.fields.map(fields) }).collect();
        self.enums.push(EnumInfo { name: def.name, func, generics: def.generics.to_vec(), variants });
        let id = self.enums.len() as EnumId - 1;
        self.enum_ids.insert(key, id);
        id
    }

    /// Drops what may change, and finds parents.
    fn settle(&mut self, unit: &Unit<'a>) {
        let declared = std::mem::take(&mut self.declared);
        self.defs.retain(|root, _| {
            declared.get(root).is_none_or(|n| *n == 1)
                && match *root {
                    Root::Module(slot) => unit.module_vars.get(slot as usize).is_some_and(|v| v.stable || v.is_fn),
                    Root::Local(f, v) => !unit.funcs[f as usize].vars[v as usize].assigned,
                }
        });
        for id in 0..self.classes.len() {
            let (func, parent) = (self.classes[id].func, self.classes[id].parent_expr);
            let found = match parent.map(|e| e.kind) {
                None => Parent::Object,
                Some(ExprKind::Global(name)) => Parent::Lib(name),
                Some(ExprKind::Var(var)) => match self.root_in(func, var, unit).and_then(|root| self.defs.get(&root)) {
                    Some(Def::Class(parent)) if *parent as usize != id => Parent::Class(*parent),
                    _ => Parent::Unknown,
                },
                Some(_) => Parent::Unknown,
            };
            self.classes[id].parent = if found == Parent::Lib("Object") { Parent::Object } else { found };
            if let Parent::Class(parent) = found {
                self.classes[parent as usize].subclassed = true;
            }
        }
        for (id, func) in unit.funcs.iter().enumerate() {
            let mut exprs = expressions(func);
            while let Some(e) = exprs.pop() {
                if let ExprKind::Extend { class, .. } = e.kind {
                    self.extend(id as FuncId, class, unit);
                }
                walk::children(e, &mut exprs);
            }
        }
    }

    fn extend(&mut self, func: FuncId, class: E<'a>, unit: &Unit<'a>) {
        match class.kind {
            ExprKind::Global(name) => {
                self.extended.insert(name);
            }
            ExprKind::Var(var) => match self.root_in(func, var, unit).and_then(|root| self.defs.get(&root)) {
                Some(Def::Class(id)) => self.classes[*id as usize].open = true,
                _ => self.extends_unknown = true,
            },
            _ => self.extends_unknown = true,
        }
    }

    /// The variable a reference in function `func` means; `None` for entries of an environment.
    pub fn root_in(&self, func: FuncId, var: VarRef, unit: &Unit<'a>) -> Option<Root> {
        let (mut func, mut var) = (func, var);
        loop {
            match var {
                VarRef::Module(slot) => return Some(Root::Module(slot)),
                VarRef::Local(v) => return Some(Root::Local(func, v)),
                VarRef::Captured(i) => {
                    let capture = unit.funcs.get(func as usize)?.captures.get(i as usize)?;
                    func = self.parents.get(func as usize).copied().flatten()?;
                    var = match capture.source {
                        CaptureSource::Local(v) => VarRef::Local(v),
                        CaptureSource::Captured(i) => VarRef::Captured(i),
                        CaptureSource::Env(_) => return None,
                    };
                }
            }
        }
    }

    pub fn class_of(&self, def: &ClassDef<'a>) -> Option<ClassId> {
        self.class_ids.get(&(std::ptr::from_ref(def) as usize)).copied()
    }

    pub fn enum_of(&self, def: &EnumDef<'a>) -> Option<EnumId> {
        self.enum_ids.get(&(std::ptr::from_ref(def) as usize)).copied()
    }
}
