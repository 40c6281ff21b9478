import org.apache.flink.streaming.api.functions.source.legacy.RichParallelSourceFunction;
import org.apache.flink.streaming.api.watermark.Watermark;

/** Sends a share of each batch with the batch's number as its time, round after round, and says when a batch ends. */
final class BatchSource<T> extends RichParallelSourceFunction<T> {
    private final int source;

    BatchSource(int source) {
        this.source = source;
    }

    @Override
    @SuppressWarnings("unchecked")
    public void run(SourceContext<T> out) {
        int part = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
        int parts = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
        var batches = Input.sources.get(source);
        for (int round = 0; round < Rounds.rounds; round++) {
            Rounds.start.arriveAndAwaitAdvance();
            for (int number = 0; number < Rounds.batches; number++) {
                if (number == Rounds.batches - Rounds.timed) {
                    Rounds.filled.arriveAndAwaitAdvance();
                }
                Object[] batch = batches.get(number);
                long time = (long) round * Rounds.batches + number;
                int until = (int) ((long) batch.length * (part + 1) / parts);
                for (int i = (int) ((long) batch.length * part / parts); i < until; i++) {
                    out.collectWithTimestamp((T) batch[i], time);
                }
                out.emitWatermark(new Watermark(time));
            }
        }
        Rounds.start.arriveAndDeregister();
        Rounds.filled.arriveAndDeregister();
    }

    @Override
    public void cancel() {}
}
