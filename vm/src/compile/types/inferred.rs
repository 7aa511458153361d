//! What the checker knows of a value, and when two such things can't go together.
//!
//! Everything is on the side of silence: [`Ty::Any`] goes with everything, a union is at fault only when every member is.

use std::fmt;
use std::rc::Rc;

use super::Checker;
use crate::compile::hir::FuncId;

/// Index into the classes of the program.
pub type ClassId = u32;
/// Index into the enums of the program.
pub type EnumId = u32;

#[derive(Clone, PartialEq, Debug)]
pub enum Ty<'a> {
    Any,
    /// No value ever: code that throws or leaves.
    Never,
    Nil,
    Void,
    /// A value of a library class, with the arguments of its annotation as far as they are known.
    Lib(&'a str, Rc<[Ty<'a>]>),
    /// An instance; `exact`: certainly not of a subclass.
    Class {
        id: ClassId,
        exact: bool,
    },
    Enum(EnumId, Rc<[Ty<'a>]>),
    /// A function of this unit.
    Func(FuncId),
    /// Something callable, by the result it is said to have.
    Callable(Rc<Ty<'a>>),
    /// The constructor of a variant.
    Ctor(EnumId, u32),
    ClassObject(ClassId),
    EnumObject(EnumId),
    LibClass(&'a str),
    /// A generic parameter.
    Param(&'a str),
    /// At least two members, none of them a union or `Any`.
    Union(Rc<[Ty<'a>]>),
}

impl<'a> Ty<'a> {
    pub fn lib(name: &'a str) -> Ty<'a> {
        Ty::Lib(name, Rc::from([]))
    }

    pub fn number() -> Ty<'a> {
        Ty::Union(Rc::from([Ty::lib("Int"), Ty::lib("Float")]))
    }

    /// The members of a union, or the type itself.
    pub fn members(&self) -> &[Ty<'a>] {
        match self {
            Ty::Union(members) => members,
            _ => std::slice::from_ref(self),
        }
    }

    pub fn union(types: impl IntoIterator<Item = Ty<'a>>) -> Ty<'a> {
        let mut found: Vec<Ty<'a>> = Vec::new();
        for ty in types {
            for member in ty.members() {
                match member {
                    Ty::Any | Ty::Param(_) => return Ty::Any,
                    Ty::Never => {}
                    _ if found.contains(member) => {}
                    _ => found.push(member.clone()),
                }
            }
        }
        // Beyond this, nobody wants to read it.
        match found.len() {
            0 => Ty::Never,
            1 => found.remove(0),
            2..=8 => Ty::Union(found.into()),
            _ => Ty::Any,
        }
    }

    /// Without nil.
    pub fn without_nil(&self) -> Ty<'a> {
        match self {
            Ty::Union(members) => Ty::union(members.iter().filter(|m| **m != Ty::Nil).cloned()),
            Ty::Nil => Ty::Any,
            other => other.clone(),
        }
    }

    /// What stays true when the value may be changed: elements of containers are forgotten.
    pub fn settled(&self) -> Ty<'a> {
        match self {
            Ty::Lib(name, _) => Ty::lib(name),
            Ty::Union(members) => Ty::union(members.iter().map(Ty::settled)),
            other => other.clone(),
        }
    }

    /// Replaces generic parameters; those nobody knows become `Any`.
    pub fn substitute(&self, of: &dyn Fn(&str) -> Option<Ty<'a>>) -> Ty<'a> {
        match self {
            Ty::Param(name) => of(name).unwrap_or(Ty::Any),
            Ty::Lib(name, args) => Ty::Lib(name, args.iter().map(|t| t.substitute(of)).collect()),
            Ty::Enum(id, args) => Ty::Enum(*id, args.iter().map(|t| t.substitute(of)).collect()),
            Ty::Callable(ret) => Ty::Callable(Rc::new(ret.substitute(of))),
            Ty::Union(members) => Ty::union(members.iter().map(|t| t.substitute(of))),
            other => other.clone(),
        }
    }

    pub fn is_lib(&self, name: &str) -> bool {
        matches!(self, Ty::Lib(own, _) if *own == name)
    }
}

impl<'a> Checker<'_, 'a> {
    /// Could a place of type `expected` take a value of type `got`, conversions included?
    pub(super) fn accepts(&self, expected: &Ty<'a>, got: &Ty<'a>) -> bool {
        let expected: &[Ty<'a>] = expected.members();
        got == &Ty::Never || got.members().iter().any(|g| expected.iter().any(|e| self.accepts_one(e, g)))
    }

    fn accepts_one(&self, expected: &Ty<'a>, got: &Ty<'a>) -> bool {
        let number = |t: &Ty<'a>| t.is_lib("Int") || t.is_lib("Float");
        let option = super::program::OPTION;
        match (expected, got) {
            (Ty::Any | Ty::Param(_), _) => true,
            (Ty::Enum(id, _), Ty::Nil) if *id == option => true,
            (Ty::Nil, Ty::Nil) => true,
            (_, Ty::Nil) => !self.env.strict_nil,
            _ => number(expected) && number(got) || self.overlaps(expected, got),
        }
    }

    /// Can a value be of both types? Both are no unions.
    pub(super) fn overlaps(&self, a: &Ty<'a>, b: &Ty<'a>) -> bool {
        use Ty::*;
        match (a, b) {
            (Any | Never | Param(_) | Void | Union(_), _) | (_, Any | Never | Param(_) | Void | Union(_)) => true,
            (Nil, Nil) => true,
            (Nil, _) | (_, Nil) => false,
            (Lib(x, _), Lib(y, _)) => x == y || (self.env.related)(x, y),
            (Class { id: x, exact: false }, Class { id: y, exact: false }) => self.below(*x, *y) || self.below(*y, *x),
            (Class { id: x, .. }, Class { id: y, exact: true }) => self.below(*y, *x),
            (Class { id: x, exact: true }, Class { id: y, .. }) => self.below(*x, *y),
            (Class { id, .. }, Lib(name, _)) | (Lib(name, _), Class { id, .. }) => {
                *name == "Object" || self.open_parent(*id, name)
            }
            (Enum(x, _), Enum(y, _)) => x == y,
            (Enum(..), Lib(name, _)) | (Lib(name, _), Enum(..)) => matches!(*name, "Object" | "EnumValue"),
            (Callable(_) | Func(_) | Ctor(..), Callable(_) | Func(_) | Ctor(..) | Class { .. }) => true,
            (Class { .. }, Callable(_) | Func(_) | Ctor(..)) => matches!(b, Callable(_)),
            (Callable(_) | Func(_) | Ctor(..), Lib(name, _)) | (Lib(name, _), Callable(_) | Func(_) | Ctor(..)) => {
                // What a unit variant is called like is not known to be no value.
                matches!(*name, "Object" | "Function" | "Macro" | "Selector" | "EnumValue")
            }
            (Enum(..), Callable(_) | Func(_) | Ctor(..)) | (Callable(_) | Func(_) | Ctor(..), Enum(..)) => true,
            (ClassObject(_) | LibClass(_), Lib(name, _)) | (Lib(name, _), ClassObject(_) | LibClass(_)) => {
                matches!(*name, "Object" | "Class" | "Interface" | "Type")
            }
            (EnumObject(_), Lib(name, _)) | (Lib(name, _), EnumObject(_)) => matches!(*name, "Object" | "Enum"),
            _ => true,
        }
    }

    /// Is every value of `a` one of `b`? Both are no unions.
    pub(super) fn within(&self, a: &Ty<'a>, b: &Ty<'a>) -> bool {
        match (a, b) {
            (Ty::Nil, Ty::Nil) => true,
            (Ty::Lib(x, _), Ty::Lib(y, _)) => x == y,
            (Ty::Class { id: x, .. }, Ty::Class { id: y, .. }) => self.surely_below(*x, *y),
            (Ty::Enum(x, _), Ty::Enum(y, _)) => x == y,
            _ => false,
        }
    }

    /// The type as messages show it.
    pub(super) fn show(&self, ty: &Ty<'a>) -> String {
        struct Shown<'s, 'u, 'a>(&'s Checker<'u, 'a>, &'s Ty<'a>);
        impl fmt::Display for Shown<'_, '_, '_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let program = &self.0.program;
                match self.1 {
                    Ty::Any | Ty::Never => f.write_str("Any"),
                    Ty::Nil => f.write_str("Nil"),
                    Ty::Void => f.write_str("Void"),
                    Ty::Lib(name, _) => f.write_str(name),
                    Ty::Class { id, .. } => f.write_str(program.classes[*id as usize].name),
                    Ty::Enum(id, _) => f.write_str(program.enums[*id as usize].name),
                    Ty::Func(_) | Ty::Callable(_) | Ty::Ctor(..) => f.write_str("Function"),
                    Ty::ClassObject(_) | Ty::LibClass(_) => f.write_str("Class"),
                    Ty::EnumObject(_) => f.write_str("Enum"),
                    Ty::Param(name) => f.write_str(name),
                    Ty::Union(members) => {
                        for (at, member) in members.iter().enumerate() {
                            write!(f, "{}{}", if at == 0 { "(" } else { " | " }, Shown(self.0, member))?;
                        }
                        f.write_str(")")
                    }
                }
            }
        }
        Shown(self, ty).to_string()
    }
}
