import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Batches that are sent in rounds, each when all of the one before has come out. Sources, sinks and the one who
 * measures are in one process and meet here.
 */
final class Rounds {
    record Timed(double wall, double cpu) {}

    /** Batches of a round, that the sources go through. */
    static int batches;
    /** Batches of a round that are timed, the last of it: those before fill a window. */
    static int timed;
    static int rounds;
    /** What sinks have added up of each batch, in the order of sending. */
    static AtomicLongArray sums;

    /** Sources wait here for a round, with the one who measures. */
    static final Phaser start = new Phaser(1);
    /** Sources wait here between what fills a window and what is timed, for it to have come out. */
    static final Phaser filled = new Phaser(1);

    private static long watermarks[];

    static void prepare(int batches, int timed, int rounds, int sinks) {
        Rounds.batches = batches;
        Rounds.timed = timed;
        Rounds.rounds = rounds;
        sums = new AtomicLongArray(batches * rounds);
        watermarks = new long[sinks];
        java.util.Arrays.fill(watermarks, -1);
    }

    static void add(long batch, long sum) {
        // At the end of the input windows come out that end behind the last batch. To fail on them ends the job, and with it
        // a sink that has yet to see that batch.
        if (batch < sums.length()) {
            sums.addAndGet((int) batch, sum);
        }
    }

    static synchronized void watermark(int sink, long watermark) {
        watermarks[sink] = Math.max(watermarks[sink], watermark);
        Rounds.class.notifyAll();
    }

    private static synchronized void await(long batch) throws InterruptedException {
        while (java.util.Arrays.stream(watermarks).min().getAsLong() < batch) {
            Rounds.class.wait();
        }
    }

    /** Lets the sources send round after round; returns how long what is timed of each took. */
    static List<Timed> measure() throws InterruptedException {
        List<Timed> all = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            long first = (long) round * batches;
            start.arriveAndAwaitAdvance();
            if (timed < batches) {
                await(first + batches - timed - 1);
            }
            double cpu = cpuSeconds();
            long wall = System.nanoTime();
            filled.arriveAndAwaitAdvance();
            await(first + batches - 1);
            Timed run = new Timed((System.nanoTime() - wall) / 1e9, cpuSeconds() - cpu);
            System.out.printf("round %d %.3f s %.2f CPU s%n", round, run.wall(), run.cpu());
            all.add(run);
        }
        return all;
    }

    /** The checksum of a round's timed batches, at most so many of them. */
    static long checksum(int round, int most) {
        long whole = 0;
        int first = round * batches + batches - timed;
        for (int batch = first; batch < first + Math.min(timed, most); batch++) {
            whole = Mix.mix(whole ^ sums.get(batch));
        }
        return whole;
    }

    static Timed median(List<Timed> runs) {
        return runs.stream().sorted(Comparator.comparing(Timed::wall)).toList().get((runs.size() - 1) / 2);
    }

    /** CPU seconds of this process with all its threads: the compiler's and the collector's too. */
    static double cpuSeconds() {
        String stat = read("/proc/self/stat");
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
    }

    static long rssBytes() {
        return Long.parseLong(read("/proc/self/statm").split(" ")[1]) * 4096;
    }

    private static String read(String path) {
        try {
            return Files.readString(Path.of(path));
        } catch (IOException failed) {
            throw new RuntimeException(failed);
        }
    }
}
