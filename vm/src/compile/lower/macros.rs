//! Data as code: `eval`, `$render`, `$caller_eval`.

use super::{Lower, scope};
use crate::compile::hir::{E, ExprKind};
use crate::syntax::form::{GeneForm, Span};

impl<'a> Lower<'a, '_> {
    pub(super) fn eval_form(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        if let Some(prop) = gene.props.first() {
            let message = self.text(&format!("Unexpected keyword argument: {}", prop.key));
            return self.raise(prop.key_span, "ArgumentException", message);
        }
        let items = self.items(gene.children);
        let data = self.e(span, ExprKind::Array { items, frozen: false });
        self.keep_evaluated();
        let env = self.visible();
        self.e(span, ExprKind::Eval { data, env })
    }

    pub(super) fn render(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let Some(data) = self.only_child(span, "$render", gene) else { return self.nil(span) };
        let data = self.expr(data);
        let env = self.visible();
        self.e(span, ExprKind::Render { data, env })
    }

    pub(super) fn caller_eval(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let Some(env) = self.resolve_hidden(scope::CALLER) else {
            return self.error(span, "$caller_eval is only allowed in a macro");
        };
        let Some(data) = self.only_child(span, "$caller_eval", gene) else { return self.nil(span) };
        let data = self.expr(data);
        self.e(span, ExprKind::CallerEval { data, env })
    }
}
