// What the workloads share: input that is held in memory, a clock that is moved on by hand, checksums and rows.
// In Spark's package, because its manual clock is not public.
package org.apache.spark.streaming.peer

import java.io.{FileWriter, PrintWriter}
import java.nio.charset.StandardCharsets.US_ASCII
import java.nio.file.{Files, Path, Paths}
import java.util.concurrent.{ConcurrentHashMap, LinkedBlockingQueue}
import java.util.concurrent.atomic.AtomicLong

import scala.collection.JavaConverters._
import scala.reflect.ClassTag

import org.apache.spark.{Partition, SparkConf, SparkContext, TaskContext}
import org.apache.spark.rdd.RDD
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming.{Duration, Seconds, StreamingContext, Time}
import org.apache.spark.streaming.dstream.{DStream, InputDStream}
import org.apache.spark.util.ManualClock

/** Hashes that every language makes alike: see `measure::mix` of the benches. */
object Mix {
  def mix(x: Long): Long = {
    val a = x + 0x9e3779b97f4a7c15L
    val b = (a ^ (a >>> 30)) * 0xbf58476d1ce4e5b9L
    val c = (b ^ (b >>> 27)) * 0x94d049bb133111ebL
    c ^ (c >>> 31)
  }

  def text(text: String): Long = {
    var (hash, i) = (7L, 0)
    while (i < text.length) {
      hash = mix(hash ^ text.charAt(i))
      i += 1
    }
    hash
  }

  def fold(sums: Iterable[Long]): Long = sums.foldLeft(0L)((whole, sum) => mix(whole ^ sum))
}

/** The input, where tasks find it without having it sent. */
object Held {
  @volatile var sources: Array[Int => Array[AnyRef]] = Array.empty
}

class Slice(override val index: Int) extends Partition

/** The records of a batch, in as many partitions as there are cores. `split` makes records of what is held. */
class HeldRDD[T: ClassTag](sc: SparkContext, source: Int, batch: Int, parts: Int, record: AnyRef => T)
    extends RDD[T](sc, Nil) {
  override def getPartitions: Array[Partition] = Array.tabulate(parts)(new Slice(_))
  override def compute(split: Partition, context: TaskContext): Iterator[T] = {
    val all = Held.sources(source)(batch)
    val (from, until) = (all.length.toLong * split.index / parts, all.length.toLong * (split.index + 1) / parts)
    new Iterator[T] {
      private var at = from.toInt
      override def hasNext: Boolean = at < until
      override def next(): T = {
        at += 1
        record(all(at - 1))
      }
    }
  }
}

/** A stream of what is held: batch 0 first. */
class HeldStream[T: ClassTag](streaming: StreamingContext, source: Int, record: AnyRef => T)
    extends InputDStream[T](streaming) {
  override def start(): Unit = ()
  override def stop(): Unit = ()
  override def compute(time: Time): Option[RDD[T]] = {
    val batch = (time.milliseconds / slideDuration.milliseconds - 1).toInt
    Some(new HeldRDD[T](context.sparkContext, source, batch, Spark.CORES, record))
  }
}

/** What tasks have added up of each batch, by its number. Tasks of this JVM find it without it being sent. */
object Sums {
  private val sums = new ConcurrentHashMap[Long, AtomicLong]
  def add(batch: Long, sum: Long): Unit = sums.computeIfAbsent(batch, _ => new AtomicLong).addAndGet(sum)
  def take(batch: Long): Long = Option(sums.remove(batch)).fold(0L)(_.get)
}

object Spark {
  val CORES = 2
  val INTERVAL: Duration = Seconds(1) // of the manual clock

  def conf(cores: Int = CORES): SparkConf = new SparkConf()
    .setMaster(s"local[$cores]")
    .setAppName("peer")
    .set("spark.ui.enabled", "false")
    .set("spark.default.parallelism", CORES.toString)
    .set("spark.serializer", "org.apache.spark.serializer.KryoSerializer")
    .set("spark.kryo.referenceTracking", "false")
    .registerKryoClasses(Array(classOf[(_, _)], classOf[java.lang.Long], classOf[String]))
    .set("spark.shuffle.compress", "false")
    .set("spark.shuffle.spill.compress", "false")
    .set("spark.broadcast.compress", "false")
    .set("spark.locality.wait", "0")
    .set("spark.executor.heartbeatInterval", "60s")
    .set("spark.network.timeout", "600s")
    .set("spark.local.dir", scratch)
    .set("spark.streaming.clock", classOf[ManualClock].getName)

  /** Shuffle files and checkpoints are on a file system in memory. */
  def scratch: String = sys.props("peer.scratch")
}

/** A streaming context whose clock is moved by hand, batch by batch or many at once. */
class Driven(sc: SparkContext, checkpoints: Boolean) {
  val ssc = new StreamingContext(sc, Spark.INTERVAL)
  if (checkpoints) ssc.checkpoint(Spark.scratch + "/checkpoints")
  private lazy val clock = ssc.scheduler.clock.asInstanceOf[ManualClock]

  /** A batch is done when `sum` of all its records was added up. This is the whole output. */
  def output[T](stream: DStream[T])(sum: T => Long): Unit = stream.foreachRDD { (rdd, time) =>
    val batch = time.milliseconds / Spark.INTERVAL.milliseconds - 1
    rdd.foreachPartition { records =>
      var whole = 0L
      while (records.hasNext) whole += sum(records.next())
      Sums.add(batch, whole)
    }
    Driven.done.put(batch)
  }

  /** Makes the next batches due, and returns when the last is done. */
  def advance(batches: Int): Unit = {
    clock.advance(Spark.INTERVAL.milliseconds * batches)
    (0 until batches).foreach(_ => Driven.done.take())
  }

  def stop(): Unit = ssc.stop(stopSparkContext = false)
}

object Driven {
  /** Batches that are done; not a part of any stream, which Spark writes to its checkpoints. */
  private val done = new LinkedBlockingQueue[Long]
}

case class Timed(wall: Double, cpu: Double)

object Measure {
  /** CPU seconds of this process with all its threads: the compiler's and the collector's too. */
  def cpuSeconds(): Double = {
    val stat = new String(Files.readAllBytes(Paths.get("/proc/self/stat")))
    stat.substring(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(_.toLong).sum / 100.0
  }

  def rssBytes(): Long =
    new String(Files.readAllBytes(Paths.get("/proc/self/statm"))).split(' ')(1).toLong * 4096

  def timed(work: => Unit): Timed = {
    val (cpu, wall) = (cpuSeconds(), System.nanoTime)
    work
    Timed((System.nanoTime - wall) / 1e9, cpuSeconds() - cpu)
  }

  def median(all: Seq[Timed]): Timed = all.sortBy(_.wall).apply((all.length - 1) / 2)
}

/** Lines of JSON in the shape of the benches' `Row`. */
class Rows(path: String) {
  private def json(value: Any): String = value match {
    case text: String => "\"" + text + "\""
    case map: Map[_, _] => map.map { case (key, value) => s""""$key":${json(value)}""" }.mkString("{", ",", "}")
    case all: Seq[_] => all.map(json).mkString("[", ",", "]")
    case (a, b) => s"[${json(a)},${json(b)}]"
    case other => other.toString
  }

  def write(workload: String, engine: String, params: Map[String, Any], fields: (String, Any)*): Unit = {
    val row = Seq("workload" -> workload, "params" -> params, "engine" -> engine, "workers" -> Spark.CORES) ++
      fields :+ ("rss_bytes" -> Measure.rssBytes())
    val line = row.map { case (key, value) => s""""$key":${json(value)}""" }.mkString("{", ",", "}")
    println(line.take(400))
    val out = new PrintWriter(new FileWriter(path, true))
    try out.println(line) finally out.close()
  }

  /** A row of a throughput: the run in the middle, and all runs' seconds. */
  def throughput(workload: String, engine: String, params: Map[String, Any], records: Long, runs: Seq[Timed],
      checksum: Long, more: (String, Any)*): Unit = {
    val middle = Measure.median(runs)
    write(workload, engine, params, Seq(
      "records" -> records,
      "seconds" -> middle.wall,
      "records_per_s" -> records / middle.wall,
      "cpu_seconds" -> middle.cpu,
      "runs" -> runs.map(_.wall),
      "checksum" -> f"$checksum%016x") ++ more: _*)
  }
}

object Input {
  private def files(directory: String): Seq[Path] = {
    val listed = Files.list(Paths.get(directory))
    try listed.iterator.asScala.toVector.sorted finally listed.close()
  }

  /** Strings of one byte a letter, as Java has them. */
  def lines(directory: String, batches: Int = Int.MaxValue): IndexedSeq[Array[AnyRef]] =
    files(directory).take(batches).map(file => Files.readAllLines(file, US_ASCII).toArray).toIndexedSeq

  /** Pairs of boxed numbers, as a user's stream has them; keys are unsigned. */
  def pairs(directory: String, batches: Int): IndexedSeq[Array[AnyRef]] =
    files(directory).take(batches).map { file =>
      Files.readAllLines(file, US_ASCII).asScala.map { line =>
        val space = line.indexOf(' ')
        val key = java.lang.Long.parseUnsignedLong(line.substring(0, space))
        (Long.box(key), Long.box(line.substring(space + 1).toLong)): AnyRef
      }.toArray
    }.toIndexedSeq
}
