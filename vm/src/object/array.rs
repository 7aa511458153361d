//! Arrays: a window into a buffer, so that removing at the front is as cheap as at the end. Short literals hold their elements
//! inside the object.
use crate::heap::{Buf, Gc, Header, Heap, Kind};
use crate::value::Value;

#[repr(C)]
pub struct Array {
    pub header: Header,
    /// First element.
    pub data: *mut Value,
    pub len: u32,
    /// Elements that fit from `data` on.
    pub cap: u32,
    /// The buffer, or nil while the elements follow the object.
    pub buf: Value,
}

const HEAD: usize = std::mem::size_of::<Array>();
/// Elements; more raises an exception.
pub const MAX_LEN: usize = 1 << 28;
const INLINE_MAX: usize = 28;

impl Heap {
    /// An array with exactly room for `cap` elements, empty.
    pub fn array_with_capacity(&mut self, cap: usize) -> Gc<Array> {
        if cap <= INLINE_MAX {
            let mut a: Gc<Array> = self.alloc_sized(Kind::Array, 0, 0, HEAD + cap * 8);
            a.data = (a.as_ptr() as usize + HEAD) as *mut Value;
            a.cap = cap as u32;
            a.buf = Value::NIL;
            a
        } else {
            let buf = self.alloc_buf(cap);
            let mut a: Gc<Array> = self.alloc(Kind::Array, 0, 0);
            a.data = buf.words();
            a.cap = cap as u32;
            a.buf = buf.value();
            a
        }
    }

    pub fn array(&mut self, items: &[Value]) -> Gc<Array> {
        let mut a = self.array_with_capacity(items.len());
        // SAFETY: capacity is `items.len()`.
        unsafe { std::ptr::copy_nonoverlapping(items.as_ptr(), a.data, items.len()) };
        a.len = items.len() as u32;
        a
    }

    #[inline(always)]
    pub fn array_push(&mut self, mut a: Gc<Array>, v: Value) {
        if a.len == a.cap {
            self.array_reserve(a, 1);
        }
        // SAFETY: len < cap.
        unsafe { *a.data.add(a.len as usize) = v };
        a.len += 1;
        self.barrier(a);
    }

    /// Makes room for `extra` more elements.
    #[inline(never)]
    pub fn array_reserve(&mut self, mut a: Gc<Array>, extra: usize) {
        let need = a.len as usize + extra;
        if need <= a.cap as usize {
            return;
        }
        let base = if a.buf.is_ptr() { a.buf.gc::<Buf>().words() } else { a.data };
        let skipped = (a.data as usize - base as usize) / 8;
        if a.buf.is_ptr() && skipped >= need.max(8) / 2 && need <= a.cap as usize + skipped {
            // A queue: elements were removed at the front. Move back instead of growing.
            // SAFETY: both ranges lie in the buffer.
            unsafe { std::ptr::copy(a.data, base, a.len as usize) };
            a.data = base;
            a.cap += skipped as u32;
            return;
        }
        let cap = need.max(a.len as usize * 2).max(4);
        let buf = if a.buf.is_ptr() && skipped == 0 {
            self.grow_buf(a.buf.gc(), a.len as usize * 8, cap * 8)
        } else {
            let b = self.alloc_buf(cap);
            // SAFETY: cap > len.
            unsafe { std::ptr::copy_nonoverlapping(a.data, b.words(), a.len as usize) };
            b
        };
        a.data = buf.words();
        a.cap = cap as u32;
        a.buf = buf.value();
        self.barrier(a);
    }

    /// Makes room for at least one element in front of the first. Free places at the end are shared with it, or there will be as
    /// many as there are elements: prepending takes constant time on average, also between appends.
    fn array_reserve_front(&mut self, mut a: Gc<Array>) {
        let base = a.buf.gc::<Buf>().words();
        if a.data != base {
            return;
        }
        let len = a.len as usize;
        self.fuel.spend_on_bytes(len * size_of::<Value>());
        let free = a.cap as usize - len;
        if free > len / 2 {
            let gap = free.div_ceil(2);
            // SAFETY: gap <= cap - len, so the target ends within the buffer.
            unsafe {
                std::ptr::copy(base, base.add(gap), len);
                a.data = base.add(gap);
            }
            a.cap -= gap as u32;
            return;
        }
        let gap = len + 1;
        let buf = self.alloc_buf(gap + len + free);
        // SAFETY: the new buffer has room for the gap, the elements and the free places behind them.
        unsafe {
            std::ptr::copy_nonoverlapping(a.data, buf.words().add(gap), len);
            a.data = buf.words().add(gap);
        }
        a.cap = (len + free) as u32;
        a.buf = buf.value();
        self.barrier(a);
    }

    /// Inserts before `i` (`i <= len`).
    pub fn array_insert(&mut self, mut a: Gc<Array>, i: usize, v: Value) {
        assert!(i <= a.len as usize);
        if i == 0 && a.buf.is_ptr() {
            self.array_reserve_front(a);
            // SAFETY: there is a place in front of the first element.
            unsafe {
                a.data = a.data.sub(1);
                *a.data = v;
            }
            a.cap += 1;
            a.len += 1;
            self.barrier(a);
            return;
        }
        self.array_reserve(a, 1);
        // SAFETY: room for one more.
        unsafe {
            let p = a.data.add(i);
            std::ptr::copy(p, p.add(1), a.len as usize - i);
            *p = v;
        }
        a.len += 1;
        self.barrier(a);
    }

    pub fn array_extend(&mut self, mut a: Gc<Array>, items: &[Value]) {
        self.array_reserve(a, items.len());
        // SAFETY: reserved. `items` may be the array's own elements: they lie before the target.
        unsafe { std::ptr::copy(items.as_ptr(), a.data.add(a.len as usize), items.len()) };
        a.len += items.len() as u32;
        self.barrier(a);
    }

    #[inline(always)]
    pub fn array_set(&mut self, a: Gc<Array>, i: usize, v: Value) {
        assert!(i < a.len as usize);
        // SAFETY: checked.
        unsafe { *a.data.add(i) = v };
        self.barrier(a);
    }
}

impl Gc<Array> {
    /// The elements; valid until the array is changed.
    #[inline(always)]
    pub fn as_slice<'a>(self) -> &'a [Value] {
        // SAFETY: len elements are initialised.
        unsafe { std::slice::from_raw_parts(self.data, self.len as usize) }
    }
    /// The elements, writable. After storing heap pointers or moving elements call `heap.barrier(array)`: marking in slices may
    /// have seen one half of them.
    #[inline(always)]
    pub fn as_mut_slice<'a>(self) -> &'a mut [Value] {
        // SAFETY: as above; the VM is single-threaded.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.len as usize) }
    }
    #[inline(always)]
    pub fn size(self) -> usize {
        self.len as usize
    }
    #[inline(always)]
    pub fn at(self, i: usize) -> Option<Value> {
        self.as_slice().get(i).copied()
    }
    pub fn pop(mut self) -> Option<Value> {
        if self.len == 0 {
            return None;
        }
        self.len -= 1;
        // SAFETY: the old last element.
        Some(unsafe { *self.data.add(self.len as usize) })
    }
    /// Removes the first element in constant time.
    pub fn shift(mut self) -> Option<Value> {
        if self.len == 0 {
            return None;
        }
        // SAFETY: len > 0.
        let v = unsafe { *self.data };
        if self.buf.is_ptr() {
            // SAFETY: stays within the buffer.
            self.data = unsafe { self.data.add(1) };
            self.cap -= 1;
        } else {
            // SAFETY: moves the rest down inside the object (short arrays only).
            unsafe { std::ptr::copy(self.data.add(1), self.data, self.len as usize - 1) };
        }
        self.len -= 1;
        Some(v)
    }
    pub fn remove(mut self, i: usize) -> Value {
        assert!(i < self.len as usize);
        if i == 0 {
            return self.shift().unwrap();
        }
        // SAFETY: checked.
        unsafe {
            let p = self.data.add(i);
            let v = *p;
            std::ptr::copy(p.add(1), p, self.len as usize - i - 1);
            self.len -= 1;
            v
        }
    }
    pub fn truncate(mut self, n: usize) {
        self.len = self.len.min(n as u32);
    }
    pub fn is_frozen(self) -> bool {
        self.header().frozen()
    }
}
