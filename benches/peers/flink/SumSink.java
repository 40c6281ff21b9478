import java.io.Serializable;

import org.apache.flink.streaming.api.functions.sink.legacy.RichSinkFunction;

/** Adds up what comes out of each batch; a batch is done when its watermark is there. */
final class SumSink<T> extends RichSinkFunction<T> {
    interface Hash<T> extends Serializable {
        long of(T record);
    }

    private final Hash<T> hash;
    private transient long batch;
    private transient long sum;

    SumSink(Hash<T> hash) {
        this.hash = hash;
    }

    @Override
    public void invoke(T record, Context context) {
        if (context.timestamp() != batch) {
            flush();
            batch = context.timestamp();
        }
        sum += hash.of(record);
    }

    private void flush() {
        Rounds.add(batch, sum);
        sum = 0;
    }

    @Override
    public void writeWatermark(org.apache.flink.api.common.eventtime.Watermark watermark) {
        if (watermark.getTimestamp() == Long.MAX_VALUE) {
            return; // of the end
        }
        flush();
        Rounds.watermark(getRuntimeContext().getTaskInfo().getIndexOfThisSubtask(), watermark.getTimestamp());
    }
}
