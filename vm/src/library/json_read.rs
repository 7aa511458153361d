//! JSON to values, in one pass (language 15.1; RFC 8259, nothing more).
//!
//! Finished elements of open containers wait on one stack; a container is built when its end is read, with exactly the room it
//! needs. Objects with the same keys as an earlier one take its shape without looking up any key.
use super::json_write::TAG;
use crate::heap::Kind;
use crate::native::R;
use crate::object::array::Array;
use crate::object::shape::ShapeId;
use crate::value::{Sym, Value};
use crate::vm::Vm;

/// Arrays and objects inside each other.
pub const MAX_DEPTH: usize = 1000;

/// What is wrong, and at which byte.
struct Fault {
    at: usize,
    reason: &'static str,
}

type P<T> = Result<T, Fault>;

/// How many bytes at the start stand for themselves in a JSON string: all but quotes, backslashes and control characters. Looks
/// at eight at a time.
#[inline(always)]
pub fn plain_prefix(b: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let mut i = 0;
    while let Some(word) = b.get(i..i + 8) {
        let w = u64::from_le_bytes(word.try_into().unwrap_or_default());
        // A byte of these differences has its high bit set where the original is a quote, a backslash or below a blank (or
        // behind such a byte; bytes above 127 are cleared by the last term).
        let quote = w ^ (ONES * b'"' as u64);
        let backslash = w ^ (ONES * b'\\' as u64);
        let hit = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (w.wrapping_sub(ONES * 0x20) & !w);
        let hit = hit & HIGHS;
        if hit != 0 {
            return i + hit.trailing_zeros() as usize / 8;
        }
        i += 8;
    }
    while !matches!(b.get(i), None | Some(b'"' | b'\\' | 0..0x20)) {
        i += 1;
    }
    i
}

struct Reader<'a> {
    vm: &'a mut Vm,
    text: &'a str,
    b: &'a [u8],
    i: usize,
    depth: usize,
    /// Elements and members of the open containers. No collection happens while a native runs, so they need no root.
    values: Vec<Value>,
    keys: Vec<Sym>,
    shapes: [Option<KnownShape>; SHAPES],
    /// Unescaped text of the string being read.
    scratch: String,
    tagged: bool,
}

/// Keys of an object built before, and what its layout was.
struct KnownShape {
    keys: Vec<Sym>,
    shape: ShapeId,
    inline: u16,
}

const SHAPES: usize = 16;

/// The value of a JSON text. `tagged`: strings and objects that stand for other kinds become those (15.2).
pub fn parse(vm: &mut Vm, text: &str, tagged: bool) -> R {
    vm.heap.fuel.spend_on_bytes(text.len());
    let mut r = Reader {
        vm,
        text,
        b: text.as_bytes(),
        i: 0,
        depth: 0,
        values: Vec::new(),
        keys: Vec::new(),
        shapes: [const { None }; SHAPES],
        scratch: String::new(),
        tagged,
    };
    match r.document() {
        Ok(v) => Ok(v),
        Err(f) => {
            let m = message(text, &f);
            Err(vm.parse_error(&m))
        }
    }
}

/// `Invalid JSON: line:col: REASON`; columns count code points.
fn message(text: &str, f: &Fault) -> String {
    let before = &text.as_bytes()[..f.at.min(text.len())];
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let start = memchr::memrchr(b'\n', before).map_or(0, |i| i + 1);
    let column = before[start..].iter().filter(|&&b| (b as i8) >= -0x40).count() + 1;
    let reason = if f.at >= text.len() { "unexpected end of input" } else { f.reason };
    format!("Invalid JSON: {line}:{column}: {reason}")
}

/// 10^0 to 10^22: the powers that are doubles.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

impl Reader<'_> {
    fn fail<T>(&self, reason: &'static str) -> P<T> {
        Err(Fault { at: self.i, reason })
    }

    #[inline(always)]
    fn peek(&self) -> u8 {
        // 0 is no JSON character outside strings: it stands for the end.
        self.b.get(self.i).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.i += 1;
        }
    }

    fn document(&mut self) -> P<Value> {
        self.blanks();
        let v = self.value()?;
        self.blanks();
        if self.i < self.b.len() { self.fail("trailing characters") } else { Ok(v) }
    }

    fn value(&mut self) -> P<Value> {
        match self.peek() {
            b'"' => {
                let start = self.i + 1;
                self.string()?;
                let text = if self.scratch.is_empty() { &self.text[start..self.i - 1] } else { &self.scratch };
                match text.strip_prefix(TAG).filter(|_| self.tagged) {
                    None => Ok(self.vm.str(text)),
                    Some("") => Ok(Value::sym(self.vm.names.empty)),
                    Some(form) => match super::serdes_read::read_one(self.vm, form) {
                        Some(v) => Ok(v),
                        None => Err(Fault { at: start - 1, reason: "invalid Gene text" }),
                    },
                }
            }
            b'-' | b'0'..=b'9' => self.number(),
            b'{' => self.object(),
            b'[' => self.array(),
            b't' => self.word("true", Value::TRUE),
            b'f' => self.word("false", Value::FALSE),
            b'n' => self.word("null", Value::NIL),
            _ => self.fail("expected a value"),
        }
    }

    fn word(&mut self, word: &'static str, v: Value) -> P<Value> {
        for &b in word.as_bytes() {
            if self.peek() != b {
                return self.fail("expected a value");
            }
            self.i += 1;
        }
        Ok(v)
    }

    fn open(&mut self) -> P<()> {
        if self.depth == MAX_DEPTH {
            return self.fail("nesting too deep");
        }
        self.depth += 1;
        self.i += 1;
        self.blanks();
        Ok(())
    }

    fn array(&mut self) -> P<Value> {
        self.open()?;
        let base = self.values.len();
        if self.peek() == b']' {
            self.i += 1;
        } else {
            loop {
                let v = self.value()?;
                self.values.push(v);
                self.blanks();
                match self.peek() {
                    b',' => {
                        self.i += 1;
                        self.blanks();
                    }
                    b']' => {
                        self.i += 1;
                        break;
                    }
                    _ => return self.fail("expected , or ]"),
                }
            }
        }
        self.depth -= 1;
        let v = self.vm.heap.array(&self.values[base..]).value();
        self.values.truncate(base);
        Ok(v)
    }

    fn object(&mut self) -> P<Value> {
        self.open()?;
        let (base, keys) = (self.values.len(), self.keys.len());
        if self.peek() == b'}' {
            self.i += 1;
        } else {
            loop {
                if self.peek() != b'"' {
                    return self.fail("expected a string as key");
                }
                let start = self.i + 1;
                self.string()?;
                let key = if self.scratch.is_empty() { &self.text[start..self.i - 1] } else { &self.scratch };
                let key = self.vm.symbols.intern(key);
                self.keys.push(key);
                self.blanks();
                if self.peek() != b':' {
                    return self.fail("expected :");
                }
                self.i += 1;
                self.blanks();
                let v = self.value()?;
                self.values.push(v);
                self.blanks();
                match self.peek() {
                    b',' => {
                        self.i += 1;
                        self.blanks();
                    }
                    b'}' => {
                        self.i += 1;
                        break;
                    }
                    _ => return self.fail("expected , or }"),
                }
            }
        }
        self.depth -= 1;
        let v = match self.tagged.then(|| self.gene(base, keys)).flatten() {
            Some(gene) => gene,
            None => self.map(base, keys),
        };
        self.values.truncate(base);
        self.keys.truncate(keys);
        Ok(v)
    }

    /// The Gene that an object with a member `genetype` stands for.
    fn gene(&mut self, base: usize, keys: usize) -> Option<Value> {
        let keys = &self.keys[keys..];
        let name = self.vm.symbols.intern_static("genetype");
        keys.iter().position(|&k| k == name)?;
        let children = self.vm.symbols.intern_static("children");
        let gene = {
            let empty = self.vm.heap.array(&[]);
            self.vm.gene(Value::NIL, Value::NIL, empty)
        };
        for (&k, &v) in keys.iter().zip(&self.values[base..]) {
            match v.get::<Array>(Kind::Array) {
                _ if k == name => gene.set_slot(&mut self.vm.heap, 0, v),
                Some(items) if k == children => gene.set_slot(&mut self.vm.heap, 2, items.value()),
                _ => self.vm.gene_set_prop(gene, k, v),
            }
        }
        Some(gene.value())
    }

    /// The Map of the members from `base` and `keys` on.
    fn map(&mut self, base: usize, keys: usize) -> Value {
        let (values, keys) = (&self.values[base..], &self.keys[keys..]);
        let place = match keys {
            [first, ..] => (first.0 as usize * 7 + keys.len()) % SHAPES,
            [] => 0,
        };
        if let Some(known) = &self.shapes[place]
            && known.keys == keys
        {
            return self.vm.map_of_shape(known.shape, known.inline, values).value();
        }
        let m = self.vm.map_with_capacity(keys.len());
        for (&k, &v) in keys.iter().zip(values) {
            self.vm.map_set(m, k, v);
        }
        let shape = m.shape();
        let s = self.vm.shapes.get(shape);
        // Not with a key given twice, in dictionary mode, or with slots outside the object.
        if s.keys == keys && !s.dict && keys.len() <= m.inline_slots() {
            self.shapes[place] = Some(KnownShape { keys: keys.to_vec(), shape, inline: m.inline_slots() as u16 });
        }
        m.value()
    }

    /// Reads a string from its quote on. With escapes the text is in `scratch` then, else between the quotes.
    #[inline]
    fn string(&mut self) -> P<()> {
        self.scratch.clear();
        self.i += 1;
        let start = self.i;
        self.plain_run();
        if self.peek() == b'"' {
            self.i += 1;
            return Ok(());
        }
        self.escaped_string(start)
    }

    /// Skips characters that stand for themselves.
    #[inline(always)]
    fn plain_run(&mut self) {
        self.i += plain_prefix(&self.b[self.i..]);
    }

    #[cold]
    #[inline(never)]
    fn escaped_string(&mut self, start: usize) -> P<()> {
        let mut run = start;
        loop {
            match self.b.get(self.i) {
                Some(b'"') => {
                    self.scratch.push_str(&self.text[run..self.i]);
                    self.i += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.scratch.push_str(&self.text[run..self.i]);
                    self.i += 1;
                    let c = self.escape()?;
                    self.scratch.push(c);
                    run = self.i;
                }
                None => return self.fail("unexpected end of input"),
                Some(_) => return self.fail("control character in a string"),
            }
            self.plain_run();
        }
    }

    fn escape(&mut self) -> P<char> {
        let c = match self.peek() {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.i += 1;
                return self.unicode();
            }
            _ => return self.fail("invalid escape"),
        };
        self.i += 1;
        Ok(c)
    }

    /// Four hex digits, eight for characters outside the basic plane.
    fn unicode(&mut self) -> P<char> {
        let start = self.i;
        let high = self.hex4()?;
        let code = if (0xD800..0xDC00).contains(&high) && self.b[self.i..].starts_with(b"\\u") {
            self.i += 2;
            let low = self.hex4()?;
            if !(0xDC00..0xE000).contains(&low) {
                return Err(Fault { at: start, reason: "unpaired surrogate" });
            }
            0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
        } else {
            high
        };
        match char::from_u32(code) {
            Some(c) => Ok(c),
            None => Err(Fault { at: start, reason: "unpaired surrogate" }),
        }
    }

    fn hex4(&mut self) -> P<u32> {
        let mut n = 0;
        for _ in 0..4 {
            match (self.peek() as char).to_digit(16) {
                Some(d) => n = n * 16 + d,
                None => return self.fail("invalid escape"),
            }
            self.i += 1;
        }
        Ok(n)
    }

    fn number(&mut self) -> P<Value> {
        let start = self.i;
        let negative = self.peek() == b'-';
        self.i += negative as usize;
        let first = self.i;
        // The digits as a number, as long as 18 of them hold.
        let mut n: u64 = 0;
        while let d @ b'0'..=b'9' = self.peek() {
            n = n.wrapping_mul(10).wrapping_add((d - b'0') as u64);
            self.i += 1;
        }
        let whole = self.i - first;
        if whole == 0 {
            return self.fail("invalid number");
        }
        if whole > 1 && self.b[first] == b'0' {
            self.i = first + 1;
            return self.fail("invalid number");
        }
        if !matches!(self.peek(), b'.' | b'e' | b'E') {
            if whole <= 18 {
                let n = n as i64;
                return Ok(self.vm.int(if negative { -n } else { n }));
            }
            return match self.text[start..self.i].parse::<i64>() {
                Ok(i) => Ok(self.vm.int(i)),
                Err(_) => self.float(start),
            };
        }
        let mut digits = whole;
        let mut exponent = 0i32;
        if self.peek() == b'.' {
            self.i += 1;
            let from = self.i;
            while let d @ b'0'..=b'9' = self.peek() {
                n = n.wrapping_mul(10).wrapping_add((d - b'0') as u64);
                self.i += 1;
            }
            let fraction = self.i - from;
            if fraction == 0 {
                return self.fail("invalid number");
            }
            digits += fraction;
            exponent = -(fraction.min(1000) as i32);
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.i += 1;
            let down = self.peek() == b'-';
            self.i += matches!(self.peek(), b'+' | b'-') as usize;
            let from = self.i;
            let mut e = 0i32;
            while let d @ b'0'..=b'9' = self.peek() {
                e = (e * 10 + (d - b'0') as i32).min(100_000);
                self.i += 1;
            }
            if self.i == from {
                return self.fail("invalid number");
            }
            exponent += if down { -e } else { e };
        }
        // An exact product or quotient of two doubles is correctly rounded.
        if digits <= 18 && n < 1 << 53 && exponent.unsigned_abs() <= 22 {
            let power = POWERS[exponent.unsigned_abs() as usize];
            let f = if exponent < 0 { n as f64 / power } else { n as f64 * power };
            return Ok(Value::float(if negative { -f } else { f }));
        }
        self.float(start)
    }

    fn float(&mut self, start: usize) -> P<Value> {
        match self.text[start..self.i].parse::<f64>() {
            Ok(f) if f.is_finite() => Ok(Value::float(f)),
            _ => Err(Fault { at: start, reason: "number out of range" }),
        }
    }
}
