//! Files and directories: their bytes, times, ends, and places that vanish.
