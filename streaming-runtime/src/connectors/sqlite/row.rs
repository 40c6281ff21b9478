//! Records as rows.

use rusqlite::ToSql;

/// The values of a row: a tuple of up to twelve, or an array, of what SQLite stores.
///
/// That is integers (those beyond `i64` are an error), floats (NaN becomes null), `bool`, `String`, `&str`, `Vec<u8>`,
/// `Option` of these, and what implements `rusqlite::ToSql`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a row of a SQLite table",
    label = "a row is a tuple or an array of numbers, strings, bytes, or `Option`s of these",
    note = "make one: `.row(|record| (record.a, record.b))`; a row of one value is `(value,)`"
)]
pub trait Row {
    /// How many values it has.
    const COLUMNS: usize;
    /// Calls `take` for each value in order.
    ///
    /// # Errors
    /// The first that `take` returns.
    fn each(&self, take: &mut dyn FnMut(&dyn ToSql) -> rusqlite::Result<()>) -> rusqlite::Result<()>;
}

macro_rules! tuples {
    ($($T:ident $i:tt)+) => {
        impl<$($T: ToSql),+> Row for ($($T,)+) {
            const COLUMNS: usize = [$($i),+].len();
            fn each(&self, take: &mut dyn FnMut(&dyn ToSql) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
                $(take(&self.$i)?;)+
                Ok(())
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0 B 1);
tuples!(A 0 B 1 C 2);
tuples!(A 0 B 1 C 2 D 3);
tuples!(A 0 B 1 C 2 D 3 E 4);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
tuples!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);

impl<V: ToSql, const N: usize> Row for [V; N] {
    const COLUMNS: usize = N;
    fn each(&self, take: &mut dyn FnMut(&dyn ToSql) -> rusqlite::Result<()>) -> rusqlite::Result<()> {
        self.iter().try_for_each(|value| take(value))
    }
}

/// How a table makes a row of a record of type `T`: any `Fn(T) -> impl Row`, or [`AsIs`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot make a row of a SQLite table of a `{T}`",
    label = "this sink has to turn a `{T}` into a row",
    note = "say how: `.row(|record: {T}| (record.a, record.b))`; a row is a tuple or an array of numbers, strings and bytes"
)]
pub trait IntoRow<T>: Send + Sync + 'static {
    /// The row.
    type Row: Row;
    /// Makes it.
    fn row(&self, record: T) -> Self::Row;
}

/// Records are rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsIs;

impl<T: Row> IntoRow<T> for AsIs {
    type Row = T;
    fn row(&self, record: T) -> T {
        record
    }
}

impl<T, R: Row, F: Fn(T) -> R + Send + Sync + 'static> IntoRow<T> for F {
    type Row = R;
    fn row(&self, record: T) -> R {
        self(record)
    }
}
