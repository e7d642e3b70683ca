//! Text from elsewhere (a GPU's name, a file) in messages: a terminal must not take it for commands.

use std::borrow::Cow;

/// What stands for a character that cannot be shown.
const REPLACEMENT: char = '\u{FFFD}';

/// One line: each control character (also a line's end) is replaced.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    replace(text, char::is_control)
}

/// Several lines: control characters other than their ends are replaced.
#[must_use]
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    replace(text, |c| c.is_control() && c != '\n')
}

fn replace(text: &str, is_bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.contains(&is_bad) {
        text.chars().map(|c| if is_bad(c) { REPLACEMENT } else { c }).collect()
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(
            printable("MI300X \u{1b}[31m\n\u{9b}\u{7f}é\"<&"),
            "MI300X \u{FFFD}[31m\u{FFFD}\u{FFFD}\u{FFFD}é\"<&"
        );
        assert_eq!(printable_lines("a\nb\r\0"), "a\nb\u{FFFD}\u{FFFD}");
        assert!(matches!(printable("AMD Instinct MI300X"), Cow::Borrowed(_)));
    }
}
