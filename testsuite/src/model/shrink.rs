//! Makes a failing program small.

use super::program::{Kind, Op, Otherwise, Program, Stmt};

/// Attempts, so that a slow failure does not take for ever.
const MOST: usize = 3000;

/// A program that still fails and from which no statement can be taken.
pub fn smallest(mut program: Program, fails: impl Fn(&Program) -> bool) -> Program {
    let mut left = MOST;
    loop {
        let mut smaller = false;
        // The scope around everything stays.
        let mut at = WAYS;
        while at < program.size() * WAYS && left > 0 {
            left -= 1;
            let mut next = program.clone();
            let mut index = at / WAYS;
            if change(&mut next.body, &mut index, at % WAYS) == Some(true) && fails(&next) {
                program = next;
                smaller = true;
            } else {
                at += 1;
            }
        }
        if !smaller || left == 0 {
            return program;
        }
    }
}

/// Ways to make one statement smaller.
const WAYS: usize = 3;

/// Changes statement number `index` in the order of the text. `Some(false)`: that is no way to make it smaller; `None`: it is
/// not in this block, and `index` is what is left to count.
fn change(block: &mut Vec<Stmt>, index: &mut usize, way: usize) -> Option<bool> {
    for i in 0..block.len() {
        if *index == 0 {
            return Some(shrink(block, i, way));
        }
        *index -= 1;
        for inner in block[i].kind.blocks_mut() {
            let changed = change(inner, index, way);
            if changed.is_some() {
                return changed;
            }
        }
    }
    None
}

fn shrink(block: &mut Vec<Stmt>, i: usize, way: usize) -> bool {
    match way {
        0 => {
            block.remove(i);
            true
        }
        // What is inside takes its place.
        1 => {
            let inner = match &mut block[i].kind {
                Kind::Scope(scope) => std::mem::take(&mut scope.body),
                Kind::Finally { body, .. } | Kind::Repeat { body, .. } | Kind::Each { body, .. } => {
                    std::mem::take(body)
                }
                _ => return false,
            };
            block.splice(i..=i, inner);
            true
        }
        _ => match &mut block[i].kind {
            Kind::Scope(scope) if scope.grace.is_some() => {
                scope.grace = None;
                true
            }
            Kind::Scope(scope) if scope.limit > 0 => {
                scope.limit = 0;
                true
            }
            Kind::Repeat { times, .. } if *times > 1 => {
                *times -= 1;
                true
            }
            Kind::Each { most, .. } if *most > 1 => {
                *most -= 1;
                true
            }
            Kind::Op(Op::Combine(combine)) if combine.items.len() > 1 => {
                combine.items.pop();
                true
            }
            Kind::Op(Op::Combine(combine)) if combine.limit.is_some() => {
                combine.limit = None;
                true
            }
            Kind::Op(Op::Select { arms, .. }) if arms.len() > 1 => {
                arms.pop();
                true
            }
            Kind::Op(Op::Select { otherwise, .. }) if *otherwise != Otherwise::Wait => {
                *otherwise = Otherwise::Wait;
                true
            }
            _ => false,
        },
    }
}
