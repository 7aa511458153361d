//! Building strings, arrays, maps, genes.
use super::{Dest, Gen, Reg, Res, walk};
use crate::bytecode::Op;
use crate::compile::hir::*;
use crate::heap::Kind;
use crate::syntax::form::{Form, FormKind};
use crate::value::Value;

/// Elements built in registers at once; the others are pushed one by one.
pub(super) const CHUNK: usize = 50;
/// A literal of at least this many plain elements is copied from a constant.
const COPIED: usize = 8;

/// Can the literal's value be shared between copies of the array it stands in?
fn plain_literal(f: &Form<'_>) -> bool {
    use FormKind::*;
    matches!(f.kind, Nil | Void | True | False | NotFound | Int(_) | Float(_) | Char(_) | Str(_) | Bytes(_))
}

impl<'a> Gen<'_, '_, 'a> {
    pub(super) fn interp(&mut self, parts: &'a [Interp<'a>], d: Dest) -> Res {
        if d == Dest::Effect {
            // Conversions may have effects.
            for p in parts {
                if let Interp::Expr(e) = *p {
                    let r = self.operand(e)?;
                    let t = self.alloc(1)?;
                    self.emit(Op::ToStr, t, r, 0, 0);
                }
            }
            return Ok(());
        }
        let r = self.target(d)?;
        match parts {
            [] => {
                let x = self.k_str("");
                self.emit(Op::LoadK, r, 0, 0, x);
            }
            [one] => self.interp_part(one, r)?,
            _ => {
                let w = self.alloc(1)?;
                let whole = parts.len() <= CHUNK;
                for (i, chunk) in parts.chunks(CHUNK).enumerate() {
                    // From the second chunk on, `w` is what was joined before.
                    let n = chunk.len() + (i > 0) as usize;
                    self.alloc(n - 1)?;
                    for (p, at) in chunk.iter().zip(w + (i > 0) as Reg..) {
                        self.interp_part(p, at)?;
                    }
                    self.emit(Op::Join, if whole { r } else { w }, w, n as Reg, 0);
                    self.release(w as usize + 1);
                }
                if !whole {
                    self.move_to(r, w);
                }
            }
        }
        self.finish(d, r);
        Ok(())
    }

    fn interp_part(&mut self, p: &Interp<'a>, dst: Reg) -> Res {
        match *p {
            Interp::Text(t) => {
                let x = self.k_str(t);
                self.emit(Op::LoadK, dst, 0, 0, x);
            }
            Interp::Expr(e) => {
                let mark = self.f.top;
                let r = self.operand(e)?;
                let span = std::mem::replace(&mut self.f.span, e.span);
                self.emit(Op::ToStr, dst, r, 0, 0);
                self.f.span = span;
                self.release(mark);
            }
        }
        Ok(())
    }

    pub(super) fn array(&mut self, items: &'a [Arg<'a>], frozen: bool, d: Dest) -> Res {
        let once = !frozen && walk::one_chunk(items);
        let r = if once { self.target(d)? } else { self.early_target(d)? };
        self.build_array(r, items)?;
        if frozen {
            self.emit(Op::Freeze, r, 0, 0, 0);
        }
        self.finish(d, r);
        Ok(())
    }

    /// A fresh array of `items` in `dst`, which is no variable unless [`walk::one_chunk`].
    pub(super) fn build_array(&mut self, dst: Reg, items: &'a [Arg<'a>]) -> Res {
        if let Some(data) = self.literal_array(items) {
            let x = self.k(data);
            self.emit(Op::Quote, dst, 0, 0, x);
            return Ok(());
        }
        let mark = self.f.top;
        let n = items.iter().take(CHUNK).take_while(|i| matches!(i, Arg::One(_))).count();
        let base = self.f.top as Reg;
        for i in &items[..n] {
            let (Arg::One(e) | Arg::Spread(e)) = *i;
            self.temp(e)?;
        }
        self.emit(Op::NewArray, dst, base, n as Reg, 0);
        self.release(mark);
        self.push_items(dst, &items[n..])
    }

    /// The array as data when it is long and all its elements are plain literals.
    fn literal_array(&mut self, items: &'a [Arg<'a>]) -> Option<Value> {
        if items.len() < COPIED {
            return None;
        }
        let mut values = Vec::with_capacity(items.len());
        for i in items {
            match i {
                Arg::One(Expr { kind: ExprKind::Const(f), .. }) if plain_literal(f) => values.push(self.data(f)),
                _ => return None,
            }
        }
        Some(self.vm.array(&values))
    }

    /// Appends `items` to the array in `dst`.
    pub(super) fn push_items(&mut self, dst: Reg, items: &'a [Arg<'a>]) -> Res {
        for i in items {
            let mark = self.f.top;
            match *i {
                Arg::One(e) => {
                    let r = self.operand(e)?;
                    self.emit(Op::Push, dst, r, 0, 0);
                }
                Arg::Spread(e) => {
                    let r = self.operand(e)?;
                    let span = std::mem::replace(&mut self.f.span, e.span);
                    self.emit(Op::PushAll, dst, r, 0, 0);
                    self.f.span = span;
                }
            }
            self.release(mark);
        }
        Ok(())
    }

    /// A fresh array of plain values in `dst`.
    pub(super) fn build_values(&mut self, dst: Reg, items: &[E<'a>]) -> Res {
        let mark = self.f.top;
        let n = items.len().min(CHUNK);
        let base = self.f.top as Reg;
        for e in &items[..n] {
            self.temp(e)?;
        }
        self.emit(Op::NewArray, dst, base, n as Reg, 0);
        self.release(mark);
        for e in &items[n..] {
            let r = self.operand(e)?;
            self.emit(Op::Push, dst, r, 0, 0);
            self.release(mark);
        }
        Ok(())
    }

    pub(super) fn map(&mut self, entries: &'a [PropArg<'a>], frozen: bool, d: Dest) -> Res {
        let r = self.early_target(d)?;
        self.build_map(r, entries)?;
        if frozen {
            self.emit(Op::Freeze, r, 0, 0, 0);
        }
        self.finish(d, r);
        Ok(())
    }

    /// A fresh map of `entries` in `dst`, which is no variable. An explicit entry wins over a spread one.
    pub(super) fn build_map(&mut self, dst: Reg, entries: &'a [PropArg<'a>]) -> Res {
        let mark = self.f.top;
        let mut names = Vec::new();
        for e in entries.iter().take(CHUNK) {
            let PropArg::Key(k, _) = *e else { break };
            let s = self.vm.sym(k);
            if names.contains(&s) {
                break;
            }
            names.push(s);
        }
        let base = self.f.top as Reg;
        for e in &entries[..names.len()] {
            let (PropArg::Key(_, e) | PropArg::Spread(e)) = *e;
            self.temp(e)?;
        }
        let rest = &entries[names.len()..];
        let x = self.k_names(names);
        self.emit(Op::NewMap, dst, base, 0, x);
        self.release(mark);
        let done = entries.len() - rest.len();
        for (i, e) in rest.iter().enumerate() {
            match *e {
                PropArg::Key(k, e) => {
                    let r = self.operand(e)?;
                    let x = self.k_sym(k);
                    self.emit(Op::MapSet, dst, r, 0, x);
                }
                PropArg::Spread(e) => {
                    let r = self.operand(e)?;
                    // Explicit keys win: earlier ones are kept, later ones replace the value where it stands.
                    let keys: Vec<_> = entries[..done + i]
                        .iter()
                        .filter_map(|e| match e {
                            PropArg::Key(k, _) => Some(self.vm.sym(k)),
                            PropArg::Spread(_) => None,
                        })
                        .collect();
                    let x = self.k_names(keys);
                    let span = std::mem::replace(&mut self.f.span, e.span);
                    self.emit(Op::MapSpread, dst, r, 0, x);
                    self.f.span = span;
                }
            }
            self.release(mark);
        }
        Ok(())
    }

    pub(super) fn hash_map(&mut self, items: &'a [E<'a>], frozen: bool, d: Dest) -> Res {
        let r = self.early_target(d)?;
        let mark = self.f.top;
        let n = items.len().min(CHUNK) & !1;
        let base = self.f.top as Reg;
        for e in &items[..n] {
            self.temp(e)?;
        }
        self.emit(Op::NewHashMap, r, base, (n / 2) as Reg, 0);
        self.release(mark);
        for pair in items[n..].chunks_exact(2) {
            let k = self.operand_before(pair[0], &pair[1..])?;
            let v = self.operand(pair[1])?;
            self.emit(Op::HashSetAt, r, k, v, 0);
            self.release(mark);
        }
        if frozen {
            self.emit(Op::Freeze, r, 0, 0, 0);
        }
        self.finish(d, r);
        Ok(())
    }

    pub(super) fn gene(&mut self, ty: E<'a>, args: Args<'a>, frozen: bool, d: Dest) -> Res {
        let r = self.target(d)?;
        let w = self.alloc(3)?;
        self.expr(ty, Dest::Reg(w))?;
        let at = (args.props_at as usize).min(args.items.len());
        let (before, after) =
            if args.props.is_empty() { (args.items, &args.items[..0]) } else { args.items.split_at(at) };
        self.build_array(w + 2, before)?;
        if args.props.is_empty() {
            self.load_nil(w + 1);
        } else {
            self.build_map(w + 1, args.props)?;
        }
        self.push_items(w + 2, after)?;
        self.emit(Op::NewGene, r, w, frozen as Reg, 0);
        self.finish(d, r);
        Ok(())
    }

    // --- data

    /// The value of a form as data.
    pub(super) fn data(&mut self, f: &Form<'a>) -> Value {
        let file = self.source.id;
        crate::compile::quote::form_to_value(self.vm, f, file)
    }

    pub(super) fn quote(&mut self, f: &Form<'a>, d: Dest) -> Res {
        if d == Dest::Effect {
            return Ok(());
        }
        let r = self.target(d)?;
        let v = self.data(f);
        let mutable = matches!(
            v.heap_kind(),
            Some(Kind::Array | Kind::Map | Kind::HashMap | Kind::HashSet | Kind::Gene | Kind::Quote | Kind::InterpData)
        );
        if mutable {
            let x = self.k(v);
            self.emit(Op::Quote, r, 0, 0, x);
        } else {
            self.load_const(r, v);
        }
        self.finish(d, r);
        Ok(())
    }
}
