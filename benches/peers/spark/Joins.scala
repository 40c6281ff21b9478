// Two windows joined by key. Each batch is partitioned once, so that all joins are of partitions that lie together.
package org.apache.spark.streaming.peer

import org.apache.spark.{HashPartitioner, SparkContext}
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming.dstream.DStream

object Joins {
  private type Side = (java.lang.Long, java.lang.Long)

  private def pairHash(left: Long, right: Long): Long =
    (left * 0x9e3779b97f4a7c15L ^ right) * 0xbf58476d1ce4e5b9L

  /** `newPairs`: those that a batch brings; else the whole window's. */
  def run(data: String, newPairs: Boolean, measured: Int, rows: Rows): Unit = {
    val (window, timed) = (10, 20)
    val left = Input.pairs(s"$data/join-left-50k", window + timed)
    val right = Input.pairs(s"$data/join-right-50k", window + timed)
    Held.sources = Array(Lockstep.goRound(left, window), Lockstep.goRound(right, window))
    val sc = new SparkContext(Spark.conf())
    val params = Map("delivers" -> (if (newPairs) "new pairs" else "contents"), "key" -> "u64", "keys" -> 100000,
      "records_a_side" -> left(0).length, "window" -> window)
    val all = Lockstep.run(sc, checkpoints = false, window, timed, measured) { driven =>
      val size = Spark.INTERVAL * window
      val partitioner = new HashPartitioner(Spark.CORES)
      driven.ssc.remember(size * 2)
      def side(source: Int): DStream[Side] =
        new HeldStream[Side](driven.ssc, source, _.asInstanceOf[Side]).transform(_.partitionBy(partitioner))
      val (lefts, rights) = (side(0), side(1))
      val (leftWindow, rightWindow) = (lefts.window(size), rights.window(size))
      val pairs =
        if (newPairs) {
          // The batch of the left with the window of the right, and the left's window before with the right's batch.
          val before = rights.transform { (batch, time) =>
            val batches = lefts.slice(time - Spark.INTERVAL * (window - 1), time - Spark.INTERVAL)
            if (batches.isEmpty) sc.emptyRDD[(java.lang.Long, Side)]
            else sc.union(batches).join(batch, partitioner)
          }
          lefts.join(rightWindow, partitioner).union(before)
        } else leftWindow.join(rightWindow, partitioner)
      Seq(lefts, rights).foreach(_.persist(StorageLevel.MEMORY_ONLY))
      driven.output(pairs) { case (_, (left, right)) => pairHash(left, right) }
    }
    all.row(rows, "joins", "Spark DStreams", params, left(0).length * 2)
    sc.stop()
  }
}
