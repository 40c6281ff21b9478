// The direct stream of Kafka to a count and a checksum: the workload `kafka_source` of `benches/kafka`, on the same topics.
package org.apache.spark.streaming.peer

import java.nio.{ByteBuffer, ByteOrder}
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicLong

import org.apache.kafka.common.TopicPartition
import org.apache.kafka.common.serialization.ByteArrayDeserializer
import org.apache.spark.{SparkConf, SparkContext}
import org.apache.spark.streaming.{Seconds, StreamingContext}
import org.apache.spark.streaming.kafka010.{ConsumerStrategies, KafkaUtils, LocationStrategies}

/** What tasks have added up. Tasks of this JVM find it without it being sent. */
object KafkaTotal {
  val records = new AtomicLong
  val sum = new AtomicLong
}

object Kafka {
  /** What a record adds to the checksum: a mix of its first 8 bytes. */
  private def sumOf(payload: Array[Byte]): Long =
    Mix.mix(ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN).getLong)

  private def conf(): SparkConf = new SparkConf()
    .setMaster(s"local[${Spark.CORES}]")
    .setAppName("peer")
    .set("spark.ui.enabled", "false")
    .set("spark.locality.wait", "0")
    .set("spark.local.dir", Spark.scratch)

  /** One run over all of a topic: a stream that begins at its first records, and is stopped when all were added up. */
  private def read(sc: SparkContext, brokers: String, topic: String, partitions: Int, records: Long, run: Int): Timed = {
    KafkaTotal.records.set(0)
    KafkaTotal.sum.set(0)
    val params = Map[String, Object](
      "bootstrap.servers" -> brokers,
      "key.deserializer" -> classOf[ByteArrayDeserializer],
      "value.deserializer" -> classOf[ByteArrayDeserializer],
      "group.id" -> s"spark-$topic-$run",
      "enable.auto.commit" -> java.lang.Boolean.FALSE,
      "isolation.level" -> "read_committed",
      "auto.offset.reset" -> "earliest")
    val begin = (0 until partitions).map(new TopicPartition(topic, _) -> 0L).toMap
    val done = new CountDownLatch(1)
    Measure.timed {
      val ssc = new StreamingContext(sc, Seconds(1))
      val stream = KafkaUtils.createDirectStream[Array[Byte], Array[Byte]](ssc, LocationStrategies.PreferConsistent,
        ConsumerStrategies.Assign[Array[Byte], Array[Byte]](begin.keys.toSeq, params, begin))
      stream.foreachRDD { rdd =>
        rdd.foreachPartition { all =>
          var (n, sum) = (0L, 0L)
          while (all.hasNext) {
            sum += sumOf(all.next().value)
            n += 1
          }
          KafkaTotal.sum.addAndGet(sum)
          KafkaTotal.records.addAndGet(n)
        }
        if (KafkaTotal.records.get >= records) done.countDown()
      }
      ssc.start()
      done.await()
      ssc.stop(stopSparkContext = false, stopGracefully = false)
    }
  }

  def main(arguments: Array[String]): Unit = {
    val Array(brokers, topic, partitions, records, runs, warm, out) = arguments
    val sc = new SparkContext(conf())
    val timed = (0 until warm.toInt + runs.toInt)
      .map(run => read(sc, brokers, topic, partitions.toInt, records.toLong, run))
      .drop(warm.toInt)
    val checksum = KafkaTotal.sum.get + KafkaTotal.records.get
    new Rows(out).throughput("kafka_source", "spark direct stream", Map("bytes" -> 100, "partitions" -> partitions.toInt),
      records.toLong, timed, checksum, "cpu_runs" -> timed.map(_.cpu))
    sys.exit() // threads of Spark's may be left
  }
}
