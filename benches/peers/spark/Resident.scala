// How soon the first batch is out, and what memory a process holds: each in a process of its own.
package org.apache.spark.streaming.peer

import org.apache.spark.SparkContext
import org.apache.spark.storage.StorageLevel

object Resident {
  /** `started`: when the process was started, in nanoseconds since 1970. */
  def startup(data: String, started: Long, rows: Rows): Unit = {
    val driven = words(data, 1)
    driven.advance(1)
    val now = java.time.Instant.now
    val seconds = (now.getEpochSecond * 1000000000L + now.getNano - started) / 1e9
    rows.write("startup", "Spark DStreams", Map("words_a_batch" -> 100000), "records" -> 100000, "seconds" -> seconds,
      "checksum" -> f"${Mix.fold(Seq(Sums.take(0)))}%016x")
  }

  /** After so many batches, a few of which are held and go round. */
  def resident(data: String, what: String, batches: Int, rows: Rows): Unit = {
    val driven = if (what == "words") words(data, HELD) else sums(data)
    (0 until batches).foreach(_ => driven.advance(1))
    val records = 100000L * batches
    val workload = if (what == "words") "word count" else "sum with inverse, window 30"
    rows.write("resident", "Spark DStreams", Map("pipeline" -> workload, "records_a_batch" -> 100000, "batches" -> batches),
      "records" -> records, "checksum" -> f"${Sums.take(batches - 1)}%016x")
  }

  private val HELD = 4

  private def words(data: String, held: Int): Driven = {
    val batches = Input.lines(s"$data/words-100k", held)
    Held.sources = Array(n => batches(n % held))
    val driven = new Driven(new SparkContext(Spark.conf()), checkpoints = false)
    Words.pipeline(driven)
    driven.ssc.start()
    driven
  }

  private def sums(data: String): Driven = {
    val batches = Input.pairs(s"$data/pairs-100k", HELD)
    Held.sources = Array(n => batches(n % HELD))
    val driven = new Driven(new SparkContext(Spark.conf()), checkpoints = true)
    Windows.pipeline(driven, inverse = true, 30)
    driven.ssc.start()
    driven
  }
}
