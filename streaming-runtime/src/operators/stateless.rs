//! Operators that look at one record at a time. They hold no state and are fused into their reader.

use std::marker::PhantomData;

use crate::{
    ids::OpId,
    panic_origin::named,
    record::Record,
    stream::{
        Stream, Unshared,
        chain::{Chain, Rooted},
        keyed::Keyed,
        kind::StreamKind,
    },
};

/// None, one or many records: anything that can be iterated.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken for records",
    label = "this makes `{Self}`, where none, one or many records are wanted",
    note = "make something that can be iterated: an iterator, a `Vec`, an `Option`, or `[record]` for a single one"
)]
pub trait IntoRecords<U>: IntoIterator<Item = U> {}
#[diagnostic::do_not_recommend]
impl<U, I: IntoIterator<Item = U>> IntoRecords<U> for I {}

/// Takes the records that a `flat_map` makes of one record. In `stream!` it is not seen:
/// `flat_map(|line| line.split(' ').map(str::to_owned))`. A helper function calls it:
/// `flat_map(|line, out| out.extend(line.split(' ').map(str::to_owned)))`.
pub struct Emit<'a, U> {
    out: &'a mut dyn FnMut(U),
}

impl<U> Emit<'_, U> {
    /// Emits all of `items`, which may borrow from the record.
    #[inline]
    pub fn extend<I: IntoRecords<U>>(&mut self, items: I) {
        items.into_iter().for_each(&mut *self.out)
    }
    /// Emits what `f` makes of `record`. `stream!` writes it for functions and for bodies that `return`.
    #[doc(hidden)]
    #[inline]
    pub fn extend_with<T, I: IntoRecords<U>>(&mut self, record: T, f: impl FnOnce(T) -> I) {
        self.extend(f(record))
    }
}

/// Declares a chain link: its name, its closure's bounds, and what it does with a record.
///
/// Links are spelled out in the operators' signatures. An opaque `impl Chain` would drag the operator's bounds
/// along, and each that fails would be reported again for every operator behind it.
macro_rules! chain_link {
    ($name:ident, [$($t:ident),*], $out:ty, ($($bound:tt)*) $(where $($bounded:ty: ($needs:path)),+)?, |$f:ident, $id:ident, $record:ident, $emit:ident| $body:expr) => {
        #[doc(hidden)]
        pub struct $name<C, F, $($t),*> { chain: C, f: F, id: OpId, types: PhantomData<fn($($t),*)> }

        impl<C: Rooted, F: 'static, $($t: 'static),*> Rooted for $name<C, F, $($t),*> {
            type In = C::In;
        }

        impl<C: Chain, F, $($t: 'static),*> Chain for $name<C, F, $($t),*>
        where
            F: 'static + $($bound)*,
            $($($bounded: $needs,)+)?
        {
            type Out = $out;
            #[inline]
            fn push(&mut self, record: C::In, $emit: &mut impl FnMut($out)) {
                let $name { chain, f: $f, id, .. } = self;
                let $id = *id;
                chain.push(record, &mut |$record| $body)
            }
        }

        impl<T: 'static, P: StreamKind, C: Rooted, F: 'static, $($t: 'static),*> Unshared for Stream<'_, T, P, $name<C, F, $($t),*>> {
            type Of = T;
        }

        /// As [`share`](Stream::share): what the compiler proposes where that was forgotten.
        #[doc(hidden)]
        impl<'s, T: Record, P: StreamKind, C: Rooted, F: 'static, $($t: 'static),*>
            From<Stream<'s, T, P, $name<C, F, $($t),*>>> for Stream<'s, T, P>
        where
            $name<C, F, $($t),*>: Chain<Out = T>,
        {
            fn from(stream: Stream<'s, T, P, $name<C, F, $($t),*>>) -> Self {
                stream.share()
            }
        }
    };
}

pub(crate) use chain_link;

chain_link!(Map, [U], U, (FnMut(C::Out) -> U), |f, id, record, out| out(named(id, || f(record))));
chain_link!(Filter, [], C::Out, (FnMut(&C::Out) -> bool), |f, id, record, out| {
    if named(id, || f(&record)) {
        out(record)
    }
});
chain_link!(FilterMap, [U], U, (FnMut(C::Out) -> Option<U>), |f, id, record, out| {
    if let Some(mapped) = named(id, || f(record)) {
        out(mapped)
    }
});
chain_link!(FlatMap, [U], U, (FnMut(C::Out, &mut Emit<'_, U>)), |f, id, record, out| {
    named(id, || f(record, &mut Emit { out }))
});
chain_link!(Inspect, [], C::Out, (FnMut(&C::Out)), |f, id, record, out| {
    named(id, || f(&record));
    out(record)
});
chain_link!(KeyBy, [K], (K, C::Out), (FnMut(&C::Out) -> K), |f, id, record, out| {
    let key = named(id, || f(&record));
    out((key, record))
});
chain_link!(MapValues, [K, V, W], (K, W), (FnMut(V) -> W) where C::Out: (Keyed<K, V>), |f, id, record, out| {
    let (key, value) = record.part();
    out((key, named(id, || f(value))))
});
chain_link!(FlatMapValues, [K, V, W], (K, W), (FnMut(V, &mut Emit<'_, W>)) where K: (Clone), C::Out: (Keyed<K, V>), |f, id, record, out| {
    let (key, value) = record.part();
    named(id, || f(value, &mut Emit { out: &mut |made| out((key.clone(), made)) }))
});

pub(crate) fn link<C, F, L>(f: F, make: impl FnOnce(C, F, OpId) -> L) -> impl FnOnce(OpId, C) -> L {
    move |id, chain| make(chain, f, id)
}

impl<'s, T: 'static, P: StreamKind, C: Chain<Out = T>> Stream<'s, T, P, C> {
    /// Applies `f` to every record. State: none. It is fused with the operators around it.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn lengths<words: Source<String>, out: Sink<u64>>() {
    ///         words.map(|word| word.len() as u64).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn map<U: Record, F: FnMut(T) -> U + 'static>(self, f: F) -> Stream<'s, U, P, Map<C, F, U>> {
        self.extend(link(f, |chain, f, id| Map { chain, f, id, types: PhantomData }))
    }

    /// Keeps the records for which `f` holds. State: none.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn errors<lines: Source<String>, out: Sink<String>>() {
    ///         lines.filter(|line| line.contains("ERROR")).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn filter<F: FnMut(&T) -> bool + 'static>(self, f: F) -> Stream<'s, T, P, Filter<C, F>> {
        self.extend(link(f, |chain, f, id| Filter { chain, f, id, types: PhantomData }))
    }

    /// Applies `f` to every record and keeps what is `Some`. State: none.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn numbers<lines: Source<String>, out: Sink<i64>>() {
    ///         lines.filter_map(|line| line.parse::<i64>().ok()).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn filter_map<U: Record, F: FnMut(T) -> Option<U> + 'static>(
        self,
        f: F,
    ) -> Stream<'s, U, P, FilterMap<C, F, U>> {
        self.extend(link(f, |chain, f, id| FilterMap { chain, f, id, types: PhantomData }))
    }

    /// Replaces every record by the records that `f` returns for it, none or many. State: none.
    ///
    /// In `stream!`, `f` takes the record and returns anything that can be iterated, including an iterator that borrows from the
    /// record. Outside of `stream!` it takes the record and an [`Emit`].
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn words<lines: Source<String>, out: Sink<String>>() {
    ///         lines.flat_map(|line| line.split_whitespace().map(str::to_owned)).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn flat_map<U: Record, F: FnMut(T, &mut Emit<'_, U>) + 'static>(
        self,
        f: F,
    ) -> Stream<'s, U, P, FlatMap<C, F, U>> {
        self.extend(link(f, |chain, f, id| FlatMap { chain, f, id, types: PhantomData }))
    }

    /// Calls `f` with a reference to every record, for logs and counters. State: none.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn watched<words: Source<String>, out: Sink<String>>() {
    ///         words.inspect(|word| eprintln!("saw {word}")).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn inspect<F: FnMut(&T) + 'static>(self, f: F) -> Stream<'s, T, P, Inspect<C, F>> {
        self.extend(link(f, |chain, f, id| Inspect { chain, f, id, types: PhantomData }))
    }

    /// Gives every record a key: `T` becomes `(K, T)`. State: none.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn by_length<words: Source<String>, out: Sink<(u64, Vec<String>)>>() {
    ///         words.key_by(|word| word.len() as u64).group_by_key().to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    pub fn key_by<K: Record, F: FnMut(&T) -> K + 'static>(
        self,
        f: F,
    ) -> Stream<'s, (K, T), P, KeyBy<C, F, K>> {
        self.extend(link(f, |chain, f, id| KeyBy { chain, f, id, types: PhantomData }))
    }

    /// Applies `f` to the value of every pair and keeps the key. State: none.
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn doubled<pairs: Source<(String, i64)>, out: Sink<(String, i64)>>() {
    ///         pairs.map_values(|value| 2 * value).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    #[allow(clippy::type_complexity)] // the chain is spelled out so that it fuses
    pub fn map_values<K: Record, V: Record, W: Record, F: FnMut(V) -> W + 'static>(
        self,
        f: F,
    ) -> Stream<'s, (K, W), P, MapValues<C, F, K, V, W>>
    where
        T: Keyed<K, V>,
    {
        self.extend(link(f, |chain, f, id| MapValues { chain, f, id, types: PhantomData }))
    }

    /// Replaces the value of every pair by the values that `f` returns for it, none or many, each with the key. State: none.
    /// `f` is as in [`flat_map`](Stream::flat_map).
    ///
    /// ```
    /// # use streaming_runtime::prelude::*;
    /// stream!(
    ///     #[batch(secs(1))]
    ///     fn tags<posts: Source<(u64, String)>, out: Sink<(u64, String)>>() {
    ///         posts.flat_map_values(|text| text.split(' ').map(str::to_owned)).to(out);
    ///     }
    /// );
    /// # fn main() {}
    /// ```
    #[allow(clippy::type_complexity)] // the chain is spelled out so that it fuses
    pub fn flat_map_values<K: Record, V: Record, W: Record, F: FnMut(V, &mut Emit<'_, W>) + 'static>(
        self,
        f: F,
    ) -> Stream<'s, (K, W), P, FlatMapValues<C, F, K, V, W>>
    where
        T: Keyed<K, V>,
    {
        self.extend(link(f, |chain, f, id| FlatMapValues { chain, f, id, types: PhantomData }))
    }
}
