//! What stands in the place of a function.
use gene_vm::heap::Kind;
use gene_vm::object::map::Map;
use gene_vm::syntax::Source;
use gene_vm::value::Value;
use gene_vm::vm::Vm;

/// Characters of a value that are shown.
const MAX_VALUE: usize = 60;

/// For a call of what is no function: what its name stands for. The message tells the kind alone.
pub fn of_call(vm: &mut Vm, ex: Value, message: &str, place: Option<(&Source, u32, u32)>) -> Option<String> {
    let (source, line, column) = place?;
    if !message.ends_with(" is not callable") {
        return None;
    }
    // Nil is a callee as well.
    let key = vm.symbols.intern_static("callee");
    let callee = ex.get::<Map>(Kind::Instance).and_then(|m| vm.map_get(m, key))?;
    let written = source.line(line)?;
    if bare_call(written, column) {
        return Some("parentheses call what stands first in them; the value itself needs none".to_owned());
    }
    let name = called_name(written, column)?;
    let Ok(text) = vm.to_debug(callee) else {
        // A report is being written: what its own parts throw is nobody's.
        vm.exception = Value::UNDEF;
        return None;
    };
    let shown: String = text.chars().take(MAX_VALUE).collect();
    if shown == name {
        return None;
    }
    let more = if shown.len() < text.len() { "..." } else { "" };
    Some(format!("{name} is {shown}{more}"))
}

/// `({^a 1})`, `([1 2])`, `("text")`, `(5)`, or a call in the place of a function without arguments, `((f 1))`.
fn bare_call(line: &str, column: u32) -> bool {
    let call: Vec<char> = line.chars().skip(column as usize).collect();
    let mut open = 0usize;
    let mut quoted = false;
    if call.first().is_none_or(|c| c.is_alphabetic() || "_$/.".contains(*c)) {
        return false;
    }
    for (at, c) in call.iter().enumerate() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => open += 1,
            ')' if open == 0 => return true,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            c if c.is_whitespace() && open == 0 => return call[at..].iter().find(|c| !c.is_whitespace()) == Some(&')'),
            _ => {}
        }
    }
    false
}

/// The name in front of a call that begins in this column of a line.
fn called_name(line: &str, column: u32) -> Option<String> {
    let call: String = line.chars().skip(column.saturating_sub(1) as usize).collect();
    let name = call.strip_prefix('(')?.split(|c: char| c.is_whitespace() || "()[]{}\"`;,".contains(c)).next()?;
    Some(name.to_owned()).filter(|name| name.starts_with(|c: char| c.is_alphabetic() || "_$".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_without_arguments_of_what_is_no_name() {
        for line in ["({^a 1})", "([1 (f 2)] )", "(\"a )\")", "((f 1))", "(5)"] {
            assert!(bare_call(line, 1), "{line}");
        }
        for line in ["(f)", "(a/b)", "({^a 1} 2)", "((f 1) 2)", "([1", "(\"a) b\" 1)"] {
            assert!(!bare_call(line, 1), "{line}");
        }
    }
}
