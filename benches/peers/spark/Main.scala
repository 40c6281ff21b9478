package org.apache.spark.streaming.peer

object Main {
  def main(arguments: Array[String]): Unit = {
    val Array(mode, data, out) = arguments.take(3)
    val more = arguments.drop(3)
    val rows = new Rows(out)
    mode match {
      case "words" =>
        val (name, words) = if (more(0) == "100k") ("words-100k", 100000) else ("words-1m", 1000000)
        Words.run(s"$data/$name", words, more(1).toInt, more(2).toInt, rows)
      case "windows" => Windows.run(data, more(0) == "inverse", more(1).toInt, more(2).toInt, rows)
      case "joins" => Joins.run(data, more(0) == "new", more(1).toInt, rows)
      case "latency" => Latency.run(data, more(0).toLong, more(1).split(',').map(_.toLong), more(2).toInt, rows)
      case "structured" =>
        val (name, words) = if (more(0) == "100k") ("words-100k", 100000) else ("words-1m", 1000000)
        Structured.run(s"$data/$name", words, more(1).toInt, more(2).toInt, rows)
      case "startup" => Resident.startup(data, more(0).toLong, rows)
      case "resident" => Resident.resident(data, more(0), more(1).toInt, rows)
      case "running" => Running.run(more(0) == "changes", more(1).toInt, rows)
    }
    sys.exit() // threads of Spark's may be left
  }
}
