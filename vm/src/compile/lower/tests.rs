//! Sources and their HIR, and every compile error.

use bumpalo::Bump;

use super::{EvalEnv, LowerOptions, lower_eval, lower_module};
use crate::compile::hir_print::print;

mod dump;
