#![allow(dead_code, unused_imports, missing_docs)]
mod recovery;
mod reference;
