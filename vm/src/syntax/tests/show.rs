//! A notation for forms in tests. It looks like the source where that is unambiguous; `path(...)`, `sel(...)` and
//! `text(...)` list parts, `'x` is a quote, `~x` an unquote.

use std::fmt::Write;

use crate::syntax::form::*;

pub fn forms(forms: &[Form]) -> String {
    forms.iter().map(form).collect::<Vec<_>>().join(" ")
}

pub fn form(form: &Form) -> String {
    match form.kind {
        FormKind::Nil => "<nil>".into(),
        FormKind::Void => "<void>".into(),
        FormKind::True => "<true>".into(),
        FormKind::False => "<false>".into(),
        FormKind::NotFound => "<not_found>".into(),
        FormKind::Int(value) => value.to_string(),
        FormKind::Float(value) => format!("{value:?}"),
        FormKind::Char(c) => format!("char({c:?})"),
        FormKind::Str(text) => format!("{text:?}"),
        FormKind::Interp(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| match part {
                    InterpPart::Text(text) => format!("{text:?}"),
                    InterpPart::Form(form) => self::form(form),
                })
                .collect();
            format!("text({})", parts.join(" "))
        }
        FormKind::Bytes(bytes) => bytes.iter().fold("bytes:".into(), |mut out: String, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        }),
        FormKind::Date(date) => self::date(date),
        FormKind::Time(time) => self::time(time),
        FormKind::DateTime(date, time) => format!("{}T{}", self::date(date), self::time(time)),
        FormKind::Duration(micros) => format!("{micros}us"),
        FormKind::Regex(regex) => {
            let replacement = regex.replacement.map_or(String::new(), |text| format!(" -> {text}"));
            format!("regex({}{replacement};{})", regex.pattern, regex.flags)
        }
        FormKind::Symbol(name) => name.into(),
        FormKind::Path(parts) => format!("path({})", self::parts(parts)),
        FormKind::Selector(parts) => format!("sel({})", self::parts(parts)),
        FormKind::Array { items, frozen } => format!("{}[{}]", mark(frozen), forms(items)),
        FormKind::Map { entries, frozen } => format!("{}{{{}}}", mark(frozen), props(entries).join(" ")),
        FormKind::HashMap { items, frozen } => format!("{}{{{{{}}}}}", mark(frozen), forms(items)),
        FormKind::Gene(gene) => self::gene(gene),
        FormKind::Quote(form) => format!("'{}", self::form(form)),
        FormKind::Unquote(unquote) => {
            let discard = if unquote.discard { "_" } else { "" };
            let splice = if unquote.splice { "..." } else { "" };
            format!("~{discard}{}{splice}", form_of(unquote))
        }
    }
}

fn form_of(unquote: &UnquoteForm) -> String {
    form(&unquote.form)
}

fn mark(frozen: bool) -> &'static str {
    if frozen { "#" } else { "" }
}

/// Properties stand where the group stood.
fn gene(gene: &GeneForm) -> String {
    let mut items: Vec<String> = gene.children.iter().map(form).collect();
    let at = gene.props_at as usize;
    items.splice(at..at, props(gene.props));
    items.splice(0..0, gene.head.iter().map(form));
    format!("{}({})", mark(gene.frozen), items.join(" "))
}

fn props(props: &[Prop]) -> Vec<String> {
    let show = |prop: &Prop| match prop.kind {
        PropKind::Value => format!("^{} {}", prop.key, form(&prop.value)),
        PropKind::Flag => format!("^^{} {}", prop.key, form(&prop.value)),
        PropKind::Negated => format!("^!{} {}", prop.key, form(&prop.value)),
        PropKind::Rest => format!("^{}", prop.key),
        PropKind::Spread => format!("^{} {}", prop.key, form(&prop.value)),
    };
    props.iter().map(show).collect()
}

fn parts(parts: &[PathPart]) -> String {
    let show = |part: &PathPart| match part {
        PathPart::SelfRef => "self".into(),
        PathPart::Name(name) => format!("{name:?}"),
        PathPart::Index(index) => index.to_string(),
        PathPart::Method(name) => format!(".{name}"),
        PathPart::Dynamic(inner) => format!("<{}>", form(inner)),
        PathPart::NotNil => "!".into(),
        PathPart::Values => "*".into(),
        PathPart::Entries => "**".into(),
        PathPart::Collect => "@".into(),
        PathPart::CollectMap => "@@".into(),
    };
    parts.iter().map(show).collect::<Vec<_>>().join(" ")
}

fn date(date: DateLit) -> String {
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

fn time(time: TimeLit) -> String {
    let second = time.second.map_or(String::new(), |second| format!(":{second:02}"));
    let micros = if time.micros > 0 { format!(".{:06}", time.micros) } else { String::new() };
    let zone = match (time.utc, time.offset) {
        (true, _) => "Z".into(),
        (_, Some(offset)) => format!("{offset:+}"),
        _ => String::new(),
    };
    let name = time.zone.map_or(String::new(), |name| format!("[{name}]"));
    format!("{:02}:{:02}{second}{micros}{zone}{name}", time.hour, time.minute)
}
