//! Forms: what the reader makes of source text, before anything has a meaning.
//!
//! Everything lives in one arena (`'a`), so a form is a small `Copy` value and a whole module is freed at once.

/// A half-open range of byte offsets into the source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }
    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    pub span: Span,
    pub kind: FormKind<'a>,
}

#[derive(Clone, Copy, Debug)]
pub enum FormKind<'a> {
    Nil,
    Void,
    True,
    False,
    NotFound,
    Int(i64),
    Float(f64),
    Char(char),
    Str(&'a str),
    /// An interpolated string; adjacent text is one part.
    Interp(&'a [InterpPart<'a>]),
    Bytes(&'a [u8]),
    Date(DateLit),
    Time(TimeLit<'a>),
    DateTime(DateLit, TimeLit<'a>),
    /// Microseconds.
    Duration(i64),
    Regex(&'a RegexLit<'a>),
    /// A name, escapes resolved: `a\/b` is `a/b`. Markers stay in it: `rest...`, `name:`, `.method`, `:tag`.
    ///
    /// Some tokens read as two forms in a row, and mean the same as if they were written apart: `.@a/b` is `.@` and the
    /// selector `@a/b`; `a/b...` is the path `a/b` and the symbol `...`.
    ///
    /// A dynamic method name is one symbol, brackets included and escapes left in place: `.<a/b>`. `dynamic_method` gives
    /// the form inside.
    Symbol(&'a str),
    /// `a/b/0`; at least two parts. A leading `/` is the part [`PathPart::SelfRef`]. A path that ends in `/` right before an
    /// array (`n/[p q]`, for `import`) has the empty name as its last part; the array is the next form.
    Path(&'a [PathPart<'a>]),
    /// `@a/0/b`; at least one part.
    Selector(&'a [PathPart<'a>]),
    Array {
        items: &'a [Form<'a>],
        frozen: bool,
    },
    Map {
        entries: &'a [Prop<'a>],
        frozen: bool,
    },
    /// Keys and values alternate; even length.
    HashMap {
        items: &'a [Form<'a>],
        frozen: bool,
    },
    Gene(&'a GeneForm<'a>),
    Quote(&'a Form<'a>),
    Unquote(&'a UnquoteForm<'a>),
}

/// `(head ^key value child ...)`.
#[derive(Clone, Copy, Debug)]
pub struct GeneForm<'a> {
    /// `None` for the empty gene `()`.
    pub head: Option<Form<'a>>,
    pub props: &'a [Prop<'a>],
    /// How many children stand before the group of properties: evaluation goes in source order.
    pub props_at: u32,
    pub children: &'a [Form<'a>],
    /// `#(...)`: an immutable gene is built, nothing is called.
    pub frozen: bool,
}

/// One `^key value`. Shortcuts are resolved: `^^k` has the value `true`, `^!k` `nil`, `^a^b v` is `^a {^b v}`.
#[derive(Clone, Copy, Debug)]
pub struct Prop<'a> {
    /// Escapes resolved. A rest marker keeps its dots: `rest...`, and the spread marker is `...`.
    pub key: &'a str,
    pub key_span: Span,
    pub kind: PropKind,
    /// `nil` for [`PropKind::Rest`].
    pub value: Form<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropKind {
    /// `^k v`
    Value,
    /// `^^k`: value `true`
    Flag,
    /// `^!k`: value `nil`
    Negated,
    /// `^rest...`: takes no value
    Rest,
    /// `^... m`: inserts the entries of a Map
    Spread,
}

/// `%form`, `%_form`, `%form...`.
#[derive(Clone, Copy, Debug)]
pub struct UnquoteForm<'a> {
    pub form: Form<'a>,
    /// `%_form`: evaluated and dropped.
    pub discard: bool,
    /// `%form...`: the elements of an array are inserted.
    pub splice: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum PathPart<'a> {
    /// The empty first part of `/x`.
    SelfRef,
    Name(&'a str),
    Index(i64),
    /// `.name`
    Method(&'a str),
    /// `<path>`: a symbol or a path form.
    Dynamic(&'a Form<'a>),
    /// `!`
    NotNil,
    /// `*`, `**`, `@`, `@@`: selectors only.
    Values,
    Entries,
    Collect,
    CollectMap,
}

#[derive(Clone, Copy, Debug)]
pub enum InterpPart<'a> {
    /// Escapes resolved.
    Text(&'a str),
    /// `#{form}`, `#{a + 1}` (read as one gene form), `#(...)`.
    Form(Form<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateLit {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLit<'a> {
    pub hour: u8,
    pub minute: u8,
    /// `None` when the literal has no seconds: printing leaves them out too.
    pub second: Option<u8>,
    pub micros: u32,
    /// Minutes east of UTC.
    pub offset: Option<i16>,
    /// The zone was written `Z`.
    pub utc: bool,
    /// IANA name in brackets.
    pub zone: Option<&'a str>,
}

#[derive(Clone, Copy, Debug)]
pub struct RegexLit<'a> {
    pub pattern: &'a str,
    pub replacement: Option<&'a str>,
    /// In the order `imsx`.
    pub flags: &'a str,
}
