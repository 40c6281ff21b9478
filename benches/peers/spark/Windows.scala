// A sum by key over a sliding window, with its inverse and without.
package org.apache.spark.streaming.peer

import org.apache.spark.SparkContext
import org.apache.spark.storage.StorageLevel

object Windows {
  private type Pair = (java.lang.Long, java.lang.Long)

  private def add(a: java.lang.Long, b: java.lang.Long): java.lang.Long = Long.box(a + b)
  private def subtract(a: java.lang.Long, b: java.lang.Long): java.lang.Long = Long.box(a - b)

  def pipeline(driven: Driven, inverse: Boolean, window: Int): Unit = {
    val size = Spark.INTERVAL * window
    val pairs = new HeldStream[Pair](driven.ssc, 0, _.asInstanceOf[Pair])
    val sums =
      if (inverse) pairs.reduceByKeyAndWindow(add _, subtract _, size, Spark.INTERVAL, Spark.CORES)
      else {
        // What `reduceByKeyAndWindow` does without an inverse, but for the storage level.
        val reduced = pairs.reduceByKey(add _, Spark.CORES)
        val window = reduced.window(size)
        reduced.persist(StorageLevel.MEMORY_ONLY)
        window.reduceByKey(add _, Spark.CORES)
      }
    // Objects, not their bytes, which are the default.
    if (inverse) sums.persist(StorageLevel.MEMORY_ONLY)
    // A sum of nothing stays in a window with an inverse; it is no difference.
    driven.output(sums) { case (key, sum) => if (sum == 0) 0 else Mix.mix(Mix.mix(key) ^ sum) }
  }

  def run(data: String, inverse: Boolean, window: Int, measured: Int, rows: Rows): Unit = {
    val timed = 20
    val batches = Input.pairs(s"$data/pairs-100k", window + timed)
    Held.sources = Array(Lockstep.goRound(batches, window))
    val sc = new SparkContext(Spark.conf())
    val params = Map("aggregate" -> (if (inverse) "sum with inverse" else "sum by two stacks"), "delivers" -> "contents",
      "key" -> "u64", "records_a_batch" -> batches(0).length, "window" -> window)
    val all = Lockstep.run(sc, checkpoints = inverse, window, timed, measured) { driven =>
      pipeline(driven, inverse, window)
    }
    all.row(rows, "windows", "Spark DStreams", params, batches(0).length)
    sc.stop()
  }
}

/**
 * Runs of a pipeline that is given a batch at a time. It is filled once and goes on from run to run; the first runs are
 * the virtual machine's warming up.
 */
object Lockstep {
  /** Batches that a checksum is of: as many in every engine. */
  private val CHECKED = 10

  case class All(runs: Seq[Seq[Timed]], checksum: Long) {
    def row(rows: Rows, workload: String, engine: String, params: Map[String, Any], records: Long): Unit = {
      val means = runs.map(run => Timed(run.map(_.wall).sum / run.length, run.map(_.cpu).sum / run.length))
      val sorted = runs.flatten.map(_.wall * 1e6).sorted
      val at = (q: Double) => sorted(((sorted.length - 1) * q).round.toInt)
      rows.throughput(workload, engine, params, records, means, checksum,
        "p50_us" -> at(0.5), "p99_us" -> at(0.99), "p999_us" -> at(0.999))
    }
  }

  /** `total`: what a batch delivers are changes, and the sum of all of them is what is checked. */
  def run(sc: SparkContext, checkpoints: Boolean, filling: Int, timed: Int, measured: Int, warming: Int = 3,
      total: Boolean = false)(pipeline: Driven => Unit): All = {
    val driven = new Driven(sc, checkpoints)
    pipeline(driven)
    driven.ssc.start()
    (0 until filling).foreach(_ => driven.advance(1))
    val runs = (0 until warming + measured).map { round =>
      // What the collector and the cleaner put off is in a run's CPU time: it is taken over all batches.
      val cpu = Measure.cpuSeconds()
      val walls = (0 until timed).map(_ => Measure.timed(driven.advance(1)).wall)
      val cpuPerBatch = (Measure.cpuSeconds() - cpu) / timed
      println(f"round $round ${walls.sum / timed * 1e3}%.0f ms ${cpuPerBatch * 1e3}%.0f ms CPU a batch")
      walls.map(Timed(_, cpuPerBatch))
    }
    driven.stop()
    val each = (0 until filling + CHECKED).map(n => Sums.take(n))
    val sums = (if (total) each.scanLeft(0L)(_ + _).tail else each).drop(filling)
    All(runs.drop(warming), Mix.fold(sums))
  }

  /** Batches by number; those behind the filling go round. */
  def goRound(batches: IndexedSeq[Array[AnyRef]], filling: Int): Int => Array[AnyRef] =
    n => batches(if (n < filling) n else filling + (n - filling) % (batches.length - filling))
}
