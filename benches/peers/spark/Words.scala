// Word count per batch, by `reduceByKey`.
package org.apache.spark.streaming.peer

import org.apache.spark.SparkContext

object Words {
  /** The words of a line; a regular expression would take twice the time. */
  def split(line: String): Iterator[String] = new Iterator[String] {
    private var at = 0
    override def hasNext: Boolean = at < line.length
    override def next(): String = {
      val space = line.indexOf(' ', at)
      val end = if (space < 0) line.length else space
      val word = line.substring(at, end)
      at = end + 1
      word
    }
  }

  private val ONE = Long.box(1)

  def pipeline(driven: Driven): Unit = {
    val counts = new HeldStream[String](driven.ssc, 0, _.asInstanceOf[String])
      .flatMap(split)
      .map(word => (word, ONE))
      .reduceByKey((a: java.lang.Long, b: java.lang.Long) => Long.box(a + b), Spark.CORES)
    driven.output(counts) { case (word, n) => Mix.mix(Mix.text(word) ^ n) }
  }

  def run(data: String, words: Int, measured: Int, warming: Int, rows: Rows): Unit = {
    val batches = Input.lines(data)
    Held.sources = Array(n => batches(n % batches.length))
    val sc = new SparkContext(Spark.conf())
    val driven = new Driven(sc, checkpoints = false)
    pipeline(driven)
    driven.ssc.start()
    var (runs, checksums) = (Seq.empty[Timed], Set.empty[Long])
    for (round <- 0 until warming + measured) {
      // All batches are due at once: jobs are made while others run.
      val timed = Measure.timed(driven.advance(batches.length))
      if (round >= warming) runs :+= timed
      checksums += Mix.fold(batches.indices.map(n => Sums.take(round.toLong * batches.length + n)))
      println(f"round $round ${timed.wall}%.3f s ${timed.cpu}%.2f CPU s")
    }
    require(checksums.size == 1, "runs differ")
    val params = Map("words_a_batch" -> words, "batches" -> batches.length)
    rows.throughput("words", "Spark DStreams", params, words.toLong * batches.length, runs, checksums.head)
    driven.stop()
    sc.stop()
  }
}
