use super::hir::*;
use crate::syntax::form::*;
use bumpalo::Bump;
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    pub span: Span,
    pub message: String,
}
#[derive(Clone, Copy)]
pub struct LowerOptions<'o> {
    pub is_global: &'o dyn Fn(&str) -> bool,
}
impl Default for LowerOptions<'_> {
    fn default() -> Self {
        LowerOptions { is_global: &|_| true }
    }
}
#[derive(Clone, Default)]
pub struct EvalEnv<'o> {
    pub names: Vec<EvalName>,
    pub has_self: bool,
    pub has_ex: bool,
    pub has_caller: bool,
    pub module_names: Vec<EvalModuleName>,
    pub module_slots: u32,
    pub enums: Option<Vec<EvalEnum>>,
    pub repl: bool,
    pub options: LowerOptions<'o>,
}
#[derive(Clone, Debug)]
pub struct EvalName {
    pub name: String,
    pub constant: bool,
}
#[derive(Clone, Debug)]
pub struct EvalModuleName {
    pub name: String,
    pub slot: SlotId,
    pub constant: bool,
}
#[derive(Clone, Debug)]
pub struct EvalEnum {
    pub name: String,
    pub variants: Vec<(String, Option<Vec<String>>)>,
}
pub fn lower_module<'a>(
    _arena: &'a Bump,
    _forms: &'a [Form<'a>],
    _options: &LowerOptions<'_>,
) -> Result<Unit<'a>, Vec<CompileError>> {
    Err(vec![])
}
pub fn lower_eval<'a>(
    _arena: &'a Bump,
    _forms: &'a [Form<'a>],
    _env: &EvalEnv<'_>,
) -> Result<Unit<'a>, Vec<CompileError>> {
    Err(vec![])
}
