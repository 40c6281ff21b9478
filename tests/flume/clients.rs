//! Clients that are neither Flume's nor ours.

use super::*;

/// Runs a script with the port of a job's source, and gives what came into the job.
async fn run(source: flume::Listen, script: &'static str) -> Option<(Vec<flume::Event>, flume::Connections)> {
    if !has_agents() {
        return None;
    }
    let (port, connections) = (source.local_addr().port().to_string(), source.connections());
    let (copies, collected) = collect();
    let mut job = Engine::new().start(copy::Ports { events: source, copies }).expect("it starts");
    let interface = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/pins/flume.thrift");
    let done = move || Command::new(SERVERS).args(["python", "-c", script, &port, interface]).output();
    let done = tokio::task::spawn_blocking(done).await.expect("it does not panic").expect("Python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    job.stop().await.expect("it ends well");
    Some((collected.records(), connections))
}

#[tokio::test(flavor = "multi_thread")]
async fn thrift_of_python_by_both_protocols() {
    let script = "
import sys, thriftpy2
from thriftpy2.rpc import make_client
from thriftpy2.protocol import TCompactProtocolFactory, TBinaryProtocolFactory
from thriftpy2.transport import TFramedTransportFactory
from thriftpy2.thrift import TApplicationException
flume = thriftpy2.load(sys.argv[2], module_name='flume_thrift')
for protocol in (TCompactProtocolFactory(), TBinaryProtocolFactory()):
    make = lambda service: make_client(service, '127.0.0.1', int(sys.argv[1]), timeout=10000, proto_factory=protocol, trans_factory=TFramedTransportFactory())
    client = make(flume.ThriftSourceProtocol)
    event = lambda n, size=3: flume.ThriftFlumeEvent(headers={str(h): 'ü' * h for h in range(n)}, body=b'x' * size)
    assert client.append(event(0)) == flume.Status.OK
    assert client.append(event(20, 1 << 20)) == flume.Status.OK
    assert client.appendBatch([]) == flume.Status.OK
    assert client.appendBatch([event(1, 0)] * 100) == flume.Status.OK
    # A method that there is not, and the connection goes on.
    flume.ThriftSourceProtocol.thrift_services.append('nothing')
    flume.ThriftSourceProtocol.nothing_args = flume.ThriftSourceProtocol.append_args
    flume.ThriftSourceProtocol.nothing_result = flume.ThriftSourceProtocol.append_result
    try:
        client._req('nothing', event(0))
        assert False, 'it is unknown'
    except TApplicationException as error:
        assert 'append' in error.message, error
    assert client.append(event(0)) == flume.Status.OK
    client.close()
";
    let source = flume::listen_thrift("127.0.0.1:0").expect("a free port");
    let Some((events, connections)) = run(source, script).await else { return };
    assert_eq!(events.len(), 2 * 103);
    let large =
        events.iter().filter(|event| event.body.len() == 1 << 20 && event.headers["19"] == "ü".repeat(19));
    assert_eq!(large.count(), 2);
    assert_eq!((connections.accepted(), connections.malformed()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn avro_of_python_whose_protocol_is_written_otherwise() {
    let script = "
import hashlib, io, json, socket, struct, sys, fastavro
md5 = {'type': 'fixed', 'name': 'MD5', 'size': 16}
meta = ['null', {'type': 'map', 'values': 'bytes'}]
request = fastavro.parse_schema({'type': 'record', 'name': 'Request', 'fields': [{'name': 'clientHash', 'type': md5}, {'name': 'clientProtocol', 'type': ['null', 'string']},
    {'name': 'serverHash', 'type': 'MD5'}, {'name': 'meta', 'type': meta}]})
response = fastavro.parse_schema({'type': 'record', 'name': 'Response', 'fields': [{'name': 'match', 'type': {'type': 'enum', 'name': 'Match', 'symbols': ['BOTH', 'CLIENT', 'NONE']}},
    {'name': 'serverProtocol', 'type': ['null', 'string']}, {'name': 'serverHash', 'type': ['null', md5]}, {'name': 'meta', 'type': meta}]})
string = {'type': 'string', 'avro.java.string': 'String'}
event = {'type': 'record', 'name': 'AvroFlumeEvent', 'doc': 'ours', 'fields': [{'name': 'headers', 'type': {'type': 'map', 'values': string}}, {'name': 'body', 'type': 'bytes'}]}
status = {'type': 'enum', 'name': 'Status', 'symbols': ['OK', 'FAILED', 'UNKNOWN']}
protocol = lambda event: json.dumps({'protocol': 'AvroSourceProtocol', 'namespace': 'other', 'types': [status, event], 'messages': {
    'append': {'request': [{'name': 'event', 'type': 'AvroFlumeEvent'}], 'response': 'Status'}}})
mine = protocol(event)
def datum(schema, value):
    out = io.BytesIO(); fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value); return out.getvalue()
def connect(): return socket.create_connection(('127.0.0.1', int(sys.argv[1])), 10)
def call(link, message, cut):
    parts = [message[i:i + cut] for i in range(0, len(message), cut)] + [b'']
    link.sendall(struct.pack('>ii', 77, len(parts)) + b''.join(struct.pack('>i', len(p)) + p for p in parts))
    def exactly(n):
        got = b''
        while len(got) < n:
            more = link.recv(n - len(got))
            if not more: raise EOFError
            got += more
        return got
    serial, count = struct.unpack('>ii', exactly(8))
    assert serial == 77, serial
    return io.BytesIO(b''.join(exactly(struct.unpack('>i', exactly(4))[0]) for _ in range(count)))
def shake(text, server, say): return datum(request, {'clientHash': hashlib.md5(text.encode()).digest(), 'clientProtocol': text if say else None, 'serverHash': server, 'meta': {'a': b'b'}})
def append(name, value): return datum({'type': 'map', 'values': 'bytes'}, {'who': b'me'}) + datum('string', name) + value
body = datum(event, {'headers': {'a': 'ü', 'b': ''}, 'body': bytes(range(256))})
link = connect()
said = fastavro.schemaless_reader(call(link, shake(mine, bytes(16), False) + append('append', body), 7), response)
assert said['match'] == 'NONE', said
answer = call(link, shake(mine, bytes(16), True) + append('append', body), 7)
told = fastavro.schemaless_reader(answer, response)
assert told['match'] == 'CLIENT' and 'appendBatch' in told['serverProtocol'], told
assert hashlib.md5(told['serverProtocol'].encode()).digest() == told['serverHash'], 'the hash is that of the text'
assert answer.read() == b'\\0\\0\\0', 'OK'
# Without a handshake from now on; an array in blocks with sizes.
block = struct.pack('b', 0) # none
two = datum('long', -2) + datum('long', 2 * len(body)) + body + body + block
assert call(link, append('appendBatch', two), 5).read() == b'\\0\\0\\0'
refused = call(link, append('nothing', b''), 100).read()
assert refused[1] == 1 and b'append' in refused, refused
assert call(link, append('append', body), 100).read() == b'\\0\\0\\0'
# Another protocol is refused.
link = connect()
try:
    call(link, shake(protocol({**event, 'fields': event['fields'][:1]}), bytes(16), True) + append('append', body), 100)
    assert False, 'it is refused'
except (EOFError, ConnectionError): pass
";
    let source = flume::listen_avro("127.0.0.1:0").expect("a free port");
    let Some((events, connections)) = run(source, script).await else { return };
    let event = flume::Event::new((0..=255).collect::<Vec<u8>>()).header("a", "ü").header("b", "");
    assert_eq!(events, vec![event; 4]);
    assert_eq!((connections.accepted(), connections.malformed()), (2, 1));
}
