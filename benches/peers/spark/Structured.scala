// Word count per batch by Structured Streaming: batches are queries of `foreachBatch`.
package org.apache.spark.streaming.peer

import java.lang.management.ManagementFactory

import org.apache.spark.sql.{DataFrame, SparkSession}
import org.apache.spark.sql.execution.streaming.MemoryStream
import org.apache.spark.sql.functions.{explode, split}

object Structured {
  def run(data: String, words: Int, measured: Int, warming: Int, rows: Rows): Unit = {
    val spark = SparkSession.builder.config(Spark.conf())
      .config("spark.sql.shuffle.partitions", Spark.CORES)
      .config("spark.sql.adaptive.enabled", false)
      .config("spark.sql.streaming.pollingDelay", "1ms")
      .config("spark.sql.streaming.checkpointLocation", Spark.scratch + "/structured")
      .getOrCreate()
    import spark.implicits._
    implicit val context = spark.sqlContext
    val batches = Input.lines(data).map(_.map(_.asInstanceOf[String]).toSeq)
    val input = MemoryStream[String](Spark.CORES)
    val count = (batch: DataFrame, number: Long) =>
      batch.select(explode(split($"value", " ")).as("word")).groupBy("word").count().queryExecution.toRdd
        .foreachPartition { counts =>
          var sum = 0L
          counts.foreach(row => sum += Mix.mix(Mix.text(row.getUTF8String(0).toString) ^ row.getLong(1)))
          Sums.add(number, sum)
        }
    val query = input.toDF.writeStream.foreachBatch(count).start()
    // What it takes to encode the input is no part of the work.
    val ours = ManagementFactory.getThreadMXBean
    val rounds = (0 until warming + measured).map { round =>
      val (cpu, walls) = (Measure.cpuSeconds(), new Array[Double](batches.length))
      var aside = 0L
      for ((batch, n) <- batches.zipWithIndex) {
        val before = ours.getCurrentThreadCpuTime
        input.addData(batch)
        aside += ours.getCurrentThreadCpuTime - before
        walls(n) = Measure.timed(query.processAllAvailable()).wall
      }
      val timed = Timed(walls.sum, Measure.cpuSeconds() - cpu - aside / 1e9)
      println(f"round $round ${timed.wall}%.3f s ${timed.cpu}%.2f CPU s")
      (timed, Mix.fold(batches.indices.map(n => Sums.take(round.toLong * batches.length + n))))
    }
    require(rounds.map(_._2).distinct.length == 1, "runs differ")
    val params = Map("words_a_batch" -> words, "batches" -> batches.length)
    rows.throughput("words", "Spark Structured Streaming", params, words.toLong * batches.length,
      rounds.drop(warming).map(_._1), rounds.head._2)
    query.stop()
    spark.stop()
  }
}
