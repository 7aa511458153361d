//! Hints: one more sentence under a report, when the commonest cause of the error is known.
//!
//! They are looked for when a report is written, in the message and the source text, so that nothing else has to keep anything
//! for them. A hint is a guess, and says nothing the message does not allow.
mod callee;
mod foreign;
mod names;

pub use callee::of_call;
use gene_vm::compile::lower::RESERVED;
use gene_vm::library::help::{Home, entries};
use gene_vm::syntax::form::{Form, FormKind, GeneForm, Span};
use gene_vm::syntax::{Diagnostic, Source, Stage, read};
use gene_vm::vm::Vm;
use names::{Names, nearest};

/// For an exception nobody caught.
pub fn of_exception(vm: &Vm, class: &str, message: &str, place: Option<(&Source, u32, u32)>) -> Option<String> {
    let name = message.strip_suffix(" is not defined").filter(|n| !n.is_empty() && !n.contains(char::is_whitespace));
    if let Some(name) = name.filter(|_| class == "RuntimeException") {
        return undefined(vm, name, place);
    }
    if let Some(path) = message.strip_prefix("Void is not callable: ").and_then(|m| m.strip_suffix(" is not defined"))
        && let Some(hint) = member(vm, path)
    {
        return Some(hint);
    }
    if let Some((name, kind)) = message.strip_prefix("Method ").and_then(|m| m.split_once(" not found on ")) {
        return method(vm, name, kind, place);
    }
    if let Some(name) = message.strip_prefix("Unexpected keyword argument: ") {
        return keyword(name, place);
    }
    if let Some(name) = message.strip_prefix("Unknown type ") {
        return unknown_type(vm, name, place);
    }
    if class == "ArgumentException" && message.starts_with("Expected ") {
        return arguments(place);
    }
    if message.contains("(import cycle: ") {
        return Some(
            "a module of the cycle runs before the others are complete; what both need belongs into a third one"
                .to_owned(),
        );
    }
    if message.starts_with("[GENE.MODULE.MEMBER_NOT_FOUND]") {
        return Some(
            "other modules see fn, class, enum, type, interface and ns; a var or let needs (export NAME)".to_owned(),
        );
    }
    if class == "TypeException" {
        return wrong_kind(message).map(str::to_owned);
    }
    None
}

/// For a syntax or compile error.
pub fn of_diagnostic(source: &Source, stage: Stage, diagnostic: &Diagnostic) -> Option<String> {
    let (message, at) = (diagnostic.message.as_str(), diagnostic.span.start as usize);
    match stage {
        Stage::Parse => syntax(source, message, at),
        Stage::Compile => {
            if let Some(name) = message.strip_prefix("unknown enum variant ") {
                return did_you_mean(nearest(name, bound(source).bound.iter().map(String::as_str)));
            }
            compile(message).map(str::to_owned)
        }
    }
}

fn did_you_mean(name: Option<&str>) -> Option<String> {
    name.map(|name| format!("did you mean {name}?"))
}

/// Names of the source text; none if it does not parse, as that of another input of a session.
fn bound(source: &Source) -> Names {
    let arena = bumpalo::Bump::new();
    read(&arena, &source.text).map(|forms| Names::of(&forms)).unwrap_or_default()
}

fn undefined(vm: &Vm, name: &str, place: Option<(&Source, u32, u32)>) -> Option<String> {
    if let Some(hint) = foreign::name(name) {
        return Some(hint.to_owned());
    }
    const INNER: [&str; 7] = ["then", "elif", "else", "in", "when", "catch", "finally"];
    if RESERVED.contains(&name) && !foreign::OPERATORS.contains(&name) && !INNER.contains(&name) {
        return Some(format!("{name} stands first in parentheses: ({name} ...)"));
    }
    if place.is_some_and(|(source, line, column)| is_bare_assignment(source, line, column, name)) {
        return Some(format!("forms stand in parentheses: (var {name} value) declares, ({name} = value) assigns"));
    }
    if name.len() > 1 && name.starts_with('.') && !name.starts_with("..") {
        return Some(format!("a method name stands right behind its receiver: (value {name})"));
    }
    if name.starts_with('$') {
        return did_you_mean(nearest(name, foreign::DOLLAR.into_iter()));
    }
    if let Some((value, member)) =
        name.split_once('.').filter(|(v, m)| !v.is_empty() && !m.is_empty() && !m.starts_with('.'))
    {
        return Some(format!("{name} is one name; a member is {value}/{member}, a method call ({value} .{member})"));
    }
    let names = place.map(|(source, ..)| bound(source)).unwrap_or_default();
    let has = |list: &[String]| list.iter().any(|n| n == name);
    if has(&names.keywords) {
        return Some(format!("a keyword argument is written ^{name} value"));
    }
    if has(&names.fields) {
        return Some(format!("a field of self is /{name}"));
    }
    if has(&names.methods) {
        return Some(format!("{name} is a method: (.{name} ...) of self, (value .{name} ...) of another"));
    }
    if let Some((_, owner)) = names.variants.iter().find(|(variant, _)| variant == name) {
        return Some(format!("did you mean {owner}/{name}?"));
    }
    if let Some(rest) = name.strip_suffix("++").or(name.strip_suffix("--")).filter(|rest| !rest.is_empty()) {
        return Some(format!("({rest} += 1) adds, ({rest} -= 1) subtracts"));
    }
    if let Some(rest) = name.strip_prefix('!').filter(|rest| !rest.is_empty()) {
        return Some(format!("(not {rest})"));
    }
    if let Some(near) = nearest(name, names.bound.iter().map(String::as_str)) {
        return did_you_mean(Some(near));
    }
    if let Some(hint) = elsewhere(vm, name) {
        return Some(hint);
    }
    let globals = vm.globals.data().index.keys().map(|&s| vm.sym_name(s)).filter(|n| !n.starts_with(['%', '_', '$']));
    // Other inputs of a session are sources of their own.
    let session = vm.modules.iter().filter(|_| names.bound.is_empty()).flat_map(|m| &m.vars).map(|v| vm.sym_name(v.0));
    let all = session.chain(RESERVED.iter().copied()).chain(globals);
    did_you_mean(nearest(name, all))
}

/// A builtin of just this name that is no global.
fn elsewhere(vm: &Vm, name: &str) -> Option<String> {
    let entries = entries(vm);
    let mut namespaces = entries.iter().filter_map(|e| match &e.home {
        Home::Namespace(path) => Some((path, e.name)),
        _ => None,
    });
    if let Some((path, _)) = namespaces.clone().find(|(path, _)| path.rsplit('/').next() == Some(name)) {
        return Some(format!("did you mean {path}?"));
    }
    if entries.iter().any(|e| matches!(e.home, Home::Class(_)) && e.name == name) {
        return Some(format!("{name} is a method: (value .{name} ...)"));
    }
    namespaces.find(|(_, member)| *member == name).map(|(path, _)| format!("did you mean {path}/{name}?"))
}

/// For a call of a member that is not there.
fn member(vm: &Vm, path: &str) -> Option<String> {
    let (base, name) = path.rsplit_once('/')?;
    if name == "new" {
        return Some(format!("(new {base} ...) makes an instance"));
    }
    let entries = entries(vm);
    let members = entries.iter().filter(|e| match &e.home {
        Home::Namespace(own) => own == base,
        Home::Static(own) => *own == base,
        _ => false,
    });
    did_you_mean(nearest(name, members.map(|e| e.name))).map(|hint| hint.replace("mean ", &format!("mean {base}/")))
}

/// `name = value` outside of parentheses.
fn is_bare_assignment(source: &Source, line: u32, column: u32, name: &str) -> bool {
    let after = source.line(line).and_then(|text| {
        let (at, _) = text.char_indices().nth(column.saturating_sub(1) as usize)?;
        text[at..].strip_prefix(name)
    });
    column == 1 && after.is_some_and(|rest| rest.trim_start().starts_with("= "))
}

fn method(vm: &Vm, name: &str, kind: &str, place: Option<(&Source, u32, u32)>) -> Option<String> {
    // What it would be found on is not known.
    if kind == "Void" {
        return None;
    }
    if name == "new" && kind == "Class" {
        return Some("(new C ...) makes an instance".to_owned());
    }
    let entries = entries(vm);
    let of_kind = entries.iter().filter(|e| matches!(e.home, Home::Class(c) if c == kind || c == "Object"));
    let mut known: Vec<&str> = of_kind.map(|e| e.name).collect();
    if let Some(name) = foreign::method(name).filter(|n| known.contains(n)) {
        return did_you_mean(Some(name));
    }
    let names = place.map(|(source, ..)| bound(source)).unwrap_or_default();
    known.extend(names.methods.iter().map(String::as_str));
    did_you_mean(nearest(name, known.into_iter()))
}

fn keyword(name: &str, place: Option<(&Source, u32, u32)>) -> Option<String> {
    let names = place.map(|(source, ..)| bound(source)).unwrap_or_default();
    did_you_mean(nearest(name, names.keywords.iter().map(String::as_str))).map(|h| h.replace("mean ", "mean ^"))
}

fn unknown_type(vm: &Vm, name: &str, place: Option<(&Source, u32, u32)>) -> Option<String> {
    let capital = |n: &&str| n.starts_with(char::is_uppercase);
    if let Some(name) = foreign::type_name(name) {
        return did_you_mean(Some(name));
    }
    let names = place.map(|(source, ..)| bound(source)).unwrap_or_default();
    let globals = vm.globals.data().index.keys().map(|&s| vm.sym_name(s));
    did_you_mean(nearest(name, names.bound.iter().map(String::as_str).chain(globals).filter(capital)))
}

/// `(f 1 + 2)` and `(s .length + 1)` are calls.
fn arguments(place: Option<(&Source, u32, u32)>) -> Option<String> {
    let (source, line, column) = place?;
    let text = source.line(line)?;
    let column = column.saturating_sub(1) as usize;
    let within = text.char_indices().nth(column).map_or(text.len(), |(i, _)| i);
    let at = text.as_ptr() as usize - source.text.as_ptr() as usize + within;
    let arena = bumpalo::Bump::new();
    let mut open: Vec<Form> = read(&arena, &source.text).ok()?;
    while let Some(form) = open.pop() {
        let start = form.span.start as usize;
        if start == at
            && let FormKind::Gene(gene) = form.kind
        {
            let operator = |f: &Form| matches!(f.kind, FormKind::Symbol(s) if foreign::OPERATORS.contains(&s));
            let inner = gene.children.len().saturating_sub(1);
            if gene.children.iter().take(inner).skip(1).any(operator) {
                return Some(
                    "this is a call with an operator among its arguments; as an operand it needs parentheses of its own"
                        .to_owned(),
                );
            }
            let forms = read(&arena, &source.text).ok()?;
            return definition(&forms, gene)
                .map(|span| format!("it is defined as {}", &source.text[span.start as usize..span.end as usize]));
        }
        if start <= at && at < form.span.end as usize {
            names::parts(form, &mut open);
        }
    }
    None
}

fn symbol<'a>(form: &Form<'a>) -> Option<&'a str> {
    match form.kind {
        FormKind::Symbol(s) => Some(s),
        _ => None,
    }
}

/// Where the parameters of what is called are written, from the word that defines it on: if the source defines one thing of that name.
fn definition(forms: &[Form], call: &GeneForm) -> Option<Span> {
    let head = call.head.as_ref().and_then(symbol);
    let first = call.children.first().and_then(symbol);
    let (word, name) = match (head, first) {
        (Some("new"), Some(class)) => ("ctor", class),
        (_, Some(method)) if method.starts_with('.') => ("method", &method[1..]),
        (Some(method), _) if method.starts_with('.') => ("method", &method[1..]),
        (Some(name), _) => ("fn", name),
        _ => return None,
    };
    let mut found = None;
    let mut open = forms.to_vec();
    while let Some(form) = open.pop() {
        names::parts(form, &mut open);
        let FormKind::Gene(gene) = form.kind else { continue };
        let (params, at) = match (word, gene.head.as_ref().and_then(symbol), gene.children) {
            ("ctor", Some("class"), [class, ..]) if symbol(class) == Some(name) => {
                let ctor = gene.children.iter().find_map(|member| match member.kind {
                    FormKind::Gene(g) if g.head.as_ref().and_then(symbol) == Some("ctor") => Some((g, member.span)),
                    _ => None,
                });
                let (ctor, span) = ctor?;
                (ctor.children.first(), span.start)
            }
            ("fn" | "method", Some(head), [defined, params, ..])
                if head == word && symbol(defined).is_some_and(|d| d.split(':').next() == Some(name)) =>
            {
                (Some(params), form.span.start)
            }
            _ => continue,
        };
        let params = params.filter(|p| matches!(p.kind, FormKind::Array { .. }))?;
        if found.replace(Span { start: at + 1, end: params.span.end }).is_some() {
            return None;
        }
    }
    found
}

fn wrong_kind(message: &str) -> Option<&'static str> {
    let kinds = |kind| message.split([' ', ':']).any(|word| word == kind);
    if message.starts_with("Cannot add ") && kinds("String") || message == "++ expects String arguments" {
        return Some("(a ++ b) joins Strings; #\"#{a} #{b}\" puts any values into one");
    }
    if message.starts_with("Cannot compute modulo of String and ") {
        return Some("(\"{} items\" .format n) puts values into a text, and so does #\"#{n} items\"");
    }
    if message.ends_with(" expects Int, got Float") {
        return Some("(a .div b) is the quotient of Ints, (x .to_i) the Int of a Float; floor and / give Floats");
    }
    if message == "Int is not iterable" {
        return Some("(range n) counts from 0 to n - 1, (a .. b) from a to b");
    }
    if message.starts_with("Cannot modify immutable ") {
        return Some("a copy can be changed: (v .dup)");
    }
    let use_of = message.starts_with("Cannot ")
        || message.ends_with(" is not callable")
        || message.ends_with(" is not iterable");
    if use_of && kinds("Void") {
        return Some("void is what looking up a missing key, field, index or member gives");
    }
    None
}

fn syntax(source: &Source, message: &str, at: usize) -> Option<String> {
    if message.starts_with("EOF while reading list") {
        let (line, _) = source.line_col(at as u32);
        let outside = |n: &u32| source.line(*n).is_some_and(|text| text.starts_with('('));
        let last = source.line_col(source.text.len() as u32).0;
        let next = (line + 1..=last).find(outside)?;
        return Some(format!("line {next} begins a form at the margin; is a bracket missing before it?"));
    }
    if message.starts_with("Unmatched delimiter: ") {
        let arena = bumpalo::Bump::new();
        return match read(&arena, source.text.get(..at)?) {
            Ok(_) => Some("no bracket is open here".to_owned()),
            Err(e) => {
                let (line, column) = source.line_col(e.span.start);
                let wanted = e.message.strip_prefix("EOF while reading list, expected ")?;
                Some(format!("the innermost open bracket is at {line}:{column} and needs {wanted}"))
            }
        };
    }
    let hint = match message {
        "Unterminated string" => "it runs to the end of the file; the quote missing may be that of a string before it",
        "Expect ^key in map" => "a Map is written {^key value}; {{key value}} is a HashMap with any keys",
        "Expected closing ' in character literal" => "'c' is one character; a String stands in double quotes",
        "Unterminated block comment" => {
            "#< begins a comment, inside an interpolated string too; a plain # there is written \\#"
        }
        "Unexpected ;" => "a comment begins with # and a blank; inside parentheses ; chains calls",
        "Invalid path: //" => "a comment begins with # and a blank; (a .div b) is the quotient of Ints",
        "Expect key after ^" => "^ begins a keyword argument; (a &|& b) is the exclusive or, (a ** b) a power",
        _ if message.starts_with("Invalid path: //") || message == "Invalid path: */" => {
            "a comment begins with # and a blank"
        }
        _ if message.starts_with("Invalid dispatch character: ") => "a comment begins with # and a blank",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn compile(message: &str) -> Option<&'static str> {
    Some(match message {
        "fn: missing parameter list" => "parameters stand in brackets: (fn name [a b] body)",
        "method: missing parameter list" => "parameters stand in brackets: (method name [a b] body)",
        "ctor: missing parameter list" => "parameters stand in brackets: (ctor [a b] body)",
        "if: misplaced then" => "a condition of several words needs parentheses: (if (a == b) then c else d)",
        "var: expects one value, got 2" => "(var name value), with a type (var name: Type value)",
        "let: expects one value, got 2" => "(let name value), with a type (let name: Type value)",
        "if: duplicate else" => "another condition follows elif: (if a b elif c d else e)",
        "case: expects when" => "(case value when pattern result ... else result)",
        "for: missing in" => "(for x in xs body)",
        "lambda: expects one parameter name" => "more parameters need fn: (fn [a b] body)",
        "try: invalid catch clause" => "catch *, catch name, catch Class or catch (Class name)",
        "catch used outside of try" | "finally used outside of try" => {
            "it stands inside try without parentheses of its own: (try a catch e b finally c)"
        }
        "yield used outside of a generator" => "the name of a generator function ends in *: (fn name* [] (yield 1))",
        "Incomplete infix expression" => {
            "the last operand is missing; as the only argument an operator is written as a function, (f (fn [a b] (a + b)))"
        }
        _ if message.starts_with("return: expects 0 or 1 arguments, got ") => {
            "an expression needs parentheses of its own: (return (a + b))"
        }
        "Invalid infix expression" => {
            "operands and operators alternate; a call among them needs parentheses of its own"
        }
        "else used outside of if or case" => "it stands inside if without parentheses of its own: (if a b else c)",
        "Invalid assignment target" => "(a == b) compares, (name = value) assigns",
        "import: missing name" | "import: invalid name" | "import: invalid module" => {
            "(import name other:alias from \"./module\"), (import * from \"./module\")"
        }
        "Invalid pattern" => "a pattern is made of names, _ and further patterns; (var name value) binds one name",
        _ if message.starts_with("not: expects 1 argument, got ") => "(not (a == b))",
        _ if message.starts_with("Cannot reassign 'let' binding ") => "what changes is declared with var",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_hint(text: &str) -> Option<String> {
        let source = Source::new("s", text);
        let error = Diagnostic::from(read(&bumpalo::Bump::new(), text).unwrap_err());
        of_diagnostic(&source, Stage::Parse, &error)
    }

    #[test]
    fn brackets() {
        let hint = parse_hint("(fn f [x]\n  (if x\n    1)\n\n(f 2)\n").unwrap();
        assert_eq!(hint, "line 5 begins a form at the margin; is a bracket missing before it?");
        assert_eq!(parse_hint("(f [1 2)").unwrap(), "the innermost open bracket is at 1:4 and needs ']'");
        assert_eq!(parse_hint("(f 1))").unwrap(), "no bracket is open here");
        assert_eq!(parse_hint("(f 1"), None);
    }

    #[test]
    fn an_operator_among_arguments() {
        let source = Source::new("s", "(var s 1)\n(println (s .length + 1) (f 2 -) (f (1 + 2)))");
        assert!(arguments(Some((&source, 2, 10))).is_some());
        for column in [1, 26, 34] {
            assert_eq!(arguments(Some((&source, 2, column))), None, "{column}");
        }
    }
}
