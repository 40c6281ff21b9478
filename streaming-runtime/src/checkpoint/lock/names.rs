//! Names on disk of what merges values.
//!
//! They are constants of aggregates and joins. Earlier releases wrote the names of their types, with the types that these
//! were generic over: the functions of a program, which are no part of a name now.

/// Names behind which types were written, and how many of these are names still.
const GENERIC: [(&str, usize); 4] = [("Reduce", 0), ("ReduceBack", 0), ("Combine", 0), ("Of", 1)];

/// The name of what an earlier release wrote: `Of<Sum>` of `Of<Sum,price,f64>`. A name stays as it is.
pub(super) fn name_of_earlier(written: &str) -> String {
    let all = |parts: &[&str]| parts.iter().map(|part| name_of_earlier(part)).collect::<Vec<_>>().join(",");
    if let Some(parts) = parts_between(written, '(', ')') {
        return format!("({})", all(&parts));
    }
    for (name, kept) in GENERIC {
        let parts = written.strip_prefix(name).and_then(|rest| parts_between(rest, '<', '>'));
        match parts {
            Some(_) if kept == 0 => return name.to_owned(),
            Some(parts) => return format!("{name}<{}>", all(&parts[..kept.min(parts.len())])),
            None => {}
        }
    }
    written.to_owned()
}

/// What stands between commas in `text`, if that is all in one pair of brackets.
fn parts_between(text: &str, open: char, close: char) -> Option<Vec<&str>> {
    let inside = text.strip_prefix(open)?.strip_suffix(close)?;
    let (mut parts, mut begin, mut depth, mut before) = (Vec::new(), 0, 0_i32, ' ');
    for (at, one) in inside.char_indices() {
        match one {
            '<' | '(' | '[' => depth += 1,
            // Of an arrow: `fn(i64)->i64`.
            '>' if before == '-' => {}
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inside[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
        if depth < 0 {
            return None;
        }
        before = one;
    }
    parts.push(&inside[begin..]);
    Some(parts)
}

/// The name of a type without the paths of the types in it, and without closures, whose names change with the lines
/// around them and with the types of the function that they are in: `Of<Sum,f64>`. It is for errors, and for checkpoints
/// of earlier releases, which have it.
pub(crate) fn short_name(type_name: &str) -> String {
    const CLOSURE: &str = "{{closure}}";
    let mut name = type_name.to_owned();
    while let Some(at) = name.find(CLOSURE) {
        let end = at + CLOSURE.len();
        let path = if name[end..].starts_with("::") { end + 2 } else { end };
        name.replace_range(begin_of_path(&name[..at])..path, "");
    }
    let mut short = String::new();
    for word in name.split_inclusive(['<', '>', ',', '(', ')', ' ', '&', '[', ']', ';']) {
        let end = word
            .char_indices()
            .last()
            .map_or(0, |(at, last)| if last.is_alphanumeric() { word.len() } else { at });
        let (path, rest) = word.split_at(end);
        short.push_str(path.rsplit("::").next().unwrap_or_default());
        short.push_str(rest.trim());
    }
    short.replace(",,", ",").replace("<,", "<").replace(",>", ">").replace("<>", "")
}

/// Where the path begins that is at the end of `name`, with the arguments of all types in it.
fn begin_of_path(name: &str) -> usize {
    let mut depth = 0;
    for (at, one) in name.char_indices().rev() {
        match one {
            '>' | ')' | ']' => depth += 1,
            '<' | '(' | '[' if depth > 0 => depth -= 1,
            '<' | '(' | '[' | ' ' | '&' | ',' | ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use std::any::type_name;

    use crate::checkpoint::lock::names::{name_of_earlier, short_name};

    struct Reduce<F>(F);

    fn of<F>(_: F) -> String {
        short_name(type_name::<Reduce<F>>())
    }

    fn in_a_function_of<A, B>() -> (String, String) {
        (of(|| std::mem::size_of::<A>()), of([(|| std::mem::size_of::<(B, Reduce<A>)>(), 1_u8)]))
    }

    #[test]
    fn closures_have_no_names_of_their_own() {
        let (plain, among) = in_a_function_of::<Option<Vec<u8>>, (u8, [String; 2])>();
        assert_eq!((&*plain, &*among), ("Reduce", "Reduce<[(,u8);1]>"));
        assert_eq!((plain, among), in_a_function_of::<u8, String>());
        assert_eq!(of(Some(vec![1_u8])), "Reduce<Option<Vec<u8>>>");
    }

    #[test]
    fn functions_and_types_are_no_part_of_a_name() {
        let cases = [
            ("Sum", "Sum"),
            ("Longest<u8,(i64,String)>", "Longest<u8,(i64,String)>"),
            ("Reduce<min>", "Reduce"),
            ("Reduce<<i64asOrd>min>", "Reduce"),
            ("Reduce<fn(i64,i64)->i64>", "Reduce"),
            ("Reduce<Box<dynFn(i64,i64)->i64>>", "Reduce"),
            ("ReduceBack<add,subtract>", "ReduceBack"),
            ("Combine<(i64,u64)>", "Combine"),
            ("Of<Sum,f64>", "Of<Sum>"),
            ("Of<Sum,price<Trade>,f64>", "Of<Sum>"),
            ("Of<Max,for<'a>fn(&'aTrade)->f64,f64>", "Of<Max>"),
            ("Of<(Count,Sum),(u8,i64)>", "Of<(Count,Sum)>"),
            ("(Count,Of<Of<Sum,i64>,half,i64>,(Min,Of<TopK,i64>))", "(Count,Of<Of<Sum>>,(Min,Of<TopK>))"),
            ("Reduced<f64>", "Reduced<f64>"),
            ("Of", "Of"),
            ("(a)(b)", "(a)(b)"),
            ("(a", "(a"),
            ("", ""),
        ];
        for (written, name) in cases {
            assert_eq!(name_of_earlier(written), name, "of {written}");
            assert_eq!(name_of_earlier(name), name, "a name stays as it is");
        }
    }
}
