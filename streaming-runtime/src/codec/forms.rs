//! Which forms of a type were written already.

use std::collections::HashSet;

/// In which forms values of a type were written: structs with how many fields, which variants of enums. One that is new
/// is worth a look.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    /// Those that came last, by a hash.
    near: [(usize, u32); 16],
    all: HashSet<(usize, u32)>,
    is_new: bool,
    /// Values so far.
    count: u64,
}

impl Forms {
    /// Notes a form of the value that is being written.
    #[inline]
    pub(super) fn note(&mut self, name: &'static str, number: u32) {
        // The address: a name is looked at for each struct of each value.
        let form = (name.as_ptr() as usize, number);
        let place = (form.0 >> 3 ^ form.0 >> 9 ^ number as usize) % self.near.len();
        if self.near[place] != form {
            self.near[place] = form;
            self.is_new |= self.all.insert(form);
        }
    }

    /// Whether the value that was just written is to be read back. Asked once for each.
    #[inline]
    pub(crate) fn is_due(&mut self) -> bool {
        self.count += 1;
        std::mem::take(&mut self.is_new) || self.count.is_power_of_two()
    }
}
