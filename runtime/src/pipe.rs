//! Code run once per line of standard input (`gene pipe`, 20.7).
use crate::library;
use crate::report;
use crate::vm::{Vm, decode};
use bumpalo::Bump;
use gene_vm::compile::lower::EvalEnv;
use gene_vm::modules::{LoadFailure, Outcome};
use gene_vm::native::Stop;
use gene_vm::syntax::diagnostic::{Diagnostic, Stage};
use gene_vm::syntax::form::{Form, FormKind};
use gene_vm::syntax::source::Source;
use gene_vm::value::Value;
use std::path::PathBuf;
use std::rc::Rc;

/// What is printed for each line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PipeOutput {
    /// The result, unless it is nil.
    #[default]
    Result,
    /// The result; Strings in debug form.
    QuotedResult,
    /// The line, when the result is true.
    Matching,
}

const READ_LINE: &str = "readline";

impl Vm {
    /// Evaluates the code for every line of stdin, with `$line` and `$n` bound; the exit code.
    pub fn pipe(&mut self, name: &str, code: &[u8], dir: Option<PathBuf>, output: PipeOutput) -> i32 {
        let bodies = match self.compile_pipe(name, code, dir) {
            Ok(bodies) => bodies,
            Err(failure) => {
                let report = report::load_failure(&failure, self.diagnostics, self.color);
                self.inner.output.stderr(&report);
                return 1;
            }
        };
        let code = self.on_stack(|vm| vm.pipe_lines(bodies, output));
        self.flush();
        code
    }

    /// The code that runs once, and that which runs for every line.
    fn compile_pipe(
        &mut self,
        name: &str,
        code: &[u8],
        dir: Option<PathBuf>,
    ) -> Result<(Vec<Value>, Value), LoadFailure> {
        let source = Rc::new(Source::new(name, decode(name, code)?));
        let arena = Bump::new();
        let forms = gene_vm::syntax::read(&arena, &source.text).map_err(|e| LoadFailure {
            source: source.clone(),
            stage: Stage::Parse,
            errors: vec![Diagnostic::from(e)],
        })?;
        let (once, each): (Vec<Form<'_>>, Vec<Form<'_>>) = forms.iter().partition(|form| takes_effect_once(form));
        let (imports, functions): (Vec<Form<'_>>, Vec<Form<'_>>) = once.iter().partition(|form| is_import(form));
        let id = self.inner.new_module(source.clone(), dir.or_else(|| self.directory.clone()), name);
        self.session = Some(id);
        self.inner.main_module = id;
        let checked = self.inner.check_input(id, &source)?;
        self.inner.accept_input(id, &source, checked);
        let mut bodies = vec![self.compile_part(id, &imports, &arena, &source)?];
        // Functions and the other forms may use what the others declare: functions are compiled again once all is known.
        self.compile_part(id, &functions, &arena, &source)?;
        let each = self.compile_part(id, &each, &arena, &source)?;
        bodies.push(self.compile_part(id, &functions, &arena, &source)?);
        Ok((bodies, each))
    }

    fn compile_part(
        &mut self,
        module: u32,
        forms: &[Form<'_>],
        arena: &Bump,
        source: &Rc<Source>,
    ) -> Result<Value, LoadFailure> {
        let vm = &mut *self.inner;
        let env = EvalEnv {
            module_names: vm.module_names(module),
            module_slots: vm.modules[module as usize].vars.len() as u32,
            repl: true,
            ..EvalEnv::default()
        };
        let body = vm.compile_eval(forms, arena, &env, module, source.clone())?;
        vm.heap.permanent.push(body);
        Ok(body)
    }

    fn pipe_lines(&mut self, (once, each): (Vec<Value>, Value), output: PipeOutput) -> i32 {
        for body in once {
            match self.inner.run_main(body, false) {
                Outcome::Done(_) => {}
                other => return self.exit_code(other),
            }
        }
        let mut n = 0;
        loop {
            let line = match self.call_builtin(READ_LINE, &[], false) {
                Outcome::Done(line) => line,
                other => return self.exit_code(other),
            };
            if line.is_nil() {
                break;
            }
            n += 1;
            library::set_pipe_line(&mut self.inner, line, n);
            let shown = match self.inner.run_main(each, false) {
                Outcome::Done(v) => self.show_line(v, output),
                other => return self.exit_code(other),
            };
            if shown.is_err() {
                let ex = std::mem::replace(&mut self.inner.exception, Value::UNDEF);
                return self.exit_code(Outcome::Threw(ex));
            }
        }
        // Tasks that the lines started and left have their time now.
        let outcome = self.call_builtin("identity", &[Value::NIL], true);
        self.exit_code(outcome)
    }

    fn show_line(&mut self, v: Value, output: PipeOutput) -> Result<(), Stop> {
        let vm = &mut *self.inner;
        let text = match output {
            PipeOutput::Matching if !v.truthy() => return Ok(()),
            PipeOutput::Matching => library::pipe_line(vm).unwrap_or_default(),
            _ if v.is_nil() => return Ok(()),
            PipeOutput::QuotedResult if v.is_str() => vm.to_debug(v)?,
            PipeOutput::QuotedResult | PipeOutput::Result => vm.to_display(v)?,
        };
        vm.output.stdout(&format!("{text}\n"));
        Ok(())
    }
}

fn is_import(form: &Form<'_>) -> bool {
    let FormKind::Gene(gene) = form.kind else { return false };
    matches!(gene.head.map(|head| head.kind), Some(FormKind::Symbol("import")))
}

fn takes_effect_once(form: &Form<'_>) -> bool {
    let FormKind::Gene(gene) = form.kind else { return false };
    let named = gene.children.first().is_some_and(|c| !matches!(c.kind, FormKind::Array { .. }));
    let is_fn = matches!(gene.head.map(|head| head.kind), Some(FormKind::Symbol("fn")));
    is_import(form) || (is_fn && named)
}
