use crate::compile::error::CompileError;
use crate::compile::hir::*;
use crate::object::code::SourceRef;
use crate::value::Value;
use crate::vm::Vm;
use std::rc::Rc;
pub fn generate<'a>(
    _vm: &mut Vm,
    _unit: &Unit<'a>,
    _source: Rc<SourceRef>,
    _cells: &[Value],
) -> Result<Value, CompileError> {
    Err(CompileError::new(Default::default(), ""))
}
