//! Words with a meaning of their own: reserved words, operators, markers.

use crate::compile::hir::{BinOp, UpdateOp};
use crate::syntax::form::{Form, FormKind};

/// 1.5: these cannot be bound.
pub const RESERVED: &[&str] = &[
    "if",
    "ifel",
    "if_not",
    "elif",
    "else",
    "then",
    "fn",
    "fn*",
    "class",
    "object",
    "interface",
    "implement",
    "enum",
    "type",
    "ns",
    "import",
    "export",
    "var",
    "let",
    "do",
    "loop",
    "while",
    "for",
    "in",
    "repeat",
    "break",
    "continue",
    "return",
    "yield",
    "yield*",
    "case",
    "when",
    "try",
    "catch",
    "finally",
    "throw",
    "with",
    "new",
    "super",
    "self",
    "method",
    "ctor",
    "field",
    "static",
    "extend",
    "comptime",
    "async",
    "await",
    "nil",
    "void",
    "true",
    "false",
    "not_found",
    "not",
    "and",
    "or",
    "is",
];

pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || (name.starts_with('$') && name.len() > 1)
}

/// `=` and the compound assignment operators.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AssignOp {
    Plain,
    Update(UpdateOp),
}

pub(super) fn assign_op(name: &str) -> Option<AssignOp> {
    let op = match name {
        "=" => return Some(AssignOp::Plain),
        "+=" => UpdateOp::Op(BinOp::Add),
        "-=" => UpdateOp::Op(BinOp::Sub),
        "*=" => UpdateOp::Op(BinOp::Mul),
        "/=" => UpdateOp::Op(BinOp::Div),
        "%=" => UpdateOp::Op(BinOp::Mod),
        "**=" => UpdateOp::Op(BinOp::Pow),
        "++=" => UpdateOp::Op(BinOp::Concat),
        "||=" => UpdateOp::OrElse,
        "&&=" => UpdateOp::AndThen,
        _ => return None,
    };
    Some(AssignOp::Update(op))
}

/// What an infix operator does; the levels of 1.10 are in [`InfixOp::level`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InfixOp {
    Binary(BinOp),
    /// `&&`
    Amp,
    /// `||`
    Bar,
    And,
    Or,
    /// `..`: not in the operator table; binds loosest.
    Range,
}

impl InfixOp {
    pub(super) fn level(self) -> u8 {
        match self {
            InfixOp::Binary(op) => match op {
                BinOp::Select => 9,
                BinOp::Pow => 8,
                BinOp::Mul | BinOp::Div | BinOp::Mod => 7,
                BinOp::Add | BinOp::Sub | BinOp::Concat => 6,
                BinOp::Shl | BinOp::Shr => 5,
                BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge | BinOp::Eq | BinOp::Ne | BinOp::Is => COMPARISON,
                BinOp::Xor => 2,
            },
            InfixOp::Amp | InfixOp::And => 3,
            InfixOp::Bar | InfixOp::Or => 1,
            InfixOp::Range => 0,
        }
    }
}

/// The level of the comparisons, which chain.
pub(super) const COMPARISON: u8 = 4;

pub(super) fn infix_op(name: &str) -> Option<InfixOp> {
    let op = match name {
        "./" => BinOp::Select,
        "**" => BinOp::Pow,
        "*" => BinOp::Mul,
        "/" => BinOp::Div,
        "%" => BinOp::Mod,
        "+" => BinOp::Add,
        "-" => BinOp::Sub,
        "++" => BinOp::Concat,
        "<<" => BinOp::Shl,
        ">>" => BinOp::Shr,
        "<" => BinOp::Lt,
        "<=" => BinOp::Le,
        ">" => BinOp::Gt,
        ">=" => BinOp::Ge,
        "==" => BinOp::Eq,
        "!=" => BinOp::Ne,
        "is" => BinOp::Is,
        "&|&" => BinOp::Xor,
        "&&" => return Some(InfixOp::Amp),
        "||" => return Some(InfixOp::Bar),
        "and" => return Some(InfixOp::And),
        "or" => return Some(InfixOp::Or),
        ".." => return Some(InfixOp::Range),
        _ => return None,
    };
    Some(InfixOp::Binary(op))
}

/// `.name`, but not `..`, `...`, `./` or `.@`.
pub(super) fn method_name(symbol: &str) -> Option<&str> {
    let name = symbol.strip_prefix('.')?;
    let special = name.is_empty() || name.starts_with('.') || name.starts_with('@') || name == "/";
    (!special).then_some(name)
}

/// Names of macros end in `!`; the operators `!` and `!=` are none.
pub(super) fn is_macro_name(name: &str) -> bool {
    name.len() > 1 && name.ends_with('!')
}

/// `xs...` gives `xs`; the bare marker `...` is none.
pub(super) fn rest_name(symbol: &str) -> Option<&str> {
    symbol.strip_suffix("...").filter(|name| !name.is_empty())
}

/// `x:` gives `x`.
pub(super) fn typed_name(symbol: &str) -> Option<&str> {
    symbol.strip_suffix(':').filter(|name| !name.is_empty())
}

pub(super) fn starts_upper(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

/// The name a form would bind: a symbol, or one of the constants, which are refused as reserved words later.
pub(super) fn name_of<'a>(form: &Form<'a>) -> Option<&'a str> {
    match form.kind {
        FormKind::Symbol(name) => Some(name),
        FormKind::Nil => Some("nil"),
        FormKind::Void => Some("void"),
        FormKind::True => Some("true"),
        FormKind::False => Some("false"),
        FormKind::NotFound => Some("not_found"),
        _ => None,
    }
}

/// The text of a symbol form.
pub(super) fn symbol<'a>(form: &Form<'a>) -> Option<&'a str> {
    match form.kind {
        FormKind::Symbol(name) => Some(name),
        _ => None,
    }
}

pub(super) fn is_symbol(form: &Form<'_>, name: &str) -> bool {
    symbol(form) == Some(name)
}
