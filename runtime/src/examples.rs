//! Checking the `^examples` of a program's functions (`gene run-examples`, 20.10).
use crate::vm::{Print, Vm};
use gene_vm::heap::Kind;
use gene_vm::modules::Outcome;
use gene_vm::native::Stop;
use gene_vm::object::array::Array;
use gene_vm::object::function::{Cell, Function};
use gene_vm::value::Value;
use std::path::Path;

/// One case of a function.
struct Example {
    args: Value,
    /// What is expected: an exception's class name, or a value; `_` takes any.
    throws: bool,
    result: Value,
}

#[derive(Default)]
struct Tally {
    run: usize,
    passed: usize,
}

impl Vm {
    /// Runs the file, then the examples of its top-level functions; the exit code.
    pub fn run_examples(&mut self, path: &Path) -> i32 {
        let code = self.run_file(path);
        self.check_loaded_examples(&path.to_string_lossy(), code)
    }

    /// As [`Vm::run_examples`], for a program that is no file.
    pub fn run_examples_of(&mut self, name: &str, text: &[u8]) -> i32 {
        let code = self.run_source_printing(name, text, Print::Nothing);
        self.check_loaded_examples(name, code)
    }

    fn check_loaded_examples(&mut self, file: &str, code: i32) -> i32 {
        if code != 0 || self.inner.exit_code.is_some() {
            return code;
        }
        let functions = self.documented_functions();
        if functions.is_empty() {
            self.inner.output.stdout(&format!("No examples found in {file}\n"));
            self.flush();
            return 0;
        }
        let mut tally = Tally::default();
        for &(_, f) in &functions {
            // Functions are variables of the program's module, which keeps them.
            match self.on_stack(|vm| vm.check_examples(f, file, &mut tally)) {
                Ok(()) => {}
                Err(outcome) => return self.on_stack(|vm| vm.exit_code(outcome)),
            }
        }
        let failed = tally.run - tally.passed;
        let count = functions.len();
        self.inner.output.stdout(&format!(
            "Examples run: {}, passed: {}, failed: {failed}, functions: {count}\n",
            tally.run, tally.passed
        ));
        self.flush();
        i32::from(failed > 0)
    }

    /// The functions of the main module that have examples, in source order.
    fn documented_functions(&self) -> Vec<(u32, Value)> {
        let Some(module) = self.inner.modules.get(self.inner.main_module as usize) else { return Vec::new() };
        let mut functions = Vec::new();
        for (_, cell, _) in &module.vars {
            let Some(cell) = cell.get::<Cell>(Kind::Cell) else { continue };
            let v = cell.value;
            let Some(f) = v.get::<Function>(Kind::Function) else { continue };
            let p = f.proto();
            let own = p.source.module == self.inner.main_module;
            if own && p.examples.is_some() && !p.generator && !p.is_macro {
                functions.push((p.span.start, v));
            }
        }
        functions.sort_by_key(|&(at, _)| at);
        functions.dedup_by_key(|&mut (at, _)| at);
        functions
    }

    fn check_examples(&mut self, f: Value, file: &str, tally: &mut Tally) -> Result<(), Outcome> {
        let func = f.gc::<Function>();
        let name = func.proto().name.map_or("<fn>", |s| self.inner.sym_name(s));
        let (line, column) = func.proto().source.source.line_col(func.proto().span.start);
        let examples = func.proto().examples.map_or(Vec::new(), |v| cases(self, v));
        for (i, example) in examples.iter().enumerate() {
            tally.run += 1;
            let args = self.text(example.args)?;
            let outcome = self.call(f, &arguments(example.args), true);
            let result = match outcome {
                Outcome::Exit(_) => return Err(outcome),
                Outcome::Done(v) => Ok(v),
                Outcome::Threw(ex) => Err(ex),
            };
            let passed = match result {
                Ok(v) => !example.throws && (is_any(self, example.result) || self.equal(v, example.result)?),
                Err(ex) => example.throws && self.is_of_class(ex, example.result),
            };
            let wanted = self.text(example.result)?;
            let (arrow, verb) = if example.throws { ("throws", "throw") } else { ("->", "return") };
            let verdict = if passed { "PASS" } else { "FAIL" };
            let mut out = format!("{verdict} {name} example {}: {args} {arrow} {wanted}\n", i + 1);
            if passed {
                tally.passed += 1;
            } else {
                let actual = match result {
                    Ok(v) => format!("return {}", self.text(v)?),
                    Err(ex) => {
                        let message = self.inner.exception_message(ex);
                        format!("throw {}: {}", self.inner.exception_class_name(ex), message.replace('\n', "\n    "))
                    }
                };
                out.push_str(&format!(
                    "  expected: {verb} {wanted}\n  actual: {actual}\n  location: {file}:{line}:{column}\n"
                ));
            }
            self.inner.output.stdout(&out);
        }
        Ok(())
    }

    fn text(&mut self, v: Value) -> Result<String, Outcome> {
        let text = self.inner.to_debug(v);
        text.map_err(|stop| self.threw(stop))
    }

    fn equal(&mut self, a: Value, b: Value) -> Result<bool, Outcome> {
        let same = self.inner.equal(a, b);
        same.map_err(|stop| self.threw(stop))
    }

    fn threw(&mut self, _: Stop) -> Outcome {
        Outcome::Threw(std::mem::replace(&mut self.inner.exception, Value::UNDEF))
    }

    /// Whether the exception's class, or an ancestor, has the name that a symbol or path ends in.
    fn is_of_class(&mut self, ex: Value, wanted: Value) -> bool {
        let Ok(wanted) = self.inner.to_debug(wanted) else { return false };
        let wanted = wanted.rsplit('/').next().unwrap_or(&wanted);
        let mut class = ex.is_kind(Kind::Instance).then(|| self.inner.instance_class(ex.gc()));
        while let Some(c) = class {
            if self.inner.sym_name(c.data().name) == wanted {
                return true;
            }
            class = c.data().parent.get(Kind::Class);
        }
        false
    }
}

fn is_any(vm: &Vm, v: Value) -> bool {
    v.as_sym().is_some_and(|s| vm.inner.sym_name(s) == "_")
}

/// `[args] -> result [args] throws Class ...`; the compiler has checked the form.
fn cases(vm: &Vm, examples: Value) -> Vec<Example> {
    let Some(items) = examples.get::<Array>(Kind::Array) else { return Vec::new() };
    let throws = |word: Value| word.as_sym().is_some_and(|s| vm.inner.sym_name(s) == "throws");
    items.as_slice().chunks_exact(3).map(|c| Example { args: c[0], throws: throws(c[1]), result: c[2] }).collect()
}

fn arguments(v: Value) -> Vec<Value> {
    v.get::<Array>(Kind::Array).map_or(Vec::new(), |a| a.as_slice().to_vec())
}
