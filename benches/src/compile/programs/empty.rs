//! Does nothing, on the dependencies of the programs beside it.

#[tokio::main]
async fn main() {
    println!("nothing");
}
