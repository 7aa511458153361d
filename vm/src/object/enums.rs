//! Enums: the enum itself, its variants, payload values.
use crate::heap::collect::Marker;
use crate::heap::{Gc, Header, Heap, Kind, Record};
use crate::value::{Sym, Value};

pub struct VariantDecl {
    pub name: Sym,
    /// Field names and type descriptors (nil: unchecked); `None` for a unit variant.
    pub fields: Option<Vec<(Sym, Value)>>,
}

pub struct EnumData {
    pub name: Sym,
    pub variants: Vec<VariantDecl>,
    /// One [`Kind::Variant`] value per declaration.
    pub values: Vec<Value>,
    /// The module whose code made it.
    pub module: Option<u32>,
}

#[repr(C)]
pub struct EnumObj {
    pub header: Header,
    data: *mut EnumData,
}

impl EnumObj {
    pub(crate) fn trace(o: Gc<EnumObj>, m: &mut Marker) {
        let e = o.data();
        m.values(&e.values);
        for (_, t) in e.variants.iter().filter_map(|v| v.fields.as_ref()).flatten() {
            m.value(*t);
        }
    }
    pub(crate) fn drop_data(o: Gc<EnumObj>) {
        // SAFETY: called once, when the object dies.
        drop(unsafe { Box::from_raw(o.data) });
    }
}

impl Gc<EnumObj> {
    #[allow(clippy::mut_from_ref)]
    pub fn data<'a>(self) -> &'a mut EnumData {
        // SAFETY: owned by the object; single-threaded.
        unsafe {
            let data = self.data;
            &mut *data
        }
    }
}

impl Heap {
    /// An enum with its variant values. A [`Kind::Variant`] is a record (enum, index): the value of a unit variant, the
    /// constructor of a payload variant (`header.aux` 1).
    pub fn make_enum(&mut self, name: Sym, variants: Vec<VariantDecl>) -> Gc<EnumObj> {
        let mut o: Gc<EnumObj> = self.alloc_owner(Kind::Enum);
        let payload: Vec<bool> = variants.iter().map(|v| v.fields.is_some()).collect();
        o.data = Box::into_raw(Box::new(EnumData { name, variants, values: Vec::new(), module: None }));
        for (i, p) in payload.into_iter().enumerate() {
            let v = self.record(Kind::Variant, p as u16, &[o.value(), Value::small(i as i64)]);
            o.data().values.push(v.value());
        }
        o
    }

    /// A payload value: record (variant, payload...).
    pub fn enum_value(&mut self, variant: Value, payload: &[Value]) -> Value {
        let mut items = vec![variant];
        items.extend_from_slice(payload);
        self.record(Kind::EnumValue, 0, &items).value()
    }
}

impl Value {
    /// For enum values (unit or payload) and constructors: the enum and the variant's index.
    pub fn variant_of(self) -> Option<(Gc<EnumObj>, usize)> {
        let v = match self.heap_kind()? {
            Kind::Variant => self,
            Kind::EnumValue => self.gc::<Record>().slot(0),
            _ => return None,
        };
        let r = v.gc::<Record>();
        Some((r.slot(0).gc(), r.slot(1).small_int() as usize))
    }
    /// A unit variant or a payload value: something that *is* of the enum. (Constructors are not.)
    pub fn enum_of(self) -> Option<(Gc<EnumObj>, usize)> {
        if self.is_kind(Kind::Variant) && self.gc::<Record>().header().aux == 1 {
            return None;
        }
        self.variant_of()
    }
}
