//! How names that something has elsewhere are answered: each is a hidden method that asks for a property which nothing has, so the
//! compiler answers with the words of that property. The methods take `&self`: what takes `self` and is real is found first.

/// Declares the names that a type has elsewhere: what each takes, and what the compiler says.
macro_rules! foreign_names {
    (
        $(#[$documented:meta])* trait $names:ident, mod $asked:ident, $label:literal;
        $($($name:ident)|+ ($($argument:ident),*) => $answer:literal;)*
    ) => {
        $(#[$documented])*
        #[doc(hidden)]
        #[allow(non_snake_case, clippy::wrong_self_convention)]
        pub trait $names {
            $($crate::foreign_names::foreign_names! { @methods $asked [$($name)+] ($($argument),*) })*
        }

        /// What the names ask for, each a property of that name, which nothing has.
        #[allow(non_camel_case_types)]
        mod $asked {
            $($crate::foreign_names::foreign_names! { @properties $label [$($name)+] $answer })*
        }
    };
    (@methods $asked:ident [$($name:ident)+] $arguments:tt) => {
        $($crate::foreign_names::foreign_names! { @method $asked $name $arguments })+
    };
    (@method $asked:ident $name:ident ($($argument:ident),*)) => {
        #[doc(hidden)]
        fn $name<$($argument,)* Made>(&self, $(_: $argument),*) -> Made
        where
            Self: $asked::$name,
        {
            unreachable!("nothing has this property, so nobody can call it")
        }
    };
    (@properties $label:literal [$($name:ident)+] $answer:literal) => {
        $(
            #[diagnostic::on_unimplemented(message = $answer, label = $label)]
            pub trait $name {}
        )+
    };
}

pub(crate) use foreign_names;
