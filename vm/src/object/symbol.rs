//! Interned names.
use crate::value::{Sym, Value};
use rustc_hash::FxHashMap;

/// The names of one VM. A symbol's id is its place of first appearance.
pub struct Symbols {
    names: Vec<&'static str>,
    ids: FxHashMap<&'static str, Sym>,
    /// The String object of a name, made when first asked for (permanent in the heap).
    strings: Vec<Value>,
    /// Backing store of `names`; strings are never moved or dropped before the table.
    store: bumpalo::Bump,
}

impl Default for Symbols {
    fn default() -> Self {
        // Room for the names of the library: growing a table at startup costs more than filling it.
        const LIBRARY_NAMES: usize = 1536;
        Symbols {
            names: Vec::with_capacity(LIBRARY_NAMES),
            ids: FxHashMap::with_capacity_and_hasher(LIBRARY_NAMES, Default::default()),
            strings: Vec::new(),
            store: bumpalo::Bump::new(),
        }
    }
}

impl Symbols {
    pub fn intern(&mut self, name: &str) -> Sym {
        if let Some(&s) = self.ids.get(name) {
            return s;
        }
        let text: &str = self.store.alloc_str(name);
        // SAFETY: the arena lives as long as the table and is never reset; `names` and `ids` don't leave it longer than `self`.
        let text: &'static str = unsafe { std::mem::transmute::<&str, &'static str>(text) };
        self.add(text)
    }

    /// Interns a name that lives forever without copying it.
    pub fn intern_static(&mut self, name: &'static str) -> Sym {
        match self.ids.get(name) {
            Some(&s) => s,
            None => self.add(name),
        }
    }

    fn add(&mut self, text: &'static str) -> Sym {
        let s = Sym(self.names.len() as u32);
        self.names.push(text);
        self.ids.insert(text, s);
        s
    }

    /// The symbol of a name that has been interned.
    pub fn find(&self, name: &str) -> Option<Sym> {
        self.ids.get(name).copied()
    }

    #[inline]
    pub fn name(&self, s: Sym) -> &'static str {
        self.names[s.0 as usize]
    }

    pub(crate) fn string(&self, s: Sym) -> Option<Value> {
        self.strings.get(s.0 as usize).copied().filter(|v| v.is_ptr())
    }

    pub(crate) fn set_string(&mut self, s: Sym, v: Value) {
        if self.strings.len() <= s.0 as usize {
            self.strings.resize(s.0 as usize + 1, Value::NIL);
        }
        self.strings[s.0 as usize] = v;
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
