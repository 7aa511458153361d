//! What every text reads as, by chapter 1 of the language reference.

mod brackets;
mod errors;
mod limits;
mod literals;
mod mutations;
mod names;
mod positions;
mod show;
mod strings;

use bumpalo::Bump;

use super::{Source, SyntaxError, read};

/// All forms of the text in the notation of [`show`].
#[track_caller]
fn shown(text: &str) -> String {
    let arena = Bump::new();
    match read(&arena, text) {
        Ok(forms) => show::forms(&forms),
        Err(error) => panic!("{text}\n{error:?}"),
    }
}

#[track_caller]
fn failure(text: &str) -> SyntaxError {
    let arena = Bump::new();
    match read(&arena, text) {
        Ok(_) => panic!("{:.200} can be read", text),
        Err(error) => error,
    }
}

/// `LINE:COL: MESSAGE` of the error in the text.
#[track_caller]
fn located(text: &str) -> String {
    let error = failure(text);
    let (line, col) = Source::new("s", text).line_col(error.span.start);
    format!("{line}:{col}: {}", error.message)
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(shown(text), expected, "{text}");
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(located(text), expected, "{text}");
}
