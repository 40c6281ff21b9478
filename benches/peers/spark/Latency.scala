// Lines over TCP at a given rate, counted by key: see `open_loop` of the benches, whose program sends them.
package org.apache.spark.streaming.peer

import scala.io.Source

import org.apache.spark.SparkContext
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming.{Milliseconds, StreamingContext}
import org.apache.spark.streaming.scheduler.{StreamingListener, StreamingListenerBatchCompleted}
import org.apache.spark.util.SystemClock

/** How many lines of a key, and when the first was due. */
case class Count(lines: Long, due: Long) {
  def plus(other: Count): Count = Count(lines + other.lines, math.min(due, other.due))
}

/** What came out: of each key of a batch, how many, when the first was due, and when it was there. */
object Seen {
  private var all = Vector.empty[(Array[Count], Long)]
  private var lines = 0L
  def clear(): Unit = synchronized { all = Vector.empty; lines = 0 }
  def add(counts: Array[Count], done: Long): Unit = synchronized {
    all :+= (counts, done)
    lines += counts.iterator.map(_.lines).sum
  }
  def total: Long = synchronized(lines)
  /** Latencies in nanoseconds of those that were due so long after the first. */
  def latencies(after: Long): Array[(Long, Long)] = synchronized {
    val start = all.iterator.flatMap(_._1).map(_.due).min
    all.iterator.flatMap { case (counts, done) =>
      counts.iterator.filter(_.due >= start + after).map(count => (done - count.due, count.lines))
    }.toArray
  }
}

/** How long batches waited for their turn. */
class Waiting extends StreamingListener {
  @volatile var last = 0L
  override def onBatchCompleted(batch: StreamingListenerBatchCompleted): Unit =
    last = batch.batchInfo.schedulingDelay.getOrElse(0)
}

object Latency {
  // Seconds of a run.
  private val WARMING = 5
  private val MEASURED = 10

  private def parse(line: String): (java.lang.Long, Count) = {
    val space = line.indexOf(' ')
    (Long.box(line.substring(0, space).toLong), Count(1, line.substring(space + 1).toLong))
  }

  /** A run; returns the latencies with how many records had them, if the batches kept up. */
  private def once(sc: SparkContext, benches: String, interval: Long, rate: Long): Option[Array[(Long, Long)]] = {
    val records = rate * (WARMING + MEASURED)
    val sender = new ProcessBuilder(benches, "send", "--rate", rate.toString, "--records", records.toString).start()
    val port = Source.fromInputStream(sender.getInputStream).getLines.next().toInt
    Seen.clear()
    // Two blocks, and so two tasks, a batch.
    sc.conf.set("spark.streaming.blockInterval", s"${interval / 2}ms")
    val ssc = new StreamingContext(sc, Milliseconds(interval))
    val waiting = new Waiting
    ssc.addStreamingListener(waiting)
    val counts = ssc.socketTextStream("127.0.0.1", port, StorageLevel.MEMORY_ONLY)
      .map(parse)
      .reduceByKey((a: Count, b: Count) => a.plus(b), Spark.CORES)
    counts.foreachRDD(rdd => rdd.foreachPartition { counts =>
      val all = counts.map(_._2).toArray
      Seen.add(all, System.nanoTime)
    })
    ssc.start()
    val latest = System.nanoTime + (WARMING + MEASURED + 5) * 1000000000L
    while (Seen.total < records && System.nanoTime < latest) Thread.sleep(20)
    val keptUp = Seen.total == records && waiting.last <= interval
    println(s"interval $interval ms, $rate records/s: ${Seen.total} of $records, the last waited ${waiting.last} ms")
    sender.destroy()
    ssc.stop(stopSparkContext = false)
    if (keptUp) Some(Seen.latencies(WARMING * 1000000000L)) else None
  }

  /** Quantiles as `iter_quantiles(5)` of a histogram gives them: five steps to each half of what is left. */
  private def steps: Seq[Double] =
    (0 until 14).flatMap(half => (0 until 5).map(step => 1 - math.pow(0.5, half) * (1 - step / 10.0))) :+ 1.0

  def run(benches: String, rate: Long, intervals: Seq[Long], runs: Int, rows: Rows): Unit = {
    // One core is the receiver's, which mostly waits.
    val sc = new SparkContext(Spark.conf(Spark.CORES + 1)
      .set("spark.streaming.clock", classOf[SystemClock].getName))
    once(sc, benches, 500, rate) // the virtual machine's warming up
    once(sc, benches, 200, rate)
    // The smallest that keeps up every time.
    val found = intervals.view.flatMap { interval =>
      val all = Iterator.continually(once(sc, benches, interval, rate)).take(runs).takeWhile(_.nonEmpty).flatten.toVector
      if (all.length == runs) Some((interval, all)) else None
    }.headOption
    val (interval, all) = found.getOrElse(sys.error(s"no interval keeps up with $rate records/s"))
    val sorted = all.flatten.sorted
    val records = sorted.map(_._2).sum
    val upTo = sorted.scanLeft(0L)(_ + _._2).tail.toArray
    def at(quantile: Double): Double = {
      val rank = math.max(1, math.ceil(quantile * records).toLong)
      val index = java.util.Arrays.binarySearch(upTo, rank)
      sorted(if (index < 0) -index - 1 else index)._1 / 1e3
    }
    rows.write("latency", s"Spark DStreams, $interval ms", Map("load" -> "open loop over TCP", "records_per_s" -> rate),
      "records" -> records, "p50_us" -> at(0.5), "p99_us" -> at(0.99), "p999_us" -> at(0.999),
      "histogram" -> steps.map(quantile => (quantile, at(quantile))))
    sc.stop()
  }
}
