//! Methods of Bytes, base64 and hashes.
use super::args::{int, string, wrong_kind};
use super::string::{check_len, position};
use crate::def;
use crate::heap::Kind;
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::array::Array;
use crate::value::Value;
use crate::vm::Vm;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a [u8], Stop> {
    bytes(vm, "Bytes method", a.this())
}

fn bytes<'a>(vm: &mut Vm, name: &str, v: Value) -> Result<&'a [u8], Stop> {
    match v.as_bytes() {
        Some(b) => Ok(b),
        None => Err(wrong_kind(vm, name, "Bytes", v)),
    }
}

/// The bytes of a String or Bytes.
fn data<'a>(vm: &mut Vm, name: &str, v: Value) -> Result<&'a [u8], Stop> {
    match v.as_str().map(str::as_bytes).or(v.as_bytes()) {
        Some(b) => Ok(b),
        None => Err(wrong_kind(vm, name, "String or Bytes", v)),
    }
}

fn new_bytes(vm: &mut Vm, b: &[u8]) -> R {
    Ok(vm.heap.bytes(b).value())
}

fn size(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.len() as i64))
}

fn is_empty(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)?.is_empty()))
}

fn get(vm: &mut Vm, a: &Args) -> R {
    let (b, i) = (this(vm, a)?, int(vm, "get", a.get(0))?);
    match usize::try_from(position(i, b.len())).ok().and_then(|i| b.get(i..i + 1)) {
        Some(one) => new_bytes(vm, one),
        None => Err(vm.argument_error(&format!("Bytes index out of bounds: {i} (size: {})", b.len()))),
    }
}

fn at(vm: &mut Vm, a: &Args) -> R {
    let (b, i) = (this(vm, a)?, int(vm, "at", a.get(0))?);
    let byte = usize::try_from(position(i, b.len())).ok().and_then(|i| b.get(i));
    Ok(byte.map_or(Value::NIL, |&b| Value::small(b as i64)))
}

fn to_array(vm: &mut Vm, a: &Args) -> R {
    let bytes = this(vm, a)?;
    let items = vm.heap.array_with_capacity(bytes.len());
    for &b in bytes {
        vm.heap.array_push(items, Value::small(b as i64));
    }
    Ok(items.value())
}

fn slice(vm: &mut Vm, a: &Args) -> R {
    let b = this(vm, a)?;
    let s = super::collection::selection(vm, a, b.len())?;
    let out: Vec<u8> = (0..s.count as i64).map(|i| b[(s.from as i64 + i * s.step) as usize]).collect();
    new_bytes(vm, &out)
}

fn concat(vm: &mut Vm, a: &Args) -> R {
    let first = this(vm, a)?;
    let mut parts = Vec::with_capacity(a.len());
    let mut len = first.len();
    for &v in a.rest() {
        let more = bytes(vm, "concat", v)?;
        len += more.len();
        check_len(vm, len)?;
        parts.push(more);
    }
    Ok(vm.heap.bytes_append(a.this().gc(), &parts).value())
}

fn reverse(vm: &mut Vm, a: &Args) -> R {
    let mut out = this(vm, a)?.to_vec();
    out.reverse();
    new_bytes(vm, &out)
}

/// The position of Bytes, or of one byte given as an Int.
fn index(vm: &mut Vm, a: &Args) -> R {
    let b = this(vm, a)?;
    let found = match a.get(0).as_int() {
        Some(i) => u8::try_from(i).ok().and_then(|i| memchr::memchr(i, b)),
        None => memchr::memmem::find(b, bytes(vm, "index", a.get(0))?),
    };
    vm.heap.fuel.spend_on_bytes(found.unwrap_or(b.len()));
    Ok(Value::small(found.map_or(-1, |i| i as i64)))
}

fn to_text(vm: &mut Vm, a: &Args) -> R {
    let b = this(vm, a)?;
    if a.flag(vm, "lossy") {
        let text = String::from_utf8_lossy(b);
        return Ok(vm.str(&text));
    }
    match std::str::from_utf8(b) {
        Ok(s) => Ok(vm.str(s)),
        Err(_) => Err(vm.argument_error("invalid UTF-8")),
    }
}

/// Two lower-case digits per byte.
pub fn hex(b: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(b.len() * 2);
    for x in b {
        out.push(DIGITS[(x >> 4) as usize] as char);
        out.push(DIGITS[(x & 15) as usize] as char);
    }
    out
}

fn to_hex(vm: &mut Vm, a: &Args) -> R {
    let text = hex(this(vm, a)?);
    Ok(vm.str(&text))
}

pub fn base64(b: &[u8]) -> String {
    STANDARD.encode(b)
}

fn to_base64(vm: &mut Vm, a: &Args) -> R {
    let text = base64(this(vm, a)?);
    Ok(vm.str(&text))
}

/// Up to 8 bytes, most significant first; `None` when an unsigned number does not fit an Int.
fn int_of_bytes(b: &[u8], signed: bool) -> Option<i64> {
    let negative = signed && b.first().is_some_and(|&x| x >= 0x80);
    let n = b.iter().fold(if negative { u64::MAX } else { 0 }, |n, &x| n << 8 | x as u64);
    if signed { Some(n as i64) } else { i64::try_from(n).ok() }
}

fn to_int(vm: &mut Vm, a: &Args) -> R {
    let mut b = this(vm, a)?.to_vec();
    if b.len() > 8 {
        return Err(vm.argument_error(&format!("to_int requires at most 8 bytes, got {}", b.len())));
    }
    if a.flag(vm, "little") {
        b.reverse();
    }
    match int_of_bytes(&b, a.flag(vm, "signed")) {
        Some(i) => Ok(vm.int(i)),
        None => Err(vm.argument_error("to_int result out of Int range")),
    }
}

// --- statics

fn from(vm: &mut Vm, a: &Args) -> R {
    let Some(items) = a.get(0).get::<Array>(Kind::Array) else {
        return Err(wrong_kind(vm, "from", "Array", a.get(0)));
    };
    let mut out = Vec::with_capacity(items.size());
    for &v in items.as_slice() {
        match u8::try_from(int(vm, "from", v)?) {
            Ok(b) => out.push(b),
            Err(_) => return Err(vm.argument_error("Bytes requires Ints in 0..255")),
        }
    }
    new_bytes(vm, &out)
}

fn zeros(vm: &mut Vm, a: &Args) -> R {
    let n = int(vm, "zeros", a.get(0))?;
    let Ok(n) = usize::try_from(n) else { return Err(vm.argument_error("zeros requires a non-negative count")) };
    check_len(vm, n)?;
    new_bytes(vm, &vec![0; n])
}

fn parse_hex(s: &str) -> Option<Vec<u8>> {
    if !s.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    s.as_bytes().chunks(2).map(|p| Some(digit(p[0])? << 4 | digit(p[1])?)).collect()
}

fn from_hex(vm: &mut Vm, a: &Args) -> R {
    match parse_hex(string(vm, "hex", a.get(0))?) {
        Some(b) => new_bytes(vm, &b),
        None => Err(vm.argument_error("invalid hex")),
    }
}

fn decode(vm: &mut Vm, name: &str, v: Value) -> Result<Vec<u8>, Stop> {
    let text = string(vm, name, v)?;
    match STANDARD.decode(text) {
        Ok(b) => Ok(b),
        Err(_) => Err(vm.argument_error("invalid base64")),
    }
}

fn from_base64(vm: &mut Vm, a: &Args) -> R {
    let b = decode(vm, "base64", a.get(0))?;
    new_bytes(vm, &b)
}

/// The low `size` bytes, most significant first, when the number fits them as signed or unsigned.
fn bytes_of_int(n: i64, size: usize) -> Option<Vec<u8>> {
    let fits = size == 8 || (-(1i64 << (size * 8 - 1))..1 << (size * 8)).contains(&n);
    if fits { Some(n.to_be_bytes()[8 - size..].to_vec()) } else { None }
}

fn of_int(vm: &mut Vm, a: &Args) -> R {
    let (n, size) = (int(vm, "of_int", a.get(0))?, int(vm, "of_int", a.get(1))?);
    if !(1..=8).contains(&size) {
        return Err(vm.argument_error(&format!("of_int size must be in 1..8, got {size}")));
    }
    let Some(mut b) = bytes_of_int(n, size as usize) else {
        return Err(vm.argument_error(&format!("{n} does not fit {size} bytes")));
    };
    if a.flag(vm, "little") {
        b.reverse();
    }
    new_bytes(vm, &b)
}

// --- namespace gene

fn base64_encode(vm: &mut Vm, a: &Args) -> R {
    let text = base64(data(vm, "base64_encode", a.get(0))?);
    Ok(vm.str(&text))
}

fn base64_decode(vm: &mut Vm, a: &Args) -> R {
    let b = decode(vm, "base64_decode", a.get(0))?;
    match std::str::from_utf8(&b) {
        Ok(s) => Ok(vm.str(s)),
        Err(_) => new_bytes(vm, &b),
    }
}

fn hashed<'a>(vm: &mut Vm, name: &str, a: &Args) -> Result<&'a [u8], Stop> {
    let data = data(vm, name, a.get(0))?;
    vm.heap.fuel.spend_on(data.len());
    Ok(data)
}

fn sha256(vm: &mut Vm, a: &Args) -> R {
    let data = hashed(vm, "sha256", a)?;
    let text = hex(&sha2::Sha256::digest(data));
    Ok(vm.str(&text))
}

fn md5(vm: &mut Vm, a: &Args) -> R {
    let data = hashed(vm, "md5", a)?;
    let text = hex(&md5::Md5::digest(data));
    Ok(vm.str(&text))
}

fn crc32(vm: &mut Vm, a: &Args) -> R {
    let data = hashed(vm, "crc32", a)?;
    Ok(Value::small(crc32fast::hash(data) as i64))
}

#[rustfmt::skip]
pub static METHODS: &[NativeDef] = &[
    def!("size", size, 0, 0, "(b .size) -- Number of bytes.
        ((Bytes/from [1 2]) .size) => 2"),
    def!("length", size, 0, 0, "(b .length) -- Number of bytes.
        ((Bytes/from [1 2]) .length) => 2"),
    def!("empty?", is_empty, 0, 0, "(b .empty?) -- Has it no bytes?
        ((Bytes/from []) .empty?) => true"),
    def!("get", get, 1, 1, "(b .get i) -- Byte i as Bytes of length 1.
        ((Bytes/from [1 2]) .get 1) => 0#02"),
    def!("at", at, 1, 1, "(b .at i) -- Byte i as an Int, or nil.
        ((Bytes/from [1 2]) .at 1) => 2"),
    def!("to_array", to_array, 0, 0, "(b .to_array) -- Array of Ints.
        ((Bytes/from [1 2]) .to_array) => [1 2]"),
    def!("slice", slice, 1, 2, "(b .slice from [to]) -- The bytes from from up to, excluding, to.
        ((Bytes/from [1 2 3]) .slice 1 3) => 0#0203"),
    def!("concat", concat, 0, VARIADIC, "(b .concat bytes...) -- The receiver followed by the others.
        ((Bytes/from [1]) .concat (Bytes/from [2])) => 0#0102"),
    def!("reverse", reverse, 0, 0, "(b .reverse) -- In reverse order.
        ((Bytes/from [1 2]) .reverse) => 0#0201"),
    def!("index", index, 1, 1, "(b .index bytes) -- Position of the first occurrence, or -1.
        ((Bytes/from [1 2 3]) .index (Bytes/from [3])) => 2"),
    def!("to_text", to_text, 0, 0, ["lossy"], r#"(b .to_text [^^lossy]) -- The String these UTF-8 bytes are.
        ((Bytes/from [104 105]) .to_text) => "hi""#),
    def!("to_hex", to_hex, 0, 0, r#"(b .to_hex) -- Two hex digits per byte.
        ((Bytes/from [1 255]) .to_hex) => "01ff""#),
    def!("to_base64", to_base64, 0, 0, r#"(b .to_base64) -- Base64 with padding.
        ((Bytes/from [104 105]) .to_base64) => "aGk=""#),
    def!("to_int", to_int, 0, 0, ["little", "signed"], "(b .to_int [^^little ^^signed]) -- The number of up to 8 bytes.
        ((Bytes/from [1 0]) .to_int) => 256"),
    def!("to_bytes", |_, a| Ok(a.this()), 0, 0, "(b .to_bytes) -- Itself.
        ((Bytes/from [1]) .to_bytes) => 0#01"),
    def!("to_bool", |_, _| Ok(Value::TRUE), 0, 0, "(b .to_bool) -- true.
        ((Bytes/from []) .to_bool) => true"),
];

#[rustfmt::skip]
pub static STATICS: &[NativeDef] = &[
    def!("from", from, 1, 1, "(Bytes .from ints) -- The bytes with these values.
        (Bytes/from [1 2]) => 0#0102"),
    def!("zeros", zeros, 1, 1, "(Bytes .zeros n) -- n zero bytes.
        (Bytes/zeros 2) => 0#0000"),
    def!("hex", from_hex, 1, 1, r#"(Bytes .hex s) -- The bytes of a hex text.
        (Bytes/hex "01ff") => 0#01ff"#),
    def!("base64", from_base64, 1, 1, r#"(Bytes .base64 s) -- The bytes of a base64 text.
        (Bytes/base64 "aGk=") => 0#6869"#),
    def!("of_int", of_int, 2, 2, ["little"], "(Bytes .of_int n size [^^little]) -- A number as size bytes.
        (Bytes/of_int 258 2) => 0#0102"),
];

#[rustfmt::skip]
pub static GENE: &[NativeDef] = &[
    def!("base64_encode", base64_encode, 1, 1, r#"(gene/base64_encode s) -- Base64 of a String or Bytes.
        (gene/base64_encode "hi") => "aGk=""#),
    def!("base64_decode", base64_decode, 1, 1, r#"(gene/base64_decode s) -- The String (or Bytes, if no UTF-8) of a base64 text.
        (gene/base64_decode "aGk=") => "hi""#),
];

#[rustfmt::skip]
pub static HASH: &[NativeDef] = &[
    def!("sha256", sha256, 1, 1, r#"(gene/hash/sha256 s) -- SHA-256 as hex.
        ((gene/hash/sha256 "") .slice 0 8) => "e3b0c442""#),
    def!("md5", md5, 1, 1, r#"(gene/hash/md5 s) -- MD5 as hex.
        ((gene/hash/md5 "") .slice 0 8) => "d41d8cd9""#),
    def!("crc32", crc32, 1, 1, r#"(gene/hash/crc32 s) -- CRC-32 as an Int.
        (gene/hash/crc32 "hi") => 3633523372"#),
];

pub fn install(vm: &mut Vm) {
    let class = vm.classes.by_kind[Kind::Bytes as usize];
    vm.add_methods(class, METHODS);
    vm.add_statics(class, STATICS);
    let gene = vm.gene_ns;
    vm.add_functions(gene, GENE);
    let hash = vm.sub_namespace(gene, "hash");
    vm.add_functions(hash, HASH);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_and_bytes() {
        assert_eq!(int_of_bytes(&[1, 2], false), Some(258));
        assert_eq!(int_of_bytes(&[0xff, 0xfe], true), Some(-2));
        assert_eq!(int_of_bytes(&[0xff; 8], true), Some(-1));
        assert_eq!(int_of_bytes(&[0xff; 8], false), None);
        assert_eq!(int_of_bytes(&[], true), Some(0));
        assert_eq!(bytes_of_int(258, 2), Some(vec![1, 2]));
        assert_eq!(bytes_of_int(-2, 2), Some(vec![0xff, 0xfe]));
        assert_eq!(bytes_of_int(255, 1), Some(vec![255]));
        assert_eq!(bytes_of_int(256, 1), None);
        assert_eq!(bytes_of_int(-129, 1), None);
        assert_eq!(bytes_of_int(i64::MIN, 8), Some(i64::MIN.to_be_bytes().to_vec()));
    }

    #[test]
    fn hex_texts() {
        assert_eq!(parse_hex("a0FF"), Some(vec![0xa0, 0xff]));
        assert_eq!(parse_hex("a0f"), None);
        assert_eq!(parse_hex("é"), None);
        assert_eq!(hex(&[0, 0x7f, 0xff]), "007fff");
    }

    #[test]
    fn digests() {
        assert_eq!(hex(&md5::Md5::digest(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert!(hex(&sha2::Sha256::digest(b"abc")).starts_with("ba7816bf8f01cfea"));
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }
}
