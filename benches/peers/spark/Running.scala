// A running count of a million keys, what changed in each batch out.
package org.apache.spark.streaming.peer

import org.apache.spark.SparkContext
import org.apache.spark.streaming.{State, StateSpec}

object Running {
  private val (keys, records) = (1000000L, 100000)
  private val filling = (keys / records).toInt
  private type Change = (java.lang.Long, Long, Long)

  /** As `running::Scale::batch` of the benches: first every key once, then any. */
  private def batch(number: Int): Array[AnyRef] = Array.tabulate(records) { n =>
    val i = number.toLong * records + n
    Long.box(Mix.mix(if (i < keys) i else java.lang.Long.remainderUnsigned(Mix.mix(i), keys))): AnyRef
  }

  private def count(key: java.lang.Long, came: Option[java.lang.Long], state: State[java.lang.Long]): Change = {
    val old = state.getOption.fold(0L)(_.longValue)
    val now = old + came.fold(0L)(_.longValue)
    state.update(Long.box(now))
    (key, old, now)
  }

  private def hash(key: java.lang.Long, n: Long): Long = if (n == 0) 0 else Mix.mix(Mix.mix(key) ^ n)

  /** By `mapWithState`, which says what changed, or by `updateStateByKey`, which says all. */
  def run(changes: Boolean, measured: Int, rows: Rows): Unit = {
    val timed = 20
    val batches = (0 until filling + timed).map(batch)
    Held.sources = Array(Lockstep.goRound(batches, filling))
    val sc = new SparkContext(Spark.conf())
    val one = Long.box(1)
    val all = Lockstep.run(sc, checkpoints = true, filling, timed, measured, total = changes) { driven =>
      val stream = new HeldStream[java.lang.Long](driven.ssc, 0, _.asInstanceOf[java.lang.Long])
      val counts = stream.map(key => (key, one))
        .reduceByKey((a: java.lang.Long, b: java.lang.Long) => Long.box(a + b), Spark.CORES)
      if (changes) {
        val changed = counts.mapWithState(StateSpec.function(count _).numPartitions(Spark.CORES))
        driven.output(changed) { case (key, old, now) => hash(key, now) - hash(key, old) }
      } else {
        val update = (came: Seq[java.lang.Long], old: Option[java.lang.Long]) =>
          if (came.isEmpty) old else Some(Long.box(old.fold(0L)(_.longValue) + came.head))
        driven.output(counts.updateStateByKey(update, Spark.CORES)) { case (key, n) => hash(key, n) }
      }
    }
    val engine = if (changes) "Spark DStreams, mapWithState" else "Spark DStreams, updateStateByKey"
    val params = Map("key" -> "u64", "keys" -> keys, "records_a_batch" -> records, "phase" -> "all known",
      "window" -> filling)
    all.row(rows, "running", engine, params, records)
    sc.stop()
  }
}
