//! Input of a source that was logged before a crash, sent into the job once more.

use crate::{
    checkpoint::{Input, state_log},
    contract::error::ConnectorError,
    intake::source_context::SourceContext,
    record::Record,
};

/// Sends a source's logged input that is not in the restored state. [`SourceContext`] leaves out what is.
pub(crate) async fn replay_logged<T: Record>(
    port: &'static str,
    logged: Vec<Input>,
    paced: bool,
    out: &mut SourceContext<T>,
) -> Result<(), ConnectorError> {
    let read = |input: &Input| state_log::read::<Vec<T>>(&input.bytes, || format!("source `{port}`"));
    let mut inputs = logged.into_iter();
    if !paced {
        for input in inputs {
            out.send_logged(input.first, read(&input)).await?;
        }
        return Ok(());
    }
    // A replayed batch gets the number of records that it had; the first batch behind them gets the rest.
    let mut records = Vec::new();
    let mut first = None;
    for input in inputs.by_ref() {
        first.get_or_insert(input.first);
        records.append(&mut read(&input));
    }
    let Some(first) = first else { return Ok(()) };
    out.leave_out(first, &mut records);
    while !records.is_empty() && out.batch_due().await.is_some() {
        let wanted = out.missing().unwrap_or(u64::MAX).min(records.len() as u64) as usize;
        let part: Vec<T> = records.drain(..wanted).collect();
        let first = out.sent();
        out.send_logged(first, part).await?;
    }
    Ok(())
}
