import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Lines of JSON in the shape of the benches' `Row`. */
record Rows(String path) {
    private static String json(Object value) {
        if (value instanceof String text) {
            return '"' + text + '"';
        }
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream().map(entry -> '"' + entry.getKey().toString() + "\":" + json(entry.getValue()))
                .collect(Collectors.joining(",", "{", "}"));
        }
        if (value instanceof List<?> all) {
            return all.stream().map(Rows::json).collect(Collectors.joining(",", "[", "]"));
        }
        return value.toString();
    }

    void write(String workload, String engine, Map<String, Object> params, Map<String, Object> fields) throws IOException {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("workload", workload);
        row.put("params", params);
        row.put("engine", engine);
        row.put("workers", Main.CORES);
        row.putAll(fields);
        row.put("rss_bytes", Rounds.rssBytes());
        String line = json(row);
        System.out.println(line.substring(0, Math.min(400, line.length())));
        Files.writeString(Path.of(path), line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** A row of a throughput: of the runs after the warming up the one in the middle. `per`: batches that it is of. */
    void throughput(String workload, String engine, Map<String, Object> params, long records, List<Rounds.Timed> runs,
            int per, long checksum) throws IOException {
        Rounds.Timed middle = Rounds.median(runs);
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("records", records);
        fields.put("seconds", middle.wall() / per);
        fields.put("records_per_s", records * per / middle.wall());
        fields.put("cpu_seconds", middle.cpu() / per);
        fields.put("runs", runs.stream().map(run -> run.wall() / per).toList());
        fields.put("checksum", String.format("%016x", checksum));
        write(workload, engine, params, fields);
    }
}
