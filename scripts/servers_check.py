"""Whether the servers of `scripts/servers` do what tests need, asked by clients that are not ours: `scripts/servers check`."""
import os, pathlib, signal, socket, subprocess, sys, time, uuid

SERVERS = pathlib.Path(__file__).resolve().parent / "servers"


def eventually(what, probe, seconds=30):
    """The first value of `probe` that is true."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def equal(what, got, want):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, and not {want!r}")
    print(f"  {what}", flush=True)


def kafka():
    from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
    from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic
    from kafka import KafkaConsumer
    address = os.environ["KAFKA"]
    quiet = {"log_level": 0}  # a broker that is away is what is asked for
    admin = AdminClient({**quiet, "bootstrap.servers": address})

    def make(topic, partitions, **config):
        settings = {key.replace("_", "."): str(value) for key, value in config.items()}
        for future in admin.create_topics([NewTopic(topic, partitions, 1, config=settings)]).values():
            future.result()

    def read(topic, partitions, isolation="read_committed"):
        """Keys and values by partition, up to the ends that a consumer of that isolation may see."""
        consumer = Consumer({**quiet, "bootstrap.servers": address, "group.id": str(uuid.uuid4()), "isolation.level": isolation,
                             "auto.offset.reset": "earliest", "enable.partition.eof": True})
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        got, ended = [], set()
        deadline = time.monotonic() + 60
        while len(ended) < partitions:
            assert time.monotonic() < deadline, f"`{topic}` is not read to its end in 60 s"
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error():
                if message.error().name() != "_PARTITION_EOF":
                    raise KafkaException(message.error())
                ended.add(message.partition())
            else:
                got.append((message.partition(), message.offset(), message.key(), message.value()))
        consumer.close()
        return got

    def values(records):
        return [value for *_, value in sorted(records)]

    make("transactions", 1)
    writer = Producer({**quiet, "bootstrap.servers": address, "transactional.id": "check"})
    writer.init_transactions(30)
    for value, commits in ((b"kept", True), (b"taken back", False), (b"kept too", True)):
        writer.begin_transaction()
        writer.produce("transactions", value)
        writer.flush(30)
        (writer.commit_transaction if commits else writer.abort_transaction)(30)
    equal("an aborted transaction is not read", values(read("transactions", 1)), [b"kept", b"kept too"])
    equal("but by who does not ask", len(read("transactions", 1, "read_uncommitted")), 3)
    Producer({**quiet, "bootstrap.servers": address, "transactional.id": "check"}).init_transactions(30)
    writer.begin_transaction()
    writer.produce("transactions", b"of a zombie")
    try:
        writer.commit_transaction(30)
        fenced = False
    except KafkaException as error:
        fenced = error.args[0].name()
    equal("a second producer of an id fences the first", fenced in ("_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH"), True)
    equal("and nothing of it is read", values(read("transactions", 1)), [b"kept", b"kept too"])

    make("grows", 3)
    plain = Producer({**quiet, "bootstrap.servers": address, "topic.metadata.refresh.interval.ms": 200})
    for future in admin.create_partitions([NewPartitions("grows", 6)]).values():
        future.result()
    for partition in range(6):
        eventually("the new partitions are known", lambda: len(plain.list_topics("grows", 5).topics["grows"].partitions) == 6)
        plain.produce("grows", str(partition), partition=partition)
    equal("all is sent", plain.flush(30), 0)
    equal("partitions are added while it runs", sorted(partition for partition, *_ in read("grows", 6)), [0, 1, 2, 3, 4, 5])

    make("compacted", 1, cleanup_policy="compact", segment_ms=100, min_cleanable_dirty_ratio=0.01, max_compaction_lag_ms=100)

    def latest():
        # A new segment begins with a record that comes after `segment.ms`; only closed segments are compacted.
        plain.produce("compacted", b"x", key=b"last")
        plain.flush(30)
        records = read("compacted", 1)
        return [record for record in records if record[2] == b"key"] if records[-1][1] >= len(records) else None

    for n in range(50):
        plain.produce("compacted", str(n), key=b"key")
    plain.flush(30)
    eventually("old values of a key go", lambda: [value for *_, value in latest() or []] == [b"49"], 60)
    equal("a compacted topic has gaps and the last value of a key", latest()[0][1], 49)

    make("expires", 1, retention_ms=100, segment_ms=100)
    consumer = Consumer({**quiet, "bootstrap.servers": address, "group.id": "expires"})

    def begins():
        plain.produce("expires", b"x")
        plain.flush(30)
        return consumer.get_watermark_offsets(TopicPartition("expires", 0), timeout=10)[0] > 0

    equal("retention moves the beginning of a topic", eventually("old segments go", begins, 60), True)
    consumer.close()

    subprocess.run([SERVERS, "restart", "kafka"], check=True)
    equal("a restart keeps data, at the same address", values(read("transactions", 1)), [b"kept", b"kept too"])
    subprocess.run([SERVERS, "restart", "kafka", "--kill"], check=True)
    equal("so does a restart by force", values(read("transactions", 1)), [b"kept", b"kept too"])
    other = KafkaConsumer("grows", bootstrap_servers=address, auto_offset_reset="earliest", group_id=None, consumer_timeout_ms=10000)
    equal("kafka-python reads the same", sorted(int(next(other).value) for _ in range(6)), [0, 1, 2, 3, 4, 5])
    other.close()
    equal("a topic that nobody made is none", "nowhere" in admin.list_topics("nowhere", 10).topics and admin.list_topics(timeout=10).topics.get("nowhere"), None)


def streams(address, shards_end):
    """Kinesis, of either server: shards that split, and what is in them in its order. A closed shard of moto has no end."""
    import boto3
    client = boto3.client("kinesis", endpoint_url=address)
    client.create_stream(StreamName="check", ShardCount=1)
    active = lambda: client.describe_stream(StreamName="check")["StreamDescription"]["StreamStatus"] == "ACTIVE"
    shards = lambda: client.list_shards(StreamName="check")["Shards"]

    def drained(shard):
        """A closed shard's records, to its end."""
        iterator = client.get_shard_iterator(StreamName="check", ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        records = []
        for _ in range(100):
            answer = client.get_records(ShardIterator=iterator)
            records += [record["Data"] for record in answer["Records"]]
            iterator = answer.get("NextShardIterator")
            if iterator is None or not (shards_end or answer["Records"]):
                return records, iterator is None
        raise AssertionError("a closed shard has no end")

    eventually("the stream is made", active)
    first = shards()[0]["ShardId"]
    client.put_records(StreamName="check", Records=[{"Data": str(n).encode(), "PartitionKey": "k"} for n in range(10)])
    client.split_shard(StreamName="check", ShardToSplit=first, NewStartingHashKey=str(2**127))
    eventually("the shard is split", lambda: active() and len(shards()) == 3)
    equal("a split shard has its records", drained(first), ([str(n).encode() for n in range(10)], shards_end))
    equal("its children name it", [shard.get("ParentShardId") for shard in shards()], [None, first, first])
    children = [shard["ShardId"] for shard in shards()[1:]]
    client.merge_shards(StreamName="check", ShardToMerge=children[0], AdjacentShardToMerge=children[1])
    eventually("the shards are merged", lambda: active() and len(shards()) == 4)
    equal("a merged shard names both", {shards()[3]["ParentShardId"], shards()[3]["AdjacentParentShardId"]}, set(children))


def kinesis():
    streams(os.environ["KINESIS"], shards_end=True)
    subprocess.run([SERVERS, "restart", "kinesis"], check=True)
    import boto3
    equal("a restart keeps streams", boto3.client("kinesis", endpoint_url=os.environ["KINESIS"]).list_streams()["StreamNames"], ["check"])


def moto():
    streams(os.environ["MOTO"], shards_end=False)
    import boto3
    from botocore.exceptions import ClientError
    store = boto3.client("s3", endpoint_url=os.environ["MOTO"])
    store.create_bucket(Bucket="check")
    store.put_object(Bucket="check", Key="a", Body=b"1", IfNoneMatch="*")
    try:
        store.put_object(Bucket="check", Key="a", Body=b"2", IfNoneMatch="*")
        code = None
    except ClientError as error:
        code = error.response["Error"]["Code"]
    equal("S3 puts only what is not there", code, "PreconditionFailed")
    equal("and keeps what was", store.get_object(Bucket="check", Key="a")["Body"].read(), b"1")


def flume():
    import thriftpy2
    from thriftpy2.rpc import make_client
    from thriftpy2.protocol import TCompactProtocolFactory
    from thriftpy2.transport import TFramedTransportFactory
    interface = thriftpy2.load(str(SERVERS.parent / "pins/flume.thrift"), module_name="flume_thrift")
    host, port = os.environ["FLUME_THRIFT"].split(":")
    client = make_client(interface.ThriftSourceProtocol, host, int(port), timeout=10000,
                         proto_factory=TCompactProtocolFactory(), trans_factory=TFramedTransportFactory())
    events = [interface.ThriftFlumeEvent(headers={"n": str(n)}, body=f"event {n}".encode()) for n in range(100)]
    equal("an agent's Thrift source takes events", client.appendBatch(events), interface.Status.OK)
    client.close()
    socket.create_connection(os.environ["FLUME_AVRO"].split(":"), 5).close()
    files = pathlib.Path(os.environ["FLUME_DIR"])
    lines = lambda: sorted(line for file in files.iterdir() for line in file.read_text().splitlines())
    want = sorted(f"event {n}" for n in range(100))
    eventually("events arrive", lambda: len(lines()) >= 100)
    equal("its Avro sink hands each to an Avro source once", lines(), want)
    other_sources()


def other_sources():
    """An agent none of whose sources is of Avro or Thrift is waited for by what it has."""
    import tempfile
    kinds = {"lines": "spooldir\nagent.sources.lines.spoolDir = ${dir}/out", "numbers": "seq\nagent.sources.numbers.totalEvents = 5",
             "net": "netcat\nagent.sources.net.bind = 127.0.0.1\nagent.sources.net.port = ${port:NET}"}
    config = "agent.channels = kept\nagent.channels.kept.type = memory\nagent.sinks = none\nagent.sinks.none.type = null\nagent.sinks.none.channel = kept\n"
    config += f"agent.sources = {' '.join(kinds)}\n"
    config += "".join(f"agent.sources.{name}.channels = kept\nagent.sources.{name}.type = {kind}\n" for name, kind in kinds.items())
    with tempfile.NamedTemporaryFile("w", suffix=".properties") as file:
        file.write(config)
        file.flush()
        told = subprocess.run([SERVERS, "start", "flume", "--name", "others", "--config", file.name], check=True, capture_output=True, text=True).stdout
    address = dict(line.split("=", 1) for line in told.split())["OTHERS_NET"]
    with socket.create_connection(address.split(":"), 5) as link:
        link.settimeout(10)
        link.sendall(b"a line\n")
        equal("an agent with other sources takes what they are sent", link.recv(16), b"OK\n")
    subprocess.run([SERVERS, "stop", "others"], check=True)


def nothing_stays():
    """However a run ends, its servers end, and a server that is paused does not answer."""
    # It ends with whoever has started it: what it writes to is waited for.
    script = "import os, time; parent = os.getppid(); print(os.environ['KINESIS'], os.environ['STREAMING_SERVERS_SET'], flush=True)\nwhile os.getppid() == parent: time.sleep(0.1)"
    for number in (signal.SIGTERM, signal.SIGKILL):
        run = subprocess.Popen([SERVERS, "run", "kinesis", "--", sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        address, group = run.stdout.readline().split()
        where = tuple(address.removeprefix("http://").split(":"))

        def answers():
            try:
                with socket.create_connection(where, 2) as link:
                    link.settimeout(0.5)
                    link.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    return bool(link.recv(1))
            except TimeoutError:
                return False
            except ConnectionError:
                return None

        tell = lambda word: subprocess.run([SERVERS, word, "kinesis"], check=True, env={**os.environ, "STREAMING_SERVERS_SET": group})
        for word, want in (("pause", False), ("resume", True), ("down", None), ("up", True), ("pause", False)):
            tell(word)
            equal(f"`{word}` does what it says", answers(), want)
        run.send_signal(number)
        run.wait()
        home = pathlib.Path(os.environ["STREAMING_SERVERS_DIR"]) / "sets" / group
        equal(f"nothing stays of a run that got signal {int(number)}", eventually("it ends", lambda: answers() is None and not home.exists()), True)
    equal("a run has its command's result", subprocess.run([SERVERS, "run", "--", "sh", "-c", "exit 7"]).returncode, 7)


def registry():
    import json, urllib.error, urllib.request
    address = os.environ["REGISTRY"]

    def ask(path, body=None):
        request = urllib.request.Request(address + path, body and json.dumps(body).encode(), {"Content-Type": "application/vnd.schemaregistry.v1+json"})
        try:
            return json.load(urllib.request.urlopen(request, timeout=30))
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["error_code"]

    schema = json.dumps({"type": "record", "name": "A", "fields": [{"name": "n", "type": "long"}]})
    number = ask("/subjects/a-value/versions", {"schema": schema})["id"]
    equal("a schema has an id", type(number), int)
    equal("it has one id", ask("/subjects/b-value/versions", {"schema": schema})["id"], number)
    equal("a schema comes by its id", json.loads(ask(f"/schemas/ids/{number}")["schema"]), json.loads(schema))
    equal("an id that is unknown is refused", ask("/schemas/ids/2147483647"), (404, 40403))


for name in [*sys.argv[1:], "nothing_stays"]:
    print(name, flush=True)
    globals()[name]()
