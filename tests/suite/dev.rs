#![allow(dead_code, unused_imports, missing_docs)]
mod cluster;
mod reference;
mod recovery {
    mod processes;
}
