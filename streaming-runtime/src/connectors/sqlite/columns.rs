//! Column definitions, and what of them goes into SQL.

/// A column as it was given: its name, and the rest.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    declared: String,
}

impl Column {
    pub(super) fn of(text: &str) -> Self {
        let (name, declared) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        Column { name: name.to_owned(), declared: declared.trim().to_owned() }
    }

    /// What stands behind the name, as SQL. Only of one that was [checked](Column::check).
    pub(super) fn declared(&self) -> &str {
        &self.declared
    }

    /// Whether the name is one, and what stands behind it is a type and no other SQL: words and numbers, and once one or two
    /// numbers in parentheses.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.name.is_empty() || self.name.contains('\0') {
            return Err(format!("`{}` is no name of a column", self.name));
        }
        match is_type(&self.declared) {
            true => Ok(()),
            false => Err(format!(
                "column `{}`: `{}` is no type; it may have words, numbers, and one or two numbers in parentheses, as \
                 `decimal(10, 2) not null`",
                self.name, self.declared
            )),
        }
    }
}

/// A name as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn is_type(text: &str) -> bool {
    let is_space = |c: char| c == ' ' || c == '\t';
    let are_words =
        |text: &str| text.split(is_space).all(|word| word.is_empty() || is_word(word) || is_number(word));
    let Some((before, rest)) = text.split_once('(') else { return are_words(text) };
    let Some((size, behind)) = rest.split_once(')') else { return false };
    let sizes: Vec<&str> = size.split(',').map(|number| number.trim_matches(is_space)).collect();
    let begins = before.trim_matches(is_space).starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && are_words(before) && sizes.len() <= 2 && sizes.into_iter().all(is_number) && are_words(behind)
}

fn is_word(word: &str) -> bool {
    let mut letters = word.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
}

/// A number without an exponent.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, part]
        .into_iter()
        .all(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
}
