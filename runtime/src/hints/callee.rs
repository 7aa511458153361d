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
    let name = called_name(source.line(line)?, column)?;
    let Ok(text) = vm.to_debug(callee) else {
        // A report is being written: what its own parts throw is nobody's.
        vm.exception = Value::UNDEF;
        return None;
    };
    let shown: String = text.chars().take(MAX_VALUE).collect();
    let more = if shown.len() < text.len() { "..." } else { "" };
    Some(format!("{name} is {shown}{more}"))
}

/// The name in front of a call that begins in this column of a line.
fn called_name(line: &str, column: u32) -> Option<String> {
    let call: String = line.chars().skip(column.saturating_sub(1) as usize).collect();
    let name = call.strip_prefix('(')?.split(|c: char| c.is_whitespace() || "()[]{}\"`;,".contains(c)).next()?;
    Some(name.to_owned()).filter(|name| name.starts_with(|c: char| c.is_alphabetic() || "_$".contains(c)))
}
