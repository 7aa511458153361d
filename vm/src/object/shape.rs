//! Shapes: the layout shared by all maps and instances that got the same names in the same order.
use crate::value::{Sym, Value};
use rustc_hash::FxHashMap;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct ShapeId(pub u32);

pub struct Shape {
    /// Names by slot.
    pub keys: Vec<Sym>,
    /// Filled for shapes with more than [`LINEAR`] names.
    index: FxHashMap<Sym, u16>,
    transitions: Vec<(Sym, ShapeId)>,
    /// The class of instances, nil for maps. Classes are kept alive by `Vm::classes`.
    pub class: Value,
    /// Slots inside the object.
    pub inline: u16,
    /// Names live in a dictionary instead.
    pub dict: bool,
}

const LINEAR: usize = 8;
/// Objects with more names become dictionaries.
pub const MAX_KEYS: usize = 64;
/// A shape with more successors sends its objects to dictionary mode: keys are data then, not structure.
const MAX_TRANSITIONS: usize = 64;
/// Likewise when a VM has made this many shapes.
const MAX_SHAPES: usize = 1 << 16;

impl Shape {
    #[inline]
    pub fn slot(&self, key: Sym) -> Option<usize> {
        if self.keys.len() <= LINEAR {
            self.keys.iter().position(|&k| k == key)
        } else {
            self.index.get(&key).map(|&i| i as usize)
        }
    }
}

/// All shapes of one VM.
#[derive(Default)]
pub struct Shapes {
    pub all: Vec<Shape>,
}

/// Maps in dictionary mode.
pub const MAP_DICT: ShapeId = ShapeId(0);
/// Empty maps with 0, 4 and 8 inline slots.
pub const MAP_ROOTS: [(u16, ShapeId); 4] = [(2, ShapeId(1)), (4, ShapeId(2)), (8, ShapeId(3)), (16, ShapeId(4))];

impl Shapes {
    pub fn new() -> Shapes {
        let mut s = Shapes { all: Vec::new() };
        s.root(Value::NIL, 0, true);
        for (inline, id) in MAP_ROOTS {
            assert_eq!(s.root(Value::NIL, inline, false), id);
        }
        s
    }

    pub fn root(&mut self, class: Value, inline: u16, dict: bool) -> ShapeId {
        self.all.push(Shape {
            keys: Vec::new(),
            index: FxHashMap::default(),
            transitions: Vec::new(),
            class,
            inline,
            dict,
        });
        ShapeId(self.all.len() as u32 - 1)
    }

    #[inline(always)]
    pub fn get(&self, id: ShapeId) -> &Shape {
        &self.all[id.0 as usize]
    }

    /// The shape after adding `key`; `None`: go to dictionary mode.
    pub fn add(&mut self, from: ShapeId, key: Sym) -> Option<ShapeId> {
        let s = &self.all[from.0 as usize];
        if let Some(&(_, to)) = s.transitions.iter().find(|t| t.0 == key) {
            return Some(to);
        }
        if s.keys.len() >= MAX_KEYS || s.transitions.len() >= MAX_TRANSITIONS || self.all.len() >= MAX_SHAPES {
            return None;
        }
        let mut keys = s.keys.clone();
        keys.push(key);
        let index = if keys.len() > LINEAR {
            keys.iter().enumerate().map(|(i, &k)| (k, i as u16)).collect()
        } else {
            FxHashMap::default()
        };
        let (class, inline) = (s.class, s.inline);
        let id = ShapeId(self.all.len() as u32);
        self.all.push(Shape { keys, index, transitions: Vec::new(), class, inline, dict: false });
        self.all[from.0 as usize].transitions.push((key, id));
        Some(id)
    }
}
