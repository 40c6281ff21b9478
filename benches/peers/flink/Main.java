import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.typeinfo.TypeHint;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.co.ProcessJoinFunction;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.util.Collector;

/** The workloads by Flink's DataStream. The time of a record is the number of its batch, in milliseconds. */
public final class Main {
    static final int CORES = 2;
    private static final TypeInformation<Tuple2<Long, Long>> PAIR = TypeInformation.of(new TypeHint<>() {});
    private static final Duration BATCH = Duration.ofMillis(1);

    public static void main(String[] arguments) throws Exception {
        String data = arguments[1];
        Rows rows = new Rows(arguments[2]);
        int measured = Integer.parseInt(arguments[4]);
        switch (arguments[0]) {
            case "words" -> words(data, arguments[3], measured, rows);
            case "windows" -> windows(data, Integer.parseInt(arguments[3]), measured, rows);
            case "joins" -> joins(data, measured, rows);
            case "latency" -> Latency.run(data, Long.parseLong(arguments[3]), measured, rows);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        System.exit(0);
    }

    static StreamExecutionEnvironment environment(int bufferTimeout) {
        Configuration configuration = new Configuration();
        configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(128));
        var environment = StreamExecutionEnvironment.createLocalEnvironment(CORES, configuration);
        environment.getConfig().enableObjectReuse();
        environment.setBufferTimeout(bufferTimeout);
        return environment;
    }

    /** Sources and sinks are as many as cores, for each of `streams` inputs. */
    private static List<Rounds.Timed> run(StreamExecutionEnvironment environment, int streams) throws Exception {
        Rounds.start.bulkRegister(CORES * streams);
        Rounds.filled.bulkRegister(CORES * streams);
        environment.executeAsync();
        return Rounds.measure();
    }

    private static final int WARMING = 3;

    private static void words(String data, String size, int measured, Rows rows) throws Exception {
        var batches = Input.lines(data + "/words-" + size);
        Input.sources.add(batches);
        Rounds.prepare(batches.size(), batches.size(), WARMING + measured, CORES);
        var environment = environment(5);
        environment.addSource(new BatchSource<String>(0), Types.STRING)
            .flatMap(new Split())
            .keyBy(count -> count.f0)
            .window(TumblingEventTimeWindows.of(BATCH))
            .reduce((a, b) -> Tuple2.of(a.f0, a.f1 + b.f1))
            .addSink(new SumSink<>(count -> Mix.mix(Mix.text(count.f0) ^ count.f1)));
        var runs = run(environment, 1);
        int words = size.equals("100k") ? 100_000 : 1_000_000;
        Map<String, Object> params = Map.of("words_a_batch", words, "batches", batches.size());
        rows.throughput("words", "Flink", params, (long) words * batches.size(), runs.subList(WARMING, runs.size()), 1,
            agreed(Integer.MAX_VALUE));
    }

    /** What all rounds agree on. */
    private static long agreed(int most) {
        for (int round = 1; round < Rounds.rounds; round++) {
            if (Rounds.checksum(round, most) != Rounds.checksum(0, most)) {
                throw new IllegalStateException("rounds differ");
            }
        }
        return Rounds.checksum(0, most);
    }

    private static final class Split implements FlatMapFunction<String, Tuple2<String, Long>> {
        @Override
        public void flatMap(String line, Collector<Tuple2<String, Long>> out) {
            int at = 0;
            while (at < line.length()) {
                int space = line.indexOf(' ', at);
                int end = space < 0 ? line.length() : space;
                out.collect(Tuple2.of(line.substring(at, end), 1L));
                at = end + 1;
            }
        }
    }

    /** Sums of each batch, and of those the window's: a record would else be added to as many sums as windows. */
    private static void windows(String data, int window, int measured, Rows rows) throws Exception {
        // A record is in as many sums as the window has batches: of long ones fewer batches, to be done in time.
        int timed = window > 10 ? 10 : 20;
        var batches = Input.pairs(data + "/pairs-100k", window + timed);
        Input.sources.add(batches);
        Rounds.prepare(batches.size(), timed, 1 + measured, CORES);
        var environment = environment(5);
        environment.addSource(new BatchSource<Tuple2<Long, Long>>(0), PAIR)
            .keyBy(pair -> pair.f0)
            .window(TumblingEventTimeWindows.of(BATCH))
            .reduce((a, b) -> Tuple2.of(a.f0, a.f1 + b.f1))
            .keyBy(pair -> pair.f0)
            .window(SlidingEventTimeWindows.of(BATCH.multipliedBy(window), BATCH))
            .reduce((a, b) -> Tuple2.of(a.f0, a.f1 + b.f1))
            .addSink(new SumSink<>(pair -> Mix.mix(Mix.mix(pair.f0) ^ pair.f1)));
        var runs = run(environment, 1);
        int records = batches.get(0).length;
        Map<String, Object> params = Map.of("aggregate", "sum by two stacks", "delivers", "contents", "key", "u64",
            "records_a_batch", records, "window", window);
        rows.throughput("windows", "Flink", params, records, runs.subList(1, runs.size()), timed, agreed(10));
    }

    /** By the join of intervals, which gives a pair when its second record is there: the new pairs. */
    private static void joins(String data, int measured, Rows rows) throws Exception {
        int window = 10;
        int timed = 20;
        Input.sources.add(Input.pairs(data + "/join-left-50k", window + timed));
        Input.sources.add(Input.pairs(data + "/join-right-50k", window + timed));
        Rounds.prepare(window + timed, timed, 1 + measured, CORES);
        var environment = environment(5);
        DataStream<Tuple2<Long, Long>> left = environment.addSource(new BatchSource<>(0), PAIR);
        DataStream<Tuple2<Long, Long>> right = environment.addSource(new BatchSource<>(1), PAIR);
        left.keyBy(pair -> pair.f0)
            .intervalJoin(right.keyBy(pair -> pair.f0))
            .between(BATCH.multipliedBy(1 - window), BATCH.multipliedBy(window - 1))
            .process(new Pairs(), PAIR)
            .addSink(new SumSink<>(pair -> (pair.f0 * 0x9e3779b97f4a7c15L ^ pair.f1) * 0xbf58476d1ce4e5b9L));
        var runs = run(environment, 2);
        Map<String, Object> params = Map.of("delivers", "new pairs", "key", "u64", "keys", 100_000, "records_a_side",
            50_000, "window", window);
        rows.throughput("joins", "Flink", params, 100_000, runs.subList(1, runs.size()), timed, agreed(10));
    }

    private static final class Pairs extends ProcessJoinFunction<Tuple2<Long, Long>, Tuple2<Long, Long>, Tuple2<Long, Long>> {
        @Override
        public void processElement(Tuple2<Long, Long> left, Tuple2<Long, Long> right, Context context,
                Collector<Tuple2<Long, Long>> out) {
            out.collect(Tuple2.of(left.f1, right.f1));
        }
    }
}
