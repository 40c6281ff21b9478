import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.typeinfo.TypeHint;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.streaming.api.functions.sink.legacy.SinkFunction;

/** Lines over TCP at a given rate, counted by key: see `open_loop` of the benches, whose program sends them. */
final class Latency {
    private static final int WARMING = 3; // seconds of a run
    private static final int MEASURED = 10;

    /** When each record was due, and how long after that its count was there. */
    private static final class Seen {
        static long[] due;
        static long[] late;
        static int count;

        static synchronized void note(long record, long done) {
            due[count] = record;
            late[count] = done - record;
            count++;
        }
    }

    private static final class Notes implements SinkFunction<Tuple3<Long, Long, Long>> {
        @Override
        public void invoke(Tuple3<Long, Long, Long> count, Context context) {
            Seen.note(count.f2, System.nanoTime());
        }
    }

    private static final class Parse implements MapFunction<String, Tuple3<Long, Long, Long>> {
        @Override
        public Tuple3<Long, Long, Long> map(String line) {
            int space = line.indexOf(' ');
            return Tuple3.of(Long.parseLong(line.substring(0, space)), 1L, Long.parseLong(line.substring(space + 1)));
        }
    }

    static void run(String benches, long rate, int runs, Rows rows) throws Exception {
        once(benches, rate); // the virtual machine's warming up
        List<Long> all = new ArrayList<>();
        for (int run = 0; run < runs; run++) {
            all.addAll(once(benches, rate));
        }
        long[] sorted = all.stream().mapToLong(Long::longValue).sorted().toArray();
        Map<String, Object> params = Map.of("load", "open loop over TCP", "records_per_s", rate);
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("records", sorted.length);
        fields.put("p50_us", at(sorted, 0.5));
        fields.put("p99_us", at(sorted, 0.99));
        fields.put("p999_us", at(sorted, 0.999));
        List<Object> histogram = new ArrayList<>();
        // As `iter_quantiles(5)` of a histogram gives them: five steps to each half of what is left.
        for (int half = 0; half < 14; half++) {
            for (int step = 0; step < 5; step++) {
                double quantile = 1 - Math.pow(0.5, half) * (1 - step / 10.0);
                histogram.add(List.of(quantile, at(sorted, quantile)));
            }
        }
        histogram.add(List.of(1.0, at(sorted, 1)));
        fields.put("histogram", histogram);
        rows.write("latency", "Flink, buffer timeout 1 ms", params, fields);
    }

    private static double at(long[] sorted, double quantile) {
        return sorted[(int) Math.max(0, Math.ceil(quantile * sorted.length) - 1)] / 1e3;
    }

    /** A run; its latencies in nanoseconds, without those of the first seconds. */
    private static List<Long> once(String benches, long rate) throws Exception {
        int records = (int) (rate * (WARMING + MEASURED));
        Process sender = new ProcessBuilder(benches, "send", "--rate", "" + rate, "--records", "" + records).start();
        int port = port(sender);
        Seen.due = new long[records];
        Seen.late = new long[records];
        Seen.count = 0;
        var environment = Main.environment(1);
        environment.socketTextStream("127.0.0.1", port)
            .map(new Parse())
            .returns(new TypeHint<Tuple3<Long, Long, Long>>() {})
            .keyBy(count -> count.f0)
            .reduce((a, b) -> Tuple3.of(a.f0, a.f1 + b.f1, b.f2))
            .addSink(new Notes());
        environment.execute();
        sender.waitFor();
        if (Seen.count != records) {
            throw new IllegalStateException(Seen.count + " records came of " + records);
        }
        long from = Arrays.stream(Seen.due).min().getAsLong() + WARMING * 1_000_000_000L;
        List<Long> late = new ArrayList<>();
        for (int i = 0; i < records; i++) {
            if (Seen.due[i] >= from) {
                late.add(Seen.late[i]);
            }
        }
        return late;
    }

    private static int port(Process sender) throws IOException {
        return Integer.parseInt(new BufferedReader(new InputStreamReader(sender.getInputStream())).readLine());
    }
}
