//! Type expressions (18.1) after lowering: names are resolved, aliases expanded.

use std::fmt;

use super::hir::VarRef;

/// A type expression. It prints as written, with aliases by their expansion.
#[derive(Clone, Copy, Debug)]
pub enum Type<'a> {
    Any,
    Nil,
    Void,
    /// Int or Float.
    Number,
    /// A generic parameter: accepts everything.
    Param(&'a str),
    Union(&'a [Type<'a>]),
    /// `(Fn [..] T)`; `None` for the bare name.
    Fn(Option<&'a FnType<'a>>),
    /// A class, enum, interface, imported alias, or a name that nothing defines.
    Named(&'a NamedType<'a>),
}

#[derive(Clone, Copy, Debug)]
pub struct FnType<'a> {
    pub params: &'a [FnParam<'a>],
    pub ret: Type<'a>,
    pub effects: Option<&'a [&'a str]>,
}

#[derive(Clone, Copy, Debug)]
pub enum FnParam<'a> {
    One(Type<'a>),
    Keyword(&'a str, Type<'a>),
    Rest(Type<'a>),
}

#[derive(Clone, Copy, Debug)]
pub struct NamedType<'a> {
    /// As written, a path included.
    pub name: &'a str,
    pub root: TypeRoot<'a>,
    /// The names behind the first one of a path.
    pub path: &'a [&'a str],
    pub args: &'a [Type<'a>],
    /// The enum that the name stands for, if the compiler knows it: its place among the known ones, or (`Err`) among the
    /// predefined ones.
    pub known_enum: Option<Result<u32, usize>>,
}

/// Where the first name of a named type is looked up.
#[derive(Clone, Copy, Debug)]
pub enum TypeRoot<'a> {
    /// Nothing in the module binds it where the type stands: found, or not, when the type is reached.
    Global(&'a str),
    Var(VarRef),
    /// Member of the namespace the variable holds.
    Member(VarRef, &'a str),
}

impl<'a> Type<'a> {
    /// Replaces generic parameters.
    pub fn substitute(self, arena: &'a bumpalo::Bump, of: &dyn Fn(&str) -> Option<Type<'a>>) -> Type<'a> {
        crate::stack::grow(|| {
            let list = |types: &'a [Type<'a>]| -> &'a [Type<'a>] {
                arena.alloc_slice_fill_iter(types.iter().map(|t| t.substitute(arena, of)))
            };
            match self {
                Type::Param(name) => of(name).unwrap_or(self),
                Type::Union(members) => Type::Union(list(members)),
                Type::Fn(Some(f)) => {
                    let params = f.params.iter().map(|p| match *p {
                        FnParam::One(t) => FnParam::One(t.substitute(arena, of)),
                        FnParam::Keyword(name, t) => FnParam::Keyword(name, t.substitute(arena, of)),
                        FnParam::Rest(t) => FnParam::Rest(t.substitute(arena, of)),
                    });
                    let params: &[FnParam<'a>] = arena.alloc_slice_fill_iter(params);
                    let ret = f.ret.substitute(arena, of);
                    Type::Fn(Some(arena.alloc(FnType { params, ret, effects: f.effects })))
                }
                Type::Named(n) if !n.args.is_empty() => {
                    Type::Named(arena.alloc(NamedType { args: list(n.args), ..*n }))
                }
                _ => self,
            }
        })
    }

    /// Accepts every value, whatever the options.
    pub fn accepts_all(self) -> bool {
        matches!(self, Type::Any | Type::Param(_))
    }
}

impl fmt::Display for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::stack::grow(|| match self {
            Type::Any => f.write_str("Any"),
            Type::Nil => f.write_str("Nil"),
            Type::Void => f.write_str("Void"),
            Type::Number => f.write_str("Number"),
            Type::Param(name) => f.write_str(name),
            Type::Union(members) => {
                for (at, member) in members.iter().enumerate() {
                    write!(f, "{}{member}", if at == 0 { "(" } else { " | " })?;
                }
                f.write_str(")")
            }
            Type::Fn(None) => f.write_str("Fn"),
            Type::Fn(Some(of)) => {
                f.write_str("(Fn [")?;
                for (at, param) in of.params.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { " " })?;
                    match param {
                        FnParam::One(ty) => write!(f, "{ty}")?,
                        FnParam::Keyword(name, ty) => write!(f, "^{name} {ty}")?,
                        FnParam::Rest(ty) => write!(f, "{ty}...")?,
                    }
                }
                write!(f, "] {}", of.ret)?;
                if let Some(effects) = of.effects {
                    write!(f, " ! [{}]", effects.join(" "))?;
                }
                f.write_str(")")
            }
            Type::Named(named) if named.args.is_empty() => f.write_str(named.name),
            Type::Named(named) => {
                write!(f, "({}", named.name)?;
                for arg in named.args {
                    write!(f, " {arg}")?;
                }
                f.write_str(")")
            }
        })
    }
}
