//! Sources and the HIR they become, and every compile error. The notation is that of [`crate::compile::hir_print`].

use bumpalo::Bump;

use super::{EvalEnv, LowerOptions, lower_eval, lower_module};
use crate::compile::hir_print::print;
use crate::syntax::form::Form;

mod blocks;
mod classes;
mod control;
mod depth;
mod errors;
mod evaluation;
mod expressions;
mod functions;
mod modules;
mod names;
mod patterns;

fn read<'a>(arena: &'a Bump, source: &str) -> &'a [Form<'a>] {
    match crate::syntax::read(arena, source) {
        Ok(forms) => arena.alloc_slice_copy(&forms),
        Err(error) => panic!("{source}: {error}"),
    }
}

/// The globals of the tests.
const OPTIONS: LowerOptions<'static> = LowerOptions {
    is_global: &|name| {
        matches!(name, "println" | "Int" | "String" | "Object" | "Exception" | "Ok" | "Err" | "Some" | "None")
    },
};

fn lowered(source: &str) -> Result<String, Vec<String>> {
    let arena = Bump::new();
    let unit = lower_module(&arena, read(&arena, source), &OPTIONS);
    unit.map(|unit| print(&unit)).map_err(|errors| errors.into_iter().map(|error| error.message).collect())
}

/// The lines that functions, module variables and warnings print as.
fn hir(source: &str) -> Vec<String> {
    match lowered(source) {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(errors) => panic!("{source}: {errors:?}"),
    }
}

/// The module body's expression.
fn body(source: &str) -> String {
    expression(&hir(source)[0])
}

/// The body of the function with this number.
fn func(source: &str, id: usize) -> String {
    expression(&hir(source)[id])
}

fn expression(line: &str) -> String {
    line.split_once(": ").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

/// What stands before the body.
fn header(source: &str, id: usize) -> String {
    hir(source)[id].split(": ").next().unwrap_or_default().to_owned()
}

fn errors(source: &str) -> Vec<String> {
    lowered(source).err().unwrap_or_default()
}

#[track_caller]
fn assert_error(source: &str, message: &str) {
    assert_eq!(errors(source), [message], "{source}");
}

#[track_caller]
fn assert_body(source: &str, expected: &str) {
    assert_eq!(body(source), expected, "{source}");
}
