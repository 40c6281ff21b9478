import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.apache.flink.api.java.tuple.Tuple2;

/** Batches that are held in memory, where sources of this process find them. */
final class Input {
    static final List<List<Object[]>> sources = new ArrayList<>();

    private static List<Path> files(String directory, int most) throws IOException {
        try (var all = Files.list(Path.of(directory))) {
            return all.sorted().limit(most).toList();
        }
    }

    static List<Object[]> lines(String directory) throws IOException {
        List<Object[]> batches = new ArrayList<>();
        for (Path file : files(directory, Integer.MAX_VALUE)) {
            batches.add(Files.readAllLines(file, StandardCharsets.US_ASCII).toArray());
        }
        return batches;
    }

    static List<Object[]> pairs(String directory, int most) throws IOException {
        List<Object[]> batches = new ArrayList<>();
        for (Path file : files(directory, most)) {
            List<String> lines = Files.readAllLines(file, StandardCharsets.US_ASCII);
            batches.add(lines.stream().map(Input::pair).toArray());
        }
        return batches;
    }

    private static Tuple2<Long, Long> pair(String line) {
        int space = line.indexOf(' ');
        return Tuple2.of(Long.parseUnsignedLong(line.substring(0, space)), Long.parseLong(line.substring(space + 1)));
    }
}
